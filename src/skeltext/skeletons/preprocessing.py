"""From a clip to the fixed-size array a network reads, as a list of named steps that travels with the weights."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError
from skeltext.skeletons import steadying, steps
from skeltext.skeletons.clip import Clip, Floats
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import layout_named
from skeltext.skeletons.steps import most_moving
from skeltext.skeletons.variants import seen_from

STEPS: dict[str, Callable[..., npt.NDArray[Any]]] = {
    step.__name__: step
    for step in (
        steps.fill_gaps,
        steps.zero_missing,
        steps.keep_counted_frames,
        steps.centre_each_frame,
        steps.centre_clip,
        steps.resample,
        steps.face_forward_published,
        steps.face_forward,
        steps.scale_by_torso,
        steadying.remove_jitter,
        steadying.stand_upright,
    )
}


class Choose(Protocol):
    """Who is kept of the bodies of a clip."""

    def __call__(self, x: Floats, /, *, bodies: int) -> npt.NDArray[np.int64]:
        """The numbers of at most so many of the bodies (M, T, V, C)."""
        ...


@dataclass(frozen=True)
class Step:
    """One named step with its options, for instance ``Step("resample", {"frames": 50})``."""

    name: str
    options: dict[str, Any]

    def __post_init__(self) -> None:
        if self.name not in STEPS:
            raise SkeltextError(f"preprocessing step {self.name!r} is not known; known are {', '.join(STEPS)}")
        allowed = set(list(inspect.signature(STEPS[self.name]).parameters)[2:])
        if not set(self.options) <= allowed:
            raise SkeltextError(f"step {self.name} has no option {', '.join(sorted(set(self.options) - allowed))}")


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Steps that bring any clip to an array (C, T, V, M) in one layout.

    The clip is converted to ``layout`` first, as a camera before it sees it where that is flat and the clip is not; of
    its bodies the ``bodies`` (M) that move most are kept, and missing ones are zero. ``choose`` keeps others, which is
    for a single question and not written to JSON.

    >>> recipe = preprocessing_named("sound50", layout="kinect20", bodies=1)
    >>> Preprocessing.from_json(recipe.to_json()) == recipe
    True
    """

    name: str
    layout: Layout
    bodies: int
    steps: tuple[Step, ...]
    choose: Choose = most_moving

    def people(self, clip: Clip) -> npt.NDArray[np.int64]:
        """The numbers of the bodies that are kept of a clip."""
        return self.choose(clip.positions, bodies=self.bodies)

    def __call__(self, clip: Clip) -> Floats:
        """(C, T, V, M) float32; :class:`SkeltextError` if the clip cannot become one."""
        if clip.layout.C > self.layout.C:
            clip = seen_from(clip)
        clip = convert(clip, self.layout)
        x: npt.NDArray[Any] = clip.positions[self.people(clip)]  # (M, T, V, C)
        for step in self.steps:
            try:
                x = STEPS[step.name](x, self.layout, **step.options)
            except SkeltextError as error:
                raise SkeltextError(f"{clip.source}: {error}") from error
        absent = self.bodies - len(x)
        if absent > 0:
            x = np.concatenate([x, np.zeros((absent, *x.shape[1:]), x.dtype)])
        return np.ascontiguousarray(x.transpose(3, 1, 2, 0), np.float32)  # M T V C -> C T V M

    def to_json(self) -> str:
        """A JSON text that :meth:`from_json` reads back."""
        return json.dumps(
            {
                "name": self.name,
                "layout": self.layout.name,
                "bodies": self.bodies,
                "steps": [{"step": step.name, **step.options} for step in self.steps],
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> Preprocessing:
        """Read what :meth:`to_json` wrote; :class:`SkeltextError` says what is wrong with another text."""
        try:
            data = json.loads(text)
            listed = [dict(entry) for entry in data["steps"]]
            return cls(
                name=str(data["name"]),
                layout=layout_named(data["layout"]),
                bodies=int(data["bodies"]),
                steps=tuple(Step(entry.pop("step"), entry) for entry in listed),
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise SkeltextError(
                f"this is no preprocessing of skeltext: {error!r}; train or export the model again"
            ) from error


RECIPES = {
    # What AimCLR made of NTU RGB+D and SMIE, PGFA and DVTA trained on ("frame50").
    "published50": (
        Step("zero_missing", {}),
        Step("keep_counted_frames", {}),
        Step("centre_each_frame", {}),
        Step("resample", {"frames": 50}),
        Step("face_forward_published", {}),
    ),
    # What PGFA's Setting II makes of these 50 frames for Shift-GCN.
    "published64": (
        Step("zero_missing", {}),
        Step("keep_counted_frames", {}),
        Step("centre_each_frame", {}),
        Step("resample", {"frames": 50}),
        Step("face_forward_published", {}),
        Step("resample", {"frames": 64}),
    ),
    # For released arrays that published50 was applied to already: not a number of them changes.
    "released": (Step("zero_missing", {}),),
    # The same idea without its three slips: gaps are bridged, every frame faces forward, short shoulders do not jitter.
    "sound50": (
        Step("fill_gaps", {}),
        Step("centre_each_frame", {}),
        Step("face_forward", {}),
        Step("resample", {"frames": 50}),
        Step("zero_missing", {}),
    ),
    # For pictures of bodies, which cannot be turned to face forward.
    "flat50": (
        Step("fill_gaps", {}),
        Step("centre_each_frame", {}),
        Step("scale_by_torso", {}),
        Step("resample", {"frames": 50}),
        Step("zero_missing", {}),
    ),
    # For an encoder that finds place, heading and size of a body itself, and must know how it moves about.
    "gaps64": (
        Step("fill_gaps", {}),
        Step("resample", {"frames": 64}),
        Step("zero_missing", {}),
    ),
    # The same for cameras that shake or are tilted.
    "steady64": (
        Step("fill_gaps", {}),
        Step("remove_jitter", {}),
        Step("stand_upright", {}),
        Step("resample", {"frames": 64}),
        Step("zero_missing", {}),
    ),
    # The same for pictures of bodies, whose tilt nobody knows.
    "flat64": (
        Step("fill_gaps", {}),
        Step("remove_jitter", {}),
        Step("resample", {"frames": 64}),
        Step("zero_missing", {}),
    ),
    # sound50 for bodies of very different size or of unknown unit.
    "sound50-torso": (
        Step("fill_gaps", {}),
        Step("centre_each_frame", {}),
        Step("face_forward", {}),
        Step("scale_by_torso", {}),
        Step("resample", {"frames": 50}),
        Step("zero_missing", {}),
    ),
}


def preprocessing_named(name: str, *, layout: str, bodies: int, frames: int | None = None) -> Preprocessing:
    """A registered recipe for a layout; `frames` replaces the number of frames it resamples to."""
    if name not in RECIPES:
        raise SkeltextError(f"preprocessing {name!r} is not known; known are {', '.join(RECIPES)}")
    recipe = tuple(
        replace(step, options={"frames": frames}) if frames and step.name == "resample" else step
        for step in RECIPES[name]
    )
    return Preprocessing(name=name, layout=layout_named(layout), bodies=bodies, steps=recipe)
