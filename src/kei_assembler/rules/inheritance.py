"""Rules about the entries and keys of a manifest that refer to what it inherits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby

from kei_assembler.diagnostics import Diagnostic, KeyPath, RelatedLocation
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.blocks import SECTION_MARK
from kei_assembler.model.inheritance import BUNDLE, DROPPED, INHERITED, Fault, Resolved
from kei_assembler.model.kinds import KINDS
from kei_assembler.model.manifest import FIELDS
from kei_assembler.model.settings import BUNDLE_NAME, settings_values
from kei_assembler.rules import bases
from kei_assembler.rules.definition import Fixable, Remedy, Rule, Violation, rule
from kei_assembler.rules.hints import entries_of, meant_name
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.names import duplicate_name
from kei_assembler.rules.remedies import decides, moving, removing, renaming, replacing
from kei_assembler.rules.runner import diagnose, first_of, locate, run_rule
from kei_assembler.suggestions import did_you_mean, listed, nearest
from kei_assembler.validation import fits


@rule("E104", fixable=Fixable.EITHER)
def nothing_inherited(kit: LoadedKit, fault: Fault) -> Iterable[Violation]:
    """A list has an entry `"..."`, but there is nothing that it could stand for.

    It stands for the entries of the same list in the next layer: the base, or the settings' `[defaults]`. If none of
    these has the list, the client's default applies there, and no entry can stand for that. A list of the manifest that
    is below the header of a table also inherits nothing.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "base-reviewer"

        [references]
        extra = ["docs/review.md"]
        blocks = ["...", "testing"]

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.

        # _blocks/testing.md
        Test it.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "base-reviewer"
        blocks = ["...", "testing"]

        [references]
        extra = ["docs/review.md"]

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.

        # _blocks/testing.md
        Test it.
    """
    base = kit.composition.source(fault.origin.file).data.get("extends")
    message = f'`"{INHERITED}"` stands for nothing: no base and no default has a list `{fault.name}`'
    other = f"add the list to `{base}`" if base else "name a base with `extends`"
    hint, remedy = f"remove the entry, or {other}", None
    table, key = fault.origin.path[:-2], str(fault.origin.path[-2])
    if table and table[0] != "target" and key in _MANIFEST_KEYS:
        hint, remedy = f"`{key}` is a key of the manifest: move it to the top", moving((*table, key), (), key)
    elif not table and key not in _MANIFEST_KEYS.union(kit.settings.extra_keys):
        match = nearest(key, _MANIFEST_KEYS)
        hint = f"did you mean the key `{match}`?" if match else hint
        remedy = renaming((key,), match, _MANIFEST_KEYS)
    yield Violation(fault.origin.path, message, hint, remedy=remedy)


_MANIFEST_KEYS = frozenset(field.key for field in FIELDS)


@rule("E140", fixable=Fixable.EITHER)
def almost_inherited(kit: LoadedKit, fault: Fault) -> Iterable[Violation]:
    """A list replaces the inherited one, but has an entry that is almost `"..."`.

    Some editors turn three dots into one character. Without the right entry, the agent would lose what the base lists,
    such as the tools that it must not use.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "base-reviewer"
        tools = ["…", "Bash"]

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true
        tools = ["Read"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "base-reviewer"
        tools = ["...", "Bash"]

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true
        tools = ["Read"]
    """
    message = f"`{fault.name}` does not stand for the inherited entries"
    is_safe = not decides(fault.origin.path)
    remedy = Remedy("replaced", fault.origin.path, (fault.name, INHERITED), is_safe)
    yield Violation(fault.origin.path, message, f'write `"{INHERITED}"`, with three dots', remedy=remedy)


@rule("E141", fixable=Fixable.SAFELY)
def nothing_below_defaults(kit: LoadedKit) -> Iterable[Violation]:
    """A list in the settings' `[defaults]` or values has an entry `"..."`.

    The settings are what everything else inherits from, so there is nothing that the entry could stand for.

    Fails::

        # assemble.toml
        [defaults]
        tools = ["...", "Read"]

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

    Passes::

        # assemble.toml
        [defaults]
        tools = ["Read"]

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
    """
    general, tables = settings_values(kit.settings_table)
    lists = [({path[-1]: value}, path[:-1]) for value, path in general.values()]
    lists += [(table, ("target", name, "values")) for name, table in tables.items()]
    defaults = [(kit.defaults_of(kind), (*kit.settings.of_kind(kind).at, "defaults")) for kind in KINDS.values()]
    for path in chain.from_iterable(_dots(*each) for each in [*defaults, *lists]):
        message = f'`"{INHERITED}"` stands for nothing, because the settings inherit from nothing'
        where = kit.settings_path(*path)
        yield Violation(where, message, "remove the entry", remedy=removing(where))


def _dots(value: object, path: KeyPath) -> Iterator[KeyPath]:
    """Yield the paths of the entries `"..."` in the lists of a table, at any depth."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, list) and INHERITED in inner:
            yield (*path, key, inner.index(INHERITED))
        yield from _dots(inner, (*path, key))


@rule("E105", fixable=Fixable.EITHER)
def nothing_dropped(kit: LoadedKit, fault: Fault) -> Iterable[Violation]:
    """A manifest drops something that it does not inherit.

    This is about `"!entry"` in a list, a key in `unset`, and a `[[handoff]]` with `trigger = false`. If the name is
    misspelled, the agent keeps what it should lose.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "base-reviewer"
        tools = ["...", "!Bsh"]

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true
        tools = ["Read", "Bash"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "base-reviewer"
        tools = ["...", "!Bash"]

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true
        tools = ["Read", "Bash"]
    """
    place, known, remedy = fault.origin.path[0], fault.trail, None
    if fault.kind == "replaced":
        message = f"`{fault.name}` drops nothing, because the list replaces the inherited one"
        hint = f'add `"{INHERITED}"`, which stands for the inherited entries'
    elif fault.kind == "no-target":
        message = "`trigger = false` drops an inherited handoff, but this one has no `target`"
        hint = "name the agent that the inherited handoff leads to"
    else:
        what = {"unset": "the key", "handoff": "a handoff to"}.get(str(place), "the entry")
        message = f"{what} `{fault.name}` is not inherited, so it cannot be dropped"
        otherwise = "remove it" if place in _WITHOUT_PROSE else f"remove it; {_ESCAPED}"
        hint = did_you_mean(fault.name, known, otherwise)
        remedy = replacing(fault.origin.path, fault.name, nearest(fault.name, known), known)
    yield Violation(fault.origin.path, message, hint, remedy=remedy)


_ESCAPED = rf"to print a text that begins with `{DROPPED}`, write it in single quotes: `'\{DROPPED}…'`"
_WITHOUT_PROSE = ("unset", "handoff", "tools", "blocks", "targets", "target")
"""The keys in which no text begins with `!`."""


@rule("E106", fixable=Fixable.SAFELY)
def repeated_reference(kit: LoadedKit, fault: Fault) -> Iterable[Violation]:
    """A list has the entry `"..."`, a bundle, or something to drop twice.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["@careful", "@careful"]

        # assemble.toml
        bundles = { careful = ["baseline"] }

        # _blocks/baseline.md
        Be honest.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["@careful"]

        # assemble.toml
        bundles = { careful = ["baseline"] }

        # _blocks/baseline.md
        Be honest.
    """
    is_handoff = fault.origin.path[0] == "handoff"
    message = f"the handoff to `{fault.name}` is dropped twice" if is_handoff else f"`{fault.name}` is listed twice"
    remedy = None if is_handoff else removing(fault.origin.path)
    yield Violation(fault.origin.path, message, "remove one of the two", remedy=remedy)


@rule("E107", fixable=Fixable.EITHER)
def unknown_bundle(kit: LoadedKit, fault: Fault) -> Iterable[Violation]:
    """A manifest lists a bundle that the settings do not define.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["@carefull"]

        # assemble.toml
        bundles = { careful = ["baseline"] }

        # _blocks/baseline.md
        Be honest.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["@careful"]

        # assemble.toml
        bundles = { careful = ["baseline"] }

        # _blocks/baseline.md
        Be honest.
    """
    path, bundle = fault.origin.path, f"{BUNDLE}{fault.name}"
    remedy = replacing(path, bundle, nearest_bundle(kit, fault.name), entries_of(kit, bundle))
    yield Violation(path, f"unknown bundle `{bundle}`", meant_bundle(kit, fault.name), remedy=remedy)


def meant_bundle(kit: LoadedKit, name: str) -> str:
    """Return the help for an unknown bundle. Its name can also be that of a block."""
    define = "define it in the setting `bundles`" if fits(BUNDLE_NAME, name) else f"a bundle is {BUNDLE_NAME.expects}"
    if SECTION_MARK in name:
        return f"bundles have no sections; list a block and its section, as in `NAME{SECTION_MARK}SLUG`"
    match = nearest_bundle(kit, name)
    return f"did you mean `{match}`?" if match else define


def nearest_bundle(kit: LoadedKit, name: str) -> str | None:
    """Return the entry for which one with an unknown bundle stands: another bundle, or a block, or None."""
    if SECTION_MARK in name:
        return None
    bundles = [f"{BUNDLE}{each}" for each in kit.settings.bundles]
    return nearest(f"{BUNDLE}{name}", bundles) or meant_name(name, kit.known_blocks, kit.settings.blocks)


_RULES: dict[str, Rule] = {
    "unknown-base": bases.unknown_base,
    "cycle": bases.circular_base,
    "too-deep": bases.too_many_bases,
    "nothing-inherited": nothing_inherited,
    "almost-inherited": almost_inherited,
    "not-inherited": nothing_dropped,
    "no-target": nothing_dropped,
    "replaced": nothing_dropped,
    "repeated": repeated_reference,
    "unknown-bundle": unknown_bundle,
}


_MAX_NAMED = 2


def inheriting(kit: LoadedKit, diagnostic: Diagnostic, files: Iterable[str]) -> Diagnostic:
    """Return a diagnostic with a related location in the first of the manifests that inherit its cause.

    The manifests of a cycle are left out, because they are related anyway, and so are bases of agents.
    """
    in_cycle = diagnostic.related if diagnostic.code == bases.circular_base.code else ()
    heirs = sorted({*files}.difference(related.location.file for related in in_cycle))
    heirs = [file for file in heirs if not kit.names.is_abstract(stem(file))] or heirs
    if not heirs:
        return diagnostic
    where = locate(kit.composition.source(heirs[0]), ("extends",))
    related = RelatedLocation(where, f"inherited by {first_names(heirs)}")
    return diagnostic._replace(related=(*diagnostic.related, related))


def first_names(files: Sequence[str]) -> str:
    """Return the names of the first of these manifests, and how many more there are, for a sentence."""
    return listed(map(stem, files), most=_MAX_NAMED)


def check_inheritance(kit: LoadedKit, resolved: Resolved) -> list[Diagnostic]:
    """Return the diagnostics for mistakes in how a manifest refers to its bases and to what it inherits."""
    found: list[Diagnostic] = []
    for kind, faults in groupby(sorted(resolved.faults, key=_kind), key=_kind):
        first, *others = faults
        source = kit.composition.source(first.origin.file)
        if kind == "ambiguous-base":
            second = kit.composition.source(first.trail[1])  # where the rule about the names locates it
            found += run_rule(duplicate_name, second, ManifestContext(kit, second))
        else:
            checks = (_RULES[kind].check(kit, fault) for fault in (first, *others))
            found += diagnose(_RULES[kind], source, first_of(chain.from_iterable(checks)))
    return found


def _kind(fault: Fault) -> str:
    return fault.kind
