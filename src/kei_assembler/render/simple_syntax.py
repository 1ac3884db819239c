"""Read a simple template as a syntax tree.

To load Jinja2 and compile a template with it takes a third of a run on one manifest, and nearly all templates are
simple. All others are left to Jinja2, and so are those with errors. The syntax is that of Jinja2's template designer
documentation, with `trim_blocks`, `lstrip_blocks` and `keep_trailing_newline`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NoReturn, TypeVar

from kei_assembler.render import trees
from kei_assembler.render.simple_tokens import (
    CLOSE,
    END,
    NAME,
    NUMBER,
    OPEN,
    PRINT,
    SIGN,
    STRING,
    TAG,
    TEXT,
    NotSimpleError,
    Token,
    tokens,
)
from kei_assembler.render.trees import Body, Node

MAX_LENGTH = 64 * 1024
"""The maximum number of characters of a kit's template: Jinja2 takes quadratic time for many names and branches."""

_RESERVED = frozenset(
    "False None True and elif else false if import in is loop none not or recursive self super true".split()
)
"""Names with a meaning of their own, which a simple template neither looks up nor gives to a value."""

_Read = TypeVar("_Read")


@lru_cache(maxsize=16)
def tree_of(text: str) -> Body | None:
    """Return the syntax tree of a template, or None if it is not simple."""
    if len(text) > MAX_LENGTH or "\r" in text:  # Jinja2 counts a lone CR as a line end
        return None
    try:
        tree = _Reader(text).template()
    except (NotSimpleError, RecursionError):
        return None
    if trees.is_deep(tree):
        return None
    blocks = [block.name for block in trees.all_of(tree, trees.Block)]
    extends = [*trees.all_of(tree, trees.Extends)]
    is_valid = len({*blocks}) == len(blocks) and len(extends) <= 1 and all(node in tree for node in extends)
    return tree if is_valid else None


class _Reader:
    """Reads the tokens of a template. At one that a simple template does not have there, it raises `NotSimpleError`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._next = next(self._tokens)

    def template(self) -> Body:
        """Read a whole template."""
        body = self._body("")
        self._take(END)
        return body

    def _body(self, *ends: str) -> Body:
        """Read statements up to a tag with one of these names, which is the next token, or up to the end for ""."""
        body: list[Node] = []
        while True:
            if self._next.type == TEXT:
                text = self._take(TEXT).value
                body += [trees.Text(text)] if text else []
            elif self._skips(OPEN, PRINT):
                body.append(trees.Print(self._closed(self._alternatives())))
            else:
                self._skips(OPEN, TAG)
                if self._next.value in ends:
                    return tuple(body)
                body.append(_STATEMENTS.get(self._next.value, _Reader._refuse)(self))

    def extends(self) -> Node:
        """Read an `extends`."""
        self._take(NAME)
        return trees.Extends(self._closed(self._take(STRING).value))

    def block(self) -> Node:
        """Read a block."""
        line = 1 + self._text.count("\n", 0, self._take(NAME).offset)
        name = self._closed(self._take(NAME).value)
        body = self._body("endblock")
        self._take(NAME)
        self._skips(NAME, name)
        return self._closed(trees.Block(name, line, body))

    def condition(self) -> Node:
        """Read an `if` with its branches."""
        branches: list[trees.Branch] = []
        while self._skips(NAME, "elif" if branches else "if"):
            test = self._closed(self._alternatives())
            branches.append(trees.Branch(test, self._body("elif", "else", "endif")))
        return trees.If(tuple(branches), self._other("endif"))

    def loop(self) -> Node:
        """Read a `for` with its `else`."""
        self._take(NAME)
        name = self._new_name()
        self._take(NAME, "in")
        values = self._closed(self._alternatives())
        return trees.For(name, values, self._body("else", "endfor"), self._other("endfor"))

    def _other(self, end: str) -> Body:
        """Read an `else`, if it is next, and the end of the statement."""
        body: Body = ()
        if self._skips(NAME, "else"):
            self._take(CLOSE)
            body = self._body(end)
        self._take(NAME, end)
        return self._closed(body)

    def assignment(self) -> Node:
        """Read a `set`, and its body if it has one."""
        self._take(NAME)
        name = self._new_name()
        if self._skips(SIGN, "="):
            return self._closed(trees.Assign(name, self._alternatives()))
        self._take(CLOSE)
        body = self._body("endset")
        self._take(NAME)
        return self._closed(trees.Capture(name, body))

    def _new_name(self) -> str:
        name = self._take(NAME).value
        return self._refuse() if name in _RESERVED else name

    def _alternatives(self) -> Node:
        left = self._conjunction()
        while self._skips(NAME, "or"):
            left = trees.Or(left, self._conjunction())
        return left

    def _conjunction(self) -> Node:
        left = self._negation()
        while self._skips(NAME, "and"):
            left = trees.And(left, self._negation())
        return left

    def _negation(self) -> Node:
        if self._skips(NAME, "not"):
            return trees.Not(self._negation())
        left = self._test()
        if self._skips(SIGN, "=="):
            return trees.Equal(left, self._test())
        return trees.Not(trees.Equal(left, self._test())) if self._skips(SIGN, "!=") else left

    def _test(self) -> Node:
        value = self._operand()
        while self._skips(SIGN, "|"):
            value = trees.Filter(value, self._take(NAME).value, *self._arguments())
        if not self._skips(NAME, "is"):
            return value
        is_negated = self._skips(NAME, "not")
        self._take(NAME, "none")
        return trees.Not(trees.IsNone(value)) if is_negated else trees.IsNone(value)

    def _operand(self) -> Node:
        if self._next.type in _CONSTANTS:
            return trees.Constant(self._constant())
        if self._skips(SIGN, "("):
            value = self._alternatives()
            self._take(SIGN, ")")
            return value
        if self._skips(NAME, "super"):
            self._take(SIGN, "(")
            self._take(SIGN, ")")
            return trees.Super()
        path = [self._take(NAME).value if self._next.value == "loop" else self._new_name()]
        while self._skips(SIGN, "."):
            path.append(self._take(NAME).value)
        return trees.Lookup(tuple(path))

    def _arguments(self) -> tuple[tuple[str | int, ...], tuple[tuple[str, str | int], ...]]:
        """Read the arguments of a filter, if it has any: those without and those with a name."""
        arguments: list[str | int] = []
        options: dict[str, str | int] = {}
        if not self._skips(SIGN, "("):
            return (), ()
        while not self._skips(SIGN, ")"):
            if arguments or options:
                self._take(SIGN, ",")
            if self._next.type in _CONSTANTS and not options:
                arguments.append(self._constant())
                continue
            name = self._take(NAME).value
            if name in options:
                self._refuse()
            self._take(SIGN, "=")
            options[name] = self._constant()
        return tuple(arguments), tuple(options.items())

    def _constant(self) -> str | int:
        return self._take(STRING).value if self._next.type == STRING else int(self._take(NUMBER).value)

    def _closed(self, read: _Read) -> _Read:
        """Return what was read, if the tag or print ends after it."""
        self._take(CLOSE)
        return read

    def _skips(self, kind: str, value: str) -> bool:
        """Return whether the next token is this one. If so, go on to the token after it."""
        is_next = self._next.type == kind and self._next.value == value
        if is_next:
            self._next = next(self._tokens, self._next)
        return is_next

    def _take(self, kind: str, value: str | None = None) -> Token:
        token = self._next
        if token.type != kind or value not in (None, token.value):
            raise NotSimpleError
        self._next = next(self._tokens, token)
        return token

    def _refuse(self) -> NoReturn:
        raise NotSimpleError


_CONSTANTS = (STRING, NUMBER)
_STATEMENTS: Mapping[str, Callable[[_Reader], Node]] = {
    "block": _Reader.block,
    "extends": _Reader.extends,
    "for": _Reader.loop,
    "if": _Reader.condition,
    "set": _Reader.assignment,
}
