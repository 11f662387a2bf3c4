/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Dot products of rows and windows, both of which lie along k, so that nothing has to be packed:
 *
 *     sums[i][j] (+)= sum over k of a[i][k] * x[j][k]
 *
 * Lane l of a vector sums k = l, l + lanes, ...; then the lanes are added in a tree, halves first.
 * So the order, and with it the bits, does not depend on how many rows and windows there are.
 */
enum { FC_NAME(DOT_ROWS) = 4, FC_NAME(DOT_WINDOWS) = FC_VBYTES == 64 ? 4 : 2 };

#define FC_DOT_HALF(BYTES)                                                                       \
    typedef FC_T FC_NAME(half_##BYTES) __attribute__((vector_size(BYTES)));
FC_DOT_HALF(16)
#if FC_VBYTES >= 32
FC_DOT_HALF(32)
#endif
#if FC_VBYTES >= 64
FC_DOT_HALF(64)
#endif
#undef FC_DOT_HALF

/* The lanes of a vector added up. */
FC_INLINE FC_T FC_NAME(lanes_total)(FC_VEC sums)
{
    FC_NAME(half_16) last, halves[2];
#if FC_VBYTES >= 64
    FC_NAME(half_32) of_64[2];
    memcpy(of_64, &sums, 64);
    of_64[0] += of_64[1];
    memcpy(halves, &of_64[0], 32);
    last = halves[0] + halves[1];
#elif FC_VBYTES >= 32
    memcpy(halves, &sums, 32);
    last = halves[0] + halves[1];
#else
    memcpy(&last, &sums, 16);
    (void)halves;
#endif
    return sizeof(FC_T) == 8 ? last[0] + last[1]
                             : (last[0] + last[2 % (16 / sizeof(FC_T))]) +
                                   (last[1] + last[3 % (16 / sizeof(FC_T))]);
}

FC_INLINE void FC_NAME(dot_tile)(const int ROWS, const int WINDOWS, FC_T *sums, ptrdiff_t row_step,
                                 ptrdiff_t window_step, const FC_T *a, ptrdiff_t a_row,
                                 const FC_T *x, ptrdiff_t x_row, ptrdiff_t count, int flags)
{
    FC_VEC sum[FC_NAME(DOT_ROWS)][FC_NAME(DOT_WINDOWS)];
    const ptrdiff_t whole = count - count % FC_LANES;
    const uint32_t rest = ((uint32_t)1 << (count - whole)) - 1;
    FC_UNROLL
    for (int i = 0; i < ROWS; i++)
        FC_UNROLL
        for (int j = 0; j < WINDOWS; j++)
            sum[i][j] = (FC_VEC){0};
#define FC_DOT_STEP(LOADED)                                                                      \
    {                                                                                            \
        FC_VEC wide[FC_NAME(DOT_WINDOWS)];                                                       \
        FC_UNROLL                                                                                \
        for (int j = 0; j < WINDOWS; j++)                                                        \
            wide[j] = FC_LOAD(x + j * x_row + k);                                                \
        FC_UNROLL                                                                                \
        for (int i = 0; i < ROWS; i++) {                                                         \
            const FC_VEC row = LOADED;                                                           \
            FC_UNROLL                                                                            \
            for (int j = 0; j < WINDOWS; j++)                                                    \
                sum[i][j] += FC_VECTOR_TIMES(row, wide[j]);                                      \
        }                                                                                        \
    }
    ptrdiff_t k = 0;
    for (; k < whole; k += FC_LANES)
        FC_DOT_STEP(FC_LOAD(a + i * a_row + k))
    if (rest)
        FC_DOT_STEP(FC_LOAD_MASKED(a + i * a_row + k, rest))
#undef FC_DOT_STEP
    FC_UNROLL
    for (int i = 0; i < ROWS; i++)
        FC_UNROLL
        for (int j = 0; j < WINDOWS; j++) {
            FC_T total = FC_NAME(lanes_total)(sum[i][j]);
            FC_T *to = sums + i * row_step + j * window_step;
#if FC_REAL
            if (flags & FC_INTEGER) {
                FC_INT whole_total = (FC_INT)total, old;
                memcpy(&old, to, sizeof old);
                whole_total += flags & FC_ADD ? old : 0;
                memcpy(to, &whole_total, sizeof whole_total);
                continue;
            }
#endif
            *to = flags & FC_ADD ? *to + total : total;
        }
}

/* Each a function of its own, whose addresses stay in registers. */
#define FC_DOT(ROWS, WINDOWS)                                                                    \
    static __attribute__((noinline)) void FC_NAME(dot_##ROWS##x##WINDOWS)(                       \
        FC_T *sums, ptrdiff_t row_step, ptrdiff_t window_step, const FC_T *a, ptrdiff_t a_row,   \
        const FC_T *x, ptrdiff_t x_row, ptrdiff_t count, int flags)                              \
    {                                                                                            \
        FC_NAME(dot_tile)(ROWS, WINDOWS, sums, row_step, window_step, a, a_row, x, x_row, count, \
                          flags);                                                                \
    }
#define FC_DOT_ENTRY(ROWS, WINDOWS) FC_NAME(dot_##ROWS##x##WINDOWS),
#if FC_VBYTES == 64
#define FC_DOTS(M, ROWS) M(ROWS, 1) M(ROWS, 2) M(ROWS, 3) M(ROWS, 4)
#else
#define FC_DOTS(M, ROWS) M(ROWS, 1) M(ROWS, 2)
#endif
FC_DOTS(FC_DOT, 1)
FC_DOTS(FC_DOT, 2)
FC_DOTS(FC_DOT, 3)
FC_DOTS(FC_DOT, 4)

static void FC_NAME(dot)(void *sums, ptrdiff_t row_step, ptrdiff_t window_step, const void *a,
                         ptrdiff_t a_row, ptrdiff_t rows, const void *x, ptrdiff_t x_row,
                         ptrdiff_t windows, ptrdiff_t count, int flags)
{
    typedef void tile(FC_T *, ptrdiff_t, ptrdiff_t, const FC_T *, ptrdiff_t, const FC_T *,
                      ptrdiff_t, ptrdiff_t, int);
    static tile *const tiles[][FC_NAME(DOT_WINDOWS)] = {
        {FC_DOTS(FC_DOT_ENTRY, 1)},
        {FC_DOTS(FC_DOT_ENTRY, 2)},
        {FC_DOTS(FC_DOT_ENTRY, 3)},
        {FC_DOTS(FC_DOT_ENTRY, 4)},
    };
    enum { ROWS = FC_NAME(DOT_ROWS), WINDOWS = FC_NAME(DOT_WINDOWS) };
    /* Rows that are used once come from memory, which is fastest one after the other. */
    const ptrdiff_t tall = windows > WINDOWS ? ROWS : 1;
    for (ptrdiff_t i = 0; i < rows; i += tall)
        for (ptrdiff_t j = 0; j < windows; j += WINDOWS)
            tiles[(rows - i < tall ? rows - i : tall) - 1]
                 [(windows - j < WINDOWS ? windows - j : WINDOWS) - 1](
                     (FC_T *)sums + i * row_step + j * window_step, row_step, window_step,
                     (const FC_T *)a + i * a_row, a_row, (const FC_T *)x + j * x_row, x_row, count,
                     flags);
}
#undef FC_DOT
#undef FC_DOT_ENTRY
#undef FC_DOTS
