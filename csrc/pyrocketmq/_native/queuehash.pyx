"""Hashes that decide which queue a key belongs to, the tag code, the body CRC and the consistent-hash ring.

Each hash gives the number that another client computes for the same text, so that a key keeps its queue
whichever client sends it. This module must not know about routes, messages or brokers.
"""

from bisect import bisect_left
from zlib import crc32

from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

import cython
from xxhash import xxh3_64_intdigest

from pyrocketmq.errors import ConfigurationError, InvalidMessageError

__all__ = [
    "ConsistentHashRing",
    "body_crc",
    "go_hash",
    "java_hash",
    "pick_queue_go",
    "pick_queue_java",
    "pick_queue_xxh3",
    "tags_code",
    "xxh3",
]


cdef enum:
    VIRTUAL_NODES = 10  # virtualNodeCnt of the Java allocate strategy

ctypedef fused code_units:
    uint8_t
    uint16_t


cdef inline uint32_t _units_hash(const code_units* unit, Py_ssize_t length) noexcept nogil:
    # Four steps of h = 31 * h + unit at once: the multiplications no longer wait for each other.
    cdef uint32_t h = 0
    cdef Py_ssize_t i = 0
    while i + 4 <= length:
        h = (h * 923521u + <uint32_t>unit[i] * 29791u + <uint32_t>unit[i + 1] * 961u
             + <uint32_t>unit[i + 2] * 31u + <uint32_t>unit[i + 3])
        i += 4
    while i < length:
        h = h * 31u + <uint32_t>unit[i]
        i += 1
    return h


cdef uint32_t _code_points_hash(const uint32_t *point, Py_ssize_t length) noexcept nogil:
    # Java counts UTF-16 units: what lies beyond the basic plane is two of them.
    cdef uint32_t h = 0
    cdef uint32_t beyond
    cdef Py_ssize_t i
    for i in range(length):
        if point[i] < 0x10000u:
            h = h * 31u + point[i]
        else:
            beyond = point[i] - 0x10000u
            h = (h * 31u + 0xD800u + (beyond >> 10)) * 31u + 0xDC00u + (beyond & 0x3FFu)
    return h


cdef int32_t java_hash_of(str text) noexcept:
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text)
    cdef void *data = PyUnicode_DATA(text)
    cdef unsigned int kind = PyUnicode_KIND(text)
    if kind == 1:
        return <int32_t>_units_hash(<const uint8_t *>data, length)
    if kind == 2:
        return <int32_t>_units_hash(<const uint16_t *>data, length)
    return <int32_t>_code_points_hash(<const uint32_t *>data, length)


cdef const char *_utf8(str text, Py_ssize_t* length) except NULL:
    try:
        return PyUnicode_AsUTF8AndSize(text, length)
    except UnicodeEncodeError as error:
        raise InvalidMessageError(
            f"the key has the lone surrogate U+{ord(text[error.start]):04X} at index {error.start:,}, "
            "which UTF-8 cannot carry",
            field="key",
            advice="Use keys that are valid text, for example the hex form of binary keys.",
        ) from error


cdef uint32_t go_hash_of(str text) except? 0:
    cdef Py_ssize_t length = 0
    cdef const uint8_t *unit = <const uint8_t *>_utf8(text, &length)
    cdef uint32_t h = 2166136261u
    cdef Py_ssize_t i
    for i in range(length):
        h = (h ^ unit[i]) * 16777619u
    return h


cdef int _refuse_queues(Py_ssize_t queues) except -1:
    raise ConfigurationError(
        f"queues is {queues:,}, a queue can only be picked from 1 or more",
        field="queues",
        advice="Check that the route of the topic has writable queues before picking one.",
    )


def java_hash(str text not None) -> int:
    """Return what ``String.hashCode`` of Java gives for ``text``, a signed 32-bit number."""
    return java_hash_of(text)


def go_hash(str text not None) -> int:
    """Return the FNV-1a hash of the UTF-8 form of ``text`` as an unsigned 32-bit number.

    This is the hash of the Go client's queue selector.
    """
    return go_hash_of(text)


def xxh3(str text not None) -> int:
    """Return the XXH3 hash of the UTF-8 form of ``text`` as an unsigned 64-bit number."""
    cdef Py_ssize_t length = 0
    cdef const char *data = _utf8(text, &length)
    return xxh3_64_intdigest(data[:length])


def pick_queue_java(str key not None, Py_ssize_t queues) -> int:
    """Return the index that the hash selector of Java picks for ``key`` out of ``queues`` queues."""
    if queues <= 0:
        _refuse_queues(queues)
    # Java takes the absolute value of the remainder, so that the smallest int is no special case.
    cdef Py_ssize_t index = <Py_ssize_t>java_hash_of(key) % queues
    return -index if index < 0 else index


def pick_queue_go(str key not None, Py_ssize_t queues) -> int:
    """Return the index that the hash selector of Go picks for ``key`` out of ``queues`` queues."""
    if queues <= 0:
        _refuse_queues(queues)
    return <uint64_t>go_hash_of(key) % <uint64_t>queues


def pick_queue_xxh3(str key not None, Py_ssize_t queues) -> int:
    """Return an index for ``key`` out of ``queues`` queues by XXH3, where no other client must agree."""
    if queues <= 0:
        _refuse_queues(queues)
    return <uint64_t>xxh3(key) % <uint64_t>queues


def tags_code(str tags) -> int:
    """Return the number that brokers keep in the consume queue for ``tags``; none and empty give 0."""
    return 0 if tags is None else java_hash_of(tags)


def body_crc(data) -> int:
    """Return the CRC that a stored message carries for the body bytes ``data`` (compressed as stored)."""
    return <uint32_t>crc32(data) & 0x7FFFFFFFu


# hashlib.md5 from the first ring on: hashlib brings OpenSSL in, and few programs make a ring.
cdef object _md5 = None


cdef uint32_t _ring_point(str key) except? 0:
    cdef bytes digest = _md5(key.encode(), usedforsecurity=False).digest()
    cdef const uint8_t *d = digest
    return (<uint32_t>d[0] << 24) | (<uint32_t>d[1] << 16) | (<uint32_t>d[2] << 8) | d[3]


@cython.final
cdef class ConsistentHashRing:
    """The ring of the Java allocate strategy CONSISTENT_HASH: each node owns ``virtual_nodes`` points.

    A point of a node is the first four bytes, big-endian, of the MD5 of ``<node>-<number>``. A key belongs to
    the first point at or after its own hash, and to the first point of all when there is none.
    """

    cdef list _points
    cdef list _owners
    cdef readonly int virtual_nodes

    def __init__(self, nodes, int virtual_nodes=VIRTUAL_NODES) -> None:
        if virtual_nodes <= 0:
            raise ConfigurationError(
                f"virtual_nodes is {virtual_nodes:,}, each node needs 1 or more points on the ring",
                field="virtual_nodes",
                advice="Use 10, as Java does; every consumer of the group must use the same number.",
            )
        global _md5
        if _md5 is None:
            from hashlib import md5 as _md5
        cdef dict owners = {}
        cdef dict copies = {}
        cdef int first, i
        cdef str node
        for node in nodes:
            # A node named twice gets further points, numbered on, as in Java.
            first = copies.get(node, 0)
            for i in range(first, first + virtual_nodes):
                owners[_ring_point(f"{node}-{i}")] = node
            copies[node] = first + virtual_nodes
        if not owners:
            raise ConfigurationError(
                "nodes is empty, a ring needs 1 or more nodes",
                field="nodes",
                advice="Do not allocate queues while the group has no members.",
            )
        self.virtual_nodes = virtual_nodes
        self._points = sorted(owners)
        self._owners = [owners[point] for point in self._points]

    def node_for(self, str key not None) -> str:
        """Return the node that owns ``key``."""
        cdef Py_ssize_t at = bisect_left(self._points, _ring_point(key))
        return self._owners[at if at < len(self._owners) else 0]
