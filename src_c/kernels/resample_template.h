/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Resampling along one axis at a time: each output is a sum of some inputs, with weights,
 *
 *     out[o] = sum over t of weight[o][t] * in[place[o][t]]
 *
 * or, in the tables of integers, a copy of one input: there a weight is a mask of bits, all of them
 * or none.  The order of a sum is that of its taps, whatever lies in vectors.
 */
#if FC_REAL
#define FC_WEIGHED(sum, weight, value) ((sum) + (weight) * (value))
#else
#define FC_WEIGHED(sum, weight, value) ((sum) | ((weight) & (value)))
#endif

/* What is stored might be what a pointer points to, so pointers and sizes are copied first. */
FC_INLINE void FC_NAME(resample_some)(const int ROWS, const int TAPS, const fc_samples *samples_,
                                      void *const *dst, const void *const *src)
{
    enum { PARTS = FC_VBYTES / 4 };
    const fc_samples samples = *samples_;
    const ptrdiff_t lanes = FC_LANES, most = TAPS ? TAPS : samples.taps;
    const ptrdiff_t *base = samples.base;
    const int32_t *place = samples.place;
    const FC_T *weight = samples.weight, *from[4];
    FC_T *to[4];
    FC_UNROLL
    for (int r = 0; r < ROWS; r++) {
        from[r] = src[r];
        to[r] = dst[r];
    }
    for (ptrdiff_t g = 0; g < samples.groups; g++) {
        const ptrdiff_t taps = TAPS ? TAPS : samples.count[g], at = samples.at[g];
        FC_VEC sum[4];
        FC_UNROLL
        for (int r = 0; r < ROWS; r++)
            sum[r] = (FC_VEC){0};
#define FC_TAPS(VALUE)                                                                           \
    for (ptrdiff_t t = 0; t < taps; t++) {                                                       \
        const fc_vec_i32 index = *(const fc_vec_i32 *)(place + t * PARTS);                       \
        const FC_VEC by = FC_LOAD(weight + t * lanes);                                           \
        (void)index;                                                                             \
        FC_UNROLL                                                                                \
        for (int r = 0; r < ROWS; r++)                                                           \
            sum[r] = FC_WEIGHED(sum[r], by, VALUE);                                              \
    }
        if (samples.near[g] == FC_TOGETHER) {
            fc_vec_i32 window[4];
            FC_UNROLL
            for (int r = 0; r < ROWS; r++)
                window[r] = *(const fc_vec_i32 *)(from[r] + *base);
            FC_TAPS((FC_VEC)fc_permute(window[r], index))
        } else if (samples.near[g] == FC_NEAR) {
            FC_TAPS((FC_VEC)fc_permute(*(const fc_vec_i32 *)(from[r] + base[t]), index))
        } else {
            FC_TAPS(FC_GATHERED(from[r] + base[t], place + t * PARTS))
        }
#undef FC_TAPS
        FC_UNROLL
        for (int r = 0; r < ROWS; r++)
            FC_LOAD(to[r] + at) = sum[r];
        base += most;
        place += most * PARTS;
        weight += most * lanes;
    }
}

/* Each a function of its own: those of few taps have no loop over them. */
#define FC_RESAMPLE(NAME, ROWS, TAPS)                                                            \
    static __attribute__((noinline)) void FC_NAME(resample_##NAME)(                              \
        const fc_samples *samples, void *const *dst, const void *const *src)                     \
    {                                                                                            \
        FC_NAME(resample_some)(ROWS, TAPS, samples, dst, src);                                   \
    }
FC_RESAMPLE(row, 1, 0)
#if FC_REAL
FC_RESAMPLE(four, 4, 0)
FC_RESAMPLE(rows_of_2, 4, 2)
#else
FC_RESAMPLE(four, 4, 1)

/* A row that is copied to so many rows of the output, if all groups are `whole`:
 *
 *     to[at[g] + l] = from[base[g] + place[g][l]]
 *
 * In the first `regular` groups `place` is that of the first one, base[g] = base[0] + g * step and
 * at[g] = g * lanes, so nothing of the tables is read there. */
FC_INLINE void FC_NAME(resample_copies)(const int COPIES, const fc_samples *samples,
                                        void *const *dst, const FC_T *from)
{
    enum { PARTS = FC_VBYTES / 4 };
    const ptrdiff_t *base = samples->base, *at = samples->at, lanes = FC_LANES;
    const ptrdiff_t groups = samples->groups, regular = samples->regular, step = samples->step;
    const int32_t *place = samples->place;
    FC_T *const first = dst[0], *const second = dst[COPIES - 1];
#define FC_COPY(TO, FROM, INDEX)                                                                 \
    {                                                                                            \
        const FC_VEC value = (FC_VEC)fc_permute(*(const fc_vec_i32 *)(from + (FROM)), INDEX);    \
        FC_LOAD(first + (TO)) = value;                                                           \
        if (COPIES > 1)                                                                          \
            FC_LOAD(second + (TO)) = value;                                                      \
    }
    const fc_vec_i32 index = *(const fc_vec_i32 *)place;
    for (ptrdiff_t g = 0, away = base[0]; g < regular; g++, away += step)
        FC_COPY(g * lanes, away, index)
    for (ptrdiff_t g = regular; g < groups; g++)
        FC_COPY(at[g], base[g], *(const fc_vec_i32 *)(place + g * PARTS))
#undef FC_COPY
}

/* Rows of the output that follow one another are often made of the same row. */
static __attribute__((noinline)) void FC_NAME(resample_whole)(const fc_samples *samples_,
                                                              void *const *dst,
                                                              const void *const *src,
                                                              ptrdiff_t rows)
{
    const fc_samples samples = *samples_;
    for (ptrdiff_t r = 0; r < rows; r++)
        if (r + 1 < rows && src[r] == src[r + 1]) {
            FC_NAME(resample_copies)(2, &samples, dst + r, src[r]);
            r++;
        } else {
            FC_NAME(resample_copies)(1, &samples, dst + r, src[r]);
        }
}
#endif

static void FC_NAME(resample_rows)(const fc_samples *samples, void *const *dst,
                                   const void *const *src, ptrdiff_t rows)
{
#if !FC_REAL
    if (samples->whole) {
        FC_NAME(resample_whole)(samples, dst, src, rows);
        return;
    }
#endif
    for (; rows >= 4; rows -= 4) {
#if FC_REAL
        if (samples->every == 2)
            FC_NAME(resample_rows_of_2)(samples, dst, src);
        else
#endif
            FC_NAME(resample_four)(samples, dst, src);
        dst += 4;
        src += 4;
    }
    for (; rows > 0; rows--)
        FC_NAME(resample_row)(samples, dst++, src++);
}
#undef FC_RESAMPLE

/* Elements of a pixel, so many vectors of them. */
FC_INLINE void FC_NAME(resample_part)(const int TAPS, const int VECTORS, FC_T *to, const FC_T *src,
                                      const ptrdiff_t *place, const FC_T *weight, ptrdiff_t taps)
{
    FC_VEC sum[4];
    FC_UNROLL
    for (int v = 0; v < VECTORS; v++)
        sum[v] = (FC_VEC){0};
    for (ptrdiff_t t = 0; t < (TAPS ? TAPS : taps); t++) {
        const FC_T *from = src + place[t];
        const FC_T by = weight[t];
        FC_UNROLL
        for (int v = 0; v < VECTORS; v++)
            sum[v] = FC_WEIGHED(sum[v], by, FC_LOAD(from + v * FC_LANES));
    }
    FC_UNROLL
    for (int v = 0; v < VECTORS; v++)
        FC_LOAD(to + v * FC_LANES) = sum[v];
}

FC_INLINE void FC_NAME(resample_channels)(const int TAPS, const fc_pixel_samples *samples_,
                                          FC_T *dst, const FC_T *src)
{
    const fc_pixel_samples samples = *samples_;
    const ptrdiff_t inner = samples.inner, lanes = FC_LANES, most = TAPS ? TAPS : samples.taps;
    const ptrdiff_t *place = samples.place;
    const FC_T *weight = samples.weight;
    for (ptrdiff_t o = 0; o < samples.outputs; o++) {
        const ptrdiff_t taps = TAPS ? TAPS : samples.count[o];
        ptrdiff_t c = 0;
        for (; c + 4 * lanes <= inner; c += 4 * lanes)
            FC_NAME(resample_part)(TAPS, 4, dst + c, src + c, place, weight, taps);
        for (; c + lanes <= inner; c += lanes)
            FC_NAME(resample_part)(TAPS, 1, dst + c, src + c, place, weight, taps);
        if (c < inner) {
            c = inner - lanes;
            FC_NAME(resample_part)(TAPS, 1, dst + c, src + c, place, weight, taps);
        }
        dst += samples.step;
        place += most;
        weight += most;
    }
}

static void FC_NAME(resample_pixels)(const fc_pixel_samples *samples, void *dst, const void *src)
{
    if (samples->every == 1)
        FC_NAME(resample_channels)(1, samples, dst, src);
    else if (FC_REAL && samples->every == 2)
        FC_NAME(resample_channels)(2, samples, dst, src);
    else
        FC_NAME(resample_channels)(0, samples, dst, src);
}

#if FC_REAL
/* Vectors of a sum of rows. */
FC_INLINE void FC_NAME(weigh_vectors)(const int VECTORS, FC_T *dst, const void *const *row,
                                      const FC_T *weight, ptrdiff_t rows, int add)
{
    FC_VEC sum[4];
    FC_UNROLL
    for (int v = 0; v < VECTORS; v++)
        sum[v] = add ? FC_LOAD(dst + v * FC_LANES) : (FC_VEC){0};
    for (ptrdiff_t k = 0; k < rows; k++) {
        const FC_T *from = row[k];
        FC_UNROLL
        for (int v = 0; v < VECTORS; v++)
            sum[v] = FC_WEIGHED(sum[v], weight[k], FC_LOAD(from + v * FC_LANES));
    }
    FC_UNROLL
    for (int v = 0; v < VECTORS; v++)
        FC_LOAD(dst + v * FC_LANES) = sum[v];
}

/* Two rows, as most sums have them. */
static void FC_NAME(weigh_two)(FC_T *dst, const FC_T *a, const FC_T *b, const FC_T *weight,
                               ptrdiff_t count)
{
    const FC_VEC by_a = (FC_VEC){0} + weight[0], by_b = (FC_VEC){0} + weight[1];
    const ptrdiff_t lanes = FC_LANES;
    ptrdiff_t j = 0;
    for (; j + lanes <= count; j += lanes) {
        const FC_VEC sum = FC_WEIGHED((FC_VEC){0}, by_a, FC_LOAD(a + j));
        FC_LOAD(dst + j) = FC_WEIGHED(sum, by_b, FC_LOAD(b + j));
    }
    if (j < count) {
        const uint32_t rest = ((uint32_t)1 << (count - j)) - 1;
        const FC_VEC sum = FC_WEIGHED((FC_VEC){0}, by_a, FC_LOAD_MASKED(a + j, rest));
        FC_STORE_MASKED(dst + j, FC_WEIGHED(sum, by_b, FC_LOAD_MASKED(b + j, rest)), rest);
    }
}

static void FC_NAME(weigh_rows)(void *dst_, const void *const *row, const void *weight_,
                                ptrdiff_t rows, ptrdiff_t count, int add)
{
    const ptrdiff_t lanes = FC_LANES;
    const FC_T *weight = weight_;
    const void *from[FC_SUMMED];
    FC_T *dst = dst_;
    if (rows == 2 && !add) {
        FC_NAME(weigh_two)(dst, row[0], row[1], weight, count);
        return;
    }
    for (ptrdiff_t k = 0; k < rows; k++)
        from[k] = row[k];
    while (count >= lanes) {
        const ptrdiff_t some = count >= 4 * lanes ? 4 * lanes : lanes;
        if (some > lanes)
            FC_NAME(weigh_vectors)(4, dst, from, weight, rows, add);
        else
            FC_NAME(weigh_vectors)(1, dst, from, weight, rows, add);
        for (ptrdiff_t k = 0; k < rows; k++)
            from[k] = (const FC_T *)from[k] + some;
        dst += some;
        count -= some;
    }
    if (count) {
        const uint32_t rest = ((uint32_t)1 << count) - 1;
        FC_VEC sum = {0};
        if (add)
            sum = FC_LOAD_MASKED(dst, rest);
        for (ptrdiff_t k = 0; k < rows; k++)
            sum = FC_WEIGHED(sum, weight[k], FC_LOAD_MASKED(from[k], rest));
        FC_STORE_MASKED(dst, sum, rest);
    }
}
#else
/* What is copied is not summed. */
static void FC_NAME(weigh_rows)(void *dst, const void *const *row, const void *weight,
                                ptrdiff_t rows, ptrdiff_t count, int add)
{
    (void)dst, (void)row, (void)weight, (void)rows, (void)count, (void)add;
}
#endif
#undef FC_WEIGHED
