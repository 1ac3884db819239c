"""`assemble explain`: explain a diagnostic code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.report.markdown_text import rendered, wrapped
from kei_assembler.rules import catalog
from kei_assembler.rules.definition import Rule
from kei_assembler.suggestions import nearest


@click.command("explain")
@click.argument("codes", nargs=-1, metavar="[CODE]...", shell_complete=completion.codes)
@click.option("--all", "all_", is_flag=True, help="Print the documentation of all codes as Markdown.")
def command(codes: Sequence[str], all_: bool) -> None:
    """Explain a diagnostic code. Without a code, list all of them."""
    if all_:
        write(catalog.reference())
        return
    columns, (colours, _) = console.columns(), console.colours()
    rules = [rule_named(code) for code in codes]
    pages = (rendered(catalog.explain(rule), columns, colours) for rule in rules)
    write("\n".join(pages) or "".join(f"{line}\n" for line in _overview(columns, colours)))


def _overview(columns: int, colours: bool) -> Iterator[str]:
    """Yield the code, severity and title of each rule."""
    for rule in catalog.RULES.values():
        start = f"{rule.code}  {rule.severity.word:8} "
        yield from wrapped(catalog.documentation(rule).title, columns, start, " " * len(start), colours)


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
