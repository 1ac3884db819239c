"""Rules about text that would be wrong, or would do damage, in the generated file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from kei_assembler import lazy_re
from kei_assembler.diagnostics import KeyPath, Location, Span
from kei_assembler.kit.blocks import Block
from kei_assembler.kit.filled_texts import BlockGap
from kei_assembler.markdown.stamp import find_conflict
from kei_assembler.markdown.structure import code_lines, outline, trimmed
from kei_assembler.model.manifest import HEAD_KEYS
from kei_assembler.model.settings import value_at
from kei_assembler.rules.definition import Fixable, Violation, rule
from kei_assembler.rules.hidden_text import texts
from kei_assembler.rules.kit_usage import Unfilled
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.value_places import filling, may_have_braces, outside_of_texts, place_of, unfilled_in_texts
from kei_assembler.suggestions import did_you_mean, listed
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import Source, span_of
from kei_assembler.whitespace import SPACES, with_lf_in_place


@rule("T401", may_ignore=True, fixable=Fixable.SAFELY)
def placeholder_in_manifest(context: ManifestContext) -> Iterable[Violation]:
    """A manifest or its role file contains an unfilled placeholder, such as `{{PROJECT}}`.

    A placeholder is a name of capitals, digits and `_` in double braces. A value fills it, from `[values]` in the
    manifest, a base or the settings. Values fill texts, but no names, tools, models or keys of a target. A placeholder
    without a value is allowed in code in a role. So is `${{NAME}}` anywhere, because other tools use it, and
    `\\{{NAME}}`, which is printed as `{{NAME}}`.

    Fails::

        name = "critic"
        description = "Reviews the code of {{PROJEKT}}."

        [values]
        PROJECT = "Apollo"

    Passes::

        name = "critic"
        description = "Reviews the code of {{PROJECT}}."

        [values]
        PROJECT = "Apollo"
    """
    if not may_have_braces(context):
        return
    for gap in unfilled_in_texts(context):
        place = gap.place
        if not place.in_code:
            hint = did_you_mean(place.name, gap.names, _HOW_TO_FILL.format(place.name))
            clients = "" if gap.is_everywhere else f" for {_labels(gap.lacking)}"
            where = place_of(context, gap.text, place.start, place.end)
            yield _unfilled(where, place.name, hint, clients)._replace(remedy=filling(where, place.name, gap.similar))
    for path, text, match in outside_of_texts(context):
        is_in_table = path[0] in context.kit.settings.extra_keys and len(path) > 1
        hint = _NOT_IN_TABLE if is_in_table else _NO_TEXT
        yield _unfilled(context.locate_text(path, text, *match.span()), match[0].strip("{}"), hint)


def _unfilled(where: Location, name: str, hint: str, clients: str = "") -> Violation:
    return Violation(where, f"the placeholder `{{{{{name}}}}}` is not filled in{clients}", hint)


def _labels(targets: Iterable[str]) -> str:
    return listed((TARGETS[target].label for target in targets), str)


_HOW_TO_FILL = "write the text instead, or set `{}` under `[values]`"
_NO_TEXT = "write the name itself: values only fill texts, such as the role"
_NOT_IN_TABLE = "write the text itself: values do not fill tables in extra keys"


@rule("T402", may_ignore=True, fixable=Fixable.SAFELY)
def placeholder_in_block(block: Block, unfilled: Unfilled) -> Iterable[Violation]:
    """A block contains a placeholder, such as `{{PROJECT}}`, for which an agent has no value.

    It is allowed in code. Values are set under `[values]` in a manifest, a base or the settings.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
        values.PROJECT = "Apollo"

        # _blocks/baseline.md
        Keep to the rules of {{PROJEKT}}; in CI, `${{ github.ref }}` names the branch.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
        values.PROJECT = "Apollo"

        # _blocks/baseline.md
        Keep to the rules of {{PROJECT}}; in CI, `${{ github.ref }}` names the branch.
    """
    text = block.source.text
    by_offset: dict[int, list[BlockGap]] = {}
    for gap in sorted(unfilled):
        if not gap.in_code:
            by_offset.setdefault(gap.offset, []).append(gap)
    for start, gaps in sorted(by_offset.items()):
        agents, end = sorted({name for gap in gaps for name in unfilled[gap]}), text.index("}}", start) + 2
        first = gaps[0]
        are_alike = all(gap.lacking == first.lacking for gap in gaps)
        clients = f" in {_labels(first.lacking)}" if are_alike and first.lacking else ""
        message = f"the placeholder `{text[start:end]}` is not filled in for {listed(agents, most=_MAX_NAMED)}{clients}"
        are_alike = all(gap.similar == first.similar for gap in gaps)
        otherwise = _HOW_TO_FILL.format(text[start + 2 : end - 2])
        hint = f"did you mean `{first.similar}`?" if are_alike and first.similar else otherwise
        where, similar = span_of(text, start, end), first.similar if are_alike else ""
        yield Violation(where, message, hint, remedy=filling(where, text[start + 2 : end - 2], similar))


_MAX_NAMED = 2


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
    """A manifest, block, role file or template contains the conflict markers of a merge.

    Both sides would end up in every agent that uses the file. In a code fence, markers are allowed, because they can be
    an example for the agent. In a template, they are always reported.

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
    lines = zip(with_lf_in_place(text).split("\n"), code_lines(text), strict=True)
    return "\n".join(" " * len(line) if is_code else line for line, is_code in lines)


@rule("T407")
def client_variable_in_manifest(context: ManifestContext) -> Iterable[Violation]:
    """A manifest or its role file contains text that one of its clients treats as a variable.

    Such a client treats the body of an agent file as a template, so this text does not reach the model. In Gemini CLI,
    for example, the agent does not run at all if `word` in `${word}` is not one of the client's few variables; `$word`
    and `${word:-x}` are fine. Kilo Code does not load an agent with `{env:NAME}`, and puts the content of a file where
    `{file:PATH}` is, also in code. Kimi Code writes its own text for variables such as `${cwd}`, and Grok Build
    evaluates `${{ x }}`. `assemble targets NAME` shows what a client replaces.

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
    targets = context.kit.targets_of(context.manifest)
    patterns = {target: pattern for target in targets if (pattern := TARGETS[target].placeholder.pattern)}
    # most manifests have none, and without escapes, it is faster to search for them in the files
    sources = [*context.sources()] if patterns else []
    may_have = any(one.has_escapes or re.search(each, one.text) for one in sources for each in patterns.values())
    printed = list(_printed_for_all(context)) if may_have else []
    joined = "\0".join(text for _, text in printed)
    for target, pattern in patterns.items():
        in_all = printed if re.search(pattern, joined) else ()  # faster than a search in each text
        for path, text in (*in_all, *_values_for(context, target)):
            for match in re.finditer(pattern, text):
                yield _replaced(context.locate_text(path, text, *match.span()), match[0], target)


def _printed_for_all(context: ManifestContext) -> Iterator[tuple[KeyPath, str]]:
    """Yield the texts of a manifest that are printed in the body for all targets."""
    for key, value in context.data.items():
        if key not in HEAD_KEYS and key != "values":
            yield from texts(value, (key,))


def _values_for(context: ManifestContext, target: str) -> Iterator[tuple[KeyPath, str]]:
    """Yield the values that fill the texts of a manifest for a target."""
    used = context.filled_texts.used
    for at in (("values",), ("target", target, "values")):
        for path, text in texts(value_at(context.data, at), at) if used else ():
            if path != at and path[len(at)] in used:  # validation reports what is not a table
                yield path, text


@rule("T408")
def client_variable_in_file(
    source: Source, targets: Iterable[str], is_printed: Callable[[int, str], bool] = lambda *_: True
) -> Iterable[Violation]:
    """A block or template contains text that one of the clients it is used for treats as a variable.

    Such a client treats the body of an agent file as a template, so this text does not reach the model. In Gemini CLI,
    for example, the agent does not run at all if `word` in `${word}` is not one of the client's few variables; `$word`
    and `${word:-x}` are fine. Kilo Code does not load an agent with `{env:NAME}`, and puts the content of a file where
    `{file:PATH}` is, also in code. Kimi Code writes its own text for variables such as `${cwd}`, and Grok Build
    evaluates `${{ x }}`. `assemble targets NAME` shows what a client replaces.

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
        pattern = TARGETS[target].placeholder.pattern
        for match in re.finditer(pattern, source.text) if pattern else ():
            if is_printed(match.start(), target):
                yield _replaced(span_of(source.text, *match.span()), match[0], target)


def _replaced(where: Span | Location, text: str, target: str) -> Violation:
    row = TARGETS[target]
    hint = row.placeholder.remedy.format(plain=text.replace("{", "").replace("}", ""))
    return Violation(where, f"{row.label} treats `{text}` as a variable, {row.placeholder.effect}", hint)


# The least that enters ten lists or quotes: five tabs and a marker.
_DEEP_START = lazy_re.compile(r"\n(?=[ \t]*[-+*>0-9])[ \t>*+\-0-9.)]{6}")


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
OF_BLOCK = (unclosed_in_block,)
