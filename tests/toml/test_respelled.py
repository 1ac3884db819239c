"""Edits of strings in TOML text: the new value, and what stays as it is written."""

from __future__ import annotations

import pytest
import rtoml
from hypothesis import given
from hypothesis import strategies as st

from conftest import examples
from kei_assembler.toml.source import Source
from kei_assembler.toml.strings import respelled
from kei_assembler.toml.writer import string_text

TEXT = st.text(alphabet="ab\n\"'\\é \t\x7f{", max_size=8)


def _source(raw: str) -> Source:
    return Source("a.toml", f"# note\nkey = {raw} # end\nlist = [{raw}]\n")


def _edited(raw: str, start: int, end: int, text: str, path: tuple[str | int, ...] = ("key",)) -> str:
    source = _source(raw)
    found = respelled(source, path, start, end, text)
    assert found
    return source.text[: found[0]] + found[2] + source.text[found[1] :]


@pytest.mark.parametrize(
    ("raw", "start", "end", "text", "expected"),
    [
        ('"one two"', 0, 3, "a", '"a two"'),
        ("'one two'", 0, 3, "a", "'a two'"),
        ("'one two'", 0, 3, "it's", '"it\'s two"'),
        ('"one two"', 4, 7, 'a "b"', '"one a \\"b\\""'),
        ('"\\u00e9 two"', 2, 5, "a", '"\\u00e9 a"'),
        ('"one"', 3, 3, "\ntwo", '"one\\ntwo"'),
        ('"""\none\ntwo\n"""', 4, 7, "a\nb", '"""\none\na\nb\n"""'),
        ('"""\none \\\n  two"""', 4, 7, 'a "b', '"""\none \\\n  a "b"""'),
        ("'''\none\ntwo'''", 0, 3, "a\\b", "'''\na\\b\ntwo'''"),
        ("'''one'''", 0, 3, "'''", "\"'''\""),
        ("'''one\ntwo'''", 0, 3, "'''", '"""\n\'\'\'\ntwo"""'),
    ],
)
def test_a_part_of_a_string(raw: str, start: int, end: int, text: str, expected: str) -> None:
    assert _edited(raw, start, end, text) == _source(raw).text.replace(raw, expected, 1)


@given(TEXT, TEXT, st.integers(0, 8), st.integers(0, 8), st.sampled_from(["one line", "lines", "literal"]))
@examples(100)
def test_the_new_value_is_read_back(old: str, new: str, first: int, second: int, style: str) -> None:
    start, end = sorted((min(first, len(old)), min(second, len(old))))
    raw = {
        "one line": string_text(old),
        "lines": '"""\n' + old.replace("\\", "\\\\").replace('"', '\\"').replace("\x7f", "\\u007f") + '"""',
        "literal": f"'{old}'" if not {"'", "\n", "\x7f"} & {*old} else string_text(old),
    }[style]
    for path in (("key",), ("list", 0)):
        made = rtoml.loads(_edited(raw, start, end, new, path))
        wanted = f"{old[:start]}{new}{old[end:]}"
        assert (made["key"], made["list"]) == ((wanted, [old]) if path == ("key",) else (old, [wanted]))


def test_what_is_no_string() -> None:
    assert respelled(Source("a.toml", "key = 1\n"), ("key",), 0, 1, "a") is None
