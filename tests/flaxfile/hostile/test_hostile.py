"""Peers that break the rules: the server answers or drops what they send, and goes on serving the others."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
import zmq

from flaxfile import digests
from flaxfile._core.hashing import xxh3_64
from flaxfile.client.async_client import AsyncClient
from flaxfile.errors import AuthError, FlaxError, LimitError, NotFoundError
from flaxfile.protocol.header import HEADER_SIZE, Header, encode_header, seal
from flaxfile.protocol.messages import Type
from flaxfile.server.server import Server
from flaxfile.server.sessions import MAX_TRANSFERS

from .peers import answer, ask, dealer, hello

MIB = 1 << 20


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def works(server: Server) -> None:
    async with AsyncClient("127.0.0.1", server.port) as client:
        await client.upload(b"fine", "fine")
        assert 4 == (await client.stat("fine")).size


async def test_random_frames_are_answered_or_dropped(server: Server) -> None:
    chance = random.Random(1)
    with dealer(server.port) as peer:
        hello(peer)
        for _ in range(3000):
            frames = [
                chance.randbytes(chance.choice((0, 1, 39, 40, 41, 200))) for _ in range(chance.randint(1, 4))
            ]
            if chance.random() < 0.7:
                fields = (
                    chance.choice(list(Type)),
                    chance.randrange(256),
                    chance.randrange(99),
                    chance.randrange(3),
                )
                frames[0] = seal(Header(*fields, chance.randrange(1 << 40)), b"".join(frames[1:2]))
            peer.send_multipart(frames)
        await works(server)


async def test_a_damaged_message_is_told_so_that_its_client_begins_again(server: Server) -> None:
    with dealer(server.port) as peer:
        hello(peer)
        chunk = data(1, 0, b"content")
        sealed = [seal(Header(Type.PING, request=5)), b""]
        for header, payload in (chunk, sealed):
            peer.send_multipart([header[:-1] + bytes([header[-1] ^ 1]), payload])
            # One that is not ours is only damaged too, from somebody whom the server knows.
            peer.send_multipart([b"\0" + header[1:], payload])
        head, told = answer(peer)
        assert Type.ERROR == head.type
        assert told["gone"] is True
        peer.send_multipart([seal(Header(Type.PING, request=6)), b""])
        while head.type != Type.PONG:
            head, _ = answer(peer)
    assert 4 == server.stats()["bad_messages"]
    assert "version_1_peers" not in server.stats()


async def test_fields_of_any_kind_are_refused(server: Server) -> None:
    values: list[object] = [None, -1, 1 << 70, "x", "../x", [], {}, True, 1.5, "\udc80", "a" * 5000]
    chance = random.Random(2)
    with dealer(server.port) as peer:
        hello(peer)
        for kind in (Type.PUT_OPEN, Type.GET_OPEN, Type.LIST, Type.STAT, Type.DELETE, Type.MOVE, Type.MKDIR):
            for _ in range(60):
                names = (
                    "key",
                    "to",
                    "size",
                    "chunk",
                    "upload",
                    "source",
                    "offset",
                    "length",
                    "limit",
                    "cursor",
                )
                payload = {name: chance.choice(values) for name in names if chance.random() < 0.8}
                head, _ = ask(peer, kind, payload)
                assert head.type in {Type.ERROR, Type.ENTRIES, Type.OK, Type.PUT_READY, Type.GET_READY}
    await works(server)


@pytest.mark.parametrize("kind", ["md5", "BLAKE3", 7, "blake3"])
async def test_a_kind_of_hash_that_is_not_offered_is_refused(
    server: Server, store: Path, monkeypatch: pytest.MonkeyPatch, kind: object
) -> None:
    monkeypatch.setattr(digests, "_blake3", lambda: None)
    (store / "file").write_bytes(b"content")
    requests: list[tuple[Type, dict[str, object]]] = [
        (Type.PUT_OPEN, {"key": "new", "size": 5, "chunk": 65536, "upload": "1"}),
        (Type.GET_OPEN, {"key": "file"}),
        (Type.STAT, {"key": "file", "hash": True}),
        (Type.LIST, {"hash": True}),
        (Type.PACK_GET, {"keys": ["file"]}),
    ]
    with dealer(server.port) as peer:
        assert "blake3" not in hello(peer)["capabilities"]  # type: ignore[operator]  # a list, as asserted
        for number, payload in requests:
            head, told = ask(peer, number, {**payload, "hash_kind": kind})
            assert Type.ERROR == head.type
            assert told["name"] in {"USAGE", "PROTOCOL"}
    await works(server)


async def test_who_did_not_say_hello_gets_nothing(server: Server, store: Path) -> None:
    (store / "file").write_bytes(b"secret")
    with dealer(server.port) as peer:
        for kind in (Type.STAT, Type.GET_OPEN, Type.LIST, Type.DELETE, Type.PACK_GET):
            head, payload = ask(peer, kind, {"key": "file", "keys": ["file"]})
            assert Type.ERROR == head.type
            assert payload["gone"] is True

    assert (store / "file").exists()


async def test_a_client_of_version_1_is_told_what_it_needs(server: Server) -> None:
    with dealer(server.port) as peer:
        peer.send_multipart([b"", b"PING"])
        assert [b"", b"ERROR", b"needs flaxfile >= 2"] == peer.recv_multipart()

    assert 1 == server.stats()["version_1_peers"]


async def test_a_session_cannot_be_guessed_or_taken(server: Server) -> None:
    with dealer(server.port) as peer, dealer(server.port) as other:
        hello(peer)
        head, _ = ask(other, Type.HELLO, {"versions": [2], "session": "00" * 16})
        assert Type.ERROR == head.type
        opening: dict[str, object] = {"key": "file", "size": 100, "chunk": 65536, "upload": "1"}
        ready, _ = ask(peer, Type.PUT_OPEN, opening)
        assert Type.PUT_READY == ready.type
        hello(other)
        head, _ = ask(other, Type.PUT_COMMIT, {"root": "0" * 32}, transfer=ready.transfer)
        assert Type.ERROR == head.type
        other.send_multipart(data(ready.transfer, 0, b"x" * 100))
        head, _ = answer(other)
        assert (Type.ERROR, ready.transfer) == (head.type, head.transfer)


def data(transfer: int, offset: int, payload: bytes, length: int | None = None) -> list[bytes]:
    header = Header(
        Type.DATA,
        transfer=transfer,
        offset=offset,
        length=len(payload) if length is None else length,
        hash=xxh3_64(payload),
    )
    check = xxh3_64(encode_header(header)) & 0xFFFFFFFF
    return [encode_header(header._replace(request=check)), payload]


async def test_chunks_that_do_not_fit_are_never_written(server: Server, store: Path) -> None:
    with dealer(server.port) as peer:
        hello(peer)
        opening: dict[str, object] = {"key": "file", "size": 100_000, "chunk": 65536, "upload": "1"}
        ready, _ = ask(peer, Type.PUT_OPEN, opening)
        whole = os.urandom(100_000)
        good = data(ready.transfer, 0, whole[:65536])
        for bad in (
            data(ready.transfer, 65536, whole[:65536]),  # longer than the file
            data(ready.transfer, 1, whole[:65536]),  # not at a chunk
            data(ready.transfer, 1 << 63, whole[:65536]),
            data(ready.transfer, 0, whole[:65535]),
            data(ready.transfer, 0, whole[:65536], length=1 << 31),
            [good[0], whole[1:65537]],  # other bytes than the hash says
            [good[0]],
            [good[0], good[1], b"more"],
        ):
            peer.send_multipart(bad)
        head, payload = ask(peer, Type.PUT_COMMIT, {"root": "0" * 32}, transfer=ready.transfer)
        while head.type == Type.NAK or (head.type == Type.ERROR and head.request == 0):
            head, payload = answer(peer)
        assert "has not arrived" in str(payload["message"])

    assert not (store / "file").exists()
    await works(server)


async def test_a_root_that_does_not_fit_publishes_nothing(server: Server, store: Path) -> None:
    with dealer(server.port) as peer:
        hello(peer)
        opening: dict[str, object] = {"key": "file", "size": 100, "chunk": 65536, "upload": "1"}
        ready, _ = ask(peer, Type.PUT_OPEN, opening)
        peer.send_multipart(data(ready.transfer, 0, b"x" * 100))
        assert Type.ACK == peer_type(peer)
        head, payload = ask(peer, Type.PUT_COMMIT, {"root": "0" * 32}, transfer=ready.transfer)

    assert (Type.ERROR, "INTEGRITY") == (head.type, payload["name"])
    assert not (store / "file").exists()


def peer_type(peer: zmq.Socket[bytes]) -> int:
    frames = peer.recv_multipart()
    assert HEADER_SIZE == len(frames[0])
    return frames[0][2]


async def test_a_client_has_a_bounded_number_of_transfers(server: Server) -> None:
    with dealer(server.port) as peer:
        hello(peer)
        types = []
        for number in range(MAX_TRANSFERS + 5):
            opening: dict[str, object] = {"key": "file", "size": 1, "chunk": 65536, "upload": str(number)}
            head, payload = ask(peer, Type.PUT_OPEN, opening)
            types.append(head.type)
            assert head.type == Type.PUT_READY or payload["name"] == "LIMIT"

    assert [Type.ERROR] * 5 == types[MAX_TRANSFERS:]


async def test_the_number_of_clients_is_bounded(store: Path) -> None:
    async with Server("127.0.0.1", 0, store, max_clients=2) as server:
        first, second, third = (AsyncClient("127.0.0.1", server.port) for _ in range(3))
        await first.connect()
        await second.connect()
        with pytest.raises(LimitError, match="2 clients"):
            await third.connect()
        await first.close()
        await asyncio.sleep(0.1)
        await third.connect()
        await second.close()
        await third.close()


async def test_credit_for_more_than_there_is_costs_no_memory(server: Server, store: Path) -> None:
    with (store / "file").open("wb") as file:
        file.write(os.urandom(MIB) * 256)
    before = resident_bytes()
    with dealer(server.port) as peer:
        peer.rcvhwm = 1
        hello(peer)
        ready, _ = ask(peer, Type.GET_OPEN, {"key": "file", "chunk": MIB})
        header = Header(Type.CREDIT, transfer=ready.transfer, length=256)
        check = xxh3_64(encode_header(header)) & 0xFFFFFFFF
        for _ in range(500):
            peer.send_multipart([encode_header(header._replace(request=check))])
        await asyncio.sleep(0.5)
        grown = resident_bytes() - before

    assert grown < 200 * MIB
    await works(server)


async def test_another_password_gets_nothing_and_leaves_no_client(store: Path) -> None:
    async with Server("127.0.0.1", 0, store, "the right password") as server:
        for password in ("the wrong password", None):
            with pytest.raises(AuthError):
                await AsyncClient("127.0.0.1", server.port, password).connect()
        assert 0 == server.stats()["clients"]
        async with AsyncClient("127.0.0.1", server.port, "the right password") as client:
            await client.upload(b"x", "file")


async def test_handshakes_that_fail_are_counted_and_told_now_and_then(
    store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Server("127.0.0.1", 0, store, password="that of the server") as server:  # noqa: S106
        assert server.stats()["failed_handshakes"] == 0
        for password in ("another password", None):
            with pytest.raises(AuthError):
                await AsyncClient("127.0.0.1", server.port, password).connect()
        for _ in range(100):
            if server.stats()["failed_handshakes"] >= 2:
                break
            await asyncio.sleep(0.05)
        assert server.stats()["failed_handshakes"] >= 2
        async with AsyncClient("127.0.0.1", server.port, "that of the server") as client:
            assert await client.ping() > 0
    told = [line for line in caplog.messages if "handshakes failed" in line]
    assert len(told) == 1


async def test_keys_of_a_client_are_bounded_by_its_line(store: Path, tmp_path: Path) -> None:
    from flaxfile.security.keys import format_key, keygen, load_identity  # noqa: PLC0415

    folder = tmp_path / "keys"
    server_keys, client_keys = keygen(folder)
    del server_keys
    lines = tmp_path / "authorized"
    lines.write_text(f"reader {format_key(client_keys.public)} ro prefix=shared\n")
    identity = load_identity(folder / "client.key")
    async with Server("127.0.0.1", 0, store, authorized=lines, server_key=folder / "server.key") as server:
        for name in ("shared/file", "private"):
            path = store / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"content")
        async with AsyncClient("127.0.0.1", server.port, identity=identity) as client:
            assert ["shared/file"] == [entry.key async for entry in client.list()]
            assert 7 == (await client.stat("shared/file")).size
            for work in (
                client.stat("private"),
                client.download("private", bytearray(10)),
                client.upload(b"", "shared/new"),
                client.delete("shared/file"),
            ):
                with pytest.raises(AuthError):
                    await work
            answers = [entry async for _, entry, _ in client.download_small(["private", "shared/file"])]
            assert isinstance(answers[0], FlaxError)
        async with AsyncClient("127.0.0.1", server.port, identity=str(folder / "client.key")) as client:
            assert 7 == (await client.stat("shared/file")).size
        with pytest.raises(NotFoundError, match="gone"):
            await AsyncClient("127.0.0.1", server.port, identity=folder / "gone").connect()
