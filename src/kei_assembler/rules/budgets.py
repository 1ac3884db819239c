"""Rules about the budgets that a kit sets itself. Tokens are estimates, see `markdown/tokens.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kei_assembler.diagnostics import KeyPath, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.model.settings import Maximum
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.suggestions import counted, listed
from kei_assembler.targets import TARGETS

Part = tuple[int, str]
"""The tokens of a part, and its name."""


class LargeFile(NamedTuple):
    """An agent file above its budget.

    `parts` are the largest parts, and `others` is the number of other files of the agent that are above theirs. `where`
    is the key of the manifest to change.
    """

    path: str
    tokens: int
    maximum: Maximum
    parts: Sequence[Part]
    others: int
    where: KeyPath


@rule("L805", Severity.WARNING)
def agent_above_budget(file: LargeFile) -> Iterable[Violation]:
    """A generated file has more tokens than the setting `agent` in `[budget]` allows.

    The tokens are an estimate for the whole file. There is one warning for each manifest, about the file that is the
    furthest above its budget.

    Fails::

        # assemble.toml
        [budget]
        agent = 20

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

    Passes::

        # assemble.toml
        [budget]
        agent = 2000

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
    """
    are = "is" if file.others == 1 else "are"
    others = f"; {counted(file.others, 'other file')} of this agent {are} above the budget, too" if file.others else ""
    message = (
        f"`{file.path}` has about {file.tokens:,} tokens; the budget for an agent{_for(file.maximum)} is "
        f"{file.maximum.tokens:,}{others}"
    )
    yield Violation(file.where, message, f"shorten or leave out the largest parts: {_sizes(file.parts)}")


@rule("L808", Severity.WARNING)
def block_above_budget(tokens: int, maximum: Maximum) -> Iterable[Violation]:
    """A block has more tokens than the setting `block` in `[budget]` allows.

    A budget for one target only counts for the blocks that its agents list. The tokens are an estimate.

    Fails::

        # assemble.toml
        [budget]
        block = 5

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Read the whole diff before you say anything about it.

    Passes::

        # assemble.toml
        [budget]
        block = 50

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Read the whole diff before you say anything about it.
    """
    message = f"the block has about {tokens:,} tokens; the budget for a block{_for(maximum)} is {maximum.tokens:,}"
    yield Violation((), message, "shorten it, or split it into several blocks")


class AllDescriptions(NamedTuple):
    """The names and descriptions of all agents of a kit for one target, above their budget."""

    target: str
    tokens: int
    maximum: Maximum
    agents: int
    longest: Sequence[Part]


@rule("L809", Severity.WARNING)
def descriptions_above_budget(kit: LoadedKit, all_: AllDescriptions) -> Iterable[Violation]:
    """All descriptions together have more tokens than the setting `descriptions` in `[budget]` allows.

    Clients send the name and the description of each agent with every request. This budget is about the agents of the
    kit. The tokens are an estimate, by the same method as for all budgets. L803 is about the limit of Claude Code, and
    counts as that client does. Only reported when all manifests are checked.

    Fails::

        # assemble.toml
        [budget]
        descriptions = 4

        # agents/critic.toml
        name = "critic"
        description = "Reviews code, and reports each problem with its file and line."

    Passes::

        # assemble.toml
        [budget]
        descriptions = 40

        # agents/critic.toml
        name = "critic"
        description = "Reviews code, and reports each problem with its file and line."
    """
    message = (
        f"the names and descriptions of {counted(all_.agents, 'agent')} have about {all_.tokens:,} tokens for "
        f"{TARGETS[all_.target].label}; the budget is {all_.maximum.tokens:,}"
    )
    where = kit.settings_path(*all_.maximum.setting)
    yield Violation(where, message, f"shorten the descriptions; the longest: {_sizes(all_.longest)}")


def _for(maximum: Maximum) -> str:
    """The words that name the target of a budget that is not the general one."""
    first, target = maximum.setting[:2]
    return f" of {TARGETS[str(target)].label}" if first == "target" else ""


def _sizes(parts: Iterable[Part]) -> str:
    return listed((f"{name} ({tokens:,})" for tokens, name in parts), str)
