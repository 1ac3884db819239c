"""Rules about files that cannot be read or decoded, or are nested too deeply."""

from __future__ import annotations

import errno
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

    Manifests, blocks, role files, templates and settings must be UTF-8. A file that an editor saved in another
    encoding, such as UTF-16 or a Windows code page, contains bytes that are invalid in UTF-8. NUL bytes are not allowed
    either.

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
"""The rule for each kind of `ReadError`, except broken TOML: see `syntax`."""


def check_source(source: Source) -> list[Diagnostic]:
    """Return the diagnostic that says why a file could not be read, if any."""
    if source.error is None:
        return []
    kind, detail = source.error
    if kind == "not-toml":
        # This module looks for the cause, which most runs do not need.
        from kei_assembler.rules.syntax import check_syntax

        return check_syntax(source, detail)
    return run_rule(_RULE_OF[kind], source, detail)
