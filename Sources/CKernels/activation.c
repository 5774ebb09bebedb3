#include "CKernels.h"
#include <math.h>
#include <string.h>

/*
 * exp by range reduction to [-ln2/2, ln2/2] and a polynomial of degree 6 (relative error below 2e-7),
 * all in plain float operations without fused multiply-add, so that every processor gives the same
 * bits; the loops vectorise.
 */
#if defined(__x86_64__) && defined(__linux__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

static inline __attribute__((always_inline)) float exponential(float t) {
#pragma clang fp contract(off)
  t = t < -87.0f ? -87.0f : t;
  t = t > 88.0f ? 88.0f : t;
  float shifted = t * 1.44269504f + 12582912.0f; /* 1.5 * 2^23: rounds to the nearest whole number */
  float n = shifted - 12582912.0f;
  float r = t - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  union { uint32_t bits; float value; } power;
  power.bits = (uint32_t)((int32_t)n + 127) << 23;
  return p * power.value;
}

WIDE void moepack_silu_multiply(float *gate, const float *up, size_t count) {
#pragma clang fp contract(off)
  for (size_t i = 0; i < count; i++) {
    float x = gate[i];
    gate[i] = x / (1.0f + exponential(-x)) * up[i];
  }
}

WIDE double moepack_exp_in_place(float *values, size_t count, float largest) {
#pragma clang fp contract(off)
  double lanes[8] = {0};
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (size_t lane = 0; lane < 8; lane++) {
      float e = exponential(values[i + lane] - largest);
      values[i + lane] = e;
      lanes[lane] += e;
    }
  }
  for (; i < count; i++) {
    float e = exponential(values[i] - largest);
    values[i] = e;
    lanes[i & 7] += e;
  }
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

WIDE float moepack_largest(const float *values, size_t count) {
  float lanes[8];
  for (size_t lane = 0; lane < 8; lane++) lanes[lane] = -INFINITY;
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (size_t lane = 0; lane < 8; lane++)
      lanes[lane] = values[i + lane] > lanes[lane] ? values[i + lane] : lanes[lane];
  for (; i < count; i++) lanes[0] = values[i] > lanes[0] ? values[i] : lanes[0];
  for (size_t lane = 1; lane < 8; lane++) lanes[0] = lanes[lane] > lanes[0] ? lanes[lane] : lanes[0];
  return lanes[0];
}

WIDE int moepack_any_has16(const void *words, size_t count, uint16_t bits) {
  const unsigned char *place = words;
  uint16_t found = 0;
  for (size_t i = 0; i < count; i++) {
    uint16_t word;
    memcpy(&word, place + 2 * i, 2);
    found |= (word & bits) == bits ? 1 : 0;
  }
  return found != 0;
}

WIDE int moepack_any_has32(const void *words, size_t count, uint32_t bits) {
  const unsigned char *place = words;
  uint32_t found = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t word;
    memcpy(&word, place + 4 * i, 4);
    found |= (word & bits) == bits ? 1 : 0;
  }
  return found != 0;
}

int moepack_all_finite(const float *values, size_t count) {
  return !moepack_any_has32(values, count, 0x7F800000);
}

WIDE double moepack_dot(const float *a, const float *b, size_t count) {
#pragma clang fp contract(off)
  double lanes[16] = {0};
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (size_t lane = 0; lane < 16; lane++)
      lanes[lane] += (double)a[i + lane] * (double)b[i + lane];
  for (; i < count; i++) lanes[i & 15] += (double)a[i] * (double)b[i];
  for (size_t half = 8; half; half /= 2)
    for (size_t lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
  return lanes[0];
}
