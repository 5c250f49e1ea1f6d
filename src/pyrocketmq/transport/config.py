"""TransportConfig: where a connection goes, and what it may cost in time and memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, fields, replace
from typing import Any, Final, Literal, Self, cast

from pyrocketmq._native.frame import BROKER_MAX_FRAME_BYTES
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.transport.tls import TlsConfig
from pyrocketmq.transport.utils import format_address, parse_address

__all__ = ["TransportConfig"]

AddressMap = Mapping[str, str] | Callable[[str], str]


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """Settings of one connection. All durations are seconds, all sizes bytes."""

    host: str = "localhost"
    """Name or address of the server; all addresses behind a name are tried."""
    port: int = 8080
    """TCP port, 1 to 65535. A name server usually has 9876, a broker 10911."""
    timeout: float = 30.0
    """The wait for one answer, unless the call has a time-out of its own."""
    _: KW_ONLY
    connect_timeout: float = 3.0
    """One deadline for finding the host, trying its addresses and the TLS handshake."""
    header_codec: Literal["json", "binary"] = "json"
    """How request headers are written. All servers take JSON; binary costs half and cannot hold pop codes."""
    max_frame_bytes: int = BROKER_MAX_FRAME_BYTES
    """Larger frames are neither sent nor taken; 16 MiB is what brokers take."""
    write_buffer_bytes: int = 4 * 1024 * 1024
    """What may wait for the server to read it; beyond that, requests wait or are refused."""
    keep_alive: bool = True
    """TCP keep-alive, so that a peer that vanished is noticed while the connection is idle."""
    keep_alive_idle: float = 15.0
    """Silence before the first keep-alive probe, whole seconds."""
    keep_alive_interval: float = 5.0
    """Time between keep-alive probes, whole seconds."""
    keep_alive_count: int = 3
    """Unanswered probes after which the connection is given up."""
    user_timeout: float | None = 3.0
    """How long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT, Linux); None: the system's default."""
    probe_timeout: float = 1.5
    """The wait for an answer to each of two probes, sent after a request has timed out in silence."""
    idle_probe: float = 60.0
    """Silence in both directions before a probe; servers close a connection that is idle for 120 seconds."""
    reconnect_min: float = 0.05
    """Shortest wait before a server is tried again."""
    reconnect_max: float = 30.0
    """Longest wait before a server is tried again; the waits grow, with full jitter."""
    close_timeout: float = 2.0
    """How long closing waits for written bytes to leave."""
    tls: TlsConfig | None = None
    """TLS settings; None connects in plain TCP."""
    announced_as: str | None = None
    """The broker that announces this address, for error texts."""
    address_map: AddressMap | None = None
    """Where to connect in place of an announced ``host:port``, for NAT and Docker: mapping or function."""

    def __post_init__(self) -> None:
        """Refuse every value that cannot work."""
        self._check_kinds()
        _check(bool(self.host.strip()), "host", self.host, "must not be empty")
        _check(1 <= self.port <= 65535, "port", self.port, "must be 1 to 65535")
        for name in ("timeout", "connect_timeout", "close_timeout", "probe_timeout", "idle_probe"):
            value = getattr(self, name)
            _check(0 < value <= 86400, name, value, "must be > 0 and at most 86400 seconds")
        _check(
            self.header_codec in ("json", "binary"),
            "header_codec",
            self.header_codec,
            "must be 'json' or 'binary'",
        )
        _check(
            1024 <= self.max_frame_bytes <= 2**31 - 1,
            "max_frame_bytes",
            self.max_frame_bytes,
            "must be 1,024 to 2,147,483,647 bytes",
        )
        _check(
            1024 <= self.write_buffer_bytes <= 2**31 - 1,
            "write_buffer_bytes",
            self.write_buffer_bytes,
            "must be 1,024 to 2,147,483,647 bytes",
        )
        for name in ("keep_alive_idle", "keep_alive_interval"):
            value = getattr(self, name)
            _check(1 <= value <= 32767, name, value, "must be 1 to 32,767 seconds")
        _check(
            1 <= self.keep_alive_count <= 127, "keep_alive_count", self.keep_alive_count, "must be 1 to 127"
        )
        _check(
            self.user_timeout is None or 0.1 <= self.user_timeout <= 86400,
            "user_timeout",
            self.user_timeout,
            "must be 0.1 to 86400 seconds, or None",
        )
        _check(
            0 < self.reconnect_min <= 3600,
            "reconnect_min",
            self.reconnect_min,
            "must be > 0 and at most 3600 seconds",
        )
        _check(
            self.reconnect_min <= self.reconnect_max <= 3600,
            "reconnect_max",
            self.reconnect_max,
            f"must be reconnect_min ({self.reconnect_min:g}) to 3600 seconds",
        )
        if self.address_map is not None and not callable(self.address_map):
            for announced, mapped in self.address_map.items():
                parse_address(announced)
                parse_address(mapped)

    def _check_kinds(self) -> None:
        for name, kinds in _KINDS.items():
            value = getattr(self, name)
            wrong = not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)
            _check(not wrong, name, value, f"must be {' or '.join(kind.__name__ for kind in kinds)}")
        tls, mapping = cast("tuple[object, object]", (self.tls, self.address_map))
        _check(tls is None or isinstance(tls, TlsConfig), "tls", tls, "must be a TlsConfig or None")
        _check(
            mapping is None or isinstance(mapping, Mapping) or callable(mapping),
            "address_map",
            self.address_map and type(self.address_map).__name__,
            "must be a mapping of 'host:port' to 'host:port', a function, or None",
        )

    @property
    def address(self) -> str:
        """The server as ``host:port``, before ``address_map``."""
        return format_address(self.host, self.port)

    @property
    def target(self) -> tuple[str, int]:
        """Host and port to connect to, after ``address_map``."""
        if self.address_map is None:
            return self.host, self.port
        if callable(self.address_map):
            return parse_address(self.address_map(self.address))
        return parse_address(self.address_map.get(self.address, self.address))

    @classmethod
    def from_address(cls, address: str, **changes: Any) -> Self:
        """The settings for ``host:port``, with other fields by keyword."""
        host, port = parse_address(address)
        return cls(host, port).replace(**changes)

    @classmethod
    def from_env(cls, prefix: str = "PYROCKETMQ_", environ: Mapping[str, str] | None = None) -> Self:
        """The settings in the environment: PYROCKETMQ_HOST, PYROCKETMQ_CONNECT_TIMEOUT and so on.

        TLS is on when PYROCKETMQ_TLS is true or one of PYROCKETMQ_TLS_CA_FILE, _CERT_FILE, _KEY_FILE,
        _KEY_PASSWORD, _SERVER_NAME, _VERIFY is there. PYROCKETMQ_ADDRESS_MAP is ``a:1=b:2,c:3=d:4``.
        """
        environ = os.environ if environ is None else environ
        changes: dict[str, Any] = {}
        for name in _READERS:
            text = environ.get(prefix + name.upper())
            if text is not None:
                changes[name] = _read(prefix + name.upper(), text, _READERS[name])
        tls = _tls_from_env(prefix + "TLS", environ)
        if tls is not None:
            changes["tls"] = tls
        return cls(**changes)

    def replace(self, **changes: Any) -> Self:
        """A copy with other values in some fields; unknown names are refused."""
        known = {item.name for item in fields(self)}
        for name in changes:
            if name not in known:
                raise ConfigurationError(
                    f"TransportConfig has no field {name!r}",
                    field=name,
                    advice=f"known are {', '.join(sorted(known))}",
                )
        return replace(self, **changes)

    copy = replace
    """The same under the name that the remote settings have."""


def _check(good: bool, name: str, value: object, rule: str) -> None:
    if not good:
        raise ConfigurationError(
            f"{name} is {value!r}, it {rule}",
            field=name,
            advice=f"leave {name} out to use its default, or correct it",
        )


_NUMBER: Final = (int, float)
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "host": (str,),
    "port": (int,),
    "timeout": _NUMBER,
    "connect_timeout": _NUMBER,
    "header_codec": (str,),
    "max_frame_bytes": (int,),
    "write_buffer_bytes": (int,),
    "keep_alive": (bool,),
    "keep_alive_idle": _NUMBER,
    "keep_alive_interval": _NUMBER,
    "keep_alive_count": (int,),
    "user_timeout": (int, float, type(None)),
    "probe_timeout": _NUMBER,
    "idle_probe": _NUMBER,
    "announced_as": (str, type(None)),
    "reconnect_min": _NUMBER,
    "reconnect_max": _NUMBER,
    "close_timeout": _NUMBER,
}

_TRUE: Final = {"1", "true", "yes", "on"}
_FALSE: Final = {"0", "false", "no", "off"}


def _truth(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("it must be true or false")


def _seconds_or_none(text: str) -> float | None:
    return None if text.lower() == "none" else float(text)


def _pairs(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        announced, equals, mapped = pair.partition("=")
        if not equals:
            raise ValueError("it must be host:port=host:port, with commas between several")
        found[announced.strip()] = mapped.strip()
    return found


_READERS: Final[dict[str, Callable[[str], object]]] = {
    "host": str,
    "port": int,
    "timeout": float,
    "connect_timeout": float,
    "header_codec": str,
    "max_frame_bytes": int,
    "write_buffer_bytes": int,
    "keep_alive": _truth,
    "keep_alive_idle": float,
    "keep_alive_interval": float,
    "keep_alive_count": int,
    "user_timeout": _seconds_or_none,
    "probe_timeout": float,
    "idle_probe": float,
    "reconnect_min": float,
    "reconnect_max": float,
    "close_timeout": float,
    "address_map": _pairs,
}

_TLS_READERS: Final[dict[str, Callable[[str], object]]] = {
    "ca_file": str,
    "cert_file": str,
    "key_file": str,
    "key_password": str,
    "server_name": str,
    "verify": _truth,
    "handshake_timeout": float,
}


def _read(variable: str, text: str, reader: Callable[[str], object]) -> object:
    try:
        return reader(text.strip())
    except ValueError as error:
        raise ConfigurationError(
            f"the environment variable {variable} is {text!r}: {error}",
            field=variable,
            advice="correct it or unset it",
        ) from error


def _tls_from_env(prefix: str, environ: Mapping[str, str]) -> TlsConfig | None:
    changes: dict[str, object] = {}
    for name, reader in _TLS_READERS.items():
        variable = f"{prefix}_{name.upper()}"
        if variable in environ:
            changes[name] = _read(variable, environ[variable], reader)
    wanted = environ.get(prefix)
    on = bool(changes) if wanted is None else bool(_read(prefix, wanted, _truth))
    if not on and changes:
        raise ConfigurationError(
            f"{prefix} is {wanted!r}, and TLS settings are there: {', '.join(sorted(changes))}",
            field=prefix,
            advice="unset the ones or the other",
        )
    return TlsConfig(**cast("dict[str, Any]", changes)) if on else None
