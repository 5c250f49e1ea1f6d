"""Consistent-hash allocation as Java does it: a ring of MD5 points, ten per consumer."""

from __future__ import annotations

import hashlib

from .refusal import RefusedError

VIRTUAL_NODES = 10


def point(key: str) -> int:
    return int.from_bytes(hashlib.md5(key.encode("utf-8"), usedforsecurity=False).digest()[:4], "big")


def owner_of(key: str, nodes: list[str], virtual_nodes: int = VIRTUAL_NODES) -> str:
    if virtual_nodes < 1:
        raise RefusedError("configuration", "virtual_nodes", f"{virtual_nodes}")
    if not nodes:
        raise RefusedError("configuration", "nodes", "none")
    points: dict[int, str] = {}
    for rank, node in enumerate(nodes):
        # A node named twice has twice the points, numbered on.
        first = virtual_nodes * nodes[:rank].count(node)
        for number in range(first, first + virtual_nodes):
            points[point(f"{node}-{number}")] = node
    at_or_after = [place for place in sorted(points) if place >= point(key)]
    return points[at_or_after[0] if at_or_after else min(points)]


def queue_text(topic: str, broker: str, queue_id: int) -> str:
    return f"MessageQueue [topic={topic}, brokerName={broker}, queueId={queue_id}]"
