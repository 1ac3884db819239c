"""Import replaces hard breaks of spaces by backslashes, because a build strips trailing spaces."""

from __future__ import annotations

import re
import tomllib
from contextlib import suppress

import commonmark  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from conftest import Workbench, examples
from kei_assembler.importing.hard_breaks import with_backslashes
from kei_assembler.markdown.structure import strip_trailing_whitespace
from strategies import BITS, CONTAINERS

READERS = (MarkdownIt("commonmark").render, commonmark.commonmark)
TABLES = MarkdownIt("commonmark").enable("table").render
LINES = st.tuples(
    st.lists(st.sampled_from(CONTAINERS), max_size=2).map("".join),
    st.lists(st.sampled_from((*BITS, "word", "**a.**", "_a_", "|", "<b", "|-|")), max_size=3).map("".join),
    st.sampled_from(("", "", "  ", "   ")),
).map("".join)
LONE_STARS = re.compile(r"(?<![a.])\*+(?!a)")  # the next character decides whether these open emphasis
TEXT = st.lists(LINES, max_size=8).map(lambda lines: LONE_STARS.sub("", "\n".join(lines).expandtabs(4)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Name: x  \nRole: y", "Name: x\\\nRole: y"),
        ("a   \nb  \nc  ", "a\\\nb\\\nc  "),
        ("- a  \n  b  \n- c", "- a\\\n  b  \n- c"),
        ("> a  \n> b  \n>\n> c", "> a\\\n> b  \n>\n> c"),
        ("[P0]: must be fixed  \n[P1]: can wait", "[P0]: must be fixed\\\n[P1]: can wait"),
        ("**a:** b  \n**c.**  \n_d_  \ne", "**a:** b\\\n**c.**\\\n_d_\\\ne"),
        ("* **a.** b (_c!_)  \n  d", "* **a.** b (_c!_)\\\n  d"),
        ("* **a.**  \n  d", "* **a.**\\\n  d"),
        ("Run `a`  \n<b>b</b>  \nc", "Run `a`\\\n<b>b</b>\\\nc"),
    ],
)
def test_a_break_becomes_a_backslash(text: str, expected: str) -> None:
    assert with_backslashes(text)[0] == expected
    for read in READERS:
        assert read(text) == read(strip_trailing_whitespace(expected))


@pytest.mark.parametrize(
    "text",
    [
        "```\na  \nb\n```",
        "    a  \n    b",
        "<div>\na  \nb\n</div>",
        "a <!-- b  \nc --> d",
        "a <b  \nc='d'> e",
        "a <![CDATA[  \nb  \n]]> c",
        "a `b  \nc` d",
        "# a  \nb",
        "a  \n===\nb",
        "a  \n\nb",
        "a | b  \n--|--  \nc | d  \ne | f",
        "[a]: /b  \n[c]: /d",
        "a\\  \nb",
        "a \nb",
        "a **  \nb**",
        "*a.**a.*  \nb",
        "a.*  \nb*",
        "*a\n*b.*  \nc*",
    ],
)
def test_a_text_without_breaks_stays_as_it_is(text: str) -> None:
    assert with_backslashes(text) == (text, [])


def _readers_agree(text: str) -> bool:
    """Parsers disagree about unusual texts, and one of them fails on some."""
    with suppress(IndexError):
        return bool(READERS[0](text) == READERS[1](text))
    return False


@examples(300)
@given(TEXT)
def test_parsers_see_no_difference(text: str) -> None:
    changed, lines = with_backslashes(text)
    assert (changed != text) == bool(lines)
    if _readers_agree(text):
        assert [read(changed) for read in (*READERS, TABLES)] == [read(text) for read in (*READERS, TABLES)]


def test_an_import_keeps_the_breaks_and_reports_them(bench: Workbench) -> None:
    body = "You review.\n\nName: x  \nRole: y  \nTeam: z\n\n```\na  \nb\n```\n"
    bench.write({".claude/agents/critic.md": f"---\nname: critic\ndescription: Reviews code.\n---\n{body}"})
    run = bench.run("import", ".claude/agents")
    assert run.stderr.startswith(
        ".claude/agents/critic.md:7:1: note[I914] the body has 2 hard line breaks written as trailing spaces; "
        "the manifest uses a backslash\n"
        "    7 | Name: x\n"
        "      | ^ help: generated files have no trailing spaces; in Markdown a backslash means the same\n"
    )
    assert run.status == 0
    expected = body.replace("x  ", "x\\").replace("y  ", "y\\")
    assert tomllib.loads(bench.read("agents/critic.toml"))["role"] == expected
    assert bench.run("--all", "--force").status == 0
    assert bench.read(".claude/agents/critic.md").endswith(expected)
