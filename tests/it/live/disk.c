/* Stands between a program and its files, preloaded: logs what the program does to those below a folder, and can be a
   disk that is full or must not be written to.

   DISK_FOLDER     the folder, without symbolic links
   DISK_LOG        a file that each effect is appended to, once it has happened
   DISK_ROOM       bytes by which files may still grow
   DISK_READ_ONLY  `disk`: nothing may be written; `folder`: no file may be made or deleted

   An effect is a line `LETTER DESCRIPTOR NUMBER LENGTH` and so many bytes:
   P a process begins         O file opened (number: 1 if it was made; path)   W written (where; bytes)   T resized (to what)
   S synced                   C closed                                         U deleted (path)           A answered on stdout (bytes)
   X something that this library doesn't follow (what). */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOST_FILES = 4096 };

/* Held over an effect and its line, so that they have one order. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static const char *read_only;
static int logged_to = -1;
static int has_room_limit;
static long room;
/* 1: below the folder; 2: the same, and its memory may be shared (`-shm`, which every start makes anew). */
static char followed[MOST_FILES];

static void note(char effect, int file, long number, const void *bytes, size_t length) {
    char line[96];
    int size = snprintf(line, sizeof line, "%c %d %ld %zu\n", effect, file, number, length);
    struct iovec parts[] = {{line, (size_t)size}, {(void *)bytes, length}};
    if (logged_to >= 0 && syscall(SYS_writev, logged_to, parts, 2) != (long)(size + length)) {
        abort();
    }
}

static void note_text(char effect, int file, long number, const char *text) {
    note(effect, file, number, text, strlen(text));
}

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("DISK_LOG");
    const char *limit = getenv("DISK_ROOM");
    folder = getenv("DISK_FOLDER");
    read_only = getenv("DISK_READ_ONLY");
    has_room_limit = limit != NULL;
    room = limit ? atol(limit) : 0;
    if (log) {
        logged_to = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        note('P', 0, 0, "", 0);
    }
}

static int is_followed(int file) {
    return file >= 0 && file < MOST_FILES && followed[file];
}

/* The whole path, if it is the folder or lies in it. */
static int lies_below(const char *path, char *whole) {
    char here[PATH_MAX];
    if (path[0] == '/') {
        snprintf(whole, PATH_MAX, "%s", path);
    } else if (getcwd(here, sizeof here)) {
        snprintf(whole, PATH_MAX, "%.2000s/%.2000s", here, path);
    } else {
        return 0;
    }
    size_t length = folder ? strlen(folder) : 0;
    return length > 0 && strncmp(whole, folder, length) == 0 && (whole[length] == '/' || whole[length] == '\0');
}

static int is_shared_memory(const char *path) {
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, "-shm") == 0;
}

static int is_read_only(const char *which) {
    return read_only && strcmp(read_only, which) == 0;
}

static int refused(int flags, int is_there) {
    int makes = (flags & O_CREAT) && !is_there;
    int writes = makes || (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
    if (writes && is_read_only("disk")) {
        return EROFS;
    }
    return makes && is_read_only("folder") ? EACCES : 0;
}

static int opened(int at, const char *path, int flags, mode_t mode) {
    char whole[PATH_MAX];
    struct stat found;
    if (at != AT_FDCWD || !lies_below(path, whole)) {
        return (int)syscall(SYS_openat, at, path, flags, mode);
    }
    pthread_mutex_lock(&turn);
    int is_there = lstat(whole, &found) == 0;
    int error = refused(flags, is_there);
    int file = -1;
    if (!error) {
        file = (int)syscall(SYS_openat, at, path, flags, mode);
        error = errno;
    }
    if (file >= MOST_FILES) {
        note_text('X', file, 0, "too many files");
    } else if (file >= 0) {
        followed[file] = is_shared_memory(whole) ? 2 : 1;
        note_text('O', file, !is_there, whole);
        if (flags & O_TRUNC) {
            note('T', file, 0, "", 0);
        }
    }
    pthread_mutex_unlock(&turn);
    errno = error;
    return file;
}

static mode_t mode_of(int flags, va_list rest) {
    return (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int openat(int at, const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...) __attribute__((alias("openat")));

/* How much of so many bytes from there on the disk has room for; takes it. */
static size_t taken(int file, off_t from, size_t length) {
    struct stat found;
    if (!has_room_limit || fstat(file, &found) != 0) {
        return length;
    }
    off_t growth = from + (off_t)length - found.st_size;
    if (growth <= 0) {
        return length;
    }
    size_t left_out = growth > room ? (size_t)(growth - room) : 0;
    room = growth > room ? 0 : room - growth;
    return left_out >= length ? 0 : length - left_out;
}

static ssize_t written(int file, const void *bytes, size_t length, off_t from, int is_placed) {
    pthread_mutex_lock(&turn);
    if (!is_placed) {
        from = lseek(file, 0, (fcntl(file, F_GETFL) & O_APPEND) ? SEEK_END : SEEK_CUR);
    }
    ssize_t done = -1;
    int error = ENOSPC;
    size_t fits = taken(file, from, length);
    if (fits > 0 || length == 0) {
        done = is_placed ? syscall(SYS_pwrite64, file, bytes, fits, from) : syscall(SYS_write, file, bytes, fits);
        error = errno;
    }
    if (done > 0) {
        note('W', file, from, bytes, (size_t)done);
    }
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

ssize_t write(int file, const void *bytes, size_t length) {
    if (is_followed(file)) {
        return written(file, bytes, length, 0, 0);
    }
    if (file != STDOUT_FILENO) {
        return syscall(SYS_write, file, bytes, length);
    }
    pthread_mutex_lock(&turn);
    ssize_t done = syscall(SYS_write, file, bytes, length);
    int error = errno;
    if (done > 0) {
        note('A', file, 0, bytes, (size_t)done);
    }
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t from) {
    return is_followed(file) ? written(file, bytes, length, from, 1) : syscall(SYS_pwrite64, file, bytes, length, from);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t from) __attribute__((alias("pwrite")));

ssize_t writev(int file, const struct iovec *parts, int count) {
    if (is_followed(file) || file == STDOUT_FILENO) {
        note_text('X', file, 0, "writev");
    }
    return syscall(SYS_writev, file, parts, count);
}

int ftruncate(int file, off_t size) {
    if (!is_followed(file)) {
        return (int)syscall(SYS_ftruncate, file, size);
    }
    pthread_mutex_lock(&turn);
    int done = -1;
    int error = ENOSPC;
    if (taken(file, size, 0) == 0 && (!has_room_limit || room > 0)) {
        done = (int)syscall(SYS_ftruncate, file, size);
        error = errno;
    }
    if (done == 0) {
        note('T', file, size, "", 0);
    }
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

int ftruncate64(int file, off64_t size) __attribute__((alias("ftruncate")));

static int synced(int file, long call) {
    pthread_mutex_lock(&turn);
    int done = (int)syscall(call, file);
    int error = errno;
    if (done == 0 && is_followed(file)) {
        note('S', file, 0, "", 0);
    }
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

int fsync(int file) {
    return synced(file, SYS_fsync);
}

int fdatasync(int file) {
    return synced(file, SYS_fdatasync);
}

int close(int file) {
    if (!is_followed(file)) {
        return (int)syscall(SYS_close, file);
    }
    pthread_mutex_lock(&turn);
    followed[file] = 0;
    note('C', file, 0, "", 0);
    int done = (int)syscall(SYS_close, file);
    int error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

int unlink(const char *path) {
    char whole[PATH_MAX];
    if (!lies_below(path, whole)) {
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    }
    pthread_mutex_lock(&turn);
    int error = is_read_only("disk") ? EROFS : is_read_only("folder") ? EACCES : 0;
    int done = -1;
    if (!error) {
        done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
        error = errno;
    }
    if (done == 0) {
        note_text('U', 0, 0, whole);
    }
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

int rename(const char *from, const char *to) {
    char whole[PATH_MAX];
    if (lies_below(from, whole) || lies_below(to, whole)) {
        note_text('X', 0, 0, "rename");
    }
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int allocated(int file, int mode, off_t from, off_t length) {
    if (is_followed(file)) {
        note_text('X', file, 0, "fallocate");
    }
    return (int)syscall(SYS_fallocate, file, mode, from, length);
}

int fallocate(int file, int mode, off_t from, off_t length) {
    return allocated(file, mode, from, length);
}

int fallocate64(int file, int mode, off64_t from, off64_t length) __attribute__((alias("fallocate")));

int posix_fallocate(int file, off_t from, off_t length) {
    return allocated(file, 0, from, length) == 0 ? 0 : errno;
}

int posix_fallocate64(int file, off64_t from, off64_t length) __attribute__((alias("posix_fallocate")));

void *mmap(void *at, size_t length, int allowed, int flags, int file, off_t from) {
    if (is_followed(file) && followed[file] != 2 && (allowed & PROT_WRITE) && (flags & MAP_SHARED)) {
        note_text('X', file, 0, "mmap");
    }
    return (void *)syscall(SYS_mmap, at, length, allowed, flags, file, from);
}

void *mmap64(void *at, size_t length, int allowed, int flags, int file, off64_t from) __attribute__((alias("mmap")));
