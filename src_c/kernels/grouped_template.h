/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Planes of the output channels of some groups, side by side in a vector (l is its lane):
 *
 *     C[y][x][l] (+)= sum over taps d, h, w and channels k of a group of
 *                         A[d][h][w][k][l] * B[depth(d) + row(y, h) + column(x, w) + input(k, l)]
 *
 * where input(k, l) is channel k of the group of output l.  A pixel is loaded once for all taps and
 * output rows that read it: its channels are brought to the lanes that multiply them, a vector for
 * each k, and stored in `room`, a ring of as many rows as are read together.  (Where all lanes are
 * of one group, the pixel itself is stored, of which k is broadcast.)  The kernel goes down the
 * planes with some pixels of a row, or of two, whose sums share each vector of weights.
 */
#if FC_REAL
#define FC_GROUPED_MOST FC_GROUPED_WIDE
#else /* one width is enough */
#define FC_GROUPED_MOST FC_GROUPED_NARROW
#endif
/* One row of a column of pixels in the ring: [k][phase][step], position phase + step * apart.  The
 * row that will be next is brought near. */
static __attribute__((noinline)) void
FC_NAME(spread_row)(const fc_pixels *pixels, const fc_groups *groups, const ptrdiff_t *place,
                    ptrdiff_t pixel_count, ptrdiff_t phases, ptrdiff_t length, const FC_T *from,
                    const FC_T *next, FC_T *to)
{
    const fc_reads *column = &pixels->column;
    const ptrdiff_t apart = column->apart, used = (pixel_count - 1) * apart + column->taps;
    const ptrdiff_t each = phases * length * FC_LANES, step = apart * column->dilation;
    const ptrdiff_t channels = groups->channels;
    const fc_vec_i32 *const index = groups->index;
    const uint32_t lanes = groups->lanes;
    for (ptrdiff_t f = 0; f < phases; f++) {
        const ptrdiff_t *at = place + f * column->dilation;
        ptrdiff_t left = used - f; /* positions, of which every one that is `apart` is wanted */
        for (ptrdiff_t m = 0; m < length; m += FC_SPREAD, left -= FC_SPREAD * apart) {
            FC_VEC pixel[FC_SPREAD];
            FC_UNROLL
            for (int i = 0; i < FC_SPREAD; i++) {
                pixel[i] = (FC_VEC){0};
                if (i * apart < left && at[i * step] != FC_NOWHERE) {
                    pixel[i] = FC_LOAD_MASKED(from + at[i * step], lanes);
                    __builtin_prefetch(next + at[i * step]);
                }
            }
            at += FC_SPREAD * step;
            FC_T *k_to = to;
            if (!index)
                FC_UNROLL
                for (int i = 0; i < FC_SPREAD; i++)
                    FC_LOAD(to + i * FC_LANES) = pixel[i];
            for (ptrdiff_t k = 0; index && k < channels; k++, k_to += each) {
                const fc_vec_i32 lies = index[k];
                FC_UNROLL
                for (int i = 0; i < FC_SPREAD; i++)
                    FC_LOAD(k_to + i * FC_LANES) = (FC_VEC)fc_permute((fc_vec_i32)pixel[i], lies);
            }
            to += FC_SPREAD * FC_LANES;
        }
    }
}

/* All steps of a row of taps, for pixels of a row of the output, of the one after it, or of both:
 * that one reads the same pixels through other taps. */
FC_INLINE void FC_NAME(grouped_steps)(const int PIXELS, const int SPREAD, const int FIRST,
                                      const int END, const fc_groups *groups, ptrdiff_t steps,
                                      FC_NAME(sums) (*sum)[FC_GROUPED_WIDE], const FC_T *w,
                                      ptrdiff_t other, const FC_T *b)
{
    const ptrdiff_t *const step = groups->step, width = groups->width;
    for (ptrdiff_t t = 0; t < steps; t++, w += width) {
        const FC_T *from = b + step[t];
        FC_VEC weight[2];
        FC_UNROLL
        for (int r = FIRST; r < END; r++) {
            FC_VEC one = FC_LOAD(w + r * other);
            FC_KEEP(one);
            weight[r] = one;
        }
        FC_UNROLL
        for (int i = 0; i < PIXELS; i++)
            if (SPREAD) {
                FC_VEC pixel = FC_LOAD(from + i * FC_LANES);
                if (END - FIRST > 1)
                    FC_KEEP(pixel);
                FC_UNROLL
                for (int r = FIRST; r < END; r++)
                    sum[r][i][0] += FC_VECTOR_TIMES(pixel, weight[r]);
            } else
                FC_UNROLL
                for (int r = FIRST; r < END; r++)
                    sum[r][i][0] += FC_TIMES(from[i * FC_LANES], weight[r]);
    }
}

/* `count` pixels of a row of the output, and with `both` of the next one.  `row` is the place of
 * the first row of taps, which lies in row `at` of the ring. */
FC_INLINE void FC_NAME(grouped_run)(const int PIXELS, const int SPREAD, const fc_pixels *pixels,
                                    const fc_groups *groups, const ptrdiff_t *row, ptrdiff_t at,
                                    ptrdiff_t ring_row, int both, ptrdiff_t count, const FC_T *a,
                                    FC_T *c, const fc_store *store)
{
    const fc_reads *depth = &pixels->depth, *rows = &pixels->row;
    const ptrdiff_t steps = pixels->column.taps * groups->channels, taps = rows->taps;
    const ptrdiff_t tap_row = steps * groups->width, apart = FC_GROUPED_ROWS > 1 ? rows->apart : 0;
    const ptrdiff_t next = -apart * tap_row; /* from the weights of a row to those of the next */
    const ptrdiff_t c_step = pixels->column.together * pixels->c_column;
    const ptrdiff_t ring = FC_GROUPED_RING(taps, rows->apart);
    FC_NAME(sums) sum[2][FC_GROUPED_WIDE];
    FC_UNROLL
    for (int r = 0; r < FC_GROUPED_ROWS; r++)
        FC_UNROLL
        for (int i = 0; i < PIXELS; i++)
            sum[r][i][0] = (FC_VEC){0};
    for (ptrdiff_t d = 0; d < depth->taps; d++) {
        if (depth->place[d * depth->dilation] == FC_NOWHERE)
            continue;
        for (ptrdiff_t h = 0; h < taps + (both ? apart : 0); h++) {
            if (row[h * rows->dilation] == FC_NOWHERE)
                continue;
            const FC_T *w = a + (d * taps + h) * tap_row;
            const ptrdiff_t lies = at + h < ring ? at + h : at + h - ring;
            const FC_T *b = (const FC_T *)groups->room + (d * ring + lies) * ring_row;
            if (FC_GROUPED_ROWS == 1 || !both || h < apart)
                FC_NAME(grouped_steps)(PIXELS, SPREAD, 0, 1, groups, steps, sum, w, next, b);
            else if (h < taps)
                FC_NAME(grouped_steps)(PIXELS, SPREAD, 0, 2, groups, steps, sum, w, next, b);
            else
                FC_NAME(grouped_steps)(PIXELS, SPREAD, 1, 2, groups, steps, sum, w, next, b);
        }
    }
    const uint32_t lanes = pixels->lanes;
    const int masked = FC_NAME(channels_few)(pixels);
    FC_NAME(store_pixels)(PIXELS, masked, sum[0], count, c, c_step, lanes, store);
    if (FC_GROUPED_ROWS > 1 && both)
        FC_NAME(store_pixels)(PIXELS, masked, sum[1], count, c + rows->together * pixels->c_row,
                              c_step, lanes, store);
}

typedef void FC_NAME(grouped_run_fn)(const fc_pixels *pixels, const fc_groups *groups,
                                     const ptrdiff_t *row, ptrdiff_t at, ptrdiff_t ring_row,
                                     int both, ptrdiff_t count, const FC_T *a, FC_T *c,
                                     const fc_store *store);
#define FC_GROUPED_RUN(NAME, PIXELS, SPREAD)                                                     \
    static __attribute__((noinline)) void FC_NAME(grouped_##NAME)(                               \
        const fc_pixels *pixels, const fc_groups *groups, const ptrdiff_t *row, ptrdiff_t at,    \
        ptrdiff_t ring_row, int both, ptrdiff_t count, const FC_T *a, FC_T *c,                   \
        const fc_store *store)                                                                   \
    {                                                                                            \
        FC_NAME(grouped_run)(PIXELS, SPREAD, pixels, groups, row, at, ring_row, both, count, a,  \
                             c, store);                                                          \
    }
FC_GROUPED_RUN(narrow_spread, FC_GROUPED_NARROW, 1)
FC_GROUPED_RUN(narrow_whole, FC_GROUPED_NARROW, 0)
#if FC_REAL
FC_GROUPED_RUN(wide_spread, FC_GROUPED_WIDE, 1)
FC_GROUPED_RUN(wide_whole, FC_GROUPED_WIDE, 0)
#endif
#undef FC_GROUPED_RUN

/* How many narrow columns beside wide ones take the least time for so many pixels: a vector of
 * weights takes as long as a pixel. */
FC_INLINE ptrdiff_t FC_NAME(narrow_columns)(ptrdiff_t pixels)
{
    ptrdiff_t best = 0, least = PTRDIFF_MAX;
    for (ptrdiff_t n = 0; n <= FC_GROUPED_MOST && (n - 1) * FC_GROUPED_NARROW < pixels; n++) {
        const ptrdiff_t left = pixels - n * FC_GROUPED_NARROW;
        const ptrdiff_t wide = left > 0 ? (left + FC_GROUPED_MOST - 1) / FC_GROUPED_MOST : 0;
        const ptrdiff_t time = wide * (FC_GROUPED_MOST + 1) + n * (FC_GROUPED_NARROW + 1);
        if (time < least) {
            least = time;
            best = n;
        }
    }
    return best;
}

/* All rows of `count` pixels, the first of which is x. */
static void FC_NAME(grouped_column)(const fc_pixels *pixels, const fc_groups *groups, ptrdiff_t x,
                                    int wide, ptrdiff_t count, ptrdiff_t phases,
                                    ptrdiff_t length, const FC_T *a, const FC_T *b, FC_T *c,
                                    const fc_store *store)
{
    const fc_reads *depth = &pixels->depth, *rows = &pixels->row;
    const ptrdiff_t ring_row = phases * length * FC_LANES * (groups->index ? groups->channels : 1);
    const ptrdiff_t together = rows->together, apart = rows->apart, taps = rows->taps;
    const ptrdiff_t *place = pixels->column.place + x * pixels->column.stride;
    FC_T *const room = groups->room;
    FC_NAME(grouped_run_fn) *run = FC_NAME(grouped_narrow_spread);
    if (!groups->index)
        run = FC_NAME(grouped_narrow_whole);
#if FC_REAL
    if (wide)
        run = groups->index ? FC_NAME(grouped_wide_spread) : FC_NAME(grouped_wide_whole);
#else
    (void)wide;
#endif
    const ptrdiff_t ring = FC_GROUPED_RING(taps, apart);
    for (ptrdiff_t y0 = 0; y0 < together && y0 < rows->outputs; y0++) {
        const ptrdiff_t *const row = rows->place + y0 * rows->stride;
        const ptrdiff_t all = (rows->outputs - y0 - 1) / together * apart + taps;
        ptrdiff_t ready = 0, lies = 0, at = 0; /* rows that the ring has held; where it goes on */
        for (ptrdiff_t y = y0, first = 0; y < rows->outputs;) {
            const int both = FC_GROUPED_BOTH(taps, apart) && y + together < rows->outputs;
            const ptrdiff_t end = first + taps + (both ? apart : 0);
            if (ready < first) {
                ready = first;
                lies = at;
            }
            for (; ready < end; ready++, lies = lies + 1 < ring ? lies + 1 : 0) {
                const ptrdiff_t line = row[ready * rows->dilation];
                ptrdiff_t next = ready + 1 < all ? row[(ready + 1) * rows->dilation] : line;
                next = next == FC_NOWHERE ? line : next;
                for (ptrdiff_t d = 0; line != FC_NOWHERE && d < depth->taps; d++) {
                    const ptrdiff_t plane = depth->place[d * depth->dilation];
                    if (plane != FC_NOWHERE)
                        FC_NAME(spread_row)(pixels, groups, place, count, phases, length,
                                            b + plane + line, b + plane + next,
                                            room + (d * ring + lies) * ring_row);
                }
            }
            FC_T *to = c + y * pixels->c_row + x * pixels->c_column;
            run(pixels, groups, row + first * rows->dilation, at, ring_row, both, count, a, to,
                store);
            const int made = both ? 2 : 1;
            first += made * apart;
            y += made * together;
            for (at += made * apart; at >= ring;)
                at -= ring;
        }
    }
}

static void FC_NAME(grouped)(const fc_pixels *pixels, const fc_groups *groups, const void *a,
                             const void *b, void *c, const fc_store *store)
{
    const fc_reads *column = &pixels->column;
    const ptrdiff_t together = column->together, apart = column->apart, taps = column->taps;
    const ptrdiff_t phases = apart < taps ? apart : taps;
    for (ptrdiff_t x0 = 0; x0 < together && x0 < column->outputs; x0++) {
        ptrdiff_t left = (column->outputs - x0 + together - 1) / together, x = x0;
        ptrdiff_t narrow = FC_NAME(narrow_columns)(left), known = 0;
        while (left > 0) {
            const int wide = left > narrow * FC_GROUPED_NARROW;
            const ptrdiff_t most = wide ? FC_GROUPED_MOST : FC_GROUPED_NARROW;
            const ptrdiff_t count = left < most ? left : most;
            const ptrdiff_t shared = most + (taps - 1) / apart;
            const ptrdiff_t length = (shared + FC_SPREAD - 1) / FC_SPREAD * FC_SPREAD;
            for (ptrdiff_t w = 0; known != most && w < taps; w++)
                for (ptrdiff_t k = 0; k < groups->channels; k++) {
                    const ptrdiff_t lies = w % apart * length + w / apart;
                    groups->step[w * groups->channels + k] =
                        groups->index ? (k * phases * length + lies) * FC_LANES
                                      : lies * FC_LANES + groups->first + k;
                }
            known = most;
            FC_NAME(grouped_column)(pixels, groups, x, wide, count, phases, length, a, b, c,
                                    store);
            x += count * together;
            left -= count;
            narrow -= !wide;
        }
    }
}
