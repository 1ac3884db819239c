"""Rules about placeholders: whether the values of a manifest can fill them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from kei_assembler.diagnostics import KeyPath, Location, Severity, Span
from kei_assembler.kit.blocks import Block
from kei_assembler.kit.filled_texts import Gap, Misfit, Text
from kei_assembler.markdown.placeholders import LINES, LIST, PLACEHOLDER, SIZE, STRUCTURE, may_have_placeholders
from kei_assembler.model.values import path_of_value, texts_of, values_for
from kei_assembler.rules.definition import Fixable, Remedy, Violation, rule
from kei_assembler.rules.hidden_text import texts
from kei_assembler.rules.kit_usage import Unfilled
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.runner import locate
from kei_assembler.toml.source import span_of
from kei_assembler.whitespace import SPACES


def _path_of_value(context: ManifestContext, misfit: Misfit) -> KeyPath:
    return path_of_value(context.manifest, misfit.target, misfit.problem.place.name)


def place_of(context: ManifestContext, text: Text, start: int, end: int) -> Location:
    """Return the location of a part of a text, in the manifest or in a block."""
    if text.block is None:
        return context.locate_text(text.path, text.text, start, end)
    source = text.block.source
    return locate(source, span_of(source.text, text.start + start, text.start + end))


def _of_kind(context: ManifestContext, kind: str) -> Iterator[tuple[str, KeyPath, Location, Misfit]]:
    """Yield each value with a problem of a kind once: its name, its path, and the first place that it fills.

    Values that are reported for themselves are left out.
    """
    reported: set[KeyPath] = set()
    for misfit in _misfits(context):
        path = _path_of_value(context, misfit)
        if misfit.problem.kind == kind and path not in reported and context.fits(*map(str, path)):
            reported.add(path)
            place = misfit.problem.place
            yield place.name, path, place_of(context, misfit.text, place.start, place.end), misfit


def _misfits(context: ManifestContext) -> Iterable[Misfit]:
    return () if context.is_base else context.filled_texts.misfits


_FILLS = "it fills this placeholder"


@rule("V105")
def list_out_of_place(context: ManifestContext) -> Iterable[Violation]:
    """A value is a list, and fills a placeholder that is not alone in the item of a list.

    In Markdown, the line is `- {{NAME}}`, with any marker, and the item has no other lines. In a list of the manifest,
    the entry is `"{{NAME}}"`.

    Fails::

        name = "critic"
        description = "Reviews code."
        role = "You review {{PATHS}}."

        [values]
        PATHS = ["src", "tests"]

    Passes::

        name = "critic"
        description = "Reviews code."
        role = \"\"\"
        You review:

        * {{PATHS}}
        \"\"\"

        [values]
        PATHS = ["src", "tests"]
    """
    for name, path, place, _ in _of_kind(context, LIST):
        message = f"the list `{name}` fills `{{{{{name}}}}}` where it is not alone in an item of a list"
        yield Violation(path, message, f"write `- {{{{{name}}}}}` there, or one string here", ((place, _FILLS),))


@rule("V106")
def lines_out_of_place(context: ManifestContext) -> Iterable[Violation]:
    """A value has line breaks, and fills a placeholder that is not alone on its line.

    Fails::

        name = "critic"
        description = "Reviews code."
        role = "You review {{SCOPE}}."

        [values]
        SCOPE = \"\"\"
        code
        documentation
        \"\"\"

    Passes::

        name = "critic"
        description = "Reviews code."
        role = \"\"\"
        You review:

        {{SCOPE}}
        \"\"\"

        [values]
        SCOPE = \"\"\"
        code
        documentation
        \"\"\"
    """
    for name, path, place, _ in _of_kind(context, LINES):
        message = f"the value `{name}` has line breaks, and `{{{{{name}}}}}` is not alone on its line"
        yield Violation(path, message, "put the placeholder on a line of its own, or use one line", ((place, _FILLS),))


@rule("V107")
def value_breaks_out(context: ManifestContext) -> Iterable[Violation]:
    """A value would change the structure of the text that it fills, and cannot be escaped there.

    It would, for example, close a code fence or a code span, end an HTML block with a blank line, or turn a paragraph
    into the item of a list. Elsewhere, a value is escaped: it opens no heading, list, fence or HTML block.

    Fails::

        name = "critic"
        description = "Reviews code."
        role = "Run `{{COMMAND}}`."

        [values]
        COMMAND = "echo `date`"

    Passes::

        name = "critic"
        description = "Reviews code."
        role = \"\"\"
        Run this:

        ```
        {{COMMAND}}
        ```
        \"\"\"

        [values]
        COMMAND = "echo `date`"
    """
    for name, path, place, misfit in _of_kind(context, STRUCTURE):
        message = f"the value `{name}` {_effect(context, misfit)}"
        yield Violation(path, message, "change the value, or the text around the placeholder", ((place, _FILLS),))


def _effect(context: ManifestContext, misfit: Misfit) -> str:
    """What a value would do to the structure of the text that it fills."""
    text, place = misfit.text, misfit.problem.place
    of = f"the block `{text.block.name}`" if text.block else f"`{text.path[0]}`"
    values = values_for(context.manifest, misfit.target)
    value = values[place.name]
    if isinstance(value, str) and "\n" in value:
        without = "\n".join(line for line in value.split("\n") if line.strip(SPACES))
        if misfit.problem not in text.fill(text.text, {**values, place.name: without}).problems:
            return f"has an empty line, which would end the HTML or the table in {of}"
    if place.in_code:
        return f"would change where the code or HTML in {of} ends"
    return f"would change the structure of {of}, for example begin a list there"


@rule("V110", Severity.NOTE, fixable=Fixable.SAFELY)
def misspelled_in_code(context: ManifestContext) -> Iterable[Violation]:
    """A placeholder in code has no value, but a similar name has one.

    In code, a placeholder without a value can be meant as it is, so it is left alone.

    Fails::

        name = "critic"
        description = "Reviews the code of {{PROJECT}}."
        role = "Run `make {{PROJCT}}`."

        [values]
        PROJECT = "apollo"

    Passes::

        name = "critic"
        description = "Reviews the code of {{PROJECT}}."
        role = "Run `make {{PROJECT}}`."

        [values]
        PROJECT = "apollo"
    """
    reported: set[Location] = set()
    for gap in unfilled_in_texts(context):
        place = gap.place
        if place.in_code and (match := gap.similar):
            where = place_of(context, gap.text, place.start, place.end)
            if where not in reported:
                reported.add(where)
                yield _left(where, place.name, match)


def _left(where: Span | Location, name: str, match: str) -> Violation:
    message = f"there is no value for `{{{{{name}}}}}`, so it stays as it is"
    return Violation(where, message, f"did you mean `{{{{{match}}}}}`?", remedy=filling(where, name, match))


def filling(where: Span | Location, name: str, match: str | None) -> Remedy | None:
    """Return the remedy that replaces a placeholder without a value with one that has a similar name, if there is."""
    return Remedy("written", where, (f"{{{{{name}}}}}", f"{{{{{match}}}}}")) if match else None


def unfilled_in_texts(context: ManifestContext) -> Iterator[Gap]:
    """Yield the placeholders without a value in the texts of a manifest, but not in its blocks.

    Those are left out whose values are probably below an unknown key, which is reported.
    """
    if not context.is_base and context.filled_texts.texts and context.fits("values") and context.fits("target"):
        astray = names_astray(context)
        for gap in context.filled_texts.unfilled():
            if gap.text.block is None and context.fits(str(gap.text.path[0])) and gap.place.name not in astray:
                yield gap


def names_astray(context: ManifestContext) -> frozenset[str]:
    """Return the names of keys that are unknown, or that are below an unknown key."""
    unknown = [error for error in context.validation_errors if error.kind == "unknown"]
    names = frozenset(str(error.path[-1]) for error in unknown)
    return names.union(*(error.value for error in unknown if isinstance(error.value, Mapping)))


_FILLED = ("description", "role", "domain_in", "forbidden_domain", "output_extra_fields", "values")
"""The keys that have nothing that placeholders are wrong in, if they are valid."""


def may_have_braces(context: ManifestContext) -> bool:
    """Return whether there can be a placeholder in a manifest or what it inherits from."""
    return any(source.has_escapes or may_have_placeholders(source.text) for source in context.sources())


def outside_of_texts(context: ManifestContext) -> Iterator[tuple[KeyPath, str, re.Match[str]]]:
    """Yield the placeholders that no value fills, such as those in names: the key path, the text and the match."""
    is_whole = context.validation_errors or not isinstance(context.data.get("role", ""), str)
    others = {key: value for key, value in context.data.items() if key not in _FILLED or is_whole}
    if not may_have_placeholders(repr(others)):  # faster than a look at each text
        return
    filled = {path for path, _, _ in texts_of(context.manifest)}
    # a number or boolean that is still to be filled in is reported as text of the wrong type
    reported = {error.path for error in context.validation_errors if error.kind in ("type", "unknown")}
    for path, text in texts(others):
        is_reported = reported and any(path[:end] in reported for end in range(1, len(path) + 1))
        if path not in filled and not is_reported and path[0] != "values" and path[2:3] != ("values",):
            yield from ((path, text, match) for match in PLACEHOLDER.finditer(text))


@rule("V112", Severity.NOTE, fixable=Fixable.SAFELY)
def misspelled_in_block(block: Block, unfilled: Unfilled) -> Iterable[Violation]:
    """A placeholder in the code of a block has no value, but a similar name has one.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews the code of {{PROJECT}}."
        blocks = ["baseline"]

        [values]
        PROJECT = "apollo"

        # _blocks/baseline.md
        Run `make {{PROJCT}}`.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews the code of {{PROJECT}}."
        blocks = ["baseline"]

        [values]
        PROJECT = "apollo"

        # _blocks/baseline.md
        Run `make {{PROJECT}}`.
    """
    text = block.source.text
    similar = {gap.offset: gap.similar for gap in sorted(unfilled) if gap.in_code}
    for start, match in sorted(similar.items()):
        end = text.index("}}", start) + 2
        yield _left(span_of(text, start, end), text[start + 2 : end - 2], match)


@rule("V111")
def filled_text_too_large(context: ManifestContext) -> Iterable[Violation]:
    """Values would add more than 4,194,304 characters to a text, or fill it more than 10,000 times.

    Each entry of a list and each line of a value counts.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["long"]

        [values]
        PATHS = ["src/main/java", "src/main/kotlin", "src/test/java", "src/test/kotlin"]

        # _blocks/long.md (80000 times)
        * {{PATHS}}

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["long"]

        [values]
        PATHS = ["src/main/java", "src/main/kotlin", "src/test/java", "src/test/kotlin"]

        # _blocks/long.md (10 times)
        * {{PATHS}}
    """
    for name, path, place, _ in _of_kind(context, SIZE):
        message = f"the text that `{name}` fills would be too large"
        yield Violation(path, message, "use fewer placeholders, or shorter values", ((place, _FILLS),))


OF_MANIFEST = (list_out_of_place, lines_out_of_place, value_breaks_out, misspelled_in_code, filled_text_too_large)
