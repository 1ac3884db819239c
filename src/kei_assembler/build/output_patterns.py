"""Output patterns: which folders to search for the files of a pattern, and which paths match."""

from __future__ import annotations

import os
import re

from kei_assembler import lazy_re
from kei_assembler.kit import LoadedKit
from kei_assembler.model.settings import HOME
from kei_assembler.paths import is_hidden, normalize
from kei_assembler.records import NamedTuple

# The placeholders: an agent's name, the same name again, the folder of a manifest, any subfolders before and after a
# `/`, and any folder or none. Lone surrogates stand for them, because no setting and no path contains one.
_NAME, _SAME, _DIR, _INNER, _MORE, _SOME = map(chr, range(0xD800, 0xD806))
_VISIBLE = "[^/.][^/]*"
_REGEX = {
    _INNER: f"(?:{_VISIBLE}/)*",
    _MORE: f"(?:/{_VISIBLE})*",
    _SOME: rf"(?:\.|{_VISIBLE}(?:/{_VISIBLE})*)",
}
_TOKENS = lazy_re.compile("([\ud800-\ud805])")
_CUTS = lazy_re.compile(f"(?<=[/{_INNER}{_MORE}{_SOME}])")


class Reach(NamedTuple):
    """The folder that contains all files of a pattern, the suffix of their names, and what their paths match."""

    folder: str
    suffix: str
    file: re.Pattern[str]
    inner: re.Pattern[str]

    def enters(self, folder: str) -> bool:
        """Return whether files of the pattern can lie in or below a subfolder."""
        return self.inner.fullmatch(f"{folder}/") is not None


def reach(pattern: str, manifests: str, base: str = "") -> Reach:
    """Return where the files of an output pattern can lie in a kit with this manifests folder.

    With a `base`, the pattern is relative to that absolute folder, and so the result is absolute.
    """
    pattern = normalize(pattern).replace("{name}", _NAME).replace("{subdir}/", _INNER)
    spread = _spread(pattern.replace("{dir}", _DIR), manifests)
    spread = normalize(os.path.join(base, spread))
    literals = _TOKENS.split(spread)
    folder = os.path.dirname(literals[0]) or "."
    prefix = "" if folder == "." else f"{folder}/"
    starts = dict.fromkeys(spread[len(prefix) : cut.start()] for cut in _CUTS.finditer(spread, len(prefix) + 1))
    inner = "|".join(_regex(each, f"name{number}") for number, each in enumerate(map(_as_folder, starts)))
    return Reach(
        folder,
        os.path.basename(literals[-1]),
        # most folders do not exist, so that nothing is compared with these
        lazy_re.compile(_regex(spread, "name")),
        lazy_re.compile(f"{re.escape(prefix)}(?:{inner})" if inner else "(?!)"),
    )


def reach_in(kit: LoadedKit, pattern: str) -> Reach | None:
    """Return where the files of an output pattern of a kit can lie, or None if that is in a home folder out of reach.

    In the home folder, the result is absolute.
    """
    pattern = kit.pattern_in_kit(pattern)
    if not pattern.startswith(HOME):
        return reach(pattern, kit.settings.folder_of_agents)
    return reach(pattern.removeprefix(HOME), kit.settings.folder_of_agents, kit.home) if kit.home else None


def _as_folder(start: str) -> str:
    """The start of a pattern, with a `/` at the end of the paths that it matches."""
    return start if start.endswith(("/", _INNER)) else f"{start}/"


def deepened(pattern: str) -> str:
    """Return the pattern for a client that also finds agents in subfolders of the output's folder."""
    folder, name = os.path.split(pattern)
    return f"{folder}/{_INNER}{name}" if folder and "{" not in folder else pattern


def _spread(pattern: str, manifests: str) -> str:
    """The pattern with `{dir}`, the folder of a manifest, replaced by placeholders for folders.

    Below a folder that the pattern names, `{dir}` can be any folder, since the manifests can have been moved. Elsewhere
    it is the manifests folder or one below, since any folder would mean to search everywhere. If `{dir}` is the kit's
    own folder, it adds nothing to the path.
    """
    if _DIR not in pattern:
        return pattern
    if manifests != "." and (is_hidden(manifests) or not _is_free(pattern.partition(_DIR)[0])):
        return normalize(pattern.replace(f"{_DIR}/", f"{manifests}/{_INNER}").replace(_DIR, f"{manifests}{_MORE}"))
    whole = re.sub(rf"(?:^|(?<=/)){_DIR}/", _INNER, pattern)
    return re.sub(f"/{_DIR}$", _MORE, whole).replace(_DIR, _SOME)


def _is_free(before: str) -> bool:
    """Whether the part of a pattern before `{dir}` is a folder that the pattern names."""
    return before.endswith("/") and not _TOKENS.search(before) and not before.endswith("../")


def _regex(pattern: str, group: str) -> str:
    """The regular expression for a pattern, with the group for the first mention of the name."""
    # all mentions of the name are the same: several patterns for any name would match a long path in too many ways
    placeholders = {**_REGEX, _NAME: f"(?P<{group}>{_VISIBLE})", _SAME: f"(?P={group})"}
    first, name, rest = pattern.partition(_NAME)
    parts = _TOKENS.split(first + name + rest.replace(_NAME, _SAME))
    return "".join(placeholders.get(part) or re.escape(part) for part in parts)
