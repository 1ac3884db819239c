"""Set and drop keys in TOML text: the data is as expected, and everything else stays as it is written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kei_assembler.toml.assignments import assigned

TEXT = """\
# top
name = "a"  # n
description = 'D "x"' # d
tools = [
    "Read",  # why
    # between
    "Grep",
]
role = '''
One.
Two.
'''
references = { extra = ["x"] }

[target.claude-code]
# note
color = "red"
maxTurns = 3

[target.claude-code.hooks]
a = 1

[[handoff]]
target = "x"
trigger = "y"
"""


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("description",), "It's", """'D "x"' # d""", '"It\'s" # d'),
        (("description",), "new", """'D "x"' # d""", "'new' # d"),
        (("tools",), ["Read", "Bash", "Grep"], '# why\n', '# why\n    "Bash",\n'),
        (("tools",), ["Grep"], '    "Read",  # why\n    # between\n', "    # why\n    # between\n"),
        (("role",), "One.\nThree.\n", "Two.", "Three."),
        (("target", "claude-code", "color"), "blue", '"red"', '"blue"'),
        (("target", "claude-code", "color"), None, 'color = "red"\n', ""),
        (("target", "claude-code", "maxTurns"), 4, "3", "4"),
        (("target", "claude-code", "skills"), ["a"], "maxTurns = 3\n", 'maxTurns = 3\nskills = ["a"]\n'),
        (("target", "claude-code", "hooks"), None, "[target.claude-code.hooks]\na = 1\n\n", ""),
        (("target", "codex", "model"), "x", 'trigger = "y"\n', 'trigger = "y"\n\n[target.codex]\nmodel = "x"\n'),
        (("handoff",), None, '[[handoff]]\ntarget = "x"\ntrigger = "y"\n', ""),
        (("model",), "opus", '["x"] }\n', '["x"] }\nmodel = "opus"\n'),
        (("references", "extra"), ["x", "y"], '["x"]', '["x", "y"]'),
        (("name",), "a", "", ""),
    ],
)  # fmt: skip
def test_only_the_value_changes(path: tuple[str, ...], value: Any, old: str, new: str) -> None:
    assert assigned(TEXT, path, value) == TEXT.replace(old, new, 1)


def test_a_key_is_dropped_from_a_table_on_one_line() -> None:
    assert assigned('a = { b = 1, c = "x" } # n\n', ("a", "b"), None) == 'a = { c = "x" } # n\n'


def test_what_cannot_be_written_is_refused() -> None:
    assert assigned("target = { codex = 1 }\n", ("target", "codex", "model"), "x") is None
    assert assigned('target.codex.model = "x"\nname = "a"\n', ("target", "codex", "effort"), "high") is None


VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.lists(st.text("ab\"'\\\n#", max_size=4), max_size=3),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), min_size=1),
    st.none(),
)
PATHS = st.sampled_from(
    [
        ("description",),
        ("tools",),
        ("role",),
        ("new",),
        ("target", "claude-code", "hooks"),
        ("handoff",),
        ("values", "X"),
    ]
)


@given(st.lists(st.tuples(PATHS, VALUES), max_size=4))
def test_the_text_has_the_values_that_were_set(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    text, wanted = TEXT, dict[tuple[str, ...], Any]()
    for path, value in changes:
        made = assigned(text, path, value)
        if made is not None:
            text, wanted[path] = made, value
    for path, value in wanted.items():
        found: Any = tomllib.loads(text)
        for step in path:
            found = found.get(step, {}) if isinstance(found, dict) else {}
        assert found == ({} if value is None else value)
    assert text.startswith('# top\nname = "a"  # n\n')
