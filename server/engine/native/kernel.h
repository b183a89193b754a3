/* What the parts of the extension share: the kernel, its row, and how a value gets into the row. */

#ifndef KERNEL_H
#define KERNEL_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <math.h>
#include <stdint.h>

/* Documented, and exported by every CPython, but the headers of the limited API leave it out. */
PyAPI_FUNC(int) _PyBytes_Resize(PyObject **bytes, Py_ssize_t length);

/* LightGBM's kZeroThreshold, a float32 constant. */
#define ZERO ((double)1e-35f)

/* How a value becomes a number of the row. */
typedef struct {
    PyObject *codes; /* category -> code, or NULL */
    double stand_in, low, high;
    int zero_as_missing;
} Filler;

typedef struct {
    double threshold; /* of a leaf: its value */
    uint32_t slot;    /* of a leaf: 0 */
    uint32_t next;    /* the child for no, yes stands behind it; of a leaf: itself */
} Node;

/* The sets of one feature: a row of bits, one per set, for each category known to any of them, in
   ascending order; row 0 is of all others. */
typedef struct {
    Py_ssize_t feature, first, count, words, codes;
    Py_buffer known, bits;
} Category;

typedef struct {
    PyObject_HEAD
    Py_ssize_t features, outputs, trees, slots, categories, fillers;
    Node *nodes; /* tree after tree, each level by level from its root, and up to `end` */
    uint32_t *roots, *targets, end;
    uint32_t *counts; /* per node: the training rows in a leaf; NULL where they are not known */
    uint8_t *sure; /* per LANES trees: steps before the first look */
    double *x;
    Category *category;
    struct Block *block; /* NULL: rows of a block are walked one at a time */
    Filler *filler;
    Py_buffer row, raw; /* float64 [F] and [K], the caller's */
} Kernel;

/* The module's state. */
typedef struct {
    PyTypeObject *kernel, *decoder, *line, *contributions, *tensor;
} Types;

/* Score the row as it is; return (row as bytes, raw), NULL with an exception. */
PyObject *kernel_scored(Kernel *self);

/* Lay a row out in slots: then a split is x[slot] > threshold. */
void kernel_spread(const Kernel *self, const double *row, double *x);

/* Return the row of bits of a category that a number stands for. */
Py_ssize_t kernel_row_of(const Category *category, double value);

/* Return the feature that a slot is made of. */
Py_ssize_t kernel_feature(const Kernel *self, uint32_t slot);

/* Make x, NaN where missing, the number of the row; return 0 where it asks for a closer look. */
static inline int settle(const Filler *filler, double x, double *number)
{
    if (filler->zero_as_missing && fabs(x) <= ZERO)
        x = NAN;
    *number = x;
    return x != x || (x >= filler->low && x <= filler->high);
}

#endif
