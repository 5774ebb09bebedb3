#include "CKernels.h"
#include <malloc.h>

void moepack_return_large_buffers(void) {
  mallopt(M_MMAP_THRESHOLD, 2 << 20);
  mallopt(M_TRIM_THRESHOLD, 2 << 20);
  mallopt(M_ARENA_MAX, 2);
}
