"""The pages that are made from the code are as the code is."""

from __future__ import annotations

import re
import runpy
from typing import Any

import pytest

from conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
PAGES: dict[str, Any] = runpy.run_path(str(DOCS / "generate.py"))["PAGES"]


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_not_behind_the_code(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run: make docs"


def _links(text: str) -> set[str]:
    return {link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link}


@pytest.mark.parametrize(
    "path",
    [*sorted(REPOSITORY.glob("*.md")), *sorted(DOCS.rglob("*.md"))],
    ids=lambda path: path.relative_to(REPOSITORY).as_posix(),
)
def test_links_lead_somewhere(path: Any) -> None:
    assert [link for link in _links(path.read_text()) if not (path.parent / link).exists()] == []
