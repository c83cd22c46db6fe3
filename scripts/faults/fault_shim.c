/* Fail or kill at the n-th change of a file in one folder; loaded with LD_PRELOAD.
 *
 * Counts every call that changes a file under FAULT_FOLDER, whoever makes it: Python, SQLite
 * or a library. `fault_arm` chooses the call and what happens there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { KILL_BEFORE = 1, KILL_AFTER, KILL_TORN, NO_SPACE, IO_ERROR, SHORT_WRITE };

static long calls, chosen = -1;
static int kind, for_good;

void fault_arm(long at, int what, int from_then_on) {
    calls = 0;
    chosen = at;
    kind = what;
    for_good = from_then_on;
}

long fault_calls(void) { return calls; }

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static int is_watched_path(const char *path) {
    const char *folder = getenv("FAULT_FOLDER");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_watched(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    return is_watched_path(path);
}

/* Whether this call is the chosen one, or comes after it where the fault lasts. */
static int is_due(void) {
    if (chosen < 0) return 0;
    calls++;
    return for_good ? calls >= chosen : calls == chosen;
}

static int failed(void) {
    errno = kind == IO_ERROR ? EIO : ENOSPC;
    return -1;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define WRITING(name, parameters, whole, half) \
    ssize_t name parameters { \
        REAL(name); \
        if (!is_watched(file) || !is_due()) return whole; \
        switch (kind) { \
            case KILL_BEFORE: die(); break; \
            case KILL_TORN: (void)!(half); die(); break; \
            case KILL_AFTER: (void)!(whole); die(); break; \
            case SHORT_WRITE: (void)!(half); return failed(); \
            case NO_SPACE: case IO_ERROR: return failed(); \
        } \
        return whole; \
    }

WRITING(write, (int file, const void *data, size_t size), real(file, data, size),
        real(file, data, size / 2))
WRITING(pwrite, (int file, const void *data, size_t size, off_t at), real(file, data, size, at),
        real(file, data, size / 2, at))
WRITING(pwrite64, (int file, const void *data, size_t size, off_t at), real(file, data, size, at),
        real(file, data, size / 2, at))

#define CHANGING(name, parameters, arguments, watched, can_fail) \
    int name parameters { \
        REAL(name); \
        if (!(watched) || !is_due()) return real arguments; \
        if (kind == KILL_BEFORE || kind == KILL_TORN) die(); \
        if (kind >= NO_SPACE && can_fail) return failed(); \
        int result = real arguments; \
        if (kind == KILL_AFTER) die(); \
        return result; \
    }

CHANGING(fsync, (int file), (file), is_watched(file), 1)
CHANGING(fdatasync, (int file), (file), is_watched(file), 1)
CHANGING(ftruncate, (int file, off_t size), (file, size), is_watched(file), 1)
CHANGING(ftruncate64, (int file, off_t size), (file, size), is_watched(file), 1)
CHANGING(rename, (const char *from, const char *to), (from, to), is_watched_path(to), 1)
/* A full disk does not keep files from being removed. */
CHANGING(unlink, (const char *path), (path), is_watched_path(path), 0)
