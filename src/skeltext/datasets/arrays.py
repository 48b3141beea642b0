"""Clips of a store as the one array that a network reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from skeltext.datasets.store import Store
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Floats
from skeltext.skeletons.preprocessing import Preprocessing


def preprocessed_clips(
    store: Store,
    indices: Sequence[int],
    preprocessing: Preprocessing,
    *,
    progress: Callable[[int], None] | None = None,
) -> Floats:
    """The clips of a store that `indices` names, prepared one by one: (N, C, T, V, M).

    `progress` is called with the number prepared. Raises :class:`SkeltextError` if a clip cannot be prepared: leaving
    it out would change what an accuracy is measured on, without a word.
    """
    arrays = []
    refused = {}
    for count, index in enumerate(indices, start=1):
        try:
            arrays.append(preprocessing(store.clip(int(index))))
        except SkeltextError as error:
            refused[store.ids[int(index)]] = str(error)
        if progress:
            progress(count)
    if refused or not arrays:
        name, reason = next(iter(refused.items()), ("none", "no clip was asked for"))
        raise SkeltextError(
            f"{len(refused)} of {len(indices)} clips of {store.folder} cannot be prepared by {preprocessing.name}, the"
            f" first is {name} ({reason}); choose another --preprocessing"
        )
    return np.stack(arrays)
