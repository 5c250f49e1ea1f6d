"""Where the list of name servers comes from: a fixed list, DNS, an HTTP address service, the environment.

A source only says what the list is now; when it is asked, and what happens after a change, is decided by
``NameServers``.
"""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

from pyrocketmq.errors import ConfigurationError, NoNameServerError
from pyrocketmq.transport.utils import format_address, parse_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

__all__ = [
    "ENVIRONMENT_VARIABLE",
    "HttpSource",
    "ListSource",
    "NameServerAddress",
    "NameServerSource",
    "parse_name_servers",
    "source_of",
]

ENVIRONMENT_VARIABLE: Final = "NAMESRV_ADDR"
"""The variable that every RocketMQ client reads."""

DEFAULT_PORT: Final = 9876
RESOLVE_TIMEOUT_S: Final = 5.0

_HOST: Final = re.compile(r"[0-9A-Za-z._:%-]+")


class NameServerAddress(NamedTuple):
    """One name server: where it is, and the host name it was found by, which a certificate is for."""

    address: str
    host_name: str | None = None


class NameServerSource(Protocol):
    """What ``NameServers`` asks for the list."""

    @property
    def interval(self) -> float | None:
        """Seconds until the list may have changed; None: it never does."""
        ...

    async def addresses(self) -> Sequence[NameServerAddress]:
        """The list as it is now.

        Raises:
            NoNameServerError: it cannot be had at the moment.
        """
        ...


def parse_name_servers(text: str) -> list[str]:
    """The addresses of ``a:9876;b:9876``; blanks and a leading ``http://`` are dropped, commas taken too.

    Raises:
        ConfigurationError: an entry is no address, or there is none.
    """
    found: list[str] = []
    for entry in text.replace(",", ";").split(";"):
        address = entry.strip().removeprefix("http://").removeprefix("https://").rstrip("/")
        if address:
            host, port = parse_address(address, DEFAULT_PORT)
            if not _HOST.fullmatch(host):
                raise ConfigurationError(
                    f"the name-server list has {entry.strip()[:80]!r}, which is no address",
                    field="namesrv_addr",
                    advice="write host:port, several with semicolons between them",
                )
            address = format_address(host, port)
            if address not in found:
                found.append(address)
    if not found:
        raise ConfigurationError(
            f"the name-server list {text!r} has no address",
            field="namesrv_addr",
            advice="write host:port, several with semicolons between them, for example a:9876;b:9876",
        )
    return found


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


class ListSource:
    """A list of addresses. Host names stand for all of their addresses and are resolved again and again.

    When a name cannot be resolved, the addresses that it had before stay. A name of this machine alone, such
    as ``localhost``, and a name that ``is_mapped`` knows stay as they are.

    Args:
        addresses: ``a:9876;b:9876``, or the same as an iterable.
        interval: seconds until names are resolved again.
        is_mapped: true for an address that is replaced when it is connected to, see ``address_map``.
        resolve: finds the addresses of a host; tests give their own.
    """

    def __init__(
        self,
        addresses: str | Iterable[str],
        *,
        interval: float = 30.0,
        is_mapped: Callable[[str], bool] = lambda _: False,
        resolve: Callable[[str, int], Awaitable[Sequence[str]]] = _resolve,
    ) -> None:
        text = addresses if isinstance(addresses, str) else ";".join(addresses)
        self._given = parse_name_servers(text)
        self._interval = _checked_interval(interval)
        self._is_mapped = is_mapped
        self._resolve = resolve
        self._known: dict[str, list[NameServerAddress]] = {}

    def __repr__(self) -> str:
        return f"ListSource({';'.join(self._given)!r})"

    @property
    def interval(self) -> float | None:
        """Seconds until the names are resolved again; None without any name."""
        return self._interval if any(self._is_name(address) for address in self._given) else None

    async def addresses(self) -> Sequence[NameServerAddress]:
        """The list, every name replaced by what it resolves to now."""
        parts = await asyncio.gather(*(self._expand(address) for address in self._given))
        found = dict.fromkeys(address for part in parts for address in part)
        return list(found)

    def _is_name(self, address: str) -> bool:
        return not _is_ip(parse_address(address)[0]) and not self._is_mapped(address)

    async def _expand(self, address: str) -> list[NameServerAddress]:
        if not self._is_name(address):
            return [NameServerAddress(address)]
        host, port = parse_address(address)
        found: Sequence[str]
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                found = await self._resolve(host, port)
        except OSError:  # a TimeoutError is one too
            found = ()
        if found and all(ipaddress.ip_address(ip.partition("%")[0]).is_loopback for ip in found):
            return [NameServerAddress(address)]
        if found:
            self._known[address] = [NameServerAddress(format_address(ip, port), host) for ip in found]
        # A name that was never resolved is tried as it is: the connection then says what is wrong with it.
        return self._known.get(address) or [NameServerAddress(address)]


class HttpSource:
    """An HTTP address service: a page whose text is ``a:9876;b:9876``.

    Args:
        url: for example ``http://config.internal:8080/rocketmq/nsaddr``.
        interval: seconds until it is asked again.
        timeout: seconds for the connection and for each wait for data.
        max_bytes: a longer page is refused.
    """

    def __init__(
        self, url: str, *, interval: float = 120.0, timeout: float = 3.0, max_bytes: int = 64 * 1024
    ) -> None:
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(
                f"the address service {url!r} is no http or https URL",
                field="namesrv_addr",
                advice="write it as in http://config.internal:8080/rocketmq/nsaddr",
            )
        self.url = url.strip()
        self._interval = _checked_interval(interval)
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._parts = parts

    def __repr__(self) -> str:
        return f"HttpSource({self.url!r})"

    @property
    def interval(self) -> float | None:
        """Seconds until the page is asked for again."""
        return self._interval

    async def addresses(self) -> Sequence[NameServerAddress]:
        """What the page says now."""
        try:
            text = await asyncio.to_thread(self._fetch)
            return [NameServerAddress(address) for address in parse_name_servers(text)]
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "what", None) or str(error) or type(error).__name__
            raise NoNameServerError(
                f"the address service {self.url} gives no list: {reason}",
                advice="open the URL in a browser; it has to give addresses as in a:9876;b:9876",
            ) from error

    def _fetch(self) -> str:
        parts = self._parts
        assert parts.hostname is not None  # noqa: S101
        connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = connect(parts.hostname, parts.port, timeout=self._timeout)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", path, headers={"Accept": "text/plain"})
            # After HTTP/1.0 the response has the socket, so both are closed.
            with connection.getresponse() as response:
                page = response.read(self._max_bytes + 1)
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise ValueError(f"status {response.status} {response.reason}")
        if len(page) > self._max_bytes:
            raise ValueError(f"the page is longer than {self._max_bytes:,} bytes")
        return page.decode("utf-8", "replace")


def source_of(
    given: NameServerSource | str | Iterable[str] | None,
    *,
    is_mapped: Callable[[str], bool] = lambda _: False,
    environ: Mapping[str, str] | None = None,
) -> NameServerSource:
    """The source that an argument ``namesrv_addr`` means.

    Args:
        given: a source as it is; ``a:9876;b:9876`` or an iterable of addresses; the URL of an address service
            (a URL with a path); None for the environment variable NAMESRV_ADDR, which holds the same texts.
        is_mapped: see ``ListSource``.
        environ: the environment; that of the process by default.

    Raises:
        ConfigurationError: it is no list and no URL, or the variable is not set.
    """
    if given is None:
        given = (os.environ if environ is None else environ).get(ENVIRONMENT_VARIABLE, "").strip()
        if not given:
            raise ConfigurationError(
                f"no name server is given, and {ENVIRONMENT_VARIABLE} is not set",
                field="namesrv_addr",
                advice="give host:port of a name server, usually port 9876",
            )
    if isinstance(given, str):
        parts = urlsplit(given.strip())
        if parts.scheme in ("http", "https") and parts.path.strip("/") and ";" not in given:
            return HttpSource(given)
        return ListSource(given, is_mapped=is_mapped)
    if isinstance(given, Iterable):
        return ListSource(given, is_mapped=is_mapped)
    return given


def _checked_interval(interval: float) -> float:
    if not 0 < interval <= 86400:
        raise ConfigurationError(
            f"interval is {interval!r}, it must be > 0 and at most 86400 seconds",
            field="interval",
            advice="leave it out to use its default",
        )
    return interval


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
