"""The origins of generated lines: what is looked up at each origin is the text of the line."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from time import process_time

import pytest
from hypothesis import HealthCheck, assume, given

from composed_kits import ComposedKit, composed_kits
from conftest import REPOSITORY, Workbench, examples
from kei_assembler.build.kit_plan import preview
from kei_assembler.diagnostics import AssembleError, has_errors
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.outputs import outputs_of
from kei_assembler.loader import load_kit, refuse_home
from kei_assembler.model.kinds import AGENT, INSTRUCTIONS, SKILL
from kei_assembler.render.origins import Origins, origins
from kei_assembler.render.places import Line, Part
from kei_assembler.render.templates import PACKAGE_BODY, PACKAGE_FILES
from kei_assembler.targets import TARGETS
from kei_assembler.targets.forms import Form
from random_kits import RandomKit

PLACEHOLDER = re.compile(r"\{\{[A-Z0-9_]+\}\}")
IN_TOML = ("manifest", "base", "setting", "value")
CASES = sorted(path.parent for path in (REPOSITORY / "tests/cases").glob("*/command"))


def _kits(folder: Path) -> list[Path]:
    return sorted({path.parent for name in ("assemble.toml", "agents") for path in folder.rglob(name)} | {folder})


def _check_kit(kit: LoadedKit) -> int:
    """Check the origins of all files of a kit, and return how many files it has."""
    every, count = Origins(kit), 0
    for file in kit.manifests:
        found, artifacts = preview(kit, file)
        if has_errors(found) or not artifacts:  # a base has none
            continue
        outputs = outputs_of(kit, kit.decoded(file)[0], file)
        for artifact, output in zip(artifacts, outputs, strict=True):
            lines = every.of_output(file, output)
            assert "".join(f"{line.text}\n" for line in lines) == artifact.content.decode()
            if output.section:
                _check_section(kit, lines)
            else:
                _check(kit, lines, TARGETS[artifact.target].form if output.kind == AGENT.name else output.form)
            count += 1
    return count


def _check_kit_if_valid(folder: Path) -> None:
    try:
        kit = load_kit(str(folder))
        refuse_home(kit)
    except AssembleError:
        return
    _check_kit(kit)


def _check(kit: LoadedKit, lines: list[Line], form: Form) -> None:
    front = [number for number, line in enumerate(lines) if line.parts[0].kind == "stamp"]
    assert len(front) == 1
    for number, line in enumerate(lines):
        assert line.parts
        for part in line.parts:
            _check_place(kit, part)
        is_body = number > front[0] + 1 and not (form.body_key and " = " in line.text)
        if is_body:
            text = _unescaped(line.text) if form.body_key else line.text
            _check_text(kit, text, line.parts)


def _check_section(kit: LoadedKit, lines: list[Line]) -> None:
    kinds = [line.parts[0].kind for line in lines]
    assert kinds[:2] == ["stamp", "client"]
    assert kinds[-2:] == ["client", "stamp"]
    for line in lines[2:-2]:
        assert line.parts
        for part in line.parts:
            _check_place(kit, part)
        _check_text(kit, line.text, line.parts)


def _unescaped(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text)


def _source(kit: LoadedKit, file: str) -> list[str]:
    path = Path(PACKAGE_FILES.get(file) or Path(kit.folder, file))
    return path.read_text().split("\n")


def _check_place(kit: LoadedKit, part: Part) -> None:
    if part.kind in ("client", "stamp", "import"):
        assert part.file == ""
        return
    lines = _source(kit, part.file)
    first = 0 if part.kind == "template" else 1
    assert first <= part.line <= len(lines), part
    for entry in part.through:
        assert 1 <= entry.line <= len(_source(kit, entry.file))
        if entry.kind != "template":
            last = entry.key.rpartition(".")[2].partition("[")[0]
            assert last in "\n".join(_source(kit, entry.file)[: entry.line]), entry
    if part.kind in IN_TOML:
        last = re.split(r"[.\[]", part.key.rstrip("]"))[-1]
        assert last.isdigit() or last.strip('"') in "\n".join(lines[: part.line]), part


def _plain(text: str) -> str:
    """A text without white space, and without what may be escaped."""
    return re.sub(r"\\[nt]|[\\\s`]|&[a-z0-9#]+;", "", text)


def _check_text(kit: LoadedKit, text: str, parts: tuple[Part, ...]) -> None:
    """Check that the main part of a line of the body has its text."""
    first = parts[0]
    if first.kind == "client" or not first.line:
        return
    same = [part.line for part in parts if part[:2] == first[:2] and part.key == first.key]
    written = "\n".join(_source(kit, first.file)[line - 1] for line in same)
    if first.kind == "template":
        if not text.strip():
            assert not written.strip() or "{" in written, (text, first)
        elif "{" not in written:
            assert _plain(text) == _plain(written)
    elif first.kind in ("block", "role"):
        pieces = map(_plain, PLACEHOLDER.split(written))
        assert _is_in_order([*pieces], _plain(text)), (text, written)
        assert text.strip() == written.strip() or "{{" in written or text == "<!-- -->" or not text
    elif not re.match("tools|targets", first.key) and len(parts) == len(same):
        assert _plain(re.sub(r"^ *(?:-|\d+\.) ", "", text)) in _plain(written), (text, written)


def _is_in_order(pieces: list[str], text: str) -> bool:
    position = 0
    for piece in pieces:
        position = text.find(piece, position)
        if position < 0:
            return False
        position += len(piece)
    return True


def test_our_own_agents() -> None:
    assert _check_kit(load_kit(str(REPOSITORY))) == 7 + 1
    kit = load_kit(str(REPOSITORY), TARGETS)
    assert _check_kit(kit) == 7 * len(TARGETS) + 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_kits_of_the_cases(case: Path) -> None:
    for folder in _kits(case / "kit"):
        _check_kit_if_valid(folder)


@examples(100, [HealthCheck.too_slow])
@given(composed_kits())
def test_composed_kits(composed: ComposedKit) -> None:
    with tempfile.TemporaryDirectory() as name:
        composed.write(Path(name).resolve())
        for kind in (INSTRUCTIONS, SKILL):
            composed.write_others(Path(name).resolve(), kind)
        kit = load_kit(str(Path(name).resolve()))
        assume(any("abstract" not in data for data in composed.manifests.values()))
        _check_kit(kit)


@pytest.mark.parametrize("seed", range(20))
def test_random_kits(seed: int, tmp_path: Path) -> None:
    (tmp_path / "template").mkdir()
    made = RandomKit(tmp_path, tmp_path / "template", seed)
    _check_kit_if_valid(made.kit)


MANIFEST = """\
name = "critic"
description = "Reviews code."
tools = ["Read", "Grep"]
role = '''
You review {{WHAT}}.

Take your time.
'''
blocks = ["rules"]
domain_in = ["zebras", "apples and pears"]
tags = ["b", "a"]

[values]
WHAT = "code"
"""
BLOCK = "# RULES\n\n- Be kind.\n- Be brief.\n"


def _lines(bench: Workbench, template: str, target: str = "claude-code") -> list[Line]:
    """The lines of the body of an agent whose kit has this template."""
    bench.write(
        {
            "assemble.toml": '[extra-keys]\ntags = "strings"\n',
            "agents/critic.toml": MANIFEST,
            "_blocks/rules.md": BLOCK,
            "templates/agent.md.j2": template,
        }
    )
    kit = load_kit(str(bench.folder))
    lines = origins(kit, "agents/critic.toml", target)
    start = [line.parts[0].kind for line in lines].index("stamp")
    return lines[start + 2 :]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("{{ agent.role | upper }}", "YOU REVIEW CODE."),
        ("{{ agent.role | truncate(14, true) }}", "You review ..."),
        ("{{ agent.role[:10] }}", "You review"),
        ("{{ agent.role[4:] }}", "review code."),
        ("{{ agent.role[1] }}", "o"),
        ("{{ agent.role | reverse }}", ".emit ruoy ekaT"),
        ("{{ agent.role | list | sort | join | trim }}", ""),
        ("{{ agent.role | replace('code', 'cars') }}", "You review cars."),
        ("{{ agent.role | length }}", "33"),
        ("{{ agent.role.split() | join('-') }}", "You-review-code.-Take-your-time."),
        ("{{ agent.domain_in[1] | title }}", "Apples And Pears"),
        ("{{ agent.domain_in[1].split()[2] }}", "pears"),
        ("{{ blocks[0] | lower }}", "# rules"),
        ("{{ blocks | join | replace('# ', '## ') }}", "## RULES"),
        ("{% filter upper %}{{ agent.domain_in[0] }}{% endfilter %}", "ZEBRAS"),
    ],
)
def test_changed_text_comes_from_the_template(expression: str, text: str, bench: Workbench) -> None:
    lines = _lines(bench, f"Start.\n{expression}\n")
    assert lines[0].parts == (Part("template", "templates/agent.md.j2", 1),)
    assert text in [line.text for line in lines] or not text
    changed = [part for line in lines if line.text in (text, "Start.") for part in line.parts]
    assert {part[:2] for part in changed} == {("template", "templates/agent.md.j2")}


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("{% for each in agent.domain_in | reverse %}\n{{ each }}\n{% endfor %}", ["domain_in[1]", "domain_in[0]"]),
        ("{% for each in agent.domain_in | sort %}\n{{ each }}\n{% endfor %}", ["domain_in[1]", "domain_in[0]"]),
        ('{{ extra.tags | sort | join("\\n") }}', ["tags[1]", "tags[0]"]),
        ("{{ agent.role | indent }}", ["role", "role", "role"]),
        ("{{ agent.role | indent(2, true, true) }}", ["role", "role", "role"]),
        ('{% if agent.name == "critic" %}\n{{ agent.domain_in[0] }}\n{% endif %}', ["domain_in[0]"]),
        ("{% set all = agent.domain_in | join %}\n{% if all | length < 25 %}\n{{ agent.name }}\n{% endif %}", ["name"]),
        ("{{ agent.tools[1] }}", ["tools[1]"]),
        ("{% macro show(x) %}\n{{ x }}\n{% endmacro %}\n{{ show(agent.name) }}", ["name"]),
    ],
)
def test_moved_text_keeps_its_origin(template: str, found: list[str], bench: Workbench) -> None:
    lines = _lines(bench, template)
    assert [line.parts[0].key for line in lines] == found
    assert {line.parts[0].kind for line in lines} == {"manifest"}


def test_a_template_cannot_invent_an_origin(bench: Workbench) -> None:
    characters = "".join(f"\\U{code:08x}" for code in range(0x100000, 0x100012))
    lines = _lines(bench, f'{{{{ "{characters}" }}}}\n{{{{ agent.name }}}}{{{{ agent.role[0] }}}}x\n')
    assert lines[1].text == "criticYx"
    for line in lines:
        assert all(part.kind == "template" or part.key == "name" for part in line.parts)


def test_parts_of_a_line(bench: Workbench) -> None:
    lines = _lines(bench, '{% extends "default/agent.md.j2" %}\n')
    role, value = next(line.parts for line in lines if line.text == "You review code.")
    assert role[:4] == ("manifest", "agents/critic.toml", 5, "role")
    assert value[:4] == ("value", "agents/critic.toml", 14, "values.WHAT")
    (block,) = next(line.parts for line in lines if line.text == "- Be brief.")
    assert block[:4] == ("block", "_blocks/rules.md", 4, "rules")
    assert [entry[:4] for entry in block.through] == [
        ("manifest", "agents/critic.toml", 9, "blocks[0]"),
        ("template", PACKAGE_BODY, 12, ""),
    ]


COMPOSED = {
    "assemble.toml": """\
targets = ["claude-code", "codex"]

[bundles]
outer = ["@inner"]
inner = ["rules#kind"]

[defaults]
model = "opus"
""",
    "agents/base.toml": 'name = "base"\nabstract = true\nblocks = ["@outer"]\nrole = { file = "roles/base.md" }\n',
    "agents/critic.toml": 'name = "critic"\ndescription = "Reviews."\nextends = "base"\nblocks = ["...", "last"]\n',
    "roles/base.md": "\nYou review.\n",
    "_blocks/rules.md": "# RULES\n\n## Kind\n\nBe kind.\n",
    "_blocks/last.md": "Last.\n",
    "_blocks/last@codex.md": "<!-- for Codex -->\n\nLast of all.\n",
}


def _found(lines: list[Line], text: str) -> list[tuple[str, str, int, str]]:
    """The first part of the line with a text, and what it is included by."""
    (line,) = [line for line in lines if line.text == text]
    return [line.parts[0][:4], *(entry[:4] for entry in line.parts[0].through if entry.kind != "template")]


def test_what_includes_a_part(bench: Workbench) -> None:
    bench.write(COMPOSED)
    kit = load_kit(str(bench.folder))
    lines = origins(kit, "agents/critic.toml", "claude-code")
    extends = ("manifest", "agents/critic.toml", 3, "extends")
    assert _found(lines, "Be kind.") == [
        ("block", "_blocks/rules.md", 5, "rules#kind"),
        ("setting", "assemble.toml", 5, "bundles.inner[0]"),
        ("setting", "assemble.toml", 4, "bundles.outer[0]"),
        ("base", "agents/base.toml", 3, "blocks[0]"),
        extends,
        ("manifest", "agents/critic.toml", 4, "blocks[0]"),
    ]
    assert _found(lines, "You review.") == [
        ("role", "roles/base.md", 2, ""),
        ("base", "agents/base.toml", 4, "role.file"),
        extends,
    ]
    assert _found(lines, "model: opus") == [("setting", "assemble.toml", 8, "defaults.model"), extends]
    assert _found(lines, "Last.")[0] == ("block", "_blocks/last.md", 1, "last")
    lines = origins(kit, "agents/critic.toml", "codex")
    assert _found(lines, "Last of all.")[0] == ("block", "_blocks/last@codex.md", 3, "last")


@pytest.mark.parametrize(
    "template",
    [
        "{% for each in range(50000) %}\n\n{% endfor %}x",
        "{% for each in range(50000) %}{{ agent.role[0] }}{% endfor %}",
        "{% for each in range(20000) %}{{ agent.name }}{% endfor %}",
        "{{ agent.name }}{% for each in range(50000) %}{{ agent.domain_in[0][-1] }}{% endfor %}",
        "{{ agent.name[:1] }}{% for each in range(50000) %}{{ (agent.name ~ agent.name)[6] }}{% endfor %}",
    ],
)
def test_long_texts_take_linear_time(template: str, bench: Workbench) -> None:
    start = process_time()
    lines = _lines(bench, f"Start.\n{template}\n")
    assert lines[0].parts == (Part("template", "templates/agent.md.j2", 1),)
    assert process_time() - start < 20


def test_many_blocks_take_linear_time(bench: Workbench) -> None:
    bundles = "".join(f'b{number} = ["@b{number + 1}"]\n' for number in range(900))
    entries = [f"../agents and so on {number}" for number in range(5000)]
    bench.write(
        {
            "assemble.toml": f'[bundles]\n{bundles}b900 = ["rules"]\n',
            "_blocks/rules.md": BLOCK,
            "agents/base.toml": f'name = "base"\nabstract = true\ndomain_in = {entries}\n',
            "agents/critic.toml": 'name = "critic"\ndescription = "x"\nextends = "base"\nblocks = ["@b0"]\n'
            'domain_in = ["...", "x"]\n',
        }
    )
    start = process_time()
    lines = origins(load_kit(str(bench.folder)), "agents/critic.toml", "claude-code")
    assert process_time() - start < 20
    block = next(line.parts[0] for line in lines if line.text == "- Be kind.")
    assert block.through[0][:4] == ("setting", "assemble.toml", 902, "bundles.b900[0]")
    assert len(block.through) < 200
