/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling of a row by itself: output i is the largest, or the sum, of B[first[i] ... end[i]).
 *
 * Places come with the cells, and tell which of equal cells is the first one, and which NaN is the
 * last. */
#if FC_SELECTS
FC_INLINE int FC_NAME(missing)(FC_T value)
{
#if FC_REAL
    return value != value;
#else
    return (void)value, 0;
#endif
}

/* The largest of two values of which either may be NaN. */
FC_INLINE FC_T FC_NAME(larger_of_two)(FC_T value, FC_T best, int omit)
{
    return value > best || (!omit && FC_NAME(missing)(value)) ? value : best;
}

static FC_T FC_NAME(across_max)(const FC_T *from, ptrdiff_t count, FC_T low, int omit)
{
    FC_VEC best = (FC_VEC){0} + low;
    ptrdiff_t i = 0;
    if (FC_REAL && omit)
        for (; i + FC_LANES <= count; i += FC_LANES)
            best = FC_LARGER(1, FC_LOAD(from + i), best);
    else
        for (; i + FC_LANES <= count; i += FC_LANES)
            best = FC_LARGER(0, FC_LOAD(from + i), best);
    for (int l = 0; i > 0 && l < FC_LANES; l++)
        low = FC_NAME(larger_of_two)(best[l], low, omit);
    for (; i < count; i++)
        low = FC_NAME(larger_of_two)(from[i], low, omit);
    return low;
}

#if FC_REAL
/* Lanes are added in halves; a chain of additions has at most POOL_BLOCK links. */
static FC_T FC_NAME(across_sum)(const FC_T *from, ptrdiff_t count)
{
    FC_VEC sum = {0}, part = {0};
    FC_T lanes[FC_LANES];
    ptrdiff_t i = 0, links = 0;
    for (; i + FC_LANES <= count; i += FC_LANES) {
        part += FC_LOAD(from + i);
        if (++links == FC_NAME(POOL_BLOCK)) {
            sum += part;
            part = (FC_VEC){0};
            links = 0;
        }
    }
    if (i < count)
        part += FC_LOAD_MASKED(from + i, (uint32_t)(((uint64_t)1 << (count - i)) - 1));
    sum += part;
    memcpy(lanes, &sum, sizeof lanes);
    for (int half = FC_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            lanes[l] += lanes[l + half];
    return lanes[0];
}
#endif

static void FC_NAME(pool_across)(const fc_across *across, const void *src, const int64_t *place,
                                 void *dst_, int64_t *index)
{
    const FC_T low = *(const FC_LOOSE *)across->low;
    FC_LOOSE *dst = dst_;
    for (ptrdiff_t o = 0; o < across->outputs; o++) {
        const ptrdiff_t first = across->first[o], count = across->end[o] - first;
        const FC_T *from = (const FC_T *)src + first;
        if (across->what == FC_POOL_MAX)
            dst[o] = FC_NAME(across_max)(from, count, low, across->omit);
#if FC_REAL
        else if (across->what == FC_POOL_SUM) {
            const FC_T sum = FC_NAME(across_sum)(from, count);
            dst[o] = across->average ? sum / (FC_T)(across->divisor * (double)count) : sum;
        }
#endif
        else {
            FC_T best = low;
            int64_t at = -1;
            for (ptrdiff_t i = 0; i < count; i++) {
                const int64_t here = place[first + i];
                const int missing = FC_NAME(missing)(from[i]), was = FC_NAME(missing)(best);
                int wins;
                if (here < 0)
                    continue;
                if (missing || was)
                    wins = missing && (!was || here > at);
                else
                    wins = from[i] > best || (from[i] == best && (at < 0 || here < at));
                best = wins ? from[i] : best;
                at = wins ? here : at;
            }
            dst[o] = best;
            index[o] = at;
        }
    }
}
#else
static void FC_NAME(pool_across)(const fc_across *across, const void *src, const int64_t *place,
                                 void *dst, int64_t *index)
{
    FC_JOIN3(pool_across, i64, FC_ISA)(across, src, place, dst, index);
}
#endif
