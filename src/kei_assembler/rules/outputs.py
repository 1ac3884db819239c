"""Outputs: can each file be rendered, and does it have a place of its own?"""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import Severity, Span
from kei_assembler.rules.definition import Finding, rule
from kei_assembler.source import START
from kei_assembler.suggestions import did_you_mean, listed
from kei_assembler.text.hidden import stretches


@rule("O601")
def output_outside_root(folder: str) -> Iterable[Finding]:
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
    yield Finding(
        START, f"its output's folder `{folder}` lies outside the kit's root", "change `output`, or set `root`"
    )


@rule("O602")
def output_is_source(path: str) -> Iterable[Finding]:
    """An output would take the place of something that outputs are made from: a block, a template, a manifest.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["critic"]

        # _blocks/critic.md
        Be kind.

        # assemble.toml
        [target.claude-code]
        output = "_blocks/{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["critic"]

        # _blocks/critic.md
        Be kind.

        # assemble.toml
        [target.claude-code]
        output = "out/{name}.md"
    """
    yield Finding(START, f"its output `{path}` is one of the kit's sources", "change the setting `output`")


@rule("O603")
def template_fails(error: Exception, line: int, manifest: str) -> Iterable[Finding]:
    """A template of the kit does not compile or render.

    Templates see `agent`, `blocks`, `target`, `extra`, `allowed` and `report_fence`, and a name that is not defined is
    an error. They run in Jinja2's sandbox, where what could reach outside of the template is refused, and print text,
    numbers and lists of them only.

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
    yield Finding(where, message, f"found while rendering {manifest}")


_TEMPLATE_MESSAGES = {
    "TemplateNotFound": "there is no template `{}`",
    "RecursionError": "the templates nest, include or call one another without end",
    "MemoryError": "the template needs more memory than there is",
    "UnicodeEncodeError": "the template prints what is no character",
    "SyntaxError": "the template nests its blocks too deeply",
}


@rule("O606")
def output_unreadable(path: str, reason: str) -> Iterable[Finding]:
    """What stands at an output's path cannot be read: a folder, or a file without the right to.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # agents/critic.md/notes.txt
        A folder with the name of the output.

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    yield Finding(START, f"its output `{path}` is in the way: {reason}", "move it, or change the setting `output`")


@rule("O613")
def output_twice(path: str, other: str) -> Iterable[Finding]:
    """Two outputs have one path, or lead to one file by a link.

    Names that differ only by case are the same file on many systems.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        targets = ["claude-code", "opencode"]

        [target.opencode]
        output = "agents/{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        targets = ["claude-code", "opencode"]

        [target.opencode]
        output = "opencode/{name}.md"
    """
    yield Finding(START, f"its output `{path}` is also one of {other}", "give each a path of its own")


@rule("O614")
def unusable_path(path: str) -> Iterable[Finding]:
    """The path of a manifest holds characters that the generated file cannot name it by.

    These are hidden characters, line breaks and tabs, bytes that are not UTF-8, and `-->`, which would end the comment
    that names it.

    Fails::

        # agents/a-->b/critic.toml
        name = "critic"
        description = "Reviews code."

    Passes::

        # agents/a-b/critic.toml
        name = "critic"
        description = "Reviews code."
    """
    if "-->" in path or any(stretches(path)) or "\n" in path or "\t" in path:
        yield Finding(START, "the path holds characters that no generated file can name it by", "rename the folder")


@rule("O615")
def output_too_large(path: str, size: int, most: int) -> Iterable[Finding]:
    """A generated file would be larger than 4 MiB.

    No AI tool takes it, and a run would not read it again.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["a", "b", "c", "d", "e"]

        # _blocks/a.md (90000 times)
        Be honest.

        # _blocks/b.md (90000 times)
        Be honest.

        # _blocks/c.md (90000 times)
        Be honest.

        # _blocks/d.md (90000 times)
        Be honest.

        # _blocks/e.md (90000 times)
        Be honest.

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    yield Finding(START, f"its output `{path}` would have {size:,} bytes; the most is {most:,}", "list fewer blocks")


@rule("O617", Severity.WARNING)
def allowance_unsaid(label: str) -> Iterable[Finding]:
    """The kit's template leaves out what an agent may do, and its AI tool has no other place for that.

    Codex has no list of tools: what a manifest allows is said in the instructions, by the template's block `allowed`.

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
    yield Finding(START, message, "print it, or extend `default/agent.md.j2`")


@rule("O618", Severity.WARNING)
def template_block_unknown(
    where: Span, block: str, template: str, parent: str, known: Iterable[str]
) -> Iterable[Finding]:
    """A block of a template that extends another is none of that one's, so that what it holds is printed nowhere.

    Often its name is a misspelling of another. What stands in a block that is there, or is called as `self.NAME()`, is
    printed.

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
    message = f"the block `{block}` of `{template}` changes nothing: `{parent}` has no such block"
    yield Finding(where, message, did_you_mean(block, known, f"its blocks are {listed(sorted(known))}"))


@rule("O616")
def output_among_manifests(path: str) -> Iterable[Finding]:
    """An output would lie in the folder of the manifests with the name of one: the next run would take it for that.

    Fails::

        name = "critic"
        description = "Reviews code."
        role = "You review code."
        targets = ["codex"]

        # assemble.toml
        [target.codex]
        output = "agents/codex/{name}.toml"

    Passes::

        name = "critic"
        description = "Reviews code."
        role = "You review code."
        targets = ["codex"]

        # assemble.toml
        [target.codex]
        output = "codex/{name}.toml"
    """
    message = f"its output `{path}` would be taken for a manifest"
    yield Finding(START, message, "change the setting `output` to a folder of its own")
