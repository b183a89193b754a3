/* Blocks of rows: see block.c. */

#ifndef BLOCK_H
#define BLOCK_H

#include "kernel.h"

/* Return what scores blocks of a laid-out kernel, NULL where rows have to be walked one at a time
   or memory is short. */
typedef struct Block Block;
Block *block_new(const Kernel *kernel);
void block_free(Block *block);

/* Numbers of rows: x[row * row_step + feature * feature_step]. */
typedef struct {
    const double *x;
    Py_ssize_t row_step, feature_step;
} Rows;

/* Score so many rows into raw [count, outputs], without Python; return -1 where memory is short.
   `portable`: with registers that every processor has. */
int block_score(const Kernel *kernel, Rows rows, Py_ssize_t count, double *raw, int portable);

#endif
