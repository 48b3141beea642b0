"""Text spaces by name. Every file in ``spaces`` is one, named after its file.

Nothing else lists them. Files of other people's spaces are named in the variable ``SKELTEXT_TEXT_SPACES``, separated as
in ``PATH``, or given to :func:`add_text_space`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skeltext.errors import require
from skeltext.registry import Registry
from skeltext.texts.by_kind import ByKind
from skeltext.texts.encoder import TextEncoder, TextTable
from skeltext.texts.space import TextSpace

TEXT_SPACES: Registry[TextSpace] = Registry(
    "text space",
    TextSpace,
    packages=("skeltext.texts.spaces",),
    variable="SKELTEXT_TEXT_SPACES",
)


def list_text_spaces() -> list[str]:
    """The names of all text spaces that are known here.

    >>> list_text_spaces()
    ['centered', 'lexical', 'sentence']
    """
    return sorted(TEXT_SPACES)


def add_text_space(path: Path) -> str:
    """Add the text space that the Python file at `path` defines, and return its name; see :meth:`Registry.add`."""
    return TEXT_SPACES.add(path)


def text_space(
    name: str, options: Mapping[str, Any], *, encoder: TextEncoder, kind: str, kinds: Sequence[str] = ()
) -> TextSpace:
    """The text space of that name, not fitted, for texts of a `kind`.

    For a method that reads several `kinds` of text it has such a space for each. Raises :class:`SkeltextError` for an
    unknown name or option, and for several kinds where the space reads them at once or the encoder is a table.
    """
    if not kinds:
        return TEXT_SPACES.build(name, options, encoder=encoder, kind=kind)
    require(
        not isinstance(encoder, TextTable),
        f"{encoder.name} has one row for each class, but this method reads {', '.join(kinds)}; choose a text encoder"
        " that reads sentences",
    )
    spaces = {kind: TEXT_SPACES.build(name, options, encoder=encoder, kind=kind) for kind in kinds}
    mixing = next((space.kinds for kind, space in spaces.items() if space.kinds != (kind,)), ())
    require(
        not mixing,
        f"text space {name} reads {', '.join(mixing)} at once, but this method reads {', '.join(kinds)} each by itself;"
        " choose another text space, such as sentence",
    )
    return ByKind(spaces)
