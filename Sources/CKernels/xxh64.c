#include "CKernels.h"
#include <string.h>

#define P1 0x9E3779B185EBCA87ULL
#define P2 0xC2B2AE3D27D4EB4FULL
#define P3 0x165667B19E3779F9ULL
#define P4 0x85EBCA77C2B2AE63ULL
#define P5 0x27D4EB2F165667C5ULL

static inline uint64_t rotate(uint64_t x, int r) { return (x << r) | (x >> (64 - r)); }
static inline uint64_t read64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }
static inline uint32_t read32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }
static inline uint64_t round64(uint64_t lane, uint64_t input) { return rotate(lane + input * P2, 31) * P1; }
static inline uint64_t merge(uint64_t hash, uint64_t lane) { return (hash ^ round64(0, lane)) * P1 + P4; }

void moepack_xxh64_reset(moepack_xxh64_state *s) {
  memset(s, 0, sizeof *s);
  s->lanes[0] = P1 + P2;
  s->lanes[1] = P2;
  s->lanes[3] = 0 - P1;
}

static const uint8_t *consume(moepack_xxh64_state *s, const uint8_t *p, size_t stripes) {
  uint64_t a = s->lanes[0], b = s->lanes[1], c = s->lanes[2], d = s->lanes[3];
  while (stripes--) {
    a = round64(a, read64(p));
    b = round64(b, read64(p + 8));
    c = round64(c, read64(p + 16));
    d = round64(d, read64(p + 24));
    p += 32;
  }
  s->lanes[0] = a; s->lanes[1] = b; s->lanes[2] = c; s->lanes[3] = d;
  return p;
}

void moepack_xxh64_update(moepack_xxh64_state *s, const void *bytes, size_t count) {
  const uint8_t *p = bytes;
  s->total += count;
  if (s->pending_count) {
    size_t take = 32 - s->pending_count;
    if (take > count) take = count;
    memcpy(s->pending + s->pending_count, p, take);
    s->pending_count += (uint32_t)take;
    p += take;
    count -= take;
    if (s->pending_count < 32) return;
    consume(s, s->pending, 1);
    s->pending_count = 0;
  }
  p = consume(s, p, count / 32);
  s->pending_count = (uint32_t)(count % 32);
  if (s->pending_count) memcpy(s->pending, p, s->pending_count);
}

uint64_t moepack_xxh64_digest(const moepack_xxh64_state *s) {
  uint64_t hash;
  if (s->total >= 32) {
    hash = rotate(s->lanes[0], 1) + rotate(s->lanes[1], 7) + rotate(s->lanes[2], 12) + rotate(s->lanes[3], 18);
    for (int i = 0; i < 4; i++) hash = merge(hash, s->lanes[i]);
  } else {
    hash = P5;
  }
  hash += s->total;
  const uint8_t *p = s->pending, *end = p + s->pending_count;
  for (; p + 8 <= end; p += 8) hash = rotate(hash ^ round64(0, read64(p)), 27) * P1 + P4;
  if (p + 4 <= end) { hash = rotate(hash ^ (uint64_t)read32(p) * P1, 23) * P2 + P3; p += 4; }
  for (; p < end; p++) hash = rotate(hash ^ *p * P5, 11) * P1;
  hash = (hash ^ (hash >> 33)) * P2;
  hash = (hash ^ (hash >> 29)) * P3;
  return hash ^ (hash >> 32);
}
