"""The answer to a send: read from the header bytes without a header dict, kept as spans, decoded when asked.

Only the plain form that servers write is read here. Whatever is unusual in a header (escapes, blanks, non-ASCII, odd
numbers, repeated objects) is left to the general decoder, so both ways give the same results and the same errors.
"""

cimport cython
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp

from pyrocketmq._native.bytesio cimport first_hit, load_be16, load_be32, load_word
from pyrocketmq._native.text cimport escape_mask, hex_text, number_in

from enum import IntEnum

from pyrocketmq._native.frame import decode_frame
from pyrocketmq.errors import DeserializationError

__all__ = ["SendResult", "SendStatus", "decode_send_answer"]


class SendStatus(IntEnum):
    """What a broker did with a message it stored; only SEND_OK means that every copy was confirmed."""

    SEND_OK = 0
    FLUSH_DISK_TIMEOUT = 1
    FLUSH_SLAVE_TIMEOUT = 2
    SLAVE_NOT_AVAILABLE = 3


cdef enum:
    CODE_SUCCESS = 0
    CODE_FLUSH_DISK_TIMEOUT = 10
    CODE_SLAVE_NOT_AVAILABLE = 11
    CODE_FLUSH_SLAVE_TIMEOUT = 12

cdef dict STATUS_OF_CODE = {
    CODE_SUCCESS: SendStatus.SEND_OK,
    CODE_FLUSH_DISK_TIMEOUT: SendStatus.FLUSH_DISK_TIMEOUT,
    CODE_SLAVE_NOT_AVAILABLE: SendStatus.SLAVE_NOT_AVAILABLE,
    CODE_FLUSH_SLAVE_TIMEOUT: SendStatus.FLUSH_SLAVE_TIMEOUT,
}
cdef dict CODE_OF_STATUS = {status: code for code, status in STATUS_OF_CODE.items()}

# TRACE_ON=false as an entry of extFields, in either codec.
cdef bytes UNTRACED_JSON = b'"TRACE_ON":"false"'
cdef bytes UNTRACED_BINARY = b"\x00\x08TRACE_ON\x00\x00\x00\x05false"


@cython.freelist(1024)
cdef class SendResult:
    """What became of one send.

    Its texts are decoded when they are asked for. `ok` is true only for SEND_OK; the three other statuses mean that the
    broker has stored the message and could not confirm a flush or a copy in time.
    """

    def __cinit__(self):
        self.answer.queue_id = -1
        self.answer.queue_offset = -1
        self.attempts = 1

    def __init__(
        self,
        status=SendStatus.SEND_OK,
        msg_id=None,
        message_queue=None,
        queue_offset=-1,
        transaction_id=None,
        *,
        offset_msg_id=None,
        region_id=None,
        queue_id=None,
        attempts=1,
    ):
        self.answer.code = CODE_OF_STATUS[SendStatus(status)]
        self._msg_id = msg_id
        self.message_queue = message_queue
        self.answer.queue_offset = queue_offset
        self.answer.queue_id = getattr(message_queue, "queue_id", -1) if queue_id is None else queue_id
        self._transaction_id = transaction_id
        self._offset_msg_id = offset_msg_id
        self._region_id = region_id
        self.attempts = attempts

    @property
    def code(self):
        """The response code as it came; 0 is success."""
        return self.answer.code

    @property
    def opaque(self):
        """The number of the request that this answers."""
        return self.answer.opaque

    @property
    def status(self):
        """The status of a stored message, or None when the broker refused it."""
        return STATUS_OF_CODE.get(self.answer.code)

    @property
    def ok(self):
        """True when the message is stored and every configured copy was confirmed."""
        return self.answer.code == CODE_SUCCESS

    @property
    def queue_id(self):
        return self.answer.queue_id

    @property
    def queue_offset(self):
        """The message's place in its queue; of a batch, the place of its first message."""
        return self.answer.queue_offset

    @property
    def msg_id(self):
        """The client's message id, or the broker's where the client gave none."""
        if self._msg_id is None:
            if self.has_unique_id:
                self._msg_id = hex_text(self.unique_id_bytes, sizeof(self.unique_id_bytes))
            else:
                return self.offset_msg_id
        return self._msg_id

    @msg_id.setter
    def msg_id(self, str value):
        self._msg_id = value

    @property
    def offset_msg_id(self):
        """The broker's id: its address and the place in its log; of a batch, one for each message."""
        if self._offset_msg_id is None:
            self._offset_msg_id = self.text_at(self.answer.msg_id)
        return self._offset_msg_id

    @property
    def transaction_id(self):
        """The id a transaction goes by; a 4.9 broker sends none, then it is the client's message id."""
        if self._transaction_id is None:
            self._transaction_id = self.text_at(self.answer.transaction_id)
        return self.msg_id if self._transaction_id is None else self._transaction_id

    @property
    def region_id(self):
        if self._region_id is None:
            self._region_id = self.text_at(self.answer.region_id)
        return self._region_id

    @property
    def trace_on(self):
        """False when the broker does not want this send traced."""
        if self.source is None:
            return not self.is_untraced
        return UNTRACED_JSON not in self.source and UNTRACED_BINARY not in self.source

    @property
    def recall_handle(self):
        """What a timed message can be recalled with; None for every other message."""
        if self._recall_handle is None:
            self._recall_handle = self.text_at(self.answer.recall_handle)
        return self._recall_handle

    @property
    def remark(self):
        """The broker's own words; it may say something on success too."""
        if self._remark is None:
            self._remark = self.text_at(self.answer.remark)
        return self._remark

    def __eq__(self, other):
        return isinstance(other, SendResult) and facts(self) == facts(other)

    __hash__ = None

    def __reduce__(self):
        return rebuild_send_result, facts(self)

    def __repr__(self):
        status = self.status
        return (
            f"{type(self).__name__}({status.name if status is not None else f'code {self.code}'}, "
            f"msg_id={self.msg_id!r}, queue_id={self.queue_id}, queue_offset={self.queue_offset})"
        )

    cdef str text_at(self, Span span):
        if span == ABSENT:
            return None
        return PyUnicode_DecodeUTF8(<const char *>self.source + span_at(span), span_size(span), NULL)


def facts(SendResult result not None):
    """What two equal results have in common."""
    return (
        result.code,
        result.msg_id,
        result.offset_msg_id,
        result.message_queue,
        result.queue_id,
        result.queue_offset,
        result.transaction_id,
        result.region_id,
        result.recall_handle,
        result.remark,
        result.attempts,
    )


def rebuild_send_result(
    code, msg_id, offset_msg_id, message_queue, queue_id, queue_offset, transaction_id, region_id, recall_handle,
    remark, attempts,
):
    """What pickle calls to make a result again."""
    cdef SendResult result = SendResult.__new__(SendResult)
    result.answer.code = code
    result.answer.queue_id = queue_id
    result.answer.queue_offset = queue_offset
    result._msg_id = msg_id
    result._offset_msg_id = offset_msg_id
    result.message_queue = message_queue
    result._transaction_id = transaction_id
    result._region_id = region_id
    result._recall_handle = recall_handle
    result._remark = remark
    result.attempts = attempts
    return result


cdef SendResult make_send_result(bytes frame, const SendAnswer *answer):
    cdef SendResult result = SendResult.__new__(SendResult)
    result.source = frame
    result.answer = answer[0]
    return result


def decode_send_answer(data):
    """The result in one whole frame that answers a send.

    Raises:
        DeserializationError: the frame cannot be read, or its queueId or queueOffset is no number.
    """
    cdef bytes frame = data if type(data) is bytes else bytes(data)
    cdef SendAnswer answer
    if read_send_answer(<const uint8_t *>frame, len(frame), &answer):
        return result_of_command(decode_frame(frame))
    return make_send_result(frame, &answer)


cdef SendResult result_of_command(command):
    cdef SendResult result = SendResult.__new__(SendResult)
    fields = command.ext_fields or {}
    result.answer.code = command.code
    result.answer.opaque = command.opaque
    result.answer.flag = command.flag
    result.answer.queue_id = number_of(fields, "queueId", INT32_MIN, INT32_MAX)
    result.answer.queue_offset = number_of(fields, "queueOffset", -(2**63), 2**63 - 1)
    result._offset_msg_id = fields.get("msgId")
    result._transaction_id = fields.get("transactionId")
    result._region_id = fields.get("MSG_REGION")
    result._recall_handle = fields.get("recallHandle")
    result.is_untraced = fields.get("TRACE_ON") == "false"
    result._remark = command.remark
    return result


cdef object number_of(dict fields, str name, object low, object high):
    text = fields.get(name)
    if text is None:
        return -1
    digits = text[1:] if text.startswith("-") else text
    if digits.isascii() and digits.isdecimal() and low <= int(text) <= high:
        return int(text)
    raise DeserializationError(
        f"{name} of a send answer is {text[:40]!r}, not a number in range",
        field=name,
        likely="what answered is no RocketMQ broker",
        advice="do not send again before you have looked: the message may have been stored",
    )


# hot: begin
cdef struct Scan:
    const uint8_t *frame
    const uint8_t *at
    const uint8_t *end


cdef inline bint scan_byte(Scan *scan, uint8_t byte) noexcept nogil:
    if scan.at < scan.end and scan.at[0] == byte:
        scan.at += 1
        return True
    return False


cdef inline Span scan_string(Scan *scan) noexcept nogil:
    """Read a string of plain ASCII; ABSENT leaves the answer to the general decoder."""
    cdef const uint8_t *start
    cdef const uint8_t *at
    cdef uint64_t word, mask
    if not scan_byte(scan, 0x22):
        return ABSENT
    start = at = scan.at
    while True:
        if scan.end - at < 8:
            # A header ends with more than a string; whatever does not is for the general decoder.
            return ABSENT
        word = load_word(at)
        mask = escape_mask(word) | word & <uint64_t>0x8080808080808080
        if mask:
            at += first_hit(mask)
            break
        at += 8
    if at[0] != 0x22:
        return ABSENT
    scan.at = at + 1
    return span_of(start - scan.frame, at - start)


cdef inline Span scan_name(Scan *scan) noexcept nogil:
    cdef Span name = scan_string(scan)
    return name if scan_byte(scan, 0x3A) else ABSENT


cdef inline bint scan_int32(Scan *scan, int32_t *out) noexcept nogil:
    cdef const uint8_t *start = scan.at
    cdef int64_t value
    while scan.at < scan.end and (0x30 <= scan.at[0] <= 0x39 or scan.at[0] == 0x2D):
        scan.at += 1
    if not number_in(start, scan.at - start, INT32_MIN, INT32_MAX, &value):
        return False
    out[0] = <int32_t>value
    return True


cdef inline bint keep_field(const uint8_t *frame, Span name, Span value, SendAnswer *answer) noexcept nogil:
    """Keep one ext field if a send answer has it; false when its value has to be judged by the general decoder."""
    cdef const uint8_t *at = frame + span_at(name)
    cdef Py_ssize_t size = span_size(name)
    cdef int64_t number
    if size == 5 and memcmp(at, "msgId", 5) == 0:
        answer.msg_id = value
    elif size == 7 and memcmp(at, "queueId", 7) == 0:
        if not number_in(frame + span_at(value), span_size(value), INT32_MIN, INT32_MAX, &number):
            return False
        answer.queue_id = <int32_t>number
    elif size == 11 and memcmp(at, "queueOffset", 11) == 0:
        return number_in(frame + span_at(value), span_size(value), INT64_MIN, INT64_MAX, &answer.queue_offset)
    elif size == 13 and memcmp(at, "transactionId", 13) == 0:
        answer.transaction_id = value
    elif size == 10 and memcmp(at, "MSG_REGION", 10) == 0:
        answer.region_id = value
    elif size == 12 and memcmp(at, "recallHandle", 12) == 0:
        answer.recall_handle = value
    return True


cdef inline bint scan_text(Scan *scan, const char *text, Py_ssize_t size) noexcept nogil:
    """Step over these bytes, if they come next."""
    if scan.end - scan.at < size or memcmp(scan.at, text, size) != 0:
        return False
    scan.at += size
    return True


cdef inline bint scan_number(Scan *scan, int64_t low, int64_t high, int64_t *out) noexcept nogil:
    """Read a string that is a number in range."""
    cdef Span value = scan_string(scan)
    return value != ABSENT and number_in(scan.frame + span_at(value), span_size(value), low, high, out)


cdef bint scan_fields(Scan *scan, SendAnswer *answer) noexcept nogil:
    """Read the extFields object after its opening brace."""
    cdef Span name, value
    cdef int64_t number
    if scan_byte(scan, 0x7D):
        return True
    while True:
        # What every answer has is compared as it stands, which takes a fraction of finding where a name ends.
        if scan_text(scan, '"queueId":', 10):
            if not scan_number(scan, INT32_MIN, INT32_MAX, &number):
                return False
            answer.queue_id = <int32_t>number
        elif scan_text(scan, '"queueOffset":', 14):
            if not scan_number(scan, INT64_MIN, INT64_MAX, &answer.queue_offset):
                return False
        elif scan_text(scan, '"msgId":', 8):
            answer.msg_id = scan_string(scan)
            if answer.msg_id == ABSENT:
                return False
        elif scan_text(scan, '"MSG_REGION":', 13):
            answer.region_id = scan_string(scan)
            if answer.region_id == ABSENT:
                return False
        elif not scan_text(scan, '"TRACE_ON":"true"', 17):
            name = scan_name(scan)
            if name == ABSENT:
                return False
            value = scan_string(scan)
            if value == ABSENT or not keep_field(scan.frame, name, value, answer):
                return False
        if scan_byte(scan, 0x7D):
            return True
        if not scan_byte(scan, 0x2C):
            return False


cdef bint scan_member(Scan *scan, SendAnswer *answer, int *seen) noexcept nogil:
    """Read one member of the header object; `seen` collects which of the needed ones were there."""
    cdef int32_t number
    if scan_text(scan, '"code":', 7):
        seen[0] |= 1
        return scan_int32(scan, &answer.code)
    if scan_text(scan, '"opaque":', 9):
        seen[0] |= 2
        return scan_int32(scan, &answer.opaque)
    if scan_text(scan, '"flag":', 7):
        return scan_int32(scan, &answer.flag)
    if scan_text(scan, '"extFields":{', 13):
        if seen[0] & 4:
            return False
        seen[0] |= 4
        return scan_fields(scan, answer)
    if scan_text(scan, '"remark":', 9):
        answer.remark = scan_string(scan)
        return answer.remark != ABSENT
    if scan_text(scan, '"version":', 10):
        return scan_int32(scan, &number)
    if scan_text(scan, '"language":', 11) or scan_text(scan, '"serializeTypeCurrentRPC":', 26):
        return scan_string(scan) != ABSENT
    return False


cdef bint scan_json(Scan *scan, SendAnswer *answer) noexcept nogil:
    cdef int seen = 0
    if not scan_byte(scan, 0x7B):
        return False
    while True:
        if not scan_member(scan, answer, &seen):
            return False
        if scan_byte(scan, 0x2C):
            continue
        # Without a code or an opaque the general decoder supplies what Java would.
        return scan_byte(scan, 0x7D) and scan.at == scan.end and seen & 3 == 3


cdef inline Span take_plain(Scan *scan, Py_ssize_t size) noexcept nogil:
    """The next `size` bytes if they are there, not empty, and ASCII."""
    cdef Py_ssize_t i
    if not 1 <= size <= scan.end - scan.at:
        return ABSENT
    for i in range(size):
        if scan.at[i] >= 0x80:
            return ABSENT
    scan.at += size
    return span_of(scan.at - size - scan.frame, size)


cdef bint scan_binary(Scan *scan, SendAnswer *answer) noexcept nogil:
    cdef Py_ssize_t size
    cdef Span name, value
    if scan.end - scan.at < 21:
        return False
    answer.code = <int32_t>load_be16(scan.at)
    if answer.code > 0x7FFF:
        return False
    answer.opaque = <int32_t>load_be32(scan.at + 5)
    answer.flag = <int32_t>load_be32(scan.at + 9)
    size = <int32_t>load_be32(scan.at + 13)
    scan.at += 17
    if size != 0:
        answer.remark = take_plain(scan, size)
        if answer.remark == ABSENT:
            return False
    if scan.end - scan.at < 4:
        return False
    size = <int32_t>load_be32(scan.at)
    scan.at += 4
    if size != scan.end - scan.at:
        return False
    while scan.at < scan.end:
        if scan.end - scan.at < 2:
            return False
        size = load_be16(scan.at)
        scan.at += 2
        name = take_plain(scan, size)
        if name == ABSENT or size > 0x7FFF or scan.end - scan.at < 4:
            return False
        size = <int32_t>load_be32(scan.at)
        scan.at += 4
        value = take_plain(scan, size)
        if value == ABSENT or not keep_field(scan.frame, name, value, answer):
            return False
    return True


cdef bint read_send_answer(const uint8_t *frame, Py_ssize_t size, SendAnswer *answer) noexcept nogil:
    """Read one whole frame; true when it is not in the plain form and the general decoder must judge it."""
    cdef Scan scan
    cdef Py_ssize_t header_size
    cdef uint32_t mark
    answer.flag = 0
    answer.queue_id = -1
    answer.queue_offset = -1
    answer.msg_id = answer.transaction_id = answer.region_id = answer.recall_handle = answer.remark = ABSENT
    if size < 8 or size > INT32_MAX or <Py_ssize_t>load_be32(frame) != size - 4:
        return True
    mark = load_be32(frame + 4)
    header_size = mark & 0xFFFFFF
    if header_size > size - 8:
        return True
    scan.frame = frame
    scan.at = frame + 8
    scan.end = scan.at + header_size
    if mark >> 24 == 0:
        return not scan_json(&scan, answer)
    return mark >> 24 != 1 or not scan_binary(&scan, answer)
# hot: end
