"""Recognize the client of an agent file in a plain folder by its keys and by the names of its tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile, read_agent
from kei_assembler.importing.paths import target_by_form
from kei_assembler.importing.tools import split_names
from kei_assembler.records import NamedTuple
from kei_assembler.rules import joined_files
from kei_assembler.suggestions import counted
from kei_assembler.targets import ALIASES, CLAUDE_TOOLS, DEFAULT_TARGET, FORMER_TOOLS, TARGETS
from kei_assembler.targets.forms import MARKDOWN
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import START
from kei_assembler.validation import Shape, fits

_USUAL_TOOLS = frozenset((*CLAUDE_TOOLS, *ALIASES, *FORMER_TOOLS))
_IN_LOWER_CASE = frozenset(map(str.casefold, _USUAL_TOOLS))


class Guess(NamedTuple):
    """The client that a file is read for, and other clients that it may be for."""

    target: str
    may_be: tuple[str, ...] = ()


def read_recognized(file: str, raw: bytes) -> tuple[AgentFile | None, list[Diagnostic], Guess]:
    """Return the content of a file whose path does not say its client, as `read_agent` does, and that client.

    It is the default one, unless the keys are another's.
    """
    target = target_by_form(file, raw) or DEFAULT_TARGET
    agent, found = read_agent(file, raw, target)
    guess = _recognized(agent) if agent and target == DEFAULT_TARGET else Guess(target)
    if guess.target != target:
        agent, found = read_agent(file, raw, guess.target)
    return agent, found, guess


def _recognized(agent: AgentFile) -> Guess:
    """The client of an agent in Markdown, which was read for the default one."""
    found = {row.name: [*_own_keys(agent, row)] for row in TARGETS.values() if row.name != DEFAULT_TARGET}
    most = max(map(len, found.values()))
    if most:
        # the first of several clients with the same keys is the one that the others come from
        return Guess(next(name for name, keys in found.items() if len(keys) == most))
    tools = {row.name: _own_tools(agent, row) for row in TARGETS.values() if row.name != DEFAULT_TARGET}
    most = max(tools.values())
    may_be = tuple(name for name, count in tools.items() if most and count == most)
    if len(may_be) == 1:
        return Guess(may_be[0])
    return Guess(DEFAULT_TARGET, may_be)


def _own_keys(agent: AgentFile, row: Target) -> Iterator[str]:
    """The keys that this client has, and the default one has not, with values that nobody writes by chance."""
    if row.form is not MARKDOWN:
        return
    usual = TARGETS[DEFAULT_TARGET].keys
    shapes = {field.key: field.shape for field in row.fields if field.key not in usual and _is_special(field.shape)}
    for key, (value, _) in agent.entries.items():
        is_switch = key == row.tools.switches_key and _are_switches(value)
        if is_switch or (key in shapes and fits(shapes[key], value)):
            yield key


def _are_switches(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(is_on, bool) for is_on in value.values())


def _is_special(shape: Shape) -> bool:
    """Whether a shape has fixed words or keys, unlike a number, a text or a table of anything."""
    return bool(shape.choices or shape.fields or any(map(_is_special, shape.any_of))) or bool(
        shape.item and _is_special(shape.item)
    )


def _own_tools(agent: AgentFile, row: Target) -> int:
    """How many names in a list of tools are only the client's own. If it has more others, they do not count."""
    value = agent.value(row.tools.key)
    if row.form is not MARKDOWN or row.tools.names is None or not isinstance(value, str | list):
        return 0
    names = [name for name in split_names("words", value) if not name.startswith("mcp_") and "/" not in name]
    known = {row.tools.identity(name) for name in row.tools.all_names}
    others = [name for name in names if name.casefold() not in _IN_LOWER_CASE]
    own = [name for name in others if row.tools.identity(name) in known]
    usual = [name for name in names if name in _USUAL_TOOLS]
    return len(own) if len(own) >= max(len(usual), len(others) - len(own)) else 0


def about_guesses(files: Iterable[tuple[AgentFile, Guess]]) -> list[Diagnostic]:
    """Return a note for each folder with files of a client that was recognized, or that may be meant."""
    found: dict[tuple[str, Guess], list[AgentFile]] = {}
    for agent, guess in files:
        if guess != Guess(DEFAULT_TARGET):
            found.setdefault((agent.source.file.rpartition("/")[0] or ".", guess), []).append(agent)
    return [one for (folder, guess), agents in found.items() for one in _about(agents, folder, guess)]


def _about(agents: Sequence[AgentFile], folder: str, guess: Guess) -> list[Diagnostic]:
    is_one = len(agents) == 1
    what, label = f"{counted(len(agents), 'file')} in `{folder}`", TARGETS[guess.target].label
    if guess.may_be:
        others = " or ".join(TARGETS[name].label for name in guess.may_be)
        message = f"{what} {'has' if is_one else 'have'} the tools of {others}, but {'was' if is_one else 'were'} read"
        options = " or ".join(f"`--from {name}`" for name in guess.may_be)
        hint = f"if {'it is' if is_one else 'they are'} for one of these clients, import the folder with {options}"
        return agents[0].report(joined_files.client_guessed, START, f"{message} as for {label}", hint)
    message = f"{what} {'was' if is_one else 'were'} recognized as {'a file' if is_one else 'files'} for {label}"
    return agents[0].report(joined_files.client_guessed, START, message, "if that is wrong, import with `--from`")
