"""Rules about values that name something: skills, agents and models, wherever a manifest has such a value."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kei_assembler import lazy_re
from kei_assembler.diagnostics import KeyPath, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.model.adaptation import LISTS, takes_model
from kei_assembler.model.kinds import SKILL
from kei_assembler.paths import upwards
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Fixable, Remedy, Violation, rule
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.suggestions import counted, listed, misspelled
from kei_assembler.targets import ALIASES, TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.whitespace import SPACES


class Named(NamedTuple):
    """A value that names something. `kind` is `tools`, `denied`, `skills`, `agents` or `model`.

    `target` is None if the value applies to all targets of the manifest.
    """

    kind: str
    text: str
    path: KeyPath
    target: Target | None = None


_KINDS = {name: {field.key: field.kind for field in row.fields if field.kind} for name, row in TARGETS.items()}
_KIND_OF_SCOPE = {"Agent": "agents", "Skill": "skills"}
_SCOPED = lazy_re.compile(r"(?P<tool>\w+)\((?P<names>[^()]*)\)")


def named_values(context: ManifestContext) -> Iterator[Named]:
    """Yield the values that name something, except the entries and the scopes of its `tools`."""
    for name, table in context.manifest.target.items():
        kinds = _KINDS[name]
        for key, value in table.items():
            path = ("target", name, key)
            if key in kinds and context.fits(*path):
                yield from _expanded(kinds[key], value, path, TARGETS[name])


def values_in(tables: Mapping[str, Any]) -> Iterator[Named]:
    """Yield the values that name something in the table `target` of a manifest or of the defaults, as parsed."""
    for name, table in tables.items():
        for key in _KINDS[name].keys() & table.keys():
            yield from _expanded(_KINDS[name][key], table[key], ("target", name, key), TARGETS[name])


def _expanded(kind: str, value: Any, path: KeyPath, target: Target) -> Iterator[Named]:
    """The values in a value: the entries of a list, the tools and patterns of a map, and the scopes of tools."""
    if isinstance(value, str):
        yield Named(kind, value, path, target)
        if kind in ("tools", "denied"):
            yield from scope_of(value, path, target)
    elif kind == "permissions" and isinstance(value, Mapping):
        for tool, action in value.items():
            yield Named("tools" if action == "allow" else "denied", tool, (*path, tool), target)
            if isinstance(action, Mapping) and (inner := _kind_of_patterns(target, tool)):
                yield from (Named(inner, pattern, (*path, tool, pattern), target) for pattern in action)
    elif kind == "handoffs":
        for index, entry in enumerate(value):
            yield Named("agents", entry["agent"], (*path, index, "agent"), target)
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from _expanded(kind, entry, (*path, index), target)


def _kind_of_patterns(target: Target, tool: str) -> str:
    names = target.tools.names or {}
    return next((kind for claudes, kind in _KIND_OF_SCOPE.items() if names.get(claudes) == tool), "")


def scope_of(entry: str, path: KeyPath, target: Target | None = None) -> Iterator[Named]:
    """Yield the agents or skills to which an entry limits its tool, as in `Agent(critic)`."""
    if "(" in entry and (match := _SCOPED.fullmatch(entry)):
        tool = ALIASES.get(match["tool"], match["tool"])
        if tool in LISTS:
            for name in filter(None, (name.strip(SPACES) for name in match["names"].split(","))):
                yield Named(_KIND_OF_SCOPE[tool], name, path, target)


def _of_kind(context: ManifestContext, kind: str) -> list[Named]:
    found = [value for value in named_values(context) if value.kind == kind] if context.manifest.target else []
    for index, entry in enumerate(context.manifest.tools or ()):
        if "(" in entry:
            found += [value for value in scope_of(entry, ("tools", index)) if value.kind == kind]
    return found


def _targets_of(value: Named, context: ManifestContext) -> list[Target]:
    targets = context.kit.targets_of(context.manifest)
    return [value.target] if value.target else [TARGETS[name] for name in targets]


@rule("K124", Severity.NOTE, about="tools")
def unknown_skill(context: ManifestContext) -> Iterable[Violation]:
    """A manifest names a skill that is not in the project's folders.

    The client then works without it, and says nothing. The skill can also come from a user's own folder, from a folder
    above the kit's root, or from a plugin: a name such as `plugin:skill` is not checked.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Skill(review)"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Skill(review)"]

        # .claude/skills/review/SKILL.md
        Review it.
    """
    for value in _of_kind(context, "skills"):
        rows = _targets_of(value, context)
        # a client that cannot limit `Skill` does not get the names
        rows = [row for row in rows if value.target or row.tools.names is None or "Skill" in row.tools.scoped]
        folders = {row.label: row.skill_folders for row in rows if row.skill_folders}
        if lacking := {
            label: where for label, where in folders.items() if not _has_skill(context.kit, where, value.text)
        }:
            searched = listed(dict.fromkeys(folder for where in lacking.values() for folder in where))
            message = f"{listed(lacking, str)} will not find the skill `{value.text}` in {searched}"
            yield Violation(value.path, message, "this is fine if users, or a plugin, have a skill of this name")


_SKILL_NAME = lazy_re.compile(r"\w[\w.-]*")


def _has_skill(kit: LoadedKit, folders: Iterable[str], name: str) -> bool:
    """Whether one of the folders has the skill.

    A name that stands for others, that is a plugin's, or that is a skill of the kit, always counts.
    """
    if not _SKILL_NAME.fullmatch(name) or name in kit.manifest_files.named(SKILL):
        return True
    tops = [folder for folder in upwards(kit.folder, kit.root) if kit.holds_folder(folder)]
    for path in (f"{top}/{folder}/{name}" for top in tops for folder in folders):
        if kit.files.is_link(path) or (kit.holds(f"{path}/SKILL.md") and kit.files.exists(f"{path}/SKILL.md")):
            return True
    of_user = (os.path.join(kit.home, folder, name, "SKILL.md") for folder in folders if kit.home)
    return any(kit.tree_of(path).holds(path) and kit.files.exists(path) for path in of_user)


@rule("K127", Severity.WARNING, fixable=Fixable.UNSAFELY, about="tools")
def misspelled_agent(context: ManifestContext) -> Iterable[Violation]:
    """A manifest names an agent that does not exist, but a similar one does, or a manifest that is only a base.

    This covers `Agent(critic)` in `tools`, and the keys of clients that name agents. An agent that resembles none can
    come from elsewhere, so it is not reported. A manifest that is only a base of others is not an agent.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Agent(implementor)"]

        # agents/implementer.toml
        name = "implementer"
        description = "Writes code."

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Agent(implementer)"]

        # agents/implementer.toml
        name = "implementer"
        description = "Writes code."
    """
    for value in _of_kind(context, "agents"):
        if context.kit.names.is_only_base(value.text):
            message = f"`{value.text}` is not an agent, because its manifest is abstract"
            yield Violation(value.path, message, "name an agent that extends it")
        elif value.text not in context.kit.known_agents and _AGENT.fullmatch(value.text):
            rows = _targets_of(value, context)
            built_in = frozenset(name for row in rows for names in row.built_in for name in names.names)
            match = misspelled(value.text, context.kit.known_agents.union(built_in))
            if not match or context.kit.names.is_only_base(match):
                continue
            displayed = value.target and {*map(context.kit.names.display_name, context.kit.agents)}
            if value.text not in built_in and value.text not in (displayed or ()):
                remedy = Remedy("replaced", value.path, (value.text, match), is_safe=False)
                yield Violation(value.path, f"unknown agent `{value.text}`", f"did you mean `{match}`?", remedy=remedy)


_AGENT = lazy_re.compile(r"[^*?:]*")  # no pattern, and not a plugin's


@rule("K125", Severity.WARNING, fixable=Fixable.SAFELY, about="model")
def misspelled_model(context: ManifestContext) -> Iterable[Violation]:
    """A model is probably a misspelling of a client's own word for one.

    A client that does not know the model refuses to start the agent, or uses another model. Clients also take the names
    of models that `assemble` does not know, so only names that are very similar to a known one are reported.

    Fails::

        name = "critic"
        description = "Reviews code."
        model = "opuss"

    Passes::

        name = "critic"
        description = "Reviews code."
        model = "opus"
    """
    model = context.manifest.model
    if model and model not in _MODEL_NAMES:
        value = Named("model", model, ("model",))
        yield from _misspelled_model(value, _targets_of(value, context))
    for value in named_values(context) if context.manifest.target else ():
        if value.kind == "model" and value.target:
            yield from _misspelled_model(value, (value.target,))


def _misspelled_model(value: Named, rows: Iterable[Target]) -> Iterator[Violation]:
    known = frozenset(name for row in rows for name in row.model_names)
    match = _MODEL.fullmatch(value.text)
    words = match["words"].split("-") if match else [value.text]
    for word in words if value.text.casefold() not in known else ():
        if word.casefold() not in known and (right := misspelled(word, known)):
            suggestion = value.text.replace(word, right)
            remedy = Remedy("replaced", value.path, (value.text, suggestion))
            yield Violation(value.path, f"unknown model `{value.text}`", f"did you mean `{suggestion}`?", remedy=remedy)


# A word with the size of the context, as in `opus[1m]`, or the name of a version, as in `claude-opus-4-5`.
_MODEL = lazy_re.compile(r"(?:claude-)?(?P<words>(?<=-)[\w-]+|[a-z]+)(?:\[\w+\])?")
_MODEL_NAMES = frozenset(name for row in TARGETS.values() for name in row.model_names)


@rule("K132", Severity.WARNING, about="model")
def model_of_another_client(context: ManifestContext) -> Iterable[Violation]:
    """A model is a word that only other clients have.

    Claude Code takes `opus`, Gemini CLI takes `flash`, and `inherit` is a word of some clients. Others take it for the
    full name of a model, and find none.

    Fails::

        name = "critic"
        description = "Reviews code."
        role = "You review code."
        targets = ["codex"]

        [target.codex]
        model = "opus"

    Passes::

        name = "critic"
        description = "Reviews code."
        role = "You review code."
        targets = ["codex"]

        [target.codex]
        model = "gpt-5-codex"
    """
    model = context.manifest.model
    if model in _MODEL_NAMES:
        rows = (TARGETS[name] for name in context.kit.targets_of(context.manifest))
        taking = [
            row
            for row in rows
            if takes_model(model, row) and row.model_key not in context.manifest.target.get(row.name, {})
        ]
        yield from _of_others(Named("model", model, ("model",)), taking)
    for value in named_values(context) if context.manifest.target else ():
        if value.kind == "model" and value.target:
            yield from _of_others(value, [value.target])


_COMMON_NAMES = frozenset(("auto", "best", "default", "fast"))


def _of_others(value: Named, rows: Iterable[Target]) -> Iterator[Violation]:
    for row in rows:
        if value.text in _MODEL_NAMES - _COMMON_NAMES - {*row.model_names, *(row.models or ())}:
            others = listed((each.label for each in TARGETS.values() if value.text in each.model_names), str)
            message = f"there is no model `{value.text}` in {row.label}; it is a word of {others}"
            yield Violation(value.path, message, "write the name of a model; without the key, the client chooses one")


@rule("K126", Severity.NOTE)
def model_left_out(usage: KitUsage) -> Iterable[Violation]:
    """Some clients do not get the `model` of a manifest, because they have other names for models.

    The agent then runs on the client's own choice. This is one note for all manifests of a run, located at the first.

    Fails::

        name = "critic"
        description = "Reviews code."
        model = "opus"
        role = "You review code."
        targets = ["claude-code", "codex"]

    Passes::

        name = "critic"
        description = "Reviews code."
        model = "opus"
        role = "You review code."
        targets = ["claude-code", "codex"]

        [target.codex]
        model = "gpt-5-codex"
    """
    labels = listed((row.label for name, row in TARGETS.items() if name in usage.without_model), str)
    agents = set().union(*usage.without_model.values())
    message = f"the `model` of {counted(len(agents), 'agent')} is left out for {labels}"
    rows = [TARGETS[name] for name in usage.without_model if TARGETS[name].model_key in TARGETS[name].keys]
    keys = listed(dict.fromkeys(row.model_key for row in rows), joint="or")
    hint = f"set {keys} in `[target.NAME]`, or ignore" if rows else "no agent can have one there; ignore"
    yield Violation(("model",), message, f"{hint} K126 if the client may choose")


OF_MANIFEST = (unknown_skill, misspelled_agent, misspelled_model, model_of_another_client)
