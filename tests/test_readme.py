"""The README is short, and addresses users before contributors."""

from __future__ import annotations

import re

from conftest import REPOSITORY
from kei_assembler.targets import TARGETS
from kei_assembler.targets.sentences import SENTENCES

README = (REPOSITORY / "README.md").read_text()
INDEX = (REPOSITORY / "docs" / "README.md").read_text()
_MAX_LINES = 220


def test_users_come_before_contributors() -> None:
    headings = re.findall(r"^## (.+)", README, re.MULTILINE)
    assert headings[:2] == ["Install", "Example"]
    assert headings[-1] == "Contributing"
    assert "make test" not in README.partition("## Contributing")[0]


def test_contributor_needs_only_two_commands() -> None:
    block = re.search(r"```sh\n(.*?)```", README.partition("## Contributing")[2], re.DOTALL)
    assert block
    commands = [line.partition("#")[0].strip() for line in block[1].splitlines()]
    makefile = (REPOSITORY / "Makefile").read_text()
    assert commands == ["make", "make test"]
    assert re.findall(r"^(\w+):", makefile, re.MULTILINE)[:2] == ["assemble", "test"]


def test_index_links_every_page() -> None:
    docs = REPOSITORY / "docs"
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")} - {"README.md"}
    assert pages == {link for link in re.findall(r"\]\(([^)#\s]+)", INDEX) if not link.startswith("../")}


def test_readme_links_the_index() -> None:
    assert "](docs/README.md)" in README


def test_table_rows_are_unique() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    assert len(rows) == len(set(rows))


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= _MAX_LINES


def test_lists_of_clients_are_complete() -> None:
    text = " ".join(README.split())
    for row in TARGETS.values():
        assert row.label.removesuffix("-subagents") in text
    assert f"{SENTENCES['clients with tools in words']} get no list of tools" in text
