"""Rules about the paths and sizes of outputs."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import ExcessError, Severity
from kei_assembler.markdown.stamp import can_name
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.toml.source import START


@rule("O601")
def output_outside_root(what: str, reason: str) -> Iterable[Violation]:
    """An output would be outside the kit's root or in git's own folder, by its path or through a link.

    Nothing is written outside the folder that the setting `root` names, which is the kit's own folder by default, or
    into a folder `.git`.

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
    hint = "change `output`, or set `root`"
    if not reason.endswith("root"):
        hint = "if a link leads there, remove it; otherwise, change `output`"
    yield Violation(START, f"the output {what} {reason}", hint)


@rule("O602")
def output_is_source(path: str, what: str) -> Iterable[Violation]:
    """An output would be a file that the tool reads, such as a block, a role file, a template or a manifest.

    Settings, schemas and locks count, too. The file can belong to any kit in `root`, and unless it is a role file, it
    need not exist yet. Nor can a folder of the output have the path of such a file, or be a folder `_blocks` that makes
    the folder around it a kit.

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
        output = ".claude/agents/{name}.md"
    """
    yield Violation(START, f"the output `{path}` would be {what}", "change the setting `output`")


@rule("O606")
def output_unreadable(path: str, reason: str) -> Iterable[Violation]:
    """The path of an output cannot be read: it is a folder, or the user has no permission to read the file.

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
    hint = "move it, or change the setting `output`"
    yield Violation(START, f"the output `{path}` cannot be read: {reason}", hint)


@rule("O613")
def duplicate_output(path: str, other: str) -> Iterable[Violation]:
    """Two outputs have the same path, or are the same file through a link.

    On many systems, names that differ only in case are the same file.

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
        output = "kit/.opencode/agents/{name}.md"
    """
    yield Violation(START, f"the output `{path}` is also an output of {other}", "give each a different path")


@rule("O614")
def unusable_path(path: str) -> Iterable[Violation]:
    """The path of a manifest contains characters that the stamp of a generated file cannot contain.

    These are hidden characters, line breaks, tabs, bytes that are not UTF-8, `-->` and `--!>`, which would end the
    comment that the stamp is in, and the words that follow the path in a stamp. If an output is outside the kit's
    folder, its stamp also names folders above the manifests, such as the kit's own.

    Fails::

        # agents/a-->b/critic.toml
        name = "critic"
        description = "Reviews code."

    Passes::

        # agents/a-b/critic.toml
        name = "critic"
        description = "Reviews code."
    """
    if not can_name(path):
        yield Violation(
            START, f"the path `{path}` contains characters that a stamp cannot contain", "rename the folder"
        )


@rule("O615")
def output_too_large(path: str, size: int, maximum: int) -> Iterable[Violation]:
    """A generated file would be larger than 4 MiB.

    No client accepts such a file, and the next run would not read it.

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
    message = f"the output `{path}` would have {size:,} bytes; the maximum is {maximum:,}"
    yield Violation(START, message, "list fewer blocks")


@rule("O623")
def too_large_for_one_run(excess: ExcessError) -> Iterable[Violation]:
    """The kit is too large for one run, which ends early and writes nothing.

    One run can

    - change files of 256 MiB in total, the old and the new content counted; the findings count too
    - generate 1 GiB, with the manifests and the files beside the outputs counted
    - read blocks of 64 Mi characters in total, and 200,000 manifests, blocks of one folder, or templates

    A report has at most 32 Mi characters of diffs; after that, it only names the files.

    Real kits are far below that. So either something generated the sources by mistake, or somebody tries to exhaust
    the machine. If you need more, build the manifests in several runs.

    Fails::

        # agents/critic.toml
        # There are 99 more manifests like this.
        name = "critic"
        description = "Reviews code."
        blocks = ["a", "b", "c"]
        targets = ["opencode"]

        # _blocks/a.md (90000 times)
        Be honest.

        # _blocks/b.md (90000 times)
        Be honest.

        # _blocks/c.md (90000 times)
        Be honest.

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    yield Violation(START, excess.message, excess.hint)


@rule("O624", Severity.NOTE)
def findings_left_out(count: int) -> Iterable[Violation]:
    """There are more findings than a run reports.

    A run reports 10,000 findings, the most serious ones. There is at least one error among them if there is any.

    Fails::

        # agents/critic.toml
        # There are 10,001 more manifests, and each lists an unknown block.
        name = "critic"
        description = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    yield Violation(START, f"{count:,} more findings are not reported", "fix the ones that are, then run again")


@rule("O616")
def output_among_manifests(path: str) -> Iterable[Violation]:
    """An output would be read as a manifest by the next run.

    It would be in the folder of the manifests, and its name ends in `.toml`.

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
        output = "kit/.codex/agents/{name}.toml"
    """
    message = f"the output `{path}` would be read as a manifest"
    yield Violation(START, message, "change the setting `output` to another folder")
