"""Outputs: can each file be rendered, and does it have a place of its own?"""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import Finding, Span, rule
from kei_assembler.source import START


@rule("O601")
def output_outside_root(path: str) -> Iterable[Finding]:
    """An output would lie outside the kit's root, as written or because a link leads there.

    Nothing outside of the folder that the setting `root` names, by default the kit's own, is ever written.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = "../{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = ".claude/agents/{name}.md"
    """
    yield Finding(START, f"its output `{path}` lies outside the kit's root", "change `output`, or set `root`")


@rule("O602")
def output_twice(path: str, other: str) -> Iterable[Finding]:
    """Two manifests, or two targets of one, would write the same file.

    Names that differ only by case are the same file on many systems.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # agents/research/critic.toml
        name = "critic"
        description = "Reviews papers."

        # assemble.toml
        [target.claude-code]
        output = "out/{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = "out/{name}.md"
    """
    yield Finding(START, f"its output `{path}` is also that of {other}", "change the setting `output`")


@rule("O603")
def template_fails(error: Exception, line: int, manifest: str) -> Iterable[Finding]:
    """A template of the kit does not compile or render.

    Templates see `agent`, `blocks`, `target`, `extra` and `report_fence`, and a name that is not defined is an
    error. They run in Jinja2's sandbox: what could reach outside of the template, or use up memory in one step,
    is refused.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # templates/agent.md.j2
        Ask {{ agent.owner }}.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # templates/agent.md.j2
        You are {{ agent.name }}.
    """
    where = Span(line, 1, line, 1) if line else START
    missing = type(error).__name__ == "TemplateNotFound"
    message = f"there is no template `{error}`" if missing else str(error) or type(error).__name__
    yield Finding(where, message, f"found while rendering {manifest}")


@rule("O604")
def output_edited(path: str) -> Iterable[Finding]:
    """An output was edited after it was generated.

    It bears the stamp of this tool, but its text is no longer the one that the stamp was made for. It is left as it
    is: what was changed belongs into the manifest, a block or a template.
    """
    yield Finding(START, "the file was edited after it was generated; it is left as it is", _MOVE_EDIT)


@rule("O605")
def output_foreign(path: str) -> Iterable[Finding]:
    """A file that this tool did not write is in the way of an output. It is left as it is."""
    yield Finding(START, "a file that was not generated is in the way; it is left as it is", "move it, or delete it")


@rule("O606")
def output_unreadable(path: str, reason: str) -> Iterable[Finding]:
    """What stands at an output's path cannot be read: a folder, or a file without the right to."""
    yield Finding(START, f"its output `{path}` is in the way: {reason}", "move it, or change the setting `output`")


_MOVE_EDIT = "move the change into the manifest, a block or a template; delete the file, and run again"

RULES = (output_outside_root, output_twice, template_fails, output_edited, output_foreign, output_unreadable)
