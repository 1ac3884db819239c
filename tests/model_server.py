"""A server on this machine that answers in place of a model, and keeps what clients send to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Part = dict[str, Any]


class ModelServer(ThreadingHTTPServer):
    """Speaks as much of the protocols of Gemini and OpenAI as a client needs for one question.

    The first answer to a request that offers tools is to read the file `to_read`, if there is one. All others are a
    word.
    """

    daemon_threads = True

    def __init__(self, to_read: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.received: list[str] = []
        self._to_read = to_read
        self._lock = threading.Lock()

    def answer(self, path: str, request: str) -> list[Part]:
        with self._lock:
            self.received.append(request)
            call = None
            if self._to_read and json.loads(request).get("tools"):
                call, self._to_read = {"file_path": str(self._to_read)}, None
        return _for_openai(call) if path.endswith("/chat/completions") else _for_gemini(call)


def _for_gemini(call: Part | None) -> list[Part]:
    part = {"functionCall": {"name": "read_file", "args": call}} if call else {"text": "Done."}
    return [{"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]}]


def _for_openai(call: Part | None) -> list[Part]:
    function = {"name": "read_file", "arguments": json.dumps(call)}
    tools = {"tool_calls": [{"index": 0, "id": "call", "type": "function", "function": function}]}
    delta = {"role": "assistant", **(tools if call else {"content": "Done."})}
    choices = [
        {"index": 0, "delta": delta, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "tool_calls" if call else "stop"},
    ]
    return [{"id": "answer", "object": "chat.completion.chunk", "choices": [choice]} for choice in choices]


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"])).decode()
        events = self.server.answer(self.path.partition("?")[0], request)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write("".join(f"data: {json.dumps(event)}\n\n" for event in events).encode())

    def log_message(self, *args: Any) -> None:
        """Print nothing."""


@contextmanager
def model_server(to_read: Path | None = None) -> Iterator[ModelServer]:
    with ModelServer(to_read) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
