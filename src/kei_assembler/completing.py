"""What a shell may offer for the words of a command line; where there is no kit, or one with errors, it is nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable

import click

from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import Kit, stem


def manifests(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the kit's manifests that begin so, as seen from here."""
    kit = _kit()
    return _beginning(incomplete, (os.path.relpath(kit.path(file)) for file in kit.manifests)) if kit else []


def agents(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the agents that one can hand off to and that begin so."""
    kit = _kit()
    names = (*map(stem, kit.manifests), *kit.settings.external_agents) if kit else ()
    return _beginning(incomplete, names)


def blocks(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the kit's blocks that begin so."""
    kit = _kit()
    return _beginning(incomplete, kit.block_names if kit else ())


def codes(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the codes of findings that begin so, in whatever case."""
    from kei_assembler.catalog import RULES

    return _beginning(incomplete.upper(), RULES)


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word.startswith(incomplete)})


def _kit() -> Kit | None:
    from kei_assembler import discovery

    try:
        folder = discovery.find(os.getcwd())
        return discovery.load(folder) if folder else None
    except (AssembleError, OSError):
        return None
