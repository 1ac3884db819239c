"""A kit with sections and text for one client generates what a kit generates that has those texts as blocks."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from conftest import examples
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.diagnostics import has_errors
from kei_assembler.loader import load_kit

TARGETS = ("claude-code", "codex", "gemini")
BODIES = (
    "",
    "Text.\n",
    "```\n# no\n```\n",
    "- # no\n",
    "> # no\n\nEnd.\n",
    "\n\nText.  \n\n",
    "<!-- \n# no\n-->\n",
    "1. a\n",
)
NAMES = ("One", "two `code`", "_Three_", "four!")
SLUGS = ("one", "two-code", "three", "four")


class Part(NamedTuple):
    """A heading with its level and its text, and what follows it."""

    level: int
    slug: str
    text: str


@st.composite
def texts(draw: st.DrawFn) -> list[Part]:
    """A text with each of the headings, in any order and on any level."""
    parts = []
    for index in draw(st.permutations(range(len(NAMES)))):
        level = draw(st.integers(1, 4))
        is_setext = level <= 2 and draw(st.booleans())
        heading = f"{NAMES[index]}\n{'=-'[level - 1] * 3}\n" if is_setext else f"{'#' * level} {NAMES[index]}\n"
        parts.append(Part(level, SLUGS[index], f"\n{heading}\n{draw(st.sampled_from(BODIES))}\n"))
    return parts


def _text(parts: Sequence[Part]) -> str:
    return "".join(part.text for part in parts)


def _section(parts: Sequence[Part], slug: str) -> str:
    """The text of a section, or the whole text."""
    if not slug:
        return _text(parts)
    first = next(index for index, part in enumerate(parts) if part.slug == slug)
    level = parts[first].level
    following = (index for index in range(first + 1, len(parts)) if parts[index].level <= level)
    return _text(parts[first : next(following, len(parts))])


def _outputs(files: Mapping[str, str], entries: Sequence[str], target: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve()
        manifest = {"name": "a", "description": "A.", "role": "You work.", "blocks": list(entries)}
        for name, text in {"agents/a.toml": tomli_w.dumps(manifest), "assemble.toml": "", **files}.items():
            (path / name).parent.mkdir(exist_ok=True)
            (path / name).write_text(text)
        plan = plan_kit(load_kit(str(path), (target,)), ["agents/a.toml"], whole=False)
    assert not has_errors(plan.diagnostics)
    assert plan.changes[0].after
    return plan.changes[0].after


ENTRIES = st.lists(
    st.sampled_from([f"{name}{mark}" for name in "xy" for mark in ("", *(f"#{each}" for each in SLUGS))])
)


@examples(200)
@given(texts(), texts(), st.none() | st.just([]) | texts(), ENTRIES.map(dict.fromkeys), st.sampled_from(TARGETS))
def test_composed_and_plain_blocks_generate_the_same(
    x: list[Part], y: list[Part], variant: list[Part] | None, entries: dict[str, None], target: str
) -> None:
    composed = {"_blocks/x.md": _text(x), "_blocks/y.md": _text(y)}
    if variant is not None:
        composed["_blocks/x@codex.md"] = _text(variant)
    plain = {}
    for index, entry in enumerate(entries):
        name, _, slug = entry.partition("#")
        text = x if name == "x" else y
        if name == "x" and target == "codex" and variant is not None:
            text = variant
        if text:
            plain[f"b-{index}"] = _section(text, slug)
    files = {f"_blocks/{name}.md": text for name, text in plain.items()}
    assert _outputs(composed, list(entries), target) == _outputs(files, list(plain), target)
