"""Seconds of a clock that never goes back, cheap enough to be read for every request. Inline functions only."""

cdef extern from *:
    """
    #ifndef PRMQ_MONOTONIC_H
    #define PRMQ_MONOTONIC_H
    #if defined(_WIN32)
    #include <windows.h>
    static inline double prmq_monotonic(void) {
        LARGE_INTEGER ticks, frequency;
        QueryPerformanceCounter(&ticks);
        QueryPerformanceFrequency(&frequency);
        return (double)ticks.QuadPart / (double)frequency.QuadPart;
    }
    #define prmq_coarse_monotonic prmq_monotonic
    #else
    #include <time.h>
    static inline double prmq_monotonic(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    }
    #if defined(CLOCK_MONOTONIC_COARSE)
    static inline double prmq_coarse_monotonic(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    }
    #else
    #define prmq_coarse_monotonic prmq_monotonic
    #endif
    #endif
    #endif
    """
    double monotonic "prmq_monotonic"() noexcept nogil
    # May be up to 4 ms behind, and costs a quarter.
    double coarse_monotonic "prmq_coarse_monotonic"() noexcept nogil
