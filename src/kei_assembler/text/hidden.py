"""Hidden text: what a model reads in a file, and a reviewer does not see there.

One fixed list of code points, so that the same text is refused on every version of Python. The properties named as
sources are those of the Unicode Character Database, version 16; numbers are sections of the Unicode Standard.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple


class Hidden(NamedTuple):
    """A range of hidden code points, both ends included: what they are, and where that is said."""

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
    Hidden(0x061C, 0x061C, "bidirectional control", "Bidi_Control"),
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
    Hidden(0xFFFE, 0xFFFF, "noncharacter", "Noncharacter_Code_Point; 23.7"),
    Hidden(0x16FE4, 0x16FE4, "invisible filler", "names list: the filler of Khitan"),
    Hidden(0x1BCA0, 0x1BCA3, "shorthand format control", "Default_Ignorable_Code_Point; 21.6"),
    Hidden(0x1D159, 0x1D159, "invisible note", "21.2: the null notehead of music"),
    Hidden(0x1D173, 0x1D17A, "musical format control", "Default_Ignorable_Code_Point; 21.2"),
    Hidden(0xE0000, 0xE007F, "tag character", "Default_Ignorable_Code_Point; 23.9"),
    Hidden(0xE0080, 0xE00FF, "reserved invisible character", "Default_Ignorable_Code_Point"),
    Hidden(0xE0100, 0xE01EF, "variation selector", "Variation_Selector; 23.4"),
    Hidden(0xE01F0, 0xE0FFF, "reserved invisible character", "Default_Ignorable_Code_Point"),
    Hidden(0xF0000, 0x10FFFF, "private-use character", "General_Category Co, and four noncharacters"),
)
"""Every range of hidden code points, in their order. The noncharacters at the ends of the other planes show a box."""

_BOUNDS = [bound for row in HIDDEN for bound in (row.first, row.last + 1)]
_VISIBLE_ASCII = bytes([0x09, 0x0A, *range(0x20, 0x7F)])

# Where joiners and selectors belong: emoji (emoji-data.txt, Extended_Pictographic, by blocks); scripts that join
# their letters or stack their consonants (9, 12 to 17); what has standardised variants (StandardizedVariants.txt).
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_JOINING = (
    "\u0610-\u061a\u0620-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17b3\u17b6-\u17ff\u1820-\u18af\u1a20-\u1aaf"
    "\u1b00-\u1c4f\ua800-\ua82f\ua840-\ua87f\ua8e0-\ua8ff\ua930-\ua9ff\uaa60-\uaadf\uabc0-\uabff\ufb50-\ufdcf"
    "\ufdf0-\ufdff\ufe70-\ufefc\U00010a00-\U00010fff\U00011000-\U00011fff\U0001e900-\U0001e95f"
)
_IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_VARYING = f"{_IDEOGRAPHS}\u1000-\u109f\u2200-\u22ff\u2a00-\u2aff\u3001\u3002\ua840-\ua87f\uff01-\uff1f"
_FLAGS = "|".join(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) for region in ("gbeng", "gbsct", "gbwls")
)  # the only ones that are recommended for interchange (UTS 51, emoji-sequences.txt)

_CONTROLS = (
    "NULL|START OF HEADING|START OF TEXT|END OF TEXT|END OF TRANSMISSION|ENQUIRY|ACKNOWLEDGE|ALERT|BACKSPACE|"
    "CHARACTER TABULATION|LINE FEED|LINE TABULATION|FORM FEED|CARRIAGE RETURN|SHIFT OUT|SHIFT IN|DATA LINK ESCAPE|"
    "DEVICE CONTROL ONE|DEVICE CONTROL TWO|DEVICE CONTROL THREE|DEVICE CONTROL FOUR|NEGATIVE ACKNOWLEDGE|"
    "SYNCHRONOUS IDLE|END OF TRANSMISSION BLOCK|CANCEL|END OF MEDIUM|SUBSTITUTE|ESCAPE|INFORMATION SEPARATOR FOUR|"
    "INFORMATION SEPARATOR THREE|INFORMATION SEPARATOR TWO|INFORMATION SEPARATOR ONE"
).split("|")
_NAMES = {**dict(enumerate(_CONTROLS)), 0x7F: "DELETE", 0x85: "NEXT LINE", 0x9B: "CONTROL SEQUENCE INTRODUCER"}

_LOOKS_EMPTY = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
_COMMAND = re.compile(r"##(?=\w*\[)")
_TAB = 4


def stretches(text: str, allowed: frozenset[str] = frozenset()) -> Iterator[tuple[int, int]]:
    """Yield the start and end of every run of hidden characters in the text, but for those that are `allowed`.

    Joiners and variation selectors are right in emoji and in the scripts that need them, tags in the three flags.
    """
    start = end = -1
    for at, after in _hidden(text) if may_hide(text.encode(errors="surrogatepass")) else ():
        if text[at] in allowed:
            continue
        if at != end:
            yield from [(start, end)] if end > start else []
            start = at
        end = after
    if end > start:
        yield start, end


def may_hide(raw: bytes) -> bool:
    """Tell whether a text, as UTF-8, is worth a closer look: the few that is not plain ASCII decides, and quickly."""
    odd = raw.translate(None, _VISIBLE_ASCII)
    return bool(odd) and any(map(is_hidden, set(odd.decode(errors="surrogatepass"))))


def _hidden(text: str) -> Iterator[tuple[int, int]]:
    passed = 0
    for at, character in enumerate(text):
        if at >= passed and is_hidden(character):
            right = _in_place().match(text, at)
            passed = right.end() if right else at + 1
            if not right:
                yield at, at + 1


@cache
def _in_place() -> re.Pattern[str]:
    return re.compile(
        rf"(?:(?<=[{_EMOJI}])|(?<=[{_EMOJI}]\ufe0f))\u200d(?=[{_EMOJI}])"
        rf"|(?<=[{_JOINING}])(?:\u200d|\u200c(?=[{_JOINING}]))"
        rf"|(?<=[{_EMOJI}])[\ufe0e\ufe0f]"
        r"|(?<=[0-9#*])\ufe0f(?=\u20e3)"
        rf"|(?<=[{_VARYING}])[\ufe00-\ufe02]"
        rf"|(?<=[{_IDEOGRAPHS}])[\U000e0100-\U000e01ef]"
        r"|(?<=[\u1820-\u18aa])[\u180b-\u180f]"
        rf"|(?<=\U0001f3f4)(?:{_FLAGS})\U000e007f"
    )


def is_hidden(character: str) -> bool:
    """Tell whether a character is in the list."""
    return bisect_right(_BOUNDS, ord(character)) % 2 == 1


def named(character: str) -> str:
    """Return a character's code point and name, as "U+202E RIGHT-TO-LEFT OVERRIDE"."""
    code = ord(character)
    name = _NAMES.get(code) or unicodedata.name(character, "")
    return f"U+{code:04X} {name}".rstrip()


def what(character: str) -> str:
    """Return what kind of hidden character this is."""
    code = ord(character)
    return next(row.what for row in HIDDEN if row.first <= code <= row.last)


def spelled(text: str) -> str:
    """Return what a run of hidden characters says: tags spell ASCII, variation selectors bytes; empty if nothing."""
    raw = bytes(byte for character in text if (byte := _carried(ord(character))) is not None)
    said = raw.decode(errors="replace").strip()
    return said if said.isprintable() and len(raw) > 1 else ""


def _carried(code: int) -> int | None:
    """The byte that a character is known to carry: tags by their ASCII, selectors by their number."""
    carriers = ((0xE0020, 0xE007E, 0x20), (0xFE00, 0xFE0F, 0), (0xE0100, 0xE01EF, 16))
    return next((code - first + least for first, last, least in carriers if first <= code <= last), None)


def shown(text: str) -> str:
    """Return the text as a report may show it: nothing in it can act or hide, on a terminal or in a log of CI.

    Services take `##[` (GitHub), `##vso[` (Azure) and `##teamcity[` for commands wherever they stand in a line.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_shown_character, text))
    return _COMMAND.sub("#<U+0023>", text) if "##" in text else text


def as_json(value: object) -> str:
    """Return a value as JSON in ASCII, which programs read back as it was, and in which nothing acts in a log."""
    import json

    return json.dumps(value, indent=2).replace("##", "\\u0023\\u0023") + "\n"


def _shown_character(character: str) -> str:
    if character == "\t":
        return " " * _TAB
    if is_hidden(character) or unicodedata.category(character) in _LOOKS_EMPTY:
        return f"<U+{ord(character):04X}>"
    return character
