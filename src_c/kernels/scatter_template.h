/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Scatter: rows of values to where `place` says, in order; other places than `count` of them
 * from `first` on are left out.
 *
 *     plane[place[i] - first] = value[i], the larger of both, or their sum
 *
 * Places of rows lie side by side; the rows of values are value_row elements apart.
 */
static void FC_NAME(scatter)(void *plane_, const void *value_, ptrdiff_t value_row,
                             const int64_t *place, ptrdiff_t rows, ptrdiff_t cols,
                             int64_t first, int64_t count, int how, const void *flip)
{
    typedef FC_BITS loose __attribute__((aligned(1), may_alias));
    FC_LOOSE *plane = plane_;
    const FC_LOOSE *value = value_;
    const FC_BITS flipped = *(const loose *)flip;
    (void)flipped;
    if (value_row == cols) {
        cols *= rows;
        rows = 1;
    }
    for (; rows > 0; rows--, value += value_row, place += cols) {
        if (how == FC_SCATTER_LAST)
            for (ptrdiff_t i = 0; i < cols; i++) {
                const uint64_t at = (uint64_t)(place[i] - first);
                if (at < (uint64_t)count)
                    plane[at] = value[i];
            }
        else if (how == FC_SCATTER_SUM)
            for (ptrdiff_t i = 0; i < cols; i++) {
                const uint64_t at = (uint64_t)(place[i] - first);
                if (at < (uint64_t)count)
                    plane[at] += value[i];
            }
        else
            for (ptrdiff_t i = 0; i < cols; i++) {
                const uint64_t at = (uint64_t)(place[i] - first);
                if (at >= (uint64_t)count)
                    continue;
#if FC_REAL
                const FC_T before = plane[at];
                if (value[i] > before || value[i] != value[i])
                    plane[at] = value[i];
#else /* of unsigned integers the first bit is flipped */
                const FC_T before = plane[at] ^ (FC_T)flipped;
                if ((value[i] ^ (FC_T)flipped) > before)
                    plane[at] = value[i];
#endif
            }
    }
}

/* Indices to places in memory: see fc_places. An index below the first one, or whose x has a
 * remainder, gives an x / step of at least 2^64 / step, as multiplying by an odd number and
 * rotating map one to one. Returns 0 where each index but -1 has a place. */
FC_INLINE int64_t FC_NAME(find_row)(int64_t *restrict place, const int64_t *restrict index,
                                    ptrdiff_t cols, const fc_places *how, int64_t *range,
                                    int simple)
{
    const uint64_t limit = how->limit, inverse = how->inverse;
    const int64_t first = how->first, step = how->place_step;
    const int64_t *restrict lane_index = how->lane_index, *restrict lane_at = how->lane_at;
    const int right = how->twos, left = -how->twos & 63;
    int64_t largest = -1, below = 0, bad = 0; /* gcc makes vectors of two maxima */
    for (ptrdiff_t i = 0; i < cols; i++) {
        uint64_t x = (uint64_t)(index[i] - first);
        if (!simple) {
            x = (x - (uint64_t)lane_index[i]) * inverse;
            x = x >> right | x << left;
        }
        const int64_t at = simple ? (int64_t)x : (int64_t)x * step + lane_at[i];
        const int64_t found = x < limit ? at : -1, less = INT64_MAX - (found & INT64_MAX);
        bad |= (index[i] + 1) & -(int64_t)(x >= limit);
        place[i] = found;
        below = less > below ? less : below;
        largest = found > largest ? found : largest;
    }
    range[0] = INT64_MAX - below < range[0] ? INT64_MAX - below : range[0];
    range[1] = largest > range[1] ? largest : range[1];
    return bad;
}

/* A function of its own: in a nest of loops the compiler would not vectorise it. */
static __attribute__((noinline)) int64_t FC_NAME(find_one_row)(int64_t *place,
                                                               const int64_t *index,
                                                               ptrdiff_t cols,
                                                               const fc_places *how,
                                                               int64_t *range)
{
    return how->simple ? FC_NAME(find_row)(place, index, cols, how, range, 1)
                       : FC_NAME(find_row)(place, index, cols, how, range, 0);
}

/* Rows of indices, index_row elements apart, to places, and the least and the largest of these; the
 * latter is -1 where all values are left out. Returns whether no index but -1 is of no place. */
static int FC_NAME(find_places)(int64_t *place, const int64_t *index, ptrdiff_t index_row,
                                ptrdiff_t rows, ptrdiff_t cols, const fc_places *how,
                                int64_t *range)
{
    int64_t bad = 0; /* not 0 where an index but -1 is of no place */
    range[0] = INT64_MAX;
    range[1] = -1;
    if (index_row == cols) {
        cols *= rows;
        rows = 1;
    }
    for (; rows > 0; rows--, index += index_row)
        for (ptrdiff_t first = 0; first < cols; first += how->period) {
            const ptrdiff_t left = cols - first, count = left < how->period ? left : how->period;
            bad |= FC_NAME(find_one_row)(place, index + first, count, how, range);
            place += count;
        }
    return !bad;
}
