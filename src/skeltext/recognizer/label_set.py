"""The labels among which a clip is recognized, each with texts and example clips: a value, and a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from skeltext.errors import SkeltextError, require
from skeltext.recognizer.example import Example
from skeltext.recognizer.label_file import examples_beside, read_label_file, seen_from, write_label_file
from skeltext.skeletons.clip import Clip


@dataclass(frozen=True)
class Label:
    """A label with the texts and the examples that describe it; the name alone is a description, too.

    Raises :class:`SkeltextError` for an empty name or text.
    """

    name: str
    texts: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()

    def __post_init__(self) -> None:
        fine = self.name.strip() and all(text.strip() for text in self.texts)
        require(fine, "one of the labels is empty; type what the action is called")


@dataclass(frozen=True)
class LabelSet:
    """Different labels in their order, and ``negatives``, which are sentences for "none of these".

    A short label without a text, and a short negative, is mapped to what it would likely be described by; with
    ``verbatim`` its words are taken as they are.

    A label set never changes: every edit returns a new one. Clips are compared by identity, so that two sets are
    compared at once. Raises :class:`SkeltextError` for a label that occurs twice, or an empty negative.

    >>> labels = LabelSet.of({"wave": ["waving a hand", "saying goodbye"], "sit": "sitting down"})
    >>> labels.with_negatives("standing still").without("wave").to_dict()
    {'labels': {'sit': {'texts': ['sitting down'], 'examples': []}}, 'negatives': ['standing still']}
    """

    labels: tuple[Label, ...] = ()
    negatives: tuple[str, ...] = ()
    verbatim: bool = False

    def __post_init__(self) -> None:
        require(len(set(self.names)) == len(self.labels), "a label occurs twice; give its texts and examples once")
        fine = all(text.strip() for text in self.negatives)
        require(fine, "one of the negatives is empty; type a sentence or leave it")

    @classmethod
    def of(cls, labels: Labels, negatives: Sequence[str] = (), *, verbatim: bool = False) -> LabelSet:
        """From what somebody typed: labels, or labels with one or several texts each; a label set as it is.

        A label may say its text itself, as ``"wave=waving a hand above the head"``, and the same label twice has two.
        Raises :class:`SkeltextError` for an empty label or text.
        """
        if isinstance(labels, LabelSet):
            more = labels.with_negatives(*negatives) if negatives else labels
            return replace(more, verbatim=True) if verbatim else more
        found: dict[str, tuple[str, ...]] = {}
        for label in labels:
            given = labels[label] if isinstance(labels, Mapping) else ()
            name, says, text = label.partition("=") if not given else (label, "", "")
            require(not says or text.strip(), f"the label {label!r} has no sentence after its sign =; type one")
            name, texts = name.strip(), _listed(given) or ((text.strip(),) if says else ())
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *texts)))
        return cls(tuple(Label(name, texts) for name, texts in found.items()), tuple(negatives), verbatim)

    @classmethod
    def for_question(cls, labels: Labels) -> LabelSet:
        """The same as :meth:`of`, for a question: :class:`SkeltextError` for fewer than two things to choose among."""
        found = cls.of(labels)
        require(
            found.labels and len(found.labels) + len(found.negatives) >= 2,
            f"{len(found.labels)} label given, expected at least two different ones to choose among",
        )
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """What the labels are called."""
        return tuple(label.name for label in self.labels)

    def with_texts(self, label: str, *texts: str) -> LabelSet:
        """With more texts for a label, which is added if it is not there; without a text, the label alone."""
        return self.joined(LabelSet((Label(label.strip(), tuple(text.strip() for text in texts)),)))

    def with_examples(self, label: str, clips: Sequence[Example | Clip | str | Path]) -> LabelSet:
        """With more examples of a label, which is added if it is not there: clips, or the paths of motion files.

        Examples describe a label beside its texts or without any: one-shot, or few-shot with several. Raises
        :class:`SkeltextError` for an empty label, no clip, or a file that cannot be read.
        """
        require(label.strip(), "the label of the examples is empty; type what the action is called")
        require(clips, f"no example given for {label!r}, expected at least one clip")
        return self.joined(LabelSet((Label(label.strip(), examples=tuple(map(Example.of, clips))),)))

    def with_negatives(self, *texts: str) -> LabelSet:
        """With more sentences for "none of these"."""
        return self.joined(LabelSet(negatives=texts))

    def without(self, *labels: str) -> LabelSet:
        """Without these labels; :class:`SkeltextError` for one that is not there."""
        unknown = ", ".join(repr(label) for label in labels if label not in self.names)
        require(not unknown, f"there is no label {unknown} to leave out, only {', '.join(self.names) or 'none'}")
        return replace(self, labels=tuple(label for label in self.labels if label.name not in labels))

    def joined(self, other: LabelSet) -> LabelSet:
        """With the labels and negatives of another set behind; a label of both has the texts and examples of both."""
        found = {label.name: label for label in self.labels}
        for more in other.labels:
            label = found.get(more.name, Label(more.name))
            texts = tuple(dict.fromkeys(label.texts + more.texts))
            found[more.name] = Label(more.name, texts, label.examples + more.examples)
        negatives = (text for text in other.negatives if text not in self.negatives)
        verbatim = self.verbatim or other.verbatim
        return LabelSet(tuple(found.values()), (*self.negatives, *negatives), verbatim)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: texts and examples by label, negatives, and verbatim where that is so.

        An example is its file or None.
        """
        return {
            "labels": {
                label.name: {"texts": list(label.texts), "examples": [example.path for example in label.examples]}
                for label in self.labels
            },
            "negatives": list(self.negatives),
        } | ({"verbatim": True} if self.verbatim else {})

    def save(self, path: str | Path) -> None:
        """Write a JSON file that :meth:`load` reads and that can be edited by hand.

        Motion files are named as seen from the JSON file. Clips that are in no file are written beside it, in the
        folder ``NAME.examples``. Raises :class:`SkeltextError` for what cannot be written.
        """
        path = Path(path)
        record = self.to_dict()
        for label in self.labels:
            files = [example.saved(examples_beside(path), label=label.name) for example in label.examples]
            record["labels"][label.name]["examples"] = [seen_from(path.parent, file) for file in files]
        write_label_file(path, record)

    @classmethod
    def load(cls, path: str | Path) -> LabelSet:
        """Read what :meth:`save` wrote; :class:`SkeltextError` for another file, or an example that is not there."""
        path = Path(path)
        content = read_label_file(path)
        try:
            labels = tuple(Label(name, entry.texts) for name, entry in content.labels.items())
            found = cls(labels, content.negatives, content.verbatim)
            for name, entry in content.labels.items():
                if entry.examples:
                    found = found.with_examples(name, [path.parent / file for file in entry.examples])
        except SkeltextError as error:
            raise SkeltextError(f"{path} is not a label set that can be used: {error}") from error
        return found


Labels = LabelSet | Sequence[str] | Mapping[str, str | Sequence[str]]
"""What a recognizer takes for labels; see :meth:`LabelSet.of`."""


def _listed(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given.strip(),) if isinstance(given, str) else tuple(text.strip() for text in given)
