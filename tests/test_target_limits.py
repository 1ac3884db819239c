"""Limits: what each AI tool takes of a name, a description, a body and a file, at the exact boundary."""

from __future__ import annotations

import pytest

from conftest import Workbench
from kei_assembler.rules.limits import beyond_limit
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Limit
from readers import Found, findings, path_of

NAMED = {
    "name": "`name`",
    "description": "`description`",
    "body": "the body",
    "prompt": "the body with the stamp",
    "file": "the file",
}
SIZES = [
    pytest.param(target, limit, bound + step, id=f"{target}-{limit.part}-{bound + step}")
    for target, row in TARGETS.items()
    for limit in row.limits
    for bound in (limit.least, limit.most)
    for step in (-1, 0, 1)
    if bound
]


def _agent(
    bench: Workbench, target: str, *, name: str = "critic", about: str = "Reviews.", body: str = "x" * 20
) -> None:
    about = about and f'description = "{about}"\n'
    bench.write({"assemble.toml": f'targets = ["{target}"]\nrequired = ["name"]\n', "_blocks/body.md": body})
    bench.write({f"agents/{name}.toml": f'name = "{name}"\n{about}blocks = ["body"]\n'})


def _sized(bench: Workbench, target: str, of: str, size: int) -> None:
    """Write an agent of whose texts one has this size."""
    if of == "name":
        _agent(bench, target, name="x" * size)
    elif of == "description":
        _agent(bench, target, about="é" * size)
    elif of == "body":
        _agent(bench, target, body="é" * size)
    else:
        _agent(bench, target)
        assert bench.run("--all").status == 0
        _agent(bench, target, body="x" * (20 + size - _size(bench, target, of)))


def _size(bench: Workbench, target: str, of: str) -> int:
    """The size of what a client gets: of the file in bytes, of the prompt without what it trims."""
    whole = bench.read(path_of(target))
    return len(whole.encode()) if of == "file" else len(whole.split("---\n", 2)[2].strip())


def _said(found: list[Found]) -> list[tuple[str, str]]:
    return [(one.code, one.message.partition(" has ")[0]) for one in found if one.code in ("L801", "L802")]


@pytest.mark.parametrize(("target", "limit", "size"), SIZES)
def test_the_boundary_of_a_size(target: str, limit: Limit, size: int, bench: Workbench) -> None:
    _sized(bench, target, limit.part, size)
    is_beyond = size < limit.least or 0 < limit.most < size
    found = findings(bench)
    assert _said(found) == [("L802" if limit.is_advisory else "L801", NAMED[limit.part])] * is_beyond
    told = [one.message for one in found if f" has {size:,} " in one.message and TARGETS[target].label in one.message]
    assert len(told) == is_beyond


def test_every_limit_is_a_size_or_tried_here() -> None:
    rest = [
        (name, limit.part) for name, row in TARGETS.items() for limit in row.limits if not (limit.least or limit.most)
    ]
    assert rest == [("claude-code", "description"), ("gemini", "name"), ("qwen", "name"), ("qwen", "name")]


@pytest.mark.parametrize(
    ("target", "name", "said"),
    [
        *(
            ("qwen", name, f"Qwen Code keeps the name `{name}` for itself")
            for name in ("self", "system", "user", "model", "tool", "config", "default")
        ),
        ("qwen", "a-", "`name` must be letters and digits, with `_` and `-` inside for Qwen Code"),
        ("qwen", "self-1", ""),
        ("qwen", "a--b", ""),
        ("gemini", "self", ""),
        ("gemini", "a-", ""),
        ("gemini", "x", ""),
    ],
)
def test_names_that_a_client_does_not_take(target: str, name: str, said: str, bench: Workbench) -> None:
    _agent(bench, target, name=name)
    found = findings(bench)
    assert [(one.code, one.line, one.column, one.message) for one in found] == [("L801", 1, 1, said)] * bool(said)


@pytest.mark.parametrize("written", ["C:\\new", "\\n"])
def test_a_written_out_line_break_is_a_warning_for_claude_code(written: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": f"name = 'a'\ndescription = 'See {written} there.'\n"})
    (found,) = findings(bench)
    assert (found.code, found.line) == ("L802", 2)
    assert found.message.startswith("`description` must be without a written-out `\\n`")


def test_names_that_no_manifest_can_have() -> None:
    (found,) = beyond_limit.check({"name": "Critic"}, TARGETS)
    assert found.message == "`name` must be lower-case letters, digits, `_` and `-` for Gemini CLI"


def test_a_limit_holds_for_the_targets_in_use_only(bench: Workbench) -> None:
    _agent(bench, "cursor", name="x")
    assert findings(bench) == []
    assert _said(findings(bench, "--target", "qwen")) == [("L801", "`name`")]


def test_a_target_that_is_listed_twice_counts_once(bench: Workbench) -> None:
    _agent(bench, "qwen", about="x" * 1001)
    twice = 'targets = ["qwen", "qwen"]\n' + bench.read("agents/critic.toml")
    bench.write({"assemble.toml": 'ignore = ["K109"]\n', "agents/critic.toml": twice})
    assert _said(findings(bench)) == [("L802", "`description`")]
    assert bench.run("--all").status == 0


def test_a_limit_can_be_ignored(bench: Workbench) -> None:
    _agent(bench, "qwen", name="x")
    assert [one.code for one in findings(bench)] == ["L801"]
    assert bench.run("--all", "--ignore", "L801").status == 0
