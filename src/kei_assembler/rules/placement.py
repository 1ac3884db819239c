"""Rules about where outputs are placed: whether clients load them there, and what a client ignores in a plugin."""

from __future__ import annotations

import os
from collections.abc import Iterable

from kei_assembler.diagnostics import Severity, Span
from kei_assembler.kit import LoadedKit
from kei_assembler.model.settings import HOME, value_at
from kei_assembler.paths import normalize
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import START


class Clash(NamedTuple):
    """A file on disk with the name of a generated agent, for one target.

    `where` is the name in that file, and `origin` the manifest that its stamp names. `path` is the generated file, and
    `manifest` its manifest. `is_by_file` says that the name is that of the file, and not one in its front matter.
    """

    where: Span
    target: str
    name: str
    path: str
    manifest: str
    origin: str
    is_by_file: bool = False


@rule("O625", may_ignore=True)
def namesake(clash: Clash) -> Iterable[Violation]:
    """A file has the same agent name as a generated one, and the client loads only one of them.

    Which one that is depends on the client, and at most its log says so. Clients know an agent by the name in its front
    matter, by its file name or by its path. Qwen Code ignores the case of names. All folders count in which the client
    looks for agents: subfolders and hidden ones, older folders such as `.opencode/agent`, and the same folders of the
    projects around this one, up to `root`. The home folder does not count. In the folder of another client, the name
    may be used again if the client prefers its own folder.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # .claude/agents/old/reviewer.md
        ---
        name: critic
        description: Written by hand.
        ---

        # assemble.toml
        [target.claude-code]
        output = ".claude/agents/{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = ".claude/agents/{name}.md"
    """
    label = TARGETS[clash.target].label
    message = (
        f"this agent has the name `{clash.name}`, like the generated `{clash.path}`; only one is loaded in {label}"
    )
    thing = "file" if clash.is_by_file else "agent"
    hint = f"delete it, after moving what you need to {clash.manifest}; or rename the {thing}"
    if clash.origin:
        hint = f"it was generated from {clash.origin}: rename one of the agents"
    yield Violation(clash.where, message, hint)


@rule("O626")
def same_name(target: str, name: str, other: str) -> Iterable[Violation]:
    """Two manifests generate agents of the same name for one client, which loads only one of them.

    Clients know an agent by the name in its front matter, by its file name or by its path. Qwen Code ignores the case
    of names.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # agents/tester.toml
        name = "tester"
        description = "Tests code."

        # assemble.toml
        targets = ["copilot"]

        [target.copilot]
        output = ".github/agents/{name}/helper.agent.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # agents/tester.toml
        name = "tester"
        description = "Tests code."

        # assemble.toml
        targets = ["copilot"]

        [target.copilot]
        output = ".github/agents/{name}/{name}.agent.md"
    """
    message = f"this agent has the name `{name}`, like that of {other}; only one is loaded in {TARGETS[target].label}"
    yield Violation(START, message, "give one of them another name")


@rule("O627", Severity.NOTE)
def output_not_loaded(kit: LoadedKit, target: str, path: str) -> Iterable[Violation]:
    """A client does not look for agents where its outputs are.

    A client loads the agents of a project from a folder of its own, such as `.claude/agents`; `assemble targets NAME`
    names it. Some also load those of a plugin or an extension: a folder with `.claude-plugin/plugin.json` or
    `gemini-extension.json`, for example. There is one note for each client. If you copy the files to where clients load
    them, or publish them, add the code to `ignore`.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = "out/{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = ".claude/agents/{name}.md"
    """
    row = TARGETS[target]
    has_output = value_at(kit.settings_table, ("target", target, "output")) is not None
    where = kit.settings_path("target", target, "output") if has_output and kit.settings_source else START
    output = normalize(f"{kit.settings.root}/{row.default_path}")
    if kit.settings.is_in_home(target):
        output = f"{HOME}{row.home_folders[0]}/{row.file_name}"
    hint = f'set `output = "{output}"` in `[target.{target}]` of the settings, or ignore this if you copy the file'
    folder = output.rpartition("/")[0] if output.startswith(HOME) else row.default_path.rpartition("/")[0]
    yield Violation(where, f"{row.label} looks for agents in `{folder}`, so it does not load `{path}`", hint)


@rule("O628", Severity.WARNING, about="target")
def ignored_in_plugin(context: ManifestContext) -> Iterable[Violation]:
    """A manifest sets a key that the client ignores in a plugin, where the output is.

    A plugin comes from somebody else, so Claude Code does not let its agents run hooks, start servers or choose how
    they ask for permission. An output is part of a plugin if its folder, or one around it up to `root`, contains
    `.claude-plugin/plugin.json`. The client's own folder, `.claude/agents`, is not part of one: there, the keys work.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [target.claude-code]
        permissionMode = "plan"

        # .claude-plugin/plugin.json
        { "name": "team" }

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [target.claude-code]
        permissionMode = "plan"
    """
    kit, manifest = context.kit, context.manifest
    for target, table in manifest.target.items():
        plugin = TARGETS[target].plugin
        concerned = [key for key in table if key in plugin.ignored or key in plugin.accepted]
        if not concerned or target not in kit.targets_of(manifest):
            continue
        folder = os.path.dirname(kit.output(target, manifest.name, context.source.file))
        marker = kit.placement.plugin_file(target, folder)
        for key in concerned if marker else ():
            if table[key] not in plugin.accepted.get(key, ()):
                yield _ignored(target, key, str(marker))


def _ignored(target: str, key: str, marker: str) -> Violation:
    row = TARGETS[target]
    effect = row.plugin.ignored.get(key) or f"it accepts only {listed(row.plugin.accepted[key])}"
    message = f"{row.label} ignores `{key}` in a plugin, which `{marker}` makes this: {effect}"
    own = row.default_path.rpartition("/")[0]
    return Violation(("target", target, key), message, f"remove the key, or write the file to `{own}` of a project")


OF_MANIFEST = (ignored_in_plugin,)
