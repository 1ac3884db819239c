"""No command opens a file outside the kit's root, the package and the cache, whatever a kit contains.

Many random kits run under an observer that sees every file that a command opens or changes. The allowed paths are
listed here, and nothing else is allowed.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from threading import Timer
from typing import NamedTuple

import pytest

import kei_assembler
from forkserver import COMMAND
from kei_assembler.cli import commands
from kei_assembler.targets import TARGETS
from observer import Access, Observed, Observer, problem
from random_kits import CANARY, RandomKit

KITS, WORKERS = 500, 2
STEPS = 7
pytestmark = pytest.mark.slow

# What Python and git open by themselves, whatever the kit contains.
SYSTEM = {
    os.path.dirname(kei_assembler.__file__): "the package",
    sys.prefix: "its dependencies",
    sysconfig.get_path("stdlib"): "Python's library",
    "/usr/lib": "shared libraries",
    "/etc/ld.so.cache": "the list of shared libraries",
    "/usr/share/zoneinfo": "the time zone, for times in templates",
}
FOR_GIT = {
    "/etc/gitconfig": "git's settings of the machine",
    "/usr/share/git-core": "git's own files",
    "/usr/share/locale": "git's messages",
}
# Whether the work tree can be a sparse checkout. Starting git for that would take longer than most runs.
OF_INDEX = (".git", ".git/index")
INDEX = ("index", "index.lock")
DEVICES = frozenset(("/dev/null", "/dev/urandom"))
# The device numbers of the mounted file systems. `self` is a number in what the kernel returns.
OF_PROCESS = frozenset(("mountinfo",))

WATCH = f"""\
import signal
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.5)
{COMMAND}"""
SETTINGS = ("assemble.toml", "pyproject.toml")
FOR_USER = "--user"


class Allowed(NamedTuple):
    """The real folders in which a command may write and read, and the further files and folders that it may read."""

    folders: frozenset[str]
    reads: frozenset[str]
    top: str
    home: str
    made: frozenset[str] = frozenset()
    """Further folders that it may create."""
    listed: frozenset[str] = frozenset()
    """Further folders whose entries it may list, but not read."""
    of_git: frozenset[str] = frozenset()
    """Files in `.git` that git may write, when it moves entries of the index."""
    is_threaded: bool = False
    """Whether threads of it start git. The log does not always tell what the child of a thread runs."""

    def refusal(self, access: Access) -> str:
        """Return why an access is not allowed, or ""."""
        path, is_git = access.path, os.path.basename(access.program) == "git"
        may_be_git = is_git or self.is_threaded
        of_git = {self.top, f"{self.home}/.gitconfig", f"{self.home}/.config/git", *FOR_GIT} if may_be_git else set()
        reads = self.reads | SYSTEM.keys() | of_git
        of_index = {os.path.join(self.top, name) for name in OF_INDEX}
        may_read = path in of_index or (may_be_git and _is_in(path, {self.top}))
        refusals = {
            "runs a program": access.kind == "run" and not is_git,
            "connects to a socket": access.kind == "connect",
            "opens a device": access.is_device,
            f"{access.kind}s in .git": ".git" in path.casefold().split("/")
            and not (access.kind == "read" and may_read),
            "writes outside the root": access.kind == "write"
            and not _is_in(path, self.folders)
            and path not in self.made,
            "reads outside the root": access.kind == "read"
            and not _is_in(path, self.folders | reads | of_index)
            and path not in self.listed
            and not _is_of_process(path),
        }
        if path in DEVICES or (is_git and access.kind == "write" and path in self.of_git):
            return ""
        return next((reason for reason, applies in refusals.items() if applies), "")


def _is_in(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def _is_of_process(path: str) -> bool:
    parts = path.split("/")
    return len(parts) == 4 and parts[1] == "proc" and parts[2].isdigit() and parts[3] in OF_PROCESS


class Step(NamedTuple):
    """A command line for a kit, and where it runs. `sources` are the files that it names for an import.

    `given` is what it reads from stdin, if that is not empty, and `seconds` how long the end of that is away.
    """

    name: str
    args: Sequence[str]
    environment: Mapping[str, str] = {}
    sources: Sequence[Path] = ()
    given: str = ""
    seconds: int = 0


def _build(*args: str) -> Callable[[RandomKit], Step]:
    return lambda _: Step("build", args)


def _one(*args: str) -> Callable[[RandomKit], Step]:
    def step(kit: RandomKit) -> Step:
        manifests = sorted((kit.kit / "agents").rglob("*.toml")) or [kit.kit / "agents/none.toml"]
        return Step("build one", [str(kit.chooser.choice(manifests).relative_to(kit.kit)), *args])

    return step


def _elsewhere(folder: str, *args: str) -> Callable[[RandomKit], Step]:
    return lambda _: Step("build", ["--all", "--output-dir", folder, *args])


def _recursive(*args: str) -> Callable[[RandomKit], Step]:
    return lambda _: Step("recursive", ["--all", "--recursive", *args])


def _import(kit: RandomKit) -> Step:
    options = kit.chooser.choice(
        ([], [], ["--share-min=2"], ["--share=near"], ["--dry-run"], ["--from", "codex"], ["--from", "claude-code"])
    )
    inside = [
        kit.kit / name for name in ("old-agents", "old-agents/gamma.md", "agents/foreign.md", "agents", ".", ".claude")
    ]
    source = kit.chooser.choice([*inside, kit.outside / "notes.md"])
    return Step("import", ["import", str(source), *options], {}, [source])


def _flatten(*args: str) -> Callable[[RandomKit], Step]:
    def step(kit: RandomKit) -> Step:
        manifests = sorted(kit.kit.rglob("agents/**/*.toml")) or [kit.kit / "agents/none.toml"]
        named = [str(kit.composer.pick(manifests).relative_to(kit.kit))]
        return Step("flatten", ["flatten", *args, *([] if "--all" in args else named)])

    return step


def _new_child(kit: RandomKit) -> Step:
    base = kit.composer.pick(("base", "middle", "alpha", "stranger", "none", "../../outside/agents/stranger"))
    options = kit.composer.pick(([], ["--block", "@careful"], ["--block", "..."], ["--set", "role={{PROJECT}}"]))
    return Step("new", ["new", "--description", "Is new.", "--extends", base, *options, "child"])


def _new(kit: RandomKit) -> Step:
    name = kit.chooser.choice(("fresh", "new", "agent-2", "x\ny", "../fresh", ".git", "-x", "gamma"))
    options = kit.chooser.choice(([], ["--block", "extra"], ["--tool", "Read"], ["--set", "role=Works."]))
    return Step("new", ["new", "--description", "Is new.", *options, "--", name])


def _init(kit: RandomKit) -> Step:
    named = kit.chooser.choice(([], ["."], ["fresh-kit"], ["agents"], ["linked"], ["out/x"]))
    # Outside of a work tree, a link that the user names may lead anywhere.
    is_inside = all(_is_in(os.path.realpath(kit.kit / name), {os.path.realpath(kit.top)}) for name in named)
    return Step("init", ["init", *(named if kit.is_in_git or is_inside else [])])


def _catalog(kit: RandomKit) -> Step:
    named = kit.chooser.choice(("site", "site", "out/site", "linked", "linked/site", "agents/site", "."))
    # Outside of a work tree, a link that the user names may lead anywhere.
    is_inside = _is_in(os.path.realpath(kit.kit / named), {os.path.realpath(kit.top)})
    return Step("catalog", ["catalog", named if kit.is_in_git or is_inside else "site"])


def _completion(kit: RandomKit) -> Step:
    words = kit.chooser.choice(
        ("assemble ", "assemble a", "assemble new x --block ", "assemble new x --handoff ", "assemble -")
    )
    return _completed(words, kit.chooser.choice(("bash", "zsh", "fish")))


def _completion_of_bases(kit: RandomKit) -> Step:
    words = kit.composer.pick(
        ("assemble flatten ", "assemble new x --extends ", "assemble new x --block @", "assemble new x --block house#")
    )
    return _completed(words, "bash")


def _completed(words: str, shell: str) -> Step:
    number = str(len(words.split(" ")) - 1)
    return Step(
        "completion", [], {"_ASSEMBLE_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": number}
    )


def _why(kit: RandomKit) -> Step:
    """A step about a generated file, or about any other file if there is none."""
    files = sorted(path for path in _files(kit.kit) if path.suffix in (".md", ".toml"))
    generated = [path for path in files if b"Generated by assemble" in path.read_bytes()]
    linked = [kit.kit / "linked/alpha.md", kit.kit / "agents/alpha.md", kit.kit / ".claude/agents/alpha.md"]
    name = str(kit.chooser.choice((generated or files or linked) if kit.is_chance(80) else linked).relative_to(kit.kit))
    options = kit.chooser.choice(
        ([name], [f"{name}:1"], [f"{name}:1-3"], ["--git", f"{name}:3"], ["--git", f"{name}:12"])
    )
    return Step("why", ["why", *options])


def _adopt(kit: RandomKit) -> Step:
    """A step that adopts an edit of a generated file, or that finds none."""
    generated = [path for path in sorted(_files(kit.kit)) if b"Generated by assemble" in path.read_bytes()]
    if not generated:
        return Step("adopt", ["adopt", "--all"])
    path = kit.chooser.choice(generated)
    lines = path.read_bytes().split(b"\n")
    plain = [index for index, line in enumerate(lines) if line[:1].isalpha() and b": " not in line]
    if plain and kit.is_chance(80):
        lines[kit.chooser.choice(plain)] += b" Really."
        path.write_bytes(b"\n".join(lines))
    options = kit.chooser.choice(([], ["--write"], ["--write"], ["--write", "--only-here", "agent"]))
    return Step("adopt", ["adopt", *options, str(path.relative_to(kit.kit))])


GIVEN = """
import io, sys, time
class Given(io.BytesIO):
    def readline(self, *args):
        line = super().readline(*args)
        time.sleep(0 if line else {1})
        return line
sys.stdin = io.TextIOWrapper(Given({0!r}.encode(errors="surrogateescape")))
"""


def _guard(kit: RandomKit) -> Step:
    """A step that answers a hook about a file in the kit."""
    path = kit.chooser.choice([str(path) for path in sorted(_files(kit.kit))] or ["agents/alpha.md"])
    edit = kit.chooser.choice(({"content": "Mine."}, {"old_string": "a", "new_string": "b"}, {}))
    return Step("guard", ["guard"], given=json.dumps({"tool_input": {"file_path": path, **edit}}))


def _lsp(kit: RandomKit) -> Step:
    """A step that opens a file of the kit in an editor, and asks for all that an editor can."""
    files = [path for path in sorted(_files(kit.kit)) if path.suffix in (".toml", ".md")]
    uri = kit.chooser.choice(files or [kit.kit / "agents/alpha.toml"]).as_uri()
    text = kit.chooser.choice(files or [kit.kit]).read_bytes().decode(errors="replace") if files else "name = "
    start, folder = {"line": 0, "character": 0}, {"uri": kit.kit.as_uri(), "name": "kit"}
    document = {"uri": uri, "languageId": "toml", "version": 1, "text": text}
    messages: list[tuple[str, dict[str, object]]] = [
        ("initialize", {"capabilities": {}, "workspaceFolders": [folder]}),
        ("initialized", {}),
        ("textDocument/didOpen", {"textDocument": document}),
        ("textDocument/codeAction", {"range": {"start": start, "end": start}, "context": {"diagnostics": []}}),
    ]
    for line in range(min(text.count("\n") + 1, 12)):
        position = {"line": line, "character": kit.chooser.randrange(30)}
        messages += [(f"textDocument/{name}", {"position": position}) for name in ("completion", "definition", "hover")]
        messages.append(("textDocument/references", {"position": position, "context": {"includeDeclaration": True}}))
        messages.append(("textDocument/rename", {"position": position, "newName": "omega"}))
    given = ""
    # outside of any repository, it looks for the kit of a file in all folders above it
    for number, (method, params) in enumerate(messages if kit.is_in_git else messages[:2]):
        is_request = method not in ("initialized", "textDocument/didOpen")
        message = {"jsonrpc": "2.0", **({"id": number} if is_request else {}), "method": method}
        content = json.dumps({**message, "params": {"textDocument": {"uri": uri}, **params}})
        given += f"Content-Length: {len(content)}\r\n\r\n{content}"
    return Step("lsp", ["lsp"], given=given, seconds=2)


def _doctor(kit: RandomKit) -> Step:
    return Step("doctor", ["doctor", "--no-run", *kit.chooser.choice(([], ["--output-format", "json"]))])


def _words(name: str, *choices: Sequence[str]) -> Callable[[RandomKit], Step]:
    return lambda kit: Step(name, kit.chooser.choice(choices))


RENAMES = (
    ("beta", "../../outside/beta"),
    ("--prose", "alpha", "last"),
    ("--dry-run", "alpha", "last"),
    ("block:house", "house@codex"),
    ("bundle:careful", "kind"),
    ("value:PROJECT", "PRODUCT"),
)
COMMANDS: Sequence[Callable[[RandomKit], Step]] = (
    *(_build("--all"), _build("--all", "--no-cache"), _build("--all", "--strict"), _build("--all", "--force")),
    *(_build("--all", "--prune"), _build("--all", "--force", "--prune"), _build("--all", "--check")),
    *(_build("--all", "--diff"), _build("--all", "--check", "--diff"), _build("--all", "--check", "--staged")),
    *(_build("--all", "--staged"), _build("--all", "--target", "codex"), _build("--all", "--ignore", "O611")),
    *(_build("--all", "--output-format", name) for name in ("json", "github", "gitlab", "junit", "sarif")),
    *(
        _recursive(),
        _recursive("--check", "--diff"),
        _recursive("--force", "--prune"),
        _recursive("--check", "--staged"),
    ),
    *(_elsewhere("preview"), _elsewhere("sub/a b", "--check", "--diff"), _elsewhere("linked", "--force", "--prune")),
    *(_elsewhere("../preview/x"), _elsewhere("preview", "--without", "block:house")),
    *(_recursive("--exclude", "sub/**"), _recursive("--check", "--output-format", "json")),
    *(_one(), _one("--stdout"), _one("--force"), _one("--diff"), _one("--check", "--output-format", "json")),
    *(_import, _import, _new, _new, _init, _init, _catalog, _completion),
    *(
        _words("schema", ["schema"], ["schema", "--settings"]),
        _words("watch", ["watch"], ["watch", "--target", "codex"]),
    ),
    *(
        _words(
            "list", ["list"], ["list", "--tokens"], ["list", "--uses", "tool:Read"], ["list", "--output-format", "json"]
        ),
        _words(
            "show", ["show", "alpha"], ["show", "beta"], ["show", "agents/alpha.toml"], ["show", ".claude/agents/a.md"]
        ),
        _words(
            "graph", ["graph"], ["graph", "--blocks"], ["graph", "--from", "alpha"], ["graph", "--output-format", "dot"]
        ),
    ),
    *(_why, _why, _words("gitignore", ["gitignore"])),
    *(_doctor, _doctor, _adopt, _adopt, _guard, _lsp, _lsp),
    *(
        _words("rename", *(["rename", *words] for words in RENAMES)),
        _words("rename", ["rename", "alpha", "omega"], ["rename", "block:house", "deep/home"]),
        _words("remove", ["remove", "beta"], ["remove", "--force", "alpha"], ["remove", "block:extra"]),
    ),
    _words("impact", ["impact"], ["impact", "--names"], ["impact", "--since", "HEAD", "--output-format", "json"]),
    _words("targets", ["targets"], ["targets", "--all"], ["targets", "codex"], ["--help"], ["--version"]),
    _words("targets", ["targets", "--present"], ["targets", "codex", "qwen"]),
    _words("explain", ["explain"], ["explain", "--all"], ["explain", "O611"], ["explain", "nothing"]),
)
COMPOSING: Sequence[Callable[[RandomKit], Step]] = (
    *(_flatten("--all"), _flatten("--all", "--write"), _flatten(), _flatten("--write")),
    *(_new_child, _completion_of_bases, _build("--all"), _build("--all", "--check")),
)
"""Further commands for a kit with bases."""
NAMES = frozenset(
    (
        *("adopt", "build", "build one", "catalog", "completion", "doctor", "explain", "flatten", "gitignore", "graph"),
        *(
            "guard",
            "impact",
            "import",
            "init",
            "list",
            "lsp",
            "new",
            "recursive",
            "remove",
            "rename",
            "schema",
            "show",
            "targets",
        ),
        *("watch", "why"),
    )
)
ONLY_READING = NAMES & {
    *("completion", "doctor", "explain", "gitignore", "graph", "guard", "impact", "list", "schema", "show", "targets"),
    *("lsp", "why"),
}
WITHOUT_KIT = ("targets", "--all", "--help", "--version")
"""The last words of the commands about targets that need no kit."""
ANYWHERE = frozenset(
    (
        *("build", "doctor", "flatten", "gitignore", "graph", "impact", "list", "new", "remove", "rename", "schema"),
        *("show", "watch", "why"),
    )
)
"""The commands that also run above the kit and in its folder of manifests."""
WITH_HOME = frozenset(("adopt", "build", "build one", "doctor", "impact", "list", "show", "watch", "why"))
"""The commands that have the option `--user`."""

WORTH_A_TRY = {
    "output": _build("--all", "--force"),
    "build": _build("--all", "--force"),
    "init": _init,
    "new": _new,
    "import": _import,
    "watch": _words("watch", ["watch"]),
}


class Finding(NamedTuple):
    """Something that a command must not do: the kit and the command, and a kind to sort it by."""

    kind: str
    detail: str


class Laboratory:
    """Runs commands on random kits under an observer, and collects what they must not do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.template = folder / "template"
        subprocess.run(["git", "init", "-q", str(self.template)], check=True)
        with (self.template / ".git/config").open("a") as config:
            config.write(f'[remote "origin"]\n\turl = https://{CANARY}@example.com\n')
            program = shutil.which("true")
            config.write(f'[core]\n\tfsmonitor = {program}\n[filter "spy"]\n\tclean = {program}\n')
        (self.template / ".git/hooks/post-index-change").symlink_to(program or "")
        for name in ("cache", "temp"):
            (folder / name).mkdir()
        self.observer = Observer(folder / "log")
        self.found: list[Finding] = []
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.writes: Counter[str] = Counter()
        self.built = 0
        self.in_home: set[str] = set()
        """What the commands on a kit could change in the home folder, and in `.git`."""

    def environment(self, kit: RandomKit) -> dict[str, str]:
        folders = {"HOME": kit.home, "XDG_CACHE_HOME": self.folder / "cache", "TMPDIR": self.folder / "temp"}
        return {"PATH": os.environ["PATH"], "TOKEN": CANARY, **{name: str(path) for name, path in folders.items()}}

    def allowed(self, kit: RandomKit, start: Path, step: Step) -> Allowed:
        """Return what a command may access in a working directory, or with `start` as the kit."""
        top = os.path.realpath(kit.top)
        own = {str(self.folder / "cache/kei-assembler"), str(self.folder / "temp")}
        if step.name == "explain" or (step.name == "targets" and step.args[-1] in WITHOUT_KIT):
            return Allowed(frozenset(own), frozenset(), top, str(kit.home))
        finds_clients = step.name == "init" or "--present" in step.args
        folders, settings, above = {top} if finds_clients else set(), set(), set[str]()
        if step.name == "init" and len(step.args) > 1:
            start = start / step.args[1]
        for path in _upwards(start, top):
            settings |= {os.path.realpath(path / name) for name in SETTINGS}
        searched = (
            (Path(folder) for folder, _, _ in os.walk(os.path.realpath(start))) if step.name == "recursive" else ()
        )
        for folder in (start, *searched):
            found = _nearest_kit(folder, top)
            root = _root(found, top) if found else os.path.realpath(folder)
            # A link cannot move the kit's folder out of the work tree.
            if (found or step.name == "import") and _is_in(root, {top}):
                folders.add(root)
        if "--output-dir" in step.args:
            folder = step.args[step.args.index("--output-dir") + 1]
            made = {os.path.realpath(each / folder) for each in (kit.top, kit.kit, kit.kit / "agents")}
            folders |= {each for each in made if not _is_in(each, {str(kit.outside), str(kit.home)})}
            above = {str(path) for each in made for path in Path(each).parents if path.is_relative_to(kit.folder)}
        if step.name == "recursive" and _is_in(os.path.realpath(start), {top}):
            settings.add(os.path.realpath(start))  # its folders are listed, and the settings in them are read
        if step.name == "recursive" and not kit.is_in_git:  # the setting `exclude` of the kits above counts
            settings |= {str(path / name) for path in kit.top.parents for name in SETTINGS}
        named = {os.path.realpath(path) for path in step.sources if not path.is_relative_to(kit.top)}
        reads = {path for path in settings if _is_in(path, {top}) or not kit.is_in_git} | named
        if step.name == "catalog":
            folders |= {path for path in [os.path.realpath(start / step.args[1])] if _is_in(path, {top})}
        if step.name == "import":
            reads.add(top)  # links in what is imported may lead to all of the work tree
        allowed = Allowed(frozenset(folders | own), frozenset(reads), top, str(kit.home), made=frozenset(above))
        if step.name == "lsp":
            return _with_workspace(allowed, kit)
        if step.name == "rename":
            allowed = allowed._replace(of_git=frozenset(os.path.join(top, ".git", name) for name in INDEX))
        return _with_home(allowed, _nearest_kit(start, top)) if FOR_USER in step.args and not kit.is_in_git else allowed

    def try_kit(self, seed: int) -> None:
        """Run several commands on the kit of this seed."""
        folder = self.folder / f"kit-{seed}"
        folder.mkdir()
        kit = RandomKit(folder, self.template, seed)
        untouchable = (kit.outside, kit.home, *([kit.top / ".git"] if kit.is_in_git else []))
        if kit.is_chance(40) and kit.is_in_git:
            _stage(kit)
        before = {path: _state(path) for path in untouchable}
        wanted = [WORTH_A_TRY[name] for name in kit.wanted if name in WORTH_A_TRY]
        steps = [*wanted, *kit.chooser.sample(COMMANDS, max(2, STEPS - len(wanted)))]
        kit.chooser.shuffle(steps)
        if kit.composer.is_composed:
            steps += kit.composer.chooser.sample(COMPOSING, 3)
        steps.insert(0, _build("--all") if kit.is_chance(70) else _one())
        self.in_home = set()
        has_built = [self._try_step(kit, step(kit)) for step in steps]
        self.built += any(has_built)
        for path in untouchable:
            changed = {
                item for item in before[path].items() ^ _state(path).items() if not _is_in(item[0], self.in_home)
            }
            if changed:
                self._report(kit, "any", "changes what is outside", ", ".join(sorted({name for name, _ in changed})))
        for file in _files(kit.top):
            if CANARY.encode() in file.read_bytes():
                self._report(kit, "any", "copies a canary", str(file))
        shutil.rmtree(folder)

    def _try_step(self, kit: RandomKit, step: Step) -> bool:
        """Run one command, and return whether it has built the whole kit."""
        args, here, place = list(step.args), kit.kit, kit.chooser.randrange(100)
        if step.name in ANYWHERE:
            if place < 15:
                here, args = kit.top, [*args[:1], "--kit", os.path.relpath(kit.kit, kit.top), *args[1:]]
            elif place < 30 and not (kit.kit / "agents").is_symlink() and (kit.kit / "agents").is_dir():
                here = kit.kit / "agents"
        takes_option = step.name in WITH_HOME and "--staged" not in args
        if takes_option and kit.is_chance(0 if kit.is_in_git and kit.is_chance(90) else 70):
            args.append(FOR_USER)
            step = step._replace(args=args)
        start = kit.kit if here == kit.top else here
        if step.name == "build one":
            start = (kit.kit / args[0]).parent
        environment, is_watch = {**self.environment(kit), **step.environment}, step.name == "watch"
        before = self.allowed(kit, start, step)
        timer = Timer(0.2, _disturb, [kit])
        if is_watch:
            timer.start()
        given = GIVEN.format(step.given, step.seconds) if step.given else ""
        run = self.observer.run(here, args, environment, given + (WATCH if is_watch else COMMAND))
        if is_watch:
            timer.join()
        after = self.allowed(kit, start, step)
        both = before._replace(folders=before.folders | after.folders, made=before.made | after.made)
        if step.name == "rename" and kit.is_in_git:
            self.in_home |= {f"{kit.top}/.git/{name}" for name in (".", *INDEX)}
        if in_home := {folder for folder in both.folders | both.made if _is_in(folder, {str(kit.home)})}:
            self.in_home |= {f"{kit.home}/.", *in_home}
        self._judge(kit, step, both, run)
        return run.status == 0 and step.name == "build" and not {"--check", "--diff"} & {*args}

    def _judge(self, kit: RandomKit, step: Step, allowed: Allowed, run: Observed) -> None:
        self.statuses[step.name, run.status] += 1
        line = " ".join(map(repr, step.args)) or step.name
        for access in run.accesses:
            if reason := allowed.refusal(access):
                self._report(kit, step.name, reason, f"{line}: {access.path}\n    {access.line}")
            elif access.kind == "write" and _is_in(access.path, {str(self.folder / "cache")}):
                self.writes["the cache"] += 1
            elif access.kind == "write" and _is_in(access.path, {str(kit.home)}):
                self.writes[FOR_USER] += 1
            elif access.kind == "write" and _is_in(access.path, {str(kit.top)}):
                self.writes[next((arg for arg in ("--prune", "--force") if arg in step.args), step.name)] += 1
        printed = (run.stdout + run.stderr).decode(errors="replace")
        if CANARY in printed or "root:x:0" in printed:
            self._report(kit, step.name, "prints what it must not read", f"{line}: …{printed[-600:]}")
        if "Traceback" in printed or run.status not in {0, 1, 2, *([130] if step.name == "watch" else [])}:
            self._report(kit, step.name, "crashes", f"{line}: status {run.status}: …{printed[-600:]}")

    def _report(self, kit: RandomKit, command: str, reason: str, detail: str) -> None:
        attacks = "\n    ".join([detail, *kit.attacks]).replace(str(kit.folder), "…")
        self.found.append(Finding(f"{command} {reason}", f"seed {kit.seed}: {attacks}"))


def _with_workspace(allowed: Allowed, kit: RandomKit) -> Allowed:
    """Add what the language server may read: the folder that the editor has open, in which it looks for kits.

    Outside of any repository, it looks for the kit of a file in the folders above, too.
    """
    opened = os.path.realpath(kit.kit)
    above = () if kit.is_in_git else (str(path / name) for path in kit.top.parents for name in SETTINGS)
    reads = {*above, *([opened] if _is_in(opened, {allowed.top}) else [])}
    return allowed._replace(reads=allowed.reads | reads, is_threaded=True)


def _with_home(allowed: Allowed, kit: Path | None) -> Allowed:
    """Add what a kit outside of any repository may use with `--user`: the folders that its outputs name."""
    folders, made, home = set(allowed.folders), set(allowed.made), os.path.realpath(allowed.home)
    settings = (_settings(kit, allowed.top) or {}) if kit else {}
    targets = settings.get("target")
    for target, table in targets.items() if isinstance(targets, dict) else ():
        output = table.get("output", "") if isinstance(table, dict) else ""
        if output.startswith("~/") and ".." not in output:
            named = os.path.join(home, output[2:].partition("{")[0].rpartition("/")[0])
            path = os.path.realpath(named)
            if _is_in(path, {home}) and path != home:
                folders.add(path)
                made |= {str(each) for each in Path(path).parents if _is_in(str(each), {home})} - {home}
            # Earlier outputs can be there.
            own = (os.path.realpath(os.path.join(home, each)) for each in TARGETS[target].home_folders)
            folders |= {each for each in own if _is_in(each, {home})}
    # An exclusive kit looks for other spellings of the clients' folders.
    listed = {home, *made, *(os.path.dirname(each) for each in folders)} if settings.get("exclusive") else set[str]()
    return allowed._replace(
        folders=frozenset(folders),
        made=frozenset(made),
        listed=frozenset(each for each in listed if _is_in(each, {home})),
    )


def _stage(kit: RandomKit) -> None:
    """Commit the kit, and perhaps leave an agent out of the work tree as in a sparse checkout."""
    git = ["git", "-C", str(kit.top), "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
    agent = kit.kit / "agents/alpha.toml"
    commit = ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "--message=kit"]
    commands = [["add", "-A"], commit]
    if is_sparse := kit.is_chance(40):
        commands.append(["update-index", "--skip-worktree", str(agent)])
    for command in commands:
        subprocess.run([*git, *command], check=False, capture_output=True)
    if is_sparse and os.path.lexists(agent) and agent.is_relative_to(os.path.realpath(agent.parent)):
        agent.unlink()
    if kit.is_chance(30) and not os.path.lexists(kit.top / ".gitattributes"):
        (kit.top / ".gitattributes").write_text("* filter=spy\n")


def _disturb(kit: RandomKit) -> None:
    """Add a link to a kit while a command watches it."""
    with suppress(OSError, ValueError):
        kit.add_link(replaces=False)


def _upwards(start: Path, top: str) -> Iterator[Path]:
    for path in (start, *start.parents):
        yield path
        if str(path) == top:
            return


def _nearest_kit(start: Path, top: str) -> Path | None:
    """The kit that a command in a folder finds, or None."""
    folders = list(_upwards(start, top))
    marked = (
        path
        for path in folders
        if os.path.lexists(path / "assemble.toml") or (path / "_blocks").is_dir() or _settings(path, top)
    )
    bare = (path for path in folders if (path / "agents").is_dir())
    return next(marked, None) or next(bare, None)


def _settings(folder: Path, top: str) -> dict[str, object] | None:
    """The settings of the kit in a folder: None if it has no readable ones within the work tree."""
    is_own = os.path.lexists(folder / "assemble.toml")
    path = os.path.realpath(folder / ("assemble.toml" if is_own else "pyproject.toml"))
    if not _is_in(path, {top}) or not os.path.isfile(path):
        return None
    try:
        table = tomllib.loads(Path(path).read_text())
    except ValueError:
        return None
    settings = table if is_own else table.get("tool", {}).get("assemble")
    return settings if isinstance(settings, dict) else None


def _root(kit: Path, top: str) -> str:
    """The real folder to which a kit is limited: its own if the setting `root` is not valid."""
    own, value = os.path.realpath(kit), (_settings(kit, top) or {}).get("root")
    if not isinstance(value, str) or not value or value.startswith(("/", "~")):
        return own
    root = os.path.realpath(kit / value)
    return root if _is_in(root, {top}) and _is_in(own, {root}) else own


def _state(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything in a folder that a write would change."""
    state: dict[str, tuple[object, ...]] = {}
    for above, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            path = os.path.join(above, name)
            status = os.lstat(path)
            state[path] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return state


def _files(folder: Path) -> Iterator[Path]:
    """The regular files in a folder, except git's own."""
    for above, folders, files in os.walk(folder):
        if above == str(folder) and ".git" in folders:
            folders.remove(".git")
        for name in files:
            path = Path(above, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


@pytest.fixture(autouse=True, scope="module")
def _observable() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux has strace")
    if reason := problem():
        if os.environ.get("CI"):
            pytest.fail(f"CI must observe the commands: {reason}")
        pytest.skip(reason)


def _try_kits(folder: Path, seeds: Sequence[int]) -> Laboratory:
    laboratory = Laboratory(folder)
    with closing(laboratory.observer):
        for seed in seeds:
            try:
                laboratory.try_kit(seed)
            except Exception as error:
                error.add_note(f"seed {seed}")
                raise
    stored = [path for name in ("cache", "temp") for path in (folder / name).rglob("*") if path.is_file()]
    assert not [path for path in stored if CANARY.encode() in path.read_bytes()]
    return laboratory


def _summary(found: Sequence[Finding]) -> str:
    """How often each kind of finding occurs, with the first example of each."""
    examples = {finding.kind: finding.detail for finding in reversed(found)}
    counts = Counter(finding.kind for finding in found)
    return "\n".join(f"{kind} ({count} times), for example with {examples[kind]}" for kind, count in counts.items())


def test_every_command_is_observed() -> None:
    assert commands.COMMANDS.keys() <= NAMES


def test_no_command_leaves_the_root(tmp_path: Path) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = [(tmp_path / f"worker-{number}", range(number, KITS, WORKERS)) for number in range(WORKERS)]
        laboratories = list(pool.map(lambda part: _try_kits(*part), parts))
    found = [one for laboratory in laboratories for one in laboratory.found]
    assert not found, _summary(found)
    # The kits are not so hostile that every command refuses them.
    assert sum(laboratory.built for laboratory in laboratories) >= KITS / 5
    successes = {name for laboratory in laboratories for name, status in laboratory.statuses if status == 0}
    assert successes == NAMES
    writes = {name for laboratory in laboratories for name in laboratory.writes}
    assert writes == NAMES - ONLY_READING | {"--force", "--prune", FOR_USER, "the cache"}


PLANTED = {
    "reads outside the root": """open("{outside}/secret.md").read()""",
    "reads outside the root by a link": """os.symlink("../outside/secret.md", "l"); open("l").read()""",
    "reads outside the root by a folder": """os.open("lines", 0, dir_fd=os.open("{outside}", os.O_PATH))""",
    "reads outside the root by a listing": """os.listdir("{outside}")""",
    "reads outside the root by another folder": """os.chdir("{outside}"); open("lines").read()""",
    "reads outside the root in a child": """os.fork() or open("{outside}/lines").read()""",
    "writes outside the root": """open("{outside}/new", "w")""",
    "writes outside the root by a link": """os.symlink("{outside}/new", "m"); open("m", "w")""",
    "writes outside the root by a rename": """open("n", "w"); os.rename("n", "../outside/n")""",
    "writes outside the root by a folder": """os.symlink("{outside}", "f"); os.mkdir("f/new")""",
    "writes outside the root by its mode": """os.chmod("{outside}/lines", 0o600)""",
    "writes outside the root by a removal": """os.unlink("{outside}/lines")""",
    "writes outside the root by its length": """os.truncate("{outside}/lines", 0)""",
    "writes outside the root by a descriptor": """os.fchmod(os.open("{outside}", os.O_DIRECTORY), 0o700)""",
    "writes in .git": """open(".git/hooks/new", "w")""",
    "reads in .git": """open(".git/config").read()""",
    "opens a device": """os.open("{outside}/fifo", os.O_RDONLY | os.O_NONBLOCK)""",
    "opens a device of the system": """open("/dev/zero", "rb")""",
    "runs a program": """import subprocess; subprocess.run(["true"])""",
    "connects to a socket": """import socket; socket.socket(socket.AF_UNIX).bind("socket")""",
}


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    laboratory = Laboratory(tmp_path_factory.mktemp("laboratory") / "observed")
    with closing(laboratory.observer):
        yield laboratory


def _plain_kit(laboratory: Laboratory, name: str) -> RandomKit:
    """A kit at the top of its repository, without links."""
    folder = laboratory.folder / name
    folder.mkdir()
    kit = RandomKit(folder, laboratory.template, 0)
    shutil.rmtree(kit.top)
    shutil.copytree(laboratory.template, kit.top)
    kit.kit = kit.top
    (kit.top / "agents").mkdir()
    (kit.top / "agents/alpha.toml").write_text('name = "alpha"\ndescription = "A."\n')
    return kit


@pytest.mark.parametrize("reason", PLANTED)
def test_observer_reports_what_is_not_allowed(laboratory: Laboratory, reason: str) -> None:
    kit = _plain_kit(laboratory, reason)
    code = PLANTED[reason].replace("{outside}", str(kit.outside))
    run = laboratory.observer.run(kit.kit, [], code=f"import os\n{code}\nraise SystemExit(3)")
    assert run.status == 3, run.stderr
    allowed = laboratory.allowed(kit, kit.kit, Step("build", []))
    reasons = {allowed.refusal(access) for access in run.accesses} - {""}
    assert len(reasons) == 1
    assert reason.startswith(reasons.pop())


def test_observer_sees_what_is_allowed(laboratory: Laboratory) -> None:
    kit = _plain_kit(laboratory, "plain")
    run = laboratory.observer.run(kit.kit, ["--all"], laboratory.environment(kit))
    assert run.status == 0, run.stderr
    seen = {(access.kind, os.path.relpath(access.path, kit.top)) for access in run.accesses}
    assert {("read", "agents"), ("read", "agents/alpha.toml"), ("write", "agents/alpha.md")} <= seen
    allowed = laboratory.allowed(kit, kit.kit, Step("build", []))
    assert {allowed.refusal(access) for access in run.accesses} == {""}


def test_plain_stamps_only_need_their_record_in_the_folder_of_git(laboratory: Laboratory) -> None:
    kit = _plain_kit(laboratory, "plain stamps")
    (kit.top / "assemble.toml").write_text('stamp = "plain"\n')
    _stage(kit)
    record = os.path.realpath(kit.top / ".git/assemble")
    for text, status in (("One.", 0), ("Two.", 1)):  # the second time, neither the record nor the commit has the file
        (kit.top / "agents/alpha.toml").write_text(f'name = "alpha"\ndescription = "{text}"\n')
        run = laboratory.observer.run(kit.kit, ["--all"], laboratory.environment(kit))
        assert run.status == status, run.stderr
        writes = [access.path for access in run.accesses if access.kind == "write"]
        assert any(_is_in(path, {record}) for path in writes) == (status == 0)
        assert any(access.kind == "run" for access in run.accesses) == (status == 1)
        allowed = laboratory.allowed(kit, kit.kit, Step("build", []))
        others = [access for access in run.accesses if not _is_in(access.path, {record})]
        assert {allowed.refusal(access) for access in others} == {""}
        shutil.rmtree(record, ignore_errors=True)


def test_observer_knows_what_the_option_allows(laboratory: Laboratory) -> None:
    kit = _plain_kit(laboratory, "for the user")
    shutil.rmtree(kit.top / ".git")
    kit.is_in_git = False
    (kit.top / "assemble.toml").write_text('[target.claude-code]\noutput = "~/.claude/agents/{name}.md"\n')
    run = laboratory.observer.run(kit.kit, ["--all", FOR_USER], laboratory.environment(kit))
    assert run.status == 0, run.stderr
    written = {os.path.relpath(access.path, kit.home) for access in run.accesses if access.kind == "write"}
    assert {".claude", ".claude/agents", ".claude/agents/alpha.md"} <= written
    allowed = laboratory.allowed(kit, kit.kit, Step("build", [FOR_USER]))
    assert {allowed.refusal(access) for access in run.accesses} == {""}
    others = laboratory.allowed(kit, kit.kit, Step("build", []))
    assert "writes outside the root" in {others.refusal(access) for access in run.accesses}
    for name in (".bashrc", ".claude/settings.json", "agents/stranger.toml"):
        for kind in ("read", "write"):
            assert allowed.refusal(Access(kind, str(kit.home / name), "", "", "")) == f"{kind}s outside the root"


def test_kit_follows_from_its_seed(laboratory: Laboratory) -> None:
    folders = [laboratory.folder / name / "kit" for name in ("first", "second")]
    for folder in folders:
        folder.mkdir(parents=True)
    first, second = (RandomKit(folder, laboratory.template, 7).attacks for folder in folders)
    assert str(first).replace("first", "second") == str(second)
