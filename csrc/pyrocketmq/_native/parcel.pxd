from cpython.bytes cimport PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t

from pyrocketmq._native.answer cimport SendResult
from pyrocketmq._native.batch cimport BATCH_RECORD_OVERHEAD, put_batch_message
from pyrocketmq._native.channel cimport SendOwner
from pyrocketmq._native.ids cimport fill_unique_id
from pyrocketmq._native.message cimport NO_ID, RAW_ID, Message, properties_bytes
from pyrocketmq._native.sending cimport SendEncoder, SendFields

cdef enum:
    PLAIN_TEXT_BYTES = 8192  # properties that need no look at their limit
    # In front of the records: the header of the frame is put there when the frame is sent.
    HEADER_ROOM = 2048
    # What a broker adds to each record when it stores it, at most: the fixed part of a stored message with IPv6
    # hosts, the topic, and properties of its own. It counts against the same limit as a body.
    STORED_ADDITIONS = 91 + 24 + 127 + 130 - 22


cdef class ParcelOwner:
    # A parcel has its outcome; called on the thread of the event loop, in the middle of reading.
    cdef int ended(self, Parcel parcel) except -1


cdef class Parcel(SendOwner):
    cdef uint8_t *start
    cdef uint8_t *at
    cdef uint8_t *end
    cdef uint8_t *frame  # where the frame that was sent last begins
    cdef Py_ssize_t frame_size
    cdef Py_ssize_t views
    cdef Py_ssize_t number  # of messages
    cdef Py_ssize_t charge  # bytes that count against the limits of the owner
    cdef readonly str topic  # as it goes over the wire
    cdef bint unwaited
    cdef ParcelOwner owner
    cdef object lane
    cdef list messages  # None as long as nobody wants a message back
    cdef Py_ssize_t first  # the place of its first message in the list, which others may share
    cdef list callbacks
    cdef list ids  # the broker's ids where they are no text of equal pieces
    cdef Py_ssize_t called  # callbacks that have been called
    cdef double opened_at
    cdef uint64_t epoch
    cdef bint is_done
    cdef bint is_oversized  # one message, too large for a batch
    cdef readonly object outcome  # SendResult, or what went wrong
    cdef public object tried
    cdef public object sent
    cdef public object queue

    cdef int make_room(self, Py_ssize_t size, Py_ssize_t most_bytes) except -1
    cdef int keep(self, Message message, object callback) except -1
    cdef int shrink(self) except -1
    cdef bint can_leave(self, SendEncoder encoder) except -1
    cdef int put_frame(self, SendEncoder encoder, const SendFields *fields) except -1
    cdef int conclude(self, object outcome) except -1
    cdef SendResult result_of(self, Py_ssize_t index, Message message)
    cdef str split_id(self, SendResult whole, Py_ssize_t index)


# The bytes of a message as a record; gives it its unique id if it has none, refuses it if no batch may hold it.
cdef Py_ssize_t record_bytes(Message message, Py_ssize_t max_message_bytes) except -1

# True for a message whose queue is not free to choose.
cdef bint has_sharding_key(Message message) noexcept


cdef inline int give_id(Message message) except -1:
    if message.unique_id_state == NO_ID:
        fill_unique_id(message.unique_id_bytes)
        message.unique_id_state = RAW_ID
    return 0


cdef inline Py_ssize_t plain_bytes(Message message, Py_ssize_t max_message_bytes) noexcept:
    """As `record_bytes` for a message that has its id; -1 where that has to look."""
    cdef Py_ssize_t body_size = PyBytes_GET_SIZE(message._body)
    if not 0 < body_size <= max_message_bytes or message.text_bytes > PLAIN_TEXT_BYTES:
        return -1
    return BATCH_RECORD_OVERHEAD + body_size + properties_bytes(message)


cdef inline bint fits(Parcel parcel, Py_ssize_t size, Py_ssize_t most_bytes, Py_ssize_t most_stored) noexcept:
    """Whether a record may be added; a first one always may."""
    cdef Py_ssize_t after = parcel.at - parcel.start - HEADER_ROOM + size
    cdef Py_ssize_t number = parcel.number
    return number == 0 or (after <= most_bytes and after + (number + 1) * STORED_ADDITIONS <= most_stored)


cdef inline void put_message(Parcel parcel, Message message) noexcept:
    """Write a message as a record; the caller has made room."""
    parcel.at = put_batch_message(parcel.at, message)
    parcel.number += 1
