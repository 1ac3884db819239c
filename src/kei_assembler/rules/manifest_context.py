"""The context that rules check in: one manifest in its kit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from functools import cached_property
from typing import Any

from kei_assembler.diagnostics import KeyPath, Location, Span
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.blocks import with_sections
from kei_assembler.kit.filled_texts import FilledTexts
from kei_assembler.kit.outputs import outputs_of
from kei_assembler.model.inheritance import Resolved
from kei_assembler.model.kinds import AGENT
from kei_assembler.rules.definition import Violation
from kei_assembler.rules.runner import locate
from kei_assembler.toml.source import Source, span_of
from kei_assembler.validation import ValidationError


class ManifestContext:
    """The manifest to check: its source, its data merged with what it inherits, its typed values, and its kit.

    `own` is the manifest's own table, as parsed. Key paths of findings lead to values in `data`, in which the text of
    the role file, whose source is `role`, has replaced its name. `is_base` says that the manifest is only a base of
    others, so that it can be incomplete.
    """

    def __init__(
        self, kit: LoadedKit, source: Source, resolved: Resolved | None = None, *, is_base: bool = False
    ) -> None:
        self.kit = kit
        self.source = source
        self.is_base = is_base
        self.own: Mapping[str, Any] = source.data
        self.resolved = resolved or kit.composition.resolve(source)
        self.data, self.role = kit.role_files.with_text(self.resolved.data)
        self.kind = kit.manifest_files.kind_in(source.file, self.data)
        self.manifest, self.validation_errors = kit.decoder(self.kind)(self.data)

    @classmethod
    def of_defaults(cls, kit: LoadedKit) -> ManifestContext:
        """Return the kit's defaults as if they were a manifest to check."""
        assert kit.settings_source
        layer = kit.composition.settings_layer(AGENT)
        # a source without data: the defaults are not the whole file
        return cls(kit, Source(layer.file, kit.settings_source.text), layer)

    def with_errors(self, errors: list[ValidationError]) -> ManifestContext:
        """Return the same context with only some of the validation errors."""
        narrowed = copy(self)
        narrowed.validation_errors = errors
        return narrowed

    @property
    def required(self) -> tuple[str, ...]:
        """The keys that the manifest must have."""
        return ("name",) if self.is_base else self.kit.required(self.kind)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The top-level keys that a manifest of this kit can have."""
        return tuple(field.key for field in self.kit.shape_of(self.kind).fields)

    @cached_property
    def sections(self) -> list[tuple[int, str]]:
        """The entries in the manifest's list of blocks that name a section, each with its index."""
        return with_sections(self.manifest.blocks)

    def _origin(self, path: KeyPath) -> tuple[Source, KeyPath]:
        """Return the source in which the value at a path was written, and its path there."""
        file, at = self.resolved.origin(path)
        return self._source_in(file), at

    def _source_in(self, file: str) -> Source:
        return self.source if file == self.source.file else self.kit.composition.source(file)

    def source_of(self, path: KeyPath) -> Source:
        """Return the source in which the value at a path was written."""
        return self._origin(path)[0]

    def is_own(self, path: KeyPath) -> bool:
        """Return whether the value at a path was written in the manifest itself."""
        return self.resolved.origin(path).file == self.source.file

    def sources(self) -> Iterator[Source]:
        """Yield the sources of the data: the manifest, its bases, its role file, and the settings with defaults."""
        if self.role:
            yield self.role
        for layer in self.resolved.layers():
            if layer.data:
                yield self._source_in(layer.file)

    def locate(self, path: KeyPath) -> Location:
        """Return where the value at a path was written."""
        return locate(*self._origin(path))

    def locate_inherited(self, path: KeyPath) -> Location:
        """Return where the value at a path of the next layer was written."""
        assert self.resolved.far
        file, at = self.resolved.far.origin(path)
        return locate(self.kit.composition.source(file), at)

    def locate_text(self, path: KeyPath, value: str, start: int, end: int) -> Location:
        """Return where `value[start:end]` was written, in the string at a path."""
        if self.role and path == ("role",):
            return locate(self.role, span_of(value, start, end))
        source, at = self._origin(path)
        return locate(source, source.locate_text(at, value, start, end))

    def placed(self, finding: Violation) -> Violation:
        """Return a finding with its places in the files in which the values were written."""
        related = tuple((self._placed(at), text) for at, text in finding.related)
        remedy = finding.remedy
        if remedy and isinstance(remedy.where, tuple) and not isinstance(remedy.where, Span | Location):
            source, at = self._origin(remedy.where)
            remedy = remedy._replace(where=at, source=source)
        return finding._replace(where=self._placed(finding.where), related=related, remedy=remedy)

    def _placed(self, where: KeyPath | Span | Location) -> Span | Location:
        return where if isinstance(where, Span | Location) else self.locate(where)

    @cached_property
    def filled_texts(self) -> FilledTexts:
        """The texts and blocks of the manifest that have placeholders."""
        return self.kit.texts.of(self.manifest)

    @cached_property
    def is_setting_values(self) -> bool:
        """Whether the manifest or one of its bases may set values. Those of the settings are checked there."""
        bases = (self.kit.composition.source(file).data for file in self.resolved.bases)
        return any("values" in data or "target" in data for data in (self.own, *bases))

    def outputs(self) -> Iterator[str]:
        """Yield the paths of the outputs of the manifest."""
        manifest = self.manifest._replace(name=stem(self.source.file))
        yield from (output.path for output in outputs_of(self.kit, manifest, self.source.file))

    def fits(self, *path: str) -> bool:
        """Return whether the value at this path, with everything in it, is valid."""
        return not self.validation_errors or all(error.path[: len(path)] != path for error in self.validation_errors)
