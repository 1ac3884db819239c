"""Keys and types: is every key known, there, in its place, and of the right form?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from kei_assembler.diagnostics import KeyPath
from kei_assembler.manifest import FIELDS, HEAD_KEYS
from kei_assembler.rules.definition import Finding, rule
from kei_assembler.rules.runner import locate
from kei_assembler.rules.subject import Subject
from kei_assembler.source.shapes import Misfit, are_texts, describe
from kei_assembler.suggestions import did_you_mean, listed, nearest

_TABLES = {field.key: field for field in FIELDS if field.is_table}


@rule("K101")
def unknown_key(subject: Subject) -> Iterable[Finding]:
    """A key that does not exist.

    It would be silently without effect. Often it is a misspelling of another. A kit that wants keys of its own
    declares them in its settings, under `extra-keys`.

    Fails::

        name = "critic"
        descripton = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    for misfit in _unknown(subject):
        if not _is_swallowed(subject, misfit):
            key = str(misfit.path[-1])
            known = [field.key for field in misfit.shape.fields]
            otherwise = f"the keys here are {listed(known)}"
            yield Finding(misfit.path, f"unknown key `{key}`", did_you_mean(key, known, otherwise))


@rule("K102")
def wrong_type(subject: Subject) -> Iterable[Finding]:
    """A value of another type than its key takes.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = "Read, Grep"

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Grep"]
    """
    for misfit in _of_kind(subject, "type"):
        yield Finding(misfit.path, describe(misfit), _type_hint(misfit))


def _type_hint(misfit: Misfit) -> str:
    shape, value = misfit.shape, misfit.value
    tables = isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value)
    wanted = shape.item.type if shape.type is list and shape.item else None
    hints = (
        (wanted is dict and isinstance(value, dict), "write its header with two brackets: `[[{}]]`"),
        (wanted is str and isinstance(value, str), 'put each entry in quotes, all in brackets: ["…"]'),
        (shape.type is dict and tables, "write its header with one bracket: `[{}]`"),
        (shape.type is str and isinstance(value, list), "write one string, without brackets"),
    )
    name = ".".join(str(step) for step in misfit.path)
    return next((hint.format(name) for applies, hint in hints if applies), "")


@rule("K103")
def missing_key(subject: Subject) -> Iterable[Finding]:
    """A key that must be there is missing, or its value is empty.

    Which keys a manifest must have is the kit's setting `required`, by default `name` and `description`. A
    `[[handoff]]` must have `target` and `trigger`.

    Fails::

        name = "critic"

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    lacking = [key for key in subject.kit.required if not _is_filled(subject.whole.get(key))]
    for key in lacking:
        if subject.fits(key) and not _is_elsewhere(subject, key):
            if key in subject.data:
                yield Finding((key,), f"`{key}` is empty", "the kit requires it; fill it in")
            else:
                yield Finding((), f"`{key}` is missing", f"the kit requires it; {_how_to_add(key)}")
    for misfit in _of_kind(subject, "missing"):
        if not _is_misspelt(subject, misfit):
            yield Finding(misfit.path, f"`{misfit.path[-1]}` is missing in this `{_header(misfit.path[:-1])}`")


@rule("K104")
def blank_value(subject: Subject) -> Iterable[Finding]:
    """A value or a list entry that must say something is blank.

    Fails::

        name = "critic"
        description = " "

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    for misfit in _of_kind(subject, "blank"):
        hint = "remove the entry, or fill it in" if isinstance(misfit.path[-1], int) else "fill it in"
        yield Finding(misfit.path, describe(misfit), hint)


@rule("K105")
def several_lines(subject: Subject) -> Iterable[Finding]:
    """A value that must be one line has several.

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
    for misfit in _of_kind(subject, "lines"):
        yield Finding(misfit.path, describe(misfit))


@rule("K106")
def wrong_value(subject: Subject) -> Iterable[Finding]:
    """A value outside of what its key allows: a name with other characters, a word that is not in the fixed set.

    Fails::

        name = "critic"
        description = "Reviews code."
        targets = ["claude"]

    Passes::

        name = "critic"
        description = "Reviews code."
        targets = ["claude-code"]
    """
    for misfit in _of_kind(subject, "value"):
        is_choice = misfit.shape.choices and isinstance(misfit.value, str)
        hint = did_you_mean(misfit.value, misfit.shape.choices) if is_choice else ""
        yield Finding(misfit.path, describe(misfit), hint)


@rule("K109", may_ignore=True)
def repeated_entry(subject: Subject) -> Iterable[Finding]:
    """An entry is listed twice: a tool, a target, or one of those in the table of a target.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Grep", "Read"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Grep"]
    """
    manifest = subject.manifest
    lists: dict[KeyPath, object] = {("tools",): manifest.tools, ("targets",): manifest.targets}
    lists |= {("target", name, key): value for name, table in manifest.target.items() for key, value in table.items()}
    for path, value in lists.items():
        if isinstance(value, list | tuple) and not subject.inherits(*path):
            yield from repeats(path, value)


def repeats(path: KeyPath, entries: Collection[object], meant: Callable[[str], str] | None = None) -> Iterator[Finding]:
    """Yield a finding for every text of a list that stands in it before, or another for which the same is `meant`."""
    if meant is None and are_texts(entries) and len(set(entries)) == len(entries):
        return
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if not (isinstance(entry, str) and entry):
            continue
        same = meant(entry) if meant else entry
        if same in seen:
            first = ((*path, seen[same]), "listed here first")
            message = f"`{entry}` is listed twice in `{path[-1]}`"
            yield Finding((*path, index), message, "remove one of the two", (first,))
        seen.setdefault(same, index)


@rule("K110")
def swallowed_key(subject: Subject) -> Iterable[Finding]:
    """A key of the manifest stands below a table's header, so that it belongs to that table.

    In TOML, a key belongs to the last header above it, whatever the blank lines or the indentation suggest. A
    key of the manifest itself must therefore stand above the first `[[handoff]]`, `[references]` or `[target.…]`.
    A table of a target that is to have such a key, as the `env` of a server, says so as an inline table.

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
    for misfit in _unknown(subject):
        if _is_swallowed(subject, misfit):
            yield _swallowed(subject, misfit.path, _meant(misfit, subject.keys))
    for path in _in_open_tables(subject.data.get("target"), ("target",)):
        if _is_header(subject, path[:-1]) and not _is_header(subject, path):
            found = _swallowed(subject, path, str(path[-1]))
            yield found._replace(help=f"{found.help}; {_TO_KEEP_IT.format(*path[-2:])}")


_TO_KEEP_IT = "if the table is to have it, write `{} = {{ {} = … }}`"


def _is_header(subject: Subject, path: KeyPath) -> bool:
    """Below a header, a key may be astray; in an inline table, or as a header itself, it is where it was put."""
    return (locate(subject.source, path).excerpt or "").lstrip().startswith("[")


def _swallowed(subject: Subject, path: KeyPath, meant: str | None) -> Finding:
    key, table = str(path[-1]), path[:-1]
    if not _is_header(subject, table):
        message = f"`{key}` stands in `{_header(table)}`, which has no such key"
        return Finding(path, message, "move it to the top of the file")
    first = min((subject.source.locate(at) for at in _tables(subject)), key=lambda span: span[:2])
    hint = f"move it above line {first.line}, the manifest's first table header"
    hint = hint if meant == key else f"did you mean `{meant}`? If so, {hint}"
    message = f"`{key}` belongs to `{_header(table)}`, because it stands below that header"
    return Finding(path, message, hint, ((table, "this header takes every key below it"),))


# Keys that only a manifest has: in a table whose keys are free, such as an AI tool's `hooks`, they are astray.
_OWN_KEYS = frozenset(field.key for field in FIELDS if field.key not in HEAD_KEYS)


def _in_open_tables(value: object, path: KeyPath) -> Iterator[KeyPath]:
    depth_of_open_tables = 2
    for key, inner in value.items() if isinstance(value, dict) else ():
        if len(path) > depth_of_open_tables and key in _OWN_KEYS:
            yield (*path, key)
        yield from _in_open_tables(inner, (*path, key))


@rule("K112")
def empty_manifest(subject: Subject) -> Iterable[Finding]:
    """The manifest holds no key at all.

    Fails::

        # agents/critic.toml

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    if not subject.data:
        yield Finding((), "the manifest is empty", "it must at least have a `name` and a `description`")


def is_missing(subject: Subject, key: str) -> bool:
    """Tell whether a key is required, and absent or empty; one of the wrong form is another matter."""
    return key in subject.kit.required and not _is_filled(subject.whole.get(key)) and subject.fits(key)


def _is_filled(value: object) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    return any(value.values()) if isinstance(value, dict) else bool(value)


def _of_kind(subject: Subject, kind: str) -> Iterator[Misfit]:
    return (misfit for misfit in subject.misfits if misfit.kind == kind)


def _unknown(subject: Subject) -> Iterator[Misfit]:
    return _of_kind(subject, "unknown")


def _is_swallowed(subject: Subject, misfit: Misfit) -> bool:
    return len(misfit.path) > 1 and _meant(misfit, subject.keys) is not None


def _meant(misfit: Misfit, known: tuple[str, ...]) -> str | None:
    """The key of the manifest that an unknown key was meant to be; its own table's keys are nearer to it."""
    word, own = str(misfit.path[-1]), [field.key for field in misfit.shape.fields]
    if len(misfit.path) > 1 and word not in known and nearest(word, own):
        return None
    return nearest(word, known)


def _is_elsewhere(subject: Subject, key: str) -> bool:
    """A required key that was misspelt or swallowed by a table is reported as that, once."""
    return any(_meant(misfit, subject.keys) == key or _holds(misfit.value, key) for misfit in _astray(subject))


def _astray(subject: Subject) -> Iterator[Misfit]:
    return (misfit for misfit in subject.misfits if misfit.kind in ("unknown", "type"))


def _holds(value: object, key: str) -> bool:
    """A table that is wrong itself may hold what was to stand above it."""
    tables = value if isinstance(value, list) else [value]
    return any(isinstance(table, dict) and key in table for table in tables)


def _is_misspelt(subject: Subject, missing: Misfit) -> bool:
    own = [field.key for field in missing.shape.fields]
    beside = (misfit for misfit in _unknown(subject) if misfit.path[:-1] == missing.path[:-1])
    return any(nearest(str(misfit.path[-1]), own) == missing.path[-1] for misfit in beside)


def _tables(subject: Subject) -> Iterator[KeyPath]:
    return ((key,) for key in _TABLES if key in subject.data)


def _header(table: KeyPath) -> str:
    name = ".".join(str(step) for step in table if isinstance(step, str))
    return f"[[{name}]]" if isinstance(table[-1], int) else f"[{name}]"


def _how_to_add(key: str) -> str:
    if key not in _TABLES:
        return f"write `{key} = …` above the first table header"
    shape = _TABLES[key].shape
    if shape.type is list:
        header = f"a `[[{key}]]`"
    else:
        header = f"a `[{key}.…]`" if all(field.is_table for field in shape.fields) else f"`[{key}]`"
    return f"add {header} at the end of the file"


OF_MISFITS = (unknown_key, wrong_type, blank_value, several_lines, wrong_value)
"""What there is to say only about a manifest with something in it that is not as its shape says."""

OF_MANIFEST = (empty_manifest, swallowed_key, missing_key, repeated_entry)
