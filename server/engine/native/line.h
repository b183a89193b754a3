/* What the prediction log holds of one applicant: its line, and what was sent as JSON. */

#ifndef LINE_H
#define LINE_H

#include "kernel.h"
#include "number.h"

/* No value takes more bytes of JSON, comma and all, for one of MessagePack: false takes them. */
#define MOST_GROWTH 6

extern PyType_Spec line_spec;

/* Write a MessagePack map as JSON and return the place behind it, NULL where it is not plain. */
char *copy_map(const Power *powers, char *out, const uint8_t *at, const uint8_t *end);

#endif
