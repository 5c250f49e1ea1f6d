"""The bit fields of the protocol: of commands, messages, pulls and topics.

Each value travels as one number. The compression type inside a message's system flag is a number of its own,
not three independent bits; ``MessageSysFlag`` documents where it lies.
"""

from __future__ import annotations

from enum import IntFlag

__all__ = ["CommandFlag", "MessageSysFlag", "Perm", "PullSysFlag", "build_pull_sys_flag"]


class CommandFlag(IntFlag):
    """The two bits of a command's flag that servers look at; 0 is a request that wants an answer.

    A one-way request is never answered, not even with an error.
    """

    RESPONSE = 0x1
    ONEWAY = 0x2


class MessageSysFlag(IntFlag):
    """System flag of a message: compression, transaction state, address kinds, batches.

    ``TRANSACTION_ROLLBACK`` has both transaction bits set; mask with ``TRANSACTION_MASK`` before comparing.
    The bits of ``COMPRESSION_TYPE_MASK`` hold a ``CompressionType`` shifted by 8, or 0 for zlib by an old
    client.
    """

    COMPRESSED = 0x1
    MULTI_TAGS = 0x2
    TRANSACTION_PREPARED = 0x4
    TRANSACTION_COMMIT = 0x8
    TRANSACTION_ROLLBACK = 0xC
    TRANSACTION_MASK = 0xC
    BORN_HOST_V6 = 0x10
    STORE_HOST_V6 = 0x20
    NEED_UNWRAP = 0x40
    INNER_BATCH = 0x80
    COMPRESSION_LZ4 = 0x100
    COMPRESSION_ZSTD = 0x200
    COMPRESSION_ZLIB = 0x300
    COMPRESSION_TYPE_MASK = 0x700


class PullSysFlag(IntFlag):
    """System flag of a pull request; ``build_pull_sys_flag`` puts it together."""

    COMMIT_OFFSET = 0x1
    SUSPEND = 0x2
    SUBSCRIPTION = 0x4
    CLASS_FILTER = 0x8
    LITE_PULL = 0x10


class Perm(IntFlag):
    """Rights of a topic or queue. A topic made from a template keeps its rights but INHERIT."""

    INHERIT = 0x1
    WRITE = 0x2
    READ = 0x4
    PRIORITY = 0x8


def build_pull_sys_flag(
    *,
    commit_offset: bool = False,
    suspend: bool = False,
    subscription: bool = False,
    class_filter: bool = False,
    lite_pull: bool = False,
) -> int:
    """The system flag of a pull request.

    Args:
        commit_offset: the request's ``commit_offset`` is to be stored; never set it on a pull from a slave.
        suspend: the broker may hold the request until messages come.
        subscription: the request's ``subscription`` text is to be used instead of the one of the heartbeat.
        class_filter: filtering by an uploaded Java class, historic.
        lite_pull: sent with LITE_PULL_MESSAGE.
    """
    flag = 0
    if commit_offset:
        flag |= PullSysFlag.COMMIT_OFFSET.value
    if suspend:
        flag |= PullSysFlag.SUSPEND.value
    if subscription:
        flag |= PullSysFlag.SUBSCRIPTION.value
    if class_filter:
        flag |= PullSysFlag.CLASS_FILTER.value
    if lite_pull:
        flag |= PullSysFlag.LITE_PULL.value
    return flag
