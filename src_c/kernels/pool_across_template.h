/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling of windows that differ from output to output.  The rows of a line become one row B,
 * column by column; output o of the line is the largest, or the sum, of
 *     B[first[o] ... end[o])
 * These cells become one vector; then FC_LANES such vectors become one, in which each output has a
 * lane.
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

enum { FC_NAME(ACROSS) = 4 }; /* vectors that do not wait for one another */

FC_INLINE FC_VEC FC_NAME(across_two)(const int WHAT, const int OMIT, FC_VEC value, FC_VEC best)
{
    if (WHAT == FC_POOL_SUM)
        return best + value;
    return FC_LARGER(OMIT, value, best);
}

/* Some vectors of the rows of a line, from columns `at` on, merged, to the same columns of `to`. */
FC_INLINE void FC_NAME(across_columns)(const int WHAT, const int OMIT, const int WIDTH,
                                       const int MASKED, const fc_across *across, ptrdiff_t line,
                                       const ptrdiff_t *at, uint32_t bits, FC_VEC low, FC_T *to)
{
    FC_VEC whole[FC_NAME(ACROSS)] = {low, low, low, low};
    for (ptrdiff_t run = across->begin[line]; run < across->begin[line + 1]; run++) {
        const FC_T *row = across->run[run].row;
        for (ptrdiff_t left = across->run[run].rows; left > 0; left -= across->block) {
            FC_VEC best[FC_NAME(ACROSS)] = {low, low, low, low};
            for (ptrdiff_t r = 0; r < left && r < across->block; r++) {
                FC_UNROLL
                for (int v = 0; v < WIDTH; v++)
                    best[v] = FC_NAME(across_two)(
                        WHAT, OMIT, FC_NAME(pool_load)(MASKED, row + at[v], bits, low), best[v]);
                row += across->step;
            }
            FC_UNROLL
            for (int v = 0; v < WIDTH; v++)
                whole[v] = FC_NAME(across_two)(WHAT, OMIT, best[v], whole[v]);
        }
    }
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++)
        if (MASKED)
            FC_STORE_MASKED(to + at[v], whole[v], bits);
        else
            FC_LOAD(to + at[v]) = whole[v];
}

/* The rows of a line as one row.  Vectors begin at the latest one before its end, and so the last
 * ones within others. */
FC_INLINE const FC_T *FC_NAME(across_rows)(const int WHAT, const int OMIT, const fc_across *across,
                                           ptrdiff_t line, FC_VEC low)
{
    const ptrdiff_t width = across->width, last = width - FC_LANES;
    const fc_rows *run = across->run + across->begin[line];
    ptrdiff_t at[FC_NAME(ACROSS)] = {0};
    if (across->begin[line + 1] - across->begin[line] == 1 && run->rows == 1)
        return run->row;
    if (last < 0)
        FC_NAME(across_columns)(WHAT, OMIT, 1, 1, across, line, at,
                                (uint32_t)(((uint64_t)1 << width) - 1), low, across->room);
    for (ptrdiff_t x = 0; last >= 0 && x < width; x += FC_NAME(ACROSS) * FC_LANES) {
        FC_UNROLL
        for (int v = 0; v < FC_NAME(ACROSS); v++)
            at[v] = x + v * FC_LANES < last ? x + v * FC_LANES : last;
        FC_NAME(across_columns)(WHAT, OMIT, FC_NAME(ACROSS), 0, across, line, at, 0, low,
                                across->room);
    }
    return across->room;
}

/* The cells of an output as a vector; a chain of additions has about POOL_BLOCK links. */
FC_INLINE FC_VEC FC_NAME(across_cells)(const int WHAT, const int OMIT, const FC_T *from,
                                       ptrdiff_t count, FC_VEC low)
{
    const ptrdiff_t step = FC_NAME(ACROSS) * FC_LANES;
    FC_VEC whole = low;
    ptrdiff_t i = 0;
    while (i + step <= count) {
        const ptrdiff_t left = count - i, block = step * FC_NAME(POOL_BLOCK);
        const ptrdiff_t end = WHAT == FC_POOL_SUM && left > block ? i + block : count;
        FC_VEC best[FC_NAME(ACROSS)] = {low, low, low, low};
        for (; i + step <= end; i += step)
            FC_UNROLL
            for (int v = 0; v < FC_NAME(ACROSS); v++)
                best[v] = FC_NAME(across_two)(WHAT, OMIT, FC_LOAD(from + i + v * FC_LANES),
                                              best[v]);
        FC_UNROLL
        for (int v = 0; v < FC_NAME(ACROSS); v++)
            whole = FC_NAME(across_two)(WHAT, OMIT, best[v], whole);
    }
    for (; i + FC_LANES <= count; i += FC_LANES)
        whole = FC_NAME(across_two)(WHAT, OMIT, FC_LOAD(from + i), whole);
    if (i < count)
        whole = FC_NAME(across_two)(
            WHAT, OMIT,
            FC_LOAD_FILLED(from + i, (uint32_t)(((uint64_t)1 << (count - i)) - 1), low), whole);
    return whole;
}

/* FC_LANES vectors as one: two become one by two, each with its neighbouring lanes merged.  `part`
 * has room for all of them. */
FC_INLINE FC_VEC FC_NAME(across_lanes)(const int WHAT, const int OMIT, FC_VEC *part)
{
    for (ptrdiff_t i = 0; i < FC_LANES - 1; i++) {
        const FC_VEC one = part[2 * i], two = part[2 * i + 1];
        part[FC_LANES + i] = FC_NAME(across_two)(WHAT, OMIT, FC_EVERY_SECOND(1, one, two),
                                                 FC_EVERY_SECOND(0, one, two));
    }
    return part[2 * FC_LANES - 2];
}

FC_INLINE void FC_NAME(across_lines)(const int WHAT, const int OMIT, const fc_across *across,
                                     FC_T *dst)
{
    const FC_VEC low = (FC_VEC){0} + (WHAT == FC_POOL_SUM ? 0 : *(const FC_LOOSE *)across->low);
    const ptrdiff_t outputs = across->lines * across->outputs;
    const FC_T *row = NULL;
    FC_VEC part[2 * FC_VBYTES / sizeof(FC_T)];
    FC_T divisor[FC_VBYTES / sizeof(FC_T)];
    for (ptrdiff_t at = 0, line = -1, o = across->outputs; at < outputs; at++, o++) {
        ptrdiff_t l = at % FC_LANES;
        if (o == across->outputs) {
            row = FC_NAME(across_rows)(WHAT, OMIT, across, ++line, low);
            o = 0;
        }
        const ptrdiff_t count = across->end[o] - across->first[o];
        part[l] = FC_NAME(across_cells)(WHAT, OMIT, row + across->first[o], count, low);
        divisor[l] = 1;
        if (WHAT == FC_POOL_SUM && across->divisors)
            divisor[l] = (FC_T)(across->divisors[line] * (double)count);
        if (++l < FC_LANES && at + 1 < outputs)
            continue;
        const uint32_t bits = (uint32_t)(((uint64_t)1 << l) - 1);
        for (ptrdiff_t none = l; none < FC_LANES; none++) {
            part[none] = low;
            divisor[none] = 1;
        }
        FC_VEC value = FC_NAME(across_lanes)(WHAT, OMIT, part);
        if (WHAT == FC_POOL_SUM)
            value /= FC_LOAD(divisor);
        if (l == FC_LANES)
            FC_LOAD(dst + at + 1 - l) = value;
        else
            FC_STORE_MASKED(dst + at + 1 - l, value, bits);
    }
}

/* The outputs of a line, which has one row, with the places of their cells. */
FC_INLINE void FC_NAME(across_places)(const fc_across *across, ptrdiff_t line, FC_LOOSE *dst,
                                      int64_t *index)
{
    const FC_T *row = across->run[across->begin[line]].row;
    const int64_t *place = across->place + line * across->place_line;
    for (ptrdiff_t o = 0; o < across->outputs; o++) {
        FC_T best = *(const FC_LOOSE *)across->low;
        int64_t at = -1;
        for (ptrdiff_t i = across->first[o]; i < across->end[o]; i++) {
            const int missing = FC_NAME(missing)(row[i]), was = FC_NAME(missing)(best);
            int wins;
            if (place[i] < 0)
                continue;
            if (missing || was)
                wins = missing && (!was || place[i] > at);
            else
                wins = row[i] > best || (row[i] == best && (at < 0 || place[i] < at));
            best = wins ? row[i] : best;
            at = wins ? place[i] : at;
        }
        dst[o] = best;
        index[o] = at;
    }
}

static void FC_NAME(pool_across)(const fc_across *across, void *dst, int64_t *index)
{
    if (across->what == FC_POOL_ARGMAX)
        for (ptrdiff_t line = 0; line < across->lines; line++)
            FC_NAME(across_places)(across, line, (FC_LOOSE *)dst + line * across->outputs,
                                   index + line * across->outputs);
#if FC_REAL
    else if (across->what == FC_POOL_SUM)
        FC_NAME(across_lines)(FC_POOL_SUM, 0, across, dst);
    else if (across->omit)
        FC_NAME(across_lines)(FC_POOL_MAX, 1, across, dst);
#endif
    else
        FC_NAME(across_lines)(FC_POOL_MAX, 0, across, dst);
}
#else
static void FC_NAME(pool_across)(const fc_across *across, void *dst, int64_t *index)
{
    FC_JOIN3(pool_across, i64, FC_ISA)(across, dst, index);
}
#endif
