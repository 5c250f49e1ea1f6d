"""Tells who waits for a queue that it got messages. Must not know who waits, or why."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeAlias

from pyrocketmq.server.concern import Concern

if TYPE_CHECKING:
    from collections.abc import Callable

    Watcher: TypeAlias = Callable[[str, int], object]

__all__ = ["Arrivals"]

logger = logging.getLogger(__name__)


class Arrivals(Concern):
    """Callbacks by queue, and for all queues.

    They are called with the topic and the queue id, once for each queue and commit, when readers see the
    messages. A callback may add and remove callbacks.
    """

    def __init__(self) -> None:
        self._by_queue: dict[tuple[str, int], list[Watcher]] = {}
        self._for_all: list[Watcher] = []

    def watch(self, topic: str, queue_id: int, watcher: Watcher) -> Callable[[], None]:
        """Call when this queue gets messages, until the result is called."""
        key = topic, queue_id
        self._by_queue.setdefault(key, []).append(watcher)

        def stop() -> None:
            watchers = self._by_queue.get(key, [])
            if watcher in watchers:
                watchers.remove(watcher)
                if not watchers:
                    del self._by_queue[key]

        return stop

    def watch_all(self, watcher: Watcher) -> Callable[[], None]:
        """Call when any queue gets messages, until the result is called."""
        self._for_all.append(watcher)

        def stop() -> None:
            if watcher in self._for_all:
                self._for_all.remove(watcher)

        return stop

    def tell(self, topic: str, queue_id: int) -> None:
        """Messages of this queue can be read now."""
        for watcher in (*self._by_queue.get((topic, queue_id), ()), *self._for_all):
            try:
                watcher(topic, queue_id)
            except Exception:
                logger.exception("what waited for queue %d of topic %r failed", queue_id, topic)
