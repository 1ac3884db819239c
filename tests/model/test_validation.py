"""A table of strings is validated quickly, and with the same result as any other table."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kei_assembler.validation import BOOLEAN, FILLED, Field, ValidationError, reader, table

FIELDS = (Field("target", FILLED, "", required=True, default=""), Field("trigger", FILLED, "", default="none"))
OF_TEXTS = reader(table(*FIELDS))
OF_OTHERS = reader(table(*FIELDS, Field("other", BOOLEAN, "")))
"""The same fields, and one that no table of the test has."""

VALUES: st.SearchStrategy[Any] = st.sampled_from(["", " ", "critic", "a\nb", 1, True, None, ["critic"], {}])
TABLES = st.one_of(
    st.dictionaries(st.sampled_from(["target", "trigger", "triger"]), VALUES), st.just([]), st.just("critic")
)


@given(value=TABLES)
def test_a_table_of_strings_is_read_like_others(value: Any) -> None:
    results = []
    for read in (OF_TEXTS, OF_OTHERS):
        found: list[ValidationError] = []
        made = read(value, ("handoff", 0), found)
        results.append(([*made.items()], [(error.kind, error.path, error.value, error.fault) for error in found]))
    assert results[0] == results[1]
