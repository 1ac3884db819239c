"""The progress of a long run, shown on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import TypeVar

Item = TypeVar("Item")

_DELAY, _INTERVAL = 1.0, 0.1
"""Seconds before the first update, and between updates."""


def with_progress(items: Sequence[Item]) -> Iterator[Item]:
    """Yield the items. If stderr is a terminal and they take longer than a second, show there how many are done."""
    stream = sys.stderr
    if stream is None or not stream.isatty():
        yield from items
        return
    due, line = monotonic() + _DELAY, ""
    try:
        for index, item in enumerate(items):
            if monotonic() >= due:
                due, line = monotonic() + _INTERVAL, f"{index / len(items):4.0%} of the manifests are read"
                stream.write(f"\r{line}")
                stream.flush()
            yield item
    finally:
        if line:
            stream.write(f"\r{' ' * len(line)}\r")
            stream.flush()
