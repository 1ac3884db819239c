"""The TOML writer: values read back, and the output is easy to edit."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import rtoml
from hypothesis import given, settings
from hypothesis import strategies as st

from kei_assembler.toml.writer import document, entry

FRAGMENTS = [
    *"\"'\\\n\r\t#=[]{}. aä🦊",
    '"""',
    "'''",
    "\r\n",
    "\\\n",
    "\x00",
    "\x08",
    "\x1b",
    "\x7f",
    "\x85",
    "\u2028",
    "\ufeff",
]
TEXT = st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join) | st.text(st.characters(exclude_categories=["Cs"]))
SCALAR = TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
ANY = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
LONG = "a" * 103


@settings(deadline=None)
@given(st.dictionaries(TEXT, ANY, max_size=4))
def test_all_values_read_back(data: dict[str, Any]) -> None:
    text = document(data)
    assert (tomllib.loads(text), rtoml.loads(text)) == (data, data)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("one", 'k = "one"\n'),
        ('the "one"', "k = 'the \"one\"'\n"),
        ('it\'s "one"', 'k = "it\'s \\"one\\""\n'),
        (r"\d", "k = '\\d'\n"),
        ("one\ntwo\n", 'k = """\none\ntwo\n"""\n'),
        ("\\d\n", "k = '''\n\\d\n'''\n"),
        ('"""\n', "k = '''\n\"\"\"\n'''\n"),
        ("\"\"\"\n'''", 'k = """\n""\\"\n\'\'\'"""\n'),
        ('\r\n"""', 'k = """\n\\r\n""\\""""\n'),
        ('\r\n""""', 'k = """\n\\r\n""\\"\\""""\n'),
        ('\r\n\\"', 'k = """\n\\r\n\\\\\\""""\n'),
        ("a\r\nb", 'k = """\na\\r\nb"""\n'),
        ("a\x7f", 'k = "a\\u007f"\n'),
        (True, "k = true\n"),
        (1.5, "k = 1.5\n"),
        ([], "k = []\n"),
        (["a", "b"], 'k = ["a", "b"]\n'),
        ([LONG, "b\nc"], f'k = ["{LONG}", "b\\nc"]\n'),
        ([LONG, "b\nc d"], f'k = [\n    "{LONG}",\n    "b\\nc d",\n]\n'),
        (["a", {"b": 1}], 'k = ["a", { b = 1 }]\n'),
        ([{"a": 1}, {"b c": [2]}], '[[k]]\na = 1\n\n[[k]]\n"b c" = [2]\n'),
        ({}, "[k]\n"),
        ({"a": 1}, "[k]\na = 1\n"),
        ({"a": {"b": 1}, "c": {"d": "e\nf"}}, '[k.a]\nb = 1\n\n[k.c]\nd = """\ne\nf"""\n'),
        ({"a": {"b": 1, "c": {"d": 2}}}, "[k.a]\nb = 1\n\n[k.a.c]\nd = 2\n"),
        ({"a": {"c": {"d": "e\nf"}}}, '[k.a.c]\nd = """\ne\nf"""\n'),
        ({"a": {"c": {"d": "e\r\nf"}}}, '[k.a.c]\nd = """\ne\\r\nf"""\n'),
        ({"a": {"b": {"d": 1}, "c": 2}}, "[k.a]\nb.d = 1\nc = 2\n"),
        ({"a": {"b c": {"d": {"*": 1}, "e": {}}, "c": 2}}, '[k.a]\n"b c".d."*" = 1\n"b c".e = {}\nc = 2\n'),
        ({"a": [{"b": 1}], "c": 2}, "[k]\na = [{ b = 1 }]\nc = 2\n"),
        ({"a": {"b": [{"c": {"d": 1}}, {}]}}, "[[k.a.b]]\n\n[k.a.b.c]\nd = 1\n\n[[k.a.b]]\n"),
    ],
)
def test_one_entry(value: Any, written: str) -> None:
    assert entry("k", value) == written
    assert tomllib.loads(written) == rtoml.loads(written) == {"k": value}


def test_pairs_precede_tables() -> None:
    assert document({"a": {"b": 1}, "c": 2, "d e": 3}) == 'c = 2\n"d e" = 3\n\n[a]\nb = 1\n'


def _orders(value: Any) -> list[Any]:
    """The keys of all tables in a value, in their order."""
    if isinstance(value, dict):
        return [list(value), *map(_orders, value.values())]
    return list(map(_orders, value)) if isinstance(value, list) else []


@settings(deadline=None)
@given(st.dictionaries(TEXT, ANY, max_size=4))
def test_the_keys_of_a_table_keep_their_order(table: dict[str, Any]) -> None:
    text = document({"k": table})
    assert _orders(rtoml.loads(text)) == _orders({"k": table})


DATA = {
    "name": "critic",
    "role": "One.\nTwo.\n",
    "tools": ["Read", "Bash"],
    "model": LONG,
    "blocks": ["a", "b"],
    "handoff": [{"target": "x"}, {"target": "y"}],
    "target": {"codex": {"a": {"b": 1}, "c": True}, "qwen": {}},
}
COMMENTS = {
    ("name",): "1",
    ("role",): "2",
    ("tools",): "3",
    ("blocks",): "4",
    ("blocks", 1): "5",
    ("handoff", 1): "6",
    ("target", "codex", "a", "b"): "7",
    ("target", "codex", "c"): "8\n= 9\x00",
    ("target", "qwen"): "10",
}
COMMENTED = f"""\
name = "critic"  # 1
role = \"\"\"
One.
Two.
\"\"\"  # 2
tools = ["Read", "Bash"]  # 3
model = "{LONG}"
blocks = [  # 4
    "a",
    "b",  # 5
]

[[handoff]]
target = "x"

[[handoff]]  # 6
target = "y"

[target.codex]
a.b = 1  # 7
c = true  # 8\\n= 9\\u0000

[target.qwen]  # 10
"""


def test_comments_follow_values() -> None:
    assert document(DATA, COMMENTS) == COMMENTED
    assert rtoml.loads(COMMENTED) == DATA


def test_a_table_can_be_written_on_one_line() -> None:
    data = {"a": {"b": 1, "c": []}, "d": {"e": 2}, "f": 3}
    assert document(data, {("a",): "here"}, inline=["a", "f"]) == "a = { b = 1, c = [] }  # here\nf = 3\n\n[d]\ne = 2\n"
