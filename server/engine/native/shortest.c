/* The shortest decimal in a float64's interval, the nearest of the shortest, by Giulietti's
   algorithm ("The Schubfach way to render doubles", 2021): the interval's ends and the number
   itself, each times the same power of ten, as integers whose last bit tells whether they are
   rounded. */

#include "shortest.h"

#include <string.h>

#define FRACTION_BITS 52
#define BIAS 1023
#define HIDDEN ((uint64_t)1 << FRACTION_BITS)
/* Above it powers of five are cut off in the table, and not rounded up as they must be here. */
#define LARGEST_WHOLE_POWER 55
/* Exponents of ten that are written without an e, as msgspec does. */
#define FIXED_FROM (-5)
#define FIXED_TO 15

/* digits * 10**exponent */
typedef struct {
    uint64_t digits;
    int exponent;
} Decimal;

/* The upper 64 bits of a product of 192; the last is set where something follows them. */
static inline uint64_t round_to_odd(const Power *power, uint64_t x)
{
    unsigned __int128 product = (unsigned __int128)x * power->high;
    product += (uint64_t)((unsigned __int128)x * power->low >> 64);
    return (uint64_t)(product >> 64) | ((uint64_t)product > 1);
}

/* The shortest decimal for mantissa * 2**binary; return 0 where the table does not reach. `close`:
   the number below is half as far away as the one above. */
static inline int shortest(const Power *powers, uint64_t mantissa, int binary, int close,
                           Decimal *decimal)
{
    /* The logarithms of 2 and 3/4 to the base of 10, and of 10 to the base of 2, close enough. */
    int exponent = (binary * 1262611 - (close ? 524031 : 0)) >> 22;
    if (exponent > -SMALLEST_POWER || exponent < -LARGEST_WHOLE_POWER)
        return 0;
    const Power *power = powers + (-exponent - SMALLEST_POWER);
    int shift = binary + ((-exponent * 1741647) >> 19) + 1;
    uint64_t odd = mantissa & 1, four = mantissa << 2;
    uint64_t from = round_to_odd(power, (four - 2 + (uint64_t)close) << shift) + odd;
    uint64_t to = round_to_odd(power, (four + 2) << shift) - odd;
    uint64_t x = round_to_odd(power, four << shift);
    uint64_t digits = x >> 2, tens = digits / 10;
    int below = from <= 40 * tens, above = 40 * tens + 40 <= to;
    if (digits >= 10 && below != above) {
        *decimal = (Decimal){tens + (uint64_t)above, exponent + 1};
        return 1;
    }
    below = from <= 4 * digits, above = 4 * digits + 4 <= to;
    uint64_t middle = 4 * digits + 2;
    int up = below != above ? above : x > middle || (x == middle && (digits & 1));
    *decimal = (Decimal){digits + (uint64_t)up, exponent};
    return 1;
}

char *write_integer(uint64_t x, int least, char *text)
{
    char digits[20], *end = digits + sizeof digits, *first = end;
    for (; x || end - first < least; x /= 10)
        *--first = (char)('0' + x % 10);
    memcpy(text, first, (size_t)(end - first));
    return text + (end - first);
}

static char *write_zeros(char *at, int count)
{
    memset(at, '0', (size_t)count);
    return at + count;
}

static char *write_fixed(char *at, const char *digits, int count, int lead)
{
    if (lead < 0) {
        char *end = write_zeros(at, 1 - lead);
        at[1] = '.';
        memcpy(end, digits, (size_t)count);
        return end + count;
    }
    int whole = lead + 1 < count ? lead + 1 : count;
    memcpy(at, digits, (size_t)whole);
    at = write_zeros(at + whole, lead + 1 - whole);
    *at++ = '.';
    if (whole == count)
        *at++ = '0';
    memcpy(at, digits + whole, (size_t)(count - whole));
    return at + (count - whole);
}

static char *write_scientific(char *at, const char *digits, int count, int lead)
{
    *at++ = digits[0];
    if (count > 1)
        *at++ = '.';
    memcpy(at, digits + 1, (size_t)(count - 1));
    at += count - 1;
    *at++ = 'e';
    if (lead < 0)
        *at++ = '-';
    int size = lead < 0 ? -lead : lead;
    if (size >= 10)
        *at++ = (char)('0' + size / 10);
    *at++ = (char)('0' + size % 10);
    return at;
}

static char *write_decimal(char *at, Decimal decimal)
{
    char digits[20];
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    int count = (int)(write_integer(decimal.digits, 1, digits) - digits);
    int lead = decimal.exponent + count - 1;
    return lead < FIXED_FROM || lead > FIXED_TO ? write_scientific(at, digits, count, lead)
                                                : write_fixed(at, digits, count, lead);
}

char *write_number(const Power *powers, double x, char *text)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t fraction = bits & (HIDDEN - 1);
    int binary = (int)(bits >> FRACTION_BITS & 0x7FF) - BIAS - FRACTION_BITS;
    Decimal decimal;
    if (bits >> 63)
        *text++ = '-';
    if (!(bits << 1)) {
        memcpy(text, "0.0", 3);
        return text + 3;
    }
    return shortest(powers, fraction | HIDDEN, binary, !fraction, &decimal)
               ? write_decimal(text, decimal)
               : NULL;
}
