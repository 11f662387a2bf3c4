/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A plane of one output channel, from planes of few input channels:
 *
 *     C[y][x] (+)= sum over taps d, h and steps s of
 *                      A[d][h][s] * B[depth(d) + row(y, h) + step[s] + x]     (2 x in pairs)
 *
 * Rows on padding are left out, and so are, by masks, columns.  There are two ways, with the same
 * order of sums.  `plane_column` is for kernels of few rows: it goes down the plane, and loads each
 * row once, for all sums that use it; see depthwise_column_template.h.  `plane_tile` makes
 * FC_STENCIL_ROWS rows at a time: row y and tap h read the same row as row y + together and tap
 * h - apart.  Kernels of one row have functions of their own: see depthwise_row_template.h.
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
