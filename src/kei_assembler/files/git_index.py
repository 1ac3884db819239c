"""Ask git about the index of a work tree, without running anything that a repository configures.

Git reads the repository's own configuration, which can name programs. The options and variables below turn off those
that these commands could run: hooks, the file system monitor, the pager and the transports of a partial clone. Filters
would run if git compared files with the index, so `Git.has` does that.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress

from kei_assembler.diagnostics import AssembleError
from kei_assembler.paths import is_inside
from kei_assembler.records import NamedTuple

_OPTIONS = ("--no-pager", "--no-optional-locks", "--no-replace-objects", "--literal-pathspecs")
_SETTINGS = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.untrackedCache=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",
    "submodule.recurse=false",
)
_VARIABLES = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}

# Of the variables that begin with `GIT_`, only these are passed on: where git and its settings are, since they say
# which folders are safe, and, in hooks, where the repository is.
_KEPT = frozenset(
    "GIT_CONFIG_COUNT GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM GIT_CONFIG_PARAMETERS GIT_CONFIG_SYSTEM "
    "GIT_DISCOVERY_ACROSS_FILESYSTEM GIT_EXEC_PATH GIT_TEST_ASSUME_DIFFERENT_OWNER".split()
)
_KEPT_STARTS = ("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
_OF_ONE_WORK_TREE = frozenset(
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_DIR GIT_INDEX_FILE GIT_OBJECT_DIRECTORY".split()
)

_NO_FILTER = {"clean": "", "process": "", "required": "false"}

_EXECUTABLE, _LINK, _SUBMODULE = "100755", "120000", "160000"
_SKIPPED = "Ss"  # a capital letter unless the entry is also assumed to be unchanged
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_SHA1_LENGTH = 40
_INTENT_TO_ADD = 0x20000000  # CE_INTENT_TO_ADD in git's read-cache-ll.h
_CHUNK, _MAX_TEXT = 1024 * 1024, 4 * 1024 * 1024


class Entry(NamedTuple):
    """What an index or a commit has at a path: the mode, in octal digits, and the id of the blob.

    `stages` contains the stages of the entry: only "0", except in a conflict. `is_skipped` says that the entry has the
    skip-worktree flag, as entries outside a sparse checkout do.
    """

    mode: str
    blob: str
    stages: str = "0"
    is_skipped: bool = False

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == _LINK

    @property
    def is_submodule(self) -> bool:
        """Whether it is the commit of another repository."""
        return self.mode == _SUBMODULE

    @property
    def line(self) -> tuple[bytes, bytes]:
        """The start of the line that gives a path this entry, see `git update-index --index-info`."""
        return self.mode.encode(), self.blob.encode()


class Git(NamedTuple):
    """A git work tree: its top folder, and the environment in which to run git."""

    top: str
    environment: Mapping[str, str]

    @classmethod
    def of(cls, top: str, is_here: bool) -> Git:
        """Return the work tree with this top folder, a resolved path.

        `is_here` says that the working directory is in this work tree. Otherwise, variables such as `GIT_DIR`, which
        git sets for hooks, are dropped: they describe the work tree of the working directory.
        """
        kept = _KEPT | _OF_ONE_WORK_TREE if is_here else _KEPT
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") or name in kept or name.startswith(_KEPT_STARTS)
        }
        # The work tree is this one, whatever `core.worktree` says. A broken `.git` must not let git search further up.
        own = {"GIT_WORK_TREE": top, "GIT_CEILING_DIRECTORIES": os.path.dirname(top)}
        return cls(top, {**environment, **_VARIABLES, **own})

    def run(self, *args: str, given: bytes = b"", may_fail: bool = False, purpose: str = "read the index") -> bytes:
        """Run git in the top folder, to which the relative paths in its variables refer, and return its output.

        With `may_fail`, its exit status can be 1. `purpose` completes the message "git cannot …".

        Raises:
            AssembleError: git is not installed, or it fails.
        """
        try:
            done = self._process(args, given, check=not may_fail)
            if done.returncode not in (0, 1):
                done.check_returncode()
            return done.stdout
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", b"") or str(error).encode()
            first, *details = reason.decode(errors="replace").strip().split("\n")
            raise AssembleError(f"git cannot {purpose}: {first}", details=details) from error

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Start git in the top folder, with pipes for its input and its output, and without its messages.

        Raises:
            AssembleError: git is not installed.
        """
        pipe = subprocess.PIPE
        try:
            return subprocess.Popen(
                _command(args), cwd=self.top, env=self.environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise AssembleError(f"git cannot be started: {error}") from error

    def _process(self, args: Iterable[str], given: bytes, check: bool) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            _command(args), cwd=self.top, env=self.environment, input=given, capture_output=True, check=check
        )

    def entries(self, paths: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of the index at and below these absolute paths, by their absolute paths.

        Raises:
            AssembleError: git is not installed, or it fails.
        """
        inside = self._relative(paths)
        found: dict[str, Entry] = {}
        for line in self.run("ls-files", "-z", "-v", "--stage", "--", *inside).split(b"\0")[:-1] if inside else ():
            state, _, name = line.partition(b"\t")
            tag, mode, blob, stage = state.decode().split(" ")
            path = os.path.join(self.top, os.fsdecode(name))
            stages = found[path].stages + stage if path in found else stage
            found[path] = Entry(mode, blob, stages, tag in _SKIPPED)
        return found

    def entries_of_commit(self, commit: str) -> dict[str, Entry]:
        """Return what a commit of this repository has, by absolute paths; nothing if the commit does not exist here."""
        try:
            lines = self.run("ls-tree", "-z", "-r", "--full-tree", commit).split(b"\0")[:-1]
        except AssembleError:
            return {}
        found = {}
        for line in lines:
            state, _, name = line.partition(b"\t")
            mode, _, blob = state.decode().split(" ")
            found[os.path.join(self.top, os.fsdecode(name))] = Entry(mode, blob)
        return found

    def ignored(self, paths: Iterable[str]) -> set[str]:
        """Return the absolute paths of the untracked files at and below these absolute paths that git ignores.

        Raises:
            AssembleError: git is not installed, or it fails.
        """
        return set(self._others(paths, "--ignored"))

    def untracked(self, paths: Iterable[str]) -> set[str]:
        """Return the absolute paths of the untracked files at and below these absolute paths that git does not ignore.

        Of another repository below them, it is only the folder.

        Raises:
            AssembleError: git is not installed, or it fails.
        """
        return {path.rstrip("/") for path in self._others(paths)}

    def _others(self, paths: Iterable[str], *options: str) -> list[str]:
        """Return the untracked files at and below these absolute paths. The paths of folders end with `/`."""
        inside = self._relative(paths)
        args = ("ls-files", "-z", "--others", "--exclude-standard", *options, "--", *inside)
        names = self.run(*args).split(b"\0")[:-1] if inside else ()
        return [os.path.join(self.top, os.fsdecode(name)) for name in names]

    def excluded(self, paths: Iterable[str]) -> set[str]:
        """Return those of these absolute paths that git ignores as long as they are untracked. They need not exist.

        Raises:
            AssembleError: git is not installed, or it fails.
        """
        given = b"".join(b"./%s\0" % os.fsencode(name) for name in self._relative(paths))  # a `:` would be special
        # `check-ignore` fails if it finds nothing, and if pathspecs are literal
        args = ("--no-literal-pathspecs", "check-ignore", "-z", "--no-index", "--stdin")
        found = self.run(*args, given=given, may_fail=True).split(b"\0")[:-1]
        return {os.path.join(self.top, os.fsdecode(name[2:])) for name in found}

    def ignored_folders(self, folder: str) -> set[str]:
        """Return the absolute paths of the folders at and below an absolute path that git ignores as a whole.

        Raises:
            AssembleError: git is not installed, or it fails.
        """
        found = self._others([folder], "--ignored", "--directory")
        return {path[:-1] for path in found if path.endswith("/")}

    def has(self, path: str, entry: Entry) -> bool:
        """Return whether the file at an absolute path is what an entry says: kind, permissions and content.

        CRLF counts as LF. A file that does not exist is what a skipped entry says.

        Raises:
            AssembleError: git is not installed, or it fails.
        """
        try:
            return self._has(path, entry, os.lstat(path))
        except (FileNotFoundError, NotADirectoryError):
            return entry.is_skipped
        except OSError:
            return False

    def _has(self, path: str, entry: Entry, status: os.stat_result) -> bool:
        is_link = stat.S_ISLNK(status.st_mode)
        if entry.stages != "0" or entry.is_link != is_link:
            return False
        if is_link:
            return entry.blob == _id([os.fsencode(os.readlink(path))], status.st_size, entry.blob)
        is_executable = bool(status.st_mode & stat.S_IXUSR)
        if is_executable != (entry.mode == _EXECUTABLE) and not self._ignores_permissions():
            return False
        return self._has_content(path, entry.blob) and bool(status.st_size or not self._is_intended(path))

    def _has_content(self, path: str, blob: str) -> bool:
        descriptor = os.open(path, _OPEN_FLAGS)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return False
            if blob == _id(iter(lambda: file.read(_CHUNK), b""), status.st_size, blob):
                return True
            if status.st_size > _MAX_TEXT:
                return False
            file.seek(0)
            content = file.read(_MAX_TEXT).replace(b"\r\n", b"\n")
        if is_id_of(blob, content):
            return True
        with suppress(AssembleError):  # a partial clone lacks the blobs that are not checked out
            return self.blobs([blob], _MAX_TEXT).get(blob, b"").replace(b"\r\n", b"\n") == content
        return False

    def _ignores_permissions(self) -> bool:
        value = self.run("config", "--type=bool", "--default=true", "--get", "core.fileMode")
        return value.strip() == b"false"

    def _is_intended(self, path: str) -> bool:
        """Whether a file was added without its content, by `git add --intent-to-add`.

        Commands that compare the file with the index, such as `diff-files`, run the filters that a repository sets.
        """
        flags = self.run("ls-files", "--debug", "--", *self._relative([path])).rpartition(b"flags: ")[2]
        return bool(int(flags.strip() or b"0", base=16) & _INTENT_TO_ADD)

    def blobs(self, ids: Iterable[str], max_bytes: int) -> dict[str, bytes]:
        """Return the contents of blobs by their ids, as many from the first on as `max_bytes` in total allow.

        A larger blob is left out, and so is one that a partial clone does not have.

        Raises:
            AssembleError: git is not installed, or it fails.
        """
        chosen: dict[str, int] = {}
        for line in self.run("cat-file", "--batch-check", given=_lines(ids)).decode().splitlines():
            blob, kind, *size = line.split(" ")
            if kind == "blob" and sum(chosen.values()) + int(*size) <= max_bytes:
                chosen[blob] = int(*size)
        raw = self.run("cat-file", "--batch", given=_lines(chosen)) if chosen else b""
        contents, start = {}, 0
        for blob, length in chosen.items():
            start = raw.index(b"\n", start) + 1
            contents[blob] = raw[start : start + length]
            start += length + 1
        return contents

    def rename(self, renames: Iterable[tuple[str, str, Entry]]) -> None:
        """Give entries of the index other paths, all at once: each has its old and its new absolute path, and itself.

        The files themselves are not touched. What is staged of them stays staged, as after `git mv`.

        Raises:
            AssembleError: git is not installed, or it fails, for example because another process changes the index.
        """
        lines = []
        for old, new, entry in renames:
            before, after = (os.fsencode(name) for name in self._relative([old, new]))
            lines.append(b"0 %s\t%s\0%s %s\t%s\0" % (b"0" * len(entry.blob), before, *entry.line, after))
        if lines:
            quiet = self._without_filters()
            quiet.run("update-index", "-z", "--index-info", given=b"".join(lines), purpose="change the index")

    def _without_filters(self) -> Git:
        """The same work tree, without the filters that the repository sets.

        When git writes the index, it compares files that changed within the last second with it. Without its filter, a
        file differs, and git compares it again later.
        """
        keys = self.run("config", "-z", "--name-only", "--get-regexp", r"^filter\.", may_fail=True).split(b"\0")[:-1]
        filters = sorted({os.fsdecode(key).rpartition(".")[0] for key in keys})
        off = [(f"{name}.{key}", value) for name in filters for key, value in _NO_FILTER.items()]
        first = int(self.environment.get("GIT_CONFIG_COUNT") or 0)
        settings = {"GIT_CONFIG_COUNT": str(first + len(off))}
        for number, (key, value) in enumerate(off, first):
            settings |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return self._replace(environment={**self.environment, **settings})

    def lacking(self, ids: Iterable[str]) -> set[str]:
        """Return those of these blobs that a partial clone does not have.

        Raises:
            OSError: git is not installed.
        """
        lacking: set[str] = set()
        rest = list(dict.fromkeys(ids))
        while rest:
            done = self._process(("cat-file", "--batch-check"), _lines(rest), check=False)
            answers = done.stdout.decode().splitlines()
            lacking.update(answer.split(" ")[0] for answer in answers if answer.endswith(" missing"))
            lacking.update(rest[len(answers) : len(answers) + 1])  # git ends at the first blob that it cannot fetch
            rest = rest[len(answers) + 1 :]
        return lacking

    def _relative(self, paths: Iterable[str]) -> list[str]:
        return [os.path.relpath(path, self.top) for path in paths if is_inside(path, self.top)]


def _command(args: Iterable[str]) -> list[str]:
    return ["git", *_OPTIONS, *(part for setting in _SETTINGS for part in ("-c", setting)), *args]


def is_id_of(blob: str, content: bytes) -> bool:
    """Return whether a blob has this content."""
    return blob == _id([content], len(content), blob)


def _lines(ids: Iterable[str]) -> bytes:
    return "".join(f"{one}\n" for one in dict.fromkeys(ids)).encode()


def _id(chunks: Iterable[bytes], size: int, like: str) -> str:
    """The id that git gives to a content. `like` is another id, whose length tells the algorithm."""
    import hashlib

    digest = hashlib.new("sha1" if len(like) == _SHA1_LENGTH else "sha256", b"blob %d\0" % size, usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
