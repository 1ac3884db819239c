"""From one agent file to the data of the manifest that gives it again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from kei_assembler.diagnostics import Diagnostic, Span
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.bodies import closed, fields_of
from kei_assembler.importing.hard_breaks import with_backslashes
from kei_assembler.importing.legacy_syntax import renewed
from kei_assembler.importing.lenient_yaml import as_text
from kei_assembler.importing.paths import seen_by
from kei_assembler.importing.tools import from_words, split_names, translated
from kei_assembler.kit import Kit
from kei_assembler.model.adaptation import EVERYTHING
from kei_assembler.rules import bodies, imports
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.validation import LINE, Field, Shape, fits

_MAX_DESCRIPTION = 200


class ImportedFile(NamedTuple):
    """An agent file to import, and its path relative to the kit, empty where it lies elsewhere."""

    agent: AgentFile
    location: str


class Conversion(NamedTuple):
    """The data of one manifest to be, where it comes from, and what there is to say."""

    origin: ImportedFile
    data: dict[str, Any]
    found: tuple[Diagnostic, ...]

    @property
    def name(self) -> str:
        """The agent's name."""
        return str(self.data["name"])


def convert(kit: Kit, origin: ImportedFile, name: str, names: Iterable[str]) -> Conversion:
    """Return the manifest of one agent file. `names` are those of all agents that are imported with it."""
    return _Drafting(kit, origin, name).finish(frozenset(names) | kit.agents | {*kit.settings.external_agents})


class _Drafting:
    """Places the entries of one file, one by one."""

    def __init__(self, kit: Kit, origin: ImportedFile, name: str) -> None:
        self.kit = kit
        self.origin = origin
        self.agent, self.found = renewed(origin.agent)
        self.row: Target = TARGETS[origin.agent.target]
        self.data: dict[str, Any] = {"name": name}
        self.own: dict[str, Any] = {}

    def finish(self, known: frozenset[str]) -> Conversion:
        """Place everything, and return the draft."""
        self._describe()
        places = {self.row.tools.key: self._place_tools, "model": self._place_model}
        for key in self.agent.entries:
            if key not in ("name", "description"):
                places.get(key, self._place_own)(key)
        self._place_body(known)
        self._keep_all_tools()
        unsaid = self.row.loader.assumed_values.items()
        self.own = {**{key: value for key, value in unsaid if key not in self.agent.entries}, **self.own}
        if self.agent.target not in self.kit.settings.targets:
            self.data["targets"] = [self.agent.target]
        if self.own:
            self.data["target"] = {self.row.name: self.own}
        self._say_what_stays()
        return Conversion(self.origin, self.data, tuple(self.found))

    def _say(self, rule: Any, key: str, message: str, hint: str = "") -> None:
        self.found += self.agent.say(rule, self.agent.span(key), message, hint)

    def _describe(self) -> None:
        given = self.agent.entries["description"].value if "description" in self.agent.entries else None
        if isinstance(given, str) and given.strip():
            self.data["description"] = given.replace("\\n", "\n") if self.row.loader.unescapes_newlines else given
        elif text := as_text(given):
            self.data["description"] = text
            message = "the description was read as text"
            self._say(imports.front_matter_guessed, "description", message, "put it in quotes")
        else:
            self.data["description"] = _first_line(self.agent.body) or str(self.data["name"])
            message = "there is no description; the first line of the body stands for it"
            self._say(imports.description_made_up, "description", message, "say for what the agent is to be called")

    def _place_model(self, key: str) -> None:
        value = self.agent.entries[key].value
        model = value.strip() if isinstance(value, str) else value
        if fits(LINE, model) and (self.row.models is None or model in self.row.models):
            self.data["model"] = model.lower() if model.lower() == "inherit" else model
        elif model is not None and model != "":
            self._place_own(key)

    def _place_tools(self, key: str) -> None:
        value = self.agent.entries[key].value
        if self.row.tools.output_format == "permissions":
            self._place_permissions(key)
        else:
            self._say_what_is_no_name(key, value)
            self._place_names(key, split_names(self.row.tools.input_format, value))

    def _say_what_is_no_name(self, key: str, value: Any) -> None:
        for entry in value if isinstance(value, list) else ():
            if not isinstance(entry, str):
                self._say(imports.tools_repaired, key, f"`{as_text(entry)}` is no name of a tool, and left out")
        means_all = self.row.tools.empty_means_all
        if not isinstance(value, str | list) or value == "" or (value == [] and means_all):
            some = "all tools" if means_all else "none at all"
            message = f"`{key}` names no tools; the agent has {some}"
            self._say(imports.tools_repaired, key, message, "name them, or leave out the key")

    def _place_names(self, key: str, given: Sequence[str]) -> None:
        if twice := [name for name, count in Counter(given).items() if count > 1]:
            self._say(imports.tools_repaired, key, f"{listed(twice)} stood here more than once", "once is enough")
        names = list(dict.fromkeys(given))
        tools, wrong = translated(self.row, names)
        if wrong:
            says = "is not the name of one tool" if len(wrong) == 1 else "are not the names of tools"
            hint = "AI tools drop silently what they do not know"
            self._say(imports.tools_repaired, key, f"{listed(wrong)} {says}, and left out", hint)
        if tools is None:
            self._place_listed(key, [name for name in names if name not in wrong])
        elif tools or not self.row.tools.empty_means_all:
            self.data["tools"] = tools

    def _place_listed(self, key: str, names: list[str]) -> None:
        """Names without a counterpart: the AI tool's own list, as far as it takes them."""
        field = _field(self.row, key)
        right = [name for name in names if field is None or fits(field.shape, [name])]
        if len(right) < len(names):
            wrong = listed(name for name in names if name not in right)
            self._say(imports.key_not_placed, key, f"{wrong} is no tool of {self.row.label}, and left out")
        tools, _ = translated(self.row, right)
        self.data |= {} if tools is None else {"tools": tools}
        self.own |= {key: right} if tools is None else {}

    def _place_permissions(self, key: str) -> None:
        value = self.agent.entries[key].value
        tools, _ = translated(self.row, value) if isinstance(value, dict) else (None, ())
        if tools is None:
            self._place_own(key)
        else:
            self.data["tools"] = tools

    def _place_own(self, key: str) -> None:
        field, value = _field(self.row, key), self.agent.entries[key].value
        if key in self.row.defaults and value == self.row.defaults[key]:
            return
        if field is None:
            hint = "it stays in this file alone; for another AI tool's key, see `--from`"
            self._say(imports.key_not_placed, key, f"`{key}` has no place in a manifest", hint)
        elif value not in (None, ""):
            self._place_in_field(field, self._full(key, value))

    def _full(self, key: str, value: Any) -> Any:
        if _without_nulls(value) != value:
            self._say(imports.key_not_placed, key, f"`{key}` has empty values inside, which are left out")
        return _without_nulls(value)

    def _place_in_field(self, field: Field, value: Any) -> None:
        if fitting := _fitting(field.shape, value):
            self.own[field.key] = fitting[0]
            return
        if right := _right_entries(field.shape, value):
            self.own[field.key] = right
        what = "a part of the value" if right else "the value"
        message = f"{what} of `{field.key}` has no place in a manifest: it must be {field.shape.expects}"
        self._say(imports.key_not_placed, field.key, message, f"{self.row.label} does not take it either")

    def _place_body(self, known: frozenset[str]) -> None:
        body, unclosed = closed(self.agent.body.strip("\n"))
        if unclosed:
            message = f"the body leaves a {unclosed.what} open; in the manifest it is closed at the end"
            self._say_of_body(bodies.body_repaired, unclosed.line, message)
        fields = fields_of(self._with_breaks(body), partial(self._can_say, known))
        allowed = fields.pop("allowed", None)
        self.data |= {key: value for key, value in fields.items() if value}
        if allowed is not None:
            self.data["tools"] = from_words(self.row, allowed)

    def _with_breaks(self, body: str) -> str:
        kept, broken = with_backslashes(body)
        if broken:
            some = f"{len(broken)} lines of the body are broken by spaces at their ends"
            what = some if len(broken) > 1 else "a line of the body is broken by spaces at its end"
            hint = "a build trims spaces; in Markdown a backslash means the same"
            self._say_of_body(bodies.break_rewritten, broken[0], f"{what}; in the manifest by a backslash", hint)
        return kept

    def _say_of_body(self, rule: Any, line: int, message: str, hint: str = "") -> None:
        skipped = len(self.agent.body) - len(self.agent.body.lstrip("\n"))
        at = self.agent.line + skipped + line - 1
        self.found += self.agent.say(rule, Span(at, 1, at, 1), message, hint)

    def _can_say(self, known: frozenset[str], fields: Mapping[str, Any]) -> bool:
        """Handoffs must be to agents of the kit, and would become part of the front matter where that has buttons."""
        agents = {one["target"] for one in fields.get("handoff", ())}
        may_hand_off = not agents or (self.row.handoffs is None and agents <= known - {self.data["name"]})
        return may_hand_off and ("allowed" not in fields or from_words(self.row, fields["allowed"]) is not None)

    def _keep_all_tools(self) -> None:
        """A file without tools lists none to limit its agent to, as the kit's defaults would."""
        if "tools" in self.kit.defaults and "tools" not in self.data and self.row.tools.key not in self.own:
            self.data["tools"] = [EVERYTHING]

    def _say_what_stays(self) -> None:
        location, name = self.origin.location, str(self.data["name"])
        output = self.kit.output(self.row.name, name, self.kit.manifest_file(name))
        if seen_by(location) and location != output:
            hint = f"once `{output}` is there, delete this one: {self.row.label} would see the agent twice"
            self._say(imports.file_left_behind, "", f"the agent's file will be `{output}`", hint)


def _field(row: Target, key: str) -> Field | None:
    return next((field for field in row.fields if field.key == key), None)


_BOOLEANS = {"true": True, "false": False}


def _fitting(shape: Shape, value: Any) -> list[Any]:
    """The value in the form that the shape wants, if there is one: AI tools take `"5"` for 5, and `a, b` for a list."""
    candidates = [value]
    if isinstance(value, str):
        candidates.append(split_names("words", value) if shape.type is list else _BOOLEANS.get(value.lower()))
        candidates += [int(value)] if re.fullmatch(r"[0-9]{1,9}", value) else []
    if isinstance(value, float) and value.is_integer():
        candidates.append(int(value))
    if isinstance(value, list):
        candidates.append([str(one) if type(one) in (int, float) else one for one in value])
    return [one for one in candidates if one is not None and fits(shape, one) and _is_storable(one)]


def _without_nulls(value: Any) -> Any:
    """The value without empty ones inside of it: TOML has none."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value if inner is not None] if isinstance(value, list) else value


def _right_entries(shape: Shape, value: Any) -> list[Any]:
    """The entries of a list that are what those of the shape must be."""
    entries = value if isinstance(value, list) else ()
    return [entry for entry in entries if fits(shape, [entry]) and _is_storable(entry)]


def _is_storable(value: Any) -> bool:
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(map(_is_storable, inner))


def _first_line(body: str) -> str:
    lines = (line.strip("#>*-_` \t") for line in body.split("\n"))
    return next((line for line in lines if line and not line.isspace()), "")[:_MAX_DESCRIPTION]
