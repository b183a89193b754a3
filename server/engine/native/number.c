/* Nearest float64, ties to even, by the algorithm of Eisel and Lemire ("Number parsing at a
   gigabyte per second", 2021): the digits as an integer times a power of five of 128 bits. Where
   those bits do not decide, there is no answer. */

#include "number.h"

#include <stddef.h>
#include <string.h>

#define MOST_DIGITS 19 /* all such integers are below 2**64 */
#define MOST_EXPONENT 9999
#define MOST_EXACT (((uint64_t)1 << 53) - 1)
#define FRACTION_BITS 52
#define BIAS 1023
/* Bits of a product's upper half that are rounded away, but for the last two. */
#define SPARE 0x1FF
/* 5**q with q in here is held whole, or its inverse is. */
#define SURE_FROM (-27)
#define SURE_TO 55
/* digits * 10**q is half way between two numbers only with q in here. */
#define TIE_FROM (-4)
#define TIE_TO 23

static inline int is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }

static inline int are_digits(uint64_t eight)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return !(((eight + 0x4646464646464646) | (eight - 0x3030303030303030)) & 0x8080808080808080);
#else
    return eight != eight;
#endif
}

/* Neighbours are joined to twos, these to fours and those to the eight. */
static inline uint64_t value_of(uint64_t eight)
{
    const uint64_t mask = 0x000000FF000000FF;
    eight -= 0x3030303030303030;
    eight = eight * 10 + (eight >> 8);
    return ((eight & mask) * (100 + ((uint64_t)1000000 << 32)) +
            ((eight >> 16) & mask) * (1 + ((uint64_t)10000 << 32))) >>
           32;
}

static inline const uint8_t *read_digits(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    for (; at < end && is_digit(*at); at++)
        *value = *value * 10 + (uint64_t)(*at - '0');
    return at;
}

static inline const uint8_t *read_many_digits(const uint8_t *at, const uint8_t *end,
                                              uint64_t *value)
{
    for (uint64_t eight; end - at >= 8; at += 8) {
        memcpy(&eight, at, sizeof eight);
        if (!are_digits(eight))
            break;
        *value = *value * 100000000 + (value_of(eight) & 0xFFFFFFFF);
    }
    return read_digits(at, end, value);
}

/* Round digits * 10**exponent, digits above 0; return 0 where 128 bits do not decide. The result
   is far from the ends of float64, whatever the digits. */
static int nearest(const Power *powers, uint64_t digits, int exponent, double *number)
{
    const Power *power = powers + (exponent - SMALLEST_POWER);
    int lead = __builtin_clzll(digits);
    digits <<= lead;
    unsigned __int128 product = (unsigned __int128)digits * power->high;
    if (((uint64_t)(product >> 64) & SPARE) == SPARE)
        product += (uint64_t)((unsigned __int128)digits * power->low >> 64);
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if (low == UINT64_MAX && (exponent < SURE_FROM || exponent > SURE_TO))
        return 0;
    int upper = (int)(high >> 63), shift = 64 - FRACTION_BITS - 3 + upper;
    uint64_t mantissa = high >> shift;
    /* 217706 / 2**16 is close enough to the binary logarithm of ten. */
    int binary = ((217706 * exponent) >> 16) + 63 + upper - lead + BIAS;
    if (low <= 1 && exponent >= TIE_FROM && exponent <= TIE_TO && (mantissa & 3) == 1 &&
        mantissa << shift == high)
        mantissa &= ~(uint64_t)1;
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa >> (FRACTION_BITS + 1)) {
        mantissa >>= 1;
        binary++;
    }
    mantissa &= ((uint64_t)1 << FRACTION_BITS) - 1;
    mantissa |= (uint64_t)binary << FRACTION_BITS;
    memcpy(number, &mantissa, sizeof *number);
    return 1;
}

/* Read what stands behind an e; return the place behind it, NULL where that is no exponent. */
static const uint8_t *read_exponent(const uint8_t *at, const uint8_t *end, ptrdiff_t *exponent)
{
    int negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    const uint8_t *first = at;
    ptrdiff_t value = 0;
    for (; at < end && is_digit(*at) && value <= MOST_EXPONENT; at++)
        value = value * 10 + (*at - '0');
    if (at == first || value > MOST_EXPONENT)
        return NULL;
    *exponent += negative ? -value : value;
    return at;
}

static ptrdiff_t zeros_before(const uint8_t *at, const uint8_t *end)
{
    ptrdiff_t zeros = 0;
    for (; at < end && (*at == '0' || *at == '.'); at++)
        zeros += *at == '0';
    return zeros;
}

const uint8_t *read_number(const Power *powers, const uint8_t *at, const uint8_t *end,
                           double *number)
{
    int negative = at < end && *at == '-', whole = 1;
    const uint8_t *first = at + negative;
    uint64_t digits = 0;
    ptrdiff_t exponent = 0;
    at = read_digits(first, end, &digits);
    ptrdiff_t count = at - first;
    if (count == 0 || (count > 1 && *first == '0'))
        return NULL;
    if (at < end && *at == '.') {
        const uint8_t *fraction = at + 1;
        at = read_many_digits(fraction, end, &digits);
        exponent = fraction - at;
        count -= exponent;
        whole = 0;
        if (!exponent)
            return NULL;
    }
    if (count > MOST_DIGITS && count - zeros_before(first, at) > MOST_DIGITS)
        return NULL;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at = read_exponent(at + 1, end, &exponent);
        whole = 0;
    }
    if (!at || exponent < SMALLEST_POWER || exponent > LARGEST_POWER ||
        (whole && (digits > MOST_EXACT || (negative && !digits))))
        return NULL;
    if (!digits || !exponent)
        *number = (double)digits;
    else if (!nearest(powers, digits, (int)exponent, number))
        return NULL;
    if (negative)
        *number = -*number;
    return at;
}
