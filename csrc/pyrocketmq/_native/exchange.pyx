"""Plain sends and pulls as they stand in a request, and the frames that answer them.

The answers are those of the general way, byte for byte. Knows neither connections nor the log.
"""

from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset, strlen

from pyrocketmq._native.bytesio cimport Output, copy, reserve, store_be16, store_be32, store_be64
from pyrocketmq._native.frame cimport JSON_CODEC
from pyrocketmq._native.logcut cimport Selection, copy_selection
from pyrocketmq._native.logqueue cimport LogQueue
from pyrocketmq._native.properties cimport next_property
from pyrocketmq._native.request cimport Field, RequestHead, field_number
from pyrocketmq._native.text cimport Text, put_decimal, put_hex16, put_literal

# The functions here are for other native modules: see the .pxd.
__all__ = []

cdef enum:
    WORDS_BYTES = 8
    BINARY_FIXED_BYTES = 21
    VERSION = 513
    ANSWER_ROOM = 512  # for all but ids and the unique key
    NUMBER_ROOM = 20
    IPV4_HOST_BYTES = 8

    PLAIN_FLAGS = 0x703  # compressed, several tags, and how it is compressed; the others need a decision
    # What a send has to have.
    HAS_TOPIC = 1
    HAS_QUEUE = 2
    HAS_SYS_FLAG = 4
    HAS_BORN = 8
    HAS_FLAG = 16
    HAS_ALL_OF_A_SEND = 31
    # What a pull has to have, besides some of the above.
    HAS_GROUP = 32
    HAS_OFFSET = 64
    HAS_COUNT = 128
    HAS_COMMIT = 256
    HAS_SUSPEND = 512
    HAS_VERSION = 1024
    HAS_ALL_OF_A_PULL = HAS_TOPIC | HAS_QUEUE | HAS_SYS_FLAG | 0x7E0


# hot: begin
cdef inline bint named(const Field *field, const char *name) noexcept nogil:
    cdef Py_ssize_t size = <Py_ssize_t>strlen(name)
    return field.name.size == size and memcmp(field.name.at, name, size) == 0


cdef inline bint int32_of(const Field *field, int32_t *into) noexcept nogil:
    cdef int64_t number
    if not field_number(field, INT32_MIN, INT32_MAX, &number):
        return False
    into[0] = <int32_t>number
    return True


cdef inline bint int64_of(const Field *field, int64_t *into) noexcept nogil:
    # 18 digits: more than any offset or time has.
    return field_number(field, -(<int64_t>1 << 62), <int64_t>1 << 62, into)


cdef inline bint bool_of(const Field *field, bint *into) noexcept nogil:
    if field.value.size == 5 and memcmp(field.value.at, "false", 5) == 0:
        into[0] = False
        return True
    if field.value.size == 4 and memcmp(field.value.at, "true", 4) == 0:
        into[0] = True
        return True
    return False


cdef char letter_of(const Field *field) noexcept nogil:
    """The letter that stands for a field of a send with long names, 0 for the others."""
    if named(field, b"topic"):
        return b"b"
    if named(field, b"queueId"):
        return b"e"
    if named(field, b"sysFlag"):
        return b"f"
    if named(field, b"bornTimestamp"):
        return b"g"
    if named(field, b"flag"):
        return b"h"
    if named(field, b"properties"):
        return b"i"
    if named(field, b"reconsumeTimes"):
        return b"j"
    if named(field, b"batch"):
        return b"m"
    return 0


cdef bint read_send(const RequestHead *head, SendRequest *send) noexcept nogil:
    cdef const Field *field
    cdef int index, seen = 0
    cdef int32_t unused
    cdef char letter
    send.properties = NULL
    send.reconsume_times = 0
    send.batch = False
    for index in range(head.count):
        field = &head.fields[index]
        if head.code == SEND_MESSAGE:
            letter = letter_of(field)
        else:
            letter = field.name.at[0] if field.name.size == 1 else 0
        if field.escaped and letter != b"i":
            return False
        if letter == b"b":
            seen |= HAS_TOPIC
            send.topic = field.value
        elif letter == b"e":
            seen |= HAS_QUEUE
            if not int32_of(field, &send.queue_id):
                return False
        elif letter == b"f":
            seen |= HAS_SYS_FLAG
            if not int32_of(field, &send.sys_flag):
                return False
        elif letter == b"g":
            seen |= HAS_BORN
            if not int64_of(field, &send.born_timestamp):
                return False
        elif letter == b"h":
            seen |= HAS_FLAG
            if not int32_of(field, &send.flag):
                return False
        elif letter == b"i":
            send.properties = field
        elif letter == b"j":
            if not int32_of(field, &send.reconsume_times):
                return False
        elif letter == b"m":
            if not bool_of(field, &send.batch):
                return False
        elif letter == b"d" or letter == b"l":
            # Not needed here, but a text that is no number is refused.
            if not int32_of(field, &unused):
                return False
    if head.code == SEND_BATCH_MESSAGE:
        send.batch = True
    return seen == HAS_ALL_OF_A_SEND and not send.sys_flag & ~PLAIN_FLAGS


cdef bint read_pull(const RequestHead *head, PullRequest *pull) noexcept nogil:
    cdef const Field *field
    cdef int index, seen = 0
    cdef bint good
    cdef int64_t number
    cdef int32_t small = 0
    memset(pull, 0, sizeof(PullRequest))
    for index in range(head.count):
        field = &head.fields[index]
        good = not field.escaped
        if named(field, b"consumerGroup"):
            seen |= HAS_GROUP
            pull.group = field.value
        elif named(field, b"topic"):
            seen |= HAS_TOPIC
            pull.topic = field.value
        elif named(field, b"queueId"):
            seen |= HAS_QUEUE
            good &= int32_of(field, &pull.queue_id)
        elif named(field, b"queueOffset"):
            seen |= HAS_OFFSET
            good &= int64_of(field, &pull.offset)
        elif named(field, b"maxMsgNums"):
            seen |= HAS_COUNT
            good &= int32_of(field, &small)
            pull.max_messages = small
        elif named(field, b"sysFlag"):
            seen |= HAS_SYS_FLAG
            good &= int32_of(field, &pull.sys_flag)
        elif named(field, b"commitOffset"):
            seen |= HAS_COMMIT
            good &= int64_of(field, &pull.commit_offset)
        elif named(field, b"suspendTimeoutMillis"):
            seen |= HAS_SUSPEND
            good &= int64_of(field, &number)
        elif named(field, b"subscription"):
            pull.subscription = field.value
        elif named(field, b"subVersion"):
            seen |= HAS_VERSION
            good &= int64_of(field, &pull.sub_version)
        elif named(field, b"expressionType"):
            pull.expression_type = field.value
        elif named(field, b"maxMsgBytes"):
            good &= int32_of(field, &small)
            pull.max_bytes = small
        elif named(field, b"requestSource"):
            good &= int32_of(field, &small)
        elif named(field, b"liteTopic"):
            good = False
        if not good:
            return False
    return seen == HAS_ALL_OF_A_PULL


cdef inline bint is_special(const Text *name) noexcept nogil:
    """Whether a message with this property is for the delays, the timers or the transactions."""
    if name.size < 5:
        return False
    if name.at[0] == b"D":
        return name.size == 5 and memcmp(name.at, "DELAY", 5) == 0
    if name.at[0] != b"T":
        return False
    return memcmp(name.at, "TIMER", 5) == 0 or memcmp(name.at, "TRAN_", 5) == 0


cdef bint is_usual(const Text *properties, Text *unique_key) noexcept nogil:
    cdef Text rest = properties[0]
    cdef Text name, value
    cdef const char *begin = rest.at
    unique_key.size = 0
    while next_property(&rest, &name, &value):
        # A piece that is passed over is not stored on the general way either.
        if name.at != begin or is_special(&name):
            return False
        begin = rest.at
        if name.size == 8 and memcmp(name.at, "UNIQ_KEY", 8) == 0:
            unique_key[0] = value
    return begin == rest.at


# ---- answers ----

cdef inline uint8_t *put_entry_name(uint8_t *at, const char *name) noexcept nogil:
    cdef Py_ssize_t size = <Py_ssize_t>strlen(name)
    store_be16(at, <uint16_t>size)
    memcpy(at + 2, name, size)
    return at + 2 + size


cdef inline uint8_t *put_entry(uint8_t *at, const char *name, const char *value, Py_ssize_t size) noexcept nogil:
    at = put_entry_name(at, name)
    store_be32(at, <uint32_t>size)
    copy(at + 4, value, size)
    return at + 4 + size


cdef inline uint8_t *put_number_entry(uint8_t *at, const char *name, int64_t number) noexcept nogil:
    cdef uint8_t *end
    at = put_entry_name(at, name)
    end = put_decimal(at + 4, number)
    store_be32(at, <uint32_t>(end - at - 4))
    return end


cdef uint8_t *put_ids(
    uint8_t *at, LogQueue queue, int64_t offset, Py_ssize_t count, const uint8_t *host, Py_ssize_t host_size
) noexcept nogil:
    """The offset message ids of messages in a row, with commas between them."""
    cdef uint8_t raw[32]
    cdef Py_ssize_t index
    memcpy(raw, host, host_size)
    for index in range(count):
        if index:
            at[0] = b","
            at += 1
        store_be64(raw + host_size, <uint64_t>queue.entry_at(offset + index).position)
        put_hex16(at, raw)
        at += 32
        if host_size != IPV4_HOST_BYTES:
            # 28 bytes: the last sixteen of them once more, over what the first had in common with them.
            put_hex16(at - 8, raw + 12)
            at += 24
    return at


cdef Py_ssize_t send_answer_room(Py_ssize_t count, Py_ssize_t key_size) noexcept nogil:
    return ANSWER_ROOM + 60 * count + key_size


cdef inline void put_words(uint8_t *frame, int codec, Py_ssize_t header_size, Py_ssize_t body_size) noexcept nogil:
    store_be32(frame, <uint32_t>(4 + header_size + body_size))
    store_be32(frame + 4, <uint32_t>codec << 24 | <uint32_t>header_size)


cdef inline uint8_t *put_binary_start(uint8_t *at, int32_t opaque) noexcept nogil:
    memset(at, 0, BINARY_FIXED_BYTES)
    store_be16(at + 3, VERSION)
    store_be32(at + 5, <uint32_t>opaque)
    at[12] = 1  # the flag of an answer
    return at + BINARY_FIXED_BYTES


cdef void put_send_answer(
    Output *output, int codec, int32_t opaque, LogQueue queue, int64_t offset, Py_ssize_t count,
    const uint8_t *host, Py_ssize_t host_size, const Text *key,
) noexcept nogil:
    cdef uint8_t *start = output.at + WORDS_BYTES
    cdef uint8_t *at = start
    cdef uint8_t *entry
    if codec == JSON_CODEC:
        at = put_literal(
            at, b'{"code":0,"extFields":{"MSG_REGION":"DefaultRegion","TRACE_ON":"true","msgId":"'
        )
        at = put_ids(at, queue, offset, count, host, host_size)
        at = put_decimal(put_literal(at, b'","queueId":"'), queue.queue_id)
        at = put_decimal(put_literal(at, b'","queueOffset":"'), offset)
        if key.size:
            at = put_literal(at, b'","transactionId":"')
            copy(at, key.at, key.size)
            at += key.size
        at = put_decimal(put_literal(at, b'"},"flag":1,"language":"JAVA","opaque":'), opaque)
        at = put_literal(at, b',"version":513}')
    else:
        at = put_binary_start(at, opaque)
        at = put_entry(at, b"MSG_REGION", b"DefaultRegion", 13)
        at = put_entry(at, b"TRACE_ON", b"true", 4)
        entry = put_entry_name(at, b"msgId")
        at = put_ids(entry + 4, queue, offset, count, host, host_size)
        store_be32(entry, <uint32_t>(at - entry - 4))
        at = put_number_entry(at, b"queueId", queue.queue_id)
        at = put_number_entry(at, b"queueOffset", offset)
        if key.size:
            at = put_entry(at, b"transactionId", key.at, key.size)
        store_be32(start + BINARY_FIXED_BYTES - 4, <uint32_t>(at - start - BINARY_FIXED_BYTES))
    put_words(output.at, codec, at - start, 0)
    output.at = at


cdef int put_pull_answer(Output *output, int codec, int32_t opaque, const Selection *selection) except -1:
    cdef uint8_t *start
    cdef uint8_t *at
    reserve(output, ANSWER_ROOM + selection.total)
    at = start = output.at + WORDS_BYTES
    if codec == JSON_CODEC:
        at = put_literal(at, b'{"code":0,"extFields":{"suggestWhichBrokerId":"0","nextBeginOffset":"')
        at = put_decimal(at, selection.next_offset)
        at = put_decimal(put_literal(at, b'","minOffset":"'), selection.min_offset)
        at = put_decimal(put_literal(at, b'","maxOffset":"'), selection.max_offset)
        at = put_literal(at, b'","topicSysFlag":"0","groupSysFlag":"0"},"flag":1,"language":"JAVA","opaque":')
        at = put_literal(put_decimal(at, opaque), b',"remark":"FOUND","version":513}')
    else:
        at = put_binary_start(at, opaque)
        # The remark stands before the length of the fields.
        store_be32(start + BINARY_FIXED_BYTES - 8, 5)
        at = put_literal(at - 4, b"FOUND") + 4
        at = put_number_entry(at, b"suggestWhichBrokerId", 0)
        at = put_number_entry(at, b"nextBeginOffset", selection.next_offset)
        at = put_number_entry(at, b"minOffset", selection.min_offset)
        at = put_number_entry(at, b"maxOffset", selection.max_offset)
        at = put_number_entry(at, b"topicSysFlag", 0)
        at = put_number_entry(at, b"groupSysFlag", 0)
        store_be32(start + BINARY_FIXED_BYTES + 1, <uint32_t>(at - start - BINARY_FIXED_BYTES - 5))
    put_words(output.at, codec, at - start, selection.total)
    copy_selection(selection, at)
    output.at = at + selection.total
    return 0
# hot: end
