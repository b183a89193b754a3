/* White space of JSON. */

#ifndef SPACE_H
#define SPACE_H

#include <stdint.h>
#include <stddef.h>

static inline const uint8_t *after_space(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* Return the place behind a byte and the space around it, NULL where it does not stand there. */
static inline const uint8_t *after(uint8_t byte, const uint8_t *at, const uint8_t *end)
{
    at = after_space(at, end);
    return at < end && *at == byte ? after_space(at + 1, end) : NULL;
}

#endif
