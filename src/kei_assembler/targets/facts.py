"""The types of facts about clients that are not about one agent file."""

from __future__ import annotations

from kei_assembler.records import NamedTuple


class Executable(NamedTuple):
    """How to find an installed program on PATH, and how to ask it for its version.

    `names` are the names that installers give the file, the usual one first. With the `arguments`, it prints its
    version and ends. If it is another program than the one that was verified, `program` is its name: then the versions
    of the two cannot be compared.
    """

    names: tuple[str, ...]
    arguments: tuple[str, ...] = ("--version",)
    program: str = ""


class Verified(NamedTuple):
    """A program whose behavior a row describes: the version that was looked at, the day, and how.

    `how` has one or more of the words `run` (the program was run), `code` (its code was read) and `docs` (only its
    documentation was read). `version` is empty if nobody noted it. Without an `executable`, nobody looks for the
    program.
    """

    program: str
    version: str
    date: str
    how: tuple[str, ...]
    executable: Executable | None = None

    @property
    def is_docs_only(self) -> bool:
        """Whether nobody has run the program or read its code."""
        return "run" not in self.how and "code" not in self.how


class Budget(NamedTuple):
    """A client's limit for `NAME: DESCRIPTION` of all agents together, in tokens. Above it, the client warns.

    The client estimates the tokens: it divides the number of characters, in UTF-16, of each agent, and rounds.
    """

    maximum: int
    characters_per_token: int

    def tokens(self, name: str, description: str) -> int:
        """Return how many tokens an agent takes, as the client estimates it."""
        text = f"{name}: {description}"
        units = len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
        return (2 * units + self.characters_per_token) // (2 * self.characters_per_token)


class AgentSettings(NamedTuple):
    """The client's settings files in a project, in which people can set keys of its agents by the agents' names.

    `tables` are the key paths of the tables of agents in there. `effect` completes the sentence "the client … those of
    the agent's file".
    """

    files: tuple[str, ...]
    tables: tuple[tuple[str, ...], ...]
    effect: str
    # The key that names the agent's file, relative to the settings. The agent is then what that file says.
    file_key: str = ""
    # Those of the files that belong to another client.
    foreign_files: tuple[str, ...] = ()
