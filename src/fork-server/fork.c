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
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
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
extern void *current_isolate(void) __asm__("_ZN2v87Isolate10GetCurrentEv");

#define CONTROL 3  // in the server: the socket to the runner. In a child the channel takes its place
#define ID_LENGTH 36
#define NAME_LENGTH 100

// ---- What V8 would draw alike in every child: Math.random of contexts that have drawn nothing yet, and identity hashes ----

// V8's generator of an isolate: { initial seed, state 0, state 1 }.
static uint64_t *generator;

static uint64_t murmur(uint64_t h) {
  h ^= h >> 33, h *= 0xFF51AFD7ED558CCDull, h ^= h >> 33, h *= 0xC4CEB9FE1A85EC53ull;
  return h ^ h >> 33;
}

// Whether a generator with this seed comes to this state: no other 24 bytes pass for one.
static int comes_to(uint64_t seed, uint64_t state0, uint64_t state1) {
  uint64_t a = murmur(seed), b = murmur(~a);
  for (int draw = 0; draw < 20000; draw++) {
    if (a == state0 && b == state1) return 1;
    uint64_t x = a;
    a = b, x ^= x << 23, x ^= x >> 17, x ^= b, x ^= b >> 26, b = x;
  }
  return 0;
}

// Reads memory that may not be there.
static int peek(const void *from, void *to, size_t length) {
  struct iovec local = {to, length}, remote = {(void *)from, length};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)length;
}

static int find_generator(void) {
  const char *isolate = current_isolate();
  for (size_t offset = 0; offset < 1 << 18; offset += sizeof(uint64_t)) {
    uint64_t at, v[3];
    if (!peek(isolate + offset, &at, sizeof at)) return 0;
    if (at == 0 || at % 16 != 0 || at >> 47 || !peek((void *)at, v, sizeof v)) continue;
    // Pointers and small numbers have no such high bits; a generator lacks them once in ten thousand starts, and then there is no fork server.
    if (v[0] >> 48 == 0 || v[1] >> 48 == 0 || v[2] >> 48 == 0 || !comes_to(v[0], v[1], v[2])) continue;
    generator = (uint64_t *)at;
    return 1;
  }
  return 0;
}

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

#define MOST_FILES 64
#define KIND_LENGTH 40
static void kind_of(int file, char kind[KIND_LENGTH]) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  memset(kind, 0, KIND_LENGTH);
  if (readlink(path, kind, KIND_LENGTH - 1) < 0) kind[0] = '\0';
}

// The event queues are shared with the server by the fork. They become new ones of the same number: the main loop is made anew below, and the loops of threads that are missing here must
// never touch a file that a task opens. What only the server needs is closed. (The idle loops' pipes stay shared: with others in their place, Node aborts when it ends.)
static void replace_shared_files(void) {
  char kind[KIND_LENGTH];
  for (int file = 3; file < MOST_FILES; file++) {
    int fresh = -1;
    kind_of(file, kind);
    if (strcmp(kind, "anon_inode:[eventfd]") == 0) fresh = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    else if (strcmp(kind, "anon_inode:[eventpoll]") == 0) fresh = epoll_create1(EPOLL_CLOEXEC);
    if (fresh >= 0) dup3(fresh, file, O_CLOEXEC), close(fresh);
  }
  for (int i = 1; i < count; i++) if (polled[i].fd >= 0) close(polled[i].fd);
  close(CONTROL);
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
  if (getrandom(generator, 3 * sizeof *generator, 0) != 3 * sizeof *generator) _exit(83);
  void *loop;
  if (napi_get_uv_event_loop(env, &loop) != 0 || uv_loop_fork(loop) != 0) _exit(84);
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
  if (!find_generator()) return napi_throw_error(env, NULL, "V8's random number generator was not found"), NULL;
  if (!has_room() || fcntl(CONTROL, F_SETFL, fcntl(CONTROL, F_GETFL) & ~O_NONBLOCK) != 0) return napi_throw_error(env, NULL, "no socket to the runner"), NULL;
  polled[0] = (struct pollfd){CONTROL, POLLIN, 0};
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

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value function;
  if (napi_create_function(env, "serve", 5, serve, NULL, &function) == 0) napi_set_named_property(env, exports, "serve", function);
  return exports;
}

// ---- What the C library is asked by Node and V8, and answered by us ----

// V8 keeps its heap out of forks, as nobody forks it. We do.
int madvise(void *start, size_t length, int advice) {
  return advice == MADV_DONTFORK ? 0 : (int)syscall(SYS_madvise, start, length, advice);
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
