"""The command `skeltext stream`: frames as they arrive to answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

from cyclopts import Parameter

from skeltext.commands.output import say
from skeltext.commands.recognising import AnswerOptions, ModelOptions
from skeltext.errors import SkeltextError, require

if TYPE_CHECKING:
    from skeltext.recognizer.answer import Answer
    from skeltext.recognizer.stream import Stream

JsonLines = Annotated[bool, Parameter(name="--json", negative="", help="Print a line of JSON for every answer.")]


def stream(
    file: Path | None = None,
    /,
    *,
    asked: AnswerOptions = AnswerOptions(),
    model: ModelOptions = ModelOptions(),
    fps: float = 30.0,
    layout: str | None = None,
    window: float = 2.0,
    every: int = 5,
    on: float | None = None,
    off: float | None = None,
    wait: float = 0.0,
    as_json: JsonLines = False,
) -> None:
    """Tell which of the labels you type is shown while frames arrive, a line of JSON each.

    `tracker | skeltext stream --layout coco17 --labels waving "sitting down"` reads lines such as [[x, y], ...], a
    joint each, or {"positions": ..., "time": seconds, "confidence": ...}; null is a missing number, [] a frame without
    anybody. It prints a line for every answer, and at the end how long answers took.

    --json keys: in every line seconds, label (null if refused), rejected (why), confidence, margin, person and
    probabilities (by label); in the last line frames, answers and latency (median, p95 in seconds).

    Parameters
    ----------
    file
        A file of such lines; the input stream by default.
    fps
        Frames per second.
    layout
        Layout of the frames; that of the model by default.
    window
        Seconds that are judged together.
    every
        Frames from one answer to the next.
    on
        Let a label begin at this probability and stay until it is clearly over; each answer stands alone by default.
    off
        The probability below which such a label ends; two thirds of --on by default.
    wait
        At the end of FILE, wait so many seconds for more; inf goes on until it is interrupted.
    """
    from skeltext.recognizer.stream import Stream

    require(wait >= 0, f"--wait is {wait:g}, expected a number of seconds")
    labels = asked.choose()
    live = Stream(
        model.load(),
        labels,
        fps=fps,
        layout=layout,
        window=window,
        every=every,
        on=on,
        off=off,
        false_accept=asked.false_accept,
        pair=asked.pair,
    )
    frames = 0
    with _opened(file) as lines, suppress(KeyboardInterrupt):
        for answer in _answers(live, lines, wait=wait):
            frames += 1
            if answer:
                print(_answer_line(answer, live.seconds, as_json=as_json), flush=True)
    latency = live.latency
    if as_json:
        summary = {"frames": frames, "answers": live.answers, "latency": asdict(latency) if latency else None}
        print(json.dumps(summary))
    elif latency:
        say(
            f"{frames} frames, {live.answers} answers, each in {1000 * latency.median:.1f} ms"
            f" (95 % in at most {1000 * latency.p95:.1f} ms)."
        )
    else:
        say(f"{frames} frames, no answer; {live.unseen or 'more frames are needed'}.")


@contextmanager
def _opened(file: Path | None) -> Iterator[BinaryIO]:
    """A file of lines, or the input stream."""
    if file is None:
        yield sys.stdin.buffer
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise SkeltextError(f"{file} cannot be read: {error.strerror}; name a file of frames, a line each") from error
    with opened:
        yield opened


def _answers(live: Stream, file: BinaryIO, *, wait: float) -> Iterator[Answer | None]:
    """What the stream says to every frame; whatever is wrong is told with the number of the line."""
    from skeltext.errors import SkeltextError
    from skeltext.recognizer.frame_lines import frame_lines, frame_of

    for number, line in enumerate(frame_lines(file, wait=wait), 1):
        if not line.strip():
            continue
        try:
            frame = frame_of(line, live.layout)
            answer = live.push(frame.positions, confidence=frame.confidence, time=frame.time)
        except SkeltextError as error:
            raise SkeltextError(f"line {number}: {error}") from error
        yield answer


def _answer_line(answer: Answer, seconds: float, *, as_json: bool) -> str:
    if as_json:
        whole = answer.to_dict()
        kept = {key: whole[key] for key in ("label", "rejected", "confidence", "margin", "person")}
        shares = {guess["label"]: guess["probability"] for guess in whole["guesses"]}
        return json.dumps({"seconds": round(seconds, 3)} | kept | {"probabilities": shares})
    shown = answer.label or f"none of the labels: {answer.rejected}"
    return f"{seconds:9.2f} s  {answer.confidence:4.0%}  {shown}"
