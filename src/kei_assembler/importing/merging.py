"""Merge the conversions of one agent's files for several clients into one manifest.

What differs goes into `[target.NAME]`, or into variants of blocks. A manifest has one list of tools, one name and one
display name for all clients. What it therefore changes for a client is reported, and no agent gets a right by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.convert import Conversion
from kei_assembler.importing.text_variants import SplitText, split_texts
from kei_assembler.importing.tools import split_names
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.front_matter import Value
from kei_assembler.model.adaptation import adapt, client_name, takes_model
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.manifest import MAX_VALUE, Manifest
from kei_assembler.records import NamedTuple
from kei_assembler.rules import imports, joined_files
from kei_assembler.rules.kit_usage import rights_of
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import START
from kei_assembler.validation import fits
from kei_assembler.whitespace import collapse_whitespace

_TEXTS = ("role", "domain_in", "forbidden_domain", "output_extra_fields", "handoff", "references")
_ALLOWED = "allowed"
_DESCRIPTION = "DESCRIPTION"
_ORDER = {target: index for index, target in enumerate(TARGETS)}


class Merged(NamedTuple):
    """The conversion to one manifest, and the files that cannot be a part of it, each with the reason."""

    conversion: Conversion
    others: list[tuple[Conversion, str]]


def merge(kit: LoadedKit, files: Sequence[Conversion], as_text: Callable[[Conversion], Conversion]) -> Merged:
    """Merge the conversions of files with one name: of one agent for several clients, and of copies.

    `as_text` converts a file again, with its whole body as the role.
    """
    first: dict[str, Conversion] = {}
    copies = [_as_copy(file, first[file.target]) for file in files if first.setdefault(file.target, file) is not file]
    parts = sorted(first.values(), key=lambda part: _ORDER[part.target])
    if len({str([part.data.get(key) for key in _TEXTS[1:]]) for part in parts}) > 1:
        parts = [as_text(part) for part in parts]
    tools, others = _common_tools(kit, parts)
    left_out = [other for other, _ in others]
    parts = [part for part in parts if part not in left_out]
    split = split_texts({part.target: part.data.get("role", "") for part in parts})
    if split is None:
        others += [(part, "blocks cannot have the texts that differ") for part in parts[1:]]
        parts, split = parts[:1], SplitText(parts[0].data.get("role", ""))
    if len(parts) == 1:
        conversion = parts[0]._replace(parts=(parts[0], *copies)) if copies else parts[0]
        return Merged(_with_all_findings(conversion), others)
    merger = _Merger(kit, parts, tools)
    merger.merge_front_matter()
    if merger.gaining:
        others += [(part, "it would have other tools") for part in merger.gaining]
        kept = [part for part in parts if part not in merger.gaining]
        merged = merge(kit, [*kept, *copies], as_text)
        return merged._replace(others=[*others, *merged.others])
    return Merged(_with_all_findings(merger.finish(split, copies)), others)


def _as_copy(file: Conversion, original: Conversion) -> Conversion:
    message = f"the file has the same bytes as `{original.agent.source.file}`, so both become one manifest"
    found = [one for one in file.found if one.code == imports.file_left_behind.code]
    note = file.agent.report(joined_files.copy_joined, START, message)
    return file._replace(data=original.data, found=(*note, *found))


def _with_all_findings(conversion: Conversion) -> Conversion:
    found = [one for part in conversion.parts for one in part.found] or conversion.found
    return conversion._replace(found=tuple(found), is_complete=all(part.is_complete for part in conversion.each))


def _common_tools(kit: LoadedKit, parts: Sequence[Conversion]) -> tuple[Any, list[tuple[Conversion, str]]]:
    """Return the value of `tools` for all clients, and the files that would get other tools by it.

    Clients without a key for their own list decide. If they have different lists, only one of them can have its own.
    """
    fixed = [part for part in parts if not _has_own_tools(part)]
    limited = [part for part in fixed if _tools_key(part) in entries(kit, part.data, part.target)]
    if not limited:
        listed = [part.data["tools"] for part in parts if "tools" in part.data]
        return (listed[0] if listed and not fixed else None), []
    tools = limited[0].data["tools"]
    others = [part for part in limited[1:] if _tools_of(kit, part, tools) != _tools_of(kit, part, part.data["tools"])]
    return tools, [(part, f"its tools differ from those in `{limited[0].agent.source.file}`") for part in others]


def _has_own_tools(part: Conversion) -> bool:
    return any(field.key == _tools_key(part) for field in TARGETS[part.target].fields)


def _tools_key(part: Conversion) -> str:
    return TARGETS[part.target].tools.key or _ALLOWED


def _tools_of(kit: LoadedKit, part: Conversion, tools: Any) -> Value | None:
    return entries(kit, {**part.data, "tools": tools}, part.target).get(_tools_key(part))


def entries(kit: LoadedKit, data: Mapping[str, Any], target: str) -> dict[str, Any]:
    """Return the front matter that a manifest gives an agent in a client, without the description.

    The key `allowed` has the tools if only the instructions can say them.
    """
    row = TARGETS[target]
    adapted = adapt(_decoded(kit, data), row, kit.settings.of(target))
    found: dict[str, Any] = {key: value for key, value in adapted.entries if key != "description"}
    if isinstance(found.get(row.tools.key), str):
        found[row.tools.key] = tuple(split_names("commas", found[row.tools.key]))
    return {**found, _ALLOWED: adapted.allowed} if adapted.allowed is not None else found


def _decoded(kit: LoadedKit, data: Mapping[str, Any]) -> Manifest:
    return kit.decoder(AGENT)({key: value for key, value in data.items() if key not in _TEXTS})[0]


class _Merger:
    """Merges the front matter of the files of several clients, without those that cannot be a part of the manifest."""

    def __init__(self, kit: LoadedKit, parts: Sequence[Conversion], tools: Any) -> None:
        self.kit = kit
        self.parts = parts
        self.alone = {part.target: entries(kit, part.data, part.target) for part in parts}
        self.data: dict[str, Any] = {"name": parts[0].name}
        self.data |= {} if tools is None else {"tools": tools}
        self.own = {part.target: dict(part.data.get("target", {}).get(part.target, {})) for part in parts}
        self.found: dict[str, list[Diagnostic]] = {part.target: [] for part in parts}
        self.changed: dict[str, set[str]] = {part.target: set() for part in parts}
        self.gaining: list[Conversion] = []

    def merge_front_matter(self) -> None:
        """Set the keys of the front matter, and report what changes for a client."""
        self._set_display_name()
        self._set_model()
        self._set_description()
        for part in self.parts:
            self._set_own(part)
            self._report_changes(part)

    def _set_display_name(self) -> None:
        """Set the display name with which all clients call the agent as before, or none."""
        wanted = {part.target: part.data.get("display-name", "") for part in self.parts}
        names = {part.target: client_name(part.name, wanted[part.target], _row(part)) for part in self.parts}
        for shown in dict.fromkeys(filter(None, wanted.values())):
            if all(client_name(part.name, shown, _row(part)) == names[part.target] for part in self.parts):
                self.data["display-name"] = shown
                return
        for part in self.parts:
            if names[part.target] != part.name:
                message = f"`{names[part.target]}` will be called `{part.name}`, as in the other clients"
                hint = "update everything that starts the agent by its old name"
                self.found[part.target] += part.agent.report(imports.name_repaired, "name", message, hint)
                self.changed[part.target].add("name")

    def _set_model(self) -> None:
        """Set the model that no client gets whose file has none."""
        for model in dict.fromkeys(part.data["model"] for part in self.parts if "model" in part.data):
            takers = (part for part in self.parts if takes_model(model, _row(part)))
            if model == "inherit" or all("model" in self.alone[part.target] for part in takers):
                self.data["model"] = model
                return

    def _set_description(self) -> None:
        """Set the description. If clients have different ones, it is a value that each client has its own of."""
        given = {part.target: part.data["description"] for part in self.parts if part.agent.value("description")}
        texts = {target: collapse_whitespace(text) for target, text in given.items()}
        own = {target: given[target] for target in texts if texts[target] != next(iter(texts.values()))}
        usual = next(iter(given.values()), self.parts[0].data["description"])
        # a value is printed as it is, but a backslash protects a placeholder in the description
        fitting = all(len(text) <= MAX_VALUE and "\\{{" not in text for text in given.values())
        is_value = own and fitting and not self.kit.settings.values
        self.data["description"] = f"{{{{{_DESCRIPTION}}}}}" if is_value else usual
        if is_value:
            self.data["values"] = {_DESCRIPTION: usual}
        for part in self.parts:
            if part.target in own and is_value:
                self.own[part.target]["values"] = {_DESCRIPTION: own[part.target]}
            elif given and (part.target in own or part.target not in given):
                self._report(part, "description")

    def _set_own(self, part: Conversion) -> None:
        """Keep in the client's table what the general keys would change."""
        fields = {field.key: field for field in _row(part).fields}
        alone = self.alone[part.target]
        together = entries(self.kit, self._data(part), part.target)
        for key in alone:
            value = _plain(alone[key])
            if together.get(key) != alone[key] and key in fields and fits(fields[key].shape, value):
                self.own[part.target][key] = value
        self._limit(part)

    def _limit(self, part: Conversion) -> None:
        """Drop the client's own tools if they need an allowance, and the general ones allow no more than they."""
        key, own, row = _tools_key(part), self.own[part.target], _row(part)
        rights = {right.name: right.exceeds for right in row.rights if right.key == key}
        if key not in own or rights.keys().isdisjoint(rights_of(_decoded(self.kit, self._data(part)))):
            return
        without = self._data(part, {name: value for name, value in own.items() if name != key})
        value = entries(self.kit, without, part.target).get(key)
        compared = list(filter(None, rights.values()))
        if value is not None and compared and not any(exceeds(value, own[key]) for exceeds in compared):
            del own[key]
            self._report(part, key)

    def _report_changes(self, part: Conversion) -> None:
        alone, together = self.alone[part.target], entries(self.kit, self._data(part), part.target)
        for key in dict.fromkeys((*alone, *together)):
            before, after = alone.get(key), together.get(key)
            if before == after or (key == "model" and {before, after} == {None, "inherit"}):
                continue
            means_all = after == () and _row(part).tools.empty_means_all
            if key == _tools_key(part) and (before is not None or means_all) and key not in self.changed[part.target]:
                self.gaining.append(part)
            self._report(part, key)

    def _report(self, part: Conversion, key: str) -> None:
        if key in self.changed[part.target]:
            return
        self.changed[part.target].add(key)
        message = f"the manifest for several clients changes `{key}` for {_row(part).label}"
        hint = "compare the generated file with this one"
        if key in (_ALLOWED, _tools_key(part)):
            self.changed[part.target].add("tools")
            limiting = next(each for each in self.parts if each.data.get("tools") == self.data.get("tools"))
            file, label = limiting.agent.source.file, _row(part).label
            message = f"the manifest limits the agent to the tools in `{file}`, for {label}, too"
            hint = "if it needs others here, give this client a manifest of its own"
        self.found[part.target] += part.agent.report(joined_files.client_differs, key, message, hint)

    def _data(self, part: Conversion, own: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {**self.data, "target": {part.target: self.own[part.target] if own is None else own}}

    def finish(self, split: SplitText, copies: Iterable[Conversion]) -> Conversion:
        """Return the conversion to one manifest. `split` has the texts."""
        first = self.parts[0]
        texts = {key: first.data[key] for key in _TEXTS[1:] if key in first.data}
        texts |= {"role": split.role} if split.role else {}
        targets = [part.target for part in self.parts]
        data = self.data | self._metadata() | texts
        data |= {} if {*targets} <= {*self.kit.settings.targets} else {"targets": targets}
        own = {target: table for target, table in self.own.items() if table}
        data |= {"target": own} if own else {}
        parts = [
            part._replace(
                found=(*self._without_made_up(part), *self.found[part.target]),
                changed=frozenset(self.changed[part.target]),
            )
            for part in self.parts
        ]
        return first._replace(data=data, parts=(*parts, *copies), pieces=split.pieces)

    def _metadata(self) -> dict[str, Any]:
        """The extra keys of the first file that has each. A file with another value is reported."""
        kept: dict[str, Any] = {}
        for part in self.parts:
            for key in self.kit.settings.extra_keys:
                if key in part.data and kept.setdefault(key, part.data[key]) != part.data[key]:
                    self._report(part, key)
        return kept

    def _without_made_up(self, part: Conversion) -> list[Diagnostic]:
        """The findings about a file, except that its description is made up if it gets that of another file."""
        is_changed = "description" in self.changed[part.target]
        return [one for one in part.found if not (is_changed and one.code == imports.description_made_up.code)]


def _row(part: Conversion) -> Target:
    return TARGETS[part.target]


def _plain(value: Any) -> Any:
    """A value of the front matter as a manifest has it."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return list(map(_plain, value)) if isinstance(value, list | tuple) else value
