"""Groups of targets, such as `@all`, stand for the names of their targets wherever targets are listed."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Workbench
from kei_assembler import AssembleError, Kit
from kei_assembler.targets import CODEX, COPILOT, TARGETS
from kei_assembler.targets.facts import Verified
from kei_assembler.targets.groups import GROUPS, expanded
from kei_assembler.targets.target import Target
from readers import AGENT

DOCS = Verified("A program", "1.0", "2026-11-29", ("docs",))
RUN, CODE = DOCS._replace(how=("run",)), DOCS._replace(how=("docs", "code"))
IN_ALL = tuple(name for name, row in TARGETS.items() if not row.is_docs_only)
BASE = AGENT.replace("critic", "base-critic")
CHILD = 'name = "critic"\ndescription = "Reviews code."\nextends = "base-critic"\n'


def _row(*verified: Verified) -> Target:
    return CODEX._replace(verified=verified)


@pytest.mark.parametrize(
    ("verified", "groups"),
    [
        ((RUN,), ["@all", "@verified"]),
        ((CODE,), ["@all", "@verified"]),
        ((RUN, CODE), ["@all", "@verified"]),
        ((RUN, DOCS), ["@all"]),
        ((DOCS,), []),
        ((DOCS, DOCS), []),
    ],
)
def test_the_facts_of_a_row_decide_to_which_groups_it_belongs(
    verified: tuple[Verified, ...], groups: list[str]
) -> None:
    row = _row(*verified)
    assert [name for name, has in GROUPS.items() if has(row)] == groups
    assert row.is_docs_only == (groups == [])


@pytest.mark.parametrize(
    ("entries", "targets"),
    [
        (["@all"], IN_ALL),
        (["codex", "@all"], ("codex", *(name for name in IN_ALL if name != "codex"))),
        (["@all", "codex", "@verified"], IN_ALL),
        (["qwen", "codex", "qwen"], ("qwen", "codex")),
        (["@nothing", "codex"], ("@nothing", "codex")),
        ([], ()),
    ],
)
def test_a_group_becomes_names_at_its_place(entries: list[str], targets: tuple[str, ...]) -> None:
    assert expanded(entries) == targets


@given(st.lists(st.sampled_from([*TARGETS, *GROUPS])))
def test_an_expanded_list_has_each_target_once(entries: list[str]) -> None:
    targets = expanded(entries)
    assert len({*targets}) == len(targets)
    assert {*targets} == {target for entry in entries for target in expanded([entry])}
    assert expanded(targets) == targets


def test_a_group_in_the_settings_builds_what_the_names_build(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT, "assemble.toml": f"targets = {json.dumps(IN_ALL)}\n"})
    assert bench.run("--all").status == 0
    bench.write({"assemble.toml": 'targets = ["@all"]\n'})
    before = bench.files()
    assert bench.run("--all", "--check").status == 0
    assert bench.files() == before
    assert bench.run("list").stdout.splitlines()[-1].endswith(f"up to date  {', '.join(IN_ALL)}")


@pytest.mark.parametrize(
    ("own", "targets"),
    [
        ("", IN_ALL),
        ('targets = ["...", "!codex"]\n', tuple(name for name in IN_ALL if name != "codex")),
        ('targets = ["cursor", "...", "!@verified"]\n', ("cursor",)),
        ('targets = ["@verified"]\n', expanded(["@verified"])),
        ('targets = ["qwen", "@all"]\n', expanded(["qwen", "@all"])),
    ],
)
def test_a_group_is_inherited_as_the_names_of_its_targets(own: str, targets: tuple[str, ...], bench: Workbench) -> None:
    bench.write({"agents/base-critic.toml": f'{BASE}abstract = true\ntargets = ["@all"]\n'})
    bench.write({"agents/critic.toml": CHILD + own})
    run = bench.run("flatten", "agents/critic.toml")
    assert tomllib.loads(run.stdout)["targets"] == list(targets)
    assert bench.run("--all").status == 0
    (item,) = json.loads(bench.run("list", "--output-format", "json").stdout)["items"]
    assert item["targets"] == list(targets)


def test_a_flat_manifest_names_where_the_group_was_written(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}targets = ["@all"]\n'})
    assert "\ntargets = [  # agents/critic.toml:4\n" in bench.run("flatten", "agents/critic.toml").stdout


CHOICES = "an entry of `targets` must be one of " + ", ".join(f"`{name}`" for name in (*TARGETS, *GROUPS))


@pytest.mark.parametrize(
    ("entry", "help_text"),
    [
        ("@verifed", "did you mean `@verified`?"),
        ("all", "did you mean `@all`?"),
        ("*", "did you mean `@all`?"),
        ("@codex", "did you mean `codex`?"),
        ("@docs", "the groups are `@all` and `@verified`"),
        ("!codex", "`!` drops only what a base lists; list the clients that you want"),
    ],
)
def test_an_unknown_group_is_refused_with_a_suggestion(entry: str, help_text: str, bench: Workbench) -> None:
    text = f'targets = ["@all", "{entry}"]\n'
    marks = f"{'^' * len(entry)} help: {help_text}\n"
    bench.write({"agents/critic.toml": AGENT, "assemble.toml": text})
    run = bench.run("--all")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith(f"assemble.toml:1:20: error[C702] {CHOICES}\n")
    assert marks in run.stderr
    bench.write({"agents/critic.toml": AGENT + text, "assemble.toml": ""})
    run = bench.run("--all")
    assert (run.status, run.stdout) == (1, "")
    assert run.stderr.startswith(f"agents/critic.toml:4:20: error[K106] {CHOICES}\n")
    assert marks in run.stderr


def test_a_group_that_is_listed_twice_is_an_error(bench: Workbench) -> None:
    text = 'targets = ["@all", "@all"]\n'
    bench.write({"agents/critic.toml": AGENT + text})
    assert "agents/critic.toml:4:20: error[E106] `@all` is listed twice\n" in bench.run("--all").stderr
    bench.write({"agents/critic.toml": AGENT, "assemble.toml": text})
    assert "assemble.toml:1:20: error[C711] `@all` is listed twice in `targets`\n" in bench.run("--all").stderr


def test_the_option_takes_a_group(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT})
    assert bench.run("--all", "--target", "@verified").stdout.count("created ") == len(expanded(["@verified"]))
    assert (bench.folder / COPILOT.output.format(name="critic")).exists()
    run = bench.run("--all", "--target", "@verifed")
    assert run.status == 2
    assert run.stderr.endswith("'@verified'; did you mean `@verified`?\n")


def test_the_library_takes_a_group(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT})
    assert len(Kit.load(bench.folder, ["@all"]).build().changes) == len(IN_ALL)
    with pytest.raises(AssembleError, match="`@verifed` does not exist") as error:
        Kit.load(bench.folder, ["@verifed"])
    assert error.value.hint == "did you mean `@verified`?"


def test_the_schemas_offer_the_groups(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT})
    of_settings = json.loads(bench.run("schema", "--settings").stdout)["properties"]["targets"]["items"]["enum"]
    assert of_settings == [*TARGETS, *GROUPS]
    of_manifests = json.loads(bench.run("schema").stdout)["properties"]["targets"]["items"]["enum"]
    assert {*of_settings, *(f"!{name}" for name in of_settings), "..."} == {*of_manifests}


def test_a_new_manifest_can_have_a_group(bench: Workbench) -> None:
    bench.write({"assemble.toml": ""})
    assert bench.run("new", "critic", "--description", "Reviews code.", "--set", "targets=@all").status == 0
    assert 'targets = ["@all"]\n' in bench.read("agents/critic.toml")


def test_the_groups_of_a_client_are_the_kits_after_an_import(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'targets = ["@all"]\n'})
    bench.write({".qwen/agents/critic.md": "---\nname: critic\ndescription: Reviews code.\n---\n\nYou review code.\n"})
    assert bench.run("import", ".qwen/agents/critic.md").status == 0
    assert "targets" not in bench.read("agents/critic.toml")
