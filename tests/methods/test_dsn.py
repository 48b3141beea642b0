"""DSN by hand: the subspace that the frames of examples span, and what it leaves over of a query."""

from __future__ import annotations

import math

import pytest
import torch
from given_features import WIDTH, Given

from skeltext.methods.one_shot.dsn import DSN, affine_subspace, distances_to_subspaces, overlap

pytestmark = pytest.mark.usefixtures("one_thread")


def test_an_affine_subspace_holds_what_spreads_most() -> None:
    generator = torch.Generator().manual_seed(0)
    spread = torch.tensor([5.0, 2.0, 0.1, 0.01])
    axes = torch.linalg.qr(torch.randn(4, 4, generator=generator)).Q
    vectors = torch.randn(40, 4, generator=generator) * spread @ axes + 3
    subspace = affine_subspace(vectors, dimensions=2)
    mean, directions = subspace[0], subspace[1:]
    torch.testing.assert_close(mean, vectors.mean(dim=0))
    torch.testing.assert_close(directions @ directions.T, torch.eye(2), atol=1e-5, rtol=0)
    u = torch.linalg.svd((vectors - mean).T).U[:, :2]  # columns, as in the paper
    torch.testing.assert_close(directions.T @ directions, u @ u.T, atol=1e-5, rtol=0)


def test_distances_to_subspaces_by_hand() -> None:
    means = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    directions = torch.tensor([[[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]]])
    queries = torch.tensor([[1.0, 9.0, 2.0]])
    # (0, 9, 2) without its second coordinate; (1, 9, 2) without its third
    torch.testing.assert_close(
        distances_to_subspaces(queries, means, directions), torch.tensor([[2.0, math.sqrt(82.0)]])
    )


def test_the_overlap_of_subspaces_by_hand() -> None:
    half = math.sqrt(0.5)
    directions = torch.tensor([[[1.0, 0.0, 0.0]], [[half, half, 0.0]], [[0.0, 0.0, 1.0]]])
    assert overlap(directions).item() == pytest.approx(2 * 0.5)  # the first two, in both orders


def test_the_frames_of_one_example_span_a_subspace() -> None:
    method = DSN(encoder=Given(), dimensions=2)
    frames = torch.randn(3, 5, WIDTH)
    classes = method.represent(frames, torch.tensor([1, 0, 1]), ways=2)
    assert classes.shape == (2, 1 + 2, WIDTH)
    torch.testing.assert_close(classes[1], affine_subspace(torch.cat([frames[0], frames[2]]), dimensions=2))
    torch.testing.assert_close(classes[0], affine_subspace(frames[1], dimensions=2))
    wanted = -distances_to_subspaces(frames.mean(dim=1), classes[:, 0], classes[:, 1:])
    torch.testing.assert_close(method.compare(frames, classes), wanted)
    single = method.represent(frames[:, :1], torch.arange(3), ways=3)  # clips of a single frame: nearest means
    torch.testing.assert_close(method.compare(frames[:, :1], single).argmax(dim=1), torch.arange(3))


def test_frames_that_do_not_move_have_a_gradient() -> None:
    frames = torch.ones(5, 4, requires_grad=True)
    subspace = affine_subspace(frames, dimensions=3)
    distances_to_subspaces(torch.randn(1, 4), subspace[:1], subspace[None, 1:]).sum().backward()
    assert frames.grad is not None
    assert frames.grad.isfinite().all()
