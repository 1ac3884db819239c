"""HTML blocks in Markdown: what starts and ends them (CommonMark 0.31.2, section 4.6)."""

from __future__ import annotations

import re
from functools import cache

from kei_assembler.whitespace import OTHER_SPACES

UNCLEAR_TAG = "an HTML tag with unusual white space"
UNCLEAR_DECLARATION = "an HTML declaration in lower case that does not end on its line"

_ATTRIBUTE = r"""[ \t]+[A-Za-z_:][\w.:-]*(?:[ \t]*=[ \t]*(?:[^\x00-\x20"'=<>`]+|'[^']*'|"[^"]*"))?"""
_LONE_TAG = rf"<[A-Za-z][A-Za-z0-9-]*(?:{_ATTRIBUTE})*[ \t]*/?>[ \t]*\Z|</[A-Za-z][A-Za-z0-9-]*[ \t]*>[ \t]*\Z"
_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|"
    "dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|"
    "menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|"
    "title|tr|track|ul"
)

# In the order of the specification: start condition, end condition, name. Types 6 and 7 have no
# name because a blank line ends them, so they are never reported as unclosed.
_BLOCKS = (
    (r"<(?:script|pre|style|textarea)(?=[ \t>]|\Z)", r"</(?:script|pre|style|textarea)>", "HTML element"),
    (r"<!--", r"-->", "HTML comment"),
    (r"<\?", r"\?>", "processing instruction"),
    (r"<![A-Za-z]", r">", "HTML declaration"),
    (r"<!\[CDATA\[", r"\]\]>", "CDATA section"),
    (rf"</?(?:{_TAGS})(?=[ \t>]|/>|\Z)", r"\A[ \t]*\Z", ""),
    (_LONE_TAG, r"\A[ \t]*\Z", ""),
)

# In a tag, some parsers take all of Unicode's white space for spaces, so this line is an HTML block for them only.
_UNCLEAR_TAG = (
    rf"</?(?:(?:script|pre|style|textarea|{_TAGS})[{OTHER_SPACES}]"
    rf"""|[a-z](?=.*[{OTHER_SPACES}])(?:[^<>"']|"[^"]*"|'[^']*')*+>[ \t{OTHER_SPACES}]*\Z)"""
)

# Until version 0.30 of CommonMark, the first letter of a declaration had to be a capital.
_UNCLEAR_DECLARATION = r"<!(?-i:[a-z])[^>]*\Z"

OPENINGS = "|".join([*(opening for opening, _, _ in _BLOCKS), _UNCLEAR_TAG])
"""A pattern for whatever some parser takes for the start of an HTML block."""

_FLAGS = re.IGNORECASE | re.ASCII
_LONE_TAG_ROW = len(_BLOCKS) - 1


@cache
def _blocks() -> tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...]:
    return tuple((re.compile(opening, _FLAGS), re.compile(ending, _FLAGS), name) for opening, ending, name in _BLOCKS)


def find_block(start: str, in_paragraph: bool) -> tuple[re.Pattern[str], str] | None:
    """Return the end condition and the name of the HTML block that a line starts, or None.

    `start` is the line without the white space around it. A line with a lone tag can't interrupt a paragraph.
    """
    for row, (opening, ending, name) in enumerate(_blocks()):
        if opening.match(start) and not (row == _LONE_TAG_ROW and in_paragraph):
            return ending, name
    return None


def unclear(start: str, in_block: bool) -> str:
    """Return the name of what a line starts only for some parsers, or "".

    `in_block` says whether the line starts an HTML block by the specification.
    """
    if in_block:
        return UNCLEAR_DECLARATION if re.match(_UNCLEAR_DECLARATION, start, _FLAGS) else ""
    return UNCLEAR_TAG if re.match(_UNCLEAR_TAG, start, _FLAGS) else ""
