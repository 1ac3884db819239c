"""Bases, bundles, values and role files of random kits. They are drawn from a generator of their own.

So a seed's links, names and settings stay the same, whatever is added here.
"""

from __future__ import annotations

import os
import random
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import tomli_w

if TYPE_CHECKING:
    from random_kits import RandomKit

Choice = TypeVar("Choice")
_Attack = Callable[["Composer"], None]

_BASE, _MIDDLE = "agents/base.toml", "agents/deep/middle.toml"
_BUNDLES = {"basics": ["house"], "careful": ["@basics", "extra"], "deep": ["deep/more#more", "@careful"]}
_DECLARED = (
    *("Shop", "a `b` *c*", 7, {"default": "Shop", "doc": "The project."}),
    *({"default": "Shop", "one-of": ["Shop", "Store"]}, {"default": "Shop", "pattern": "[A-Z].*"}),
)
_OF_CHILDREN: Sequence[dict[str, Any]] = (
    {},
    {"blocks": ["...", "deep/more"]},
    {"blocks": ["...", "!extra"]},
    {"blocks": ["...", "@deep"]},
    {"blocks": ["@basics", "extra#extra"]},
    {"unset": ["domain_in"]},
    {"domain_in": ["...", "Also {{PROJECT}}."]},
    {"values": {"PROJECT": "Store", "PATHS": ["lib"]}},
    {"role": "You work in {{PROJECT}}.\n\n- {{PATHS}}\n"},
    {"role": {"file": "roles/shared.md"}},
)
_HOSTILE_TEXTS = (
    *(
        "```",
        "</pre>",
        "<!--",
        "---",
        "# ROLE",
        "two\nlines",
        "a\n---\nb: c",
        "{{PROJECT}}",
        "{{ PROJECT }}",
        "{{OWNER}}",
    ),
    *(
        '{% include "../outside/secret.md" %}',
        "{{ agent.name }}",
        "{outside}/secret.md",
        "../../outside",
        "$(id)",
        "`id`",
    ),
    *("\u202e", "", " ", "\x1b[31m", "x" * 5000, "@basics", "!house", "...", "${{ github.head_ref }}", "|", "\\"),
)
_VALUES: Sequence[Any] = (
    *(1, True, 0.5, [], [""], [1], ["a", "b\nc"], {"file": "{outside}/secret.md"}, {"default": {"file": "roles"}}),
    *({"default": "a" * 40 + "!", "pattern": "(a+)+$"}, {"pattern": "("}, {"one-of": []}, {"required": "yes"}),
    *({"default": "x", "one-of": ["y"]}, {"required": True, "default": "x"}, {}, [["a"]], {"a": 1}),
)
_NAMES_OF_BASES: Sequence[Any] = (
    *("alpha", "beta", "base", "middle", "stranger", "player", "level-9", "bas", "", " ", "…", "{{PROJECT}}", "nul\0"),
    *("../outside/agents/stranger", "{outside}/alpha", "/etc/passwd", "../.git/config", "~/agents/stranger"),
    *("agents/base.toml", "base.toml", "deep/middle", "new\nline"),
    *(1, True, ["base"], {"file": "agents/base.toml"}),
)
_OF_MANIFESTS: Mapping[str, Sequence[Any]] = {
    "blocks": (
        *(
            "@basics",
            ["@nothing"],
            ["@../outside/x"],
            ["!house"],
            ["...", "..."],
            ["@"],
            ["..."],
            ["...", "!"],
            {},
            [1],
        ),
        *(["house#none"], ["@basics#house"], [["house"]], ["../outside/_blocks/house"], ["to-outside/house"]),
        *(["{outside}/secret"], ["house@codex"]),
    ),
    "unset": ("model", ["name"], ["role.file"], ["target.codex.values"], [""], [1], {"a": 1}),
    "handoff": (
        *([{"trigger": False}], [{"target": "alpha", "trigger": False}], {"target": "x"}, [1]),
        *([{"target": name, "trigger": "{{PROJECT}}"}] for name in ("alpha", "base", "{{PROJECT}}", "nobody")),
    ),
    "abstract": ("yes", 1, True, False),
    "values": (1, ["PROJECT"], {"a b": "x"}, {"PROJECT": {"a": 1}}, {"OTHER": "x"}, {"": ""}),
    "target": (1, {"codex": 1}, {"codex": {"values": ["x"]}}, {"nobody": {"values": {}}}),
    "role": (
        *({"file": name} for name in ("roles/{{PROJECT}}.md", "{outside}/secret.md", "../outside/secret.md", "")),
        *({"file": ["x"]}, {"path": "roles/shared.md"}, {}, 1, "{{NOTHING}}"),
    ),
    **dict.fromkeys(("name", "model", "description", "tools"), ("{{PROJECT}}",)),
}
_OF_SETTINGS: Mapping[str, Sequence[Any]] = {
    "bundles": (
        *({"basics": value} for value in (["@basics"], ["@deep"], [], "house", ["@nothing"], ["house#none"])),
        *({"basics": [name]} for name in ("../outside/_blocks/house", "{outside}/secret", "!house", "...")),
        *(1, ["house"], {"../x": ["house"]}, {"": ["house"]}, {"a b": ["extra"]}),
    ),
    "obligatory": (["@deep"], ["@nothing"], ["..."], ["@basics", "house"], "@basics"),
    "defaults": ({"model": "opus"}, {"model": 1}, {"values": {"PROJECT": "x"}}, {"role": "x"}),
    "values": (1, ["x"], {"a b": "x"}),
}
_OUTPUTS = ("out/{{PROJECT}}/{name}.md", "{{PATHS}}/{name}.md", "{PROJECT}/{name}.md")
_FILES = ("roles/shared.md", "roles", "agents/deep", _BASE, _BASE, _MIDDLE, _MIDDLE)
_TARGETS_BY_SUFFIX = {
    ".toml": ("secret.toml", "alpha.toml", "agents/stranger.toml", "not.toml", "none.toml", "fifo", ".bashrc"),
    ".md": ("secret.md", "agents/alpha.md", "_blocks/house.md", "none.md", "zero"),
    "": ("agents", "_blocks", ".", "none"),
}


class Composer:
    """Composes the manifests of a kit. `compose` gives them something to share, `attack` makes some of it hostile."""

    def __init__(self, kit: RandomKit) -> None:
        self.kit = kit
        self.chooser = random.Random(f"composition of {kit.seed}")
        self.is_composed = self.is_chance(60)

    def pick(self, choices: Sequence[Choice]) -> Choice:
        return self.chooser.choice(choices)

    def is_chance(self, of_a_hundred: int) -> bool:
        """Return whether something happens that happens so often in a hundred cases."""
        return self.chooser.randrange(100) < of_a_hundred

    def compose(self) -> None:
        """Add bases to a kit that is not hostile yet, and bundles and values to its settings, if it has any."""
        if not self.is_composed:
            return
        if self.kit.file:
            self._compose_settings()
        self._compose_bases()
        for file in self._manifests():
            if file.stem not in ("base", "middle"):
                self._compose_child(file)

    def _compose_settings(self) -> None:
        settings = self.kit.settings
        settings["bundles"] = _BUNDLES
        settings["values"] = {"PROJECT": self.pick(_DECLARED), "PATHS": ["src", "a b"]}
        if self.is_chance(30):
            for target in settings.get("targets", ["claude-code"]):
                settings.setdefault("target", {}).setdefault(target, {})["values"] = {"PROJECT": "Store"}
        if self.is_chance(30):
            settings["obligatory"] = ["@basics"]
        if self.is_chance(20):
            settings["defaults"] = {"model": "opus"}
        self.kit.write_settings()
        self.kit.write("_blocks/extra.md", "# Extra\n\nBe brief in {{PROJECT}}.\n\n- {{PATHS}}\n")

    def _compose_bases(self) -> None:
        text = "You work on {{PROJECT}}.\n"
        self.kit.write("roles/shared.md", text)
        base: dict[str, Any] = {"name": "base", "role": self.pick((text, {"file": "roles/shared.md"}))}
        base |= {"abstract": True} if self.is_chance(70) else {"description": "Is the base."}
        base["blocks"] = ["@careful"] if self.kit.file else ["house", "extra"]
        base["domain_in"] = ["All of {{PROJECT}}."]
        base["handoff"] = [{"target": "beta", "trigger": "a question about {{PROJECT}}"}]
        if not self.kit.file or self.is_chance(50):
            base["values"] = {"PROJECT": "Base"}
        if self.is_chance(20):
            base["target"] = {self.pick(("codex", "claude-code")): {"values": {"PROJECT": "A client's"}}}
        self._write(_BASE, base)
        middle = {"name": "middle", "extends": "base", "abstract": True, "blocks": ["...", "deep/more"]}
        self._write(_MIDDLE, middle | ({"values": {"PATHS": ["middle"]}} if self.is_chance(50) else {}))

    def _compose_child(self, file: Path) -> None:
        data = tomllib.loads(file.read_text())
        if file.stem not in ("alpha", "beta") and self.is_chance(50):
            if self.kit.settings.get("obligatory"):
                data["blocks"] = ["@basics", *(name for name in data["blocks"] if name != "house")]
        else:
            data = {"name": file.stem, "description": data["description"], "extends": self.pick(("base", "middle"))}
            own = self.pick(_OF_CHILDREN)
            # Without settings, there are no bundles.
            data |= own if self.kit.file or "@" not in str(own) else {}
            if file.stem == "beta":
                data["handoff"] = [{"target": "beta", "trigger": False}]
        file.write_text(tomli_w.dumps(data))

    def attack(self) -> None:
        """Make some of the composition hostile."""
        if self.is_composed:
            for attack in self.chooser.choices(_ATTACKS, k=self.pick((0, 0, 0, 0, 1, 2))):
                self.kit.try_attack(partial(attack, self))

    def link_file(self) -> None:
        """Replace a base, a role file or their folder by a link, most often to somebody else's file."""
        path = self.kit.kit / self.pick(_FILES)
        outside = self.kit.outside / self.pick(_TARGETS_BY_SUFFIX[path.suffix])
        inside = (self.kit.top / ".git/config", self.kit.kit / "agents/alpha.toml", path, self.kit.home / ".bashrc")
        target = str(outside if self.is_chance(80) else self.pick(inside))
        self.kit.make_room(path)
        path.symlink_to(os.path.relpath(target, os.path.realpath(path.parent)) if self.is_chance(50) else target)
        self.kit.attacks.append(f"link {path} -> {target}")

    def move_file(self) -> None:
        """Put a folder or a FIFO in the place of a base or role file, or remove it."""
        path = self.kit.kit / self.pick(_FILES)
        self.kit.make_room(path)
        what = self.pick(("nothing", "folder", "fifo"))
        if what == "folder":
            path.mkdir()
        elif what == "fifo":
            os.mkfifo(path)
        self.kit.attacks.append(f"{what} in the place of {path}")

    def name_base(self) -> None:
        """Extend something odd."""
        self._change_manifest({"extends": self._filled(self.pick(_NAMES_OF_BASES))})

    def add_levels(self) -> None:
        """Add more bases than a manifest can have, perhaps in a circle."""
        last = self.pick(({}, {"extends": "level-9"}, {"extends": "base"}))
        for number in range(10):
            above = last if number == 0 else {"extends": f"level-{number - 1}"}
            self._write(f"agents/level-{number}.toml", {"name": f"level-{number}", "abstract": True, **above})
        self.kit.attacks.append(f"ten levels, the last with {last}")
        self._change_manifest({"extends": self.pick(("level-9", "level-6"))})

    def change_manifest(self) -> None:
        """Set a key of a manifest to something odd."""
        self._change_manifest(self._one_of(_OF_MANIFESTS))

    def set_value(self) -> None:
        """Set a hostile value in a manifest, a base, or the settings."""
        name = self.pick(("PROJECT", "PATHS"))
        value = self._filled(self.pick(_HOSTILE_TEXTS if self.is_chance(50) else _VALUES))
        if self.is_chance(50):
            value = [value, value] if isinstance(value, str) and self.is_chance(30) else value
        table = {"values": {name: value}}
        if self.is_chance(30):
            table = {"target": {self.pick(self.kit.settings.get("targets", ["claude-code"])): table}}
        self._change_manifest(table) if self.is_chance(50) else self._change_settings(table)

    def change_settings(self) -> None:
        """Set a setting to something odd."""
        self._change_settings(self._one_of(_OF_SETTINGS))

    def _one_of(self, values: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        key = self.pick([*values])
        return {key: self._filled(self.pick(values[key]))}

    def set_output(self) -> None:
        """Set an output with a placeholder."""
        target = self.pick(self.kit.settings.get("targets", ["claude-code"]))
        self._change_settings({"target": {target: {"output": self.pick(_OUTPUTS)}}})

    def _change_settings(self, change: dict[str, Any]) -> None:
        _merge(self.kit.settings, change)
        self.kit.file = self.kit.file or "assemble.toml"
        self.kit.attacks.append(f"set {change}")
        self.kit.write_settings()

    def _change_manifest(self, change: dict[str, Any]) -> None:
        file = self.pick([*self._manifests(), self.kit.kit / _BASE])
        data = tomllib.loads(file.read_text())
        _merge(data, change)
        self.kit.attacks.append(f"change {file}: {change}")
        self._write(os.path.relpath(file, self.kit.kit), data)

    def _manifests(self) -> list[Path]:
        files = sorted((self.kit.kit / "agents").rglob("*.toml"))
        top = os.path.realpath(self.kit.top)
        return [file for file in files if file.is_file() and Path(os.path.realpath(file)).is_relative_to(top)]

    def _write(self, file: str, data: dict[str, Any]) -> None:
        self.kit.write(file, tomli_w.dumps(data))

    def _filled(self, value: Any) -> Any:
        """A value with the real paths in its texts."""
        if isinstance(value, dict):
            return {key: self._filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        return value.replace("{outside}", str(self.kit.outside)) if isinstance(value, str) else value


def _merge(data: dict[str, Any], change: dict[str, Any]) -> None:
    for key, value in change.items():
        own = data.get(key)
        if isinstance(own, dict) and isinstance(value, dict) and key != "role":
            data[key] = dict(own)
            _merge(data[key], value)
        else:
            data[key] = value


_ATTACKS: Sequence[_Attack] = (
    *[Composer.link_file] * 3,
    *[Composer.change_manifest] * 3,
    *[Composer.set_value] * 2,
    *[Composer.name_base] * 2,
    *[Composer.change_settings] * 2,
    Composer.move_file,
    Composer.add_levels,
    Composer.set_output,
)
