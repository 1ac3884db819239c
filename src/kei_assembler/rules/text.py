"""Text: does what a block or a manifest says survive in the file that it becomes a part of?"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kei_assembler.diagnostics import Span
from kei_assembler.kit import Block
from kei_assembler.manifest import HEAD_KEYS
from kei_assembler.rules.definition import Finding, rule
from kei_assembler.rules.hiding import texts
from kei_assembler.rules.subject import Subject
from kei_assembler.source import Source, span_of
from kei_assembler.targets import TARGETS
from kei_assembler.text.markdown import outline, prose
from kei_assembler.text.stamp import find_conflict

_PLACEHOLDER = re.compile(r"(?<!\$)\{\{[A-Z0-9_]+\}\}")


@rule("T401", may_ignore=True)
def placeholder_in_manifest(subject: Subject) -> Iterable[Finding]:
    """A placeholder such as `{{PROJECT}}` was left unfilled.

    It is two braces around capitals, digits and `_`. In code in a role it is meant as it stands, and so is
    `${{NAME}}`, which belongs to other tools.

    Fails::

        name = "critic"
        description = "Reviews the code of {{PROJECT}}."

    Passes::

        name = "critic"
        description = "Reviews the code of Apollo."
        role = "You know what `{{PROJECT}}` means in a template."
    """
    for path, text in texts(subject.data) if _may_hold_braces(subject.source) else ():
        for match in _PLACEHOLDER.finditer(prose(text) if path == ("role",) else text) if "{{" in text else ():
            where = subject.source.within((*subject.at, *path), text, *match.span())
            yield Finding(where, f"the placeholder `{match[0]}` was left unfilled", "put the value in its place")


def _may_hold_braces(source: Source) -> bool:
    """To look for one brace after the other takes a fraction of the time that it takes to look for two."""
    return source.spells or "" in source.text.split("{")[1:]


@rule("T402", may_ignore=True)
def placeholder_in_block(block: Block) -> Iterable[Finding]:
    """A placeholder such as `{{PROJECT}}` was left unfilled in a block, outside of code.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Keep to the rules of {{PROJECT}}.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Keep to the rules of Apollo; in CI, `${{ github.ref }}` names the branch.
    """
    text = block.source.text
    if "{{" in text:
        for match in _PLACEHOLDER.finditer(prose(text)):
            where = span_of(text, *match.span())
            yield Finding(where, f"the placeholder `{match[0]}` was left unfilled", "put the value in its place")


@rule("T403")
def unclosed_in_role(subject: Subject) -> Iterable[Finding]:
    """The role leaves a code fence or an HTML block open, so that it would swallow the sections after it.

    This concerns the HTML blocks that no blank line ends: comments, processing instructions, declarations, CDATA,
    and the elements `script`, `pre`, `style` and `textarea` (CommonMark 0.31.2, 4.6, types 1 to 5).

    Fails::

        name = "critic"
        description = "Reviews code."
        role = \"\"\"
        Report like this:
        ```
        finding
        \"\"\"

    Passes::

        name = "critic"
        description = "Reviews code."
        role = \"\"\"
        Report like this:
        ```
        finding
        ```
        \"\"\"
    """
    role = subject.manifest.role
    if _may_stay_open(role) and (unclosed := outline(role).unclosed):
        where = subject.source.within(("role",), role, *_line(role, unclosed.line))
        yield Finding(where, f"`role` leaves a {unclosed.what} open", _CLOSE_IT)


@rule("T404")
def unclosed_in_block(block: Block) -> Iterable[Finding]:
    """A block leaves a code fence or an HTML block open, so that it would swallow what follows it.

    This concerns the HTML blocks that no blank line ends: comments, processing instructions, declarations, CDATA,
    and the elements `script`, `pre`, `style` and `textarea` (CommonMark 0.31.2, 4.6, types 1 to 5).

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        <!-- to be discussed

        Be honest.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        <!-- discussed -->

        Be honest.
    """
    text = block.source.text
    if _may_stay_open(text) and (unclosed := outline(text).unclosed):
        where = span_of(text, *_line(text, unclosed.line))
        yield Finding(where, f"the block leaves a {unclosed.what} open", _CLOSE_IT)


@rule("T405")
def unfinished_merge(source: Source, may_show: bool = True) -> Iterable[Finding]:
    """A manifest, block or template holds the conflict markers of a merge.

    Both sides would go into every agent that is made from it. In a code fence of a manifest or a block, markers are
    what the agent is to be shown; in a template they are a conflict wherever they stand.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = \"\"\"
        <<<<<<< HEAD
        Be kind.
        =======
        Be honest.
        >>>>>>> honesty
        \"\"\"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = \"\"\"
        Be kind and honest.
        \"\"\"
    """
    text = source.text
    if find_conflict(text) and (opening := find_conflict(_unfenced(text) if may_show else text)):
        where = span_of(text, *opening.span())
        yield Finding(where, "the file has an unfinished merge", "settle it, and remove the markers")


def _unfenced(text: str) -> str:
    """The text without its code. An HTML block is none: in a prompt, a tag around rules is no more than a heading."""
    lines = zip(text.split("\n"), outline(text.replace("<", "(")).verbatim, strict=True)
    return "\n".join(" " * len(line) if is_code else line for line, is_code in lines)


@rule("T407")
def filled_in_manifest(subject: Subject) -> Iterable[Finding]:
    """Text of a manifest holds what one of its AI tools takes for a variable of its own, and fills in or fails on.

    To Gemini CLI the body of an agent file is a template: `${word}` does not reach the model, and with any word but a
    few of its own the agent cannot run at all. `$word` and `${word:-x}` are fine.

    Fails::

        name = "critic"
        description = "Reviews code."
        role = "You review what lies in ${HOME}/src."
        targets = ["gemini"]

    Passes::

        name = "critic"
        description = "Reviews code."
        role = "You review what lies in $HOME/src."
        targets = ["gemini"]
    """
    for target in subject.kit.targets_of(subject.manifest):
        for key in subject.data if TARGETS[target].placeholder else ():
            for path, text in texts(subject.data[key], (key,)) if key not in HEAD_KEYS else ():
                for match in re.finditer(TARGETS[target].placeholder, text):
                    yield _filled(subject.source.within(path, text, *match.span()), match[0], target)


@rule("T408")
def filled_in_file(source: Source, targets: Iterable[str]) -> Iterable[Finding]:
    """A block or a template holds what an AI tool that it is used for takes for a variable of its own.

    To Gemini CLI the body of an agent file is a template: `${word}` does not reach the model, and with any word but a
    few of its own the agent cannot run at all. `$word` and `${word:-x}` are fine.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
        targets = ["gemini"]

        # _blocks/baseline.md
        Write to `${TMPDIR}` only.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
        targets = ["gemini"]

        # _blocks/baseline.md
        Write to `$TMPDIR` only.
    """
    for target in sorted(targets):
        for match in re.finditer(TARGETS[target].placeholder, source.text):
            yield _filled(span_of(source.text, *match.span()), match[0], target)


def _filled(where: Span, found: str, target: str) -> Finding:
    hint = f"write it otherwise, such as `{found.replace('{', '').replace('}', '')}`"
    return Finding(where, f"{TARGETS[target].label} takes `{found}` for a variable of its own", hint)


def _may_stay_open(text: str) -> bool:
    """Tell whether it is worth reading a text's outline: nothing else opens what a text's end does not close."""
    return "<" in text or "```" in text or "~~~" in text


_CLOSE_IT = "close it, or it swallows what follows"


def _line(text: str, number: int) -> tuple[int, int]:
    """The offsets of a line's text, without the white space around it."""
    lines = text.split("\n")
    line = lines[number - 1]
    start = sum(len(before) + 1 for before in lines[: number - 1]) + len(line) - len(line.lstrip())
    return start, start + len(line.strip())


OF_MANIFEST = (placeholder_in_manifest, unclosed_in_role, filled_in_manifest)
OF_BLOCK = (placeholder_in_block, unclosed_in_block)
