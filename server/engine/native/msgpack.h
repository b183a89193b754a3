/* The tokens of MessagePack that an applicant is made of. */

#ifndef MSGPACK_H
#define MSGPACK_H

#include "kernel.h"

#include <string.h>

#define MOST_EXACT (((int64_t)1 << 53) - 1)

enum { NIL = 0xC0, FALSE = 0xC2, TRUE, FLOAT32 = 0xCA, FLOAT64, UINT8, UINT64 = 0xCF, INT8, INT64 = 0xD3,
       STR8 = 0xD9, STR16, ARRAY16 = 0xDC, ARRAY32, MAP16 };

/* Return an unsigned integer of so many bytes, the highest first. */
static inline uint64_t big_endian(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* Return the place behind a text with its header, NULL where there is none. */
static inline const uint8_t *after_text(const uint8_t *at, const uint8_t *end)
{
    Py_ssize_t left = end - at, length;
    if (left >= 1 && *at >> 5 == 5)
        length = 1 + (*at & 0x1F);
    else if (left >= 2 && *at == STR8)
        length = 2 + at[1];
    else if (left >= 3 && *at == STR16)
        length = 3 + (Py_ssize_t)big_endian(at + 1, 2);
    else
        return NULL;
    return length <= left ? at + length : NULL;
}

static inline const uint8_t *read_float(const uint8_t *at, const uint8_t *end, int bytes, double *x)
{
    if (end - at <= bytes)
        return NULL;
    uint64_t bits = big_endian(at + 1, bytes);
    if (bytes == 8) {
        memcpy(x, &bits, sizeof *x);
    } else {
        uint32_t narrow = (uint32_t)bits;
        float value;
        memcpy(&value, &narrow, sizeof value);
        *x = (double)value;
    }
    return at + 1 + bytes;
}

/* Read an integer that float64 holds, of any header. */
static inline const uint8_t *read_integer(const uint8_t *at, const uint8_t *end, double *x)
{
    if (*at < 0x80 || *at >= 0xE0) {
        *x = (double)(int8_t)*at;
        return at + 1;
    }
    int is_unsigned = *at >= UINT8 && *at <= UINT64;
    if (!is_unsigned && (*at < INT8 || *at > INT64))
        return NULL;
    int bytes = 1 << (*at - (is_unsigned ? UINT8 : INT8));
    if (end - at <= bytes)
        return NULL;
    uint64_t bits = big_endian(at + 1, bytes), sign = (uint64_t)1 << (8 * bytes - 1);
    int negative = !is_unsigned && (bits & sign);
    uint64_t size = negative ? sign - (bits & (sign - 1)) : bits;
    *x = negative ? -(double)size : (double)size;
    return size > MOST_EXACT ? NULL : at + 1 + bytes;
}

/* Read a map's header: how many members; return the place behind it, NULL where there is none. */
static inline const uint8_t *read_header(const uint8_t *at, const uint8_t *end, Py_ssize_t *count)
{
    if (end - at >= 1 && *at >> 4 == 8) {
        *count = *at & 0x0F;
        return at + 1;
    }
    if (end - at < 3 || *at != MAP16)
        return NULL;
    *count = (Py_ssize_t)big_endian(at + 1, 2);
    return at + 3;
}

#endif
