from collections.abc import Callable, Iterable
from typing import final

from pyrocketmq._native.channel import RequestTaker
from pyrocketmq._native.log import RecordLog
from pyrocketmq._native.logqueue import LogQueue

__all__ = ["Intake", "Turn"]

@final
class Turn:
    """Messages that were appended in one turn of the event loop, and whose answers are due."""

    @property
    def count(self) -> int: ...
    @property
    def queues(self) -> list[LogQueue]:
        """The queues that got messages."""
    def answer(self) -> None:
        """Tell the senders that their messages are stored."""
    def refuse(self, code: int, remark: str) -> None:
        """Tell the senders that their messages were not stored."""

@final
class Intake(RequestTaker):
    """Takes plain sends off the connections of one broker.

    Args:
        log: where messages go.
        on_begin: called when the first message of a turn comes; gives the time in ms that its records carry.
            Whoever made the intake then commits the log later in this turn, and answers what ``take_turn``
            gives.
        extra: text of the properties that each message gets.
        special: names of properties that need a decision; messages with them are not taken.
        general_only: while it has anything in it, no message is taken.
        region: the region that answers name.
        max_body_bytes: longer bodies are left to the handler, which refuses them.
    """

    def __new__(
        cls,
        log: RecordLog,
        on_begin: Callable[[], int],
        *,
        extra: bytes = b"",
        special: Iterable[str] = (),
        general_only: set[str] | None = None,
        region: str = "DefaultRegion",
        max_body_bytes: int = 4194304,
    ) -> Intake: ...
    @property
    def max_body_bytes(self) -> int: ...
    @property
    def taken(self) -> int:
        """Messages that went this way so far."""
    def open_topic(self, topic: str, write_queues: int) -> None:
        """Take messages for this many queues of a topic from now on."""
    def close_topic(self, topic: str) -> None:
        """Leave the messages of a topic to the handler."""
    def take_turn(self) -> Turn | None:
        """What was taken since the last call and is not answered yet, None if nothing was."""
