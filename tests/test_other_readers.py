"""A real parser sees the sections and blocks of every generated file where the manifest has them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from conftest import Workbench, examples
from kei_assembler.build.kit_plan import Plan, plan_kit
from kei_assembler.diagnostics import Severity, has_errors
from kei_assembler.loader import load_kit
from kei_assembler.markdown.hidden_text import is_hidden
from strategies import BITS, OTHER_SPACES

ALLOWED = {f"U+{ord(one):04X}": "tested here" for one in ("\r", *OTHER_SPACES) if is_hidden(one)}
ODD_BITS = (*BITS, *OTHER_SPACES, "\r", "\r\n", "\n", "\n\n", "    ```", "<a", "a=b", "<p", "<pre", "[a]: b", "[a]")
TEXT = st.lists(st.sampled_from(ODD_BITS), max_size=12).map("".join)
ENTRIES = st.lists(TEXT.filter(lambda text: text.strip("\ufeff").strip() != ""), min_size=1, max_size=3, unique=True)
VALUES = st.fixed_dictionaries(
    {"role": TEXT},
    optional={
        "domain_in": ENTRIES,
        "output_extra_fields": ENTRIES,
        "forbidden_domain": ENTRIES,
        "references": st.fixed_dictionaries({"extra": ENTRIES}),
        "handoff": TEXT.map(lambda trigger: [{"target": "other", "trigger": f"a{trigger}"}]),
    },
)
TITLES = {
    "role": "ROLE",
    "domain_in": "DOMAIN SCOPE",
    "handoff": "HANDOFFS",
    "output_extra_fields": "OUTPUT FORMAT",
    "forbidden_domain": "FORBIDDEN",
    "references": "REFERENCES",
}


def _plan(values: dict[str, Any], blocks: Sequence[str]) -> Plan:
    names = [f"rule-{number}" for number in range(len(blocks))]
    settings = {"obligatory": names, "external-agents": ["other"], "allow-characters": ALLOWED}
    manifest = {"name": "x", "description": "Does x.", "blocks": names} | values
    with tempfile.TemporaryDirectory() as folder:
        kit = Path(folder).resolve()
        for part in ("agents", "_blocks"):
            (kit / part).mkdir()
        (kit / "assemble.toml").write_bytes(tomli_w.dumps(settings).encode())
        (kit / "agents" / "x.toml").write_bytes(tomli_w.dumps(manifest).encode())
        for name, text in zip(names, blocks, strict=True):
            (kit / "_blocks" / f"{name}.md").write_bytes(text.encode())
        return plan_kit(load_kit(str(kit)), ["agents/x.toml"], whole=True)


def _top_headings(body: str) -> list[str]:
    """The texts of the headings that are in no list, quote, code or HTML."""
    tokens = MarkdownIt("commonmark").parse(body)
    starts = (at for at, token in enumerate(tokens) if token.type == "heading_open" and token.level == 0)
    return [tokens[at + 1].content for at in starts]


@examples(100)
@given(VALUES, TEXT, TEXT)
@example({"role": "You review.\n\n\u00a0```\n```"}, "", "")
@example({"role": "- <!--"}, "", "")
@example({"role": "   - a\n\n  ```\n  x\n```"}, "", "")
@example({"role": "- ```"}, "    code\n\n", "")
@example({"role": "<a\xa0>\n```\n\nx\n```"}, "", "")
@example({"role": "a\r```\rb"}, "", "")
@example({"role": "", "domain_in": ["<pre\u3000"]}, "", "")
def test_sections_and_blocks_are_outside_of_all_constructs(values: dict[str, Any], before: str, after: str) -> None:
    plan = _plan(values, [f"{before}\n\n# FIRST RULE", f"# SECOND RULE\n\n{after}"])
    if has_errors(plan.diagnostics):
        errors = {one.code for one in plan.diagnostics if one.severity is Severity.ERROR}
        assert errors <= {"T403", "T404", "K106"}, plan.diagnostics
        return
    content = plan.changes[0].after
    assert content is not None
    assert b"\r" not in content
    _, _, body = content.decode().split("---\n", 2)
    wanted = [title for key, title in TITLES.items() if values.get(key) and (key != "role" or values[key].strip())]
    if "handoff" in values and "domain_in" not in values:
        wanted.insert(wanted.index("HANDOFFS"), "DOMAIN SCOPE")
    first = wanted.index("ROLE") + 1 if "ROLE" in wanted else 0
    wanted[first:first] = ["FIRST RULE", "SECOND RULE"]
    found = _top_headings(body)
    assert [title for title in found if title in wanted] == wanted


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u3000", "\u202f"])
@pytest.mark.parametrize(
    "text", ["You review.\n\n{}```\n```", "Report:\n```\nx\n```{}", "- a\n{}\n```\n{}```\n", "<pre{}", "<div{}>"]
)
def test_fence_behind_other_space_is_reported(text: str, space: str, bench: Workbench) -> None:
    text = text.replace("{}", space)
    manifest = {"name": "critic", "description": "Reviews.", "blocks": ["rule"]}
    bench.write({"agents/critic.toml": tomli_w.dumps(manifest | {"role": text}), "_blocks/rule.md": "Be honest."})
    status, _, output = bench.run("--all")
    assert (status, output.count("error[T403]")) == (1, 1), output
    bench.write({"agents/critic.toml": tomli_w.dumps(manifest), "_blocks/rule.md": text})
    status, _, output = bench.run("--all")
    assert (status, output.count("error[T404]")) == (1, 1), output


@pytest.mark.parametrize(
    "text",
    [
        *("- " * 10 + "a", "> " * 10 + "a", ">" * 10, "- " * 9 + "+", "1. " * 12 + "a", "a\r" + "- " * 10 + "b"),
        "".join(f"{'  ' * depth}- a\n" for depth in range(10)),
        "".join(f"{'  ' * depth}- a\n" for depth in range(9)).replace("    ", "\t") + "\t\t\t\t\t- a",
    ],
)
def test_deep_nesting_is_reported(text: str, bench: Workbench) -> None:
    manifest = {"name": "critic", "description": "Reviews.", "role": text}
    bench.write({"agents/critic.toml": tomli_w.dumps(manifest)})
    assert "error[T403] `role` has more than 9 nested lists and quotes" in bench.run("--all").stderr


def test_finding_is_at_the_line_of_the_source(bench: Workbench) -> None:
    bench.write(
        {
            "agents/critic.toml": 'name = "critic"\ndescription = "Reviews."\nblocks = ["rule"]\n',
            "_blocks/rule.md": "\n \n   - a\n\n  ```\n  x\n```\n",
        }
    )
    assert "_blocks/rule.md:7:1: error[T404]" in bench.run("--all").stderr


def test_list_before_a_block_does_not_go_on_in_its_code(bench: Workbench) -> None:
    manifest = {"name": "critic", "description": "Reviews.", "blocks": ["rule"], "role": "- a\n- ```\n  b"}
    bench.write({"agents/critic.toml": tomli_w.dumps(manifest), "_blocks/rule.md": "  \tmake test\n\nRun it."})
    assert bench.run("--all").status == 0
    tokens = MarkdownIt("commonmark").parse(bench.read("agents/critic.md").split("---\n", 2)[2])
    assert [(token.type, token.content) for token in tokens if token.level == 0 and token.content][-1] == (
        "code_block",
        "make test\n",
    )


OWN_REPORT = """{% extends "default/agent.md.j2" %}
{% block report %}
Status: done
```
a
````
{{ super() }}
{% endblock %}
"""


def test_report_of_a_template_cannot_close_its_fence(bench: Workbench) -> None:
    fields = {"output_extra_fields": ["Findings"], "forbidden_domain": ["Guesses"]}
    manifest = {"name": "critic", "description": "Reviews."} | fields
    bench.write({"agents/critic.toml": tomli_w.dumps(manifest), "templates/agent.md.j2": OWN_REPORT})
    assert bench.run("--all").status == 0
    body = bench.read("agents/critic.md").split("---\n", 2)[2]
    assert _top_headings(body) == ["OUTPUT FORMAT", "FORBIDDEN"]
    (fence,) = [token for token in MarkdownIt("commonmark").parse(body) if token.type == "fence"]
    assert fence.content == "Status: done\n```\na\n````\nFindings\n"


@pytest.mark.parametrize(
    "opening",
    [
        "```",
        "~~~",
        "{{ report_fence }}",
        '{{ "\\x60\\x60\\x60" }}',
        "<!--",
        "<pre>",
        "```\n\n\xa0```",
        '{{ "" | fence }}',
    ],
)
def test_template_that_leaves_a_construct_open_fails(opening: str, bench: Workbench) -> None:
    template = f"{{{{ agent.role }}}}\n\n{opening}\n\n{{{{ blocks | join }}}}"
    manifest = {"name": "critic", "description": "Reviews.", "blocks": ["rule"], "role": "You review."}
    sources = {"agents/critic.toml": tomli_w.dumps(manifest), "_blocks/rule.md": "```\nmake\n```\n\nBe honest."}
    bench.write(sources | {"templates/agent.md.j2": template})
    status, _, errors = bench.run("--all")
    assert (status, "open, and what follows becomes part of it" in errors) == (1, True), errors
    assert "error[O603] the template leaves" in errors
