from pyrocketmq._native.log import RecordLog
from pyrocketmq._native.logsegment import Segment

__all__ = ["load_index", "make_index", "scan_segment"]

def scan_segment(log: RecordLog, segment: Segment) -> tuple[int, list[tuple[int, int]]]:
    """Index the records of the newest segment by reading them: (end, damage).

    ``end`` is the position behind the last intact record. Damage is a list of (position, bytes) in front of
    it: stretches that are no records although intact ones follow.
    """

def make_index(log: RecordLog, segment: Segment) -> bytes:
    """The index file of the newest segment, for when no more is appended to it."""

def load_index(log: RecordLog, segment: Segment, data: bytes) -> bool:
    """Index the newest segment by its index file; false, and nothing done, when the file does not fit."""
