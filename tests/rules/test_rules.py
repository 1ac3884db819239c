"""Every documented example of a rule fails or passes as it says, and the reference page is up to date."""

from __future__ import annotations

import json
import re

import pytest

from conftest import REPOSITORY, Workbench
from kei_assembler.diagnostics import Severity
from kei_assembler.rules.catalog import FAMILIES, RULES, documentation, reference
from kei_assembler.rules.definition import Fixable
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS
from kei_assembler.targets.sentences import SENTENCES
from rule_examples import example_files

BUILT = [code for code in RULES if not code.startswith("I")]
"""The codes of a build. The codes of an import have their own tests."""


def _write(bench: Workbench, example: str) -> None:
    files = example_files(example)
    bench.write({file.path: (file.text * file.times).encode(file.encoding) for file in files})
    (bench.folder / "agents").mkdir(exist_ok=True)


OUTSIDE_OF_GIT = ("C713", "C714", "C715")
"""The codes about the home folder, which a kit in a work tree cannot use anyway."""


@pytest.fixture(autouse=True)
def _outside_of_git(request: pytest.FixtureRequest) -> None:
    code = getattr(request.node, "callspec", None) and request.node.callspec.params.get("code")
    if code in OUTSIDE_OF_GIT and "bench" in request.fixturenames:
        (request.getfixturevalue("bench").folder / ".git").rmdir()


def _codes(bench: Workbench, *args: str) -> set[str]:
    run = bench.run("--all", "--output-format", "json", *args)
    assert run.stderr == ""
    return {diagnostic["code"] for diagnostic in json.loads(run.stdout)["diagnostics"]}


OTHERWISE_TESTED = ("C716", "C730", "L803", "L810", "O612", "O623", "O624", "O635", "O636")
"""The codes whose example needs more than its files: `--recursive`, git, or many manifests (see `test_memory.py`)."""


@pytest.mark.parametrize("code", [code for code in BUILT if code not in OTHERWISE_TESTED])
def test_the_failing_example_fails_with_its_code(code: str, bench: Workbench) -> None:
    _write(bench, documentation(RULES[code]).fails)
    assert code in _codes(bench, "--check")


@pytest.mark.parametrize("code", BUILT)
def test_the_passing_example_passes(code: str, bench: Workbench) -> None:
    _write(bench, documentation(RULES[code]).passes)
    assert _codes(bench) == set()
    assert _codes(bench, "--check") == set()


@pytest.mark.parametrize("code", BUILT)
def test_the_failing_example_has_no_other_finding(code: str, bench: Workbench) -> None:
    _write(bench, documentation(RULES[code]).fails)
    assert _codes(bench, "--check") - {"O609"} <= {code}


FIXABLE = [code for code in BUILT if RULES[code].fixable]


def _fixes(bench: Workbench) -> dict[str, bool]:
    """Return the codes whose findings have a fix, with whether it is safe."""
    found = json.loads(bench.run("--all", "--check", "--output-format", "json").stdout)["diagnostics"]
    return {diagnostic["code"]: diagnostic["fix"]["safe"] for diagnostic in found if "fix" in diagnostic}


@pytest.mark.parametrize("code", FIXABLE)
def test_the_fix_makes_the_failing_example_the_passing_one(code: str, bench: Workbench) -> None:
    fails, passes = (example_files(text) for text in documentation(RULES[code])[2:])
    _write(bench, documentation(RULES[code]).fails)
    is_safe = _fixes(bench)[code]
    assert RULES[code].fixable in (Fixable.EITHER, Fixable.SAFELY if is_safe else Fixable.UNSAFELY)
    before = bench.files()
    shown = bench.run("--all", "--unsafe-fixes", "--diff")
    assert bench.files() == before
    assert (shown.stdout.startswith("--- a/"), f"{code}" in shown.stderr) == (True, True)
    if not is_safe:
        bench.run("--all", "--fix")
        assert {file.path: bench.read(file.path) for file in fails} == {file.path: file.text for file in fails}
    bench.run("--all", "--fix" if is_safe else "--unsafe-fixes")
    fixed = {file.path: bench.read(file.path) for file in fails}
    assert fixed == {file.path: file.text for file in passes if file.path in fixed}
    assert code not in _codes(bench, "--check")
    after = bench.files()
    bench.run("--all", "--unsafe-fixes")
    assert bench.files() == after


@pytest.mark.parametrize("code", [code for code in BUILT if code not in FIXABLE and code not in OTHERWISE_TESTED])
def test_an_example_has_a_fix_only_if_the_documentation_says_so(code: str, bench: Workbench) -> None:
    _write(bench, documentation(RULES[code]).fails)
    assert code not in _fixes(bench)


@pytest.mark.parametrize("code", RULES)
def test_each_rule_is_documented(code: str) -> None:
    documented = documentation(RULES[code])
    assert documented.title.endswith(".")
    assert documented.fails
    assert documented.passes
    assert code[0] in FAMILIES


def test_the_catalog_has_every_rule_and_codes_are_unique() -> None:
    files = (REPOSITORY / "src" / "kei_assembler").rglob("*.py")
    codes = [
        code for file in files for code in re.findall(r'^@(?:rule|documented)\("(\w+)"', file.read_text(), re.MULTILINE)
    ]
    assert sorted(codes) == list(RULES)


def test_the_reference_page_is_up_to_date(bench: Workbench) -> None:
    assert bench.run("explain", "--all") == (0, (REPOSITORY / "docs" / "diagnostics.md").read_text(), "")


def test_lists_of_clients_come_from_the_rows() -> None:
    page = " ".join(reference().split())
    for name, sentence in SENTENCES.items():
        assert sentence in page, f"no rule says `<{name}>`"
    assert not re.search("<[a-z]+ clients|<clients ", page)
    readers = [row.label.partition(" and ")[0] for row in TARGETS.values() if ".claude/agents" in row.agent_folders]
    for code in ("O631", "O632"):
        assert listed(readers[1:], str) in documentation(RULES[code]).text  # the first is Claude Code


def test_explain_prints_one_rule(bench: Workbench) -> None:
    run = bench.run("explain", "b201")
    assert run.status == 0
    assert run.stdout.startswith("B201 unknown-block\n\nerror · A manifest lists a block that does not exist.")


def test_explain_without_a_code_lists_all_rules(bench: Workbench) -> None:
    lines = bench.run("explain").stdout.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(RULES)


def test_explain_rejects_an_unknown_code(bench: Workbench) -> None:
    run = bench.run("explain", "K11O")
    assert run.status == 2
    assert "unknown code `K11O`. Did you mean `K11" in run.stderr


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if not rule.may_ignore])
def test_errors_that_make_the_output_wrong_cannot_be_ignored(code: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    run = bench.run("--all", "--check", "--ignore", code)
    assert (run.status, run.stdout) == (2, "")
    assert f"{code} cannot be ignored" in run.stderr
    assert RULES[code].severity is Severity.ERROR


@pytest.mark.parametrize("code", [code for code in BUILT if RULES[code].may_ignore])
def test_the_option_and_the_setting_ignore_a_rule(code: str, bench: Workbench) -> None:
    _write(bench, documentation(RULES[code]).fails)
    assert code not in _codes(bench, "--check", "--ignore", code)
    settings = bench.folder / "assemble.toml"
    settings.write_text(f'ignore = ["{code}"]\n' + (settings.read_text() if settings.exists() else ""))
    assert code not in _codes(bench, "--check")


IGNORED_ERRORS = {
    "K109": {"agents/a.toml": 'name = "a"\ndescription = "A."\ntools = ["Read", "Read"]\n'},
    "H303": {
        "agents/a.toml": 'name = "a"\ndescription = "A."\n' + '[[handoff]]\ntarget = "b"\ntrigger = "t"\n' * 2,
        "agents/b.toml": 'name = "b"\ndescription = "B."\n',
    },
    "T401": {"agents/a.toml": 'name = "a"\ndescription = "A."\nrole = "Do {{TASK}}."\n'},
    "T402": {
        "agents/a.toml": 'name = "a"\ndescription = "A."\nblocks = ["x"]\n',
        "_blocks/x.md": "Do {{TASK}}.\n",
    },
    "O625": {
        "agents/a.toml": 'name = "a"\ndescription = "A."\n',
        "agents/b.md": "---\nname: a\ndescription: B.\n---\n",
    },
    "L801": {"agents/a.toml": 'name = "a"\ndescription = "A."\nrole = "You review code."\ntargets = ["qwen"]\n'},
    "K117": {
        "agents/a.toml": 'name = "a"\ndescription = "A."\n[target.claude-code.hooks]\nNewEvent = []\n',
        "assemble.toml": '[[allow-rights]]\nagent = "a"\nrights = ["claude-code.hooks"]\nreason = "tested"\n',
    },
    "K121": {
        "agents/a.toml": 'name = "a"\ndescription = "A."\n[target.claude-code]\ndisallowedTools = ["Bsh"]\n',
    },
    "L806": {
        "agents/a.toml": 'name = "a"\ndescription = "A."\n',
        "agents/explore.toml": 'name = "explore"\ndescription = "A."\ntargets = ["copilot"]\n',
    },
}
ORPHAN = 'name = "gone"\ndescription = "Gone."\n'


def test_every_error_that_can_be_ignored_is_tested() -> None:
    errors = {code for code, rule in RULES.items() if rule.may_ignore and rule.severity is Severity.ERROR}
    assert errors == IGNORED_ERRORS.keys()


@pytest.mark.parametrize("code", IGNORED_ERRORS)
def test_an_ignored_error_prevents_nothing(code: str, bench: Workbench) -> None:
    bench.write({"agents/gone.toml": ORPHAN})
    bench.run("--all")
    (bench.folder / "agents/gone.toml").unlink()
    bench.write(IGNORED_ERRORS[code])
    # The findings about other files on disk come on top of one that is about a file on disk.
    assert _codes(bench, "--check") - ({"O609", "O611"} if code == "O625" else set()) == {code}
    settings = IGNORED_ERRORS[code].get("assemble.toml", "")
    bench.write({"assemble.toml": f'ignore = ["{code}"]\n{settings}'})
    assert "O609" in _codes(bench, "--check")
    built = bench.run("--all", "--prune")
    assert (built.status, "deleted agents/gone.md" in built.stdout) == (0, True)
    assert "created " in built.stdout
    assert bench.run("--all", "--check").status == 0
    assert bench.run("agents/a.toml", "--stdout").status == 0


def test_strict_makes_a_warning_an_error(bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\ntools = ["Raed"]\n'})
    assert bench.run("--all", "--strict").status == 1
    assert not (bench.folder / "agents" / "a.md").exists()
    run = bench.run("--all")
    assert run.status == 0
    assert "warning[K111]" in run.stderr
    assert bench.run("--all", "--strict", "--ignore", "K111").status == 0


def test_an_obligatory_block_is_checked_even_if_the_manifest_lacks_it(bench: Workbench) -> None:
    manifest = 'name = "critic"\ndescription = "Reviews code."\n'
    bench.write(
        {"assemble.toml": 'obligatory = ["baseline"]\n', "_blocks/baseline.md": "", "agents/critic.toml": manifest}
    )
    run = bench.run("agents/critic.toml", "--output-format", "json")
    assert [one["code"] for one in json.loads(run.stdout)["diagnostics"]] == ["B205", "B203"]
