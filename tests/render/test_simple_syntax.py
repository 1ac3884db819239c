"""Simple templates: their trees are those that Jinja2 reads, and what Jinja2 refuses is not simple."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, nodes

from conftest import REPOSITORY, Workbench, examples
from kei_assembler.render import trees
from kei_assembler.render.evaluation import renderer
from kei_assembler.render.flattening import flattened
from kei_assembler.render.proof import is_harmless, size_of
from kei_assembler.render.simple_syntax import tree_of
from kei_assembler.render.trees import Body, Node

TEMPLATES = [*REPOSITORY.glob("templates/**/*.j2"), *REPOSITORY.glob("src/**/*.j2")]
SIMPLE = (
    "",
    "text\n\n",
    "a{# x #}b {#- y -#} c {#+ z +#}\n d",
    "{{ a }}{{ a.b.c }}{{- 'x' -}} y {{+ 12 }}",
    "  {% if a %}\n  b\n  {%- elif not b -%} c {%+ else +%}\n d{% endif %}\n  {{ e }}",
    "{# x #}\n  {% if a %}\n  {%+ if b %}\n  {#+ y #}\n  {% endif %}{% endif %}\n  {# z #}\n",
    "x\n  {% for a in b.c %}{{ a }}{% else %}\n{% endfor %}\n\n",
    "{% if a and b or (c or not d) and not e == 'f' %}{% endif %}",
    "{% if a is none or b is not none and (c is none) == d and e != 0 %}{% endif %}",
    "{% if a | trim is none %}{% endif %}{% if not a is none %}{% endif %}{% if (a | trim) | lower == b %}{% endif %}",
    "{{ a | join }}{{ a|join()|join(', ') | f(1, 'x', y='z', z=2) }}{{ (a) | trim }}",
    '{% extends "a.j2" %} {% block b %}{{ super() }}{% block c %}{% endblock c %}{% endblock\n%}',
    "{% set a = b | trim %}{% set c %}\n{{ a }}{% endset %}",
    "{{ \"it's\" }}{{ 'a\\n\\t\\\\\\'\\\"' }}{{ 'ä {% x %} }}' }}",
    "{% block a %}{% endblock %}{# }} {{ #}{ {a} {{ a }} }}",
    "{%\n\nblock a %}\n{%endblock a%}{%- if a -%}\n\n b{%endif-%}\n\n",
    "\x0b{% if a %}\x0c{% endif %}\u2028 {% if a %}{% endif %}\u00a0{%- if a %}{% endif %}",
)
NOT_SIMPLE = (
    *r"""
{{
{%
{#
{{ }}
{% %}
{{ a
{{ a }
{{ 'a }}
{{ a %}
{% if a %}
{% endif %}
{{ a b }}
{{ a, b }}
{{ a | }}
{{ a. }}
{{ .a }}
{{ a.0 }}
{{ a['b'] }}
{{ a() }}
{{ a + b }}
{{ a ~ b }}
{{ -1 }}
{{ 1.5 }}
{{ 1_000 }}
{{ 0x10 }}
{{ 01 }}
{{ [a] }}
{{ (a, b) }}
{{ 'a' 'b' }}
{{ 'a'.b }}
{{ (a).b }}
{{ '\x41' }}
{{ a if b }}
{{ a if b else c }}
{{ true }}
{{ none }}
{{ not }}
{{ self.a() }}
{{ super }}
{{ super(a) }}
{{ ä }}
{{ aä }}
{{ a < b }}
{{ a in b }}
{{ a == b == c }}
{{ a is defined }}
{{ a is none(b) }}
{{ a is none b }}
{{ a | f(b) }}
{{ a | f(x=1, x=2) }}
{{ a | f(x='y', 'z') }}
{{ a | f(x='y' z='a') }}
{{ a | f('x' 'y') }}
{{ a | f('x',) }}
{{ a | f.g }}
{{ a | f(*b) }}
{% raw %}{{ a }}{% endraw %}
{% include 'a' %}
{% macro a() %}{% endmacro %}
{% do a %}
{% 'if' a %}
{% '' %}
{% if a %}{% 'endif' %}
{% set a %}{% 'endset' %}
{% for a in b if a %}{% endfor %}
{% for a, b in c %}{% endfor %}
{% for a in b recursive %}{% endfor %}
{% for a.b in c %}{% endfor %}
{% for loop in b %}{% endfor %}
{% for a b %}{% endfor %}
{% for a in b %}{% endfor a %}
{% set a, b = c %}
{% set a.b = c %}
{% set a | trim %}{% endset %}
{% block a %}
{% block %}{% endblock %}
{% block a %}{% endblock b %}
{% block a %}{% endblock 'a' %}
{% block a %}{% 'endblock' %}
{% block a scoped %}{% endblock %}
{% block a required %}{% endblock %}
{% block a %}1{% endblock %}{% block a %}2{% endblock %}
{% block a %}{% block a %}{% endblock %}{% endblock %}
{% endblock %}
{% extends a %}
{% extends 'a' if b %}
{% extends 'a' %}{% extends 'b' %}
{% if a %}{% extends 'b' %}{% endif %}
{% if a %}{% else %}{% else %}{% endif %}
{% if a %}{% else %}{% elif b %}{% endif %}
{% if a %}{% endif a %}
{% else %}
""".strip().splitlines(),
    *("{{ 'a\\\n' }}", "a\rb", "a\r\nb", "x" * (64 * 1024 + 1)),
)


@cache
def _jinja() -> Environment:
    return Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)


def _expected(node: Any) -> Node:
    """Return the simple tree of a tree that Jinja2 has read.

    Raises:
        KeyError: there is no such tree.
    """
    return _CONVERSIONS[type(node)](node)


def _body(body: list[nodes.Node]) -> Body:
    converted: list[Node] = []
    for node in body:
        if isinstance(node, nodes.Output):
            converted += [
                trees.Text(each.data) if isinstance(each, nodes.TemplateData) else trees.Print(_expected(each))
                for each in node.nodes
            ]
        else:
            converted.append(_expected(node))
    return tuple(converted)


def _if(node: nodes.If) -> Node:
    branches = [trees.Branch(_expected(each.test), _body(each.body)) for each in (node, *node.elif_)]
    return trees.If(tuple(branches), _body(node.else_))


def _path(node: nodes.Name | nodes.Getattr) -> tuple[str, ...]:
    return (node.name,) if isinstance(node, nodes.Name) else (*_expected(node.node).path, node.attr)


def _compare(node: nodes.Compare) -> Node:
    (operand,) = node.ops
    equal = trees.Equal(_expected(node.expr), _expected(operand.expr))
    return {"eq": equal, "ne": trees.Not(equal)}[operand.op]


def _filter(node: nodes.Filter) -> Node:
    assert not node.dyn_args
    options: list[Any] = [(option.key, _expected(option.value).value) for option in node.kwargs]
    return trees.Filter(
        _expected(node.node), node.name, tuple(_expected(each).value for each in node.args), tuple(options)
    )


_CONVERSIONS: dict[type, Any] = {
    nodes.And: lambda node: trees.And(_expected(node.left), _expected(node.right)),
    nodes.Assign: lambda node: trees.Assign(node.target.name, _expected(node.node)),
    nodes.AssignBlock: lambda node: trees.Capture(node.target.name, _body(node.body)),
    nodes.Block: lambda node: trees.Block(node.name, node.lineno, _body(node.body)),
    nodes.Call: lambda node: {"super": trees.Super()}[".".join(_path(node.node))],
    nodes.Compare: _compare,
    nodes.Const: lambda node: trees.Constant(node.value),
    nodes.Extends: lambda node: trees.Extends(node.template.value),
    nodes.Filter: _filter,
    nodes.For: lambda node: trees.For(node.target.name, _expected(node.iter), _body(node.body), _body(node.else_)),
    nodes.Getattr: lambda node: trees.Lookup(_path(node)),
    nodes.If: _if,
    nodes.Name: lambda node: trees.Lookup(_path(node)),
    nodes.Not: lambda node: trees.Not(_expected(node.node)),
    nodes.Or: lambda node: trees.Or(_expected(node.left), _expected(node.right)),
    nodes.Test: lambda node: {"none": trees.IsNone(_expected(node.node))}[node.name],
}


def _check(text: str) -> None:
    """Check that a template is one to Jinja2 if it is simple, and that it is read alike."""
    tree = tree_of(text)
    if tree is not None:
        parsed = _jinja().parse(text)
        assert tree == _body(parsed.body)
        assert "".join(map(repr, tree)) == "".join(map(repr, _body(parsed.body)))  # also the classes of the tuples
        _jinja().filters |= dict.fromkeys((each.name for each in trees.all_of(tree, trees.Filter)), str)
        _jinja().compile(text)


@pytest.mark.parametrize("text", SIMPLE)
def test_simple_templates_are_read_as_jinja_reads_them(text: str) -> None:
    assert tree_of(text) is not None
    _check(text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_the_templates_of_this_repository_are_simple(path: Path) -> None:
    assert tree_of(path.read_text()) is not None
    _check(path.read_text())


@pytest.mark.parametrize("text", NOT_SIMPLE, ids=lambda text: text[:40])
def test_all_others_are_left_to_jinja(text: str) -> None:
    assert tree_of(text) is None


DEEP: dict[str, Callable[[int], str]] = {
    "alternatives": lambda depth: "{% if " + "target or " * depth + "target %}{% endif %}",
    "blocks": lambda depth: (
        "".join(f"{{% block b{number} %}}" for number in range(depth)) + "x" + "{% endblock %}" * depth
    ),
    "conditions": lambda depth: "{% if target %}" * depth + "x" + "{% endif %}" * depth,
    "filters": lambda depth: "{{ target" + " | trim" * depth + " }}",
    "negations": lambda depth: "{% if " + "not " * depth + "target %}{% endif %}",
    "parentheses": lambda depth: "{{ " + "(" * depth + "target" + ")" * depth + " }}",
}


@pytest.mark.parametrize("nested", DEEP.values(), ids=DEEP)
def test_what_is_nested_too_deeply_is_left_to_jinja(nested: Callable[[int], str]) -> None:
    assert tree_of(nested(30)) is not None
    assert tree_of(nested(5000)) is None


@pytest.mark.parametrize("nested", DEEP.values(), ids=DEEP)
def test_what_is_nested_deeply_is_rendered(nested: Callable[[int], str]) -> None:
    rendered = 0
    for depth in range(1, 1001, 9):
        tree = tree_of(nested(depth))
        if tree is None:
            break
        is_harmless(tree)
        flat = flattened([tree])
        if flat is not None:
            size_of(flat)
            assert renderer(flat)(target="x") in (["x"], [])
            rendered += 1
    assert rendered


_PIECES = [
    *"{{ {{- {{+ }} -}} {% {%- {%+ %} -%} +%} {# {#- {#+ #} -#} +#} {".split(),
    *"if elif else endif for in endfor block endblock set endset extends raw scoped required recursive".split(),
    *"a b a.b loop super() none is not and or true 0 1 12.5 1_0 | . , ( ) = == != - +".split(),
    *"""'x' "y" '\\n' '\\ ' " text ä""".split(),
    *(" ", "  ", "\n", "\n\n", " \n ", "\t", "\u00a0", "\u2028"),
    *("{% if a %}", "{% endif %}", "{% block a %}", "{% block b %}", "{% endblock %}", "{% for a in b %}"),
    *("{% endfor %}", "{{ a }}", "{# c #}", "| trim", "is none"),
]


@st.composite
def edited(draw: Any) -> str:
    """Return a strategy for simple templates in which some pieces are replaced, inserted or left out."""
    text = draw(st.sampled_from(SIMPLE)) + draw(st.sampled_from(SIMPLE))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 4)))
        text = text[:start] + draw(st.sampled_from(["", *_PIECES])) + text[end:]
    return str(text)


@examples(500)
@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join) | edited())
def test_any_simple_template_is_read_as_jinja_reads_it(text: str) -> None:
    _check(text)


def test_two_blocks_of_one_name_are_an_error(bench: Workbench) -> None:
    bench.write(
        {
            "agents/critic.toml": 'name = "critic"\ndescription = "Does a."\nrole = "You do a."\n',
            "templates/agent.md.j2": "{% block a %}1{% endblock %}\n{% block a %}2{% endblock %}\n",
        }
    )
    run = bench.run("--all")
    assert run.status == 1
    assert "templates/agent.md.j2:2:1: error[O603]" in run.stderr
    assert "block 'a' defined twice" in run.stderr
