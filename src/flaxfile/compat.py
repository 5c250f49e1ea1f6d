"""The names of FlaxFile 1.7.1, with its arguments and method names: thin wrappers that decide nothing.

Window, chunk size and session id were the caller's affair then; they are taken and not needed now.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final

from flaxfile.cli.serving import is_loopback
from flaxfile.client.async_client import AsyncClient
from flaxfile.client.client import Client
from flaxfile.errors import NotFoundError, UsageError
from flaxfile.server.server import Server
from flaxfile.sync import SyncOptions, pull, push

if TYPE_CHECKING:
    from typing import Self

    from flaxfile.client.transfers import Progress
    from flaxfile.model import Entry
    from flaxfile.result import TransferResult
    from flaxfile.sync.report import SyncReport

__all__ = [
    "FlaxFileServer",
    "MultiSocketFlaxFileClient",
    "MultiSocketFlaxFileClientSync",
    "pull_directory",
    "push_directory",
]

CHUNK: Final = 4 * 1024 * 1024


def _setting(given: float | None, variable: str, default: float) -> float:
    return given if given is not None else float(os.environ.get(variable) or default)


def _settings(
    connect_timeout: float | None, transfer_timeout: float | None, max_retries: int | None
) -> tuple[float, float, int]:
    return (
        _setting(connect_timeout, "FLAXFILE_CONNECT_TIMEOUT", 30.0),
        _setting(transfer_timeout, "FLAXFILE_TRANSFER_TIMEOUT", 30.0),
        int(_setting(max_retries, "FLAXFILE_MAX_RETRIES", 5)),
    )


def _listed(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {"key": entry.key, "size": entry.size, "mtime": entry.mtime_ns / 1e9}
    if entry.hash is not None:
        found["hash"] = entry.hash
    return found


class MultiSocketFlaxFileClient(AsyncClient):
    """`AsyncClient` as it was called and made in 1.7.1."""

    def __init__(
        self,
        server_host: str = "127.0.0.1",
        port: int = 25555,
        password: str | None = None,
        num_connections: int | None = None,
        window_size: int = 8,
        silent: bool = False,
        shared_context: object | None = None,
        connect_timeout: float | None = None,
        transfer_timeout: float | None = None,
        max_retries: int | None = None,
    ) -> None:
        del silent, shared_context
        connect, idle, retries = _settings(connect_timeout, transfer_timeout, max_retries)
        super().__init__(
            server_host,
            port,
            password,
            num_connections=num_connections,
            connect_timeout=connect,
            idle_timeout=idle,
            retries=retries,
        )
        self.server_host = server_host
        self.num_connections = num_connections
        self.window_size = window_size

    async def connect(self, num_connections: int | None = None) -> None:
        """Connect; how many connections a transfer uses is decided by itself."""
        del num_connections
        await super().connect()

    async def __aenter__(self) -> Self:
        """As in 1.7.1 the first operation connects."""
        return self

    async def upload_file(
        self,
        file_path: str | os.PathLike[str],
        file_key: str,
        chunk_size: int = CHUNK,
        show_progress: bool = False,
        session_id: str | None = None,
        progress_callback: Progress | None = None,
    ) -> TransferResult:
        """Send a file."""
        del chunk_size, show_progress, session_id
        return await self.upload(file_path, file_key, progress=progress_callback)

    async def download_file(
        self,
        file_key: str,
        output_path: str | os.PathLike[str],
        chunk_size: int = CHUNK,
        show_progress: bool = False,
        progress_callback: Progress | None = None,
    ) -> TransferResult:
        """Fetch a file."""
        del chunk_size, show_progress
        return await self.download(file_key, output_path, progress=progress_callback)

    async def delete_file(self, file_key: str) -> bool:
        """Remove a file or a folder; False when there is none."""
        try:
            await self.delete(file_key, recursive=True)
        except NotFoundError:
            return False
        return True

    async def list_files(self, prefix: str = "", compute_hash: bool = False) -> list[dict[str, Any]]:
        """Every file below a folder."""
        return [_listed(entry) async for entry in self.list(prefix, hash=compute_hash)]


class MultiSocketFlaxFileClientSync(Client):
    """`Client` as it was called and made in 1.7.1. Without a password FLAXFILE_PASSWORD counts."""

    def __init__(
        self,
        server_host: str = "127.0.0.1",
        port: int = 25555,
        password: str | None = None,
        num_connections: int | None = None,
        window_size: int = 8,
        connect_timeout: float | None = None,
        transfer_timeout: float | None = None,
        max_retries: int | None = None,
    ) -> None:
        connect, idle, retries = _settings(connect_timeout, transfer_timeout, max_retries)
        super().__init__(
            server_host,
            port,
            os.environ.get("FLAXFILE_PASSWORD") or None if password is None else password or None,
            num_connections=num_connections,
            connect_timeout=connect,
            idle_timeout=idle,
            retries=retries,
        )
        self.server_host = server_host
        self.port = port
        self.num_connections = num_connections
        self.window_size = window_size

    def __enter__(self) -> Self:
        """As in 1.7.1 the first operation connects."""
        return self

    def upload_file(
        self,
        file_path: str | os.PathLike[str],
        file_key: str,
        chunk_size: int = CHUNK,
        show_progress: bool = False,
        session_id: str | None = None,
        progress_callback: Progress | None = None,
    ) -> TransferResult:
        """Send a file."""
        del chunk_size, show_progress, session_id
        return self.upload(file_path, file_key, progress=progress_callback)

    def download_file(
        self,
        file_key: str,
        output_path: str | os.PathLike[str],
        chunk_size: int = CHUNK,
        show_progress: bool = False,
        progress_callback: Progress | None = None,
    ) -> TransferResult:
        """Fetch a file."""
        del chunk_size, show_progress
        return self.download(file_key, output_path, progress=progress_callback)

    def delete_file(self, file_key: str) -> bool:
        """Remove a file or a folder; False when there is none."""
        try:
            self.delete(file_key, recursive=True)
        except NotFoundError:
            return False
        return True

    def list_files(self, prefix: str = "", compute_hash: bool = False) -> list[dict[str, Any]]:
        """Every file below a folder."""
        return [_listed(entry) for entry in self.list(prefix, hash=compute_hash)]


class FlaxFileServer(Server):
    """`Server` as it was called and made in 1.7.1: `start` serves until `stop`.

    Listens on this machine alone unless another host is given, and to other machines only with a password.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 25555, password: str | None = None) -> None:
        password = os.environ.get("FLAXFILE_PASSWORD") or None if password is None else password or None
        if password is None and not is_loopback(host):
            raise UsageError(
                f"{host} can be reached by other machines, and there is no password",
                hint="give one, or use flaxfile.Server",
            )
        super().__init__(host, port, password=password)
        self._ended: asyncio.Event | None = None

    async def start(self) -> None:
        """Serve until `stop` is called."""
        self._ended = asyncio.Event()
        await super().start()
        await self._ended.wait()

    async def stop(self, grace: float = 5.0) -> None:
        """End; `start` returns."""
        await super().stop(grace)
        if self._ended is not None:
            self._ended.set()


def _counted(report: SyncReport, verb: str) -> dict[str, Any]:
    return {
        "total_files": report.copied + report.same + len(report.failures),
        verb: report.copied,
        "skipped": report.same,
        "failed": len(report.failures),
        "failed_files": [failure.path for failure in report.failures],
        "deleted": report.deleted,
        "total_bytes": report.bytes_copied,
        "transfer_time": report.seconds,
        "total_time": report.seconds,
    }


def push_directory(
    client: MultiSocketFlaxFileClientSync,
    local_dir: str,
    remote_dir: str,
    show_progress: bool = True,
    password: str | None = None,
    force: bool = False,
    delete: bool = False,
    concurrency: int = 32,
    max_concurrency: int = 64,
) -> dict[str, Any]:
    """`push` as it was called in 1.7.1."""
    del show_progress, password, max_concurrency
    options = SyncOptions(force=force, delete=delete, jobs=min(concurrency, 16))
    return _counted(client.call(push(client.async_client, local_dir, remote_dir, options)), "uploaded")


def pull_directory(
    client: MultiSocketFlaxFileClientSync,
    remote_dir: str,
    local_dir: str,
    show_progress: bool = True,
    password: str | None = None,
    force: bool = False,
    delete: bool = False,
    concurrency: int = 32,
    max_concurrency: int = 64,
) -> dict[str, Any]:
    """`pull` as it was called in 1.7.1."""
    del show_progress, password, max_concurrency
    options = SyncOptions(force=force, delete=delete, jobs=min(concurrency, 16))
    return _counted(client.call(pull(client.async_client, remote_dir, local_dir, options)), "downloaded")
