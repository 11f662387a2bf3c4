/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Planes of kernels of few taps, column by column: see depthwise_template.h.
 */
/* The sums of a row are zero, or go on from those that C holds.  STACKED: of each vector there is
 * one, of a plane that is c_plane after the one before it. */
FC_INLINE void FC_NAME(begin_row)(const int WIDTH, const int STACKED, FC_NAME(sums) *sum,
                                  const char *c, ptrdiff_t c_plane, ptrdiff_t cols, int goes_on)
{
    const ptrdiff_t step = STACKED ? c_plane : (ptrdiff_t)sizeof(FC_VEC);
    const ptrdiff_t rest = STACKED ? cols : cols - (WIDTH - 1) * FC_LANES;
    const uint32_t lanes = (uint32_t)(((uint64_t)1 << rest) - 1);
    if (!goes_on)
        return;
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++)
        sum[0][v] = STACKED || v == WIDTH - 1 ? FC_LOAD_MASKED(c + v * step, lanes)
                                              : FC_LOAD(c + v * step);
}

/* What `plane_column` loads, and the row that it stores. */
FC_INLINE FC_VEC FC_NAME(plane_load)(const int BYTES, const int MASKED, const int PAIRS,
                                     const int NEXT, const void *from, uint32_t mask)
{
#if FC_REAL == 4
    if (BYTES)
        return fc_load_bytes(from);
#endif
    (void)BYTES;
    return FC_NAME(plane_vector)(MASKED, PAIRS, NEXT, from, mask);
}

FC_INLINE void FC_NAME(plane_store)(const int BYTES, const int WIDTH, const int STACKED,
                                    FC_NAME(sums) *sum, char *to, ptrdiff_t c_plane,
                                    ptrdiff_t cols, const fc_store *store)
{
#if FC_REAL == 4
    if (BYTES) {
        FC_NAME(store_bytes)(WIDTH, sum, to, store);
        return;
    }
#endif
    (void)BYTES;
    if (!STACKED) {
        FC_NAME(store_rows)(1, WIDTH, sum, (FC_T *)to, 0, cols, store);
        return;
    }
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        FC_NAME(sums) one = {sum[0][v]};
        FC_NAME(store_rows)(1, 1, &one, (FC_T *)(to + v * c_plane), 0, cols, store);
    }
}

/* Columns of a plane with KH x KW taps, whose sums and, if they fit, weights are in registers.
 * Output row y, of those that are `together` apart, is done when row y APART + KH - 1 has been
 * read; so many rows are in flight.  BYTES: planes are of uint8, which is converted as it is loaded
 * and stored.  STACKED: there is one vector a row, too few sums for multiply-adds to follow one
 * another at once; WIDTH planes are made together, which are b_plane and c_plane apart. */
#define FC_MOST_TAPS 7
FC_INLINE void FC_NAME(plane_column)(const int KH, const int KW, const int APART, const int WIDTH,
                                     const int MASKED, const int BYTES, const int STACKED,
                                     const fc_plane *plane, const fc_columns *columns,
                                     const FC_T *a, const void *b_, void *c_, int goes_on,
                                     const fc_store *store)
{
    const ptrdiff_t size = BYTES ? 1 : sizeof(FC_T);
    const int FLIGHT = (KH - 1) / APART + 1, PAIRS = APART == 2;
    const int HELD = KH * KW < FC_REGISTERS;
    const ptrdiff_t together = plane->row.together, dilation = plane->row.dilation;
    const ptrdiff_t a_row = plane->a_row, ldc = together * plane->c_row * size;
    const ptrdiff_t c_plane = plane->c_plane * size;
    const uint32_t *mask = columns->mask;
    FC_VEC weight[FC_MOST_TAPS * FC_MOST_TAPS];
    ptrdiff_t step[FC_MOST_TAPS];
    const char *b = (const char *)b_ + (columns->at << PAIRS) * size;
    char *c = (char *)c_ + columns->at * size;
    FC_UNROLL
    for (int s = 0; s < KW; s++)
        step[s] = plane->step[s] * size;
    FC_UNROLL
    for (int h = 0; h < KH; h++)
        FC_UNROLL
        for (int s = 0; HELD && s < KW; s++) {
            FC_VEC one = (FC_VEC){0} + a[h * a_row + s];
            FC_KEEP(one);
            weight[h * KW + s] = one;
        }
    for (ptrdiff_t y0 = 0; y0 < together && y0 < plane->row.outputs; y0++) {
        const ptrdiff_t rows = (plane->row.outputs - y0 + together - 1) / together;
        const ptrdiff_t *row = plane->row.place + y0 * plane->row.stride
                               + ((1 - FLIGHT) * APART + KH - APART) * dilation;
        char *to = c + y0 * plane->c_row * size;
        FC_NAME(sums) sum[FC_MOST_TAPS];
        FC_UNROLL
        for (int r = 0; r < FLIGHT; r++)
            FC_UNROLL
            for (int v = 0; v < WIDTH; v++)
                sum[r][v] = (FC_VEC){0};
        FC_NAME(begin_row)(WIDTH, STACKED, sum + FLIGHT - 1, to, c_plane, columns->cols,
                           !BYTES && goes_on);
        for (ptrdiff_t y = 1 - FLIGHT; y < rows; y++) {
            FC_UNROLL
            for (int e = KH - APART; e < KH; e++, row += dilation) {
                if (y * APART + e < 0 || *row == FC_NOWHERE)
                    continue;
                const char *from = b + *row * size;
                FC_KEEP_POINTER(from);
                if (!BYTES)
                    FC_NAME(plane_ahead)(WIDTH << PAIRS, (const FC_T *)from, plane->b_ahead);
                FC_UNROLL
                for (int s = 0; s < KW; s++)
                    FC_UNROLL
                    for (int v = 0; v < WIDTH; v++) {
                        const int first = PAIRS ? s / 2 * 2 : s; /* of two steps that share loads */
                        const ptrdiff_t next = STACKED ? plane->b_plane : FC_LANES << PAIRS;
                        const uint32_t lanes = !MASKED  ? 0
                                               : STACKED ? mask[first]
                                                         : mask[first * WIDTH + v];
                        FC_VEC wide = FC_NAME(plane_load)(
                            BYTES, MASKED, PAIRS, s - first, from + step[first] + v * next * size,
                            lanes);
                        FC_KEEP(wide);
                        FC_UNROLL
                        for (int r = 0; r < FLIGHT; r++) { /* tap e - r APART of row y + r */
                            const int h = e - r * APART;
                            if (h >= 0 && HELD)
                                sum[r][v] += weight[h * KW + s] * wide;
                            else if (h >= 0)
                                sum[r][v] += a[h * a_row + s] * wide;
                        }
                    }
            }
            if (y >= 0) {
                FC_NAME(plane_store)(BYTES, WIDTH, STACKED, sum, to, c_plane, columns->cols, store);
                if (!BYTES)
                    FC_NAME(plane_ahead)(WIDTH, (const FC_T *)to, plane->c_ahead);
                to += ldc;
            }
            FC_UNROLL
            for (int r = 0; r < FLIGHT; r++)
                FC_UNROLL
                for (int v = 0; v < WIDTH; v++)
                    sum[r][v] = r + 1 < FLIGHT ? sum[r + 1][v] : (FC_VEC){0};
            FC_NAME(begin_row)(WIDTH, STACKED, sum + FLIGHT - 1,
                               c + (y0 + (y + FLIGHT) * together) * plane->c_row * size, c_plane,
                               columns->cols, !BYTES && goes_on && y + FLIGHT < rows);
        }
    }
}

/* FIXED(KH, KW, APART): the kernels that have functions of their own, in either orientation. */
#define FC_FIXED_LIST(FIXED)                                                                     \
    FIXED(3, 3, 1) FIXED(3, 3, 2) FIXED(5, 5, 1) FIXED(5, 5, 2) FIXED(7, 7, 1)

#define FC_PLANE_COLUMN(KH, KW, APART, WIDTH, MASKED)                                            \
    static __attribute__((noinline)) void                                                        \
    FC_NAME(plane_##KH##x##KW##_##APART##_##WIDTH##_##MASKED)(                                   \
        const fc_plane *plane, const fc_columns *columns, const FC_T *a, const void *b, void *c, \
        int goes_on, const fc_store *store)                                                      \
    {                                                                                            \
        FC_NAME(plane_column)(KH, KW, APART, WIDTH, MASKED, 0, 0, plane, columns, a, b, c,       \
                              goes_on, store);                                                   \
    }
#define FC_PLANE_FIXED(KH, KW, APART)                                                            \
    FC_PLANE_COLUMN(KH, KW, APART, 1, 0)                                                         \
    FC_PLANE_COLUMN(KH, KW, APART, 1, 1)                                                         \
    FC_PLANE_COLUMN(KH, KW, APART, 2, 0)                                                         \
    FC_PLANE_COLUMN(KH, KW, APART, 2, 1)                                                         \
    FC_PLANE_FOUR_##APART(KH, KW)                                                                \
    static void FC_NAME(plane_##KH##x##KW##_##APART)(const fc_plane *plane, const FC_T *a,       \
                                                     const void *b, void *c, int goes_on,        \
                                                     const fc_store *store)                      \
    {                                                                                            \
        static FC_NAME(plane_column_fn) *const column[3][2] = {                                  \
            {FC_NAME(plane_##KH##x##KW##_##APART##_1_0),                                         \
             FC_NAME(plane_##KH##x##KW##_##APART##_1_1)},                                        \
            {FC_NAME(plane_##KH##x##KW##_##APART##_2_0),                                         \
             FC_NAME(plane_##KH##x##KW##_##APART##_2_1)},                                        \
            FC_PLANE_FOURS_##APART(KH, KW)};                                                     \
        for (const fc_columns *at = plane->columns; at < plane->columns_end; at++)               \
            column[at->vectors / 2][at->mask != NULL](plane, at, a, b, c, goes_on, store);       \
    }
typedef void FC_NAME(plane_column_fn)(const fc_plane *plane, const fc_columns *columns,
                                      const FC_T *a, const void *b, void *c, int goes_on,
                                      const fc_store *store);
typedef void FC_NAME(plane_fn)(const fc_plane *plane, const FC_T *a, const void *b, void *c,
                               int goes_on, const fc_store *store);
#if FC_PLANE_VECTORS == 4
#define FC_PLANE_FOUR_1(KH, KW)                                                                  \
    FC_PLANE_COLUMN(KH, KW, 1, 4, 0) FC_PLANE_COLUMN(KH, KW, 1, 4, 1)
#define FC_PLANE_FOURS_1(KH, KW)                                                                 \
    {FC_NAME(plane_##KH##x##KW##_1_4_0), FC_NAME(plane_##KH##x##KW##_1_4_1)}
#else
#define FC_PLANE_FOUR_1(KH, KW)
#define FC_PLANE_FOURS_1(KH, KW) {NULL, NULL}
#endif
#define FC_PLANE_FOUR_2(KH, KW) /* pairs are at most two vectors wide */
#define FC_PLANE_FOURS_2(KH, KW) {NULL, NULL}
#if FC_REAL
FC_FIXED_LIST(FC_PLANE_FIXED)
#endif
#undef FC_PLANE_FIXED

/* The kernels that have functions for planes of uint8, too: those of so few taps that conversion
 * takes as long as they do. */
#define FC_BYTES_LIST(FIXED) FIXED(3, 3, 1) FIXED(5, 5, 1)
#define FC_BYTES_COLUMN(KH, KW, WIDTH, WORD)                                                     \
    static __attribute__((noinline)) void FC_NAME(bytes_##KH##x##KW##_##WORD)(                   \
        const fc_plane *plane, const fc_columns *columns, const FC_T *a, const void *b, void *c, \
        const fc_store *store)                                                                   \
    {                                                                                            \
        FC_NAME(plane_column)(KH, KW, 1, WIDTH, 0, 1, 0, plane, columns, a, b, c, 0, store);     \
    }
#define FC_BYTES_FIXED(KH, KW, APART)                                                            \
    FC_BYTES_COLUMN(KH, KW, 1, one)                                                              \
    FC_BYTES_COLUMN(KH, KW, FC_PLANE_VECTORS, some)                                              \
    static void FC_NAME(bytes_##KH##x##KW)(const fc_plane *plane, const FC_T *a, const void *b,  \
                                           void *c, int goes_on, const fc_store *store)          \
    {                                                                                            \
        (void)goes_on; /* it does not */                                                         \
        for (const fc_columns *at = plane->columns; at < plane->columns_end; at++)               \
            if (at->vectors == FC_PLANE_VECTORS)                                                 \
                FC_NAME(bytes_##KH##x##KW##_some)(plane, at, a, b, c, store);                    \
            else                                                                                 \
                for (ptrdiff_t x = 0; x < at->cols; x += FC_LANES) {                             \
                    const fc_columns one = {at->at + x, FC_LANES, 1, NULL};                      \
                    FC_NAME(bytes_##KH##x##KW##_one)(plane, &one, a, b, c, store);               \
                }                                                                                \
    }
#if FC_REAL == 4
FC_BYTES_LIST(FC_BYTES_FIXED)
#endif
#undef FC_BYTES_COLUMN
#undef FC_BYTES_FIXED

/* Some planes whose rows are one vector, under masks. */
#define FC_STACK_LIST(FIXED) FIXED(3, 3, 1)
#define FC_STACK_FIXED(KH, KW, APART)                                                            \
    static __attribute__((noinline)) void FC_NAME(stack_##KH##x##KW)(                            \
        const fc_plane *plane, const FC_T *a, const void *b, void *c, int goes_on,               \
        const fc_store *store)                                                                   \
    {                                                                                            \
        fc_columns columns = *plane->columns;                                                    \
        uint32_t all[KW];                                                                        \
        for (int s = 0; s < KW; s++)                                                             \
            all[s] = (uint32_t)(((uint64_t)1 << columns.cols) - 1);                              \
        columns.mask = columns.mask ? columns.mask : all;                                        \
        FC_NAME(plane_column)(KH, KW, 1, FC_PLANE_VECTORS, 1, 0, 1, plane, &columns, a, b, c,    \
                              goes_on, store);                                                   \
    }
#if FC_REAL
FC_STACK_LIST(FC_STACK_FIXED)
#endif
#undef FC_STACK_FIXED
#undef FC_PLANE_FOUR_1
#undef FC_PLANE_FOURS_1
#undef FC_PLANE_FOUR_2
#undef FC_PLANE_FOURS_2
#undef FC_PLANE_COLUMN

#define FC_PLANE_CHOOSE(KH, KW, APART)                                                           \
    if (plane->row.taps == KH && plane->steps == KW && plane->a_row == KW &&                     \
        plane->row.apart == APART && plane->pairs == (APART == 2) &&                             \
        (APART == 1 || plane->step[1] == plane->step[0] + 1))                                    \
        return FC_NAME(plane_##KH##x##KW##_##APART);

#define FC_BYTES_CHOOSE(KH, KW, APART)                                                           \
    if (plane->bytes && plane->row.taps == KH && plane->steps == KW)                             \
        return FC_NAME(bytes_##KH##x##KW);

/* The function for a kind of plane. */
static FC_NAME(plane_fn) *FC_NAME(choose_plane)(const fc_plane *plane)
{
    (void)plane;
#if FC_REAL == 4
    FC_BYTES_LIST(FC_BYTES_CHOOSE)
#endif
#if FC_REAL
    FC_FIXED_LIST(FC_PLANE_CHOOSE)
#endif
    return FC_NAME(plane);
}
#undef FC_PLANE_CHOOSE
#undef FC_BYTES_CHOOSE
#undef FC_BYTES_LIST

#define FC_STACK_CHOOSE(KH, KW, APART)                                                           \
    if (make == FC_NAME(plane_##KH##x##KW##_##APART))                                            \
        return FC_NAME(stack_##KH##x##KW);

/* The function that makes some planes of a kind together, or NULL. */
static FC_NAME(plane_fn) *FC_NAME(choose_stack)(FC_NAME(plane_fn) *make, const fc_plane *plane)
{
    (void)make;
    if (plane->columns_end - plane->columns != 1 || plane->columns->vectors != 1
        || plane->columns_ahead)
        return NULL;
#if FC_REAL
    FC_STACK_LIST(FC_STACK_CHOOSE)
#endif
    return NULL;
}
#undef FC_STACK_CHOOSE
#undef FC_STACK_LIST
