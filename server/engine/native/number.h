/* The text of a JSON number to the nearest float64. */

#ifndef NUMBER_H
#define NUMBER_H

#include <stdint.h>

/* Powers of ten that the table of powers of five covers; powers.py makes it. */
#define SMALLEST_POWER (-64)
#define LARGEST_POWER 64
#define POWERS (LARGEST_POWER - SMALLEST_POWER + 1)

/* The first 128 bits of a power of five, the highest of them set. */
typedef struct {
    uint64_t high, low;
} Power;

/* Read the number that begins at `at`; return the place behind it, NULL where there is none or it
   is not plain: over 19 digits, beyond the table, an integer that float64 rounds, -0. */
const uint8_t *read_number(const Power *powers, const uint8_t *at, const uint8_t *end,
                           double *number);

#endif
