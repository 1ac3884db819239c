"""Convert files with instructions to manifests: the text before the first section is the role, the rest are blocks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate, chain, count, pairwise
from typing import Any

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.block_names import BlockNames
from kei_assembler.importing.bodies import Section
from kei_assembler.importing.convert import Conversion, protected_value
from kei_assembler.importing.instruction_files import InstructionFile, all_of
from kei_assembler.importing.repairs import repaired_body
from kei_assembler.importing.sharing.parts import can_start
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.outputs import Output, outputs_of, required_file
from kei_assembler.markdown.block_reader import Heading
from kei_assembler.markdown.sections import headings, title
from kei_assembler.markdown.structure import prose
from kei_assembler.model.kinds import INSTRUCTIONS
from kei_assembler.model.manifest import slug
from kei_assembler.rules import imported_instructions
from kei_assembler.rules.block_files import front_matter
from kei_assembler.suggestions import listed
from kei_assembler.targets import DEFAULT_TARGET, TARGETS
from kei_assembler.toml.source import START, Source, span_of
from kei_assembler.validation import MAX_ITEMS

ROOT_NAME = "house"
"""The name of the instructions for the whole kit."""

_IMPORT = lazy_re.compile(r"(?<![^ \t\n(])@(?P<path>(?:\.{0,2}/|~/)?[^ \t\n@`]*\.[A-Za-z]{1,8})(?![^ \t\n.,;:)])")


def convert_all(kit: LoadedKit, files: Sequence[InstructionFile], taken: Collection[str]) -> list[Conversion]:
    """Convert files to manifests whose blocks have no names yet. `taken` are names that they cannot have."""
    names = set(taken)
    conversions = []
    for file in files:
        name = next(each for each in _names(file) if each not in names and _is_free(kit, file, each))
        names.add(name)
        conversions.append(_convert(kit, file, name))
    return conversions


def _names(file: InstructionFile) -> Iterator[str]:
    """The names that the manifest of a file can have, best first: for `packages/api`, `api` and `packages-api`."""
    client = file.agent.target
    wanted = slug(os.path.basename(file.folder)) or ROOT_NAME
    whole = slug(file.folder.replace("/", "-")) or wanted
    yield from (wanted, whole)
    if client:
        yield slug(f"{whole[:50]}-{client}")
    yield from (f"{whole[:56]}-{number}" for number in count(2))


def _is_free(kit: LoadedKit, file: InstructionFile, name: str) -> bool:
    """Whether no manifest has a name, except one for the same folder that may come from this file."""
    manifest = kit.manifest_files.named(INSTRUCTIONS).get(name)
    if manifest is None:
        return True
    is_same = kit.read_manifest(manifest).data.get("folder", "") == file.folder
    return is_same and name not in file.layout.sections


def _convert(kit: LoadedKit, file: InstructionFile, name: str) -> Conversion:
    agent = file.agent
    text, found = repaired_body(agent, "text")
    role, sections = split(text)
    data: dict[str, Any] = {"name": name}
    path = kit.manifest_file(name, INSTRUCTIONS)
    if kit.manifest_files.usual_kind(path) is not INSTRUCTIONS:
        data["kind"] = INSTRUCTIONS.name
    data |= {"folder": file.folder} if file.folder else {}
    data |= {"role": protected_value(role)} if role else {}
    if targets := _targets(kit, file):
        data["targets"] = targets
    own = tuple(section._replace(text=protected_value(section.text)) for section in sections)
    made = Conversion(agent, data, (), kind=INSTRUCTIONS, sections=own, copies=file.copies)
    new_path = next((output.path for output in outputs(kit, made) if not output.imports), "")
    found += [*_about_front_matter(agent), *_about_imports(kit, made)]
    found += [one for each in all_of([file]) if each.kit_path for one in _about_path(each, new_path)]
    return made._replace(found=tuple(found), new_path=new_path if agent.kit_path else "")


def outputs(kit: LoadedKit, conversion: Conversion, manifest: str = "") -> list[Output]:
    """Return the outputs of the manifest of imported instructions, in the file `manifest` if it exists."""
    file = manifest or kit.manifest_file(conversion.name, INSTRUCTIONS)
    data = {key: value for key, value in conversion.data.items() if key != "role"}
    data["name"] = stem(file)
    return outputs_of(kit, kit.decoder(INSTRUCTIONS)(data)[0], file)


def _targets(kit: LoadedKit, file: InstructionFile) -> list[str]:
    """The clients that a manifest has to name, because those of the settings do not read its file."""
    usual = kit.all_targets(None)
    clients = dict.fromkeys(each.target for each in all_of([file]))
    shared = [target for target in usual if required_file(kit, target) is None] or [DEFAULT_TARGET]
    named = [client for client in clients if client]
    wanted = [*(shared if "" in clients else ()), *named]
    return [] if set(wanted) <= set(usual) else list(dict.fromkeys(wanted))


def split(text: str) -> tuple[str, list[Section]]:
    """Split instructions at the highest headings of which there are several, after a title above them.

    Return the text before the first section, and the sections, which all start with their headings.
    """
    lines = text.split("\n")
    starts = _starts(text, lines)[: MAX_ITEMS - 1]
    offsets = list(accumulate((len(line) + 1 for line in lines), initial=0))
    at = [offsets[heading.first - 1] for heading in starts]
    texts = [text[start:end].strip("\n") for start, end in pairwise([*at, len(text)])]
    sections = [Section(each.level, title(lines, each), part) for each, part in zip(starts, texts, strict=bool(starts))]
    return text[: at[0] if at else len(text)].strip("\n"), sections


def _starts(text: str, lines: list[str]) -> list[Heading]:
    head = front_matter(Source("", text))
    after = head.stop if head else 0
    found = [each for each in headings(text, lines) if each.first > after and can_start(lines, each)]
    for level in range(1, 7):
        starts = [each for each in found if each.level <= level]
        if len(starts) > 1:
            is_title = starts[0].level < min(each.level for each in starts[1:])
            return starts[1:] if is_title else starts
    return found


def _about_front_matter(agent: AgentFile) -> list[Diagnostic]:
    if not front_matter(Source("", agent.body)):
        return []
    message = "the front matter becomes part of the text"
    where = agent.body_line(1)
    return agent.report(imported_instructions.front_matter_in_instructions, where, message, "remove it from the role")


def _about_imports(kit: LoadedKit, made: Conversion) -> list[Diagnostic]:
    agent = made.agent
    others = [target for target in kit.all_targets(_own(made)) if not TARGETS[target].instructions.expands_imports]
    if "@" not in agent.body or not others:
        return []
    match = _IMPORT.search(prose(agent.source.text))
    if match is None:
        return []
    labels = listed((TARGETS[target].label for target in others), str)
    verb = "does" if len(others) == 1 else "do"
    where = span_of(agent.source.text, match.start(), match.end("path"))
    message = f"`@{match['path']}` stays as it is, and {labels} {verb} not replace it by the content of the file"
    return agent.report(
        imported_instructions.import_not_expanded, where, message, "to give them the text, write a block"
    )


def _own(made: Conversion) -> tuple[str, ...] | None:
    return tuple(made.data["targets"]) if "targets" in made.data else None


def _about_path(agent: AgentFile, new_path: str) -> list[Diagnostic]:
    if agent.kit_path == new_path:
        return []
    message = f"the text will be in `{new_path}`, which other clients read, too"
    return agent.report(imported_instructions.instructions_move, START, message)


def with_block_names(conversion: Conversion, names: BlockNames, share: bool) -> Conversion:
    """Return a conversion with the names of its blocks. With `share`, blocks with the same texts are used again."""
    blocks: dict[str, None] = {}
    for section in conversion.sections:
        name = names.shared([section.title], section.text, [conversion.name]) if share else names.own(section, blocks)
        blocks[names.own(section, blocks) if name in blocks else name] = None
    data = conversion.data | ({"blocks": [*blocks]} if blocks else {})
    return conversion._replace(data=data)


def texts_of(conversions: Sequence[Conversion]) -> list[str]:
    """Return the texts of all sections."""
    return [section.text for section in chain.from_iterable(each.sections for each in conversions)]
