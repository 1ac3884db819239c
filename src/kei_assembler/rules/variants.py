"""Rules about variants: the files whose text replaces a block for one client."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import Diagnostic, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import SECTION_MARK, VARIANT_MARK, Block
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.hints import meant_name
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.runner import run_rule
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS, did_you_mean_target
from kei_assembler.toml.source import START, Source


@rule("B214")
def unknown_client(file: str, client: str) -> Iterable[Violation]:
    """The name of a file in a block folder names an unknown client after `@`.

    The file `baseline@codex.md` replaces the block `baseline` for the client Codex CLI. `assemble targets` lists the
    clients.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.

        # _blocks/baseline@codx.md
        Be honest and brief.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
        targets = ["codex"]

        # _blocks/baseline.md
        Be honest.

        # _blocks/baseline@codex.md
        Be honest and brief.
    """
    name = file.rpartition("/")[2]
    problem = f"`{name}` is for the unknown client `{client}`" if client else f"`{name}` names no client after `@`"
    hint = f"the clients are {listed(TARGETS)}"
    if VARIANT_MARK in client:
        problem, hint = f"`{name}` has more than one `{VARIANT_MARK}`", "write a file for each client"
    elif client:
        hint = did_you_mean_target(client, TARGETS, hint)
    yield Violation(START, problem, hint)


@rule("B215")
def variant_without_block(kit: LoadedKit, file: str, name: str) -> Iterable[Violation]:
    """A file has the text of a block for one client, and there is no such block.

    Only reported when all manifests are checked.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # _blocks/baseline@codex.md
        Be brief.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
        targets = ["codex"]

        # _blocks/baseline.md
        Be honest.

        # _blocks/baseline@codex.md
        Be brief.
    """
    match = meant_name(name, kit.known_blocks)
    last = file.rpartition("/")[2]
    client = last.partition(VARIANT_MARK)[2]
    hint = f"did you mean `{match}{VARIANT_MARK}{client}`?" if match else "create the block, or delete the file"
    yield Violation(START, f"`{last}` belongs to the block `{name}`, which does not exist", hint)


@rule("B216")
def reserved_character(file: str, problem: str, hint: str) -> Iterable[Violation]:
    """The name of a file in a block folder has `@` or `#` at a place where it has no meaning.

    `@` comes before a client at the end of a file's name, as in `baseline@codex.md`. `#` comes before a section in a
    list of blocks, and in no name of a file. Only reported when all manifests are checked.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # _blocks/baseline#care.md
        Be careful.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline-care"]

        # _blocks/baseline-care.md
        Be careful.
    """
    yield Violation(START, f"`{file.rpartition('/')[2]}` is not the file of a block: {problem}", hint)


@rule("B218", Severity.NOTE)
def unused_variant(usage: KitUsage, variant: Block) -> Iterable[Violation]:
    """A block has a text for a client that no manifest of the kit is generated for.

    Only reported when all manifests are checked for all of their clients.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.

        # _blocks/baseline@codex.md
        Be brief.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
        targets = ["codex"]

        # _blocks/baseline.md
        Be honest.

        # _blocks/baseline@codex.md
        Be brief.
    """
    if variant.target not in usage.targets:
        message = f"the text of `{variant.name}` for `{variant.target}` is not used: no manifest is for this client"
        yield Violation(START, message, "add the client to `targets`, or delete the file")


def check_clients(kit: LoadedKit, block: Block) -> list[Diagnostic]:
    """Return the findings about files that replace a block for an unknown client."""
    unknown = kit.blocks.clients(block.name).items() if not block.target else ()
    return [
        found
        for client, file in unknown
        if client not in TARGETS
        for found in run_rule(unknown_client, Source(file, ""), file, client)
    ]


def check_name(kit: LoadedKit, file: str, name: str, suffix: str) -> list[Diagnostic]:
    """Return the findings about a file in a block folder whose name, without the suffix, has `@` or `#`."""
    source, (folder, _, last) = Source(file, ""), name.rpartition("/")
    block, _, client = name.partition(VARIANT_MARK)
    if why := _misuse(name, folder, last):
        return run_rule(reserved_character, source, file, *why)
    if block not in kit.known_blocks:
        return run_rule(variant_without_block, source, kit, file, block)
    if suffix == ".md":
        return []  # the check of the block itself looks at the client
    if client not in TARGETS:
        return run_rule(unknown_client, source, file, client)
    return run_rule(reserved_character, source, file, f"it ends with `{suffix}`", f"rename it to `{last}.md`")


def _misuse(name: str, folder: str, last: str) -> tuple[str, str] | None:
    """What is wrong with the place of `@` or `#` in a name, and the help, or None."""
    if SECTION_MARK in name:
        return f"`{SECTION_MARK}` is reserved for sections in lists of blocks", f"rename it without `{SECTION_MARK}`"
    if VARIANT_MARK in folder:
        return f"`{VARIANT_MARK}` names a client at the end of a file's name, not of a folder's", "rename the folder"
    if last.startswith(VARIANT_MARK):
        return f"it has no name of a block before `{VARIANT_MARK}`", f"rename it to `NAME{last}.md`"
    return None


def check_use(usage: KitUsage) -> list[Diagnostic]:
    """Return the notes about variants for clients that no manifest is generated for."""
    kit, found = usage.kit, []
    for name in kit.block_names if not kit.selected_targets else ():
        for target in kit.blocks.variants(name):
            if variant := kit.block(name, target):
                found += run_rule(unused_variant, variant.source, usage, variant)
    return found
