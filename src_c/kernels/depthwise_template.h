/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A plane of one output channel, from planes of few input channels:
 *
 *     C[y][x] (+)= sum over taps d, h and steps s of
 *                      A[d][h][s] * B[depth(d) + row(y, h) + step[s] + x]     (2 x in pairs)
 *
 * Rows on padding are left out, and so are, by masks, columns.  There are two ways, with the same
 * order of sums.  `plane_column` is for kernels of few rows: it goes down the plane, and loads each
 * row once, for all sums that use it.  `plane_tile` makes FC_STENCIL_ROWS rows at a time: row y and
 * tap h read the same row as row y + together and tap h - apart.  Kernels of one row have functions
 * of their own: see depthwise_row_template.h.
 */

#define FC_PLANE_USE(LOW, HIGH)                                                                  \
    case LOW * 8 + HIGH:                                                                         \
        for (ptrdiff_t s = 0; s < plane->steps; s++) {                                           \
            const FC_T *at = from + plane->step[s];                                              \
            FC_VEC wide[FC_PLANE_VECTORS];                                                       \
            FC_UNROLL                                                                            \
            for (int v = 0; v < WIDTH; v++)                                                      \
                wide[v] = FC_NAME(plane_vector)(                                                 \
                    MASKED, PAIRS, 0, at + (v * FC_LANES << PAIRS),                              \
                    MASKED ? columns->mask[s * columns->vectors + v] : 0);                       \
            FC_UNROLL                                                                            \
            for (int r = LOW; r < HIGH; r++)                                                     \
                FC_UNROLL                                                                        \
                for (int v = 0; v < WIDTH; v++)                                                  \
                    sum[r][v] += FC_TIMES(w[s - r * apart_a], wide[v]);                          \
        }                                                                                        \
        break;

/* Rows 0, together, ... of `rows`, whose entries in the table begin at `row`. */
FC_INLINE void FC_NAME(plane_tile)(const int WIDTH, const int MASKED, const int PAIRS,
                                   const fc_plane *plane, const fc_columns *columns,
                                   const ptrdiff_t *row, ptrdiff_t rows, const FC_T *a,
                                   const FC_T *b, FC_T *c, const fc_store *store)
{
    FC_NAME(sums) sum[FC_STENCIL_ROWS];
    const ptrdiff_t apart = plane->row.apart, taps = plane->row.taps;
    const ptrdiff_t a_row = plane->a_row, apart_a = apart * a_row;
    const ptrdiff_t uses = (rows - 1) * apart + taps, ldc = plane->row.together * plane->c_row;
    FC_UNROLL
    for (int r = 0; r < FC_STENCIL_ROWS; r++)
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++)
            sum[r][v] = (FC_VEC){0};

    for (ptrdiff_t d = 0; d < plane->depth.taps; d++) {
        const ptrdiff_t depth = plane->depth.place[d * plane->depth.dilation];
        const FC_T *w = a + d * taps * a_row; /* of tap `use` of row 0 */
        ptrdiff_t low = 0, high = 0, first = 0, last = taps;
        if (depth == FC_NOWHERE)
            continue;
        for (ptrdiff_t use = 0; use < uses; use++, w += a_row) {
            /* Rows [low, high) use it: those with 0 <= use - r apart < taps. */
            high += use == first;
            first += use == first ? apart : 0;
            low += use == last;
            last += use == last ? apart : 0;
            const ptrdiff_t place = row[use * plane->row.dilation];
            if (place == FC_NOWHERE)
                continue;
            const FC_T *from = b + depth + place;
            FC_NAME(plane_ahead)(WIDTH << PAIRS, from, plane->b_ahead);
            switch (low * 8 + (high < rows ? high : rows)) {
                FC_PLANE_USE(0, 1)
                FC_PLANE_USE(0, 2)
                FC_PLANE_USE(0, 3)
                FC_PLANE_USE(0, 4)
                FC_PLANE_USE(1, 2)
                FC_PLANE_USE(1, 3)
                FC_PLANE_USE(1, 4)
                FC_PLANE_USE(2, 3)
                FC_PLANE_USE(2, 4)
                FC_PLANE_USE(3, 4)
            }
        }
    }

    if (rows == FC_STENCIL_ROWS)
        FC_NAME(store_rows)(FC_STENCIL_ROWS, WIDTH, sum, c, ldc, columns->cols, store);
    else
        FC_UNROLL
        for (int r = 0; r < FC_STENCIL_ROWS - 1; r++)
            if (r < rows)
                FC_NAME(store_rows)(1, WIDTH, sum + r, c + r * ldc, ldc, columns->cols, store);
}
#undef FC_PLANE_USE

/* Rows that are `together` apart, all columns; masked pairs are rare, and go one by one. */
FC_INLINE void FC_NAME(plane_tiles)(const int WIDTH, const fc_plane *plane,
                                    const fc_columns *columns, const ptrdiff_t *row,
                                    ptrdiff_t rows, const FC_T *a, const FC_T *b, FC_T *c,
                                    const fc_store *store)
{
    const FC_T *from = b + (columns->at << plane->pairs);
    FC_T *to = c + columns->at;
    if (WIDTH <= 2 && plane->pairs)
        FC_NAME(plane_tile)(WIDTH, 0, 1, plane, columns, row, rows, a, from, to, store);
    else if (columns->mask)
        FC_NAME(plane_tile)(WIDTH, 1, 0, plane, columns, row, rows, a, from, to, store);
    else
        FC_NAME(plane_tile)(WIDTH, 0, 0, plane, columns, row, rows, a, from, to, store);
}

static void FC_NAME(plane)(const fc_plane *plane, const FC_T *a, const void *b_, void *c_,
                           int goes_on, const fc_store *store)
{
    const FC_T *b = b_;
    FC_T *c = c_;
    (void)goes_on; /* it does not */
    if (plane->row.taps == 1) {
        FC_NAME(plane_rows)(plane, a, b, c, store);
        return;
    }
    const ptrdiff_t together = plane->row.together;
    for (ptrdiff_t y0 = 0; y0 < plane->row.outputs; y0 += FC_STENCIL_ROWS * together)
        for (ptrdiff_t y = y0; y < y0 + together && y < plane->row.outputs; y++) {
            const ptrdiff_t left = (plane->row.outputs - y + together - 1) / together;
            const ptrdiff_t rows = left < FC_STENCIL_ROWS ? left : FC_STENCIL_ROWS;
            const ptrdiff_t *row = plane->row.place + y * plane->row.stride;
            FC_T *to = c + y * plane->c_row;
            for (const fc_columns *at = plane->columns; at < plane->columns_end; at++)
                if (plane->pairs && at->mask)
                    for (ptrdiff_t v = 0; v < at->vectors; v++) {
                        const fc_columns one = FC_NAME(one_vector)(at, v);
                        FC_NAME(plane_tile)(1, 1, 1, plane, &one, row, rows, a,
                                            b + (one.at << 1), to + one.at, store);
                    }
                else if (at->vectors == 1)
                    FC_NAME(plane_tiles)(1, plane, at, row, rows, a, b, to, store);
                else if (at->vectors == 2)
                    FC_NAME(plane_tiles)(2, plane, at, row, rows, a, b, to, store);
#if FC_PLANE_VECTORS == 4
                else
                    FC_NAME(plane_tiles)(4, plane, at, row, rows, a, b, to, store);
#endif
        }
}

/* The sums of a row are zero, or go on from those that C holds. */
FC_INLINE void FC_NAME(begin_row)(const int WIDTH, FC_NAME(sums) *sum, const FC_T *c,
                                  ptrdiff_t cols, int goes_on)
{
    const ptrdiff_t rest = cols - (WIDTH - 1) * FC_LANES;
    if (!goes_on)
        return;
    FC_UNROLL
    for (int v = 0; v < WIDTH - 1; v++)
        sum[0][v] = FC_LOAD(c + v * FC_LANES);
    sum[0][WIDTH - 1] = FC_LOAD_MASKED(c + (WIDTH - 1) * FC_LANES,
                                       (uint32_t)(((uint64_t)1 << rest) - 1));
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

FC_INLINE void FC_NAME(plane_store)(const int BYTES, const int WIDTH, FC_NAME(sums) *sum, void *to,
                                    ptrdiff_t cols, const fc_store *store)
{
#if FC_REAL == 4
    if (BYTES) {
        FC_NAME(store_bytes)(WIDTH, sum, to, store);
        return;
    }
#endif
    (void)BYTES;
    FC_NAME(store_rows)(1, WIDTH, sum, to, 0, cols, store);
}

/* Columns of a plane with KH x KW taps, whose sums and, if they fit, weights are in registers.
 * Output row y, of those that are `together` apart, is done when row y APART + KH - 1 has been
 * read; so many rows are in flight.  BYTES: planes are of uint8, which is converted as it is loaded
 * and stored. */
#define FC_MOST_TAPS 7
FC_INLINE void FC_NAME(plane_column)(const int KH, const int KW, const int APART, const int WIDTH,
                                     const int MASKED, const int BYTES, const fc_plane *plane,
                                     const fc_columns *columns, const FC_T *a, const void *b_,
                                     void *c_, int goes_on, const fc_store *store)
{
    const ptrdiff_t size = BYTES ? 1 : sizeof(FC_T);
    const int FLIGHT = (KH - 1) / APART + 1, PAIRS = APART == 2;
    const int HELD = KH * KW < FC_REGISTERS;
    const ptrdiff_t together = plane->row.together, dilation = plane->row.dilation;
    const ptrdiff_t a_row = plane->a_row, ldc = together * plane->c_row * size;
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
        FC_NAME(begin_row)(WIDTH, sum + FLIGHT - 1, (FC_T *)to, columns->cols, !BYTES && goes_on);
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
                        const char *at = from + step[first] + (v * FC_LANES << PAIRS) * size;
                        FC_VEC wide = FC_NAME(plane_load)(BYTES, MASKED, PAIRS, s - first, at,
                                                          MASKED ? mask[first * WIDTH + v] : 0);
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
                FC_NAME(plane_store)(BYTES, WIDTH, sum, to, columns->cols, store);
                if (!BYTES)
                    FC_NAME(plane_ahead)(WIDTH, (const FC_T *)to, plane->c_ahead);
                to += ldc;
            }
            FC_UNROLL
            for (int r = 0; r < FLIGHT; r++)
                FC_UNROLL
                for (int v = 0; v < WIDTH; v++)
                    sum[r][v] = r + 1 < FLIGHT ? sum[r + 1][v] : (FC_VEC){0};
            FC_NAME(begin_row)(WIDTH, sum + FLIGHT - 1,
                               (FC_T *)c + (y0 + (y + FLIGHT) * together) * plane->c_row,
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
        FC_NAME(plane_column)(KH, KW, APART, WIDTH, MASKED, 0, plane, columns, a, b, c, goes_on, \
                              store);                                                            \
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
        FC_NAME(plane_column)(KH, KW, 1, WIDTH, 0, 1, plane, columns, a, b, c, 0, store);        \
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
