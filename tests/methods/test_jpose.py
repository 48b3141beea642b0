"""JPoSE against the published code's numbers, its formulas by hand, and that it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from golden_heads import PlainFeatures, golden_numbers, losses_after_a_step_of_adam, toy, train, weights_of
from torch import Tensor, nn

from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.method import Batch
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.zero_shot.jpose import JPoSE, Negatives, hardest_triplet_loss, same_text

pytestmark = pytest.mark.usefixtures("one_thread")
KINDS = ("verb", "noun")


def built(*, features: int = 16, text_width: int = 12, **options: Any) -> JPoSE:
    """A head on plain features."""
    torch.manual_seed(0)
    return JPoSE(encoder=PlainFeatures(features), text_width=text_width, **options)


def named(published: str) -> str:
    """Our name of a published parameter."""
    space, branch, rest = published.split(".", 2)
    return f"{space}.{'clip' if branch == 'VisArch' else 'text'}.{rest}"


@pytest.fixture
def numbers(golden: Path) -> dict[str, Tensor]:
    return golden_numbers(golden / "synse_family" / "jpose.npz")


@pytest.fixture
def published(numbers: dict[str, Tensor]) -> JPoSE:
    method = built(features=20, text_width=14, text_hidden=11, part=6, joint=5)
    method.load_state_dict(weights_of(numbers, "state", named=named))
    return method


def published_texts(numbers: dict[str, Tensor], classes: str) -> Tensor:
    return torch.stack([numbers[f"{kind}_embeddings_per_class"][numbers[classes]] for kind in KINDS], dim=1)


def published_batch(numbers: dict[str, Tensor]) -> Batch:
    return Batch(
        features=numbers["skeleton"],
        labels=torch.searchsorted(numbers["seen_ids"], numbers["target"]),
        texts=published_texts(numbers, "seen_ids"),
    )


def test_every_loss_gradient_and_parameter_after_a_step_is_that_of_the_published_code(
    published: JPoSE, numbers: dict[str, Tensor]
) -> None:
    losses = losses_after_a_step_of_adam(published, published_batch(numbers))
    wanted = {"loss": numbers["loss_total"], "joint_ranking": numbers["loss_hinge_joint"]}
    for kind in KINDS:
        wanted[f"{kind}_ranking"] = numbers[f"loss_hinge_{kind}"]
        wanted[f"{kind}_triplets"] = 0.01 * numbers[f"loss_triplet_{kind}_unweighted"]
    assert losses.keys() == wanted.keys()
    for name, loss in losses.items():
        torch.testing.assert_close(loss, wanted[name], rtol=1e-5, atol=0)
    parameters = dict(published.named_parameters())
    gradients, after = (weights_of(numbers, kind, named=named) for kind in ("grad", "after_adam"))
    assert gradients.keys() == after.keys() == parameters.keys()
    for name, parameter in parameters.items():
        assert parameter.grad is not None
        assert (parameter.grad - gradients[name]).norm() <= 1e-4 * gradients[name].norm(), name
        torch.testing.assert_close(parameter.detach(), after[name], rtol=0, atol=1e-6)


@torch.no_grad()
def test_every_space_is_that_of_the_published_code(published: JPoSE, numbers: dict[str, Tensor]) -> None:
    batch = published_batch(numbers)
    assert batch.features is not None
    for p, kind in enumerate(KINDS):
        torch.testing.assert_close(published.clip_parts(batch.features)[p], numbers[f"visual_{kind}_unit"])
        own = published.text_parts(batch.texts)[p][batch.labels]
        torch.testing.assert_close(own, numbers[f"text_{kind}_unit"])
    torch.testing.assert_close(published.embed_features(batch.features), numbers["visual_joint_unit"])
    torch.testing.assert_close(published.anchors(batch.texts), numbers["seen_class_joint_unit"])


@torch.no_grad()
def test_predictions_are_those_of_the_published_code(published: JPoSE, numbers: dict[str, Tensor]) -> None:
    texts = published_texts(numbers, "unseen_ids")
    found = {}
    for state in ("state", "after_adam"):
        published.load_state_dict(weights_of(numbers, state, named=named))
        if torch.allclose(published.anchors(texts), numbers["test_unseen_class_joint_unit"], atol=1e-6):
            embedded = published.embed_features(numbers["test_skeleton"])
            torch.testing.assert_close(embedded, numbers["test_visual_joint_unit"])
            found[state] = numbers["unseen_ids"][published.scores(embedded, texts).argmax(dim=1)]
    assert len(found) == 1
    assert torch.equal(next(iter(found.values())), numbers["test_pred_original_id"])


def test_classes_with_equal_text_share_their_verb(numbers: dict[str, Tensor]) -> None:
    for kind in KINDS:
        index = numbers[f"{kind}_index_per_class"]
        assert torch.equal(same_text(numbers[f"{kind}_embeddings_per_class"]), index[:, None] == index[None])


@pytest.mark.parametrize(("negatives", "mined"), [("written", [2, 2, 1]), ("released", [0, 1, 2])])
def test_the_triplets_by_hand(negatives: Negatives, mined: list[int]) -> None:
    embedded = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], requires_grad=True)
    same = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    constant, total = embedded.detach(), torch.zeros(())
    for anchor in embedded:
        for p, n in zip([1, 0, 2], mined, strict=True):  # what is hardest for every clip
            total = total + (anchor @ constant[n] - anchor @ constant[p] + 0.3).clamp(min=0) / 3
    loss = hardest_triplet_loss(embedded, same, margin=0.3, negatives=negatives)
    torch.testing.assert_close(loss, total)
    torch.testing.assert_close(*(torch.autograd.grad(value, embedded)[0] for value in (loss, total)))


@pytest.mark.parametrize("negatives", ["written", "released"])
def test_clips_that_are_all_alike_have_no_triplets(negatives: Negatives) -> None:
    embedded = torch.rand(4, 3, requires_grad=True)
    loss = hardest_triplet_loss(embedded, torch.ones(4, 4, dtype=torch.bool), margin=0.3, negatives=negatives)
    loss.backward()
    assert loss.item() == 0
    assert embedded.grad is not None
    assert not embedded.grad.any()


def test_triplets_follow_the_verbs_and_not_the_classes() -> None:
    method, classes = built(negatives="written"), toy()
    losses = method.training_loss(classes.seen_batch())
    shown = classes.labels[classes.seen[classes.labels]]
    clips = method.clip_parts(classes.seen_batch().features)[0]
    by_verb, by_class = (
        hardest_triplet_loss(clips, labels[:, None] == labels[None], margin=0.3, negatives="written")
        for labels in (shown // 5, shown)
    )
    torch.testing.assert_close(losses["verb_triplets"], 0.01 * by_verb)
    assert not torch.allclose(by_verb, by_class)


@pytest.mark.parametrize(
    ("text_width", "widths", "last"),
    [(1024, [1024, 512, 50], nn.ReLU), (384, [384, 50], nn.Tanh), (300, [300, 50], nn.Tanh)],
)
def test_widths_are_the_published_ones(text_width: int, widths: list[int], last: type[nn.Module]) -> None:
    method = built(features=256, text_width=text_width)
    for space in method.parts:
        layers = [layer for layer in space.text if isinstance(layer, nn.Linear)]
        assert [layers[0].in_features, *(layer.out_features for layer in layers)] == widths
        assert isinstance(space.text[-1], last)
        assert [tuple(p.shape) for p in space.clip.parameters()] == [(50, 256), (50,)]
    assert method.joint.text[0].in_features == 100


@pytest.mark.parametrize(
    "options", [{"part": 0}, {"joint": -1}, {"text_hidden": -1}, {"margin": 0.0}, {"triplets": -1}]
)
def test_options_that_do_not_fit_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} {next(iter(options.values()))}"):
        built(**options)
    with pytest.raises(ValueError, match="negatives 'none', expected 'released' or 'written'"):
        built(negatives="none")


@pytest.mark.parametrize("finetune", [False, True])
def test_on_clips_every_part_is_in_its_group_and_learns(finetune: bool) -> None:
    config = ModelConfig(
        method="jpose",
        encoder="st_gcn",
        layout="kinect20",
        text_width=8,
        encoder_options={"hidden": 4, "features": 6},
    )
    method = build_method(config).train()
    if not finetune:
        method.freeze_encoder()
    clips = torch.randn(6, 3, 12, 20, 1, generator=torch.Generator().manual_seed(1))
    batch = Batch(clips=clips, labels=torch.arange(6) % 3, texts=torch.randn(3, 2, 8))
    method.training_loss(batch)["loss"].backward()
    groups = method.parameter_groups()
    assert [group.weight_decay for group in groups] == [None, 0.0, 1e-3]
    grouped = {parameter for group in groups for parameter in group.parameters}
    assert grouped == {parameter for parameter in method.parameters() if parameter.requires_grad}
    assert all((parameter.grad is not None) is (parameter in grouped) for parameter in method.parameters())
    torch.testing.assert_close(method.embed(clips).norm(dim=1), torch.ones(6))
    with pytest.raises(SkeltextError, match="method jpose cannot be built with part=0"):
        build_method(ModelConfig(**(vars(config) | {"method_options": {"part": 0}})))


def test_no_text_of_one_kind_alone_decides() -> None:
    method, texts = built(), F.normalize(torch.randn(3, 2, 12), dim=2)
    anchors = method.anchors(texts)
    assert anchors.shape == (3, 50)
    assert not torch.allclose(anchors, method.anchors(texts.flip(1)))
    torch.testing.assert_close(method.anchors(7 * texts), anchors)


def test_weights_are_all_it_needs(tmp_path: Path) -> None:
    method, other = built(), built(margin=0.5)
    train(method, toy().seen_batch(), steps=2, rate=0.01)
    torch.save(method.state_dict(), tmp_path / "weights.pt")
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    features, texts = torch.rand(3, 16), torch.randn(4, 2, 12)
    assert torch.equal(*(each.scores(each.embed_features(features), texts) for each in (method, other)))
    assert other.score_scale == 2.0


def test_it_learns_and_recognises_pairs_it_was_not_shown() -> None:
    whole, method = toy(), built()
    before, after = train(method, whole.seen_batch(), steps=60, rate=0.01)
    assert after < 0.6 * before
    assert whole.unseen_accuracy(method) > 0.6
