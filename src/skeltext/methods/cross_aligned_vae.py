"""What CADA-VAE and SynSE share: autoencoders of skeleton features and of class texts with one latent space.

The latent of a clip is cut into as many parts as there are kinds of text, each for one kind. Classes without clips are
told apart by a classifier that is fitted on latents drawn from their texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.methods.latent_classifier import LatentClassifier, fitted_classifier, fresh_classifier
from skeltext.methods.linear_vae import Gaussian, LinearVAE
from skeltext.methods.method import Batch, Method

DIVERGENCE_FROM = 1000  # iterations of a cycle that learn without the divergence of skeletons
DRAWN = 500  # latents per class that the classifier is fitted on
SEED = 0  # of these latents, so that a prediction can be repeated


class Weights(NamedTuple):
    """What the terms of the loss count for: the two divergences and the reconstruction across modalities."""

    skeleton_divergence: Tensor
    text_divergence: Tensor
    cross: Tensor


class Terms(NamedTuple):
    """What the loss is made of: squared errors of reconstructions, and divergences.

    ``skeleton`` (2,) and ``texts`` (P, 2) are reconstructed from the latent of the clip first, then from that of its
    texts; ``text_divergences`` are (P,).
    """

    skeleton: Tensor
    texts: Tensor
    skeleton_divergence: Tensor
    text_divergences: Tensor

    @property
    def own(self) -> Tensor:
        """The errors of what is reconstructed from its own latent, summed."""
        return self.skeleton[0] + self.texts[:, 1].sum()

    @property
    def crossed(self) -> Tensor:
        """The errors of what is reconstructed from the latent of the other modality, summed."""
        return self.skeleton[1] + self.texts[:, 0].sum()

    def total(self, weights: Weights) -> Tensor:
        """The loss: CADA-VAE's equations 1 and 2, with a divergence weight for each modality."""
        of_clips = weights.skeleton_divergence * self.skeleton_divergence
        of_texts = weights.text_divergence * self.text_divergences.sum()
        return self.own + of_clips + of_texts + weights.cross * self.crossed


def drawn_latents(parts: Sequence[Gaussian], epsilons: Tensor) -> Tensor:
    """(N, L) latents whose parts are drawn from P distributions (N, L/P); `epsilons` (P, N, 1) decide which."""
    return torch.cat([part.sample(epsilon) for part, epsilon in zip(parts, epsilons, strict=True)], dim=1)


def annealed(iteration: Tensor, *, start: int) -> Tensor:
    """max(0, 0.1 (i - start) / 3000) for the iteration i of a cycle.

    >>> round(annealed(torch.tensor(1600), start=1000).item(), 6)
    0.02
    """
    return (0.1 * (iteration - start) / 3000).clamp(min=0)


class CrossAlignedVAE(Method):
    """A variational autoencoder of skeleton features and one of every kind of text, trained in cycles.

    A `cycle` has so many steps of the training; after its iteration `cross_from` every autoencoder has to reconstruct
    from the latent of the other modality as well. `latent` is the number of latent dimensions.

    The released code puts a ReLU behind the classifier of unseen classes, which `published_relu` turns on. It is off
    because it makes equal whatever lies below zero: a clip for which no output is above zero would be given to the
    class that happens to be listed first.
    """

    steps: Tensor

    def __init__(
        self,
        *,
        encoder: Encoder,
        text_width: int,
        latent: int = 100,
        cycle: int = 1700,
        cross_from: int = 1400,
        published_relu: bool = False,
    ) -> None:
        super().__init__(encoder=encoder)
        self.kinds = max(1, len(self.text_kinds))  # P
        if latent < 1 or latent % self.kinds:
            raise ValueError(f"latent {latent}, expected a positive multiple of {self.kinds}")
        if not 0 <= cross_from < cycle:
            raise ValueError(f"cross_from {cross_from} and cycle {cycle}, expected 0 <= cross_from < cycle")
        self.cycle, self.cross_from, self.published_relu = cycle, cross_from, published_relu
        self.skeleton_vae = LinearVAE(width=self.width, latent=latent)
        self.text_vaes = nn.ModuleList(
            LinearVAE(width=text_width, latent=latent // self.kinds) for _ in range(self.kinds)
        )
        self.register_buffer("steps", torch.tensor(0))  # made so far, so that a resumed run goes on in its cycle
        self._fitted: tuple[Tensor, LatentClassifier] | None = None

    def parts(self, texts: Tensor) -> tuple[Tensor, ...]:
        """Texts as (N, D) for every part of the latent, in the order of the parts."""
        return (texts,)

    def text_divergence_weight(self, steps: Tensor) -> Tensor:
        """What the divergence of texts counts for in the step that is made after so many `steps`."""
        raise NotImplementedError

    def weights(self, steps: Tensor) -> Weights:
        """The weights in the step that is made after so many `steps`, in their shape."""
        iteration = steps % self.cycle
        divergence = annealed(iteration, start=DIVERGENCE_FROM)
        return Weights(
            skeleton_divergence=divergence,
            text_divergence=self.text_divergence_weight(steps),
            cross=(iteration > self.cross_from).to(divergence.dtype),
        )

    def text_latents(self, texts: Tensor) -> list[Gaussian]:
        """For every part the distributions (N, L/P) of the latents of texts."""
        return [vae.encode(part) for vae, part in zip(self._text_vaes, self.parts(texts), strict=True)]

    def terms(self, features: Tensor, texts: Tensor, epsilons: Tensor) -> Terms:
        """The terms of the loss for features (N, D), each with its text.

        `epsilons` (1 + P, N, 1) decide which latents are drawn, those of skeletons first.
        """
        of_clips, of_texts = self.skeleton_vae.encode(features), self.text_latents(texts)
        latents = torch.stack([drawn_latents([of_clips], epsilons[:1]), drawn_latents(of_texts, epsilons[1:])])  # 2 N L
        parts = zip(self._text_vaes, latents.chunk(self.kinds, dim=2), self.parts(texts), strict=True)
        return Terms(
            skeleton=self.skeleton_vae.errors(latents, features),
            texts=torch.stack([vae.errors(own, text) for vae, own, text in parts]),
            skeleton_divergence=of_clips.divergence(),
            text_divergences=torch.stack([part.divergence() for part in of_texts]),
        )

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of a batch, with what it reconstructs before that is weighted; every call is a step of the cycle."""
        features, texts = self.batch_features(batch), batch.texts[batch.labels]
        epsilons = torch.randn(1 + self.kinds, len(features), 1, device=features.device)
        terms = self.terms(features, texts, epsilons)
        loss = terms.total(self.weights(self.steps))
        self.steps += 1
        return {"loss": loss, "reconstruction": terms.own, "cross_reconstruction": terms.crossed}

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) to the means (N, L) of their latents."""
        return self.skeleton_vae.encode(features).mean

    def anchors(self, texts: Tensor) -> Tensor:
        """(K, L) the means of the latents of class texts."""
        return torch.cat([part.mean for part in self.text_latents(texts)], dim=1)

    @torch.no_grad()
    def prepare(self, texts: Tensor) -> None:
        """Fit a classifier on 500 latents of every class, drawn from the distributions that its texts have."""
        generator = torch.Generator().manual_seed(SEED)
        labels = torch.arange(len(texts), device=texts.device).repeat(DRAWN)  # K -> 500 K
        epsilons = torch.randn(self.kinds, len(labels), 1, generator=generator).to(texts.device)
        latents = drawn_latents(self.text_latents(texts[labels]), epsilons)  # 500 K, L
        width = latents.shape[1]
        fresh = fresh_classifier(classes=len(texts), latent=width, relu=self.published_relu, generator=generator)
        self._fitted = texts, fitted_classifier(fresh, latents, labels)

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) outputs of the classifier that :meth:`prepare` fitted for these texts."""
        if self._fitted is None or not torch.equal(texts, self._fitted[0]):
            raise ValueError(f"no classifier was fitted for these {len(texts)} class texts, expected prepare(texts)")
        return self._fitted[1](embedded)

    @property
    def _text_vaes(self) -> list[LinearVAE]:
        return cast(list[LinearVAE], list(self.text_vaes))
