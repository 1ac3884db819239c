"""Rules about the bases of a manifest: which one it extends, and the chain of them."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import Severity
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.model.inheritance import MAX_LEVELS, Fault
from kei_assembler.model.kinds import AGENT
from kei_assembler.rules.definition import Fixable, Violation, rule
from kei_assembler.rules.hints import did_you_mean_name, meant_name
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.remedies import replacing
from kei_assembler.rules.runner import locate


@rule("E101", fixable=Fixable.UNSAFELY)
def unknown_base(kit: LoadedKit, fault: Fault) -> Iterable[Violation]:
    """A manifest extends one that does not exist.

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
    kind = kit.manifest_files.kind_of(fault.origin.file)
    of_kind = "" if kind is AGENT else f" of the kind `{kind.name}`"
    others = kit.manifest_files.named(kind).keys() - {stem(fault.origin.file)}
    hint = did_you_mean_name(fault.name, others, kit.settings.manifests, f"name a manifest of this kit{of_kind}")
    match = meant_name(fault.name, others, kit.settings.manifests)
    remedy = replacing(fault.origin.path, fault.name, match, others)
    yield Violation(fault.origin.path, f"unknown base `{fault.name}`", hint, remedy=remedy)


_MAX_RELATED = 20


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
        (locate(kit.composition.source(file), ("extends",)), "part of the cycle")
        for file in fault.trail[1:_MAX_RELATED]
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


@rule("E109", Severity.NOTE)
def outranked_key(context: ManifestContext) -> Iterable[Violation]:
    """A general key of a manifest replaces a key that its base sets for one client.

    The nearest layer wins, so `tools` of a manifest also replaces OpenCode's `permission` of its base, with what that
    denies, and `model` replaces `[target.codex] model`. If that is meant, ignore the code, or unset the base's key. If
    it is not, repeat the key in the manifest's own `[target.NAME]`.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "base-reviewer"
        model = "haiku"

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true

        [target.claude-code]
        model = "opus"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        extends = "base-reviewer"
        model = "haiku"

        # agents/base-reviewer.toml
        name = "base-reviewer"
        abstract = true
        model = "opus"
    """
    targets, far = context.kit.targets_of(context.manifest), context.resolved.far
    for target, key, general in context.resolved.outranked if far and far.far else ():
        where = context.locate_inherited(("target", target, key))
        is_default = context.kit.settings_source and where.file == context.kit.settings_source.file
        if target in targets and not is_default:
            message = f"`{general}` replaces `{key}` of `[target.{target}]`, which the base sets"
            hint = f"to keep it, repeat it in `[target.{target}]`; otherwise add `target.{target}.{key}` to `unset`"
            yield Violation((general,), message, hint, ((where, "this key has no effect here"),))


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


OF_MANIFEST = (outranked_key,)
