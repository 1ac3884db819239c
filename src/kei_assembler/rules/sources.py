"""Rules about files that cannot be read or decoded, or are not valid TOML."""

from __future__ import annotations

import errno
import re
from codecs import BOM_UTF8
from collections.abc import Iterable

from kei_assembler.diagnostics import Diagnostic, KeyPath, Span
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.runner import run_rule
from kei_assembler.toml.source import MAX_NESTING, START, Source, span_of


@rule("S001")
def unreadable(error: OSError) -> Iterable[Violation]:
    """The file cannot be read.

    The path may be a folder, a device, a broken link, or a link that leads outside the kit's root. Or the current user
    has no permission to read the file.

    Fails::

        # agents/critic.toml/notes.txt
        A folder with the name of a manifest.

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    reason = error.strerror or str(error)
    hint = "see the setting `root`" if error.errno == errno.EXDEV and reason.endswith("root") else ""
    yield Violation(START, f"the file cannot be read: {reason}", hint)


@rule("S002")
def not_utf8(raw: bytes) -> Iterable[Violation]:
    """The file is not UTF-8 text.

    Manifests, blocks, templates and settings must be UTF-8. A file that an editor saved in another encoding, such as
    UTF-16 or a Windows code page, contains bytes that are invalid in UTF-8. NUL bytes are not allowed either.

    Fails::

        # agents/critic.toml (latin-1)
        name = "critic"
        description = "Prüft Code."

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Prüft Code."
    """
    for mark, encoding in _MARKS.items():
        if raw.startswith(mark):
            yield Violation(START, f"the file is {encoding}, not UTF-8", "save it as UTF-8")
            return
    at = raw.find(b"\0")
    message, hint = "the file contains a NUL byte", "remove it, or save the file as UTF-8 if it is UTF-16"
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        if at < 0 or error.start < at:
            at, message, hint = error.start, f"byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as UTF-8"
    if at >= 0:
        yield Violation(_span_of_byte(raw, at), message, hint)


_MARKS = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def _span_of_byte(raw: bytes, at: int) -> Span:
    before = raw[:at].removeprefix(BOM_UTF8).decode()
    line, column, *_ = span_of(before, len(before), len(before))
    return Span(line, column, line, column + 1)


@rule("S003")
def broken_toml(error: Exception) -> Iterable[Violation]:
    """The file is not valid TOML.

    The keys of such a file cannot be checked, so this is the only finding in it.

    Fails::

        name = "critic
        description = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    message, hint, line, column = _parts(error)
    yield Violation(Span(line, column, line, column + 1), message, hint)


_RTOML_MESSAGE = re.compile(r"(?P<message>.*) at line (?P<line>\d+) column (?P<column>\d+)")


def _parts(error: Exception) -> tuple[str, str, int, int]:
    match = _RTOML_MESSAGE.fullmatch(str(error))
    if match is None:  # the parser has no position for a limit of its own, such as its recursion limit
        return str(error), "", 1, 1
    message, comma, expected = match["message"].partition(", expected ")
    return message, f"expected {expected}" if comma else "", int(match["line"]), int(match["column"])


@rule("S004")
def too_large(maximum: int) -> Iterable[Violation]:
    """The file is larger than 1 MiB.

    No client could use an agent file of that size, so a larger source is a mistake: the wrong file, for example, or the
    output of a program that did not stop.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md (100000 times)
        Be honest.

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    message = f"the file is larger than {maximum:,} bytes"
    yield Violation(START, message, "split it, or remove what does not belong there")


@rule("S005")
def duplicate_key(text: str, error: Exception) -> Iterable[Violation]:
    """A key or table is defined twice.

    TOML forbids this, because it is unclear which of the two counts.

    Fails::

        name = "critic"
        description = "Reviews code."
        name = "critic"

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    message, _, line, column = _parts(error)
    if message != "duplicate key":
        return
    from kei_assembler.toml.positions import mentions

    keys = list(mentions(text))
    path = next((mention.path for mention in keys if mention.span[:2] == (line, column)), ())
    again = Span(line, column, line, column + 1)
    spans = [mention.span for mention in keys if path and mention.path == path and mention.defines] or [again]
    related = ((spans[0], "defined here first"),) if spans[0][:2] != again[:2] else ()
    name = f"`{path[-1]}`" if path else "this key"
    again = next((span for span in spans if span[:2] == again[:2]), again)
    yield Violation(again, f"{name} is defined twice", "keep one of the two", related)


@rule("S006")
def nested_too_deeply(where: KeyPath | Span) -> Iterable[Violation]:
    """Values are nested more than 64 levels deep.

    Neither a manifest nor the settings need that, and a client may fail to read the generated file.

    Fails::

        name = "critic"
        description = "Reviews code."

        [target.claude-code.hooks]
        a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1

    Passes::

        name = "critic"
        description = "Reviews code."
    """  # noqa: E501 - it takes that many levels
    yield Violation(where, f"the value is nested more than {MAX_NESTING} levels deep", "use fewer levels")


_RULE_OF = {"unreadable": unreadable, "not-utf8": not_utf8, "too-large": too_large, "too-deep": nested_too_deeply}
"""The rule for each kind of `ReadError`, except broken TOML, which has several."""


def check_source(source: Source) -> list[Diagnostic]:
    """Return the diagnostic that says why a file could not be read, if any."""
    if source.error is None:
        return []
    kind, detail = source.error
    if kind != "not-toml":
        return run_rule(_RULE_OF[kind], source, detail)
    if "recurs" in str(detail):
        return run_rule(nested_too_deeply, source, _deepest_span(source.text, detail))
    return run_rule(duplicate_key, source, source.text, detail) or run_rule(broken_toml, source, detail)


def _deepest_span(text: str, error: Exception) -> Span:
    # the parser reports no position for a dotted key or a table header that is too deep, so search for one
    _, _, line, column = _parts(error)
    dotted = _LONG_KEY.search(text)
    return span_of(text, *dotted.span()) if (line, column) == (1, 1) and dotted else Span(line, column, line, column)


_LONG_KEY = re.compile(rf"^(?:[^\n.]++\.){{{MAX_NESTING}}}[^\n=\]]*", re.MULTILINE)
