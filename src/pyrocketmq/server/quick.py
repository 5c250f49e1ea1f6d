"""The native way of plain sends: which topics it is open for, and when what it took is answered.

Must not know what the general way does with the messages that are left to it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.intake import Intake
from pyrocketmq._native.properties import join_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyrocketmq._native.intake import Turn
    from pyrocketmq.errors import StoreError
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.call import Refused
    from pyrocketmq.server.topics import TopicSettings

__all__ = ["QuickSends"]

# What is delayed, timed, or part of a transaction or of an inner batch goes elsewhere.
_SPECIAL: Final = (
    "DELAY",
    "INNER_BASE",
    "INNER_NUM",
    "TIMER_DELAY_MS",
    "TIMER_DELAY_SEC",
    "TIMER_DELIVER_MS",
    "TRAN_MSG",
)


class QuickSends:
    """Messages for topics that were sent to before need no look at anything but themselves.

    Args:
        broker: whose log the messages go to.
        begin: called when a turn of the event loop takes its first message, so that it is committed.
        common: the properties that each message gets.
        refusal: what a sender is told when the store fails.
    """

    def __init__(
        self,
        broker: Broker,
        begin: Callable[[], None],
        common: Mapping[str, str],
        refusal: Callable[[StoreError], Refused],
    ) -> None:
        self._begin = begin
        self._clock = broker.clock
        self._refusal = refusal
        self._open: set[str] = set()
        self.intake = Intake(
            broker.store.log,
            self._begin_turn,
            extra=join_properties(common).encode(),
            special=(*_SPECIAL, *common),
            general_only=broker.general_only,
            max_body_bytes=broker.config.max_message_bytes,
        )
        broker.topics.watchers.append(self.close)

    def open(self, topic: TopicSettings) -> None:
        """Take the messages of a topic from now on, until its settings change."""
        if topic.name not in self._open:
            self._open.add(topic.name)
            self.intake.open_topic(topic.name, topic.write_queues)

    def close(self, topic: str) -> None:
        """Leave the messages of a topic to the general way."""
        self._open.discard(topic)
        self.intake.close_topic(topic)

    def take_turn(self) -> tuple[Turn, Callable[[StoreError | None], None]] | None:
        """What this turn of the loop took, and what to call when it is committed or is not."""
        turn = self.intake.take_turn()
        return None if turn is None else (turn, partial(self._finish, turn))

    def _begin_turn(self) -> int:
        self._begin()
        return self._clock.now_ms()

    def _finish(self, turn: Turn, error: StoreError | None) -> None:
        if error is None:
            turn.answer()
        else:
            refused = self._refusal(error)
            turn.refuse(refused.code, refused.remark)
