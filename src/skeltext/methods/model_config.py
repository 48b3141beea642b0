"""The names and options that build a model, as a checkpoint records them. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """All that is needed to build a model whose weights can then be loaded.

    ``text_width`` is that of the text embeddings, ``classes`` how many classes it learns from; a method is given those
    that it asks for.
    """

    method: str
    encoder: str
    layout: str
    text_width: int
    classes: int = 0
    method_options: Mapping[str, Any] = field(default_factory=dict)
    encoder_options: Mapping[str, Any] = field(default_factory=dict)
