"""The fix of a schema file that is out of date."""

from __future__ import annotations

from kei_assembler import lazy_re
from kei_assembler.build.changes import Change
from kei_assembler.build.classify import text_of
from kei_assembler.diagnostics import Fix, Replacement
from kei_assembler.toml.lists import equal_ends
from kei_assembler.toml.source import span_of

_LINE = lazy_re.compile(r"[^\n]*+\n|[^\n]++")


def fix_of_schema(change: Change) -> Fix:
    """Return the fix that replaces the lines of a schema that differ from those that are generated now."""
    before, after = text_of(change.before or b""), text_of(change.after or b"")
    old, new = _LINE.findall(before), _LINE.findall(after)
    first, last = equal_ends(old, new)
    start, end = len("".join(old[:first])), len(before) - len("".join(old[len(old) - last :]))
    text = "".join(new[first : len(new) - last])
    return Fix((Replacement(change.path, span_of(before, start, end), text),), is_safe=True)
