"""FEAT by hand: attention over a set of prototypes, and the centres that training adds."""

from __future__ import annotations

import pytest
import torch
from given_features import WIDTH, Given

from skeltext.encoders.st_gcn import STGCN
from skeltext.methods.episodic import Episode, class_means
from skeltext.methods.one_shot.feat import FEAT, SetAttention
from skeltext.skeletons.layouts import KINECT20
from skeltext.training.optimizer import optimizer_named, set_rate

pytestmark = pytest.mark.usefixtures("one_thread")


def test_set_attention_by_hand() -> None:
    torch.manual_seed(0)
    attention = SetAttention(4).eval()
    members = torch.randn(3, 4)
    q, k, v = (members @ part.weight.T for part in (attention.query, attention.key, attention.value))
    rows = []
    for i in range(3):
        weights = torch.stack([(q[i] @ k[j] / 2).exp() for j in range(3)])  # sqrt(4) = 2
        mixed = sum(weights[j] / weights.sum() * v[j] for j in range(3))
        summed = members[i] + attention.output.weight @ mixed + attention.output.bias
        rows.append((summed - summed.mean()) / (summed.var(correction=0) + 1e-5).sqrt())
    torch.testing.assert_close(attention(members), torch.stack(rows))
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(attention(members[order]), attention(members)[order])  # a set has no order


def test_feat_adapts_the_prototypes_of_a_set_to_each_other() -> None:
    method = FEAT(encoder=Given(), temperature=4.0).eval()
    support, labels = torch.randn(6, WIDTH), torch.arange(6) % 3
    adapted = method.represent(support, labels, ways=3)
    torch.testing.assert_close(adapted, method.attention(class_means(support, labels, ways=3)))
    alone = method.represent(support[labels == 0], labels[labels == 0], ways=1)
    assert not torch.allclose(adapted[:1], alone)  # other classes are looked at
    assert method.score_scale == 0.25
    queries = torch.randn(2, WIDTH)
    torch.testing.assert_close(method.compare(queries, adapted), -torch.cdist(queries, adapted).square())


def test_the_penalty_of_feat_by_hand() -> None:
    method = FEAT(encoder=Given(), centre_temperature=16.0, balance=0.5).eval()
    support, queries = torch.randn(2, WIDTH), torch.randn(4, WIDTH)
    labels = torch.tensor([1, 0])
    episode = Episode(
        support=support, support_labels=labels, queries=queries, query_labels=labels.repeat_interleave(2), ways=2
    )
    sets = [torch.stack([support[i], queries[2 * i], queries[2 * i + 1]]) for i in range(2)]
    centres = torch.stack([method.attention(own).mean(dim=0) for own in sets])
    total = 0.0
    for i, own in enumerate(sets):
        for clip in own:
            logits = torch.stack([-(clip - centre).square().sum() / 16 for centre in centres])
            total = total - logits.log_softmax(dim=0)[i]
    torch.testing.assert_close(method.penalty(episode, support), 0.5 * total / 6)


def test_the_attention_of_feat_learns_faster_than_its_encoder() -> None:
    method = FEAT(encoder=STGCN(layout=KINECT20, hidden=4, features=WIDTH))
    optimizer = optimizer_named("sgd", method, momentum=0.9, weight_decay=5e-4)
    set_rate(optimizer, 0.0002)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.0002, 0.002])
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(method.parameters()))
    method.freeze_encoder()
    (group,) = method.parameter_groups()
    assert group.scale == 10.0
