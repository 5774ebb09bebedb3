#include "CKernels.h"
#include <stdlib.h>
#include <string.h>

/*
 * Huffman codes over the upper bits of rotated 16-bit words: Formats/moepack.md, "Coded words". Codes
 * have at most 12 bits, so that one load of eight bytes serves four lookups, and the table of 4096
 * pairs of symbols stays in the first cache. Loads and stores are for little-endian machines.
 */
enum { LONGEST = 12, TABLE = 1 << LONGEST, STREAMS = 4, LOOKUPS = 4 };

static inline uint64_t load_big_endian(const uint8_t *p) {
  uint64_t v;
  memcpy(&v, p, 8);
  return __builtin_bswap64(v);
}

static inline void store_big_endian(uint8_t *p, uint64_t v) {
  v = __builtin_bswap64(v);
  memcpy(p, &v, 8);
}

static inline uint16_t load_word(const uint8_t *bytes, size_t index) {
  uint16_t v;
  memcpy(&v, bytes + 2 * index, 2);
  return v;
}

/* Encoding */

void moepack_count_symbols(const void *words, size_t count, uint32_t counts[1024]) {
  /* Four tables, since neighbours are often equal and would wait for each other. */
  uint32_t tables[4][1024];
  memset(tables, 0, sizeof tables);
  const uint8_t *bytes = words;
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    uint64_t v;
    memcpy(&v, bytes + 2 * i, 8);
    tables[0][v >> 5 & 1023]++;
    tables[1][v >> 21 & 1023]++;
    tables[2][v >> 37 & 1023]++;
    tables[3][v >> 53 & 1023]++;
  }
  for (; i < count; i++) tables[0][load_word(bytes, i) >> 5 & 1023]++;
  for (int s = 0; s < 1024; s++)
    counts[s] = tables[0][s] + tables[1][s] + tables[2][s] + tables[3][s];
}

static int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/*
 * How many codes of each length an unlimited Huffman tree gives, those past LONGEST counted there.
 * `weights` holds the leaves in ascending order, and room for as many nodes.
 */
static void count_lengths(uint64_t *weights, size_t leaves, uint32_t of_length[LONGEST + 1]) {
  uint16_t parent[2048], depth[2048];
  size_t leaf = 0, node = leaves, root = 2 * leaves - 2;
  for (size_t next = leaves; next <= root; next++) {
    weights[next] = 0;
    for (int child = 0; child < 2; child++) {
      size_t least = leaf < leaves && (node == next || weights[leaf] <= weights[node]) ? leaf++ : node++;
      weights[next] += weights[least];
      parent[least] = (uint16_t)next;
    }
  }
  depth[root] = 0;
  for (size_t i = root; i-- > 0;) {
    depth[i] = (uint16_t)(depth[parent[i]] + 1);
    if (i < leaves) of_length[depth[i] < LONGEST ? depth[i] : LONGEST]++;
  }
}

void moepack_choose_code_lengths(const uint32_t *counts, size_t symbols, uint8_t *lengths) {
  uint64_t weights[2048];
  uint16_t order[1024];
  size_t used = 0;
  memset(lengths, 0, symbols);
  for (size_t s = 0; s < symbols; s++)
    if (counts[s]) weights[used++] = (uint64_t)counts[s] << 10 | s;
  if (used < 2) return;
  qsort(weights, used, sizeof *weights, by_value);
  for (size_t i = 0; i < used; i++) {
    order[i] = (uint16_t)(weights[i] & 1023);
    weights[i] >>= 10;
  }
  uint32_t of_length[LONGEST + 1] = {0};
  count_lengths(weights, used, of_length);
  /* Codes cut to LONGEST overfill the code space: lengthen the longest shorter ones, a step each. */
  uint32_t filled = 0;
  for (int length = 1; length <= LONGEST; length++) filled += of_length[length] << (LONGEST - length);
  for (; filled > TABLE; filled--) {
    int length = LONGEST - 1;
    while (!of_length[length]) length--;
    of_length[LONGEST]--;
    of_length[length]--;
    of_length[length + 1] += 2;
  }
  size_t i = 0;
  for (int length = LONGEST; length > 0; length--)
    for (uint32_t n = of_length[length]; n > 0; n--) lengths[order[i++]] = (uint8_t)length;
}

/*
 * Where in the table the codes of each length start, the canonical order; returns 0 unless the
 * lengths fill it exactly.
 */
static int find_starts(const uint8_t *lengths, size_t symbols, uint32_t starts[LONGEST + 1]) {
  uint32_t of_length[LONGEST + 1] = {0};
  for (size_t s = 0; s < symbols; s++) {
    if (lengths[s] > LONGEST) return 0;
    of_length[lengths[s]]++;
  }
  uint32_t filled = 0;
  for (int length = 1; length <= LONGEST; length++) {
    starts[length] = filled;
    filled += of_length[length] << (LONGEST - length);
  }
  return filled == TABLE;
}

int moepack_assign_codes(const uint8_t *lengths, size_t symbols, uint64_t *codes) {
  uint32_t starts[LONGEST + 1];
  if (!find_starts(lengths, symbols, starts)) return 0;
  for (size_t s = 0; s < symbols; s++) {
    uint32_t length = lengths[s];
    codes[s] = length ? (uint64_t)starts[length] << (64 - LONGEST) | length : 0;
    if (length) starts[length] += 1u << (LONGEST - length);
  }
  return 1;
}

size_t moepack_encode_words(
    const void *words, size_t count, unsigned symbol_bits, const uint64_t *codes, void *target) {
  const uint8_t *bytes = words;
  const unsigned shift = 15 - symbol_bits;
  const uint64_t mask = ((uint64_t)1 << symbol_bits) - 1, length_mask = 63;
  uint8_t *out = target;
  uint64_t buffer = 0; /* its highest `held` bits are not yet written, fewer than eight between turns */
  unsigned held = 0;
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    uint64_t v;
    memcpy(&v, bytes + 2 * i, 8);
    v >>= shift;
    uint64_t a = codes[v & mask], b = codes[v >> 16 & mask];
    uint64_t c = codes[v >> 32 & mask], d = codes[v >> 48 & mask];
    /* Joined in pairs, so that only one step waits for the buffer; lengths stay below bit 6. */
    uint64_t ab = a | b >> (a & length_mask), cd = c | d >> (c & length_mask);
    uint64_t abcd = (ab | cd >> ((a + b) & length_mask)) & ~length_mask;
    buffer |= abcd >> held;
    held += (unsigned)((a + b + c + d) & length_mask);
    store_big_endian(out, buffer);
    out += held >> 3;
    buffer <<= held & ~7u;
    held &= 7;
  }
  for (; i < count; i++) {
    uint64_t a = codes[load_word(bytes, i) >> shift & mask];
    buffer |= (a & ~length_mask) >> held;
    held += (unsigned)(a & length_mask);
    store_big_endian(out, buffer);
    out += held >> 3;
    buffer <<= held & ~7u;
    held &= 7;
  }
  return (size_t)(out - (uint8_t *)target) + (held > 0);
}

/* Decoding */

/*
 * A table entry of 16 bits is a rotated word with the symbol on top and, in the 6 bits that the rest
 * will replace, a count. In `singles` that is the code's length; a pair has in its first half the
 * length of all its codes, in its second the number of its symbols.
 */
int moepack_build_code_table(const uint8_t *lengths, unsigned symbol_bits, moepack_code_table *table) {
  uint32_t starts[LONGEST + 1];
  const size_t symbols = (size_t)1 << symbol_bits;
  if (!find_starts(lengths, symbols, starts)) return 0;
  for (size_t s = 0; s < symbols; s++) {
    uint32_t length = lengths[s];
    if (!length) continue;
    uint32_t end = starts[length] + (1u << (LONGEST - length));
    for (uint32_t i = starts[length]; i < end; i++)
      table->singles[i] = (uint16_t)(s << (16 - symbol_bits) | length);
    starts[length] = end;
  }
  for (uint32_t i = 0; i < TABLE; i++) {
    uint32_t first = table->singles[i], length = first & 63;
    uint32_t second = table->singles[i << length & (TABLE - 1)], both = length + (second & 63);
    table->pairs[i] = both <= LONGEST ? first - length + both | (second & ~63u) << 16 | 2u << 16
                                      : first | 1u << 16;
  }
  return 1;
}

typedef struct {
  const uint8_t *in, *in_end;
  size_t bit; /* from `in` */
  uint8_t *out, *out_end;
} lane;

/*
 * Decodes `lanes` streams side by side as long as each has eight bytes to load and room for what
 * four lookups can give: eight words.
 */
static inline __attribute__((always_inline)) void
decode_freely(lane *lane, const uint32_t *pairs, const int lanes) {
  for (;;) {
    size_t turns = SIZE_MAX;
    for (int k = 0; k < lanes; k++) {
      size_t words = (size_t)(lane[k].out_end - lane[k].out) / 2;
      size_t bytes = (size_t)(lane[k].in_end - lane[k].in) - (lane[k].bit >> 3);
      /* A turn takes at most 48 bits, and its load reads 8 bytes. */
      size_t loads = bytes < 8 ? 0 : (bytes - 8) / 6 + 1;
      if (words / (2 * LOOKUPS) < turns) turns = words / (2 * LOOKUPS);
      if (loads < turns) turns = loads;
    }
    if (!turns) return;
    const uint8_t *in[STREAMS];
    uint8_t *out[STREAMS];
    size_t bit[STREAMS];
    uint64_t bits[STREAMS];
    for (int k = 0; k < lanes; k++) {
      in[k] = lane[k].in;
      out[k] = lane[k].out;
      bit[k] = lane[k].bit;
    }
    while (turns--) {
      for (int k = 0; k < lanes; k++) bits[k] = load_big_endian(in[k] + (bit[k] >> 3)) << (bit[k] & 7);
#pragma unroll
      for (int lookup = 0; lookup < LOOKUPS; lookup++) {
        for (int k = 0; k < lanes; k++) {
          uint32_t pair = pairs[bits[k] >> (64 - LONGEST)];
          memcpy(out[k], &pair, 4);
          bits[k] <<= pair & 63;
          bit[k] += pair & 63;
          out[k] += 2 * (pair >> 16 & 3);
        }
      }
    }
    for (int k = 0; k < lanes; k++) {
      lane[k].out = out[k];
      lane[k].bit = bit[k];
    }
  }
}

/* Decodes what is left of a stream word by word; returns whether it ends where and as it must. */
static int decode_to_end(lane *lane, const uint16_t *singles) {
  const size_t bytes = (size_t)(lane->in_end - lane->in);
  for (; lane->out < lane->out_end; lane->out += 2) {
    uint32_t window = 0;
    for (size_t at = lane->bit >> 3, end = at + 3; at < end; at++)
      window = window << 8 | (at < bytes ? lane->in[at] : 0);
    uint16_t single = singles[window >> (24 - LONGEST - (lane->bit & 7)) & (TABLE - 1)];
    memcpy(lane->out, &single, 2);
    lane->bit += single & 63;
    if (lane->bit > 8 * bytes) return 0;
  }
  const size_t left = 8 * bytes - lane->bit;
  return left < 8 && (left == 0 || (lane->in[bytes - 1] & ((1u << left) - 1)) == 0);
}

int moepack_decode_words(
    const moepack_code_table *table, const void *streams, const uint32_t lengths[4], void *words,
    size_t count) {
  lane lanes[STREAMS];
  const uint8_t *in = streams;
  uint8_t *out = words;
  const size_t share = (count + STREAMS - 1) / STREAMS;
  for (size_t k = 0; k < STREAMS; k++) {
    const size_t first = k * share < count ? k * share : count;
    const size_t last = first + share < count ? first + share : count;
    lanes[k] = (lane){in, in + lengths[k], 0, out + 2 * first, out + 2 * last};
    in += lengths[k];
  }
  decode_freely(lanes, table->pairs, STREAMS);
  for (int k = 0; k < STREAMS; k++) {
    decode_freely(lanes + k, table->pairs, 1);
    if (!decode_to_end(lanes + k, table->singles)) return 0;
  }
  return 1;
}
