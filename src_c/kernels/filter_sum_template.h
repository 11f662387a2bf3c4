/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sums of taps, in the order that fc_sums names.  Lanes are outputs, so that order is the same for
 * every width of a vector.  Some vectors of outputs have their sums in registers: what limits is
 * one load, one multiplication and one addition for each tap and vector. */

/* The sums of `width` vectors of outputs. */
FC_INLINE void FC_NAME(sum_taps)(FC_LOOSE *dst, const FC_LOOSE *src, const fc_sums *sums,
                                 const int form, const int width)
{
    const FC_T *weight = sums->weight;
    const ptrdiff_t *offset = sums->offset, *mate = sums->mate;
    FC_VEC total[8];
    ptrdiff_t t = 0;
    FC_UNROLL
    for (int v = 0; v < width; v++)
        total[v] = (FC_VEC){0};
    if (form != FC_SUM) {
        const FC_LOOSE *from = src + offset[0];
        FC_UNROLL
        for (int v = 0; v < width; v++)
            total[v] = FC_LOAD(from + v * FC_LANES) * weight[0];
        t = 1;
    }
    for (; t < sums->taps; t++) {
        const FC_LOOSE *from = src + offset[t];
        const FC_T w = weight[t];
        if (form == FC_SUM || form == FC_SUM_FIRST) {
            FC_UNROLL
            for (int v = 0; v < width; v++)
                total[v] += FC_LOAD(from + v * FC_LANES) * w;
        } else {
            const FC_LOOSE *other = src + mate[t];
            FC_UNROLL
            for (int v = 0; v < width; v++) {
                const FC_VEC a = FC_LOAD(from + v * FC_LANES), b = FC_LOAD(other + v * FC_LANES);
                total[v] += (form == FC_SUM_SYMMETRIC ? a + b : a - b) * w;
            }
        }
    }
    FC_UNROLL
    for (int v = 0; v < width; v++)
        FC_LOAD(dst + v * FC_LANES) = total[v];
}

/* The same by fours: of each row of `every` taps, as many times four as there are have a sum of
 * their own; the last few are added one by one. */
FC_INLINE void FC_NAME(sum_fours)(FC_LOOSE *dst, const FC_LOOSE *src, const fc_sums *sums,
                                  const int width)
{
    const FC_T *weight = sums->weight;
    FC_VEC total[4], four[4];
    FC_UNROLL
    for (int v = 0; v < width; v++)
        total[v] = (FC_VEC){0};
    for (ptrdiff_t t = 0; t < sums->taps;) {
        const ptrdiff_t end = t + sums->every;
        while (t < end) {
            const ptrdiff_t some = t + 4 <= end ? t + 4 : t + 1;
            FC_UNROLL
            for (int v = 0; v < width; v++)
                four[v] = (FC_VEC){0};
            for (; t < some; t++) {
                const FC_LOOSE *from = src + sums->offset[t];
                const FC_T w = weight[t];
                FC_UNROLL
                for (int v = 0; v < width; v++)
                    four[v] += FC_LOAD(from + v * FC_LANES) * w;
            }
            FC_UNROLL
            for (int v = 0; v < width; v++)
                total[v] += four[v];
        }
    }
    FC_UNROLL
    for (int v = 0; v < width; v++)
        FC_LOAD(dst + v * FC_LANES) = total[v];
}

/* Sums of complex numbers, (a + bi)(c + di) = (ac - bd) + (ad + bc)i, one by one or by fours. */
FC_INLINE void FC_NAME(sum_complex)(FC_LOOSE *dst, const FC_LOOSE *src, const fc_sums *sums,
                                    const int width)
{
    const FC_T *weight = sums->weight;
    const ptrdiff_t group = sums->form == FC_SUM_COMPLEX_FOURS ? 4 : 1;
    FC_VEC total[4], part[4];
    FC_UNROLL
    for (int v = 0; v < 2 * width; v++)
        total[v] = (FC_VEC){0};
    for (ptrdiff_t t = 0; t < sums->taps;) {
        const ptrdiff_t end = t + sums->every;
        while (t < end) {
            const ptrdiff_t some = t + group <= end ? t + group : t + 1;
            FC_UNROLL
            for (int v = 0; v < 2 * width; v++)
                part[v] = (FC_VEC){0};
            for (; t < some; t++) {
                const FC_LOOSE *from = src + sums->offset[t];
                const FC_T c = weight[2 * t], d = weight[2 * t + 1];
                FC_UNROLL
                for (int v = 0; v < width; v++) {
                    const FC_VEC a = FC_LOAD(from + v * FC_LANES);
                    const FC_VEC b = FC_LOAD(from + sums->src_imaginary + v * FC_LANES);
                    part[2 * v] += a * c - b * d;
                    part[2 * v + 1] += a * d + b * c;
                }
            }
            FC_UNROLL
            for (int v = 0; v < 2 * width; v++)
                total[v] += part[v];
        }
    }
    FC_UNROLL
    for (int v = 0; v < width; v++) {
        FC_LOAD(dst + v * FC_LANES) = total[2 * v];
        FC_LOAD(dst + sums->dst_imaginary + v * FC_LANES) = total[2 * v + 1];
    }
}

#define FC_ROW_OF(FORM)                                                                          \
    static void FC_NAME(sum_row_##FORM)(FC_LOOSE *dst, const FC_LOOSE *src,                      \
                                        const fc_sums *sums, ptrdiff_t count)                    \
    {                                                                                            \
        ptrdiff_t i = 0;                                                                         \
        for (; i + 6 * FC_LANES < count; i += 8 * FC_LANES)                                      \
            FC_NAME(sum_taps)(dst + i, src + i, sums, FORM, 8);                                  \
        for (; i + FC_LANES < count; i += 2 * FC_LANES)                                          \
            FC_NAME(sum_taps)(dst + i, src + i, sums, FORM, 2);                                  \
        for (; i < count; i += FC_LANES)                                                         \
            FC_NAME(sum_taps)(dst + i, src + i, sums, FORM, 1);                                  \
    }
FC_ROW_OF(FC_SUM)
#if FC_REAL
FC_ROW_OF(FC_SUM_FIRST)
FC_ROW_OF(FC_SUM_SYMMETRIC)
FC_ROW_OF(FC_SUM_ANTISYMMETRIC)
#endif
#undef FC_ROW_OF

static void FC_NAME(sum_row)(void *dst_, const void *src_, const fc_sums *sums, ptrdiff_t count)
{
    FC_LOOSE *dst = dst_;
    const FC_LOOSE *src = src_;
    ptrdiff_t i = 0;
    switch (sums->form) {
    case FC_SUM:
        FC_NAME(sum_row_FC_SUM)(dst, src, sums, count);
        break;
#if FC_REAL
    case FC_SUM_FIRST:
        FC_NAME(sum_row_FC_SUM_FIRST)(dst, src, sums, count);
        break;
    case FC_SUM_SYMMETRIC:
        FC_NAME(sum_row_FC_SUM_SYMMETRIC)(dst, src, sums, count);
        break;
    case FC_SUM_ANTISYMMETRIC:
        FC_NAME(sum_row_FC_SUM_ANTISYMMETRIC)(dst, src, sums, count);
        break;
    case FC_SUM_COMPLEX:
    case FC_SUM_COMPLEX_FOURS:
        for (; i + FC_LANES < count; i += 2 * FC_LANES)
            FC_NAME(sum_complex)(dst + i, src + i, sums, 2);
        for (; i < count; i += FC_LANES)
            FC_NAME(sum_complex)(dst + i, src + i, sums, 1);
        break;
#endif
    default:
        for (; i + 2 * FC_LANES < count; i += 4 * FC_LANES)
            FC_NAME(sum_fours)(dst + i, src + i, sums, 4);
        for (; i < count; i += FC_LANES)
            FC_NAME(sum_fours)(dst + i, src + i, sums, 1);
    }
}
