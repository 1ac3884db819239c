"""Hidden text: characters that a model reads in a file but a reviewer cannot see.

The list of code points is fixed, because `unicodedata` differs between versions of Python and the same text must be
refused on all of them. It has everything that is invisible according to the Unicode Character Database, version 17
(`INVISIBLE` in `unicode_data`), and fillers that no property covers. A `source` names a property there, or a section of
the Unicode Standard.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from kei_assembler import lazy_re
from kei_assembler.records import NamedTuple


class Hidden(NamedTuple):
    """A range of hidden code points, both ends included, with its description and the source that defines it."""

    first: int
    last: int
    what: str
    source: str


HIDDEN = (
    Hidden(0x0000, 0x0008, "control character", "ISO/IEC 6429, C0; General_Category Cc"),
    Hidden(0x000B, 0x001F, "control character", "ISO/IEC 6429, C0; General_Category Cc"),
    Hidden(0x007F, 0x009F, "control character", "ISO/IEC 6429, DEL and C1; General_Category Cc"),
    Hidden(0x00AD, 0x00AD, "soft hyphen", "Default_Ignorable_Code_Point; 23.2"),
    Hidden(0x034F, 0x034F, "invisible joiner", "Default_Ignorable_Code_Point; 23.2"),
    Hidden(0x0600, 0x0605, "number sign", "Prepended_Concatenation_Mark; 9.2"),
    Hidden(0x061C, 0x061C, "bidirectional control", "Bidi_Control"),
    Hidden(0x06DD, 0x06DD, "number sign", "Prepended_Concatenation_Mark; 9.2"),
    Hidden(0x070F, 0x070F, "abbreviation mark", "Prepended_Concatenation_Mark; 9.3"),
    Hidden(0x0890, 0x0891, "number sign", "Prepended_Concatenation_Mark; 9.2"),
    Hidden(0x08E2, 0x08E2, "number sign", "Prepended_Concatenation_Mark; 9.2"),
    Hidden(0x115F, 0x1160, "invisible filler", "Default_Ignorable_Code_Point; 18.6"),
    Hidden(0x17B4, 0x17B5, "invisible vowel", "Default_Ignorable_Code_Point; 16.4"),
    Hidden(0x180B, 0x180F, "variation selector", "Default_Ignorable_Code_Point; 13.5"),
    Hidden(0x200B, 0x200D, "zero-width character", "Default_Ignorable_Code_Point; 23.2"),
    Hidden(0x200E, 0x200F, "bidirectional control", "Bidi_Control"),
    Hidden(0x2028, 0x2029, "invisible line break", "General_Category Zl and Zp; 5.8"),
    Hidden(0x202A, 0x202E, "bidirectional control", "Bidi_Control"),
    Hidden(0x2060, 0x2060, "zero-width character", "Default_Ignorable_Code_Point; 23.2"),
    Hidden(0x2061, 0x2064, "invisible operator", "Default_Ignorable_Code_Point; 22.6"),
    Hidden(0x2065, 0x2065, "reserved invisible character", "Default_Ignorable_Code_Point"),
    Hidden(0x2066, 0x2069, "bidirectional control", "Bidi_Control"),
    Hidden(0x206A, 0x206F, "deprecated format character", "Default_Ignorable_Code_Point; 23.3"),
    Hidden(0x2800, 0x2800, "invisible filler", "21.1: the Braille pattern without dots"),
    Hidden(0x3164, 0x3164, "invisible filler", "Default_Ignorable_Code_Point; 18.6"),
    Hidden(0xD800, 0xDFFF, "lone surrogate", "General_Category Cs"),
    Hidden(0xE000, 0xF8FF, "private-use character", "General_Category Co"),
    Hidden(0xFDD0, 0xFDEF, "noncharacter", "Noncharacter_Code_Point; 23.7"),
    Hidden(0xFE00, 0xFE0F, "variation selector", "Variation_Selector; 23.4"),
    Hidden(0xFEFF, 0xFEFF, "byte order mark inside the text", "Default_Ignorable_Code_Point; 23.8"),
    Hidden(0xFFA0, 0xFFA0, "invisible filler", "Default_Ignorable_Code_Point; 18.6"),
    Hidden(0xFFF0, 0xFFF8, "reserved invisible character", "Default_Ignorable_Code_Point"),
    Hidden(0xFFF9, 0xFFFB, "annotation control", "General_Category Cf; 23.8"),
    Hidden(0xFFFC, 0xFFFC, "placeholder of an object", "23.8: the object replacement character"),
    Hidden(0xFFFE, 0xFFFF, "noncharacter", "Noncharacter_Code_Point; 23.7"),
    Hidden(0x110BD, 0x110BD, "number sign", "Prepended_Concatenation_Mark; 15.2"),
    Hidden(0x110CD, 0x110CD, "number sign", "Prepended_Concatenation_Mark; 15.2"),
    Hidden(0x13430, 0x1345F, "hieroglyph format control", "General_Category Cf; 11.4: the block"),
    Hidden(0x16FE4, 0x16FE4, "invisible filler", "names list: the filler of Khitan"),
    Hidden(0x1BCA0, 0x1BCA3, "shorthand format control", "Default_Ignorable_Code_Point; 21.6"),
    Hidden(0x1D159, 0x1D159, "invisible note", "21.2: the null notehead of music"),
    Hidden(0x1D173, 0x1D17A, "musical format control", "Default_Ignorable_Code_Point; 21.2"),
    *(
        Hidden(plane + 0xFFFE, plane + 0xFFFF, "noncharacter", "Noncharacter_Code_Point; 23.7")
        for plane in range(0x10000, 0xE0000, 0x10000)
    ),
    Hidden(0xE0000, 0xE007F, "tag character", "Default_Ignorable_Code_Point; 23.9"),
    Hidden(0xE0080, 0xE00FF, "reserved invisible character", "Default_Ignorable_Code_Point"),
    Hidden(0xE0100, 0xE01EF, "variation selector", "Variation_Selector; 23.4"),
    Hidden(0xE01F0, 0xE0FFF, "reserved invisible character", "Default_Ignorable_Code_Point"),
    Hidden(0xEFFFE, 0xEFFFF, "noncharacter", "Noncharacter_Code_Point; 23.7"),
    Hidden(0xF0000, 0x10FFFF, "private-use character", "General_Category Co, and four noncharacters"),
)
"""Every range of hidden code points, in ascending order."""

# The bounds ascend, so an odd insertion index means that a code point is inside a range.
_BOUNDS = [bound for row in HIDDEN for bound in (row.first, row.last + 1)]
_VISIBLE_ASCII = bytes([0x09, 0x0A, *range(0x20, 0x7F)])

# `unicodedata` has no names for control characters; these are the aliases in Unicode's NameAliases.txt.
_CONTROLS = (
    "NULL|START OF HEADING|START OF TEXT|END OF TEXT|END OF TRANSMISSION|ENQUIRY|ACKNOWLEDGE|ALERT|BACKSPACE|"
    "CHARACTER TABULATION|LINE FEED|LINE TABULATION|FORM FEED|CARRIAGE RETURN|SHIFT OUT|SHIFT IN|DATA LINK ESCAPE|"
    "DEVICE CONTROL ONE|DEVICE CONTROL TWO|DEVICE CONTROL THREE|DEVICE CONTROL FOUR|NEGATIVE ACKNOWLEDGE|"
    "SYNCHRONOUS IDLE|END OF TRANSMISSION BLOCK|CANCEL|END OF MEDIUM|SUBSTITUTE|ESCAPE|INFORMATION SEPARATOR FOUR|"
    "INFORMATION SEPARATOR THREE|INFORMATION SEPARATOR TWO|INFORMATION SEPARATOR ONE"
).split("|")
_NAMES = {
    **dict(enumerate(_CONTROLS)),
    **dict.fromkeys(range(0x13439, 0x13460), ""),  # only some versions of Python know their names
    0x7F: "DELETE",
    0x85: "NEXT LINE",
    0x9B: "CONTROL SEQUENCE INTRODUCER",
}

_COMMAND = lazy_re.compile(r"##(?=\w*\[)")
_TAB_WIDTH = 4


def stretches(text: str, allowed: frozenset[str] = frozenset()) -> Iterator[tuple[int, int]]:
    """Yield the start and end of every run of hidden characters in the text, except the `allowed` characters.

    A hidden character is legitimate in a sequence that Unicode registers, and in a context that it defines; see
    `sequences`.
    """
    if may_hide(text.encode(errors="surrogatepass")):
        found = (index for index in _hidden(text) if text[index] not in allowed)
        for _, run in groupby(enumerate(found), key=lambda pair: pair[1] - pair[0]):
            indices = [index for _, index in run]
            yield indices[0], indices[-1] + 1


def may_hide(raw: bytes) -> bool:
    """Return whether text, given as UTF-8, contains a character of the list, legitimate or not.

    This is the fast path: nearly all text is visible ASCII, and deleting that leaves few characters to look up.
    """
    remainder = raw.translate(None, _VISIBLE_ASCII)
    return bool(remainder) and any(map(is_hidden, set(remainder.decode(errors="surrogatepass"))))


def _hidden(text: str) -> Iterator[int]:
    from kei_assembler.markdown.sequences import legitimate_end

    checked = 0
    for match in _any_hidden().finditer(text):
        if match.start() >= checked:
            checked = legitimate_end(text, match.start())
            if not checked:
                yield match.start()


@cache
def _any_hidden() -> re.Pattern[str]:
    return re.compile(f"[{''.join(f'{chr(row.first)}-{chr(row.last)}' for row in HIDDEN)}]")


def is_hidden(character: str) -> bool:
    """Return whether a character is in the list."""
    return bisect_right(_BOUNDS, ord(character)) % 2 == 1


def named(character: str) -> str:
    """Return a character's code point and name, for example "U+202E RIGHT-TO-LEFT OVERRIDE"."""
    code = ord(character)
    name = _NAMES[code] if code in _NAMES else unicodedata.name(character, "")
    return f"U+{code:04X} {name}".rstrip()


def what(character: str) -> str:
    """Return the description of a hidden character: "zero-width character"."""
    code = ord(character)
    return next(row.what for row in HIDDEN if row.first <= code <= row.last)


def spelled(text: str) -> str:
    """Return the message that a run of hidden characters encodes, or an empty string.

    Published attacks use two encodings: each tag character stands for an ASCII character, each variation selector for
    a byte.
    """
    raw = bytes(byte for character in text if (byte := _encoded_byte(ord(character))) is not None)
    message = raw.decode(errors="replace").strip()
    return message if message.isprintable() and len(raw) > 1 else ""


def _encoded_byte(code: int) -> int | None:
    encodings = ((0xE0020, 0xE007E, 0x20), (0xFE00, 0xFE0F, 0), (0xE0100, 0xE01EF, 16))
    return next((code - first + base for first, last, base in encodings if first <= code <= last), None)


def shown(text: str) -> str:
    """Return the text in a form that is safe to print: no character is hidden or acts on a terminal or in a CI log.

    CI services treat `##[` (GitHub), `##vso[` (Azure) and `##teamcity[` as commands anywhere in a line.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_escape, text))
    return _COMMAND.sub("#<U+0023>", text) if "##" in text else text


def as_json(value: object) -> str:
    """Return a value as ASCII JSON that parses back to the same value and contains no command for a CI service.

    Lone surrogates, which stand for bytes that are not UTF-8, are written as `shown` does: many parsers refuse them.
    """
    import json

    text = json.dumps(value, indent=2)
    if "\\ud" in text and _SURROGATE.search(raw := json.dumps(value, ensure_ascii=False)):
        text = json.dumps(json.loads(_SURROGATE.sub(lambda match: _escape(match[0]), raw)), indent=2)
    return text.replace("##", "\\u0023\\u0023") + "\n"


_SURROGATE = lazy_re.compile("[\ud800-\udfff]")


def _escape(character: str) -> str:
    if character == "\t":
        return " " * _TAB_WIDTH
    if character == "\n" or is_hidden(character):
        return f"<U+{ord(character):04X}>"
    return character
