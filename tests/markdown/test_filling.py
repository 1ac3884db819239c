"""Values in Markdown are plain text: the structure with any value is the structure with a word."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from kei_assembler.markdown.filling import FilledLine, MarkdownText, fill_entry, filled_lines
from kei_assembler.markdown.placeholders import LINES, LIST, SIZE, STRUCTURE, UNDEFINED, Value, fill_plain
from strategies import BITS

READER = MarkdownIt("commonmark").enable("table")

FILLED: Mapping[str, tuple[str, Value, str]] = {
    "a word": ("Know {{A}}.", "Apollo", "Know Apollo."),
    "twice": ("{{A}}{{A}}", "a", "aa"),
    "escaped": ("\\{{A}} and `\\{{A}}`", "a", "{{A}} and `{{A}}`"),
    "escaped backslash": ("\\\\{{A}}", "a", "\\{{A}}"),
    "after a dollar sign": ("${{A}} and $\\{{A}}", "a", "${{A}} and ${{A}}"),
    "in a code span": ("`cd {{A}}`", "src", "`cd src`"),
    "in a fence": ("```\ncd {{A}}\n```", "# src", "```\ncd # src\n```"),
    "undefined in code": ("`{{B}}` of {{A}}", "a", "`{{B}}` of a"),
    "one more brace": ("{{{A}}}", "a", "{a}"),
    "a heading": ("{{A}}", "# a", "\\# a"),
    "a thematic break": ("a\n\n{{A}}", "***", "a\n\n\\***"),
    "an underline": ("a\n{{A}}", "===", "a\n\\==="),
    "a part of a marker": ("1{{A}}", ". a", "1\\. a"),
    "a number": ("{{A}} apples", "3", "3 apples"),
    "a definition": ("{{A}}", "[a]: /b", "\\[a]: /b"),
    "half a parenthesis in a definition": ("[a]: {{A}}", "b(", "[a]: b\\("),
    "parentheses in a definition": ("[a]: {{A}}", "b(c)", "[a]: b(c)"),
    "the end of a label": ("[{{A}}", "a]: /b", "[a\\]\\: \\/b"),
    "an item in an item": ("- {{A}}", "- a", "- \\- a"),
    "indented code": ("{{A}}", "    a", "a"),
    "an indent in a paragraph": ("a\n{{A}}", "    a", "a\n    a"),
    "an HTML block": ("{{A}}", "<pre>", "\\<pre>"),
    "the end of a comment": ("<!-- {{A}} -->", "-->", "<!-- --&gt; -->"),
    "the end of an attribute": ('<p title="{{A}}">', '"><b>', '<p title="&quot;&gt;&lt;b&gt;">'),
    "the end of an attribute in a line": ("a <b title='{{A}}'>", "'>", "a <b title='&#39;&gt;'>"),
    "a tag in HTML": ("<rules>\n{{A}}\n</rules>", "</rules>", "<rules>\n&lt;/rules&gt;\n</rules>"),
    "an arrow in HTML": ("<rules>\n{{A}}\n</rules>", "a -> b", "<rules>\na -> b\n</rules>"),
    "a pipe in a table": ("|{{A}}|b|\n|-|-|\n|`{{A}}`|b|", "a|b", "|a\\|b|b|\n|-|-|\n|`a\\|b`|b|"),
    "a pipe elsewhere": ("{{A}}", "a|b", "a|b"),
    "the second line of a table": ("a | b\n{{A}}", "-|-", "a | b\n-\\|-"),
    "a code span of its own": ("Run {{A}}.", "`make`", "Run `make`."),
    "half a code span": ("Run {{A}} or `b`.", "`a", "Run \\`a or `b`."),
    "other backticks in a code span": ("``{{A}}``", "a`b", "``a`b``"),
    "emphasis": ("{{A}}", "**a**", "**a**"),
    "lines": ("- a\n\n  {{A}}\n- b", "c\n\n# d", "- a\n\n  c\n\n  \\# d\n- b"),
    "lines in a quote": ("> {{A}}", "a\n\nb", "> a\n>\n> b"),
    "lines in a fence": ("- ```\n  {{A}}\n  ```", "a\n\n  # b", "- ```\n  a\n\n    # b\n  ```"),
    "entries": ("- {{A}}\n- c", ("a", "# b"), "- a\n- \\# b\n- c"),
    "nested entries": ("> 1. * {{A}}", ("a", "b"), "> 1. * a\n>    * b"),
    "counted entries": ("9. {{A}}", ("a", "b"), "9. a\n10. b"),
    "entries in code": ("```yaml\n  - {{A}}\n```", ("a", "b"), "```yaml\n  - a\n  - b\n```"),
    "no entries": ("- a\n- {{A}}\n- b", (), "- a\n- b"),
    "no entries at all": ("a\n\n- {{A}}\n\nb", (), "a\n\nb"),
}


@pytest.mark.parametrize("case", FILLED)
def test_a_value_fills_a_placeholder(case: str) -> None:
    text, value, filled = FILLED[case]
    assert MarkdownText(text).fill({"A": value}) == ((filled,), ())


REFUSED: Mapping[str, tuple[str, Value, str]] = {
    "undefined": ("{{B}}", "a", UNDEFINED),
    "undefined after code": ("`a` {{B}}", "a", UNDEFINED),
    "a list in a line": ("a {{A}}", ("a",), LIST),
    "a list with more in its item": ("- {{A}}\n  b", ("a",), LIST),
    "a list with a lazy line in its item": ("- {{A}}\nb", ("a",), LIST),
    "a list with a list in its item": ("- {{A}}\n\n  - b", ("a",), LIST),
    "a list in a paragraph": ("a\n2. {{A}}", ("a",), LIST),
    "lines in a line": ("a {{A}}", "a\nb", LINES),
    "lines in an item": ("- {{A}}", "a\nb", LINES),
    "the end of a fence": ("```\n{{A}}\n```", "```", STRUCTURE),
    "the end of a fence in lines": ("```\n{{A}}\n```", "a\n```\nb", STRUCTURE),
    "the end of a code span": ("`{{A}}`", "a`b", STRUCTURE),
    "the number of an item": ("{{A}}. a", "1", STRUCTURE),
    "a blank line in HTML": ("<div>\n{{A}}\n</div>", "a\n\nb", STRUCTURE),
    "a blank line in a table": ("|a|\n|-|\n{{A}}", "a\n\nb", STRUCTURE),
    "another element": ("<{{A}}>\n\na", "pre", STRUCTURE),
    "no first item": ("a\n1. {{A}}\n2. b", (), STRUCTURE),
    "a backtick in the line of a fence": ("```{{A}}\n```", "a`", STRUCTURE),
    "too much": ("{{A}}" * 3, "a" * 2_000_000, SIZE),
    "too many placeholders": ("{{A}} " * 10_001, "a", SIZE),
    "too many entries": ("- {{A}}\n" * 101, ("a",) * 100, SIZE),
    "too many lines": ("{{A}}\n\n" * 101, "a\n" * 100, SIZE),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_value_that_does_not_fit_is_a_problem(case: str) -> None:
    text, value, kind = REFUSED[case]
    problems = MarkdownText(text).fill({"A": value}).problems
    assert [problem.kind for problem in problems] == [kind]
    assert text[problems[0].place.start : problems[0].place.end] in ("{{A}}", "{{B}}")


def test_other_values_give_another_text() -> None:
    text = MarkdownText("{{A}}")
    assert [text.fill({"A": str(number)}).text for number in (*range(40), 3)] == [*map(str, range(40)), "3"]


ENTRIES: Mapping[str, tuple[str, Value, tuple[str, ...]]] = {
    "a word": ("a {{A}}", "b", ("a b",)),
    "a list": ("{{A}}", ("a", "b"), ("a", "b")),
    "no entries": ("{{A}}", (), ()),
    "half a code span": ("{{A}} `a", "`", ("\\` `a",)),
    "an attribute": ("<a b='{{A}}'>", "'", ("<a b='&#39;'>",)),
    "lines": ("{{A}}", "a\nb", ("a\nb",)),
    "undefined in code": ("`{{B}}`", "a", ("`{{B}}`",)),
}


@pytest.mark.parametrize("case", ENTRIES)
def test_an_entry_is_filled(case: str) -> None:
    text, value, filled = ENTRIES[case]
    assert fill_entry(text, {"A": value}, is_entry=True) == (filled, ())


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [("a {{A}}", ("a",), LIST), ("a {{A}}", "a\nb", LINES), ("{{B}}", "a", UNDEFINED), ("`{{A}}`", "`", STRUCTURE)],
)
def test_an_entry_with_a_value_that_does_not_fit_is_a_problem(text: str, value: Value, kind: str) -> None:
    assert [problem.kind for problem in fill_entry(text, {"A": value}, is_entry=True).problems] == [kind]


def test_a_plain_text_is_filled_as_it_is() -> None:
    assert fill_plain("a: {{A}} \\{{A}}", {"A": "# `b`"}).texts == ("a: # `b` {{A}}",)


MARKS = (
    *("{{A}}", "{{A}}", "{{A}}", "|", "|-|", "-|-", "\n", "\n", "\n\n", "[", "]", "]: ", "[a]: ", "*", "_", "\\{{A}}"),
    *("&lt;", "a|b", "\\\\", "\\|", ":-:", "- {{A}}\n", "> {{A}}\n", "{{A}}\n", "```\n{{A}}\n```\n", "`{{A}}`", '"'),
)
TEXT = st.lists(st.sampled_from((*BITS, *MARKS)), max_size=9).map("".join)
VALUE = st.lists(st.sampled_from([*BITS, *(mark for mark in MARKS if "{{" not in mark)]), min_size=1, max_size=5)


def _blocks(text: str) -> list[object]:
    return [(token.type, token.level, token.tag) for token in READER.parse(f"{text}\n")]


def _code(token: Token) -> list[str]:
    return [child.type for child in token.children or () if child.type == "code_inline"]


@given(TEXT, VALUE.map("".join).filter(lambda value: value.strip(" \t\n") and "\n" not in value))
def test_a_line_changes_no_structure(text: str, value: str) -> None:
    source = MarkdownText(text)
    filling, plain = source.fill({"A": value}), source.fill({"A": "x"})
    if not filling.problems and not plain.problems:
        assert _blocks(filling.text) == _blocks(plain.text)


@given(TEXT, st.lists(st.sampled_from(("`", "``", "a", "\\", " ")), min_size=1, max_size=4).map("".join))
def test_a_line_changes_no_code_span_around_it(text: str, value: str) -> None:
    source = MarkdownText(text)
    filling, plain = source.fill({"A": value}), source.fill({"A": "x"})
    if value.strip(" ") and not filling.problems and not plain.problems and "<" not in text and "[" not in text:
        filled, inert = (READER.parse(f"{each.text}\n") for each in (filling, plain))
        for one, other in zip(filled, inert, strict=True):
            assert len(_code(one)) >= len(_code(other))


LINES_OF_VALUE = VALUE.map("".join).map(lambda value: value.strip("\n")).filter(lambda value: value.strip(" \t"))


@given(TEXT, st.lists(LINES_OF_VALUE, min_size=2, max_size=3).map("\n".join))
def test_lines_stay_in_their_container(text: str, value: str) -> None:
    source = MarkdownText(text)
    filling, plain = source.fill({"A": value}), source.fill({"A": "x"})
    if not filling.problems and not plain.problems:
        assert _containers(filling.text) == _containers(plain.text)


def _containers(text: str) -> list[object]:
    blocks = [token for token in READER.parse(f"{text}\n") if token.type not in PROSE]
    return [(token.type, token.level, token.tag) for token in blocks]


PROSE = ("paragraph_open", "inline", "paragraph_close")


@given(TEXT, st.lists(LINES_OF_VALUE.filter(lambda value: "\n" not in value), min_size=1, max_size=3).map(tuple))
def test_entries_are_items_like_the_first(text: str, entries: tuple[str, ...]) -> None:
    source = MarkdownText(text)
    filling, plain = source.fill({"A": entries}), source.fill({"A": ("x",) * len(entries)})
    assert {problem.kind for problem in plain.problems} <= {problem.kind for problem in filling.problems}
    if not filling.problems and not plain.problems:
        assert _blocks(filling.text) == _blocks(plain.text)


@given(TEXT, st.one_of(LINES_OF_VALUE, st.lists(LINES_OF_VALUE, min_size=1, max_size=3).map("\n".join)))
def test_the_filled_lines_are_those_of_the_text(text: str, value: str) -> None:
    lines = filled_lines(text, {"A": value})
    filling = MarkdownText(text).fill({"A": value})
    assert "\n".join(line.text for line in lines) == filling.text
    if filling.problems:
        return
    written = re.sub(r"\\(?=\{\{[A-Z0-9_]+\}\})", "", text).split("\n")
    assert all(line.names or line.text.strip() == written[line.number].strip() for line in lines)


def test_filled_lines_know_their_values() -> None:
    values: Mapping[str, Value] = {"A": "a", "B": ("x", "y"), "C": "c\n\nd"}
    assert filled_lines("Is {{A}}.\n\n- {{B}}\n\n> {{C}}", values) == [
        FilledLine("Is a.", 0, ("A",)),
        FilledLine("", 1),
        FilledLine("- x", 2, ("B",), 0),
        FilledLine("- y", 2, ("B",), 1),
        FilledLine("", 3),
        FilledLine("> c", 4, ("C",), 0),
        FilledLine(">", 4, ("C",), 1),
        FilledLine("> d", 4, ("C",), 2),
    ]
