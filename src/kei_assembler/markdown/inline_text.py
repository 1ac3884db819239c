"""The text of inline Markdown: what a reader sees, without the marks.

The grammar is CommonMark 0.31.2, section 6; numbers in comments are sections of that specification.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping
from html import unescape

from kei_assembler import lazy_re
from kei_assembler.records import NamedTuple
from kei_assembler.whitespace import collapse_whitespace

_MARK = lazy_re.compile(r"[\\`<&*_\[\]!]")
_TICKS = lazy_re.compile(r"`+")
_ESCAPE = lazy_re.compile(r"\\([!-/:-@\[-`{-~])")
_ENTITY = lazy_re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]*+);")  # 2.5
_AUTOLINK = lazy_re.compile(
    r"<([a-zA-Z][a-zA-Z0-9+.-]{1,31}:[^\x00-\x20<>]*"
    r"|[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]++@[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)>"
)
_ATTRIBUTE = r"""[ \t\n]+[a-zA-Z_:][a-zA-Z0-9_.:-]*+(?:[ \t\n]*+=[ \t\n]*+(?:[^ \t\n"'=<>`]++|'[^']*+'|"[^"]*+"))?+"""
_HTML = lazy_re.compile(
    rf"<(?:[a-zA-Z][a-zA-Z0-9-]*+(?:{_ATTRIBUTE})*+[ \t\n]*+/?|/[a-zA-Z][a-zA-Z0-9-]*+[ \t\n]*+"
    r"|!--(?:>|->|[\s\S]*?--)|\?[\s\S]*?\?|![a-zA-Z][^>]*+|!\[CDATA\[[\s\S]*?\]\])>|<!---?>"
)
_DESTINATION = r"(?:<(?:[^<>\n\\]|\\.)*+>|(?!<)(?:[^ \t\n()\\\x00-\x1f]|\\.|\((?:[^ \t\n()\\\x00-\x1f]|\\.)*+\))*+)"
_TITLE = r"""(?:"(?:[^"\\]|\\[\s\S])*+"|'(?:[^'\\]|\\[\s\S])*+'|\((?:[^()\\]|\\[\s\S])*+\))"""
_LINK = lazy_re.compile(rf"\([ \t\n]*+{_DESTINATION}(?:[ \t\n]++{_TITLE})?+[ \t\n]*+\)")  # 6.3
_LABEL = lazy_re.compile(r"\[((?:[^\[\]\\]|\\[\s\S])*+)\]")


class _Run:
    """A run of `*` or `_` that can open or close emphasis (6.2). `left` is the number of characters not used yet."""

    def __init__(self, before: str, mark: str, after: str) -> None:
        is_left = not _is_space(after) and (not _is_punctuation(after) or _is_space(before) or _is_punctuation(before))
        is_right = not _is_space(before) and (not _is_punctuation(before) or _is_space(after) or _is_punctuation(after))
        self.character, self.length, self.left = mark[0], len(mark), len(mark)
        self.can_open = is_left and (mark[0] == "*" or not is_right or _is_punctuation(before))
        self.can_close = is_right and (mark[0] == "*" or not is_left or _is_punctuation(after))

    def pairs_with(self, opener: _Run) -> bool:
        """Return whether this run closes emphasis that another run opens: the rules of the multiples of three."""
        if opener.character != self.character or not opener.can_open or not opener.left:
            return False
        is_either = opener.can_close or self.can_open
        is_odd = is_either and (opener.length + self.length) % 3 == 0 and (opener.length % 3 or self.length % 3)
        return not is_odd


class _Bracket(NamedTuple):
    """An opening bracket: its index in the parts, the end of its mark, and what it can open."""

    at: int
    end: int
    is_image: bool
    is_active: bool = True


def _is_space(character: str) -> bool:
    return not character or character in "\t\n\f\r" or unicodedata.category(character) == "Zs"


def _is_punctuation(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "PS"


def normal_label(label: str) -> str:
    """Return the label of a link in the form in which labels are compared (4.7)."""
    return collapse_whitespace(label).casefold()


def inline_text(text: str, labels: Collection[str] = ()) -> str:
    """Return the text of inline Markdown: code and links by their text, without images, tags and marks of emphasis.

    `labels` are the normalized labels of the link reference definitions.
    """
    return text if not _MARK.search(text) else _Reader(text, labels).read()


class _Reader:
    """Reads a text mark by mark. `parts` is what has been read: texts, and runs that may become emphasis."""

    def __init__(self, text: str, labels: Collection[str]) -> None:
        self.text, self.labels = text, labels
        self.parts: list[str | _Run] = []
        self.brackets: list[_Bracket] = []
        self.ticks: dict[int, list[int]] = {}
        for run in _TICKS.finditer(text):
            self.ticks.setdefault(len(run[0]), []).append(run.start())

    def read(self) -> str:
        position = 0
        while mark := _MARK.search(self.text, position):
            self.parts.append(self.text[position : mark.start()])
            position = _READ[mark[0]](self, mark.start())
        self.parts.append(self.text[position:])
        self._pair(0)
        return "".join(part if isinstance(part, str) else part.character * part.left for part in self.parts)

    def _add(self, text: str, end: int) -> int:
        self.parts.append(text)
        return end

    def read_escape(self, start: int) -> int:
        escape = _ESCAPE.match(self.text, start)
        return self._add(escape[1], escape.end()) if escape else self._add("\\", start + 1)

    def read_code(self, start: int) -> int:
        run = _TICKS.match(self.text, start)
        assert run
        closings = self.ticks.get(len(run[0]), [])
        following = bisect_right(closings, start)
        if following == len(closings):
            return self._add(run[0], run.end())
        inner = self.text[run.end() : closings[following]].replace("\n", " ")
        is_padded = inner[0] == inner[-1] == " " and inner.strip(" ")  # 6.1
        return self._add(inner[1:-1] if is_padded else inner, closings[following] + len(run[0]))

    def read_angle(self, start: int) -> int:
        if link := _AUTOLINK.match(self.text, start):
            return self._add(link[1], link.end())
        tag = _HTML.match(self.text, start)
        return tag.end() if tag else self._add("<", start + 1)

    def read_entity(self, start: int) -> int:
        entity = _ENTITY.match(self.text, start)
        return self._add(unescape(entity[0]), entity.end()) if entity else self._add("&", start + 1)

    def read_run(self, start: int) -> int:
        end = start
        while self.text[end : end + 1] == self.text[start]:
            end += 1
        self.parts.append(_Run(self.text[start - 1 : start], self.text[start:end], self.text[end : end + 1]))
        return end

    def read_opening(self, start: int) -> int:
        end = self.text.index("[", start) + 1
        self.brackets.append(_Bracket(len(self.parts), end, end - start > 1))
        return self._add(self.text[start:end], end)

    def read_exclamation(self, start: int) -> int:
        return self.read_opening(start) if self.text.startswith("![", start) else self._add("!", start + 1)

    def read_closing(self, start: int) -> int:
        opening = self.brackets.pop() if self.brackets else None
        end = self._end_of_link(opening, start) if opening and opening.is_active else 0
        if not opening or not end:
            return self._add("]", start + 1)
        self._pair(opening.at)
        inner = self.parts[opening.at + 1 :]
        del self.parts[opening.at :]
        if not opening.is_image:
            self.parts += [part if isinstance(part, str) else part.character * part.left for part in inner]
            # a link contains no other link
            self.brackets = [each._replace(is_active=each.is_active and each.is_image) for each in self.brackets]
        return end

    def _end_of_link(self, opening: _Bracket, start: int) -> int:
        """Return the end of the link whose text ends at `start`, or 0 if it is none."""
        if link := _LINK.match(self.text, start + 1):
            return link.end()
        label = _LABEL.match(self.text, start + 1)
        if label and label[1]:
            return label.end() if normal_label(label[1]) in self.labels else 0
        is_label = normal_label(self.text[opening.end : start]) in self.labels
        return (label.end() if label else start + 1) if is_label else 0

    def _pair(self, bottom: int) -> None:
        """Use up the runs from an index on that are emphasis."""
        openers: list[_Run] = []
        lowest: dict[tuple[str, bool, int], int] = {}
        for run in [part for part in self.parts[bottom:] if isinstance(part, _Run)]:
            while run.can_close and run.left:
                key = run.character, run.can_open, run.length % 3
                found = next(
                    (at for at in range(len(openers) - 1, lowest.get(key, 0) - 1, -1) if run.pairs_with(openers[at])),
                    None,
                )
                if found is None:
                    lowest[key] = len(openers)
                    break
                used = 2 if min(openers[found].left, run.left) > 1 else 1
                openers[found].left -= used
                run.left -= used
                del openers[found + (openers[found].left > 0) :]
                lowest = {each: min(at, len(openers)) for each, at in lowest.items()}
            if run.can_open and run.left:
                openers.append(run)


_READ: Mapping[str, Callable[[_Reader, int], int]] = {
    "\\": _Reader.read_escape,
    "`": _Reader.read_code,
    "<": _Reader.read_angle,
    "&": _Reader.read_entity,
    "*": _Reader.read_run,
    "_": _Reader.read_run,
    "[": _Reader.read_opening,
    "]": _Reader.read_closing,
    "!": _Reader.read_exclamation,
}
