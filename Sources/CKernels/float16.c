#include "CKernels.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline float half_to_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1F;
  uint32_t mantissa = half & 0x3FF;
  uint32_t bits;
  if (exponent == 0x1F) {
    bits = sign | 0x7F800000 | (mantissa << 13) | (mantissa ? 0x400000 : 0);
  } else if (exponent) {
    bits = sign | ((exponent + 112) << 23) | (mantissa << 13);
  } else {
    float value = (float)mantissa * 0x1p-24f;
    memcpy(&bits, &value, 4);
    bits |= sign;
  }
  float result;
  memcpy(&result, &bits, 4);
  return result;
}

static inline uint16_t float_to_half(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  uint16_t sign = (uint16_t)((bits >> 16) & 0x8000);
  uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return sign | 0x7E00 | (uint16_t)((magnitude >> 13) & 0x3FF);
  if (magnitude >= 0x477FF000) return sign | 0x7C00; /* rounds to infinity */
  if (magnitude < 0x33000001) return sign;           /* rounds to zero */
  if (magnitude < 0x38800000) {                      /* subnormal half */
    uint32_t exponent = magnitude >> 23;
    uint32_t mantissa = (magnitude & 0x7FFFFF) | 0x800000;
    uint32_t shift = 126 - exponent;
    uint32_t rounded = mantissa >> shift;
    uint32_t rest = mantissa & ((1u << shift) - 1);
    uint32_t middle = 1u << (shift - 1);
    if (rest > middle || (rest == middle && (rounded & 1))) rounded++;
    return sign | (uint16_t)rounded;
  }
  uint32_t rounded = magnitude + 0xFFF + ((magnitude >> 13) & 1);
  return sign | (uint16_t)((rounded - 0x38000000) >> 13);
}

void moepack_widen_f16_portable(const void *source, float *target, size_t count) {
  const uint8_t *bytes = source;
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * i, 2);
    target[i] = half_to_float(half);
  }
}

void moepack_narrow_f16_portable(const float *source, void *target, size_t count) {
  uint8_t *bytes = target;
  for (size_t i = 0; i < count; i++) {
    uint16_t half = float_to_half(source[i]);
    memcpy(bytes + 2 * i, &half, 2);
  }
}

#if defined(__x86_64__)
__attribute__((target("avx,f16c"))) static size_t widen_f16c(const uint8_t *source, float *target, size_t count) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m128i half = _mm_loadu_si128((const __m128i *)(source + 2 * i));
    _mm256_storeu_ps(target + i, _mm256_cvtph_ps(half));
  }
  return i;
}

__attribute__((target("avx,f16c"))) static size_t narrow_f16c(const float *source, uint8_t *target, size_t count) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m128i half = _mm256_cvtps_ph(_mm256_loadu_ps(source + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128((__m128i *)(target + 2 * i), half);
  }
  return i;
}

int moepack_has_f16c(void) { return __builtin_cpu_supports("avx") && __builtin_cpu_supports("f16c"); }
#else
int moepack_has_f16c(void) { return 0; }
#endif

void moepack_widen_f16(const void *source, float *target, size_t count) {
  size_t done = 0;
#if defined(__x86_64__)
  if (moepack_has_f16c()) done = widen_f16c(source, target, count);
#endif
  moepack_widen_f16_portable((const uint8_t *)source + 2 * done, target + done, count - done);
}

void moepack_narrow_f16(const float *source, void *target, size_t count) {
  size_t done = 0;
#if defined(__x86_64__)
  if (moepack_has_f16c()) done = narrow_f16c(source, target, count);
#endif
  moepack_narrow_f16_portable(source + done, (uint8_t *)target + 2 * done, count - done);
}
