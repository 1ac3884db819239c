"""Generated pages are up to date, and no link is broken."""

from __future__ import annotations

import re
import runpy
from typing import Any

import pytest

from conftest import REPOSITORY, Workbench

DOCS = REPOSITORY / "docs"
GENERATE: dict[str, Any] = runpy.run_path(str(DOCS / "generate.py"))
PAGES: dict[str, Any] = GENERATE["PAGES"]


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run: make docs"


def test_manifest_page_lists_the_section_of_each_key() -> None:
    rows = re.findall(
        r"^\| (`.+) \| (.+) \|$", (DOCS / "manifest.md").read_text().partition("## Editors")[0], re.MULTILINE
    )
    keys = {key.strip("[]") for left, _ in rows for key in re.findall(r"`(\[*[\w.-]+\]*)", left)}
    assert {key.partition(".")[0] for key in keys} == {field.key for field in GENERATE["FIELDS"]}
    (template,) = (REPOSITORY / "src").rglob("default/agent.md.j2")
    headings = re.findall(r"^# .+", template.read_text(), re.MULTILINE)
    assert list(dict.fromkeys(heading for _, right in rows for heading in re.findall("# [A-Z ]+", right))) == headings


def test_library_page_shows_code_for_several_targets(bench: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", (DOCS / "library.md").read_text(), re.MULTILINE | re.DOTALL)
    bench.write({"agents/critic.toml": 'name = "critic"\ndescription = "Reviews code."\nrole = "You review."\n'})
    bench.write({"assemble.toml": 'targets = ["claude-code", "codex", "gemini"]\n'})
    exec(code.replace("path/to/kit", bench.folder.as_posix()), {})
    lines = capsys.readouterr().out.splitlines()
    starts = ("claude-code agents/critic.md", "codex .codex/agents/critic.toml", "gemini .gemini/agents/critic.md")
    assert [start for start in starts if any(line.startswith(start) for line in lines)] == [*starts]
    assert lines[-1] == "0 []"


def test_library_page_shows_code_that_runs(bench: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", (DOCS / "library.md").read_text(), re.MULTILINE | re.DOTALL)
    bench.write(
        {"agents/critic.toml": 'name = "critic"\ndescription = "Reviews code."\n', "_blocks/unused.md": "Text.\n"}
    )
    exec(code.replace("path/to/kit", bench.folder.as_posix()), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=3)[:3] for line in lines[:2]] == [
        ["_blocks/unused.md", "1", "B206"],
        ["agents/critic.md", "1", "O609"],
    ]
    assert lines[2].startswith("create agents/critic.md ")
    assert lines[3:5] == ["claude-code agents/critic.md ---", "name: critic"]
    assert lines[-1] == "0 []"
    assert bench.read("agents/critic.md").startswith("---\nname: critic\n")


def _links(text: str) -> set[str]:
    return {link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link}


@pytest.mark.parametrize(
    "path",
    [*sorted(REPOSITORY.glob("*.md")), *sorted(DOCS.rglob("*.md"))],
    ids=lambda path: path.relative_to(REPOSITORY).as_posix(),
)
def test_links_are_not_broken(path: Any) -> None:
    assert [link for link in _links(path.read_text()) if not (path.parent / link).exists()] == []
