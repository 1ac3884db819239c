"""`assemble why` about files with generated sections: the sources of their lines, and the lines of people."""

from __future__ import annotations

import pytest

from conftest import Workbench

KIT = {
    "assemble.toml": (
        'targets = ["codex", "gemini"]\n\n[bundles]\ncore = ["honesty"]\n\n[values]\nTEST = "make test"\n'
    ),
    "instructions/house.toml": 'name = "house"\nrole = "You are in this house."\nblocks = ["@core"]\n',
    "instructions/tests.toml": 'name = "tests"\nblocks = ["tests"]\n',
    "_blocks/honesty.md": "# HONESTY\n\nSay what you ran.\n",
    "_blocks/tests.md": "# TESTS\n\nRun `{{TEST}}`.\n",
    "AGENTS.md": "Written by hand.\n\n<!-- assemble: tests -->\n\nMore by hand.\n",
}


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    assert bench.run("--all").status == 0
    return bench


def test_the_sources_of_several_sections(kit: Workbench) -> None:
    run = kit.run("why", "AGENTS.md")
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == (
        "  1-2  (handwritten)\n"
        "  3-4  (stamp, section `tests`)\n"
        "  5-8  _blocks/tests.md:1-3       block\n"
        "    9  (stamp, section `tests`)\n"
        "10-11  (handwritten)\n"
        "12-13  (stamp, section `house`)\n"
        "14-15  instructions/house.toml:2  role\n"
        "16-19  _blocks/honesty.md:1-3     block\n"
        "   20  (stamp, section `house`)\n"
    )


def test_the_source_of_a_line(kit: Workbench) -> None:
    number = kit.line_of("AGENTS.md", "Run `make test`.")
    run = kit.run("why", f"AGENTS.md:{number}")
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == (
        f"AGENTS.md:{number}: Run `make test`.\n"
        "  _blocks/tests.md:3: block `tests`\n"
        "      3 | Run `{{TEST}}`.\n"
        "    through instructions/tests.toml:2: blocks[0]\n"
        "  assemble.toml:7: values.TEST\n"
        '      7 | TEST = "make test"\n'
    )


def test_a_line_through_a_bundle(kit: Workbench) -> None:
    run = kit.run("why", f"AGENTS.md:{kit.line_of('AGENTS.md', 'Say what you ran.')}")
    assert run.stdout.split("\n")[1:] == [
        "  _blocks/honesty.md:3: block `honesty`",
        "      3 | Say what you ran.",
        "    through assemble.toml:4: bundles.core[0]",
        "    through instructions/house.toml:3: blocks[0]",
        "",
    ]


def test_lines_without_a_source(kit: Workbench) -> None:
    run = kit.run("why", "AGENTS.md:1-4")
    assert (run.status, run.stderr) == (0, "")
    said = [line for line in run.stdout.split("\n") if line.startswith("  ")]
    assert said == [
        "  handwritten: not in a generated section",
        "  handwritten: not in a generated section",
        "  stamp, section `tests`: not from a source",
        "  format of the client: not from a source",
    ]


def test_a_section_that_imports_the_shared_file(kit: Workbench) -> None:
    run = kit.run("why", "GEMINI.md")
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == (
        "1-2  (stamp, section `AGENTS.md`)\n3-4  (import of the shared file)\n  5  (stamp, section `AGENTS.md`)\n"
    )


def test_a_template_of_the_kit(kit: Workbench) -> None:
    template = (
        '{% extends "default/instructions.md.j2" %}\n{% block role %}\n# House\n\n{{ agent.role }}\n{% endblock %}\n'
    )
    kit.write({"templates/instructions.md.j2": template})
    assert kit.run("--all").status == 0
    run = kit.run("why", f"AGENTS.md:{kit.line_of('AGENTS.md', '# House')}")
    assert "  templates/instructions.md.j2:3: template\n      3 | # House\n" in run.stdout


def test_a_file_with_windows_line_ends(kit: Workbench) -> None:
    before = kit.run("why", "AGENTS.md").stdout
    kit.write({"AGENTS.md": b"\xef\xbb\xbf" + kit.read("AGENTS.md").replace("\n", "\r\n").encode()})
    run = kit.run("why", "AGENTS.md")
    assert (run.status, run.stdout, run.stderr) == (0, before, "")


def test_a_section_that_was_edited(kit: Workbench) -> None:
    kit.write({"AGENTS.md": kit.read("AGENTS.md").replace("Say what you ran.", "Say nothing.")})
    number = kit.line_of("AGENTS.md", "Say nothing.")
    run = kit.run("why", f"AGENTS.md:{number}")
    assert run.stderr == (
        "note: section `house` of `AGENTS.md` was edited; to see how, run: assemble --diff instructions/house.toml\n"
    )
    assert run.stdout == f"AGENTS.md:{number}: Say nothing.\n  not generated: an edit, or its source has changed\n"


def test_sections_that_are_out_of_date_or_missing(kit: Workbench) -> None:
    kit.write(
        {"_blocks/tests.md": "# TESTS\n\nRun nothing.\n", "instructions/new.toml": 'name = "new"\nrole = "New."\n'}
    )
    run = kit.run("why", "AGENTS.md")
    assert run.stderr == (
        "note: section `new` of `AGENTS.md` has not been generated yet; run: assemble instructions/new.toml\n"
        "note: section `tests` of `AGENTS.md` is out of date; to update it, run: assemble instructions/tests.toml\n"
    )
    assert "  7-8  (its source has changed)\n" in run.stdout


def test_sections_of_somebody_else(kit: Workbench) -> None:
    text = kit.read("AGENTS.md").replace("begin house", "begin home").replace("end house", "end home")
    kit.write({"AGENTS.md": text.replace("../", "")})
    run = kit.run("why", "AGENTS.md")
    assert "12-20  (not generated by this kit, section `home`)\n" in run.stdout
    assert "note: section `house` of `AGENTS.md` has not been generated yet" in run.stderr


@pytest.mark.parametrize(
    ("place", "message", "hint"),
    [
        ("AGENT.md", "`AGENT.md` does not exist", "did you mean `AGENTS.md`?"),
        ("instructions/house.toml", "is not a file that the kit", "did you mean `AGENTS.md`?"),
        ("AGENTS.md:99", "`AGENTS.md` has no line 99", "it has 20 lines"),
        ("web/AGENTS.md", "`web/AGENTS.md` has not been generated yet", "run: assemble instructions/web.toml"),
        ("CLAUDE.md", "`CLAUDE.md` is not a file that the kit", ""),
    ],
)
def test_what_is_refused(place: str, message: str, hint: str, kit: Workbench) -> None:
    kit.write({"CLAUDE.md": "Mine.\n", "instructions/web.toml": 'name = "web"\nfolder = "web"\nrole = "Web."\n'})
    (kit.folder / "web").mkdir()
    run = kit.run("why", place)
    assert (run.status, run.stdout) == (2, "")
    assert message in run.stderr
    assert hint in run.stderr


def test_damaged_sections(kit: Workbench) -> None:
    kit.write({"AGENTS.md": kit.read("AGENTS.md").replace("<!-- assemble: end house -->\n", "")})
    run = kit.run("why", "AGENTS.md")
    assert (run.status, run.stdout) == (2, "")
    assert "`AGENTS.md` cannot have generated sections as it is" in run.stderr


def test_a_manifest_with_errors(kit: Workbench) -> None:
    kit.write({"instructions/house.toml": 'name = "home"\nrole = "x"\n'})
    run = kit.run("why", "AGENTS.md")
    assert (run.status, run.stdout) == (2, "")
    assert "`instructions/house.toml` has errors, so nothing is generated from it" in run.stderr


def test_an_agent_of_the_same_name(kit: Workbench) -> None:
    kit.write({"agents/house.toml": 'name = "house"\ndescription = "Keeps it."\nrole = "You keep it."\n'})
    assert kit.run("--all").status == 0
    assert "agents/house.toml:3" in kit.run("why", ".gemini/agents/house.md").stdout
    assert "instructions/house.toml:2" in kit.run("why", "AGENTS.md").stdout


def test_who_changed_a_line(kit: Workbench) -> None:
    run = kit.run("why", "--git", "AGENTS.md:1")
    assert (run.status, run.stdout) == (0, "AGENTS.md:1: Written by hand.\n  handwritten: not in a generated section\n")
