/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Planes of kernels with one row of taps, in one or more planes of depth,
 *
 *     C[y][x] = sum over taps d and steps s of A[d][s] * B[depth(d) + row(y) + step[s] + x]
 *
 * (2 x in pairs), and how all planes load what they read.
 */
#if FC_REAL
#define FC_PLANE_VECTORS FC_STENCIL_VECTORS
#else
#define FC_PLANE_VECTORS 2
#endif

/* The lanes that a step reads, those of every second column, and of the step after it (NEXT). */
FC_INLINE FC_VEC FC_NAME(plane_vector)(const int MASKED, const int PAIRS, const int NEXT,
                                       const FC_T *from, uint32_t mask)
{
    if (!MASKED)
        return PAIRS ? FC_EVERY_SECOND(NEXT, FC_LOAD(from), FC_LOAD(from + FC_LANES))
                     : FC_LOAD(from);
    if (!PAIRS)
        return FC_LOAD_MASKED(from, mask);
    return FC_EVERY_SECOND(NEXT, FC_LOAD_MASKED(from, mask),
                           FC_LOAD_MASKED(from + FC_LANES, mask >> FC_LANES));
}

/* What lies `ahead` of a row of vectors. */
FC_INLINE void FC_NAME(plane_ahead)(const int VECTORS, const FC_T *row, ptrdiff_t ahead)
{
    if (ahead)
        FC_UNROLL
        for (int v = 0; v < VECTORS; v++)
            __builtin_prefetch(row + ahead + v * FC_LANES, 0, 2);
}

/* Vector v of some columns, which have masks: `vectors` is from step to step of these. */
FC_INLINE fc_columns FC_NAME(one_vector)(const fc_columns *columns, ptrdiff_t v)
{
    const ptrdiff_t left = columns->cols - v * FC_LANES;
    fc_columns one = *columns;
    one.at += v * FC_LANES;
    one.cols = left < FC_LANES ? left : FC_LANES;
    one.mask += v;
    return one;
}

/* Columns of one row, for kernels of one row of taps: no two rows of the output share a row. */
FC_INLINE void FC_NAME(plane_row)(const int WIDTH, const int MASKED, const int PAIRS,
                                  const fc_plane *plane, const fc_columns *columns, ptrdiff_t place,
                                  const FC_T *a, const FC_T *b, FC_T *c, const fc_store *store)
{
    FC_NAME(sums) sum;
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++)
        sum[v] = (FC_VEC){0};
    b += columns->at << PAIRS;
    for (ptrdiff_t d = 0; d < plane->depth.taps; d++, a += plane->a_row) {
        const ptrdiff_t depth = plane->depth.place[d * plane->depth.dilation];
        if (depth == FC_NOWHERE || place == FC_NOWHERE)
            continue;
        const FC_T *from = b + depth + place;
        FC_NAME(plane_ahead)(WIDTH << PAIRS, from, plane->b_ahead);
        for (ptrdiff_t s = 0; s < plane->steps; s++)
            FC_UNROLL
            for (int v = 0; v < WIDTH; v++)
                sum[v] += FC_TIMES(a[s], FC_NAME(plane_vector)(
                                             MASKED, PAIRS, 0,
                                             from + plane->step[s] + (v * FC_LANES << PAIRS),
                                             MASKED ? columns->mask[s * columns->vectors] : 0));
    }
    FC_NAME(store_rows)(1, WIDTH, &sum, c + columns->at, 0, columns->cols, store);
}

#define FC_PLANE_ROW(WIDTH, PAIRS)                                                               \
    case WIDTH * 2 + PAIRS:                                                                      \
        FC_NAME(plane_row)(WIDTH, 0, PAIRS, plane, at, place, a, b, to, store);                  \
        break;
static void FC_NAME(plane_rows)(const fc_plane *plane, const FC_T *a, const FC_T *b, FC_T *c,
                                const fc_store *store)
{
    for (ptrdiff_t y = 0; y < plane->row.outputs; y++) {
        const ptrdiff_t place = plane->row.place[y * plane->row.stride];
        FC_T *to = c + y * plane->c_row;
        for (const fc_columns *at = plane->columns; at < plane->columns_end; at++) {
            for (ptrdiff_t v = 0; at->mask && v < at->vectors; v++) {
                const fc_columns one = FC_NAME(one_vector)(at, v);
                if (plane->pairs)
                    FC_NAME(plane_row)(1, 1, 1, plane, &one, place, a, b, to, store);
                else
                    FC_NAME(plane_row)(1, 1, 0, plane, &one, place, a, b, to, store);
            }
            switch (at->mask ? 0 : at->vectors * 2 + plane->pairs) {
                FC_PLANE_ROW(1, 0)
                FC_PLANE_ROW(1, 1)
                FC_PLANE_ROW(2, 0)
                FC_PLANE_ROW(2, 1)
#if FC_PLANE_VECTORS == 4
                FC_PLANE_ROW(4, 0)
#endif
            }
        }
    }
}
#undef FC_PLANE_ROW
