"""Values in a kit: where they come from, what they fill, and one finding for each mistake with them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from conftest import Workbench
from readers import diagnostics

CRITIC = 'name = "critic"\ndescription = "Reviews code."\n'
SETTINGS = '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
OUTPUT = ".claude/agents/critic.md"


def _built(bench: Workbench, files: Mapping[str, str], output: str = OUTPUT) -> str:
    bench.write({"assemble.toml": SETTINGS, **files})
    run = bench.run("--all", "--strict")
    assert (run.status, run.stderr.count("\n")) == (0, 1), run.stderr
    assert bench.run("--all", "--check").status == 0
    return bench.read(output)


def test_a_value_fills_every_text(bench: Workbench) -> None:
    manifest = """name = "critic"
description = "Reviews {{P}}: \\\\{{P}}."
blocks = ["rule"]
role = "You know {{P}}, and `{{P}}`, but not ${{P}} or `{{OTHER}}`."
domain_in = ["Errors in {{P}}", "{{PATHS}}"]
forbidden_domain = ["{{P}} itself"]
output_extra_fields = ["{{PATHS}}", "P: {{P}}"]

[[handoff]]
target = "other"
trigger = "what {{P}} lacks"

[references]
extra = ["docs/{{P}}.md", "{{PATHS}}"]

[values]
P = "*Apollo*"
PATHS = ["src", "lib/a"]
"""
    settings = f'{SETTINGS}\n[values]\nN = 3\nP = "not this"\n'.replace(
        "[target", 'external-agents = ["other"]\n[target'
    )
    text = _built(
        bench,
        {
            "agents/critic.toml": manifest,
            "_blocks/rule.md": "# {{N}} rules\n\n- {{PATHS}}\n",
            "assemble.toml": settings,
        },
    )
    lines = text.split("\n")
    for line in (
        'description: "Reviews *Apollo*: {{P}}."',
        "You know *Apollo*, and `*Apollo*`, but not ${{P}} or `{{OTHER}}`.",
        "# 3 rules",
        "- src",
        "- Errors in *Apollo*",
        "- **other**: what *Apollo* lacks",
        "P: *Apollo*",
        "- *Apollo* itself",
        "- `docs/*Apollo*.md`",
        "- `lib/a`",
    ):
        assert line in lines
    assert lines.count("- src") == 3
    assert lines.count("lib/a") == 1


def test_a_value_for_a_target_wins_there(bench: Workbench) -> None:
    manifest = f"""{CRITIC}role = "In {{{{CLIENT}}}}, {{{{WHO}}}}."
blocks = ["rule"]
targets = ["claude-code", "codex"]

[values]
CLIENT = "general"

[target.codex.values]
CLIENT = "Codex"
"""
    settings = SETTINGS + '[values]\nWHO = "you"\nCLIENT = "unused"\n[target.codex.values]\nWHO = "it"\nCLIENT = "no"\n'
    files = {"agents/critic.toml": manifest, "_blocks/rule.md": "{{WHO}} rule", "assemble.toml": settings}
    assert "In general, you.\n\nyou rule" in _built(bench, files)
    assert "In Codex, it." in bench.read(".codex/agents/critic.toml")
    assert "it rule" in bench.read(".codex/agents/critic.toml")
    assert "values" not in bench.read(".codex/agents/critic.toml")


def test_the_value_of_a_base_is_nearer_than_that_of_the_settings(bench: Workbench) -> None:
    files = {
        "agents/base.toml": 'name = "base"\nabstract = true\nrole = "{{A}} {{B}} {{C}}"\n[values]\nA = "a"\nB = "b"\n',
        "agents/critic.toml": CRITIC + 'extends = "base"\n[values]\nA = "own"\n',
        "assemble.toml": f'{SETTINGS}[values]\nA = "x"\nB = "x"\n[values.C]\ndefault = "c"\n',
    }
    assert "own b c" in _built(bench, files)


def test_a_list_of_a_base_is_extended(bench: Workbench) -> None:
    files = {
        "agents/base.toml": 'name = "base"\nabstract = true\nrole = "- {{A}}"\n[values]\nA = ["a"]\n',
        "agents/critic.toml": CRITIC + 'extends = "base"\n[values]\nA = ["...", "b"]\n',
    }
    assert "- a\n- b\n" in _built(bench, files)


def test_extra_keys_are_filled(bench: Workbench) -> None:
    files = {
        "agents/critic.toml": CRITIC + 'owner = "{{A}}"\ntags = ["{{B}}", "c"]\n[values]\nA = "a"\nB = ["b", "# b"]\n',
        "templates/agent.md.j2": "{{ extra.owner }}: {{ extra.tags | join(', ') }}",
        "assemble.toml": f'extra-keys = {{ owner = "string", tags = "strings" }}\n{SETTINGS}',
    }
    assert _built(bench, files).endswith("a: b, \\# b, c\n")


def test_a_template_cannot_see_the_values(bench: Workbench) -> None:
    bench.write(
        {
            "agents/critic.toml": CRITIC + 'role = "{{A}}"\n[values]\nA = "a"\n',
            "templates/agent.md.j2": "{{ agent.values }}",
        }
    )
    assert bench.run("--all").status == 1


A_AND_B = {f"agents/{name}.toml": f'name = "{name}"\ndescription = "A."\nblocks = ["rule"]\n' for name in "abcd"}

MISTAKES: Mapping[str, tuple[Mapping[str, str], str, str]] = {
    "undefined in the role": (
        {"agents/critic.toml": CRITIC + 'role = "Know {{PROJECT}}."\n'},
        "agents/critic.toml:3:14",
        "T401",
    ),
    "undefined, with an escaped line end in it": (
        {"agents/critic.toml": CRITIC + 'role = """\nKnow {\\\n  {PROJECT}}."""\n'},
        "agents/critic.toml:3:1",
        "T401",
    ),
    "undefined in a block": (
        {**A_AND_B, "_blocks/rule.md": "Know\n`{{PROJECT}}` {{PROJECT}}.\n"},
        "_blocks/rule.md:2:15",
        "T402",
    ),
    "undefined in a base": (
        {
            "agents/base.toml": 'name = "base"\nabstract = true\nrole = "{{A}}"\n',
            "agents/a.toml": 'name = "a"\ndescription = "A."\nextends = "base"\n',
            "agents/b.toml": 'name = "b"\ndescription = "A."\nextends = "base"\n',
        },
        "agents/base.toml:3:9",
        "T401",
    ),
    "undefined for one target": (
        {
            "agents/critic.toml": CRITIC + 'targets = ["claude-code", "codex"]\nrole = "{{A}}"\n'
            '[target.codex.values]\nA = "a"\n'
        },
        "agents/critic.toml:4:9",
        "T401",
    ),
    "in the model": (
        {"agents/critic.toml": CRITIC + 'model = "{{M}}"\nvalues.M = "opus"\nrole = "{{M}}"\n'},
        "agents/critic.toml:3:10",
        "T401",
    ),
    "misspelled": (
        {"agents/critic.toml": CRITIC + 'role = "{{PROJCT}}"\nvalues.PROJECT = "a"\n'},
        "agents/critic.toml:3:9",
        "T401",
    ),
    "a wrong type": (
        {"agents/critic.toml": CRITIC + 'role = "{{A}}"\nvalues.A = true\n'},
        "agents/critic.toml:4:8",
        "K102",
    ),
    "a blank value": (
        {"agents/critic.toml": CRITIC + 'role = "`{{A}}`"\nvalues.A = " "\n'},
        "agents/critic.toml:4:8",
        "K104",
    ),
    "no table": (
        {"agents/critic.toml": CRITIC + 'role = "{{A}}"\nvalues = "a"\n'},
        "agents/critic.toml:4:1",
        "K102",
    ),
    "a small name": (
        {"agents/critic.toml": CRITIC + 'role = "{{A}}"\nvalues.a = "a"\n'},
        "agents/critic.toml:4:8",
        "V101",
    ),
    "a placeholder in a value": (
        {"agents/critic.toml": CRITIC + 'role = "{{A}}"\nvalues.A = "{{B}}"\nvalues.B = "b"\n'},
        "agents/critic.toml:4:8",
        "V102",
    ),
    "a placeholder in an entry": (
        {"agents/critic.toml": CRITIC + 'role = "- {{A}}"\nvalues.A = ["a", "{{A}}"]\n'},
        "agents/critic.toml:4:18",
        "V102",
    ),
    "an escaped placeholder in a value": (
        {"agents/critic.toml": CRITIC + "role = '{{A}}'\nvalues.A = '\\{{A}}'\n"},
        "agents/critic.toml:4:8",
        "V102",
    ),
    "a value that closes a fence": (
        {
            "agents/critic.toml": CRITIC + 'blocks = ["rule"]\nvalues.A = "```"\n',
            "_blocks/rule.md": "```\n{{A}}\n```\n",
        },
        "agents/critic.toml:4:8",
        "V107",
    ),
    "a value in the settings that closes a fence": (
        {**A_AND_B, "_blocks/rule.md": "```\n{{A}}\n{{A}}\n```\n", "assemble.toml": f'values.A = "```"\n{SETTINGS}'},
        "assemble.toml:1:8",
        "V107",
    ),
    "a list in a line": (
        {"agents/critic.toml": CRITIC + 'domain_in = ["a {{A}}"]\nvalues.A = ["a"]\n'},
        "agents/critic.toml:4:8",
        "V105",
    ),
    "a list in a description": (
        {"agents/critic.toml": 'name = "critic"\ndescription = "{{A}}"\nvalues.A = ["a"]\n'},
        "agents/critic.toml:3:8",
        "V105",
    ),
    "line breaks in a line": (
        {"agents/critic.toml": CRITIC + 'role = "a {{A}} {{A}}"\nvalues.A = "a\\nb"\n'},
        "agents/critic.toml:4:8",
        "V106",
    ),
    "line breaks in an entry": (
        {"agents/critic.toml": CRITIC + 'role = "- {{A}}"\nvalues.A = ["a\\nb"]\n'},
        "agents/critic.toml:4:13",
        "K105",
    ),
    "a value of a target": (
        {"agents/critic.toml": CRITIC + 'role = "`{{A}}`"\ntarget.claude-code.values.A = "`"\n'},
        "agents/critic.toml:4:27",
        "V107",
    ),
    "not one of the choices": (
        {
            "agents/critic.toml": CRITIC + 'role = "{{A}}"\nvalues.A = "c"\n',
            "assemble.toml": f'values.A = {{ one-of = ["a", "b"] }}\n{SETTINGS}',
        },
        "agents/critic.toml:4:8",
        "V103",
    ),
    "another pattern": (
        {
            "agents/critic.toml": CRITIC + 'role = "- {{A}}"\nvalues.A = ["a", "1"]\n',
            "assemble.toml": f'values.A = {{ pattern = "[a-z]" }}\n{SETTINGS}',
        },
        "agents/critic.toml:4:18",
        "V103",
    ),
    "a missing value": (
        {
            "agents/critic.toml": CRITIC + 'role = "{{A}}"\n',
            "assemble.toml": f"values.A = {{ required = true }}\n{SETTINGS}",
        },
        "agents/critic.toml:1:1",
        "V104",
    ),
    "a variable of a client": (
        {"agents/critic.toml": CRITIC + 'role = "{{A}}"\ntargets = ["gemini"]\nvalues.A = "${HOME}"\n'},
        "agents/critic.toml:5:13",
        "T407",
    ),
    "a hidden character": (
        {"agents/critic.toml": CRITIC + 'role = "{{A}}"\nvalues.A = "a\u200b"\n'},
        "agents/critic.toml:4:14",
        "T406",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_finding_at_its_place(mistake: str, bench: Workbench) -> None:
    files, place, code = MISTAKES[mistake]
    bench.write({"assemble.toml": SETTINGS, **files})
    found = [(f"{one['file']}:{one['line']}:{one['column']}", one["code"]) for one in diagnostics(bench)]
    assert found == [(place, code)]
    assert not (bench.folder / ".claude").exists()


SETTING_MISTAKES = {
    'values.A = "{{B}}"': ("1:8", "V102"),
    'values.a = "b"': ("1:8", "V101"),
    "values.a = {}": ("1:8", "V101"),
    'values.A = { default = "{{B}}" }': ("1:14", "V102"),
    'values.A = { defualt = "a" }': ("1:14", "C701"),
    'values.A = { one-of = ["a"], default = "b" }': ("1:30", "V103"),
    'target.claude-code.values.A = "c"\nvalues.A = { one-of = ["a"] }': ("1:27", "V103"),
    "values.A = 1.5": ("1:8", "C702"),
    "values.A = { required = 1 }": ("1:14", "C702"),
    "values.A = { required = true, default = 1 }": ("1:31", "C720"),
    'values.A = { pattern = "(" }': ("1:14", "C721"),
    'target.claude-code.values.a = "b"': ("1:27", "V101"),
}


@pytest.mark.parametrize("settings", SETTING_MISTAKES)
def test_a_mistake_in_the_settings_is_one_finding(settings: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": f"{settings}\n", "agents/critic.toml": CRITIC + 'role = "{{A}}"\n'})
    found = diagnostics(bench)
    assert [(f"{one['line']}:{one['column']}", one["code"]) for one in found] == [SETTING_MISTAKES[settings]]


def test_a_finding_in_a_block_names_the_agents(bench: Workbench) -> None:
    bench.write({"assemble.toml": SETTINGS, **A_AND_B, "_blocks/rule.md": "{{A}}"})
    bench.write({"agents/a.toml": f'{A_AND_B["agents/a.toml"]}values.A = "a"\n'})
    (one,) = diagnostics(bench)
    assert one["message"] == "the placeholder `{{A}}` is not filled in for `b`, `c` and 1 more"


def test_a_finding_in_a_block_names_the_clients_and_a_similar_value(bench: Workbench) -> None:
    settings = f'targets = ["claude-code", "codex"]\n{SETTINGS}'
    bench.write({"assemble.toml": settings, **A_AND_B, "_blocks/rule.md": "{{PROJCT}} {{CLIENT}}"})
    of_codex = 'values.PROJECT = "a"\ntarget.codex.values.CLIENT = "c"\n'
    bench.write({name: f"{text}{of_codex}" for name, text in A_AND_B.items()})
    found = [(one["message"], one["help"]) for one in diagnostics(bench) if one["code"] == "T402"]
    assert found == [
        ("the placeholder `{{PROJCT}}` is not filled in for `a`, `b` and 2 more", "did you mean `PROJECT`?"),
        (
            "the placeholder `{{CLIENT}}` is not filled in for `a`, `b` and 2 more in Claude Code",
            "write the text instead, or set `CLIENT` under `[values]`",
        ),
    ]
    bench.write({"agents/a.toml": A_AND_B["agents/a.toml"] + 'values.PROJECT = "a"\n'})
    (_, (message, _)) = [(one["message"], one["help"]) for one in diagnostics(bench) if one["code"] == "T402"]
    assert message == "the placeholder `{{CLIENT}}` is not filled in for `a`, `b` and 2 more"


def test_a_finding_in_a_text_names_the_clients(bench: Workbench) -> None:
    files, _, _ = MISTAKES["undefined for one target"]
    bench.write({"assemble.toml": SETTINGS, **files})
    assert [one["message"] for one in diagnostics(bench)] == [
        "the placeholder `{{A}}` is not filled in for Claude Code"
    ]


def test_a_key_below_the_values_of_a_client_is_one_finding(bench: Workbench) -> None:
    for key in ('name = "x"', 'role = "x"', 'model = "opus"', "blocks = []"):
        manifest = f'{CRITIC}\n[target.claude-code.values]\nA = "a"\n{key}\n'
        bench.write({"assemble.toml": SETTINGS, "agents/critic.toml": manifest})
        assert [(one["code"], one["line"]) for one in diagnostics(bench)] == [("K110", 6)]


def test_a_value_that_breaks_out_has_both_places(bench: Workbench) -> None:
    files, _, _ = MISTAKES["a value that closes a fence"]
    bench.write({"assemble.toml": SETTINGS, **files})
    (one,) = diagnostics(bench)
    assert [(each["file"], each["line"]) for each in one["related"]] == [("_blocks/rule.md", 2)]


def test_notes_prevent_nothing(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": f'{SETTINGS}[values]\nPROJECT = "a"\nUNUSED = "a"\nPATHS.doc = "Paths."\n',
            "agents/critic.toml": CRITIC + 'role = "{{PROJECT}} `{{PROJCT}}`"\nblocks = ["rule"]\nvalues.OWN = "x"\n',
            "_blocks/rule.md": "`{{PROJCT}}`",
        }
    )
    found = [(one["file"], one["line"], one["code"]) for one in diagnostics(bench)]
    assert found == [
        ("_blocks/rule.md", 1, "V112"),
        ("agents/critic.toml", 3, "V110"),
        ("agents/critic.toml", 5, "V108"),
        ("assemble.toml", 5, "V109"),
        ("assemble.toml", 6, "V109"),
    ]
    assert (bench.folder / OUTPUT).exists()


BASE = 'name = "base"\nabstract = true\n[values]\nPROJECT = "a"\nUNUSED = "b"\n'


def test_a_value_of_a_base_is_used_if_a_manifest_that_extends_it_uses_it(bench: Workbench) -> None:
    heir = 'extends = "base"\nrole = "{{PROJECT}}"\n'
    bench.write({"agents/base.toml": BASE, "agents/critic.toml": f"{CRITIC}{heir}"})
    unused = [("agents/base.toml", 5, "V108")]
    assert [(one["file"], one["line"], one["code"]) for one in diagnostics(bench)] == unused
    base = BASE.replace("abstract = true", 'description = "Is a base, too."')
    bench.write({"agents/base.toml": base})
    assert [(one["file"], one["line"], one["code"]) for one in diagnostics(bench)] == unused
    bench.write({"agents/base.toml": base, "agents/critic.toml": f'{CRITIC}role = "R."\n'})
    found = [(one["line"], one["code"]) for one in diagnostics(bench)]
    assert found == [(4, "V108"), (5, "V108")]


def test_a_long_description_is_found_after_filling(bench: Workbench) -> None:
    manifest = CRITIC.replace("Reviews code.", "{{A}}" * 30)
    bench.write({"assemble.toml": 'targets = ["qwen"]\n'})
    bench.write({"agents/critic.toml": f'{manifest}role = "R."\nvalues.A = "{"a" * 100}"\n'})
    assert [(one["code"], one["message"]) for one in diagnostics(bench)] == [
        ("L802", "`description` has 3,000 characters; Qwen Code warns above 1,000")
    ]
