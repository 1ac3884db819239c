"""`assemble rename`: give a manifest, block, bundle or value another name, wherever the kit names it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator

from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import VARIANT_MARK
from kei_assembler.kit.role_files import role_file
from kei_assembler.model.kinds import KINDS
from kei_assembler.paths import normalize
from kei_assembler.records import NamedTuple
from kei_assembler.repair.draft import Draft, Move
from kei_assembler.repair.edits import Edit
from kei_assembler.repair.import_record import RECORD, with_new_paths
from kei_assembler.repair.mentions import Mention, mentions
from kei_assembler.repair.names import BLOCK, VALUE, Name, known_names, named, new_name
from kei_assembler.repair.outputs import Check, changed_paths, check, checked, follow, settled
from kei_assembler.repair.references import Part, Sources, references

_DOING = "nothing was renamed"


class Renaming(NamedTuple):
    """A rename that is ready to be written: its draft, and `sources`, a draft with only the changes of sources.

    `mentions` are those in texts that keep the old name, with their future places. `left` are outputs that were out of
    date, and still are. `found` are the warnings that the kit has only with the new name.
    """

    old: Name
    new: Name
    draft: Draft
    sources: Draft
    mentions: tuple[Mention, ...]
    left: tuple[str, ...]
    found: tuple[Diagnostic, ...]


def rename(kit: LoadedKit, old: str, new: str, prose: bool = False) -> Renaming:
    """Return what gives something another name; see `names.named` for how to name it. Nothing is written.

    With `prose`, mentions in backticks get the new name, too, even if that is all that is left to rename.

    Raises:
        AssembleError: the old name is unknown, the new one is invalid or taken, the kit has errors or would have new
            ones, or an output that has to change was edited.
    """
    if prose and (names := _renamed_before(kit, old, new)):
        name, renamed = names
        before, sources = checked(kit, _DOING), Sources(kit)
        mentioned = mentions(sources, name)
        if not mentioned:
            raise AssembleError(f"no text mentions `{name.name}`")
        edits = [one.renamed(renamed.name) for one in mentioned]
        return _followed(before, _start(name, renamed, _draft(kit, edits, ())))
    name = named(kit, old)
    renamed = new_name(kit, name, new)
    before, sources = checked(kit, _DOING), Sources(kit)
    if renamed.kind == VALUE and (used := references(sources, renamed)):
        raise AssembleError(f"{used[0].file} already has a placeholder `{{{{{renamed.name}}}}}`", "choose another name")
    mentioned, moves = mentions(sources, name), [*_moves(sources, name, renamed)]
    edits = [one.renamed(renamed.name) for one in references(sources, name)]
    edits += [edit for move in moves for edit in _edits_of_role_file(sources, name, move)]
    draft = _draft(kit, edits, moves)
    if not name.file and (changed := changed_paths(before, _with_new_name(draft))):
        hint = "a template, or text in code, has the name; change that first"
        raise AssembleError(f"{changed[0]} would change, although only a name in the sources does", hint)
    if prose:
        draft = _draft(kit, [*edits, *(one.renamed(renamed.name) for one in mentioned)], moves)
    return _followed(before, _start(name, renamed, draft))


def rename_sources(draft: Draft, old: str, new: str) -> None:
    """Give a manifest another name in the sources of a draft, without a look at what is generated.

    Raises:
        AssembleError: the old name is unknown, or the new one is invalid or taken.
    """
    kit = draft.kit_with()
    name = named(kit, old)
    renamed, sources = new_name(kit, name, new), Sources(kit)
    moves = [*_moves(sources, name, renamed)]
    edits = [one.renamed(renamed.name) for one in references(sources, name)]
    draft.edit([*edits, *(edit for move in moves for edit in _edits_of_role_file(sources, name, move))])
    for move in moves:
        draft.move(move)


def _start(old: Name, new: Name, draft: Draft) -> Renaming:
    return Renaming(old, new, draft, draft, (), (), ())


def _renamed_before(kit: LoadedKit, old: str, new: str) -> tuple[Name, Name] | None:
    """Return both names of something that already has the new one, and whose old one nothing else has."""
    if old in known_names(kit):
        return None
    try:
        now = named(kit, new)
    except AssembleError:
        return None
    return now._replace(name=old.removeprefix(f"{now.kind}:").rpartition("/")[2]), now


def _draft(kit: LoadedKit, edits: Iterable[Edit], moves: Collection[Move]) -> Draft:
    draft = Draft(kit)
    draft.edit(edits)
    for move in moves:
        draft.move(move)
    record = draft.content(RECORD)
    if record and moves:
        draft.put(RECORD, with_new_paths(record, dict(moves)))
    return draft


def _with_new_name(draft: Draft) -> Check:
    after = check(draft.kit_with())
    if errors := [one for one in after.sources if one.severity is Severity.ERROR]:
        raise AssembleError(f"with the new name, the kit would have errors; {_DOING}", "", errors)
    return after


def _followed(before: Check, renaming: Renaming) -> Renaming:
    """Return a renaming with the outputs in its draft, which is checked."""
    old, new, draft = renaming.old, renaming.new, renaming.draft
    sources, after = draft.copy(), _with_new_name(draft)
    left = follow(draft, before, after, old.file, new.file)
    refusal = f"with the new name, a check would not find the same; {_DOING}"
    found = settled(draft, before, refusal, ((old.name, new.name),))
    mentioned = mentions(Sources(sources.kit_with()), old)
    return renaming._replace(sources=sources, mentions=tuple(mentioned), left=tuple(left), found=tuple(found))


def _moves(sources: Sources, old: Name, new: Name) -> Iterator[Move]:
    """Yield the moves of the files that have the name: a manifest and its role file, or those of a block."""
    kit = sources.kit
    if old.kind in KINDS:
        yield Move(old.file, new.file)
        yield from _move_of_role_file(sources, old, new)
    elif old.kind == BLOCK:
        for file in files_of_block(kit, old.name):
            folder = next(each for each in kit.settings.blocks if file.startswith(normalize(f"{each}/{old.name}")))
            end = file.removeprefix(normalize(f"{folder}/{old.name}"))
            yield Move(file, normalize(f"{folder}/{new.name}{end}"))


def files_of_block(kit: LoadedKit, name: str) -> list[str]:
    """Return the files of a block in all block folders, and those of its variants."""
    ends = ("", *(f"{VARIANT_MARK}{client}" for client in kit.blocks.clients(name)))
    files = (normalize(f"{folder}/{name}{end}.md") for end in ends for folder in kit.settings.blocks)
    return [file for file in dict.fromkeys(files) if kit.files.exists(kit.path(file))]


def _move_of_role_file(sources: Sources, old: Name, new: Name) -> Iterator[Move]:
    """Yield the move of a role file that has the name of its manifest, if no other manifest names it."""
    kit = sources.kit
    file = role_file(sources.manifests[old.file].data)
    folder, base = os.path.split(file)
    stem, suffix = os.path.splitext(base)
    users = [each for each, source in sources.manifests.items() if role_file(source.data) == file]
    move = Move(file, normalize(os.path.join(folder, new.name + suffix)))
    if file and stem == old.name and users == [old.file] and not kit.files.exists(kit.path(move.new)):
        yield move


def _edits_of_role_file(sources: Sources, old: Name, move: Move) -> Iterator[Edit]:
    """Yield the edit of a manifest that names its role file, if a move is that of the file."""
    if old.file not in sources.manifests or move.old != role_file(sources.manifests[old.file].data):
        return
    text = sources.manifests[old.file].data["role"]["file"]
    start = text.rindex(old.name)
    part = Part(("role", "file"), text, start, start + len(old.name))
    yield sources.in_manifest(old.file, part, "").renamed(os.path.splitext(os.path.basename(move.new))[0])
