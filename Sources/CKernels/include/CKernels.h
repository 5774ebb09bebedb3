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

/* Fixes malloc's thresholds so that buffers of 2 MiB and more go back to the system. */
void moepack_return_large_buffers(void);

/// Calls `leave` on a thread of its own with the number of the first of `count` signals that comes;
/// those that are ignored stay so. Returns 0, or -1 if that cannot be set up.
int moepack_watch_signals(const int *numbers, int count, void (*leave)(int));

#endif
