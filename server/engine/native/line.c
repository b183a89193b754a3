/* The lines of scored applicants in one call: the very bytes of line.py's encoder. Only usual ones
   are written here; where one is not, the answer is None, and who asked goes the long way. */

#include "line.h"
#include "powers.h"
#include "shortest.h"

#include <string.h>
#include <time.h>

#define NANOSECONDS 1000000000
#define CLOCK_TEXT sizeof "2026-11-27T09:47:52"
/* More than all numbers, names and marks of a line take that are not counted one by one. */
#define REST 320
#define MOST_DECISION 16
#define MOST_ID 128 /* of those in a list */

typedef struct {
    PyObject_HEAD
    PyObject *before, *model; /* the parts that never change: to the time, and behind the index */
    Py_buffer powers;
    long long second; /* the text of which is in clock */
    char clock[CLOCK_TEXT];
} Line;

/* What a call gives. */
typedef struct {
    long long nanoseconds, index;
    const char *request_id, *decision, *row, *features;
    Py_ssize_t request_id_length, decision_length, row_length, features_length;
    double raw, prediction, latency;
    int is_packed; /* the features: MessagePack */
} Given;

static inline char *put(char *at, const char *text, Py_ssize_t length)
{
    memcpy(at, text, (size_t)length);
    return at + length;
}

#define PUT(at, text) put(at, text, sizeof text - 1)

static inline char *put_bytes(char *at, PyObject *bytes)
{
    return put(at, PyBytes_AsString(bytes), PyBytes_Size(bytes));
}

static char *put_base64(char *at, const uint8_t *from, Py_ssize_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits;
    for (; length >= 3; from += 3, length -= 3) {
        bits = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        *at++ = digits[bits >> 18];
        *at++ = digits[bits >> 12 & 63];
        *at++ = digits[bits >> 6 & 63];
        *at++ = digits[bits & 63];
    }
    if (!length)
        return at;
    bits = (uint32_t)from[0] << 16 | (length > 1 ? (uint32_t)from[1] << 8 : 0);
    *at++ = digits[bits >> 18];
    *at++ = digits[bits >> 12 & 63];
    *at++ = length > 1 ? digits[bits >> 6 & 63] : '=';
    return PUT(at, "=");
}

/* A line break stands in JSON only as white space between its parts. */
static char *put_on_one_line(char *at, const char *text, Py_ssize_t length)
{
    char *end = put(at, text, length);
    for (char *each = at; (each = memchr(each, '\n', (size_t)(end - each)));)
        *each = ' ';
    for (char *each = at; (each = memchr(each, '\r', (size_t)(end - each)));)
        *each = ' ';
    return end;
}

static char *put_time(Line *self, char *at, long long nanoseconds)
{
    long long second = nanoseconds / NANOSECONDS;
    if (second != self->second) {
        time_t whole = (time_t)second;
        struct tm parts;
        gmtime_r(&whole, &parts);
        strftime(self->clock, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &parts);
        self->second = second;
    }
    at = put(at, self->clock, CLOCK_TEXT - 1);
    *at++ = '.';
    at = write_integer((uint64_t)(nanoseconds % NANOSECONDS / 1000), 6, at);
    return PUT(at, "Z\"");
}

static char *put_values(const Power *powers, char *at, const Given *given)
{
    const uint8_t *features = (const uint8_t *)given->features;
    at = PUT(at, ",\"row\":\"");
    at = put_base64(at, (const uint8_t *)given->row, given->row_length);
    *at++ = '"';
    if (given->features) {
        at = PUT(at, ",\"features\":");
        at = given->is_packed ? copy_map(powers, at, features, features + given->features_length)
                              : put_on_one_line(at, given->features, given->features_length);
    }
    return at ? PUT(at, "}\n") : NULL;
}

/* Return the place behind the line, NULL where a number is not plain. */
static char *put_line(Line *self, char *at, const Given *given)
{
    const Power *powers = self->powers.buf;
    at = put_time(self, put_bytes(at, self->before), given->nanoseconds);
    at = put(PUT(at, ",\"request_id\":\""), given->request_id, given->request_id_length);
    at = write_integer((uint64_t)given->index, 1, PUT(at, "\",\"index\":"));
    at = put_bytes(at, self->model);
    if (!(at = write_number(powers, given->raw, at)) ||
        !(at = write_number(powers, given->prediction, PUT(at, ",\"prediction\":"))))
        return NULL;
    at = PUT(at, ",\"decision\":");
    if (given->decision) {
        at = put(PUT(at, "\""), given->decision, given->decision_length);
        *at++ = '"';
    } else
        at = PUT(at, "null");
    at = PUT(at, ",\"flags\":[],\"latency_us\":");
    if (!(at = write_number(powers, trunc(given->latency * 10) / 10, at)))
        return NULL;
    return put_values(powers, at, given);
}

/* Whether a text stands in JSON as it is. */
static int is_plain(const char *text, Py_ssize_t length)
{
    for (Py_ssize_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            return 0;
    return 1;
}

/* Take a text, or None where it may be that; return 0 where it is not plain, or with an error. */
static int take_text(PyObject *object, int or_none, const char **text, Py_ssize_t *length)
{
    if (or_none && object == Py_None)
        return 1;
    *text = PyUnicode_AsUTF8AndSize(object, length);
    return *text && is_plain(*text, *length);
}

/* Bytes that a line takes at most. */
static Py_ssize_t most_of(const Line *self, const Given *given)
{
    Py_ssize_t growth = given->is_packed ? MOST_GROWTH : 1;
    return REST + PyBytes_Size(self->before) + PyBytes_Size(self->model) +
           given->request_id_length + given->decision_length + (given->row_length + 2) / 3 * 4 +
           given->features_length * growth;
}

/* The columns of the applicants: where each stands in the body (an empty span: nowhere, so the line
   has no features), its row, score and decision. */
typedef struct {
    Py_buffer spans, rows, raw, prediction, decided;
    const char *body;
    Py_ssize_t length, count, wide;
    PyObject *decisions, *ids; /* ids: a list of the request ids, or NULL where all have one */
} Columns;

/* Whether the spans follow each other inside the body. */
static int follow(const Columns *columns)
{
    const int64_t *span = columns->spans.buf;
    int64_t end = 0;
    for (Py_ssize_t i = 0; i < columns->count; i++, span += 2) {
        if (span[0] < end || span[1] < span[0])
            return 0;
        end = span[1];
    }
    return end <= columns->length;
}

static int fit(Columns *columns)
{
    Py_ssize_t count = columns->count = columns->raw.len / 8;
    uintptr_t places = (uintptr_t)columns->spans.buf | (uintptr_t)columns->raw.buf |
                       (uintptr_t)columns->prediction.buf;
    columns->wide = count ? columns->rows.len / count : 0;
    return count && !(places % 8) && columns->raw.len == count * 8 &&
           columns->prediction.len == count * 8 && columns->spans.len == count * 16 &&
           columns->decided.len == count && columns->rows.len == count * columns->wide &&
           follow(columns);
}

/* Take applicant `i`; return 0 where it is not plain, or with an error. */
static int take_column(const Columns *columns, Py_ssize_t i, Given *given)
{
    const int64_t *span = (const int64_t *)columns->spans.buf + 2 * i;
    Py_ssize_t place = ((const int8_t *)columns->decided.buf)[i];
    PyObject *decision = PyTuple_GetItem(columns->decisions, place);
    given->decision = NULL;
    given->decision_length = 0;
    given->raw = ((const double *)columns->raw.buf)[i];
    given->prediction = ((const double *)columns->prediction.buf)[i];
    given->row = (const char *)columns->rows.buf + i * columns->wide;
    given->row_length = columns->wide;
    given->features = span[1] > span[0] ? columns->body + span[0] : NULL;
    given->features_length = span[1] - span[0];
    return decision && take_text(decision, 1, &given->decision, &given->decision_length) &&
           given->decision_length <= MOST_DECISION &&
           (!columns->ids || (take_text(PyList_GetItem(columns->ids, i), 0, &given->request_id,
                                        &given->request_id_length) &&
                              given->request_id_length <= MOST_ID));
}

/* Take the request id of all, or a list of them; return 0 as take_text does. */
static int take_ids(PyObject *ids, Columns *columns, Given *given)
{
    if (!PyList_Check(ids))
        return take_text(ids, 0, &given->request_id, &given->request_id_length);
    columns->ids = ids;
    given->request_id_length = MOST_ID;
    if (PyList_Size(ids) == columns->count)
        return 1;
    PyErr_SetString(PyExc_ValueError, "wanted a request id for each");
    return 0;
}

/* Return all lines, None where one is not plain. */
static PyObject *lines_of(Line *self, Given *given, const Columns *columns)
{
    const int64_t *span = columns->spans.buf;
    given->row_length = columns->wide;
    given->decision_length = MOST_DECISION;
    Py_ssize_t most = columns->count * most_of(self, given);
    given->features_length = span[2 * columns->count - 1] - span[0];
    most += most_of(self, given);
    PyObject *lines = PyBytes_FromStringAndSize(NULL, most);
    char *start = lines ? PyBytes_AsString(lines) : NULL, *at = start;
    for (Py_ssize_t i = 0; at && i < columns->count; i++, given->index += !columns->ids)
        at = take_column(columns, i, given) ? put_line(self, at, given) : NULL;
    if (at)
        return _PyBytes_Resize(&lines, at - start), lines;
    Py_XDECREF(lines);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *line_write_block(Line *self, PyObject *args)
{
    Given given = {0};
    Columns columns = {0};
    PyObject *ids, *lines = NULL;
    if (!PyArg_ParseTuple(args, "LOLdy#py*y*y*y*y*O!:write_block", &given.nanoseconds, &ids,
                          &given.index, &given.latency, &columns.body, &columns.length,
                          &given.is_packed, &columns.spans, &columns.rows, &columns.raw,
                          &columns.prediction, &columns.decided, &PyTuple_Type,
                          &columns.decisions))
        return NULL;
    if (given.nanoseconds < 0 || given.index < 0 || !fit(&columns))
        PyErr_SetString(PyExc_ValueError, "wanted a time, an index and columns of one length");
    else if (take_ids(ids, &columns, &given))
        lines = lines_of(self, &given, &columns);
    else if (!PyErr_Occurred())
        lines = Py_NewRef(Py_None);
    for (int i = 0; i < 5; i++)
        PyBuffer_Release(&columns.spans + i);
    return lines;
}

static PyObject *line_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    static char *names[] = {"before", "model", "powers", NULL};
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Line *self = (Line *)alloc(type, 0);
    if (!self)
        return NULL;
    self->second = -1;
    if (!PyArg_ParseTupleAndKeywords(args, named, "SSy*:Line", names, &self->before, &self->model,
                                     &self->powers)) {
        self->before = self->model = NULL;
        Py_DECREF(self);
        return NULL;
    }
    Py_INCREF(self->before);
    Py_INCREF(self->model);
    if (!are_powers(&self->powers))
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void line_dealloc(Line *self)
{
    PyBuffer_Release(&self->powers);
    Py_XDECREF(self->before);
    Py_XDECREF(self->model);
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"write_block", (PyCFunction)line_write_block, METH_VARARGS,
     "Return the lines of a block from nanoseconds, a request id and the first index, or a list of ids\n"
     "and the index of all, latency, the body,\n"
     "whether it is MessagePack, spans [N, 2], rows, raw scores, predictions, decisions by their\n"
     "places (int8), and a tuple of all decisions; None where a line is not plain."},
    {NULL}};

static PyType_Slot slots[] = {{Py_tp_new, line_new},
                              {Py_tp_dealloc, line_dealloc},
                              {Py_tp_methods, methods},
                              {Py_tp_doc, "The lines of one model and kind."},
                              {0, NULL}};

PyType_Spec line_spec = {"server.engine.native._kernel.Line", sizeof(Line), 0, Py_TPFLAGS_DEFAULT, slots};
