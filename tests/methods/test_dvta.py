"""DVTA against the published code (DVTA at 8effc8f), the form that the paper writes, and the contract of a method."""

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
from torch.nn.functional import normalize

from skeltext.encoders.st_gcn import STGCN
from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.kl_contrastive import kl_contrastive_loss, same_label, target_distribution
from skeltext.methods.method import Batch
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.pair_network import PairNetwork
from skeltext.methods.zero_shot.dvta import DVTA, Form, attention, leaky_sigmoid
from skeltext.skeletons.layouts import KINECT20
from skeltext.training.schedule import learning_rate

pytestmark = pytest.mark.usefixtures("one_thread")
FORMS = ("released", "written")
PUBLISHED_NAMES = {
    "direct_alignment.visual_projector.l0": "residual",
    "direct_alignment.visual_projector.l1": "projector.0",
    "direct_alignment.visual_projector.l2": "projector.2",
    "direct_alignment.visual_projector.l3": "projector.4",
    "direct_alignment.text_projector": "text_projector",
    "augmented_alignment.net.0": "judge.first",
    "augmented_alignment.net.2": "judge.rest.1",
    "augmented_alignment.net.4": "judge.rest.3",
}


def our_name(published: str) -> str:
    layer, _, kind = published.rpartition(".")
    return f"{PUBLISHED_NAMES[layer]}.{kind}" if layer else "temperatures"


def load_head(method: DVTA, state: dict[str, Tensor]) -> None:
    missing, unexpected = method.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.startswith("encoder.") for name in missing)


def narrow(**options: Any) -> DVTA:
    torch.manual_seed(0)
    encoder = STGCN(layout=KINECT20, hidden=4, features=6)
    return DVTA(encoder=encoder, text_width=5, **{"projector_hidden": (8, 8), **options})


def texts_of(arrays: dict[str, Tensor]) -> Tensor:
    return arrays["text_table_name_context"].transpose(1, 2)  # K D 2 -> K 2 D


def batch_of(arrays: dict[str, Tensor], *, dtype: torch.dtype = torch.float32) -> Batch:
    return Batch(
        features=arrays["skeleton_features"].to(dtype),
        labels=arrays["labels"],
        texts=texts_of(arrays).to(dtype),
    )


def matches_the_published_forward(method: DVTA, arrays: dict[str, Tensor]) -> None:
    """Every intermediate value of a step of training and of a test, as far as the golden numbers have them."""
    batch, unseen = batch_of(arrays), arrays["unseen_ids"]
    assert batch.features is not None
    with torch.no_grad():
        embedded = method.embed_features(batch.features)
        own = method.enhanced(embedded, batch.texts[batch.labels])
        other = method.enhanced(embedded.unsqueeze(1), batch.texts[unseen])
        scores = method.scores(embedded, batch.texts[unseen])
        ours = {
            "train_projected_skeleton": embedded,
            "train_projected_text": own,
            "aa_raw_score_train": method.judge(embedded.unsqueeze(1), own),
            "train/sim_da_v2t": method.direct(embedded, own),
            "train/sim_aa_v2t": method.augmented(embedded, own),
            "train/final_sim_v2t": method.combined(method.direct(embedded, own), method.augmented(embedded, own)),
            "train/ground_truth": same_label(batch.labels),
            "inference_projected_text": other,
            "aa_raw_score_inference": method.judge(embedded.unsqueeze(1), other),
            "inference_similarity_da": method.direct(embedded, other),
            "inference_similarity_aa": method.augmented(embedded, other),
            "inference_similarity": scores,
        }
    for key, value in ours.items():
        np.testing.assert_allclose(value, arrays[key], atol=2e-5, err_msg=key)
    np.testing.assert_array_equal(scores.argmax(dim=1), arrays["inference_argmax"])


@pytest.fixture
def small(golden: Path) -> dict[str, Tensor]:
    return golden_numbers(golden / "dvta" / "small.npz")


@pytest.fixture
def published(small: dict[str, Tensor]) -> DVTA:
    method = DVTA(encoder=PlainFeatures(16), text_width=18, projector_hidden=(20, 28), judge_hidden=(36, 24))
    load_head(method, weights_of(small, "state", named=our_name))
    return method


def test_every_similarity_is_the_published_one(published: DVTA, small: dict[str, Tensor]) -> None:
    matches_the_published_forward(published, small)


def test_a_step_of_training_is_the_published_one(published: DVTA, small: dict[str, Tensor]) -> None:
    optimizer = torch.optim.Adam(published.parameters(), lr=float(small["train/lr"]))
    loss = published.training_loss(batch_of(small))["loss"]
    assert loss.item() == pytest.approx(float(small["train/loss"]), abs=1e-5)
    loss.backward()
    for name, wanted in weights_of(small, "grad", named=our_name).items():
        grad = published.get_parameter(name).grad
        assert grad is not None
        assert (grad - wanted).norm() <= 1e-4 * wanted.norm(), name
    optimizer.step()
    certain = {
        name: grad.abs() > 1e-5 for name, grad in weights_of(small, "grad", named=our_name).items()
    }  # of the sign of the step
    for name, wanted in weights_of(small, "after_adam", named=our_name).items():
        ours = published.get_parameter(name)
        torch.testing.assert_close(ours[certain[name]], wanted[certain[name]], atol=2e-6, rtol=1e-5)


def test_a_step_in_double_precision(published: DVTA, small: dict[str, Tensor]) -> None:
    published.double()
    batch = batch_of(small, dtype=torch.float64)
    loss = published.training_loss(batch)["loss"]
    loss.backward()
    assert batch.features is not None
    with torch.no_grad():
        scores = published.scores(published.embed_features(batch.features), batch.texts[small["unseen_ids"]])
    np.testing.assert_allclose(scores, small["inference_similarity_f64"], rtol=1e-9)
    assert loss.item() == pytest.approx(float(small["train/loss_f64"]), rel=1e-7)  # our target is float32
    for name, wanted in weights_of(small, "grad_f64", named=our_name).items():
        grad = published.get_parameter(name).grad
        assert grad is not None
        assert (grad - wanted).norm() <= 1e-6 * wanted.norm(), name


def test_a_head_of_full_size(golden: Path) -> None:
    arrays = golden_numbers(golden / "dvta" / "full_formula_weights.npz")
    weights = formula_weights(golden / "dvta" / "full_param_order.txt", seed=int(arrays["seed"]))
    weights["scaling_factors"] = arrays["scaling_factors"]
    weights["augmented_alignment.net.4.bias"] = arrays["aa_last_bias"]
    sums = [weight.double().sum().item() for weight in weights.values()]
    np.testing.assert_allclose(sums, arrays["param_checksum_sum_before_step"], rtol=1e-9)
    method = DVTA(encoder=PlainFeatures(256), text_width=768)
    load_head(method, {our_name(name): weight for name, weight in weights.items()})
    matches_the_published_forward(method, arrays)
    loss = method.training_loss(batch_of(arrays))["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(float(arrays["train/loss"]), abs=1e-5)
    found = {name: parameter.grad for name, parameter in method.named_parameters() if parameter.grad is not None}
    for name, wanted in weights_of(arrays, "grad", named=our_name).items():
        assert (found[name] - wanted).norm() <= 1e-4 * wanted.norm(), name
    for name, wanted in weights_of(arrays, "grad_l2", named=our_name).items():
        assert found[name].norm().item() == pytest.approx(wanted.item(), rel=1e-4), name
    for name, wanted in weights_of(arrays, "grad_first_row", named=our_name).items():
        assert (found[name][0] - wanted).norm() <= 1e-4 * wanted.norm(), name


def test_the_activation_and_the_rates(golden: Path) -> None:
    arrays = golden_numbers(golden / "dvta" / "leaky_sigmoid_and_lr.npz")
    np.testing.assert_allclose(leaky_sigmoid(arrays["x"]), arrays["leaky_sigmoid"], rtol=1e-6)
    ours = [
        learning_rate(epoch, base=1e-6, warmup=15, schedule="cosine", milestones=(), epochs=100) for epoch in range(100)
    ]
    np.testing.assert_allclose(ours, arrays["lr_ntu60_100_epochs"], rtol=1e-12, atol=1e-15)


def test_the_activation_has_gradients_far_from_zero() -> None:
    x = torch.tensor([-1e4, -1.0, 1.0, 1e4], requires_grad=True)
    leaky_sigmoid(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == pytest.approx([0, 1e-4 * math.exp(-0.01), 0.1966119, 0], abs=1e-7)


def test_a_pair_is_judged_as_if_it_were_written_side_by_side() -> None:
    network = PairNetwork(clip_width=4, text_width=3, hidden=(8, 5))
    clips, texts = torch.randn(6, 4), torch.randn(2, 3)
    pairs = torch.cat([clips[:, None].expand(6, 2, 4), texts.expand(6, 2, 3)], dim=2)
    wanted = network.rest(network.first(pairs)).squeeze(2)
    torch.testing.assert_close(network(clips.unsqueeze(1), texts), wanted)


def test_attention_by_hand() -> None:
    keys, values = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[4.0, 0.0], [0.0, 2.0]])
    weight = 1 / (1 + math.exp(-1.5))  # of the first key: 0.5 (3 - 0)
    found = attention(torch.tensor([3.0, 0.0]), keys, values, scale=0.5)
    assert found.tolist() == pytest.approx([4 * weight, 2 * (1 - weight)])


def test_a_text_is_projected_before_or_after_it_is_weighed() -> None:
    method, embedded, texts = narrow(), torch.randn(4, 5), torch.randn(4, 2, 5)
    weights = torch.softmax((normalize(texts, dim=2) @ embedded.unsqueeze(2)).squeeze(2), dim=1)  # N 2
    weighed = (weights.unsqueeze(2) * normalize(texts, dim=2)).sum(dim=1)
    torch.testing.assert_close(method.enhanced(embedded, texts), method.text_projector(weighed))


def test_the_written_form_by_hand() -> None:
    method, features, texts = narrow(form="written"), torch.randn(3, 6), torch.randn(4, 2, 5)
    p = method.embed_features(features)
    values = method.text_projector(normalize(texts, dim=2))  # K 2 D
    scores = method.scores(p, texts)
    for n in range(3):
        own = torch.stack([torch.softmax(value @ p[n] / math.sqrt(5), dim=0) @ value for value in values])  # K D
        direct = torch.softmax(normalize(own, dim=1) @ normalize(p[n], dim=0) / 0.1, dim=0)
        augmented = torch.softmax(leaky_sigmoid(method.judge(p[n], own)) / 0.1, dim=0)
        torch.testing.assert_close(scores[n].exp(), (direct + augmented) / 2)


def test_the_loss_of_the_released_form_is_that_of_pgfa() -> None:
    method = narrow()
    batch = Batch(features=torch.randn(6, 6), labels=torch.arange(6) % 4, texts=torch.randn(4, 2, 5))
    assert batch.features is not None
    embedded = method.embed_features(batch.features)
    own = method.enhanced(embedded, batch.texts[batch.labels])
    logits = method.direct(embedded, own) + method.augmented(embedded, own)
    wanted = kl_contrastive_loss(logits, target_distribution(batch.labels))
    torch.testing.assert_close(method.training_loss(batch)["loss"], wanted)


@pytest.mark.parametrize("form", FORMS)
def test_the_judge_moves_no_projector(form: str) -> None:
    method = narrow(form=form)
    batch = Batch(features=torch.randn(6, 6), labels=torch.arange(6) % 4, texts=torch.randn(4, 2, 5))
    method.training_loss(batch)["loss"].backward()
    heads = {name: p for name, p in method.named_parameters() if not name.startswith("encoder.")}
    assert all(parameter.grad is not None for parameter in heads.values())
    embedded = method.embed_features(torch.randn(6, 6)).detach()
    assert method.judge(embedded, embedded).requires_grad
    before = method.text_projector.weight.grad
    assert before is not None
    before = before.clone()
    method.zero_grad()
    with torch.no_grad():
        for parameter in method.judge.parameters():
            parameter.zero_()  # every pair is judged alike, so that the direct similarity is all there is
        method.judge.rest[3].bias.fill_(-1.0)
    method.training_loss(batch)["loss"].backward()
    assert method.judge.first.weight.grad is not None
    assert method.judge.first.weight.grad.abs().sum() == 0
    assert method.text_projector.weight.grad is not None
    assert method.text_projector.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("form", FORMS)
def test_an_encoder_learns_along_without_a_first_stage(form: str) -> None:
    method = narrow(form=form).train()
    clips = torch.randn(6, 3, 12, 20, 1, generator=torch.Generator().manual_seed(1))
    batch = Batch(clips=clips, labels=torch.arange(6) % 4, texts=torch.randn(4, 2, 5))
    method.training_loss(batch)["loss"].backward()
    assert all(parameter.grad is not None for parameter in method.parameters())
    method.eval()
    with torch.inference_mode():
        assert method.scores(method.embed(clips), batch.texts).shape == (6, 4)


@pytest.mark.parametrize("form", FORMS)
def test_many_clips_are_scored_in_parts(form: str) -> None:
    method, embedded, texts = narrow(form=form), torch.randn(600, 5), torch.randn(3, 2, 5)
    one_by_one = torch.cat([method.scores(clip, texts) for clip in embedded.split(1)])
    torch.testing.assert_close(method.scores(embedded, texts), one_by_one)


def test_a_temperature_below_the_coldest_is_taken_for_it() -> None:
    method, embedded, texts = narrow(), torch.randn(4, 5), torch.randn(3, 2, 5)
    with torch.no_grad():
        method.temperatures.fill_(0.01)
        wanted = method.scores(embedded, texts)
        method.temperatures.copy_(torch.tensor([-0.3, 0.0]))
        torch.testing.assert_close(method.scores(embedded, texts), wanted)


def test_a_class_is_no_single_point() -> None:
    assert narrow().anchors(torch.randn(3, 2, 5)) is None
    assert DVTA.text_kinds == ("name", "complete")


def test_weights_are_all_that_it_is() -> None:
    first, second = narrow(), narrow()
    torch.nn.init.normal_(first.judge.first.weight)
    second.load_state_dict(first.state_dict())
    embedded, texts = torch.randn(4, 5), torch.randn(3, 2, 5)
    assert torch.equal(first.scores(embedded, texts), second.scores(embedded, texts))


@pytest.mark.parametrize("form", FORMS)
def test_thirty_steps_recognise_classes_left_out(form: Form) -> None:
    torch.manual_seed(0)
    classes = toy()
    method = DVTA(encoder=PlainFeatures(16), text_width=12, form=form, projector_hidden=(32, 32), judge_hidden=(24, 12))
    before, after = train(method, classes.seen_batch(), steps=30, rate=0.01)
    assert after < 0.8 * before
    assert classes.unseen_accuracy(method) > 0.4  # chance is a fifth


@pytest.mark.parametrize(
    ("options", "value"),
    [({"form": "hard"}, "'hard'"), ({"projector_hidden": [8, 0]}, "8, 0"), ({"judge_hidden": [-1]}, "-1")],
)
def test_options_that_do_not_fit_are_one_sentence(options: dict[str, Any], value: str) -> None:
    model = ModelConfig(
        method="dvta",
        encoder="st_gcn",
        layout="kinect20",
        text_width=5,
        method_options=options,
        encoder_options={"hidden": 4, "features": 6},
    )
    with pytest.raises(SkeltextError, match=f"method dvta cannot be built with .*{value}"):
        build_method(model)
