"""Rules about blocks, and about the lists of blocks in manifests."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from kei_assembler.diagnostics import Severity
from kei_assembler.kit.blocks import VARIANT_MARK, Block, split_entry
from kei_assembler.model.settings import BLOCK_NAME, is_block_name, value_at
from kei_assembler.rules.definition import Fixable, Remedy, Violation, rule
from kei_assembler.rules.hints import did_you_mean_block, entries_of, meant_entry, meant_name
from kei_assembler.rules.keys import is_missing
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.remedies import replacing
from kei_assembler.rules.repetitions import repeats
from kei_assembler.rules.runner import MAX_FINDINGS
from kei_assembler.rules.sections import has_fault
from kei_assembler.rules.stray_keys import is_stray
from kei_assembler.suggestions import listed
from kei_assembler.toml.source import START
from kei_assembler.whitespace import has_text


@rule("B201", fixable=Fixable.EITHER, about="blocks")
def unknown_block(context: ManifestContext) -> Iterable[Violation]:
    """A manifest lists a block that does not exist.

    None of the kit's block folders contains a file with that name and `.md`.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["rule-tets-first"]

        # _blocks/rule-test-first.md
        Write the test first.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["rule-test-first"]

        # _blocks/rule-test-first.md
        Write the test first.
    """
    kit = context.kit
    for index, entry in enumerate(context.manifest.blocks):
        if entry and kit.block(entry) is None and is_block_name(split_entry(entry)[0]):
            name, _ = split_entry(entry)
            create = f"create `{name}.md` in a block folder ({listed(kit.settings.blocks)})"
            hint = did_you_mean_block(kit, entry, create)
            path = ("blocks", index)
            yield Violation(
                path,
                f"unknown block `{name}`",
                hint,
                remedy=replacing(path, entry, meant_entry(kit, entry), entries_of(kit, entry)),
            )


@rule("B202", fixable=Fixable.SAFELY, about="blocks")
def repeated_block(context: ManifestContext) -> Iterable[Violation]:
    """A manifest lists a block twice.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline", "baseline"]

        # _blocks/baseline.md
        Be honest.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.
    """
    yield from repeats(("blocks",), context.manifest.blocks)


@rule("B203", fixable=Fixable.SAFELY)
def obligatory_blocks(context: ManifestContext) -> Iterable[Violation]:
    """A manifest's list of blocks does not start with the obligatory blocks in the kit's order.

    The setting `obligatory` names these blocks.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["evidence"]

        # _blocks/baseline.md
        Be honest.

        # _blocks/evidence.md
        Name your sources.

        # assemble.toml
        obligatory = ["baseline"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline", "evidence"]

        # _blocks/baseline.md
        Be honest.

        # _blocks/evidence.md
        Name your sources.

        # assemble.toml
        obligatory = ["baseline"]
    """
    obligatory, blocks = context.kit.obligatory(context.kind), context.manifest.blocks
    if blocks[: len(obligatory)] == obligatory or is_missing(context, "blocks") or not context.fits("blocks"):
        return
    corrections = _corrections(context)
    listed_blocks = dict.fromkeys(corrections.get(name, name) for name in blocks)
    if tuple(islice(listed_blocks, len(obligatory))) == obligatory or is_stray(context, "blocks"):
        return
    missing = [name for name in obligatory if name not in listed_blocks]
    problem = f"lacks the obligatory {listed(missing)}" if missing else "does not start with the obligatory blocks"
    entries = context.kit.settings.of_kind(context.kind).obligatory
    order = ", in this order" if len(entries) > 1 else ""
    where = ("blocks",) if blocks else ()
    hint = f"start the list with {listed(entries)}{order}"
    yield Violation(where, f"`blocks` {problem}", hint, remedy=_with_obligatory(context))


def _with_obligatory(context: ManifestContext) -> Remedy:
    """The remedy that starts the list of blocks with the obligatory ones.

    What a list has of them already stays where it is, if it is at the right place, and is moved there otherwise.
    """
    path, wanted = ("blocks",), context.kit.settings.of_kind(context.kind).obligatory
    source, at = context.source_of(path), context.resolved.origin(path).path
    own = value_at(source.data, at)
    if not isinstance(own, list):
        return Remedy("added", (), ("blocks", wanted))
    expanded = {*wanted, *context.kit.obligatory(context.kind)}
    present = [entry for entry in own if entry in wanted]
    order = [own.index(entry) if entry in present else entry for entry in wanted]
    order += [index for index, entry in enumerate(own) if not isinstance(entry, str) or entry not in expanded]
    return Remedy("reordered", path, (order,))


def _corrections(context: ManifestContext) -> dict[str, str]:
    """The obligatory blocks that a manifest's first unknown blocks probably stand for.

    A misspelled obligatory block is reported as an unknown block only, not as a missing one too.
    """
    kit = context.kit
    names = (entry for entry in context.manifest.blocks if kit.block(entry) is None or has_fault(kit, entry))
    obligatory, folders = kit.obligatory(context.kind), kit.settings.blocks
    return {name: meant_name(name, obligatory, folders) or name for name in islice(names, MAX_FINDINGS)}


@rule("B204", fixable=Fixable.EITHER, about="blocks")
def invalid_block_name(context: ManifestContext) -> Iterable[Violation]:
    """A manifest lists a block with an invalid name.

    A name has one or more segments, joined by `/`. A segment consists of lower-case letters, digits, `.`, `_` and `-`,
    and starts with a letter or digit. Such a name means the same file on every system, and the file is always in a
    block folder.

    For one section of a block, `#` and the section's slug follow the name.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["_blocks/policy/no-git-ops.md"]

        # _blocks/policy/no-git-ops.md
        Do not push.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["policy/no-git-ops"]

        # _blocks/policy/no-git-ops.md
        Do not push.
    """
    for index, entry in enumerate(context.manifest.blocks):
        # most entries are names
        if not is_block_name(entry) and entry and not is_block_name(name := split_entry(entry)[0]):
            otherwise = "write the name without `.md`" if name.endswith(".md") else ""
            hint = did_you_mean_block(context.kit, name, otherwise)
            block, _, client = name.partition(VARIANT_MARK)
            if block in context.kit.known_blocks:
                hint = f"list `{block}`: a file for `{client}` replaces the block without being listed"
                match: str | None = entry.replace(name, block)
            else:
                match = meant_entry(context.kit, entry) if name else None
            problem = f"`{name}` is not {BLOCK_NAME.expects}" if name else f"`{entry}` has no name of a block"
            hint, path = hint if name else "write it before the `#`", ("blocks", index)
            yield Violation(path, problem, hint, remedy=replacing(path, entry, match, entries_of(context.kit, entry)))


@rule("B205")
def empty_block(block: Block) -> Iterable[Violation]:
    """A block's file is empty, or contains only whitespace.

    The text of a block for one client, as in `baseline@codex.md`, can be empty: it leaves the block out.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.
    """
    if not block.target and not has_text(block.source.text):
        yield Violation(START, f"the block `{block.name}` is empty", "write its text, or remove it from the manifests")


@rule("B206", Severity.NOTE)
def unused_block(usage: KitUsage, name: str) -> Iterable[Violation]:
    """No manifest of the kit uses the block.

    It may be meant for a future agent, or be left over. Only reported when all manifests are checked.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # _blocks/baseline.md
        Be honest.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.
    """
    if name not in usage.blocks and name not in usage.kit.variant.without:
        yield Violation(START, f"no manifest uses the block `{name}`", "list it in a manifest, or delete it")


OF_MANIFEST = (unknown_block, repeated_block, obligatory_blocks, invalid_block_name)
OF_BLOCK = (empty_block,)
