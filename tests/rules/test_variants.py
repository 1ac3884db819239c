"""Text of blocks for one client: which text each client gets, and one finding for each mistake in a file's name."""

from __future__ import annotations

import sys

import pytest

from conftest import Workbench
from readers import diagnostics

BOTH = 'targets = ["claude-code", "codex"]\n'
CLAUDE, CODEX = "agents/a.md", ".codex/agents/a.toml"


def _manifest(blocks: str, more: str = "", name: str = "a") -> str:
    return f'name = "{name}"\ndescription = "A."\nrole = "You work."\nblocks = [{blocks}]\n{more}'


def _codes(bench: Workbench, *args: str) -> list[str]:
    return [each["code"] for each in diagnostics(bench, *args)]


@pytest.mark.parametrize("args", [("--all",), ("agents/a.toml",)])
@pytest.mark.parametrize("name", ["rule", "policy/rule", "a.b/c_d-1"])
def test_a_variant_replaces_the_block_for_its_client_only(args: tuple[str, ...], name: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest(f'"first", "{name}", "last"', BOTH)})
    bench.write({f"_blocks/{each}.md": f"Text of {each}.\n" for each in ("first", name, "last")})
    bench.write({f"_blocks/{name}@codex.md": "\n\nText for Codex.  \n"})
    assert _codes(bench, *args) == []
    assert f"Text of first.\n\nText of {name}.\n\nText of last." in bench.read(CLAUDE)
    assert "Text of first.\n\nText for Codex.\n\nText of last." in bench.read(CODEX)
    assert _codes(bench, "--all", "--check") == []


@pytest.mark.parametrize("text", ["", "\n", " \n\t\n", "\ufeff", "\r\n"])
def test_an_empty_variant_leaves_the_block_out(text: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"rule", "last#end"', BOTH)})
    bench.write({"_blocks/rule.md": "Be kind.\n", "_blocks/last.md": "# End\n"})
    bench.write({"_blocks/rule@codex.md": text, "_blocks/last@codex.md": text})
    assert _codes(bench) == []
    assert "Be kind.\n\n# End" in bench.read(CLAUDE)
    assert "Be kind." not in bench.read(CODEX)
    assert "End" not in bench.read(CODEX)
    assert "You work." in bench.read(CODEX)


def test_a_section_of_a_variant(bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"rule#two"', BOTH)})
    bench.write({"_blocks/rule.md": "# One\n\nA.\n\n# Two\n\nB.\n", "_blocks/rule@codex.md": "# Two\n\nC.\n\n# One\n"})
    assert _codes(bench) == []
    assert "# Two\n\nB." in bench.read(CLAUDE)
    assert "# Two\n\nC." in bench.read(CODEX)
    assert "# One" not in bench.read(CODEX) + bench.read(CLAUDE)


@pytest.mark.parametrize("args", [("--all",), ("agents/a.toml", "agents/b.toml")])
@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("# One\n", 1, "the text of `rule` for `codex` does not have the section `two`"),
        ("# Two\n\n# Two\n", 3, "the text of `rule` for `codex` has several sections `two`, on lines 1 and 3"),
    ],
)
def test_a_section_that_a_variant_lacks_is_one_finding_in_the_variant(
    args: tuple[str, ...], text: str, line: int, message: str, bench: Workbench
) -> None:
    bench.write({f"agents/{name}.toml": _manifest('"rule#two"', BOTH, name) for name in "ab"})
    bench.write({"_blocks/rule.md": "# Two\n\nB.\n", "_blocks/rule@codex.md": text})
    (found,) = diagnostics(bench, *args)
    assert (found["code"], found["file"], found["line"]) == ("B217", "_blocks/rule@codex.md", line)
    assert found["message"] == f"{message}; `rule#two` is listed by `a` and `b`"
    assert not (bench.folder / "agents/a.md").exists()
    # the other client does not need it
    assert _codes(bench, "--all", "--target", "claude-code") == []


def test_many_agents_that_need_a_section_are_counted(bench: Workbench) -> None:
    names = [f"agent-{number}" for number in range(14)]
    bench.write({f"agents/{name}.toml": _manifest('"rule#two"', BOTH, name) for name in names})
    bench.write({"_blocks/rule.md": "# Two\n\nB.\n", "_blocks/rule@codex.md": "# One\n"})
    (found,) = diagnostics(bench)
    assert found["message"].endswith("and 4 others")


@pytest.mark.parametrize(
    ("file", "code", "text"),
    [
        ("rule@codx.md", "B214", "did you mean `codex`?"),
        ("rule@Codex.md", "B214", "did you mean `codex`?"),
        ("rule@vscode.md", "B214", "did you mean `copilot`?"),
        ("rule@nothing-like-it.md", "B214", "the clients are `claude-code`"),
        ("rule@.md", "B214", "names no client after `@`"),
        ("rule@codex@codex.md", "B214", "has more than one `@`"),
        ("rule@codex/x.md", "B216", "rename the folder"),
        ("rulle@codex.md", "B215", "did you mean `rule@codex.md`?"),
        ("Rule@codex.md", "B215", "did you mean `rule@codex.md`?"),
        ("other@codex.md", "B215", "the block `other`, which does not exist"),
        ("other@codx.md", "B215", "the block `other`, which does not exist"),
        ("@codex.md", "B216", "rename it to `NAME@codex.md`"),
        ("policy/rule@codex.md", "B215", "the block `policy/rule`, which does not exist"),
        ("rule#part.md", "B216", "rename it without `#`"),
        ("rule@codex#part.md", "B214", "is for the unknown client `codex#part`"),
        ("a#b/rule.md", "B216", "rename it without `#`"),
        ("@codex/rule.md", "B216", "rename the folder"),
        ("rule@codex.markdown", "B216", "rename it to `rule@codex.md`"),
        ("rule@codex.MD", "B216", "rename it to `rule@codex.md`"),
        ("rule@codx.mdc", "B214", "did you mean `codex`?"),
    ],
)
def test_a_mistake_in_the_name_of_a_file_is_one_finding(file: str, code: str, text: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"rule"', BOTH), "_blocks/rule.md": "Be kind.\n"})
    bench.write({f"_blocks/{file}": "X.\n"})
    (found,) = diagnostics(bench)
    assert (found["code"], found["file"], found["severity"]) == (code, f"_blocks/{file}", "error")
    assert text in f"{found['message']}; {found['help']}"
    assert not (bench.folder / CLAUDE).exists()


def test_a_single_build_looks_only_at_the_files_of_its_blocks(bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"rule"', BOTH), "agents/b.toml": _manifest("", BOTH, "b")})
    bench.write({"_blocks/rule.md": "Be kind.\n", "_blocks/rule@codx.md": "X.\n", "_blocks/other@codex.md": "X.\n"})
    assert _codes(bench, "agents/a.toml") == ["B214"]
    assert _codes(bench, "agents/b.toml") == []
    (bench.folder / "_blocks/rule@codx.md").write_bytes(b"\xff")
    assert _codes(bench, "agents/a.toml") == ["B214"]


def test_a_file_for_people_is_no_variant(bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"rule"'), "_blocks/rule.md": "Be kind.\n"})
    bench.write({"_blocks/README.md": "X.\n", "_blocks/.rule@x.md": "X.\n", "_blocks/rule@codex.txt": "X.\n"})
    assert _codes(bench) == []


def test_a_folder_with_other_files_can_have_any_names(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'blocks = ["."]\ntargets = ["codex"]\n', "agents/a.toml": _manifest('"rule"')})
    bench.write({"rule.md": "Be kind.\n", "rule@codex.md": "Be brief.\n", "mail me@home.md": "X.\n", "C#.md": "X.\n"})
    assert _codes(bench) == []
    assert "Be brief." in bench.read(CODEX)
    bench.write({"rule@x.md": "X.\n"})
    assert _codes(bench) == ["B214"]


def test_a_variant_in_another_folder(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'blocks = ["_blocks", "shared"]\n', "agents/a.toml": _manifest('"rule"', BOTH)})
    bench.write({"_blocks/rule.md": "Be kind.\n", "shared/rule@codex.md": "Be brief.\n"})
    assert _codes(bench) == []
    assert "Be brief." in bench.read(CODEX)
    bench.write({"_blocks/rule@codex.md": "Be exact.\n"})
    (found,) = diagnostics(bench)
    assert found["code"] == "B207"
    assert "`_blocks/rule@codex.md` and `shared/rule@codex.md`" in found["message"]
    assert 'block-conflicts = "first"' in found["help"]
    bench.write({"assemble.toml": 'blocks = ["_blocks", "shared"]\nblock-conflicts = "first"\n'})
    assert _codes(bench) == []
    assert "Be exact." in bench.read(CODEX)


CHECKS = {
    "T402": "Work on {{PROJECT}}.\n",
    "T404": "```\nopen\n",
    "T405": "<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n",
    "T406": "Be kind.\u202e\n",
    "B208": "---\nalwaysApply: true\n---\nBe kind.\n",
    "B210": "See [x](no.md).\n",
    "T408": "In ${HOME}.\n",
}


@pytest.mark.parametrize("code", CHECKS)
@pytest.mark.parametrize("args", [("--all",), ("agents/a.toml",)])
def test_variants_are_checked_like_blocks(code: str, args: tuple[str, ...], bench: Workbench) -> None:
    targets = 'targets = ["claude-code", "gemini"]\n'
    files = {"agents/a.toml": _manifest('"rule"', targets), "_blocks/rule.md": "Be kind.\n"}
    bench.write({**files, "_blocks/rule@gemini.md": CHECKS[code]})
    assert [(each["code"], each["file"]) for each in diagnostics(bench, *args)] == [(code, "_blocks/rule@gemini.md")]


@pytest.mark.parametrize(("base", "variant"), [("In ${HOME}.\n", "At home.\n"), ("At home.\n", "In ${HOME}.\n")])
def test_a_variable_of_a_client_is_found_only_in_its_text(base: str, variant: str, bench: Workbench) -> None:
    other = "gemini" if "$" in base else "codex"
    targets = 'targets = ["claude-code", "codex", "gemini"]\n'
    files = {"agents/a.toml": _manifest('"rule"', targets), "_blocks/rule.md": base}
    bench.write({**files, f"_blocks/rule@{other}.md": variant})
    assert _codes(bench) == []


@pytest.mark.parametrize(("content", "code"), [(b"\xff", "S"), (b"x" * 2_000_000, "S")])
def test_an_unreadable_variant_is_one_finding(content: bytes, code: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"rule#x"', BOTH), "_blocks/rule.md": "# X\n"})
    bench.write({"_blocks/rule@codex.md": content})
    (found,) = diagnostics(bench)
    assert (found["code"][0], found["file"]) == (code, "_blocks/rule@codex.md")


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
@pytest.mark.parametrize("target", ["nowhere.md", "../../outside.md", "."])
def test_a_link_that_cannot_be_read_is_an_error(target: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"rule"', BOTH), "_blocks/rule.md": "Be kind.\n", "../outside.md": "No.\n"})
    (bench.folder / "_blocks/rule@codex.md").symlink_to(target)
    (found,) = [each for each in diagnostics(bench) if each["severity"] == "error"]
    assert found["file"] == "_blocks/rule@codex.md"
    assert not (bench.folder / CODEX).exists()


def test_a_variant_for_a_client_without_agents_is_a_note(bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"rule"'), "_blocks/rule.md": "X.\n", "_blocks/rule@codex.md": "Y.\n"})
    (found,) = diagnostics(bench)
    assert (found["code"], found["severity"], found["file"]) == ("B218", "note", "_blocks/rule@codex.md")
    assert _codes(bench, "agents/a.toml") == []
    bench.write({"assemble.toml": BOTH})
    assert _codes(bench) == []
    assert _codes(bench, "--all", "--target", "claude-code") == []


def test_variants_of_an_unused_block_are_checked_too(bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest("", BOTH), "_blocks/rule.md": "X.\n", "_blocks/rule@codex.md": "```\n"})
    assert _codes(bench) == ["T404"]
    assert _codes(bench, "agents/a.toml") == []
    bench.write({"_blocks/rule@codex.md": "Y.\n"})
    assert _codes(bench) == ["B206"]


def test_a_change_of_a_variant_is_noticed(bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"rule"', BOTH), "_blocks/rule.md": "Be kind.\n"})
    for change in ({"_blocks/rule@codex.md": "X.\n"}, {"_blocks/rule@codex.md": "Y.\n"}, None):
        for _ in range(3):
            assert bench.run("--all").status == 0
        bench.write(change or {})
        if change is None:
            (bench.folder / "_blocks/rule@codex.md").unlink()
        run = bench.run("--all", "--check")
        assert (run.status, "a.toml" in run.stdout, "agents/a.md" in run.stdout) == (1, True, False)


def test_a_template_sees_the_text_for_its_client(bench: Workbench) -> None:
    block = '{% block blocks %}\n\n{{ blocks | join("|") }}\n{% endblock %}\n'
    bench.write({"templates/agent.md.j2": '{% extends "default/agent.md.j2" %}\n' + block})
    bench.write({"agents/a.toml": _manifest('"one", "two"', BOTH), "_blocks/one.md": "A.\n", "_blocks/two.md": "B.\n"})
    bench.write({"_blocks/one@codex.md": "C.\n", "_blocks/two@codex.md": ""})
    assert _codes(bench) == []
    assert "\nA.|B.\n" in bench.read(CLAUDE)
    assert "\nC.\n" in bench.read(CODEX)
