/* Steps the clock of the day of one process, and fails the disk its session is on, while the test says so. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

struct faults { long clock_off_s, disk_fails; };

static volatile struct faults *faults(void) {
    static volatile struct faults *at;
    if (!at) {
        int file = REAL(open)(getenv("SHIM_FAULTS"), O_RDONLY);
        at = mmap(0, sizeof *at, PROT_READ, MAP_SHARED, file, 0);
    }
    return at;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static __typeof__(&clock_gettime) real;
    if (!real) real = REAL(clock_gettime);
    int done = real(clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += faults()->clock_off_s;
    return done;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

static int fails(const char *path) {
    const char *disk = getenv("SHIM_DISK");
    if (!faults()->disk_fails || strncmp(path, disk, strlen(disk))) return 0;
    errno = EIO;
    return 1;
}

static int fails_of(int file) {
    char link[40], path[4096];
    if (!faults()->disk_fails) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return fails(path);
}

#define OPEN(name)                                              \
    int name(const char *path, int flags, ...) {                \
        va_list rest;                                           \
        va_start(rest, flags);                                  \
        int mode = va_arg(rest, int);                           \
        va_end(rest);                                           \
        return fails(path) ? -1 : REAL(name)(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

ssize_t pwrite64(int file, const void *from, size_t n, off64_t at) {
    return fails_of(file) ? -1 : REAL(pwrite64)(file, from, n, at);
}
ssize_t pwrite(int file, const void *from, size_t n, off_t at) {
    return fails_of(file) ? -1 : REAL(pwrite)(file, from, n, at);
}
ssize_t pread64(int file, void *into, size_t n, off64_t at) {
    return fails_of(file) ? -1 : REAL(pread64)(file, into, n, at);
}
int fsync(int file) { return fails_of(file) ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return fails_of(file) ? -1 : REAL(fdatasync)(file); }
