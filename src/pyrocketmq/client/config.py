"""ClientConfig: what all clients of a cluster have in common, and the settings of connections made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from pyrocketmq.client.settings import Settings, check, choice, number, read_fields, switch, text, whole
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.nameserver.sources import ENVIRONMENT_VARIABLE, NameServerSource, source_of
from pyrocketmq.remote.config import RemoteConfig
from pyrocketmq.remote.credentials import Credentials, CredentialsSource
from pyrocketmq.remote.hooks import RpcHook
from pyrocketmq.transport.config import TransportConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyrocketmq.transport.tls import TlsConfig

__all__ = ["ClientConfig"]

DAY_S: Final = 86_400
_OF_TRANSPORT: Final = ("tls", "address_map")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig(Settings):
    """Settings that all clients have. All durations are seconds, all sizes bytes."""

    namesrv_addr: str | Sequence[str] | NameServerSource | None = None
    """Name servers: ``a:9876;b:9876``, the URL of an address service, or None for NAMESRV_ADDR."""
    client_id: str | None = None
    """The name of this client at the brokers; None makes one that nobody else has. A fixed one must be
    unique too: two clients of one name take each other's place."""
    unit_name: str = text()
    """The unit that this client belongs to, a part of its id; "" for none."""
    namespace: str = text()
    """Namespace of topics and groups, as 4.x has it: ``namespace%topic``; "" for none."""
    namespace_v2: str = text()
    """Namespace that goes beside each request (5.x), which leaves names as they are; "" for none."""
    credentials: CredentialsSource | None = None
    """Who signs the requests, or a quick function that gives the keys of the moment."""
    tls: TlsConfig | None = None
    """TLS settings; None connects in plain TCP."""
    address_map: Mapping[str, str] | Callable[[str], str] | None = None
    """Where to connect in place of an announced ``host:port``, for NAT and Docker."""
    rpc_hooks: tuple[RpcHook, ...] = ()
    """Called around each request. With any of them sends take the general path, which costs more."""
    header_codec: Literal["json", "binary"] = choice("json", "json", "binary")
    """How request headers are written. All servers take JSON; binary costs the client half."""
    connect_timeout: float = number(3.0, 0.001, DAY_S)
    """One deadline for finding a host, trying its addresses and the TLS handshake."""
    request_timeout: float = number(3.0, 0.001, DAY_S)
    """The wait for the answer to a request of the client's own: routes, heartbeats, unregistering."""
    route_poll_interval: float = number(30.0, 0.1, DAY_S)
    """How often routes are asked for again. Losses, returns and refusals of brokers do so at once."""
    heartbeat_interval: float = number(30.0, 0.1, 110.0)
    """How often each broker hears of this client; a broker forgets one after 120 seconds of silence."""
    after_fork: Literal["restart", "error"] = choice("restart", "restart", "error")
    """What the first call does in a child made by fork: start anew under another client id, or refuse."""
    spin: float = number(0.0, 0.0, 0.01)
    """How long a blocking call looks for its answer before it sleeps. It keeps a processor busy meanwhile."""
    max_lanes: int = whole(64, 1, 65_536, "connections")
    """Connections that threads have of their own to one broker; further threads share one."""
    lane_idle: float = number(60.0, 0.01, 110.0)
    """Seconds after which an unused connection of a thread is closed; a broker closes after 120."""
    slow_brokers_rest: bool = switch(True)  # noqa: FBT003 - the value of the field
    """Prefer other brokers to one that answers slowly (from 0.55 s on), for a while."""
    write_buffer_bytes: int = whole(4 * 1024 * 1024, 1024, 2**31 - 1, "bytes")
    """What may wait for a broker to read it, per connection."""
    max_message_bytes: int = whole(4 * 1024 * 1024, 1, 128 * 1024 * 1024, "bytes")
    """Larger bodies are refused before sending; a broker's own limit is 4 MiB as shipped."""
    create_topics: bool = switch(True)  # noqa: FBT003 - the value of the field
    """Send to topics that do not exist by the route of the template, for brokers that create them then."""
    default_topic: str = text("TBW102")
    """The topic whose settings a broker copies when it creates a topic by itself."""
    default_topic_queues: int = whole(4, 1, 65_536, "queues")
    """How many queues such a topic gets at most on each broker."""

    def _check(self) -> None:
        client_id = cast("object", self.client_id)
        good = client_id is None or (isinstance(client_id, str) and bool(client_id.strip()))
        check(good, "client_id", client_id, "text that is not empty, or None")
        check(
            not (self.namespace and self.namespace_v2),
            "namespace_v2",
            self.namespace_v2,
            "the only namespace",
        )
        check(bool(self.default_topic), "default_topic", self.default_topic, "the name of a topic")
        hooks = cast("object", self.rpc_hooks)
        good = isinstance(hooks, tuple) and all(
            isinstance(hook, RpcHook) for hook in cast("tuple[object, ...]", hooks)
        )
        check(good, "rpc_hooks", self.rpc_hooks, "a tuple of RpcHook")
        credentials = cast("object", self.credentials)
        if not (credentials is None or isinstance(credentials, Credentials) or callable(credentials)):
            raise ConfigurationError(  # without the value, which may be a secret
                f"credentials is of type {type(credentials).__name__}, it must be Credentials or a function",
                field="credentials",
                advice='give Credentials("access key", "secret key")',
            )
        self.transport_config()  # refuses a bad address_map or TLS settings
        if self.namesrv_addr is not None:
            source_of(self.namesrv_addr)

    @classmethod
    def _read(cls, prefix: str, environ: Mapping[str, str]) -> dict[str, Any]:
        found = read_fields(cls, prefix, environ)
        transport = TransportConfig.from_env(prefix, environ)
        found.update({name: getattr(transport, name) for name in _OF_TRANSPORT})
        for name in ("namesrv_addr", "client_id"):
            if environ.get(prefix + name.upper()):
                found[name] = environ[prefix + name.upper()]
        if "namesrv_addr" not in found and environ.get(ENVIRONMENT_VARIABLE):
            found["namesrv_addr"] = environ[ENVIRONMENT_VARIABLE]
        access_key = environ.get(prefix + "ACCESS_KEY")
        secret_key = environ.get(prefix + "SECRET_KEY")
        if access_key or secret_key:
            found["credentials"] = Credentials(
                access_key or "", secret_key or "", environ.get(prefix + "SECURITY_TOKEN") or None
            )
        return found

    def transport_config(self) -> TransportConfig:
        """The settings of a connection, but for where it goes."""
        return TransportConfig(
            connect_timeout=self.connect_timeout,
            header_codec=self.header_codec,
            write_buffer_bytes=self.write_buffer_bytes,
            tls=self.tls,
            address_map=self.address_map,
        )

    def remote_config(self) -> RemoteConfig:
        """The settings of calls."""
        return RemoteConfig(
            timeout=self.request_timeout, spin=self.spin, max_lanes=self.max_lanes, lane_idle=self.lane_idle
        )
