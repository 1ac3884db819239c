"""White space, lines and blank texts: one definition for everything that reads text.

The structure of Markdown depends only on the characters that CommonMark names (0.31.2, section 2.1): space, tab, LF and
CR. Everything else is text, so a no-break space before a fence makes the line a paragraph. Python's `str.strip`,
`str.split`, `str.splitlines` and `\\s` use Unicode's white space instead. `tests/test_architecture.py` lists where that
is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kei_assembler import lazy_re

SPACES = " \t"
"""What can indent a line, and follow a closing fence. A line of nothing else is blank."""

WHITESPACE = " \t\n\r"
"""All white space of CommonMark: spaces, tabs and line endings."""

BREAKS = r"\n\v\f\r\x1c-\x1e\x85\u2028\u2029"
"""A range of characters for a pattern: what ends a line for some reader."""

_SPACE_RUN = lazy_re.compile(rf"[ \t{BREAKS}\x1f]+")

has_text: Callable[[str], object] = str.strip
"""Returns something true if a value has content: a character that is not white space in Unicode's sense.

This is not a function of Python, because it is called for every string of every manifest.
"""

HAS_TEXT = r"\S"
"""`has_text` as a pattern for JSON Schema."""

ONE_LINE = rf"^[^\S{BREAKS}]*[^\s{BREAKS}][^{BREAKS}]*$"
"""`has_text` and `is_line` as a pattern for JSON Schema."""

OTHER_SPACES = r"\v\f\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""A range of characters for a pattern: what is white space for Python or JavaScript, but text for CommonMark."""


def is_line(value: str) -> bool:
    """Return whether a value is one line for every reader, and not empty. Some break lines where Markdown doesn't."""
    return value.splitlines() == [value]


def with_lf(text: str) -> str:
    """Return the text with LF line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def with_lf_in_place(text: str) -> str:
    """Return the text with LF line ends, and with a space for the CR of a CRLF, so that all offsets stay the same."""
    return text.replace("\r\n", " \n").replace("\r", "\n") if "\r" in text else text


def collapse_whitespace(text: str) -> str:
    """Return the text on one line: each run of white space becomes one space, and the ends are stripped.

    White space includes what only some readers take for a line end. No-break and ideographic spaces stay: they are part
    of the text in their scripts.
    """
    return text if _is_clean(text) and text.splitlines() == [text] else _folded(text)


def collapse_whitespace_all(texts: Sequence[str]) -> tuple[str, ...]:
    """Return each of the texts as `collapse_whitespace` does.

    Most texts need no change, and one check of all texts together is much faster than a check of each.
    """
    lines = "\n".join(texts)
    is_clean = _is_clean(lines) and lines.rfind("\n ") < 0 and lines.rfind(" \n") < 0
    return tuple(texts) if is_clean and lines.splitlines() == list(texts) else tuple(map(_folded, texts))


def _is_clean(text: str) -> bool:
    """Return whether the text has no superfluous white space, line ends aside."""
    has_tabs = "\t" in text or "\x1f" in text  # other white space that `splitlines` does not split at
    # `rfind` finds two characters in less than half the time of `in`
    return not (has_tabs or text.rfind("  ") >= 0 or text[:1] == " " or text[-1:] == " ")


def _folded(text: str) -> str:
    return _SPACE_RUN.sub(" ", text).strip(" ")
