"""Front matter as people write it, read as leniently as the AI tools do.

YAML 1.2 with its core schema, by PyYAML's parser of events: that has places, builds no objects, and leaves it to this
room to know numbers, to stop at depth and to refuse aliases. What is no YAML is read as Claude Code does, which puts
into quotes what looks like it needs them; and then, as no tool does any more, line by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING, Any, NamedTuple

from kei_assembler.diagnostics import Span

if TYPE_CHECKING:
    from yaml.events import Event, ScalarEvent

FRONT_MOST = 64 * 1024
"""The bound on the length of front matter, in characters: Claude Code's own for what it does not trust."""

DEPTH_MOST = 32
"""The bound on how deeply the values of front matter are nested: a manifest holds them some levels deeper."""

_DIGITS_MOST = 18


class Entry(NamedTuple):
    """The value of one key, and where the key stands."""

    value: Any
    span: Span


class Guess(NamedTuple):
    """What was read otherwise than it stands there: where, and how."""

    span: Span
    message: str
    help: str = ""


class Reading(NamedTuple):
    """The entries of front matter by their keys, and what was guessed."""

    entries: Mapping[str, Entry]
    guesses: tuple[Guess, ...] = ()


class NotYaml(Exception):
    """The text is not what YAML allows, from a place on."""

    def __init__(self, span: Span, message: str) -> None:
        super().__init__(message)
        self.span = span
        self.message = message


class Refused(NotYaml):
    """The text is YAML, but of a kind that is not read on purpose."""


def read(text: str, known: Collection[str]) -> Reading:
    """Return what front matter says. `known` are the keys that a line must begin with where nothing else helps.

    Raises Refused for what is too long, too deep, or uses aliases.
    """
    if len(text) > FRONT_MOST:
        raise Refused(Span(1, 1, 1, 1), f"the front matter is longer than {FRONT_MOST:,} characters")
    try:
        return _parsed(text)
    except Refused:
        raise
    except NotYaml as error:
        return _spaced(text) or _mended(text, error) or _by_known_keys(text, error, known)


def _spaced(text: str) -> Reading | None:
    """What YAML says with tabs between and inside of its tokens, which the parser does not take."""
    if "\t" not in text:
        return None
    try:
        return _parsed(_without_tabs(text))
    except NotYaml:
        return None


def _mended(text: str, why: NotYaml) -> Reading | None:
    mended = _indented("\n".join(map(_quoted_line, text.split("\n"))))
    try:
        reading = _parsed(mended)
    except NotYaml:
        return None
    guess = Guess(why.span, f"this is no YAML ({why.message}); {_HOW}", _QUOTE_IT)
    return Reading(reading.entries, (guess, *reading.guesses))


def _without_tabs(text: str) -> str:
    """Tabs that set off are spaces, those inside of a text are kept by another character; indents stay."""
    lines = _SETTING_OFF.sub(" ", text).split("\n")
    indents = (line[: len(line) - len(line.lstrip())] for line in lines)
    return "\n".join(indent + line[len(indent) :].translate(_TAB) for line, indent in zip(lines, indents, strict=True))


def _indented(text: str) -> str:
    """As `_without_tabs`, and each tab of an indent is two spaces."""
    return _TABS.sub(lambda tabs: "  " * len(tabs[0]), _without_tabs(text))


_SETTING_OFF = re.compile(r"(?<=[:,\[{?-])\t[\t ]*|[\t ]*\t[\t ]*(?=#|$)", re.MULTILINE)


_HOW = "read as if odd values were in quotes, and tabs were spaces"
_QUOTE_IT = "Claude Code does so too; other AI tools may not load the agent"
_TABS = re.compile(r"^\t+", re.MULTILINE)
_PLAIN_LINE = re.compile(r"(?P<key>[a-zA-Z_-]+):\s+(?P<value>\S.*)")
_LOOKS_ODD = re.compile(r"[{}\[\]*&#!|>%@`]|: ")


def _quoted_line(line: str) -> str:
    """A line with its value in quotes if that looks like it needs them, by the rule of Claude Code."""
    match = _PLAIN_LINE.fullmatch(line)
    if match is None or not _LOOKS_ODD.search(match["value"]) or _is_closed(match["value"]):
        return line
    escaped = match["value"].replace("\\", "\\\\").replace('"', '\\"')
    return f'{match["key"]}: "{escaped}"'


def _is_closed(value: str) -> bool:
    if value[0] in "\"'" and value[-1] == value[0]:
        return True
    return value.startswith("[") and value.endswith("]") and isinstance(_attempt(value), list)


def _by_known_keys(text: str, why: NotYaml, known: Collection[str]) -> Reading:
    """Each line that begins with a known key begins its value, which goes on until the next such line."""
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if _key_of(line) in known]
    entries: dict[str, Entry] = {}
    for start, end in pairwise([*starts, len(lines)]):
        key = _key_of(lines[start])
        stretch = "\n".join(lines[start:end]).rstrip()
        span = Span(start + 1, 1, start + 1, len(key) + 1)
        entries[key] = Entry(_lone_value(key, stretch), span)
    message = f"this is no YAML ({why.message}); read line by line, each key up to the next one that is known"
    return Reading(entries, (Guess(why.span, message, "AI tools do not load this agent: compare what was made of it"),))


def _key_of(line: str) -> str:
    return line.partition(":")[0] if ":" in line else ""


def _lone_value(key: str, stretch: str) -> Any:
    """The value of one key and its lines: as YAML if they alone are, else the text as it stands, without quotes."""
    for whole in (_attempt(stretch), _attempt(_indented(stretch))):
        if isinstance(whole, dict) and list(whole) == [key]:
            return whole[key]
    return _as_it_stands(stretch[len(key) + 1 :].strip())


def _as_it_stands(text: str) -> str:
    """The text of a value without its indent, and without the marks that it is in quotes or stands below its key."""
    first, newline, rest = text.partition("\n")
    text = dedent(rest) if newline and _BELOW.fullmatch(first) else f"{first}{newline}{dedent(rest)}"
    quote = text[:1]
    if len(text) < len('""') or quote not in "\"'" or text[-1] != quote or _closes_early(text, quote):
        return text
    return _ESCAPED.sub(_unescaped, text[1:-1]) if quote == '"' else text[1:-1].replace("''", "'")


def _closes_early(text: str, quote: str) -> bool:
    """Whether the quotes are about a part of the text: `"a" or "b"`."""
    return re.match(rf"[^{quote}]*[^\s\\{quote}]{quote}[\s.,;:!?)]", text[1:-1]) is not None


def _unescaped(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t"}.get(match[1], match[1])


_BELOW = re.compile(r"[|>][+-]?[1-9]?[+-]?[ \t]*")
_ESCAPED = re.compile(r"""\\([nt"\\/])""")


def _attempt(text: str) -> Any:
    try:
        return _Builder(text).document().value
    except NotYaml:
        return None


def _parsed(text: str) -> Reading:
    builder = _Builder(text)
    root = builder.document()
    if not isinstance(root.value, dict):
        raise NotYaml(Span(1, 1, 1, 1), "it is a list or a single value, not keys with values")
    return Reading(builder.top, tuple(builder.guesses))


def as_text(value: Any) -> str:
    """Return a value as text, whatever it is: entries and keys stand on lines of their own. Nothing is empty."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return "\n".join(map(as_text, value))
        case dict():
            return "\n".join(f"{key}: {as_text(inner)}" for key, inner in value.items())
        case _:
            return str(value).strip()


def by_lines(text: str, label: str) -> Reading:
    """Return what a reader of lines finds: on each a key, and after the colon its value as it stands.

    `label` names the AI tool that reads so.
    """
    entries: dict[str, Entry] = {}
    others = []
    for number, line in enumerate(text.split("\n"), 1):
        key, colon, value = line.strip().partition(":")
        indent = len(line) - len(line.lstrip()) + 1
        if colon and key.strip() and not key.startswith("#"):
            entries[key.strip().lower()] = Entry(value.strip(), Span(number, indent, number, indent + len(key)))
        elif line.strip() and not key.startswith("#"):
            others.append(Span(number, indent, number, len(line) + 1))
    return Reading(entries, tuple(Guess(span, _NO_KEY, f"{label} {_ONE_LINE}") for span in others[:1]))


_NO_KEY = "this line, and what is like it, was passed over: it is not `key: value`"
_ONE_LINE = "reads no YAML: each value stands on the line of its key"


class _Builder:
    """Makes values out of the parser's events."""

    def __init__(self, text: str) -> None:
        self.top: dict[str, Entry] = {}
        self.guesses: list[Guess] = []
        self._events = _events(text.translate(_OUT))
        self._anchors: set[str] = set()
        self._depth = 0

    def document(self) -> Entry:
        """The first document's value. An empty one is a table without keys."""
        event = next(self._events)
        while type(event).__name__ in ("StreamStartEvent", "DocumentStartEvent"):
            event = next(self._events)
        root = Entry({}, _span(event)) if type(event).__name__ == "StreamEndEvent" else self._value(event)
        for _ in self._events:
            pass
        return Entry({}, root.span) if root.value is None else root

    def _value(self, event: Event) -> Entry:
        make = self._MAKERS[type(event).__name__]
        anchor = getattr(event, "anchor", None)
        if anchor and make is not _Builder._alias:
            self._anchors.add(anchor)
        self._note_tag(event)
        return Entry(make(self, event), _span(event))

    def _note_tag(self, event: Any) -> None:
        tag = getattr(event, "tag", None)
        if tag and not _USUAL_TAG.fullmatch(tag):
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            self.guesses.append(Guess(_span(event), f"the tag `{shown}` was passed over", _TAG))

    def _alias(self, event: Any) -> Any:
        if event.anchor in self._anchors:
            raise Refused(_span(event), "it uses an alias, of which a few can stand for gigabytes")
        raise NotYaml(_span(event), f"an alias of nothing, `*{event.anchor}`")

    def _scalar(self, event: Any) -> Any:
        return _resolved(event)

    def _list(self, event: Any) -> list[Any]:
        self._deepen(event)
        items = [self._value(inner).value for inner in self._until("SequenceEndEvent")]
        self._depth -= 1
        return items

    def _table(self, event: Any) -> dict[str, Any]:
        self._deepen(event)
        table: dict[str, Any] = {}
        for inner in self._until("MappingEndEvent"):
            key = self._value(inner)
            name = str(getattr(inner, "value", key.value)).translate(_BACK)
            value = self._value(next(self._events)).value
            self._note(name, value, key.span, name in table)
            table[name] = value
        self._depth -= 1
        return table

    def _note(self, name: str, value: Any, span: Span, again: bool) -> None:
        if again:
            self.guesses.append(Guess(span, f"`{name}` stands here again; the last one holds", _TWICE))
        if self._depth == 1:
            self.top[name] = Entry(value, span)

    def _deepen(self, event: Event) -> None:
        self._depth += 1
        if self._depth > DEPTH_MOST:
            raise Refused(_span(event), f"it is nested more than {DEPTH_MOST} levels deep")

    def _until(self, last: str) -> Iterator[Event]:
        while type(event := next(self._events)).__name__ != last:
            yield event

    _MAKERS: Mapping[str, Callable[[_Builder, Any], Any]] = {
        "AliasEvent": _alias,
        "ScalarEvent": _scalar,
        "SequenceStartEvent": _list,
        "MappingStartEvent": _table,
    }


_USUAL_TAG = re.compile("!|tag:yaml.org,2002:(?:str|seq|map)")
_TAG = "what is text belongs in quotes"
_TWICE = "so it does in Claude Code; other AI tools do not load the agent"


def _events(text: str) -> Iterator[Event]:
    import yaml

    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise NotYaml(Span(line, column, line, column + 1), str(error.problem or "broken")) from error
    except yaml.reader.ReaderError as error:
        at = text[: error.position].count("\n") + 1
        raise NotYaml(Span(at, 1, at, 1), "a character that YAML does not allow") from error
    except (ValueError, OverflowError) as error:
        raise NotYaml(Span(1, 1, 1, 1), "an escape of a character that there is not") from error


def _span(event: Event) -> Span:
    start, end = event.start_mark, event.end_mark
    assert start
    assert end
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


_STAND_INS = {"\x85": "\U0010fffa", "\u2028": "\U0010fffb", "\u2029": "\U0010fffc", "\t": "\U0010fffd"}
"""Characters that the parser, being one of YAML 1.1, takes for line breaks, and tabs."""

_TAB = str.maketrans("\t", _STAND_INS["\t"])
_OUT = str.maketrans({break_: stand_in for break_, stand_in in _STAND_INS.items() if break_ != "\t"})
_BACK = str.maketrans({stand_in: character for character, stand_in in _STAND_INS.items()})
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def _resolved(event: ScalarEvent) -> Any:
    """A scalar's value by the core schema (YAML 1.2.2, 10.3); only a plain one without a tag is other than text."""
    text = _without_surrogates(event.value)
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) <= _DIGITS_MOST:
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    is_float = _FLOAT.fullmatch(text) and len(text) <= _DIGITS_MOST
    return float(text.lower().replace(".inf", "inf")) if is_float else text


def _without_surrogates(text: str) -> str:
    """Escapes can spell halves of a character: those that belong together are one, a lone one is a sign of that."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").translate(_BACK)
