"""Agents that texts name in backticks: the misspelled ones, those that work is handed to, and words that are right."""

from __future__ import annotations

from functools import partial

import pytest

from conftest import Workbench
from kei_assembler.kit import LoadedKit
from kei_assembler.model.settings import decode_settings
from kei_assembler.rules.mentions import RULES, Naming
from kei_assembler.rules.runner import MAX_FINDINGS, first_findings
from kei_assembler.toml.source import span_of
from readers import Found, findings

WRITER = 'name = "code-writer"\ndescription = "Writes code."\n'
CRITIC = 'name = "code-critic"\ndescription = "Reviews code."\n'
CODES = tuple(rule.code for rule in RULES)


def _kit(bench: Workbench, text: str, more: dict[str, str] | None = None) -> None:
    """A kit with two agents. The text is the only block of one of them."""
    bench.write({"agents/code-writer.toml": WRITER, "agents/code-critic.toml": f'{CRITIC}blocks = ["rule"]\n'})
    bench.write({"_blocks/rule.md": text, **(more or {})})


def _found(bench: Workbench, *args: str) -> list[Found]:
    return [one for one in findings(bench, *(args or ("--check",))) if one.code in CODES]


MISSPELLED = (
    "Ask `code-writter`.",
    "Ask `code-wirter`, and nobody else.",
    "- Ask `cod-writer`.",
    "| who |\n|---|\n| `code-writr` |",
    "<rules>\nAsk `code-writr`.\n</rules>",
    "Hand the report of `code-writr` over.",
)


@pytest.mark.parametrize("text", MISSPELLED)
def test_a_misspelled_agent_in_a_block_is_a_warning(text: str, bench: Workbench) -> None:
    _kit(bench, f"{text}\n")
    (found,) = _found(bench)
    name = text.split("`")[1]
    assert (found.code, found.message) == ("H307", f"there is no agent `{name}`")
    run = bench.run("--all", "--check")
    assert "help: did you mean `code-writer`?" in run.stderr
    bench.run("--all", "--fix")
    assert bench.read("_blocks/rule.md") == f"{text}\n".replace(name, "code-writer")
    assert _found(bench) == []


HANDED = (
    "Hand off to `writer-x`.",
    "hand off\nto `writer-x`",
    "It hands it off to the agent `writer-x`.",
    "Handing over to `writer-x` ends your turn.",
    "a hand-off to `writer-x`",
    "the handoff to `writer-x`",
    "Hand over the work to `writer-x`.",
)


@pytest.mark.parametrize("text", HANDED)
def test_work_for_an_agent_that_does_not_exist_is_a_warning(text: str, bench: Workbench) -> None:
    _kit(bench, f"{text}\n")
    (found,) = _found(bench)
    assert (found.code, found.message) == ("H308", "the text hands off to `writer-x`, which is not an agent")
    bench.run("--all", "--unsafe-fixes")
    assert bench.read("_blocks/rule.md") == f"{text}\n"


def test_a_misspelled_receiver_is_one_finding_and_its_fix_is_not_safe(bench: Workbench) -> None:
    _kit(bench, "Hand off to `code-writter`.\n")
    (found,) = _found(bench)
    assert found.code == "H308"
    bench.run("--all", "--fix")
    assert bench.read("_blocks/rule.md") == "Hand off to `code-writter`.\n"
    bench.run("--all", "--unsafe-fixes")
    assert bench.read("_blocks/rule.md") == "Hand off to `code-writer`.\n"


RIGHT = (
    "Ask `code-writer`, then hand off to `code-critic`.",
    "Ask code-writter.",
    "Run `code-writter --all` and ``code-writter``.",
    "```\nAsk `code-writter`, and hand off to `nobody`.\n```",
    "    Ask `code-writter`.",
    "Ask `code-writers`, `writer-code` and `code-reader`.",
    "Use `dry-run`, `code-review`, `wirter`, `code_writter` and `Code-Writter`.",
    "Hand off to the user, or to `x`.",
    "Hand off to `NAME`, `{name}` or `docs/notes.md`.",
    "Hand off to `general-purpose`.",
    "Hand off to `claude-code`.",
)


@pytest.mark.parametrize("text", RIGHT)
def test_other_words_are_fine(text: str, bench: Workbench) -> None:
    _kit(bench, f"{text}\n")
    assert _found(bench) == []


DECLARED = {
    "an agent from elsewhere": {"assemble.toml": 'external-agents = ["code-writter"]\n'},
    "a block": {"_blocks/code-writter.md": "Be kind.\n"},
    "a block in a folder": {"_blocks/style/code-writter.md": "Be kind.\n"},
    "a skill": {"skills/code-writter.toml": 'name = "code-writter"\ndescription = "Writes."\n'},
    "a skill by hand": {".claude/skills/code-writter/SKILL.md": "Write.\n"},
    "a tool": {"assemble.toml": 'known-tools = ["code-writter"]\n'},
    "a bundle": {"assemble.toml": 'bundles.code-writter = ["rule"]\n'},
    "a value": {"assemble.toml": 'values.TEAM = "code-writter"\n'},
    "an extra key": {"assemble.toml": 'extra-keys.code-writter = "string"\n'},
    "a folder": {"code-writter/x.txt": ""},
    "an agent by hand": {"assemble.toml": 'targets = ["codex"]\n', ".codex/agents/code-writter.toml": ""},
    "a display-name": {"agents/other.toml": 'name = "other"\ndescription = "O."\ndisplay-name = "code-writter"\n'},
}


@pytest.mark.parametrize("what", DECLARED)
def test_a_word_that_the_kit_declares_is_fine(what: str, bench: Workbench) -> None:
    text = "Ask `code-writter`, or hand off to `code-writter`.\n"
    _kit(bench, text)
    assert [one.code for one in _found(bench)] == ["H307", "H308"]
    _kit(bench, text, DECLARED[what])
    assert _found(bench) == []


IN_MANIFEST = {
    "role": 'role = """\nYou work.\nAsk `code-writter`.\n"""\n',
    "domain_in": 'domain_in = ["What `code-writter` wrote"]\n',
    "forbidden_domain": 'forbidden_domain = ["What `code-writter` does"]\n',
    "trigger": '[[handoff]]\ntarget = "code-writer"\ntrigger = "what `code-writter` has to do"\n',
}


@pytest.mark.parametrize("where", IN_MANIFEST)
def test_texts_of_a_manifest(where: str, bench: Workbench) -> None:
    text = CRITIC + IN_MANIFEST[where]
    bench.write({"agents/code-writer.toml": WRITER, "agents/code-critic.toml": text})
    (found,) = _found(bench)
    assert (found.code, found.file) == ("H307", "agents/code-critic.toml")
    bench.run("--all", "--fix")
    is_fixed = where != "trigger"  # what is part of a handoff is never changed unasked
    assert bench.read("agents/code-critic.toml") == (text.replace("writter", "writer") if is_fixed else text)
    bench.run("--all", "--unsafe-fixes")
    assert bench.read("agents/code-critic.toml") == text.replace("writter", "writer")


def test_a_role_file_that_several_agents_inherit_is_one_finding(bench: Workbench) -> None:
    base = 'name = "base"\nabstract = true\nrole = { file = "roles/base.md" }\n'
    heirs = {
        f"agents/{name}.toml": f'name = "{name}"\ndescription = "D."\nextends = "base"\n'
        for name in ("code-writer", "code-critic")
    }
    bench.write({"agents/base.toml": base, "roles/base.md": "Ask `code-writter`, not `bsae`.\n", **heirs})
    (found,) = _found(bench)
    assert (found.code, found.file, found.line) == ("H307", "roles/base.md", 1)


def test_a_base_is_not_suggested(bench: Workbench) -> None:
    _kit(bench, "Ask `code-bse`, and hand off to `code-bse`.\n")
    bench.write({"agents/code-base.toml": 'name = "code-base"\nabstract = true\n'})
    (found,) = _found(bench)
    assert found.code == "H308"
    assert "did you mean `code-base`" not in bench.run("--all", "--check").stderr


def test_a_kit_without_agents_can_name_any(bench: Workbench) -> None:
    manifest = 'name = "house"\nrole = "Hand off to `critic`."\n'
    bench.write({"instructions/house.toml": manifest})
    assert _found(bench) == []


def test_a_build_of_one_manifest_and_one_of_all_say_the_same(bench: Workbench) -> None:
    _kit(bench, "Ask `code-writter`.\n")
    one = bench.run("agents/code-critic.toml", "--check")
    assert one.stderr.count("warning[H307]") == 1
    assert "_blocks/rule.md:1:6: warning[H307] there is no agent `code-writter`\n" in one.stderr
    assert one.stderr.count("H307") == bench.run("--all", "--check").stderr.count("H307")


def test_a_block_is_searched_once_for_all_agents(bench: Workbench) -> None:
    _kit(bench, "Ask `code-writter`.\n")
    more = {f"agents/a-{n}.toml": f'name = "a-{n}"\ndescription = "A."\nblocks = ["rule"]\n' for n in range(20)}
    bench.write(more)
    assert bench.run("--all").stderr.count("H307") == 1


def test_many_names_take_linear_time(bench: Workbench) -> None:
    _kit(bench, "x\n")
    kit = LoadedKit(str(bench.folder), decode_settings({}), None)
    for part in (
        "`",
        "`a-b",
        "`code-writter` ",
        "hand off to `",
        "hand off to `x` ",
        "hand \n",
        "`a-",
        "`a/",
        "`a/a.md` ",
    ):
        text = part * 5_000
        naming = Naming(kit, text, partial(span_of, text))
        for rule in RULES:
            assert len(first_findings(rule, naming)) <= MAX_FINDINGS + 1
