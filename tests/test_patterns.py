"""No regular expression of the package takes more than linear time, whatever it is used on.

The patterns are collected from the code. Their steps are counted, not timed, so the results are the same everywhere.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import pytest

from kei_assembler.build.output_patterns import reach
from kei_assembler.importing import paths, tools
from kei_assembler.kit import json_schema
from kei_assembler.markdown import html_blocks, stamp, structure
from kei_assembler.model import manifest, settings
from kei_assembler.render import simple_tokens
from kei_assembler.rules import mentions
from kei_assembler.rules import settings as settings_rules
from kei_assembler.targets import TARGETS
from kei_assembler.toml import source, syntax, syntax_faults
from kei_assembler.validation import Shape, parts
from regex_steps import Pattern, TooManySteps, attacks, explosion
from test_architecture import MODULES as ALL_MODULES
from test_architecture import PACKAGE, _name

MODULES = [path for path in ALL_MODULES if path.stem != "lazy_re"]
"""The modules that have patterns."""

FUNCTIONS = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")


class Use(NamedTuple):
    """A regular expression, and a method that it is used with."""

    pattern: str | bytes
    flags: int
    method: str


def _inner_shapes(shape: Shape) -> Iterator[Shape]:
    yield shape
    for each in parts(shape):
        yield from _inner_shapes(each)


def _of_shapes() -> list[str]:
    rules = [value for value in vars(settings_rules).values() if isinstance(value, Shape)]
    shapes = (manifest.manifest_shape({}), settings.SHAPE, settings.TEMPLATE_NAME, *rules)
    return [each.pattern for shape in shapes for each in _inner_shapes(shape) if each.pattern]


def _of_schema(schema: Any) -> Iterator[str]:
    """The patterns in a JSON Schema, which editors run."""
    if isinstance(schema, Mapping) and isinstance(schema.get("pattern"), str):
        yield schema["pattern"]
    for inner in schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ():
        yield from _of_schema(inner)


ROWS = [row.tools for row in TARGETS.values()]
LIMITS = [limit.pattern for row in TARGETS.values() for limit in row.limits if limit.pattern]
PLACEHOLDERS = [row.placeholder.pattern for row in TARGETS.values() if row.placeholder.pattern]
PHRASES = [form for row in ROWS if row.output_format == "prose" for form in (row.mcp_tool, row.mcp_server)]
COMMENTS = (stamp.MARKUP, stamp.HASH)
OUTPUTS = (
    *("{name}.md", "{dir}/{name}.md", "out/{name}.md", "{name}{name}{name}.md", "{name}/{name}/{name}.md"),
    *("out/{subdir}/a/{name}.md", "out/{subdir}/{name}/{name}.md", "out/{subdir}/{name}.md"),
    *("{dir}-{name}.md", "out/{dir}-gen/{name}-{name}.md", "out/{name}/{dir}", "out{dir}{name}", "a/{name}/b/{dir}/c"),
)

# The patterns that depend on data, by module and by the function or constant that makes them: every pattern that it can
# be, or examples, and the methods of `re.Pattern` that it is used with.
MADE: dict[tuple[str, str], tuple[Iterable[str | re.Pattern[Any]], str]] = {
    ("kit.placement", "_ending"): (["(?is:(.*)/(?:a|b/c)(?:/(.*))?)"], "fullmatch"),
    ("build.output_patterns", "reach"): ((), ""),  # names of files are short; see below
    ("markdown.lenient_yaml", "_unquoted"): (
        [rf"[^{quote}]*[^ \t\n\\{quote}]{quote}[ \t\n.,;:!?)]" for quote in "\"'"],
        "match",
    ),
    ("importing.paths", "_in_client_folder"): ([paths._in_client_folder()], "fullmatch"),
    ("importing.pending_kit", "_output_pattern"): ([r"(?P<folder>(?:[\w.@-]+/)*a/b)/"], "match"),
    ("importing.tools", "_by_phrase"): ([each.format(**tools._QUOTED_NAME) for each in PHRASES], "fullmatch"),
    ("markdown.sequences", "_emoji"): (["[a-z][\ufe0fTU]?(?:\u200d[a-z][\ufe0fTU]?){1,4}"], "match"),
    ("markdown.stamp", "_MARKERS"): (stamp._MARKERS, "search"),
    ("markdown.stamp", "_stamp_conflict"): (map(stamp._stamp_conflict, COMMENTS), "match"),
    ("markdown.structure", "_opening"): (map(structure._opening, structure._OPENINGS), "match"),
    ("model.adaptation", "refusal_of_name"): (
        [
            *(row.display_name.pattern for row in TARGETS.values()),
            *(limit.pattern or ".*" for row in TARGETS.values() for limit in row.limits if limit.part == "name"),
        ],
        "fullmatch",
    ),
    ("markdown.html_blocks", "_blocks"): ([row[0] for row in html_blocks._blocks()], "match"),
    ("markdown.html_blocks", "_BLOCKS"): ([row[1] for row in html_blocks._blocks()], "search"),
    ("markdown.block_reader", "_within_containers"): (["   "], "match"),
    ("markdown.block_reader", "_read_leaf"): ([r"\A {0,3}`{3,} *\Z", r"\A {0,3}~{9,} *\Z"], "search"),
    ("model.adaptation", "_entry"): (
        [*(each.mcp_pattern for each in ROWS), *(each.scope_pattern for each in ROWS)],
        "fullmatch",
    ),
    ("model.value_patterns", "_test"): ([".", r"\\d", r"[^\]a-z-]"], "fullmatch"),
    ("render.marks", "__init__"): (["a|b(?P<number>[c-z]{0,8})|[c-z]"], "finditer"),
    ("render.renderer", "_find_variable"): (PLACEHOLDERS, "search"),
    ("render.simple_tokens", "_CLOSINGS"): (simple_tokens._CLOSINGS.values(), "search"),
    ("render.templates", "_span_of_block"): ([r"\bblock\s+(name)\b"], "search"),
    ("rules.limits", "_excess"): (LIMITS, "fullmatch"),
    ("rules.mentions", "_RECEIVER"): ([mentions._RECEIVER], "finditer"),
    ("rules.mentions", "PATH"): ([mentions.PATH], "finditer"),
    ("rules.text", "client_variable_in_manifest"): (PLACEHOLDERS, "finditer"),
    ("rules.text", "client_variable_in_file"): (PLACEHOLDERS, "finditer"),
    ("targets.forms", "agent_pattern"): ([row.form.agent_pattern for row in TARGETS.values()], "search"),
    ("targets.opencode_permission", "_in_order"): (["0|[1-9][0-9]{0,9}"], "fullmatch"),
    ("toml.syntax", "_STRINGS"): (syntax._STRINGS.values(), "match"),
    **{
        ("toml.syntax", name): ([getattr(syntax, name)], "match")
        for name in ("_LINE", "_UNQUOTED", "_UNQUOTED_IN_LIST", "_BEFORE_EQUALS")
    },
    **{
        ("toml.syntax_faults", name): ([pattern for _, pattern in getattr(syntax_faults, name)], "match")
        for name in ("OF_KEYS", "OF_VALUES", "OF_RESTS")
    },
    ("toml.syntax_faults", "_QUOTES"): ([syntax_faults._QUOTES], "match"),
    ("toml.syntax_faults", "_COMMENT"): ([syntax_faults._COMMENT], "match"),
    ("toml.source", "locate_text"): (["".join(map(source._spellings, 'a\\"\n'))], "finditer"),
    ("value_types", "_OF_STRINGS"): (_of_shapes(), "fullmatch"),
    ("kit.json_schema", "of_shape"): (
        [*_of_schema(json_schema.manifest_schema(None)), *_of_schema(json_schema.settings_schema())],
        "search",
    ),
}


class Made(NamedTuple):
    """A call of a function in `re`: the module, what contains the call, the function, and the pattern if constant."""

    module: str
    name: str
    function: str
    pattern: str | bytes | None
    flags: int


def _calls(path: Path) -> Iterator[Made]:
    """The calls of functions in `re`, with the function or constant around each."""
    module = import_module(f"kei_assembler.{_name(path)}")
    for statement in ast.walk(ast.parse(path.read_text())):
        if isinstance(statement, ast.FunctionDef):
            yield from _calls_in(statement.body, statement.name, module)
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            yield from _calls_in([statement], ast.unparse(target), module)


def _calls_in(statements: Iterable[ast.stmt], name: str, module: Any) -> Iterator[Made]:
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.Call) and _is_of_re(node.func):
            flags = [*node.args[FLAGS.get(node.func.attr, 2) :], *(word.value for word in node.keywords)]
            pattern, found = _constant(node.args[0], module), [_constant(flag, module) for flag in flags[:1]]
            yield Made(_module_name(module), name, node.func.attr, pattern, int((found or [0])[0] or 0))


FLAGS = {"compile": 1, "sub": 4, "subn": 4, "split": 3}
"""The position of the flags among the arguments; 2 for all other functions."""


def _is_of_re(node: ast.AST) -> TypeGuard[ast.Attribute]:
    is_function = isinstance(node, ast.Attribute) and node.attr in ("compile", *FUNCTIONS)
    return is_function and ast.unparse(node).rpartition(".")[0] in ("re", "lazy_re")


def _constant(node: ast.expr, module: Any) -> Any:
    """The value of an expression, or None if it needs more than the names of the module."""
    try:
        return eval(ast.unparse(node), vars(module))
    except NameError:
        return None


def _module_name(module: Any) -> str:
    return str(module.__name__).removeprefix("kei_assembler.")


@cache
def _methods() -> Mapping[tuple[str, str], set[str]]:
    """The methods of patterns that the code uses, by module and name; public names have the module ""."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in FUNCTIONS:
                owner = node.value.func if isinstance(node.value, ast.Call) else node.value
                name = ast.unparse(owner).rpartition(".")[2]
                found.setdefault((_name(path) if name.startswith("_") else "", name), set()).add(node.attr)
    return found


def _uses() -> Iterator[tuple[str, Use]]:
    """Every pattern of the package and how it is used, with the place of the code."""
    for path in MODULES:
        for call in _calls(path):
            if (call.module, call.name) not in MADE:
                yield from _uses_of(call)
    for (module, name), (patterns, methods) in MADE.items():
        for pattern in patterns:
            compiled = re.compile(pattern) if isinstance(pattern, str | bytes) else pattern
            yield f"{module}.{name}", Use(compiled.pattern, compiled.flags, methods)


def _uses_of(call: Made) -> Iterator[tuple[str, Use]]:
    place = f"{call.module}.{call.name}"
    assert call.pattern is not None, f"{place} makes a pattern from data: add it to MADE"
    is_used_here = call.function != "compile"
    key = (call.module if call.name.startswith("_") else "", call.name)
    methods = {call.function} if is_used_here else _methods().get(key, set())
    assert methods, f"it is not clear how {place} is used: add it to MADE"
    yield from ((place, Use(call.pattern, call.flags, method)) for method in methods)


@cache
def _uses_by_module() -> Mapping[str, list[Use]]:
    found: dict[str, list[Use]] = {}
    for place, use in dict.fromkeys(_uses()):
        found.setdefault(place.rpartition(".")[0], []).append(use)
    return found


@pytest.mark.slow
def test_every_use_is_in_a_module() -> None:
    assert set(_uses_by_module()) <= set(map(_name, MODULES))


@pytest.mark.slow
@pytest.mark.parametrize("module", [*map(_name, MODULES)])
def test_the_patterns_of_a_module_take_linear_time(module: str) -> None:
    uses = _uses_by_module().get(module, [])
    found = (explosion(re.compile(use.pattern, use.flags), use.method) for use in uses)
    assert [f"{use.pattern!r}: {attack}" for use, attack in zip(uses, found, strict=True) if attack] == []


def test_every_pattern_is_collected() -> None:
    """Each mention of a function in `re` is a call that `_calls` finds."""
    for path in MODULES:
        found = [node for node in ast.walk(ast.parse(path.read_text())) if _is_of_re(node)]
        assert len(found) == len(list(_calls(path))), path
        assert "from re import" not in path.read_text()
        assert "import re as" not in path.read_text()


def test_what_is_made_from_data_exists() -> None:
    for module, name in MADE:
        assert (
            name in (PACKAGE / f"{module.replace('.', '/')}.py").read_text()
            or name in (PACKAGE / module.replace(".", "/") / "__init__.py").read_text()
        )


def _paths(pattern: Pattern) -> Iterator[str]:
    """Paths that make an output pattern backtrack, whose names are as long as file systems allow."""
    for attack in attacks(pattern)[:10]:
        name = attack.text(255)[:250] + attack.suffix
        for start in ("", "out", "agents/"):
            yield start + name
            yield start + "/".join([name] * 3)


@pytest.mark.slow
@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_pattern_takes_few_steps_for_each_character_of_a_path(output: str) -> None:
    for found in [reach(output, manifests) for manifests in ("agents", ".agents", ".", "{name}{name}", "{dir}{dir}")]:
        for pattern in map(Pattern, (found.file, found.inner)):
            assert [path for path in _paths(pattern) if _is_slow(pattern, path)] == []


def _is_slow(pattern: Pattern, path: str) -> bool:
    try:
        pattern.steps("fullmatch", path, 600 * len(path))
    except TooManySteps:
        return True
    return False


EXPLOSIVE = (
    ("(a+)+b", "match"),
    ("(?:a|a)*b", "match"),
    (r"\s*,\s*", "split"),
    (r"\s+$", "search"),
    (r"[\t ]*\t[\t ]*(?=#|$)", "sub"),
    (r"<a(?:\s+[a-z]+(?:=[^ \t>]+)?)*>\Z", "match"),
    (r"(?P<a>.+?)\. Edit .+ · (?P<b>[0-9]{4})", "fullmatch"),
    (r"[\w.-]+_(?:[\w.-]+|\*)", "fullmatch"),
    (r"(?!.*\}.*\.\.)x", "match"),
    (r"^[^\n]*\S[^\n]*$", "search"),
    ("(?P<ticks>`+)(?!`).+?(?P=ticks)(?!`)", "finditer"),
    ("[^/.][^/]*[^/.][^/]*[^/.][^/]*x", "fullmatch"),
)


@pytest.mark.parametrize(("pattern", "method"), EXPLOSIVE)
def test_an_explosive_pattern_is_found(pattern: str, method: str) -> None:
    assert explosion(re.compile(pattern), method)


HARMLESS = (
    (r"(?P<tool>\w+)(?:\((?P<scope>.*)\))?", "fullmatch"),
    ("[a-z][a-z._-]*(?:/[a-z][a-z._-]*)*", "fullmatch"),
    ("<[^<>]*>", "finditer"),
    (r"\s++$|(?>a+)b", "match"),
    (r"(?<!\s)\s+\Z", "search"),
    ("[0-9]{1,9}x", "search"),
)


@pytest.mark.parametrize(("pattern", "method"), HARMLESS)
def test_a_linear_pattern_passes(pattern: str, method: str) -> None:
    assert explosion(re.compile(pattern), method) == ""


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in (*EXPLOSIVE, *HARMLESS)])
def test_the_counter_matches_as_re_does(pattern: str) -> None:
    """The counter finds a match where Python does, for texts that match and texts that do not."""
    counted = Pattern(re.compile(pattern))
    for text in (attack.text(3) for attack in attacks(counted)[:50]):
        assert counted.match(text) == (found.span() if (found := re.match(pattern, text)) else None), text
