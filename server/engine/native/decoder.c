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

/* Fill a row from a body; return 1, 0 where it is not plain, -1 with an exception. */
static int fill_from(Decoder *self, double *row, PyObject *body, Py_ssize_t *length)
{
    char *start;
    if (PyBytes_AsStringAndSize(body, &start, length))
        return -1;
    const uint8_t *end = (const uint8_t *)start + *length;
    const uint8_t *at = fill(self, row, (const uint8_t *)start, end);
    return at && self->format->rest(at, end) == end;
}

static PyObject *decoder_score(Decoder *self, PyObject *body)
{
    Py_ssize_t length;
    int is_plain = fill_from(self, self->kernel->row.buf, body, &length);
    if (is_plain < 0)
        return NULL;
    return is_plain && !self->is_beyond ? kernel_scored(self->kernel) : Py_NewRef(Py_None);
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

static double *next_row(const Decoder *self, const Block *block)
{
    return (double *)PyBytes_AsString(block->rows) + block->count * self->fields;
}

/* Note what stands at `begin` and `end` and was read into the next row; return 0 with an exception. */
static int note(const Decoder *self, Block *block, int is_plain, int64_t begin, int64_t end)
{
    int64_t *span = (int64_t *)PyBytes_AsString(block->spans) + 2 * block->count;
    span[0] = begin;
    span[1] = end;
    if (!is_plain)
        memset(next_row(self, block), 0, (size_t)self->fields * 8);
    Py_ssize_t place = block->count++;
    if (is_plain && !self->is_beyond)
        return 1;
    return !add_place(is_plain ? block->beyond : block->odd, place);
}

/* Read one applicant, plain or not; return the place behind it, NULL where there is none or, with
   an exception, no memory. */
static const uint8_t *read_one(Decoder *self, Block *block, const uint8_t *start, const uint8_t *at,
                               const uint8_t *end)
{
    if (block->count == block->room && resize(block, 2 * block->room, self->fields * 8))
        return NULL;
    const uint8_t *plain = fill(self, next_row(self, block), at, end);
    const uint8_t *behind = plain ? plain : self->format->pass(at, end);
    return behind && note(self, block, plain != NULL, at - start, behind - start) ? behind : NULL;
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

static int begin_block(Block *block)
{
    *block = (Block){PyBytes_FromStringAndSize(NULL, 1), PyBytes_FromStringAndSize(NULL, 1),
                     PyList_New(0), PyList_New(0), 0, 0};
    return block->rows && block->spans && block->beyond && block->odd;
}

/* Return what was read, None where it is not plain, NULL with an exception; keep nothing of it. */
static PyObject *end_block(Block *block, int is_plain)
{
    PyObject *found = NULL;
    if (is_plain)
        found = PyTuple_Pack(4, block->rows, block->spans, block->beyond, block->odd);
    for (int i = 0; i < 4; i++)
        Py_XDECREF((&block->rows)[i]);
    return found || PyErr_Occurred() ? found : Py_NewRef(Py_None);
}

static PyObject *decoder_block(Decoder *self, PyObject *args)
{
    PyObject *body;
    Py_ssize_t most, length, wide = self->fields * 8;
    char *start;
    Block block;
    if (!PyArg_ParseTuple(args, "Sn:block", &body, &most) ||
        PyBytes_AsStringAndSize(body, &start, &length))
        return NULL;
    const uint8_t *at = (const uint8_t *)start;
    int done = begin_block(&block) && !resize(&block, FIRST_ROOM, wide);
    done = done && read_all(self, &block, at, at + length, most);
    return end_block(&block, done && !resize(&block, block.count, wide));
}

static PyObject *decoder_bodies(Decoder *self, PyObject *list)
{
    Block block;
    Py_ssize_t length = 0;
    int64_t begin = 0;
    if (!PyList_Check(list))
        return PyErr_Format(PyExc_TypeError, "wanted a list of bodies");
    int done = begin_block(&block) && !resize(&block, PyList_Size(list), self->fields * 8);
    for (; done && block.count < block.room; begin += length) {
        PyObject *body = PyList_GetItem(list, block.count);
        int is_plain = fill_from(self, next_row(self, &block), body, &length);
        done = is_plain >= 0 && note(self, &block, is_plain, begin, begin + length);
    }
    return end_block(&block, done);
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
    {"bodies", (PyCFunction)decoder_bodies, METH_O,
     "Read a list of bodies, one applicant each; return what block returns of an array: each begins\n"
     "and ends as if all stood one behind the other."},
    {NULL}};

static PyType_Slot slots[] = {{Py_tp_new, decoder_new},
                              {Py_tp_dealloc, decoder_dealloc},
                              {Py_tp_methods, methods},
                              {Py_tp_doc, "The way of one format's bodies into a kernel's row."},
                              {0, NULL}};

PyType_Spec decoder_spec = {"server.engine.native._kernel.Decoder", sizeof(Decoder), 0, Py_TPFLAGS_DEFAULT,
                            slots};
