"""Options of a build that contradict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from kei_assembler.cli.options import NEEDS_RECURSIVE


def refuse_contradictions(manifests: Sequence[str], output_format: str, options: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other.

    Raises:
        click.UsageError: they do. The message says which.
    """
    given = {name for name, value in options.items() if value}
    only_looks, writes = given & {"check", "diff"}, given & {"force", "prune"}
    contradictions = (
        (manifests and "all_" in given, "--all builds all manifests; name manifests or use --all, not both"),
        ("recursive" in given and "all_" not in given, "--recursive requires --all"),
        ("exclude" in given and "recursive" not in given, NEEDS_RECURSIVE),
        (
            {"for_user", "recursive"} <= given,
            "--user allows one kit to write to your home folder, so it cannot be used with --recursive",
        ),
        (
            {"for_user", "staged"} <= given,
            "--user cannot be used with --staged: a kit in a git repository cannot write to your home folder",
        ),
        (not manifests and "all_" not in given, "name the manifests to assemble, or use --all"),
        (only_looks and writes, "--force and --prune cannot be used with --check or --diff, which write nothing"),
        ("prune" in given and "all_" not in given, "--prune requires --all"),
        (
            "stdout" in given and (only_looks or writes or "staged" in given),
            "--stdout cannot be used with --check, --diff, --force, --prune or --staged",
        ),
        (
            "output_dir" in given and given & {"recursive", "staged", "stdout"},
            "--output-dir cannot be used with --recursive, --staged or --stdout",
        ),
        (
            "without" in given and "output_dir" not in given,
            "--without requires --output-dir, so that the kit's own files stay complete",
        ),
        (
            given & {"fix", "unsafe_fixes"} and given & {"stdout", "output_dir"},
            "--fix and --unsafe-fixes cannot be used with --stdout or --output-dir",
        ),
        ("stdout" in given and len(manifests) != 1, "--stdout takes exactly one manifest"),
        ("stdout" in given and output_format != "text", "--stdout cannot be used with --output-format"),
    )
    for contradicts, message in contradictions:
        if contradicts:
            raise click.UsageError(message)
