"""`assemble init`: the files of a new kit, and the files and lines that it adds to the repository around it."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import groupby
from string import Template

from kei_assembler import kit as kits
from kei_assembler.build import writer
from kei_assembler.build.ignore_lines import ignore_lines
from kei_assembler.build.schema_files import MANIFEST_SCHEMA, SETTINGS_SCHEMA
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.files.tree import Tree
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import LoadedKit, discovery, json_schema
from kei_assembler.kit.outputs import outputs_of
from kei_assembler.kit.search import NEVER_ENTERED
from kei_assembler.loader import load_kit
from kei_assembler.markdown.front_matter import quoted
from kei_assembler.markdown.hidden_text import is_hidden, shown
from kei_assembler.markdown.stamp import can_name
from kei_assembler.paths import display_path, normalize, path_below
from kei_assembler.paths import is_hidden as is_hidden_path
from kei_assembler.records import NamedTuple
from kei_assembler.scaffold import installation
from kei_assembler.scaffold.installation import Installation
from kei_assembler.scaffold.schema_lines import add_schemas
from kei_assembler.selection import working_directory
from kei_assembler.targets import DEFAULT_TARGET, TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import MAX_BYTES, with_lf

_CHECK, _BUILD = "assemble --all --recursive --check --diff", "assemble --all --recursive"
_TEXTS = os.path.join(os.path.dirname(__file__), "files")
_ANY = "\ue000"
"""Stands for any agent's name: a private-use character, which a pattern does not contain."""


class NewFile(NamedTuple):
    """A file to create.

    If it exists, `is_lines` adds the lines of the text that it lacks. Otherwise it is kept, and if it lacks one of the
    lines `needed`, `hint` says what to do.
    If it does not exist, `caveat` says what to do before others can use it.
    """

    path: str
    text: str
    is_lines: bool = False
    hint: str = ""
    needed: frozenset[str] = frozenset()
    caveat: str = ""


def kit_folder(folder: str | None) -> str:
    """Return the resolved folder for a new kit: the folder that the command line names, or the working directory.

    Raises:
        AssembleError: the folder cannot hold a kit, a link to it leads out of the git work tree, or it is not named and
            lies inside another kit.
    """
    path = os.path.normpath(os.path.join(working_directory(), folder or ""))
    if DISK.exists(path) and not DISK.is_folder(path):
        raise AssembleError(f"`{path}` is not a folder")
    real = discovery.resolved(path)
    outer = discovery.find(path)
    if folder is None and outer not in (None, path):
        raise AssembleError(f"this folder lies inside the kit {outer}", "to create a kit inside it: assemble init .")
    _refuse_name(path_below(real, git_top(real) or real))
    return real


def _refuse_name(prefix: str) -> None:
    """Refuse a path from the top of the repository to the kit that a hook, a workflow or a stamp could not contain."""
    if "${{" in prefix:
        message = f"the path `{prefix}` contains `${{{{`, which GitHub would evaluate in a workflow"
    elif prefix.isprintable() and shown(prefix) == prefix and can_name(prefix):
        return
    else:
        message = f"the path `{prefix}` contains characters that hooks, workflows or stamps cannot contain"
    raise AssembleError(message, "rename the folder")


def create_kit(folder: str, found: Sequence[str] = ()) -> Iterator[str]:
    """Create the missing files of a kit and of the repository around it; in a kit, only the schemas and the latter.

    A new kit is for the clients that were `found`, which are targets, or for the default one if there are none.

    A kit that writes to the home folder is in no repository, so it only gets the schemas.

    Yields for each file, after writing it, a line that reports whether it was created, extended or kept.

    Raises:
        AssembleError: a file cannot be written, or the kit's settings are invalid.
    """
    top = git_top(folder) or folder
    prefix = path_below(folder, top)
    kit = load_kit(folder) if discovery.is_kit(folder) else None
    rows = [TARGETS[name] for name in found or (DEFAULT_TARGET,)]
    outputs = _output_patterns(kit, prefix) if kit else sorted(row.default_path.format(name="*") for row in rows)
    tree = Tree(top)
    if kit is None or not kit.settings.is_user_level:
        ignored = None if kit is None or kit.settings.commit_outputs else ignore_lines(kit)
        for file in repository_files(prefix, outputs, installation.find(top), ignored):
            yield _create(tree, top, file)
    if kit is None:
        schema = json_schema.as_text(json_schema.settings_schema())
        for file in (NewFile(SETTINGS_SCHEMA, schema), *_kit_files(prefix, rows, bool(found))):
            yield _create(tree, folder, file)
        manifest_schema = json_schema.manifest_schema(load_kit(folder))
        yield _create(tree, folder, NewFile(MANIFEST_SCHEMA, json_schema.as_text(manifest_schema)))
    else:
        for action, path in add_schemas(kit):
            yield f"{action} {shown(display_path(path))}\n"


def _output_patterns(kit: LoadedKit, prefix: str) -> list[str]:
    """The patterns of the kit's generated files, relative to the folder from which `prefix` leads to the kit.

    Files at the very top get no pattern, since it would match every other file there, too.
    """
    found = {kit.output(target, _ANY, kit.manifest_file(_ANY)) for target in kit.settings.targets}
    for file, manifest in kit.composition.manifests():
        outputs = outputs_of(kit, manifest._replace(name=_ANY), file)
        found |= {output.path for output in outputs if not output.section}
    patterns = {_escaped(normalize(f"{prefix or '.'}/{path}")) for path in found}
    return sorted(pattern for pattern in patterns if "/" in pattern and not pattern.startswith("../"))


def _create(tree: Tree, folder: str, file: NewFile) -> str:
    """Create or extend a file in a folder of the repository, and return the line that reports it."""
    path = os.path.join(folder, file.path)
    name = shown(display_path(path))
    if writer.create(tree, path, file.text.encode()):
        return f"created {name}{file.caveat}\n"
    if file.is_lines and writer.replace(tree, path, lambda content: _with_lines(content, file.text)):
        return f"extended {name}\n"
    return f"kept {name}{'' if _has(path, file.needed) else file.hint}\n"


def _has(path: str, lines: frozenset[str]) -> bool:
    """Whether a file has all of these lines, of which there is at least one. A file that cannot be read has none."""
    try:
        content = DISK.read(path, MAX_BYTES) if lines else b""
    except (AssembleError, OSError):
        return False
    return bool(lines) and lines <= _lines(content.decode(errors="replace"))


def _lines(text: str) -> frozenset[str]:
    return frozenset(line.strip(" \t\r") for line in text.split("\n"))


def _kit_files(prefix: str, rows: Sequence[Target], were_found: bool) -> tuple[NewFile, ...]:
    """The files of the kit itself. The settings come last, because they make the folder a kit."""
    root = re.sub(r"[^/]+", "..", prefix)
    targets = ", ".join(f'"{row.name}"' for row in rows)
    settings = _text(
        "settings.toml", root=root, about=_ABOUT_TARGETS[were_found], targets=targets, outputs=_outputs(root, rows)
    )
    return (
        NewFile("_blocks/baseline.md", _text("baseline.md")),
        NewFile("agents/reviewer.toml", _text("reviewer.toml")),
        # A kit at the top of the repository does not need a root.
        NewFile("assemble.toml", re.sub(r'^#.*\nroot = ""\n\n', "", settings, flags=re.MULTILINE)),
    )


_ABOUT_TARGETS = {
    False: "The clients to generate files for. `assemble targets` lists them.",
    True: "The clients to generate files for: those that had files here. `assemble targets` lists all of them.",
}


def _outputs(root: str, rows: Sequence[Target]) -> str:
    """The lines of the settings that say where the files go, in a kit with this root: to where the clients look."""
    paths = {row.name: f"{root}/{row.default_path}" if root else row.default_path for row in rows}
    others = [row for row in rows if paths[row.name] != row.output]
    reader = f"{others[0].label} loads" if len(others) == 1 else "The clients load"
    tables = [f'[target.{row.name}]\noutput = "{paths[row.name]}"\n' for row in others or rows[:1]]
    if not others:  # the clients look where the files go anyway
        tables = [re.sub("^", "# ", table.rstrip("\n"), flags=re.MULTILINE) + "\n" for table in tables]
    about = (
        f"# Where the files go: `{{name}}` is the agent, `{{dir}}` its manifest's folder. {reader} them from here.\n"
    )
    return about + "\n".join(tables)


def repository_files(
    prefix: str, outputs: Sequence[str], installed: Installation, ignored: Sequence[str] | None = None
) -> tuple[NewFile, ...]:
    """Return the files at the top of the repository, given the patterns of the agent files relative to it.

    `ignored` contains the lines for `.gitignore` if the agent files are not committed. A clone then lacks them, so the
    hook and the workflow build them; there is nothing to compare.
    """
    schemas = f"{_escaped(f'{prefix}/' if prefix else '')}.assemble/"
    attributes = "".join(f"{_quoted(path)} linguist-generated\n" for path in (*outputs, f"{schemas}*.json"))
    option = kit_option(prefix)
    kind, run = ("check", _CHECK) if ignored is None else ("fix", _BUILD)
    name, values = installation.hook_values(installed, f"{run} --staged{option}", tuple(shlex.split(option)))
    hook = _text(name, kind=kind, **values)
    workflow = _text("workflow.yml", command=quoted(f"{run}{option}"), **installation.workflow_values(installed))
    step = workflow.rstrip("\n").rpartition("\n")[2]
    caveat = f"; {installed.problem}" if installed.problem else ""
    caveat_of_hook = caveat if installed.requirement else ""
    return (
        NewFile(".gitattributes", attributes, is_lines=True),
        *(NewFile(".gitignore", "".join(f"{line}\n" for line in lines), is_lines=True) for lines in [ignored] if lines),
        NewFile(".prettierignore", "".join(f"{line}\n" for line in (*outputs, schemas)), is_lines=True),
        NewFile(
            ".pre-commit-config.yaml",
            f"repos:\n{hook}",
            hint=_hint("repos", hook),
            needed=_lines("\n".join(re.findall(r"(?m)^ *(?:- id|entry|args): .*", hook))),
            caveat=caveat_of_hook,
        ),
        NewFile(
            ".github/workflows/assemble.yml", workflow, hint=_hint("steps", step), needed=_lines(step), caveat=caveat
        ),
    )


def kit_option(prefix: str) -> str:
    """Return the option for a kit that `--recursive` does not find from the top of the repository."""
    is_skipped = is_hidden_path(prefix) or not NEVER_ENTERED.isdisjoint(prefix.split("/"))
    return kits.kit_option(prefix) if prefix and is_skipped else ""


def _text(name: str, **values: str) -> str:
    """The text of a file in `files/`, with its `$` placeholders filled in."""
    content = with_lf(DISK.read(os.path.join(_TEXTS, name), MAX_BYTES))
    return Template(content.decode()).substitute(values)


def _escaped(path: str) -> str:
    """A `.gitignore` pattern that matches only this path, except that `*` stands for what a line should not contain."""
    escaped = re.sub(r"[\\*?\[\]#! ]", r"\\\g<0>", path)
    return "".join("*" if hides else "".join(part) for hides, part in groupby(escaped, _is_unfit))


def _is_unfit(character: str) -> bool:
    return character in "\t\n" or is_hidden(character)


def _quoted(pattern: str) -> str:
    """A pattern as `.gitattributes` needs it: there, a space ends a pattern, unless it starts with a quote."""
    return json.dumps(pattern, ensure_ascii=False) if " " in pattern or '"' in pattern else pattern


def _with_lines(content: bytes, text: str) -> bytes:
    """The content with the lines of the text that it lacks added at its end, in its own line ends."""
    newline = b"\r\n" if b"\r\n" in content else b"\n"
    present = {line.strip(b" \t\r") for line in content.split(b"\n")}
    missing = [line for line in text.encode().split(b"\n") if line and line.strip(b" ") not in present]
    gap = newline if missing and content and not content.endswith(b"\n") else b""
    return content + gap + b"".join(line + newline for line in missing)


def _hint(key: str, entry: str) -> str:
    return f"; if it is missing there, add to `{key}`:\n{entry}".rstrip("\n")
