"""Flattened templates: they print what Jinja2 prints for a template and those that it extends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment, Template

from conftest import examples
from kei_assembler.render.flattening import flattened

VALUES = {"a": "A", "some": ["1", "2"], "none": []}
CHAINS = {
    "no block": ["x{{ a }}y"],
    "a block": ["x{% block b %}{{ a }}{% endblock %}y"],
    "a replaced block": ["x{% block b %}y{% endblock %}z", "{% block b %}{{ a }}{% endblock %}"],
    "super": ["x{% block b %}y{% endblock %}z", "{% block b %}1{{ super() }}2{% endblock %}"],
    "super of super": ["{% block b %}0{% endblock %}"] + 2 * ["{% block b %}1{{ super() }}{{ a }}{% endblock %}"],
    "super of what is not the next": ["{% block b %}0{% endblock %}", "", "{% block b %}1{{ super() }}{% endblock %}"],
    "nested": [
        "{% block b %}0{% block c %}1{% endblock %}{% endblock %}",
        "{% block c %}2{{ super() }}{% endblock %}",
    ],
    "nested in the template that extends": [
        "{% block b %}0{% endblock %}{% block c %}1{% endblock %}",
        "{% block b %}{{ super() }}{% block c %}{{ super() }}2{% endblock %}{% endblock %}",
    ],
    "in conditions": [
        "{% if a %}{% block b %}0{% endblock %}{% elif some %}1{% else %}{% block c %}2{% endblock %}{% endif %}",
        "{% block b %}{% if none %}3{% else %}{{ super() }}{% endif %}{% endblock %}",
    ],
    "in an assigned text": [
        "{% set x %}<{% block b %}0{% endblock %}>{% endset %}{% if x | trim %}{{ x }}{{ x | length }}{% endif %}",
        "{% block b %}{% for one in some %}{{ one }}{% else %}4{% endfor %}{{ super() }}{% endblock %}",
    ],
    "what is not in a block of the parent": ["{% block b %}0{% endblock %}", "x{{ a }}{% block c %}1{% endblock %}"],
}


def _environment(chain: Sequence[str], before: str = "") -> Environment:
    """The environment with the templates `0`, which is not extended, `1`, and so on, each extending the one before."""
    texts = {str(level): f"{before}{{% extends '{level - 1}' %}}{text}" for level, text in enumerate(chain) if level}
    return Environment(loader=DictLoader({"0": chain[0], **texts}))


def _flat(environment: Environment, levels: int) -> Template | None:
    loader = environment.loader or DictLoader({})
    sources = [loader.get_source(environment, str(level))[0] for level in reversed(range(levels))]
    tree = flattened([environment.parse(source) for source in sources])
    if tree is None:
        return None
    tree.set_environment(environment)
    return environment.from_string(tree)


@pytest.mark.parametrize("before", ["", "first {{ a }} "])
@pytest.mark.parametrize("name", CHAINS)
def test_it_prints_what_inheritance_prints(name: str, before: str) -> None:
    environment = _environment(CHAINS[name], before)
    expected = environment.get_template(str(len(CHAINS[name]) - 1)).render(**VALUES)
    flat = _flat(environment, len(CHAINS[name]))
    assert flat is not None
    assert flat.render(**VALUES) == expected
    assert not flat.blocks


@pytest.mark.parametrize(
    "chain",
    [
        ["{% block b %}{{ super() }}{% endblock %}"],
        ["{{ super() }}"],
        ["{% block b %}{% endblock %}", "{% block b %}{% block c %}{{ super() }}{% endblock %}{% endblock %}"],
        [
            "{% block b %}{% block a %}y{% endblock %}{% endblock %}",
            "{% block a %}{% block b %}x{{ super() }}{% endblock %}{% endblock %}",
        ],
    ],
)
def test_what_cannot_be_rendered_is_not_flattened(chain: list[str]) -> None:
    environment = _environment(chain)
    with pytest.raises(Exception, match=r"parent block|recursion|undefined"):
        environment.get_template(str(len(chain) - 1)).render(**VALUES)
    assert _flat(environment, len(chain)) is None


@st.composite
def templates(draw: Any, names: Sequence[str] = "abcd", depth: int = 3) -> str:
    """Return a strategy for templates with blocks of these names, each at most once, and with `super()` in them."""
    parts, left = [], list(names)
    for _ in range(draw(st.integers(0, 3))):
        match draw(st.sampled_from(["text", "block", "if", "super"] if depth else ["text"])):
            case "text":
                parts.append(draw(st.sampled_from(["x", "{{ a }}", "\n", "{{ some | join }}"])))
            case "block" if left:
                name = left.pop(0)
                inner, left = left[: len(left) // 2], left[len(left) // 2 :]
                parts.append(f"{{% block {name} %}}{draw(templates(inner, depth - 1))}{{% endblock %}}")
            case "if":
                inner, left = left[: len(left) // 2], left[len(left) // 2 :]
                parts.append(f"{{% if some %}}{draw(templates(inner, depth - 1))}{{% endif %}}")
            case "super" if len(names) < 4:
                parts.append("{{ super() }}")
    return "".join(parts)


NAMES = st.permutations("abcd")


@examples(300)
@given(st.lists(NAMES.flatmap(templates), min_size=1, max_size=3))
def test_any_flattened_template_prints_the_same(chain: list[str]) -> None:
    environment = _environment(chain)
    flat = _flat(environment, len(chain))
    template = environment.get_template(str(len(chain) - 1))
    if flat is not None:
        assert flat.render(**VALUES) == template.render(**VALUES)
