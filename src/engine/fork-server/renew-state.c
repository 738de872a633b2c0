// What Node and V8 keep in memory that would be the same in every child, and is to be its own: V8's random numbers, and when the process began.
// Each is found once, in the server, by values that nothing else can have; every look goes through the kernel, so that a wrong guess is an error and not a crash.
#define _GNU_SOURCE
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

extern void *current_isolate(void) __asm__("_ZN2v87Isolate10GetCurrentEv");
extern void *current_context(void *isolate) __asm__("_ZN2v87Isolate17GetCurrentContextEv");
extern void *current_environment(void *context) __asm__("_ZN4node21GetCurrentEnvironmentEN2v85LocalINS0_7ContextEEE");
extern uint64_t uv_hrtime(void);
// When the process began, in nanoseconds of the monotonic clock and microseconds of the wall clock.
extern uint64_t process_start __asm__("_ZN4node11performance25performance_process_startE");
extern double process_start_timestamp __asm__("_ZN4node11performance35performance_process_start_timestampE");
// The same a little later, for process.uptime().
extern uint64_t node_start_time __asm__("_ZN4node11per_process15node_start_timeE");

// Reads memory that may not be there.
static int peek(const void *from, void *to, size_t length) {
  struct iovec local = {to, length}, remote = {(void *)from, length};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)length;
}

static int may_be_pointer(uint64_t word, int alignment) {
  return word != 0 && word % alignment == 0 && word >> 47 == 0;
}

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

static int find_generator(void) {
  const char *isolate = current_isolate();
  for (size_t offset = 0; offset < 1 << 18; offset += sizeof(uint64_t)) {
    uint64_t at, v[3];
    if (!peek(isolate + offset, &at, sizeof at)) return 0;
    if (!may_be_pointer(at, 16) || !peek((void *)at, v, sizeof v)) continue;
    // Pointers and small numbers have no such high bits; a generator lacks them once in ten thousand starts, and then there is no fork server.
    if (v[0] >> 48 == 0 || v[1] >> 48 == 0 || v[2] >> 48 == 0 || !comes_to(v[0], v[1], v[2])) continue;
    generator = (uint64_t *)at;
    return 1;
  }
  return 0;
}

// ---- When the process began: performance.now(), performance.timeOrigin, process.uptime() ----

struct origin {
  uint64_t ns;
  double timestamp;
};
// In Node's Environment, for performance.now(), marks and events.
static struct origin *origin;
// An array in JavaScript's reach: { timestamp, ns, when Node had come how far … } in doubles, -1 for what has not happened.
#define MILESTONES 8
static double *milestones;

static int is_milestones(uint64_t at) {
  double v[2];
  return may_be_pointer(at, 8) && peek((void *)at, v, sizeof v) && v[0] == process_start_timestamp && v[1] == (double)process_start;
}

// The Environment owns the object that has the pointer to the array.
static int find_milestones(uint64_t object) {
  uint64_t words[32];
  if (!may_be_pointer(object, 8) || !peek((void *)object, words, sizeof words)) return 0;
  for (int i = 0; i < 32; i++) {
    if (!is_milestones(words[i])) continue;
    milestones = (double *)words[i];
    return 1;
  }
  return 0;
}

static int find_origin(void) {
  const char *environment = current_environment(current_context(current_isolate()));
  for (size_t offset = 0; offset < 1 << 14 && (origin == NULL || milestones == NULL); offset += sizeof(uint64_t)) {
    struct origin here;
    uint64_t word;
    if (!peek(environment + offset, &here, sizeof here)) return 0;
    memcpy(&word, &here, sizeof word);
    if (here.ns == process_start && here.timestamp == process_start_timestamp) origin = (struct origin *)(environment + offset);
    else if (milestones == NULL) find_milestones(word);
  }
  return origin != NULL && milestones != NULL;
}

// ---- For fork.c ----

// Returns what is missing, or NULL.
const char *find_state(void) {
  if (!find_generator()) return "V8's random number generator was not found";
  if (!find_origin()) return "what Node knows of its own start was not found";
  return NULL;
}

int renew_state(void) {
  struct timeval now;
  if (getrandom(generator, 3 * sizeof *generator, 0) != 3 * sizeof *generator || gettimeofday(&now, NULL) != 0) return 0;
  *origin = (struct origin){uv_hrtime(), 1e6 * now.tv_sec + now.tv_usec};
  process_start = node_start_time = origin->ns, process_start_timestamp = origin->timestamp;
  milestones[0] = origin->timestamp;
  // What Node did before it served as a pattern took this process no time.
  for (int i = 1; i < MILESTONES; i++) if (milestones[i] != -1) milestones[i] = (double)origin->ns;
  return 1;
}
