"""The templates that bodies are rendered from: the package's template, and a kit's own, which run in the sandbox."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from kei_assembler import lazy_re
from kei_assembler.diagnostics import AssembleError, Diagnostic, Span
from kei_assembler.files import DISK
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.template_files import BODY_TEMPLATES
from kei_assembler.markdown.block_reader import Unclosed
from kei_assembler.markdown.structure import outline
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.settings import TEMPLATE_NAME
from kei_assembler.paths import normalize
from kei_assembler.render.evaluation import renderer
from kei_assembler.render.flattening import flattened
from kei_assembler.render.printed import OfLast
from kei_assembler.render.proof import MAX_MADE, amounts, is_harmless, size_of
from kei_assembler.render.simple_syntax import tree_of
from kei_assembler.render.template_inheritance import Inheritance, inheritance, misnamed
from kei_assembler.render.trees import Body, Lookup, all_of
from kei_assembler.render.views import manifest_of, variables
from kei_assembler.rules.hidden_text import hidden_text
from kei_assembler.rules.runner import MAX_FINDINGS, run_rule
from kei_assembler.rules.sources import check_source
from kei_assembler.rules.templates import template_fails, unknown_template_block
from kei_assembler.rules.text import unfinished_merge
from kei_assembler.toml.source import MAX_BYTES, Source, with_lf
from kei_assembler.validation import fits

if TYPE_CHECKING:
    from jinja2.ext import Extension

PACKAGE_FOLDER = os.path.normpath(os.path.join(os.path.dirname(__file__), "default"))
PACKAGE_BODIES = {kind: f"default/{file}" for kind, file in BODY_TEMPLATES.items()}
"""The names by which a kit's templates can extend the package's templates, by kind."""

PACKAGE_BODY = PACKAGE_BODIES[AGENT.name]


class TemplateFailure(AssembleError):
    """A template is invalid, or does not compile or render; `diagnostics` say where and why."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(diagnostics[0].message, diagnostics=diagnostics)


class Templates:
    """The templates of one kit. Each is read and compiled once.

    Templates go by their names in Jinja2: paths relative to the kit's folder of templates, or one of `PACKAGE_BODIES`.
    `extension` is a class of Jinja2's that changes all of them before they are compiled.
    """

    def __init__(self, kit: LoadedKit, extension: type[Extension] | None = None) -> None:
        self.kit = kit
        self._extension = extension
        self._sources: dict[str, Source] = {}
        self._inheritance: dict[str, Mapping[str, Inheritance]] = {}
        self._same_for_all: set[str] = set(PACKAGE_FILES)
        self.name_for = cache(self._name_for)
        self.file_for = cache(self._file_for)
        self.body = cache(self._compile)
        """Returns the function that renders a template to the pieces of its text."""
        self.source = cache(self._source)
        """Returns the source of a template. Jinja2 gives its file; for the package's, this is also its name."""
        self._may_open = cache(self._can_open)
        self._unclosed = OfLast(lambda body: outline(body).unclosed)  # several targets share a body
        self._ineffective_blocks = cache(self._find_ineffective_blocks)

    def _name_for(self, target: str, kind: str = AGENT.name) -> str:
        """Return the template for a target's bodies: the kit's for this target, the kit's for all, or the package's."""
        file = BODY_TEMPLATES[kind]
        return next(filter(self._exists, (f"{target}/{file}", file)), PACKAGE_BODIES[kind])

    def _file_for(self, target: str, kind: str = AGENT.name) -> str:
        """Return the file of the kit's template for a target's bodies; empty if they use the package's."""
        name = self.name_for(target, kind)
        return "" if name in PACKAGE_FILES else self._file(name)

    def _file(self, name: str) -> str:
        return PACKAGE_FILES.get(name) or normalize(f"{self.kit.settings.templates}/{name}")

    def _exists(self, name: str) -> bool:
        return self.kit.files.exists(self.kit.path(self._file(name)))

    def _compile(self, name: str) -> Callable[..., list[str]]:
        if self._extension:
            return self._in_jinja(name)
        chain = self._harmless(name)
        flat = flattened(chain) if chain else None
        if flat is None:
            return self._in_jinja(name)
        if not any(lookup.path[0] == "target" for lookup in all_of(flat, Lookup)):
            self._same_for_all.add(name)
        simple, size, charges = renderer(flat), size_of(flat), _CHARGES + _CHARGES_PER_LEVEL * len(chain)
        in_jinja = cache(lambda: self._in_jinja(name))  # rarely needed

        def pieces(**variables: Any) -> list[str]:
            values = amounts(manifest_of(variables["agent"]), variables["blocks"], variables["allowed"] or ())
            if size.bound(*values) * charges <= MAX_MADE:
                try:
                    return simple(**variables)
                except TypeError:  # something is absent: Jinja2's error says where
                    pass
            return in_jinja()(**variables)

        return simple if name in PACKAGE_FILES else pieces

    def _in_jinja(self, name: str) -> Callable[..., list[str]]:
        from kei_assembler.render.jinja_templates import changed_template, sandbox  # most templates are simple

        if name in PACKAGE_FILES and self._extension:
            template = changed_template(name, self._load, self._extension)
        else:
            environment = sandbox(self._load, self._extension)
            self._inheritance[name] = environment.inheritance
            template = environment.get_template(name)
        return lambda **variables: [template.render(**variables)]

    def is_same_for_all(self, name: str) -> bool:
        """Return whether a template, once it is compiled, surely prints the same for all targets.

        It can still print blocks and names that differ between them.
        """
        return name in self._same_for_all

    def _harmless(self, first: str) -> list[Body]:
        """Return the trees of a template and of those that it extends, or none if one of them needs the sandbox."""
        chain: dict[str, Body] = {}
        facts: dict[str, Inheritance] = {}
        name = first
        while name and name not in chain:
            source = self._load(name)
            tree = tree_of(source[0]) if source else None
            if source is None or tree is None or not (name in PACKAGE_FILES or is_harmless(tree)):
                return []
            chain[name], facts[source[1]] = tree, inheritance(tree)
            name = str(facts[source[1]].parent)
        self._inheritance[first] = facts
        return [*chain.values()] if not name else []

    def _load(self, name: str) -> tuple[str, str, None] | None:
        """Return a template's text and file for Jinja2, or None if it does not exist.

        Raises:
            TemplateFailure: the template cannot be read, or has hidden text or an unfinished merge.
        """
        if name in PACKAGE_FILES:
            return _package_source(name)
        if not fits(TEMPLATE_NAME, name) or not self._exists(name):
            return None
        source = self.kit.read_text(self._file(name))
        problems = check_source(source)
        problems += run_rule(hidden_text, source, source, self.kit.allowed_characters)
        problems += run_rule(unfinished_merge, source, source, False)
        if problems:
            raise TemplateFailure(*problems)
        self._sources[source.file] = source
        return source.text, source.file, None

    def ineffective_blocks(self, target: str, kind: str = AGENT.name) -> list[Diagnostic]:
        """Return a finding for each block that no extended template has, once a target's template is compiled."""
        return self._ineffective_blocks(self.name_for(target, kind))

    def _find_ineffective_blocks(self, name: str) -> list[Diagnostic]:
        known, found = self._inheritance.get(name, {}), []
        blocks = misnamed(lambda template: known.get(self._file(template)), name)
        for block in islice(blocks, MAX_FINDINGS):
            source = self._sources[self._file(block.template)]
            span = _span_of_block(source.text, line_in(source.text, block.line), block.name)
            names = block.name, block.template, block.parent, block.known
            found += run_rule(unknown_template_block, source, span, *names)
        return found

    def _source(self, file: str) -> Source:
        for name, path in PACKAGE_FILES.items():
            if file in (name, path):
                return Source(name, _package_source(name)[0])
        return self._sources.get(file) or self.kit.read_text(file)

    def find_unclosed(self, body: str) -> Unclosed | None:
        """Return what a kit's template leaves open in a rendered body. The role and the blocks close what they open."""
        return self._unclosed(body) if self._may_open(len(self._sources)) else None

    def _can_open(self, count: int) -> bool:
        """Return whether one of the templates read so far can open a code fence or an HTML block by itself."""
        texts = [source.text for source in self._sources.values()][:count]
        return any(mark in text for text in texts for mark in ("```", "~~~", "<", "\\", "fence"))

    def failure(self, error: Exception, manifest: str, template: str) -> TemplateFailure:
        """Return the failure for an error that happened while a template was compiled or rendered for a manifest.

        `template` is the file of that template. If the error comes from one that it extends, this one is named.
        """
        if isinstance(error, TemplateFailure):
            return error
        file, line = self._locate(error) or (template, 0)
        source = self._sources.get(file) or Source(file, "")
        return TemplateFailure(*run_rule(template_fails, source, error, line_in(source.text, line), manifest))

    def _locate(self, error: Exception) -> tuple[str, int] | None:
        """Return the file and Jinja2's line of an error: the syntax error's, or the innermost frame in a template."""
        from traceback import walk_tb

        from jinja2 import TemplateSyntaxError  # most runs need neither

        if isinstance(error, TemplateSyntaxError) and error.filename:
            return error.filename, error.lineno

        frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
        return next((frame for frame in reversed(frames) if frame[0] in self._sources), None)


def default_body(manifest: Manifest, allowed: tuple[str, ...] | None) -> str:
    """Return the body that the package's template renders for a manifest, without blocks.

    `allowed` lists in words what the agent may do. It is None if the body does not say that.
    """
    return "".join(_default_renderer()(**variables(manifest, ()), target="", allowed=allowed))


@cache
def _default_renderer() -> Callable[..., list[str]]:
    return renderer(flattened([tree_of(package_text(PACKAGE_BODY)) or ()]) or ())


@cache
def default_titles() -> Mapping[str, str]:
    """Return the headings in the package's template, by the name of their template block."""
    return dict(_TITLED_BLOCK.findall(package_text(PACKAGE_BODY)))


_TITLED_BLOCK = lazy_re.compile(r"^\{% block (\w+) %\}(?:\n(?!# |\{% block ).*)*\n# (.+)", re.MULTILINE)


def package_text(name: str) -> str:
    """Return the text of a template of the package, by its name in `PACKAGE_BODIES`."""
    return _package_source(name)[0]


PACKAGE_FILES = {name: os.path.join(PACKAGE_FOLDER, BODY_TEMPLATES[kind]) for kind, name in PACKAGE_BODIES.items()}
"""The paths of the package's templates, by their names."""


def _package_source(name: str) -> tuple[str, str, None]:
    # Not cached: each run has to read the file, because the run cache records what a run reads.
    return with_lf(DISK.read(PACKAGE_FILES[name], MAX_BYTES)).decode(), PACKAGE_FILES[name], None


_CHARGES, _CHARGES_PER_LEVEL = 4, 2
"""How often the sandbox charges for a text at most: for each of three filters, when it is printed, and when `super()`
returns it and it is printed again."""


def line_in(text: str, line: int) -> int:
    """Return the line in a template's text for Jinja2's line number, which also counts a lone CR as a line end.

    0 means an unknown line.
    """
    if "\r" not in text:
        return line
    ends = re.findall(r"\r\n|[\r\n]", text)[: line - 1]
    return 1 + sum(end.endswith("\n") for end in ends) if line else 0


def _span_of_block(text: str, line: int, name: str) -> Span:
    """Return the span of a block's name in the line of its tag, or else of the line's first character."""
    match = re.search(rf"\bblock\s+({name})\b", text.split("\n")[line - 1])
    start, end = match.span(1) if match else (0, 1)
    return Span(line, start + 1, line, end + 1)
