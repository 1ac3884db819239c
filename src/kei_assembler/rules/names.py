"""Rules about the names of agents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from kei_assembler.diagnostics import Severity
from kei_assembler.kit import stem
from kei_assembler.model.adaptation import agents_in, client_name, fits_in_scope, refusal_of_name
from kei_assembler.model.manifest import Manifest
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.runner import locate
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import BuiltIn, Target


@rule("K107")
def name_differs_from_file(context: ManifestContext) -> Iterable[Violation]:
    """The agent's name differs from its file name.

    Handoffs, outputs and people find an agent by its file, and AI clients by its name, so the two must be the same.

    Fails::

        name = "critique"
        description = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    name, expected = context.manifest.name, stem(context.source.file)
    if name and context.fits("name") and name != expected:
        message = f"the name `{name}` differs from the file name, `{expected}`"
        yield Violation(("name",), message, "rename one of the two")


@rule("K108")
def duplicate_name(context: ManifestContext) -> Iterable[Violation]:
    """Two manifests of the kit have the same name.

    An agent's name must be unique in its kit, even if the manifests are in different folders.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # agents/research/critic.toml
        name = "critic"
        description = "Reviews papers."

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # agents/research/paper-critic.toml
        name = "paper-critic"
        description = "Reviews papers."
    """
    kit, own = context.kit, context.source
    if same := kit.manifest_files.namesakes(context.kind).get(stem(own.file)):
        # the first two of them have the same finding, located at the second
        other = kit.composition.source(same[1]) if own.file == same[0] else own
        where = locate(other, ("name",))
        related = ((locate(kit.composition.source(same[0]), ("name",)), "the first manifest of this name"),)
        hint = f"give each {context.kind.noun} a different name"
        yield Violation(where, f"`{same[0]}` has the same name", hint, related)


@rule("L806", may_ignore=True)
def unusable_name(context: ManifestContext) -> Iterable[Violation]:
    """A client has an agent of this name built in, and does not work as expected with a second one.

    Copilot never starts the agent, but its own. In OpenCode, the agent replaces one that people or the client use. If
    you want that, set `mode` in `[target.opencode]`. `assemble targets NAME` lists the names.

    Fails::

        # agents/build.toml
        name = "build"
        description = "Builds the project."
        targets = ["opencode"]

    Passes::

        # agents/build.toml
        name = "build"
        description = "Builds the project."
        targets = ["opencode"]

        [target.opencode]
        mode = "primary"
    """
    return _of_built_in(context, True) if _may_be_built_in(context) else ()


@rule("L807", Severity.NOTE)
def built_in_name(context: ManifestContext) -> Iterable[Violation]:
    """A client has an agent of this name built in, which this one replaces.

    The client and other agents may start the built-in agent for work that this one is not made for. If you want to
    replace it, ignore the code. `assemble targets NAME` lists the names.

    Fails::

        # agents/worker.toml
        name = "worker"
        description = "Works."
        role = "You work."
        targets = ["codex"]

    Passes::

        # agents/site-worker.toml
        name = "site-worker"
        description = "Works."
        role = "You work."
        targets = ["codex"]
    """
    return _of_built_in(context, False) if _may_be_built_in(context) else ()


def _may_be_built_in(context: ManifestContext) -> bool:
    return context.manifest.name in _BUILT_IN or context.manifest.display_name.lower() in _BUILT_IN


def _of_built_in(context: ManifestContext, is_harmful: bool) -> Iterator[Violation]:
    manifest, targets = context.manifest, context.kit.targets_of(context.manifest)
    labels: dict[tuple[str, str, BuiltIn], list[str]] = {}
    keys = dict.fromkeys((manifest.name, manifest.display_name.lower()))
    for target, names, built_in in chain.from_iterable(_BUILT_IN.get(key, ()) for key in keys):
        name = client_name(manifest.name, manifest.display_name, target)
        is_same = target.identity(name) == target.identity(built_in)
        table = context.manifest.target.get(target.name, {})
        is_chosen = table.get(names.unless[0]) in names.unless[1]
        if is_same and target.name in targets and names.is_harmful == is_harmful and not is_chosen:
            where = "name" if name == manifest.name else "display-name"
            labels.setdefault((where, built_in, names._replace(names=())), []).append(target.label)
    for (where, name, kind), clients in labels.items():
        owners = listed(clients, str)
        message = f"{owners} {'have' if ' and ' in owners else 'has'} a built-in agent `{name}`, {kind.effect}"
        yield Violation((where,), message, f"choose another name{kind.remedy and '; '}{kind.remedy}")


def is_renamed(manifest: Manifest, target: str) -> bool:
    """Return whether a target's client has another name for the agent than the manifest's `name`."""
    return client_name(manifest.name, manifest.display_name, TARGETS[target]) != manifest.name


@rule("K129", Severity.WARNING, about="display-name")
def refused_display_name(context: ManifestContext) -> Iterable[Violation]:
    """A client does not accept the `display-name`, so the agent has its `name` there.

    Fails::

        name = "critic"
        display-name = "Code Reviewer"
        description = "Reviews code."
        role = "You review code."
        targets = ["qwen"]

    Passes::

        name = "critic"
        display-name = "Code Reviewer"
        description = "Reviews code."
        role = "You review code."
        targets = ["claude-code"]
    """
    manifest = context.manifest
    is_valid = manifest.display_name and context.fits("display-name")
    rows = (TARGETS[name] for name in (context.kit.targets_of(manifest) if is_valid else ()))
    refusals = {row.label: expects for row in rows if (expects := refusal_of_name(manifest.display_name, row.name))}
    if refusals:
        reasons = "; ".join(f"{label}: it must be {expects}" for label, expects in refusals.items())
        accept = "do not accept" if len(refusals) > 1 else "does not accept"
        name = f"`{manifest.name}`" if context.is_own(("display-name",)) else "by its `name`"
        message = f"{listed(refusals, str)} {accept} this display name; the agent is called {name} there"
        yield Violation(("display-name",), message, reasons)


@rule("K131", Severity.WARNING, about="tools")
def name_not_for_scopes(context: ManifestContext) -> Iterable[Violation]:
    """An agent cannot be limited to starting another agent whose `display-name` has commas or parentheses.

    `Agent(a, b)` separates names with commas, so the agent cannot start that one in clients that use its display name.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["Agent(implementer)"]

        # agents/implementer.toml
        name = "implementer"
        display-name = "Implementer (senior)"
        description = "Writes code."

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["Agent(implementer)"]

        # agents/implementer.toml
        name = "implementer"
        display-name = "Senior Implementer"
        description = "Writes code."
    """
    manifest, kit = context.manifest, context.kit
    rows = [TARGETS[name] for name in kit.targets_of(manifest)] if manifest.tools else []
    limits_itself = any(kit.settings.of(row.name).get("limit-agents") for row in rows)
    for index, entry in enumerate(manifest.tools or ()):
        for agent in agents_in(entry, manifest if limits_itself else None):
            shown = kit.names.display_name(agent)
            clients = [row.label for row in rows if client_name(agent, shown, row) == shown]
            if shown and not fits_in_scope(shown) and clients:
                message = f"`Agent` cannot be limited to `{shown}`, as {listed(clients, str)} would call `{agent}`"
                yield Violation(("tools", index), message, "choose a display name without commas and parentheses")


# The rows, each with the name as the client spells it, by that name in lower case.
_BUILT_IN: dict[str, list[tuple[Target, BuiltIn, str]]] = {}
for _target in TARGETS.values():
    for _row in _target.built_in:
        for _name in _row.names:
            _BUILT_IN.setdefault(_name.lower(), []).append((_target, _row, _name))

OF_MANIFEST = (
    name_differs_from_file,
    duplicate_name,
    unusable_name,
    built_in_name,
    refused_display_name,
    name_not_for_scopes,
)
