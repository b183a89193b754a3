/* A body straight into the kernel's row: what JSON and MessagePack share. */

#ifndef DECODER_H
#define DECODER_H

#include "kernel.h"
#include "number.h"
#include "tokens.h"

#include <string.h>

/* The largest integer up to which float64 holds all: 2**53 - 1. */
#define LARGEST_EXACT 9007199254740991.0

/* A feature as a member of the body. */
typedef struct {
    PyObject *key; /* its name as the body holds it, with quotes or a header: bytes */
    const char *name;
    Py_ssize_t length;
    int may_be_missing, is_category, is_boolean;
    Tokens texts;      /* categories that are text, as the body holds them, and their codes */
    Py_buffer numbers; /* those that are numbers, ascending, then their codes: float64 */
} Field;

typedef struct Decoder Decoder;

/* How applicants stand in a body of one format. All return the place behind what they read, NULL
   where it is not plainly that. */
typedef struct {
    /* Fill the row from an object. */
    const uint8_t *(*fill)(Decoder *self, const uint8_t *at, const uint8_t *end);
    /* Pass an object that holds no other and that a row is not filled from. */
    const uint8_t *(*pass)(const uint8_t *at, const uint8_t *end);
    /* Pass what stands before the first of an array: `*left` is not 0 while one follows. */
    const uint8_t *(*enter)(const uint8_t *at, const uint8_t *end, Py_ssize_t *left);
    /* Pass what stands behind one of them, up to the next or to the end. */
    const uint8_t *(*next)(const uint8_t *at, const uint8_t *end, Py_ssize_t *left);
    /* Pass what may stand behind the last value of a body. */
    const uint8_t *(*rest)(const uint8_t *at, const uint8_t *end);
} Format;

struct Decoder {
    PyObject_HEAD
    Kernel *kernel;
    Py_ssize_t fields;
    Field *field;
    Tokens names; /* key -> place in the row */
    uint8_t *seen;
    Py_buffer powers;
    const Format *format;
    double *row;   /* that is filled: the kernel's, or one of a block */
    int is_beyond; /* whether a number in it is outside the range seen in training */
};

extern PyType_Spec decoder_spec;
extern const Format json_format, msgpack_format;

/* Return the code of a category that is a number in `*x`; 0 where it is none of them. */
int code_of(const Field *field, double *x);

/* Whether the name of the field that is expected next begins at `at`. */
static inline int begins(const Field *field, const uint8_t *at, const uint8_t *end)
{
    return end - at >= field->length && !memcmp(at, field->name, (size_t)field->length);
}

/* The place in the row of a name, -1 where there is none. */
static inline Py_ssize_t place_of_name(const Decoder *self, const uint8_t *name, Py_ssize_t length)
{
    double place;
    return tokens_find(&self->names, name, length, &place) ? (Py_ssize_t)place : -1;
}

/* Put a number into the row; return 0 where float64 may have rounded it. */
static inline int put(Decoder *self, Py_ssize_t place, double x)
{
    double *number = self->row + place;
    if (settle(self->kernel->filler + place, x, number))
        return 1;
    self->is_beyond = 1;
    return fabs(*number) <= LARGEST_EXACT;
}

static inline int put_number(Decoder *self, Py_ssize_t place, double x)
{
    const Field *field = self->field + place;
    if (field->is_category && !code_of(field, &x))
        return 0;
    return x == x && put(self, place, x);
}

static inline int put_text(Decoder *self, Py_ssize_t place, const uint8_t *text, Py_ssize_t length)
{
    const Field *field = self->field + place;
    double code;
    return field->is_category && tokens_find(&field->texts, text, length, &code) && code == code &&
           put(self, place, code);
}

static inline int put_missing(Decoder *self, Py_ssize_t place)
{
    return self->field[place].may_be_missing &&
           put(self, place, self->kernel->filler[place].stand_in);
}

#endif
