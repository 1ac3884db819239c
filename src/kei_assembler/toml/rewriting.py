"""Edits of TOML text at the positions of its keys and values. Everything else in the text stays as it is.

Each function returns the edits that make one change of a file's text, or none if the change is not possible: the text
is written in another way, or the place is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any

import rtoml

from kei_assembler import lazy_re
from kei_assembler.diagnostics import KeyPath, Span
from kei_assembler.toml.lists import Order, Part, Splice, rearranged
from kei_assembler.toml.source import Source
from kei_assembler.toml.statements import statements
from kei_assembler.toml.writer import entry, key_text, string_text, value_text
from kei_assembler.whitespace import SPACES, WHITESPACE

Splices = tuple[Splice, ...]
_PLAIN = lazy_re.compile(r"""[^"'\\\x00-\x1f\x7f]*""")
_QUOTED = lazy_re.compile(r"""(?P<quote>["'])[^"'\\\n]*(?P=quote)""")


def renamed(source: Source, path: KeyPath, key: str) -> Splices:
    """Return the edits that rename a key, wherever the text has it."""
    if _is_taken(source, (*path[:-1], key)):
        return ()
    spans = dict.fromkeys(each.span for each in source.mentions(str(path[0])) if each.path == path)
    return tuple(Splice(*_part(source, span), key_text(key)) for span in spans)


def replaced(source: Source, path: KeyPath, old: str, new: str) -> Splices:
    """Return the edit that replaces a string, or the only place in it that has the text `old`."""
    mention = source.mention(path)
    if mention is None or mention.value is None:
        return ()
    part = _part(source, mention.value)
    raw = source.text[part.start : part.end]
    if _value(raw) == old:
        match = _QUOTED.fullmatch(raw)
        quote = match["quote"] if match and _PLAIN.fullmatch(new) else ""
        return (Splice(*part, f"{quote}{new}{quote}" if quote else string_text(new)),)
    if raw.count(old) != 1 or not _PLAIN.fullmatch(new):
        return ()
    start = part.start + raw.index(old)
    return (Splice(start, start + len(old), new),)


def listed(source: Source, path: KeyPath, old: str, entries: Sequence[str]) -> Splices:
    """Return the edit that replaces a string with a list of strings."""
    mention = source.mention(path)
    if mention is None or mention.value is None:
        return ()
    part = _part(source, mention.value)
    raw = source.text[part.start : part.end]
    if _value(raw) != old:
        return ()
    match = _QUOTED.fullmatch(raw)
    quote = match["quote"] if match else ""
    texts = (f"{quote}{entry}{quote}" if quote else string_text(entry) for entry in entries)
    return (Splice(*part, f"[{', '.join(texts)}]"),)


def removed(source: Source, path: KeyPath) -> Splices:
    """Return the edit that removes an entry of a list."""
    return reordered(source, path[:-1], lambda count: [each for each in range(count) if each != path[-1]])


def reordered(source: Source, path: KeyPath, order: Order | Callable[[int], Order]) -> Splices:
    """Return the edit that gives a list these entries. `order` can be a function of the number of its entries."""
    mention = source.mention(path)
    if mention is None or mention.value is None:
        return ()
    members = [_part(source, span) for span in mention.members]
    wanted = order(len(members)) if callable(order) else order
    return rearranged(source.text, _part(source, mention.value), members, wanted)


def moved(source: Source, path: KeyPath, table: KeyPath, key: str) -> Splices:
    """Return the edits that move a key with its value and its comments to a table, under the name `key`.

    The table gets a header at the end of the file if it has none. `()` is the top of the file.
    """
    mention = source.mention(path)
    if mention is None or mention.whole is None or mention.value is None or _is_taken(source, (*table, key)):
        return ()
    line = _line(source, mention.span.line)
    end = _line_end(source.text, _part(source, mention.value).end)
    name = _part(source, mention.span)
    value = source.text[name.end : _part(source, mention.value).end]
    if not source.text[line : _part(source, mention.whole).start].strip(SPACES):
        above = _comments_above(source.text, line)
        gone: Splices = (_without_lines(source.text, above, end),)
        lines = f"{source.text[above:line]}{key_text(key)}{source.text[name.end : end]}"
    else:
        gone, lines = _without_member(source, path, mention.whole), f"{key_text(key)}{value}"
    place = placed(source, table, lines.removesuffix("\n")) if gone else ()
    if (
        place and table in _ends(source) and gone[0].start <= place[0].start <= gone[0].end
    ):  # it is at its place already
        return (gone[0]._replace(text=lines),)
    return (*gone, *place) if place else ()


def added(source: Source, table: KeyPath, key: str, value: Any) -> Splices:
    """Return the edit that adds a key with a value, on one line, to a table."""
    if _is_taken(source, (*table, key)):
        return ()
    return placed(source, table, f"{key_text(key)} = {value_text(value)}")


def with_value(source: Source, path: KeyPath, value: Any) -> Splices:
    """Return the edit that sets a key to a value, on one line: where the text has the key, or else as a new one."""
    mention = source.mention(path)
    if mention is None:
        return added(source, path[:-1], str(path[-1]), value)
    return (Splice(*_part(source, mention.value), value_text(value)),) if mention.value else ()


def same_value(source: Source, path: KeyPath) -> Splice | None:
    """Return the edit that leaves the value of a key or of an entry as it is written, or None if there is none."""
    part = value_part(source, path)
    return Splice(*part, source.text[part.start : part.end]) if part else None


def without_key(source: Source, path: KeyPath) -> Splices:
    """Return the edits that remove a key, or a table with its header, and a table that has no other key."""
    around = source.value(path[:-1])
    if len(path) > 1 and isinstance(around, Mapping) and len(around) == 1 and isinstance(path[-2], str):
        return without_key(source, path[:-1])
    if spans := statements(source, path):
        return tuple(Splice(start, end, "") for start, end in spans)
    mention = source.mention(path)
    return _without_member(source, path, mention.whole) if mention and mention.whole else ()


def with_table(source: Source, path: KeyPath, index: int, table: Mapping[str, Any]) -> Splices:
    """Return the edit that adds a table to a list of tables, after the one before `index`, if these have headers."""
    ends = _ends(source)
    if not (mention := source.mention(path)):
        begin = "" if not source.text or source.text.endswith("\n") else "\n"
        return (Splice(len(source.text), len(source.text), f"{begin}\n{entry(str(path[-1]), [table])}"),)
    lines = entry(str(path[-1]), [table])
    if index and (*path, index - 1) in ends:
        return placed(source, (*path, index - 1), f"\n{lines}".removesuffix("\n"))
    first = _line(source, mention.span.line)
    start = _comments_above(source.text, first)
    return (Splice(start, start, f"{lines}\n"),) if mention.is_header and not index else ()


def value_part(source: Source, path: KeyPath) -> Part | None:
    """Return where the value at a path is written, or None if it is a table with a header, or is not there."""
    mention = source.mention(path)
    return _part(source, mention.value) if mention and mention.value else None


OPERATIONS: Mapping[str, Callable[..., Splices]] = {
    function.__name__: function for function in (renamed, replaced, listed, removed, reordered, moved, added)
}
"""The functions that rules name."""


def _is_taken(source: Source, path: KeyPath) -> bool:
    return source.mention(path) is not None


def _part(source: Source, span: Span) -> Part:
    return Part(*source.offsets(span))


def _value(raw: str) -> object:
    try:
        return rtoml.loads(f"value = {raw}")["value"]
    except rtoml.TomlParsingError:
        return None


def _line(source: Source, number: int) -> int:
    return source.starts[number - 1]


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _lines_above(text: str, line: int) -> list[str]:
    return text[:line].split("\n")[-2::-1]


def _comments_above(text: str, line: int) -> int:
    """Return where the comments directly above a line begin."""
    comments = takewhile(lambda each: each.lstrip(SPACES).startswith("#"), _lines_above(text, line))
    return line - sum(len(each) + 1 for each in comments)


def _without_lines(text: str, start: int, end: int) -> Splice:
    """Return the edit that removes whole lines, and one of two blank lines that would meet then."""
    is_blank_above = any(not each.strip(SPACES) for each in _lines_above(text, start)[:1])
    below = text[end : _line_end(text, end)]
    if is_blank_above and not below.strip(WHITESPACE):
        start = text.rfind("\n", 0, start - 1) + 1
    return Splice(start, end, "")


def _without_member(source: Source, path: KeyPath, whole: Span) -> Splices:
    """Return the edit that removes a key from the inline table around it."""
    for length in range(len(path) - 1, 0, -1):
        mention = source.mention(path[:length])
        if mention and mention.value and whole in mention.members:
            members = [_part(source, span) for span in mention.members]
            others = [index for index, span in enumerate(mention.members) if span != whole]
            return rearranged(source.text, _part(source, mention.value), members, others)
    return ()


def placed(source: Source, table: KeyPath, lines: str) -> Splices:
    """Return the edit that adds lines to a table: after its last key, below its header, or with a new header."""
    text, ends = source.text, _ends(source)
    if table in ends:
        end = ends[table]
        is_whole = text[:end].endswith("\n")
        return (Splice(end, end, f"{lines}\n" if is_whole else f"\n{lines}"),)
    first = min((each.span.line for each in source.mentions() if each.is_header), default=0)
    if not table:
        header = _line(source, first) if first else len(text)
        above = _comments_above(text, header)
        start = above or header
        return (Splice(start, start, f"{lines}\n\n" if first else f"{lines}\n"),)
    around = {table[:length] for length in range(1, len(table) + 1)}
    if any(each.path in around for each in source.mentions() if not each.is_header):
        return ()  # a key defines the table, or one around it
    name = ".".join(key_text(str(step)) for step in table)
    begin = "" if not text or text.endswith("\n") else "\n"
    return (Splice(len(text), len(text), f"{begin}\n[{name}]\n{lines}\n"),)


def _ends(source: Source) -> dict[KeyPath, int]:
    """Return where the last key of each table with a header ends, with its line, or the header if it has no keys."""
    ends: dict[KeyPath, int] = {}
    current: KeyPath = ()
    for mention in source.mentions():
        if mention.is_header and mention.defines:
            current = mention.path
            ends[current] = _line_end(source.text, _part(source, mention.span).end)
        elif mention.whole and isinstance(mention.path[-1], str):
            end = _line_end(source.text, _part(source, mention.whole).end)
            ends[current] = max(ends.get(current, 0), end)
    return ends
