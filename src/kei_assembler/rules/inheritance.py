"""Rules about what a manifest inherits: its bases, and the entries and keys that refer to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kei_assembler.diagnostics import Diagnostic, RelatedLocation, Severity
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.model.inheritance import BUNDLE, INHERITED, MAX_LEVELS, Fault, Resolved
from kei_assembler.rules.definition import Rule, Violation, rule
from kei_assembler.rules.hints import did_you_mean_name, meant_name
from kei_assembler.rules.runner import locate, run_rule
from kei_assembler.suggestions import did_you_mean, listed


@rule("E101")
def unknown_base(kit: LoadedKit, fault: Fault) -> Iterable[Violation]:
    """A manifest extends one that does not exist, or a name that several manifests have.

    A base is a manifest of the same kit, with or without `abstract = true`. `extends` gives its name.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "base-reviewr"

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "base-reviewer"

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true
    """
    if fault.kind == "ambiguous-base":
        message = f"{len(fault.trail)} manifests are named `{fault.name}`: {listed(fault.trail)}"
        yield Violation(fault.origin.path, message, "give each of them a different name")
    else:
        others = kit.agents - {stem(fault.origin.file)}
        hint = did_you_mean_name(fault.name, others, (kit.settings.manifests,), "name a manifest of this kit")
        yield Violation(fault.origin.path, f"unknown base `{fault.name}`", hint)


@rule("E102")
def circular_base(kit: LoadedKit, fault: Fault) -> Iterable[Violation]:
    """A manifest extends itself, directly or through its bases.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "reviewer"

        # agents/reviewer.toml
        name = "reviewer"
        description = "Reviews texts."
        extends = "critic"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "reviewer"

        # agents/reviewer.toml
        name = "reviewer"
        description = "Reviews texts."
    """
    path = " → ".join(f"`{stem(file)}`" for file in (*fault.trail, fault.trail[0]))
    related = tuple(
        (locate(kit.composition.source(file), ("extends",)), "part of the cycle") for file in fault.trail[1:]
    )
    message = f"the manifest extends itself: {path}" if related else "the manifest extends itself"
    yield Violation(fault.origin.path, message, "remove one `extends`" if related else "remove `extends`", related)


@rule("E103")
def too_many_bases(kit: LoadedKit, fault: Fault) -> Iterable[Violation]:
    """A manifest has more than 8 bases above it.

    Nobody can follow such a chain. If it has grown, `assemble flatten` writes out what a manifest inherits.

    Fails::

        # agents/level-0.toml
        name = "level-0"
        description = "Reviews code."
        extends = "level-1"

        # agents/level-1.toml
        name = "level-1"
        description = "Reviews code."
        extends = "level-2"

        # agents/level-2.toml
        name = "level-2"
        description = "Reviews code."
        extends = "level-3"

        # agents/level-3.toml
        name = "level-3"
        description = "Reviews code."
        extends = "level-4"

        # agents/level-4.toml
        name = "level-4"
        description = "Reviews code."
        extends = "level-5"

        # agents/level-5.toml
        name = "level-5"
        description = "Reviews code."
        extends = "level-6"

        # agents/level-6.toml
        name = "level-6"
        description = "Reviews code."
        extends = "level-7"

        # agents/level-7.toml
        name = "level-7"
        description = "Reviews code."
        extends = "level-8"

        # agents/level-8.toml
        name = "level-8"
        description = "Reviews code."
        extends = "level-9"

        # agents/level-9.toml
        name = "level-9"
        description = "Reviews code."

    Passes::

        # agents/level-0.toml
        name = "level-0"
        description = "Reviews code."
        extends = "level-1"

        # agents/level-1.toml
        name = "level-1"
        description = "Reviews code."
    """
    path = " → ".join(f"`{stem(file)}`" for file in fault.trail)
    message = f"there are more than {MAX_LEVELS} levels of bases: {path}"
    yield Violation(fault.origin.path, message, "combine some of the bases")


@rule("E104")
def nothing_inherited(kit: LoadedKit, fault: Fault) -> Iterable[Violation]:
    """A list has an entry `"..."`, but there is nothing that it could stand for.

    It stands for the entries of the same list in the next layer: the base, or the settings' `[defaults]`. If none of
    these has the list, the client's default applies there, and no entry can stand for that.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["...", "Bash"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["...", "Bash"]

        # assemble.toml
        [defaults]
        tools = ["Read"]
    """
    message = f'`"{INHERITED}"` stands for nothing: no base and no default has a list `{fault.name}`'
    yield Violation(fault.origin.path, message, "remove the entry, or name a base with `extends`")


@rule("E105")
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
    place, known = fault.origin.path[0], fault.trail
    if fault.kind == "replaced":
        message = f"`{fault.name}` drops nothing, because the list replaces the inherited one"
        yield Violation(fault.origin.path, message, f'add `"{INHERITED}"`, which stands for the inherited entries')
        return
    otherwise = "remove it" if place in ("unset", "handoff") else "remove it; a text that begins with `!` begins `\\!`"
    what = {"unset": "the key", "handoff": "a handoff to"}.get(str(place), "the entry")
    hint = did_you_mean(fault.name, known, otherwise)
    yield Violation(fault.origin.path, f"{what} `{fault.name}` is not inherited, so it cannot be dropped", hint)


@rule("E106")
def repeated_reference(kit: LoadedKit, fault: Fault) -> Iterable[Violation]:
    """A list has the entry `"..."` or a bundle twice.

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
    yield Violation(fault.origin.path, f"`{fault.name}` is listed twice", "remove one of the two")


@rule("E107")
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
    yield Violation(fault.origin.path, f"unknown bundle `{BUNDLE}{fault.name}`", meant_bundle(kit, fault.name))


def meant_bundle(kit: LoadedKit, name: str) -> str:
    """Return the help for an unknown bundle. Its name can also be that of a block."""
    known = [f"{BUNDLE}{each}" for each in kit.settings.bundles]
    block = meant_name(name, kit.known_blocks, kit.settings.blocks)
    otherwise = f"did you mean `{block}`?" if block else "define it in the setting `bundles`"
    return did_you_mean(f"{BUNDLE}{name}", known, otherwise)


@rule("E108", Severity.NOTE)
def unused_base(name: str, is_used: bool) -> Iterable[Violation]:
    """No manifest extends an abstract one, so it has no effect.

    Only reported when all manifests are checked.

    Fails::

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true

    Passes::

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "base-reviewer"
    """
    if not is_used:
        yield Violation(("abstract",), f"no manifest extends `{name}`", "extend it in a manifest, or delete it")


_RULES: dict[str, Rule] = {
    "unknown-base": unknown_base,
    "ambiguous-base": unknown_base,
    "cycle": circular_base,
    "too-deep": too_many_bases,
    "nothing-inherited": nothing_inherited,
    "not-inherited": nothing_dropped,
    "replaced": nothing_dropped,
    "repeated": repeated_reference,
    "unknown-bundle": unknown_bundle,
}


_MAX_NAMED = 2


def inheriting(kit: LoadedKit, diagnostic: Diagnostic, files: Iterable[str]) -> Diagnostic:
    """Return a diagnostic with a related location in the first of the manifests that inherit its cause."""
    heirs = sorted(dict.fromkeys(files))
    where = locate(kit.composition.source(heirs[0]), ("extends",))
    related = RelatedLocation(where, f"inherited by {first_names(heirs)}")
    return diagnostic._replace(related=(*diagnostic.related, related))


def first_names(files: Sequence[str]) -> str:
    """Return the names of the first of these manifests, and how many more there are, for a sentence."""
    names = [f"`{stem(file)}`" for file in files[:_MAX_NAMED]]
    names += [f"{len(files) - _MAX_NAMED:,} more"] if len(files) > _MAX_NAMED else []
    return listed(names, str)


def check_inheritance(kit: LoadedKit, resolved: Resolved) -> list[Diagnostic]:
    """Return the diagnostics for mistakes in how a manifest and its bases refer to what they inherit."""
    faults = [fault for layer in resolved.layers() for fault in layer.faults]
    return [
        found
        for fault in faults
        for found in run_rule(_RULES[fault.kind], kit.composition.source(fault.origin.file), kit, fault)
    ]
