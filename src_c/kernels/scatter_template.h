/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Scatter: values to the places of a plane, in order; a place below 0 is left out.
 *
 *     plane[place[i]] = value[i], the larger of both, or their sum
 */
static void FC_NAME(scatter)(void *plane_, const void *value_, const int64_t *place,
                             ptrdiff_t count, int how, const void *flip)
{
    typedef FC_BITS loose __attribute__((aligned(1), may_alias));
    FC_LOOSE *plane = plane_;
    const FC_LOOSE *value = value_;
    const FC_BITS flipped = *(const loose *)flip;
    (void)flipped;
    if (how == FC_SCATTER_LAST)
        for (ptrdiff_t i = 0; i < count; i++) {
            if (place[i] >= 0)
                plane[place[i]] = value[i];
        }
    else if (how == FC_SCATTER_SUM)
        for (ptrdiff_t i = 0; i < count; i++) {
            if (place[i] >= 0)
                plane[place[i]] += value[i];
        }
    else
        for (ptrdiff_t i = 0; i < count; i++) {
            if (place[i] < 0)
                continue;
#if FC_REAL
            const FC_T before = plane[place[i]];
            if (value[i] > before || value[i] != value[i])
                plane[place[i]] = value[i];
#else /* of unsigned integers the first bit is flipped */
            const FC_T before = plane[place[i]] ^ (FC_T)flipped;
            if ((value[i] ^ (FC_T)flipped) > before)
                plane[place[i]] = value[i];
#endif
        }
}

/* Indices as places: each less `first`, divided by `step`.  Returns whether all that are not -1 are
 * multiples of it, from 0 to `limit` - 1. */
static int FC_NAME(find_places)(int64_t *index, ptrdiff_t count, int64_t first, int64_t step,
                                int64_t limit)
{
    int bad = 0;
    if (step == 1)
        for (ptrdiff_t i = 0; i < count; i++) {
            const int64_t place = index[i] - first;
            bad |= index[i] != -1 && (uint64_t)place >= (uint64_t)limit;
            index[i] = index[i] == -1 ? -1 : place;
        }
    else
        for (ptrdiff_t i = 0; i < count; i++) {
            const int64_t place = index[i] - first;
            bad |= index[i] != -1
                   && (place < 0 || place % step || (uint64_t)(place / step) >= (uint64_t)limit);
            index[i] = index[i] == -1 ? -1 : place / step;
        }
    return !bad;
}
