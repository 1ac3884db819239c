"""Regular expressions that are compiled when they are first used.

A run uses few of the package's patterns, and compiling all that it imports took a twentieth of a run on one manifest.
"""

from __future__ import annotations

import re

from kei_assembler import TYPE_CHECKING

if TYPE_CHECKING:
    from re import compile as compile  # noqa: A004 (type checkers see no difference)
    from typing import Any, AnyStr
else:

    class _Pattern:
        """Has the attributes of a compiled pattern. Only the first access to each costs more than there."""

        def __init__(self, pattern: AnyStr, flags: int = 0) -> None:
            self._arguments = pattern, flags

        def __getattr__(self, name: str) -> Any:
            value = getattr(re.compile(*self._arguments), name)
            setattr(self, name, value)
            return value

    compile = _Pattern  # noqa: A001 (named like the function that it replaces)
