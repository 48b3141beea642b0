"""`Clip.from_<source>`: the results of common pose estimators and sensors in one call, without their packages.

What holds for all: `fps` is None where nobody knows it; a joint that the source did not see is NaN. Where a source
hands over several people per frame, they become bodies by the ids of the source, else by who is nearest to whom; a body
of fewer than `min_frames` frames is left out as a ghost. Whatever cannot be understood raises
:class:`~skeltext.errors.SkeltextError` with one sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skeltext.skeletons.clip import Clip
    from skeltext.skeletons.layout import Layout


class FromSources:
    """The constructors of a clip from what other packages hand over; every one imports its source when called."""

    @classmethod
    def from_mediapipe(
        cls,
        results: Iterable[Any],
        *,
        fps: float | None,
        flat: bool = False,
        image_size: tuple[int, int] | None = None,
        threshold: float = 0.3,
        min_frames: int = 1,
    ) -> Clip:
        """A `PoseLandmarkerResult` of MediaPipe for every frame, or the result of the legacy `mp.solutions.pose`.

        The clip has the world landmarks in layout mediapipe33: metres, x to the right of the image, y down, z away from
        the camera. The middle of each person's hips is the origin, so where people stand is not known; several are told
        apart by the image landmarks. With `flat` and `image_size`, (width, height) in pixels, the clip has the image
        landmarks in layout mediapipe33_flat instead. A landmark whose visibility is below `threshold` is missing.

        >>> from types import SimpleNamespace
        >>> from skeltext.skeletons.clip import Clip
        >>> landmarks = [SimpleNamespace(x=0.1 * joint, y=0.0, z=0.5, visibility=0.9) for joint in range(33)]
        >>> result = SimpleNamespace(pose_landmarks=[landmarks], pose_world_landmarks=[landmarks])
        >>> clip = Clip.from_mediapipe([result, result], fps=30)
        >>> clip.layout.name, clip.positions.shape
        ('mediapipe33', (1, 2, 33, 3))
        """
        from skeltext.skeletons.sources.mediapipe import mediapipe_clip

        return mediapipe_clip(
            results, fps=fps, flat=flat, image_size=image_size, threshold=threshold, min_frames=min_frames
        )

    @classmethod
    def from_rtmlib(
        cls, results: Iterable[Any], *, fps: float | None, threshold: float = 0.3, min_frames: int = 1
    ) -> Clip:
        """The pair `(keypoints, scores)` of rtmlib for every frame, (N, V, 2) in pixels and (N, V).

        17 key points are layout coco17, 26 halpe26, and of 133 (whole body) the first 17 are taken as coco17; with
        `to_openpose=True` there are 18, or 134 of which the first 18 are taken, layout openpose18. A key point whose
        score is below `threshold` is missing.

        >>> import numpy as np
        >>> from skeltext.skeletons.clip import Clip
        >>> frame = np.arange(52.0).reshape(1, 26, 2), np.full((1, 26), 0.8)
        >>> Clip.from_rtmlib([frame, frame], fps=30).layout.name
        'halpe26'
        """
        from skeltext.skeletons.sources.rtmlib import rtmlib_clip

        return rtmlib_clip(results, fps=fps, threshold=threshold, min_frames=min_frames)

    @classmethod
    def from_mmpose(
        cls,
        results: Iterable[Any],
        *,
        fps: float | None,
        up: str = "+z",
        unit: str = "m",
        threshold: float = 0.3,
        min_frames: int = 1,
    ) -> Clip:
        """For every frame of MMPose a `PoseDataSample`, a list of them, or what an inferencer yields.

        Flat key points are (N, V, 2) in pixels: 17 are layout coco17, 26 halpe26, and of 133 the first 17 are taken as
        coco17. Lifted ones are (N, 17, 3), layout h36m17: with `up` "+z" as `Pose3DInferencer` turns them, which leaves
        a mirror image that is put right here, with "-y" in axes of the camera as the models put them out. `unit` is of
        lifted ones. A key point whose score is below `threshold` is missing.

        >>> from skeltext.skeletons.clip import Clip
        >>> person = {"keypoints": [[5.0, joint] for joint in range(17)], "keypoint_scores": [0.9] * 17}
        >>> Clip.from_mmpose([{"predictions": [[person]]}], fps=30).layout.name
        'coco17'
        """
        from skeltext.skeletons.sources.mmpose import mmpose_clip

        return mmpose_clip(results, fps=fps, up=up, unit=unit, threshold=threshold, min_frames=min_frames)

    @classmethod
    def from_ultralytics(
        cls, results: Iterable[Any], *, fps: float | None, threshold: float = 0.3, min_frames: int = 1
    ) -> Clip:
        """The `Results` of an Ultralytics pose model for every frame, of `model(...)` or `model.track(...)`.

        Layout coco17 in pixels out of `keypoints.xy` (N, 17, 2); bodies by `boxes.id` where there are ids. A key point
        is missing at (0, 0), which is what the package writes for an unsure one, or if its `keypoints.conf` is below
        `threshold`.

        >>> import numpy as np
        >>> from types import SimpleNamespace
        >>> from skeltext.skeletons.clip import Clip
        >>> keypoints = SimpleNamespace(xy=np.arange(34.0).reshape(1, 17, 2), conf=np.full((1, 17), 0.8))
        >>> result = SimpleNamespace(keypoints=keypoints, boxes=SimpleNamespace(id=np.array([4.0])))
        >>> Clip.from_ultralytics([result, result], fps=25).tracks
        ('4',)
        """
        from skeltext.skeletons.sources.ultralytics import ultralytics_clip

        return ultralytics_clip(results, fps=fps, threshold=threshold, min_frames=min_frames)

    @classmethod
    def from_openpose(
        cls,
        frames: Iterable[Any],
        *,
        fps: float | None,
        unit: str = "px",
        threshold: float = 0.05,
        min_frames: int = 1,
    ) -> Clip:
        """The JSON of OpenPose for every frame as a dictionary; :func:`skeltext.load` reads a folder of files.

        With `unit` "px" the clip has `pose_keypoints_2d`: 25 key points are layout body25, 18 openpose18. With a unit
        of length it has `pose_keypoints_3d`, 25 triangulated key points in that unit and in axes of the first camera (y
        down), layout body25_3d. Bodies by `person_id` where it is not -1. A key point is missing at the origin, or if
        its confidence is below `threshold`; the default is what OpenPose itself draws from.

        >>> from skeltext.skeletons.clip import Clip
        >>> person = {"person_id": [-1], "pose_keypoints_2d": [320.0, 200.0, 0.9] * 24 + [0.0, 0.0, 0.0]}
        >>> clip = Clip.from_openpose([{"people": [person]}, {"people": []}], fps=30)
        >>> clip.layout.name, clip.tracked.sum(axis=2).tolist()
        ('body25', [[24, 0]])
        """
        from skeltext.skeletons.sources.openpose import openpose_clip

        return openpose_clip(frames, fps=fps, unit=unit, threshold=threshold, min_frames=min_frames)

    @classmethod
    def from_kinect(cls, frames: Any, *, fps: float | None, min_frames: int = 1) -> Clip:
        """Kinect v1 (20 joints, layout kinect20) or v2 (25 joints, layout ntu25) in metres, y up.

        `frames` is an array (T, V, 3), (M, T, V, 3) or (T, V * 3), or for every frame the bodies of PyKinect2
        (`body.joints[i].Position.x`, `TrackingState`, `tracking_id`) or of pykinect (`SkeletonPositions`), or the frame
        that holds them. A joint is missing at the origin, which is the camera, or if its state is not tracked; the
        states inferred and tracked become confidence 0.5 and 1.

        >>> import numpy as np
        >>> from skeltext.skeletons.clip import Clip
        >>> Clip.from_kinect(np.ones((30, 20, 3)), fps=30).layout.name
        'kinect20'
        """
        from skeltext.skeletons.sources.kinect import kinect_clip

        return kinect_clip(frames, fps=fps, min_frames=min_frames)

    @classmethod
    def from_azure(cls, frames: Iterable[Any], *, fps: float | None, min_frames: int = 1) -> Clip:
        """The bodies of the Azure Kinect SDK for every frame: layout azure32 in millimetres, y down.

        A frame is a list of bodies (`skeleton.joints[i].position`, `confidence_level`, `id`), a frame of pykinect_azure
        before it is released, or an element of `frames` in the JSON of the offline processor (`joint_positions`,
        `body_id`), which :func:`skeltext.load` reads, too. A joint is missing at the origin or at level 0 (out of
        reach); the levels low and medium, the highest that the SDK gives, become confidence 0.5 and 1.

        >>> from skeltext.skeletons.clip import Clip
        >>> body = {"body_id": 3, "joint_positions": [[100.0, -200.0, 1500.0]] * 32}
        >>> Clip.from_azure([{"bodies": [body]}], fps=30).tracks
        ('3',)
        """
        from skeltext.skeletons.sources.azure import azure_clip

        return azure_clip(frames, fps=fps, min_frames=min_frames)

    @classmethod
    def from_smpl(cls, positions: Any, *, fps: float | None, up: str, unit: str = "m") -> Clip:
        """Joint positions (T, V, 3) or (M, T, V, 3) of a body model, or its output with `joints`.

        24 joints (or 45) are SMPL, layout smpl24; 22 (or all of SMPL-H and SMPL-X, of which the first 22 are taken) are
        layout smpl22. `up` is the axis that points up: "y" as the model is drawn, "z" as AMASS is, "-y" in axes of a
        camera. Pose parameters alone are refused, because bone lengths are only in the licensed model; rotations in the
        shape of positions, (T, 24, 3), cannot be told from them.

        >>> import numpy as np
        >>> from skeltext.skeletons.clip import Clip
        >>> Clip.from_smpl(np.ones((8, 22, 3)), fps=20, up="z").layout.name
        'smpl22'
        """
        from skeltext.skeletons.sources.smpl import smpl_clip

        return smpl_clip(positions, fps=fps, up=up, unit=unit)

    @classmethod
    def from_arrays(
        cls,
        positions: Any,
        *,
        layout: Layout | str,
        fps: float | None,
        unit: str | None = None,
        up: str | None = None,
        confidence: Any = None,
        tracks: Sequence[str] = (),
    ) -> Clip:
        """Positions (T, V, C), (M, T, V, C) or (T, V * C) of the joints of `layout`, a layout or its name.

        `unit` ("m", "cm", "mm", "in", "px") and `up` ("y", "z", "-y") say what the array is in where that is not what
        the layout has; the clip is in those of the layout. NaN is missing, and so is a skeleton with all joints at the
        origin. `confidence` has the shape without C.

        >>> import numpy as np
        >>> from skeltext.skeletons.clip import Clip
        >>> clip = Clip.from_arrays(np.full((9, 75), 2000.0), layout="ntu25", fps=30, unit="mm")
        >>> clip.positions.shape, clip.positions.max().item()
        ((1, 9, 25, 3), 2.0)
        """
        from skeltext.skeletons.sources.arrays import array_clip

        return array_clip(positions, layout=layout, fps=fps, unit=unit, up=up, confidence=confidence, tracks=tracks)
