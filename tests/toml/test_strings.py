"""Where the lines of strings are written in TOML."""

from __future__ import annotations

import pytest
import rtoml
from hypothesis import given
from hypothesis import strategies as st

from kei_assembler.diagnostics import KeyPath
from kei_assembler.toml.source import read_toml
from kei_assembler.toml.strings import Written, written_at


def _written(text: str, path: KeyPath) -> Written | None:
    return written_at(read_toml("a.toml", text.encode()), path)


@pytest.mark.parametrize(
    ("text", "path", "value", "lines"),
    [
        ('a = "x"', ("a",), "x", [(1, 1)]),
        ("b = 1\n\"a\" = 'x\\'", ("a",), "x\\", [(2, 2)]),
        ('a = "x\\ny"', ("a",), "x\ny", [(1, 1), (1, 1)]),
        ('a = """\nx\n\ny\n"""', ("a",), "x\n\ny\n", [(2, 2), (3, 3), (4, 4), (5, 5)]),
        ("a = '''x\ny'''", ("a",), "x\ny", [(1, 1), (2, 2)]),
        ('a = """\nx \\\n\n  y\nz"""', ("a",), "x y\nz", [(2, 4), (5, 5)]),
        ('a = """\\\n  x"""', ("a",), "x", [(2, 2)]),
        ('a = """x""""', ("a",), 'x"', [(1, 1)]),
        ('a = """x"""""', ("a",), 'x""', [(1, 1)]),
        ('a = """"x"""', ("a",), '"x', [(1, 1)]),
        ('a = ""', ("a",), "", [(1, 1)]),
        ('a = """"""', ("a",), "", [(1, 1)]),
        ('a = "\\u00e9\\U0001F600\\t\\"\\\\"', ("a",), 'é😀\t"\\', [(1, 1)]),
        ('[t]\nl = [\n  "x", # c\n  "é", "y",\n]', ("t", "l", 2), "y", [(4, 4)]),
        ('a.b = { c = """x\ny""" }', ("a", "b", "c"), "x\ny", [(1, 1), (2, 2)]),
        ('[[a]]\nb = "x"\n[[a]]\nb = "y"', ("a", 1, "b"), "y", [(4, 4)]),
    ],
)
def test_a_string_is_found(text: str, path: KeyPath, value: str, lines: list[tuple[int, int]]) -> None:
    assert _written(text, path) == Written(value, tuple(lines))


@pytest.mark.parametrize(
    ("text", "path"), [("a = 1", ("a",)), ("a = [1]", ("a", 0)), ("[a]\nb = 1", ("a",)), ("", ("a",))]
)
def test_what_is_no_string_is_not_found(text: str, path: KeyPath) -> None:
    assert _written(text, path) is None


PIECES = st.lists(st.sampled_from(["x", "é", "\n", '"', "'", "\\", "\t", "  ", "\x1b", "\u2028", "# "]), max_size=12)


@given(PIECES.map("".join), st.booleans())
def test_all_strings_are_read(value: str, pretty: bool) -> None:
    text = rtoml.dumps({"b": 1, "a": value, "l": ["x", value]}, pretty=pretty)
    source = read_toml("a.toml", text.encode())
    paths: tuple[KeyPath, ...] = (("a",), ("l", 1))
    for path in paths:
        written = written_at(source, path)
        assert written
        assert written.value == value
        assert len(written.lines) == value.count("\n") + 1
        assert [*written.lines] == sorted(written.lines)
