"""Fixes of sources: `--fix`, `--unsafe-fixes` and what they keep as it is."""

from __future__ import annotations

import json
import os
import subprocess
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import rtoml

from conftest import Run, Workbench
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.diagnostics import AssembleError, Diagnostic, Fix, Location, Replacement, Severity, Span
from kei_assembler.files import DISK, Files
from kei_assembler.kit.discovery import read_kit
from kei_assembler.loader import load_kit
from kei_assembler.repair.fixes import MAX_ROUNDS, Fixes
from kei_assembler.toml.positions import comments
from mutated_kits import KIT, mutant

BASE, HEIR = "agents/base-reviewer.toml", "agents/critic.toml"
SHARED = {"assemble.toml", BASE}
MUTANTS = range(12)
MORE_MUTANTS = range(12, 1000)


class Checked(NamedTuple):
    """The findings about a kit, what it generates from each manifest, and what its agents may do."""

    found: tuple[Diagnostic, ...]
    outputs: Mapping[str, Mapping[str, bytes | None]]
    abilities: Mapping[str, Any]

    @property
    def errors(self) -> set[tuple[str, str]]:
        return {(one.location.file, one.code) for one in self.found if one.severity is Severity.ERROR}


def _checked(folder: Path, files: Files = DISK) -> Checked:
    try:
        kit = load_kit(str(folder), files=files)
    except AssembleError as error:
        return Checked(error.diagnostics, {}, {})
    plan = plan_kit(kit, kit.manifests, True)
    outputs: dict[str, dict[str, bytes | None]] = {}
    for change in plan.changes:
        outputs.setdefault(change.manifest, {})[change.path] = change.after
    abilities = {}
    for file in kit.manifests:
        if not kit.read_manifest(file).error:
            manifest, _ = kit.decoded(file)
            tools = None if manifest.tools is None else {*manifest.tools}
            abilities[file] = tools, [each.target for each in manifest.handoff], _rights(manifest.target)
    return Checked((*plan.diagnostics, *plan.about_files), outputs, abilities)


HARMLESS = ("temperature", "color", "steps", "values")


def _rights(tables: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, Any]]:
    return [
        (target, key, value)
        for target, table in sorted(tables.items())
        for key, value in table.items()
        if key not in HARMLESS
    ]


def _written(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def _fixed(folder: Path, with_unsafe: bool) -> dict[str, str]:
    """Fix a kit, and return the new texts of the files that changed."""
    fixes = Fixes(read_kit(str(folder)), with_unsafe)

    def check(files: Files) -> Sequence[Diagnostic]:
        return sorted(_checked(folder, files).found)

    fixes.apply(check)
    fixes.write()
    return {each.path: each.after.decode() for each in fixes.changes}


def _comments(folder: Path) -> Counter[str]:
    texts = ((folder / name).read_text() for name in KIT if name.endswith(".toml"))
    return Counter(comment for text in texts for comment, _ in comments(text))


def test_the_kit_without_mistakes_has_no_errors(tmp_path: Path) -> None:
    _written(tmp_path, KIT)
    assert _checked(tmp_path).errors == set()
    assert _fixed(tmp_path, with_unsafe=True) == {}


def _check_laws(seed: int, folder: Path, with_unsafe: bool) -> None:
    made = mutant(seed)
    _written(folder, made.files)
    before, comments_before = _checked(folder), _comments(folder)
    # findings in the settings, in a base or about TOML hide others
    is_whole = not any(file in SHARED or code[0] in "SE" for file, code in before.errors)
    reached = made.touched | ({HEIR} if BASE in made.touched else set())
    reached |= {*KIT} if "assemble.toml" in made.touched else set()
    changed = _fixed(folder, with_unsafe)
    after = _checked(folder)
    assert changed.keys() <= reached
    assert {file for file, _ in after.errors} <= reached
    assert _comments(folder) == comments_before
    if is_whole:
        assert {code for _, code in after.errors} <= {code for _, code in before.errors}
    if is_whole and not with_unsafe:
        assert after.abilities == before.abilities
    if not changed.keys() & SHARED:
        for manifest in before.outputs.keys() & after.outputs.keys() - changed.keys():
            assert after.outputs[manifest] == before.outputs[manifest]
    assert _fixed(folder, with_unsafe) == {}


@pytest.mark.parametrize("with_unsafe", [False, True])
def test_mutated_kits_are_fixed_within_the_laws(with_unsafe: bool, tmp_path: Path) -> None:
    for seed in MUTANTS:
        _check_laws(seed, tmp_path / str(seed), with_unsafe)


@pytest.mark.slow
@pytest.mark.parametrize("with_unsafe", [False, True])
def test_many_mutated_kits_are_fixed_within_the_laws(with_unsafe: bool, tmp_path: Path) -> None:
    for seed in MORE_MUTANTS:
        _check_laws(seed, tmp_path / str(seed), with_unsafe)


@pytest.mark.slow
def test_most_mistakes_become_what_was_meant(tmp_path: Path) -> None:
    results = Counter[bool]()
    for seed in range(200):
        folder = tmp_path / str(seed)
        _written(folder, mutant(seed).files)
        _fixed(folder, with_unsafe=True)
        results[not _checked(folder).errors] += 1
    assert results[True] > results.total() * 0.8


def test_crlf_and_a_bom_stay(tmp_path: Path) -> None:
    for seed in range(6):
        made, plain, other = mutant(seed), tmp_path / f"{seed}", tmp_path / f"{seed}-crlf"
        _written(plain, made.files)
        _written(other, {name: BOM_UTF8 + text.replace("\n", "\r\n").encode() for name, text in made.files.items()})
        expected, fixed = _fixed(plain, with_unsafe=True), _fixed(other, with_unsafe=True)
        assert fixed == {name: f"\ufeff{text}".replace("\n", "\r\n") for name, text in expected.items()}


CRITIC = """\
name = "critic"
descripton = "Reviews code."
tools = ["Read", "Gerp", "Read"]
"""


def _assemble(bench: Workbench, *args: str) -> tuple[Run, dict[str, Any]]:
    run = bench.run("--all", *args, "--output-format", "json")
    return run, json.loads(run.stdout)


def test_safe_fixes_are_made_and_the_kit_is_built(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC})
    run = bench.run("--all", "--fix")
    assert run.status == 0
    assert run.stdout == "fixed agents/critic.toml [K101, K109]\ncreated agents/critic.md\n"
    assert run.stderr.endswith(
        "2 findings fixed; 1 agent, 1 file: 1 created; 1 warning\n1 fixable with --unsafe-fixes\n"
    )
    fixed = CRITIC.replace("descripton", "description").replace(', "Read"]', "]")
    assert bench.read("agents/critic.toml") == fixed
    run = bench.run("--all", "--unsafe-fixes")
    assert run.stdout == "fixed agents/critic.toml [K111]\nupdated agents/critic.md\n"
    assert run.stderr == "1 finding fixed; 1 agent, 1 file: 1 updated\n"
    assert bench.read("agents/critic.toml") == fixed.replace("Gerp", "Grep")


def test_findings_without_a_fix_do_not_prevent_fixes(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC, "agents/other.toml": 'name = "other"\n'})
    run = bench.run("--all", "--fix")
    assert (run.status, run.stdout) == (1, "fixed agents/critic.toml [K101, K109]\n")
    assert run.stderr.endswith("2 findings fixed; 1 error, 1 warning\n1 fixable with --unsafe-fixes\n")
    assert not (bench.folder / "agents/critic.md").exists()


def test_with_diff_nothing_is_written(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC})
    before = bench.files()
    run = bench.run("--all", "--fix", "--diff")
    assert run.status == 0
    assert run.stdout == (
        "--- a/agents/critic.toml\n+++ b/agents/critic.toml\n@@ -1,3 +1,3 @@\n"
        ' name = "critic"\n-descripton = "Reviews code."\n-tools = ["Read", "Gerp", "Read"]\n'
        '+description = "Reviews code."\n+tools = ["Read", "Gerp"]\n'
    )
    assert run.stderr.startswith("would fix agents/critic.toml [K101, K109]\n")
    assert run.stderr.endswith("2 findings to fix; 1 warning\n1 fixable with --unsafe-fixes\n")
    run, report = _assemble(bench, "--unsafe-fixes", "--diff", "--check")
    assert run.status == 1
    assert (report["diagnostics"], report["changes"]) == ([], [])
    assert [(each["path"], each["codes"]) for each in report["fixed"]] == [
        ("agents/critic.toml", ["K101", "K111", "K109"])
    ]
    assert report["fixed"][0]["diff"].endswith('+tools = ["Read", "Grep"]\n')
    assert bench.files() == before
    subprocess.run(["patch", "-p1", "-s"], cwd=bench.folder, input=report["fixed"][0]["diff"], text=True, check=True)
    assert bench.run("--all", "--fix", "--diff", "--check").status == 0


def test_with_check_sources_are_fixed_and_outputs_are_not(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC})
    run = bench.run("--all", "--unsafe-fixes", "--check")
    assert run.status == 1
    assert run.stdout == "fixed agents/critic.toml [K101, K109, K111]\nwould create agents/critic.md [O609]\n"
    assert not (bench.folder / "agents/critic.md").exists()


def test_settings_are_fixed(bench: Workbench) -> None:
    settings = '[tool.assemble]\nobligatry = ["_blocks/b.md"] # ours\n\n[tool.assemble.targt]\n'
    bench.write({"pyproject.toml": f'[project]\nname = "x"\n\n{settings}', "_blocks/b.md": "Be kind.\n"})
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\nblocks = ["b"]\n'})
    run = bench.run("--all", "--fix")
    assert (run.status, run.stdout) == (0, "fixed pyproject.toml [C701, C702]\ncreated agents/a.md\n")
    assert '\nobligatory = ["b"] # ours\n\n[tool.assemble.target]\n' in bench.read("pyproject.toml")


def test_invalid_settings_that_nothing_fixes_do_not_hide_what_was_fixed(bench: Workbench) -> None:
    bench.write({"agents/a.toml": "", "assemble.toml": 'obligatry = []\nblocks = ["rules"]\n'})
    run = bench.run("--all", "--fix")
    assert (run.status, run.stdout) == (2, "fixed assemble.toml [C701]\n")
    assert "the folder `rules` does not exist" in run.stderr
    assert bench.read("assemble.toml") == 'obligatory = []\nblocks = ["rules"]\n'


def test_a_base_is_fixed_once_for_all_that_inherit(bench: Workbench) -> None:
    child = 'name = "{}"\ndescription = "A."\nextends = "base"\n'
    bench.write({
        "agents/base.toml": 'name = "base"\nabstract = true\nblocks = ["one"]\n',
        "agents/a.toml": child.format("a"),
        "agents/b.toml": child.format("b"),
        "assemble.toml": 'obligatory = ["two", "one"]\n',
        "_blocks/one.md": "One.\n",
        "_blocks/two.md": "Two.\n",
    })  # fmt: skip
    run = bench.run("--all", "--fix")
    assert (run.status, run.stdout.split("\n")[0]) == (0, "fixed agents/base.toml [B203]")
    assert bench.read("agents/base.toml") == 'name = "base"\nabstract = true\nblocks = ["two", "one"]\n'


def test_a_stale_schema_is_fixed(bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    schema = ".assemble/manifest.schema.json"
    bench.write({schema: bench.run("schema").stdout})
    bench.write({"agents/b.toml": 'name = "b"\ndescription = "B."\n'})
    _, report = _assemble(bench, "--check")
    (fix,) = (each["fix"] for each in report["diagnostics"] if each["file"] == schema)
    assert fix["safe"]
    assert len(fix["edits"][0]["text"]) < len(bench.read(schema)) / 10
    run = bench.run("--all", "--fix", "--check")
    assert f"fixed {schema} [O610]\n" in run.stdout
    assert bench.read(schema) == bench.run("schema").stdout


def test_several_keys_are_moved_at_once(bench: Workbench) -> None:
    keys = "".join(f'{key} = ["X"]\n' for key in ("domain_in", "forbidden_domain", "output_extra_fields"))
    head = 'name = "a"\ndescription = "A."\n'
    bench.write({"agents/a.toml": f'{head}\n[references]\nextra = ["x"]\n{keys}model = "opus"\n'})
    assert bench.run("--all", "--fix").stdout.startswith("fixed agents/a.toml [K110]\n")
    assert bench.read("agents/a.toml") == f'{head}{keys}model = "opus"\n\n[references]\nextra = ["x"]\n'


def test_two_keys_for_one_place_do_not_break_the_file(bench: Workbench) -> None:
    text = 'name = "a"\ndescription = "A."\n\n[references]\nmodel = "opus"\n\n[[handoff]]\nmodel = "haiku"\n'
    bench.write({"agents/a.toml": text})
    bench.run("--all", "--fix")
    fixed = bench.read("agents/a.toml")
    assert rtoml.loads(fixed)["model"] == "opus"
    assert fixed.count("model") == 2


def test_there_are_at_most_ten_rounds(bench: Workbench) -> None:
    entries = ", ".join(['"x"'] * 30)
    bench.write({"agents/a.toml": f'name = "a"\ndescription = "A."\ntools = ["Read"]\ntargets = [{entries}]\n'})
    calls = 0

    def check(_: Files) -> list[Diagnostic]:
        nonlocal calls
        calls += 1
        span = Span(1, 1, 1, 1)
        fix = Fix((Replacement("agents/a.toml", span, "#"),), is_safe=True)
        return [Diagnostic(Location("agents/a.toml", span), "K101", Severity.ERROR, "", fix=fix)]

    fixes = Fixes(read_kit(str(bench.folder)), with_unsafe=False)
    fixes.apply(check)
    (changed,) = fixes.changes
    assert changed.after == b"#" * MAX_ROUNDS + changed.before
    assert calls == MAX_ROUNDS + 1


def test_overlapping_fixes_wait_for_the_next_round(bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\nblocks = ["_blocks/x.md", "b", "b"]\n'})
    bench.write({"assemble.toml": 'obligatory = ["b"]\n', "_blocks/x.md": "X.\n", "_blocks/b.md": "B.\n"})
    assert bench.run("--all", "--fix").status == 0
    assert bench.read("agents/a.toml").endswith('blocks = ["b", "x"]\n')


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that the user cannot write to")
def test_if_a_file_cannot_be_written_none_is(bench: Workbench) -> None:
    bench.write({"agents/a.toml": CRITIC.replace("critic", "a"), "agents/z/z.toml": CRITIC.replace("critic", "z")})
    before = bench.files()
    (bench.folder / "agents/z").chmod(0o500)
    run = bench.run("--all", "--fix")
    (bench.folder / "agents/z").chmod(0o700)
    assert run.status == 2
    assert "agents/z/z.toml cannot be written" in run.stderr
    assert {name: content for name, (content, _) in bench.files().items()} == {
        name: content for name, (content, _) in before.items()
    }


def test_each_kit_of_several_is_fixed(bench: Workbench) -> None:
    bench.write({f"{kit}/agents/critic.toml": CRITIC for kit in ("one", "two")})
    run, report = _assemble(bench, "--recursive", "--fix")
    assert run.status == 0
    assert [(each["kit"], each["path"]) for each in report["fixed"]] == [
        ("one", "one/agents/critic.toml"),
        ("two", "two/agents/critic.toml"),
    ]


@pytest.mark.parametrize("option", ["--fix", "--unsafe-fixes"])
@pytest.mark.parametrize("other", [("--stdout",), ("--output-dir", "out")])
def test_contradictions_are_refused(option: str, other: tuple[str, ...], bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC})
    run = bench.run("agents/critic.toml", option, *other)
    assert (run.status, run.stdout) == (2, "")
    assert "--fix and --unsafe-fixes cannot be used with --stdout or --output-dir" in run.stderr


def test_a_fix_is_not_kept_in_the_run_cache(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC})
    for _ in range(2):
        bench.run("--all", "--fix")
        bench.write({"agents/critic.toml": CRITIC})
    assert "fixed" in bench.run("--all", "--fix").stdout


@pytest.mark.parametrize(
    ("top", "fixed"),
    [
        ('color = "red" # loud\n', '\n[target.claude-code]\ncolor = "red" # loud\n'),
        ('maxTurns = 3\n[target.claude-code]\ncolor = "red"\n', '[target.claude-code]\ncolor = "red"\nmaxTurns = 3\n'),
    ],
)
def test_a_key_of_one_client_moves_to_its_table(top: str, fixed: str, bench: Workbench) -> None:
    head = 'name = "a"\ndescription = "A."\n'
    bench.write({"agents/a.toml": head + top})
    assert bench.run("--all", "--fix").status == 0
    assert bench.read("agents/a.toml") == head + fixed


def test_a_key_of_several_clients_moves_to_the_table_of_one_of_the_kit(bench: Workbench) -> None:
    """The manifest is for another client of the kit."""
    head = 'name = "a"\ndescription = "A."\ntargets = ["claude-code"]\n'
    bench.write({"agents/a.toml": f"{head}steps = 3\n", "assemble.toml": 'targets = ["claude-code", "opencode"]\n'})
    bench.run("--all", "--fix")
    assert bench.read("agents/a.toml") == f"{head}\n[target.opencode]\nsteps = 3\n"


def test_an_older_name_of_a_key_is_replaced(bench: Workbench) -> None:
    manifest = (
        'name = "a"\ndescription = "A."\nrole = "You work."\ntargets = ["opencode"]\n\n[target.opencode]\n{} = 3\n'
    )
    bench.write({"agents/a.toml": manifest.format("maxSteps")})
    assert bench.run("--all", "--fix").status == 0
    assert bench.read("agents/a.toml") == manifest.format("steps")
    bench.write({"assemble.toml": "[defaults.target.opencode]\nmaxSteps = 3\n"})
    assert bench.run("--all", "--fix").status == 0
    assert bench.read("assemble.toml") == "[defaults.target.opencode]\nsteps = 3\n"


UNSAFE = (
    ('tols = ["Bash"]', "K101"),
    ('tools = "Read, Bash"', "K102"),
    ('permissionMode = "plan"', "K101"),
    ('[references]\nextra = ["x"]\ntools = ["Bash"]', "K110"),
    ('[[handof]]\ntarget = "critic"\ntrigger = "t"', "K101"),
    ("[target.claude-code]\nhoks = {}", "K101"),
    ('extends = "bse"', "E101"),
)


@pytest.mark.parametrize(("line", "code"), UNSAFE)
def test_what_decides_on_abilities_is_never_safe(line: str, code: str, bench: Workbench) -> None:
    text = f'name = "a"\ndescription = "A."\n{line}\n'
    bench.write({"agents/a.toml": text, "agents/base.toml": 'name = "base"\nabstract = true\ntools = ["Bash"]\n'})
    _, report = _assemble(bench, "--check")
    assert [each["fix"]["safe"] for each in report["diagnostics"] if each["code"] == code] == [False]
    bench.run("--all", "--fix")
    assert bench.read("agents/a.toml") == text


def test_there_is_no_fix_if_several_names_are_as_likely(bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\nblocks = ["step-4"]\n'})
    bench.write({f"_blocks/step-{number}.md": "Step.\n" for number in (1, 2, 3)})
    _, report = _assemble(bench, "--check")
    (found,) = (each for each in report["diagnostics"] if each["code"] == "B201")
    assert "fix" not in found


def test_sarif_has_fixes(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC})
    run = bench.run("--all", "--output-format", "sarif")
    results = json.loads(run.stdout)["runs"][0]["results"]
    (fix,) = next(each["fixes"] for each in results if each["ruleId"] == "K101")
    assert fix["properties"] == {"safe": True}
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "agents/critic.toml"
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 11},
            "insertedContent": {"text": "description"},
        }
    ]


def test_github_shows_the_corrected_line(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC, "assemble.toml": 'obligatory = ["x"]\n', "_blocks/x.md": "X.\n"})
    out = bench.run("--all", "--output-format", "github").stdout
    assert '%0Afix (assemble --fix): description = "Reviews code."\n' in out
    assert '%0Afix (assemble --unsafe-fixes): tools = ["Read", "Grep", "Read"]\n' in out
    assert "%0Afix: assemble --fix corrects this\n" in out


def test_files_outside_of_a_sparse_checkout_stay(bench: Workbench) -> None:
    manifest = 'name = "{}"\ndescription = "A."\ntools = ["Read", "Read"]\n'
    files = {"agents/a.toml": manifest.format("a"), "team/b.toml": manifest.format("b")}
    bench.write({**files, "assemble.toml": 'manifests = ["agents", "team"]\n'})
    (bench.folder / ".git").rmdir()
    user = ("-c", "user.email=a@example.org", "-c", "user.name=a")
    for args in (
        ("init", "--quiet"),
        ("add", "."),
        (*user, "commit", "--quiet", "--message", "A kit"),
        ("sparse-checkout", "set", "--no-cone", "/assemble.toml", "/agents/"),
    ):
        subprocess.run(["git", *args], cwd=bench.folder, check=True, capture_output=True)
    run = bench.run("--all", "--fix")
    assert run.stdout == "fixed agents/a.toml [K109]\n"
    assert not (bench.folder / "team").exists()
