"""Rules about a kit's settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kei_assembler.diagnostics import Diagnostic, KeyPath
from kei_assembler.kit import SETTINGS_FILE, LoadedKit
from kei_assembler.kit.blocks import split_entry
from kei_assembler.kit.discovery import PROJECT_TABLE, project_settings
from kei_assembler.markdown.hidden_text import is_hidden
from kei_assembler.model.inheritance import is_bundle
from kei_assembler.model.kinds import AGENT, KINDS
from kei_assembler.model.settings import MANIFEST_KEYS, SHAPE, UNIQUE_LISTS, character, value_at
from kei_assembler.paths import normalize
from kei_assembler.rules import bundles, folders, home, set_values
from kei_assembler.rules.definition import Fixable, Rule, Violation, rule
from kei_assembler.rules.hidden_text import hidden_text
from kei_assembler.rules.hints import (
    budget_of_target,
    did_you_mean_block,
    entries_of,
    in_kind,
    in_settings,
    meant_entry,
    table_in_settings,
    why_refused,
)
from kei_assembler.rules.inheritance import nothing_below_defaults
from kei_assembler.rules.permissions import unknown_right
from kei_assembler.rules.remedies import (
    moving_setting,
    renaming_setting,
    renaming_to_current,
    replacing_setting,
)
from kei_assembler.rules.repetitions import repeats
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.sections import unusable_obligatory_section
from kei_assembler.rules.setting_values import hint_for_wrong, meant_value, remedy_of_wrong
from kei_assembler.rules.sources import check_source
from kei_assembler.suggestions import choices, did_you_mean, nearest
from kei_assembler.targets import did_you_mean_target, nearest_target
from kei_assembler.toml.source import Source
from kei_assembler.validation import describe, fits, matching, validation_errors

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

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.

    Passes::

        # assemble.toml
        obligatory = ["baseline"]

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.
    """
    for error in validation_errors(SHAPE, kit.settings_table, kit.settings_at):
        if error.kind == "unknown":
            key = str(error.path[-1])
            known = [field.key for field in error.shape.fields]
            path = error.path[len(kit.settings_at) :]
            place = budget_of_target(path) or in_kind(path) or in_settings(path, known)
            otherwise = choices("setting", known, " here")
            if error.path in _NOT_HERE:
                place = f"write the settings at the top of `{SETTINGS_FILE}`, without a table for the tool"
            hint = place or did_you_mean_target(key, known, otherwise)
            if why := why_refused(error.path):
                yield Violation(error.path, *why, remedy=renaming_to_current(error.path))
                continue
            match, table = None if place else nearest_target(key, known), None
            if not budget_of_target(path) and error.path not in _NOT_HERE:
                table = table_in_settings(path, known)
            renaming = renaming_setting(kit, error.path, match, known)
            remedy = moving_setting(kit, error.path, *table) if table else renaming
            yield Violation(error.path, f"unknown setting `{key}`", hint, remedy=remedy)


@rule("C702", fixable=Fixable.EITHER)
def wrong_setting(kit: LoadedKit) -> Iterable[Violation]:
    """A setting has an invalid value: it has the wrong type, is blank, or is not one of the allowed values.

    Fails::

        # assemble.toml
        obligatory = "baseline"

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.

    Passes::

        # assemble.toml
        obligatory = ["baseline"]

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.
    """
    for error in validation_errors(SHAPE, kit.settings_table, kit.settings_at):
        if error.kind != "unknown":
            why, match = why_refused(error.path, error.value), meant_value(kit, error)
            remedy = None if why else remedy_of_wrong(kit, error, match)
            yield Violation(error.path, *(why or (describe(error), hint_for_wrong(error, match))), remedy=remedy)


@rule("C703", fixable=Fixable.EITHER)
def unknown_required_key(kit: LoadedKit) -> Iterable[Violation]:
    """The setting `required` names a key that manifests cannot have.

    To require a key of your own, declare it in the setting `extra-keys`.

    Fails::

        # assemble.toml
        required = ["name", "descripton"]

    Passes::

        # assemble.toml
        required = ["name", "description"]
    """
    for path, key, known in _required(kit):
        if key and key not in known:
            hint, remedy = did_you_mean(key, known), replacing_setting(kit, path, key, nearest(key, known), known)
            yield Violation(path, f"`{key}` is not a key of a manifest", hint, remedy=remedy)


def _required(kit: LoadedKit) -> Iterator[tuple[KeyPath, str, frozenset[str]]]:
    """Yield the paths of the entries of all lists `required`, the entries, and the keys that are known there."""
    for kind in KINDS.values():
        known = frozenset((*MANIFEST_KEYS, *kit.settings.extra_keys) if kind is AGENT else kind.keys)
        at = kit.settings_path(*kit.settings.of_kind(kind).at, "required")
        for index, key in enumerate(value_at(kit.settings_table, at[len(kit.settings_at) :]) or ()):
            yield (*at, index), key, known


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


@rule("C707")
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
            yield Violation(where, f"unknown code `{code}`", did_you_mean(code, known))
        elif not known[code].may_ignore:
            yield Violation(where, f"`{code}` cannot be ignored, because the outputs would be wrong")


@rule("C708", fixable=Fixable.EITHER)
def unknown_obligatory_block(kit: LoadedKit) -> Iterable[Violation]:
    """The setting `obligatory` names a block that does not exist.

    None of the block folders contains the block, so no manifest could list it.

    Fails::

        # assemble.toml
        obligatory = ["baselin"]

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.

    Passes::

        # assemble.toml
        obligatory = ["baseline"]

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.
    """
    for at, entries in kit.obligatory_lists():
        for where, entry in (((*at, index), entry) for index, entry in enumerate(entries)):
            if is_bundle(entry) or kit.block(entry) is not None:
                continue
            name, hint = split_entry(entry)[0], did_you_mean_block(kit, entry)
            remedy = replacing_setting(kit, where, entry, meant_entry(kit, entry), entries_of(kit, entry))
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
        or run_rule(folders.folder_out_of_place, source, kit)
        or run_rule(folders.plain_without_git, source, kit)
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
