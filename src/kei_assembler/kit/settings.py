"""The settings of a kit: the table of their keys, and the typed values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from kei_assembler.diagnostics import KeyPath
from kei_assembler.manifest import EXTRA_SHAPES, FIELDS
from kei_assembler.paths import normal
from kei_assembler.source.shapes import (
    BOOLEAN,
    FILLED,
    STRINGS,
    Field,
    fits,
    list_of,
    matching,
    one_of,
    reader,
    table,
    table_of,
)
from kei_assembler.targets import DEFAULT_TARGET, TARGETS

MANIFEST_KEYS = tuple(field.key for field in FIELDS)

RIGHTS = {right.name: right for row in TARGETS.values() for right in row.rights}
"""What a kit must allow its agents one by one, by name."""

_FOLDER = matching(r"(?![/\\~]|[A-Za-z]:)[^\\\0]+", "a folder relative to the kit, written with `/`", names_file=True)
_OUTPUT = matching(
    r"(?![/\\~]|[A-Za-z]:)(?=.*\{name\})(?!.*\}.*\.\.)(?:[^\\\0{}]|\{name\}|\{dir\})+",
    "a path relative to the kit, written with `/`, that holds `{name}` and may hold `{dir}`",
    names_file=True,
)
BLOCK_NAME = matching(
    r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*",
    "a block name: lower-case letters, digits, `.`, `_` and `-`, with folders set off by `/`, and no device as `nul`",
    names_file=True,
)


@cache
def is_block_name(name: str) -> bool:
    """Tell whether a name is made like a block's."""
    return fits(BLOCK_NAME, name)


TEMPLATE_NAME = matching(
    r"(?!(?:.*/)?\.{0,2}(?:/|\Z))[^\\\0:]+", "a template's path below the folder of the templates", names_file=True
)
_CODE = matching("[A-Z][0-9]{3}", "a code such as `B201`")
_AGENT = matching(r"\w(?:[\w .:@/-]*\w)?", "an agent's name")
_TARGET_TABLES = table(
    *(
        Field(
            name,
            table(Field("output", _OUTPUT, "Where the files go.", default=target.output), *target.settings),
            target.label,
        )
        for name, target in TARGETS.items()
    )
)
_DEFAULTS = table(*(field for field in FIELDS if field.key in ("tools", "model", "target")))

_ALLOWANCE = table(
    Field("agent", FILLED, "The agent's name.", required=True, default=""),
    Field("rights", list_of(FILLED, "a list of rights", least=1), "What it may do.", required=True, default=()),
    Field("reason", FILLED, "Why.", required=True, default=""),
)

SETTINGS = (
    Field("manifests", _FOLDER, "The folder with the manifests, searched in depth.", default="agents"),
    Field("blocks", list_of(_FOLDER, "a list of folders"), "The folders with the blocks.", default=("_blocks",)),
    Field("templates", _FOLDER, "The folder with the kit's templates; it need not exist.", default="templates"),
    Field("root", _FOLDER, "The folder that no source and no output may lie outside of.", default="."),
    Field("obligatory", list_of(BLOCK_NAME, "a list of block names"), "What every manifest lists first.", default=()),
    Field("required", STRINGS, "Keys that a manifest must have, not empty.", default=("name", "description")),
    Field(
        "extra-keys", table_of(one_of(*EXTRA_SHAPES)), "Further keys of the manifests, for the template.", default={}
    ),
    Field("external-agents", list_of(_AGENT, "a list of names"), "Agents outside the kit to hand off to.", default=()),
    Field("known-tools", STRINGS, "Tools that are right although no AI tool brings them.", default=()),
    Field(
        "targets",
        list_of(one_of(*TARGETS), "a list of targets", least=1),
        "The AI tools to write for.",
        default=(DEFAULT_TARGET,),
    ),
    Field("target", _TARGET_TABLES, "Settings of one target.", default={}),
    Field("defaults", _DEFAULTS, "What a manifest has that does not say otherwise.", default={}),
    Field(
        "allow-characters",
        table_of(FILLED, "a table of code points, such as `U+00AD`, with the reason for each"),
        "Hidden characters that the kit's files may hold, each with the reason.",
        default={},
    ),
    Field(
        "allow-rights",
        list_of(_ALLOWANCE, "a list of tables"),
        "What agents may do by their front matter that would else be refused.",
        default=(),
    ),
    Field("ignore", list_of(_CODE, "a list of codes"), "Findings to silence.", default=()),
    Field("exclusive", BOOLEAN, "Whether other agent files in an output folder are errors.", default=False),
)
"""The settings' keys, in the order in which they are documented."""

SHAPE = table(*SETTINGS)

_read = reader(SHAPE)

UNIQUE_LISTS = tuple(field.key for field in SETTINGS if field.shape.type is list and not field.is_table)
"""The settings that are lists of names, each of which stands there once."""


class Settings(NamedTuple):
    """The settings of one kit; folders are relative to it."""

    manifests: str
    blocks: tuple[str, ...]
    templates: str
    root: str
    obligatory: tuple[str, ...]
    required: tuple[str, ...]
    extra_keys: Mapping[str, str]
    external_agents: tuple[str, ...]
    known_tools: tuple[str, ...]
    targets: tuple[str, ...]
    target: Mapping[str, Mapping[str, Any]]
    defaults: Mapping[str, Any]
    allow_characters: Mapping[str, str]
    allow_rights: tuple[Mapping[str, Any], ...]
    ignore: tuple[str, ...]
    exclusive: bool

    def output(self, target: str) -> str:
        """Return the path pattern of the target's files."""
        return str(self.of(target).get("output") or TARGETS[target].output)

    def of(self, target: str) -> Mapping[str, Any]:
        """Return what the settings say of one target."""
        return self.target.get(target, {})


def decode_settings(data: Mapping[str, Any]) -> Settings:
    """Return the settings that the table `[tool.assemble]`, or a whole `assemble.toml`, holds.

    A setting whose value does not have its form counts as one that is not given.
    """
    said = Settings(**{key.replace("-", "_"): value for key, value in _read(data, (), []).items()})
    manifests, *blocks, templates = map(normal, (said.manifests, *said.blocks, said.templates))
    return said._replace(manifests=manifests, blocks=tuple(blocks), templates=templates)


def character(name: str) -> str:
    """Return the character that a code point, written as `U+00AD`, is the number of."""
    return chr(int(name.removeprefix("U+"), base=16))


def table_at(data: Mapping[str, Any], at: KeyPath) -> Any:
    """Return what stands at a path in the data of a file, which should be the table of the settings; else None."""
    table: Any = data
    for key in at:
        table = table.get(key) if isinstance(table, Mapping) else None
    return table
