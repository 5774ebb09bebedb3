/* The few loops and signal handlers that Swift cannot express: see each function's comment. */
#ifndef MOEPACK_CKERNELS_H
#define MOEPACK_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/* IEEE half to float, exact; F16C where the processor has it. */
void moepack_widen_f16(const void *source, float *target, size_t count);
/* Float to IEEE half, round to nearest even; F16C where the processor has it. */
void moepack_narrow_f16(const float *source, void *target, size_t count);
/* The portable twins, for the test that both paths agree. */
void moepack_widen_f16_portable(const void *source, float *target, size_t count);
void moepack_narrow_f16_portable(const float *source, void *target, size_t count);
/* Whether this processor takes the F16C path. */
int moepack_has_f16c(void);

/* bfloat16 to float (exact) and back (round to nearest even, NaN stays quiet NaN). */
void moepack_widen_bf16(const void *source, float *target, size_t count);
void moepack_narrow_bf16(const float *source, void *target, size_t count);

/* bf16: rotate left by one (the sign becomes the lowest bit) and split into a low and a high plane. */
void moepack_split_rotated16(const void *source, uint8_t *low, uint8_t *high, size_t count);
void moepack_join_rotated16(const uint8_t *low, const uint8_t *high, void *target, size_t count);

/* The same for 32-bit words, four planes of `count` bytes each behind one another, lowest first. */
void moepack_split_rotated32(const void *source, uint8_t *planes, size_t count);
void moepack_join_rotated32(const uint8_t *planes, void *target, size_t count);

/*
 * Coded words, Formats/moepack.md: a word rotated left by one has its symbol in the upper
 * `symbol_bits` (8 to 10), its rest in the others.
 */
/* How often each symbol of 10 bits occurs. */
void moepack_count_symbols(const void *words, size_t count, uint32_t counts[1024]);
/* Lengths of Huffman codes up to 12, 0 for what does not occur (all of them if fewer than two do). */
void moepack_choose_code_lengths(const uint32_t *counts, size_t symbols, uint8_t *lengths);
/*
 * Canonical codes, each in the highest bits of 64 with its length in the lowest; returns 0 if the
 * lengths make no complete code.
 */
int moepack_assign_codes(const uint8_t *lengths, size_t symbols, uint64_t *codes);
/* Writes one stream and returns its length; `target` has eight bytes of room behind the stream. */
size_t moepack_encode_words(
    const void *words, size_t count, unsigned symbol_bits, const uint64_t *codes, void *target);
typedef struct {
  uint32_t pairs[4096];
  uint16_t singles[4096];
} moepack_code_table;
/* Returns 0 if the lengths make no complete code. */
int moepack_build_code_table(const uint8_t *lengths, unsigned symbol_bits, moepack_code_table *table);
/*
 * Decodes four streams that lie behind one another; the lower 6 bits of the words are undefined.
 * Returns 0 if a stream does not end with its last code and zero bits. Reads no byte outside the
 * streams and writes none outside the words, whatever the streams hold.
 */
int moepack_decode_words(
    const moepack_code_table *table, const void *streams, const uint32_t lengths[4], void *words,
    size_t count);
/* Writes ceil(count * bits / 8) bytes, and eight bytes of room behind them are lost. */
void moepack_pack_rests(const void *words, size_t count, unsigned bits, void *target);
/* Puts the rests into words whose symbols are there, and rotates them back. */
void moepack_join_rests(void *words, size_t count, unsigned bits, const void *rests);
/* The portable twins, for the test that both paths agree. */
void moepack_pack_rests_portable(const void *words, size_t count, unsigned bits, void *target);
void moepack_join_rests_portable(void *words, size_t count, unsigned bits, const void *rests);
/* 32-bit words as their upper halves and two planes of bytes. */
void moepack_split_halves(
    const void *source, void *upper, void *lowest, void *second, size_t count);
void moepack_join_halves(
    const void *upper, const void *lowest, const void *second, void *target, size_t count);

/* XXH64 with seed 0 (public domain algorithm by Yann Collet). */
typedef struct {
  uint64_t lanes[4];
  uint64_t total;
  uint8_t pending[32];
  uint32_t pending_count;
} moepack_xxh64_state;
void moepack_xxh64_reset(moepack_xxh64_state *state);
void moepack_xxh64_update(moepack_xxh64_state *state, const void *bytes, size_t count);
uint64_t moepack_xxh64_digest(const moepack_xxh64_state *state);

/*
 * Copies from a mapping that may lose its file: returns 0, or -1 if a page was no longer backed
 * (the file shrank or its device failed), now or in an earlier copy. What was lost reads as zero from
 * then on, so `lost`, zero at first, is shared by all copies from one mapping.
 */
int moepack_copy_guarded(void *target, const void *source, size_t count, int *lost);

/* SiLU(gate) * up, elementwise, into gate. Accurate to about 2 units in the last place. */
void moepack_silu_multiply(float *gate, const float *up, size_t count);
/* exp(value - largest) in place (relative error below 2e-7); returns the sum, in a fixed order. */
double moepack_exp_in_place(float *values, size_t count, float largest);
/* The largest value, -infinity for none. */
float moepack_largest(const float *values, size_t count);
/* The inner product, summed in double in a fixed order. */
double moepack_dot(const float *a, const float *b, size_t count);
/* Whether no value is infinite or NaN. */
int moepack_all_finite(const float *values, size_t count);
/* Whether any word, unaligned, has all of these bits. */
int moepack_any_has16(const void *words, size_t count, uint16_t bits);
int moepack_any_has32(const void *words, size_t count, uint32_t bits);

typedef struct {
  float smallest, largest;
} moepack_span;
/* The ends of 32 values, of equal ones the first. */
moepack_span moepack_span32(const float values[32]);
/* floor((x - origin) inverse + shift) within 0...highest; 0 for NaN. */
void moepack_levels32(
    const float values[32], float origin, float inverse, float shift, float highest,
    int32_t levels[32]);

/*
 * Sums of attempts at the scale of up to 32 values: q is the level nearest to value * inverse, w its
 * weight, x the value. Each sum is added in the order of the values.
 */
/* sum(w x q) and sum(w q q), q in -limit...limit-1; `products` holds w x. */
void moepack_symmetric_sums(
    const float *values, const float *weights, const float *products, size_t count, float limit,
    const float inverses[20], float xq[20], float qq[20]);
/* sum(w q), sum(w q q) and sum(w q x), q for x - smallest in 0...highest; four levels per value. */
void moepack_affine_sums(
    const float *values, const float *weights, size_t count, float smallest, float highest,
    const float inverses[4], float *levels, float q[4], float qq[4], float xq[4]);
/* sum(w e^2), or sum(w |e|), of e = scale q + smallest - x. */
void moepack_affine_errors(
    const float *values, const float *weights, size_t count, const float *levels,
    const float scales[4], const float smallest[4], int is_absolute, float errors[4]);
/* sum(w q x) and sum(w q q), q of an ascending table of integers, the upper of two as near. */
void moepack_nonlinear_sums(
    const float *values, const float *weights, size_t count, const float table[16],
    const float inverses[16], float xq[16], float qq[16]);

/* Fixes malloc's thresholds so that buffers of 2 MiB and more go back to the system. */
void moepack_return_large_buffers(void);

/// Calls `leave` on a thread of its own with the number of the first of `count` signals that comes;
/// those that are ignored stay so. Returns 0, or -1 if that cannot be set up.
int moepack_watch_signals(const int *numbers, int count, void (*leave)(int));

#endif
