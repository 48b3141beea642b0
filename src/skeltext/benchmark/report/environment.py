"""How the pages are filled in: every value is escaped, and whatever a page needs lies in it."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING

from skeltext.benchmark.report import words
from skeltext.errors import SkeltextError

if TYPE_CHECKING:
    from jinja2 import Environment


def page_environment() -> Environment:
    """Jinja with every value escaped; a NaN that slipped into the JSON is an error here and not in the browser.

    Raises :class:`SkeltextError` if the package is missing.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise SkeltextError("the page needs the package jinja2: pip install 'skeltext[plot]'") from error
    environment = Environment(
        loader=PackageLoader("skeltext.benchmark.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "separators": (",", ":"),
        "allow_nan": False,
        "default": methodcaller("item"),  # numpy scalars
    }
    environment.filters["percent"] = words.percent
    return environment
