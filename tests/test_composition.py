"""Composition is static: a manifest and its flat version are the same agent, whatever bases and bundles it has."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import rtoml
from hypothesis import HealthCheck, assume, given

from composed_kits import ComposedKit, composed_kits
from conftest import examples
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.diagnostics import Diagnostic, has_errors
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.scaffold.flat_manifest import FlatManifest, flatten

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


def _tables_of_clients(data: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    tables = data.get("target", {}).items()
    return {(name, key): _ordered(value) for name, table in tables for key, value in table.items()}


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
        for file in [one.file for one in flat if "abstract = true" in one.text]:
            (folder / file).unlink()
        assert _planned(load_kit(str(folder)))[0] == files
    assert files or all("abstract" in data for data in composed.manifests.values())


def _check_flat(resolved: Mapping[str, dict[str, Any]], flat: Mapping[str, dict[str, Any]]) -> None:
    for name, data in resolved.items():
        assert _without(flat[name], *REFERENCES) == _without(data, *REFERENCES)
        assert _tables_of_clients(flat[name]) == _tables_of_clients(data)


def _check_texts(folder: Path, resolved: Mapping[str, dict[str, Any]], flat: list[FlatManifest]) -> None:
    for one in flat:
        assert _without(rtoml.loads(one.text), *REFERENCES) == _without(resolved[Path(one.file).stem], *REFERENCES)
        for here, origin in _written(one.text):
            if origin:
                _check_origin(folder, here, origin)
            elif not re.match(r"unset = |\[\w", here):
                assert any(map(_is_about(here), (folder / one.file).read_text().splitlines()))


COMMENT = re.compile(r"(?P<here>.*)  # (?:@(?P<bundle>\S+) in )?(?P<file>[\w/.-]+\.toml):(?P<line>\d+)")


def _written(text: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Yield the headers, pairs and list entries of a flat manifest, without and with the comment, if there is one.

    Of a text with several lines, yield the first one.
    """
    start = ""
    for line in text.splitlines():
        match = COMMENT.fullmatch(line)
        here = match["here"] if match else line
        if here.endswith(('= """', "= '''")):
            start = here
        elif start:
            if here.endswith(('"""', "'''")):
                yield start, match
                start = ""
        elif here.strip("]") and (match or not here.endswith("[")):
            yield here, match


def _check_origin(folder: Path, here: str, origin: re.Match[str]) -> None:
    """Check that the line that a comment names has what is before the comment."""
    line = (folder / origin["file"]).read_text().splitlines()[int(origin["line"]) - 1]
    if origin["bundle"] and not here.startswith("    "):
        assert line.startswith((f"{origin['bundle']} = [", f'"{origin["bundle"]}" = ['))
    else:
        assert _is_about(here)(line)


def _is_about(here: str) -> Callable[[str], bool]:
    """Return a function that says whether a line of a source has a header, pair or list entry of a flat manifest."""
    if here.startswith("    "):
        return lambda line: here.strip().removesuffix(",") in line
    if here.startswith("["):
        return lambda line: here.strip("[]").rpartition(".")[2] in line
    return lambda line: _last_key(line).endswith(_last_key(here)) or line == f"[[{here.partition(' ')[0]}]]"


def _last_key(line: str) -> str:
    """The end of a line with a pair: the last part of its key, and its value if that is a text, number or boolean."""
    keys, _, value = re.sub(r"""^(?:[\w-]+\.|"[^"]*"\.)*""", "", line).partition(" = ")
    return keys if value.startswith(("[", '"""', "'''")) else f"{keys} = {value}"


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
            assert _tables_of_clients(data) == _tables_of_clients(expected)
