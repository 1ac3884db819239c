"""A kit: a folder with settings, manifests, blocks and templates."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cache, cached_property
from itertools import filterfalse
from typing import TYPE_CHECKING, Any

from kei_assembler.diagnostics import ExcessError, KeyPath
from kei_assembler.files import DISK, Entry, Files
from kei_assembler.files.sparse_checkout import lacking
from kei_assembler.files.tree import Tree
from kei_assembler.files.walk import walk
from kei_assembler.kit.agent_names import AgentNames
from kei_assembler.kit.blocks import Block, Blocks, split_entry
from kei_assembler.kit.composition import Composition
from kei_assembler.kit.filled_texts import KitTexts
from kei_assembler.kit.manifest_files import PROJECT_FILE as PROJECT_FILE
from kei_assembler.kit.manifest_files import SETTINGS_FILE as SETTINGS_FILE
from kei_assembler.kit.manifest_files import ManifestFiles
from kei_assembler.kit.manifest_files import stem as stem
from kei_assembler.kit.role_files import RoleFiles
from kei_assembler.kit.template_files import template_files
from kei_assembler.kit.variant import Variant
from kei_assembler.markdown import shell
from kei_assembler.model.kinds import AGENT, KINDS, Kind
from kei_assembler.model.manifest import NAME, Manifest, manifest_reader, manifest_shape
from kei_assembler.model.settings import HOME, Settings, character, value_at
from kei_assembler.paths import is_in_git_folder, normalize
from kei_assembler.targets import CLAUDE_TOOLS, TARGETS
from kei_assembler.toml.source import MAX_BYTES, ReadError, Source, read_text, read_toml
from kei_assembler.validation import ValidationError, fits

if TYPE_CHECKING:
    from kei_assembler.build.ownership import KitAtCommit
    from kei_assembler.files.write_record import WriteRecord
    from kei_assembler.kit.placement import Placement
    from kei_assembler.rules.definition import Rule

MAX_FILES = 200_000
"""The maximum number of manifests, of blocks in a folder, of templates, and of files beside the outputs of a client."""


class LoadedKit:
    """A folder with settings, manifests, blocks and, optionally, templates.

    All files are relative to the folder and written with `/`. The kit reads a file when it is needed, and each block
    only once. `folder` is an absolute path in the file system `files`. `at` is the path of the settings' table in
    `settings_source`.
    """

    def __init__(
        self, folder: str, settings: Settings, settings_source: Source | None, at: KeyPath = (), files: Files = DISK
    ) -> None:
        self.folder = folder
        self.files = files
        self.settings = settings
        self.settings_source = settings_source
        self.settings_at = at
        self.selected_targets: tuple[str, ...] = ()
        """The targets that this run is limited to; empty means no limit."""
        self.display_folder = ""
        """The folder in commands that the user is told to run; empty if they do not have to name it."""
        self.unused_excludes: Iterable[int] = ()
        """The entries of the setting `exclude` that matched nothing in a search for kits, if there was one."""
        self.for_user = False
        """Whether the run may write to the user's home folder."""
        self.home = ""
        """The user's home folder, as a resolved path, if outputs lie there and the run may write to it."""
        self.variant = Variant()
        """What the run builds instead of the kit as it is."""
        self.at_commits: list[KitAtCommit] | None = None
        """The kit in the commits that its files come from, once that is needed (see `build.ownership`)."""
        self.links: dict[str, str] = {}
        """The links to sources and to folders of sources that a search has met, with the suffix of the sources."""
        self.broken_rules: dict[tuple[str, Hashable], tuple[Rule, ...]] = {}
        """The rules that have findings about values of keys, by these values (see `rules.recurring`)."""
        self.manifest_files = ManifestFiles(self)
        self.names = AgentNames(self)
        self.role_files = RoleFiles(self)
        self.composition = Composition(self)
        self.blocks = Blocks(self)
        self.texts = KitTexts(self)
        self.shape_of = cache(lambda kind: manifest_shape(settings.extra_keys, kind))
        """Returns the shape of this kit's manifests of a kind."""
        self.decoder = cache(lambda kind: manifest_reader(self.shape_of(kind), kind))
        """Returns the function that decodes the parsed TOML of manifests of a kind (see `manifest_reader`)."""
        self.required = cache(lambda kind: tuple(dict.fromkeys(("name", *settings.of_kind(kind).required))))
        """Returns the keys that a manifest of a kind must have: those of the settings, and always `name`."""
        self.all_targets = cache(self._find_all_targets)
        """Returns the targets for a manifest's own list of targets, or for None, whatever this run is limited to."""

    @cached_property
    def tree(self) -> Tree:
        """The folder that all sources and outputs must lie in, and what is below it."""
        return Tree(self.path(self.settings.root), self.files)

    @cached_property
    def _home_tree(self) -> Tree:
        return Tree(self.home, name="your home folder")

    @cached_property
    def _output_tree(self) -> Tree:
        folder = self.variant.output_dir
        return Tree(folder, self.files, "the output folder") if folder else self.tree

    @cached_property
    def writes(self) -> WriteRecord:
        """The record of what the tool last wrote to the outputs."""
        from kei_assembler.files.write_record import WriteRecord  # only needed for plain stamps

        return WriteRecord(self.folder, self.variant.output_dir)

    def tree_of(self, file: str) -> Tree:
        """Return the tree that an output, or a folder of outputs, must lie in. In the home folder, it is absolute."""
        return self._home_tree if self.home and os.path.isabs(file) else self._output_tree

    def output_path(self, file: str) -> str:
        """Return the absolute path at which this run reads and writes an output, or a file beside the outputs."""
        is_elsewhere = bool(self.variant.output_dir)
        return os.path.normpath(os.path.join(self._output_folder, file)) if is_elsewhere else self.path(file)

    @cached_property
    def _output_folder(self) -> str:
        """The folder that takes the kit's place in the output folder."""
        return os.path.join(self.variant.output_dir, os.path.relpath(self.folder, self.root))

    def shown_output(self, file: str) -> str:
        """Return the path of an output, or of a file beside the outputs, as reports show it."""
        if not self.variant.output_dir:
            return file
        below = os.path.relpath(self.output_path(file), self.variant.output_dir)
        return normalize(os.path.join(self.variant.shown_dir, below))

    @property
    def command_options(self) -> str:
        """The options that a command on this kit needs, each after a space."""
        return f"{' --user' if self.for_user else ''}{self.variant.options}{kit_option(self.display_folder)}"

    @cached_property
    def placement(self) -> Placement:
        """Where the outputs are placed, as their clients see it."""
        from kei_assembler.kit.placement import Placement

        return Placement(self)

    @property
    def root(self) -> str:
        """The resolved path of the folder that all sources and outputs must lie in."""
        return self.tree.folder

    def holds(self, path: str) -> bool:
        """Return whether an absolute path is in the kit's tree."""
        return self.tree.holds(path)

    def holds_folder(self, path: str) -> bool:
        """Return whether the absolute path of a folder is in the kit's tree."""
        return self.tree.holds_folder(path)

    @cached_property
    def allowed_characters(self) -> frozenset[str]:
        """The hidden characters that the kit's files can contain."""
        return frozenset(character(name) for name in self.settings.allow_characters)

    @cached_property
    def allowed_rights(self) -> frozenset[tuple[str, str]]:
        """The allowed rights, as pairs of an agent's name and a right."""
        rows = self.settings.allow_rights
        return frozenset((row["agent"], right) for row in rows for right in row["rights"])

    @property
    def decode_manifest(self) -> Callable[[Mapping[str, Any]], tuple[Manifest, list[ValidationError]]]:
        """The function that decodes the parsed TOML of an agent's manifest."""
        return self.decoder(AGENT)

    @cached_property
    def known_tools(self) -> frozenset[str]:
        """The tools that manifests can name."""
        return frozenset({*CLAUDE_TOOLS, *self.settings.known_tools})

    @cached_property
    def settings_table(self) -> Any:
        """The value in the settings file that should be the table of the settings."""
        return value_at(self.settings_source.data, self.settings_at) if self.settings_source else {}

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The default values for manifests of agents, as parsed from the settings."""
        return self.defaults_of(AGENT)

    def defaults_of(self, kind: Kind) -> Mapping[str, Any]:
        """Return the table of default values for manifests of a kind, as parsed from the settings."""
        at = (*self.settings.of_kind(kind).at, "defaults")
        return value_at(self.settings_table, at) or {}

    def settings_path(self, *path: str | int) -> KeyPath:
        """Return the path in the settings file for a path in the settings."""
        return (*self.settings_at, *path)

    def manifest_file(self, name: str, kind: Kind = AGENT) -> str:
        """Return the file for a new manifest of a kind."""
        return normalize(f"{self.settings.folder_for(kind)}/{name}.toml")

    def targets_of(self, manifest: Manifest) -> tuple[str, ...]:
        """Return the targets to generate a manifest's files for in this run."""
        wanted = self.all_targets(manifest.targets)
        if not self.selected_targets:
            return wanted
        # A manifest without targets of its own is also generated for selected targets that the settings do not list.
        return tuple(target for target in self.selected_targets if manifest.targets is None or target in wanted)

    def skipped_targets(self, manifest: Manifest) -> tuple[str, ...]:
        """Return a manifest's targets that are not selected in this run."""
        selected = self.targets_of(manifest)
        return tuple(target for target in self.all_targets(manifest.targets) if target not in selected)

    def _find_all_targets(self, own: tuple[str, ...] | None) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(target for target in own or self.settings.targets if target in TARGETS))
        return tuple(target for target in found if self.settings.of(target).get("use-files-of") not in found)

    def output(self, target: str, name: str, file: str) -> str:
        """Return the path of the output for an agent's name, its manifest `file` and a target.

        In the home folder, it is an absolute path. If the run may not write there, it begins with `~/`, and only names
        the output. If the run builds into another folder, that also takes the place of the home folder.
        """
        pattern = self.pattern_in_kit(self.settings.output(target))
        path = pattern.replace("{name}", name).replace("{dir}", os.path.dirname(file) or ".")
        if "{subdir}" in path:
            path = path.replace("{subdir}", self.manifest_files.subfolder(file) or ".")
        in_home = self.home and pattern.startswith(HOME)
        return normalize(os.path.join(self.home, path.removeprefix(HOME)) if in_home else path)

    def pattern_in_kit(self, pattern: str) -> str:
        """Return an output pattern, relative to the kit if the run builds into a folder in place of the home folder."""
        is_moved = self.variant.output_dir and pattern.startswith(HOME)
        return f"{self.settings.root}/{pattern.removeprefix(HOME)}" if is_moved else pattern

    @property
    def manifests(self) -> tuple[str, ...]:
        """The files of all manifests, sorted."""
        return self.manifest_files.all

    @cached_property
    def agents(self) -> frozenset[str]:
        """The names of the kit's agents."""
        return frozenset(self.files_by_agent)

    @cached_property
    def known_agents(self) -> frozenset[str]:
        """The agents that can be handed work: the kit's own, and those from elsewhere."""
        return self.agents.union(self.settings.external_agents)

    @cached_property
    def receivers(self) -> frozenset[str]:
        """The names of the agents that can be handed work: those of the kit with a valid name, and those outside it."""
        return frozenset(name for name in self.agents if fits(NAME, name)).union(self.settings.external_agents)

    @property
    def block_names(self) -> tuple[str, ...]:
        """The names of all blocks in the kit's block folders, sorted."""
        return self.blocks.names

    @cached_property
    def known_blocks(self) -> frozenset[str]:
        """The names of all blocks, to look them up."""
        return frozenset(self.block_names)

    def obligatory(self, kind: Kind = AGENT) -> tuple[str, ...]:
        """Return the obligatory blocks of manifests of a kind, with those of bundles."""
        obligatory = self.composition.obligatory(kind)
        return tuple(filterfalse(self.is_left_out, obligatory)) if self.variant.without else obligatory

    def obligatory_lists(self) -> Iterator[tuple[KeyPath, tuple[str, ...]]]:
        """Yield the lists of obligatory blocks in the settings, with their paths in the settings file."""
        for of_kind in map(self.settings.of_kind, KINDS.values()):
            yield self.settings_path(*of_kind.at, "obligatory"), of_kind.obligatory

    def is_left_out(self, entry: object) -> bool:
        """Return whether the run leaves out what an entry of a list of blocks stands for: a block or a section."""
        return isinstance(entry, str) and split_entry(entry)[0] in self.variant.without

    def block(self, entry: str, target: str = "") -> Block | None:
        """Return the block of an entry in a list of blocks, or its variant for a target (see `Blocks.find`)."""
        return self.blocks.find(entry, target)

    def sources(self) -> list[str]:
        """Return the files that the outputs depend on. To find the role files, this reads all manifests."""
        return list(dict.fromkeys((*self.sources_in_folders(), *self.role_files.named)))

    def sources_in_folders(self) -> list[str]:
        """Return the settings, manifests, blocks and templates: all sources except role files."""
        settings = [self.settings_source.file] if self.settings_source else []
        blocks = (file for folder in self.settings.blocks for file in self.files_in(folder, ".md"))
        return [*settings, *self.manifests, *blocks, *self.templates()]

    @cached_property
    def lacking(self) -> frozenset[str]:
        """The sources whose content is not here: in a sparse checkout of a partial clone."""
        paths = lacking(self.files, lambda: map(self.path, self.sources()))
        return frozenset(file for file in (self.sources() if paths else ()) if self.path(file) in paths)

    def templates(self) -> list[str]:
        """Return the files in the folder of templates (see `template_files`)."""
        return template_files(self)

    def path(self, file: str) -> str:
        """Return the absolute path of a file of the kit."""
        return os.path.join(self.folder, file)

    def read_manifest(self, file: str) -> Source:
        """Return a manifest's source, with its parsed TOML."""
        source = self._read(file, read_toml)
        if "extends" not in source.data:
            self.names.add(file, source.data)
        return source

    @property
    def files_by_agent(self) -> Mapping[str, str]:
        """The manifests of agents, by their names."""
        return self.manifest_files.named(AGENT)

    def content_of(self, file: str) -> bytes:
        """Return the bytes of a manifest, or nothing if it cannot be read."""
        try:
            return self.tree.read(self.path(file), MAX_BYTES)
        except OSError:
            return b""

    def decoded(self, file: str) -> tuple[Manifest, list[ValidationError]]:
        """Return the manifest in a file, merged with what it inherits, and the errors that validation found."""
        data = self.composition.resolve(self.read_manifest(file)).data
        return self.decoder(self.manifest_files.kind_in(file, data))(data)

    def read_text(self, file: str) -> Source:
        """Return the source of a block or template."""
        return self._read(file, read_text)

    def _read(self, file: str, parse: Callable[[str, bytes], Source]) -> Source:
        try:
            return parse(file, self.tree.read(self.path(file), MAX_BYTES))
        except OSError as error:
            return Source(file, "", ReadError("unreadable", error))

    def files_in(
        self,
        folder: str,
        suffix: str,
        with_outside_links: bool = False,
        enters: Callable[[str], bool] | None = None,
        of_outputs: bool = False,
    ) -> Iterator[str]:
        """Yield the files below a folder that end with a suffix; an empty suffix means all files.

        Without `enters`, these are sources: hidden files and folders are skipped. With `enters`, only subfolders whose
        paths it accepts are searched, and hidden ones too, except `.git`. `with_outside_links` also yields linked
        folders that lead outside the root, even the folder itself: they are not searched, so the caller reports them.
        `of_outputs` searches where the run builds.

        Raises:
            AssembleError: a folder cannot be read, or there are too many files.
        """
        prefix = "" if folder == "." else f"{folder}/"

        def is_skipped(entry: Entry) -> bool:
            return entry.name.startswith(".") if enters is None else is_in_git_folder(entry.name)

        def is_wanted(entry: Entry) -> bool:
            return entry.name.endswith(suffix) and bool(suffix or not entry.is_folder)

        def is_searched(path: str, entry: Entry) -> bool:
            if is_skipped(entry) or not (enters(prefix + path) if enters else not is_wanted(entry)):
                return False
            return not entry.is_link or tree.holds(path_of(prefix + path))

        tree, path_of = (self.tree_of(folder), self.output_path) if of_outputs else (self.tree, self.path)
        top = path_of("") if folder == "." else path_of(folder)
        if not tree.holds_folder(top):
            if with_outside_links:
                yield folder
            return
        count = 0
        for path, entry in walk(self.files, top, is_searched, None if enters else suffix):
            is_outside_link = with_outside_links and entry.is_folder and not is_searched(path, entry)
            if entry.is_link and enters is None:
                self.links[prefix + path] = suffix
            if not is_skipped(entry) and (is_wanted(entry) or is_outside_link):
                count += 1
                if count > MAX_FILES:
                    what = f"files whose names end in `{suffix}`" if suffix else "files"
                    raise ExcessError(folder, f"`{folder}` has more than {MAX_FILES:,} {what}", "move some of them")
                yield prefix + path


def kit_option(folder: str) -> str:
    """Return the option `--kit` for a command line, after a space, or an empty string for no folder."""
    return f" --kit {shell.word(folder)}" if folder else ""
