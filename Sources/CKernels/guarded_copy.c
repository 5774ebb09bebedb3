#define _GNU_SOURCE
#include "CKernels.h"
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * A page of a mapping whose file has shrunk raises SIGBUS when touched. While a thread copies, it
 * publishes the range it reads and the mapping's flag; the handler sets the flag and puts a zero page
 * over the hole, so that the copy can finish and its result be thrown away. The flag stays set, since
 * the zero page stays too and would be read in silence next time. A SIGBUS elsewhere goes to whoever
 * handled it before us.
 */
static __thread const uint8_t *volatile guarded_start;
static __thread const uint8_t *volatile guarded_end;
static __thread int *volatile guarded_flag;

static struct sigaction previous;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

static void on_sigbus(int signal, siginfo_t *info, void *context) {
  const uint8_t *address = info->si_addr;
  long page = sysconf(_SC_PAGESIZE);
  uint8_t *start = (uint8_t *)((uintptr_t)address & ~((uintptr_t)page - 1));
  if (guarded_start && address >= guarded_start && address < guarded_end) {
    /* Before the page is there to be read by another thread. */
    __atomic_store_n(guarded_flag, 1, __ATOMIC_SEQ_CST);
    if (mmap(start, (size_t)page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == start)
      return;
  }
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(signal, info, context);
  } else {
    sigaction(SIGBUS, &previous, NULL); /* the fault is raised again, and then ends the process */
  }
}

static void install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_sigbus;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, &previous);
}

int moepack_copy_guarded(void *target, const void *source, size_t count, int *lost) {
  pthread_once(&installed, install);
  guarded_flag = lost;
  guarded_start = source;
  guarded_end = (const uint8_t *)source + count;
  memcpy(target, source, count);
  guarded_start = NULL;
  return __atomic_load_n(lost, __ATOMIC_SEQ_CST) ? -1 : 0;
}
