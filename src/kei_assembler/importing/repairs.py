"""Repair the text of an imported file: close what it leaves open, and write hard line breaks as backslashes."""

from __future__ import annotations

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.bodies import closed
from kei_assembler.importing.hard_breaks import with_backslashes
from kei_assembler.rules import bodies


def repaired_body(agent: AgentFile, noun: str = "body") -> tuple[str, list[Diagnostic]]:
    """Return the body of a file without blank lines around it, repaired, and what was repaired. `noun` is its name."""
    found: list[Diagnostic] = []
    body, unclosed = closed(agent.body.strip("\n"))
    if unclosed:
        message = f"the {noun} leaves {unclosed.with_article} open; the manifest closes it at the end"
        found += agent.report(bodies.body_repaired, agent.body_line(unclosed.line), message)
    body, broken = with_backslashes(body)
    if broken:
        breaks = "a hard line break" if len(broken) == 1 else f"{len(broken)} hard line breaks"
        message = f"the {noun} has {breaks} written as trailing spaces; the manifest uses a backslash"
        hint = "generated files have no trailing spaces; in Markdown a backslash means the same"
        found += agent.report(bodies.break_rewritten, agent.body_line(broken[0]), message, hint)
    return body, found
