"""Read the agent files in a folder as Mistral Vibe does; answer with what it makes of each, and with its complaints.

This runs in the Python of an installed Vibe, which is 3.12 or later. The environment variable `VIBE_HOME` names the
folder around `agents`.
"""

# mypy: ignore-errors

from __future__ import annotations

import asyncio
import json
import sys

from vibe.app_server._agent_types import AgentTypeSource, agent_instructions, resolve_agent_types
from vibe.app_server._runtime import _profile_tools
from vibe.core.agents.registry import AgentRegistry
from vibe.core.config.default_orchestrator import build_default_orchestrator
from vibe.core.config.harness_files import get_harness_files_manager, init_harness_files_manager

TOOLS = {
    "bash",
    "edit",
    "git_bash",
    "grep",
    "powershell",
    "read_file",
    "skill",
    "task",
    "todo",
    "web_fetch",
    "write_file",
}

init_harness_files_manager("user")
manager = get_harness_files_manager()
orchestrator = asyncio.run(build_default_orchestrator(harness_files=manager))
registry = AgentRegistry(orchestrator, manager)
found = [profile for profile in registry.discovered.values() if profile.source_path]
resolved = resolve_agent_types(
    AgentTypeSource(each.name, each, each.source_path, "test", each.source_path.name)
    for each in found
    if each.agent_type == "subagent"
)
agents = {
    each.name: {
        "description": each.description,
        "display_name": each.display_name,
        "safety": each.safety,
        "overrides": each.overrides,
        "tools": sorted(_profile_tools(TOOLS, each.overrides)),
        "instructions": agent_instructions(each),
    }
    for each in found
}
accepted = {definition.name for definition in resolved.definitions}
answer = {
    "agents": {name: agent for name, agent in agents.items() if name in accepted},
    "errors": [failure.reason for failure in registry.failures] + [issue.message for issue in resolved.issues],
}
sys.stdout.write(json.dumps(answer))
