"""Language servers for TOML find mistakes and complete with the schemas."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import REPOSITORY, Workbench
from kei_assembler.targets import TARGETS
from language_server import language_server

pytestmark = pytest.mark.slow

NODE = REPOSITORY / "tests" / "node"
SETTINGS = """\
obligatory = ["baseline"]
required = ["name", "description", "domain_in", "owner"]
external-agents = ["general-purpose"]
known-tools = ["Deploy"]
extra-keys = { owner = "string" }
[bundles]
careful = ["baseline"]
"""
KIT = {
    "_blocks/baseline.md": "Be honest.\n",
    "_blocks/policy/no-push.md": "Do not push.\n",
    "agents/alpha.toml": "",
    "agents/beta.toml": "",
}
OF_MANIFEST = "#:schema ../.assemble/manifest.schema.json\n"
OF_SETTINGS = "#:schema .assemble/settings.schema.json\n"
MANIFEST = """\
name = "gamma"
description = "Does gamma."
tools = ["Read", "Bash(git:*)", "Deploy"]
blocks = ["baseline", "policy/no-push"]
domain_in = ["Everything"]
owner = "us"

[[handoff]]
target = "beta"
trigger = "what is done"

[target.codex]
sandbox_mode = "read-only"
"""
HEIR = """\
name = "delta"
description = "Does delta."
extends = "beta"
unset = ["model"]
tools = ["...", "!Bash"]
blocks = ["...", "@careful", "!policy/no-push"]
targets = ["...", "!codex"]

[[handoff]]
target = "alpha"
trigger = false

[target.codex]
nickname_candidates = ["...", "!a b"]
"""
BASE = """\
name = "base"
abstract = true
blocks = ["@careful"]
"""
BROKEN = {
    'description = "Does gamma."': 'descripton = "Does gamma."',
    '"Read", ': '"Read", "Read", ',
    '"policy/no-push"': '"policy/no-psuh"',
    'owner = "us"': 'owner = ["us"]',
    'domain_in = ["Everything"]\n': "",
    'domain_in = ["Everything"]': 'domain_in = [" "]',
    '"beta"': '"delta"',
    'trigger = "what is done"': 'trigger = "what is done"\nmodel = "opus"',
    "read-only": "read",
    "sandbox_mode": "sandbox-mode",
    "target.codex": "target.kodex",
}
COMPLETED = {
    "extends = |": {"alpha", "beta"},
    "unset = [|]": {"model", "tools"},
    "blocks = [|]": {"baseline", "policy/no-push", "@careful", "...", "!baseline", "!@careful"},
    "targets = [|]": {"...", "!codex", *TARGETS},
    "tools = [|]": {"Read", "Deploy", "..."},
    "[[handoff]]\ntarget = |": {"alpha", "beta", "general-purpose"},
    "[target.codex]\nsandbox_mode = |": {"danger-full-access", "read-only", "workspace-write"},
    "[target.codex]\n|": {"model", "sandbox_mode"},
    "|": {"abstract", "description", "extends", "owner", "unset"},
}
CHECKERS = {
    "@taplo/cli": ("dist/cli.js", "check", "--no-auto-config"),
    "tombi": ("bin/tombi", "lint", "--offline"),
}
SERVERS = {"@taplo/lsp": (str(NODE / "taplo_server.mjs"),), "tombi": ("bin/tombi", "lsp", "--offline")}

Check = Callable[[dict[str, str]], "subprocess.CompletedProcess[str]"]


def _command(package: str, script: str, *args: str) -> list[str]:
    """Return the command that runs a script of an npm package, if it is installed."""
    folder = NODE / "node_modules" / package
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    if not folder.is_dir():
        pytest.skip(f"{package} is not installed; run `make slow`")
    return ["node", str(folder / script), *args]


@pytest.fixture
def kit(bench: Workbench) -> Path:
    """A kit with its schema files where `init` creates them."""
    bench.write({"assemble.toml": SETTINGS, **KIT})
    bench.write({".assemble/manifest.schema.json": bench.run("schema").stdout})
    bench.write({".assemble/settings.schema.json": bench.run("schema", "--settings").stdout})
    return bench.folder


@pytest.fixture(params=CHECKERS)
def check(request: pytest.FixtureRequest, kit: Path) -> Check:
    command = _command(request.param, *CHECKERS[request.param])

    def run(files: dict[str, str]) -> subprocess.CompletedProcess[str]:
        for file, text in files.items():
            (kit / file).write_text(text)
        return subprocess.run([*command, *files], cwd=kit, capture_output=True, text=True, check=False, timeout=60)

    return run


def test_a_valid_kit_passes(check: Check) -> None:
    texts = {"gamma": MANIFEST, "delta": HEIR, "base": BASE}
    manifests = {f"agents/{name}.toml": OF_MANIFEST + text for name, text in texts.items()}
    run = check({**manifests, "assemble.toml": OF_SETTINGS + SETTINGS})
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_mistake_is_found(check: Check) -> None:
    assert [MANIFEST.count(right) for right in BROKEN] == [1] * len(BROKEN)
    broken = (MANIFEST.replace(right, wrong) for right, wrong in BROKEN.items())
    files = {f"agents/gamma{index}.toml": OF_MANIFEST + text for index, text in enumerate(broken)}
    run = check({**files, "assemble.toml": f"{OF_SETTINGS}obligatry = []\n"})
    output = run.stdout + run.stderr
    assert run.returncode
    assert [file for file in files if file not in output] == []
    assert "descripton" in output
    assert "obligatry" in output


@pytest.mark.parametrize("package", SERVERS)
def test_an_editor_completes_from_the_kit(kit: Path, package: str) -> None:
    with language_server(_command(package, *SERVERS[package]), kit) as server:
        for index, (text, expected) in enumerate(COMPLETED.items()):
            file = kit / "agents" / f"new{index}.toml"
            offered = server.complete(file, f'{OF_MANIFEST}name = "new"\n{text}\n')
            assert expected <= {label.strip('"') for label in offered}, (text, offered)
