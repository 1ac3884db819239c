"""The names of files and folders are input: whatever goes into a file or a report is escaped for where it goes."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from conftest import Workbench, examples
from forkserver import ForkServer
from hostile_catalog import ELEMENTS, Document
from kei_assembler.build.changes import Change, FileStatus
from kei_assembler.build.diff import diff
from kei_assembler.markdown import shell, stamp
from kei_assembler.markdown.hidden_text import as_json, is_hidden, shown
from kei_assembler.scaffold import repository_files
from kei_assembler.scaffold.installation import Installation
from repositories import git

AGENT = 'name = "critic"\ndescription = "Reviews code."\nrole = "You review code."\n'
OUTSIDE = """
root = ".."
targets = ["claude-code", "codex"]
[target.claude-code]
output = "../.claude/agents/{name}.md"
[target.codex]
output = "../.codex/agents/{name}.toml"
"""
FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit")

UNUSABLE = {
    "heading": "k\n\n# INJECTED\n\nx",
    "carriage return": "a\rb",
    "escape": "a\x1b[2Jb",
    "tab": "a\tb",
    "next line": "a\x85b",
    "line separator": "a\u2028b",
    "bidirectional": "a\u202eb",
    "zero width": "a\u200bb",
    "filler": "a\u3164b",
    "variation": "a\ufe0fb",
    "not UTF-8": os.fsdecode(b"k\xff"),
    "a surrogate": os.fsdecode(b"\xed\xa0\x80"),
    "comment end": "a-->b",
    "comment end in HTML": "a--!>b",
    "a stamp's words": "x.toml. Edit that file, then run: assemble y",
}
"""Names that a stamp cannot contain."""

USABLE = {
    "hyphens": "a--b",
    "backticks": "a`touch PWNED`b",
    "command": "a$(touch PWNED)b",
    "variable": "$HOME $command $$x",
    "double quote": '"a"b',
    "single quote": "a'b",
    "percent": "a%0Ab",
    "annotation": "::error::x",
    "spaces": " a  b ",
    "options": "-rf",
    "option": "--force",
    "hash": "#a",
    "negation": "!a",
    "glob": "a*[b]?{c,d}",
    "macro": "[attr]x",
    "backslash": "a\\nb",
    "home": "~",
    "expansion": "=ls",
    "pathspec": ":(top)a",
    "operators": "a;b&c|d>e",
    "link": "[a](http:b)",
    "mapping": "- a: b",
    "document": "---a",
    "letters": "é日本",
    "emoji": "😀",
    "long": "x" * 200,
    "placeholder": "{name}",
    "brackets": "<b>",
}
"""Names that look like something else where they go, but can go everywhere."""


def _problems(out: str) -> str:
    """Return what must not be in any report: a character that acts on a terminal, or hides."""
    return "".join(character for character in out if character != "\n" and is_hidden(character))


@pytest.mark.parametrize("name", UNUSABLE.values(), ids=UNUSABLE)
def test_a_name_that_a_stamp_cannot_contain_is_refused(name: str, bench: Workbench) -> None:
    bench.write({f"{name}/assemble.toml": OUTSIDE, f"{name}/agents/critic.toml": AGENT})
    run = bench.run("--all", "--kit", name)
    assert (run.status, run.stdout) == (1, "")
    assert re.fullmatch(
        r"agents/critic\.toml:1:1: error\[O614\] the path `../../.*/agents/` contains characters that a stamp cannot "
        r"contain\n    help: rename the folder\n1 error; nothing was written\n",
        run.stderr,
    )
    assert bench.run("--stdout", "--target", "codex", "agents/critic.toml", cwd=name).stdout == ""
    assert set(bench.files()) == {f"{name}/assemble.toml", f"{name}/agents/critic.toml"}


@pytest.mark.parametrize("name", UNUSABLE.values(), ids=UNUSABLE)
def test_a_kit_is_not_created_where_its_path_cannot_be_named(name: str, bench: Workbench) -> None:
    run = bench.run("init", f"tools/{name}")
    assert run.status == 2
    assert "contains characters that hooks, workflows or stamps cannot contain\n" in run.stderr
    (bench.folder / name / ".git").mkdir(parents=True)  # there, no file names the folder
    assert bench.run("init", name).status == 0
    assert set(bench.files()) == {file for file in bench.files() if file.startswith(f"{name}/")}


def test_an_undecodable_folder_is_reported_in_every_format(bench: Workbench) -> None:
    kit = os.fsdecode(b"k\xff")
    bench.write({f"{kit}/assemble.toml": OUTSIDE, f"{kit}/agents/critic.toml": AGENT})
    bench.write({f"{kit}/agents/{kit}.toml": AGENT})
    for output_format in FORMATS:
        run = bench.run("--all", "--check", "--kit", kit, "--output-format", output_format)
        assert run.status == 1
        assert "O614" in run.stdout + run.stderr
        assert (run.stdout + run.stderr).isascii()
        if output_format in ("json", "sarif"):
            json.dumps(json.loads(run.stdout), ensure_ascii=False).encode()


@pytest.mark.parametrize("text", ["\udcff", "a\udcffb", "\\udcff\udcff", "\ud83d\ude00", '"\udcff', "😀\ud800"])
def test_json_has_no_lone_surrogates(text: str) -> None:
    output = as_json({"path": text, "😀": ["é"]})
    assert output.isascii()
    assert json.loads(output) == {"path": re.sub("[\ud800-\udfff]", lambda found: shown(found[0]), text), "😀": ["é"]}


@pytest.mark.parametrize("named", ["a${{ github.head_ref }}", "tools/a${{b/c", "link"])
def test_init_puts_no_expression_into_a_workflow(named: str, bench: Workbench) -> None:
    (bench.folder / "link").symlink_to("${{ github.token }}")
    (bench.folder / "${{ github.token }}").mkdir()
    run = bench.run("init", named)
    assert run.status == 2
    assert "contains `${{`, which GitHub would evaluate in a workflow\n    help: rename the folder\n" in (
        run.stderr.replace("  help", "    help")
    )
    assert bench.files() == {}


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["", ".ai/"])
@pytest.mark.parametrize("name", USABLE.values(), ids=USABLE)
def test_a_kit_in_any_other_folder_is_checked_by_its_hook_and_its_workflow(
    name: str, folder: str, bench: Workbench
) -> None:
    """The commands find every kit, except one in a hidden folder, which they name."""
    kit = f"./{folder}{name}"
    assert bench.run("init", kit).status == 0
    assert bench.run("--all", "--check", "--kit", kit).status == 0
    report = json.loads(bench.run("--all", "--recursive", "--check", "--output-format", "json").stdout)
    found = [found["kit"] for found in report.get("kits", ())]
    assert found == ([] if os.path.normpath(kit).startswith(".") else [os.path.normpath(kit)])
    for read in (yaml.safe_load, YAML(typ="safe").load):
        step = read(bench.read(".github/workflows/assemble.yml"))["jobs"]["check"]["steps"][-1]
        (hook,) = read(bench.read(".pre-commit-config.yaml"))["repos"][0]["hooks"]
        assert list(step) == ["run"]
        assert list(map(os.path.normpath, hook.get("args", ()))) == ([] if found else ["--kit", os.path.normpath(kit)])
        _, _, local, _ = repository_files(os.path.normpath(kit), [], Installation("", ""))
        (local_hook,) = read(local.text)["repos"][0]["hooks"]
        for command in (step["run"], local_hook["entry"]):
            assert "${{" not in command
            assert ("--kit" in shlex.split(command)) is not bool(found)
            if not found:
                assert os.path.normpath(shlex.split(command)[-1]) == os.path.normpath(kit)
                assert _read_by_bash(bench.folder, command.partition(" --kit ")[2]) in (f"{folder}{name}", kit)


@pytest.mark.parametrize("name", USABLE.values(), ids=USABLE)
def test_git_applies_the_lines_to_the_folder(name: str, bench: Workbench) -> None:
    bench.write({f"{name}/assemble.toml": "", f"{name}/agents/critic.toml": AGENT, "other/agents/critic.md": ""})
    assert bench.run("init", f"./{name}").status == 0
    bench.write({".gitignore": bench.read(".prettierignore")})
    (bench.folder / ".git").rmdir()
    _git(bench, "init", "--quiet")
    for file in (f"{name}/agents/critic.md", f"{name}/.assemble/manifest.schema.json"):
        attributes = _git(bench, "check-attr", "-z", "linguist-generated", "--", file)
        assert attributes.endswith("\0linguist-generated\0set\0")
        assert _git(bench, "check-ignore", "--", f"./{file}")
    assert "unspecified" in _git(bench, "check-attr", "linguist-generated", "other/agents/critic.md")


@pytest.mark.parametrize("name", UNUSABLE.values(), ids=UNUSABLE)
def test_no_name_adds_a_line_to_the_files_of_a_repository(name: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": '[target.claude-code]\noutput = "out/{dir}/{name}.md"\n'})
    bench.write({f"agents/{name}/critic.toml": AGENT, "agents/tester.toml": AGENT.replace("critic", "tester")})
    assert bench.run("init").status == 0
    patterns = [r"out/agents/*.md", f"out/agents/{_pattern(name)}/*.md"]
    assert sorted(bench.read(".prettierignore").splitlines()) == sorted([*patterns, ".assemble/"])
    assert bench.read(".prettierignore").count("\n") == bench.read(".gitattributes").count("\n") == 3
    assert _problems(bench.read(".gitattributes")) == ""


def _pattern(name: str) -> str:
    escaped = re.sub(r"[\\*?\[\]#! ]", r"\\\g<0>", name)
    return re.sub(r"\0+", "*", "".join("\0" if is_hidden(each) or each in "\t\n" else each for each in escaped))


def _git(bench: Workbench, *args: str) -> str:
    run = subprocess.run(["git", *args], cwd=bench.folder, check=True, capture_output=True)
    return os.fsdecode(run.stdout)


def _read_by_bash(folder: Path, word: str) -> str:
    """Return the only argument that bash reads from a word."""
    script = f'count() {{ printf \'%s\\0\' "$#" "$@"; }}; set +H; count {word}'
    run = subprocess.run(["bash", "-c", os.fsencode(script)], cwd=folder, check=True, capture_output=True)
    number, argument, end = run.stdout.split(b"\0")
    assert (number, end) == (b"1", b"")
    return os.fsdecode(argument)


@pytest.mark.parametrize("name", [*UNUSABLE.values(), *USABLE.values(), "##[error]x", "a'\n\\!##[b"])
def test_a_shell_reads_a_word_back(name: str, tmp_path: Path) -> None:
    word = shell.word(name)
    assert shown(word) == word
    assert os.path.normpath(_read_by_bash(tmp_path, word)) == os.path.normpath(name)
    assert not word.startswith(("-", "=", ":"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a b", "$(touch x)", "-x", "a\nb", "it's", "\u202ex", os.fsdecode(b"\xff")])
def test_the_command_names_the_folder_of_a_build(name: str, bench: Workbench) -> None:
    bench.write({"_blocks/one.md": "Be honest.\n", "agents/critic.toml": f'{AGENT}blocks = ["one"]\n'})
    run = bench.run("--all", "--check", "--output-dir", name, "--without", "block:one")
    command = run.stderr.splitlines()[-1]
    start, end = "to fix this, run: assemble --all --output-dir ", " --without block:one"
    assert command.startswith(start)
    assert command.endswith(end)
    word = command.removeprefix(start).removesuffix(end)
    assert os.path.normpath(_read_by_bash(bench.folder, word)) == name
    assert bench.run("--all", "--output-dir", name).status == 0
    assert (bench.folder / name / ".claude/agents").is_dir() or (bench.folder / name / "agents").is_dir()


_SPECIAL = "\n\r\t\x1b\x7f\x85\u200b\u202e\u2028\u3164\ufe0f`'\"\\$(){}<>|&;*?[]#!%:=~-., aé😀"
_WORDS = ("-->", "--!>", "${{ x }}", "::error::", "%0A", "##[error]", os.fsdecode(b"\xff"), "-rf ", "--", "# H", "\n\n")
NAMES = st.one_of(
    st.lists(st.sampled_from([*_SPECIAL, *_WORDS]), min_size=1, max_size=8).map("".join),
    st.binary(min_size=1, max_size=20).map(os.fsdecode),
).filter(lambda name: not re.search(r"[/\0]|\A\.", name))
"""Names of folders, most of which mean something somewhere."""


@examples(200)
@given(NAMES)
def test_any_name_is_one_word_that_shows_all_of_it(name: str) -> None:
    word = shell.word(name)
    assert word.encode()
    assert shown(word) == word
    if "$'" not in word:
        assert os.path.normpath(*shlex.split(word)) == os.path.normpath(name)


@examples(200)
@given(NAMES)
def test_a_stamp_that_can_name_a_path_names_it_on_one_line(name: str) -> None:
    source = f"../{name}/critic.toml"
    if not stamp.can_name(source):
        return
    for comment in (stamp.MARKUP, stamp.HASH):
        digest = stamp.digest_of([])
        for digest_in_stamp, found in ((digest, stamp.Stamp(source, True)), ("", stamp.Stamp(source, False, digest))):
            line = stamp.line_for(digest_in_stamp, comment, source, f"{name}/critic.toml")
            assert line.count("\n") == 1
            assert _problems(line) == ""
            assert line.count("-->") == line.count(">" if comment is stamp.MARKUP and ">" not in name else "-->")
            assert stamp.find(line, comment) == found
    assert tomllib.loads(line) == {}


@examples(200)
@given(NAMES)
def test_git_reads_the_names_of_a_diff(name: str) -> None:
    text = diff(Change(FileStatus.CREATE, f"{name}/x.md", "", "", None, b"x\n"))
    assert text.count("\n") == 4
    assert _problems(text.replace("\t\n", "\n")) == ""
    command = ["git", "apply", "--numstat", "-z"]
    with TemporaryDirectory() as folder:
        run = subprocess.run(command, cwd=folder, input=text.encode(), check=True, capture_output=True)
    assert os.fsdecode(run.stdout) == f"1\t0\t{name}/x.md\0"


def _json_values(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for inner in value.values() for text in _json_values(inner))
    elif isinstance(value, list):
        yield from (text for inner in value for text in _json_values(inner))
    elif isinstance(value, str):
        yield value


COMMANDS = (
    ("--all", "--check", "--kit", "{kit}"),
    *(("--all", "--check", "--diff", "--kit", "{kit}", "--output-format", each) for each in FORMATS[1:]),
    ("import", "{kit}", "--kit", "{kit}"),
    ("init", "{kit}"),
    ("new", "tester", "--kit", "{kit}"),
    ("schema", "--kit", "{kit}"),
    ("catalog", "{kit}/{kit}", "--kit", "{kit}"),
    ("catalog", "{kit}/{kit}", "--kit", "{kit}"),
    *(("impact", "--kit", "{kit}", "--output-format", each) for each in ("text", "markdown", "github", "json")),
    ("impact", "--kit", "{kit}", "--names", "--fail-on", "rights,tools,agents=0"),
    ("flatten", "--all", "--kit", "{kit}"),
    ("flatten", "--all", "--write", "--kit", "{kit}"),
    ("gitignore", "--kit", "{kit}"),
    ("graph", "--kit", "{kit}"),
    *(("graph", "--blocks", "--kit", "{kit}", "--output-format", each) for each in ("text", "mermaid", "dot", "json")),
    ("doctor", "--no-run", "--kit", "{kit}"),
    ("doctor", "--no-run", "--recursive"),
    ("doctor", "--no-run", "--kit", "{kit}", "--output-format", "json"),
    ("list", "--kit", "{kit}"),
    ("list", "--kit", "{kit}", "--output-format", "json"),
    ("show", "critic", "--kit", "{kit}"),
    ("show", "tester", "--kit", "{kit}"),
    ("--all", "--kit", "{kit}"),
    ("adopt", "--all", "--kit", "{kit}"),
    ("why", ".claude/agents/critic.md", "--kit", "{kit}"),
    ("why", ".claude/agents/critic.md:4-9", "--kit", "{kit}"),
    ("--all", "--check", "--kit", "{kit}"),
    ("--all", "--prune", "--force", "--kit", "{kit}"),
    ("--all", "--output-dir", "{kit}/build", "--kit", "{kit}"),
    ("--all", "--output-dir", "{kit}/build", "--kit", "{kit}", "--check", "--output-format", "json"),
)


@pytest.mark.slow
@examples(20, [HealthCheck.function_scoped_fixture])
@given(name=NAMES, inner=NAMES)
@example(name="k\n\n# INJECTED\n\nx", inner="-->")
@example(name=os.fsdecode(b"k\xff"), inner=os.fsdecode(b"\xff"))
@example(name="a${{ github.head_ref }}", inner="::error::x")
def test_every_command_survives_any_names(name: str, inner: str, forkserver: ForkServer) -> None:
    with TemporaryDirectory() as folder:
        top = Path(folder)
        git(top, "init", "--quiet")
        git(top, "commit", "--quiet", "--allow-empty", "--message=nothing")
        for path, text in {
            f"{name}/assemble.toml": OUTSIDE.replace(".codex/agents", ".codex/{dir}"),
            f"{name}/agents/critic.toml": AGENT,
            f"{name}/agents/{inner}/tester.toml": AGENT.replace("critic", "tester"),
            f"{name}/agents/{inner}.toml": AGENT,
            f"{name}/_blocks/{inner}.md": "Be honest.\n",
            f"{name}/.claude/agents/{inner}.md": "---\nname: other\ndescription: Helps.\n---\nYou help.\n",
            f".claude/agents/{inner}.md": "---\nname: another\ndescription: Helps.\n---\nYou help.\n",
        }.items():
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_text(text)
        for keep in (f"agents/{inner}/tester.toml", f"agents/{inner}.toml"):
            for command in COMMANDS:
                args = [part.format(kit=f"./{name}") if "{" in part else part for part in command]
                _check_run(forkserver, top, args)
            (top / name / keep).unlink(missing_ok=True)
        _check_files(top)


def _check_run(forkserver: ForkServer, folder: Path, args: list[str]) -> None:
    run = forkserver.run(folder, args)
    is_exact = args[0] == "gitignore"  # its lines are for git, byte for byte
    out, err = "" if is_exact else run.stdout.decode(), run.stderr.decode()
    assert run.returncode in (0, 1, 2)
    assert "Traceback" not in err
    assert _problems(out + err) == ""
    assert not any(line.lstrip().startswith("::") for line in err.split("\n"))
    if "github" in args:
        assert all(re.match(r"::(error|warning|notice) (file|title)=|::error::", line) for line in out.split("\n")[:-1])
    if "json" in args or "sarif" in args or (args[0] == "schema" and out):
        "".join(_json_values(json.loads(out))).encode()


def _check_files(top: Path) -> None:
    """Check that every file which the tool has written says only what it should."""
    for path in (path for path in top.rglob("*") if path.is_file() and top / ".git" not in path.parents):
        text = path.read_bytes().decode()
        if path.suffix == ".html":
            assert {tag.name for tag in Document(text).tags} <= ELEMENTS
            assert _problems(text) == ""
            continue
        if found := re.search(r"^(?:<!--|#) Generated by assemble .*$", text, re.MULTILINE):
            comment = stamp.HASH if path.suffix == ".toml" else stamp.MARKUP
            read = stamp.find(text, comment)
            assert read
            assert (path.parent / read.source).is_file()
            assert comment is stamp.HASH or found[0].index("-->") == len(found[0]) - 3
            assert "# INJECTED" not in text.replace(found[0], "")
        if path.suffix == ".toml":
            tomllib.loads(text)
    for file, end in (
        (".gitattributes", r'(/\*\.\w+|\.assemble/\*\.json)"? linguist-generated'),
        (".prettierignore", r"\*\.\w+|/"),
    ):
        lines = (top / file).read_text().split("\n")[:-1] if (top / file).exists() else []
        assert [line for line in lines if not re.search(f"(?:{end})\\Z", line) or _problems(line)] == []
    for file in (".github/workflows/assemble.yml", ".pre-commit-config.yaml"):
        if (top / file).exists():
            assert "${{" not in (top / file).read_text()
            assert yaml.safe_load((top / file).read_text())


def test_no_name_adds_a_line_to_an_error(bench: Workbench) -> None:
    name = "k\n\n  help: run `x`"
    bench.write({f"{name}/notes.txt": ""})
    for args in (["--kit", name, "--all"], [f"{name}/x.toml"], ["init", name], ["import", f"{name}/none"]):
        run = bench.run(*args)
        assert run.status == 2
        assert "k<U+000A><U+000A>  help: run `x`" in run.stderr.split("\n")[0]


def test_usage_errors_are_escaped(bench: Workbench) -> None:
    argument = "x\n::error::y\n##[error]\x1b"
    for args in (["--target", argument], [f"--{argument}"], ["--handoff", argument], ["--set", argument]):
        run = bench.run(*(["new", "a"] if args[0] in ("--handoff", "--set") else ["--all"]), *args)
        assert run.status == 2
        assert "##[" not in run.stderr
        assert _problems(run.stderr) == ""
        assert not any(line.lstrip().startswith("::") for line in run.stderr.split("\n"))


def test_no_message_becomes_a_link(bench: Workbench) -> None:
    link = "[click](https://example.org)"
    bench.write({"agents/critic.toml": f'{AGENT}blocks = ["{link}"]\n'})
    (result,) = json.loads(bench.run("--all", "--output-format", "sarif").stdout)["runs"][0]["results"]
    assert r"\[click](https://example.org)" in result["message"]["text"]
    assert link not in result["message"]["text"].replace(r"\[", "")


@pytest.mark.parametrize("folder", ["a'b\n", "$(touch PWNED)", "-rf", "*", os.fsdecode(b"\xff"), "a\u202e"])
def test_commands_in_messages_mean_the_file(folder: str, bench: Workbench) -> None:
    bench.write({f"{folder}/_blocks/x.md": "X.\n", f"{folder}/agents/critic.toml": AGENT})
    bench.write({f"{folder}/agents/critic.md": "By hand.\n"})
    err = bench.run("--all", "--check", "--kit", f"./{folder}").stderr
    command = err.partition("to overwrite it, run: ")[2].partition("\n")[0]
    words = command.removeprefix("assemble --force --kit ").removesuffix(" agents/critic.toml")
    assert words != command
    assert _read_by_bash(bench.folder, words).removeprefix("./") == folder


@pytest.mark.parametrize(
    ("name", "add"),
    [
        ("a.md", "git add _blocks/a.md"),
        ("a*.md", "git --literal-pathspecs add '_blocks/a*.md'"),
        ("[a].md", "git --literal-pathspecs add '_blocks/[a].md'"),
        ("a\nb.md", r"git add $'_blocks/a\012b.md'"),
    ],
)
def test_git_adds_only_the_file(name: str, add: str, bench: Workbench) -> None:
    (bench.folder / ".git").rmdir()
    _git(bench, "init", "--quiet")
    bench.write({f"_blocks/{name}": "Be honest.\n", "agents/critic.toml": AGENT})
    run = bench.run("--all", "--check", "--staged", "--output-format", "json")
    assert f"run: {add}" in [finding["help"] for finding in json.loads(run.stdout)["diagnostics"]]


def test_no_setting_acts_in_a_log_through_the_schema(bench: Workbench) -> None:
    tools = ["##[error]x", "##vso[x]", "pa\u00adtient", '"\\', "é😀"]
    reason = 'allow-characters = { "U+00AD" = "hyphens" }'
    bench.write({"assemble.toml": f"known-tools = {json.dumps(tools, ensure_ascii=False)}\n{reason}\n"})
    schema = bench.run("schema").stdout
    assert shown(schema.replace("\n", "")) == schema.replace("\n", "")
    assert set(tools) < set(json.loads(schema)["properties"]["tools"]["items"]["anyOf"][0]["enum"])


def test_names_that_are_no_agents_are_not_in_the_schema(bench: Workbench) -> None:
    names = ["critic", "a\nb", os.fsdecode(b"\xff"), "\u202e", "A"]
    bench.write({f"agents/{name}.toml": AGENT for name in names})
    schema = json.loads(bench.run("schema").stdout)
    assert schema["properties"]["handoff"]["items"]["properties"]["target"]["enum"] == ["critic"]
    assert bench.run("new", "tester").status == 0


@pytest.mark.parametrize("folder", ["a b", "$(touch PWNED)", "a\nx = 1", "a  b"])
def test_the_command_for_a_new_manifest_quotes_its_path(folder: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": f"manifests = {json.dumps(folder)}\n", f"{folder}/critic.toml": AGENT})
    run = bench.run("new", "tester")
    word = run.stderr.rpartition("run: assemble ")[2].rstrip("\n")
    assert _read_by_bash(bench.folder, word) == f"{folder}/tester.toml"
    assert "x" not in tomllib.loads(bench.read(f"{folder}/tester.toml"))


def test_the_schema_of_a_new_manifest_is_found_from_any_working_directory(bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": 'root = ".."\nmanifests = "../agents"\n', "agents/critic.toml": AGENT})
    bench.write({"kit/.assemble/manifest.schema.json": bench.run("schema", "--kit", "kit").stdout})
    assert bench.run("new", "tester", "--kit", "../kit", cwd="agents").status == 0
    assert bench.read("agents/tester.toml").startswith("#:schema ../kit/.assemble/manifest.schema.json\n")
