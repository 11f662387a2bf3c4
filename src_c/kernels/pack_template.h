/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Packing: the numbers of the user's arrays, whatever their storage and
 * strides, into the compute dtype in scratch memory, and from there into panels.
 */

FC_INLINE FC_T FC_NAME(read)(const char *src, const int storage)
{
    if (storage == FC_SAME) {
        FC_T value;
        memcpy(&value, src, sizeof value);
        return value;
    }
    if (storage == FC_SWAPPED) {
        FC_BITS bits;
        FC_T value;
        memcpy(&bits, src, sizeof bits);
        bits = FC_SWAP(bits);
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    uint32_t bits;
    float value;
    memcpy(&bits, src, sizeof bits);
    if (storage == FC_FLOAT_SWAPPED)
        bits = __builtin_bswap32(bits);
    memcpy(&value, &bits, sizeof value);
    return (FC_T)value;
}

FC_INLINE void FC_NAME(read_row)(FC_T *dst, ptrdiff_t count, const char *src,
                                 ptrdiff_t step_bytes, const int storage)
{
    for (ptrdiff_t i = 0; i < count; i++)
        dst[i] = FC_NAME(read)(src + i * step_bytes, storage);
}

/* Rows are short (a few vectors), so the call of memcpy would cost as much as the copy. */
FC_INLINE void FC_NAME(copy)(FC_T *dst, const FC_T *src, ptrdiff_t count)
{
    if (count >= FC_LANES) {
        ptrdiff_t i = 0;
        for (; i + FC_LANES <= count; i += FC_LANES)
            FC_LOAD(dst + i) = FC_LOAD(src + i);
        if (i < count) /* the last vector overlaps the one before it */
            FC_LOAD(dst + count - FC_LANES) = FC_LOAD(src + count - FC_LANES);
        return;
    }
    const size_t bytes = count * sizeof(FC_T);
    char *to = (char *)dst;
    const char *from = (const char *)src;
#define FC_COPY_TWO_HALVES(HALF)                                                                 \
    if (bytes >= HALF) {                                                                         \
        char low[HALF], high[HALF];                                                              \
        memcpy(low, from, HALF);                                                                 \
        memcpy(high, from + bytes - HALF, HALF);                                                 \
        memcpy(to, low, HALF);                                                                   \
        memcpy(to + bytes - HALF, high, HALF);                                                   \
        return;                                                                                  \
    }
    FC_COPY_TWO_HALVES(32)
    FC_COPY_TWO_HALVES(16)
    FC_COPY_TWO_HALVES(8)
    FC_COPY_TWO_HALVES(4)
#undef FC_COPY_TWO_HALVES
}

static void FC_NAME(fill)(void *dst_, ptrdiff_t before, ptrdiff_t valid, ptrdiff_t after,
                          const void *src, ptrdiff_t step_bytes, int storage)
{
    FC_T *dst = dst_;
    for (ptrdiff_t i = 0; i < before; i++)
        dst[i] = 0;
    dst += before;
    switch (storage) {
    case FC_SAME:
        switch (step_bytes) {
        case sizeof(FC_T): FC_NAME(copy)(dst, src, valid); break;
        /* Steps that are known become shuffles. */
        case 2 * sizeof(FC_T): FC_NAME(read_row)(dst, valid, src, 2 * sizeof(FC_T), FC_SAME); break;
        case 3 * sizeof(FC_T): FC_NAME(read_row)(dst, valid, src, 3 * sizeof(FC_T), FC_SAME); break;
        case 4 * sizeof(FC_T): FC_NAME(read_row)(dst, valid, src, 4 * sizeof(FC_T), FC_SAME); break;
        default: FC_NAME(read_row)(dst, valid, src, step_bytes, FC_SAME);
        }
        break;
    case FC_SWAPPED:
        FC_NAME(read_row)(dst, valid, src, step_bytes, FC_SWAPPED);
        break;
    case FC_FLOAT:
        FC_NAME(read_row)(dst, valid, src, step_bytes, FC_FLOAT);
        break;
    case FC_FLOAT_SWAPPED:
        FC_NAME(read_row)(dst, valid, src, step_bytes, FC_FLOAT_SWAPPED);
        break;
    }
    dst += valid;
    for (ptrdiff_t i = 0; i < after; i++)
        dst[i] = 0;
}

/* Segments and steps are written upward in whole vectors: what a store spills past
 * its segment is overwritten by the next one, and the last one spills into slack. */
static void FC_NAME(gather)(void *dst_, ptrdiff_t width, const void *src_, const ptrdiff_t *offset,
                            ptrdiff_t offsets, const fc_segment *segment, ptrdiff_t segments)
{
    FC_T *dst = dst_;
    for (ptrdiff_t k = 0; k < offsets; k++, dst += width) {
        const FC_T *src = (const FC_T *)src_ + offset[k];
        for (ptrdiff_t s = 0; s < segments; s++) {
            const FC_T *from = src + segment[s].src;
            FC_T *to = dst + segment[s].dst;
            for (ptrdiff_t i = 0; i < segment[s].count; i += FC_LANES)
                FC_LOAD(to + i) = FC_LOAD(from + i);
        }
    }
}

static void FC_NAME(collect)(void *dst_, ptrdiff_t pitch, const void *src, ptrdiff_t row_bytes,
                             ptrdiff_t rows, const ptrdiff_t *offset_bytes, ptrdiff_t offsets,
                             int storage)
{
    FC_T *dst = dst_;
#define FC_COLLECT(STORAGE)                                                                      \
    case STORAGE:                                                                                \
        for (ptrdiff_t k = 0; k < offsets; k++, dst += pitch)                                    \
            FC_NAME(read_row)(dst, rows, (const char *)src + offset_bytes[k], row_bytes, STORAGE); \
        break;
    switch (storage) {
        FC_COLLECT(FC_SAME)
        FC_COLLECT(FC_SWAPPED)
        FC_COLLECT(FC_FLOAT)
        FC_COLLECT(FC_FLOAT_SWAPPED)
    }
#undef FC_COLLECT
}

/* A sum of value * 0 is 0 unless one of the values is inf or NaN. */
static int FC_NAME(finite)(const void *src_, ptrdiff_t count)
{
    const FC_T *src = src_;
    FC_VEC sums = {0};
    FC_T sum = 0;
    ptrdiff_t i = 0;
    for (; i + FC_LANES <= count; i += FC_LANES)
        sums += FC_LOAD(src + i) * (FC_T)0;
    for (; i < count; i++)
        sum += src[i] * (FC_T)0;
    for (int lane = 0; lane < FC_LANES; lane++)
        sum += sums[lane];
    return sum == 0;
}
