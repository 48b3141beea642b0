"""PURLS: parity with the released code, its formulas by hand, and scores that ask with the texts of every class."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from golden_heads import PlainFeatures, golden_numbers, weights_of
from torch import Tensor
from torch.nn.functional import normalize

from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.method import Batch
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.zero_shot import purls as purls_module
from skeltext.methods.zero_shot.purls import PURLS, attention_weights, part_losses
from skeltext.texts.descriptions import class_texts

PARTS, TEXT, WIDTH, JOINTS = 8, 12, 6, 20
NAMES = {  # of the released code -> ours
    "tmps": "temperatures",
    "d": "mixing",
    "attention.linear_q.": "query.",
    "attention.linear_k.": "key.",
    "skel_encoder.7.": "to_texts.",
    "skel_encoder.": "projection.",
}
MOVED = {"projection.5.": "projection.4."}  # an empty stack of hidden layers lies between there
pytestmark = pytest.mark.usefixtures("one_thread")


def built(**options: Any) -> PURLS:
    """The method with narrow widths."""
    torch.manual_seed(0)
    narrow = {"hidden": 32, "head_width": 8} | options
    method = build_method(
        ModelConfig(
            method="purls",
            encoder="st_gcn",
            layout="kinect20",
            text_width=TEXT,
            method_options=narrow,
            encoder_options={"hidden": 4, "features": WIDTH},
        )
    )
    assert isinstance(method, PURLS)
    return method


def clips_of(count: int) -> Tensor:
    return torch.randn(count, 3, 12, JOINTS, 1, generator=torch.Generator().manual_seed(1))


def texts_of(count: int) -> Tensor:
    return torch.randn(count, PARTS, TEXT, generator=torch.Generator().manual_seed(2))


def our_name(name: str) -> str:
    """The name of a published weight in this class."""
    for theirs, ours in (NAMES | MOVED).items():
        if name == theirs or (theirs.endswith(".") and name.startswith(theirs)):
            name = ours + name[len(theirs) :]
    return name


@pytest.mark.parametrize("variant", ["plain", "use_d"])
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_the_released_code(golden: Path, variant: str, mode: str) -> None:
    numbers = golden_numbers(golden / "purls" / f"{variant}.npz")
    options: dict[str, Any] = {"hidden": 14, "heads": 2, "head_width": 5, "dropout": 0.0, "mixing": variant == "use_d"}
    method = PURLS(encoder=PlainFeatures(12), text_width=10, **options)
    method.load_state_dict(weights_of(numbers, "state", named=our_name))
    method.train(mode == "train")
    nodes, labels = numbers["visual_nodes"], numbers["target_index"]
    texts = numbers["text_raw_class_part_dim"][numbers["class_ids"]]

    own = normalize(texts, dim=-1)[labels]
    flat, queries = nodes.flatten(1, 2), method.queries(own)
    gathered = method.gathered(flat, queries)
    np.testing.assert_allclose(gathered.detach(), numbers[f"{mode}/attended_8x12"], atol=1e-6)
    if mode == "eval":
        weights = attention_weights(queries, flat, scale=method.scale)
        np.testing.assert_allclose(weights.detach(), numbers["eval/attention_weights"], atol=1e-6)
        projected = method.projected(gathered, parts=PARTS)
        np.testing.assert_allclose(projected.detach(), numbers["eval/projected_8x10"], atol=1e-6)
        losses = part_losses(projected, own, method.temperatures)
        np.testing.assert_allclose(losses.detach(), numbers["eval/part_losses"], rtol=1e-5)
        asked_truly = (method.projected(gathered, parts=1) @ normalize(texts[:, -1], dim=-1).T).squeeze(1)  # their leak
        np.testing.assert_array_equal(asked_truly.argmax(dim=1), numbers["eval/pred_index"])

    loss = method.training_loss(Batch(features=nodes, labels=labels, texts=texts))["loss"]
    assert loss.item() == pytest.approx(float(numbers[f"{mode}/loss"]), rel=1e-5)
    if mode == "train":
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = {name: parameter.grad for name, parameter in method.named_parameters()}
        wanted = weights_of(numbers, "grad", named=our_name)
        assert wanted.keys() == gradients.keys()
        for name, gradient in gradients.items():
            assert gradient is not None
            assert (gradient - wanted[name]).norm() <= 1e-4 * wanted[name].norm() + 1e-6, name
        state = method.state_dict()
        for name, statistic in weights_of(numbers, "after", named=our_name).items():
            torch.testing.assert_close(state[name], statistic, rtol=1e-5, atol=1e-6)


def test_the_attention_at_full_width(golden: Path) -> None:
    arrays = np.load(golden / "purls" / "attention_full_width_formula_weights.npz")
    normals = np.random.RandomState(int(arrays["seed"]))
    shapes = ((300, 512), (300, 256))
    drawn = [(normals.standard_normal(shape) / math.sqrt(shape[1])).astype(np.float32) for shape in shapes]
    query, key = (torch.tensor(x * np.float32(arrays["scale_after"])) for x in drawn)
    sums = [x.double().sum().item() for x in (query, key)]
    np.testing.assert_allclose(sums, arrays["param_checksum_sum"], rtol=1e-9)
    nodes, texts = torch.tensor(arrays["visual_nodes"]), torch.tensor(arrays["queries_unit"])
    scale = 1 / (2 * math.sqrt(150))
    weights = attention_weights(texts @ query.T @ key, nodes, scale=scale)
    torch.testing.assert_close(attention_weights(texts @ query.T, nodes @ key.T, scale=scale), weights)
    np.testing.assert_allclose(weights, arrays["attention_weights"], atol=1e-6)
    np.testing.assert_allclose(weights @ nodes, arrays["attended"], atol=1e-6)


def test_the_loss_of_a_part_by_hand() -> None:
    clips = torch.tensor([[[1.0, 0.0]], [[0.5, 0.5]]])  # two clips, one part
    texts = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    # logits at temperature 2: clip 0 -> (2, 0), clip 1 -> (1, 1)
    rows = (math.log(1 + math.exp(-2)) + math.log(2)) / 2
    columns = (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-1))) / 2
    found = part_losses(clips, texts, torch.tensor([2.0]))
    assert found.tolist() == pytest.approx([rows + columns], rel=1e-6)


def test_features_are_segments_of_nodes() -> None:
    method, clips = built().eval(), clips_of(4)
    with torch.inference_mode():
        features = method.features(clips)
        nodes = method.encoder.nodes(clips)  # type: ignore[operator]
        assert nodes.shape == (4, 3, JOINTS, WIDTH)
        torch.testing.assert_close(features, nodes)
        longer = method.features(torch.cat([clips, clips], dim=2))
        assert longer.shape == features.shape == (4, 3, JOINTS, WIDTH)
        embedded = method.embed(clips)
        assert embedded.shape == (4, 3 * JOINTS * WIDTH)
        sizes = embedded.view(4, -1, WIDTH).norm(dim=-1)
        torch.testing.assert_close(sizes, torch.ones_like(sizes))
    assert method.anchors(texts_of(3)) is None


@pytest.mark.parametrize("all_parts", [False, True])
def test_every_class_asks_with_its_own_texts(all_parts: bool) -> None:
    method, texts = built(all_parts=all_parts).eval(), texts_of(3)
    with torch.inference_mode():
        embedded = method.embed(clips_of(4))
        found = method.scores(embedded, texts)
        for n in range(4):
            for k in range(3):
                own = normalize(texts[k], dim=-1)
                nodes = embedded[n].view(1, -1, WIDTH)
                clip = method.projected(method.gathered(nodes, method.queries(own)), parts=PARTS)[0]
                products = (clip * own).sum(dim=1)
                wanted = products.sum() if all_parts else products[-1]
                torch.testing.assert_close(found[n, k], wanted, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(method.scores(embedded, texts[1:]), found[:, 1:])  # whoever else is a candidate


def test_many_clips_and_classes_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    method, texts = built().eval(), texts_of(5)
    with torch.inference_mode():
        embedded = method.embed(clips_of(7))
        whole = method.scores(embedded, texts)
        for pairs in (10, 1):
            monkeypatch.setattr(purls_module, "PAIRS", pairs)
            torch.testing.assert_close(method.scores(embedded, texts), whole)


@pytest.mark.parametrize("frozen", [True, False])
def test_gradients_reach_what_is_trained(frozen: bool) -> None:
    method = built(mixing=True)
    if frozen:
        method.freeze_encoder()
    method.train()
    batch = Batch(clips=clips_of(6), labels=torch.arange(6) % 3, texts=texts_of(3))
    method.training_loss(batch)["loss"].backward()  # type: ignore[no-untyped-call]
    assert all((parameter.grad is None) is frozen for parameter in method.encoder.parameters())
    heads = [parameter for name, parameter in method.named_parameters() if not name.startswith("encoder.")]
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in heads)


def test_frozen_features_stand_for_clips() -> None:
    method = built(dropout=0.0)
    method.freeze_encoder()
    method.train()
    clips, labels, texts = clips_of(6), torch.arange(6) % 3, texts_of(3)
    on_clips = method.training_loss(Batch(clips=clips, labels=labels, texts=texts))
    on_features = method.training_loss(Batch(features=method.features(clips), labels=labels, texts=texts))
    assert on_clips == on_features


def test_the_weights_come_back() -> None:
    method, other = built().eval(), built(mixing=False).eval()
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(0.1)
        assert method.score_scale == pytest.approx(math.log(1 / 0.07) + 0.1)
        other.load_state_dict(method.state_dict())
        clips, texts = clips_of(3), texts_of(4)
        assert torch.equal(method.scores(method.embed(clips), texts), other.scores(other.embed(clips), texts))
    assert other.score_scale == method.score_scale


def test_it_learns_and_tells_classes_apart_that_it_was_not_shown() -> None:
    """Nodes of a class lie around what its texts say, seen through one map for all classes."""
    generator = torch.Generator().manual_seed(3)
    classes, seen, each = 24, 20, 12
    method = built(dropout=0.1)
    texts = torch.randn(classes, PARTS, TEXT, generator=generator) / 3
    texts += 2 * torch.randn(classes, 1, TEXT, generator=generator)
    towards = torch.randn(TEXT, WIDTH, generator=generator)
    labels = torch.arange(classes).repeat_interleave(each)
    means = (texts.mean(dim=1) @ towards)[labels].view(-1, 1, 1, WIDTH)
    features = means + torch.randn(len(labels), 3, JOINTS, WIDTH, generator=generator)
    shown = labels < seen
    optimizer = torch.optim.Adam(method.parameters(), lr=3e-3)
    batch = Batch(features=features[shown], labels=labels[shown], texts=texts[:seen])
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = method.training_loss(batch)["loss"]
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    method.eval()
    with torch.inference_mode():
        scores = method.scores(method.embed_features(features[~shown]), texts[seen:])
    right = (scores.argmax(dim=1) == labels[~shown] - seen).float().mean()
    assert right > 1.5 / (classes - seen)


def test_the_texts_it_reads_exist() -> None:
    for kind in PURLS.text_kinds:
        assert class_texts("utd-mhad", ["walking"], kind=kind)[0]


def test_options_that_do_not_fit_are_one_sentence() -> None:
    for options in ({"hidden": 0}, {"heads": 0}, {"head_width": 0}, {"dropout": 1.0}):
        with pytest.raises(SkeltextError, match=r"method purls cannot be built with .*expected positive widths"):
            built(**options)
