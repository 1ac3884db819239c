"""Rules about what clients read of instructions, scoped rules and skills: nothing of it, or the same text twice."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from kei_assembler.diagnostics import Diagnostic, Severity
from kei_assembler.files.sparse_checkout import is_left_out
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.outputs import folder_of, hiding_file, outputs_of, readers, reads_skill, twice_loaded
from kei_assembler.model.kinds import INSTRUCTIONS, SKILL
from kei_assembler.model.manifest import Manifest
from kei_assembler.paths import normalize, path_below
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.runner import run_rule
from kei_assembler.suggestions import listed, nearest
from kei_assembler.targets import TARGETS
from kei_assembler.targets.instructions import SHARED_FILE
from kei_assembler.toml.source import START, Source


@rule("O645", Severity.NOTE)
def loaded_twice(target: str, path: str, shared: str, remedy: str) -> Iterable[Violation]:
    """A client reads the same instructions twice: in `AGENTS.md`, and in a file of another client that imports it.

    That costs tokens in every session.

    Fails::

        # instructions/house.toml
        name = "house"
        role = "Be kind."
        targets = ["claude-code", "copilot"]

        # CLAUDE.md
        Ask before you push.

    Passes::

        # instructions/house.toml
        name = "house"
        role = "Be kind."
        targets = ["claude-code", "copilot"]
    """
    program = TARGETS[target].instructions.program
    message = f"{program} reads `{shared}` and `{path}`, which imports it, so it loads the text twice"
    yield Violation(START, message, f"to load it once, {remedy}")


@rule("O646", Severity.WARNING)
def hidden_by_file(target: str, path: str, shared: str) -> Iterable[Violation]:
    """A client reads another file instead of the generated one, so that it does not get the instructions.

    Codex CLI does not read `AGENTS.md` in a folder with an `AGENTS.override.md`. Claude Code reads no `AGENTS.md` if
    there is a `CLAUDE.md`, a `.claude/CLAUDE.md` or a `CLAUDE.local.md` in the same folder or in one around it. If the
    folder has a `CLAUDE.md` of its own, that imports the text.

    Fails::

        # instructions/house.toml
        name = "house"
        role = "Be kind."
        targets = ["codex"]

        # AGENTS.override.md
        Ask before you push.

    Passes::

        # instructions/house.toml
        name = "house"
        role = "Be kind."
        targets = ["codex"]
    """
    message = f"{TARGETS[target].label} reads `{path}` instead of `{shared}`, so it does not get these instructions"
    other = TARGETS[target].instructions.other
    hint = f"move what it says to `{shared}`, and delete `{path}`"
    if other:
        own = normalize(f"{os.path.dirname(shared) or '.'}/{other.name}")
        hint = f"create an empty `{own}`, and the next build makes it import `{SHARED_FILE}`; or delete `{path}`"
    yield Violation(START, message, hint)


@rule("O647")
def missing_folder(context: ManifestContext) -> Iterable[Violation]:
    """The folder that instructions are for does not exist.

    Fails::

        # instructions/api.toml
        name = "api"
        role = "Be kind."
        folder = "packages/apii"

        # packages/api/README.md
        The API.

    Passes::

        # instructions/api.toml
        name = "api"
        role = "Be kind."
        folder = "packages/api"

        # packages/api/README.md
        The API.
    """
    kit, manifest = context.kit, context.manifest
    key, full = ("paths" if manifest.paths else "folder"), folder_of(kit, manifest)
    if full is None or not readers(manifest, kit.targets_of(manifest)):
        return
    path, folder = kit.output_path(full), path_below(kit.path(full), kit.path(kit.settings.root))
    if folder and not kit.variant.output_dir and not kit.files.is_folder(path) and not is_left_out(kit.files, path):
        around, name = os.path.split(folder)
        beside = kit.files.list(os.path.dirname(path)) if kit.files.is_folder(os.path.dirname(path)) else ()
        known = [entry.name for entry in beside if entry.is_folder and not entry.name.startswith(".")]
        match = nearest(name, known)
        hint = (
            f"did you mean `{normalize(os.path.join(around, match))}`?" if match else "folders are relative to the root"
        )
        yield Violation((key,), f"the folder `{folder}` does not exist", hint)


@rule("K136")
def folder_and_paths(context: ManifestContext) -> Iterable[Violation]:
    """A manifest has both `folder` and `paths`.

    Instructions are either for a folder, in its `AGENTS.md`, or for the files that match patterns, as a scoped rule.

    Fails::

        # instructions/api.toml
        name = "api"
        role = "Be kind."
        folder = "packages/api"
        paths = ["packages/api/**/*.py"]

        # packages/api/README.md
        The API.

    Passes::

        # instructions/api.toml
        name = "api"
        role = "Be kind."
        paths = ["packages/api/**/*.py"]
    """
    if context.manifest.folder and context.manifest.paths:
        yield Violation(("folder",), "`folder` and `paths` exclude each other", "keep one of them")


@rule("O648", Severity.WARNING)
def no_scoped_rules(context: ManifestContext) -> Iterable[Violation]:
    """A client has no scoped rules, and the patterns in `paths` have no folder in common.

    If they had one, the client would get the text in the `AGENTS.md` of that folder.

    Fails::

        # instructions/python.toml
        name = "python"
        role = "Be kind."
        paths = ["**/*.py"]
        targets = ["codex"]

    Passes::

        # instructions/python.toml
        name = "python"
        role = "Be kind."
        paths = ["src/**/*.py"]
        targets = ["codex"]

        # src/README.md
        The sources.
    """
    manifest = context.manifest
    lacking = readers(manifest, context.kit.targets_of(manifest)) if manifest.paths else ()
    if lacking and folder_of(context.kit, manifest) is None:
        labels = listed((TARGETS[target].label for target in lacking), str)
        verb = "has" if len(lacking) == 1 else "have"
        message = (
            f"{labels} {verb} no scoped rules, and these files have no folder in common, so the text is lost there"
        )
        yield Violation(("paths",), message, f"without `paths`, it goes into `{SHARED_FILE}`; or set `targets`")


OF_MANIFEST = (folder_and_paths, missing_folder, no_scoped_rules)


@rule("O649", Severity.NOTE)
def scoped_rule_twice(other: str, targets: Sequence[str]) -> Iterable[Violation]:
    """Clients get the text of a scoped rule a second time, from another file that they also read.

    Fails::

        # instructions/python.toml
        name = "python"
        role = "Be kind."
        paths = ["src/**/*.py"]
        targets = ["claude-code", "copilot"]

    Passes::

        # instructions/python.toml
        name = "python"
        role = "Be kind."
        paths = ["src/**/*.py"]
        targets = ["claude-code"]
    """
    labels = listed((TARGETS[target].label for target in targets), str)
    message = f"the text is loaded twice in {labels}: as a scoped rule, and from `{other}`"
    yield Violation(
        ("paths",), message, f"leave {listed(targets)} out of `targets`, or use `folder` instead of `paths`"
    )


@rule("O650", Severity.NOTE)
def skill_shown_twice(target: str, paths: Sequence[str]) -> Iterable[Violation]:
    """A client reads both folders that a skill is written to, and may show the skill twice.

    Claude Code reads skills from `.claude/skills`, and most other clients from `.agents/skills`. Some read both. If it
    is known that a client then shows only one of them, this is not reported.

    Fails::

        # skills/release.toml
        name = "release"
        description = "Releases the package."
        role = "Tag the commit."
        targets = ["claude-code", "cursor"]

    Passes::

        # skills/release.toml
        name = "release"
        description = "Releases the package."
        role = "Tag the commit."
        targets = ["claude-code", "codex"]
    """
    message = f"the skill may be shown twice in {TARGETS[target].label}, which reads {listed(paths)}"
    yield Violation(START, message, f"if it is, leave `{target}` out of `targets`: the other clients' file is enough")


def check_outputs(context: ManifestContext) -> list[Diagnostic]:
    """Return the notes about clients that get a scoped rule or a skill twice."""
    kit, manifest, found = context.kit, context.manifest, list[Diagnostic]()
    outputs = outputs_of(kit, manifest, context.source.file)
    paths = {target: output.path for output in outputs if not output.imports for target in output.targets}
    if manifest.kind == SKILL.name:
        for target in paths:
            seen = [path for path in dict.fromkeys(paths.values()) if reads_skill(kit, target, path)]
            if len(seen) > 1 and not TARGETS[target].shows_one_skill:
                found += run_rule(skill_shown_twice, context.source, target, seen)
        return found
    also_read: dict[str, list[str]] = {}
    for target in paths if manifest.paths else ():
        row = TARGETS[target].instructions
        others = [paths[each] for each in row.reads_rules_of if each in paths]
        others += [output.path for output in outputs if output.section == manifest.name]
        if row.rules and others:
            also_read.setdefault(others[0], []).append(target)
    for other, targets in also_read.items():
        found += run_rule(scoped_rule_twice, context.source, other, targets)
    return found


def check_readers(kit: LoadedKit, manifest: Manifest) -> list[Diagnostic]:
    """Return the findings about clients that get the text of instructions twice, or not at all.

    They are located at the files that are the cause, which several manifests can share.
    """
    folder, targets = folder_of(kit, manifest), readers(manifest, kit.targets_of(manifest))
    if folder is None or manifest.kind != INSTRUCTIONS.name:
        return []
    shared = normalize(f"{folder}/{SHARED_FILE}")
    found: list[Diagnostic] = []
    for target, path, remedy in twice_loaded(kit, folder, targets):
        found += run_rule(loaded_twice, Source(path, ""), target, path, shared, remedy)
    for target in targets:
        if path := hiding_file(kit, folder, target):
            found += run_rule(hidden_by_file, Source(path, ""), target, path, shared)
    return found
