"""One stored message as brokers keep and send it: where its parts lie, and how they are read and written."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyrocketmq._native.bytesio cimport Cursor, Output

cdef enum:
    MAGIC_V1 = -626843481  # 0xDAA320A7: one byte of topic length
    MAGIC_V2 = -626843477  # 0xDAA320AB: two bytes
    V1_TOPIC_LIMIT = 127  # longer topics are written as V2, as in Java

    FLAG_COMPRESSED = 0x1
    FLAG_BORN_IPV6 = 0x10
    FLAG_STORE_IPV6 = 0x20
    FLAG_INNER_BATCH = 0xC0  # needs unwrapping and is an inner batch: both bits

    # Everything before the body with two IPv4 hosts, and the lengths of topic (V1) and properties.
    RECORD_FIXED_BYTES = 88
    RECORD_LEAST_BYTES = RECORD_FIXED_BYTES + 1 + 2

# Why bytes are no record.
cdef enum RecordFault:
    NO_FAULT
    FAULT_SIZE
    FAULT_MAGIC
    FAULT_HOSTS
    FAULT_BODY
    FAULT_TOPIC
    FAULT_PROPERTIES


cdef struct Record:
    int32_t store_size
    int32_t body_crc
    int32_t queue_id
    int32_t flag
    int64_t queue_offset
    int64_t commit_log_offset
    int64_t born_timestamp
    int64_t store_timestamp
    int64_t prepared_transaction_offset
    int32_t reconsume_times
    int32_t sys_flag
    const uint8_t *start
    # Hosts are 4 or 16 address bytes and 4 bytes of port.
    const uint8_t *born_host
    const uint8_t *store_host
    const char *body
    const char *topic
    const char *properties
    int32_t born_address_bytes
    int32_t store_address_bytes
    int32_t body_size
    int32_t topic_size
    int32_t properties_size


# Takes one record off the cursor, or nothing when there is a fault. The parts point into its bytes.
cdef RecordFault read_record(Cursor *cursor, Record *record) noexcept nogil

# Bytes that the parts take together.
cdef Py_ssize_t record_bytes(const Record *record) noexcept nogil

# Writes one record; its size and the host bits of sysFlag follow from the parts, that callers have checked.
cdef int put_record(Output *output, const Record *record) except -1

# Address and port as they lie in a record; a wrong (address, port) pair is refused with the name of its field.
cdef bytes host_of(object host, str field)
