"""Message ids: offset ids (host and commit-log offset) both ways, and unique client ids.

A unique id is made of an address, the process, a random number, the time and a counter, in the layout of the
Java client. This module must not know what an id is attached to.
"""

import os
from collections import namedtuple

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport (
    PyUnicode_1BYTE_DATA,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_New,
)
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

import cython

from pyrocketmq._native.clock cimport coarse_now_ms
from pyrocketmq._native.text cimport hex_text, put_hex
from pyrocketmq._native.bytesio cimport load_be16, load_be32, load_be64, store_be16, store_be32, store_be64

from pyrocketmq.errors import ConfigurationError, DeserializationError

__all__ = [
    "OffsetMessageId",
    "UniqueIdParts",
    "UniqueIds",
    "decode_offset_message_id",
    "encode_offset_message_id",
    "next_unique_id",
    "parse_unique_id",
]


cdef extern from *:
    """
    #ifdef _WIN32
    #include <process.h>
    #include <time.h>
    static int64_t prmq_pid(void) { return _getpid(); }
    static int prmq_local_time(time_t at, struct tm *parts) { return localtime_s(parts, &at) == 0; }
    #else
    #include <time.h>
    #include <unistd.h>
    static int64_t prmq_pid(void) { return getpid(); }
    static int prmq_local_time(time_t at, struct tm *parts) { return localtime_r(&at, parts) != NULL; }
    #endif

    /* Java: the first day of the month of `at`, 00:00 local time, and the first day of the next month. */
    static int prmq_month_of(int64_t at_ms, int64_t *start_ms, int64_t *next_ms) {
        struct tm parts;
        time_t start, next;
        int month, year;
        if (!prmq_local_time((time_t) (at_ms / 1000), &parts)) return 0;
        month = parts.tm_mon;
        year = parts.tm_year;
        memset(&parts, 0, sizeof parts);
        parts.tm_year = year; parts.tm_mon = month; parts.tm_mday = 1; parts.tm_isdst = -1;
        start = mktime(&parts);
        memset(&parts, 0, sizeof parts);
        parts.tm_year = year; parts.tm_mon = month + 1; parts.tm_mday = 1; parts.tm_isdst = -1;
        next = mktime(&parts);
        if (start == (time_t) -1 || next == (time_t) -1) return 0;
        *start_ms = (int64_t) start * 1000;
        *next_ms = (int64_t) next * 1000;
        return 1;
    }

    /* With the GIL an id is made without interruption; without it one lock does the same. */
    #ifdef Py_GIL_DISABLED
    static PyMutex prmq_ids_mutex;
    #define prmq_ids_lock() PyMutex_Lock(&prmq_ids_mutex)
    #define prmq_ids_unlock() PyMutex_Unlock(&prmq_ids_mutex)
    #define prmq_ids_forked() memset(&prmq_ids_mutex, 0, sizeof prmq_ids_mutex)
    #else
    #define prmq_ids_lock() ((void) 0)
    #define prmq_ids_unlock() ((void) 0)
    #define prmq_ids_forked() ((void) 0)
    #endif
    """
    int64_t prmq_pid() noexcept nogil
    int prmq_month_of(int64_t at_ms, int64_t *start_ms, int64_t *next_ms) noexcept nogil
    void prmq_ids_lock() noexcept nogil
    void prmq_ids_unlock() noexcept nogil
    void prmq_ids_forked() noexcept nogil


cdef enum:
    UNIQUE_ID_BYTES = 16
    COUNTER_BITS = 16


OffsetMessageId = namedtuple("OffsetMessageId", ("ip", "port", "offset"), module=__name__)
OffsetMessageId.__doc__ = "The parts of an offset message id: host address, host port, commit-log offset."

UniqueIdParts = namedtuple(
    "UniqueIdParts", ("ip", "pid", "loader_hash", "millis_since_month_start", "counter"), module=__name__
)
UniqueIdParts.__doc__ = "The parts of a unique id; ``pid`` and ``counter`` are their lowest 16 bits."


cdef inline int _hex_value(Py_UCS4 digit) noexcept nogil:
    cdef uint32_t d = <uint32_t>digit
    if 48 <= d <= 57:
        return d - 48
    d |= 32
    return d - 87 if 97 <= d <= 102 else -1


cdef str address_text(const unsigned char *address, Py_ssize_t address_bytes):
    cdef char text[16]
    cdef Py_ssize_t used = 0
    cdef Py_ssize_t i
    cdef uint8_t octet
    if address_bytes != 4:
        import socket  # takes 3 ms, and few ids have such addresses

        return socket.inet_ntop(socket.AF_INET6, address[:address_bytes])
    for i in range(4):
        octet = address[i]
        if octet >= 100:
            text[used] = 48 + octet // 100
            used += 1
        if octet >= 10:
            text[used] = 48 + octet // 10 % 10
            used += 1
        text[used] = 48 + octet % 10
        text[used + 1] = 46
        used += 2
    return text[:used - 1].decode("ascii")


cdef bytes address_bytes_of(object address, str field):
    cdef bytes raw
    if isinstance(address, str):
        import socket

        try:
            return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"{field} {address!r} is no IPv4 or IPv6 address",
                field=field,
                advice="Give text such as 10.0.0.7 or 2001:db8::1; names are not looked up here.",
            ) from error
    if not isinstance(address, bytes):
        raise ConfigurationError(
            f"{field} is {type(address).__name__}, it must be str or bytes",
            field=field,
            advice="Give the address as text such as 10.0.0.7, or as its 4 or 16 bytes.",
        )
    raw = address
    if len(raw) != 4 and len(raw) != 16:
        raise ConfigurationError(
            f"{field} has {len(raw):,} bytes, an address has 4 (IPv4) or 16 (IPv6)",
            field=field,
            advice="Give the packed address, or its text form.",
        )
    return raw


cdef str offset_id_text(const unsigned char *host, Py_ssize_t host_bytes, const unsigned char *offset):
    cdef str text = PyUnicode_New(2 * host_bytes + 16, 127)
    put_hex(put_hex(<uint8_t *>PyUnicode_1BYTE_DATA(text), host, host_bytes), offset, 8)
    return text


cdef bytes _raw_id(str text):
    # 32 digits: IPv4, 56: IPv6. Go writes part of its ids in lower case.
    cdef Py_ssize_t digits = PyUnicode_GET_LENGTH(text)
    cdef unsigned int kind = PyUnicode_KIND(text)
    cdef const uint8_t *data = <const uint8_t *>PyUnicode_DATA(text)
    cdef Py_ssize_t i
    cdef int high, low
    cdef bytes raw
    cdef char *out
    if digits != 32 and digits != 56:
        raise DeserializationError(
            f"msg_id has {digits:,} characters, a message id has 32 (IPv4) or 56 (IPv6) hex digits",
            field="msg_id",
            advice="Pass the id as the send result or the message shows it.",
        )
    raw = PyBytes_FromStringAndSize(NULL, digits // 2)
    out = PyBytes_AS_STRING(raw)
    for i in range(digits // 2):
        high = _hex_value(data[2 * i]) if kind == 1 else -1
        low = _hex_value(data[2 * i + 1]) if kind == 1 else -1
        if high < 0 or low < 0:
            raise DeserializationError(
                f"msg_id {text!r} has characters that are no hex digits",
                field="msg_id",
                advice="Pass the id as the send result or the message shows it.",
            )
        out[i] = <char>(high << 4 | low)
    return raw


def encode_offset_message_id(address, port, offset) -> str:
    """Return the offset message id of a message that the broker at ``address`` stored at ``offset``.

    The address is text, or its 4 or 16 bytes.
    """
    cdef bytes ip = address_bytes_of(address, "address")
    cdef uint8_t host[20]
    cdef uint8_t place[8]
    cdef Py_ssize_t ip_bytes = len(ip)
    if not 0 <= port <= 65535:
        raise ConfigurationError(
            f"port is {port:,}, a port is 0 to 65,535", field="port", advice="Pass the broker's listen port."
        )
    if not -0x8000000000000000 <= offset <= 0x7FFFFFFFFFFFFFFF:
        raise ConfigurationError(
            f"offset is {offset:,}, a commit-log offset is a signed 64-bit number",
            field="offset",
            advice="Pass the commit_log_offset of the message.",
        )
    memcpy(host, PyBytes_AS_STRING(ip), ip_bytes)
    store_be32(&host[ip_bytes], port)
    store_be64(place, <uint64_t><int64_t>offset)
    return offset_id_text(host, ip_bytes + 4, place)


def decode_offset_message_id(str msg_id not None):
    """Return the address, port and commit-log offset that the offset message id ``msg_id`` holds."""
    cdef bytes raw = _raw_id(msg_id)
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(raw)
    cdef Py_ssize_t ip_bytes = len(raw) - 12
    cdef int32_t port = <int32_t>load_be32(at + ip_bytes)
    cdef int64_t offset = <int64_t>load_be64(at + ip_bytes + 4)
    return OffsetMessageId(address_text(at, ip_bytes), port, offset)


def parse_unique_id(str unique_id not None):
    """Return the parts of a unique id of 32 or 56 hex digits, whichever client made it."""
    cdef bytes raw = _raw_id(unique_id)
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(raw)
    cdef Py_ssize_t ip_bytes = len(raw) - 12
    cdef const uint8_t *rest = at + ip_bytes
    return UniqueIdParts(
        address_text(at, ip_bytes),
        load_be16(rest),
        <int32_t>load_be32(rest + 2),
        load_be32(rest + 6),
        load_be16(rest + 10),
    )


# Counts the forks that led to this process; ids made before and after must not meet.
cdef uint32_t _process_forks = 0


def _note_fork():
    global _process_forks
    prmq_ids_forked()
    _process_forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def _own_ipv4() -> bytes:
    import socket

    # Connecting a datagram socket looks up the route and sends nothing, so this cannot block.
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("10.255.255.255", 9))
            ip = socket.inet_aton(probe.getsockname()[0])
    except OSError:
        return os.urandom(4)
    return os.urandom(4) if ip[0] in (0, 127) else ip


cdef inline uint32_t _next_random(uint64_t *state) noexcept nogil:
    # splitmix64
    cdef uint64_t z
    state[0] += <uint64_t>0x9E3779B97F4A7C15
    z = state[0]
    z = (z ^ (z >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <uint64_t>0x94D049BB133111EB
    return <uint32_t>((z ^ (z >> 31)) >> 32)


@cython.final
cdef class UniqueIds:
    """A source of unique message ids: 32 upper-case hex digits in the layout of the Java client.

    Address (4 bytes), process id (2), a random number (4; Java puts the hash of a class loader there),
    milliseconds since the month began in local time (4), counter (2). Time and counter form one number that
    only grows, so more than 65,536 ids in a millisecond borrow from the next one. After a fork and at the
    turn of the month the random number changes.

    Args:
        ip: the 4 address bytes to put first. None takes the address of the default route, found without any
            network traffic, and 4 random bytes where there is none.
    """

    def __cinit__(self, bytes ip=None):
        cdef bytes seed = os.urandom(8)
        if ip is None:
            ip = _own_ipv4()
        elif len(ip) != 4:
            raise ConfigurationError(
                f"ip has {len(ip):,} bytes, the address in a unique id has 4",
                field="ip",
                advice="Pass the packed IPv4 address, or leave it out.",
            )
        memcpy(self._ip, PyBytes_AS_STRING(ip), 4)
        memcpy(&self._random_state, PyBytes_AS_STRING(seed), 8)
        self._pid = -1
        self._seen_ms = -1

    cdef void _new_process(self, int64_t pid, int64_t now_ms) noexcept:
        # Children of one parent share its random state; their process ids and start times tell them apart.
        self._random_state ^= (<uint64_t>pid << 40) ^ <uint64_t>now_ms
        self._pid = pid
        self._forks = _process_forks
        self._loader_hash = _next_random(&self._random_state)

    cdef void _new_month(self, int64_t now_ms) noexcept:
        if not prmq_month_of(now_ms, &self._month_start_ms, &self._next_month_ms):
            self._month_start_ms = now_ms
            self._next_month_ms = now_ms + <int64_t>28 * 24 * 3600 * 1000  # the shortest month
        self._sequence = 0
        self._loader_hash = _next_random(&self._random_state)

    cdef void fill_at(self, uint8_t *out, int64_t now_ms) noexcept:
        cdef uint64_t floor, sequence
        cdef int64_t pid
        prmq_ids_lock()
        if now_ms != self._seen_ms or self._forks != _process_forks:
            # The hook does not see forks by C code, so the process is asked once per tick of the clock.
            self._seen_ms = now_ms
            pid = prmq_pid()
            if pid != self._pid or self._forks != _process_forks:
                self._new_process(pid, now_ms)
            if now_ms >= self._next_month_ms:
                self._new_month(now_ms)
        sequence = self._sequence + 1
        if now_ms > self._month_start_ms:
            floor = <uint64_t>(now_ms - self._month_start_ms) << COUNTER_BITS
            if sequence < floor:
                sequence = floor
        self._sequence = sequence
        memcpy(out, self._ip, 4)
        store_be16(out + 4, <uint16_t>self._pid)
        store_be32(out + 6, self._loader_hash)
        store_be32(out + 10, <uint32_t>(sequence >> COUNTER_BITS))
        store_be16(out + 14, <uint16_t>sequence)
        prmq_ids_unlock()

    def next(self) -> str:
        """Return the next id."""
        return self.next_at(coarse_now_ms())

    def next_at(self, int64_t now_ms) -> str:
        """Return the next id for a clock that shows ``now_ms`` milliseconds since 1970 (UTC)."""
        cdef uint8_t raw[UNIQUE_ID_BYTES]
        self.fill_at(raw, now_ms)
        return hex_text(raw, UNIQUE_ID_BYTES)


# Made when the first id is needed: programs that only read messages need no address.
cdef UniqueIds _process_ids = None


cdef int fill_unique_id(unsigned char *out) except -1:
    return fill_unique_id_at(out, coarse_now_ms())


cdef int fill_unique_id_at(unsigned char *out, int64_t now_ms) except -1:
    global _process_ids
    if _process_ids is None:
        _process_ids = UniqueIds()
    _process_ids.fill_at(out, now_ms)
    return 0


def next_unique_id() -> str:
    """Return a message id that no other call in this process or its children returns."""
    cdef uint8_t raw[UNIQUE_ID_BYTES]
    fill_unique_id(raw)
    return hex_text(raw, UNIQUE_ID_BYTES)
