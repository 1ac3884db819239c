"""The catalog of a kit: a static site that needs no server."""

from __future__ import annotations

from kei_assembler.analysis.agents import Survey
from kei_assembler.analysis.catalog.agent_pages import agent_pages
from kei_assembler.analysis.catalog.block_pages import block_pages
from kei_assembler.analysis.catalog.contents import Contents
from kei_assembler.analysis.catalog.graph_page import graph_page
from kei_assembler.analysis.catalog.overview_pages import overview_pages
from kei_assembler.analysis.catalog.search import search_data
from kei_assembler.analysis.catalog.site import Page, files_of
from kei_assembler.kit import LoadedKit


def pages(contents: Contents) -> list[Page]:
    """Return the pages about a kit. Those in the navigation come first, in its order.

    Raises:
        TemplateFailure: a template of the kit does not render.
    """
    first, blocks, matrix = overview_pages(contents)
    return [first, blocks, graph_page(contents), matrix, *agent_pages(contents), *block_pages(contents)]


def catalog(kit: LoadedKit, found: Survey) -> dict[str, bytes]:
    """Return the files of the catalog of a kit, by their paths in the site. `found` are all agents of the kit.

    Raises:
        TemplateFailure: a template of the kit does not render.
    """
    contents = Contents(kit, found)
    return files_of(pages(contents), search_data(contents))
