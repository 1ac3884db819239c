"""Rules about the keys of a manifest, and about the types and forms of their values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from kei_assembler.diagnostics import KeyPath
from kei_assembler.markdown.placeholders import NAME
from kei_assembler.model.manifest import FIELDS
from kei_assembler.rules import remedies, table_hints
from kei_assembler.rules.definition import Fixable, Violation, rule
from kei_assembler.rules.hints import (
    client_may_know,
    has_home,
    in_manifest,
    table_in_manifest,
    why_refused,
)
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.repetitions import repeats
from kei_assembler.rules.runner import locate
from kei_assembler.rules.stray_keys import is_header, is_stray, strays
from kei_assembler.suggestions import choices, nearest
from kei_assembler.targets import TARGETS, did_you_mean_target, nearest_target
from kei_assembler.validation import ValidationError, describe, fits
from kei_assembler.whitespace import SPACES, has_text


@rule("K101", fixable=Fixable.EITHER)
def unknown_key(context: ManifestContext) -> Iterable[Violation]:
    """A key does not exist.

    It would have no effect, and is often a misspelling. To use keys of your own, declare them in the setting
    `extra-keys`. In `[target.NAME]`, this does not mean that the client refuses the key: `assemble` writes only keys
    whose permissions somebody has decided on. [Targets](targets.md) lists them, and those that are never written.

    Fails::

        name = "critic"
        descripton = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    for error in _of_kind(context, "unknown"):
        if not _is_misplaced(context, error):
            key = str(error.path[-1])
            known = tuple(field.key for field in error.shape.fields)
            targets = (context.kit.targets_of(context.manifest), context.kit.settings.targets)
            place = in_manifest(error.path, known, targets)
            owner = next((name for name, row in TARGETS.items() if key in row.refused), "")
            if why := why_refused(error.path) or (not place and why_refused(("target", owner, *error.path))):
                yield Violation(error.path, *why, remedy=remedies.renaming_to_current(error.path))
            else:
                table = table_in_manifest(error.path, known, targets)
                otherwise = f"{client_may_know(error.path)}{_keys_here(known)}"
                if len(error.path) == 1 and NAME.fullmatch(key):
                    otherwise = f"to fill `{{{{{key}}}}}`, set it under `[values]`"
                hint = place or did_you_mean_target(key, known, otherwise)
                meant = None if place else nearest_target(key, known)
                remedy = remedies.moving(error.path, *table) if table else remedies.renaming(error.path, meant, known)
                yield Violation(error.path, f"unknown key `{key}`", hint, remedy=remedy)


@lru_cache(maxsize=16)
def _keys_here(known: tuple[str, ...]) -> str:
    return choices("key", known, " here")


@rule("K102", fixable=Fixable.EITHER)
def wrong_type(context: ManifestContext) -> Iterable[Violation]:
    """A value has the wrong type.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = "Read, Grep"

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Grep"]
    """
    for error in _of_kind(context, "type"):
        remedy = remedies.listing(error.path, error)
        yield Violation(error.path, describe(error), table_hints.of_type(error), remedy=remedy)


@rule("K103", fixable=Fixable.SAFELY)
def missing_key(context: ManifestContext) -> Iterable[Violation]:
    """A required key is missing or empty.

    The setting `required` names the keys that a manifest must have. By default, these are `name` and `description`. A
    `[[handoff]]` must have `target` and `trigger`.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # _blocks/baseline.md
        Be honest.

        # assemble.toml
        obligatory = ["baseline"]
        required = ["name", "blocks"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.

        # assemble.toml
        obligatory = ["baseline"]
        required = ["name", "blocks"]
    """
    for key in [key for key in context.required if not _is_filled(context.data.get(key))]:
        if is_missing(context, key) and not _is_elsewhere(context, key):
            if key in context.data:
                yield Violation((key,), f"`{key}` is empty", "the kit requires it; fill it in")
            else:
                hint = f"the kit requires it; {table_hints.how_to_add(context.kit.shape_of(context.kind), key)}"
                yield Violation(
                    (), f"`{key}` is missing", hint, remedy=remedies.adding_blocks(context.kit, context.kind, key)
                )
    for error in _of_kind(context, "missing"):
        if not _is_misspelled(context, error):
            message = f"`{error.path[-1]}` is missing in this `{_header(error.path[:-1])}`"
            yield Violation(error.path, message, table_hints.of_missing(error))


@rule("K104")
def blank_value(context: ManifestContext) -> Iterable[Violation]:
    """A value or a list entry is blank.

    Fails::

        name = "critic"
        description = " "

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    for error in _of_kind(context, "blank"):
        hint = "remove the entry, or fill it in" if isinstance(error.path[-1], int) else "fill it in"
        yield Violation(error.path, describe(error), hint)


@rule("K105")
def multiline_value(context: ManifestContext) -> Iterable[Violation]:
    """A value that must fit on one line has several lines.

    Fails::

        name = "critic"
        description = "Reviews code."
        model = \"\"\"
        opus
        sonnet
        \"\"\"

    Passes::

        name = "critic"
        description = "Reviews code."
        model = "opus"
    """
    for error in _of_kind(context, "lines"):
        yield Violation(error.path, describe(error))


@rule("K106", fixable=Fixable.EITHER)
def wrong_value(context: ManifestContext) -> Iterable[Violation]:
    """A value is not allowed for its key, such as an unknown target or a name with the wrong characters.

    Fails::

        name = "critic"
        description = "Reviews code."
        targets = ["claude"]

    Passes::

        name = "critic"
        description = "Reviews code."
        targets = ["claude-code"]
    """
    for error in _of_kind(context, "value"):
        if why := why_refused(error.path, error.value):
            yield Violation(error.path, *why)
            continue
        known = error.shape.choices or _tools_of_client(error.path)
        match = nearest_target(error.value, known) if known and isinstance(error.value, str) else None
        hint = table_hints.of_value(error) or (f"did you mean `{match}`?" if match else "")
        remedy = remedies.replacing(error.path, error.value, match, known)
        yield Violation(error.path, describe(error), hint, remedy=remedy)


def _tools_of_client(path: KeyPath) -> Collection[str]:
    """The names of a client's tools, if the path is that of an entry in its own list of tools."""
    match path:
        case ["target", str(name), str(key), int()] if name in TARGETS and key == TARGETS[name].tools.key:
            return TARGETS[name].tools.all_names
        case _:
            return ()


@rule("K109", may_ignore=True, fixable=Fixable.SAFELY, about="tools")
def repeated_entry(context: ManifestContext) -> Iterable[Violation]:
    """A list repeats an entry: `tools`, `targets`, or a list in the table of a target.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Grep", "Read"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Grep"]
    """
    manifest = context.manifest
    lists: dict[KeyPath, object] = {("tools",): manifest.tools, ("targets",): manifest.targets}
    lists |= {("target", name, key): value for name, table in manifest.target.items() for key, value in table.items()}
    for path, value in lists.items():
        if isinstance(value, list | tuple):
            yield from repeats(path, value)


@rule("K110", fixable=Fixable.EITHER)
def misplaced_key(context: ManifestContext) -> Iterable[Violation]:
    """A key of the manifest is below the header of a table, so it belongs to that table.

    In TOML, a key belongs to the last header above it. Blank lines and indentation do not change that. So the keys of
    the manifest itself must be above the first `[[handoff]]`, `[references]`, `[values]` or `[target.…]`. If a table of
    a target needs a key with the name of a manifest's key, for example in the `env` of a server, write it as an inline
    table.

    Fails::

        name = "critic"
        description = "Reviews code."

        [references]
        extra = ["docs/review.md"]

        model = "opus"

    Passes::

        name = "critic"
        description = "Reviews code."
        model = "opus"

        [references]
        extra = ["docs/review.md"]
    """
    for error in _of_kind(context, "unknown"):
        if _is_misplaced(context, error):
            yield _misplaced(context, error.path, _meant(error, context.keys))
    for path in strays(context):
        found = _misplaced(context, path, str(path[-1]))
        is_value = path[-2] == "values"
        remedy = found.remedy and found.remedy._replace(is_safe=False)
        keep = f"{found.help}; {_KEEP_IT.format(*path[-2:])}"
        yield found if is_value else found._replace(help=keep, remedy=remedy)


_KEEP_IT = "to keep it in this table, write `{} = {{ {} = … }}`"


def _misplaced(context: ManifestContext, path: KeyPath, meant: str | None) -> Violation:
    key, table = str(path[-1]), path[:-1]
    remedy = remedies.moving(path, (), meant or key)
    remedy = remedy._replace(is_safe=remedy.is_safe and meant == key)
    if not is_header(context, table):
        message = f"`{key}` is in `{_header(table)}`, which has no such key"
        return Violation(path, message, "move it to the top of the file", remedy=remedy)
    source = context.source_of(path)
    headers = (locate(source, (name,)) for name in source.data)
    lines = (each.span.line for each in headers if (each.excerpt or "").lstrip(SPACES).startswith("["))
    first = min(lines, default=context.locate(path).span.line)
    hint = f"move it above line {first}, the manifest's first table header"
    hint = hint if meant == key else f"did you mean `{meant}`? If so, {hint}"
    message = f"`{key}` belongs to `{_header(table)}`, because it is below that header"
    return Violation(path, message, hint, ((table, "the keys below this header belong to it"),), remedy)


@rule("K112")
def empty_manifest(context: ManifestContext) -> Iterable[Violation]:
    """The manifest is empty.

    Fails::

        # agents/critic.toml

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    if not context.own:
        yield Violation((), "the manifest is empty", "add at least a `name` and a `description`")


def is_missing(context: ManifestContext, key: str) -> bool:
    """Return whether a required key is absent or empty. An invalid value does not count as missing."""
    if key == "blocks" and context.resolved.leaves_out:
        return False
    return key in context.required and not _is_filled(context.data.get(key)) and context.fits(key)


def _is_filled(value: object) -> bool:
    if isinstance(value, str):
        return bool(has_text(value))
    if isinstance(value, dict):
        return any(map(_is_value, value.values()))
    return _is_value(value)


def _is_value(value: object) -> bool:
    return bool(value) or isinstance(value, int | float)  # `0` and `false` are values, too


def _of_kind(context: ManifestContext, kind: str) -> Iterator[ValidationError]:
    found = [error for error in context.validation_errors if error.kind == kind]
    astray = {*strays(context)} if found else ()
    return (error for error in found if error.path not in astray)


def _is_misplaced(context: ManifestContext, error: ValidationError) -> bool:
    if len(error.path) == 1:
        return False
    meant = _meant(error, context.keys)
    # a value that only the client's key of this name can have was not meant for the manifest
    is_of_client = any(field.key == meant and not fits(field.shape, error.value) for field in FIELDS)
    return meant is not None and not (is_of_client and why_refused(error.path))


def _meant(error: ValidationError, known: tuple[str, ...]) -> str | None:
    """Return the manifest's key that an unknown key probably stands for; none if it resembles a key of its table."""
    word, own = str(error.path[-1]), [field.key for field in error.shape.fields]
    if word not in known and (has_home(word) or (len(error.path) > 1 and nearest(word, own))):
        return None
    return nearest(word, known)


def about(context: ManifestContext, key: str) -> list[ValidationError]:
    """Return the errors about a key of the manifest, also if it is misspelled or in a table."""
    is_absent = key not in context.data
    return [
        error
        for error in context.validation_errors
        if error.path[0] == key or (is_absent and error.kind == "unknown" and _meant(error, context.keys) == key)
    ]


def _is_elsewhere(context: ManifestContext, key: str) -> bool:
    # a required key that is misspelled or in a table is reported as that, and not as missing too
    candidates = (error for error in context.validation_errors if error.kind in ("unknown", "type"))
    found = any(_meant(error, context.keys) == key or _has_table_with(error.value, key) for error in candidates)
    return found or is_stray(context, key)


def _has_table_with(value: object, key: str) -> bool:
    tables = value if isinstance(value, list) else [value]
    return any(isinstance(table, dict) and key in table for table in tables)


def _is_misspelled(context: ManifestContext, missing: ValidationError) -> bool:
    own = [field.key for field in missing.shape.fields]
    siblings = (error for error in _of_kind(context, "unknown") if error.path[:-1] == missing.path[:-1])
    return any(len(own) == 1 or nearest(str(error.path[-1]), own) == missing.path[-1] for error in siblings)


def _header(table: KeyPath) -> str:
    name = ".".join(str(step) for step in table if isinstance(step, str))
    return f"[[{name}]]" if isinstance(table[-1], int) else f"[{name}]"


OF_VALIDATION = (unknown_key, wrong_type, blank_value, multiline_value, wrong_value)
"""The rules that only concern a manifest with validation errors."""

OF_MANIFEST = (empty_manifest, misplaced_key, missing_key, repeated_entry)
