"""DMF's dynamic alignment by hand: sampling by interpolation, a filter per position, and the flow they drive."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from given_features import Given
from torch import Tensor

from skeltext.methods.meta_filter import MetaFilter, dynamic_filtering, runge_kutta, sampled_neighbourhoods
from skeltext.methods.method import Batch
from skeltext.methods.one_shot.dmf import DMF, FRAMES, SCALE

pytestmark = pytest.mark.usefixtures("one_thread")
C, T, V = 4, 3, 5


def maps_of(count: int, *, seed: int = 0) -> Tensor:
    return torch.randn(count, C, T, V, generator=torch.Generator().manual_seed(seed))


def interpolated(plane: Tensor, frame: float, joint: float) -> float:
    """The value of a plane (T, V) between its points, zero beyond them."""
    total = 0.0
    for t in range(plane.shape[0]):
        for v in range(plane.shape[1]):
            near = max(0.0, 1 - abs(frame - t)) * max(0.0, 1 - abs(joint - v))
            total += near * plane[t, v].item()
    return total


def test_the_flow_is_followed_to_fourth_order() -> None:
    errors = [abs(runge_kutta(lambda y: -2 * y, torch.ones((), dtype=torch.float64), steps=n).item() - math.exp(-2))
              for n in (4, 8)]  # fmt: skip
    assert errors[0] / errors[1] == pytest.approx(2**4, rel=0.3)


def test_neighbourhoods_are_sampled_at_their_offsets() -> None:
    maps = maps_of(2)
    offsets = torch.randn(2, 9, 2, T, V, generator=torch.Generator().manual_seed(1))
    found = sampled_neighbourhoods(maps, offsets)
    assert found.shape == (2, C, 9, T, V)
    for b, c, tap, t, v in [(0, 1, 0, 1, 2), (1, 3, 4, 2, 4), (1, 0, 5, 0, 0), (0, 2, 8, 1, 3)]:
        frame = t + tap // 3 - 1 + offsets[b, tap, 0, t, v].item()
        joint = v + tap % 3 - 1 + offsets[b, tap, 1, t, v].item()
        assert found[b, c, tap, t, v].item() == pytest.approx(interpolated(maps[b, c], frame, joint), abs=1e-5)


def test_without_offsets_a_neighbourhood_is_the_one_around_it() -> None:
    maps = maps_of(2)
    found = sampled_neighbourhoods(maps, torch.zeros(2, 9, 2, T, V))
    torch.testing.assert_close(found, F.unfold(maps, 3, padding=1).view(2, C, 9, T, V))


def test_every_position_has_a_filter_of_its_own_and_groups_share_it() -> None:
    maps = maps_of(2)
    filters = torch.rand(2, 2, 9, T, V, generator=torch.Generator().manual_seed(1))
    found = dynamic_filtering(maps, filters)
    around = F.unfold(maps, 3, padding=1).view(2, C, 9, T, V)
    wanted = (around * filters.repeat_interleave(2, dim=1)).sum(dim=2) / 9  # channels 0 and 1, then 2 and 3
    torch.testing.assert_close(found, wanted)


def test_the_flow_of_a_query_depends_on_the_support() -> None:
    torch.manual_seed(0)
    align = MetaFilter(C, groups=2, dilation=2, steps=2)
    queries, support = maps_of(3), maps_of(3, seed=1)
    velocity = align.flow(queries, support)
    around = F.unfold(support, 3, padding=1).view(3, C * 9, T, V)  # offsets are zero before any training
    filters = align.filters(around).sigmoid().view(3, 2, 9, T, V)
    torch.testing.assert_close(velocity, dynamic_filtering(queries, filters))
    assert not torch.allclose(velocity, align.flow(queries, maps_of(3, seed=2)))
    torch.testing.assert_close(align(queries, support)[:1], align(queries[:1], support[:1]))
    fine = MetaFilter(C, groups=2, dilation=2, steps=16)
    fine.load_state_dict(align.state_dict())
    torch.testing.assert_close(align(queries, support), fine(queries, support), rtol=1e-3, atol=1e-3)


def built() -> DMF:
    torch.manual_seed(0)
    return DMF(encoder=Given(), classes=7, channels=C, groups=2)


def test_a_map_has_six_stretches_of_time() -> None:
    nodes = torch.randn(2, 2 * FRAMES, V, 6)
    features = built().features(nodes)
    torch.testing.assert_close(features, nodes.view(2, FRAMES, 2, V, 6).mean(dim=2))
    assert built().features(nodes[:, :4]).shape == (2, FRAMES, V, 6)  # a short clip has as many


def test_a_score_is_the_mean_cosine_of_aligned_positions_to_the_class_as_a_whole() -> None:
    method = built()
    queries, classes = maps_of(2), maps_of(3, seed=1)
    scores = method.compare(queries, classes)
    assert scores.shape == (2, 3)
    for q in range(2):
        for w in range(3):
            aligned = method.align(queries[q : q + 1], classes[w : w + 1])[0]
            whole = classes[w].mean(dim=(1, 2))
            cosines = [F.cosine_similarity(aligned[:, t, v], whole, dim=0) for t in range(T) for v in range(V)]
            torch.testing.assert_close(scores[q, w], torch.stack(cosines).mean())


def test_the_loss_is_taken_at_every_position_over_both_kinds_of_classes() -> None:
    method = built()
    labels = torch.tensor([5, 2, 5, 2])
    batch = Batch(features=torch.randn(4, T, V, 6), labels=labels, texts=torch.zeros(7, 3), ways=2)
    losses = method.training_loss(batch)
    episode = method.episode(batch)
    assert episode.query_labels.tolist() == [0, 1]
    scores = method.local_scores(episode.queries, episode.support)
    logits = method.classifier(episode.queries)
    local = overall = 0.0
    for t in range(T):
        for v in range(V):
            local += F.cross_entropy(SCALE * scores[:, :, t, v], episode.query_labels).item()
            overall += F.cross_entropy(logits[:, :, t, v], labels[2:]).item()
    assert losses["local"].item() == pytest.approx(local / (T * V), rel=1e-5)
    assert losses["overall"].item() == pytest.approx(overall / (T * V), rel=1e-5)
    assert losses["loss"].item() == pytest.approx((local + overall) / (T * V), rel=1e-5)
