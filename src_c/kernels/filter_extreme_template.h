/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The largest and smallest of windows.  Of two zeros of different sign, which are equal, the later
 * one stays where a window is a box, and the first one under a footprint. */
#define FC_BETTER(a, b) (minimum ? FC_MIN(a, b) : FC_MAX(a, b)) /* b, unless a is better */

FC_INLINE void FC_NAME(two_of)(FC_LOOSE *dst, const FC_LOOSE *src, ptrdiff_t away, ptrdiff_t count,
                               const int minimum)
{
    for (ptrdiff_t i = 0; i < count; i += 2 * FC_LANES) {
        const FC_VEC a = FC_LOAD(src + i), b = FC_LOAD(src + i + FC_LANES);
        const FC_VEC c = FC_LOAD(src + i + away), d = FC_LOAD(src + i + away + FC_LANES);
        FC_LOAD(dst + i) = FC_BETTER(a, c);
        FC_LOAD(dst + i + FC_LANES) = FC_BETTER(b, d);
    }
}

static void FC_NAME(extreme_two)(void *dst, const void *src, ptrdiff_t away, ptrdiff_t count,
                                 int minimum)
{
    if (minimum)
        FC_NAME(two_of)(dst, src, away, count, 1);
    else
        FC_NAME(two_of)(dst, src, away, count, 0);
}

/* An element, and what a structure adds to it there. */
FC_INLINE FC_VEC FC_NAME(raised)(FC_VEC value, const fc_footprint *footprint, ptrdiff_t t,
                                 const int add)
{
#if FC_REAL == 8
    if (add != FC_ADD_NOTHING)
        value += footprint->height[t];
    if (add == FC_ADD_FLOAT && t > 0) {
        typedef float floats __attribute__((vector_size(FC_VBYTES / 2)));
        typedef double doubles __attribute__((vector_size(FC_VBYTES)));
        value = __builtin_convertvector(__builtin_convertvector((doubles)value, floats), doubles);
    }
    if (add == FC_ADD_INTEGER && t > 0) {
        const double low = footprint->low, high = footprint->high, range = high - low + 1;
        const FC_VEC all = (FC_VEC){0} + range;
        value -= (FC_VEC)((fc_vec_i64)all & (fc_vec_i64)(value > high));
        value += (FC_VEC)((fc_vec_i64)all & (fc_vec_i64)(value < low));
    }
#else
    (void)footprint, (void)t, (void)add;
#endif
    return value;
}

FC_INLINE void FC_NAME(extreme_of)(FC_LOOSE *dst, const FC_LOOSE *src,
                                   const fc_footprint *footprint, const int minimum, const int add,
                                   const int width)
{
    FC_VEC best[4];
    FC_UNROLL
    for (int v = 0; v < width; v++)
        best[v] = FC_NAME(raised)(FC_LOAD(src + footprint->offset[0] + v * FC_LANES), footprint, 0,
                                  add);
    for (ptrdiff_t t = 1; t < footprint->taps; t++) {
        const FC_LOOSE *from = src + footprint->offset[t];
        FC_UNROLL
        for (int v = 0; v < width; v++) {
            const FC_VEC next = FC_NAME(raised)(FC_LOAD(from + v * FC_LANES), footprint, t, add);
            best[v] = FC_BETTER(next, best[v]);
        }
    }
    FC_UNROLL
    for (int v = 0; v < width; v++)
        FC_LOAD(dst + v * FC_LANES) = best[v];
}

static void FC_NAME(extreme_row)(void *dst_, const void *src_, const fc_footprint *footprint,
                                 ptrdiff_t count)
{
    FC_LOOSE *dst = dst_;
    const FC_LOOSE *src = src_;
#define FC_CASE(MINIMUM, ADD, WIDTH)                                                             \
    case 2 * ADD + MINIMUM:                                                                      \
        for (ptrdiff_t i = 0; i < count; i += WIDTH * FC_LANES)                                  \
            FC_NAME(extreme_of)(dst + i, src + i, footprint, MINIMUM, ADD, WIDTH);               \
        break;
    switch (2 * footprint->add + footprint->minimum) {
        FC_CASE(0, FC_ADD_NOTHING, 2)
        FC_CASE(1, FC_ADD_NOTHING, 2)
#if FC_REAL == 8
        FC_CASE(0, FC_ADD_DOUBLE, 2)
        FC_CASE(1, FC_ADD_DOUBLE, 2)
        FC_CASE(0, FC_ADD_FLOAT, 2)
        FC_CASE(1, FC_ADD_FLOAT, 2)
        FC_CASE(0, FC_ADD_INTEGER, 2)
        FC_CASE(1, FC_ADD_INTEGER, 2)
#endif
    }
#undef FC_CASE
}
#undef FC_BETTER

static int FC_NAME(odd_numbers)(const void *src_, ptrdiff_t count)
{
    int found = 0;
#if FC_REAL
    const FC_LOOSE *src = src_;
    const FC_VEC minus = (FC_VEC){0} * (FC_T)-1;
    const FC_LANE_BITS sign = (FC_LANE_BITS)minus;
    FC_LANE_BITS nans = {0}, zeros = {0};
    ptrdiff_t i = 0;
    for (; i + FC_LANES <= count; i += FC_LANES) {
        const FC_VEC a = FC_LOAD(src + i);
        nans |= (FC_LANE_BITS)(a != a);
        zeros |= (FC_LANE_BITS)((FC_LANE_BITS)a == sign);
    }
    for (int l = 0; l < (int)FC_LANES; l++)
        found |= (nans[l] != 0) | (zeros[l] != 0) << 1;
    for (; i < count; i++)
        found |= (src[i] != src[i]) | (src[i] == 0 && __builtin_signbit(src[i])) << 1;
#else
    (void)src_, (void)count;
#endif
    return found;
}
