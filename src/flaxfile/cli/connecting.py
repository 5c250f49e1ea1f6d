"""From flags, environment and configuration to a connected client."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flaxfile.cli.signals import ask
from flaxfile.config import load, password_from, resolve, state_folder
from flaxfile.errors import AuthError, UsageError
from flaxfile.texts import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncGenerator

    from flaxfile.cli.output import Output
    from flaxfile.client.async_client import AsyncClient
    from flaxfile.client.link import Link
    from flaxfile.config import Config, Target
    from flaxfile.security.crypto import Identity

__all__ = ["Reach", "connected", "reach_of", "settings_of"]


def _identity(target: Target, arguments: argparse.Namespace, output: Output) -> Identity | None:
    """What to show to the server: keys from a file or from a password, or nothing."""
    named = arguments.identity
    password = password_from(
        os.environ, given=arguments.password, file=arguments.password_file, variable=arguments.password_env
    )
    if arguments.password is not None:
        output.warn(say("--password is visible to everybody on this machine; use FLAXFILE_PASSWORD"))
    explicit = arguments.password is not None or arguments.password_file or arguments.password_env
    if named is not None and explicit:
        raise UsageError("a password and an identity cannot both be shown", hint="leave one of them out")
    path = named or (None if explicit else target.identity)
    if path is None:
        if password is None:
            return None
        from flaxfile.security.crypto import identity_from_password  # noqa: PLC0415

        return identity_from_password(password, target.realm)
    from flaxfile.security.keys import load_identity  # noqa: PLC0415

    identity = load_identity(Path(path).expanduser())
    _check_pin(target, identity, arguments, output)
    return identity


def _check_pin(target: Target, identity: Identity, arguments: argparse.Namespace, output: Output) -> None:
    """A server with a key file has to have the key it had before."""
    from flaxfile.security.pins import (  # noqa: PLC0415
        KNOWN_SERVERS,
        KnownServers,
        check_fingerprint,
        fingerprint,
    )

    found = fingerprint(identity.server_public)
    if target.fingerprint is not None:
        check_fingerprint(target.address, identity.server_public, target.fingerprint, "flaxfile.toml")
        return
    known = KnownServers(state_folder(os.environ) / KNOWN_SERVERS)
    if known.check(target.address, identity.server_public):
        return
    if not arguments.accept_new:
        if not (sys.stdin.isatty() and output.terminal):
            raise AuthError(
                f"{target.address} was never met; its key is said to be {found}",
                hint=f"compare it with its owner, then: flaxfile trust {target.address} {found}",
            )
        output.note(say("{address} was never met. Its key is {pin}", address=target.address, pin=found))
        if not ask(say("Trust it? [y/N] "), output):
            raise AuthError(f"{target.address} is not trusted")
    known.trust(target.address, found)


def settings_of(arguments: argparse.Namespace) -> tuple[Config, Target]:
    """The configuration, and the server that is meant."""
    config = load(Path(arguments.config) if arguments.config else None)
    return config, resolve(config, arguments.server)


class Reach(NamedTuple):
    """How the server that is meant is reached, and what is asked of the client."""

    host: str
    port: int
    identity: Identity | None
    connections: int | None
    window: int
    connect_timeout: float
    idle_timeout: float
    retries: int
    bwlimit: float | None
    hash_kind: str


def reach_of(arguments: argparse.Namespace, output: Output) -> Reach:
    """All of that; asks whoever sits at the terminal whether a new server is to be trusted."""
    config, target = settings_of(arguments)
    asked = getattr(arguments, "hash_kind", None)
    compares = asked is not None or getattr(arguments, "compares", False)
    return Reach(
        host=target.host,
        port=target.port,
        identity=_identity(target, arguments, output),
        connections=getattr(arguments, "connections", None),
        window=config.client.window,
        connect_timeout=arguments.connect_timeout or config.client.connect_timeout,
        idle_timeout=arguments.timeout or config.client.idle_timeout,
        retries=config.client.retries if arguments.max_retries is None else arguments.max_retries,
        bwlimit=arguments.bwlimit,
        # A command that compares nothing works with every server.
        hash_kind=asked or (config.client.hash if compares else "xxh3"),
    )


@contextlib.asynccontextmanager
async def connected(way: Reach, link: Link | None = None) -> AsyncGenerator[AsyncClient]:
    """A client that talks to the server that is meant, by the ``link`` if there is one already."""
    from flaxfile.client.async_client import AsyncClient  # noqa: PLC0415 - needs pyzmq

    client = AsyncClient(
        way.host,
        way.port,
        identity=way.identity,
        num_connections=way.connections,
        window=way.window,
        connect_timeout=way.connect_timeout,
        idle_timeout=way.idle_timeout,
        retries=way.retries,
        bwlimit=way.bwlimit,
        hash=way.hash_kind,
    )
    if link is not None:
        client.adopt(link)
    async with client:
        yield client
