"""The kit as it will be after the import, and the files that the import adds to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from kei_assembler.build.changes import Change
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing import roles
from kei_assembler.importing.agent_file import AgentFile, read_agent
from kei_assembler.importing.block_names import BlockNames
from kei_assembler.importing.convert import Conversion, convert
from kei_assembler.importing.metadata import declaration
from kei_assembler.importing.names import Named
from kei_assembler.importing.origin import manifests_by_comment, origin_comment, origin_comments
from kei_assembler.importing.paths import below_client_folder
from kei_assembler.importing.subfolders import manifest_of, output_in_place
from kei_assembler.kit import SETTINGS_FILE, LoadedKit, stem
from kei_assembler.kit.blocks import VARIANT_MARK, Block
from kei_assembler.markdown.stamp import can_name
from kei_assembler.model.adaptation import EVERYTHING
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.manifest import FIELDS
from kei_assembler.model.settings import decode_settings
from kei_assembler.paths import normalize
from kei_assembler.records import NamedTuple
from kei_assembler.rules import bodies, imports
from kei_assembler.rules.section_files import unusable_file
from kei_assembler.targets import DEFAULT_TARGET, TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import START, Source, read_toml, with_lf
from kei_assembler.toml.writer import document
from kei_assembler.whitespace import collapse_whitespace


class PendingFile(NamedTuple):
    """A file that the import adds to the kit, and the conversion that needs it.

    `is_kept` says that an earlier import added it, and that its text may have been edited. A manifest may need a
    `role_file` with the text `role`.
    """

    path: str
    text: str
    conversion: Conversion
    is_kept: bool = False
    role_file: str = ""
    role: str = ""


class PendingKit(LoadedKit):
    """A kit as it will be with the imported manifests and blocks."""

    def __init__(self, kit: LoadedKit, manifests: Iterable[PendingFile], blocks: Mapping[str, str]) -> None:
        super().__init__(kit.folder, kit.settings, kit.settings_source, kit.settings_at, kit.files)
        self.new = {file.path: file for file in manifests}
        self.role_files.pending = {file.role_file: file.role for file in self.new.values() if file.role_file}
        for entry, text in blocks.items():
            name, _, target = entry.partition(VARIANT_MARK)
            self.blocks.add(Block(name, Source(block_file(kit, entry), text), target))

    @cached_property
    def manifests(self) -> tuple[str, ...]:
        """The paths of all manifests, also the new ones, sorted."""
        return tuple(sorted({*super().manifests, *self.new}))

    @cached_property
    def files_by_agent(self) -> Mapping[str, str]:
        """The manifests of agents, also the new ones, by their names."""
        new = {stem(path): path for path, file in self.new.items() if file.conversion.kind is AGENT}
        return {**super().files_by_agent, **new}

    def read_manifest(self, file: str) -> Source:
        """Return the source of a manifest, also of a new one."""
        return read_toml(file, self.new[file].text.encode()) if file in self.new else super().read_manifest(file)

    def content_of(self, file: str) -> bytes:
        """Return the bytes of a manifest, also of a new one."""
        return self.new[file].text.encode() if file in self.new else super().content_of(file)

    def problems(self) -> list[Diagnostic]:
        """Return the diagnostics of a build of the new manifests, and one for each key that the build changes."""
        plan = plan_kit(self, tuple(self.new), False, self.settings.ignore)
        # the text of an imported file is still there, but the section will take its place
        files = {file.conversion.agent.kit_path for file in self.new.values() if file.conversion.kind is not AGENT}
        found = (one for one in plan.diagnostics if one.code != unusable_file.code or one.location.file not in files)
        changed = (found for change in plan.changes if change.manifest for found in self._changed_keys(change))
        return [*found, *changed]

    def _changed_keys(self, change: Change) -> list[Diagnostic]:
        """Import the generated file, and return a diagnostic for each key of the front matter that is different."""
        originals = {each.target: each for each in reversed(self.new[change.manifest].conversion.each)}
        original = originals.get(change.target)
        after_bytes = change.after or b""
        if change.section or original is None or _has_same_front_matter(original.agent, after_bytes):
            return []
        agent, _ = read_agent(change.path, after_bytes, change.target, is_in_place=True)
        if agent is None:
            return []
        if TARGETS[agent.target].tools.key:  # otherwise the body says which tools there are
            agent = agent._replace(body="")
        before = _front_matter(original)
        after = _front_matter(convert(self, agent, Named(original.name), self.names.agents))
        found = []
        for key in before | after:
            if before.get(key) != after.get(key) and key not in original.changed:
                message = f"the kit's settings change the agent's `{key}`"
                hint = "set the value that you want in the manifest"
                found += original.agent.report(imports.front_matter_changed, key, message, hint)
        return found


def _has_same_front_matter(agent: AgentFile, generated: bytes) -> bool:
    """Return whether a file that says everything in its front matter has that of the generated file, byte for byte."""
    row = TARGETS[agent.target]
    front, end, _ = generated.partition(b"\n---\n")
    return bool(end and row.tools.key) and row.form.syntax == "yaml" and agent.raw.startswith(front + end)


def _front_matter(conversion: Conversion) -> dict[str, Any]:
    """The values for the front matter, with whitespace collapsed. A list of all tools is the same as no list."""
    data, target = conversion.data, conversion.agent.target
    own = data.get("target", {}).get(target, {})
    values = {key: data[key] for key in ("description", "tools", "model") if key in data} | own
    return {key: _collapsed(value) for key, value in values.items() if value != [EVERYTHING]}


def _collapsed(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_collapsed, value))
    return collapse_whitespace(value) if isinstance(value, str) else value


def block_file(kit: LoadedKit, name: str) -> str:
    """Return the path of a new block."""
    return normalize(f"{kit.settings.blocks[0]}/{name}.md")


_NONE: Mapping[str, str] = {}


def new_kit(
    folder: str, agents: Sequence[AgentFile], common: Sequence[str] = (), extra_keys: Mapping[str, str] = _NONE
) -> tuple[LoadedKit, str]:
    """Return a new kit in a folder, and the text of its settings.

    The settings require little, and put the generated files where the imported ones are. `common` are the targets that
    all agents have. `extra_keys` are the further keys of the manifests.
    """
    targets = sorted({agent.target for agent in agents if agent.target})
    lines = ['required = ["name", "description"]']
    usual = [*common] or targets
    if (common or len(targets) == 1) and usual != [DEFAULT_TARGET]:
        quoted = ", ".join(f'"{target}"' for target in usual)
        lines.append(f"targets = [{quoted}]")
    if extra_keys:
        lines += ["", declaration(extra_keys).rstrip("\n")]
    for target in targets:
        if output := _output_pattern(TARGETS[target], agents):
            lines += ["", f"[target.{target}]", f'output = "{output}"']
    text = "\n".join(lines) + "\n"
    source = read_toml(SETTINGS_FILE, text.encode())
    return LoadedKit(folder, decode_settings(source.data), source), text


def _output_pattern(row: Target, agents: Iterable[AgentFile]) -> str:
    """The path pattern of where most of a client's files are in the kit.

    It is empty if they are not in a folder of the client, or if it is the default.
    """
    own = [agent for agent in agents if agent.target == row.name]
    folder, name, suffix = row.default_path.partition("/{name}")
    client_folder = re.compile(rf"(?P<folder>(?:[\w.@-]+/)*{re.escape(folder)})/")
    matches = list(filter(None, (client_folder.match(agent.kit_path) for agent in own)))
    if not matches and row.default_path != row.output:
        return output_in_place(own)
    has_subfolders = any(agent.subfolder and below_client_folder(agent.source.file) for agent in own)
    if row.default_path == row.output:
        return f"{folder}/{{subdir}}{name}{suffix}" if has_subfolders else ""
    folders = Counter(filter(can_name, (match["folder"] for match in matches)))  # settings cannot have hidden text
    subfolder = "/{subdir}" if has_subfolders else ""
    return f"{folders.most_common(1)[0][0]}{subfolder}{name}{suffix}" if folders else ""


def with_pieces(conversion: Conversion, names: BlockNames) -> Conversion:
    """Return a conversion with blocks for the parts of the text that clients have variants of."""
    blocks: list[str] = list(conversion.data.get("blocks", ()))
    for piece in conversion.pieces:
        blocks.append(piece.block or names.of_agent(conversion.name, piece, blocks))
    return conversion._replace(data=conversion.data | {"blocks": blocks}) if blocks else conversion


def pending_manifests(
    kit: LoadedKit, conversions: Sequence[Conversion], finished: Callable[[Conversion], Conversion] = lambda each: each
) -> list[PendingFile]:
    """Return the files of the new manifests, and the manifests that an earlier import made from the same files.

    `finished` completes the conversion of a new manifest.
    """
    known = manifests_by_comment(kit)
    return [
        _kept_manifest(kit, known[comment], conversion)
        if (comment := next((each for each in map(origin_comment, conversion.each) if each in known), ""))
        else _pending_manifest(kit, finished(conversion), origin_comments(conversion))
        for conversion in conversions
    ]


def _pending_manifest(kit: LoadedKit, conversion: Conversion, comment: str) -> PendingFile:
    path, role = manifest_of(kit, conversion.agent, conversion.name, conversion.kind), conversion.data.get("role", "")
    in_manifest = PendingFile(path, manifest_text(conversion.data, comment), conversion)
    file = roles.role_file(conversion.name)
    if not roles.is_for_file(role) or _has_text(kit, path, in_manifest.text):
        return in_manifest
    text = manifest_text({**conversion.data, "role": {"file": file}}, comment)
    # an edited role file of a manifest from an earlier import is in the way, like an edited manifest
    reason = "" if _has_text(kit, path, text) else roles.obstacle(kit, conversion)
    if not reason:
        return PendingFile(path, text, conversion, role_file=file, role=roles.file_text(role))
    message = f"the role stays in the manifest, because `{file}` {reason}"
    found = conversion.agent.report(bodies.role_in_manifest, START, message, "if you want, move it to another file")
    return in_manifest._replace(conversion=conversion._replace(found=(*conversion.found, *found)))


def _has_text(kit: LoadedKit, file: str, text: str) -> bool:
    present = OutputFiles(kit).peek(file)
    return present is not None and with_lf(present) == text.encode()


def _kept_manifest(kit: LoadedKit, manifest: str, conversion: Conversion) -> PendingFile:
    kept = conversion._replace(found=())
    if conversion.kind is AGENT:
        kept = _with_output(kit, manifest, kept)._replace(
            parts=tuple(_with_output(kit, manifest, part) for part in conversion.parts)
        )
    return PendingFile(manifest, "", kept, is_kept=True)


def _with_output(kit: LoadedKit, manifest: str, conversion: Conversion) -> Conversion:
    return conversion._replace(new_path=kit.output(conversion.target, stem(manifest), manifest))


def by_imported_file(files: Iterable[PendingFile]) -> list[PendingFile]:
    """Return the manifests once for each imported file that they come from, with the conversion of that file."""
    return [
        file._replace(conversion=part._replace(data=file.conversion.data))
        for file in files
        for part in file.conversion.each
    ]


def manifest_text(data: Mapping[str, Any], comment: str = "") -> str:
    """Return the data of a manifest as TOML: the manifest's fields in their order, but all short ones before the role.

    These are the extra keys and `blocks`. The role ends with a newline.
    """
    keys = [field.key for field in FIELDS if field.key != "blocks"]
    before_role = keys.index("role")
    keys[before_role:before_role] = [key for key in data if key not in keys]
    ordered = {key: data[key] for key in keys if key in data}
    if isinstance(data.get("role"), str):
        ordered["role"] = f"{data['role']}\n"
    text = document(ordered, inline=("role",))
    return f"{comment}\n{text}" if comment else text
