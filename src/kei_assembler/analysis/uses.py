"""Select agents, instructions and skills by what they use: `KIND:NAME`, for example `block:honesty` or `tool:Bash`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from kei_assembler.analysis.agents import Item, block_names
from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.blocks import SECTION_MARK, split_entry
from kei_assembler.model.adaptation import EVERYTHING
from kei_assembler.model.inheritance import BUNDLE
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.settings import settings_values
from kei_assembler.records import NamedTuple
from kei_assembler.suggestions import choices, did_you_mean
from kei_assembler.targets import ALIASES, TARGETS

Names = Iterable[str]

_MAX_LISTED = 10
"""The number of known names up to which the help for an unknown one lists them all."""


class Kind(NamedTuple):
    """A kind of thing that items use: the names that an item uses, and those that a kit knows.

    `noun` is what messages call it.
    """

    noun: str
    used: Callable[[LoadedKit, Item], Names]
    known: Callable[[LoadedKit], Names]


def _blocks(kit: LoadedKit) -> Iterator[str]:
    yield from kit.block_names


def _tools_of(kit: LoadedKit, item: Item) -> Names:
    entries = item.manifest.tools
    if item.kind != AGENT.name:
        entries = entries or ()
    if entries is None or EVERYTHING in entries:
        return kit.known_tools | {EVERYTHING, *(entries or ())}
    return chain.from_iterable(_names_of_tool(entry) for entry in entries)


def _names_of_tool(entry: str) -> Iterator[str]:
    """Yield the names of an entry of `tools`: `Bash(git:*)` is `Bash` too, and `mcp__github__issue` `mcp__github`."""
    tool = entry.partition("(")[0]
    yield from (entry, ALIASES.get(tool, tool))
    if tool.startswith("mcp__"):
        yield "__".join(tool.split("__")[:2])


def _models_of(_: LoadedKit, item: Item) -> Iterator[str]:
    own = (item.manifest.target.get(name, {}).get(row.model_key) for name, row in TARGETS.items())
    yield from (model for model in (item.manifest.model, *own) if isinstance(model, str) and model)


def values_of(kit: LoadedKit, item: Item) -> frozenset[str]:
    """Return the names of the placeholders in an item's texts and blocks."""
    return kit.texts.of(item.manifest).used


KINDS = {
    "block": Kind("block", lambda _, item: block_names(item.manifest.blocks), _blocks),
    "tool": Kind("tool", _tools_of, lambda kit: kit.known_tools | {EVERYTHING}),
    "model": Kind("model", _models_of, lambda _: chain.from_iterable(row.model_names for row in TARGETS.values())),
    "agent": Kind(
        "agent", lambda _, item: (handoff.target for handoff in item.manifest.handoff), lambda kit: kit.names.agents
    ),
    "value": Kind("value", values_of, lambda kit: settings_values(kit.settings_table)[0]),
    "base": Kind("base", lambda _, item: item.bases, lambda kit: map(stem, kit.manifests)),
    "bundle": Kind("bundle", lambda _, item: item.bundles, lambda kit: kit.settings.bundles),
}
"""The kinds that items can be selected by."""


class Use(NamedTuple):
    """Something that an item can use: a kind, which is one of `KINDS`, and a name."""

    kind: str
    name: str


def parse(text: str, kinds: Iterable[str] = tuple(KINDS)) -> Use:
    """Return the use that a text such as `block:honesty` describes, of one of these kinds.

    Raises:
        AssembleError: it names no known kind, or no name.
    """
    kind, _, name = text.partition(":")
    if kind in kinds and name:
        name = name.removeprefix(BUNDLE) if kind == "bundle" else name
        return Use(kind, ALIASES.get(name, name) if kind == "tool" else name)
    known = tuple(kinds)
    hint = f"write KIND:NAME; {choices('kind', known)}"
    if kind in known:
        raise AssembleError(f"`{text}` has no name after the kind", hint)
    what = f"`{text}` has an unknown kind, `{kind}`" if ":" in text else f"`{text}` has no kind"
    raise AssembleError(what, did_you_mean(kind, known, hint) if ":" in text else hint)


def selected(kit: LoadedKit, items: Sequence[Item], uses: Iterable[Use]) -> list[Item]:
    """Return the items that use all of these.

    Raises:
        AssembleError: neither the kit nor one of the items has something of that name.
    """
    chosen = list(items)
    for kind, name in uses:
        row = KINDS[kind]
        using = {item.file for item in items if name in set(row.used(kit, item))}
        if not using:
            require(kit, items, row, name)
        chosen = [item for item in chosen if item.file in using]
    return chosen


def require(kit: LoadedKit, items: Iterable[Item], row: Kind, name: str) -> None:
    """Check that the kit, or one of these items, has something of this kind and name.

    Raises:
        AssembleError: neither has it.
    """
    known = {*row.known(kit), *chain.from_iterable(row.used(kit, item) for item in items)}
    if row is KINDS["block"] and SECTION_MARK in name:
        known.update(kit.blocks.section_entries(split_entry(name)[0]))
    if name not in known:
        others = choices(row.noun, sorted(known)) if 0 < len(known) <= _MAX_LISTED else ""
        hint = did_you_mean(name, known, others or f"the kit has no {row.noun} of this name")
        raise AssembleError(f"unknown {row.noun} `{name}`", hint)
