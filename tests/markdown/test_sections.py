"""Sections of Markdown texts and their slugs, compared with a real CommonMark parser."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from conftest import examples
from kei_assembler.markdown.sections import Section, sections, slug, uses_from_elsewhere
from strategies import BITS

READER = MarkdownIt("commonmark")
HEADINGS = (
    "# a\n",
    "## b\n",
    "# ",
    "a\n===\n",
    "b\n---\n",
    "### c",
    " ## d\n",
    "    # e",
    "- # f\n",
    "> # g",
)


def _texts(bits: Sequence[str]) -> st.SearchStrategy[str]:
    line = st.lists(st.sampled_from(bits), max_size=4).map("".join)
    return st.lists(line, max_size=10).map("\n".join)


def _headings(text: str) -> list[tuple[int, int]]:
    """The level and the first line, from 1, of each heading outside of containers."""
    tokens = READER.parse(f"{text}\n")
    opened = [token for token in tokens if token.type == "heading_open" and token.level == 0 and token.map]
    return [(int(token.tag[1]), token.map[0] + 1) for token in opened if token.map]


def _lines(text: str) -> list[tuple[int, int]]:
    """The first and the last line of each section that we find."""
    return [(text.count("\n", 0, each.start) + 1, text.count("\n", 0, each.end) + 1) for each in sections(text)]


def _expected(text: str) -> list[tuple[int, int]]:
    """The first and the last line of each section."""
    headings = _headings(text)
    last = text.count("\n") + 1
    found = []
    for index, (level, first) in enumerate(headings):
        ends = (start - 1 for other, start in headings[index + 1 :] if other <= level)
        found.append((first, next(ends, last)))
    return found


@examples(400)
@given(_texts([*BITS, *HEADINGS, *HEADINGS]))
@example("a\n- b\n# c\n  # d\n    # e\n")
@example("# a\n\n```\n# b\n```\n\n# c")
def test_a_real_parser_finds_the_same_sections(text: str) -> None:
    assert _lines(text) == _expected(text)


@examples(200)
@given(_texts(["[a]: b\n", "a\n===\n", "x", "# a\n", "\n", " ", "---\n"]))
def test_a_definition_is_no_part_of_a_heading(text: str) -> None:
    assert _lines(text) == _expected(text)


@examples(200)
@given(_texts(["# a", "## b", "###", "x", "- ", "> ", "  ", "\t", "#hash", "1. ", "`", "\\", "_"]))
def test_texts_without_fences_are_read_faster_with_the_same_result(text: str) -> None:
    fenced = sections(f"{text}\n\n```\n```")
    assert list(sections(text)) == [each._replace(end=min(each.end, len(text))) for each in fenced]


@examples(100)
@given(_texts([*BITS, *HEADINGS]))
def test_a_section_alone_is_one_section(text: str) -> None:
    for each in sections(text):
        part = text[each.start : each.end]
        assert sections(part)[0] == Section(each.slug, 0, len(part))
        assert all(inner.around[:1] == (each.slug,) for inner in sections(part)[1:])


INLINE = (
    *("a", "b", " ", "_", "__", "*", "**", "`", "``", "\\", "[", "]", "(x)", "![", "(y 'z')", "<b>", "</b>", "<", ">"),
    *(
        "&amp;",
        "&",
        "!",
        ".",
        "-",
        "<http://x.y/z_a>",
        "<a b='c'>",
        "<!-- d -->",
        "e_f",
        "&#95;",
        "](c)",
        "[k]",
        "[k][]",
    ),
)


def _seen(tokens: Sequence[Token]) -> str:
    """The text that a reader sees of inline tokens: not images, nor tags."""
    kept = [token for token in tokens if token.type in ("text", "text_special", "code_inline", "softbreak")]
    return "".join(" " if token.type == "softbreak" else token.content for token in kept)


@examples(600)
@given(st.lists(st.sampled_from(INLINE), max_size=10).map("".join))
@example("__init__ and _b_ c_d_e")
@example("[a](b_c_d) `e_f`")
@example("![a][k]")
@example("*a _b* c_")
def test_a_real_parser_sees_the_same_text_of_headings(text: str) -> None:
    # a link in an image in a link: for the reference parser, the outer one is no link, but for this one it is
    assume(not re.search(r"\[.*!\[.*\[", text))
    source = f"# {text}\n\n[k]: /url\n"
    tokens = READER.parse(source)
    inline = tokens[1].children or []
    assert sections(source)[0].slug == slug(_seen(inline))


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Testing", "testing"),
        ("Test first, then write", "test-first-then-write"),
        ("C++ & Rust", "c--rust"),
        ("`_blocks` and **bold**", "_blocks-and-bold"),
        ("snake_case", "snake_case"),
        ("_Emphasis_", "emphasis"),
        ("[A link](https://example.org)", "a-link"),
        ("Größe ÄÖ", "größe-äö"),
        ("日本語 の 見出し", "日本語-の-見出し"),
        ("1. First", "1-first"),
        ("Q&amp;A", "qa"),
        ("Don't", "dont"),
        ("Closed ##", "closed"),
        ("Two  spaces", "two--spaces"),
        ("<b>Raw</b> HTML", "raw-html"),
        ("!!!", ""),
    ],
)
def test_slugs_are_those_of_github(heading: str, expected: str) -> None:
    assert [each.slug for each in sections(f"# {heading}\n")] == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "```\n# a\n```",
        "<!--\n# a\n-->",
        "<div>\n# a\n</div>",
        "> # a",
        "- # a",
        "    # a",
        "#a",
        "\\# a",
        "[a]: b\n===",
    ],
)
def test_what_is_not_a_heading(text: str) -> None:
    assert sections(text) == ()


def test_a_setext_heading_of_several_lines() -> None:
    text = "x\n\nA long\n  heading\n===\ntext\n"
    assert sections(text) == (Section("a-long-heading", 3, len(text)),)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("# a\n[x][b] [b] [c](d)\n# z\n[b]: /url\n[c]: /url\n", ["b"]),
        ("# a\n[x][B  b]\n# z\n> [b b]: /url\n", ["B  b"]),
        ("# a\nnote[^1]\n# z\n[^1]: text\n", ["^1"]),
        ("# a\n[b]\n[b]: /url\n# z\n[b]: /other\n", []),
        ("# a\n`[b]` \\[b]\n# z\n[b]: /url\n", []),
        ("# a\n[b]\n", []),
    ],
)
def test_definitions_outside_of_a_section(text: str, labels: list[str]) -> None:
    uses = [use for _, use in uses_from_elsewhere(text, sections(text)[:1])]
    assert [use.label for use in uses] == labels
    assert all(text[use.start : use.end] == f"[{use.label}]" for use in uses)
