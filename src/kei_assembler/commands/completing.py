"""What a shell may offer for the words of a command line; without a kit in order, what holds for every kit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from kei_assembler import manifest
from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import Kit, stem
from kei_assembler.targets import CLAUDE_TOOLS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def manifests(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the kit's manifests that begin so, as seen from here."""
    from kei_assembler.paths import as_seen

    kit = _kit(ctx)
    return _beginning(incomplete, (as_seen(kit.path(file)) for file in kit.manifests)) if kit else []


def handoffs(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the agents that one can hand off to and that begin so, each with the `=` before the trigger."""
    kit = _kit(ctx)
    names = (*map(stem, kit.manifests), *kit.settings.external_agents) if kit else ()
    return _keys(incomplete, names)


def settable(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the keys that `--set` takes and that begin so, each with the `=` before the value."""
    kit = _kit(ctx)
    return _keys(incomplete, manifest.settable_fields(kit.settings.extra_keys if kit else {}))


def blocks(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the kit's blocks that begin so."""
    kit = _kit(ctx)
    return _beginning(incomplete, kit.block_names if kit else ())


def tools(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the tools that begin so, by the names that a manifest has for them."""
    kit = _kit(ctx)
    return _beginning(incomplete, kit.known_tools if kit else CLAUDE_TOOLS)


def codes(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the codes of findings that begin so, in whatever case."""
    from kei_assembler.rules.catalog import RULES

    return _beginning(incomplete.upper(), RULES)


def files(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Leave it to the shell to offer files and folders."""
    return _left_to_the_shell("file", incomplete)


def folders(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Leave it to the shell to offer folders."""
    return _left_to_the_shell("dir", incomplete)


def _left_to_the_shell(kind: str, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, kind)]


def _keys(incomplete: str, names: Iterable[str]) -> list[str]:
    return [] if "=" in incomplete else _beginning(incomplete, (f"{name}=" for name in names))


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word.startswith(incomplete)})


def _kit(ctx: click.Context) -> Kit | None:
    """The kit that `--kit` names, or the one around here."""
    from kei_assembler.loader import load_kit
    from kei_assembler.selection import folder_of

    try:
        return load_kit(folder_of(ctx.params.get("folder")))
    except (AssembleError, OSError):
        return None
