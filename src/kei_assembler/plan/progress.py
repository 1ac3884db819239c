"""How far a long run is, for those who wait for it at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import TextIO, TypeVar

Item = TypeVar("Item")

_SILENT_FOR, _EVERY = 1.0, 0.1
"""Seconds before the first word, and between two."""


def told(items: Sequence[Item]) -> Iterator[Item]:
    """Yield the items; where stderr is a terminal and they take longer than a second, say there how many are done."""
    stream = sys.stderr
    return _told(items, stream) if stream is not None and stream.isatty() else iter(items)


def _told(items: Sequence[Item], stream: TextIO) -> Iterator[Item]:
    due, line = monotonic() + _SILENT_FOR, ""
    try:
        for index, item in enumerate(items):
            if monotonic() >= due:
                due, line = monotonic() + _EVERY, f"{index / len(items):4.0%} of the manifests are read"
                _show(stream, f"\r{line}")
            yield item
    finally:
        if line:
            _show(stream, f"\r{' ' * len(line)}\r")


def _show(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()
