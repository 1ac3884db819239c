"""Role files: what can be one, where the findings in them are, and that they are checked like other sources."""

from __future__ import annotations

import json
import os

import pytest

from conftest import Workbench
from readers import diagnostics

HEAD = 'name = "{0}"\ndescription = "Does {0}."\n'
NAMING = HEAD + 'role = {{ file = "{1}" }}\n'
ROLE = "\n\n# Who\n\nYou review code.\n\n```\nfinding\n```\n"


def _write(bench: Workbench, role: str | bytes = ROLE) -> None:
    bench.write({"agents/a.toml": NAMING.format("a", "roles/critic.md"), "roles/critic.md": role, "assemble.toml": ""})


def _places(bench: Workbench, *args: str) -> list[str]:
    return [f"{one['file']}:{one['line']}:{one['column']} {one['code']}" for one in diagnostics(bench, *args)]


@pytest.mark.parametrize(
    "role",
    [
        ROLE,
        "You review.",
        "  \tYou review.  \n \n",
        "\"\"\"''' \\ \\u0041 \\\n",
        "Bell \\a\n\n    code  \n\nend\n\n\n",
        "- a\n- b\r\n- c\n",
    ],
)
def test_the_text_of_the_file_is_the_role(role: str, bench: Workbench) -> None:
    _write(bench, role)
    assert diagnostics(bench) == []
    body = bench.read("agents/a.md").partition("-->")[2]
    inline = HEAD.format("a") + f"role = {json.dumps(role.replace(chr(13) + chr(10), chr(10)))}\n"
    bench.write({"agents/a.toml": inline})
    assert bench.run("--all").status == 0
    assert bench.read("agents/a.md").partition("-->")[2] == body


@pytest.mark.parametrize(
    "role", [b"\xef\xbb\xbfYou review.\n", b"You\r\nreview.\r\n", b"\xef\xbb\xbf\r\nYou review.\r\n"]
)
def test_a_mark_is_ignored_and_crlf_is_read_as_lf(role: bytes, bench: Workbench) -> None:
    _write(bench, role)
    assert bench.run("--all").status == 0
    assert "\r" not in bench.read("agents/a.md")
    assert "# ROLE\n\nYou" in bench.read("agents/a.md")


@pytest.mark.parametrize("written", ["role.file = {}", "[role]\nfile = {}", '"role" = {{ "f\\u0069le" = {} }}'])
@pytest.mark.parametrize("file", ["roles/critic.md", "./roles//critic.md", "agents/../roles/critic.md", "roles/Critic"])
def test_a_file_can_be_named_in_several_ways(written: str, file: str, bench: Workbench) -> None:
    toml = HEAD.format("a") + written.format(json.dumps(file)) + "\n"
    bench.write({"agents/a.toml": toml, "roles/critic.md": ROLE, "roles/Critic": ROLE, "assemble.toml": ""})
    assert diagnostics(bench) == []
    assert "You review code." in bench.read("agents/a.md")


PLACE = "agents/a.toml:3:10"


@pytest.mark.parametrize(
    ("value", "place_and_code", "message", "hint"),
    [
        ('{ file = "roles/critc.md" }', f"{PLACE} K133", "does not exist", "did you mean `roles/critic.md`?"),
        ('{ file = "roles/zzzzzz.md" }', f"{PLACE} K133", "does not exist", "create it"),
        ('{ file = "nowhere/x.md" }', f"{PLACE} K133", "does not exist", "create it"),
        (
            '{ file = "../roles/critic.md" }',
            f"{PLACE} K133",
            "is outside the kit's root",
            "did you mean `roles/critic.md`",
        ),
        ('{ file = "../../x.md" }', f"{PLACE} K133", "is outside the kit's root", "see the setting `root`"),
        ('{ file = ".git/config" }', f"{PLACE} K133", "is in git's own folder", ""),
        ('{ file = "roles" }', f"{PLACE} K133", "`roles` is a folder", "name a file in it"),
        ('{ file = "roles/" }', f"{PLACE} K133", "`roles` is a folder", "name a file in it"),
        ('{ file = "." }', f"{PLACE} K133", "`.` is a folder", "name a file in it"),
        ('{ file = "agents/b.toml" }', f"{PLACE} K133", "`agents/b.toml` is a manifest", ""),
        ('{ file = "agents/a.toml" }', f"{PLACE} K133", "`agents/a.toml` is a manifest", ""),
        ('{ file = "_blocks/rule.md" }', f"{PLACE} K133", "`_blocks/rule.md` is a block", "list it in `blocks`"),
        ('{ file = "assemble.toml" }', f"{PLACE} K133", "is the settings of a kit", ""),
        ('{ file = "agents/b.md" }', f"{PLACE} K133", "`agents/b.md` is a generated file", ""),
        ('{ file = "/etc/passwd" }', f"{PLACE} K106", "must be a path relative to the kit", ""),
        ('{ file = "~/x.md" }', f"{PLACE} K106", "must be a path relative to the kit", ""),
        ('{ file = "C:/x.md" }', f"{PLACE} K106", "must be a path relative to the kit", ""),
        ("{ file = 'roles\\critic.md' }", f"{PLACE} K106", "must be a path relative to the kit", ""),
        ('{ file = "roles/nul.md" }', f"{PLACE} K106", "the name of a device", ""),
        ('{ file = "roles/a\\nb.md" }', f"{PLACE} K106", "must be a path relative to the kit", ""),
        ('{ file = "" }', f"{PLACE} K104", "is blank", ""),
        ("{ file = 3 }", f"{PLACE} K102", "must be a string, not a number", ""),
        ("{}", "agents/a.toml:3:1 K103", "`file` is missing in this `[role]`", ""),
        ('{ fil = "roles/critic.md" }', f"{PLACE} K101", "unknown key `fil`", "did you mean `file`?"),
        ('{ file = "roles/critic.md", text = "x" }', "agents/a.toml:3:36 K101", "unknown key `text`", ""),
        ("3", "agents/a.toml:3:1 K102", "must be a string, or a table, not a number", ""),
        ('["roles/critic.md"]', "agents/a.toml:3:1 K102", "must be a string, or a table, not a list", ""),
    ],
)
def test_a_mistake_is_one_finding_at_its_place(
    value: str, place_and_code: str, message: str, hint: str, bench: Workbench
) -> None:
    files = {
        "agents/a.toml": f"{HEAD.format('a')}role = {value}\n",
        "agents/b.toml": HEAD.format("b"),
        "agents/b.md": "Text.\n",
        "roles/critic.md": ROLE,
        "_blocks/rule.md": "Be kind.\n",
        "assemble.toml": 'required = ["name", "role"]\nignore = ["B206"]\n',
        ".git/config": "",
    }
    bench.write(files)
    before = bench.files()
    for args in (("agents/a.toml",), ("agents/a.toml", "--check")):
        assert _places(bench, *args) == [place_and_code]
        (found,) = diagnostics(bench, *args)
        assert message in found["message"]
        assert hint in (found.get("help") or "")
    assert bench.files() == before


@pytest.mark.parametrize(
    ("role", "place_and_code"),
    [
        ("", "1:1 K134"),
        (" \n\t\n", "1:1 K134"),
        (b"\xef\xbb\xbf", "1:1 K134"),
        (b"Pr\xfcft.\n", "1:3 S002"),
        (b"A\0b\n", "1:2 S002"),
        (b"\xff\xfeY\0", "1:1 S002"),
        ("x" * (1024 * 1024 + 1), "1:1 S004"),
        ("---\nname: critic\n---\nYou review.\n", "1:1 K135"),
        ("\n\nSee {{PROJECT}}.\n", "3:5 T401"),
        ("You review.\n\n```\nfinding\n", "3:1 T403"),
        ("\n\n<!-- open\n\nYou review.\n", "3:1 T403"),
        ("You\n<<<<<<< HEAD\nreview\n=======\nwrite\n>>>>>>> x\n", "2:1 T405"),
        ("You rev\u200biew.\n", "1:8 T406"),
        ("You review ${HOME}.\n", "1:12 T407"),
        ("You review [this](no.md).\n", "1:19 B210"),
        ("\\u0041 and [this](no.md).\n", "1:19 B210"),
    ],
)
def test_a_finding_in_a_role_file_is_reported_once_and_there(
    role: str | bytes, place_and_code: str, bench: Workbench
) -> None:
    _write(bench, role)
    bench.write({f"agents/{name}.toml": NAMING.format(name, "roles/critic.md") for name in "bcd"})
    settings = 'targets = ["claude-code", "gemini"]\nrequired = ["name", "role"]\nignore = ["O627"]\n'
    bench.write({"assemble.toml": settings})
    for args in (("--all",), ("agents/a.toml",), ("agents/a.toml", "agents/c.toml"), ("--all", "--check")):
        assert _places(bench, *args) == [f"roles/critic.md:{place_and_code}"], args


def test_code_in_a_role_file_can_have_placeholders_and_markers(bench: Workbench) -> None:
    _write(bench, "Use `{{X}}`.\n\n```\n{{Y}}\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n```\n")
    assert diagnostics(bench) == []


def test_findings_in_a_role_file_stop_all_agents_that_use_it(bench: Workbench) -> None:
    _write(bench, "{{X}}")
    bench.write({"agents/b.toml": HEAD.format("b")})
    run = bench.run("--all")
    assert (run.status, run.stdout) == (1, "")
    assert run.stderr.endswith("1 error; nothing was written\n")


def test_hidden_text_can_be_allowed_in_a_role_file(bench: Workbench) -> None:
    _write(bench, "pa\u00adtient\n")
    bench.write({"assemble.toml": 'allow-characters = { "U+00AD" = "columns" }\n'})
    assert diagnostics(bench) == []


@pytest.mark.parametrize("target", ["../outside.md", "/etc/hostname"])
def test_a_link_out_of_the_root_is_refused(target: str, bench: Workbench) -> None:
    inner = bench.below("kit")
    bench.write(
        {"outside.md": "You leak.\n", "kit/assemble.toml": "", "kit/agents/a.toml": NAMING.format("a", "role.md")}
    )
    os.symlink(target, inner.folder / "role.md")
    (found,) = diagnostics(inner)
    assert (found["code"], "is outside the kit's root" in found["message"]) == ("K133", True)
    assert not (inner.folder / "agents/a.md").exists()


def test_a_link_inside_the_root_works(bench: Workbench) -> None:
    _write(bench)
    os.symlink("roles/critic.md", bench.folder / "link.md")
    bench.write({"agents/a.toml": NAMING.format("a", "link.md")})
    assert diagnostics(bench) == []


@pytest.mark.parametrize("target", ["nowhere.md", "role.md"])
def test_a_broken_link_is_reported_at_the_file(target: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": NAMING.format("a", "role.md"), "assemble.toml": ""})
    os.symlink(target, bench.folder / "role.md")
    assert _places(bench) == ["role.md:1:1 S001"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_does_not_block(bench: Workbench) -> None:
    bench.write({"agents/a.toml": NAMING.format("a", "role.md"), "assemble.toml": ""})
    os.mkfifo(bench.folder / "role.md")
    assert _places(bench) == ["role.md:1:1 S001"]


def test_a_role_file_can_be_outside_the_kit_if_the_root_is(bench: Workbench) -> None:
    files = {
        "roles/x.md": ROLE,
        "kit/assemble.toml": 'root = ".."\n',
        "kit/agents/a.toml": NAMING.format("a", "../roles/x.md"),
    }
    bench.write(files)
    assert diagnostics(bench.below("kit")) == []
    bench.write({"roles/x.md": "{{X}}\n"})
    assert _places(bench.below("kit")) == ["../roles/x.md:1:1 T401"]


@pytest.mark.parametrize(("folder", "codes"), [(".", []), ("roles", ["K133"])])
def test_a_role_file_in_a_folder_of_blocks(folder: str, codes: list[str], bench: Workbench) -> None:
    _write(bench)
    bench.write({"assemble.toml": f'blocks = ["{folder}"]\ntargets = ["codex"]\n'})
    assert [one["code"] for one in diagnostics(bench)] == codes


def test_a_build_does_not_overwrite_a_role_file_even_by_force(bench: Workbench) -> None:
    output = '[target.claude-code]\noutput = "roles/{name}.md"\n'
    bench.write(
        {"agents/a.toml": NAMING.format("a", "roles/b.md"), "agents/b.toml": HEAD.format("b"), "roles/b.md": ROLE}
    )
    bench.write({"assemble.toml": output, "agents/c.toml": f'{HEAD.format("c")}role = "x"\ntargets = ["codex"]\n'})
    for args in (("agents/b.toml", "--force"), ("--all", "--force"), ("agents/a.toml", "--force")):
        run = bench.run(*args)
        assert (run.status, run.stderr.count("error[")) == (1, 1), args
        assert bench.read("roles/b.md") == ROLE


def test_a_client_of_one_agent_does_not_overwrite_a_role_file(bench: Workbench) -> None:
    settings = '[target.codex]\noutput = "roles/{name}.md"\n'
    bench.write({"agents/a.toml": NAMING.format("a", "roles/b.md"), "roles/b.md": ROLE, "assemble.toml": settings})
    bench.write({"agents/b.toml": f'{HEAD.format("b")}role = "x"\ntargets = ["codex"]\n'})
    for args in (("agents/b.toml", "--force"), ("--all", "--force")):
        run = bench.run(*args)
        assert (run.status, run.stderr.count("error[")) == (1, 1), args
        assert "O602" in run.stderr
    assert bench.read("roles/b.md") == ROLE


def test_a_single_build_reads_only_its_own_role_file(bench: Workbench) -> None:
    _write(bench)
    bench.write(
        {"agents/b.toml": NAMING.format("b", "roles/none.md"), "agents/c.toml": NAMING.format("c", "roles/bad.md")}
    )
    bench.write({"roles/bad.md": b"\xff"})
    assert diagnostics(bench, "agents/a.toml") == []


def test_a_key_below_the_header_of_the_role_is_misplaced(bench: Workbench) -> None:
    _write(bench)
    bench.write({"agents/a.toml": f'{HEAD.format("a")}[role]\nfile = "roles/critic.md"\ntools = ["Read"]\n'})
    (found,) = diagnostics(bench)
    assert (found["code"], found["line"]) == ("K110", 5)
    assert "`tools` belongs to `[role]`" in found["message"]


BASE = 'name = "base"\nabstract = true\nrole = { file = "roles/critic.md" }\n'
HEIR = 'name = "{0}"\ndescription = "Does {0}."\nextends = "base"\n'


@pytest.fixture
def heirs(bench: Workbench) -> Workbench:
    """A kit with a base that names a role file, and three agents that inherit it."""
    bench.write({"agents/base.toml": BASE, "roles/critic.md": ROLE, "assemble.toml": ""})
    bench.write({f"agents/{name}.toml": HEIR.format(name) for name in "abc"})
    return bench


def test_a_role_file_is_inherited(heirs: Workbench) -> None:
    assert diagnostics(heirs) == []
    assert "You review code." in heirs.read("agents/c.md")


@pytest.mark.parametrize(
    ("own", "text"),
    [
        ('role = "Mine."', "Mine."),
        ('role = { file = "roles/other.md" }', "Other."),
        ('role.file = "roles/other.md"', "Other."),
        ("role = {}", "You review code."),
    ],
)
def test_an_own_role_wins_over_an_inherited_file(own: str, text: str, heirs: Workbench) -> None:
    heirs.write({"agents/a.toml": f"{HEIR.format('a')}{own}\n", "roles/other.md": "Other.\n"})
    assert diagnostics(heirs) == []
    assert text in heirs.read("agents/a.md")
    assert ("You review code." in heirs.read("agents/a.md")) == (text == "You review code.")


def test_a_file_wins_over_an_inherited_text(heirs: Workbench) -> None:
    heirs.write({"agents/base.toml": 'name = "base"\nabstract = true\nrole = "Theirs."\n'})
    heirs.write({"agents/a.toml": f'{HEIR.format("a")}role.file = "roles/critic.md"\n'})
    assert diagnostics(heirs) == []
    assert "Theirs." not in heirs.read("agents/a.md")
    assert "Theirs." in heirs.read("agents/b.md")


def test_an_inherited_role_file_can_be_unset(heirs: Workbench) -> None:
    heirs.write({"agents/a.toml": f'{HEIR.format("a")}unset = ["role"]\n'})
    assert diagnostics(heirs) == []
    assert "You review code." not in heirs.read("agents/a.md")


@pytest.mark.parametrize(
    ("role", "place_and_code"),
    [
        (b"\xff", "roles/critic.md:1:1 S002"),
        ("", "roles/critic.md:1:1 K134"),
        ("```", "roles/critic.md:1:1 T403"),
        ("a\u200bb", "roles/critic.md:1:2 T406"),
        (None, "agents/base.toml:3:10 K133"),
    ],
)
def test_a_finding_in_an_inherited_role_file_is_reported_once(
    role: str | bytes | None, place_and_code: str, heirs: Workbench
) -> None:
    if role is None:
        (heirs.folder / "roles/critic.md").unlink()
    else:
        heirs.write({"roles/critic.md": role})
    for args in (("--all",), ("agents/a.toml",), ("agents/b.toml", "agents/base.toml")):
        assert _places(heirs, *args) == [place_and_code], args
    assert not (heirs.folder / "agents/a.md").exists()


def test_a_finding_names_the_agents_with_the_role(heirs: Workbench) -> None:
    heirs.write({"roles/critic.md": "{{PROJECT}}\n"})
    note = "agents/a.toml:3:1: note: this is the role of `a`, `b` and 1 more\n"
    assert note in heirs.run("--all").stderr
    assert "agents/a.toml:3:1: note: this is the role of `a`\n" in heirs.run("agents/a.toml").stderr
    heirs.write({"agents/a.toml": NAMING.format("a", "roles/critic.md")})
    assert "note: this is the role" not in heirs.run("agents/a.toml").stderr
    assert "agents/a.toml:3:10: note: this is the role of `a`, `b` and 1 more\n" in heirs.run("--all").stderr


def test_a_link_in_a_role_file_of_agents_in_several_folders_is_reported_once(heirs: Workbench) -> None:
    heirs.write({"roles/critic.md": "[this](no.md)\n", "agents/deep/d.toml": HEIR.format("d")})
    assert _places(heirs) == ["roles/critic.md:1:8 B210"]
