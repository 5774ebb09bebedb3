#define _GNU_SOURCE
#include "CKernels.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

// A handler may do next to nothing, so it only passes the signal's number through a pipe to a thread
// that may do anything.
static int pipe_ends[2];
static void (*leave_process)(int);
static sigset_t watched;

static void pass_on(int number) {
  int saved = errno;
  unsigned char byte = (unsigned char)number;
  (void)!write(pipe_ends[1], &byte, 1);
  errno = saved;
}

static void *wait_for_signal(void *unused) {
  (void)unused;
  unsigned char byte;
  ssize_t count;
  do {
    count = read(pipe_ends[0], &byte, 1);
  } while (count < 0 && errno == EINTR);
  // A second signal ends the process should leaving get stuck.
  for (int number = 1; number < 32; number++) {
    if (sigismember(&watched, number) == 1) signal(number, SIG_DFL);
  }
  if (count == 1) leave_process(byte);
  return NULL;
}

int moepack_watch_signals(const int *numbers, int count, void (*leave)(int)) {
  leave_process = leave;
  sigemptyset(&watched);
  pthread_t thread;
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return -1;
  if (pthread_create(&thread, NULL, wait_for_signal, NULL) != 0) return -1;
  pthread_detach(thread);
  for (int i = 0; i < count; i++) {
    struct sigaction action;
    // What whoever started us ignores (nohup, a background job) stays ignored.
    if (sigaction(numbers[i], NULL, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    action = (struct sigaction){.sa_handler = pass_on, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(numbers[i], &action, NULL);
    sigaddset(&watched, numbers[i]);
  }
  return 0;
}
