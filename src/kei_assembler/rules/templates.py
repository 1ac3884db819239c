"""Rules about templates."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import Severity, Span
from kei_assembler.paths import is_hidden
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.suggestions import choices, did_you_mean
from kei_assembler.toml.source import START


@rule("O603")
def template_fails(error: Exception, line: int, manifest: str) -> Iterable[Violation]:
    """A template of the kit does not compile or render.

    Templates can use `agent`, `blocks`, `target`, `extra`, `allowed` and `report_fence`. A name that is not defined is
    an error. Templates run in Jinja2's sandbox, which refuses access to anything outside them. They can only print
    text, numbers, and lists of these. They close every code fence and HTML block that they open.

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
    where = Span(line, 1, line, 2) if line else START
    message = _TEMPLATE_MESSAGES.get(type(error).__name__, "{}").format(error) or type(error).__name__
    if type(error).__name__ == "TemplateNotFound" and is_hidden(str(error)):
        message += "; names with a part that starts with a dot are not templates"
    yield Violation(where, message, f"found while rendering {manifest}")


_TEMPLATE_MESSAGES = {
    "TemplateNotFound": "the template `{}` does not exist",
    "RecursionError": "the templates nest, include or call one another without end",
    "UnicodeEncodeError": "the template prints an invalid character",
    "SyntaxError": "the template nests its blocks too deeply",
}


@rule("O617", Severity.WARNING)
def allowance_not_printed(label: str) -> Iterable[Violation]:
    """The kit's template does not print what an agent may do, and the client has no other place for it.

    This is so for clients without a list of tools, or with one whose names are not known:
    <clients with tools in words>. There, the instructions have to say which tools the manifest allows. The default
    template does that in its block `allowed`.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["Read"]
        targets = ["codex"]

        # templates/agent.md.j2
        You are {{ agent.name }}.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["Read"]
        targets = ["codex"]

        # templates/agent.md.j2
        You are {{ agent.name }}. You may {{ allowed | join(", ") }}.
    """
    message = f"the template does not print `allowed`, and {label} has no other place for what the agent may do"
    yield Violation(START, message, "print it, or extend `default/agent.md.j2`")


@rule("O618", Severity.WARNING)
def unknown_template_block(
    where: Span, block: str, template: str, parent: str, known: Iterable[str]
) -> Iterable[Violation]:
    """A template overrides a block that the template it extends does not have, so the block is not printed.

    Often the name is a misspelling. A block inside a block that exists is printed, and so is one that is called as
    `self.NAME()`.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # templates/agent.md.j2
        {% extends "default/agent.md.j2" %}
        {% block roles %}You are {{ agent.name }}.{% endblock %}

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # templates/agent.md.j2
        {% extends "default/agent.md.j2" %}
        {% block role %}You are {{ agent.name }}.{% endblock %}
    """
    message = f"the block `{block}` of `{template}` has no effect: `{parent}` has no such block"
    yield Violation(where, message, did_you_mean(block, known, choices("block", sorted(known), " there")))
