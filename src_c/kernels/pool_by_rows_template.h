/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling of pixels of many bytes: all lanes of a row of a window, then those of its next row.  So
 * memory is read as it lies, in as many streams as a row has taps.  What the rows so far have come
 * to is kept in `dst`.  The order of comparisons and of additions is that of pool_template.h.
 */
#if FC_REAL
/* One row of WIDTH vectors, of which `count` lanes are wanted; sums are divided after the last. */
FC_INLINE void FC_NAME(row_part)(const int WHAT, const int WIDTH, const int MASKED,
                                 const fc_pool *pool, const fc_columns *columns, int first,
                                 int last, FC_T divisor, ptrdiff_t count, const FC_T *from,
                                 FC_T *dst)
{
    const FC_VEC low = (FC_VEC){0} + (WHAT == FC_POOL_SUM ? 0 : *(const FC_LOOSE *)pool->low);
    FC_NAME(pool_state) state;
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        FC_VEC kept = low;
        if (!first)
            kept = FC_NAME(load_first)(dst + v * FC_LANES, count - v * FC_LANES);
        state.best[v] = WHAT == FC_POOL_SUM ? low : kept;
        state.sum[v] = kept;
    }
    FC_NAME(pool_taps)(WHAT, 0, WIDTH, MASKED, 0, pool, columns, from, 0, low, &state);
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        FC_VEC value = WHAT == FC_POOL_SUM ? state.sum[v] : state.best[v];
        if (WHAT == FC_POOL_SUM && last)
            value /= divisor;
        FC_NAME(store_first)(dst + v * FC_LANES, value, count - v * FC_LANES);
    }
}

/* One row of all lanes. */
FC_INLINE void FC_NAME(row_parts)(const int WHAT, const fc_pool *pool, int first, int last,
                                  FC_T divisor, const FC_T *from, FC_T *dst)
{
    const int WIDE = FC_REAL == 4 ? FC_WIDEST : 1; /* code for the others is not worth its size */
    for (const fc_columns *at = pool->columns; at < pool->columns_end; at++) {
        ptrdiff_t x = at->at, end = at->at + at->cols;
        if (at->mask) {
            FC_NAME(row_part)(WHAT, 1, 1, pool, at, first, last, divisor, end - x, from + x,
                              dst + x);
            continue;
        }
        for (; WIDE > 1 && x + WIDE * FC_LANES <= end; x += WIDE * FC_LANES)
            FC_NAME(row_part)(WHAT, WIDE, 0, pool, at, first, last, divisor, WIDE * FC_LANES,
                              from + x, dst + x);
        for (; x < end; x += FC_LANES)
            FC_NAME(row_part)(WHAT, 1, 0, pool, at, first, last, divisor, end - x, from + x,
                              dst + x);
    }
}

/* All lines of outputs.  A window without rows is made as if it had one without taps. */
FC_INLINE void FC_NAME(pool_by_rows)(const int WHAT, const fc_pool *whole, const FC_T *src,
                                     FC_T *dst)
{
    fc_pool pool = *whole;
    for (ptrdiff_t line = 0; line < pool.lines; line++) {
        const ptrdiff_t *begin = pool.begin + line * pool.begin_step;
        const int none = begin[0] == begin[1];
        const ptrdiff_t end = begin[1] + none;
        const FC_T divisor = WHAT == FC_POOL_SUM ? (FC_T)pool.line_divisors[line] : 1;
        pool.taps = none ? 0 : whole->taps;
        for (ptrdiff_t r = begin[0]; r < end; r++)
            FC_NAME(row_parts)(WHAT, &pool, r == begin[0], r + 1 == end, divisor,
                               src + (none ? 0 : pool.place[r]), dst);
        src += pool.src_line;
        dst += pool.dst_line;
    }
}
#endif
