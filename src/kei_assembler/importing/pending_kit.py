"""Import: the kit as it will be with the agents whose files are read, and the files that it takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple

from kei_assembler.build.changes import Change
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile, read_agent
from kei_assembler.importing.bodies import Section, SplitRole, share
from kei_assembler.importing.convert import Conversion, ImportedFile, convert
from kei_assembler.kit import Block, Kit
from kei_assembler.model.adaptation import EVERYTHING
from kei_assembler.model.manifest import FIELDS, slug
from kei_assembler.model.settings import decode_settings
from kei_assembler.paths import normalize
from kei_assembler.rules import bodies, imports
from kei_assembler.rules.definition import Violation
from kei_assembler.rules.runner import run_rule
from kei_assembler.targets import DEFAULT_TARGET, TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import START, Source, read_toml, span_of
from kei_assembler.toml.writer import document


class PendingFile(NamedTuple):
    """A file of the kit as it is to be, and the file that it comes from."""

    path: str
    text: str
    draft: Conversion


class PendingKit(Kit):
    """A kit as it will be with the manifests and blocks that are imported."""

    def __init__(self, kit: Kit, manifests: Iterable[PendingFile], blocks: Mapping[str, str]) -> None:
        super().__init__(kit.folder, kit.settings, kit.settings_source, kit.settings_at, kit.files)
        self.new = {file.path: file for file in manifests}
        self._blocks |= {name: Block(name, Source(block_file(kit, name), text)) for name, text in blocks.items()}

    @cached_property
    def manifests(self) -> tuple[str, ...]:
        """The manifests' files, the new ones among them, sorted."""
        return tuple(sorted({*super().manifests, *self.new}))

    def read_manifest(self, file: str) -> Source:
        """Return a manifest's source, also of a new one."""
        return read_toml(file, self.new[file].text.encode()) if file in self.new else super().read_manifest(file)

    def problems(self) -> list[Diagnostic]:
        """Return what a build of the new manifests would say, and what it would make otherwise than it was."""
        plan = plan_kit(self, tuple(self.new), False, self.settings.ignore)
        made = (self._made_otherwise(change) for change in plan.changes if change.after)
        return [*plan.found, *(one for found in made for one in found)]

    def _made_otherwise(self, change: Change) -> list[Diagnostic]:
        """Return a finding where the file that a build gives would be imported with another front matter."""
        first = self.new[change.manifest].draft
        agent, _ = read_agent(change.path, change.after or b"", change.target, is_in_place=True)
        if agent is None or change.target != first.origin.agent.target:
            return []
        again = convert(self, ImportedFile(agent, ""), first.name, self.agents)
        keys = _keys_that_differ(_front(first), _front(again))
        return [found for key in keys for found in _of_settings(first.origin.agent, key)]


def _of_settings(agent: AgentFile, key: str) -> list[Diagnostic]:
    message = f"the kit's settings give the agent another `{key}` than this file has"
    return agent.say(imports.front_matter_changed, agent.span(key), message, "say in the manifest what is to hold")


def _front(one: Conversion) -> dict[str, Any]:
    """What a draft has for the front matter, white space aside: to have all tools is to have no such key."""
    own = one.data.get("target", {}).get(one.origin.agent.target, {})
    whole = {key: one.data[key] for key in ("description", "tools", "model") if key in one.data} | own
    return {key: _squeezed(value) for key, value in whole.items() if value != [EVERYTHING]}


def _squeezed(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_squeezed, value))
    return " ".join(value.split()) if isinstance(value, str) else value


def _keys_that_differ(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    return [key for key in {**first, **second} if first.get(key) != second.get(key)]


def block_file(kit: Kit, name: str) -> str:
    """Return where a new block goes."""
    return normalize(f"{kit.settings.blocks[0]}/{name}.md")


def new_kit(folder: str, origins: Sequence[ImportedFile]) -> tuple[Kit, str]:
    """Return a kit in a folder that is none yet, and the text of its settings: it requires little, and puts the files
    back to where they came from.
    """
    text = _new_settings(origins)
    source = read_toml("assemble.toml", text.encode())
    return Kit(folder, decode_settings(source.data), source), text


def _new_settings(origins: Sequence[ImportedFile]) -> str:
    targets = sorted({origin.agent.target for origin in origins})
    lines = ['required = ["name", "description"]']
    if len(targets) == 1 and targets != [DEFAULT_TARGET]:
        lines.append(f'targets = ["{targets[0]}"]')
    for target in targets:
        if output := _output_at_home(TARGETS[target], origins):
            lines += ["", f"[target.{target}]", f'output = "{output}"']
    return "\n".join(lines) + "\n"


def _output_at_home(row: Target, origins: Iterable[ImportedFile]) -> str:
    """The path pattern of where in the kit most of a client's files come from.

    It is empty where they are not in a folder of the client's own, or go there by default.
    """
    folder, name, suffix = row.default_path.partition("/{name}")
    home = re.compile(rf"(?P<folder>(?:[\w.@-]+/)*{re.escape(folder)})/.*")
    places = (home.fullmatch(origin.location) for origin in origins if origin.agent.target == row.name)
    counts = Counter(match["folder"] for match in places if match and row.default_path != row.output)
    return f"{counts.most_common(1)[0][0]}{name}{suffix}" if counts else ""


def with_shared(kit: Kit, drafts: Sequence[Conversion]) -> tuple[list[Conversion], dict[str, str]]:
    """Return the drafts without the sections that several of them share, and the new blocks by their names.

    A block of the kit that says the same is no new one.
    """
    splits = share({one.name: one.data.get("role", "") for one in drafts})
    names: dict[str, str] = {}
    for split in splits.values():
        for section in split.shared:
            if section.text not in names:
                names[section.text] = _block_name(kit, section, names.values())
    blocks = {name: f"{text}\n" for text, name in names.items() if kit.block(name) is None}
    return [_sharing(one, splits[one.name], names) for one in drafts], blocks


def _block_name(kit: Kit, section: Section, taken: Container[str]) -> str:
    wanted = slug(section.title) or "shared"
    names = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
    return next(name for name in names if name not in taken and _may_say(kit.block(name), section.text))


def _may_say(block: Block | None, text: str) -> bool:
    return block is None or block.source.text.strip("\n") == text


def _sharing(one: Conversion, split: SplitRole, names: Mapping[str, str]) -> Conversion:
    if not split.shared:
        return one
    data = {key: value for key, value in one.data.items() if key != "role"}
    data |= {"role": split.role} if split.role else {}
    data["blocks"] = [names[section.text] for section in split.shared]
    found = one.found
    if split.moved:
        source = one.origin.agent.source
        at = max(source.text.find(split.moved.text), 0)
        where = span_of(source.text, at, at + len(split.moved.text.partition("\n")[0]))
        message = f"the section `{split.moved.title}` comes after the rest of the body now, as a block"
        found = (*found, *run_rule(bodies.section_moved, source, Violation(where, message)))
    return one._replace(data=data, found=found)


def pending_manifests(kit: Kit, drafts: Iterable[Conversion]) -> list[PendingFile]:
    """Return the files of the manifests."""
    return [PendingFile(kit.manifest_file(one.name), manifest_text(one.data), one) for one in drafts]


def manifest_text(data: Mapping[str, Any]) -> str:
    """Return a manifest's data as TOML, in the order of its fields; the role ends with its last line."""
    told = {field.key: data[field.key] for field in FIELDS if field.key in data}
    return document(told | {key: f"{told[key]}\n" for key in told if key == "role"})


def in_the_way(draft: Conversion, path: str, why: str) -> list[Diagnostic]:
    """Return the finding about a file that is there already where a manifest would be written."""
    hint = "move one of the two away, or give this agent another name"
    return run_rule(imports.manifest_in_the_way, draft.origin.agent.source, Violation(START, f"{path} {why}", hint))
