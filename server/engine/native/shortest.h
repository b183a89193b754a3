/* Numbers as JSON: an integer, and a float64 as the shortest that reads back to it. */

#ifndef SHORTEST_H
#define SHORTEST_H

#include "number.h"

/* Write x in at least so many digits and return the place behind it. */
char *write_integer(uint64_t x, int least, char *text);

#define MOST_TEXT 32 /* bytes a number takes at most */

/* Write x as msgspec does and return the place behind it; NULL where it is not plain: no number, or
   beyond the table of powers. */
char *write_number(const Power *powers, double x, char *text);

#endif
