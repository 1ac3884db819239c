"""`assemble targets` fits on a screen, and says all about a client in the words of the kit."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from conftest import Workbench
from kei_assembler.report.layout import width
from kei_assembler.report.target_table import table
from kei_assembler.targets import CODEX, COPILOT, TARGETS
from kei_assembler.targets.cursor import CURSOR
from kei_assembler.targets.facts import Verified
from kei_assembler.targets.instructions import Instructions
from kei_assembler.targets.opencode import OPENCODE
from terminals import on_terminal

DOCS = CURSOR._replace(
    name="newcomer",
    label="Newcomer",
    output=".new/agents/{name}/AGENT.md",
    verified=(Verified("Newcomer", "", "2026-11-28", ("docs",)),),
    skill_folders=(),
)
ROWS = (CODEX, COPILOT._replace(instructions=Instructions()), DOCS)
WIDE = """\
NAME      LABEL                       FILE                       VERIFIED            KINDS
codex     Codex CLI                   .codex/agents/*.toml       0.171.0 2026-11-29  AI-S
copilot   GitHub Copilot and VS Code  .github/agents/*.agent.md  1.0.102 2026-11-29  AI-S
newcomer  Newcomer                    .new/agents/*/AGENT.md     docs only           AIR-

KINDS: A agents, I instructions, R scoped rules, S skills
for all about a client, run: assemble targets NAME
"""
NARROW = """\
NAME      LABEL               FILE                    VERIFIED            KINDS
codex     Codex CLI           .codex/agents/*.toml    0.171.0 2026-11-29  AI-S
copilot   GitHub Copilot and  .github/agents/         1.0.102 2026-11-29  AI-S
          VS Code             *.agent.md
newcomer  Newcomer            .new/agents/*/AGENT.md  docs only           AIR-

KINDS: A agents, I instructions, R scoped rules, S skills
for all about a client, run: assemble targets NAME
"""
NARROWER = """\
NAME      LABEL        FILE           VERIFIED    KINDS
codex     Codex CLI    .codex/        0.171.0     AI-S
                       agents/*.toml  2026-11-29
copilot   GitHub       .github/       1.0.102     AI-S
          Copilot and  agents/        2026-11-29
          VS Code      *.agent.md
newcomer  Newcomer     .new/agents/   docs only   AIR-
                       */AGENT.md

KINDS: A agents, I instructions, R scoped rules, S skills
for all about a client, run: assemble targets NAME
"""
STACKED = """\
codex: Codex CLI
  .codex/agents/*.toml, 0.171.0
  2026-11-29, AI-S
copilot: GitHub Copilot and VS Code
  .github/agents/*.agent.md, 1.0.102
  2026-11-29, AI-S
newcomer: Newcomer
  .new/agents/*/AGENT.md, docs only,
  AIR-

KINDS: A agents, I instructions, R
  scoped rules, S skills
for all about a client, run: assemble
  targets NAME
"""


def _rows_of(text: str) -> Mapping[str, str]:
    """Return the lines of a table by their first words."""
    return {line.split()[0]: line for line in text.splitlines() if line and not line.startswith(" ")}


@pytest.mark.parametrize(("columns", "text"), [(100, WIDE), (80, NARROW), (57, NARROWER), (40, STACKED)])
def test_the_table_depends_on_the_width(columns: int, text: str) -> None:
    assert table(ROWS, columns) == text


@pytest.mark.parametrize("columns", [40, 50, 60, 70, 80, 100, 120, 200])
def test_the_table_fits_and_has_every_target(columns: int, bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    run = bench.run("targets")
    assert (run.status, run.stderr) == (0, "")
    assert max(map(width, run.stdout.splitlines())) <= min(columns, 100)
    assert {name.rstrip(":") for name in _rows_of(run.stdout)} >= {*TARGETS}


def test_the_table_fits_on_a_usual_screen(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = bench.run("targets").stdout.splitlines()
    assert lines[0].split() == ["NAME", "LABEL", "FILE", "VERIFIED", "KINDS"]
    assert len(lines) <= len(TARGETS) + 8
    for row in TARGETS.values():
        assert f"  {row.label.split()[0]}" in _rows_of("\n".join(lines))[row.name]


def test_the_headings_are_bold_on_a_terminal(bench: Workbench) -> None:
    printed = on_terminal(bench.folder, "targets", columns=80)
    assert "\x1b[1mNAME\x1b[0m  " in printed
    assert max(width(line.replace("\x1b[1m", "").replace("\x1b[0m", "")) for line in printed.splitlines()) <= 80


def test_a_program_without_a_version_does_not_hide_the_one_with_it() -> None:
    unknown, known = Verified("One", "", "2026-11-28", ("code",)), Verified("Two", "2.0", "2026-11-29", ("run",))
    (line,) = [
        line for line in table([OPENCODE._replace(verified=(unknown, known))], 80).splitlines() if "OpenCode" in line
    ]
    assert line.split()[-3:] == ["2.0", "2026-11-29", "AI-S"]


KIT = {"agents/critic.toml": "", "assemble.toml": '[target.codex]\noutput = "out/{name}.toml"\n'}


def test_the_path_is_that_of_the_kit(bench: Workbench) -> None:
    assert f"  file         {CODEX.output}, TOML" in bench.run("targets", "codex").stdout
    bench.write(KIT)
    run = bench.run("targets", "codex", "cursor")
    assert (run.status, run.stderr) == (0, "")
    assert "  file         out/{name}.toml, TOML with the body " in run.stdout
    assert "; by default .codex/agents/{name}.toml loads " in " ".join(run.stdout.split())
    assert f"  file         {CURSOR.output}, " in run.stdout
    assert bench.run("targets", "codex", cwd="agents").stdout == bench.run("targets", "codex").stdout


def test_settings_with_errors_do_not_hide_the_facts(bench: Workbench) -> None:
    usual = bench.run("targets", "codex").stdout
    bench.write({"assemble.toml": "obligatry = []\n"})
    note = "note: the settings of this kit have errors, so the paths are the default ones\n"
    assert bench.run("targets", "codex") == (0, usual, note)
    assert bench.run("targets").stderr == ""
