"""This project's own documentation, which is Markdown, as text for people, wrapped to the width of their terminal.

It only knows the syntax that `rules` and `targets` use. A library for all of Markdown would be larger than the rest of
the command.
"""

from __future__ import annotations

from collections.abc import Iterator

from kei_assembler import lazy_re
from kei_assembler.report.layout import BOLD, CYAN, painted, width

_SPAN = lazy_re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|\*\*(?P<strong>[^*\n]+)\*\*"
    r"|(?<![\w*])\*(?P<emphasis>[^*\s][^*\n]*)\*(?![\w*])"
    r"|\[(?P<link>[^\[\]\n]+)\]\([^()\n]*\)"
)
_STYLES = {"code": CYAN, "strong": BOLD, "emphasis": BOLD, "link": ""}
_FENCE = "````"
_HEADING = lazy_re.compile(r"#{1,6} ")
_CODE_INDENT = "    "
_CONTINUED = "  "

Word = list[tuple[str, str]]
"""A word as pieces, each with its style."""


def rendered(markdown: str, columns: int, colours: bool = False) -> str:
    """Return a page as text that fits in so many columns, with `colours` if the terminal has them."""
    lines: list[str] = []
    for kind, text in _blocks(markdown):
        if kind == "code":
            lines += cut(text, columns, _CODE_INDENT, _CODE_INDENT + _CONTINUED)
        elif kind == "heading":
            title = "".join(piece for piece, _ in _spans(text))
            lines += wrapped(f"**{title}**", columns, colours=colours)
        elif kind == "item":
            lines += wrapped(text, columns, "- ", "  ", colours)
        else:
            lines += wrapped(text, columns, colours=colours) or [""]
    return "".join(f"{line}\n" for line in lines).rstrip("\n") + "\n"


def _blocks(markdown: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of code one by one, and each heading, item and paragraph as one line. The rest is empty lines."""
    kind, text, is_fenced = "", "", False
    for line in [*markdown.removesuffix("\n").split("\n"), ""]:
        is_fence = line.startswith(_FENCE)
        starts_block = not line or is_fence or line.startswith(("- ", "#", _CODE_INDENT))
        if text and (is_fenced or starts_block):
            yield kind, text
            text = ""
        if is_fence:
            is_fenced = not is_fenced
        elif is_fenced or (line.startswith(_CODE_INDENT) and not text):
            yield "code", line if is_fenced else line.removeprefix(_CODE_INDENT)
        elif heading := _HEADING.match(line):
            yield "heading", line[heading.end() :]
        elif not line:
            yield "empty", ""
        elif line.startswith("- "):
            kind, text = "item", line.removeprefix("- ")
        else:
            kind, text = (kind, f"{text} {line.strip(' ')}") if text else ("paragraph", line)


def wrapped(text: str, columns: int, first: str = "", rest: str = "", colours: bool = False) -> list[str]:
    """Return Markdown's inline text as lines that start with `first` and `rest` and fit in so many columns.

    Only a word that is too long for a line by itself is broken.
    """
    lines, start, free = [], first, columns - width(first)
    line: list[str] = []
    for word in _words(text, columns - max(width(first), width(rest))):
        size = sum(width(piece) for piece, _ in word)
        if line and size + 1 > free:
            lines.append(start + " ".join(line))
            line, start, free = [], rest, columns - width(rest)
        free -= size + bool(line)
        line.append("".join(painted(piece, style, colours) for piece, style in word))
    return [*lines, start + " ".join(line)] if line else lines


def _words(text: str, longest: int) -> Iterator[Word]:
    """Yield the words of inline Markdown, broken where they are wider than the longest that fits."""
    word: Word = []
    for piece, style in _spans(text):
        first, *others = piece.split(" ")
        word.append((first, style))
        for other in others:
            yield from _broken(word, longest)
            word = [(other, style)]
    yield from _broken(word, longest)


def _broken(word: Word, longest: int) -> Iterator[Word]:
    part: Word = []
    free = longest
    for piece, style in word:
        for character in piece:
            size = width(character)
            if size > free:
                yield part
                part, free = [], longest
            if part and part[-1][1] == style:
                part[-1] = (part[-1][0] + character, style)
            else:
                part.append((character, style))
            free -= size
    if part:
        yield part


def _spans(text: str) -> Iterator[tuple[str, str]]:
    end = 0
    for span in _SPAN.finditer(text):
        kind = span.lastgroup or ""
        yield text[end : span.start()], ""
        yield span[kind], _STYLES[kind]
        end = span.end()
    yield text[end:], ""


def cut(line: str, columns: int, first: str, rest: str) -> list[str]:
    """Return a line of code as lines that fit in so many columns, cut after a space if there is one."""
    lines, start, begin = [], first, 0
    while (end := _end_within(line, begin, columns - width(start))) < len(line):
        end = line.rfind(" ", begin + 1, end) + 1 or max(end, begin + 1)
        lines.append(start + line[begin:end])
        begin, start = end, rest
    return [*lines, (start + line[begin:]).rstrip(" ")]


def _end_within(line: str, begin: int, columns: int) -> int:
    """Return where the longest part of a line ends that begins at an offset and fits in so many columns."""
    for end in range(begin, len(line)):
        columns -= width(line[end])
        if columns < 0:
            return end
    return len(line)
