/*
 * A disk that fails when it is told to: loaded into the service (LD_PRELOAD), it counts what the process does to the files of one folder
 * (CRASH_FOLDER; only those whose path holds CRASH_MATCH, where that is set) and kills the process at, cuts short, or refuses one of these writes, as the file CRASH_PLAN says: "AT MODE COUNT".
 * The modes are those of plan.ts.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { NONE, KILL_BEFORE, KILL_AFTER, TORN, EIO_BEFORE, EIO_AFTER, ENOSPC_BEFORE, ENOSPC_AFTER, ENOSPC_HALF };
static const char *names[] = {"", "kill-before", "kill-after", "torn", "eio-before", "eio-after", "enospc-before", "enospc-after", "enospc-half"};

static atomic_int armed, counter, plan_at, plan_count;
static atomic_int plan_mode;

static void read_plan(void) {
  const char *path = getenv("CRASH_PLAN");
  if (path == NULL) return;
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  char text[128] = {0}, mode[32] = {0};
  long got = syscall(SYS_read, fd, text, sizeof text - 1);
  syscall(SYS_close, fd);
  int at = 0, count = 0;
  if (got <= 0 || sscanf(text, "%d %31s %d", &at, mode, &count) != 3) return;
  for (int i = 1; i <= ENOSPC_HALF; i++)
    if (strcmp(names[i], mode) == 0) plan_mode = i;
  plan_at = at;
  plan_count = count;
  armed = 1;
}

static int is_ours(const char *path) {
  const char *folder = getenv("CRASH_FOLDER");
  if (folder == NULL || path == NULL || strncmp(path, folder, strlen(folder)) != 0) return 0;
  const char *match = getenv("CRASH_MATCH");
  if (match != NULL && strstr(path, match) == NULL) return 0;
  /* LevelDB's own notes and lock, and anvil's output: nothing that counts. */
  const char *name = strrchr(path, '/');
  return name != NULL && strcmp(name, "/LOG") != 0 && strcmp(name, "/LOCK") != 0 && strcmp(name, "/LOG.old") != 0;
}

/* What is to happen at this operation; NONE nearly always. */
static enum mode next(const char *what, const char *path) {
  if (!is_ours(path)) return NONE;
  if (!armed) read_plan();
  if (!armed) return NONE;
  int at = atomic_fetch_add(&counter, 1) + 1;
  if (at < plan_at || at >= plan_at + plan_count) return NONE;
  char fired[4096], line[4352];
  snprintf(fired, sizeof fired, "%s.fired", getenv("CRASH_PLAN"));
  int fd = syscall(SYS_openat, AT_FDCWD, fired, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  int length = snprintf(line, sizeof line, "%s %s\n", what, path);
  syscall(SYS_write, fd, line, length);
  syscall(SYS_close, fd);
  if (plan_mode == KILL_BEFORE) syscall(SYS_kill, getpid(), SIGKILL);
  return plan_mode;
}

static const char *path_of(int fd, char *buffer, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, buffer, size - 1);
  if (length < 0) return NULL;
  buffer[length] = 0;
  return buffer;
}

static enum mode next_fd(const char *what, int fd) {
  char path[4096];
  return next(what, path_of(fd, path, sizeof path));
}

static int refuses_before(enum mode mode) {
  if (mode == EIO_BEFORE) errno = EIO;
  if (mode == ENOSPC_BEFORE) errno = ENOSPC;
  return mode == EIO_BEFORE || mode == ENOSPC_BEFORE;
}

static int refuses_after(enum mode mode) {
  if (mode == KILL_AFTER || mode == TORN) syscall(SYS_kill, getpid(), SIGKILL);
  if (mode == EIO_AFTER) errno = EIO;
  if (mode == ENOSPC_AFTER || mode == ENOSPC_HALF) errno = ENOSPC;
  return mode == EIO_AFTER || mode == ENOSPC_AFTER || mode == ENOSPC_HALF;
}

static int is_half(enum mode mode) { return mode == TORN || mode == ENOSPC_HALF; }

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#undef fwrite_unlocked
#undef fflush_unlocked
size_t fwrite_unlocked(const void *data, size_t size, size_t n, FILE *file) {
  REAL(size_t, "fwrite_unlocked", const void *, size_t, size_t, FILE *);
  enum mode mode = next_fd("fwrite", fileno(file));
  if (refuses_before(mode)) return 0;
  if (is_half(mode)) {
    real(data, 1, size * n / 2, file);
    fflush(file);
  } else if (real(data, size, n, file) != n) return 0;
  return refuses_after(mode) ? 0 : n;
}

int fflush_unlocked(FILE *file) {
  REAL(int, "fflush_unlocked", FILE *);
  enum mode mode = file == NULL ? NONE : next_fd("fflush", fileno(file));
  if (refuses_before(mode)) return EOF;
  int result = real(file);
  return refuses_after(mode) ? EOF : result;
}

ssize_t write(int fd, const void *data, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  enum mode mode = next_fd("write", fd);
  if (refuses_before(mode)) return -1;
  ssize_t result = real(fd, data, is_half(mode) ? size / 2 : size);
  return refuses_after(mode) ? -1 : result;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  enum mode mode = next_fd("pwrite", fd);
  if (refuses_before(mode)) return -1;
  ssize_t result = real(fd, data, is_half(mode) ? size / 2 : size, at);
  return refuses_after(mode) ? -1 : result;
}

#define ON_FD(name) \
  int name(int fd) { \
    REAL(int, #name, int); \
    enum mode mode = next_fd(#name, fd); \
    if (refuses_before(mode)) return -1; \
    int result = real(fd); \
    return refuses_after(mode) ? -1 : result; \
  }
ON_FD(fsync)
ON_FD(fdatasync)

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  enum mode mode = next("rename", to);
  if (refuses_before(mode)) return -1;
  int result = real(from, to);
  return refuses_after(mode) ? -1 : result;
}

int unlink(const char *path) {
  REAL(int, "unlink", const char *);
  enum mode mode = next("unlink", path);
  if (refuses_before(mode)) return -1;
  int result = real(path);
  return refuses_after(mode) ? -1 : result;
}
