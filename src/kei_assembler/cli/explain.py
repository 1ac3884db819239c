"""`assemble explain`: explain a diagnostic code."""

from __future__ import annotations

from collections.abc import Sequence

import click

from kei_assembler.cli import completion
from kei_assembler.cli.commands import write
from kei_assembler.rules import catalog
from kei_assembler.rules.definition import Rule
from kei_assembler.suggestions import nearest


@click.command("explain")
@click.argument("codes", nargs=-1, metavar="[CODE]...", shell_complete=completion.codes)
@click.option("--all", "all_", is_flag=True, help="Print the documentation of all codes as Markdown.")
def command(codes: Sequence[str], all_: bool) -> None:
    """Explain a diagnostic code. Without a code, list all of them."""
    rules = [rule_named(code) for code in codes]
    write("\n".join(map(catalog.explain, rules)) or (catalog.reference() if all_ else catalog.overview()))


def rule_named(code: str) -> Rule:
    """Return the rule with a code, ignoring case.

    Raises:
        click.UsageError: no rule has the code.
    """
    if code.upper() in catalog.RULES:
        return catalog.RULES[code.upper()]
    match = nearest(code, catalog.RULES)
    hint = f"Did you mean `{match}`?" if match else "`assemble explain` lists all codes."
    raise click.UsageError(f"unknown code `{code}`. {hint}")
