/* Blocks of rows: trees one after the other, ROWS rows at once, with the bits of row by row.

   A split asks x[slot] > t (see kernel.c). Here x is first ranked among all thresholds that the
   splits of its feature compare it with, r = the number of t < x, so that x > t is r > rank of t:
   exact, and a byte instead of a double. Up to 255 thresholds make a column of bytes; more make
   several columns, each of which ranks x among its own.

   In a tree every row is at a number, first 0. A split gives its own number to its child for no,
   a new one to that for yes. So a tree is a list of steps, parents first: rows at `from` whose byte
   is above the threshold go on to another number, and no row of any kind takes a branch. What a row
   is at in the end is its leaf, whose value is added tree after tree.

   A row at a time pays for the splits it meets; a block pays for all, for WIDE rows at the price of
   one (V-QuickScorer and RapidScorer do the same with bits of leaves). */

#include "block.h"

#include <stdlib.h>
#include <string.h>

#define ROWS 128 /* a column of them for each of some hundred slots is in the nearest cache */
#define TOGETHER 4 /* trees whose leaves are looked up before their values are added */
#define MOST_LEAVES 256
#define MOST_THRESHOLDS 32000
#define MOST_COLUMNS (1 << 18)
#define IN_COLUMN 255
#define NONE UINT32_MAX

typedef struct {
    uint32_t column; /* ROWS times its number */
    int8_t threshold, from, change; /* from ^ change: where it leads */
} Step;

typedef struct {
    uint32_t step, leaf; /* the first of each */
} Tree;

/* What splits compare with thresholds of one kind: a feature, its being missing, or a set. */
typedef struct {
    uint32_t first, count; /* thresholds: distinct, ascending */
    uint32_t no, yes; /* the first column where NaN is below all, where it is above; or NONE */
} Asked;

typedef struct Block {
    Step *step; /* those of all trees, and one end behind them */
    Tree *tree; /* [trees + 1] */
    double *leaf, *threshold;
    Asked *asked; /* features, then whether each is missing, then sets */
    uint32_t columns;
} Block;

typedef void Leaves(const Step *step, const Step *end, const int8_t *columns, int8_t *leaf,
                    Py_ssize_t count);

#define WIDE 16
#include "leaves.h"

#ifdef __x86_64__
#pragma GCC push_options
#pragma GCC target("avx2")
#undef WIDE
#define WIDE 32
#include "leaves.h"
#pragma GCC pop_options
#endif

static Leaves *widest(int portable)
{
#ifdef __x86_64__
    if (!portable && __builtin_cpu_supports("avx2"))
        return leaves_32;
#endif
    (void)portable;
    return leaves_16;
}

/* ---- Ranks ---- */

/* Rows are ranked SIDE at once; those behind the last are ranked too and then left alone. */
#define SIDE 8
#define EACH_ROW _Pragma("GCC unroll 8") for (int i = 0; i < SIDE; i++)

/* What the splits of one feature compare, of some rows. */
typedef struct {
    double x[ROWS];
    int16_t rank[ROWS];
    Py_ssize_t rows; /* a multiple of SIDE */
    int8_t *columns;
} Asking;

typedef int16_t Ranks __attribute__((vector_size(2 * SIDE), aligned(2), may_alias));
typedef int8_t Eight __attribute__((vector_size(SIDE), aligned(1), may_alias));

/* Write bytes of ranks into the columns from `first` on. */
static void write_ranks(const Asking *asking, const Asked *asked, uint32_t first)
{
    for (int below = 0; below < (int)asked->count; below += IN_COLUMN, first++) {
        int8_t *to = asking->columns + (size_t)first * ROWS;
        for (Py_ssize_t r = 0; r < asking->rows; r += SIDE) {
            Ranks here = *(const Ranks *)(asking->rank + r) - (int16_t)below;
            here &= here > 0;
            here = (here & (here < IN_COLUMN)) | (IN_COLUMN & (here >= IN_COLUMN));
            *(Eight *)(to + r) = __builtin_convertvector(here - 128, Eight);
        }
    }
}

/* Rank by halving, without a branch. No threshold is below NaN. */
static void rank_numbers(Asking *asking, const double *threshold, size_t count)
{
    for (Py_ssize_t r = 0; r < asking->rows; r += SIDE) {
        const double *x = asking->x + r, *at[SIDE];
        EACH_ROW at[i] = threshold;
        for (size_t left = count, half; left > 1; left -= half) {
            half = left / 2;
            EACH_ROW {
                const double *next = at[i] + half;
                at[i] = next[-1] < x[i] ? next : at[i];
            }
        }
        EACH_ROW asking->rank[r + i] = (int16_t)(at[i] - threshold + (*at[i] < x[i]));
    }
}

static uint32_t rank_of(const Block *block, const Asked *asked, double x)
{
    const double *threshold = block->threshold + asked->first;
    uint32_t at = 0;
    for (uint32_t left = asked->count; left > 0;) {
        uint32_t half = left / 2;
        int below = threshold[at + half] < x;
        at += below ? half + 1 : 0;
        left = below ? left - half - 1 : half;
    }
    return at;
}

static void rank_feature(const Block *block, const Asked *asked, const Asked *missing,
                         Asking *asking)
{
    const double *x = asking->x;
    if (asked->count)
        rank_numbers(asking, block->threshold + asked->first, asked->count);
    if (asked->no != NONE)
        write_ranks(asking, asked, asked->no);
    if (asked->yes != NONE) {
        int16_t most = (int16_t)rank_of(block, asked, INFINITY);
        for (Py_ssize_t r = 0; r < asking->rows; r++)
            asking->rank[r] += most & -(x[r] != x[r]); /* to 0 */
        write_ranks(asking, asked, asked->yes);
    }
    if (missing->no != NONE) {
        int low = (int)rank_of(block, missing, 0.0), high = (int)rank_of(block, missing, 1.0);
        for (Py_ssize_t r = 0; r < asking->rows; r++)
            asking->rank[r] = (int16_t)(low + ((high - low) & -(x[r] != x[r])));
        write_ranks(asking, missing, missing->no);
    }
}

static void rank_sets(const Block *block, const Asked *asked, const Category *category,
                      Asking *asking)
{
    const uint64_t *row[ROWS];
    for (Py_ssize_t r = 0; r < asking->rows; r++)
        row[r] = (const uint64_t *)category->bits.buf +
                 kernel_row_of(category, asking->x[r]) * category->words;
    for (Py_ssize_t s = 0; s < category->count; s++) {
        if (asked[s].no == NONE)
            continue;
        int low = (int)rank_of(block, asked + s, 0.0), high = (int)rank_of(block, asked + s, 1.0);
        for (Py_ssize_t r = 0; r < asking->rows; r++)
            asking->rank[r] = (int16_t)(low + ((high - low) & -(int)(row[r][s >> 6] >> (s & 63) & 1)));
        write_ranks(asking, asked + s, asked[s].no);
    }
}

/* Read a feature of some rows. */
static void read_numbers(const Rows *rows, Py_ssize_t feature, Py_ssize_t count, Asking *asking)
{
    const double *x = rows->x + feature * rows->feature_step;
    for (Py_ssize_t r = 0; r < count; r++)
        asking->x[r] = x[r * rows->row_step];
}

static void rank_all(const Kernel *kernel, const Rows *rows, Py_ssize_t count, int8_t *columns)
{
    const Block *block = kernel->block;
    Asking asking;
    asking.rows = (count + SIDE - 1) / SIDE * SIDE;
    asking.columns = columns;
    memset(asking.x + count, 0, (size_t)(asking.rows - count) * sizeof *asking.x);
    for (Py_ssize_t i = 0; i < kernel->features; i++) {
        const Asked *asked = block->asked + i, *missing = asked + kernel->features;
        if (!asked->count && !missing->count)
            continue;
        read_numbers(rows, i, count, &asking);
        rank_feature(block, asked, missing, &asking);
    }
    for (Py_ssize_t c = 0; c < kernel->categories; c++) {
        const Category *category = kernel->category + c;
        read_numbers(rows, category->feature, count, &asking);
        rank_sets(block, block->asked + category->first - 1 - kernel->features, category, &asking);
    }
}

/* ---- Scoring ---- */

static void add(const Kernel *kernel, const Block *block, Py_ssize_t tree, Py_ssize_t some,
                uint8_t leaf[][ROWS], Py_ssize_t count, double *raw)
{
    const double *value[TOGETHER];
    for (Py_ssize_t t = 0; t < some; t++)
        value[t] = block->leaf + block->tree[tree + t].leaf;
    if (kernel->outputs == 1 && some == TOGETHER) {
        for (Py_ssize_t r = 0; r < count; r++) {
            double sum = raw[r];
#pragma GCC unroll 8
            for (int t = 0; t < TOGETHER; t++)
                sum += value[t][leaf[t][r]];
            raw[r] = sum;
        }
        return;
    }
    for (Py_ssize_t t = 0; t < some; t++)
        for (Py_ssize_t r = 0; r < count; r++)
            raw[r * kernel->outputs + kernel->targets[tree + t]] += value[t][leaf[t][r]];
}

static void score(const Kernel *kernel, const Rows *rows, Py_ssize_t count, double *raw,
                  Leaves *leaves, int8_t *columns)
{
    const Block *block = kernel->block;
    uint8_t leaf[TOGETHER][ROWS] __attribute__((aligned(64)));
    rank_all(kernel, rows, count, columns);
    memset(raw, 0, (size_t)(count * kernel->outputs) * sizeof *raw);
    for (Py_ssize_t tree = 0; tree < kernel->trees; tree += TOGETHER) {
        Py_ssize_t some = kernel->trees - tree < TOGETHER ? kernel->trees - tree : TOGETHER;
        for (Py_ssize_t t = 0; t < some; t++) {
            const Tree *here = block->tree + tree + t;
            leaves(block->step + here[0].step, block->step + here[1].step, columns,
                   (int8_t *)leaf[t], count);
        }
        add(kernel, block, tree, some, leaf, count, raw);
    }
}

int block_score(const Kernel *kernel, Rows rows, Py_ssize_t count, double *raw, int portable)
{
    void *taken = calloc((size_t)kernel->block->columns + 1, ROWS);
    if (!taken)
        return -1;
    int8_t *columns = (int8_t *)(((uintptr_t)taken + 63) & ~(uintptr_t)63);
    for (; count > 0; count -= ROWS, raw += ROWS * kernel->outputs) {
        score(kernel, &rows, count < ROWS ? count : ROWS, raw, widest(portable), columns);
        rows.x += ROWS * rows.row_step;
    }
    free(taken);
    return 0;
}

/* ---- Making one from a kernel whose indices were compared with their bounds ---- */

typedef struct {
    double threshold;
    uint32_t asked;
} Question;

static Py_ssize_t asked_of(const Kernel *kernel, uint32_t slot)
{
    Py_ssize_t features = kernel->features;
    return slot <= features ? slot - 1 : slot - 1 - features;
}

static int by_threshold(const void *a, const void *b)
{
    const Question *one = a, *other = b;
    if (one->asked != other->asked)
        return one->asked < other->asked ? -1 : 1;
    return (one->threshold > other->threshold) - (one->threshold < other->threshold);
}

/* Gather the distinct thresholds of each feature and set; return 0 where there are too many. */
static int gather(Block *block, Question *question, Py_ssize_t splits)
{
    uint32_t end = 0;
    qsort(question, (size_t)splits, sizeof *question, by_threshold);
    for (Py_ssize_t i = 0; i < splits; i++) {
        Asked *asked = block->asked + question[i].asked;
        if (i && !by_threshold(question + i - 1, question + i))
            continue;
        if (!asked->count)
            asked->first = end;
        asked->count++;
        block->threshold[end++] = question[i].threshold;
        if (asked->count > MOST_THRESHOLDS)
            return 0;
    }
    return 1;
}

static void make_step(const Kernel *kernel, Block *block, const Node *node, Step *step)
{
    Asked *asked = block->asked + asked_of(kernel, node->slot);
    int yes = node->slot > kernel->features && node->slot <= 2 * kernel->features;
    uint32_t *column = yes ? &asked->yes : &asked->no;
    uint32_t rank = rank_of(block, asked, node->threshold);
    if (*column == NONE) {
        *column = block->columns;
        block->columns += (asked->count - 1) / IN_COLUMN + 1;
    }
    step->column = (*column + rank / IN_COLUMN) * ROWS;
    step->threshold = (int8_t)((int)(rank % IN_COLUMN) - 128);
}

/* Make the steps of one tree; return 0 where it has too many leaves. */
static int make_tree(const Kernel *kernel, Block *block, Py_ssize_t tree, uint8_t *number)
{
    uint32_t first = kernel->roots[tree];
    uint32_t end = tree + 1 < kernel->trees ? kernel->roots[tree + 1] : kernel->end;
    Tree *here = block->tree + tree;
    int last = 0;
    here[1] = here[0];
    number[0] = 0;
    if ((end - first + 1) / 2 > MOST_LEAVES)
        return 0;
    for (uint32_t at = first; at < end; at++) {
        const Node *node = kernel->nodes + at;
        uint8_t from = number[at - first];
        if (!node->slot) {
            block->leaf[here->leaf + from] = node->threshold;
            here[1].leaf++;
            continue;
        }
        Step *step = block->step + here[1].step++;
        make_step(kernel, block, node, step);
        number[node->next - first] = from;
        number[node->next + 1 - first] = (uint8_t)++last;
        step->from = (int8_t)from;
        step->change = (int8_t)(from ^ last);
    }
    return 1;
}

/* Whether each set that is asked for is some category's. */
static int are_filled(const Kernel *kernel, const Block *block, uint8_t *filled)
{
    Py_ssize_t before = 1 + 3 * kernel->features, sets = kernel->slots - before;
    for (Py_ssize_t c = 0; c < kernel->categories; c++)
        memset(filled + kernel->category[c].first - before, 1, (size_t)kernel->category[c].count);
    for (Py_ssize_t s = 0; s < sets; s++)
        if (block->asked[2 * kernel->features + s].count && !filled[s])
            return 0;
    return 1;
}

static int make(const Kernel *kernel, Block *block)
{
    Py_ssize_t nodes = kernel->end, kinds = kernel->slots - 1 - kernel->features, splits = 0;
    if (kinds > MOST_COLUMNS)
        return 0;
    Question *question = PyMem_Calloc((size_t)nodes, sizeof *question);
    uint8_t *filled = PyMem_Calloc((size_t)kinds, 1);
    uint8_t number[2 * MOST_LEAVES];
    block->step = PyMem_Calloc((size_t)nodes, sizeof *block->step);
    block->tree = PyMem_Calloc((size_t)kernel->trees + 1, sizeof *block->tree);
    block->leaf = PyMem_Calloc((size_t)nodes, sizeof *block->leaf);
    block->threshold = PyMem_Calloc((size_t)nodes, sizeof *block->threshold);
    block->asked = PyMem_Calloc((size_t)kinds, sizeof *block->asked);
    int done = question && filled && block->step && block->tree && block->leaf && block->threshold &&
               block->asked;
    for (Py_ssize_t i = 1; done && i < nodes; i++)
        if (kernel->nodes[i].slot)
            question[splits++] = (Question){kernel->nodes[i].threshold,
                                            (uint32_t)asked_of(kernel, kernel->nodes[i].slot)};
    for (Py_ssize_t i = 0; done && i < kinds; i++)
        block->asked[i].no = block->asked[i].yes = NONE;
    done = done && gather(block, question, splits) && are_filled(kernel, block, filled);
    for (Py_ssize_t tree = 0; done && tree < kernel->trees; tree++)
        done = make_tree(kernel, block, tree, number) && block->columns <= MOST_COLUMNS;
    PyMem_Free(question);
    PyMem_Free(filled);
    return done;
}

Block *block_new(const Kernel *kernel)
{
    Block *block = PyMem_Calloc(1, sizeof *block);
    if (block && make(kernel, block))
        return block;
    block_free(block);
    return NULL;
}

void block_free(Block *block)
{
    if (!block)
        return;
    PyMem_Free(block->step);
    PyMem_Free(block->tree);
    PyMem_Free(block->leaf);
    PyMem_Free(block->threshold);
    PyMem_Free(block->asked);
    PyMem_Free(block);
}
