from collections.abc import Callable, Mapping
from typing import final

from pyrocketmq._clock import Clock
from pyrocketmq._native.channel import RequestTaker
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.log import RecordLog
from pyrocketmq._native.logqueue import TagCodes
from pyrocketmq.errors import StoreError

__all__ = ["Serving"]

@final
class Serving(RequestTaker):
    """Serves one broker's plain sends and pulls.

    Args:
        log: where messages go to and come from.
        added: the properties text that each message gets.
        general_only: nothing is taken while this set has a member.
        when_committed: asks for a call with None or an error when what was appended is committed.
        told: called with topic and queue id after messages of a queue were committed.
        refusal: makes the answer to a send from the error of its commit.
        chosen: gives the tags and the predicate that choose the messages of a pull; called with group, topic,
            sysFlag, subscription, expression type and version of the subscription.
        committed_offset: called with group, topic, queue id and offset for a pull that has an offset to
            store.
        clock: tells the time by ``now_ms``; None for the machine's.
    """

    def __new__(
        cls,
        log: RecordLog,
        added: bytes,
        *,
        general_only: set[str],
        when_committed: Callable[[Callable[[StoreError | None], object]], object],
        told: Callable[[str, int], object],
        refusal: Callable[[StoreError], RemotingCommand],
        chosen: Callable[
            [str, str, int, str | None, str | None, int],
            tuple[TagCodes | None, Callable[[Mapping[str, str]], bool] | None],
        ],
        committed_offset: Callable[[str, str, int, int], object],
        clock: Clock | None = None,
        max_message_bytes: int = 4194304,
        max_pull_bytes: int = 262144,
        max_pull_messages: int = 32,
    ) -> Serving: ...
    @property
    def sends(self) -> int:
        """Single sends that were taken so far."""
    @property
    def batches(self) -> int:
        """Batches that were taken so far."""
    @property
    def pulls(self) -> int:
        """Pulls that were answered so far."""
    def serve_topic(self, topic: str, send_queues: int, read_queues: int) -> None:
        """Serve sends to the first queues of a topic, and pulls from its first queues; again to change it."""
    def forget_topic(self, topic: str) -> None:
        """Leave a topic to the general way."""
    def end_turn(self) -> None:
        """What is appended from now on belongs to the next commit."""
