"""Find the agent files that a command line names, the client of each, and the name that its path gives the agent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache

from kei_assembler import lazy_re
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK, Entry
from kei_assembler.files.tree import Tree
from kei_assembler.files.walk import walk
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit.outputs import SECTION_FILES
from kei_assembler.paths import is_in_git_folder, is_inside
from kei_assembler.records import NamedTuple
from kei_assembler.targets import DEFAULT_TARGET, TARGETS
from kei_assembler.targets.forms import Form, toml
from kei_assembler.targets.instructions import SKILL_FILE
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import MAX_BYTES

_SKIPPED_FOLDERS = frozenset((".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__"))
_SKILL = os.path.basename(SKILL_FILE)
_SUFFIXES = tuple({suffix for row in TARGETS.values() for suffix in row.suffixes})

AGENTS_FOLDER = lazy_re.compile(r"(?:\A|/)agents?/")
"""A folder of agents, whatever their client is."""


class FoundFile(NamedTuple):
    """A file to import: its path, its target, and the tree that it has to be in.

    If it has instructions, the target can be empty: most clients read `AGENTS.md`. `is_guess` says that neither the
    path nor the command says the target.
    """

    path: str
    target: str
    tree: Tree
    has_instructions: bool = False
    is_guess: bool = False


class FoundFiles(NamedTuple):
    """The files to import, and the other files of the named folders that may be agents, but are not looked at."""

    files: list[FoundFile]
    others: list[FoundFile]


def agent_files(sources: Sequence[str], target: str | None, kit_folder: str) -> FoundFiles:
    """Return the named files, and the agent files in the named folders. Files with instructions have to be named.

    `target` applies to all files. If it is None, the target depends on the path. `kit_folder` is the folder of the kit
    that imports them.

    Raises:
        AssembleError: a source does not exist, a folder cannot be read, or no agent files are found.
    """
    found: dict[str, FoundFile] = {}
    others: dict[str, FoundFile] = {}
    for source in sources:
        if not DISK.exists(source):
            raise AssembleError(f"`{source}` does not exist")
        tree = _tree_of(source, kit_folder)
        if has_instructions(source) and not DISK.is_folder(source):
            client = target or _OWNERS.get(os.path.basename(source), "")
            found[os.path.abspath(source)] = FoundFile(source, client, tree, has_instructions=True)
            continue
        taken, left = _in_folder(source, target, tree) if DISK.is_folder(source) else ([source], [])
        for path in taken:
            known = target or target_by_path(path)
            file = FoundFile(path, known or DEFAULT_TARGET, tree, is_guess=known is None)
            found.setdefault(DISK.resolve(path), file)
        for path in left:
            others.setdefault(DISK.resolve(path), FoundFile(path, "", tree, has_instructions(path)))
    if not found:
        raise AssembleError("no agent files were found", "name the files, or the folder that contains them")
    named = {DISK.resolve(file.path) for file in found.values()} if others else set()
    return FoundFiles(list(found.values()), [file for real, file in others.items() if real not in named])


_OWNERS = {row.instructions.other.name: row.name for row in TARGETS.values() if row.instructions.other}
"""The clients that have a file of their own for instructions, by its name."""


def has_instructions(path: str) -> bool:
    """Return whether a file has the instructions of a folder, not an agent, by its name."""
    return os.path.basename(path) in SECTION_FILES and target_by_folder(_absolute(path)) is None


def _tree_of(source: str, kit_folder: str) -> Tree:
    """The tree that a source has to stay in: its git work tree, the kit's folder, or what the user names elsewhere."""
    path = os.path.abspath(source)
    if top := git_top(os.path.dirname(path)):
        return Tree(top)
    if is_inside(path, kit_folder):
        return Tree(kit_folder)
    return Tree(path if DISK.is_folder(path) else os.path.dirname(DISK.resolve(path)))


def target_by_path(path: str) -> str | None:
    """Return the target of a file by the folder that it is in or by the end of its name, or None."""
    full = _absolute(path)
    by_suffix = (row.name for row, _, suffix in _search_paths() if suffix != row.form.suffix and full.endswith(suffix))
    return target_by_folder(full) or next(by_suffix, None)


def _absolute(path: str) -> str:
    return os.path.abspath(path).replace(os.sep, "/")


def _in_folder(folder: str, target: str | None, tree: Tree) -> tuple[list[str], list[str]]:
    """The files in clients' folders, or if there are none, those in folders of agents, or otherwise all Markdown files.

    The second list has the files left out that could be agent files of any client.
    """
    files = (path for path in _walk(folder, tree) if os.path.basename(path) != _SKILL)
    found = sorted(files, key=lambda path: (path.count(os.sep), path))
    targets = ((path, target or target_by_path(path)) for path in found)
    by_path = {path: name for path, name in targets if not _is_other_file(path, name)}
    paths = [*by_path]
    known = [path for path, name in by_path.items() if name and path.lower().endswith(TARGETS[name].suffixes)]
    if target is not None:
        return known, []
    pages = [path for path in paths if path.endswith(".md")]
    taken = known or [path for path in paths if AGENTS_FOLDER.search(path) and _is_agent_page(path, tree)] or pages
    chosen = {*taken}
    return taken, [path for path in paths if path.lower().endswith(_SUFFIXES) and path not in chosen]


def _is_other_file(path: str, target: str | None) -> bool:
    return target is not None and TARGETS[target].loader.is_other_file(_absolute(path))


def _is_agent_page(path: str, tree: Tree) -> bool:
    """Whether a file is Markdown, or has the form of a client's agents, unlike a manifest."""
    raw = b""
    if path.lower().endswith(_SUFFIXES) and not path.endswith(".md"):
        with suppress(OSError):
            raw = tree.read(os.path.abspath(path), MAX_BYTES)
    return path.endswith(".md") or target_by_form(path, raw) is not None


def target_by_form(path: str, raw: bytes) -> str | None:
    """Return the target whose agent files are not Markdown, and have the form of this file, or None."""
    rows = (row for row in TARGETS.values() if row.form.suffix != ".md" and path.lower().endswith(row.suffixes))
    return next((row.name for row in rows if _has_form(row.form, raw)), None)


def _has_form(form: Form, raw: bytes) -> bool:
    # in its own folder, a client may load any TOML file; elsewhere, only the key of the body shows what a file is
    pattern = toml(form.body_key).agent_pattern if form.body_key else form.agent_pattern
    return pattern.search(raw) is not None


def _walk(folder: str, tree: Tree) -> Iterator[str]:
    """The files in a folder and its subfolders. A client's folder counts again for each link that leads to it."""
    real = DISK.resolve(folder)
    if is_in_git_folder(real):
        raise AssembleError(f"`{folder}` is in git's own folder")
    if not tree.holds(real):
        raise AssembleError(f"`{folder}` is a link that leads outside {tree.folder}")

    def enters(path: str, entry: Entry) -> bool:
        leads_upwards = entry.is_link and is_inside(real, DISK.resolve(os.path.join(folder, path)))
        leads_outside = entry.is_link and not tree.holds(os.path.abspath(os.path.join(folder, path)))
        return entry.name not in _SKIPPED_FOLDERS and not leads_upwards and not leads_outside

    def is_client_folder(path: str) -> bool:
        return target_by_folder(f"{_absolute(os.path.join(folder, path))}/x") is not None

    for path, entry in walk(DISK, folder, enters, once_per=is_client_folder):
        if not entry.is_folder:
            yield os.path.join(folder, path)


def target_by_folder(path: str) -> str | None:
    """Return the target whose client looks for agents in the folder of a file, or None. The path has `/`."""
    match = _in_client_folder().fullmatch(path)
    return next((row.name for row, folder, _ in _search_paths() if match["folder"] == folder), None) if match else None


def below_client_folder(path: str) -> str | None:
    """Return the folder of a file relative to the folder of a client that it is in, or None. It can be ""."""
    match = _in_client_folder().fullmatch(_absolute(path))
    return os.path.dirname(match["below"]) if match else None


@cache
def _in_client_folder() -> re.Pattern[str]:
    folders = "|".join(re.escape(folder) for _, folder, _ in _search_paths())
    return re.compile(rf"(?:.*/)?(?P<folder>{folders})/(?P<below>.+)", re.DOTALL)


@cache
def _search_paths() -> tuple[tuple[Target, str, str], ...]:
    """Where each client looks for agent files: the folder, and what follows the name."""
    rows = ((row, pattern) for row in TARGETS.values() for pattern in row.search_paths or (row.output,))
    paths = ((row, pattern.partition("/{name}")) for row, pattern in rows)
    return tuple((row, folder, suffix) for row, (folder, _, suffix) in paths)


def name_by_path(path: str, target: str) -> str:
    """Return the name that a client gives an agent without a `name` in its front matter."""
    match = _in_client_folder().fullmatch(_absolute(path)) if TARGETS[target].loader.folders_in_name else None
    name = match["below"] if match else path.rpartition("/")[2]
    return name.removesuffix(next(filter(name.endswith, _endings()), ""))


@cache
def _endings() -> list[str]:
    """What can follow the name of an agent in the name of a file, the longest first."""
    found = {each for row, _, suffix in _search_paths() for each in (suffix, row.form.suffix, *row.suffixes)}
    return sorted(found, key=len, reverse=True)
