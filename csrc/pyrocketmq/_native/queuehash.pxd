from libc.stdint cimport int32_t, uint32_t


# Java's String.hashCode over UTF-16 units.
cdef int32_t java_hash_of(str text) noexcept

# FNV-1a over UTF-8 bytes; raises InvalidMessageError for a lone surrogate.
cdef uint32_t go_hash_of(str text) except? 0
