"""Markdown functions, compared with real CommonMark parsers."""

from __future__ import annotations

from collections.abc import Sequence

import commonmark  # type: ignore[import-untyped]
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from conftest import examples
from kei_assembler.markdown.block_reader import Unclosed
from kei_assembler.markdown.structure import (
    code_span,
    escape_block_start,
    escape_block_starts,
    fence_around,
    may_have_trailing_whitespace,
    outline,
    prose,
    strip_trailing_whitespace,
)
from kei_assembler.whitespace import collapse_whitespace, collapse_whitespace_all
from strategies import BITS, CONTAINERS

READER = MarkdownIt("commonmark")
PARAGRAPH = ["paragraph_open", "inline", "paragraph_close"]
ITEM = ["list_item_open", *PARAGRAPH, "list_item_close"]
VERBATIM = ("fence", "code_block", "html_block")

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
OPENERS = (
    *"#>-+*=_~`<>[]()!/\\:.&'\"19 0a\t\n\xa0\u2028\x85\u3000",
    *("```", "~~~", "---", "===", "1. ", "2) ", "- ", "# ", "[a]: b", "word", "    ", "\\[", "a=b"),
    *("<!--", "-->", "<?", "<!A", "<![CDATA[", "<div>", "</div>", "<a b=", "<b>", "<script", "</pre>", "<h1", "<a/>"),
)
TEXT = ANY_TEXT | st.lists(st.sampled_from(OPENERS), max_size=7).map("".join)

# Without link reference definitions: the parsers disagree on what can follow one without a blank line.


INLINE = (
    "[link](x)  ![image](x)  [a][b]  [x] done  [a](b): c  `code`  ``a`b``  ```a```  **bold** x  *em*  _em_  ***both***"
    "  <https://x.y>  <me@x.y>  <b>bold</b> x  <span>x  &amp;  \\# x  #tag  -5  +1  1.5  1.x  1234567890. x  = a  -- a"
    "  *a  | a |  @a  a # b  ~~a"
)
ESCAPED = (
    "\\# a  \\#  \\- a  \\+  \\* a  \\> a  \\>a  1\\. a  12\\) a  1\\.  \\---  \\* * *  \\_ _ _  \\===  \\-  \\```"
    "  \\``` a  \\~~~ a`  \\[a]: b  \\[a\\]]:b  \\<!-- a -->  \\<?a  \\<!A  \\<pre>  \\<![CDATA[  \\<DIV a  \\</p>"
    "  \\<x-y>  \\</x>  \\<a href='b'>  \\<a b=c>  \\<search/>"
)


def _documents(bits: Sequence[str]) -> st.SearchStrategy[str]:
    line = st.lists(st.sampled_from(bits), max_size=5).map("".join)
    return st.lists(line, max_size=8).map("\n".join)


def _tokens(text: str) -> list[Token]:
    # Without the newline, markdown-it-py reads past the end of a text that ends in a block quote.
    return READER.parse(f"{text}\n")


def _blocks(text: str) -> list[str]:
    return [token.type for token in _tokens(text)]


def _verbatim_by_markdown_it(text: str) -> set[int]:
    maps = [token.map for token in _tokens(text) if token.type in VERBATIM]
    return {line for start, end in filter(None, maps) for line in range(start, end)}


def _verbatim_by_commonmark(text: str) -> set[int]:
    nodes = [node for node, _ in commonmark.Parser().parse(text).walker() if node.t in VERBATIM]
    return {line for node in nodes for line in range(node.sourcepos[0][0] - 1, node.sourcepos[1][0])}


def _swallows_what_follows(text: str) -> bool:
    tokens = _tokens(f"{text}\n\n# NEXT")
    return [(token.type, token.level) for token in tokens[-3:-2]] != [("heading_open", 0)]


@pytest.mark.parametrize(
    ("text", "collapsed"),
    [
        ("", ""),
        (" \t\n", ""),
        ("  a \n\n b\t", "a b"),
        ("a\r\nb\vc\fd\x1ce\x1ff\x85g\u2028h\u2029i", "a b c d e f g h i"),
        ("no\xa0break\u3000wide\u200b", "no\xa0break\u3000wide\u200b"),
    ],
)
def test_whitespace_is_collapsed(text: str, collapsed: str) -> None:
    assert collapse_whitespace(text) == collapsed


@examples(200)
@given(TEXT)
def test_collapsed_text_is_one_line_without_superfluous_space(text: str) -> None:
    collapsed = collapse_whitespace(text)
    assert len(collapsed.splitlines()) <= 1
    assert "  " not in collapsed
    assert collapsed == collapsed.strip(" \t")
    assert collapse_whitespace(collapsed) == collapsed
    assert collapsed.split() == text.split()


@examples(300)
@given(TEXT.filter(lambda text: text.strip() != ""))
@example("<a b=\xa0>")
@example("<a>\xa0")
@example("<h1\u3000")
@example("<a\xa0b>")
def test_escaped_text_is_one_paragraph(text: str) -> None:
    result = escape_block_start(text)
    assert _blocks(result) == PARAGRAPH
    assert _blocks(f"- {result}\n- x") == ["bullet_list_open", *ITEM, *ITEM, "bullet_list_close"]
    assert _blocks(f"> {result}") == ["blockquote_open", *PARAGRAPH, "blockquote_close"]
    assert collapse_whitespace(text) in (result, result.replace("\\", "", 1))


LINES = st.lists(TEXT | st.sampled_from(["", "a", "# a", " a", "a ", "a\u2028", "1. a", "a\tb"]), max_size=5)


@examples(300)
@given(LINES)
def test_folding_all_texts_equals_folding_each(texts: list[str]) -> None:
    assert collapse_whitespace_all(texts) == tuple(map(collapse_whitespace, texts))
    assert escape_block_starts(texts) == tuple(map(escape_block_start, texts))


@examples(100)
@given(st.lists(st.from_regex(r"[A-Za-z0-9é日]{1,8}[,.;:!?)]?", fullmatch=True), min_size=1, max_size=6))
def test_plain_words_are_not_escaped(words: list[str]) -> None:
    assert READER.render(escape_block_start(" \n".join(words))) == f"<p>{' '.join(words)}</p>\n"


@pytest.mark.parametrize("text", INLINE.split("  "))
def test_inline_markdown_is_not_escaped(text: str) -> None:
    assert escape_block_start(text) == text


@pytest.mark.parametrize("escaped", ESCAPED.split("  "))
def test_block_openers_are_escaped(escaped: str) -> None:
    text = escaped.replace("\\", "", 1)
    assert escape_block_start(f" {text}\n") == escaped
    assert [_blocks(text), _blocks(f"a\n{text}")] != [PARAGRAPH, PARAGRAPH]
    assert [_blocks(escaped), _blocks(f"a\n{escaped}")] == [PARAGRAPH, PARAGRAPH]


@examples(200)
@given(TEXT | st.text("`~ab \n"))
def test_no_text_closes_its_fence(text: str) -> None:
    fence = fence_around(text)
    tokens = _tokens(f"{fence}\n{text}\n{fence}\n\nafter")
    assert [token.type for token in tokens] == ["fence", *PARAGRAPH]


@pytest.mark.parametrize(("text", "length"), [("", 3), ("a `b` c", 3), ("```", 4), ("a ````` b ``", 6), ("~~~~", 3)])
def test_fence_is_one_backtick_longer_than_the_longest_run(text: str, length: int) -> None:
    assert fence_around(text) == "`" * length


@examples(200)
@given((TEXT | st.text("`a \n", max_size=8)).filter(collapse_whitespace))
def test_code_span_reads_back(text: str) -> None:
    for sentence in (f"see {code_span(text)} there", f"- {code_span(text)}"):
        spans = [child for token in _tokens(sentence) for child in token.children or () if child.type != "text"]
        assert [(span.type, span.content) for span in spans] == [("code_inline", collapse_whitespace(text))]


@examples(200)
@given(_documents(BITS))
def test_trailing_whitespace_is_stripped_outside_code(text: str) -> None:
    tidied = strip_trailing_whitespace(text)
    for after, before, line in zip(tidied.split("\n"), text.split("\n"), outline(text).lines, strict=True):
        assert after == (before if line.verbatim else before.rstrip(" \t"))
    assert outline(tidied) == outline(text)
    assert strip_trailing_whitespace(tidied) == tidied
    assert may_have_trailing_whitespace(text.encode()) or tidied == text


@examples(200)
@given(_documents(BITS))
def test_prose_keeps_every_offset_and_no_code_block(text: str) -> None:
    masked = prose(text)
    assert len(masked) == len(text)
    assert all(after in (before, " ") for before, after in zip(text, masked, strict=True))
    for content, line in zip(masked.split("\n"), outline(text).lines, strict=True):
        assert not (line.verbatim and content.strip())


@examples(200)
@given(_documents(BITS))
@example("    a\n-\n\n    b")
def test_real_parser_agrees_on_verbatim_lines(text: str) -> None:
    filled = {number for number, line in enumerate(text.split("\n")) if line.strip(" >\t")}
    found = {number for number, line in enumerate(outline(text).lines) if line.verbatim} & filled
    assert found in (_verbatim_by_markdown_it(text) & filled, _verbatim_by_commonmark(text) & filled)


@examples(200)
@given(_documents(BITS))
def test_text_that_swallows_the_next_section_is_unclosed(text: str) -> None:
    assert outline(text).unclosed or not _swallows_what_follows(text)


@examples(200)
@given(_documents([bit for bit in BITS if bit not in CONTAINERS]))
def test_outside_containers_unclosed_text_swallows_the_next_section(text: str) -> None:
    assert bool(outline(text).unclosed) == _swallows_what_follows(text)


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("```\nx", 1, "code fence"),
        ("a\n\n~~~ py\n```\n", 3, "code fence"),
        ("```\nx\n    ```", 1, "code fence"),
        ("<!-- a -->\n<!-- b\n\nc", 2, "HTML comment"),
        ("<pre>\n\nx", 1, "HTML element"),
        ("<?php\n\nx", 1, "processing instruction"),
        ("<!DOCTYPE x", 1, "HTML declaration"),
        ("<![CDATA[\n> x", 1, "CDATA section"),
    ],
)
def test_unclosed_construct_is_named(text: str, line: int, name: str) -> None:
    assert outline(text).unclosed == Unclosed(line, name)


@pytest.mark.parametrize(
    "text",
    [
        *("", "```\nx\n```", "```\n````", "~~~\n~~~~ ", "```a`", "    ```", "a\n    ```", "1. ```\n   x\n   ```"),
        *(
            "- ```\n\nx",
            "- ```\n  x",
            "> ```\nx",
            "<div>\nx",
            "<b>\nx",
            "<!-- a\nb -->",
            "<style>\n</style>",
            "a <!-- b",
            "`<pre>`",
        ),
    ],
)
def test_closed_construct_is_not_reported(text: str) -> None:
    assert outline(text).unclosed is None


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("`a` b", "    b"),
        ("``a`b`` c", "        c"),
        ("\\`a `b`", "\\`a    "),
        ("`a\n\nb` c", "`a\n\nb` c"),
        ("a\n```\nb\n```\nc", "a\n   \n \n   \nc"),
        ("    a\nb\n    c", "     \nb\n    c"),
    ],
)
def test_prose(text: str, masked: str) -> None:
    assert prose(text) == masked


@examples(200)
@given(
    st.lists(st.sampled_from(["`", "``", "```", "\\", " ", "\n", "\n- ", "\n# ", "x", "1"]), max_size=12).map("".join)
)
@example("``1`")
def test_real_parser_agrees_on_prose(bits: str) -> None:
    text = "".join(f"({number})" if bit == "1" else bit for number, bit in enumerate(bits))
    tokens = [token for block in _tokens(text) for token in (block, *(block.children or ()))]
    code = "".join(token.info + token.content for token in tokens if token.type in ("code_inline", *VERBATIM))
    marks = [f"({number})" for number, bit in enumerate(bits) if bit == "1"]
    assert [mark for mark in marks if mark in prose(text)] == [mark for mark in marks if mark not in code]


@pytest.mark.parametrize(
    "text", ["- a ` b\n- {{X}}\n- c ` d", "# a ` b\n{{X}} ` c", "a ` b\n> {{X}} ` c", "` a\n***\n{{X}} `"]
)
def test_code_span_ends_with_its_block(text: str) -> None:
    assert "<code>" not in READER.render(text)
    assert prose(text) == text


@examples(200)
@given(_documents(BITS))
@example("    a\n      \n    b")
def test_trailing_whitespace_stays_in_code(text: str) -> None:
    # One parser is enough, because the two disagree on some texts.
    assert any(
        code_in(strip_trailing_whitespace(text)) == code_in(text)
        for code_in in (_code_by_markdown_it, _code_by_commonmark)
    )


def _code_by_markdown_it(text: str) -> list[str]:
    return [token.content for token in _tokens(text) if token.type in VERBATIM]


def _code_by_commonmark(text: str) -> list[str]:
    return [node.literal for node, _ in commonmark.Parser().parse(text).walker() if node.t in VERBATIM]
