"""A live stream: frames go in one by one, answers come out, and only the last seconds are kept."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from math import isfinite
from time import perf_counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError, require
from skeltext.recognizer.answer import Answer
from skeltext.recognizer.hysteresis import Hysteresis
from skeltext.recognizer.label_set import Labels, LabelSet
from skeltext.recognizer.model import Floats
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.windows import frames_in
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import layout_named

REMEMBERED = 100  # answers whose time is kept


@dataclass(frozen=True)
class Latency:
    """Seconds from a frame to its answer: how many answers were measured, their median and 95th percentile."""

    answers: int
    median: float
    p95: float


class _Frame(NamedTuple):
    """(M, V, C) positions of everybody in a frame and, where it came with them, (M, V) confidence."""

    positions: Floats
    confidence: Floats | None


class Stream:
    """Answers while frames arrive: :meth:`push` takes a frame and gives an answer every `every` frames.

    The last `window` seconds of frames are kept and judged as :meth:`Recognizer.predict` judges a clip of them, with
    the same `false_accept` and `pair`, once `fewest` frames are there or as many as are kept. `layout` is that of the
    frames, by default the model's. With `on` a label stays until it is clearly over (:class:`Hysteresis`), so that it
    does not flicker; without it every answer stands for itself.

    ``labels`` may be replaced while the stream runs. ``answers`` counts the answers, ``unseen`` is why the last one
    could not be given, empty where it was. Labels, thresholds and layout are tried when the stream is made, with
    :class:`SkeltextError` for what is wrong.
    """

    _newest: int
    _answered: int

    def __init__(
        self,
        recognizer: Recognizer,
        labels: Labels,
        *,
        fps: float = 30.0,
        layout: str | Layout | None = None,
        window: float = 2.0,
        every: int = 5,
        fewest: int = 8,
        on: float | None = None,
        off: float | None = None,
        false_accept: float | None = None,
        pair: bool | None = None,
    ) -> None:
        require(every > 0 and fewest > 0, f"an answer every {every} frames from {fewest} on, expected at least 1")
        require(isfinite(fps) and fps > 0, f"{fps} frames per second, expected a positive rate")
        self.recognizer, self.labels, self.fps = recognizer, LabelSet.for_question(labels), fps
        own = recognizer.card.preprocessing.layout
        self.layout = layout_named(layout) if isinstance(layout, str) else layout or own
        self._length = frames_in(window, fps=fps, of="window")
        self.every, self.fewest = every, min(fewest, self._length)
        self.false_accept, self.pair = false_accept, pair
        self._hysteresis = Hysteresis[str](on=on, off=off) if on is not None else None
        self._slots: deque[_Frame | None] = deque(maxlen=self._length)  # None where no frame came
        self._took: deque[float] = deque(maxlen=REMEMBERED)
        self.reset()
        self._try_out()

    def reset(self) -> None:
        """Forget every frame, the label that holds and the latency."""
        self._start_again()
        self._took.clear()
        self.answers = 0

    def push(
        self, frame: npt.ArrayLike, *, confidence: npt.ArrayLike | None = None, time: float | None = None
    ) -> Answer | None:
        """Take a frame, (V, C) of one person or (M, V, C) of several in the same order each time, NaN where missing.

        `time` is in seconds by any clock. Frames that are left out are missing in the window, a late one is put where
        it belongs, and after a jump back by more than the window the stream starts again. Without it frames follow each
        other at the rate of the stream.

        None where no answer is due, and where the frames show too little of anybody to be judged; then :attr:`unseen`
        says why. Raises :class:`SkeltextError` for a frame that does not fit the layout.
        """
        began = perf_counter()
        if not self._put(self._frame(frame, confidence), time):
            return None
        there = sum(slot is not None for slot in self._slots)
        if self._newest - self._answered < self.every or there < self.fewest:
            return None
        self._answered = self._newest
        answer = self._answer()
        if answer is not None:
            self._took.append(perf_counter() - began)
            self.answers += 1
        return answer

    @property
    def latency(self) -> Latency | None:
        """How long the last answers took, None before the first."""
        if not self._took:
            return None
        median, p95 = np.percentile(self._took, [50, 95]).tolist()
        return Latency(answers=len(self._took), median=median, p95=p95)

    @property
    def seconds(self) -> float:
        """The time of the newest frame."""
        return self._origin + self._newest / self.fps

    @property
    def clip(self) -> Clip:
        """The frames that are kept, which is what the next answer is about."""
        kept = [slot for slot in self._slots if slot is not None]
        require(kept, "no frame has come yet; push one first")
        shape = (max(1, *(len(frame.positions) for frame in kept)), len(self._slots), self.layout.V, self.layout.C)
        positions = np.full(shape, np.nan, np.float32)  # (M, T, V, C)
        confidence = np.zeros(shape[:3], np.float32)
        for t, slot in enumerate(self._slots):
            if slot is not None:
                people = len(slot.positions)
                positions[:people, t] = slot.positions
                confidence[:people, t] = 1 if slot.confidence is None else slot.confidence
        told = any(frame.confidence is not None for frame in kept)
        return Clip(
            positions=positions,
            layout=self.layout,
            fps=self.fps,
            confidence=confidence if told else None,
            source="the stream",
        )

    def _start_again(self) -> None:
        self._slots.clear()
        self._origin = 0.0
        self._newest = self._answered = -1  # frames are numbered from there
        self.unseen = ""
        if self._hysteresis:
            self._hysteresis.reset()

    def _try_out(self) -> None:
        """Answer for random joints, so that texts are embedded and what is wrong is told before the first frame."""
        shape = (1 + bool(self.pair), self._length, self.layout.V, self.layout.C)
        joints = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        self._predict(Clip(positions=joints, layout=self.layout, fps=self.fps, source="the stream"))

    def _predict(self, clip: Clip) -> Answer:
        return self.recognizer.predict(clip, self.labels, false_accept=self.false_accept, pair=self.pair)

    def _frame(self, given: npt.ArrayLike, confidence: npt.ArrayLike | None) -> _Frame:
        """A frame in our own memory; :class:`SkeltextError` if it does not fit the layout."""
        positions, sure = _numbers(given), None if confidence is None else _numbers(confidence)
        wanted = (self.layout.V, self.layout.C)
        several = positions[None] if positions.ndim == 2 else positions
        require(
            several.ndim == 3 and several.shape[1:] == wanted,
            f"a frame of shape {positions.shape}, expected {wanted} or (bodies, {wanted[0]}, {wanted[1]}) for layout"
            f" {self.layout.name}",
        )
        require(not np.isinf(several).any(), "a position is infinite; missing joints must be NaN")
        require(
            sure is None or sure.shape == positions.shape[:-1],
            f"confidence of shape {None if sure is None else sure.shape}, expected {positions.shape[:-1]}",
        )
        return _Frame(several, None if sure is None else sure.reshape(several.shape[:2]))

    def _put(self, frame: _Frame, time: float | None) -> bool:
        """Put a frame where its time is; whether it is the newest."""
        require(time is None or isfinite(time), f"a frame has the time {time}, expected seconds")
        slot = self._newest + 1 if time is None else round((time - self._origin) * self.fps)
        if self._newest - slot >= self._length or not self._slots:
            self._start_again()
            self._origin, slot = time or 0.0, 0
        ahead = slot - self._newest
        if ahead <= 0:
            if -ahead < len(self._slots):
                self._slots[ahead - 1] = frame
            return False
        self._slots.extend([None] * (min(ahead, self._length) - 1))
        self._slots.append(frame)
        self._newest = slot
        return True

    def _answer(self) -> Answer | None:
        try:
            answer = self._predict(self.clip)
        except SkeltextError as error:  # labels and layout are fine, so it is what the frames show
            self.unseen = str(error)
            if self._hysteresis:
                self._hysteresis.reset()
            return None
        self.unseen = ""
        if not self._hysteresis:
            return answer
        shares = {guess.label: 0.0 if answer.rejected else guess.probability for guess in answer.guesses}
        label = self._hysteresis(shares)
        unsure = "" if label else f"no label has reached {self._hysteresis.on:.0%}"
        return replace(answer, label=label, rejected=answer.rejected or unsure)


def _numbers(given: npt.ArrayLike) -> Floats:
    """An array of our own."""
    try:
        with np.errstate(over="ignore"):  # becomes infinite, which is refused
            return np.array(given, np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise SkeltextError(f"a frame is no array of numbers ({error}); give positions of shape (V, C)") from error
