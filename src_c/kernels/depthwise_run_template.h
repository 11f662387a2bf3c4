/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Planes of neighbouring channels with these in a vector, for any kernel: a row of some pixels at a
 * time.  See depthwise_channels_template.h.
 */
/* Pixels whose sums stay in registers, beside those that they read. */
#define FC_SOME_PIXELS (FC_REGISTERS >= 32 ? 7 : 6)
#if FC_REAL && FC_REGISTERS >= 32
#define FC_MOST_PIXELS 14
#else
#define FC_MOST_PIXELS FC_SOME_PIXELS
#endif

/* The pixel at a place of an axis, or zeros on padding. */
FC_INLINE FC_VEC FC_NAME(channels_pixel)(const int MASKED, const FC_T *from, ptrdiff_t place,
                                         uint32_t lanes)
{
    if (!MASKED)
        return FC_LOAD(from + place);
    return place == FC_NOWHERE ? (FC_VEC){0} : FC_LOAD_MASKED(from + place, lanes);
}

/* Where stride and dilation agree, pixel i reads at tap t + 1 what pixel i + 1 reads at tap t. */
#define FC_SLIDES(column) ((column)->stride == (column)->dilation)

/* How `count` pixels side by side read the taps of a row: those before `first` and from `end` on
 * are on padding for all of them.  All pixels read taps [even, even_end), at even distances: `step`
 * elements from one pixel to the next, and `next` from one tap to the next. */
typedef struct {
    ptrdiff_t first, end, even, even_end, step, next;
} FC_NAME(run);

static int FC_NAME(run_reads)(const fc_reads *column, const ptrdiff_t *place, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++)
        if (place[i * column->stride] != FC_NOWHERE)
            return 1;
    return 0;
}

static __attribute__((noinline)) FC_NAME(run) FC_NAME(find_run)(const fc_reads *column,
                                                                ptrdiff_t x, ptrdiff_t count)
{
    const ptrdiff_t *place = column->place + x * column->stride;
    const ptrdiff_t dilation = column->dilation;
    FC_NAME(run) run = {.end = column->taps};
    while (run.first < run.end
           && !FC_NAME(run_reads)(column, place + run.first * dilation, count))
        run.first++;
    while (run.first < run.end
           && !FC_NAME(run_reads)(column, place + (run.end - 1) * dilation, count))
        run.end--;
    place += run.first * dilation;
    if (FC_SLIDES(column)) { /* all taps, or none */
        const ptrdiff_t pixels = run.end - run.first + count - 1;
        run.step = run.next = pixels > 1 ? place[dilation] - place[0] : 0;
        for (ptrdiff_t i = 0; i < pixels; i++)
            if (place[i * dilation] == FC_NOWHERE
                || place[i * dilation] != place[0] + i * run.step)
                return run;
        run.even = run.first;
        run.even_end = run.end;
        return run;
    }
    for (ptrdiff_t t = run.first; t < run.end; t++, place += dilation) {
        const ptrdiff_t step = count > 1 ? place[column->stride] - place[0] : 0;
        const ptrdiff_t next = place[0] - place[t ? -dilation : 0];
        int is_even = place[0] != FC_NOWHERE;
        for (ptrdiff_t i = 1; i < count && is_even; i++)
            is_even = place[i * column->stride] != FC_NOWHERE
                      && place[i * column->stride] == place[0] + i * step;
        if (is_even && run.even == run.even_end) {
            run.even = t;
            run.step = step;
        } else if (!is_even || step != run.step || (t - run.even > 1 && next != run.next)) {
            if (run.even < run.even_end)
                break;
            continue;
        } else {
            run.next = next;
        }
        run.even_end = t + 1;
    }
    return run;
}

/* A row of taps of pixels that slide: a tap loads one pixel, and the others stay in registers.
 * `window` is a ring, where pixel i of tap t is window[(t + i) % PIXELS].  EVEN pixels are `step`
 * elements apart, from b on; others are where `place` says, `step` entries apart, or zeros. */
#define FC_SLIDE_NEXT                                                                            \
    const FC_T *from = EVEN ? b : FC_NAME(slide_place)(b, *place);                               \
    FC_VEC pixel = MASKED ? FC_LOAD_MASKED(from, lanes) : FC_LOAD(from);                         \
    FC_KEEP(pixel);                                                                              \
    if (EVEN)                                                                                    \
        b += step;                                                                               \
    else                                                                                         \
        place += step;
#define FC_SLIDE_TAPS(ONE)                                                                       \
    ONE(0) ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10) ONE(11)        \
    ONE(12) ONE(13)
#define FC_SLIDE_ONE(T)                                                                          \
    if (T < PIXELS) {                                                                            \
        if (w == w_end)                                                                          \
            return;                                                                              \
        const FC_VEC weight = FC_LOAD(w);                                                        \
        FC_SLIDE_NEXT                                                                            \
        window[(T + PIXELS - 1) % PIXELS] = pixel;                                               \
        FC_UNROLL                                                                                \
        for (int i = 0; i < PIXELS; i++)                                                         \
            sum[i][0] += FC_VECTOR_TIMES(weight, window[(T + i) % PIXELS]);                      \
        w += FC_LANES;                                                                           \
    }

FC_INLINE const FC_T *FC_NAME(slide_place)(const FC_T *b, ptrdiff_t place)
{
    static const FC_T padding[FC_LANES];
    return place == FC_NOWHERE ? padding : b + place;
}

FC_INLINE void FC_NAME(channels_slide)(const int PIXELS, const int MASKED, const int EVEN,
                                       FC_NAME(sums) *sum, const FC_T *w, const FC_T *w_end,
                                       const FC_T *b, const ptrdiff_t *place, ptrdiff_t step,
                                       uint32_t lanes)
{
    FC_VEC window[FC_MOST_PIXELS];
    FC_UNROLL
    for (int i = 0; i < PIXELS - 1; i++) {
        FC_SLIDE_NEXT
        window[i] = pixel;
    }
    for (;;) {
        FC_SLIDE_TAPS(FC_SLIDE_ONE)
    }
}
#undef FC_SLIDE_NEXT
#undef FC_SLIDE_TAPS
#undef FC_SLIDE_ONE

/* What is only worth its code where there are many pixels. */
#define FC_MANY (PIXELS == FC_MOST_PIXELS && !MASKED)

/* Pixels [x, x + PIXELS) of row y. */
FC_INLINE void FC_NAME(channels_run)(const int PIXELS, const int MASKED, const fc_pixels *pixels,
                                     const FC_NAME(run) *run, ptrdiff_t y, ptrdiff_t x,
                                     const FC_T *a, const FC_T *b, FC_T *c, const fc_store *store)
{
    const fc_reads *depth = &pixels->depth, *row = &pixels->row, *column = &pixels->column;
    const ptrdiff_t taps = column->taps, dilation = column->dilation;
    const uint32_t lanes = pixels->lanes;
    FC_NAME(sums) sum[FC_MOST_PIXELS];
    FC_UNROLL
    for (int i = 0; i < PIXELS; i++)
        sum[i][0] = (FC_VEC){0};
    for (ptrdiff_t d = 0; d < depth->taps; d++)
        for (ptrdiff_t h = 0; h < row->taps; h++) {
            const ptrdiff_t plane = depth->place[d * depth->dilation];
            const ptrdiff_t line = row->place[y * row->stride + h * row->dilation];
            const ptrdiff_t *place = column->place + x * column->stride + run->first * dilation;
            const FC_T *w = a + (d * row->taps + h) * taps * FC_LANES;
            const FC_T *end = w + run->end * FC_LANES;
            const FC_T *even = w + run->even * FC_LANES, *even_end = w + run->even_end * FC_LANES;
            if (plane == FC_NOWHERE || line == FC_NOWHERE)
                continue;
            const FC_T *line_b = b + plane + line;
            w += run->first * FC_LANES;
            if (FC_SLIDES(column)) {
                if (FC_MANY && run->even < run->even_end)
                    FC_NAME(channels_slide)(PIXELS, MASKED, 1, sum, w, end, line_b + *place,
                                            place, run->step, lanes);
                else
                    FC_NAME(channels_slide)(PIXELS, MASKED, 0, sum, w, end, line_b, place,
                                            dilation, lanes);
                continue;
            }
            while (w < end) {
                if (FC_MANY && w == even && even < even_end) {
                    const FC_T *from = line_b + *place;
                    place += (run->even_end - run->even) * dilation;
                    for (; w < even_end; w += FC_LANES, from += run->next) {
                        const FC_VEC weight = FC_LOAD(w);
                        FC_UNROLL
                        for (int i = 0; i < PIXELS; i++) {
                            const FC_T *pixel = from + i * run->step;
                            sum[i][0] += FC_VECTOR_TIMES(
                                weight,
                                MASKED ? FC_LOAD_MASKED(pixel, lanes) : FC_LOAD(pixel));
                        }
                    }
                    continue;
                }
                const FC_VEC weight = FC_LOAD(w);
                FC_UNROLL
                for (int i = 0; i < PIXELS; i++)
                    if (place[i * column->stride] != FC_NOWHERE)
                        sum[i][0] += FC_VECTOR_TIMES(
                            weight, FC_NAME(channels_pixel)(MASKED, line_b,
                                                            place[i * column->stride], lanes));
                w += FC_LANES;
                place += dilation;
            }
        }
    FC_NAME(store_pixels)(PIXELS, MASKED, sum, PIXELS,
                          c + y * pixels->c_row + x * pixels->c_column, pixels->c_column, lanes,
                          store);
}

/* Whether there are fewer channels than in a vector. */
FC_INLINE int FC_NAME(channels_few)(const fc_pixels *pixels)
{
    return pixels->lanes != (uint32_t)(((uint64_t)1 << FC_LANES) - 1);
}

#define FC_CHANNELS_RUN(PIXELS, MASKED)                                                          \
    for (; x + PIXELS <= pixels->column.outputs; x += PIXELS) {                                  \
        const FC_NAME(run) run = FC_NAME(find_run)(&pixels->column, x, PIXELS);                  \
        for (ptrdiff_t y = 0; y < pixels->row.outputs; y++)                                      \
            FC_NAME(channels_run)(PIXELS, MASKED, pixels, &run, y, x, a, b, c, store);           \
    }
static void FC_NAME(channels_planes)(const fc_pixels *pixels, const FC_T *a, const FC_T *b,
                                     FC_T *c, const fc_store *store)
{
    ptrdiff_t x = 0;
    if (FC_NAME(channels_few)(pixels)) {
        FC_CHANNELS_RUN(FC_SOME_PIXELS, 1)
        FC_CHANNELS_RUN(1, 1)
        return;
    }
#if FC_MOST_PIXELS > FC_SOME_PIXELS
    FC_CHANNELS_RUN(FC_MOST_PIXELS, 0)
#endif
    FC_CHANNELS_RUN(FC_SOME_PIXELS, 0)
    FC_CHANNELS_RUN(3, 0)
    FC_CHANNELS_RUN(1, 0)
}
#undef FC_CHANNELS_RUN
