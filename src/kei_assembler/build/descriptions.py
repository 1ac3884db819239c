"""Add up the descriptions of all agents that a client lists: those of the kit, and those in other files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kei_assembler.build.classify import text_of
from kei_assembler.build.namesakes import Namesakes
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.limits import Descriptions, descriptions_near_limit, long_descriptions
from kei_assembler.rules.runner import run_rule
from kei_assembler.targets import TARGETS
from kei_assembler.targets.facts import Budget
from kei_assembler.targets.target import Target

_NAMED = 3
"""How many of the longest descriptions the warning names."""


_NEAR = 80
"""The percentage of a budget from which on there is a note."""


def check_descriptions(usage: KitUsage, namesakes: Namesakes) -> Iterator[Diagnostic]:
    """Yield the findings about all descriptions together.

    `usage` has all manifests of the kit, and `namesakes` has looked at the files on disk.
    """
    yield from _against_clients(usage, namesakes)
    if usage.kit.settings.budgets["descriptions"]:
        from kei_assembler.build import budgets

        yield from budgets.check_descriptions(usage)


def _against_clients(usage: KitUsage, namesakes: Namesakes) -> Iterator[Diagnostic]:
    """Yield a warning for each client whose budget the descriptions exceed, or a note if they almost do."""
    for target, generated in usage.tokens.items():
        row, tokens = TARGETS[target], sum(tokens for tokens, _ in generated)
        assert row.budget
        others = namesakes.others.get(target, ())
        bound = sum(size // row.budget.characters_per_token + 1 for _, size in others)
        # the front matter of other files is only read if it can matter
        has_own_budget = target in usage.kit.settings.budgets["descriptions"]
        least = row.budget.maximum + 1 if has_own_budget else -(-row.budget.maximum * _NEAR // 100)
        found = list(_in_other_files(row, row.budget, namesakes, others)) if tokens + bound >= least else []
        tokens += sum(found)
        if tokens >= least:
            rule = long_descriptions if tokens > row.budget.maximum else descriptions_near_limit
            longest = sorted(generated, reverse=True)[:_NAMED]
            all_ = Descriptions(target, tokens, len(generated) + len(found), len(found), longest)
            yield from run_rule(rule, usage.kit.read_manifest(usage.kit.files_by_agent[longest[0][1]]), all_)


def _in_other_files(
    row: Target, budget: Budget, namesakes: Namesakes, others: Sequence[tuple[str, int]]
) -> Iterator[int]:
    from kei_assembler.build.front_entries import front_entries  # rarely needed

    for path, _ in others:
        content = namesakes.disk.peek(path) or b""
        for entries in front_entries(row, path, text_of(content), content):
            if len(entries) == len(("name", "description")):
                yield budget.tokens(entries["name"][0], entries["description"][0])
