"""Locks of queues for ordered consumption: one client of a group has a queue at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.result_data import LockBatchRequestBody, LockBatchResponseBody, UnlockBatchRequestBody
from pyrocketmq.server.concern import Concern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyrocketmq._clock import Clock
    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.message_queue import MessageQueue
    from pyrocketmq.server.call import Call, Handler

__all__ = ["EXPIRY_MS", "Locks"]

EXPIRY_MS: Final = 60_000
"""How long a lock holds unless its owner renews it; it outlives the owner's connection, too."""


class _Lock(NamedTuple):
    owner: str
    renewed_ms: int


class Locks(Concern):
    """Which client holds which queues, by group.

    Args:
        clock: the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._groups: dict[str, dict[MessageQueue, _Lock]] = {}

    def handlers(self) -> Mapping[int, Handler]:
        """The request codes of locks."""
        return {RequestCode.LOCK_BATCH_MQ: self._lock, RequestCode.UNLOCK_BATCH_MQ: self._unlock}

    def lock(self, group: str, client_id: str, queues: Iterable[MessageQueue]) -> list[MessageQueue]:
        """Lock or renew queues for a client; those that it holds now."""
        held = self._groups.setdefault(group, {})
        now = self._clock.now_ms()
        granted: list[MessageQueue] = []
        for queue in queues:
            lock = held.get(queue)
            if lock is None or lock.owner == client_id or self._is_over(lock, now):
                held[queue] = _Lock(client_id, now)
                granted.append(queue)
        return granted

    def unlock(self, group: str, client_id: str, queues: Iterable[MessageQueue]) -> None:
        """Free the queues that this client holds; those of others stay theirs."""
        held = self._groups.get(group, {})
        for queue in queues:
            lock = held.get(queue)
            if lock is not None and lock.owner == client_id:
                del held[queue]
        if not held:
            self._groups.pop(group, None)

    def is_any_held(self, group: str) -> bool:
        """Whether a client of this group holds a queue, which shows that it consumes in order."""
        now = self._clock.now_ms()
        return any(not self._is_over(lock, now) for lock in self._groups.get(group, {}).values())

    @staticmethod
    def _is_over(lock: _Lock, now: int) -> bool:
        return now - lock.renewed_ms > EXPIRY_MS

    def _lock(self, call: Call) -> RemotingCommand:
        body = call.decode(LockBatchRequestBody)
        granted = self.lock(body.consumer_group or "", body.client_id or "", body.mq_set)
        return call.answer(body=LockBatchResponseBody(granted).encode())

    def _unlock(self, call: Call) -> RemotingCommand:
        body = call.decode(UnlockBatchRequestBody)
        self.unlock(body.consumer_group or "", body.client_id or "", body.mq_set)
        return call.answer()
