"""The page that lists the instructions and skills, and the page about each: its parts, its files and its text."""

from __future__ import annotations

from collections.abc import Iterator

from kei_assembler.analysis.agents import Item
from kei_assembler.analysis.catalog.agent_pages import files_section, parts_section
from kei_assembler.analysis.catalog.contents import Contents, bar, facts, item_path
from kei_assembler.analysis.catalog.html import Html, element, joined
from kei_assembler.analysis.catalog.origin_text import marked_text, pieces
from kei_assembler.analysis.catalog.site import Page, headings, section, table
from kei_assembler.kit.outputs import outputs_of
from kei_assembler.model.kinds import INSTRUCTIONS, KINDS
from kei_assembler.render.origins import Origins

_PATH = "others.html"
_ROOT = "../"
_NAMES = {kind.name: kind.folder.capitalize() for kind in KINDS.values()}


def other_pages(contents: Contents) -> Iterator[Page]:
    """Yield the page that lists the instructions and skills, and the page about each. There are none without any.

    Raises:
        TemplateFailure: a template of the kit does not render.
    """
    if not contents.others:
        return
    kinds = dict.fromkeys(_NAMES[item.kind] for item in contents.others)
    title = " and ".join(kinds).capitalize()
    yield Page(_PATH, title, _list(contents, title), title)
    origins = Origins(contents.kit)
    for item in contents.others:
        sections = (
            element("p", _about(contents, item), class_="lead"),
            _facts(item),
            parts_section(contents, item),
            files_section(item),
            _text(contents, item, origins),
        )
        kind = _NAMES[item.kind].removesuffix("s") if item.kind != INSTRUCTIONS.name else _NAMES[item.kind]
        yield Page(item_path(item), item.name, joined(filter(None, sections), "\n"), above=_PATH, kind=kind)


def _list(contents: Contents, title: str) -> Html:
    largest = max(item.tokens for item in contents.others)
    columns = headings(
        ("Name", ""),
        ("Kind", "wide"),
        ("Blocks", "number wide"),
        ("Tokens", "number"),
        ("", "barred"),
        ("Clients", "wide"),
    )
    rows = [
        element(
            "tr",
            element(
                "th",
                contents.item_link(item.label, ""),
                element("span", _about(contents, item), class_="about"),
                scope="row",
            ),
            element("td", item.kind, class_="wide"),
            element("td", f"{len(item.manifest.blocks):,}", class_="number wide"),
            element("td", f"{item.tokens:,}", class_="number"),
            element("td", bar(item.tokens, largest), class_="barred"),
            element("td", ", ".join(item.targets), class_="wide"),
        )
        for item in contents.others
    ]
    return table(columns, rows, title, "sortable")


def _about(contents: Contents, item: Item) -> str:
    """What a skill is for, or which files the instructions are for."""
    if item.kind != INSTRUCTIONS.name:
        return contents.description(item)
    place = f"the folder {item.manifest.folder}" if item.manifest.folder else "the whole repository"
    return f"For {', '.join(item.manifest.paths)} in {place}." if item.manifest.paths else f"For {place}."


def _facts(item: Item) -> Html:
    return facts(
        (
            ("Tokens", f"{item.tokens:,}" if item.outputs else None),
            ("Clients", ", ".join(item.targets)),
            ("Manifest", element("code", item.file)),
            ("Extends", joined((element("code", base) for base in item.bases), ", ") or None),
            ("Bundles", joined((element("code", f"@{bundle}") for bundle in item.bundles), ", ") or None),
        )
    )


def _text(contents: Contents, item: Item, origins: Origins) -> Html | None:
    largest = item.largest
    made = outputs_of(contents.kit, item.manifest, item.file) if largest else ()
    output = next((one for one in made if largest and (one.path, one.section) == (largest.path, largest.section)), None)
    if output is None:
        return None
    found = pieces(origins.of_output(item.file, output))
    what = "section in" if output.section else "file"
    hint = element("p", f"The {what} ", element("code", output.path), ", with the origin of each part.", class_="quiet")
    return section("text", "Text", hint, marked_text(contents, found, _ROOT))
