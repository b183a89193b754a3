/* What the prediction log holds of one applicant: its line, and what was sent as JSON. */

#ifndef LINE_H
#define LINE_H

#include "kernel.h"

extern PyType_Spec line_spec;

PyObject *to_json(PyObject *module, PyObject *arguments);

#endif
