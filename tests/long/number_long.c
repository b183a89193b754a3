/* JSON's numbers as number.c reads them against strtod, and as shortest.c writes them against the
   shortest %g that strtod reads back, COUNT of each kind; tests/long/number_long.py. */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shortest.h"

static uint64_t state = 0x9E3779B97F4A7C15;

static uint64_t drawn(void)
{
    uint64_t x = state += 0x9E3779B97F4A7C15;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
}

/* A double whose exponent is drawn from all of them, or from those near one. */
static double any_double(int all)
{
    uint64_t bits = drawn();
    double x;
    if (!all)
        bits = (bits & ~((uint64_t)0x7FF << 52)) | (1023 - 128 + (bits >> 52) % 256) << 52;
    memcpy(&x, &bits, sizeof x);
    return x - x == 0.0 ? x : 0.5;
}

static void repr_of(char *text, size_t size)
{
    double x = any_double(0), back;
    int digits = 15;
    do {
        snprintf(text, size, "%.*g", digits, x);
        back = strtod(text, NULL);
    } while (back != x && ++digits <= 17);
}

static void long_repr(char *text, size_t size) { snprintf(text, size, "%.16e", any_double(1)); }

static void fixed(char *text, size_t size)
{
    snprintf(text, size, "%.*f", (int)(drawn() % 19), any_double(0));
}

static void decimal(char *text, size_t size)
{
    uint64_t digits = drawn() >> drawn() % 64;
    snprintf(text, size, "%" PRIu64 "e%d", digits, (int)(drawn() % 140) - 70);
}

static void fraction(char *text, size_t size)
{
    snprintf(text, size, "%u.%0*" PRIu64, (unsigned)(drawn() % 10), (int)(drawn() % 18) + 1,
             drawn() % 1000000000000000000 >> drawn() % 60);
}

/* Half way between two floats, exactly or all but: an odd number of 54 bits, times a power of two
   that 19 digits can show, and one of its neighbours. */
static void half_way(char *text, size_t size)
{
    uint64_t odd = (((uint64_t)1 << 53) | drawn() >> 11) << 1 | 1;
    int bits = 54 + (int)(drawn() % 10);
    odd = (odd & (((uint64_t)1 << 54) - 1)) | (uint64_t)1 << 53;
    odd <<= bits - 54;
    snprintf(text, size, "%" PRIu64 "e%d", odd + drawn() % 3 - 1, (int)(drawn() % 5));
}

typedef void Make(char *, size_t);

static const struct {
    const char *name;
    Make *make;
} kinds[] = {{"shortest repr", repr_of}, {"17 digits, any exponent", long_repr},
             {"fixed point", fixed},     {"integer and exponent", decimal},
             {"fraction", fraction},     {"half way", half_way}};

static int wrong(const Power *powers, Make *make, long count, long *read)
{
    char text[400], *behind;
    for (long i = 0; i < count; i++) {
        double got, wanted;
        make(text, sizeof text);
        size_t length = strlen(text);
        /* Not a byte more, for the sanitizer to see whether one is read. */
        uint8_t *exact = malloc(length);
        memcpy(exact, text, length);
        const uint8_t *at = read_number(powers, exact, exact + length, &got);
        int whole = at == exact + length, none = !at;
        free(exact);
        if (none)
            continue;
        wanted = strtod(text, &behind);
        (*read)++;
        if (!whole || *behind || memcmp(&got, &wanted, sizeof got))
            return printf("%s: wanted %.17g, got %.17g\n", text, wanted, got);
    }
    return 0;
}

static double any(void) { return any_double(0); }
static double any_power(void) { return ldexp(1, (int)(drawn() % 240) - 120); }
static double whole(void) { return (double)(drawn() >> drawn() % 64); }
static double rounded(void) { return (double)(drawn() % 1000000000) / pow(10, (int)(drawn() % 10)); }
static double neighbour(void) { return nextafter(rounded(), drawn() & 1 ? INFINITY : 0); }

typedef double Draw(void);

static const struct {
    const char *name;
    Draw *draw;
} doubles[] = {{"any", any}, {"powers of two", any_power}, {"whole", whole}, {"rounded", rounded},
               {"beside the rounded", neighbour}};

static int digits_in(const char *text)
{
    int count = 0, zeros = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (count || *text != '0')) {
            zeros = *text == '0' ? zeros + 1 : 0;
            count++;
        }
    return count - zeros;
}

/* Whether a text reads back, and no text of fewer digits does. */
static int is_shortest(double x, const char *text)
{
    char shorter[64];
    int digits = digits_in(text);
    snprintf(shorter, sizeof shorter, "%.*e", digits < 2 ? 0 : digits - 2, x);
    return strtod(text, NULL) == x && (digits < 2 || strtod(shorter, NULL) != x);
}

static int wrong_text(const Power *powers, Draw *draw, long count, long *written)
{
    for (long i = 0; i < count; i++) {
        char *exact = malloc(MOST_TEXT + 1);
        double x = draw() * (drawn() & 1 ? -1 : 1);
        char *end = write_number(powers, x, exact);
        if (end) {
            *end = 0;
            (*written)++;
            if (!is_shortest(x, exact))
                return printf("%.17g was written %s\n", x, exact);
        }
        free(exact);
    }
    return 0;
}

int main(int arguments, char **given)
{
    Power powers[POWERS];
    if (arguments != 3 || fread(powers, sizeof(Power), POWERS, stdin) != POWERS)
        return 2;
    long count = atol(given[1]);
    state += strtoull(given[2], NULL, 10);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        long read = 0;
        if (wrong(powers, kinds[i].make, count, &read))
            return 1;
        printf("%s: %ld of %ld read, all as strtod\n", kinds[i].name, read, count);
    }
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        long written = 0;
        if (wrong_text(powers, doubles[i].draw, count, &written))
            return 1;
        printf("%s: %ld of %ld written, all the shortest\n", doubles[i].name, written, count);
    }
    return 0;
}
