"""Which clips a training may see: by protocol, without classes that are left out, the first of every class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from skeltext.datasets.dataset import Protocol
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.splitting import split_clips
from skeltext.datasets.store import open_store
from skeltext.errors import SkeltextError
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import Run, class_split
from skeltext.training.seen_data import seen_data

Configure = Callable[..., TrainingConfig]
SEEN = dataset_named("builtin").split("0").seen


def run_of(config: TrainingConfig) -> Run:
    return Run.of(config, RunFolder(Path("nowhere")))


def names_of(run: Run) -> list[str]:
    """The class of every clip that is shown."""
    indices = seen_data(run, preparing=no_report).indices
    return [run.store.classes[run.store.labels[index]] for index in indices]


def no_report(total: int) -> Callable[..., None]:
    return lambda done, figures: None


def test_a_class_that_is_left_out_is_read_by_nobody(tiny_config: Configure) -> None:
    config = tiny_config(without=SEEN[:3])
    assert class_split(config).seen == SEEN[3:]
    seen = seen_data(run_of(config), preparing=no_report)
    assert set(names_of(run_of(config))) == set(SEEN[3:])
    assert seen.arrays is not None
    assert len(seen.arrays) == len(seen.indices) == 2 * len(SEEN[3:])


def test_only_a_seen_class_can_be_left_out(tiny_config: Configure) -> None:
    unseen = dataset_named("builtin").split("0").unseen[0]
    with pytest.raises(SkeltextError, match=f"'{unseen}' is to be left out, but is no seen class of split 0; those"):
        class_split(tiny_config(without=(SEEN[0], unseen)))


def test_the_first_clips_of_every_class(tiny_config: Configure) -> None:
    config = tiny_config(clips_per_class=1)
    assert config.store is not None
    store, split = open_store(config.store), class_split(config)
    every = split_clips(store, split).train
    chosen = run_of(config).training_clips
    assert Counter(store.labels[chosen].tolist()) == dict.fromkeys({store.classes.index(name) for name in SEEN}, 1)
    assert all(index == min(every[store.labels[every] == store.labels[index]]) for index in chosen)
    assert run_of(tiny_config(clips_per_class=9)).training_clips.tolist() == every.tolist()
    with pytest.raises(SkeltextError, match="clips_per_class is 0, expected at least one"):
        tiny_config(clips_per_class=0)


def test_a_protocol_in_place_of_that_of_the_split(tiny_config: Configure) -> None:
    config = tiny_config(protocol="cross-subject")
    assert config.store is not None
    store = open_store(config.store)
    subject = int(store.subjects[0])
    store = replace(store, protocols={"cross-subject": Protocol("subject", frozenset({subject}), "here")})
    split = class_split(config)
    assert (split.protocol, class_split(tiny_config()).protocol) == ("cross-subject", "all")
    clips = split_clips(store, split)
    assert set(store.subjects[clips.train].tolist()) == {subject}
    assert subject not in store.subjects[clips.test]


def test_every_clip_is_shown_through_each_layout_as_well(tiny_config: Configure) -> None:
    plain = seen_data(run_of(tiny_config()), preparing=no_report)
    config = tiny_config(through=("h36m17", "mediapipe33"))
    seen = seen_data(run_of(config), preparing=no_report)
    assert plain.arrays is not None
    assert seen.arrays is not None
    n = len(plain.arrays)
    assert names_of(run_of(config)) == 3 * names_of(run_of(tiny_config()))
    assert seen.indices.tolist() == 3 * plain.indices.tolist()
    assert (seen.arrays[:n] == plain.arrays).all()
    assert (seen.arrays[n : 2 * n] != plain.arrays).any()
    assert (seen.arrays[n : 2 * n] != seen.arrays[2 * n :]).any()


def test_pictures_are_what_a_flat_model_learns_from(tiny_config: Configure) -> None:
    config = tiny_config(layout="coco17", preprocessing="flat50", views=2)
    run = run_of(config)
    seen = seen_data(run, preparing=no_report)
    assert seen.arrays is not None
    assert run.preprocessing.layout.name == "coco17"
    assert seen.arrays.shape[1:4] == (2, 50, 17)
    ahead, aside = seen.arrays[: len(seen.arrays) // 2], seen.arrays[len(seen.arrays) // 2 :]
    assert abs(ahead - aside).max() > 0.1
    for wrong in ({"views": 0}, {"layout": None}, {"through": ("h36m17",)}):
        with pytest.raises(SkeltextError, match="a flat layout needs --views of at least one and no --through"):
            seen_data(run_of(replace(config, **wrong)), preparing=no_report)


def test_a_split_that_leaves_nothing_unseen_trains_and_tests_nothing(tiny_config: Configure) -> None:
    config = tiny_config(split="all")
    assert config.store is not None
    store, split = open_store(config.store), class_split(config)
    clips = split_clips(store, split)
    assert set(split.seen) == set(dataset_named("builtin").classes)
    assert clips.train.tolist() == list(range(len(store)))
    assert not len(clips.test)
