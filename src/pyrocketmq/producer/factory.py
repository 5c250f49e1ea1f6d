"""Functions that make producers, under the names of the founding API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyrocketmq.producer.async_producer import AsyncProducer
from pyrocketmq.producer.producer import Producer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyrocketmq.nameserver.sources import NameServerSource
    from pyrocketmq.producer.config import ProducerConfig

__all__ = ["create_async_producer", "create_producer"]


def create_producer(
    producer_group: str | None = None,
    namesrv_addr: str | Sequence[str] | NameServerSource | None = None,
    *,
    config: ProducerConfig | None = None,
    **settings: Any,
) -> Producer:
    """A producer for threads; it starts on first use, by ``start()`` or by ``with``.

    Args:
        producer_group: name of the application.
        namesrv_addr: name servers, ``a:9876;b:9876``.
        config: further settings.
        settings: single settings by their names.
    """
    return Producer(producer_group, namesrv_addr, config=config, **settings)


def create_async_producer(
    producer_group: str | None = None,
    namesrv_addr: str | Sequence[str] | NameServerSource | None = None,
    *,
    config: ProducerConfig | None = None,
    **settings: Any,
) -> AsyncProducer:
    """A producer that is usable at once and starts on first use; awaiting it starts it and gives it.

    Args:
        producer_group: name of the application.
        namesrv_addr: name servers, ``a:9876;b:9876``.
        config: further settings.
        settings: single settings by their names.
    """
    return AsyncProducer(producer_group, namesrv_addr, config=config, **settings)
