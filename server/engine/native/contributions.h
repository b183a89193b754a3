/* What each feature contributes to a raw score. */

#ifndef CONTRIBUTIONS_H
#define CONTRIBUTIONS_H

#include "kernel.h"

extern PyType_Spec contributions_spec;

#endif
