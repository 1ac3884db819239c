"""`assemble remove`: delete a manifest, block, bundle or value, with its outputs, unless something uses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kei_assembler.diagnostics import AssembleError, Diagnostic, KeyPath, has_errors
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.role_files import role_file
from kei_assembler.model.kinds import KINDS
from kei_assembler.records import NamedTuple
from kei_assembler.repair.draft import Draft
from kei_assembler.repair.edits import Edit
from kei_assembler.repair.mentions import Mention, mentions
from kei_assembler.repair.names import BLOCK, Name, named
from kei_assembler.repair.outputs import Check, check, checked, delete, delete_orphans, follow, settled
from kei_assembler.repair.references import ALLOWS, Reference, Sources, references
from kei_assembler.repair.rename import files_of_block
from kei_assembler.toml.source import Source
from kei_assembler.toml.statements import statements

_DOING = "nothing was removed"


class Use(NamedTuple):
    """Where something is used: a file and a line, and what it does with it, see `Reference`."""

    file: str
    line: int
    what: str


class Removal(NamedTuple):
    """A removal that is ready to be written. `sources` is a draft with only the changes of sources.

    `uses` are those that stay although they then name nothing, and `mentions` those in backticks in texts that stay.
    `role_file` is the manifest's, or empty: it stays, and no manifest names it any more. `found` are the errors and
    warnings that the kit has only without it.
    """

    name: Name
    draft: Draft
    sources: Draft
    uses: tuple[Use, ...]
    mentions: tuple[Mention, ...]
    role_file: str
    found: tuple[Diagnostic, ...]


def remove(kit: LoadedKit, text: str, force: bool = False) -> Removal:
    """Return what removes something; see `names.named` for how to name it. Nothing is written.

    With `force`, it is removed although something uses it, and although somebody has edited an output.

    Raises:
        AssembleError: the name is unknown, something uses it, the kit has errors, or an output was edited.
    """
    name = named(kit, text)
    before, sources = checked(kit, _DOING), Sources(kit)
    found = references(sources, name)
    uses = [_use(sources, each) for each in found if each.what not in ("", ALLOWS)]
    if uses and not force:
        lines = [f"{use.file}:{use.line} {use.what}" for use in uses]
        raise AssembleError(f"`{name.label}` is still used", "change these first, or use --force", details=lines)
    draft = Draft(kit)
    draft.edit(_edits(sources, name, found))
    files = [name.file] if name.file else files_of_block(kit, name.name) if name.kind == BLOCK else []
    for file in files:
        draft.delete(file)
    removal = Removal(name, draft, draft.copy(), tuple(uses), (), _unused_role_file(sources, name), ())
    delete(draft, before, name.file, force)
    try:
        return _checked(before, removal)
    except AssembleError as error:  # the settings use it
        if not uses:
            raise
        return removal._replace(found=error.diagnostics)


def _checked(before: Check, removal: Removal) -> Removal:
    """Return a removal with all outputs in its draft, which is checked: without uses, a check finds the same."""
    name, draft = removal.name, removal.draft
    after = check(draft.kit_with())
    if not has_errors(after.sources):
        delete_orphans(draft, before, after)
        follow(draft, before, after)
    found = settled(draft, before, "" if removal.uses else f"without it, a check would not find the same; {_DOING}")
    return removal._replace(mentions=tuple(mentions(Sources(draft.kit_with()), name)), found=tuple(found))


def _use(sources: Sources, reference: Reference) -> Use:
    source = _source(sources, reference.file)
    return Use(reference.file, source.text.count("\n", 0, reference.start) + 1, reference.what)


def _source(sources: Sources, file: str) -> Source:
    settings = sources.kit.settings_source
    texts = {source.file: source for source in sources.texts}
    return settings if settings and settings.file == file else sources.manifests.get(file) or texts[file]


def _edits(sources: Sources, name: Name, found: Iterable[Reference]) -> Iterator[Edit]:
    """Yield the edits that remove the definitions of a bundle or a value, and the rights of a manifest."""
    places: dict[tuple[str, KeyPath], None] = {}
    for reference in found:
        if reference.what == ALLOWS:
            places[reference.file, reference.path[:-1]] = None
        elif not reference.what and name.kind not in KINDS:
            places[reference.file, reference.path] = None
    for file, path in places:
        source = _source(sources, file)
        spans = statements(source, path)
        if not spans:
            line = source.locate(path).line
            raise AssembleError(f"{file}:{line}: `{path[-1]}` shares its line with others", "remove it by hand")
        yield from (Edit(file, start, end, "") for start, end in spans)


def _unused_role_file(sources: Sources, name: Name) -> str:
    """Return the role file of a manifest, if no other manifest names it, or ""."""
    if name.file not in sources.manifests:
        return ""
    file = role_file(sources.manifests[name.file].data)
    users = [each for each, source in sources.manifests.items() if role_file(source.data) == file]
    return file if users == [name.file] else ""
