/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The register tile:  C[i][j] (+)= sum_s A[step[s].a + i] * B[step[s].b + j]
 *
 * ROWS x WIDTH vectors of sums stay in registers for all steps.  Each sum is
 * one chain of multiply-adds in the order of the steps, begun at zero, so its
 * bits do not depend on the shape of the tile.  Both loops over the sums must be
 * unrolled completely: otherwise gcc keeps the sums in memory.
 */
/* A row of sums on its way into C; one that hangs over the edge of C goes by a buffer. */
FC_INLINE void FC_NAME(finish_row)(const int WIDTH, const FC_VEC *sum, FC_T *c, ptrdiff_t cols,
                                   int flags, const FC_T *bias)
{
    FC_T edge[FC_MAX_VECTORS * FC_LANES];
    const int whole = cols == WIDTH * FC_LANES;
    FC_T *const to = whole ? c : edge;
    if (!whole && (flags & FC_ADD))
        FC_NAME(copy)(edge, c, cols);
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        FC_VEC value = sum[v];
        if (flags & FC_ADD)
            value = FC_LOAD(to + v * FC_LANES) + value;
        if (flags & FC_BIAS_ROWS)
            value = value + *bias;
        if (flags & FC_BIAS_COLS)
            value = value + FC_LOAD(bias + v * FC_LANES);
        FC_LOAD(to + v * FC_LANES) = value;
    }
    if (!whole)
        FC_NAME(copy)(c, edge, cols);
}

FC_INLINE void FC_NAME(tile_body)(const int ROWS, const int WIDTH, const fc_step *step,
                                  ptrdiff_t steps, const FC_T *a, const FC_T *b, FC_T *c,
                                  ptrdiff_t ldc, ptrdiff_t cols, int flags, const FC_T *bias)
{
    FC_VEC sum[FC_MAX_ROWS][FC_MAX_VECTORS];
    FC_UNROLL
    for (int i = 0; i < ROWS; i++)
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++)
            sum[i][v] = (FC_VEC){0};

    /* C comes from the second-level cache or beyond, while the sums are made. */
    if (flags & FC_ADD)
        for (int i = 0; i < ROWS; i++)
            for (int v = 0; v < WIDTH; v++)
                __builtin_prefetch((const char *)(c + i * ldc) + v * FC_VBYTES, 1);

    for (const fc_step *end = step + steps; step < end; step++) {
        const FC_T *as = a + step->a, *bs = b + step->b;
        FC_VEC wide[FC_MAX_VECTORS];
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++)
            wide[v] = FC_LOAD(bs + v * FC_LANES);
        FC_UNROLL
        for (int i = 0; i < ROWS; i++)
            FC_UNROLL
            for (int v = 0; v < WIDTH; v++)
                sum[i][v] += as[i] * wide[v];
    }

    FC_UNROLL
    for (int i = 0; i < ROWS; i++)
        FC_NAME(finish_row)(WIDTH, sum[i], c + i * ldc, cols, flags,
                            flags & FC_BIAS_ROWS ? bias + i : bias);
}

#define FC_TILE(ROWS, WIDTH)                                                                   \
    static void FC_NAME(tile_##ROWS##x##WIDTH)(const fc_step *step, ptrdiff_t steps,           \
                                               const void *a, const void *b, void *c,          \
                                               ptrdiff_t ldc, ptrdiff_t cols, int flags,       \
                                               const void *bias)                               \
    {                                                                                          \
        FC_NAME(tile_body)(ROWS, WIDTH, step, steps, a, b, c, ldc, cols, flags, bias);         \
    }
FC_TILES_1(FC_TILE, 1)
FC_TILES_2(FC_TILE, 2)
FC_TILES_4(FC_TILE, 4)
#undef FC_TILE
