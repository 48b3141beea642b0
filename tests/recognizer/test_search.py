"""A folder searched by sentences and examples: what is found, where in it, and that nothing is embedded twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exit_code import exit_code
from wrist_model import acted, nobody, wrist_recognizer

from skeltext.datasets.store import open_store
from skeltext.errors import SkeltextError
from skeltext.formats.npz import write_npz
from skeltext.formats.reading import recognise
from skeltext.recognizer.calibration import Calibration
from skeltext.recognizer.label_set import LabelSet
from skeltext.recognizer.motion_folder import MotionFolder, content_hash, embed_folder
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.search import Hit, search
from skeltext.recognizer.window_cache import FOLDER
from skeltext.skeletons.layouts import COCO17

FILES = {"a/left.npz": ("left",), "b/right.npz": ("right",), "both.npz": ("right", "left", "right")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three recordings of waving hands, of five seconds for every hand."""
    for name, sides in FILES.items():
        path = tmp_path / "motions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_npz(acted(*sides), path)
    return tmp_path / "motions"


@pytest.fixture
def recognizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recognizer:
    """A recogniser of left and right whose weights are in a file and whose user has a cache."""
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "weights").write_bytes(b"those of wrists")
    return replace(wrist_recognizer(), weights=tmp_path / "weights")


def names(hits: Sequence[Hit]) -> list[str]:
    return [Path(hit.path).name for hit in hits]


def test_files_are_ranked_and_the_span_is_where_it_happens(recognizer: Recognizer, folder: Path) -> None:
    motions = embed_folder(recognizer, folder)
    hits = search(recognizer, motions, ["waving the left hand"])
    assert names(hits)[-1] == "right.npz"
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    both = next(hit for hit in hits if hit.path.endswith("both.npz"))
    assert both.start == pytest.approx(5, abs=1)
    assert both.end == pytest.approx(10, abs=1)
    assert (both.first_frame, both.end_frame) == (round(30 * both.start), round(30 * both.end))
    assert names(search(recognizer, motions, ["waving the right hand"]))[-1] == "left.npz"


def test_scores_of_a_file_do_not_depend_on_the_files_beside_it(recognizer: Recognizer, folder: Path) -> None:
    together = {hit.path: hit.score for hit in search(recognizer, embed_folder(recognizer, folder), ["the left"])}
    alone = search(recognizer, embed_folder(recognizer, folder / "a"), ["the left"])
    assert alone[0].score == pytest.approx(together[alone[0].path], abs=1e-6)


def test_what_is_nearer_to_a_negative_is_no_hit(recognizer: Recognizer, folder: Path) -> None:
    motions = embed_folder(recognizer, folder)
    hits = search(recognizer, motions, LabelSet.of(["the left hand"], negatives=["the right hand"]))
    assert sorted(names(hits)) == ["both.npz", "left.npz"]


def test_a_clip_asks_for_more_of_the_same(recognizer: Recognizer, folder: Path) -> None:
    motions = embed_folder(recognizer, folder)
    like = LabelSet().with_examples("query", [acted("right", frames=60)])
    assert names(search(recognizer, motions, like))[-1] == "left.npz"
    both = search(recognizer, motions, like.with_texts("query", "the right"))
    assert names(both)[-1] == "left.npz"
    spoken = {hit.path: hit.score for hit in search(recognizer, motions, ["the right"])}
    shown = {hit.path: hit.score for hit in search(recognizer, motions, like)}
    assert both[0].score == pytest.approx((spoken[both[0].path] + shown[both[0].path]) / 2, abs=0.02)


def test_scores_are_standard_where_there_is_a_calibration(recognizer: Recognizer, folder: Path) -> None:
    plain = search(recognizer, embed_folder(recognizer, folder), ["the left"])
    reference = np.random.default_rng(0).uniform(size=(50, 2)).astype(np.float32)
    calibration = Calibration(reference=reference, temperature=1.0, thresholds={0.1: 1.0}, accepted={}, about="")
    recognizer = replace(recognizer, calibration=calibration)
    raw = recognizer.model.scores(reference, recognizer.encoder.encode(["the left"]))[:, 0]
    for before, hit in zip(plain, search(recognizer, embed_folder(recognizer, folder), ["the left"]), strict=True):
        assert hit.path == before.path
        assert hit.score == pytest.approx((before.score - raw.mean()) / raw.std(), abs=1e-4)


def embedded(motions: MotionFolder) -> np.ndarray:
    return np.concatenate([windows.embedded for windows in motions.motions.values()])


@pytest.fixture
def calls(recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many windows the model was given, call by call."""
    counted: list[int] = []
    embed = recognizer.model.embed

    def counting(clips: np.ndarray) -> np.ndarray:
        counted.append(len(clips))
        return embed(clips)

    monkeypatch.setattr(recognizer.model, "embed", counting)
    return counted


def test_nothing_is_embedded_twice(recognizer: Recognizer, folder: Path, calls: list[int]) -> None:
    first = embed_folder(recognizer, folder)
    assert calls == [27, 7, 7]  # windows of 2 s every 0.5 s in 15, 5 and 5 s
    assert first.computed == 3
    again = embed_folder(recognizer, folder)
    assert (len(calls), again.computed) == (3, 0)
    assert (embedded(first) == embedded(again)).all()
    assert search(recognizer, first, ["the left"]) == search(recognizer, again, ["the left"])
    assert len(list((folder / FOLDER).iterdir())) == 3
    write_npz(acted("left", frames=90), folder / "a" / "left.npz")
    assert embed_folder(recognizer, folder).computed == 1
    assert embed_folder(recognizer, folder, hop=1.0).computed == 3
    recognizer.weights.write_bytes(b"those of another model")  # type: ignore[union-attr]
    assert embed_folder(recognizer, folder).computed == 3


@pytest.mark.parametrize("damage", [b"", b"no tensors", "cut", "flipped", "swapped"])
def test_a_damaged_entry_counts_as_missing(recognizer: Recognizer, folder: Path, damage: bytes | str) -> None:
    first = embed_folder(recognizer, folder)
    entry, other = sorted((folder / FOLDER).iterdir())[:2]
    content = entry.read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    changed = {"cut": content[:-5], "flipped": flipped, "swapped": other.read_bytes()}
    entry.write_bytes(damage if isinstance(damage, bytes) else changed[damage])
    again = embed_folder(recognizer, folder)
    assert again.computed == 1
    assert (embedded(first) == embedded(again)).all()
    assert entry.read_bytes() == content


def test_a_folder_that_cannot_be_written_is_kept_in_the_cache_of_the_user(
    recognizer: Recognizer, folder: Path, tmp_path: Path
) -> None:
    (folder / FOLDER).write_text("a file where the folder would be")
    assert embed_folder(recognizer, folder).computed == 3
    assert embed_folder(recognizer, folder).computed == 0
    assert len(list((tmp_path / "cache" / "windows").iterdir())) == 3


def test_a_recogniser_of_no_file_keeps_nothing(recognizer: Recognizer, folder: Path) -> None:
    recognizer = replace(recognizer, weights=None)
    assert embed_folder(recognizer, folder).computed == embed_folder(recognizer, folder).computed == 3
    assert not (folder / FOLDER).exists()


def test_all_files_of_a_recording_decide_what_it_is(tmp_path: Path) -> None:
    frames = [tmp_path / f"walk_{number:012}_keypoints.json" for number in range(2)]
    for number, frame in enumerate(frames):
        person = {"person_id": [-1], "pose_keypoints_2d": [300.0 + number, 200.0, 0.9] * 25}
        frame.write_text(json.dumps({"people": [person]}))
    before = content_hash(frames[0], recognise(frames[0]))
    assert before == content_hash(frames[0], recognise(frames[0]))
    frames[1].write_text(frames[1].read_text().replace("301", "350"))
    assert before != content_hash(frames[0], recognise(frames[0]))


def test_files_that_cannot_be_used_are_told(recognizer: Recognizer, folder: Path) -> None:
    (folder / "broken.bvh").write_text("HIERARCHY")
    (folder / "notes.txt").write_text("Filmed on Monday.")
    write_npz(nobody(), folder / "nobody.npz")
    write_npz(replace(acted("left"), positions=np.ones((1, 9, 17, 2), np.float32), layout=COCO17), folder / "flat.npz")
    seen: list[tuple[int, int]] = []
    motions = embed_folder(recognizer, folder, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 7) for done in range(1, 8)]
    assert [Path(failure.path).name for failure in motions.unreadable] == ["broken.bvh", "flat.npz", "nobody.npz"]
    assert len(motions.motions) == 3


def test_an_empty_stretch_and_a_clip_without_a_rate(recognizer: Recognizer, folder: Path) -> None:
    positions = np.concatenate([nobody(300).positions, acted("left").positions], axis=1)
    write_npz(replace(acted("left"), positions=positions), folder / "late.npz")
    write_npz(replace(acted("left"), fps=None), folder / "rateless.npz")
    hits = {Path(hit.path).name: hit for hit in search(recognizer, embed_folder(recognizer, folder), ["the left"])}
    assert hits["late.npz"].start is not None
    assert hits["late.npz"].start > 8
    rateless = hits["rateless.npz"]
    assert (rateless.start, rateless.end, rateless.first_frame, rateless.end_frame) == (None, None, 0, 150)


def test_mistakes_are_one_sentence(recognizer: Recognizer, folder: Path, tmp_path: Path) -> None:
    motions = embed_folder(recognizer, folder)
    with pytest.raises(SkeltextError, match="nothing to search for"):
        search(recognizer, motions, [])
    with pytest.raises(SkeltextError, match="one of the labels is empty"):
        search(recognizer, motions, ["left", " "])
    with pytest.raises(SkeltextError, match="is no folder"):
        embed_folder(recognizer, tmp_path / "nowhere")
    with pytest.raises(SkeltextError, match="a window of 0 s"):
        embed_folder(recognizer, folder, window=0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SkeltextError, match=r"none of the 0 files in .* is a motion"):
        embed_folder(recognizer, tmp_path / "empty")


def test_the_command(
    tiny_run: Path,
    tiny_store: Path,
    embed_offline: Callable[[Sequence[str]], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    embed_offline(["clap above the head", "sneak about", "sit"])
    store = open_store(tiny_store)
    (tmp_path / "motions").mkdir()
    for index in range(3):
        write_npz(store.clip(index), tmp_path / "motions" / f"{index}.npz")
    words = ["search", "clap above the head", "sneak about", str(tmp_path / "motions"), "--model", str(tiny_run)]
    assert exit_code([*words, "--like", str(tmp_path / "motions" / "2.npz"), "--top", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["files"], found["computed"], len(found["hits"]), found["unreadable"]) == (3, 3, 2, [])
    assert set(found["hits"][0]) == {"rank", "path", "start", "end", "first_frame", "end_frame", "score"}
    assert exit_code([*words, "--not", "sit", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["computed"] == 0
    assert exit_code(words) == 0
    assert "3 files were searched" in capsys.readouterr().out
    for wrong in (["search"], ["search", str(tmp_path)], [*words, "--top", "0"], ["search", " ", str(tmp_path)]):
        assert exit_code(wrong) == 2
