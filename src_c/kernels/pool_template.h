/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling: each output is the largest, or the sum, of the cells of its window.
 *
 *     C[i] = best (or sum) over rows r and taps t of B[place[r] + step[t] + i]     (2 i in pairs)
 *
 * Lanes are neighbouring outputs: columns of a row, or channels of a pixel.  Rows and taps come in
 * the order of the window.  Of equal cells the first one wins, of several NaN the last: so a value
 * that comes later must be larger, or NaN.  A lane that no cell has won holds `low`.
 */
#if FC_REAL
#define FC_POOL_VECTORS FC_STENCIL_VECTORS
#else
#define FC_POOL_VECTORS 2
#endif
/* The integers of a vector's lanes, in which places are counted. */
typedef FC_INT FC_NAME(places) __attribute__((vector_size(FC_VBYTES), aligned(1), may_alias));
#define FC_NO_PLACE ((FC_INT)((FC_BITS)1 << (8 * sizeof(FC_INT) - 1)))
enum { FC_NAME(POOL_BLOCK) = 256 }; /* taps of a row that one chain of additions sums */

#if FC_SELECTS
/* `count` places from a vector, each `first` more, as integers of 8 or 4 bytes. */
FC_INLINE void FC_NAME(store_places)(void *to, FC_NAME(places) place, int64_t first, int bytes,
                                     ptrdiff_t count)
{
    const uint32_t lanes = (uint32_t)(((uint64_t)1 << count) - 1);
    if (sizeof(FC_INT) == 4 && bytes == 8) {
        const fc_vec_i64 low = fc_longer((fc_vec_i32)place, 0) + first;
        const fc_vec_i64 high = fc_longer((fc_vec_i32)place, 1) + first;
        if (count == FC_LANES) {
            *(fc_vec_i64 *)to = low;
            *((fc_vec_i64 *)to + 1) = high;
        } else {
            fc_store_masked_i64(to, low, lanes & ((1u << FC_LANES / 2) - 1));
            fc_store_masked_i64((fc_vec_i64 *)to + 1, high, lanes >> FC_LANES / 2);
        }
    } else if (sizeof(FC_INT) == 4)
        fc_store_masked_i32(to, (fc_vec_i32)(place + (FC_INT)first), lanes);
    else if (bytes == 8)
        fc_store_masked_i64(to, (fc_vec_i64)(place + (FC_INT)first), lanes);
    else
        for (ptrdiff_t l = 0; l < count; l++)
            ((fc_loose_i32 *)to)[l] = (int32_t)(place[l] + first);
}

/* The index of an output that no cell has won. */
static __attribute__((noinline)) void FC_NAME(no_place)(void *to, int bytes)
{
    if (bytes == 8)
        *(fc_loose_i64 *)to = -1;
    else
        *(fc_loose_i32 *)to = -1;
}

/* Lanes 0, 1, ... times a step. */
FC_INLINE FC_NAME(places) FC_NAME(lane_steps)(FC_INT step)
{
    FC_NAME(places) steps;
    for (int l = 0; l < FC_LANES; l++)
        steps[l] = (FC_INT)l * step;
    return steps;
}

/* A vector of what a tap reads; lanes outside hold `low`. */
FC_INLINE FC_VEC FC_NAME(pool_load)(const int MASKED, const FC_T *from, uint32_t bits, FC_VEC low)
{
    return MASKED ? FC_LOAD_FILLED(from, bits, low) : FC_LOAD(from);
}

/* One tap of a vector. */
FC_INLINE void FC_NAME(pool_tap)(const int WHAT, const int OMIT, FC_VEC value, FC_INT place,
                                 FC_VEC *best, FC_NAME(places) *at)
{
    if (WHAT == FC_POOL_SUM)
        *best += value;
    else if (WHAT == FC_POOL_MAX)
        *best = FC_LARGER(OMIT, value, *best);
    else {
        const FC_WINNERS wins = FC_WINS(OMIT, value, *best);
        *best = FC_PICK(wins, value, *best);
        *at = (FC_NAME(places))FC_PICK_PLACE(wins, (FC_LANE_BITS)((FC_NAME(places)){0} + place),
                                             (FC_LANE_BITS)*at);
    }
}

/* WIDTH vectors from `lane` on; returns whether no cell has won a lane. */
FC_INLINE int FC_NAME(pool_part)(const int WHAT, const int OMIT, const int WIDTH, const int MASKED,
                                 const int PAIRS, const fc_pool *pool, ptrdiff_t lane,
                                 ptrdiff_t cols, const uint32_t *mask, ptrdiff_t mask_step,
                                 const FC_T *src, FC_T *dst, char *index)
{
    const FC_VEC low = (FC_VEC){0} + (WHAT == FC_POOL_SUM ? 0 : *(const FC_LOOSE *)pool->low);
    const ptrdiff_t taps = pool->taps, stride = PAIRS && pool->shared ? 2 : 1;
    FC_VEC best[FC_POOL_VECTORS], sum[FC_POOL_VECTORS];
    FC_NAME(places) at[FC_POOL_VECTORS];
    int none = 0;
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        best[v] = low;
        sum[v] = (FC_VEC){0};
        at[v] = (FC_NAME(places)){0} + FC_NO_PLACE;
    }
    src += lane << PAIRS;
    for (ptrdiff_t r = 0; r < pool->rows; r++) {
        const FC_T *row = src + pool->place[r];
        const FC_INT first = WHAT == FC_POOL_ARGMAX ? (FC_INT)pool->row_index[r] : 0;
        for (ptrdiff_t t = 0; t < taps; t += stride) {
            const FC_T *from = row + pool->step[t];
            const int both = PAIRS && stride == 2 && t + 1 < taps;
            FC_UNROLL
            for (int v = 0; v < WIDTH; v++) {
                const FC_INT place = WHAT == FC_POOL_ARGMAX ? first + (FC_INT)pool->tap_index[t] : 0;
                const uint32_t bits = MASKED ? mask[t * mask_step] : 0;
                FC_VEC value = FC_NAME(pool_load)(MASKED, from + (v * FC_LANES << PAIRS), bits, low);
                if (PAIRS) {
                    const FC_VEC next = FC_NAME(pool_load)(
                        MASKED, from + (v * FC_LANES << PAIRS) + FC_LANES, bits >> FC_LANES, low);
                    if (both)
                        FC_NAME(pool_tap)(WHAT, OMIT, FC_EVERY_SECOND(0, value, next), place,
                                          &best[v], &at[v]);
                    value = both ? FC_EVERY_SECOND(1, value, next) : FC_EVERY_SECOND(0, value, next);
                }
                FC_NAME(pool_tap)(WHAT, OMIT, value,
                                  WHAT == FC_POOL_ARGMAX && both
                                      ? first + (FC_INT)pool->tap_index[t + 1]
                                      : place,
                                  &best[v], &at[v]);
            }
            if (WHAT == FC_POOL_SUM && (t + stride >= taps || t % FC_NAME(POOL_BLOCK) + stride
                                                                  >= FC_NAME(POOL_BLOCK)))
                FC_UNROLL
                for (int v = 0; v < WIDTH; v++) {
                    sum[v] += best[v];
                    best[v] = (FC_VEC){0};
                }
        }
    }
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        const ptrdiff_t left = cols - v * FC_LANES, count = left < FC_LANES ? left : FC_LANES;
        FC_T *to = dst + lane + v * FC_LANES;
        FC_VEC value = best[v];
        if (WHAT == FC_POOL_SUM) {
            FC_VEC divisor = (FC_VEC){0} + (FC_T)pool->divisor;
            if (pool->divisors)
                divisor *= FC_LOAD((const FC_T *)pool->divisors + lane + v * FC_LANES);
            value = sum[v] / divisor;
        }
        if (count <= 0)
            continue;
        if (count == FC_LANES)
            FC_LOAD(to) = value;
        else
            FC_STORE_MASKED(to, value, (uint32_t)(((uint64_t)1 << count) - 1));
        if (WHAT == FC_POOL_ARGMAX) {
            const FC_INT step = (FC_INT)pool->lane_index;
            const FC_NAME(places) place = at[v] + FC_NAME(lane_steps)(step)
                                          + (FC_INT)(lane + v * FC_LANES) * step;
            FC_NAME(store_places)(index + (lane + v * FC_LANES) * pool->index_bytes, place,
                                  pool->first_index, pool->index_bytes, count);
            const uint32_t empty = FC_LANES_EQUAL((FC_LANE_BITS)at[v],
                                                  (FC_LANE_BITS)((FC_NAME(places)){0} + FC_NO_PLACE));
            for (ptrdiff_t l = 0; empty && l < count; l++)
                if (empty >> l & 1) {
                    FC_NAME(no_place)(index + (lane + v * FC_LANES + l) * pool->index_bytes,
                                      pool->index_bytes);
                    none = 1;
                }
        }
    }
    return none;
}

/* All lanes of a row of outputs. */
FC_INLINE int FC_NAME(pool_row)(const int WHAT, const int OMIT, const int PAIRS,
                                const fc_pool *pool, const FC_T *src, FC_T *dst, char *index)
{
    const int WIDE = PAIRS && FC_POOL_VECTORS > 2 ? 2 : FC_POOL_VECTORS;
    int none = 0;
    for (const fc_columns *at = pool->columns; at < pool->columns_end; at++) {
        ptrdiff_t x = 0;
        if (at->mask)
            for (; x < at->cols; x += FC_LANES)
                none |= FC_NAME(pool_part)(WHAT, OMIT, 1, 1, PAIRS, pool, at->at + x, at->cols - x,
                                           at->mask + x / FC_LANES, at->vectors, src, dst, index);
        for (; x + (WIDE - 1) * FC_LANES < at->cols; x += WIDE * FC_LANES)
            none |= FC_NAME(pool_part)(WHAT, OMIT, WIDE, 0, PAIRS, pool, at->at + x, at->cols - x,
                                       NULL, 0, src, dst, index);
        for (; x < at->cols; x += FC_LANES)
            none |= FC_NAME(pool_part)(WHAT, OMIT, 1, 0, PAIRS, pool, at->at + x, at->cols - x,
                                       NULL, 0, src, dst, index);
    }
    return none;
}

#define FC_POOL_ROW(WHAT, OMIT)                                                                  \
    (pool->pairs ? FC_NAME(pool_row)(WHAT, OMIT, 1, pool, src, dst, index)                       \
                 : FC_NAME(pool_row)(WHAT, OMIT, 0, pool, src, dst, index))
static int FC_NAME(pool)(const fc_pool *pool, const void *src, void *dst, void *index)
{
    if (pool->what == FC_POOL_MAX)
        return FC_REAL && pool->omit ? FC_POOL_ROW(FC_POOL_MAX, 1) : FC_POOL_ROW(FC_POOL_MAX, 0);
    if (pool->what == FC_POOL_ARGMAX)
        return FC_REAL && pool->omit ? FC_POOL_ROW(FC_POOL_ARGMAX, 1)
                                     : FC_POOL_ROW(FC_POOL_ARGMAX, 0);
#if FC_REAL
    return FC_POOL_ROW(FC_POOL_SUM, 0);
#else
    return 0; /* sums are real */
#endif
}
#undef FC_POOL_ROW

#else /* kernels are those of int64 */
static int FC_NAME(pool)(const fc_pool *pool, const void *src, void *dst, void *index)
{
    return FC_JOIN3(pool, i64, FC_ISA)(pool, src, dst, index);
}
#endif
#undef FC_NO_PLACE
#undef FC_POOL_VECTORS
