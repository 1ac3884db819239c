"""One file's text: how its bytes are read, what its TOML says, and where in it each value stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import rtoml

from kei_assembler.diagnostics import Diagnostic, Finding, KeyPath, Place, Related, Rule, Span, rule

BYTES_MOST = 1024 * 1024
"""The bound on the size of a manifest, a block, a template or a settings file, in bytes."""

START = Span(1, 1, 1, 1)
_BOM = "\ufeff"


class Source:
    """A text file of the kit: `file` relative to the kit, `text` with LF and no BOM, `data` its parsed TOML."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.data: dict[str, Any] = {}
        self._spans: dict[KeyPath, Span] | None = None

    def locate(self, path: KeyPath) -> Span:
        """Return where the key or list item at `path` stands, or else the nearest thing around it that does."""
        if self._spans is None:
            self._spans = _first_mentions(self.text)
        while path and path not in self._spans:
            path = path[:-1]
        return self._spans.get(path, START)

    def within(self, path: KeyPath, value: str, start: int, end: int) -> Span:
        """Return where the stretch `value[start:end]` of the string at `path` stands, or else where `path` does.

        The source may spell a value with escapes, so this looks for the same text, as often repeated as there.
        """
        anchor, stretch = self.locate(path), value[start:end]
        at = _offset(self.text, anchor) - 1
        for _ in range(value.count(stretch, 0, start) + 1):
            at = self.text.find(stretch, at + 1)
            if at < 0:
                return anchor
        return span_of(self.text, at, at + len(stretch))

    def place(self, where: KeyPath | Span) -> Place:
        """Return the place of a key path or a span, with the line that it starts on."""
        span = where if isinstance(where, Span) else self.locate(where)
        lines = self.text.split("\n")
        return Place(self.file, span, lines[span.line - 1] if span != START else None)

    def diagnose(self, rule: Rule, findings: Iterable[Finding]) -> list[Diagnostic]:
        """Return what a rule found in this file as diagnostics with their places."""
        return [
            Diagnostic(
                self.place(finding.where),
                rule.code,
                rule.severity,
                finding.message,
                finding.help,
                tuple(Related(self.place(where), message) for where, message in finding.related),
            )
            for finding in findings
        ]

    def run(self, rule: Rule, *subject: Any) -> list[Diagnostic]:
        """Return what the rule has to say about the subject, placed in this file."""
        return self.diagnose(rule, rule(*subject))


def span_of(text: str, start: int, end: int) -> Span:
    """Return the span between two offsets of a text."""
    return Span(*_position(text, start), *_position(text, end))


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _offset(text: str, span: Span) -> int:
    lines = text.split("\n")
    return sum(len(line) + 1 for line in lines[: span.line - 1]) + span.column - 1


def _first_mentions(text: str) -> dict[KeyPath, Span]:
    from kei_assembler.places import mentions

    spans: dict[KeyPath, Span] = {}
    for mention in mentions(text):
        spans.setdefault(mention.path, mention.span)
    return spans


def read_text(file: str, raw: bytes) -> tuple[Source, list[Diagnostic]]:
    """Return the file's text, and what is wrong with its bytes: then the text is only good for showing the place."""
    if len(raw) > BYTES_MOST:
        source = Source(file, "")
        return source, source.run(too_large)
    source = Source(file, raw.decode(errors="replace").removeprefix(_BOM).replace("\r\n", "\n"))
    return source, source.run(not_utf8, raw)


def read_toml(file: str, raw: bytes) -> tuple[Source, list[Diagnostic]]:
    """Return the file with its parsed TOML (version 1.1), and what keeps it from being read."""
    source, problems = read_text(file, raw)
    if problems:
        return source, problems
    try:
        source.data = rtoml.loads(source.text)
    except rtoml.TomlParsingError as error:
        return source, source.run(duplicate_key, source.text, error) or source.run(broken_toml, error)
    return source, []


@rule("S002")
def not_utf8(raw: bytes) -> Iterable[Finding]:
    """The file is not UTF-8 text.

    Manifests, blocks, templates and settings are UTF-8. A file that an editor saved as UTF-16 or in a code page
    of its system has bytes that mean nothing in UTF-8, and a NUL byte belongs into no text.

    Fails::

        # agents/critic.toml (latin-1)
        name = "critic"
        description = "Prüft Code."

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Prüft Code."
    """
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield Finding(START, "this is UTF-16, not UTF-8", "save the file as UTF-8")
        return
    at = raw.find(b"\0")
    message, hint = "a NUL byte", "remove it; or save the file as UTF-8, if it is UTF-16"
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        if at < 0 or error.start < at:
            at, message, hint = error.start, f"byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as UTF-8"
    if at >= 0:
        yield Finding(_span_of_byte(raw, at), message, hint)


def _span_of_byte(raw: bytes, at: int) -> Span:
    before = raw[:at].decode().removeprefix(_BOM)
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return Span(line, column, line, column + 1)


@rule("S003")
def broken_toml(error: Exception) -> Iterable[Finding]:
    """The file is not valid TOML.

    Nothing can be said about the keys of a file whose grammar is broken, so this is the only finding about it.

    Fails::

        name = "critic
        description = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    message, hint, line, column = _parts(error)
    yield Finding(Span(line, column, line, column + 1), message, hint)


_RTOML_MESSAGE = re.compile(
    r"(?P<message>.*?)(?:, (?P<help>expected .*))? at line (?P<line>\d+) column (?P<column>\d+)"
)


def _parts(error: Exception) -> tuple[str, str, int, int]:
    match = _RTOML_MESSAGE.fullmatch(str(error))
    if match is None:  # a limit of the reader's own, which has no place
        return str(error), "", 1, 1
    return match["message"], match["help"] or "", int(match["line"]), int(match["column"])


@rule("S004")
def too_large() -> Iterable[Finding]:
    """The file is larger than 1 MiB.

    An agent file of that size is of no use to any tool, so a larger source is a mistake: a wrong file, or one
    that was written by a program that ran away.

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
    message = f"the file is larger than {BYTES_MOST:,} bytes"
    yield Finding(START, message, "split it, or remove what does not belong")


@rule("S005")
def duplicate_key(text: str, error: Exception) -> Iterable[Finding]:
    """A key or table is defined twice.

    TOML forbids it, and nobody can tell which of the two was meant.

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
    from kei_assembler.places import mentions

    named = mentions(text)
    path = next((mention.path for mention in named if mention.span[:2] == (line, column)), ())
    again = Span(line, column, line, column + 1)
    spans = [mention.span for mention in named if path and mention.path == path and mention.defines] or [again]
    related = ((spans[0], "defined here first"),) if spans[0][:2] != again[:2] else ()
    name = f"`{path[-1]}`" if path else "this key"
    again = next((span for span in spans if span[:2] == again[:2]), again)
    yield Finding(again, f"{name} is defined twice", "keep one of the two", related)


RULES = (not_utf8, broken_toml, too_large, duplicate_key)
