"""Move what several imported agents share to blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.block_names import BlockNames
from kei_assembler.importing.convert import Conversion
from kei_assembler.importing.sharing.diverged import about_diverged, differences, start_of, with_replaced
from kei_assembler.importing.sharing.parts import Part
from kei_assembler.importing.sharing.split import Shared, Split, split
from kei_assembler.importing.sharing.variants import piece_of, with_longer_role, without_shared
from kei_assembler.importing.text_variants import Piece
from kei_assembler.records import NamedTuple
from kei_assembler.rules import bodies
from kei_assembler.suggestions import counted


class Sharing(NamedTuple):
    """The conversions with the names of shared blocks, and what the report says about these.

    `found` and `diffs` are about sections that are almost the same.
    """

    conversions: list[Conversion]
    report: str = ""
    found: Sequence[Diagnostic] = ()
    diffs: Sequence[str] = ()


def with_blocks(
    names: BlockNames, conversions: Sequence[Conversion], others: Iterable[str], min_users: int, joins_near: bool
) -> Sharing:
    """Move what at least `min_users` agents share to blocks, and what is a block of the kit or one of the other texts.

    With `joins_near`, so is what is almost the same. Parts of the texts with variants for clients become blocks anyway,
    so two agents are enough for these.
    """
    known = frozenset((*names.texts, *others))
    conversions = without_shared(conversions, known, min_users)
    texts = [(index, text) for index, conversion in enumerate(conversions) for text in _texts(conversion)]
    splits, changed, titles = split([text for _, text in texts], known, min_users, joins_near)
    users: dict[Shared, list[Conversion]] = {}
    for (index, _), made in zip(texts, splits, strict=True):
        for shared in made.shared:
            users.setdefault(shared, []).append(conversions[index])
    variants = _variants(names, conversions)
    by_text = _named(names, users, titles, variants.values())
    found, following = [], iter(splits)
    for conversion in conversions:
        own = [next(following) for _ in _texts(conversion)]
        found.append(_with_blocks(conversion, own, by_text, variants))
    uses = [(agent.name, by_text[shared.text], shared.text) for shared, agents in users.items() for agent in agents]
    uses += [
        (each.name, piece.block, piece.text)
        for each in found
        for piece in each.pieces
        if piece.block and piece.variants
    ]
    report = _report(uses, known, min_users) if conversions else ""
    owners = [conversions[index] for index, _ in texts]
    diffs = list(differences(changed, owners))
    if not joins_near:
        return Sharing(found, report, [one for each in changed for one in about_diverged(each, owners)], diffs)
    for each in changed:
        for text in each.others:
            for number in each.users[text]:
                index, _ = texts[number]
                found[index] = with_replaced(found[index], each.title, text)
    return Sharing(found, report, (), diffs)


def _named(
    names: BlockNames,
    users: Mapping[Shared, Sequence[Conversion]],
    titles: Mapping[str, int],
    variants: Iterable[Piece],
) -> dict[str, str]:
    """Return the names of the blocks of shared texts, by the texts. A block with variants can have the same text."""
    with_variants: dict[str, list[Piece]] = {}
    for piece in variants:
        with_variants.setdefault(piece.text, []).append(piece)
    by_text: dict[str, str] = {}
    for shared, agents in sorted(users.items(), key=lambda item: -len(item[1])):
        is_usual = titles[shared.titles[0]] > 2 * len(agents)
        targets = {part.target for agent in agents for part in agent.each}
        same = with_variants.get(shared.text, ())
        fitting = (piece.block for piece in same if targets.isdisjoint(piece.variants))
        by_text[shared.text] = next(fitting, "") or names.shared(
            shared.titles, shared.text, [agent.name for agent in agents], is_usual
        )
    return by_text


def _texts(conversion: Conversion) -> list[str]:
    """The role, and the later parts of the text that are the same for all clients."""
    return [conversion.data.get("role", ""), *(piece.text for piece in conversion.pieces if not piece.variants)]


_Texts = frozenset[tuple[str, str]]
"""The clients and their texts of a part of the text of an agent."""


def _variants(names: BlockNames, conversions: Iterable[Conversion]) -> dict[_Texts, Piece]:
    """The parts with variants that several agents have, with the names of their blocks, by their texts."""
    users: dict[_Texts, dict[str, Piece]] = {}
    for conversion in conversions:
        for piece in conversion.pieces:
            if piece.variants:
                users.setdefault(_key(piece), {})[conversion.name] = piece
    found = {}
    for key, pieces in users.items():
        if len(pieces) > 1:
            piece = next(iter(pieces.values()))
            found[key] = piece._replace(block=names.of_agents([*pieces], piece))
    return found


def _key(piece: Piece) -> _Texts:
    return frozenset(piece.texts.items())


def _with_blocks(
    conversion: Conversion,
    splits: Sequence[Split],
    by_text: dict[str, str],
    variants: Mapping[_Texts, Piece],
) -> Conversion:
    of_role, *of_pieces = splits
    blocks = [by_text[shared.text] for shared in of_role.shared]
    pieces: list[Piece] = []
    following = iter(of_pieces)
    for piece in conversion.pieces:
        if piece.variants:
            pieces.append(variants.get(_key(piece), piece))
            continue
        made = next(following)
        if not made.shared:
            pieces.append(piece)
        elif made.rest:
            pieces.append(piece_of(made.rest, piece))
        pieces += [Piece(each.titles[0], {}, by_text[each.text]) for each in made.shared]
    rest = of_role.rest if blocks else conversion.data.get("role", "")
    role, pieces, moved = with_longer_role(rest, [shared.text for shared in of_role.shared], pieces)
    data = {key: value for key, value in conversion.data.items() if key != "role"}
    data |= ({"role": role} if role else {}) | ({"blocks": blocks} if blocks else {})
    moved = of_role.moved or moved
    found = (
        *conversion.found,
        *(_about_moved(conversion, moved) if moved else ()),
        *(_about_displaced(conversion, *of_role.displaced) if of_role.displaced else ()),
    )
    return conversion._replace(data=data, found=found, pieces=tuple(_without_repeated(pieces, blocks)))


def _without_repeated(pieces: Iterable[Piece], blocks: Iterable[str]) -> list[Piece]:
    """The pieces without blocks that are already listed: a manifest lists a block once."""
    seen, kept = {*blocks}, []
    for piece in pieces:
        if not piece.block or piece.block not in seen:
            kept.append(piece)
        seen.add(piece.block)
    return kept


def _about_moved(conversion: Conversion, moved: Part) -> list[Diagnostic]:
    message = f"the section `{moved.title}` became a block, which comes after the rest of the body"
    return conversion.agent.report(bodies.section_moved, start_of(conversion.agent, moved.text), message)


def _about_displaced(conversion: Conversion, moved: Part, heading: str) -> list[Diagnostic]:
    message = f"the start of the section `{moved.title}` became a block, and the rest of it is now below `{heading}`"
    hint = "if it needs a heading of its own, give it one"
    return conversion.agent.report(bodies.section_moved, start_of(conversion.agent, moved.block), message, hint)


def _report(uses: Collection[tuple[str, str, str]], known: Collection[str], min_users: int) -> str:
    """What the agents save. `uses` has an agent, a block that it shares with others, and the text of that, each."""
    if not uses:
        return f"no section is shared by {min_users} or more agents, so none became a block\n"
    new = {block: text for _, block, text in uses if text not in known}
    saved = sum(len(text) for _, _, text in uses) - sum(map(len, new.values()))
    agents = {agent for agent, _, _ in uses}
    blocks = counted(len({block for _, block, _ in uses}), "shared block")
    return f"{blocks} of {counted(len(agents), 'agent')}: {saved:,} characters saved\n"
