"""Sections of blocks in lists of blocks: what is printed, and one finding for each mistake."""

from __future__ import annotations

import pytest

from conftest import Workbench
from readers import diagnostics

RULES = """\
# House rules

Intro.

## Testing

Write the test first.

### Speed

Be fast.

## Style

Be brief.

```sh
## Not a heading
```

Setext
------

Last.
"""


def _manifest(blocks: str, more: str = "") -> str:
    return f'name = "a"\ndescription = "A."\nblocks = [{blocks}]\n{more}'


def _body(bench: Workbench, file: str = "agents/a.md") -> str:
    return bench.read(file).partition("-->\n")[2].strip("\n")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("house-rules#testing", "## Testing\n\nWrite the test first.\n\n### Speed\n\nBe fast."),
        ("house-rules#speed", "### Speed\n\nBe fast."),
        ("house-rules#style", "## Style\n\nBe brief.\n\n```sh\n## Not a heading\n```"),
        ("house-rules#setext", "Setext\n------\n\nLast."),
        ("house-rules#house-rules", RULES.strip()),
    ],
)
def test_a_section_is_printed_up_to_the_next_heading_that_is_not_below_it(
    entry: str, expected: str, bench: Workbench
) -> None:
    bench.write({"agents/a.toml": _manifest(f'"{entry}"'), "_blocks/house-rules.md": RULES})
    assert diagnostics(bench) == []
    assert _body(bench) == expected
    assert bench.run("--all", "--check").status == 0


def test_sections_are_printed_in_the_order_of_the_list(bench: Workbench) -> None:
    blocks = '"house-rules#style", "other", "house-rules#speed"'
    bench.write({"agents/a.toml": _manifest(blocks), "_blocks/house-rules.md": RULES, "_blocks/other.md": "# Other\n"})
    assert diagnostics(bench) == []
    assert [line for line in _body(bench).split("\n") if line.startswith("#")] == [
        *("## Style", "## Not a heading", "# Other", "### Speed")
    ]


def test_crlf_and_a_bom_make_no_difference(bench: Workbench) -> None:
    text = b"\xef\xbb\xbf" + RULES.replace("\n", "\r\n").encode()
    bench.write({"agents/a.toml": _manifest('"house-rules#testing"'), "_blocks/house-rules.md": text})
    assert diagnostics(bench) == []
    assert _body(bench) == "## Testing\n\nWrite the test first.\n\n### Speed\n\nBe fast."


def test_a_section_that_is_only_a_heading(bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"x#one"'), "_blocks/x.md": "# One\n# Two\n"})
    assert diagnostics(bench) == []
    assert _body(bench) == "# One"


@pytest.mark.parametrize(
    ("entry", "code", "text"),
    [
        ("house-rules#tesing", "B211", "did you mean `house-rules#testing`?"),
        ("house-rules#Testing", "B211", "did you mean `house-rules#testing`?"),
        ("house-rules##testing", "B211", "did you mean `house-rules#testing`?"),
        ("house-rules# Testing", "B211", "did you mean `house-rules#testing`?"),
        ("house-rules#security", "B211", "its sections are `house-rules`, `testing`, `speed`, `style` and `setext`"),
        ("house-rules#not-a-heading", "B211", "does not have the section `not-a-heading`"),
        ("house-rules#", "B211", "does not have a section after `#`"),
        ("plain#x", "B211", "the block has no headings; list it as a whole"),
        ("house-rule#testing", "B201", "did you mean `house-rules#testing`?"),
        ("nowhere#testing", "B201", "unknown block `nowhere`"),
        ("#testing", "B204", "has no name of a block"),
        ("../x#y", "B204", "is not a block name"),
        ("House-Rules#testing", "B204", "did you mean `house-rules"),
        ("house-rules@codex", "B204", "list `house-rules`: a file for `codex` replaces the block"),
        ("double#twice", "B212", "has several sections `twice`, on lines 1 and 5"),
    ],
)
@pytest.mark.parametrize("args", [("--all",), ("agents/a.toml",), ("--all", "--check")])
def test_a_mistake_in_an_entry_is_one_finding(
    entry: str, code: str, text: str, args: tuple[str, ...], bench: Workbench
) -> None:
    blocks = {
        "_blocks/house-rules.md": RULES,
        "_blocks/plain.md": "Be kind.\n",
        "_blocks/double.md": "# Twice\n\nA.\n\n# Twice!\n\nB.\n",
    }
    bench.write({"agents/a.toml": _manifest(f'"plain",\n  "{entry}"', 'targets = ["codex"]\n'), **blocks})
    (found,) = diagnostics(bench, *args)
    assert (found["code"], found["file"], found["line"]) == (code, "agents/a.toml", 4)
    assert text in f"{found['message']}; {found['help']}"
    assert not list(bench.folder.rglob("a.md")) + list(bench.folder.rglob(".codex"))


def test_related_locations_are_the_headings_with_the_same_slug(bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"x#one"'), "_blocks/x.md": "# One\n\n> # One\n\n## *One*\n"})
    (found,) = diagnostics(bench)
    assert [(each["file"], each["line"]) for each in found["related"]] == [("_blocks/x.md", 1), ("_blocks/x.md", 5)]


def test_an_unreadable_block_is_one_finding(bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"x#one"'), "_blocks/x.md": b"\xff\xfe# One\n"})
    assert [(each["code"][0], each["file"]) for each in diagnostics(bench)] == [("S", "_blocks/x.md")]


@pytest.mark.parametrize(
    ("blocks", "code", "message"),
    [
        ('"house-rules", "house-rules#testing"', "B213", "`house-rules#testing` is part of `house-rules`"),
        ('"house-rules#speed", "house-rules"', "B213", "`house-rules#speed` is part of `house-rules`"),
        ('"house-rules#testing", "house-rules#speed"', "B213", "`house-rules#speed` is part of `house-rules#testing`"),
        ('"house-rules#style", "house-rules#style"', "B202", "`house-rules#style` is listed twice"),
    ],
)
def test_text_that_appears_twice_is_found_once(blocks: str, code: str, message: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest(blocks), "_blocks/house-rules.md": RULES})
    (found,) = diagnostics(bench)
    assert found["code"] == code
    assert message in found["message"]


def test_a_section_does_not_count_as_its_obligatory_block(bench: Workbench) -> None:
    files = {"_blocks/house-rules.md": RULES, "agents/a.toml": _manifest('"house-rules#testing"')}
    bench.write({**files, "assemble.toml": 'obligatory = ["house-rules"]\n'})
    assert [each["code"] for each in diagnostics(bench)] == ["B203"]


@pytest.mark.parametrize(
    ("blocks", "codes"),
    [
        ('"house-rules#testing"', []),
        ('"house-rules#testing", "house-rules#style"', []),
        ('"house-rules"', ["B203"]),
        ('"house-rules#tesing"', ["B211"]),
        ('"house-rule#testing"', ["B201"]),
    ],
)
def test_a_section_can_be_obligatory(blocks: str, codes: list[str], bench: Workbench) -> None:
    files = {"_blocks/house-rules.md": RULES, "agents/a.toml": _manifest(blocks)}
    bench.write({**files, "assemble.toml": 'obligatory = ["house-rules#testing"]\n'})
    assert [each["code"] for each in diagnostics(bench)] == codes


@pytest.mark.parametrize(
    ("entry", "code", "text"),
    [
        ("house-rules#tesing", "C719", "did you mean `house-rules#testing`?"),
        ("double#twice", "C719", "on lines 1 and 2"),
        ("house-rule#testing", "C708", "did you mean `house-rules#testing`?"),
        ("house-rules#", "C702", "a block name"),
        ("house-rules#a#b", "C702", "a block name"),
        ("nul#a", "C708", "unknown block `nul`"),
    ],
)
def test_a_mistake_in_an_obligatory_section_is_one_finding(entry: str, code: str, text: str, bench: Workbench) -> None:
    blocks = {"_blocks/house-rules.md": RULES, "_blocks/double.md": "# Twice\n# Twice\n"}
    settings = f'targets = ["codex"]\nobligatory = ["{entry}"]\n'
    bench.write({"agents/a.toml": _manifest(f'"{entry}"'), **blocks, "assemble.toml": settings})
    run = bench.run("--all")
    assert (run.status, run.stderr.count("error[")) == (2, 1)
    assert f"assemble.toml:2:15: error[{code}]" in run.stderr
    assert text in run.stderr


def test_a_block_of_which_only_a_section_is_used_is_used(bench: Workbench) -> None:
    bench.write({"agents/a.toml": _manifest('"house-rules#testing"'), "_blocks/house-rules.md": RULES})
    assert "B206" not in {each["code"] for each in diagnostics(bench)}


def test_findings_about_a_text_are_at_its_place_in_the_block(bench: Workbench) -> None:
    text = "# One\n\nA.\n\n# Two\n\nSee [x](no.md) and {{PROJECT}}.\n"
    bench.write({"agents/a.toml": _manifest('"x#two"'), "_blocks/x.md": text})
    found = [(each["code"], each["file"], each["line"]) for each in diagnostics(bench)]
    assert sorted(found) == [("B210", "_blocks/x.md", 7), ("T402", "_blocks/x.md", 7)]


@pytest.mark.parametrize(("entry", "codes"), [("x#one", []), ("x#two", ["B210", "T408"]), ("x", ["B210", "T408"])])
def test_what_is_not_printed_is_no_problem_for_a_client(entry: str, codes: list[str], bench: Workbench) -> None:
    text = "# One\n\nA.\n\n# Two\n\nSee [x](no.md) in ${HOME}.\n"
    bench.write({"agents/a.toml": _manifest(f'"{entry}"', 'targets = ["gemini"]\n'), "_blocks/x.md": text})
    assert sorted(each["code"] for each in diagnostics(bench)) == codes


def test_a_definition_outside_of_the_section_is_found_once(bench: Workbench) -> None:
    text = "# One\n\n## Two\n\nSee [a guide][Guide].\n\n# Links\n\n[guide]: https://example.org\n"
    for name, entry in (("a", "x#one"), ("b", "x#two"), ("c", "x#one")):
        bench.write({f"agents/{name}.toml": _manifest(f'"{entry}"').replace('"a"', f'"{name}"')})
    bench.write({"_blocks/x.md": text})
    (found,) = diagnostics(bench)
    assert (found["code"], found["file"], found["line"], found["column"]) == ("B219", "_blocks/x.md", 5, 14)
    bench.write({f"agents/{name}.toml": _manifest('"x"').replace('"a"', f'"{name}"') for name in "abc"})
    assert diagnostics(bench) == []


def test_hostile_slugs_are_one_finding(bench: Workbench) -> None:
    entries = ["\\u0000", "\\n", "x" * 10_000, "\\u202e", "`", "*" * 200]
    for entry in entries:
        bench.write({"agents/a.toml": _manifest(f'"house-rules#{entry}"'), "_blocks/house-rules.md": RULES})
        found = diagnostics(bench)
        assert [each["code"] for each in found if each["code"] != "T406"] == ["B211"], entry


def test_a_template_sees_the_text_of_the_section(bench: Workbench) -> None:
    template = (
        '{% extends "default/agent.md.j2" %}\n{% block blocks %}\n\n'
        '{{ agent.blocks | join(",") }}: {{ blocks | join("|") }}\n{% endblock %}\n'
    )
    bench.write({"agents/a.toml": _manifest('"house-rules#speed"'), "_blocks/house-rules.md": RULES})
    bench.write({"templates/agent.md.j2": template})
    assert diagnostics(bench) == []
    assert _body(bench) == "house-rules#speed: ### Speed\n\nBe fast."
