"""Tables of strings are validated quickly, and with the same result as other tables."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kei_assembler.validation import BOOLEAN, FILLED, Field, ValidationError, list_of, reader, table

FIELDS = (
    Field("label", FILLED, ""),
    Field("target", FILLED, "", required=True, default=""),
    Field("trigger", FILLED, "", default="none"),
)
OF_TEXTS = reader(list_of(table(*FIELDS), "a list of tables"))
OF_OTHERS = reader(list_of(table(*FIELDS, Field("other", BOOLEAN, "")), "a list of tables"))
"""The same fields, and one that no table of the test has."""

VALUES: st.SearchStrategy[Any] = st.sampled_from(["", " ", "critic", "a\nb", 1, True, None, ["critic"], {}])
KEYS = ("label", "target", "trigger")
TABLES = st.dictionaries(st.sampled_from([*KEYS, "triger"]), VALUES)
FULL_TABLES = st.permutations(KEYS).map(lambda keys: dict.fromkeys(keys, "critic"))
LISTS = st.lists(FULL_TABLES, max_size=3) | st.lists(FULL_TABLES | TABLES | st.sampled_from([[], "critic"]), max_size=3)


@given(value=LISTS)
def test_tables_of_strings_are_read_like_others(value: list[Any]) -> None:
    results = []
    for read in (OF_TEXTS, OF_OTHERS):
        found: list[ValidationError] = []
        made = [[*table.items()] for table in read(value, ("handoff",), found)]
        results.append((made, [(error.kind, error.path, error.value, error.fault) for error in found]))
    assert results[0] == results[1]
