"""What a row about an AI tool holds: the types of which `targets` has the values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kei_assembler.source.shapes import Field
from kei_assembler.targets.forms import MARKDOWN, Form


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text."""
    return tuple(text.split())


def names_by_tool(text: str) -> dict[str, str]:
    """Return the client's names by Claude Code's, from `Edit Write: edit, …`."""
    groups = (group.partition(": ") for group in text.split(", "))
    return {tool: name for tools, _, name in groups for tool in tools.split()}


class Tools(NamedTuple):
    """How an agent file says which tools its agent has.

    `output_format` is how: `comma`, in one string; `list`; `permissions`, as a map from each to what it allows; `prose`, in
    the instructions. `names` are the client's names by Claude Code's, None where those are taken as they stand; `fallback_name`
    is the pattern for names that are not among them, empty where those have no counterpart. `mcp_tool` and `mcp_server`
    are the patterns for a tool of an MCP server and for all of its tools, and `mcp_pattern` is what a name made of them must
    match, or it has no counterpart. `scoped` are the tools whose scope, as in `Bash(git:*)`, the file can express, and
    `agents_key` the key that takes the scope of `Agent` on its own. `default_permissions` are the client's names whose permission is
    more than `allow`: to give just that would lift what the client guards by itself.

    Import needs the rest. `input_format` says how the client reads a list of names: `entries`, one name each; `words`, where
    commas or spaces separate more than one in an entry; `commas`, one string. `legacy_names` are the client's present names
    by the former ones that it still accepts. `switches_key` is a former key with a table from tools to true or false.
    """

    output_format: str
    names: Mapping[str, str] | None = None
    mcp_tool: str = ""
    mcp_server: str = ""
    mcp_pattern: str = ".*"
    fallback_name: str = ""
    scoped: tuple[str, ...] = ()
    agents_key: str = ""
    default_permissions: Mapping[str, Mapping[str, str]] = {}
    key: str = "tools"
    empty_means_all: bool = False
    input_format: str = "entries"
    legacy_names: Mapping[str, str] = {}
    switches_key: str = ""

    @property
    def by_name(self) -> Mapping[str, list[str]]:
        """Claude Code's tools by the client's names."""
        found: dict[str, list[str]] = {}
        for tool, name in (self.names or {}).items():
            found.setdefault(name, []).append(tool)
        return found


class Handoffs(NamedTuple):
    """A key of the front matter that takes the handoffs, with the pattern of their labels.

    It is left out where the manifest's table of the target has the value `unless[1]` at the key `unless[0]`.
    """

    key: str
    label: str
    unless: tuple[str, str] = ("", "")


class Limit(NamedTuple):
    """What a client takes of one thing: `name`, `description`, `body`, `prompt` or `file`.

    The body is what the template makes, the prompt that with the stamp, where the client gives both to the model.
    Sizes are in characters, of a file in bytes. `pattern` is what all of the text must match, and `expects` completes
    "it must be …"; `reserved` are names that the client keeps for itself. What is only `is_advisory` it takes nevertheless.
    """

    part: str
    most: int = 0
    least: int = 0
    pattern: str = ""
    expects: str = ""
    reserved: tuple[str, ...] = ()
    is_advisory: bool = False


class Right(NamedTuple):
    """What an agent may do by a key of its front matter, if that has `value`, or whatever it has.

    `grants` completes the sentence "it lets the agent …".
    """

    target: str
    key: str
    value: str
    grants: str

    @property
    def name(self) -> str:
        """How the setting `allow-rights` names it."""
        return f"{self.target}.{self.key}={self.value}" if self.value else f"{self.target}.{self.key}"

    def is_granted_by(self, table: Mapping[str, object]) -> bool:
        """Tell whether a target's table of a manifest gives this right, also by a pattern for everything."""
        held = table.get(self.key)
        return _grants_value(held, self.value) if self.value else bool(held)


def _grants_value(held: object, value: str) -> bool:
    if isinstance(held, Mapping):
        return any(_grants_value(inner, value) for pattern, inner in held.items() if not pattern.strip("*?"))
    return held == value


class Loader(NamedTuple):
    """How a client loads agent files that people write: what import has to know to read them in the same way.

    `has_optional_front_matter`: files without front matter are agents too. `named_by_file` and `folders_in_name` say what names an agent
    whose front matter has no name: its file, together with the folders between the client's own and the file. The
    client passes over files whose names begin with `ignored_prefix`. `legacy_keys` are its present keys by the former ones
    that it still accepts, `assumed_values` the values that it assumes for keys that a file does not have.

    `ends_at_any_dashes`: it takes any `---` for the end of the front matter. `requires_lf`: it does not repair front matter
    with line ends of CRLF. `unescapes_newlines`: it takes a `\\n` in the description for a line break.
    """

    has_optional_front_matter: bool = False
    named_by_file: bool = False
    folders_in_name: bool = False
    ignored_prefix: str = ""
    legacy_keys: Mapping[str, str] = {}
    assumed_values: Mapping[str, str] = {}
    ends_at_any_dashes: bool = False
    requires_lf: bool = False
    unescapes_newlines: bool = False


class Target(NamedTuple):
    """What one AI tool reads: where, which front matter in which order, and which tools it knows.

    `output` is a path pattern relative to the kit, with `{name}` and `{dir}`, the manifest's folder. `keys` is the
    order of the front matter; `fields` are those of its keys that a manifest's `[target.NAME]` may set, `defaults` those
    that have a value unless it does. `models` are the values of the manifest's `model` that mean something to the
    client, None for all. `settings` are further keys of `[target.NAME]` in the kit's settings. The client fills in what
    matches the pattern `placeholder` in the body. `rights` are what a review must not overlook; `unsupported` says what the client
    cannot express, or takes otherwise. `searches_subfolders` tells that it looks for agents in inner folders too;
    `tables_as_lists` are keys whose tables it takes as lists of tables with one key each.

    `search_paths` are the path patterns of where the client looks in a project, the present one first, with former ones that
    it still accepts; without them it looks at `output` alone.
    """

    name: str
    label: str
    output: str
    keys: tuple[str, ...]
    fields: tuple[Field, ...]
    tools: Tools
    form: Form = MARKDOWN
    defaults: Mapping[str, str] = {}
    models: tuple[str, ...] | None = ()
    handoffs: Handoffs | None = None
    settings: tuple[Field, ...] = ()
    limits: tuple[Limit, ...] = ()
    placeholder: str = ""
    rights: tuple[Right, ...] = ()
    unsupported: tuple[str, ...] = ()
    searches_subfolders: bool = False
    tables_as_lists: tuple[str, ...] = ()
    search_paths: tuple[str, ...] = ()
    loader: Loader = Loader()

    @property
    def default_path(self) -> str:
        """The path pattern of where the client looks for agent files."""
        return self.search_paths[0] if self.search_paths else self.output
