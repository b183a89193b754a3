/* What each feature contributes to the raw score of a row: path-dependent SHAP values (Lundberg et
   al., Nature Machine Intelligence 2020), which add up to the score less its expectation.

   phi_j is a sum over leaves: v (o_j - z_j) times the integral over t in [0, 1] of the product, over
   the other features k of the leaf's path, of z_k + t (o_k - z_k). Here o is 1 where this row goes
   down the path and else 0, z the share of the training rows that do. With d features on the path
   the integrand is a polynomial of degree d - 1, so Gauss-Legendre with d / 2 points is exact
   (Quadrature TreeSHAP). The points of one split are computed side by side. Of its children the row
   goes to the hot one, not to the cold one; with c = z_cold (1 - t) it takes no division:

     down  P_cold = c P, P_hot = P - P_cold       P: the product of the path's factors, 1 at the root
     up    D = c (R_hot - R_cold), R = R_hot - D  R: what stands below; at a leaf its value
           phi_feature += sum over the points of w / (1 - t) P D

   A feature asked again, below a split that let the row through to a share `a` of the training rows:
   c = z_cold a (1 - t) / F and P D / F, F = a + t (1 - a). Below one that did not: c = z_cold, and
   nothing is added.

   Each operation is rounded on its own, and sums are taken in one order, so the bits are the same
   everywhere: convert/prove/quadrature.py does the same in numpy. All trees come from a Kernel, which
   has compared every index with its bound. */

#include "contributions.h"
#include "points.h"

#include <string.h>

#define STEP 4 /* of numbers of points */
#define GROUPS (MOST_POINTS / STEP)
#define LINE 8 /* doubles of a line of the cache */
#define MOST_DEPTH 1000
#define MOST_BYTES ((Py_ssize_t)1 << 30)

/* Numbers of places are multiplied by the stride: they are offsets of doubles.

   A split looks at the last one above on the same feature: whether the row went to the child that
   leads here, and so at all others above that one. `above`: where that stands in `met`. `further`:
   where its ratio and part stand in the table, from the row for splits below one that was not met,
   modulo 2**32. Before those of splits comes this one, and one for splits that ask first. */
typedef struct {
    uint32_t above, further;
} Again;
enum { FIRST, UNMET, ROWS };

/* A split with a split below it. `share`: of its training rows, those that go to no and to yes. */
typedef struct {
    double threshold, share[2];
    uint32_t slot, sum, child[2]; /* child: a place in P and R */
    Again again;
} Inner;

/* A split whose children are both leaves: done with on the way down. */
typedef struct {
    double threshold, share[2], value[2];
    uint32_t slot, sum;
    Again again;
} Pair;

/* What the way down tells the way up. */
typedef struct {
    uint32_t row, yes;
} Done;

typedef struct {
    uint32_t inners, pairs, leaves;
} Size;

/* The trees that take one number of points. `stride`: that number, beyond STEP filled up to whole
   vectors: what the table holds there is 0, and nothing is added up. */
typedef struct {
    int points, stride;
    Py_ssize_t trees, inners, pairs, leaves, rows, sums;
    Size *size;
    Inner *inner;
    Pair *pair;
    double *leaf;    /* those that are no pair's */
    double *table;   /* [rows, 2, stride]: ratio, a (1 - t) / F, and part, 1 / F */
    double *phi;     /* [sums, stride], a call's own */
    uint32_t *place; /* of each sum, in what is answered */
    double omega[MOST_POINTS];
} Group;

typedef struct Contributions {
    PyObject_HEAD
    Kernel *kernel;
    Py_ssize_t width, most, used, widest; /* widest: stride of the last group */
    double divide_by;
    void (*explain)(struct Contributions *self, double *out);
    Group group[GROUPS]; /* the i-th: of STEP (i + 1) points */
    double *expected;
    /* A call's own, as are the groups' phi; NULL in what Python holds. */
    Done *done;
    uint32_t *met; /* of inner splits, no and yes: all bits, or none where the row did not go there;
                      at 2 most, for splits that ask first: all */
    double *x, *P, *R; /* P, R: [2 most + 1, stride]: inner splits, pairs, from `most` on lone leaves */
    void *taken[1 + 6 * GROUPS];
} Contributions;

/* ---- One row ---- */

#define WIDE 2
#include "explain.h"

#ifdef __x86_64__
#pragma GCC push_options
#pragma GCC target("avx2")
#undef WIDE
#define WIDE 4
#include "explain.h"
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl")
#undef WIDE
#define WIDE 8
#include "explain.h"
#pragma GCC pop_options
#endif

/* So many doubles as fill whole lines of the cache. */
static Py_ssize_t lines(Py_ssize_t count) { return (count + LINE - 1) / LINE * LINE; }

/* The first whole line; a vector that crosses two takes longer. */
static void *aligned(void *taken)
{
    return (char *)taken + -(uintptr_t)taken % (LINE * sizeof(double));
}

/* Numbers that a call needs for itself, the splits' marks left out. */
static Py_ssize_t numbers_of(const Contributions *self)
{
    Py_ssize_t count = lines(self->kernel->slots) + 2 * lines((2 * self->most + 1) * self->widest);
    for (int i = 0; i < GROUPS; i++)
        count += lines(self->group[i].sums * self->group[i].stride);
    return count;
}

/* Make `own` a copy that writes to memory of its own, so that several threads may explain at once.
   Return that memory, or NULL. */
static void *apart(const Contributions *self, Contributions *own)
{
    const Kernel *kernel = self->kernel;
    Py_ssize_t count = numbers_of(self), room = lines((2 * self->most + 1) * self->widest);
    size_t marks = (self->most + 1) * (sizeof(Done) + 2 * sizeof(uint32_t));
    void *memory = PyMem_Malloc((count + LINE) * sizeof(double) + marks);
    if (!memory)
        return NULL;
    *own = *self;
    own->x = aligned(memory);
    memcpy(own->x, kernel->x, (size_t)kernel->slots * sizeof(double));
    own->P = own->x + lines(kernel->slots);
    own->R = own->P + room;
    double *phi = own->R + room;
    for (int i = 0; i < GROUPS; i++) {
        own->group[i].phi = phi;
        phi += lines(self->group[i].sums * self->group[i].stride);
    }
    own->done = (Done *)phi;
    own->met = (uint32_t *)(own->done + self->most);
    own->met[2 * self->most] = UINT32_MAX;
    return memory;
}

static PyObject *contributions_block(Contributions *self, PyObject *args)
{
    Py_buffer rows, out;
    if (!PyArg_ParseTuple(args, "y*w*:block", &rows, &out))
        return NULL;
    const Kernel *kernel = self->kernel;
    Py_ssize_t wide = kernel->features * 8, each = kernel->outputs * (self->width + 1) * 8;
    Py_ssize_t count = rows.len / wide;
    int fits = rows.len == count * wide && out.len == count * each &&
               ((uintptr_t)rows.buf | (uintptr_t)out.buf) % 8 == 0;
    Contributions own;
    void *memory = fits ? apart(self, &own) : NULL;
    if (memory) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t i = 0; i < count; i++) {
            kernel_spread(kernel, (const double *)((const char *)rows.buf + i * wide), own.x);
            self->explain(&own, (double *)((char *)out.buf + i * each));
        }
        Py_END_ALLOW_THREADS
        PyMem_Free(memory);
    }
    PyBuffer_Release(&rows);
    PyBuffer_Release(&out);
    if (memory)
        Py_RETURN_NONE;
    if (fits)
        return PyErr_NoMemory();
    PyErr_SetString(PyExc_ValueError,
                    "wanted rows [N, features] and [N, outputs, width + 1] of float64");
    return NULL;
}

/* ---- Making one ---- */

/* A node of the tree at hand, by its number in it: how its path looks. */
typedef struct {
    uint32_t parent, depth, features; /* features: different ones on the path, its own among them */
    uint32_t above, side; /* the last split that asked the same, and its child that leads here */
    uint32_t place;          /* in P and R */
    int asked;               /* whether there is such a split */
    double reached;          /* the share of the rows that its feature has let through above it */
} Path;

static int fail(const char *what, Py_ssize_t where)
{
    PyErr_Format(PyExc_ValueError, "%s, at %zd", what, where);
    return -1;
}

static void *take(Contributions *self, Py_ssize_t count, size_t size)
{
    int fits = count < MOST_BYTES / (Py_ssize_t)size;
    void *taken = fits ? PyMem_Calloc(count * size + LINE * sizeof(double), 1) : NULL;
    if (!taken)
        return PyErr_NoMemory();
    self->taken[self->used++] = taken;
    return aligned(taken);
}

static uint32_t nodes_of(const Kernel *kernel, Py_ssize_t tree)
{
    return (tree + 1 < kernel->trees ? kernel->roots[tree + 1] : kernel->end) - kernel->roots[tree];
}

static double count_of(const Kernel *kernel, Py_ssize_t tree, uint32_t node)
{
    return kernel->counts[kernel->roots[tree] + node];
}

static uint32_t child_of(const Kernel *kernel, Py_ssize_t tree, uint32_t node, int yes)
{
    return kernel->nodes[kernel->roots[tree] + node].next - kernel->roots[tree] + yes;
}

/* The counts of splits: those of their leaves. */
static int add_up(Kernel *kernel, Py_ssize_t tree)
{
    const Node *node = kernel->nodes + kernel->roots[tree];
    uint32_t *count = kernel->counts + kernel->roots[tree];
    for (uint32_t k = nodes_of(kernel, tree); k-- > 0;)
        if (node[k].slot) {
            uint32_t child = child_of(kernel, tree, k, 0);
            count[k] = count[child] + count[child + 1];
            if (count[k] > INT32_MAX)
                return fail("counts: wanted fewer than 2**31 rows", tree);
        } else if (count[k] < 1 || count[k] > INT32_MAX)
            return fail("a count: wanted a leaf of one row or more", tree);
    return 0;
}

/* Find the last split above `k` on the same feature. */
static void climb(const Kernel *kernel, Py_ssize_t tree, Path *path, uint32_t k)
{
    const Node *node = kernel->nodes + kernel->roots[tree];
    Py_ssize_t feature = kernel_feature(kernel, node[k].slot);
    Path *here = path + k;
    here->asked = 0;
    here->reached = 1.0;
    for (uint32_t below = k; below && !here->asked; below = path[below].parent) {
        uint32_t above = path[below].parent;
        if (kernel_feature(kernel, node[above].slot) != feature)
            continue;
        here->asked = 1;
        here->above = above;
        here->side = below != child_of(kernel, tree, above, 0);
        here->reached = path[above].reached * count_of(kernel, tree, below) /
                        count_of(kernel, tree, above);
    }
}

/* Follow all paths of a tree; return the most features on one, -1 with an exception. */
static int trace(const Kernel *kernel, Py_ssize_t tree, Path *path)
{
    const Node *node = kernel->nodes + kernel->roots[tree];
    uint32_t most = 0;
    path->depth = path->features = 0;
    for (uint32_t k = 0; k < nodes_of(kernel, tree); k++) {
        if (!node[k].slot)
            continue;
        if (path[k].depth >= MOST_DEPTH)
            return fail("a path: wanted at most 1000 splits", tree);
        climb(kernel, tree, path, k);
        path[k].features += !path[k].asked;
        most = path[k].features > most ? path[k].features : most;
        for (int yes = 0; yes < 2; yes++) {
            Path *child = path + child_of(kernel, tree, k, yes);
            *child = (Path){.parent = k, .depth = path[k].depth + 1, .features = path[k].features};
        }
    }
    return most <= 2 * MOST_POINTS ? (int)most : fail("a path: wanted at most 128 features", tree);
}

static int is_leaf(const Kernel *kernel, Py_ssize_t tree, uint32_t node)
{
    return !kernel->nodes[kernel->roots[tree] + node].slot;
}

static int is_pair(const Kernel *kernel, Py_ssize_t tree, uint32_t split)
{
    uint32_t child = child_of(kernel, tree, split, 0);
    return is_leaf(kernel, tree, child) && is_leaf(kernel, tree, child + 1);
}

/* Give each split, inner ones first, and each lone leaf its place; return how many there are. */
static Size places(const Contributions *self, Py_ssize_t tree, Path *path)
{
    const Kernel *kernel = self->kernel;
    Size size = {0};
    uint32_t count = nodes_of(kernel, tree);
    for (uint32_t k = 0; k < count; k++)
        if (!is_leaf(kernel, tree, k) && !is_pair(kernel, tree, k))
            path[k].place = size.inners++;
    for (uint32_t k = 0; k < count; k++)
        if (is_leaf(kernel, tree, k)) {
            if (!is_pair(kernel, tree, path[k].parent))
                path[k].place = (uint32_t)self->most + size.leaves++;
        } else if (is_pair(kernel, tree, k))
            path[k].place = size.inners + size.pairs++;
    return size;
}

/* First time through: sizes of all groups, and what is expected. */
static int measure(Contributions *self, Path *path, uint8_t *wide)
{
    Kernel *kernel = self->kernel;
    for (Py_ssize_t tree = 0; tree < kernel->trees; tree++) {
        int features = add_up(kernel, tree) ? -1 : trace(kernel, tree, path);
        if (features < 0)
            return -1;
        wide[tree] = (uint8_t)((features + 2 * STEP - 1) / (2 * STEP));
        Group *g = self->group + wide[tree] - 1;
        Size size = places(self, tree, path);
        g->trees++;
        g->inners += size.inners;
        g->pairs += size.pairs;
        g->leaves += size.leaves;
        double expected = 0.0;
        for (uint32_t k = 0; k < nodes_of(kernel, tree); k++)
            if (is_leaf(kernel, tree, k))
                expected += count_of(kernel, tree, k) / count_of(kernel, tree, 0) *
                            kernel->nodes[kernel->roots[tree] + k].threshold;
            else
                g->rows += path[k].asked;
        self->expected[kernel->targets[tree]] += expected;
    }
    return 0;
}

/* What a split asks first; of a feature asked again, with its row of the table. */
static Again again_of(const Contributions *self, Group *g, const Path *path, uint32_t k)
{
    uint32_t unmet = UNMET * 2 * (uint32_t)g->stride;
    if (!path[k].asked)
        return (Again){2 * (uint32_t)self->most, FIRST - unmet};
    uint32_t at = (uint32_t)(g->rows++ * 2 * g->stride);
    double a = path[k].reached, *row = g->table + at;
    for (int p = 0; p < g->points; p++) {
        double t = point(g->points, p), F = a + t * (1.0 - a);
        row[p] = a * (1.0 - t) / F;
        row[g->stride + p] = 1.0 / F;
    }
    return (Again){2 * path[path[k].above].place + path[k].side, at - unmet};
}

/* The sum of a column, numbered when first met. */
static uint32_t sum_of(Group *g, uint32_t place, uint32_t *numbers)
{
    if (!numbers[place]) {
        g->place[g->sums++] = place;
        numbers[place] = (uint32_t)g->sums;
    }
    return numbers[place] - 1;
}

static void place_tree(Contributions *self, Py_ssize_t tree, Group *g, Path *path,
                       const int64_t *columns, uint32_t *numbers)
{
    const Kernel *kernel = self->kernel;
    const Node *nodes = kernel->nodes + kernel->roots[tree];
    Size size = g->size[g->trees++] = places(self, tree, path);
    for (uint32_t k = 0; k < nodes_of(kernel, tree); k++) {
        const Node *node = nodes + k;
        if (!node->slot)
            continue;
        uint32_t no = child_of(kernel, tree, k, 0);
        Again again = again_of(self, g, path, k);
        double all = count_of(kernel, tree, k);
        double share[2] = {count_of(kernel, tree, no) / all, count_of(kernel, tree, no + 1) / all};
        uint32_t place = (uint32_t)(kernel->targets[tree] * (self->width + 1) +
                                    columns[kernel_feature(kernel, node->slot)]);
        uint32_t step = (uint32_t)g->stride, sum = sum_of(g, place, numbers) * step;
        if (is_pair(kernel, tree, k))
            g->pair[g->pairs + path[k].place - size.inners] =
                (Pair){node->threshold, {share[0], share[1]},
                       {nodes[no].threshold, nodes[no + 1].threshold}, node->slot, sum, again};
        else
            g->inner[g->inners + path[k].place] =
                (Inner){node->threshold, {share[0], share[1]}, node->slot, sum,
                        {path[no].place * step, path[no + 1].place * step}, again};
        for (uint32_t child = no; child < no + 2; child++)
            if (!nodes[child].slot && !is_pair(kernel, tree, k))
                g->leaf[g->leaves + path[child].place - self->most] = nodes[child].threshold;
    }
    g->inners += size.inners;
    g->pairs += size.pairs;
    g->leaves += size.leaves;
}

/* Room for a group as it was measured; its counts begin again. */
static int make_room(Contributions *self, Group *g)
{
    Py_ssize_t rows = g->rows + ROWS, sums = g->inners + g->pairs;
    int done = (g->size = take(self, g->trees, sizeof(Size))) &&
               (g->inner = take(self, g->inners, sizeof(Inner))) &&
               (g->pair = take(self, g->pairs, sizeof(Pair))) &&
               (g->leaf = take(self, g->leaves, sizeof(double))) &&
               (g->table = take(self, rows * 2 * g->stride, sizeof(double)));
    Py_ssize_t most = self->kernel->outputs * self->width;
    sums = sums < most ? sums : most;
    if (!done || !(g->place = take(self, sums, sizeof(uint32_t))))
        return -1;
    g->trees = g->inners = g->pairs = g->leaves = 0;
    g->rows = ROWS;
    for (int p = 0; p < g->points; p++) {
        double t = point(g->points, p);
        g->omega[p] = weight(g->points, p) / (1.0 - t);
        g->table[p] = 1.0 - t;
        g->table[g->stride + p] = g->table[2 * g->stride + p] = 1.0;
    }
    return 0;
}

static int build(Contributions *self, Path *path, uint8_t *wide, uint32_t *numbers,
                 const int64_t *columns)
{
    const Kernel *kernel = self->kernel;
    if (!(self->expected = take(self, kernel->outputs, sizeof(double))) ||
        measure(self, path, wide))
        return -1;
    for (int i = 0; i < GROUPS; i++) {
        Group *g = self->group + i;
        if (!g->trees)
            continue;
        self->widest = g->stride;
        if (make_room(self, g))
            return -1;
        memset(numbers, 0, (size_t)(kernel->outputs * (self->width + 1)) * sizeof *numbers);
        for (Py_ssize_t tree = 0; tree < kernel->trees; tree++)
            if (wide[tree] == i + 1) {
                trace(kernel, tree, path);
                place_tree(self, tree, g, path, columns, numbers);
            }
    }
    if (numbers_of(self) < MOST_BYTES / (Py_ssize_t)sizeof(double))
        return 0;
    PyErr_NoMemory();
    return -1;
}

static int check(const Contributions *self, const Py_buffer *columns)
{
    const Kernel *kernel = self->kernel;
    if (!kernel->counts)
        return fail("a kernel: wanted one with a count per leaf", 0);
    if (columns->len != kernel->features * 8 || (uintptr_t)columns->buf % 8)
        return fail("columns: wanted one per feature", columns->len);
    if (self->width < 1 || self->width > MOST_BYTES / 64 / kernel->outputs ||
        !(self->divide_by > 0.0))
        return fail("sizes: wanted them within bounds", self->width);
    for (Py_ssize_t i = 0; i < kernel->features; i++) {
        int64_t column = ((const int64_t *)columns->buf)[i];
        if (column < 0 || column >= self->width)
            return fail("a column: wanted one below the width", i);
    }
    return 0;
}

static int make(Contributions *self, const Py_buffer *columns)
{
    const Kernel *kernel = self->kernel;
    if (check(self, columns))
        return -1;
    uint32_t most = 1;
    for (Py_ssize_t tree = 0; tree < kernel->trees; tree++)
        most = nodes_of(kernel, tree) > most ? nodes_of(kernel, tree) : most;
    self->most = most / 2;
    Path *path = PyMem_Calloc(most, sizeof *path);
    uint8_t *wide = PyMem_Calloc(kernel->trees + 1, 1);
    uint32_t *numbers = PyMem_Calloc(kernel->outputs * (self->width + 1), sizeof *numbers);
    int done = path && wide && numbers;
    if (!done)
        PyErr_NoMemory();
    done = done && !build(self, path, wide, numbers, columns->buf);
    PyMem_Free(path);
    PyMem_Free(wide);
    PyMem_Free(numbers);
    return done ? 0 : -1;
}

/* Explain with vectors of at most so many doubles that the processor has. */
static void choose(Contributions *self, int lanes)
{
    int wide = 2;
    self->explain = explain_2;
#ifdef __x86_64__
    if (lanes >= 8 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        wide = 8;
        self->explain = explain_8;
    } else if (lanes >= 4 && __builtin_cpu_supports("avx2")) {
        wide = 4;
        self->explain = explain_4;
    }
#else
    (void)lanes;
#endif
    for (int i = 0; i < GROUPS; i++) {
        int points = STEP * (i + 1);
        self->group[i].points = points;
        self->group[i].stride = i ? (points + wide - 1) / wide * wide : points;
    }
}

static PyObject *contributions_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    static char *names[] = {"kernel", "width", "columns", "divide_by", "lanes", NULL};
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    const Types *types = PyType_GetModuleState(type);
    Contributions *self = types ? (Contributions *)alloc(type, 0) : NULL;
    Py_buffer columns = {0};
    PyObject *kernel;
    int lanes = 8;
    if (!self)
        return NULL;
    int done = PyArg_ParseTupleAndKeywords(args, named, "O!ny*d|i:Contributions", names,
                                           types->kernel, &kernel, &self->width, &columns,
                                           &self->divide_by, &lanes);
    if (done) {
        self->kernel = (Kernel *)Py_NewRef(kernel);
        choose(self, lanes);
        done = !make(self, &columns);
    }
    PyBuffer_Release(&columns);
    if (!done)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void contributions_dealloc(Contributions *self)
{
    while (self->used > 0)
        PyMem_Free(self->taken[--self->used]);
    Py_XDECREF((PyObject *)self->kernel);
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"block", (PyCFunction)contributions_block, METH_VARARGS,
     "Explain rows [N, features] into [N, outputs, width + 1]: a number per column, then what is\n"
     "expected."},
    {NULL}};

static PyType_Slot slots[] = {{Py_tp_new, contributions_new},
                              {Py_tp_dealloc, contributions_dealloc},
                              {Py_tp_methods, methods},
                              {Py_tp_doc, "What each column contributes to a kernel's raw scores."},
                              {0, NULL}};

PyType_Spec contributions_spec = {"server.engine.native._kernel.Contributions",
                                  sizeof(Contributions), 0, Py_TPFLAGS_DEFAULT, slots};
