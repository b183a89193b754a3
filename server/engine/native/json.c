/* A JSON object into the row: RFC 8259's grammar, as far as an applicant needs it. */

#include "decoder.h"
#include "space.h"

/* Return the place behind the next quote: a text with an escaped one is cut there, and known to
   nobody. NULL where no text begins or ends. */
static const uint8_t *after_text(const uint8_t *at, const uint8_t *end)
{
    if (at == end || *at != '"')
        return NULL;
    const uint8_t *quote = memchr(at + 1, '"', (size_t)(end - at - 1));
    return quote ? quote + 1 : NULL;
}

/* Return the place behind a name, and whose it is. */
static inline const uint8_t *read_name(const Decoder *self, const uint8_t *at, const uint8_t *end,
                                       Py_ssize_t *place)
{
    if (*place < self->fields && begins(self->field + *place, at, end))
        return at + self->field[*place].length;
    const uint8_t *behind = after_text(at, end);
    *place = behind ? place_of_name(self, at, behind - at) : -1;
    return *place < 0 ? NULL : behind;
}

static const uint8_t *read_truth(const uint8_t *at, const uint8_t *end, double *x)
{
    *x = end - at >= 4 && !memcmp(at, "true", 4);
    if (*x)
        return at + 4;
    return end - at >= 5 && !memcmp(at, "false", 5) ? at + 5 : NULL;
}

static inline const uint8_t *read_value(Decoder *self, const uint8_t *at, const uint8_t *end,
                                        Py_ssize_t place)
{
    const uint8_t *behind = NULL;
    double x;
    int fits = 0;
    if (at < end && *at == '"') {
        behind = after_text(at, end);
        fits = behind && put_text(self, place, at, behind - at);
    } else if (end - at >= 4 && !memcmp(at, "null", 4)) {
        behind = at + 4;
        fits = put_missing(self, place);
    } else {
        behind = read_number(self->powers.buf, at, end, &x);
        if (!behind && self->field[place].is_boolean)
            behind = read_truth(at, end, &x);
        fits = behind && put_number(self, place, x);
    }
    return fits ? behind : NULL;
}

/* As many members as there are fields, no field twice: so each is there once. */
static const uint8_t *fill(Decoder *self, const uint8_t *at, const uint8_t *end)
{
    Py_ssize_t place = 0;
    at = after('{', at, end);
    for (Py_ssize_t count = 0; at && count < self->fields; count++, place++) {
        if (count && !(at = after(',', at, end)))
            return NULL;
        if (!(at = read_name(self, at, end, &place)) || self->seen[place]++)
            return NULL;
        if ((at = after(':', at, end)))
            at = read_value(self, at, end, place);
    }
    at = at ? after_space(at, end) : end;
    return at < end && *at == '}' ? at + 1 : NULL;
}

/* Whether it is JSON is not looked at: only where it ends, if it is. */
static const uint8_t *pass(const uint8_t *at, const uint8_t *end)
{
    if (at == end || *at != '{')
        return NULL;
    for (at++; at < end && *at != '{' && *at != '['; at++) {
        if (*at == '}')
            return at + 1;
        if (*at != '"')
            continue;
        for (at++; at < end && *at != '"'; at++)
            if (*at == '\\' && ++at == end)
                return NULL;
    }
    return NULL;
}

static const uint8_t *enter(const uint8_t *at, const uint8_t *end, Py_ssize_t *left)
{
    *left = 1;
    return after('[', at, end);
}

static const uint8_t *next(const uint8_t *at, const uint8_t *end, Py_ssize_t *left)
{
    const uint8_t *behind = after(',', at, end);
    if (behind)
        return behind;
    *left = 0;
    return after(']', at, end);
}

const Format json_format = {fill, pass, enter, next, after_space};
