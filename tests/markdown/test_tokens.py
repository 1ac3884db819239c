"""The estimate of tokens, compared with what a real tokenizer counts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import REPOSITORY, examples
from kei_assembler.markdown.tokens import tokens
from node_scripts import node_command
from strategies import ANY_TEXT

MAX_ERROR = 0.12


class Sample(NamedTuple):
    """A text, and its number of tokens in `o200k_base`, as js-tiktoken counts them."""

    name: str
    counted: int
    text: str


SAMPLES = (
    Sample(
        "English",
        51,
        (
            "You review changes before they are merged. Read the whole diff first, then the tests. Report "
            "each problem with its file and line, say why it matters, and suggest a fix. If you find "
            "nothing, say so plainly instead of inventing problems.\n"
        ),
    ),
    Sample(
        "list",
        52,
        (
            "- **Correctness**: off-by-one errors, race conditions, unhandled exceptions\n"
            "- **Security**: injection, authentication bypass, secrets in logs\n"
            "- **Performance**: N+1 queries, unbounded caches, blocking calls in async code\n"
        ),
    ),
    Sample(
        "table",
        61,
        (
            "| key | must be | default |\n"
            "|---|---|---|\n"
            "| `agent` | a whole number above 0 | |\n"
            "| `block` | a whole number above 0 | |\n"
            "| `output` | a path relative to the kit | `agents/{name}.md` |\n"
        ),
    ),
    Sample(
        "Python",
        59,
        (
            "def merge(left: list[int], right: list[int]) -> list[int]:\n"
            "    result = []\n"
            "    while left and right:\n"
            "        source = left if left[0] <= right[0] else right\n"
            "        result.append(source.pop(0))\n"
            "    return result + left + right\n"
        ),
    ),
    Sample(
        "JSON",
        60,
        (
            "{\n"
            '  "name": "critic",\n'
            '  "tools": [\n'
            '    "Read",\n'
            '    "Grep",\n'
            '    "Glob"\n'
            "  ],\n"
            '  "limits": {\n'
            '    "maxTurns": 12,\n'
            '    "timeout": 30.5\n'
            "  },\n"
            '  "isDefault": false\n'
            "}\n"
        ),
    ),
    Sample(
        "shell",
        53,
        (
            "```bash\n"
            "set -euo pipefail\n"
            "git fetch --quiet origin main\n"
            "for file in $(git diff --name-only origin/main -- '*.py'); do\n"
            '  ruff check "$file" && mypy --strict "$file"\n'
            "done\n"
            "```\n"
        ),
    ),
    Sample(
        "Chinese",
        48,
        (
            "你负责在合并之前审查代码。先读完整个改动，再看测试。每个问题都要写明文件和行号，说明为什么重要，并给出修改建议。如果没有发现问题，请直接说明。\n"
        ),
    ),
    Sample(
        "Japanese",
        52,
        (
            "あなたはマージ前の変更を確認します。まず差分をすべて読み、次にテストを読んでください。問題ごとにファイルと行番号を示し、理由と修正案を書いてください。\n"
        ),
    ),
    Sample(
        "Korean",
        40,
        (
            "병합하기 전에 변경 사항을 검토합니다. 먼저 전체 차이를 읽고 테스트를 확인하세요. "
            "문제마다 파일과 줄 번호를 적고 이유와 수정 방법을 제안하세요.\n"
        ),
    ),
    Sample(
        "Russian",
        46,
        (
            "Ты проверяешь изменения перед слиянием. Сначала прочитай весь код, затем тесты. Для каждой "
            "ошибки укажи файл и строку, объясни, почему это важно, и предложи исправление.\n"
        ),
    ),
    Sample(
        "Arabic",
        43,
        (
            "أنت تراجع التغييرات قبل دمجها. اقرأ الفرق كله أولا ثم الاختبارات. اذكر الملف والسطر لكل مشكلة، "
            "واشرح سبب أهميتها، واقترح إصلاحا لها.\n"
        ),
    ),
    Sample(
        "Greek",
        53,
        (
            "Ελέγχεις τις αλλαγές πριν από τη συγχώνευση. Διάβασε πρώτα όλο τον κώδικα και μετά τις "
            "δοκιμές. Για κάθε πρόβλημα γράψε το αρχείο και τη γραμμή.\n"
        ),
    ),
    Sample(
        "Hindi",
        35,
        ("आप विलय से पहले बदलावों की समीक्षा करते हैं। पहले पूरा अंतर पढ़ें, फिर परीक्षण देखें। हर समस्या के लिए फ़ाइल और पंक्ति बताएँ।\n"),
    ),
    Sample(
        "German",
        39,
        (
            "Du prüfst Änderungen, bevor sie übernommen werden. Lies zuerst den ganzen Unterschied, dann "
            "die Tests. Nenne zu jedem Fehler die Datei und die Zeile, und schlage eine Lösung vor.\n"
        ),
    ),
    Sample(
        "French",
        36,
        (
            "Tu relis les modifications avant leur fusion. Lis d'abord toute la différence, puis les tests. "
            "Pour chaque problème, indique le fichier et la ligne, et propose une correction.\n"
        ),
    ),
    Sample(
        "emoji",
        33,
        ("✅ Done\n❌ Failed\n🚀 Released\n⚠️ Deprecated\n🔥 Hot path\n🧪 Experiment\n📦 Package\n💡 Idea\n"),
    ),
    Sample(
        "addresses",
        48,
        (
            "https://example.com/docs/v2/getting-started?utm_source=news&id=48213977#install\n"
            "https://api.example.org/repos/acme/widgets/pulls/1024/files?per_page=100&page=3\n"
        ),
    ),
    Sample(
        "digests",
        146,
        (
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d\n"
            "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a\n"
            "dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986\n"
            "084fed08b978af4d7d196a7446a86b58009e636b611db16211b65a9aadff29c5\n"
        ),
    ),
    Sample(
        "base64",
        234,
        (
            "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB1L9RIvNEVUxTveLruM0rfj0WAK1jHDhaXXzOI8d4VFmtvBtMkA/+S"
            "NV1tdpcY4BAEl9l2w/j4kSUt26phkV9mGCE/tCLl4r019GWp0RqhrWACeY2thHbFiEbZamq3/KcXlLZxQjFAjRzRNjAetkc"
            "vWBor8df9ikvBioJyjgcieced7mprp4wsNvbb1EKJk753ngVAde2uSronrBZxat0PbZ1humPrSfaC5lovAOaHvNMk5ubjlI"
            "6i++J1HhgjF7PbKNYdY9tJ+bPRScpN5d6dI/Yg5HbZ5ztp9x78fAF7oeQ==\n"
        ),
    ),
    Sample(
        "folders",
        35,
        ("src/\n├── app/\n│   ├── main.py\n│   └── models.py\n└── tests/\n    └── test_main.py\n"),
    ),
)
RANDOM = {"base64": 0.2}
"""The largest error for random characters, which no rule about words fits."""


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
def test_estimate_is_close_to_a_real_tokenizer(sample: Sample) -> None:
    assert tokens(sample.text) == pytest.approx(sample.counted, rel=RANDOM.get(sample.name, MAX_ERROR))


def test_no_text_has_no_tokens() -> None:
    assert tokens("") == 0


@pytest.mark.parametrize("text", ["x", " ", "\n", "\n\n", "\n\n\n\n", "\0", "é", "😀", "\ud800", "\u3000", "漢"])
def test_every_text_has_tokens(text: str) -> None:
    assert 1 <= tokens(text) <= 2


@given(ANY_TEXT)
@examples(100)
def test_no_text_has_more_tokens_than_bytes(text: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    assert bool(text) <= tokens(text) <= size + size // 50


@given(st.lists(st.sampled_from([sample.text for sample in SAMPLES]), max_size=20))
@examples(50)
def test_paragraphs_add_up(paragraphs: list[str]) -> None:
    # the blank line between two of them is not counted apart from the line end before it
    assert abs(tokens("\n".join(paragraphs)) - sum(map(tokens, paragraphs))) <= len(paragraphs)


def test_long_paragraph_counts_like_several() -> None:
    line = "Read the whole diff first, then the tests.\n"
    assert tokens(line * 5000) == pytest.approx(5000 * tokens(line * 50) / 50, rel=0.01)


def _texts() -> Iterator[tuple[str, str]]:
    """Yield the long texts of this repository: agents, blocks, documentation, code."""
    patterns = ("agents/*.*", "_blocks/*.md", "docs/**/*.md", "*.md", "tests/golden/**/*.*", "src/**/*.py")
    for pattern in patterns:
        for file in sorted(REPOSITORY.glob(pattern)):
            if file.stat().st_size > 1000:
                yield file.relative_to(REPOSITORY).as_posix(), file.read_text("utf-8")


@pytest.fixture(scope="module")
def counted() -> Iterator[subprocess.Popen[str]]:
    """A process that counts the tokens of texts."""
    command, pipe = node_command("count_tokens.mjs", "js-tiktoken"), subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8") as process:
        yield process


def _count(process: subprocess.Popen[str], text: str) -> int:
    assert process.stdin
    assert process.stdout
    print(json.dumps(text), file=process.stdin, flush=True)
    return int(process.stdout.readline())


@pytest.mark.slow
def test_recorded_counts_are_those_of_the_tokenizer(counted: subprocess.Popen[str]) -> None:
    assert [_count(counted, sample.text) for sample in SAMPLES] == [sample.counted for sample in SAMPLES]


@pytest.mark.slow
def test_every_long_text_of_this_repository_is_close(counted: subprocess.Popen[str]) -> None:
    errors = {name: tokens(text) / _count(counted, text) - 1 for name, text in _texts()}
    assert {name: error for name, error in errors.items() if abs(error) > MAX_ERROR} == {}
    assert abs(sum(errors.values()) / len(errors)) < 0.03
