"""Estimate how many tokens a text has.

Models count text in tokens, and every vocabulary splits it differently. This estimate follows the way in which
`o200k_base` splits text (its pattern is published with tiktoken), without its vocabulary of 200,000 entries: it counts
pieces of text that are usually one token. The row of a kind of piece says how long these are.
"""

from __future__ import annotations

from functools import lru_cache

from kei_assembler import lazy_re

_MARK = r"[!-/:-@\[-`{-~]"

_PIECES = (
    r" [a-z]{1,13}",  # a word
    r" ?[A-Z][a-z]{1,9}",
    r"[a-z]{1,9}",
    r"_[a-z]{1,8}",  # a part of a name, path or address
    rf"{_MARK}[a-z]{{1,5}}",
    r" ?(?:-{3,80}|={3,80}|\*{4,80}|\#{3,80}|_{3,80})\n{0,80}",  # a line, or the frame of a table
    r"[\u2500\u2501\u2550]{3,6}",
    r"\*\*(?=:)",
    rf" ?{_MARK}{{1,3}}\n{{0,80}}",  # punctuation
    r"[ \t]{1,80}(?=[ \t])",  # indentation: the last space belongs to the word
    r"[0-9]{1,3}",
    r" ?[A-Z]{1,4}",
    r"[ \t]{0,80}\n{1,80}",
    r" ?[A-Za-z\u00c0-\u024f\u1e00-\u1eff]{1,6}",  # a word with accents
    r" ?[\u0400-\u052f]{1,5}",  # Cyrillic
    r" ?[\u0900-\u0dff]{1,4}",  # scripts of India
    r" ?[\u0370-\u03ff\u0590-\u06ff\u0e00-\u0e7f]{1,3}",  # Greek, Hebrew, Arabic, Thai
    r" ?[^\x00-\x7f]",
    r"[\x00-\x7f]",
)

_PIECE = lazy_re.compile("|".join(_PIECES))

_DENSE = lazy_re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
"""Characters of Chinese, Japanese and Korean. Three of them are two tokens."""

_ASTRAL = lazy_re.compile(r"[\U00010000-\U0010ffff]")
"""Characters such as emoji. Each is two tokens."""

_DIGEST_START = "sha256:"
_DIGEST = lazy_re.compile(rf"{_DIGEST_START}([0-9a-f]{{12}})(?![0-9a-f])")
_USUAL_DIGEST = "4b227777d4dd"
"""A digest with as many tokens as most digests in stamps have."""

_PIECES_PER_MISS = 50
"""One token is added for so many pieces, since some words are more than one token."""

_MAX_CACHED = 4000
_CHUNK = 64 * 1024
"""How much of a text is split at a time. It bounds the memory."""


def tokens(text: str) -> int:
    """Return about how many tokens a text has.

    The estimate is the same on every machine, and takes time in proportion to the length. For agent files and blocks
    it is mostly within 5% of `o200k_base`. It is less exact for texts of a few words, for random characters, and for
    languages with long words. Other models have other vocabularies, so their counts differ more. The digest in a stamp
    always counts the same, so that a change of a single letter elsewhere does not seem to be one of several tokens.
    """
    digest = _DIGEST.match(text, text.find(_DIGEST_START)) if _DIGEST_START in text else None
    if digest:
        text = f"{text[: digest.start(1)]}{_USUAL_DIGEST}{text[digest.end(1) :]}"
    *paragraphs, last = text.split("\n\n")
    pieces = _pieces(last)
    for one in filter(None, paragraphs):
        pieces += _in_paragraph(one) if len(one) <= _MAX_CACHED else _pieces(f"{one}\n\n")
    return max(pieces + pieces // _PIECES_PER_MISS, bool(text))


@lru_cache(maxsize=2000)
def _in_paragraph(paragraph: str) -> int:
    # agents share their blocks, and the files of an agent for several clients share almost everything
    return _pieces(f"{paragraph}\n\n")


def _pieces(text: str) -> int:
    count = sum(len(_PIECE.findall(text, start, start + _CHUNK)) for start in range(0, len(text), _CHUNK))
    if not text.isascii():
        count += sum(1 for _ in _ASTRAL.finditer(text)) - sum(1 for _ in _DENSE.finditer(text)) // 3
    return count
