"""Rules about role files, which manifests name with `role = { file = … }`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from kei_assembler.diagnostics import Diagnostic, RelatedLocation, Severity, Span
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.role_files import role_file
from kei_assembler.paths import normalize
from kei_assembler.rules.block_files import front_matter
from kei_assembler.rules.definition import Fixable, Remedy, Violation, rule
from kei_assembler.rules.hidden_text import hidden_text
from kei_assembler.rules.inheritance import first_names
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.remedies import replacing
from kei_assembler.rules.runner import locate, run_rule
from kei_assembler.rules.sources import check_source
from kei_assembler.rules.text import unfinished_merge
from kei_assembler.suggestions import did_you_mean, nearest
from kei_assembler.toml.source import START, Source
from kei_assembler.whitespace import has_text


@rule("K133", fixable=Fixable.EITHER)
def unusable_role_file(context: ManifestContext) -> Iterable[Violation]:
    """A manifest names a role file that does not exist, or that cannot be one.

    The path is relative to the kit, and the file must be in the kit's root. It can have any name, but it cannot be a
    manifest, a block, a template, the settings of a kit or a generated file.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = { file = "roles/critc.md" }

        # roles/critic.md
        You review code.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = { file = "roles/critic.md" }

        # roles/critic.md
        You review code.
    """
    file = role_file(context.resolved.data)
    if file and (problem := _problem(context, file)):
        message, hint = problem
        known = _beside(context.kit, file)
        is_there = context.kit.files.exists(context.kit.path(file))
        beside = _beside_manifest(context, file)
        remedy = None if is_there else replacing(("role", "file"), file, nearest(file, known), known)
        if context.kit.role_files.is_readable(beside):
            remedy = Remedy("replaced", ("role", "file"), (file, beside))
        yield Violation(("role", "file"), message, hint, remedy=remedy)


_NOTHING_BUT_TEXT = "name a file with nothing but the text of the role"


def _problem(context: ManifestContext, file: str) -> tuple[str, str] | None:
    """What is wrong with the path of a role file, and the help, or None."""
    kit = context.kit
    if kit.role_files.is_readable(file):
        owner = "a generated file" if _is_output(context, file) else kit.role_files.owner(file)
        hint = "list it in `blocks`" if owner == "a block" else _NOTHING_BUT_TEXT
        return (f"`{file}` is {owner}, and cannot be a role file, too", hint) if owner else None
    beside = _beside_manifest(context, file)
    meant = f"the path is relative to the kit: did you mean `{beside}`?" if kit.role_files.is_readable(beside) else ""
    if reason := kit.tree.refusal(kit.files.resolve(kit.path(file))):
        return f"the role file `{file}` {reason}", meant or "see the setting `root`"
    if _is_output(context, file):
        return f"`{file}` is a generated file, and cannot be a role file, too", _NOTHING_BUT_TEXT
    if kit.files.exists(kit.path(file)):
        return f"`{file}` is a folder, not a role file", "name a file in it"
    return f"the role file `{file}` does not exist", meant or did_you_mean(file, _beside(kit, file), "create it")


def _beside_manifest(context: ManifestContext, file: str) -> str:
    """The path of a role file if it is relative to the manifest instead of the kit."""
    return normalize(os.path.join(os.path.dirname(context.source_of(("role", "file")).file), file))


def _is_output(context: ManifestContext, file: str) -> bool:
    kit = context.kit
    targets = dict.fromkeys((*kit.targets_of(context.manifest), *kit.settings.targets))
    real = normalize(os.path.relpath(kit.files.resolve(kit.path(file)), kit.folder))
    return any(kit.placement.is_output(target, path) for target in targets for path in {file, real})


def _beside(kit: LoadedKit, file: str) -> list[str]:
    """The files in the folder of a file that does not exist."""
    folder = os.path.dirname(file)
    with suppress(OSError):
        if kit.holds_folder(kit.path(folder)):
            entries = kit.files.list(kit.path(folder), "")
            return [normalize(os.path.join(folder, entry.name)) for entry in entries if not entry.is_folder]
    return []


@rule("K134")
def empty_role_file(source: Source) -> Iterable[Violation]:
    """A role file is empty, or contains only whitespace.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = { file = "roles/critic.md" }

        # roles/critic.md

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = { file = "roles/critic.md" }

        # roles/critic.md
        You review code.
    """
    if not has_text(source.text):
        yield Violation(START, "the role file is empty", "write its text, or remove `role` from the manifest")


@rule("K135", Severity.WARNING)
def front_matter_in_role_file(source: Source) -> Iterable[Violation]:
    """A role file starts with front matter.

    Agent files have some, but a role file has none: it would become part of the prompt.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = { file = "roles/critic.md" }

        # roles/critic.md
        ---
        name: critic
        ---
        You review code.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = { file = "roles/critic.md" }

        # roles/critic.md
        You review code.
    """
    if lines := front_matter(source):
        message = "the role file starts with front matter, which becomes part of the prompt"
        yield Violation(Span(lines.start, 1, lines.stop, 4), message, "move its keys to the manifest, and remove it")


def check_role_file(kit: LoadedKit, source: Source) -> list[Diagnostic]:
    """Return the diagnostics for a role file, including why it could not be read, without those about the role."""
    if problems := check_source(source) or run_rule(empty_role_file, source, source):
        return problems
    found = run_rule(front_matter_in_role_file, source, source)
    found += run_rule(unfinished_merge, source, source)
    return found + run_rule(hidden_text, source, source, kit.allowed_characters)


def with_users(kit: LoadedKit, diagnostic: Diagnostic, files: Iterable[str]) -> Diagnostic:
    """Return a diagnostic about a role file, related to the first of the manifests whose role it is.

    If that is a single manifest, which names the file itself, nothing has to be said about it.
    """
    files = sorted(dict.fromkeys(files))
    users = [file for file in files if not kit.names.is_abstract(stem(file))] or files
    source = kit.composition.source(users[0])
    if len(users) == 1 and "role" in source.data:
        return diagnostic
    where = locate(source, ("role", "file") if "role" in source.data else ("extends",))
    related = RelatedLocation(where, f"this is the role of {first_names(users)}")
    return diagnostic._replace(related=(*diagnostic.related, related))


OF_MANIFEST = (unusable_role_file,)
