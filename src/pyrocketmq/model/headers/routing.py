"""The optional routing fields that most requests of 5.x accept; 4.9.x brokers ignore them."""

from __future__ import annotations

from pyrocketmq.model.headers.base import Header

__all__ = ["RpcRequestHeader", "TopicRequestHeader"]


class RpcRequestHeader(Header):
    """Base of requests that can say for whom they are meant, under the short names of the wire."""

    ns: str | None = None
    """Namespace (version 2) of the client."""
    nsd: bool | None = None
    """Whether ``ns`` counts."""
    bname: str | None = None
    """Name of the broker that the client believes it talks to; the Java client sends it on most requests."""
    oway: bool | None = None
    """Whether the request is one-way; the flag of the command is what decides."""


class TopicRequestHeader(RpcRequestHeader):
    """Base of requests about a topic."""

    lo: bool | None = None
    """Whether ``queue_id`` is a logical queue of a static topic."""
