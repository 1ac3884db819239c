"""Rules about keys in the tables of targets, such as `hooks`, that the clients do not know or that nobody listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from kei_assembler.diagnostics import KeyPath, Severity
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Fixable, Violation, rule
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.remedies import renaming
from kei_assembler.rules.stray_keys import strays
from kei_assembler.suggestions import did_you_mean, nearest
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.validation import Shape, chosen, keys_of, parts


class Unlisted(NamedTuple):
    """A key that the row of a target does not list, in a table that can have other keys. `what` is `event` or `key`."""

    path: KeyPath
    what: str
    known: tuple[str, ...]
    target: Target

    @property
    def key(self) -> str:
        """The key itself."""
        return str(self.path[-1])


def unlisted_keys(context: ManifestContext) -> Iterator[Unlisted]:
    """Yield the keys in the manifest's own tables of targets that the rows of the targets do not list.

    Those that another rule reports are left out: if the value has a wrong type, if the key is probably the manifest's,
    or if its table lacks a key, because the rule about that mentions one that is similar.
    """
    tables = context.data.get("target")
    found = [
        (path, shape, TARGETS[name])
        for name, table in (tables.items() if isinstance(tables, dict) else ())
        if name in TARGETS and isinstance(table, dict)
        for key in table
        if key in _open(name)
        for path, shape in _unlisted(_open(name)[key], table[key], ("target", name, key))
    ]
    if not found:
        return
    errors = context.validation_errors
    lacking = {error.path[:-1] for error in errors if error.kind == "missing"}
    lacking |= {error.path for error in errors if error.kind == "value" and error.shape.needs_one}
    lacking |= {error.path[:-1] for error in errors if error.kind == "type" and error.path[-1] in keys_of(error.shape)}
    reported = {error.path for error in errors}.union(strays(context))
    for path, shape, target in found:
        if path not in reported and lacking.isdisjoint((path[:-1], path[:-2])):
            yield Unlisted(path, shape.unlisted, tuple(field.key for field in shape.fields), target)


def _is_open(shape: Shape) -> bool:
    """Return whether a shape or a part of it is a table whose unlisted keys are reported."""
    return bool(shape.unlisted) or any(map(_is_open, parts(shape)))


@cache
def _open(target: str) -> Mapping[str, Shape]:
    """The keys in the table of a target whose values can have unlisted keys, with their shapes."""
    return {field.key: field.shape for field in TARGETS[target].fields if _is_open(field.shape)}


def _unlisted(shape: Shape, value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Shape]]:
    """Yield the path of each unlisted key in a value, and the shape of the table that has it."""
    if shape.any_of:
        choice = chosen(shape, value)
        yield from _unlisted(choice, value, path) if choice else ()
    elif isinstance(value, list) and shape.item:
        for index, entry in enumerate(value):
            yield from _unlisted(shape.item, entry, (*path, index))
    elif isinstance(value, dict):
        fields = {field.key: field.shape for field in shape.fields}
        for key, inner in value.items():
            if shape.unlisted and key not in fields:
                yield (*path, key), shape
            if inner_shape := fields.get(key, shape.item):
                yield from _unlisted(inner_shape, inner, (*path, key))


@rule("K117", may_ignore=True, fixable=Fixable.UNSAFELY, about="target")
def unknown_event(context: ManifestContext) -> Iterable[Violation]:
    """A hook is for an event that `assemble` does not know. Clients drop such a hook, and it never runs.

    If the hook guards something, nothing guards it then. A newer version of the client can have more events: if it has
    this one, ignore K117. [Targets](targets.md) lists the events of each client.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[target.claude-code.hooks.PreToolUs]]
        matcher = "Bash"
        hooks = [{ type = "command", command = "guard" }]

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.hooks"]
        reason = "guards the shell"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[target.claude-code.hooks.PreToolUse]]
        matcher = "Bash"
        hooks = [{ type = "command", command = "guard" }]

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.hooks"]
        reason = "guards the shell"
    """
    for each in unlisted_keys(context):
        if each.what == "event":
            message = f"{each.target.label} has no event `{each.key}` that `assemble` knows of; it drops unknown ones"
            otherwise = "if your version of the client has this event, ignore K117"
            hint = did_you_mean(each.key, each.known, otherwise)
            remedy = renaming(each.path, nearest(each.key, each.known), each.known)
            yield Violation(each.path, message, hint, remedy=remedy)


@rule("K118", Severity.WARNING, fixable=Fixable.UNSAFELY, about="target")
def misspelled_inner_key(context: ManifestContext) -> Iterable[Violation]:
    """A key in a table of a target, such as a hook or a server, is probably a misspelling. The client ignores it.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[target.claude-code.hooks.Stop]]
        hooks = [{ type = "command", command = "make test", timout = 60 }]

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.hooks"]
        reason = "runs the tests"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[target.claude-code.hooks.Stop]]
        hooks = [{ type = "command", command = "make test", timeout = 60 }]

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.hooks"]
        reason = "runs the tests"
    """
    for each in unlisted_keys(context):
        match = nearest(each.key, each.known)
        if each.what == "key" and match:
            message = (
                f"`assemble` does not know the key `{each.key}`, and {each.target.label} ignores unknown keys here"
            )
            remedy = renaming(each.path, match, each.known)
            yield Violation(each.path, message, f"did you mean `{match}`?", remedy=remedy)


@rule("K119", Severity.NOTE, about="target")
def unknown_inner_key(context: ManifestContext) -> Iterable[Violation]:
    """A table of a target, such as a hook or a server, has a key that `assemble` does not know.

    It is written as it is. The client can know it, if its version is newer or the key is undocumented. Otherwise it
    ignores the key.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[target.claude-code.hooks.Stop]]
        hooks = [{ type = "command", command = "make test", owner = "us" }]

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.hooks"]
        reason = "runs the tests"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[target.claude-code.hooks.Stop]]
        hooks = [{ type = "command", command = "make test" }]

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.hooks"]
        reason = "runs the tests"
    """
    for each in unlisted_keys(context):
        if each.what == "key" and not nearest(each.key, each.known):
            message = f"`assemble` does not know the key `{each.key}`; {each.target.label} may ignore it"
            yield Violation(each.path, message, "it is written as it is; check the client's documentation")


OF_MANIFEST = (unknown_event, misspelled_inner_key, unknown_inner_key)
