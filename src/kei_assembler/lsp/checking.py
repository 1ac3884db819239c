"""Check a kit as the editor has it."""

from __future__ import annotations

import os
from contextlib import suppress

from lsprotocol import types

from kei_assembler.build import findings
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import OUT_OF_MEMORY, AssembleError, Diagnostic, Location, Severity, has_errors
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE
from kei_assembler.loader import refuse_home
from kei_assembler.lsp.generated import notes_of
from kei_assembler.lsp.snapshot import Snapshot
from kei_assembler.paths import display_path_from
from kei_assembler.records import NamedTuple
from kei_assembler.repair.outputs import check

MAX_FINDINGS = 1000
"""How many findings of a kit an editor gets, the most serious ones."""

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}


class Checked(NamedTuple):
    """What a check of the kit in a folder finds, the snapshot that it is about, and the error that ended it, if any."""

    folder: str
    snapshot: Snapshot
    found: tuple[Diagnostic, ...]
    failure: AssembleError | None = None


def checked(snapshot: Snapshot, folder: str) -> Checked:
    """Check the kit in a folder.

    An output that is missing or out of date is only reported if it is open: while someone edits a source, that holds
    for all outputs of it.

    Raises:
        Outdated: the documents have changed meanwhile.
    """
    try:
        result = Checked(folder, snapshot, tuple(_found(snapshot, folder)))
    except AssembleError as error:
        result = Checked(folder, snapshot, error.diagnostics, None if error.diagnostics else error)
    except MemoryError:
        result = Checked(folder, snapshot, (), OUT_OF_MEMORY)
    snapshot.refuse_outdated()
    return result


def checked_alone(snapshot: Snapshot, folder: str, path: str) -> Checked | None:
    """Check one manifest of the kit in a folder, which is fast. The result only has what is located in the manifest.

    None is returned if the file is not a manifest, or the kit cannot be checked.

    Raises:
        Outdated: the documents have changed meanwhile.
    """
    result, file = None, display_path_from(folder, path)
    with suppress(AssembleError, MemoryError):
        kit = snapshot.kit(folder)
        if file in kit.manifests:
            refuse_home(kit)
            policy = Policy.of(kit)
            found = policy.weigh(plan_kit(kit, [file], False, policy.ignore).diagnostics)
            result = Checked(folder, snapshot, tuple(one for one in found if one.location.file == file))
    snapshot.refuse_outdated()
    return result


def _found(snapshot: Snapshot, folder: str) -> list[Diagnostic]:
    kit = snapshot.kit(folder)
    policy, result = Policy.of(kit), check(kit)
    found = [*result.found]
    if not has_errors(result.sources):
        changes = [each for each in result.changes if kit.files.resolve(kit.path(each.path)) in snapshot.documents]
        found += policy.weigh([*findings.conflicts(kit, result.changes), *findings.outdated(kit, changes)])
    return findings.limited(found, policy.ignore, MAX_FINDINGS)


def published(checked: Checked) -> dict[str, list[types.Diagnostic]]:
    """Return the diagnostics of a check by the URIs of the files that they are about, and of all open files."""
    snapshot = checked.snapshot
    of_kit = (one for path, one in snapshot.documents.items() if snapshot.kits(path)[:1] == [checked.folder])
    by_uri: dict[str, list[types.Diagnostic]] = {one.uri: [] for one in of_kit}
    for one in checked.found:
        by_uri.setdefault(location(checked, one.location).uri, []).append(as_published(checked, one))
    for uri, note in notes_of(snapshot, checked.folder):
        by_uri.setdefault(uri, []).append(note)
    if checked.failure:
        uri, message = _settings_uri(checked), "\n".join((checked.failure.message, *checked.failure.details))
        by_uri.setdefault(uri, []).append(_diagnostic(_START, message, checked.failure.hint, Severity.ERROR))
    return by_uri


_START = types.Range(types.Position(0, 0), types.Position(0, 0))


def _settings_uri(checked: Checked) -> str:
    """The settings of a kit, or if it has none, an open file of it."""
    folder, snapshot = checked.folder, checked.snapshot
    files = snapshot.files(folder)
    settings = [path for file in (SETTINGS_FILE, PROJECT_FILE) if files.exists(path := os.path.join(folder, file))]
    return snapshot.uri([*settings, *(path for path in snapshot.documents if folder in snapshot.kits(path))][0])


def _diagnostic(place: types.Range, message: str, hint: str, severity: Severity) -> types.Diagnostic:
    text = f"{message}\n{hint}" if hint else message
    return types.Diagnostic(place, text, _SEVERITIES[severity], source="assemble")


def as_published(checked: Checked, one: Diagnostic) -> types.Diagnostic:
    """Return a finding as the protocol has it."""
    place = location(checked, one.location).range
    related = [types.DiagnosticRelatedInformation(location(checked, each), message) for each, message in one.related]
    published = _diagnostic(place, one.message, one.help, one.severity)
    published.code, published.related_information = one.code, related or None
    return published


def location(checked: Checked, place: Location) -> types.Location:
    """Return a location in a file of the kit as the protocol has it."""
    path = os.path.join(checked.folder, place.file)
    return types.Location(checked.snapshot.uri(path), checked.snapshot.text(path).of_span(place.span))
