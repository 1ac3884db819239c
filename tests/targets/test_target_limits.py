"""The limits of each client for names, descriptions, bodies and files, at their exact boundaries."""

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
    for bound in (limit.minimum, limit.maximum)
    for step in (-1, 0, 1)
    if bound
]


def _agent(
    bench: Workbench, target: str, *, name: str = "critic", description: str = "Reviews.", body: str = "x" * 20
) -> None:
    line = description and f'description = "{description}"\n'
    bench.write({"assemble.toml": f'targets = ["{target}"]\nrequired = ["name"]\n', "_blocks/body.md": body})
    bench.write({f"agents/{name}.toml": f'name = "{name}"\n{line}blocks = ["body"]\n'})


def _write_sized(bench: Workbench, target: str, part: str, size: int) -> None:
    """Write an agent with a part of this size."""
    if part == "name":
        _agent(bench, target, name="x" * size)
    elif part == "description":
        _agent(bench, target, description="é" * size)
    elif part == "body":
        _agent(bench, target, body="é" * size)
        if not size:  # an empty block is an error of its own, and hides that the body is empty
            manifest = (bench.folder / "agents/critic.toml").read_text()
            lines = [line for line in manifest.splitlines() if not line.startswith("blocks")]
            bench.write({"agents/critic.toml": "\n".join(lines)})
    else:
        _agent(bench, target)
        assert bench.run("--all").status == 0
        _agent(bench, target, body="x" * (20 + size - _size(bench, target, part)))


def _size(bench: Workbench, target: str, part: str) -> int:
    """The size of a file in bytes, or of the trimmed prompt in characters."""
    text = bench.read(path_of(target))
    return len(text.encode()) if part == "file" else len(text.split("---\n", 2)[2].strip())


def _limits_reported(found: list[Found]) -> list[tuple[str, str]]:
    return [(one.code, one.message.partition(" has ")[0]) for one in found if one.code in ("L801", "L802")]


@pytest.mark.parametrize(("target", "limit", "size"), SIZES)
def test_the_boundary_of_a_size(target: str, limit: Limit, size: int, bench: Workbench) -> None:
    _write_sized(bench, target, limit.part, size)
    is_beyond = size < limit.minimum or 0 < limit.maximum < size
    found = findings(bench)
    assert _limits_reported(found) == [("L802" if limit.is_advisory else "L801", NAMED[limit.part])] * is_beyond
    messages = [
        one.message for one in found if f" has {size:,} " in one.message and TARGETS[target].label in one.message
    ]
    assert len(messages) == is_beyond


def test_the_other_limits_have_tests_of_their_own() -> None:
    others = [
        (name, limit.part)
        for name, row in TARGETS.items()
        for limit in row.limits
        if not (limit.minimum or limit.maximum)
    ]
    assert others == [
        ("claude-code", "description"),
        ("cursor", "name"),
        ("cursor", "name"),
        ("gemini", "name"),
        ("qwen", "name"),
        ("qwen", "name"),
        ("droid", "name"),
        ("auggie", "name"),
        ("kimi", "name"),
        ("pi", "name"),
        ("vibe", "name"),
    ]


@pytest.mark.parametrize(
    ("target", "name", "message"),
    [
        *(
            ("qwen", name, f"the name `{name}` is reserved by Qwen Code")
            for name in ("self", "system", "user", "model", "tool", "config", "default")
        ),
        ("pi", "claude-code", "the name `claude-code` is reserved by pi-subagents"),
        ("pi", "claude", ""),
        ("vibe", "main", "the name `main` is reserved by Mistral Vibe"),
        ("qwen", "a-", "`name` must be letters and digits, with `_` and `-` inside for Qwen Code"),
        ("qwen", "self-1", ""),
        ("qwen", "a--b", ""),
        ("gemini", "self", ""),
        ("gemini", "a-", ""),
        ("gemini", "x", ""),
        ("kimi", "a-b-1", ""),
        ("kimi", "a--b", "`name` must be lower-case letters and digits, with single hyphens for Kimi Code"),
    ],
)
def test_names_that_a_client_rejects(target: str, name: str, message: str, bench: Workbench) -> None:
    _agent(bench, target, name=name)
    found = findings(bench)
    assert [(one.code, one.line, one.column, one.message) for one in found] == [("L801", 1, 1, message)] * bool(message)


@pytest.mark.parametrize("text", ["C:\\new", "\\n"])
def test_a_literal_line_break_escape_is_a_warning_for_claude_code(text: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": f"name = 'a'\ndescription = 'See {text} there.'\n"})
    (found,) = findings(bench)
    assert (found.code, found.line) == ("L802", 2)
    assert found.message.startswith("`description` must be free of a literal `\\n`")


def test_a_name_limit_that_a_manifest_cannot_exceed() -> None:
    (found,) = beyond_limit.check({"name": "Critic"}, ["gemini"])
    assert found.message == "`name` must be lower-case letters, digits, `_` and `-` for Gemini CLI"


def test_a_limit_applies_only_to_the_targets_in_use(bench: Workbench) -> None:
    _agent(bench, "cursor", name="x")
    assert findings(bench) == []
    assert _limits_reported(findings(bench, "--target", "qwen")) == [("L801", "`name`")]


def test_a_target_that_is_listed_twice_counts_once(bench: Workbench) -> None:
    _agent(bench, "qwen", description="x" * 1001)
    twice = 'targets = ["qwen", "qwen"]\n' + bench.read("agents/critic.toml")
    bench.write({"assemble.toml": 'ignore = ["K109"]\n', "agents/critic.toml": twice})
    assert _limits_reported(findings(bench)) == [("L802", "`description`")]
    assert bench.run("--all").status == 0


def test_a_limit_can_be_ignored(bench: Workbench) -> None:
    _agent(bench, "qwen", name="x")
    assert [one.code for one in findings(bench)] == ["L801"]
    assert bench.run("--all", "--ignore", "L801").status == 0
