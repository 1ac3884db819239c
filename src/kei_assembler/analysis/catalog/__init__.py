"""The catalog of a kit: a static site that needs no server."""

from __future__ import annotations

from kei_assembler.analysis.agents import Survey
from kei_assembler.analysis.catalog.agent_pages import agent_pages
from kei_assembler.analysis.catalog.block_pages import block_pages
from kei_assembler.analysis.catalog.contents import Contents
from kei_assembler.analysis.catalog.graph_page import graph_page
from kei_assembler.analysis.catalog.impact_page import impact_page
from kei_assembler.analysis.catalog.other_pages import other_pages
from kei_assembler.analysis.catalog.overview_pages import overview_pages
from kei_assembler.analysis.catalog.search import search_data
from kei_assembler.analysis.catalog.site import Page, files_of
from kei_assembler.analysis.impact.results import Impact
from kei_assembler.kit import LoadedKit


def pages(contents: Contents, impact: Impact | None = None) -> list[Page]:
    """Return the pages about a kit, and about a change if there is one. Those in the navigation come first, in order.

    Raises:
        TemplateFailure: a template of the kit does not render.
    """
    first, blocks, matrix = overview_pages(contents)
    of_change = [impact_page(contents, impact)] if impact else []
    in_navigation, of_others = [first], [*other_pages(contents)]
    in_navigation += [*of_others[:1], blocks, graph_page(contents), matrix, *of_change]
    return [*in_navigation, *agent_pages(contents), *of_others[1:], *block_pages(contents)]


def catalog(kit: LoadedKit, found: Survey, impact: Impact | None = None) -> dict[str, bytes]:
    """Return the files of the catalog of a kit, by their paths in the site. `found` are all agents of the kit.

    With the impact of a change, there is a page about it.

    Raises:
        TemplateFailure: a template of the kit does not render.
    """
    contents = Contents(kit, found)
    return files_of(pages(contents, impact), search_data(contents))
