/* Tensors of the inference protocol into rows as the model sees them, without a Python object per
   value. Only a tensor of which every value is plainly fine is read; for all else the answer is
   None, and who asked reads it the long way, which decides and finds the words. Nothing is accepted
   here that the long way refuses, and the rows have the same bits, but for the payload of a NaN. */

#include "tensor.h"
#include "powers.h"
#include "space.h"

#include <string.h>

/* From here on float64 does not hold every integer. */
#define END_OF_EXACT 9007199254740992.0

/* What a feature's numbers may be. */
typedef struct {
    Filler filler; /* without codes of its own */
    int may_be_missing, is_cut; /* is_cut: a fraction is cut off */
    Py_buffer codes;            /* of a category, ascending; float64 */
} Rule;

/* How the values of a tensor are sent. */
typedef struct {
    char kind; /* as numpy names it: f, i, u */
    int size;
} Type;

typedef struct {
    PyObject_HEAD
    Py_ssize_t features;
    Rule *rule;
    /* Of features whose numbers stay as they are: the range, and whether each must be there. */
    double *low, *high;
    uint8_t *must;
    Py_ssize_t specials, *special; /* the places of the other features */
    Py_buffer powers;
} Tensor;

/* ---- One value ---- */

static int is_code(const Rule *rule, double x)
{
    const double *known = rule->codes.buf;
    Py_ssize_t at = 0;
    for (Py_ssize_t left = rule->codes.len / 8; left > 1; left -= left / 2)
        at += known[at + left / 2] <= x ? left / 2 : 0;
    return known[at] == x;
}

/* Put x, NaN where missing; return 0 where the model must not see it. `*beyond` becomes 1 where it
   is outside the range seen in training. */
static inline int put(const Rule *rule, double x, double *to, uint8_t *beyond)
{
    if (x != x) {
        if (!rule->may_be_missing)
            return 0;
        x = rule->filler.stand_in;
    } else if (isinf(x)) {
        return 0;
    } else if (rule->codes.len) {
        x = rule->is_cut ? trunc(x) : x;
        if (!is_code(rule, x))
            return 0;
    }
    *beyond |= !settle(&rule->filler, x, to);
    return 1;
}

/* Whether all numbers that stay as they are may: no branch for each, as nearly all rows are so. */
static int is_usual(const Tensor *self, const double *row)
{
    int odd = 0;
    for (Py_ssize_t i = 0; i < self->features; i++)
        odd |= (row[i] < self->low[i]) | (row[i] > self->high[i]) |
               ((row[i] != row[i]) & self->must[i]);
    return !odd;
}

/* Make numbers, NaN where missing, a row as the model sees it; return 0 where it must not. */
static int put_row(const Tensor *self, double *row, uint8_t *beyond)
{
    int usual = is_usual(self, row);
    Py_ssize_t count = usual ? self->specials : self->features;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t place = usual ? self->special[i] : i;
        if (!put(self->rule + place, row[place], row + place, beyond))
            return 0;
    }
    return 1;
}

/* ---- Binary data, little-endian ---- */

#define READ(TYPE)                                                                                 \
    {                                                                                              \
        TYPE value;                                                                                \
        memcpy(&value, at, sizeof value);                                                          \
        return (double)value;                                                                      \
    }

static inline double binary_value(Type type, const uint8_t *at)
{
    switch (type.kind << 8 | type.size) {
    case 'f' << 8 | 8: READ(double)
    case 'f' << 8 | 4: READ(float)
    case 'i' << 8 | 1: READ(int8_t)
    case 'i' << 8 | 2: READ(int16_t)
    case 'i' << 8 | 4: READ(int32_t)
    case 'i' << 8 | 8: READ(int64_t)
    case 'u' << 8 | 1: READ(uint8_t)
    case 'u' << 8 | 2: READ(uint16_t)
    case 'u' << 8 | 4: READ(uint32_t)
    default: READ(uint64_t)
    }
}

static int is_exact(Type type, double x)
{
    return type.kind == 'f' || type.size < 8 || fabs(x) < END_OF_EXACT;
}

static int read_binary(const Tensor *self, Type type, const uint8_t *at, Py_ssize_t count,
                       double *row, uint8_t *beyond)
{
    Py_ssize_t features = self->features, size = type.size;
    for (; count > 0; count--, beyond++, row += features, at += features * size) {
        if (type.kind == 'f' && size == 8)
            memcpy(row, at, (size_t)(features * size));
        else
            for (Py_ssize_t i = 0; i < features; i++)
                if (!is_exact(type, row[i] = binary_value(type, at + i * size)))
                    return 0;
        if (!put_row(self, row, beyond))
            return 0;
    }
    return 1;
}

/* ---- JSON ---- */

/* Whether JSON's number x, rounded to float32 where the type is that, is one of the type's; no
   integer is -0. */
static int fits(Type type, double *x)
{
    if (type.kind == 'f') {
        *x = type.size == 4 ? (double)(float)*x : *x;
        return 1;
    }
    double end = ldexp(1.0, 8 * type.size - (type.kind == 'i'));
    return *x == trunc(*x) && !(*x == 0.0 && signbit(*x)) && *x < end && *x >= (type.kind == 'i' ? -end : 0.0) &&
           is_exact(type, *x);
}

static const uint8_t *read_value(const Tensor *self, Type type, const uint8_t *at,
                                 const uint8_t *end, double *x)
{
    if (end - at >= 4 && !memcmp(at, "null", 4)) {
        *x = NAN;
        return at + 4;
    }
    at = read_number(self->powers.buf, at, end, x);
    return at && fits(type, x) ? at : NULL;
}

static const uint8_t *read_row(const Tensor *self, Type type, const uint8_t *at, const uint8_t *end,
                               double *row, uint8_t *beyond)
{
    for (Py_ssize_t i = 0; at && i < self->features; i++) {
        if (i && !(at = after(',', at, end)))
            return NULL;
        at = read_value(self, type, at, end, row + i);
    }
    return at && put_row(self, row, beyond) ? at : NULL;
}

/* Read rows one behind the other in one list, or each in a list of its own. */
static int read_json(const Tensor *self, Type type, const uint8_t *at, const uint8_t *end,
                     Py_ssize_t count, double *row, uint8_t *beyond)
{
    at = after('[', at, end);
    int is_nested = at && at < end && *at == '[';
    for (Py_ssize_t i = 0; at && i < count; i++, row += self->features) {
        if (i && !(at = after(',', at, end)))
            return 0;
        if (is_nested && !(at = after('[', at, end)))
            return 0;
        at = read_row(self, type, at, end, row, beyond + i);
        if (at && is_nested)
            at = after(']', at, end);
    }
    return at && after(']', at, end) == end;
}

/* ---- Called from Python ---- */

static int is_type(Type type)
{
    int is_size = type.size == 1 || type.size == 2 || type.size == 4 || type.size == 8;
    return type.kind == 'f' ? type.size == 8 || type.size == 4
                            : (type.kind == 'i' || type.kind == 'u') && is_size;
}

static PyObject *read_into(const Tensor *self, Type type, int is_json, const Py_buffer *data,
                           const Py_buffer *rows)
{
    Py_ssize_t wide = self->features * 8, count = rows->len / wide;
    if (!is_type(type) || rows->len != count * wide || (uintptr_t)rows->buf % 8 || count < 1)
        return PyErr_Format(PyExc_ValueError, "wanted rows [N, %zd] of float64", self->features);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    Py_RETURN_NONE;
#endif
    uint8_t *beyond = PyMem_Calloc((size_t)count, 1);
    if (!beyond)
        return PyErr_NoMemory();
    const uint8_t *at = data->buf;
    int done = is_json ? read_json(self, type, at, at + data->len, count, rows->buf, beyond)
                       : data->len == count * self->features * type.size &&
                             read_binary(self, type, at, count, rows->buf, beyond);
    Py_ssize_t told = memchr(beyond, 1, (size_t)count) ? count : 0;
    PyObject *said = done ? PyBytes_FromStringAndSize((char *)beyond, told) : Py_NewRef(Py_None);
    PyMem_Free(beyond);
    return said;
}

static PyObject *tensor_read(Tensor *self, PyObject *args)
{
    Py_buffer data, rows;
    const char *kind;
    Py_ssize_t length;
    int size, is_json;
    if (!PyArg_ParseTuple(args, "s#ipy*w*:read", &kind, &length, &size, &is_json, &data, &rows))
        return NULL;
    Type type = {length == 1 ? *kind : 0, size};
    PyObject *said = read_into(self, type, is_json, &data, &rows);
    PyBuffer_Release(&data);
    PyBuffer_Release(&rows);
    return said;
}

/* ---- Making one: nothing below is trusted before it was compared ---- */

static int fail(const char *what, Py_ssize_t where)
{
    PyErr_Format(PyExc_ValueError, "%s, at %zd", what, where);
    return -1;
}

static int read_rule(PyObject *given, Rule *to, Py_ssize_t place)
{
    Filler *filler = &to->filler;
    if (!PyArg_ParseTuple(given, "ppy*dddp", &to->may_be_missing, &to->is_cut, &to->codes,
                          &filler->stand_in, &filler->low, &filler->high,
                          &filler->zero_as_missing))
        return -1;
    return to->codes.len % 8 || (uintptr_t)to->codes.buf % 8
               ? fail("a rule: wanted codes of float64", place)
               : 0;
}

/* Write what is_usual reads. */
static int sort_features(Tensor *self, Py_ssize_t count)
{
    self->low = PyMem_Calloc((size_t)count, sizeof(double));
    self->high = PyMem_Calloc((size_t)count, sizeof(double));
    self->must = PyMem_Calloc((size_t)count, 1);
    self->special = PyMem_Calloc((size_t)count, sizeof(Py_ssize_t));
    if (!self->low || !self->high || !self->must || !self->special)
        return PyErr_NoMemory(), -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        const Rule *rule = self->rule + i;
        const Filler *filler = &rule->filler;
        int is_special = rule->codes.len || filler->zero_as_missing ||
                         filler->stand_in == filler->stand_in;
        int is_empty = !(filler->low <= filler->high); /* NaN: every number is outside */
        self->low[i] = is_special ? -INFINITY : is_empty ? INFINITY : filler->low;
        self->high[i] = is_special ? INFINITY : is_empty ? -INFINITY : filler->high;
        self->must[i] = !is_special && !rule->may_be_missing;
        if (is_special)
            self->special[self->specials++] = i;
    }
    return 0;
}

static PyObject *tensor_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    static char *names[] = {"rules", "powers", NULL};
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Tensor *self = (Tensor *)alloc(type, 0);
    PyObject *rules;
    if (!self)
        return NULL;
    int done = PyArg_ParseTupleAndKeywords(args, named, "O!y*:Tensor", names, &PyList_Type, &rules,
                                           &self->powers) &&
               are_powers(&self->powers);
    Py_ssize_t count = done ? PyList_Size(rules) : 0;
    if (done && count < 1)
        done = !fail("rules: wanted one per feature", count);
    if (done && !(self->rule = PyMem_Calloc((size_t)count, sizeof(Rule))))
        done = (PyErr_NoMemory(), 0);
    while (done && self->features < count) {
        done = !read_rule(PyList_GetItem(rules, self->features), self->rule + self->features,
                          self->features);
        self->features++; /* its buffer is released with the others */
    }
    done = done && !sort_features(self, count);
    if (!done)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void tensor_dealloc(Tensor *self)
{
    for (Py_ssize_t i = 0; i < self->features; i++)
        PyBuffer_Release(&self->rule[i].codes);
    PyBuffer_Release(&self->powers);
    PyMem_Free(self->rule);
    PyMem_Free(self->low);
    PyMem_Free(self->high);
    PyMem_Free(self->must);
    PyMem_Free(self->special);
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"read", (PyCFunction)tensor_read, METH_VARARGS,
     "Read values of a kind (f, i, u) and size, JSON or binary, into rows [N, features]; return a\n"
     "byte per row, 1 where a value is outside the range seen in training, or none if all are\n"
     "inside. None where the tensor has to be looked at more closely."},
    {NULL}};

static PyType_Slot slots[] = {{Py_tp_new, tensor_new},
                              {Py_tp_dealloc, tensor_dealloc},
                              {Py_tp_methods, methods},
                              {Py_tp_doc, "The way of one model's tensors into rows."},
                              {0, NULL}};

PyType_Spec tensor_spec = {"server.engine.native._kernel.Tensor", sizeof(Tensor), 0,
                           Py_TPFLAGS_DEFAULT, slots};
