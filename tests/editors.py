"""An editor as far as the tests need one: pygls's client, talking to the process `assemble lsp`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from kei_assembler import __version__

Result = TypeVar("Result")

WAIT = 20
"""Seconds after which the server is taken to be stuck."""

SERVER = (sys.executable, "-m", "kei_assembler", "lsp")
EDIT = types.WorkspaceEditClientCapabilities(
    document_changes=True, resource_operations=[types.ResourceOperationKind.Rename]
)
CAPABILITIES = types.ClientCapabilities(workspace=types.WorkspaceClientCapabilities(workspace_edit=EDIT))


SETTINGS = """\
[target.claude-code]
output = ".claude/agents/{name}.md"
"""
CRITIC = """\
name = "critic"
description = "Reviews diffs."
role = "You review."
blocks = ["honesty"]
"""


KIT = {"assemble.toml": SETTINGS, "agents/critic.toml": CRITIC, "_blocks/honesty.md": "Be honest.\n"}


class Editor:
    """An editor with a folder, and what the server has published for each file."""

    def __init__(self, folder: Path, runner: asyncio.Runner) -> None:
        self.folder = folder
        self.client = LanguageClient("test-editor", __version__)
        self.published: dict[str, list[types.Diagnostic]] = {}
        self.versions: dict[str, int | None] = {}
        self.checks: list[str] = []
        """The files of all publications, in their order."""
        self.messages: list[str] = []
        self.registered: list[types.Registration] = []
        self._runner = runner
        self._news = asyncio.Event()
        self._texts: dict[str, tuple[int, str]] = {}

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: types.PublishDiagnosticsParams) -> None:
            self.published[self.name(params.uri)] = list(params.diagnostics)
            self.versions[self.name(params.uri)] = params.version
            self.checks.append(self.name(params.uri))
            self._news.set()

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)
        def shown(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)

        @self.client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def registered(params: types.RegistrationParams) -> None:
            self.registered += params.registrations

    @classmethod
    @contextmanager
    def started(
        cls, folder: Path, capabilities: types.ClientCapabilities = CAPABILITIES, command: Sequence[str] = SERVER
    ) -> Iterator[Editor]:
        """Start an editor with a folder, and a server for it."""
        with asyncio.Runner() as runner:
            editor = cls(folder, runner)
            try:
                editor.start(capabilities, command)
                yield editor
            finally:
                server = editor.client._server
                if server and server.returncode is None:
                    server.kill()
                    editor.run(server.wait())

    def name(self, uri: str) -> str:
        base = f"{self.folder.as_uri()}/"
        return uri.removeprefix(base)

    def uri(self, file: str) -> str:
        return (self.folder / file).as_uri()

    def id(self, file: str) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri(file))

    def run(self, awaited: Awaitable[Result], seconds: float = WAIT) -> Result:
        async def wait() -> Result:
            return await asyncio.wait_for(awaited, seconds)

        return self._runner.run(wait())

    def start(self, capabilities: types.ClientCapabilities, command: Sequence[str]) -> types.InitializeResult:
        folders = [types.WorkspaceFolder(self.folder.as_uri(), self.folder.name)]
        params = types.InitializeParams(capabilities, workspace_folders=folders)

        async def begin() -> types.InitializeResult:
            await self.client.start_io(*command, cwd=str(self.folder))
            result = await self.client.initialize_async(params)
            self.client.initialized(types.InitializedParams())
            return result

        return self.run(begin())

    def open(self, file: str, text: str | None = None) -> None:
        """Open a file, perhaps with a text that is not on the disk."""
        if text is None:
            text = (self.folder / file).read_bytes().decode()
        self._texts[file] = 1, text
        document = types.TextDocumentItem(self.uri(file), Path(file).suffix[1:], 1, text)
        self._notify(lambda: self.client.text_document_did_open(types.DidOpenTextDocumentParams(document)))

    def change(self, file: str, text: str) -> int:
        """Change the text of an open file, and return the new version."""
        version = self._texts[file][0] + 1
        self._texts[file] = version, text
        document = types.VersionedTextDocumentIdentifier(version, self.uri(file))
        change = types.TextDocumentContentChangeWholeDocument(text)
        params = types.DidChangeTextDocumentParams(document, [change])
        self._notify(lambda: self.client.text_document_did_change(params))
        return version

    def close(self, file: str) -> None:
        del self._texts[file]
        self._notify(lambda: self.client.text_document_did_close(types.DidCloseTextDocumentParams(self.id(file))))

    def close_all(self) -> None:
        for file in [*self._texts]:
            self.close(file)

    def changed_on_disk(self, file: str) -> None:
        event = types.FileEvent(self.uri(file), types.FileChangeType.Changed)
        params = types.DidChangeWatchedFilesParams([event])
        self._notify(lambda: self.client.workspace_did_change_watched_files(params))

    def _notify(self, send: Any) -> None:
        async def notify() -> None:
            send()
            await asyncio.sleep(0)

        self.run(notify())

    def found(self, file: str, version: int | None = None) -> list[types.Diagnostic]:
        """Return what the server publishes next for a file, or has published already for its version, if given."""

        async def wait() -> list[types.Diagnostic]:
            while file not in self.published or (version is not None and (self.versions[file] or 0) < version):
                self._news.clear()
                await self._news.wait()
            return self.published[file]

        return self.run(wait())

    def shows(self, file: str, *codes: str) -> bool:
        """Return whether the server publishes just findings with these codes for a file, now or a little later."""

        async def wait() -> bool:
            while [one.code for one in self.published.get(file, ())] != [*codes] or file not in self.published:
                self._news.clear()
                await self._news.wait()
            return True

        return self.run(wait())

    def ask(self, method: str, params: Any) -> Any:
        async def send() -> Any:
            return await self.client.protocol.send_request_async(method, params)

        return self.run(send())

    def at(self, file: str, marked: str) -> types.TextDocumentPositionParams:
        """Open or change a file to a text, and return the position of the `|` in it."""
        before, _, after = marked.partition("|")
        if file in self._texts:
            self.change(file, before + after)
        else:
            self.open(file, before + after)
        line = before.rpartition("\n")[2]
        character = len(line.encode("utf-16-le")) // 2
        return types.TextDocumentPositionParams(self.id(file), types.Position(before.count("\n"), character))

    def end(self) -> int:
        async def stop() -> int:
            await self.client.shutdown_async(None)
            self.client.exit(None)
            server = self.client._server
            assert server
            status = await server.wait()
            await self.client.stop()
            return status

        return self.run(stop())
