"""What to do after an import: commands that leave the kit up to date, and what only people can do.

No command overwrites or deletes a file that says more than its manifest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kei_assembler.files import DISK
from kei_assembler.importing.old_files import is_free, outputs_of
from kei_assembler.importing.pending_kit import PendingFile
from kei_assembler.importing.replaced_text import imported_files
from kei_assembler.kit import LoadedKit, kit_option, stem
from kei_assembler.markdown import shell
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.model.kinds import AGENT
from kei_assembler.paths import display_path
from kei_assembler.records import NamedTuple
from kei_assembler.selection import kit_option_value
from kei_assembler.suggestions import listed

_MAX_NAMED = 10
"""How many files a line names."""


class Imported(NamedTuple):
    """The manifests of an import whose files are not deleted yet.

    `old` contains those whose files can be deleted once the new ones are generated. `client` is the client that
    they are for, if the command named one, and `sources` are the files and folders that it named. `reaches_others` says
    that generated files of other manifests change, too.
    """

    kit: LoadedKit
    new: Sequence[PendingFile]
    old: Sequence[PendingFile] = ()
    client: str = ""
    sources: Sequence[str] = ()
    has_errors: bool = False
    reaches_others: bool = False


def next_steps(imported: Imported) -> Iterator[str]:
    """Yield what to do next, a line each."""
    kit, new = imported.kit, [file for file in imported.new if file.conversion.kind is AGENT]
    texts = [file for file in imported.old if file.conversion.kind is not AGENT]
    old = [file for file in imported.old if file.conversion.kind is AGENT and is_free(kit, file)]
    by_hand = _by_hand(kit, new, {file.path for file in old})
    lacking = [file for file in new if not file.conversion.is_complete]
    if lacking:
        files = listed((file.conversion.agent.source.file for file in lacking), shown, most=_MAX_NAMED)
        yield f"keep until you have moved what the findings above name to the manifests: {files}"
    commands = [_removal(imported, old, texts)] if old or texts else []
    left = {file.path for file in by_hand}
    built = [file for file in new if file.path not in left]
    if by_hand:  # the removal generates the files of these manifests
        removed = {file.path for file in old}
        built = [file for file in built if file.path not in removed or _overwritten(kit, file)]
    if built or len(new) + len(texts) < len(imported.new) or not imported.new:
        commands += filter(None, [_build(kit, built, is_whole=not by_hand)])
    if imported.reaches_others and not by_hand and not any(each.startswith(_all(kit)) for each in commands):
        commands.append(_all(kit))
    first = "fix the errors above and review the manifests" if imported.has_errors else "review the manifests"
    for number, command in enumerate(commands):
        yield f"then run: {command}" if number else f"next: {first}, then run: {command}"
    if by_hand:
        files = "the files that you kept" if by_hand == lacking else _words(kit, by_hand)
        yield f"{'finally,' if commands else f'next: {first}, then'} delete {files} and run: {_all(kit)}"


def _words(kit: LoadedKit, files: Sequence[PendingFile]) -> str:
    """The imported files, as a command takes them."""
    agents = (agent for file in files for agent in imported_files(file))
    return " ".join(shell.word(display_path(kit.path(agent.kit_path))) for agent in agents)


def _by_hand(kit: LoadedKit, new: Sequence[PendingFile], known: set[str]) -> list[PendingFile]:
    """The manifests whose imported files people have to delete, except known ones, to bring the kit up to date."""
    built, last = list(new), 0
    while len(built) != last:  # what is not built does not overwrite the files of others either
        last, outputs = len(built), outputs_of(kit, [file.path for file in built])
        left = {file.path for file in built if file.path not in known and _needs_people(file, outputs)}
        built = [file for file in built if file.path not in left]
    others = {file.path for file in built}
    return [file for file in new if file.path not in others]


def _needs_people(file: PendingFile, outputs: frozenset[str]) -> bool:
    """Whether only people can decide to delete an imported file, without which the kit is not up to date."""
    conversion = file.conversion
    is_overwritten = conversion.agent.kit_path in outputs
    return not conversion.is_complete if is_overwritten else bool(conversion.new_path)


def _removal(imported: Imported, old: Sequence[PendingFile], texts: Sequence[PendingFile]) -> str:
    """The command that deletes the old files, and replaces the texts of instructions with sections."""
    client = f" --from {imported.client}" if imported.client else ""
    options = f"{client}{kit_option(kit_option_value(imported.kit.folder))}"
    effects = [f"deletes the old {'files' if len(old) > 1 else 'file'} after generating the new"] if old else []
    if texts:
        many = sum(len(imported_files(file)) for file in texts) > 1
        effects.append(f"replaces the imported {'texts with sections' if many else 'text with a section'}")
    files = [*old, *texts]
    words = _words(imported.kit, files) if len(files) <= _MAX_NAMED else " ".join(map(shell.word, imported.sources))
    return f"assemble import --replace{options} {words}, which {' and '.join(effects)}"


def _all(kit: LoadedKit) -> str:
    return f"assemble --all{kit.settings.command_option}{kit_option(kit_option_value(kit.folder))}"


def _build(kit: LoadedKit, new: Sequence[PendingFile], is_whole: bool) -> str:
    """The command that builds the manifests, all new ones if `is_whole`, without those that would destroy a text."""
    overwritten = {file.path: _overwritten(kit, file) for file in new}
    complete = [file for file in new if file.conversion.is_complete]
    imported = {DISK.resolve(file.conversion.agent.source.file) for file in complete}
    safe = [path for path, outputs in overwritten.items() if outputs <= imported]
    forced = list(filter(overwritten.get, safe))
    is_whole = is_whole and len(safe) == len(overwritten)
    if not safe or (is_whole and not forced):
        return _all(kit)
    others = (path for path in kit.manifests if path not in overwritten)
    if is_whole and all(kit.names.is_abstract(stem(path)) for path in others):
        return f"{_all(kit)} --force, which overwrites the imported files"
    files = "files" if len(forced) > 1 else "file"
    manifests = " ".join(shell.word(display_path(kit.path(path))) for path in safe)
    command = f"assemble{' --force' if forced else ''}{kit.settings.command_option} {manifests}"
    return f"{command}, which overwrites the imported {files}" if forced else command


def _overwritten(kit: LoadedKit, file: PendingFile) -> set[str]:
    """The files that exist where a manifest's outputs will be."""
    targets = file.conversion.data.get("targets", kit.settings.targets)
    outputs = (kit.path(kit.output(target, stem(file.path), file.path)) for target in targets)
    return {kit.files.resolve(output) for output in outputs if kit.files.exists(output)}
