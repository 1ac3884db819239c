"""The blocks of a kit, their sections, and the texts that replace them for a client.

An entry in a list of blocks is `NAME`, or `NAME#SLUG` for one section. The file `NAME@CLIENT.md`, in any block folder,
replaces the block `NAME` for that client. It is a variant of the block.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING

from kei_assembler.diagnostics import AssembleError, ExcessError
from kei_assembler.model.settings import is_block_name
from kei_assembler.paths import normalize
from kei_assembler.records import NamedTuple
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import Source

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit
    from kei_assembler.markdown.sections import Section

MAX_CHARACTERS = 64 * 1024 * 1024
"""The maximum size of all blocks that a run reads. It keeps their texts."""

SECTION_MARK = "#"
"""What separates the name of a block from the slug of a section."""

VARIANT_MARK = "@"
"""What separates the name of a block from a client in the name of a file."""


def split_entry(entry: str) -> tuple[str, str]:
    """Return the name of a block, and the slug of a section or "", for an entry in a list of blocks."""
    name, _, slug = entry.partition(SECTION_MARK)
    return name, slug


def with_sections(entries: Iterable[str]) -> list[tuple[int, str]]:
    """Return the entries that name a section, each with its index."""
    return [(index, entry) for index, entry in enumerate(entries) if SECTION_MARK in entry]


class Block(NamedTuple):
    """A named piece of Markdown that manifests share. If it is a variant, `target` is its client."""

    name: str
    source: Source
    target: str = ""


class Blocks:
    """The blocks of a kit, each read when it is needed, and only once."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.sections = cache(self._find_sections)
        self.clients = cache(self._find_clients)
        self.tokens = cache(self._count_tokens)
        self._marked_in = cache(self._find_marked_in)
        self._read: dict[str, Block | None] = {}
        self._added: dict[str, dict[str, str]] = {}
        self._characters = 0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all blocks in the kit's block folders, sorted."""
        names = {
            file.removeprefix("" if folder == "." else f"{folder}/").removesuffix(".md")
            for folder in self.kit.settings.blocks
            for file in self.kit.files_in(folder, ".md")
        }
        return tuple(sorted(filter(is_block_name, names)))

    def add(self, block: Block) -> None:
        """Add a block, or a variant of one, that is not in a file yet."""
        self._read[f"{block.name}{VARIANT_MARK}{block.target}" if block.target else block.name] = block
        if block.target:
            self._added.setdefault(block.name, {})[block.target] = block.source.file

    def find(self, entry: str, target: str = "") -> Block | None:
        """Return the block of an entry from the first block folder that has it, or None.

        With a target, return the block's variant for it, if it has one.

        Raises:
            AssembleError: a block folder cannot be read.
            ExcessError: the blocks that have been read are too large in total.
        """
        if not target and entry in self._read:
            return self._read[entry]
        name, _ = split_entry(entry)
        is_variant = target and target in self.clients(name)
        key = f"{name}{VARIANT_MARK}{target}" if is_variant else name
        if key not in self._read:
            source = self._read_first(key) if is_block_name(name) else None
            self._characters += len(source.text) if source else 0
            if self._characters > MAX_CHARACTERS:
                message = f"the blocks of the kit have more than {MAX_CHARACTERS:,} characters in total"
                raise ExcessError(self.kit.settings.blocks[0], message, "use fewer blocks, or shorten them")
            self._read[key] = Block(name, source, target if is_variant else "") if source else None
        if not target:
            self._read[entry] = self._read[key]
        return self._read[key]

    def _read_first(self, name: str) -> Source | None:
        for folder in self.kit.settings.blocks:
            file = normalize(f"{folder}/{name}.md")
            if self.kit.files.exists(self.kit.path(file)):
                return self.kit.read_text(file)
        return None

    def text(self, entry: str, target: str = "") -> str:
        """Return the Markdown that an entry stands for, for a target: a block or a section of it.

        It is empty if there is no such block. If there is no such section, which is an error, it is the whole block, so
        that no limit of a client is missed for lack of text.
        """
        block = self.find(entry, target)
        section = self.section_of(block, entry) if block else None
        text = block.source.text if block else ""
        return text[section.start : section.end] if section else text

    def section_of(self, block: Block, entry: str) -> Section | None:
        """Return the section of a block that an entry names, or None if it names none, or one that does not exist."""
        _, slug = split_entry(entry)
        return next(iter(self.sections(block).get(slug, ())), None) if slug else None

    def _count_tokens(self, entry: str, target: str) -> int:
        """About how many tokens the text of an entry has, before values fill it."""
        from kei_assembler.markdown.structure import trimmed
        from kei_assembler.markdown.tokens import tokens  # most runs do not need them

        return tokens(trimmed(self.text(entry, target)))

    def section_entries(self, name: str) -> list[str]:
        """Return the entries for the sections of a block that an entry can name, in their order."""
        block = self.find(name)
        sections = self.sections(block) if block and not block.source.error else {}
        return [f"{name}{SECTION_MARK}{slug}" for slug, same in sections.items() if len(same) == 1]

    def _find_sections(self, block: Block) -> dict[str, list[Section]]:
        """The sections of a block by their slugs, in their order, without those that nothing can name."""
        from kei_assembler.markdown.sections import sections  # most kits list whole blocks

        found: dict[str, list[Section]] = {}
        for section in sections(block.source.text):
            found.setdefault(section.slug, []).append(section)
        found.pop("", None)
        return found

    def files(self, name: str) -> list[str]:
        """Return the files of a block's name in all block folders, without repetitions because of links.

        For the variants for a client, the name ends with `@` and the client.
        """
        kit = self.kit
        files = (normalize(f"{folder}/{name}.md") for folder in kit.settings.blocks)
        by_real = {kit.files.resolve(kit.path(file)): file for file in files if kit.files.exists(kit.path(file))}
        return list(by_real.values())

    def variants(self, entry: str) -> tuple[str, ...]:
        """Return the targets that the block of an entry has a variant for, sorted."""
        name, _ = split_entry(entry)
        return tuple(sorted(client for client in self.clients(name) if client in TARGETS))

    def _find_clients(self, name: str) -> dict[str, str]:
        """What follows `@` in the names of a block's files, each with the first of these files."""
        above, _, last = name.rpartition("/")
        found = dict(self._added.get(name, {}))
        for folder in self.kit.settings.blocks if is_block_name(name) else ():
            for client in self._marked_in(normalize(f"{folder}/{above}")).get(last, ()):
                found.setdefault(client, normalize(f"{folder}/{name}{VARIANT_MARK}{client}.md"))
        return found

    def _find_marked_in(self, folder: str) -> Mapping[str, list[str]]:
        """What follows the first `@` in the names of files directly in a folder, by what comes before it."""
        path = self.kit.path(folder)
        if not self.kit.tree.holds_folder(path):
            return {}
        try:
            names = [entry.name for entry in self.kit.files.list(path, ".md") if VARIANT_MARK in entry.name]
        except OSError as error:
            raise AssembleError(f"the folder `{path}` cannot be read: {error.strerror}") from error
        marked: dict[str, list[str]] = {}
        for name in sorted(names):
            before, _, client = name.removesuffix(".md").partition(VARIANT_MARK)
            if name.endswith(".md"):
                marked.setdefault(before, []).append(client)
        return marked
