"""Output patterns: which folders to search for the files of a pattern, and which paths match."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from kei_assembler.paths import is_hidden, normalize

_VISIBLE = "[^/.][^/]*"
_REGEX = {
    "{name}": _VISIBLE,
    "{inner}": f"(?:{_VISIBLE}/)*",
    "{more}": f"(?:/{_VISIBLE})*",
    "{some}": rf"(?:\.|{_VISIBLE}(?:/{_VISIBLE})*)",
}
"""The placeholders: an agent's name, any subfolders before and after a `/`, and any folder or none."""

_TOKENS = re.compile("({})".format("|".join(map(re.escape, _REGEX))))
_CUTS = re.compile(r"(?<=/)|(?<=\{inner\})|(?<=\{more\})|(?<=\{some\})")


class Reach(NamedTuple):
    """The folder that contains all files of a pattern, the suffix of their names, and what their paths match."""

    folder: str
    suffix: str
    file: re.Pattern[str]
    inner: re.Pattern[str]

    def enters(self, folder: str) -> bool:
        """Return whether files of the pattern can lie in or below a subfolder."""
        return self.inner.fullmatch(f"{folder}/") is not None


def reach(pattern: str, manifests: str) -> Reach:
    """Return where the files of an output pattern can lie in a kit with this manifests folder."""
    spread = _spread(normalize(pattern), manifests)
    folder = os.path.dirname(spread.partition("{")[0]) or "."
    suffix = os.path.basename(spread).rpartition("}")[2]
    starts = dict.fromkeys(spread[: cut.start()] for cut in _CUTS.finditer(spread))
    inner = "|".join(f"{_regex(start)}/" if not start.endswith(("/", "{inner}")) else _regex(start) for start in starts)
    return Reach(folder, suffix, re.compile(_regex(spread)), re.compile(inner or "(?!)"))


def deepened(pattern: str) -> str:
    """Return the pattern for a client that also finds agents in subfolders of the output's folder."""
    folder, name = os.path.split(pattern)
    return f"{folder}/{{inner}}{name}" if folder and "{" not in folder else pattern


def _spread(pattern: str, manifests: str) -> str:
    """The pattern with `{dir}`, the folder of a manifest, replaced by placeholders for folders.

    Below a folder that the pattern names, `{dir}` can be any folder, since the manifests can have been moved. Elsewhere
    it is the manifests folder or one below, since any folder would mean to search everywhere. If `{dir}` is the kit's
    own folder, it adds nothing to the path.
    """
    if manifests != "." and (is_hidden(manifests) or not _is_free(pattern.partition("{dir}")[0])):
        return normalize(pattern.replace("{dir}/", f"{manifests}/{{inner}}").replace("{dir}", f"{manifests}{{more}}"))
    whole = re.sub(r"(?:^|(?<=/))\{dir\}/", "{inner}", pattern)
    return re.sub(r"/\{dir\}$", "{more}", whole).replace("{dir}", "{some}")


def _is_free(before: str) -> bool:
    """Whether the part of a pattern before `{dir}` is a folder that the pattern names."""
    return before.endswith("/") and "{" not in before and not before.endswith("../")


def _regex(pattern: str) -> str:
    return "".join(_REGEX.get(part) or re.escape(part) for part in _TOKENS.split(pattern))
