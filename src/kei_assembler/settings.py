"""The settings of a kit: the table of their keys, and the typed values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kei_assembler.diagnostics import Diagnostic, Finding, KeyPath, did_you_mean, listed, rule
from kei_assembler.manifest import EXTRA_SHAPES, FIELDS
from kei_assembler.shapes import (
    BOOLEAN,
    STRINGS,
    Field,
    coerce_field,
    describe,
    fits,
    list_of,
    matching,
    misfits,
    one_of,
    table,
    table_of,
)
from kei_assembler.source import Source
from kei_assembler.targets import TARGETS

MANIFEST_KEYS = tuple(field.key for field in FIELDS)

_FOLDER = matching(r"(?![/\\~]|[A-Za-z]:)[^\\\0]+", "a folder relative to the kit, written with `/`")
_OUTPUT = matching(
    r"(?![/\\~]|[A-Za-z]:)(?=.*\{name\})(?!.*\}.*\.\.)(?:[^\\\0{}]|\{name\}|\{dir\})+",
    "a path relative to the kit, written with `/`, that holds `{name}` and may hold `{dir}`",
)
BLOCK_NAME = matching(
    r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*",
    "a block name: lower-case letters, digits, `.`, `_` and `-`, with folders set off by `/`",
)
_CODE = matching("[A-Z][0-9]{3}", "a code such as `B201`")
_AGENT = matching(r"\w(?:[\w .:@/-]*\w)?", "an agent's name")
_EXTRA_KEY = matching(r"[a-z][a-z0-9_]*", "a key of lower-case letters, digits and `_`")
_TARGET_TABLES = table(
    *(
        Field(name, table(Field("output", _OUTPUT, "Where the files go.", default=target.output)), target.label)
        for name, target in TARGETS.items()
    )
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
    Field("ignore", list_of(_CODE, "a list of codes"), "Findings to silence.", default=()),
    Field("exclusive", BOOLEAN, "Whether other agent files in an output folder are errors.", default=False),
)
"""The settings' keys, in the order in which they are documented."""

SHAPE = table(*SETTINGS)


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
    target: Mapping[str, Mapping[str, str]]
    ignore: tuple[str, ...]
    exclusive: bool

    def output(self, target: str) -> str:
        """Return the path pattern of the target's files."""
        return self.target.get(target, {}).get("output") or TARGETS[target].output


def decode_settings(data: Mapping[str, Any]) -> Settings:
    """Return the settings that the table `[tool.assemble]`, or a whole `assemble.toml`, holds."""
    return Settings(**{field.key.replace("-", "_"): coerce_field(field, data) for field in SETTINGS})


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


RULES = (unknown_setting, wrong_setting, required_key_unknown, extra_key_taken)


def check_settings(source: Source, at: KeyPath, data: Any) -> list[Diagnostic]:
    """Return what is wrong with the settings that stand at `at` in the file."""
    rules = RULES if isinstance(data, Mapping) else (wrong_setting,)
    return [diagnostic for rule in rules for diagnostic in source.run(rule, at, data)]
