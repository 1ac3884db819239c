"""What a new kit begins with: its first files, and the lines that it adds to files of the repository around it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kei_assembler import __version__, schema
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.kit import Kit, discovery, kit_option
from kei_assembler.loader import load_kit
from kei_assembler.paths import as_seen, normal, way_down
from kei_assembler.plan import disk
from kei_assembler.plan.renewing import MANIFEST_SCHEMA, SETTINGS_SCHEMA
from kei_assembler.selection import working_directory
from kei_assembler.targets import DEFAULT_TARGET, TARGETS
from kei_assembler.text.hidden import shown

_TARGET = TARGETS[DEFAULT_TARGET]


class Piece(NamedTuple):
    """A file to begin with. Of one that `is_lines`, what an existing file lacks is added to that; else that is kept.

    `if_kept` is what to say then.
    """

    path: str
    text: str
    is_lines: bool = False
    if_kept: str = ""


def folder_for(named: str | None) -> str:
    """Return the resolved folder that a command line means for a kit: the one that it names, or the working directory.

    Raises AssembleError where no kit can be, or where one that is not named would lie in another kit.
    """
    path = os.path.normpath(os.path.join(working_directory(), named or ""))
    _refuse_others(path, is_named=named is not None)
    return DISK.resolve(path)


def begin(folder: str) -> Iterator[str]:
    """Write the files of a kit that are not there; of a kit that is, only what checks it.

    Yields for each file a line that says what became of it, once that is so.
    Raises AssembleError when the machine does not let it write, or the settings of the kit are wrong.
    """
    top = discovery.git_top(folder) or folder
    way = way_down(folder, top)
    kit = load_kit(folder) if discovery.is_kit(folder) else None
    outputs = _outputs(kit, way) if kit else [_TARGET.default_path.format(name="*")]
    for piece in _for_repository(way, outputs):
        yield _begin(os.path.join(top, piece.path), piece)
    if kit is None:
        for piece in (Piece(SETTINGS_SCHEMA, schema.as_text(schema.settings_schema())), *_for_kit(way)):
            yield _begin(os.path.join(folder, piece.path), piece)
        kit = load_kit(folder)
        yield _begin(kit.path(MANIFEST_SCHEMA), Piece(MANIFEST_SCHEMA, schema.as_text(schema.manifest_schema(kit))))


def _refuse_others(folder: str, is_named: bool) -> None:
    if DISK.exists(folder) and not DISK.is_folder(folder):
        raise AssembleError(f"{folder} is no folder")
    if not folder.isprintable():
        raise AssembleError(f"{shown(folder)} has a name that hooks and workflows cannot be told")
    outer = discovery.find(folder)
    if not is_named and outer not in (None, folder):
        raise AssembleError(f"this folder lies in the kit {outer}", "to begin a kit inside of it: assemble init .")


def _outputs(kit: Kit, way: str) -> list[str]:
    """The patterns of the kit's agent files, from where `way` leads down to it.

    Of files at the very top there is none: it would be one of all others there, too.
    """
    found = {kit.output(target, _ANY, kit.manifest_file(_ANY)) for target in kit.settings.targets}
    for file in kit.manifests:
        manifest, _ = kit.decode_manifest(kit.read_manifest(file).data)
        found |= {kit.output(target, _ANY, file) for target in kit.targets_of(manifest)}
    patterns = {_pattern(normal(f"{way or '.'}/{path}")).replace(_ANY, "*") for path in found}
    return sorted(pattern for pattern in patterns if "/" in pattern and not pattern.startswith("../"))


_ANY = "\ue000"
"""Stands for any agent's name; in no path is there such a character."""


def _begin(path: str, piece: Piece) -> str:
    """Write one file, if it is not there, or add to it, and return the line that says what became of it."""
    file = shown(as_seen(path))
    if disk.create(path, piece.text.encode()):
        return f"created {file}\n"
    if piece.is_lines and disk.replace(path, lambda content: _with_lines(content, piece.text)):
        return f"extended {file}\n"
    return f"kept {file}{piece.if_kept}\n"


def _for_kit(way: str) -> tuple[Piece, ...]:
    """The files of the kit itself, to which `way` leads from the top of the repository.

    The settings come last: they make the folder a kit.
    """
    up = re.sub(r"[^/]+", "..", way)
    root, start = (_ROOT.format(up=up), f"{up}/") if up else ("", "")
    return (
        Piece("_blocks/baseline.md", _BLOCK),
        Piece("agents/reviewer.toml", _MANIFEST),
        Piece("assemble.toml", _SETTINGS.format(root=root, up=start, row=_TARGET)),
    )


def _for_repository(way: str, outputs: Sequence[str]) -> tuple[Piece, ...]:
    """What belongs at the top of the repository, from which `way` leads down to the kit.

    `outputs` are the patterns of its agent files, from the top too.
    """
    schemas = f"{_pattern(f'{way}/' if way else '')}.assemble/"
    attributes = "".join(f"{_quoted(path)} linguist-generated\n" for path in (*outputs, f"{schemas}*.json"))
    ignored = "".join(f"{line}\n" for line in (*outputs, schemas))
    return (
        Piece(".gitattributes", attributes, is_lines=True),
        Piece(".prettierignore", ignored, is_lines=True),
        *_checks(way),
    )


def _checks(way: str) -> tuple[Piece, Piece]:
    hook = _HOOK.format(command=json.dumps(f"{_CHECK} --staged{kit_option(way)}"))
    step = _STEP.format(command=json.dumps(f"{_CHECK}{kit_option(way)}"))
    workflow = _WORKFLOW.format(version=__version__) + step
    return (
        Piece(".pre-commit-config.yaml", f"repos:\n{hook}", if_kept=_to_add("repos", hook)),
        Piece(".github/workflows/assemble.yml", workflow, if_kept=_to_add("steps", step)),
    )


def _pattern(path: str) -> str:
    """The pattern, as in a `.gitignore`, of this path alone."""
    return re.sub(r"[\\*?\[\]#! ]", r"\\\g<0>", path)


def _quoted(pattern: str) -> str:
    """A pattern as it stands in `.gitattributes`, where a space ends it."""
    return json.dumps(pattern, ensure_ascii=False) if " " in pattern else pattern


def _with_lines(content: bytes, text: str) -> bytes:
    """The content of a file with those lines of the text that it lacks added at its end, ended as its own."""
    newline = b"\r\n" if b"\r\n" in content else b"\n"
    there = {line.strip() for line in content.splitlines()}
    missing = [line for line in text.encode().splitlines() if line not in there]
    gap = newline if missing and content and not content.endswith(b"\n") else b""
    return content + gap + b"".join(line + newline for line in missing)


def schema_line(way: str) -> str:
    """Return the line by which an editor finds the schema of a TOML file, from which `way` leads to it."""
    return f"#:schema {way}\n"


def _to_add(key: str, entry: str) -> str:
    return f"; unless it is there, add to its `{key}`:\n{entry}".rstrip()


_CHECK = "assemble --all --check --diff"

_BLOCK = """\
# BASELINE

- Say what you ran, what you only read, and what you expect: these are three different things.
- Cite what you rely on as `path:line`.
- When you cannot do what you were asked to, say so at once, and say why.
- Leave alone what you were not asked to change.
"""

_MANIFEST = '''\
#:schema ../.assemble/manifest.schema.json
# The source of the agent `reviewer`. Edit this file, not the .md of that name, then run: assemble agents/reviewer.toml

name = "reviewer"
description = "Reviews a diff before it is merged: correctness first, style last. Use it after each change of code."
tools = ["Read", "Grep", "Glob"]
model = "inherit"

role = """
You are a reviewer of code. You look for what is wrong in a change, and show for each finding how it goes wrong. You \\
are no fixer: what you find goes back to whoever called you.
"""

# Names of files in _blocks/, in their order; those that `obligatory` in assemble.toml names come first.
blocks = ["baseline"]

domain_in = [
    "Errors that tests do not catch: wrong conditions, lost errors, races, broken promises to callers",
    "Tests: whether each would fail without the change",
]

forbidden_domain = [
    "Findings without file and line",
    "Remarks on style that a formatter would settle",
]

output_extra_fields = [
    "Findings: path:line, what goes wrong, with which input",
    "Looked at: the files that were read as a whole",
]

# In TOML a key belongs to the last header above it: all keys stand above the first [[handoff]] or [references].
# [[handoff]]
# target = "implementer"
# trigger = "findings that are to be fixed"
'''

_SETTINGS = """\
#:schema .assemble/settings.schema.json
# The settings of this kit; what is commented out shows the form. `assemble schema --settings` describes all of them.
# Editors complete and check by the schemas in .assemble/, which `assemble --all` renews after a change of the kit.

# Blocks that every manifest lists first, in this order.
obligatory = ["baseline"]

# The AI tools to write for. `assemble targets` lists them.
targets = ["{row.name}"]

# Keys that every manifest must have, and not empty.
# required = ["name", "description", "tools", "role", "blocks"]

# Agents to hand off to that have no manifest here, and tools that no AI tool brings along.
# external-agents = ["general-purpose"]
# known-tools = ["Deploy"]

# Further keys of the manifests, for a template in templates/agent.md.j2.
# extra-keys = {{ owner = "string", links = "strings" }}

{root}# Where the files go: `{{name}}` is the agent, `{{dir}}` its manifest's folder. {row.label} loads them from here.
[target.{row.name}]
output = "{up}{row.default_path}"

# What a manifest has that does not say otherwise.
# [defaults]
# model = "inherit"
"""

_ROOT = """\
# Nothing is read or written outside of this folder, to the top of which the agent files go.
root = "{up}"

"""

_HOOK = """\
  - repo: local
    hooks:
      - id: assemble-check
        name: assemble (check)
        entry: {command}
        language: system
        pass_filenames: false
        always_run: true
"""

_WORKFLOW = """\
name: assemble
on:
  push:
  pull_request:
permissions:
  contents: read
env:
  # What pip is to install: a name and version, or `git+`, the address of the tool's repository, `@` and a tag.
  ASSEMBLE: kei-assembler=={version}
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - run: python -m pip install "$ASSEMBLE"
"""

_STEP = """\
      - run: {command}
"""
