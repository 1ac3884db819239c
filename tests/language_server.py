"""A client for TOML language servers, with the part of the protocol that the tests need (LSP 3.17)."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_COMPLETES = {"textDocument": {"completion": {"completionItem": {"documentationFormat": ["markdown"]}}}}
_ATTEMPTS = 100


class LanguageServer:
    """A running server and the files opened in it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._last_id = 0

    def ask(self, method: str, **params: Any) -> Any:
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params})
        while (message := self._receive()).get("id") != self._last_id or "method" in message:
            if "id" in message:
                self._send({"id": message["id"], "result": self._empty_answer(message)})
        assert "error" not in message, message
        return message["result"]

    def notify(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def complete(self, path: Path, text: str) -> list[str]:
        """Return the completions at the `|` in a file's text. Wait until the server has loaded its schemas."""
        before, _, after = text.partition("|")
        document = {"uri": path.as_uri(), "languageId": "toml", "version": 1, "text": before + after}
        self.notify("textDocument/didOpen", textDocument=document)
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        for _ in range(_ATTEMPTS):
            if offered := self.ask("textDocument/completion", textDocument={"uri": path.as_uri()}, position=position):
                items = offered["items"] if isinstance(offered, dict) else offered
                return [item["label"] for item in items]
            time.sleep(0.1)
        return []

    @staticmethod
    def _empty_answer(message: dict[str, Any]) -> Any:
        """Return the response of a client without a configuration."""
        is_configuration = message["method"] == "workspace/configuration"
        return [{} for _ in message["params"]["items"]] if is_configuration else None

    def _send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout
        length = 0
        while line := self._process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        assert length, "the server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message


@contextmanager
def language_server(command: Sequence[str], folder: Path) -> Iterator[LanguageServer]:
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, cwd=folder) as process:
        server = LanguageServer(process)
        root = {"uri": folder.as_uri(), "name": folder.name}
        server.ask("initialize", processId=None, rootUri=root["uri"], workspaceFolders=[root], capabilities=_COMPLETES)
        server.notify("initialized")
        yield server
        process.kill()
