"""The library: what a program can do with a kit. The results are those of the commands."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import kei_assembler
from conftest import Workbench
from kei_assembler import Kit
from kei_assembler.build.changes import FileStatus
from kei_assembler.diagnostics import AssembleError

AGENT = 'name = "{0}"\ndescription = "Reviews {1}."\n'


@pytest.fixture
def kit(bench: Workbench) -> Kit:
    bench.write({f"agents/{name}.toml": AGENT.format(name, "code") for name in ("critic", "tester")})
    return Kit.load(bench.folder)


def test_a_kit_lists_its_manifests_and_agents(kit: Kit, bench: Workbench) -> None:
    assert Path(kit.folder) == bench.folder
    assert kit.manifests == ("agents/critic.toml", "agents/tester.toml")
    assert kit.agents == ("critic", "tester")
    assert Kit.load(bench.folder / "agents").folder == kit.folder


def test_an_applied_plan_leaves_no_changes(kit: Kit, bench: Workbench) -> None:
    plan = kit.plan()
    assert plan.diagnostics == ()
    assert [(change.status, change.path) for change in plan.changes] == [
        (FileStatus.CREATE, "agents/critic.md"),
        (FileStatus.CREATE, "agents/tester.md"),
    ]
    assert not (bench.folder / "agents/critic.md").exists()
    assert kit.apply(plan.changes) == tuple(change._replace(applied=True) for change in plan.changes)
    assert bench.read("agents/critic.md").encode() == plan.changes[0].after
    assert {change.status for change in kit.plan().changes} == {FileStatus.UNCHANGED}


def test_render_returns_the_written_bytes(kit: Kit, bench: Workbench) -> None:
    (artifact,) = kit.render("agents/critic.toml")
    assert kit.build("agents/critic.toml").status == 0
    assert bench.read(artifact.path).encode() == artifact.content
    names = [artifact.target for artifact in Kit.load(bench.folder, ["gemini", "copilot"]).render("agents/critic.toml")]
    assert names == ["gemini", "copilot"]


def test_changed_settings_apply_to_the_next_call(kit: Kit, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT.format("critic", "code") + 'tools = ["Raed"]\n'})
    kit.build()
    assert [found.code for found in kit.check()] == ["K111"]
    bench.write({"assemble.toml": 'ignore = ["K111"]\n'})
    assert kit.check() == ()
    bench.write({"assemble.toml": ""})
    assert [found.code for found in kit.build().findings] == ["K111"]


def test_a_check_finds_what_the_command_finds(kit: Kit, bench: Workbench) -> None:
    assert [found.code for found in kit.check()] == ["O609", "O609"]
    assert [found.location.file for found in kit.check("agents/tester.toml")] == ["agents/tester.md"]
    assert kit.build().applied == {"agents/critic.md", "agents/tester.md"}
    assert kit.check() == ()
    bench.write({"agents/critic.toml": AGENT.format("critic", "code") + 'colour = "red"\n'})
    (found,) = kit.check()
    assert (found.code, found.location.span.line) == ("K101", 3)
    assert "agents/critic.toml:3:1: error[K101]" in bench.run("--all", "--check").stderr


def test_edited_files_are_overwritten_only_with_force(kit: Kit, bench: Workbench) -> None:
    kit.build()
    bench.write({"agents/critic.md": "mine"})
    plan = kit.plan(Path("agents/critic.toml"))
    assert kit.apply(plan.changes) == ()
    assert bench.read("agents/critic.md") == "mine"
    assert [change.applied for change in kit.apply(plan.changes, force=True)] == [True]
    assert kit.check("agents/critic.toml") == ()


def test_the_settings_can_ignore_a_code(kit: Kit, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT.format("critic", "code") + 'tools = ["Frobnicate"]\n'})
    assert "K111" in {found.code for found in kit.check()}
    bench.write({"assemble.toml": 'ignore = ["K111"]\n'})
    assert "K111" not in {found.code for found in Kit.load(bench.folder).check()}


def test_threads_that_build_one_kit_do_not_disturb_each_other(bench: Workbench) -> None:
    bench.write({"_blocks/long.md": "Be kind.\n" * 50_000})
    bench.write({f"agents/a{n}.toml": AGENT.format(f"a{n}", "code") + 'blocks = ["long"]\n' for n in range(4)})
    for _ in range(10):
        with ThreadPoolExecutor(3) as pool:
            outcomes = list(pool.map(lambda _: Kit.load(bench.folder).build(), range(3)))
        assert [outcome.status for outcome in outcomes] == [0] * 3
        written = [path for path in bench.folder.glob("agents/*") if path.suffix != ".toml"]
        assert sorted(path.name for path in written if path.stat().st_size > 450_000) == [f"a{n}.md" for n in range(4)]
        assert len(written) == 4
        for path in written:
            path.unlink()


SHARED = """
import gc, os
from kei_assembler import Kit
forks = []
os.sched_getaffinity = lambda process: {0, 1}
os.register_at_fork(before=lambda: forks.append(1))
print(Kit.load().build().status, bool(forks), gc.get_freeze_count())
"""


def test_a_large_kit_releases_its_memory(kit: Kit, bench: Workbench) -> None:
    bench.write({f"agents/a{number}.toml": AGENT.format(f"a{number}", "code") for number in range(300)})
    run = subprocess.run([sys.executable, "-c", SHARED], cwd=kit.folder, capture_output=True, text=True, check=True)
    assert run.stdout == "0 True 0\n"


def test_a_plan_omits_ignored_codes(kit: Kit, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT.format("critic", "code") + 'tools = ["Raed", "Read", "Read"]\n'})
    assert [found.code for found in kit.plan().diagnostics] == ["K111", "K109"]
    bench.write({"assemble.toml": 'ignore = ["K109", "K111"]\n'})
    plan = kit.plan()
    assert (plan.diagnostics, [change.status for change in plan.changes]) == ((), ["create", "create"])


def test_changes_after_loading_apply_to_the_first_call(kit: Kit, bench: Workbench) -> None:
    bench.write({"assemble.toml": 'obligatory = ["rule"]\n', "_blocks/rule.md": "Be kind.\n"})
    bench.write({"agents/critic.toml": AGENT.format("critic", "code") + 'blocks = ["rule"]\n'})
    kit = Kit.load(bench.folder)
    bench.write({"_blocks/rule.md": "Be wise.\n"})
    kit.build("agents/critic.toml")
    assert "Be wise." in bench.read("agents/critic.md")


def test_errors_that_stop_the_run_are_raised(
    kit: Kit, bench: Workbench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.raises(AssembleError, match="no kit was found"):
        Kit.load(tmp_path_factory.mktemp("empty"))
    with pytest.raises(AssembleError, match=r"the folder `.*nowhere` does not exist"):
        Kit.load(bench.folder / "nowhere")
    with pytest.raises(AssembleError, match="the target `claude` does not exist"):
        Kit.load(bench.folder, ["claude"])
    with pytest.raises(AssembleError, match=r"`agents/missing\.toml` is not a manifest of the kit"):
        kit.plan("agents/missing.toml")
    bench.write({"agents/critic.toml": "name = "})
    with pytest.raises(AssembleError) as raised:
        kit.render("agents/critic.toml")
    assert [found.code for found in raised.value.diagnostics] == ["S003"]
    bench.write({"assemble.toml": "obligatry = []\n"})
    with pytest.raises(AssembleError) as raised:
        kit.check()
    assert [found.code for found in raised.value.diagnostics] == ["C701"]


def test_the_package_exports_only_its_public_names() -> None:
    names = {"Artifact", "AssembleError", "Change", "Diagnostic", "Kit", "Plan", "RunResult", "__version__"}
    assert set(kei_assembler.__all__) == names
    assert {name for name in names if isinstance(getattr(kei_assembler, name), type)} == names - {"__version__"}
    with pytest.raises(AttributeError, match="has no attribute 'Kitt'"):
        _ = kei_assembler.Kitt


def test_the_package_alone_imports_nothing() -> None:
    code = "import sys; import kei_assembler; print(*(name for name in sys.modules if name.startswith('kei_')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["kei_assembler"]
