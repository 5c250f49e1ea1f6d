from pyrocketmq._native.log import RecordLog
from pyrocketmq._native.logqueue import LogQueue

__all__ = ["find_offsets"]

def find_offsets(
    log: RecordLog,
    queue: LogQueue,
    key: bytes,
    first: int,
    end: int,
    *,
    unique: bool = True,
    keys: bool = True,
    most: int = 64,
) -> list[int]:
    """The offsets of the messages with a key from ``first`` up to ``end``, newest first, ``most`` at most.

    Args:
        log: the log of the queue.
        queue: where to look.
        key: the key as UTF-8.
        first: the first queue offset to look at.
        end: one behind the last.
        unique: whether the key may be the sender's id of a message (property UNIQ_KEY).
        keys: whether it may be one of its keys (property KEYS).
        most: bound on the offsets to find.
    """
