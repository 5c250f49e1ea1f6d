"""Finds the broker addresses in answers of a name server, and puts others in their place. Does no I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyrocketmq.errors import RocketMQError
from pyrocketmq.model import ClusterInfo, RequestCode, TopicRouteData

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.model import BrokerData

__all__ = ["announced_addresses", "with_other_addresses"]


def announced_addresses(request_code: int | None, body: bytes) -> list[str]:
    """The broker addresses in an answer; none if it is not one that announces brokers."""
    brokers: list[BrokerData] = []
    try:
        if request_code == RequestCode.GET_ROUTEINFO_BY_TOPIC:
            brokers = TopicRouteData.decode(body).broker_datas
        elif request_code == RequestCode.GET_BROKER_CLUSTER_INFO:
            brokers = list(ClusterInfo.decode(body).broker_addr_table.values())
    except RocketMQError:
        return []
    return list(dict.fromkeys(address for broker in brokers for address in broker.broker_addrs.values()))


def with_other_addresses(frame: bytes, places: Mapping[str, str]) -> bytes:
    """A frame whose body has other addresses; its header stays as it is, byte for byte."""
    head = 8 + int.from_bytes(frame[5:8], "big")
    body = frame[head:]
    # In one pass, as a place may be the address that another broker announces.
    announced = "|".join(re.escape(address) for address in places)
    body = re.sub(f'"({announced})"'.encode(), lambda match: f'"{places[match[1].decode()]}"'.encode(), body)
    return (head - 4 + len(body)).to_bytes(4, "big") + frame[4:head] + body
