"""What takes the place of a label when clips are compared with it, and where that comes from."""

from __future__ import annotations

from dataclasses import dataclass

from skeltext.texts.label_map import LabelMap, Near
from skeltext.texts.phrase_bank import describe_label

DESCRIBED, MAPPED, AS_TYPED, SHOWN = "described", "mapped", "as typed", "examples"


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The ``texts`` in place of a label, none where it has examples alone, and their ``source``.

    The source is ``"described"`` for texts that were given, or those of a class that the model knows, ``"as typed"``
    for the words of the label, and ``"examples"``. ``"mapped"`` is a vector that a map makes of the ``label``: the text
    is what the phrase bank proposes for it, and ``nearest`` are the described actions that are called most alike.
    """

    source: str
    texts: tuple[str, ...]
    label: str = ""
    nearest: tuple[Near, ...] = ()

    @property
    def text(self) -> str:
        """All texts as one."""
        return " ".join(self.texts)


def mapped_wording(label: str, names: LabelMap) -> Wording:
    """The wording of a label that a map takes."""
    return Wording(source=MAPPED, texts=(describe_label(label).text,), label=label, nearest=names.nearest(label))
