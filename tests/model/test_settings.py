"""What each setting changes, and how invalid settings are reported."""

from __future__ import annotations

import re

import pytest

from conftest import Run, Workbench

AGENT = 'name = "{}"\ndescription = "Reviews code."\n'
X = AGENT.format("x")
HANDOFF = '[[handoff]]\ntarget = "{}"\ntrigger = "more"\n'


def _with(bench: Workbench, files: dict[str, str], *args: str, cwd: str = ".") -> Run:
    bench.write(files)
    return bench.run(*(args or ("--all",)), cwd=cwd)


def test_manifests(bench: Workbench) -> None:
    files = {"assemble.toml": 'manifests = "bots/all"', "bots/all/deep/x.toml": X, "agents/y.toml": "broken"}
    run = _with(bench, files)
    assert (run.status, run.stdout) == (0, "created bots/all/deep/x.md\n")


def test_first_folder_with_a_block_wins(bench: Workbench) -> None:
    files = {
        "assemble.toml": 'blocks = ["own", "lib/common"]\nblock-conflicts = "first"',
        "agents/x.toml": X + 'blocks = ["both", "policy/deep", "second"]',
        "own/both.md": "From own.",
        "lib/common/both.md": "From common.",
        "lib/common/policy/deep.md": "Deep.",
        "lib/common/second.md": "Second.",
        "_blocks/second.md": "Never read.",
    }
    assert _with(bench, files).status == 0
    assert bench.read("agents/x.md").endswith("-->\n\nFrom own.\n\nDeep.\n\nSecond.\n")
    bench.write({"assemble.toml": 'blocks = ["lib/common", "own"]\nblock-conflicts = "first"'})
    assert bench.run("--all").status == 0
    assert "From common." in bench.read("agents/x.md")


def test_templates(bench: Workbench) -> None:
    files = {"views/agent.md.j2": "Views.", "templates/agent.md.j2": "Templates.", "agents/x.toml": X}
    assert _with(bench, files | {"assemble.toml": 'templates = "views"'}).status == 0
    assert bench.read("agents/x.md").endswith("\n\nViews.\n")
    assert _with(bench, {"assemble.toml": ""}).status == 0
    assert bench.read("agents/x.md").endswith("\n\nTemplates.\n")


@pytest.mark.parametrize(("root", "status"), [("", 2), ('root = "."\n', 2), ('root = ".."\n', 0)])
def test_root(root: str, status: int, bench: Workbench) -> None:
    settings = f'{root}blocks = ["../shared"]\n[target.claude-code]\noutput = "../out/{{name}}.md"'
    files = {"kit/assemble.toml": settings, "kit/agents/x.toml": X, "shared/rule.md": "Rule."}
    assert _with(bench, files, "--all", cwd="kit").status == status
    assert (bench.folder / "out/x.md").exists() == (status == 0)


@pytest.mark.parametrize(
    ("settings", "manifest", "code"),
    [
        ('obligatory = ["a", "b"]', 'blocks = ["b", "a"]', "B203"),
        ('obligatory = ["a"]', 'blocks = ["b"]', "B203"),
        ('required = ["name", "model"]', "", "K103"),
        ('required = ["tools"]', "tools = []", "K103"),
    ],
)
def test_settings_can_require_more(settings: str, manifest: str, code: str, bench: Workbench) -> None:
    blocks = {"_blocks/a.md": "A.", "_blocks/b.md": "B."}
    strict = _with(bench, blocks | {"assemble.toml": settings, "agents/x.toml": X + manifest})
    assert (strict.status, strict.stdout) == (1, "")
    assert f": error[{code}]" in strict.stderr
    assert _with(bench, {"assemble.toml": ""}).status == 0


@pytest.mark.parametrize(
    ("settings", "manifest", "code"),
    [
        ('external-agents = ["other"]', HANDOFF.format("other"), "H301"),
        ('known-tools = ["Frobnicate"]', 'tools = ["Frobnicate"]', "K111"),
        ('extra-keys = { owner = "string" }', 'owner = "me"', "K101"),
        ('ignore = ["K111"]', 'tools = ["Frobnicate"]', "K111"),
        ('required = ["name"]\nignore = ["L802"]', "", "K103"),
    ],
)
def test_settings_can_allow_more(settings: str, manifest: str, code: str, bench: Workbench) -> None:
    agent = f"{X}{manifest}" if code != "K103" else 'name = "x"'
    assert f"[{code}]" in _with(bench, {"assemble.toml": "", "agents/x.toml": agent}).stderr
    allowed = _with(bench, {"assemble.toml": settings})
    assert (allowed.status, allowed.stderr.splitlines()[1:]) == (0, [])


def test_template_can_use_extra_keys(bench: Workbench) -> None:
    files = {
        "assemble.toml": '[extra-keys]\nowner = "string"\nnotes = "strings"\nnone = "string"\nempty = "strings"',
        "agents/x.toml": X + 'owner = "# me"\nnotes = ["a", "b\\n c"]',
        "templates/agent.md.j2": "{{ extra.owner }}|{{ extra.notes | join(';') }}|{{ extra.none }}|{{ extra.empty }}",
    }
    assert _with(bench, files).status == 0
    assert bench.read("agents/x.md").endswith("\n\n\\# me|a;b c||()\n")


OWNER = """
[owner]
team = "# core"
items = ["- a", "b"]
"1. key" = "x"
deep = { share = 0.5, all = [{ on = true }, "# y"] }
"""


@pytest.mark.parametrize(
    ("template", "manifest", "printed"),
    [
        ("{{ extra.level }} {{ extra.on }}", "level = -3\non = false", "-3 False"),
        ("{{ extra.level + 1 }}{% if extra.on %} on{% endif %}", "level = 0\non = true", "1 on"),
        ("{{ extra.level is none }} {{ extra.on is none }}", "", "True True"),
        ("{{ extra.owner | length }} {{ extra.owner.x is defined }}", "", "0 False"),
        ("{{ extra.owner.team }} {{ extra.owner['items'] | join(';') }}", OWNER, "\\# core \\- a;b"),
        (
            "{% for key in extra.owner %}{{ key }},{% endfor %}",
            OWNER,
            "team,items,1\\. key,deep,",
        ),
        (
            "{{ extra.owner.deep.share }} {{ extra.owner.deep.all[1] }}",
            OWNER,
            "0.5 \\# y",
        ),
    ],
)
def test_template_can_use_metadata_of_any_type(template: str, manifest: str, printed: str, bench: Workbench) -> None:
    settings = '[extra-keys]\nlevel = "integer"\non = "boolean"\nowner = "table"'
    files = {"assemble.toml": settings, "agents/x.toml": X + manifest, "templates/agent.md.j2": template}
    assert _with(bench, files).status == 0
    assert bench.read("agents/x.md").endswith(f"\n\n{printed}\n")


def test_metadata_is_never_printed_on_its_own(bench: Workbench) -> None:
    settings = '[extra-keys]\nlevel = "integer"\non = "boolean"\nowner = "table"'
    assert _with(bench, {"assemble.toml": settings, "agents/x.toml": X}).status == 0
    plain = bench.read("agents/x.md").splitlines()[6:]
    assert _with(bench, {"agents/x.toml": f"{X}level = 3\non = true{OWNER}"}).status == 0
    assert bench.read("agents/x.md").splitlines()[6:] == plain


def test_template_that_prints_absent_metadata_fails(bench: Workbench) -> None:
    files = {
        "assemble.toml": '[extra-keys]\nlevel = "integer"',
        "agents/x.toml": X,
        "templates/agent.md.j2": "Text\n{{ extra.level }}",
    }
    run = _with(bench, files)
    assert (run.status, run.stdout) == (1, "")
    assert "templates/agent.md.j2:2:1: error[O603] cannot print `none`; test first" in run.stderr


@pytest.mark.parametrize(
    ("key", "finding"),
    [
        ("level = 0", ""),
        ("on = false", ""),
        ("owner = { share = 0 }", ""),
        ("owner = {}", "agents/x.toml:3:1: error[K103] `owner` is empty"),
        ("level", "agents/x.toml:1:1: error[K103] `level` is missing"),
        ("owner", "agents/x.toml:1:1: error[K103] `owner` is missing\n    help: the kit requires it; add `[owner]` at"),
    ],
)
def test_required_metadata(key: str, finding: str, bench: Workbench) -> None:
    name, equals, _ = key.partition(" = ")
    settings = f'required = ["{name}"]\n[extra-keys]\nlevel = "integer"\non = "boolean"\nowner = "table"'
    run = _with(bench, {"assemble.toml": settings, "agents/x.toml": X + (key if equals else "")})
    assert (run.status == 0) == (finding == "")
    assert finding in run.stderr
    assert run.stderr.count("K103") == (finding != "")


def test_key_below_the_header_of_a_metadata_table_is_misplaced(bench: Workbench) -> None:
    settings = '[extra-keys]\nowner = "table"'
    manifest = f'{X}[owner]\nteam = "core"\nname = "Core"\nrole = "You review."\n'
    run = _with(bench, {"assemble.toml": settings, "agents/x.toml": manifest})
    assert run.status == 1
    assert "agents/x.toml:6:1: error[K110] `role` belongs to `[owner]`, because it is below that header" in run.stderr
    assert "move it above line 3" in run.stderr
    inline = f'{X}owner = {{ team = "core", role = "You review." }}\n'
    assert _with(bench, {"agents/x.toml": inline}).status == 0


@pytest.mark.parametrize(
    ("kind", "value", "place"),
    [
        ("integer", "1.5", "3:1: error[K102] `owner` must be a whole number, not a floating-point number"),
        ("integer", "true", "3:1: error[K102] `owner` must be a whole number, not a boolean"),
        ("integer", '"{{LEVEL}}"', "3:1: error[K102] `owner` must be a whole number, not a string"),
        ("boolean", "0", "3:1: error[K102] `owner` must be true or false, not a number"),
        ("table", "[{}]", "3:1: error[K102] `owner` must be a table, not a list"),
        ("table", "{ a = [{ b = 1979-05-27 }] }", "3:18: error[K102] `b` must be a string, number, boolean, list or"),
        ("table", "{ a = [inf] }", "3:16: error[K102] an entry of `a` must be a string, number, boolean, list or"),
        ("table", "{ a = nan }", "3:11: error[K102] `a` must be a string, number, boolean, list or table, not an inf"),
    ],
)
def test_metadata_of_the_wrong_type_is_one_finding(kind: str, value: str, place: str, bench: Workbench) -> None:
    settings = f'extra-keys = {{ owner = "{kind}" }}'
    run = _with(bench, {"assemble.toml": settings, "agents/x.toml": f"{X}owner = {value}"})
    assert (run.status, run.stdout, run.stderr.count("error[")) == (1, "", 1)
    assert f"agents/x.toml:{place}" in run.stderr


@pytest.mark.parametrize(
    ("kind", "value"), [("string", "['a']"), ("string", "1"), ("strings", "'a'"), ("strings", "[1]")]
)
def test_extra_key_of_wrong_type_is_reported(kind: str, value: str, bench: Workbench) -> None:
    settings = f'extra-keys = {{ owner = "{kind}" }}'
    run = _with(bench, {"assemble.toml": settings, "agents/x.toml": f"{X}owner = {value}"})
    assert (run.status, run.stdout) == (1, "")
    assert "agents/x.toml:3:" in run.stderr
    assert "error[K102]" in run.stderr


def test_targets(bench: Workbench) -> None:
    nothing = _with(bench, {"assemble.toml": "targets = []", "agents/x.toml": X})
    assert (nothing.status, nothing.stdout) == (2, "")
    assert "assemble.toml:1:1: error[C702] `targets` is empty" in nothing.stderr
    own = _with(bench, {"assemble.toml": "", "agents/x.toml": f'{X}targets = ["claude-code"]'})
    assert (own.status, own.stdout) == (0, "created agents/x.md\n")


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{name}.md", "x.md"),
        ("out/{dir}/{name}/AGENT.md", "out/agents/deep/x/AGENT.md"),
        ("out/{subdir}/agents/{name}.md", "out/deep/agents/x.md"),
        (".claude/{name}", ".claude/x"),
    ],
)
def test_output(pattern: str, path: str, bench: Workbench) -> None:
    settings = f'[tool.assemble.target.claude-code]\noutput = "{pattern}"'
    run = _with(bench, {"pyproject.toml": settings, "agents/deep/x.toml": X}, "agents/deep/x.toml")
    assert (run.status, run.stdout) == (0, f"created {path}\n")
    assert bench.read(path).startswith("---\nname: x\n")


@pytest.mark.parametrize(
    ("settings", "location_and_code", "message"),
    [
        ('obligatry = ["a"]', "1:1 C701", "did you mean `obligatory`?"),
        ('\nrequired = ["name"]\nKnown_tools = []', "3:1 C701", "did you mean `known-tools`?"),
        ('target.claude-code.out = "a"', "1:20 C701", "did you mean `output`?"),
        ('target.claude.output = "{name}"', "1:8 C701", "did you mean `claude-code`?"),
        ("zzz = 1", "1:1 C701", "the settings here are `manifests`, `blocks`,"),
        ('obligatory = "a"', "1:1 C702", "`obligatory` must be a list of block names, not a string"),
        ('blocks = ["a", 7]', "1:16 C702", "an entry of `blocks` must be"),
        ("manifests = 1", "1:1 C702", "written with `/`, or a list of folders, not a number"),
        ('root = "/"', "1:1 C702", "`root` must be a folder relative to the kit"),
        ('exclusive = "yes"', "1:1 C702", "`exclusive` must be true or false, not a string"),
        ('targets = ["claude"]', "1:12 C702", "did you mean `claude-code`?"),
        ('extra-keys = { owner = "strng" }', "1:16 C702", "did you mean `string`?"),
        ('ignore = ["tools"]', "1:11 C702", "a code such as `B201`"),
        ('target.claude-code.output = "all.md"', "1:20 C702", "contains `{name}`"),
        ('target.claude-code.output = "/{name}"', "1:20 C702", "a path relative to the kit"),
        ('target.claude-code.output = "{dir}/{dir}/{name}"', "1:20 C702", "can contain `{dir}` once"),
        *(
            (f'target.claude-code.output = "{output}"', "1:20 C702", "in a folder, `{subdir}/`")
            for output in ("{subdir}/{name}", "a{subdir}/{name}", "a/{name}/{subdir}", "../{subdir}/{name}")
        ),
        ('target.claude-code.output = "a/{subdir}/{dir}/{name}"', "1:20 C702", "in a folder, `{subdir}/`"),
        (f'target.claude-code.output = "{"a" * 250}{{name}}"', "1:20 C702", "has at most 255 characters"),
        (
            f"extra-keys = {{ {', '.join(f'k{number} = 1' for number in range(1001))} }}",
            "1:1 C702",
            "`extra-keys` has 1,001 entries; the most is 1,000",
        ),
        ('required = ["name", "modl"]', "1:21 C703", "did you mean `model`?"),
        ('extra-keys = { tools = "string" }', "1:16 C704", "every manifest already has the key `tools`"),
        ('extra-keys = { a-b = "string" }', "1:16 C704", "templates read it as `extra.KEY`"),
        ('obligatory = ["a", "b", "a"]', "1:25 C711", "`a` is listed twice in `obligatory`"),
        ('blocks = ["agents", "_blocks", "agents"]', "1:32 C711", "listed twice in `blocks`"),
        ('required = ["name", "name"]', "1:21 C711", "listed twice in `required`"),
        ('targets = ["codex", "codex"]', "1:21 C711", "listed twice in `targets`"),
        ('external-agents = ["b", "b"]', "1:25 C711", "listed twice in `external-agents`"),
        ('known-tools = ["T", "T"]', "1:21 C711", "listed twice in `known-tools`"),
        ('ignore = ["B206", "B206"]', "1:19 C711", "listed twice in `ignore`"),
        ('blocks = ["agents", "lib"]', "1:21 C705", "the folder `lib` does not exist"),
        ('manifests = "bots"', "1:1 C705", "the folder `bots` does not exist"),
        ('templates = ".."', "1:1 C705", "is outside the kit's root"),
        ('root = "agents"', "1:1 C705", "`root` must be the kit's folder, or a folder that contains it"),
        ('root = "../.."', "1:1 C705", "`root` is outside the git work tree"),
        ("a = \n", "1:5 S003", "the key has no value"),
        ("a = 1\nb = 1\na = 2", "3:1 S005", "`a` is defined twice"),
        ("blocks = ['\0']", "1:12 S002", "the file contains a NUL byte"),
    ],
)
@pytest.mark.parametrize("file", ["assemble.toml", "pyproject.toml"])
def test_invalid_setting_stops_the_run(
    settings: str, location_and_code: str, message: str, file: str, bench: Workbench
) -> None:
    header = "[tool.assemble]\n" if file == "pyproject.toml" else ""
    bench.write({file: header + settings, "agents/x.toml": X, "_blocks/a.md": "A."})
    before = bench.files()
    run = bench.run("--all")
    line, column, code = location_and_code.replace(" ", ":").split(":")
    assert (run.status, run.stdout, bench.files()) == (2, "", before)
    assert f"{file}:{int(line) + bool(header)}:{column}: error[{code}]" in run.stderr
    assert message in run.stderr


def test_all_invalid_settings_are_reported_at_once(bench: Workbench) -> None:
    run = _with(bench, {"assemble.toml": "zzz = 1\nblocks = 1\nignore = [2]", "agents/x.toml": X})
    assert [line.split(": ")[0] for line in run.stderr.splitlines() if line.startswith("assemble.toml")] == [
        "assemble.toml:1:1",
        "assemble.toml:2:1",
        "assemble.toml:3:11",
    ]


def test_settings_in_both_files_are_an_error(bench: Workbench) -> None:
    files = {"assemble.toml": "", "pyproject.toml": "\n[tool.assemble]\n", "agents/x.toml": X}
    run = _with(bench, files)
    assert (run.status, run.stdout) == (2, "")
    assert "pyproject.toml:2:7: error[C706] `assemble.toml` in the same folder contains settings too" in run.stderr
    assert "agents/x.md" not in bench.files()


@pytest.mark.parametrize("root", ["", 'root = ".."\n'])
def test_suggested_root_works(root: str, bench: Workbench) -> None:
    folders = {"shared/a.md": "A.", "teams/more/b.md": "B."}
    settings = 'blocks = ["../../shared", "../more"]\n'
    bench.write({"teams/a/assemble.toml": settings + root, "teams/a/agents/x.toml": X, **folders})
    hints = re.findall(r"such as `(root = .*?)`", bench.run("--all", cwd="teams/a").stderr)
    assert hints == ['root = "../.."', 'root = ".."'][: 1 if root else 2]
    bench.write({"teams/a/assemble.toml": settings + hints[0]})
    assert bench.run("--all", cwd="teams/a").status == 0


def test_no_root_outside_the_work_tree_is_suggested(bench: Workbench) -> None:
    bench.write({"tree/.git": "gitdir: elsewhere", "tree/assemble.toml": 'blocks = ["../shared"]', "shared/a.md": "A."})
    run = bench.run("--all", cwd="tree")
    assert run.status == 2
    assert "such as" not in run.stderr
    assert "move it into the git work tree" in run.stderr


@pytest.mark.parametrize("again", ["./_blocks", "_blocks/", "agents/../_blocks"])
def test_different_spellings_of_a_block_folder_are_the_same(again: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": f'blocks = ["_blocks", "{again}"]', "_blocks/a.md": "A.", "agents/x.toml": X})
    run = bench.run("--all")
    assert run.status == 2
    assert f"error[C711] `{again}` is listed twice in `blocks`" in run.stderr
