"""ReViSE against the published code's numbers, its formulas by hand, and that it learns."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from golden_heads import PlainFeatures, golden_numbers, losses_after_a_step_of_adam, toy, train, weights_of
from torch import Tensor, nn

from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.margin_ranking import fixed_rivals_loss, ranking_loss
from skeltext.methods.method import Batch
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.zero_shot.revise import ReViSE, contractive_slope, mean_discrepancy

pytestmark = pytest.mark.usefixtures("one_thread")


def built(*, features: int = 16, text_width: int = 12, **options: Any) -> ReViSE:
    """A head on plain features."""
    torch.manual_seed(0)
    return ReViSE(encoder=PlainFeatures(features), text_width=text_width, **options)


def named(published: str) -> str:
    """Our name of a published parameter."""
    side, _, rest = published.partition("_autoencoder.")
    return f"{'clip' if side == 'visual' else side}_side.{rest.replace('transformation', 'map')}"


@pytest.fixture
def numbers(golden: Path) -> dict[str, Tensor]:
    return golden_numbers(golden / "synse_family" / "revise.npz")


@pytest.fixture
def published(numbers: dict[str, Tensor]) -> ReViSE:
    method = built(features=20, text_width=14, text_hidden=10, code=7, embedding=5)
    method.load_state_dict(weights_of(numbers, "state", named=named))
    return method


def published_batch(numbers: dict[str, Tensor]) -> Batch:
    seen = numbers["seen_ids"]
    return Batch(
        features=numbers["skeleton"],
        labels=torch.searchsorted(seen, numbers["target"]),
        texts=numbers["label_embeddings"][seen],
    )


def test_every_loss_gradient_and_parameter_after_a_step_is_that_of_the_published_code(
    published: ReViSE, numbers: dict[str, Tensor]
) -> None:
    losses = losses_after_a_step_of_adam(published, published_batch(numbers))
    for name, theirs in {
        "loss": "total",
        "ranking": "hinge",
        "clip_reconstruction": "visual_reconstruction_mse_only",
        "text_reconstruction": "text_reconstruction",
        "discrepancy": "mmd",
    }.items():
        torch.testing.assert_close(losses[name], numbers[f"loss_{theirs}"], rtol=1e-5, atol=0)
    torch.testing.assert_close(losses["contraction"], numbers["contractive_term_times_gamma"], rtol=0, atol=1e-7)
    parameters = dict(published.named_parameters())
    gradients, after = (weights_of(numbers, kind, named=named) for kind in ("grad", "after_adam"))
    assert gradients.keys() == after.keys() == parameters.keys()
    for name, parameter in parameters.items():
        assert parameter.grad is not None
        assert (parameter.grad - gradients[name]).norm() <= 1e-4 * gradients[name].norm(), name
        torch.testing.assert_close(parameter.detach(), after[name], rtol=0, atol=1e-6)


@torch.no_grad()
def test_codes_embeddings_and_scores_are_those_of_the_published_code(
    published: ReViSE, numbers: dict[str, Tensor]
) -> None:
    batch = published_batch(numbers)
    assert batch.features is not None
    inputs = published.clip_inputs(batch.features)
    torch.testing.assert_close(inputs, numbers["visual_input_log1p"])
    torch.testing.assert_close(published.clip_side.encoder(inputs), numbers["visual_hidden"])
    torch.testing.assert_close(published.text_side.encoder(batch.texts)[batch.labels], numbers["text_hidden"])
    torch.testing.assert_close(published.embed_features(batch.features), numbers["visual_embedding"])
    torch.testing.assert_close(published.anchors(batch.texts), numbers["seen_class_embedding"])
    published.load_state_dict(weights_of(numbers, "after_adam", named=named))
    unseen = numbers["label_embeddings"][numbers["unseen_ids"]]
    scores = published.scores(published.embed_features(numbers["test_skeleton"]), unseen)
    torch.testing.assert_close(scores, numbers["test_scores_after_step"])
    assert torch.equal(scores.argmax(dim=1), numbers["test_pred_index_after_step"])


def test_the_ranking_loss_by_hand() -> None:
    scores, true = torch.tensor([[0.5, 0.45, 0.1], [0.2, 0.9, 0.85]]), torch.tensor([0.5, 0.85])
    # clip 0: 0.1 + 0.05 + 0 (its own class, and two others); clip 1: 0 + 0.15 + 0.1
    assert ranking_loss(scores, true, margin=0.1).item() == pytest.approx((0.15 + 0.25) / 2)


def test_a_rival_stays_where_it_is_and_the_own_class_is_drawn_even_without_a_rival() -> None:
    clip, far = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [-1.0, 0.0]], requires_grad=True)
    fixed_rivals_loss(clip, far, torch.tensor([0]), margin=0.3).backward()
    assert far.grad is not None
    assert far.grad.tolist() == [[-1.0, 0.0], [0.0, 0.0]]


def test_the_discrepancy_by_hand_and_of_equal_rows() -> None:
    a, b = torch.tensor([[0.0], [0.1]], requires_grad=True), torch.tensor([[0.2], [0.2]])
    k = {distance: math.exp(-32 * (distance / 10) ** 2) for distance in (0, 1, 2)}
    wanted = (2 * k[0] + 2 * k[1]) / 4 + 1 - 2 * (2 * k[2] + 2 * k[1]) / 4
    found = mean_discrepancy(a, b)
    assert found.item() == pytest.approx(wanted, rel=1e-5)
    found.backward()
    assert a.grad is not None
    assert a.grad.isfinite().all()  # the distance of a row to itself is 0, where a root has no slope


def test_the_discrepancy_of_a_large_batch_keeps_its_precision() -> None:
    a, b = 3 * torch.rand(2, 200, 100, generator=torch.Generator().manual_seed(0))
    a[:100] = b[:100] + 0.01 * a[:100]
    losses = []
    for kind in (torch.float32, torch.float64):
        codes = a.to(kind).requires_grad_()
        loss = mean_discrepancy(codes, b.to(kind))
        losses.append((loss.double(), *torch.autograd.grad(loss, codes)))
    torch.testing.assert_close(losses[0][0], losses[1][0], rtol=0, atol=1e-4)  # of kernels up to 1
    torch.testing.assert_close(losses[0][1].double(), losses[1][1], rtol=1e-2, atol=1e-6)


def test_the_slope_of_the_codes_by_hand() -> None:
    encoder = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU())
    weight = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
    encoder[0].weight.data.copy_(weight)
    inputs = torch.tensor([[1.0, 1.0], [0.0, 1.0]])  # both units are awake for the first, the first one for the second
    wanted = torch.stack([weight.sum(dim=0), weight[0]]).norm()
    torch.testing.assert_close(contractive_slope(encoder, inputs), wanted)


def test_the_contractive_term_has_a_gradient_only_where_it_is_learnt() -> None:
    found = {}
    for contraction in ("constant", "learnt"):
        method = built(contraction=contraction)
        losses = method.training_loss(toy_batch())
        losses["loss"].backward()
        assert losses["contraction"].requires_grad is (contraction == "learnt")
        found[contraction] = losses["loss"].item(), method.clip_side.encoder[0].weight.grad
    assert found["constant"][0] == found["learnt"][0]
    assert not torch.equal(found["constant"][1], found["learnt"][1])


def toy_batch() -> Batch:
    """The toy clips, whose class texts are verb and noun in one."""
    batch = toy().seen_batch()
    return Batch(features=batch.features, labels=batch.labels, texts=batch.texts.sum(dim=1))


@pytest.mark.parametrize(
    ("features", "text_width", "widths"),
    [(256, 1024, ([256, 100], [1024, 512, 100])), (2048, 300, ([2048, 512, 100], [300, 100])), (256, 384, None)],
)
def test_widths_are_the_published_ones(features: int, text_width: int, widths: Any) -> None:
    method = built(features=features, text_width=text_width)
    for side, wanted in zip((method.clip_side, method.text_side), widths or ([256, 100], [384, 100]), strict=True):
        there = [layer.in_features for layer in side.encoder if isinstance(layer, nn.Linear)] + [100]
        back = [layer.in_features for layer in side.decoder if isinstance(layer, nn.Linear)]
        assert there == wanted
        assert [*back, wanted[0]] == wanted[::-1]
        assert side.map[0].out_features == 50


@pytest.mark.parametrize("options", [{"code": 0}, {"embedding": -1}, {"text_hidden": -1}, {"margin": 0.0}])
def test_options_that_do_not_fit_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} {next(iter(options.values()))}"):
        built(**options)
    with pytest.raises(ValueError, match="contraction 'none', expected 'constant' or 'learnt'"):
        built(contraction="none")


@pytest.mark.parametrize("finetune", [False, True])
def test_on_clips_every_part_is_in_its_group_and_learns(finetune: bool) -> None:
    config = ModelConfig(
        method="revise",
        encoder="st_gcn",
        layout="kinect20",
        text_width=8,
        encoder_options={"hidden": 4, "features": 6},
    )
    method = build_method(config).train()
    if not finetune:
        method.freeze_encoder()
    clips = torch.randn(6, 3, 12, 20, 1, generator=torch.Generator().manual_seed(1))
    batch = Batch(clips=clips, labels=torch.arange(6) % 3, texts=torch.randn(3, 8))
    method.training_loss(batch)["loss"].backward()
    groups = method.parameter_groups()
    assert [group.weight_decay for group in groups] == [None, 0.0, 1e-3]
    grouped = {parameter for group in groups for parameter in group.parameters}
    assert grouped == {parameter for parameter in method.parameters() if parameter.requires_grad}
    assert all((parameter.grad is not None) is (parameter in grouped) for parameter in method.parameters())
    assert method.embed(clips).shape == (6, 50)
    with pytest.raises(SkeltextError, match="method revise cannot be built with code=0"):
        build_method(ModelConfig(**(vars(config) | {"method_options": {"code": 0}})))


def test_weights_are_all_it_needs(tmp_path: Path) -> None:
    method, other = built(), built(margin=0.5)
    train(method, toy_batch(), steps=2, rate=0.01)
    torch.save(method.state_dict(), tmp_path / "weights.pt")
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    features, texts = torch.rand(3, 16), torch.randn(4, 12)
    assert torch.equal(
        *(each.scores(each.embed_features(features), texts) for each in (method, other)),
    )
    assert other.score_scale == 2.0


def test_it_learns_and_recognises_classes_it_was_not_shown() -> None:
    whole, method = toy(), built()
    before, after = train(method, toy_batch(), steps=60, rate=0.01)
    assert after < 0.6 * before
    single = whole._replace(texts=whole.texts.sum(dim=1))
    assert single.unseen_accuracy(method) > 0.6
