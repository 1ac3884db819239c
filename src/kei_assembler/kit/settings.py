"""The settings of a kit: the table of their keys, and the typed values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from kei_assembler.diagnostics import Diagnostic, Finding, KeyPath, did_you_mean, listed, rule
from kei_assembler.manifest import EXTRA_SHAPES, FIELDS
from kei_assembler.paths import normal
from kei_assembler.source import Source
from kei_assembler.source.shapes import (
    BOOLEAN,
    FILLED,
    STRINGS,
    Field,
    coerce_fields,
    describe,
    fits,
    list_of,
    matching,
    misfits,
    one_of,
    repeats,
    table,
    table_of,
)
from kei_assembler.targets import TARGETS
from kei_assembler.text.hidden import is_hidden

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
_CODE_POINT = matching(r"U\+(?:10|[0-9A-Fa-f])?[0-9A-Fa-f]{4}", "a code point such as `U+00AD`")
_CODE = matching("[A-Z][0-9]{3}", "a code such as `B201`")
_AGENT = matching(r"\w(?:[\w .:@/-]*\w)?", "an agent's name")
_EXTRA_KEY = matching(r"[a-z][a-z0-9_]*", "a key of lower-case letters, digits and `_`")
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
        default=("claude-code",),
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

NAMED_ONCE = tuple(field.key for field in SETTINGS if field.shape.type is list and not field.is_table)
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
    """Return the settings that the table `[tool.assemble]`, or a whole `assemble.toml`, holds."""
    said = Settings(**{key.replace("-", "_"): value for key, value in coerce_fields(SETTINGS, data).items()})
    manifests, *blocks, templates = map(normal, (said.manifests, *said.blocks, said.templates))
    return said._replace(manifests=manifests, blocks=tuple(blocks), templates=templates)


@rule("C701")
def unknown_setting(at: KeyPath, data: Mapping[str, Any]) -> Iterable[Finding]:
    """A setting that does not exist.

    It would be silently without effect, so it is an error. Often it is a misspelling of another.

    Fails::

        # assemble.toml
        obligatry = ["baseline"]

    Passes::

        # assemble.toml
        obligatory = []
    """
    for misfit in misfits(SHAPE, data, at):
        if misfit.kind == "unknown":
            key = str(misfit.path[-1])
            known = [field.key for field in misfit.shape.fields]
            hint = did_you_mean(key, known, f"the settings here are {listed(known)}")
            yield Finding(misfit.path, f"unknown setting `{key}`", hint)


@rule("C702")
def wrong_setting(at: KeyPath, data: Mapping[str, Any]) -> Iterable[Finding]:
    """A setting whose value is not what it must be: another type, blank, or outside the values allowed.

    Fails::

        # assemble.toml
        obligatory = "baseline"

    Passes::

        # assemble.toml
        obligatory = []
    """
    for misfit in misfits(SHAPE, data, at):
        if misfit.kind != "unknown":
            choices = misfit.shape.choices
            hint = did_you_mean(misfit.value, choices) if choices and isinstance(misfit.value, str) else ""
            yield Finding(misfit.path, describe(misfit), hint)


@rule("C703")
def required_key_unknown(at: KeyPath, data: Mapping[str, Any]) -> Iterable[Finding]:
    """The setting `required` names a key that no manifest can have.

    Fails::

        # assemble.toml
        required = ["name", "owner"]

    Passes::

        # assemble.toml
        required = ["name", "owner"]
        extra-keys = { owner = "string" }
    """
    settings = decode_settings(data)
    known = (*MANIFEST_KEYS, *settings.extra_keys)
    for index, key in enumerate(settings.required):
        if key and key not in known:
            path = (*at, "required", index)
            yield Finding(path, f"`{key}` is no key of a manifest", did_you_mean(key, known))


@rule("C704")
def extra_key_taken(at: KeyPath, data: Mapping[str, Any]) -> Iterable[Finding]:
    """A key in `extra-keys` that manifests have anyway, or that a template could not name.

    Fails::

        # assemble.toml
        extra-keys = { model = "string" }

    Passes::

        # assemble.toml
        extra-keys = { owner = "string" }
    """
    for key in decode_settings(data).extra_keys:
        path = (*at, "extra-keys", key)
        if key in MANIFEST_KEYS:
            yield Finding(path, f"every manifest has the key `{key}`", "choose another name for the kit's own key")
        elif not fits(_EXTRA_KEY, key):
            yield Finding(path, f"`{key}` must be {_EXTRA_KEY.expects}", "templates read it as `extra.KEY`")


@rule("C709")
def character_not_allowable(at: KeyPath, data: Mapping[str, Any]) -> Iterable[Finding]:
    """The setting `allow-characters` names no code point, or one that is not hidden, or NUL.

    Fails::

        # assemble.toml
        allow-characters = { "soft hyphen" = "the descriptions are set in narrow columns" }

    Passes::

        # assemble.toml
        allow-characters = { "U+00AD" = "the descriptions are set in narrow columns" }
    """
    for name in decode_settings(data).allow_characters:
        if not _is_allowable(name):
            hint = "write it as `U+` and its number in hexadecimal digits, as the finding T406 does"
            yield Finding((*at, "allow-characters", name), f"`{name}` is no hidden character that can be allowed", hint)


def _is_allowable(name: str) -> bool:
    return fits(_CODE_POINT, name) and character(name) != "\0" and is_hidden(character(name))


def character(name: str) -> str:
    """Return the character that a code point, written as `U+00AD`, is the number of."""
    return chr(int(name.removeprefix("U+"), base=16))


@rule("C710")
def right_unknown(at: KeyPath, data: Mapping[str, Any]) -> Iterable[Finding]:
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
    for index, allowance in enumerate(decode_settings(data).allow_rights):
        for place, right in enumerate(allowance["rights"]):
            if right and right not in RIGHTS:
                where = (*at, "allow-rights", index, "rights", place)
                yield Finding(where, f"there is no right `{right}`", did_you_mean(right, RIGHTS, _RIGHTS_HINT))


@rule("C711")
def repeated_setting(at: KeyPath, data: Mapping[str, Any]) -> Iterable[Finding]:
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
        if isinstance(entries := data.get(key), list):
            yield from repeats((*at, key), entries, normal if key == "blocks" else None)


_RIGHTS_HINT = f"the rights are {listed(RIGHTS)}"

RULES = (
    unknown_setting,
    wrong_setting,
    required_key_unknown,
    extra_key_taken,
    character_not_allowable,
    right_unknown,
    repeated_setting,
)


def check_settings(source: Source, at: KeyPath, data: Any) -> list[Diagnostic]:
    """Return what is wrong with the settings that stand at `at` in the file."""
    rules = RULES if isinstance(data, Mapping) else (wrong_setting,)
    return [diagnostic for rule in rules for diagnostic in source.run(rule, at, data)]
