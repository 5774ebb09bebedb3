/* The calibration text inside the tool: a compressed array, since a resource file is lost when the
 * binary is copied. */
#ifndef MOEPACK_CALIBRATION_TEXT_H
#define MOEPACK_CALIBRATION_TEXT_H

#include <stddef.h>

/* One zstd frame of JSON lines, and its length. */
const unsigned char *moepack_calibration_text(size_t *size);

#endif
