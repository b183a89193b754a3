/* The table of powers of five as powers.py hands it over. */

#ifndef POWERS_H
#define POWERS_H

#include "kernel.h"
#include "number.h"

/* Return 0 with an exception where what was given is no such table. */
static inline int are_powers(const Py_buffer *given)
{
    int fits = given->len == POWERS * (Py_ssize_t)sizeof(Power) && !((uintptr_t)given->buf % 8);
    if (!fits)
        PyErr_Format(PyExc_ValueError, "powers: wanted two numbers of 64 bits for each, at %zd",
                     given->len);
    return fits;
}

#endif
