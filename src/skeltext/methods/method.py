"""The contract between a method and everything that trains, evaluates or uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import ClassVar, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.adaptation.prototype_alignment import cosine_scores
from skeltext.encoders.encoder import Encoder
from skeltext.methods.balance import balanced_weights

Route = Literal["zero-shot", "one-shot", "first stage"]
ENCODER = "encoder."  # how the names of the encoder's weights begin among those of a method


@dataclass(frozen=True, kw_only=True)
class About:
    """What people are told of a method.

    ``title`` is the name it has in papers, ``paper`` its source with the ``year``, ``needs`` what it asks for beside
    clips. ``published`` holds accuracies in per cent that papers print for it on NTU RGB+D and PKU-MMD: a protocol (see
    :mod:`skeltext.methods.protocols`) -> a column of it -> the figure.
    """

    title: str
    paper: str
    year: int
    needs: str
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ParameterGroup:
    """Parameters that an optimizer treats alike.

    ``weight_decay`` is None for that of the run; the learning rate is that of the run times ``scale``.
    """

    parameters: Sequence[nn.Parameter]
    weight_decay: float | None = None
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a method learns from: N clips with their ``labels`` (N,), which are rows of ``texts``.

    The clips are given as ``clips`` (N, C, T, V, M) or, where the encoder is frozen, as the ``features`` (N, D) that
    :meth:`Method.training_features` made of them once and for all. ``texts`` are (K, D), or (K, P, D) where a method
    reads P kinds of text. An episode has so many ``ways``, which are its classes: first ``shots`` examples of each,
    then as many queries of each, both ordered by class and in the same order of classes.

    Clips of one of the ``groups`` (N,) share one weight: they are the classes unless others are given.
    """

    labels: Tensor
    texts: Tensor
    clips: Tensor | None = None
    features: Tensor | None = None
    groups: Tensor | None = None
    ways: int = 0
    shots: int = 1

    @property
    def weights(self) -> Tensor:
        """(N,) float64 of mean 1, by which all groups count the same; for methods that learn from all clips at once."""
        return balanced_weights(self.labels if self.groups is None else self.groups)


class Method(nn.Module):
    """A zero-shot recogniser: how it learns from a batch, what feature a clip has, how it scores class texts.

    It is an encoder with a head. ``features`` is the encoder's part, which can be frozen and then kept on disk;
    ``embed_features`` is the head's. The training loop and the evaluation know no more than these functions.
    ``width`` is the D of the encoder.

    ``about`` tells people of it, ``route`` how it comes to know classes it was not trained on. ``text_kinds`` are the
    kinds of description that it reads, stacked to texts (K, P, D); none for the one kind of the run, (K, D). One with a
    ``closed_form`` learns by :meth:`solve` in one epoch, on the features of a frozen encoder, others by the steps of
    the loop; what takes only seconds on features may make its own steps in :meth:`solve`. ``published_step`` is the
    test-time step that it was published with, which an evaluation then includes.
    """

    about: ClassVar[About]
    route: ClassVar[Route] = "zero-shot"
    text_kinds: ClassVar[tuple[str, ...]] = ()
    published_step: ClassVar[str | None] = None
    closed_form: ClassVar[bool] = False

    def __init__(self, *, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.width = encoder.width
        self.frozen = encoder.fixed

    @property
    def device(self) -> torch.device:
        """Where its weights are; the processor for a method without any."""
        weight = next(chain(self.parameters(), self.buffers()), None)
        return torch.device("cpu") if weight is None else weight.device

    @property
    def score_scale(self) -> float:
        """What scores are multiplied by before a softmax makes probabilities of them."""
        return 1.0

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """Named scalars; ``"loss"`` is the one to minimise, the others are logged."""
        raise NotImplementedError

    def solve(self, batch: Batch) -> dict[str, Tensor]:
        """Learn from the features of all training clips at once, where there is a ``closed_form``.

        The result are named scalars as those of :meth:`training_loss`, among them ``"loss"``. What is learnt lies in
        parameters or buffers, in place of those that were there.
        """
        raise NotImplementedError

    def features(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to what the encoder alone makes of them, (N, D) by default."""
        features: Tensor = self.encoder(clips)
        return features

    def training_features(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to the features (N, D) that the head is trained on: those of :meth:`features` by default.

        A method that learns from several forms of a clip stacks their features, (N, R, D). It is asked once where the
        encoder is frozen, so what it draws at random must follow from its options alone.
        """
        return self.features(clips)

    def embed_features(self, features: Tensor) -> Tensor:
        """What :meth:`features` gave to embedded clips (N, D), which :meth:`scores` compares with texts."""
        raise NotImplementedError

    def embed(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to embedded clips (N, D)."""
        return self.embed_features(self.features(clips))

    def batch_features(self, batch: Batch) -> Tensor:
        """The features of a batch: those it brings, else those of its clips."""
        if batch.features is not None:
            return batch.features
        if batch.clips is None:
            raise ValueError("the batch has neither clips nor features, expected one of them")
        return self.training_features(batch.clips)

    def prepare(self, texts: Tensor) -> None:
        """Fit what must be fitted for new class texts (K, D); most methods need nothing."""

    def anchors(self, texts: Tensor) -> Tensor | None:
        """(K, D) class texts as points among the embedded clips; the texts themselves for most methods.

        None where texts are no such points, because clips and texts are judged in pairs.
        """
        return texts

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, D) and texts of K classes to scores (N, K), higher is better."""
        raise NotImplementedError

    def support_scores(self, embedded: Tensor, support: Tensor, labels: Tensor, *, classes: int) -> Tensor:
        """(N, D) and embedded examples (S, D) of the classes `labels` (S,) to scores (N, K), higher is better.

        By default the cosines to the mean direction of the examples of each class; K is `classes`.
        """
        return cosine_scores(embedded, mean_directions(support, labels, classes=classes))

    def parameter_groups(self) -> list[ParameterGroup]:
        """The parameters that are trained, in the groups that the method was published with; one by default."""
        return [ParameterGroup(parameters=[parameter for parameter in self.parameters() if parameter.requires_grad])]

    def freeze_encoder(self) -> None:
        """Turn the encoder into a fixed function: no gradient, no dropout, no moving statistics, in every mode."""
        self.encoder.requires_grad_(False)
        self.frozen = True
        self.train(self.training)

    def learnt(self) -> list[str]:
        """Names of the weights and statistics that training may change: all but those of a frozen encoder."""
        return [name for name in self.state_dict() if not (self.frozen and name.startswith(ENCODER))]

    def train(self, mode: bool = True) -> Self:
        """Training mode, or evaluation mode with ``False``; a frozen encoder stays as it is for predictions."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self


def mean_directions(features: Tensor, labels: Tensor, *, classes: int) -> Tensor:
    """(K, D) for every class the mean of the directions of those of the `features` (N, D) that show it.

    A class without any has NaN for its mean, which prototype alignment takes for "no anchor".

    >>> import torch
    >>> mean_directions(torch.tensor([[3.0, 0.0], [0.0, 2.0]]), torch.tensor([1, 0]), classes=2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    member = F.one_hot(labels, classes).T.to(features.dtype)  # K N
    return (member @ F.normalize(features, dim=1)) / member.sum(dim=1, keepdim=True)
