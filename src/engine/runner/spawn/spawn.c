// Starts processes without a copy of this one's page tables: docs/decisions/speed-of-a-run.md. Linux alone.
//
// libuv forks, and the kernel copies the tables of all of the runner's memory for a child that replaces them at once. posix_spawn lets the child use them (CLONE_VM | CLONE_VFORK) until it has its own program.
// Whoever calls is the parent, as before: nothing else of a worker's start or end differs.
//
// Node's headers are not needed: Node-API is a stable binary interface, and the few functions that we use are declared here.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
extern int napi_get_cb_info(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **);
extern int napi_get_value_string_utf8(napi_env, napi_value, char *, size_t, size_t *);
extern int napi_get_value_int32(napi_env, napi_value, int32_t *);
extern int napi_create_int32(napi_env, int32_t, napi_value *);
extern int napi_create_array_with_length(napi_env, size_t, napi_value *);
extern int napi_set_element(napi_env, napi_value, uint32_t, napi_value);
extern int napi_create_function(napi_env, const char *, size_t, napi_value (*)(napi_env, napi_callback_info), void *, napi_value *);
extern int napi_set_named_property(napi_env, napi_value, const char *, napi_value);

#define STREAMS 3  // descriptors 1, 2 and 3 of the child: output, errors, channel

// Texts that each end with a zero, and a list of them that ends with a null. One piece of memory; null: there is none, or the value is no string.
static char **list_of(napi_env env, napi_value value) {
  size_t length, count = 0, at = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != 0) return NULL;
  char *text = malloc(length + 1);
  if (text == NULL || napi_get_value_string_utf8(env, value, text, length + 1, &length) != 0) return free(text), NULL;
  for (size_t i = 0; i < length; i++) count += text[i] == '\0';
  char **list = malloc((count + 1) * sizeof *list + length + 1);
  if (list != NULL) {
    char *copy = memcpy((char *)(list + count + 1), text, length + 1);
    for (size_t i = 0; i < count; i++) list[i] = copy + at, at += strlen(copy + at) + 1;
    list[count] = NULL;
  }
  free(text);
  return list;
}

// A number that is none of those which the child gives away.
static int beyond_streams(int file) {
  if (file < 0 || file > STREAMS) return file;
  int other = fcntl(file, F_DUPFD_CLOEXEC, STREAMS + 1);
  close(file);
  return other;
}

static void close_all(const int files[STREAMS]) {
  for (int i = 0; i < STREAMS; i++) if (files[i] >= 0) close(files[i]);
}

// Sockets as libuv has them, which block on the child's side. All with CLOEXEC at once: another thread may be starting a process.
static int open_streams(int own[STREAMS], int its[STREAMS]) {
  for (int i = 0; i < STREAMS; i++) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return errno;
    own[i] = pair[0];
    if ((its[i] = beyond_streams(pair[1])) < 0) return errno;
  }
  return 0;
}

// In a session and group of its own, with no signal blocked, ignored or handled, and nothing on its standard input.
static int start(char **arguments, char **variables, const char *folder, const int its[STREAMS], pid_t *pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t all, none;
  sigfillset(&all), sigemptyset(&none);
  int error = posix_spawn_file_actions_init(&files);
  if (error != 0) return error;
  if ((error = posix_spawnattr_init(&attributes)) != 0) return posix_spawn_file_actions_destroy(&files), error;
  error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  for (int i = 0; i < STREAMS && error == 0; i++) error = posix_spawn_file_actions_adddup2(&files, its[i], i + 1);
  if (error == 0) error = posix_spawn_file_actions_addchdir_np(&files, folder);
  if (error == 0) error = posix_spawnattr_setsigdefault(&attributes, &all);
  if (error == 0) error = posix_spawnattr_setsigmask(&attributes, &none);
  if (error == 0) error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  if (error == 0) error = posix_spawn(pid, arguments[0], &files, &attributes, arguments, variables);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

static napi_value number(napi_env env, int value) {
  napi_value made = NULL;
  napi_create_int32(env, value, &made);
  return made;
}

// spawn(program and arguments, variables, folder): each text of them ends with a zero. Returns [pid, output, errors, channel], or the number of an error.
static napi_value spawn(napi_env env, napi_callback_info info) {
  napi_value given[3], answer;
  size_t count = 3;
  int own[STREAMS] = {-1, -1, -1}, its[STREAMS] = {-1, -1, -1};
  pid_t pid = 0;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != 0) return number(env, EINVAL);
  char **arguments = list_of(env, given[0]), **variables = list_of(env, given[1]), **folder = list_of(env, given[2]);
  int error = arguments == NULL || variables == NULL || folder == NULL ? ENOMEM : arguments[0] == NULL || folder[0] == NULL ? EINVAL : open_streams(own, its);
  if (error == 0) error = start(arguments, variables, folder[0], its, &pid);
  free(arguments), free(variables), free(folder);
  close_all(its);
  if (error != 0) return close_all(own), number(env, error);
  if (napi_create_array_with_length(env, STREAMS + 1, &answer) != 0) return NULL;
  napi_set_element(env, answer, 0, number(env, pid));
  for (int i = 0; i < STREAMS; i++) napi_set_element(env, answer, i + 1, number(env, own[i]));
  return answer;
}

// collect(pid): how a child has ended, as of waitpid; -1 while it lives, -2 when it is no child (any more).
static napi_value collect(napi_env env, napi_callback_info info) {
  napi_value given[1];
  size_t count = 1;
  int32_t pid;
  int status = 0;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != 0 || napi_get_value_int32(env, given[0], &pid) != 0 || pid <= 0) return number(env, -2);
  pid_t ended = waitpid(pid, &status, WNOHANG);
  return number(env, ended == pid ? status : ended == 0 ? -1 : -2);
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value function;
  if (napi_create_function(env, "spawn", 5, spawn, NULL, &function) == 0) napi_set_named_property(env, exports, "spawn", function);
  if (napi_create_function(env, "collect", 7, collect, NULL, &function) == 0) napi_set_named_property(env, exports, "collect", function);
  return exports;
}
