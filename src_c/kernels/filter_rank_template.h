/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The element of a rank among those under a footprint, none of which is NaN.  Lanes are outputs. */

/* The median of 9 and of 25 in registers.  S(a, b) sorts two elements; a compiler leaves out what
 * the result does not depend on.  The lists are those of N. Devillard, Fast median search (1998). */
#define FC_MEDIAN_9(S)                                                                           \
    S(1, 2) S(4, 5) S(7, 8) S(0, 1) S(3, 4) S(6, 7) S(1, 2) S(4, 5) S(7, 8) S(0, 3) S(5, 8)      \
    S(4, 7) S(3, 6) S(1, 4) S(2, 5) S(4, 7) S(4, 2) S(6, 4) S(4, 2)
#define FC_MEDIAN_25(S)                                                                          \
    S(0, 1) S(3, 4) S(2, 4) S(2, 3) S(6, 7) S(5, 7) S(5, 6) S(9, 10) S(8, 10) S(8, 9) S(12,      \
    13) S(11, 13) S(11, 12) S(15, 16) S(14, 16) S(14, 15) S(18, 19) S(17, 19) S(17, 18)          \
    S(21, 22) S(20, 22) S(20, 21) S(23, 24) S(2, 5) S(3, 6) S(0, 6) S(0, 3) S(4, 7) S(1, 7)      \
    S(1, 4) S(11, 14) S(8, 14) S(8, 11) S(12, 15) S(9, 15) S(9, 12) S(13, 16) S(10, 16)          \
    S(10, 13) S(20, 23) S(17, 23) S(17, 20) S(21, 24) S(18, 24) S(18, 21) S(19, 22) S(8, 17)     \
    S(9, 18) S(0, 18) S(0, 9) S(10, 19) S(1, 19) S(1, 10) S(11, 20) S(2, 20) S(2, 11) S(12,      \
    21) S(3, 21) S(3, 12) S(13, 22) S(4, 22) S(4, 13) S(14, 23) S(5, 23) S(5, 14) S(15, 24)      \
    S(6, 24) S(6, 15) S(7, 16) S(7, 19) S(13, 21) S(15, 23) S(7, 13) S(7, 15) S(1, 9) S(3,       \
    11) S(5, 17) S(11, 17) S(9, 17) S(4, 10) S(6, 12) S(7, 14) S(4, 6) S(4, 7) S(12, 14)         \
    S(10, 14) S(6, 7) S(10, 12) S(6, 10) S(6, 17) S(12, 17) S(7, 17) S(7, 10) S(12, 18) S(7,     \
    12) S(10, 18) S(12, 20) S(10, 20) S(10, 12)
#define FC_SORT(a, b)                                                                            \
    low = FC_MIN(e[a], e[b]);                                                                    \
    e[b] = FC_MAX(e[a], e[b]);                                                                   \
    e[a] = low;
#define FC_MEDIAN_OF(TAPS)                                                                       \
    static void FC_NAME(rank_row_median_##TAPS)(FC_LOOSE *dst, const FC_LOOSE *src,              \
                                                const ptrdiff_t *offset, ptrdiff_t count)        \
    {                                                                                            \
        for (ptrdiff_t i = 0; i < count; i += FC_LANES) {                                        \
            FC_VEC e[TAPS], low;                                                                 \
            _Pragma("GCC unroll 32") for (int t = 0; t < TAPS; t++)                              \
                e[t] = FC_LOAD(src + i + offset[t]);                                             \
            FC_MEDIAN_##TAPS(FC_SORT) FC_LOAD(dst + i) = e[TAPS / 2];                            \
        }                                                                                        \
    }
FC_MEDIAN_OF(9)
FC_MEDIAN_OF(25)
#undef FC_MEDIAN_OF
#undef FC_SORT
#undef FC_MEDIAN_9
#undef FC_MEDIAN_25

/* By a network: each step sorts two of the elements, as far as the result depends on them. */
FC_INLINE void FC_NAME(rank_by_network)(FC_LOOSE *dst, const FC_LOOSE *src, const fc_rank *rank,
                                        FC_LOOSE *room, const int width)
{
    const ptrdiff_t apart = width * FC_LANES;
    for (ptrdiff_t t = 0; t < rank->taps; t++) {
        FC_UNROLL
        for (int v = 0; v < width; v++)
            FC_LOAD(room + t * apart + v * FC_LANES) =
                FC_LOAD(src + rank->offset[t] + v * FC_LANES);
    }
    for (ptrdiff_t s = 0; s < rank->steps; s++) {
        FC_LOOSE *low = room + rank->step[s].low * apart;
        FC_LOOSE *high = room + rank->step[s].high * apart;
        FC_UNROLL
        for (int v = 0; v < width; v++) {
            const FC_VEC a = FC_LOAD(low + v * FC_LANES), b = FC_LOAD(high + v * FC_LANES);
            FC_LOAD(low + v * FC_LANES) = FC_MIN(a, b);
            FC_LOAD(high + v * FC_LANES) = FC_MAX(a, b);
        }
    }
    FC_UNROLL
    for (int v = 0; v < width; v++)
        FC_LOAD(dst + v * FC_LANES) = FC_LOAD(room + rank->place * apart + v * FC_LANES);
}

/* By halves: the least number of which more than `rank` elements are no larger.  What is halved are
 * the bits of numbers, turned so that they have the order of their values. */
#if FC_REAL == 4
#define FC_TURNED_BITS(x) ((x) ^ (((x) >> 31) & 0x7fffffff))
#elif FC_REAL == 8
#define FC_TURNED_BITS(x) ((x) ^ (((x) >> 63) & 0x7fffffffffffffff))
#else
#define FC_TURNED_BITS(x) (x)
#endif
FC_INLINE FC_VEC FC_NAME(rank_by_halves)(const FC_LOOSE *src, const fc_rank *rank)
{
    FC_VEC least = FC_LOAD(src + rank->offset[0]), most = least;
    for (ptrdiff_t t = 1; t < rank->taps; t++) {
        const FC_VEC value = FC_LOAD(src + rank->offset[t]);
        least = FC_MIN(value, least);
        most = FC_MAX(value, most);
    }
    FC_LANE_BITS low = (FC_LANE_BITS)least, high = (FC_LANE_BITS)most;
    low = FC_TURNED_BITS(low);
    high = FC_TURNED_BITS(high);
    /* Lanes behind the last output may hold anything, so it ends in any case. */
    for (int bit = 0; bit < (int)(8 * sizeof(FC_T)); bit++) {
        if (FC_LANES_EQUAL(low, high) == (uint32_t)((1ull << FC_LANES) - 1))
            break;
        const FC_LANE_BITS middle = (low & high) + ((low ^ high) >> 1);
        const FC_VEC bound = (FC_VEC)FC_TURNED_BITS(middle);
        FC_LANE_BITS count = {0};
        for (ptrdiff_t t = 0; t < rank->taps; t++)
            count -= (FC_LANE_BITS)(FC_LOAD(src + rank->offset[t]) <= bound);
        const FC_LANE_BITS enough = (FC_LANE_BITS)(count > (FC_LANE_BITS){0} + rank->rank);
        high = (enough & middle) | (~enough & high);
        low = (enough & low) | (~enough & (middle + 1));
    }
    return (FC_VEC)FC_TURNED_BITS(high) + (FC_VEC){0}; /* -0.0 is no larger than 0.0 */
}
#undef FC_TURNED_BITS

static void FC_NAME(rank_row)(void *dst_, const void *src_, const fc_rank *rank, ptrdiff_t count,
                              void *room)
{
    FC_LOOSE *dst = dst_;
    const FC_LOOSE *src = src_;
    ptrdiff_t i = 0;
    if (rank->taps == 9 && rank->rank == 4) {
        FC_NAME(rank_row_median_9)(dst, src, rank->offset, count);
        return;
    }
    if (rank->taps == 25 && rank->rank == 12) {
        FC_NAME(rank_row_median_25)(dst, src, rank->offset, count);
        return;
    }
    if (rank->steps == 0) {
        for (; i < count; i += FC_LANES)
            FC_LOAD(dst + i) = FC_NAME(rank_by_halves)(src + i, rank);
        return;
    }
    for (; i + FC_LANES < count; i += 2 * FC_LANES)
        FC_NAME(rank_by_network)(dst + i, src + i, rank, room, 2);
    for (; i < count; i += FC_LANES)
        FC_NAME(rank_by_network)(dst + i, src + i, rank, room, 1);
}
