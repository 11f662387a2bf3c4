/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The register tile:  C[i][j] (+)= sum_s A[step[s].a + i] * B[step[s].b + j]
 *
 * ROWS x WIDTH vectors of sums stay in registers for all steps.  Each sum is
 * one chain of multiply-adds in the order of the steps, begun at zero, so its
 * bits do not depend on the shape of the tile.  Both loops over the sums must be
 * unrolled completely: otherwise gcc keeps the sums in memory.
 */
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

    /* A tile that hangs over the edge of C is finished in a buffer of its own. */
    FC_T edge[FC_MAX_ROWS][FC_MAX_VECTORS * FC_LANES];
    const int whole = cols == WIDTH * FC_LANES;
    FC_T *const to = whole ? c : &edge[0][0];
    const ptrdiff_t ld = whole ? ldc : FC_MAX_VECTORS * FC_LANES;
    if (!whole && (flags & FC_ADD))
        for (int i = 0; i < ROWS; i++)
            for (ptrdiff_t j = 0; j < cols; j++)
                edge[i][j] = c[i * ldc + j];
    FC_UNROLL
    for (int i = 0; i < ROWS; i++)
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++) {
            FC_VEC value = sum[i][v];
            if (flags & FC_ADD)
                value = FC_LOAD(to + i * ld + v * FC_LANES) + value;
            if (flags & FC_BIAS_ROWS)
                value = value + bias[i];
            if (flags & FC_BIAS_COLS)
                value = value + FC_LOAD(bias + v * FC_LANES);
            FC_LOAD(to + i * ld + v * FC_LANES) = value;
        }
    if (!whole)
        for (int i = 0; i < ROWS; i++)
            for (ptrdiff_t j = 0; j < cols; j++)
                c[i * ldc + j] = edge[i][j];
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
