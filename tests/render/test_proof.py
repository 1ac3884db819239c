"""Templates that need no sandbox: what the proof admits prints the same as in the sandbox, and is refused alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_templates import ATTACKS

from conftest import REPOSITORY, Workbench, examples
from kei_assembler.loader import load_kit
from kei_assembler.model.manifest import Handoff, Manifest, References
from kei_assembler.render import jinja_templates, proof, templates
from kei_assembler.render.simple_syntax import tree_of
from kei_assembler.render.templates import Templates
from kei_assembler.render.trees import Lookup, all_of
from kei_assembler.render.views import variables

HARMLESS = (
    "",
    "Only text.",
    "{{ agent.name }}",
    "{{ agent.role | trim }}",
    "{{ agent.role | trim(' \n') | lower }}",
    "{{ report_fence }}{{ target }}",
    "{{ blocks | join('\n\n') }}",
    "{{ blocks | join('é') }}",
    "{{ agent.references.extra | join }}",
    "{{ agent.handoff | map(attribute='target') | join(', ') }}",
    "{{ agent.tools | length }}{{ 42 }}{{ 'x' }}",
    "{% for block in blocks %}- {{ block }}\n{% else %}None.{% endfor %}",
    "{% for handoff in agent.handoff %}{{ loop.index }}. {{ handoff.target }}: {{ handoff.trigger }}{% endfor %}",
    "{% for block in blocks %}{% if not loop.last %}{{ block | lower }}{% endif %}{% endfor %}",
    "{% if agent.role and not agent.tools %}a{% elif allowed is not none %}b{% else %}c{% endif %}",
    "{% if target == 'codex' or agent.model != 'opus' %}x{% endif %}",
    "{% extends 'default/agent.md.j2' %}{% block role %}{{ super() }}More.{% endblock %}",
)
NOT_PROVEN = (
    *("{{ nothing }}", "{{ agent }}", "{{ agent.nothing }}", "{{ agent.__class__ }}", "{{ agent.target }}"),
    *("{{ agent.handoff }}", "{{ blocks }}", "{{ extra.key }}", "{{ agent.name.upper() }}", "{{ agent['name'] }}"),
    *(
        "{{ agent.name ~ 'x' }}",
        "{{ 'x' * 9 }}",
        "{{ 2 ** 9 }}",
        "{{ 1 + 1 }}",
        "{{ [1] }}",
        "{{ (1, 2) }}",
        "{{ {} }}",
    ),
    *("{{ 1.5 }}", "{{ none }}", f"{{{{ {2**70} }}}}", "{{ blocks[0] }}", "{{ blocks[:1] }}", "{{ {} }}"),
    *("{{ agent.role | upper }}", "{{ agent.role | trim | lower | trim | lower }}"),
    *("{{ agent.role | indent }}", "{{ agent.role | replace('a', 'b') }}", "{{ agent.role | center(99) }}"),
    "{{ range(9) }}",
    *("{{ blocks | join(agent.role) }}", "{{ blocks | join(attribute='x') }}", "{{ blocks | map('upper') | join }}"),
    *("{{ agent.handoff | map(attribute='__class__') | join }}", "{{ agent.handoff | join }}", "{{ allowed | first }}"),
    "{% for a in blocks %}{{ agent.role }}{% endfor %}",
    "{% for a in blocks %}{% for b in blocks %}{{ b }}{% endfor %}{% endfor %}",
    "{% for a in blocks %}{{ blocks | join }}{% endfor %}",
    "{% for a, b in agent.handoff %}{{ a }}{% endfor %}",
    "{% for a in blocks if a %}{{ a }}{% endfor %}",
    "{% for a in blocks recursive %}{{ a }}{% endfor %}",
    "{% for a in 'text' %}{{ a }}{% endfor %}",
    "{% for a in range(9) %}{{ a }}{% endfor %}",
    "{% for loop in blocks %}{{ loop }}{% endfor %}",
    "{% for a in blocks %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for a in blocks %}{{ loop }}{% endfor %}",
    "{% for a in blocks %}{% block b %}{{ agent.role }}{% endblock %}{% endfor %}",
    "{% block role %}{{ super() }}{{ super() }}{% endblock %}",
    "{% block role %}{{ super.super() }}{% endblock %}",
    "{% block role required %}{% endblock %}",
    "{% block a %}{% endblock %}{{ self.a() }}",
    "{% set a = blocks %}{{ a | join }}",
    "{% set a %}{{ agent.role }}{% endset %}",
    "{% macro m() %}x{% endmacro %}{{ m() }}",
    "{% with a = agent.role %}{{ a }}{% endwith %}",
    "{% filter upper %}{{ agent.role }}{% endfilter %}",
    "{% include 'other.md.j2' %}",
    "{% import 'other.md.j2' as other %}",
    "{% extends agent.role %}",
    "{% if agent.name is defined %}{% endif %}",
    "{% if agent.name in blocks %}{% endif %}",
    "{% if agent.handoff | map(attribute='target') %}{% endif %}",
    "{% if blocks == agent.handoff | map(attribute='target') %}{% endif %}",
    "{{ agent.handoff | map(attribute='target') | length }}",
    "{% if agent.name.x %}{% endif %}",
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12) | st.sampled_from(
    ["ΐ", "ß", "{{ x }}", "{% x %}", "- a\n- b", "# h", "```", "<b>", " ", "\n"]
)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)


def _is_harmless(text: str) -> bool:
    tree = tree_of(text)
    return tree is not None and proof.is_harmless(tree)


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_templates_are_proven(text: str) -> None:
    assert _is_harmless(text)


@pytest.mark.parametrize("text", NOT_PROVEN)
def test_all_others_need_the_sandbox(text: str) -> None:
    assert not _is_harmless(text)


@pytest.mark.parametrize("attack", [attack for _, attack in ATTACKS])
def test_no_attack_is_proven(attack: str) -> None:
    assert not _is_harmless(attack)


def test_the_template_of_this_repository_is_proven() -> None:
    text = (REPOSITORY / "templates/agent.md.j2").read_text()
    assert _is_harmless(text)


@pytest.mark.parametrize("name", templates.PACKAGE_FILES)
def test_the_templates_of_the_package_print_the_same_for_all_targets(name: str) -> None:
    tree = tree_of(templates.package_text(name))
    assert tree is not None
    assert ("target",) not in [lookup.path for lookup in all_of(tree, Lookup)]


@pytest.mark.parametrize(
    ("template", "is_same"),
    [
        ("{{ agent.role }}\n", True),
        ("{{ agent.role }}{% for each in agent.handoff %}{{ each.target }}{% endfor %}\n", True),
        ("{{ agent.role }}{{ agent.handoff | map(attribute='target') | join }}\n", True),
        ("{{ agent.role }} {{ target }}\n", False),
        ("{{ agent.role }}{% if target == 'codex' %}x{% endif %}\n", False),
        ("{% extends 'base.md.j2' %}{% block b %}y{% endblock %}", False),
        ("{{ agent.role | upper }}\n", False),  # not proven
    ],
)
def test_targets_share_a_body_only_if_the_template_prints_the_same(
    template: str, is_same: bool, bench: Workbench
) -> None:
    bench.write(
        {
            "templates/agent.md.j2": template,
            "templates/base.md.j2": "{{ agent.role }} {{ target }}{% block b %}{% endblock %}\n",
        }
    )
    bench.write({"assemble.toml": 'targets = ["copilot", "qwen", "codex"]\n'})
    bench.write({"agents/critic.toml": 'name = "critic"\ndescription = "A."\nrole = "You review all code here."\n'})
    loaded = Templates(load_kit(str(bench.folder)))
    name = loaded.name_for("qwen")
    loaded.body(name)
    assert loaded.is_same_for_all(name) is is_same
    alone = {
        target: bench.run("agents/critic.toml", "--stdout", "--target", target).stdout
        for target in ("copilot", "qwen", "codex")
    }
    assert bench.run("--all").status == 0
    outputs = {
        "copilot": ".github/agents/critic.agent.md",
        "qwen": ".qwen/agents/critic.md",
        "codex": ".codex/agents/critic.toml",
    }
    assert {target: bench.read(path) for target, path in outputs.items()} == alone


@st.composite
def manifests(draw: Any) -> Manifest:
    """Return a strategy for manifests with any texts."""
    handoffs = tuple(Handoff(draw(TEXT), draw(TEXT)) for _ in range(draw(st.integers(0, 3))))
    names = ("name", "display_name", "description", "model", "role")
    lists = ("blocks", "domain_in", "forbidden_domain", "output_extra_fields")
    fields: dict[str, Any] = {name: draw(TEXT) for name in names} | {name: draw(TEXTS) for name in lists}
    fields |= {name: draw(st.none() | TEXTS) for name in ("tools", "targets")}
    fields |= {"values": {}, "target": {}, "extra": {}, "references": References(draw(TEXTS)), "handoff": handoffs}
    fields |= {"kind": "agent", "folder": "", "paths": (), "also_skill": None}
    return Manifest(**fields)


BODIES_OF_LOOPS = ("{{ x }}", "- {{ x | lower }}\n", "{% if loop.first %}{{ x }}{% endif %}")
LOOP_OF_HANDOFFS = "{% for h in agent.handoff %}{{ loop.index }} {{ h.target }}: {{ h.trigger }}\n{% endfor %}"
EXTENDING = ("{% extends 'default/agent.md.j2' %}{% block role %}{{ super() }}", "{% endblock %}")
_TEXT_PATHS = [".".join(path) for path, kind in proof.CONTRACT.items() if kind == proof.TEXT]
_LIST_PATHS = [".".join(path) for path, kind in proof.CONTRACT.items() if kind == proof.TEXTS]
_CONSTANTS = st.sampled_from(["''", "'x'", "' \\n'", "', '"])
_OF_TEXT = st.sampled_from(["", " | trim", " | lower", " | fence", " | trim(' \\n') | lower"])


@st.composite
def expressions(draw: Any) -> str:
    """Return a strategy for expressions that a harmless template can print."""
    match draw(st.sampled_from(["text", "list", "handoffs", "number"])):
        case "text":
            return str(draw(st.sampled_from(_TEXT_PATHS))) + str(draw(_OF_TEXT))
        case "list":
            return f"{draw(st.sampled_from(_LIST_PATHS))} | join({draw(_CONSTANTS)}){draw(_OF_TEXT)}"
        case "handoffs":
            field = draw(st.sampled_from(["target", "trigger"]))
            return f"agent.handoff | map(attribute='{field}') | join({draw(_CONSTANTS)})"
    return f"{draw(st.sampled_from([*_TEXT_PATHS, *_LIST_PATHS, 'agent.handoff']))} | length"


@st.composite
def conditions(draw: Any) -> str:
    """Return a strategy for conditions."""
    one = st.sampled_from([*_TEXT_PATHS, *_LIST_PATHS, "agent.handoff", "allowed is none", "target == 'codex'", "1"])
    return f"{draw(st.sampled_from(['', 'not ']))}({draw(one)} {draw(st.sampled_from(['and', 'or']))} {draw(one)})"


@st.composite
def texts_of_templates(draw: Any, depth: int = 2) -> str:
    """Return a strategy for templates that are proven."""
    parts = []
    for _ in range(draw(st.integers(0, 3))):
        match draw(st.sampled_from(["text", "print", "if", "for", "handoffs"] if depth else ["text", "print"])):
            case "text":
                parts.append(draw(st.sampled_from(["Text.\n", "\n\n", "- ", "# H\n", "  "])))
            case "print":
                parts.append(f"{{{{ {draw(expressions())} }}}}\n")
            case "if":
                inner, other = draw(texts_of_templates(depth - 1)), draw(texts_of_templates(depth - 1))
                parts.append(f"{{% if {draw(conditions())} %}}\n{inner}{{% else %}}{other}{{% endif %}}\n")
            case "for":
                items, body = draw(st.sampled_from(_LIST_PATHS)), draw(st.sampled_from(BODIES_OF_LOOPS))
                parts.append(f"{{% for x in {items} %}}{body}{{% else %}}No.{{% endfor %}}")
            case "handoffs":
                parts.append(LOOP_OF_HANDOFFS)
    return "".join(parts)


def _result(render: Callable[..., list[str]], values: dict[str, Any]) -> tuple[str, str]:
    try:
        return "text", "".join(render(**values))
    except Exception as error:  # any refusal has to be the same
        return type(error).__name__, str(error)


VALUES = st.fixed_dictionaries(
    {"blocks": TEXTS, "allowed": st.none() | TEXTS, "target": st.sampled_from(["codex", "claude-code"])}
)


_FILTERS = (
    *("trim", "lower", "fence", "length", "join", "join(', ')", "trim('x')", "join(1)", "length('x')", "lower('x')"),
    *("map(attribute='target')", "map(attribute='trigger')", "map('trim')", "join(attribute='target')"),
)
_ANY_PATH = st.sampled_from([*_TEXT_PATHS, "x", "x.target", "loop", "loop.index", "loop.last", "1", "'x'"])
_ANY_LIST = st.sampled_from([*_LIST_PATHS, "agent.handoff"]) | st.just("agent.handoff | map(attribute='target')")
_ANY_VALUE = st.builds(
    "{0}{1}".format, _ANY_PATH | _ANY_LIST, st.just("") | st.builds(" | {0}".format, st.sampled_from(_FILTERS))
)
_ANY_CONDITION = st.recursive(
    _ANY_VALUE
    | st.builds("{0} is {1}none".format, _ANY_VALUE, st.sampled_from(["", "not "]))
    | st.builds("{0} {2} {1}".format, _ANY_VALUE, _ANY_VALUE, st.sampled_from(["==", "!="])),
    lambda inner: (
        st.builds("({0} {2} {1})".format, inner, inner, st.sampled_from(["and", "or"]))
        | st.builds("not {0}".format, inner)
    ),
    max_leaves=3,
)
_ANY_STATEMENT = st.recursive(
    st.builds("{{{{ {0} }}}}".format, _ANY_VALUE) | st.just("yes "),
    lambda inner: (
        st.builds("{{% if {0} %}}{1}{{% else %}}no {{% endif %}}".format, _ANY_CONDITION, inner)
        | st.builds("{{% for x in {0} %}}{1}{{% else %}}no {{% endfor %}}".format, _ANY_LIST, inner)
    ),
    max_leaves=3,
)


@examples(300)
@given(_ANY_STATEMENT.filter(_is_harmless), manifests(), VALUES)
def test_whatever_is_proven_gives_the_same_as_the_sandbox(
    text: str, manifest: Manifest, values: dict[str, Any]
) -> None:
    _check(text, ("", ""), manifest, values)


@examples(200)
@given(texts_of_templates(), st.sampled_from([("", ""), EXTENDING]), manifests(), VALUES)
def test_what_is_proven_gives_the_same_as_the_sandbox(
    text: str, frame: tuple[str, str], manifest: Manifest, values: dict[str, Any]
) -> None:
    _check(text, frame, manifest, values)


def _check(text: str, frame: tuple[str, str], manifest: Manifest, values: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "_blocks").mkdir()
        (Path(folder) / "templates").mkdir()
        (Path(folder) / "templates/agent.md.j2").write_text(text.join(frame))
        kit = load_kit(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(templates, "is_harmless", lambda _: False)
            expected = _result(Templates(kit).body("agent.md.j2"), {**variables(manifest, values["blocks"]), **values})
            patch.undo()
            simple = Templates(kit).body("agent.md.j2")
            if expected[0] == "text":  # what fails is rendered again, because Jinja2 says where and why
                patch.setattr(jinja_templates, "sandbox", None)
            assert _result(simple, {**variables(manifest, values["blocks"]), **values}) == expected
    if not frame[0] and expected[0] == "text":
        size = proof.size_of(tree_of(text) or ())
        amounts = proof.amounts(manifest, values["blocks"], values["allowed"] or ())
        assert len(expected[1]) <= size.bound(*amounts)


def test_a_harmless_template_of_large_values_is_refused_like_any_other(bench: Workbench) -> None:
    bench.write(
        {
            "agents/critic.toml": 'name = "critic"\ndescription = "Does a."\nblocks = ["long"]\n',
            "_blocks/long.md": "Long.\n" * 150_000,
            "templates/agent.md.j2": "{{ blocks | join }}{{ blocks | join }}",
        }
    )
    run = bench.run("--all")
    assert run.status == 1
    assert "the template makes more than 1048576 characters and list items" in run.stderr
