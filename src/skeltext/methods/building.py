"""From the names and options that a run or a checkpoint records to a method with its encoder."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from torch import nn

from skeltext.encoders.registry import ENCODERS
from skeltext.errors import SkeltextError
from skeltext.methods.method import Method
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.registry import METHODS
from skeltext.skeletons.layouts import layout_named

M = TypeVar("M", bound=nn.Module)


def build_method(config: ModelConfig) -> Method:
    """A method with fresh weights; :class:`SkeltextError` names an unknown method, encoder or option.

    >>> config = ModelConfig(method="pgfa", encoder="st_gcn", layout="kinect20", text_width=384)
    >>> type(build_method(config)).__name__
    'PGFA'
    """
    encoder = _construct(
        ENCODERS, config.encoder, "encoder", config.encoder_options, layout=layout_named(config.layout)
    )
    return _construct(
        METHODS,
        config.method,
        "method",
        config.method_options,
        encoder=encoder,
        layout=layout_named(config.layout),
        text_width=config.text_width,
        classes=config.classes,
    )


def _construct(table: Mapping[str, type[M]], name: str, role: str, options: Mapping[str, Any], **given: Any) -> M:
    if name not in table:
        raise SkeltextError(f"{role} {name!r} is not known; known are {', '.join(table)}")
    asked = inspect.signature(table[name]).parameters
    given = {argument: value for argument, value in given.items() if argument in asked}
    allowed = [option for option in asked if option not in given]
    unknown = [option for option in options if option not in allowed]
    if unknown:
        raise SkeltextError(f"{role} {name} has no option {unknown[0]!r}; it has {', '.join(allowed) or 'none'}")
    try:
        return table[name](**given, **options)
    except (TypeError, ValueError, RuntimeError) as error:
        chosen = ", ".join(f"{option}={value!r}" for option, value in options.items())
        reason = str(error).partition("\n")[0]
        raise SkeltextError(f"{role} {name} cannot be built with {chosen or 'its defaults'}: {reason}") from error
