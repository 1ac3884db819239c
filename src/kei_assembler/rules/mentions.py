"""Rules about agents that texts name in backticks."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache, lru_cache, partial
from itertools import chain, islice

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Location, Severity, Span
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.blocks import Block
from kei_assembler.markdown.structure import code_lines
from kei_assembler.model.manifest import FIELDS
from kei_assembler.model.settings import SETTINGS
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Fixable, Remedy, Violation, rule
from kei_assembler.rules.hidden_text import texts
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.links import joined_texts, texts_of
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.suggestions import Certainty, certainty, misspelled, nearest
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import span_of
from kei_assembler.whitespace import with_lf_in_place

# A pattern that begins with a plain character is several times as fast, so what is before it is looked at after it.
_HYPHENATED = lazy_re.compile(r"`(?<!``)([a-z0-9]++(?:-[a-z0-9]++)++)`(?!`)")
PATH = lazy_re.compile(
    r"`(?<!``)((?:[A-Za-z0-9_.-]++/)++[A-Za-z0-9_-]++(?:\.[a-z0-9]++)*?\.[a-z][a-z0-9]*+)(?:#[A-Za-z0-9_-]*+)?`(?!`)"
)
"""The path of a file in backticks, with a folder and a suffix, and perhaps with an anchor, which is not part of it."""

_GAP = r"[ \t\n]++"
_WHAT = rf"(?:(?:it|this|that|them|the{_GAP}(?:work|task)){_GAP})?"
_RECEIVER = lazy_re.compile(
    rf"and(?<=\b[Hh]and)(?:(?:s|ed|ing)?{_GAP}{_WHAT}|-)?(?:off|over){_GAP}{_WHAT}to{_GAP}(?:the{_GAP}(?:agent{_GAP})?)?"
    r"`([a-z0-9][a-z0-9_-]*+)`(?!`)"
)


_LINE_END = lazy_re.compile(r"\n")


class Naming(NamedTuple):
    """A text in a source that can name agents.

    `locate` returns the place of a part of the text. `own` is the name of the manifest, if the text is in one.
    `is_trigger` says that the text is part of a handoff. `outputs` returns outputs with the text.
    """

    kit: LoadedKit
    text: str
    locate: Callable[[int, int], Span | Location]
    own: str = ""
    is_trigger: bool = False
    outputs: Callable[[], Iterable[str]] = tuple


class Mention(NamedTuple):
    """A name in backticks, and its offsets in the text."""

    name: str
    start: int
    end: int


@rule("H307", Severity.WARNING, fixable=Fixable.EITHER)
def misspelled_mention(naming: Naming) -> Iterable[Violation]:
    """A text names an agent in backticks that does not exist, but a very similar one does.

    This covers names with a hyphen in blocks, roles and other texts of manifests, except in code blocks. A word that
    the kit declares is never reported: a block, a bundle, a skill, a tool, a value, a client, an agent in the setting
    `external-agents`, or a file or folder in the kit's folder. A fix in the trigger of a handoff is not safe.

    Fails::

        # agents/code-critic.toml
        name = "code-critic"
        description = "Reviews code."
        role = "You review code. Only `code-writter` changes it."

        # agents/code-writer.toml
        name = "code-writer"
        description = "Writes code."

    Passes::

        # agents/code-critic.toml
        name = "code-critic"
        description = "Reviews code."
        role = "You review code. Only `code-writer` changes it."

        # agents/code-writer.toml
        name = "code-writer"
        description = "Writes code."
    """
    kit, known = naming.kit, naming.kit.known_agents
    names = dict.fromkeys(name for name in _HYPHENATED.findall(naming.text) if name not in known)
    similar = {name: match for name in islice(names, _MAX_COMPARED) if (match := _similar(name, known))}
    if not similar:
        return
    is_declared, receivers = cache(partial(_is_declared, naming)), frozenset(_mentions(naming, _RECEIVER))
    for mention in _mentions(naming, _HYPHENATED):
        match = similar.get(mention.name)
        # the next rule is about those that work is handed to
        if match and mention not in receivers and not kit.names.is_only_base(match) and not is_declared(mention.name):
            message = f"there is no agent `{mention.name}`"
            yield _violation(naming, mention, message, match, is_safe=not naming.is_trigger)


_MAX_COMPARED = 1000
"""How many different names in a text are compared with the names of agents."""


@rule("H308", Severity.WARNING, fixable=Fixable.UNSAFELY)
def unknown_receiver(naming: Naming) -> Iterable[Violation]:
    """A text says "hand off to" with a name in backticks, and there is no such agent.

    This covers blocks, roles and other texts of manifests, except in code blocks. List agents from elsewhere in the
    setting `external-agents`. Agents of a client, agent files that are not generated, and other words that the kit
    declares are not reported, and nothing is in a kit without agents.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = "You review code. To fix it, hand off to `implementor`."

        # agents/implementer.toml
        name = "implementer"
        description = "Writes code."

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = "You review code. To fix it, hand off to `implementer`."

        # agents/implementer.toml
        name = "implementer"
        description = "Writes code."
    """
    kit, mentions = naming.kit, _mentions(naming, _RECEIVER)
    if not mentions or not kit.agents:
        return
    is_declared = cache(partial(_is_declared, naming))
    for mention in mentions:
        if not is_declared(mention.name):
            match = nearest(mention.name, kit.known_agents)
            match = None if match and kit.names.is_only_base(match) else match
            message = f"the text hands off to `{mention.name}`, which is not an agent"
            yield _violation(naming, mention, message, match, is_safe=False)


_HELP = "name an agent of the kit, write a manifest for this one, or add it to the setting `external-agents`"


def _violation(naming: Naming, mention: Mention, message: str, match: str | None, *, is_safe: bool) -> Violation:
    where = naming.locate(mention.start, mention.end)
    if not match:
        return Violation(where, message, _HELP)
    is_clear = certainty(mention.name, match, naming.kit.known_agents) is Certainty.CLEAR
    remedy = Remedy("written", where, (mention.name, match), is_safe) if is_clear else None
    return Violation(where, message, f"did you mean `{match}`?", remedy=remedy)


def _mentions(naming: Naming, pattern: re.Pattern[str]) -> list[Mention]:
    """Return what a pattern finds outside of code blocks and that is not the name of an agent."""
    return outside_of_code(naming, pattern, naming.kit.known_agents)


def outside_of_code(naming: Naming, pattern: re.Pattern[str], known: Collection[str] = ()) -> list[Mention]:
    """Return what a pattern finds outside of code blocks, without what is known."""
    found = [Mention(match[1], *match.span(1)) for match in pattern.finditer(naming.text) if match[1] not in known]
    if not found:
        return found
    starts = [0, *(match.end() for match in _LINE_END.finditer(with_lf_in_place(naming.text)))]
    is_code = code_lines(naming.text)
    return [each for each in found if not is_code[bisect_right(starts, each.start) - 1]]


def _similar(word: str, known: frozenset[str]) -> str | None:
    """Return the agent whose name a word probably misspells.

    Two names that have the same parts, or of which one is the plural of the other, are often both right. A
    comparison with all agents is slow, so this first looks whether a part of the word is a part of a name.
    """
    parts = word.split("-")
    match = misspelled(word, known) if not _parts(known).isdisjoint(parts) else None
    is_other = not match or sorted(parts) == sorted(match.split("-")) or word.rstrip("s") == match.rstrip("s")
    return None if is_other else match


@lru_cache(maxsize=4)
def _parts(names: frozenset[str]) -> frozenset[str]:
    return frozenset(part for name in names if "-" in name for part in name.split("-") if not part.isdigit())


_KEYS = frozenset(field.key for field in (*FIELDS, *SETTINGS))


def _is_declared(naming: Naming, word: str) -> bool:
    """Return whether a word is the name of something else. Few words come here, because this reads manifests."""
    kit = naming.kit
    if word == naming.own or word in TARGETS or word in _KEYS or word in _of_clients():
        return True
    settings = kit.settings
    declared = (
        map(stem, kit.manifests),
        (name.rpartition("/")[2] for name in kit.block_names),
        settings.bundles,
        settings.extra_keys,
        kit.known_tools,
        (text for _, text in texts(settings.values, ())),
        map(kit.names.display_name, kit.agents),
    )
    return word in chain.from_iterable(declared) or _is_path(kit, word)


@lru_cache(maxsize=1)
def _of_clients() -> frozenset[str]:
    """The agents that clients have built in."""
    return frozenset(name for row in TARGETS.values() for names in row.built_in for name in names.names)


def _is_path(kit: LoadedKit, word: str) -> bool:
    """Return whether a file, a folder, a skill or an agent file in the kit's tree has this name."""
    if word == kit.root.replace("\\", "/").rpartition("/")[2]:
        return True
    tops = (kit.folder, kit.root)
    skills = {folder for target in kit.settings.targets for folder in TARGETS[target].skill_folders}
    paths = [f"{top}/{folder}{word}" for top in tops for folder in ("", *(f"{each}/" for each in skills))]
    agents = (kit.output(target, word, kit.manifest_file(word)) for target in kit.settings.targets)
    paths += (kit.path(path) for path in agents if not path.startswith(("/", "~")))
    return any(kit.holds(path) and kit.files.exists(path) for path in paths)


def of_block(usage: KitUsage, block: Block) -> Iterator[Naming]:
    """Yield the text of a block if it may name an agent or a path that does not exist."""
    text = block.source.text
    if "`" in text and _may_have_findings(usage.kit, text):
        outputs = partial(usage.outputs_with, block) if block.name in usage.blocks else tuple
        yield Naming(usage.kit, text, partial(span_of, text), outputs=outputs)


def of_manifest(context: ManifestContext) -> Iterator[Naming]:
    """Yield the texts of a manifest if one of them may name an agent or a path that does not exist."""
    # most manifests name only agents that exist, and it is faster to find that out for all texts at once
    joined = joined_texts(context)
    if "`" not in joined or not _may_have_findings(context.kit, joined):
        return
    for path, text in texts_of(context):
        if "`" in text:
            locate = partial(context.locate_text, path, text)
            yield Naming(context.kit, text, locate, stem(context.source.file), path[0] == "handoff", context.outputs)


def _may_have_findings(kit: LoadedKit, text: str) -> bool:
    named = chain.from_iterable(pattern.findall(text) for pattern in (_HYPHENATED, _RECEIVER))
    return not kit.known_agents.issuperset(named) or PATH.search(text) is not None


RULES = (misspelled_mention, unknown_receiver)
