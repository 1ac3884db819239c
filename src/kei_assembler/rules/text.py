"""Rules about text that would be wrong, or would do damage, in the generated file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from kei_assembler.diagnostics import Location, Span
from kei_assembler.kit.blocks import Block
from kei_assembler.markdown.stamp import find_conflict
from kei_assembler.markdown.structure import outline, prose, trimmed
from kei_assembler.model.manifest import HEAD_KEYS
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.hidden_text import texts
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import Source, span_of
from kei_assembler.whitespace import SPACES, with_lf_in_place

_PLACEHOLDER = re.compile(r"(?<!\$)\{\{[A-Z0-9_]+\}\}")


@rule("T401", may_ignore=True)
def placeholder_in_manifest(context: ManifestContext) -> Iterable[Violation]:
    """A manifest contains an unfilled placeholder, such as `{{PROJECT}}`.

    A placeholder is a name of capitals, digits and `_` in double braces. It is allowed in code in a role. So is
    `${{NAME}}` anywhere, because other tools use it.

    Fails::

        name = "critic"
        description = "Reviews the code of {{PROJECT}}."

    Passes::

        name = "critic"
        description = "Reviews the code of Apollo."
        role = "You know what `{{PROJECT}}` means in a template."
    """
    for path, text in texts(context.data) if any(map(_may_have_braces, context.sources())) else ():
        for match in _PLACEHOLDER.finditer(prose(text) if path == ("role",) and "{{" in text else text):
            where = context.locate_text(path, text, *match.span())
            yield _unfilled(where, match)


def _may_have_braces(source: Source) -> bool:
    # two braces leave an empty part between them; splitting at one brace is several times faster than finding two
    return source.has_escapes or "" in source.text.split("{")[1:]


def _unfilled(where: Span | Location, match: re.Match[str]) -> Violation:
    return Violation(where, f"the placeholder `{match[0]}` is not filled in", "write the value instead")


@rule("T402", may_ignore=True)
def placeholder_in_block(block: Block) -> Iterable[Violation]:
    """A block contains an unfilled placeholder, such as `{{PROJECT}}`, outside of code.

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
            yield _unfilled(span_of(text, *match.span()), match)


@rule("T403")
def unclosed_in_role(context: ManifestContext) -> Iterable[Violation]:
    """The role leaves a code fence or an HTML block open, so the sections after it would become part of it.

    This applies to the HTML blocks that a blank line does not end: comments, processing instructions, declarations,
    CDATA, and the elements `script`, `pre`, `style` and `textarea` (CommonMark 0.31.2, section 4.6, types 1 to 5).

    It also applies to what parsers disagree about: a tag with white space other than spaces and tabs, such as a
    no-break space, a declaration in lower case that does not end on its line, such as `<!doctype`, and more than 9
    lists and quotes inside each other.

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
    role = context.manifest.role
    return _unclosed(role, "`role`", partial(context.locate_text, ("role",), role))


@rule("T404")
def unclosed_in_block(block: Block) -> Iterable[Violation]:
    """A block leaves a code fence or an HTML block open, so the text after the block would become part of it.

    This applies to the HTML blocks that a blank line does not end: comments, processing instructions, declarations,
    CDATA, and the elements `script`, `pre`, `style` and `textarea` (CommonMark 0.31.2, section 4.6, types 1 to 5).

    It also applies to what parsers disagree about: a tag with white space other than spaces and tabs, such as a
    no-break space, a declaration in lower case that does not end on its line, such as `<!doctype`, and more than 9
    lists and quotes inside each other.

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
    return _unclosed(block.source.text, "the block", partial(span_of, block.source.text))


@rule("T405")
def unfinished_merge(source: Source, is_allowed_in_code: bool = True) -> Iterable[Violation]:
    """A manifest, block or template contains the conflict markers of a merge.

    Both sides would end up in every agent that uses the file. In a code fence of a manifest or block, markers are
    allowed, because they can be an example for the agent. In a template, they are always reported.

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
    if find_conflict(text) and (opening := find_conflict(_unfenced(text) if is_allowed_in_code else text)):
        where = span_of(text, *opening.span())
        yield Violation(where, "the file has an unfinished merge", "resolve the conflict, and remove the markers")


def _unfenced(text: str) -> str:
    """Return the text with its code blanked out, and everything else at the same position."""
    # in a prompt, HTML tags around rules are no more than a heading, so HTML blocks don't count as code
    lines = zip(with_lf_in_place(text).split("\n"), outline(text.replace("<", "(")).verbatim, strict=True)
    return "\n".join(" " * len(line) if is_code else line for line, is_code in lines)


@rule("T407")
def client_variable_in_manifest(context: ManifestContext) -> Iterable[Violation]:
    """A manifest contains text that one of its clients treats as a variable.

    Only Gemini CLI does that: it treats the body of an agent file as a template. `${word}` does not reach the model,
    and if `word` is not one of its few variables, the agent does not run at all. `$word` and `${word:-x}` are fine.

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
    for target in context.kit.targets_of(context.manifest):
        for key in context.data if TARGETS[target].placeholder else ():
            for path, text in texts(context.data[key], (key,)) if key not in HEAD_KEYS else ():
                for match in re.finditer(TARGETS[target].placeholder, text):
                    yield _filled(context.locate_text(path, text, *match.span()), match[0], target)


@rule("T408")
def client_variable_in_file(
    source: Source, targets: Iterable[str], is_printed: Callable[[int, str], bool] = lambda *_: True
) -> Iterable[Violation]:
    """A block or template contains text that one of the clients it is used for treats as a variable.

    Only Gemini CLI does that: it treats the body of an agent file as a template. `${word}` does not reach the model,
    and if `word` is not one of its few variables, the agent does not run at all. `$word` and `${word:-x}` are fine.

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
            if is_printed(match.start(), target):
                yield _filled(span_of(source.text, *match.span()), match[0], target)


def _filled(where: Span | Location, variable: str, target: str) -> Violation:
    hint = f"write it differently, such as `{variable.replace('{', '').replace('}', '')}`"
    return Violation(where, f"{TARGETS[target].label} treats `{variable}` as a variable", hint)


# The least that enters ten lists or quotes: five tabs and a marker.
_DEEP_START = re.compile(r"\n(?=[ \t]*[-+*>0-9])[ \t>*+\-0-9.)]{6}")


def _unclosed(text: str, subject: str, locate: Callable[[int, int], Span | Location]) -> Iterator[Violation]:
    # only these open a fence or an HTML block, or nest deeply; it is slow to read the outline of every text
    if not ("<" in text or "```" in text or "~~~" in text or _DEEP_START.search(f"\n{with_lf_in_place(text)}")):
        return
    printed = outline(trimmed(text))  # without the indent of the first line
    if printed.unclosed:
        hint = "close it; otherwise the text after it becomes part of it"
        where = locate(*_line(text, printed.unclosed.line))
        yield Violation(where, f"{subject} leaves a {printed.unclosed.what} open", hint)
    if printed.unclear:
        where = locate(*_line(text, printed.unclear.line))
        yield Violation(where, f"{subject} has {printed.unclear.what}, and parsers disagree about it", "simplify it")


def _line(text: str, number: int) -> tuple[int, int]:
    """Return the offsets of a line, without the white space around it. Line 1 is the first one that is not blank."""
    lines = with_lf_in_place(text).split("\n")
    index = next(index for index, line in enumerate(lines) if line.strip(SPACES)) + number - 1
    start = sum(len(before) + 1 for before in lines[:index]) + len(lines[index]) - len(lines[index].lstrip(SPACES))
    return start, start + len(lines[index].strip(SPACES))


OF_MANIFEST = (placeholder_in_manifest, unclosed_in_role, client_variable_in_manifest)
OF_BLOCK = (placeholder_in_block, unclosed_in_block)
