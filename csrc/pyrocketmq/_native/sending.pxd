from libc.stdint cimport int32_t, int64_t, uint8_t

from pyrocketmq._native.bytesio cimport Output
from pyrocketmq._native.clock cimport now_ms
from pyrocketmq._native.message cimport Message
from pyrocketmq._native.text cimport Text

cdef enum:
    ONEWAY_FLAG = 2


cdef struct SendFields:
    int32_t queue_id
    int32_t opaque
    int32_t sys_flag
    int32_t wire_flag  # 0 for a request, ONEWAY_FLAG for one that is not answered
    int64_t born_ms
    Text topic  # as brokers know it; `at` is NULL where that is the topic of the message


cdef inline void fill_fields(
    SendFields *fields, int32_t queue_id, int32_t opaque=0, int32_t sys_flag=0, int32_t wire_flag=0, int64_t born_ms=0
) noexcept:
    """What a frame says besides its message; it is born now unless a time is given."""
    fields.queue_id = queue_id
    fields.opaque = opaque
    fields.sys_flag = sys_flag
    fields.wire_flag = wire_flag
    fields.born_ms = born_ms if born_ms else now_ms()
    fields.topic.at = NULL


cdef class SendEncoder:
    # What does not change between two sends of one producer to one broker, encoded once.
    cdef readonly str producer_group
    cdef readonly str broker_name
    cdef readonly str codec
    cdef readonly Py_ssize_t max_message_bytes
    cdef bint json
    cdef tuple defaults  # topic and number of queues for topics that a broker makes by itself
    cdef dict fields  # further ones, the same in each frame
    cdef object source  # of credentials, or None
    cdef object signer  # the credentials that the prepared parts name
    cdef object digest
    cdef readonly bint is_signed
    cdef bytes secret
    cdef object inner  # hash objects that have seen the blocks of the key
    cdef object outer
    cdef bytes signed_start
    cdef bytes signed_middle
    cdef tuple signed_end  # for single messages and for batches
    cdef uint8_t *signature_place  # in the frame whose header was written last
    cdef tuple kept  # owns the bytes that the Text fields point into
    cdef Py_ssize_t prepared_size  # of all of them, with room for the numbers of a header
    cdef Text before_topic[2]  # of a single message and of a batch
    cdef Text after_topic
    cdef Text after_properties[2]
    # The decimal digits of the birth time written last: the messages of one burst share it.
    cdef int64_t born_ms
    cdef uint8_t born_digits[20]
    cdef Py_ssize_t born_size

    cdef int prepare(self, dict fields) except -1
    cdef int look_at_credentials(self) except -1
    cdef bytes content_to_sign(
        self, Message message, const SendFields *fields, bint batch, Py_ssize_t body_size, uint8_t **body
    )
    cdef Py_ssize_t values_bytes(self, const Text *topic, Py_ssize_t numbers_size, bint batch) noexcept
    cdef uint8_t *put_values(
        self, uint8_t *at, const Text *topic, const uint8_t *numbers, Py_ssize_t numbers_size, Message message
    ) noexcept
    cdef bytes sign_message(self, Message message, const SendFields *fields, bytes body, bint is_large)
    cdef bytes signature_of(self, object content, Py_ssize_t size, bytes further=*)
    cdef bytes sign_in_place(
        self, uint8_t *body, Py_ssize_t body_size, const Text *topic, const SendFields *fields
    )
    cdef Py_ssize_t put_message(self, Output *output, Message message, const SendFields *fields, bytes body) except -1
    # As `put_message`, but for the body, which has to follow; gives the size of the whole frame.
    cdef Py_ssize_t put_message_head(
        self, Output *output, Message message, const SendFields *fields, bytes body
    ) except -1
    cdef Py_ssize_t put_messages(self, Output *output, list messages, const SendFields *fields) except -1
    cdef uint8_t *put_header(
        self, Output *output, Message message, const SendFields *fields, bint batch, Py_ssize_t body_size
    ) except NULL
    cdef uint8_t *put_json_header(
        self, uint8_t *at, Message message, const Text *topic, const SendFields *fields, bint batch
    ) noexcept
    cdef uint8_t *put_binary_header(
        self, uint8_t *start, Message message, const Text *topic, const SendFields *fields, bint batch
    ) noexcept
    cdef uint8_t *put_born(self, uint8_t *at, int64_t born_ms) noexcept
