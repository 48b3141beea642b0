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
) -> tuple[Floats, list[int], dict[str, str]]:
    """The clips of a store that `indices` names, prepared one by one: (N, C, T, V, M).

    Also returns the indices of those N clips and, by id, the reason for every clip that could not be prepared.
    Raises :class:`SkeltextError` if that leaves none.
    """
    arrays, kept, refused = [], [], {}
    for count, index in enumerate(indices, start=1):
        try:
            arrays.append(preprocessing(store.clip(int(index))))
            kept.append(int(index))
        except SkeltextError as error:
            refused[store.ids[int(index)]] = str(error)
        if progress:
            progress(count)
    if not arrays:
        reason = next(iter(refused.values()), "no clip was asked for")
        raise SkeltextError(f"none of {len(indices)} clips of {store.folder} can be prepared: {reason}")
    return np.stack(arrays), kept, refused
