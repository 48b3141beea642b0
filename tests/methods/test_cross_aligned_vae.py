"""What CADA-VAE and SynSE are made of, by hand, and what they keep of the contract of a method."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from golden_heads import PlainFeatures
from torch import Tensor
from torch.nn.functional import normalize

from skeltext.benchmark.recipes import load_recipe
from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.cross_aligned_vae import CrossAlignedVAE, Terms, Weights, annealed
from skeltext.methods.linear_vae import Gaussian, LinearVAE
from skeltext.methods.method import Batch
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.registry import METHODS

BOTH = pytest.mark.parametrize("name", ["cada_vae", "synse"])
pytestmark = pytest.mark.usefixtures("one_thread")


def built(name: str = "cada_vae", *, width: int = 20, text_width: int = 14, **options: Any) -> CrossAlignedVAE:
    """A method on features."""
    torch.manual_seed(0)
    method = METHODS[name](encoder=PlainFeatures(width), text_width=text_width, **{"latent": 8, **options})
    assert isinstance(method, CrossAlignedVAE)
    return method


def texts_of(method: CrossAlignedVAE, count: int) -> Tensor:
    """(K, D), or (K, P, D) where the method asks for kinds of text: directions at random."""
    texts = normalize(torch.randn(count, method.kinds, 14, generator=torch.Generator().manual_seed(2)), dim=2)
    return texts if method.text_kinds else texts.squeeze(1)


def batch_of(method: CrossAlignedVAE) -> Batch:
    return Batch(features=torch.rand(6, method.width), labels=torch.arange(6) % 4, texts=texts_of(method, 4))


def test_the_divergence_by_hand() -> None:
    gaussian = Gaussian(torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.0, math.log(4)], [0.0, 0.0]]))
    # row 0: (1 + 1 - 1 - 0) / 2 + (0 + 4 - 1 - log 4) / 2; row 1: nothing
    assert gaussian.divergence().item() == pytest.approx((1 + 3 - math.log(4)) / 4)


def test_all_dimensions_of_a_latent_share_one_draw() -> None:
    gaussian = Gaussian(torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, math.log(9)]]))
    assert gaussian.sample(torch.tensor([[0.5]])).tolist() == [[1.5, -0.5]]


def test_the_errors_of_two_sources_by_hand() -> None:
    vae = LinearVAE(width=2, latent=1)
    with torch.no_grad():
        vae.decoder.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    sources = torch.tensor([[[2.0]], [[-1.0]]])  # reconstructed as (2, 0) and (0, 1)
    assert vae.errors(sources, torch.tensor([[1.0, 1.0]])).tolist() == [1.0, 0.5]


def test_the_loss_is_the_weighted_sum_of_its_terms() -> None:
    x = torch.tensor
    terms = Terms(
        skeleton=x([1.0, 2.0]),
        texts=x([[3.0, 4.0], [5.0, 6.0]]),
        skeleton_divergence=x(7.0),
        text_divergences=x([8.0, 9.0]),
    )
    assert terms.own == 1 + 4 + 6
    assert terms.crossed == 2 + 3 + 5
    assert terms.total(Weights(x(0.1), x(0.01), x(0.5))).item() == pytest.approx(11 + 0.7 + 0.17 + 5)


def test_a_weight_rises_from_its_start() -> None:
    assert annealed(torch.tensor([0, 1000, 1300]), start=1000).tolist() == pytest.approx([0, 0, 0.01])


def test_autoencoders_begin_with_small_weights_and_no_bias() -> None:
    for key, parameter in built(width=300, text_width=200, latent=100).named_parameters():
        bound = 0.5 * math.sqrt(6 / sum(parameter.shape))
        if key.endswith("bias"):
            assert not parameter.any()
        else:
            assert 0.95 * bound < parameter.abs().max() <= bound


@BOTH
def test_every_step_is_counted_and_the_count_is_saved(name: str) -> None:
    method = built(name, cycle=3, cross_from=1)
    batch = batch_of(method)
    drawn = [method.training_loss(batch) for _ in range(4)]
    again = built(name, cycle=3, cross_from=1)
    again.load_state_dict(method.state_dict())
    assert again.steps == method.steps == 4
    crossing = [bool(losses["loss"] > losses["reconstruction"] + 1e-6) for losses in drawn]
    assert crossing == [False, False, True, False]
    losses = again.training_loss(batch)
    assert losses["loss"] == losses["reconstruction"]


@BOTH
def test_every_autoencoder_learns_from_every_step(name: str) -> None:
    method = built(name)
    method.training_loss(batch_of(method))["loss"].backward()
    assert all(parameter.grad is not None for parameter in method.parameters())


@BOTH
def test_no_step_asks_for_a_value(name: str) -> None:
    method, batch = built(name), batch_of(built(name))
    assert batch.features is not None
    on_meta = replace(
        batch, features=batch.features.to("meta"), labels=batch.labels.to("meta"), texts=batch.texts.to("meta")
    )
    loss = method.to("meta").training_loss(on_meta)["loss"]  # who asks for a value of what has none fails
    loss.backward()
    assert loss.is_meta


@BOTH
def test_preparing_repeats_itself_and_touches_nothing_else(name: str) -> None:
    method, embedded = built(name), torch.randn(5, 8, generator=torch.Generator().manual_seed(1))
    texts, weights = texts_of(method, 3), {key: value.clone() for key, value in method.state_dict().items()}
    state = torch.get_rng_state()
    method.prepare(texts)
    first = method.scores(embedded, texts)
    method.prepare(texts_of(method, 4))
    with torch.inference_mode():
        method.prepare(texts)
        assert torch.equal(method.scores(embedded, texts), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert method.state_dict().keys() == weights.keys()
    assert all(torch.equal(value, weights[key]) for key, value in method.state_dict().items())
    assert not first.requires_grad
    assert all(parameter.grad is None for parameter in method.parameters())


@BOTH
def test_only_texts_that_were_prepared_are_scored(name: str) -> None:
    method, embedded = built(name), torch.rand(2, 8)
    texts = texts_of(method, 3)
    with pytest.raises(ValueError, match=r"no classifier was fitted for these 3 class texts, expected prepare"):
        method.scores(embedded, texts)
    method.prepare(texts)
    assert method.scores(embedded, texts).shape == (2, 3)
    assert method.anchors(texts).shape == (3, 8)
    with pytest.raises(ValueError, match="no classifier was fitted"):
        method.scores(embedded, -texts)


def test_the_published_relu_is_a_choice() -> None:
    embedded = torch.randn(50, 8, generator=torch.Generator().manual_seed(1))
    for relu in (True, False):
        method = built(published_relu=relu)
        method.prepare(texts_of(method, 3))
        assert (method.scores(embedded, texts_of(method, 3)) >= 0).all().item() is relu


@BOTH
def test_classes_that_were_left_out_are_recognised(name: str) -> None:
    """Features are linear in the attributes that texts list, so that what holds for 16 classes holds for 4 others."""
    generator = torch.Generator().manual_seed(3)
    method = built(name, width=12, text_width=6, cycle=30, cross_from=4)
    kinds, classes, clips = method.kinds, 20, 10
    texts = (torch.rand(classes, kinds, 6, generator=generator) > 0.5).float()  # K P D
    mixing = torch.rand(kinds * 6, 12, generator=generator)
    labels = torch.arange(classes).repeat_interleave(clips)
    features = (texts.flatten(1) @ mixing)[labels] + 0.05 * torch.randn(len(labels), 12, generator=generator)
    texts = texts if method.text_kinds else texts.squeeze(1)
    seen = labels < 16
    batch = Batch(features=features[seen], labels=labels[seen], texts=texts[:16])
    optimizer = torch.optim.Adam(method.parameters(), lr=0.02)
    losses = []
    for _ in range(240):
        optimizer.zero_grad()
        losses.append(method.training_loss(batch)["loss"])
        losses[-1].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert losses[29] < losses[5] / 2  # both ask for the reconstruction across modalities
    method.prepare(texts[16:])
    with torch.no_grad():
        found = method.scores(method.embed_features(features[~seen]), texts[16:]).argmax(dim=1)
    assert (found == labels[~seen] - 16).float().mean() > 0.5  # chance is 0.25


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("cada_vae", {"latent": 0}, "method cada_vae cannot be built with latent=0: latent 0"),
        ("synse", {"latent": 7}, "latent 7, expected a positive multiple of 2"),
        ("cada_vae", {"cycle": 1400}, "cross_from 1400 and cycle 1400, expected 0 <= cross_from < cycle"),
        ("synse", {"cross_from": -1}, "cross_from -1 and cycle 1700"),
        ("cada_vae", {"samples": 3}, "no option 'samples'; it has latent, cycle, cross_from, published_relu"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(name: str, options: dict[str, Any], sentence: str) -> None:
    config = ModelConfig(method=name, encoder="st_gcn", layout="kinect20", text_width=8, method_options=options)
    with pytest.raises(SkeltextError, match=sentence):
        build_method(config)


@BOTH
def test_an_epoch_of_the_recipe_is_a_cycle(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.first_stage == "classifier"
    assert recipe.settings["steps_per_epoch"] == built(name).cycle
