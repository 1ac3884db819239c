"""Convert one agent file to the data of the manifest that generates it again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from kei_assembler.diagnostics import Diagnostic, Span
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.bodies import Section, fields_of
from kei_assembler.importing.faults import faults_of_entries
from kei_assembler.importing.legacy_syntax import modernized
from kei_assembler.importing.metadata import is_metadata, metadata_value
from kei_assembler.importing.names import Named
from kei_assembler.importing.paths import target_by_folder
from kei_assembler.importing.repairs import repaired_body
from kei_assembler.importing.subfolders import manifest_of
from kei_assembler.importing.text_variants import Piece
from kei_assembler.importing.tools import from_phrases, split_names, translated
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.lenient_yaml import as_text
from kei_assembler.markdown.placeholders import may_have_placeholders, protected
from kei_assembler.model.adaptation import EVERYTHING, server_access, starts_agents, toolset
from kei_assembler.model.inheritance import INHERITED
from kei_assembler.model.kinds import AGENT, Kind
from kei_assembler.paths import is_inside
from kei_assembler.records import NamedTuple
from kei_assembler.rules import imports
from kei_assembler.suggestions import listed, misspelled
from kei_assembler.targets import TARGETS
from kei_assembler.targets.fields import NOTHING
from kei_assembler.toml.source import START
from kei_assembler.validation import LINE, Field, Shape, fits
from kei_assembler.whitespace import WHITESPACE, has_text

_MAX_DESCRIPTION = 200


class Conversion(NamedTuple):
    """The data of a new manifest, the agent file that it was converted from, and the diagnostics.

    `is_complete` says whether the manifest has everything that the file says. If the file is where its client looks for
    agents, and the generated file will have another path, that is `new_path`: the client would then see both.

    Of instructions, `new_path` is the file with their section, `sections` become blocks, and `copies` are files with
    the same text.

    If several files of an agent became one manifest, `parts` are their conversions, and `pieces` become blocks with
    variants. `changed` are the keys of the front matter that such a manifest changes for a part, as reported. `other`
    is the file of another agent that has the name that this one has in its file.
    """

    agent: AgentFile
    data: dict[str, Any]
    found: tuple[Diagnostic, ...]
    is_complete: bool = True
    new_path: str = ""
    kind: Kind = AGENT
    sections: tuple[Section, ...] = ()
    copies: tuple[AgentFile, ...] = ()
    parts: tuple[Conversion, ...] = ()
    pieces: tuple[Piece, ...] = ()
    changed: frozenset[str] = frozenset()
    other: AgentFile | None = None

    @property
    def name(self) -> str:
        """The name in the manifest."""
        return str(self.data["name"])

    @property
    def target(self) -> str:
        """The client of the agent file."""
        return self.agent.target

    @property
    def each(self) -> tuple[Conversion, ...]:
        """A conversion for each file: the parts, or this one."""
        return self.parts or (self,)


def convert(
    kit: LoadedKit, agent: AgentFile, named: Named, agents: frozenset[str], has_sections: bool = True
) -> Conversion:
    """Convert an agent file. `named` has the agent's name, and `agents` are all agents that handoffs can go to.

    Unless `has_sections`, the whole body becomes the role, also the sections that a manifest has keys for.
    """
    converter = _Converter(kit, agent, named)
    converter.convert_description()
    converter.convert_keys()
    converter.convert_body(agents, has_sections)
    return converter.finish()


class _Converter:
    """Converts the description, the other keys and the body of one file, in this order."""

    def __init__(self, kit: LoadedKit, agent: AgentFile, named: Named) -> None:
        self.kit = kit
        self.original = agent
        self.agent, self.found = modernized(agent)
        self.row = TARGETS[agent.target]
        self.fields = {field.key: field for field in self.row.fields}
        self.data: dict[str, Any] = {"name": named.name}
        if named.display_name:
            self.data["display-name"] = named.display_name
        self.own: dict[str, Any] = {}
        self.is_complete = agent.is_complete

    def finish(self) -> Conversion:
        """Add what the file leaves to defaults, and return the conversion."""
        # the kit's defaults must not limit an agent whose file lists no tools
        if "tools" in self.kit.defaults and "tools" not in self.data and self.row.tools.key not in self.own:
            self.data["tools"] = [EVERYTHING]
        assumed = {key: value for key, value in self.row.loader.assumed_values.items() if self._is_assumed(key)}
        if self.row.name not in self.kit.settings.targets:
            self.data["targets"] = [self.row.name]
        if own := assumed | self.own:
            self.data["target"] = {self.row.name: own}
        manifest = manifest_of(self.kit, self.agent, self.data["name"])
        output = self.kit.output(self.row.name, self.data["name"], manifest)
        path, folder = self.agent.kit_path, output.rpartition("/")[0]
        is_seen = target_by_folder(path) is not None or (folder != "" and is_inside(path, folder))
        is_left_behind = is_seen and path != output
        if is_left_behind:
            rest = "" if self.is_complete else "move what the manifest lacks and "
            hint = f"once `{output}` exists, {rest}delete this file: otherwise {self.row.label} sees the agent twice"
            self._report(imports.file_left_behind, START, f"the agent's file will be `{output}`", hint)
        new_path = output if is_left_behind else ""
        self.data |= {key: protected_value(self.data[key]) for key in _FILLED if key in self.data}
        return Conversion(self.original, self.data, tuple(self.found), self.is_complete, new_path)

    def _is_assumed(self, key: str) -> bool:
        """Whether the file leaves a key to the client, and that makes a difference."""
        is_about_agents = key == self.row.tools.agents_key
        return key not in self.agent.entries and not (is_about_agents and not self._can_start_agents())

    def _can_start_agents(self) -> bool:
        row = self.row.tools
        if row.key in self.own:
            return (row.names or {}).get("Agent") in self.own[row.key]
        tools = self.data.get("tools")
        return tools is None or EVERYTHING in tools or any(map(starts_agents, tools))

    def _report(self, rule: Any, where: Span | str, message: str, hint: str = "") -> None:
        self.found += self.agent.report(rule, where, message, hint)

    def _leave_out(self, rule: Any, where: Span | str, message: str, hint: str = "") -> None:
        """Report something that the manifest lacks."""
        self.is_complete = False
        self._report(rule, where, message, hint)

    def convert_description(self) -> None:
        """Set the description: as it is, read as text, or the first line of the body."""
        given = self.agent.value("description")
        if isinstance(given, str) and has_text(given):
            self.data["description"] = given.replace("\\n", "\n") if self.row.loader.unescapes_newlines else given
        elif text := as_text(given):
            self.data["description"] = text
            message = "the description was read as text"
            self._report(imports.front_matter_guessed, "description", message, "put it in quotes")
        else:
            lines = (line.strip("#>*-_` \t") for line in self.agent.body.split("\n"))
            first = next(filter(has_text, lines), "")
            self.data["description"] = first[:_MAX_DESCRIPTION] or self.data["name"]
            message = "the agent has no description; the first line of the body is used"
            self._report(imports.description_made_up, "description", message, "describe when to use the agent")

    def convert_keys(self) -> None:
        """Convert the remaining keys: to `tools`, to `model`, or to keys of `[target.NAME]`."""
        converters = {self.row.tools.key: self._convert_tools, self.row.model_key: self._convert_model}
        of_servers = self.row.tools.servers_key
        taken = {"name", "description"} & {*self.row.keys} | {of_servers}
        for key, (value, _) in self.agent.entries.items():
            if key not in taken:
                converters.get(key, self._convert_own)(key, value)
        if of_servers in self.agent.entries and self.agent.value(of_servers) != self._servers():
            self._convert_own(of_servers, self.agent.value(of_servers))

    def _servers(self) -> object:
        """What the tools in the manifest become in the client's key for MCP servers."""
        tools = self.data.get("tools")
        return server_access(toolset(tuple(tools), self.row.name)) if tools else None

    def _convert_model(self, key: str, value: Any) -> None:
        model = value.strip(WHITESPACE) if isinstance(value, str) else value
        if fits(LINE, model) and (self.row.models is None or model in self.row.models):
            self.data["model"] = model.lower() if model.lower() == "inherit" else model
        elif model not in (None, ""):
            self._convert_own(key, value)

    def _convert_tools(self, key: str, value: Any) -> None:
        if isinstance(value, str) and value in self.row.tools.categories:
            self._convert_own(key, value)
        elif self.row.tools.output_format != "permissions":
            self._report_invalid_names(key, value)
            self._convert_names(key, split_names(self.row.tools.input_format, value))
        elif isinstance(value, dict) and (tools := translated(self.row, value)[0]) is not None:
            self.data["tools"] = tools
        else:
            self._convert_own(key, value)

    def _report_invalid_names(self, key: str, value: Any) -> None:
        for entry in value if isinstance(value, list) else ():
            if not isinstance(entry, str):
                self._leave_out(imports.tools_repaired, key, f"`{as_text(entry)}` is not the name of a tool; left out")
        means_all = self.row.tools.empty_means_all
        if not isinstance(value, str | list) or value == "" or (value == [] and means_all):
            message = f"`{key}` names no tools, so the agent has {'all tools' if means_all else 'none'}"
            self._report(imports.tools_repaired, key, message, "name the tools, or leave out the key")

    def _convert_names(self, key: str, given: list[str]) -> None:
        names = Counter(given)
        if repeated := [name for name, count in names.items() if count > 1]:
            self._report(
                imports.tools_repaired, key, f"listed more than once: {listed(repeated)}", "list each tool once"
            )
        tools, wrong = translated(self.row, [*names])
        if wrong:
            says = "is not the name of one tool" if len(wrong) == 1 else "are not the names of tools"
            hint = "clients silently ignore names that they do not know"
            self._leave_out(imports.tools_repaired, key, f"{listed(wrong)} {says}; left out", hint)
        if tools is None:
            self._convert_untranslatable(key, [*names])
        elif tools or not self.row.tools.empty_means_all:
            self.data["tools"] = tools

    def _convert_untranslatable(self, key: str, names: list[str]) -> None:
        """Keep the entries of the client's own list that the client accepts."""
        field = self.fields.get(key)
        accepted = dict.fromkeys(name for name in names if self._accepts(field, name))
        if rejected := [name for name in names if name not in accepted]:
            message = f"there is no tool {listed(rejected)} in {self.row.label}; left out"
            self._leave_out(imports.key_not_placed, key, message)
        tools, _ = translated(self.row, [*accepted])
        if tools is None:
            self.own[key] = [*accepted]
        else:
            self.data["tools"] = tools

    def _accepts(self, field: Field | None, name: str) -> bool:
        return name != INHERITED and (field is None or fits(field.shape, [name]))

    def _convert_own(self, key: str, value: Any) -> None:
        if key in self.row.defaults and value == self.row.defaults[key]:
            return
        if key not in self.fields and self._keep_metadata(key):
            return
        if key not in self.fields:
            why = self.row.refused.get(key)
            message = (
                f"`assemble` never writes `{key}`, because it {why}" if why else f"`assemble` does not know `{key}`"
            )
            self._leave_out(imports.key_not_placed, key, message, self._hint_for_key(key))
        elif value not in (None, ""):
            full = _without_nulls(value)
            if full != value:
                message = f"`{key}` contains empty values, which are left out"
                self._leave_out(imports.key_not_placed, key, message)
            literal = _without_markers(full)
            if literal != full:
                message = f"`{key}` has an entry `{INHERITED}`, which is left out"
                hint = "in a list of a manifest, it stands for the entries of a base"
                self._leave_out(imports.key_not_placed, key, message, hint)
            self._convert_field(key, literal, self.fields[key].shape)

    def _keep_metadata(self, key: str) -> bool:
        """Keep a key that no client knows if the kit declares it. Return whether the manifest has it then."""
        kind = self.kit.settings.extra_keys.get(key, "")
        kept = metadata_value(self.agent, key, kind) if kind and is_metadata(key, self.row.name) else None
        if kept is None:
            return False
        self.data[key] = kept
        message = f"`{key}` is kept in the manifest, but generated files do not have it"
        self._report(imports.metadata_kept, key, message, f"a template of the kit can print `extra.{key}`")
        return True

    def _hint_for_key(self, key: str) -> str:
        """What to do about a key that no manifest can have."""
        if meant := misspelled(key, {*self.row.keys} - {*self.agent.entries}):
            return f"did you mean `{meant}`? The manifest lacks the key"
        is_refused = key in self.row.refused
        other = "" if is_refused else f"; {self.row.label} may know it. If it is a key of another client, see `--from`"
        return f"the manifest lacks the key{other}"

    def _convert_field(self, key: str, value: Any, shape: Shape) -> None:
        if fitting := [one for one in _candidates(shape, value) if _fits(shape, one)]:
            self.own[key] = fitting[0]
            return
        if (word := self._in_lower_case(key, value)) and _fits(shape, word):
            self.own[key] = word
            message = f"`{key}: {value}` became `{key}: {word}`"
            self._report(
                imports.value_in_lower_case, key, message, f"{self.row.label} knows the word in lower case only"
            )
            return
        valid = [entry for entry in value if _fits(shape, [entry])] if isinstance(value, list) else []
        if valid:
            self.own[key] = valid
        what = "part of the value" if valid else "the value"
        lacks, faults = "the manifest lacks it", faults_of_entries(shape, value)
        message = f"a manifest cannot have {what} of `{key}`: {faults or f'it must be {shape.expects}'}"
        to_do = (
            f"complete it in `[target.{self.row.name}]`" if faults else f"find out whether {self.row.label} accepts it"
        )
        self._leave_out(imports.key_not_placed, key, message, f"{lacks}; {to_do}")

    def _in_lower_case(self, key: str, value: Any) -> str:
        """The value in lower case, or "" if it is no text, or what the agent can do depends on the key."""
        grants_nothing = any(row.field.key == key and row.permissions.startswith(NOTHING) for row in self.row.table)
        return value.strip(WHITESPACE).lower() if grants_nothing and isinstance(value, str) else ""

    def convert_body(self, agents: frozenset[str], has_sections: bool) -> None:
        """Set the role and the keys of generated sections. `agents` are the agents that handoffs can go to."""
        body, found = repaired_body(self.agent)
        self.found += found
        fields = fields_of(body, lambda fields: has_sections and self._is_expressible(fields, agents))
        if "allowed" in fields:
            self.data["tools"] = from_phrases(self.row, fields.pop("allowed"))
        self.data |= {key: value for key, value in fields.items() if value}

    def _is_expressible(self, fields: Mapping[str, Any], agents: frozenset[str]) -> bool:
        """Handoffs must go to known agents, and must not become buttons in the front matter."""
        targets = {handoff["target"] for handoff in fields.get("handoff", ())}
        can_hand_off = not targets or (self.row.handoffs is None and self.data["name"] not in targets <= agents)
        return can_hand_off and ("allowed" not in fields or from_phrases(self.row, fields["allowed"]) is not None)


def _candidates(shape: Shape, value: Any) -> list[Any]:
    """The value, and what it can stand for: clients accept `"5"` for 5, and `a, b` for a list."""
    candidates = [value]
    if isinstance(value, str) and shape.type is list:
        candidates.append(split_names("words", value))
    elif isinstance(value, str):
        candidates += [value.lower() == "true"] if value.lower() in ("true", "false") else []
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        candidates.append(int(value))
    if isinstance(value, float) and value.is_integer():
        candidates.append(int(value))
    if isinstance(value, list):
        candidates.append([str(one) if type(one) in (int, float) else one for one in value])
    return candidates


def _without_nulls(value: Any) -> Any:
    """TOML has no null."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value if inner is not None] if isinstance(value, list) else value


def _without_markers(value: Any) -> Any:
    """The value without entries of lists that would stand for inherited ones."""
    if isinstance(value, dict):
        return {key: _without_markers(inner) for key, inner in value.items()}
    return [_without_markers(inner) for inner in value if inner != INHERITED] if isinstance(value, list) else value


def _fits(shape: Shape, value: Any) -> bool:
    return fits(shape, value) and _has_toml_integers(value)


def _has_toml_integers(value: Any) -> bool:
    """TOML's integers have 64 bits."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(map(_has_toml_integers, inner))


_FILLED = ("description", "role", "domain_in", "forbidden_domain", "output_extra_fields", "handoff", "references")
"""The keys with texts in which a backslash keeps a placeholder from being filled."""


def protected_value(value: Any) -> Any:
    """Return a value of a manifest that is printed as it is in the imported file."""
    if isinstance(value, str):
        return protected(value) if may_have_placeholders(value) else value
    if isinstance(value, dict):
        return {key: protected_value(inner) for key, inner in value.items()}
    return [protected_value(entry) for entry in value] if isinstance(value, list) else value
