"""Completion: what shells offer, asked of the command in the shells' own ways."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nursery import Nursery

CODE = "from kei_assembler.start import main; main()"
AGENT = 'name = "{0}"\ndescription = "Reviews."\n'


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "agents" / "inner").mkdir(parents=True)
    for name in ("critic", "inner/tester"):
        (tmp_path / "agents" / f"{name}.toml").write_text(AGENT.format(Path(name).name))
    return tmp_path


def _asked(nursery: Nursery, kit: Path, shell: str, words: str) -> list[str]:
    environment = {"_ASSEMBLE_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    if shell == "fish":
        environment["COMP_CWORD"] = words.rpartition(" ")[2]
    run = nursery.run(kit, [], CODE, os.environ | environment)
    assert run.returncode == 0, run.stderr
    return run.stdout.decode().replace("plain,", "").split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("assemble expl", ["explain"]),
        ("assemble --sta", ["--staged"]),
        ("assemble --all --che", ["--check"]),
        ("assemble agents/c", ["agents/critic.toml"]),
        ("assemble agents/critic.toml agents/in", ["agents/inner/tester.toml"]),
        ("assemble --target g", ["gemini"]),
        ("assemble --ignore B20", ["B201", "B202", "B203", "B204", "B205", "B206"]),
        ("assemble --output-format s", ["sarif"]),
        ("assemble explain k11", ["K110", "K111", "K112", "K113", "K114", "K115", "K116"]),
        ("assemble targets op", ["opencode"]),
        ("assemble nothing", []),
    ],
)
def test_the_words_that_bash_offers(words: str, offered: list[str], kit: Path, nursery: Nursery) -> None:
    assert _asked(nursery, kit, "bash", words) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_offered_the_same(shell: str, kit: Path, nursery: Nursery) -> None:
    assert "agents/critic.toml" in _asked(nursery, kit, shell, "assemble agents/c")


@pytest.mark.parametrize("settings", [None, "obligatry = []"])
def test_a_folder_without_a_sound_kit_offers_no_manifests(settings: str | None, kit: Path, nursery: Nursery) -> None:
    if settings is None:
        shutil.rmtree(kit / "agents")
    else:
        (kit / "assemble.toml").write_text(settings)
    assert _asked(nursery, kit, "bash", "assemble agents/c") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str, kit: Path, nursery: Nursery) -> None:
    script = _asked(nursery, kit, shell, "assemble ")
    environment = os.environ | {"_ASSEMBLE_COMPLETE": f"{shell}_source"}
    run = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True)
    assert "assemble" in run.stdout
    assert script
    if path := shutil.which(shell):
        subprocess.run([path, "-n"], input=run.stdout, text=True, check=True)
