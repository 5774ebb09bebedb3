/*
 * The inner loops of the search for a block's scale: attempts side by side, each with its own sums in
 * the order of the values, so that every result is that of one attempt after the other. Swift says
 * what the attempts are and which one is best (Sources/Tensors/Search).
 */
#include "CKernels.h"
#include <string.h>

/* A product and a sum are rounded apart, or results would differ between processors. */
#pragma STDC FP_CONTRACT OFF

typedef float lanes __attribute__((vector_size(16)));
typedef int32_t lane_masks __attribute__((vector_size(16)));

static inline lanes all(float value) { return (lanes){value, value, value, value}; }

static inline lanes choose(lane_masks mask, lanes yes, lanes no) {
  return (lanes)((mask & (lane_masks)yes) | (~mask & (lane_masks)no));
}

/* The nearest integer, ties to even, within low...high; NaN gives low. */
static inline lanes nearest(lanes value, lanes low, lanes high) {
  value = choose(value > low, value, low);
  value = choose(value < high, value, high);
  return (value + 12582912.0f) - 12582912.0f;
}

moepack_span moepack_span32(const float values[32]) {
  lanes low[2], high[2];
  memcpy(low, values, sizeof low);
  memcpy(high, values, sizeof high);
  for (size_t i = 8; i < 32; i += 8) {
    lanes next[2];
    memcpy(next, values + i, sizeof next);
    for (int half = 0; half < 2; half++) {
      low[half] = choose(next[half] < low[half], next[half], low[half]);
      high[half] = choose(next[half] > high[half], next[half], high[half]);
    }
  }
  lanes least = choose(low[1] < low[0], low[1], low[0]);
  lanes most = choose(high[1] > high[0], high[1], high[0]);
  float span[2] = {least[0], most[0]};
  for (int lane = 1; lane < 4; lane++) {
    if (least[lane] < span[0]) span[0] = least[lane];
    if (most[lane] > span[1]) span[1] = most[lane];
  }
  /* Zeros may differ in sign, which is stored: the first counts. */
  for (int end = 0; end < 2; end++) {
    for (size_t i = 0; span[end] == 0 && i < 32; i++) {
      if (values[i] == 0) {
        span[end] = values[i];
        break;
      }
    }
  }
  return (moepack_span){span[0], span[1]};
}

void moepack_levels32(
    const float values[32], float origin, float inverse, float shift, float highest,
    int32_t levels[32]) {
  lanes low = all(0), high = all(highest);
  for (size_t i = 0; i < 32; i += 4) {
    lanes value;
    memcpy(&value, values + i, sizeof value);
    value = (value - origin) * inverse + shift;
    value = choose(value > low, value, low);
    value = choose(value < high, value, high);
    lane_masks level = __builtin_convertvector(value, lane_masks);
    memcpy(levels + i, &level, sizeof level);
  }
}

void moepack_symmetric_sums(
    const float *values, const float *weights, const float *products, size_t count, float limit,
    const float inverses[20], float xq[20], float qq[20]) {
  lanes inverse[5], x[5] = {{0}}, q[5] = {{0}};
  memcpy(inverse, inverses, sizeof inverse);
  lanes low = all(-limit), high = all(limit - 1);
  for (size_t i = 0; i < count; i++) {
    for (int batch = 0; batch < 5; batch++) {
      lanes level = nearest(inverse[batch] * values[i], low, high);
      x[batch] += products[i] * level;
      q[batch] += weights[i] * level * level;
    }
  }
  memcpy(xq, x, sizeof x);
  memcpy(qq, q, sizeof q);
}

void moepack_affine_sums(
    const float *values, const float *weights, size_t count, float smallest, float highest,
    const float inverses[4], float *levels, float q[4], float qq[4], float xq[4]) {
  lanes inverse, sum = {0}, square = {0}, x = {0};
  memcpy(&inverse, inverses, sizeof inverse);
  lanes low = all(0), high = all(highest);
  for (size_t i = 0; i < count; i++) {
    lanes level = nearest(inverse * (values[i] - smallest), low, high);
    memcpy(levels + 4 * i, &level, sizeof level);
    lanes weighted = weights[i] * level;
    sum += weighted;
    square += weighted * level;
    x += weighted * values[i];
  }
  memcpy(q, &sum, sizeof sum);
  memcpy(qq, &square, sizeof square);
  memcpy(xq, &x, sizeof x);
}

void moepack_affine_errors(
    const float *values, const float *weights, size_t count, const float *levels,
    const float scales[4], const float smallest[4], int is_absolute, float errors[4]) {
  lanes scale, low, sum = {0};
  memcpy(&scale, scales, sizeof scale);
  memcpy(&low, smallest, sizeof low);
  for (size_t i = 0; i < count; i++) {
    lanes level;
    memcpy(&level, levels + 4 * i, sizeof level);
    lanes difference = scale * level + low - values[i];
    lanes magnitude = (lanes)((lane_masks)difference & 0x7FFFFFFF);
    sum += weights[i] * (is_absolute ? magnitude : difference * difference);
  }
  memcpy(errors, &sum, sizeof sum);
}

void moepack_nonlinear_sums(
    const float *values, const float *weights, size_t count, const float table[16],
    const float inverses[16], float xq[16], float qq[16]) {
  lanes changes[15], steps[15];
  for (int i = 0; i < 15; i++) {
    changes[i] = all(table[i] + table[i + 1]);
    steps[i] = all(table[i + 1] - table[i]);
  }
  for (int batch = 0; batch < 16; batch += 8) {
    lanes inverse[2], x[2] = {{0}}, q[2] = {{0}};
    memcpy(inverse, inverses + batch, sizeof inverse);
    for (size_t i = 0; i < count; i++) {
      lanes first = inverse[0] * values[i], second = inverse[1] * values[i];
      first += first;
      second += second;
      /* The steps that a value is past add up to its level, exactly for integers. */
      lanes level[2] = {all(table[0]), all(table[0])};
      for (int step = 0; step < 15; step++) {
        level[0] += (lanes)((first >= changes[step]) & (lane_masks)steps[step]);
        level[1] += (lanes)((second >= changes[step]) & (lane_masks)steps[step]);
      }
      for (int part = 0; part < 2; part++) {
        lanes weighted = weights[i] * level[part];
        x[part] += weighted * values[i];
        q[part] += weighted * level[part];
      }
    }
    memcpy(xq + batch, x, sizeof x);
    memcpy(qq + batch, q, sizeof q);
  }
}
