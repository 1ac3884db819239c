"""Where files of a pattern can lie: the folder to look in, the inner ones to enter, and the paths of the files."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from kei_assembler.paths import normal

_VISIBLE = "[^/.][^/]*"
_REGEX = {
    "{name}": _VISIBLE,
    "{inner}": f"(?:{_VISIBLE}/)*",
    "{more}": f"(?:/{_VISIBLE})*",
    "{some}": rf"(?:\.|{_VISIBLE}(?:/{_VISIBLE})*)",
}
"""What stands in a pattern for an agent, for any folders in or of a folder, and for any folder or none."""

_TOKENS = re.compile("({})".format("|".join(map(re.escape, _REGEX))))
_CUTS = re.compile(r"(?<=/)|(?<=\{inner\})|(?<=\{more\})|(?<=\{some\})")


class Reach(NamedTuple):
    """The folder that holds all files of a pattern, how their names end, and what the paths match."""

    folder: str
    suffix: str
    file: re.Pattern[str]
    inner: re.Pattern[str]

    def enters(self, folder: str) -> bool:
        """Tell whether files of the pattern can lie in or below an inner folder."""
        return self.inner.fullmatch(f"{folder}/") is not None


def reach(pattern: str, manifests: str) -> Reach:
    """Return where the files of an output's pattern can lie, in a kit with this folder of manifests."""
    spread = _spread(normal(pattern), manifests)
    folder = os.path.dirname(spread.partition("{")[0]) or "."
    suffix = os.path.basename(spread).rpartition("}")[2]
    starts = dict.fromkeys(spread[: cut.start()] for cut in _CUTS.finditer(spread))
    inner = "|".join(f"{_regex(start)}/" if not start.endswith(("/", "{inner}")) else _regex(start) for start in starts)
    return Reach(folder, suffix, re.compile(_regex(spread)), re.compile(inner or "(?!)"))


def deepened(pattern: str) -> str:
    """The pattern with which a client that looks into inner folders finds an agent below the output's folder."""
    folder, name = os.path.split(pattern)
    return f"{folder}/{{inner}}{name}" if folder and "{" not in folder else pattern


def _spread(pattern: str, manifests: str) -> str:
    """The pattern without `{dir}`, which is the folder of the manifests or one below.

    In a folder of outputs it is any, also one that held the manifests before; elsewhere that would be to look
    everywhere. Where it is the kit's folder, it leaves no part of the path.
    """
    if manifests != "." and (_is_hidden(manifests) or not _is_free(pattern.partition("{dir}")[0])):
        return normal(pattern.replace("{dir}/", f"{manifests}/{{inner}}").replace("{dir}", f"{manifests}{{more}}"))
    whole = re.sub(r"(?:^|(?<=/))\{dir\}/", "{inner}", pattern)
    return re.sub(r"/\{dir\}$", "{more}", whole).replace("{dir}", "{some}")


def _is_hidden(folder: str) -> bool:
    return any(part.startswith(".") for part in folder.split("/"))


def _is_free(before: str) -> bool:
    """Whether what precedes a `{dir}` in a pattern is a folder that the pattern names."""
    return before.endswith("/") and "{" not in before and not before.endswith("../")


def _regex(pattern: str) -> str:
    return "".join(_REGEX.get(part) or re.escape(part) for part in _TOKENS.split(pattern))
