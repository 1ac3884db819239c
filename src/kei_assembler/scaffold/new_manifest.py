"""`assemble new`: the text of a new manifest of any kind.

Keys with a given value are set. Other keys that the kit requires are set to a placeholder, unless the manifest
inherits them, and the rest are comments.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from textwrap import fill
from typing import Any

from kei_assembler import lazy_re
from kei_assembler.build import writer
from kei_assembler.build.changes import FileStatus
from kei_assembler.build.schema_files import MANIFEST_SCHEMAS, schema_file_change
from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity, has_errors
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.loader import load_kit
from kei_assembler.markdown.stamp import can_name
from kei_assembler.model.inheritance import INHERITED
from kei_assembler.model.kinds import AGENT, INSTRUCTIONS, SKILL, Kind
from kei_assembler.model.manifest import INHERITANCE_KEYS, NAME, slug
from kei_assembler.paths import display_path_from
from kei_assembler.rules import check_base, check_manifest
from kei_assembler.rules.sources import check_source
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import Source, read_toml
from kei_assembler.toml.writer import entry
from kei_assembler.validation import Field, Shape, fits

MARK = lazy_re.compile(r"\{\{DESCRIBE_[A-Z0-9_]+\}\}")
"""A placeholder for a value that the user has to fill in."""

_WIDTH = 110
_MAX_NAMES = 30
_PLACEHOLDER_NAMES = {"description": "PURPOSE", "extra": "SOURCE"}
_SAMPLES: Mapping[type, Any] = {int: 1, bool: True, dict: {"key": "…"}}
_HEADS = {
    AGENT: "# The source of an agent: edit this file, not the generated one, then run: assemble --all",
    INSTRUCTIONS: "# The source of instructions: edit this file, not what is generated, then run: assemble --all",
    SKILL: "# The source of a skill: edit this file, not the generated one, then run: assemble --all",
}
"""Like the other comments, they name no agent, block or file: it would be wrong after a rename."""
_ROLE = "Do the task that you are given, and report the result."
"""The role of a new agent or skill with a description. It is true of every one, also after a rename."""
_TABLES_NOTE = """\
# In TOML, a key belongs to the last header above it. Keep other keys above this line, and tables below.
"""


def fields_of(kit: LoadedKit, given: Collection[str] = (), kind: Kind = AGENT) -> list[Field]:
    """Return the fields that a new manifest of this kit with the given keys shows, with tables last."""
    omitted = {"kind", "also-skill", "values", "target", *INHERITANCE_KEYS} - _required(kit, kind) - {*given}
    fields = [field for field in kit.shape_of(kind).fields if field.key not in omitted]
    return sorted(fields, key=lambda field: field.is_table)


def _required(kit: LoadedKit, kind: Kind) -> frozenset[str]:
    return frozenset(key for key in kit.required(kind) if not kit.defaults_of(kind).get(key))


def render(kit: LoadedKit, name: str, given: Mapping[str, Any], has_schema: bool, kind: Kind = AGENT) -> str:
    """Return the text of a new manifest with the given values, keyed by manifest key."""
    if kit.manifest_files.usual_kind(kit.manifest_file(name, kind)) is not kind:
        given = {"kind": kind.name, **given}
    inherited = _inherited(kit, name, given, kind)
    initial = {key: value for key, value in _initial(kit, given, kind).items() if not inherited.get(key)}
    blocks = _blocks(kit, inherited.get("blocks"), given.get("blocks", ()), kind)
    given = {key: value for key, value in given.items() if key != "blocks"} | ({"blocks": blocks} if blocks else {})
    values = {**initial, **given, "name": name}
    fields = fields_of(kit, given, kind)
    keys = [_entry(kit, field, values, kind) for field in fields if not field.is_table]
    tables = [_entry(kit, field, values, kind) for field in fields if field.is_table]
    return "\n".join([_head(kit, name, has_schema, kind), *keys, *([_TABLES_NOTE] if tables else []), *tables])


def _inherited(kit: LoadedKit, name: str, given: Mapping[str, Any], kind: Kind) -> Mapping[str, Any]:
    """What a new manifest inherits from its base, if it is given one."""
    if "extends" not in given:
        return {}
    heir = Source(kit.manifest_file(name, kind), "")
    heir.data = {"extends": given["extends"]}
    return kit.composition.resolve(heir).data


def _blocks(kit: LoadedKit, inherited: object, given: Iterable[str], kind: Kind) -> list[str]:
    """The list of blocks with the obligatory and the given ones. It is empty if the inherited list needs no more."""
    entries, obligatory = kit.settings.of_kind(kind).obligatory, kit.obligatory(kind)
    present = tuple(inherited) if isinstance(inherited, list) else ()
    is_complete = bool(present) and present[: len(obligatory)] == obligatory
    own = [block for block in dict.fromkeys(given) if block not in (*present, *obligatory, *entries)]
    if is_complete and not own:
        return []
    return [*(() if is_complete else entries), *([INHERITED] if present else []), *own]


def _initial(kit: LoadedKit, given: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """The values of the keys that the kit requires, and of the role, which every new manifest has."""
    required = _required(kit, kind)
    required_values = {
        field.key: _placeholders(field.key, field.shape) for field in fields_of(kit, kind=kind) if field.key in required
    }
    has_handoff = "handoff" in given or "handoff" in required_values
    # the clients whose table is required may need another name for the model
    target = TARGETS[kit.settings.targets[0]]
    model = given.get("model", "")
    is_for_target = model and (target.models is None or model in target.models)
    own_model = model if is_for_target else _placeholder("model")
    defaults = {
        "tools": ["Read", "Grep", "Glob", *(["Agent"] if has_handoff else [])],
        "model": "inherit",
        "targets": kit.settings.targets,
        "target": {target.name: {target.model_key: own_model}},
    }
    role = _ROLE if "description" in given else _placeholder("role")
    chosen = {key: value for key, value in defaults.items() if key in required_values}
    return {**required_values, **chosen, "role": role}


def _placeholders(key: str, shape: Shape) -> Any:
    if shape.type is dict and shape.item:
        return {"key": _placeholder(key)}
    if shape.item:
        return [_placeholders(key, shape.item)]
    if shape.fields:
        return {field.key: _placeholders(field.key, field.shape) for field in shape.fields}
    return _placeholder(key)


def _placeholder(key: str) -> str:
    return f"{{{{DESCRIBE_{_PLACEHOLDER_NAMES.get(key, key.upper())}}}}}"


def _head(kit: LoadedKit, name: str, has_schema: bool, kind: Kind) -> str:
    file = kit.manifest_file(name, kind)
    schema_path = display_path_from(os.path.dirname(kit.path(file)), kit.path(_schema_of(kind)))
    line = f"#:schema {schema_path}\n" if has_schema and can_name(schema_path) else ""
    return f"{line}{_HEADS[kind]}{kit.settings.command_option}\n"


def _schema_of(kind: Kind) -> str:
    return next(file for file, each in MANIFEST_SCHEMAS.items() if each is kind)


def _entry(kit: LoadedKit, field: Field, values: Mapping[str, Any], kind: Kind) -> str:
    """One key with comments that explain it. A key without a value is commented out."""
    comments = "".join(map(_comment, (field.doc, *_hints(kit, field, kind))))
    if field.key in values:
        return comments + _toml(field, values[field.key])
    sample = _toml(field, _sample(field.key, field.shape, field.examples))
    return comments + "".join(f"# {line}\n" for line in sample.rstrip("\n").split("\n"))


def _comment(text: str) -> str:
    return fill(text, _WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False) + "\n"


def _hints(kit: LoadedKit, field: Field, kind: Kind) -> Iterator[str]:
    """What holds for a key in this kit. The names of blocks and agents are left to the editor: they change."""
    if field.key == "blocks" and kit.obligatory(kind):
        yield "The blocks that `obligatory` in the settings lists come first."
    if field.key == "extends":
        yield f'The keys below replace those of the base. In a list, `"{INHERITED}"` stands for its entries.'
    if field.key == "target":
        target = kit.settings.targets[0]
        names = [row.key for row in TARGETS[target].fields] if kind is AGENT else ["values"]
        yield f"Keys of `{target}`: {', '.join(names[:_MAX_NAMES])}{', …' if len(names) > _MAX_NAMES else ''}"


def _sample(key: str, shape: Shape, examples: Sequence[Any]) -> Any:
    if examples:
        return examples[0]
    if key == "blocks":
        return ["baseline"]
    if shape.type in _SAMPLES and not shape.fields:
        return _SAMPLES[shape.type]
    if shape.item:
        return [_sample(key, shape.item, ())]
    inner = {field.key: _sample(field.key, field.shape, field.examples) for field in shape.fields}
    return inner or "…"


def _toml(field: Field, value: Any) -> str:
    """A key and its value. The role gets lines of its own, since users extend it."""
    needs_newline = field.key == "role" and not value.endswith("\n")
    return entry(field.key, f"{value}\n" if needs_newline else value)


def refuse_name(kit: LoadedKit, name: str, kind: Kind) -> None:
    """Check the name of a new manifest of a kind.

    Raises:
        AssembleError: the name is not valid, or the kit already has one of the kind with it.
    """
    if not fits(NAME, name) or name.endswith(".toml"):
        suggestion = slug(stem(name.replace(os.sep, "/")))
        hint = f"did you mean `{suggestion}`?" if suggestion else ""
        if fits(NAME, name):
            raise AssembleError(f"`{name}` ends with `.toml`, which the file's name gets anyway", hint)
        raise AssembleError(f"`{name}` is not a valid {kind.name} name: it must be {NAME.expects}", hint)
    if file := kit.manifest_files.named(kind).get(name):
        message = f"the {kind.noun} `{name}` already exists, in {file}"
        raise AssembleError(message, "choose another name, or edit that manifest")


def manifest_of(
    kit: LoadedKit, name: str, given: Mapping[str, Any], kind: Kind = AGENT
) -> tuple[str, list[Diagnostic]]:
    """Return the text of a new manifest with the given values, keyed by manifest key, and the warnings about it.

    Diagnostics at placeholders are left out.

    Raises:
        AssembleError: the rules find an error in it.
    """
    text = render(kit, name, given, _has_schema(kit, kind), kind)
    source = read_toml(kit.manifest_file(name, kind), text.encode(errors="surrogateescape"))
    problems = check_source(source) or _check(kit, source)
    found = sorted(each for each in problems if not MARK.search(each.location.excerpt or ""))
    if errors := [each for each in found if each.severity is Severity.ERROR]:
        message = "; ".join(dict.fromkeys(f"{_place(error, source)}{error.message}" for error in errors))
        raise AssembleError(f"{message}; nothing was written", next((error.help for error in errors if error.help), ""))
    return text, [each for each in found if each.severity is Severity.WARNING]


def _check(kit: LoadedKit, source: Source) -> list[Diagnostic]:
    resolved = kit.composition.resolve(source)
    about_bases = [one for base in resolved.bases for one in check_base(kit, base)]
    return about_bases if has_errors(about_bases) else check_manifest(kit, source, resolved)[1]


def _place(error: Diagnostic, source: Source) -> str:
    """Where an error is that is not in the new manifest, for the start of a message."""
    where = error.location
    return "" if where.file == source.file else f"{where}: "


def _has_schema(kit: LoadedKit, kind: Kind) -> bool:
    return writer.OutputFiles(kit).peek(_schema_of(kind)) is not None


def write(kit: LoadedKit, name: str, text: str, kind: Kind = AGENT) -> Iterator[tuple[str, str]]:
    """Write a new manifest, and update the schema of its kind if the kit has one.

    Yields for each file, after writing it, what was done ("created" or "renewed") and its path.

    Raises:
        AssembleError: the manifest exists, lies outside the kit's root, or cannot be written.
    """
    file, schema = kit.manifest_file(name, kind), _schema_of(kind)
    path = kit.path(file)
    if not writer.create(kit.tree, path, text.encode()):
        raise AssembleError(f"`{file}` already exists; nothing was written")
    yield "created", path
    if _has_schema(kit, kind) and writer.replace(kit.tree, kit.path(schema), lambda old: _updated(kit, schema, old)):
        yield "renewed", kit.path(schema)


def _updated(kit: LoadedKit, schema: str, old: bytes) -> bytes:
    """The schema, with the new manifest in it."""
    changes = schema_file_change(load_kit(kit.folder), schema, old)
    return next((change.after for change in changes if change.status is FileStatus.UPDATE and change.after), old)
