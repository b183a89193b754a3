/* Open addressing. Who sends a body cannot add to the set, so no hash needs to be secret. */

#include "tokens.h"

#include <string.h>

#define MOST_TOKENS ((Py_ssize_t)1 << 24)

static size_t hash(const void *text, Py_ssize_t length)
{
    uint64_t sum = (uint64_t)length, part;
    for (Py_ssize_t at = 0; at < length; at += 8) {
        part = 0;
        memcpy(&part, (const char *)text + at, length - at < 8 ? (size_t)(length - at) : 8);
        sum = (sum ^ part) * 0x9E3779B97F4A7C15;
        sum ^= sum >> 32;
    }
    return (size_t)sum;
}

/* Return the place of a text, or the empty place where it would be. */
static Token *place_of(const Tokens *tokens, const void *text, Py_ssize_t length)
{
    size_t at = hash(text, length) & tokens->mask;
    for (;; at = (at + 1) & tokens->mask) {
        Token *token = tokens->token + at;
        if (!token->text || (token->length == length && !memcmp(token->text, text, (size_t)length)))
            return token;
    }
}

int tokens_read(Tokens *tokens, PyObject *dict)
{
    PyObject *text, *value;
    Py_ssize_t next = 0, count = PyDict_Size(dict);
    size_t places = 2;
    if (count < 0)
        return -1;
    if (count > MOST_TOKENS)
        return PyErr_SetString(PyExc_ValueError, "too many tokens"), -1;
    while (places < 2 * (size_t)count)
        places *= 2;
    if (!(tokens->kept = PyDict_Copy(dict)) || !(tokens->token = PyMem_Calloc(places, sizeof(Token))))
        return PyErr_Occurred() ? -1 : (PyErr_NoMemory(), -1);
    tokens->mask = places - 1;
    while (PyDict_Next(tokens->kept, &next, &text, &value)) {
        char *start;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(text, &start, &length))
            return -1;
        Token *token = place_of(tokens, start, length);
        *token = (Token){start, length, PyFloat_AsDouble(value)};
        if (token->value == -1.0 && PyErr_Occurred())
            return -1;
    }
    return 0;
}

void tokens_free(Tokens *tokens)
{
    PyMem_Free(tokens->token);
    Py_XDECREF(tokens->kept);
}

int tokens_find(const Tokens *tokens, const uint8_t *text, Py_ssize_t length, double *value)
{
    const Token *token = place_of(tokens, text, length);
    *value = token->value;
    return token->text != NULL;
}
