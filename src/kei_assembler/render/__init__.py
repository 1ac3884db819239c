"""From a manifest to the text of its agent file. Only this room, `sandbox`, `budget` and `heritage` know Jinja2."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

from jinja2 import (
    Environment,
    FunctionLoader,
    StrictUndefined,
    Template,
    TemplateSyntaxError,
    Undefined,
)

from kei_assembler.diagnostics import AssembleError, Diagnostic, Span
from kei_assembler.files import DISK
from kei_assembler.kit import BODY_TEMPLATE, Kit
from kei_assembler.kit.settings import TEMPLATE_NAME
from kei_assembler.manifest import Handoff, Manifest
from kei_assembler.manifest.adapt import adapt
from kei_assembler.paths import normal
from kei_assembler.render.heritage import Heritage, misnamed
from kei_assembler.render.sandbox import Sandbox
from kei_assembler.rules.hiding import hidden_text
from kei_assembler.rules.outputs import allowance_not_printed, template_fails, unknown_template_block
from kei_assembler.rules.runner import locate, run_rule
from kei_assembler.rules.sources import check_source
from kei_assembler.rules.text import client_variable_in_file, unfinished_merge
from kei_assembler.source import BYTES_MOST, START, Source, with_lf
from kei_assembler.source.shapes import are_texts, fits
from kei_assembler.suggestions import did_you_mean
from kei_assembler.targets import TARGETS
from kei_assembler.text.hidden import may_hide
from kei_assembler.text.markdown import fence_around, fold_all, inert, inert_all, reference, tidy, trimmed
from kei_assembler.text.stamp import line_for

_PACKAGE_TEMPLATES = os.path.join(os.path.dirname(__file__), "default")
_PACKAGE_BODY = f"default/{BODY_TEMPLATE}"


class Artifact(NamedTuple):
    """One generated file: `path` and `manifest` are relative to the kit, `content` is UTF-8 with LF.

    `body` is what the template made, `line` the stamp, where the client gives that to the model too. `allowed` is what
    the body must say that the agent may do, if anything.
    """

    path: str
    manifest: str
    target: str
    content: bytes
    body: str = ""
    line: str = ""
    allowed: tuple[str, ...] | None = None

    @property
    def prompt(self) -> str:
        """What the client gives the model: the body, with the stamp in Markdown."""
        return f"{self.line}\n{self.body}" if self.line else self.body


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
        self._heritage: dict[str, Mapping[str, Heritage]] = {}
        self._misnamed = cache(self._find_misnamed)
        self._way = cache(self._find_way)
        self._block = cache(self._load_block)
        self._last: tuple[Manifest, dict[str, Any]] | None = None

    def render(self, manifest: Manifest, file: str, target: str) -> Artifact:
        """Return the agent file of one manifest, found in `file`, for one target.

        Raises TemplateFailure when a template of the kit does not compile or render.
        """
        row, settings = TARGETS[target], self.kit.settings
        path = self.kit.output(target, manifest.name, file)
        adapted = adapt(manifest, row, settings.of(target))
        try:
            body = self._render_body(manifest, target, adapted.allowed)
            parts = [part.encode() for part in row.form.write(adapted.entries, body)]
        except Exception as error:
            raise self._failure(error, file) from error
        source = self._way(os.path.dirname(path), os.path.dirname(file)) + os.path.basename(file)
        line = line_for(parts, row.form.comment, source, file)
        parts.insert(1, line.encode())
        return Artifact(
            path, file, target, b"".join(parts), body, line if row.form.has_stamp_in_prompt else "", adapted.allowed
        )

    def _find_way(self, start: str, folder: str) -> str:
        """The way from one folder of the kit to another, with a `/` at its end; empty where they are the same."""
        if start == folder:
            return ""
        return normal(os.path.relpath(self.kit.path(folder), self.kit.path(start))) + "/"

    def _render_body(self, manifest: Manifest, target: str, allowed: tuple[str, ...] | None) -> str:
        """The body; what the package's template makes of tidy values is tidy."""
        template = self._template_of(target)
        made = self._body(template)(**self._variables(manifest), target=target, allowed=allowed)
        return (made if template == _PACKAGE_BODY else tidy(made)).strip("\n")

    def _variables(self, manifest: Manifest) -> dict[str, Any]:
        """What templates see of a manifest, for all of its targets."""
        if self._last is None or self._last[0] is not manifest:
            self._last = manifest, _variables(manifest, tuple(map(self._block, manifest.blocks)))
        return self._last[1]

    def refuse_what_templates_add(self, artifact: Artifact, manifest: Manifest) -> None:
        """Raise TemplateFailure when a template has put hidden text into the file, or what the client would fill in.

        It can spell with escapes of its own what neither it nor the values hold.
        """
        template = self._own_template(artifact.target)
        source = Source(template or artifact.manifest, "")
        found = []
        if template and may_hide(artifact.content):
            whole = Source(source.file, artifact.content.decode())
            found = run_rule(hidden_text, whole, whole, self.kit.allowed_characters)
        if TARGETS[artifact.target].placeholder and not self._is_filled(manifest, artifact.target):
            prompt = Source(source.file, artifact.prompt)
            found += run_rule(client_variable_in_file, prompt, prompt, (artifact.target,))
        if found:
            raise TemplateFailure(*(one._replace(place=locate(source, START)) for one in found))

    def _is_filled(self, manifest: Manifest, target: str) -> bool:
        """Whether a block has already what the client would fill in; that is a finding about the block."""
        return any(re.search(TARGETS[target].placeholder, self._block(name)) for name in manifest.blocks)

    def unsaid(self, artifact: Artifact, manifest: Manifest) -> list[Diagnostic]:
        """Return a finding when the kit's template leaves out what the agent may do, and nothing else says it."""
        template = self._own_template(artifact.target)
        if not template or artifact.allowed is None or self._says_what_is_allowed(artifact, manifest):
            return []
        return run_rule(allowance_not_printed, Source(template, ""), TARGETS[artifact.target].label)

    def _says_what_is_allowed(self, artifact: Artifact, manifest: Manifest) -> bool:
        """That an agent may do nothing has no words to look for, but the body has to differ from one without limits."""
        if artifact.allowed:
            return all(entry in artifact.body for entry in artifact.allowed)
        try:
            return artifact.body != self._render_body(manifest, artifact.target, None)
        except Exception:  # the template cannot do without limits, so it looks at them
            return True

    def misnamed(self, target: str) -> list[Diagnostic]:
        """Return a finding for each block of the kit's templates for a target, of which one was rendered, that is lost.

        It is lost when none of the templates that its own extends has such a block.
        """
        return self._misnamed(self._template_of(target))

    def _find_misnamed(self, template: str) -> list[Diagnostic]:
        known, found = self._heritage.get(template, {}), []
        for block in misnamed(lambda name: known.get(self._file_of(name)), template):
            source = self._templates[self._file_of(block.template)]
            where = _span_of_name(source.text, _line_in(source.text, block.line), block.name)
            found += run_rule(
                unknown_template_block, source, where, block.name, block.template, block.parent, block.known
            )
        return found

    def _own_template(self, target: str) -> str:
        """The file of the kit's own template for a target's bodies; empty where they come from the package's."""
        name = self._template_of(target)
        return "" if name == _PACKAGE_BODY else self._file_of(name)

    def _file_of(self, name: str) -> str:
        """The file of a template, by which it is known when it is compiled."""
        return _package_file() if name == _PACKAGE_BODY else normal(f"{self.kit.settings.templates}/{name}")

    def _load_block(self, name: str) -> str:
        block = self.kit.block(name)
        return trimmed(block.source.text) if block else ""

    def _find_template(self, target: str) -> str:
        """The template of a target's bodies: the kit's for it, the kit's for all, or the package's."""
        return next(filter(self._is_there, (f"{target}/{BODY_TEMPLATE}", BODY_TEMPLATE)), _PACKAGE_BODY)

    def _is_there(self, name: str) -> bool:
        return self.kit.files.exists(self.kit.path(self._file_of(name)))

    def _load_body(self, template: str) -> Callable[..., str]:
        """A kit's own template runs in the sandbox; the package's is trusted."""
        if template == _PACKAGE_BODY:
            return _package_template(_package_source()).render
        environment = Sandbox(_printed, loader=FunctionLoader(self._template_source), **_SYNTAX)
        self._heritage[template] = environment.heritage
        return environment.get_template(template).render

    def _template_source(self, name: str) -> tuple[str, str, None] | None:
        if name == _PACKAGE_BODY:
            return _package_source()
        file = self._file_of(name)
        if not fits(TEMPLATE_NAME, name) or not self._is_there(name):
            return None
        source = self.kit.read_text(file)
        problems = check_source(source)
        problems += run_rule(hidden_text, source, source, self.kit.allowed_characters)
        problems += run_rule(unfinished_merge, source, source, False)
        if problems:
            raise TemplateFailure(*problems)
        self._templates[file] = source
        return source.text, file, None

    def _failure(self, error: Exception, manifest: str) -> TemplateFailure:
        if isinstance(error, TemplateFailure):
            return error
        file, line = _template_line(error, self._templates)
        source = self._templates.get(file) or Source(file, "")
        return TemplateFailure(run_rule(template_fails, source, error, _line_in(source.text, line), manifest)[0])


def default_body(manifest: Manifest, allowed: tuple[str, ...] | None) -> str:
    """Return the body that the package's template gives a manifest, without blocks.

    `allowed` is what the agent may do in words, None where the body does not say that.
    """
    return _package_template(_package_source()).render(**_variables(manifest, ()), target="", allowed=allowed)


@cache
def default_titles() -> Mapping[str, str]:
    """Return the heading of each block of the package's template that has one."""
    return dict(_TITLED_BLOCK.findall(_package_source()[0]))


_TITLED_BLOCK = re.compile(r"^\{% block (\w+) %\}(?:\n(?!# |\{% block ).*)*\n# (.+)", re.MULTILINE)


def _package_file() -> str:
    return os.path.normpath(os.path.join(_PACKAGE_TEMPLATES, BODY_TEMPLATE))


def _package_source() -> tuple[str, str, None]:
    """The package's template as loaders give it, read anew: what a run depends on is told by what it reads."""
    return with_lf(DISK.read(_package_file(), BYTES_MOST)).decode(), _package_file(), None


@cache
def _package_template(source: tuple[str, str, None]) -> Template:
    return Environment(loader=FunctionLoader(lambda _: source), **_SYNTAX).get_template(_PACKAGE_BODY)


def _variables(manifest: Manifest, blocks: tuple[str, ...]) -> dict[str, Any]:
    return {
        "agent": AgentView(manifest),
        "blocks": blocks,
        "extra": SimpleNamespace(**{key: _still(value) for key, value in manifest.extra.items()}),
        "report_fence": fence_around("\n".join(manifest.output_extra_fields)),
    }


def _template_line(error: Exception, sources: Mapping[str, Source]) -> tuple[str, int]:
    """Where in the kit's templates the error happened: by its own word, or by the innermost frame in one of them."""
    if isinstance(error, TemplateSyntaxError) and error.filename:
        return error.filename, error.lineno
    found, traceback = (next(iter(sources), "templates/" + BODY_TEMPLATE), 0), error.__traceback__
    while traceback:
        if traceback.tb_frame.f_code.co_filename in sources:
            found = (traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def _line_in(text: str, line: int) -> int:
    """The line that Jinja2 means, to which a lone CR is the end of one too; none stays none."""
    ends = _LINE_END.findall(text)[: line - 1]
    return 1 + sum(end.endswith("\n") for end in ends) if line else 0


_LINE_END = re.compile(r"\r\n|[\r\n]")


def _span_of_name(text: str, line: int, name: str) -> Span:
    """Where a block's name stands in the line of its tag, or else in the first column."""
    match = re.search(rf"\bblock\s+({name})\b", text.split("\n")[line - 1])
    start, end = match.span(1) if match else (0, 1)
    return Span(line, start + 1, line, end + 1)


class _Undefined(StrictUndefined):
    """Says what is missing in the template's own terms."""

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        known = getattr(self._undefined_obj, "_fields", ()) or getattr(self._undefined_obj, "__dict__", _VARIABLES)
        hint = did_you_mean(str(self._undefined_name), known)
        return f"`{self._undefined_name}` is not defined" + (f"; {hint}" if hint else "")


_SYNTAX: Mapping[str, Any] = {
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
    "auto_reload": False,
    "undefined": _Undefined,
}
_VARIABLES = ("agent", "allowed", "blocks", "extra", "report_fence", "target")


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


class AgentView:
    """The manifest as templates see it: folded, escaped, and everything always there.

    Its fields are the manifest's. What no template asks for is not made.
    """

    _fields = Manifest._fields

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def __getattr__(self, name: str) -> Any:
        """Make a field when it is asked for first."""
        value = _VIEWS.get(name, _still)(getattr(self._manifest, name))
        setattr(self, name, value)
        return value


def _handoffs(handoffs: Iterable[Handoff]) -> tuple[Handoff, ...]:
    targets, triggers = zip(*handoffs, strict=True) if handoffs else ((), ())
    return tuple(map(Handoff, inert_all(targets), inert_all(triggers)))


def _still(value: Any) -> Any:
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, list | tuple):
        return inert_all(value) if are_texts(value) else tuple(map(_still, value))
    if isinstance(value, Mapping):
        return MappingProxyType({key: _still(item) for key, item in value.items()})
    return value


_VIEWS: dict[str, Callable[[Any], Any]] = {
    "name": str,
    "role": trimmed,
    "blocks": tuple,
    "output_extra_fields": fold_all,
    "handoff": _handoffs,
    "references": lambda references: references._replace(extra=tuple(map(reference, references.extra))),
    "tools": lambda tools: _still(tools or ()),
    "targets": lambda targets: _still(targets or ()),
}
"""How templates see the manifest's fields; all others are seen as `_still` gives them."""
