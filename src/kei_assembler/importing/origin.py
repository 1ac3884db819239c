"""The comment in a new manifest that says which file it was imported from, if that file is to be deleted later.

With it, `import --replace` recognizes the manifest after people have edited or renamed it.
"""

from __future__ import annotations

from hashlib import sha256

from kei_assembler.importing.convert import Conversion
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.stamp import can_name

_START = "# Imported from "
_DIGITS = 12


def origin_comment(conversion: Conversion) -> str:
    """Return the comment that recognizes the manifest of a file, or "" if the file has more, or an odd path."""
    agent = conversion.agent
    if not (conversion.is_complete and can_name(agent.kit_path)):
        return ""
    return f"{_START}{agent.kit_path} (sha256:{sha256(agent.raw).hexdigest()[:_DIGITS]})"


def origin_comments(conversion: Conversion) -> str:
    """Return the comments about the files of an agent that are to be deleted, a line each."""
    return "\n".join(filter(None, (origin_comment(each) for each in conversion.each if each.new_path)))


def is_origin_comment(line: str) -> bool:
    """Return whether a line of a manifest is such a comment."""
    return line.startswith(_START)


def manifests_by_comment(kit: LoadedKit) -> dict[str, str]:
    """Return the manifests that have such a comment."""
    return {
        line: manifest
        for manifest in kit.manifests
        for line in kit.read_manifest(manifest).lines
        if is_origin_comment(line)
    }
