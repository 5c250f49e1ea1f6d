"""What a store holds, as plain lists."""

from __future__ import annotations

from pathlib import Path

from pyrocketmq._native.logqueue import LogQueue
from pyrocketmq._native.stored import MessageExt, decode_messages_strict
from pyrocketmq.server.store import MessageStore, StoreOptions

from .store_files import FilesDouble

FOLDER = Path("data")
SMALL = StoreOptions(segment_bytes=4096)
SMALL_ALWAYS = StoreOptions(segment_bytes=4096, fsync="always")


def messages_of(store: MessageStore, queue: LogQueue, begin: int | None = None) -> list[MessageExt]:
    """All messages of a queue, read in small answers."""
    found: list[MessageExt] = []
    offset = queue.min_offset if begin is None else begin
    while offset < queue.max_offset:
        cut = store.log.cut(queue, offset, 7, 2000)
        assert cut.next_offset > offset
        messages = decode_messages_strict(cut.data)
        assert cut.count == len(messages)
        found += messages
        offset = cut.next_offset
    return found


def bodies_of(store: MessageStore, topic: str = "T", queue_id: int = 0) -> list[bytes]:
    return [message.body for message in messages_of(store, store.log.queue(topic, queue_id))]


def filled_folder(count: int, options: StoreOptions = SMALL) -> FilesDouble:
    """The files of a store that was closed in order after `count` messages on three queues of two topics."""
    files = FilesDouble()
    with MessageStore(FOLDER, options, files=files) as store:
        for number in range(count):
            queue = store.log.queue("TU"[number % 2], number % 3)
            store.append(queue, b"body %d " % number * 10, b"TAGS\x01t%d\x02" % (number % 4))
            store.commit()
    return files
