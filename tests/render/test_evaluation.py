"""Rendered trees: they print what Jinja2 prints for the same template."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, StrictUndefined

from conftest import examples
from kei_assembler.markdown.structure import fence_around
from kei_assembler.render.evaluation import renderer
from kei_assembler.render.simple_syntax import tree_of

VALUES: dict[str, Any] = {
    "agent": SimpleNamespace(role=" Some Role ", empty="", texts=("b", "a"), nothing=(), absent=None),
    "items": [SimpleNamespace(to="x", when="y"), SimpleNamespace(to="z", when="")],
    "text": "``` text",
    "number": 3,
    "long": ("x" * 3000, "y" * 3000),
}
TEXTS = (
    "agent.role",
    "agent.empty",
    "text",
    "'x'",
    "agent.texts | join(', ')",
    "(agent.nothing | join)",
    "text | trim",
)
LISTS = ("agent.texts", "agent.nothing", "items", "long")
NUMBERS = ("number", "0", "1", "agent.texts | length", "text | length")
OPERANDS = st.sampled_from((*TEXTS, *LISTS, *NUMBERS, "agent.absent"))
CONDITIONS = st.recursive(
    OPERANDS
    | st.builds("{0} is none".format, OPERANDS)
    | st.builds("{0} is not none".format, OPERANDS)
    | st.builds("{0} {2} {1}".format, OPERANDS, OPERANDS, st.sampled_from(["==", "!="])),
    lambda inner: (
        st.builds("({0} {2} {1})".format, inner, inner, st.sampled_from(["and", "or"]))
        | st.builds("not {0}".format, inner)
    ),
    max_leaves=8,
)


def _check(text: str) -> None:
    tree = tree_of(text)
    assert tree is not None
    environment = Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )
    environment.filters["fence"] = fence_around
    assert "".join(renderer(tree)(**VALUES)) == environment.from_string(text).render(**VALUES)


@pytest.mark.parametrize(
    "text",
    [
        *(f"{{{{ {value} }}}}" for value in (*TEXTS, *NUMBERS)),
        *(f"{{{{ {value} | {name} }}}}" for value in TEXTS for name in ("trim", "lower", "fence", "length")),
        "{{ agent.texts | join }} {{ long | join('z') | length }} {{ items | map(attribute='when') | join('-') }}",
        "{% for item in items %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ item.to }}{% else %}none{% endfor %}",
        "{% for item in agent.nothing %}{{ item }}{% else %}none {{ number }}{% endfor %}{{ number }}",
        "{% for item in items | map(attribute='to') %}{{ loop.index }}{{ item }}{{ loop.last }}{% endfor %}",
        "{% for number in agent.texts %}{{ number }}{% endfor %}{{ number }}",
        "{% for item in agent.texts %}{% if not loop.last %}{{ item }}, {% endif %}{% endfor %}",
        "{% set x = text | trim %}{{ x }}{% set y %}<{{ x }}>{% endset %}{{ y }}{{ y }}",
        "{% if agent.absent %}1{% elif agent.empty %}2{% elif text %}3{% else %}4{% endif %}",
        "{% if agent.absent %}1{% elif agent.empty %}2{% else %}4{% endif %}{% if agent.absent %}5{% endif %}",
    ],
)
def test_templates_are_rendered_as_jinja_renders_them(text: str) -> None:
    _check(text)


@examples(300)
@given(CONDITIONS)
def test_any_condition_is_tested_as_jinja_tests_it(condition: str) -> None:
    _check(f"{{% if {condition} %}}yes{{% else %}}no{{% endif %}}")


@pytest.mark.parametrize("value", ["agent.absent", "agent.texts", "items", "agent"])
def test_only_texts_and_numbers_are_printed(value: str) -> None:
    tree = tree_of(f"{{{{ {value} }}}}")
    assert tree is not None
    with pytest.raises(TypeError, match="cannot print"):
        renderer(tree)(**VALUES)
