"""Augmentations change what they say and nothing else, on every layout; what is absent stays absent."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from skeltext.methods.motion_augmentation import (
    axis_mask,
    blur,
    crop_resize,
    extreme_view,
    mirror_image,
    noise,
    present,
    random_angles,
    rotation_matrices,
    shear_matrices,
    sheared_crop,
    shifted_crop,
    sometimes,
    transform,
    uniform,
)
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import COCO17, LAYOUTS, NTU25
from skeltext.skeletons.steps import resample

pytestmark = pytest.mark.usefixtures("one_thread")
quick = settings(deadline=None, max_examples=25)
layouts, seeds = st.sampled_from(list(LAYOUTS.values())), st.integers(0, 2**31)


def clips_of(layout: Layout, *, seed: int = 0, count: int = 3, frames: int = 12, bodies: int = 2) -> Tensor:
    """Random clips (N, C, T, V, M)."""
    torch.manual_seed(seed)
    return torch.randn(count, layout.C, frames, layout.V, bodies)


def with_gaps(clips: Tensor) -> Tensor:
    """The second body of the first clip and one joint in the middle of the second clip are absent."""
    clips = clips.clone()
    clips[0, ..., 1] = 0
    clips[1, :, 4:6, 2, 0] = 0
    return clips


@quick
@given(layout=layouts, seed=seeds)
def test_mirrored_twice_is_unchanged(layout: Layout, seed: int) -> None:
    clips = clips_of(layout, seed=seed)
    once = mirror_image(clips, layout.mirror)
    assert torch.equal(mirror_image(once, layout.mirror), clips)
    assert torch.equal(once[:, 0, :, layout.mirror[5]], -clips[:, 0, :, 5])
    assert torch.equal(once[:, 1, :, layout.mirror[5]], clips[:, 1, :, 5])


@quick
@given(layout=layouts, seed=seeds)
def test_a_rotation_keeps_lengths_and_handedness(layout: Layout, seed: int) -> None:
    clips = clips_of(layout, seed=seed)
    matrices = rotation_matrices(random_angles(clips), layout.C)
    torch.testing.assert_close(torch.linalg.det(matrices), torch.ones(len(clips)))
    turned = transform(clips, matrices)
    torch.testing.assert_close(turned.norm(dim=1), clips.norm(dim=1))
    assert not torch.allclose(turned, clips)


def test_a_rotation_turns_about_the_axis_it_names() -> None:
    quarter = rotation_matrices(torch.eye(3) * math.pi / 2, 3)
    torch.testing.assert_close(quarter[0] @ torch.tensor([0.0, 1, 0]), torch.tensor([0.0, 0, 1]))
    torch.testing.assert_close(quarter[1] @ torch.tensor([0.0, 0, 1]), torch.tensor([1.0, 0, 0]))
    torch.testing.assert_close(quarter[2] @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]))


def test_one_axis_is_turned_much_and_the_others_hardly() -> None:
    degrees = random_angles(clips_of(NTU25, count=600)).rad2deg()
    assert (degrees >= 0).all()
    assert ((degrees > 1).sum(dim=1) <= 1).all()
    assert 29 < degrees.max() <= 30
    assert (degrees > 1).sum(dim=0).min() > 100  # every axis is drawn


@quick
@given(layout=layouts, seed=seeds, factor=st.floats(-2, 2))
def test_a_shear_is_linear_and_its_diagonal_is_one(layout: Layout, seed: int, factor: float) -> None:
    one, other = clips_of(layout, seed=seed), clips_of(layout, seed=seed + 1)
    matrices = shear_matrices(one, amplitude=0.5)
    sheared = transform(factor * one + other, matrices)
    torch.testing.assert_close(
        sheared, factor * transform(one, matrices) + transform(other, matrices), atol=1e-4, rtol=1e-4
    )
    assert torch.equal(matrices.diagonal(dim1=1, dim2=2), torch.ones(len(one), layout.C))
    beside = matrices[:, ~torch.eye(layout.C, dtype=torch.bool)]
    assert ((beside.abs() <= 0.5) & (beside != 0)).all()
    assert torch.equal(transform(one, shear_matrices(one, amplitude=0.0)), one)


@quick
@given(layout=layouts, seed=seeds, frames=st.integers(1, 30), padding=st.integers(1, 7))
def test_a_shifted_crop_is_a_window_of_the_reflected_clip(layout: Layout, seed: int, frames: int, padding: int) -> None:
    clips = clips_of(layout, seed=seed, frames=frames)
    shares, p = torch.rand(len(clips)), frames // padding
    cropped = shifted_crop(clips, shares, padding=padding)
    longer = torch.cat([clips[:, :, :p].flip(2), clips, clips[:, :, frames - p :].flip(2)], dim=2)
    for n, share in enumerate(shares.tolist()):
        first = math.floor(share * (2 * p + 1))
        assert torch.equal(cropped[n], longer[n, :, first : first + frames])
    middle = torch.full((len(clips),), (p + 0.5) / (2 * p + 1))
    assert torch.equal(shifted_crop(clips, middle, padding=padding), clips)


@quick
@given(seed=seeds, frames=st.integers(1, 40), start=st.integers(0, 11), more=st.integers(0, 11))
def test_a_stretched_crop_is_resampled_as_clips_are_prepared(seed: int, frames: int, start: int, more: int) -> None:
    clips, length = clips_of(NTU25, seed=seed), min(1 + more, 12 - start)
    ones = torch.ones(len(clips))
    stretched = crop_resize(clips, start * ones, length * ones, frames=frames)
    for n, clip in enumerate(clips):
        positions = clip[:, start : start + length].permute(3, 1, 2, 0).numpy()  # C T V M -> M T V C
        wanted = resample(positions, NTU25, frames=frames).transpose(3, 1, 2, 0)
        np.testing.assert_allclose(stretched[n].numpy(), wanted, atol=1e-5)


@quick
@given(layout=layouts, seed=seeds, frames=st.integers(1, 30))
def test_what_does_not_change_in_time_is_neither_stretched_nor_blurred(layout: Layout, seed: int, frames: int) -> None:
    clips = clips_of(layout, seed=seed)[:, :, :1].expand(-1, -1, 12, -1, -1).contiguous()
    lengths = uniform(clips, low=0.01) * 12  # also less than a frame
    stretched = crop_resize(clips, uniform(clips) * (12 - lengths), lengths, frames=frames)
    torch.testing.assert_close(stretched, clips[:, :, :1].expand(-1, -1, frames, -1, -1))
    torch.testing.assert_close(blur(clips, uniform(clips, low=0.1, high=2.0)), clips)


def test_a_blur_by_hand() -> None:
    clips = torch.tensor([1.0, 1.0, 4.0, 1.0]).view(1, 1, 4, 1, 1)
    near, far = math.exp(-0.5), math.exp(-2.0)
    blurred = blur(clips, torch.tensor([1.0]), radius=2).flatten()
    assert blurred[2].item() == pytest.approx((far + near + 4 + near) / (far + near + 1 + near))
    assert blurred[0].item() == pytest.approx((1 + near + 4 * far) / (1 + near + far))
    torch.testing.assert_close(blur(clips, torch.tensor([0.1])), clips)


AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "shear": lambda clips: transform(clips, shear_matrices(clips)),
    "rotation": lambda clips: transform(clips, rotation_matrices(random_angles(clips), clips.shape[1])),
    "noise": noise,
    "blur": lambda clips: blur(clips, uniform(clips, low=0.5, high=2.0)),
    "axis": lambda clips: axis_mask(clips, torch.zeros(len(clips))),
    "sometimes": lambda clips: sometimes(clips, noise(clips)),
}


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("layout", [NTU25, COCO17], ids=lambda layout: layout.name)
def test_an_absent_joint_stays_absent_in_its_frame(name: str, layout: Layout) -> None:
    clips = with_gaps(clips_of(layout))
    changed = AUGMENTATIONS[name](clips)
    assert not torch.equal(changed, clips)
    assert torch.equal(present(changed), present(clips))


def test_an_absent_joint_does_not_draw_its_neighbours_in_time_to_zero() -> None:
    path = torch.tensor([[2.0], [2.0], [0.0], [2.0], [2.0]]).view(1, 1, 5, 1, 1)
    torch.testing.assert_close(blur(path, torch.tensor([2.0])), path)
    start, length = torch.tensor([0.0]), torch.tensor([5.0])
    stretched = crop_resize(path, start, length, frames=10).flatten()
    assert stretched.tolist() == pytest.approx([2, 2, 2, 2, 0, 0, 2, 2, 2, 2])


@quick
@given(layout=layouts, seed=seeds, bodies=st.integers(1, 2))
def test_whole_views_keep_shape_and_absent_bodies(layout: Layout, seed: int, bodies: int) -> None:
    clips = clips_of(layout, seed=seed, bodies=bodies)
    clips[0, ..., -1] = 0
    for view in (sheared_crop(clips), extreme_view(clips, mirror=layout.mirror), extreme_view(clips, mirror=None)):
        assert view.shape == clips.shape
        assert view.dtype == clips.dtype
        assert view.isfinite().all()
        assert (view[0, ..., -1] == 0).all()
        assert (view[1:] != 0).any()
        assert not torch.equal(view, clips)


def test_noise_has_its_deviation_and_an_axis_is_masked_alone() -> None:
    clips = clips_of(NTU25, count=8, frames=50)
    assert (noise(clips) - clips).std().item() == pytest.approx(0.01, rel=0.05)
    masked = axis_mask(clips, torch.tensor([0, 1, 2, 0, 1, 2, 0, 1]))
    for n, axis in enumerate([0, 1, 2, 0, 1, 2, 0, 1]):
        others = [c for c in range(3) if c != axis]
        assert (masked[n, axis] == 0).all()
        assert torch.equal(masked[n, others], clips[n, others])


def test_clips_are_changed_one_by_one_with_the_probability_given() -> None:
    clips = clips_of(NTU25, count=400, frames=1)
    changed = sometimes(clips, -clips, probability=0.25)
    kept = (changed == clips).flatten(1).all(dim=1)
    assert ((changed == -clips).flatten(1).all(dim=1) == ~kept).all()
    assert 60 < (~kept).sum() < 140
    assert torch.equal(sometimes(clips, -clips, probability=0.0), clips)


def test_the_same_seed_gives_the_same_view_and_every_clip_its_own() -> None:
    clips = clips_of(NTU25, count=1).expand(4, -1, -1, -1, -1)
    views = []
    for _ in range(2):
        torch.manual_seed(5)
        views.append(extreme_view(clips, mirror=NTU25.mirror))
    assert torch.equal(*views)
    assert not any(torch.equal(views[0][0], other) for other in views[0][1:])
