"""A new manifest: every key that the kit requires, and no errors except at placeholders."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from conftest import REPOSITORY, Workbench, examples
from kei_assembler.loader import load_kit
from kei_assembler.model.manifest import OPTIONS
from kei_assembler.scaffold import new_manifest
from kei_assembler.targets import TARGETS
from strategies import ANY_TEXT, TRICKY_TEXT

KIT = {
    "assemble.toml": 'obligatory = ["baseline"]\nexternal-agents = ["general-purpose"]\n',
    "_blocks/baseline.md": "Be honest.\n",
    "_blocks/policy/no-push.md": "Do not push.\n",
    "agents/fixer.toml": 'name = "fixer"\ndescription = "Fixes."\nblocks = ["baseline"]\n',
}
STRICT = """\
obligatory = ["baseline"]
external-agents = ["general-purpose"]
required = ["name", "description", "tools", "model", "role", "blocks", "domain_in", "handoff", "references", "owner",
  "links"]
extra-keys = { owner = "string", links = "strings" }
"""
FLAGS = [
    "--description=Reviews \"code\": all of it",
    "--model=opus",
    "--tool=Read",
    "--tool=Agent",
    "--block=policy/no-push",
    "--handoff=fixer=findings = to be fixed",
    "--handoff=general-purpose=anything else",
]  # fmt: skip


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    return bench


def _manifest(bench: Workbench, name: str = "critic") -> dict[str, Any]:
    return tomllib.loads(bench.read(f"agents/{name}.toml"))


def _filled(bench: Workbench) -> None:
    """Replace the placeholders."""
    text = bench.read("agents/critic.toml").replace("{{DESCRIBE_TARGET}}", "fixer")
    bench.write({"agents/critic.toml": new_manifest.MARK.sub("Something.", text)})


def test_a_manifest_with_all_required_keys_has_no_findings(kit: Workbench) -> None:
    run = kit.run("new", "critic", *FLAGS)
    assert run == (0, "created agents/critic.toml\n", "next: run: assemble agents/critic.toml\n")
    assert _manifest(kit) == {
        "name": "critic",
        "description": 'Reviews "code": all of it',
        "tools": ["Read", "Agent"],
        "model": "opus",
        "role": "Do the task that you are given, and report the result.\n",
        "blocks": ["baseline", "policy/no-push"],
        "handoff": [
            {"target": "fixer", "trigger": "findings = to be fixed"},
            {"target": "general-purpose", "trigger": "anything else"},
        ],
    }
    assert kit.run("--strict", "agents/critic.toml").stderr == "1 agent, 1 file: 1 created\n"


@pytest.mark.parametrize(
    "assemble_toml",
    [
        KIT["assemble.toml"],
        STRICT,
        "",
        '[defaults]\nmodel = "opus"\n',
        'required = ["name", "description", "target"]\n',
    ],
)
def test_placeholders_are_the_only_findings(kit: Workbench, assemble_toml: str) -> None:
    kit.write({"assemble.toml": assemble_toml})
    run = kit.run("new", "critic")
    marks = new_manifest.MARK.findall(kit.read("agents/critic.toml"))
    assert (run.status, f"the {len(marks)} places" in run.stderr) == (0, True)
    found = kit.run("agents/critic.toml")
    assert (found.status, found.stderr.count("error[T401]")) == (1, len(marks))
    _filled(kit)
    assert kit.run("--strict", "agents/critic.toml").stderr == "1 agent, 1 file: 1 created\n"


def test_required_keys_are_written(kit: Workbench) -> None:
    kit.write({"assemble.toml": STRICT})
    kit.run("new", "critic")
    required = load_kit(str(kit.folder)).settings.required
    manifest = _manifest(kit)
    assert set(required) <= set(manifest)
    assert manifest["tools"] == ["Read", "Grep", "Glob", "Agent"]
    assert manifest["references"] == {"extra": ["{{DESCRIBE_SOURCE}}"]}
    assert manifest["links"] == ["{{DESCRIBE_LINKS}}"]


BASE = """\
name = "base"
abstract = true
model = "opus"
role = "You review."
tools = ["Read", "Agent"]
blocks = ["baseline"]
domain_in = ["Code"]
owner = "us"
[[handoff]]
target = "fixer"
trigger = "findings"
"""


def test_a_manifest_does_not_repeat_what_its_base_has(kit: Workbench) -> None:
    kit.write({"assemble.toml": STRICT, "agents/base.toml": BASE})
    run = kit.run("new", "critic", "--extends=base", "--description=Reviews.")
    assert (run.status, "fill in the 2 places marked" in run.stderr) == (0, True)
    assert _manifest(kit) == {
        "name": "critic",
        "description": "Reviews.",
        "extends": "base",
        "links": ["{{DESCRIBE_LINKS}}"],
        "references": {"extra": ["{{DESCRIBE_SOURCE}}"]},
    }
    _filled(kit)
    run = kit.run("--strict", "agents/critic.toml")
    assert run.stderr == "1 agent, 1 file: 1 created\n"


@pytest.mark.parametrize(
    ("base", "given", "blocks"),
    [
        ('blocks = ["baseline"]', [], None),
        ('blocks = ["baseline"]', ["policy/no-push"], ["...", "policy/no-push"]),
        ('blocks = ["baseline"]', ["baseline", "policy/no-push"], ["...", "policy/no-push"]),
        ('blocks = ["baseline"]', ["baseline"], None),
        ('blocks = ["policy/no-push"]', [], ["@core", "..."]),
        ('blocks = ["policy/no-push"]', ["evidence"], ["@core", "...", "evidence"]),
        ("", [], ["@core"]),
        ("", ["evidence"], ["@core", "evidence"]),
    ],
)
def test_blocks_of_the_base_are_inherited(
    kit: Workbench, base: str, given: list[str], blocks: list[str] | None
) -> None:
    settings = 'obligatory = ["@core"]\nbundles = { core = ["baseline"] }\n'
    kit.write({"assemble.toml": settings, "agents/base.toml": f'name = "base"\nabstract = true\n{base}\n'})
    kit.write({"_blocks/evidence.md": "Name your sources.\n"})
    kit.run("new", "critic", "--extends=base", "--description=Reviews.", *(f"--block={name}" for name in given))
    assert _manifest(kit).get("blocks") == blocks


def test_without_a_base_the_manifest_lists_the_bundles_that_are_obligatory(kit: Workbench) -> None:
    kit.write({"assemble.toml": 'obligatory = ["@core"]\nbundles = { core = ["baseline"] }\n'})
    run = kit.run("new", "critic", "--description=Reviews.", "--block=@core", "--block=policy/no-push")
    assert (run.status, _manifest(kit)["blocks"]) == (0, ["@core", "policy/no-push"])
    assert kit.run("--strict", "agents/critic.toml").stderr == "1 agent, 1 file: 1 created\n"


def test_a_base_without_a_role_leaves_it_to_the_manifest(kit: Workbench) -> None:
    kit.write({"agents/base.toml": 'name = "base"\nabstract = true\nblocks = ["baseline"]\n'})
    assert kit.run("new", "critic", "--extends=base", "--description=Reviews.").status == 0
    assert "role" in _manifest(kit)
    assert kit.run("--strict", "agents/critic.toml").stderr == "1 agent, 1 file: 1 created\n"


def test_an_unknown_base_is_refused(kit: Workbench) -> None:
    run = kit.run("new", "critic", "--extends=fixr")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr == "error: unknown base `fixr`; nothing was written\n  help: did you mean `fixer`?\n"
    assert not (kit.folder / "agents" / "critic.toml").exists()


@pytest.mark.parametrize(
    ("base", "error"),
    [
        (b'name = "base"\nabstract = true\nblocks = ["nowhere"]\n', "3:11: unknown block `nowhere`"),
        (b'name = "base"\nabstract = "yes"\n', "2:1: `abstract` must be true or false, not a string"),
        (b"# \xff\n", "1:3: byte 0xff is not UTF-8"),
    ],
)
def test_a_base_with_an_error_is_named(kit: Workbench, base: bytes, error: str) -> None:
    kit.write({"agents/base.toml": base})
    run = kit.run("new", "critic", "--extends=base", "--description=Reviews.")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith(f"error: agents/base.toml:{error}; nothing was written\n"), run


@pytest.mark.parametrize("target", [name for name, row in TARGETS.items() if "model" in row.keys])
def test_a_required_table_is_written(target: str, kit: Workbench) -> None:
    kit.write({"assemble.toml": f'required = ["name", "target"]\ntargets = ["{target}"]\n'})
    assert kit.run("new", "critic").status == 0
    text = kit.read("agents/critic.toml")
    assert f"# Keys of `{target}`: " in text
    assert _manifest(kit)["target"] == {target: {TARGETS[target].model_key: "{{DESCRIBE_MODEL}}"}}
    assert "error[T401]" in kit.run("agents/critic.toml").stderr
    kit.write({"agents/critic.toml": new_manifest.MARK.sub("some/model", text)})
    assert kit.run("agents/critic.toml").status == 0


def test_a_table_with_a_default_is_not_required(kit: Workbench) -> None:
    kit.write({"assemble.toml": 'required = ["name", "target"]\n[defaults.target.claude-code]\ncolor = "red"\n'})
    assert kit.run("new", "critic").status == 0
    assert "target" not in _manifest(kit)


def test_set_takes_other_keys(kit: Workbench) -> None:
    kit.write({"assemble.toml": STRICT})
    others = ("role=You review.\n\n```\nx\\y\n```", "domain_in=a, b", "domain_in=c", "owner=us", "links=x")
    kit.run("new", "critic", *FLAGS, *(f"--set={other}" for other in others))
    manifest = _manifest(kit)
    assert (manifest["role"], manifest["domain_in"]) == (others[0].removeprefix("role=") + "\n", ["a, b", "c"])
    assert new_manifest.MARK.findall(kit.read("agents/critic.toml")) == ["{{DESCRIBE_SOURCE}}"]


METADATA = '[extra-keys]\nlevel = "integer"\nactive = "boolean"\nsource = "table"\n'


def test_set_takes_numbers_and_booleans(kit: Workbench) -> None:
    kit.write({"assemble.toml": METADATA})
    assert (
        kit.run("new", "critic", "--description=x", "--set=role=x", "--set=level=-3", "--set=active=false").status == 0
    )
    manifest = _manifest(kit)
    assert (manifest["level"], manifest["active"]) == (-3, False)
    assert "source" not in manifest
    assert kit.run("agents/critic.toml").status == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("level=3.5", "--set level takes a whole number, not `3.5`"),
        ("level=", "--set level takes a whole number, not ``"),
        (f"level={'9' * 5000}", "--set level takes a whole number"),
        ("active=yes", "--set active takes true or false, not `yes`"),
        ("source=x", "--set takes KEY=VALUE, not `source=x`"),
    ],
)
def test_set_refuses_other_values(given: str, message: str, kit: Workbench) -> None:
    kit.write({"assemble.toml": METADATA})
    run = kit.run("new", "critic", f"--set={given}")
    assert (run.status, run.stdout) == (2, "")
    assert message in run.stderr
    assert not (kit.folder / "agents/critic.toml").exists()


def test_required_metadata_gets_placeholders(kit: Workbench) -> None:
    kit.write({"assemble.toml": f'required = ["name", "level", "active", "source"]\n{METADATA}'})
    kit.run("new", "critic", "--description=x", "--set=role=x")
    found = [line for line in kit.run("agents/critic.toml").stderr.splitlines() if "error[" in line]
    assert [line.split("[")[1][:4] for line in found] == ["K102", "K102", "T401"]
    fill_in = {"LEVEL": "1", "ACTIVE": "true", "SOURCE": '"x"'}
    text = re.sub(r'"\{\{DESCRIBE_(\w+)\}\}"', lambda mark: fill_in[mark[1]], kit.read("agents/critic.toml"))
    kit.write({"agents/critic.toml": text})
    assert kit.run("agents/critic.toml").status == 0


def test_optional_keys_are_shown_as_valid_comments(kit: Workbench) -> None:
    kit.run("new", "critic")
    text = kit.read("agents/critic.toml").replace("{{DESCRIBE_PURPOSE}}", "x").replace("{{DESCRIBE_ROLE}}", "x")
    shown = re.sub(r"^# (?=[a-z_-]+ = |\[\[?[a-z]+\]\]?$)", "", text, flags=re.MULTILINE)
    manifest = tomllib.loads(shown)
    assert list(manifest) == [field.key for field in new_manifest.fields_of(load_kit(str(kit.folder)))]
    kit.write({"agents/critic.toml": shown.replace('"implementer"', '"fixer"')})
    assert kit.run("agents/critic.toml").status == 0


def test_comments_explain_the_keys(kit: Workbench) -> None:
    kit.run("new", "critic")
    text = kit.read("agents/critic.toml")
    assert "# The blocks that `obligatory` in the settings lists come first.\nblocks = " in text
    assert text.index("In TOML, a key belongs to the last header above it") < text.index("[[handoff]]")
    assert max(map(len, text.splitlines())) <= 120


def test_comments_name_nothing_that_can_be_renamed(kit: Workbench) -> None:
    kit.run("new", "critic", "--description=Reviews.")
    comments = "".join(re.findall(r"^# (?![a-z_]+ = |\[).*$", kit.read("agents/critic.toml"), re.MULTILINE))
    assert [name for name in ("critic", "fixer", "baseline", "no-push", "agents/") if name in comments] == []
    assert [line for line in kit.read("agents/critic.toml").splitlines() if "critic" in line] == ['name = "critic"']
    text = kit.read("agents/critic.toml").replace("critic", "judge")
    kit.run("new", "judge", "--description=Reviews.")
    assert kit.read("agents/judge.toml") == text


def test_init_writes_no_name_of_an_agent_into_a_comment(bench: Workbench) -> None:
    bench.run("init")
    comments = re.findall(r"^# .*$", bench.read("agents/reviewer.toml"), re.MULTILINE)
    assert [comment for comment in comments if "reviewer" in comment] == []


@pytest.mark.parametrize("key", ["role", "target"])
def test_what_an_option_answers_is_not_to_be_filled_in(key: str, kit: Workbench) -> None:
    kit.write({"assemble.toml": f'required = ["name", "description", "{key}"]\n'})
    run = kit.run("new", "critic", "--description=Reviews.", "--model=opus")
    assert run == (0, "created agents/critic.toml\n", "next: run: assemble agents/critic.toml\n")
    assert kit.run("--strict", "agents/critic.toml").status == 0


def test_a_model_that_the_client_does_not_know_is_to_be_filled_in(kit: Workbench) -> None:
    kit.write({"assemble.toml": 'required = ["name", "target"]\ntargets = ["codex"]\n'})
    assert "fill in the place" in kit.run("new", "critic", "--description=Reviews.", "--model=opus").stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["Critic.toml"], "error: `Critic.toml` is not a valid agent name: it must be a lower-case letter or digit, "),
        (["Critic.toml"], "\n  help: did you mean `critic`?\n"),
        (["agents/My Critic.toml"], "did you mean `my-critic`?"),
        (["nul"], "error: `nul` is not a valid agent name"),
        (["a" * 65], "is not a valid agent name"),
        (["fixer"], "error: the agent `fixer` already exists, in agents/fixer.toml\n"),
        (["critic", "--block=policy/no-psuh"], "error: unknown block `policy/no-psuh`; nothing was written\n"
            "  help: did you mean `policy/no-push`?\n"),
        (["critic", "--handoff=fixr=x"], "error: unknown agent `fixr`; nothing was written\n"
            "  help: did you mean `fixer`?\n"),
        (["critic", "--handoff=critic=x"], "error: the agent hands off to itself; nothing was written\n"),
        (["critic", "--handoff=fixer=x", "--handoff=fixer=y"], "nothing was written"),
        (["critic", "--handoff=fixer"], "--handoff takes AGENT=TRIGGER"),
        (["critic", "--handoff=fixer= "], "nothing was written"),
        (["critic", "--tool=Read, Bash"], "error: `Read, Bash` is not the name of one tool; nothing was written\n"),
        (["critic", "--tool=Read", "--tool=Read"], "error: `Read` is listed twice in `tools`; nothing was written\n"),
        (["critic", "--model=a\nb"], "error: `model` has several lines"),
        (["critic", "--description= "], "error: `description` is "),
        (["critic", "--description=a\u200bb"], "; nothing was written\n"),
        (["critic", "--description=a\udcffb"], "is not UTF-8"),
        (["critic", "--set=role=```"], "error: `role` leaves a code fence open; nothing was written\n"),
        (["critic", "--set=domain=x"], "--set takes KEY=VALUE, not `domain=x`; did you mean `domain_in`?"),
        (["critic", "--set=name=x"], "--set takes KEY=VALUE"),
        (["critic", "--set=x"], "--set takes KEY=VALUE, not `x`; the keys are `display-name`, `role`"),
        (["critic", "--kit=nowhere"], "error: the folder `nowhere` does not exist\n"),
        ([], "Missing argument 'NAME'"),
    ],
)  # fmt: skip
def test_invalid_arguments_are_rejected(kit: Workbench, args: list[str], message: str) -> None:
    before = kit.files()
    run = kit.run("new", *args)
    assert (run.status, run.stdout) == (2, "")
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert kit.files() == before


@pytest.mark.parametrize("key", OPTIONS)
def test_set_does_not_take_a_key_that_has_an_option(kit: Workbench, key: str) -> None:
    run = kit.run("new", "critic", f"--set={key}=x", "--tool=Read")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.endswith(f"Error: --set does not take `{key}`; use {OPTIONS[key]}\n")
    assert f"  {OPTIONS[key]} " in kit.run("new", "--help").stdout


OTHER_KINDS = {
    "instructions": ("instructions/house.toml", {"name", "role"}, ["--block=policy/no-push", "--set=folder=_blocks"]),
    "skill": ("skills/house.toml", {"name", "description", "role"}, ["--description=Deploys.", "--set=targets=codex"]),
}


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_a_manifest_of_another_kind(kind: str, kit: Workbench) -> None:
    file, keys, options = OTHER_KINDS[kind]
    run = kit.run("new", "house", f"--kind={kind}")
    assert (run.status, run.stdout) == (0, f"created {file}\n")
    assert run.stderr.endswith(f" marked {{{{DESCRIBE_…}}}}, then run: assemble {file}\n")
    assert tomllib.loads(kit.read(file)).keys() == keys  # no obligatory blocks: they are for agents
    kit.write({file: new_manifest.MARK.sub("Something.", kit.read(file))})
    assert kit.run(file).status == 0
    taken = kit.run("new", "house", "--kind", kind)
    assert (taken.status, "`house` already exists, in " in taken.stderr) == (2, True)
    assert kit.run("new", "house").status == 0  # an agent can have the same name
    assert kit.run("new", "other", f"--kind={kind}", *options).status == 0
    for option in options:
        assert option.rpartition("=")[2] in kit.read(file.replace("house", "other"))


def test_a_folder_without_the_name_of_the_kind(kit: Workbench) -> None:
    kit.write({"assemble.toml": 'manifests = "agents"\n'})
    kit.run("init")
    for kind in OTHER_KINDS:
        run = kit.run("new", f"for-{kind}", f"--kind={kind}")
        assert run.stdout.startswith(f"created agents/for-{kind}.toml\n")
        assert tomllib.loads(kit.read(f"agents/for-{kind}.toml"))["kind"] == kind
        kit.write({f"agents/for-{kind}.toml": new_manifest.MARK.sub("Something.", kit.read(f"agents/for-{kind}.toml"))})
    assert kit.run("--all").status == 0


def test_options_for_keys_that_a_kind_does_not_have(kit: Workbench) -> None:
    for args, message in (
        (["--kind=instructions", "--tool=Read"], "--tool cannot be used with --kind=instructions"),
        (["--kind=instructions", "--description=X."], "--description cannot be used with --kind=instructions"),
        (["--kind=skill", "--model=opus"], "--model cannot be used with --kind=skill"),
        (["--kind=skill", "--set=domain_in=x"], "--set takes KEY=VALUE, not `domain_in=x`"),
        (["--kind=rule"], "'rule' is not one of 'agent', 'instructions', 'skill'"),
    ):
        run = kit.run("new", "house", *args)
        assert (run.status, run.stdout) == (2, "")
        assert message in run.stderr
    assert not (kit.folder / "skills").exists()


def test_an_unknown_tool_is_a_warning(kit: Workbench) -> None:
    run = kit.run("new", "critic", "--tool=Raed")
    assert (run.status, _manifest(kit)["tools"]) == (0, ["Raed"])
    assert re.search(r"^agents/critic.toml:\d+:\d+: warning\[K111\] unknown tool `Raed`$", run.stderr, re.MULTILINE)
    assert "did you mean `Read`?" in run.stderr


def test_a_name_is_taken_in_any_folder_of_the_kit(kit: Workbench) -> None:
    kit.write({"agents/research/critic.toml": 'name = "critic"\ndescription = "x"\n'})
    assert "already exists, in agents/research/critic.toml\n" in kit.run("new", "critic").stderr


def test_an_existing_file_is_kept(kit: Workbench) -> None:
    (kit.folder / "agents" / "critic.toml").symlink_to("nowhere")
    assert kit.run("new", "critic").status == 2
    assert (kit.folder / "agents" / "critic.toml").is_symlink()


def test_new_needs_a_kit(bench: Workbench) -> None:
    run = bench.run("new", "critic")
    assert (run.status, run.stdout) == (2, "")
    assert "no kit was found" in run.stderr


def test_kit_option_names_the_kit(kit: Workbench) -> None:
    run = kit.run("new", "critic", "--kit=..", cwd="agents")
    assert run.stdout == "created critic.toml\n"
    assert run.stderr.endswith("run: assemble critic.toml\n")


def test_an_existing_schema_is_updated(bench: Workbench) -> None:
    bench.run("init")
    assert bench.run("new", "critic").stdout == "created agents/critic.toml\nrenewed .assemble/manifest.schema.json\n"
    assert bench.read("agents/critic.toml").startswith("#:schema ../.assemble/manifest.schema.json\n# ")
    text = bench.read(".assemble/manifest.schema.json")
    assert text == bench.run("schema").stdout
    targets = json.loads(text)["properties"]["handoff"]["items"]["properties"]["target"]["enum"]
    assert targets == ["critic", "reviewer"]
    bench.write({".assemble/manifest.schema.json": "{}\n"})
    assert bench.run("new", "other").stdout == "created agents/other.toml\n"
    assert bench.read(".assemble/manifest.schema.json") == "{}\n"


def test_new_works_in_this_repository(bench: Workbench) -> None:
    for pattern in ("agents/*.toml", "_blocks/*.md", "templates/*", "pyproject.toml"):
        for path in REPOSITORY.glob(pattern):
            bench.write({path.relative_to(REPOSITORY).as_posix(): path.read_bytes()})
    assert bench.run("new", "critic").status == 0
    text = bench.read("agents/critic.toml").replace("{{DESCRIBE_TARGET}}", "kei-critic")
    bench.write({"agents/critic.toml": new_manifest.MARK.sub("Something.", text)})
    assert bench.run("--strict", "agents/critic.toml").stderr == "1 agent, 1 file: 1 created\n"


@examples(50, list(HealthCheck))
@given(st.fixed_dictionaries(dict.fromkeys(("description", "role", "trigger", "entry"), ANY_TEXT | TRICKY_TEXT)))
def test_any_text_round_trips(tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-text"
    (folder / "agents").mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {
        "description": texts["description"],
        "role": f"{texts['role']}\n",
        "domain_in": [texts["entry"]] * 2,
        "handoff": [{"target": "x", "trigger": texts["trigger"]}],
    }
    text = new_manifest.render(load_kit(str(folder)), "critic", values, has_schema=True)
    assert tomllib.loads(text) == {"name": "critic", **values}
