"""What the search of a catalog looks through, as a script: pages opened from a disk cannot load data otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from kei_assembler.analysis.catalog.contents import Contents, agent_path, item_path
from kei_assembler.analysis.catalog.site import page_path
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.whitespace import collapse_whitespace

_MAX_DETAIL = 200


def search_data(contents: Contents) -> str:
    """Return a script with a list of rows, each with a kind, a name, a detail, the path of a page, and more words.

    All of it is ASCII, and no character is hidden.
    """
    rows = (
        json.dumps([shown(text) for text in row])
        for row in (*_agents(contents), *_others(contents), *_blocks(contents))
    )
    return "".join(("globalThis.CATALOG = [\n", ",\n".join(rows), "\n];\n"))


def _agents(contents: Contents) -> Iterator[Iterable[str]]:
    for agent in contents.agents:
        manifest = agent.manifest
        words = dict.fromkeys((manifest.model, *(manifest.tools or ()), *manifest.blocks, *agent.bases, *agent.targets))
        triggers = (edge.trigger for edge in contents.handoffs[agent.name][0])
        yield "agent", agent.name, contents.description(agent), agent_path(agent.name), " ".join((*words, *triggers))


def _others(contents: Contents) -> Iterator[Iterable[str]]:
    for item in contents.others:
        words = dict.fromkeys((*item.manifest.blocks, *item.bases, *item.targets, *item.manifest.paths))
        yield item.kind, item.name, contents.description(item) or item.file, item_path(item), " ".join(words)


def _blocks(contents: Contents) -> Iterator[Iterable[str]]:
    for block in contents.blocks:
        text = collapse_whitespace(contents.kit.blocks.text(block.name))
        path = page_path("blocks", block.name)
        yield "block", block.name, text[:_MAX_DETAIL], path, text[_MAX_DETAIL : 10 * _MAX_DETAIL]
