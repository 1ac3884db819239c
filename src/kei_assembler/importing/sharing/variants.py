"""Texts of an agent for several clients, some of which lack a section that agents share.

Without the shared section, the rest is the same for all clients. It is part of the role then, and the section is a
block, with an empty variant for each client that lacks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kei_assembler.importing.convert import Conversion
from kei_assembler.importing.sharing.parts import Part, cuts
from kei_assembler.importing.sharing.split import Split, split
from kei_assembler.importing.text_variants import Piece
from kei_assembler.markdown.sections import headings
from kei_assembler.whitespace import collapse_whitespace


def without_shared(conversions: Sequence[Conversion], known: frozenset[str], min_users: int) -> list[Conversion]:
    """Take what at least `min_users` texts share out of the parts of the texts with variants, if the rest is the same.

    What `known` contains counts for one text, too.
    """
    if not any(piece.variants for conversion in conversions for piece in conversion.pieces):
        return [*conversions]
    texts = [text for conversion in conversions for text in _texts(conversion)]
    splits = dict(zip(texts, split(texts, known, min_users).splits, strict=True))
    return [
        conversion._replace(pieces=tuple(new for piece in conversion.pieces for new in _without_shared(piece, splits)))
        for conversion in conversions
    ]


def _texts(conversion: Conversion) -> list[str]:
    """The role, and the texts of the later parts, each once."""
    later = (text for piece in conversion.pieces for text in dict.fromkeys(piece.texts.values()))
    return [conversion.data.get("role", ""), *later]


def _without_shared(piece: Piece, splits: dict[str, Split]) -> Iterator[Piece]:
    own = {target: splits[text] for target, text in piece.texts.items()}
    shared = list(dict.fromkeys(each for made in own.values() for each in made.shared))
    rests = {collapse_whitespace(made.rest) for made in own.values()}
    if not piece.variants or not shared or len(rests) > 1:
        yield piece
        return
    rest = next(iter(own.values())).rest
    if rest:
        yield piece_of(rest, piece)
    for each in shared:
        texts = {target: each.text if each in made.shared else "" for target, made in own.items()}
        yield Piece(each.titles[0], texts)


def piece_of(text: str, piece: Piece) -> Piece:
    """Return a part of the text of an agent that is the same for the clients of another part."""
    title = next((part.title for part in cuts(text)[0] if part.title), "")
    return Piece(title, dict.fromkeys(piece.texts, text))


def with_longer_role(role: str, blocks: Sequence[str], pieces: Sequence[Piece]) -> tuple[str, list[Piece], Part | None]:
    """Move the parts that are the same for all clients, and no blocks, to the role. They keep the headings above them.

    `blocks` are texts of the role that became blocks. Return also the first part with variants that comes later now.
    """
    texts = [role] if role else []
    kept: list[Piece] = []
    left = list(blocks)
    moved = None
    for piece in pieces:
        if piece.block or piece.variants or not _can_follow(texts, left, piece.text):
            kept.append(piece)
            left.append(piece.text if piece.texts else "")
        else:
            texts.append(piece.text)
            moved = moved or next((Part(each.text, each.title) for each in kept if each.variants), None)
    return "\n\n".join(texts), kept, moved


def _can_follow(texts: Sequence[str], left: Sequence[str], text: str) -> bool:
    """Whether a text is below the same headings as before if the texts in `left` are not before it any more."""
    own = next(headings(text, text.split("\n")), None)
    if own and own.first == 1:
        return all(heading.level >= own.level for each in left for heading in headings(each, each.split("\n")))
    return not any(part.block for each in texts for part in cuts(each)[-1])
