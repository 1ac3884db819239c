"""Rights: may the agent do what its front matter says, and did somebody decide that?"""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import KeyPath, Severity
from kei_assembler.kit.settings import RIGHTS
from kei_assembler.rules.definition import Finding, rule
from kei_assembler.rules.subject import Subject, Usage


@rule("R501")
def right_not_allowed(subject: Subject) -> Iterable[Finding]:
    """Front matter gives an agent a right that the kit's settings do not allow it.

    To act without asking, to run commands at events, to start servers: whoever reviews a manifest must not overlook
    that. So it takes two places, the manifest, and the setting `allow-rights` with the agent and a reason. This
    holds for the tables of all AI tools, in use or not.

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
    name = subject.manifest.name
    for right in subject.rights:
        row = RIGHTS[right]
        if (name, right) not in subject.kit.allowed_rights and subject.fits("target", row.target, row.key):
            hint = f"if that is meant, add `{right}` to the setting `allow-rights` for `{name}`, with a reason"
            yield Finding(("target", row.target, row.key), f"`{right}` lets the agent {row.grants}", hint)


@rule("R502", Severity.WARNING)
def allowance_unused(usage: Usage, at: KeyPath) -> Iterable[Finding]:
    """The setting `allow-rights` allows what no manifest makes use of.

    Later, a manifest would have the right without anybody deciding on it. Said only when all manifests are looked at.

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
        for place, right in enumerate(allowance["rights"]):
            if (allowance["agent"], right) not in usage.rights:
                where = (*at, "allow-rights", index, "rights", place)
                yield Finding(where, f"`{allowance['agent']}` makes no use of `{right}`", "remove it")


OF_MANIFEST = (right_not_allowed,)
