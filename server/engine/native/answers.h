/* The answers to a block of applicants. */

#ifndef ANSWERS_H
#define ANSWERS_H

#include "kernel.h"

PyObject *write_answers(PyObject *module, PyObject *args);

#endif
