/* A fixed set of byte strings and the number each stands for. */

#ifndef TOKENS_H
#define TOKENS_H

#include "kernel.h"

typedef struct {
    const char *text; /* NULL: an empty place */
    Py_ssize_t length;
    double value;
} Token;

/* At most half of the places are taken, a power of two of them. */
typedef struct {
    Token *token;
    size_t mask;
    PyObject *kept; /* whose bytes the texts are */
} Tokens;

/* Take what stands in a dict of bytes -> float; return -1 with an exception. */
int tokens_read(Tokens *tokens, PyObject *dict);

void tokens_free(Tokens *tokens);

/* Return 1 and the value, 0 where the text is not among them. */
int tokens_find(const Tokens *tokens, const uint8_t *text, Py_ssize_t length, double *value);

#endif
