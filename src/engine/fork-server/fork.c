// The native part of the fork server: docs/decisions/fork-server.md goes through it line by line. Linux with glibc only.
//
// It is loaded twice into the same process and is the same object both times: by LD_PRELOAD, so that what Node and V8 ask of the C library before any of our code runs can be
// answered differently (the last section), and by process.dlopen, for its one function `serve`.
//
// Node's headers are not needed: Node-API is a stable binary interface, and the few functions that we use are declared here.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
extern int napi_get_cb_info(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **);
extern int napi_get_value_string_utf8(napi_env, napi_value, char *, size_t, size_t *);
extern int napi_create_int32(napi_env, int32_t, napi_value *);
extern int napi_create_function(napi_env, const char *, size_t, napi_value (*)(napi_env, napi_callback_info), void *, napi_value *);
extern int napi_set_named_property(napi_env, napi_value, const char *, napi_value);
extern int napi_throw_error(napi_env, const char *, const char *);
extern int napi_get_uv_event_loop(napi_env, void **);
extern int uv_loop_fork(void *);

// renew-state.c
extern const char *find_state(void);
extern int renew_state(void);

#define CONTROL 3  // in the server: the socket to the runner. In a child the channel takes its place
#define ID_LENGTH 36
#define NAME_LENGTH 100

// ---- The child ----

// What is polled: first the runner's socket, then a pidfd for each child. A child that has ended has -1, until the runner has heard of it and lets its id go.
static struct pollfd *polled;
static pid_t *pids;
static int count = 1, room = 0;

// The value of CLOUDCODE_ATTEMPT where the kernel put it: /proc/<pid>/environ shows this memory.
static char *attempt;

static int connect_as(const char *name, const char *id, char stream) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};  // abstract: its path begins with a zero
  strcpy(address.sun_path + 1, name);
  int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0 || connect(file, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)) != 0) return -1;
  char head[ID_LENGTH + 1];
  memcpy(head, id, ID_LENGTH), head[ID_LENGTH] = stream;
  return write(file, head, sizeof head) == sizeof head ? file : -1;
}

// A child that will be one worker among others from now on.
static int is_whole;

#define MOST_FILES 64
#define KIND_LENGTH 40
static void kind_of(int file, char kind[KIND_LENGTH]) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  memset(kind, 0, KIND_LENGTH);
  if (readlink(path, kind, KIND_LENGTH - 1) < 0) kind[0] = '\0';
}

// As they were in the server.
static char server_files[MOST_FILES][KIND_LENGTH];

static int file_like(const char *kind, int from) {
  char other[KIND_LENGTH];
  for (int file = from; file < MOST_FILES; file++) {
    kind_of(file, other);
    if (strcmp(kind, other) == 0) return file;
  }
  return -1;
}

static void put_in_place(int fresh, int file) {
  if (fresh < 0 || file < 0) return;
  dup3(fresh, file, O_CLOEXEC);
  close(fresh);
}

// Both ends of a pipe are in this process. The one by which libuv's signal handlers lock out one another is new already: libuv sees to that at every fork, and it is not empty.
static void replace_pipe(const char *kind, int file) {
  int ends[2], other = file_like(kind, file + 1), is_read = (fcntl(file, F_GETFL) & O_ACCMODE) == O_RDONLY;
  if (other < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return;
  put_in_place(ends[is_read ? 0 : 1], file), put_in_place(ends[is_read ? 1 : 0], other);
}

// What libuv's loops wait for is shared with the server by the fork. It becomes new, under the same numbers: the main loop is made anew below, and the loops of threads that are missing
// here are closed in order when the process ends, and must never touch a file that a task opens. What only the server needs is closed.
static void replace_shared_files(void) {
  char kind[KIND_LENGTH];
  for (int file = 3; file < MOST_FILES; file++) {
    const char *was = server_files[file];
    if (strcmp(was, "anon_inode:[eventfd]") == 0) put_in_place(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), file);
    else if (strcmp(was, "anon_inode:[eventpoll]") == 0) put_in_place(epoll_create1(EPOLL_CLOEXEC), file);
    else if (strncmp(was, "pipe:", 5) == 0) {
      kind_of(file, kind);
      if (strcmp(kind, was) == 0) replace_pipe(kind, file);
    }
  }
  for (int i = 1; i < count; i++) if (polled[i].fd >= 0) close(polled[i].fd);
  close(CONTROL);
}

// The server blocks it, as the thread that Node has for it is not here. A task may listen for it; else it is ignored.
static void admit_sigusr1(void) {
  sigset_t only;
  sigemptyset(&only), sigaddset(&only, SIGUSR1);
  signal(SIGUSR1, SIG_IGN);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL);
}

static void become_worker(napi_env env, pid_t server, const char *name, const char *id) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != server) _exit(80);  // it died before it was to be told
  setsid();
  replace_shared_files();
  for (char stream = 1; stream <= 3; stream++) {
    int file = connect_as(name, id, '0' + stream);
    if (file < 0) _exit(82);
    if (file != stream) dup2(file, stream), close(file);
    else fcntl(file, F_SETFD, 0);
  }
  fcntl(3, F_SETFD, FD_CLOEXEC);
  memcpy(attempt, id, ID_LENGTH);
  admit_sigusr1();
  if (!renew_state()) _exit(83);
  void *loop;
  if (napi_get_uv_event_loop(env, &loop) != 0 || uv_loop_fork(loop) != 0) _exit(84);
  is_whole = 1;
}

// ---- The server ----

static int has_room(void) {
  if (count < room) return 1;
  room = 2 * room + 64;
  polled = realloc(polled, room * sizeof *polled), pids = realloc(pids, room * sizeof *pids);
  return polled != NULL && pids != NULL;
}

static int add_child(pid_t pid) {
  int file = syscall(SYS_pidfd_open, pid, 0);
  if (file < 0 || !has_room()) return 0;
  polled[count] = (struct pollfd){file, POLLIN, 0}, pids[count] = pid;
  return ++count;
}

static void report_ended(void) {
  for (int i = 1; i < count; i++) {
    siginfo_t end = {0};
    if (polled[i].fd < 0 || !polled[i].revents || waitid(P_PID, pids[i], &end, WEXITED | WNOHANG | WNOWAIT) != 0 || end.si_pid == 0) continue;
    close(polled[i].fd), polled[i].fd = -1;
    int exited = end.si_code == CLD_EXITED;
    dprintf(CONTROL, "exited %d %d %d\n", pids[i], exited ? end.si_status : -1, exited ? 0 : end.si_status);
  }
}

static void release(pid_t pid) {
  for (int i = 1; i < count; i++) {
    if (pids[i] != pid || polled[i].fd >= 0) continue;
    waitpid(pid, NULL, 0);
    count--, polled[i] = polled[count], pids[i] = pids[count];
    return;
  }
}

// Returns 1 in a child.
static int obey(napi_env env, pid_t server, const char *name, char *line) {
  if (strncmp(line, "release ", 8) == 0) release(atoi(line + 8));
  if (strncmp(line, "fork ", 5) != 0 || strlen(line) != 5 + ID_LENGTH) return 0;
  const char *id = line + 5;
  pid_t pid = fork();
  if (pid == 0) {
    become_worker(env, server, name, id);
    return 1;
  }
  if (pid < 0) dprintf(CONTROL, "failed %s %d\n", id, errno);
  else if (!add_child(pid)) _exit(1);  // its children end with it, and the runner hears of it
  else dprintf(CONTROL, "forked %s %d\n", id, pid);
  return 0;
}

// Node's own: the main thread, one for V8's jobs, one for their timers. Any other would be missing in a child, with whatever it held.
static int has_other_threads(void) {
  DIR *folder = opendir("/proc/self/task");
  int threads = -2;  // "." and ".."
  if (folder == NULL) return 1;
  while (readdir(folder) != NULL) threads++;
  closedir(folder);
  return threads > 3;
}

// serve(name of the runner's abstract socket): returns in each child, with its process id, and never in the server. The server has no event loop and runs no JavaScript from here on.
static napi_value serve(napi_env env, napi_callback_info info) {
  napi_value arguments[1], pid;
  size_t given = 1, length;
  static char name[NAME_LENGTH + 1], input[4096];
  attempt = getenv("CLOUDCODE_ATTEMPT");
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != 0 || napi_get_value_string_utf8(env, arguments[0], name, sizeof name, &length) != 0) return NULL;
  if (attempt == NULL || strlen(attempt) != ID_LENGTH) return napi_throw_error(env, NULL, "CLOUDCODE_ATTEMPT is no id"), NULL;
  if (has_other_threads()) return napi_throw_error(env, NULL, "something has started a thread"), NULL;
  const char *missing = find_state();
  if (missing != NULL) return napi_throw_error(env, NULL, missing), NULL;
  if (!has_room() || fcntl(CONTROL, F_SETFL, fcntl(CONTROL, F_GETFL) & ~O_NONBLOCK) != 0) return napi_throw_error(env, NULL, "no socket to the runner"), NULL;
  polled[0] = (struct pollfd){CONTROL, POLLIN, 0};
  for (int file = 3; file < MOST_FILES; file++) kind_of(file, server_files[file]);
  pid_t server = getpid();
  dprintf(CONTROL, "ready\n");
  for (size_t held = 0;;) {
    if (poll(polled, count, -1) < 0 && errno != EINTR) _exit(1);
    report_ended();
    if (!polled[0].revents) continue;
    ssize_t got = read(CONTROL, input + held, sizeof input - held);
    if (got <= 0) _exit(0);  // the runner has gone
    held += got;
    char *line = input;
    for (char *end; (end = memchr(line, '\n', input + held - line)) != NULL; line = end + 1) {
      *end = '\0';
      if (obey(env, server, name, line)) return napi_create_int32(env, getpid(), &pid) == 0 ? pid : NULL;
    }
    held = input + held - line;
    memmove(input, line, held);
  }
}

// leave(): ends the process at once. What the C library and Node would do on the way out is to free what the server has allocated, page after page, each of which would have to be copied first.
static napi_value leave(napi_env env, napi_callback_info info) {
  (void)env, (void)info;
  fflush(NULL);
  _exit(0);
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value function;
  if (napi_create_function(env, "serve", 5, serve, NULL, &function) == 0) napi_set_named_property(env, exports, "serve", function);
  if (napi_create_function(env, "leave", 5, leave, NULL, &function) == 0) napi_set_named_property(env, exports, "leave", function);
  return exports;
}

// ---- What the C library is asked by Node and V8, and answered by us ----

// V8 keeps its heap out of forks, as nobody forks it. We do.
int madvise(void *start, size_t length, int advice) {
  return advice == MADV_DONTFORK ? 0 : (int)syscall(SYS_madvise, start, length, advice);
}

// Rings of the server would be mapped by all its children, who would write into them at once. Without them libuv does what it needs by plain calls.
long syscall(long number, ...) {
  static long (*call)(long, ...);
  if (call == NULL) call = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  if (number == SYS_io_uring_setup && !is_whole) return errno = ENOSYS, -1;
  va_list given;
  long a[6];
  va_start(given, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(given, long);
  va_end(given);
  return call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// Node's own threads (one for V8's jobs, of which there are none, and one for their timers) sleep in the server and are missing in a child. When a child ends in order, Node joins them
// and takes down what they slept on: the first is an error and the others wait for sleepers that do not exist.
int pthread_join(pthread_t thread, void **result) {
  static int (*join)(pthread_t, void **);
  if (join == NULL) join = dlsym(RTLD_NEXT, "pthread_join");
  int error = join(thread, result);
  return error == ESRCH ? 0 : error;
}

// Both hold nothing in glibc that would be leaked.
int pthread_cond_destroy(pthread_cond_t *condition) {
  return (void)condition, 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex) {
  return (void)mutex, 0;
}
