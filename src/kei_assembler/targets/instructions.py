"""How clients read the instructions, scoped rules and skills of a project: which files, and from which folders.

The limits of skills are those of the Agent Skills format, which some clients enforce.
"""

from __future__ import annotations

from collections.abc import Mapping

from kei_assembler.markdown.front_matter import Value
from kei_assembler.records import NamedTuple
from kei_assembler.targets.forms import MARKDOWN, Form

SHARED_FILE = "AGENTS.md"
"""The file for instructions that most clients read."""


class OtherFile(NamedTuple):
    """A client's own file for instructions, in which a line `@AGENTS.md` stands for the text of that file.

    Where it exists, the client reads it instead of `AGENTS.md`. If it is `required`, the client reads nothing else.
    """

    name: str
    required: bool = False
    # The file of the client's settings in a project, and the path of the key that can name `AGENTS.md` instead.
    settings_file: str = ""
    settings_key: tuple[str, ...] = ()
    # How to do without the file. It completes the sentence "to load it once, …".
    remedy: str = ""


class Instructions(NamedTuple):
    """How a client reads the instructions of a project."""

    other: OtherFile | None = None
    # More files that it reads beside `AGENTS.md`, and the program that does so.
    also: tuple[str, ...] = ()
    program: str = ""
    # More files of its own that it reads beside these. `assemble` leaves them to people.
    own_files: tuple[str, ...] = ()
    # The files that it reads instead of `AGENTS.md` where they exist, without a way to import it that works everywhere.
    hidden_by: tuple[str, ...] = ()
    # Whether these files, and `other`, do so also in the folders below, but not if they are empty.
    hides_below: bool = False
    # Whether `@PATH` in the text stands for the content of another file.
    expands_imports: bool = False
    # How many bytes it reads of all files from the root down to a folder. 0 means no limit.
    maximum: int = 0
    # The targets whose scoped rules it also reads.
    reads_rules_of: tuple[str, ...] = ()
    rules: Rules | None = None


class Rules(NamedTuple):
    """How a client reads instructions that are for some files only: from a file whose front matter says which.

    `output` is the path of the file below the root, with `{name}`.
    """

    output: str
    # The key for the patterns, which are a list, or one string with commas.
    key: str
    is_list: bool = True
    # More front matter, before that key.
    constants: Mapping[str, Value] = {}
    form: Form = MARKDOWN

    def entries(self, paths: tuple[str, ...]) -> tuple[tuple[str, Value], ...]:
        """Return the front matter for these patterns."""
        return (*self.constants.items(), (self.key, paths if self.is_list else ",".join(paths)))


SKILL_FILE = "{folder}/{name}/SKILL.md"
"""The path of a skill in a folder of skills."""

SHARED_SKILLS = ".agents/skills"
"""The folder of skills that most clients read."""

CLAUDE_SKILLS = ".claude/skills"
"""The folder of skills for clients that do not read the shared one."""

SKILL_NAME = r"[a-z0-9]+(?:-[a-z0-9]+)*"
"""The pattern for the name of a skill. It has at most `MAX_SKILL_NAME` characters."""

MAX_SKILL_NAME, MAX_SKILL_DESCRIPTION = 64, 1024

SKILL_TOOLS = "skill.allowed-tools"
"""The name of the right that a skill with tools has."""
