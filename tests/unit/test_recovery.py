"""What a store keeps: after kill -9, after a power cut at any moment, after damage to any file, and by a
model.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pyrocketmq._clock import ManualClock
from pyrocketmq._native.batch import encode_batch_records
from pyrocketmq._native.logqueue import TagCodes
from pyrocketmq._native.queuehash import tags_code
from pyrocketmq.errors import RocketMQError, StoreFullError
from pyrocketmq.server.store import MessageStore, StoreOptions
from tests.soak.kill_store import kill_once

from .store_files import FilesDouble
from .store_reading import FOLDER, SMALL, SMALL_ALWAYS, filled_folder, messages_of


@pytest.mark.parametrize("fsync", ["never", "interval", "always"])
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_process_loses_nothing_that_it_acknowledged(fsync: str, seed: int, tmp_path: Path) -> None:
    acknowledged, recovered = kill_once(tmp_path, fsync, random.Random(seed), most_seconds=0.15)
    assert recovered >= acknowledged


def test_power_cut_at_any_moment_loses_nothing_that_was_acknowledged_with_always() -> None:
    files = FilesDouble()
    files.photos = []
    with MessageStore(FOLDER, SMALL_ALWAYS, files=files) as store:
        for number in range(30):
            store.append(store.log.queue("T", number % 2), b"%d" % number * 100)
            store.commit()
            store.sync()
            files.acknowledged = number + 1
    assert len(files.photos) > 60
    for acknowledged, content in files.photos:
        with MessageStore(FOLDER, SMALL_ALWAYS, files=FilesDouble(content)) as store:
            found = [[m.body for m in messages_of(store, store.log.queue("T", n))] for n in range(2)]
            bodies = sorted((body for queue in found for body in queue), key=len)
            assert len(bodies) >= acknowledged
            for number in range(acknowledged):
                assert b"%d" % number * 100 == found[number % 2][number // 2]
            store.append(store.log.queue("T", 0), b"next")
            store.commit()


def test_power_cut_with_other_policies_leaves_only_whole_messages() -> None:
    files = FilesDouble()
    files.photos = []
    with MessageStore(FOLDER, SMALL, files=files) as store:
        for number in range(30):
            store.append(store.log.queue("T", 0), b"%d" % number * 100)
            store.commit()
    for _, content in files.photos:
        with MessageStore(FOLDER, SMALL, files=FilesDouble(content)) as store:
            queue = store.log.queue("T", 0)
            for message in messages_of(store, queue):
                assert message.body == b"%d" % message.queue_offset * 100


# ---- damage ----

FOLDER_CONTENT = filled_folder(60).content()
ORIGINAL: dict[tuple[str, int, int], bytes] = {}
with MessageStore(FOLDER, SMALL, files=FilesDouble(FOLDER_CONTENT)) as _store:
    for _queue in _store.log.queues():
        for _message in messages_of(_store, _queue):
            ORIGINAL[_queue.topic, _queue.queue_id, _message.queue_offset] = _message.raw_record


def damaged(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    begin = rng.randrange(len(data) + 1)
    length = min(rng.choice((1, 2, 8, 100, 4096)), len(data) - begin)
    way = rng.randrange(5)
    if way == 0:
        data[begin : begin + length] = rng.randbytes(length)
    elif way == 1:
        data[begin : begin + length] = bytes(length)
    elif way == 2:
        del data[begin : begin + length]
    elif way == 3:
        data[begin:begin] = rng.randbytes(length)
    else:
        del data[begin:]
    return bytes(data)


@settings(deadline=None, max_examples=60)
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_damaged_folder_gives_true_messages_or_our_error(rng: random.Random, times: int) -> None:
    content = dict(FOLDER_CONTENT)
    for _ in range(times):
        name = rng.choice(sorted(content))
        fate = rng.random()
        if fate < 0.1:
            del content[name]
        elif fate < 0.2:
            content[name] = content[rng.choice(sorted(content))]
        else:
            content[name] = damaged(content[name], rng)
    try:
        store = MessageStore(FOLDER, SMALL, files=FilesDouble(content))
    except RocketMQError:
        return
    with store:
        for queue in store.log.queues():
            for message in messages_of(store, queue):
                place = (queue.topic, queue.queue_id, message.queue_offset)
                assert message.raw_record == ORIGINAL[place]
                assert store.log.read_at(message.commit_log_offset) == message.raw_record
            offset, _ = store.append(queue, b"goes on")
            store.commit()
            assert messages_of(store, queue, offset)[0].body == b"goes on"


# ---- model ----


class StoreModel(RuleBasedStateMachine):
    """A store against plain lists of (body, tag, time)."""

    @initialize(disk=st.booleans(), fsync=st.sampled_from(["never", "interval", "always"]))
    def begin(self, disk: bool, fsync: str) -> None:
        self.clock = ManualClock()
        self.options = StoreOptions(segment_bytes=4096, fsync=fsync, retention_bytes=30_000)  # type: ignore[arg-type]
        self.files = FilesDouble()
        self.disk = disk
        self.queues: dict[tuple[str, int], list[tuple[bytes, str, int]]] = {}
        self.pending: list[tuple[str, int]] = []
        self.open()

    def open(self) -> None:
        self.store = MessageStore(
            FOLDER if self.disk else None, self.options, clock=self.clock, files=self.files
        )

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    def note(self, place: tuple[str, int], body: bytes, tag: str) -> None:
        self.queues.setdefault(place, []).append((body, tag, self.clock.now_ms()))
        self.pending.append(place)

    places = st.tuples(st.sampled_from("TU"), st.integers(0, 1))
    tags = st.sampled_from(["", "a", "b"])

    @rule(place=places, tag=tags, size=st.integers(0, 3000))
    def append(self, place: tuple[str, int], tag: str, size: int) -> None:
        body = b"%d" % len(self.queues.get(place, ())) + bytes(size)
        properties = f"TAGS\x01{tag}\x02".encode() if tag else b""
        offset, _ = self.store.append(self.store.log.queue(*place), body, properties)
        assert offset == len(self.queues.get(place, ()))
        self.note(place, body, tag)
        if not self.disk:
            self.pending.clear()

    @rule(place=places, sizes=st.lists(st.integers(1, 400), min_size=1, max_size=12))
    def append_batch(self, place: tuple[str, int], sizes: list[int]) -> None:
        first = len(self.queues.get(place, ()))
        bodies = [b"%d" % (first + n) + bytes(size) for n, size in enumerate(sizes)]
        batch = encode_batch_records([(0, "", body) for body in bodies])
        got = self.store.log.append_batch(
            self.store.log.queue(*place), batch, store_timestamp=self.clock.now_ms()
        )
        assert got == (first, len(bodies))
        for body in bodies:
            self.note(place, body, "")

    @rule()
    def commit(self) -> None:
        self.store.commit()
        self.store.sync()
        self.pending.clear()

    @precondition(lambda self: self.disk)
    @rule()
    def full_disk(self) -> None:
        self.commit()
        self.files.space = 0
        queue = self.store.log.queue("T", 0)
        try:
            self.store.append(queue, b"lost")
            self.store.commit()
        except StoreFullError:
            pass
        else:
            raise AssertionError("a full disk took a message")
        with contextlib.suppress(StoreFullError):
            self.store.commit()
        self.files.space = None

    @rule(seconds=st.floats(0, 5))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def retain(self) -> None:
        self.commit()
        self.store.retain()

    @rule(topic=st.sampled_from("TU"))
    def drop_topic(self, topic: str) -> None:
        self.commit()
        self.store.drop_topic(topic)
        self.queues = {place: queue for place, queue in self.queues.items() if place[0] != topic}

    @precondition(lambda self: self.disk)
    @rule(lose_indexes=st.booleans())
    def restart(self, lose_indexes: bool) -> None:
        self.store.close()
        self.pending.clear()
        content = self.files.content()
        if lose_indexes:
            content = {name: data for name, data in content.items() if not name.endswith(".idx")}
        self.files = FilesDouble(content)
        self.open()

    @rule(place=places, wanted=st.sets(st.sampled_from(["a", "b"])), start=st.integers(0, 40))
    def filtered(self, place: tuple[str, int], wanted: set[str], start: int) -> None:
        self.commit()
        queue = self.store.log.queue(*place)
        start = max(start, queue.min_offset)
        cut = self.store.log.cut(queue, start, 1000, 1 << 30, TagCodes(tags_code(tag) for tag in wanted))
        expected = [body for body, tag, _ in self.queues.get(place, [])[start:] if tag in wanted]
        found = [m.body for m in messages_of(self.store, queue, start) if (m.tags or "") in wanted]
        assert (found, cut.count) == (expected, len(expected))

    @rule(place=places, back=st.integers(0, 20_000))
    def by_time(self, place: tuple[str, int], back: int) -> None:
        self.commit()
        queue = self.store.log.queue(*place)
        moment = self.clock.now_ms() - back
        times = [time for _, _, time in self.queues.get(place, [])]
        expected = next(
            (n for n, time in enumerate(times) if time >= moment and n >= queue.min_offset), len(times)
        )
        assert queue.offset_at_time(moment) == expected

    @invariant()
    def reads_what_was_written(self) -> None:
        if not hasattr(self, "store") or self.pending:
            return
        for place, expected in self.queues.items():
            queue = self.store.log.queue(*place)
            assert queue.max_offset == queue.next_offset == len(expected)
            found = messages_of(self.store, queue)
            assert [m.body for m in found] == [body for body, _, _ in expected[queue.min_offset :]]
            assert [m.store_timestamp for m in found] == [time for _, _, time in expected[queue.min_offset :]]


TestStoreModel = StoreModel.TestCase
TestStoreModel.settings = settings(deadline=None, max_examples=25, stateful_step_count=20)
