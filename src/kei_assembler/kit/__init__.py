"""The kit: the folder that one run works on, with its settings, manifests, blocks and templates."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from shlex import quote
from typing import Any, NamedTuple

from kei_assembler.diagnostics import KeyPath
from kei_assembler.files import DISK, Entry, Files
from kei_assembler.files.walk import walk
from kei_assembler.kit.settings import Settings, character, is_block_name, table_at
from kei_assembler.manifest import Manifest, manifest_reader, manifest_shape
from kei_assembler.paths import is_inside, normal
from kei_assembler.source import MAX_BYTES, ReadError, Source, read_text, read_toml
from kei_assembler.source.shapes import Misfit, Shape
from kei_assembler.targets import CLAUDE_TOOLS, TARGETS

SETTINGS_FILE = "assemble.toml"
PROJECT_FILE = "pyproject.toml"
BODY_TEMPLATE = "agent.md.j2"


class Block(NamedTuple):
    """One shared piece of Markdown."""

    name: str
    source: Source


class Kit:
    """A folder with manifests, blocks, optionally templates, and settings.

    Files are named relative to the kit, with `/`. Nothing is read before it is asked for, and no block twice.
    `folder` is an absolute path in `files`, the file system that the kit is read from.
    """

    def __init__(
        self,
        folder: str,
        settings: Settings,
        settings_source: Source | None,
        at: KeyPath = (),
        files: Files = DISK,
    ) -> None:
        self.folder = folder
        self.files = files
        self.settings = settings
        self.settings_source = settings_source
        self.settings_at = at
        self.selected_targets: tuple[str, ...] = ()
        """The targets to keep to, if any: those of one run."""
        self.display_folder = ""
        """The folder, where commands to mend something have to name it."""
        self._blocks: dict[str, Block | None] = {}
        self.holds_folder = cache(self.holds)
        """As `holds`, for folders, of which many files ask."""

    @cached_property
    def root(self) -> str:
        """The resolved folder that sources and outputs stay inside of."""
        return self.files.resolve(self.path(self.settings.root))

    @cached_property
    def allowed_characters(self) -> frozenset[str]:
        """The hidden characters that the kit's files may hold."""
        return frozenset(character(name) for name in self.settings.allow_characters)

    @cached_property
    def allowed_rights(self) -> frozenset[tuple[str, str]]:
        """The agents' names with the rights that they may have."""
        rows = self.settings.allow_rights
        return frozenset((row["agent"], right) for row in rows for right in row["rights"])

    @cached_property
    def shape(self) -> Shape:
        """What a manifest of this kit must be."""
        return manifest_shape(self.settings.extra_keys)

    @cached_property
    def decode_manifest(self) -> Callable[[Mapping[str, Any]], tuple[Manifest, list[Misfit]]]:
        """Gives the manifest that parsed TOML holds, and in how far that does not have the form of this kit's."""
        return manifest_reader(self.shape)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The keys that a manifest must have. Without a name there is no agent, whatever the settings say."""
        return tuple(dict.fromkeys(("name", *self.settings.required)))

    @cached_property
    def known_tools(self) -> frozenset[str]:
        """The tools that manifests may name."""
        return frozenset({*CLAUDE_TOOLS, *self.settings.known_tools})

    @cached_property
    def settings_table(self) -> Any:
        """What stands in the settings' file where their table belongs."""
        return table_at(self.settings_source.data, self.settings_at) if self.settings_source else {}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What every manifest has that does not say otherwise, as it stands in the settings."""
        table: dict[str, Any] = self.settings_table.get("defaults", {})
        return table

    @property
    def defaults_at(self) -> tuple[str, ...]:
        """Where the settings have the defaults."""
        return (*map(str, self.settings_at), "defaults")

    def manifest_file(self, name: str) -> str:
        """Return the file of a new agent's manifest."""
        return normal(f"{self.settings.manifests}/{name}.toml")

    def targets_of(self, manifest: Manifest) -> tuple[str, ...]:
        """Return the targets that a manifest's files are made for: its own or the kit's, or those chosen."""
        wanted = self._all_targets_of(manifest)
        if not self.selected_targets:
            return wanted
        return tuple(target for target in self.selected_targets if manifest.targets is None or target in wanted)

    def _all_targets_of(self, manifest: Manifest) -> tuple[str, ...]:
        wanted = (target for target in manifest.targets or self.settings.targets if target in TARGETS)
        return tuple(dict.fromkeys(wanted))

    def output(self, target: str, name: str, file: str) -> str:
        """Return the path, relative to the kit, of the agent file that the manifest `file` gives for a target."""
        pattern = self.settings.output(target)
        return normal(pattern.replace("{name}", name).replace("{dir}", os.path.dirname(file) or "."))

    def skipped_targets(self, manifest: Manifest) -> tuple[str, ...]:
        """Return the targets of a manifest that this run keeps away from."""
        if not self.selected_targets:
            return ()
        return tuple(target for target in self._all_targets_of(manifest) if target not in self.selected_targets)

    @cached_property
    def manifests(self) -> tuple[str, ...]:
        """The manifests' files, sorted. Settings are none, those of a kit further down neither."""
        found = self.files_in(self.settings.manifests, ".toml", strays=True)
        return tuple(sorted(file for file in found if not self._is_settings(file)))

    def _is_settings(self, file: str) -> bool:
        """Tell apart, further down, the settings of another kit and the manifest of an agent of that name.

        Only a manifest has a name; what is no TOML at all somebody should hear of.
        """
        if file.rpartition("/")[2] not in (SETTINGS_FILE, PROJECT_FILE):
            return False
        if file in (SETTINGS_FILE, PROJECT_FILE):
            return True
        source = self.read_manifest(file)
        return source.error is None and "name" not in source.data

    @cached_property
    def agents(self) -> frozenset[str]:
        """The names of the kit's agents."""
        return frozenset(stem(file) for file in self.manifests)

    @cached_property
    def namesakes(self) -> dict[str, list[str]]:
        """The manifests' files that share their agent's name with another, by that name."""
        files: dict[str, list[str]] = {}
        if len(self.agents) < len(self.manifests):
            for file in self.manifests:
                files.setdefault(stem(file), []).append(file)
        return {name: same for name, same in files.items() if len(same) > 1}

    @cached_property
    def block_names(self) -> tuple[str, ...]:
        """The names of all blocks in the kit's block folders, sorted."""
        files = (
            ("" if folder == "." else f"{folder}/", file)
            for folder in self.settings.blocks
            for file in self.files_in(folder, ".md")
        )
        names = {file.removeprefix(way).removesuffix(".md") for way, file in files}
        return tuple(sorted(name for name in names if is_block_name(name)))

    @property
    def blocks_read(self) -> list[Block]:
        """The blocks that were asked for so far and exist, by name."""
        return sorted(filter(None, self._blocks.values()), key=lambda block: block.name)

    def block(self, name: str) -> Block | None:
        """Return the block of this name from the first block folder that has it, or None."""
        if name not in self._blocks:
            self._blocks[name] = self._read_block(name)
        return self._blocks[name]

    def _read_block(self, name: str) -> Block | None:
        for folder in self.settings.blocks:
            file = normal(f"{folder}/{name}.md")
            if self.files.exists(self.path(file)):
                return Block(name, self.read_text(file))
        return None

    def sources(self) -> list[str]:
        """Return the files that the kit's outputs are made from: settings, manifests, blocks and templates."""
        settings = [self.settings_source.file] if self.settings_source else []
        blocks = (file for folder in self.settings.blocks for file in self.files_in(folder, ".md"))
        return [*settings, *self.manifests, *blocks, *self.templates()]

    def templates(self) -> list[str]:
        """Return the files in the folder for templates; none where no agent file is made from any of them."""
        found = list(self.files_in(self.settings.templates, ""))
        return found if any(os.path.basename(file) == BODY_TEMPLATE for file in found) else []

    def path(self, file: str) -> str:
        """Return the path of a file of the kit on this machine."""
        return os.path.join(self.folder, file)

    def read_manifest(self, file: str) -> Source:
        """Return a manifest's source, with its parsed TOML."""
        return self._read(file, read_toml)

    def read_text(self, file: str) -> Source:
        """Return the source of a block or template."""
        return self._read(file, read_text)

    def _read(self, file: str, reader: Callable[[str, bytes], Source]) -> Source:
        try:
            raw = self._bytes(file)
        except OSError as error:
            return Source(file, "", ReadError("unreadable", error))
        return reader(file, raw)

    def _bytes(self, file: str) -> bytes:
        path = self.path(file)
        try:
            if self.holds_folder(os.path.dirname(path)):
                return self.files.read(path, MAX_BYTES, follow=False)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
        if not self.holds(path):
            raise OSError(errno.EXDEV, "a link leads outside the kit's root")
        return self.files.read(path, MAX_BYTES)

    def holds(self, path: str) -> bool:
        """Tell whether a path lies inside the kit's root after resolving symlinks."""
        return is_inside(self.files.resolve(path), self.root)

    def files_in(
        self, folder: str, suffix: str, strays: bool = False, enters: Callable[[str], bool] | None = None
    ) -> Iterator[str]:
        """Yield a folder's sources with this suffix, all with an empty one, in depth, but for hidden entries.

        `strays` asks also for linked folders that lead outside the root: they are not entered, but cannot be read
        either, which somebody should hear of. With `enters`, which tells it of each inner folder's path, only some are
        entered; then it is other files than sources that are looked for, and hidden entries count, but for git's.

        Raises AssembleError if a folder cannot be read.
        """

        start = "" if folder == "." else f"{folder}/"

        def is_passed_over(entry: Entry) -> bool:
            return entry.name.startswith(".") if enters is None else entry.name == ".git"

        def is_wanted(entry: Entry) -> bool:
            return entry.name.endswith(suffix) and bool(suffix or not entry.is_folder)

        def is_entered(path: str, entry: Entry) -> bool:
            if is_passed_over(entry) or not (enters(start + path) if enters else not is_wanted(entry)):
                return False
            return not entry.is_link or self.holds(self.path(start + path))

        top = self.folder if folder == "." else self.path(folder)
        for path, entry in walk(self.files, top, is_entered, None if enters else suffix):
            is_stray = strays and entry.is_folder and not is_entered(path, entry)
            if not is_passed_over(entry) and (is_wanted(entry) or is_stray):
                yield start + path


def kit_option(kit: str) -> str:
    """Return the option by which a command line names a kit's folder, after a space; nothing for no folder."""
    return f" --kit {quote(kit)}" if kit else ""


def stem(file: str) -> str:
    """Return the name of an agent by its manifest's file."""
    return file.rpartition("/")[2].removesuffix(".toml")
