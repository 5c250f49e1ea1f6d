"""Checksums: CRC32C of log records, CRC-32 of message bodies. Any pointer and size, no Python."""

from libc.stdint cimport uint8_t, uint32_t

# `value` is the checksum of what came before, 0 at the start.
cdef uint32_t crc32c_of(const uint8_t *data, Py_ssize_t size, uint32_t value) noexcept nogil
cdef uint32_t crc32_of(const uint8_t *data, Py_ssize_t size, uint32_t value) noexcept nogil
