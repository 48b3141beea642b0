"""One file that answers as the model does, with its preparation and its calibration, and without torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime
import pytest
import torch
from safetensors.numpy import load, save
from torch import Tensor, nn

from skeltext.cli import main
from skeltext.encoders import temporal_convolution
from skeltext.encoders.encoder import Encoder
from skeltext.encoders.registry import ENCODERS
from skeltext.errors import SkeltextError
from skeltext.formats.npz import write_npz
from skeltext.formats.onnx_file import METADATA
from skeltext.formats.writing import written_aside
from skeltext.methods.building import build_method
from skeltext.methods.model_config import ModelConfig
from skeltext.recognizer import export
from skeltext.recognizer.calibration import Calibration
from skeltext.recognizer.card import Card, save_card
from skeltext.recognizer.checkpoint import write_tensors
from skeltext.recognizer.export import RecordedModel, export_onnx, made_up_clips
from skeltext.recognizer.onnx_model import OnnxModel
from skeltext.recognizer.onnx_recording import recorded_aside
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.tensor_preparation import TENSOR_STEPS, tensor_suffix
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import COCO17, KINECT20, NTU25
from skeltext.skeletons.preprocessing import RECIPES, STEPS, preprocessing_named

SOURCE = Path(__file__).resolve().parents[2] / "src"
WIDTH = 16
LABELS = ["sit down", "juggle three balls", "take a bow"]
pytestmark = pytest.mark.usefixtures("one_thread")


class MeanPose(Encoder):
    """An encoder that is recorded at once: a linear map of the mean pose and of the last one."""

    def __init__(self, *, layout: Layout, features: int = 8) -> None:
        super().__init__()
        self.width = features
        self.linear = nn.Linear(2 * layout.C * layout.V, features)

    def forward(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to (N, D)."""
        found: Tensor = self.linear(torch.cat([clips.mean(dim=2), clips[:, :, -1]], dim=1).mean(dim=3).flatten(1))
        return found


def test_what_is_recorded_has_no_form_for_one_length_of_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transform of a few frames is made for their number, and the graph must take any."""

    def transform(*_: object) -> Tensor:
        raise AssertionError

    monkeypatch.setattr(temporal_convolution, "short_convolution", transform)
    wide = {"hidden": temporal_convolution.NARROWEST, "features": temporal_convolution.NARROWEST}
    method = build_method(
        ModelConfig(method="pgfa", encoder="st_gcn", layout="kinect20", text_width=WIDTH, encoder_options=wide)
    ).eval()
    clips, texts = torch.randn(1, 3, temporal_convolution.LONGEST, 20, 1), torch.randn(2, WIDTH)
    with pytest.raises(AssertionError):
        method.embed(clips)
    embedded, _ = RecordedModel(method, (), KINECT20)(clips, texts)
    assert embedded.isfinite().all()


def checkpoint(folder: Path, *, encoder: str = "mean_pose", method: str = "pgfa", **card: object) -> Path:
    """A checkpoint with random weights; keywords replace what its card says."""
    preprocessing = preprocessing_named("flat50", layout="kinect20", bodies=2)
    made = Card(
        model=ModelConfig(
            method=method,
            encoder=encoder,
            layout="kinect20",
            text_width=WIDTH,
            encoder_options={} if encoder == "mean_pose" else {"hidden": 4, "features": 16},
        ),
        preprocessing=preprocessing,
        text_encoder="minilm",
        texts="complete",
        dataset="made up",
        labels={"wave": "a person waves"},
    )
    made = replace(made, **card)  # type: ignore[arg-type]
    torch.manual_seed(0)
    save_card(folder, made)
    write_tensors(folder / "weights.safetensors", build_method(made.model).state_dict())
    return folder


@pytest.fixture(scope="module")
def mean_pose() -> object:
    """The encoder among those that a card can name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENCODERS, "mean_pose", MeanPose)
        yield


@pytest.fixture(scope="module")
def run(mean_pose: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a calibrated checkpoint."""
    folder = tmp_path_factory.mktemp("export") / "run"
    checkpoint(folder / "checkpoint")
    reference = np.random.default_rng(0).normal(size=(9, WIDTH)).astype(np.float32)
    figures = {"temperature": 0.5, "thresholds": {0.1: 1.5, 0.5: 0.0}, "accepted": {0.1: 0.4}, "about": "made up"}
    Calibration(reference=reference, **figures).save(folder / "checkpoint")  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="module")
def exported(run: Path) -> Path:
    """The run as one file, in a folder of its own."""
    path = run.parent / "elsewhere" / "model.onnx"
    parity = export_onnx(run, path)
    assert parity.scores < 1e-5
    assert all(row.ranking == 1 for row in parity.comparisons)
    assert parity.outside == ("fill_gaps",)
    assert parity.inside == ("centre_each_frame", "scale_by_torso", "resample", "zero_missing")
    assert parity.calibrated
    assert parity.bytes == path.stat().st_size
    assert os.listdir(path.parent) == ["model.onnx"]
    return path


def wandering(layout: Layout, frames: int, *, seed: int) -> np.ndarray:
    """(2, T, V, C) bodies at random, whose shoulders turn about and are sometimes too near to tell a direction."""
    rng = np.random.default_rng([frames, seed])
    x = rng.normal(size=(2, 1, layout.V, layout.C)) + 0.02 * rng.normal(size=(2, frames, layout.V, layout.C)).cumsum(1)
    angle, length = rng.normal(size=frames).cumsum(), np.where(rng.random(frames) < 0.5, 0.02, 0.4)
    left, right = (layout.index(f"{side}_shoulder") for side in ("left", "right"))
    x[0, :, right] = x[0, :, left]
    x[0, :, right, 0] += length * np.cos(angle)
    x[0, :, right, -1] += length * np.sin(angle)
    return np.asarray(x, np.float32)


@pytest.mark.parametrize("frames", [1, 2, 7, 50, 131])
@pytest.mark.parametrize("name", sorted(TENSOR_STEPS))
def test_a_step_in_the_graph_does_what_its_namesake_does(name: str, frames: int) -> None:
    layouts = (COCO17,) if name in ("scale_by_torso", "resample") else (NTU25, KINECT20)
    options = {"frames": 50} if name == "resample" else {}
    for layout in layouts:
        for seed in range(6):
            x = wandering(layout, frames, seed=seed)
            if seed == 1:
                x[1] = np.nan
            if seed == 2:
                x[1] = 0
            if seed == 3:
                x[:, 1:][:, ::3] = np.nan
            wanted = STEPS[name](x, layout, **options)
            found = TENSOR_STEPS[name](torch.from_numpy(np.stack([x, x + 1])), layout, **options)[0].numpy()
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=5e-6)


def test_the_longest_suffix_of_every_recipe_is_taken() -> None:
    outside = {name: len(steps) - len(tensor_suffix(steps)) for name, steps in RECIPES.items()}
    assert outside == {
        "published50": 2,
        "published64": 2,
        "released": 0,
        "sound50": 1,
        "flat50": 1,
        "gaps64": 1,
        "steady64": 3,
        "flat64": 2,
        "sound50-torso": 1,
    }


def made_up(frames: int = 45) -> Clip:
    """A clip with gaps of one person."""
    return made_up_clips(KINECT20, clips=1, frames=frames, bodies=1)[0]


def test_the_file_answers_as_the_run_with_its_calibration(
    run: Path, exported: Path, embed_offline: Callable[[Sequence[str]], None]
) -> None:
    embed_offline(LABELS)
    one, other = Recognizer.load(run), Recognizer.load(exported)
    assert other.calibration is not None
    for clip in (made_up(45), made_up(200)):
        a, b = (recognizer.predict(clip, LABELS, false_accept=0.3) for recognizer in (one, other))
        assert (a.label, a.calibrated, a.rejected) == (b.label, b.calibrated, b.rejected)
        assert [guess.label for guess in a.guesses] == [guess.label for guess in b.guesses]
        np.testing.assert_allclose([g.score for g in a.guesses], [g.score for g in b.guesses], atol=1e-3)
    pairs = made_up_clips(KINECT20, clips=2, frames=9, bodies=2)
    np.testing.assert_allclose(one.embed(pairs, pair=True), other.embed(pairs, pair=True), atol=1e-4)


@pytest.fixture(scope="module")
def centered(mean_pose: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A checkpoint whose text space was fitted, and its exported file."""
    folder = tmp_path_factory.mktemp("centered") / "checkpoint"
    mean = np.random.default_rng(1).normal(size=WIDTH) / 4
    checkpoint(folder, text_space="centered", text_space_state=save({"mean": mean}))
    export_onnx(folder, folder.parent / "model.onnx")
    return folder, folder.parent / "model.onnx"


def test_typed_labels_go_through_the_text_space(
    centered: tuple[Path, Path], run: Path, embed_offline: Callable[[Sequence[str]], None]
) -> None:
    embed_offline(LABELS)
    plain, (one, other) = Recognizer.load(run), map(Recognizer.load, centered)
    mean = load(one.card.text_space_state)["mean"]
    expected = plain.encoder.encode(LABELS) - mean
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    for recognizer in (one, other):
        np.testing.assert_allclose(recognizer.encoder.encode(LABELS), expected, atol=1e-6)
        assert recognizer.encoder.name == plain.encoder.name
        assert recognizer.encoder.revision != plain.encoder.revision
    np.testing.assert_array_equal(one.encoder.encode(LABELS), other.encoder.encode(LABELS))
    assert one.encoder.revision == other.encoder.revision
    a, b = (recognizer.predict(made_up(), LABELS) for recognizer in (one, other))
    assert [guess.label for guess in a.guesses] == [guess.label for guess in b.guesses]
    np.testing.assert_allclose([g.score for g in a.guesses], [g.score for g in b.guesses], atol=1e-4)


def test_a_text_space_needs_no_torch(
    centered: tuple[Path, Path], made_up_cache: Path, embed_offline: Callable[[Sequence[str]], None], tmp_path: Path
) -> None:
    embed_offline(LABELS)
    write_npz(made_up(), tmp_path / "clip.npz")
    words = ("predict", tmp_path / "clip.npz", "--model", centered[1], "--json", "--labels", *LABELS)
    done = without_torch(COMMAND, *words, cache=made_up_cache)
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)["answers"]
    here = Recognizer.load(centered[0]).predict(made_up(), LABELS)
    assert [guess["label"] for guess in answer["guesses"]] == [guess.label for guess in here.guesses]


def test_a_file_that_is_not_used_alone_leaves_the_text_space_to_the_checkpoint(
    centered: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(centered[0], tmp_path / "checkpoint")
    export_onnx(folder, folder / "model.onnx", alone=False)
    assert (folder / "model.onnx").stat().st_size < centered[1].stat().st_size
    assert OnnxModel(folder / "model.onnx").card == OnnxModel(centered[1]).card
    shutil.copyfile(folder / "model.onnx", tmp_path / "model.onnx")
    with pytest.raises(SkeltextError, match="of another model"):
        OnnxModel(tmp_path / "model.onnx")


@pytest.mark.parametrize("state", ["", "AAAA", "not base 64"])
def test_a_damaged_text_space_of_a_file_is_one_sentence(
    centered: tuple[Path, Path], tmp_path: Path, state: str
) -> None:
    model = onnx.load(centered[1])
    entry = json.loads(entry_of(centered[1].read_bytes())) | {"text_space": state}
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA, value=json.dumps(entry))
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(SkeltextError, match=r"is no model that skeltext exported \(.+\); write it with") as caught:
        OnnxModel(tmp_path / "model.onnx")
    assert "\n" not in str(caught.value)


def test_a_clip_without_a_torso_is_refused_by_both(run: Path, exported: Path) -> None:
    clip = replace(made_up(), positions=np.ones_like(made_up().positions))
    for path in (run, exported):
        with pytest.raises(SkeltextError, match="shoulders and hips"):
            Recognizer.load(path).embed([clip])


def test_no_place_of_a_source_file_is_in_the_file(exported: Path) -> None:
    assert b".py" not in exported.read_bytes()


WITHOUT_TORCH = """
import sys
from importlib.machinery import PathFinder

class WithoutTorch:
    def find_spec(self, name, path=None, target=None):
        hidden = name.partition(".")[0] in ("torch", "transformers", "sentence_transformers", "onnx", "onnxscript")
        return None if hidden else PathFinder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(PathFinder, name)

sys.meta_path[:] = [WithoutTorch() if finder is PathFinder else finder for finder in sys.meta_path]
"""


def without_torch(code: str, *words: object, cache: Path) -> subprocess.CompletedProcess[str]:
    """What an interpreter says that finds no torch and no package that needs it."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH + code, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1", "SKELTEXT_CACHE": str(cache)},
    )


COMMAND = "from skeltext.cli import main\nmain(sys.argv[1:])"


def test_the_command_predicts_without_torch(
    exported: Path, made_up_cache: Path, embed_offline: Callable[[Sequence[str]], None], tmp_path: Path
) -> None:
    embed_offline(LABELS)
    write_npz(made_up(), tmp_path / "clip.npz")
    words = ("predict", tmp_path / "clip.npz", "--onnx", "--json", "--labels", *LABELS)
    done = without_torch(COMMAND, *words, "--model", exported, cache=made_up_cache)
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)["answers"]
    here = Recognizer.load(exported).predict(made_up(), LABELS)
    assert [guess["label"] for guess in answer["guesses"]] == [guess.label for guess in here.guesses]

    unknown = without_torch(COMMAND, *words, "never read before", "--model", exported, cache=made_up_cache)
    assert unknown.returncode == 2
    assert "a sentence was not embedded before, and" in unknown.stderr
    assert "sentences.onnx is not there to do it; write it with `skeltext export RUN FILE.onnx --sentences`" in (
        unknown.stderr
    )
    absent = without_torch(COMMAND, *words, "--model", tmp_path, cache=made_up_cache)
    assert absent.returncode == 2
    assert "model.onnx is not there; `skeltext export RUN FILE.onnx` writes an exported model" in absent.stderr


def test_the_second_start_is_quick(
    exported: Path, made_up_cache: Path, embed_offline: Callable[[Sequence[str]], None], tmp_path: Path
) -> None:
    embed_offline(LABELS)
    write_npz(made_up(), tmp_path / "clip.npz")
    code = """
import time
from skeltext.formats.reading import read_clip
from skeltext.recognizer.recognizer import Recognizer
answer = Recognizer.load(sys.argv[1]).predict(read_clip(sys.argv[2]), sys.argv[3:])
assert not {"torch", "transformers"} & set(sys.modules)
print(time.process_time())
"""
    done = without_torch(code, exported, tmp_path / "clip.npz", *LABELS, cache=made_up_cache)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 2.0  # processor seconds from the start of Python on; a third of one where it is idle


def damaged(path: Path, out: Path) -> dict[str, Path]:
    """Files that are no exported model, by what is wrong with them."""
    content = path.read_bytes()
    cases = {"empty": b"", "truncated": content[: len(content) // 2], "foreign": b"a text that is no graph\n" * 99}
    for name, metadata in {
        "metadata-less": None,
        "no-json": "{",
        "a-list": "[]",
        "no-card": "{}",
        "no-calibration": json.dumps(json.loads(entry_of(content)) | {"calibration": {"calibration.json": "e30="}}),
        "another-layout": entry_of(content).replace("kinect20", "ntu25"),
        "another-width": entry_of(content).replace('\\"text_width\\": 16', '\\"text_width\\": 17'),
    }.items():
        model = onnx.load_from_string(content)
        del model.metadata_props[:]
        if metadata is not None:
            model.metadata_props.add(key=METADATA, value=metadata)
        cases[name] = model.SerializeToString()
    for name, bytes_ in cases.items():
        (out / f"{name}.onnx").write_bytes(bytes_)
    return {name: out / f"{name}.onnx" for name in cases}


def entry_of(content: bytes) -> str:
    """The text in the metadata of an exported model."""
    return str({prop.key: prop.value for prop in onnx.load_from_string(content).metadata_props}[METADATA])


def test_a_file_that_is_no_exported_model_is_one_sentence(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_npz(made_up(), tmp_path / "clip.npz")
    for name, path in damaged(exported, tmp_path).items():
        with pytest.raises(SkeltextError, match=r"is no model that skeltext exported \(.+\); write it with `skeltext"):
            OnnxModel(path)
        with pytest.raises(SystemExit) as ended:
            main(["predict", str(tmp_path / "clip.npz"), "--model", str(path), "--labels", *LABELS])
        assert ended.value.code == 2, name
        assert capsys.readouterr().err.count("\n") == 1, name


@pytest.mark.usefixtures("mean_pose")
def test_a_method_whose_scores_are_no_cosines_is_refused(tmp_path: Path) -> None:
    layout = {"encoder": "mean_pose", "layout": "kinect20", "text_width": WIDTH, "encoder_options": {"features": WIDTH}}
    for method in ("relation_net", "jpose", "proto_net"):
        folder = checkpoint(tmp_path / method, model=ModelConfig(method=method, **layout))  # type: ignore[arg-type]
        with pytest.raises(SkeltextError, match=f"method {method} cannot be exported.*those of pgfa and devise can"):
            export_onnx(folder, tmp_path / "model.onnx")
        with pytest.raises(SkeltextError, match=f"scores of the method {method} are not"):
            Recognizer.load(folder).bank(["sit down", "wave"])
    assert not (tmp_path / "model.onnx").exists()


def test_without_parity_there_is_no_file(
    exported: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def recorded_wrong(*_: object, **__: object) -> Iterator[Path]:
        with written_aside(tmp_path / "model.onnx") as aside:
            model = onnx.load(exported)
            for weight in model.graph.initializer:
                if weight.data_type == onnx.TensorProto.FLOAT and len(weight.dims) == 2:
                    weight.CopyFrom(onnx.numpy_helper.from_array(1 - onnx.numpy_helper.to_array(weight), weight.name))
            onnx.save(model, aside)
            yield aside

    monkeypatch.setattr(export, "recorded_aside", recorded_wrong)
    with pytest.raises(SystemExit) as ended:
        main(["export", str(run), str(tmp_path / "model.onnx")])
    assert ended.value.code == 2
    assert "away from the model, expected at most 1e-04, so it was not written" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_names_that_cannot_be(run: Path, tmp_path: Path) -> None:
    with pytest.raises(SkeltextError, match=r"expected a name that ends in \.onnx"):
        export_onnx(run, tmp_path / "model.bin")
    with pytest.raises(SkeltextError, match="is no checkpoint of skeltext"):
        export_onnx(tmp_path, tmp_path / "model.onnx")


def test_the_command_prints_parity(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = export.Comparison(clips=1, frames=90, bodies=1, directions=1e-7, scores=1e-7, ranking=1.0)
    parity = export.Parity(
        comparisons=(row, row),
        inside=("resample",),
        outside=("fill_gaps",),
        torch_ms=9.0,
        onnx_ms=7.0,
        bytes=10**6,
        calibrated=False,
    )
    monkeypatch.setattr(export, "export_onnx", lambda folder, path: parity)
    with pytest.raises(SystemExit):
        main(["export", str(run), str(tmp_path / "model.onnx"), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["sentences"] is None
    assert [row["frames"] for row in found["comparisons"]] == [90, 90]
    with pytest.raises(SystemExit):
        main(["export", str(run), str(tmp_path / "model.onnx")])
    shown = capsys.readouterr().out
    assert "ranked alike" in shown
    assert "fill_gaps comes before it" in shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoder", "recipe", "layout"),
    [
        ("st_gcn", "sound50-torso", "kinect20"),
        ("st_gcn", "flat50", "coco17"),
        ("st_gcn", "published50", "ntu25"),
        ("shift_gcn", "published64", "ntu25"),
    ],
)
def test_real_encoders_with_any_preparation(encoder: str, recipe: str, layout: str, tmp_path: Path) -> None:
    preprocessing = preprocessing_named(recipe, layout=layout, bodies=2)
    options = {"hidden": 4, "features": 16}
    model = ModelConfig(method="pgfa", encoder=encoder, layout=layout, text_width=WIDTH, encoder_options=options)
    folder = checkpoint(tmp_path / "checkpoint", encoder=encoder, preprocessing=preprocessing, model=model)
    parity = export_onnx(folder, tmp_path / "model.onnx")
    assert parity.scores < 1e-5
    assert max(row.directions for row in parity.comparisons) < 1e-5
    assert all(row.ranking == 1 for row in parity.comparisons)


def test_weights_that_half_precision_holds_take_half_the_room(tmp_path: Path) -> None:
    exact, inexact = torch.nn.Linear(64, 64, bias=False), torch.nn.Linear(64, 64, bias=False)
    exact.weight.data = exact.weight.data.half().float()
    module, given = torch.nn.Sequential(exact, inexact).eval(), torch.randn(3, 64)
    with recorded_aside(
        module, tmp_path / "it.onnx", inputs={"input": given}, dynamic={}, outputs=["out"], metadata={}
    ) as aside:
        kept = {len(tensor.raw_data) for tensor in onnx.load(aside).graph.initializer}
        (found,) = onnxruntime.InferenceSession(aside).run(None, {"input": given.numpy()})
    assert kept == {2 * 64 * 64, 4 * 64 * 64}
    np.testing.assert_allclose(found, module(given).detach().numpy(), atol=1e-6)
