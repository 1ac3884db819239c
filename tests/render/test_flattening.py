"""Flattened templates: they print what Jinja2 prints for a template and those that it extends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment, Template

from conftest import examples
from kei_assembler.render.evaluation import renderer
from kei_assembler.render.flattening import flattened
from kei_assembler.render.simple_syntax import tree_of
from kei_assembler.render.trees import Block, Body, all_of

VALUES = {"a": "A", "some": ["1", "2"], "empty": []}
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
        "{% block b %}{% if empty %}3{% else %}{{ super() }}{% endif %}{% endblock %}",
    ],
    "in an assigned text": [
        "{% set x %}<{% block b %}0{% endblock %}>{% endset %}{% if x | trim %}{{ x }}{{ x | length }}{% endif %}",
        "{% block b %}{% for one in some %}{{ one }}{% else %}4{% endfor %}{{ super() }}{% endblock %}",
    ],
    "what is not in a block of the parent": ["{% block b %}0{% endblock %}", "x{{ a }}{% block c %}1{% endblock %}"],
}


def _texts(chain: Sequence[str], before: str = "") -> dict[str, str]:
    """The templates `0`, which extends nothing, `1`, and so on, each extending the one before, by their names."""
    return {
        str(level): f"{before}{{% extends '{level - 1}' %}}{text}" if level else text
        for level, text in enumerate(chain)
    }


def _jinja(texts: dict[str, str]) -> Template:
    environment = Environment(
        loader=DictLoader(texts), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.get_template(str(len(texts) - 1))


def _flat(texts: dict[str, str]) -> Body | None:
    trees = [tree_of(text) for text in reversed(texts.values())]
    assert None not in trees
    return flattened([tree for tree in trees if tree is not None])


@pytest.mark.parametrize("before", ["", "first {{ a }} "])
@pytest.mark.parametrize("name", CHAINS)
def test_it_prints_what_inheritance_prints(name: str, before: str) -> None:
    texts = _texts(CHAINS[name], before)
    flat = _flat(texts)
    assert flat is not None
    assert "".join(renderer(flat)(**VALUES)) == _jinja(texts).render(**VALUES)
    assert not [*all_of(flat, Block)]


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
    with pytest.raises(Exception, match=r"parent block|recursion|undefined"):
        _jinja(_texts(chain)).render(**VALUES)
    assert _flat(_texts(chain)) is None


def test_what_would_be_nested_too_deeply_is_not_flattened() -> None:
    deep = "{% if a %}" * 30 + "{{ super() }}" + "{% endif %}" * 30
    texts = _texts(["{% block b %}x{% endblock %}"] + 3 * [f"{{% block b %}}{deep}{{% endblock %}}"])
    assert _jinja(texts).render(**VALUES) == "x"
    assert _flat(texts) is None


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
    flat = _flat(_texts(chain))
    if flat is not None:
        assert "".join(renderer(flat)(**VALUES)) == _jinja(_texts(chain)).render(**VALUES)
