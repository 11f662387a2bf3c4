/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The register tile of a single output channel: its rows are neighbouring output rows,
 *
 *     C[r][j] (+)= sum over u with use[u].low <= r < use[u].high, sum over s
 *                      A[use[u].a[r] + step[s].a] * B[use[u].b + step[s].b + j]
 *
 * Output rows that read the same row of the source share it: its vectors are loaded once for
 * them.  The steps are the taps along the width, for each all channels.
 */
#define FC_STENCIL_USE(LOW, HIGH)                                                                \
    case LOW * 8 + HIGH:                                                                         \
        for (const fc_step *at = step; at < end; at++) {                                         \
            const FC_T *bs = b + use->b + at->b;                                                 \
            FC_VEC wide[FC_STENCIL_VECTORS];                                                     \
            FC_UNROLL                                                                            \
            for (int v = 0; v < WIDTH; v++)                                                      \
                wide[v] = FC_LOAD(bs + v * FC_LANES);                                            \
            FC_UNROLL                                                                            \
            for (int r = LOW; r < HIGH; r++)                                                     \
                FC_UNROLL                                                                        \
                for (int v = 0; v < WIDTH; v++)                                                  \
                    sum[r][v] += FC_TIMES(a[use->a[r] + at->a], wide[v]);                        \
        }                                                                                        \
        break;

FC_INLINE void FC_NAME(stencil_body)(const int WIDTH, const fc_row_use *use, ptrdiff_t uses,
                                     const fc_step *step, ptrdiff_t steps, const FC_T *a,
                                     const FC_T *b, FC_T *c, ptrdiff_t ldc, ptrdiff_t rows,
                                     ptrdiff_t cols, const fc_store *store)
{
    FC_NAME(sums) sum[FC_STENCIL_ROWS];
    const fc_step *const end = step + steps;
    FC_UNROLL
    for (int r = 0; r < FC_STENCIL_ROWS; r++)
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++)
            sum[r][v] = (FC_VEC){0};

    for (const fc_row_use *last = use + uses; use < last; use++)
        switch (use->low * 8 + use->high) {
            FC_STENCIL_USE(0, 1)
            FC_STENCIL_USE(0, 2)
            FC_STENCIL_USE(0, 3)
            FC_STENCIL_USE(0, 4)
            FC_STENCIL_USE(1, 2)
            FC_STENCIL_USE(1, 3)
            FC_STENCIL_USE(1, 4)
            FC_STENCIL_USE(2, 3)
            FC_STENCIL_USE(2, 4)
            FC_STENCIL_USE(3, 4)
        }

    if (rows == FC_STENCIL_ROWS)
        FC_NAME(store_tile)(FC_STENCIL_ROWS, WIDTH, sum, c, ldc, cols, store);
    else
        FC_NAME(store_edge)((const FC_NAME(sums) *)sum, rows, c, ldc, cols, store);
}
#undef FC_STENCIL_USE

static void FC_NAME(stencil)(const fc_row_use *use, ptrdiff_t uses, const fc_step *step,
                             ptrdiff_t steps, const void *a, const void *b, void *c, ptrdiff_t ldc,
                             ptrdiff_t rows, ptrdiff_t cols, const fc_store *store)
{
    const FC_T *from = b;
    FC_T *to = c, same[FC_STENCIL_ROWS] = {0}; /* the rows are of one channel */
    const ptrdiff_t wide = FC_STENCIL_VECTORS * FC_LANES;
    fc_store own = *store;
    if (store->flags & FC_BIAS_ROWS) {
        for (int r = 0; r < FC_STENCIL_ROWS; r++)
            same[r] = *(const FC_T *)store->bias;
        own.bias = same;
    }
    for (; cols >= wide; cols -= wide, from += wide, to += wide)
        FC_NAME(stencil_body)(FC_STENCIL_VECTORS, use, uses, step, steps, a, from, to, ldc,
                              rows, wide, &own);
    for (; cols > 0; cols -= FC_LANES, from += FC_LANES, to += FC_LANES)
        FC_NAME(stencil_body)(1, use, uses, step, steps, a, from, to, ldc, rows,
                              cols < FC_LANES ? cols : FC_LANES, &own);
}
