"""Consistent-hash allocation as Java does it: a ring of MD5 points, ten per consumer."""

from __future__ import annotations

import hashlib

VIRTUAL_NODES = 10


def point(key: str) -> int:
    return int.from_bytes(hashlib.md5(key.encode("utf-8"), usedforsecurity=False).digest()[:4], "big")


def owner_of(key: str, nodes: list[str], virtual_nodes: int = VIRTUAL_NODES) -> str:
    points: dict[int, str] = {}
    for node in nodes:
        for number in range(virtual_nodes):
            points[point(f"{node}-{number}")] = node
    at_or_after = [place for place in sorted(points) if place >= point(key)]
    return points[at_or_after[0] if at_or_after else min(points)]


def queue_text(topic: str, broker: str, queue_id: int) -> str:
    return f"MessageQueue [topic={topic}, brokerName={broker}, queueId={queue_id}]"
