"""Finds out what a port speaks when it does not speak RocketMQ. Opens short connections of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["Kind", "Seen", "fetch_certificate", "sniff"]

_HTTP2_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
_HTTP_REQUEST: Final = b"GET / HTTP/1.0\r\nHost: doctor\r\n\r\n"
_SETTINGS_FRAME: Final = 4


class Kind(Enum):
    """What a port speaks, as a person would say it."""

    GRPC = "HTTP/2, as a gRPC port does"
    GRPC_TLS = "HTTP/2 in TLS, as a gRPC port does"
    HTTP = "HTTP"
    HTTPS = "HTTP in TLS"
    TLS = "TLS"
    OTHER = "some other protocol"
    SILENT = "nothing"
    CLOSED = "nothing; it closes every connection"


class Seen(NamedTuple):
    """What a port speaks, with the beginning of what it said."""

    kind: Kind
    said: bytes = b""


async def sniff(host: str, port: int, seconds: float = 1.5) -> Seen:
    """Try the protocols that people mistake for RocketMQ's, the likeliest first.

    Args:
        host: where it is.
        port: where it is.
        seconds: the wait for each of the tries.
    """
    tls = await _try_tls(host, port, seconds)
    if tls is not None:
        return tls
    said = await _say(host, port, _HTTP2_PREFACE, seconds)
    if _is_http2(said):
        return Seen(Kind.GRPC)
    if said is None or not said:
        said = await _say(host, port, _HTTP_REQUEST, seconds) or said
    if said is not None and said.startswith(b"HTTP/"):
        return Seen(Kind.HTTP, said.split(b"\r\n", 1)[0][:80])
    if said:
        return Seen(Kind.OTHER, said[:40])
    return Seen(Kind.CLOSED if said is not None else Kind.SILENT)


async def fetch_certificate(host: str, port: int, server_name: str, seconds: float = 1.5) -> bytes | None:
    """The certificate of a TLS server in DER form, whoever signed it; None if it has none to show."""
    with contextlib.suppress(OSError, TimeoutError):
        async with _tls_connection(host, port, server_name, seconds) as (_, writer):
            tls = writer.get_extra_info("ssl_object")
            der: bytes | None = tls.getpeercert(binary_form=True) if tls else None
            return der
    return None


def _is_http2(said: bytes | None) -> bool:
    """A server begins with a SETTINGS frame on stream 0, whose pairs have six bytes each."""
    return (
        said is not None
        and len(said) >= 9
        and said[3] == _SETTINGS_FRAME
        and int.from_bytes(said[:3], "big") % 6 == 0
        and said[5:9] == bytes(4)
    )


async def _try_tls(host: str, port: int, seconds: float) -> Seen | None:
    try:
        async with _tls_connection(host, port, host, seconds) as (reader, writer):
            if writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
                return Seen(Kind.GRPC_TLS)
            writer.write(_HTTP_REQUEST)
            said = await _read(reader, seconds)
            if said and said.startswith(b"HTTP/"):
                return Seen(Kind.HTTPS, said.split(b"\r\n", 1)[0][:80])
            return Seen(Kind.TLS)
    except ssl.SSLError as error:
        # Only a TLS server sends alerts: this one wants a certificate, or another release of TLS.
        return Seen(Kind.TLS) if "ALERT" in (error.reason or "") else None
    except (OSError, TimeoutError):
        return None


@contextlib.asynccontextmanager
async def _tls_connection(
    host: str, port: int, server_name: str, seconds: float
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent that is worth protecting
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=server_name)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _say(host: str, port: int, words: bytes, seconds: float) -> bytes | None:
    """What a server answers; empty if it closes the connection, None if it keeps still."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return None
    try:
        writer.write(words)
        return await _read(reader, seconds)
    finally:
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader, seconds: float) -> bytes | None:
    try:
        async with asyncio.timeout(seconds):
            return await reader.read(512)
    except TimeoutError:
        return None
    except OSError:
        return b""
