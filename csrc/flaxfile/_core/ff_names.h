/* What stands in a folder: every name with its state, read and sorted without the interpreter. The order is that of
   keys: a folder counts with its slash. Knows nothing of keys beside. */
#ifndef FF_NAMES_H
#define FF_NAMES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ff_files.h"

typedef struct {
    size_t at; /* of its text in the names' */
    size_t length;
    const char *text;
    int mode, folder, file;
    uint64_t device, inode;
    int64_t size, mtime_ns, ctime_ns;
} ff_name;

typedef struct {
    ff_name *item;
    size_t count, room;
    char *text;
    size_t used, held;
} ff_names;

static void ff_names_free(ff_names *names) {
    free(names->item);
    free(names->text);
    memset(names, 0, sizeof *names);
}

/* Less than, equal to or greater than 0, as bytes; a text that ends goes on with `after`, or with nothing for 0. */
static int ff_names_order(const char *a, size_t a_size, int a_after, const char *b, size_t b_size, int b_after) {
    size_t both = a_size < b_size ? a_size : b_size;
    int order = memcmp(a, b, both);
    int a_next, b_next;
    if (order != 0) {
        return order;
    }
    a_next = a_size > both ? (int)(unsigned char)a[both] : a_after;
    b_next = b_size > both ? (int)(unsigned char)b[both] : b_after;
    return a_next - b_next;
}

static int ff_names_compare(const void *left, const void *right) {
    const ff_name *a = (const ff_name *)left;
    const ff_name *b = (const ff_name *)right;
    return ff_names_order(a->text, a->length, a->folder ? '/' : 0, b->text, b->length, b->folder ? '/' : 0);
}

#if FF_SMALL
#include <dirent.h>

static int ff_names_add(ff_names *names, const char *name, const struct stat *status) {
    size_t length = strlen(name);
    ff_name *item;
    if (names->count == names->room) {
        size_t room = names->room ? names->room * 2 : 64;
        ff_name *more = (ff_name *)realloc(names->item, room * sizeof *more);
        if (!more) {
            return ENOMEM;
        }
        names->item = more;
        names->room = room;
    }
    if (names->held - names->used < length) {
        size_t held = names->held * 2 + length + 1024;
        char *more = (char *)realloc(names->text, held);
        if (!more) {
            return ENOMEM;
        }
        names->text = more;
        names->held = held;
    }
    memcpy(names->text + names->used, name, length);
    item = &names->item[names->count++];
    memset(item, 0, sizeof *item);
    item->at = names->used;
    item->length = length;
    names->used += length;
    item->mode = (int)status->st_mode;
    item->folder = S_ISDIR(status->st_mode) != 0;
    item->file = S_ISREG(status->st_mode) != 0;
    item->device = (uint64_t)status->st_dev;
    item->inode = (uint64_t)status->st_ino;
    item->size = (int64_t)status->st_size;
    item->mtime_ns = ff_nanos(&status->st_mtim);
    item->ctime_ns = ff_nanos(&status->st_ctim);
    return 0;
}

/* 0, or errno. What is removed meanwhile is left out, and so is the name `without`; the mode of what may not be looked at
   is 0. */
static int ff_read_names(int folder, const char *without, ff_names *names) {
    /* Of its own, as reading moves it. */
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int cause = 0;
    size_t i;
    DIR *open;
    if (fd < 0) {
        return errno;
    }
    open = fdopendir(fd);
    if (!open) {
        cause = errno;
        close(fd);
        return cause;
    }
    while (cause == 0) {
        struct stat status;
        const struct dirent *entry;
        const char *name;
        errno = 0;
        entry = readdir(open);
        if (!entry) {
            cause = errno;
            break;
        }
        name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (without && strcmp(name, without) == 0)) {
            continue;
        }
        if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) {
                continue;
            }
            memset(&status, 0, sizeof status);
        }
        cause = ff_names_add(names, name, &status);
    }
    closedir(open);
    if (cause == 0 && names->count > 0) {
        for (i = 0; i < names->count; i++) {
            names->item[i].text = names->text + names->item[i].at;
        }
        qsort(names->item, names->count, sizeof *names->item, ff_names_compare);
    }
    return cause;
}

#else

static int ff_read_names(int folder, const char *without, ff_names *names) {
    (void)folder, (void)without, (void)names;
    return ENOSYS;
}

#endif

/* The first one behind a text. */
static size_t ff_names_behind(const ff_names *names, const char *text, size_t size) {
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const ff_name *item = &names->item[middle];
        if (ff_names_order(item->text, item->length, item->folder ? '/' : 0, text, size, 0) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Whether JSON shows it as it is. */
static int ff_names_plain(const ff_name *item) {
    size_t i;
    for (i = 0; i < item->length; i++) {
        unsigned char byte = (unsigned char)item->text[i];
        if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\') {
            return 0;
        }
    }
    return 1;
}

#define FF_NAMES_ENTRY 256 /* bytes of an entry in JSON beside its key, at most */

#endif
