"""The native log: appending, positions, answers, filters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native.batch import encode_batch_records
from pyrocketmq._native.log import RecordLog
from pyrocketmq._native.logcut import CutStatus
from pyrocketmq._native.logindex import load_index, make_index, scan_segment
from pyrocketmq._native.logqueue import LogQueue, TagCodes, tags_code_of
from pyrocketmq._native.logrecord import pack_host
from pyrocketmq._native.queuehash import tags_code
from pyrocketmq._native.stored import decode_messages_strict
from pyrocketmq.errors import DeserializationError, MessageTooLargeError, StoreError
from tests.properties import FEWER_EXAMPLES

FOREVER = 2**63 - 1


def new_log(capacity: int = 1 << 16) -> RecordLog:
    log = RecordLog(("10.0.0.1", 10911))
    log.begin_segment(0, capacity)
    log.visible = FOREVER
    return log


def filled(count: int, log: RecordLog | None = None) -> tuple[RecordLog, LogQueue]:
    log = log or new_log()
    queue = log.queue("orders", 1)
    for number in range(count):
        log.append(queue, b"%d" % number, b"TAGS\x01t%d\x02" % (number % 3), store_timestamp=1000 + number)
    return log, queue


def test_record_has_all_that_was_given_and_its_place() -> None:
    log = new_log()
    queue = log.queue("orders", 3)
    log.append(queue, b"first", store_timestamp=1)
    offset, position = log.append(
        queue,
        b"body",
        b"KEYS\x01k\x02",
        store_timestamp=5,
        born_timestamp=4,
        born_host=pack_host(("2001:db8::1", 99)),
        flag=7,
        sys_flag=8,
        reconsume_times=2,
        prepared_transaction_offset=11,
    )
    record = log.read_at(position)
    assert record is not None
    (message,) = decode_messages_strict(record)
    assert (
        (message.topic, message.queue_id, message.queue_offset) == ("orders", 3, offset) == ("orders", 3, 1)
    )
    assert (message.body, message.properties) == (b"body", {"KEYS": "k"})
    assert (message.commit_log_offset, message.store_timestamp, message.born_timestamp) == (position, 5, 4)
    assert (message.born_host, message.store_host) == (("2001:db8::1", 99), ("10.0.0.1", 10911))
    assert (message.flag, message.raw_sys_flag) == (7, 8 | 0x10)
    assert (message.reconsume_times, message.prepared_transaction_offset) == (2, 11)
    assert message.check_crc()


def test_long_topic_is_stored_as_version_two() -> None:
    log = new_log()
    topic = "%RETRY%" + "g" * 200
    _, position = log.append(log.queue(topic, 0), b"b", store_timestamp=1)
    record = log.read_at(position)
    assert record is not None
    assert decode_messages_strict(record)[0].topic == topic


@pytest.mark.parametrize(
    ("offset", "status", "next_offset"),
    [
        (-1, CutStatus.TOO_SMALL, 0),
        (0, CutStatus.FOUND, 4),
        (3, CutStatus.FOUND, 4),
        (4, CutStatus.AT_END, 4),
        (5, CutStatus.TOO_LARGE, 4),
    ],
)
def test_cut_says_where_an_offset_lies(offset: int, status: CutStatus, next_offset: int) -> None:
    log, queue = filled(4)
    cut = log.cut(queue, offset)
    assert (cut.status, cut.next_offset, cut.min_offset, cut.max_offset) == (status, next_offset, 0, 4)


def test_cut_of_an_empty_queue_begins_at_zero() -> None:
    log = new_log()
    queue = log.queue("orders", 0)
    assert log.cut(queue, 0).status is CutStatus.AT_END
    cut = log.cut(queue, 5)
    assert (cut.status, cut.next_offset) == (CutStatus.EMPTY, 0)


def test_cut_takes_one_message_whatever_its_size() -> None:
    log, queue = filled(5)
    cut = log.cut(queue, 1, max_messages=0, max_bytes=0)
    assert (cut.count, cut.next_offset) == (1, 2)


def test_cut_ends_at_the_bound_on_bytes() -> None:
    log, queue = filled(9)
    entry = queue.entry(0)
    assert entry is not None
    assert log.cut(queue, 0, 32, entry[1] * 3).count == 3
    assert log.cut(queue, 0, 32, entry[1] * 3 - 1).count == 2


def test_tags_choose_messages_and_the_rest_is_stepped_over() -> None:
    log, queue = filled(10)
    cut = log.cut(queue, 0, tags=TagCodes([tags_code("t1"), tags_code("other")]))
    assert [m.queue_offset for m in decode_messages_strict(cut.data)] == [1, 4, 7]
    assert cut.next_offset == 10
    nothing = log.cut(queue, 0, tags=TagCodes([]))
    assert (nothing.status, nothing.next_offset, nothing.data) == (CutStatus.NO_MATCH, 10, b"")


def test_bound_on_the_scan_ends_a_search_that_finds_nothing() -> None:
    log, queue = filled(10)
    cut = log.cut(queue, 0, tags=TagCodes([1]), max_scan=4)
    assert (cut.status, cut.next_offset) == (CutStatus.NO_MATCH, 4)


def test_further_filter_sees_the_properties() -> None:
    log, queue = filled(10)
    cut = log.cut(queue, 0, accept=lambda properties: properties == {"TAGS": "t2"})
    assert [m.queue_offset for m in decode_messages_strict(cut.data)] == [2, 5, 8]


def test_error_of_a_filter_reaches_the_caller_and_the_log_goes_on() -> None:
    log, queue = filled(2)

    def fail(_: dict[str, str]) -> bool:
        raise KeyError("no such thing")

    with pytest.raises(KeyError):
        log.cut(queue, 0, accept=fail)
    assert log.append(queue, b"", store_timestamp=0)[0] == 2


def test_filter_cannot_change_the_log() -> None:
    log, queue = filled(2)
    with pytest.raises(StoreError, match="while a filter"):
        log.cut(queue, 0, accept=lambda _: log.append(queue, b"x", store_timestamp=0))
    with pytest.raises(StoreError, match="while a filter"):
        log.cut(queue, 0, accept=lambda _: log.drop_topic("orders"))


def test_answer_with_more_messages_than_usual_has_them_all() -> None:
    log, queue = filled(500)
    assert [m.queue_offset for m in decode_messages_strict(log.cut(queue, 0, 1000).data)] == list(range(500))


def test_only_what_is_visible_is_read() -> None:
    log, queue = filled(3)
    entry = queue.entry(2)
    assert entry is not None
    log.visible = entry[0]
    assert (queue.max_offset, queue.next_offset) == (2, 3)
    assert log.cut(queue, 0).count == 2
    assert log.cut(queue, 2).status is CutStatus.AT_END
    assert (queue.entry(2), log.read_at(entry[0])) == (None, None)


def test_read_at_takes_only_the_beginning_of_a_record() -> None:
    log, queue = filled(2)
    entry = queue.entry(1)
    assert entry is not None
    assert log.read_at(entry[0]) is not None
    for position in (-1, 1, entry[0] - 1, entry[0] + 1, log.end - 1, log.end, FOREVER):
        assert log.read_at(position) is None


def test_read_at_is_not_taken_in_by_a_record_inside_of_a_body() -> None:
    log = new_log()
    queue = log.queue("orders", 0)
    log.append(queue, b"", store_timestamp=1)
    position = log.end + 88  # where the body of the next record begins
    inner = RecordLog()
    inner.begin_segment(position, 4096)
    inner.append(inner.queue("orders", 0), b"forged", store_timestamp=1)
    log.append(queue, bytes(inner.bytes_from(position)), store_timestamp=1)
    assert log.read_at(position) is None


def test_batch_gets_consecutive_offsets_and_keeps_its_properties() -> None:
    log, queue = filled(1)
    batch = encode_batch_records([(0, "A\x01a\x02", b"one"), (9, "B\x01b", b"two"), (0, "", b"three")])
    first, count = log.append_batch(queue, batch, store_timestamp=7, reconsume_times=2)
    assert (first, count, queue.max_offset) == (1, 3, 4)
    messages = decode_messages_strict(log.cut(queue, 1).data)
    assert [m.body for m in messages] == [b"one", b"two", b"three"]
    assert [m.flag for m in messages] == [0, 9, 0]
    assert [m.properties for m in messages] == [{"A": "a"}, {"B": "b"}, {}]
    assert [m.reconsume_times for m in messages] == [2, 2, 2]
    assert queue.positions(first, count) == [m.commit_log_offset for m in messages]


@given(st.data())
def test_broken_batch_leaves_nothing(data: st.DataObject) -> None:
    log, queue = filled(1)
    batch = encode_batch_records([(0, "A\x01a\x02", b"one"), (0, "", b"two")])
    cut = data.draw(st.integers(1, len(batch) - 1))
    if cut == 22 + 3 + 4:
        return  # the first record alone is whole
    end = log.end
    with pytest.raises(DeserializationError):
        log.append_batch(queue, batch[:cut], store_timestamp=7)
    assert (log.end, queue.max_offset) == (end, 1)


def test_properties_over_the_limit_are_refused() -> None:
    log, queue = filled(0)
    with pytest.raises(MessageTooLargeError, match="32,768 bytes"):
        log.append(queue, b"b", b"x" * 32768, store_timestamp=0)
    assert log.end == 0


def test_full_segment_asks_its_owner_for_the_next() -> None:
    asked = []

    def begin(need: int) -> None:
        asked.append(need)
        log.begin_segment(log.end, 256)

    log = RecordLog(on_full=begin)
    log.visible = FOREVER
    queue = log.queue("orders", 0)
    for number in range(10):
        log.append(queue, b"%d" % number, store_timestamp=number)
    assert len(log.segments) == len(asked) > 2
    assert [m.body for m in decode_messages_strict(log.cut(queue, 0).data)] == [b"%d" % n for n in range(10)]


def test_owner_that_makes_no_room_is_told_so() -> None:
    log = new_log(200)
    queue = log.queue("orders", 0)
    with pytest.raises(StoreError, match="no segment with room"):
        log.append(queue, b"x" * 500, store_timestamp=0)
    assert (log.end, queue.next_offset) == (0, 0)


def test_dropped_segments_move_the_first_offset() -> None:
    log = RecordLog(on_full=lambda _: log.begin_segment(log.end, 1 << 13))
    log.visible = FOREVER
    _, queue = filled(1000, log)
    middle = log.segments[len(log.segments) // 2].base
    log.drop_before(middle)
    assert log.start == middle
    entry = queue.entry(queue.min_offset)
    assert entry is not None
    assert entry[0] == middle
    assert queue.entry(queue.min_offset - 1) is None
    cut = log.cut(queue, 0)
    assert (cut.status, cut.next_offset) == (CutStatus.TOO_SMALL, queue.min_offset)
    assert [
        int(m.body) for m in decode_messages_strict(log.cut(queue, queue.min_offset, 2000, 1 << 20).data)
    ] == list(range(queue.min_offset, 1000))


def test_offset_at_time_is_that_of_the_first_message_not_before() -> None:
    log = new_log()
    queue = log.queue("orders", 0)
    for time in (10, 20, 20, 30):
        log.append(queue, b"", store_timestamp=time)
    assert [queue.offset_at_time(time) for time in (0, 10, 11, 20, 21, 30, 31)] == [0, 0, 1, 1, 3, 3, 4]


def test_taken_back_records_give_their_offsets_again() -> None:
    log, queue = filled(3)
    entry = queue.entry(1)
    assert entry is not None
    log.take_back(entry[0])
    assert queue.max_offset == 1
    assert log.append(queue, b"again", store_timestamp=0) == (1, entry[0])


def test_queue_of_a_deleted_topic_refuses_and_a_new_one_begins_at_zero() -> None:
    log, queue = filled(3)
    log.drop_topic("orders")
    with pytest.raises(StoreError, match="was deleted"):
        log.append(queue, b"", store_timestamp=0)
    assert queue.max_offset == 0
    assert log.append(log.queue("orders", 1), b"", store_timestamp=0)[0] == 0


@given(st.text())
def test_tags_code_in_the_index_is_the_hash_of_java(tag: str) -> None:
    try:
        raw = tag.encode()
    except UnicodeEncodeError:
        return
    if not tag or "\x01" in tag or "\x02" in tag:
        return
    assert tags_code_of(b"A\x01a\x02TAGS\x01" + raw + b"\x02") == tags_code(tag)


def test_message_without_tags_has_code_zero() -> None:
    assert tags_code_of(b"") == tags_code_of(b"KEYS\x01TAGS\x02") == 0


def test_index_that_was_written_equals_that_of_reading() -> None:
    log, _ = filled(300)
    log.append(log.queue("other", 2), b"x", store_timestamp=5)
    data = bytes(log.bytes_from(0))
    index = make_index(log, log.segments[0])
    by_index, by_scan = RecordLog(), RecordLog()
    assert load_index(by_index, by_index.attach_segment(0, data), index)
    assert scan_segment(by_scan, by_scan.attach_segment(0, data)) == (len(data), [])
    for copy in (by_index, by_scan):
        copy.visible = FOREVER
        for queue in log.queues():
            twin = copy.find_queue(queue.topic, queue.queue_id)
            assert twin is not None
            assert [twin.entry(n) for n in range(400)] == [queue.entry(n) for n in range(400)]
        assert copy.segments[0].last_store_time == 5


@given(st.data())
def test_damaged_index_is_refused_and_leaves_nothing(data: st.DataObject) -> None:
    log, _ = filled(5)
    content = bytes(log.bytes_from(0))
    index = bytearray(make_index(log, log.segments[0]))
    at = data.draw(st.integers(0, len(index) - 1))
    index[at] ^= data.draw(st.integers(1, 255))
    fresh = RecordLog()
    segment = fresh.attach_segment(0, content)
    assert not load_index(fresh, segment, bytes(index))
    assert not load_index(fresh, segment, bytes(index[:at]))
    assert fresh.queues() == []


@FEWER_EXAMPLES
@given(st.data())
def test_damaged_byte_of_a_mapped_segment_is_noticed_and_passed_over(data: st.DataObject) -> None:
    log, queue = filled(6)
    content = bytearray(log.bytes_from(0))
    index = make_index(log, log.segments[0])
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    told: list[tuple[int, str, int, int]] = []
    copy = RecordLog(on_damage=lambda *place: told.append(place))
    assert load_index(copy, copy.attach_segment(0, bytes(content)), index)
    copy.visible = FOREVER
    twin = copy.queue("orders", 1)
    found = [m.queue_offset for m in decode_messages_strict(copy.cut(twin, 0).data)]
    (lost,) = set(range(6)) - set(found)
    entry = queue.entry(lost)
    assert entry is not None
    assert told == [(entry[0], "orders", 1, lost)]
    assert entry[0] <= at < entry[0] + entry[1] + 4
    assert copy.read_at(entry[0]) is None
    copy.cut(twin, 0)
    assert (len(told), copy.damaged) == (1, 1)


@given(st.data())
def test_scan_goes_on_behind_damage(data: st.DataObject) -> None:
    log, queue = filled(6)
    content = bytearray(log.bytes_from(0))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    copy = RecordLog()
    end, damage = scan_segment(copy, copy.attach_segment(0, bytes(content)))
    copy.visible = FOREVER
    lost = next(n for n in range(6) if queue.positions(n, 1)[0] + queue.entry(n)[1] + 4 > at)  # type: ignore[index]
    position = queue.positions(lost, 1)[0]
    assert (end, damage) == ((position, []) if lost == 5 else (len(content), [(position, damage[0][1])]))
    twin = copy.queue("orders", 1)
    expected = [n for n in range(6) if n != lost]
    offset = twin.min_offset
    assert [m.queue_offset for m in decode_messages_strict(copy.cut(twin, offset).data)] == expected


@pytest.mark.parametrize("size", [0, 1, 31, 200, 5000])
def test_garbage_has_no_records(size: int) -> None:
    log = RecordLog()
    garbage = b"\xda\xa3\x20\xa7" * size
    assert scan_segment(log, log.attach_segment(0, garbage)) == (0, [])
