"""CADA-VAE and SynSE against the published code (synse-zsl at 90f39a1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_heads import PlainFeatures, golden_numbers
from torch import Tensor, nn

from skeltext.methods.cross_aligned_vae import CrossAlignedVAE, drawn_latents
from skeltext.methods.latent_classifier import LatentClassifier, fitted_classifier
from skeltext.methods.registry import METHODS

pytestmark = pytest.mark.usefixtures("one_thread")

CROSS_FROM = {1700: 1400, 1900: 1500}  # by the length of a cycle


@dataclass(frozen=True)
class Published:
    """How the published code names what a method has: ``letters`` of its kinds of text, in the order of the latent.

    ``eps`` are the names of the numbers that latents were drawn with, ``classifier_eps`` of those for the classifier.
    """

    arrays: Mapping[str, Tensor]
    name: str
    letters: tuple[str, ...]
    tables: tuple[str, ...]
    eps: tuple[str, ...]
    classifier_eps: tuple[str, ...]

    def method(self, *, cycle: int = 1700) -> CrossAlignedVAE:
        """Our method with the published weights."""
        method = METHODS[self.name](
            encoder=PlainFeatures(20),
            text_width=14,
            latent=8,
            cycle=cycle,
            cross_from=CROSS_FROM[cycle],  # type: ignore[call-arg]
        )
        assert isinstance(method, CrossAlignedVAE)
        wrong = method.load_state_dict(self.weights("state/"), strict=False)
        assert wrong.missing_keys == ["steps"]
        return method

    def weights(self, prefix: str) -> dict[str, Tensor]:
        """The arrays below a prefix, which there is one of for every parameter, under our names."""
        prefixes = [f"{letter}_text" if len(self.letters) > 1 else "text" for letter in self.letters]
        named = {"sequence": "skeleton_vae"} | {theirs: f"text_vaes.{p}" for p, theirs in enumerate(prefixes)}
        layers = {
            "encoder.mu_transformation.0": "mean",
            "encoder.logvar_transformation.0": "log_variance",
            "decoder.model.0": "decoder",
        }
        return {
            f"{ours}.{layer}.{kind}": self.arrays[f"{prefix}{theirs}_{key}.{kind}"]
            for theirs, ours in named.items()
            for key, layer in layers.items()
            for kind in ("weight", "bias")
        }

    def texts(self, classes: Tensor) -> Tensor:
        """The texts of classes, as a batch brings them: one row, or verb and noun."""
        tables = [self.arrays[table][classes] for table in self.tables]
        return torch.stack(tables[::-1], dim=1) if len(tables) > 1 else tables[0]

    def moments(self) -> list[tuple[str, int, int]]:
        """(prefix, length of a cycle, step) wherever the loss is given."""
        prefixes = sorted({key.split("/")[0] for key in self.arrays if key.startswith("cycle")})
        return [(p, int(p.split("_len")[1].split("_")[0]), int(p.split("_it")[1])) for p in prefixes]


@pytest.fixture(scope="module", params=["cada_vae", "synse"])
def published(request: pytest.FixtureRequest, golden: Path) -> Published:
    arrays = golden_numbers(golden / "synse_family" / f"{request.param}.npz")
    if request.param == "cada_vae":
        return Published(
            arrays, "cada_vae", ("",), ("label_embeddings",), ("eps_skeleton", "eps_text"), ("classifier/eps_text",)
        )
    return Published(
        arrays,
        "synse",
        ("n", "v"),
        ("noun_embeddings", "verb_embeddings"),
        ("eps_skeleton", "eps_noun", "eps_verb"),
        ("classifier/eps_noun_second_draw", "classifier/eps_verb_first_draw"),
    )


def test_terms_loss_and_gradients_are_the_published_ones(published: Published) -> None:
    features, texts = published.arrays["skeleton"], published.texts(published.arrays["target"])
    epsilons = torch.stack([published.arrays[key] for key in published.eps])
    compared = 0
    for moment, cycle, step in published.moments():
        method = published.method(cycle=cycle)
        terms = method.terms(features, texts, epsilons)
        loss = terms.total(method.weights(torch.tensor(step)))
        ours = {"loss": loss, "s_recons": terms.skeleton[0], "s_crecons": terms.skeleton[1]}
        ours["s_kld"] = -terms.skeleton_divergence  # which the published code subtracts
        for p, letter in enumerate(published.letters):
            ours |= {f"{letter}t_recons": terms.texts[p, 1], f"{letter}t_crecons": terms.texts[p, 0]}
            ours[f"{letter}t_kld"] = -terms.text_divergences[p]
        for name, value in ours.items():
            assert value.item() == pytest.approx(float(published.arrays[f"{moment}/{name}"]), rel=1e-5), (moment, name)
        if any(key.startswith(f"{moment}/grad/") for key in published.arrays):
            loss.backward()  # type: ignore[no-untyped-call]
            wanted = published.weights(f"{moment}/grad/")
            for name, parameter in method.named_parameters():
                assert parameter.grad is not None
                assert (parameter.grad - wanted[name]).norm() <= 1e-4 * wanted[name].norm(), (moment, name)
            compared += 1
    assert compared == 2


def test_latents_and_reconstructions_are_the_published_ones(published: Published) -> None:
    method, features = published.method(), published.arrays["skeleton"]
    texts = published.texts(published.arrays["target"])
    of_clips, of_texts = method.skeleton_vae.encode(features), method.text_latents(texts)
    drawn = drawn_latents(of_texts, torch.stack([published.arrays[key] for key in published.eps[1:]]))
    pairs = {
        "smu": method.embed_features(features),
        "slv": of_clips.log_variance,
        "sz": of_clips.sample(published.arrays["eps_skeleton"]),
        "sfromt": method.skeleton_vae.decode(drawn),
    }
    halves = zip(published.letters, of_texts, drawn.chunk(method.kinds, dim=1), strict=True)
    for letter, gaussian, piece in halves:
        pairs |= {f"{letter}tmu": gaussian.mean, f"{letter}tlv": gaussian.log_variance, f"{letter}tz": piece}
    for name, value in pairs.items():
        np.testing.assert_allclose(
            value.detach(), published.arrays[f"forward/{name}"], rtol=1e-5, atol=1e-6, err_msg=name
        )
    means = [published.arrays[f"forward/{letter}tmu"] for letter in published.letters]
    torch.testing.assert_close(method.anchors(texts), torch.cat(means, dim=1))


@pytest.mark.parametrize("cycle", [1700, 1900])
def test_the_weights_of_four_cycles_are_the_published_ones(published: Published, cycle: int) -> None:
    weights = published.method(cycle=cycle).weights(torch.arange(4 * cycle, dtype=torch.float64))
    wanted = {"k_fact": weights.skeleton_divergence, "cr_fact": weights.cross}
    for letter in published.letters:
        wanted[f"{letter}_k_fact2".lstrip("_")] = weights.text_divergence
        wanted[f"{letter}_cr_fact".lstrip("_")] = weights.cross
    for name, ours in wanted.items():
        np.testing.assert_allclose(ours, published.arrays[f"schedule_len{cycle}/{name}"], rtol=0, atol=1e-12)
    assert not published.arrays.get(f"schedule_len{cycle}/lw_fact", torch.zeros(1)).any()


def test_the_classifier_is_the_published_one(published: Published) -> None:
    """The published ReLU makes 300 steps in float32 a matter of rounding: in float64 weights end up to 0.004 away.

    So these are compared as closely as that allows, and the steps themselves in float64 with those of PyTorch.
    """
    method, unseen = published.method(), published.arrays["classifier/unseen_ids"]
    labels = torch.arange(3).repeat(500)
    epsilons = torch.stack([published.arrays[key] for key in published.classifier_eps])
    start = LatentClassifier(*(published.arrays[f"classifier/{x}_init"] for x in ("weight", "bias")), relu=True)
    with torch.no_grad():
        latents = drawn_latents(method.text_latents(published.texts(unseen)[labels]), epsilons)
        clips = method.embed_features(published.arrays["classifier/test_skeleton"])
    found = fitted_classifier(start, latents, labels)
    for ours, name in ((found.weight, "weight"), (found.bias, "bias")):
        np.testing.assert_allclose(ours, published.arrays[f"classifier/{name}_after_300_adam"], rtol=0, atol=4e-3)
    outputs = found(clips)
    np.testing.assert_allclose(outputs.softmax(dim=1), published.arrays["classifier/test_probabilities"], atol=4e-3)
    right = unseen[outputs.argmax(dim=1)] == published.arrays["classifier/test_labels"]
    assert right.double().mean().item() == pytest.approx(float(published.arrays["classifier/zsl_accuracy"]))


@pytest.mark.parametrize("relu", [True, False])
def test_the_steps_of_the_classifier_are_those_of_pytorch(relu: bool) -> None:
    torch.manual_seed(0)
    labels = torch.arange(4).repeat(10)
    latents = torch.randn(40, 5, dtype=torch.float64) + labels.unsqueeze(1)
    weight = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(4, dtype=torch.float64, requires_grad=True)
    ours = fitted_classifier(LatentClassifier(weight.detach(), bias.detach(), relu), latents, labels)
    optimizer = torch.optim.Adam([weight, bias], lr=1e-3)
    for _ in range(300):
        optimizer.zero_grad()
        nn.functional.cross_entropy(LatentClassifier(weight, bias, relu)(latents), labels).backward()
        optimizer.step()
    torch.testing.assert_close(ours.weight, weight.detach(), rtol=0, atol=1e-10)
    torch.testing.assert_close(ours.bias, bias.detach(), rtol=0, atol=1e-10)
