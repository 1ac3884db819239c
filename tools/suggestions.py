"""Turn the fixes in a JSON report into review comments of a GitHub pull request, which can be accepted with a click.

Usage: suggestions.py COMMIT FOLDER KNOWN < REPORT

Print one JSON object per line for GitHub's REST API, "Create a review comment for a pull request". Paths in the report
are relative to FOLDER. KNOWN is a file with the comments that the pull request has: a JSON list of path and body per
line. These are not made again.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

MAX_LINES = 20
"""How many lines a suggestion replaces at most. GitHub only takes it if all of them are in one hunk of the diff."""


def comments(report: Mapping[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield a comment for each finding in a report whose fix changes lines of a single file."""
    for found in report["diagnostics"]:
        edits = found.get("fix", {}).get("edits", ())
        files = {edit["file"] for edit in edits}
        if len(files) != 1:
            continue
        path = folder / files.pop()
        first, last = min(edit["line"] for edit in edits), max(edit["end_line"] for edit in edits)
        with path.open(encoding="utf-8-sig") as file:  # GitHub keeps the line ends of the file
            lines = file.read().split("\n")[first - 1 : last]
        if last - first >= MAX_LINES or len(lines) != last - first + 1:
            continue
        yield {
            "path": Path(os.path.normpath(path)).as_posix(),
            **({"start_line": first, "start_side": "RIGHT"} if first < last else {}),
            "line": last,
            "side": "RIGHT",
            "body": _body(found, _changed(lines, first, edits)),
        }


def _changed(lines: list[str], first: int, edits: list[dict[str, Any]]) -> str:
    """Return lines with edits made. `first` is the number of the first line, from 1."""
    text = "\n".join(lines)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    for edit in sorted(edits, key=lambda edit: (edit["line"], edit["column"]), reverse=True):
        start = starts[edit["line"] - first] + edit["column"] - 1
        end = starts[edit["end_line"] - first] + edit["end_column"] - 1
        text = f"{text[:start]}{edit['text']}{text[end:]}"
    return text


def _body(found: Mapping[str, Any], text: str) -> str:
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    note = "" if found["fix"]["safe"] else "\n\nCheck this before you accept it: it can change what an agent does."
    return f"**{found['code']}**: {found['message']}{note}\n\n{fence}suggestion\n{text}\n{fence}"


def main(commit: str, folder: str, known: str) -> None:
    """Print the comments for the report on stdin that the pull request does not have yet."""
    have = {tuple(json.loads(line)) for line in Path(known).read_text().splitlines() if line}
    for comment in comments(json.load(sys.stdin), Path(folder)):
        if (comment["path"], comment["body"]) not in have:
            print(json.dumps({"commit_id": commit, **comment}))


if __name__ == "__main__":
    main(*sys.argv[1:])
