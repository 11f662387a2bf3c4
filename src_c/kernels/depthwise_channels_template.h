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

/* The sums of pixels go on from those that C holds. */
FC_INLINE void FC_NAME(channels_begin)(const int PIXELS, FC_NAME(sums) *sum, const FC_T *c,
                                       ptrdiff_t step, uint32_t lanes)
{
    FC_UNROLL
    for (int i = 0; i < PIXELS; i++)
        sum[i][0] = FC_LOAD_MASKED(c + i * step, lanes);
}

/* Pixels of a row that four outputs read, each two columns after the one before it, at most. */
#define FC_MOST_READ (FC_MOST_TAPS + 6)

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
                FC_VEC wide[FC_MOST_READ]; /* pixel j is read by pixel i through tap j - i APART */
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
                FC_NAME(store_pixels)(PIXELS, MASKED, sum[0], PIXELS, to, step, pixels->lanes,
                                      store);
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
#define FC_CHANNELS_GO(KH, KW, APART, WORD, PIXELS)                                              \
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
    FC_CHANNELS_COLUMN(KH, KW, APART, one, 1, 0)                                                 \
    FC_CHANNELS_COLUMN(KH, KW, APART, one, 1, 1)                                                 \
    FC_CHANNELS_COLUMN(KH, KW, APART, some, FC_CHANNELS_PIXELS(KH, KW), 0)                       \
    FC_CHANNELS_COLUMN(KH, KW, APART, some, FC_CHANNELS_PIXELS(KH, KW), 1)                       \
    static void FC_NAME(channels_##KH##x##KW##_##APART)(                                         \
        const fc_pixels *pixels, const FC_T *a, const FC_T *b, FC_T *c, int goes_on,             \
        const fc_store *store)                                                                   \
    {                                                                                            \
        const fc_reads *columns = &pixels->column;                                               \
        const ptrdiff_t together = columns->together;                                            \
        for (ptrdiff_t x0 = 0; x0 < together && x0 < columns->outputs; x0++) {                   \
            ptrdiff_t x = x0;                                                                    \
            FC_CHANNELS_GO(KH, KW, APART, some, FC_CHANNELS_PIXELS(KH, KW))                      \
            FC_CHANNELS_GO(KH, KW, APART, one, 1)                                                \
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

/* All planes of depth of one vector, for some rows and columns. */
static void FC_NAME(channels_part)(FC_NAME(channels_fn) *make, const fc_pixels *pixels,
                                   const FC_T *a, const FC_T *b, FC_T *c, const fc_store *store)
{
    const fc_store unfinished = {.flags = 0};
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

/* Neighbouring vectors share lines of the cache, of the input and of the output: some columns of
 * all vectors come before the next columns, so that these lines are still in the first level.  Few
 * rows at a time touch few pages, of which the CPU remembers some dozens; `channels_column` gets
 * more of them for large kernels, as it begins with sums that are not used.
 *
 * What comes from memory, or goes there, is prefetched while the columns before it are made: some
 * of it for each vector, as the CPU waits if it is asked for more lines than it can ask for. */
static void FC_NAME(depthwise_channels)(const fc_pixels *pixels, ptrdiff_t vectors, const void *a_,
                                        const void *b_, void *c_, const fc_store *store)
{
    FC_NAME(channels_fn) *const make = FC_NAME(choose_channels)(pixels);
    const fc_reads *rows = &pixels->row, *columns = &pixels->column;
    const ptrdiff_t taps = pixels->depth.taps * rows->taps * columns->taps;
    const ptrdiff_t again = (rows->taps - 1) * rows->dilation / rows->stride;
    const ptrdiff_t height = FC_NAME(evenly)(rows->outputs, make && again > 2 ? 8 * again : 16);
    const ptrdiff_t some = rows->taps > 5 && !pixels->ahead ? 2 * FC_PLANE_VECTORS
                                                            : FC_PLANE_VECTORS;
    const ptrdiff_t width = make ? some * columns->together : FC_MOST_PIXELS;
    const uint32_t all = (uint32_t)(((uint64_t)1 << FC_LANES) - 1);
    const fc_reads *depth = &pixels->depth;
    const ptrdiff_t plane = depth->place[(depth->taps - 1) * depth->dilation];
    const ptrdiff_t channels = vectors * FC_LANES;
    fc_pixels part = *pixels;
    fc_store how = *store;
    for (ptrdiff_t y = 0; y < rows->outputs; y += height)
        for (ptrdiff_t x = 0; x < columns->outputs; x += width) {
            const ptrdiff_t at = y * pixels->c_row + x * pixels->c_column, next = x + width;
            fc_area read = {0}, written = {0};
            part.row.place = rows->place + y * rows->stride;
            part.row.outputs = rows->outputs - y < height ? rows->outputs - y : height;
            part.column.place = columns->place + x * columns->stride;
            part.column.outputs = columns->outputs - x < width ? columns->outputs - x : width;
            if (pixels->ahead && next < columns->outputs) {
                const ptrdiff_t end = columns->outputs - next < width ? columns->outputs
                                                                      : next + width;
                const ptrdiff_t first = fc_last_place(columns, x + part.column.outputs - 1);
                const ptrdiff_t last = fc_last_place(columns, end - 1);
                if (plane != FC_NOWHERE && first != FC_NOWHERE && first < last)
                    read = fc_area_read((const FC_T *)b_ + plane + first, &part.row, sizeof(FC_T),
                                        last - first + channels);
                written = fc_area_written((const FC_T *)c_ + at + width * pixels->c_column,
                                          pixels->c_row, part.row.outputs, sizeof(FC_T),
                                          (end - next - 1) * pixels->c_column + channels);
            }
            for (ptrdiff_t v = 0; v < vectors; v++) {
                const FC_T *bias = store->bias;
                if (pixels->ahead) {
                    fc_prefetch_area(&read, vectors);
                    fc_prefetch_area(&written, vectors);
                }
                part.lanes = v < vectors - 1 ? all : pixels->lanes;
                how.bias = bias ? bias + v * FC_LANES : NULL;
                FC_NAME(channels_part)(make, &part, (const FC_T *)a_ + v * taps * FC_LANES,
                                       (const FC_T *)b_ + v * FC_LANES,
                                       (FC_T *)c_ + at + v * FC_LANES, &how);
            }
        }
}
#undef FC_CHANNELS_COLUMN
#undef FC_CHANNELS_GO
#undef FC_CHANNELS_FIXED
#undef FC_FIXED_LIST
#undef FC_MOST_TAPS
#undef FC_CHANNELS_CHOOSE
#undef FC_CHANNELS_PIXELS
#undef FC_MOST_READ
#undef FC_MOST_PIXELS
#undef FC_SOME_PIXELS
#undef FC_SLIDES
#undef FC_MANY
