/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling of windows that share rows: down a plane, so that each row of the input is read once.
 *
 * Output line y has rows y STRIDE ... y STRIDE + KH - 1 of `walk`; lines y ... y + FLIGHT - 1 are
 * made at one time.  A row has KW taps, one after the other.  The order of comparisons and of
 * additions is that of pool_template.h: first along a row, then row by row.
 *
 * Where KH = STRIDE no rows are shared, and each line has those that pool_template.h would take, of
 * any number and of several planes: what is gained is that the taps of a row are known.
 */
#if FC_SELECTS && FC_REAL
enum { FC_NAME(WALK_FLIGHT) = 3 };

/* What a row, or the rows of an output so far, have come to: the best value and its place, or the
 * sum. */
typedef struct {
    FC_VEC value;
    FC_NAME(places) at;
} FC_NAME(found);

/* The better of two, or the sum. */
FC_INLINE void FC_NAME(merge)(const int WHAT, FC_NAME(found) *best, FC_VEC value,
                              FC_NAME(places) at)
{
    if (WHAT == FC_POOL_SUM)
        best->value += value;
    else if (WHAT == FC_POOL_MAX)
        best->value = FC_LARGER(0, value, best->value);
    else {
        const FC_WINNERS wins = FC_WINS(0, value, best->value);
        best->value = FC_PICK(wins, value, best->value);
        best->at = (FC_NAME(places))FC_PICK_PLACE(wins, (FC_LANE_BITS)at, (FC_LANE_BITS)best->at);
    }
}

/* A vector of a row: places are those of its taps.  Lanes without a cell hold `low`, and lose. */
FC_INLINE FC_NAME(found) FC_NAME(walk_row)(const int WHAT, const int KW, const int MASKED,
                                           const int PAIRS, const FC_T *from, const uint32_t *mask,
                                           const FC_NAME(places) *tap, FC_VEC low)
{
    FC_NAME(found) row = {low, tap[0]};
    FC_UNROLL
    for (int t = 0; t < KW; t++) {
        FC_VEC value = FC_NAME(pool_load)(MASKED, from + (PAIRS ? t / 2 * 2 : t),
                                          MASKED ? mask[PAIRS ? t / 2 * 2 : t] : 0, low);
        if (PAIRS) {
            const FC_VEC next = FC_NAME(pool_load)(MASKED, from + t / 2 * 2 + FC_LANES,
                                                   MASKED ? mask[t / 2 * 2] >> FC_LANES : 0, low);
            value = FC_EVERY_SECOND(t % 2, value, next);
        }
        if (t == 0 && WHAT != FC_POOL_SUM && !MASKED)
            row.value = value;
        else
            FC_NAME(merge)(WHAT, &row, value, tap[t]);
    }
    return row;
}

/* WIDTH vectors of a row for those of the lines in flight that have it: row e - r STRIDE of the
 * r-th; `first` is the index of its first cell. */
FC_INLINE void FC_NAME(walk_vectors)(const int WHAT, const int KH, const int KW, const int STRIDE,
                                     const int WIDTH, const int MASKED, const int e,
                                     const FC_T *from, ptrdiff_t ahead, const uint32_t *mask,
                                     ptrdiff_t first, const FC_NAME(places) *tap, FC_VEC low,
                                     FC_NAME(found) best[][FC_POOL_VECTORS])
{
    fc_prefetch_ahead(from, ahead, WIDTH * FC_VBYTES * STRIDE);
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        FC_NAME(found) row = FC_NAME(walk_row)(WHAT, KW, MASKED, STRIDE == 2,
                                               from + v * FC_LANES * STRIDE, mask, tap, low);
        if (WHAT == FC_POOL_ARGMAX)
            row.at += (FC_INT)first;
        FC_UNROLL
        for (int r = 0; r <= (KH - 1) / STRIDE; r++)
            if (e - r * STRIDE >= 0)
                FC_NAME(merge)(WHAT, &best[r][v], row.value, row.at);
    }
}

/* WIDTH vectors of all lines, from `lane` on. */
FC_INLINE int FC_NAME(walk_part)(const int WHAT, const int KH, const int KW, const int STRIDE,
                                 const int WIDTH, const int MASKED, const fc_pool *pool,
                                 ptrdiff_t lane, ptrdiff_t cols, const fc_columns *columns,
                                 const FC_T *src, FC_T *dst, char *index)
{
    const int FLIGHT = (KH - 1) / STRIDE + 1, SHARES = KH > STRIDE;
    const FC_VEC low = (FC_VEC){0} + (WHAT == FC_POOL_SUM ? 0 : *(const FC_LOOSE *)pool->low);
    const FC_NAME(places) nowhere = (FC_NAME(places)){0} + FC_NO_PLACE;
    const ptrdiff_t begin = (1 - FLIGHT) * STRIDE + KH - STRIDE;
    const ptrdiff_t *walk = SHARES ? pool->walk + begin : NULL;
    const ptrdiff_t *first = SHARES ? pool->walk_index + begin : NULL;
    FC_NAME(found) best[FC_NAME(WALK_FLIGHT)][FC_POOL_VECTORS];
    const FC_NAME(places) steps = FC_NAME(lane_steps)(pool->lane_index);
    FC_NAME(places) tap[3];
    int none = 0;
    FC_UNROLL
    for (int t = 0; t < KW; t++)
        tap[t] = (FC_NAME(places)){0} + (WHAT == FC_POOL_ARGMAX ? (FC_INT)pool->tap_index[t] : 0);
    FC_UNROLL
    for (int r = 0; r < FLIGHT; r++)
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++)
            best[r][v] = (FC_NAME(found)){low, nowhere};
    src += lane * STRIDE + pool->step[0];
    for (ptrdiff_t y = 1 - FLIGHT; y < pool->lines; y++) {
        FC_UNROLL
        for (int e = KH - STRIDE; SHARES && e < KH; e++, walk++, first++)
            if (y * STRIDE + e >= 0 && *walk != FC_NOWHERE)
                FC_NAME(walk_vectors)(WHAT, KH, KW, STRIDE, WIDTH, MASKED, e, src + *walk,
                                      pool->ahead, columns->mask, *first, tap, low, best);
        for (ptrdiff_t r = SHARES ? 0 : pool->begin[y]; !SHARES && r < pool->begin[y + 1]; r++)
            FC_NAME(walk_vectors)(WHAT, KH, KW, STRIDE, WIDTH, MASKED, 0, src + pool->place[r],
                                  pool->ahead, columns->mask,
                                  WHAT == FC_POOL_ARGMAX ? pool->row_index[r] : 0, tap, low, best);
        if (y >= 0) {
            FC_UNROLL
            for (int v = 0; v < WIDTH; v++) {
                const ptrdiff_t left = cols - v * FC_LANES;
                if (left > 0)
                    none |= FC_NAME(pool_store)(WHAT, pool, y, lane + v * FC_LANES,
                                                left < FC_LANES ? left : FC_LANES, best[0][v].value,
                                                best[0][v].value, best[0][v].at, steps,
                                                dst + y * pool->dst_line,
                                                index + y * pool->index_line);
            }
        }
        FC_UNROLL
        for (int r = 0; r < FLIGHT; r++)
            FC_UNROLL
            for (int v = 0; v < WIDTH; v++)
                best[r][v] = r + 1 < FLIGHT ? best[r + 1][v] : (FC_NAME(found)){low, nowhere};
    }
    return none;
}

/* WALK(KH, KW, STRIDE): the windows that have functions of their own. */
#define FC_WALK_LIST(WALK) WALK(2, 2, 2) WALK(3, 3, 1) WALK(3, 3, 2)

/* Lines that are made together: one, unless they share rows; else so many that what they read, row
 * after row, fits into the first level of the cache.  A whole plane column by column would come from
 * memory line by line. */
enum { FC_NAME(WALK_BYTES) = 1 << 14, FC_NAME(WALK_LINES) = 8 };
FC_INLINE ptrdiff_t FC_NAME(walk_lines)(const fc_pool *pool)
{
    const fc_columns *last = pool->columns_end - 1;
    const ptrdiff_t stride = pool->walk_stride;
    const ptrdiff_t bytes = (last->at + last->cols) * stride * stride * sizeof(FC_T);
    const ptrdiff_t lines = FC_NAME(WALK_BYTES) / bytes;
    return lines < FC_NAME(WALK_LINES) ? FC_NAME(WALK_LINES) : lines;
}

#define FC_WALK(KH, KW, STRIDE)                                                                  \
    FC_WALK_OF(KH, KW, STRIDE, FC_POOL_MAX, max)                                                 \
    FC_WALK_OF(KH, KW, STRIDE, FC_POOL_ARGMAX, argmax)                                           \
    FC_WALK_OF(KH, KW, STRIDE, FC_POOL_SUM, sum)
#define FC_WALK_OF(KH, KW, STRIDE, WHAT, WORD)                                                   \
    static int FC_NAME(walk_##WORD##_##KH##x##KW##_##STRIDE)(const fc_pool *whole,               \
                                                             const FC_T *src, FC_T *dst,         \
                                                             char *index)                        \
    {                                                                                            \
        const int WIDE = FC_REGISTERS == 32 && WHAT != FC_POOL_ARGMAX ? 2 : 1;                   \
        const ptrdiff_t lines = KH == STRIDE ? 1 : FC_NAME(walk_lines)(whole);                   \
        fc_pool some = *whole;                                                                   \
        int none = 0;                                                                            \
        for (ptrdiff_t left = whole->lines; left > 0; left -= lines) {                           \
            some.lines = left < lines ? left : lines;                                            \
            for (const fc_columns *at = some.columns; at < some.columns_end; at++) {             \
                ptrdiff_t x = at->at, end = at->at + at->cols;                                   \
                if (at->mask) {                                                                  \
                    none |= FC_NAME(walk_part)(WHAT, KH, KW, STRIDE, 1, 1, &some, x, end - x, at, \
                                               src, dst, index);                                 \
                    continue;                                                                    \
                }                                                                                \
                for (; x + (WIDE - 1) * FC_LANES < end; x += WIDE * FC_LANES)                    \
                    none |= FC_NAME(walk_part)(WHAT, KH, KW, STRIDE, WIDE, 0, &some, x, end - x, \
                                               at, src, dst, index);                             \
                for (; x < end; x += FC_LANES)                                                   \
                    none |= FC_NAME(walk_part)(WHAT, KH, KW, STRIDE, 1, 0, &some, x, end - x, at, \
                                               src, dst, index);                                 \
            }                                                                                    \
            some.begin += lines;                                                                 \
            if (KH > STRIDE) {                                                                   \
                some.walk += lines * STRIDE;                                                     \
                some.walk_index += lines * STRIDE;                                               \
            }                                                                                    \
            some.line_divisors += WHAT == FC_POOL_SUM ? lines : 0;                               \
            dst += lines * some.dst_line;                                                        \
            index += lines * some.index_line;                                                    \
        }                                                                                        \
        return none;                                                                             \
    }
FC_WALK_LIST(FC_WALK)
#undef FC_WALK
#undef FC_WALK_OF
#endif
