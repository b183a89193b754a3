/* The leaves that rows reach in one tree, WIDE rows side by side: included once for each width. */

#undef NAME
#undef JOIN
#undef JOINED
#undef EACH
#define JOINED(name, wide) name##_##wide
#define JOIN(name, wide) JOINED(name, wide)
#define NAME(name) JOIN(name, WIDE)
#define EACH _Pragma("GCC unroll 8") for (int v = 0; v < V; v++)
typedef int8_t NAME(Bytes) __attribute__((vector_size(WIDE), aligned(WIDE)));

static inline __attribute__((always_inline)) void
NAME(reach)(const Step *step, const Step *end, const int8_t *columns, int8_t *leaf, int V)
{
    NAME(Bytes) at[8]; /* in registers: V is known */
    EACH at[v] = (NAME(Bytes)){0};
    for (; step < end; step++) {
        const NAME(Bytes) *x = (const NAME(Bytes) *)(columns + step->column);
        NAME(Bytes) threshold = (NAME(Bytes)){0} + step->threshold;
        NAME(Bytes) from = (NAME(Bytes)){0} + step->from;
        NAME(Bytes) change = (NAME(Bytes)){0} + step->change;
        EACH at[v] ^= (x[v] > threshold) & (at[v] == from) & change;
    }
    EACH((NAME(Bytes) *)leaf)[v] = at[v];
}

/* Write leaf [ROWS] for the first `count` rows, and a few more. */
static void NAME(leaves)(const Step *step, const Step *end, const int8_t *columns, int8_t *leaf,
                         Py_ssize_t count)
{
    if (count <= WIDE)
        NAME(reach)(step, end, columns, leaf, 1);
    else if (count <= 2 * WIDE)
        NAME(reach)(step, end, columns, leaf, 2);
    else if (count <= 4 * WIDE)
        NAME(reach)(step, end, columns, leaf, 4);
#if ROWS > 4 * WIDE
    else
        NAME(reach)(step, end, columns, leaf, 8);
#endif
}
