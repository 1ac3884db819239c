"""Scripts that need Node.js, and packages that `make slow` installs."""

from __future__ import annotations

import shutil

import pytest

from conftest import REPOSITORY

NODE = REPOSITORY / "tests" / "node"


def node_command(script: str, *packages: str) -> list[str]:
    """Return the command for a script in `tests/node`, or skip the test if one of its packages is missing."""
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    for package in packages:
        if not (NODE / "node_modules" / package).is_dir():
            pytest.skip(f"{package} is not installed; run `make slow`")
    return [node, str(NODE / script)]
