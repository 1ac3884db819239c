"""The README is a first page: it begins with the two commands that set everything up, and leads to every other page."""

from __future__ import annotations

import re

from conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text()
_LINES_MOST = 220


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    first = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert first
    commands = [line.partition("#")[0].strip() for line in first[1].splitlines()]
    makefile = (REPOSITORY / "Makefile").read_text()
    assert commands == ["make", "make test"]
    assert re.findall(r"^(\w+):", makefile, re.MULTILINE)[:2] == ["assemble", "test"]


def test_every_page_is_linked() -> None:
    pages = {f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md")}
    assert pages == {link for link in re.findall(r"\]\(([^)#\s]+)", README) if link.startswith("docs/")}


def test_no_row_of_a_table_is_there_twice() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    assert len(rows) == len(set(rows))


def test_it_is_no_longer_than_a_first_page_may_be() -> None:
    assert len(README.splitlines()) <= _LINES_MOST
