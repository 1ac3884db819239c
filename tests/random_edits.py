"""Random edits of generated text, as somebody makes them who improves a rule where it is read."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kei_assembler.targets.target import Target

_WORD = re.compile(r"[A-Za-z]{3,}")
_NEW = (
    "carefully",
    "twice",
    "rarely",
    "with tests",
    '"quoted"',
    "it's",
    "a \\ b",
    "`code`",
    "(see 2.1)",
    "50 %",
    "ünïcode",
)
_LINES = ("A new sentence.", "- a new entry", "Say what you checked, and how.", 'It\'s "quoted".')


class RandomEdit(NamedTuple):
    """An edit of a text: its kind, and the lines afterwards."""

    kind: str
    lines: list[str]


def changed_word(lines: list[str], number: int, rng: random.Random) -> list[str]:
    """Replace a word of a line."""
    words = [*_WORD.finditer(lines[number])]
    word = rng.choice(words)
    line = lines[number]
    return [*lines[:number], f"{line[: word.start()]}{rng.choice(_NEW)}{line[word.end() :]}", *lines[number + 1 :]]


def added_word(lines: list[str], number: int, rng: random.Random) -> list[str]:
    """Add words after a word of a line."""
    word = rng.choice([*_WORD.finditer(lines[number])])
    line = lines[number]
    return [*lines[:number], f"{line[: word.end()]} {rng.choice(_NEW)}{line[word.end() :]}", *lines[number + 1 :]]


def removed_word(lines: list[str], number: int, rng: random.Random) -> list[str]:
    """Remove a word of a line that has others."""
    word = rng.choice([*_WORD.finditer(lines[number])])
    line = lines[number]
    made = f"{line[: word.start()]}{line[word.end() :]}".replace("  ", " ").rstrip()
    return [*lines[:number], made, *lines[number + 1 :]]


def added_line(lines: list[str], number: int, rng: random.Random) -> list[str]:
    """Add a line below one, of its kind."""
    line = lines[number]
    new = f"- {rng.choice(_LINES).removeprefix('- ')}" if line.startswith("- ") else rng.choice(_LINES)
    return [*lines[: number + 1], new, *lines[number + 1 :]]


def removed_line(lines: list[str], number: int, _rng: random.Random) -> list[str]:
    """Remove a line."""
    return [*lines[:number], *lines[number + 1 :]]


def swapped_lines(lines: list[str], number: int, _rng: random.Random) -> list[str]:
    """Swap a line and the one below it, if both are entries of a list."""
    pair = lines[number : number + 2]
    are_entries = len(pair) == len([line for line in pair if line.startswith("- ")]) > 1
    return [*lines[:number], *reversed(pair), *lines[number + 2 :]] if are_entries else lines


Kind = Callable[[list[str], int, random.Random], list[str]]

WORDS: tuple[Kind, ...] = (changed_word, added_word, removed_word)
LINES: tuple[Kind, ...] = (added_line, removed_line)
ENTRIES: tuple[Kind, ...] = (*WORDS, *LINES, swapped_lines)


def edited_key(lines: list[str], row: Target, rng: random.Random) -> RandomEdit:
    """Return lines of an agent's file for a client with a key of its front matter changed, added or removed.

    The key is one that takes some words only, and is added where a build writes it.
    """
    is_toml = row.form.syntax == "toml"
    form = '{} = "{}"' if is_toml else "{}: {}"
    start = 1
    end = next(number for number in range(start, len(lines)) if lines[number].startswith(row.form.body_key or "---"))
    numbers = {re.split("[ :]", lines[number])[0]: number for number in range(start, end)}
    words = {key.field.key: key.field.shape.choices for key in row.table if key.field.shape.choices}
    present = [key for key in numbers if key in (*words, row.model_key, row.tools.key)]
    kind = rng.choice(("changed_key", "removed_key", "added_key")) if present else "added_key"
    key = rng.choice(present if kind != "added_key" else [key for key in words if key not in numbers] or [""])
    if not key or (kind == "changed_key" and key not in words):
        return RandomEdit(kind, lines)
    new = [form.format(key, rng.choice(words[key]))] if kind != "removed_key" else []
    after = [numbers[other] for other in row.keys[: row.keys.index(key)] if other in numbers]
    at = numbers[key] if kind != "added_key" else max(after, default=start - 1) + 1
    return RandomEdit(kind, [*lines[:at], *new, *lines[at + (kind != "added_key") :]])


def edited(lines: list[str], numbers: Sequence[int], rng: random.Random, kinds: Sequence[Kind]) -> RandomEdit:
    """Return lines with one random edit, of one of these kinds, in one of the lines with these numbers."""
    kind = rng.choice(kinds)
    with_words = [number for number in numbers if _WORD.search(lines[number])]
    return RandomEdit(kind.__name__, kind(lines, rng.choice(with_words), rng))
