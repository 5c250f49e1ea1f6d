"""ServerConfig: where the embedded server listens, what it keeps, and how its brokers behave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from pyrocketmq.errors import ConfigurationError
from pyrocketmq.server.store import StoreOptions

if TYPE_CHECKING:
    from pathlib import Path

    from pyrocketmq.server.access_rules import AccessRules
    from pyrocketmq.server.tls import ServerTls

__all__ = ["ServerConfig"]

MAX_BROKERS: Final = 26


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Settings of an embedded server. Durations are seconds, sizes bytes."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = 0
    """Port of the name server; 0 takes a free one."""
    brokers: int = 1
    """How many brokers there are: ``broker-a``, ``broker-b`` and so on."""
    broker_port: int = 0
    """Port of the first broker, the others follow; 0 takes free ones."""
    cluster: str = "DefaultCluster"
    """Name of the cluster that the brokers belong to."""
    advertised_host: str | None = None
    """The IP address that routes and offset message ids carry; None: ``host``. For NAT and containers."""
    data: Path | None = None
    """Folder for everything that is kept; None keeps all in memory."""
    store: StoreOptions = field(default_factory=StoreOptions)
    """Sizes, retention and syncing of the log of each broker."""
    tls: ServerTls | None = None
    """How connections are encrypted; None: not at all."""
    acl: AccessRules | None = None
    """Whose requests the brokers carry out, see `AccessRules.load`; None: everybody's."""
    retention_check_interval: float = 10.0
    """Time between looks for segments of the log that are too old or too many."""
    auto_create_topics: bool = True
    """Whether a topic is made by the first send to it."""
    default_queues: int = 8
    """Queues of the template for topics that are made by a send; clients ask for 4 by default."""
    auto_create_groups: bool = True
    """Whether a consumer group is made by the first client that uses it."""
    unknown_offset: Literal["auto", "zero", "not-found"] = "auto"
    """What a group without an offset is told: 0, or that there is none, so that the client decides where to
    begin. ``auto`` is what real brokers do: 0 if the first message of the queue is still there."""
    transaction_timeout: float = 6.0
    """Time until the producer of a half message is asked about it, unless the message names another."""
    transaction_check_interval: float = 30.0
    """Time between two such questions."""
    transaction_check_max: int = 15
    """Questions that are asked before a half message is given up."""
    max_message_bytes: int = 4 * 1024 * 1024
    """Longest body that is taken."""
    max_pull_bytes: int = 256 * 1024
    """What one pull answer holds at most, from its second message on."""
    max_pull_messages: int = 32
    """Messages that one pull answer has at most, whatever the client asks for."""

    def __post_init__(self) -> None:
        """Refuse every value that cannot work."""
        for name in ("port", "broker_port"):
            _check(0 <= getattr(self, name) <= 65535, name, getattr(self, name), "must be 0 to 65535")
        _check(1 <= self.brokers <= MAX_BROKERS, "brokers", self.brokers, f"must be 1 to {MAX_BROKERS}")
        _check(bool(self.host), "host", self.host, "must not be empty")
        _check(bool(self.cluster), "cluster", self.cluster, "must not be empty")
        _check(
            1 <= self.default_queues <= 65536, "default_queues", self.default_queues, "must be 1 to 65,536"
        )
        _check(
            self.unknown_offset in ("auto", "zero", "not-found"),
            "unknown_offset",
            self.unknown_offset,
            "must be auto, zero or not-found",
        )
        _check(
            self.transaction_check_max >= 1,
            "transaction_check_max",
            self.transaction_check_max,
            "must be 1 or more",
        )
        for name in ("transaction_timeout", "transaction_check_interval"):
            _check(getattr(self, name) > 0, name, getattr(self, name), "must be positive")
        for name in ("max_message_bytes", "max_pull_bytes", "max_pull_messages", "retention_check_interval"):
            _check(getattr(self, name) > 0, name, getattr(self, name), "must be positive")


def _check(holds: bool, name: str, value: object, rule: str) -> None:
    if not holds:
        raise ConfigurationError(
            f"{name} is {value!r}, it {rule}", field=name, advice="leave it out for the default"
        )
