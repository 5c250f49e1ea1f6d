"""Wall-clock milliseconds, cheap enough to be read for every message. Inline functions only."""

from libc.stdint cimport int64_t

cdef extern from *:
    """
    #ifndef PRMQ_CLOCK_H
    #define PRMQ_CLOCK_H
    #include <stdint.h>
    #if defined(_WIN32)
    #include <windows.h>
    #define prmq_coarse_now_ms prmq_now_ms
    static inline int64_t prmq_now_ms(void) {
        FILETIME now;
        ULARGE_INTEGER ticks;
        GetSystemTimePreciseAsFileTime(&now);
        ticks.LowPart = now.dwLowDateTime;
        ticks.HighPart = now.dwHighDateTime;
        return (int64_t)(ticks.QuadPart / 10000) - INT64_C(11644473600000);  /* 1601 to 1970 */
    }
    #else
    #include <time.h>
    static inline int64_t prmq_now_ms(void) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    }
    #if defined(CLOCK_REALTIME_COARSE)
    static inline int64_t prmq_coarse_now_ms(void) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    }
    #else
    #define prmq_coarse_now_ms prmq_now_ms
    #endif
    #endif
    #endif
    """
    int64_t now_ms "prmq_now_ms"() noexcept nogil
    # Moves every 1 to 4 ms and costs a quarter, for what has another way to tell two events apart.
    int64_t coarse_now_ms "prmq_coarse_now_ms"() noexcept nogil
