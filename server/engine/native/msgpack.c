/* A MessagePack map into the row: names and texts with the shortest header, as encoders write
   them; numbers of every width. */

#include "decoder.h"
#include "msgpack.h"

static const uint8_t *read_value(Decoder *self, const uint8_t *at, const uint8_t *end,
                                 Py_ssize_t place)
{
    const uint8_t *behind = after_text(at, end);
    double x;
    if (at == end)
        return NULL;
    if (behind)
        return put_text(self, place, at, behind - at) ? behind : NULL;
    if (*at == NIL)
        return put_missing(self, place) ? at + 1 : NULL;
    if (*at == FLOAT64 || *at == FLOAT32)
        behind = read_float(at, end, *at == FLOAT64 ? 8 : 4, &x);
    else
        behind = read_integer(at, end, &x);
    if (!behind && self->field[place].is_boolean && (*at == FALSE || *at == TRUE)) {
        x = *at == TRUE;
        behind = at + 1;
    }
    return behind && put_number(self, place, x) ? behind : NULL;
}

/* As many members as there are fields, no field twice: so each is there once. */
static const uint8_t *fill(Decoder *self, const uint8_t *at, const uint8_t *end)
{
    Py_ssize_t place = 0, members;
    at = read_header(at, end, &members);
    if (!at || members != self->fields)
        return NULL;
    for (Py_ssize_t count = 0; at && count < self->fields; count++, place++) {
        if (place < self->fields && begins(self->field + place, at, end)) {
            at += self->field[place].length;
        } else {
            const uint8_t *behind = after_text(at, end);
            place = behind ? place_of_name(self, at, behind - at) : -1;
            at = behind;
        }
        if (place < 0 || self->seen[place]++)
            return NULL;
        at = read_value(self, at, end, place);
    }
    return at;
}

static const uint8_t *pass_value(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *behind = after_text(at, end);
    double x;
    if (behind || at == end)
        return behind;
    if (*at == NIL || *at == FALSE || *at == TRUE)
        return at + 1;
    if (*at == FLOAT64 || *at == FLOAT32)
        return read_float(at, end, *at == FLOAT64 ? 8 : 4, &x);
    return read_integer(at, end, &x);
}

static const uint8_t *pass(const uint8_t *at, const uint8_t *end)
{
    Py_ssize_t members;
    at = read_header(at, end, &members);
    for (Py_ssize_t left = at ? 2 * members : 0; at && left; left--)
        at = pass_value(at, end);
    return at;
}

static const uint8_t *enter(const uint8_t *at, const uint8_t *end, Py_ssize_t *left)
{
    if (end - at >= 1 && *at >> 4 == 9) {
        *left = *at & 0x0F;
        return at + 1;
    }
    if (at == end || (*at != ARRAY16 && *at != ARRAY32))
        return NULL;
    int bytes = *at == ARRAY16 ? 2 : 4;
    if (end - at <= bytes)
        return NULL;
    *left = (Py_ssize_t)big_endian(at + 1, bytes);
    return at + 1 + bytes;
}

static const uint8_t *next(const uint8_t *at, const uint8_t *end, Py_ssize_t *left)
{
    (void)end;
    *left -= 1;
    return at;
}

static const uint8_t *rest(const uint8_t *at, const uint8_t *end)
{
    (void)end;
    return at;
}

const Format msgpack_format = {fill, pass, enter, next, rest};
