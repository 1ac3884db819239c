"""An import of `AGENTS.md` and the like makes a manifest with a block for each section, and loses no line."""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from conftest import Run, Workbench, examples
from kei_assembler.importing.bodies import closed
from kei_assembler.importing.hard_breaks import with_backslashes
from kei_assembler.importing.instructions import split
from kei_assembler.markdown.structure import trimmed

GUIDE = "# Guide\n\nIntro.\n\n## Testing\n\nRun `make test`.\n\n## Style\n\nBe brief.\n"
OUTPUT = '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
CREATED = ("assemble.toml", "_blocks/testing.md", "_blocks/style.md", "instructions/house.toml")
HOUSE = "instructions/house.toml"
REPLACE = "next: review the manifests, then run: assemble import --replace {}, which replaces the imported {}\n"
BUILD = "next: review the manifests, then run: assemble --all\n"
ONE = REPLACE.format("AGENTS.md", "text with a section")
BEGIN = re.compile(r"<!-- assemble: begin (\S+)[^\n]*-->\n\n(.*)\n\n<!-- assemble: end \1 -->\n?", re.DOTALL)


def _import(bench: Workbench, text: str | bytes, path: str = "AGENTS.md", *args: str) -> Run:
    bench.write({path: text})
    return bench.run("import", path, *args)


def _manifest(bench: Workbench, name: str = "house") -> dict[str, Any]:
    return tomllib.loads(bench.read(f"instructions/{name}.toml"))


def _section(bench: Workbench, path: str = "AGENTS.md") -> str:
    match = BEGIN.fullmatch(bench.read(path).replace("\r\n", "\n"))
    assert match, bench.read(path)
    return match[2]


def _codes(run: Run) -> list[str]:
    return re.findall(r" (?:error|warning|note)\[(\w+)\]", run.stderr)


def test_the_sections_become_blocks(bench: Workbench) -> None:
    run = _import(bench, GUIDE)
    assert run == Run(
        0,
        "".join(f"created {file}\n" for file in CREATED),
        f"1 instruction manifest\n{ONE}",
    )
    assert _manifest(bench) == {"name": "house", "role": "# Guide\n\nIntro.\n", "blocks": ["testing", "style"]}
    assert bench.read("_blocks/testing.md") == "## Testing\n\nRun `make test`.\n"
    assert bench.read("AGENTS.md") == GUIDE


def test_the_section_replaces_the_text(bench: Workbench) -> None:
    _import(bench, GUIDE)
    run = bench.run("import", "--replace", "AGENTS.md")
    assert run == Run(0, "updated AGENTS.md\n", "1 instruction manifest: 1 already imported\n")
    assert f"{_section(bench)}\n" == GUIDE
    assert bench.run("--all", "--check", "--strict").status == 0


def test_an_import_can_replace_the_text_at_once(bench: Workbench) -> None:
    run = _import(bench, GUIDE, "AGENTS.md", "--replace")
    assert (run.status, run.stdout.splitlines()[-1]) == (0, "updated AGENTS.md")
    assert run.stderr == f"1 instruction manifest\n{BUILD}"
    assert f"{_section(bench)}\n" == GUIDE
    assert bench.run("--all", "--check", "--strict").status == 0


def test_the_manifest_can_be_edited_before_the_text_is_replaced(bench: Workbench) -> None:
    _import(bench, GUIDE)
    bench.write({"_blocks/style.md": "## Style\n\nBe kind.\n"})
    bench.write({"instructions/rules.toml": bench.read(HOUSE).replace('"house"', '"rules"')})
    (bench.folder / HOUSE).unlink()
    assert bench.run("import", "--replace", "AGENTS.md").stdout == "updated AGENTS.md\n"
    assert f"{_section(bench)}\n" == GUIDE.replace("brief", "kind")
    assert bench.run("--all", "--check").status == 0


def test_a_dry_run_writes_nothing(bench: Workbench) -> None:
    bench.write({"AGENTS.md": GUIDE})
    before = bench.files()
    run = bench.run("import", "--dry-run", "--replace", "AGENTS.md")
    assert run.stderr == "1 instruction manifest\n"
    assert [line.split()[:2] for line in run.stdout.splitlines()] == [["would", "create"]] * 4
    assert bench.files() == before


def test_a_second_import_changes_nothing(bench: Workbench) -> None:
    _import(bench, GUIDE)
    before = bench.files()
    assert bench.run("import", "AGENTS.md") == Run(0, "", f"1 instruction manifest: 1 already imported\n{ONE}")
    assert bench.files() == before
    bench.run("import", "--replace", "AGENTS.md")
    before = bench.files()
    assert bench.run("import", "AGENTS.md") == Run(0, "", "1 instruction manifest: 1 already imported\n")
    assert bench.files() == before


def test_a_changed_file_is_not_imported_a_second_time(bench: Workbench) -> None:
    _import(bench, GUIDE)
    bench.write({"AGENTS.md": f"{GUIDE}\n## New\n\nText.\n"})
    before = bench.files()
    run = bench.run("import", "--replace", "AGENTS.md")
    assert (run.status, run.stdout) == (1, "foreign instructions/house.toml\n")
    assert run.stderr.startswith(
        "AGENTS.md:1:1: error[I908] instructions/house.toml exists with different content, and was kept\n"
        "    help: move one of the two files\n"
    )
    assert bench.files() == before


def test_the_instructions_of_a_folder(bench: Workbench) -> None:
    bench.write({"AGENTS.md": GUIDE, "packages/api/AGENTS.md": "# API\n\nIt is REST.\n", "api/AGENTS.md": "Other.\n"})
    run = bench.run("import", "AGENTS.md", "packages/api/AGENTS.md", "api/AGENTS.md", "--replace")
    assert run.status == 0
    assert _manifest(bench, "api") == {"name": "api", "folder": "packages/api", "blocks": ["api"]}
    assert _manifest(bench, "api-2") == {"name": "api-2", "folder": "api", "role": "Other.\n"}
    assert _section(bench, "packages/api/AGENTS.md") == "# API\n\nIt is REST."
    assert bench.run("--all", "--check", "--strict").status == 0


def test_a_folder_does_not_include_instructions(bench: Workbench) -> None:
    bench.write({"docs/AGENTS.md": GUIDE})
    run = bench.run("import", "docs")
    assert (run.status, run.stdout) == (0, "")
    assert run.stderr == (
        "docs/AGENTS.md:1:1: note[I901] the file has no front matter, and was skipped\n"
        "    help: to import these instructions, run: assemble import docs/AGENTS.md\n0 agents; 1 note\n"
    )


def test_the_text_of_claude_code_moves_to_the_shared_file(bench: Workbench) -> None:
    run = _import(bench, GUIDE, "CLAUDE.md", "--replace")
    assert run.stdout.splitlines()[-2:] == ["created AGENTS.md", "updated CLAUDE.md"]
    assert run.stderr == (
        "CLAUDE.md:1:1: note[I919] the text will be in `AGENTS.md`, which other clients read, too\n"
        f"1 instruction manifest; 1 note\n{BUILD}"
    )
    assert f"{_section(bench)}\n" == GUIDE
    assert _section(bench, "CLAUDE.md") == "@AGENTS.md"
    assert bench.run("--all", "--check", "--strict").status == 0


def test_the_file_of_a_client_that_reads_no_other(bench: Workbench) -> None:
    run = _import(bench, GUIDE, "GEMINI.md", "--replace")
    assert (run.status, run.stderr) == (0, f"1 instruction manifest\n{BUILD}")
    assert 'targets = ["gemini"]' in bench.read("assemble.toml")
    assert f"{_section(bench, 'GEMINI.md')}\n" == GUIDE
    assert bench.run("--all", "--check", "--strict").status == 0


def test_a_kit_whose_clients_do_not_read_the_file(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'targets = ["gemini"]\n'})
    assert _import(bench, GUIDE, "AGENTS.md", "--replace").status == 0
    assert _manifest(bench)["targets"] == ["claude-code"]
    assert f"{_section(bench)}\n" == GUIDE


def test_the_file_in_the_folder_of_a_client_is_deleted(bench: Workbench) -> None:
    run = _import(bench, GUIDE, ".claude/CLAUDE.md", "--replace")
    assert run.stdout.splitlines()[-2:] == ["created AGENTS.md", "deleted .claude/CLAUDE.md"]
    assert f"{_section(bench)}\n" == GUIDE
    assert bench.run("--all", "--check", "--strict").status == 0


@pytest.mark.parametrize("text", ["@AGENTS.md\n", "\n@./AGENTS.md", "@AGENTS.md\r\n"])
def test_a_file_that_only_imports_another(text: str, bench: Workbench) -> None:
    bench.write({"AGENTS.md": GUIDE, "CLAUDE.md": text})
    run = bench.run("import", "CLAUDE.md", "AGENTS.md", "--replace")
    assert run.stderr == (
        "CLAUDE.md:1:1: note[I921] the file only imports `AGENTS.md`, and can stay as it is\n"
        f"1 instruction manifest; 1 note\n{BUILD}"
    )
    assert bench.read("CLAUDE.md") == text
    assert bench.run("--all", "--check").status == 0


def test_a_file_with_an_import_and_more_is_kept(bench: Workbench) -> None:
    bench.write({"AGENTS.md": GUIDE, "CLAUDE.md": "@AGENTS.md\n\nUse plan mode.\n"})
    run = bench.run("import", "CLAUDE.md", "AGENTS.md", "--replace")
    assert (
        "CLAUDE.md:1:1: note[I921] the file imports `AGENTS.md`, and the rest is only for Claude Code; "
        "it was not imported\n"
        "    help: what is for all clients can move to `AGENTS.md`; then import that file\n" in run.stderr
    )
    assert bench.read("CLAUDE.md") == "@AGENTS.md\n\nUse plan mode.\n"
    assert bench.run("--all", "--check").status == 0


@pytest.mark.parametrize("args", [("CLAUDE.md",), ("AGENTS.md", "CLAUDE.md"), ("CLAUDE.md", "AGENTS.md")])
def test_files_with_the_same_text_become_one_manifest(args: tuple[str, ...], bench: Workbench) -> None:
    bench.write({"AGENTS.md": GUIDE, "CLAUDE.md": GUIDE.replace("\n", "\r\n")})
    run = bench.run("import", *args)
    assert _codes(run) == ["I919", "I921"]
    assert (
        "CLAUDE.md:1:1: note[I921] the file has the same text as `AGENTS.md`, so both become one manifest\n"
        in run.stderr
    )
    assert run.stderr.endswith(REPLACE.format("AGENTS.md CLAUDE.md", "texts with sections"))
    assert [path for path in bench.files() if path.startswith("instructions")] == [HOUSE]
    run = bench.run("import", "--replace", "AGENTS.md", "CLAUDE.md")
    assert run.stdout == "updated AGENTS.md\nupdated CLAUDE.md\n"
    assert f"{_section(bench)}\n" == GUIDE
    assert _section(bench, "CLAUDE.md") == "@AGENTS.md"
    assert bench.run("--all", "--check").status == 0


@pytest.mark.parametrize("args", [("CLAUDE.md",), ("AGENTS.md", "CLAUDE.md")])
def test_a_link(args: tuple[str, ...], bench: Workbench) -> None:
    bench.write({"AGENTS.md": GUIDE})
    os.symlink("AGENTS.md", bench.folder / "CLAUDE.md")
    run = bench.run("import", *args, "--replace")
    assert "note[I921] the file is a link to `AGENTS.md`, so it has the same text\n" in run.stderr
    assert (run.stdout != "") == (len(args) == 2)
    assert len(args) == 1 or bench.run("--all", "--check").status == 0
    assert (bench.folder / "CLAUDE.md").is_symlink()
    assert bench.read("AGENTS.md") == GUIDE or len(args) == 2


@pytest.mark.parametrize("beside", ["folder", "broken link", "link to the outside", "not UTF-8"])
def test_a_file_beside_that_cannot_be_read(beside: str, bench: Workbench) -> None:
    path = bench.folder / "AGENTS.md"
    if beside == "folder":
        path.mkdir()
    elif beside == "not UTF-8":
        path.write_bytes(GUIDE.encode("utf-16"))
    else:
        (bench.folder.parent / "outside.md").write_text(GUIDE)
        path.symlink_to("../outside.md" if beside == "link to the outside" else "nowhere.md")
    run = _import(bench, GUIDE, "CLAUDE.md", "--replace")
    assert "I921" not in _codes(run)
    assert run.status == (0 if beside == "broken link" else 1)
    assert bench.read("CLAUDE.md") == GUIDE or run.status == 0


def test_files_of_a_folder_with_different_texts(bench: Workbench) -> None:
    bench.write({"AGENTS.md": GUIDE, "CLAUDE.md": "Use plan mode.\n"})
    run = bench.run("import", "AGENTS.md", "CLAUDE.md", "--replace")
    assert _codes(run) == ["I919"]
    assert _manifest(bench, "house-claude-code") == {"name": "house-claude-code", "role": "Use plan mode.\n"}
    assert bench.read("AGENTS.md").count("assemble: begin") == 2
    assert _section(bench, "CLAUDE.md") == "@AGENTS.md"
    assert bench.run("--all", "--check", "--strict").status == 0


def test_generated_sections_are_skipped(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": "",
            "instructions/mine.toml": 'name = "mine"\nrole = "Be kind."\n',
            "AGENTS.md": "# A\n\nBefore.  \nOn.",
        }
    )
    assert bench.run("--all").status == 0
    bench.write({"AGENTS.md": f"{bench.read('AGENTS.md')}\n# B\n\nAfter.\n\n```\nopen\n"})
    run = bench.run("import", "AGENTS.md", "--replace")
    assert _codes(run) == ["I914", "I909"]
    assert "AGENTS.md:14:1: warning[I909]" in run.stderr
    assert "AGENTS.md:3:1: note[I914]" in run.stderr
    assert _manifest(bench) == {"name": "house", "blocks": ["a", "b"]}
    assert [line for line in bench.read("AGENTS.md").split("\n") if line and not line.startswith("<!--")] == [
        *("# A", "Before.\\", "On.", "# B", "After.", "```", "open", "```"),
        "Be kind.",
    ]
    assert bench.run("--all", "--check").status == 0


def test_an_edited_section_is_reported(bench: Workbench) -> None:
    bench.write({"assemble.toml": "", "instructions/mine.toml": 'name = "mine"\nrole = "Be kind."\n'})
    assert bench.run("--all").status == 0
    bench.write({"AGENTS.md": bench.read("AGENTS.md").replace("kind", "brief")})
    run = bench.run("import", "AGENTS.md")
    assert run == Run(
        1,
        "",
        "AGENTS.md:1:1: error[I913] the section was generated from instructions/mine.toml and then edited; "
        "the edit was not imported\n"
        "    help: move the change to instructions/mine.toml or one of its blocks\n"
        "1 instruction manifest: 1 already imported; 1 error\n",
    )


def test_a_damaged_section_is_reported(bench: Workbench) -> None:
    run = _import(bench, "Text.\n<!-- assemble: end house -->\n")
    assert (run.status, run.stdout, _codes(run)) == (1, "", ["O641"])


def test_the_place_for_a_section_is_used(bench: Workbench) -> None:
    text = "# A\n\nText.\n\n<!-- assemble: house -->\n\n# B\n\nMore.\n"
    run = _import(bench, text, "AGENTS.md", "--replace")
    assert (run.status, _manifest(bench)["blocks"]) == (0, ["a", "b"])
    assert _section(bench) == "# A\n\nText.\n\n# B\n\nMore."


SAME = {
    "no headings": "Be kind.\n\n- a\n  - b\n",
    "one heading": "# Rules\n\nBe kind.\n",
    "text before the headings": "Intro.\n\n# A\n\na\n\n# B\n\nb\n",
    "headings alone": "# A\n\n## B\n\n## C\n",
    "setext headings": "Title\n=====\n\nOne\n---\n\na\n\nTwo\n---\n\nb\n",
    "headings in fences": "# A\n\n```sh\n# no heading\n```\n\n# B\n\n~~~\n# B\n~~~\n",
    "headings in HTML": "# A\n\n<!--\n# no\n-->\n\n<div>\n# no\n</div>\n\n# B\n",
    "headings in lists and quotes": "# A\n\n- x\n\n  # no\n\n> # no\n\n# B\n",
    "the same heading twice": "# A\n\na\n\n# A\n\nb\n",
    "the same section twice": "# A\n\na\n\n# A\n\na\n",
    "a heading without letters": "# 日本\n\na\n\n# !?\n\nb\n",
    "a lower heading first": "## A\n\na\n\n# B\n\nb\n",
    "an indented heading": "# A\n\n  # B\n\nb\n",
    "a link definition": "# A\n\n[x].\n\n# B\n\n[x]: /y\n",
    "escaped placeholders": "# A\n\n\\{{A}} and `{{B}}` and ${{C}}\n\n# B\n\n\\{{A}}\n",
    "quotes and backslashes": "# A\n\n'''\n\"\"\"\n\\ \\u0041 \\\n",
    "an indented start": "    code\n\n# A\n\na\n",
}


@pytest.mark.parametrize("share", [(), ("--share",)])
@pytest.mark.parametrize("what", SAME)
def test_the_generated_text_is_the_same(what: str, share: tuple[str, ...], bench: Workbench) -> None:
    run = _import(bench, SAME[what], "AGENTS.md", "--replace", *share)
    assert (run.status, _codes(run)) == (0, [])
    assert f"{_section(bench)}\n" == SAME[what]
    assert bench.run("--all", "--check").status == 0


def test_crlf_and_a_byte_order_mark(bench: Workbench) -> None:
    text = b"\xef\xbb\xbf" + GUIDE.replace("\n", "\r\n").encode()
    run = _import(bench, text, "AGENTS.md", "--replace")
    assert (run.status, _codes(run)) == (0, [])
    assert b"\n" not in (bench.folder / "AGENTS.md").read_bytes().replace(b"\r\n", b"")
    assert f"{_section(bench)}\n" == GUIDE
    assert bench.run("--all", "--check").status == 0


def test_front_matter_becomes_text(bench: Workbench) -> None:
    text = "---\ntitle: Rules\n---\n\n# A\n\na\n\n# B\n\nb\n"
    run = _import(bench, text, "AGENTS.md", "--replace")
    assert "AGENTS.md:1:1: warning[I922] the front matter becomes part of the text\n" in run.stderr
    assert _manifest(bench) == {"name": "house", "role": "---\ntitle: Rules\n---\n", "blocks": ["a", "b"]}
    assert f"{_section(bench)}\n" == text


def test_an_open_fence_is_closed(bench: Workbench) -> None:
    run = _import(bench, "# A\n\n```\ncode\n", "AGENTS.md", "--replace")
    assert (run.status, _codes(run)) == (0, ["I909"])
    assert (
        "AGENTS.md:3:1: warning[I909] the text leaves a code fence open; the manifest closes it at the end"
        in run.stderr
    )
    assert _section(bench) == "# A\n\n```\ncode\n```"


def test_a_long_text_before_the_headings_gets_a_file(bench: Workbench) -> None:
    long = "".join(f"- Rule {number}\n" for number in range(50))
    run = _import(bench, f"{long}\n# A\n\na\n", "AGENTS.md", "--replace")
    assert "created roles/house.md\n" in run.stdout
    assert _manifest(bench)["role"] == {"file": "roles/house.md"}
    assert f"{_section(bench)}\n" == f"{long}\n# A\n\na\n"


def test_a_very_long_file(bench: Workbench) -> None:
    text = "".join(f"# Same\n\nRule {number}.\n\n" for number in range(1500))
    run = _import(bench, text, "AGENTS.md", "--replace")
    assert run.status == 0
    assert _section(bench) == text.strip()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("Read @docs/style.md.\n", "AGENTS.md:1:6: note[I920] `@docs/style.md` stays"),
        ("# A\n\n@./x.md\n\n# B\n\n@y.md\n", "AGENTS.md:3:1: note[I920] `@./x.md` stays"),
        ("`@docs/style.md`, @types/node, @someone, a@b.com\n", ""),
    ],
)
def test_imports_of_other_files(text: str, where: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": 'targets = ["claude-code", "codex", "cursor"]\n'})
    run = _import(bench, text)
    assert _codes(run) == (["I920"] if where else [])
    message = "as it is, and Codex CLI and Cursor do not replace it by the content of the file\n"
    assert f"{where} {message}" in run.stderr or not where


def test_a_section_of_agents_is_shared(bench: Workbench) -> None:
    honesty = "## Honesty\n\nSay what you ran.\n"
    bench.write({"_blocks/kindness.md": "## Be kind\n\nAlways.\n", "assemble.toml": OUTPUT})
    bench.write({"AGENTS.md": f"{GUIDE}\n{honesty}\n## Be kind\n\nAlways.\n"})
    agent = f"---\nname: critic\ndescription: Reviews code.\n---\nYou review.\n\n{honesty}"
    bench.write({".claude/agents/critic.md": agent})
    run = bench.run("import", "--share", "AGENTS.md", ".claude/agents")
    assert run.status == 0
    assert run.stderr.startswith("1 shared block of 1 agent: 29 characters saved\n1 agent and 1 instruction manifest\n")
    assert _manifest(bench)["blocks"] == ["testing", "style", "honesty", "kindness"]
    assert 'blocks = ["honesty"]' in bench.read("agents/critic.toml")
    steps = run.stderr.splitlines()[2:]
    assert steps == [
        ONE.rstrip("\n"),
        "then run: assemble --all --force, which overwrites the imported files",
    ]
    for command in ("import --replace AGENTS.md", "--all --force"):
        assert bench.run(*command.split()).status == 0
    assert bench.run("--all", "--check").status == 0


def test_a_section_that_is_not_shared(bench: Workbench) -> None:
    bench.write({"_blocks/testing.md": "Other.\n", "assemble.toml": ""})
    _import(bench, GUIDE)
    assert _manifest(bench)["blocks"] == ["testing-2", "style"]


@pytest.mark.parametrize("text", ["", "\n \n", "<!-- assemble: house -->\n"])
def test_an_empty_file(text: str, bench: Workbench) -> None:
    run = _import(bench, text)
    assert run == Run(0, "", "AGENTS.md:1:1: note[I921] the file has no text\n0 agents; 1 note\n")


def test_a_file_that_is_not_utf_8(bench: Workbench) -> None:
    run = _import(bench, GUIDE.encode("utf-16"))
    assert (run.status, run.stdout, _codes(run)) == (1, "", ["S002"])


def test_a_file_outside_of_the_kit(bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": "", "AGENTS.md": GUIDE})
    run = bench.run("import", "AGENTS.md", "--kit", "kit")
    assert run.stderr == "1 instruction manifest\nnext: review the manifests, then run: assemble --all --kit kit\n"


def test_a_text_that_cannot_be_built_is_kept(bench: Workbench) -> None:
    bench.write({"AGENTS.md": "Ask {{SOMEBODY}}.\n"})
    run = bench.run("import", "AGENTS.md", "--replace")
    assert (run.status, _codes(run)) == (1, ["I917", "T401"])
    assert bench.read("AGENTS.md") == "Ask {{SOMEBODY}}.\n"


def test_a_manifest_of_another_kind_may_have_the_name(bench: Workbench) -> None:
    bench.write({"assemble.toml": "", "instructions/critic.toml": 'name = "critic"\nrole = "Be kind."\n'})
    bench.write({"critic.md": "---\nname: critic\ndescription: Reviews code.\n---\nYou review.\n"})
    assert bench.run("import", "critic.md").stdout == "created agents/critic.toml\n"


def test_a_kit_without_a_folder_for_instructions(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'manifests = "bots"\n', "bots/x.toml": 'name = "x"\ndescription = "X."\n'})
    assert bench.run("--all").status == 0
    assert _import(bench, GUIDE, "AGENTS.md", "--replace").status == 0
    assert 'kind = "instructions"' in bench.read("bots/house.toml")
    assert bench.run("--all", "--check").status == 0


PIECES = (
    *("# A", "## B", "### C", "# A", "text", "Title\n===", "Title\n---", "- a", "  - b", "> q", "1. x", "    code"),
    *(
        "```",
        "~~~",
        "```sh",
        "<!--",
        "-->",
        "<div>",
        "</div>",
        "<pre>",
        "</pre>",
        "---",
        "",
        "",
        "| a | b |\n|---|---|",
    ),
    *(
        " # D",
        "   ## E",
        "#",
        "# [x]",
        "[x]: /y\n",
        "\\",
        "text  ",
        "\t# F",
        "***",
        "a\\{{X}}",
        "`{{Y}}`",
        "+++",
        "a: b",
    ),
)
# A blank line follows the link definition, because parsers disagree about HTML right after it.
# Parsers also disagree about an indented line in the lines right after a table: whether it is a row or code.
CODE_AFTER_TABLE = re.compile(r"\|---\|\n(?:.+\n)*?(?:\t| {4})")
MARKDOWN = (
    st.lists(st.sampled_from(PIECES), max_size=14).map("\n".join).filter(lambda text: not CODE_AFTER_TABLE.search(text))
)


def _html(text: str) -> str:
    html = MarkdownIt("commonmark").enable("table").render(text)
    return re.sub(r"[ \t]+$", "", html, flags=re.MULTILINE).replace("\n", "")


@examples(2000)
@given(MARKDOWN)
@example("> a\nTitle\n===\n# B")
@example("- a\n # B\n# C")
@example("| a | b |\n|---|---|\nTitle\n===\nTitle\n===")
def test_a_text_is_split_without_a_loss(text: str) -> None:
    text, _ = with_backslashes(closed(text.strip("\n"))[0])
    role, sections = split(text)
    parts = [role, *(section.text for section in sections)]
    joined = "\n\n".join(filter(None, map(trimmed, parts)))
    assert [line.strip() for line in joined.split("\n") if line.strip()] == [
        line.strip() for line in text.split("\n") if line.strip()
    ]
    assert _html(joined) == _html(trimmed(text))


@examples(100, [HealthCheck.function_scoped_fixture])
@given(text=MARKDOWN)
def test_an_import_generates_the_same_text(text: str, bench: Workbench) -> None:
    for path in bench.files():
        (bench.folder / path).unlink()
    run = _import(bench, text, "AGENTS.md", "--replace")
    wanted = trimmed(with_backslashes(closed(text.strip("\n"))[0])[0])
    if run.status == 0 and wanted:
        assert _html(_section(bench)) == _html(wanted)
        assert bench.run("--all", "--check").status == 0
    else:
        assert bench.read("AGENTS.md") == text
