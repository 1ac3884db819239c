"""The page about each block: its text, who uses it, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator

from kei_assembler.analysis.catalog.contents import BlockUses, Contents, bar, facts
from kei_assembler.analysis.catalog.html import Html, element, joined
from kei_assembler.analysis.catalog.site import Page, headings, page_path, section, table
from kei_assembler.kit.blocks import Block, split_entry
from kei_assembler.markdown.structure import trimmed
from kei_assembler.markdown.tokens import tokens
from kei_assembler.model.kinds import KINDS
from kei_assembler.suggestions import counted, listed

_ROOT = "../"


def block_pages(contents: Contents) -> Iterator[Page]:
    """Yield the page about each block."""
    for block in contents.blocks:
        body = joined((_facts(contents, block), _users(contents, block), *_texts(contents, block)), "\n")
        yield Page(page_path("blocks", block.name), block.name, body, above="blocks.html", kind="Block")


def _facts(contents: Contents, block: BlockUses) -> Html:
    kit = contents.kit
    found = kit.block(block.name)
    bundles = [
        name
        for name, entries in sorted(kit.settings.bundles.items())
        if any(split_entry(entry)[0] == block.name for entry in entries)
    ]
    obligatory = [f"{kind.noun}s" for kind in KINDS.values() if block.name in kit.obligatory(kind)]
    return facts(
        (
            ("Tokens", f"{tokens(trimmed(kit.blocks.text(block.name))):,}"),
            ("Agents", f"{len(block.agents):,}" if block.agents else "none"),
            ("Instructions", f"{len({use.agent for use in block.others}):,}" if block.others else None),
            ("Cost in the kit", counted(block.cost, "token")),
            ("File", element("code", found.source.file) if found else None),
            ("Bundles", joined((element("code", f"@{name}") for name in bundles), ", ") or None),
            ("Obligatory", f"for all {listed(obligatory, str)}" if obligatory else None),
        )
    )


def _users(contents: Contents, block: BlockUses) -> Html:
    uses = (*block.uses, *block.others)
    if not uses:
        return section("uses", "Used by", element("p", "No agent uses this block.", class_="quiet"))
    largest = max(use.tokens for use in uses)
    has_sections = any(use.entry != block.name for use in uses)
    entries = [("Entry", "")] if has_sections else []
    columns = headings(
        ("Agent", "") if not block.others else ("Agent or instructions", ""),
        *entries,
        ("Tokens", "number"),
        ("", "barred"),
    )
    rows = [
        element(
            "tr",
            element("th", contents.item_link(use.agent, _ROOT), scope="row"),
            element("td", element("code", use.entry)) if has_sections else None,
            element("td", f"{use.tokens:,}", class_="number"),
            element("td", bar(use.tokens, largest), class_="barred"),
        )
        for use in uses
    ]
    label = f"{counted(len(block.agents), 'agent')}, {counted(block.cost, 'token')} in all"
    return section(
        "uses", "Used by", element("p", label, class_="quiet"), table(columns, rows, "Agents with this block")
    )


def _texts(contents: Contents, block: BlockUses) -> Iterator[Html]:
    """Yield the text of a block, and the texts that replace it for some clients."""
    blocks = contents.kit.blocks
    yield section("text", "Text", _text(contents.kit.block(block.name)))
    for target in blocks.variants(block.name):
        yield section(f"text-{target}", f"Text for {target}", _text(contents.kit.block(block.name, target)))


def _text(block: Block | None) -> Html:
    if block is None or block.source.error:
        return element("p", "This block cannot be read.", class_="quiet")
    if not block.source.text.strip(" \t\n"):
        return element("p", "This text is empty.", class_="quiet")
    return element("pre", Html("\n"), block.source.text, class_="paper")
