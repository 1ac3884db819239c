"""The schemas of manifests and settings: valid, limited to what editors support, and consistent with the checks."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, assume, example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from client_tables import ACCEPTED, REFUSED
from conftest import REPOSITORY, Workbench, examples
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit, json_schema
from kei_assembler.kit.schema_state import Schema
from kei_assembler.loader import load_kit
from kei_assembler.model import kinds
from kei_assembler.model.manifest import DISPLAY_NAME, kind_fields, manifest_shape
from kei_assembler.model.settings import SHAPE, decode_settings
from kei_assembler.rules import check_manifest
from kei_assembler.rules.settings import repeated_setting
from kei_assembler.rules.sources import check_source
from kei_assembler.targets.groups import GROUPS
from kei_assembler.toml.source import Source, read_toml
from kei_assembler.validation import (
    ANYTHING,
    BOOLEAN,
    FILLED,
    LINE,
    MAX_ITEMS,
    NUMBER,
    TABLE_OF_ANYTHING,
    TEXT,
    Field,
    Shape,
    ValidationError,
    any_of,
    fits,
    list_of,
    matching,
    one_of,
    reader,
    table,
    table_of,
    validation_errors,
)

AGENT = 'name = "{0}"\ndescription = "Does {0}."\n'
SETTINGS = """\
obligatory = ["baseline"]
required = ["name", "description", "model", "domain_in", "owner"]
external-agents = ["general-purpose"]
known-tools = ["Deploy"]
extra-keys = { owner = "string", links = "strings", level = "integer", active = "boolean", source = "table" }
[bundles]
careful = ["baseline"]
[defaults]
model = "opus"
"""
BASE = """\
name = "base"
abstract = true
tools = ["Read", "Bash", "Agent"]
blocks = ["baseline"]
domain_in = ["x"]
owner = "us"
targets = ["claude-code", "codex"]
[[handoff]]
target = "beta"
trigger = "x"
[target.codex]
nickname_candidates = ["a-b", "x"]
"""
KIT = {
    "assemble.toml": SETTINGS,
    "agents/base.toml": BASE,
    "_blocks/baseline.md": "Be honest.\n",
    "_blocks/policy/no-push.md": "Do not push.\n",
    **{f"agents/{name}.toml": AGENT.format(name) for name in ("alpha", "beta")},
}
_BLOCKS = ("baseline", "policy/no-push", "@careful")
BLOCK_ENTRIES = [*_BLOCKS, "...", *(f"!{entry}" for entry in _BLOCKS)]
KNOWN_TO_EDITORS = frozenset(
    "$schema $comment title description type properties additionalProperties required enum pattern maxLength items "
    "minItems maxItems uniqueItems minimum maximum exclusiveMinimum minProperties anyOf not if then else default "
    "examples $ref $defs".split()
)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> LoadedKit:
    folder = tmp_path_factory.mktemp("kit")
    for name, text in KIT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return load_kit(str(folder))


def _schemas(of: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and all schemas nested in it."""
    if isinstance(of, dict):
        yield of
        for each in (*of.get("properties", {}).values(), *of.get("$defs", {}).values(), *of.get("anyOf", ())):
            yield from _schemas(each)
        for key in ("items", "additionalProperties", "if", "then", "else"):
            yield from _schemas(of.get(key))


@pytest.fixture(scope="module")
def general() -> Draft202012Validator:
    return Draft202012Validator(json_schema.manifest_schema(None))


@pytest.fixture(params=["settings", "any kit", "this kit"])
def any_schema(request: pytest.FixtureRequest, kit: LoadedKit) -> Schema:
    if request.param == "settings":
        return json_schema.settings_schema()
    return json_schema.manifest_schema(kit if request.param == "this kit" else None)


def test_a_schema_is_valid_in_its_draft(any_schema: Schema) -> None:
    assert any_schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(any_schema)


def test_a_schema_uses_only_supported_keywords(any_schema: Schema) -> None:
    every = list(_schemas(any_schema))
    assert {key for each in every for key in each} <= KNOWN_TO_EDITORS
    patterns = {each["pattern"] for each in every if "pattern" in each}
    assert [pattern for pattern in patterns if re.search(r"\(\?[^:]|\\[wdbAZ]", pattern)] == []


def test_keys_have_descriptions_and_valid_examples_and_defaults(any_schema: Schema) -> None:
    for each in _schemas(any_schema):
        for value in each.get("properties", {}).values():
            assert value["description"]
            shown = [*value.get("examples", ()), *([value["default"]] if "default" in value else ())]
            assert [one for one in shown if not Draft202012Validator(value).is_valid(one)] == []


def test_the_schema_offers_what_the_kit_contains(kit: LoadedKit) -> None:
    of_kit = json_schema.manifest_schema(kit)
    keys = of_kit["properties"]
    assert keys["blocks"]["items"]["enum"] == BLOCK_ENTRIES
    assert "First come, in this order, `baseline`." in keys["blocks"]["description"]
    assert keys["handoff"]["items"]["properties"]["target"]["enum"] == ["alpha", "base", "beta", "general-purpose"]
    assert keys["extends"]["enum"] == ["alpha", "base", "beta"]
    assert "Deploy" in keys["tools"]["items"]["anyOf"][0]["enum"]
    assert (keys["owner"]["type"], keys["links"]["type"]) == ("string", "array")
    targets = {*keys["target"]["properties"], *GROUPS}
    assert {*keys["targets"]["items"]["enum"]} == {*targets, "...", *(f"!{name}" for name in targets)}
    assert keys["model"]["default"] == "opus"
    assert of_kit["required"] == ["name"]
    assert of_kit["else"]["then"]["required"] == ["description"]
    assert of_kit["else"]["else"]["required"] == ["description", "domain_in", "owner"]


SECTIONS = "# Testing\n\n## Size: S\n\n```\n# No\n```\n\n# Twice\n\n# Twice\n\n# !\n"


def test_the_schema_offers_the_sections_that_can_be_listed(bench: Workbench) -> None:
    bench.write({**KIT, "_blocks/policy/no-push.md": SECTIONS, "_blocks/baseline@codex.md": "# Other\n"})
    items = json_schema.manifest_schema(load_kit(str(bench.folder)))["properties"]["blocks"]["items"]
    offered = [each for each in items["enum"] if each[0] not in "@!."]
    assert offered == ["baseline", "policy/no-push", "policy/no-push#testing", "policy/no-push#size-s"]


def test_the_schema_of_a_kit_with_many_sections_is_not_large(bench: Workbench) -> None:
    headings = "".join(f"# A heading with the number {number}\n" for number in range(5000))
    bench.write({**KIT, "_blocks/long.md": headings})
    schema = json_schema.manifest_schema(load_kit(str(bench.folder)))
    blocks = Draft202012Validator(schema["properties"]["blocks"])
    accepted = [
        ["long"],
        ["long#a-heading-with-the-number-1"],
        ["policy/no-push#größe"],
        ["nowhere"],
        ["long#"],
        ["L#x"],
    ]
    assert [blocks.is_valid(each) for each in accepted] == [True, True, True, False, False, False]
    assert len(json_schema.as_text(schema)) - len(json_schema.as_text(json_schema.manifest_schema(None))) < 2000


def test_a_new_heading_makes_the_schema_outdated(bench: Workbench) -> None:
    base = 'name = "base"\nabstract = true\n'
    bench.write({**KIT, "assemble.toml": "", "agents/base.toml": base, "_blocks/baseline.md": "# One\n"})
    bench.write({".assemble/manifest.schema.json": bench.run("schema").stdout})
    for args in (("--all",), ("--all", "--check")):
        assert bench.run(*args).status == 0
    bench.write({"_blocks/baseline.md": "# Two\n"})
    assert "manifest.schema.json" in bench.run("--all", "--check").stdout
    assert bench.run("agents/alpha.toml").status == 0  # this does not read the blocks that the agent does not have
    assert "baseline#two" not in bench.read(".assemble/manifest.schema.json")
    assert bench.run("--all").status == 0
    assert "baseline#two" in bench.read(".assemble/manifest.schema.json")


def test_the_command_prints_the_schema_of_the_nearest_kit(bench: Workbench) -> None:
    bench.write(KIT)
    for args, cwd in ((), "agents"), (("--kit", bench.folder.as_posix()), "."):
        run = bench.run("schema", *args, cwd=cwd)
        assert (run.status, run.stderr) == (0, "")
        assert json.loads(run.stdout)["properties"]["blocks"]["items"]["enum"] == BLOCK_ENTRIES


def test_without_a_kit_the_command_prints_the_general_schema(bench: Workbench) -> None:
    assert json.loads(bench.run("schema").stdout) == json_schema.manifest_schema(None)
    assert json.loads(bench.run("schema", "--settings").stdout) == json_schema.settings_schema()


@pytest.mark.parametrize(
    ("files", "args", "says"),
    [
        ({"assemble.toml": "obligatry = []\n"}, (), "assemble.toml:1:1: error[C701] unknown setting `obligatry`"),
        ({}, ("--kit", "nowhere"), "error: the folder `nowhere` does not exist\n  help: "),
    ],
)
def test_a_kit_that_cannot_be_read_is_reported(
    bench: Workbench, files: dict[str, str], args: tuple[str, ...], says: str
) -> None:
    bench.write(files)
    run = bench.run("schema", *args)
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith(says)


def test_the_schema_leaves_out_ignored_rules(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'ignore = ["K109"]\n'})
    keys = json.loads(bench.run("schema").stdout)["properties"]
    assert "uniqueItems" not in keys["tools"]
    assert keys["blocks"]["uniqueItems"] is True


BEYOND_SCHEMAS = {"infinite timeout", "undefined temperature"}
"""What JSON cannot express."""


@pytest.mark.parametrize("name", [*REFUSED, *ACCEPTED])
def test_the_schema_has_the_tables_of_targets(general: Draft202012Validator, name: str) -> None:
    text, code = REFUSED[name][:2] if name in REFUSED else (ACCEPTED[name], "")
    is_wrong = code in FORM and name not in BEYOND_SCHEMAS
    data = tomllib.loads(f'name = "critic"\ndescription = "x"\n{text}')
    assert general.is_valid(data) == (not is_wrong)


def test_this_repository_matches_its_schemas() -> None:
    own = load_kit(str(REPOSITORY))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    Draft202012Validator(json_schema.settings_schema()).validate(project["tool"]["assemble"])
    for file in own.manifests:
        schema = json_schema.manifest_schema(own, kind=own.manifest_files.kind_of(file))
        Draft202012Validator(schema).validate(tomllib.loads((REPOSITORY / file).read_text()))


def _accepts(of: Schema, data: Any) -> bool:
    """In a pattern of JSON Schema `$` is the very end (ECMA-262); in Python it may also be before a newline."""
    of = deepcopy(of)
    for each in _schemas(of):
        if "pattern" in each:
            each["pattern"] = re.sub(r"\$\Z", r"\\Z", each["pattern"])
    return bool(Draft202012Validator(of).is_valid(data))


ODD_WORDS = ("", " ", "two\nlines", "end\n", "vt\x0b", "ls\u2028", "Ä")
WORDS = (*ODD_WORDS, "x", "a-b", "Read", "baseline", "baseline.md", "alpha", "opus")
JUNK = st.sampled_from((*WORDS, 0, 1, -1, 0.5, True, [], [""], ["x", "x"], {}, {"x": "y"}, [{}]))


def _values(shape: Shape) -> st.SearchStrategy[Any]:
    """Values that a shape accepts, and values that it rejects."""
    if shape.any_of:
        return st.one_of(*map(_values, shape.any_of))
    kinds: dict[type, Callable[[Shape], st.SearchStrategy[Any]]] = {str: _texts, list: _lists, dict: _tables}
    right = kinds.get(shape.type, _others)(shape)
    return st.integers(0, 15).flatmap(lambda luck: right if luck else JUNK)


def _texts(shape: Shape) -> st.SearchStrategy[Any]:
    if shape.choices:
        return st.sampled_from(shape.choices)
    made = (st.from_regex(shape.pattern, fullmatch=True),) if shape.pattern else ()
    return st.one_of(*made, st.sampled_from(WORDS))


def _lists(shape: Shape) -> st.SearchStrategy[Any]:
    return st.lists(_values(shape.item) if shape.item else JUNK, max_size=3)


def _tables(shape: Shape) -> st.SearchStrategy[Any]:
    free = st.dictionaries(st.sampled_from(WORDS), _values(shape.item), max_size=2) if shape.item else st.just({})
    return st.builds(lambda one, two: {**one, **two}, free, _some(shape.fields, 3))


def _others(shape: Shape) -> st.SearchStrategy[Any]:
    return {bool: st.booleans(), int: st.integers(-1, 3), float: st.sampled_from((0, 1, 0.5))}.get(shape.type, JUNK)


def _some(fields: tuple[Field, ...], maximum: int) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these keys: usually all required ones, and rarely an unknown one."""
    if not fields:
        return st.just({})
    chosen = st.lists(st.sampled_from(fields), max_size=maximum, unique_by=lambda field: field.key)
    needed = st.booleans().map(lambda all_: [field for field in fields if field.required and all_])
    keys = st.tuples(needed, chosen).map(lambda both: {field.key: field.shape for part in both for field in part})
    known = keys.flatmap(lambda shapes: st.fixed_dictionaries({key: _values(shape) for key, shape in shapes.items()}))
    strange = st.sampled_from([{}] * 9 + [{"descripton": "x"}])
    return st.builds(lambda one, two: {**one, **two}, known, strange)


def _is_beyond(shape: Shape, data: Any) -> bool:
    """Whether a schema cannot express the error: device names, and dialect-specific patterns."""
    found = [each for each in validation_errors(shape, data) if each.kind in ("value", "type")]
    return any(each.shape.names_file or re.search(r"\(\?[!=]|\\w", each.shape.pattern) for each in found) or any(
        _is_beyond(choice, each.value) for each in found for choice in each.shape.any_of
    )


DEPENDS_ON_BASE = {"E102", "E103", "E104", "E105", "E106"}
"""What a schema cannot know, because it does not read the bases."""


def _is_about_inherited(data: dict[str, Any], wrong: list[Diagnostic]) -> bool:
    """Whether only what a manifest inherits, or no longer inherits, is wrong."""
    if any(each.code == "H301" and "abstract" in each.message for each in wrong):
        return True
    changes_lists = any("..." in value for value in data.values() if isinstance(value, list))
    drops = changes_lists or bool(data.get("unset"))
    return drops and any(each.code == "K103" and each.help.startswith("the kit requires it") for each in wrong)


def _drops_without_marker(value: Any) -> bool:
    """Whether a list that replaces the inherited one has entries that drop something."""
    if isinstance(value, dict):
        return any(map(_drops_without_marker, value.values()))
    return isinstance(value, list) and "..." not in value and any(str(entry).startswith("!") for entry in value)


FORM = {
    "E101",
    "E107",
    "K101",
    "K102",
    "K103",
    "K104",
    "K105",
    "K106",
    "K109",
    "K110",
    "K112",
    "B201",
    "B202",
    "B204",
    "H301",
}
SETUP = examples(80, list(HealthCheck))
OWN = {
    "owner": TEXT,
    "links": list_of(FILLED, "a list of strings"),
    "level": Shape(int, "a whole number"),
    "active": BOOLEAN,
    "source": TABLE_OF_ANYTHING,
}
GOOD = {"name": "alpha", "description": "x", "domain_in": ["x"], "owner": "x"}


HEIR: dict[str, Any] = {"name": "alpha", "description": "x", "extends": "base"}
ABSTRACT: dict[str, Any] = {"name": "alpha", "abstract": True}
MARKERS = st.sampled_from(["...", "...", "!Read", "!baseline", "!x", "!codex", "@careful", "!@careful"])


@st.composite
def _manifests(draw: st.DrawFn) -> dict[str, Any]:
    own = tuple(Field(key, shape, "") for key, shape in OWN.items())
    starts: list[dict[str, Any]] = [{}, GOOD, GOOD, GOOD, HEIR, HEIR, ABSTRACT]
    start = draw(st.sampled_from(starts))
    data = {**start, **draw(_some((*kind_fields(kinds.AGENT), *own), 4))}
    for key, value in data.items() if draw(st.booleans()) else ():
        if isinstance(value, list) and key != "handoff":
            data[key] = draw(st.permutations([*value, *draw(st.lists(MARKERS, max_size=2))]))
    return data


@SETUP
@given(_manifests())
@example({**GOOD, "model": "opus\n"})
@example({**GOOD, "tools": ["Read", "Read"]})
@example({**GOOD, "blocks": ["baseline", "policy/no-push"], "handoff": [{"target": "beta", "trigger": "x"}]})
@example({**GOOD, "blocks": ["nowhere"]})
@example({**GOOD, "handoff": [{"target": "missing", "trigger": "x"}]})
@example({**GOOD, "domain_in": []})
@example({**GOOD, "owner": " "})
@example({**GOOD, "links": "x"})
@example({**GOOD, "level": 0, "active": False, "source": {"a": [1, {"b": 0.5}]}})
@example({**GOOD, "level": 0.5})
@example({**GOOD, "level": True})
@example({**GOOD, "active": 1})
@example({**GOOD, "source": [{}]})
@example({**GOOD, "model": ""})
@example({**GOOD, "targets": []})
@example({**GOOD, "target": {"codex": {"maxTurns": 1}}})
@example({**GOOD, "target": {"claude-code": {"maxTurns": 0}}})
@example(HEIR)
@example(ABSTRACT)
@example({**ABSTRACT, "abstract": False})
@example({**ABSTRACT, "owner": "", "domain_in": []})
@example({**HEIR, "owner": ""})
@example({**ABSTRACT, "description": " "})
@example({"abstract": True})
@example({**HEIR, "extends": "two\nlines"})
@example({**HEIR, "extends": "nowhere"})
@example({**HEIR, "extends": ["base"]})
@example({"name": "alpha", "extends": "base"})
@example({**HEIR, "tools": ["...", "!Bash", "Write"], "domain_in": ["...", "y"], "unset": ["target.codex"]})
@example({**HEIR, "domain_in": []})
@example({**HEIR, "tools": ["...", "..."]})
@example({**HEIR, "tools": ["...", "!Bash", "!Bash"]})
@example({**HEIR, "blocks": ["...", "policy/no-push"]})
@example({**HEIR, "blocks": ["...", "!baseline", "policy/no-push"]})
@example({**HEIR, "blocks": ["...", "!@careful", "policy/no-push"]})
@example({**HEIR, "blocks": ["@careful", "policy/no-push"]})
@example({**HEIR, "blocks": ["@careful", "@careful"]})
@example({**HEIR, "blocks": ["@nowhere"]})
@example({**HEIR, "targets": ["...", "!codex", "cursor"]})
@example({**HEIR, "targets": ["...", "nowhere"]})
@example({**HEIR, "target": {"codex": {"nickname_candidates": ["...", "!a-b", "y"]}}})
@example({**HEIR, "target": {"codex": {"nickname_candidates": ["...", "a_!"]}}})
@example({**HEIR, "handoff": [{"target": "beta", "trigger": False}]})
@example({**HEIR, "handoff": [{"target": "beta", "trigger": True}]})
@example({**HEIR, "handoff": [{"trigger": False}]})
@example({**HEIR, "handoff": ["..."]})
def test_a_manifest_that_matches_the_schema_is_valid(kit: LoadedKit, data: dict[str, Any]) -> None:
    shape = manifest_shape(kit.settings.extra_keys)
    assume(not _is_beyond(shape, data) and data.get("extends") != "alpha")  # itself, of which another text is on disk
    source = read_toml("agents/alpha.toml", tomli_w.dumps(data).encode())
    found = check_source(source) or check_manifest(kit, source)[1]
    assume(DEPENDS_ON_BASE.isdisjoint(each.code for each in found) and not _drops_without_marker(data))
    wrong = [each for each in found if each.code in FORM]
    assume(not _is_about_inherited(data, wrong))
    assert _accepts(json_schema.manifest_schema(kit), data) == (not wrong), (data, wrong)


@pytest.mark.parametrize("settings", ["", 'required = ["name", "role"]\n'])
@pytest.mark.parametrize(
    ("role", "is_valid"),
    [
        ("You review.", True),
        ({"file": "roles/critic.md"}, True),
        ({"file": ""}, False),
        ({"file": 3}, False),
        ({}, False),
        ({"file": "x.md", "text": "x"}, False),
        (3, False),
        (["x"], False),
        ("", None),
        (" ", None),
    ],
)
def test_a_role_is_a_text_or_a_file(settings: str, role: Any, is_valid: bool | None, tmp_path: Path) -> None:
    (tmp_path / "assemble.toml").write_text(settings)
    schema = json_schema.manifest_schema(load_kit(str(tmp_path)))
    expected = not settings if is_valid is None else is_valid
    assert _accepts(schema, {"name": "alpha", "description": "x", "role": role}) == expected


_PORTABLE = matching("[a-z][a-z-]*", "a word", 3)
_BEYOND_SCHEMAS = (matching("[a-z]+", "a file", names_file=True), matching("(?!x)[a-z]+", "a word without x"))


_LEAVES = (
    *(TEXT, FILLED, LINE, one_of("x", "a-b"), _PORTABLE, *_BEYOND_SCHEMAS),
    *(BOOLEAN, ANYTHING, Shape(list, "a list"), Shape(dict, "a table")),
    *(Shape(kind, "a number", minimum=minimum) for kind in (int, float) for minimum in (None, 0, 2)),
)


def _shape(draw: st.DrawFn, depth: int) -> Shape:
    """A shape of any type, with any of its constraints."""
    kind = draw(st.sampled_from(("leaf", "list", "any of", "table", "table of"))) if depth else "leaf"
    match kind:
        case "list":
            return list_of(_shape(draw, depth - 1), "a list", draw(st.integers(0, 2)))
        case "any of":
            return any_of(_shape(draw, depth - 1), _shape(draw, depth - 1))
        case "table":
            return table(*_rows(draw, depth - 1))
        case "table of":
            return table_of(_shape(draw, depth - 1), fields=_rows(draw, depth - 1))
    leaf: Shape = draw(st.sampled_from(_LEAVES))
    return leaf


def _rows(draw: st.DrawFn, depth: int) -> tuple[Field, ...]:
    keys = draw(st.lists(st.sampled_from(("x", "a-b", "Read")), min_size=1, unique=True))
    return tuple(Field(key, _shape(draw, depth), "", required=draw(st.booleans())) for key in keys)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Shape, Any]:
    """A shape, and a value that may have it."""
    shape = _shape(draw, 3)
    return shape, draw(_values(shape))


def _is_expressible(shape: Shape) -> bool:
    inner = (*shape.any_of, *(field.shape for field in shape.fields), *((shape.item,) if shape.item else ()))
    return shape not in _BEYOND_SCHEMAS and all(map(_is_expressible, inner))


def _thawed(value: Any) -> Any:
    """A value as it was before it was coerced."""
    if isinstance(value, list | tuple):
        return list(map(_thawed, value))
    return {key: _thawed(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _check_readings(shape: Shape, value: Any) -> None:
    """Check that a shape's reader and its schema accept the same values, and that the reader returns the right form."""
    found: list[ValidationError] = []
    read = reader(shape)(value, (), found)
    is_accepted = _accepts(json_schema.of_shape(shape), value)
    assert is_accepted or found
    if _is_expressible(shape):
        assert is_accepted == (not found), found
    if not found:
        assert _thawed(read) == value
    again: list[ValidationError] = []
    assert reader(shape)(_thawed(read), (), again) == read
    wrong = (each for each in again if each.kind in ("type", "unknown") and each.value is not None)
    assert [each for each in wrong if not each.shape.any_of] == []


@examples(300, list(HealthCheck))
@given(_cases())
def test_reader_and_schema_agree_on_any_shape(case: tuple[Shape, Any]) -> None:
    _check_readings(*case)


@pytest.mark.slow
@pytest.mark.parametrize("shape", _LEAVES)
def test_reader_and_schema_agree_on_each_constraint(shape: Shape) -> None:
    around: tuple[Any, ...] = (0, 1, 2, -1, 0.5, 1.5, True, [], {}, "abc", "abcd", "con", *WORDS)
    for value in around:
        _check_readings(shape, value)
        _check_readings(any_of(BOOLEAN, shape), value)
        _check_readings(table(Field("x", shape, "", required=True)), {"x": value})
        for entries, minimum in (([], 0), ([], 1), ([value], 1), ([value], 2), ([value] * 2, 2)):
            _check_readings(list_of(shape, "a list", minimum), entries)
    for size in (MAX_ITEMS, MAX_ITEMS + 1):
        _check_readings(list_of(shape, "a list"), ["x"] * size)
    _check_readings(table(Field("x", shape, "", required=True)), {})
    _check_readings(table(Field("x", shape, "")), {"y": 1})


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, date(2026, 1, 1)])
def test_a_value_that_json_does_not_know_fits_nowhere(value: Any) -> None:
    for shape in (NUMBER, ANYTHING, any_of(NUMBER, ANYTHING)):
        assert [error.kind for error in validation_errors(shape, value)] == ["type"]
    assert [error.path for error in validation_errors(TABLE_OF_ANYTHING, {"x": [value], "y": 1})] == [("x", 0)]


def test_an_absent_key_gets_the_default_of_its_field() -> None:
    shape = table(Field("x", FILLED, "", default="y"), Field("z", FILLED, ""))
    assert reader(shape)({}, (), []) == {"x": "y"}


@SETUP
@given(_some(SHAPE.fields, 4))
@example({"manifests": "agents", "target": {"codex": {"output": "x/{name}"}}})
@example({"ignore": ["B20"]})
@example({"ignore": ["B206", "B206"]})
@example({"allow-rights": [{"agent": "x", "rights": ["y"]}]})
@example({"extra-keys": {"owner": "text"}})
@example({"exclusive": 1})
def test_settings_that_match_the_schema_are_valid(data: dict[str, Any]) -> None:
    assume(not _is_beyond(SHAPE, data))
    source = Source("assemble.toml", "")
    source.data = data
    repeated = repeated_setting.check(LoadedKit("", decode_settings(data), source))
    wrong = [*validation_errors(SHAPE, data), *repeated]
    assert _accepts(json_schema.settings_schema(), data) == (not wrong), (data, wrong)


@pytest.mark.parametrize("end", ["\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", " ", "\t"])
def test_a_display_name_that_ends_like_this_fits_neither_reader_nor_schema(end: str) -> None:
    schema = json_schema.of_shape(DISPLAY_NAME)
    for text in (f"a{end}", f"{end}a", end):
        assert (fits(DISPLAY_NAME, text), _accepts(schema, text)) == (False, False)
