/* The walk over all trees for one row, of WIDE points at once: included once for each width. */

#undef NAME
#undef JOIN
#undef JOINED
#undef EACH
#undef FEWEST
#define JOINED(name, wide) name##_##wide
#define JOIN(name, wide) JOINED(name, wide)
#define NAME(name) JOIN(name, WIDE)
#define EACH _Pragma("GCC unroll 8") for (int v = 0; v < V; v++)
#define FEWEST ((STEP + WIDE - 1) / WIDE) /* vectors of a stride */
#define INLINE static inline __attribute__((always_inline))
typedef double NAME(Lanes) __attribute__((vector_size(8 * WIDE), aligned(8)));

INLINE void NAME(down)(const Contributions *self, const Group *g, const Inner *s, uint32_t count,
                       int V)
{
    const double *x = self->x, *table = g->table;
    double *P = self->P;
    Done *done = self->done;
    uint32_t *met = self->met;
    NAME(Lanes) *at = (NAME(Lanes) *)P;
    EACH at[v] = (NAME(Lanes)){0} + 1.0;
    for (uint32_t k = 0; k < count; k++, s++, at += V, met += 2) {
        int yes = x[s->slot] > s->threshold;
        uint32_t hot = s->child[yes], cold = s->child[!yes];
        /* Without a branch, which would be guessed wrong as often as not. */
        uint32_t is_met = self->met[s->again.above];
        uint32_t row = UNMET * 2 * WIDE * V + (s->again.further & is_met);
        double share = s->share[!yes];
        done[k] = (Done){row, (uint32_t)yes};
        met[0] = is_met & ((uint32_t)yes - 1);
        met[1] = is_met & -(uint32_t)yes;
        const NAME(Lanes) *ratio = (const NAME(Lanes) *)(table + row);
        NAME(Lanes) *to_hot = (NAME(Lanes) *)(P + hot), *to_cold = (NAME(Lanes) *)(P + cold);
        EACH {
            NAME(Lanes) all = at[v], lost = all * share * ratio[v];
            to_cold[v] = lost;
            to_hot[v] = all - lost;
        }
    }
}

INLINE void NAME(pairs)(const Contributions *self, const Group *g, const Pair *s, uint32_t count,
                        uint32_t first, int V)
{
    const double *x = self->x, *table = g->table;
    const uint32_t *met = self->met;
    const NAME(Lanes) *here = (const NAME(Lanes) *)self->P + (size_t)first * V;
    NAME(Lanes) *R = (NAME(Lanes) *)self->R + (size_t)first * V;
    double *phi = g->phi;
    for (uint32_t k = 0; k < count; k++, s++, here += V, R += V) {
        int yes = x[s->slot] > s->threshold;
        double value = s->value[yes], apart = (value - s->value[!yes]) * s->share[!yes];
        uint32_t row = UNMET * 2 * WIDE * V + (s->again.further & met[s->again.above]);
        const NAME(Lanes) *ratio = (const NAME(Lanes) *)(table + row);
        NAME(Lanes) *sum = (NAME(Lanes) *)(phi + s->sum);
        EACH {
            NAME(Lanes) D = apart * ratio[v];
            R[v] = value - D;
            sum[v] += here[v] * ratio[V + v] * D;
        }
    }
}

INLINE void NAME(up)(const Contributions *self, const Group *g, const Inner *s, uint32_t count,
                     int V)
{
    const double *table = g->table;
    const NAME(Lanes) *here = (const NAME(Lanes) *)self->P + (size_t)count * V;
    NAME(Lanes) *at = (NAME(Lanes) *)self->R + (size_t)count * V;
    const Done *d = self->done + count;
    double *phi = g->phi, *R = self->R;
    s += count;
    while (count-- > 0) {
        d--, s--, here -= V, at -= V;
        uint32_t yes = d->yes;
        double share = s->share[!yes];
        const NAME(Lanes) *ratio = (const NAME(Lanes) *)(table + d->row);
        const NAME(Lanes) *hot = (const NAME(Lanes) *)(R + s->child[yes]);
        const NAME(Lanes) *cold = (const NAME(Lanes) *)(R + s->child[!yes]);
        NAME(Lanes) *sum = (NAME(Lanes) *)(phi + s->sum);
        EACH {
            NAME(Lanes) from = hot[v], D = (from - cold[v]) * share * ratio[v];
            at[v] = from - D;
            sum[v] += here[v] * ratio[V + v] * D;
        }
    }
}

INLINE void NAME(trees)(const Contributions *self, const Group *g, int V)
{
    const Inner *inner = g->inner;
    const Pair *pair = g->pair;
    const double *leaf = g->leaf;
    for (Py_ssize_t t = 0; t < g->trees; t++) {
        Size size = g->size[t];
        NAME(Lanes) *lone = (NAME(Lanes) *)self->R + (size_t)self->most * V;
        NAME(down)(self, g, inner, size.inners, V);
        NAME(pairs)(self, g, pair, size.pairs, size.inners, V);
        for (uint32_t i = 0; i < size.leaves; i++, lone += V)
            EACH lone[v] = (NAME(Lanes)){0} + leaf[i];
        NAME(up)(self, g, inner, size.inners, V);
        inner += size.inners;
        pair += size.pairs;
        leaf += size.leaves;
    }
}

/* Add up what the kernel's laid-out row makes of all trees; out is [outputs, width + 1]. */
static void NAME(explain)(Contributions *self, double *out)
{
    const Kernel *kernel = self->kernel;
    memset(out, 0, (size_t)(kernel->outputs * (self->width + 1)) * sizeof *out);
    for (int i = 0; i < GROUPS; i++) {
        const Group *g = self->group + i;
        int V = g->stride / WIDE;
        if (!g->trees)
            continue;
        memset(g->phi, 0, (size_t)(g->sums * g->stride) * sizeof *g->phi);
        switch (V / FEWEST) {
#if WIDE > STEP
        case 0: trees_4(self, g, 1); break;
#endif
        case 1: NAME(trees)(self, g, FEWEST); break;
        case 2: NAME(trees)(self, g, 2 * FEWEST); break;
        case 3: NAME(trees)(self, g, 3 * FEWEST); break;
        default: NAME(trees)(self, g, V);
        }
        for (Py_ssize_t s = 0; s < g->sums; s++) {
            double sum = 0.0;
            for (int p = 0; p < g->points; p++)
                sum += g->phi[s * g->stride + p] * g->omega[p];
            out[g->place[s]] += sum;
        }
    }
    for (Py_ssize_t k = 0; k < kernel->outputs; k++)
        out[k * (self->width + 1) + self->width] = self->expected[k];
    for (Py_ssize_t k = 0; k < kernel->outputs * (self->width + 1); k++)
        out[k] /= self->divide_by;
}

