"""The settings of a kit: their fields, and their decoded values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.model.kinds import AGENT, KINDS, Kind, usual_kind
from kei_assembler.model.manifest import EXTRA_SHAPES, FIELDS, VALUE, VALUES, target_tables
from kei_assembler.paths import common_folder, normalize
from kei_assembler.records import NamedTuple
from kei_assembler.targets import DEFAULT_TARGET, TARGETS
from kei_assembler.targets.groups import GROUPS, expanded
from kei_assembler.targets.target import Target
from kei_assembler.validation import (
    BOOLEAN,
    FILLED,
    POSITIVE,
    STRINGS,
    Field,
    Shape,
    any_of,
    fits,
    list_of,
    matching,
    one_of,
    reader,
    table,
    table_of,
)
from kei_assembler.value_types import are_texts

MANIFEST_KEYS = tuple(field.key for field in FIELDS)

RIGHTS = {right.name: right for row in TARGETS.values() for right in row.rights}
"""The rights that a kit must allow for each agent, by name."""

_FOLDER = matching(r"(?![/\\~]|[A-Za-z]:)[^\\\0]+", "a folder relative to the kit, written with `/`", names_file=True)
_GLOB = matching(
    r"(?!~|[A-Za-z]:|(?:[^\\\0]*/)?\.\.(?:/|\Z))[^\\\0]+", "a pattern for folders below the kit, written with `/`"
)
HOME = "~/"
"""The start of an output pattern that is relative to the user's home folder."""

PLAIN = "plain"
"""The value of the setting `stamp` for stamps without a digest."""

OUTPUT = matching(
    r"(?:~/(?!(?:[^\n]*/)?\.\.(?:/|\Z)))?"
    r"(?![/\\~$%]|[A-Za-z]:|[^\n]*/~(?:/|\Z))(?=[^\n]*\{name\})(?![^}]*\}[^\n]*\.\.)(?![^\n]*dir\}[^\n]*dir\})"
    r"(?:[^\\\0-\x1f\x7f./{}]/\{subdir\}(?=/)|[^\\\0-\x1f\x7f{}]|\{name\}|\{dir\})+",
    "a path relative to the kit, or to your home folder after `~/`, written with `/`, that contains `{name}`, can "
    "contain `{dir}` once or, in a folder, `{subdir}/`, and has at most 255 characters",
    255,
    names_file=True,
)
BLOCK_NAME = matching(
    r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*",
    "a block name: lower-case letters, digits, `.`, `_` and `-`, with folders set off by `/`, but not the name of a "
    "device, such as `nul`",
    names_file=True,
)


BLOCK_SECTION = matching(rf"{BLOCK_NAME.pattern}#[^#\n]+", "a block name, `#`, and the slug of a section")


@cache
def is_block_name(name: str) -> bool:
    """Return whether a name is a valid name for a block."""
    return fits(BLOCK_NAME, name)


TEMPLATE_NAME = matching(
    r"(?!(?:[^\0]*/)?(?:[./]|\Z))[^\\\0:]+", "a template's path in the folder of templates, not hidden", names_file=True
)
BUNDLE_NAME = matching(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9_-])?", "a name of lower-case letters, digits, `.`, `_` and `-`")
BLOCK_ENTRY = matching(
    rf"@{BUNDLE_NAME.pattern}|{BLOCK_NAME.pattern}(?:#[^#\n]+)?",
    "a block name, a block name with `#` and the slug of a section, or `@` and the name of a bundle",
    names_file=True,
)
_BLOCKS = list_of(BLOCK_ENTRY, "a list of block names")
_BUNDLES = table_of(list_of(BLOCK_ENTRY, "a list of block names", minimum=1), maximum=1000)
_CHARACTERS = table_of(FILLED, "a table of code points, such as `U+00AD`, with the reason for each")
_EXTRA_KEYS = table_of(one_of(*EXTRA_SHAPES), maximum=1000)  # every manifest has each of them, set or not
_CODE = matching("[A-Z][0-9]{3}", "a code such as `B201`")
_AGENT = matching(r"\w(?:[\w .:@/-]*\w)?", "an agent's name")
_TARGETS = list_of(one_of(*TARGETS, *GROUPS), "a list of targets", minimum=1)


_BUDGET = table(
    Field("agent", POSITIVE, "The most tokens of one generated file."),
    Field("descriptions", POSITIVE, "The most tokens of the names and descriptions of all agents together."),
    Field("block", POSITIVE, "The most tokens of one block."),
    Field("instructions", POSITIVE, "The most tokens of all instructions that a session in a folder loads."),
)


def _target_table(row: Target) -> Shape:
    output = Field("output", OUTPUT, "Where to write the files.", default=row.output)
    budget = Field("budget", _BUDGET, "Budgets for this target, instead of those in `[budget]`.")
    return table(output, budget, *row.settings, Field("values", VALUES, "Values for this client only."))


_TARGET_TABLES = table(*(Field(name, _target_table(row), row.label) for name, row in TARGETS.items()))
_DEFAULTS = table(
    *(field for field in FIELDS if field.key in ("tools", "model")),
    Field("target", target_tables(), "Further front matter, one table for each AI client.", default={}),
)


def _kind_table(kind: Kind) -> Shape:
    defaults = [field for field in FIELDS if field.key == "tools" and field.key in kind.keys]
    return table(
        Field("required", STRINGS, "Keys that these manifests must fill in, in addition to those they always need."),
        Field("obligatory", _BLOCKS, "Blocks that these manifests list first."),
        *([Field("defaults", table(*defaults), "Default values for these manifests.")] if defaults else []),
    )


_KIND_TABLES = table(
    *(Field(kind.name, _kind_table(kind), f"Settings of {kind.noun}s.") for kind in KINDS.values() if kind is not AGENT)
)
_DECLARATION = table(
    Field("required", BOOLEAN, "Whether every agent needs a value of its own, or from a base.", default=False),
    Field("doc", FILLED, "What the value is."),
    Field("default", VALUE, "The value of manifests that set none."),
    Field("one-of", list_of(FILLED, "a list of strings", minimum=1), "The only values."),
    Field("pattern", FILLED, "A pattern that the value, or each entry, matches as a whole."),
)
_DECLARED = any_of(*VALUE.any_of, _DECLARATION)._replace(expects=f"{VALUE.expects}, or a table that declares a value")

_ALLOWANCE = table(
    Field("agent", FILLED, "The agent's name.", required=True, default=""),
    Field("rights", list_of(FILLED, "a list of rights", minimum=1), "The agent's rights.", required=True, default=()),
    Field("reason", FILLED, "The reason.", required=True, default=""),
)

_MANIFESTS = Field(
    "manifests",
    any_of(_FOLDER, list_of(_FOLDER, "a list of folders", minimum=1)),
    "The folders with the manifests, or the only one, searched with their subfolders.",
    default=tuple(kind.folder for kind in KINDS.values()),
)

SETTINGS = (
    _MANIFESTS,
    Field("blocks", list_of(_FOLDER, "a list of folders"), "The folders with the blocks.", default=("_blocks",)),
    Field(
        "block-conflicts",
        one_of("error", "first"),
        "If several block folders have the same block: report an `error`, or use that of the `first` folder.",
        default="error",
    ),
    Field("templates", _FOLDER, "The folder with the kit's templates. It is optional.", default="templates"),
    Field("root", _FOLDER, "The folder that all sources and outputs must lie in.", default="."),
    Field("obligatory", _BLOCKS, "Blocks that all agents list first.", default=()),
    Field("bundles", _BUNDLES, "Lists of blocks, each with a name, for `@NAME` in lists of blocks.", default={}),
    Field("required", STRINGS, "Keys that every agent must fill in.", default=("name", "description")),
    Field("extra-keys", _EXTRA_KEYS, "Further keys of the manifests, for templates.", default={}),
    Field("external-agents", list_of(_AGENT, "a list of names"), "Agents outside the kit to hand off to.", default=()),
    Field("known-tools", STRINGS, "Tools to accept that no AI client has built in.", default=()),
    Field("targets", _TARGETS, "The AI clients to generate files for: names or groups.", default=(DEFAULT_TARGET,)),
    Field("target", _TARGET_TABLES, "Settings of one target.", default={}),
    Field(
        "values",
        table_of(_DECLARED, "a table of values", maximum=1000),
        "Texts that fill `{{NAME}}` in all manifests and blocks, or declarations of them.",
        default={},
    ),
    Field("defaults", _DEFAULTS, "Default values for agents.", default={}),
    Field("kind", _KIND_TABLES, "Settings of manifests that are not of agents, by their kind.", default={}),
    Field("budget", _BUDGET, "Estimated tokens above which there is a warning.", default={}),
    Field(
        "allow-characters",
        _CHARACTERS,
        "Hidden characters that the kit's files can contain, each with the reason.",
        default={},
    ),
    Field(
        "allow-rights",
        list_of(_ALLOWANCE, "a list of tables"),
        "Rights that the front matter of an agent can grant. All others are refused.",
        default=(),
    ),
    Field("ignore", list_of(_CODE, "a list of codes"), "Codes of findings to ignore.", default=()),
    Field(
        "exclude",
        list_of(_GLOB, "a list of patterns"),
        "Folders below the kit in which `--recursive` looks for no kits.",
        default=(),
    ),
    Field(
        "commit-outputs",
        BOOLEAN,
        "Whether git tracks the generated files. If not, `--staged` does not ask for them.",
        default=True,
    ),
    Field(
        "stamp",
        one_of("digest", PLAIN),
        "What shows that nobody has edited a generated file: a `digest` in its stamp, or, with `plain` stamps, git.",
        default="digest",
    ),
    Field("exclusive", BOOLEAN, "Treat agent files that no kit generates as errors.", default=False),
)
"""The settings, in the order in which they are documented."""

SHAPE = table(*SETTINGS)

_read = reader(SHAPE)

UNIQUE_LISTS = tuple(field.key for field in SETTINGS if field.shape.type is list and not field.is_table)
"""The settings whose value is a list without repetitions."""


class Maximum(NamedTuple):
    """The most tokens that a budget allows, and the path of its setting."""

    tokens: int
    setting: KeyPath


class KindSettings(NamedTuple):
    """What the settings say about the manifests of a kind: the keys that they must have, and their first blocks.

    `at` is the path of the table in the settings that says so.
    """

    required: tuple[str, ...]
    obligatory: tuple[str, ...]
    at: KeyPath


class Settings(NamedTuple):
    """The settings of one kit. Folders are relative to the kit.

    `budgets` has for each key of `[budget]` what counts for each target: its own budget or the general one. The general
    one is also there, for the target "".
    """

    manifests: tuple[str, ...]
    blocks: tuple[str, ...]
    block_conflicts: str
    templates: str
    root: str
    obligatory: tuple[str, ...]
    bundles: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    extra_keys: Mapping[str, str]
    external_agents: tuple[str, ...]
    known_tools: tuple[str, ...]
    targets: tuple[str, ...]
    target: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, Any]
    defaults: Mapping[str, Any]
    kind: Mapping[str, Mapping[str, Any]]
    budget: Mapping[str, int]
    allow_characters: Mapping[str, str]
    allow_rights: tuple[Mapping[str, Any], ...]
    ignore: tuple[str, ...]
    exclude: tuple[str, ...]
    commit_outputs: bool
    stamp: str
    exclusive: bool
    budgets: Mapping[str, Mapping[str, Maximum]] = {}

    def of_kind(self, kind: Kind) -> KindSettings:
        """Return what the settings say about the manifests of a kind."""
        if kind is AGENT:
            return KindSettings(self.required, self.obligatory, ())
        own = self.kind.get(kind.name, {})
        required = (*kind.required, *(own.get("required") or ()))
        return KindSettings(required, tuple(own.get("obligatory") or ()), ("kind", kind.name))

    def folder_for(self, kind: Kind) -> str:
        """Return the folder of new manifests of a kind, the first one for it. If there is none, it is the first."""
        return next((each for each in self.manifests if usual_kind(each) is kind), self.manifests[0])

    @property
    def folder_of_agents(self) -> str:
        """The folder around all folders of agents."""
        own = [each for each in self.manifests if usual_kind(each) is AGENT] or [*self.manifests]
        return common_folder(own)

    def output(self, target: str) -> str:
        """Return the pattern for the paths of a target's generated files."""
        return str(self.of(target).get("output") or TARGETS[target].output)

    def is_in_home(self, target: str) -> bool:
        """Return whether the generated files of a target are for the user's home folder."""
        return self.output(target).startswith(HOME)

    @property
    def is_user_level(self) -> bool:
        """Whether generated files of any target are for the user's home folder."""
        return any(map(self.is_in_home, self.target))

    @property
    def has_plain_stamps(self) -> bool:
        """Return whether stamps have no digest."""
        return self.stamp == PLAIN

    @property
    def command_option(self) -> str:
        """The option that a command needs to build the kit, after a space, or ""."""
        return " --user" if self.is_user_level else ""

    def of(self, target: str) -> Mapping[str, Any]:
        """Return the settings for one target."""
        return self.target.get(target, {})


def decode_settings(data: Mapping[str, Any]) -> Settings:
    """Return the settings in the table `[tool.assemble]`, or in a whole `assemble.toml`.

    A setting that does not fit its shape gets its default value. Groups of targets become the names of the targets.
    """
    settings = Settings(**{key.replace("-", "_"): value for key, value in _read(data, (), []).items()})
    named = (settings.manifests,) if isinstance(settings.manifests, str) else settings.manifests
    named = named if isinstance(named, list | tuple) and are_texts(named) else _MANIFESTS.default
    manifests, blocks = (tuple(map(normalize, folders)) for folders in (named, settings.blocks))
    templates = normalize(settings.templates)
    budgets = {field.key: _budgets(settings, field.key) for field in _BUDGET.fields}
    targets = expanded(settings.targets)
    return settings._replace(manifests=manifests, blocks=blocks, templates=templates, targets=targets, budgets=budgets)


def _budgets(settings: Settings, key: str) -> dict[str, Maximum]:
    found = {}
    for target in ("", *TARGETS):
        own = settings.of(target).get("budget", {})
        if key in own:
            found[target] = Maximum(own[key], ("target", target, "budget", key))
        elif key in settings.budget:
            found[target] = Maximum(settings.budget[key], ("budget", key))
    return found


def character(name: str) -> str:
    """Return the character for a code point such as `U+00AD`."""
    return chr(int(name.removeprefix("U+"), base=16))


def value_at(data: Mapping[str, Any], at: KeyPath) -> Any:
    """Return the value at a path of keys in parsed TOML, or None if it does not exist."""
    value: Any = data
    for key in at:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def settings_values(table: Mapping[str, Any]) -> tuple[Mapping[str, tuple[Any, KeyPath]], Mapping[str, Any]]:
    """Return the values in valid settings, as parsed, by name with their paths, and the tables of those for targets.

    The value of a declaration is its default.
    """
    values: dict[str, tuple[Any, KeyPath]] = {}
    for name, value in table.get("values", {}).items():
        if not isinstance(value, dict):
            values[name] = value, ("values", name)
        elif "default" in value:
            values[name] = value["default"], ("values", name, "default")
    rows = table.get("target", {}).items()
    return values, {target: row["values"] for target, row in rows if row.get("values")}


def declarations(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """Return the values that the settings declare, with what they say about each."""
    return {name: value for name, value in settings.values.items() if isinstance(value, Mapping)}


def faulty_patterns(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the names of the values whose declared pattern cannot be used, each with the reason."""
    patterns = {name: row["pattern"] for name, row in declarations(settings).items() if row.get("pattern")}
    if patterns:
        from kei_assembler.model.value_patterns import fault_of  # few kits have patterns

        yield from ((name, fault) for name, pattern in patterns.items() if (fault := fault_of(pattern)))
