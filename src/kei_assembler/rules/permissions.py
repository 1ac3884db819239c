"""Rules about the rights that front matter gives an agent."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import Severity
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.model.adaptation import EVERYTHING
from kei_assembler.model.settings import RIGHTS
from kei_assembler.rules.definition import Fixable, Violation, rule
from kei_assembler.rules.kit_usage import KitUsage, rights_of
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.remedies import replacing_setting
from kei_assembler.suggestions import did_you_mean, listed, nearest
from kei_assembler.targets.instructions import SKILL_TOOLS


@rule("R501", about="target")
def right_not_allowed(context: ManifestContext) -> Iterable[Violation]:
    """A manifest gives its agent a right that the kit's settings do not allow.

    A right lets an agent act without asking, run commands on events, start servers, or use tools that its `tools` do
    not list. Reviewers must not overlook that, so a right takes two places: the manifest, and the setting
    `allow-rights`, with the agent and a reason. This applies to the tables of all targets, even of those that the kit
    does not use. [Targets](targets.md) says for every key which rights it gives. Some rights are nothing new if `tools`
    lists certain tools. An agent without `tools` has all tools that its client gives it.

    Fails::

        name = "critic"
        description = "Reviews code."

        [target.claude-code]
        permissionMode = "bypassPermissions"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [target.claude-code]
        permissionMode = "bypassPermissions"

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.permissionMode=bypassPermissions"]
        reason = "runs in a container that is thrown away"
    """
    name = stem(context.source.file)
    for right in rights_of(context.manifest):
        row = RIGHTS[right]
        if (name, right) not in context.kit.allowed_rights and context.fits("target", row.target, row.key):
            is_own = context.is_own(("target", row.target, row.key))
            agent = f"`{name}`" if is_own else "each agent that has it"
            allowance = f"add `{right}` to the setting `allow-rights` for {agent}, with a reason"
            has_tools = row.covered_by and row.covered_by != (EVERYTHING,)
            tools = f"list {listed(row.covered_by)} in `tools`, or " if has_tools else ""
            hint = f"if you want this, {tools}{allowance}"
            yield Violation(("target", row.target, row.key), f"`{right}` lets the agent {row.grants}", hint)


@rule("C710", fixable=Fixable.UNSAFELY)
def unknown_right(kit: LoadedKit) -> Iterable[Violation]:
    """The setting `allow-rights` names a right that does not exist, or that does not have to be allowed.

    Fails::

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.permissionMode=bypassPermission"]
        reason = "runs in a container that is thrown away"

    Passes::

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.permissionMode=bypassPermissions"]
        reason = "runs in a container that is thrown away"

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [target.claude-code]
        permissionMode = "bypassPermissions"
    """
    known = (*RIGHTS, SKILL_TOOLS)
    for index, allowance in enumerate(kit.settings.allow_rights):
        for position, right in enumerate(allowance["rights"]):
            if right and right not in known:
                where = kit.settings_path("allow-rights", index, "rights", position)
                hint = did_you_mean(right, known, f"the rights are {listed(known)}")
                remedy = replacing_setting(kit, where, right, nearest(right, known), known)
                yield Violation(where, f"unknown right `{right}`", hint, remedy=remedy)


@rule("R502", Severity.WARNING)
def unused_allowance(usage: KitUsage) -> Iterable[Violation]:
    """The setting `allow-rights` allows a right that the agent's manifest does not use.

    A later change could then use the right without anyone deciding on it. Only reported when all manifests are checked.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.hooks"]
        reason = "checks the format after each edit"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [target.claude-code.hooks]
        PostToolUse = [{ matcher = "Edit", hooks = [{ type = "command", command = "make format" }] }]

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.hooks"]
        reason = "checks the format after each edit"
    """
    for index, allowance in enumerate(usage.kit.settings.allow_rights):
        for position, right in enumerate(allowance["rights"]):
            if (allowance["agent"], right) not in usage.rights:
                where = usage.kit.settings_path("allow-rights", index, "rights", position)
                yield Violation(where, f"the agent `{allowance['agent']}` does not use `{right}`", "remove it")


OF_MANIFEST = (right_not_allowed,)
