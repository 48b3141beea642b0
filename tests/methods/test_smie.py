"""SMIE against the published code (SMIE at fa41f1d), its choice of frames, and what a step learns from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from formula_weights import formula_weights
from golden_heads import PlainFeatures, golden_numbers, toy, train, weights_of
from torch import Tensor
from torch.nn.functional import softplus

from skeltext.encoders.st_gcn import STGCN, from_published_names
from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.method import Batch
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.zero_shot.smie import (
    SMIE,
    frame_counts,
    frame_motion,
    highest_in_order,
    jensen_shannon_estimate,
    random_subset,
    shortened,
)
from skeltext.skeletons.layouts import KINECT20, NTU25
from skeltext.training.schedule import learning_rate

pytestmark = pytest.mark.usefixtures("one_thread")
PUBLISHED_NAMES = {"global_D.l0": "first", "global_D.l1": "rest.1", "global_D.l2": "rest.3"}


def our_name(published: str) -> str:
    layer, _, kind = published.rpartition(".")
    return f"{PUBLISHED_NAMES[layer]}.{kind}"


def narrow(**options: Any) -> SMIE:
    torch.manual_seed(0)
    encoder = STGCN(layout=KINECT20, hidden=4, features=6)
    return SMIE(encoder=encoder, text_width=5, **{"hidden": (16, 8), **options})


def clips_of(count: int, *, frames: int = 12) -> Tensor:
    return torch.randn(count, 3, frames, 20, 1, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def small(golden: Path) -> dict[str, Tensor]:
    return golden_numbers(golden / "smie" / "small.npz")


@pytest.fixture
def published(small: dict[str, Tensor], golden: Path) -> SMIE:
    """The narrow critic of the golden numbers on the encoder that goes with it."""
    tiny = golden_numbers(golden / "st_gcn" / "tiny.npz")
    encoder = STGCN(layout=NTU25, hidden=4, features=32, dropout=0.0)
    encoder.load_state_dict(from_published_names(weights_of(tiny, "state", named=str)))
    method = SMIE(encoder=encoder, text_width=12, hidden=(40, 20))
    method.critic.load_state_dict(weights_of(small, "state", named=our_name))
    method.freeze_encoder()
    return method


@pytest.mark.parametrize("name", ["small", "frame_selection"])
def test_the_frames_are_the_published_ones(golden: Path, name: str) -> None:
    arrays = golden_numbers(golden / "smie" / f"{name}.npz")
    clips, subset = arrays["input"], arrays["random_subset_of_35_sorted"]
    motion = frame_motion(clips)
    np.testing.assert_array_equal(highest_in_order(-motion, count=35), arrays["kept_35_frames_sorted"])
    if name == "small":
        np.testing.assert_allclose(-motion, arrays["motion_score_negated_mean"], atol=1e-8)
        frames = arrays["final_20_frames"]
        wanted = torch.stack([clip[:, own] for clip, own in zip(clips, frames, strict=True)])
    else:
        wanted = arrays["output"]
    assert torch.equal(shortened(clips, subset), wanted)


def test_the_losses_and_gradients_are_the_published_ones(published: SMIE, small: dict[str, Tensor]) -> None:
    clips, subset = small["input"], small["random_subset_of_35_sorted"]
    features = torch.stack([published.features(clips), published.features(shortened(clips, subset))], dim=1)
    np.testing.assert_allclose(features[:, 0], small["feature_full_50"], atol=5e-6)
    np.testing.assert_allclose(features[:, 1], small["feature_masked_20"], atol=5e-6)
    batch = Batch(features=features, labels=small["labels"], texts=3 * small["text_table_unit"])
    losses = published.training_loss(batch)
    losses["loss"].backward()
    assert losses["estimate"].item() == pytest.approx(float(small["jsd_full"]), rel=2e-6)
    lost = float(small["jsd_full"]) - float(small["jsd_masked"])
    assert losses["temporal"].item() == pytest.approx(float(small["loss_temporal"]), abs=2e-6)
    assert losses["temporal"].item() == pytest.approx(0.1 - lost, abs=2e-6)
    assert losses["loss"].item() == pytest.approx(float(small["loss_total"]), rel=2e-6)
    for name, wanted in weights_of(small, "grad", named=our_name).items():
        grad = published.critic.get_parameter(name).grad
        assert grad is not None
        assert (grad - wanted).norm() <= 1e-4 * wanted.norm(), name


@pytest.mark.parametrize(("slip", "suffix"), [(True, "as_coded"), (False, "with_layernorm")])
def test_the_scores_with_and_without_the_slip(
    published: SMIE, small: dict[str, Tensor], slip: bool, suffix: str
) -> None:
    published.inference_slip = slip
    unseen = small["unseen_ids"]
    with torch.no_grad():
        embedded = published.embed_features(small["inference_features"])
        scores = published.scores(embedded, small["text_table_unit"][unseen])
    np.testing.assert_allclose(scores, small[f"inference_D_{suffix}"], atol=2e-5)
    np.testing.assert_allclose(-softplus(-scores), small[f"inference_score_{suffix}"], atol=2e-5)
    np.testing.assert_array_equal(unseen[scores.argmax(dim=1)], small[f"pred_original_id_{suffix}"])


def test_the_critic_of_full_size(golden: Path) -> None:
    arrays = golden_numbers(golden / "smie" / "full_formula_weights.npz")
    weights = formula_weights(golden / "smie" / "full_param_order.txt", seed=int(arrays["seed"]))
    sums = [weight.double().sum().item() for weight in weights.values()]
    np.testing.assert_allclose(sums, arrays["param_checksum_sum"], rtol=1e-9)
    method = SMIE(encoder=PlainFeatures(256), text_width=768)
    method.critic.load_state_dict({our_name(name): weight for name, weight in weights.items()})
    assert sum(p.numel() for p in method.critic.parameters()) == int(arrays["n_parameters"])
    whole, short, texts = (arrays[key] for key in ("visual", "visual_masked", "text"))
    losses = method.training_loss(
        Batch(features=torch.stack([whole, short], dim=1), labels=torch.arange(6), texts=texts)
    )
    losses["loss"].backward()
    assert losses["estimate"].item() == pytest.approx(float(arrays["jsd_full"]), rel=2e-6)
    assert losses["loss"].item() == pytest.approx(float(arrays["loss_total"]), rel=2e-6)
    first, second, third = (method.critic.get_submodule(name) for name in PUBLISHED_NAMES.values())
    assert first.weight.grad.norm().item() == pytest.approx(float(arrays["grad_l2_l0"]), rel=1e-4)
    np.testing.assert_allclose(second.bias.grad, arrays["grad_l1_bias"], atol=1e-6)
    np.testing.assert_allclose(third.weight.grad, arrays["grad_l2_weight"], atol=1e-6)
    with torch.no_grad():
        np.testing.assert_allclose(method.scores(whole, texts), arrays["D_no_layernorm"], atol=2e-5)


def test_the_published_rates(small: dict[str, Tensor]) -> None:
    ours = [
        learning_rate(epoch, base=1e-5, warmup=15, schedule="cosine", milestones=(), epochs=100) for epoch in range(100)
    ]
    np.testing.assert_allclose(ours, small["lr_100_epochs"], rtol=1e-12, atol=1e-15)


def test_the_estimate_by_hand() -> None:
    joint, marginal = torch.tensor([1.0, 0.0]), torch.tensor([-2.0, 0.5])
    wanted = -(math.log1p(math.exp(-1)) + math.log(2)) / 2 - (math.log1p(math.exp(-2)) + math.log1p(math.exp(0.5))) / 2
    assert jensen_shannon_estimate(joint, marginal).item() == pytest.approx(wanted, rel=1e-6)


def test_the_motion_by_hand() -> None:
    path = torch.tensor([0.0, 1.0, 1.0, 4.0]).view(1, 1, 4, 1, 1)  # steps of 1, 0 and 3
    assert frame_motion(path).tolist() == [[1.0, 1.0, 9.0, 9.0]]
    assert shortened(path, torch.tensor([1])).flatten().tolist() == [1.0]  # of frames 0, 1 and 2


@pytest.mark.parametrize("frames", range(1, 80))
def test_clips_of_any_length_keep_frames_in_proportion(frames: int) -> None:
    calm, kept = frame_counts(frames)
    assert 1 <= kept <= calm <= frames
    assert kept == pytest.approx(0.4 * frames, abs=0.6)
    clips = clips_of(2, frames=frames)
    subset = random_subset(clips)
    assert subset.tolist() == sorted(set(subset.tolist()))
    assert shortened(clips, subset).shape == (2, 3, kept, 20, 1)


def test_frozen_features_come_with_those_of_shortened_clips() -> None:
    method, clips = narrow(subsets=3), clips_of(5)
    method.freeze_encoder()
    features = method.training_features(clips)
    assert features.shape == (5, 4, 6)
    torch.testing.assert_close(features[:, 0], method.features(clips))
    assert len({tuple(form.flatten().tolist()) for form in features.unbind(dim=1)}) == 4
    torch.rand(7)
    torch.testing.assert_close(method.training_features(clips[2:]), features[2:])  # whatever was drawn before
    assert narrow(temporal=False).training_features(clips).shape == (5, 6)


def test_every_step_draws_one_of_the_shortened_forms() -> None:
    method = narrow()
    features = torch.randn(4, 3, 6)
    forms = [method.forms(Batch(features=features, labels=torch.zeros(4), texts=torch.zeros(2, 5))) for _ in range(30)]
    assert all(torch.equal(whole, features[:, 0]) for whole, _ in forms)
    drawn = {next(r for r in range(3) if torch.equal(short, features[:, r])) for _, short in forms}
    assert drawn == {1, 2}


def test_an_encoder_that_learns_sees_clips_shortened_anew() -> None:
    method, clips = narrow().train(), clips_of(6)
    texts, labels = torch.randn(3, 5), torch.arange(6) % 3
    method.encoder.eval()
    shorter = [method.forms(Batch(clips=clips, labels=labels, texts=texts))[1] for _ in range(2)]
    assert not torch.equal(*shorter)
    method.training_loss(Batch(clips=clips, labels=labels, texts=texts))["loss"].backward()
    assert all(parameter.grad is not None for parameter in method.parameters())


def test_features_of_whole_clips_alone_have_no_temporal_constraint() -> None:
    texts, labels, features = torch.randn(3, 5), torch.arange(6) % 3, torch.randn(6, 6)
    losses = narrow().training_loss(Batch(features=features, labels=labels, texts=texts))
    assert losses.keys() == {"loss", "estimate"}
    assert losses["loss"].item() == -losses["estimate"].item()
    clips = Batch(clips=clips_of(6), labels=labels, texts=texts)
    assert narrow(temporal=False).training_loss(clips).keys() == {"loss", "estimate"}


def test_a_text_is_no_point_among_the_features() -> None:
    assert narrow().anchors(torch.randn(3, 5)) is None


def test_many_clips_are_judged_in_parts() -> None:
    method, features, texts = narrow(), torch.randn(600, 6), torch.randn(3, 5)
    pairs = method.critic(features[:, None], torch.nn.functional.normalize(texts, dim=1))
    torch.testing.assert_close(method.scores(features, texts), pairs)


def test_weights_are_all_that_it_is() -> None:
    first, second = narrow(), narrow()
    torch.nn.init.normal_(first.critic.first.weight)
    second.load_state_dict(first.state_dict())
    features, texts = torch.randn(4, 6), torch.randn(3, 5)
    assert torch.equal(first.scores(features, texts), second.scores(features, texts))


def test_thirty_steps_recognise_classes_left_out() -> None:
    torch.manual_seed(0)
    classes = toy()
    classes = classes._replace(texts=classes.texts.flatten(1))  # K 2 D -> K 2D, one text for a class
    method = SMIE(encoder=PlainFeatures(16), text_width=24, hidden=(64, 32))
    before, after = train(method, classes.seen_batch(), steps=30, rate=0.01)
    assert after < 0.8 * before
    assert classes.unseen_accuracy(method) > 0.4  # chance is a fifth


@pytest.mark.parametrize(
    ("options", "value"), [({"beta": -0.1}, "-0.1"), ({"subsets": 0}, "subsets 0"), ({"hidden": [0, 4]}, "0, 4")]
)
def test_options_that_do_not_fit_are_one_sentence(options: dict[str, Any], value: str) -> None:
    model = ModelConfig(
        method="smie",
        encoder="st_gcn",
        layout="kinect20",
        text_width=5,
        method_options=options,
        encoder_options={"hidden": 4, "features": 6},
    )
    with pytest.raises(SkeltextError, match=f"method smie cannot be built with .*{value}"):
        build_method(model)
