"""An explanation to look at: an SVG with a row of stick figures over time, coloured by what carries the score.

It needs no other file and scales to any size. Names and numbers are told where the pointer rests.
"""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np
import numpy.typing as npt

from skeltext.recognizer.explain import Explanation
from skeltext.recognizer.model import Floats
from skeltext.skeletons.steps import centre_each_frame, face_forward

_SCALE = ("#d9d9d9", "#fdbb84", "#e34a33", "#7f0000")
"""From nothing to most, ever darker, so that it reads without colours, too: OrRd of ColorBrewer (Harrower 2003)."""
_CELL, _FIGURE, _BAR, _HEAD, _FOOT, _MARGIN = 92, 190, 44, 44, 62, 16  # in units of the picture
_GRADIENT = "carried"

Array = npt.NDArray[np.floating]


def stick_figures(explanation: Explanation) -> str:
    """The text of an SVG: for each part of the time a figure seen from ahead, and below it a bar for that part."""
    parts = len(explanation.frames)
    width, height = 2 * _MARGIN + _CELL * parts, _HEAD + _FIGURE + _BAR + _FOOT
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width} {height}", "role": "img"})
    title = _printable(f"What carries the score of {explanation.label!r}, {explanation.score:.3g}")
    SubElement(svg, "title").text = title
    SubElement(svg, "rect", {"width": str(width), "height": str(height), "fill": "#ffffff"})
    _write(svg, title, x=_MARGIN, y=26, size=15)
    shares = _shares(explanation.joints)
    figures = _in_cells(explanation)
    for part in range(parts):
        _figure(svg, figures[part] + [_MARGIN + _CELL * part, _HEAD], shares, explanation)
    _frame_bars(svg, explanation, top=_HEAD + _FIGURE)
    _legend(svg, explanation, top=height - 26, right=width - _MARGIN)
    ElementTree.indent(svg)
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


def colour(share: float) -> str:
    """The colour of a share of the most that is carried, between 0 and 1.

    >>> colour(0), colour(1), colour(0.5)
    ('#d9d9d9', '#7f0000', '#f0825c')
    """
    stops = np.array([[int(code[at : at + 2], 16) for at in (1, 3, 5)] for code in _SCALE])
    where = np.linspace(0, 1, len(stops))
    return "#" + "".join(f"{round(float(np.interp(share, where, channel))):02x}" for channel in stops.T)


def _shares(drops: Floats) -> Array:
    """Drops as shares of the greatest; nothing is carried by what the score is higher without."""
    return np.maximum(drops, 0) / max(float(drops.max()), 1e-12)


def _in_cells(explanation: Explanation) -> Array:
    """(parts, M, V, 2) places in a cell of the middle frames of every part of the time, seen from ahead.

    Bodies that face forward have their right side at +x, which is to the left for whoever they face. Pictures of bodies
    stay as the camera saw them.
    """
    layout, motion = explanation.layout, explanation.motion
    bodies = motion.transpose(3, 1, 2, 0)  # C T V M -> M T V C
    bodies = centre_each_frame(bodies[np.nan_to_num(bodies).any(axis=(1, 2, 3))], layout)  # without those never there
    if layout.C == 3:
        bodies = -face_forward(bodies, layout)  # x to the right of the picture and y down
    parts = len(explanation.frames)
    middles = ((np.arange(parts) + 0.5) * bodies.shape[1] / parts).astype(int)
    places = bodies[:, middles, :, :2].swapaxes(0, 1).astype(np.float64)
    low, high = places.min(axis=(0, 1, 2), initial=0.0), places.max(axis=(0, 1, 2), initial=0.0)
    room = np.array([_CELL, _FIGURE]) - 2 * 10
    scale = float((room / np.maximum(high - low, 1e-9)).min())
    return np.asarray((places - (low + high) / 2) * scale + np.array([_CELL, _FIGURE]) / 2)


def _figure(svg: Element, bodies: Array, shares: Array, explanation: Explanation) -> None:
    """Bones and joints of the bodies (M, V, 2); a bone has the colour of its outer joint, what carries most on top."""
    layout = explanation.layout
    figure = SubElement(svg, "g", {"stroke-linecap": "round"})
    for places in bodies:
        x, y = ([f"{value:.1f}" for value in values] for values in places.T)
        for joint, parent in sorted(layout.bones, key=lambda bone: float(shares[bone[0]])):
            ends = {"x1": x[joint], "y1": y[joint], "x2": x[parent], "y2": y[parent]}
            stroke = {"stroke": colour(shares[joint]), "stroke-width": f"{2 + 2 * shares[joint]:.1f}"}
            SubElement(figure, "line", ends | stroke)
        for joint in np.argsort(shares, kind="stable").tolist():
            place = {"cx": x[joint], "cy": y[joint], "r": f"{2 + 3 * shares[joint]:.1f}"}
            dot = SubElement(figure, "circle", place | {"fill": colour(shares[joint])})
            SubElement(dot, "title").text = f"{layout.joints[joint]}: {explanation.joints[joint]:+.3g}"


def _frame_bars(svg: Element, explanation: Explanation, *, top: float) -> None:
    """A bar for every part of the time, as high and as dark as what it carries, and the time below it."""
    for part, share in enumerate(_shares(explanation.frames)):
        left, high = _MARGIN + _CELL * part, 2 + (_BAR - 2) * share
        place = {"x": f"{left + 2}", "y": f"{top + _BAR - high:.1f}", "width": f"{_CELL - 4}", "height": f"{high:.1f}"}
        bar = SubElement(svg, "rect", place | {"fill": colour(share)})
        when = explanation.when(part)
        SubElement(bar, "title").text = f"{when}: {explanation.frames[part]:+.3g}"
        _write(svg, when, x=left + _CELL / 2, y=top + _BAR + 14, anchor="middle")


def _legend(svg: Element, explanation: Explanation, *, top: float, right: float) -> None:
    """What the colours stand for."""
    gradient = SubElement(SubElement(svg, "defs"), "linearGradient", {"id": _GRADIENT})
    for at, code in zip(np.linspace(0, 1, len(_SCALE)), _SCALE, strict=True):
        SubElement(gradient, "stop", {"offset": f"{at:.3f}", "stop-color": code})
    place = {"x": f"{_MARGIN + 46}", "y": f"{top}", "width": "120", "height": "10"}
    SubElement(svg, "rect", place | {"fill": f"url(#{_GRADIENT})"})
    _write(svg, "nothing", x=_MARGIN, y=top + 9)
    most = (
        f"most: {max(explanation.joints.max(), 0):.3g} for a joint, {max(explanation.frames.max(), 0):.3g} for a time"
    )
    _write(svg, most, x=_MARGIN + 172, y=top + 9)
    _write(svg, "of the score is carried by this motion", x=right, y=top + 9, anchor="end")


def _write(svg: Element, text: str, *, x: float, y: float, size: int = 11, anchor: str = "start") -> None:
    place = {"x": f"{x:g}", "y": f"{y:g}", "font-size": str(size), "text-anchor": anchor}
    SubElement(svg, "text", place | {"font-family": "system-ui, sans-serif", "fill": "#1b1b1b"}).text = text


def _printable(text: str) -> str:
    """A text as XML may hold it."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
