"""Patterns for values mean what they mean in Python, and take linear time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kei_assembler.model.value_patterns import MAX_LENGTH, PatternError, matches, pattern

ATOMS = ("a", "b", ".", "[ab]", "[^a]", r"\d", r"\.", "[a-c0-9-]", r"[\]x]", "é", r"\w")
COUNTS = ("", "", "", "*", "+", "?", "{2}", "{1,2}", "{1,}", "{0}")
PATTERN = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.lists(
        st.tuples(inner | inner.map("({})".format) | st.tuples(inner, inner).map("(?:{0[0]}|{0[1]})".format)),
        min_size=1,
    ).map(lambda parts: "".join(f"({part[0]})" for part in parts)),
    max_leaves=5,
)


@given(st.lists(st.tuples(PATTERN, st.sampled_from(COUNTS)), max_size=4), st.text("ab.0]é\n", max_size=6))
def test_a_pattern_means_what_it_means_in_python(parts: list[tuple[str, str]], value: str) -> None:
    text = "".join(f"(?:{part}){count}" for part, count in parts)
    assert matches(text, value) == (re.fullmatch(text, value) is not None)


@pytest.mark.parametrize(
    ("text", "value"),
    [("^[a-z]+$", "abc"), ("a|", ""), ("a{b", "a{b"), (r"v\d+(\.\d+)*", "v1.20.3"), (r"a\$", "a$"), ("[]a]+", "]a")],
)
def test_a_value_matches(text: str, value: str) -> None:
    assert matches(text, value)
    assert not matches(text, f"{value}\n")


FAULTS = {
    "(a": "it does not close a group",
    "a)": "it closes a group that it does not open",
    "*": "there is nothing for `*` to repeat",
    "a**": "it repeats a repetition",
    "a{3,2}": "`{3,2}` has a maximum below its minimum",
    "[a": "`[` has no end, or contains another `[`",
    "[[:alpha:]]": "`[` has no end, or contains another `[`",
    "[b-a]": "`[b-a]` is not a set of characters: bad character range b-a",
    r"(a)\1": "it has an unknown escape",
    "(?=a)": "it has a group with a special meaning; only `(…)` and `(?:…)` are possible",
    "a^b": "`^` can only be at an end: a value must match as a whole",
    "(" * 30: "it has more than 20 groups inside each other",
    "((a{1,500}){1,500}){1,500}": "it is too large",
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_pattern_that_cannot_be_used_says_why(text: str) -> None:
    with pytest.raises(PatternError) as caught:
        pattern(text)
    assert str(caught.value) == FAULTS[text]
    assert matches(text, "anything")


@pytest.mark.parametrize("text", ["(a+)+b", "(a|a)*b", "(a*)*(a*)*b", "(.*.*.*.*)*x"])
def test_no_pattern_backtracks(text: str) -> None:
    assert not matches(text, "a" * MAX_LENGTH)


def test_a_long_value_matches_nothing() -> None:
    assert not matches("a*", "a" * (MAX_LENGTH + 1))
