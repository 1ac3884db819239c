"""Renames and removals of everything in generated kits: a renamed kit is compared with one written with the name."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

from composed_kits import BLOCKS, ROLES, ComposedKit, composed_kits
from conftest import examples
from kei_assembler import Kit
from kei_assembler.build.result import CLEAN
from kei_assembler.diagnostics import AssembleError
from kei_assembler.loader import load_kit
from kei_assembler.model.kinds import INSTRUCTIONS, SKILL
from kei_assembler.repair.names import known_names
from kei_assembler.repair.remove import remove
from kei_assembler.repair.rename import rename
from repositories import git

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
VALUES = ("PROJECT", "OWNER", "PATHS")
RECEIVER = "zed"


class Case(NamedTuple):
    """A rename, and the pattern for the old name in sources."""

    old: str
    new: str
    pattern: str
    written: str

    def expected(self, text: str) -> str:
        """Return the text of a source as somebody would have written it with the new name."""
        return re.sub(self.pattern, self.written, text)


def _block(name: str, new: str = "team/new-rule.v2") -> Case:
    return Case(f"block:{name}", new, rf'(?<=["!]){name}(?=["#])', new)


def _bundle(name: str, new: str = "renamed") -> Case:
    return Case(f"bundle:{name}", f"@{new}", rf"\b{name}\b", new)


def _agent(name: str, new: str = "m-renamed-2") -> Case:
    return Case(name, new, rf"\b{name}\b", new)


def _value(name: str, new: str = "NEW_2") -> Case:
    return Case(f"value:{name}", new, rf"\b{name}\b", new)


class Written(NamedTuple):
    """A kit in a folder: its files, sources and outputs."""

    folder: Path

    def files(self) -> dict[str, bytes]:
        paths = (path for path in self.folder.rglob("*") if path.is_file() and ".git" not in path.parts)
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}

    def sources(self) -> Iterator[Path]:
        yield self.folder / "assemble.toml"
        for folder in ("agents", "skills", "instructions", "_blocks", "roles"):
            yield from (path for path in (self.folder / folder).rglob("*") if path.is_file())

    def build(self) -> None:
        result = Kit.load(self.folder).build()
        assume(result.status == CLEAN)

    def passes(self) -> bool:
        return not any(one.severity.name == "ERROR" for one in Kit.load(self.folder).check())

    def rename(self, old: str, new: str) -> None:
        rename(load_kit(str(self.folder)), old, new).draft.write()

    def remove(self, label: str) -> str:
        """Remove something, and return why that is refused, or ""."""
        try:
            remove(load_kit(str(self.folder)), label).draft.write()
        except AssembleError as error:
            return error.message
        return ""


_SHARED = ("name", "description", "extends", "abstract", "blocks", "role", "values")
"""The keys of agents whose values are the same in all clients, so that skills and instructions can have them, too."""


def _write(composed: ComposedKit, folder: Path, kinds: bool, odd: bool) -> Written:
    """Write a kit whose manifests also refer to each other, and whose text is not what a program would write."""
    for number, data in enumerate(composed.manifests.values()):
        if number % 2 and "handoff" not in data:
            data["handoff"] = [{"target": RECEIVER, "trigger": "tests"}]
            data.setdefault("tools", ["Read"])
            data["tools"] = [*data["tools"], f"Agent({RECEIVER}, editor)"]
    composed.manifests[RECEIVER] = {
        "name": RECEIVER,
        "description": "Does the rest.",
        "role": "You do what is left.\n\nTake your time.\n" * 5,
        "blocks": [*composed.settings["obligatory"]],
    }
    composed.settings["allow-rights"].insert(0, {**composed.settings["allow-rights"][0], "agent": RECEIVER})
    composed.settings["targets"] = ["claude-code", "codex", "copilot"]
    composed.write(folder)
    named = {json.dumps(data.get("role")) for data in composed.manifests.values()}
    for file in ROLES:
        if json.dumps({"file": file}) not in named:  # it is no source
            (folder / file).unlink()
    if kinds:
        shared = {name: {key: data[key] for key in data if key in _SHARED} for name, data in composed.manifests.items()}
        for kind in (SKILL, INSTRUCTIONS):
            composed._replace(manifests=shared).write_others(folder, kind)
    written = Written(folder)
    for path in written.sources():
        if odd:
            text = path.read_text()
            text = re.sub(r'^(name|extends) = "(.*)"$', r"\1   =  '\2'  # a \"comment\"", text, flags=re.MULTILINE)
            is_toml = path.suffix == ".toml"
            path.write_bytes(("# first\n" * is_toml + text).replace("\n", "\r\n").removesuffix("\r\n").encode())
    (folder / "AGENTS.md").write_text("Ours.\n\nStays.")
    return written


def _move(folder: Path, old: str, new: str) -> None:
    (folder / new).parent.mkdir(exist_ok=True)
    (folder / old).rename(folder / new)


def _write_with_new_name(before: Written, folder: Path, case: Case) -> Written:
    """Write the sources of a kit with the new name from the start."""
    for path in before.sources():
        target = folder / path.relative_to(before.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        is_text = path.suffix == ".md" and not case.old.startswith("value:")
        text = path.read_bytes().decode()
        target.write_bytes((text if is_text else case.expected(text)).encode())
    (folder / "AGENTS.md").write_text("Ours.\n\nStays.")
    kind, _, name = case.old.rpartition(":")
    if kind == "block":
        for path in [*(folder / "_blocks").glob("*.md")]:
            if path.stem.partition("@")[0] == name:
                _move(folder, f"_blocks/{path.name}", f"_blocks/{case.new}{path.stem.removeprefix(name)}.md")
    elif not kind:
        place = name if "/" in name else f"agents/{name}"
        _move(folder, f"{place}.toml", f"{place.rpartition('/')[0]}/{case.new}.toml")
    return Written(folder)


@st.composite
def _cases(draw: Any) -> tuple[ComposedKit, Case]:
    composed = draw(composed_kits())
    names = [RECEIVER, *composed.manifests]
    bundles = [name for name in composed.settings["bundles"] if "." not in name]
    makers = {_agent: names, _block: BLOCKS, _bundle: bundles, _value: VALUES}
    maker = draw(st.sampled_from([*makers]))
    return composed, maker(draw(st.sampled_from(makers[maker])))


@examples(15, SLOW)
@given(_cases(), st.booleans())
def test_a_renamed_kit_is_the_kit_with_the_new_name(drawn: tuple[ComposedKit, Case], odd: bool) -> None:
    composed, case = drawn
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        kit = _write(composed, Path(one).resolve(), False, odd)
        expected = _write_with_new_name(kit, Path(other).resolve(), case)
        kit.build()
        before = kit.files()
        kit.rename(case.old, case.new)
        expected.build()
        assert kit.files() == expected.files()
        assert kit.passes()
        back = f"{case.old.rpartition(':')[0]}:".removeprefix(":") + case.new.removeprefix("@")
        kit.rename(back, case.old.rpartition(":")[2])
        assert kit.files() == before
        assert not (kit.folder / "_blocks/team").exists()


@examples(10, SLOW)
@given(composed_kits(), st.sampled_from(["skills", "instructions"]), st.booleans())
def test_other_kinds(composed: ComposedKit, kind: str, odd: bool) -> None:
    name = next((name for name in composed.manifests if "abstract" not in composed.manifests[name]), "m0")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        kit = _write(composed, Path(one).resolve(), True, odd)
        case = Case(f"{kind}/{name}", "new-name", r"\b\B", "")
        expected = _write_with_new_name(kit, Path(other).resolve(), case)
        for path in (expected.folder / kind).glob("*.toml"):
            path.write_bytes(re.sub(rf"\b{name}\b", "new-name", path.read_bytes().decode()).encode())
        kit.build()
        before = kit.files()
        kit.rename(case.old, case.new)
        expected.build()
        after, wanted = kit.files(), expected.files()
        # a section stays where it is, and a build would add the new one in the order of the manifests
        shared = {path for path in wanted if Path(path).name in ("AGENTS.md", "CLAUDE.md")}
        assert {path: after[path] for path in after.keys() - shared} == {
            path: wanted[path] for path in wanted.keys() - shared
        }
        assert {path: sorted(after[path].splitlines()) for path in shared} == {
            path: sorted(wanted[path].splitlines()) for path in shared
        }
        assert kit.passes()
        kit.rename(f"{kind}/new-name", name)
        assert kit.files() == before
        assert not (kit.folder / ".agents/skills/new-name").exists()


def _drops_keys(composed: ComposedKit) -> bool:
    return any("unset" in manifest for manifest in composed.manifests.values())


@examples(10, SLOW)
@given(composed_kits(), st.booleans())
def test_what_is_removed_is_gone_and_the_rest_stays(composed: ComposedKit, odd: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        kit = _write(composed, Path(name).resolve(), False, odd)
        kit.build()
        for label in [*known_names(load_kit(str(kit.folder)))]:
            if label not in known_names(load_kit(str(kit.folder))):
                continue  # only a manifest that is gone had it
            before, refusal, after = kit.files(), kit.remove(label), kit.files()
            if refusal:
                # `unset` can name a table of which the value is the last key
                is_dropped = "check would not find the same" in refusal and _drops_keys(composed)
                assert is_dropped or refusal.endswith(("is still used", "shares its line with others"))
                assert after == before
                continue
            changed = {path for path in after if after[path] != before[path]}
            assert all(path.endswith(".toml") and not path.startswith(".") for path in changed)
            assert label not in known_names(load_kit(str(kit.folder)))
            assert kit.passes()


@examples(7, SLOW)
@given(_cases())
def test_git_sees_renames(drawn: tuple[ComposedKit, Case]) -> None:
    composed, case = drawn
    with tempfile.TemporaryDirectory() as name:
        kit = _write(composed, Path(name).resolve(), False, False)
        kit.build()
        git(kit.folder, "init", "--quiet")
        git(kit.folder, "add", "--all")
        git(kit.folder, "commit", "--quiet", "--message=kit")
        old = {*kit.files()}
        kit.rename(case.old, case.new)
        staged = git(kit.folder, "diff", "--cached", "--name-status", "--find-renames=100%").splitlines()
        moved = {tuple(line.split("\t")[1:]) for line in staged}
        assert {line[:1] for line in staged} <= {"R"}
        assert {new for _, new in moved} == {*kit.files()} - old
        assert {path for path, _ in moved} == old - {*kit.files()}
        assert git(kit.folder, "ls-files", "--others") == ""
        # in a file without much text, most lines have the name, so one commit for both needs a low threshold
        tree = git(kit.folder, "write-tree").strip()
        git(kit.folder, "add", "--all")
        rest = git(kit.folder, "diff", "--cached", "--name-status", tree).splitlines()
        assert {line[:1] for line in rest} <= {"M"}
        changed = git(kit.folder, "diff", "--cached", "--name-status", "--find-renames=25%").splitlines()
        assert {line[:1] for line in changed} <= {"R", "M"}
        subprocess.run(["git", "fsck", "--strict"], cwd=kit.folder, check=True, capture_output=True)
