"""Batches: how the manifests of a run are divided between two processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from kei_assembler.build.planner import BATCH, Planner
from kei_assembler.loader import load_kit


@pytest.mark.parametrize("targets", [["codex"], ["codex", "qwen", "gemini"]])
@pytest.mark.parametrize("count", [0, 1, 2, 3, BATCH, BATCH + 1, 2 * BATCH + 1, 200, 1001])
def test_batches_are_small_and_the_halves_are_alike(count: int, targets: list[str], tmp_path: Path) -> None:
    (tmp_path / "_blocks").mkdir()
    (tmp_path / "assemble.toml").write_text(f"targets = {targets}\n")
    files = [f"agents/a{number}.toml" for number in range(count)]
    batches = Planner(load_kit(str(tmp_path))).batches(files)
    assert [file for batch in batches for file in batch] == files
    assert all(0 < len(batch) * len(targets) <= BATCH for batch in batches)
    half = len(batches) // 2
    first, second = (sum(map(len, some)) for some in (batches[:half], batches[half:]))
    assert abs(first - second) <= max(map(len, batches), default=0)


def test_one_manifest_can_have_more_targets_than_a_batch_has_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kei_assembler.build.planner.BATCH", 1)
    (tmp_path / "_blocks").mkdir()
    (tmp_path / "assemble.toml").write_text('targets = ["codex", "qwen"]\n')
    assert Planner(load_kit(str(tmp_path))).batches(["a", "b"]) == [["a"], ["b"]]
