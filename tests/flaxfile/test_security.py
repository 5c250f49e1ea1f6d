"""Keys, pins and the judge of clients: who gets in, who does not, and what is said about it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from flaxfile import libzmq
from flaxfile.errors import AuthError, ConflictError, ConnectError, FlaxError, NotFoundError, UsageError
from flaxfile.security.crypto import derive, identity_from_password
from flaxfile.security.keys import format_key, keygen, load_identity, load_keys, parse_key
from flaxfile.security.monitor import HandshakeJudge
from flaxfile.security.pins import KnownServers, check_fingerprint, fingerprint, parse_fingerprint
from flaxfile.security.zap import Permission, authenticator, parse_authorized

PASSWORD = "a long password"  # noqa: S105
POSIX = sys.platform != "win32"


def test_both_sides_of_a_password_get_keys_that_fit() -> None:
    server = authenticator(password=PASSWORD)
    client = identity_from_password("a long password")

    keys = server.curve_server_keys()
    assert keys is not None
    assert keys[0] == client.server_public
    assert server.permit(client.client_public) == Permission("password")
    assert client.client_secret != keys[1]


def test_another_password_or_realm_gives_other_keys() -> None:
    server = authenticator(password=PASSWORD)

    assert server.permit(identity_from_password("another password").client_public) is None
    assert derive("a long password", "here") != derive("a long password", "there")
    assert derive("a long password", "here") != derive("a long password")


def test_the_derivation_stays_what_it_is() -> None:
    """Clients of one release and servers of another have to find the same keys."""
    keys = derive("correct horse battery staple", "docs")

    assert fingerprint(keys.server.public) == "ff2:awhgkvpw2ejb4uzrm4lmwiukag"
    assert (
        format_key(keys.client.public) == "4c68488e2b88ba7567105acde3e439ee09d7daefc2fc08a44d291fadfcd41b33"
    )


def test_no_text_of_keys_shows_the_secret(tmp_path: Path) -> None:
    keys = derive("a long password")
    keygen(tmp_path)

    for thing in (keys, identity_from_password("a long password"), load_identity(tmp_path / "client.key")):
        secret = keys.client.secret if thing is not keys else keys.server.secret
        assert repr(secret) not in repr(thing)
        assert "secret" not in repr(thing)


def test_key_files_of_one_folder_fit_together(tmp_path: Path) -> None:
    server, client = keygen(tmp_path / "keys")
    identity = load_identity(tmp_path / "keys" / "client.key")

    assert load_keys(tmp_path / "keys" / "server.key") == server
    assert (identity.client_public, identity.client_secret) == (client.public, client.secret)
    assert server is not None
    assert identity.server_public == server.public
    if POSIX:
        assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}


def test_a_client_of_a_known_server_gets_a_file_of_its_own(tmp_path: Path) -> None:
    server, _ = keygen(tmp_path / "there")
    assert server is not None

    assert keygen(tmp_path / "here", server.public)[0] is None

    assert load_identity(tmp_path / "here" / "client.key").server_public == server.public
    assert not (tmp_path / "here" / "server.key").exists()


def test_keys_that_are_there_are_never_overwritten(tmp_path: Path) -> None:
    keygen(tmp_path)
    before = (tmp_path / "server.key").read_bytes()

    with pytest.raises(ConflictError, match=r"server\.key is there already"):
        keygen(tmp_path)
    assert (tmp_path / "server.key").read_bytes() == before


@pytest.mark.skipif(not POSIX, reason="modes are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    keygen(tmp_path)
    (tmp_path / "server.key").chmod(mode)

    with pytest.raises(UsageError) as caught:
        load_keys(tmp_path / "server.key")
    assert "chmod 600" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no secret-key"),
        ("secret-key xyz", "line 1: this is no key"),
        ("what is this", "line 1: this is no line"),
        (f"secret-key {'11' * 32}\npublic-key {'22' * 32}", "does not belong"),
    ],
)
def test_what_is_no_key_file_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "some.key"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(UsageError, match=message):
        load_keys(path)
    with pytest.raises(NotFoundError):
        load_keys(tmp_path / "none.key")


def test_a_key_may_also_be_written_as_zeromq_writes_it() -> None:
    public, _ = zmq.curve_keypair()

    assert format_key(parse_key(public.decode())) == parse_key(public.decode()).hex()


def test_only_listed_clients_come_in_with_what_the_list_says(tmp_path: Path) -> None:
    server, first = keygen(tmp_path / "1")
    _, second = keygen(tmp_path / "2")
    _, stranger = keygen(tmp_path / "3")
    clients = tmp_path / "authorized_clients"
    clients.write_text(
        f"# who may come in\nann {format_key(first.public)}\n"
        f"bob {format_key(second.public)} ro prefix=public/docs\n"
    )
    judge = authenticator(server_key=tmp_path / "1" / "server.key", authorized_clients=clients)

    assert server is not None
    assert judge.curve_server_keys() == (server.public, server.secret)
    assert judge.permit(first.public) == Permission("ann")
    assert judge.permit(second.public) == Permission("bob", read_only=True, prefix="public/docs")
    assert judge.permit(stranger.public) is None


def test_the_list_of_clients_is_read_again_when_it_changes(tmp_path: Path) -> None:
    _, first = keygen(tmp_path / "1")
    clients = tmp_path / "authorized_clients"
    clients.write_text("")
    judge = authenticator(server_key=tmp_path / "1" / "server.key", authorized_clients=clients)
    assert judge.permit(first.public) is None

    clients.write_text(f"ann {format_key(first.public)}\n")
    assert judge.permit(first.public) == Permission("ann")
    clients.write_text("ann broken\n")
    assert judge.permit(first.public) == Permission("ann")
    clients.unlink()
    assert judge.permit(first.public) is None


def test_a_read_only_server_lets_nobody_write(tmp_path: Path) -> None:
    _, first = keygen(tmp_path)
    clients = tmp_path / "clients"
    clients.write_text(f"ann {format_key(first.public)} rw\n")

    listed = authenticator(server_key=tmp_path / "server.key", authorized_clients=clients, read_only=True)
    assert listed.permit(first.public) == Permission("ann", read_only=True)
    for judge in (authenticator(read_only=True), authenticator(password="x" * 12, read_only=True)):
        found = judge.permit(identity_from_password("x" * 12).client_public)
        assert found is not None
        assert found.read_only


@pytest.mark.parametrize(
    ("key", "covered"),
    [("docs", True), ("docs/a", True), ("docs2", False), ("do", False), ("", False), ("a/docs", False)],
)
def test_a_prefix_covers_whole_names_only(key: str, covered: bool) -> None:
    assert Permission("x", prefix="docs").covers(key) is covered
    assert Permission("x").covers(key)


@pytest.mark.parametrize(
    ("line", "message"),
    [("ann", "a name and a public key"), ("ann k", "line 1: this is no key"), (f"a {'1' * 64} rx", "'rx'")],
)
def test_a_bad_line_of_the_list_is_named(line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_authorized(line, "clients")


def test_one_key_cannot_have_two_names() -> None:
    with pytest.raises(UsageError, match="belongs to 'a'"):
        parse_authorized(f"a {'1' * 64}\nb {'1' * 64}", "clients")


def test_settings_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    keygen(tmp_path)
    for settings in (
        {"password": "x", "server_key": tmp_path / "server.key"},
        {"server_key": tmp_path / "server.key"},
        {"authorized_clients": tmp_path / "clients"},
    ):
        with pytest.raises(UsageError):
            authenticator(**settings)


def test_a_pinned_server_with_another_key_is_an_error_that_names_both(tmp_path: Path) -> None:
    pins = KnownServers(tmp_path / "deep" / "known_servers")
    assert not pins.check("h:1", b"a" * 32)

    pins.trust("h:1", fingerprint(b"a" * 32))
    pins.trust("h:2", fingerprint(b"b" * 32))

    assert pins.check("h:1", b"a" * 32)
    with pytest.raises(AuthError) as caught:
        pins.check("h:1", b"b" * 32)
    assert fingerprint(b"a" * 32) in str(caught.value)
    assert fingerprint(b"b" * 32) in str(caught.value)
    pins.trust("h:1", fingerprint(b"b" * 32))
    assert pins.check("h:1", b"b" * 32)


def test_a_fingerprint_has_130_bits_of_the_key() -> None:
    text = fingerprint(os.urandom(32))

    assert len(text) == 30
    assert parse_fingerprint(f" {text.upper()} ") == text
    check_fingerprint("h:1", b"a" * 32, fingerprint(b"a" * 32), "the configuration")
    with pytest.raises(UsageError):
        parse_fingerprint(text[:-1])


def test_a_plain_client_that_is_hung_up_on_again_and_again_is_told_so() -> None:
    judge = HandshakeJudge("h:1", encrypted=False)
    for _ in range(3):
        assert not judge.hear(libzmq.HANDSHAKE_FAILED_NO_DETAIL, 32)

    with pytest.raises(AuthError, match="wants a password or a key"):
        judge.hear(libzmq.HANDSHAKE_FAILED_NO_DETAIL, 32)
    assert HandshakeJudge("h:1", encrypted=False).hear(libzmq.HANDSHAKE_SUCCEEDED, 0)


async def verdict(judge: HandshakeJudge, reports: zmq.asyncio.Socket, seconds: float) -> None:
    """Return when the connection is there; raise what is wrong otherwise."""
    try:
        async with asyncio.timeout(seconds):
            while not judge.hear(*libzmq.parse_report(await reports.recv_multipart())):
                pass
    except TimeoutError:
        raise judge.late(seconds) from None


@pytest.mark.parametrize(
    ("case", "kind", "words"),
    [
        ("good", None, ""),
        ("plain client", AuthError, "wants a password or a key"),
        ("plain server", AuthError, "takes plain connections only"),
        ("other password", AuthError, "another password or key"),
        ("nobody", ConnectError, "nobody listens"),
    ],
)
async def test_the_monitor_tells_at_once_why_a_connection_fails(
    case: str, kind: type[FlaxError] | None, words: str
) -> None:
    mine, other = derive("a long password"), derive("another password")
    with zmq.asyncio.Context() as context:
        router, dealer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
        router.linger = dealer.linger = 0
        if case != "plain server":
            router.curve_server = True
            router.curve_secretkey, router.curve_publickey = mine.server.secret, mine.server.public
        # Held, but nobody listens: a port that is free could be anybody's a moment later.
        held = socket.socket()
        if case == "nobody":
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
        else:
            port = router.bind_to_random_port("tcp://127.0.0.1")
        if case != "plain client":
            dealer.curve_serverkey = (other if case == "other password" else mine).server.public
            dealer.curve_secretkey, dealer.curve_publickey = mine.client.secret, mine.client.public
        judge = HandshakeJudge(f"127.0.0.1:{port}", encrypted=case != "plain client")
        reports = dealer.get_monitor_socket()
        dealer.connect(f"tcp://127.0.0.1:{port}")
        try:
            if kind is None:
                await verdict(judge, reports, 10)
            else:
                with pytest.raises(kind, match=words):
                    await verdict(judge, reports, 0.3 if case == "nobody" else 10)
        finally:
            dealer.disable_monitor()
            reports.close(0)
            dealer.close()
            router.close()
            held.close()
