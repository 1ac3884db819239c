"""The lines for `.gitignore` that make git ignore the outputs of a kit, and nothing else that the kit consists of."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator

from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.outputs import outputs_of
from kei_assembler.paths import normalize, path_below, upwards

ANY = "\ue000"
"""Stands for an agent's name, in which it cannot occur."""


def ignore_lines(kit: LoadedKit) -> list[str]:
    """Return the lines, without line ends, sorted. They are for the file `.gitignore` in `folder_of_lines`.

    A line has `*` in the place of an agent's name, so that it also holds for agents to come. If it would then match a
    source of the kit, or if the outputs lie in no folder of their own, there is a line for each agent instead. Outputs
    outside the folder of the lines have none, nor has a kit that writes to the home folder: git knows none of it.

    Raises:
        AssembleError: a folder of the kit cannot be read.
    """
    return sorted(map(_line, output_paths(kit)))


def output_paths(kit: LoadedKit, others: Callable[[str], Iterable[str]] | None = None) -> set[str]:
    """Return the paths of a kit's outputs that the lines are about, with `ANY` in the place of an agent's name.

    A path that would match a source of the kit is that of one agent instead, and so is one for which `others` returns
    a path that is not an output. All paths are relative to `folder_of_lines`.

    Raises:
        AssembleError: a folder of the kit cannot be read.
    """
    base = folder_of_lines(kit)
    sources = [path_below(_real(kit, file), base) for file in kit.sources()]
    pairs = [*_pairs(kit, base)]
    own = {exact for _, exact, _ in pairs}
    found: set[str] = set()
    for pattern, exact, has_folder in pairs:
        is_free = has_folder and not _matches_any(pattern, sources) and not (others and {*others(pattern)} - own)
        found.add(pattern if is_free else exact)
    return found - {""}


def _pairs(kit: LoadedKit, base: str) -> Iterator[tuple[str, str, bool]]:
    """Yield the path of each output with `ANY` in it, the one without, and whether it lies in a folder of its own."""
    for file, manifest in kit.composition.manifests() if not kit.settings.is_user_level else ():
        named = (outputs_of(kit, manifest._replace(name=name), file) for name in (ANY, stem(file)))
        for pair in zip(*named, strict=True):
            if not pair[0].section:  # people write the rest of the file
                pattern, exact = (path_below(_real(kit, output.path), base) for output in pair)
                yield pattern, exact, bool(os.path.dirname(pair[0].path).strip("./"))


def _real(kit: LoadedKit, file: str) -> str:
    """The path of a file as git sees it: links in its folder are resolved, and the file itself is not."""
    folder, name = os.path.split(kit.path(file))
    return os.path.join(kit.files.resolve(folder), name)


def folder_of_lines(kit: LoadedKit) -> str:
    """Return the folder whose `.gitignore` the lines are for: the top of the work tree, or else the kit's folder."""
    top = git_top(kit.folder, kit.files)
    return kit.files.resolve(top) if top else kit.folder


def line_for(kit: LoadedKit, path: str) -> str:
    """Return the line that matches exactly one file of the kit, or "" if no line can."""
    below = path_below(_real(kit, path), folder_of_lines(kit))
    return _line(below) if below else ""


def _matches_any(pattern: str, sources: Iterable[str]) -> bool:
    parts = pattern.split("/")
    paths = {above for source in sources for above in _with_folders(source)}
    same_depth = (path.split("/") for path in paths if path.count("/") + 1 == len(parts))
    return any(all(map(matches, path, parts)) for path in same_depth)


def matches(name: str, part: str) -> bool:
    """Whether a name matches a part of a pattern, in which anything can stand for an agent's name."""
    first, *others = part.split(ANY)
    if not others:
        return name == first
    *middle, last = others
    end = len(name) - len(last)
    if not (name.startswith(first) and name.endswith(last) and len(first) <= end):
        return False
    start = len(first)
    for piece in middle:  # the first place is always good enough
        start = name.find(piece, start, end) + len(piece)
        if start < len(piece):
            return False
    return True


def _with_folders(path: str) -> Iterator[str]:
    return (normalize(each) for each in upwards(path) if each and each != os.sep)


def _line(path: str) -> str:
    """The line for a path relative to the folder of the lines.

    By the rules in gitignore(5), a `/` at the start binds the line to that folder. A line cannot contain a line break,
    so `?` stands for one.
    """
    escaped = re.sub(r"[\\*?\[]", r"\\\g<0>", path).replace("\n", "?").replace(ANY, "*")
    return re.sub(r" \Z", r"\\ ", f"/{escaped}")
