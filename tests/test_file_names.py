"""The names of files and folders are input: whatever goes into a file or a report is escaped for where it goes."""

from __future__ import annotations

import json
import os

from conftest import Workbench

AGENT = 'name = "critic"\ndescription = "Reviews code."\nrole = "You review code."\n'
OUTSIDE = """
root = ".."
[target.claude-code]
output = "../.claude/agents/{name}.md"
[target.codex]
output = "../.codex/agents/{name}.toml"
"""
FORMATS = ("text", "json", "sarif", "github")


def test_a_folder_cannot_put_a_heading_into_a_stamp(bench: Workbench) -> None:
    kit = "k\n\n# INJECTED\n\nx"
    bench.write({f"{kit}/assemble.toml": OUTSIDE, f"{kit}/agents/critic.toml": AGENT})
    run = bench.run("--all", "--kit", kit)
    assert (run.status, run.stdout) == (1, "")
    assert "agents/critic.toml:1:1: error[O614] " in run.stderr
    assert "# INJECTED" not in bench.run("--stdout", "agents/critic.toml", cwd=kit).stdout
    assert set(bench.files()) == {f"{kit}/assemble.toml", f"{kit}/agents/critic.toml"}


def test_an_undecodable_folder_is_reported_in_every_format(bench: Workbench) -> None:
    kit = os.fsdecode(b"k\xff")
    bench.write({f"{kit}/assemble.toml": OUTSIDE, f"{kit}/agents/critic.toml": AGENT})
    bench.write({f"{kit}/agents/{kit}.toml": AGENT})
    for output_format in FORMATS:
        run = bench.run("--all", "--check", "--kit", kit, "--output-format", output_format)
        assert run.status == 1
        assert "O614" in run.stdout + run.stderr
        assert (run.stdout + run.stderr).encode().isascii()
        if output_format in ("json", "sarif"):
            json.dumps(json.loads(run.stdout), ensure_ascii=False).encode()


def test_init_puts_no_expression_into_a_workflow(bench: Workbench) -> None:
    run = bench.run("init", "a${{ github.head_ref }}")
    assert run.status == 2
    assert "contains `${{`, which GitHub would evaluate in a workflow" in run.stderr
    assert bench.files() == {}
