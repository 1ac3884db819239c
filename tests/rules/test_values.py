"""Values that name tools, agents, skills and models, in every place where a manifest can have them."""

from __future__ import annotations

import pytest

from conftest import Workbench
from kei_assembler.targets import TARGETS
from readers import Found, findings

CHECKED = tuple(f"K{number}" for number in (106, 111, *range(121, 128), 132))
AGENT = 'name = "critic"\ndescription = "Reviews code."\nrole = "You review code."\n'


def _found(bench: Workbench, manifest: str, settings: str = "") -> list[Found]:
    bench.write({"assemble.toml": f'external-agents = ["implementer"]\n{settings}'})
    bench.write({"agents/critic.toml": AGENT + manifest})
    return [one for one in findings(bench, "--check") if one.code in CHECKED]


def _reported(bench: Workbench, manifest: str, settings: str = "") -> list[tuple[str, str]]:
    return [(one.code, one.message) for one in _found(bench, manifest, settings)]


MISSPELLED = [
    ("claude-code", 'disallowedTools = ["WebSerch"]', "K121", "WebSearch"),
    ("claude-code", 'disallowedTools = ["Read", "webSearch"]', "K121", "WebSearch"),
    ("claude-code", 'disallowedTools = ["Read, Bsh(rm:*)"]', "K121", "Bash"),
    ("claude-code", 'disallowedTools = ["Agent(implementr)"]', "K127", "implementer"),
    ("claude-code", 'disallowedTools = ["Agent(general-purpos)"]', "K127", "general-purpose"),
    ("claude-code", 'model = "sonet"', "K125", "sonnet"),
    ("claude-code", 'model = "opuss[1m]"', "K125", "opus[1m]"),
    ("claude-code", 'model = "claude-sonet-4-5"', "K125", "claude-sonnet-4-5"),
    ("claude-code", 'model = "claude-haikuu-4-5-20251001[1m]"', "K125", "claude-haiku-4-5-20251001[1m]"),
    ("qwen", 'disallowedTools = ["write_fil"]', "K121", "write_file"),
    ("qwen", 'disallowedTools = ["Bash"]', "K121", "run_shell_command"),
    ("qwen", 'tools = ["raed_file"]', "K111", "read_file"),
    ("qwen", 'model = "inherrit"', "K125", "inherit"),
    ("gemini", 'tools = ["read_fil"]', "K106", "read_file"),
    ("gemini", 'tools = ["WriteFile"]', "K106", "write_file"),
    ("gemini", 'model = "flsh"', "K125", "flash"),
    ("copilot", 'tools = ["reed"]', "K111", "read"),
    ("copilot", 'agents = ["implementr"]', "K127", "implementer"),
    ("copilot", 'handoffs = [{ label = "Go", agent = "implementr", prompt = "p" }]', "K127", "implementer"),
    ("cursor", 'tools = ["Raed"]', "K111", "Read"),
    ("cursor", 'model = "inhert"', "K125", "inherit"),
    ("opencode", 'permission = { bsh = "deny" }', "K121", "bash"),
    ("opencode", 'permission = { Bash = "deny" }', "K121", "bash"),
    ("opencode", 'permission = { write = "deny" }', "K121", "edit"),
    ("opencode", 'permission = { apply_patch = "deny" }', "K121", "edit"),
    ("opencode", 'permission = { webfetsh = "ask" }', "K121", "webfetch"),
    ("opencode", 'permission = { raed = "allow" }', "K111", "read"),
    ("opencode", 'permission = { task = { "*" = "deny", implementr = "ask" } }', "K127", "implementer"),
]


@pytest.mark.parametrize(("target", "line", "code", "meant"), MISSPELLED)
def test_a_misspelled_name_is_reported_in_every_place(
    target: str, line: str, code: str, meant: str, bench: Workbench
) -> None:
    (found,) = _found(bench, f"[target.{target}]\n{line}\n", f'targets = ["{target}"]\n')
    assert (found.code, found.help, found.file) == (code, f"did you mean `{meant}`?", "agents/critic.toml")
    assert found.line == 5


@pytest.mark.parametrize(("target", "line", "code", "meant"), [row for row in MISSPELLED if row[2] != "K106"])
def test_a_misspelled_name_in_the_defaults_is_reported_there_once(
    target: str, line: str, code: str, meant: str, bench: Workbench
) -> None:
    bench.write({"agents/tester.toml": 'name = "tester"\ndescription = "Tests."\nrole = "You test code."\n'})
    (found,) = _found(bench, "", f'targets = ["{target}"]\n[defaults.target.{target}]\n{line}\n')
    assert (found.code, found.help, found.file) == (code, f"did you mean `{meant}`?", "assemble.toml")


KNOWN = [
    ("claude-code", 'disallowedTools = ["WebSearch", "mcp__x", "mcp__x__y", "Bash(rm:*)", "LS", "MultiEdit", "Task"]'),
    ("claude-code", 'disallowedTools = ["Agent(Explore, implementer, plugin:x)", "Skill(*)", "*"]'),
    ("claude-code", 'model = "Opus"'),
    ("claude-code", 'model = "claude-opus-4-1"'),
    ("claude-code", 'model = "opus[1m]"'),
    ("claude-code", 'model = "claude-opus-4-5-latest[1m]"'),
    ("claude-code", 'model = "us.anthropic.claude-sonet-4-5-v1:0"'),
    ("cursor", 'model = "fast"'),
    ("copilot", 'model = "Claude Opus 4.5"'),
    ("qwen", 'tools = ["read_file", "ReadFile", "lsp", "mcp__x__y", "save_memory"]'),
    ("qwen", 'disallowedTools = ["list_directory", "read_many_files"]'),
    ("qwen", 'model = "qwen3-coder"'),
    ("gemini", 'model = "gemini-3-pro"'),
    ("copilot", 'tools = ["Read", "search/codebase", "githubRepo", "tracker/*"]'),
    ("copilot", 'agents = ["implementer", "*", "explore", "painter"]'),
    ("copilot", 'model = ["Opus 5", "GPT-5 (copilot)"]'),
    ("cursor", 'tools = ["Read", "codebase_search"]'),
    ("codex", 'model = "opuss"'),
    ("opencode", 'permission = { "*" = "ask", bash = "ask", doom_loop = "deny", "tracker_*" = "deny" }'),
    ("opencode", 'permission = { task = { "*" = "deny", "impl*" = "ask" } }'),
]


@pytest.mark.parametrize(("target", "line"), KNOWN)
def test_a_name_that_may_be_right_is_not_reported(target: str, line: str, bench: Workbench) -> None:
    assert not _found(bench, f"[target.{target}]\n{line}\n", f'targets = ["{target}"]\n')


def test_a_denied_tool_that_resembles_none_is_a_warning(bench: Workbench) -> None:
    manifest = '[target.claude-code]\ndisallowedTools = ["Frobnicate"]\n'
    assert _reported(bench, manifest) == [("K111", "unknown tool `Frobnicate`")]
    assert not _reported(bench, manifest, 'known-tools = ["Frobnicate"]\n')


CONFLICTS = [
    (["Bash"], ["Bash"], "`Bash` is denied, but `tools` allows `Bash`"),
    (["Bash(git:*)"], ["Bash"], "`Bash` is denied, but `tools` allows `Bash(git:*)`"),
    (["Bash"], ["Bash(git:*)"], "`Bash(git:*)` is denied, but `tools` allows `Bash`"),
    (["Bash(git:*)"], ["Bash(git:*)"], "`Bash(git:*)` is denied, but `tools` allows `Bash(git:*)`"),
    (["Task"], ["Agent"], "`Agent` is denied, but `tools` allows `Task`"),
    (["Agent(implementer)"], ["Task"], "`Task` is denied, but `tools` allows `Agent(implementer)`"),
    (
        ["Agent(critic, implementer)"],
        ["Agent(implementer)"],
        "`Agent(implementer)` is denied, but `tools` allows `Agent(critic, implementer)`",
    ),
    (["Agent(critic)"], ["Agent(implementer)"], ""),
    (["Bash(git:*)"], ["Bash(git *)"], "`Bash(git *)` is denied, but `tools` allows `Bash(git:*)`"),
    (["Bash"], ["Edit, Bash"], "`Edit, Bash` is denied, but `tools` allows `Bash`"),
    (["mcp__x__y"], ["mcp__*"], "`mcp__*` is denied, but `tools` allows `mcp__x__y`"),
    (["Read"], ["*"], "`*` is denied, but `tools` allows `Read`"),
    (["*"], ["*"], "`*` is denied, but `tools` allows `*`"),
    (["mcp__x__y"], ["mcp__x"], "`mcp__x` is denied, but `tools` allows `mcp__x__y`"),
    (["mcp__x__*"], ["mcp__x"], "`mcp__x` is denied, but `tools` allows `mcp__x__*`"),
    (["mcp__x"], ["mcp__x__*"], "`mcp__x__*` is denied, but `tools` allows `mcp__x`"),
    (["*"], ["Bash"], ""),
    (["mcp__x"], ["mcp__x__y"], ""),
    (["mcp__xy"], ["mcp__x"], ""),
    (["Agent"], ["Agent(Explore)"], ""),
    (["Bash(git:*)"], ["Bash(git push:*)"], ""),
    (["Read"], ["Edit"], ""),
]


@pytest.mark.parametrize(("allowed", "denied", "message"), CONFLICTS)
def test_a_tool_that_is_allowed_and_denied_is_reported(
    allowed: list[str], denied: list[str], message: str, bench: Workbench
) -> None:
    found = _reported(bench, f"tools = {allowed}\n[target.claude-code]\ndisallowedTools = {denied}\n")
    assert found == ([("K122", message)] if message else [])
    bench.write({"agents/critic.toml": AGENT})
    settings = f"[defaults]\ntools = {allowed}\n[defaults.target.claude-code]\ndisallowedTools = {denied}\n"
    assert [one.file for one in _found(bench, "", settings)] == (["assemble.toml"] if message else [])


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ('tools = ["Edit"]\n[target.qwen]\ndisallowedTools = ["edit"]', "`edit` is denied, but `tools` allows `Edit`"),
        (
            '[target.qwen]\ntools = ["edit"]\ndisallowedTools = ["edit"]',
            "`edit` is denied, but `tools` allows `edit`",
        ),
        (
            'tools = ["Write"]\n[target.qwen]\ndisallowedTools = ["WriteFile"]',
            "`WriteFile` is denied, but `tools` allows `Write`",
        ),
        (
            'tools = ["Write"]\n[target.qwen]\ndisallowedTools = ["edit, write_file"]',
            "`edit, write_file` is denied, but `tools` allows `Write`",
        ),
    ],
)
def test_a_conflict_in_a_clients_own_names_is_reported(manifest: str, message: str, bench: Workbench) -> None:
    assert _reported(bench, manifest, 'targets = ["qwen"]\n') == [("K122", message)]


@pytest.mark.parametrize(
    ("target", "model", "others"),
    [
        ("codex", "opus", "Claude Code"),
        ("codex", "inherit", "Claude Code, Cursor, Gemini CLI, Qwen Code, Factory Droid and Grok Build"),
        ("copilot", "sonnet", "Claude Code"),
        ("gemini", "haiku", "Claude Code"),
        ("claude-code", "flash", "Gemini CLI"),
    ],
)
def test_a_model_of_another_client_is_reported(target: str, model: str, others: str, bench: Workbench) -> None:
    message = f"there is no model `{model}` in {TARGETS[target].label}; it is a word of {others}"
    own = f'[target.{target}]\nmodel = "{model}"\n'
    assert _reported(bench, own, f'targets = ["{target}"]\n') == [("K132", message)]
    if target == "claude-code":
        assert _reported(bench, f'model = "{model}"\n', f'targets = ["{target}"]\n') == [("K132", message)]


ALLOWED_SKILLS = '[[allow-rights]]\nagent = "critic"\nrights = ["claude-code.skills"]\nreason = "tested"\n'


def test_a_skill_is_looked_for_where_the_client_looks(bench: Workbench) -> None:
    bench.write({".claude/skills/review/SKILL.md": "Review.", ".agents/skills/plan/SKILL.md": "Plan."})
    manifest = '[target.claude-code]\nskills = ["review", "plan", "vendor:commit", "../x"]\n'
    assert _reported(bench, manifest, ALLOWED_SKILLS) == [
        ("K124", "Claude Code will not find the skill `plan` in `.claude/skills`")
    ]
    manifest = 'tools = ["Skill(review, plan)"]\n'
    assert _reported(bench, manifest, 'targets = ["claude-code", "opencode"]\n' + ALLOWED_SKILLS) == [
        ("K124", "Claude Code will not find the skill `plan` in `.claude/skills`")
    ]


def test_a_kit_in_a_subfolder_finds_skills_up_to_its_root(bench: Workbench) -> None:
    bench.write({".claude/skills/review/SKILL.md": "Review.", ".git/HEAD": "ref: refs/heads/main\n"})
    bench.write({"kit/assemble.toml": 'root = ".."\n'})
    bench.write({"kit/agents/critic.toml": f'{AGENT}tools = ["Skill(review)"]\n'})
    run = bench.run("--all", "--check", "--kit", "kit")
    assert "K124" not in run.stderr + run.stdout


@pytest.mark.parametrize("model", ["opuss", "opsu", "sonet", "hiaku", "inherrit", "sonnett"])
def test_a_misspelled_model_is_a_warning(model: str, bench: Workbench) -> None:
    assert [one.code for one in _found(bench, f'model = "{model}"\n')] == ["K125"]


@pytest.mark.parametrize("model", ["opus", "OPUS", "opusplan", "sonnet[1m]", "gpt-5", "claude-sonnet-5", "glm", "auto"])
def test_any_other_model_passes(model: str, bench: Workbench) -> None:
    assert not _found(bench, f'model = "{model}"\n')


def test_clients_that_do_not_get_the_model_are_one_note(bench: Workbench) -> None:
    bench.write({f"agents/{name}.toml": AGENT.replace("critic", name) + 'model = "opus"\n' for name in ("a-b", "z")})
    settings = 'targets = ["claude-code", "codex", "copilot"]\n'
    (found,) = _found(bench, 'model = "inherit"\n', settings)
    message = "the `model` of 2 agents is left out for GitHub Copilot and VS Code and Codex CLI"
    assert (found.code, found.message, found.file, found.line) == ("K126", message, "agents/a-b.toml", 4)
    assert not _found(bench, "", settings + 'ignore = ["K126"]\n')


def test_a_model_in_the_defaults_is_reported_there(bench: Workbench) -> None:
    (found,) = _found(bench, "", 'targets = ["codex"]\n[defaults]\nmodel = "opus"\n')
    assert (found.code, found.file, found.line) == ("K126", "assemble.toml", 4)


@pytest.mark.parametrize(
    "target", [name for name, row in TARGETS.items() if row.models is not None and "model" in row.keys]
)
def test_a_model_of_its_own_is_the_remedy(target: str, bench: Workbench) -> None:
    manifest = 'model = "opus"\n'
    assert [one.code for one in _found(bench, manifest, f'targets = ["{target}"]\n')] == ["K126"]
    own = f'{manifest}[target.{target}]\n{TARGETS[target].model_key} = "maker/one"\n'
    assert not _found(bench, own, f'targets = ["{target}"]\n')
