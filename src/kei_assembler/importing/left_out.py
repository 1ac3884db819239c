"""Report the files in the named folders that an import does not look at, although they may be agents."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from kei_assembler import lazy_re
from kei_assembler.build.classify import text_of
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.paths import AGENTS_FOLDER, FoundFile
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.outputs import SECTION_FILES
from kei_assembler.markdown import shell, stamp
from kei_assembler.markdown.stamped_sections import layout
from kei_assembler.paths import normalize
from kei_assembler.rules import joined_files
from kei_assembler.rules.definition import Violation
from kei_assembler.rules.runner import run_rule
from kei_assembler.suggestions import counted, listed
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import MAX_BYTES, START, Source

_MAX_NAMED = 5


def about_left_out(kit: LoadedKit, files: Iterable[FoundFile]) -> list[Diagnostic]:
    """Return a note about the other files that may be agents, and one about those with instructions."""
    own = {kit.files.resolve(kit.path(file)) for file in kit.sources()}
    left = (file for file in files if kit.files.resolve(os.path.abspath(file.path)) not in own)
    others = [file for file in left if _may_be_meant(file, _read(file))]
    agents = [normalize(file.path) for file in others if not file.has_instructions]
    instructions = [normalize(file.path) for file in others if file.has_instructions]
    return [*_about_agents(agents), *_about_instructions(instructions)]


def _about_agents(paths: Sequence[str]) -> Iterator[Diagnostic]:
    if not paths:
        return
    folders = Counter(os.path.dirname(path) or "." for path in paths)
    named = [f"`{folder}` ({count:,})" for folder, count in folders.most_common()]
    what = counted(len(paths), "file")
    verb = "looks like an agent but was" if len(paths) == 1 else "look like agents but were"
    shown = listed(named, str, most=_MAX_NAMED, noun="folder")
    message = f"{what} outside the clients' folders {verb} not looked at: {shown}"
    example = shell.word(folders.most_common(1)[0][0])
    hint = f"if they are agents of yours, name the folder, as in: assemble import {example}"
    yield from run_rule(joined_files.not_looked_at, Source(paths[0], ""), Violation(START, message, hint))


def _about_instructions(paths: Sequence[str]) -> Iterator[Diagnostic]:
    if not paths:
        return
    verb = "was" if len(paths) == 1 else "were"
    message = f"{listed(paths, most=_MAX_NAMED)} {verb} not looked at, because files with instructions have to be named"
    hint = f"to import them, run: assemble import {shell.word(paths[0])}"
    yield from run_rule(joined_files.not_looked_at, Source(paths[0], ""), Violation(START, message, hint))


def _read(file: FoundFile) -> bytes:
    try:
        return file.tree.read(os.path.abspath(file.path), MAX_BYTES)
    except OSError:
        return b""


def _may_be_meant(file: FoundFile, raw: bytes) -> bool:
    if file.has_instructions:
        return raw != b"" and not layout(raw).sections
    return _is_agent(file, raw)


_KEYS = lazy_re.compile(rb"^(name|description)[ \t]*[:=]", re.MULTILINE)
_KEYS_OF_BODIES = sorted({row.form.body_key for row in TARGETS.values() if row.form.body_key})
_BODY = lazy_re.compile(rb"^(?:%b)[ \t]*=" % "|".join(_KEYS_OF_BODIES).encode(), re.MULTILINE)


def _is_agent(file: FoundFile, raw: bytes) -> bool:
    """Whether a file that people wrote may be an agent: it has its keys. In a folder of agents, one is enough."""
    path = normalize(file.path)
    if os.path.basename(path) in SECTION_FILES:
        return False
    form = next(row.form for row in TARGETS.values() if path.lower().endswith(row.suffixes))
    head = raw if _BODY.search(raw) else _front_matter(raw)
    found = {*_KEYS.findall(head)}
    is_generated = stamp.find_settled(text_of(raw), form.comment) is not None
    return len(found) > (0 if AGENTS_FOLDER.search(path) else 1) and not is_generated


def _front_matter(raw: bytes) -> bytes:
    start, _, rest = raw.lstrip(b"\xef\xbb\xbf \r\n").partition(b"---")
    front, end, _ = rest.partition(b"\n---")
    return front if end and not start else b""
