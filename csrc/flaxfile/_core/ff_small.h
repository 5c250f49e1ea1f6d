/* Many small files in one go: read whole, written whole under a name of their own, then given their names. All of
   it without the interpreter, as each file is a handful of short calls of the system. Knows nothing of keys. */
#ifndef FF_SMALL_H
#define FF_SMALL_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ff_files.h"

#define FF_READS 3

typedef struct {
    int folder;         /* descriptor, or FF_HERE */
    const char *name;
    const char *part;   /* the name it is written under */
    const void *bytes;  /* what is written */
    size_t size;
    int mode;
    int has_time;
    int64_t time_ns;
    /* what came of it */
    int cause;          /* 0, or errno */
    size_t at;          /* of what was read: where it begins */
    uint64_t device, inode;
    int64_t length, mtime_ns, ctime_ns;
} ff_file;

#if FF_SMALL

static void ff_note_state(ff_file *file, const struct stat *status) {
    file->mode = (int)status->st_mode;
    file->device = (uint64_t)status->st_dev;
    file->inode = (uint64_t)status->st_ino;
    file->length = (int64_t)status->st_size;
    file->mtime_ns = ff_nanos(&status->st_mtim);
    file->ctime_ns = ff_nanos(&status->st_ctim);
}

/* 0, or errno; EFBIG: does not fit into `room`, EAGAIN: it kept changing, EINVAL: is no file. */
static int ff_read_whole(int fd, uint8_t *to, size_t room, ff_file *file) {
    struct stat status;
    int turn;
    for (turn = 0; turn < FF_READS; turn++) {
        size_t got = 0;
        if (fstat(fd, &status) != 0) {
            return errno;
        }
        ff_note_state(file, &status);
        if (!S_ISREG(status.st_mode)) {
            return EINVAL;
        }
        if ((uint64_t)file->length > room) {
            return EFBIG;
        }
        while (got < (size_t)file->length) {
            ssize_t piece = pread(fd, to + got, (size_t)file->length - got, (off_t)got);
            if (piece < 0 && errno == EINTR) {
                continue;
            }
            if (piece < 0) {
                return errno;
            }
            if (piece == 0) {
                break;
            }
            got += (size_t)piece;
        }
        if (fstat(fd, &status) != 0) {
            return errno;
        }
        if (got == (size_t)file->length && (int64_t)status.st_size == file->length &&
            ff_nanos(&status.st_mtim) == file->mtime_ns && ff_nanos(&status.st_ctim) == file->ctime_ns) {
            return 0;
        }
    }
    return EAGAIN;
}

/* Reads files one behind the other into `to`, until one does not fit any more; how many were tried. */
static int ff_read_files(ff_file *file, int count, uint8_t *to, size_t room, int follow) {
    size_t at = 0;
    int i;
    /* A pipe under such a name must not hold us; files do not care. */
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW);
    for (i = 0; i < count; i++) {
        int fd = openat(file[i].folder, file[i].name, flags);
        file[i].at = at;
        if (fd < 0) {
            file[i].cause = errno;
            continue;
        }
        file[i].cause = ff_read_whole(fd, to + at, room - at, &file[i]);
        close(fd);
        if (file[i].cause == 0) {
            at += (size_t)file[i].length;
        } else if (file[i].cause == EFBIG) {
            return i + 1;
        }
    }
    return count;
}

static int ff_fill(int fd, const ff_file *file) {
    const uint8_t *from = (const uint8_t *)file->bytes;
    size_t left = file->size;
    while (left > 0) {
        ssize_t put = write(fd, from, left);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return put < 0 ? errno : EIO;
        }
        from += put;
        left -= (size_t)put;
    }
    if (fchmod(fd, (mode_t)file->mode) != 0) {
        return errno;
    }
    if (file->has_time) {
        struct timespec times[2];
        times[0].tv_sec = (time_t)(file->time_ns / 1000000000);
        times[0].tv_nsec = (long)(file->time_ns % 1000000000);
        if (times[0].tv_nsec < 0) {
            times[0].tv_sec--;
            times[0].tv_nsec += 1000000000;
        }
        times[1] = times[0];
        if (futimens(fd, times) != 0) {
            return errno;
        }
    }
    return 0;
}

/* Writes each file under the name of its part, which is below `folder`; nothing is left of one that fails. */
static void ff_write_files(ff_file *file, int count, int folder) {
    int i;
    for (i = 0; i < count; i++) {
        int fd = openat(folder, file[i].part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            file[i].cause = errno;
            continue;
        }
        file[i].cause = ff_fill(fd, &file[i]);
        if (close(fd) != 0 && file[i].cause == 0) {
            file[i].cause = errno;
        }
        if (file[i].cause != 0) {
            unlinkat(folder, file[i].part, 0);
        }
    }
}

/* Gives each file that was written its name, in one step, and notes what it is then. */
static void ff_name_files(ff_file *file, int count, int folder) {
    struct stat status;
    int i;
    for (i = 0; i < count; i++) {
        if (file[i].cause != 0) {
            continue;
        }
        if (renameat(folder, file[i].part, file[i].folder, file[i].name) != 0) {
            file[i].cause = errno;
            unlinkat(folder, file[i].part, 0);
        } else if (fstatat(file[i].folder, file[i].name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            file[i].cause = errno;
        } else {
            ff_note_state(&file[i], &status);
        }
    }
}

#else

static int ff_read_files(ff_file *file, int count, uint8_t *to, size_t room, int follow) {
    (void)file, (void)count, (void)to, (void)room, (void)follow;
    return 0;
}
static void ff_write_files(ff_file *file, int count, int folder) {
    (void)file, (void)count, (void)folder;
}
static void ff_name_files(ff_file *file, int count, int folder) {
    (void)file, (void)count, (void)folder;
}

#endif
#endif
