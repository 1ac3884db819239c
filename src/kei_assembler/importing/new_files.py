"""Write the new files of an import: its manifests, and the settings, blocks and role files that they need."""

from __future__ import annotations

from collections.abc import Sequence

from kei_assembler.build import writer
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.block_names import BlockNames
from kei_assembler.importing.convert import Conversion
from kei_assembler.importing.pending_kit import PendingFile, block_file
from kei_assembler.kit import SETTINGS_FILE, LoadedKit, stem
from kei_assembler.kit.blocks import VARIANT_MARK
from kei_assembler.model.kinds import AGENT
from kei_assembler.records import NamedTuple
from kei_assembler.rules import imports
from kei_assembler.suggestions import listed
from kei_assembler.toml.source import START, with_lf


class Written(NamedTuple):
    """The new manifests that were written, and what became of each file by its path.

    `others` are the paths of files that are no manifests.
    """

    added: list[PendingFile]
    states: list[tuple[str, str]]
    others: set[str]
    conflicts: list[Diagnostic]


def write_new(
    kit: LoadedKit, manifests: Sequence[PendingFile], settings: str, names: BlockNames, dry_run: bool
) -> Written:
    """Write the new ones of the manifests, and the settings and blocks that they need. No existing file is overwritten.

    Raises:
        AssembleError: a file cannot be written.
    """
    new = [file for file in manifests if not file.is_kept]
    pieces = _pieces(kit, settings, names, new, manifests)
    states, conflicts = _write(kit, (*pieces, *new), dry_run)
    foreign = {path for path, status in states if status == "foreign"}
    others = {*(piece.path for piece in pieces), *(file.role_file for file in new)}
    return Written([file for file in new if file.path not in foreign], states, others, conflicts)


def _pieces(
    kit: LoadedKit, settings: str, names: BlockNames, added: Sequence[PendingFile], manifests: Sequence[PendingFile]
) -> list[PendingFile]:
    """Return the settings and the blocks. A manifest that cannot be written needs no blocks."""
    found = [PendingFile(SETTINGS_FILE, settings, manifests[0].conversion)] if settings and manifests else []
    writable = [file for file in reversed(added) if not _obstacle(kit, file)[0]]
    users = {name: file for file in writable for name in file.conversion.data.get("blocks", ())}
    blocks = ((name, text, users.get(name.partition(VARIANT_MARK)[0])) for name, text in names.new.items())
    return [*found, *(PendingFile(block_file(kit, name), text, user.conversion) for name, text, user in blocks if user)]


def _write(
    kit: LoadedKit, files: Sequence[PendingFile], dry_run: bool
) -> tuple[list[tuple[str, str]], list[Diagnostic]]:
    written, found = [], []
    for file in files:
        status, reason = _obstacle(kit, file)
        path = _namesake(kit, file) or file.path
        if file.role_file and status != "foreign":  # the role file comes first, because the manifest needs it
            role_file = PendingFile(file.role_file, file.role, file.conversion)
            (role_written,), role_found = _write(kit, [role_file], dry_run)
            written.append(role_written)
            found += role_found
            if role_found:
                written.append((file.path, "foreign"))
                continue
        status, reason = (status, reason) if status else _create(kit, file, dry_run)
        written.append((file.path, status))
        if status == "foreign":
            message, hint = f"{path} {reason}", _hint_for_conflict(kit, file.conversion, path)
            found += file.conversion.agent.report(imports.manifest_in_the_way, START, message, hint)
    return written, found


def _hint_for_conflict(kit: LoadedKit, conversion: Conversion, path: str) -> str:
    if conversion.kind is not AGENT:
        return "move one of the two files"
    hint = "move one of the two files, or rename this agent"
    targets = (kit.decoded(path)[0].targets or kit.settings.targets) if path.endswith(".toml") else ()
    lacking = [each.target for each in conversion.each if each.target not in targets] if targets else []
    return f"if it is the same agent, add {listed(lacking)} to its `targets`; otherwise {hint}" if lacking else hint


def _namesake(kit: LoadedKit, file: PendingFile) -> str:
    """The manifest with the name and the kind of a new one at another path, or ""."""
    if not file.path.endswith(".toml"):
        return ""
    present = kit.manifest_files.named(file.conversion.kind).get(stem(file.path), file.path)
    return present if present != file.path else ""


def _obstacle(kit: LoadedKit, file: PendingFile) -> tuple[str, str]:
    """Return the status of a file that exists, or "", and the reason if it cannot be written."""
    if (path := _namesake(kit, file)) and _present_status(kit, file._replace(path=path))[0] != "unchanged":
        return "foreign", f"has the same {file.conversion.kind.noun} name"
    if path:
        return "unchanged", ""
    return _present_status(kit, file)


_DIFFERS = "exists with different content, and was kept"


def _present_status(kit: LoadedKit, file: PendingFile) -> tuple[str, str]:
    """Return the status of a file that exists, or "", and the reason if it cannot be written."""
    try:
        present = writer.OutputFiles(kit).read(file.path)
    except OSError as error:
        return "foreign", f"cannot be written: {error.strerror}"
    if present is None:
        return "", ""
    return ("unchanged", "") if with_lf(present) == file.text.encode() else ("foreign", _DIFFERS)


def _create(kit: LoadedKit, file: PendingFile, dry_run: bool) -> tuple[str, str]:
    """Write a file that does not exist. Return its status, and the reason if it was not written."""
    if dry_run:
        return "would create", ""
    is_created = writer.create(kit.tree, kit.path(file.path), file.text.encode())
    return ("created", "") if is_created else ("foreign", _DIFFERS)
