"""Settings of clients that change generated agents."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import Workbench
from kei_assembler.targets import TARGETS
from readers import diagnostics

CRITIC = 'name = "critic"\ndescription = "Reviews code."\nrole = "You review code, and report what you find."\n'


def _found(bench: Workbench, *args: str) -> list[dict[str, Any]]:
    return diagnostics(bench, *args, codes=("L804",))


def _kit(bench: Workbench, target: str) -> None:
    bench.write({"assemble.toml": f'targets = ["{target}"]\n', "agents/critic.toml": CRITIC})


CHANGED = [
    ("opencode", "opencode.json", '{"agent": {"critic": {"disable": true}}}', (1, 12)),
    ("opencode", "opencode.jsonc", '{\n// "critic":\n"agent": {\n  "critic": {"disable": true,}, },\n}', (4, 3)),
    ("opencode", ".opencode/opencode.json", '{"x": "critic", "mode": {"critic": {"disable": true}}}', (1, 26)),
    ("opencode", ".opencode/opencode.jsonc", '/* { */ {"agent": {"critic": {"disable": true}}}', (1, 20)),
    ("kilo", ".kilo/kilo.jsonc", '{"agent": {"critic": {"disable": true}}}', (1, 12)),
    ("kilo", "opencode.json", '{"agent": {"critic": {"disable": true}}}', (1, 12)),
    ("opencode", "opencode.json", '{"agent": {"\\u0063ritic": {"disable": true}}}', (1, 1)),
    ("codex", ".codex/config.toml", '[agents.critic]\ndisable = "x"\n', (1, 9)),
    ("codex", ".codex/config.toml", 'agents.critic = { disable = 1, config_file = "agents/other.toml" }\n', (1, 8)),
    ("gemini", ".gemini/settings.json", '{"agents": {"overrides": {"critic": {"disable": 1}}}}', (1, 27)),
]
UNCHANGED = [
    ("opencode", "opencode.json", '{"agent": {"Critic": {"disable": true}}}'),
    ("opencode", "opencode.json", '{"agent": {"critic": {}}, "command": {"critic": {"x": 1}}}'),
    ("opencode", "opencode.json", '{"agent": {"critic": {"disable": true}}'),
    ("opencode", "opencode.json", '["agent"]'),
    ("opencode", "opencode.json", '{"agent": [1], "mode": null}'),
    ("opencode", "opencode.json", "[" * 100_000),
    ("opencode", ".codex/config.toml", '[agents.critic]\ndescription = "x"\n'),
    ("codex", ".codex/config.toml", "[agents]\nmax_threads = 3\n"),
    ("codex", ".codex/config.toml", '[agents.critic]\ndescription = "x"\nconfig_file = "./agents/critic.toml"\n'),
    ("codex", ".codex/config.toml", "[agents"),
    ("gemini", ".gemini/settings.json", '{"agents": {"critic": {"enabled": false}}}'),
]


@pytest.mark.parametrize(("target", "file", "text", "place"), CHANGED)
def test_keys_of_an_agent_are_reported(
    target: str, file: str, text: str, place: tuple[int, int], bench: Workbench
) -> None:
    _kit(bench, target)
    bench.write({file: text})
    (found,) = _found(bench)
    assert (found["severity"], found["file"], (found["line"], found["column"])) == ("warning", file, place)
    output = TARGETS[target].output.format(name="critic")
    assert f"those of the generated `{output}`: `disable`" in found["message"]
    assert found["help"] == "set what you need in agents/critic.toml, and remove the keys here"


@pytest.mark.parametrize(("target", "file", "text"), UNCHANGED)
def test_other_settings_are_not_reported(target: str, file: str, text: str, bench: Workbench) -> None:
    _kit(bench, target)
    bench.write({file: text})
    assert _found(bench) == []


def test_each_run_notices_the_settings_of_the_projects_up_to_the_root(bench: Workbench) -> None:
    settings = 'root = ".."\ntargets = ["opencode"]\n'
    bench.write({"sub/kit/assemble.toml": settings, "sub/kit/agents/critic.toml": CRITIC})
    text = '{"agent": {"critic": {"model": "x/y"}}}'
    for args in (["--all"], ["sub/kit/agents/critic.toml"]):
        assert _found(bench, *(["--kit", "sub/kit"] if args[0] == "--all" else []), *args) == []
    bench.write({"sub/opencode.json": text, "opencode.json": text})
    for args in (["--kit", "sub/kit", "--all"], ["sub/kit/agents/critic.toml"]):
        assert [one["file"] for one in _found(bench, *args)] == ["../opencode.json"]
