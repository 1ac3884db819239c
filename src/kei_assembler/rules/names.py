"""Rules about the names of agents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kei_assembler.diagnostics import Severity
from kei_assembler.kit import stem
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.manifest_context import ManifestContext
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
    others = [file for file in context.kit.namesakes.get(stem(context.source.file), ()) if file != context.source.file]
    if others:
        more = f", and {len(others) - 1:,} more" if others[1:] else ""
        yield Violation(("name",), f"`{others[0]}` has the same name{more}", "give each agent a different name")


@rule("L806", may_ignore=True)
def unusable_name(context: ManifestContext) -> Iterable[Violation]:
    """A client has an agent of this name built in, and does not work as expected with a second one.

    Copilot never starts the agent, but its own. In OpenCode, the agent replaces one that people or the client use. If
    you want that, set `mode` in `[target.opencode]`. `assemble targets` lists the names.

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
    return _of_built_in(context, True) if context.manifest.name in _BUILT_IN else ()


@rule("L807", Severity.NOTE)
def built_in_name(context: ManifestContext) -> Iterable[Violation]:
    """A client has an agent of this name built in, which this one replaces.

    The client and other agents may start the built-in agent for work that this one is not made for. If you want to
    replace it, ignore the code. `assemble targets` lists the names.

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
    return _of_built_in(context, False) if context.manifest.name in _BUILT_IN else ()


def _of_built_in(context: ManifestContext, is_harmful: bool) -> Iterator[Violation]:
    name, targets = context.manifest.name, context.kit.targets_of(context.manifest)
    labels: dict[BuiltIn, list[str]] = {}
    for target, names in _BUILT_IN[name]:
        table = context.manifest.target.get(target.name, {})
        is_chosen = table.get(names.unless[0]) in names.unless[1]
        if target.name in targets and names.is_harmful == is_harmful and not is_chosen:
            labels.setdefault(names._replace(names=()), []).append(target.label)
    for kind, clients in labels.items():
        message = f"{listed(clients, str)} {'have' if clients[1:] else 'has'} a built-in agent `{name}`, {kind.effect}"
        yield Violation(("name",), message, f"choose another name{kind.remedy and '; '}{kind.remedy}")


_BUILT_IN: dict[str, list[tuple[Target, BuiltIn]]] = {}
for _target in TARGETS.values():
    for _row in _target.built_in:
        for _name in _row.names:
            _BUILT_IN.setdefault(_name, []).append((_target, _row))

OF_MANIFEST = (name_differs_from_file, duplicate_name, unusable_name, built_in_name)
