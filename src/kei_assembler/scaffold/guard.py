"""`assemble init --guard`: guard generated files against edits, by a hook of Claude Code and by settings of VS Code.

Claude Code runs the hook before an agent edits a file (code.claude.com/docs/en/hooks). VS Code shows the files that a
pattern in `files.readonlyInclude` matches as read-only (code.visualstudio.com/docs/editor/glob-patterns).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from kei_assembler.build.ignore_lines import ANY, matches, output_paths
from kei_assembler.build.writer import replace_planned
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.files.tree import Tree
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import LoadedKit, discovery
from kei_assembler.loader import load_kit
from kei_assembler.markdown import shell
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.paths import display_path, path_below
from kei_assembler.records import NamedTuple
from kei_assembler.scaffold.json_text import merged, read_object
from kei_assembler.toml.source import MAX_BYTES
from kei_assembler.whitespace import SPACES

_HOOK_FILE, _EDITOR_FILE = ".claude/settings.json", ".vscode/settings.json"
_EVENT, _MATCHER = "PreToolUse", "Edit|Write|MultiEdit|NotebookEdit"
_READ_ONLY = "files.readonlyInclude"


class _Settings(NamedTuple):
    """The settings of a client or an editor: the path of the file, its bytes, or None, and the object in it."""

    path: str
    content: bytes | None
    data: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The text to add to."""
        text = (self.content or b"").decode()
        return text if text.strip(f"{SPACES}\r\n") else "{}\n"


def check(folder: str) -> None:
    """Check that the settings around the kit in a folder, or the one that will be there, can get a guard.

    Raises:
        AssembleError: they cannot be read or merged, or the kit writes to the home folder.
    """
    if discovery.is_kit(folder) and load_kit(folder).settings.is_user_level:
        raise AssembleError("this kit writes to your home folder, which has no settings of a project", "omit --guard")
    tree = Tree(git_top(folder) or folder, name="the repository")
    _merged(_read(tree, _HOOK_FILE), _hook(folder, tree))
    _merged(_read(tree, _EDITOR_FILE), {_READ_ONLY: {}})


def add(folder: str) -> Iterator[str]:
    """Add the guard for the kit in a folder to the settings of Claude Code and VS Code, or to neither of them.

    Yields for each file, after both are written, a line that reports whether it was created, extended or kept.

    Raises:
        AssembleError: a file cannot be read, merged or written.
    """
    tree = Tree(git_top(folder) or folder, name="the repository")
    patterns = {_READ_ONLY: dict.fromkeys(sorted(map(_glob, _patterns(load_kit(folder), tree))), True)}
    hook, editor = _read(tree, _HOOK_FILE), _read(tree, _EDITOR_FILE)
    planned = [(hook, _merged(hook, {} if _has_hook(hook, folder, tree) else _hook(folder, tree)))]
    if patterns[_READ_ONLY]:  # a kit can have nothing but sections, in files that people write
        planned.append((editor, _merged(editor, patterns)))
    _write(tree, planned)
    for settings, after in planned:
        action = "kept" if after == settings.content else "extended" if settings.content is not None else "created"
        yield f"{action} {shown(display_path(settings.path))}\n"


def _read(tree: Tree, file: str) -> _Settings:
    path = os.path.join(tree.folder, file)
    try:
        content = tree.read(path, MAX_BYTES)
    except FileNotFoundError:
        return _Settings(path, None, {})
    except OSError as error:
        raise AssembleError(f"{display_path(path)} cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise AssembleError(f"{display_path(path)} is larger than {MAX_BYTES:,} bytes")
    settings = _Settings(path, content, {})
    try:
        return settings._replace(data=read_object(settings.text))
    except UnicodeDecodeError as error:
        raise _unfit(path, "is not UTF-8 text") from error
    except ValueError as error:
        raise _unfit(path, str(error)) from error


def _unfit(path: str, reason: str) -> AssembleError:
    return AssembleError(
        f"{display_path(path)} {reason}, so nothing can be added to it; nothing was changed",
        "correct it, or run this without --guard and add the guard by hand, as docs/guard.md shows",
    )


def _merged(settings: _Settings, wanted: dict[str, Any]) -> bytes:
    try:
        return merged(settings.text, wanted).encode() if wanted else settings.content or b""
    except ValueError as error:
        raise _unfit(settings.path, str(error)) from error


def _command(folder: str, tree: Tree) -> str:
    """The command of the hook. It names a kit that is not found from the top of the repository.

    The client runs it in whichever folder the agent is in, and sets the variable to the folder that it was started in.
    """
    prefix = path_below(folder, tree.folder)
    return f'assemble guard --kit "$CLAUDE_PROJECT_DIR"/{shell.word(prefix)}' if prefix else "assemble guard"


def _hook(folder: str, tree: Tree) -> dict[str, Any]:
    entry = {"matcher": _MATCHER, "hooks": [{"type": "command", "command": _command(folder, tree)}]}
    return {"hooks": {_EVENT: [entry]}}


def _has_hook(settings: _Settings, folder: str, tree: Tree) -> bool:
    """Whether the hook is there, perhaps with another matcher or other options."""
    events = settings.data.get("hooks")
    entries = events.get(_EVENT) if isinstance(events, dict) else None
    handlers = (handler for entry in _objects(entries) for handler in _objects(entry.get("hooks")))
    return _command(folder, tree) in (each.get("command") for each in handlers)


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list, or none if the value is not a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _patterns(kit: LoadedKit, tree: Tree) -> Iterable[str]:
    """The paths of the kit's files, with `ANY` where that matches no file of somebody else."""
    return output_paths(kit, lambda pattern: _existing(tree.folder, pattern))


def _existing(top: str, pattern: str) -> list[str]:
    """The paths that exist and that a pattern matches."""
    found = [""]
    for part in pattern.split("/"):
        names = [(above, name) for above in found for name in _names(os.path.join(top, above))]
        found = [f"{above}/{name}".lstrip("/") for above, name in names if matches(name, part)]
    return found


def _names(folder: str) -> list[str]:
    try:
        return [entry.name for entry in DISK.list(folder)]
    except OSError as error:
        raise AssembleError(f"{display_path(folder)} cannot be read: {error.strerror}") from error


def _glob(path: str) -> str:
    """The pattern for a path in VS Code. In its patterns, brackets escape."""
    return re.sub(r"[*?\[{]", r"[\g<0>]", path).replace(ANY, "*")


def _write(tree: Tree, planned: Iterable[tuple[_Settings, bytes]]) -> None:
    """Write all files, or none of them."""
    begun: list[tuple[_Settings, bytes]] = []
    try:
        for settings, after in planned:
            if after != settings.content:
                begun.append((settings, after))  # before it is made: an interrupt can come at any time
                replace_planned(tree, settings.path, settings.content, after)
    except BaseException:
        for settings, after in reversed(begun):
            with suppress(AssembleError):
                replace_planned(tree, settings.path, after, settings.content)
            if settings.content is None:
                tree.remove_empty_folder(os.path.dirname(settings.path))
        raise
