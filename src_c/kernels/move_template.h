/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bits moved, and columns added: unfold, pad, shuffles and fold.
 *
 *     move_rows    dst[r][i] = src[r][i], or *value, in runs whose elements are evenly spaced
 *     add_rows     dst[r][i] += src[r][i], side by side
 */
#if FC_REAL == 4 /* once for each ISA: nothing here depends on the dtype */

/* Bytes that lie side by side. Most rows are short, and the call of memcpy takes as long. */
FC_INLINE void fc_copy_bytes(char *to, const char *from, ptrdiff_t bytes)
{
    typedef fc_vec_f32 vector;
    if (bytes >= FC_VBYTES) {
        ptrdiff_t i = 0;
        for (; i + FC_VBYTES <= bytes; i += FC_VBYTES)
            *(vector *)(to + i) = *(const vector *)(from + i);
        if (i < bytes) /* the last vector overlaps the one before it */
            *(vector *)(to + bytes - FC_VBYTES) = *(const vector *)(from + bytes - FC_VBYTES);
        return;
    }
#define FC_TWO_HALVES(HALF)                                                                      \
    if (bytes >= HALF) {                                                                         \
        char low[HALF], high[HALF];                                                              \
        memcpy(low, from, HALF);                                                                 \
        memcpy(high, from + bytes - HALF, HALF);                                                 \
        memcpy(to, low, HALF);                                                                   \
        memcpy(to + bytes - HALF, high, HALF);                                                   \
        return;                                                                                  \
    }
    FC_TWO_HALVES(32)
    FC_TWO_HALVES(16)
    FC_TWO_HALVES(8)
    FC_TWO_HALVES(4)
    FC_TWO_HALVES(2)
    FC_TWO_HALVES(1)
#undef FC_TWO_HALVES
}

typedef uint64_t fc_two __attribute__((vector_size(16)));

/* Rows of elements of SIZE bytes with steps. Of a step of 0, the one element is read once; a step
 * of two elements, which the compiler knows, becomes shuffles. */
#define FC_MOVE_ROWS(SIZE, TYPE)                                                                 \
    case SIZE:                                                                                   \
        for (ptrdiff_t r = 0; r < rows; r++) {                                                   \
            typedef TYPE type __attribute__((aligned(1), may_alias));                            \
            char *to_row = to + r * to_bytes;                                                    \
            const char *from_row = from + r * from_bytes;                                        \
            if (step == 0 && to_step == SIZE) {                                                  \
                const type bits = *(const type *)from_row;                                       \
                for (ptrdiff_t i = 0; i < count; i++)                                            \
                    ((type *)to_row)[i] = bits;                                                  \
            } else if (step == 2 * SIZE && to_step == SIZE) {                                    \
                FC_INDEPENDENT                                                                   \
                for (ptrdiff_t i = 0; i < count; i++)                                            \
                    ((type *)to_row)[i] = ((const type *)from_row)[2 * i];                       \
            } else                                                                               \
                for (ptrdiff_t i = 0; i < count; i++)                                            \
                    *(type *)(to_row + i * to_step) = *(const type *)(from_row + i * step);      \
        }                                                                                        \
        break;
static void fc_move_steps(char *to, ptrdiff_t to_bytes, ptrdiff_t to_step, const char *from,
                          ptrdiff_t from_bytes, ptrdiff_t step, ptrdiff_t rows,
                          ptrdiff_t count, ptrdiff_t size)
{
    switch (size) {
        FC_MOVE_ROWS(1, uint8_t)
        FC_MOVE_ROWS(2, uint16_t)
        FC_MOVE_ROWS(4, uint32_t)
        FC_MOVE_ROWS(8, uint64_t)
        FC_MOVE_ROWS(16, fc_two)
    default:
        for (ptrdiff_t r = 0; r < rows; r++)
            for (ptrdiff_t i = 0; i < count; i++)
                fc_copy_bytes(to + r * to_bytes + i * to_step,
                              from + r * from_bytes + i * step, size);
    }
}
#undef FC_MOVE_ROWS

/* Elements of `parts` numbers, each turned around where it lies. */
#define FC_TURN(SIZE, TYPE, SWAP)                                                                \
    case SIZE:                                                                                   \
        for (ptrdiff_t i = 0; i < count; i++)                                                    \
            for (ptrdiff_t p = 0; p < parts; p++) {                                              \
                TYPE bits;                                                                       \
                memcpy(&bits, to + i * to_step + p * SIZE, SIZE);                                \
                bits = SWAP(bits);                                                               \
                memcpy(to + i * to_step + p * SIZE, &bits, SIZE);                                \
            }                                                                                    \
        break;
static void fc_turn(char *to, ptrdiff_t to_step, ptrdiff_t count, ptrdiff_t parts,
                    ptrdiff_t bytes)
{
    switch (bytes) {
        FC_TURN(2, uint16_t, __builtin_bswap16)
        FC_TURN(4, uint32_t, __builtin_bswap32)
        FC_TURN(8, uint64_t, __builtin_bswap64)
    }
}
#undef FC_TURN

static void fc_move_rows(const fc_moved *bits, const fc_run *run, ptrdiff_t runs, char *dst,
                         ptrdiff_t dst_bytes, const char *src, ptrdiff_t src_bytes,
                         ptrdiff_t rows)
{
    const ptrdiff_t size = bits->size, to_step = bits->dst_step;
    for (; runs > 0; runs--, run++) {
        const int nowhere = src == NULL || run->src == FC_NOWHERE;
        const char *from = nowhere ? bits->value : src + run->src;
        const ptrdiff_t from_bytes = nowhere ? 0 : src_bytes;
        const ptrdiff_t step = nowhere ? 0 : run->step;
        const ptrdiff_t count = run->count, row = count * size;
        char *to = dst + run->dst;
        if (to_step == size && (step == size || (count == 1 && size > 16))) {
            if (dst_bytes == row && from_bytes == row)
                memcpy(to, from, rows * row);
            else
                for (ptrdiff_t r = 0; r < rows; r++)
                    fc_copy_bytes(to + r * dst_bytes, from + r * from_bytes, row);
        } else
            fc_move_steps(to, dst_bytes, to_step, from, from_bytes, step, rows, count, size);
        if (bits->turned)
            for (ptrdiff_t r = 0; r < rows; r++)
                fc_turn(to + r * dst_bytes, to_step, count, size / bits->turned, bits->turned);
    }
}
#endif

static void FC_NAME(move_rows)(const fc_moved *bits, const fc_run *run, ptrdiff_t runs, void *dst,
                               ptrdiff_t dst_bytes, const void *src, ptrdiff_t src_bytes,
                               ptrdiff_t rows)
{
    fc_move_rows(bits, run, runs, dst, dst_bytes, src, src_bytes, rows);
}

/* One row, in vectors; the last one overlaps the one before it, so it is added first. */
#define FC_ADD_ROW(VECTOR)                                                                       \
    {                                                                                            \
        const ptrdiff_t lanes = sizeof(VECTOR) / sizeof(FC_T), end = count - lanes;              \
        const VECTOR last = *(VECTOR *)(to + end) + *(const VECTOR *)(from + end);               \
        for (ptrdiff_t i = 0; i < end; i += lanes)                                               \
            *(VECTOR *)(to + i) += *(const VECTOR *)(from + i);                                  \
        *(VECTOR *)(to + end) = last;                                                            \
    }
static void FC_NAME(add_rows)(void *dst, ptrdiff_t dst_row, const void *src, ptrdiff_t src_row,
                              ptrdiff_t rows, ptrdiff_t count)
{
    typedef FC_T short_vector __attribute__((vector_size(16), aligned(1), may_alias));
    for (ptrdiff_t r = 0; r < rows; r++) {
        FC_LOOSE *to = (FC_LOOSE *)dst + r * dst_row;
        const FC_LOOSE *from = (const FC_LOOSE *)src + r * src_row;
        if (count >= FC_LANES)
            FC_ADD_ROW(FC_VEC)
        else if (count * sizeof(FC_T) >= sizeof(short_vector))
            FC_ADD_ROW(short_vector)
        else
            for (ptrdiff_t i = 0; i < count; i++)
                to[i] += from[i];
    }
}
#undef FC_ADD_ROW
