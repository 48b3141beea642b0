"""Seen and unseen classes together: from training to S, U and H, each found again by hand, without any leak."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from skeltext.benchmark import evaluation as evaluation_module
from skeltext.benchmark.tables import percent
from skeltext.cli import main
from skeltext.datasets import registry
from skeltext.datasets.dataset import ClassSplit, Dataset, Protocol, Sample
from skeltext.datasets.originals import Originals
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.splitting import hold_out, split_clips
from skeltext.datasets.store import Store, open_store
from skeltext.datasets.store_writing import write_store
from skeltext.errors import SkeltextError
from skeltext.evaluation import generalised as generalised_module
from skeltext.evaluation.calibrated_gate import Gate, Judged, Logistic
from skeltext.evaluation.calibrated_stacking import best_gamma, stacked_predictions
from skeltext.evaluation.generalised import generalised_result
from skeltext.evaluation.generalised_accuracy import generalised_accuracy, harmonic_mean
from skeltext.evaluation.generalised_results import WAYS, mean_table
from skeltext.evaluation.metrics import accuracy, class_mean_accuracy
from skeltext.evaluation.results import RULES
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.progress import ProgressBars
from skeltext.recognizer.card import load_card
from skeltext.recognizer.checkpoint import load_method
from skeltext.recognizer.embedding import embed_clips
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import Run, calibration_clips, class_split
from skeltext.training.loop import TrainingData
from skeltext.training.seen_data import seen_data, training_data
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]
pytestmark = pytest.mark.usefixtures("one_thread")
BUILTIN = dataset_named("builtin")
FEW = ClassSplit(
    name="few",
    seen=BUILTIN.classes[:8],
    unseen=BUILTIN.classes[8:11],
    source="made for this test",
    view=BUILTIN.split("0").view,
    protocol="cross-subject",
)
SUBJECTS, TRAINING_SUBJECTS = 7, 5


def _samples(originals: Originals) -> Iterator[Sample]:
    """One clip of every class of the split by every subject."""
    wanted = {BUILTIN.classes.index(name) for name in FEW.seen + FEW.unseen}
    shown = set()
    for sample in BUILTIN.samples(originals):
        key = (sample.label, sample.subject)
        if sample.label in wanted and sample.subject < SUBJECTS and key not in shown:
            shown.add(key)
            yield sample


DIVIDED: Dataset = replace(
    BUILTIN,
    splits={**BUILTIN.splits, "few": FEW},
    protocols={"cross-subject": Protocol("subject", frozenset(range(TRAINING_SUBJECTS)), "made for this test")},
)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setitem(registry.DATASETS, "builtin", DIVIDED)
    monkeypatch.setenv("SKELTEXT_CACHE", str(cache))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def divided_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("divided") / "store"
    samples = _samples(Originals(folder, folder))
    write_store(folder, DIVIDED, ((sample, sample.read()) for sample in samples))
    return folder


@pytest.fixture(scope="module")
def configure(tiny_config: Configure, divided_store: Path) -> Configure:
    def make(**changes: object) -> TrainingConfig:
        plain = {"store": divided_store, "split": "few", "calibration": 0.4, "epochs": 2}
        return tiny_config(**(plain | changes))

    return make


def run(config: TrainingConfig, path: Path) -> RunFolder:
    folder = RunFolder(path)
    train_run(config, folder, watcher=ProgressBars(quiet=True))
    return folder


@pytest.fixture(scope="module")
def runs(configure: Configure, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An end-to-end run, a first stage, and a run on its frozen encoder."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.DATASETS, "builtin", DIVIDED)
        patch.setenv("SKELTEXT_CACHE", str(cache))
        run(configure(), folder / "pgfa")
        run(configure(method="classifier"), folder / "stage")
        head = {"method": "devise", "pretrained": folder / "stage", "encoder_options": {}, "optimizer": "adam"}
        run(configure(**head), folder / "devise")
    return folder


def no_report(total: int) -> Callable[..., None]:
    return lambda done, figures: None


def opened(config: TrainingConfig) -> tuple[Store, ClassSplit]:
    assert config.store is not None
    return open_store(config.store), class_split(config)


def test_some_clips_of_every_class_are_kept_whatever_else_is_trained(configure: Configure) -> None:
    store, split = opened(configure())
    trains = Run.of(configure(), RunFolder(Path("nowhere"))).training_clips
    kept = calibration_clips(store, trains, share=0.4)
    assert np.isin(kept, trains).all()
    counts = np.unique(store.labels[kept], return_counts=True)[1]
    assert counts.tolist() == [2] * len(split.seen)  # of five
    one = trains[store.labels[trains] == store.labels[trains[0]]]
    np.testing.assert_array_equal(calibration_clips(store, one, share=0.4), kept[np.isin(kept, one)])
    shuffled = np.random.default_rng(0).permutation(trains)
    np.testing.assert_array_equal(calibration_clips(store, shuffled, share=0.4), kept)
    assert len(calibration_clips(store, trains, share=0.0)) == 0
    for share, count in ((0.01, 1), (0.99, 4)):
        assert len(calibration_clips(store, one, share=share)) == count
    assert len(calibration_clips(store, one[:1], share=0.5)) == 0


def test_the_second_run_alone_is_not_shown_them(runs: Path) -> None:
    for name in ("pgfa", "stage", "devise"):
        run = Run.open(runs / name)
        assert run.held_out is not None
        seen = seen_data(run, preparing=no_report)
        kept = calibration_clips(run.store, seen.indices, share=0.4)
        data: dict[RunFolder, TrainingData] = {}
        for part in run.parts:
            card = load_card(part.folder.checkpoint)
            method = load_method(card, part.folder.checkpoint / "weights.safetensors")
            texts = np.zeros((1, 16), np.float32)
            data[part.folder] = training_data(method, card, texts, part, seen, preparing=no_report)
        folder, held = run.folder, hold_out(FEW, fraction=run.config.pseudo_unseen)
        assert run.held_out.split == held
        names = {index: run.store.classes[run.store.labels[index]] for index in seen.indices}
        assert len(data[folder].labels) == len(seen.indices)
        shown = [i for i, name in names.items() if name in held.seen and i not in kept]
        assert [held.seen[k] for k in data[folder.held_out].labels] == [names[i] for i in shown]
        if data[folder.held_out].clips is not None:
            assert seen.arrays is not None
            place = [seen.indices.tolist().index(i) for i in shown]
            torch.testing.assert_close(data[folder.held_out].clips, torch.from_numpy(seen.arrays[place]))


def test_every_clip_is_where_it_belongs(runs: Path, configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    found = generalised_result(Run.open(runs / "pgfa"))
    store, split = opened(configure())
    clips = split_clips(store, split)
    assert found.classes == (8, 3)
    assert found.clips == (len(clips.seen_test), len(clips.test)) == (16, 6)
    assert found.calibration_classes == (6, 2)
    assert found.calibration_clips == (6 * 2, 2 * TRAINING_SUBJECTS)
    read: list[int] = []
    plain = Store.clip
    monkeypatch.setattr(Store, "clip", lambda self, index: read.append(index) or plain(self, index))
    generalised_result(Run.open(runs / "pgfa"))
    subjects = {
        name: {int(store.subjects[i]) for i in read if store.classes[store.labels[i]] == name} for name in FEW.seen
    }
    held = hold_out(split, fraction=configure().pseudo_unseen)
    assert all(subjects[name] == set(range(SUBJECTS)) for name in held.unseen)
    kept = calibration_clips(store, clips.train, share=0.4)
    wanted = {*clips.seen_test, *clips.test, *kept[np.isin(np.array(store.classes)[store.labels[kept]], held.seen)]}
    wanted |= {i for i in clips.train if store.classes[store.labels[i]] in held.unseen}
    assert set(read) == wanted


def test_stacking_by_hand(runs: Path, configure: Configure) -> None:
    folder = RunFolder(runs / "pgfa")
    found = generalised_result(Run.open(folder.path))
    store, split = opened(configure())
    clips = split_clips(store, split)
    card = load_card(folder.checkpoint)
    method = load_method(card, *folder.weights_after(1))
    indices = sorted([*clips.seen_test, *clips.test])
    arrays = torch.stack([torch.from_numpy(card.preprocessing(store.clip(int(i)))) for i in indices])
    names = split.seen + split.unseen
    table = np.load(configure().text_encoder)
    texts = torch.from_numpy(table[[store.classes.index(name) for name in names]])
    scores = F.normalize(embed_clips(method, arrays), dim=1) @ F.normalize(texts, dim=1).T
    assert found.fitted["last"] is not None
    scores[:, :8] -= found.fitted["last"].gamma
    labels = np.array([names.index(store.classes[store.labels[i]]) for i in indices])
    predicted, is_seen = scores.argmax(dim=1).numpy(), labels < 8
    cell = found.table["stacking"]["last"]
    assert cell is not None
    assert cell.seen == accuracy(labels[is_seen], predicted[is_seen])
    assert cell.unseen_per_class == class_mean_accuracy(labels[~is_seen], predicted[~is_seen])
    assert cell.harmonic == harmonic_mean(cell.seen, cell.unseen)


def test_the_expert_of_the_seen_classes(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Judged] = []
    plain = generalised_module.judge

    def listening(*given: object, **more: object) -> tuple[Judged, torch.Tensor]:
        judged, scores = plain(*given, **more)  # type: ignore[arg-type]
        heard.append(judged)
        return judged, scores

    monkeypatch.setattr(generalised_module, "judge", listening)
    on_stage = generalised_result(Run.open(runs / "devise"))
    assert on_stage.seen_expert == "classifier"
    alone = generalised_result(Run.open(runs / "pgfa"))
    assert alone.seen_expert == "method"
    shapes = [(judged.seen.shape[1], judged.unseen.shape[1]) for judged in heard]
    assert shapes == [(6, 2), (8, 3)] * 2  # the second run first, then the run
    for judged in heard:
        torch.testing.assert_close(judged.unseen.sum(dim=1), torch.ones(len(judged.unseen)))
    stage = RunFolder(runs / "stage")
    card = load_card(stage.checkpoint)
    method = load_method(card, stage.checkpoint / "weights.safetensors")
    config = TrainingConfig.from_yaml(runs / "devise" / "config.yaml")
    store, split = opened(config)
    clips = split_clips(store, split)
    indices = sorted([*clips.seen_test, *clips.test])
    arrays = torch.stack([torch.from_numpy(card.preprocessing(store.clip(int(i)))) for i in indices])
    with torch.inference_mode():
        torch.testing.assert_close(heard[1].seen, method.head(method.features(arrays)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["pgfa", "devise"])
def test_every_rule_takes_its_epoch(runs: Path, name: str) -> None:
    folder = RunFolder(runs / name)
    chosen = {"last": 1, "pseudo-unseen": 0, "oracle": None}
    found = generalised_result(Run.open(folder.path), epochs=chosen)
    assert {rule: cell and cell.epoch for rule, cell in found.fitted.items()} == chosen
    for way in WAYS:
        assert set(found.table[way]) == set(chosen)
        assert found.table[way]["oracle"] is None
    assert found.table["stacking"]["last"] == generalised_result(Run.open(folder.path)).table["stacking"]["last"]
    fitted = found.fitted["last"]
    assert fitted is not None
    for gate in fitted.gates.values():
        assert len(gate.weights) == 2 * 2  # two classes are held out
        assert gate.temperature in range(1, 10)
    assert found == generalised_result(Run.open(folder.path), epochs=chosen)


def test_the_gate_sends_a_clip_to_one_of_both_experts() -> None:
    regression = Logistic(weights=torch.tensor([0.0, 1.0]).double(), bias=torch.tensor(-0.8).double())
    gate = Gate(rule="sound", width=1, temperature=1, threshold=0.5, regression=regression, accuracy=1.0)
    judged = Judged(
        unseen=torch.tensor([[0.4, 0.6], [0.3, 0.7]]), seen=torch.tensor([[0.0, 9.0, 0.0], [0.0, 0.5, 0.0]])
    )
    assert generalised_module._gated(gate, judged).tolist() == [1, 3 + 1]


def test_gamma_is_the_best_one_there_is() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(60, 7, generator=generator)
    labels = torch.randint(0, 7, (60,), generator=generator).numpy()
    scores[torch.arange(60), torch.from_numpy(labels)] += 1.0
    scores[:, :4] += 3.0

    def h(gamma: float) -> float:
        return generalised_accuracy(labels, stacked_predictions(scores, seen=4, gamma=gamma), seen=4).harmonic

    gamma = best_gamma(scores, labels, seen=4)
    assert h(gamma) == max(h(tried) for tried in np.linspace(-2, 8, 2001))
    assert h(gamma) > h(0.0) + 0.1
    wrong = (labels + 1) % 4
    assert best_gamma(scores, np.where(labels < 4, wrong, 99), seen=4) == 0.0  # nothing is ever right


def test_accuracies_by_hand() -> None:
    labels, predicted = np.array([0, 0, 0, 1, 2, 2, 3]), np.array([0, 0, 2, 1, 2, 0, 0])
    found = generalised_accuracy(labels, predicted, seen=2)
    assert (found.seen, found.unseen) == (3 / 4, 1 / 3)
    assert found.harmonic == pytest.approx(2 * (3 / 4) * (1 / 3) / (3 / 4 + 1 / 3))
    assert (found.seen_per_class, found.unseen_per_class) == (pytest.approx(5 / 6), 1 / 4)


def test_several_runs_are_their_mean(runs: Path) -> None:
    found = [generalised_result(Run.open(runs / name)) for name in ("pgfa", "devise")]
    mean = mean_table(found)["sound gate"]["last"]
    cells = [run.table["sound gate"]["last"] for run in found]
    assert mean is not None
    assert mean.harmonic == np.mean([cell.harmonic for cell in cells if cell])
    without = replace(found[0], table={way: {"last": None} for way in WAYS})
    assert mean_table([found[1], without])["stacking"]["last"] is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"calibration": 0.0},
            r"calibration 0\.0 and pseudo_unseen 0\.2, expected shares above 0 .* --calibration 0\.2",
        ),
        ({"pseudo_unseen": 0.0}, r"calibration 0\.4 and pseudo_unseen 0\.0, expected shares above 0"),
        ({"protocol": "all"}, r"trains on every clip of the seen classes.* train with --protocol"),
        ({"method": "classifier"}, "classifier is no zero-shot method"),
    ],
)
def test_a_run_that_cannot_be_tested_so_is_one_sentence(
    configure: Configure, tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    configure(**changes).to_yaml(tmp_path / "config.yaml")
    with pytest.raises(SkeltextError, match=sentence):
        generalised_result(Run.open(tmp_path))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"calibration": 0.0}, r"pseudo-unseen has learnt from 12 of the 12 clips of seen classes"),
        ({"protocol": "all"}, r"stage has learnt from 16 of the 16 clips of seen classes"),
    ],
)
def test_a_first_stage_that_knows_the_clips_is_refused(
    configure: Configure, tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    stage = run(configure(method="classifier", epochs=1, **changes), tmp_path / "stage")
    head = {"method": "devise", "pretrained": stage.path, "encoder_options": {}, "optimizer": "adam", "epochs": 1}
    folder = run(configure(**head), tmp_path / "devise")
    with pytest.raises(SkeltextError, match=sentence):
        generalised_result(Run.open(folder.path))


def test_the_command(runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation_module, "write_report", lambda *given: None)  # which takes longer than the rest
    words = ["evaluate", str(runs / "pgfa"), "--generalised", "--device", "cpu"]

    def call(*more: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*words, *more])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, " ".join(err.split())

    code, out, _ = call("--json")
    assert code == 0
    found = json.loads(out)["generalised"]
    assert set(found["mean"]) == set(WAYS)
    assert set(found["mean"]["stacking"]) == set(RULES)
    assert found["runs"][0]["clips"] == [16, 6]
    result = evaluate_run(Run.open(runs / "pgfa"))
    assert {rule: cell["epoch"] for rule, cell in found["runs"][0]["fitted"].items()} == result.chosen["plain"]
    code, out, _ = call()
    assert code == 0
    lines = [line for line in out.splitlines() if "stacking, mean of classes" in line and " last " in line]
    cell = found["mean"]["stacking"]["last"]
    assert [percent(cell[f"{part}_per_class"]) in lines[0] for part in ("seen", "unseen", "harmonic")] == [True] * 3
    code, _, err = call("--on", "builtin")
    assert code == 2
    assert "leave out one of the two" in err
