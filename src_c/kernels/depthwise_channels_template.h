/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Planes of neighbouring channels, with these in a vector (l is its lane):
 *
 *     C[y][x][l] (+)= sum over taps d, h, w of
 *                         A[d][h][w][l] * B[depth(d) + row(y, h) + column(x, w) + l]
 *
 * As in depthwise_template.h, there are two ways: `channels_column` goes down the planes, with some
 * pixels of a row; `channels_run` makes one row of pixels at a time, for any kernel.
 */
/* The pixel at a place of an axis, or zeros on padding. */
FC_INLINE FC_VEC FC_NAME(channels_pixel)(const int MASKED, const FC_T *from, ptrdiff_t place,
                                         uint32_t lanes)
{
    if (!MASKED)
        return FC_LOAD(from + place);
    return place == FC_NOWHERE ? (FC_VEC){0} : FC_LOAD_MASKED(from + place, lanes);
}

FC_INLINE void FC_NAME(channels_store)(const int PIXELS, const int MASKED,
                                       const fc_pixels *pixels, FC_NAME(sums) *sum, FC_T *c,
                                       ptrdiff_t step, const fc_store *store)
{
    if (MASKED)
        FC_NAME(store_part)(PIXELS, 1, 1, sum, c, step, pixels->lanes, store);
    else
        FC_NAME(store)(PIXELS, 1, sum, c, step, store);
}

/* How pixels side by side read the taps of a row.  All of them read taps [first, end), at even
 * distances: `step` from one pixel to the next, `next` from one tap to the next.  Tap t is read by
 * pixels [from[t], to[t]), also `step` apart, while the others fall on padding; from[t] is
 * FC_UNEVEN where it is otherwise. */
typedef struct {
    ptrdiff_t first, end, step, next;
    uint8_t from[FC_RUN_TAPS], to[FC_RUN_TAPS];
} FC_NAME(even);

static FC_NAME(even) FC_NAME(even_taps)(const fc_reads *column, ptrdiff_t x, ptrdiff_t count)
{
    const ptrdiff_t *place = column->place + x * column->stride;
    FC_NAME(even) even = {.first = 0};
    for (ptrdiff_t t = 0; t < column->taps; t++, place += column->dilation) {
        const ptrdiff_t step = count > 1 ? place[column->stride] - place[0] : 0;
        int is_even = place[0] != FC_NOWHERE;
        for (ptrdiff_t i = 1; i < count && is_even; i++)
            is_even = place[i * column->stride] != FC_NOWHERE
                      && place[i * column->stride] == place[0] + i * step;
        const ptrdiff_t next = t ? place[0] - place[-column->dilation] : 0;
        if (is_even && even.first == even.end) {
            even.first = t;
            even.step = step;
        } else if (!is_even || step != even.step || (t - even.first > 1 && next != even.next)) {
            if (even.first < even.end)
                break;
            continue;
        } else {
            even.next = next;
        }
        even.end = t + 1;
    }
    place = column->place + x * column->stride;
    for (ptrdiff_t t = 0; t < column->taps && t < FC_RUN_TAPS; t++, place += column->dilation) {
        ptrdiff_t from = 0, to = count;
        while (from < count && place[from * column->stride] == FC_NOWHERE)
            from++;
        while (to > from && place[(to - 1) * column->stride] == FC_NOWHERE)
            to--;
        int uneven = even.first == even.end || (from > 0 && to < count);
        for (ptrdiff_t i = from + 1; i < to && !uneven; i++)
            uneven = place[i * column->stride] == FC_NOWHERE
                     || place[i * column->stride] != place[(i - 1) * column->stride] + even.step;
        even.from[t] = uneven ? FC_UNEVEN : from;
        even.to[t] = to;
    }
    return even;
}

/* Pixels from one on, and pixels up to one. */
#define FC_RUN_ONE(I)                                                                            \
    if (I < PIXELS)                                                                              \
        sum[I % PIXELS][0] += FC_VECTOR_TIMES(weight, FC_LOAD(from + at[I % PIXELS]));
#define FC_RUN_UP(I)                                                                             \
    case I:                                                                                      \
        FC_RUN_ONE(I)                                                                            \
        __attribute__((fallthrough));
#define FC_RUN_DOWN(I)                                                                           \
    case I + 1:                                                                                  \
        FC_RUN_ONE(I)                                                                            \
        __attribute__((fallthrough));
#define FC_RUN_PIXELS(ONE)                                                                       \
    ONE(0) ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10) ONE(11)        \
    ONE(12) ONE(13) default: break;
#define FC_RUN_PIXELS_DOWN(ONE)                                                                  \
    ONE(13) ONE(12) ONE(11) ONE(10) ONE(9) ONE(8) ONE(7) ONE(6) ONE(5) ONE(4) ONE(3) ONE(2)      \
    ONE(1) ONE(0) default: break;

/* Pixels [x, x + PIXELS) of row y. */
FC_INLINE void FC_NAME(channels_run)(const int PIXELS, const int MASKED, const fc_pixels *pixels,
                                     const FC_NAME(even) *even, ptrdiff_t y, ptrdiff_t x,
                                     const FC_T *a, const FC_T *b, FC_T *c, const fc_store *store)
{
    const fc_reads *depth = &pixels->depth, *row = &pixels->row, *column = &pixels->column;
    const ptrdiff_t taps = column->taps, first = even->first, end = even->end, next = even->next;
    FC_NAME(sums) sum[PIXELS];
    ptrdiff_t at[PIXELS];
    FC_UNROLL
    for (int i = 0; i < PIXELS; i++) {
        sum[i][0] = (FC_VEC){0};
        at[i] = i * even->step;
    }
    for (ptrdiff_t d = 0; d < depth->taps; d++)
        for (ptrdiff_t h = 0; h < row->taps; h++) {
            const ptrdiff_t plane = depth->place[d * depth->dilation];
            const ptrdiff_t line = row->place[y * row->stride + h * row->dilation];
            const ptrdiff_t *place = column->place + x * column->stride;
            const FC_T *w = a + (d * row->taps + h) * taps * FC_LANES;
            if (plane == FC_NOWHERE || line == FC_NOWHERE)
                continue;
            const FC_T *line_b = b + plane + line;
            for (ptrdiff_t t = 0; t < taps;) {
                if (t == first && first < end) {
                    const FC_T *from = line_b + place[t * column->dilation];
                    for (; t < end; t++, from += next) {
                        const FC_VEC weight = FC_LOAD(w + t * FC_LANES);
                        FC_UNROLL
                        for (int i = 0; i < PIXELS; i++)
                            sum[i][0] += FC_VECTOR_TIMES(
                                weight, MASKED ? FC_LOAD_MASKED(from + at[i], pixels->lanes)
                                               : FC_LOAD(from + at[i]));
                    }
                    continue;
                }
                const FC_VEC weight = FC_LOAD(w + t * FC_LANES);
                const ptrdiff_t *here = place + t * column->dilation;
                if (FC_REAL && PIXELS >= 7 && !MASKED && t < FC_RUN_TAPS
                    && even->from[t] != FC_UNEVEN) {
                    const ptrdiff_t low = even->from[t], high = even->to[t];
                    t++;
                    if (low == high)
                        continue;
                    const FC_T *from = line_b + here[low * column->stride] - at[low];
                    if (high == PIXELS)
                        switch (low) {
                            FC_RUN_PIXELS(FC_RUN_UP)
                        }
                    else
                        switch (high) {
                            FC_RUN_PIXELS_DOWN(FC_RUN_DOWN)
                        }
                    continue;
                }
                FC_UNROLL
                for (int i = 0; i < PIXELS; i++)
                    if (here[i * column->stride] != FC_NOWHERE)
                        sum[i][0] += FC_VECTOR_TIMES(
                            weight, FC_NAME(channels_pixel)(
                                        MASKED, line_b, here[i * column->stride], pixels->lanes));
                t++;
            }
        }
    FC_NAME(channels_store)(PIXELS, MASKED, pixels, sum,
                            c + y * pixels->c_row + x * pixels->c_column, pixels->c_column, store);
}

/* Whether there are fewer channels than in a vector. */
FC_INLINE int FC_NAME(channels_few)(const fc_pixels *pixels)
{
    return pixels->lanes != (uint32_t)(((uint64_t)1 << FC_LANES) - 1);
}

/* Whether some pixels read padding, or have fewer channels than a vector. */
FC_INLINE int FC_NAME(channels_masked)(const fc_pixels *pixels, ptrdiff_t x, ptrdiff_t count,
                                       ptrdiff_t step)
{
    const fc_reads *column = &pixels->column;
    int masked = FC_NAME(channels_few)(pixels);
    for (ptrdiff_t t = 0; t < column->taps && !masked; t++)
        for (ptrdiff_t i = 0; i < count; i++)
            masked |= column->place[(x + i * step) * column->stride + t * column->dilation]
                      == FC_NOWHERE;
    return masked;
}

#define FC_CHANNELS_RUN(PIXELS)                                                                  \
    for (; x + PIXELS <= pixels->column.outputs; x += PIXELS) {                                  \
        const FC_NAME(even) even = FC_NAME(even_taps)(&pixels->column, x, PIXELS);               \
        for (ptrdiff_t y = 0; y < pixels->row.outputs; y++)                                      \
            if (few)                                                                             \
                FC_NAME(channels_run)(PIXELS, 1, pixels, &even, y, x, a, b, c, store);           \
            else                                                                                 \
                FC_NAME(channels_run)(PIXELS, 0, pixels, &even, y, x, a, b, c, store);           \
    }
static void FC_NAME(channels_planes)(const fc_pixels *pixels, const FC_T *a, const FC_T *b,
                                     FC_T *c, const fc_store *store)
{
    const int few = FC_NAME(channels_few)(pixels);
    ptrdiff_t x = 0;
#if FC_REGISTERS >= 32
    FC_CHANNELS_RUN(14)
    FC_CHANNELS_RUN(7)
#else
    FC_CHANNELS_RUN(8)
#endif
    FC_CHANNELS_RUN(4)
    FC_CHANNELS_RUN(1)
}
#undef FC_CHANNELS_RUN
#undef FC_RUN_ONE
#undef FC_RUN_UP
#undef FC_RUN_DOWN
#undef FC_RUN_PIXELS
#undef FC_RUN_PIXELS_DOWN

/* The sums of pixels go on from those that C holds. */
FC_INLINE void FC_NAME(channels_begin)(const int PIXELS, FC_NAME(sums) *sum, const FC_T *c,
                                       ptrdiff_t step, uint32_t lanes)
{
    FC_UNROLL
    for (int i = 0; i < PIXELS; i++)
        sum[i][0] = FC_LOAD_MASKED(c + i * step, lanes);
}

/* PIXELS pixels that are `together` apart, the first of which is x, for kernels of KH x KW taps:
 * neighbours share the pixels that they read, and the weights stay in registers if they fit. */
FC_INLINE void FC_NAME(channels_column)(const int KH, const int KW, const int APART,
                                        const int PIXELS, const int MASKED,
                                        const fc_pixels *pixels, ptrdiff_t x, const FC_T *a,
                                        const FC_T *b, FC_T *c, int goes_on,
                                        const fc_store *store)
{
    const int FLIGHT = (KH - 1) / APART + 1, READ = (PIXELS - 1) * APART + KW;
    const int HELD = KH * KW < FC_REGISTERS;
    const fc_reads *rows = &pixels->row, *columns = &pixels->column;
    const ptrdiff_t together = rows->together, dilation = rows->dilation;
    const ptrdiff_t *place = columns->place + x * columns->stride;
    const ptrdiff_t step = columns->together * pixels->c_column;
    FC_VEC weight[FC_MOST_TAPS * FC_MOST_TAPS];
    FC_UNROLL
    for (int t = 0; t < KH; t++)
        FC_UNROLL
        for (int s = 0; HELD && s < KW; s++) {
            FC_VEC one = FC_LOAD(a + (t * KW + s) * FC_LANES);
            FC_KEEP(one);
            weight[t * KW + s] = one;
        }
    for (ptrdiff_t y0 = 0; y0 < together && y0 < rows->outputs; y0++) {
        const ptrdiff_t count = (rows->outputs - y0 + together - 1) / together;
        const ptrdiff_t *row = rows->place + y0 * rows->stride
                               + ((1 - FLIGHT) * APART + KH - APART) * dilation;
        FC_T *to = c + y0 * pixels->c_row + x * pixels->c_column;
        FC_NAME(sums) sum[FC_MOST_TAPS][4];
        FC_UNROLL
        for (int r = 0; r < FLIGHT; r++)
            FC_UNROLL
            for (int i = 0; i < PIXELS; i++)
                sum[r][i][0] = (FC_VEC){0};
        if (goes_on)
            FC_NAME(channels_begin)(PIXELS, sum[FLIGHT - 1], to, step, pixels->lanes);
        for (ptrdiff_t y = 1 - FLIGHT; y < count; y++) {
            FC_UNROLL
            for (int e = KH - APART; e < KH; e++, row += dilation) {
                if (y * APART + e < 0 || *row == FC_NOWHERE)
                    continue;
                const FC_T *from = b + *row;
                FC_KEEP_POINTER(from);
                FC_VEC wide[READ]; /* pixel j is read by pixel i through tap j - i APART */
                FC_UNROLL
                for (int j = 0; j < READ; j++) {
                    FC_VEC one = FC_NAME(channels_pixel)(
                        MASKED, from, place[j * columns->dilation], pixels->lanes);
                    FC_KEEP(one);
                    wide[j] = one;
                }
                FC_UNROLL
                for (int s = 0; s < KW; s++)
                    FC_UNROLL
                    for (int r = 0; r < FLIGHT; r++) {
                        const int h = e - r * APART;
                        if (h < 0)
                            continue;
                        FC_VEC w = HELD ? weight[h * KW + s]
                                        : FC_LOAD(a + (h * KW + s) * FC_LANES);
                        if (!HELD)
                            FC_KEEP(w);
                        FC_UNROLL
                        for (int i = 0; i < PIXELS; i++)
                            sum[r][i][0] += w * wide[s + i * APART];
                    }
            }
            if (y >= 0) {
                FC_NAME(channels_store)(PIXELS, MASKED, pixels, sum[0], to, step, store);
                to += together * pixels->c_row;
            }
            FC_UNROLL
            for (int r = 0; r < FLIGHT; r++)
                FC_UNROLL
                for (int i = 0; i < PIXELS; i++)
                    sum[r][i][0] = r + 1 < FLIGHT ? sum[r + 1][i][0] : (FC_VEC){0};
            if (goes_on && y + FLIGHT < count)
                FC_NAME(channels_begin)(PIXELS, sum[FLIGHT - 1],
                                        c + (y0 + (y + FLIGHT) * together) * pixels->c_row
                                            + x * pixels->c_column,
                                        step, pixels->lanes);
        }
    }
}

#define FC_CHANNELS_COLUMN(KH, KW, APART, WORD, PIXELS, MASKED)                                  \
    static __attribute__((noinline)) void                                                        \
    FC_NAME(channels_##KH##x##KW##_##APART##_##WORD##_##MASKED)(                                 \
        const fc_pixels *pixels, ptrdiff_t x, const FC_T *a, const FC_T *b, FC_T *c,             \
        int goes_on, const fc_store *store)                                                      \
    {                                                                                            \
        FC_NAME(channels_column)(KH, KW, APART, PIXELS, MASKED, pixels, x, a, b, c, goes_on,     \
                                 store);                                                         \
    }
#define FC_CHANNELS_GO(KH, KW, APART, WORD, PIXELS)                                                  \
    for (; x + (PIXELS - 1) * together < columns->outputs; x += PIXELS * together)               \
        if (FC_NAME(channels_masked)(pixels, x, PIXELS, together))                               \
            FC_NAME(channels_##KH##x##KW##_##APART##_##WORD##_1)(pixels, x, a, b, c, goes_on,    \
                                                                   store);                       \
        else                                                                                     \
            FC_NAME(channels_##KH##x##KW##_##APART##_##WORD##_0)(pixels, x, a, b, c, goes_on,    \
                                                                   store);
/* Pixels side by side: less where weights take most of the registers. */
#define FC_CHANNELS_PIXELS(KH, KW) (2 * KH * KW < FC_REGISTERS ? FC_STENCIL_VECTORS : 2)
#define FC_CHANNELS_FIXED(KH, KW, APART)                                                         \
    FC_CHANNELS_COLUMN(KH, KW, APART, one, 1, 0)                                                    \
    FC_CHANNELS_COLUMN(KH, KW, APART, one, 1, 1)                                                    \
    FC_CHANNELS_COLUMN(KH, KW, APART, some, FC_CHANNELS_PIXELS(KH, KW), 0)                                     \
    FC_CHANNELS_COLUMN(KH, KW, APART, some, FC_CHANNELS_PIXELS(KH, KW), 1)                                     \
    static void FC_NAME(channels_##KH##x##KW##_##APART)(                                         \
        const fc_pixels *pixels, const FC_T *a, const FC_T *b, FC_T *c, int goes_on,             \
        const fc_store *store)                                                                   \
    {                                                                                            \
        const fc_reads *columns = &pixels->column;                                               \
        const ptrdiff_t together = columns->together;                                            \
        for (ptrdiff_t x0 = 0; x0 < together && x0 < columns->outputs; x0++) {                   \
            ptrdiff_t x = x0;                                                                    \
            FC_CHANNELS_GO(KH, KW, APART, some, FC_CHANNELS_PIXELS(KH, KW))                              \
            FC_CHANNELS_GO(KH, KW, APART, one, 1)                                                     \
        }                                                                                        \
    }
typedef void FC_NAME(channels_fn)(const fc_pixels *pixels, const FC_T *a, const FC_T *b, FC_T *c,
                                  int goes_on, const fc_store *store);
#define FC_CHANNELS_CHOOSE(KH, KW, APART)                                                        \
    if (pixels->row.taps == KH && pixels->column.taps == KW && pixels->row.apart == APART &&     \
        pixels->column.apart == APART)                                                           \
        return FC_NAME(channels_##KH##x##KW##_##APART);
#if FC_REAL
FC_FIXED_LIST(FC_CHANNELS_FIXED)
#endif

/* The function for a kind of kernel, or NULL. */
static FC_NAME(channels_fn) *FC_NAME(choose_channels)(const fc_pixels *pixels)
{
    (void)pixels;
#if FC_REAL
    FC_FIXED_LIST(FC_CHANNELS_CHOOSE)
#endif
    return NULL;
}

static void FC_NAME(depthwise_channels)(const fc_pixels *pixels, const void *a_, const void *b_,
                                        void *c, const fc_store *store)
{
    FC_NAME(channels_fn) *const make = FC_NAME(choose_channels)(pixels);
    const fc_store unfinished = {.flags = 0};
    const FC_T *a = a_, *b = b_;
    ptrdiff_t planes = 0, goes_on = 0;
    for (ptrdiff_t d = 0; d < pixels->depth.taps; d++)
        planes += pixels->depth.place[d * pixels->depth.dilation] != FC_NOWHERE;
    /* Of several planes, C has to hold the sums as they are: see depthwise_template.h. */
    if (!make || planes == 0
        || (planes > 1 && store->flags & (FC_ADD | FC_INTEGER | FC_RESIDUAL))) {
        FC_NAME(channels_planes)(pixels, a, b, c, store);
        return;
    }
    for (ptrdiff_t d = 0; d < pixels->depth.taps; d++) {
        const ptrdiff_t depth = pixels->depth.place[d * pixels->depth.dilation];
        if (depth != FC_NOWHERE) {
            make(pixels, a, b + depth, c, goes_on, --planes ? &unfinished : store);
            goes_on = 1;
        }
        a += pixels->row.taps * pixels->column.taps * FC_LANES;
    }
}
#undef FC_CHANNELS_COLUMN
#undef FC_CHANNELS_GO
#undef FC_CHANNELS_FIXED
#undef FC_FIXED_LIST
#undef FC_MOST_TAPS
#undef FC_CHANNELS_CHOOSE
#undef FC_CHANNELS_PIXELS
