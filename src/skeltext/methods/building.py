"""From the names and options that a run or a checkpoint records to a method with its encoder."""

from __future__ import annotations

from skeltext.encoders.registry import build_encoder
from skeltext.methods.method import Method
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.registry import METHODS
from skeltext.skeletons.layouts import layout_named


def build_method(config: ModelConfig) -> Method:
    """A method with fresh weights; :class:`SkeltextError` names an unknown method, encoder or option.

    >>> config = ModelConfig(method="pgfa", encoder="st_gcn", layout="kinect20", text_width=384)
    >>> type(build_method(config)).__name__
    'PGFA'
    """
    layout = layout_named(config.layout)
    return METHODS.build(
        config.method,
        config.method_options,
        encoder=build_encoder(config.encoder, config.encoder_options, layout=layout),
        layout=layout,
        text_width=config.text_width,
        classes=config.classes,
    )
