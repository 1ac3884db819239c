"""The types of the rows that describe clients."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from fnmatch import fnmatchcase

from kei_assembler import lazy_re
from kei_assembler.markdown.front_matter import Value
from kei_assembler.records import NamedTuple
from kei_assembler.targets.facts import AgentSettings, Budget, Verified
from kei_assembler.targets.forms import MARKDOWN, Form
from kei_assembler.targets.instructions import Instructions
from kei_assembler.targets.tools import Tools
from kei_assembler.validation import Field, Shape


class Handoffs(NamedTuple):
    """A front matter key for the handoffs, and the pattern of their labels.

    The key is left out if the manifest's table for the target has the value `unless[1]` at the key `unless[0]`.
    """

    key: str
    label: str
    unless: tuple[str, str] = ("", "")


class Limit(NamedTuple):
    """A client's limit for one part of an agent file: `name`, `description`, `body`, `prompt` or `file`.

    The body is what the template renders. The prompt is the body and the stamp, if the client passes both to the model.
    """

    part: str
    # Sizes in characters, for a file in bytes.
    maximum: int = 0
    minimum: int = 0
    # A regular expression that the whole text must match. `expects` completes "it must be …".
    pattern: str = ""
    expects: str = ""
    # Names that the client reserves for itself, in any case.
    reserved: tuple[str, ...] = ()
    # Whether the client loads the agent even if it exceeds the limit.
    is_advisory: bool = False


class DisplayName(NamedTuple):
    """How a client takes a manifest's `display-name`. If the key is `name`, the limits of names also apply."""

    key: str = "name"
    # A regular expression that the whole text must match. `expects` completes "it must be …".
    pattern: str = ".*"
    expects: str = ""
    # Whether the front matter has no name if the manifest has no `display-name`.
    is_only_name: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether other agents then call the agent by this name."""
        return self.key == "name"


class Placeholder(NamedTuple):
    """Text in the body of an agent file that the client replaces, so that the model does not get it.

    `forms` show a reader what it looks like. `effect` completes the sentence "the client treats it as a variable, …".
    """

    # A regular expression for the text. If it is empty, the client replaces nothing.
    pattern: str = ""
    forms: tuple[str, ...] = ()
    effect: str = ""
    # How to write it instead, with `{plain}` for the text without braces.
    remedy: str = "write it differently, such as `{plain}`"


class BuiltIn(NamedTuple):
    """Names of a client's own agents, and what happens if an agent file has one of them.

    `effect` completes the sentence "the client has a built-in agent of this name, …".
    """

    names: tuple[str, ...]
    effect: str
    # Whether the agent can then not be used, or the client not work as usual.
    is_harmful: bool = False
    # A key of the manifest's table for the target, and values with which all is well.
    unless: tuple[str, tuple[str | bool, ...]] = ("", ())
    # How to set that, as the end of a hint.
    remedy: str = ""


class Right(NamedTuple):
    """A permission-granting key of the front matter. If `value` is empty, any value of the key grants the right.

    For a list, the value is `*`: an entry that stands for many names. `grants` completes the sentence "it lets the
    agent …".
    """

    target: str
    key: str
    value: str
    grants: str
    # The right is nothing new if the manifest grants all of these tools of Claude Code, or all tools.
    covered_by: tuple[str, ...] = ()
    # Takes the key's value and the value for the manifest's `tools`, or None if the manifest lists no tools. Returns
    # whether the first one allows more. Replaces the comparison with `value`.
    exceeds: Callable[[Value, Value | None], bool] | None = None
    # Another key of the table that the client ignores beside this one. With it, the right is always something new.
    beside: str = ""

    @property
    def name(self) -> str:
        """The right's name in the setting `allow-rights`."""
        return f"{self.target}.{self.key}={self.value}" if self.value else f"{self.target}.{self.key}"

    def is_granted_by(
        self, table: Mapping[str, Value], tools: Collection[str] | None = None, usual: Value | None = None
    ) -> bool:
        """Return whether a manifest's table for the target grants this right.

        `tools` are the manifest's tools by their current names, and `usual` is the value of the key for them. Both are
        None if the manifest lists no tools.
        """
        value = table.get(self.key)
        has_all = tools is None or "*" in tools
        is_covered = (has_all or {*self.covered_by}.issubset(tools or ())) and self.beside not in table
        if value is None or (self.covered_by and is_covered):
            return False
        if self.exceeds:
            return self.exceeds(value, usual)
        if self.value and isinstance(value, list | tuple):
            return any(_stands_for_many(str(entry)) for entry in value)
        return value == self.value if self.value else bool(value)


# The start of the names of one server's tools. What separates its name from theirs must be there, because otherwise the
# names of other servers can start with it.
_OF_ONE_SERVER = lazy_re.compile(r"mcp__(?:[^_,\s]|_(?!_))+__[^,\s]*|mcp_[^_,\s](?:[^_,\s]|_(?!\Z))*_")


def _stands_for_many(entry: str) -> bool:
    """Return whether an entry of a list stands for many tools, and not only for those of one server."""
    start, wildcard, rest = entry.strip().partition("*")
    if not wildcard:
        return start.rstrip("_") == "mcp" != start
    is_of_server = start.endswith("/") and start.strip("/ ") and "," not in start
    return bool(rest) or not (is_of_server or _OF_ONE_SERVER.fullmatch(start))


class Key(NamedTuple):
    """A key that a manifest's `[target.NAME]` can set.

    `permissions` says what the key's values give the agent beyond the manifest's `tools`, or why they give it nothing.
    If it is empty, nobody has decided that. Manifests then can't set the key, so it is never written.
    """

    field: Field
    permissions: str
    rights: tuple[Right, ...] = ()


class Loader(NamedTuple):
    """How a client loads agent files that people write. Import reads them the same way."""

    # Whether a file without front matter is an agent too.
    has_optional_front_matter: bool = False
    # Whether the file name is the agent's name if the front matter has none.
    named_by_file: bool = False
    # Whether that name includes the folders between the client's own folder and the file.
    folders_in_name: bool = False
    # Whether two files of one name are one agent, whatever names their front matter has.
    is_known_by_file: bool = False
    # Whether names that differ only in their case are one name. Then all names are compared in lower case.
    folds_case: bool = False
    # Characters of a file name. In the agent's name, a hyphen replaces each run of them.
    hyphens_for: str = ""
    # Files in the client's folders that are something else: the ends of their paths, with `*` for any characters.
    other_files: tuple[str, ...] = ()
    # The client skips files whose names start with this.
    ignored_prefix: str = ""
    # Subfolders that the client does not enter: their names, with `*` for any characters, and how deep it looks.
    skipped_folders: tuple[str, ...] = ()
    maximum_depth: int = 100
    # The client's current keys by the older ones that it still accepts.
    legacy_keys: Mapping[str, str] = {}
    # The keys of other clients that the client accepts instead of its own: each with that key, and the client's values
    # by the other's.
    foreign_keys: Mapping[str, tuple[str, Mapping[str, str]]] = {}
    # Values that the client assumes for keys that a file doesn't have.
    assumed_values: Mapping[str, Value] = {}
    # Whether any `---` ends the front matter, even inside a value.
    ends_at_any_dashes: bool = False
    # Whether the client doesn't repair front matter with CRLF line endings.
    requires_lf: bool = False
    # Whether the client reads `\n` in the description as a line break.
    unescapes_newlines: bool = False
    # Whether the front matter can start at any line.
    finds_late_front_matter: bool = False
    # The entries of `refused` that only agents have which no manifest can describe. Import leaves such a file alone.
    foreign: tuple[str, ...] = ()
    # Whether the front matter can be a list of agents.
    reads_lists: bool = False
    # What the values of keys must be. If one of them is something else, the client ignores all keys of the file.
    types: Mapping[str, Shape] = {}
    # The ends of the names of agent files, if there are others than that of the form.
    suffixes: tuple[str, ...] = ()

    def is_other_file(self, path: str) -> bool:
        """Return whether a file in one of the client's folders is something else than an agent. The path has `/`."""
        return any(fnmatchcase(f"/{path}".casefold(), f"*/{each}") for each in self.other_files)

    def skips(self, path: str) -> bool:
        """Return whether the client does not load a file in one of its folders, whatever the file contains."""
        is_ignored = bool(self.ignored_prefix) and path.rpartition("/")[2].startswith(self.ignored_prefix)
        return is_ignored or self.is_other_file(path)


class Plugin(NamedTuple):
    """How a client loads agents from a plugin: a folder that contains one of the files `markers`."""

    markers: tuple[str, ...]
    # The folder of the plugin in which the client looks for agents, with its subfolders. The marker can name others.
    folder: str = "agents"
    # The keys that the client ignores there, each with what that means for the agent.
    ignored: Mapping[str, str] = {}
    # The only values of other keys that the client accepts there.
    accepted: Mapping[str, tuple[str, ...]] = {}
    # Whether the client calls an agent there `PLUGIN:NAME`, with the subfolders of `folder` in between.
    is_in_names: bool = False


class Foreign(NamedTuple):
    """A folder of another client in which a client finds agents, too. Of two agents of a name, its own file wins."""

    folder: str
    # The target whose files are there. It is empty if the other client is not a target.
    target: str = ""
    # Whether the client understands the names of Claude Code's tools in these files, if its `Tools.names` has them, and
    # those of MCP tools.
    has_tool_names: bool = True
    has_mcp_names: bool = False
    # Whether a file there counts as the same agent if its file name is the name of the agent in the own file.
    is_known_by_file: bool = False
    # The keys of these files that the client ignores although they limit the agent, each with what that means.
    ignored: Mapping[str, str] = {}
    # The program that shows both agents of a name, and how to stop it.
    shows_both: str = ""
    remedy: str = ""
    # The file of the program's settings in a project, and the key whose table turns the folder off with false.
    settings_file: str = ""
    settings_key: str = ""
    # A key of the manifest's table for the target, and the value with which the program does not show its own file.
    unless: tuple[str, str] = ("", "")


class Target(NamedTuple):
    """Everything about one client: its files, their front matter, its tools, and what import needs."""

    name: str
    label: str
    # The programs that read the files, each with the version for which the row was verified.
    verified: tuple[Verified, ...]
    # A path pattern relative to the kit, with `{name}` and `{dir}`, the manifest's folder.
    output: str
    # All front matter keys, in the order in which they are written.
    keys: tuple[str, ...]
    # The keys that a manifest's `[target.NAME]` can set.
    table: tuple[Key, ...]
    tools: Tools
    form: Form = MARKDOWN
    # Values of keys that `[target.NAME]` doesn't set.
    defaults: Mapping[str, str] = {}
    # The values of the manifest's `model` that the client understands. None for all.
    models: tuple[str, ...] | None = ()
    # The front matter key for the model.
    model_key: str = "model"
    # The client's own words for models. Others can be the names of any provider's models.
    model_names: tuple[str, ...] = ()
    # How the client reads the instructions of a project.
    instructions: Instructions = Instructions()
    # The folders of a project in which the client looks for skills.
    skill_folders: tuple[str, ...] = ()
    # Whether the client shows only one of two skills of the same name in these folders.
    shows_one_skill: bool = False
    handoffs: Handoffs | None = None
    # Additional keys of `[target.NAME]` in the kit's settings.
    settings: tuple[Field, ...] = ()
    limits: tuple[Limit, ...] = ()
    # The limit for the descriptions of all agents together.
    budget: Budget | None = None
    display_name: DisplayName = DisplayName()
    # The names of the client's own agents.
    built_in: tuple[BuiltIn, ...] = ()
    placeholder: Placeholder = Placeholder()
    # The client's other keys that are never written, or single values as `key=value`, and why. It completes the
    # sentence "not written, because it …". The client accepts them.
    refused: Mapping[str, str] = {}
    # Sentences about what the client doesn't support or interprets differently.
    unsupported: tuple[str, ...] = ()
    # Whether the client also looks for agents in subfolders.
    searches_subfolders: bool = False
    # More words that people use for the client, in lower case and without separators. Manifests cannot use them.
    other_names: tuple[str, ...] = ()
    # Keys whose tables the client expects as lists of tables with one key each.
    tables_as_lists: tuple[str, ...] = ()
    # Path patterns of where the client looks in a project: the current one first, then older ones that it still
    # accepts. If there are none, it looks only at `output`.
    search_paths: tuple[str, ...] = ()
    # More folders of its own in which the client finds agents.
    other_folders: tuple[str, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    # The folders with a user's agents, relative to the home folder, if they are named differently than a project's.
    user_folders: tuple[str, ...] = ()
    plugin: Plugin = Plugin(())
    agent_settings: AgentSettings | None = None
    loader: Loader = Loader()

    def identity(self, name: str) -> str:
        """Return what the client compares of an agent's name."""
        return name.lower() if self.loader.folds_case else name

    @property
    def is_docs_only(self) -> bool:
        """Whether the row is known from documentation only: nobody has run a program or read its code."""
        return all(one.is_docs_only for one in self.verified)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of a manifest's `[target.NAME]`: the keys whose permissions are decided."""
        return tuple(key.field for key in self.table if key.permissions)

    @property
    def rights(self) -> tuple[Right, ...]:
        """The rights that a reviewer must not overlook."""
        return tuple(right for key in self.table if key.permissions for right in key.rights)

    @property
    def default_path(self) -> str:
        """The path pattern of where the client looks first for agent files."""
        return self.search_paths[0] if self.search_paths else self.output

    @property
    def file_name(self) -> str:
        """The pattern of an agent's file in any folder of the client, with `{name}`, which can be a folder itself."""
        rest = self.default_path.partition("/{name}")[2]
        return "{name}" + (rest if "/" in rest else self.form.suffix)

    @property
    def home_folders(self) -> tuple[str, ...]:
        """The folders of the user's home folder in which the client finds agents that are written for it."""
        return self.user_folders or self.own_folders

    def foreign_folder(self, target: str) -> Foreign | None:
        """Return the folder in which the client finds the files of another target, or None."""
        return next((each for each in self.foreign if each.target == target), None)

    @property
    def own_folders(self) -> tuple[str, ...]:
        """The folders of a project in which the client finds agents that are written for it."""
        own = (path.partition("/{name}")[0] for path in self.search_paths or (self.output,))
        return tuple(dict.fromkeys((*own, *self.other_folders)))

    @property
    def agent_folders(self) -> tuple[str, ...]:
        """All folders of a project in which the client finds agents."""
        return (*self.own_folders, *(each.folder for each in self.foreign))

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The ends of the names of all files that the client loads, in lower case."""
        return self.loader.suffixes or (self.form.suffix,)

    @property
    def loads_any_text(self) -> bool:
        """Whether a file that does not start with front matter can be an agent, too."""
        return self.loader.has_optional_front_matter or self.loader.finds_late_front_matter
