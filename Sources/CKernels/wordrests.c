#include "CKernels.h"
#include <string.h>

/*
 * The rests of rotated 16-bit words, 6 to 8 bits each, as one string of bits: Formats/moepack.md,
 * "Coded words". Eight rests fill as many bytes as a rest has bits. Work goes in blocks that stay in
 * the first cache, in loops the compiler vectorises; target_clones picks AVX2 where there is one.
 */
#if defined(__x86_64__) && defined(__linux__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif
#define INLINE static inline __attribute__((always_inline))

enum { BLOCK = 1024 };

/* Moves the low `bits` bits of eight bytes together. */
INLINE uint64_t squeeze(uint64_t x, unsigned bits) {
  const unsigned gap = 8 - bits;
  x = (x & 0x00FF00FF00FF00FF) | (x & 0xFF00FF00FF00FF00) >> gap;
  x = (x & 0x0000FFFF0000FFFF) | (x & 0xFFFF0000FFFF0000) >> 2 * gap;
  return (x & 0x00000000FFFFFFFF) | (x & 0xFFFFFFFF00000000) >> 4 * gap;
}

/* The reverse. */
INLINE uint64_t spread(uint64_t x, unsigned bits) {
  const unsigned gap = 8 - bits;
  const uint64_t fours = ((uint64_t)1 << 4 * bits) - 1;
  const uint64_t twos = (((uint64_t)1 << 2 * bits) - 1) * 0x0000000100000001;
  const uint64_t ones = (((uint64_t)1 << bits) - 1) * 0x0001000100010001;
  x = (x & fours) | (x << 4 * gap & fours << 32);
  x = (x & twos) | (x << 2 * gap & twos << 16);
  return (x & ones) | (x << gap & ones << 8);
}

INLINE void pack(const uint8_t *words, size_t count, unsigned bits, uint8_t *target) {
  const uint16_t mask = (uint16_t)((1u << bits) - 1);
  uint8_t rests[BLOCK];
  uint64_t groups[BLOCK / 8];
  while (count > 0) {
    const size_t taken = count < BLOCK ? count : BLOCK;
    if (taken < BLOCK) memset(rests, 0, BLOCK);
    for (size_t i = 0; i < taken; i++) {
      uint16_t v;
      memcpy(&v, words + 2 * i, 2);
      rests[i] = (uint8_t)((v << 1 | v >> 15) & mask);
    }
    memcpy(groups, rests, BLOCK);
    for (size_t i = 0; i < BLOCK / 8; i++) groups[i] = squeeze(groups[i], bits);
    for (size_t i = 0; i < (taken + 7) / 8; i++) memcpy(target + bits * i, groups + i, 8);
    target += bits * BLOCK / 8;
    words += 2 * taken;
    count -= taken;
  }
}

INLINE void join(uint8_t *words, size_t count, unsigned bits, const uint8_t *rests) {
  const uint16_t mask = (uint16_t)~((1u << bits) - 1);
  const uint8_t *end = rests + (count * bits + 7) / 8;
  uint8_t bytes[BLOCK];
  uint64_t groups[BLOCK / 8];
  while (count > 0) {
    const size_t taken = count < BLOCK ? count : BLOCK, used = (taken + 7) / 8;
    const size_t left = (size_t)(end - rests), whole = left < 8 ? 0 : (left - 8) / bits + 1;
    for (size_t i = 0; i < (used < whole ? used : whole); i++) memcpy(groups + i, rests + bits * i, 8);
    for (size_t i = whole; i < used; i++) {
      groups[i] = 0; /* a load of eight bytes would pass the end */
      memcpy(groups + i, rests + bits * i, left - bits * i < 8 ? left - bits * i : 8);
    }
    for (size_t i = 0; i < used; i++) groups[i] = spread(groups[i], bits);
    memcpy(bytes, groups, 8 * used);
    for (size_t i = 0; i < taken; i++) {
      uint16_t v;
      memcpy(&v, words + 2 * i, 2);
      v = (uint16_t)((v & mask) | bytes[i]);
      v = (uint16_t)(v >> 1 | v << 15);
      memcpy(words + 2 * i, &v, 2);
    }
    rests += bits * BLOCK / 8;
    words += 2 * taken;
    count -= taken;
  }
}

WIDE void moepack_pack_rests(const void *words, size_t count, unsigned bits, void *target) {
  pack(words, count, bits, target);
}

WIDE void moepack_join_rests(void *words, size_t count, unsigned bits, const void *rests) {
  join(words, count, bits, rests);
}

void moepack_pack_rests_portable(const void *words, size_t count, unsigned bits, void *target) {
  pack(words, count, bits, target);
}

void moepack_join_rests_portable(void *words, size_t count, unsigned bits, const void *rests) {
  join(words, count, bits, rests);
}

WIDE void moepack_split_halves(
    const void *source, void *upper, void *lowest, void *second, size_t count) {
  const uint8_t *bytes = source;
  uint8_t *words = upper, *low = lowest, *high = second;
  for (size_t i = 0; i < count; i++) {
    uint32_t v;
    memcpy(&v, bytes + 4 * i, 4);
    uint16_t half = (uint16_t)(v >> 16);
    memcpy(words + 2 * i, &half, 2);
    low[i] = (uint8_t)v;
    high[i] = (uint8_t)(v >> 8);
  }
}

WIDE void moepack_join_halves(
    const void *upper, const void *lowest, const void *second, void *target, size_t count) {
  const uint8_t *words = upper, *low = lowest, *high = second;
  uint8_t *bytes = target;
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, words + 2 * i, 2);
    uint32_t v = (uint32_t)half << 16 | (uint32_t)high[i] << 8 | low[i];
    memcpy(bytes + 4 * i, &v, 4);
  }
}
