"""Report the sections of which some imported agents have a changed copy, and what a block replaces of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kei_assembler.diagnostics import Diagnostic, Span
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.convert import Conversion
from kei_assembler.importing.sharing.near_copies import Diverged
from kei_assembler.importing.short_diff import short_diff
from kei_assembler.rules import bodies
from kei_assembler.toml.source import span_of

_MAX_DIFFS = 20


def about_diverged(each: Diverged, users: Sequence[Conversion]) -> list[Diagnostic]:
    """Return that copies of a section differ. `users` are the agents by their numbers."""
    text = each.others[0]
    agent = users[each.users[text][0]].agent
    message = f"the section `{each.title}` has {each.copies:,} copies, {each.changed:,} diverged"
    hint = "edit them until they are the same; or make one block of them, with the text of most: `--share=near`"
    return agent.report(bodies.section_diverged, start_of(agent, text), message, hint)


def with_replaced(conversion: Conversion, title: str, text: str) -> Conversion:
    """Return a conversion in which a block with another text replaces the section `text`."""
    message = f"the section `{title}` became a block that has another text"
    hint = "compare the texts below; what this agent needs can be in its role"
    agent = conversion.agent
    found = agent.report(bodies.section_replaced, start_of(agent, text), message, hint)
    parts = tuple(part._replace(is_complete=False) for part in conversion.parts)
    return conversion._replace(found=(*conversion.found, *found), is_complete=False, parts=parts)


def start_of(agent: AgentFile, text: str) -> Span:
    """Return where a text is in a file: its first line."""
    start = max(agent.source.text.find(text), 0)
    return span_of(agent.source.text, start, start + len(text.partition("\n")[0]))


def differences(diverged: Sequence[Diverged], users: Sequence[Conversion]) -> Iterator[str]:
    """Yield a diff from the usual version of each section to each of the others. Of many, only some are shown."""
    pairs = [(each, text) for each in diverged for text in each.others]
    for each, text in pairs[:_MAX_DIFFS]:
        files = (users[each.users[version][0]].agent.source.file for version in (each.text, text))
        yield short_diff(*zip(files, (each.text, text), strict=True))
    if len(pairs) > _MAX_DIFFS:
        yield f"{len(pairs) - _MAX_DIFFS:,} more diffs of sections are left out\n"
