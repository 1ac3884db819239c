"""Whatever a key has that no client knows, the manifest has exactly that, or the key is reported."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kei_assembler.importing.agent_file import read_agent
from kei_assembler.importing.agents import convert_agents
from kei_assembler.importing.metadata import extra_keys_of
from kei_assembler.importing.pending_kit import manifest_text, new_kit

# YAML and Python spell exponents and infinity differently, as in `1.0e+20` and `1e+20`.
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: "e" not in repr(number))
SCALARS = st.none() | st.booleans() | st.integers() | FLOATS | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@settings(deadline=None)
@given(VALUES, VALUES)
@example("{{A}}", 1.10)
@example(2**70, {"a": None})
@example("\ud800", ["\ud800"])
@example("yes", True)
def test_metadata_is_kept_exactly_or_reported(
    tmp_path_factory: pytest.TempPathFactory, one: object, other: object
) -> None:
    agents = []
    for name, value in (("a", one), ("b", other)):
        front = yaml.dump({"name": name, "description": "D.", "category": value}, allow_unicode=False)
        agent, _ = read_agent(f"{name}.md", f"---\n{front}---\nYou are {name}.\n".encode(), "claude-code")
        if agent is not None:
            agents.append(agent)
    kit, _ = new_kit(str(tmp_path_factory.getbasetemp()), agents, extra_keys=extra_keys_of(agents))
    for conversion in convert_agents(kit, agents):
        manifest: dict[str, Any] = tomllib.loads(manifest_text(conversion.data))
        codes = [found.code for found in conversion.found if "`category`" in found.message]
        given_value = conversion.agent.value("category")
        if "category" in manifest:
            assert codes == ["I928"]
            assert _texts(manifest["category"]) == _texts(given_value)
        else:
            assert ("I904" in codes) is ("category" in conversion.agent.entries)
        assert conversion.is_complete is ("I904" not in codes)


def _texts(value: Any) -> Any:
    """A value with each number and boolean as text, without white space around texts, and a single text as a list."""
    if isinstance(value, dict):
        return {key: _texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [text for one in value for text in (_texts(one) if isinstance(_texts(one), list) else [_texts(one)])]
    if isinstance(value, bool):
        return [str(value).lower()]
    return [repr(value) if isinstance(value, float) else str(value).strip()]
