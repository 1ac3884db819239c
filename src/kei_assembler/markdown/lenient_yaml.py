"""Read front matter that people wrote, as leniently as the clients do.

The dialect is YAML 1.2 with its core schema. Only PyYAML's event parser is used: it reports positions and builds no
objects, so this module resolves scalars itself, limits the depth and refuses aliases. Text that is not YAML is read the
way Claude Code reads it, with quotes around values that seem to need them. If that fails too, it is read line by line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from textwrap import dedent
from typing import Any

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Span
from kei_assembler.records import NamedTuple
from kei_assembler.whitespace import WHITESPACE

# The maximum length of front matter, in characters: the limit that Claude Code has for untrusted files.
MAX_LENGTH = 64 * 1024
# The maximum nesting depth of front matter. A manifest nests the values some levels deeper.
MAX_DEPTH = 32

_MAX_DIGITS = 18
_START = Span(1, 1, 1, 1)


class LocatedValue(NamedTuple):
    """The value of a key, and the location of the key."""

    value: Any
    span: Span


class Recovery(NamedTuple):
    """Something that was read differently from how it is written: where, how, and whether text is left out."""

    span: Span
    message: str
    help: str = ""
    loses: bool = False


class FrontMatter(NamedTuple):
    """The values of front matter by key, and what had to be recovered to read them."""

    entries: Mapping[str, LocatedValue]
    recoveries: tuple[Recovery, ...] = ()


class InvalidYamlError(Exception):
    """The text is not YAML, from a location on."""

    def __init__(self, span: Span, message: str) -> None:
        super().__init__(message)
        self.span = span
        self.message = message


class RefusedYamlError(InvalidYamlError):
    """The text is YAML that is refused on purpose."""


def read(text: str, known: Collection[str]) -> FrontMatter:
    """Return the front matter in a text. If it is not YAML, each line that starts with a `known` key starts a value.

    Raises:
        RefusedYamlError: the text is too long, is nested too deeply, or uses aliases.
    """
    if len(text) > MAX_LENGTH:
        raise RefusedYamlError(_START, f"the front matter is longer than {MAX_LENGTH:,} characters")
    front, error = None, None
    try:
        front = _parse(text)
    except RefusedYamlError:
        raise
    except InvalidYamlError as invalid:
        error = invalid
    dialogue = _dialogue(text, known)
    if dialogue and (front is None or dialogue.key in front.entries):
        return _by_known_keys(text, error, known, dialogue.recovery)
    if front:
        return front
    # PyYAML rejects tabs between tokens, which YAML 1.2 allows
    spaced = try_parse(_without_tabs(text)) if "\t" in text else None
    return spaced or _quoted(text, error) or _by_known_keys(text, error, known)


_DESCRIPTION = "description"
_SPEAKER = lazy_re.compile(r"(?P<key>(?:user|assistant|human|context|commentary|example)s?)[ \t]*:", re.IGNORECASE)


class _Dialogue(NamedTuple):
    """The first line of an example in a description: what looks like a key, and how it was read."""

    key: str
    recovery: Recovery


def _dialogue(text: str, known: Collection[str]) -> _Dialogue | None:
    """The first line of an example in a description, such as `user: "…"`, that YAML takes for a key, or None."""
    is_description = False
    for number, line in enumerate(text.split("\n"), 1):
        speaker = _SPEAKER.match(line) if is_description else None
        if speaker and speaker["key"] not in known:
            where = Span(number, 1, number, speaker.end("key") + 1)
            message = f"`{speaker['key']}` and what follows were read as a part of the `{_DESCRIPTION}`"
            hint = "YAML takes this for a key: indent the lines of a long description"
            return _Dialogue(speaker["key"], Recovery(where, message, hint))
        if line.partition(":")[0] in known:
            is_description = line.startswith(f"{_DESCRIPTION}:")
    return None


def _parse(text: str) -> FrontMatter:
    composer = _Composer(text)
    if not isinstance(composer.compose(), dict):
        raise InvalidYamlError(_START, "it is a list or a single value, not keys with values")
    return FrontMatter(composer.entries, tuple(composer.recoveries))


def try_parse(text: str) -> FrontMatter | None:
    """Return the front matter in a text, or None if it is not YAML, or YAML that is refused."""
    try:
        return _parse(text)
    except InvalidYamlError:
        return None


def _quoted(text: str, error: InvalidYamlError | None) -> FrontMatter | None:
    front = try_parse(_with_indent_spaces("\n".join(map(_quoted_line, text.split("\n")))))
    if front is None or error is None:
        return None
    message = f"this is not valid YAML ({error.message}); it was read with unusual values quoted, and tabs as spaces"
    recovery = Recovery(error.span, message, "Claude Code reads it the same way, but other clients may reject the file")
    return front._replace(recoveries=(recovery, *front.recoveries))


def _without_tabs(text: str) -> str:
    """Replace tabs between tokens by spaces, and tabs in values by a stand-in. Tabs of an indent stay."""
    return _AFTER_INDENT.sub(lambda rest: rest[0].translate(_PROTECT_TAB), _SEPARATING_TABS.sub(" ", text))


def _with_indent_spaces(text: str) -> str:
    return _INDENT_TABS.sub(lambda tabs: "  " * len(tabs[0]), _without_tabs(text))


_SEPARATING_TABS = lazy_re.compile(r"(?<=[:,\[{?-])\t[\t ]*|(?<![\t ]) *\t[\t ]*(?=#|$)", re.MULTILINE)
_AFTER_INDENT = lazy_re.compile(r"[^ \t\n].*")
_INDENT_TABS = lazy_re.compile(r"^\t+", re.MULTILINE)
_PLAIN_LINE = lazy_re.compile(r"(?P<key>[a-zA-Z_-]+):\s+(?P<value>\S.*)")
_UNUSUAL = lazy_re.compile(r"[{}\[\]*&#!|>%@`]|: ")


def _quoted_line(line: str) -> str:
    """Quote the value of a line if it seems to need it, by Claude Code's rule."""
    match = _PLAIN_LINE.fullmatch(line)
    if match is None or not _UNUSUAL.search(match["value"]) or _is_quoted_or_list(match["value"]):
        return line
    escaped = match["value"].replace("\\", "\\\\").replace('"', '\\"')
    return f'{match["key"]}: "{escaped}"'


def _is_quoted_or_list(value: str) -> bool:
    if value[0] in "\"'" and value[-1] == value[0]:
        return True
    front = try_parse(f"list: {value}") if value[0] == "[" and value[-1] == "]" else None
    return front is not None and isinstance(front.entries["list"].value, list)


def _by_known_keys(
    text: str, error: InvalidYamlError | None, known: Collection[str], dialogue: Recovery | None = None
) -> FrontMatter:
    """A line that starts with a known key starts its value, which continues up to the next such line.

    So does any other key, but not after the description, whose text often has lines that look like keys.
    """
    lines, starts, last = text.split("\n"), [], ""
    for number, line in enumerate(lines):
        key = line.partition(":")[0] if ":" in line else ""
        if key in known or (last != _DESCRIPTION and _OTHER_KEY.match(line)):
            starts.append(number)
            last = key
    entries: dict[str, LocatedValue] = {}
    for start, end in pairwise([*starts, len(lines)]):
        key = lines[start].partition(":")[0]
        value = _value_of(key, "\n".join(lines[start:end]).rstrip(WHITESPACE))
        entries[key] = LocatedValue(value, Span(start + 1, 1, start + 1, len(key) + 1))
    if error is None:
        return FrontMatter(entries, tuple(filter(None, (dialogue,))))
    message = f"this is not valid YAML ({error.message}); it was read line by line, each key up to the next known key"
    recovery = Recovery(error.span, message, "clients do not load this agent: compare the manifest with the file", True)
    return FrontMatter(entries, tuple(filter(None, (recovery, dialogue))))


_OTHER_KEY = lazy_re.compile(r"[a-z][A-Za-z_-]*:(?:[ \t]|$)")


def _value_of(key: str, text: str) -> Any:
    """The value of a key with its lines: parsed if these lines alone are YAML, otherwise as text without quotes."""
    for front in (try_parse(text), try_parse(_with_indent_spaces(text))):
        if front and list(front.entries) == [key]:
            return front.entries[key].value
    return _unquoted(text[len(key) + 1 :].strip(WHITESPACE))


def _unquoted(text: str) -> str:
    """The text of a value without its indent, its block scalar indicator, and the quotes around it."""
    first, newline, rest = text.partition("\n")
    text = dedent(rest) if newline and _BLOCK_INDICATOR.fullmatch(first) else f"{first}{newline}{dedent(rest)}"
    quote, inner = text[:1], text[1:-1]
    if len(text) < len('""') or quote not in "\"'" or text[-1] != quote:
        return text
    # the quotes are part of the text if the first pair closes early, as in `"a" or "b"`
    if re.match(rf"[^{quote}]*[^ \t\n\\{quote}]{quote}[ \t\n.,;:!?)]", inner):
        return text
    if quote == "'":
        return inner.replace("''", "'")
    return _ESCAPE.sub(lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), inner)


_BLOCK_INDICATOR = lazy_re.compile(r"[|>][+-]?[1-9]?[+-]?[ \t]*")
_ESCAPE = lazy_re.compile(r"""\\([nt"\\/])""")


def as_text(value: Any) -> str:
    """Return any value as text. List items and keys are on lines of their own, and None is empty."""
    if isinstance(value, list):
        return "\n".join(map(as_text, value))
    if isinstance(value, dict):
        return "\n".join(f"{key}: {as_text(inner)}" for key, inner in value.items())
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).strip(WHITESPACE)


def by_lines(text: str, label: str) -> FrontMatter:
    """Return front matter as a client reads it that supports only lines of `key: value`, without YAML.

    `label` is the name of that client.
    """
    entries: dict[str, LocatedValue] = {}
    recoveries: list[Recovery] = []
    for number, line in enumerate(text.split("\n"), 1):
        key, colon, value = line.strip().partition(":")
        indent = len(line) - len(line.lstrip()) + 1
        if not line.strip() or key.startswith("#"):
            continue
        if colon and key.strip():
            span = Span(number, indent, number, indent + len(key))
            entries[key.strip().lower()] = LocatedValue(value.strip(), span)
        else:
            message = "this line was skipped, and others like it: it is not `key: value`"
            hint = f"{label} does not read YAML: write each value on the line of its key"
            recoveries.append(Recovery(Span(number, indent, number, len(line) + 1), message, hint, loses=True))
    return FrontMatter(entries, tuple(recoveries[:1]))


class _Composer:
    """Composes values from the parser's events."""

    def __init__(self, text: str) -> None:
        self.entries: dict[str, LocatedValue] = {}
        self.recoveries: list[Recovery] = []
        self._events = _events(text.translate(_PROTECT_BREAKS))
        self._anchors: set[str | None] = set()
        self._depth = 0

    def compose(self) -> Any:
        """Return the value of the first document. An empty document is a table without keys."""
        event = next(self._events)
        while type(event).__name__ in ("StreamStartEvent", "DocumentStartEvent"):
            event = next(self._events)
        root = None if type(event).__name__ == "StreamEndEvent" else self._value(event)
        for _ in self._events:  # finds errors in the rest
            pass
        return {} if root is None else root

    def _value(self, event: Any) -> Any:
        kind = type(event).__name__
        if kind == "AliasEvent":
            if event.anchor in self._anchors:
                raise RefusedYamlError(_span(event), "it uses an alias, and a few aliases can expand to gigabytes")
            raise InvalidYamlError(_span(event), f"the alias `*{event.anchor}` has no anchor")
        self._anchors.add(event.anchor)
        if event.tag and not _USUAL_TAG.fullmatch(event.tag):
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.recoveries.append(Recovery(_span(event), f"the tag `{shown}` was ignored", "put text in quotes"))
        if kind == "ScalarEvent":
            return _resolve(event)
        if kind == "MappingStartEvent":
            return self._table(event)
        return [self._value(item) for item in self._children(event, "SequenceEndEvent")]

    def _table(self, event: Any) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for key in self._children(event, "MappingEndEvent"):
            key_value = self._value(key)
            name = str(getattr(key, "value", key_value)).translate(_RESTORE)
            value = self._value(next(self._events))
            if name in table:
                message, hint = f"`{name}` is repeated; the last value is used", _REPEATED
                self.recoveries.append(Recovery(_span(key), message, hint, loses=True))
            if self._depth == 1:
                self.entries[name] = LocatedValue(value, _span(key))
            table[name] = value
        return table

    def _children(self, start: Any, end: str) -> Iterator[Any]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RefusedYamlError(_span(start), f"it is nested more than {MAX_DEPTH} levels deep")
        while type(event := next(self._events)).__name__ != end:
            yield event
        self._depth -= 1


_USUAL_TAG = lazy_re.compile("!|tag:yaml.org,2002:(?:str|seq|map)")
_REPEATED = "Claude Code does the same, but other clients do not load the agent"


def _events(text: str) -> Iterator[Any]:
    import yaml

    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise InvalidYamlError(Span(line, column, line, column + 1), str(error.problem or "broken")) from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise InvalidYamlError(Span(line, 1, line, 1), "a character that YAML does not allow") from error
    except (ValueError, OverflowError) as error:
        raise InvalidYamlError(_START, "an escape of a character that does not exist") from error


def _span(event: Any) -> Span:
    start, end = event.start_mark, event.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


# PyYAML implements YAML 1.1, which takes some characters for line breaks that are plain characters in YAML 1.2. These
# and tabs are replaced by private characters while it parses.
_STAND_INS = {"\x85": "\U0010fffa", "\u2028": "\U0010fffb", "\u2029": "\U0010fffc", "\t": "\U0010fffd"}
_PROTECT_TAB = str.maketrans("\t", _STAND_INS["\t"])
_PROTECT_BREAKS = str.maketrans({character: _STAND_INS[character] for character in "\x85\u2028\u2029"})
_RESTORE = str.maketrans({stand_in: character for character, stand_in in _STAND_INS.items()})
_INTEGER = lazy_re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = lazy_re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)")
_NAMED = {"null": None, "true": True, "false": False}
_WORDS = {form(word): value for word, value in _NAMED.items() for form in (str, str.title, str.upper)}
_WORDS |= {"": None, "~": None}


def _resolve(event: Any) -> Any:
    """The value of a scalar by the core schema (YAML 1.2.2, 10.3). A quoted or tagged scalar is text."""
    # escapes can spell the halves of a surrogate pair: join pairs, replace single halves
    text = event.value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").translate(_RESTORE)
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= _MAX_DIGITS and _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    is_float = len(text) <= _MAX_DIGITS and _FLOAT.fullmatch(text)
    return float(text.lower().replace(".inf", "inf")) if is_float else text
