/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Packing: rows of the user's arrays into the dtype of the table in scratch memory, with their
 * borders, and from there into panels.
 */

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

/* Every second, or fourth, element as long as whole vectors lie before the last one; returns how
 * many were copied. */
FC_INLINE ptrdiff_t FC_NAME(copy_spread)(FC_T *dst, ptrdiff_t count, const FC_T *src,
                                         const int STEP)
{
    ptrdiff_t i = 0;
    for (; STEP != 3 && i + FC_LANES < count; i += FC_LANES, src += STEP * FC_LANES) {
        FC_VEC low = FC_EVERY_SECOND(0, FC_LOAD(src), FC_LOAD(src + FC_LANES));
        if (STEP == 4)
            low = FC_EVERY_SECOND(0, low, FC_EVERY_SECOND(0, FC_LOAD(src + 2 * FC_LANES),
                                                          FC_LOAD(src + 3 * FC_LANES)));
        FC_LOAD(dst + i) = low;
    }
    return i;
}

/* Elements of a row, step_bytes apart. */
FC_INLINE void FC_NAME(take)(FC_T *dst, ptrdiff_t count, const char *src, ptrdiff_t step_bytes,
                             int storage)
{
    if (storage == FC_OWN_KIND)
        switch (step_bytes) {
        case sizeof(FC_T): FC_NAME(copy)(dst, (const FC_T *)src, count); break;
/* Steps that are known become shuffles. */
#define FC_STEP(STEP)                                                                            \
    case STEP * sizeof(FC_T): {                                                                  \
        const ptrdiff_t done = FC_NAME(copy_spread)(dst, count, (const FC_T *)src, STEP);        \
        FC_NAME(move)((char *)(dst + done), sizeof(FC_T), src + done * STEP * sizeof(FC_T),      \
                      STEP * sizeof(FC_T), count - done, sizeof(FC_T), 0);                       \
        break;                                                                                   \
    }
            FC_STEP(2)
            FC_STEP(3)
            FC_STEP(4)
#undef FC_STEP
        default: FC_NAME(read_row)(dst, count, src, step_bytes, storage);
        }
    else
        FC_NAME(read_row)(dst, count, src, step_bytes, storage);
}

static void FC_NAME(copy_row)(void *dst_, ptrdiff_t before, ptrdiff_t valid, ptrdiff_t after,
                              const void *src, ptrdiff_t step_bytes, int storage,
                              const void *value)
{
    FC_T *dst = dst_, border;
    memcpy(&border, value, sizeof border);
    for (ptrdiff_t i = 0; i < before; i++)
        dst[i] = border;
    dst += before;
    FC_NAME(take)(dst, valid, src, step_bytes, storage);
    dst += valid;
    for (ptrdiff_t i = 0; i < after; i++)
        dst[i] = border;
}

/* Some rows, row_bytes apart in the array, one after the other in dst. */
static void FC_NAME(copy_rows)(void *dst_, ptrdiff_t rows, ptrdiff_t before, ptrdiff_t valid,
                               ptrdiff_t after, const void *src_, ptrdiff_t row_bytes,
                               ptrdiff_t step_bytes, int storage, const void *value)
{
    FC_T *dst = dst_, border;
    const char *src = src_;
    memcpy(&border, value, sizeof border);
    const int dense = storage == FC_OWN_KIND && step_bytes == sizeof(FC_T) && valid >= FC_LANES;
    for (; rows > 0; rows--, src += row_bytes) {
        if (!dense || before > 1 || after > 1) {
            FC_NAME(copy_row)(dst, before, valid, after, src, step_bytes, storage, value);
            dst += before + valid + after;
            continue;
        }
        if (before)
            *dst++ = border;
        FC_NAME(copy)(dst, (const FC_T *)src, valid);
        dst += valid;
        if (after)
            *dst++ = border;
    }
}

static void FC_NAME(gather_stored)(FC_T *dst, const char *src, const ptrdiff_t *offset_bytes,
                                   ptrdiff_t count, int storage)
{
    const ptrdiff_t size = FC_NAME(kind_bytes)(storage & FC_KIND);
    char raw[FC_NAME(CHUNK) * 8];
    for (; count > 0; count -= FC_NAME(CHUNK)) {
        const ptrdiff_t part = count < FC_NAME(CHUNK) ? count : FC_NAME(CHUNK);
#define FC_GATHER(SIZE)                                                                          \
    case SIZE:                                                                                   \
        for (ptrdiff_t i = 0; i < part; i++)                                                     \
            memcpy(raw + i * SIZE, src + offset_bytes[i], SIZE);                                 \
        break;
        switch (size) {
            FC_GATHER(1)
            FC_GATHER(2)
            FC_GATHER(4)
            FC_GATHER(8)
        }
#undef FC_GATHER
        FC_NAME(read_row)(dst, part, raw, size, storage);
        dst += part;
        offset_bytes += part;
    }
}

/* Elements at these offsets: few, at the ends of rows. */
FC_INLINE void FC_NAME(gather_few)(FC_T *dst, const char *src, const ptrdiff_t *offset_bytes,
                                   ptrdiff_t count, int storage)
{
    if (storage != FC_OWN_KIND) {
        FC_NAME(gather_stored)(dst, src, offset_bytes, count, storage);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i++)
        dst[i] = *(const FC_LOOSE *)(src + offset_bytes[i]);
}

static void FC_NAME(gather)(void *dst, const void *src, const ptrdiff_t *offset_bytes,
                            ptrdiff_t count, int storage)
{
    FC_NAME(gather_few)(dst, src, offset_bytes, count, storage);
}

static void FC_NAME(copy_row_border)(void *dst_, ptrdiff_t before, ptrdiff_t valid, ptrdiff_t after,
                                     const void *row, ptrdiff_t first, ptrdiff_t step_bytes,
                                     int storage, const ptrdiff_t *place)
{
    FC_T *dst = dst_;
    FC_NAME(gather_few)(dst, row, place, before, storage);
    FC_NAME(take)(dst + before, valid, (const char *)row + first, step_bytes, storage);
    FC_NAME(gather_few)(dst + before + valid, row, place + before + valid, after, storage);
}

/* Segments and steps are written upward in whole vectors: what a store spills past
 * its segment is overwritten by the next one, and the last one spills into slack.  Zeros follow the
 * last segment: see `clear_beyond` of _core/source.pyx. */
static void FC_NAME(pack_panel)(void *dst_, ptrdiff_t width, const void *src_,
                                const ptrdiff_t *offset, ptrdiff_t offsets,
                                const fc_segment *segment, ptrdiff_t segments)
{
    FC_T *dst = dst_;
    const ptrdiff_t used = segments ? segment[segments - 1].dst + segment[segments - 1].count : 0;
    for (ptrdiff_t k = 0; k < offsets; k++, dst += width) {
        const FC_T *src = (const FC_T *)src_ + offset[k];
        for (ptrdiff_t s = 0; s < segments; s++) {
            const FC_T *from = src + segment[s].src;
            FC_T *to = dst + segment[s].dst;
            for (ptrdiff_t i = 0; i < segment[s].count; i += FC_LANES)
                FC_LOAD(to + i) = FC_LOAD(from + i);
        }
        if (used < width)
            FC_LOAD(dst + used) = (FC_VEC){0};
    }
}

/* Weights of complex channels: x w = x_re w + x_im (i w), so the imaginary component of the input
 * has the weights i w = (-w_im, w_re).  May be in place. */
static void FC_NAME(multiply_i)(void *dst_, const void *src_, ptrdiff_t pitch, ptrdiff_t width,
                                ptrdiff_t rows)
{
    FC_T *dst = dst_;
    const FC_T *src = src_;
    for (ptrdiff_t r = 0; r < rows; r++, src += pitch, dst += pitch)
        for (ptrdiff_t i = 0; i < width; i += 2) {
            const FC_T real = src[i];
            dst[i] = -src[i + 1];
            dst[i + 1] = real;
        }
}

typedef FC_INT FC_NAME(integers) __attribute__((vector_size(FC_VBYTES), aligned(1), may_alias));

static int FC_NAME(finite)(const void *src_, ptrdiff_t count)
{
#if FC_REAL
    /* inf and NaN have an exponent of ones, which is all that inf has. */
    const FC_T *src = src_, most = FC_MOST;
    FC_NAME(integers) found = {0}, inf = {0};
    FC_INT bits, any = 0;
    ptrdiff_t i = 0;
    memcpy(&bits, &most, sizeof bits);
    inf += bits;
    for (; i + FC_LANES <= count; i += FC_LANES)
        found |= (FC_NAME(integers))((*(const FC_NAME(integers) *)(src + i) & inf) == inf);
    for (; i < count; i++) {
        FC_INT one;
        memcpy(&one, src + i, sizeof one);
        any |= (one & bits) == bits;
    }
    for (int lane = 0; lane < FC_LANES; lane++)
        any |= found[lane];
    return !any;
#else
    return src_ && count >= 0;
#endif
}
