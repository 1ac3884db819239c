"""Shell completion: the words that a shell offers. Without a valid kit, these are the words that hold for any kit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import Kit, stem
from kei_assembler.model import manifest
from kei_assembler.targets import CLAUDE_TOOLS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def manifests(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the display paths of the kit's manifests that start with the word."""
    from kei_assembler.paths import display_path

    kit = _kit(ctx)
    return _matching(incomplete, (display_path(kit.path(file)) for file in kit.manifests)) if kit else []


def handoffs(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the agents that can be handed work and start with the word, each followed by `=` for the trigger."""
    kit = _kit(ctx)
    names = (*map(stem, kit.manifests), *kit.settings.external_agents) if kit else ()
    return _keys(incomplete, names)


def settable(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the keys that `--set` takes and that start with the word, each followed by `=` for the value."""
    kit = _kit(ctx)
    return _keys(incomplete, manifest.settable_fields(kit.settings.extra_keys if kit else {}))


def blocks(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the kit's blocks that start with the word."""
    kit = _kit(ctx)
    return _matching(incomplete, kit.block_names if kit else ())


def tools(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the tools that start with the word, by their names in a manifest."""
    kit = _kit(ctx)
    return _matching(incomplete, kit.known_tools if kit else CLAUDE_TOOLS)


def codes(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the diagnostic codes that start with the word, ignoring case."""
    from kei_assembler.rules.catalog import RULES

    return _matching(incomplete.upper(), RULES)


def files(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Let the shell offer files and folders."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, "file")]


def folders(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Let the shell offer folders."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, "dir")]


def _keys(incomplete: str, names: Iterable[str]) -> list[str]:
    return [] if "=" in incomplete else _matching(incomplete, (f"{name}=" for name in names))


def _matching(incomplete: str, words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word.startswith(incomplete)})


def _kit(ctx: click.Context) -> Kit | None:
    """The kit that `--kit` names, or the nearest one from the working directory upwards."""
    from kei_assembler.loader import load_kit
    from kei_assembler.selection import folder_of

    try:
        return load_kit(folder_of(ctx.params.get("folder")))
    except (AssembleError, OSError):
        return None
