"""M&C-scale: sets of a clip at every scale, and their matching by optimal transport against an exact solver."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from given_features import Given
from scipy.optimize import linprog
from torch import Tensor

from skeltext.methods import optimal_transport
from skeltext.methods.body_parts import body_parts, part_means
from skeltext.methods.one_shot.mc_scale import SEGMENTS, MCScale
from skeltext.methods.optimal_transport import cross_reference_weights, matching_scores, transport_plan
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import KINECT20, LAYOUTS

pytestmark = pytest.mark.usefixtures("one_thread")
V, FRAMES = 20, 8


def built(**options: bool) -> MCScale:
    torch.manual_seed(0)
    return MCScale(encoder=Given(), layout=KINECT20, channels=4, **options)


def weights(*shape: int, seed: int) -> Tensor:
    drawn = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.2
    return drawn / drawn.sum(dim=-1, keepdim=True)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_every_layout_has_five_parts_that_share_no_joint(layout: Layout) -> None:
    parts = body_parts(layout)
    assert sorted(parts) == ["left arm", "left leg", "right arm", "right leg", "torso"]
    assert sorted(joint for joints in parts.values() for joint in joints) == list(range(layout.V))
    for limb in ("arm", "leg"):
        assert sorted(layout.mirror[joint] for joint in parts[f"left {limb}"]) == parts[f"right {limb}"]
    assert layout.joints[parts["left leg"][0]].startswith("left_")
    torch.testing.assert_close(part_means(layout).sum(dim=1), torch.ones(5))


def test_the_joints_of_the_parts_by_name() -> None:
    names = {part: [KINECT20.joints[joint] for joint in joints] for part, joints in body_parts(KINECT20).items()}
    assert names["torso"] == ["pelvis", "spine", "spine_shoulder", "head"]
    assert names["right arm"] == ["right_shoulder", "right_elbow", "right_wrist", "right_hand"]
    assert names["left leg"] == ["left_hip", "left_knee", "left_ankle", "left_foot"]


def test_a_plan_moves_what_it_is_told_to_at_nearly_the_least_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = torch.rand(2, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows, columns = weights(2, 4, seed=1), weights(2, 5, seed=2)
    plan = transport_plan(cost, rows, columns)
    torch.testing.assert_close(plan.sum(dim=-2), columns)
    torch.testing.assert_close(plan.sum(dim=-1), rows, atol=2e-3, rtol=0)
    assert (plan >= 0).all()
    monkeypatch.setattr(optimal_transport, "SMOOTHNESS", 0.005)
    monkeypatch.setattr(optimal_transport, "ROUNDS", 3000)
    sharp = transport_plan(cost, rows, columns)
    for b in range(2):
        sums = [np.kron(np.eye(4), np.ones(5)), np.kron(np.ones(4), np.eye(5))]
        exact = linprog(
            cost[b].flatten().numpy(), A_eq=np.vstack(sums), b_eq=np.concatenate([rows[b].numpy(), columns[b].numpy()])
        )
        assert (sharp[b] * cost[b]).sum().item() == pytest.approx(exact.fun, abs=5e-3)
        assert (plan[b] * cost[b]).sum() >= exact.fun - 1e-3


def test_one_member_leaves_no_choice() -> None:
    rows, columns = torch.ones(1), torch.tensor([0.2, 0.5, 0.3])
    cost = torch.tensor([[0.1, 0.9, 0.4]])
    assert transport_plan(cost, rows, columns).tolist() == [columns.tolist()]
    assert transport_plan(cost.T, columns, rows).squeeze(1).tolist() == columns.tolist()


def test_a_member_weighs_what_it_has_in_common_with_the_other_set() -> None:
    own = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    other = torch.tensor([[1.0, 0.0], [0.6, 0.8]])  # mean (0.8, 0.4)
    raw = torch.tensor([0.801, 0.401, 0.001])
    torch.testing.assert_close(cross_reference_weights(own, other), raw / raw.sum())


def test_sets_match_whatever_the_order_of_their_members() -> None:
    queries, classes = torch.randn(3, 4, 6), torch.randn(2, 5, 6)
    scores = matching_scores(queries, classes)
    assert scores.shape == (3, 2)
    order = torch.tensor([3, 0, 2, 1])
    torch.testing.assert_close(matching_scores(queries[:, order], classes), scores)
    one = matching_scores(queries[1:2], classes[1:])
    torch.testing.assert_close(scores[1:2, 1:], one)
    a, b = F.normalize(queries[1], dim=1), F.normalize(classes[1], dim=1)
    plan = transport_plan(1 - a @ b.T, cross_reference_weights(a, b), cross_reference_weights(b, a))
    torch.testing.assert_close(one.squeeze(), (plan * (a @ b.T)).sum())


def test_a_clip_becomes_sets_at_three_scales_of_space_and_time() -> None:
    method, nodes = built(), torch.randn(2, FRAMES, V, 6)
    features = method.features(nodes)
    assert features.shape == (2, V + 5 + 1 + FRAMES + SEGMENTS, 6)
    (joints, parts, whole), (frames, segments, again) = method.sets(features)
    torch.testing.assert_close(joints, nodes.mean(dim=1))
    arm = body_parts(KINECT20)["left arm"]
    torch.testing.assert_close(
        parts[:, list(body_parts(KINECT20)).index("left arm")], nodes[:, :, arm].mean(dim=(1, 2))
    )
    torch.testing.assert_close(whole, nodes.mean(dim=(1, 2)).unsqueeze(1))
    torch.testing.assert_close(frames, nodes.mean(dim=2))
    torch.testing.assert_close(segments[:, 1], nodes[:, 2:4].mean(dim=(1, 2)))
    assert again is whole
    assert method.embed_features(features).shape == (2, V + 5 + 1 + FRAMES + SEGMENTS, 4)


def test_scores_add_what_matches_at_equal_scales_and_across_them() -> None:
    with_cross, without = built(), built(cross=False)
    queries, classes = (with_cross.embed_features(with_cross.features(torch.randn(n, FRAMES, V, 6))) for n in (3, 2))
    same, across = [], []
    for own, others in zip(with_cross.sets(queries), with_cross.sets(classes), strict=True):
        for i, a in enumerate(own):
            for j, b in enumerate(others):
                (same if i == j else across).append(matching_scores(a, b))
    assert (len(same), len(across)) == (2 * 3, 2 * 6)
    plain = sum(same) / 6
    torch.testing.assert_close(without.compare(queries, classes), plain)
    torch.testing.assert_close(with_cross.compare(queries, classes), plain + sum(across) / 12)


def test_a_matching_has_a_gradient_everywhere() -> None:
    queries = torch.randn(2, 4, 6, requires_grad=True)
    matching_scores(queries, torch.zeros(1, 3, 6)).sum().backward()  # an absent body is zero throughout
    assert queries.grad is not None
    assert queries.grad.isfinite().all()
