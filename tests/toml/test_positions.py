"""The positions of keys and list items in TOML text, in every notation that TOML 1.1 allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from conftest import examples
from kei_assembler.diagnostics import KeyPath
from kei_assembler.toml.positions import mentions
from kei_assembler.toml.source import START, read_toml

# The spellings of each key; `{}` is a number that makes every key unique.
NAMES = {
    "k{}": ("k{}", '"k{}"', "'k{}'", '"\\u006b{}"'),
    "{}": ("{}", "'{}'"),
    "-_{}": ("-_{}", '"-_{}"'),
    "é 😀.{}": ('"é 😀.{}"', "'é 😀.{}'", '"\\u00e9 \\U0001F600.{}"'),
    "a#]={}": ('"a#]={}"',),
    'q"{}': ('"q\\"{}"', "'q\"{}'"),
}
SCALARS = (
    *("1", "0x1f", "-1.5e3", "true", "inf", "2024-01-01", "07:32:00.5", "1979-05-27T07:32:00-07:00"),
    *('""', '"a b"', "'x#]}'", '"a\\n\\"b\\\\"', '"漢字 😀"', '"""\na = 1\n"quoted"\n"""', "'''\n[x]\n# no\n'''"),
    *('"""x\\\n   y"""', '""""a""""', "''''a''''"),
)
SPACES = ("", " ", "\t")
GAPS = (*SPACES, "\n", "\n\n  ", " # c ] } , é\n\t")


class Grammar(NamedTuple):
    """The syntax that a document can use; by default that of TOML 1.0."""

    names: dict[str, tuple[str, ...]] = NAMES
    scalars: tuple[str, ...] = SCALARS
    gaps: tuple[str, ...] = SPACES
    commas: tuple[str, ...] = ("",)


ESCAPES = Grammar(
    names=NAMES | {"k{}": ('"\\x6b{}"', "k{}")}, scalars=('"\\e[0m"', '"\\x41"', '"""\\e\n"""', '"\\\\e"')
)
TIMES = Grammar(scalars=("07:32", "2024-01-01T07:32", "2024-01-01 07:32Z", "1"))
LINES = Grammar(gaps=GAPS)
COMMAS = Grammar(commas=("", ","))
EVERYTHING = Grammar(ESCAPES.names, SCALARS + ESCAPES.scalars + TIMES.scalars, GAPS, COMMAS.commas)


class Document:
    """A TOML document, generated piece by piece, with the offsets of its keys and list items."""

    def __init__(self, draw: st.DrawFn, grammar: Grammar) -> None:
        self.draw = draw
        self.grammar = grammar
        self.text = ""
        self.offsets: dict[KeyPath, tuple[int, int]] = {}
        self.names = 0
        self.pairs((), 2)
        for write in self.pick([], [self.table], [self.tables], [self.table, self.tables], [self.tables, self.table]):
            write()

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def name(self) -> tuple[str, int]:
        self.names += 1
        return self.pick(*self.grammar.names), self.names

    def record(self, path: KeyPath, start: int) -> None:
        self.offsets.setdefault(path, (start, len(self.text)))

    def key(self, prefix: KeyPath, name: tuple[str, int]) -> KeyPath:
        pattern, number = name
        start = len(self.text)
        self.text += self.pick(*self.grammar.names[pattern]).format(number)
        self.record((*prefix, pattern.format(number)), start)
        return (*prefix, pattern.format(number))

    def dotted(self, prefix: KeyPath, names: list[tuple[str, int]]) -> KeyPath:
        for index, name in enumerate(names):
            self.text += self.pick(".", " . ", ".\t") if index else ""
            prefix = self.key(prefix, name)
        return prefix

    def pairs(self, prefix: KeyPath, max_count: int) -> None:
        for _ in range(self.pick(*range(max_count + 1))):
            self.text += self.pick("", "  ", "# [no]\n", "\n")
            self.pair(prefix, 2)
            self.text += self.pick("\n", " # = c\n", "\n\n")

    def pair(self, prefix: KeyPath, depth: int) -> None:
        path = self.dotted(prefix, [self.name() for _ in range(self.pick(1, 1, 1, 2, 3))])
        self.text += self.pick(" = ", "=", "\t =  ")
        self.value(path, depth)

    def value(self, path: KeyPath, depth: int) -> None:
        match self.pick("scalar", "scalar", *(("[]", "{}") if depth else ())):
            case "[]":
                self.items("[]", GAPS, ("", ","), lambda index: self.item((*path, index), depth - 1))
            case "{}":
                gaps, commas = self.grammar.gaps, self.grammar.commas
                self.items("{}", gaps, commas, lambda _: self.pair(path, depth - 1))
            case _:
                self.text += self.pick(*self.grammar.scalars)

    def items(self, ends: str, gaps: tuple[str, ...], commas: tuple[str, ...], write: Callable[[int], None]) -> None:
        count = self.pick(0, 1, 2, 3)
        self.text += ends[0]
        for index in range(count):
            self.text += self.pick(*gaps)
            write(index)
            self.text += self.pick(*gaps) + ("," if index < count - 1 else self.pick(*commas))
        self.text += self.pick(*gaps) + ends[1]

    def item(self, path: KeyPath, depth: int) -> None:
        start = len(self.text)
        self.value(path, depth)
        self.record(path, start)

    def table(self) -> None:
        names = [self.name() for _ in range(self.pick(1, 2, 3))]
        for part in self.pick([names], [names, names[:-1]], [names[:-1], names]):
            if part:
                self.text += self.pick("[", "[ ", " [\t")
                path = self.dotted((), part)
                self.text += self.pick("]\n", " ] # c\n")
                self.pairs(path, 1)

    def tables(self) -> None:
        outer, inner, table = self.name(), self.name(), self.name()
        for index in range(self.pick(1, 2, 3)):
            path = self.element((), [outer], index)
            for number in range(self.pick(0, 0, 1, 2)):
                self.element(path, [outer, inner], number)
            if self.pick(True, False):
                self.text += "["
                self.key((), outer)
                self.text += "."
                inner_path = self.key(path, table)
                self.text += "]\n"
                self.pairs(inner_path, 1)

    def element(self, outer: KeyPath, names: list[tuple[str, int]], index: int) -> KeyPath:
        self.text += "[["
        for name in names[:-1]:
            self.key((), name)
            self.text += "."
        start = len(self.text)
        path = (*self.key(outer, names[-1]), index)
        self.record(path, start)
        self.text += "]]\n"
        self.pairs(path, 1)
        return path


def _paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _offset(text: str, line: int, column: int) -> int:
    return sum(len(before) + 1 for before in text.split("\n")[: line - 1]) + column - 1


@pytest.mark.parametrize(
    ("text", "path", "spelling"),
    [
        ('"\\x6b" = 1', ("k",), '"\\x6b"'),
        ("k = [07:32, 1]", ("k", 0), "07:32"),
        ("t = 07:32\nk = 1", ("t",), "t"),
        ("[a]\nb = 07:32", ("a", "b"), "b"),
        ("a = {\n b = 1\n}", ("a", "b"), "b"),
        ("k = [\n{ 'a' = 1,\n }]", ("k", 0, "a"), "'a'"),
        ("k = [1, 2] # c", ("k", 1), "2"),
        ("[[t]]\n[[t]]\na = 1", ("t", 1, "a"), "a"),
    ],
)
def test_key_or_item_is_located(text: str, path: KeyPath, spelling: str) -> None:
    line, column, _, end_column = read_toml("a.toml", text.encode()).locate(path)
    assert text.split("\n")[line - 1][column - 1 : end_column - 1] == spelling


@pytest.mark.slow
@pytest.mark.parametrize(
    "grammar",
    [Grammar(), COMMAS, ESCAPES, TIMES, LINES, EVERYTHING],
    ids=["1.0", "commas", "escapes", "times", "lines", "everything"],
)
@examples(60, [HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_every_key_and_item_of_a_document_is_located(grammar: Grammar, data: st.DataObject) -> None:
    document = data.draw(st.composite(lambda draw: Document(draw, grammar))())
    source = read_toml("a.toml", document.text.replace("\n", "\r\n").encode())
    assert source.error is None
    assert set(_paths(source.data)) == set(document.offsets)
    for path, (start, end) in document.offsets.items():
        *start_position, end_line, end_column = source.locate(path)
        found = _offset(source.text, *start_position), _offset(source.text, end_line, end_column)
        assert found == (start, end), f"{path}: {document.text[start:end]!r}, not {document.text[slice(*found)]!r}"
    for key in source.data:
        alone = [mention for mention in mentions(source.text) if mention.path[0] == key]
        assert [*mentions(source.text, key)] == alone
        other = read_toml("a.toml", source.text.encode())  # in which no other key has been located
        paths = [path for path in document.offsets if path[0] == key]
        assert [other.locate(path) for path in paths] == [source.locate(path) for path in paths]


@pytest.mark.parametrize(
    "text",
    [
        'tools = ["Read"]\nmodel = "opus"\n',
        'model = "opus"\n\ntools = [\n    "Read", # a comment\n]\n[values]\nTOOLS = "tools = 1"\n',
        'role = """\ntools = ["Read"]\nmore\n"""\n"tools" = ["Read"]\n',
        "role = '''\n  tools = [\"Read\"]\n'''\n'tools'=[\"Read\"]",
        '"\\u0074ools" = ["Read"]\nrole = """\ntools = ["Read"]\nmore\n"""\n',
        '# tools = ["Write"]\n  tools\t= ["Read"]\n[target.claude-code]\ntools = ["Bash"]\n',
        'a = 1\ntools = """\nx\n\ntools"""\n',
        'tools = ["a # b", \'c, "d"\', # "e"\n  """f\n"g" # h""", "i\\"j\\\\"]\nmodel = "k"\n',
        "tools = ['''a\n''b'''''\n, \"\", '', \"é\", 'ü']",
        "tools = []",
        "  'tools' = 1",
        "[tools]\na = 1\n",
        "tools.a = 1\ntools.b = 2\n",
    ],
)
def test_a_key_is_located_without_the_others_as_with_them(text: str) -> None:
    source, lone = read_toml("a.toml", text.encode()), read_toml("a.toml", text.encode())
    assert source.error is None
    for path in (("tools",), ("tools", 0), ("tools", 1), ("tools", 2), ("tools", 3), ("tools", "a")):
        all_of = {mention.path: mention.span for mention in reversed([*mentions(source.text)])}
        assert lone.locate(path) == all_of.get(path, all_of["tools",])


def test_many_keys_are_located_as_few_are() -> None:
    text = "".join(f"k{number} = [{number}]\n" for number in range(9))
    source = read_toml("a.toml", text.encode())
    assert [source.locate((f"k{number}", 0))[:2] for number in range(9)] == [(line, 7) for line in range(1, 10)]
    assert source.locate(("unknown", 0)) == START
    assert source.locate(("k1", 7)) == source.locate(("k1",))
