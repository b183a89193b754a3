/* Bodies scored in one call, without a Python object per value. Only what is plainly fine is: each
   feature once, of its kind, inside its range. For all else the answer is None, and who asked
   decodes it the long way, which decides and finds the words. Nothing is accepted here that the
   long way refuses or warns about, and the row has the same bits.

   Names and categories of text are compared as bytes with what an encoder writes for them. Those
   are valid text, so nothing that matches needs to be looked at for bad UTF-8 or escapes. */

#include "decoder.h"
#include "powers.h"

#define FIRST_ROOM 16 /* applicants; doubled where there are more */

int code_of(const Field *field, double *x)
{
    const double *known = field->numbers.buf;
    Py_ssize_t count = field->numbers.len / 16, at = 0;
    for (Py_ssize_t left = count; left > 1; left -= left / 2)
        at += known[at + left / 2] <= *x ? left / 2 : 0;
    if (!count || known[at] != *x)
        return 0;
    *x = known[count + at];
    return 1;
}

/* Fill a row from the applicant at `at`; return the place behind it, NULL where it is not plain. */
static const uint8_t *fill(Decoder *self, double *row, const uint8_t *at, const uint8_t *end)
{
    self->row = row;
    self->is_beyond = 0;
    memset(self->seen, 0, (size_t)self->fields);
    return self->format->fill(self, at, end);
}

static PyObject *decoder_score(Decoder *self, PyObject *body)
{
    char *start;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(body, &start, &length))
        return NULL;
    const uint8_t *end = (const uint8_t *)start + length;
    const uint8_t *at = fill(self, self->kernel->row.buf, (const uint8_t *)start, end);
    if (!at || self->is_beyond || self->format->rest(at, end) != end)
        Py_RETURN_NONE;
    return kernel_scored(self->kernel);
}

/* ---- Arrays of applicants ---- */

/* What is read of an array: its applicants' rows, where each begins and ends in the body, the places
   of those with a number beyond the range seen, and of those that are not plain. There is room for
   more than were read. */
typedef struct {
    PyObject *rows, *spans, *beyond, *odd;
    Py_ssize_t count, room;
} Block;

static int resize(Block *block, Py_ssize_t room, Py_ssize_t wide)
{
    block->room = room;
    return _PyBytes_Resize(&block->rows, room * wide) ||
           _PyBytes_Resize(&block->spans, room * 2 * (Py_ssize_t)sizeof(int64_t));
}

static int add_place(PyObject *list, Py_ssize_t where)
{
    PyObject *place = PyLong_FromSsize_t(where);
    int failed = !place || PyList_Append(list, place);
    Py_XDECREF(place);
    return failed;
}

/* Read one applicant, plain or not; return the place behind it, NULL where there is none or, with
   an exception, no memory. */
static const uint8_t *read_one(Decoder *self, Block *block, const uint8_t *start, const uint8_t *at,
                               const uint8_t *end)
{
    Py_ssize_t wide = self->fields * 8;
    if (block->count == block->room && resize(block, 2 * block->room, wide))
        return NULL;
    char *row = PyBytes_AsString(block->rows) + block->count * wide;
    const uint8_t *behind = fill(self, (double *)row, at, end);
    if (!behind) {
        memset(row, 0, (size_t)wide);
        if (!(behind = self->format->pass(at, end)) || add_place(block->odd, block->count))
            return NULL;
    } else if (self->is_beyond && add_place(block->beyond, block->count)) {
        return NULL;
    }
    int64_t *span = (int64_t *)PyBytes_AsString(block->spans) + 2 * block->count++;
    span[0] = at - start;
    span[1] = behind - start;
    return behind;
}

/* Return 1 where all was read, 0 where the body is not plainly an array of `most` at most. */
static int read_all(Decoder *self, Block *block, const uint8_t *start, const uint8_t *end,
                    Py_ssize_t most)
{
    Py_ssize_t left = 0;
    const uint8_t *at = self->format->enter(start, end, &left);
    while (at && left) {
        if (block->count >= most || !(at = read_one(self, block, start, at, end)))
            return 0;
        at = self->format->next(at, end, &left);
    }
    return at == end && block->count;
}

static PyObject *decoder_block(Decoder *self, PyObject *args)
{
    PyObject *body, *found = NULL;
    Py_ssize_t most, length;
    char *start;
    if (!PyArg_ParseTuple(args, "Sn:block", &body, &most) ||
        PyBytes_AsStringAndSize(body, &start, &length))
        return NULL;
    const uint8_t *at = (const uint8_t *)start;
    Block block = {PyBytes_FromStringAndSize(NULL, 1), PyBytes_FromStringAndSize(NULL, 1),
                   PyList_New(0), PyList_New(0), 0, 0};
    int done = block.rows && block.spans && block.beyond && block.odd &&
               !resize(&block, FIRST_ROOM, self->fields * 8);
    done = done && read_all(self, &block, at, at + length, most);
    if (done && !resize(&block, block.count, self->fields * 8))
        found = PyTuple_Pack(4, block.rows, block.spans, block.beyond, block.odd);
    Py_XDECREF(block.rows);
    Py_XDECREF(block.spans);
    Py_XDECREF(block.beyond);
    Py_XDECREF(block.odd);
    return found || PyErr_Occurred() ? found : Py_NewRef(Py_None);
}

/* ---- Making one: nothing below is trusted before it was compared ---- */

static int fail(const char *what, Py_ssize_t where)
{
    PyErr_Format(PyExc_ValueError, "%s, at %zd", what, where);
    return -1;
}

static int read_field(PyObject *given, Field *to, Py_ssize_t place)
{
    PyObject *key, *texts;
    char *name;
    if (!PyArg_ParseTuple(given, "SpOy*p", &key, &to->may_be_missing, &texts, &to->numbers,
                          &to->is_boolean) ||
        PyBytes_AsStringAndSize(key, &name, &to->length))
        return -1;
    to->key = Py_NewRef(key);
    to->name = name;
    to->is_category = texts != Py_None;
    if (to->is_category && !PyDict_Check(texts))
        return fail("a field: wanted a dict of texts, or None", place);
    if (to->numbers.len % 16 || (uintptr_t)to->numbers.buf % 8)
        return fail("a field: wanted numbers and as many codes, float64", place);
    return to->is_category ? tokens_read(&to->texts, texts) : 0;
}

static int read_fields(Decoder *self, PyObject *list)
{
    Py_ssize_t count = PyList_Size(list);
    if (count != self->kernel->features || self->kernel->fillers != count)
        return fail("fields: wanted one per feature", count);
    self->field = PyMem_Calloc(count, sizeof(Field));
    self->seen = PyMem_Calloc(count, 1);
    PyObject *names = PyDict_New();
    int done = self->field && self->seen && names;
    if (!done && !PyErr_Occurred())
        PyErr_NoMemory();
    for (; done && self->fields < count; self->fields++) {
        Field *to = self->field + self->fields;
        done = !read_field(PyList_GetItem(list, self->fields), to, self->fields);
        PyObject *place = done ? PyFloat_FromDouble((double)self->fields) : NULL;
        done = place && !PyDict_SetItem(names, to->key, place);
        Py_XDECREF(place);
    }
    done = done && !tokens_read(&self->names, names);
    Py_XDECREF(names);
    return done ? 0 : -1;
}

static PyObject *decoder_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    static char *names[] = {"kernel", "is_json", "fields", "powers", NULL};
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    const Types *types = PyType_GetModuleState(type);
    Decoder *self = types ? (Decoder *)alloc(type, 0) : NULL;
    PyObject *kernel, *fields;
    int is_json;
    if (!self)
        return NULL;
    int done = PyArg_ParseTupleAndKeywords(args, named, "O!pO!y*:Decoder", names, types->kernel,
                                           &kernel, &is_json, &PyList_Type, &fields, &self->powers);
    if (done) {
        self->kernel = (Kernel *)Py_NewRef(kernel);
        self->format = is_json ? &json_format : &msgpack_format;
        done = are_powers(&self->powers) && !read_fields(self, fields);
    }
    if (!done)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void decoder_dealloc(Decoder *self)
{
    /* All of them: the one at which reading stopped may hold something. */
    for (Py_ssize_t i = 0; self->field && i < self->kernel->features; i++) {
        Py_XDECREF(self->field[i].key);
        PyBuffer_Release(&self->field[i].numbers);
        tokens_free(&self->field[i].texts);
    }
    tokens_free(&self->names);
    PyBuffer_Release(&self->powers);
    PyMem_Free(self->field);
    PyMem_Free(self->seen);
    Py_XDECREF((PyObject *)self->kernel);
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"score", (PyCFunction)decoder_score, METH_O,
     "Fill the row from a body, score it, return (row as bytes, raw);\n"
     "None where the body has to be looked at more closely."},
    {"block", (PyCFunction)decoder_block, METH_VARARGS,
     "Read an array of so many applicants at most; return (rows, float64 [N, features], where each\n"
     "begins and ends, int64 [N, 2], places of those beyond the range seen, places of those that\n"
     "have to be looked at more closely, whose rows are 0); None where the body is not plainly such\n"
     "an array."},
    {NULL}};

static PyType_Slot slots[] = {{Py_tp_new, decoder_new},
                              {Py_tp_dealloc, decoder_dealloc},
                              {Py_tp_methods, methods},
                              {Py_tp_doc, "The way of one format's bodies into a kernel's row."},
                              {0, NULL}};

PyType_Spec decoder_spec = {"server.engine.native._kernel.Decoder", sizeof(Decoder), 0, Py_TPFLAGS_DEFAULT,
                            slots};
