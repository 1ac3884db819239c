"""The server: which requests it answers, and when it checks which kits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from threading import Event
from time import monotonic
from typing import Any, BinaryIO, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from kei_assembler import __version__
from kei_assembler.diagnostics import AssembleError
from kei_assembler.lsp.actions import KINDS, actions
from kei_assembler.lsp.checking import Checked, checked, checked_alone, published
from kei_assembler.lsp.completion import TRIGGERS, complete
from kei_assembler.lsp.definitions import definitions, uses
from kei_assembler.lsp.descriptions import hover
from kei_assembler.lsp.generated import origins
from kei_assembler.lsp.places import Place, place_at
from kei_assembler.lsp.renaming import renameable, renamed
from kei_assembler.lsp.snapshot import Document, Outdated, Snapshot, kits_in, path_of

DELAY = 0.2
"""Seconds without a change before a kit is checked again."""

_WORKERS = 4
"""The number of threads: one reads what the client sends, the others answer requests and check kits."""

_LOG = logging.getLogger(__name__)

SLOW = 0.5
"""Seconds above which the check of a kit is slow, so that the manifest that changed is checked first."""

Result = TypeVar("Result")


class Server(LanguageServer):
    """A language server for kits. With `for_user`, kits may use the home folder."""

    def __init__(self, for_user: bool = False) -> None:
        # Positions of changes within a document could not be trusted: pygls also splits lines at U+2028 and others.
        super().__init__("assemble", __version__, types.TextDocumentSyncKind.Full, max_workers=_WORKERS)
        self._for_user = for_user
        self._kits: dict[str, list[str]] = {}
        """The kits in each folder of the workspace."""
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._last: dict[str, Checked] = {}
        self._seconds: dict[str, float] = {}
        self._published: dict[str, dict[str, list[types.Diagnostic]]] = {}

    def snapshot(self, is_outdated: Callable[[], bool] = lambda: False) -> Snapshot:
        """Return the documents as they are now."""
        workspace = self.workspace
        opened = ((path_of(one.uri), one) for one in workspace.text_documents.values())
        documents = {path: Document(one.uri, one.source, one.version) for path, one in opened if path}
        folders = (each for folder in self.folders() for each in (folder, *self._kits.get(folder, ())))
        return Snapshot(documents, folders, workspace.position_encoding, self._for_user, is_outdated)

    def folders(self) -> list[str]:
        """Return the folders of the workspace."""
        uris = [folder.uri for folder in self.workspace.folders.values()] or [self.workspace.root_uri or ""]
        return [path for uri in uris if (path := path_of(uri))]

    async def find_kits(self) -> None:
        """Find the kits in the workspace: their outputs can be elsewhere in it."""
        for folder in self.folders():
            self._kits[folder] = await self.in_thread(kits_in, folder)
        self.check_all_soon()

    async def in_thread(self, work: Callable[..., Result], *args: Any) -> Result:
        """Return `work(*args)`, while the server goes on receiving messages."""
        return await asyncio.get_running_loop().run_in_executor(self.thread_pool, work, *args)

    def check_soon(self, uri: str, delay: float = DELAY) -> None:
        """Check the kits that a file may belong to, after a delay in seconds, unless there is another change before."""
        path = path_of(uri)
        for folder in self.snapshot().kits(path) if path else ():
            self.check_kit_soon(folder, delay, path or "")

    def check_kit_soon(self, folder: str, delay: float = DELAY, first: str = "") -> None:
        """Check the kit in a folder after a delay in seconds, if that takes long, one manifest first."""
        if folder in self._checks:
            self._checks[folder].cancel()
        self._checks[folder] = asyncio.create_task(self._check(folder, delay, first))

    def check_all_soon(self) -> None:
        """Check the kits of all open documents, and forget the others."""
        snapshot = self.snapshot()
        current = {folder for path in snapshot.documents for folder in snapshot.kits(path)}
        for folder in current:
            self.check_kit_soon(folder)
        for folder in {*self._checks} - current:
            self._checks.pop(folder).cancel()
            self._last.pop(folder, None)
            self._publish(folder, {}, snapshot)

    async def settled(self, uri: str) -> list[Checked]:
        """Return the last checks of the kits that a file may belong to, once those under way are done."""
        path = path_of(uri)
        folders = self.snapshot().kits(path) if path else []
        for folder in folders:
            while (check := self._checks.get(folder)) and not check.done():
                await asyncio.wait([check])
        return [self._last[folder] for folder in folders if folder in self._last]

    async def _check(self, folder: str, delay: float, first: str) -> None:
        await asyncio.sleep(delay)
        outdated, start = Event(), monotonic()
        try:
            snapshot = self.snapshot(outdated.is_set)
            if first in snapshot.documents and self._seconds.get(folder, SLOW) >= SLOW:
                alone = await self.in_thread(checked_alone, snapshot, folder, first)
                if alone:
                    uri, found = snapshot.documents[first].uri, await self.in_thread(published, alone)
                    self._publish(folder, {**self._published.get(folder, {}), uri: found.get(uri, [])}, snapshot)
            self._last[folder] = result = await self.in_thread(checked, snapshot, folder)
            self._seconds[folder] = monotonic() - start
            self._publish(folder, await self.in_thread(published, result), snapshot)
        except asyncio.CancelledError:
            outdated.set()
            raise
        except Outdated:
            pass
        except Exception:  # a bug must not end the checks of this kit without a word
            _LOG.exception("the check of %s failed", folder)

    def _publish(self, folder: str, found: dict[str, list[types.Diagnostic]], snapshot: Snapshot) -> None:
        """Publish what was found in the kit in a folder. A file can have findings of several kits."""
        before = self._published.pop(folder, {})
        if found:
            self._published[folder] = found
        versions = {one.uri: one.version for one in snapshot.documents.values()}
        for uri in dict.fromkeys((*before, *found)):
            of_all = [one for each in self._published.values() for one in each.get(uri, ())]
            if before.get(uri) == found.get(uri) and uri not in versions:
                continue
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, of_all, versions.get(uri)))


_SOURCES = "**/*.{toml,md,j2}"
"""The files that can change without the editor: by git, for example."""


def serve(stdin: BinaryIO, stdout: BinaryIO, for_user: bool = False) -> None:
    """Serve one client until it ends the connection."""
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_unexpected)
    server = Server(for_user)
    _add_notifications(server)
    for method, (options, answer) in _REQUESTS.items():
        server.feature(method, options)(_answering(server, answer))
    _add_edits(server)
    server.start_io(stdin, stdout)


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Return whether a record of the log is not about a request that was refused: that is no bug."""
    return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcException))


def _add_notifications(server: Server) -> None:
    @server.feature(types.INITIALIZED)
    async def ready(params: types.InitializedParams) -> None:  # noqa: ARG001 - the name of the argument is fixed
        workspace = server.client_capabilities.workspace
        watching = workspace and workspace.did_change_watched_files
        if watching and watching.dynamic_registration:
            method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(_SOURCES)])
            server.client_register_capability(types.RegistrationParams([types.Registration(method, method, options)]))
        await server.find_kits()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.check_soon(params.text_document.uri, 0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        server.check_soon(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.check_soon(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:  # noqa: ARG001
        server.check_all_soon()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def changed_on_disk(params: types.DidChangeWatchedFilesParams) -> None:  # noqa: ARG001
        server.check_all_soon()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def changed_folders(params: types.DidChangeWorkspaceFoldersParams) -> None:  # noqa: ARG001
        await server.find_kits()


Answer = Callable[[Snapshot, Any], Any]


def _answering(server: Server, answer: Answer) -> Callable[[Any], Awaitable[Any]]:
    """Return a handler that answers a request in a thread, about the documents as they are now."""

    async def handle(params: Any) -> Any:
        try:
            return await server.in_thread(answer, server.snapshot(), params)
        except AssembleError:  # the check of the kit reports it
            return None

    return handle


def _add_edits(server: Server) -> None:
    """Add the requests whose answers are edits, which depend on what the client supports."""

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(KINDS))
    async def act(params: types.CodeActionParams) -> list[types.CodeAction]:
        results = await server.settled(params.text_document.uri)
        with suppress(AssembleError):  # a file has changed meanwhile
            client = server.client_capabilities
            return await server.in_thread(
                lambda: [action for checked in results for action in actions(checked, params, client)]
            )
        return []

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def rename(params: types.RenameParams) -> types.WorkspaceEdit:
        try:
            edit, left = await server.in_thread(renamed, server.snapshot(), params, server.client_capabilities)
        except AssembleError as error:
            found = (f"{one.location}: {one.message}" for one in error.diagnostics[:1])
            message = "; ".join(filter(None, (error.message, error.hint, *error.details, *found)))
            raise JsonRpcException(message, types.LSPErrorCodes.RequestFailed) from error
        if left:
            server.window_show_message(types.ShowMessageParams(types.MessageType.Info, left))
        return edit


def _at_place(answer: Callable[[Place], Any]) -> Answer:
    """Return an answer for a request about a position of a source."""

    def answered(snapshot: Snapshot, params: Any) -> Any:
        place = place_at(snapshot, params.text_document.uri, params.position)
        return answer(place) if place else None

    return answered


def _hover(place: Place) -> types.Hover | None:
    found = hover(place)
    if found is None:
        return None
    text, (start, end) = found
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), place.text.range(start, end))


def _uses(snapshot: Snapshot, params: types.ReferenceParams) -> list[types.Location] | None:
    place = place_at(snapshot, params.text_document.uri, params.position)
    return uses(place, params.context.include_declaration) if place else None


def _definitions(snapshot: Snapshot, params: types.DefinitionParams) -> list[types.Location]:
    place = place_at(snapshot, params.text_document.uri, params.position)
    return definitions(place) if place else origins(snapshot, params.text_document.uri, params.position)


_REQUESTS: Mapping[str, tuple[Any, Answer]] = {
    types.TEXT_DOCUMENT_COMPLETION: (types.CompletionOptions(TRIGGERS), _at_place(complete)),
    types.TEXT_DOCUMENT_HOVER: (None, _at_place(_hover)),
    types.TEXT_DOCUMENT_DEFINITION: (None, _definitions),
    types.TEXT_DOCUMENT_REFERENCES: (None, _uses),
    types.TEXT_DOCUMENT_PREPARE_RENAME: (None, _at_place(renameable)),
}
"""The requests that the server answers, with what it tells the client about each."""
