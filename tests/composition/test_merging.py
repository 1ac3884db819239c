"""Whatever the layers of a manifest contain, they can be merged, and values keep the places where they were written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import tomli_w
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from composed_kits import value_at
from conftest import Workbench, examples
from kei_assembler import Kit
from kei_assembler.diagnostics import KeyPath, Severity
from kei_assembler.model.inheritance import MAX_FAULTS, OWN_KEYS, Origin, Resolved, merged

BUNDLES = {"x": ["a", "b"], "y": []}
WORDS = st.sampled_from(
    ("...", "!a", "!", "@x", "@y", "@z", "!@x", "!@z", "a", "b", "…", "", " ", "tools", "target.codex")
)
LEAVES = WORDS | st.integers(0, 1) | st.booleans() | st.floats(allow_nan=False)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(("target", "trigger", "a")), inner),
    max_leaves=6,
)
KEYS = ("tools", "blocks", "handoff", "references", "target", "unset", "extends", "name", "values", "model", "x")
CLIENTS = st.dictionaries(st.sampled_from(("codex", "copilot", "opencode", "zed")), VALUES, max_size=2)
HANDOFFS = st.lists(
    st.fixed_dictionaries({"target": WORDS, "trigger": st.sampled_from(("x", False, True))}) | VALUES, max_size=4
)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(KEYS, VALUES),
        "target": CLIENTS | VALUES,
        "handoff": HANDOFFS | VALUES,
        "tools": st.lists(WORDS, max_size=6) | VALUES,
        "blocks": st.lists(WORDS, max_size=6) | VALUES,
        "unset": st.lists(WORDS, max_size=3) | VALUES,
    },
)


def _bundle(name: str) -> list[tuple[str, Origin]] | None:
    blocks = BUNDLES.get(name)
    return (
        None
        if blocks is None
        else [(block, Origin("settings", ("bundles", name, index))) for index, block in enumerate(blocks)]
    )


def _leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not isinstance(value, dict | list):
        yield path, value
    for key, inner in items:
        yield from _leaves(inner, (*path, key))


@given(TABLES, TABLES, TABLES)
@example({"tools": ["...", "!a", "!a", {}]}, {"tools": [{"a": 1}, "a", []]}, {})
@example({"blocks": ["@x", "a", "a"]}, {}, {})
@example({"handoff": [{"target": "a", "trigger": False}, {"trigger": False}, "..."]}, {"handoff": ["a", 1]}, {})
def test_each_value_keeps_its_place(own: Mapping[str, Any], base: Mapping[str, Any], defaults: dict[str, Any]) -> None:
    settings = Resolved(defaults, "settings", ("defaults",))
    sources = {"own": own, "base": base, "settings": {"defaults": defaults, "bundles": BUNDLES}}
    resolved = merged(own, "own", merged(base, "base", settings, _bundle), _bundle)
    for path, value in _leaves(resolved.data):
        file, at = resolved.origin(path)
        written = value_at(sources[file], at)
        assert written == value
        assert file == "own" or path[0] not in OWN_KEYS
    for layer in resolved.layers():
        assert len(layer.faults) <= MAX_FAULTS
        for fault in layer.faults:
            value_at(sources[fault.origin.file], fault.origin.path)


@given(TABLES, TABLES)
def test_merging_changes_no_layer(own: dict[str, Any], base: dict[str, Any]) -> None:
    before = repr((own, base))
    merged(own, "own", merged(base, "base", Resolved({}, ""), _bundle), _bundle)
    assert repr((own, base)) == before


@given(TABLES)
def test_a_manifest_without_references_stays_as_it_is(own: dict[str, Any]) -> None:
    """Without anything to inherit, only entries that refer to bundles or to what is inherited mean anything."""
    resolved = merged(own, "own", Resolved({}, ""), _bundle)
    if not any(value in ("...", "@x", "@y", "@z") or value is False for _, value in _leaves(own)):
        assert repr(resolved.data) == repr(own)


@examples(100, [HealthCheck.function_scoped_fixture])
@given(TABLES, TABLES, st.sampled_from(("base", "critic", "nobody", "")))
@example({"blocks": ["a"], "targets": ["zed"]}, {"values": "x"}, "")
@example({"role": "You know {{A}}.", "values": "A", "targets": ["gemini"]}, {"values": {"A": "x"}}, "")
def test_whatever_the_manifests_contain_it_can_be_checked(
    bench: Workbench, own: dict[str, Any], base: dict[str, Any], above: str
) -> None:
    settings = {"bundles": {"x": ["a"]}, "values": {"B": "x"}}
    critic = {**own, "name": "critic", "description": "Reviews code.", "extends": "base"}
    bench.write({"assemble.toml": tomli_w.dumps(settings), "_blocks/a.md": "# A\n\nUse {{A}} and {{B}}.\n"})
    bench.write({"agents/critic.toml": tomli_w.dumps(critic)})
    bench.write({"agents/base.toml": tomli_w.dumps({**base, "name": "base", "abstract": True, "extends": above})})
    kit = Kit.load(bench.folder)
    found = {one.location for one in kit.check() if one.severity is Severity.ERROR}
    assert {one.location for one in kit.check("agents/critic.toml") if one.severity is Severity.ERROR} <= found
