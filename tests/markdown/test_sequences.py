"""Sequences with hidden characters: exactly those that Unicode registers are accepted, in every kind of file."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from conftest import Workbench, examples
from kei_assembler.markdown import unicode_data
from kei_assembler.markdown.hidden_text import HIDDEN, is_hidden, may_hide, stretches
from unicode_codes import codes

TONES = [chr(code) for code in range(0x1F3FB, 0x1F400)]
JOINER, TEXT_STYLE, EMOJI_STYLE, KEYCAP = "\u200d", "\ufe0e", "\ufe0f", "\u20e3"
STYLED = frozenset(map(chr, codes(unicode_data.EMOJI)))
KEYS = frozenset(filter(str.isascii, STYLED))
PATTERNS = unicode_data.EMOJI_ZWJ.split()
COUNTS = zlib.decompress(base64.b85decode(unicode_data.SELECTORS.replace(" ", "")))
IDEOGRAPHS = dict(zip(codes(unicode_data.IDEOGRAPHS), COUNTS, strict=True))


def _styles() -> Iterator[str]:
    yield from (base + style for base in STYLED - KEYS for style in (TEXT_STYLE, EMOJI_STYLE))
    yield from (key + style + KEYCAP for key in KEYS for style in (TEXT_STYLE, EMOJI_STYLE))


def _joined(pattern: str) -> Iterator[str]:
    """The sequences of a pattern, without presentation selectors."""
    sequence = pattern.replace("-", JOINER)
    for tone, other in product(TONES if "T" in sequence else "-", TONES if "U" in sequence else "-"):
        if tone == "-" or tone != other:
            yield sequence.replace("T", tone).replace("U", other)


def _with_styles(sequence: str) -> str:
    """A sequence with a presentation selector wherever one can be."""
    return re.sub(f"[{''.join(STYLED - KEYS)}](?![{''.join(TONES)}])", rf"\g<0>{EMOJI_STYLE}", sequence)


def _emoji() -> Iterator[str]:
    yield from (sequence for pattern in PATTERNS for sequence in _joined(pattern))


def _flags() -> Iterator[str]:
    for flag in unicode_data.EMOJI_TAGS.split():
        yield "\U0001f3f4" + "".join(chr(0xE0000 + ord(tag)) for tag in flag) + "\U000e007f"


def _standardized() -> Iterator[str]:
    for selector, bases in unicode_data.STANDARDIZED.items():
        shown = (code for code in codes(bases) if code > 0x7F and not is_hidden(chr(code)))
        yield from (chr(code) + chr(selector) for code in shown)


def _ideographic() -> Iterator[str]:
    for code, count in IDEOGRAPHS.items():
        yield from (chr(code) + chr(0xE0100 + index) for index in range(count))


# The numbers are those in the standard's files. The selectors of a digit and of four Egyptian format controls are left
# out, and those of the keys of a phone only count in keycaps.
REGISTERED = {
    "presentation": ([*_styles()], 742),
    "joined emoji": ([*_emoji()], 1614),
    "joined emoji with selectors": ([*map(_with_styles, _emoji())], 1614),
    "flags": ([*_flags()], 3),
    "standardized": ([*_standardized()], 1306 - 5),
    "ideographic": ([*_ideographic()], 29437),
}


@pytest.mark.parametrize(("sequences", "number"), REGISTERED.values(), ids=REGISTERED.keys())
def test_every_registered_sequence_is_accepted(sequences: list[str], number: int) -> None:
    assert len(set(sequences)) == number
    assert [sequence for sequence in sequences if any(stretches(f"a{sequence}b"))] == []
    assert list(stretches("".join(sequences))) == []


def test_registered_sequences_pass_in_every_kind_of_file(bench: Workbench) -> None:
    text = "\n".join(" ".join(sequences[:500]) for sequences, _ in REGISTERED.values())
    bench.write({"agents/a.toml": f'name = "a"\ndescription = "A."\nblocks = ["x"]\nrole = """\n{text}"""\n'})
    bench.write({"_blocks/x.md": f"X.\n\n{text}\n", "templates/agent.md.j2": f"{text}\n{{{{ agent.role }}}}\n"})
    bench.write({"assemble.toml": "".join(f"# {line}\n" for line in text.split("\n"))})
    assert bench.run("--all").status == 0
    assert bench.read("agents/a.md").count(text) == 2


def _altered(sequence: str) -> Iterator[str]:
    """Sequences that differ from a registered one by one hidden character."""
    for index, character in enumerate(sequence):
        if is_hidden(character):
            yield sequence[: index + 1] + sequence[index:]  # repeated
            yield sequence[:index] + "x" + sequence[index:]  # after another base
            yield sequence[:index] + "\U000e01ef" + sequence[index + 1 :]  # with another selector
            yield sequence[:index] + "\u2060" + sequence[index:]


@pytest.mark.parametrize(("sequences", "number"), REGISTERED.values(), ids=REGISTERED.keys())
def test_altered_sequence_is_refused(sequences: list[str], number: int) -> None:
    altered = {text for sequence in sequences[:: 1 + number // 700] for text in _altered(sequence)}
    assert [text for text in altered if not any(stretches(text))] == []


def test_ideograph_has_no_selectors_but_the_registered_ones() -> None:
    following = [chr(code) + chr(0xE0100 + count) for code, count in list(IDEOGRAPHS.items())[::7]]
    assert [text for text in following if not any(stretches(text))] == []


def test_only_registered_characters_have_both_presentations() -> None:
    pictures = [chr(code) for first, last in ((0xA9, 0x3300), (0x1F000, 0x1FAFF)) for code in range(first, last + 1)]
    accepted = {base for base in pictures for style in (TEXT_STYLE, EMOJI_STYLE) if not any(stretches(base + style))}
    assert accepted == STYLED - KEYS


ALPHABET = ["👩", "🚀", "❤", "🔥", "🤝", "⚠", "葛", "漢", "1", "a", "🏴", *TONES[:2], JOINER, TEXT_STYLE, EMOJI_STYLE]
ALPHABET += [KEYCAP, "\ufe00", "\U000e0100", "\U000e0120", "\u180b", *next(_flags())[1:]]
KNOWN = {text for sequences, _ in REGISTERED.values() for text in sequences if {*text} <= {*ALPHABET}}
BARE = {text.replace(EMOJI_STYLE, "") for text in KNOWN if JOINER in text}
ELEMENT = f"[^{JOINER}{EMOJI_STYLE}{''.join(TONES)}][{EMOJI_STYLE}{''.join(TONES)}]?"


def _without_joined(match: re.Match[str]) -> str:
    is_styled = all(base in STYLED for base in re.findall(f"(.){EMOJI_STYLE}", match[0]))
    return "-" if is_styled and match[0].replace(EMOJI_STYLE, "") in BARE else match[0]


@given(st.lists(st.sampled_from(ALPHABET + sorted(KNOWN)), max_size=8).map("".join))
@examples(1000)
def test_text_is_accepted_if_and_only_if_it_consists_of_registered_sequences(text: str) -> None:
    rest = re.sub(f"{ELEMENT}(?:{JOINER}{ELEMENT})+(?!{JOINER})", _without_joined, text)
    rest = re.sub("|".join(map(re.escape, (known for known in KNOWN if JOINER not in known))), "-", rest)
    assert any(stretches(text)) == any(map(is_hidden, rest))


HIDDEN_CODES = sorted({code for row in HIDDEN for code in range(row.first, row.last + 1)} - {0, *range(0xD800, 0xE000)})
"""All hidden characters, except those that no file can contain."""

KINDS = {
    "comment": ("agents/a.toml", "# {}\n"),
    "value": ("agents/a.toml", 'role = "You are.{}"\n'),
    "escaped value": ("agents/a.toml", 'role = "You are.{escaped}"\n'),
    "escaped key": ("agents/a.toml", '"{escaped}" = "x"\n'),
    "block": ("_blocks/x.md", "X.{}\n"),
    "unused block": ("_blocks/unused.md", "X.{}\n"),
    "template": ("templates/agent.md.j2", "X.{}\n"),
    "comment of a template": ("templates/agent.md.j2", "{{# {} #}}\n"),
    "string of a template": ("templates/agent.md.j2", '{{{{ "{escaped}" }}}}\n'),
    "unused template": ("templates/unused.j2", "{}\n"),
    "comment of the settings": ("assemble.toml", "# {}\n"),
    "value of the settings": ("assemble.toml", 'known-tools = ["x{escaped}"]\n'),
    "comment of the project": ("pyproject.toml", "[tool.assemble]\n# {}\n"),
    "value of the project": ("pyproject.toml", '[tool.assemble]\nknown-tools = ["x{escaped}"]\n'),
    "table of another tool": ("pyproject.toml", '[tool.assemble]\n[tool.x]\na = "{escaped}"\n'),
}


@pytest.mark.parametrize(("file", "line"), KINDS.values(), ids=KINDS.keys())
@given(code=st.sampled_from(HIDDEN_CODES))
@examples(20, [HealthCheck.function_scoped_fixture])
def test_hidden_character_is_refused_in_every_kind_of_file(bench: Workbench, file: str, line: str, code: int) -> None:
    for settings in ("assemble.toml", "pyproject.toml"):
        (bench.folder / settings).unlink(missing_ok=True)
    files = {
        "agents/a.toml": 'name = "a"\ndescription = "A."\n',
        "_blocks/x.md": "X.\n",
        "templates/agent.md.j2": "A.\n",
    }
    text = line.format(f"a{chr(code)}b", escaped=f"a\\U{code:08x}b")
    bench.write(files | {file: files.get(file, "") + text})
    run = bench.run("--all", "--check")
    assert run.status == (2 if file in ("assemble.toml", "pyproject.toml") else 1)
    assert "error[T406]" in run.stderr or ("error[S003]" in run.stderr and code < 0xA0)
    assert f"{file}:" in run.stderr


@given(st.text(), st.sampled_from(HIDDEN_CODES), st.text())
def test_the_fast_path_misses_nothing(before: str, code: int, after: str) -> None:
    assert may_hide(f"{before}{chr(code)}{after}".encode(errors="surrogatepass"))


@pytest.mark.parametrize("code", [0x200B, 0xFE0F, 0xE0101, 0xFFFC, 0x13430, 0xE000, 0x180E, 0x200D])
def test_each_character_can_be_allowed(code: int, bench: Workbench) -> None:
    bench.write({"agents/a.toml": f'name = "a"\ndescription = "A.{chr(code)}"\n'})
    bench.write({"assemble.toml": f'allow-characters = {{ "U+{code:04X}" = "needed" }}'})
    assert bench.run("--all").status == 0
    bench.write({"agents/a.toml": f'name = "a"\ndescription = "A.{chr(code)}\U000e0102"\n'})
    assert bench.run("--all").stderr.count("error[T406]") == 1
