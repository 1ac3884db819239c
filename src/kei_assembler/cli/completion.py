"""Shell completion: the words that a shell offers. Without a valid kit, these are the words that hold for any kit.

Names that a shell would have to quote are not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from itertools import filterfalse
from typing import TYPE_CHECKING

import click

from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import SECTION_MARK
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.model.inheritance import BUNDLE
from kei_assembler.model.kinds import KINDS, ItemName
from kei_assembler.model.manifest import settable_fields
from kei_assembler.paths import display_path
from kei_assembler.targets import CLAUDE_TOOLS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Completion = Callable[[click.Context, click.Parameter | None, str], list[str]]


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell offer files and folders."""
    return click.Path().shell_complete(ctx, param, incomplete)  # a path looks for translations when it is created


def folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell offer folders."""
    return click.Path(file_okay=False).shell_complete(ctx, param, incomplete)


def codes(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the diagnostic codes that start with the word, ignoring case."""
    from kei_assembler.rules.catalog import RULES

    return _matching(incomplete.upper(), RULES)


def _completion(words: Callable[[LoadedKit | None], Iterable[str]], suffix: str = "") -> Completion:
    """Return a completion that offers the words that `words` returns for the kit, each with the suffix.

    A word that already contains the suffix is complete.
    """

    def complete(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
        is_complete = suffix and suffix in incomplete
        return [] if is_complete else _matching(incomplete, (f"{word}{suffix}" for word in words(_kit(ctx))))

    return complete


def _matching(incomplete: str, words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word.startswith(incomplete) and _needs_no_quotes(word)})


def _needs_no_quotes(word: str) -> bool:
    """Return whether a shell takes the word as it is: bash inserts the words that it is offered without quotes."""
    is_plain = all(character.isalnum() or character in "@%+=:,./_-#" for character in word)
    return is_plain and not word.startswith(("-", "=", "#")) and shown(word) == word


def _kit(ctx: click.Context) -> LoadedKit | None:
    """The kit that `--kit` names, or the nearest one from the working directory upwards."""
    from kei_assembler.loader import load_kit
    from kei_assembler.selection import folder_of

    try:
        return load_kit(folder_of(ctx.params.get("folder")))
    except (AssembleError, OSError):
        return None


manifests = _completion(lambda kit: (display_path(kit.path(file)) for file in kit.manifests) if kit else ())
"""Offers the display paths of the kit's manifests."""


def _items(kit: LoadedKit) -> Iterable[str]:
    files = kit.manifest_files
    return (ItemName(kind.name, name).label for kind in KINDS.values() for name in files.named(kind))


items = _completion(lambda kit: _items(kit) if kit else ())
"""Offers the names of the kit's agents, and those of instructions with their kind."""


def names(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return what can be renamed or removed in the kit, as far as it starts with the word."""
    from kei_assembler.repair.names import known_names

    kit = _kit(ctx)
    return _matching(incomplete, known_names(kit)) if kit else []


bases = _completion(lambda kit: kit.agents if kit else ())
"""Offers the names of the kit's manifests of agents."""


def blocks(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the kit's blocks and bundles that start with the word, or after `#` the sections of a block."""
    kit = _kit(ctx)
    if kit is None:
        return []
    name, mark, _ = incomplete.partition(SECTION_MARK)
    with suppress(AssembleError):
        bundles = (f"{BUNDLE}{each}" for each in kit.settings.bundles)
        return _matching(incomplete, kit.blocks.section_entries(name) if mark else (*kit.block_names, *bundles))
    return []


def gates(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the gates of `--fail-on`."""
    from kei_assembler.analysis.impact.gates import WORDS

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{word}" for word in _matching(last, WORDS)]


def uses(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the kinds of what agents use, each with a colon, or after one the kit's names of this kind."""
    from kei_assembler.analysis.uses import KINDS

    return _of_kinds(ctx, incomplete, KINDS)


def omissions(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return what `uses` returns, for the kinds of what a build can leave out."""
    from kei_assembler.analysis.omissions import OMITTABLE

    return _of_kinds(ctx, incomplete, OMITTABLE)


def _of_kinds(ctx: click.Context, incomplete: str, kinds: Collection[str]) -> list[str]:
    from kei_assembler.analysis.uses import KINDS

    kind, colon, _ = incomplete.partition(":")
    if not colon:
        return _matching(incomplete, (f"{each}:" for each in kinds))
    kit = _kit(ctx)
    if kit is None or kind not in kinds:
        return []
    with suppress(AssembleError):
        return _matching(incomplete, (f"{kind}:{name}" for name in KINDS[kind].known(kit)))
    return []


tools = _completion(lambda kit: kit.known_tools if kit else CLAUDE_TOOLS)
"""Offers the tools, by their names in a manifest."""

handoffs = _completion(lambda kit: filterfalse(kit.names.is_only_base, kit.receivers) if kit else (), "=")
"""Offers the agents that can be handed work, each followed by `=` for the trigger."""

settable = _completion(lambda kit: settable_fields(kit.settings.extra_keys if kit else {}), "=")
"""Offers the keys that `--set` takes, each followed by `=` for the value."""
