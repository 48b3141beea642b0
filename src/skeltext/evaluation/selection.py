"""Which epoch an accuracy is read from: three rules, always side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def choose_epochs(test: Sequence[float], pseudo: Sequence[float]) -> dict[str, int | None]:
    """The position each rule takes in a sequence of accuracies per epoch.

    ``last`` is the end of training. ``pseudo-unseen`` is the best epoch of a second run on seen classes that it was not
    trained on (the earliest of equals), None without such a run. ``oracle`` is the best epoch on the test labels
    themselves: no result, but what papers print that choose so.

    Of no accuracies no rule takes any.

    >>> choose_epochs([0.2, 0.5, 0.3], [0.1, 0.2, 0.6])
    {'last': 2, 'pseudo-unseen': 2, 'oracle': 1}
    """
    if not test:
        return {"last": None, "pseudo-unseen": None, "oracle": None}
    return {
        "last": len(test) - 1,
        "pseudo-unseen": int(np.argmax(pseudo)) if len(pseudo) == len(test) else None,
        "oracle": int(np.argmax(test)),
    }
