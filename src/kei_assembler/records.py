"""Named tuples whose classes cost a quarter of `typing.NamedTuple`'s to create.

Every run creates more than a hundred classes of them before it does any work. `typing.NamedTuple` compiles the
constructor of each class and the annotation of each field, which took a tenth of a run on one manifest.
"""

from __future__ import annotations

from kei_assembler import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any
    from typing import NamedTuple as NamedTuple  # for type checkers, the two are the same
else:
    from collections import namedtuple
    from collections.abc import Iterable
    from functools import cache
    from types import FunctionType

    class _Record(tuple):
        """The methods of all named tuples. They do the same as in the standard library."""

        __slots__ = ()

        @classmethod
        def _make(cls, values: Iterable[Any]) -> _Record:
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has {len(cls._fields)} fields, not {len(made)}")
            return made

        def _replace(self, /, **values: Any) -> _Record:
            made = self._make(map(values.pop, self._fields, self))
            if values:
                raise TypeError(f"{type(self).__name__} has no fields named {[*values]}")
            return made

        __replace__ = _replace  # for `copy.replace`, as from Python 3.13 on

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

        def __repr__(self) -> str:
            values = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({values})"

    @cache
    def _of_size(size: int) -> type:
        return namedtuple("_OfSize", [f"field_{number}" for number in range(size)])

    class _Creator(type):
        """The metaclass that replaces the body of a class with a named tuple that has its fields and methods.

        The constructors of all classes with the same number of fields differ in the names of the parameters and their
        defaults. The descriptors of their fields do not differ.
        """

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body.pop(field) for field in fields if field in body}
            same_size = _of_size(len(fields))
            code = same_size.__new__.__code__.replace(co_varnames=("_cls", *fields), co_qualname=f"{name}.__new__")
            create = FunctionType(code, same_size.__new__.__globals__, "__new__", (*defaults.values(),))
            getters = (getattr(same_size, field) for field in same_size._fields)
            made = {"__slots__": (), "__new__": create, "__match_args__": fields, "_fields": fields}
            made |= {"_field_defaults": defaults, **dict(zip(fields, getters, strict=True))}
            return type(name, (_Record,), body | made)

    class NamedTuple(metaclass=_Creator):
        """The base of a class whose annotated names are the fields of a tuple. Those without a default come first."""
