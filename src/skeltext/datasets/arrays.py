"""Clips of a store as the one array that a network reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from skeltext.datasets.store import Store
from skeltext.errors import SkeltextError, require
from skeltext.skeletons.clip import Clip, Floats
from skeltext.skeletons.preprocessing import Preprocessing


def preprocessed_clips(
    store: Store,
    indices: Sequence[int],
    preprocessing: Preprocessing,
    *,
    variant: Callable[[Clip], Clip] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Floats:
    """The clips of a store that `indices` names, prepared one by one: (N, C, T, V, M).

    A `variant` is made of every clip first. `progress` is called with the number prepared. Raises
    :class:`SkeltextError` if a clip cannot be prepared: leaving it out would change what an accuracy is measured on,
    without a word.
    """
    arrays: Floats | None = None
    refused = {}
    for row, index in enumerate(indices):
        try:
            clip = store.clip(int(index))
            array = preprocessing(variant(clip) if variant else clip)
            if arrays is None:
                arrays = np.empty((len(indices), *array.shape), array.dtype)
            require(array.shape == arrays.shape[1:], f"it becomes {array.shape}, others {arrays.shape[1:]}")
            arrays[row] = array
        except SkeltextError as error:
            refused[store.ids[int(index)]] = str(error)
        if progress:
            progress(row + 1)
    if refused or arrays is None:
        name, reason = next(iter(refused.items()), ("none", "no clip was asked for"))
        raise SkeltextError(
            f"{len(refused)} of {len(indices)} clips of {store.folder} cannot be prepared by {preprocessing.name}, the"
            f" first is {name} ({reason}); choose another --preprocessing"
        )
    return arrays
