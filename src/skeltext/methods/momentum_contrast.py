"""Momentum contrast: an encoder learns to tell clips apart, without labels, from two views of every clip.

He et al., "Momentum Contrast for Unsupervised Visual Representation Learning", CVPR 2020, with the projection of
Chen et al., "Improved Baselines with Momentum Contrastive Learning", arXiv 2003.04297, and the constants that
SkeletonCLR (Li et al., CVPR 2021) has for skeletons.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.errors import SkeltextError
from skeltext.methods.first_stage import FirstStage
from skeltext.methods.method import Batch

QUEUE, MOMENTUM, TEMPERATURE, EMBEDDING = 32768, 0.999, 0.07, 128
NOTHING = -1e4  # the logit of a place of the queue that holds no key yet; its probability is zero in every precision


def info_nce(logits: Tensor) -> Tensor:
    """Mean over rows of -log softmax(logits)_0, where column 0 is the positive key and all others are negatives.

    >>> round(info_nce(torch.tensor([[0.0, 0.0]])).item(), 4)
    0.6931
    """
    return -F.log_softmax(logits, dim=1)[:, 0].mean()


@torch.no_grad()
def move_towards(module: nn.Module, target: nn.Module, *, momentum: float) -> None:
    """theta_k <- m theta_k + (1 - m) theta_q for all parameters, MoCo's equation 2, in place.

    Statistics of normalisations are no parameters: each module has those of what it has seen.
    """
    for own, other in zip(module.parameters(), target.parameters(), strict=True):
        own.lerp_(other, 1 - momentum)


class MomentumContrast(FirstStage):
    """An encoder with a projection, a copy of both that follows slowly, and a queue of the copy's latest embeddings.

    The copy makes the keys. It is in training mode, dropout included, as published, but gets no gradient. `queue` is
    how many keys are kept as negatives, `embedding` their width. The queue begins empty instead of at random, and
    places that hold no key are no negatives. Choose a queue shorter than the training set: in a longer one a clip meets
    its own keys of earlier epochs as negatives, so the published 32768 is for sets as large as NTU RGB+D. The queue is
    part of the weights on disk.
    """

    queue: Tensor
    place: Tensor
    filled: Tensor

    def __init__(
        self,
        *,
        encoder: Encoder,
        queue: int = QUEUE,
        momentum: float = MOMENTUM,
        temperature: float = TEMPERATURE,
        embedding: int = EMBEDDING,
    ) -> None:
        super().__init__(encoder=encoder)
        if min(queue, embedding) < 1 or not 0 <= momentum <= 1 or temperature <= 0:
            raise ValueError(
                f"queue {queue}, embedding {embedding}, momentum {momentum} and temperature {temperature}, expected"
                " positive numbers and a momentum from 0 to 1"
            )
        self.momentum, self.temperature = momentum, temperature
        self.projection = nn.Sequential(nn.Linear(self.width, self.width), nn.ReLU(), nn.Linear(self.width, embedding))
        self.key_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        self.key_projection = copy.deepcopy(self.projection).requires_grad_(False)
        self.register_buffer("queue", torch.zeros(queue, embedding))
        self.register_buffer("place", torch.zeros((), dtype=torch.long))  # of the next key
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))  # how many keys there are

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """What :meth:`contrast` makes of the clips; labels and texts are not looked at."""
        if batch.clips is None:
            raise SkeltextError(
                "this first stage learns an encoder from clips, and got the features of a frozen one; leave out"
                " --pretrained and take an encoder that learns"
            )
        return self.contrast(batch.clips)

    def contrast(self, clips: Tensor) -> dict[str, Tensor]:
        """Named losses of clips (N, C, T, V, M), as :meth:`training_loss` has them."""
        raise NotImplementedError

    def queries(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to directions (N, E) that gradients flow through."""
        return F.normalize(self.projection(self.encoder(clips)).float(), dim=1)

    @torch.no_grad()
    def keys(self, clips: Tensor) -> Tensor:
        """Let the copy follow the encoder by one step, then (N, C, T, V, M) to its directions (N, E)."""
        move_towards(self.key_encoder, self.encoder, momentum=self.momentum)
        move_towards(self.key_projection, self.projection, momentum=self.momentum)
        return F.normalize(self.key_projection(self.key_encoder(clips)).float(), dim=1)

    @torch.no_grad()
    def negatives(self) -> Tensor:
        """A copy of the queue (K, E) as it is now, for the gradients will be asked for when it has changed."""
        return self.queue.clone()

    def counted(self) -> Tensor:
        """(K,) whether a place of the queue holds a key."""
        return torch.arange(len(self.queue), device=self.queue.device) < self.filled

    def logits(self, queries: Tensor, keys: Tensor, negatives: Tensor) -> Tensor:
        """(N, 1 + K) scaled cosines of (N, E) with their positive keys (N, E) in column 0, then with `negatives`."""
        positive = (queries * keys).sum(dim=1, keepdim=True)
        negative = (queries @ negatives.T).masked_fill(~self.counted(), NOTHING)
        return torch.cat([positive, negative], dim=1) / self.temperature

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Keys (N, E) take the places of the oldest; of more than the queue holds, the last ones stay."""
        size = len(self.queue)
        keys = keys[-size:]
        places = (self.place + torch.arange(len(keys), device=keys.device)) % size
        self.queue.index_copy_(0, places, keys.to(self.queue.dtype))
        self.place.add_(len(keys)).remainder_(size)
        self.filled.add_(len(keys)).clamp_(max=size)
