"""Class splits: who is in which half, and that unseen clips never reach training."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skeltext.datasets.dataset import ClassSplit, Dataset, Protocol, Sample, View, every_class
from skeltext.datasets.registry import DATASETS
from skeltext.datasets.splitting import ClipSplit, chosen, hold_out, split_clips
from skeltext.datasets.store import Store, open_store
from skeltext.datasets.store_writing import write_store
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20

CLASSES = ("a", "b", "c", "d", "e", "f")
PROTOCOLS = {
    "cross-subject": Protocol("subject", frozenset({0, 1}), "here"),
    "cross-view": Protocol("camera", frozenset({1}), "here"),
    "cross-setup": Protocol("setup", frozenset({0, 2}), "here"),
}
PROTOCOL_NAMES = ("all", *PROTOCOLS)
VIEWS = {"6": every_class(CLASSES), "5": View(("ab", "c", "d", "e", "f"), (0, 0, 1, 2, 3, 4))}
CLIP = Clip(positions=np.zeros((1, 2, 20, 3), np.float32), layout=KINECT20, fps=30.0)
ALL = ClassSplit(name="all", seen=("a", "b", "c", "d"), unseen=("e", "f"), source="here", view="6")
CROSS = ClassSplit(name="x", seen=ALL.seen, unseen=ALL.unseen, source="here", view="6", protocol="cross-subject")


def make_store(folder: Path, protocols: Mapping[str, Protocol] = PROTOCOLS) -> Store:
    """Six classes by four subjects, one clip each; subjects take turns with cameras and setups."""
    dataset = Dataset(
        name="toy",
        title="Toy",
        layout=KINECT20,
        fps=30.0,
        classes=CLASSES,
        views=VIEWS,
        protocols=protocols,
        source="nowhere",
        citation="none",
        licence="none",
    )
    samples = [
        Sample(
            id=f"{CLASSES[label]}{subject}",
            label=label,
            subject=subject,
            camera=subject % 2,
            setup=(label + subject) % 4,
            read=partial(lambda: CLIP),
        )
        for label, subject in product(range(6), range(4))
    ]
    write_store(folder, dataset, ((sample, CLIP) for sample in samples))
    return open_store(folder)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("split") / "toy")


def ids(store: Store, indices: np.ndarray) -> str:  # type: ignore[type-arg]
    return " ".join(store.ids[index] for index in indices)


def assert_disjoint(clips: ClipSplit) -> None:
    parts = np.concatenate([clips.train, clips.test, clips.seen_test, clips.exemplars])
    assert len(set(parts.tolist())) == len(parts)


def test_all_subjects_train_and_test(store: Store) -> None:
    clips = split_clips(store, ALL)
    assert ids(store, clips.train) == "a0 a1 a2 a3 b0 b1 b2 b3 c0 c1 c2 c3 d0 d1 d2 d3"
    assert ids(store, clips.test) == "e0 e1 e2 e3 f0 f1 f2 f3"
    assert (len(clips.seen_test), clips.seen, clips.unseen) == (0, (0, 1, 2, 3), (4, 5))
    assert_disjoint(clips)


def test_cross_subject_divides_people_too(store: Store) -> None:
    clips = split_clips(store, CROSS)
    assert ids(store, clips.train) == "a0 a1 b0 b1 c0 c1 d0 d1"
    assert ids(store, clips.test) == "e2 e3 f2 f3"
    assert ids(store, clips.seen_test) == "a2 a3 b2 b3 c2 c3 d2 d3"
    assert_disjoint(clips)


def test_another_protocol_takes_the_place_of_that_of_the_split(store: Store) -> None:
    clips = split_clips(store, CROSS, protocol="cross-view")
    assert ids(store, clips.train) == "a1 a3 b1 b3 c1 c3 d1 d3"
    assert ids(store, clips.test) == "e0 e2 f0 f2"
    clips = split_clips(store, ALL, protocol="cross-setup")
    assert ids(store, clips.train) == "a0 a2 b1 b3 c0 c2 d1 d3"
    assert ids(store, clips.test) == "e1 e3 f0 f2"
    clips = split_clips(store, CROSS, protocol="all")
    np.testing.assert_array_equal(clips.train, split_clips(store, ALL).train)
    assert len(clips.seen_test) == 0


def test_an_unknown_protocol_lists_the_known_ones(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SkeltextError, match=r"'cross-age'.* choose one of all, cross-subject, cross-view, cross-setup"):
        split_clips(store, ALL, protocol="cross-age")
    with pytest.raises(SkeltextError, match=r"split x .* protocol 'cross-subject'.* choose one of all$"):
        split_clips(make_store(tmp_path / "toy", {}), CROSS)
    nobody = {"cross-subject": Protocol("subject", frozenset({9}), "here")}
    with pytest.raises(SkeltextError, match="leaves 0 training and 8 test clips"):
        split_clips(make_store(tmp_path / "nobody", nobody), CROSS)


def test_exemplars_are_no_test_clips(store: Store) -> None:
    one_shot = ClassSplit(name="1", seen=("a",), unseen=("e", "f"), source="", view="6", exemplars=("e0", "f3"))
    clips = split_clips(store, one_shot)
    assert ids(store, clips.exemplars) == "e0 f3"
    assert ids(store, clips.test) == "e1 e2 e3 f0 f1 f2"
    assert_disjoint(clips)
    lost = ClassSplit(name="1", seen=("a",), unseen=("e",), source="", view="6", exemplars=("e9",))
    with pytest.raises(SkeltextError, match="lacks e9"):
        split_clips(store, lost)


def test_split_of_a_view_needs_that_view(store: Store) -> None:
    merged = ClassSplit(name="m", seen=("ab", "c"), unseen=("d",), source="", view="5")
    with pytest.raises(SkeltextError, match=r"no class 'ab' of split m; the split belongs to view '5'.* view '6'"):
        split_clips(store, merged)
    clips = split_clips(store.view("5"), merged)
    assert ids(store, clips.train) == "a0 a1 a2 a3 b0 b1 b2 b3 c0 c1 c2 c3"
    assert ids(store, clips.test) == "d0 d1 d2 d3"


def test_unseen_clips_do_not_exist_in_a_held_out_split(store: Store) -> None:
    for split, seed in product((ALL, CROSS), range(5)):
        true, held = split_clips(store, split), hold_out(split, seed=seed)
        clips = split_clips(store, held)
        assert set(held.seen) | set(held.unseen) == set(split.seen)
        assert len(held.unseen) == 2
        reached = {*clips.train.tolist(), *clips.test.tolist(), *clips.seen_test.tolist()}
        assert not reached & set(true.test.tolist())
        assert not set(np.flatnonzero(np.isin(store.labels, true.unseen)).tolist()) & reached


@given(st.data())
def test_halves_are_what_split_and_protocol_say(store: Store, data: st.DataObject) -> None:
    """Train and test never share a clip, no unseen clip trains, and everybody is in the half that the protocol says."""
    order = data.draw(st.permutations(CLASSES))
    seen = data.draw(st.integers(1, 5))
    unseen = data.draw(st.integers(1, 6 - seen))
    own, asked = data.draw(st.sampled_from(PROTOCOL_NAMES)), data.draw(st.sampled_from((None, *PROTOCOL_NAMES)))
    known, new = order[:seen], order[seen : seen + unseen]
    split = ClassSplit(name="s", seen=tuple(known), unseen=tuple(new), source="", view="6", protocol=own)
    protocol = asked or own
    clips = split_clips(store, split, protocol=asked)
    assert_disjoint(clips)
    classes = {half: {CLASSES[label] for label in store.labels[getattr(clips, half)]} for half in ("train", "test")}
    assert classes["train"] <= set(known)
    assert classes["test"] <= set(new)
    everything = np.concatenate([clips.train, clips.seen_test])
    np.testing.assert_array_equal(np.sort(everything), np.flatnonzero(np.isin(store.labels, clips.seen)))
    if protocol == "all":
        assert len(clips.seen_test) == 0
        np.testing.assert_array_equal(clips.test, np.flatnonzero(np.isin(store.labels, clips.unseen)))
        return
    by, train, _ = PROTOCOLS[protocol]
    numbers = {"subject": store.subjects, "camera": store.cameras, "setup": store.setups}[by]
    assert set(numbers[clips.train].tolist()) <= train
    assert not {*numbers[clips.test].tolist(), *numbers[clips.seen_test].tolist()} & train
    others = np.isin(store.labels, clips.unseen) & ~np.isin(numbers, sorted(train))
    np.testing.assert_array_equal(clips.test, np.flatnonzero(others))


@given(st.sets(st.text(), min_size=4, max_size=60), st.floats(0.05, 0.4), st.integers(0, 1000))
def test_hold_out_is_a_partition_and_repeats(names: set[str], fraction: float, seed: int) -> None:
    split = ClassSplit(name="s", seen=tuple(sorted(names)), unseen=("\0unseen",), source="", view="v")
    held = hold_out(split, fraction=fraction, seed=seed)
    assert held == hold_out(split, fraction=fraction, seed=seed)
    assert sorted(held.seen + held.unseen) == sorted(names)
    assert len(held.unseen) == max(2, round(fraction * len(names)))
    shuffled = ClassSplit(name="s", seen=tuple(sorted(names, reverse=True)), unseen=("\0unseen",), source="", view="v")
    assert set(hold_out(shuffled, fraction=fraction, seed=seed).unseen) == set(held.unseen)


def test_hold_out_never_changes() -> None:
    assert chosen(["wave", "bow", "jump", "kick"], count=2, seed=0) == ("bow", "jump")
    assert chosen(["wave", "bow", "jump", "kick"], count=2, seed=1) == ("kick", "jump")


def test_hold_out_refuses_what_it_cannot_do() -> None:
    small = ClassSplit(name="s", seen=("a", "b", "c"), unseen=("d",), source="", view="v")
    with pytest.raises(SkeltextError, match="too few to hold out 2"):
        hold_out(small)
    with pytest.raises(SkeltextError, match="between 0 and 1"):
        hold_out(ALL, fraction=1.0)


def test_split_must_make_sense() -> None:
    with pytest.raises(SkeltextError, match="a is seen and unseen"):
        ClassSplit(name="s", seen=("a",), unseen=("a",), source="", view="v")
    with pytest.raises(SkeltextError, match="no class is seen"):
        ClassSplit(name="s", seen=(), unseen=("a",), source="", view="v")


def test_every_registered_split_can_hold_out() -> None:
    for dataset in DATASETS.values():
        for split in dataset.splits.values():
            if len(split.seen) >= 5:
                assert not set(hold_out(split).seen + hold_out(split).unseen) & set(split.unseen)
