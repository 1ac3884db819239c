"""The tables of targets that clients check: what they refuse, drop or ignore is located where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w

from client_tables import ACCEPTED, REFUSED
from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.model.settings import RIGHTS, decode_settings
from kei_assembler.rules import check_defaults, check_manifest
from kei_assembler.toml.source import Source, read_toml

START = 'name = "critic"\ndescription = "Reviews code."\nrole = "You review code, all of it."\n'
ALLOWED = {"allow-rights": [{"agent": "critic", "rights": list(RIGHTS), "reason": "tested"}]}


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> LoadedKit:
    folder = tmp_path_factory.mktemp("kit")
    (folder / "assemble.toml").write_text(tomli_w.dumps(ALLOWED))
    return load_kit(str(folder))


def _found(kit: LoadedKit, text: str) -> list[Diagnostic]:
    source = read_toml("agents/critic.toml", (START + text).encode())
    assert source.error is None
    return check_manifest(kit, source)[1]


@pytest.mark.parametrize(("text", "code", "at", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_a_client_does_not_take_is_located(kit: LoadedKit, text: str, code: str, at: str, hint: str) -> None:
    (found,) = _found(kit, text)
    span = found.location.span
    rest = (START + text).split("\n")[span.line - 1][span.column - 1 :]
    assert (found.code, hint in found.help) == (code, True), found
    assert rest.startswith(at), (rest, found)


SEVERITIES = {"K117": Severity.ERROR, "K118": Severity.WARNING, "K119": Severity.NOTE}


@pytest.mark.parametrize(
    ("text", "code"), [(text, code) for text, code, _, _ in REFUSED.values() if code in SEVERITIES]
)
def test_only_an_unknown_event_is_an_error(kit: LoadedKit, text: str, code: str) -> None:
    assert [one.severity for one in _found(kit, text)] == [SEVERITIES[code]]


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_what_a_client_takes_is_accepted(kit: LoadedKit, text: str) -> None:
    assert [(one.code, one.message) for one in _found(kit, text)] == []


def test_a_table_in_the_defaults_is_checked_in_the_settings() -> None:
    source = Source("assemble.toml", "[defaults.target.claude-code.hooks]\nPreToolUs = []\n")
    source.data = {"defaults": {"target": {"claude-code": {"hooks": {"PreToolUs": []}}}}}
    (found,) = check_defaults(LoadedKit("", decode_settings(source.data), source))
    assert (found.code, found.location.file, found.location.span.line) == ("K117", "assemble.toml", 2)


MESSAGES = {
    '[target.codex.mcp_servers.x]\nurl = "y"\nargs = []\nenv = {}\ncwd = "."\n': (
        "`args` cannot be set together with `url`, and neither can `env`, `cwd`"
    ),
    '[target.codex.mcp_servers.x]\nurl = "y"\nbearer_token = "z"\n': (
        "`bearer_token` must be in an environment variable, which `bearer_token_env_var` names"
    ),
    "[target.gemini]\nmax_turns = 1.0\n": "`max_turns` must be a whole number above 0, not a floating-point number",
    '[target.gemini]\nmcp_servers.x = "y"\n': "`x` must be a table, not a string",
    '[target.claude-code]\nmcpServers = [{ a = "x" }]\n': "`a` must be a table, not a string",
    '[target.qwen]\nexecutionBackend = "docker"\n': "`executionBackend` must be `container`",
    "[target.opencode.permission]\nbash = true\n": (
        "`bash` must be one of `ask`, `allow`, `deny`, or a table of patterns, not a boolean"
    ),
    "[target.opencode.permission]\nwebfetch = {}\n": "`webfetch` must be one of `ask`, `allow`, `deny`, not a table",
}


@pytest.mark.parametrize(("text", "message"), MESSAGES.items())
def test_the_message_says_what_is_possible(kit: LoadedKit, text: str, message: str) -> None:
    assert [one.message for one in _found(kit, text)] == [message]


@pytest.mark.parametrize("name", ["vscode", "VS Code", "visual-studio-code", "github"])
def test_other_names_of_a_target_are_understood(kit: LoadedKit, name: str) -> None:
    (of_list,) = _found(kit, f'targets = ["{name}"]\n')
    (of_table,) = _found(kit, f'[target."{name}"]\nmodel = "x"\n')
    assert of_list.help == of_table.help == "did you mean `copilot`?"


HINTS_IN_SETTINGS = {
    '[defaults.target.claude-code]\nmcpServers.a.comand = "x"\n': "`comand` is probably a misspelling of it",
    '[defaults.target.gemini.mcp_servers.x]\ncomand = "x"\n': "`comand` is probably a misspelling",
    '[defaults.target.gemini.mcp_servers]\ncommand = "x"\n': "`NAME = { command = … }`",
    "[[defaults.target.claude-code.Stop]]\nhooks = []\n": "it belongs in `hooks`",
    'targets = ["vscode"]\n': "did you mean `copilot`?",
    '[target.vscode]\noutput = "{name}.md"\n': "did you mean `copilot`?",
}


@pytest.mark.parametrize(("text", "hint"), HINTS_IN_SETTINGS.items())
def test_the_settings_have_the_same_hints(tmp_path: Path, text: str, hint: str) -> None:
    (tmp_path / "assemble.toml").write_text(text)
    with pytest.raises(AssembleError) as caught:
        load_kit(str(tmp_path))
    (found,) = caught.value.diagnostics
    assert hint in found.help
