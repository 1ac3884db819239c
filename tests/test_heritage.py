"""Templates that extend another: a block that changes nothing of it is told."""

from __future__ import annotations

import pytest

from conftest import Workbench

KIT = {"agents/a.toml": 'name = "a"\ndescription = "Does a."\nrole = "You do a."\n'}
TEMPLATE = "templates/agent.md.j2"
DEFAULT = '{% extends "default/agent.md.j2" %}\n'
ROLES = "{% block roles %}Be kind.{% endblock %}\n"


def _told(bench: Workbench, files: dict[str, str], *args: str) -> list[str]:
    bench.write(KIT | files)
    return [line for line in bench.run("--all", *args).stderr.splitlines() if "[O618]" in line or "help" in line]


def test_a_block_that_the_extended_template_has_not_is_told(bench: Workbench) -> None:
    assert _told(bench, {TEMPLATE: DEFAULT + ROLES}) == [
        f"{TEMPLATE}:2:10: warning[O618] the block `roles` of `agent.md.j2` has no effect: "
        "`default/agent.md.j2` has no such block",
        "      |          ^^^^^ help: did you mean `role`?",
    ]


def test_it_is_told_once_however_many_agents_and_targets_there_are(bench: Workbench) -> None:
    more = {"agents/b.toml": KIT["agents/a.toml"].replace('"a"', '"b"')}
    settings = {"assemble.toml": 'targets = ["claude-code", "gemini", "cursor"]\n'}
    assert len(_told(bench, more | settings | {TEMPLATE: DEFAULT + ROLES})) == 2


def test_each_target_has_its_template_and_its_finding(bench: Workbench) -> None:
    files = {f"templates/{target}/agent.md.j2": DEFAULT + ROLES for target in ("claude-code", "gemini")}
    told = _told(bench, files | {"assemble.toml": 'targets = ["claude-code", "gemini", "cursor"]\n'})
    assert [line.split(":")[0] for line in told if "O618" in line] == sorted(files)


def test_a_block_of_a_template_between_is_told_too(bench: Workbench) -> None:
    files = {"templates/claude-code/agent.md.j2": '{% extends "agent.md.j2" %}\n{% block roles %}{% endblock %}\n'}
    told = _told(bench, files | {TEMPLATE: DEFAULT + ROLES})
    assert [line.split(" the block")[0] for line in told if "O618" in line] == [f"{TEMPLATE}:2:10: warning[O618]"]


def test_a_lone_carriage_return_moves_no_place(bench: Workbench) -> None:
    settings = {"assemble.toml": 'allow-characters = { "U+000D" = "old files" }\n'}
    told = _told(bench, settings | {TEMPLATE: DEFAULT + "{# a\rb\rc\rd #}\n" + ROLES})
    assert told[0].startswith(f"{TEMPLATE}:3:10: warning[O618]")


def test_with_strict_it_stops_the_build(bench: Workbench) -> None:
    bench.write(KIT | {TEMPLATE: DEFAULT + ROLES})
    assert bench.run("--all", "--strict").status == 1
    assert bench.run("--all", "--strict", "--ignore", "O618").status == 0


FINE = {
    "a template that extends nothing": {TEMPLATE: ROLES},
    "a block of the default": {TEMPLATE: DEFAULT + "{% block report %}Mine.{% endblock %}"},
    "a block within a block": {TEMPLATE: DEFAULT + "{% block role %}" + ROLES + "{% endblock %}"},
    "a block that is called": {TEMPLATE: DEFAULT + ROLES + "{% block role %}{{ self.roles() }}{% endblock %}"},
    "a block that is called by an item": {
        TEMPLATE: DEFAULT + ROLES + '{% block role %}{{ self["roles"]() }}{% endblock %}'
    },
    "a block of the template between that is called": {
        TEMPLATE: '{% extends "base.md.j2" %}{% block role %}{{ self.roles() }}{% endblock %}',
        "templates/base.md.j2": DEFAULT + ROLES,
    },
    "a block around one that is there": {
        TEMPLATE: DEFAULT + "{% block roles %}{% block role %}Mine.{% endblock %}{% endblock %}"
    },
    "a block before": {TEMPLATE: ROLES + DEFAULT},
    "a block of the template between": {
        TEMPLATE: DEFAULT + "{% block role %}" + ROLES + "{% endblock %}",
        "templates/claude-code/agent.md.j2": '{% extends "agent.md.j2" %}' + ROLES,
    },
    "a block that the template between calls": {
        TEMPLATE: DEFAULT + "{% block role %}{{ self.roles() }}{% endblock %}",
        "templates/claude-code/agent.md.j2": '{% extends "agent.md.j2" %}' + ROLES,
    },
    "what is extended on a condition": {TEMPLATE: '{% if target == "codex" %}' + DEFAULT + "{% endif %}" + ROLES},
    "what is extended by a variable": {TEMPLATE: '{% set x = "default/agent.md.j2" %}{% extends x %}' + ROLES},
    "a template between that extends on a condition": {
        TEMPLATE: "{% if agent.name %}" + DEFAULT + "{% endif %}",
        "templates/claude-code/agent.md.j2": '{% extends "agent.md.j2" %}' + ROLES,
    },
}


@pytest.mark.parametrize("files", FINE.values(), ids=FINE)
def test_what_changes_something_or_may_is_fine(files: dict[str, str], bench: Workbench) -> None:
    bench.write(KIT | files)
    assert bench.run("--all").stderr == "1 agent: 1 created\n"
