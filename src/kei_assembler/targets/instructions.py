"""How clients read the instructions of a project: which files, and from which folders."""

from __future__ import annotations

from typing import NamedTuple

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
    # The files that it reads instead of `AGENTS.md` where they exist, without a way to import it that works everywhere.
    hidden_by: tuple[str, ...] = ()
    # Whether these files, and `other`, do so also in the folders below, but not if they are empty.
    hides_below: bool = False
    # How many bytes it reads of all files from the root down to a folder. 0 means no limit.
    maximum: int = 0
