"""A manifest that refers to nothing else, in a kit without defaults, stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import examples
from kei_assembler.model.inheritance import Resolved, merged, refers

ENTRIES = st.sampled_from(["baseline", "@base", "@all", "@", "!x", "...", "…", "", 1, False, ["..."], {"a": "..."}])
LISTS = st.lists(ENTRIES, max_size=3)
HANDOFFS = st.lists(
    st.sampled_from([{"target": "a", "trigger": "x"}, {"target": "a", "trigger": False}, {"trigger": False}, "..."])
)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "tools": LISTS,
        "blocks": LISTS | ENTRIES,
        "targets": LISTS,
        "handoff": HANDOFFS | ENTRIES,
        "unset": LISTS,
        "references": st.fixed_dictionaries({}, optional={"extra": LISTS}),
        "target": st.dictionaries(st.sampled_from(["codex", "claude-code"]), st.dictionaries(st.just("tools"), LISTS)),
    },
)
SETTINGS = Resolved({}, "assemble.toml")


@examples(400)
@given(own=DATA)
def test_a_manifest_that_refers_to_nothing_is_merged_to_itself(own: dict[str, Any]) -> None:
    if not refers(own):
        resolved = merged(own, "agents/critic.toml", SETTINGS, lambda _: None)
        alone = Resolved(own, "agents/critic.toml", far=SETTINGS)
        assert resolved._replace(taken={}) == alone
        assert all(resolved.origin(path) == alone.origin(path) for path in resolved.taken)


@pytest.mark.parametrize(
    "own",
    [
        {"handoff": [{"target": "a", "trigger": "x"}, {"target": "b", "trigger": False}]},
        {"unset": ["model"]},
        {"blocks": ["baseline", "@base"]},
        {"targets": ["@all"]},
        {"references": {"extra": ["..."]}},
        {"target": {"codex": {"values": {"PATHS": ["..."]}}}},
    ],
)
def test_a_reference_has_an_effect(own: dict[str, Any]) -> None:
    resolved = merged(own, "agents/critic.toml", SETTINGS, lambda _: None)
    assert (resolved.data, resolved.faults) != (own, ())
    assert refers(own)
