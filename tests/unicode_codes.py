"""The code points in the tables of Unicode's data."""

from __future__ import annotations

from collections.abc import Iterator


def codes(ranges: str) -> Iterator[int]:
    """Yield the code points in ranges such as `23 2A 30-39`."""
    for part in ranges.split():
        first, _, last = part.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)
