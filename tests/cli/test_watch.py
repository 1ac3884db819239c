"""`assemble watch` rebuilds the kit when a source changes; only Ctrl-C ends it, not errors, renames or editors."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Workbench
from kei_assembler.report import text_report
from kei_assembler.report.watch_report import WatchReport
from kei_assembler.watch import builds

LOOKING_OFTEN = """
import watchfiles
watch = watchfiles.watch
watchfiles.watch = lambda *folders, **options: watch(*folders, **{**options, "rust_timeout": 100})
from kei_assembler.__main__ import command
command()
"""
WITHOUT_PLACEMENT = 'ignore = ["O627"]\n'
AGENT = 'name = "critic"\ndescription = "{}"\n'
PATIENCE = 20


class Watcher:
    """A running `assemble watch` and its output, line by line."""

    def __init__(self, folder: Path, *args: str) -> None:
        self.folder = folder
        command = [sys.executable, "-c", LOOKING_OFTEN, "watch", *args]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def says(self, text: str) -> None:
        """Wait for a line that contains the text."""
        self.until(text)

    def until(self, text: str) -> list[str]:
        """Wait for a line that contains the text, and return the lines before it."""
        seen: list[str] = []
        try:
            while text not in (line := self.lines.get(timeout=PATIENCE)):
                seen.append(line)
        except queue.Empty:
            pytest.fail(f"{text!r} did not come, but {seen}")
        return seen

    def write(self, name: str, text: str) -> None:
        _write(self.folder, {name: text})

    def left(self) -> list[str]:
        """Return the lines that no test waited for."""
        return [self.lines.get() for _ in range(self.lines.qsize())]

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(PATIENCE)
        self.reader.join()
        assert self.process.stdout
        self.process.stdout.close()
        return status


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[Watcher]:
    (tmp_path / ".git").mkdir()
    _write(tmp_path, {"agents/critic.toml": AGENT.format("Reviews code."), "assemble.toml": WITHOUT_PLACEMENT})
    watcher = Watcher(tmp_path)
    watcher.says("created agents/critic.md")
    watcher.says("1 agent, 1 file: 1 created")
    watcher.says(f"watching 1 agent in {tmp_path.resolve()}; press Ctrl-C to stop")
    yield watcher
    if watcher.process.poll() is None:
        watcher.end()


def test_a_change_of_any_kind_of_source_rebuilds(watcher: Watcher) -> None:
    watcher.write("agents/critic.toml", AGENT.format("Reviews diffs."))
    watcher.says("updated agents/critic.md")
    watcher.write("_blocks/baseline.md", "Be honest.\n")
    watcher.says("note[B206]")
    watcher.write("agents/critic.toml", AGENT.format("Reviews diffs.") + 'blocks = ["baseline"]\n')
    watcher.says("updated agents/critic.md")
    watcher.write("templates/agent.md.j2", "You are {{ agent.name }}.")
    watcher.says("updated agents/critic.md")
    watcher.write("templates/claude-code/agent.md.j2", "You are our {{ agent.name }}.")
    watcher.says("updated agents/critic.md")
    (watcher.folder / "templates/claude-code/agent.md.j2").write_text("You are their {{ agent.name }}.")
    watcher.says("updated agents/critic.md")
    watcher.write("assemble.toml", 'targets = ["claude-code", "gemini"]\n')
    watcher.says("created .gemini/agents/critic.md")
    assert watcher.end() == 0


def test_role_files(watcher: Watcher) -> None:
    naming = AGENT.format("Reviews code.") + 'role = {{ file = "{}/critic.md" }}\n'
    watcher.write("agents/critic.toml", naming.format("roles"))
    watcher.says("error[K133] the role file `roles/critic.md` does not exist")
    watcher.write("roles/critic.md", "You review code.\n")
    watcher.says("updated agents/critic.md")
    watcher.write("roles/critic.md", "You review diffs.\n")
    watcher.says("updated agents/critic.md")
    (watcher.folder / "roles").rename(watcher.folder / "texts")
    watcher.says("error[K133]")
    watcher.write("agents/critic.toml", naming.format("texts"))
    watcher.says("1 unchanged")
    watcher.write("texts/critic.md", "You review all.\n")
    watcher.says("updated agents/critic.md")
    (watcher.folder / "texts/critic.md").unlink()
    watcher.says("error[K133] the role file `texts/critic.md` does not exist")
    assert watcher.end() == 0


def test_a_mistake_is_reported_and_does_not_end_the_watch(watcher: Watcher) -> None:
    watcher.write("agents/critic.toml", "name = ")
    watcher.says("error[S003]")
    watcher.write("assemble.toml", "obligatry = []\n")
    watcher.says("error[C701]")
    watcher.write("assemble.toml", "obligatory = []\n")
    watcher.says("error[S003]")
    watcher.write("agents/critic.toml", AGENT.format("Reviews all."))
    watcher.says("updated agents/critic.md")
    assert watcher.end() == 0


def test_replaced_new_and_deleted_files(watcher: Watcher) -> None:
    agents = watcher.folder / "agents"
    (agents / ".critic.toml.swp").write_text(AGENT.format("Reviews more."))
    os.replace(agents / ".critic.toml.swp", agents / "critic.toml")
    watcher.says("updated agents/critic.md")
    (agents / "tester.toml").write_text(AGENT.format("Tests.").replace("critic", "tester"))
    watcher.says("created agents/tester.md")
    (agents / "tester.toml").unlink()
    watcher.says("orphan agents/tester.md")
    assert watcher.end() == 0


def test_the_interrupt_shows_no_traceback(watcher: Watcher) -> None:
    assert watcher.end() == 0
    assert "".join(watcher.left()) == ""


NOTE = "_blocks/unused.md:1:1: note[B206] no manifest uses the block `unused`"


def test_what_has_not_changed_is_not_repeated(watcher: Watcher) -> None:
    watcher.write("_blocks/unused.md", "Be honest.\n")
    watcher.says(NOTE)
    watcher.says("1 agent, 1 file: 1 unchanged; 1 note")
    watcher.write("agents/critic.toml", AGENT.format("Reviews diffs."))
    assert watcher.until("1 updated; 1 note") == ["updated agents/critic.md", "as before: 1 note"]
    watcher.write("agents/critic.toml", "name = ")
    watcher.says("error[S003]")
    watcher.says("nothing was written")
    watcher.write("_blocks/unused.md", "Be very honest.\n")
    assert watcher.until("nothing was written") == ["as before: 1 error"]
    watcher.write("agents/critic.toml", AGENT.format("Reviews diffs."))
    assert watcher.until("1 agent, 1 file: 1 unchanged; 1 note") == [
        "no longer reported: 1 finding",
        "as before: 1 note",
    ]
    watcher.write("agents/critic.toml", AGENT.format("Reviews diffs.") + 'blocks = ["unused"]\n')
    assert watcher.until("1 agent, 1 file") == ["updated agents/critic.md", "no longer reported: 1 finding"]
    assert watcher.end() == 0
    assert "\x1b" not in "".join(watcher.left())


def test_a_failure_that_stays_is_shown_once(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT.format("Reviews."), "assemble.toml": "obligatry = []\n"})
    report, failure = WatchReport(), "error: the settings have errors; nothing was done\n"

    def build() -> str:
        return report.render(next(builds(str(bench.folder))))[1]

    assert build().endswith(failure)
    assert [build(), build()] == ["as before: 1 error\n"] * 2
    bench.write({"assemble.toml": "obligatry = []\nexclud = []\n"})
    err = build()
    assert ("`obligatry`" in err, "`exclud`" in err, err.endswith("as before: 1 error\n")) == (False, True, False)
    bench.write({"assemble.toml": WITHOUT_PLACEMENT})
    assert build() == "no longer reported: 2 findings\n1 agent, 1 file: 1 created\n"
    shutil.rmtree(bench.folder / "agents")
    (bench.folder / "assemble.toml").unlink()
    first, second = build(), build()
    assert (first.count("is not a kit"), first.count("help: ")) == (1, 1)
    assert second == f"as before: `{bench.folder}` is not a kit\n"


def test_a_file_that_stays_edited_is_shown_once(watcher: Watcher) -> None:
    output = watcher.folder / "agents/critic.md"
    output.write_text(output.read_text() + "Mine.\n")
    watcher.write("_blocks/unused.md", "Be honest.\n")
    assert "-Mine." in watcher.until("1 error, 1 note")
    watcher.write("_blocks/unused.md", "Be very honest.\n")
    assert watcher.until("1 agent, 1 file: 1 edited; 1 error, 1 note") == ["as before: 1 error, 1 note"]
    watcher.write("agents/critic.toml", AGENT.format("Reviews diffs."))
    lines = watcher.until("1 agent, 1 file: 1 edited; 1 error, 1 note")
    assert "+description: Reviews diffs." in lines
    assert lines[-1] == "as before: 1 error, 1 note"
    assert watcher.end() == 0


def test_quiet(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    _write(tmp_path, {"agents/critic.toml": AGENT.format("Reviews code."), "assemble.toml": WITHOUT_PLACEMENT})
    watcher = Watcher(tmp_path, "--quiet")
    assert watcher.until("watching 1 agent") == ["1 agent, 1 file: 1 created"]
    watcher.write("agents/critic.toml", AGENT.format("Reviews diffs."))
    assert watcher.until("1 agent, 1 file: 1 updated") == []
    assert watcher.end() == 0


def test_a_kit_that_cannot_be_read_is_watched(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    _write(tmp_path, {"agents/critic.toml": AGENT.format("Reviews code."), "assemble.toml": "obligatry = []\n"})
    watcher = Watcher(tmp_path)
    watcher.says(f"watching {tmp_path.resolve()}; press Ctrl-C to stop")
    watcher.write("assemble.toml", "")
    watcher.says("1 agent, 1 file: 1 created")
    assert watcher.end() == 0


def test_the_suggested_command_names_the_kit(bench: Workbench) -> None:
    bench.run("init", "kit")
    output = bench.folder / ".claude/agents/reviewer.md"
    output.write_text(output.read_text() + "Mine.\n")
    out, err = text_report.render(next(builds(str(bench.folder / "kit"))))
    assert "edited ../.claude/agents/reviewer.md\n" in out
    assert "--- a/.claude/agents/reviewer.md\n" in out
    assert "run: assemble --force --kit kit agents/reviewer.toml\n" in err


def test_a_named_folder_is_watched_not_one_above_it(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT.format("Reviews."), "inner/README.md": "No kit.\n"})
    assert next(builds(str(bench.folder / "inner"))).request.agents == 0
    assert not (bench.folder / "agents/critic.md").exists()


def test_a_deleted_kit_is_reported_once_and_built_when_it_returns(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    kit = tmp_path / "tools/agents"
    files = {"assemble.toml": "", "agents/critic.toml": AGENT.format("Reviews."), "_blocks/a.md": "Be honest.\n"}
    _write(kit, files)
    watcher = Watcher(kit)
    watcher.says("1 agent, 1 file: 1 created")
    kit.rename(tmp_path / "away")
    shutil.rmtree(tmp_path / "away")
    watcher.says("is not a kit")
    _write(kit, files)
    watcher.says("created agents/critic.md")
    watcher.says("1 agent, 1 file: 1 created")
    assert watcher.end() == 0
    assert [line for line in watcher.left() if "agents:" in line] == []


def test_a_kit_replaced_with_a_link_is_not_built(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kei_assembler.watch.POLL_MS", 50)
    bench.write({f"{kit}/agents/critic.toml": AGENT.format(kit) for kit in ("work/kit", "other/kit")})
    work = bench.folder / "work"
    built = builds(str(work / "kit"))
    assert next(built).status == 0
    work.rename(bench.folder / "moved")
    work.symlink_to("other")
    _, err = text_report.render(next(built))
    assert err.startswith(f"error: `{work}/kit` or a folder above it was replaced with a link\n")
    assert not (bench.folder / "other/kit/agents/critic.md").exists()
    work.unlink()
    (bench.folder / "moved").rename(work)
    assert next(built).failure is None


def test_a_folder_that_is_unreadable_for_a_moment_does_not_end_the_watch(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write({"agents/critic.toml": AGENT.format("Reviews.")})
    scandir, is_barred = os.scandir, True

    def barred(path: str) -> Any:
        if is_barred:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", barred)
    built = builds(str(bench.folder))
    failure = next(built).failure
    assert failure
    assert "cannot be read: Permission denied" in failure.message
    is_barred = False
    assert next(built).applied == {"agents/critic.md"}


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["kit", os.fsdecode(b"k\xff"), "a\nb"], ids=["kit", "not UTF-8", "two lines"])
def test_odd_names_do_not_end_the_watch(folder: str, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    _write(tmp_path / folder, {"assemble.toml": "", "agents/critic.toml": AGENT.format("Reviews.")})
    watcher = Watcher(tmp_path / folder)
    watcher.says("1 agent, 1 file: 1 created")
    odd = os.fsdecode(b"agents/\xff.toml")
    watcher.write(odd, AGENT.format("Reviews."))
    watcher.says("error[O614]")
    (watcher.folder / odd).unlink()
    watcher.write("agents/critic.toml", AGENT.format("Reviews all."))
    watcher.says("updated agents/critic.md")
    assert watcher.end() == 0


def test_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    kit = tmp_path / "kit"
    settings = '[target.claude-code]\noutput = "~/.claude/agents/{name}.md"\n'
    _write(kit, {"assemble.toml": settings, "agents/critic.toml": AGENT.format("Checks.")})
    refused = next(builds(str(kit)))
    assert refused.failure
    assert [one.code for one in refused.diagnostics] == ["C713"]
    assert not (tmp_path / ".claude").exists()
    allowed = next(builds(str(kit), for_user=True))
    assert allowed.applied == {str(tmp_path / ".claude/agents/critic.md")}
