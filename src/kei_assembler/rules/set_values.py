"""Rules about values, wherever they are set, and about those that are missing or not used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from kei_assembler.diagnostics import Diagnostic, KeyPath, Location, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.placeholders import NAME, PLACEHOLDER, in_capitals
from kei_assembler.model.settings import SETTINGS, declarations, faulty_patterns, settings_values
from kei_assembler.model.values import value_tables, values_for
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Fixable, Remedy, Violation, rule
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.remedies import moving_setting
from kei_assembler.rules.runner import locate, run_rule
from kei_assembler.rules.stray_keys import strays
from kei_assembler.rules.value_places import names_astray
from kei_assembler.suggestions import listed, misspelled
from kei_assembler.targets import TARGETS

_SETTINGS = frozenset(field.key for field in SETTINGS)


class _Set(NamedTuple):
    """A value that is set somewhere, as parsed, and its key path."""

    name: str
    value: Any
    path: KeyPath


def _set_values(owner: ManifestContext | LoadedKit) -> Iterator[_Set]:
    """Yield the values that a manifest or its bases set, or those that the settings set."""
    if isinstance(owner, LoadedKit):
        general, by_target = settings_values(owner.settings_table)
        at = owner.settings_path()
        yield from (_Set(name, value, (*at, *path)) for name, (value, path) in general.items())
        tables = [((*at, "target", target, "values"), table) for target, table in by_target.items()]
    else:
        tables = [*value_tables(owner.data)] if owner.is_setting_values else []
    for path, table in tables:
        yield from (_Set(name, value, (*path, name)) for name, value in table.items())


def _strings(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, list):
        yield from (((*path, index), entry) for index, entry in enumerate(value) if isinstance(entry, str))
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield path, str(value)


def _names(owner: ManifestContext | LoadedKit) -> Iterator[tuple[str, KeyPath]]:
    yield from ((each.name, each.path) for each in _set_values(owner))
    if isinstance(owner, LoadedKit):
        yield from ((name, owner.settings_path("values", name)) for name in declarations(owner.settings))


def _choices(owner: ManifestContext | LoadedKit) -> Iterator[_Set]:
    """Yield the texts that the settings allow for values, as if they were set there."""
    if isinstance(owner, LoadedKit):
        for name, row in declarations(owner.settings).items():
            if "one-of" in row:
                yield _Set(name, [*row["one-of"]], owner.settings_path("values", name, "one-of"))


@rule("V101", fixable=Fixable.EITHER)
def invalid_value_name(owner: ManifestContext | LoadedKit) -> Iterable[Violation]:
    """The name of a value contains characters other than capitals, digits and `_`.

    No placeholder could have such a name.

    Fails::

        name = "critic"
        description = "Reviews the code of {{PROJECT}}."

        [values]
        project = "Apollo"

    Passes::

        name = "critic"
        description = "Reviews the code of {{PROJECT}}."

        [values]
        PROJECT = "Apollo"
    """
    found = {name: path for name, path in _names(owner) if not NAME.fullmatch(name)}
    astray = {*strays(owner)} if found and isinstance(owner, ManifestContext) else set()
    for name, path in found.items():
        if path in astray:
            continue
        capitals = in_capitals(name)
        is_name = NAME.fullmatch(capitals) is not None
        hint = f"write `{capitals}`, for `{{{{{capitals}}}}}` in texts" if is_name else ""
        remedy = Remedy("renamed", path, (capitals,)) if is_name else None
        if isinstance(owner, LoadedKit) and name in _SETTINGS:
            hint = f"the setting `{name}` must be above the first table header"
            remedy = moving_setting(owner, path, (), name)
        message = f"the name `{name}` of a value must consist of capitals, digits and `_`"
        yield Violation(path, message, hint, remedy=remedy)


@rule("V102")
def placeholder_in_value(owner: ManifestContext | LoadedKit) -> Iterable[Violation]:
    """A value contains a placeholder, such as `{{PROJECT}}`.

    Values are plain text and are not filled, so that reading one never needs another one.

    Fails::

        name = "critic"
        description = "Reviews {{SCOPE}}."

        [values]
        PROJECT = "Apollo"
        SCOPE = "the code of {{PROJECT}}"

    Passes::

        name = "critic"
        description = "Reviews the {{SCOPE}} of {{PROJECT}}."

        [values]
        PROJECT = "Apollo"
        SCOPE = "code"
    """
    for each in (*_set_values(owner), *_choices(owner)):
        for path, text in _strings(each.value, each.path) if NAME.fullmatch(each.name) else ():
            if match := PLACEHOLDER.search(text.replace("\\{{", "{{")):
                message = f"the value `{each.name}` contains the placeholder `{match[0]}`, and values are not filled"
                yield Violation(path, message, "write the text itself, or both placeholders in the text")
                break


@rule("V103", fixable=Fixable.SAFELY)
def value_not_allowed(owner: ManifestContext | LoadedKit) -> Iterable[Violation]:
    """A value is not one of those that the settings allow, with `one-of` or `pattern`.

    A pattern is compared with the whole value, or with each entry of a list. Texts with more than 1,000 characters
    match no pattern.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews {{LANGUAGE}} code."

        [values]
        LANGUAGE = "Pyton"

        # assemble.toml
        [values.LANGUAGE]
        one-of = ["Python", "Rust"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews {{LANGUAGE}} code."

        [values]
        LANGUAGE = "Python"

        # assemble.toml
        [values.LANGUAGE]
        one-of = ["Python", "Rust"]
    """
    kit = owner if isinstance(owner, LoadedKit) else owner.kit
    declared = declarations(kit.settings)
    for each in (*_set_values(owner), *_choices(owner)) if declared else ():
        row = declared.get(each.name, {})
        for path, text in _strings(each.value, each.path):
            if found := _not_allowed(each.name, text, row):
                related = () if isinstance(owner, LoadedKit) else (_declared_at(kit, each.name),)
                match = misspelled(text, row.get("one-of", ()))
                remedy = Remedy("replaced", path, (text, match)) if match else None
                yield Violation(path, *found, related, remedy)


def _not_allowed(name: str, text: str, row: Mapping[str, Any]) -> tuple[str, str] | None:
    if (choices := row.get("one-of")) and text not in choices:
        match = misspelled(text, choices)
        return f"the value `{name}` must be {listed(choices, joint='or')}", f"did you mean `{match}`?" if match else ""
    if pattern := row.get("pattern"):
        from kei_assembler.model.value_patterns import MAX_LENGTH, matches  # few kits have patterns

        if not matches(pattern, text):
            limit = f"it has more than {MAX_LENGTH:,} characters" if len(text) > MAX_LENGTH else ""
            return f"the value `{name}` does not match the pattern `{pattern}`", limit or row.get("doc", "")
    return None


def _declared_at(kit: LoadedKit, name: str) -> tuple[Location, str]:
    assert kit.settings_source
    return locate(kit.settings_source, kit.settings_path("values", name)), "the settings declare it here"


@rule("C720")
def required_with_default(kit: LoadedKit) -> Iterable[Violation]:
    """The settings require a value from each manifest, and also give a default for it.

    Fails::

        # assemble.toml
        values.PROJECT = { required = true, default = "Apollo" }

    Passes::

        # assemble.toml
        values.PROJECT = { required = true }

        # agents/critic.toml
        name = "critic"
        description = "Reviews the code of {{PROJECT}}."
        values.PROJECT = "Apollo"
    """
    for name, row in declarations(kit.settings).items():
        if row.get("required") and "default" in row:
            where = kit.settings_path("values", name, "default")
            yield Violation(where, f"the value `{name}` is required, so it has no default", "remove one of the two")


@rule("C721")
def unusable_pattern(kit: LoadedKit) -> Iterable[Violation]:
    """The `pattern` of a value is not a pattern that `assemble` can use.

    Patterns are regular expressions with literals, `.`, sets of characters, groups, `|` and repetitions. What could
    take long is not possible: look-around, references and repetitions of repetitions such as `a+*`.

    Fails::

        # assemble.toml
        values.VERSION = { default = "v1", pattern = "v([0-9]+" }

        # agents/critic.toml
        name = "critic"
        description = "Reviews {{VERSION}}."

    Passes::

        # assemble.toml
        values.VERSION = { default = "v1", pattern = "v[0-9]+" }

        # agents/critic.toml
        name = "critic"
        description = "Reviews {{VERSION}}."
    """
    for name, fault in faulty_patterns(kit.settings):
        where = kit.settings_path("values", name, "pattern")
        yield Violation(where, f"the pattern of `{name}` cannot be used: {fault}", "write a simpler pattern")


@rule("V104", fixable=Fixable.SAFELY)
def missing_value(context: ManifestContext) -> Iterable[Violation]:
    """A manifest has no value that the settings require.

    The value comes from the manifest or from one of its bases.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews the code of {{PROJECT}}."
        values.PROJEKT = "Apollo"

        # assemble.toml
        values.PROJECT = { required = true, doc = "The name of the project." }

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews the code of {{PROJECT}}."
        values.PROJECT = "Apollo"

        # assemble.toml
        values.PROJECT = { required = true, doc = "The name of the project." }
    """
    required = [name for name, row in declarations(context.kit.settings).items() if row.get("required")]
    targets = context.kit.targets_of(context.manifest) if required and not context.is_base else ()
    for name in required if context.fits("values") and context.fits("target") else ():
        lacking = [target for target in targets if name not in values_for(context.manifest, target)]
        if lacking and not _is_written_differently(context, name):
            doc = context.kit.settings.values[name].get("doc", "")
            some = f" for {listed((TARGETS[target].label for target in lacking), str)}" if lacking != [*targets] else ""
            hint = f"set it under `[values]`{f': {doc}' if doc else ''}"
            where: KeyPath = ("values",) if "values" in context.own else ()
            remedy = None
            if match := misspelled(name, {*context.manifest.values} - {*context.kit.settings.values}):
                where, hint = ("values", match), f"`{match}` is probably a misspelling of it"
                remedy = Remedy("renamed", where, (name,))
            message = f"the value `{name}` is missing{some}"
            yield Violation(where, message, hint, (_declared_at(context.kit, name),), remedy)


def _is_written_differently(context: ManifestContext, name: str) -> bool:
    """Whether a name is set with other letters than capitals, or below an unknown key, which is reported."""
    written = {in_capitals(each.name) for each in _set_values(context) if not NAME.fullmatch(each.name)}
    return name in written or name in names_astray(context)


@rule("V108", Severity.NOTE)
def unused_value(context: ManifestContext, used: Collection[str]) -> Iterable[Violation]:
    """A manifest sets a value that none of its texts and blocks uses, nor those of a manifest that extends it.

    Values that the settings also set or declare are left out: the settings can require them. Only reported when all
    manifests are checked.

    Fails::

        name = "critic"
        description = "Reviews code."

        [values]
        PROJECT = "Apollo"

    Passes::

        name = "critic"
        description = "Reviews the code of {{PROJECT}}."

        [values]
        PROJECT = "Apollo"
    """
    in_settings, found = {*context.kit.settings.values}, [*_set_values(context)]
    known = {each.name for each in found}
    used = {*used, *(name for each in found for name in _mentioned(each))}
    wanted = used.union(declarations(context.kit.settings)) - known  # what is missing is reported, perhaps misspelled
    for each in found:
        is_valid = NAME.fullmatch(each.name) and context.is_own(each.path) and each.name not in in_settings
        is_unused = is_valid and each.name not in used and not misspelled(each.name, wanted)
        if is_unused and not any(strays(context)):  # a text that uses it may be below the header of a table
            yield _unused(each.name, each.path, used, "the manifest or its blocks")


def names_set_in(data: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the values that a manifest with this data sets."""
    return frozenset(name for _, table in value_tables(data) for name in table)


def check_use(usage: KitUsage) -> Iterator[Diagnostic]:
    """Yield the notes about values in manifests that nothing uses. `usage` has all manifests of the kit."""
    for file, names in usage.own_values.items():
        used = usage.used_values.get(file, set())
        is_unused_base = file in usage.abstract and file not in usage.bases  # that is reported instead
        if names - used and not is_unused_base:
            context = ManifestContext(usage.kit, usage.kit.read_manifest(file))
            yield from run_rule(unused_value, context.source, context, used)


def _mentioned(each: _Set) -> Iterator[str]:
    for _, text in _strings(each.value, each.path):
        yield from (match.strip("{}") for match in PLACEHOLDER.findall(text))


def _unused(name: str, path: KeyPath, used: Iterable[str], by: str) -> Violation:
    match = misspelled(name, used)
    hint = f"did you mean `{match}`?" if match else f"write `{{{{{name}}}}}` in a text, or remove it"
    return Violation(path, f"no text of {by} uses the value `{name}`", hint)


@rule("V109", Severity.NOTE)
def unused_value_in_settings(usage: KitUsage) -> Iterable[Violation]:
    """The settings set or declare a value that no manifest and no block uses.

    Only reported when all manifests are checked.

    Fails::

        # assemble.toml
        [values]
        PROJECT = "Apollo"

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

    Passes::

        # assemble.toml
        [values]
        PROJECT = "Apollo"

        # agents/critic.toml
        name = "critic"
        description = "Reviews the code of {{PROJECT}}."
    """
    kit = usage.kit
    for name, path in dict(_names(kit)).items():
        if name not in usage.values:
            yield _unused(name, path, usage.values, "any manifest or block")


OF_SETTINGS = (required_with_default, unusable_pattern, invalid_value_name, placeholder_in_value, value_not_allowed)
OF_BASE = (invalid_value_name, placeholder_in_value, value_not_allowed)
OF_MANIFEST = (*OF_BASE, missing_value)
