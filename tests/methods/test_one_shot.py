"""What all one-shot methods promise: they learn from episodes, and know a class by its examples alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from given_features import WIDTH, Given
from torch import Tensor, nn

from skeltext.errors import SkeltextError
from skeltext.methods import episodic as episodic_module
from skeltext.methods.building import build_method
from skeltext.methods.episodic import Episodic
from skeltext.methods.method import Batch
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.one_shot.proto_net import ProtoNet
from skeltext.methods.registry import METHODS

ONE_SHOT = [name for name, method in METHODS.items() if issubclass(method, Episodic)]
WITH_A_HEAD = ["feat", "dmf", "mc_scale"]
CLASSES = 7
pytestmark = pytest.mark.usefixtures("one_thread")


def built(method: str, **options: Any) -> Episodic:
    """A method with a narrow encoder."""
    torch.manual_seed(0)
    found = build_method(
        ModelConfig(
            method=method,
            encoder="st_gcn",
            layout="kinect20",
            text_width=8,
            classes=CLASSES,
            method_options=options,
            encoder_options={"hidden": 4, "features": WIDTH},
        )
    )
    assert isinstance(found, Episodic)
    return found


def clips_of(count: int) -> Tensor:
    return torch.randn(count, 3, 12, 20, 1, generator=torch.Generator().manual_seed(1))


def batch_of(*, ways: int = 3, shots: int = 1, queries: int = 2, **given: Tensor) -> Batch:
    """An episode of the classes 6, 4, 2, ... of clips at random."""
    classes = 6 - 2 * torch.arange(ways)
    labels = torch.cat([classes.repeat_interleave(shots), classes.repeat_interleave(queries)])
    if not given:
        given = {"clips": clips_of(len(labels))}
    return Batch(labels=labels, texts=torch.zeros(CLASSES, 8), ways=ways, shots=shots, **given)


def test_the_methods_are_these() -> None:
    assert sorted(ONE_SHOT) == ["dmf", "dsn", "feat", "mc_scale", "proto_net"]


def test_a_prototype_is_the_mean_of_the_examples_and_a_score_minus_the_squared_distance() -> None:
    method = ProtoNet(encoder=Given())
    support = torch.tensor([[1.0, 0.0], [5.0, 5.0], [3.0, 2.0]])
    scores = method.support_scores(torch.tensor([[2.0, 4.0]]), support, torch.tensor([1, 0, 1]), classes=2)
    assert scores.tolist() == [[-(9.0 + 1.0), -9.0]]  # to (5, 5) and to (2, 1)


def test_the_loss_of_an_episode_by_hand() -> None:
    method = ProtoNet(encoder=Given())
    features = torch.tensor([[0.0], [1.0], [0.25], [3.0]])
    losses = method.training_loss(
        Batch(features=features, labels=torch.tensor([5, 2, 5, 2]), texts=torch.zeros(6, 1), ways=2)
    )
    rows = [(0.25**2, 0.75**2), (2.0**2, 3.0**2)]  # squared distances to the right and to the wrong prototype
    wanted = sum(right + math.log(math.exp(-right) + math.exp(-wrong)) for right, wrong in rows) / 2
    assert losses["loss"].item() == pytest.approx(wanted, rel=1e-6)
    assert losses["accuracy"].item() == 1.0


@pytest.mark.parametrize("name", ONE_SHOT)
@pytest.mark.parametrize("shots", [1, 2])
def test_gradients_reach_every_weight(name: str, shots: int) -> None:
    method = built(name).train()
    loss = method.training_loss(batch_of(shots=shots))["loss"]
    loss.backward()
    assert loss.isfinite()
    without = [key for key, parameter in method.named_parameters() if parameter.grad is None]
    assert not without
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())


@pytest.mark.parametrize("name", ONE_SHOT)
def test_a_class_without_an_example_is_never_recognised(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method = built(name).eval()
    with torch.inference_mode():
        embedded, support = method.embed(clips_of(5)), method.embed(clips_of(8)[5:])
        labels = torch.tensor([3, 1, 3])
        scores = method.support_scores(embedded, support, labels, classes=5)
        assert scores.shape == (5, 5)
        assert set(scores.argmax(dim=1).tolist()) <= {1, 3}
        own = method.support_scores(embedded, support, torch.tensor([1, 0, 1]), classes=2)
        assert torch.equal(scores[:, [1, 3]], own)
        monkeypatch.setattr(episodic_module, "QUERIES", 2)  # clips are compared in parts
        torch.testing.assert_close(method.support_scores(embedded, support, labels, classes=5), scores)


@pytest.mark.parametrize("name", ["proto_net", "dsn"])
def test_the_example_of_a_class_belongs_to_it(name: str) -> None:
    method = built(name).eval()
    with torch.inference_mode():
        embedded = method.embed(clips_of(4))
        scores = method.support_scores(embedded, embedded, torch.arange(4), classes=4)
    assert scores.argmax(dim=1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ONE_SHOT)
def test_weights_come_back(name: str) -> None:
    method, other = built(name).eval(), built(name).eval()
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    other.load_state_dict(method.state_dict())
    with torch.inference_mode():
        found = [m.support_scores(m.embed(clips_of(4)), m.embed(clips_of(2)), torch.arange(2), classes=2)
                 for m in (method, other)]  # fmt: skip
    assert torch.equal(*found)


@pytest.mark.parametrize("name", ONE_SHOT)
def test_an_ordinary_batch_and_a_text_are_one_sentence_each(name: str) -> None:
    method = built(name)
    with pytest.raises(SkeltextError, match=r"learns from episodes, .* --ways"):
        method.training_loss(Batch(clips=clips_of(4), labels=torch.arange(4), texts=torch.zeros(4, 8)))
    with pytest.raises(SkeltextError, match="has learnt from no text; evaluate it on a one-shot split"):
        method.scores(torch.zeros(2, WIDTH), torch.zeros(3, 8))
    assert method.anchors(torch.zeros(3, 8)) is None


@pytest.mark.parametrize("name", ONE_SHOT)
def test_a_frozen_encoder_leaves_the_head_to_learn(name: str) -> None:
    method = built(name)
    if name not in WITH_A_HEAD:
        with pytest.raises(SkeltextError, match="nothing but the encoder, which is frozen here; add --finetune"):
            method.freeze_encoder()
        return
    method.freeze_encoder()
    method.eval()
    on_clips = batch_of()
    assert on_clips.clips is not None
    on_features = batch_of(features=method.features(on_clips.clips))
    first, second = method.training_loss(on_clips), method.training_loss(on_features)
    assert first["loss"] == second["loss"]
    second["loss"].backward()
    assert all((p.grad is None) is key.startswith("encoder.") for key, p in method.named_parameters())


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("feat", {"temperature": 0}),
        ("feat", {"balance": -1}),
        ("dsn", {"dimensions": 0}),
        ("dsn", {"discrimination": -0.1}),
        ("dmf", {"channels": 30}),
        ("dmf", {"steps": 0}),
        ("mc_scale", {"channels": 0}),
        ("proto_net", {"classes": 3}),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(method: str, options: dict[str, Any]) -> None:
    with pytest.raises(SkeltextError, match=rf"method {method} (cannot be built with|has no option)"):
        built(method, **options)


def features_of(name: str) -> Callable[[Tensor], Tensor]:
    """From the direction of a class (N, D) to features in the form that a method takes them in."""
    if name in ("proto_net", "feat"):
        return lambda x: x
    if name == "dsn":
        return lambda x: x.unsqueeze(1) + 0.1 * torch.randn(len(x), 5, x.shape[1])
    if name == "dmf":
        return lambda x: x[:, None, None] + 0.1 * torch.randn(len(x), 3, 4, x.shape[1])
    return lambda x: x.unsqueeze(1) + 0.1 * torch.randn(len(x), 20 + 5 + 1 + 5 + 4, x.shape[1])


@pytest.mark.parametrize("name", ONE_SHOT)
def test_episodes_teach_what_tells_other_classes_apart(name: str) -> None:
    """Half of the dimensions are noise that drowns the classes, until it is learnt to look at the others."""
    torch.manual_seed(0)
    encoder = nn.Linear(WIDTH, WIDTH, bias=False)
    nn.init.eye_(encoder.weight)
    shape = features_of(name)
    options: dict[str, dict[str, Any]] = {"feat": {"temperature": 1.0}, "dmf": {"channels": 4, "groups": 2}}
    method = built(name, **options.get(name, {}))
    method.encoder = encoder
    method.features = lambda clips: shape(method.encoder(clips))  # type: ignore[method-assign]
    directions = torch.zeros(16, WIDTH)
    directions[:, :3] = F.normalize(torch.randn(16, 3), dim=1)

    def drawn(classes: Tensor, per_class: int) -> Tensor:
        noise = torch.randn(len(classes) * per_class, WIDTH) * torch.tensor([0.1] * 3 + [0.7] * 3)
        return directions[classes].repeat_interleave(per_class, dim=0) + noise

    def share_right() -> float:
        torch.manual_seed(1)
        method.eval()
        new = torch.arange(8, 16)  # that are not in any episode
        with torch.inference_mode():
            examples, tests = (method.embed(drawn(new, count)) for count in (1, 20))
            scores = method.support_scores(tests, examples, torch.arange(8), classes=8)
        return (scores.argmax(dim=1) == torch.arange(8).repeat_interleave(20)).float().mean().item()

    before, losses = share_right(), []
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(method.parameters(), lr=0.03)
    method.train()
    for _ in range(25):
        classes = torch.randperm(7)[:4]
        clips = torch.cat([drawn(classes, 1), drawn(classes, 3)])
        labels = torch.cat([classes, classes.repeat_interleave(3)])
        optimizer.zero_grad()
        loss = method.training_loss(Batch(clips=clips, labels=labels, texts=torch.zeros(7, 8), ways=4))["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    after = share_right()
    assert sum(losses[-8:]) < sum(losses[:8])
    assert after > max(before, 2 / 8)
