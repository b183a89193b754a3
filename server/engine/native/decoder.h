/* A body straight into the kernel's row: what JSON and MessagePack share. */

#ifndef DECODER_H
#define DECODER_H

#include "kernel.h"
#include "number.h"
#include "tokens.h"

#include <string.h>

/* A feature as a member of the body. */
typedef struct {
    PyObject *key; /* its name as the body holds it, with quotes or a header: bytes */
    const char *name;
    Py_ssize_t length;
    int may_be_missing, is_category, is_boolean;
    Tokens texts;      /* categories that are text, as the body holds them, and their codes */
    Py_buffer numbers; /* those that are numbers, ascending, then their codes: float64 */
} Field;

typedef struct Decoder {
    PyObject_HEAD
    Kernel *kernel;
    Py_ssize_t fields;
    Field *field;
    Tokens names; /* key -> place in the row */
    uint8_t *seen;
    Py_buffer powers;
    /* Fill the kernel's row from a whole body; return 0 where it is not plainly fine. */
    int (*fill)(struct Decoder *self, const uint8_t *at, const uint8_t *end);
} Decoder;

extern PyType_Spec decoder_spec;

int fill_from_json(Decoder *self, const uint8_t *at, const uint8_t *end);
int fill_from_msgpack(Decoder *self, const uint8_t *at, const uint8_t *end);

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

static inline int put_number(Decoder *self, Py_ssize_t place, double x)
{
    const Field *field = self->field + place;
    if (field->is_category && !code_of(field, &x))
        return 0;
    return x == x &&
           settle(self->kernel->filler + place, x, (double *)self->kernel->row.buf + place);
}

static inline int put_text(Decoder *self, Py_ssize_t place, const uint8_t *text, Py_ssize_t length)
{
    const Field *field = self->field + place;
    double code;
    return field->is_category && tokens_find(&field->texts, text, length, &code) && code == code &&
           settle(self->kernel->filler + place, code, (double *)self->kernel->row.buf + place);
}

static inline int put_missing(Decoder *self, Py_ssize_t place)
{
    const Filler *filler = self->kernel->filler + place;
    return self->field[place].may_be_missing &&
           settle(filler, filler->stand_in, (double *)self->kernel->row.buf + place);
}

#endif
