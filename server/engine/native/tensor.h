/* Tensors of numbers into rows, see tensor.c. */

#ifndef TENSOR_H
#define TENSOR_H

#include "kernel.h"

extern PyType_Spec tensor_spec;

#endif
