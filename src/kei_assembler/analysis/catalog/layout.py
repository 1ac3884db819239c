"""Place the nodes of a graph in a drawing. The same graph has the same layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, cos, pi, sin, sqrt
from statistics import fmean

from kei_assembler.analysis.graph import Edge, Key
from kei_assembler.records import NamedTuple

WIDTH, HEIGHT = 168, 36
"""The size of a node."""

GAP = 72
"""The space between two columns."""

_GAP_Y, _MARGIN = 16, 28
_MAX_COLUMNS = 8
"""Up to so many columns are in one band."""

_GAP_OF_BANDS = 40
_SHAPE = 1.8
"""How many times wider than high a drawing in bands is."""

_BULGE = 60
"""The space for edges on the right of the last column."""

_SWEEPS = 8
_MIN_ROWS = 8
_ROWS_PER_ROOT = 1.6
"""A column has at most this many rows, times the square root of the number of nodes."""

_IN_RING = range(3, 25)
"""How many nodes a ring can have."""

_MIN_RADIUS, _RADIUS_PER_NODE = (290, 180), (30, 12)

Point = tuple[float, float]


class Layout(NamedTuple):
    """The middle of each node, and the size of the drawing. Nodes are in columns, or in a ring."""

    places: Mapping[Key, Point]
    size: Point
    is_ring: bool = False


def layout(keys: Sequence[Key], edges: Sequence[Edge]) -> Layout:
    """Return a layout of nodes in columns, or in a ring if columns of a few nodes would not show a direction.

    A node is as many columns away from the first one as the shortest way to it has steps. The nodes that none leads to
    are in the first column; without such nodes, the first one of each part of the graph is.
    """
    following: dict[Key, list[Key]] = {key: [] for key in keys}
    before: dict[Key, list[Key]] = {key: [] for key in keys}
    pairs = [pair for pair in dict.fromkeys((edge.start, edge.end) for edge in edges) if pair[0] != pair[1]]
    for start, end in pairs:
        following[start].append(end)
        before[end].append(start)
    columns = _split(_columns(keys, following, before))
    number = {key: index for index, column in enumerate(columns) for key in column}
    forward = sum(number[start] < number[end] for start, end in pairs)
    if len(keys) in _IN_RING and 2 * forward < len(pairs):
        return _ring(keys)
    _order(columns, following, before)
    return in_columns(columns)


def in_columns(columns: Sequence[Sequence[Key]]) -> Layout:
    """Return a layout with these columns, from left to right.

    Many columns are in several bands, one below the other, and every second band goes from right to left.
    """
    rows = max(map(len, columns), default=0)
    shape = len(columns) * (WIDTH + GAP) / (max(rows, 1) * (HEIGHT + _GAP_Y))
    bands = max(1, round(sqrt(shape / _SHAPE))) if len(columns) > _MAX_COLUMNS else 1
    per_band = ceil(len(columns) / bands)
    places: dict[Key, Point] = {}
    top = float(_MARGIN)
    for start in range(0, len(columns), max(per_band, 1)):
        band = columns[start : start + per_band]
        height = max(map(len, band)) * (HEIGHT + _GAP_Y)
        for index, column in enumerate(band):
            number = index if start // per_band % 2 == 0 else per_band - 1 - index
            x = _MARGIN + WIDTH / 2 + number * (WIDTH + GAP)
            y = top + HEIGHT / 2 + (height - len(column) * (HEIGHT + _GAP_Y)) / 2
            places |= {key: (x, y + row * (HEIGHT + _GAP_Y)) for row, key in enumerate(column)}
        top += height + _GAP_OF_BANDS
    wide = per_band * (WIDTH + GAP) - GAP + _MARGIN + _BULGE
    return Layout(places, (wide, top - _GAP_OF_BANDS - _GAP_Y + _MARGIN))


def _ring(keys: Sequence[Key]) -> Layout:
    radius_x, radius_y = (
        max(least, per_node * len(keys)) for least, per_node in zip(_MIN_RADIUS, _RADIUS_PER_NODE, strict=True)
    )
    middle = _MARGIN + WIDTH / 2 + radius_x, _MARGIN + HEIGHT / 2 + radius_y
    angles = [2 * pi * index / len(keys) - pi / 2 for index in range(len(keys))]
    places = {
        key: (round(middle[0] + radius_x * cos(angle), 1), round(middle[1] + radius_y * sin(angle), 1))
        for key, angle in zip(keys, angles, strict=True)
    }
    return Layout(places, (2 * middle[0], 2 * middle[1]), is_ring=True)


def _columns(
    keys: Sequence[Key], following: Mapping[Key, Sequence[Key]], before: Mapping[Key, Sequence[Key]]
) -> list[list[Key]]:
    """The nodes by their distance from those that come first. Those without edges are in the last column."""
    found: dict[Key, int] = {}
    first = [key for key in keys if following[key] and not before[key]]
    alone = {key for key in keys if not following[key] and not before[key]}
    for start in ([first] if first else []) + [[key] for key in keys if key not in alone]:
        waiting = [key for key in start if key not in found]
        found |= dict.fromkeys(waiting, 0)
        for key in waiting:
            for end in following[key]:
                if end not in found:
                    found[end] = found[key] + 1
                    waiting.append(end)
    columns: list[list[Key]] = [[] for _ in range(max(found.values(), default=-1) + 1)]
    for key in keys:
        if key in found:
            columns[found[key]].append(key)
    return [*columns, *([[key for key in keys if key in alone]] if alone else [])]


def _split(columns: list[list[Key]]) -> list[list[Key]]:
    """Split columns that are much higher than the graph is wide."""
    most = max(_MIN_ROWS, ceil(_ROWS_PER_ROOT * sqrt(sum(map(len, columns)))))
    return [column[start : start + most] for column in columns for start in range(0, len(column), most)]


def _order(
    columns: list[list[Key]], following: Mapping[Key, Sequence[Key]], before: Mapping[Key, Sequence[Key]]
) -> None:
    """Sort each column so that nodes are near those that they are connected with: the barycenter heuristic."""
    row = {key: index - len(column) / 2 for column in columns for index, key in enumerate(column)}
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            near = before if sweep % 2 == 0 else following
            wanted = {key: fmean(map(row.__getitem__, near[key])) if near[key] else row[key] for key in column}
            column.sort(key=lambda key: (wanted[key], key))
            row |= {key: index - len(column) / 2 for index, key in enumerate(column)}


def curve(start: Point, end: Point, is_ring: bool) -> str:
    """Return the path of an edge between two nodes, in the syntax of SVG. Edges in both directions do not overlap."""
    if start == end:
        x, y = start[0] + WIDTH / 2, start[1]
        return f"M{x:g} {y - 8:g}C{x + GAP / 2:g} {y - 24:g} {x + GAP / 2:g} {y + 24:g} {x:g} {y + 8:g}"
    return _chord(start, end) if is_ring else _between_columns(start, end)


_OFFSET = 6
"""How far from the middle of a side an edge ends: below it for an edge to the left, otherwise above."""

_BEND = 0.08
"""How far the middle of a chord is from a straight line, as a part of its length."""


def _between_columns(start: Point, end: Point) -> str:
    direction = (end[0] > start[0]) - (end[0] < start[0])
    side = WIDTH / 2
    x1, x2 = start[0] + (side if direction >= 0 else -side), end[0] + (-side if direction > 0 else side)
    offset = _OFFSET if direction < 0 else -_OFFSET
    y1, y2 = start[1] + offset, end[1] + (offset if direction else -offset)
    if not direction:  # in the same column
        bend = GAP / 2 + min(abs(y2 - y1) / 12, GAP / 3)
        return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 + bend:g} {y2:g} {x2:g} {y2:g}"
    bend = round(max(GAP / 2, abs(x2 - x1) / 3), 1) * direction
    return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"


def _chord(start: Point, end: Point) -> str:
    over = end[0] - start[0], end[1] - start[1]
    middle = (start[0] + end[0]) / 2 - _BEND * over[1], (start[1] + end[1]) / 2 + _BEND * over[0]
    (x1, y1), (x2, y2) = _border(start, middle), _border(end, middle)
    return f"M{x1:.1f} {y1:.1f}Q{middle[0]:.1f} {middle[1]:.1f} {x2:.1f} {y2:.1f}"


def _border(center: Point, towards: Point) -> Point:
    """The point on the border of a node from which a line leads to a point outside it."""
    over = towards[0] - center[0], towards[1] - center[1]
    part = min(size / 2 / abs(way) for size, way in zip((WIDTH, HEIGHT), over, strict=True) if way)
    return center[0] + over[0] * min(part, 1), center[1] + over[1] * min(part, 1)
