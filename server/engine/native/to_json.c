/* A MessagePack map as JSON, the very bytes of msgspec's encoder, for the record. Members that are
   no plain text, number, boolean or nil are left to msgspec. */

#include "line.h"
#include "msgpack.h"
#include "shortest.h"

/* Copy a text of MessagePack whose end is known; return NULL where JSON has to escape it. */
static char *copy_text(char *out, const uint8_t *at, const uint8_t *behind)
{
    at += *at == STR16 ? 3 : *at == STR8 ? 2 : 1;
    *out++ = '"';
    for (; at < behind; at++) {
        if (*at < ' ' || *at == '"' || *at == '\\')
            return NULL;
        *out++ = (char)*at;
    }
    *out++ = '"';
    return out;
}

static char *copy_integer(char *out, double x)
{
    if (x < 0)
        *out++ = '-';
    return write_integer((uint64_t)fabs(x), 1, out);
}

/* Write a value as JSON and move behind it; return NULL where it is not plain. */
static char *copy_value(const Power *powers, char *out, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *behind = after_text(*at, end), *from = *at;
    double x;
    if (behind) {
        *at = behind;
        return copy_text(out, from, behind);
    }
    if (from == end)
        return NULL;
    if (*from == NIL || *from == FALSE || *from == TRUE) {
        const char *word = *from == NIL ? "null" : *from == TRUE ? "true" : "false";
        size_t length = strlen(word);
        *at += 1;
        memcpy(out, word, length);
        return out + length;
    }
    int is_float = *from == FLOAT64 || *from == FLOAT32;
    *at = is_float ? read_float(from, end, *from == FLOAT64 ? 8 : 4, &x)
                   : read_integer(from, end, &x);
    if (!*at)
        return NULL;
    return is_float ? write_number(powers, x, out) : copy_integer(out, x);
}

char *copy_map(const Power *powers, char *out, const uint8_t *at, const uint8_t *end)
{
    Py_ssize_t members;
    if (!(at = read_header(at, end, &members)))
        return NULL;
    *out++ = '{';
    for (Py_ssize_t i = 0; i < members; i++) {
        const uint8_t *behind = after_text(at, end);
        if (i)
            *out++ = ',';
        if (!behind || !(out = copy_text(out, at, behind)))
            return NULL;
        *out++ = ':';
        at = behind;
        if (!(out = copy_value(powers, out, &at, end)))
            return NULL;
    }
    *out++ = '}';
    return at == end ? out : NULL;
}
