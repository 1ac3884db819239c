"""`assemble flatten`: the texts of flat manifests, with comments that say where the values come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from kei_assembler.build.changes import Change, WritePolicy
from kei_assembler.build.kit_plan import check_manifests
from kei_assembler.build.run import Policy, write
from kei_assembler.diagnostics import AssembleError, Diagnostic, has_errors
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.model.flattening import ROLE, flat_data, origins
from kei_assembler.model.inheritance import BUNDLE, Origin
from kei_assembler.records import NamedTuple
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.toml.source import MAX_BYTES, Source, read_toml
from kei_assembler.toml.writer import document
from kei_assembler.whitespace import SPACES


class FlatManifest(NamedTuple):
    """The text of a flat manifest. `before` is the content of its file, `text` is the same text if that is flat."""

    file: str
    before: bytes
    text: str
    is_changed: bool


def flatten(
    kit: LoadedKit, files: Sequence[str], to_write: bool = False
) -> tuple[list[FlatManifest], list[Diagnostic]]:
    """Return the flat manifests for these manifests of the kit, or, if there are errors, only the findings.

    Those `to_write` have no comments at what the manifests themselves have.

    Raises:
        AssembleError: a file cannot be read, or a flat manifest would be too large.
    """
    policy = Policy.of(kit)
    found = policy.weigh(check_manifests(kit, files, policy.ignore))
    return ([], found) if has_errors(found) else (list(_flattened(kit, files, to_write)), [])


def _flattened(kit: LoadedKit, files: Iterable[str], to_write: bool) -> Iterator[FlatManifest]:
    for file in files:
        try:
            before = kit.tree.read(kit.path(file), MAX_BYTES)
        except OSError as error:
            raise AssembleError(f"{file} cannot be read: {error.strerror}") from error
        source = read_toml(file, before)
        text = flat_text(kit, source, to_write)
        if len(text.encode()) > MAX_BYTES:
            raise AssembleError(
                f"the flat version of {file} would have more than {MAX_BYTES:,} bytes",
                "move some of its texts to blocks",
            )
        yield FlatManifest(file, before, text, text != source.text)


def flat_text(kit: LoadedKit, source: Source, to_write: bool) -> str:
    """Return the text of the flat manifest for a manifest of the kit without errors.

    A comment says where each value comes from; in a text `to_write`, unless the manifest itself has it. Of the
    manifest's comments, those before its first key are kept. The text of a manifest that is already flat stays.
    """
    resolved = kit.composition.resolve(source)
    manifest = ManifestContext(kit, source, resolved).manifest
    data = flat_data(resolved, kit.texts.of(manifest).used)
    if data == source.data:
        return source.text
    found = origins(resolved, data).items()
    places = {path: origin for path, origin in found if not to_write or origin.file != source.file}
    comments = {path: _comment(kit, source, origin) for path, origin in places.items()}
    head = takewhile(lambda line: line.lstrip(SPACES)[:1] in ("", "#"), source.lines)
    return "".join(f"{line}\n" for line in head) + document(data, comments, inline=(ROLE,))


def _comment(kit: LoadedKit, own: Source, origin: Origin) -> str:
    source = own if origin.file == own.file else kit.composition.source(origin.file)
    line = source.locate(origin.path).line
    bundles = kit.settings_path("bundles")
    is_of_bundle = bool(kit.settings_source) and origin.path[: len(bundles)] == bundles
    bundle = f"{BUNDLE}{origin.path[len(bundles)]} in " if is_of_bundle else ""
    return shown(f"{bundle}{origin.file}:{line}")


def replace(kit: LoadedKit, manifests: Iterable[FlatManifest]) -> list[str]:
    """Write flat manifests to the files of the manifests, and return the files that changed.

    Raises:
        AssembleError: a file cannot be written, or somebody else has changed it meanwhile.
    """
    planned = [Change.of_source(one.file, one.before, one.text.encode()) for one in manifests if one.is_changed]
    done = write(kit, planned, WritePolicy())
    for change in done:
        if not change.applied:
            raise AssembleError(f"{change.path} was changed meanwhile, and was kept", "run the command again")
    return [change.path for change in done]
