"""Released weights become a checkpoint that embeds as the published network does, and nothing in a file is executed."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from skeltext.cli import main
from skeltext.datasets.registry import dataset_named
from skeltext.encoders.st_gcn import STGCN
from skeltext.errors import SkeltextError
from skeltext.formats.npz import write_npz
from skeltext.recognizer.card import WEIGHTS, load_card
from skeltext.recognizer.checkpoint import load_method, read_tensors
from skeltext.recognizer.released import import_checkpoint
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.pretrained import ENCODER
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import NTU25
from skeltext.texts.cache import EmbeddingCache
from skeltext.texts.descriptions import class_text
from skeltext.texts.encoder import SentenceTransformer

NTU60 = dataset_named("ntu60")
SPLIT = NTU60.split("smie_split_1")
WIDTHS = {"hidden": 4, "features": 16}
State = dict[str, Tensor]


def adapter_of(features: int, width: int) -> State:
    torch.manual_seed(1)
    return {"adapter.weight": torch.randn(width, features), "adapter.bias": torch.randn(width)}


def golden_state(golden: Path, name: str) -> tuple[State, dict[str, np.ndarray]]:
    arrays = dict(np.load(golden / f"{name}.npz"))
    return {key[6:]: torch.tensor(array) for key, array in arrays.items() if key.startswith("state/")}, arrays


_PUBLISHED_NAMES = (
    ("input_norm.", "data_bn."),
    ("blocks.", "st_gcn_networks."),
    (".graph.conv.", ".gcn.conv."),
    (".temporal.", ".tcn."),
)


def published_st_gcn() -> State:
    """The state dict of a small ST-GCN under the published names."""
    torch.manual_seed(0)
    state = {}
    for name, tensor in STGCN(layout=NTU25, **WIDTHS).state_dict().items():
        for ours, theirs in _PUBLISHED_NAMES:
            name = name.replace(ours, theirs)
        state["A" if name == "adjacency" else name] = tensor
    return state


def saved(folder: Path, content: object) -> Path:
    path = folder / "split_1_des_DA_epoch50_lr0.05.pt"
    torch.save(content, path)
    return path


def imported(path: Path, out: Path, **options: Any) -> nn.Module:
    card = import_checkpoint(path, dataset=NTU60, split=SPLIT, out=out, **options)
    assert load_card(out) == card
    return load_method(card, out / WEIGHTS)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("network", ["st_gcn/full", "shift_gcn/narrow_10_units"])
def test_clips_are_embedded_as_by_the_published_network(golden: Path, tmp_path: Path, network: str) -> None:
    encoder, arrays = golden_state(golden, network)
    adapter = adapter_of(arrays["out_eval"].shape[1], 768)
    encoder = {name: tensor.float() if "gcn1.shift_" in name else tensor for name, tensor in encoder.items()}
    method = imported(saved(tmp_path, {"encoder": encoder, "adapter": adapter}), tmp_path / "made")
    with torch.inference_mode():
        features = method.features(torch.tensor(arrays["input"]))
        embedded = method.embed(torch.tensor(arrays["input"]))
    np.testing.assert_allclose(features, arrays["out_eval"], rtol=1e-5, atol=5e-6)
    weight, bias = (adapter[f"adapter.{name}"].double().numpy() for name in ("weight", "bias"))
    np.testing.assert_allclose(embedded, arrays["out_eval_f64"] @ weight.T + bias, rtol=1e-4, atol=2e-4)
    assert method.score_scale == pytest.approx(1 / 0.07)


def test_the_card(tmp_path: Path) -> None:
    content = {"encoder": published_st_gcn(), "adapter": adapter_of(16, 768)}
    card = import_checkpoint(saved(tmp_path, content), dataset=NTU60, split=SPLIT, out=tmp_path / "made")
    assert (card.dataset, card.texts) == ("ntu60", "complete")
    assert card.text_encoder == "sentence-transformers/all-mpnet-base-v2"
    assert (card.model.method, card.model.encoder, dict(card.model.encoder_options)) == ("pgfa", "st_gcn", WIDTHS)
    assert (card.model.layout, card.model.text_width, card.model.classes) == ("ntu25", 768, 55)
    assert (card.preprocessing.name, card.preprocessing.bodies) == ("published50", 2)
    assert card.labels == {name: class_text("ntu60", name, kind="complete") for name in SPLIT.seen}


def test_half_precision_and_parameters_are_read(tmp_path: Path) -> None:
    state = published_st_gcn()
    state |= {name: tensor.half() for name, tensor in state.items() if tensor.is_floating_point()}
    state["data_bn.weight"] = nn.Parameter(state["data_bn.weight"])
    import_checkpoint(saved(tmp_path, state), dataset=NTU60, split=SPLIT, out=tmp_path / "made")
    weights = read_tensors(tmp_path / "made" / WEIGHTS)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32, torch.int64}


def test_an_encoder_alone_is_a_first_stage(tmp_path: Path, tiny_first_stage_run: Callable[[Path], RunFolder]) -> None:
    state = published_st_gcn()
    path, out = saved(tmp_path, state), tmp_path / "made"
    import_checkpoint(path, dataset=NTU60, split=SPLIT, out=out, preprocessing="released")
    assert load_card(out).model.method == "classifier"
    assert all(name.startswith(ENCODER) for name in read_tensors(out / WEIGHTS))
    run = tiny_first_stage_run(out)
    trained = read_tensors(run.checkpoint / WEIGHTS)
    assert torch.equal(trained["encoder.input_norm.weight"], state["data_bn.weight"])
    assert load_card(run.checkpoint).preprocessing.name == "released"


@pytest.fixture
def tiny_first_stage_run(tmp_path: Path) -> Callable[[Path], RunFolder]:
    """A function that trains a second stage for an epoch, on made-up released arrays, from a first stage."""
    from skeltext.datasets.released import import_arrays
    from skeltext.progress import ProgressBars
    from skeltext.training.train_run import train_run

    arrays = tmp_path / "split_1"
    arrays.mkdir()
    for part, names in (("seen_train", SPLIT.seen), ("unseen", SPLIT.unseen)):
        data = np.random.default_rng(0).normal(size=(len(names), 3, 50, 25, 2)).astype(np.float32)
        np.save(arrays / f"{part}_data.npy", data)
        np.save(arrays / f"{part}_label.npy", np.array([NTU60.classes.index(name) for name in names]))
    import_arrays(arrays, dataset=NTU60, out=tmp_path / "store")
    np.save(tmp_path / "texts.npy", np.random.default_rng(1).normal(size=(60, 16)).astype(np.float32))

    def train(first_stage: Path) -> RunFolder:
        config = TrainingConfig(
            dataset="ntu60",
            store=tmp_path / "store",
            split=SPLIT.name,
            text_encoder=str(tmp_path / "texts.npy"),
            method="devise",
            pretrained=first_stage,
            pseudo_unseen=0,
            epochs=1,
            device="cpu",
            threads=1,
        )
        train_run(config, run := RunFolder(tmp_path / "run"), watcher=ProgressBars(quiet=True))
        return run

    return train


class Outcome(NamedTuple):
    """What a command did."""

    code: object
    out: str
    err: str


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """A command in this process."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        return Outcome(ended.value.code or 0, *capsys.readouterr())

    return run


def test_from_released_weights_to_a_guess(
    tmp_path: Path, call: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = ["Drop", "juggle three balls"]
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "cache"))
    cache, texts = EmbeddingCache(), SentenceTransformer()
    for label in (class_text("ntu60", "Drop", kind="complete"), labels[1]):
        row = np.random.default_rng(len(label)).normal(size=384).astype(np.float32)
        cache.put(cache.key(texts.name, texts.revision, label), row)
    path = saved(tmp_path, {"encoder": published_st_gcn(), "adapter": adapter_of(16, 384)})
    words = ("import", path, "--dataset", "ntu60", "--split", SPLIT.name, "--out", tmp_path / "made")
    refused = call(*words)
    assert refused.code == 2
    assert "makes vectors of 384 numbers where the text encoder sentence-transformers" in refused.err
    made = call(*words, "--text-encoder", "minilm", "--json")
    assert (made.code, made.err) == (0, "")
    assert json.loads(made.out) == {
        "folder": str(tmp_path / "made"),
        "dataset": "ntu60",
        "split": SPLIT.name,
        "method": "pgfa",
        "encoder": "st_gcn",
        "text_encoder": "minilm",
    }
    assert f"skeltext evaluate {tmp_path / 'made'}" in call(*words, "--text-encoder", "minilm").out
    random = np.random.default_rng(0)
    clip = Clip(positions=random.normal(size=(2, 30, 25, 3)).astype(np.float32), layout=NTU25, fps=30.0)
    write_npz(clip, tmp_path / "wave.npz")
    guesses = call("predict", tmp_path / "wave.npz", "--model", tmp_path / "made", "--labels", *labels, "--json")
    assert guesses.code == 0
    assert {guess["label"] for guess in json.loads(guesses.out)["answers"][0]["guesses"]} == set(labels)


def test_released_weights_are_evaluated_on_released_arrays(
    tmp_path: Path, call: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "cache"))
    rows = np.random.default_rng(0).normal(size=(60, 32)).astype(np.float32)
    np.save(tmp_path / "ntu60_des_embeddings.npy", rows)
    unseen = [NTU60.classes.index(name) for name in SPLIT.unseen]
    arrays = {"seen_train": [c for c in range(60) if c not in unseen], "unseen": unseen * 2}
    (tmp_path / "split_1").mkdir()
    for part, labels in arrays.items():
        clips = np.random.default_rng(1).normal(size=(len(labels), 3, 50, 25, 2)).astype(np.float32)
        np.save(tmp_path / "split_1" / f"{part}_data.npy", clips)
        np.save(tmp_path / "split_1" / f"{part}_label.npy", np.array(labels))
    store = tmp_path / "store"
    assert call("import", tmp_path / "split_1", "--dataset", "ntu60", "--out", store, "--json").code == 0
    path = saved(tmp_path, {"encoder": published_st_gcn(), "adapter": adapter_of(16, 32)})
    table = tmp_path / "ntu60_des_embeddings.npy"
    told = ("--split", SPLIT.name, "--text-encoder", table, "--preprocessing", "released", "--store", store)
    assert call("import", path, "--dataset", "ntu60", *told, "--out", tmp_path / "made", "--json").code == 0
    found = json.loads(call("evaluate", tmp_path / "made", "--device", "cpu", "--json").out)
    assert found["runs"][0]["clips"] == 10
    assert found["plain"]["pseudo-unseen"] is None
    assert found["plain"]["last"] == found["plain"]["oracle"]  # there is but one epoch
    config = TrainingConfig.from_yaml(tmp_path / "made" / "config.yaml")
    replace(config, preprocessing="published50").to_yaml(tmp_path / "made" / "config.yaml")
    refused = call("evaluate", tmp_path / "made", "--device", "cpu")
    assert refused.code == 2
    assert "released arrays, which are prepared already; use --preprocessing released" in refused.err


class Marker:
    """An object whose unpickling would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def good() -> dict[str, Any]:
    return {"encoder": published_st_gcn(), "adapter": adapter_of(16, 768)}


def changed(part: str, **changes: Tensor | None) -> dict[str, Any]:
    content = good()
    for name, tensor in changes.items():
        if tensor is None:
            del content[part][name]
        else:
            content[part][name] = tensor
    return content


def claims_more(content: bytes) -> bytes:
    """A file whose first storage claims 65535 numbers, in an archive that is otherwise whole."""
    return repacked(content, lambda pickle: pickle.replace(b"K\x10", b"M\xff\xff"), zipfile.ZIP_STORED)


def repacked(content: bytes, edit: Callable[[bytes], bytes], compression: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, edit(old.read(name)) if name.endswith("data.pkl") else old.read(name))
    return target.getvalue()


SPARSE = torch.eye(16).to_sparse()
CONTENTS: dict[str, tuple[Callable[[], object], str]] = {
    "whole module": (lambda: STGCN(layout=NTU25, **WIDTHS), "Python objects that could run code"),
    "module inside": (lambda: good() | {"encoder": nn.Linear(2, 2)}, "Python objects that could run code"),
    "list": (lambda: [torch.ones(3)], "holds no state dict"),
    "tensor": (lambda: torch.ones(3), "holds no state dict"),
    "empty": (dict, "holds no state dict"),
    "numbers": (lambda: {"encoder": 1, "adapter": 2}, "something else than tensors by name"),
    "a number inside": (lambda: {"A": 3.0}, "something else than tensors by name"),
    "a key that is no name": (lambda: {3: torch.ones(3)}, "something else than tensors by name"),
    "a very long name": (lambda: {f"l{'9' * 5000}.gcn1": torch.ones(3)}, "something else than tensors by name"),
    "strings": (lambda: {"A": "B"}, "something else than tensors by name"),
    "sparse": (lambda: changed("adapter", **{"adapter.bias": SPARSE}), "something else than tensors by name"),
    "one number for all": (
        lambda: changed("encoder", **{"st_gcn_networks.0.tcn.0.weight": torch.ones(1).expand(10**10)}),
        "something else than tensors by name",
    ),
    "no device": (
        lambda: changed("adapter", **{"adapter.bias": torch.ones(768, device="meta")}),
        "something else than tensors by name",
    ),
    "other network": (lambda: nn.Linear(2, 2).state_dict(), "holds 2 tensors .weight, bias, .*, expected those of"),
    "missing key": (
        lambda: changed("encoder", **{"edge_importance.3": None}),
        "lacks a tensor that the model has, encoder.edge_importance.3 ",
    ),
    "extra key": (
        lambda: changed("encoder", extra=torch.ones(3)),
        "has a tensor that the model has not, encoder.extra ",
    ),
    "extra key of the adapter": (
        lambda: changed("adapter", logit_scale=torch.ones(())),
        "has a tensor that the model has not, projection.logit_scale ",
    ),
    "no adapter weight": (
        lambda: changed("adapter", **{"adapter.weight": None}),
        "has an adapter.weight of shape None, expected",
    ),
    "empty adapter": (lambda: good() | {"adapter": {}}, "has an adapter.weight of shape None, expected"),
    "wide adapter": (
        lambda: changed("adapter", **{"adapter.weight": torch.ones(10**6, 1)}),
        r"has an adapter.weight of shape \(1000000, 1\), expected \(width of the texts, 16\)",
    ),
    "wrong shape": (
        lambda: changed("encoder", A=torch.ones(3, 25, 24)),
        r"has encoder.adjacency .* of shape \(3, 25, 24\), expected torch.float32 of shape \(3, 25, 25\)",
    ),
    "another width": (
        lambda: changed("encoder", **{"st_gcn_networks.0.tcn.0.weight": torch.ones(5)}),
        "lacks a tensor that the model has, encoder.blocks.9.residual",
    ),
    "a network too wide": (
        lambda: changed("encoder", **{"st_gcn_networks.0.tcn.0.weight": torch.ones(10**6)}),
        "has 1000000 channels, expected at most 512",
    ),
    "width 0": (
        lambda: changed("encoder", **{"st_gcn_networks.0.tcn.0.weight": torch.ones(0)}),
        "cannot be built with hidden=0",
    ),
    "wrong kind of number": (
        lambda: changed("adapter", **{"adapter.bias": torch.ones(768, dtype=torch.int64)}),
        "has projection.bias .* as torch.int64",
    ),
    "not finite": (
        lambda: changed("adapter", **{"adapter.bias": torch.full((768,), torch.nan)}),
        "numbers in adapter.bias that are not finite",
    ),
}
HARMS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (lambda content: content[: len(content) // 2], "is no readable file of torch.save"),
    "empty file": (lambda content: b"", "is no readable file of torch.save"),
    "text": (lambda content: b"hello", "is no readable file of torch.save"),
    "other archive": (lambda content: zipped("a.txt", b"hello"), "is damaged"),
    "compressed": (lambda c: repacked(c, lambda p: p, zipfile.ZIP_DEFLATED), "is a compressed archive"),
    "other pickle": (lambda c: repacked(c, lambda p: b"\x80\x02}.", zipfile.ZIP_STORED), "holds no state dict"),
    "damaged pickle": (lambda c: repacked(c, lambda p: p[:-50], zipfile.ZIP_STORED), "is damaged|Python objects"),
    "claims more": (claims_more, "is damaged"),
}


def zipped(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, content)
    return target.getvalue()


def refused(call: Callable[..., Outcome], path: Path) -> str:
    """The sentence of an import that must not leave anything behind."""
    before = sorted(path.parent.iterdir())
    words = ("--dataset", "ntu60", "--split", SPLIT.name, "--out", path.parent / "new" / "made")
    outcome = call("import", path, *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("skeltext: ")
    assert outcome.err.count("\n") == 1
    assert sorted(path.parent.iterdir()) == before
    return outcome.err


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_of_something_else_is_one_sentence(tmp_path: Path, call: Callable[..., Outcome], name: str) -> None:
    content, sentence = CONTENTS[name]
    assert re.search(sentence, refused(call, saved(tmp_path, content())))


@pytest.mark.parametrize("name", HARMS)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, call: Callable[..., Outcome], name: str) -> None:
    harm, sentence = HARMS[name]
    path = saved(tmp_path, good())
    path.write_bytes(harm(path.read_bytes()))
    assert re.search(sentence, refused(call, path))


def test_nothing_is_executed(tmp_path: Path, call: Callable[..., Outcome]) -> None:
    path = saved(tmp_path, good() | {"encoder": Marker(tmp_path / "executed")})
    with zipfile.ZipFile(path) as archive:
        assert any(b"executed" in archive.read(name) for name in archive.namelist())
    assert "could run code" in refused(call, path)
    assert not (tmp_path / "executed").exists()


def test_what_else_a_user_may_get_wrong(tmp_path: Path, call: Callable[..., Outcome]) -> None:
    path = saved(tmp_path, good())
    assert "name their split with --split, one of" in call("import", path, "--dataset", "ntu60").err
    assert "does not exist" in call("import", tmp_path / "nowhere.pt", "--dataset", "ntu60").err
    with pytest.raises(SkeltextError, match="is there already and is no checkpoint"):
        imported(path, tmp_path)
    other = dataset_named("utd-mhad")
    with pytest.raises(SkeltextError, match="two bodies of layout ntu25, utd-mhad has 1 of kinect20"):
        import_checkpoint(path, dataset=other, split=other.split("0"), out=tmp_path / "made")


def test_no_byte_of_a_file_can_do_harm(tmp_path: Path) -> None:
    path = saved(tmp_path, good())
    content, random = path.read_bytes(), np.random.default_rng(0)
    with zipfile.ZipFile(path) as archive:
        size = next(member.file_size for member in archive.infolist() if member.filename.endswith("data.pkl"))
    pickled, listing = random.integers(0, size + 200, 40), random.integers(len(content) - size, len(content), 10)
    refusals = 0
    for spot in (*pickled.tolist(), *listing.tolist()):
        harmed = bytearray(content)
        harmed[spot] ^= int(random.integers(1, 256))
        path.write_bytes(harmed)
        sentence = ""
        try:
            imported(path, tmp_path / "made")
        except SkeltextError as error:
            sentence = str(error)
        assert "\n" not in sentence
        refusals += bool(sentence)
    assert refusals > 20
