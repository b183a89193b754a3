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
int fill_from_msgpack(Decoder *self, const uint8_t *at, const uint8_t *end)
{
    Py_ssize_t place = 0, members;
    at = read_header(at, end, &members);
    if (!at || members != self->fields)
        return 0;
    for (Py_ssize_t count = 0; at && count < self->fields; count++, place++) {
        if (place < self->fields && begins(self->field + place, at, end)) {
            at += self->field[place].length;
        } else {
            const uint8_t *behind = after_text(at, end);
            place = behind ? place_of_name(self, at, behind - at) : -1;
            at = behind;
        }
        if (place < 0 || self->seen[place]++)
            return 0;
        at = read_value(self, at, end, place);
    }
    return at == end;
}
