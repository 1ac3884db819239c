"""From a manifest to the text of its agent file. Only this room, `sandbox` and `budget` know Jinja2."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    FunctionLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateSyntaxError,
    Undefined,
)

from kei_assembler.adapt import Adapted, adapt
from kei_assembler.diagnostics import AssembleError, Diagnostic, did_you_mean
from kei_assembler.kit import Kit, normal
from kei_assembler.manifest import Handoff, Manifest
from kei_assembler.markdown import code_span, fence_around, fold, inert, tidy, trimmed
from kei_assembler.rules.hiding import hidden_text
from kei_assembler.rules.outputs import template_fails
from kei_assembler.rules.text import filled_in_file
from kei_assembler.sandbox import Sandbox
from kei_assembler.settings import TEMPLATE_NAME
from kei_assembler.shapes import fits
from kei_assembler.source import START, Source
from kei_assembler.stamp import stamped
from kei_assembler.targets import TARGETS

_PACKAGE_TEMPLATES = os.path.join(os.path.dirname(__file__), "default")
_BODY = "agent.md.j2"
_PACKAGE_BODY = f"default/{_BODY}"


class Artifact(NamedTuple):
    """One generated file: `path` and `manifest` are relative to the kit, `content` is UTF-8 with LF.

    `body` is what the template made, `prompt` what the client gives the model: the body, with the stamp in Markdown.
    """

    path: str
    manifest: str
    target: str
    content: bytes
    body: str = ""
    prompt: str = ""


class TemplateFailure(AssembleError):
    """A template cannot be used, or did not compile or render; its diagnostics say where and why."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(diagnostics[0].message, diagnostics=diagnostics)


class Renderer:
    """Renders the manifests of one kit. Templates are compiled once, blocks tidied once."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self._templates: dict[str, Source] = {}
        self._template_of = cache(self._find_template)
        self._body = cache(self._load_body)
        self._way = cache(self._find_way)
        self._block = cache(self._load_block)

    def render(self, manifest: Manifest, file: str, target: str) -> Artifact:
        """Return the agent file of one manifest, found in `file`, for one target.

        Raises TemplateFailure when a template of the kit does not compile or render.
        """
        row, settings = TARGETS[target], self.kit.settings
        path = output_path(settings.output(target), manifest.name, file)
        adapted = adapt(manifest, row, settings.of(target))
        body = tidy(self._render_body(manifest, file, target, adapted)).strip("\n")
        before, after = row.form.write(adapted.entries, body)
        source = self._way(os.path.dirname(path), os.path.dirname(file)) + os.path.basename(file)
        content = stamped(before, after, row.form.comment, source, file)
        prompt = content[len(before) :] if row.form.prompts else body
        return Artifact(path, file, target, content.encode(), body, prompt)

    def _find_way(self, start: str, folder: str) -> str:
        """The way from one folder of the kit to another, with a `/` at its end; empty where they are the same."""
        if start == folder:
            return ""
        return normal(os.path.relpath(self.kit.path(folder), self.kit.path(start))) + "/"

    def _render_body(self, manifest: Manifest, file: str, target: str, adapted: Adapted) -> str:
        try:
            body: str = self._body(self._template_of(target))(
                agent=agent_view(manifest),
                blocks=tuple(map(self._block, manifest.blocks)),
                target=target,
                extra=SimpleNamespace(**{key: _still(value) for key, value in manifest.extra.items()}),
                limits=adapted.limits,
                report_fence=fence_around("\n".join(manifest.output_extra_fields)),
            )
            body.encode()
        except Exception as error:
            raise self._failure(error, file) from error
        return body

    def refuse_what_templates_add(self, artifact: Artifact) -> None:
        """Raise TemplateFailure when a template has put hidden text into the file, or what the client would fill in.

        It can spell with escapes of its own what neither it nor the values hold.
        """
        if not self._templates:
            return
        source = Source(next(iter(self._templates)), "")
        whole, body = (Source(source.file, text) for text in (artifact.content.decode(), artifact.body))
        found = whole.run(hidden_text, whole, self.kit.allowed_characters)
        if TARGETS[artifact.target].fills:
            found += body.run(filled_in_file, body, (artifact.target,))
        if found:
            raise TemplateFailure(*(one._replace(place=source.place(START)) for one in found))

    def _load_block(self, name: str) -> str:
        block = self.kit.block(name)
        return trimmed(block.source.text) if block else ""

    def _find_template(self, target: str) -> str:
        """The template of a target's bodies: the kit's for it, the kit's for all, or the package's."""
        templates = self.kit.settings.templates
        own = (name for name in (f"{target}/{_BODY}", _BODY) if os.path.lexists(self.kit.path(f"{templates}/{name}")))
        return next(own, _PACKAGE_BODY)

    def _load_body(self, template: str) -> Callable[..., str]:
        """A kit's own template runs in the sandbox; the package's is trusted."""
        environment = (Environment if template == _PACKAGE_BODY else Sandbox)(
            loader=self._loader(),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            undefined=_Undefined,
            finalize=_printed,
        )
        return environment.get_template(template).render

    def _loader(self) -> BaseLoader:
        package = PrefixLoader({"default": FileSystemLoader(_PACKAGE_TEMPLATES)})
        return ChoiceLoader([package, FunctionLoader(self._kit_template)])

    def _kit_template(self, name: str) -> tuple[str, str, None] | None:
        file = normal(f"{self.kit.settings.templates}/{name}")
        if not fits(TEMPLATE_NAME, name) or not os.path.lexists(self.kit.path(file)):
            return None
        source, problems = self.kit.read_text(file)
        problems += source.run(hidden_text, source, self.kit.allowed_characters)
        if problems:
            raise TemplateFailure(*problems)
        self._templates[file] = source
        return source.text, file, None

    def _failure(self, error: Exception, manifest: str) -> TemplateFailure:
        if isinstance(error, TemplateFailure):
            return error
        file, line = _template_line(error, self._templates)
        source = self._templates.get(file) or Source(file, "")
        return TemplateFailure(source.run(template_fails, error, line, manifest)[0])


def _template_line(error: Exception, sources: Mapping[str, Source]) -> tuple[str, int]:
    """Where in the kit's templates the error happened: by its own word, or by the innermost frame in one of them."""
    if isinstance(error, TemplateSyntaxError) and error.filename:
        return error.filename, error.lineno
    found, traceback = (next(iter(sources), "templates/" + _BODY), 0), error.__traceback__
    while traceback:
        if traceback.tb_frame.f_code.co_filename in sources:
            found = (traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


class _Undefined(StrictUndefined):
    """Says what is missing in the template's own terms."""

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        known = getattr(self._undefined_obj, "_fields", ()) or getattr(self._undefined_obj, "__dict__", _VARIABLES)
        hint = did_you_mean(str(self._undefined_name), known)
        return f"`{self._undefined_name}` is not defined" + (f"; {hint}" if hint else "")


_VARIABLES = ("agent", "blocks", "extra", "limits", "report_fence", "target")


def _printed(value: Any) -> Any:
    """What a template prints is text, numbers, and lists of them: anything else would print where it is in memory."""
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Undefined):
        return str(value)
    if isinstance(value, list | tuple | Mapping):
        for item in value.values() if isinstance(value, Mapping) else value:
            _printed(item)
        return value
    raise TypeError(f"this is no text, but a {type(value).__name__}; a method wants its parentheses")


def output_path(pattern: str, name: str, file: str) -> str:
    """Return the path of an agent file, relative to the kit: the pattern with `{name}` and `{dir}` filled in."""
    return normal(pattern.replace("{name}", name).replace("{dir}", os.path.dirname(file) or "."))


def agent_view(manifest: Manifest) -> Manifest:
    """Return the manifest as templates see it: folded, escaped, and everything always there."""
    return manifest._replace(
        description=inert(manifest.description),
        tools=_still(manifest.tools or ()),
        model=inert(manifest.model),
        role=trimmed(manifest.role),
        domain_in=_still(manifest.domain_in),
        forbidden_domain=_still(manifest.forbidden_domain),
        output_extra_fields=tuple(map(fold, manifest.output_extra_fields)),
        handoff=tuple(Handoff(inert(target), inert(trigger)) for target, trigger in manifest.handoff),
        references=manifest.references._replace(extra=tuple(map(_reference, manifest.references.extra))),
        targets=manifest.targets or (),
        target=_still(manifest.target),
        extra=_still(manifest.extra),
    )


def _reference(text: str) -> str:
    """A path or an address is code, anything else is prose."""
    return code_span(text) if "/" in text and not any(map(str.isspace, text)) else inert(text)


def _still(value: Any) -> Any:
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, list | tuple):
        return tuple(map(_still, value))
    if isinstance(value, Mapping):
        return MappingProxyType({key: _still(item) for key, item in value.items()})
    return value
