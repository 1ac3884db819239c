"""Front matter: real YAML parsers read the values back, and strings are quoted only where necessary."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from conftest import examples
from kei_assembler.markdown.front_matter import READS_DIFFERENTLY, Value, front_matter, reads_differently
from strategies import ANY_TEXT, TRICKY_TEXT

TEXT = TRICKY_TEXT | ANY_TEXT
SCALARS = TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1)
NESTED = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")

PLAIN = (
    "Reviews code, finds bugs and says so.",
    "Bash(git:*)",
    "a, b",
    "claude-3",
    "opus",
    "https://example.org/a#b",
    'it\'s - well - a "test"',
    "a:b",
    "a#b",
    "-x",
    "日本語 😀",
    "1 of 3",
    "v1.2",
    "nobody",
    "back\\slash",
)
QUOTED = (
    *("no", "Yes", "ON", "off", "y", "N", "true", "False", "null", "NULL", "~", "<<", "="),
    *("0", "1e3", "0x1f", "0o17", "0b1", "1:30", "1_000", "-1", "+1.5", ".5", "1.", ".inf", "-.INF", ".nan"),
    *("2024-01-01", "2024-1-1 10:00:00", "2001-12-14t21:59:43.10-05:00"),
    *("- x", "-", "? x", ": x", "a: b", "a:", "a #b", "# a", "---", "a --- b", ""),
    *("@a", "*a", "&a", "!a", "%a", ">a", "|a", "`a`", "'a'", '"a"', ",a", "[a", "]a", "{a", "}a", "#a"),
    *(" a", "a ", "\ta", "a\n", "a\nb", "a\tb", "\x00", "\x7f", "\x85", "\u2028", "\ufeff", "\uffff"),
)


@given(TEXT | st.text("yYnNeEsSoOfFtTrRuUlLaA0123456789.+-_\u017f\u212a", max_size=6))
@example("ye\u017f")
def test_a_text_that_starts_with_a_letter_is_read_as_the_pattern_says(text: str) -> None:
    assert reads_differently(text) == (READS_DIFFERENTLY.match(text) is not None)


def _values(text: str) -> str:
    # PyYAML would read the text after the second `---` as another document.
    assert text.startswith("---\n")
    assert text.endswith("\n---\n")
    return text[4:-4]


def _assert_reads_back(entries: dict[str, Any]) -> None:
    text = _values(front_matter(entries.items()))
    for parsed in (yaml.safe_load(text), YAML(typ="safe", pure=True).load(text)):
        assert parsed == entries
        assert repr(parsed) == repr(entries)  # because 1 == True == 1.0


def _assert_keeps_its_form(entries: dict[str, Value]) -> None:
    text = _values(front_matter(entries.items()))
    assert [line.partition(": ")[0] for line in text.split("\n")] == [*entries, ""]
    assert "---" not in text
    assert not UNPRINTABLE.search(text)


@examples(300)
@given(TEXT)
@example("._")
def test_text_reads_back(text: str) -> None:
    _assert_reads_back({"description": text, "model": "opus"})


@examples(200)
@given(st.lists(TEXT, max_size=4))
@example(["0?"])
def test_list_of_texts_reads_back(texts: list[str]) -> None:
    _assert_reads_back({"skills": texts, "model": "opus"})


@examples(150)
@given(NESTED)
def test_nested_values_read_back(value: Any) -> None:
    _assert_reads_back({"hooks": {"key": value}, "mcpServers": value})


@examples(100)
@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1e16)
@example(1e-5)
def test_numbers_read_back(number: float) -> None:
    _assert_reads_back({"mcpServers": [number]})


@examples(200)
@given(NESTED)
@example("----")
@example(["a---b"])
def test_value_is_one_printable_line_without_three_hyphens(value: Value) -> None:
    _assert_keeps_its_form({"hooks": value, "model": "opus"})


@pytest.mark.parametrize(
    "text", ["._", "-_", "+_", "-._1", "----", "a\u2029b", "\U0010ffff\U0001f600", "0_", "=a", "_1"]
)
def test_unusual_texts_read_back(text: str) -> None:
    _assert_reads_back({"description": text, "skills": [text]})


@pytest.mark.parametrize("text", ["a?b", "?a", "a]", "a: b", "a,b", "{a", "a:", "a #b", "it's"])
def test_unusual_list_items_read_back(text: str) -> None:
    _assert_reads_back({"skills": [text, "b"]})


@pytest.mark.parametrize("text", ["a" * 1024, "a" * 5000], ids=len)
def test_long_key_reads_back(text: str) -> None:
    _assert_reads_back({"hooks": {text: 1}})


@pytest.mark.parametrize("text", PLAIN)
def test_unambiguous_text_is_plain(text: str) -> None:
    assert front_matter([("description", text)]) == f"---\ndescription: {text}\n---\n"
    _assert_reads_back({"description": text})


@pytest.mark.parametrize("text", QUOTED)
def test_ambiguous_text_is_quoted(text: str) -> None:
    assert re.fullmatch('---\ndescription: ".*"\n---\n', front_matter([("description", text)]))
    _assert_reads_back({"description": text})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (["Read", "a, b", "no", "Bash(git:*)"], '[Read, "a, b", "no", "Bash(git:*)"]'),
        ((), "[]"),
        ({}, "{}"),
        ({"a": {"b": [1, True, 1.5, "x"]}}, '{"a": {"b": [1, true, 1.5, "x"]}}'),
        (True, "true"),
        (12, "12"),
        ('a\n"b"\\', r'"a\n\"b\"\\"'),
        ("é\x07\u2028", r'"é\u0007\u2028"'),
    ],
)
def test_value_is_on_one_line(value: Value, written: str) -> None:
    assert front_matter([("key", value), ("last", "x")]) == f"---\nkey: {written}\nlast: x\n---\n"


def test_keys_keep_their_order() -> None:
    assert front_matter([("b", "one"), ("c", "two"), ("a", "three")]) == "---\nb: one\nc: two\na: three\n---\n"
    assert front_matter([]) == "---\n---\n"
