"""The classes of the built-in motion set, its splits into seen and unseen classes, and its clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skeltext.datasets.builtin import arms, legs, torso
from skeltext.datasets.builtin.body import joints
from skeltext.datasets.builtin.pose import LEFT, RIGHT, Array, standing
from skeltext.datasets.builtin.sensor import before_camera, jitter, lose
from skeltext.datasets.builtin.stage import Stage, idle_sway
from skeltext.datasets.builtin.subjects import SUBJECTS, Subject
from skeltext.errors import require
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import NTU25

FPS = 30.0


@dataclass(frozen=True, kw_only=True)
class Action:
    """A class of the built-in set: the motion that performs it and the parts that it shares with other classes.

    ``motion`` moves a stage and takes ``seconds`` at tempo 1. ``parts`` are a side (left, right, both), what moves
    (arms, legs, torso, head, or two of them), a direction, once or repeated, the posture in which or into which it
    moves, and a tempo.
    """

    name: str
    motion: Callable[[Stage, Sequence[int]], None]
    parts: tuple[str, ...]
    seconds: float

    @property
    def sides(self) -> tuple[int, ...]:
        """The sides that move."""
        return {"left": (LEFT,), "right": (RIGHT,), "both": (LEFT, RIGHT)}[self.parts[0]]


def _action(name: str, motion: Callable[[Stage, Sequence[int]], None], parts: str, seconds: float) -> Action:
    return Action(name=name, motion=motion, parts=tuple(parts.split()), seconds=seconds)


ACTIONS = (
    _action("raise the right hand", arms.raise_hands, "right arms up once standing slow", 2.2),
    _action("raise the left hand", arms.raise_hands, "left arms up once standing slow", 2.2),
    _action("raise both hands", arms.raise_hands, "both arms up once standing slow", 2.2),
    _action("wave the right hand", arms.wave, "right arms sideways repeated standing quick", 2.6),
    _action("wave the left hand", arms.wave, "left arms sideways repeated standing quick", 2.6),
    _action("wave both hands", arms.wave, "both arms sideways repeated standing quick", 2.6),
    _action("wave the right hand while sitting", arms.wave, "right arms sideways repeated sitting quick", 2.6),
    _action("punch forward with the right hand", arms.punch, "right arms forward once standing quick", 1.5),
    _action("punch forward with the left hand", arms.punch, "left arms forward once standing quick", 1.5),
    _action("box with both hands", arms.box, "both arms forward repeated standing quick", 2.6),
    _action("push forward with both hands", arms.push, "both arms forward once standing slow", 2.4),
    _action("swipe across with the right hand", arms.swipe, "right arms across once standing quick", 1.8),
    _action("swipe across with the left hand", arms.swipe, "left arms across once standing quick", 1.8),
    _action("draw a circle with the right hand", arms.circle, "right arms circular repeated standing slow", 2.8),
    _action("draw a circle with the left hand", arms.circle, "left arms circular repeated standing slow", 2.8),
    _action("rotate both arms", arms.rotate, "both arms circular repeated standing quick", 2.6),
    _action("swing both arms forward", arms.swing_forward, "both arms forward repeated standing slow", 3.0),
    _action("clap", arms.clap, "both arms across repeated standing quick", 2.3),
    _action("clap while sitting", arms.clap, "both arms across repeated sitting quick", 2.3),
    _action("throw with the right hand", arms.throw, "right arms forward once standing quick", 1.8),
    _action("drink with the right hand", arms.drink, "right arms up once standing slow", 2.8),
    _action("drink with the left hand", arms.drink, "left arms up once standing slow", 2.8),
    _action("answer the phone with the right hand", arms.answer_phone, "right arms up once standing slow", 2.8),
    _action("answer the phone with the left hand", arms.answer_phone, "left arms up once standing slow", 2.8),
    _action("kick forward with the right leg", legs.kick_forward, "right legs forward once standing quick", 1.6),
    _action("kick forward with the left leg", legs.kick_forward, "left legs forward once standing quick", 1.6),
    _action("kick sideways with the right leg", legs.kick_sideways, "right legs sideways once standing quick", 1.6),
    _action("kick sideways with the left leg", legs.kick_sideways, "left legs sideways once standing quick", 1.6),
    _action("hop on the right leg", legs.hop, "right legs up repeated standing quick", 2.5),
    _action("hop on the left leg", legs.hop, "left legs up repeated standing quick", 2.5),
    _action("lunge forward", legs.lunge, "right legs forward once standing slow", 2.4),
    _action("march in place", legs.march, "both legs up repeated standing slow", 2.9),
    _action("run in place", legs.run, "both legs up repeated standing quick", 2.4),
    _action("walk forward", legs.walk, "both legs forward repeated standing slow", 2.8),
    _action("jump", legs.jump, "both legs up once standing quick", 1.8),
    _action("jumping jacks", legs.jumping_jacks, "both arms legs sideways repeated standing quick", 3.1),
    _action("squat", legs.squat, "both legs down once squatting slow", 2.4),
    _action("sit down", legs.sit_down, "both legs down once sitting slow", 2.0),
    _action("stand up", legs.stand_up, "both legs up once sitting slow", 2.0),
    _action("kneel down", legs.kneel_down, "right legs down once kneeling slow", 2.3),
    _action("bow", torso.bow, "both torso forward once bent slow", 2.5),
    _action("touch the toes", torso.touch_toes, "both torso arms down once bent slow", 2.7),
    _action("pick up from the floor", torso.pick_up, "right arms down once squatting slow", 2.4),
    _action("lean to the right", torso.lean, "right torso sideways once bent slow", 2.4),
    _action("lean to the left", torso.lean, "left torso sideways once bent slow", 2.4),
    _action("nod", torso.nod, "both head down repeated standing quick", 2.0),
    _action("shake the head", torso.shake_head, "both head sideways repeated standing quick", 2.0),
    _action("turn around", legs.turn_around, "both legs circular once standing slow", 2.5),
)

BUILTIN_CLASSES: tuple[str, ...] = tuple(action.name for action in ACTIONS)

# Three ways to hold out 8 of the 48 classes, 24 different ones in all, and before them 4 of each way together, which is
# what the demonstration holds out. Every part of an unseen class (side with what moves, direction, repetition, posture,
# tempo) occurs in seen classes, so that it can be found by what it is made of; and unseen classes share parts with each
# other, so that no single part finds one.
# - limbs: a known motion by another limb. A hand is raised, waves or punches on one side and both are asked, or the
#   other way round; a leg kicks or hops on the side where it was only seen to do the other. Two sided classes whose
#   mirror image is seen are the hardest: whoever cannot tell left from right takes one for the other.
# - postures: known motions in another posture, tempo or order. A wave in sitting, a march at double speed, sitting down
#   where only standing up was seen, jumping where only hopping was seen, bows and squats that take the hands along.
# - motions: no seen class has the same motion, only the parts are known. Both arms push, swing and rotate with nothing
#   but the path to tell them apart, a lunge and a squat both bend the knees, and a bow begins like the seen touching
#   of the toes.
BUILTIN_SPLITS: dict[str, tuple[str, ...]] = {
    "mixed": (
        "wave the left hand",
        "swipe across with the right hand",
        "drink with the left hand",
        "hop on the right leg",
        "wave the right hand while sitting",
        "jump",
        "sit down",
        "pick up from the floor",
        "push forward with both hands",
        "swing both arms forward",
        "lunge forward",
        "bow",
    ),
    "limbs": (
        "raise both hands",
        "wave the left hand",
        "box with both hands",
        "swipe across with the right hand",
        "clap",
        "drink with the left hand",
        "kick sideways with the left leg",
        "hop on the right leg",
    ),
    "postures": (
        "wave both hands",
        "wave the right hand while sitting",
        "run in place",
        "jump",
        "jumping jacks",
        "sit down",
        "touch the toes",
        "pick up from the floor",
    ),
    "motions": (
        "push forward with both hands",
        "rotate both arms",
        "swing both arms forward",
        "throw with the right hand",
        "lunge forward",
        "squat",
        "bow",
        "shake the head",
    ),
}


def perform(action: Action, subject: Subject, *, rng: np.random.Generator) -> Array:
    """(T, 25, 3) joints of one performance before any sensor sees it: x to the subject's right, y up, z backward."""
    phase = subject.phase(seconds=action.seconds, fps=FPS, rng=rng)
    manner = subject.manner(rng)
    pose = standing(len(phase), hang=np.asarray(subject.hang) + manner.shift.mean(axis=0))
    stage = Stage(phase=phase, pose=pose, manner=manner)
    if "sitting" in action.parts and action.motion not in (legs.sit_down, legs.stand_up):
        stage.seat(np.ones(len(phase)))
    action.motion(stage, action.sides)
    pose.trunk[:, 0] += subject.stoop
    idle_sway(pose, size=subject.sway, rng=rng)
    return joints(subject.body, pose)


def builtin_clip(*, action: int | str, subject: int, repetition: int, seed: int = 0) -> Clip:
    """A clip of the built-in set: one body of layout ntu25 in camera space at 30 frames per second, 40 to 110 frames.

    `action` is a name in ``BUILTIN_CLASSES`` or its index, `subject` one of 12; every `repetition` from 0 on and every
    `seed` is another performance. The clip depends on these four numbers alone. Hands, feet and, for a few frames,
    the whole body can be NaN. Raises :class:`SkeltextError` if there is no such action, subject or repetition.

    >>> clip = builtin_clip(action="clap", subject=3, repetition=0)
    >>> clip.positions.shape[2:], clip.layout.name, clip.fps
    ((25, 3), 'ntu25', 30.0)
    """
    number = _index_of(action)
    require(0 <= subject < len(SUBJECTS), f"subject {subject}: the built-in set has subjects 0 to {len(SUBJECTS) - 1}")
    require(repetition >= 0 and seed >= 0, f"repetition {repetition} and seed {seed}: give numbers from 0 on")
    rng = np.random.default_rng(np.random.SeedSequence([seed, number, subject, repetition]))
    person = SUBJECTS[subject]
    places = perform(ACTIONS[number], person, rng=rng)
    places = before_camera(places, person, yaw=person.yaw + 8.0 * rng.uniform(-1.0, 1.0))
    places += jitter(len(places), size=person.noise, rng=rng)
    lose(places, chance=person.losses, rng=rng)
    return Clip(
        positions=places[None].astype(np.float32),
        layout=NTU25,
        fps=FPS,
        source=f"built-in {BUILTIN_CLASSES[number]!r} of subject {subject}, repetition {repetition}",
    )


def _index_of(action: int | str) -> int:
    known = f"the built-in set has {len(BUILTIN_CLASSES)} actions: {', '.join(BUILTIN_CLASSES)}"
    if isinstance(action, str):
        require(action in BUILTIN_CLASSES, f"action {action!r}: {known}")
        return BUILTIN_CLASSES.index(action)
    require(0 <= action < len(BUILTIN_CLASSES), f"action {action}: {known}")
    return action
