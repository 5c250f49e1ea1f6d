from libc.stdint cimport uint8_t

# The str of some UTF-8; ASCII is shared with earlier calls of the same text; broken bytes become U+FFFD.
cdef str recent_text(const char *text, Py_ssize_t size)

# The same for property values, of which only short ones are shared: tags, flags, names of clusters.
cdef str recent_value(const char *text, Py_ssize_t size)

# The (address, port) pair of a host as it lies in a record: 4 or 16 address bytes and 4 bytes of port.
cdef tuple recent_host(const uint8_t *host, Py_ssize_t address_bytes)
