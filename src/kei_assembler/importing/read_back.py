"""Read a generated file back, to the data of the manifest that it says."""

from __future__ import annotations

from typing import Any

from kei_assembler.importing.agent_file import read_agent
from kei_assembler.importing.convert import convert
from kei_assembler.importing.names import Named
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.owners import Owned
from kei_assembler.model.kinds import AGENT


def read_back(kit: LoadedKit, one: Owned, content: bytes) -> dict[str, Any]:
    """Return the data of a manifest that gives an output this content, as an import would. Blocks are part of the role.

    It is empty if the output is not an agent's file, or cannot be read.
    """
    if one.output.kind != AGENT.name:
        return {}
    agent, _ = read_agent(one.output.path, content, one.output.target, is_in_place=True)
    return convert(kit, agent, Named(stem(one.manifest)), kit.known_agents).data if agent else {}
