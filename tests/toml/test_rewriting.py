"""Edits of TOML text: each changes what it says, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
import rtoml
from hypothesis import given
from hypothesis import strategies as st

from kei_assembler.diagnostics import KeyPath
from kei_assembler.toml.rewriting import OPERATIONS
from kei_assembler.toml.source import Source


def _made(text: str, operation: str, path: KeyPath, *arguments: Any) -> str | None:
    """Return the text after an operation, or None if it is not possible."""
    splices = OPERATIONS[operation](Source("a.toml", text), path, *arguments)
    made = text
    for splice in sorted(splices, reverse=True):
        made = made[: splice.start] + splice.text + made[splice.end :]
    return made if splices else None


@pytest.mark.parametrize(
    ("text", "path", "key", "expected"),
    [
        ('a = 1 # x\nb = ""\n', ("a",), "c", 'c = 1 # x\nb = ""\n'),
        ("a.b = 1\na.c = 2\n", ("a",), "x", "x.b = 1\nx.c = 2\n"),
        ("[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\n", ("a",), "x", "[[x]]\nb = 1\n[[x]]\nb = 2\n[x.c]\n"),
        ("[[a]]\nb = 1\n[[a]]\nb = 2\n", ("a", 1, "b"), "c", "[[a]]\nb = 1\n[[a]]\nc = 2\n"),
        ("t = { 'a' = 1 }", ("t", "a"), "c d", 't = { "c d" = 1 }'),
        ("a = 1\nb = 2\n", ("a",), "b", None),
    ],
)
def test_a_key_is_renamed(text: str, path: KeyPath, key: str, expected: str | None) -> None:
    assert _made(text, "renamed", path, key) == expected


@pytest.mark.parametrize(
    ("text", "path", "words", "expected"),
    [
        ("a = 'x' # x\n", ("a",), ("x", "y"), "a = 'y' # x\n"),
        ('a = ["z", "x"]\n', ("a", 1), ("x", "y"), 'a = ["z", "y"]\n'),
        ('a = ["z", """x"""]\n', ("a", 1), ("x", "y"), 'a = ["z", "y"]\n'),
        ('a = "x"\n', ("a",), ("x", 'y"\\'), "a = 'y\"\\'\n"),
        ('a = ["T(x)"]\n', ("a", 0), ("x", "y"), 'a = ["T(y)"]\n'),
        ('a = "x, x"\n', ("a",), ("x", "y"), None),
        ('a = "\\u0078"\n', ("a",), ("x", "y"), 'a = "y"\n'),
        ("[a]\n", ("a",), ("x", "y"), None),
    ],
)
def test_a_string_is_replaced(text: str, path: KeyPath, words: tuple[str, str], expected: str | None) -> None:
    assert _made(text, "replaced", path, *words) == expected


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ('a = ["x", "y", "x"]', [0, 1], 'a = ["x", "y"]'),
        ('a = ["x","y",]', [0], 'a = ["x",]'),
        ('a = ["x", "y", "x"]', [1, 2], 'a = ["y", "x"]'),
        ('a = ["x", "y", "z"]', [0, 2], 'a = ["x", "z"]'),
        ('a = ["x",]', [], "a = []"),
        ("a = []", ["x", "y"], 'a = ["x", "y"]'),
        ("a = ['x', 'y']", ["z", 1, 0], "a = [\"z\", 'y', 'x']"),
        ('a = ["x"]', [0, "y"], 'a = ["x", "y"]'),
        ('a = ["x"]', ["y", 0], 'a = ["y", "x"]'),
        ('a = ["x",\n  "y", "x"]', [0, 1], 'a = ["x",\n  "y"]'),
        ('a = ["x", # c\n  "y"]', [1], None),
        ('a = ["x", # c\n  "y", "y"]', [0, 1], 'a = ["x", # c\n  "y"]'),
        ('a = [\n  "x", # 1\n  # 2\n  "y"\n]', [1, 0], 'a = [\n  # 2\n  "y",\n  "x", # 1\n]'),
        ('a = [\n  "x", # 1\n  # 2\n  "y" # 3\n]', [0], 'a = [\n  "x", # 1\n  # 2\n  # 3\n]'),
        ('a = [ # 0\n  "x" # 1\n  # 2\n]', [0, "y"], 'a = [ # 0\n  "x", # 1\n  "y",\n  # 2\n]'),
        ('a = [\n  "x"\n]', ["y", 0], 'a = [\n  "y",\n  "x"\n]'),
        ('a = [\n  "x",\n  "y",\n]', [0], 'a = [\n  "x",\n]'),
        ('a = ["x"]', [0], None),
        ("a = 1", ["x"], None),
    ],
)
def test_a_list_gets_other_entries(text: str, order: list[int | str], expected: str | None) -> None:
    if text == "a = 1":
        assert OPERATIONS["reordered"](Source("a.toml", "[a]\n"), ("a",), order) == ()
        return
    assert _made(text, "reordered", ("a",), order) == expected


ITEMS = ('"a"', "'b'", '"c, # no"', "'''d'''", '"""\ne"""', "[1, 2]", "{ x = 1 }")
GAPS = (", ", ",", " , ", ",\n    ", ", # one\n", ",\n# two\n  ", "\n, ")


@given(st.data(), st.lists(st.sampled_from(ITEMS), max_size=5))
def test_any_list_gets_any_entries(data: st.DataObject, items: list[str]) -> None:
    start = data.draw(st.sampled_from(["", " ", "\n  ", " # zero\n  "]))
    style = data.draw(st.sampled_from([None, *GAPS]))
    gaps = [style or data.draw(st.sampled_from(GAPS)) for _ in items[1:]]
    end = data.draw(st.sampled_from(["", " ", ",", "\n", ",\n", ", # three\n", " # three\n"])) if items else ""
    inside = "".join(part for pair in zip(["", *gaps], items, strict=False) for part in pair)
    text = f"before = 1 # here\na = [{start}{inside}{end}] # after\n[t]\n"
    new = st.lists(st.sampled_from(["new", 'q"', *range(len(items))]), max_size=6, unique=True)
    order = data.draw(new)
    made = _made(text, "reordered", ("a",), order)
    if made is not None:
        old = rtoml.loads(text)["a"]
        assert rtoml.loads(made)["a"] == [each if isinstance(each, str) else old[each] for each in order]
        assert _comments(made) == _comments(text)


def _comments(text: str) -> list[str]:
    return sorted(re.findall(r"# (?!no)\w+", text))


@pytest.mark.parametrize(
    ("text", "path", "table", "key", "expected"),
    [
        (
            'a = 1\n\n[t]\nb = 1\n\n# why\nm = "x" # x\n',
            ("t", "m"),
            (),
            "m",
            'a = 1\n# why\nm = "x" # x\n\n[t]\nb = 1\n',
        ),
        ("# top\n\n# of t\n[t]\nm = 1\n", ("t", "m"), (), "m", "# top\n\nm = 1\n\n# of t\n[t]\n"),
        ("# top\n[t]\nm = 1\n", ("t", "m"), (), "m", "# top\nm = 1\n\n[t]\n"),
        ("t = { m = 1, n = 2 }\n", ("t", "m"), (), "k", "t = { n = 2 }\nk = 1\n"),
        ("t.m = 1", ("t", "m"), (), "m", "m = 1"),
        ("a = 1\nm = 2\n", ("m",), ("t", "u"), "k", "a = 1\n\n[t.u]\nk = 2\n"),
        ("a = 1\nm = 2\n[t.u] # u\n[v]\n", ("m",), ("t", "u"), "k", "a = 1\n[t.u] # u\nk = 2\n[v]\n"),
        ("m = 2\n[t.u]\nb = 1\n\n[v]\n", ("m",), ("t", "u"), "m", "[t.u]\nb = 1\nm = 2\n\n[v]\n"),
        ("m = 2\nt.u.b = 1\n", ("m",), ("t", "u"), "m", None),
        ("m = 2\n[t]\nm = 1\n", ("m",), ("t",), "m", None),
        ("[m]\nb = 1\n", ("m",), ("t",), "m", None),
        ('a = 1\n[t]\nm = """\nx\n"""', ("t", "m"), (), "m", 'a = 1\nm = """\nx\n"""\n[t]\n'),
    ],
)
def test_a_key_is_moved(text: str, path: KeyPath, table: KeyPath, key: str, expected: str | None) -> None:
    assert _made(text, "moved", path, table, key) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\n\n[t]\n", 'a = 1\nk = ["x", "y"]\n\n[t]\n'),
        ("a = 1", 'a = 1\nk = ["x", "y"]'),
        ("", 'k = ["x", "y"]\n'),
        ("[t]\n", 'k = ["x", "y"]\n\n[t]\n'),
        ("k = 1\n", None),
    ],
)
def test_a_list_is_added(text: str, expected: str | None) -> None:
    assert _made(text, "added", (), "k", ["x", "y"]) == expected
