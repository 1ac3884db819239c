"""Rules about how much a session in a folder loads: all instructions of the folder and of those around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kei_assembler.diagnostics import Severity
from kei_assembler.model.settings import Maximum
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import START

Part = tuple[int, str]
"""The size of a part, and its name."""


@rule("L813", Severity.WARNING)
def instructions_cut_off(target: str, size: int, maximum: int, largest: Sequence[Part]) -> Iterable[Violation]:
    """A client stops reading instructions before their end.

    Codex CLI reads 32 KiB of all `AGENTS.md` files from the root down to the folder of a session, and the rest is lost
    without a word. What people have written beside the generated sections counts, too.

    Fails::

        # instructions/house.toml
        name = "house"
        blocks = ["rules"]
        targets = ["codex"]

        # _blocks/rules.md (3000 times)
        Be kind to all.

    Passes::

        # instructions/house.toml
        name = "house"
        blocks = ["rules"]
        targets = ["codex"]

        # _blocks/rules.md
        Be kind to all.
    """
    label = TARGETS[target].label
    message = f"a session here loads {size:,} bytes of instructions, and {label} reads only the first {maximum:,}"
    yield Violation(START, message, f"shorten the largest parts: {_sizes(largest, 'bytes')}")


@rule("L814", Severity.WARNING)
def instructions_above_budget(
    target: str, tokens: int, budget: Maximum, largest: Sequence[Part]
) -> Iterable[Violation]:
    """A session loads more tokens of instructions than the setting `instructions` in `[budget]` allows.

    All files count that the client loads in the folder of a session: those of the folder, and of the folders around it
    up to the root, generated or not. The tokens are an estimate.

    Fails::

        # assemble.toml
        [budget]
        instructions = 20

        # instructions/house.toml
        name = "house"
        role = "Be kind."

    Passes::

        # assemble.toml
        [budget]
        instructions = 2000

        # instructions/house.toml
        name = "house"
        role = "Be kind."
    """
    message = (
        f"a session here loads about {tokens:,} tokens of instructions in {TARGETS[target].label}; the budget is "
        f"{budget.tokens:,}"
    )
    yield Violation(START, message, f"shorten the largest parts: {_sizes(largest, 'tokens')}")


def _sizes(parts: Sequence[Part], unit: str) -> str:
    return listed((f"{name} ({size:,} {unit})" for size, name in parts), str)
