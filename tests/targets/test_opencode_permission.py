"""OpenCode's permissions: what a map allows by OpenCode's own matching, compared with what a manifest grants."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from conftest import Workbench, examples
from kei_assembler.markdown.front_matter import Value
from kei_assembler.targets.opencode_format import USUAL_PERMISSIONS
from kei_assembler.targets.opencode_permission import STEPS, excess, excesses
from readers import AGENT, findings

RIGHT = "opencode.permission=allow"


def _codes(bench: Workbench, permission: object, tools: list[str] | None = None) -> list[str]:
    """The errors for a manifest with this permission, and perhaps a list of tools."""
    listed = {} if tools is None else {"tools": tools}
    manifest = tomli_w.dumps({**listed, "target": {"opencode": {"permission": permission}}})
    bench.write({"agents/critic.toml": AGENT + manifest})
    return [one.code for one in findings(bench, "--target", "opencode") if one.code not in ("K113", "K114", "K124")]


EVERYTHING: list[Any] = [
    "allow",
    {"*": "allow"},
    {"* *": "allow"},
    {"**": "allow"},
    {"*?": "allow"},
    {"?*": "allow"},
    {"*_*": "allow"},
    {"*": {"*": "allow"}},
    {"*": {"* *": "allow"}},
    {"*": {"**": "allow", "rm *": "deny"}},
    {"*": {"?*": "allow", "": "allow"}},
    {"a*": "allow", "*a*": "allow", "*e*": "allow", "*": "ask", "*o*": "allow"},
    {f"{letter}*": "allow" for letter in "abcdefghijklmnopqrstuvwxyz"},
    {"?": "allow", "??*": "allow"},
    {"*": "deny", "* *": "allow"},
    {"*": "ask", "**": "allow", "bash": "ask"},
    {"read": "deny", "*": "allow"},
    {"*": "allow", "external_directory": "ask", "question": "deny", "plan_*": "deny"},
]


@pytest.mark.parametrize("permission", EVERYTHING, ids=json.dumps)
@pytest.mark.parametrize("tools", [None, ["Read"], ["Bash", "Edit"]], ids=["all", "read", "bash"])
def test_patterns_that_together_match_everything_need_an_allowance(
    permission: object, tools: list[str] | None, bench: Workbench
) -> None:
    assert _codes(bench, permission, tools) == ["R501"]


@pytest.mark.parametrize(
    "permission",
    [
        {"external_directory": "allow"},
        {"external_*": "allow"},
        {"external_directory": {"/etc/*": "allow"}},
        {"external_directory": {"~/*": "allow"}},
        {"*directory": {"*": "ask", "//*": "allow"}},
        {"*directory": {"*": "ask", "\\\\*": "allow"}},
        {"doom_loop": "allow"},
        {"DOOM_LOOP": "allow"},
        {"question": "allow"},
        {"plan_exit": "allow"},
        {"read": "allow"},
        {"read": {"*.env": "allow"}},
        {"read": {"*.env": "ask", "secrets.env": "allow"}},
        {"read": {"*.env": "ask", "*.ENV": "allow"}},
        {"r?ad": {"*.en?": "allow"}},
    ],
    ids=json.dumps,
)
def test_lifting_a_restriction_of_the_client_needs_an_allowance(permission: object, bench: Workbench) -> None:
    assert _codes(bench, permission) == ["R501"]
    assert _codes(bench, permission, ["Bash"]) == ["R501"]


@pytest.mark.parametrize(
    ("permission", "tools"),
    [
        ({"*": "deny", "bash": "allow"}, ["Read"]),
        ({"*": "deny", "ba?h": "allow"}, ["Read"]),
        ({"*": "deny", "bash": {"* *": "allow"}}, ["Bash(git:*)"]),
        ({"*": "deny", "bash": {"git*": "allow"}}, ["Bash(git:*)"]),
        ({"*": "deny", "bash": {"*": "deny", "git *": "allow", "gi? *": "allow"}}, ["Bash(git:*)"]),
        ({"*": "deny", "task": "allow"}, ["Agent(a, b)"]),
        ({"*": "deny", "task": {"a*": "allow"}}, ["Agent(a, b)"]),
        ({"*": "deny", "s_*": "allow"}, ["mcp__s__find"]),
        ({"read": "ask"}, ["Read"]),
        ({"bash": {"rm *": "deny"}}, ["Read"]),
        ({"edit": "deny", "bash": "deny"}, ["Read"]),
        ({"bash": "allow", "*": "ask"}, ["Read"]),
        ({"*": "deny", "bash": {"~/a *": "allow"}}, ["Bash(~* a)", "Bash(~b)"]),
        ({"*": "deny", "bash": {"$HOME*": "allow"}}, ["Bash($HO*)"]),
        ({}, ["Read"]),
        ({}, []),
    ],
    ids=json.dumps,
)
def test_more_than_the_manifests_tools_needs_an_allowance(
    permission: object, tools: list[str], bench: Workbench
) -> None:
    assert _codes(bench, permission, tools) == ["R501"]


@pytest.mark.parametrize(
    ("permission", "tools"),
    [
        ("ask", None),
        ("deny", ["Read"]),
        ("ask", ["Read"]),
        ({"*": "ask"}, ["Read"]),
        ({"edit": "deny"}, None),
        ({"*": "ask", "bash": "allow"}, None),
        ({"*": "ask", "bash": {"rm *": "deny"}}, ["Read"]),
        ({"*": "ask", "bash": {"git *": "allow"}}, None),
        ({"*": "deny", "bash": {"git log *": "allow"}}, ["Bash(git:*)"]),
        ({"*": "deny", "bash": {"git": "allow", "git ??*": "allow"}}, ["Bash(git:*)"]),
        ({"*": "allow", "**": "ask"}, ["Read"]),
        ({"*": "deny", "task": {"b": "allow"}}, ["Agent(a, b)"]),
        ({"*": "deny", "bash": {"$HOME/x *": "allow"}}, ["Bash(~/x *)"]),
        ({"*": "deny", "s_find*": {"*": "ask"}, "s_find": "allow"}, ["mcp__s"]),
        ({"*": "deny", "read": {"*": "allow", "*.env*": "ask"}}, ["Read"]),
    ],
    ids=json.dumps,
)
def test_no_more_than_the_manifest_grants_needs_no_allowance(
    permission: object, tools: list[str] | None, bench: Workbench
) -> None:
    assert _codes(bench, permission, tools) == []


def test_what_is_written_for_tools_never_exceeds_them(bench: Workbench) -> None:
    for tools in (["Read"], ["Bash(git:*)", "Agent(a)"], ["mcp__s", "Skill(x)"], []):
        bench.write({"agents/critic.toml": AGENT + tomli_w.dumps({"tools": tools})})
        written = bench.run("--stdout", "--target", "opencode", "agents/critic.toml").stdout
        permission = json.loads(re.findall("^permission: (.*)$", written, re.MULTILINE)[0])
        assert _codes(bench, permission, tools) == []


@pytest.mark.parametrize("server", ["external", "External", "doom", "plan", "repo", "lsp", "apply"])
def test_a_servers_pattern_does_not_match_the_clients_own_permissions(server: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}tools = ["Read", "mcp__{server}"]\n'})
    assert [one.code for one in findings(bench, "--target", "opencode")] == ["K113"]
    assert f"{server}_" not in bench.run("--stdout", "--target", "opencode", "agents/critic.toml").stdout


@pytest.mark.parametrize("scope", ["rm \\\\*", "ls ?", "a\\\\b", "git *:*"])
def test_a_scope_that_the_client_reads_differently_is_left_out(scope: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}tools = ["Read", "Bash({scope})"]\n'})
    assert [one.code for one in findings(bench, "--target", "opencode")] == ["K113"]
    assert "bash" not in bench.run("--stdout", "--target", "opencode", "agents/critic.toml").stdout


def test_numbers_come_first_as_in_javascript() -> None:
    assert excess({"*": "deny", "bash": {"*": "deny", "1": "allow"}}, USUAL_PERMISSIONS, {"*": "deny"}) is None
    assert excess({"*": "deny", "bash": {"*": "ask", "1": "ask", "01": "allow"}}, USUAL_PERMISSIONS, {"*": "deny"}) == (
        "bash",
        "01",
    )
    # numbers that are too large for the index of an array keep their place
    for number in (2**32 - 1, 2**40, 10**18):
        own: dict[str, Value] = {"*": "deny", "bash": {"*": "deny", str(number): "allow"}}
        assert excess(own, USUAL_PERMISSIONS, {"*": "deny"}) == ("bash", str(number))


def test_a_map_that_is_too_complex_to_decide_exceeds() -> None:
    patterns: dict[str, Value] = {f"*{'a' * (index % 7)}?{'b?' * index}*": "allow" for index in range(60)}
    assert excess({"*": "deny", "bash": patterns}, USUAL_PERMISSIONS, {"*": "deny", "bash": patterns}) == ("", "")
    assert excess({"*": "deny", "bash": {"a?" * STEPS: "allow"}}, USUAL_PERMISSIONS, {"*": "deny"}) is not None
    assert excess({"*": "deny", "bash": {f"{'*' * 40_000}a": "allow"}}, USUAL_PERMISSIONS, {"*": "deny"}) is not None
    assert excess(dict.fromkeys(map(str, range(9_000)), "allow"), USUAL_PERMISSIONS, {"*": "deny"}) is not None


def test_a_long_map_is_decided() -> None:
    bash: dict[str, Value] = {f"tool{index} sub{index} *": "allow" for index in range(150)}
    usual: dict[str, Value] = {"*": "deny", "bash": {"*": "deny", **bash}}
    assert excess(usual, USUAL_PERMISSIONS, usual) is None


@cache
def _matches(text: str, pattern: str, flags: re.RegexFlag) -> bool:
    """OpenCode's matching, from its source."""
    escaped = re.sub(r"[.+^${}()|\[\]\\]", r"\\\g<0>", pattern.replace("\\", "/"))
    expression = escaped.replace("*", ".*").replace("?", ".")
    if expression.endswith(" .*"):
        expression = f"{expression[:-3]}( .*)?"
    return re.fullmatch(expression, text, flags) is not None


def _decision(rules: list[tuple[str, str, str]], permission: str, subject: str, flags: re.RegexFlag) -> str:
    decision = "ask"
    for key, pattern, action in rules:
        if _matches(permission, key, flags) and _matches(subject, pattern, flags):
            decision = action
    return decision


def _rules(*maps: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (key, pattern, action)
        for one in maps
        for key, value in one.items()
        for pattern, action in (value.items() if isinstance(value, Mapping) else [("*", value)])
    ]


_SORTS = (dict, lambda rules: dict(sorted(rules.items(), key=lambda entry: "*" not in entry[0])))
"""How the versions of OpenCode order a map."""

PATTERN = st.text("ab *?", max_size=4)
ACTION = st.sampled_from(["allow", "ask", "deny"])
MAP = st.dictionaries(PATTERN, ACTION | st.dictionaries(PATTERN, ACTION, max_size=3), max_size=4)
SUBJECTS = ["", *"abcAB ", "a ", " a", "ab", "bA", "a b", "abab", "ab ab", "aab", "b  ", "c c"]


@examples(100)
@given(MAP, MAP)
def test_the_decision_is_that_of_the_clients_matching(own: dict[str, Any], usual: dict[str, Any]) -> None:
    defaults = {"*": "ask"}
    found = excess(own, defaults, usual)
    flags = (re.DOTALL, re.DOTALL | re.IGNORECASE)
    variants = [(_rules(defaults, sort(own)), _rules(defaults, sort(usual)), flag) for sort in _SORTS for flag in flags]

    def exceeds(permission: str, subject: str) -> bool:
        return any(
            _decision(rules, permission, subject, flag) == "allow"
            and _decision(others, permission, subject, flag) != "allow"
            for rules, others, flag in variants
        )

    if found is not None:
        assert exceeds(*found)
    else:
        assert not [(one, other) for one in SUBJECTS for other in SUBJECTS if exceeds(one, other)]
    named = {permission for permission, _ in excesses(own, defaults, usual)}
    assert bool(named) == (found is not None)
    # a name with an empty map is no rule
    named_exactly = [name for each in (own, usual) for name, value in each.items() if value != {}]
    names = [name for name in named_exactly if set(name).isdisjoint("*?")]
    assert {name for name in names if any(exceeds(name, subject) for subject in SUBJECTS)} <= named


def test_all_excesses_have_the_names_that_the_maps_have() -> None:
    own: dict[str, Value] = {"*": "deny", "bash": {"git *": "allow", "ls": "allow"}, "x_*": "allow", "edit": "ask"}
    usual: dict[str, Value] = {"*": "deny", "bash": {"*": "deny"}}
    assert {*excesses(own, USUAL_PERMISSIONS, usual)} == {("bash", "git *"), ("bash", "ls"), ("x_*", "*")}
    assert excesses(usual, USUAL_PERMISSIONS, own) == ()
    home: dict[str, Value] = {"external_directory": {"$HOME/x": "allow", "~/y": "allow"}}
    found = excesses(home, USUAL_PERMISSIONS, {})
    assert {*found} == {("external_directory", "~/x"), ("external_directory", "~/y")}
