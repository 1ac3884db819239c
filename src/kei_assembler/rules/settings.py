"""Rules about the settings of a kit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from kei_assembler.diagnostics import Diagnostic, KeyPath
from kei_assembler.kit import SETTINGS_FILE, Kit
from kei_assembler.kit.discovery import PROJECT_TABLE, git_top, project_settings
from kei_assembler.kit.settings import MANIFEST_KEYS, NAMED_ONCE, RIGHTS, SHAPE, character
from kei_assembler.paths import is_inside, normal, upwards
from kei_assembler.rules.definition import Finding, Rule, rule
from kei_assembler.rules.hiding import hidden_text
from kei_assembler.rules.keys import repeats
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.sources import check_source
from kei_assembler.source import Source
from kei_assembler.source.shapes import describe, fits, matching, misfits
from kei_assembler.suggestions import did_you_mean, listed
from kei_assembler.text.hidden import is_hidden

_CODE_POINT = matching(r"U\+(?:10|[0-9A-Fa-f])?[0-9A-Fa-f]{4}", "a code point such as `U+00AD`")
_EXTRA_KEY = matching(r"[a-z][a-z0-9_]*", "a key of lower-case letters, digits and `_`")


@rule("C701")
def unknown_setting(kit: Kit) -> Iterable[Finding]:
    """A setting that does not exist.

    It would be silently without effect, so it is an error. Often it is a misspelling of another.

    Fails::

        # assemble.toml
        obligatry = ["baseline"]

    Passes::

        # assemble.toml
        obligatory = []
    """
    for misfit in misfits(SHAPE, kit.settings_table, kit.settings_at):
        if misfit.kind == "unknown":
            key = str(misfit.path[-1])
            known = [field.key for field in misfit.shape.fields]
            hint = did_you_mean(key, known, f"the settings here are {listed(known)}")
            yield Finding(misfit.path, f"unknown setting `{key}`", hint)


@rule("C702")
def wrong_setting(kit: Kit) -> Iterable[Finding]:
    """A setting whose value is not what it must be: another type, blank, or outside the values allowed.

    Fails::

        # assemble.toml
        obligatory = "baseline"

    Passes::

        # assemble.toml
        obligatory = []
    """
    for misfit in misfits(SHAPE, kit.settings_table, kit.settings_at):
        if misfit.kind != "unknown":
            choices = misfit.shape.choices
            hint = did_you_mean(misfit.value, choices) if choices and isinstance(misfit.value, str) else ""
            yield Finding(misfit.path, describe(misfit), hint)


@rule("C703")
def required_key_unknown(kit: Kit) -> Iterable[Finding]:
    """The setting `required` names a key that no manifest can have.

    Fails::

        # assemble.toml
        required = ["name", "owner"]

    Passes::

        # assemble.toml
        required = ["name", "owner"]
        extra-keys = { owner = "string" }
    """
    known = (*MANIFEST_KEYS, *kit.settings.extra_keys)
    for index, key in enumerate(kit.settings.required):
        if key and key not in known:
            path = (*kit.settings_at, "required", index)
            yield Finding(path, f"`{key}` is no key of a manifest", did_you_mean(key, known))


@rule("C704")
def extra_key_taken(kit: Kit) -> Iterable[Finding]:
    """A key in `extra-keys` that manifests have anyway, or that a template could not name.

    Fails::

        # assemble.toml
        extra-keys = { model = "string" }

    Passes::

        # assemble.toml
        extra-keys = { owner = "string" }
    """
    for key in kit.settings.extra_keys:
        path = (*kit.settings_at, "extra-keys", key)
        if key in MANIFEST_KEYS:
            yield Finding(path, f"every manifest has the key `{key}`", "choose another name for the kit's own key")
        elif not fits(_EXTRA_KEY, key):
            yield Finding(path, f"`{key}` must be {_EXTRA_KEY.expects}", "templates read it as `extra.KEY`")


@rule("C705")
def folder_out_of_place(kit: Kit) -> Iterable[Finding]:
    """A folder that the settings name does not exist, or lies outside the kit's root.

    `root` itself must hold the kit, and lie in the git work tree if there is one. A kit that shares its blocks
    with others sets `root` to the folder that holds them all.

    Fails::

        # assemble.toml
        blocks = ["rules"]

    Passes::

        # assemble.toml
        blocks = ["rules"]

        # rules/baseline.md.txt
        A folder that exists.
    """
    top = git_top(kit.folder, kit.files)
    if not is_inside(kit.files.resolve(kit.folder), kit.root):
        yield Finding((*kit.settings_at, "root"), "`root` must be the kit's folder or one that holds it")
    elif top and not is_inside(kit.root, kit.files.resolve(top)):
        yield Finding((*kit.settings_at, "root"), "`root` lies outside the git work tree")
    else:
        yield from _misplaced_folders(kit)


def _misplaced_folders(kit: Kit) -> Iterator[Finding]:
    for path, folder in _named_folders(kit):
        if not is_inside(kit.files.resolve(kit.path(folder)), kit.root):
            yield Finding(path, f"the folder `{folder}` lies outside the kit's root", _root_for(kit, folder))
        elif path[-1] != "templates" and not kit.files.is_folder(kit.path(folder)):
            yield Finding(path, f"there is no folder `{folder}`", "folders are relative to the kit")


def _root_for(kit: Kit, folder: str) -> str:
    """The hint that names the nearest root, as `root` may be, that would hold a folder besides the kit."""
    start, wanted = kit.files.resolve(kit.folder), kit.files.resolve(kit.path(folder))
    top = kit.files.resolve(git_top(start, kit.files) or os.sep)
    root = next((above for above in upwards(start, top) if is_inside(wanted, above)), None)
    if root is None:
        return "it lies outside the git work tree too: move it there"
    return f'set `root` to a folder that holds it, such as `root = "{normal(os.path.relpath(root, start))}"`'


def _named_folders(kit: Kit) -> Iterator[tuple[KeyPath, str]]:
    """Only what is written in the settings: a default folder that does not exist is just empty."""
    table = kit.settings_table
    for key in ("manifests", "templates"):
        if key in table:
            yield (*kit.settings_at, key), table[key]
    for index, folder in enumerate(table.get("blocks", ())):
        yield (*kit.settings_at, "blocks", index), folder


@rule("C706")
def two_settings() -> Iterable[Finding]:
    """There are settings in `assemble.toml` and in `pyproject.toml`.

    Neither is merged into the other: whoever reads one of the two must be able to rely on it.

    Fails::

        # assemble.toml
        obligatory = []

        # pyproject.toml
        [tool.assemble]
        obligatory = ["baseline"]

    Passes::

        # assemble.toml
        obligatory = []
    """
    message = f"`{SETTINGS_FILE}` beside this holds settings too"
    yield Finding(PROJECT_TABLE, message, "keep the settings in one of the two files")


@rule("C707")
def unknown_ignore(kit: Kit, known: Mapping[str, Rule]) -> Iterable[Finding]:
    """The setting `ignore` names a code that does not exist, or that cannot be silenced.

    An error that would make the outputs wrong cannot be silenced; warnings, notes and some errors can.

    Fails::

        # assemble.toml
        ignore = ["B201"]

    Passes::

        # assemble.toml
        ignore = ["B206"]
    """
    for index, code in enumerate(kit.settings.ignore):
        where = (*kit.settings_at, "ignore", index)
        if code not in known:
            yield Finding(where, f"there is no code `{code}`", did_you_mean(code, known))
        elif not known[code].may_ignore:
            yield Finding(where, f"`{code}` cannot be ignored: it would make the output wrong")


@rule("C708")
def obligatory_block_unknown(kit: Kit) -> Iterable[Finding]:
    """The setting `obligatory` names a block that is in none of the block folders.

    No manifest could follow it, and so none would be held to it.

    Fails::

        # assemble.toml
        obligatory = ["baseline"]

    Passes::

        # assemble.toml
        obligatory = ["baseline"]

        # _blocks/baseline.md
        Be honest.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
    """
    for index, name in enumerate(kit.settings.obligatory):
        if kit.block(name) is None:
            where = (*kit.settings_at, "obligatory", index)
            yield Finding(where, f"unknown block `{name}`", did_you_mean(name, kit.block_names))


@rule("C709")
def character_not_allowable(kit: Kit) -> Iterable[Finding]:
    """The setting `allow-characters` names no code point, or one that is not hidden, or NUL.

    Fails::

        # assemble.toml
        allow-characters = { "soft hyphen" = "the descriptions are set in narrow columns" }

    Passes::

        # assemble.toml
        allow-characters = { "U+00AD" = "the descriptions are set in narrow columns" }
    """
    for name in kit.settings.allow_characters:
        if not _is_allowable(name):
            hint = "write it as `U+` and its number in hexadecimal digits, as the finding T406 does"
            where = (*kit.settings_at, "allow-characters", name)
            yield Finding(where, f"`{name}` is no hidden character that can be allowed", hint)


def _is_allowable(name: str) -> bool:
    return fits(_CODE_POINT, name) and character(name) != "\0" and is_hidden(character(name))


@rule("C710")
def right_unknown(kit: Kit) -> Iterable[Finding]:
    """The setting `allow-rights` names a right that there is not, or that needs no allowance.

    Fails::

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["bypassPermissions"]
        reason = "runs in a container that is thrown away"

    Passes::

        # assemble.toml
        [[allow-rights]]
        agent = "critic"
        rights = ["claude-code.permissionMode=bypassPermissions"]
        reason = "runs in a container that is thrown away"

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [target.claude-code]
        permissionMode = "bypassPermissions"
    """
    for index, allowance in enumerate(kit.settings.allow_rights):
        for place, right in enumerate(allowance["rights"]):
            if right and right not in RIGHTS:
                where = (*kit.settings_at, "allow-rights", index, "rights", place)
                yield Finding(where, f"there is no right `{right}`", did_you_mean(right, RIGHTS, _RIGHTS_HINT))


@rule("C711")
def repeated_setting(kit: Kit) -> Iterable[Finding]:
    """A list of the settings has an entry twice.

    It does nothing there, or what no manifest can satisfy: obligatory blocks, which each manifest lists once. A folder
    is the same however its path is written.

    Fails::

        # assemble.toml
        known-tools = ["Deploy", "Deploy"]

    Passes::

        # assemble.toml
        known-tools = ["Deploy"]
    """
    for key in NAMED_ONCE:
        if isinstance(entries := kit.settings_table.get(key), list):
            yield from repeats((*kit.settings_at, key), entries, normal if key == "blocks" else None)


_RIGHTS_HINT = f"the rights are {listed(RIGHTS)}"

_OF_TABLE = (
    unknown_setting,
    wrong_setting,
    required_key_unknown,
    extra_key_taken,
    character_not_allowable,
    right_unknown,
    repeated_setting,
)


def check_settings(kit: Kit) -> list[Diagnostic]:
    """Return what is wrong with the settings of a kit. Each check needs that those before it found nothing."""
    source = kit.settings_source
    if source is None:
        return []
    return (
        check_source(source)
        or _check_project(kit, source)
        or _check_table(kit, source)
        or run_rule(hidden_text, source, source, kit.allowed_characters)
        or run_rule(folder_out_of_place, source, kit)
        or run_rule(obligatory_block_unknown, source, kit)
    )


def _check_project(kit: Kit, own: Source) -> list[Diagnostic]:
    """What is wrong with `pyproject.toml` where the settings stand in `assemble.toml`."""
    project = project_settings(kit.folder, kit.files) if own.file == SETTINGS_FILE else None
    return (check_source(project) or run_rule(two_settings, project)) if project else []


def _check_table(kit: Kit, source: Source) -> list[Diagnostic]:
    rules = _OF_TABLE if isinstance(kit.settings_table, Mapping) else (wrong_setting,)
    return [found for rule in rules for found in run_rule(rule, source, kit)]
