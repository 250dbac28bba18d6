// Cuts reads and writes short, interrupts some, and moves the clock; loaded before the C library.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static size_t read_max, write_max;
static long long clock_offset, clock_step;
static int interrupts;
static long calls;

__attribute__((constructor)) static void start(void) {
    const char *text;
    if ((text = getenv("SHIM_READ_MAX"))) read_max = strtoul(text, 0, 10);
    if ((text = getenv("SHIM_WRITE_MAX"))) write_max = strtoul(text, 0, 10);
    if ((text = getenv("SHIM_CLOCK_OFFSET"))) clock_offset = strtoll(text, 0, 10);
    if ((text = getenv("SHIM_CLOCK_STEP"))) clock_step = strtoll(text, 0, 10);
    if ((text = getenv("SHIM_INTERRUPTS"))) interrupts = atoi(text);
    if ((text = getenv("SHIM_WITNESS"))) {
        int fd = open(text, O_CREAT | O_WRONLY, 0600);
        if (fd >= 0) close(fd);
    }
}

// Every n-th call is interrupted before it has done anything.
static int is_interrupted(void) {
    if (!interrupts || __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) % interrupts) return 0;
    errno = EINTR;
    return 1;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

ssize_t read(int fd, void *to, size_t count) {
    REAL(ssize_t, read, int, void *, size_t);
    if (is_interrupted()) return -1;
    return real(fd, to, read_max && count > read_max ? read_max : count);
}

ssize_t pread64(int fd, void *to, size_t count, off64_t at) {
    REAL(ssize_t, pread64, int, void *, size_t, off64_t);
    if (is_interrupted()) return -1;
    return real(fd, to, read_max && count > read_max ? read_max : count, at);
}

ssize_t write(int fd, const void *from, size_t count) {
    REAL(ssize_t, write, int, const void *, size_t);
    if (is_interrupted()) return -1;
    return real(fd, from, write_max && count > write_max ? write_max : count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    if (is_interrupted()) return -1;
    if (!write_max || count < 1) return real(fd, parts, count);
    struct iovec first = parts[0];
    if (first.iov_len > write_max) first.iov_len = write_max;
    return real(fd, &first, 1);
}

// The wall clock starts elsewhere, and goes back with every look at it if the step is negative.
int clock_gettime(clockid_t which, struct timespec *at) {
    REAL(int, clock_gettime, clockid_t, struct timespec *);
    int done = real(which, at);
    if (!done && which == CLOCK_REALTIME && (clock_offset || clock_step)) {
        long looks = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
        at->tv_sec += clock_offset + clock_step * looks;
    }
    return done;
}
