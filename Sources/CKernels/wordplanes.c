#include "CKernels.h"
#include <string.h>

/*
 * Loops the compiler vectorises; target_clones picks AVX2 where there is one. Integer work only, so
 * every path gives the same bits.
 */
#if defined(__x86_64__) && defined(__linux__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

WIDE void moepack_widen_bf16(const void *source, float *target, size_t count) {
  const uint8_t *bytes = source;
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * i, 2);
    uint32_t bits = (uint32_t)half << 16;
    memcpy(target + i, &bits, 4);
  }
}

WIDE void moepack_narrow_bf16(const float *source, void *target, size_t count) {
  uint8_t *bytes = target;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, source + i, 4);
    uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40;
    uint16_t half = (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded);
    memcpy(bytes + 2 * i, &half, 2);
  }
}

WIDE void moepack_split_rotated16(const void *source, uint8_t *low, uint8_t *high, size_t count) {
  const uint8_t *bytes = source;
  for (size_t i = 0; i < count; i++) {
    uint16_t value;
    memcpy(&value, bytes + 2 * i, 2);
    uint16_t rotated = (uint16_t)((value << 1) | (value >> 15));
    low[i] = (uint8_t)rotated;
    high[i] = (uint8_t)(rotated >> 8);
  }
}

WIDE void moepack_join_rotated16(const uint8_t *low, const uint8_t *high, void *target, size_t count) {
  uint8_t *bytes = target;
  for (size_t i = 0; i < count; i++) {
    uint16_t rotated = (uint16_t)(low[i] | (high[i] << 8));
    uint16_t value = (uint16_t)((rotated >> 1) | (rotated << 15));
    memcpy(bytes + 2 * i, &value, 2);
  }
}

WIDE void moepack_split_rotated32(const void *source, uint8_t *planes, size_t count) {
  const uint8_t *bytes = source;
  for (size_t i = 0; i < count; i++) {
    uint32_t value;
    memcpy(&value, bytes + 4 * i, 4);
    uint32_t rotated = (value << 1) | (value >> 31);
    planes[i] = (uint8_t)rotated;
    planes[count + i] = (uint8_t)(rotated >> 8);
    planes[2 * count + i] = (uint8_t)(rotated >> 16);
    planes[3 * count + i] = (uint8_t)(rotated >> 24);
  }
}

WIDE void moepack_join_rotated32(const uint8_t *planes, void *target, size_t count) {
  uint8_t *bytes = target;
  for (size_t i = 0; i < count; i++) {
    uint32_t rotated = (uint32_t)planes[i] | ((uint32_t)planes[count + i] << 8) |
                       ((uint32_t)planes[2 * count + i] << 16) |
                       ((uint32_t)planes[3 * count + i] << 24);
    uint32_t value = (rotated >> 1) | (rotated << 31);
    memcpy(bytes + 4 * i, &value, 4);
  }
}
