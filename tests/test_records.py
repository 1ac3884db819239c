"""Named tuples and patterns that cost less than those of the standard library have the same behavior."""

from __future__ import annotations

import pickle
import re

import pytest

from kei_assembler import lazy_re
from kei_assembler.records import NamedTuple


class Point(NamedTuple):
    """A place."""

    x: int
    y: int = 2

    @property
    def total(self) -> int:
        """The sum of both."""
        return self.x + self.y

    @classmethod
    def origin(cls) -> Point:
        """Return the place where both are 0."""
        return cls(0, 0)


def test_fields_and_defaults() -> None:
    assert (Point._fields, Point._field_defaults) == (("x", "y"), {"y": 2})
    assert (Point(1), Point(1, y=3)) == ((1, 2), (1, 3))
    assert Point(1)._replace(x=5) == Point(1).__replace__(x=5) == (5, 2)  # type: ignore[attr-defined]


def test_methods_and_names() -> None:
    assert (Point(1).total, Point.origin()) == (3, (0, 0))
    assert repr(Point(1)) == "Point(x=1, y=2)"
    assert (Point.__doc__, Point.__module__, Point.__qualname__) == ("A place.", __name__, "Point")
    assert list(Point.__annotations__) == ["x", "y"]


def test_it_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Point(3))) == Point(3)


def test_it_refuses_other_arguments() -> None:
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        Point(1).x = 2  # type: ignore[misc]


def test_a_pattern_is_compiled_when_it_is_used() -> None:
    pattern = lazy_re.compile("(a", re.IGNORECASE)
    with pytest.raises(re.error):
        pattern.match("a")


def test_a_pattern_has_the_attributes_of_a_compiled_one() -> None:
    pattern = lazy_re.compile("(?P<first>a)b", re.IGNORECASE)
    match = pattern.fullmatch("AB")
    assert match
    assert match["first"] == "A"
    assert (pattern.pattern, pattern.flags) == ("(?P<first>a)b", re.IGNORECASE | re.UNICODE)
    assert pattern.sub("-", "xaby") == "x-y"
