"""A run, opened once: its folder, its settings and the data that they name.

Whoever trains, evaluates, calibrates or releases a run is handed this object, and reads neither the settings nor the
data set again. The prepared store is opened when it is first needed, so that a run can be named where its data are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skeltext.datasets.dataset import ClassSplit, Dataset
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.splitting import ClipSplit, Indices, chosen, first_of_each, hold_out, split_clips
from skeltext.datasets.store import Store, open_store
from skeltext.encoders.registry import is_fixed
from skeltext.errors import SkeltextError, require
from skeltext.methods.registry import method_named
from skeltext.recognizer.card import load_card
from skeltext.recognizer.text_space import fitted_state
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import CONFIG, RunFolder, find_runs
from skeltext.skeletons.layouts import layout_named
from skeltext.skeletons.preprocessing import Preprocessing, preprocessing_named
from skeltext.texts.descriptions import class_texts, described_sets
from skeltext.texts.embedding import described, embed_classes, text_encoder
from skeltext.texts.encoder import Embeddings, TextEncoder, TextTable
from skeltext.texts.label_map import LabelMap
from skeltext.texts.library import described_elsewhere
from skeltext.texts.registry import text_space
from skeltext.texts.space import ClassTexts, TextSpace

RELEASED = "released"  # how arrays were read that their authors had prepared, and the recipe that leaves them alone


@dataclass(frozen=True, kw_only=True)
class OtherData:
    """Another data set to test on: its name, a class split of it whose unseen classes are recognized, and its store."""

    dataset: str
    split: str
    store: Path | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """One training with all that it names: ``folder``, ``config`` and the class ``split`` that it learns.

    A run that chooses its epoch has a second training, :attr:`held_out`, which is a `Run` as well: its split is made of
    the seen classes alone, some of which play the unseen ones, and ``whole`` is the run that it belongs to. Clips are
    numbers in the :attr:`store`, in ascending order.
    """

    folder: RunFolder
    config: TrainingConfig
    split: ClassSplit
    whole: Run | None = None

    @classmethod
    def of(cls, config: TrainingConfig, folder: RunFolder) -> Run:
        """The run of some settings in a folder that may be empty; raises :class:`SkeltextError` for unknown names."""
        run = cls(folder=folder, config=config, split=class_split(config))
        return replace(run, split=run._split_of_other_sources()) if config.without_sources else run

    @classmethod
    def open(cls, path: Path) -> Run:
        """The run in a folder; raises :class:`SkeltextError` if its settings cannot be read."""
        return cls.of(TrainingConfig.from_yaml(path / CONFIG), RunFolder(path))

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.path.name

    @cached_property
    def held_out(self) -> Run | None:
        """The second training, which is not shown some of the seen classes; None where the settings have none."""
        if self.whole is not None or not self.config.pseudo_unseen:
            return None
        split = hold_out(self.split, fraction=self.config.pseudo_unseen)
        return replace(self, folder=self.folder.held_out, split=split, whole=self)

    @property
    def parts(self) -> tuple[Run, ...]:
        """The run and, if there is one, its second training."""
        return (self,) if self.held_out is None else (self, self.held_out)

    @property
    def frozen(self) -> bool:
        """Whether the encoder stays as it is, so that the head learns from features that are computed once."""
        return self.config.frozen or is_fixed(self.config.encoder)

    def require_finished(self) -> None:
        """Raise :class:`SkeltextError` if a part of the run has fewer epochs than it is to have."""
        for part in self.parts:
            done = len(part.folder.metrics())
            if done < self.config.epochs:
                raise SkeltextError(
                    f"{part.folder.path} has {done} of {self.config.epochs} epochs; give the same `skeltext train`"
                    " command again"
                )

    @cached_property
    def dataset(self) -> Dataset:
        """The data set that the settings name."""
        return dataset_named(self.config.dataset)

    @cached_property
    def store(self) -> Store:
        """The prepared data set, in the view of the split; its clips stay on disk until they are read."""
        return _opened(self.config, self.dataset, self.split) if self.whole is None else self.whole.store

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """How clips are prepared for the encoder."""
        config, dataset = self.config, self.dataset
        layout = layout_named(config.layout) if config.layout else dataset.layout
        if bool(config.views) != (layout.C < dataset.layout.C) or (config.views and config.through):
            raise SkeltextError(
                f"clips of {dataset.layout.C} coordinates are to become {layout.name} with {layout.C} by {config.views}"
                f" views and through {len(config.through)} layouts; a flat layout needs --views of at least one and no"
                " --through, others no --views"
            )
        return preprocessing_named(config.preprocessing, layout=layout.name, bodies=dataset.bodies)

    @cached_property
    def clips(self) -> ClipSplit:
        """How the clips of the whole data set are divided by the split."""
        return split_clips(self.store, self.split) if self.whole is None else self.whole.clips

    @cached_property
    def training_clips(self) -> Indices:
        """The clips that may be learned from, the first ``clips_per_class`` of every class if the settings say so.

        The second training is shown none of the clips in :attr:`calibration_clips`.
        """
        if self.whole is not None:
            every = self.whole.training_clips
            return every[self._show(every, self.split.seen) & ~np.isin(every, self.whole.calibration_clips)]
        every, most = self.clips.train, self.config.clips_per_class
        every = every[~np.isin(self.store.sources[every], self._omitted_sources)]
        if most is None:
            return every
        labels = self.store.labels[every]
        return np.sort(np.concatenate([every[labels == label][:most] for label in np.unique(labels)]))

    @cached_property
    def _omitted_sources(self) -> list[int]:
        """The numbers of the data sets of a union that the settings leave out."""
        names = self.store.source_names
        unknown = ", ".join(sorted(set(self.config.without_sources) - set(names)))
        require(not unknown, f"{unknown} is not a source of {self.store.folder}; those are {', '.join(names)}")
        return [names.index(name) for name in self.config.without_sources]

    def _split_of_other_sources(self) -> ClassSplit:
        """The class split without the seen classes that only sources show which the settings leave out."""
        here = ~np.isin(self.store.sources, self._omitted_sources)
        shown = {self.store.classes[label] for label in np.unique(self.store.labels[here])}
        return replace(self.split, seen=tuple(name for name in self.split.seen if name in shown))

    @cached_property
    def calibration_clips(self) -> Indices:
        """Clips of seen classes that the second training is not shown either, by the setting ``calibration``."""
        if self.whole is not None:
            kept = self.whole.calibration_clips
            return kept[self._show(kept, self.split.seen)]
        return calibration_clips(self.store, self.training_clips, share=self.config.calibration)

    @cached_property
    def pseudo_unseen_clips(self) -> Indices:
        """Training clips of the run that show a class which its second training holds out."""
        assert self.whole is not None
        every = self.whole.training_clips
        return every[self._show(every, self.split.unseen)]

    @cached_property
    def exemplar_clips(self) -> Indices:
        """Clips of unseen classes that a one-shot split shows; the first of every class in the second training."""
        if self.whole is None:
            return self.clips.exemplars
        split = self.whole.split
        candidates = np.isin(np.arange(len(self.store)), self.pseudo_unseen_clips)
        shots = max(split.shots, bool(split.exemplars))
        return np.flatnonzero(first_of_each(self.store.labels, candidates, count=shots))

    @cached_property
    def test_clips(self) -> Indices:
        """Clips of the unseen classes of the split that are recognized in a test."""
        return self.clips.test if self.whole is None else np.setdiff1d(self.pseudo_unseen_clips, self.exemplar_clips)

    @property
    def seen_test_clips(self) -> Indices:
        """Clips of the seen classes that were not learned from: the test half, or those kept for calibration."""
        return self.clips.seen_test if self.whole is None else self.calibration_clips

    def on(self, other: OtherData) -> Run:
        """The same training with the data of another set in place of its own, to be tested on."""
        there = replace(
            self.config, dataset=other.dataset, split=other.split, store=other.store, without=(), protocol=None
        )
        return Run.of(there, self.folder)

    @cached_property
    def text_space(self) -> TextSpace:
        """What embeds the texts of classes, as the training fitted it: its checkpoint keeps what that found."""
        return self._plain_text_space.with_state(fitted_state(load_card(self.folder.checkpoint)))

    def fitted_label_map(self, space: TextSpace) -> LabelMap | None:
        """What makes vectors of this `space` of labels that somebody types, fitted on what this training learns.

        It knows no action that means the same as a class which is not learned. There is none where the settings say so,
        where texts come from a table, and for a method that reads several kinds of text.
        """
        config, name, encoder = self.config, self.dataset.name, self._text_encoder
        if not config.label_map or isinstance(encoder, TextTable) or method_named(config.method).text_kinds:
            return None
        every = self.dataset.views[self.split.view].classes
        unseen = [one for one in every if one not in self.split.seen]
        called = class_texts(name, unseen, kind="name") if name in described_sets() else []
        kinds = tuple(dict.fromkeys((*space.kinds, "name")))
        return LabelMap(space, encoder).fitted_on(
            self._described(space),
            library=described_elsewhere(name, kinds=kinds, unseen=unseen, authors=config.authors),
            unseen=[*unseen, *called],
        )

    def fitted_text_space(self) -> TextSpace:
        """The same, fitted now on the classes that this training learns and on no other."""
        space = self._plain_text_space
        return space.fitted_on(self._described(space))

    def _described(self, space: TextSpace) -> list[ClassTexts]:
        """The texts of the classes that this training learns, of the kinds that a text space reads."""
        names, source, authors = self.split.seen, self.config.descriptions, self.config.authors
        return described(self.dataset.name, names, kinds=space.kinds, source=source, authors=authors)

    @cached_property
    def _text_encoder(self) -> TextEncoder:
        return text_encoder(self.config.text_encoder, all_classes=self.dataset.views[self.split.view].classes)

    @cached_property
    def _plain_text_space(self) -> TextSpace:
        config = self.config
        return text_space(
            config.text_space,
            config.text_space_options,
            encoder=self._text_encoder,
            kind=config.texts,
            kinds=method_named(config.method).text_kinds,
        )

    def embedded_classes(self, classes: Sequence[str], *, space: TextSpace | None = None) -> Embeddings:
        """The texts of classes as the method reads them: (K, D), or (K, P, D) where it reads P kinds.

        They are embedded in a text `space`, by default that of the finished training.
        """
        source, authors = self.config.descriptions, self.config.authors
        return embed_classes(space or self.text_space, self.dataset.name, classes, source=source, authors=authors)

    def class_texts(self, classes: Sequence[str]) -> list[str]:
        """The sentences behind the embeddings; a table of embeddings has none but the names."""
        if self.config.text_encoder.endswith(".npy"):
            return list(classes)
        return class_texts(self.config.dataset, classes, kind=self.config.texts, source=self.config.descriptions)

    def _show(self, clips: Indices, classes: Sequence[str]) -> npt.NDArray[np.bool_]:
        """(N,) which of the clips show one of the classes."""
        return np.isin(np.array(self.store.classes)[self.store.labels[clips]], classes)


def open_runs(paths: Iterable[Path]) -> list[Run]:
    """Every run at or below the paths; raises :class:`SkeltextError` where there is none."""
    return [Run.open(folder.path) for path in paths for folder in find_runs(path)]


def open_run(path: Path) -> Run:
    """The one run at or below a path; raises :class:`SkeltextError` that lists them where there are several."""
    found = find_runs(path)
    names = ", ".join(str(folder.path) for folder in found[:8]) + (", ..." if len(found) > 8 else "")
    require(len(found) == 1, f"{path} holds {len(found)} runs, expected one; name one of {names}")
    return Run.open(found[0].path)


def class_split(config: TrainingConfig) -> ClassSplit:
    """The class split that the settings name, with their protocol, without the seen classes that they omit."""
    split = dataset_named(config.dataset).split(config.split)
    unknown = sorted(set(config.without) - set(split.seen))
    if unknown:
        raise SkeltextError(
            f"{unknown[0]!r} is to be left out, but is no seen class of split {split.name}; those are"
            f" {', '.join(split.seen)}"
        )
    seen = tuple(name for name in split.seen if name not in config.without)
    return replace(split, seen=seen, protocol=config.protocol or split.protocol)


def calibration_clips(store: Store, indices: Indices, *, share: float) -> Indices:
    """Those of the training clips `indices` that the second training is not shown, in ascending order.

    They are a `share` of the clips of every class, at least one of a class that has two and never all; which ones
    follows from their ids alone, so that a first stage and what is built on it omit the same. With a share of 0 there
    are none.
    """
    if not share:
        return indices[:0]
    labels, kept = store.labels[indices], []
    for label in np.unique(labels):
        number_of = {store.ids[index]: index for index in indices[labels == label]}
        count = min(max(1, round(share * len(number_of))), len(number_of) - 1)
        kept += [number_of[name] for name in chosen(number_of, count=count, seed=0)]
    return np.sort(np.array(kept, np.int64))


def _opened(config: TrainingConfig, dataset: Dataset, split: ClassSplit) -> Store:
    folder = config.store or Path("prepared") / config.dataset
    if not folder.exists():
        raw = "" if dataset.name == "builtin" else " --raw FOLDER"
        raise SkeltextError(f"{folder} does not exist; `skeltext prepare {dataset.name}{raw} --out {folder}` makes it")
    store = open_store(folder)
    if store.name != dataset.name:
        raise SkeltextError(
            f"{folder} holds {store.name}, not {dataset.name}; give the store of the data set with --store"
        )
    if store.reading == RELEASED and config.preprocessing != RELEASED:
        raise SkeltextError(
            f"{folder} holds released arrays, which are prepared already; use --preprocessing {RELEASED}"
        )
    return store.view(split.view)
