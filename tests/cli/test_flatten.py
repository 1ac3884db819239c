"""`assemble flatten`: what it refuses, what it leaves alone, and where it writes. Whole runs are in `tests/cases`."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import rtoml

from conftest import Workbench
from kei_assembler.cli import console
from kei_assembler.loader import load_kit
from kei_assembler.scaffold.flat_manifest import flatten, replace
from kei_assembler.toml.source import MAX_BYTES

BASE = 'name = "base"\nabstract = true\ndomain_in = ["inherited"]\n'
CRITIC = 'name = "critic"\ndescription = "Reviews code."\nextends = "base"\n'
FLAT = 'name = "critic"\ndescription = "Reviews code."\ndomain_in = ["inherited"]  # agents/base.toml:3\n'
OTHER = 'name = "other"\ndescription = "Reviews texts."\nextends = "bse"\n'
KIT = {"agents/base.toml": BASE, "agents/critic.toml": CRITIC}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "name the manifests to flatten, or use --all"),
        (["--all", "agents/critic.toml"], "name manifests or use --all, not both"),
        (["agents/crtic.toml"], "`agents/crtic.toml` does not exist"),
        (["_blocks/x.md"], "`_blocks/x.md` is not a manifest of the kit"),
        (["agents"], "`agents` is a folder"),
        (["--all", "--kit", "nowhere"], "the folder `nowhere` does not exist"),
        (["--check", "--all"], "No such option '--check'"),
    ],
)
def test_a_wrong_command_line_is_refused(args: list[str], message: str, bench: Workbench) -> None:
    bench.write(KIT | {"_blocks/x.md": "# X\n"})
    before = bench.files()
    run = bench.run("flatten", *args)
    assert (run.status, run.stdout) == (2, "")
    assert message in run.stderr
    assert bench.files() == before


@pytest.mark.parametrize("args", [["--write"], []])
@pytest.mark.parametrize("names", [["--all"], ["agents/critic.toml", "agents/other.toml"], ["agents/other.toml"]])
def test_an_error_stops_all(args: list[str], names: list[str], bench: Workbench) -> None:
    bench.write(KIT | {"agents/other.toml": OTHER})
    before = bench.files()
    run = bench.run("flatten", *args, *names)
    assert (run.status, run.stdout) == (1, "")
    assert run.stderr == (
        "agents/other.toml:3:1: error[E101] unknown base `bse`\n"
        '    3 | extends = "bse"\n'
        "      | ^^^^^^^ help: did you mean `base`?\n"
        "1 error; nothing was written\n"
    )
    assert bench.files() == before


@pytest.mark.parametrize(
    ("files", "place", "code"),
    [
        ({"agents/base.toml": f'{BASE}modl = "opus"\n'}, "agents/base.toml:4:1", "K101"),
        ({"agents/base.toml": b"\xff"}, "agents/base.toml:1:1", "S002"),
        ({"agents/base.toml": f'{BASE}blocks = ["nothing"]'}, "agents/base.toml:4:11", "B201"),
        ({"agents/critic.toml": f'{CRITIC}tools = ["...", "Read"]'}, "agents/critic.toml:4:10", "E104"),
        ({"agents/critic.toml": f'{CRITIC}blocks = ["@b"]'}, "agents/critic.toml:4:11", "E107"),
        ({"agents/critic.toml": f"{CRITIC}unset = ['tools']"}, "agents/critic.toml:4:10", "E105"),
        ({"assemble.toml": '[defaults]\ntools = ["..."]'}, "assemble.toml:2:10", "E141"),
        ({"assemble.toml": "bundls = {}"}, "assemble.toml:1:1", "C701"),
    ],
)
def test_a_mistake_is_one_finding(files: dict[str, str | bytes], place: str, code: str, bench: Workbench) -> None:
    bench.write(KIT | files)
    run = bench.run("flatten", "--write", "agents/critic.toml")
    errors = [line for line in run.stderr.splitlines() if "error[" in line]
    assert run.stdout == ""
    assert [line.partition(": error[")[::2][0] for line in errors] == [place]
    assert f"error[{code}]" in errors[0]
    assert (bench.folder / "agents/critic.toml").read_text() == (KIT | files)["agents/critic.toml"]


def test_ignored_findings_and_findings_about_blocks_stop_nothing(bench: Workbench) -> None:
    bench.write(KIT | {"assemble.toml": 'ignore = ["K111"]\n', "_blocks/a.md": "{{X}}\n"})
    bench.write({"agents/base.toml": f'{BASE}blocks = ["a"]\ntools = ["Raed"]\n'})
    assert bench.run("agents/critic.toml").status == 1
    run = bench.run("flatten", "agents/critic.toml")
    assert (run.status, run.stderr) == (0, "")


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbf# A\r\nname = 'base' # B\r\n[target]\r\n", b"name='base'\nabstract = false"]
)
def test_a_flat_manifest_stays_as_it_is(content: bytes, bench: Workbench) -> None:
    bench.write({"agents/base.toml": content, "assemble.toml": 'required = ["name"]\n'})
    before = bench.files()
    run = bench.run("flatten", "--write", "--all")
    assert (run.status, run.stdout, run.stderr) == (0, "", "1 manifest: 1 unchanged\n")
    assert bench.files() == before
    assert bench.run("flatten", "--all").stdout == content.removeprefix(b"\xef\xbb\xbf").decode().replace("\r\n", "\n")


def _without_own(text: str) -> str:
    """A printed manifest without the comments at what the manifest itself has."""
    return re.sub(r"  # agents/critic\.toml:\d+$", "", text, flags=re.MULTILINE)


def test_what_is_printed_says_where_everything_is(bench: Workbench) -> None:
    bench.write(KIT)
    lines = bench.run("flatten", "agents/critic.toml").stdout.splitlines()
    assert lines[:2] == [
        'name = "critic"  # agents/critic.toml:1',
        'description = "Reviews code."  # agents/critic.toml:2',
    ]
    assert all(" # agents/" in line for line in lines)


def test_a_kit_without_manifests_is_flat(bench: Workbench) -> None:
    bench.write({"assemble.toml": ""})
    assert bench.run("flatten", "--write", "--all")[::2] == (0, "0 manifests\n")


def test_the_order_of_unset_stays(bench: Workbench) -> None:
    settings = '[defaults]\nmodel = "opus"\ntools = ["Read"]\n'
    manifest = 'name = "a" # A\ndescription = "A."\nunset = ["tools", "model"]\n'
    bench.write({"assemble.toml": settings, "agents/a.toml": manifest})
    assert bench.run("flatten", "--all").stdout == manifest


VALUES = """\
targets = ["claude-code", "codex"]

[values]
PROJECT = "Shop"
OTHER = "unused"
OWNER = { doc = "Who answers.", default = "Ann" }

[target.codex.values]
PROJECT = "Shop for Codex"
OTHER = "unused"
"""
WITH_VALUES = """\
name = "critic"
description = "Reviews {{PROJECT}}."
role = { file = "roles/critic.md" }  # agents/base.toml:3
blocks = ["paths"]  # agents/base.toml:4

[values]
PROJECT = "Shop"  # assemble.toml:4
OWNER = "Ann"  # assemble.toml:6
PATHS = [
    "src",  # agents/base.toml:6
    "docs",
]

[target.codex.values]
PROJECT = "Shop for Codex"  # assemble.toml:9
"""


def test_values_of_the_settings_are_written_if_they_are_used(bench: Workbench) -> None:
    base = 'name = "base"\nabstract = true\nrole = { file = "roles/critic.md" }\nblocks = ["paths"]\n[values]\n'
    critic = CRITIC.replace("code", "{{PROJECT}}")
    bench.write(
        {
            "assemble.toml": VALUES,
            "roles/critic.md": "You answer to {{OWNER}}.\n",
            "_blocks/paths.md": "- {{PATHS}}\n",
            "agents/base.toml": f'{base}PATHS = ["src"]\n',
            "agents/critic.toml": f'{critic}values = {{ PATHS = ["...", "docs"] }}\n',
        }
    )
    assert bench.run("agents/critic.toml").status == 0
    assert _without_own(bench.run("flatten", "agents/critic.toml").stdout) == WITH_VALUES
    assert bench.run("flatten", "--write", "--all").stderr == "2 manifests: 2 updated\n"
    assert bench.run("flatten", "--all", "--write").stderr == "2 manifests: 2 unchanged\n"
    run = bench.run("agents/critic.toml", "--check")
    assert (run.status, run.stderr) == (0, "1 agent, 2 files: 2 unchanged\n")


def test_a_value_that_was_dropped_stays_so(bench: Workbench) -> None:
    manifest = 'name = "a" # A\ndescription = "A."\nunset = ["values.B"]\n'
    bench.write({"assemble.toml": 'values = { A = "x", B = "y" }\n', "agents/a.toml": manifest})
    assert bench.run("flatten", "--all").stdout == manifest


def test_a_manifest_with_windows_line_ends_gets_lf(bench: Workbench) -> None:
    bench.write(KIT | {"agents/critic.toml": f"# A\n\n{CRITIC}".replace("\n", "\r\n")})
    assert bench.run("flatten", "--write", "agents/critic.toml").stdout == "updated agents/critic.toml\n"
    assert bench.read("agents/critic.toml") == f"# A\n\n{FLAT}"


def test_other_folders_and_kits(bench: Workbench) -> None:
    bench.write({f"{kit}/{file}": text for kit in ("one", "two") for file, text in KIT.items()})
    run = bench.run("flatten", "../one/agents/critic.toml", "agents/critic.toml", cwd="two")
    assert _without_own(run.stdout) == f"# ../one/agents/critic.toml\n{FLAT}\n# agents/critic.toml\n{FLAT}"
    bench.write({"two/agents/base.toml": BASE.replace("domain_in", "domain")})
    run = bench.run("flatten", "--write", "one/agents/critic.toml", "two/agents/critic.toml")
    assert (run.status, run.stdout) == (1, "")
    assert run.stderr.startswith("two/agents/base.toml:3:1: error[K101]")
    assert bench.read("one/agents/critic.toml") == CRITIC
    run = bench.run("--kit", "one", "flatten", "--all", "--write")
    assert (run.stdout, run.stderr) == ("updated one/agents/critic.toml\n", "2 manifests: 1 updated, 1 unchanged\n")
    assert bench.read("one/agents/critic.toml") == FLAT


def test_a_link_in_the_root_is_followed_and_one_out_of_it_is_refused(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "critic.toml"
    outside.write_text(CRITIC)
    bench.write({"agents/base.toml": BASE, "shared/critic.toml": CRITIC})
    link = bench.folder / "agents/critic.toml"
    link.symlink_to("../shared/critic.toml")
    assert bench.run("flatten", "--write", "agents/critic.toml").status == 0
    assert (link.is_symlink(), bench.read("shared/critic.toml")) == (True, FLAT)
    link.unlink()
    link.symlink_to(outside)
    run = bench.run("flatten", "--write", "agents/critic.toml")
    assert (run.status, run.stdout, outside.read_text()) == (1, "", CRITIC)
    assert "outside the kit's root" in run.stderr


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems refuse such names")
@pytest.mark.parametrize("folder", ["a\nb", "a\u202eb", "\udcff", "a # b"])
def test_a_comment_shows_an_odd_path(folder: str, bench: Workbench) -> None:
    path = Path(os.fsencode(bench.folder).decode(), "agents", folder, "base.toml")
    path.parent.mkdir(parents=True)
    path.write_text(BASE)
    bench.write({"agents/critic.toml": CRITIC})
    run = bench.run("flatten", "agents/critic.toml")
    assert (run.status, len(run.stdout.splitlines())) == (0, 3)
    assert rtoml.loads(run.stdout)["domain_in"] == ["inherited"]
    assert bench.run("flatten", "--write", "agents/critic.toml").status == 0
    assert bench.run("agents/critic.toml").status == 0


def test_a_flat_manifest_must_not_be_too_large(bench: Workbench) -> None:
    half = "x" * (MAX_BYTES // 2)
    bench.write(
        {
            "agents/base.toml": f"{BASE}role = '{half}'\n",
            "agents/critic.toml": f"{CRITIC}output_extra_fields = ['{half}']\n",
        }
    )
    before = bench.files()
    run = bench.run("flatten", "--write", "--all")
    assert (run.status, run.stdout) == (2, "")
    assert "the flat version of agents/critic.toml would have more than 1,048,576 bytes" in run.stderr
    assert bench.files() == before


def test_a_manifest_that_changed_meanwhile_is_kept(bench: Workbench) -> None:
    bench.write(KIT)
    kit = load_kit(str(bench.folder))
    flat, _ = flatten(kit, kit.manifests)
    bench.write({"agents/critic.toml": f"{CRITIC}# more\n"})
    with pytest.raises(Exception, match=r"agents/critic\.toml was changed meanwhile"):
        replace(kit, flat)
    assert bench.read("agents/critic.toml") == f"{CRITIC}# more\n"


def test_a_terminal_and_a_log_get_safe_text(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = 'allow-characters = { "U+202E" = "tried" }\n'
    bench.write({"assemble.toml": allowed, "agents/base.toml": BASE.replace("inherited", "a\u202e")})
    assert "\u202e" in bench.run("flatten", "--all").stdout
    monkeypatch.setattr(console, "acts_on_text", lambda: True)
    assert "\u202e" not in bench.run("flatten", "--all").stdout
