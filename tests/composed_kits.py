"""Generated kits that are composed of bases and bundles, and a simple resolver to compare the real one with.

The resolver follows the description of composition: it looks a value up by its path, layer by layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from kei_assembler.diagnostics import KeyPath
from kei_assembler.model.kinds import INSTRUCTIONS, Kind
from kei_assembler.model.settings import RIGHTS
from kei_assembler.targets import TARGETS
from kei_assembler.toml.writer import document

BLOCKS = tuple("abcdefgh")
SECTIONS = ("b#part", "e#part")
VARIANTS = {"c@codex": "# C\n\nRule c for Codex.\n", "d@gemini": ""}
"""Texts of blocks for one client."""

EXTERNAL = ("editor", "tester", "writer")
OWN_KEYS = ("name", "description", "abstract", "extends", "unset")
ROLES = {"roles/critic.md": "You review {{PROJECT}}.\n", "roles/team/editor.md": "You edit.\n\n- {{PATHS}}\n"}
TEXTS = (
    "plain",
    "in {{PROJECT}}",
    "{{OWNER}}",
    'a "quoted" word',
    "a\\b",
    "two\nlines",
    "it's",
    "dots...",
    "!loud",
    "# none",
    "@b",
    "é 🦊",
)
LISTS = {
    ("values", "PATHS"): ("src", "a b", "*_x_*"),
    ("target", "gemini", "values", "PATHS"): ("src", "lib"),
    ("tools",): ("Read", "Grep", "Glob", "Bash(git log:*)", "Edit", "mcp__tracker"),
    ("domain_in",): TEXTS,
    ("forbidden_domain",): TEXTS,
    ("output_extra_fields",): TEXTS,
    ("references", "extra"): TEXTS,
    ("tags",): TEXTS,
    ("targets",): tuple(TARGETS),
    ("target", "copilot", "tools"): ("read", "search", "edit"),
    ("target", "codex", "nickname_candidates"): ("Ada", "Grace", "Alan"),
    ("target", "copilot", "mcp-servers", "my.server", "args"): ("-x", "-y", "--all"),
}
SCALARS = {
    ("values", "PROJECT"): ("Shop", "`Shop`"),
    ("values", "UNUSED"): (1, 2),
    ("target", "codex", "values", "PROJECT"): ("Shop 2", "Shop 3"),
    ("level",): (1, 2),
    ("meta", "a"): (True, False),
    ("meta", "b.c", "d"): (0.5, "x"),
    ("display-name",): ("The Critic", "The Editor"),
    ("model",): ("opus", "sonnet", "inherit"),
    ("role",): (
        *({"file": file} for file in ROLES),
        "You review.",
        "You own {{PROJECT}}.\n\n- {{PATHS}}",
        "You write.\n\nNot code.\n",
        '"""\\\n',
    ),
    ("note",): TEXTS,
    ("target", "claude-code", "color"): ("red", "blue"),
    ("target", "claude-code", "maxTurns"): (1, 20),
    ("target", "codex", "model"): ("gpt-5", "o3"),
    ("target", "cursor", "model"): ("fast", "slow"),
    ("target", "cursor", "readonly"): (True, False),
    ("target", "opencode", "model"): ("a/b", "c/d"),
    ("target", "opencode", "temperature"): (0.5, 1.0),
    ("target", "opencode", "permission", "*"): ("ask", "deny"),
    ("target", "opencode", "permission", "edit"): ("ask", "deny"),
    ("target", "opencode", "permission", "bash", "*"): ("ask", "allow", "deny"),
    ("target", "opencode", "permission", "bash", "git *"): ("ask", "allow", "deny"),
    ("target", "opencode", "permission", "bash", "rm x.y"): ("ask", "allow", "deny"),
    ("target", "copilot", "mcp-servers", "my.server", "env", "A.B"): ("1", "2"),
}
FILLED = [
    *(("role",), ("domain_in",), ("values", "PROJECT"), ("values", "PATHS"), ("target", "codex", "values", "PROJECT")),
    *(("target", "gemini", "values", "PATHS"), ("note",)),
]
"""Values, and texts that they fill: manifests have them more often than other keys."""
NOT_EMPTY = [("targets",), ("target", "codex", "nickname_candidates")]
DEFAULTS = [path for path in (*LISTS, *SCALARS) if path[0] in ("tools", "model", "target") and path[2:3] != ("values",)]
OUTRANKED = {
    "tools": {("copilot", "tools"), ("opencode", "permission")},
    "model": {("codex", "model"), ("cursor", "model"), ("opencode", "model")},
}
"""The keys of targets' tables that a general key of a nearer layer replaces."""


class ComposedKit(NamedTuple):
    """A kit: its settings, and the data of its manifests by name. A base comes before those that extend it."""

    settings: dict[str, Any]
    manifests: dict[str, dict[str, Any]]

    def write(self, folder: Path) -> None:
        """Write the kit to an empty folder."""
        (folder / "agents").mkdir()
        (folder / "_blocks").mkdir()
        (folder / "roles/team").mkdir(parents=True)
        (folder / "assemble.toml").write_text(document(self.settings))
        for name, data in self.manifests.items():
            (folder / f"agents/{name}.toml").write_text(document(data, inline=("role",)))
        for block in BLOCKS:
            text = f"# {block.upper()}\n\nRule {block}.\n\n## Part\n\nPart of {block}.\n"
            (folder / f"_blocks/{block}.md").write_text(text)
        (folder / "_blocks/h.md").write_text("# H\n\nRule h of {{PROJECT}}, `{{OWNER}}`.\n\n- {{PATHS}}\n")
        for file, text in ROLES.items():
            (folder / file).write_text(text)
        for name, text in VARIANTS.items():
            (folder / f"_blocks/{name}.md").write_text(text)

    def write_others(self, folder: Path, kind: Kind) -> None:
        """Write manifests of another kind to the folder of the kit, too, with the names of the agents.

        They have what can be the same for both.
        """
        (folder / kind.folder).mkdir()
        for name, data in self.manifests.items():
            same = {key: data[key] for key in data if key in kind.keys and key not in _ONLY_OF_AGENTS}
            same["target"] = _only_values(data.get("target", {}))
            if kind is INSTRUCTIONS and len(name) % 2:
                same["paths"] = ["src/**", "*.py"]
            (folder / f"{kind.folder}/{name}.toml").write_text(document(same, inline=("role",)))

    def layers(self, name: str) -> list[dict[str, Any]]:
        """Return a manifest, its bases, and the defaults and values of the settings, nearest first."""
        found = [self.manifests[name]]
        while base := found[-1].get("extends"):
            found.append(self.manifests[base])
        last = deepcopy(self.settings.get("defaults", {}))
        last["values"] = {
            name: value["default"] if isinstance(value, dict) else value
            for name, value in self.settings["values"].items()
        }
        for target, table in self.settings.get("target", {}).items():
            _set(last, ("target", target, "values"), table["values"])
        return [*found, last]

    def expanded(self, entry: str) -> list[str]:
        """Return the blocks that an entry of a list of blocks stands for."""
        if not entry.startswith("@"):
            return [entry]
        inner = self.settings["bundles"][entry[1:]]
        return list(dict.fromkeys(block for each in inner for block in self.expanded(each)))

    def resolved(self, name: str) -> dict[str, Any]:
        """Return the data of a manifest with all that it inherits."""
        lookup = _Lookup(self, self.layers(name))
        return lookup.table(0, ())


_ONLY_OF_AGENTS = ("unset",)  # it can name keys that instructions do not have


def _only_values(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of targets with only the values in them."""
    return {target: {"values": table["values"]} for target, table in tables.items() if "values" in table}


_NOTHING: Any = object()
_BLOCKED: Any = object()


def value_at(data: Any, path: KeyPath) -> Any:
    """Return the value at a path of keys and indexes, which has to exist."""
    for step in path:
        data = data[step]
    return data


def _at(data: Any, path: Sequence[str]) -> Any:
    """Return the value at a path. A path is blocked where something other than a table is on the way."""
    for key in path:
        if not isinstance(data, dict):
            return _BLOCKED
        if key not in data:
            return _NOTHING
        data = data[key]
    return data


class _Lookup:
    def __init__(self, kit: ComposedKit, layers: Sequence[dict[str, Any]]) -> None:
        self.kit = kit
        self.layers = layers

    def table(self, number: int, path: tuple[str, ...]) -> dict[str, Any]:
        own = _at(self.layers[number], path)
        far = self.far(number, path)
        inherited = far if isinstance(far, dict) else {}
        keys = [
            *(key for key in inherited if not (isinstance(own, dict) and key in own)),
            *(own if isinstance(own, dict) else ()),
        ]
        found = {key: self.value(number, (*path, key)) for key in keys}
        return {key: value for key, value in found.items() if value is not _NOTHING}

    def value(self, number: int, path: tuple[str, ...]) -> Any:
        """Return the value at a path, as the layer with this number and those behind it give it."""
        if number == len(self.layers):
            return _NOTHING
        own = _at(self.layers[number], path)
        if own is _BLOCKED:
            return _NOTHING
        if own is _NOTHING:
            far = self.far(number, path)
            return self.table(number, path) if isinstance(far, dict) else far
        if isinstance(own, dict):
            return self.table(number, path)
        if path == ("handoff",):
            return self._handoffs(own, self.far(number, path))
        return self._list(own, self.far(number, path), path) if isinstance(own, list) else own

    def far(self, number: int, path: tuple[str, ...]) -> Any:
        """Return what a layer inherits at a path."""
        layer, own = self.layers[number], _at(self.layers[number], path)
        if path[:1] and path[0] in OWN_KEYS:
            return _NOTHING
        if any(".".join(path[:end]) in layer.get("unset", ()) for end in range(1, len(path) + 1)):
            return _NOTHING
        if path[:1] == ("target",) and any(key in layer and path[1:3] in OUTRANKED[key] for key in OUTRANKED):
            extended = _at(layer, path[:3])
            if not (isinstance(extended, list) and "..." in extended):
                return _NOTHING
        if path[:1] == ("target",) and path[2:3] == ("values",) and path[3:4] and path[3] in layer.get("values", {}):
            extended = _at(layer, path[:4])
            if not (isinstance(extended, list) and "..." in extended):
                return _NOTHING
        return self.value(number + 1, path) if path or number + 1 < len(self.layers) else own

    def _list(self, own: list[Any], far: Any, path: tuple[str, ...]) -> list[Any]:
        extends, is_blocks = "..." in own, path == ("blocks",)
        if not extends and not is_blocks:
            return own
        drops = {entry[1:] for entry in own if extends and entry.startswith("!")}
        if is_blocks:
            drops = {block for entry in drops for block in self.kit.expanded(entry)}
        found: list[str] = []
        for entry in own:
            if entry == "...":
                found += [each for each in far if each not in drops]
            elif not (extends and entry.startswith("!")):
                found += self.kit.expanded(entry) if is_blocks else [entry]
        is_set = len(path) <= 3 or path[2] == "values"  # not so a list inside a client's table, such as arguments
        return list(dict.fromkeys(found)) if is_set else found

    def _handoffs(self, own: list[dict[str, Any]], far: Any) -> list[dict[str, Any]]:
        by_target = {one["target"]: one for one in far} if isinstance(far, list) else {}
        by_target |= {one["target"]: one for one in own}
        return [one for one in by_target.values() if one["trigger"] is not False]


def _paths(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        yield (*path, key)
        yield from _paths(value, (*path, key)) if isinstance(value, dict) else ()


def _set(data: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        data = data.setdefault(key, {})
    data[path[-1]] = value


class _Drawing:
    """Draws a kit. `draw` is that of hypothesis."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.kit = ComposedKit({}, {})
        self.is_chain = self.chance(40)

    def chance(self, percent: int) -> bool:
        return bool(self.draw(st.integers(0, 99)) < percent)

    def some(self, pool: Sequence[Any], minimum: int = 0, maximum: int = 3) -> list[Any]:
        size = min(len(pool), maximum)
        return (
            list(self.draw(st.lists(st.sampled_from(pool), min_size=min(minimum, size), max_size=size, unique=True)))
            if pool
            else []
        )

    def settings(self) -> None:
        settings = self.kit.settings
        bundles: dict[str, list[str]] = {}
        for name in ("basics", "careful", "more.of-it"):
            entries = (*BLOCKS, *SECTIONS, *(f"@{known}" for known in bundles))
            bundles[name] = self.some(entries, 1, 4)
        settings["bundles"] = bundles
        settings["obligatory"] = self.draw(
            st.sampled_from([[], ["a"], ["@basics"], ["h", "@careful"], ["b#part", "a"]])
        )
        settings["targets"] = list(TARGETS)
        settings["extra-keys"] = {"note": "string", "tags": "strings", "level": "integer", "meta": "table"}
        settings["values"] = {"PROJECT": "Store", "OWNER": {"default": "Ann"}, "PATHS": ["docs"], "OTHER": "x"}
        if self.chance(50):
            settings["target"] = {"qwen": {"values": {"PROJECT": "Qwen", "OTHER": "y"}}}
        settings["external-agents"] = list(EXTERNAL)
        defaults: dict[str, Any] = {}
        for path in self.some(DEFAULTS, 0, 5):
            self.add(defaults, path, {})
        if defaults:
            settings["defaults"] = defaults

    def add(self, data: dict[str, Any], path: tuple[str, ...], far: Mapping[str, Any]) -> None:
        """Set the value at a path of a layer."""
        if path in SCALARS:
            value: Any = self.draw(st.sampled_from(SCALARS[path]))
        else:
            value = self.entries(LISTS[path], _at(far, path), int(path in NOT_EMPTY))
        _set(data, path, value)
        if path[:4] == ("target", "copilot", "mcp-servers", "my.server"):
            server = data["target"]["copilot"]["mcp-servers"]["my.server"]
            if _at(far, path[:4]) is _NOTHING or self.chance(20):
                server |= {"type": "local", "command": "run", "tools": ["*"], "args": server.get("args", [])}

    def entries(self, pool: Sequence[str], far: Any, minimum: int) -> list[str]:
        if not isinstance(far, list) or self.chance(40):
            return self.some(
                [entry for entry in pool if f"{entry}"[1:] not in (far if isinstance(far, list) else ())], minimum
            )
        own = [entry for entry in self.some(pool) if not entry.startswith("!")]
        kept = minimum and far[:1]
        drops = [f"!{entry}" for entry in self.some([entry for entry in far if entry not in (kept or ())], 0, 2)]
        return list(self.draw(st.permutations(["...", *own, *drops])))

    def blocks(self, far: Any) -> list[str]:
        obligatory = self.kit.settings["obligatory"]
        needed = [block for entry in obligatory for block in self.kit.expanded(entry)]
        bundles = [f"@{name}" for name in self.kit.settings["bundles"]]
        own = self.some(
            [
                *(block for block in (*BLOCKS, *SECTIONS) if block not in obligatory),
                *(one for one in bundles if one not in obligatory),
            ]
        )
        if not isinstance(far, list) or self.chance(30):
            return [*obligatory, *own]
        droppable = [
            one
            for one in bundles
            if (found := self.kit.expanded(one)) and not set(found) & set(needed) and set(found) & set(far)
        ]
        droppable += [block for block in far if block not in needed]
        rest = [*own, *(f"!{entry}" for entry in self.some(droppable, 0, 2))]
        if self.chance(50):
            return ["...", *self.draw(st.permutations(rest))]
        return [*obligatory, *self.draw(st.permutations(["...", *rest]))]

    def handoffs(self, far: Any) -> list[dict[str, Any]]:
        known = [one["target"] for one in far] if isinstance(far, list) else []
        own = [{"target": target, "trigger": self.draw(st.sampled_from(TEXTS))} for target in self.some(EXTERNAL)]
        listed = [one["target"] for one in own]
        drops = [
            {"target": target, "trigger": False} for target in self.some([each for each in known if each not in listed])
        ]
        return list(self.draw(st.permutations([*own, *drops])))

    def manifest(self, number: int) -> None:
        name = f"m{number}"
        data: dict[str, Any] = {"name": name}
        self.kit.manifests[name] = data
        bases = [known for known in self.kit.manifests if known != name and len(self.kit.layers(known)) <= 5]
        if bases and (self.is_chain or self.chance(85)):
            data["extends"] = bases[-1] if self.is_chain else self.draw(st.sampled_from(bases))
        if self.chance(30):
            data["abstract"] = True
        if "abstract" not in data or self.chance(20):
            data["description"] = f"Does {number}."
        far = {key: value for key, value in self.kit.resolved(name).items() if key not in OWN_KEYS}
        if far and self.chance(30):
            are_values_kept = self.chance(80)  # without a value, most texts cannot be filled
            paths = self.some([path for path in _paths(far) if not (are_values_kept and "values" in path)], 0, 2)
            if paths and not any(path != other and other[: len(path)] == path for path in paths for other in paths):
                data["unset"] = list(map(".".join, paths))
                far = {key: value for key, value in self.kit.resolved(name).items() if key not in OWN_KEYS}
        if self.chance(50) or (self.kit.settings["obligatory"] and "blocks" not in far):
            data["blocks"] = self.blocks(far.get("blocks"))
        for path in dict.fromkeys([*self.some(FILLED), *self.some([*LISTS, *SCALARS], 0, 8)]):
            self.add(data, path, far)
        if "display-name" in far and "display-name" not in data:
            data["display-name"] = f"Agent {number}"
        if self.chance(40):
            data["handoff"] = self.handoffs(far.get("handoff"))


@st.composite
def composed_kits(draw: Any) -> ComposedKit:
    """Return a strategy for kits with bases up to four deep. Few of them have errors."""
    drawing = _Drawing(draw)
    drawing.settings()
    for number in range(draw(st.integers(3, 7) if drawing.is_chain else st.integers(1, 6))):
        drawing.manifest(number)
    allowed = [{"agent": name, "rights": sorted(RIGHTS), "reason": "tried"} for name in drawing.kit.manifests]
    drawing.kit.settings["allow-rights"] = allowed
    return drawing.kit
