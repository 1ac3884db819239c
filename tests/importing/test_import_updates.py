"""A second import takes what changed in the files, and keeps what people changed in the manifests."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from typing import Any

import pytest

from conftest import Workbench
from repositories import commit_all, git

FOLDER = ".claude/agents"
FILE = f"{FOLDER}/critic.md"
MANIFEST = "agents/critic.toml"
RECORD = ".assemble/imported.json"
BODY = "You review code.\n\n## Honesty\n\nSay what you ran.\n\n## Report\n\nOne.\nTwo.\nThree.\n"


def _agent(body: str = BODY, keys: str = "", name: str = "critic", description: str = "Reviews code.") -> str:
    return f"---\nname: {name}\ndescription: {description}\ntools: Read, Grep\n{keys}---\n\n{body}"


def _manifest(bench: Workbench, path: str = MANIFEST) -> dict[str, Any]:
    return tomllib.loads(bench.read(path))


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    """A kit with an agent that was imported and not generated yet."""
    bench.write({FILE: _agent()})
    assert bench.run("import", ".").status == 0
    return bench


def test_an_import_records_what_it_read(kit: Workbench) -> None:
    assert json.loads(kit.read(RECORD)) == {
        "agents": {MANIFEST: {"claude-code": {"file": FILE, "text": _agent().split("\n")}}},
        "version": 1,
    }
    before = kit.files()
    assert kit.run("import", ".") == (0, "", "1 agent: 1 already imported\n")
    assert kit.files() == before


def test_a_second_import_shows_what_changed(kit: Workbench) -> None:
    kit.write({FILE: _agent(BODY.replace("Two", "Zwei"))})
    before = kit.files()
    run = kit.run("import", ".")
    assert (run.status, run.stdout) == (0, "")
    assert run.stderr == (
        f"{FILE}:1:1: note[I941] the file changed since it was imported to {MANIFEST}\n"
        f"    help: to take the change, run: assemble import --update {FILE}\n"
        f"--- {FILE} (imported)\n"
        f"+++ {FILE}\n"
        "@@ -13,5 +13,5 @@\n"
        " ## Report\n"
        " \n"
        " One.\n"
        "-Two.\n"
        "+Zwei.\n"
        " Three.\n"
        "1 agent: 1 already imported; 1 note\n"
    )
    assert kit.files() == before


def test_an_update_takes_what_changed_and_keeps_the_rest(kit: Workbench) -> None:
    kit.edit(MANIFEST, ("You review", "You kindly review"), ("tools =", "# few\ntools ="), ('"Grep"', "'Grep'"))
    kit.write({FILE: _agent(BODY.replace("Two", "Zwei"), "color: red\n", description="Reviews all code.")})
    run = kit.run("import", "--update", ".")
    assert (run.status, run.stdout) == (0, f"updated {MANIFEST}\n")
    assert kit.read(MANIFEST) == (
        'name = "critic"\ndescription = "Reviews all code."\n# few\ntools = ["Read", \'Grep\']\nrole = """\n'
        f'{BODY.replace("You", "You kindly").replace("Two", "Zwei")}"""\n\n[target.claude-code]\ncolor = "red"\n'
    )
    assert kit.run("import", ".").stderr.endswith("1 agent: 1 already imported\n")


def test_an_untouched_manifest_becomes_that_of_a_new_import(kit: Workbench) -> None:
    long = BODY + "".join(f"\n{number}\n" for number in range(60))
    kit.write({FILE: _agent(long, "model: opus\n")})
    assert kit.run("import", "--update", ".").stdout == f"updated {MANIFEST}\ncreated roles/critic.md\n"
    made = {path: content for path, (content, _) in kit.files().items() if not path.startswith(".git/")}
    for path in (MANIFEST, "roles/critic.md", RECORD, "assemble.toml"):
        (kit.folder / path).unlink()
    kit.run("import", ".")
    assert {path: content for path, (content, _) in kit.files().items() if not path.startswith(".git/")} == made


def test_nothing_is_written_in_a_dry_run(kit: Workbench) -> None:
    kit.write({FILE: _agent(BODY.replace("Two", "Zwei"))})
    before = kit.files()
    run = kit.run("import", "--update", "--dry-run", ".")
    assert (run.status, run.stdout, kit.files()) == (0, f"would update {MANIFEST}\n", before)
    assert f"--- a/{MANIFEST}\n+++ b/{MANIFEST}\n" in run.stderr
    assert "-Two.\n+Zwei.\n" in run.stderr


@pytest.mark.parametrize(
    ("ours", "theirs", "what"),
    [
        (("Two.", "2."), _agent(BODY.replace("Two.", "Zwei.")), "the text (`Report`)"),
        (("Reviews code", "Reads code"), _agent(description="Reviews a diff."), "`description`"),
        (("## Report\n\nOne.\nTwo.\nThree.\n", ""), _agent(BODY.replace("Two.", "Zwei.")), "the text (`Report`)"),
    ],
    ids=["line", "key", "section"],
)
def test_what_both_sides_changed_is_a_conflict(kit: Workbench, ours: tuple[str, str], theirs: str, what: str) -> None:
    kit.edit(MANIFEST, ours)
    kit.write({FILE: f"{theirs}\nMore.\n"})
    before = kit.files()
    run = kit.run("import", "--update", ".")
    assert (run.status, run.stdout, kit.files()) == (1, "", before)
    assert f"{FILE}:1:1: error[I942] {what} was changed here and in {MANIFEST}\n" in run.stderr
    assert f"--- {MANIFEST} ({what})\n+++ {FILE}\n" in run.stderr


def test_a_side_can_be_preferred(kit: Workbench) -> None:
    kit.edit(MANIFEST, ("Two.", "2."))
    kit.write({FILE: _agent(BODY.replace("Two.", "Zwei.").replace("You", "They"))})
    mine = kit.files()
    assert kit.run("import", "--update", "--prefer", "mine", ".").status == 0
    assert _manifest(kit)["role"] == BODY.replace("Two.", "2.").replace("You", "They")
    kit.write({path: content for path, (content, _) in mine.items()})
    assert kit.run("import", "--prefer", "upstream", ".").status == 0
    assert _manifest(kit)["role"] == BODY.replace("Two.", "Zwei.").replace("You", "They")


def test_a_change_that_was_made_by_hand_is_no_conflict(kit: Workbench) -> None:
    kit.edit(MANIFEST, ("Two.", "Zwei."))
    kit.write({FILE: _agent(BODY.replace("Two.", "Zwei."))})
    assert kit.run("import", "--update", ".").status == 0
    assert kit.run("import", ".") == (0, "", "1 agent: 1 already imported\n")


def test_a_section_in_a_block_changes_there(kit: Workbench) -> None:
    kit.edit(MANIFEST, ("## Honesty\n\nSay what you ran.\n\n", ""), ("role =", 'blocks = ["honesty"]\nrole ='))
    kit.write({"_blocks/honesty.md": "## Honesty\n\nSay what you ran.\n"})
    kit.write({FILE: _agent(BODY.replace("ran.", "ran, and when.").replace("## Report", "## New\n\nN.\n\n## Report"))})
    run = kit.run("import", "--update", ".")
    assert run.stdout == f"updated _blocks/honesty.md\nupdated {MANIFEST}\n"
    assert kit.read("_blocks/honesty.md") == "## Honesty\n\nSay what you ran, and when.\n"
    assert _manifest(kit)["role"] == "You review code.\n\n## New\n\nN.\n\n## Report\n\nOne.\nTwo.\nThree.\n"


def _two(bench: Workbench) -> None:
    """Import two agents with two blocks, and one that has only the second of them."""
    bench.write({f"{FOLDER}/{name}.md": _agent(BODY.replace("code", name), name=name) for name in ("critic", "tester")})
    report = BODY[BODY.index("## Report") :]
    bench.write({f"{FOLDER}/planner.md": _agent(f"You plan.\n\n{report}", name="planner")})
    bench.run("import", "--share-min=2", ".")
    assert _manifest(bench)["blocks"] == ["honesty", "report"]


def test_a_shared_block_changes_if_all_its_agents_do(bench: Workbench) -> None:
    _two(bench)
    for name in ("critic", "tester"):
        bench.edit(f"{FOLDER}/{name}.md", ("ran.", "ran, and when."))
    assert bench.run("import", "--update", ".").stdout == "updated _blocks/honesty.md\n"


def test_otherwise_an_agent_gets_a_copy_of_the_block(bench: Workbench) -> None:
    _two(bench)
    bench.edit(FILE, ("ran.", "ran, and when."))
    run = bench.run("import", "--update", ".")
    assert run.stdout == f"created _blocks/honesty-critic.md\nupdated {MANIFEST}\n"
    assert _manifest(bench)["blocks"] == ["honesty-critic", "report"]
    assert bench.read("_blocks/honesty-critic.md") == "## Honesty\n\nSay what you ran, and when.\n"
    assert _manifest(bench, "agents/tester.toml")["blocks"] == ["honesty", "report"]


def test_a_section_that_is_gone_is_no_longer_listed(bench: Workbench) -> None:
    _two(bench)
    for name in ("critic", "tester"):
        bench.edit(f"{FOLDER}/{name}.md", ("## Honesty\n\nSay what you ran.\n\n", ""))
    bench.run("import", "--update", ".")
    assert (_manifest(bench)["blocks"], (bench.folder / "_blocks/honesty.md").exists()) == (["report"], False)


def test_an_update_says_who_else_it_reaches_and_what_agents_gain(bench: Workbench) -> None:
    _two(bench)
    bench.write({"agents/mine.toml": 'name = "mine"\ndescription = "Mine."\nblocks = ["honesty"]\n'})
    for name in ("critic", "tester"):
        bench.edit(f"{FOLDER}/{name}.md", ("ran.", "ran, and when."), ("Grep", "Grep, Bash"))
    run = bench.run("import", "--update", ".")
    assert "_blocks/honesty.md: 1 other agent gets this too: `mine`\n" in run.stderr
    assert "warning: `critic`, `tester`: may now use `Bash` in Claude Code\n" in run.stderr
    assert run.stderr.endswith("overwrites the imported files\nthen run: assemble --all\n")


def test_inherited_keys_stay_inherited(kit: Workbench) -> None:
    kit.edit(MANIFEST, ('tools = ["Read", "Grep"]\n', 'extends = "base"\n'))
    kit.write({"agents/base.toml": 'name = "base"\nabstract = true\ntools = ["Read", "Grep"]\nmodel = "opus"\n'})
    kit.write({FILE: _agent(keys="color: red\n").replace("Read, Grep", "Read, Bash")})
    assert kit.run("import", "--update", ".").stdout == f"updated {MANIFEST}\n"
    made = _manifest(kit)
    assert (made["extends"], made["tools"]) == ("base", ["...", "Bash", "!Grep"])
    assert made["target"] == {"claude-code": {"color": "red"}}


def test_an_agent_with_a_new_file_name_is_updated(kit: Workbench) -> None:
    (kit.folder / FILE).unlink()
    kit.write({f"{FOLDER}/reviewer.md": _agent(f"{BODY}More.\n")})
    run = kit.run("import", "--update", ".")
    assert (run.status, run.stdout) == (0, f"updated {MANIFEST}\n")
    assert f'"{FOLDER}/reviewer.md"' in kit.read(RECORD)


@pytest.mark.parametrize("file", [FILE, f"{FOLDER}/judge.md"])
def test_an_agent_with_a_new_name_is_renamed(kit: Workbench, file: str) -> None:
    kit.write({"agents/boss.toml": 'name = "boss"\n[[handoff]]\ntarget = "critic"\ntrigger = "a change"\n'})
    (kit.folder / FILE).unlink()
    kit.write({file: _agent(f"{BODY}More.\n", name="judge")})
    run = kit.run("import", "--update", ".")
    assert (run.status, run.stdout.split("\n")[:-1]) == (
        0,
        ["updated agents/boss.toml", "created agents/judge.toml", f"deleted {MANIFEST}"],
    )
    assert (_manifest(kit, "agents/judge.toml")["name"], 'target = "judge"' in kit.read("agents/boss.toml")) == (
        "judge",
        True,
    )


@pytest.mark.parametrize("lines", [1, 60])
def test_agents_with_new_names_become_those_of_a_new_import(bench: Workbench, lines: int) -> None:
    text = "You work.\n" + "Work.\n" * lines
    bench.write({f"up/{name}.md": _agent(text, name=name) for name in "abc"})
    bench.run("import", "up")
    names = {"a": "b", "b": "c", "c": "x"}
    bench.write({f"up/{file}.md": _agent(f"{text}As {name}.\n", name=name) for file, name in names.items()})
    assert bench.run("import", "--update", "up").status == 0
    made = {path: content for path, (content, _) in bench.files().items() if not path.startswith(".git/")}
    for path in made:
        if not path.startswith("up/"):
            (bench.folder / path).unlink()
    bench.run("import", "up")
    assert {path: content for path, (content, _) in bench.files().items() if not path.startswith(".git/")} == made
    assert [path for path in made if path.startswith("agents/")] == [f"agents/{name}.toml" for name in "bcx"]


def test_a_conflict_leaves_the_name_too(kit: Workbench) -> None:
    kit.edit(MANIFEST, ("Two.", "2."))
    kit.write({FILE: _agent(BODY.replace("Two.", "Zwei."), name="judge"), f"{FOLDER}/tester.md": _agent(name="tester")})
    run = kit.run("import", "--update", ".")
    assert (run.status, run.stdout) == (1, "created agents/tester.toml\n")
    assert _manifest(kit)["name"] == "critic"


def test_names_that_both_sides_changed_are_a_conflict(kit: Workbench) -> None:
    kit.run("--all", "--force")
    commit_all(kit.folder)
    kit.run("rename", "critic", "judge")
    kit.write({FILE: _agent(name="reviewer")})
    run = kit.run("import", "--update", ".")
    assert "error[I942] the name was changed here and in agents/judge.toml" in run.stderr
    assert kit.run("import", "--update", "--prefer", "mine", ".").status == 0
    assert (_manifest(kit, "agents/judge.toml")["name"], kit.run("import", ".").status) == ("judge", 0)


def test_an_agent_that_was_renamed_in_the_kit_is_updated(kit: Workbench) -> None:
    kit.run("--all", "--force")
    commit_all(kit.folder)
    assert kit.run("rename", "critic", "judge").status == 0
    assert '"agents/judge.toml"' in kit.read(RECORD)
    kit.write({FILE: _agent(f"{BODY}More.\n")})
    assert kit.run("import", "--update", ".").stdout == "updated agents/judge.toml\n"
    assert _manifest(kit, "agents/judge.toml")["name"] == "judge"


@pytest.mark.parametrize("path", ["agents/team/critic.toml", "agents/judge.toml"])
def test_a_manifest_that_was_moved_by_hand_is_updated(kit: Workbench, path: str) -> None:
    kit.write({path: kit.read(MANIFEST).replace('"critic"', f'"{path.split("/")[-1].removesuffix(".toml")}"')})
    kit.write({FILE: _agent(f"{BODY}More.\n"), "agents/other.toml": 'name = "other"\ndescription = "D."\n'})
    (kit.folder / MANIFEST).unlink()
    assert kit.run("import", "--update", ".").stdout == f"updated {path}\n"
    assert f'"{path}"' in kit.read(RECORD)


def test_a_file_that_is_gone_is_mentioned(bench: Workbench) -> None:
    bench.write({"team/agents/critic.md": _agent(), "team/agents/tester.md": _agent("You test.\n", name="tester")})
    bench.run("import", "team")
    (bench.folder / "team/agents/critic.md").unlink()
    run = bench.run("import", "--update", "team")
    assert (run.status, run.stdout) == (0, "")
    assert run.stderr == (
        f"{MANIFEST}:1:1: note[I943] `team/agents/critic.md` is gone, which this manifest was imported from\n"
        "    help: if the agent is no longer needed, run: assemble remove critic\n"
        "1 agent: 1 already imported; 1 note\n"
    )


def test_files_outside_the_kit_are_recognized(bench: Workbench) -> None:
    bench.write({"up/agents/critic.md": _agent(), "kit/.keep": ""})
    bench.run("import", "../up/agents", cwd="kit")
    assert '"outside": "agents/critic.md"' in bench.read(f"kit/{RECORD}")
    bench.write({"up/agents/critic.md": _agent(f"{BODY}More.\n")})
    assert bench.run("import", "--update", "../up", cwd="kit").stdout == f"updated {MANIFEST}\n"


def test_an_agent_with_files_for_several_clients_is_updated(bench: Workbench) -> None:
    other = f"---\ndescription: Reviews code.\n---\n\n{BODY.replace('Three', 'III')}"
    bench.write({FILE: _agent().replace("tools: Read, Grep\n", ""), ".github/agents/critic.agent.md": other})
    bench.run("import", ".")
    assert _manifest(bench)["targets" if "targets" in _manifest(bench) else "name"]
    bench.edit(FILE, ("You review", "You carefully review"))
    bench.edit(".github/agents/critic.agent.md", ("You review", "You carefully review"), ("III", "3"))
    bench.edit(MANIFEST, ("name =", "# mine\nname ="))
    run = bench.run("import", "--update", ".")
    assert run.status == 0
    assert _manifest(bench)["role"].startswith("You carefully review code.")
    assert "3.\n" in bench.read("_blocks/critic-report@copilot.md")


@pytest.mark.parametrize("is_built", [False, True])
def test_without_a_record_git_has_what_was_imported(bench: Workbench, is_built: bool) -> None:
    bench.write({FILE: _agent(), "notes.toml": ""})
    commit_all(bench.folder)
    bench.run("import", ".")
    if is_built:
        bench.run("--all", "--force")
    (bench.folder / RECORD).unlink()
    git(bench.folder, "add", ".")
    git(bench.folder, "commit", "--quiet", "--message=imported")
    bench.edit(MANIFEST, ("You review", "You kindly review"))
    bench.write({FILE: _agent(BODY.replace("Two", "Zwei"))})
    run = bench.run("import", "--update", ".")
    assert (run.status, run.stdout) == (0, f"updated {MANIFEST}\n")
    assert _manifest(bench)["role"] == BODY.replace("You", "You kindly").replace("Two", "Zwei")
    assert json.loads(bench.read(RECORD))["agents"][MANIFEST]["claude-code"]["text"] == bench.read(FILE).split("\n")


def test_git_has_nothing_about_a_manifest_that_was_not_imported(bench: Workbench) -> None:
    bench.write({FILE: _agent(), MANIFEST: 'name = "critic"\ndescription = "Mine."\ntargets = ["codex"]\n'})
    commit_all(bench.folder)
    assert "error[I908]" in bench.run("import", "--update", ".").stderr


@pytest.mark.parametrize("share", [[], ["--share"]])
@pytest.mark.parametrize(
    "files",
    [
        {"agents/01-critic.md": "critic", "agents/tester.md": "tester"},
        {"agents/sub/critic.md": "critic", "agents/tester.md": "tester"},
        {"agents/a.md": "critic", "agents/b.md": "critic"},
        {"plugins/one/agents/critic.md": "critic", "plugins/two/agents/tester.md": "tester"},
        {"core/critic.md": "critic", "more/tester.md": "tester"},
        {f"{FOLDER}/old.md": "critic", ".github/agents/critic.agent.md": "critic"},
        {f"packages/one/{FOLDER}/critic.md": "critic", f"packages/two/{FOLDER}/tester.md": "tester"},
    ],
)
def test_the_next_commands_leave_a_clean_check(bench: Workbench, files: dict[str, str], share: list[str]) -> None:
    bench.write({path: _agent(name=name) for path, name in files.items()})
    run = bench.run("import", ".", *share)
    steps = re.findall("^(?:next: .*|then )run: assemble (.*?)(?:, which .*)?$", run.stderr, re.MULTILINE)
    assert len(steps) in (1, 2)
    for step in steps:
        assert bench.run(*shlex.split(step)).status == 0
    assert bench.run("--all", "--check").status == 0
    before = bench.files()
    assert bench.run("import", ".").status in (0, 2)
    assert bench.files() == before


def test_the_text_of_one_client_becomes_a_variant(bench: Workbench) -> None:
    other = ".github/agents/critic.agent.md"
    bench.write({FILE: _agent(), other: f"---\ndescription: Reviews code.\ntools: [read, search]\n---\n\n{BODY}"})
    bench.run("import", ".")
    bench.edit(MANIFEST, ('"Reviews code."', '"Reads code."  # mine'), ("name =", 'blocks = ["house"]\nname ='))
    bench.write({"_blocks/house.md": "Be kind.\n"})
    bench.edit(FILE, ("Two", "Zwei"))
    run = bench.run("import", "--update", ".")
    assert (run.status, _manifest(bench)["blocks"]) == (0, ["house", "critic-report"])
    assert "# mine\n" in bench.read(MANIFEST)
    assert "Zwei" in bench.read("_blocks/critic-report.md") + bench.read("_blocks/critic-report@copilot.md")
    bench.edit(FILE, ("Zwei", "Two"))
    assert bench.run("import", "--update", ".").status == 0
    assert (_manifest(bench)["blocks"], _manifest(bench)["role"]) == (["house"], BODY)
    assert sorted(path for path in bench.files() if path.startswith("_blocks")) == ["_blocks/house.md"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<<<<<< HEAD\n{", "this is not valid JSON"),
        ("[" * 100_000, "this is not valid JSON"),
        ("{}", "this is not a record of version 1"),
        ('{"version": 1, "agents": {"a.toml": []}}', "the entry of `a.toml` does not have a client for each file"),
        ('{"version": 1, "agents": {"a.toml": {"claude-code": {}}}}', "the entry of `a.toml` has no `file`"),
        (
            '{"version": 1, "agents": {"../../a.toml": {"claude-code": {"file": "x", "text": []}}}}',
            "the entry of `../../a.toml` has a path outside the root",
        ),
        (
            '{"version": 1, "agents": {"a.toml": {"claude-code": {"file": "/etc/passwd", "text": []}}}}',
            "the entry of `a.toml` has a path outside the root",
        ),
    ],
)
def test_a_broken_record_is_reported(kit: Workbench, text: str, message: str) -> None:
    kit.write({RECORD: text, f"{FOLDER}/tester.md": _agent("You test.\n", name="tester")})
    before = kit.files()
    run = kit.run("import", ".")
    assert (run.status, run.stdout, kit.files()) == (2, "", before)
    assert f"{RECORD}:1:1: error[I944] {message}" in run.stderr
