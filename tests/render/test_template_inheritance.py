"""Template inheritance: a block that replaces nothing in the extended template is reported."""

from __future__ import annotations

import pytest

from conftest import Workbench

KIT = {"agents/a.toml": 'name = "a"\ndescription = "Does a."\nrole = "You do a."\n'}
TEMPLATE = "templates/agent.md.j2"
DEFAULT = '{% extends "default/agent.md.j2" %}\n'
ROLES = "{% block roles %}Be kind.{% endblock %}\n"


def _reported(bench: Workbench, files: dict[str, str], *args: str) -> list[str]:
    bench.write(KIT | files)
    return [line for line in bench.run("--all", *args).stderr.splitlines() if "[O618]" in line or "help" in line]


def test_block_that_replaces_nothing_is_reported(bench: Workbench) -> None:
    assert _reported(bench, {TEMPLATE: DEFAULT + ROLES}) == [
        f"{TEMPLATE}:2:10: warning[O618] the block `roles` of `agent.md.j2` has no effect: "
        "`default/agent.md.j2` has no such block",
        "      |          ^^^^^ help: did you mean `role`?",
    ]


def test_block_is_reported_once_for_many_agents_and_targets(bench: Workbench) -> None:
    more = {"agents/b.toml": KIT["agents/a.toml"].replace('"a"', '"b"')}
    settings = {"assemble.toml": 'targets = ["claude-code", "gemini", "cursor"]\n'}
    assert len(_reported(bench, more | settings | {TEMPLATE: DEFAULT + ROLES})) == 2


def test_template_of_each_target_is_reported(bench: Workbench) -> None:
    files = {f"templates/{target}/agent.md.j2": DEFAULT + ROLES for target in ("claude-code", "gemini")}
    reported = _reported(bench, files | {"assemble.toml": 'targets = ["claude-code", "gemini", "cursor"]\n'})
    assert [line.split(":")[0] for line in reported if "O618" in line] == sorted(files)


def test_block_of_an_intermediate_template_is_reported(bench: Workbench) -> None:
    files = {"templates/claude-code/agent.md.j2": '{% extends "agent.md.j2" %}\n{% block roles %}{% endblock %}\n'}
    reported = _reported(bench, files | {TEMPLATE: DEFAULT + ROLES})
    assert [line.split(" the block")[0] for line in reported if "O618" in line] == [f"{TEMPLATE}:2:10: warning[O618]"]


def test_lone_carriage_return_does_not_move_the_location(bench: Workbench) -> None:
    settings = {"assemble.toml": 'allow-characters = { "U+000D" = "old files" }\n'}
    reported = _reported(bench, settings | {TEMPLATE: DEFAULT + "{# a\rb\rc\rd #}\n" + ROLES})
    assert reported[0].startswith(f"{TEMPLATE}:3:10: warning[O618]")


def test_strict_build_fails(bench: Workbench) -> None:
    bench.write(KIT | {TEMPLATE: DEFAULT + ROLES})
    assert bench.run("--all", "--strict").status == 1
    assert bench.run("--all", "--strict", "--ignore", "O618").status == 0


NOT_REPORTED = {
    "a template that extends nothing": {TEMPLATE: ROLES},
    "a block of the default": {TEMPLATE: DEFAULT + "{% block report %}Mine.{% endblock %}"},
    "a block within a block": {TEMPLATE: DEFAULT + "{% block role %}" + ROLES + "{% endblock %}"},
    "a block that is called": {TEMPLATE: DEFAULT + ROLES + "{% block role %}{{ self.roles() }}{% endblock %}"},
    "a block that is called by subscript": {
        TEMPLATE: DEFAULT + ROLES + '{% block role %}{{ self["roles"]() }}{% endblock %}'
    },
    "a block of the intermediate template that is called": {
        TEMPLATE: '{% extends "base.md.j2" %}{% block role %}{{ self.roles() }}{% endblock %}',
        "templates/base.md.j2": DEFAULT + ROLES,
    },
    "a block around an existing one": {
        TEMPLATE: DEFAULT + "{% block roles %}{% block role %}Mine.{% endblock %}{% endblock %}"
    },
    "a block before `extends`": {TEMPLATE: ROLES + DEFAULT},
    "a block of the intermediate template": {
        TEMPLATE: DEFAULT + "{% block role %}" + ROLES + "{% endblock %}",
        "templates/claude-code/agent.md.j2": '{% extends "agent.md.j2" %}' + ROLES,
    },
    "a block that the intermediate template calls": {
        TEMPLATE: DEFAULT + "{% block role %}{{ self.roles() }}{% endblock %}",
        "templates/claude-code/agent.md.j2": '{% extends "agent.md.j2" %}' + ROLES,
    },
    "a conditional `extends`": {TEMPLATE: '{% if target == "codex" %}' + DEFAULT + "{% endif %}" + ROLES},
    "an `extends` with a variable": {TEMPLATE: '{% set x = "default/agent.md.j2" %}{% extends x %}' + ROLES},
    "an intermediate template with a conditional `extends`": {
        TEMPLATE: "{% if agent.name %}" + DEFAULT + "{% endif %}",
        "templates/claude-code/agent.md.j2": '{% extends "agent.md.j2" %}' + ROLES,
    },
}


@pytest.mark.parametrize("files", NOT_REPORTED.values(), ids=NOT_REPORTED)
def test_block_with_a_possible_effect_is_not_reported(files: dict[str, str], bench: Workbench) -> None:
    bench.write(KIT | files)
    assert bench.run("--all").stderr == "1 agent, 1 file: 1 created\n"
