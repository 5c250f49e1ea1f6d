from libc.stdint cimport uint8_t

from pyrocketmq._native.command cimport RemotingCommand

# Size of the binary header of a command. Every check of the fields happens here.
cdef Py_ssize_t binary_header_room(RemotingCommand command) except -1

# Writes the header; `binary_header_room` bytes must be free at `at` and the command unchanged since.
cdef uint8_t *put_binary_header(uint8_t *at, RemotingCommand command) noexcept

# Fills the fields of a new command from a whole binary header.
cdef int read_binary_header(const uint8_t *text, Py_ssize_t size, RemotingCommand into) except -1
