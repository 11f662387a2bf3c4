/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling: each output is the largest, or the sum, of the cells of its window.
 *
 *     C[i] = best (or sum) over rows r and taps t of B[place[r] + step[t] + (i << shift)]
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
#define FC_WIDEST 4 /* vectors that are made together where little is done for each */
/* The integers of a vector's lanes, in which places are counted. */
typedef FC_INT FC_NAME(places) __attribute__((vector_size(FC_VBYTES), aligned(1), may_alias));
#define FC_NO_PLACE ((FC_INT)((FC_BITS)1 << (8 * sizeof(FC_INT) - 1)))
enum { FC_NAME(POOL_BLOCK) = 256 }; /* taps of a row that one chain of additions sums */
enum { FC_NAME(POOL_SPAN) = 4 };    /* elements from lane to lane, at most */

#define FC_FIRST(count) ((uint32_t)(((uint64_t)1 << (count)) - 1)) /* a mask of as many lanes */

#if FC_SELECTS
/* `count` places from a vector, each `first` more, as integers of 8 or 4 bytes. */
FC_INLINE void FC_NAME(store_places)(void *to, FC_NAME(places) place, int64_t first, int bytes,
                                     ptrdiff_t count)
{
    const uint32_t lanes = FC_FIRST(count);
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
FC_INLINE FC_NAME(places) FC_NAME(lane_steps)(ptrdiff_t step)
{
    static const FC_INT lanes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return *(const FC_NAME(places) *)lanes * (FC_INT)step;
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

/* What a part of a line of outputs is made in: the best values so far and their places, or sums. */
typedef struct {
    FC_VEC best[FC_WIDEST], sum[FC_WIDEST];
    FC_NAME(places) at[FC_WIDEST];
} FC_NAME(pool_state);

/* Every SPAN-th element, SPAN = 1 << SHIFT, of as many vectors that follow one another, from the
 * k-th on: each round takes one bit of k, and every second element of what is left. */
FC_INLINE FC_VEC FC_NAME(pool_every)(const int SHIFT, const int k, const FC_VEC *value)
{
    if (SHIFT == 0)
        return value[0];
    const FC_VEC first = FC_EVERY_SECOND(k & 1, value[0], value[1]);
    if (SHIFT == 1)
        return first;
    return FC_EVERY_SECOND(k >> 1, first, FC_EVERY_SECOND(k & 1, value[2], value[3]));
}

/* `many` taps of a row from tap t on, of which those behind the first lie between two lanes. */
FC_INLINE void FC_NAME(pool_step)(const int WHAT, const int OMIT, const int WIDTH, const int MASKED,
                                  const int SHIFT, const fc_pool *pool, const uint32_t *mask,
                                  const FC_T *row, FC_INT first, ptrdiff_t t, ptrdiff_t many,
                                  FC_VEC low, FC_NAME(pool_state) *state)
{
    const int SPAN = 1 << SHIFT, ARG = WHAT == FC_POOL_ARGMAX;
    const FC_T *from = row + pool->step[t];
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        FC_VEC value[FC_NAME(POOL_SPAN)];
        FC_UNROLL
        for (int i = 0; i < SPAN; i++)
            value[i] = FC_NAME(pool_load)(MASKED, from + (v * SPAN + i) * FC_LANES,
                                          MASKED ? mask[i / 2] >> i % 2 * FC_LANES : 0, low);
        FC_UNROLL
        for (int k = 0; k < SPAN; k++)
            if (k < many) {
                const FC_INT place = ARG ? first + (FC_INT)pool->tap_index[t + k] : 0;
                FC_NAME(pool_tap)(WHAT, OMIT, FC_NAME(pool_every)(SHIFT, k, value), place,
                                  &state->best[v], &state->at[v]);
            }
    }
}

/* What is in `best` has been added; it begins anew. */
FC_INLINE void FC_NAME(pool_add)(const int WIDTH, FC_NAME(pool_state) *state)
{
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        state->sum[v] += state->best[v];
        state->best[v] = (FC_VEC){0};
    }
}

/* All taps of a row. */
FC_INLINE void FC_NAME(pool_taps)(const int WHAT, const int OMIT, const int WIDTH, const int MASKED,
                                  const int SHIFT, const fc_pool *pool, const fc_columns *columns,
                                  const FC_T *row, FC_INT first, FC_VEC low,
                                  FC_NAME(pool_state) *state)
{
    const int SPAN = 1 << SHIFT, WORDS = (SPAN + 1) / 2;
    const uint32_t *mask = columns->mask;
    const ptrdiff_t together = SHIFT && pool->shared ? SPAN : 1;
    ptrdiff_t t = 0;
    for (; SHIFT == 1 && t + SPAN <= pool->taps && together == SPAN; t += SPAN) {
        FC_NAME(pool_step)(WHAT, OMIT, WIDTH, MASKED, SHIFT, pool, mask + t, row, first, t, SPAN,
                           low, state);
        if (WHAT == FC_POOL_SUM && (t + SPAN) % FC_NAME(POOL_BLOCK) == 0)
            FC_NAME(pool_add)(WIDTH, state);
    }
    for (ptrdiff_t many = 1; t < pool->taps; t += many) {
        if (SHIFT > 1) /* else one is left, or each comes on its own */
            many = together < pool->taps - t ? together : pool->taps - t;
        FC_NAME(pool_step)(WHAT, OMIT, WIDTH, MASKED, SHIFT, pool, mask + t * WORDS, row, first, t,
                           many, low, state);
        if (WHAT == FC_POOL_SUM && (t + many) % FC_NAME(POOL_BLOCK) == 0)
            FC_NAME(pool_add)(WIDTH, state);
    }
    if (WHAT == FC_POOL_SUM)
        FC_NAME(pool_add)(WIDTH, state);
}

/* The first elements of a vector, or all, from memory and to it. */
FC_INLINE FC_VEC FC_NAME(load_first)(const FC_T *from, ptrdiff_t count)
{
    return count < FC_LANES ? FC_LOAD_MASKED(from, FC_FIRST(count)) : FC_LOAD(from);
}
FC_INLINE void FC_NAME(store_first)(FC_T *to, FC_VEC value, ptrdiff_t count)
{
    if (count < FC_LANES)
        FC_STORE_MASKED(to, value, FC_FIRST(count));
    else
        FC_LOAD(to) = value;
}

/* A vector of outputs from `lane` on, of which `count` are wanted; returns whether no cell has won
 * one of them. */
FC_INLINE int FC_NAME(pool_store)(const int WHAT, const fc_pool *pool, ptrdiff_t line,
                                  ptrdiff_t lane, ptrdiff_t count, FC_VEC value, FC_VEC sum,
                                  FC_NAME(places) at, FC_NAME(places) steps, FC_T *dst, char *index)
{
    int none = 0;
    if (WHAT == FC_POOL_SUM) {
        FC_VEC divisor = (FC_VEC){0} + (FC_T)pool->line_divisors[line];
        if (pool->divisors)
            divisor *= FC_LOAD((const FC_T *)pool->divisors + lane);
        value = sum / divisor;
    }
    FC_NAME(store_first)(dst + lane, value, count);
    if (WHAT == FC_POOL_ARGMAX) {
        const FC_INT step = (FC_INT)pool->lane_index;
        const FC_INT first = (FC_INT)lane * step + (FC_INT)line * (FC_INT)pool->line_index;
        const uint32_t empty = FC_LANES_EQUAL((FC_LANE_BITS)at,
                                              (FC_LANE_BITS)((FC_NAME(places)){0} + FC_NO_PLACE));
        index += lane * pool->index_bytes;
        FC_NAME(store_places)(index, at + steps + first, pool->first_index,
                              pool->index_bytes, count);
        for (ptrdiff_t l = 0; empty && l < count; l++)
            if (empty >> l & 1) {
                FC_NAME(no_place)(index + l * pool->index_bytes, pool->index_bytes);
                none = 1;
            }
    }
    return none;
}

/* WIDTH vectors of a line from `lane` on, of `cols` that are wanted. */
FC_INLINE int FC_NAME(pool_part)(const int WHAT, const int OMIT, const int WIDTH,
                                 const int MASKED, const int SHIFT, const fc_pool *pool,
                                 ptrdiff_t line, ptrdiff_t lane, ptrdiff_t cols,
                                 const fc_columns *columns, const FC_T *src, FC_T *dst, char *index)
{
    const FC_VEC low = (FC_VEC){0} + (WHAT == FC_POOL_SUM ? 0 : *(const FC_LOOSE *)pool->low);
    const ptrdiff_t *begin = pool->begin + line * pool->begin_step;
    const FC_NAME(places) steps = FC_NAME(lane_steps)(pool->lane_index);
    FC_NAME(pool_state) state;
    int none = 0;
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        state.best[v] = low;
        state.sum[v] = (FC_VEC){0};
        state.at[v] = (FC_NAME(places)){0} + FC_NO_PLACE;
    }
    src += (lane << SHIFT) + line * pool->src_line;
    for (ptrdiff_t r = begin[0]; r < begin[1]; r++) {
        const FC_T *from = src + pool->place[r];
        fc_prefetch_ahead(from, pool->ahead, (WIDTH * FC_VBYTES) << SHIFT);
        FC_NAME(pool_taps)(WHAT, OMIT, WIDTH, MASKED, SHIFT, pool, columns, from,
                           WHAT == FC_POOL_ARGMAX ? (FC_INT)pool->row_index[r] : 0, low, &state);
    }
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        const ptrdiff_t left = cols - v * FC_LANES;
        if (left > 0)
            none |= FC_NAME(pool_store)(WHAT, pool, line, lane + v * FC_LANES,
                                        left < FC_LANES ? left : FC_LANES, state.best[v],
                                        state.sum[v], state.at[v], steps, dst, index);
    }
    return none;
}

/* All lines of outputs. */
FC_INLINE int FC_NAME(pool_lines)(const int WHAT, const int OMIT, const int SHIFT,
                                  const fc_pool *pool, const FC_T *src, FC_T *dst, char *index)
{
    /* One vector at a time is enough where fewer are made, or more is done for each. */
    const int WIDE = FC_REAL != 4 || OMIT || SHIFT > 1 ? 1 : SHIFT == 1 ? 2 : FC_POOL_VECTORS;
    int none = 0;
    for (ptrdiff_t line = 0; line < pool->lines; line++) {
        for (const fc_columns *at = pool->columns; at < pool->columns_end; at++) {
            ptrdiff_t x = at->at, end = at->at + at->cols;
            if (SHIFT < 2 && at->mask) {
                none |= FC_NAME(pool_part)(WHAT, OMIT, 1, 1, SHIFT, pool, line, x, end - x, at,
                                           src, dst, index);
                continue;
            }
            for (; WIDE > 1 && x + (WIDE - 1) * FC_LANES < end; x += WIDE * FC_LANES)
                none |= FC_NAME(pool_part)(WHAT, OMIT, WIDE, 0, SHIFT, pool, line, x, end - x,
                                           at, src, dst, index);
            for (; x < end; x += FC_LANES) /* where four vectors are read, one code is enough */
                none |= FC_NAME(pool_part)(WHAT, OMIT, 1, SHIFT > 1 && at->mask, SHIFT, pool, line,
                                           x, end - x, at, src, dst, index);
        }
        dst += pool->dst_line;
        index += pool->index_line;
    }
    return none;
}

#include "pool_by_rows_template.h"
#include "pool_walk_template.h"

#if FC_REAL
#define FC_WALK_CHOOSE(KH, KW, STRIDE)                                                           \
    if (pool->taps == KW                                                                         \
        && (KH == STRIDE                                                                         \
                ? pool->shift == STRIDE - 1 && pool->shared                                      \
                : pool->walk && pool->walk_rows == KH && pool->walk_stride == STRIDE))           \
        return (pool->what == FC_POOL_MAX      ? FC_NAME(walk_max_##KH##x##KW##_##STRIDE)        \
                : pool->what == FC_POOL_ARGMAX ? FC_NAME(walk_argmax_##KH##x##KW##_##STRIDE)     \
                                               : FC_NAME(walk_sum_##KH##x##KW##_##STRIDE))(      \
            pool, src, dst, index);
#endif
/* Lanes are apart of real numbers only, of which none is left out; in strips they never are. */
#define FC_POOL_LINES(WHAT, OMIT)                                                                \
    if (FC_REAL && !OMIT && pool->shift == 2)                                                    \
        return FC_NAME(pool_lines)(WHAT, OMIT, FC_REAL ? 2 : 0, pool, src, dst, index);          \
    if (FC_REAL && !OMIT && pool->shift == 1)                                                    \
        return FC_NAME(pool_lines)(WHAT, OMIT, FC_REAL ? 1 : 0, pool, src, dst, index);          \
    return FC_NAME(pool_lines)(WHAT, OMIT, 0, pool, src, dst, index)
static int FC_NAME(pool)(const fc_pool *pool, const void *src, void *dst, void *index)
{
#if FC_REAL
    FC_WALK_LIST(FC_WALK_CHOOSE)
    if (pool->by_rows && pool->what == FC_POOL_SUM)
        return FC_NAME(pool_by_rows)(FC_POOL_SUM, pool, src, dst), 0;
    if (pool->by_rows && pool->what == FC_POOL_MAX && !pool->omit)
        return FC_NAME(pool_by_rows)(FC_POOL_MAX, pool, src, dst), 0;
#endif
    if (pool->what == FC_POOL_MAX) {
        if (FC_REAL && pool->omit) {
            FC_POOL_LINES(FC_POOL_MAX, 1);
        }
        FC_POOL_LINES(FC_POOL_MAX, 0);
    }
    if (pool->what == FC_POOL_ARGMAX) {
        if (FC_REAL && pool->omit) {
            FC_POOL_LINES(FC_POOL_ARGMAX, 1);
        }
        FC_POOL_LINES(FC_POOL_ARGMAX, 0);
    }
#if FC_REAL
    FC_POOL_LINES(FC_POOL_SUM, 0);
#endif
    return 0; /* sums are real */
}
#undef FC_POOL_LINES
#undef FC_WALK_LIST
#undef FC_WALK_CHOOSE

#else /* kernels are those of int64 */
static int FC_NAME(pool)(const fc_pool *pool, const void *src, void *dst, void *index)
{
    return FC_JOIN3(pool, i64, FC_ISA)(pool, src, dst, index);
}
#endif
#undef FC_NO_PLACE
#undef FC_POOL_VECTORS
