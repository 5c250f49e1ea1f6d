from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t


cdef class UniqueIds:
    cdef uint8_t _ip[4]
    cdef uint32_t _loader_hash
    cdef uint64_t _random_state
    cdef uint64_t _sequence  # milliseconds since the month began << 16 | counter; only ever grows in a month
    cdef int64_t _month_start_ms
    cdef int64_t _next_month_ms
    cdef int64_t _seen_ms
    cdef int64_t _pid
    cdef uint32_t _forks

    cdef void _new_process(self, int64_t pid, int64_t now_ms) noexcept
    cdef void _new_month(self, int64_t now_ms) noexcept
    cdef void fill_at(self, uint8_t *out, int64_t now_ms) noexcept


# Writes the 16 raw bytes of the next unique id of this process.
cdef int fill_unique_id(unsigned char *out) except -1

# The same for who makes many at a time and reads the clock once.
cdef int fill_unique_id_at(unsigned char *out, int64_t now_ms) except -1

# The offset message id of a host and an offset as they lie in a record: 8 or 20 bytes and 8 bytes.
cdef str offset_id_text(const unsigned char *host, Py_ssize_t host_bytes, const unsigned char *offset)

# The text form of 4 or 16 address bytes.
cdef str address_text(const unsigned char *address, Py_ssize_t address_bytes)

# The 4 or 16 bytes of an address given as text or as bytes; raises ConfigurationError naming ``field``.
cdef bytes address_bytes_of(object address, str field)
