"""The process of the language server: it survives whatever a client sends, and prints nothing but the protocol."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from conftest import Workbench
from editors import CRITIC, KIT, SERVER, Editor

PATCHED = """
import sys, time
import kei_assembler.lsp.descriptions as descriptions
def hover(place):
    print("this is not the protocol")
    time.sleep(0.3)
    raise ValueError("a bug")
descriptions.hover = hover
sys.argv = ["assemble", "lsp"]
from kei_assembler.__main__ import command
command()
"""


def hover(ide: Editor, line: int = 3, uri: str = "") -> object:
    place = types.TextDocumentIdentifier(uri or ide.uri("agents/critic.toml")), types.Position(line, 13)
    return ide.ask("textDocument/hover", types.HoverParams(*place))


def test_a_crash_in_one_request(bench: Workbench) -> None:
    bench.write(KIT)
    with Editor.started(bench.folder, command=[sys.executable, "-c", PATCHED]) as ide:
        ide.open("agents/critic.toml", CRITIC.replace("honesty", "honest"))
        assert ide.found("agents/critic.toml")
        with pytest.raises(JsonRpcException, match="a bug"):
            hover(ide)
        version = ide.change("agents/critic.toml", CRITIC)
        assert ide.found("agents/critic.toml", version) == []


def test_a_cancelled_request(bench: Workbench) -> None:
    bench.write(KIT)
    with Editor.started(bench.folder, command=[sys.executable, "-c", PATCHED]) as ide:
        ide.open("agents/critic.toml")
        ide.found("agents/critic.toml")

        async def cancel() -> None:
            params = types.HoverParams(ide.id("agents/critic.toml"), types.Position(0, 0))
            answer = ide.client.protocol.send_request("textDocument/hover", params, msg_id="hover-1")
            await asyncio.sleep(0.1)
            ide.client.cancel_request(types.CancelParams("hover-1"))
            await asyncio.wrap_future(answer)

        with pytest.raises(JsonRpcException, match="cancel"):
            ide.run(cancel())
        ide.change("agents/critic.toml", CRITIC.replace("honesty", "honest"))
        assert [one.code for one in ide.found("agents/critic.toml", 2)] == ["B201"]


def test_requests_about_places_that_do_not_exist(ide: Editor) -> None:
    ide.open("agents/critic.toml")
    assert hover(ide, 10**9) is None
    for uri in ("untitled:Untitled-1", "https://example.com/x.toml", "file:///nowhere/%00.toml", ide.uri("agents")):
        assert hover(ide, uri=uri) is None
    assert hover(ide)


def test_documents_of_all_kinds(ide: Editor) -> None:
    for uri in ("untitled:Untitled-1", "git:/agents/critic.toml?ref=HEAD", "file:///nowhere/%00.toml"):
        document = types.TextDocumentItem(uri, "toml", 1, "x = [")
        ide.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
    ide.open("agents/critic.toml", CRITIC.replace("honesty", "\ud83d"))
    assert ide.found("agents/critic.toml")


def test_messages_that_make_no_sense(ide: Editor) -> None:
    ide.client.protocol.send_request("textDocument/hover", {"textDocument": 3})
    with pytest.raises(JsonRpcException):
        ide.ask("textDocument/nothing", {})
    ide.open("agents/critic.toml")
    assert hover(ide)


def test_the_server_ends_when_the_editor_asks_for_it(ide: Editor) -> None:
    ide.open("agents/critic.toml")
    assert ide.end() == 0


def test_the_server_ends_with_the_editor(bench: Workbench) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}
    content = json.dumps(request).encode()
    given = b"Content-Length: %d\r\n\r\n%s" % (len(content), content)
    done = subprocess.run(SERVER, input=given, capture_output=True, cwd=bench.folder, timeout=20, check=False)
    assert done.stdout.startswith(b"Content-Length: ")
    assert b'"name": "assemble"' in done.stdout or b'"name":"assemble"' in done.stdout


@pytest.mark.parametrize("absent", [("pygls",), ("pygls", "lsprotocol")])
def test_without_the_extra_the_command_says_how_to_install_it(absent: tuple[str, ...], bench: Workbench) -> None:
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({absent})); sys.argv[1:] = ['lsp']; "
        "import kei_assembler.__main__ as m; m.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=bench.folder, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: the language server needs the package `pygls`\n"
        "  help: install it where `assemble` is installed, with: python -m pip install 'pygls>=2,<3'\n"
    )


def test_a_kit_of_a_stranger_reads_nothing_else(ide: Editor, bench: Workbench, tmp_path: Path) -> None:
    bench.write({"../secret.md": "The secret.\n", "../secrets/more.md": "More.\n"})
    (bench.folder / "roles").symlink_to(tmp_path.parent / "secrets")
    for path in ("../secret.md", "roles/more.md", str(tmp_path.parent / "secret.md")):
        place = ide.at("agents/critic.toml", f'role = {{ file = "{path[:-1]}|{path[-1]}" }}')
        assert ide.ask("textDocument/hover", types.HoverParams(place.text_document, place.position)) is None
        assert not ide.ask("textDocument/definition", types.DefinitionParams(place.text_document, place.position))
    for typed in ("../", "roles/", f"{tmp_path.parent}/"):
        place = ide.at("agents/critic.toml", f'role = {{ file = "{typed}|" }}')
        assert not ide.ask("textDocument/completion", types.CompletionParams(place.text_document, place.position))
