"""The labels among which a clip is recognised, each with the sentences that stand for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skeltext.errors import require

Labels = Sequence[str] | Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Different labels with at least one sentence each, and negatives, which are sentences for "none of these".

    >>> Candidates.of({"wave": ["waving a hand", "saying goodbye"], "sit": "sitting down"}).sentences
    (('waving a hand', 'saying goodbye'), ('sitting down',))
    """

    labels: tuple[str, ...]
    sentences: tuple[tuple[str, ...], ...]
    negatives: tuple[str, ...] = ()

    @classmethod
    def of(cls, labels: Labels, *, negatives: Sequence[str] = (), examples: Sequence[str] = ()) -> Candidates:
        """From what somebody typed: labels, or labels with one or several sentences each.

        A label may say its sentences itself, as ``"wave=waving a hand above the head"``. `examples` are labels that
        clips stand for, so that they need no sentence. Raises :class:`SkeltextError` for an empty label or sentence,
        and for fewer than two candidates in all.
        """
        found: dict[str, tuple[str, ...]] = {}
        for label in labels:
            given = labels[label] if isinstance(labels, Mapping) else ()
            name, says, text = label.partition("=") if not given else (label, "", "")
            require(not says or text.strip(), f"the label {label!r} has no sentence after its sign =; type one")
            name, sentences = name.strip(), _listed(given) or ((text.strip(),) if says else ())
            require(name and all(sentences), "one of the labels is empty; type what the action is called")
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *sentences)))
        typed = {name: found.get(name, ()) for name in (*found, *examples)}
        require(
            len(typed) + len(negatives) >= 2,
            f"{len(typed)} label given, expected at least two different ones to choose among",
        )
        require(all(text.strip() for text in negatives), "one of the negatives is empty; type a sentence or leave it")
        return cls(labels=tuple(typed), sentences=tuple(typed.values()), negatives=tuple(negatives))


def _listed(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given.strip(),) if isinstance(given, str) else tuple(text.strip() for text in given)
