"""White space that is text for CommonMark never changes the structure that this package sees."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from conftest import examples
from kei_assembler.markdown.block_reader import DEEP_NESTING, Unclosed
from kei_assembler.markdown.html_blocks import UNCLEAR_DECLARATION, UNCLEAR_TAG
from kei_assembler.markdown.structure import escape_block_start, outline, prose, strip_trailing_whitespace, trimmed
from kei_assembler.whitespace import has_text, is_line, with_lf, with_lf_in_place
from strategies import BITS, OTHER_SPACES

READER = MarkdownIt("commonmark")
ODD_BITS = (*BITS, *OTHER_SPACES, "\r", "\r\n", "    ```", "<a", ">", "a=b", "<p", "<pre", "</p", "[a]: b", "#")
LINES = st.lists(st.lists(st.sampled_from(ODD_BITS), max_size=5).map("".join), max_size=8).map("\n".join)


def _swallows_what_follows(text: str) -> bool:
    tokens = READER.parse(f"{text}\n\n# NEXT")
    return [(token.type, token.level) for token in tokens[-3:-2]] != [("heading_open", 0)]


@pytest.mark.parametrize("space", OTHER_SPACES, ids=ascii)
@pytest.mark.parametrize(
    "text",
    [
        *("You review.\n\n{}```\n```", "{}```\n```\n", "```\nx\n```{}", "~~~\nx\n~~~{}\n", "```\nx\n{}```"),
        *("-{}```\n```", "- a\n{}\n```\n{}```", ">{}```\n> ```\n```", "1.{}~~~\n~~~", "{}- ```\n  ```\n```"),
        *("<div>\n{}\n```\n\nb\n```", "<!--{}\n\n{}", "{}<!-- a", "<?{}\n\na", "a\n\n{}    ```\n```", "```{}a`\n```"),
    ],
)
def test_other_space_is_text(text: str, space: str) -> None:
    text = text.replace("{}", space)
    assert bool(outline(text).unclosed) == _swallows_what_follows(text)


@pytest.mark.parametrize("space", OTHER_SPACES, ids=ascii)
@pytest.mark.parametrize(
    "line", ["<pre{}", "<div{}>", "</p{}>", "<a{}>", "</a{}>", "<a>{}", "<a{}b=c>", "<a b{}>", "<A b{}='c'>"]
)
def test_tag_that_only_some_parsers_see_is_unclear(line: str, space: str) -> None:
    line = line.replace("{}", space)
    assert outline(f"a\n\n{line}").unclear == Unclosed(3, UNCLEAR_TAG)
    assert READER.parse(escape_block_start(line))[0].type == "paragraph_open"


@pytest.mark.parametrize("line", ["<b>a\xa0!</b>", "<img alt='a\xa0b'>", '<p title="\xa0">', "a <b\xa0>", "`<a\xa0>`"])
def test_other_space_outside_of_tags_is_clear(line: str) -> None:
    assert outline(line).unclear is None


@pytest.mark.parametrize("text", ["<!doctype", "<!a b\n```\n>", "a\n<!d'", "- <!doctype"])
def test_declaration_that_only_some_parsers_see_is_unclear(text: str) -> None:
    found = outline(text).unclear
    assert found
    assert found.what == UNCLEAR_DECLARATION


@pytest.mark.parametrize("text", ["<!doctype html>", "<!DOCTYPE\nhtml>", "<!-- a\n-->", "<![CDATA[a\n]]>", "`<!a`"])
def test_other_declaration_is_clear(text: str) -> None:
    assert outline(text).unclear is None


@pytest.mark.parametrize("marker", ["- ", "1. ", "* ", "> ", "> - "])
@pytest.mark.parametrize("depth", [1, 4, 9, 10, 11, 40, 80])
def test_nesting_that_a_parser_drops_is_unclear(marker: str, depth: int) -> None:
    text = f"a\n\n{marker * depth}b\n"
    unclear = outline(text).unclear
    assert unclear in (None, Unclosed(3, DEEP_NESTING))
    inlines = [token.content for token in READER.parse(f"{text}\n\n# NEXT") if token.type == "inline"]
    assert unclear or inlines == ["a", "b", "NEXT"]
    assert (unclear is not None) == (text.count(marker[0]) * len(marker.split()) > 9)


@examples(400)
@given(LINES)
@example("<div\xa0>\n```\n\nx\n```")
@example("<a\xa0b=\xa0>\n```\n\nx\n```")
@example("a\r```\rb")
@example("   - a\n\n  ```\n  x\n```")
def test_what_swallows_the_next_section_is_found(text: str) -> None:
    for printed in (text, trimmed(text)):
        found = outline(printed)
        assert found.unclosed or found.unclear or not _swallows_what_follows(printed)


@examples(200)
@given(LINES)
def test_line_ends_are_lf_and_offsets_stay(text: str) -> None:
    assert "\r" not in with_lf(text) + strip_trailing_whitespace(text) + trimmed(text) + prose(text)
    assert len(with_lf_in_place(text)) == len(prose(text)) == len(text)
    assert with_lf_in_place(text).count("\n") == with_lf(text).count("\n") == len(outline(text).lines) - 1


@examples(200)
@given(LINES)
def test_trimming_keeps_all_text(text: str) -> None:
    kept = trimmed(text)
    assert kept == trimmed(kept)
    assert kept.translate(dict.fromkeys(b" \t\r\n")) == (
        text.translate(dict.fromkeys(b" \t\r\n")) if has_text(text) else ""
    )


@pytest.mark.parametrize("indent", ["    ", "\t", " \t", "  \t", "   \t"])
def test_indent_of_leading_code_stays(indent: str) -> None:
    assert trimmed(f" \n\n{indent}code \n\ntext\n") == f"{indent}code \n\ntext"
    assert outline(f"{indent}code").verbatim == (True,)


@pytest.mark.parametrize("space", ["", " ", "\t", "\n", "\r", *OTHER_SPACES[:-1]], ids=ascii)
def test_a_value_of_white_space_has_no_text(space: str) -> None:
    assert not has_text(space)
    assert trimmed(space) == ""
    assert has_text(f"{space}a")


@pytest.mark.parametrize("end", [*"\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\r\n"], ids=ascii)
def test_a_line_ends_where_any_reader_ends_it(end: str) -> None:
    assert is_line("a\tb\xa0c")
    assert [is_line(text) for text in (f"a{end}b", f"a{end}", f"{end}a", end, "")] == [False] * 5
