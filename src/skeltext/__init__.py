"""skeltext: recognise human actions from skeletons by what they are called.

>>> import skeltext
>>> recogniser = skeltext.load("runs/demo")  # doctest: +SKIP
>>> clip = skeltext.read_clip("wave.npz")  # doctest: +SKIP
>>> recogniser.recognise([clip], ["wave the right hand", "sit down"])[0][0].label  # doctest: +SKIP
'wave the right hand'
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from skeltext.machine import settle_threads

__version__ = "0.1.0"

settle_threads()  # before anything below can load torch

_LAZY = {
    "Clip": "skeltext.skeletons.clip",
    "Layout": "skeltext.skeletons.layout",
    "Recognizer": "skeltext.recognizer.recognizer",
    "SkeltextError": "skeltext.errors",
    "align_prototypes": "skeltext.adaptation.prototype_alignment",
    "add_method": "skeltext.methods.registry",
    "convert": "skeltext.skeletons.conversion",
    "list_methods": "skeltext.methods.registry",
    "read_clip": "skeltext.formats.reading",
}
__all__ = [*_LAZY, "load"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import skeltext` stays instant."""
    if name == "load":
        return import_module("skeltext.recognizer.recognizer").Recognizer.load
    if name not in _LAZY:
        raise AttributeError(f"module 'skeltext' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
