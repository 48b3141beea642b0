"""Methods by name. A method takes ``encoder``, ``text_width`` and its own keyword options."""

from __future__ import annotations

from skeltext.methods.method import Method
from skeltext.methods.pgfa import PGFA

METHODS: dict[str, type[Method]] = {"pgfa": PGFA}
