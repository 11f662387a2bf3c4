/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The register tile:  C[i][j] (+)= sum over runs and their steps of A[.. + i] * B[.. + j]
 *
 * ROWS x WIDTH vectors of sums stay in registers for all runs.  Each sum is
 * one chain of multiply-adds in the order of runs and steps, begun at zero, so its
 * bits do not depend on the shape of the tile.  Both loops over the sums must be
 * unrolled completely: otherwise gcc keeps the sums in memory.
 */
typedef FC_VEC FC_NAME(sums)[FC_MAX_VECTORS];

typedef FC_INT FC_NAME(whole) __attribute__((vector_size(FC_VBYTES), aligned(1), may_alias));

/* The integers that sums are, when all steps were exact: of a block of 8-bit numbers in float32
 * (below 2^24) and of one of up to 32 bits times 8, or 16 times 16, in float64 (below 2^51, where
 * the last digits of value + 2^52 + 2^51 are those of the integer). */
FC_INLINE FC_NAME(whole) FC_NAME(to_whole)(FC_VEC value)
{
#if FC_REAL == 8
    const FC_VEC magic = (FC_VEC){0} + (FC_T)0x1.8p52;
    return (FC_NAME(whole))(value + magic) - (FC_NAME(whole))magic;
#else
    return __builtin_convertvector(value, FC_NAME(whole));
#endif
}

FC_INLINE void FC_NAME(put)(const int ROWS, const int WIDTH, const int FLAGS,
                            const FC_NAME(sums) *sum, FC_T *c, ptrdiff_t ldc, const FC_T *bias)
{
    FC_UNROLL
    for (int i = 0; i < ROWS; i++)
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++) {
            FC_VEC value = sum[i][v];
            if (FLAGS & FC_WHOLE) {
                FC_NAME(whole) *to = (FC_NAME(whole) *)(c + i * ldc + v * FC_LANES);
                FC_NAME(whole) whole = FC_NAME(to_whole)(value);
                if (FLAGS & FC_ADD)
                    whole += *to;
                *to = whole;
                continue;
            }
            if (FLAGS & FC_ADD)
                value = FC_LOAD(c + i * ldc + v * FC_LANES) + value;
            if (FLAGS & FC_BIAS_ROWS)
                value = value + bias[i];
            if (FLAGS & FC_BIAS_COLS)
                value = value + FC_LOAD(bias + v * FC_LANES);
            FC_LOAD(c + i * ldc + v * FC_LANES) = value;
        }
}

/* A tile that hangs over the edge of C: row by row, through a buffer. */
static __attribute__((noinline)) void FC_NAME(put_edge)(const FC_NAME(sums) *sum, ptrdiff_t rows,
                                                        FC_T *c, ptrdiff_t ldc, ptrdiff_t cols,
                                                        int flags, const FC_T *bias)
{
    FC_T row[FC_MAX_VECTORS * FC_LANES] = {0};
    for (ptrdiff_t i = 0; i < rows; i++, c += ldc) {
        if (flags & FC_ADD)
            FC_NAME(copy)(row, c, cols);
        for (ptrdiff_t j = 0; j < cols; j += FC_LANES) {
            FC_VEC value = FC_LOAD((const FC_T *)sum[i] + j);
            if (flags & FC_WHOLE) {
                FC_NAME(whole) *to = (FC_NAME(whole) *)(row + j);
                FC_NAME(whole) whole = FC_NAME(to_whole)(value);
                if (flags & FC_ADD)
                    whole += *to;
                *to = whole;
                continue;
            }
            if (flags & FC_ADD)
                value = FC_LOAD(row + j) + value;
            if (flags & FC_BIAS_ROWS)
                value = value + bias[i];
            if (flags & FC_BIAS_COLS)
                value = value + FC_LOAD(bias + j);
            FC_LOAD(row + j) = value;
        }
        FC_NAME(copy)(c, row, cols);
    }
}

FC_INLINE void FC_NAME(put_tile)(const int ROWS, const int WIDTH, const FC_NAME(sums) *sum, FC_T *c,
                               ptrdiff_t ldc, ptrdiff_t cols, int flags, const FC_T *bias)
{
    if (cols != WIDTH * FC_LANES) {
        FC_NAME(sums) edge[FC_MAX_ROWS];
        FC_NAME(put)(ROWS, WIDTH, 0, sum, (FC_T *)edge, FC_MAX_VECTORS * FC_LANES, bias);
        FC_NAME(put_edge)(edge, ROWS, c, ldc, cols, flags, bias);
        return;
    }
    switch (flags) {
    case 0: FC_NAME(put)(ROWS, WIDTH, 0, sum, c, ldc, bias); break;
    case FC_ADD: FC_NAME(put)(ROWS, WIDTH, FC_ADD, sum, c, ldc, bias); break;
    case FC_BIAS_ROWS: FC_NAME(put)(ROWS, WIDTH, FC_BIAS_ROWS, sum, c, ldc, bias); break;
    case FC_BIAS_COLS: FC_NAME(put)(ROWS, WIDTH, FC_BIAS_COLS, sum, c, ldc, bias); break;
    case FC_ADD | FC_BIAS_ROWS:
        FC_NAME(put)(ROWS, WIDTH, FC_ADD | FC_BIAS_ROWS, sum, c, ldc, bias);
        break;
    case FC_ADD | FC_BIAS_COLS:
        FC_NAME(put)(ROWS, WIDTH, FC_ADD | FC_BIAS_COLS, sum, c, ldc, bias);
        break;
    case FC_WHOLE: FC_NAME(put)(ROWS, WIDTH, FC_WHOLE, sum, c, ldc, bias); break;
    case FC_ADD | FC_WHOLE: FC_NAME(put)(ROWS, WIDTH, FC_ADD | FC_WHOLE, sum, c, ldc, bias); break;
    }
}

/* Rows [LOW, HIGH) of a tile along one run; CALL: and what comes into the cache meanwhile.  Rows
 * are A_ROW numbers apart; if that is 0, a_row, and four rows share a pointer: the addresses of
 * the others fit into those of instructions. */
FC_INLINE void FC_NAME(tile_run)(const int LOW, const int HIGH, const int A_ROW,
                                 const int WIDTH, const int CALL, FC_NAME(sums) *sum,
                                 const FC_T *a, ptrdiff_t a_row, ptrdiff_t a_step, const FC_T *b,
                                 ptrdiff_t b_step, ptrdiff_t length, ptrdiff_t a_ahead,
                                 ptrdiff_t b_ahead)
{
    const FC_T *four[(FC_MAX_ROWS + 3) / 4];
    const ptrdiff_t place[4] = {0, a_row, 2 * a_row, 3 * a_row};
    for (; length > 0; length--, a += a_step, b += b_step) {
        FC_VEC wide[FC_MAX_VECTORS];
        FC_UNROLL
        for (int i = 0; A_ROW == 0 && i < HIGH; i += 4)
            four[i / 4] = a + i * a_row;
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++)
            wide[v] = FC_LOAD(b + v * FC_LANES);
        if (CALL) {
            FC_UNROLL
            for (int v = 0; v < WIDTH; v += FC_LINE_VECTORS)
                __builtin_prefetch(b + v * FC_LANES + b_ahead);
            __builtin_prefetch(a + a_ahead);
        }
        FC_UNROLL
        for (int i = LOW; i < HIGH; i++)
            FC_UNROLL
            for (int v = 0; v < WIDTH; v++)
                sum[i][v] += (A_ROW ? a[i * A_ROW] : four[i / 4][place[i % 4]]) * wide[v];
    }
}

FC_INLINE void FC_NAME(fetch)(fc_fetch *fetch)
{
    for (ptrdiff_t n = fetch->burst; n > 0 && fetch->rows > 0; n--) {
        __builtin_prefetch(fetch->row + fetch->line * FC_LINE_BYTES, 0, 2);
        if (++fetch->line == fetch->lines) {
            fetch->line = 0;
            fetch->row += fetch->row_bytes;
            fetch->rows--;
        }
    }
}

/* Rows are constants of their own loops, so that the sums stay where they are. */
#define FC_RUN_ROWS(LOW, HIGH)                                                                 \
    FC_NAME(tile_run)(LOW, HIGH, A_ROW, WIDTH, 1, sum, a + run->a, runs->a_row, runs->a_step,  \
                      b + run->b, runs->b_step, runs->length, runs->a_ahead, runs->b_ahead);
#define FC_RUN_CUT(CUT)                                                                        \
    case CUT:                                                                                  \
        if (ROWS > CUT) {                                                                      \
            FC_RUN_ROWS(CUT, ROWS)                                                             \
        }                                                                                      \
        break;                                                                                 \
    case -CUT:                                                                                 \
        if (ROWS > CUT) {                                                                      \
            FC_RUN_ROWS(0, ROWS - CUT)                                                         \
        }                                                                                      \
        break;

FC_INLINE void FC_NAME(tile_body)(const int ROWS, const int WIDTH, const int A_ROW,
                                  const fc_runs *runs, const FC_T *a, const FC_T *b, FC_T *c,
                                  ptrdiff_t ldc, ptrdiff_t cols, int flags, const FC_T *bias)
{
    FC_NAME(sums) sum[FC_MAX_ROWS];
    FC_UNROLL
    for (int i = 0; i < ROWS; i++)
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++)
            sum[i][v] = (FC_VEC){0};

    if (flags & FC_ADD) /* C comes from the second-level cache or beyond, while the sums are made */
        for (int i = 0; i < ROWS; i++)
            for (int v = 0; v < WIDTH; v++)
                __builtin_prefetch((const char *)(c + i * ldc) + v * FC_VBYTES, 1);

    const fc_run *const end = runs->run + runs->runs;
    const fc_run *run = runs->run;
    if (runs->length == 1 && !runs->cuts) { /* loops of few instructions */
        if (runs->fetch)
            FC_NAME(fetch)(runs->fetch);
        for (; run < end; run++)
            FC_NAME(tile_run)(0, ROWS, A_ROW, WIDTH, 0, sum, a + run->a, runs->a_row, 0, b + run->b,
                              0, 1, 0, 0);
    }
    for (; run < end; run++) {
        if (runs->fetch)
            FC_NAME(fetch)(runs->fetch);
        switch (run->cut) {
        case 0: FC_RUN_ROWS(0, ROWS) break;
            FC_RUN_CUT(1)
            FC_RUN_CUT(2)
            FC_RUN_CUT(3)
        }
    }
    FC_NAME(put_tile)(ROWS, WIDTH, (const FC_NAME(sums) *)sum, c, ldc, cols, flags, bias);
}
#undef FC_RUN_CUT
#undef FC_RUN_ROWS

#define FC_TILE_OF(NAME, ROWS, WIDTH, A_ROW)                                                   \
    static void FC_NAME(NAME##_##ROWS##x##WIDTH)(const fc_runs *runs, const void *a,           \
                                                 const void *b, void *c, ptrdiff_t ldc,        \
                                                 ptrdiff_t cols, int flags, const void *bias)  \
    {                                                                                          \
        FC_NAME(tile_body)(ROWS, WIDTH, A_ROW, runs, a, b, c, ldc, cols, flags, bias);         \
    }
#define FC_TILE(ROWS, WIDTH) FC_TILE_OF(tile, ROWS, WIDTH, 1)
#define FC_TILE_APART(ROWS, WIDTH) FC_TILE_OF(tile_apart, ROWS, WIDTH, 0)
#if FC_TILED
FC_TILES_1(FC_TILE, 1)
FC_TILES_2(FC_TILE, 2)
FC_TILES_4(FC_TILE, 4)
FC_TILES_1(FC_TILE_APART, 1)
FC_TILES_2(FC_TILE_APART, 2)
#endif
#undef FC_TILE
#undef FC_TILE_APART
#undef FC_TILE_OF
