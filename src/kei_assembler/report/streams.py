"""What every renderer of a report returns."""

from __future__ import annotations

from typing import NamedTuple


class Streams(NamedTuple):
    """What goes to stdout and to stderr."""

    out: str
    err: str
