"""Front matter of raw scalars: a value is the text after its key, without escapes and without outer quotes.

This is how pi-subagents reads agent files (`parseFrontmatter` in its `frontmatter.ts`). A value can also be a block:
indented lines below its key, a list of `- item`, or a text after `|` or `>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import dedent

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Span
from kei_assembler.markdown.front_matter import Value, needs_quotes, quoted
from kei_assembler.markdown.lenient_yaml import FrontMatter, LocatedValue, Recovery, by_lines
from kei_assembler.whitespace import collapse_whitespace

_KEY = lazy_re.compile(r"(?P<key>[A-Za-z0-9_-]+):\s*(?P<value>.*)")
_LITERAL, _FOLDED = ("|", "|-"), (">", ">-")
_ITEM = lazy_re.compile(r"-\s+(\S.*)")


def raw_front_matter(entries: Iterable[tuple[str, Value]]) -> str:
    """Return the front matter with both `---` lines. It is YAML, too, unless a text has both kinds of quotes."""
    lines = (f"{key}: {_scalar(value)}".rstrip(" ") + "\n" for key, value in entries)
    return f"---\n{''.join(lines)}---\n"


def _scalar(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    is_list = isinstance(value, list | tuple)
    text = collapse_whitespace(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))
    if (is_list and not text) or not needs_quotes(text):
        return text
    if quoted(text) == f'"{text}"':
        return quoted(text)
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    return f'"{text}"' if _changes(text) else text


def _changes(text: str) -> bool:
    """Whether the client reads another value from the text as it is."""
    return text in ("", *_LITERAL, *_FOLDED) or text != text.strip() or _unquoted(text) != text


def _unquoted(text: str) -> str:
    return text[1:-1] if text[:1] in ("'", '"') and text.endswith(text[0]) else text


def read_raw(text: str, label: str) -> FrontMatter:
    """Return front matter as the client reads it. `label` is its name. A list is one if all lines of its block are."""
    entries: dict[str, LocatedValue] = {}
    recoveries: list[Recovery] = []
    for number, line, block in _lines(text):
        match = _KEY.fullmatch(line)
        if match:
            span = Span(number, 1, number, len(match["key"]) + 1)
            entries[match["key"]] = LocatedValue(_value(match["value"].strip(), block), span)
        elif line.strip() and not line.lstrip().startswith("#"):
            hint = f"{label} does not read YAML: write each value on the line of its key, or indented below it"
            message = "this line was skipped, and others like it: it is not `key: value`"
            recoveries.append(Recovery(Span(number, 1, number, len(line) + 1), message, hint, loses=True))
    return FrontMatter(entries, tuple(recoveries[:1]))


def _lines(text: str) -> Iterator[tuple[int, str, Sequence[str]]]:
    """Yield the lines with their numbers, each with the lines of the block below it."""
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        start, line = index, lines[index]
        index += 1
        match = _KEY.fullmatch(line)
        value = match["value"].strip() if match else "…"
        opens = value in ("", *_LITERAL, *_FOLDED)
        while (
            opens and index < len(lines) and (lines[index][:1] in (" ", "\t") or (value and not lines[index].strip()))
        ):
            index += 1
        yield start + 1, line, lines[start + 1 : index]


def _value(text: str, block: Sequence[str]) -> str | list[str]:
    if text not in ("", *_LITERAL, *_FOLDED):
        return _unquoted(text)
    content = dedent("\n".join(block)).strip("\n")
    items = [_ITEM.fullmatch(line.strip()) for line in content.split("\n")]
    if not text and all(items):
        return [item[1] for item in items if item]
    return collapse_whitespace(content) if text in _FOLDED else content


OTHER_READERS = {"lines": by_lines, "raw": read_raw}
"""How to read front matter that is not YAML, by its syntax: a text, and the label of its client."""
