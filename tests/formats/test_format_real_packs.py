"""Every clip of the public data sets against the converted copies beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skeltext.errors import SkeltextError
from skeltext.formats.gtu import read_gtu
from skeltext.formats.kinder_gator import read_kinder_gator
from skeltext.formats.msr import read_msr
from skeltext.formats.ucla import read_ucla
from skeltext.formats.utd import read_utd
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20, NTU25

HALF_QUANTUM = 0.000244140625 / 2 + 1e-6  # the copies are rounded; float32 adds the rest
PACKS = {
    "utd_mhad": (read_utd, "{}.mat", KINECT20, 30.0, HALF_QUANTUM),
    "msr_action3d": (read_msr, "{}_skeleton3D.txt", KINECT20, 15.0, 0.0),
    "nw_ucla": (read_ucla, "{}.json", KINECT20, 30.0, HALF_QUANTUM),
    "gtu_action3d": (read_gtu, "{}.txt", NTU25, 30.0, HALF_QUANTUM),
    "kinder_gator": (read_kinder_gator, "{}.csv", KINECT20, 30.0, HALF_QUANTUM),
}
NOBODY = {"a13_s09_e02"}


@pytest.mark.parametrize("pack", PACKS)
def test_every_clip_is_the_converted_copy(pack: str, real_data: Path, unpacked: Callable[[str], Path]) -> None:
    read, pattern, layout, fps, tolerance = PACKS[pack]
    copy = np.load(real_data / pack / f"{pack}.npz")
    joints, offsets = copy["joints"], copy["offsets"]
    files = {"/".join(file.parts[-2:]): file for file in unpacked(pack).rglob("*.*")}
    files |= {file.name: file for file in files.values()}
    for number, name in enumerate(copy["sample_ids"]):
        file = files[pattern.format(name)]
        if name in NOBODY:
            with pytest.raises(SkeltextError, match="nobody"):
                read(file)
            continue
        clip = read(file)
        expected = joints[offsets[number] : offsets[number + 1]]
        expected = np.where((expected == 0).all((1, 2), keepdims=True), np.nan, expected)
        assert isinstance(clip, Clip)
        assert (clip.layout, clip.fps, clip.M) == (layout, fps, 1)
        np.testing.assert_allclose(clip.positions[0], expected, rtol=0, atol=tolerance, err_msg=str(name))


def test_zero_frames_of_msr_are_missing(unpacked: Callable[[str], Path]) -> None:
    file = next(unpacked("msr_action3d").rglob("a07_s04_e01_skeleton3D.txt"))
    clip = read_msr(file)
    assert (~clip.tracked.any(axis=(0, 2))).sum() == 36
    assert clip.confidence is not None
    assert not clip.confidence[0, ~clip.tracked.any(axis=(0, 2))].any()
    assert clip.confidence.max() == 1


def test_screen_coordinates_of_msr_are_refused(unpacked: Callable[[str], Path]) -> None:
    for file in sorted(unpacked("msr_action3d").rglob("*_skeleton.txt"))[::20]:
        with pytest.raises(SkeltextError, match=r"screen coordinates .* _skeleton3D\.txt"):
            read_msr(file)
