"""Render a manifest as an agent file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import cache, lru_cache, partial
from itertools import chain
from typing import Any

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.filled_texts import NO_TEXTS
from kei_assembler.kit.outputs import IMPORT, Output
from kei_assembler.markdown import shell
from kei_assembler.markdown.front_matter import Value
from kei_assembler.markdown.hidden_text import may_hide
from kei_assembler.markdown.placeholders import Values, may_have_placeholders
from kei_assembler.markdown.stamp import can_name, digest_of, line_for
from kei_assembler.markdown.structure import strip_trailing_whitespace, trimmed
from kei_assembler.model.adaptation import Adapted, adapt, starts_agents, with_client_names
from kei_assembler.model.kinds import AGENT, SKILL
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.values import fill_markdown, filled, own_values, values_for
from kei_assembler.paths import normalize
from kei_assembler.records import NamedTuple
from kei_assembler.render.printed import OfLast, Printed, printed
from kei_assembler.render.templates import PACKAGE_FILES, TemplateFailure, Templates
from kei_assembler.render.views import variables
from kei_assembler.rules.hidden_text import hidden_text
from kei_assembler.rules.outputs import unusable_path
from kei_assembler.rules.runner import locate, run_rule
from kei_assembler.rules.templates import allowance_not_printed
from kei_assembler.rules.text import client_variable_in_file
from kei_assembler.targets import TARGETS
from kei_assembler.targets.forms import Form
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import START, Source
from kei_assembler.whitespace import SPACES


class Artifact(NamedTuple):
    """One generated file.

    `path` and `manifest` are relative to the kit. `content` is UTF-8 with LF. `body` is the rendered template. `line`
    is the stamp if the client passes it to the model, otherwise it is empty. `allowed` lists what the body has to say
    that the agent may do; it is None if the front matter says that, or nothing is limited. `entries` are those of the
    front matter, in order. If the artifact is only a section of the file, `section` is its name, and `content` the
    section with LF. `kind` is the manifest's. `digest` is that of a whole file without its stamp.
    """

    path: str
    manifest: str
    target: str
    content: bytes
    body: str = ""
    line: str = ""
    allowed: tuple[str, ...] | None = None
    entries: tuple[tuple[str, Value], ...] = ()
    section: str = ""
    kind: str = AGENT.name
    digest: str = ""

    @property
    def name(self) -> str:
        """The name in the front matter, or empty."""
        return str(dict(self.entries).get("name", ""))

    @property
    def prompt(self) -> str:
        """The text that the client passes to the model: the body, after the stamp if that is part of the text."""
        return f"{self.line}\n{self.body}" if self.line else self.body


class Prepared(NamedTuple):
    """What a file is rendered from: the manifest, filled and with the client's names, and its front matter."""

    manifest: Manifest
    adapted: Adapted


class _Shared(NamedTuple):
    """What the targets of a manifest share, except for those in `different`, which have blocks of their own.

    `bodies` has the bodies of templates that print the same for all targets, by the template and the allowed tools.
    """

    manifest: Manifest
    different: frozenset[str]
    variables: dict[str, Any]
    bodies: dict[tuple[str, tuple[str, ...] | None], str]


BEFORE_CODE = "<!-- -->\n\n"
"""What is printed before a block that starts with indented code."""

_MAX_SHORT = 64 * 1024
"""The maximum length of the filled blocks of a manifest that are kept, in characters."""

_MAX_KEPT = 256
"""For how many sets of blocks and values the filled blocks are kept."""


class Renderer:
    """Renders the manifests of one kit. Each template is compiled once, and each text of a block trimmed once."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.templates = Templates(kit)
        self._prefix = cache(self._find_prefix)
        self._can_name = cache(can_name)
        self._block = cache(self._load_block)
        self._has_variable = cache(self._find_variable)
        self._encoded = OfLast(str.encode)  # several targets share a body
        self._may_hide = OfLast(lambda body: may_hide(self._encoded(body)))
        self._different = lru_cache(maxsize=_MAX_KEPT)(self._find_different)
        self._last: _Shared | None = None
        self._last_filled: tuple[Manifest, dict[str, Manifest]] | None = None
        self._filled_blocks: dict[object, tuple[str, ...]] = {}

    def render_output(self, manifest: Manifest, file: str, output: Output) -> Artifact:
        """Return an output of the manifest in `file`: a section, or a whole file.

        Raises:
            TemplateFailure: as for `render`, or the clients that share the output would get different texts, or the
                text cannot be in such an output.
        """
        if output.section:
            return self._render_section(manifest, file, output)
        if output.kind == AGENT.name:
            return self._render_agent(manifest, file, output.target, output.path)
        return self._render_file(manifest, file, output)

    def render(self, manifest: Manifest, file: str, target: str) -> Artifact:
        """Return the agent file of the manifest in `file` for one target.

        Raises:
            TemplateFailure: a template of the kit does not compile or render, or the stamp cannot name the manifest.
        """
        return self._render_agent(manifest, file, target, self.kit.output(target, manifest.name, file))

    def _render_agent(self, manifest: Manifest, file: str, target: str, path: str) -> Artifact:
        row = TARGETS[target]
        manifest, adapted = self.prepare(manifest, path, target)
        try:
            body = self._render_body(manifest, target, adapted.allowed)
        except MemoryError:  # a template can't cause that: what it makes is limited
            raise
        except Exception as error:
            raise self.templates.failure(error, file, self.templates.file_for(target)) from error
        content, line, digest = self._stamped(row.form, adapted.entries, body, path, file)
        stamp = line if row.form.has_stamp_in_prompt else ""
        return Artifact(path, file, target, content, body, stamp, adapted.allowed, adapted.entries, digest=digest)

    def _render_file(self, manifest: Manifest, file: str, output: Output) -> Artifact:
        """Return the scoped rule or the skill of the manifest in `file`."""
        body = self._shared_text(manifest, file, output)
        entries = output.entries or self._entries_of_skill(manifest, file, output)
        content, _, digest = self._stamped(output.form, entries, body, output.path, file)
        own = (output.path, file, output.target, content, body)
        return Artifact(*own, entries=entries, kind=output.kind, digest=digest)

    def _entries_of_skill(self, manifest: Manifest, file: str, output: Output) -> tuple[tuple[str, Value], ...]:
        every = output.readers or output.targets
        descriptions = {target: self._filled(manifest, target).description for target in every}
        from kei_assembler.rules.section_files import different_texts  # most kits have only agents

        if found := run_rule(different_texts, Source(file, ""), self.kit, manifest, output.path, descriptions):
            raise TemplateFailure(*found)
        tools = manifest.tools if manifest.kind == SKILL.name else None
        allowed = [("allowed-tools", _as_words(tools))] if tools else []
        return ("name", manifest.name), ("description", descriptions[output.target]), *allowed

    def _render_section(self, manifest: Manifest, file: str, output: Output) -> Artifact:
        """Return the section of an output that belongs to the instructions in `file`."""
        if output.imports:
            body, source, command = IMPORT, "", "--all"
        else:
            body, source = self._shared_text(manifest, file, output), self._source(output.path, file)
            command = f"{self.kit.settings.command_option} {shell.word(file)}".removeprefix(" ")
        from kei_assembler.markdown.stamped_sections import written  # most kits have only agents

        content = written(output.section, source, command, body, self.kit.settings.has_plain_stamps)
        owner = "" if output.imports else file
        return Artifact(output.path, owner, output.target, content, body, section=output.section, kind=manifest.kind)

    def _shared_text(self, manifest: Manifest, file: str, output: Output) -> str:
        """Return the text of an output, which has to be the same for all of its readers."""
        try:
            filled = {target: self._filled(manifest, target) for target in output.readers or output.targets}
            texts = {target: self._render_body(each, target, None) for target, each in filled.items()}
        except MemoryError:
            raise
        except Exception as error:
            template = self.templates.file_for(output.target, output.kind)
            raise self.templates.failure(error, file, template) from error
        from kei_assembler.rules import section_files  # most kits have only agents

        found = run_rule(section_files.different_texts, Source(file, ""), self.kit, manifest, output.path, texts)
        found += run_rule(section_files.unusable_text, Source(file, ""), texts[output.target], bool(output.section))
        if found:
            raise TemplateFailure(*found)
        return texts[output.target]

    def prepare(self, manifest: Manifest, path: str, target: str) -> Prepared:
        """Return what the agent file at a path is rendered from for one target."""
        row = TARGETS[target]
        own = manifest = self._filled(manifest, target)
        if manifest.handoff or manifest.tools:
            manifest = with_client_names(own, partial(self.kit.names.in_client, target))
        # the client compares the names in the front matter, and the model understands those in the body
        is_full = row.plugin.is_in_names and any(map(starts_agents, own.tools or ()))
        heading = with_client_names(own, partial(self.kit.names.full_in_client, target)) if is_full else manifest
        is_named = self._is_named_by_file(row, manifest.name, path)
        return Prepared(manifest, adapt(heading, row, self.kit.settings.of(target), is_named))

    def _is_named_by_file(self, row: Target, name: str, path: str) -> bool:
        """Return whether a client finds an agent by its name even if the front matter at a path does not give it."""
        if not row.display_name.is_only_name or path == row.default_path.format(name=name):
            return True
        return self.kit.placement.name_by_file(row.name, path) == name

    def _stamped(
        self, form: Form, entries: Iterable[tuple[str, Value]], body: str, path: str, file: str
    ) -> tuple[bytes, str, str]:
        """Return the content of a file with its stamp, the stamp's line, and the digest of the rest."""
        parts = [self._encoded(part) if part is body else part.encode() for part in form.write(entries, body)]
        digest, settings = digest_of(parts), self.kit.settings
        in_stamp = "" if settings.has_plain_stamps else digest
        line = line_for(in_stamp, form.comment, self._source(path, file), file, settings.command_option)
        return b"".join((*parts[:1], line.encode(), *parts[1:])), line, digest

    def _source(self, path: str, file: str) -> str:
        """Return the path of a manifest relative to its output."""
        prefix = self._prefix(os.path.dirname(path), os.path.dirname(file))
        if prefix and not self._can_name(prefix):
            raise TemplateFailure(*run_rule(unusable_path, Source(file, ""), prefix))
        return prefix + os.path.basename(file)

    def _find_prefix(self, start: str, folder: str) -> str:
        """Return the relative path from one folder of the kit to another, ending in `/`; empty if they are the same."""
        if start == folder:
            return ""
        return normalize(os.path.relpath(self.kit.path(folder), self.kit.path(start))) + "/"

    def _filled(self, manifest: Manifest, target: str) -> Manifest:
        """Return a manifest filled with its values, the same object for all targets without values of their own."""
        if self._last_filled is None or self._last_filled[0] is not manifest:
            self._last_filled = manifest, {}
        found, key = self._last_filled[1], target if own_values(manifest, target) else ""
        if key not in found:
            found[key] = filled(manifest, values_for(manifest, target))
        return found[key]

    def _load_block(self, entry: str, target: str) -> str:
        return _as_printed(self.kit.blocks.text(entry, target))

    def _find_variable(self, entry: str, target: str) -> bool:
        return re.search(TARGETS[target].placeholder.pattern, self.kit.blocks.text(entry, target)) is not None

    def _render_body(self, manifest: Manifest, target: str, allowed: tuple[str, ...] | None) -> str:
        template = self.templates.name_for(target, manifest.kind)
        render, of_manifest = self.templates.body(template), self._shared(manifest)
        is_shared = self.templates.is_same_for_all(template) and target not in of_manifest.different
        if is_shared and (template, allowed) in of_manifest.bodies:
            return of_manifest.bodies[template, allowed]
        text = printed(render(**self.variables(manifest, target), target=target, allowed=allowed))
        # The package's template adds no trailing whitespace to these values.
        body = self._stripped(text._replace(may_trail=False) if template in PACKAGE_FILES else text)
        if is_shared:
            of_manifest.bodies[template, allowed] = body
        return body

    def _stripped(self, text: Printed) -> str:
        """Return what a template prints, without trailing whitespace and blank lines around it."""
        if text.may_trail:
            return strip_trailing_whitespace(text.text).strip("\n")
        body = text.text.strip("\n")
        self._encoded.remember(body, text.raw.strip(b"\n"))
        self._may_hide.remember(body, text.may_hide)
        return body

    def variables(self, manifest: Manifest, target: str) -> dict[str, Any]:
        """Return the variables of the template: all except `allowed` and `target`."""
        shared = self._shared(manifest)
        is_different = target in shared.different
        return shared.variables | {"blocks": self._texts(manifest, target)} if is_different else shared.variables

    def _shared(self, manifest: Manifest) -> _Shared:
        """Return what the targets of a manifest share. They are rendered one after the other."""
        if self._last is None or self._last.manifest is not manifest:
            different = self._different(manifest.blocks, self.kit.targets_of(manifest))
            self._last = _Shared(manifest, different, variables(manifest, self._texts(manifest, "")), {})
        return self._last

    def _find_different(self, entries: tuple[str, ...], targets: tuple[str, ...]) -> frozenset[str]:
        """Return the targets for which the blocks of these entries may differ from those without a target."""
        if self.kit.texts.of_blocks(entries, targets).texts:
            return frozenset(TARGETS)
        return frozenset(chain.from_iterable(map(self.kit.blocks.variants, entries)))

    def _texts(self, manifest: Manifest, target: str) -> tuple[str, ...]:
        """The texts of a manifest's blocks for a target, without the blocks that are left out for it."""
        entries = manifest.blocks
        with_placeholders = self.kit.texts.of_blocks(entries, (target,)) if target else NO_TEXTS
        if not with_placeholders.texts:
            return tuple(filter(None, [self._block(entry, target) for entry in entries]))
        key = (entries, target, with_placeholders.used(values_for(manifest, target)))
        if key not in self._filled_blocks:
            texts = tuple(filter(None, self.block_texts(manifest, target)))
            if sum(map(len, texts)) > _MAX_SHORT:
                return texts
            if len(self._filled_blocks) == _MAX_KEPT:
                self._filled_blocks.clear()
            self._filled_blocks[key] = texts
        return self._filled_blocks[key]

    def block_texts(self, manifest: Manifest, target: str) -> list[str]:
        """Return the texts of a manifest's blocks as they are printed for a target. Some can be empty."""
        values = values_for(manifest, target)
        return [self._filled_block(entry, target, values) for entry in manifest.blocks]

    def _filled_block(self, entry: str, target: str, values: Values) -> str:
        text = self.kit.blocks.text(entry, target)
        return (
            _as_printed(fill_markdown(text, values).text) if may_have_placeholders(text) else self._block(entry, target)
        )

    def refuse_additions(self, artifact: Artifact, manifest: Manifest) -> None:
        """Refuse hidden text, client variables and open constructs that a template has added to the file.

        The sources of the file are checked elsewhere, but a template can build from escapes what none of them has.

        Raises:
            TemplateFailure: the file has such text.
        """
        template = self.templates.file_for(artifact.target, artifact.kind)
        if template and (unclosed := self.templates.find_unclosed(artifact.body)):
            error = ValueError(f"the template leaves {unclosed.with_article} open, and what follows becomes part of it")
            raise self.templates.failure(error, artifact.manifest, template)
        source, found = Source(template or artifact.manifest, ""), []
        if template and self._may_hide(artifact.body):
            file = Source(source.file, artifact.content.decode())
            found = run_rule(hidden_text, file, file, self.kit.allowed_characters)
        variable = TARGETS[artifact.target].placeholder.pattern if artifact.kind == AGENT.name else ""
        # A variable in a block is a finding about the block, unless it is only there once the block is filled.
        if variable and not any(self._has_variable(entry, artifact.target) for entry in manifest.blocks):
            prompt = Source(source.file, artifact.prompt)
            found += run_rule(client_variable_in_file, prompt, prompt, (artifact.target,))
        if found:
            raise TemplateFailure(*(one._replace(location=locate(source, START)) for one in found))

    def check_allowance(self, artifact: Artifact, manifest: Manifest) -> list[Diagnostic]:
        """Return a finding if the body has to say what the agent may do, and the kit's template leaves that out."""
        template = self.templates.file_for(artifact.target)
        if not template or artifact.allowed is None or self._says_allowance(artifact, manifest):
            return []
        return run_rule(allowance_not_printed, Source(template, ""), TARGETS[artifact.target].label)

    def _says_allowance(self, artifact: Artifact, manifest: Manifest) -> bool:
        if artifact.allowed:
            # they are printed near the end of a long text, where `rfind` starts
            return all(artifact.body.rfind(entry) >= 0 for entry in artifact.allowed)
        # There is no fixed text for an agent that may do nothing, but its body differs from that of one without limits.
        try:
            prepared = self.prepare(manifest, artifact.path, artifact.target)
            return artifact.body != self._render_body(prepared.manifest, artifact.target, None)
        except MemoryError:
            raise
        except Exception:  # the template uses the limits, so it fails without them
            return True


def _as_words(tools: tuple[str, ...]) -> Value:
    return tools if any("," in tool for tool in tools) else ", ".join(tools)


def _as_printed(text: str) -> str:
    """Return the text of a block as it is printed."""
    text = trimmed(text)
    # Without the comment, a list before the block would go on in the block's indented code (CommonMark 5.2).
    return f"{BEFORE_CODE}{text}" if text[:1] in SPACES and text else text
