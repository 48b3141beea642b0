"""skeltext: recognise human actions from skeletons by what they are called.

>>> import skeltext
>>> clip = skeltext.load("walk.bvh")  # doctest: +SKIP
>>> model = skeltext.Recognizer.load()  # doctest: +SKIP
>>> model.predict(clip, labels=["walking", "sitting down", "throwing a ball"]).label  # doctest: +SKIP
'walking'

The stub beside this file, ``__init__.pyi``, lists the public names. Each is imported when it is first used.
"""

from __future__ import annotations

import lazy_loader

__version__ = "0.1.0"

__getattr__, _, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "__version__"])


def __dir__() -> list[str]:
    """The public names, whether or not they were imported yet."""
    return list(__all__)
