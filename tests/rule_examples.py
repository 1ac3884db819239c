"""The examples in the rules' documentation, as files of a kit."""

from __future__ import annotations

import re
from typing import NamedTuple

_FILE_LINE = re.compile(r"# (?P<path>[\w./>@#-]+\.(?:toml|md|j2|txt|json))(?: \((?P<how>[\w-]+)(?P<times> times)?\))?")


class ExampleFile(NamedTuple):
    """One file of an example; few set `encoding`, or `times`, which repeats the text."""

    path: str
    text: str
    encoding: str = "utf-8"
    times: int = 1


def example_files(example: str) -> list[ExampleFile]:
    """Return the files of an example. A line `# PATH` starts each; without one, the file is `agents/critic.toml`."""
    lines = example.split("\n")
    if not _FILE_LINE.fullmatch(lines[0]):
        lines = ["# agents/critic.toml", *lines]
    starts = [index for index, line in enumerate(lines) if _FILE_LINE.fullmatch(line)]
    return [_example_file(lines[start:end]) for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _example_file(lines: list[str]) -> ExampleFile:
    head = _FILE_LINE.fullmatch(lines[0])
    assert head
    text = "\n".join(lines[1:]).rstrip("\n")
    times = int(head["how"]) if head["times"] else 1
    return ExampleFile(head["path"], text and f"{text}\n", "utf-8" if head["times"] else head["how"] or "utf-8", times)
