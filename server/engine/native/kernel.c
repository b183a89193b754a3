/* Trees walked sixteen at once: float64, no branch per split, leaf values added in tree order, so
   that the bits are LightGBM's and onnxruntime's. Plain C and Python's stable ABI.

   A row of F numbers is first laid out in slots, so that every split is one comparison x[slot] > t:
     0            NaN: no comparison with it holds, which is how a leaf stays where it is
     1 + i        feature i, NaN as -infinity: a missing value goes where the answer is no
     1 + F + i    feature i, NaN as +infinity: it goes where the answer is yes
     1 + 2F + i   1 where feature i is NaN, else 0: for thresholds that are infinite themselves
     then         1 where a category belongs to a set, else 0: one slot per set

   Whoever makes a Kernel is not trusted: every index is compared with its bound once, here. */

#include "answers.h"
#include "block.h"
#include "contributions.h"
#include "decoder.h"
#include "line.h"
#include "kernel.h"
#include "tensor.h"

#include <stdlib.h>
#include <string.h>

/* How a block is scored, as in engine.py. */
enum { FASTEST, WALKED, PORTABLE };
#define LANES 16
/* Rows that are walked one at a time: side by side they would cost more. */
#define FEW 8
/* Steps before the first look at who has arrived, beyond those of a balanced tree. */
#define SLACK 3
#define MOST_NODES ((Py_ssize_t)1 << 30)
/* LightGBM casts a category to a 32-bit integer: beyond it is in no set. */
#define END_OF_CATEGORIES 2147483648.0

/* ---- Scoring ---- */

Py_ssize_t kernel_row_of(const Category *category, double value)
{
    const int64_t *known = category->known.buf;
    Py_ssize_t at = 0, left = category->codes;
    /* LightGBM cuts the fraction off; what is negative then, or NaN, is in no set. */
    if (!(value > -1.0 && value < END_OF_CATEGORIES) || !left)
        return 0;
    int64_t code = (int64_t)value;
    while (left > 1) {
        Py_ssize_t half = left / 2;
        at += known[at + half] <= code ? half : 0;
        left -= half;
    }
    return known[at] == code ? at + 1 : 0;
}

/* Write what the splits compare, from a row, behind x[0] of the leaves. */
void kernel_spread(const Kernel *self, const double *row, double *x)
{
    Py_ssize_t features = self->features;
    double *no = x + 1, *yes = no + features, *missing = yes + features;
    for (Py_ssize_t i = 0; i < features; i++) {
        int absent = row[i] != row[i];
        no[i] = absent ? -INFINITY : row[i];
        yes[i] = absent ? INFINITY : row[i];
        missing[i] = absent;
    }
    for (Py_ssize_t c = 0; c < self->categories; c++) {
        const Category *category = self->category + c;
        Py_ssize_t at = kernel_row_of(category, row[category->feature]);
        const uint64_t *bits = (const uint64_t *)category->bits.buf + at * category->words;
        double *in = x + category->first;
        for (Py_ssize_t s = 0; s < category->count; s++)
            in[s] = (double)(int)(bits[s >> 6] >> (s & 63) & 1);
    }
}

Py_ssize_t kernel_feature(const Kernel *self, uint32_t slot)
{
    if (slot <= 3 * self->features)
        return (slot - 1) % self->features;
    for (Py_ssize_t c = 0; c < self->categories; c++) {
        const Category *category = self->category + c;
        if (slot - category->first < category->count && slot >= category->first)
            return category->feature;
    }
    return 0; /* a slot that is no category's: always 0 */
}

static inline void step(const Node *nodes, const double *x, uint32_t *at)
{
#pragma GCC unroll 16
    for (int lane = 0; lane < LANES; lane++) {
        const Node *node = nodes + at[lane];
        at[lane] = node->next + (x[node->slot] > node->threshold);
    }
}

static inline uint32_t under_way(const Node *nodes, const uint32_t *at)
{
    uint32_t slots = 0;
#pragma GCC unroll 16
    for (int lane = 0; lane < LANES; lane++)
        slots |= nodes[at[lane]].slot;
    return slots;
}

static void walk(const Kernel *self, const double *x, double *raw)
{
    const Node *nodes = self->nodes;
    double sum = 0.0; /* in a register: through memory each addition would wait for the last */
    memset(raw, 0, (size_t)self->outputs * sizeof *raw);
    for (Py_ssize_t first = 0; first < self->trees; first += LANES) {
        uint32_t at[LANES];
        memcpy(at, self->roots + first, sizeof at);
        for (int left = self->sure[first / LANES]; left > 0; left--)
            step(nodes, x, at);
        while (under_way(nodes, at)) {
            step(nodes, x, at);
            step(nodes, x, at);
        }
        Py_ssize_t here = self->trees - first < LANES ? self->trees - first : LANES;
        if (self->outputs == 1)
            for (Py_ssize_t lane = 0; lane < here; lane++)
                sum += nodes[at[lane]].threshold;
        else
            for (Py_ssize_t lane = 0; lane < here; lane++)
                raw[self->targets[first + lane]] += nodes[at[lane]].threshold;
    }
    if (self->outputs == 1)
        *raw = sum;
}

static PyObject *kernel_score_row(Kernel *self, PyObject *Py_UNUSED(nothing))
{
    kernel_spread(self, self->row.buf, self->x);
    walk(self, self->x, self->raw.buf);
    Py_RETURN_NONE;
}

/* Walk the rows one at a time; return -1 where memory is short. */
static int walk_all(const Kernel *self, Rows rows, Py_ssize_t count, double *raw)
{
    /* Of its own: several threads may score blocks at once. */
    double *x = calloc((size_t)(self->slots + self->features), sizeof *x), *row = x + self->slots;
    if (!x)
        return -1;
    x[0] = self->x[0];
    for (; count > 0; count--, rows.x += rows.row_step, raw += self->outputs) {
        for (Py_ssize_t i = 0; i < self->features; i++)
            row[i] = rows.x[i * rows.feature_step];
        kernel_spread(self, row, x);
        walk(self, x, raw);
    }
    free(x);
    return 0;
}

static PyObject *score_all(Kernel *self, PyObject *args, int by_column)
{
    Py_buffer numbers, raw;
    int way = FASTEST, failed = 0;
    if (!PyArg_ParseTuple(args, "y*w*|i", &numbers, &raw, &way))
        return NULL;
    Py_ssize_t wide = self->features * 8, out = self->outputs * 8, count = numbers.len / wide;
    Rows rows = by_column ? (Rows){numbers.buf, 1, count} : (Rows){numbers.buf, self->features, 1};
    int fits = numbers.len == count * wide && raw.len == count * out &&
               ((uintptr_t)numbers.buf | (uintptr_t)raw.buf) % 8 == 0;
    if (fits) {
        Py_BEGIN_ALLOW_THREADS
        if (way == WALKED || !self->block || (way == FASTEST && count < FEW))
            failed = walk_all(self, rows, count, raw.buf);
        else
            failed = block_score(self, rows, count, raw.buf, way == PORTABLE);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&raw);
    if (failed)
        return PyErr_NoMemory();
    if (fits)
        Py_RETURN_NONE;
    PyErr_SetString(PyExc_ValueError, "wanted rows [N, features] and raw [N, outputs] of float64");
    return NULL;
}

static PyObject *kernel_score_block(Kernel *self, PyObject *args)
{
    return score_all(self, args, 0);
}

static PyObject *kernel_score_columns(Kernel *self, PyObject *args)
{
    return score_all(self, args, 1);
}

/* Return 1 and the number, 0 where the value asks for a closer look, -1 with an exception. */
static int number_of(const Filler *filler, PyObject *value, double *number)
{
    if (filler->codes && !(value = PyDict_GetItemWithError(filler->codes, value)))
        return PyErr_Occurred() ? -1 : 0;
    double x = filler->stand_in;
    if (value != Py_None) {
        x = PyFloat_AsDouble(value);
        if (x == -1.0 && PyErr_Occurred())
            return -1;
        if (x != x)
            return 0;
    }
    return settle(filler, x, number);
}

static PyObject *raw_of(Kernel *self)
{
    const double *raw = self->raw.buf;
    PyObject *list = PyList_New(self->outputs);
    for (Py_ssize_t i = 0; list && i < self->outputs; i++) {
        PyObject *each = PyFloat_FromDouble(raw[i]);
        if (!each || PyList_SetItem(list, i, each))
            Py_CLEAR(list);
    }
    return list;
}

PyObject *kernel_scored(Kernel *self)
{
    kernel_spread(self, self->row.buf, self->x);
    walk(self, self->x, self->raw.buf);
    PyObject *bytes = PyBytes_FromStringAndSize(self->row.buf, self->row.len);
    PyObject *raw = raw_of(self), *pair = NULL;
    if (bytes && raw)
        pair = PyTuple_Pack(2, bytes, raw);
    Py_XDECREF(bytes);
    Py_XDECREF(raw);
    return pair;
}

static PyObject *kernel_score(Kernel *self, PyObject *values)
{
    if (!PyTuple_Check(values) || PyTuple_Size(values) != self->fillers)
        return PyErr_Format(PyExc_TypeError, "wanted a tuple of %zd values", self->fillers);
    double *row = self->row.buf;
    for (Py_ssize_t i = 0; i < self->fillers; i++) {
        int fits = number_of(self->filler + i, PyTuple_GetItem(values, i), row + i);
        if (fits < 0)
            return NULL;
        if (!fits)
            Py_RETURN_NONE;
    }
    return kernel_scored(self);
}

/* ---- Making one: nothing below is trusted before it was compared ---- */

typedef struct {
    Py_buffer roots, targets, slot, threshold, yes, no, leaf, counts;
} Given;

typedef struct {
    int64_t child;
    uint32_t at, depth;
} Visit;

static int fail(const char *what, Py_ssize_t where)
{
    PyErr_Format(PyExc_ValueError, "%s, at %zd", what, where);
    return -1;
}

/* Lay one tree out, level by level, children side by side; return its sure steps, -1 on error. */
static int lay_out(Kernel *self, const Given *given, Py_ssize_t tree, Visit *queue, uint8_t *seen,
                   uint32_t *end)
{
    Py_ssize_t splits = given->slot.len / 8, leaves = given->leaf.len / 8;
    const int64_t *slot = given->slot.buf, *yes = given->yes.buf, *no = given->no.buf;
    Py_ssize_t head = 0, tail = 0, found = 0;
    self->roots[tree] = *end;
    queue[tail++] = (Visit){((const int64_t *)given->roots.buf)[tree], (*end)++, 0};
    if (queue->child < 0)
        return fail("a root: wanted a split", tree);
    while (head < tail) {
        Visit visit = queue[head++];
        Node *node = self->nodes + visit.at;
        if (visit.child < 0) {
            int64_t leaf = -1 - visit.child;
            if (leaf >= leaves)
                return fail("a leaf: wanted one below the number of leaves", tree);
            *node = (Node){((const double *)given->leaf.buf)[leaf], 0, visit.at};
            if (self->counts)
                self->counts[visit.at] = ((const uint32_t *)given->counts.buf)[leaf];
            found++;
            continue;
        }
        int64_t split = visit.child;
        if (split >= splits || seen[split])
            return fail("a split: wanted one that stands below one parent", tree);
        seen[split] = 1;
        double threshold = ((const double *)given->threshold.buf)[split];
        if (slot[split] < 1 || slot[split] >= self->slots || threshold != threshold)
            return fail("a split: wanted a known slot and a number", split);
        *node = (Node){threshold, (uint32_t)slot[split], *end};
        queue[tail++] = (Visit){no[split], *end, visit.depth + 1};
        queue[tail++] = (Visit){yes[split], *end + 1, visit.depth + 1};
        *end += 2;
    }
    Py_ssize_t depth = queue[tail - 1].depth, steps = SLACK;
    for (; (Py_ssize_t)1 << (steps - SLACK) < found; steps++)
        ;
    return (int)(depth < steps ? depth : steps);
}

static int lay_all_out(Kernel *self, const Given *given)
{
    Py_ssize_t splits = given->slot.len / 8, groups = (self->trees + LANES - 1) / LANES;
    Py_ssize_t nodes = 1 + self->trees + 2 * splits;
    self->nodes = PyMem_Calloc(nodes, sizeof(Node)); /* node 0: an empty leaf, for idle lanes */
    if (given->counts.buf)
        self->counts = PyMem_Calloc(nodes, sizeof(uint32_t));
    self->roots = PyMem_Calloc(groups * LANES, sizeof(uint32_t));
    self->targets = PyMem_Calloc(groups * LANES, sizeof(uint32_t));
    self->sure = PyMem_Calloc(groups, 1);
    self->x = PyMem_Calloc(self->slots, sizeof(double));
    Visit *queue = PyMem_Calloc(2 * splits + 1, sizeof(Visit));
    uint8_t *seen = PyMem_Calloc(splits, 1);
    int done = self->nodes && self->roots && self->targets && self->sure && self->x && queue &&
               seen && (self->counts || !given->counts.buf);
    uint32_t end = 1;
    if (done)
        self->x[0] = NAN;
    else
        PyErr_NoMemory();
    for (Py_ssize_t tree = 0; done && tree < self->trees; tree++) {
        int64_t target = ((const int64_t *)given->targets.buf)[tree];
        int steps = lay_out(self, given, tree, queue, seen, &end);
        uint8_t *sure = self->sure + tree / LANES;
        if (steps > *sure)
            *sure = (uint8_t)steps;
        if (steps >= 0 && (target < 0 || target >= self->outputs))
            steps = fail("a target: wanted one below the number of outputs", tree);
        self->targets[tree] = (uint32_t)target;
        done = steps >= 0;
    }
    self->end = end;
    PyMem_Free(queue);
    PyMem_Free(seen);
    return done ? 0 : -1;
}

static int check_arrays(const Kernel *self, const Given *given)
{
    const Py_buffer *all = &given->roots;
    for (int i = 0; i < 7; i++)
        if (all[i].len % 8 || (uintptr_t)all[i].buf % 8)
            return fail("an array: wanted whole values of eight bytes", i);
    if (given->counts.buf &&
        (given->counts.len != given->leaf.len / 2 || (uintptr_t)given->counts.buf % 4))
        return fail("counts: wanted four bytes per leaf", given->counts.len);
    Py_ssize_t splits = given->slot.len, most = MOST_NODES / 4;
    if (given->threshold.len != splits || given->yes.len != splits || given->no.len != splits)
        return fail("splits: wanted arrays of one length", splits / 8);
    if (given->targets.len != given->roots.len)
        return fail("trees: wanted a root and a target each", given->roots.len / 8);
    if (self->features < 1 || self->outputs < 1 || self->features > most || self->outputs > most ||
        splits / 8 > most || given->roots.len / 8 > most || self->slots > most ||
        self->slots < 1 + 3 * self->features)
        return fail("sizes: wanted them within bounds", self->slots);
    if (self->row.len != self->features * 8 || self->raw.len != self->outputs * 8 ||
        ((uintptr_t)self->row.buf | (uintptr_t)self->raw.buf) % 8)
        return fail("row and raw: wanted float64 [features] and [outputs]", self->row.len);
    return 0;
}

static int read_category(Kernel *self, PyObject *given, Category *to)
{
    if (!PyArg_ParseTuple(given, "nnny*y*", &to->feature, &to->first, &to->count, &to->known,
                          &to->bits))
        return -1;
    to->words = to->count > 0 ? (to->count - 1) / 64 + 1 : 1;
    to->codes = to->known.len / 8;
    int inside = to->feature >= 0 && to->feature < self->features && to->count >= 1 &&
                 to->first > 3 * self->features && to->first <= self->slots - to->count;
    if (!inside || to->known.len != to->codes * 8 ||
        to->bits.len / 8 / to->words != to->codes + 1 ||
        to->bits.len != (to->codes + 1) * to->words * 8 ||
        ((uintptr_t)to->bits.buf | (uintptr_t)to->known.buf) % 8)
        return fail("a category: wanted a feature, slots and a row of bits per code", to->feature);
    return 0;
}

static int read_categories(Kernel *self, PyObject *list)
{
    Py_ssize_t count = PyList_Size(list);
    if (count < 0 || !(self->category = PyMem_Calloc(count + 1, sizeof(Category))))
        return PyErr_Occurred() ? -1 : (PyErr_NoMemory(), -1);
    for (; self->categories < count; self->categories++)
        if (read_category(self, PyList_GetItem(list, self->categories),
                          self->category + self->categories)) {
            self->categories++; /* its buffers are released with the others */
            return -1;
        }
    return 0;
}

static int read_fillers(Kernel *self, PyObject *list)
{
    Py_ssize_t count = PyList_Size(list);
    if (count < 0)
        return -1;
    if (count != self->features)
        return fail("fillers: wanted one per feature", count);
    if (!(self->filler = PyMem_Calloc(count, sizeof(Filler))))
        return PyErr_NoMemory(), -1;
    for (; self->fillers < count; self->fillers++) {
        Filler *to = self->filler + self->fillers;
        PyObject *codes;
        if (!PyArg_ParseTuple(PyList_GetItem(list, self->fillers), "Odddp", &codes, &to->stand_in,
                              &to->low, &to->high, &to->zero_as_missing))
            return -1;
        if (codes != Py_None && !PyDict_Check(codes))
            return fail("a filler: wanted a dict of codes, or None", self->fillers);
        to->codes = codes == Py_None ? NULL : Py_NewRef(codes);
    }
    return 0;
}

static PyObject *kernel_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    static char *names[] = {"features", "outputs",    "slots",   "roots", "targets",
                            "slot",     "threshold",  "yes",     "no",    "leaf",
                            "categories", "fillers",  "row",     "raw",   "counts", NULL};
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Kernel *self = (Kernel *)alloc(type, 0);
    Given given = {0};
    PyObject *categories, *fillers;
    if (!self)
        return NULL;
    int done = PyArg_ParseTupleAndKeywords(
                   args, named, "nnny*y*y*y*y*y*y*O!O!w*w*|y*:Kernel", names, &self->features,
                   &self->outputs, &self->slots, &given.roots, &given.targets, &given.slot,
                   &given.threshold, &given.yes, &given.no, &given.leaf, &PyList_Type, &categories,
                   &PyList_Type, &fillers, &self->row, &self->raw, &given.counts) &&
               (self->trees = given.roots.len / 8, !check_arrays(self, &given)) &&
               !lay_all_out(self, &given) && !read_categories(self, categories) &&
               !read_fillers(self, fillers);
    if (done && self->trees)
        self->block = block_new(self);
    for (int i = 0; i < 8; i++)
        PyBuffer_Release(&given.roots + i);
    if (!done)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void kernel_dealloc(Kernel *self)
{
    for (Py_ssize_t i = 0; i < self->categories; i++) {
        PyBuffer_Release(&self->category[i].known);
        PyBuffer_Release(&self->category[i].bits);
    }
    for (Py_ssize_t i = 0; i < self->fillers; i++)
        Py_XDECREF(self->filler[i].codes);
    PyBuffer_Release(&self->row);
    PyBuffer_Release(&self->raw);
    block_free(self->block);
    PyMem_Free(self->nodes);
    PyMem_Free(self->counts);
    PyMem_Free(self->roots);
    PyMem_Free(self->targets);
    PyMem_Free(self->sure);
    PyMem_Free(self->x);
    PyMem_Free(self->category);
    PyMem_Free(self->filler);
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"score", (PyCFunction)kernel_score, METH_O,
     "Fill the row from a tuple of values, score it, return (row as bytes, raw);\n"
     "None where a value has to be looked at more closely."},
    {"score_row", (PyCFunction)kernel_score_row, METH_NOARGS, "Score row into raw."},
    {"score_block", (PyCFunction)kernel_score_block, METH_VARARGS,
     "Score rows [N, features] into raw [N, outputs]; see engine.py for how."},
    {"score_columns", (PyCFunction)kernel_score_columns, METH_VARARGS,
     "Score columns [features, N] into raw [N, outputs]."},
    {NULL}};

static PyType_Slot slots[] = {{Py_tp_new, kernel_new},
                              {Py_tp_dealloc, kernel_dealloc},
                              {Py_tp_methods, methods},
                              {Py_tp_doc, "The trees of one model, and the row they score."},
                              {0, NULL}};

static PyType_Spec kernel_spec = {"server.engine.native._kernel.Kernel", sizeof(Kernel), 0,
                                  Py_TPFLAGS_DEFAULT, slots};

static int add_type(PyObject *module, PyType_Spec *spec, const char *name, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return !*type || PyModule_AddObjectRef(module, name, (PyObject *)*type) ? -1 : 0;
}

static int execute(PyObject *module)
{
    Types *types = PyModule_GetState(module);
    return add_type(module, &kernel_spec, "Kernel", &types->kernel) ||
                   add_type(module, &decoder_spec, "Decoder", &types->decoder) ||
                   add_type(module, &line_spec, "Line", &types->line) ||
                   add_type(module, &tensor_spec, "Tensor", &types->tensor) ||
                   add_type(module, &contributions_spec, "Contributions", &types->contributions) ||
                   PyModule_AddStringConstant(module, "SOURCE", SOURCE)
               ? -1
               : 0;
}

static int visit_types(PyObject *module, visitproc visit, void *arg)
{
    Types *types = PyModule_GetState(module);
    Py_VISIT(types->kernel);
    Py_VISIT(types->decoder);
    Py_VISIT(types->line);
    Py_VISIT(types->contributions);
    Py_VISIT(types->tensor);
    return 0;
}

static int clear_types(PyObject *module)
{
    Types *types = PyModule_GetState(module);
    Py_CLEAR(types->kernel);
    Py_CLEAR(types->decoder);
    Py_CLEAR(types->line);
    Py_CLEAR(types->contributions);
    Py_CLEAR(types->tensor);
    return 0;
}

static PyMethodDef functions[] = {
    {"write_answers", write_answers, METH_VARARGS,
     "Return a list of answers from what all have of a head (fields up to the request id, and up to the\n"
     "length, or None), the body up to the request id, the body up to the number, a list of request ids,\n"
     "tails, whether they are JSON, the number of each (float64), the place of its tail (int8),\n"
     "and the powers of five; None where a number is not plain."},
    {NULL}};

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_kernel", NULL, sizeof(Types), functions, module_slots, visit_types,
    clear_types};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&definition); }
