"""Text: does what a block or a manifest says survive in the file that it becomes a part of?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from kei_assembler.diagnostics import Finding, KeyPath, rule
from kei_assembler.kit import Block
from kei_assembler.markdown import outline, prose
from kei_assembler.rules.subject import Subject
from kei_assembler.source import span_of

_PLACEHOLDER = re.compile(r"(?<!\$)\{\{[A-Z0-9_]+\}\}")
_CONFLICT = re.compile(r"^(?P<opening><{7} .*)\n(?:.*\n)*?={7}\n(?:.*\n)*?>{7} ", re.MULTILINE)
_MAY_STAY_OPEN = re.compile(r"```|~~~|<[!?a-z]", re.IGNORECASE)


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
    for path, text in _texts(subject.data, ()):
        for match in _PLACEHOLDER.finditer(prose(text) if path == ("role",) else text) if "{{" in text else ():
            where = subject.source.within(path, text, *match.span())
            yield Finding(where, f"the placeholder `{match[0]}` was left unfilled", "put the value in its place")


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
    if _MAY_STAY_OPEN.search(role) and (unclosed := outline(role).unclosed):
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
    if _MAY_STAY_OPEN.search(text) and (unclosed := outline(text).unclosed):
        where = span_of(text, *_line(text, unclosed.line))
        yield Finding(where, f"the block leaves a {unclosed.what} open", _CLOSE_IT)


@rule("T405")
def unfinished_merge(block: Block) -> Iterable[Finding]:
    """A block holds the conflict markers of a merge, outside of code.

    Both sides would go into every agent that uses the block.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        <<<<<<< HEAD
        Be kind.
        =======
        Be honest.
        >>>>>>> honesty

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be kind and honest.
    """
    text = block.source.text
    if "<<<<<<< " in text and (conflict := _CONFLICT.search(prose(text))):
        where = span_of(text, conflict.start(), conflict.start() + len(conflict["opening"]))
        yield Finding(where, "the block has an unfinished merge", "settle it, and remove the markers")


_CLOSE_IT = "close it, or it swallows what follows"


def _line(text: str, number: int) -> tuple[int, int]:
    """The offsets of a line's text, without the white space around it."""
    lines = text.split("\n")
    line = lines[number - 1]
    start = sum(len(before) + 1 for before in lines[: number - 1]) + len(line) - len(line.lstrip())
    return start, start + len(line.strip())


def _texts(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(inner, (*path, key))


OF_MANIFEST = (placeholder_in_manifest, unclosed_in_role)
OF_BLOCK = (placeholder_in_block, unclosed_in_block, unfinished_merge)
