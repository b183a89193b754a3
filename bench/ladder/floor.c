/* The floor of the ladder: the trees of a model, a row that is laid out already, the best loop over
   them that was found, and a clock around it. No row is filled, no answer made.

   The arrays are those of server/engine/native/kernel.c, whose head says what a slot of the row is. How
   many trees are best walked at once depends on processor and model, so there are some loops;
   those with 8, 24 and 32, a look after every step, trees sorted by depth and -O3 were no faster.
   The two steps stand beside each other: a loop in a loop took 1.3 to 1.5 times as long. */

#define _POSIX_C_SOURCE 199309L

#include <stdint.h>
#include <string.h>
#include <time.h>

#define MOST_LANES 20

typedef struct Node {
    double threshold; /* of a leaf: its value */
    uint32_t slot;    /* of a leaf: 0, where the row holds NaN */
    uint32_t next;    /* the child for no, yes stands behind it; of a leaf: itself */
} Node;

/* Behind `trees` roots stand MOST_LANES of node 0, a leaf of 0.0. `sure` are the steps of each
   tree that are taken before the first look at who has arrived. */
typedef struct Forest {
    const Node *nodes;
    const uint32_t *roots, *sure;
    double *x; /* the row: so many slots */
    int64_t trees, slots;
} Forest;

static inline __attribute__((always_inline)) void step(const Node *nodes, const double *x,
                                                       uint32_t *at, int lanes)
{
#pragma GCC unroll 20
    for (int lane = 0; lane < lanes; lane++) {
        const Node *node = nodes + at[lane];
        at[lane] = node->next + (x[node->slot] > node->threshold);
    }
}

static inline __attribute__((always_inline)) uint32_t under_way(const Node *nodes,
                                                                const uint32_t *at, int lanes)
{
    uint32_t slots = 0;
#pragma GCC unroll 20
    for (int lane = 0; lane < lanes; lane++)
        slots |= nodes[at[lane]].slot;
    return slots;
}

static inline __attribute__((always_inline)) double walk(const Forest *forest, int lanes)
{
    const Node *nodes = forest->nodes;
    const double *x = forest->x;
    double sum = 0.0;
    for (int64_t first = 0; first < forest->trees; first += lanes) {
        uint32_t at[MOST_LANES], sure = 0;
        memcpy(at, forest->roots + first, (size_t)lanes * sizeof *at);
        for (int lane = 0; lane < lanes; lane++)
            sure = forest->sure[first + lane] > sure ? forest->sure[first + lane] : sure;
        for (; sure > 0; sure--)
            step(nodes, x, at, lanes);
        while (under_way(nodes, at, lanes)) {
            step(nodes, x, at, lanes);
            step(nodes, x, at, lanes);
        }
#pragma GCC unroll 20
        for (int lane = 0; lane < lanes; lane++)
            sum += nodes[at[lane]].threshold;
    }
    return sum;
}

static double twelve(const Forest *forest) { return walk(forest, 12); }
static double sixteen(const Forest *forest) { return walk(forest, 16); }
static double twenty(const Forest *forest) { return walk(forest, 20); }

static double (*const loops[])(const Forest *) = {twelve, sixteen, twenty};

int64_t floor_loops(void) { return sizeof loops / sizeof *loops; }

/* Walk `count` rows one after the other: the nanoseconds of each, in which the clock is read once,
   and its sum. A row comes into the cache before its time begins. */
void floor_walk(const Forest *forest, int64_t loop, const double *rows, int64_t count,
                int64_t *taken, double *raw)
{
    for (int64_t row = 0; row < count; row++) {
        struct timespec before, after;
        memcpy(forest->x, rows + row * forest->slots, (size_t)forest->slots * sizeof *rows);
        clock_gettime(CLOCK_MONOTONIC, &before);
        raw[row] = loops[loop](forest);
        clock_gettime(CLOCK_MONOTONIC, &after);
        taken[row] = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
    }
}
