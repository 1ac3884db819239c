"""The file generated from an import is equivalent to the imported file, or the report names each difference."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import rtoml
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kei_assembler.importing.agent_file import read_agent
from kei_assembler.importing.bodies import closed
from kei_assembler.importing.convert import convert
from kei_assembler.importing.hard_breaks import with_backslashes
from kei_assembler.importing.names import agent_names
from kei_assembler.importing.pending_kit import manifest_text, new_kit, pending_manifests
from kei_assembler.markdown import lenient_yaml
from kei_assembler.markdown.structure import trimmed
from kei_assembler.render.renderer import Renderer
from kei_assembler.rules import check_manifest
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import read_toml
from readers import AgentFile, as_claude_code, by_lines, by_raw_scalars, read
from strategies import OTHER_SPACES

LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn", "Cf", "Zl", "Zp", "Mn", "Me"])
NUMBER = re.compile("[-+.0-9a-fA-FxXo]*")  # PyYAML writes some that YAML 1.2 reads differently
LINE = st.text(LETTERS | st.sampled_from(":#-'\"\\{}[]*&!|>%@` ,"), min_size=1, max_size=20).filter(
    lambda text: text.strip() == text and "\\n" not in text and not NUMBER.fullmatch(text)
)
PROSE = st.lists(LINE | st.sampled_from(["# ROLE", "# FORBIDDEN", "- x", "```", "<!--", "", "---"]), max_size=6).map(
    "\n".join
)
FRONT = st.fixed_dictionaries(
    {"description": LINE},
    optional={
        "tools": st.lists(st.sampled_from(["Read", "Bash(git log:*)", "mcp__a__b", "Agent(x, y)"]), unique=True),
        "model": st.sampled_from(["opus", "inherit", "claude-x-1"]),
        "color": st.sampled_from(["red", "cyan"]),
        "maxTurns": st.integers(1, 99),
        "skills": st.lists(st.sampled_from(["a", "b"]), unique=True, min_size=1),
        "initialPrompt": LINE,
        "background": st.booleans(),
    },
)


class Imported(NamedTuple):
    """The file generated from an import, and the excerpts and messages of the report."""

    text: str
    findings: tuple[tuple[str, str], ...]

    def mentions(self, key: str) -> bool:
        """Return whether the report names a key, or is about the line that starts with it."""
        return any(
            f"`{key}`" in message or re.match(rf"[\s\"]*{re.escape(key)}\b", line) for line, message in self.findings
        )


def _imported(raw: bytes, tmp: Path, target: str = "claude-code") -> Imported | None:
    agent, found = read_agent("critic.md", raw, target)
    if agent is None:
        return None
    kit, _ = new_kit(str(tmp), [agent])
    (named,) = agent_names([agent])
    one = convert(kit, agent, named, frozenset({named.name}))
    (file,) = pending_manifests(kit, [one], lambda each: each)
    source = read_toml(file.path, file.text.encode())
    assert source.error is None
    manifest, _ = check_manifest(kit, source)
    findings = tuple((one.location.excerpt or "", one.message) for one in (*found, *named.found, *one.found))
    return Imported(Renderer(kit).render(manifest, file.path, target).content.decode(), findings)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


@settings(deadline=None)
@given(FRONT, PROSE)
def test_an_import_generates_the_same_file(tmp_path_factory: pytest.TempPathFactory, front: Any, body: str) -> None:
    whole = {"name": "critic", **front}
    text = f"---\n{yaml.safe_dump(whole, allow_unicode=True, sort_keys=False, width=1000)}---\n{body}"
    imported = _imported(text.encode(), tmp_path_factory.getbasetemp())
    assert imported
    values, made = read("claude-code", imported.text)
    expected = {**whole, **({"tools": ", ".join(front["tools"])} if front.get("tools") else {})}
    if any("," in tool for tool in front.get("tools", ())):
        expected["tools"] = front["tools"]
    assert values == expected
    assert _squeezed(closed(body.strip("\n"))[0]) in _squeezed(made)


ODD_LINES = st.lists(st.sampled_from(["a", "- ", "> ", *" \t\n", "\n\n", *OTHER_SPACES]), max_size=8).map("".join)


@settings(deadline=None)
@given(ODD_LINES)
def test_other_white_space_is_imported_as_text(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    imported = _imported(f"---\nname: critic\ndescription: x\n---\n{body}".encode(), tmp_path_factory.getbasetemp())
    assert imported
    _, made = read("claude-code", imported.text)
    written, _ = with_backslashes(body.strip("\n"))
    assert made.removeprefix("# ROLE\n\n").rstrip("\n") == trimmed(written)


# Front matter as people write it: for each key its usual forms, in any order, with other lines of such files.

PIECES = (
    *(
        "Use this",
        "agent when:",
        "\\n\\n",
        "<example>",
        "Context: a",
        'user: "review"',
        "</example>",
        "it's",
        "# no",
        "- x",
    ),
    *(
        ",",
        "[a]",
        "{b}",
        "*b*",
        "`c`",
        "@d",
        "%e",
        "|",
        ">",
        "&",
        "!",
        "~",
        "日本語",
        "🦊",
        "\\t",
        '\\"',
        "//",
        "12",
        "true",
    ),
    "https://x.y/z?q=1#f",
)
WORDS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map(" ".join)


def _below(indent: str) -> st.SearchStrategy[str]:
    lines = st.lists(WORDS | st.just(""), min_size=1, max_size=4)
    return lines.map(lambda each: "".join(f"\n{indent}{line}" if line else "\n" for line in each))


NAMES = ("critic", '"critic"', "Code Critic", "critic_2", "Prüfer", "9", "true", "a.b", "x" * 70, "critic # c", "")
DESCRIPTIONS = st.one_of(
    WORDS,
    WORDS.map(lambda text: f'"{text}"'),
    WORDS.map(lambda text: f"'{text}'"),
    WORDS.map(lambda text: "'" + text.replace("'", "''") + "'"),
    WORDS.map(lambda text: '"' + text.replace('"', '\\"') + '"'),
    st.tuples(st.sampled_from(["|", ">", "|-", ">-", "|+", ">+", "|2", "> # c", ""]), _below("  ")).map("".join),
    st.tuples(WORDS, _below("")).map("".join),
    st.tuples(WORDS, _below("    ")).map("".join),
    st.sampled_from(["", "~", "5", "1.50", "true", "yes", "2024-01-01", "0x1F", "[a, b]", "{a: b}", "!x y", "&a b"]),
)
TOOLS = (
    *("Read, Write, mcp__x__*", "Read", "[]", "", "~", "*", '"*"', "[Read, Grep]", "['Read', \"Grep\"]", "Read Write"),
    *("Read,Write,", "All tools", "all", "Bash(git log:*), Read", "[Bash(git log:*), Read]", "Agent(a, b)", "Task(x)"),
    *('["Agent(a, b)"]', "[Agent(a, b)]", "Read, Read", "5", "{bash: true}", "\n- Read\n- Grep", "\n  - Read\n  - X"),
    *("\n  - Bash(npm run test:*)", "\n  Read,\n  Grep", "\n\t- Read", "`Read`", "Read # c", "mcp__a_b__x-y, mcp__s"),
    *('"Read, Write"', "LS, TodoWrite", "Skill(a:b)", "WebFetch(domain:x.y)", "[Read, [Grep]]", "[Read, 5]"),
)
OTHERS = (
    *("model: opus", "model: sonnet # best", "model: 4", "model:", "model: [a, b]", "model: claude-opus-4-1-20250805"),
    *("color: red", "color: Red", 'color: "#ff0000"', "# a comment", "#no space", "  # indented", "", "maxTurns: 5"),
    *('maxTurns: "5"', "maxTurns: 0", "maxTurns: five", "maxTurns: 1e3", "background: true", 'background: "true"'),
    *("background: yes", "permissionMode: plan", "permissionMode: Plan", "effort: high", "effort: 3", "skills: a, b"),
    *("skills: [a, b]", "skills:\n  - a", "memory: user", "disallowedTools: Write, Edit", "disallowedTools: [Write]"),
    *("initialPrompt: |\n  a\n  b", "isolation: worktree", "omitClaudeMd: true", "version: 1.0", "tags: [a, b]"),
    *('author: "x"', "name: again", "Model: opus", "nested:\n  a:\n    - b: c", "hooks: []", "when to use: x"),
    *("hooks:\n  Stop:\n    - hooks:\n        - type: command\n          command: 'a: b'", '"quoted key": x'),
    *("mcpServers:\n  - a\n  - b: {c: d}", 'mcpServers:\n  b:\n    command: c\n    args: ["-y"]', "tools: Grep"),
    *("<<: {a: b}", "mcpServers: x", "skills: {a: b}", "model : opus"),
)
WRONG = (
    "- a",
    "? a\n: b",
    ": b",
    "x: *y",
    "a b",
    "color:red",
    "...",
    "x: 'y",
    "\tx: y",
    "x: a: b",
    "x: `y`",
    "x: a --- b",
)
BODY = (
    "Text.",
    "",
    "# ROLE",
    "# FORBIDDEN",
    "- x",
    "```",
    "<!--",
    "---",
    "...",
    "    code",
    "<example>",
    "\ttab",
    "a  ",
)
USUAL = ("", "---\n", "---\n", "\n")
FRAMES = (
    *[USUAL] * 8,
    *(("\ufeff", *USUAL[1:]), ("\n", *USUAL[1:]), (" ", *USUAL[1:]), ("", "---  \n", "--- \n", "\r\n")),
    *(("", "---\n", end, "\n") for end in ("---", "\n---\n", "...\n", "----\n", "--- x\n", "")),
    *(("", "----\n", "---\n", "\n"), ("", "---\n", "---\n", "\r\n"), ("\ufeff", "---\n", "---\n", "\r\n")),
)


@st.composite
def _files(pick: st.DrawFn) -> bytes:
    lines = [f"name: {pick(st.sampled_from(NAMES))}", f"description: {pick(DESCRIPTIONS)}"]
    lines += [f"tools: {tools}" for tools in pick(st.lists(st.sampled_from(TOOLS), max_size=1))]
    lines += pick(st.lists(st.sampled_from(OTHERS), max_size=3))
    lines += pick(st.sampled_from([(), (), (), WRONG])) and [pick(st.sampled_from(WRONG))]
    before, opening, closing, ends = pick(st.sampled_from(FRAMES))
    front = "".join(f"{line}\n" for line in pick(st.permutations(lines)))
    body = "\n".join(pick(st.lists(st.sampled_from(BODY), max_size=6)))
    return f"{before}{opening}{front}{closing}{body}".replace("\n", ends).encode()


@settings(deadline=None)
@given(_files())
@example(b"---\r\nname: critic\r\ndescription: Use this\r\n---\r\na  \r\nText.")
@example(b'---\nname: critic\ndescription: Use this\nContext: a\nuser: "review"\n---\n')
def test_files_that_claude_code_loads(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    imported = _imported(raw, tmp_path_factory.getbasetemp())
    expected = as_claude_code(raw)
    was_text = ("inside the front matter was read as text", "and what follows were read as a part of")
    if imported is None or expected is None or any(each in str(imported.findings) for each in was_text):
        assert expected is None or imported
        return
    made = as_claude_code(imported.text.encode())
    assert made
    assert [key for key, value in expected.values.items() if not _is_kept(key, value, made, imported)] == []
    plain = expected.body.replace("\r\n", "\n")
    broken = with_backslashes(plain)[0] if "backslash" in str(imported.findings) else plain
    assert _squeezed(broken) in _squeezed(made.body)


def _is_kept(key: str, value: Any, made: AgentFile, imported: Imported) -> bool:
    return _is_same(key, value, made.values.get(key), imported)


_LISTS = {field.key for row in TARGETS.values() for field in row.fields if field.shape.type is list}
_LISTS |= {"tools", "skills", "disallowedTools", "mcpServers"}
"""The keys with lists, which can also be one string with commas."""


def _interpreted(key: str, value: Any) -> Any:
    """The value as Claude Code interprets it."""
    match value:
        case str() if key in _LISTS:
            return list(re.findall(r"(?:\([^)]*\)|[^\s,(])+", value))
        case list() if key in _LISTS:
            names = (_interpreted(key, one) if isinstance(one, str | list) else [one] for one in value)
            return [name for each in names for name in each]
        case Mapping() if key == "mcpServers":
            return [{name: server} for name, server in value.items()]
        case "true" | "false":
            return value == "true"
        case str():
            return (
                value.replace("\\n", "\n")
                if key == "description"
                else int(value)
                if value.isdecimal()
                else value or None
            )
        case _:
            return value


@given(st.text(LETTERS | st.sampled_from(":#-'\"\\{}[]*&!|>%@` ,\n\t"), max_size=60))
def test_any_text_can_be_front_matter(text: str) -> None:
    try:
        lenient_yaml.read(text, ("name", "description"))
    except lenient_yaml.RefusedYamlError:
        assert "&" in text


@given(st.text(max_size=40), st.text(max_size=40))
def test_both_toml_parsers_read_manifests_alike(line: str, role: str) -> None:
    data = {"name": "x", "description": line, "role": role, "target": {"claude-code": {"initialPrompt": role}}}
    text = manifest_text(data)
    assert tomllib.loads(text) == rtoml.loads(text) == data | {"role": f"{role}\n"}


# The other clients that read YAML.

LINES_OF = {
    "copilot": (
        *(
            "name: Critic",
            "tools: [read, edit]",
            "tools: ['codebase', 'gh/*', \"x/y\"]",
            "tools: read, search",
            "tools: []",
        ),
        *(
            "tools: ['*']",
            "tools: [Read, Bash]",
            "tools:\n- read\n- [x]",
            "tools:",
            "model: GPT-5 (Preview)",
            "model: [a, b]",
        ),
        *(
            "argument-hint: 'Say: what'",
            "target: vscode",
            "target: other",
            "infer: false",
            "user-invocable: true",
            "mode: x",
        ),
        *("handoffs:\n- label: Go\n  agent: x\n  prompt: y\n  send: true", "handoffs:\n- label: Go", "agents: ['*']"),
        *(
            "mcp-servers:\n  x:\n    type: local\n    args: [a]",
            "metadata:\n  a: b",
            "metadata: {a: 1}",
            "tools: {a: b}",
        ),
    ),
    "opencode": (
        *(
            "name: critic",
            "mode: primary",
            "mode: subagent",
            "mode: other",
            "model: a/b",
            "model: opus",
            "temperature: 0.1",
        ),
        *(
            "temperature: 1",
            "top_p: '0.5'",
            "maxSteps: 5",
            "steps: 3",
            "hidden: true",
            "disable: false",
            "color: '#ff5733'",
        ),
        *("color: red", "tools: {bash: true, write: false}", "tools: {bash: 'x'}", "tools: [a]", "permission: allow"),
        *(
            "permission: {'*': deny, edit: allow}",
            "permission:\n  bash:\n    '*': ask\n    git log*: allow\n  edit: deny",
        ),
        *("permission: {webfetch: {a: deny}}", "reasoningEffort: high", "prompt: x", "permission:"),
    ),
    "kilo": (
        *("mode: primary", "mode: subagent", "mode: other", "model: a/b", "variant: high", "temperature: 0.1"),
        *("displayName: The Critic", "maxSteps: 5", "steps: 3", "hidden: true", "disable: false", "color: accent"),
        *("tools: {bash: true, write: false}", "permission: allow", "permission: {'*': deny, edit: allow}"),
        *("permission: {'*': deny, bash: ask, edit: allow}", "permission: {'*': deny, bash: allow}", "prompt: x"),
        *("permission:\n  bash:\n    '*': ask\n    git log*: allow\n  edit: deny", "permissions: [x]", "source: x"),
    ),
    "droid": (
        *("model: inherit", "model: custom:x", "model: 5", "reasoningEffort: high", "tools: [Read, LS, Grep, Glob]"),
        *("tools: read-only", "tools: edit", "tools: all", "tools: []", "tools: [Read]", "tools: Read, Execute"),
        *(
            "tools: [MultiEdit]",
            "tools: [gh___list, ApplyPatch]",
            "mcpServers: [a]",
            "mcpServers: a, b",
            "version: x",
        ),
    ),
    "auggie": (
        *("model: gpt-5", "model: haiku", "color: pink", "color: gray", "tools: [view, grep-search]", "tools: view"),
        *("tools: [launch-process]", "tools: view, grep-search", "tools: []", "disabled_tools: [save-file]"),
        *("disabled_tools: save-file, remove-files", "hidden: true", "hidden: 'true'", "disable_rules: true"),
        *("tool_description: Reviews", "instruction_description: x", "finish_tool: x", "provider_base_url: u"),
        *("tools: [launch-process, read-process, write-process, kill-process, list-processes]",),
    ),
    "gemini": (
        *("name: critic_2", "kind: local", "tools: [read_file, replace]", "tools: ['*']", "tools: [x]"),
        *(
            "tools: [read_file, mcp_gh_list, list_directory]",
            "tools: [search_file_content]",
            "tools: read_file",
            "tools: []",
        ),
        *(
            "model: inherit",
            "model: gemini-3-pro",
            "temperature: 0.2",
            "max_turns: 5",
            "max_turns: '5'",
            "timeout_mins: 1",
        ),
        *("display_name: The Critic", "mcp_servers:\n  x:\n    command: y", "extensions: [a]", "tools: [5, read_file]"),
    ),
    "cursor": (
        *(
            "name: critic",
            "tools: Read, Grep",
            "tools: [Read]",
            "tools: ",
            "model: inherit",
            "model: fast",
            "model: # x",
        ),
        *("readonly: true", "readonly: 'true'", "is_background: yes", "is_background: false", "color: red", "x: a: b"),
    ),
    "qwen": (
        *(
            "name: critic_2",
            "tools: [read_file, glob]",
            "tools: read_file, edit",
            "tools: []",
            "tools: ['*']",
            "tools: [x]",
        ),
        *("disallowedTools: [edit]", "disallowedTools: edit, x", "model: inherit", "model: fast", "approvalMode: plan"),
        *(
            "approvalMode: odd",
            "maxTurns: 5",
            "color: auto",
            "color: mauve",
            "background: true",
            "mcpServers: {a: {b: c}}",
        ),
        *(
            "hooks: {Stop: [{hooks: [{type: command, command: x}]}]}",
            "modelConfig: {model: x}",
            "level: user",
            "tools: 5",
        ),
    ),
    "kimi": (
        *("name: critic-2", "tools: Read, Grep", "tools: [Read, FetchURL]", "tools: []", "tools: '*'", "tools: [x y]"),
        *("tools: [Read, mcp__gh__*, mcp__gh__list]", "tools: Read, Agent", "disallowedTools: Bash, Write"),
        *("disallowedTools: [Edit]", "subagents: coder, plan", "subagents: []", "subagents: ['*']", "override: true"),
        *("whenToUse: when done", "whenToUse: 5", "model: opus", "tools: 5", "override: 'yes'"),
    ),
    "grok": (
        *(
            "name: Critic",
            "tools: Read, Grep",
            "tools: [read_file, grep]",
            "tools: []",
            "tools: '*'",
            "tools: Bash(ls)",
        ),
        *("tools: Read, mcp__gh__list", "tools: search_replace", "disallowedTools: Bash, task", "model: inherit"),
        *(
            "mcpInheritance: none",
            "mcpInheritance: {named: [gh]}",
            "mcpInheritance: odd",
            "model: grok-4",
            "effort: max",
        ),
        *("effort: odd", "maxTurns: 5", "maxTurns: 0", "permissionMode: plan", "capabilityMode: read-only"),
        *("promptMode: full", "isolation: none", "background: 'true'", "color: gray", "memory: user", "skills: [a]"),
        *("discoverSkills: true", "mcpServers: [a]", "mcpServers: [{a: {command: x}}]", "hooks: {}", "toolConfig: {}"),
    ),
    "kiro": (
        *("tools: [read, shell]", "tools: [write, '@git/log', '@git']", "tools: ['*']", "tools: []", "tools: [x]"),
        *("model: claude-sonnet-4", "permissions: [{capability: shell, effect: allow}]", "mcpServers: {}"),
    ),
    "goose": ("name: Critic", "model: x", "tools: [read]"),
    "junie": ("name: critic-2", "model: x", "tools: [read]", "maxTurns: 5", "skills: a"),
    "devin": ("name: critic-2", "model: x", "allowed-tools: [read]", "permissions: {allow: [x]}"),
    "pi": (
        *(
            "tools: read, ls",
            "tools: read, bash",
            "tools: 'edit'",
            "tools:",
            "tools: mcp:gh, mcp:gh/list",
            "tools: './x.ts'",
        ),
        *(
            "async: true",
            "async: maybe",
            "timeoutMs: 5",
            "timeoutMs: 0",
            "thinking: high",
            "thinking: odd",
            "model: a/b",
        ),
        *("skills: a, b", "fallbackModels: a, b/c", "runner: x", "x: y", "maxSubagentDepth: 0", "name: 'The critic'"),
    ),
    "cline": (
        *(
            "tools: [read_files, x]",
            "tools: read_files, bash",
            "tools: [editor, apply_patch]",
            "tools: []",
            "tools: ''",
        ),
        *("skills: [a]", "skills: a, b", "modelId: a/b", "modelId: 4", "providerId: x", "maxIterations: 5", "x: y"),
        *("maxIterations: 0", "name: Critic", "model: opus"),
    ),
}


@st.composite
def _files_of_others(pick: st.DrawFn) -> tuple[str, str]:
    target = pick(st.sampled_from(sorted(LINES_OF)))
    lines = pick(st.lists(st.sampled_from(LINES_OF[target]), max_size=5, unique_by=lambda line: line.partition(":")[0]))
    lines = [*([] if any(line.startswith("name:") for line in lines) else ["name: critic"]), *lines]
    return target, "".join(f"{line}\n" for line in pick(st.permutations(["description: Reviews code.", *lines])))


@settings(deadline=None)
@given(_files_of_others())
def test_files_that_other_clients_load(tmp_path_factory: pytest.TempPathFactory, file: tuple[str, str]) -> None:
    target, front = file
    imported = _imported(f"---\n{front}---\nYou review code.\n".encode(), tmp_path_factory.getbasetemp(), target)
    assert imported
    made, body = read(target, imported.text)
    reader = {"lines": by_lines, "raw": by_raw_scalars}.get(TARGETS[target].form.syntax, yaml.safe_load)
    expected = reader(front)
    lost = [key for key, value in expected.items() if not _is_same(key, value, made.get(key), imported)]
    assert [key for key in lost if (target in ("opencode", "kilo", "kiro"), key) != (True, "name")] == []
    assert body.endswith("You review code.")


def _is_same(key: str, value: Any, made: Any, imported: Imported) -> bool:
    before, after = _interpreted(key, value), _interpreted(key, made)
    if key == "tools" and isinstance(before, list) and isinstance(after, list):  # the order has no meaning
        before, after = sorted(before, key=str), sorted(after, key=str)
    return imported.mentions(key) or before == after
