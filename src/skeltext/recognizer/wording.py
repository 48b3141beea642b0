"""What takes the place of a label when clips are compared with it, and where that comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from skeltext.texts.label_map import LabelMap, Near, short
from skeltext.texts.phrase_bank import describe_label
from skeltext.texts.spelling import plain

DESCRIBED, MAPPED, AS_TYPED, SHOWN = "described", "mapped", "as typed", "examples"
_NEGATION = re.compile(r"\b(?:not|never|without|don't|doesn't|isn't)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The ``texts`` in place of a label, none where it has examples alone, and their ``source``.

    The source is ``"described"`` for texts that were given, or those of a class that the model knows, ``"as typed"``
    for the words of the label, and ``"examples"``. ``"mapped"`` is a vector that a map makes of the ``label``: the text
    is what the phrase bank proposes for it, and ``nearest`` are the described actions that are called most alike. A
    described label whose name is an action by itself is mapped, too, beside its texts; then it has a ``label`` here.
    ``hint`` is a doubt whether a mapped label was understood, empty for none.
    """

    source: str
    texts: tuple[str, ...]
    label: str = ""
    nearest: tuple[Near, ...] = ()
    hint: str = ""

    @property
    def text(self) -> str:
        """All texts as one."""
        return " ".join(self.texts)


def described_wording(label: str, texts: tuple[str, ...], names: LabelMap | None) -> Wording:
    """The wording of a label that has texts; its name counts as well where the phrase bank knows such an action."""
    named = names is not None and short(label) and describe_label(plain(label)).known
    return Wording(source=DESCRIBED, texts=texts, label=label if named else "")


def mapped_wording(label: str, names: LabelMap) -> Wording:
    """The wording of a label that a map takes."""
    proposed = describe_label(plain(label))
    hint = f"did you mean {' or '.join(proposed.hints)}?" if proposed.hints else ""
    if _NEGATION.search(label):
        hint = "a negation is not understood, so say what the body does instead"
    return Wording(source=MAPPED, texts=(proposed.text,), label=label, nearest=names.nearest(label), hint=hint)
