/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The register tile:  C[i][j] (+)= sum over taps and their steps of A[.. + i] * B[.. + j]
 *
 * ROWS x WIDTH vectors of sums stay in registers for all taps.  Each sum is
 * one chain of multiply-adds in the order of taps and steps, begun at zero, so its
 * bits do not depend on the shape of the tile.  Both loops over the sums must be
 * unrolled completely: otherwise gcc keeps the sums in memory.
 */
/* Rows [LOW, HIGH) of a tile along one tap; with PREFETCH, bring into the cache what comes next.
 * Rows are A_ROW elements apart; if that is 0, a_row, and four rows share a pointer: the
 * addresses of the others fit into those of instructions. */
FC_INLINE void FC_NAME(tile_tap)(const int LOW, const int HIGH, const int A_ROW,
                                 const int WIDTH, const int PREFETCH, FC_NAME(sums) *sum,
                                 const FC_T *a, ptrdiff_t a_row, ptrdiff_t a_step, const FC_T *b,
                                 ptrdiff_t b_step, ptrdiff_t length, ptrdiff_t a_ahead)
{
    const FC_T *four[(FC_MAX_ROWS + 3) / 4];
    const ptrdiff_t place[4] = {0, a_row, 2 * a_row, 3 * a_row};
    for (; length > 0; length--, a += a_step, b += b_step) {
        FC_VEC wide[FC_MAX_VECTORS];
        FC_UNROLL
        for (int i = 0; A_ROW == 0 && i < HIGH; i += 4) {
            four[i / 4] = a + i * a_row;
            if (!PREFETCH)
                FC_ONE_POINTER(four[i / 4]);
        }
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++)
            wide[v] = FC_LOAD(b + v * FC_LANES);
        if (PREFETCH)
            __builtin_prefetch(a + a_ahead);
        FC_UNROLL
        for (int i = LOW; i < HIGH; i++)
            FC_UNROLL
            for (int v = 0; v < WIDTH; v++)
                sum[i][v] += FC_TIMES(A_ROW ? a[i * A_ROW] : four[i / 4][place[i % 4]], wide[v]);
    }
}

FC_INLINE void FC_NAME(prefetch)(fc_prefetch *prefetch)
{
    for (ptrdiff_t n = prefetch->burst; n > 0 && prefetch->rows > 0; n--) {
        __builtin_prefetch(prefetch->row + prefetch->line * FC_LINE_BYTES, 0, 2);
        if (++prefetch->line == prefetch->lines) {
            prefetch->line = 0;
            prefetch->row += prefetch->row_bytes;
            prefetch->rows--;
        }
    }
}

/* Rows are constants of their own loops, so that the sums stay where they are. */
#define FC_TAP_ROWS(LOW, HIGH)                                                                   \
    FC_NAME(tile_tap)(LOW, HIGH, A_ROW, WIDTH, 1, sum, a + tap->a, taps->a_row, taps->a_step,    \
                      b + tap->b, taps->b_step, taps->length, taps->a_ahead);
#define FC_TAP_TRIM(TRIM)                                                                        \
    case TRIM:                                                                                   \
        if (ROWS > TRIM) {                                                                       \
            FC_TAP_ROWS(TRIM, ROWS)                                                              \
        }                                                                                        \
        break;                                                                                   \
    case -TRIM:                                                                                  \
        if (ROWS > TRIM) {                                                                       \
            FC_TAP_ROWS(0, ROWS - TRIM)                                                          \
        }                                                                                        \
        break;

FC_INLINE void FC_NAME(tile_body)(const int ROWS, const int WIDTH, const int A_ROW,
                                  const int SHORT, const int LONG, const fc_taps *taps,
                                  const FC_T *a, const FC_T *b, FC_T *c, ptrdiff_t ldc,
                                  ptrdiff_t cols, const fc_store *store)
{
    FC_NAME(sums) sum[FC_MAX_ROWS];
    FC_UNROLL
    for (int i = 0; i < ROWS; i++)
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++)
            sum[i][v] = (FC_VEC){0};

    /* What is added comes from the second-level cache or beyond, while the sums are made. */
    if (store->flags & (FC_ADD | FC_RESIDUAL)) {
        const char *add = (const char *)c + (store->flags & FC_ADD ? 0 : store->residual_bytes);
        for (int i = 0; i < ROWS; i++)
            for (int v = 0; v < WIDTH; v++)
                __builtin_prefetch(add + i * ldc * sizeof(FC_T) + v * FC_VBYTES, 1);
    }

    const fc_tap *const end = taps->tap + taps->count;
    const fc_tap *tap = taps->tap;
    if (SHORT && taps->length == 1 && !taps->trims) { /* loops of few instructions */
        if (taps->prefetch)
            FC_NAME(prefetch)(taps->prefetch);
        for (; tap < end; tap++)
            FC_NAME(tile_tap)(0, ROWS, A_ROW, WIDTH, 0, sum, a + tap->a, taps->a_row, 0, b + tap->b,
                              0, 1, 0);
    }
    for (; LONG && tap < end; tap++) {
        if (taps->prefetch)
            FC_NAME(prefetch)(taps->prefetch);
        switch (tap->trim) {
        case 0: FC_TAP_ROWS(0, ROWS) break;
            FC_TAP_TRIM(1)
            FC_TAP_TRIM(2)
            FC_TAP_TRIM(3)
        }
    }
    FC_NAME(store_tile)(ROWS, WIDTH, sum, c, ldc, cols, store);
}
#undef FC_TAP_TRIM
#undef FC_TAP_ROWS

#define FC_TILE_HEAD(NAME, ROWS, WIDTH)                                                          \
    static void FC_NAME(NAME##_##ROWS##x##WIDTH)(const fc_taps *taps, const void *a,             \
                                                 const void *b, void *c, ptrdiff_t ldc,          \
                                                 ptrdiff_t cols, const fc_store *store)
#ifdef __clang__ /* which keeps the sums of small tiles in memory where both loops meet */
#define FC_TILE_OF(NAME, ROWS, WIDTH, A_ROW)                                                     \
    __attribute__((noinline)) FC_TILE_HEAD(NAME##_short, ROWS, WIDTH)                            \
    {                                                                                            \
        FC_NAME(tile_body)(ROWS, WIDTH, A_ROW, 1, 0, taps, a, b, c, ldc, cols, store);           \
    }                                                                                            \
    FC_TILE_HEAD(NAME, ROWS, WIDTH)                                                              \
    {                                                                                            \
        if (taps->length == 1 && !taps->trims)                                                   \
            FC_NAME(NAME##_short_##ROWS##x##WIDTH)(taps, a, b, c, ldc, cols, store);             \
        else                                                                                     \
            FC_NAME(tile_body)(ROWS, WIDTH, A_ROW, 0, 1, taps, a, b, c, ldc, cols, store);       \
    }
#else
#define FC_TILE_OF(NAME, ROWS, WIDTH, A_ROW)                                                     \
    FC_TILE_HEAD(NAME, ROWS, WIDTH)                                                              \
    {                                                                                            \
        FC_NAME(tile_body)(ROWS, WIDTH, A_ROW, 1, 1, taps, a, b, c, ldc, cols, store);           \
    }
#endif
#define FC_TILE(ROWS, WIDTH) FC_TILE_OF(tile, ROWS, WIDTH, 1)
#define FC_TILE_STRIDED(ROWS, WIDTH) FC_TILE_OF(tile_strided, ROWS, WIDTH, 0)
#if FC_TILED
FC_TILES_1(FC_TILE, 1)
FC_TILES_2(FC_TILE, 2)
FC_TILES_4(FC_TILE, 4)
FC_TILES_1(FC_TILE_STRIDED, 1)
FC_TILES_2(FC_TILE_STRIDED, 2)
#endif
#undef FC_TILE
#undef FC_TILE_STRIDED
#undef FC_TILE_OF
#undef FC_TILE_HEAD
