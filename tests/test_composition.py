"""Composition is static: a manifest and its flat version are the same agent, whatever bases and bundles it has."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import rtoml
from hypothesis import HealthCheck, assume, given, settings

from composed_kits import ComposedKit, composed_kits, value_at
from conftest import examples
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.diagnostics import Diagnostic, KeyPath, has_errors
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.scaffold.flat_manifest import FlatManifest, flatten
from kei_assembler.targets import TARGETS
from kei_assembler.toml.positions import mentions
from kei_assembler.toml.writer import document

REFERENCES = ("extends", "unset")


def _without(data: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in keys}


def _planned(kit: LoadedKit) -> tuple[dict[str, bytes | None], tuple[Diagnostic, ...]]:
    plan = plan_kit(kit, kit.manifests, whole=True)
    return {change.path: change.after for change in plan.changes}, plan.diagnostics


def _data(kit: LoadedKit) -> dict[str, dict[str, Any]]:
    """The resolved data of all manifests, by name."""
    return {Path(file).stem: dict(kit.composition.resolve(kit.read_manifest(file)).data) for file in kit.manifests}


def _ordered(value: Any) -> Any:
    """A value that is only equal to another one if the keys of its tables have the same order."""
    if isinstance(value, dict):
        return [(key, _ordered(inner)) for key, inner in value.items()]
    return list(map(_ordered, value)) if isinstance(value, list) else value


def _ordered_tables(data: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    tables = (*data.get("target", {}).items(), ("meta", data.get("meta", {})))
    return {(name, key): _ordered(value) for name, table in tables for key, value in table.items() if key != "values"}


SLOW = [HealthCheck.too_slow]


@examples(100, SLOW)
@given(composed_kits())
def test_a_kit_and_its_flat_version_generate_the_same_files(composed: ComposedKit) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        composed.write(folder)
        kit = load_kit(str(folder))
        files, found = _planned(kit)
        assume(not has_errors(found))
        resolved = _data(kit)
        flat, _ = flatten(kit, kit.manifests)
        _check_texts(folder, resolved, flat)
        for one in flat:
            (folder / one.file).write_text(one.text)
        again = load_kit(str(folder))
        after, found = _planned(again)
        assert not has_errors(found)
        assert after == files
        _check_flat(resolved, _data(again))
        assert [one.is_changed for one in flatten(again, again.manifests)[0]] == [False] * len(flat)
        unset = {key for one in flat for key in rtoml.loads(one.text).get("unset", ())}
        if not any("values" in key or key in ("target", "target.qwen") for key in unset):
            composed.settings.pop("target", None)
            (folder / "assemble.toml").write_text(document(composed.settings | {"values": {}}))
            assert _planned(load_kit(str(folder)))[0] == files
        for file in [one.file for one in flat if "abstract = true" in one.text]:
            (folder / file).unlink()
        assert _planned(load_kit(str(folder)))[0] == files
    assert files or all("abstract" in data for data in composed.manifests.values())


USES: Mapping[str, Callable[[dict[str, Any]], bool]] = {
    "a base": lambda data: "extends" in data,
    "no file of its own": lambda data: "abstract" in data,
    "keys that are dropped": lambda data: "unset" in data,
    "inherited entries": lambda data: any(
        "..." in data.get(key, ()) for key in ("domain_in", "forbidden_domain", "tools", "tags")
    ),
    "inherited blocks": lambda data: "..." in data.get("blocks", ()),
    "entries that are dropped": lambda data: any(entry.startswith("!") for entry in data.get("blocks", ())),
    "bundles that are dropped": lambda data: any(entry.startswith("!@") for entry in data.get("blocks", ())),
    "bundles": lambda data: any(entry.startswith("@") for entry in data.get("blocks", ())),
    "sections": lambda data: any("#" in entry for entry in data.get("blocks", ())),
    "handoffs that are dropped": lambda data: any(one["trigger"] is False for one in data.get("handoff", ())),
    "role files": lambda data: isinstance(data.get("role"), dict),
    "values": lambda data: "values" in data,
    "values for a client": lambda data: any("values" in table for table in data.get("target", {}).values()),
}
TRACES = {
    "a value": "Shop",
    "a value of the settings": "Store",
    "a value of the settings for a client": "Qwen",
    "a value of a manifest for a client": "Shop 2",
    "a default": "Ann",
    "a value for an entry of a list": "- src",
    "a section": "Part of b.",
    "text for one client": "Rule c for Codex.",
    "a role file": "You edit.",
}
"""What the generated files have if something of the composition has an effect."""


def test_generated_kits_use_everything() -> None:
    seen: Counter[str] = Counter()

    @settings(examples(300, SLOW), derandomize=True, database=None)
    @given(composed_kits())
    def look_at(composed: ComposedKit) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name).resolve()
            composed.write(folder)
            files, found = _planned(load_kit(str(folder)))
        seen["a kit"] += 1
        if has_errors(found):
            return
        seen["a kit without errors"] += 1
        seen.update(name for name, is_used in USES.items() if any(map(is_used, composed.manifests.values())))
        text = b"".join(filter(None, files.values())).decode()
        seen.update(name for name, trace in TRACES.items() if trace in text)
        seen.update(f"{len(composed.layers(name)) - 2} bases" for name in composed.manifests)
        seen.update(name for name in TARGETS if any(TARGETS[name].output.partition("{")[0] in file for file in files))

    look_at()
    expected = {*USES, *TRACES, *TARGETS, *(f"{number} bases" for number in range(5))}
    assert expected - seen.keys() == set()
    assert seen["a kit without errors"] > seen["a kit"] / 2, seen


def _check_flat(resolved: Mapping[str, dict[str, Any]], flat: Mapping[str, dict[str, Any]]) -> None:
    for name, data in resolved.items():
        assert _without(flat[name], *REFERENCES) == _without(data, *REFERENCES)
        assert _ordered_tables(flat[name]) == _ordered_tables(data)


def _check_texts(folder: Path, resolved: Mapping[str, dict[str, Any]], flat: list[FlatManifest]) -> None:
    for one in flat:
        written, data = rtoml.loads(one.text), _without(resolved[Path(one.file).stem], *REFERENCES)
        assert _without_values(_without(written, *REFERENCES)) == _without_values(data)
        assert all(_is_in(written, path, value) or path[-1] in SETTINGS_VALUES for path, value in _values_in(data))
        assert all(path[-1] != "OTHER" for path, _ in _values_in(written))
        for path, value, comment in _commented(one.text):
            file, line = (comment["file"], int(comment["line"])) if comment else (one.file, 0)
            assert any(_is_part(value, found) for found in _values(folder / file, path, line)), (path, comment)


SETTINGS_VALUES = ("PROJECT", "OWNER", "PATHS", "OTHER")
"""The values that the settings have. A flat manifest only has those that it uses."""


def _without_values(data: Mapping[str, Any]) -> dict[str, Any]:
    tables = {name: _without(table, "values") for name, table in data.get("target", {}).items()}
    tables = {name: table for name, table in tables.items() if table or "values" not in data["target"][name]}
    return _without(data, "values", "target") | ({"target": tables} if tables else {})


def _values_in(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    yield from ((("values", name), value) for name, value in data.get("values", {}).items())
    for target, table in data.get("target", {}).items():
        yield from ((("target", target, *path), value) for path, value in _values_in(table))


def _is_in(data: Any, path: KeyPath, value: Any) -> bool:
    for step in path:
        data = data.get(step, {})
    return bool(data == value)


COMMENT = re.compile(r".*  # (?:@\S+ in )?(?P<file>[\w/.-]+\.toml):(?P<line>\d+)")


def _commented(text: str) -> Iterator[tuple[KeyPath, Any, re.Match[str] | None]]:
    """Yield the pairs, handoffs, and entries of long lists in a flat manifest, each with its comment, if any."""
    data, lines = rtoml.loads(text), text.splitlines()
    for path, span, *_ in mentions(text):
        value, line = value_at(data, path), lines[span.line - 1]
        is_handoff = path[0] == "handoff" and len(path) == 2
        is_pair = path[0] != "handoff" and not isinstance(value, dict) and not isinstance(path[-1], int)
        is_entry = path[0] != "handoff" and isinstance(path[-1], int) and line.startswith("    ")
        if path[0] == "unset" or not (is_handoff or is_pair or is_entry) or line.endswith("["):
            continue
        if line.endswith(('= """', "= '''")):
            line = next(end for end in lines[span.line :] if re.search(r"(?:\"{3}|'{3})(?:  #.*)?$", end))
        yield path, value, COMMENT.fullmatch(line)


def _values(file: Path, path: KeyPath, line: int) -> Iterator[Any]:
    """Yield the values with the same key as at a path, or all entries if it leads to one, on a line, or on any."""
    text = file.read_text()
    data = rtoml.loads(text)
    for found, span, *_ in mentions(text):
        is_alike = isinstance(found[-1], int) if isinstance(path[-1], int) else found[-1] == path[-1]
        if line in (0, span.line) and (is_alike or "bundles" in found or found[-1] == "default"):
            yield value_at(data, found)


def _is_part(value: Any, written: Any) -> bool:
    """Return whether a value is the written one, or a list with some of its entries."""
    if isinstance(value, list) and isinstance(written, list):
        return all(entry in written for entry in value)
    return bool(value == written)


@examples(200, SLOW)
@given(composed_kits())
def test_data_are_resolved_as_described(composed: ComposedKit) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        composed.write(folder)
        kit = load_kit(str(folder))
        for manifest, data in _data(kit).items():
            expected = composed.resolved(manifest)
            assert data == expected
            assert _ordered_tables(data) == _ordered_tables(expected)
