"""The one error a user can cause."""

from __future__ import annotations


class SkeltextError(Exception):
    """One sentence for the user: what was found, what was expected and what to do.

    The command line prints it and exits with code 2; a library caller catches it like any other exception.

    >>> raise SkeltextError("clip.npz holds 17 joints where ntu25 has 25: name its layout with --layout")
    Traceback (most recent call last):
    ...
    skeltext.errors.SkeltextError: clip.npz holds 17 joints where ntu25 has 25: name its layout with --layout
    """


def require(condition: object, message: str) -> None:
    """Raise :class:`SkeltextError` with `message` unless `condition` holds.

    >>> require(True, "never seen")
    """
    if not condition:
        raise SkeltextError(message)
