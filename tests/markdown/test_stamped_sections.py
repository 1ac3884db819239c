"""Stamped sections: how they are found in a file, and that everything around them stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conftest import examples
from kei_assembler.markdown.stamped_sections import (
    Fault,
    Layout,
    edited,
    has_marker,
    insertion,
    is_text,
    layout,
    removal,
    text_outside,
    with_digest_of,
    written,
)

BOM = b"\xef\xbb\xbf"
NAMES = ("a", "b.c", "AGENTS.md")
BEGIN, END, PLACE = b"<!-- assemble: begin a -->", b"<!-- assemble: end a -->", b"<!-- assemble: a -->"


def _section(name: str = "a", body: str = "Be kind.") -> bytes:
    return written(name, f"instructions/{name}.toml", f"instructions/{name}.toml", body)


A, B = _section("a"), _section("b")


def _with(content: bytes, *names: str) -> bytes:
    """Insert sections one by one."""
    for name in names:
        file = layout(content)
        content = edited(content, [insertion(file, name, _section(name))]) or b""
    return content


def _without(content: bytes, *names: str) -> bytes | None:
    """Remove sections in one step."""
    file = layout(content)
    return edited(content, [removal(file, name) for name in names])


def _kinds(content: bytes) -> list[tuple[str, int]]:
    return [(fault.kind, fault.line) for fault in layout(content).faults]


def test_a_section_is_found() -> None:
    file = layout(b"# Rules\n\n" + A + b"Mine.\n")
    section = file.sections["a"]
    assert (section.source, section.line, section.text, section.intact) == (
        "instructions/a.toml", 3, b"\nBe kind.\n\n", True
    )  # fmt: skip
    assert (file.content[: section.start], file.content[section.end :]) == (b"# Rules\n\n", b"Mine.\n")
    assert (file.faults, file.places, file.unclosed, file.line_end) == ((), {}, None, b"\n")


def test_a_section_without_a_source() -> None:
    section = layout(written("AGENTS.md", "", "--all", "@AGENTS.md")).sections["AGENTS.md"]
    assert (section.source, section.intact) == ("", True)


@pytest.mark.parametrize(
    "change",
    [
        (b"kind", b"nice"),
        (b"Be kind.", b"Be kind. "),
        (b"Be kind.\n", b"Be kind.\r"),
        (b"\n\n<!-- assemble: end", b"\n<!-- assemble: end"),
        (b"sha256:", b"sha256:0"),
        (b"sha256:", b"sha1:"),
        ("· sha256".encode(), b"sha256"[:0]),
    ],
)
def test_an_edit_is_noticed(change: tuple[bytes, bytes]) -> None:
    content = A.replace(*change)
    assert content != A
    assert not layout(content).sections["a"].intact


@pytest.mark.parametrize(
    "content",
    [
        A.replace(b"\n", b"\r\n"),
        A.replace(b" -->\n", b" --> \t\n"),
        A.replace(b"Be kind.\n", b"Be kind.\r\n"),
        A.removesuffix(b"\n"),
        BOM + A,
    ],
)
def test_what_an_editor_may_change(content: bytes) -> None:
    assert layout(content).sections["a"].intact
    assert layout(content).sections["a"].begin == A.split(b"\n")[0]


@pytest.mark.parametrize(
    ("around", "line"),
    [
        ("```\n{}\n```\n", 0),
        ("````\n```\n{}\n```\n````\n", 0),
        ("~~~ md\n{}\n~~~\n", 0),
        ("~~~\n```\n{}\n~~~\n", 0),
        ("<!--\n{}\n-->\n", 0),
        ("<pre>\n{}\n</pre>\n", 0),
        ("<script>\n{}\n</script>\n", 0),
        ("<![CDATA[\n{}\n]]>\n", 0),
        (" {}\n", 0),
        ("\t{}\n", 0),
        ("- {}\n", 0),
        ("> {}\n", 0),
        ("x {}\n", 0),
        ("x\r{}\n", 0),
        ("\ufeff\ufeff{}\n", 0),
        ("{}\n", 1),
        ("\ufeff{}\n", 1),
        ("- ```\n{}\n", 2),
        ("> ```\n{}\n", 2),
        ("<div>\n{}\n</div>\n", 2),
        ("```\nx\n```\n{}\n", 4),
        ("``` `\n{}\n", 2),
        ("    ```\n{}\n", 2),
        ("<!-- x -->\n{}\n", 2),
        ("x\n{}\n", 2),
    ],
)
@pytest.mark.parametrize("marker", [BEGIN, END, PLACE])
def test_markers_count_at_the_start_of_a_line_outside_of_code(around: str, line: int, marker: bytes) -> None:
    file = layout(around.encode().replace(b"{}", marker))
    found = [fault.line for fault in file.faults] + [place.line for place in file.places.values()]
    assert found == ([line] if line else [])


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (A + A, [("repeated", 6)]),
        (A + B, []),
        (BEGIN + b"\n", [("no-end", 1)]),
        (END + b"\n", [("no-begin", 1)]),
        (A + END, [("no-begin", 6)]),
        (BEGIN + b"\n" + A, [("repeated", 2)]),
        (BEGIN + b"\n" + B + END, [("inside", 2), ("inside", 6)]),
        (A.replace(b"Be kind.\n", b"Be kind.\n" + B.split(b"\n")[0] + b"\n"), [("inside", 4)]),
        (PLACE + b"\n" + PLACE, [("repeated", 2)]),
        (PLACE + b"\n" + A, []),
        (A.replace(b"Be kind.", PLACE), []),
        (A.replace(b" -->\n", b" --\n", 1), [("damaged", 1)]),
        (A.replace(b"end a -->", b"end a"), [("damaged", 5), ("no-end", 1)]),
        (A.replace(b"end a -->", b"end a --> x"), [("damaged", 5), ("no-end", 1)]),
        (A.replace(b"begin a", b"begin"), [("inside", 5), ("no-end", 1)]),
        (A.replace(b"begin a", b"Begin a"), [("no-begin", 5)]),
        (A.replace(b"<!-- assemble: begin", b" <!-- assemble: begin"), [("no-begin", 5)]),
        (A.replace(b"<!-- assemble: end", b" <!-- assemble: end"), [("no-end", 1)]),
        (A.replace(b"Be kind.", b"```\n<!-- assemble: end a -->\n```"), []),
    ],
)
def test_faults(content: bytes, kinds: list[tuple[str, int]]) -> None:
    assert _kinds(content) == kinds


def test_a_fault_names_the_section_and_its_manifest() -> None:
    assert layout(A.split(b"\n")[0]).faults == (Fault("no-end", "a", 1, "instructions/a.toml"),)
    assert layout(END).faults == (Fault("no-begin", "a", 1, ""),)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("```\nx\n", 1),
        ("x\n\n<!--\n", 3),
        ("{}```\n", 6),
        ("x\r\n{}\r\n~~~", 8),
        ("a\rb\n{}```\n", 7),
        ("```\n{}```\n", 0),
    ],
)
def test_what_is_not_closed_is_located(content: str, line: int) -> None:
    unclosed = layout(content.encode().replace(b"{}", A)).unclosed
    assert (unclosed.line if unclosed else 0) == line


def test_a_lone_cr_ends_a_line_of_code() -> None:
    assert layout(b"~~~\rcode\r~~~\rtext\n").unclosed is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", A),
        (BOM, BOM + A),
        (b"x\n", b"x\n" + A),
        (b"x", b"x\n" + A.removesuffix(b"\n")),
        (b"x\r\ny\r\n", b"x\r\ny\r\n" + A.replace(b"\n", b"\r\n")),
        (b"x\r\ny", b"x\r\ny\r\n" + A.removesuffix(b"\n").replace(b"\n", b"\r\n")),
        (b"x\r\ny\nz\n", b"x\r\ny\nz\n" + A),
        (b"x\r", b"x\r\r\n" + A.removesuffix(b"\n")),
        (b"x\n" + PLACE + b"\ny\n", b"x\n" + A + b"y\n"),
        (b"x\n" + PLACE, b"x\n" + A),
        (PLACE + b"\r\nx\r\n", A.replace(b"\n", b"\r\n") + b"x\r\n"),
        (b"```\n" + PLACE + b"\n```\n", b"```\n" + PLACE + b"\n```\n" + A),
        (b"x\n" + BEGIN + b"\nold\n" + END + b"\ny", b"x\n" + A + b"y"),
        (b"x\n" + BEGIN + b"\nold\n" + END, b"x\n" + A.removesuffix(b"\n")),
        (PLACE + b"\n" + BEGIN + b"\n" + END + b"\n", PLACE + b"\n" + A),
    ],
)
def test_where_a_section_goes(content: bytes, expected: bytes) -> None:
    assert _with(content, "a") == expected
    assert _with(expected, "a") == expected


@pytest.mark.parametrize("text", [b"x", b"x\n", b"x\r\n", b"x\r", b"x\r\r", b"x\n\n", BOM + b"x", b"x\r\ny", b"\xff"])
@pytest.mark.parametrize("names", [("a",), ("a", "b"), ("b", "a", "c")])
def test_removing_restores_the_file(text: bytes, names: Sequence[str]) -> None:
    content = _with(text, *names)
    assert _without(content, *names) == text
    for order in (names, names[::-1]):
        one_by_one: bytes | None = content
        for name in order:
            one_by_one = _without(one_by_one or b"", name)
        assert one_by_one == text


@pytest.mark.parametrize("content", [b"", BOM, b"\n", b" \r\n\t\n", BOM + b"\r\n"])
def test_a_file_with_nothing_else_is_removed(content: bytes) -> None:
    assert _without(_with(content, "a", "b"), "a", "b") is None
    assert _without(_with(content, "a", "b"), "b") is not None


def test_an_update_beside_a_removal_at_the_end() -> None:
    content = _with(b"x", "a", "b")
    file = layout(content)
    after = edited(content, [removal(file, "b"), insertion(file, "a", _section("a", "New."))])
    assert after == b"x\n" + _section("a", "New.").removesuffix(b"\n")


def test_no_edits_change_nothing() -> None:
    assert [edited(content, []) for content in (b"", b" \n", b"x")] == [b"", b" \n", b"x"]


def test_the_text_outside() -> None:
    assert text_outside(layout(b"x\n" + A + b"y\n" + B)) == b"x\ny\n"
    assert text_outside(layout(A)) == b""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use `<!-- assemble: begin a -->`.", False),
        (" <!-- assemble: begin a -->", False),
        ("x\n<!-- assemble: begin a -->", True),
        ("```\n<!-- assemble: end a\n```", True),
        ("<!-- assemble: a -->", True),
        ("<!-- assemble: a b -->", False),
        ("<!-- assemble: -->", False),
    ],
)
def test_texts_that_cannot_be_in_a_section(text: str, expected: bool) -> None:
    assert has_marker(text) is expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", True),
        ("é".encode("latin-1"), True),
        ("é".encode("utf-16"), False),
        ("x".encode("utf-16-le"), False),
        ("é".encode("utf-32"), False),
        (b"x\0", False),
    ],
)
def test_encodings(content: bytes, expected: bool) -> None:
    assert is_text(content) is expected


OURS, THEIRS = (_section("a", text).split(b"\n")[0] for text in ("Ours.", "Theirs."))
CONFLICTS = {
    "two sides": (b"<<<<<<< HEAD\n", OURS + b"\n", b"=======\n", THEIRS + b"\n", b">>>>>>> other\n"),
    "with the base": (
        b"<<<<<<< HEAD\n", OURS + b"\n", b"||||||| base\n", A.split(b"\n")[0] + b"\n", b"=======\n", THEIRS + b"\n",
        b">>>>>>> other\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("conflict", CONFLICTS.values(), ids=CONFLICTS)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_conflict_in_the_begin_line_alone_is_part_of_the_section(conflict: Sequence[bytes], line_end: bytes) -> None:
    content = b"".join([b"x\n", *conflict, *A.splitlines(keepends=True)[1:], b"```\n"]).replace(b"\n", line_end)
    file = layout(content)
    assert (file.faults, file.sections["a"].line, file.sections["a"].begin) == ((), 2, OURS)
    assert file.unclosed
    assert file.unclosed.line == content.count(b"\n")
    assert _with(content, "a") == (b"x\n" + A + b"```\n").replace(b"\n", line_end)


@pytest.mark.parametrize(
    "lines",
    [
        [OURS, b"=======", B.split(b"\n")[0], b">>>>>>> x"],
        [OURS, b"x", b"=======", THEIRS, b">>>>>>> x"],
        [OURS, OURS, b"=======", THEIRS, b">>>>>>> x"],
        [b"=======", THEIRS, b">>>>>>> x"],
        [OURS, b"=======", THEIRS],
        [OURS, b"=======", THEIRS[:-1], b">>>>>>> x"],
    ],
)
def test_other_conflicts_are_faults(lines: Sequence[bytes]) -> None:
    content = b"\n".join([b"<<<<<<< HEAD", *lines, *A.split(b"\n")[1:]])
    assert layout(content).faults or not layout(content).sections["a"].intact


def test_a_conflict_in_code_is_text() -> None:
    conflict = b"".join(CONFLICTS["two sides"])
    assert layout(b"```\n" + conflict + b"```\n") == layout(b"```\n" + conflict + b"```\n")._replace(faults=())
    assert not layout(b"```\n" + conflict + b"```\n").sections


LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n"])
MARKERS = st.sampled_from([BEGIN, END, A.rstrip(b"\n"), b"<!-- assemble: begin", b"<!-- assemble: x -->"])
ANY_LINE = st.one_of(
    st.binary(max_size=8).map(lambda each: each.replace(b"\0", b"")),
    st.sampled_from(
        [b"# Rules", b"- a", b"> q", b"1. x", b"    code", b"<div>", b"\tx", b"  ```", b"=======", b"\xff\xfe"]
    ),
    MARKERS.map(lambda marker: b" " + marker),
    MARKERS.map(lambda marker: b"> " + marker),
)
CODE = st.sampled_from(
    [(b"```", b"```"), (b"~~~~ md", b"~~~~"), (b"<!--", b"-->"), (b"<pre>", b"</pre>"), (b"- ```", b"  ```")]
)


@st.composite
def handwritten(draw: st.DrawFn) -> bytes:
    """Text that somebody wrote, in any encoding, with markers in code, and with any line ends."""
    lines = draw(st.lists(st.one_of(ANY_LINE.map(lambda line: [line]), _code()), max_size=8))
    ends = LINE_ENDS if draw(st.booleans()) else st.just(draw(LINE_ENDS))
    text = b"".join(line + draw(ends) for line in chain(*lines))
    return draw(st.sampled_from([b"", BOM])) + (text if draw(st.booleans()) else text.rstrip(b"\r\n"))


def _code() -> st.SearchStrategy[list[bytes]]:
    return st.tuples(CODE, st.one_of(ANY_LINE, MARKERS)).map(lambda each: [each[0][0], each[1], each[0][1]])


BODIES = st.sampled_from(["Be kind.", "# Rules\n\n- one\n- two", "```\ncode\n```", "é", "<!-- x -->\n\n\n    code"])
STEPS = st.lists(st.tuples(st.sampled_from(NAMES), BODIES | st.none()), min_size=1, max_size=8)


def _can_take_sections(file: Layout) -> bool:
    return not (file.faults or file.sections or file.places or file.unclosed)


@examples(200)
@given(handwritten(), STEPS)
def test_text_around_sections_stays(text: bytes, steps: list[tuple[str, str | None]]) -> None:
    assume(_can_take_sections(layout(text)))
    content, bodies = text, dict[str, str]()
    for name, body in steps:
        file = layout(content)
        if body is not None:
            content = edited(content, [insertion(file, name, _section(name, body))]) or b""
            assert edited(content, [insertion(layout(content), name, _section(name, body))]) == content
            bodies[name] = body
        elif name in bodies:
            content = edited(content, [removal(file, name)]) or text
            del bodies[name]
        _check_sections(content, bodies)
    assert _stripped(_without(content, *bodies) or b"") == _stripped(text)
    for name in bodies:
        content = _without(content, name) or b""
    assert _stripped(content) == _stripped(text)


def _stripped(text: bytes) -> bytes:
    """A text, or nothing if it is only white space, which makes a file an empty one."""
    return text if text.removeprefix(BOM).strip(b" \t\r\n") else b""


def _check_sections(content: bytes, bodies: dict[str, str]) -> None:
    file = layout(content)
    assert not file.faults
    assert file.sections.keys() == bodies.keys()
    for name, body in bodies.items():
        assert file.sections[name].intact
        assert file.sections[name].text == f"\n{body}\n\n".encode()


@examples(100)
@given(handwritten(), handwritten(), st.permutations(NAMES), st.booleans())
def test_several_edits_at_once_are_like_one_after_another(
    before: bytes, after: bytes, names: Sequence[str], with_place: bool
) -> None:
    place = f"<!-- assemble: {names[0]} -->\n".encode() if with_place else b""
    text = before + b"\n" + place + after.removeprefix(BOM)
    file = layout(text)
    without_place = text.replace(place, b"", 1) if place else text
    # the place can keep the texts around it apart: without it, a fence of the second can be in a list of the first
    assume(_can_take_sections(file._replace(places={})) and _can_take_sections(layout(without_place)))
    assume(bool(file.places) == with_place)
    content = edited(text, [insertion(file, name, _section(name)) for name in names]) or b""
    assert content == _with(text, *names)
    assert _without(content, *names) == _one_by_one(content, names)
    assert _stripped(_without(content, *names) or b"") == _stripped(without_place)


def _one_by_one(content: bytes, names: Iterable[str]) -> bytes | None:
    left: bytes | None = content
    for name in names:
        left = _without(left or b"", name)
    return left


@pytest.mark.parametrize("manifest", ["instructions/a.toml", "instructions/a b.toml"])
def test_a_plain_section(manifest: str) -> None:
    section = layout(written("a", "a.toml", manifest, "Be kind.", is_plain=True)).sections["a"]
    assert (section.source, section.text, section.intact, section.is_plain) == (
        "a.toml", b"\nBe kind.\n\n", False, True
    )  # fmt: skip
    assert b"sha256" not in section.begin
    assert section.digest == layout(written("a", "a.toml", manifest, "Be kind.")).sections["a"].digest


def test_a_plain_section_without_a_source() -> None:
    section = layout(written("AGENTS.md", "", "--all", "@AGENTS.md", is_plain=True)).sections["AGENTS.md"]
    assert (section.source, section.is_plain) == ("", True)


@pytest.mark.parametrize("begin", [BEGIN, A.split(b"\n")[0], A.split(b"\n")[0].replace(b"sha256:", b"sha256:0")])
def test_other_sections_are_not_plain(begin: bytes) -> None:
    section = layout(begin + b"\nText.\n" + END + b"\n").sections["a"]
    assert (section.intact, section.is_plain) == (False, False)


@pytest.mark.parametrize("is_plain", [True, False])
@pytest.mark.parametrize("other_is_plain", [True, False])
def test_a_begin_line_with_the_digest_of_another_section(is_plain: bool, other_is_plain: bool) -> None:
    new = layout(written("b", "b.toml", "b.toml", "New.", is_plain)).sections["b"]
    old = written("a", "a.toml", "a.toml", "Old.", other_is_plain)
    expected = written("b", "b.toml", "b.toml", "Old.", other_is_plain).split(b"\n")[0]
    assert with_digest_of(new, layout(old).sections["a"]) == expected
