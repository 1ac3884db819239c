"""Where each line of a generated file comes from.

The file is rendered a second time, with marks around the values that its template prints (see `marks`). Without the
marks, the text must be the same. What has then another text than the value, because the template changed it, counts as
text of the template.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache

from kei_assembler.kit import LoadedKit
from kei_assembler.kit.outputs import Output
from kei_assembler.markdown.structure import strip_trailing_whitespace
from kei_assembler.model.kinds import AGENT, INSTRUCTIONS
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.values import filled, values_for
from kei_assembler.render.body_origins import BodyOrigins, Parts
from kei_assembler.render.front_origins import CLIENT, FrontOrigins
from kei_assembler.render.marked_values import MarkedValues
from kei_assembler.render.marks import EXPRESSION, LITERAL, Found, Marks, Value, alphabets, marking
from kei_assembler.render.places import Line, Part, Places
from kei_assembler.render.renderer import Artifact, Renderer
from kei_assembler.render.templates import PACKAGE_BODIES, PACKAGE_FILES, Templates
from kei_assembler.render.value_origins import ValueOrigins
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import read_toml
from kei_assembler.toml.strings import written_at
from kei_assembler.whitespace import with_lf_in_place

Attempt = Callable[[Iterable[str]], list[Found] | None]
"""Returns what is found with marks of some groups, or None if the marks have an effect on the text."""


def origins(kit: LoadedKit, file: str, target: str) -> list[Line]:
    """Return the lines of the file that is generated from a manifest for a target, and where each comes from.

    The manifest must have no errors. To ask about several files of a kit, keep an `Origins`.

    Raises:
        TemplateFailure: a template of the kit does not render.
    """
    return Origins(kit).of(file, target)


class Origins:
    """The origins of the lines of a kit's files."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.renderer = Renderer(kit)
        self._loaded = lru_cache(maxsize=1)(self._load)
        self._marks = cache(Marks)
        self._with_effect: defaultdict[str, set[str]] = defaultdict(set)
        self._marked_templates = cache(self._mark_templates)

    def of(self, file: str, target: str) -> list[Line]:
        """Return the lines of a file, see `origins`."""
        places, manifest = self._loaded(file)
        artifact = self.renderer.render(manifest, file, target)
        prepared = self.renderer.prepare(manifest, artifact.path, target)
        texts = self.renderer.block_texts(prepared.manifest, target)
        of_values = ValueOrigins(places, manifest, target, texts)
        front = FrontOrigins(places, manifest, TARGETS[target], of_values.text)

        def lines_of(value: Value) -> Sequence[Parts]:
            return [front.tools()] if value.variable == "allowed" else of_values.lines(value)

        body = self._body(artifact, prepared.manifest, lines_of)
        of_keys = {key: front.of(key) for key, _ in prepared.adapted.entries}
        body_key = TARGETS[target].form.body_key
        parts = _in_toml(artifact, of_keys, body_key, body) if body_key else _in_markdown(of_keys, body)
        return _lines(artifact, parts)

    def of_output(self, file: str, output: Output) -> list[Line]:
        """Return the lines of an output of the manifest in `file`. Those of a section start with its begin line."""
        if output.kind == AGENT.name:
            return self.of(file, output.target)
        _, manifest = self._loaded(file)
        artifact = self.renderer.render_output(manifest, file, output)
        if output.section:
            body = [(Part("import"),)] if output.imports else self._shared_body(artifact, file)
            stamp = (Part("stamp", key=output.section),)
            return _lines(artifact, [stamp, CLIENT, *(body or [CLIENT]), CLIENT, stamp])
        of_values = self._values(file, output.target)
        of_keys = {key: _of_entry(key, output, of_values) for key, _ in artifact.entries}
        return _lines(artifact, _in_markdown(of_keys, self._shared_body(artifact, file)))

    def _values(self, file: str, target: str) -> ValueOrigins:
        places, manifest = self._loaded(file)
        texts = self.renderer.block_texts(filled(manifest, values_for(manifest, target)), target)
        return ValueOrigins(places, manifest, target, texts)

    def _shared_body(self, artifact: Artifact, file: str) -> list[Parts]:
        """The parts of each line of a body that several targets can share, so that it has no names of clients."""
        _, manifest = self._loaded(file)
        printed = filled(manifest, values_for(manifest, artifact.target))
        return self._body(artifact, printed, self._values(file, artifact.target).lines)

    def _load(self, file: str) -> tuple[Places, Manifest]:
        places = Places(self.kit, file)
        kind = self.kit.manifest_files.kind_in(file, places.data)
        return places, self.kit.decoder(kind)(places.data)[0]

    def _mark_templates(self, alphabet: str, groups: frozenset[str]) -> Templates:
        return Templates(self.kit, marking(self._marks(alphabet), groups))

    def _body(
        self, artifact: Artifact, manifest: Manifest, lines_of: Callable[[Value], Sequence[Parts]]
    ) -> list[Parts]:
        """The parts of each line of the body, which is rendered from a filled manifest."""
        if not artifact.body:
            return []
        target, templates = artifact.target, self.renderer.templates
        name = templates.name_for(target, manifest.kind)
        variables = {**self.renderer.variables(manifest, target), "target": target, "allowed": artifact.allowed}
        printed = "".join(templates.body(name)(**variables))
        file = templates.file_for(target, manifest.kind) or PACKAGE_BODIES[manifest.kind]
        lines = BodyOrigins(with_lf_in_place(printed), templates, file, lines_of)
        for found in sorted(self._found(printed, name, MarkedValues(variables)), key=lambda each: each.start):
            lines.add(found)
        # the renderer removes blank lines around the body
        text = strip_trailing_whitespace(printed) if name not in PACKAGE_FILES else printed
        first = len(text) - len(text.lstrip("\n"))
        return lines.parts()[first : first + 1 + artifact.body.count("\n")]

    def _found(self, printed: str, name: str, values: MarkedValues) -> list[Found]:
        """What is found in the printed text of a template."""
        taken = frozenset(f"{printed}{values.texts}")
        alphabet = next((each for each in alphabets() if taken.isdisjoint(each)), "")
        if not alphabet:
            return []
        marks = self._marks(alphabet)

        def attempt(groups: Iterable[str]) -> list[Found] | None:
            marks.forget_values()
            chosen = frozenset(groups)
            templates = self._marked_templates(alphabet, chosen.difference(values.groups))
            try:
                text, found = marks.read("".join(templates.body(name)(**values.marked(marks, chosen))))
            except MemoryError:
                raise
            except Exception:  # a template can fail because of what the marks add
                return None
            return found if text == printed else None

        known = self._with_effect[name]
        found = None if known else attempt([LITERAL, EXPRESSION, *values.groups])
        if found is None:
            expressions = {token.group for token in marks.tokens if not token.is_literal}
            found = _found_in([LITERAL, *sorted(expressions), *values.groups], attempt, known)
        return found


def _found_in(groups: list[str], attempt: Attempt, known: set[str]) -> list[Found]:
    """Return what is found with marks of all groups together, without those that have an effect on the text.

    A template can compare or measure what it prints, and print something else if that is marked. Such groups are added
    to `known`, so that the next search is shorter.
    """
    usual, others = [each for each in groups if each not in known], [each for each in groups if each in known]
    waiting, found = [usual, *([each] for each in others)], list[Found]()
    kept: list[str] = []
    while waiting:
        some = waiting.pop()
        of_some = attempt(some) if some else []
        if of_some is not None:
            found += of_some
            kept += some
        elif len(some) > 1:
            waiting += [some[: len(some) // 2], some[len(some) // 2 :]]
        else:
            known.update(some)
    # together, they also say which piece of the template prints a value
    together = attempt(kept) if kept != usual else found
    return found if together is None else together


def _lines(artifact: Artifact, parts: Iterable[Parts]) -> list[Line]:
    texts = artifact.content.decode().split("\n")[:-1]
    return [Line(text, tuple(dict.fromkeys(of_line))) for text, of_line in zip(texts, parts, strict=True)]


def _of_entry(key: str, output: Output, of_values: ValueOrigins) -> Parts:
    """The parts for an entry of the front matter of a scoped rule or a skill."""
    if output.kind == INSTRUCTIONS.name:
        is_constant = key != output.entries[-1][0]
        return CLIENT if is_constant else of_values.where.at(("paths",))
    return of_values.where.at(("tools",)) if key == "allowed-tools" else of_values.text((key,))


def _in_markdown(of_keys: Mapping[str, Parts], body: list[Parts]) -> list[Parts]:
    """The parts of the lines of a Markdown file: the front matter, with one line for each entry, and the body."""
    front = [CLIENT, *of_keys.values(), CLIENT, CLIENT]
    return [*front, _STAMP, *([CLIENT, *body] if body else ())]


def _in_toml(artifact: Artifact, of_keys: Mapping[str, Parts], body_key: str, body: list[Parts]) -> list[Parts]:
    """The parts of the lines of a TOML file: the stamp, the entries, and the body, which is the string `body_key`."""
    source = read_toml(artifact.path, artifact.content)
    parts: list[Parts] = [CLIENT for _ in source.lines[:-1]]
    parts[0] = _STAMP
    starts = sorted((source.locate((key,)).line, key) for key in (*of_keys, *([body_key] if body else ())))
    ends = [line for line, _ in starts[1:]] + [len(source.lines)]
    for (start, key), end in zip(starts, ends, strict=True):
        if key != body_key:
            lines = range(start - 1, end - 1)
            parts[start - 1 : end - 1] = [of_keys[key] if source.lines[line] else CLIENT for line in lines]
    written = written_at(source, (body_key,)) if body else None
    for of_line, (first, last) in zip(body, written.lines if written else (), strict=False):
        for number in range(first - 1, last):
            parts[number] = (*(part for part in parts[number] if part.kind != CLIENT[0].kind), *of_line)
    return parts


_STAMP = (Part("stamp"),)
