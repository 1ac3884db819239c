"""Random kits in a random repository next to files of somebody else: links, odd names, hostile values, odd nodes.

Each kit follows from its seed. Most of what a kit contains is valid, so that runs also write.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from kei_assembler.kit import json_schema
from kei_assembler.markdown import stamp
from kei_assembler.targets import TARGETS
from random_composition import Composer

CANARY = "canary-in-a-coal-mine"
"""Occurs in all files that no command may read. It must not occur in what a command prints or writes."""

Choice = TypeVar("Choice")
_Attack = Callable[["RandomKit"], None]

_SCHEMA = json_schema.as_text(json_schema.manifest_schema(None))
_PLACES = ("", "", "", "sub", "sub/kit", "a b/-k", "odd\nname", "tools/\udcff")
_ROOTS = (None, None, None, ".", "..", "..", "../..", "../../..", "", "/", "{top}", "agents", "../outside", "{outside}")
_OUTPUTS = (
    *("{dir}/{name}.md", ".claude/agents/{name}.md", "out/{name}.md", "out/{name}/agent.md", "../{name}.md"),
    *("./{name}", "out/{dir}/{name}.md", "{name}.md", "{name}.toml", "../../{name}.md", "/nonexistent/{name}.md"),
    *(
        "{outside}/{name}.md",
        ".git/hooks/{name}",
        ".git/hooks/{name}",
        ".git/{name}",
        "../.git/hooks/{name}",
        ".GIT/hooks/{name}",
    ),
    *("git~1/{name}", ".git./{name}", "{name}\n/../{name}.md", "{name}/../../outside/{name}", "_blocks/{name}.md"),
    *("templates/{name}.md.j2", "~/{name}", "templates/{name}", ".assemble/{name}.schema.json"),
    *("agents/{name}.toml", ".github/workflows/{name}.yml", "{name}", "linked/{name}.md", "to-outside/{name}.md"),
    *("to-git/{name}", "agents/{name}/{name}.md", "x;echo$IFS'P';/{name}.md", "{dir}/../{name}.md", "{dir}/{name}"),
    *("out\\{name}.md", "./././out//{name}.md", ".prettierignore/{name}", "."),
)
_IN_HOME = (
    *("~/out/{dir}/{name}{suffix}", "~/out/{name}/{name}{suffix}", "~/.ssh/{name}", "~/../outside/{name}{suffix}"),
    *("$HOME/out/{name}{suffix}", "~root/{name}{suffix}", "~/.git/hooks/{name}{suffix}", "~/linked/{name}{suffix}"),
    *("~/agents/{name}.toml", "out/{name}{suffix}"),
)
_LINKS_IN_HOME = (
    ".claude",
    ".claude/agents",
    ".codex",
    ".cursor/agents",
    ".config/opencode",
    "out",
    "linked",
    ".copilot",
)
_FOLDERS = (
    *(
        "../outside/{}",
        "{outside}/{}",
        "/nonexistent",
        "to-outside",
        "linked",
        "..",
        ".",
        "../..",
        ".git",
        ".git/hooks",
    ),
    *("~", "x/{}", "../.git", "agents/../../outside/{}", ".GIT", "{}/.", "/proc/self", "{}\n", " ", "-{}", "./{}"),
    *(".github", "sub/{}"),
)
_ODD_NAMES = (
    *("new\nline", "byte\udcff", "a b", "-x", "--all", ".GIT", "git~1", ".git.", ".git ", "é", "\u202e", "nul"),
    *("COM1", "*", "$(id)", "`id`", "'", '"', "\\", "{name}", "x:y", "%2e%2e", "a\tb", "\x1b[31m", "Agents"),
    *("\u2028", "#", "~", ".assemble-9999999-mine", ".assemble-1-", ".hidden", "x" * 250, "${{ github.head_ref }}"),
    *(".h", "CLAUDE", "assemble"),
)
_TEMPLATES = (
    '{% extends "default/agent.md.j2" %}\n',
    '{% extends "default/agent.md.j2" %}\n{% block role %}{% include "extra.j2" %}{{ super() }}{% endblock %}\n',
    '{% extends "../../outside/secret.md" %}\n',
    '{% extends "../outside/templates/agent.md.j2" %}\n',
    '{% extends "base.j2" %}\n',
    '{% extends "/etc/passwd" %}\n',
    '{% extends "default/../../../x.j2" %}\n',
    '{% extends "default/agent.md.j2" %}\n{% block role %}{% include ["none.j2", "../a.md"] %}{% endblock %}\n',
    '{% extends "default/agent.md.j2" %}\n{% block role %}{% include "linked.j2" ignore missing %}{% endblock %}\n',
    '{% extends "default/agent.md.j2" %}\n{% block role %}{% import ".git/config" as x %}{% endblock %}\n',
    '{% extends "default/agent.md.j2" %}\n{% block role %}{% include agent.name %}{% endblock %}\n',
    '{% extends "default/agent.md.j2" %}\n{% block role %}{% include "a\nb\\\\c" ignore missing %}{% endblock %}\n',
)
_ROLE_FILES = (
    *("{outside}/secret.md", "../outside/secret.md", "../../outside/secret.md", "roles/../../outside/secret.md"),
    *("linked/secret.md", "to-outside/secret.md", "roles/role.md", "roles/role.md", "roles", "../.git/config"),
    *(".git/config", ".GIT/config", "agents/alpha.toml", "_blocks/house.md", "templates/agent.md.j2", "~/secret.md"),
    *(
        "out/alpha.md",
        "agents/alpha.md",
        ".claude/agents/alpha.md",
        "/etc/passwd",
        "/proc/self/environ",
        "new\nline.md",
    ),
)
# Where the tool reads or writes, relative to the kit, or with a / at the start to the top of the repository. The key is
# the command that uses the file; an empty key stands for all that read the kit.
_PLACES_BY_COMMAND = {
    "": (
        *("assemble.toml", "pyproject.toml", "/assemble.toml", "/pyproject.toml", "agents", "agents/alpha.toml"),
        *("_blocks", "agents/deep", "agents/deep/beta.toml", "agents/added.toml", "_blocks/house.md", "_blocks/deep"),
        *(
            "_blocks/house@claude-code.md",
            "_blocks/extra@codex.md",
            "_blocks/extra.md",
            "_blocks/added.md",
            "templates",
            "templates/agent.md.j2",
            "templates/base.j2",
        ),
        *("templates/extra.j2", "templates/linked.j2", "templates/codex", "templates/codex/agent.md.j2"),
        *("roles", "roles/role.md"),
    ),
    "build": (
        *("agents/old.md", "agents/x.md", ".claude", ".claude/agents", ".codex/agents", ".github/agents", ".opencode"),
        *(".assemble", ".assemble/manifest.schema.json", ".assemble/settings.schema.json", ".gemini/agents", "out"),
        *("linked", "to-outside", "to-git", "CLAUDE.md", ".kits", "/.claude/agents", "/.github/agents", "/.qwen"),
    ),
    "init": (
        *("/.github", "/.github/workflows", "/.github/workflows/assemble.yml", "/.prettierignore", "/.gitattributes"),
        *("/.pre-commit-config.yaml", "/.prettierignore", "/.gitattributes", "/.github", "fresh-kit", "out", "linked"),
        *("fresh-kit/agents", "fresh-kit/_blocks", "fresh-kit/.assemble", "fresh-kit/agents/reviewer.md"),
    ),
    "new": (
        *("agents/fresh.toml", "agents/fresh.toml", ".assemble/manifest.schema.json", ".assemble", "agents"),
        ".assemble/manifest.schema.json",
    ),
    "import": (
        *("old-agents", "old-agents/gamma.md", "old-agents/delta.md", "old-agents/more", "agents/gamma.toml"),
        *("_blocks/role.md", ".claude/agents", ".github/agents", "agents/foreign.md"),
    ),
    "watch": ("agents/deep", "_blocks/deep", "templates", "agents/x", "_blocks/x", "templates/x"),
}
# Only what a command cannot damage if it follows the link.
_SYSTEM_TARGETS = ("/proc/self/environ", "/proc/self/fd/0", "/dev/zero", "/dev/full", "/dev/stdin", "/dev/tty")
_GIT_TARGETS = ("", "config", "hooks", "commondir", "HEAD", "hooks/post-commit", "hooks/alpha")


class RandomKit:
    """A repository with a kit in a folder, and next to it the folders `outside` and `home`, which hold canaries.

    `top` is the top of the repository. The kit can be in a subfolder of it. `wanted` has commands that are worth a try.
    """

    def __init__(self, folder: Path, template: Path, seed: int) -> None:
        self.chooser = random.Random(seed)
        self.folder, self.seed = folder, seed
        self.outside, self.home, self.top = folder / "outside", folder / "home", folder / "repository"
        place = self._pick(_PLACES)
        self.kit = self.top / place
        self.attacks: list[str] = []
        self.wanted: list[str] = []
        _make_canaries(self.outside, self.home)
        shutil.copytree(template, self.top, symlinks=True)
        self._write_kit(bool(place))
        self.composer = Composer(self)
        self.composer.compose()
        for attack in self.chooser.choices(_ATTACKS, k=self._pick((0, 1, 1, 1, 2, 3, 5))):
            self.try_attack(partial(attack, self))
        self.is_in_git = True
        if self.is_chance(20):
            self.try_attack(self.use_home_folder)
        self.composer.attack()

    def _pick(self, choices: Sequence[Choice]) -> Choice:
        return self.chooser.choice(choices)

    def is_chance(self, of_a_hundred: int) -> bool:
        """Return whether something happens that happens so often in a hundred cases."""
        return self.chooser.randrange(100) < of_a_hundred

    def try_attack(self, attack: Callable[[], None]) -> None:
        """Make an attack, if it is possible."""
        try:
            attack()
        except (OSError, ValueError) as error:  # an earlier attack is in the way
            self.attacks.append(f"  not possible: {error}")

    def _write_kit(self, is_below: bool) -> None:
        root = self._pick(_ROOTS[:5]) if is_below else self._pick((None, None, "."))
        self.settings: dict[str, Any] = {} if root is None else {"root": self._filled(root)}
        if self.is_chance(50):
            self.settings["targets"] = self.chooser.sample(sorted(TARGETS), self._pick((1, 2, 3)))
        target = self._pick(self.settings.get("targets", ["claude-code"]))
        if self.is_chance(40):
            self.settings["target"] = {target: {"output": self._pick(_OUTPUTS[:4])}}
        if self.is_chance(20):
            self.settings["exclusive"] = True
        self.file = self._pick(("assemble.toml", "assemble.toml", "assemble.toml", "pyproject.toml", ""))
        self.write_settings()
        blocks = {"house.md": "# House\n\nBe kind.\n", "extra.md": "# Extra\n\nBe brief.\n", "deep/more.md": "# More\n"}
        if self.is_chance(30):
            blocks[f"house@{target}.md"] = self._pick(("# House\n\nBe exact.\n", ""))
        for name, text in blocks.items():
            self.write(f"_blocks/{name}", text)
        names = ["alpha", "deep/beta", "stranger", "commondir", "agent", "assemble"]
        names = names[:2] + self.chooser.sample(names[2:], self._pick((0, 0, 1, 2)))
        names += [f"many-{number}" for number in range(18)] if self.is_chance(3) else []
        self.agents = [name.rpartition("/")[2] for name in names]
        for name in names:
            text = _manifest(
                name.rpartition("/")[2], self._pick((["house"], ["extra"], ["house#house", "deep/more#more"], []))
            )
            self.write(f"agents/{name}.toml", text)
        if self.is_chance(50):
            self.write("roles/role.md", "You play.\n")
            self.write("agents/player.toml", _manifest("player", [], {"file": "roles/role.md"}))
            self.agents.append("player")
        if self.is_chance(30):
            self.write("templates/agent.md.j2", _TEMPLATES[self._pick((0, 1))])
            self.write("templates/extra.j2", "Be exact.\n")
        self.write("old-agents/gamma.md", "---\nname: gamma\ndescription: Old.\n---\n\n# ROLE\n\nYou are old.\n")
        for file in _OLD_FILES:
            if self.is_chance(12):
                self.write(file, _OLD_FILES[file])
        for file in (".prettierignore", ".gitattributes", ".gitignore"):
            if self.is_chance(20):
                (self.top / file).write_text("*.log\n")

    def write_settings(self) -> None:
        """Write the settings to the kit's file for them, if it has one."""
        if self.file:
            table = {"tool": {"assemble": self.settings}} if self.file == "pyproject.toml" else self.settings
            self.write(self.file, tomli_w.dumps(table))

    def write(self, file: str, text: str) -> None:
        """Write a file of the kit, in place of what is there."""
        path = self.kit / file
        self.make_room(path)
        path.write_bytes(text.encode(errors="surrogateescape"))

    def make_room(self, path: Path) -> None:
        """Remove what is at a path in the repository, and make the folder for it."""
        real = Path(os.path.normpath(os.path.join(os.path.realpath(path.parent), path.name)))
        if not real.is_relative_to(self.top) or ".git" in real.parts or self.kit.is_relative_to(real):
            raise ValueError(f"a link leads to {real}")
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)

    def _filled(self, text: str) -> str:
        return text.replace("{outside}", str(self.outside)).replace("{top}", str(self.top))

    def _place(self, place: str) -> Path:
        return self.top / place[1:] if place.startswith("/") else self.kit / place

    def _target(self, link: Path) -> str:
        """What a link at this path leads to."""
        kind = self.chooser.randrange(100)
        if kind < 20:
            return str(self._random_place())
        if kind < 70:
            fitting = _OUTSIDE_BY_SUFFIX.get(link.suffix, ("lines", ".bashrc", "fifo", "zero", "new", "agents"))
            return str(self.outside / self._pick(fitting if self.is_chance(80) else _OUTSIDE))
        if kind < 85:
            return str(self.top / ".git" / self._pick(_GIT_TARGETS))
        if kind < 90:
            return str(link)
        return self._pick(_SYSTEM_TARGETS)

    def link(self, path: Path, target: str, chain: int = 0) -> None:
        """Make a link, in place of what is there, perhaps over further links, and perhaps a relative one."""
        self.make_room(path)
        for number in range(chain):
            step = self.kit / f"step-{number}-{self.chooser.randrange(1000)}"
            step.symlink_to(target)
            target = str(step)
        if self.is_chance(50):
            target = os.path.relpath(target, os.path.realpath(path.parent))
        path.symlink_to(target)
        self.attacks.append(f"link {path} -> {target}")

    def add_link(self, replaces: bool = True) -> None:
        """Put a link where a command reads or writes, or, without `replaces`, only where there is nothing yet."""
        path = self._random_place()
        if not replaces and os.path.lexists(path):
            raise ValueError(f"{path} exists")
        self.link(path, self._target(path), self._pick((0, 0, 0, 1, 2)))

    def _random_place(self) -> Path:
        """A path that a command reads or writes. The command gets into `wanted`."""
        command = self._pick(("", "", "build", "output", "output", "output", "init", "init", "new", "import", "watch"))
        self.wanted.append(command)
        return self._place(self._pick(self._outputs() if command == "output" else _PLACES_BY_COMMAND[command]))

    def _outputs(self) -> list[str]:
        """The outputs of the agents, and their folders."""
        targets = self.settings.get("targets", ["claude-code"])
        settings = self.settings.get("target", {})
        patterns = [settings.get(name, {}).get("output", TARGETS[name].output) for name in targets]
        files = [pattern.replace("{name}", name) for pattern in patterns for name in self.agents]
        files = [os.path.normpath(file.replace("{dir}", "agents")) for file in files]
        return [*files, *files, *(os.path.dirname(file) or "out" for file in files)]

    def move_behind_link(self) -> None:
        """Move a file or folder to another place in the repository, and leave a link."""
        path = self._place(self._pick(_PLACES_BY_COMMAND[""]))
        if path.exists() and not path.is_symlink():
            target = self._pick((self.kit, self.top)) / "moved" / path.name
            self.make_room(target)
            path.rename(target)
            self.link(path, str(target))

    def set_output(self) -> None:
        """Set a hostile output."""
        target = self._pick(self.settings.get("targets", ["claude-code"]))
        self.wanted.append("build")
        self.settings.setdefault("target", {})[target] = {"output": self._filled(self._pick(_OUTPUTS))}
        self._set(f"output = {self.settings['target'][target]['output']!r}")

    def set_folder(self) -> None:
        """Set a hostile folder for sources, or a hostile root."""
        key = self._pick(("manifests", "blocks", "templates", "root"))
        names = {"manifests": "agents", "blocks": "_blocks", "templates": "templates", "root": ""}
        value = self._filled(self._pick(_ROOTS[3:] if key == "root" else _FOLDERS)).replace("{}", names[key])
        self.settings[key] = ["_blocks", value] if key == "blocks" else value
        self._set(f"{key} = {value!r}")

    def _set(self, what: str) -> None:
        self.file = self.file or "assemble.toml"
        self.write_settings()
        self.attacks.append(f"set {what}")

    def use_home_folder(self) -> None:
        """Let the outputs go to the home folder, which has links. Mostly, the kit is not in a repository any more."""
        self.file = "assemble.toml"
        self.settings.pop("root", None)  # outside of a work tree, it can be any folder
        for target in self.settings.get("targets", ["claude-code"]):
            row = TARGETS[target]
            usual = f"~/{row.home_folders[0]}/{{name}}{row.form.suffix}"
            output = self._pick((usual, usual, usual, *_IN_HOME)).replace("{suffix}", row.form.suffix)
            self.settings.setdefault("target", {})[target] = {"output": output}
        self._set(f"outputs {self.settings['target']}")
        if self.is_chance(85):
            shutil.rmtree(self.top / ".git")
            self.is_in_git = False
        link, target = self.home / self._pick(_LINKS_IN_HOME), self._pick(("../outside", "../outside/new", "moved"))
        if self.is_chance(50):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(self.home / target, link.parent))
            self.attacks.append(f"link {link} -> {target}")

    def add_template(self) -> None:
        """Add a template that reaches for other files."""
        text = self._pick(_TEMPLATES)
        self.write(self._pick(("templates/agent.md.j2", "templates/base.j2", "templates/codex/agent.md.j2")), text)
        self.attacks.append(f"template {text!r}")

    def name_role_file(self) -> None:
        """Name a file that a role must not come from."""
        file = self._filled(self._pick(_ROLE_FILES))
        self.write("agents/player.toml", _manifest("player", [], {"file": file}))
        self.attacks.append(f"role file {file!r}")

    def add_odd_name(self) -> None:
        """Add a file with an odd name."""
        folder, suffix, text = self._pick(
            (
                ("agents", ".toml", _manifest("odd", [])),
                ("_blocks", ".md", "# Odd\n"),
                ("templates", ".j2", "odd\n"),
                ("agents", ".md", _generated("odd.toml", "agents/odd.toml")),
                ("out", ".md", "---\nname: x\ndescription: x\n---\n"),
                ("agents", "/odd.toml", _manifest("odd", [])),
                ("agents", "", _generated("odd.toml", "agents/odd.toml")),
            )
        )
        file = f"{folder}/{self._pick(_ODD_NAMES)}{suffix}"
        self.write(file, text)
        self.attacks.append(f"file {file!r}")

    def add_node(self) -> None:
        """Put a FIFO or a device where the tool reads or writes."""
        path = self._random_place()
        self.link(path, str(self._pick((self.outside / "fifo", self.outside / "zero"))))
        if self.is_chance(70):
            self.make_room(path)
            os.mkfifo(path)
            self.attacks.append(f"fifo {path}")

    def add_nested_kit(self) -> None:
        """Add a kit below this one, or above it, perhaps with the same output folder."""
        kit = self._pick((self.kit / ".kits/b", self.kit / "agents/inner", self.kit / "inner", self.top))
        root = os.path.relpath(self.top, kit)
        settings = {
            "root": root,
            "target": {"claude-code": {"output": self._pick(("../../agents/{name}.md", "{name}.md"))}},
        }
        if not os.path.lexists(kit / "assemble.toml"):
            for file, text in {
                "assemble.toml": tomli_w.dumps(settings),
                "agents/inner.toml": _manifest("inner", []),
            }.items():
                self.make_room(kit / file)
                (kit / file).write_text(text)
        self.attacks.append(f"kit {kit}")


def _make_canaries(outside: Path, home: Path) -> None:
    """Write somebody else's files: each kind that the tool reads or writes, so that it would read or write them."""
    manifest, generated = _manifest("stranger", []), _generated("stranger.toml", "agents/stranger.toml")
    page = "---\nname: stranger\ndescription: A.\n---\n\n# ROLE\n\n"
    files: Mapping[Path, str] = {
        outside / "secret.toml": manifest,
        outside / "alpha.toml": manifest.replace("stranger", "alpha"),
        outside / "secret.md": page,
        outside / "settings.toml": 'targets = ["codex"]\n',
        outside / "not.toml": "x",
        outside / "agents/stranger.toml": manifest,
        outside / "agents/stranger.md": generated,
        outside / "agents/old.md": _generated("old.toml", "agents/old.toml"),
        outside / "agents/alpha.md": page,
        outside / "_blocks/house.md": "# House\n",
        outside / "templates/agent.md.j2": '{% extends "default/agent.md.j2" %}\n',
        outside / "workflows/other.yml": "name: other\n",
        outside / "lines": "*.log\n",
        outside / "assemble.toml": "",
        outside / ".assemble/manifest.schema.json": _SCHEMA,
        outside / ".bashrc": "alias x=y\n",
        outside.parent / "assemble.toml": "",
        outside.parent / "agents/stranger.toml": manifest,
        home / ".bashrc": "alias x=y\n",
        home / ".git-credentials": "https://user:",
        home / "agents/stranger.toml": manifest,
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        mark = f"{CANARY}\n" if path.suffix in (".md", "") and "\n<!--" not in text else f"# {CANARY}\n"
        path.write_text(text if path.suffix == ".json" or path.name == "old.md" else f"{text}{mark}")
    (outside / "notes.md").write_text(f"{page}You were asked for.\n")
    os.mkfifo(outside / "fifo")
    try:
        os.mknod(outside / "zero", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    except OSError:  # only the superuser can create devices
        (outside / "zero").symlink_to("/dev/zero")


_OUTSIDE_BY_SUFFIX: Mapping[str, tuple[str, ...]] = {
    ".toml": ("secret.toml", "alpha.toml", "settings.toml", "not.toml", "new.toml", "fifo", ".bashrc"),
    ".md": (
        "secret.md",
        "agents/stranger.md",
        "agents/old.md",
        "agents/alpha.md",
        "_blocks/house.md",
        "new.md",
        "zero",
    ),
    ".j2": ("templates/agent.md.j2", "secret.md"),
    ".json": (".assemble/manifest.schema.json", "new.json"),
    "": ("agents", "_blocks", "templates", ".assemble", "workflows", ".", "new", "../home"),
}
_OUTSIDE = tuple(name for names in _OUTSIDE_BY_SUFFIX.values() for name in names)


def _manifest(name: str, blocks: Sequence[str], role: object = "You work.") -> str:
    return tomli_w.dumps({"name": name, "description": f"Is {name}.", "role": role, "blocks": blocks})


def _generated(source: str, manifest: str) -> str:
    """A file with an intact stamp of that manifest."""
    head, body = "---\nname: old\ndescription: Old.\n---\n\n", "\n# ROLE\n\nYou are old.\n"
    line = stamp.line_for(stamp.digest_of([head.encode(), body.encode()]), stamp.MARKUP, source, manifest)
    return head + line + body


_OLD_FILES = {
    ".assemble/manifest.schema.json": _SCHEMA,
    ".claude/agents/old.md": _generated("../../agents/old.toml", "agents/old.toml"),
    "agents/old.md": _generated("old.toml", "agents/old.toml"),
    "agents/foreign.md": "---\nname: foreign\ndescription: By hand.\n---\n\n# ROLE\n\nYou are by hand.\n",
}

_ATTACKS: Sequence[_Attack] = (
    *[RandomKit.add_link] * 12,
    *[RandomKit.move_behind_link] * 2,
    *[RandomKit.set_output] * 3,
    *[RandomKit.set_folder] * 2,
    *[RandomKit.add_odd_name] * 2,
    RandomKit.name_role_file,
    RandomKit.add_template,
    RandomKit.add_node,
    RandomKit.add_nested_kit,
)
