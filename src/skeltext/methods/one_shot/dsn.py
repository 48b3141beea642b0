"""DSN: a class is a subspace, and a clip belongs to the class whose subspace leaves the least of it over.

Simon, Koniusz, Nock and Harandi, "Adaptive Subspaces for Few-Shot Learning", CVPR 2020. A single feature spans no
subspace. Here a clip brings one feature for every frame of the encoder's, so that even one example spans the directions
in which it moves; a query is the mean of its frames.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.encoders.encoder import Encoder
from skeltext.methods.episodic import Episode, Episodic
from skeltext.methods.method import About
from skeltext.methods.protocols import ONE_SHOT


def affine_subspace(vectors: Tensor, *, dimensions: int) -> Tensor:
    """The mean of vectors (S, D) and the first directions of their spread about it, together (1 + R, D).

    The directions are the first R left singular vectors of the centred vectors as columns, R being the smallest of
    `dimensions`, D and S - 1. Each is a sum of centred vectors, u_r = X v_r / s_r. Gradients go through X alone: how
    the weights v_r change is left out, for that has no bound where two singular values meet.

    >>> affine_subspace(torch.tensor([[1.0, 2.0], [5.0, 2.0], [3.0, 2.0]]), dimensions=1).abs().tolist()
    [[3.0, 2.0], [1.0, 0.0]]
    """
    mean = vectors.mean(dim=0, keepdim=True)
    centred = vectors - mean
    count = min(dimensions, vectors.shape[1], len(vectors) - 1)
    weights = torch.linalg.svd(centred.detach().float(), full_matrices=False).U[:, :count]  # S R: vectors are rows here
    return torch.cat([mean, F.normalize(weights.T.to(centred.dtype) @ centred, dim=1)])


def distances_to_subspaces(queries: Tensor, means: Tensor, directions: Tensor) -> Tensor:
    """(Q, W) lengths ||(q - mu) - P P' (q - mu)|| of what the subspaces leave over of queries (Q, D).

    `means` (W, D) are mu, the rows of `directions` (W, R, D) the columns of P.
    """
    apart = queries.unsqueeze(1) - means  # Q W D
    within = torch.einsum("qwd,wrd->qwr", apart, directions)
    lengths: Tensor = torch.linalg.vector_norm(apart - torch.einsum("qwr,wrd->qwd", within, directions), dim=2)
    return lengths


def overlap(directions: Tensor) -> Tensor:
    """The sum over i != j of ||P_i' P_j||_F^2, which is zero for subspaces at right angles; `directions` (W, R, D)."""
    squares = torch.einsum("ird,jsd->ijrs", directions, directions).square().sum(dim=(2, 3))  # W W
    return squares.sum() - squares.diagonal().sum()


class DSN(Episodic):
    """Affine subspaces of up to `dimensions` directions, kept apart by `discrimination` times their overlap.

    It has no weights but the encoder's.
    """

    about = About(
        title="Subspace (DSN)",
        paper="Simon et al.: Adaptive Subspaces for Few-Shot Learning. CVPR 2020",
        year=2020,
        needs="an example of each class; it trains the encoder on",
        published={ONE_SHOT: {"ntu60": 75.6, "ntu120": 60.9, "pku-mmd": 75.6}},
    )

    def __init__(self, *, encoder: Encoder, dimensions: int = 4, discrimination: float = 0.03) -> None:
        super().__init__(encoder=encoder)
        if dimensions < 1 or discrimination < 0:
            raise ValueError(
                f"dimensions {dimensions} and discrimination {discrimination}, expected at least one dimension and a"
                " weight that is not negative"
            )
        self.dimensions, self.discrimination = dimensions, discrimination

    def features(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to a feature for every frame of the encoder's, (N, T', D)."""
        return self.encoder.nodes(clips).mean(dim=2)

    def represent(self, support: Tensor, labels: Tensor, *, ways: int) -> Tensor:
        """(S, T', D) to the subspace of all frames of each class, its mean and its directions, (W, 1 + R, D)."""
        frames = [support[labels == k].flatten(0, 1) for k in range(ways)]  # k: (S_k T') D
        fewest = min(len(part) for part in frames) - 1
        dimensions = min(self.dimensions, fewest)
        return torch.stack([affine_subspace(part, dimensions=dimensions) for part in frames])

    def compare(self, queries: Tensor, classes: Tensor) -> Tensor:
        """(Q, T', D) and subspaces (W, 1 + R, D) to scores (Q, W)."""
        return -distances_to_subspaces(queries.mean(dim=1), classes[:, 0], classes[:, 1:])

    def penalty(self, episode: Episode, classes: Tensor) -> Tensor:
        """The weighted overlap of the subspaces."""
        return self.discrimination * overlap(classes[:, 1:])
