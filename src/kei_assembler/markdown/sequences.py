"""The sequences in which a hidden character is legitimate.

These are the sequences that Unicode registers (of emoji, and of variation selectors), and the contexts that it defines
for joiners and for signs that enclose digits. The tables are in `unicode_data`, so they are the same with every version
of Python. This module is only needed for a text with a hidden character.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache

from kei_assembler.markdown import unicode_data as data

_NON_JOINER, _JOINER = "\u200c", "\u200d"
_EMOJI_STYLES = "\ufe0e\ufe0f"
_FIRST_IDEOGRAPHIC = 0xE0100
_TONES = "\U0001f3fb-\U0001f3ff"
_KEYCAP = "\u20e3"
_SELECTORS = "180B-180D 180F FE00-FE0F E0100-E01EF"

_CONTEXTS = (
    r"(?<=[\u1820-\u18aa\u180b-\u180d])\u180e(?=[\u1820\u1821])",  # the vowel separator before a final a or e (13.5)
    # signs that enclose digits, or mark the letters that follow (9.2, 9.3, 15.2; Prepended_Concatenation_Mark)
    r"[\u0600-\u0605\u06dd\u0890\u0891\u08e2](?=[\u0660-\u0669\u06f0-\u06f9])",
    r"\u070f(?=[\u0710-\u074f])",
    r"[\U000110bd\U000110cd](?=[\u0966-\u096f])",
    *(
        f"(?<=\U0001f3f4){''.join(chr(0xE0000 + ord(tag)) for tag in flag)}\U000e007f"
        for flag in data.EMOJI_TAGS.split()
    ),
)


def legitimate_end(text: str, index: int) -> int:
    """Return the end of the legitimate sequence that the hidden character at `index` belongs to, or 0."""
    before, character, after = text[max(index - 1, 0) : index], text[index], text[index + 1 : index + 2]
    if character in (_JOINER, _NON_JOINER):
        return index + 1 if _joins(before, character, after) else _end_of_emoji(text, index)
    if _is_in(_SELECTORS, character):
        return index + 1 if before and _is_variation(before, character, after) else 0
    match = _contexts().match(text, index)
    return match.end() if match else 0


def _joins(before: str, character: str, after: str) -> bool:
    """Whether a joiner or non-joiner is in a context where it can change the form of letters (23.2; RFC 5892, A.1)."""
    if not before:
        return False
    if _is_in(data.VIRAMAS, before) or (character == _JOINER and _is_in(data.LEFT_JOINING, before)):
        return True
    return bool(after) and _is_in(data.JOINING, before) and _is_in(data.JOINING, after)


def _is_variation(base: str, selector: str, after: str) -> bool:
    """Whether a variation sequence is registered. Those of ASCII only count in keycaps, as they look like the base."""
    if base.isascii():
        return selector in _EMOJI_STYLES and after == _KEYCAP and _is_in(data.EMOJI, base)
    if selector in _EMOJI_STYLES:
        return _is_in(data.EMOJI, base)
    if ord(selector) < _FIRST_IDEOGRAPHIC:
        return _is_in(data.STANDARDIZED.get(ord(selector), ""), base)
    first, counts = _ideographic()
    at = ord(base) - first
    return 0 <= at < len(counts) and ord(selector) - _FIRST_IDEOGRAPHIC < counts[at]


@cache
def _ideographic() -> tuple[int, bytes]:
    """Return the first ideograph, and the number of selectors of each code point from there on."""
    import base64
    import zlib

    packed = base64.b85decode(data.SELECTORS.replace(" ", ""))
    return int(data.IDEOGRAPHS.partition("-")[0], 16), zlib.decompress(packed)


def _end_of_emoji(text: str, index: int) -> int:
    """Return the end of the registered emoji sequence whose first joiner is at `index`, or 0."""
    start = index - 1
    if start > 0 and re.match(f"[\ufe0f{_TONES}]", text[start]):
        start -= 1
    if start < 0 or text[start - 1 : start] == _JOINER:
        return 0  # for the second joiner of a refused sequence too, so that a long one is read only once
    match = _emoji().match(text, start)
    if match is None or text[match.end() : match.end() + 1] == _JOINER:
        return 0
    sequence = match[0]
    for tone, letter in zip(dict.fromkeys(re.findall(f"[{_TONES}]", sequence)), "TU", strict=False):
        sequence = sequence.replace(tone, letter)
    is_registered = sequence.replace("\ufe0f", "").replace(_JOINER, "-") in _emoji_patterns()
    styled = re.findall("(.)\ufe0f", sequence)
    return match.end() if is_registered and all(_is_in(data.EMOJI, base) for base in styled) else 0


@cache
def _emoji_patterns() -> frozenset[str]:
    return frozenset(data.EMOJI_ZWJ.split())


@cache
def _emoji() -> re.Pattern[str]:
    """Return the pattern for a sequence of joined emoji, registered or not."""
    element = f"[{''.join(sorted({*data.EMOJI_ZWJ} - {*'-TU '}))}][\ufe0f{_TONES}]?"
    # registered sequences are short; without a limit, each joiner of a long sequence would start another long search
    return re.compile(f"{element}(?:{_JOINER}{element}){{1,{_MAX_JOINERS}}}")


_MAX_JOINERS = max(sequence.count("-") for sequence in data.EMOJI_ZWJ.split())


@cache
def _contexts() -> re.Pattern[str]:
    return re.compile("|".join(_CONTEXTS))


def _is_in(ranges: str, character: str) -> bool:
    # The bounds ascend, so an odd insertion index means that a code point is inside a range.
    return bisect_right(_bounds(ranges), ord(character)) % 2 == 1


@cache
def _bounds(ranges: str) -> tuple[int, ...]:
    pairs = (part.partition("-") for part in ranges.split())
    return tuple(bound for first, _, last in pairs for bound in (int(first, 16), int(last or first, 16) + 1))
