"""`assemble impact` on generated histories: it reports exactly what building both ends and comparing them shows."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from histories import CLIENT_FILES, History, histories
from hypothesis import HealthCheck, given, reject

from conftest import examples
from kei_assembler.analysis.impact.comparison import compare
from kei_assembler.analysis.impact.results import CHANGED, DELETED, MOVED, NEW, SEVERAL, Impact, Output
from kei_assembler.build.classify import comment_of
from kei_assembler.build.kit_plan import previews
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.revisions import revision
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.outputs import outputs_of
from kei_assembler.loader import load_kit, load_kit_at
from kei_assembler.markdown import stamp
from kei_assembler.model.kinds import AGENT, ItemName
from kei_assembler.model.manifest import is_abstract
from kei_assembler.render.renderer import Artifact
from repositories import git


def _loaded(folder: Path) -> LoadedKit:
    """The kit in a folder. An edit of a block can make the settings invalid, which name a section of it."""
    try:
        return load_kit(str(folder))
    except AssembleError:
        reject()


Built = Mapping[ItemName, Mapping[str, Artifact]]


def _name_of(kit: LoadedKit, file: str) -> ItemName:
    return ItemName(kit.manifest_files.kind_of(file).name, stem(file))


def _slot(artifact: Artifact) -> str:
    """The client of an agent's file, the name of the file that a section is in, or the path of another file."""
    if artifact.kind == AGENT.name:
        return artifact.target
    return os.path.basename(artifact.path) if artifact.section else artifact.path


def _slot_of(kind: str, output: Output) -> str:
    if output.section:
        return os.path.basename(output.present_path)
    is_of_agent = kind == AGENT.name and not output.present_path.endswith("SKILL.md")
    return output.target if is_of_agent else output.present_path


def _built(kit: LoadedKit) -> Built:
    """All outputs of the items without errors, built from the whole kit, without sections that import others."""
    _, made = previews(kit, map(kit.read_manifest, kit.manifests), Policy.of(kit).ignore, {})
    return {
        _name_of(kit, file): {_slot(artifact): artifact for artifact in each.artifacts if artifact.manifest}
        for file, each in made.items()
        if len(each.artifacts) == len(outputs_of(kit, each.manifest, file))
    }


def _lines(artifact: Artifact | None) -> list[str]:
    if artifact is None:
        return []
    if artifact.section:
        return artifact.content.decode().split("\n")[1:-2]
    return stamp.split(artifact.content.decode(), comment_of(artifact.kind, artifact.target))[1].split("\n")[:-1]


def _differing(kit: LoadedKit, before: Built, after: Built) -> dict[tuple[ItemName, str], tuple[str, str, str]]:
    """The outputs that differ, each with what happened to it and its paths before and after."""
    items = {_name_of(kit, file) for file in kit.manifests if not is_abstract(kit.read_manifest(file).data)}
    found = {}
    for name in {*before, *after}:
        if name in items and name not in after:
            continue  # it has errors
        olds, news = before.get(name, {}), after.get(name, {})
        for target in {*olds, *news}:
            old, new = olds.get(target), news.get(target)
            paths = old.path if old else "", new.path if new else ""
            if _lines(old) != _lines(new) or paths[0] != paths[1]:
                status = NEW if old is None else DELETED if new is None else MOVED if paths[0] != paths[1] else CHANGED
                found[name, target] = status, *paths
    return found


def _check(impact: Impact, kit: LoadedKit, before: Built, after: Built) -> None:
    outputs = {(item.named, _slot_of(item.kind, output)): output for item in impact.items for output in item.outputs}
    seen = {key: (output.status, output.old_path, output.path) for key, output in outputs.items()}
    assert seen == _differing(kit, before, after)
    for (name, target), output in outputs.items():
        old, new = (_lines(built.get(name, {}).get(target)) for built in (before, after))
        gone, come = (
            Counter(line for share in output.shares.values() for line in getattr(share, side))
            for side in ("removed", "added")
        )
        assert Counter(old) - gone + come == Counter(new)
    for effect in impact.effects:
        assert {output.present_path for output in effect.outputs} == {
            output.present_path for output in outputs.values() if effect.change.cause in output.shares
        }
    assert {cause for output in outputs.values() for cause in output.shares} == {
        effect.change.cause for effect in impact.effects
    }


def _files(history: History) -> Iterator[str]:
    """The sources that differ."""
    before, after = history.before.sources(), history.after.sources()
    changed = (file for file in {*before, *after} if before.get(file) != after.get(file))
    return (file for file in changed if file not in CLIENT_FILES)


@examples(60, [HealthCheck.too_slow, HealthCheck.data_too_large])
@given(histories())
def test_the_report_is_what_building_both_ends_shows(
    tmp_path_factory: pytest.TempPathFactory, history: History
) -> None:
    folders = [tmp_path_factory.mktemp(name) for name in ("before", "after")]
    for folder, state in zip(folders, (history.before, history.after), strict=True):
        state.write(folder)
    before, after = (_loaded(folder) for folder in folders)
    impact = compare(before, after, "before", "after")
    _check(impact, after, *(_built(load_kit(str(folder))) for folder in folders))
    sources = {*_files(history)}
    for change in [*(effect.change for effect in impact.effects), *impact.unused]:
        assert change.cause.kind == SEVERAL or change.cause.file in sources
    reported = {change.cause.file for change in impact.unused}
    reported |= {effect.change.cause.file for effect in impact.effects}
    hidden = impact.incomparable or any(cause.kind == SEVERAL for item in impact.items for cause in item.causes)
    # nobody may use a role file
    assert hidden or {file for file in sources if not file.startswith("roles/")} <= reported
    for folder in folders:
        shutil.rmtree(folder)


def _commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=kit")


@examples(20, [HealthCheck.too_slow, HealthCheck.data_too_large])
@given(histories())
def test_commits_and_the_work_tree_are_compared_alike(
    tmp_path_factory: pytest.TempPathFactory, history: History
) -> None:
    top = tmp_path_factory.mktemp("top")
    folder = top / "team" / "kit"
    folder.mkdir(parents=True)
    git(top, "init", "--quiet", "--initial-branch=main")
    history.before.write(folder)
    _loaded(folder)
    _commit(top)
    git(top, "checkout", "--quiet", "-b", "other")
    history.after.write(folder)
    kit = _loaded(folder)
    expected = compare(load_kit_at(str(folder), revision(str(folder), "HEAD")), kit, "main", "other")
    _commit(top)
    git(top, "checkout", "--quiet", "main")
    (top / "unrelated.md").write_text("Other work.\n")
    _commit(top)
    git(top, "merge", "--quiet", "--no-edit", "other")
    for since, until in (("main^1", "main"), ("other~1", "other")):
        kits = [load_kit_at(str(folder), revision(str(folder), name)) for name in (since, until)]
        assert compare(kits[0], kits[1], "main", "other") == expected
    shutil.rmtree(top)
