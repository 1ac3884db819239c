"""JSON text gets members and items, and everything else in it stays byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kei_assembler.scaffold.json_text import merged, read_object

ADDED = {"hooks": {"Pre": [{"run": "x"}]}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "{}\n",
            '{\n  "hooks": {\n    "Pre": [\n      {\n        "run": "x"\n      }\n    ]\n  }\n}\n',
        ),
        (
            '{\n\t"b": 1.0e5,\n\t"a": [ 1,2 ]\n}',
            '{\n\t"b": 1.0e5,\n\t"a": [ 1,2 ],\n\t"hooks": {\n\t\t"Pre": [\n\t\t\t{\n'
            '\t\t\t\t"run": "x"\n\t\t\t}\n\t\t]\n\t}\n}',
        ),
        ('{"a": "\\u00e9"}', '{"a": "\\u00e9", "hooks": {"Pre": [{"run": "x"}]}}'),
        (
            '{\r\n    "hooks": {\r\n        "Pre": []\r\n    }\r\n}\r\n',
            '{\r\n    "hooks": {\r\n        "Pre": [\r\n            {\r\n                "run": "x"\r\n'
            "            }\r\n        ]\r\n    }\r\n}\r\n",
        ),
        (
            '{\n  "hooks": {\n    "Post": [],\n    "Pre": [{"run": "y"}]\n  },\n  "z": null\n}\n',
            '{\n  "hooks": {\n    "Post": [],\n    "Pre": [{"run": "y"}, {"run": "x"}]\n  },\n  "z": null\n}\n',
        ),
        ('\ufeff{ "hooks": {"Pre": [{"run": "x"}]} }', '\ufeff{ "hooks": {"Pre": [{"run": "x"}]} }'),
        (f'{{"a": {"9" * 5000}}}', f'{{"a": {"9" * 5000}, "hooks": {{"Pre": [{{"run": "x"}}]}}}}'),
    ],
    ids=["new", "tabs", "one-line", "crlf", "in-a-list", "present", "long-number"],
)
def test_members_are_added(before: str, after: str) -> None:
    assert merged(before, ADDED) == after
    assert merged(after, ADDED) == after


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "is not a JSON object"),
        ('{"a": 1,}', "has comments, or a comma after the last item"),
        ('{\n// no\n"a": 1}', "has comments, or a comma after the last item"),
        ('{\n"a" 1}', "is not valid JSON in line 2"),
        ('{"a": NaN}', "is not valid JSON: it has the value NaN"),
        ('{"a": {"b": 1, "b": 2}}', "has the key `b` twice"),
        ('{"a": ' + "[" * 100_000, "is nested too deeply"),
        ('{"hooks": []}', "has a value of `hooks` that is not an object"),
        ('{"hooks": {"Pre": {}}}', "has a value of `Pre` that is not a list"),
    ],
)
def test_other_texts_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        merged(text, ADDED)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    data=st.dictionaries(st.text(max_size=3) | st.sampled_from(["hooks", "on"]), VALUES, max_size=4),
    wanted=st.dictionaries(st.sampled_from(["hooks", "on", "a"]), st.booleans() | st.text(max_size=3), max_size=3),
    indent=st.sampled_from([None, 0, 2, 4, "\t"]),
    is_ascii=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_there_stays(
    data: dict[str, Any], wanted: dict[str, Any], indent: int | str | None, is_ascii: bool, line_end: str
) -> None:
    before = json.dumps(data, indent=indent, ensure_ascii=is_ascii).replace("\n", line_end)
    after = merged(before, wanted)
    expected = {**data, **{key: value for key, value in wanted.items() if key not in data}}
    assert [*json.loads(after).items()] == [*expected.items()]
    assert after.startswith(before.rstrip("}\r\n\t "))
    assert merged(after, wanted) == after
    assert [*read_object(after)] == [*expected]
