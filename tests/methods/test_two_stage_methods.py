"""The methods that learn on a frozen encoder: their losses by hand, and the contract that lets features be kept."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.method import Batch, Method
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.momentum_contrast import MomentumContrast
from skeltext.methods.registry import METHODS
from skeltext.methods.zero_shot import relation_net as relation_net_module
from skeltext.methods.zero_shot.devise import DeViSE, hinge_rank_loss
from skeltext.methods.zero_shot.relation_net import RelationNet, relation_loss

CLASSES, WIDTH = 4, 8
ON_FEATURES = [
    name for name, method in METHODS.items() if not method.closed_form and not issubclass(method, MomentumContrast)
]
pytestmark = pytest.mark.usefixtures("one_thread")


def built(method: str, **options: Any) -> Method:
    """A method with a narrow encoder."""
    torch.manual_seed(0)
    return build_method(
        ModelConfig(
            method=method,
            encoder="st_gcn",
            layout="kinect20",
            text_width=WIDTH,
            classes=CLASSES,
            method_options=options,
            encoder_options={"hidden": 4, "features": 6},
        )
    )


def clips_of(count: int) -> Tensor:
    return torch.randn(count, 3, 12, 20, 1, generator=torch.Generator().manual_seed(1))


def texts_of(count: int) -> Tensor:
    return torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(2))


def test_the_hinge_rank_loss_by_hand() -> None:
    scores = torch.tensor([[0.50, 0.45, 0.10], [0.20, 0.90, 0.85]])
    labels = torch.tensor([0, 2])
    # clip 0: 0.1 - 0.50 + 0.45 = 0.05 and nothing; clip 1: nothing and 0.1 - 0.85 + 0.90 = 0.15
    assert hinge_rank_loss(scores, labels, margin=0.1).item() == pytest.approx((0.05 + 0.15) / 2)
    assert hinge_rank_loss(scores, torch.tensor([0, 1]), margin=0.04).item() == pytest.approx(0.0, abs=1e-7)


def test_the_hinge_rank_loss_draws_at_the_true_class_once_for_every_rival() -> None:
    scores = torch.tensor([[0.50, 0.45, 0.41, 0.10]], requires_grad=True)
    hinge_rank_loss(scores, torch.tensor([0]), margin=0.1).backward()
    assert scores.grad is not None
    assert scores.grad.tolist() == [[-2.0, 1.0, 1.0, 0.0]]


def test_the_relation_loss_by_hand() -> None:
    relations = torch.tensor([[0.9, 0.3], [0.5, 0.6]])
    wanted = (0.1**2 + 0.3**2 + 0.5**2 + 0.4**2) / 4
    assert relation_loss(relations, torch.tensor([0, 1])).item() == pytest.approx(wanted)


def test_a_relation_is_that_of_the_pair_written_side_by_side() -> None:
    method = built("relation_net", hidden=5)
    assert isinstance(method, RelationNet)
    features, texts = torch.rand(3, 6), texts_of(CLASSES)
    anchors = method.anchors(texts)
    assert anchors.shape == (CLASSES, 6)
    assert (anchors >= 0).all()
    first, judge = method.relation.first, method.relation.rest[1]
    for n in range(3):
        for k in range(CLASSES):
            pair = torch.cat([features[n], anchors[k]])
            hidden = (first.weight @ pair + first.bias).relu()
            wanted = judge.weight @ hidden + judge.bias
            torch.testing.assert_close(method.scores(features, texts)[n, k], wanted[0])


def test_many_clips_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    method, features, texts = built("relation_net"), torch.rand(7, 6), texts_of(CLASSES)
    whole = method.scores(features, texts)
    monkeypatch.setattr(relation_net_module, "CLIPS", 3)
    torch.testing.assert_close(method.scores(features, texts), whole)


def test_the_cross_entropy_of_a_classifier_by_hand() -> None:
    method = built("classifier")
    with torch.no_grad():
        method.head.weight.zero_()
        method.head.bias.copy_(torch.tensor([2.0, 1.0, 0.0, 0.0]))
    batch = Batch(features=torch.rand(2, 6), labels=torch.tensor([0, 1]), texts=texts_of(CLASSES))
    losses = method.training_loss(batch)
    total = math.log(math.exp(2) + math.exp(1) + 2)
    assert losses["loss"].item() == pytest.approx((total - 2 + total - 1) / 2, rel=1e-6)
    assert losses["accuracy"].item() == 0.5


def test_a_classifier_is_no_recogniser() -> None:
    with pytest.raises(SkeltextError, match=r"it is a first stage, whose encoder .* --pretrained RUN"):
        built("classifier").eval().embed(clips_of(2))
    with pytest.raises(SkeltextError, match=r"method classifier cannot be built .* 1 classes, expected at least two"):
        build_method(ModelConfig(method="classifier", encoder="st_gcn", layout="kinect20", text_width=4, classes=1))


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        ("devise", {"margin": 0}, "method devise cannot be built with margin=0"),
        ("devise", {"hidden": -1}, "method devise cannot be built with hidden=-1"),
        ("devise", {"classes": 3}, "method devise has no option 'classes'; it has margin, hidden"),
        ("relation_net", {"hidden": 0}, "method relation_net cannot be built with hidden=0"),
        ("classifier", {"classes": 3}, "method classifier has no option 'classes'; it has none"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(method: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        built(method, **options)


def test_a_hidden_layer_is_an_option_of_devise() -> None:
    method = built("devise", hidden=10, margin=0.2)
    assert isinstance(method, DeViSE)
    assert [tuple(p.shape) for p in method.head.parameters()] == [(10, 6), (10,), (WIDTH, 10), (WIDTH,)]
    assert method.score_scale == 5.0
    assert method.embed(clips_of(2)).shape == (2, WIDTH)


def episode_for(method: Method) -> dict[str, Any]:
    """Two clips of every class, which make a batch or an episode, with texts of as many kinds as a method reads."""
    kinds = len(method.text_kinds)
    texts = texts_of(CLASSES * kinds).view(CLASSES, kinds, WIDTH) if kinds else texts_of(CLASSES)
    return {"labels": torch.arange(2 * CLASSES) % CLASSES, "texts": texts, "ways": CLASSES}


def loss_of(method: Method, batch: Batch) -> Tensor:
    """The loss with the same draws every time."""
    torch.manual_seed(0)
    return method.training_loss(batch)["loss"]


def has_a_head(method: Method) -> bool:
    """Whether there is anything to train beside the encoder."""
    return any(not name.startswith("encoder.") for name, _ in method.named_parameters())


@pytest.mark.parametrize("name", [name for name in ON_FEATURES if has_a_head(built(name))])
def test_features_stand_for_clips(name: str) -> None:
    method = built(name, **({"temporal": False} if name == "smie" else {}))  # it shortens clips at random otherwise
    method.freeze_encoder()
    method.train()
    clips, rest = clips_of(2 * CLASSES), episode_for(method)
    on_clips = loss_of(method, Batch(clips=clips, **rest))
    on_features = loss_of(method, Batch(features=method.training_features(clips), **rest))
    torch.testing.assert_close(on_clips, on_features, rtol=0, atol=0)
    with pytest.raises(ValueError, match="neither clips nor features"):
        method.training_loss(Batch(**rest))


@pytest.mark.parametrize("name", ON_FEATURES)
def test_a_frozen_encoder_stays_what_it_is(name: str) -> None:
    for frozen in (True, False):
        method = built(name)
        heads = [p for key, p in method.named_parameters() if not key.startswith("encoder.")]
        if frozen and not has_a_head(method):
            continue
        if frozen:
            method.freeze_encoder()
        method.train()
        before = {key: tensor.clone() for key, tensor in method.encoder.state_dict().items()}
        loss_of(method, Batch(clips=clips_of(2 * CLASSES), **episode_for(method))).backward()
        after = method.encoder.state_dict()
        assert all(torch.equal(before[key], after[key]) for key in before) is frozen  # statistics move otherwise
        assert all((parameter.grad is None) is frozen for parameter in method.encoder.parameters())
        assert method.encoder.training is not frozen
        assert all(parameter.grad is not None for parameter in heads)


@pytest.mark.parametrize("name", ["devise", "relation_net", "pgfa"])
def test_a_head_learns_classes_that_differ(name: str) -> None:
    method = built(name)
    method.freeze_encoder()
    generator = torch.Generator().manual_seed(3)
    labels = torch.arange(40) % CLASSES
    features = torch.eye(6)[labels] * 2 + 0.1 * torch.randn(40, 6, generator=generator)
    texts = torch.nn.functional.normalize(texts_of(CLASSES), dim=1)
    optimizer = torch.optim.Adam([p for p in method.parameters() if p.requires_grad], lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        method.training_loss(Batch(features=features, labels=labels, texts=texts))["loss"].backward()
        optimizer.step()
    with torch.no_grad():
        found = method.scores(method.embed_features(features), texts).argmax(dim=1)
    assert torch.equal(found, labels)
