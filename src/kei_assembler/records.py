"""Named tuples whose classes cost less than half of `typing.NamedTuple`'s to create.

Every run creates about a hundred classes of them before it does any work. `typing.NamedTuple` also compiles the
annotation of each field, which only programs that look at annotations need. That took a tenth of a run on one manifest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple  # for type checkers, the two are the same
else:
    from collections import namedtuple

    class _Creator(type):
        """The metaclass that replaces the body of a class with a named tuple that has its fields and methods."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body.get("__annotations__", {})
            defaults = [body.pop(field) for field in fields if field in body]
            created = namedtuple(name, fields, defaults=defaults, module=body.pop("__module__"))
            for key, value in body.items():
                setattr(created, key, value)
            return created

    class NamedTuple(metaclass=_Creator):
        """The base of a class whose annotated names are the fields of a tuple. Those without a default come first."""
