"""What `[kind.NAME]` in the settings says about instructions and skills."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from conftest import Workbench
from readers import diagnostics
from repositories import commit_all

SETTINGS = """\
targets = ["codex"]
obligatory = ["a"]

[bundles]
more = ["d"]

[kind.skill]
required = ["role"]
obligatory = ["b", "@more"]

[kind.skill.defaults]
tools = ["Read"]

[kind.instructions]
obligatory = ["a#calm"]

[[allow-rights]]
agent = "deploy"
rights = ["skill.allowed-tools"]
reason = "only reads"
"""
KIT = {
    "assemble.toml": SETTINGS,
    "_blocks/a.md": "# Text a\n\n## Calm\n\nBe calm.\n",
    **{f"_blocks/{name}.md": f"Text {name}.\n" for name in "bd"},
    "agents/critic.toml": 'name = "critic"\ndescription = "Reviews."\nblocks = ["a"]\n',
    "skills/deploy.toml": 'name = "deploy"\ndescription = "Deploys."\nrole = "Deploy."\nblocks = ["b", "@more"]\n',
    "instructions/house.toml": 'name = "house"\nrole = "Be kind."\nblocks = ["a#calm"]\n',
}


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    assert bench.run("--all").status == 0
    return bench


def _found(bench: Workbench, *args: str) -> list[tuple[str, str, int]]:
    return [(one["code"], one["file"], one["line"]) for one in diagnostics(bench, "--all", "--check", *args)]


def _set(bench: Workbench, old: str, new: str) -> None:
    assert old in SETTINGS
    bench.write({"assemble.toml": SETTINGS.replace(old, new)})


def _without(bench: Workbench, file: str, line: str) -> None:
    bench.write({file: "".join(each for each in KIT[file].splitlines(True) if not each.startswith(line))})


def test_the_settings_hold_for_their_kind_only(kit: Workbench) -> None:
    assert _found(kit) == []
    assert "allowed-tools: Read\n" in kit.read(".agents/skills/deploy/SKILL.md")
    _without(kit, "skills/deploy.toml", "role")
    assert _found(kit) == [("K103", "skills/deploy.toml", 1)]
    _set(kit, 'required = ["role"]\n', "")
    assert {code for code, _, _ in _found(kit)} == {"O610"}  # the file is out of date
    for code in ("B203", "K103"):
        assert code not in {one["code"] for one in diagnostics(kit, "agents/critic.toml")}


@pytest.mark.parametrize("file", ["skills/deploy.toml", "instructions/house.toml"])
def test_obligatory_blocks_are_missing_and_added(file: str, kit: Workbench) -> None:
    _without(kit, file, "blocks")
    assert _found(kit) == [("B203", file, 1)]
    kit.run("--all", "--fix")
    assert tomllib.loads(kit.read(file)) == tomllib.loads(KIT[file])


def test_the_value_of_the_manifest_wins(kit: Workbench) -> None:
    kit.write({"skills/deploy.toml": 'tools = ["Grep", "..."]\n' + KIT["skills/deploy.toml"]})
    assert kit.run("--all").status == 0
    assert "allowed-tools: Grep, Read\n" in kit.read(".agents/skills/deploy/SKILL.md")
    kit.write({"skills/deploy.toml": 'unset = ["tools"]\n' + KIT["skills/deploy.toml"]})
    assert kit.run("--all").status == 0
    assert "allowed-tools" not in kit.read(".agents/skills/deploy/SKILL.md")


WRONG = {
    "a key of agents": ('["role"]', '["domain_in"]', ("C703", 8)),
    "an unknown block": ('"b", ', '"bb", ', ("C708", 9)),
    "an unknown section": ("a#calm", "a#clam", ("C719", 15)),
    "an unknown bundle": ('"@more"]', '"@mora"]', ("C717", 9)),
    "an invalid name of a block": ('"b", ', '"B", ', ("C702", 9)),
    "an unknown key": ('required = ["role"]', 'requires = ["role"]', ("C701", 8)),
    "a default that skills do not have": ('tools = ["Read"]', 'model = "x"', ("C701", 12)),
    "agents have theirs at the top": ("[kind.instructions]", "[kind.agent]", ("C701", 14)),
    "nothing to stand for": ('tools = ["Read"]', 'tools = ["..."]', ("E141", 12)),
    "an unknown tool": ('tools = ["Read"]', 'tools = ["Raed"]', ("K111", 12)),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_are_where_they_were_made(case: str, kit: Workbench) -> None:
    old, new, (code, line) = WRONG[case]
    _set(kit, old, new)
    found = _found(kit)
    assert (code, "assemble.toml", line) in found, found


def test_a_bundle_of_obligatory_blocks_is_used(kit: Workbench) -> None:
    _set(kit, "[bundles]", '[bundles]\nidle = ["d"]')
    assert [code for code, _, _ in _found(kit)] == ["C729"]


def test_renaming_and_removing_a_block_reaches_the_lists(kit: Workbench) -> None:
    (kit.folder / ".git").rmdir()
    assert kit.run("rename", "block:b", "bold").status == 0
    assert 'obligatory = ["bold", "@more"]' in kit.read("assemble.toml")
    run = kit.run("remove", "block:bold")
    assert (run.status, "assemble.toml:9" in run.stderr) == (2, True)


def test_the_schema_knows_them(kit: Workbench) -> None:
    def schema(kind: str) -> dict[str, Any]:
        return dict(json.loads(kit.run("schema", "--kind", kind).stdout))

    skill = schema("skill")
    assert skill["properties"]["tools"]["default"] == ["Read"]
    assert "First come, in this order, `b` and `@more`." in skill["properties"]["blocks"]["description"]
    assert "role" in json.dumps(skill["else"])
    assert "First come, in this order, `a#calm`." in schema("instructions")["properties"]["blocks"]["description"]


def test_a_new_manifest_has_what_its_kind_requires(kit: Workbench) -> None:
    assert kit.run("new", "more", "--kind=instructions", "--block=b").status == 0
    assert tomllib.loads(kit.read("instructions/more.toml"))["blocks"] == ["a#calm", "b"]


def test_a_change_of_a_default_is_a_cause(kit: Workbench) -> None:
    commit_all(kit.folder)
    _set(kit, 'tools = ["Read"]', 'tools = ["Read", "Grep"]')
    out = kit.run("impact").stdout
    assert "skills/deploy" in out
    assert "assemble.toml: kind.skill.defaults.tools" in out, out
    assert "critic" not in out


def test_the_catalog_says_for_which_kinds_a_block_is_obligatory(kit: Workbench) -> None:
    assert kit.run("catalog", "site").status == 0
    assert "for all skills" in kit.read("site/blocks/b.html")
    assert "for all agents" in kit.read("site/blocks/a.html")
