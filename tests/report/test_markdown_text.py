"""The documentation that the command prints: it fits the terminal, and shows no Markdown syntax."""

from __future__ import annotations

import re

import pytest

from conftest import Workbench
from kei_assembler.report.layout import width
from kei_assembler.report.markdown_text import cut, rendered, wrapped
from kei_assembler.rules.catalog import RULES, explain
from kei_assembler.targets import TARGETS

SYNTAX = re.compile(r"^#{1,6} |`{3}|\*\*|\]\(|(?<![\w`])`[^`]", re.MULTILINE)


def _prose(text: str) -> str:
    """The text without the examples, which are indented."""
    return "".join(f"{line}\n" for line in text.split("\n") if not line.startswith("    "))


@pytest.mark.parametrize("columns", ["60", "80", "200"])
@pytest.mark.parametrize("command", [("targets",), ("explain",), ("explain", *RULES)], ids=["targets", "list", "rules"])
def test_everything_fits_and_no_syntax_is_left(
    command: tuple[str, ...], columns: str, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = bench.run(*command).stdout
    assert max(map(width, text.split("\n"))) <= min(int(columns), 100)
    assert SYNTAX.findall(_prose(text)) == []
    assert "\x1b" not in text


def test_a_pipe_gets_the_width_of_a_narrow_terminal(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert max(map(width, bench.run("targets").stdout.split("\n"))) <= 60


def test_colours_only_add_escapes(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (("targets", next(iter(TARGETS))), ("explain", "B201"), ("explain",)):
        plain = bench.run(*command).stdout
        with monkeypatch.context() as patch:
            patch.setenv("FORCE_COLOR", "1")
            coloured = bench.run(*command).stdout
        assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
        assert coloured != plain or command == ("explain",)


@pytest.mark.parametrize("code", RULES)
def test_nothing_is_lost(code: str) -> None:
    words = re.sub(r"\]\([^)]*\)|````text|[`*#\[\]\s]|^- ", "", explain(RULES[code]), flags=re.MULTILINE)
    assert re.sub(r"[`*#\[\]\s]|^- ", "", rendered(explain(RULES[code]), 60), flags=re.MULTILINE) == words


PAGE = """\
## Title `x`

One *word* and
the next, with a [link](page.md#x) to `a b`.

- an item that is
  longer
- another, `2 * 3 * 4`

````text
x = "`kept` *as* it is"

    indented
````
    more code
"""
TEXT = """\
Title x

One word and the next, with a link to
a b.

- an item that is longer
- another, 2 * 3 * 4

    x = "`kept` *as* it is"

        indented
    more code
"""


def test_each_kind_of_block() -> None:
    assert rendered(PAGE, 37) == TEXT


def test_wide_characters_count_twice() -> None:
    assert wrapped("一二三 四五 六", 6, "- ", "  ") == ["- 一二", "  三", "  四五", "  六"]
    assert wrapped("e\u0301e\u0301 e\u0301", 4) == ["e\u0301e\u0301 e\u0301"]


@pytest.mark.parametrize("line", ["a" * 50, "  b = " + "c d " * 20, "", "一" * 40, " " * 70])
def test_a_line_of_code_is_cut_without_loss(line: str) -> None:
    lines = cut(line, 30, "    ", "      ")
    assert max(map(width, lines)) <= 30
    assert "".join([lines[0][4:], *(part[6:] for part in lines[1:])]) == line.rstrip(" ") or not line.strip(" ")
