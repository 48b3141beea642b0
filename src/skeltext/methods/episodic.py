"""What one-shot methods share: they learn from episodes, and recognise a class by what a few examples make of it.

An episode is a small recognition task made of seen classes (Vinyals et al., "Matching Networks for One Shot Learning",
NeurIPS 2016): a few examples of each of W classes, and queries that show one of them. A method says what stands for a
class (:meth:`Episodic.represent`) and how well a query fits it (:meth:`Episodic.compare`); both are used in the same
way in an episode and at the test, where the examples are the exemplars of the split.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.errors import SkeltextError
from skeltext.methods.method import Batch, Method

QUERIES = 32  # that are compared with all classes at a time, which bounds the memory of a large test


@dataclass(frozen=True, kw_only=True)
class Episode:
    """An embedded batch of W classes: ``support`` (S, ...) and ``queries`` (Q, ...), embedded by the method.

    Their labels (S,) and (Q,) count the ``ways`` (W) classes of the episode, from 0.
    """

    support: Tensor
    support_labels: Tensor
    queries: Tensor
    query_labels: Tensor
    ways: int


def class_means(examples: Tensor, labels: Tensor, *, ways: int) -> Tensor:
    """(S, ...) examples of the classes `labels` (S,) to the mean of those of each class, (W, ...).

    >>> class_means(torch.tensor([[1.0], [5.0], [3.0]]), torch.tensor([0, 1, 0]), ways=2).tolist()
    [[2.0], [5.0]]
    """
    member = F.one_hot(labels, ways).T.to(examples.dtype)  # W S
    means: Tensor = torch.tensordot(member / member.sum(dim=1, keepdim=True), examples, dims=1)
    return means


def negative_squared_distances(queries: Tensor, prototypes: Tensor) -> Tensor:
    """(Q, W) minus the squared Euclidean distances of queries (Q, D) to prototypes (W, D)."""
    return -(queries.unsqueeze(1) - prototypes).square().sum(dim=2)


def share_of_right(scores: Tensor, labels: Tensor) -> Tensor:
    """The share of the rows of `scores` (Q, W) that are highest at their label (Q,)."""
    return (scores.argmax(dim=1) == labels).to(scores.dtype).mean()


class Episodic(Method):
    """A one-shot recogniser. Without more it is told apart from others by :meth:`represent` and :meth:`compare`."""

    route = "one-shot"

    def embed_features(self, features: Tensor) -> Tensor:
        """The features as they are, unless a method has a head."""
        return features

    def represent(self, support: Tensor, labels: Tensor, *, ways: int) -> Tensor:
        """What stands for each class, (W, ...), given its examples among the embedded `support` (S, ...).

        Every one of the W classes is among the `labels` (S,). The mean of its examples, unless a method knows better.
        """
        return class_means(support, labels, ways=ways)

    def compare(self, queries: Tensor, classes: Tensor) -> Tensor:
        """(Q, ...) embedded queries and what :meth:`represent` gave to scores (Q, W), higher is better."""
        raise NotImplementedError

    def support_scores(self, embedded: Tensor, support: Tensor, labels: Tensor, *, classes: int) -> Tensor:
        """(N, ...) and embedded examples (S, ...) of the classes `labels` (S,) to scores (N, K), K being `classes`.

        A class without an example has the lowest number there is for a score.
        """
        known, own = torch.unique(labels, return_inverse=True)
        represented = self.represent(support, own, ways=len(known))
        found = torch.cat([self.compare(part, represented) for part in torch.split(embedded, QUERIES)])
        lowest = found.new_full((len(embedded), classes), torch.finfo(found.dtype).min)
        return lowest.index_copy(1, known, found)

    def episode(self, batch: Batch) -> Episode:
        """The embedded episode of a batch; :class:`SkeltextError` if it is an ordinary batch."""
        if not batch.ways:
            raise SkeltextError(
                "this method learns from episodes, and the batches here are none; choose the classes of an episode with"
                " --ways, for instance 5"
            )
        embedded = self.embed_features(self.batch_features(batch))
        classes, examples = torch.arange(batch.ways, device=embedded.device), batch.ways * batch.shots
        return Episode(
            support=embedded[:examples],
            support_labels=classes.repeat_interleave(batch.shots),
            queries=embedded[examples:],
            query_labels=classes.repeat_interleave(len(embedded) // batch.ways - batch.shots),
            ways=batch.ways,
        )

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The cross-entropy of the queries of an episode over its classes, the share that is right, and the penalty."""
        episode = self.episode(batch)
        classes = self.represent(episode.support, episode.support_labels, ways=episode.ways)
        scores = self.compare(episode.queries, classes)
        loss = F.cross_entropy(self.score_scale * scores, episode.query_labels)
        right = share_of_right(scores, episode.query_labels)
        penalty = self.penalty(episode, classes)
        if penalty is None:
            return {"loss": loss, "accuracy": right}
        return {"loss": loss + penalty, "accuracy": right, "penalty": penalty}

    def penalty(self, episode: Episode, classes: Tensor) -> Tensor | None:
        """What a method adds to the cross-entropy, given the episode and what stands for its classes; often nothing."""
        return None

    def anchors(self, texts: Tensor) -> Tensor | None:
        """None: no text is a point among the clips."""
        return None

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """Raise :class:`SkeltextError`, which tells whoever wants to compare with texts what this model compares."""
        raise SkeltextError(
            "this model compares clips with examples of a class and has learnt from no text; evaluate it on a one-shot"
            " split, whose exemplars are its examples"
        )

    def freeze_encoder(self) -> None:
        """As for every method; :class:`SkeltextError` for one that has nothing but its encoder to train."""
        super().freeze_encoder()
        if not any(parameter.requires_grad for parameter in self.parameters()):
            raise SkeltextError("this method trains nothing but the encoder, which is frozen here; add --finetune")
