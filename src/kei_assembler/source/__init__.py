"""One file's text: how its bytes are read, what its TOML says, and where in it each value stands."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from functools import cached_property
from itertools import islice
from typing import Any

import rtoml

from kei_assembler.diagnostics import Diagnostic, Finding, KeyPath, Place, Related, Rule, Span, rule

BYTES_MOST = 1024 * 1024
"""The bound on the size of a manifest, a block, a template or a settings file, in bytes."""

NESTING_MOST = 64
"""The bound on how deeply the values of a manifest or of settings are nested."""

FINDINGS_MOST = 100
"""After so many findings of one rule in one file, the rest is only mentioned."""

START = Span(1, 1, 1, 1)
_SPELLING = frozenset("uUxebfr")
_STRETCH_MOST = 100
_MESSAGE_MOST = 500
_MENTIONS_MOST = 100_000


class Source:
    """A text file of the kit: `file` relative to the kit, `text` with LF and no BOM, `data` its parsed TOML."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.data: dict[str, Any] = {}
        self._spans: dict[KeyPath, Span] | None = None

    @cached_property
    def spells(self) -> bool:
        """Whether the text, as TOML, may spell characters that do not stand in it, by escapes."""
        return any(part[:1] in _SPELLING for part in self.text.split("\\")[1:] if part)

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    def locate(self, path: KeyPath) -> Span:
        """Return where the key or list item at `path` stands, or else the nearest thing around it that does."""
        if not path:
            return START
        if self._spans is None:
            self._spans = _first_mentions(self.text)
        while path and path not in self._spans:
            path = path[:-1]
        return self._spans.get(path, START)

    def within(self, path: KeyPath, value: str, start: int, end: int) -> Span:
        """Return where the stretch `value[start:end]` of the string at `path` stands, or else where `path` does.

        This looks for the same text, as often repeated as there, as it is or spelled with TOML's escapes.
        """
        anchor, stretch = self.locate(path), value[start : min(end, start + _STRETCH_MOST)]
        pattern = re.compile("".join(map(_spellings, stretch)))
        found = pattern.finditer(self.text, self._offset(anchor))
        match = next(islice(found, value.count(stretch, 0, start), None), None)
        rest = end - start - len(stretch)
        return span_of(self.text, match.start(), min(match.end() + rest, len(self.text))) if match else anchor

    def _offset(self, span: Span) -> int:
        return sum(len(line) + 1 for line in self._lines[: span.line - 1]) + span.column - 1

    def place(self, where: KeyPath | Span | Place) -> Place:
        """Return the place of a key path or a span, with the line that it starts on; one of another file as it is."""
        if isinstance(where, Place):
            return where
        span = where if isinstance(where, Span) else self.locate(where)
        return Place(self.file, span, self._lines[span.line - 1] if span != START else None)

    def diagnose(self, rule: Rule, findings: Iterable[Finding]) -> list[Diagnostic]:
        """Return what a rule found in this file as diagnostics with their places."""
        return [
            Diagnostic(
                self.place(finding.where),
                rule.code,
                rule.severity,
                _cropped(finding.message),
                _cropped(finding.help),
                tuple(Related(self.place(where), message) for where, message in finding.related),
            )
            for finding in _bounded(list(findings))
        ]

    def run(self, rule: Rule, *subject: Any) -> list[Diagnostic]:
        """Return what the rule has to say about the subject, placed in this file."""
        found = first_findings(rule, *subject)
        return self.diagnose(rule, found) if found else []


def _cropped(text: str) -> str:
    """What quotes a user's text may quote a megabyte."""
    return text if len(text) <= _MESSAGE_MOST else f"{text[:_MESSAGE_MOST]}…"


def span_of(text: str, start: int, end: int) -> Span:
    """Return the span between two offsets of a text."""
    return Span(*_position(text, start), *_position(text, end))


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


_SHORT_ESCAPES = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r", "\x1b": "e", '"': '"', "\\": "\\"}


def _spellings(character: str) -> str:
    """The pattern of all ways to write a character in a TOML string (1.1, String)."""
    code = ord(character)
    escapes = [f"u(?i:{code:04x})", f"U(?i:{code:08x})", f"x(?i:{code:02x})"]
    if character in _SHORT_ESCAPES:
        escapes.append(re.escape(_SHORT_ESCAPES[character]))
    return rf"(?:{re.escape(character)}|\\(?:{'|'.join(escapes)}))"


def first_findings(rule: Rule, *subject: Any) -> list[Finding]:
    """Return what a rule has to say about the subject; of what is too much to tell, one more than is told."""
    return list(islice(rule.check(*subject), FINDINGS_MOST + 1))


def _bounded(first: list[Finding]) -> list[Finding]:
    """The first findings of a rule; a file that is wrong all over is not worth a line, and the time, for each place."""
    if len(first) > FINDINGS_MOST:
        first[-1] = Finding(first[-1].where, f"and more like these {FINDINGS_MOST}, from here on")
    return first


def _first_mentions(text: str) -> dict[KeyPath, Span]:
    from kei_assembler.source.places import mentions

    spans: dict[KeyPath, Span] = {}
    for mention in islice(mentions(text), _MENTIONS_MOST):
        spans.setdefault(mention.path, mention.span)
    return spans


def read_text(file: str, raw: bytes) -> tuple[Source, list[Diagnostic]]:
    """Return the file's text, and what is wrong with its bytes: then the text is only good for showing the place."""
    if len(raw) > BYTES_MOST:
        source = Source(file, "")
        return source, source.run(too_large)
    plain = with_lf(raw.removeprefix(BOM_UTF8))
    try:
        text, is_text = plain.decode(), b"\0" not in raw
    except UnicodeDecodeError:
        text, is_text = plain.decode(errors="replace"), False
    source = Source(file, text)
    return source, [] if is_text else source.run(not_utf8, raw)


def with_lf(content: bytes) -> bytes:
    """Return the bytes of a text with LF line ends; most have them already, which is quicker to tell by CR alone."""
    return content.replace(b"\r\n", b"\n") if b"\r" in content else content


def read_toml(file: str, raw: bytes) -> tuple[Source, list[Diagnostic]]:
    """Return the file with its parsed TOML (version 1.1), and what keeps it from being read."""
    source, problems = read_text(file, raw)
    if problems:
        return source, problems
    try:
        source.data = rtoml.loads(source.text)
    except rtoml.TomlParsingError as error:
        return source, _why_broken(source, error)
    path = _too_deep(source.data, ()) if _depth(source.data) > NESTING_MOST else None
    return source, source.run(nested_too_deeply, path) if path else []


def _why_broken(source: Source, error: Exception) -> list[Diagnostic]:
    if "recurs" in str(error):
        return source.run(nested_too_deeply, _place_of_depth(source.text, error))
    return source.run(duplicate_key, source.text, error) or source.run(broken_toml, error)


def _place_of_depth(text: str, error: Exception) -> Span:
    """Where the reader gave up; it does not say so of a dotted key or a table's header."""
    _, _, line, column = _parts(error)
    dotted = _LONG_KEY.search(text)
    return span_of(text, *dotted.span()) if (line, column) == (1, 1) and dotted else Span(line, column, line, column)


_LONG_KEY = re.compile(rf"^(?:[^\n.]++\.){{{NESTING_MOST}}}[^\n=\]]*", re.MULTILINE)


def _depth(data: dict[str, Any]) -> int:
    """How many tables and lists are inside of each other at most."""
    depth, level = 0, [data]
    while level:
        depth += 1
        level = [
            value
            for outer in level
            for value in (outer.values() if isinstance(outer, dict) else outer)
            if type(value) in _CONTAINERS
        ]
    return depth


_CONTAINERS = (dict, list)


def _too_deep(value: Any, path: KeyPath) -> KeyPath | None:
    """The path of the first value that is nested too deeply."""
    if len(path) > NESTING_MOST:
        return path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    deeper = (_too_deep(inner, (*path, key)) for key, inner in items if isinstance(inner, dict | list))
    return next(filter(None, deeper), None)


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
    for mark, encoding in _MARKS.items():
        if raw.startswith(mark):
            yield Finding(START, f"this is {encoding}, not UTF-8", "save the file as UTF-8")
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


_MARKS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def _span_of_byte(raw: bytes, at: int) -> Span:
    before = raw[:at].removeprefix(BOM_UTF8).decode()
    line, column = _position(before, len(before))
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
    from kei_assembler.source.places import mentions

    named = list(mentions(text))
    path = next((mention.path for mention in named if mention.span[:2] == (line, column)), ())
    again = Span(line, column, line, column + 1)
    spans = [mention.span for mention in named if path and mention.path == path and mention.defines] or [again]
    related = ((spans[0], "defined here first"),) if spans[0][:2] != again[:2] else ()
    name = f"`{path[-1]}`" if path else "this key"
    again = next((span for span in spans if span[:2] == again[:2]), again)
    yield Finding(again, f"{name} is defined twice", "keep one of the two", related)


@rule("S006")
def nested_too_deeply(where: KeyPath | Span) -> Iterable[Finding]:
    """Values are nested more than 64 levels deep.

    Nothing in a manifest or in the settings needs that, and what reads the generated file may not bear it.

    Fails::

        name = "critic"
        description = "Reviews code."

        [target.claude-code.hooks]
        a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1

    Passes::

        name = "critic"
        description = "Reviews code."
    """  # noqa: E501 - it takes that many levels
    yield Finding(where, f"this is nested more than {NESTING_MOST} levels deep", "nest less")


RULES = (not_utf8, broken_toml, too_large, duplicate_key, nested_too_deeply)
