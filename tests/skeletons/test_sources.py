"""Clips from what pose estimators and sensors hand over; stand-ins have exactly the attributes of the real results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layouts import AZURE32, BODY25, HALPE26, KINECT20, MEDIAPIPE33, NTU25, OPENPOSE18, SMPL24

FRAMES = 4


def motion(joints: int, coordinates: int, *, people: int = 1, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    """(T, N, V, C) people who stand far from each other and move a little."""
    generator = np.random.default_rng(seed)
    home = generator.uniform(1, 2, size=(1, people, joints, coordinates))
    home += 10 * np.arange(people)[None, :, None, None]
    return scale * (home + 0.01 * generator.normal(size=(FRAMES, people, joints, coordinates)))


def same(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-5)


# MediaPipe


@dataclass
class Landmark:
    """One of 33; the fields are optional in the Tasks API."""

    x: float
    y: float
    z: float
    visibility: float | None = 0.9
    presence: float | None = 0.9


@dataclass
class PoseLandmarkerResult:
    """The Tasks API: a list for each person."""

    pose_landmarks: list[list[Landmark]]
    pose_world_landmarks: list[list[Landmark]]
    segmentation_masks: None = None


@dataclass
class LandmarkList:
    """The legacy solution: one person."""

    landmark: list[Landmark]


def landmarks(positions: np.ndarray, **more: float | None) -> list[Landmark]:
    return [Landmark(*map(float, place), **more) for place in positions]


def test_mediapipe_tells_people_apart_by_the_image() -> None:
    world, image = motion(33, 3), motion(33, 3, people=2, scale=0.05)
    poses = [[world[t, 0] + 0.3 * (t % 2), world[t, 0] + 0.3 * (1 - t % 2)] for t in range(FRAMES)]  # they take turns
    results = []
    for t in range(FRAMES):
        people = [(landmarks(image[t, n]), landmarks(poses[t][n])) for n in ([0, 1] if t % 2 else [1, 0])]
        results.append(PoseLandmarkerResult([person[0] for person in people], [person[1] for person in people]))
    results.append(PoseLandmarkerResult([], []))
    clip = Clip.from_mediapipe(results, fps=30)
    assert (clip.layout, clip.M, clip.T, clip.fps) == (MEDIAPIPE33, 2, FRAMES + 1, 30)
    same(clip.positions[:, :FRAMES], np.stack(poses, axis=1))
    assert not clip.tracked[:, FRAMES].any()
    results[1].pose_landmarks = []  # then the world must do
    assert Clip.from_mediapipe(results, fps=30).M == 2


def test_mediapipe_hides_what_is_not_visible_and_never_asks_for_presence() -> None:
    seen = landmarks(motion(33, 3)[0, 0], presence=0.0)  # as the legacy solution leaves it
    seen[4].visibility = 0.2
    results = [SimpleNamespace(pose_landmarks=LandmarkList(seen), pose_world_landmarks=LandmarkList(seen))]
    results.append(SimpleNamespace(pose_landmarks=None, pose_world_landmarks=None))
    clip = Clip.from_mediapipe(results, fps=None)
    assert np.flatnonzero(~clip.tracked[0, 0]).tolist() == [4]
    assert clip.confidence is not None
    assert clip.confidence[0, 0, 3:5].tolist() == [pytest.approx(0.9), 0.0]
    assert Clip.from_mediapipe(results, fps=None, threshold=0.1).tracked[0, 0].all()
    unscored = PoseLandmarkerResult([], [landmarks(motion(33, 3)[0, 0], visibility=None, presence=None)])
    assert Clip.from_mediapipe([unscored], fps=None).confidence is None


def test_mediapipe_image_landmarks_are_flat_and_in_pixels_or_refused() -> None:
    image = motion(33, 3, scale=0.3)
    results = [PoseLandmarkerResult([landmarks(frame[0])], []) for frame in image]
    clip = Clip.from_mediapipe(results, fps=30, flat=True, image_size=(640, 480))
    assert clip.layout.name == "mediapipe33_flat"
    same(clip.positions[0], image[:, 0, :, :2] * [640, 480])
    with pytest.raises(SkeltextError, match=r"frame 0 of the MediaPipe results has image landmarks only.*flat=True"):
        Clip.from_mediapipe(results, fps=30)
    with pytest.raises(SkeltextError, match="needs flat=True and image_size"):
        Clip.from_mediapipe(results, fps=30, flat=True)


# rtmlib


@pytest.mark.parametrize(
    ("joints", "layout"), [(17, "coco17"), (26, "halpe26"), (133, "coco17"), (18, "openpose18"), (134, "openpose18")]
)
def test_rtmlib(joints: int, layout: str) -> None:
    keypoints, scores = motion(joints, 2, people=2, scale=100), np.full((FRAMES, 2, joints), 1.05)
    scores[1, 0, 5] = 0.1
    results = [(keypoints[t, ::-1] if t == 2 else keypoints[t], scores[t]) for t in range(FRAMES)]
    results.append((np.array([]), np.array([])))
    clip = Clip.from_rtmlib(results, fps=25)
    assert (clip.layout.name, clip.M, clip.T) == (layout, 2, FRAMES + 1)
    expected = keypoints[:, :, : clip.layout.V].transpose(1, 0, 2, 3).copy()
    expected[0, 1, 5] = np.nan
    same(clip.positions[:, :FRAMES], expected)
    assert clip.confidence is not None
    assert clip.confidence.max() == 1


# MMPose


@dataclass
class InstanceData:
    """(N, V, C) and (N, V)."""

    keypoints: np.ndarray
    keypoint_scores: np.ndarray


@dataclass
class PoseDataSample:
    """A frame, or a person in it."""

    pred_instances: InstanceData


@dataclass
class TrackedSample(PoseDataSample):
    """A person whom a tracker followed."""

    track_id: int = -1


def mmpose_forms(keypoints: np.ndarray) -> dict[str, list[Any]]:
    """Every form in which MMPose gives (T, N, V, C) key points."""
    scores = np.full(keypoints.shape[:3], 0.9)
    frames = list(zip(keypoints, scores, strict=True))
    samples = [PoseDataSample(InstanceData(points, score)) for points, score in frames]
    people = [
        [{"keypoints": p.tolist(), "keypoint_scores": s.tolist()} for p, s in zip(points, score, strict=True)]
        for points, score in frames
    ]
    return {
        "sample": samples,
        "inferencer": [{"visualization": [], "predictions": [frame]} for frame in people],
        "inferencer with samples": [{"predictions": [sample]} for sample in samples],
        "a sample for each person": [
            [TrackedSample(InstanceData(p[None], s[None]), n) for n, (p, s) in enumerate(zip(*frame, strict=True))]
            for frame in frames
        ],
        "lifter": [PoseDataSample(InstanceData(p[:, None], s[:, None])) for p, s in frames],
    }


@pytest.mark.parametrize("form", ["sample", "inferencer", "inferencer with samples", "a sample for each person"])
@pytest.mark.parametrize(("joints", "layout"), [(17, "coco17"), (26, "halpe26"), (133, "coco17")])
def test_mmpose_flat(form: str, joints: int, layout: str) -> None:
    keypoints = motion(joints, 2, people=2, scale=100)
    clip = Clip.from_mmpose(mmpose_forms(keypoints)[form], fps=30)
    assert clip.layout.name == layout
    same(clip.positions, keypoints[:, :, : clip.layout.V].transpose(1, 0, 2, 3))


@pytest.mark.parametrize("form", ["sample", "inferencer", "lifter"])
def test_mmpose_lifted_people_keep_their_right_hand(form: str) -> None:
    camera = motion(17, 3)  # x to the right, y down, z away from the camera
    camera[:, :, 10, 2] = 0.0  # the head leans towards the camera
    camera[:, :, 11, 0], camera[:, :, 14, 0] = 3.0, 1.0  # so the left shoulder is on the right of the image
    turned = camera[..., [0, 2, 1]] * [-1, 1, -1]  # what Pose3DInferencer does
    clip = Clip.from_mmpose(mmpose_forms(turned)[form], fps=30)
    same(clip.positions, Clip.from_mmpose(mmpose_forms(camera)[form], fps=30, up="-y").positions)
    body = convert(clip, NTU25).positions[0, 0]  # y up, z towards the camera
    assert body[NTU25.index("left_shoulder"), 0] > body[NTU25.index("right_shoulder"), 0]
    assert body[NTU25.index("head"), 2] > body[NTU25.index("neck"), 2]
    millimetres = Clip.from_mmpose(mmpose_forms(1000 * turned)[form], fps=30, unit="mm")
    same(millimetres.positions, clip.positions)
    with pytest.raises(SkeltextError, match="up 'z' is not known"):
        Clip.from_mmpose(mmpose_forms(turned)[form], fps=30, up="z")


# Ultralytics


class Tensor:
    """What only becomes an array on the CPU."""

    def __init__(self, values: np.ndarray, *, home: bool = False) -> None:
        self.values, self.home = values, home

    def cpu(self) -> Tensor:
        """The same on the CPU."""
        return Tensor(self.values, home=True)

    def numpy(self) -> np.ndarray:
        """The values, if they are at home."""
        assert self.home, "numpy() of a tensor on another device"
        return self.values


@dataclass
class Results:
    """A frame; `boxes.id` is None without a tracker."""

    keypoints: Any
    boxes: Any = field(default_factory=lambda: SimpleNamespace(id=None))


def ultralytics_result(xy: np.ndarray, ids: list[float] | None, *, conf: float | None = 0.8) -> Results:
    confidence = None if conf is None else Tensor(np.full(xy.shape[:-1], conf))
    keypoints = SimpleNamespace(xy=Tensor(xy), conf=confidence)
    return Results(keypoints, SimpleNamespace(id=None if ids is None else Tensor(np.array(ids))))


def test_ultralytics_ids_and_what_is_not_seen() -> None:
    keypoints = motion(17, 2, people=2, scale=100)
    keypoints[1, 0, 3] = 0.0
    ids = [None, [1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]  # the tracker is not sure in the first frame
    order = [[0, 1], [0, 1], [1, 0], [0, 1]]
    results = [ultralytics_result(keypoints[t, order[t]], ids[t]) for t in range(FRAMES)]
    results.append(ultralytics_result(np.zeros((1, 0, 2)), None))  # nobody, as some versions say it
    clip = Clip.from_ultralytics(results, fps=30)
    assert (clip.tracks, clip.T) == (("1", "2"), FRAMES + 1)
    assert np.argwhere(~clip.tracked[:, :FRAMES]).tolist() == [[0, 1, 3]]
    keypoints[1, 0, 3] = np.nan
    same(clip.positions[:, :FRAMES], keypoints.transpose(1, 0, 2, 3))
    assert Clip.from_ultralytics([ultralytics_result(keypoints[0], None, conf=None)], fps=30).confidence is None


def test_ghosts_are_left_out() -> None:
    keypoints = motion(17, 2, people=2, scale=100)
    results = [ultralytics_result(keypoints[t, : 2 if t == 1 else 1], None) for t in range(FRAMES)]
    assert Clip.from_ultralytics(results, fps=30).M == 2
    alone = Clip.from_ultralytics(results, fps=30, min_frames=2)
    assert (alone.M, alone.T) == (1, FRAMES)
    with pytest.raises(SkeltextError, match="nobody in 9 frames"):
        Clip.from_ultralytics(results, fps=30, min_frames=9)


# OpenPose


def openpose_frame(
    people: np.ndarray, *, ids: list[int] | None = None, key: str = "pose_keypoints_2d"
) -> dict[str, Any]:
    """A frame of version 1.3 with (N, V, C) key points of confidence 0.9."""
    scored = np.concatenate([people, np.full((*people.shape[:2], 1), 0.9)], axis=2)
    empty = {f"{part}_keypoints_{d}d": [] for part in ("pose", "face", "hand_left", "hand_right") for d in (2, 3)}
    identified = zip(scored, ids or [-1] * len(people), strict=True)
    return {"version": 1.3, "people": [empty | {"person_id": [n], key: p.ravel().tolist()} for p, n in identified]}


@pytest.mark.parametrize("layout", [BODY25, OPENPOSE18], ids=lambda layout: layout.name)
def test_openpose(layout: Any) -> None:
    keypoints = motion(layout.V, 2, people=2, scale=100)
    keypoints[2, 1, 7] = 0.0
    frames = [openpose_frame(keypoints[t, ::-1] if t == 1 else keypoints[t]) for t in range(FRAMES)]
    clip = Clip.from_openpose([*frames, {"people": []}], fps=30)
    assert (clip.layout, clip.M, clip.T) == (layout, 2, FRAMES + 1)
    keypoints[2, 1, 7] = np.nan
    same(clip.positions[:, :FRAMES], keypoints.transpose(1, 0, 2, 3))
    named = Clip.from_openpose([openpose_frame(frame, ids=[3, 0]) for frame in keypoints], fps=30)
    assert set(named.tracks) == {"3", "0"}


def test_openpose_joints_by_name() -> None:
    named = {0: "nose", 1: "neck", 4: "right_wrist", 7: "left_wrist", 8: "pelvis", 11: "right_ankle", 14: "left_ankle"}
    named |= {15: "right_eye", 18: "left_ear", 19: "left_toes", 20: "left_small_toe", 21: "left_heel", 24: "right_heel"}
    assert {joint: BODY25.joints[joint] for joint in named} == named
    assert OPENPOSE18.joints[:15] == (*BODY25.joints[:8], *BODY25.joints[9:16])
    assert set(BODY25.joints) == set(HALPE26.joints) - {"head"}


def test_openpose_triangulated_key_points_need_their_unit() -> None:
    positions = motion(25, 3)
    frames = [openpose_frame(1000 * frame, key="pose_keypoints_3d") for frame in positions]
    clip = Clip.from_openpose(frames, fps=30, unit="mm")
    assert clip.layout.name == "body25_3d"
    same(clip.positions[0], positions[:, 0])
    with pytest.raises(SkeltextError, match="has nobody in any of its 4 frames"):
        Clip.from_openpose(frames, fps=30)


# Kinect and Azure Kinect


class Pointer:
    """A ctypes pointer: elements, but no length and no end."""

    def __init__(self, elements: list[Any]) -> None:
        self.elements = elements

    def __getitem__(self, index: int) -> Any:
        return self.elements[index]


def point(place: np.ndarray) -> SimpleNamespace:
    return SimpleNamespace(**dict(zip("xyz", map(float, place), strict=True)))


def kinect_body(positions: np.ndarray, track: int, states: list[int]) -> SimpleNamespace:
    joints = [SimpleNamespace(Position=point(p), TrackingState=s) for p, s in zip(positions, states, strict=True)]
    return SimpleNamespace(is_tracked=True, tracking_id=track, joints=Pointer(joints))


def test_kinect_v2_bodies() -> None:
    positions = motion(25, 3)
    states = [2] * 23 + [1, 0]
    frames = []
    for t in range(FRAMES):
        bodies = np.empty(6, object)
        bodies[:] = [SimpleNamespace(is_tracked=False, tracking_id=-1) for _ in range(6)]
        bodies[t] = kinect_body(positions[t, 0], 72057594037931101, states)  # the slot of a body changes
        frames.append(SimpleNamespace(bodies=bodies, relative_time=t))
    clip = Clip.from_kinect(frames, fps=30)
    assert (clip.layout, clip.tracks) == (NTU25, ("72057594037931101",))
    same(clip.positions[0, :, :24], positions[:, 0, :24])
    assert not clip.tracked[0, :, 24].any()
    assert clip.confidence is not None
    assert clip.confidence[0, 0, 22:].tolist() == [1, 0.5, 0]


def test_kinect_v1_bodies_and_arrays_of_both() -> None:
    positions = motion(20, 3)
    frames = []
    for t in range(FRAMES):
        states = [SimpleNamespace(value=state) for state in (2, 0)]
        body = SimpleNamespace(
            eTrackingState=states[0],
            dwTrackingID=5,
            SkeletonPositions=[point(place) for place in positions[t, 0]],
            eSkeletonPositionTrackingState=[SimpleNamespace(value=2)] * 20,
        )
        nobody = SimpleNamespace(eTrackingState=states[1], dwTrackingID=0, SkeletonPositions=[])
        frames.append(SimpleNamespace(SkeletonData=[nobody, body]))
    clip = Clip.from_kinect(frames, fps=30)
    assert (clip.layout, clip.tracks) == (KINECT20, ("5",))
    same(clip.positions[0], positions[:, 0])
    array = positions[:, 0].copy()
    array[1, 7] = 0.0
    given = Clip.from_kinect(array, fps=30)
    assert np.argwhere(~given.tracked).tolist() == [[0, 1, 7]]
    same(Clip.from_kinect(array.reshape(FRAMES, 60), fps=30).positions, given.positions)
    assert Clip.from_kinect(np.ones((2, FRAMES, 25, 3)), fps=30).M == 2


def azure_bodies(positions: np.ndarray, levels: list[int]) -> dict[str, Any]:
    """The body as the C struct, as pykinect_azure wraps it, and as the offline processor writes it."""
    struct = SimpleNamespace(
        id=7,
        skeleton=SimpleNamespace(
            joints=[
                SimpleNamespace(position=SimpleNamespace(xyz=point(p)), confidence_level=level)
                for p, level in zip(positions, levels, strict=True)
            ]
        ),
    )
    joints = [
        SimpleNamespace(position=j.position.xyz, confidence_level=j.confidence_level) for j in struct.skeleton.joints
    ]
    return {
        "struct": struct,
        "pykinect_azure": SimpleNamespace(joints=joints, handle=lambda: struct),
        "offline": {"body_id": 7, "joint_positions": positions.tolist()},
    }


@pytest.mark.parametrize("form", ["struct", "pykinect_azure", "offline"])
def test_azure(form: str) -> None:
    positions = motion(32, 3, scale=1000)
    levels = [2] * 29 + [1, 0, 3]
    bodies = [azure_bodies(frame[0], levels)[form] for frame in positions]
    frames: list[Any] = [{"bodies": [body]} if form == "offline" else [body] for body in bodies]
    frames[1] = frames[1] if form == "offline" else SimpleNamespace(get_bodies=lambda: [bodies[1]])
    clip = Clip.from_azure(frames, fps=30)
    assert (clip.layout, clip.tracks) == (AZURE32, ("7",))
    if form == "offline":
        same(clip.positions[0], positions[:, 0])
        assert clip.confidence is None
    else:
        same(clip.positions[0, :, :30], positions[:, 0, :30])
        assert not clip.tracked[0, :, 30].any()
        assert clip.confidence is not None
        assert clip.confidence[0, 0, 28:].tolist() == [1, 0.5, 0, 1]


# SMPL and arrays


@pytest.mark.parametrize(("joints", "layout"), [(24, "smpl24"), (45, "smpl24"), (22, "smpl22"), (127, "smpl22")])
def test_smpl(joints: int, layout: str) -> None:
    positions = motion(joints, 3)[:, 0]
    clip = Clip.from_smpl(SimpleNamespace(joints=Tensor(positions)), fps=20, up="z")
    assert clip.layout.name == layout
    same(clip.positions[0, ..., 1], positions[:, : clip.layout.V, 2])  # y is up in the layout
    same(Clip.from_smpl(positions[None] * 100, fps=20, up="y", unit="cm").positions[0], positions[:, : clip.layout.V])
    assert convert(clip, NTU25).tracked.all()


def test_arrays_of_every_shape_unit_and_axis() -> None:
    positions = motion(24, 3)[:, 0]
    clip = Clip.from_arrays(positions, layout="smpl24", fps=30, confidence=np.full((FRAMES, 24), 0.5), tracks=("Ann",))
    assert (clip.layout, clip.tracks, clip.positions.shape) == (SMPL24, ("Ann",), (1, FRAMES, 24, 3))
    for form in (positions[None], positions.reshape(FRAMES, 72), positions.tolist()):
        same(Clip.from_arrays(form, layout=SMPL24, fps=30).positions, clip.positions)
    camera = positions * [1000, -1000, -1000]
    same(Clip.from_arrays(camera, layout=SMPL24, fps=30, unit="mm", up="-y").positions, clip.positions)
    absent = np.stack([positions, positions])
    absent[1, 2] = 0.0
    absent[:, :, 0] = 0.0  # the pelvis of a centred skeleton
    assert np.argwhere(~Clip.from_arrays(absent, layout=SMPL24, fps=30).tracked)[:, :2].tolist() == [[1, 2]] * 24


def _openpose(values: Any, key: str = "pose_keypoints_2d") -> Callable[[], Clip]:
    return lambda: Clip.from_openpose([{"people": [{key: values}]}], fps=30)


REFUSED: dict[str, tuple[Callable[[], Clip], str]] = {
    "no frames": (lambda: Clip.from_rtmlib([], fps=30), "nobody in any of its 0 frames"),
    "a string": (lambda: Clip.from_openpose("walk.json", fps=30), "of type str, expected a list"),
    "no pair": (lambda: Clip.from_rtmlib([(np.ones((1, 17, 2)),)], fps=30), r"1 parts, expected \(keypoints, scores\)"),
    "other scores": (lambda: Clip.from_rtmlib([(np.ones((1, 17, 2)), np.ones((1, 9)))], fps=30), "scores of shape"),
    "21 joints of a hand": (
        lambda: Clip.from_rtmlib([(np.ones((1, 21, 2)), np.ones((1, 21)))], fps=30),
        r"shape \(21, 2\), expected all with one of 17 in 2 dimensions \(coco17\)",
    ),
    "shares of the image": (
        lambda: Clip.from_rtmlib([(np.full((1, 17, 2), 0.5), np.ones((1, 17)))], fps=30),
        "seem to be shares of the image",
    ),
    "another model amidst": (
        lambda: Clip.from_rtmlib([(np.ones((1, v, 2)), np.ones((1, v))) for v in (17, 26)], fps=30),
        r"\(17, 2\), \(26, 2\), expected all",
    ),
    "no MediaPipe result": (lambda: Clip.from_mediapipe([None], fps=30), "frame 0 .* is of type NoneType"),
    "no landmark": (
        lambda: Clip.from_mediapipe([PoseLandmarkerResult([], [[3, 4]])], fps=30),
        "landmark without x, y, z",
    ),
    "a detector": (lambda: Clip.from_ultralytics([Results(None)], fps=30), "has no key points; use a pose model"),
    "no YOLO result": (lambda: Clip.from_ultralytics([3], fps=30), "of type int without `keypoints`"),
    "one id of two people": (
        lambda: Clip.from_ultralytics([ultralytics_result(np.ones((2, 17, 2)), [1.0])], fps=30),
        "1 ids of 2 people",
    ),
    "no predictions": (lambda: Clip.from_mmpose([{"keypoints": []}], fps=30), "has no `keypoint_scores`"),
    "no people": (lambda: Clip.from_openpose([{"version": 1.3}], fps=30), "frame 0, has no `people`"),
    "words": (_openpose(["left", "right", "up"]), "are no numbers"),
    "ragged": (_openpose([[1, 2], [3]]), "are no numbers"),
    "cut off": (_openpose([1.0] * 74), "a list of 3 numbers for every key point"),
    "infinite": (_openpose([1e999, 4.0, 0.9] * 25), "a coordinate beyond"),
    "far away": (_openpose([1e300, 4.0, 0.9] * 25), "a coordinate beyond"),
    "all below the threshold": (_openpose([9.0, 9.0, 0.01] * 25), "nobody in any of its 1 frames"),
    "an ell": (lambda: Clip.from_openpose([{"people": []}], fps=30, unit="ell"), "unit 'ell'"),
    "a crowd": (lambda: Clip.from_rtmlib([(np.full((101, 17, 2), 9.0), np.ones((101, 17)))], fps=30), "101 people"),
    "no Kinect": (
        lambda: Clip.from_kinect(np.ones((4, 17, 3)), fps=30),
        r"\(4, 17, 3\), expected \(frames, 20 or 25, 3\)",
    ),
    "no body": (lambda: Clip.from_kinect([[4]], fps=30), "of type int without `is_tracked`"),
    "no Azure body": (lambda: Clip.from_azure([[4]], fps=30), "of type int without `joints`"),
    "no bodies": (lambda: Clip.from_azure([{}], fps=30), "has no `bodies`"),
    "pose parameters": (lambda: Clip.from_smpl(np.ones((9, 72)), fps=30, up="y"), "pose parameters only say how"),
    "named parameters": (
        lambda: Clip.from_smpl({"poses": np.ones((9, 156)), "betas": np.ones(16)}, fps=30, up="z"),
        "only poses, betas, expected joint positions",
    ),
    "an unknown layout": (lambda: Clip.from_arrays([[1]], layout="spider8", fps=30), "layout 'spider8' is not known"),
    "another shape": (
        lambda: Clip.from_arrays(np.ones((4, 9, 3)), layout="ntu25", fps=30),
        r"expected \(frames, 25, 3\)",
    ),
    "nothing": (lambda: Clip.from_arrays(np.ones((0, 4, 25, 3)), layout="ntu25", fps=30), "nothing to recognise"),
    "flat metres": (
        lambda: Clip.from_arrays(np.ones((4, 17, 2)), layout="coco17", fps=30, unit="m"),
        "unit m does not go",
    ),
    "no axis": (lambda: Clip.from_arrays(np.ones((4, 25, 3)), layout="ntu25", fps=30, up="x"), "up 'x'"),
    "few confidences": (
        lambda: Clip.from_arrays(np.ones((4, 25, 3)), layout="ntu25", fps=30, confidence=[1.0]),
        "give one number per joint",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_whatever_cannot_be_understood_is_one_sentence(name: str) -> None:
    make, sentence = REFUSED[name]
    with pytest.raises(SkeltextError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
