"""The store as a whole: commit and visibility, restart, retention, deleted topics, small states, the lock."""

from __future__ import annotations

import logging
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq._native.crc import crc32c
from pyrocketmq._native.logqueue import LogQueue
from pyrocketmq.errors import (
    ConfigurationError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
)
from pyrocketmq.server.store import MessageStore, StoreOptions

from .store_files import FilesDouble
from .store_reading import FOLDER, SMALL, SMALL_ALWAYS, bodies_of, filled_folder, messages_of

BODY = b"x" * 100


def append_many(store: MessageStore, queue: LogQueue, count: int) -> None:
    for _ in range(count):
        store.append(queue, BODY)


def reopened(files: FilesDouble, options: StoreOptions = SMALL) -> MessageStore:
    return MessageStore(FOLDER, options, files=FilesDouble(files.content()))


def test_store_in_memory_shows_messages_at_once_and_makes_no_files() -> None:
    clock = ManualClock(5000)
    with MessageStore(clock=clock) as store:
        queue = store.log.queue("T", 0)
        assert store.append(queue, b"one") == (0, 0)
        clock.advance(1.5)
        store.append(queue, b"two", b"KEYS\x01k\x02", reconsume_times=3)
        one, two = messages_of(store, queue)
        assert (one.store_timestamp, two.store_timestamp, two.reconsume_times) == (5000, 6500, 3)
        called: list[Exception | None] = []
        store.when_durable(called.append)
        assert called == [None]
        store.sync()
        store.state("topics").save({"T": 4})
        assert store.state("topics").load() == {"T": 4}


@pytest.mark.parametrize("fsync", ["never", "interval", "always"])
def test_messages_survive_a_restart_in_order(fsync: Any, tmp_path: Path) -> None:
    options = StoreOptions(segment_bytes=4096, fsync=fsync)
    for turn in range(3):
        with MessageStore(tmp_path, options) as store:
            queue = store.log.queue("T", 0)
            assert bodies_of(store) == [b"%d" % n * 50 for n in range(turn * 60)]
            for number in range(turn * 60, turn * 60 + 60):
                store.append(queue, b"%d" % number * 50)
                store.commit()
    assert len(list(tmp_path.glob("*.log"))) > 3


def test_uncommitted_message_is_not_seen() -> None:
    with MessageStore(FOLDER, SMALL, files=FilesDouble()) as store:
        queue = store.log.queue("T", 0)
        store.append(queue, BODY)
        assert bodies_of(store) == []
        store.commit()
        assert bodies_of(store) == [BODY]


def test_with_always_a_message_is_seen_only_after_the_sync() -> None:
    files = FilesDouble()
    with MessageStore(FOLDER, SMALL_ALWAYS, files=files) as store:
        queue = store.log.queue("T", 0)
        store.append(queue, BODY)
        files.broken_sync = True
        store.commit()
        done = threading.Event()
        errors: list[Exception | None] = []

        def finish(error: Exception | None) -> None:
            errors.append(error)
            done.set()

        store.when_durable(finish)
        assert done.wait(10)
        assert isinstance(errors[0], OSError)
        assert bodies_of(store) == []


def test_failed_sync_ends_all_writing(caplog: pytest.LogCaptureFixture) -> None:
    files = FilesDouble()
    store = MessageStore(FOLDER, SMALL, files=files)
    queue = store.log.queue("T", 0)
    store.append(queue, BODY)
    store.commit()
    files.broken_sync = True
    with pytest.raises(StoreError, match="a sync of the data folder data failed"):
        store.sync()
    store.append(queue, BODY)
    with pytest.raises(StoreError, match="restart the broker"):
        store.commit()
    store.close()
    assert "takes no more messages" in caplog.text


def test_callback_that_fails_does_not_end_the_syncs() -> None:
    def fail(_: Exception | None) -> None:
        raise RuntimeError("the loop is closed")

    with MessageStore(FOLDER, SMALL_ALWAYS, files=FilesDouble()) as store:
        queue = store.log.queue("T", 0)
        for number in range(1, 4):
            store.append(queue, BODY)
            store.commit()
            store.when_durable(fail)
            store.sync()
            assert queue.max_offset == number


def test_interval_syncs_without_being_asked() -> None:
    files = FilesDouble()
    with MessageStore(FOLDER, StoreOptions(fsync_interval=0.001), files=files) as store:
        store.append(store.log.queue("T", 0), BODY)
        store.commit()
        (inode,) = [inode for name, inode in files.names_now.items() if name.endswith(".log")]
        waited = threading.Event()
        while inode.durable != bytes(inode.content):
            waited.wait(0.001)


def test_offset_id_position_reads_the_message_after_a_restart() -> None:
    files = filled_folder(60)
    with reopened(files) as store:
        for queue in store.log.queues():
            for message in messages_of(store, queue):
                record = store.log.read_at(message.commit_log_offset)
                assert record == message.raw_record


# ---- restart ----


def test_index_files_are_used_and_made_again_when_lost_or_damaged() -> None:
    files = filled_folder(100)
    with reopened(files) as store:
        expected = [(q.topic, q.queue_id, messages_of(store, q)) for q in store.log.queues()]
    content = files.content()
    indexes = sorted(name for name in content if name.endswith(".idx"))
    assert len(indexes) > 3
    good = {name: content[name] for name in indexes}
    content[indexes[0]] = content[indexes[0]][:-1]
    del content[indexes[1]]
    content[indexes[2]] = b""
    fresh = FilesDouble(content)
    with MessageStore(FOLDER, SMALL, files=fresh) as store:
        assert sorted(expected) == sorted(
            (q.topic, q.queue_id, messages_of(store, q)) for q in store.log.queues()
        )
    assert {name: fresh.content()[name] for name in indexes} == good


def test_torn_tail_is_cut_off_with_one_line_that_names_file_and_bytes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = filled_folder(3)
    (name,) = [name for name in files.content() if name.endswith(".log")]
    whole = files.content()[name]
    files.names_now[name].content += whole[32:90]
    with reopened(files) as store:
        assert len(bodies_of(store, "T", 0)) == 1
        assert store.log.end == len(whole)
        store.append(store.log.queue("T", 0), b"next")
        store.commit()
        assert bodies_of(store, "T", 0)[1] == b"next"
    (line,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert (
        line.getMessage()
        == f"data/{name}: cut off a torn tail of 58 bytes at position {len(whole)}".replace("/", os.sep)
    )


def test_segment_whose_header_was_torn_begins_anew() -> None:
    files = filled_folder(3)
    (name,) = [name for name in files.content() if name.endswith(".log")]
    size = len(files.content()[name])
    content = files.content() | {f"{size:020}.log": b"PRMQ"}
    with MessageStore(FOLDER, SMALL, files=FilesDouble(content)) as store:
        store.append(store.log.queue("T", 0), b"next")
        store.commit()
        assert bodies_of(store, "T", 0)[-1] == b"next"
        assert store.log.segments[-1].base == size


def test_empty_last_segment_is_used() -> None:
    files = filled_folder(3)
    (name,) = [name for name in files.content() if name.endswith(".log")]
    size = len(files.content()[name])
    double = FilesDouble(files.content() | {f"{size:020}.log": b""})
    with MessageStore(FOLDER, SMALL, files=double) as store:
        store.append(store.log.queue("T", 0), b"next")
        store.commit()
    with reopened(double) as store:
        assert bodies_of(store, "T", 0)[-1] == b"next"


def test_damage_in_the_last_segment_loses_only_the_damaged_message(caplog: pytest.LogCaptureFixture) -> None:
    files = filled_folder(6)
    (name,) = [name for name in files.content() if name.endswith(".log")]
    files.names_now[name].content[32 + 95] ^= 1
    with reopened(files) as store:
        found = [message for queue in store.log.queues() for message in messages_of(store, queue)]
        assert len(found) == 5
    assert "bytes at position 32 are damaged" in caplog.text


def test_format_of_a_later_release_is_refused() -> None:
    head = struct.pack(">8sqqi", b"PRMQLOG2", 0, 0, 0)
    files = FilesDouble({f"{0:020}.log": head + struct.pack(">I", crc32c(head))})
    with pytest.raises(StoreDamagedError, match="format 'PRMQLOG2'"):
        MessageStore(FOLDER, SMALL, files=files)


# ---- retention ----


def test_retention_by_bytes_drops_whole_segments_and_their_files() -> None:
    files = filled_folder(100)
    options = StoreOptions(segment_bytes=4096, retention_bytes=10_000)
    with MessageStore(FOLDER, options, files=files) as store:
        before = {(q.topic, q.queue_id): messages_of(store, q) for q in store.log.queues()}
        assert store.retain() > 0
        assert store.retain() == 0
        assert store.log.end - store.log.start <= 10_000
        for queue in store.log.queues():
            assert messages_of(store, queue) == before[queue.topic, queue.queue_id][queue.min_offset :]
        begins = {(q.topic, q.queue_id): q.min_offset for q in store.log.queues()}
        assert any(begins.values())
    assert sum(name.endswith(".log") for name in files.content()) <= 3
    with reopened(files, options) as store:
        assert {(q.topic, q.queue_id): q.min_offset for q in store.log.queues()} == begins


def test_retention_by_time_drops_what_is_too_old() -> None:
    clock = ManualClock()
    options = StoreOptions(segment_bytes=4096, retention_time=60)
    with MessageStore(None, options, clock=clock) as store:
        queue = store.log.queue("T", 0)
        for _ in range(100):
            store.append(queue, BODY)
        assert store.retain() == 0
        clock.advance(61)
        assert store.retain() > 0
        assert len(store.log.segments) == 1
        assert queue.max_offset == 100


def test_memory_is_bounded_by_retention_while_messages_come() -> None:
    with MessageStore(None, StoreOptions(segment_bytes=4096, retention_bytes=16_384)) as store:
        queue = store.log.queue("T", 0)
        for number in range(1000):
            store.append(queue, b"%d" % number * 20)
        assert store.log.end - store.log.start <= 16_384
        assert [int(m.body[:3]) for m in messages_of(store, queue)] == list(range(queue.min_offset, 1000))
        assert queue.min_offset > 850


def test_queue_whose_messages_are_all_gone_keeps_its_place_over_a_restart() -> None:
    files = FilesDouble()
    options = StoreOptions(segment_bytes=4096, retention_bytes=5000)
    with MessageStore(FOLDER, options, files=files) as store:
        for _ in range(5):
            store.append(store.log.queue("quiet", 0), BODY)
        for _ in range(200):
            store.append(store.log.queue("busy", 0), BODY)
            store.commit()
        store.retain()
    with reopened(files, options) as store:
        queue = store.log.queue("quiet", 0)
        assert (queue.min_offset, queue.max_offset) == (5, 5)
        assert store.append(queue, BODY)[0] == 5


def test_deleted_topic_stays_deleted_and_its_successor_begins_at_zero() -> None:
    files = filled_folder(60)
    with MessageStore(FOLDER, SMALL, files=files) as store:
        others = bodies_of(store, "U", 1)
        store.drop_topic("T")
        assert store.log.topics() == ["U"]
        store.append(store.log.queue("T", 0), b"anew")
    with reopened(files) as store:
        assert bodies_of(store, "T", 0) == [b"anew"]
        assert bodies_of(store, "U", 1) == others
        assert store.log.find_queue("T", 1) is None


def test_message_behind_a_lost_tail_is_not_taken_for_one_of_a_deleted_topic() -> None:
    files = filled_folder(3)
    with MessageStore(FOLDER, SMALL, files=files) as store:
        store.drop_topic("T")
    (name,) = [name for name in files.content() if name.endswith(".log")]
    del files.names_now[name].content[40:]
    files = FilesDouble(files.content())
    with MessageStore(FOLDER, SMALL, files=files) as store:
        store.append(store.log.queue("T", 0), b"anew")
    with reopened(files) as store:
        assert bodies_of(store, "T", 0) == [b"anew"]


# ---- no space ----


def test_full_disk_takes_the_turn_back_and_goes_on_when_there_is_space() -> None:
    files = FilesDouble()
    with MessageStore(FOLDER, SMALL, files=files) as store:
        queue = store.log.queue("T", 0)
        store.append(queue, b"before")
        store.commit()
        files.space = 50
        store.append(queue, BODY)
        store.append(queue, BODY)
        with pytest.raises(StoreFullError, match="cannot write 392 bytes to data") as caught:
            store.commit()
        assert caught.value.retryable
        assert queue.next_offset == 1
        assert store.commit() == store.log.end
        files.space = None
        assert store.append(queue, b"after")[0] == 1
        store.commit()
        assert bodies_of(store) == [b"before", b"after"]
    with reopened(files) as store:
        assert bodies_of(store) == [b"before", b"after"]


def test_full_disk_at_the_end_of_a_segment_fails_the_whole_turn() -> None:
    files = FilesDouble()
    with MessageStore(FOLDER, SMALL, files=files) as store:
        queue = store.log.queue("T", 0)
        files.space = 1000
        with pytest.raises(StoreFullError):
            append_many(store, queue, 100)
        files.space = None
        store.append(queue, b"of the same turn")
        with pytest.raises(StoreFullError):
            store.append(queue, b"x" * 4096)
        with pytest.raises(StoreFullError):
            store.commit()
        assert queue.next_offset == 0
        store.append(queue, b"of the next turn")
        store.commit()
        assert bodies_of(store) == [b"of the next turn"]


def test_full_disk_when_a_segment_begins_keeps_what_was_written() -> None:
    files = FilesDouble()
    with MessageStore(FOLDER, SMALL, files=files) as store:
        queue = store.log.queue("T", 0)
        appended = 0
        while store.log.room > 1000:
            store.append(queue, BODY)
            appended += 1
        store.commit()
        files.space = 10
        with pytest.raises(StoreFullError, match="cannot begin the segment"):
            store.append(queue, b"x" * 2000)
        store.commit()
        assert len(bodies_of(store)) == appended
        files.space = None
        store.append(queue, b"x" * 2000)
        store.commit()
        assert len(bodies_of(store)) == appended + 1
    assert len(bodies_of(reopened(files))) == appended + 1


def test_retention_finds_space_on_a_full_disk() -> None:
    files = filled_folder(100)
    options = StoreOptions(segment_bytes=4096, retention_bytes=10_000)
    with MessageStore(FOLDER, options, files=files) as store:
        files.space = 0
        assert store.retain() > 0
        assert files.space is not None
        assert files.space > 4096


def test_index_that_cannot_be_written_costs_only_time(caplog: pytest.LogCaptureFixture) -> None:
    files = FilesDouble()
    with MessageStore(FOLDER, SMALL, files=files) as store:
        queue = store.log.queue("T", 0)
        while store.log.room > 150:
            store.append(queue, BODY)
        store.commit()
        files.space = 32 + 300
        store.append(queue, BODY)
        store.commit()
        store.sync()
        count = queue.max_offset
    assert "the next start will take longer" in caplog.text
    with reopened(files) as store:
        assert len(bodies_of(store)) == count


# ---- states, options, lock ----


def test_state_is_kept_beside_the_log() -> None:
    files = FilesDouble()
    with MessageStore(FOLDER, SMALL, files=files) as store:
        assert store.state("offsets").load() == {}
        store.state("offsets").save({"T@g": {"0": 17}})
    with reopened(files) as store:
        assert store.state("offsets").load() == {"T@g": {"0": 17}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no JSON object"),
        (b"[1]", "no JSON object"),
        (b'{"version":1}', "no JSON object"),
        (b'{"version":2,"state":{}}', "has format 2"),
        (b'{"version":1,"state":[]}', "has list for a state"),
        (b'{"version":1,"crc32c":1,"state":{"a":1}}', "another checksum"),
    ],
)
def test_damaged_state_is_refused_with_the_name_of_its_file(text: bytes, why: str) -> None:
    with MessageStore(FOLDER, SMALL, files=FilesDouble({"offsets.json": text})) as store:
        with pytest.raises(StoreDamagedError, match=why) as caught:
            store.state("offsets").load()
        assert caught.value.field == "offsets.json"


@pytest.mark.parametrize(
    "state",
    [
        '{"end":"x"}',
        '{"next":{"T":{"9999999999":1}}}',
        '{"end":-1}',
        '{"next":{"T":{"x":1}}}',
        '{"next":{"T":3}}',
        '{"dropped":[1]}',
    ],
)
def test_queues_file_with_other_content_is_refused(state: str) -> None:
    text = b'{"version":1,"state":%s}' % state.encode()
    with pytest.raises(StoreDamagedError, match=r"queues\.json has other content"):
        MessageStore(FOLDER, SMALL, files=FilesDouble({"queues.json": text}))


def test_state_edited_by_hand_has_no_checksum() -> None:
    files = FilesDouble({"offsets.json": b'{ "version": 1, "state": {"a": 1} }'})
    with MessageStore(FOLDER, SMALL, files=files) as store:
        assert store.state("offsets").load() == {"a": 1}


def test_state_that_cannot_be_written_stays_as_it_was() -> None:
    files = FilesDouble()
    with MessageStore(FOLDER, SMALL, files=files) as store:
        state = store.state("offsets")
        state.save({"a": 1})
        files.space = 5
        with pytest.raises(StoreFullError):
            state.save({"a": 2})
        assert state.load() == {"a": 1}
        files.space = None
        assert not any(name.endswith(".tmp") for name in files.content())


@pytest.mark.parametrize(
    ("field", "value"),
    [("segment_bytes", 100), ("fsync", "often"), ("fsync_interval", 0.0), ("retention_bytes", -1)],
)
def test_wrong_option_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        StoreOptions(**{field: value})
    assert caught.value.field == field


def test_second_store_of_a_folder_is_told_who_has_it(tmp_path: Path) -> None:
    with MessageStore(tmp_path, SMALL), pytest.raises(StoreLockedError, match="in use by this process"):
        MessageStore(tmp_path, SMALL)
    with MessageStore(tmp_path, SMALL):
        pass


def test_store_of_another_process_is_told_by_its_id(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from pyrocketmq.server.store import MessageStore\n"
        "store = MessageStore(pathlib.Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"open"
        with pytest.raises(StoreLockedError, match=f"in use by the process {child.pid}"):
            MessageStore(tmp_path)
        child.kill()
    with MessageStore(tmp_path):
        pass


def test_folder_that_cannot_be_made_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot open the data folder"):
        MessageStore(tmp_path / "file" / "data")
