"""What every skeleton encoder is, whether it learns or is a fixed function. Nothing here needs torch."""

from __future__ import annotations

import hashlib
import inspect
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from skeltext.errors import require

if TYPE_CHECKING:
    from skeltext.encoders.encoder import Encoder


class BaseEncoder(ABC):
    """From clips (N, C, T, V, M) to features (N, D), D being the ``width``.

    Subclass :class:`~skeltext.encoders.encoder.Encoder` for a torch module or
    :class:`~skeltext.encoders.fixed.FixedEncoder` for a function of numpy arrays. It is built with ``layout``, if its
    constructor has an argument of that name, and with its options. ``about`` is the sentence that a list shows of it.
    Change ``version`` when something outside its file changes what it computes.
    """

    about: ClassVar[str]
    version: ClassVar[str] = ""
    source: ClassVar[str] = ""  # hash of the file of the class, as it was when the class was made
    width: int

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        try:
            cls.source = hashlib.sha256(Path(inspect.getfile(cls)).read_bytes()).hexdigest()
        except (OSError, TypeError):  # typed into an interpreter
            cls.source = ""

    @abstractmethod
    def as_module(self) -> Encoder:
        """The torch module that a method holds."""

    def fingerprint(self) -> list[str]:
        """What tells this function from another one with the same options: version and source of all its classes.

        Raises :class:`SkeltextError` for a class that has neither, because a change of it could not be noticed.
        """
        classes = [part for part in type(self).__mro__ if issubclass(part, BaseEncoder)]
        for part in classes:
            require(
                bool(part.source or part.version) or part is BaseEncoder,
                f"the encoder {part.__name__} was defined outside a file, so a change of it could not be noticed; put"
                " it into a file or give it a `version`",
            )
        return [f"{part.__qualname__} {part.version} {part.source}" for part in classes]
