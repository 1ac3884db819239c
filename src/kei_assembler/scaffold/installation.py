"""How `assemble` was installed, and so what a hook and a workflow have to install.

The installer's record decides: a git URL and a commit, the URL of an archive, a path, or a name in an index. What it
says is untrusted text: only URLs of plain characters are used, and never with a user name or a password.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from textwrap import fill
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from kei_assembler import __version__, lazy_re
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK, distribution
from kei_assembler.files.distribution import Distribution
from kei_assembler.files.git_index import Git
from kei_assembler.files.work_tree import git_top
from kei_assembler.markdown import shell
from kei_assembler.markdown.front_matter import quoted, yaml
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.paths import display_path_from, is_inside
from kei_assembler.records import NamedTuple
from kei_assembler.selection import working_directory

_WIDTH = 110
_INDEX_INSTALLERS = ("pip", "uv", "poetry", "pdm")
"""Installers that take what has no URL from an index of Python packages. Others have packages of their own."""

_SCHEMES = {"git": ("https", "http", "ssh", "git", "file"), "archive": ("https", "http", "file"), "folder": ("file",)}
_SCP = lazy_re.compile(r"(?P<login>[\w.-]+@)(?P<host>[\w.-]+):(?P<path>[^/].*)")
"""How git also writes an SSH URL."""
_PLAIN = lazy_re.compile(r"(?:[A-Za-z0-9._~:/@!()*'+,;=&-]|%(?![01]|7[fF])[0-9A-Fa-f]{2})+")
_ADDRESS = lazy_re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?")
"""A host and a port. Programs would read a `-` at the start as an option."""
_COMMIT = lazy_re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_VERSION = lazy_re.compile(r"[A-Za-z0-9.!+]+")
_HASH = lazy_re.compile(r"(sha(?:256|384|512))=([0-9a-f]+)")
_SUBFOLDER = lazy_re.compile(r"(?!/)(?!.*(?:^|/)\.\.(?:/|$))[A-Za-z0-9._/-]+")
_NOT_IN_PATHS = lazy_re.compile(r"[;\[\]#$\\]")
"""What pip reads as an extra, a marker or a fragment, and what GitHub could evaluate."""
_THIS_MACHINE = ("localhost", "127.0.0.1")

_ADVICE = "what everybody can install, for example `git+`, the URL of the tool's repository, `@` and a commit."
_ONLY_HERE = "Only the machine where this was written has it. Replace it by " + _ADVICE


class Installation(NamedTuple):
    """What a hook and a workflow have to install.

    `requirement` is what pip installs from the top of the repository, or empty if that is not known. `about` says in
    sentences what it is, and `note` what else it takes. `problem` says why nobody else can install it, as the end of
    a sentence that starts with a file. `repository` and `commit` are what pre-commit can clone, or empty. `is_inside`
    says that the requirement is a path in the repository.
    """

    requirement: str
    about: str
    note: str = ""
    problem: str = ""
    repository: str = ""
    commit: str = ""
    is_inside: bool = False


def _comment(*sentences: str) -> str:
    """Sentences as lines of comments in YAML, indented by two spaces."""
    text = " ".join(filter(None, sentences))
    lines = fill(text, _WIDTH, initial_indent="  # ", subsequent_indent="  # ", break_on_hyphens=False)
    return f"{lines}\n" if text else ""


def find(top: str) -> Installation:
    """Return how the running `assemble` was installed, for a repository with this resolved top folder."""
    return of(distribution.installed(), top)


def of(found: Distribution | None, top: str) -> Installation:
    """Return what a record of an installation means for a repository with this resolved top folder."""
    if found is None:
        return _unknown("no installer has recorded it")
    if not found.direct_url:
        return _by_name(found)
    try:
        record = json.loads(found.direct_url)
    except (ValueError, RecursionError):
        record = None
    for key, read in _READERS.items():
        if isinstance(record, dict) and isinstance(record.get(key), dict) and isinstance(record.get("url"), str):
            return read(found, record, top)
    return _unknown("the record of its installer is not valid")


def _unknown(reason: str) -> Installation:
    note = f"How `assemble` was installed is not known: {reason}. Put in {_ADVICE}"
    return Installation("", "", note, "it does not say what to install, so add that, as the comment there says")


def _by_name(found: Distribution) -> Installation:
    installer = found.installer.partition(" ")[0].lower()
    if not is_inside(found.package, found.folder):
        return _unknown("it does not run from where it is installed")
    if installer not in _INDEX_INSTALLERS or not _VERSION.fullmatch(found.version):
        return _unknown("it was not installed from an index of Python packages")
    about = "The version that was installed here, by its name."
    note = "If the index is not PyPI, set PIP_INDEX_URL, too."
    return Installation(f"{distribution.NAME}=={found.version}", about, note)


class _Url(NamedTuple):
    """A URL without the user name and the password that it `had_login`; `path` is that of a file or folder."""

    text: str
    host: str = ""
    path: str = ""
    had_login: bool = False
    subfolder: str = ""

    @property
    def note(self) -> str:
        """What somebody else needs to read it."""
        if self.had_login:
            return "The login in its URL is left out: whoever installs it needs their own."
        return "Whoever installs it needs an SSH key that can read it." if self.text.startswith("ssh:") else ""


def _url(record: Mapping[str, Any], schemes: tuple[str, ...]) -> _Url | None:
    """The URL of a record, or None if it is not a plain one with one of the schemes."""
    raw = record["url"].removeprefix("git+")
    if "://" not in raw and "ssh" in schemes and (scp := _SCP.fullmatch(raw)):
        raw = f"ssh://{scp['login']}{scp['host']}/{scp['path']}"
    if not raw.isascii() or not raw.isprintable() or " " in raw:
        return None
    try:
        parts = urlsplit(raw)
        host = parts.hostname or ""
    except ValueError:
        return None
    login, at, address = parts.netloc.rpartition("@")
    user = "git@" if parts.scheme == "ssh" and login.partition(":")[0] == "git" else ""
    text = f"{parts.scheme}://{user}{address}{parts.path}"
    subfolder = record.get("subdirectory") or dict(parse_qsl(parts.fragment)).get("subdirectory", "")
    is_file = parts.scheme == "file"
    is_address = not address if is_file else _ADDRESS.fullmatch(address)
    if parts.scheme not in schemes or parts.query or not is_address or not _PLAIN.fullmatch(text):
        return None  # a query can hold a key
    if subfolder and not (isinstance(subfolder, str) and _SUBFOLDER.fullmatch(subfolder)):
        return None
    had_login = bool(at) and f"{login}@" != user
    return _Url(text, host, _path(parts.path) if is_file else "", had_login, subfolder)


def _path(path: str) -> str:
    """The path in a URL of a file, in the system's form."""
    if os.name != "nt":
        return unquote(path)
    from urllib.request import url2pathname

    return url2pathname(path)


_UNFIT = "its URL is not one that can be written here"


def _from_git(found: Distribution, record: Mapping[str, Any], top: str) -> Installation:
    info = record["vcs_info"]
    commit, url = info.get("commit_id"), _url(record, _SCHEMES["git"])
    if info.get("vcs") != "git" or not isinstance(commit, str) or not _COMMIT.fullmatch(commit) or url is None:
        return _unknown(_UNFIT)
    fragment = f"#subdirectory={url.subfolder}" if url.subfolder else ""
    about = f"Version {__version__}, at the commit that was installed when this was written."
    cloned = ("", "") if url.subfolder else (url.text, commit)
    from_url = Installation(f"git+{url.text}@{commit}{fragment}", about, url.note, "", *cloned)
    return _placed(from_url, found, url, top, os.path.join(url.path, url.subfolder))


def _from_archive(found: Distribution, record: Mapping[str, Any], top: str) -> Installation:
    url = _url(record, _SCHEMES["archive"])
    if url is None:
        return _unknown(_UNFIT)
    info = record["archive_info"]
    hashes = info.get("hashes") if isinstance(info.get("hashes"), dict) else {}
    written = [info.get("hash"), *(f"{name}={value}" for name, value in hashes.items())]
    known = [each for each in written if isinstance(each, str) and _HASH.fullmatch(each)]
    fragments = [f"subdirectory={url.subfolder}"] * bool(url.subfolder) + known[:1]
    about = f"Version {__version__}{', with the hash of the file' if known else ''}."
    from_url = Installation(f"{url.text}{'#' if fragments else ''}{'&'.join(fragments)}", about, url.note)
    return _placed(from_url, found, url, top, "" if url.subfolder else url.path)


def _from_folder(found: Distribution, record: Mapping[str, Any], top: str) -> Installation:
    url = _url(record, _SCHEMES["folder"])
    if url is None:
        return _unknown(_UNFIT)
    path = os.path.join(url.path, url.subfolder)
    is_editable = record["dir_info"].get("editable") is True
    if is_editable and not is_inside(found.package, DISK.resolve(path)):
        return _unknown("it does not run from where it is installed")
    folder = f"{url.text.rstrip('/')}/{url.subfolder}" if url.subfolder else url.text
    own = found._replace(folder=found.package) if is_editable else found
    return _placed(Installation(folder, ""), own, url, top, path)


_READERS: dict[str, Callable[[Distribution, Mapping[str, Any], str], Installation]] = {
    "vcs_info": _from_git,
    "archive_info": _from_archive,
    "dir_info": _from_folder,
}


def _placed(from_url: Installation, found: Distribution, url: _Url, top: str, path: str) -> Installation:
    """The installation as it is, or what holds for a file or a folder on this machine, which `path` names."""
    if not is_inside(found.package, found.folder):
        return _unknown("it does not run from where it is installed")
    if url.host in _THIS_MACHINE:
        return _only_here(from_url)
    if not url.path:
        return from_url
    if not DISK.exists(url.path):
        return _unknown("what it was installed from does not exist any more")
    if path and (inside := _in_repository(DISK.resolve(path), top)):
        return Installation(inside, "The copy of `assemble` in this repository.", is_inside=True)
    return _only_here(from_url)


def _only_here(from_url: Installation) -> Installation:
    problem = "only this machine has what it installs, so replace that, as the comment there says"
    return from_url._replace(about="", note=_ONLY_HERE, problem=problem)


def _in_repository(path: str, top: str) -> str:
    """The path of an archive or of a project from the top of the repository, or "" if a clone would not have it.

    It can be ignored by git, or be in another work tree.
    """
    relative = display_path_from(top, path)
    file = os.path.join(path, "pyproject.toml") if DISK.is_folder(path) else path
    is_fit = is_inside(path, top) and DISK.exists(file) and not _NOT_IN_PATHS.search(relative)
    if not is_fit or not relative.isprintable() or shown(relative) != relative:
        return ""
    if (git_top(os.path.dirname(file)) or top) != top:
        return ""
    with suppress(AssembleError):  # without git, the user knows what is in the repository
        if Git.of(top, is_inside(working_directory(), top)).ignored([file]):
            return ""
    return relative if relative == "." else f"./{relative}"


def workflow_values(installed: Installation) -> dict[str, str]:
    """Return the values of the placeholders for the installation in `workflow.yml`."""
    is_known = bool(installed.requirement)
    return {
        "comment": _comment("What pip installs." if is_known else "", installed.about, installed.note),
        "requirement": yaml(installed.requirement),
        "argument": "$ASSEMBLE" if is_known else "${ASSEMBLE:?set it in this workflow, in env}",
    }


def hook_values(installed: Installation, command: str, option: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """Return the name of the file with the hook, and the values of its placeholders.

    `option` holds the arguments that follow those of the hook in the tool's repository, and the command has them, too.
    """
    if installed.repository:
        args = f"        args: {yaml(option)}\n" if option else ""
        values = {"repository": yaml(installed.repository), "commit": yaml(installed.commit), "version": __version__}
        return "hook_of_repository.yml", {"comment": _comment(installed.note), "args": args, **values}
    values = {"command": quoted(command)}
    if installed.requirement and not installed.is_inside:
        language = f"language: python\n        additional_dependencies: {yaml([installed.requirement])}"
        return "hook.yml", {"comment": _comment(installed.about, installed.note), "language": language, **values}
    how = f"; to install it: python -m pip install {shell.word(installed.requirement)}" if installed.is_inside else ""
    comment = _comment(f"This runs the `assemble` that is installed{how}.")
    return "hook.yml", {"comment": comment, "language": "language: system", **values}
