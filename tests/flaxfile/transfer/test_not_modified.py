"""A download that names the version which somebody has already: what is still that version is not moved."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path

import pytest

from flaxfile.client.async_client import AsyncClient
from flaxfile.client.client import Client
from flaxfile.client.difference import OldVersion
from flaxfile.errors import ConflictError, NotFoundError, ProtocolError
from flaxfile.protocol.messages import Type, field
from flaxfile.server import downloads
from flaxfile.server.server import Server
from tests.flaxfile.commands import wait_until
from tests.flaxfile.hostile.peers import ask, dealer, hello

MIB = 1 << 20


class Equal(str):
    """A text that is equal to every other."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    def __hash__(self) -> int:
        return 0


async def test_the_version_that_is_named_is_not_fetched_and_what_is_here_stays(
    server: Server, client: AsyncClient, tmp_path: Path
) -> None:
    stored = await client.upload(b"stored" * 1000, "file")
    (tmp_path / "file").write_bytes(b"here")
    room, stream = bytearray(3), io.BytesIO()

    results = [
        await client.download("file", target, if_none_match=stored.etag)
        for target in (tmp_path / "file", tmp_path / "new" / "file", room, stream)
    ]

    assert (b"here", bytes(3), b"") == ((tmp_path / "file").read_bytes(), bytes(room), stream.getvalue())
    assert not (tmp_path / "new").exists()
    for result in results:
        assert (result.not_modified, result.etag, result.size) == (True, stored.etag, 6000)
        assert (result.hash, result.bytes_sent, result.throughput, result["num_sockets"]) == ("", 0, 0.0, 0)
    stats = server.stats()
    assert (4, 0, 0) == (stats["not_modified"], stats["transfers"], stats.get("downloads", 0))


async def test_another_version_is_fetched(client: AsyncClient, tmp_path: Path) -> None:
    first = await client.upload(b"first", "file")
    second = await client.upload(b"second", "file")

    result = await client.download("file", tmp_path / "file", if_none_match=first.etag)

    assert b"second" == (tmp_path / "file").read_bytes()
    assert (result.not_modified, result.etag, result.hash) == (False, second.etag, second.hash)


async def test_a_range_of_the_named_version_is_not_fetched_either(client: AsyncClient) -> None:
    stored = await client.upload(bytes(1000), "file")

    result = await client.download("file", bytearray(), offset=900, length=200, if_none_match=stored.etag)

    assert (True, 100) == (result.not_modified, result.size)


async def test_what_is_missing_or_no_file_is_an_error_as_ever(client: AsyncClient, tmp_path: Path) -> None:
    await client.make_folder("folder")
    with pytest.raises(NotFoundError):
        await client.download("none", tmp_path / "x", if_none_match="0" * 16)
    with pytest.raises(ConflictError):
        await client.download("folder", tmp_path / "x", if_none_match="0" * 16)


async def test_a_version_that_must_be_there_is_asked_for_first(client: AsyncClient, tmp_path: Path) -> None:
    stored = await client.upload(b"stored", "file")
    with pytest.raises(ConflictError, match="has changed"):
        await client.download("file", tmp_path / "x", if_match="0" * 16, if_none_match=stored.etag)

    both = await client.download("file", tmp_path / "x", if_match=stored.etag, if_none_match=stored.etag)

    assert both.not_modified


async def test_a_server_that_does_not_know_the_condition_moves_nothing_either(
    server: Server, client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def of_old(payload: dict[str, object], name: str, *more: object) -> object:
        return "" if name == "if_none_match" else field(payload, name, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(downloads, "field", of_old)
    stored = await client.upload(os.urandom(8 * MIB), "file")

    result = await client.download("file", tmp_path / "file", if_none_match=stored.etag)

    assert (True, 0) == (result.not_modified, result.bytes_sent)
    assert not (tmp_path / "file").exists()
    await asyncio.to_thread(wait_until, lambda: not server.stats()["transfers"])
    assert 0 == server.stats()["bytes_out"]
    assert "not_modified" not in server.stats()


async def test_a_delta_does_not_read_what_is_not_fetched(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find(*_: object) -> None:
        raise AssertionError("both sides read all of the file")

    stored = await client.upload(os.urandom(5 * MIB), "file")
    (tmp_path / "file").write_bytes(bytes(5 * MIB))
    monkeypatch.setattr(OldVersion, "find", find)

    result = await client.download("file", tmp_path / "file", delta=True, if_none_match=stored.etag)

    assert result.not_modified


async def test_a_server_that_opens_nothing_unasked_is_at_fault_and_the_connection_stays(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def always_equal(payload: dict[str, object], name: str, *more: object) -> object:
        return Equal() if name == "if_none_match" else field(payload, name, *more)  # type: ignore[arg-type]

    await client.upload(b"stored", "file")
    monkeypatch.setattr(downloads, "field", always_equal)
    with pytest.raises(ProtocolError):
        await client.download("file", tmp_path / "file")
    monkeypatch.undo()

    await client.download("file", tmp_path / "file")

    assert b"stored" == (tmp_path / "file").read_bytes()


async def test_a_condition_that_is_no_text_is_refused(server: Server, store: Path) -> None:
    (store / "file").write_bytes(b"stored")
    with dealer(server.port) as peer:
        hello(peer)
        head, refused = ask(peer, Type.GET_OPEN, {"key": "file", "if_none_match": 5})

    assert (Type.ERROR, "PROTOCOL") == (head.type, refused["name"])


def test_the_blocking_client_has_it_too(tmp_path: Path) -> None:
    server = Server("127.0.0.1", 0, tmp_path / "store")
    server.start_now()
    try:
        with Client("127.0.0.1", server.port) as client:
            stored = client.upload(b"stored", "file")
            assert client.download("file", tmp_path / "file", if_none_match=stored.etag).not_modified
            assert not client.download("file", tmp_path / "file", if_none_match="another").not_modified
    finally:
        server.stop_now(0)
