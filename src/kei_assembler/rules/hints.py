"""Where a key belongs, why one is never written, and which name is meant by a path or a heading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import SETTINGS_FILE, LoadedKit
from kei_assembler.kit.blocks import SECTION_MARK
from kei_assembler.model.inheritance import BUNDLE, DROPPED, INHERITED
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.manifest import FIELDS
from kei_assembler.model.settings import SETTINGS
from kei_assembler.suggestions import listed, nearest
from kei_assembler.targets import TARGETS

_MANIFEST_KEYS = {field.key: field for field in FIELDS}
_DEFAULTS = {field.key for field in next(each for each in SETTINGS if each.key == "defaults").shape.fields}
_BUDGET = {field.key for field in next(each for each in SETTINGS if each.key == "budget").shape.fields}
_KINDS = {field.key: field.shape for field in next(each for each in SETTINGS if each.key == "kind").shape.fields}
_TARGET_PATH = 3  # `target`, its name, and a key in its table


def plain(key: str) -> str:
    """Return a key as those write it who do not remember its capitals and separators."""
    return key.casefold().replace("-", "").replace("_", "")


@cache
def _owners() -> Mapping[str, Mapping[str, str]]:
    """The keys of the targets' tables by target, for each plain key."""
    owners: dict[str, dict[str, str]] = {}
    for name, row in TARGETS.items():
        for field in row.fields:
            owners.setdefault(plain(field.key), {})[name] = field.key
    return owners


@cache
def _settings() -> Mapping[str, str]:
    return {plain(field.key): field.key for field in SETTINGS}


@cache
def _target_settings() -> Mapping[str, str]:
    keys = ["output", "budget", *(field.key for row in TARGETS.values() for field in row.settings)]
    return {plain(key): key for key in keys}


def has_home(key: str) -> bool:
    """Return whether a key is one of a target's table or of the settings, apart from capitals and separators."""
    return any(plain(key) in keys for keys in (_owners(), _settings(), _target_settings()))


Preferred = Sequence[Iterable[str]]
"""Targets, the preferred ones first: those of a manifest, and those of its kit."""


def in_manifest(path: KeyPath, known: Collection[str], targets: Preferred) -> str:
    """Return where an unknown key of a manifest belongs, or nothing if it is a key of no table.

    `known` are the keys of the table that it is in. If several clients have the key, the preferred targets are named.
    """
    key = str(path[-1])
    if _is_known(key, known):
        return ""
    is_in_target = len(path) == _TARGET_PATH and path[0] == "target"
    if len(path) > 1 and not is_in_target:
        return ""
    inner = _inner_table(str(path[1]), key) if is_in_target else ""
    owners = _owners_of(key, known, targets)
    if inner or owners:
        return f"it belongs in {f'`{inner}`' if inner else _tables(owners, key, 'target')}"
    of_target, of_kit = _target_settings().get(plain(key)), _settings().get(plain(key))
    if of_target and (is_in_target or not of_kit):
        table = f"[target.{path[1]}]" if is_in_target else "[target.NAME]"
        return f"it is a setting of the kit, and belongs in `{table}` of `{SETTINGS_FILE}`{_as(of_target, key)}"
    if of_kit:
        return f"it is a setting of the kit, and belongs in `{SETTINGS_FILE}`{_as(of_kit, key)}"
    return ""


def table_in_manifest(path: KeyPath, known: Collection[str], targets: Preferred) -> tuple[KeyPath, str] | None:
    """Return the table of a client to which an unknown key of a manifest belongs, and its name there.

    None if the key belongs elsewhere, or if several clients have it. See `in_manifest`.
    """
    is_in_target = len(path) == _TARGET_PATH and path[0] == "target"
    key = str(path[-1])
    if _is_known(key, known) or (len(path) > 1 and not is_in_target):
        return None
    owners = {} if is_in_target and _inner_table(str(path[1]), key) else _owners_of(key, known, targets)
    return next(((("target", name), own) for name, own in owners.items()), None) if len(owners) == 1 else None


def _inner_table(target: str, key: str) -> str:
    """The key of a target's table with a key such as that of an event, or nothing."""
    fields = TARGETS[target].fields if target in TARGETS else ()
    return next((each.key for each in fields if any(key == inner.key for inner in each.shape.fields)), "")


def in_settings(path: KeyPath, known: Collection[str]) -> str:
    """Return where an unknown key of the settings belongs, or nothing. `path` starts at the table of the settings."""
    key = str(path[-1])
    if _is_known(key, known) or path[0] == "kind":
        return ""
    if path[:1] == ("defaults",) or len(path) == 1:
        manifest_key = next((each for each in _MANIFEST_KEYS if plain(each) == plain(key)), None)
        if manifest_key in _DEFAULTS:
            return f"it belongs in `[defaults]`{_as(manifest_key, key)}"
        if manifest_key:
            return f"`{manifest_key}` is a key of manifests, which has no default"
    if path[:2] == ("defaults", "target") and (table := _inner_table(str(path[2]), key)):
        return f"it belongs in `{table}`"
    if owners := _owners_of(key, known, ()):
        return f"it belongs in {_tables(owners, key, 'defaults.target')}"
    setting = _settings().get(plain(key))
    return f"it belongs at the top of the settings{_as(setting, key)}" if setting and len(path) > 1 else ""


def table_in_settings(path: KeyPath, known: Collection[str]) -> tuple[KeyPath, str] | None:
    """Return the table to which an unknown key of the settings belongs, and its name there. See `in_settings`."""
    key = str(path[-1])
    if _is_known(key, known):
        return None
    if path[0] == "kind":
        return _table_of_kind(path)
    manifest_key = next((each for each in _MANIFEST_KEYS if plain(each) == plain(key)), None)
    if manifest_key and (path[:1] == ("defaults",) or len(path) == 1):
        return (("defaults",), manifest_key) if manifest_key in _DEFAULTS else None
    if path[:2] == ("defaults", "target") and _inner_table(str(path[2]), key):
        return None
    if owners := _owners_of(key, known, ()):
        name, own = next(iter(owners.items()))
        return (("defaults", "target", name), own) if len(owners) == 1 else None
    setting = _settings().get(plain(key))
    return ((), setting) if setting and len(path) > 1 else None


def in_kind(path: KeyPath) -> str:
    """Return where a key below `kind` in the settings belongs, or nothing. `path` starts as in `in_settings`."""
    if path == ("kind", AGENT.name):
        return "the settings of agents belong at the top, and in `[defaults]`"
    place = _table_of_kind(path) if path[0] == "kind" else None
    return f"it belongs in `[{'.'.join(map(str, place[0]))}]`{_as(place[1], str(path[-1]))}" if place else ""


def _table_of_kind(path: KeyPath) -> tuple[KeyPath, str] | None:
    """Return the table of the same kind of manifests that a key of the settings belongs in, and its name there."""
    kind = path[:2]
    shape = _KINDS.get(str(path[1])) if len(path) > len(kind) else None
    tables = {kind: shape, **{(*kind, each.key): each.shape for each in shape.fields}} if shape else {}
    keys = ((table, field.key) for table, inner in tables.items() if table != path[:-1] for field in inner.fields)
    return next((found for found in keys if plain(found[1]) == plain(str(path[-1]))), None)


def budget_of_target(path: KeyPath) -> str:
    """Return where a key for the budget of one target belongs, or nothing. `path` starts as in `in_settings`."""
    match path:
        case ["budget", str(name)] if name in TARGETS:
            return f"a budget for one target belongs in `[target.{name}.budget]`"
        case ["target", name, str(key)] if key in _BUDGET:
            return f"it belongs in `[target.{name}.budget]`"
        case _:
            return ""


def _is_known(key: str, known: Collection[str]) -> bool:
    """Whether a key is known in another spelling: `forbidden-domain` or `handoffs`."""
    return plain(key).removesuffix("s") in (plain(each).removesuffix("s") for each in known)


def _owners_of(key: str, known: Collection[str], targets: Preferred) -> Mapping[str, str]:
    owners = _owners().get(plain(key))
    if owners is None and not nearest(key, known) and (match := nearest(key, _owners())):
        owners = _owners()[match]
    chosen = ({name: owners[name] for name in names if name in owners} if owners else {} for names in targets)
    return next(filter(None, chosen), owners or {})


def _tables(owners: Mapping[str, str], key: str, table: str) -> str:
    return listed((f"`[{table}.{name}]`{_as(own, key)}" for name, own in owners.items()), str, "or")


def _as(meant: str, key: str) -> str:
    return "" if meant == key else f" as `{meant}`"


def why_refused(path: KeyPath, value: object = None) -> tuple[str, str] | None:
    """Return why a client's own key at this path, or its value, is never written, or None if that is not known.

    The first text is the message of the finding, and the second one its help.
    """
    match path:
        case [*_, "target", str(name), str(key)] if name in TARGETS:
            row = TARGETS[name]
            names = {key: f"`{key}` is a key of {row.label}", f"{key}={value}": f"{row.label} accepts `{value}` here"}
            if found := next((each for each in names if each in row.refused), None):
                return f"{names[found]}, but `assemble` never writes it", f"it {row.refused[found]}"
    return None


def current_key(path: KeyPath) -> str | None:
    """Return the client's current name of a key at this path, if it is an older one that is never written."""
    match path:
        case [*_, "target", str(name), str(key)] if name in TARGETS:
            return TARGETS[name].loader.legacy_keys.get(key)
    return None


def client_may_know(path: KeyPath) -> str:
    """Return the start of a hint about an unknown key in the table of a target, or nothing for other tables."""
    match path:
        case ["target", str(name), _] if name in TARGETS:
            return f"{TARGETS[name].label} may know it, but `assemble` does not; "
        case _:
            return ""


SUFFIXES = (".md", ".toml", ".markdown", ".mdc", ".txt")
"""What people write after the name of a file's block or agent."""


def meant_name(written: str, known: Collection[str], folders: Iterable[str] = ()) -> str | None:
    """Return the known name that a path, a title or a misspelling stands for, or None.

    `folders` are where files with such names are.
    """
    path = written.strip(" ").replace("\\", "/").lstrip("@#")
    path = path.casefold().removeprefix("./")
    for folder in folders:
        path = path.removeprefix(f"{folder.casefold()}/")
    for suffix in SUFFIXES:
        path = path.removesuffix(suffix)
    path = path.replace(" ", "-")
    candidates = (path, path.rpartition("/")[2], _in_folders(frozenset(known)).get(path))
    return next((each for each in candidates if each in known), None) or nearest(path, known) or nearest(written, known)


@lru_cache(maxsize=4)
def _in_folders(names: frozenset[str]) -> Mapping[str, str]:
    """The names with folders by their last parts, except those that have the same one."""
    by_last = {name.rpartition("/")[2]: name for name in names if "/" in name}
    counts = Counter(name.rpartition("/")[2] for name in names)
    return {last: name for last, name in by_last.items() if counts[last] == 1}


def did_you_mean_block(kit: LoadedKit, written: str, otherwise: str = "") -> str:
    """Return the help for an unknown block: a question with the block or bundle that is meant, or `otherwise`."""
    match = meant_entry(kit, written)
    if not match and written.startswith(DROPPED):
        return f'only an inherited block can be dropped, in a list with `"{INHERITED}"`'
    return f"did you mean `{match}`?" if match else otherwise


def meant_entry(kit: LoadedKit, written: str) -> str | None:
    """Return the entry that an unknown block in a list stands for: a block, its section or a bundle, or None."""
    if written in kit.settings.bundles:
        return f"{BUNDLE}{written}"
    if written.startswith(DROPPED):
        return None
    name, mark, slug = written.partition(SECTION_MARK)
    match = meant_name(name, kit.known_blocks, kit.settings.blocks)
    return f"{match}{mark}{slug}" if match else None


def entries_of(kit: LoadedKit, written: str) -> frozenset[str]:
    """Return the entries that one of a list of blocks can stand for: blocks, with the same section, and bundles."""
    slug = "".join(written.partition(SECTION_MARK)[1:])
    bundles = (f"{BUNDLE}{name}" for name in kit.settings.bundles)
    return frozenset((*(f"{name}{slug}" for name in kit.known_blocks), *bundles))


def did_you_mean_name(written: str, known: Collection[str], folders: Iterable[str] = (), otherwise: str = "") -> str:
    """Return the help for an unknown name: a question with the name that is meant, or `otherwise`."""
    match = meant_name(written, known, folders)
    return f"did you mean `{match}`?" if match else otherwise
