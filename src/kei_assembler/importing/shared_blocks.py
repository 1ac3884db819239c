"""Move what several imported agents share to blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.block_names import BlockNames
from kei_assembler.importing.convert import Conversion
from kei_assembler.importing.diverged_sections import about_diverged, differences, start_of, with_replaced
from kei_assembler.importing.parts import Part, cuts
from kei_assembler.importing.sharing import Shared, Split, split
from kei_assembler.importing.text_variants import Piece
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
    texts = [
        (index, text)
        for index, conversion in enumerate(conversions)
        for text in (
            conversion.data.get("role", ""),
            *(piece.text for piece in conversion.pieces if not piece.variants),
        )
    ]
    known = frozenset((*names.texts, *others))
    splits, changed, titles = split([text for _, text in texts], known, min_users, joins_near)
    users: dict[Shared, list[str]] = {}
    for (index, _), made in zip(texts, splits, strict=True):
        for shared in made.shared:
            users.setdefault(shared, []).append(conversions[index].name)
    ordered = sorted(users.items(), key=lambda item: -len(item[1]))
    by_text = {}
    for shared, agents in ordered:
        is_usual = titles[shared.titles[0]] > 2 * len(agents)
        by_text[shared.text] = names.shared(shared.titles, shared.text, agents, is_usual)
    variants = _variants(names, conversions)
    found, following = [], iter(splits)
    for conversion in conversions:
        own = [next(following) for _ in _texts(conversion)]
        found.append(_with_blocks(conversion, own, by_text, variants))
    report = _report(users, known, min_users) if conversions else ""
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


def _texts(conversion: Conversion) -> list[str]:
    """The role, and the later parts of the text that are the same for all clients."""
    return [conversion.data.get("role", ""), *(piece.text for piece in conversion.pieces if not piece.variants)]


def _variants(names: BlockNames, conversions: Iterable[Conversion]) -> dict[frozenset[tuple[str, str]], str]:
    """The blocks with variants that several agents have, by their texts."""
    users: dict[frozenset[tuple[str, str]], dict[str, Piece]] = {}
    for conversion in conversions:
        for piece in conversion.pieces:
            if piece.variants:
                users.setdefault(_key(piece), {})[conversion.name] = piece
    return {
        key: names.of_agents([*agents], next(iter(agents.values()))) for key, agents in users.items() if len(agents) > 1
    }


def _key(piece: Piece) -> frozenset[tuple[str, str]]:
    return frozenset(piece.texts.items())


def _with_blocks(
    conversion: Conversion,
    splits: Sequence[Split],
    by_text: dict[str, str],
    variants: dict[frozenset[tuple[str, str]], str],
) -> Conversion:
    of_role, *of_pieces = splits
    blocks = [by_text[shared.text] for shared in of_role.shared]
    data, found = conversion.data, conversion.found
    if blocks:
        data = {key: value for key, value in data.items() if key != "role"}
        data |= ({"role": of_role.rest} if of_role.rest else {}) | {"blocks": blocks}
        found = (*found, *(_about_moved(conversion, of_role.moved) if of_role.moved else ()))
    pieces: list[Piece] = []
    following = iter(of_pieces)
    for piece in conversion.pieces:
        if piece.variants:
            pieces.append(piece._replace(block=variants.get(_key(piece), "")))
            continue
        made = next(following)
        if not made.shared:
            pieces.append(piece)
        elif made.rest:
            title = next((part.title for part in cuts(made.rest)[0] if part.title), "")
            pieces.append(Piece(title, dict.fromkeys(piece.texts, made.rest)))
        pieces += [Piece(each.titles[0], {}, by_text[each.text]) for each in made.shared]
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


def _report(users: Mapping[Shared, Sequence[str]], known: Collection[str], min_users: int) -> str:
    if not users:
        return f"no section is shared by {min_users} or more agents, so none became a block\n"
    agents = {agent for each in users.values() for agent in each}
    saved = sum(len(shared.text) * (len(each) - (shared.text not in known)) for shared, each in users.items())
    return f"{counted(len(users), 'shared block')} of {counted(len(agents), 'agent')}: {saved:,} characters saved\n"
