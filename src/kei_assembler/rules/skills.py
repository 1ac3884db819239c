"""Rules about skills, and about agents that are also written as skills."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kei_assembler.kit import stem
from kei_assembler.model.kinds import SKILL
from kei_assembler.model.values import filled_description
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.targets.instructions import MAX_SKILL_DESCRIPTION, MAX_SKILL_NAME, SKILL_NAME, SKILL_TOOLS


def _is_skill(context: ManifestContext) -> bool:
    return context.manifest.kind == SKILL.name or bool(context.manifest.also_skill)


@rule("L811")
def unusable_skill_name(context: ManifestContext) -> Iterable[Violation]:
    """The name of a skill does not fit the format of skills.

    It has at most 64 lower-case letters, digits and single hyphens, and begins and ends with a letter or digit. Some
    clients do not load other skills. This also applies to an agent with `also-skill`.

    Fails::

        # skills/make_release.toml
        name = "make_release"
        description = "Releases the package."
        role = "Tag the commit."

    Passes::

        # skills/make-release.toml
        name = "make-release"
        description = "Releases the package."
        role = "Tag the commit."
    """
    name = context.manifest.name
    if _is_skill(context) and name and not (len(name) <= MAX_SKILL_NAME and re.fullmatch(SKILL_NAME, name)):
        message = f"`{name}` cannot be the name of a skill"
        yield Violation(
            ("name",), message, f"use at most {MAX_SKILL_NAME} lower-case letters, digits and single hyphens"
        )


@rule("L812")
def long_skill_description(context: ManifestContext) -> Iterable[Violation]:
    """The description of a skill is longer than 1,024 characters.

    Some clients do not load such a skill. This also applies to an agent with `also-skill`.

    Fails::

        # skills/release.toml
        name = "release"
        role = "Tag the commit."
        description = \"\"\"
        Releases the package, and says what has changed since the last release, if all tests pass. Releases
        the package, and says what has changed since the last release, if all tests pass. Releases the
        package, and says what has changed since the last release, if all tests pass. Releases the package,
        and says what has changed since the last release, if all tests pass. Releases the package, and says
        what has changed since the last release, if all tests pass. Releases the package, and says what has
        changed since the last release, if all tests pass. Releases the package, and says what has changed
        since the last release, if all tests pass. Releases the package, and says what has changed since the
        last release, if all tests pass. Releases the package, and says what has changed since the last
        release, if all tests pass. Releases the package, and says what has changed since the last release,
        if all tests pass. Releases the package, and says what has changed since the last release, if all
        tests pass. Releases the package, and says what has changed since the last release, if all tests
        pass.
        \"\"\"

    Passes::

        # skills/release.toml
        name = "release"
        role = "Tag the commit."
        description = "Releases the package."
    """
    for target in context.kit.targets_of(context.manifest) if _is_skill(context) else ():
        length = len(filled_description(context.manifest, target))
        if length > MAX_SKILL_DESCRIPTION:
            message = f"the description has {length:,} characters; a skill can have {MAX_SKILL_DESCRIPTION:,}"
            yield Violation(("description",), message, "shorten it")
            return


@rule("R503")
def skill_tools_not_allowed(context: ManifestContext) -> Iterable[Violation]:
    """A skill lists tools, which is a right that the kit's settings do not allow.

    The tools become `allowed-tools`: while the skill is in use, Claude Code runs them without asking. What other
    clients make of them is not known. As with the rights of agents, that takes two places: the manifest, and the
    setting `allow-rights`, with the skill as the agent, and a reason.

    Fails::

        # skills/release.toml
        name = "release"
        description = "Releases the package."
        role = "Tag the commit."
        tools = ["Bash(git tag:*)"]

    Passes::

        # skills/release.toml
        name = "release"
        description = "Releases the package."
        role = "Tag the commit."
        tools = ["Bash(git tag:*)"]

        # assemble.toml
        [[allow-rights]]
        agent = "release"
        rights = ["skill.allowed-tools"]
        reason = "only tags"
    """
    is_allowed = (stem(context.source.file), SKILL_TOOLS) in context.kit.allowed_rights
    if context.manifest.kind == SKILL.name and context.manifest.tools and not is_allowed:
        hint = f"if you want this, add `{SKILL_TOOLS}` to the setting `allow-rights` for the skill, with a reason"
        yield Violation(("tools",), f"`{SKILL_TOOLS}` lets the skill use its tools without asking", hint)


OF_MANIFEST = (unusable_skill_name, long_skill_description, skill_tools_not_allowed)
