/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dst[c][r] = src[r][c]: weights on their way into strips, and tiles that hold
 * pixels in rows on their way out.  Blocks of SQUARE x SQUARE numbers (256 bits a row)
 * turn in registers, by log2(SQUARE) rounds that exchange halves of ever smaller groups.
 */
#define FC_SQUARE ((int)(32 / sizeof(FC_T)))
typedef FC_T FC_NAME(square_row) __attribute__((vector_size(32), aligned(1), may_alias));

/* Row i of the result goes to dst + place[i]. */
FC_INLINE void FC_NAME(transpose_square)(FC_T *dst, const ptrdiff_t *place, const FC_T *src,
                                         ptrdiff_t lds)
{
    typedef FC_NAME(square_row) row;
    row x[FC_SQUARE], y[FC_SQUARE];
    FC_UNROLL
    for (int i = 0; i < FC_SQUARE; i++)
        x[i] = *(const row *)(src + i * lds);
    /* Interleave the upper and lower half of the rows; repeated, this rotates the bits of
     * the index (row, column) until row and column have changed places. */
#if FC_SQUARE_IS_8
    FC_UNROLL
    for (int i = 0; i < 4; i++) {
        y[2 * i] = FC_SHUFFLE8(x[i], x[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        y[2 * i + 1] = FC_SHUFFLE8(x[i], x[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    FC_UNROLL
    for (int i = 0; i < 4; i++) {
        x[2 * i] = FC_SHUFFLE8(y[i], y[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        x[2 * i + 1] = FC_SHUFFLE8(y[i], y[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    FC_UNROLL
    for (int i = 0; i < 4; i++) {
        y[2 * i] = FC_SHUFFLE8(x[i], x[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        y[2 * i + 1] = FC_SHUFFLE8(x[i], x[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
#else
    row z[FC_SQUARE];
    FC_UNROLL
    for (int i = 0; i < 2; i++) {
        z[2 * i] = FC_SHUFFLE4(x[i], x[i + 2], 0, 4, 1, 5);
        z[2 * i + 1] = FC_SHUFFLE4(x[i], x[i + 2], 2, 6, 3, 7);
    }
    FC_UNROLL
    for (int i = 0; i < 2; i++) {
        y[2 * i] = FC_SHUFFLE4(z[i], z[i + 2], 0, 4, 1, 5);
        y[2 * i + 1] = FC_SHUFFLE4(z[i], z[i + 2], 2, 6, 3, 7);
    }
#endif
    FC_UNROLL
    for (int i = 0; i < FC_SQUARE; i++)
        *(row *)(dst + place[i]) = y[i];
}

static void FC_NAME(deal)(void *dst_, ptrdiff_t ldd, const void *src_, ptrdiff_t lds,
                          ptrdiff_t rows, ptrdiff_t groups, ptrdiff_t members)
{
    FC_T *dst = dst_;
    const FC_T *src = src_;
    const ptrdiff_t cols = groups * members;
    for (ptrdiff_t r = 0; r < rows; r += FC_SQUARE) {
        /* The last square overlaps the one before it. */
        const ptrdiff_t height = rows < FC_SQUARE ? rows : FC_SQUARE;
        const ptrdiff_t top = r + height > rows ? rows - height : r;
        ptrdiff_t group = 0, member = 0;
        for (ptrdiff_t c = 0; c < cols; c += FC_SQUARE) {
            const ptrdiff_t width = cols < FC_SQUARE ? cols : FC_SQUARE;
            const ptrdiff_t left = c + width > cols ? cols - width : c;
            ptrdiff_t place[FC_SQUARE];
            if (left < c) {
                group = left / members;
                member = left % members;
            }
            for (ptrdiff_t i = 0; i < width; i++) {
                place[i] = (member * groups + group) * ldd + top;
                if (++member == members) {
                    member = 0;
                    group++;
                }
            }
            if (height == FC_SQUARE && width == FC_SQUARE)
                FC_NAME(transpose_square)(dst, place, src + top * lds + left, lds);
            else
                for (ptrdiff_t j = 0; j < height; j++)
                    for (ptrdiff_t i = 0; i < width; i++)
                        dst[place[i] + j] = src[(top + j) * lds + left + i];
        }
    }
}

static void FC_NAME(transpose)(void *dst, ptrdiff_t ldd, const void *src, ptrdiff_t lds,
                               ptrdiff_t rows, ptrdiff_t cols)
{
    FC_NAME(deal)(dst, ldd, src, lds, rows, cols, 1);
}
#undef FC_SQUARE
