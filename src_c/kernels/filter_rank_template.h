/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The element of a rank among those under a footprint, none of which is NaN.  Lanes are outputs. */

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
    return (FC_VEC)FC_TURNED_BITS(high);
}
#undef FC_TURNED_BITS

static void FC_NAME(rank_row)(void *dst_, const void *src_, const fc_rank *rank, ptrdiff_t count,
                              void *room)
{
    FC_LOOSE *dst = dst_;
    const FC_LOOSE *src = src_;
    ptrdiff_t i = 0;
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
