"""Rules about a kit's settings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from kei_assembler.diagnostics import Diagnostic, KeyPath
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import SETTINGS_FILE, LoadedKit
from kei_assembler.kit.blocks import split_entry
from kei_assembler.kit.discovery import PROJECT_TABLE, project_settings
from kei_assembler.markdown.hidden_text import is_hidden
from kei_assembler.model.inheritance import is_bundle
from kei_assembler.model.settings import MANIFEST_KEYS, SHAPE, UNIQUE_LISTS, character
from kei_assembler.paths import is_in_git_folder, is_inside, normalize, upwards
from kei_assembler.rules import bundles, home, set_values, table_hints
from kei_assembler.rules.definition import Fixable, Rule, Violation, rule
from kei_assembler.rules.hidden_text import hidden_text
from kei_assembler.rules.hints import (
    budget_of_target,
    current_key,
    did_you_mean_block,
    in_settings,
    meant_entry,
    meant_name,
    table_in_settings,
    why_refused,
)
from kei_assembler.rules.inheritance import nothing_below_defaults
from kei_assembler.rules.keys import repeats
from kei_assembler.rules.permissions import unknown_right
from kei_assembler.rules.remedies import moving_setting, renaming_setting, replacing_setting
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.sections import unusable_obligatory_section
from kei_assembler.rules.sources import check_source
from kei_assembler.suggestions import did_you_mean, listed, nearest
from kei_assembler.targets import did_you_mean_target, nearest_target
from kei_assembler.toml.source import Source
from kei_assembler.validation import ValidationError, describe, fits, matching, validation_errors

_CODE_POINT = matching(r"U\+(?:10|[0-9A-Fa-f])?[0-9A-Fa-f]{4}", "a code point such as `U+00AD`")
_NOT_HERE = (("tool",), ("assemble",))
"""Tables that a file of its own does not need: `[tool.assemble]` is for `pyproject.toml`."""
_EXTRA_KEY = matching(r"[a-z][a-z0-9_]*", "a key of lower-case letters, digits and `_`")


@rule("C701", fixable=Fixable.EITHER)
def unknown_setting(kit: LoadedKit) -> Iterable[Violation]:
    """A setting does not exist.

    It would have no effect, and is often a misspelling.

    Fails::

        # assemble.toml
        obligatry = ["baseline"]

    Passes::

        # assemble.toml
        obligatory = []
    """
    for error in validation_errors(SHAPE, kit.settings_table, kit.settings_at):
        if error.kind == "unknown":
            key = str(error.path[-1])
            known = [field.key for field in error.shape.fields]
            path = error.path[len(kit.settings_at) :]
            place = budget_of_target(path) or in_settings(path, known)
            otherwise = f"the settings here are {listed(known)}"
            if error.path in _NOT_HERE:
                place = f"write the settings at the top of `{SETTINGS_FILE}`, without a table for the tool"
            hint = place or did_you_mean_target(key, known, otherwise)
            why = why_refused(error.path)
            match = current_key(error.path) if why else None if place else nearest_target(key, known)
            table = None if why or budget_of_target(path) or error.path in _NOT_HERE else table_in_settings(path, known)
            remedy = moving_setting(kit, error.path, *table) if table else renaming_setting(kit, error.path, match)
            yield Violation(error.path, *(why or (f"unknown setting `{key}`", hint)), remedy=remedy)


@rule("C702", fixable=Fixable.EITHER)
def wrong_setting(kit: LoadedKit) -> Iterable[Violation]:
    """A setting has an invalid value: it has the wrong type, is blank, or is not one of the allowed values.

    Fails::

        # assemble.toml
        obligatory = "baseline"

    Passes::

        # assemble.toml
        obligatory = []
    """
    for error in validation_errors(SHAPE, kit.settings_table, kit.settings_at):
        if error.kind != "unknown":
            why, match = why_refused(error.path, error.value), _meant_value(kit, error)
            remedy = None if why else replacing_setting(kit, error.path, error.value, match)
            yield Violation(error.path, *(why or (describe(error), _hint_for(error, match))), remedy=remedy)


def _meant_value(kit: LoadedKit, error: ValidationError) -> str | None:
    """The value that a setting with a wrong one is probably meant to have, or None."""
    if error.kind != "value" or not isinstance(error.value, str):
        return None
    if error.path[len(kit.settings_at)] == "obligatory":
        return meant_name(error.value, kit.known_blocks, kit.settings.blocks)
    return nearest_target(error.value, error.shape.choices) if error.shape.choices else None


def _hint_for(error: ValidationError, match: str | None) -> str:
    if hint := table_hints.hint(error):
        return hint
    if error.path[-1] == "output" and isinstance(error.value, str) and error.value.startswith(("~", "$", "%")):
        return "for your home folder, begin with `~/`; variables and other users are not supported"
    return f"did you mean `{match}`?" if match else ""


@rule("C703", fixable=Fixable.SAFELY)
def unknown_required_key(kit: LoadedKit) -> Iterable[Violation]:
    """The setting `required` names a key that manifests cannot have.

    Fails::

        # assemble.toml
        required = ["name", "owner"]

    Passes::

        # assemble.toml
        required = ["name", "owner"]
        extra-keys = { owner = "string" }
    """
    known = frozenset((*MANIFEST_KEYS, *kit.settings.extra_keys))
    for index, key in enumerate(kit.settings.required):
        if key and key not in known:
            path = kit.settings_path("required", index)
            hint, remedy = did_you_mean(key, known), replacing_setting(kit, path, key, nearest(key, known))
            yield Violation(path, f"`{key}` is not a key of a manifest", hint, remedy=remedy)


@rule("C704")
def extra_key_taken(kit: LoadedKit) -> Iterable[Violation]:
    """The setting `extra-keys` declares a key that every manifest has, or that a template could not name.

    Fails::

        # assemble.toml
        extra-keys = { model = "string" }

    Passes::

        # assemble.toml
        extra-keys = { owner = "string" }
    """
    for key in kit.settings.extra_keys:
        path = kit.settings_path("extra-keys", key)
        if key in MANIFEST_KEYS:
            yield Violation(path, f"every manifest already has the key `{key}`", "choose another name")
        elif not fits(_EXTRA_KEY, key):
            yield Violation(path, f"`{key}` must be {_EXTRA_KEY.expects}", "templates read it as `extra.KEY`")


@rule("C705")
def folder_out_of_place(kit: LoadedKit) -> Iterable[Violation]:
    """A folder in the settings does not exist, or is outside the kit's root.

    `root` itself must contain the kit, and must be in the git work tree, if there is one. If kits share blocks, set
    `root` to a folder that contains all of them.

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
        yield Violation(kit.settings_path("root"), "`root` must be the kit's folder, or a folder that contains it")
    elif top and not is_inside(kit.root, kit.files.resolve(top)):
        yield Violation(kit.settings_path("root"), "`root` is outside the git work tree")
    else:
        yield from _misplaced_folders(kit)


def _misplaced_folders(kit: LoadedKit) -> Iterator[Violation]:
    for path, folder in _named_folders(kit):
        if reason := kit.tree.refusal(kit.files.resolve(kit.path(folder))):
            yield Violation(path, f"the folder `{folder}` {reason}", _root_for(kit, folder))
        elif path[-1] != "templates" and not kit.files.is_folder(kit.path(folder)):
            yield Violation(path, f"the folder `{folder}` does not exist", _FOLDER_HELP["blocks" in path])


_FOLDER_HELP = {
    False: "folders are relative to the kit",
    True: "folders are relative to the kit; to name blocks that all manifests must list, use `obligatory`",
}


def _root_for(kit: LoadedKit, folder: str) -> str:
    """Return the hint for a folder outside the root: it suggests the nearest root that contains the folder."""
    start, wanted = kit.files.resolve(kit.folder), kit.files.resolve(kit.path(folder))
    if is_in_git_folder(wanted):
        return "choose another folder"
    top = kit.files.resolve(git_top(start, kit.files) or os.sep)
    root = next((above for above in upwards(start, top) if is_inside(wanted, above)), None)
    if root is None:
        return "move it into the git work tree: `root` must be in there"
    return f'set `root` to a folder that contains it, such as `root = "{normalize(os.path.relpath(root, start))}"`'


def _named_folders(kit: LoadedKit) -> Iterator[tuple[KeyPath, str]]:
    # only folders that the settings name have to exist; a default folder that does not is treated as empty
    table = kit.settings_table
    for key in ("manifests", "blocks", "templates"):
        if isinstance(table.get(key), list):
            yield from ((kit.settings_path(key, index), folder) for index, folder in enumerate(table[key]))
        elif key in table:
            yield kit.settings_path(key), table[key]


@rule("C706")
def two_settings() -> Iterable[Violation]:
    """Both `assemble.toml` and `pyproject.toml` contain settings.

    The two are never merged, so that a reader of one file does not have to know about the other.

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
    message = f"`{SETTINGS_FILE}` in the same folder contains settings too"
    yield Violation(PROJECT_TABLE, message, "keep the settings in one of the two files")


@rule("C707", fixable=Fixable.UNSAFELY)
def unknown_ignore(kit: LoadedKit, known: Mapping[str, Rule]) -> Iterable[Violation]:
    """The setting `ignore` names a code that does not exist, or that cannot be silenced.

    Warnings, notes and some errors can be silenced. An error that would make the outputs wrong cannot.

    Fails::

        # assemble.toml
        ignore = ["B201"]

    Passes::

        # assemble.toml
        ignore = ["B206"]
    """
    for index, code in enumerate(kit.settings.ignore):
        where = kit.settings_path("ignore", index)
        if code not in known:
            hint, remedy = did_you_mean(code, known), replacing_setting(kit, where, code, nearest(code, known))
            yield Violation(where, f"unknown code `{code}`", hint, remedy=remedy)
        elif not known[code].may_ignore:
            yield Violation(where, f"`{code}` cannot be ignored, because the outputs would be wrong")


@rule("C708", fixable=Fixable.SAFELY)
def unknown_obligatory_block(kit: LoadedKit) -> Iterable[Violation]:
    """The setting `obligatory` names a block that does not exist.

    None of the block folders contains the block, so no manifest could list it.

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
    for index, entry in enumerate(kit.settings.obligatory):
        if not is_bundle(entry) and kit.block(entry) is None:
            where = kit.settings_path("obligatory", index)
            name, hint = split_entry(entry)[0], did_you_mean_block(kit, entry)
            remedy = replacing_setting(kit, where, entry, meant_entry(kit, entry))
            yield Violation(where, f"unknown block `{name}`", hint, remedy=remedy)


@rule("C709")
def character_not_allowable(kit: LoadedKit) -> Iterable[Violation]:
    """The setting `allow-characters` names something that is not a hidden character, or the character NUL.

    Fails::

        # assemble.toml
        allow-characters = { "soft hyphen" = "the descriptions are set in narrow columns" }

    Passes::

        # assemble.toml
        allow-characters = { "U+00AD" = "the descriptions are set in narrow columns" }
    """
    for name in kit.settings.allow_characters:
        if not fits(_CODE_POINT, name) or character(name) == "\0" or not is_hidden(character(name)):
            hint = "write `U+` and the code point in hexadecimal, as T406 reports it"
            where = kit.settings_path("allow-characters", name)
            yield Violation(where, f"`{name}` is not a hidden character that can be allowed", hint)


@rule("C711", fixable=Fixable.SAFELY)
def repeated_setting(kit: LoadedKit) -> Iterable[Violation]:
    """A list in the settings repeats an entry.

    The repetition has no effect, or cannot be satisfied: a manifest can list an obligatory block only once. Folders
    count as the same if their normalized paths are the same.

    Fails::

        # assemble.toml
        known-tools = ["Deploy", "Deploy"]

    Passes::

        # assemble.toml
        known-tools = ["Deploy"]
    """
    for key in UNIQUE_LISTS:
        if isinstance(entries := kit.settings_table.get(key), list):
            yield from repeats(kit.settings_path(key), entries, normalize if key == "blocks" else None)


_OF_TABLE = (
    unknown_setting,
    wrong_setting,
    unknown_required_key,
    extra_key_taken,
    character_not_allowable,
    unknown_right,
    repeated_setting,
)


def check_settings(kit: LoadedKit) -> list[Diagnostic]:
    """Return the diagnostics for a kit's settings, from the first check that finds any: each relies on those before."""
    source = kit.settings_source
    if source is None:
        return []
    return (
        check_source(source)
        or _check_project(kit, source)
        or _check_table(kit, source)
        or run_rule(hidden_text, source, source, kit.allowed_characters)
        or run_rule(folder_out_of_place, source, kit)
        or [found for each in home.OF_SETTINGS for found in run_rule(each, source, kit)]
        or run_rule(unknown_obligatory_block, source, kit)
        or [found for each in set_values.OF_SETTINGS for found in run_rule(each, source, kit)]
        or run_rule(unusable_obligatory_section, source, kit)
        or [found for each in bundles.OF_SETTINGS for found in run_rule(each, source, kit)]
        or run_rule(nothing_below_defaults, source, kit)
    )


def _check_project(kit: LoadedKit, own: Source) -> list[Diagnostic]:
    project = project_settings(kit.folder, kit.files) if own.file == SETTINGS_FILE else None
    return (check_source(project) or run_rule(two_settings, project)) if project else []


def _check_table(kit: LoadedKit, source: Source) -> list[Diagnostic]:
    rules = _OF_TABLE if isinstance(kit.settings_table, Mapping) else (wrong_setting,)
    return [found for rule in rules for found in run_rule(rule, source, kit)]
