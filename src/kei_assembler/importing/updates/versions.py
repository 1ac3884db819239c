"""An imported agent in two versions: as it was imported, and as its files are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.agents import convert_again
from kei_assembler.importing.convert import Conversion
from kei_assembler.importing.names import wanted_name
from kei_assembler.importing.updates.matching import Pair, as_imported
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.records import NamedTuple
from kei_assembler.repair.import_record import Imported


class Version(NamedTuple):
    """An agent whose files changed: its manifest, what its files became when it was imported, and what they become now.

    `pairs` are its files that are imported now. `new_name` is the name that the changed files give it, if that is
    another one than `former_name`, that of the imported ones. `apart` are files that no longer fit into one manifest.
    """

    manifest: str
    pairs: tuple[Pair, ...]
    base: Conversion
    theirs: Conversion
    new_name: str = ""
    former_name: str = ""
    apart: tuple[Conversion, ...] = ()

    @property
    def targets(self) -> list[str]:
        """The clients that the agent has files for."""
        return list(dict.fromkeys(each.target for each in self.theirs.each))


def versions(kit: LoadedKit, record: Sequence[Imported], known: Mapping[str, Sequence[Pair]]) -> list[Version]:
    """Return both versions of each agent with a changed file.

    All agents of the record are converted, because their names decide how they refer to each other.
    """
    changed = {manifest: pairs for manifest, pairs in known.items() if any(pair.is_changed for pair in pairs)}
    if not changed:
        return []
    before: dict[str, list[AgentFile]] = {}
    after: dict[str, list[AgentFile]] = {}
    for entry in record:
        agent = as_imported(entry)
        if agent:
            now = [pair.agent for pair in known.get(entry.manifest, ()) if pair.recorded == entry]
            before.setdefault(entry.manifest, []).append(agent)
            after.setdefault(entry.manifest, []).extend(now or [agent])
    old_names = {manifest: wanted_name(files[0]).name for manifest, files in before.items()}
    new_names = {manifest: _new_name(manifest, before[manifest], after[manifest]) for manifest in before}
    bases = convert_again(kit, {stem(manifest): files for manifest, files in before.items()})
    theirs = convert_again(kit, {new_names[manifest] or stem(manifest): files for manifest, files in after.items()})
    found = []
    for manifest, pairs in changed.items():
        if manifest in before:
            made, *apart = theirs[new_names[manifest] or stem(manifest)]
            new_name = new_names[manifest]
            base = bases[stem(manifest)][0]
            found.append(Version(manifest, tuple(pairs), base, made, new_name, old_names[manifest], tuple(apart)))
    return found


def _new_name(manifest: str, before: Sequence[AgentFile], after: Sequence[AgentFile]) -> str:
    """Return the name that changed files give an agent, or "" if they do not give it another one."""
    old, new = wanted_name(before[0]).name, wanted_name(after[0]).name
    return new if new not in (old, stem(manifest)) else ""


def text_for(conversion: Conversion, target: str) -> str:
    """Return the text that the files of an agent give it for a client: the role, and what follows as blocks."""
    pieces = (piece.texts.get(target, "") for piece in conversion.pieces)
    return "\n\n".join(filter(None, (str(conversion.data.get("role", "")), *pieces)))
