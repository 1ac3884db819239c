"""Files in block folders: the same block twice, front matter, names that are no names of blocks, and links."""

from __future__ import annotations

import sys

import pytest

from conftest import Workbench
from kei_assembler.markdown.links import relative_links
from readers import diagnostics

HEAD = 'name = "a"\ndescription = "A."\nblocks = ["rule"]\n'
TWO = {"agents/a.toml": HEAD, "_blocks/rule.md": "Be kind.\n", "lib/rule.md": "Be rude.\n"}
FOLDERS = 'blocks = ["_blocks", "lib"]\n'


def _codes(bench: Workbench, *args: str) -> list[str]:
    return [each["code"] for each in diagnostics(bench, *args)]


@pytest.mark.parametrize("args", [("--all",), ("agents/a.toml",), ("--all", "--check"), ("--stdout", "agents/a.toml")])
@pytest.mark.parametrize("more", ["", 'obligatory = ["rule"]\n'])
def test_the_same_block_in_two_folders_is_an_error(args: tuple[str, ...], more: str, bench: Workbench) -> None:
    bench.write({**TWO, "assemble.toml": FOLDERS + more})
    run = bench.run(*args)
    assert run.status != 0
    assert (
        "assemble.toml:1:1: error[B207] the block `rule` is ambiguous: `_blocks/rule.md` and `lib/rule.md`"
        in run.stderr
    )
    assert not (bench.folder / "agents" / "a.md").exists()


@pytest.mark.parametrize(
    ("files", "may_choose"),
    [
        ({"lib/rule.md": "B.\n"}, True),
        ({"lib/Rule.md": "B.\n"}, False),
        ({"lib/rule.MD": "B.\n"}, False),
    ],
)
def test_the_help_only_names_a_setting_that_helps(files: dict[str, str], may_choose: bool, bench: Workbench) -> None:
    bench.write({"agents/a.toml": HEAD, "_blocks/rule.md": "A.\n", **files, "assemble.toml": FOLDERS})
    run = bench.run("--all")
    assert ("is ambiguous" in run.stderr, "block-conflicts" in run.stderr) == (True, may_choose)


def test_the_settings_can_say_that_the_first_folder_wins(bench: Workbench) -> None:
    bench.write({**TWO, "assemble.toml": f'{FOLDERS}block-conflicts = "first"\n'})
    assert diagnostics(bench) == []
    assert "Be kind." in bench.read("agents/a.md")
    bench.write({"assemble.toml": f'{FOLDERS}block-conflicts = "last"\n'})
    assert "error[C702]" in bench.run("--all").stderr


def test_an_unused_block_can_be_ambiguous_too(bench: Workbench) -> None:
    bench.write({**TWO, "assemble.toml": FOLDERS, "_blocks/x/y.md": "X.\n", "lib/x/y.md": "Y.\n", "lib/rule.md": ""})
    (bench.folder / "lib" / "rule.md").unlink()
    assert _codes(bench) == ["B207"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_link_to_the_same_file_is_not_ambiguous(bench: Workbench) -> None:
    bench.write({**TWO, "assemble.toml": FOLDERS})
    (bench.folder / "lib" / "rule.md").unlink()
    (bench.folder / "lib" / "rule.md").symlink_to(bench.folder / "_blocks" / "rule.md")
    assert _codes(bench) == []


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="needs a file system that respects case")
@pytest.mark.parametrize("other", ["_blocks/Rule.md", "lib/RULE.md", "_blocks/rule.MD"])
def test_names_that_differ_in_case_are_ambiguous(other: str, bench: Workbench) -> None:
    settings = {"assemble.toml": FOLDERS} if "lib" in other else {}
    bench.write({"agents/a.toml": HEAD, "_blocks/rule.md": "Be kind.\n", other: "Be rude.\n", **settings})
    found = diagnostics(bench)
    assert [each["code"] for each in found] == ["B207"]
    assert f"`{other}`" in found[0]["message"]


@pytest.mark.parametrize(
    "front",
    [
        "---\ndescription: x\n---\n",
        "---\nalwaysApply: true\nglobs: **/*.ts\n---\n\n",
        '---\napplyTo: "**"\n---\n',
        "---\nname: x\ndescription: >-\n  Several\n  lines\nlist:\n  - one\n# comment\n---",
        "---\npaths:\n- a\n- b\n---\n",
        "---   \nkey: value\n---  \n",
        "---\nkey: value\n...\n",
        '---\n# A rule\n"applyTo": x\n---\n',
        "---\nlist: [\n  a,\n]\n---\n",
        '---\n{applyTo: "**"}\n---\n',
        "---\nüber: x\n---\n",
        '+++\ntitle = "x"\n+++\n',
        '+++\n# A rule\n"x y" = [\n  1,\n]\n+++\n',
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_front_matter_in_a_block_isdiagnostics(front: str, end: str, bench: Workbench) -> None:
    text = f"{front}Be kind.\n" if front.endswith("\n") else f"{front}\nBe kind.\n"
    for above in ("", "\n \n"):
        bench.write({"agents/a.toml": HEAD, "_blocks/rule.md": f"{above}{text}".replace("\n", end).encode()})
        (found,) = (each for each in diagnostics(bench) if each["code"] == "B208")
        assert (found["line"], found["severity"]) == (1 + above.count("\n"), "warning")
        assert found["end_line"] == found["line"] + front.strip().count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nBe kind.\n",
        "---\nBe kind.\n---\n",
        "---\n\nNote: be kind.\n\n---\n",
        "---\nNote: be kind.\n",
        "Be kind.\n\n---\nkey: value\n---\n",
        "---\n---\nBe kind.\n",
        "---\n# Be kind\n---\n",
        "---\n- be kind\n---\n",
        "----\nkey: value\n----\n",
        "---\nkey: value\nand a sentence.\n---\n",
        "```yaml\n---\nkey: value\n---\n```\n",
        "+++ text\n",
    ],
)
def test_a_thematic_break_is_no_front_matter(text: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": HEAD, "_blocks/rule.md": text})
    assert "B208" not in _codes(bench)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("Testing Rules.md", "rename it to `testing-rules.md`"),
        ("Rule_X.md", "rename it to `rule_x.md`"),
        ("notes.markdown", "rename it to `notes.md`"),
        ("Notes.MD", "rename it to `notes.md`"),
        ("cursor.mdc", "rename it to `cursor.md`"),
        ("Sub Folder/rule.md", "rename it to `sub-folder/rule.md`"),
        ("größe.md", "rename it to `grosse.md`"),
        ("TESTING.md", "rename it to `testing.md`"),
        ("_draft.md", "rename it to `draft.md`"),
        ("あ.md", "rename it"),
    ],
)
def test_a_file_with_another_name_isdiagnostics(file: str, message: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": HEAD, "_blocks/rule.md": "Be kind.\n", f"_blocks/{file}": "X.\n"})
    (found,) = diagnostics(bench)
    assert (found["code"], found["file"], found["severity"]) == ("B209", f"_blocks/{file}", "note")
    assert message in found["message"] + found["help"]


@pytest.mark.parametrize(
    "file",
    [
        "README.md",
        "LICENSE",
        "LICENSE.md",
        "CHANGELOG.md",
        "Readme.de.md",
        "AGENTS.md",
        ".hidden.md",
        "x.txt",
        "image.png",
        "sub/README.md",
        "sub/.x.md",
    ],
)
def test_files_that_nobody_means_as_a_block_are_fine(file: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": HEAD, "_blocks/rule.md": "Be kind.\n", f"_blocks/{file}": "X.\n"})
    assert _codes(bench) == []


def test_a_folder_with_the_manifests_is_not_only_for_blocks(bench: Workbench) -> None:
    bench.write(
        {"agents/a.toml": HEAD, "rule.md": "Be kind.\n", "My Notes.md": "X.\n", "assemble.toml": 'blocks = ["."]\n'}
    )
    assert "B209" not in _codes(bench)


FILES = {
    "docs/guide.md": "G.\n",
    "docs/a b.md": "G.\n",
    "docs/g_(1).md": "G.\n",
    "_blocks/pic.png": "",
    "agents/near.txt": "",
    "LICENSE.txt": "",
}


@pytest.mark.parametrize(
    "link",
    [
        *(
            "[x](docs/guide.md)",
            "[x](guide.md)",
            "![x](pic.png)",
            "[x]: pic.png",
            "[x](<../docs/no.md>)",
            "[x](./no.md)",
        ),
        *(
            "[x](../docs/guide.md/no)",
            '<img src="pic.png">',
            "<a href='docs/guide.md'>x</a>",
            '[x](docs/guide.md "title")',
        ),
        *("[x](docs/guide.md#part)", "[x](docs/guide.md?raw=1)", "[x]: <docs/no.md>", "[x](no%20no.md)"),
        *("[x](no_(1).md)", "<img src=pic.png>", "[x](no(1)(2).md)"),
    ],
)
def test_a_link_that_leads_nowhere_is_a_note(link: str, bench: Workbench) -> None:
    bench.write({**FILES, "agents/a.toml": HEAD, "_blocks/rule.md": f"Read this.\n\n{link}\n"})
    (found,) = diagnostics(bench)
    assert (found["code"], found["severity"], found["file"], found["line"]) == ("B210", "note", "_blocks/rule.md", 3)
    assert "leads nowhere from `agents/a.md`" in found["message"]


@pytest.mark.parametrize(
    "link",
    [
        *(
            "[x](../docs/guide.md)",
            "[x](near.txt)",
            "![x](../_blocks/pic.png)",
            "[x]: ../docs/guide.md",
            "[x](../docs)",
        ),
        *("[x](../docs/g_(1).md)", "<a href=../docs/guide.md>x</a>", "[x](y(z)", "[x](\n../docs/guide.md)"),
        *("[x](<../docs/a b.md>)", "[x](../docs/a%20b.md)", "[x](../docs/guide.md#part)", "[x](#part)", "[x](?q)"),
        *(
            "[x](https://example.org/x.md)",
            "[x](mailto:a@b.c)",
            "[x](//example.org/x)",
            "[x](/docs/x.md)",
            "[x](~/x.md)",
        ),
        *(
            "`[x](no.md)`",
            "```\n[x](no.md)\n```",
            "[x]({{ base }}/x.md)",
            "[x](../../outside.md)",
            "[^1]: note.md",
            "a[0](x)",
        ),
        *(
            "[x](a.md)",
            "[x](../agents/a.md)",
            '<img src="../_blocks/pic.png">',
            "[x](C:/x.md)",
            "[x](<PATH>/x.md)",
            "a](b",
        ),
    ],
)
def test_other_links_are_fine(link: str, bench: Workbench) -> None:
    bench.write({**FILES, "agents/a.toml": HEAD, "_blocks/rule.md": f"Read this.\n\n{link}\n"})
    assert [code for code in _codes(bench) if code == "B210"] == []


IN_MANIFEST = {
    "role": 'role = """\nYou work.\nRead [x](no.md).\n"""\n',
    "role with escapes": 'role = "You\\u0020work. Read [x]\\u0028no.md)."\n',
    "domain_in": 'domain_in = ["Errors", "All in [x](no.md)"]\n',
    "forbidden_domain": 'forbidden_domain = ["See ![x](<no.md>)"]\n',
    "handoff": '[[handoff]]\ntarget = "b"\ntrigger = "what [x](no.md#part) says"\n',
}


@pytest.mark.parametrize("where", IN_MANIFEST)
def test_links_in_a_manifest(where: str, bench: Workbench) -> None:
    manifests = {"agents/b.toml": HEAD.replace('"a"', '"b"').replace('blocks = ["rule"]\n', "")}
    plain = HEAD.replace('blocks = ["rule"]\n', "")
    text = plain + IN_MANIFEST[where]
    bench.write(manifests | {"agents/a.toml": text, "_blocks/.keep": ""})
    (found,) = [each for each in diagnostics(bench) if each["code"] == "B210"]
    assert (found["file"], found["severity"]) == ("agents/a.toml", "note")
    assert found["message"] == "the link `no.md` leads nowhere from `agents/a.md`"
    if "escapes" not in where:
        line = text.split("\n")[found["line"] - 1]
        assert line[found["column"] - 1 : found["end_column"] - 1].startswith("no.md")
    for path in ("b.md", "../agents/b.md", "../_blocks/.keep", "https://example.org/no.md"):
        bench.write({"agents/a.toml": text.replace("no.md", path)})
        assert [each for each in diagnostics(bench) if each["code"] == "B210"] == []


def test_what_is_not_a_link_in_a_manifest(bench: Workbench) -> None:
    lists = 'output_extra_fields = ["[x](no.md)"]\n[references]\nextra = ["docs/no.md"]\n'
    bench.write({"agents/a.toml": f"""{HEAD.replace('blocks = ["rule"]', 'role = "Write `[x](no.md)`."')}{lists}"""})
    assert "B210" not in _codes(bench)


def test_a_link_in_a_manifest_must_resolve_from_every_output(bench: Workbench) -> None:
    text = HEAD.replace('blocks = ["rule"]', 'role = "Read [x](../docs/guide.md) and [y](agents.md)."')
    settings = 'targets = ["claude-code", "codex"]\n'
    bench.write({**FILES, "agents/a.toml": text, "agents/agents.md": "x\n", "assemble.toml": settings})
    found = [each for each in diagnostics(bench) if each["code"] == "B210"]
    assert ["`.codex/agents/a.toml`" in each["message"] for each in found] == [True, True]
    assert {each["help"] for each in found} == {"links are resolved from the generated file, not from the manifest"}


def test_a_link_must_resolve_from_every_output(bench: Workbench) -> None:
    settings = 'targets = ["claude-code", "codex"]\n'
    bench.write(
        {**FILES, "agents/a.toml": HEAD, "_blocks/rule.md": "[x](../docs/guide.md)\n", "assemble.toml": settings}
    )
    (found,) = [each for each in diagnostics(bench) if each["code"] == "B210"]
    assert "leads nowhere from `.codex/agents/a.toml`" in found["message"]
    bench.write({"_blocks/rule.md": "[x](guide.md)\n"})
    assert len([each for each in diagnostics(bench) if each["code"] == "B210"]) == 1


def test_a_link_out_of_the_root_is_not_followed(bench: Workbench) -> None:
    bench.write({"agents/a.toml": HEAD, "_blocks/rule.md": "[x](../out/x.md) [y](../../x.md)\n"})
    (bench.folder / "out").symlink_to(bench.folder.parent)
    assert _codes(bench) == []


def test_many_links_take_linear_time() -> None:
    for text in ("](a.md", "[a]: b.md\n", "<a href='x.md'", "](<", "[a](" + "(" * 9, "<img " * 3):
        assert len(list(relative_links(text * 20_000))) <= 20_000
