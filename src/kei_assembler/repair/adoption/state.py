"""A kit with edits that are not written yet, and what it generates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from kei_assembler.build.classify import comment_of, text_of
from kei_assembler.build.kit_plan import preview
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity, has_errors
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.outputs import Output
from kei_assembler.kit.owners import Owned
from kei_assembler.markdown import stamp
from kei_assembler.markdown.stamped_sections import layout
from kei_assembler.records import NamedTuple
from kei_assembler.render.origins import Origins
from kei_assembler.render.places import Line
from kei_assembler.render.renderer import Artifact
from kei_assembler.repair.adoption.texts import Texts
from kei_assembler.repair.edits import Edit, by_file, content_of, edited, kit_with


class Generated(NamedTuple):
    """What a kit generates of a file: the artifact, and its lines without the stamp."""

    artifact: Artifact
    lines: list[str]


class State:
    """A kit, with new contents for some of its files. `contents` has them by their paths, relative to the kit."""

    def __init__(self, kit: LoadedKit, contents: Mapping[str, bytes] | None = None) -> None:
        self.original = kit
        self.contents = dict(contents or {})

    @cached_property
    def kit(self) -> LoadedKit:
        """The kit with the new contents.

        Raises:
            AssembleError: its settings are invalid.
        """
        if not self.contents:
            return self.original
        kit = self.original
        return kit_with(kit, {kit.tree.real(kit.path(file)): content for file, content in self.contents.items()})

    @cached_property
    def texts(self) -> Texts:
        """The texts of the sources."""
        return Texts(self.kit)

    @cached_property
    def origins(self) -> Origins:
        """The origins of generated lines."""
        return Origins(self.kit)

    def content(self, file: str) -> bytes:
        """Return the bytes of a source.

        Raises:
            AssembleError: the file cannot be read.
        """
        return self.contents[file] if file in self.contents else content_of(self.original, file)

    def with_edits(self, edits: Iterable[Edit]) -> State:
        """Return the state with some edits made.

        Raises:
            AssembleError: a file cannot be read.
            ValueError: see `edits.edited`.
        """
        new = {file: edited(self.content(file), some) for file, some in by_file(edits).items()}
        return State(self.original, {**self.contents, **new})

    def generated(self, one: Owned) -> Generated | None:
        """Return what is generated of an output, or None if its manifest has errors now."""
        try:
            found, artifacts = self._previewed(one.manifest)
        except AssembleError:
            return None
        artifact = next((each for each in artifacts if is_of(each, one.output)), None)
        return None if artifact is None or has_errors(found) else Generated(artifact, lines_of(artifact))

    def errors(self, one: Owned) -> list[Diagnostic]:
        """Return the errors of the manifest of an output.

        Raises:
            AssembleError: the settings are invalid, or a file cannot be read.
        """
        return [each for each in self._previewed(one.manifest)[0] if each.severity is Severity.ERROR]

    def _previewed(self, manifest: str) -> tuple[list[Diagnostic], list[Artifact]]:
        policy = Policy.of(self.kit)
        found, artifacts = preview(self.kit, manifest, policy.ignore)
        return policy.weigh(found), artifacts

    def explained(self, one: Owned) -> list[Line]:
        """Return the lines of an output, without the stamp, with their origins."""
        return [line for line in self.origins.of_output(one.manifest, one.output) if line.parts[0].kind != "stamp"]


def is_of(artifact: Artifact, output: Output) -> bool:
    """Return whether an artifact is that of an output."""
    return (artifact.path, artifact.section) == (output.path, output.section)


def lines_of(artifact: Artifact, content: bytes | None = None) -> list[str]:
    """Return the lines of an artifact without its stamp, or those of another content of its file.

    In a section, these are the lines between its first and its last.
    """
    content = artifact.content if content is None else content
    if artifact.section:
        section = layout(content).sections[artifact.section]
        return text_of(section.text).removesuffix("\n").split("\n")
    text = stamp.split(text_of(content), comment_of(artifact.kind, artifact.target))[1]
    return text.removesuffix("\n").split("\n")
