"""The native way of plain sends and of pulls that find something: what it is told and what it may ask.

Must not know what the general way does with the requests that are left to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq._clock import SystemClock
from pyrocketmq._native.properties import join_properties
from pyrocketmq._native.serving import Serving

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.errors import StoreError
    from pyrocketmq.server.broker import Broker
    from pyrocketmq.server.pulling import Choice

__all__ = ["QuickWay"]


class QuickWay:
    """Connects a `Serving` with the topics, messages and pulls of a broker.

    Attributes:
        serving: what the connections of the broker offer their frames to.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        config = broker.config
        messages = broker.messages
        self.serving = Serving(
            broker.store.log,
            join_properties(messages.common).encode(),
            general_only=broker.general_only,
            when_committed=messages.when_committed,
            told=broker.arrivals.tell,
            refusal=self._refusal,
            chosen=self._choose,
            committed_offset=self._keep_offset,
            clock=None if isinstance(broker.clock, SystemClock) else broker.clock,
            max_message_bytes=config.max_message_bytes,
            max_pull_bytes=config.max_pull_bytes,
            max_pull_messages=config.max_pull_messages,
        )
        messages.turn_ends = self.serving.end_turn
        broker.topics.watchers.append(self.look_at)
        for topic in broker.topics.all():
            self.look_at(topic.name)

    def look_at(self, name: str) -> None:
        """See again what may be served of a topic."""
        topic = self._broker.topics.get(name)
        if topic is None:
            self.serving.forget_topic(name)
        else:
            # A group that is to go elsewhere is told so by its next pull, which has to be looked at.
            is_pulled = topic.is_readable and not self._broker.offsets.has_resets(name)
            self.serving.serve_topic(
                name,
                topic.queue_limit if topic.is_plain else 0,
                topic.read_queues if is_pulled else 0,
            )

    def _refusal(self, error: StoreError) -> RemotingCommand:
        return self._broker.messages.refusal(error).answer()

    def _choose(  # noqa: PLR0917 - called by native code, in this order
        self,
        group: str,
        topic: str,
        sys_flag: int,
        subscription: str | None,
        expression_type: str | None,
        sub_version: int,
    ) -> Choice:
        pulling = self._broker.pulling
        pulling.check_group(group)
        return pulling.choose(group, topic, sys_flag, subscription, expression_type, sub_version)

    def _keep_offset(self, group: str, topic: str, queue_id: int, offset: int) -> None:
        self._broker.pulling.committed_offset(group, topic, queue_id, offset)
