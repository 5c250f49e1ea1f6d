"""Names derived from names: namespaces, retry, dead letter, reply and pop topics, the VIP address."""

from __future__ import annotations

from typing import Final

from pyrocketmq.errors import ConfigurationError

__all__ = [
    "DLQ_PREFIX",
    "RETRY_PREFIX",
    "dlq_topic",
    "is_pop_retry_topic_v2",
    "is_system_group",
    "is_system_topic",
    "namespace_of",
    "pop_retry_topic_v1",
    "pop_retry_topic_v2",
    "reply_topic",
    "retry_topic",
    "unwrap_namespace",
    "vip_address",
    "wrap_namespace",
]

RETRY_PREFIX: Final = "%RETRY%"
DLQ_PREFIX: Final = "%DLQ%"

_SEPARATOR: Final = "%"
_SYSTEM_TOPICS: Final = frozenset((
    "BenchmarkTest",
    "OFFSET_MOVED_EVENT",
    "RMQ_SYS_TRACE_TOPIC",
    "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC",
    "SCHEDULE_TOPIC_XXXX",
    "SELF_TEST_TOPIC",
    "TBW102",
    "TRANS_CHECK_MAX_TIME_TOPIC",
))  # fmt: skip


def is_system_topic(topic: str) -> bool:
    """True for topics of the servers themselves; they never get a namespace."""
    return topic in _SYSTEM_TOPICS or topic.startswith("rmq_sys_")


def is_system_group(group: str) -> bool:
    """True for consumer groups of the servers themselves."""
    return group.startswith("CID_RMQ_SYS_")


def wrap_namespace(namespace: str, resource: str) -> str:
    """A topic or group inside a namespace: ``ns%name``, after ``%RETRY%`` and ``%DLQ%``.

    System names and names that are in the namespace already stay as they are.
    """
    if not namespace or not resource or _is_system(resource):
        return resource
    prefix, name = _split_prefix(resource)
    inside = namespace + _SEPARATOR
    return resource if name.startswith(inside) else prefix + inside + name


def unwrap_namespace(namespace: str, resource: str) -> str:
    """The name that the user gave, out of one that was received; names outside the namespace stay."""
    if not namespace or not resource or _is_system(resource):
        return resource
    prefix, name = _split_prefix(resource)
    inside = namespace + _SEPARATOR
    return prefix + name[len(inside) :] if name.startswith(inside) else resource


def namespace_of(resource: str) -> str:
    """The namespace a name is in; "" for none."""
    if _is_system(resource):
        return ""
    namespace, separator, _ = _split_prefix(resource)[1].partition(_SEPARATOR)
    return namespace if separator else ""


def retry_topic(group: str) -> str:
    """The topic of a group's messages that failed and come again."""
    return RETRY_PREFIX + group


def dlq_topic(group: str) -> str:
    """The topic of a group's messages that failed for good."""
    return DLQ_PREFIX + group


def reply_topic(cluster: str) -> str:
    """The topic that replies of request-reply go to, one per cluster."""
    return cluster + "_REPLY_TOPIC"


def pop_retry_topic_v1(group: str, topic: str) -> str:
    """The retry topic of a pop consumer, as brokers before 5.2 and by default name it."""
    return f"{RETRY_PREFIX}{group}_{topic}"


def pop_retry_topic_v2(group: str, topic: str) -> str:
    """The retry topic of a pop consumer in its newer form, which can be taken apart again."""
    return f"{RETRY_PREFIX}{group}+{topic}"


def is_pop_retry_topic_v2(topic: str) -> bool:
    """True for names made by ``pop_retry_topic_v2``; no ordinary name has a plus sign."""
    return topic.startswith(RETRY_PREFIX) and "+" in topic


def vip_address(address: str) -> str:
    """The address of a broker's VIP channel, two ports below. It takes sends and refuses pulls.

    Raises:
        ConfigurationError: the address is not ``host:port``.
    """
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 2 < int(port[:6]) <= 65_535):
        raise ConfigurationError(
            f"broker address {address!r} has no port that a VIP port could lie below",
            field="address",
            advice="Give host:port, for example 10.0.0.1:10911.",
        )
    return f"{host}:{int(port) - 2}"


def _is_system(resource: str) -> bool:
    return is_system_topic(resource) or is_system_group(resource)


def _split_prefix(resource: str) -> tuple[str, str]:
    for prefix in (RETRY_PREFIX, DLQ_PREFIX):
        if resource.startswith(prefix):
            return prefix, resource[len(prefix) :]
    return "", resource
