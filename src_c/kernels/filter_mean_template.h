/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Running sums along a column, which begin with the sum of a window:
 *     total = 0 + row 0 + ... + row (size - 1)             dst = total / size
 *     total = total + (row (i + size - 1) - row (i - 1))   dst = total / size
 * Lanes are columns.  Row i of dst may be row i - 1, which is not read again. */
FC_INLINE void FC_NAME(mean_columns)(FC_LOOSE *dst, const FC_LOOSE *src, ptrdiff_t pitch,
                                     ptrdiff_t rows, ptrdiff_t size, FC_LOOSE *total,
                                     const int begin, const int width)
{
    FC_VEC sum[4];
    ptrdiff_t i = 0;
    FC_UNROLL
    for (int v = 0; v < width; v++)
        sum[v] = begin ? (FC_VEC){0} : FC_LOAD(total + v * FC_LANES);
    if (begin) {
        for (ptrdiff_t t = 0; t < size; t++) {
            FC_UNROLL
            for (int v = 0; v < width; v++)
                sum[v] += FC_LOAD(src + t * pitch + v * FC_LANES);
        }
        FC_UNROLL
        for (int v = 0; v < width; v++)
            FC_LOAD(dst + v * FC_LANES) = sum[v] / (FC_T)size;
        i = 1;
    }
    for (; i < rows; i++) {
        const FC_LOOSE *old = src + (i - 1) * pitch, *new = old + size * pitch;
        FC_UNROLL
        for (int v = 0; v < width; v++) {
            sum[v] += FC_LOAD(new + v * FC_LANES) - FC_LOAD(old + v * FC_LANES);
            FC_LOAD(dst + i * pitch + v * FC_LANES) = sum[v] / (FC_T)size;
        }
    }
    FC_UNROLL
    for (int v = 0; v < width; v++)
        FC_LOAD(total + v * FC_LANES) = sum[v];
}

static void FC_NAME(mean_rows)(void *dst_, const void *src_, ptrdiff_t pitch, ptrdiff_t rows,
                               ptrdiff_t count, ptrdiff_t size, void *total_, int begin)
{
    FC_LOOSE *dst = dst_, *total = total_;
    const FC_LOOSE *src = src_;
    ptrdiff_t i = 0;
    for (; i + 3 * FC_LANES < count; i += 4 * FC_LANES)
        FC_NAME(mean_columns)(dst + i, src + i, pitch, rows, size, total + i, begin, 4);
    for (; i + FC_LANES < count; i += 2 * FC_LANES)
        FC_NAME(mean_columns)(dst + i, src + i, pitch, rows, size, total + i, begin, 2);
    for (; i < count; i += FC_LANES) /* never more than one vector past a row: the next is there */
        FC_NAME(mean_columns)(dst + i, src + i, pitch, rows, size, total + i, begin, 1);
}

/* The same of one line, whose elements are `step` apart; each sum waits for the one before it. */
static void FC_NAME(mean_line)(void *dst_, const void *src_, ptrdiff_t step, ptrdiff_t count,
                               ptrdiff_t size, void *total_, int begin)
{
    FC_LOOSE *dst = dst_, *total = total_;
    const FC_LOOSE *src = src_;
    FC_T sum = begin ? 0 : *total;
    ptrdiff_t i = 0;
    if (begin) {
        for (ptrdiff_t t = 0; t < size; t++)
            sum += src[t * step];
        dst[0] = sum;
        i = 1;
    }
    for (; i < count; i++) {
        sum += src[(i + size - 1) * step] - src[(i - 1) * step];
        dst[i * step] = sum;
    }
    *total = sum;
    for (i = 0; i < count; i++)
        dst[i * step] /= (FC_T)size;
}
