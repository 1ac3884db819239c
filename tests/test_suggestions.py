"""Which words are close enough for the question "did you mean …?"."""

from __future__ import annotations

import pytest

from kei_assembler.model.manifest import FIELDS
from kei_assembler.model.settings import SETTINGS
from kei_assembler.suggestions import choices, nearest
from kei_assembler.targets import CLAUDE_TOOLS, TARGETS

KEYS = [field.key for field in FIELDS]
MODELS = ["opus", "sonnet", "haiku", "inherit"]
BLOCKS = ["rule-test-first", "testing", "house-rules", "rule-pre-dev-gate", "policy/no-git-ops"]
AGENTS = ["critic", "implementer", "frontend-developer", "backend-developer"]


@pytest.mark.parametrize(
    ("known", "word", "meant"),
    [
        *(
            (CLAUDE_TOOLS, word, "WebSearch")
            for word in ("WebSerch", "Websearch", "web_search", "web-search", "SearchWeb")
        ),
        *((CLAUDE_TOOLS, word, "Read") for word in ("Raed", "read", "READ", "Reed", "Reads")),
        *((CLAUDE_TOOLS, word, "Bash") for word in ("bash", "Bsh", "Bahs")),
        *((CLAUDE_TOOLS, word, "TodoWrite") for word in ("TodoWirte", "todo_write", "TodoWrites", "Todo")),
        *((CLAUDE_TOOLS, word, "NotebookEdit") for word in ("NoteBookEdit", "NotebokEdit", "Notebook")),
        *((KEYS, word, "description") for word in ("desciption", "Description", "descritpion", "desc", "descriptions")),
        *((KEYS, word, "forbidden_domain") for word in ("forbidden-domain", "forbiddenDomain", "forbiden_domain")),
        *((KEYS, word, "tools") for word in ("tool", "tols", "Tools")),
        *((KEYS, word, "handoff") for word in ("handoffs", "hand-off", "handof")),
        *((TARGETS, word, "claude-code") for word in ("claude", "claude_code", "ClaudeCode", "cluade-code")),
        *((BLOCKS, word, "rule-test-first") for word in ("rule-tets-first", "test-first", "rule-first-test")),
        *((BLOCKS, word, "testing") for word in ("Testing", "tesing", "testing-rules")),
        *((MODELS, word, "opus") for word in ("Opus", "opuss", "ops")),
        *((TARGETS, word, "qwen") for word in ("qwen-code", "QwenCode", "Qwen Code", "qwen3")),
        *((TARGETS, word, "copilot") for word in ("github-copilot", "GitHub Copilot", "copilot-cli")),
        *((TARGETS, word, "opencode") for word in ("open-code", "OpenCode", "opncode")),
        (AGENTS, "implementor", "implementer"),
        (AGENTS, "critic-v2", "critic"),
        ([field.key for field in SETTINGS], "obligatry", "obligatory"),
        ([field.key for field in SETTINGS], "known_tools", "known-tools"),
    ],
)
def test_a_misspelling_is_recognized(known: list[str], word: str, meant: str) -> None:
    assert nearest(word, known) == meant


@pytest.mark.parametrize(
    ("known", "word"),
    [
        *(
            (CLAUDE_TOOLS, word)
            for word in ("TeamDelete", "TeamCreate", "Team", "Delete", "Cron", "Task2Output", "Shell")
        ),
        *(
            (CLAUDE_TOOLS, word)
            for word in ("TaskOutput", "TodoRead", "KillShell", "LS", "Think", "Search", "Web", "Fetch")
        ),
        *((["Grep"], word) for word in ("Write", "Crop", "Prep")),
        *((["plus"], word) for word in ("opus", "us")),
        (["CronDelete"], "TeamDelete"),
        (["Read"], "Write"),
        (["Edit"], "Exit2"),
        (MODELS, "gpt-5"),
        (MODELS, "hurl"),
        *((KEYS, word) for word in ("color", "skills", "hooks", "memory", "temperature", "permissionMode", "x", "")),
        (AGENTS, "developer"),
        (AGENTS, "reviewer"),
        (BLOCKS, "rule-security-first"),
        (BLOCKS, "rule"),
    ],
)
def test_a_different_word_is_not(known: list[str], word: str) -> None:
    assert nearest(word, known) is None


def test_many_long_words_take_little_time() -> None:
    known = frozenset("x" * 150 + str(number) for number in range(2000))
    assert nearest("y" * 200, known) is None
    assert nearest("x" * 149 + "z1999", known) in (None, *known)


def test_a_sentence_about_all_that_there_is() -> None:
    assert choices("key", ["a", "b", "c"]) == "the keys are `a`, `b` and `c`"
    assert choices("key", ["a"], " here") == "the only key here is `a`"
    assert choices("key", [], " here") == "there is no key here"
