/* Bodies scored in one call, without a Python object per value. Only what is plainly fine is: each
   feature once, of its kind, inside its range. For all else the answer is None, and who asked
   decodes it the long way, which decides and finds the words. Nothing is accepted here that the
   long way refuses or warns about, and the row has the same bits.

   Names and categories of text are compared as bytes with what an encoder writes for them. Those
   are valid text, so nothing that matches needs to be looked at for bad UTF-8 or escapes. */

#include "decoder.h"
#include "powers.h"

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

static PyObject *decoder_score(Decoder *self, PyObject *body)
{
    char *start;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(body, &start, &length))
        return NULL;
    memset(self->seen, 0, (size_t)self->fields);
    if (!self->fill(self, (const uint8_t *)start, (const uint8_t *)start + length))
        Py_RETURN_NONE;
    return kernel_scored(self->kernel);
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
        self->fill = is_json ? fill_from_json : fill_from_msgpack;
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
    {NULL}};

static PyType_Slot slots[] = {{Py_tp_new, decoder_new},
                              {Py_tp_dealloc, decoder_dealloc},
                              {Py_tp_methods, methods},
                              {Py_tp_doc, "The way of one format's bodies into a kernel's row."},
                              {0, NULL}};

PyType_Spec decoder_spec = {"server.engine.native._kernel.Decoder", sizeof(Decoder), 0, Py_TPFLAGS_DEFAULT,
                            slots};
