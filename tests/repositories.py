"""Real git repositories for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SETTINGS = {
    "user.name": "t",
    "user.email": "t@example.org",
    "commit.gpgsign": "false",
    "protocol.file.allow": "always",
}


def git(folder: Path, *args: str, given: bytes = b"") -> str:
    """Run git in a folder, with this input, and return its output without the last line end."""
    settings = [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]
    command = ["git", *settings, *args]
    run = subprocess.run(command, cwd=folder, input=given, capture_output=True, check=True)
    return run.stdout.decode().removesuffix("\n")


def commit_all(folder: Path) -> None:
    """Commit all files of a folder to a new repository, which replaces an empty `.git`."""
    (folder / ".git").rmdir()
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=kit")
