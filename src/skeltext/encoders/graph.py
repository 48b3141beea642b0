"""The spatial partition of a skeleton graph that ST-GCN convolves over."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skeltext.skeletons.layout import Layout


def spatial_partition(layout: Layout) -> npt.NDArray[np.float64]:
    """(3, V, V) adjacency of ST-GCN's "spatial" strategy with hops of at most one.

    ``A[k, j, i]`` weighs the message from joint j to joint i: subset 0 holds the joints themselves, subset 2 the
    bones that lead away from the centre, subset 1 all others. Columns of the sum are normalised to one (A D^-1).

    As published (Yan et al., AAAI 2018, in the code of PGFA), distances to the centre are only known within one
    hop: everywhere else both ends count as infinitely far, hence equal, hence subset 1.

    >>> from skeltext.skeletons.layouts import NTU25
    >>> [int((subset > 0).sum()) for subset in spatial_partition(NTU25)]
    [25, 40, 8]
    """
    joints = layout.V
    linked = np.eye(joints)
    for joint, parent in layout.bones:
        linked[joint, parent] = linked[parent, joint] = 1
    normalised = linked / linked.sum(axis=0)

    centre = layout.index(layout.centre)
    hops = np.where(linked[centre] > 0, 1.0, np.inf)
    hops[centre] = 0
    itself = np.eye(joints, dtype=bool)
    outward = hops[:, None] < hops[None, :]  # the message leaves a joint that is nearer to the centre
    return np.stack([normalised * mask for mask in (itself, ~itself & ~outward, ~itself & outward)])
