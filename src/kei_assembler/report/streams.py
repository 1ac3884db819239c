"""The return type of the report renderers."""

from __future__ import annotations

from typing import NamedTuple


class Streams(NamedTuple):
    """The text for stdout and the text for stderr."""

    out: str
    err: str
