"""skeltext: recognise human actions from skeletons by what they are called.

>>> import skeltext
>>> clip = skeltext.load("walk.bvh")  # doctest: +SKIP
>>> model = skeltext.Recognizer.load()  # doctest: +SKIP
>>> model.predict(clip, labels=["walking", "sitting down", "throwing a ball"]).label  # doctest: +SKIP
'walking'
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from skeltext.machine import settle_threads

__version__ = "0.1.0"

settle_threads()  # before anything below can load torch

_LAZY = {  # public name -> where it is, with its name there if that is another
    "Clip": "skeltext.skeletons.clip",
    "Layout": "skeltext.skeletons.layout",
    "Recognizer": "skeltext.recognizer.recognizer",
    "SkeltextError": "skeltext.errors",
    "PrototypeBank": "skeltext.adaptation.prototype_bank",
    "Stream": "skeltext.recognizer.stream",
    "align_prototypes": "skeltext.adaptation.prototype_alignment",
    "add_encoder": "skeltext.encoders.registry",
    "add_method": "skeltext.methods.registry",
    "convert": "skeltext.skeletons.conversion",
    "list_encoders": "skeltext.encoders.registry",
    "list_methods": "skeltext.methods.registry",
    "load": "skeltext.formats.reading:read_clip",
}
__all__ = [*_LAZY]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import skeltext` stays instant."""
    if name not in _LAZY:
        raise AttributeError(f"module 'skeltext' has no attribute {name!r}")
    module, _, own = _LAZY[name].partition(":")
    return getattr(import_module(module), own or name)
