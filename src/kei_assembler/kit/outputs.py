"""The outputs of a manifest: their paths, and the clients that read each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING

from kei_assembler import lazy_re
from kei_assembler.markdown.front_matter import Value
from kei_assembler.model.kinds import AGENT, INSTRUCTIONS, SKILL
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.settings import value_at
from kei_assembler.paths import common_folder, normalize
from kei_assembler.records import NamedTuple
from kei_assembler.targets import TARGETS
from kei_assembler.targets.forms import MARKDOWN, Form
from kei_assembler.targets.instructions import (
    CLAUDE_SKILLS,
    SHARED_FILE,
    SHARED_SKILLS,
    SKILL_FILE,
    Instructions,
    OtherFile,
)
from kei_assembler.toml.source import MAX_BYTES, read_text

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit

IMPORT = f"@{SHARED_FILE}"
"""The line with which clients import the shared file from the same folder."""

_IMPORT = lazy_re.compile(rf"(?<![^ \t\n])@(?:\./)?{re.escape(SHARED_FILE)}(?![^ \t\n])")


SECTION_FILES = (SHARED_FILE, *(row.instructions.other.name for row in TARGETS.values() if row.instructions.other))
"""The names of the files that can have generated sections."""


class Output(NamedTuple):
    """One output of a manifest: its path, the targets that share it, and the name of its section, if it is one.

    `imports` says that the section is not the manifest's text, but imports the file that has it. `kind` is that of the
    manifest, except for an agent that is also written as a skill. `form` and `entries` are those of a scoped rule.
    `readers` are all targets that share the output, also those that this run skips, since they get the same text.
    """

    path: str
    targets: tuple[str, ...]
    section: str = ""
    imports: bool = False
    kind: str = AGENT.name
    form: Form = MARKDOWN
    entries: tuple[tuple[str, Value], ...] = ()
    readers: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """The first of the targets, which stands for all of them."""
        return self.targets[0]


def outputs_of(kit: LoadedKit, manifest: Manifest, file: str) -> list[Output]:
    """Return the outputs of a manifest for the targets of this run. `file` is the manifest's."""
    if manifest.kind == INSTRUCTIONS.name:
        return [*_scoped_rules(kit, manifest), *_sections(kit, manifest)]
    targets = kit.targets_of(manifest)
    if manifest.kind == SKILL.name:
        return list(_skills(kit, manifest))
    of_agent = [Output(kit.output(target, manifest.name, file), (target,)) for target in targets]
    if not (manifest.also_skill and targets):
        return of_agent
    path = _in_root(kit, SKILL_FILE.format(folder=SHARED_SKILLS, name=manifest.name))
    return [*of_agent, Output(path, targets[:1], kind=SKILL.name)]


def _in_root(kit: LoadedKit, path: str) -> str:
    return normalize(f"{kit.settings.root}/{path}")


def _skills(kit: LoadedKit, manifest: Manifest) -> Iterator[Output]:
    paths = {}
    for target in _all_of(kit, manifest):
        folder = SHARED_SKILLS if SHARED_SKILLS in TARGETS[target].skill_folders else CLAUDE_SKILLS
        paths[target] = _in_root(kit, SKILL_FILE.format(folder=folder, name=manifest.name))
    return _by_path(paths, kit.targets_of(manifest), SKILL.name)


def reads_skill(kit: LoadedKit, target: str, path: str) -> bool:
    """Return whether a client looks for skills where this file of a skill is."""
    return any(path.startswith(f"{_in_root(kit, folder)}/") for folder in TARGETS[target].skill_folders)


def _by_path(paths: Mapping[str, str], selected: Collection[str], kind: str, section: str = "") -> Iterator[Output]:
    """Yield an output for each path that a selected target reads. `paths` has that of each target."""
    by_path: dict[str, list[str]] = {}
    for target, path in paths.items():
        by_path.setdefault(path, []).append(target)
    for path, some in by_path.items():
        if targets := tuple(target for target in some if target in selected):
            yield Output(path, targets, section, kind=kind, readers=tuple(some))


def _all_of(kit: LoadedKit, manifest: Manifest) -> tuple[str, ...]:
    """The targets of a manifest, with those of this run: a run can select targets that the settings do not list."""
    return tuple(dict.fromkeys((*kit.all_targets(manifest.targets), *kit.targets_of(manifest))))


def _scoped_rules(kit: LoadedKit, manifest: Manifest) -> Iterator[Output]:
    for target in kit.targets_of(manifest) if manifest.paths else ():
        if rules := TARGETS[target].instructions.rules:
            path = _in_root(kit, rules.output.format(name=manifest.name))
            entries = rules.entries(manifest.paths)
            yield Output(path, (target,), kind=INSTRUCTIONS.name, form=rules.form, entries=entries)


def readers(manifest: Manifest, targets: Iterable[str]) -> tuple[str, ...]:
    """Return those of some targets that read instructions from the files of folders.

    If the instructions are for some files only, these are the clients without scoped rules.
    """
    return tuple(target for target in targets if not (manifest.paths and TARGETS[target].instructions.rules))


def folder_of(kit: LoadedKit, manifest: Manifest) -> str | None:
    """Return the folder that instructions are for, relative to the kit.

    If they are for some files only, this is the folder around them, or None if that is the root.
    """
    folder = common_folder([*map(_fixed_folder, manifest.paths)]) if manifest.paths else manifest.folder or "."
    return None if manifest.paths and folder == "." else _in_root(kit, folder)


def _fixed_folder(pattern: str) -> str:
    """The folder that all files of a pattern lie in."""
    parts = pattern.removeprefix("./").split("/")[:-1]
    return normalize("/".join(takewhile(lambda part: not _WILDCARD.search(part), parts)) or ".")


_WILDCARD = lazy_re.compile(r"[*?\[{]")


def _sections(kit: LoadedKit, manifest: Manifest) -> Iterator[Output]:
    folder = folder_of(kit, manifest)
    every = readers(manifest, _all_of(kit, manifest))
    targets = readers(manifest, kit.targets_of(manifest))
    if folder is None or not targets:
        return
    others = {target: other for target in every if (other := required_file(kit, target))}
    kind = INSTRUCTIONS.name
    if others.keys() == {*every}:  # no client reads the shared file by itself
        paths = {target: normalize(f"{folder}/{other.name}") for target, other in others.items()}
        yield from _by_path(paths, targets, kind, manifest.name)
        return
    yield Output(normalize(f"{folder}/{SHARED_FILE}"), targets, manifest.name, kind=kind, readers=every)
    for target in targets:
        other = TARGETS[target].instructions.other
        if other and needs_import(kit, folder, other):
            yield Output(normalize(f"{folder}/{other.name}"), (target,), SHARED_FILE, imports=True, kind=kind)


def required_file(kit: LoadedKit, target: str) -> OtherFile | None:
    """Return the file that a client reads although there is a shared one, or None if it reads the shared one."""
    other = TARGETS[target].instructions.other
    return other if other and other.required and not _is_set(kit, other) else None


def _is_set(kit: LoadedKit, other: OtherFile) -> bool:
    """Whether the client's settings in the root make it read the shared file."""
    from kei_assembler.kit.client_json import read_table  # most kits have only agents

    content = _content(kit, _in_root(kit, other.settings_file)) if other.settings_file else b""
    names = value_at(read_table(read_text("", content).text), other.settings_key) if content else None
    return SHARED_FILE in (names if isinstance(names, list) else [names])


def needs_import(kit: LoadedKit, folder: str, other: OtherFile) -> bool:
    """Return whether a client's own file in a folder has to import the shared one.

    It does not have to if it is the same file through a link, if it imports it already, or if the client's settings
    name the shared one, too.
    """
    if _is_set(kit, other):
        return False
    path, shared = (normalize(f"{folder}/{name}") for name in (other.name, SHARED_FILE))
    if not other.required and not kit.files.exists(kit.output_path(path)):
        return False
    is_same = kit.tree_of(path).real(kit.output_path(path)) == kit.tree_of(shared).real(kit.output_path(shared))
    return not is_same and not imports_by_hand(kit, path)


def imports_by_hand(kit: LoadedKit, path: str) -> bool:
    """Return whether a file, relative to the kit, imports the shared file outside of sections.

    If its sections cannot be told apart, that is unknown, and it does not count.
    """
    content = _content(kit, path)
    if IMPORT[1:].encode() not in content:
        return False
    from kei_assembler.markdown.stamped_sections import layout, text_outside  # rarely needed

    file = layout(content)
    return not file.faults and imports_shared_file(text_outside(file).decode(errors="replace"))


def imports_shared_file(text: str) -> bool:
    """Return whether a text imports the shared file of its folder."""
    from kei_assembler.markdown.structure import prose  # rarely needed

    return _IMPORT.search(prose(text)) is not None


def _content(kit: LoadedKit, path: str) -> bytes:
    with suppress(OSError):
        return kit.tree_of(path).read(kit.output_path(path), MAX_BYTES)
    return b""


def hiding_file(kit: LoadedKit, folder: str, target: str) -> str:
    """Return a file because of which a client does not read the shared file in a folder, or "" if it does."""
    row = TARGETS[target].instructions
    names = [*row.hidden_by, row.other.name] if row.hides_below and row.other else row.hidden_by
    if row.other and kit.files.exists(kit.output_path(normalize(f"{folder}/{row.other.name}"))):
        return ""  # that imports the shared file
    folders = up_to_root(kit, folder) if row.hides_below else [folder]
    paths = (normalize(f"{each}/{name}") for each in folders for name in names)
    return next((path for path in paths if _hides(kit, path, row)), "")


def up_to_root(kit: LoadedKit, folder: str) -> list[str]:
    """Return a folder and those around it, up to the root. Their paths are relative to the kit."""
    root, found = normalize(kit.settings.root), [folder]
    while found[-1] != root:
        found.append(normalize(f"{found[-1]}/.."))
    return found


def _hides(kit: LoadedKit, path: str, row: Instructions) -> bool:
    if not row.hides_below:
        return kit.files.exists(kit.output_path(path))
    return bool(_content(kit, path).strip(b" \t\r\n"))


def twice_loaded(kit: LoadedKit, folder: str, targets: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the clients that load the text in a folder twice: each with the other file, and the remedy."""
    rows = ((name, row.instructions.other) for name, row in TARGETS.items())
    others = {other.name: (name, other) for name, other in rows if other}
    for target in targets:
        for name in others.keys() & {*TARGETS[target].instructions.also}:
            path = normalize(f"{folder}/{name}")
            owner, other = others[name]
            imported = imports_by_hand(kit, path) or (owner in targets and needs_import(kit, folder, other))
            if imported:
                yield target, path, other.remedy
