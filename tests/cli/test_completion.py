"""Shell completion: the words that the command offers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.shell_completion import get_completion_class

from forkserver import ForkServer
from kei_assembler.cli.app import assemble

SETTINGS = """\
external-agents = ["general-purpose"]
known-tools = ["Deploy"]
extra-keys = { owner = "string" }
bundles = { careful = ["baseline"] }
"""
FILES = ["agents/base-writer.toml", "agents/critic.toml", "agents/inner/tester.toml"]
AGENT = 'name = "{0}"\ndescription = "Reviews."\n'


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "agents" / "inner").mkdir(parents=True)
    for name in ("critic", "inner/tester"):
        (tmp_path / "agents" / f"{name}.toml").write_text(AGENT.format(Path(name).name))
    (tmp_path / "agents" / "base-writer.toml").write_text('name = "base-writer"\nabstract = true\n')
    (tmp_path / "assemble.toml").write_text(SETTINGS)
    for block in ("_blocks/baseline", "_blocks/policy/no-push", "other/_blocks/b-of-other"):
        (tmp_path / block).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{block}.md").write_text("Be honest.\n")
    (tmp_path / "_blocks" / "house-rules.md").write_text("# Testing\n\n# Größe\n\n# Twice\n# Twice\n", "utf-8")
    (tmp_path / "other" / "agents").mkdir()
    (tmp_path / "other" / "agents" / "stranger.toml").write_text(AGENT.format("stranger"))
    return tmp_path


def _environment(shell: str, words: str) -> dict[str, str]:
    at = words.rpartition(" ")[2] if shell == "fish" else str(words.count(" "))
    return {"_ASSEMBLE_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": at}


def _answer(forkserver: ForkServer, kit: Path, environment: Mapping[str, str]) -> str:
    """Return what the command prints when a shell calls it with this environment."""
    run = forkserver.run(kit, [], environment=os.environ | environment)
    assert (run.returncode, run.stderr) == (0, b"")
    return run.stdout.decode()


def _offered(forkserver: ForkServer, kit: Path, shell: str, words: str) -> list[str]:
    """Return what a shell offers for the last of these words."""
    return OFFERED[shell](_answer(forkserver, kit, _environment(shell, words)).splitlines())


OFFERED: dict[str, Callable[[list[str]], list[str]]] = {
    "bash": lambda lines: [line.removeprefix("plain,") for line in lines if line],
    "zsh": lambda lines: [
        f"{kind},{word}".removeprefix("plain,")
        for kind, word, _ in zip(lines[::3], lines[1::3], lines[2::3], strict=False)
    ],
    "fish": lambda lines: [line.partition("\t")[0].removeprefix("plain,") for line in lines if line],
}
"""How each shell reads an answer, which has each word's kind, the word itself and a description."""


@pytest.mark.parametrize("shell", OFFERED)
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("assemble expl", ["explain"]),
        ("assemble --sta", ["--staged"]),
        ("assemble --all --che", ["--check"]),
        ("assemble agents/c", ["agents/critic.toml"]),
        ("assemble agents/critic.toml agents/in", ["agents/inner/tester.toml"]),
        ("assemble --target ge", ["gemini"]),
        ("assemble --all --check --target gemini --target cla", ["claude-code"]),
        ("assemble --target @", ["@all", "@verified"]),
        ("assemble --ignore B20", ["B201", "B202", "B203", "B204", "B205", "B206", "B207", "B208", "B209"]),
        ("assemble --output-format s", ["sarif"]),
        ("assemble --kit o", ["dir,o"]),
        ("assemble --kit other agents/", []),
        ("assemble --kit other other/a", ["other/agents/stranger.toml"]),
        ("assemble explain k11", ["K110", "K111", "K112", "K113", "K114", "K115", "K116", "K117", "K118", "K119"]),
        ("assemble explain K111 b206", ["B206"]),
        ("assemble import --from co", ["copilot", "codex"]),
        ("assemble import .cl", ["file,.cl"]),
        ("assemble init t", ["dir,t"]),
        ("assemble new x --block p", ["policy/no-push"]),
        ("assemble new x --block baseline --block policy/n", ["policy/no-push"]),
        ("assemble new x --kit other --block b", ["b-of-other"]),
        ("assemble new x --block house-rules#", ["house-rules#größe", "house-rules#testing"]),
        ("assemble new x --block house-rules#te", ["house-rules#testing"]),
        ("assemble new x --block nowhere#", []),
        ("assemble --all --without ", ["block:"]),
        ("assemble --all --without block:p", ["block:policy/no-push"]),
        ("assemble --all --without tool:R", []),
        ("assemble new x --block ../x#", []),
        ("assemble new x --block @c", ["@careful"]),
        ("assemble new x --extends ", ["base-writer", "critic", "tester"]),
        ("assemble new x --handoff ", ["critic=", "general-purpose=", "tester="]),
        ("assemble new x --handoff critic=x --handoff t", ["tester="]),
        ("assemble new x --handoff critic=", []),
        ("assemble new x --set dom", ["domain_in="]),
        ("assemble new x --set o", ["output_extra_fields=", "owner="]),
        ("assemble new x --set d", ["display-name=", "domain_in="]),
        ("assemble new x --tool Web", ["WebFetch", "WebSearch"]),
        ("assemble new x --tool Dep", ["Deploy"]),
        ("assemble flatten agents/c", ["agents/critic.toml"]),
        ("assemble flatten --kit other agents/critic.toml other/a", ["other/agents/stranger.toml"]),
        ("assemble flatten --w", ["--write"]),
        ("assemble rename crit", ["critic"]),
        ("assemble rename block:h", ["block:house-rules"]),
        ("assemble show c", ["critic"]),
        ("assemble graph --from c", ["critic"]),
        ("assemble graph --output-format m", ["mermaid"]),
        ("assemble catalog o", ["dir,o"]),
        ("assemble list --uses b", ["base:", "block:", "bundle:"]),
        ("assemble list --uses block:bas", ["block:baseline"]),
        ("assemble list --uses bundle:", ["bundle:careful"]),
        ("assemble list --uses value:", []),
        ("assemble list --uses nothing:", []),
        ("assemble schema --kit o", ["dir,o"]),
        ("assemble targets op", ["opencode"]),
        ("assemble watch --target q", ["qwen"]),
        ("assemble nothing", []),
        ("assemble --kit . sche", ["schema"]),
        ("assemble --kit=. wa", ["watch"]),
        (
            "assemble --kit . ",
            [
                "new",
                "import",
                "list",
                "show",
                "impact",
                "graph",
                "catalog",
                "flatten",
                "rename",
                "remove",
                "why",
                "adopt",
                "guard",
                "doctor",
                "schema",
                "gitignore",
                "watch",
                *FILES,
            ],
        ),
        ("assemble --target codex w", ["watch"]),
        ("assemble --check sche", []),
        ("assemble agents/critic.toml sche", []),
        ("assemble --kit sche", ["dir,sche"]),
        ("assemble --kit . schema --set", ["--settings"]),
        ("assemble --kit other new x --block b", ["b-of-other"]),
        ("assemble --kit . build --sta", ["--staged"]),
    ],
)
def test_a_shell_offers_the_matching_words(
    shell: str, words: str, offered: list[str], kit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(kit)
    for name, value in _environment(shell, words).items():
        monkeypatch.setenv(name, value)
    answer = get_completion_class(shell)
    assert answer is not None
    assert OFFERED[shell](answer(assemble, {}, "assemble", "_ASSEMBLE_COMPLETE").complete().splitlines()) == offered


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("assemble show ", ["base-writer", "critic", "instructions/critic", "tester"]),
        ("assemble graph --from c", ["critic"]),
        ("assemble instructions/", ["instructions/critic.toml"]),
        ("assemble list --kind ", ["agent", "instructions", "skill"]),
    ],
)
def test_instructions_are_offered(words: str, offered: list[str], kit: Path, forkserver: ForkServer) -> None:
    (kit / "instructions").mkdir()
    (kit / "instructions/critic.toml").write_text('name = "critic"\nrole = "Be kind."\n')
    assert _offered(forkserver, kit, "bash", words) == offered


@pytest.mark.parametrize("shell", OFFERED)
def test_the_process_answers_a_shell(shell: str, kit: Path, forkserver: ForkServer) -> None:
    assert _offered(forkserver, kit, shell, "assemble agents/c") == ["agents/critic.toml"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["--target", "ge"], ["gemini"]),
        (["new", "x", "--handoff", "cr"], ["critic="]),
        (["import", "--from", "qw"], ["qwen"]),
        (["--without", "b"], ["block:"]),
        (["explain", "i90"], [f"I90{number}" for number in range(1, 10)]),
    ],
    ids=" ".join,
)
def test_bash_offers_the_words(words: list[str], offered: list[str], kit: Path) -> None:
    ask = 'eval "$(_ASSEMBLE_COMPLETE=bash_source assemble)"; COMP_WORDS=(assemble "$@"); COMP_CWORD=$#'
    code = f'{ask}; _assemble_completion assemble; printf "%s\n" "${{COMPREPLY[@]}}"'
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", "-c", code, "bash", *words]
    run = subprocess.run(command, cwd=kit, env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == offered


@pytest.mark.parametrize("settings", [None, "obligatry = []"])
def test_without_a_valid_kit_general_words_are_offered(settings: str | None, kit: Path, forkserver: ForkServer) -> None:
    if settings is None:
        for folder in ("agents", "_blocks"):
            shutil.rmtree(kit / folder)
        (kit / "assemble.toml").unlink()
    else:
        (kit / "assemble.toml").write_text(settings)
    assert _offered(forkserver, kit, "bash", "assemble agents/c") == []
    assert _offered(forkserver, kit, "bash", "assemble new x --tool Web") == ["WebFetch", "WebSearch"]
    assert _offered(forkserver, kit, "bash", "assemble new x --set r") == ["role="]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str, kit: Path, forkserver: ForkServer) -> None:
    script = _answer(forkserver, kit, {"_ASSEMBLE_COMPLETE": f"{shell}_source"})
    assert "assemble" in script
    assert _offered(forkserver, kit, shell, "assemble ")
    if path := shutil.which(shell):
        subprocess.run([path, "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("shell", OFFERED)
def test_names_that_a_shell_would_read_differently_are_not_offered(
    shell: str, kit: Path, forkserver: ForkServer
) -> None:
    for name in ("$(touch x)", "a\nplain,--force", "a b", "`id`", "a*", os.fsdecode(b"\xff"), "\u202e", "é", "d-e"):
        (kit / "agents" / name).mkdir()
        (kit / "agents" / name / "x.toml").write_text(AGENT.format("x"))
    offered = [*FILES[:2], "agents/d-e/x.toml", "agents/inner/tester.toml", "agents/é/x.toml"]
    assert _offered(forkserver, kit, shell, "assemble agents/") == offered
