from libc.stdint cimport uint8_t

from pyrocketmq._native.command cimport RemotingCommand

# Room that the JSON header of a command takes at most. Every check of the fields happens here.
cdef Py_ssize_t json_header_room(RemotingCommand command) except -1

# Writes the header; `json_header_room` bytes must be free at `at` and the command unchanged since.
cdef uint8_t *put_json_header(uint8_t *at, RemotingCommand command) noexcept

# Fills the fields of a new command from a whole JSON header.
cdef int read_json_header(const uint8_t *text, Py_ssize_t size, RemotingCommand into) except -1
