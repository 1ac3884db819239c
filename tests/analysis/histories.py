"""Generated changes of generated kits."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

from composed_kits import BLOCKS, ROLES, ComposedKit, composed_kits
from kei_assembler.targets import TARGETS
from kei_assembler.toml.writer import document

Choice = TypeVar("Choice")

TEMPLATES = {
    "templates/agent.md.j2": (
        '{% extends "default/agent.md.j2" %}{% block role %}# WHO\n\n{{ agent.role }}\n{% endblock %}',
        '{% extends "default/agent.md.j2" %}{% block blocks %}{% for block in blocks %}{{ block | upper }}\n'
        "{% endfor %}{% endblock %}",
        "# {{ agent.name }}\n\n{{ agent.role }}\n\n{% for block in blocks %}\n{{ block }}\n{% endfor %}\n",
        "{% if agent.domain_in %}In.\n{% endif %}{% for block in blocks[:2] %}{{ block }}\n{% endfor %}"
        "{{ agent.domain_in | join(', ') }}\n",
    ),
    "templates/instructions.md.j2": (
        "{{ agent.role | upper }}\n\n{{ blocks | join('\n\n') }}\n",
        "# Here\n\n{{ blocks[0] }}\n",
    ),
    "templates/codex/agent.md.j2": ("Only {{ agent.description }}\n\n{{ blocks | join('\n\n') }}\n",),
}
_LINES = ("New line.", "- item", "", "## More", "Rule {{PROJECT}}.", "Part of a.", "Rule c.")


FOLDERS = (None, "web", "web/api")
CLIENT_FILES = (".gemini/settings.json", "AGENTS.md")
"""Files that are not sources. The first one decides which file a client reads."""
_CLIENT_TEXTS = {
    ".gemini/settings.json": ('{"context": {"fileName": ["AGENTS.md"]}}\n', "{}\n"),
    "AGENTS.md": ("By hand.\n", "Also by hand.\n\n<!-- assemble: i0 -->\n"),
}


class State(NamedTuple):
    """A kit as data, and the texts of its other files. `instructions` are the data of those manifests by name."""

    kit: ComposedKit
    texts: dict[str, str]
    instructions: dict[str, dict[str, Any]]

    def sources(self) -> dict[str, str]:
        """Return the texts of all files of the kit by their paths."""
        manifests = {
            f"agents/{name}.toml": document(data, inline=("role",)) for name, data in self.kit.manifests.items()
        }
        instructions = {f"instructions/{name}.toml": document(data) for name, data in self.instructions.items()}
        return {"assemble.toml": document(self.kit.settings), **manifests, **instructions, **self.texts}

    def write(self, folder: Path) -> None:
        """Write the kit to a folder that is empty or has another state."""
        for name in ("agents", "instructions", "_blocks", "roles", "templates", ".gemini"):
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / "_blocks").mkdir()
        for file, text in self.sources().items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text)


class History(NamedTuple):
    """A kit before and after a change, and the names of the edits."""

    before: State
    after: State
    edits: tuple[str, ...]


class _Editing:
    def __init__(self, draw: Any, state: State) -> None:
        self.draw = draw
        self.settings: dict[str, Any] = deepcopy(state.kit.settings)
        self.manifests: dict[str, dict[str, Any]] = deepcopy(state.kit.manifests)
        self.texts = dict(state.texts)
        self.instructions = deepcopy(state.instructions)

    def one(self, pool: Sequence[Choice]) -> Choice:
        drawn: Choice = self.draw(st.sampled_from(list(pool)))
        return drawn

    def block(self) -> None:
        self._edit([file for file, text in self.texts.items() if file.startswith("_blocks/") and text])

    def role(self) -> None:
        self._edit([file for file in self.texts if file.startswith("roles/")])

    def _edit(self, files: Sequence[str]) -> None:
        file = self.one(files)
        lines = self.texts[file].split("\n")
        at = self.draw(st.integers(1, len(lines) - 1))
        size = self.draw(st.integers(0, 2))
        lines[at : at + size] = self.draw(st.lists(st.sampled_from(_LINES), max_size=3))
        self.texts[file] = "\n".join(lines).rstrip("\n") + "\n"

    def variant(self) -> None:
        file = f"_blocks/{self.one(BLOCKS)}@{self.one([*TARGETS])}.md"
        if self.texts.pop(file, None) is None:
            self.texts[file] = self.one(["", "# For one\n\nRule.\n"])

    def template(self) -> None:
        file = self.one([*TEMPLATES])
        if file in self.texts and self.draw(st.booleans()):
            del self.texts[file]
        else:
            self.texts[file] = self.one(TEMPLATES[file])

    def value(self) -> None:
        self.settings["values"]["PROJECT"] = self.one(["Shop", "House", "`x`"])

    def value_of_client(self) -> None:
        self.settings.setdefault("target", {})["qwen"] = {"values": {"PROJECT": self.one(["Q", "R"]), "OTHER": "z"}}

    def bundle(self) -> None:
        bundle = self.settings["bundles"]["basics"]
        entry = self.one(BLOCKS)
        if entry in bundle and len(bundle) > 1:
            bundle.remove(entry)
        elif entry not in bundle:
            bundle.insert(self.draw(st.integers(0, len(bundle))), entry)

    def targets(self) -> None:
        self.settings["targets"] = self.draw(st.lists(st.sampled_from([*TARGETS]), min_size=1, max_size=7, unique=True))

    def output(self) -> None:
        self.settings.setdefault("target", {}).setdefault("claude-code", {})["output"] = "out/{name}.md"

    def plain(self) -> None:
        self.settings.setdefault("target", {}).setdefault("cursor", {})["plain-descriptions"] = True

    def default_model(self) -> None:
        self.settings.setdefault("defaults", {})["model"] = self.one(["opus", "haiku"])

    def text(self) -> None:
        self.one([*self.manifests.values()])["domain_in"] = self.draw(
            st.lists(st.sampled_from(["New line.", "a", "b: c", "{{PROJECT}}"]), min_size=1, max_size=3, unique=True)
        )

    def description(self) -> None:
        self.one([*self.manifests.values()])["description"] = "Does something else: all."

    def tools(self) -> None:
        self.one([*self.manifests.values()])["tools"] = self.one([[], ["Bash"], ["Read", "Edit"], ["Bash(git:*)"]])

    def blocks(self) -> None:
        data = self.one([*self.manifests.values()])
        blocks = data.get("blocks", [])
        entry = self.one(BLOCKS)
        if entry not in blocks:
            data["blocks"] = [*blocks, entry]

    def display_name(self) -> None:
        self.one([*self.manifests.values()])["display-name"] = self.one(["Boss", "Chief: all"])

    def handoff(self) -> None:
        data = self.one([*self.manifests.values()])
        others = [name for name in self.manifests if name != data["name"]]
        if others:
            data["handoff"] = [{"target": self.one(others), "trigger": "it is late"}]

    def delete(self) -> None:
        self.manifests.pop(self.one([*self.manifests]))

    def rename(self) -> None:
        data = self.manifests.pop(self.one([*self.manifests]))
        data["name"] = f"{data['name']}-renamed"
        self.manifests[data["name"]] = data

    def add(self) -> None:
        name = f"new{len(self.manifests)}"
        obligatory = self.settings["obligatory"]
        self.manifests[name] = {"name": name, "description": "New.", "blocks": [*obligatory], "role": "You are new."}

    def _some_instructions(self) -> dict[str, Any]:
        if not self.instructions:
            self.instructions_are_added()
        return self.instructions[self.one([*self.instructions])]

    def instructions_are_added(self) -> None:
        name = self.one([name for name in ("i0", "i1", "m0", "m1") if name not in self.instructions] or ["i0"])
        entries = st.lists(st.sampled_from((*_PLAIN, "@basics")), min_size=1, max_size=3, unique=True)
        data = {"name": name, "role": self.one(["You are here.", "In {{OWNER}}."]), "blocks": self.draw(entries)}
        others = [other for other in self.instructions if other != name and "extends" not in self.instructions[other]]
        if others and self.draw(st.booleans()):
            data |= {"extends": self.one(others), "blocks": ["...", *data["blocks"]]}
        self.instructions[name] = data

    def instructions_move(self) -> None:
        data = self._some_instructions()
        folder = self.one(FOLDERS)
        if folder and not ("kind" in data or "paths" in data):
            data["folder"] = folder

    def instructions_are_for(self) -> None:
        some = [["gemini"], ["codex", "gemini"], ["gemini", "qwen"], ["claude-code", "cursor"]]
        self._some_instructions()["targets"] = self.one(some)

    def instructions_list(self) -> None:
        data = self._some_instructions()
        data["blocks"] = list(dict.fromkeys([*data["blocks"], self.one(_PLAIN)]))

    def instructions_are_scoped(self) -> None:
        data = self._some_instructions()
        if "kind" not in data:
            data["paths"] = self.one([["*.py"], ["web/**", "web/*.ts"]])
            data.pop("folder", None)

    def instructions_are_a_skill(self) -> None:
        data = self._some_instructions()
        if not any("extends" in each for each in self.instructions.values()):
            data |= {"kind": "skill", "description": self.one(["Helps.", "Helps a lot."])}
            for key in ("folder", "paths"):
                data.pop(key, None)

    def agent_is_also_a_skill(self) -> None:
        data = self.one([*self.manifests.values()])
        data["also-skill"] = not data.get("also-skill", False)

    def instructions_say(self) -> None:
        self._some_instructions()["role"] = self.one(["You are there.", "Here.\n\nAnd there."])

    def instructions_are_renamed(self) -> None:
        data = self.instructions.pop(self._some_instructions()["name"])
        data["name"] = f"{data['name']}-renamed"
        self.instructions[data["name"]] = data

    def instructions_are_deleted(self) -> None:
        del self.instructions[self._some_instructions()["name"]]

    def client_file(self) -> None:
        file = self.one(CLIENT_FILES)
        self.texts[file] = self.one(_CLIENT_TEXTS[file])


_PLAIN = ("a", "b", "e#part", "f")
"""Entries of blocks that are the same for all clients."""
_EDITS = tuple(name for name in vars(_Editing) if not name.startswith("_") and name != "one")

_EARLY_EDITS = (
    *("template", "variant", "handoff", "display_name"),
    *("instructions_move", "instructions_are_for", "client_file"),
    *("instructions_are_scoped", "instructions_are_a_skill"),
)


@st.composite
def histories(draw: Any) -> History:
    """Return a strategy for changes of kits: one to four edits of anything that generated files depend on."""
    kit = draw(composed_kits())
    texts = {
        f"_blocks/{block}.md": f"# {block.upper()}\n\nRule {block}.\n\n## Part\n\nPart of {block}.\n"
        for block in BLOCKS
    }
    texts["_blocks/h.md"] = "# H\n\nRule h of {{PROJECT}}, `{{OWNER}}`.\n\n- {{PATHS}}\n"
    texts |= ROLES
    texts |= {f"{folder}/notes.txt": "Notes.\n" for folder in FOLDERS if folder}
    state = State(kit, texts, {})
    start = _Editing(draw, state)
    for _ in range(draw(st.integers(0, 3))):
        start.instructions_are_added()
    for name in draw(st.lists(st.sampled_from(_EARLY_EDITS), max_size=3)):
        getattr(start, name)()
    before = State(ComposedKit(start.settings, start.manifests), start.texts, start.instructions)
    editing = _Editing(draw, before)
    edits = draw(st.lists(st.sampled_from(_EDITS), min_size=1, max_size=4))
    for name in edits:
        if editing.manifests:
            getattr(editing, name)()
    after = State(ComposedKit(editing.settings, editing.manifests), editing.texts, editing.instructions)
    return History(before, after, tuple(edits))
