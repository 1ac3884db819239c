"""Find what several texts share: whole sections, the beginnings of sections, and parts in XML tags.

Everything is looked up by its text, so that the time grows with the size of the texts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from kei_assembler.importing.sharing.near_copies import Diverged, diverged
from kei_assembler.importing.sharing.parts import Part, beginnings, cuts, tagged_parts
from kei_assembler.records import NamedTuple
from kei_assembler.whitespace import has_text

MIN_USERS = 3
"""How many texts a section is in at least, by default, if it becomes a block."""


class Shared(NamedTuple):
    """A text that becomes a block, and the titles of its sections."""

    titles: tuple[str, ...]
    text: str


class Split(NamedTuple):
    """A text without its shared parts, these parts, and the first of them that other text followed, with its title.

    If only the beginning of a section is shared, and the rest comes below another heading by that, `displaced` has that
    beginning and the title of the heading.
    """

    rest: str
    shared: tuple[Shared, ...]
    moved: Part | None
    displaced: tuple[Part, str] | None = None


class Found(NamedTuple):
    """The texts without what they share, the sections that some of them have changed, and how often a title is used."""

    splits: list[Split]
    diverged: list[Diverged]
    titles: Counter[str]


def split(texts: Sequence[str], known: frozenset[str], min_users: int, joins_near: bool = False) -> Found:
    """Split each text into what at least `min_users` of the texts share, and the rest.

    What `known` contains, the text of a block, is shared if only one text has it. With `joins_near`, a section that is
    almost the same as another one is replaced by that one.
    """
    cut = _whole_sections(texts, known, min_users)
    by_first = _by_first_section(known)
    cut = [list(_joined(parts, by_first)) for parts in cut]
    shared = _of_enough(cut, known, min_users)
    others = (part.block for parts in cut for part in parts if part.block not in shared)
    common = _beginnings(others, {*shared, *known}, min_users)
    cut = [list(_divided(parts, common)) for parts in cut]
    shared.update(common.values())
    cut = _tagged(cut, shared, known, min_users)
    changed = diverged(cut, min_users)
    if joins_near:
        original = {text: each.text for each in changed for text in each.others}
        cut = [[part._replace(block=original.get(part.block, part.block)) for part in parts] for parts in cut]
    shared = _of_enough(cut, known, min_users)
    runs = _runs(cut, shared, known)
    inner = {part.block for run in runs.values() for part in run}
    titles = Counter(title for parts in cut for title in {part.title for part in parts})
    return Found([_split(parts, runs, inner) for parts in cut], changed, titles)


def _of_enough(cut: Iterable[Iterable[Part]], known: frozenset[str], min_users: int) -> set[str]:
    """The parts that can be blocks and are in enough texts."""
    counts = Counter(block for parts in cut for block in {part.block for part in parts if part.block})
    return {block for block, count in counts.items() if count >= min_users or block in known}


def _whole_sections(texts: Sequence[str], known: frozenset[str], min_users: int) -> list[list[Part]]:
    """Cut each text: at the coarsest way of which it shares a section, and otherwise at the finest."""
    ways = [cuts(text) for text in texts]
    shared = _of_enough(([part for way in each for part in way] for each in ways), known, min_users)
    return [next((way for way in each if any(part.block in shared for part in way)), each[-1]) for each in ways]


def _by_first_section(known: Iterable[str]) -> dict[str, list[tuple[list[str], str]]]:
    """The known blocks of several sections, with these, by their first section."""
    found: dict[str, list[tuple[list[str], str]]] = {}
    for text in known:
        blocks = [part.block for part in cuts(text)[0]]
        if len(blocks) > 1 and all(blocks):
            found.setdefault(blocks[0], []).append((blocks, text))
    return found


def _joined(parts: list[Part], known: Mapping[str, list[tuple[list[str], str]]]) -> Iterator[Part]:
    """The parts, with one part for the sections of a known block."""
    at = 0
    while at < len(parts):
        one, count = parts[at], 1
        for blocks, text in known.get(one.block, ()):
            run = parts[at : at + len(blocks)]
            joined = "\n".join(part.text for part in run)
            if len(blocks) > count and [part.block for part in run] == blocks and joined.strip("\n") == text:
                one, count = Part(joined, parts[at].title, text), len(blocks)
        yield one
        at += count


def _beginnings(sections: Iterable[str], blocks: Iterable[str], min_users: int) -> dict[str, str]:
    """Return the beginning that each of the sections has in common with others, or with one of the blocks."""
    by_heading: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for section in filter(None, sections):
        by_heading[section.partition("\n")[0]][section] += 1
    existing: defaultdict[str, list[str]] = defaultdict(list)
    for block in blocks:
        existing[block.partition("\n")[0]].append(block)
    found: dict[str, str] = {}
    for heading, users in by_heading.items():
        if users.total() >= min_users or heading in existing:
            found |= _common_beginnings(users, existing[heading], min_users)
    return found


class _Paragraphs:
    """A tree of paragraphs. Texts with the same beginning have the same nodes for it, each with its size."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, str], int] = {}
        self.sizes = [0]

    def path(self, text: str) -> list[int]:
        """Return the node of each paragraph."""
        path = [0]
        for paragraph in text.split("\n\n"):
            node = self.nodes.setdefault((path[-1], paragraph), len(self.sizes))
            if node == len(self.sizes):
                self.sizes.append(self.sizes[path[-1]] + len(paragraph) + len("\n\n"))
            path.append(node)
        return path[1:]


def _common_beginnings(users: Mapping[str, int], blocks: Iterable[str], min_users: int) -> dict[str, str]:
    """The beginnings that save the most, of sections that start with the same heading. `users` are their numbers."""
    tree = _Paragraphs()
    paths = {text: tree.path(text) for text in users}
    of_blocks = [tree.path(text) for text in blocks]
    reached = Counter({node: min_users for path in of_blocks for node in path})
    for text, path in paths.items():
        reached.update(dict.fromkeys(path, users[text]))
    ends: dict[str, list[int]] = {}
    counts: Counter[int] = Counter()
    for text, path in paths.items():
        first = path[: 1 if has_text(text.partition("\n\n")[0].partition("\n")[2]) else 2][-1]
        ends[text] = [path[count - 1] for count in beginnings(text)] if reached[first] >= min_users else path[-1:]
        counts.update(dict.fromkeys(ends[text], users[text]))
    existing = {path[-1] for path in of_blocks}
    found: dict[str, str] = {}
    while enough := [node for node, count in counts.items() if count >= (1 if node in existing else min_users)]:
        best = max(enough, key=lambda node: (counts[node] - (node not in existing)) * tree.sizes[node])
        for text in [text for text, nodes in ends.items() if best in nodes]:
            found[text] = text[: tree.sizes[best] - len("\n\n")]
            counts.subtract(dict.fromkeys(ends.pop(text), users[text]))
    return found


def _divided(parts: Iterable[Part], common: Mapping[str, str]) -> Iterator[Part]:
    """The parts, with two parts for a section that has only its beginning in common with others."""
    for part in parts:
        beginning = common.get(part.block, part.block)
        if beginning == part.block:
            yield part
        else:
            yield Part(f"{beginning}\n", part.title, beginning)
            yield Part(part.text[len(beginning) :].lstrip("\n"), is_rest=True)


def _tagged(
    cut: Iterable[list[Part]], shared: Collection[str], known: frozenset[str], min_users: int
) -> list[list[Part]]:
    """Cut the sections that are not shared at shared parts in XML tags, and other text at all parts in XML tags."""
    finer = [[[part] if part.block in shared else tagged_parts(part) for part in parts] for parts in cut]
    enough = _of_enough(([inner for each in parts for inner in each] for parts in finer), known, min_users)
    return [
        [inner for part, each in zip(*pair, strict=True) for inner in (each if _is_cut(part, each, enough) else [part])]
        for pair in zip(cut, finer, strict=True)
    ]


def _is_cut(part: Part, finer: Iterable[Part], shared: Collection[str]) -> bool:
    """Whether to cut a part. If it is a section, something is shared, and more than its heading is left."""
    left = "\n".join(each.text for each in finer if each.block not in shared)
    return not part.title or (left != part.text and bool(has_text(left.partition("\n")[2])))


def _runs(cut: Iterable[list[Part]], shared: Collection[str], known: frozenset[str]) -> dict[str, list[Part]]:
    """The shared parts that follow each other in all their texts, by the text of the first of each run."""
    following: defaultdict[str, Counter[str]] = defaultdict(Counter)
    users: Counter[str] = Counter()
    found: dict[str, Part] = {}
    for parts in cut:
        seen: set[str] = set()
        blocks = [_first_time(part, shared, seen) for part in parts if has_text(part.text)]
        found |= {part.block: part for part in parts if part.block in seen}
        users.update(filter(None, blocks))
        for one, other in pairwise([*blocks, ""]):
            following[one][other] += 1
    after = {
        one: other
        for one, others in following.items()
        for other in others
        if one and other and others[other] == users[one] == users[other] and known.isdisjoint((one, other))
    }
    runs = {}
    for first in users.keys() - after.values():
        run = [first]
        while run[-1] in after:
            run.append(after[run[-1]])
        runs[first] = [found[block] for block in run]
    return runs


def _first_time(part: Part, shared: Collection[str], seen: set[str]) -> str:
    """The block of a part that is shared, unless the text has had it before."""
    block = part.block if part.block in shared and part.block not in seen else ""
    seen.add(block)
    return block


def _split(parts: Iterable[Part], runs: Mapping[str, list[Part]], shared: Collection[str]) -> Split:
    kept: list[str] = []
    taken: list[Shared] = []
    seen: set[str] = set()
    last = moved = displaced = None
    heading, is_after_shared = "", False
    for part in parts:
        if _first_time(part, shared, seen):
            last, is_after_shared = part, True
            if part.block in runs:
                run = runs[part.block]
                taken.append(Shared(tuple(each.title for each in run), "\n\n".join(each.block for each in run)))
        elif has_text(part.text):
            is_apart = not kept or kept[-1].endswith("\n")  # what was between two texts separated them
            kept.append(part.text if is_apart or not last else f"\n{part.text}")
            moved = moved or last
            if last and is_after_shared and part.is_rest and heading:
                displaced = displaced or (last, heading)
            heading, is_after_shared = part.title or heading, False
    return Split("\n".join(kept).strip("\n"), tuple(taken), moved, displaced)
