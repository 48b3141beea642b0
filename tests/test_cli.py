"""The commands: what they print for people and for programs, and what they say when something is wrong."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import skeltext
from skeltext.benchmark import demo as demo_module
from skeltext.benchmark.presets import load_preset
from skeltext.cli import main
from skeltext.datasets import registry
from skeltext.datasets.dataset import Dataset
from skeltext.datasets.prepare import prepare
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.store import open_store
from skeltext.formats.npz import write_npz
from skeltext.formats.table import write_csv
from skeltext.runs.config import TrainingConfig
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layouts import COCO17, KINECT20
from skeltext.texts.description_file import ENTRIES
from skeltext.texts.descriptions import KINDS as TEXT_KINDS
from skeltext.texts.descriptions import class_text

SOURCE = Path(__file__).resolve().parents[1] / "src"
COMMANDS = {
    "demo": ("--out", "--seed", "--device", "--json"),
    "prepare": ("DATASET", "--raw", "--out", "--reading", "--workers", "--fresh", "--compare", "--json"),
    "check": ("PATH", "--json"),
    "train": (
        "--preset",
        "--recipe",
        "--splits",
        "--seeds",
        "--store",
        "--encoder-options",
        "--learning-rate",
        "--optimizer",
        "--pretrained",
        "--cuda-graphs",
        "--device",
        "--json",
    ),
    "evaluate": (
        "PATHS",
        "--steps",
        "--anchors",
        "--on",
        "--on-split",
        "--on-store",
        "--generalised",
        "--report",
        "--precision",
        "--device",
        "--json",
    ),
    "reproduce": ("STUDIES", "--dataset", "--quick", "--seeds", "--splits", "--out", "--prepared", "--list", "--json"),
    "leaderboard": ("DATASET", "--methods", "--method", "--route", "--protocol", "--quick", "--list", "--json"),
    "import": ("SOURCE", "--dataset", "--split", "--out", "--text-encoder", "--preprocessing", "--store", "--json"),
    "bench": ("--stage", "--quick", "--encoder", "--batch", "--two-person", "--rounds", "--threads", "--json"),
    "teach": ("LABELS", "LABEL", "FILES", "--text", "--model", "--onnx", "--device", "--json"),
    "predict": (
        "FILES",
        "--coverage",
        "--adapt",
        "--labels",
        "--label-set",
        "--save-label-set",
        "--model",
        "--onnx",
        "--layout",
        "--fps",
        "--device",
        "--json",
    ),
    "timeline": (
        "FILE",
        "--labels",
        "--label-set",
        "--model",
        "--window",
        "--hop",
        "--on",
        "--off",
        "--shortest",
        "--out",
        "--json",
    ),
    "stream": ("FILE", "--labels", "--label-set", "--model", "--fps", "--layout", "--every", "--wait", "--json"),
    "calibrate": ("RUN", "--device", "--json"),
    "export": ("RUN", "FILE", "--sentences", "--json"),
    "release": ("RUN", "--tested", "--out", "--device", "--json"),
    "search": ("QUERY", "--like", "--not", "--top", "--window", "--hop", "--model", "--onnx", "--device", "--json"),
    "explain": (
        "FILE",
        "--labels",
        "--label-set",
        "--of",
        "--out",
        "--bins",
        "--examples",
        "--pair",
        "--model",
        "--onnx",
        "--json",
    ),
    "describe": (
        "DATASET",
        "CLASSES",
        "--labels",
        "--kind",
        "--ask",
        "--model",
        "--key-variable",
        "--save",
        "--limit",
        "--json",
    ),
}
RULES = {"last", "pseudo-unseen", "oracle"}
LABELS = ["wave both hands", "juggle three balls", "sit down"]


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout, where nothing else may be."""
        assert self.err == ""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one sentence on stderr of a command that ended with exit code 2."""
        assert (self.code, self.out) == (2, "")
        assert self.err.startswith("skeltext: ")
        assert self.err.count("\n") == 1
        assert self.err.endswith("\n")
        assert "Traceback" not in self.err
        return self.err.removeprefix("skeltext: ").rstrip("\n")


Call = Callable[..., Outcome]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """A command in this process."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        code = ended.value.code or 0
        assert isinstance(code, int)
        return Outcome(code, *capsys.readouterr())

    return run


def in_its_own_process(*words: object, folder: Path | None = None, **more: str) -> Outcome:
    """A command as a shell starts it."""
    done = subprocess.run(
        [sys.executable, "-m", "skeltext", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"} | more,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def listing(folder: Path) -> set[str]:
    """All that is below a folder; links are not followed."""
    return {os.path.join(where, name) for where, folders, files in os.walk(folder) for name in (*folders, *files)}


@pytest.fixture
def clip(tiny_store: Path) -> Clip:
    """A built-in motion."""
    return open_store(tiny_store).clip(7)


@pytest.fixture
def files(tmp_path: Path, clip: Clip, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Motion files by their format."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "formats")
    from bvh_rigs import PROGRAMS, text

    paths = {name: tmp_path / f"motion.{name}" for name in ("npz", "csv", "bvh")}
    write_npz(clip, paths["npz"])
    write_csv(convert(clip, KINECT20), paths["csv"])
    paths["bvh"].write_text(text(PROGRAMS["mixamo"], frames=40))
    return paths


@pytest.fixture(autouse=True)
def _offline(embed_offline: Callable[[Sequence[str]], None]) -> None:
    """Sentences have made-up embeddings, so that no command loads a text encoder."""
    embed_offline(LABELS)


@pytest.fixture
def train_words(tiny_store: Path, text_table: Path) -> Callable[..., list[str]]:
    """The words of a training that takes a second; keywords replace some of them."""

    def words(**changes: object) -> list[str]:
        options: dict[str, object] = {
            "store": tiny_store,
            "text_encoder": text_table,
            "encoder_options.hidden": 4,
            "encoder_options.features": 16,
            "epochs": 2,
            "batch_size": 16,
            "warmup": 1,
            "device": "cpu",
            "threads": 1,
        }
        merged = options | changes
        return [
            "train",
            *(word for name, value in merged.items() for word in ("--" + name.replace("_", "-"), str(value))),
        ]

    return words


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_option(call: Call, command: str) -> None:
    outcome = call(command, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    missing = [option for option in COMMANDS[command] if option not in outcome.out]
    assert not missing
    assert "--json keys:" in " ".join(outcome.out.split())


def test_help_names_every_command(call: Call) -> None:
    for words in (["--help"], []):
        outcome = call(*words)
        assert outcome.code == 0
        assert all(command in outcome.out for command in COMMANDS)
    assert call("--version").out.strip() == skeltext.__version__


def test_help_is_there_at_once(tmp_path: Path) -> None:
    seconds = []
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}  # by the first start
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert in_its_own_process("--help", **compiled).code == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(seconds) < 0.5  # of processor time; other work on the machine lengthens some of them


def test_prepare(
    call: Call, tmp_path: Path, tiny_builtin: Dataset, tiny_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.DATASETS, "builtin", tiny_builtin)
    made = call("prepare", "builtin", "--out", tmp_path / "store", "--workers", 1, "--json")
    assert made.code == 0
    manifest = made.json
    assert set(manifest) == {
        *("dataset", "folder", "clips", "frames", "classes", "subjects", "sources", "bad", "hash", "seconds"),
        *("reading", "cameras", "setups", "protocols", "expected", "versions"),
    }
    store = open_store(tiny_store)
    assert (manifest["hash"], manifest["clips"]) == (store.hash, len(store))
    assert (manifest["dataset"], manifest["bad"]) == ("builtin", [])
    monkeypatch.chdir(tmp_path)
    shown = call("prepare", "builtin", "--workers", 1)
    assert shown.code == 0
    assert store.hash in shown.out
    assert open_store(tmp_path / "prepared" / "builtin").hash == store.hash
    assert listing(tmp_path / "store") == {
        str(tmp_path / "store" / name) for name in ("index.json", "clips.safetensors", "manifest.json")
    }


def test_check(call: Call, files: dict[str, Path], tiny_store: Path, tmp_path: Path) -> None:
    for name, path in files.items():
        found = call("check", path, "--json")
        assert found.json["format"] == name
        assert found.json["frames"] > 30
        assert found.code == (1 if found.json["problems"] else 0)
    plain = call("check", files["npz"])
    assert (plain.code, plain.err) == (0, "")
    assert "ntu25" in plain.out
    store = call("check", tiny_store, "--json")
    assert (store.code, store.json["kind"], store.json["name"]) == (0, "store", "builtin")
    (tmp_path / "broken.npz").write_bytes(files["npz"].read_bytes()[:99])
    broken = call("check", tmp_path / "broken.npz", "--json")
    assert (broken.code, len(broken.json["problems"])) == (1, 1)
    assert call("check", tmp_path / "broken.npz").code == 1


def test_train_and_evaluate(call: Call, tmp_path: Path, train_words: Callable[..., list[str]]) -> None:
    runs = tmp_path / "runs"
    words = [*train_words(out=runs), "--splits", "0", "2", "--seeds", "0", "5"]
    done = call(*words, "--json")
    assert done.code == 0
    assert set(done.json) == {"runs"}
    assert [(run["split"], run["seed"], run["epochs"]) for run in done.json["runs"]] == [
        *(("0", 0, 2), ("0", 5, 2), ("2", 0, 2), ("2", 5, 2))
    ]
    for run in done.json["runs"]:
        assert set(run) == {"path", "split", "seed", "epochs", "loss"}
        assert Path(run["path"]) == runs / f"split-{run['split']}_seed-{run['seed']}"
        assert np.isfinite(run["loss"])
    again = call(*words)
    assert again.code == 0
    assert "4 runs are complete" in again.out
    assert f"skeltext evaluate {runs}" in again.out

    other = call(*train_words(out=runs, epochs=3), "--json")
    assert "holds a run with other settings" in other.sentence

    figures = call("evaluate", runs, "--device", "cpu", "--json")
    assert figures.code == 0
    found = figures.json
    assert set(found) == {
        *("title", "protocol", "command", "chance", "steps", "plain", "prototype_alignment", "aligned", "std"),
        *("per_class", "per_class_std"),
        *("per_source", "within_source", "runs", "report"),
    }
    for part in (found, found["std"], found["per_class"], *found["runs"]):
        assert set(part["plain"]) == set(part["prototype_alignment"]) == RULES
    assert len(found["runs"]) == 4
    assert Path(found["report"]) == runs / "report.html"
    assert (runs / "report.html").is_file()
    for words in (("calibrate", runs), ("release", runs, "--tested", runs, "--out", tmp_path / "out")):
        refused = call(*words)
        assert refused.code == 2
        assert f"{runs} holds 4 runs, expected one; name one of {runs / 'split-0_seed-0'}, " in refused.sentence
    page = tmp_path / "pages" / "one.html"
    shown = call("evaluate", runs / "split-0_seed-0", "--alpha", 0.5, "--report", page, "--device", "cpu")
    assert shown.code == 0
    assert page.is_file()
    text = " ".join(shown.out.split())
    assert all(word in text for word in (*RULES, "chance", "alpha 0.5", "transductive", page.as_uri()))


@pytest.mark.parametrize("form", ["npz", "csv", "bvh"])
def test_predict(call: Call, tiny_run: Path, files: dict[str, Path], form: str) -> None:
    found = call("predict", files[form], "--model", tiny_run, "--labels", *LABELS, "--json")
    assert found.code == 0
    assert set(found.json) == {"file", "model", "terms", "answers"}
    assert (found.json["model"], found.json["terms"]) == (str(tiny_run), dataset_named("builtin").licence)
    assert (found.json["file"], found.json["model"]) == (str(files[form]), str(tiny_run))
    (answer,) = found.json["answers"]
    guesses = answer["guesses"]
    assert answer["label"] == guesses[0]["label"]
    assert answer["confidence"] == guesses[0]["probability"]
    assert answer["margin"] == pytest.approx(guesses[0]["probability"] - guesses[1]["probability"])
    assert answer["quality"]["frames"] > 0
    keys = {"label", "text", "source", "nearest", "hint", "score", "probability"}
    assert all(set(guess) == keys for guess in guesses)
    assert {guess["label"] for guess in guesses} == set(LABELS)
    assert sum(guess["probability"] for guess in guesses) == pytest.approx(1, abs=1e-4)
    scores = [guess["score"] for guess in guesses]
    assert scores == sorted(scores, reverse=True)
    shown = call("predict", files[form], "--model", tiny_run / "checkpoint", "--labels", *LABELS)
    assert (shown.code, shown.err) == (0, "")
    places = [shown.out.index(guess["label"]) for guess in guesses]
    assert places == sorted(places)


def test_predict_answers_for_every_file_of_a_folder(call: Call, tiny_run: Path, clip: Clip, tmp_path: Path) -> None:
    folder = tmp_path / "motions"
    folder.mkdir()
    for number in range(20):
        write_npz(clip, folder / f"{number:02}.npz")
    base = ("predict", folder, "--model", tiny_run, "--labels", *LABELS, "--json")
    found = call(*base).json
    assert found["adapted"] == "shrunken_prototypes"
    assert [Path(one["file"]).name for one in found["files"]] == [f"{number:02}.npz" for number in range(20)]
    alone = call(*base, "--adapt", "none").json
    assert alone["adapted"] == ""
    (one,) = call("predict", folder / "00.npz", *base[2:]).json["answers"]
    (first,) = alone["files"][0]["answers"]
    for mine, its in zip(first["guesses"], one["guesses"], strict=True):
        assert (mine["label"], mine["score"]) == (its["label"], pytest.approx(its["score"], abs=1e-4))
    assert "abacus" in call(*base, "--adapt", "abacus").sentence


def test_predict_uses_what_a_file_does_not_say(call: Call, tiny_run: Path, clip: Clip, tmp_path: Path) -> None:
    path = tmp_path / "bare.npz"
    np.savez(path, positions=clip.positions)
    assert "name it" in call("predict", path, "--model", tiny_run, "--labels", *LABELS).sentence
    words = ("--layout", "ntu25", "--fps", "30", "--json")
    assert len(call("predict", path, "--model", tiny_run, "--labels", *LABELS, *words).json["answers"]) == 1


def test_predict_with_negatives_examples_and_people(
    call: Call, tiny_run: Path, files: dict[str, Path], embed_offline: Callable[[Sequence[str]], None]
) -> None:
    embed_offline(["waving a hand", "standing still", "wave"])
    base = ("predict", files["npz"], "--model", tiny_run, "--labels", LABELS[0], "wave=waving a hand")
    example = ("--examples", f"this one={files['npz']}")
    (answer,) = call(*base, *example, "--negatives", "standing still", "--top", "1", "--json").json["answers"]
    assert len(answer["guesses"]) == 1
    assert "this one" in call(*base, *example).out
    each = call(*base, "--people", "--json").json["answers"]
    assert [answer["person"] for answer in each] == ["0"]
    for who in ("--pair", "--no-pair"):
        assert call(*base, who, "--json").json["answers"][0]["guesses"]


def test_describe(call: Call) -> None:
    whole = call("describe", "builtin", "--json").json
    name = next(iter(whole))
    assert len(whole) == len(registry.dataset_named("builtin").classes)
    assert all(tuple(entry) == ENTRIES for entry in whole.values())
    for kind in TEXT_KINDS:
        text = call("describe", "builtin", name, "--kind", kind, "--json").json
        assert text == {name: class_text("builtin", name, kind=kind)}
    shown = " ".join(call("describe", "builtin", name).out.split())
    assert whole[name]["complete"] in shown
    assert whole[name]["parts"]["foot"] in shown


def test_demo(call: Call, tmp_path: Path, tiny_builtin: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.DATASETS, "builtin", tiny_builtin)
    preset = load_preset("demo")
    quick = {"epochs": 2, "batch_size": 16, "encoder_options": {"hidden": 4, "features": 16}, "threads": 1}
    monkeypatch.setattr(demo_module, "load_preset", lambda _: replace(preset, settings=preset.settings | quick))
    monkeypatch.setattr(demo_module, "prepare", partial(prepare, workers=1))
    out = tmp_path / "demo"
    found = call("demo", "--out", out, "--device", "cpu", "--json")
    assert found.code == 0
    assert {"chance", "plain", "aligned", "std", "per_class", "runs", "report", "seconds"} <= set(found.json)
    assert {"chance", "plain", "per_class", "runs", "report"} <= set(found.json["ensemble"])
    assert found.json["ensemble"]["runs"][0]["unseen"] == found.json["runs"][0]["unseen"]
    assert set(found.json["aligned"]) == RULES
    before = listing(out)
    again = call("demo", "--out", out, "--device", "cpu")
    assert again.code == 0
    assert (out / "report.html").as_uri() in again.out
    assert listing(out) == before


def sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(10 * 10**9)


def claiming_npz(path: Path) -> None:
    """An archive of a few bytes whose positions claim 10^12 frames."""
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1000000000000, 25, 3), }".ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("positions.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(600))
        layout = io.BytesIO()
        np.save(layout, "ntu25")
        archive.writestr("layout.npy", layout.getvalue())


def with_line(path: Path, begins: str, line: str) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line if old.startswith(begins) else old for old in lines))


def replaced(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


HARMS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "npz cut off": ("npz", lambda path: path.write_bytes(path.read_bytes()[:-40])),
    "npz empty": ("npz", lambda path: path.write_bytes(b"")),
    "npz noise": ("npz", lambda path: path.write_bytes(b"\xff\xfe" * 500)),
    "npz of 10 GB": ("npz", replaced(sparse)),
    "npz that claims 10^12 frames": ("npz", replaced(claiming_npz)),
    "npz without anybody": (
        "npz",
        lambda path: np.savez(path, positions=np.full((1, 9, 25, 3), np.nan), layout="ntu25"),
    ),
    "npz of an unknown layout": ("npz", lambda path: np.savez(path, positions=np.ones((1, 9, 25, 3)), layout="[/x]")),
    "npz of other joints": ("npz", lambda path: np.savez(path, positions=np.ones((1, 9, 24, 3)), layout="ntu25")),
    "npz of flat points": (
        "npz",
        lambda path: write_npz(Clip(positions=np.ones((1, 9, 17, 2), np.float32), layout=COCO17, fps=30.0), path),
    ),
    "npz with objects": ("npz", lambda path: np.savez(path, positions=np.array([{}], object), layout="ntu25")),
    "csv cut off": ("csv", lambda path: path.write_bytes(path.read_bytes()[:-40])),
    "csv not UTF-8": ("csv", lambda path: path.write_bytes(b"\xff\xfe\xc3\x28" + path.read_bytes()[4:])),
    "csv of 10 GB": ("csv", replaced(sparse)),
    "csv with a header alone": ("csv", lambda path: path.write_bytes(path.read_bytes().partition(b"\n")[0])),
    "csv of other columns": ("csv", lambda path: path.write_text("a,b\n1,2\n")),
    "bvh cut off": ("bvh", lambda path: path.write_bytes(path.read_bytes()[:700])),
    "bvh that claims 10^12 frames": ("bvh", lambda path: with_line(path, "Frames:", "Frames: 1000000000000")),
    "bvh of 10 GB": ("bvh", replaced(sparse)),
    "missing": ("npz", Path.unlink),
    "folder": ("npz", replaced(Path.mkdir)),
    "dangling link": ("npz", replaced(lambda path: path.symlink_to(path.with_name("nowhere")))),
    "link loop": ("csv", replaced(lambda path: path.symlink_to(path))),
    "text": ("npz", lambda path: path.write_text("no motion at all")),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_file_that_cannot_be_recognised_is_one_sentence(
    call: Call, tiny_run: Path, files: dict[str, Path], tmp_path: Path, harm: str
) -> None:
    form, change = HARMS[harm]
    change(files[form])
    before = listing(tmp_path)
    sentence = call("predict", files[form], "--model", tiny_run, "--labels", *LABELS, "--json").sentence
    assert str(files[form]) in sentence
    assert listing(tmp_path) == before
    found = call("check", files[form], "--json")
    if os.path.exists(files[form]) and "flat" not in harm:
        assert (found.code, bool(found.json["problems"])) == (1, True)
    elif "flat" not in harm:
        assert "does not exist" in found.sentence


def broken_run(path: Path, tiny_run: Path, harm: str) -> Path:
    """A copy of a checkpoint with one harm."""
    path.mkdir()
    for file in (tiny_run / "checkpoint").iterdir():
        (path / file.name).write_bytes(file.read_bytes())
    weights, config = path / "weights.safetensors", path / "config.json"
    if harm == "no weights":
        weights.unlink()
    elif harm == "weights cut off":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif harm == "config not UTF-8":
        config.write_bytes(b"\xff" + config.read_bytes())
    elif harm == "another model":
        config.write_text(config.read_text().replace('"hidden": 4', '"hidden": 6'))
    elif harm == "an unknown encoder":
        config.write_text(config.read_text().replace("st_gcn", "abacus"))
    elif harm == "a table":
        config.write_text(config.read_text().replace('"minilm"', '"table.npy"'))
    elif harm == "nothing":
        for file in path.iterdir():
            file.unlink()
    return path


@pytest.mark.parametrize(
    "harm",
    [
        "no weights",
        "weights cut off",
        "config not UTF-8",
        "another model",
        "an unknown encoder",
        "a table",
        "nothing",
    ],
)
def test_a_run_that_cannot_predict_is_one_sentence(
    call: Call, tiny_run: Path, files: dict[str, Path], tmp_path: Path, harm: str
) -> None:
    run = broken_run(tmp_path / "run", tiny_run, harm)
    before = listing(tmp_path)
    assert call("predict", files["npz"], "--model", run, "--labels", *LABELS).sentence
    assert listing(tmp_path) == before


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    # what the command line itself refuses
    "unknown command": (("abacus",), 'Unknown command "abacus"'),
    "unknown option": (("describe", "builtin", "--abacus"), "--abacus"),
    "no argument": (("predict",), "requires an argument"),
    "no labels": (("predict", "{npz}", "--model", "{run}"), "--labels"),
    "no preset": (("train", "--preset"), "--preset requires an argument"),
    "not a number": (("train", "--epochs", "many"), '"many"'),
    "not a kind of text": (("train", "--texts", "poem"), '"poem"'),
    "not a kind of description": (("describe", "builtin", "--kind", "poem"), '"poem"'),
    "options without a name": (("train", "--encoder-options", "3"), "--encoder-options needs a dot"),
    # what the rooms refuse
    "one label": (("predict", "{npz}", "--model", "{run}", "--labels", "sit"), "1 label given"),
    "empty label": (("predict", "{npz}", "--model", "{run}", "--labels", "sit", ""), "one of the labels is empty"),
    "another layout": (("predict", "{npz}", "--model", "{run}", "--layout", "kinect20", "--labels", "a", "b"), "ntu25"),
    "unknown layout": (
        ("predict", "{npz}", "--model", "{run}", "--layout", "[/b]", "--labels", "a", "b"),
        "'[/b]' is not known",
    ),
    "no such rate": (
        ("predict", "{npz}", "--model", "{run}", "--fps", "-3", "--labels", "a", "b"),
        "-3.0 frames per second",
    ),
    "no such run": (("predict", "{npz}", "--model", "{here}/no", "--labels", "a", "b"), "no is no checkpoint"),
    "run in a loop": (("predict", "{npz}", "--model", "{here}/loop", "--labels", "a", "b"), "loop is no checkpoint"),
    "people and pair": (("predict", "{npz}", "--people", "--pair", "--labels", "a", "b"), "give one of them"),
    "an example without a file": (
        ("predict", "{npz}", "--model", "{run}", "--examples", "wave", "--labels", "a", "b"),
        "--examples 'wave', expected LABEL=FILE",
    ),
    "a rate without a calibration": (
        ("predict", "{npz}", "--model", "{run}", "--false-accept", "0.1", "--labels", "a", "b"),
        "this model has no calibration",
    ),
    "no such device": (
        ("predict", "{npz}", "--model", "{run}", "--device", "abacus", "--labels", "a", "b"),
        "'abacus'",
    ),
    "check nothing": (("check", "{here}/no"), "does not exist"),
    "check a loop": (("check", "{here}/loop"), "does not exist"),
    "unknown set": (("prepare", "abacus"), "data set 'abacus' is not known"),
    "no originals": (("prepare", "utd-mhad", "--out", "{here}/new/store"), "utd-mhad needs its original files"),
    "wrong originals": (("prepare", "utd-mhad", "--raw", "{here}", "--out", "{here}/new/s"), "no file named like"),
    "originals in a loop": (("prepare", "utd-mhad", "--raw", "{here}/loop", "--out", "{here}/new/s"), "loop"),
    "store over a file": (("prepare", "builtin", "--out", "{here}/file"), "no prepared store"),
    "store below a file": (("prepare", "builtin", "--out", "{here}/file/store"), "cannot be written"),
    "store in a loop": (("prepare", "builtin", "--out", "{here}/loop"), "no prepared store"),
    "store where none can be": (("prepare", "builtin", "--out", "/proc/store"), "/proc/store cannot be written"),
    "describe nothing": (("describe", "abacus"), "no descriptions of 'abacus'"),
    "describe no class": (("describe", "builtin", "abacus"), "class 'abacus' of builtin has no description"),
    "evaluate nothing": (("evaluate",), "no folder given"),
    "evaluate no run": (("evaluate", "{here}/no"), "is no folder"),
    "evaluate a file": (("evaluate", "{npz}"), "is no folder"),
    "evaluate a loop": (("evaluate", "{here}/loop"), "is no folder"),
    "evaluate an empty folder": (("evaluate", "{here}/empty"), "holds no run"),
    "evaluate with a wrong margin": (("evaluate", "{run}", "--alpha", "2"), "alpha is 2.0"),
    "evaluate on no device": (("evaluate", "{run}", "--device", "abacus"), "'abacus'"),
    "report below a file": (("evaluate", "{run}", "--report", "{here}/file/r.html"), "cannot be written"),
    "report over a folder": (("evaluate", "{run}", "--report", "{here}/empty"), "cannot be written"),
    "report where none can be": (("evaluate", "{run}", "--report", "/proc/no/r.html"), "cannot be written"),
    "unknown preset": (("train", "--preset", "abacus"), "preset 'abacus' is not known; known are demo"),
    "no store": (("train", "--store", "{here}/no", "--out", "{here}/new"), "`skeltext prepare builtin --out"),
    "store is a file": (("train", "--store", "{npz}", "--out", "{here}/new"), "is no folder"),
    "train on an empty folder": (("train", "--store", "{here}/empty", "--out", "{here}/new"), "is no prepared store"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_done_is_one_sentence(
    call: Call, tiny_run: Path, files: dict[str, Path], tmp_path: Path, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "empty").mkdir()
    words, part = WRONG[wrong]
    before = listing(tmp_path) | listing(tiny_run)
    filled = [word.format(run=tiny_run, npz=files["npz"], here=tmp_path) for word in words]
    sentence = call(*filled, *(["--json"] if "--json" not in filled and filled[-1] != "--preset" else [])).sentence
    assert part in sentence
    assert listing(tmp_path) | listing(tiny_run) == before


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"dataset": "abacus"}, "data set 'abacus' is not known"),
        ({"split": "9"}, "has no class split '9'"),
        ({"splits": "9"}, "has no class split '9'"),
        ({"method": "abacus"}, "method 'abacus' is not known"),
        ({"method_options.abacus": 1}, "method pgfa has no option 'abacus'"),
        ({"encoder": "abacus"}, "encoder 'abacus' is not known"),
        ({"encoder_options.abacus": 1}, "encoder st_gcn has no option 'abacus'"),
        ({"encoder_options.hidden": "wide"}, "hidden='wide'"),
        ({"preprocessing": "abacus"}, "preprocessing 'abacus' is not known"),
        ({"text_encoder": "/nowhere.npy"}, "/nowhere.npy cannot be read"),
        ({"device": "abacus"}, "device 'abacus' is not known"),
        ({"epochs": 0}, "epochs is 0"),
        ({"threads": -1}, "threads is -1"),
        ({"out": "/proc/no"}, "cannot be made"),
        ({"out": "file"}, "cannot be made"),
        ({"out": "loop"}, "cannot be made"),
    ],
)
def test_a_training_that_cannot_be_is_one_sentence(
    call: Call,
    train_words: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, object],
    part: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").write_text("in the way")
    before = listing(tmp_path)
    assert part in call(*train_words(**changes), "--json").sentence
    assert listing(tmp_path) == before


def test_an_unknown_split_is_told_before_the_known_ones_are_trained(
    call: Call, train_words: Callable[..., list[str]], tmp_path: Path
) -> None:
    words = [*train_words(out=tmp_path / "out"), "--splits", "0", "9", "--json"]
    assert "no class split '9'" in call(*words).sentence
    assert listing(tmp_path) == set()


def test_a_preset_is_the_default_of_its_options(call: Call, tmp_path: Path, tiny_store: Path, text_table: Path) -> None:
    words = ["train", "--preset", "demo", "--store", tiny_store, "--text-encoder", text_table, "--out", tmp_path]
    words += ["--encoder-options.hidden", 4, "--encoder-options.features", 16, "--epochs", 1, "--pseudo-unseen", 0]
    run = call(*words, "--device", "cpu", "--threads", 1, "--json").json["runs"][0]
    config, preset = TrainingConfig.from_yaml(Path(run["path"]) / "config.yaml"), load_preset("demo")
    assert config.epochs == 1 != preset.settings["epochs"]
    assert config.batch_size == preset.settings["batch_size"] != TrainingConfig().batch_size
    assert (run["split"], run["seed"]) == (preset.splits[0], preset.seeds[0])


def test_names_with_brackets_are_shown_as_they_are(
    call: Call,
    clip: Clip,
    tmp_path: Path,
    tiny_builtin: Dataset,
    train_words: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "[" / "b] [red]"  # as text [/b], which would end bold letters
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    write_npz(clip, folder / "x.npz")
    for path in ("[/b] [red]", "[/b] [red]/x.npz"):
        shown = call("check", path)
        assert shown.code == 0
        assert " ".join(shown.out.split()).startswith(f"{path} (")
    assert "[/b] [red]/no" in call("check", "[/b] [red]/no").sentence
    monkeypatch.setitem(registry.DATASETS, "builtin", tiny_builtin)
    made = call("prepare", "builtin", "--workers", 1, "--out", "[/b] [red]/store")
    assert (made.code, made.out.count("[/b] [red]/store")) == (0, 1)
    done = call(*train_words(store="[/b] [red]/store", out="[/b] [red]/runs", epochs=1, pseudo_unseen=0))
    assert (done.code, "skeltext evaluate [/b] [red]/runs" in done.out) == (0, True)


def test_a_name_that_is_no_text_is_still_json(call: Call, clip: Clip, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"odd\xff.npz")
    try:
        write_npz(clip, path)
    except OSError:
        pytest.skip("this file system has no such names")
    found = call("check", path, "--json")
    assert found.json["path"] == str(path)
    assert call("check", path).code == 0


def test_an_interruption_says_that_it_can_go_on(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from skeltext.benchmark import training

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_all", interrupted)
    outcome = call("train", "--json")
    assert outcome.code == 130
    assert "goes on where it was" in outcome.err
    assert "Traceback" not in outcome.err


def test_commands_in_their_own_process(tiny_run: Path, files: dict[str, Path], tmp_path: Path) -> None:
    found = in_its_own_process("predict", files["bvh"], "--model", tiny_run, "--labels", *LABELS, "--json")
    assert (found.code, len(found.json["answers"][0]["guesses"])) == (0, len(LABELS))
    assert in_its_own_process("predict", tmp_path / "no", "--model", tiny_run, "--labels", *LABELS).sentence
    odd = in_its_own_process("check", tmp_path / "no", PYTHONIOENCODING="ascii", folder=tmp_path)
    assert "does not exist" in odd.sentence
