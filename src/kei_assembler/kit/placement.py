"""Where outputs are placed: in a client's own folder, in a plugin, or where the client does not look for agents."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import TYPE_CHECKING

from kei_assembler import lazy_re
from kei_assembler.paths import is_inside, normalize, path_below, upwards
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import MAX_BYTES

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit


_SPACES = lazy_re.compile(" +")
_PLUGIN_NAME = lazy_re.compile("[A-Za-z0-9._-]{1,100}")


@cache
def client_folder(target: str) -> re.Pattern[str]:
    """Return a pattern for the folders of a client, and those in them, in any project.

    Group 1 is the project, and group 2 the path below the client's folder. The pattern matches whole absolute paths
    with `/`, in any case, since some file systems ignore the case.
    """
    return _ending(TARGETS[target].agent_folders)


@cache
def _user_folder(target: str) -> re.Pattern[str] | None:
    row = TARGETS[target]
    return _ending(row.user_folders) if row.user_folders else None


def _ending(folders: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?is:(.*)/(?:{'|'.join(map(re.escape, folders))})(?:/(.*))?)")


class Placement:
    """The placement of a kit's outputs. Folders are relative to the kit."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.plugin_file = cache(self._find_plugin_file)
        """The file that marks the plugin which a folder of outputs is part of; see `_find_plugin_file`."""
        self._prefix = cache(self._find_prefix)
        self._looks_in = cache(self._is_searched)
        self._agents_by_output = cache(self._find_agents_by_output)
        self.readers_of_others = cache(self._find_readers_of_others)
        """Which clients also load the file of another target for the same agent; see `_find_readers_of_others`."""

    @cached_property
    def outputs(self) -> frozenset[str]:
        """The paths of all outputs of the kit, and of those that its agents would have for other targets."""
        from kei_assembler.kit.owners import possible_outputs  # rarely needed

        return frozenset(one.output.path for one in possible_outputs(self.kit))

    def is_output(self, target: str, path: str) -> bool:
        """Return whether any manifest of the kit would have its output for a target at this path."""
        agent = self.agent_at(target, path)
        return bool(agent) and not self.kit.names.is_abstract(agent)

    def agent_at(self, target: str, path: str) -> str:
        """Return the name of the manifest whose output for a target would be at this path, or ""."""
        return self._agents_by_output(target).get(path, "")

    def _find_agents_by_output(self, target: str) -> dict[str, str]:
        return {self.kit.output(target, agent, file): agent for agent, file in self.kit.files_by_agent.items()}

    def projects(self, target: str, folder: str) -> Iterator[str]:
        """Yield the folders, up to the root, that are a project in which the client finds the files of a folder."""
        top = os.path.normpath(self.kit.path(self.kit.settings.root))
        for path in self._spellings(folder):
            match = client_folder(target).fullmatch(path)
            project = os.path.normpath(match[1] or os.sep) if match else ""
            if is_inside(project, top):
                around = upwards(project, top)
                yield from (normalize(os.path.relpath(each, self.kit.folder)) for each in around)

    def folders(self, target: str, folder: str, of_project: Iterable[str]) -> list[str]:
        """Return the folders beside a folder of outputs in which the client finds agents, that one perhaps included.

        Those in a project are `of_project`. There are none if the client does not look for agents in the folder.
        """
        if self._is_in_home(folder):
            row = TARGETS[target]
            own = [normalize(os.path.join(self.kit.home, each)) for each in row.home_folders]
            return own if self._is_in_home_folder(row, folder) else []
        projects = self.projects(target, folder)
        return [normalize(f"{project}/{each}") for project in projects for each in of_project]

    def _is_in_home(self, folder: str) -> bool:
        return bool(self.kit.home) and os.path.isabs(folder)

    def _is_in_home_folder(self, row: Target, folder: str) -> bool:
        """Whether a folder in the home folder is one in which the client finds a user's agents."""
        below = [path_below(path, self.kit.home).casefold() for path in self._spellings(folder)]
        own = [each.casefold() for each in row.home_folders]
        return any(
            path == each or (row.searches_subfolders and path.startswith(f"{each}/")) for path in below for each in own
        )

    def name_by_file(self, target: str, path: str) -> str:
        """Return the name that a client gives an agent by its file."""
        row, (folder, name) = TARGETS[target], os.path.split(path)
        ends = (*(pattern.partition("{name}")[2] for pattern in row.search_paths), *row.suffixes)
        if row.loader.folders_in_name:
            match = client_folder(target).fullmatch(self._spellings(folder)[0])
            name = f"{match[2]}/{name}" if match and match[2] else name
        name = name.removesuffix(max(filter(name.endswith, ends), key=len, default=""))
        spaced = name.translate(dict.fromkeys(map(ord, row.loader.hyphens_for), " "))
        return _SPACES.sub("-", spaced) if row.loader.hyphens_for else name

    def is_loaded(self, target: str, path: str) -> bool:
        """Return whether a client loads an output: by its name, and by its folder, in a project or in a plugin."""
        row, (folder, name) = TARGETS[target], os.path.split(path)
        if not name.casefold().endswith(row.suffixes) or row.loader.skips(path):
            return False
        return self._looks_in(target, folder)

    def _find_readers_of_others(self, targets: tuple[str, ...], folder: str) -> tuple[tuple[str, str], ...]:
        """The pairs of targets of which the first one's client loads its own file for an agent and the second one's.

        `targets` are those of a manifest in a folder. If a client always prefers its own file, it is not in a pair.
        """
        paths = {target: self.kit.output(target, "x", f"{folder}/x.toml") for target in targets}
        readers = [target for target in targets if len(targets) > 1 and self.is_loaded(target, paths[target])]
        return tuple(
            (reader, other)
            for reader in readers
            for other in targets
            if paths[other] != paths[reader]
            and self.is_loaded(reader, paths[other])
            and not self.is_preferred(TARGETS[reader], paths[reader], paths[other])
        )

    @staticmethod
    def is_preferred(row: Target, own: str, other: str) -> bool:
        """Return whether a client prefers its own file for an agent to another one, by the folders of the two."""
        is_beside = other.startswith(f"{os.path.dirname(own)}/")
        is_own, is_foreign = (
            any(f"/{folder}/" in f"/{other}" for folder in folders)
            for folders in (row.own_folders, [each.folder for each in row.foreign])
        )
        return is_foreign and not is_own and not is_beside

    def _is_searched(self, target: str, folder: str) -> bool:
        """Whether a client looks for agents in a folder of outputs."""
        row = TARGETS[target]
        return self._is_in_client_folder(row, folder) or self._is_in_plugin(row, folder) or self._is_linked(row, folder)

    def _is_in_client_folder(self, row: Target, folder: str) -> bool:
        if self._is_in_home(folder) and self._is_in_home_folder(row, folder):
            return True
        patterns = filter(None, (client_folder(row.name), _user_folder(row.name)))
        found = [pattern.fullmatch(path) for pattern in patterns for path in self._spellings(folder)]
        folders = tuple(f"/{each}".casefold() for each in (*row.agent_folders, *row.user_folders))
        return any(
            match and (self.enters(row, match[2] or "") or match[0].casefold().endswith(folders)) for match in found
        )

    @staticmethod
    def enters(row: Target, below: str) -> bool:
        """Return whether a client looks for agents in this folder below its own one."""
        steps, loader = below.split("/") if below else [], row.loader
        if not row.searches_subfolders or len(steps) > loader.maximum_depth:
            return not steps
        return not any(fnmatchcase(step, skipped) for step in steps for skipped in loader.skipped_folders)

    def _spellings(self, folder: str) -> tuple[str, ...]:
        """The absolute path of a folder, as the kit sees it and resolved, with `/`."""
        path = self.kit.path(folder)
        return tuple(each.replace(os.sep, "/") for each in (os.path.normpath(path), self.kit.files.resolve(path)))

    def _find_plugin_file(self, target: str, folder: str) -> str | None:
        """The file that makes a folder of outputs a part of a plugin, or None if the folder is a project's own."""
        row = TARGETS[target]
        if not row.plugin.markers or self._is_in_client_folder(row, folder):
            return None
        real = self.kit.files.resolve(self.kit.path(folder))
        if not self.kit.holds_folder(self.kit.path(folder)):
            return None
        paths = ((each, marker) for each in upwards(real, self.kit.root) for marker in row.plugin.markers)
        found = (os.path.join(each, *marker.split("/")) for each, marker in paths)
        path = next(filter(self.kit.files.exists, found), None)
        return path and normalize(os.path.relpath(path, self.kit.folder))

    def name_prefix(self, target: str, path: str) -> str:
        """Return what the client puts before the name of the agent in an output: `PLUGIN:`, or nothing."""
        return self._prefix(target, os.path.dirname(path))

    def _find_prefix(self, target: str, folder: str) -> str:
        row, file = TARGETS[target], self.plugin_file(target, folder)
        marker = next((each for each in row.plugin.markers if file and file.endswith(each)), None)
        if file is None or marker is None:
            return ""
        real = self.kit.files.resolve(self.kit.path(folder))
        plugin, name = self._plugin(file, self.kit.files.resolve(self.kit.path(file.removesuffix(marker) or ".")), real)
        below = normalize(os.path.relpath(real, os.path.join(plugin, *row.plugin.folder.split("/"))))
        steps = [] if below == "." or below.startswith("..") else below.split("/")
        return "".join(f"{step}:" for step in (name, *steps)) if name else ""

    def _plugin(self, file: str, top: str, folder: str) -> tuple[str, str]:
        """The folder and the name of the plugin that a folder is part of, which the marker `file` in `top` describes.

        The marker is that of one plugin, or a list of the plugins of a marketplace. The name is "" if it is unusable.
        """
        import json  # most kits are not part of a plugin

        try:
            data = json.loads(self.kit.tree.read(self.kit.path(file), MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return top, ""
        plugins = data.get("plugins") if isinstance(data, dict) else None
        for plugin in plugins if isinstance(plugins, list) else (data,):
            source = plugin.get("source", ".") if isinstance(plugin, dict) else None
            name = plugin.get("name") if isinstance(plugin, dict) else None
            place = os.path.normpath(os.path.join(top, source)) if isinstance(source, str) else None
            if place and isinstance(name, str) and _PLUGIN_NAME.fullmatch(name) and is_inside(folder, place):
                return place, name
        return top, ""

    def _is_in_plugin(self, row: Target, folder: str) -> bool:
        """Whether a folder is the one of a plugin in which the client looks for agents, or the plugin names it."""
        file = self.plugin_file(row.name, folder)
        if file is None:
            return False
        marker = next(each for each in row.plugin.markers if file.endswith(each))
        plugin = normalize(file.removesuffix(marker) or ".")
        below = normalize(os.path.relpath(self.kit.files.resolve(self.kit.path(folder)), self.kit.path(plugin)))
        around, is_usual, _ = f"/{below}/".partition(f"/{row.plugin.folder}/")
        if is_usual and not around:
            return True
        named = [below, around.lstrip("/")] if is_usual else [below]  # a marketplace names the folders of its plugins
        with suppress(OSError):
            content = self.kit.tree.read(self.kit.path(file), MAX_BYTES)
            return any(name.encode() in content for name in named)
        return False

    def _is_linked(self, row: Target, folder: str) -> bool:
        """Whether a folder of the client, in this project or around it, is a link to the folder."""
        real = self.kit.files.resolve(self.kit.path(folder))
        projects = upwards(self.kit.files.resolve(self.kit.folder), self.kit.root)
        paths = (os.path.join(project, *each.split("/")) for project in projects for each in row.agent_folders)
        return any(self.kit.files.is_folder(path) and self.kit.files.resolve(path) == real for path in paths)
