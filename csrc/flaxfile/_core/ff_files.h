/* What it takes to reach files by the descriptors of their folders, where the system has that. */
#ifndef FF_FILES_H
#define FF_FILES_H

#include <errno.h>
#include <stdint.h>

#ifndef _WIN32
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__APPLE__)
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif
#define FF_SMALL 1
#define FF_HERE AT_FDCWD

static int64_t ff_nanos(const struct timespec *at) {
    return (int64_t)at->tv_sec * 1000000000 + at->tv_nsec;
}

#else
#define FF_SMALL 0
#define FF_HERE (-1)
#endif
#endif
