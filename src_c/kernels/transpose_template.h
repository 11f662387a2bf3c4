/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dst[c][r] = src[r][c]: weights on their way into panels, and sums [pixel][channel] on their way
 * to an output [channel][pixel].  Blocks of SQUARE x SQUARE elements (256 bits a row, or a vector of
 * 512) are transposed in registers, in log2(SQUARE) rounds.  Sums may get their epilogue on the way.
 * The elements of a row of dst may be a step apart.
 */
#define FC_SQUARE ((int)(32 / sizeof(FC_T)))
typedef FC_T FC_NAME(square_row) __attribute__((vector_size(32), aligned(1), may_alias));

/* What `store` says is done to sums, a row of a square that will be stored at `to`. */
FC_INLINE void FC_NAME(square_row_epilogue)(FC_NAME(square_row) *row, const FC_T *to,
                                            ptrdiff_t step, const fc_store *store)
{
    typedef FC_INT mask __attribute__((vector_size(32)));
    FC_NAME(square_row) y = *row;
    if (store->flags & FC_RESIDUAL) {
        const FC_LOOSE *residual = (const FC_LOOSE *)((const char *)to + store->residual_bytes);
        if (step == 1)
            y += *(const FC_NAME(square_row) *)residual;
        else
            FC_UNROLL
            for (int j = 0; j < FC_SQUARE; j++)
                y[j] += residual[j * step];
    }
    if (store->flags & FC_CLAMP) {
        const FC_NAME(square_row) low = (FC_NAME(square_row)){0} + (FC_T)store->low;
        const FC_NAME(square_row) high = (FC_NAME(square_row)){0} + (FC_T)store->high;
        const mask below = (mask)(y < low), above = (mask)(y > high);
        y = (FC_NAME(square_row))((below & (mask)low) | (above & (mask)high)
                                  | (~(below | above) & (mask)y));
    }
    *row = y;
}

/* Row i of the result goes to dst + place[i]. */
FC_INLINE void FC_NAME(transpose_square)(FC_T *dst, const ptrdiff_t *place, ptrdiff_t step,
                                         const FC_T *src, ptrdiff_t lds, const fc_store *store)
{
    typedef FC_NAME(square_row) row;
    row x[FC_SQUARE], y[FC_SQUARE];
    FC_UNROLL
    for (int i = 0; i < FC_SQUARE; i++)
        x[i] = *(const row *)(src + i * lds);
    /* Neighbours, in halves of 128 bits (for which every CPU has instructions): elements of two
     * rows, pairs of elements of four rows, at last the halves themselves. */
#if FC_SQUARE_IS_8
    FC_UNROLL
    for (int i = 0; i < 8; i += 2) {
        y[i] = FC_SHUFFLE8(x[i], x[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        y[i + 1] = FC_SHUFFLE8(x[i], x[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    FC_UNROLL
    for (int i = 0; i < 8; i += 4)
        FC_UNROLL
        for (int j = 0; j < 2; j++) {
            x[i + 2 * j] = FC_SHUFFLE8(y[i + j], y[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            x[i + 2 * j + 1] = FC_SHUFFLE8(y[i + j], y[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    FC_UNROLL
    for (int i = 0; i < 4; i++) {
        y[i] = FC_SHUFFLE8(x[i], x[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        y[i + 4] = FC_SHUFFLE8(x[i], x[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
#else
    row z[FC_SQUARE];
    FC_UNROLL
    for (int i = 0; i < 4; i += 2) {
        z[i] = FC_SHUFFLE4(x[i], x[i + 1], 0, 4, 2, 6);
        z[i + 1] = FC_SHUFFLE4(x[i], x[i + 1], 1, 5, 3, 7);
    }
    FC_UNROLL
    for (int i = 0; i < 2; i++) {
        y[i] = FC_SHUFFLE4(z[i], z[i + 2], 0, 1, 4, 5);
        y[i + 2] = FC_SHUFFLE4(z[i], z[i + 2], 2, 3, 6, 7);
    }
#endif
    if (store)
        FC_UNROLL
        for (int i = 0; i < FC_SQUARE; i++)
            FC_NAME(square_row_epilogue)(&y[i], dst + place[i], step, store);
    if (step == 1)
        FC_UNROLL
        for (int i = 0; i < FC_SQUARE; i++)
            *(row *)(dst + place[i]) = y[i];
    else if (FC_SPREADS && step == 2)
        FC_UNROLL
        for (int i = 0; i < FC_SQUARE; i++)
            FC_NAME(spread)(dst + place[i], &y[i]);
    else
        FC_UNROLL
        for (int i = 0; i < FC_SQUARE; i++)
            FC_UNROLL
            for (int j = 0; j < FC_SQUARE; j++)
                *(FC_LOOSE *)(dst + place[i] + j * step) = y[i][j];
}

/* The square at (r, c), or the one that ends with the last row or column; what is smaller than
 * a square goes element by element. */
FC_INLINE void FC_NAME(transpose_block)(FC_T *dst, ptrdiff_t ldd, ptrdiff_t step, const FC_T *src,
                                        ptrdiff_t lds, ptrdiff_t rows, ptrdiff_t r, ptrdiff_t cols,
                                        ptrdiff_t c, ptrdiff_t groups, ptrdiff_t members,
                                        const fc_store *store)
{
    const ptrdiff_t height = rows < FC_SQUARE ? rows : FC_SQUARE;
    const ptrdiff_t width = cols < FC_SQUARE ? cols : FC_SQUARE;
    ptrdiff_t place[FC_SQUARE];
    if (r + height > rows)
        r = rows - height;
    if (c + width > cols)
        c = cols - width;
    ptrdiff_t group = members == 1 ? c : c / members, member = members == 1 ? 0 : c % members;
    for (ptrdiff_t i = 0; i < width; i++) {
        place[i] = (member * groups + group) * ldd + r * step;
        if (++member == members) {
            member = 0;
            group++;
        }
    }
    src += r * lds + c;
    if (height == FC_SQUARE && width == FC_SQUARE)
        FC_NAME(transpose_square)(dst, place, step, src, lds, store);
    else
        for (ptrdiff_t j = 0; j < height; j++)
            for (ptrdiff_t i = 0; i < width; i++) {
                FC_T *to = dst + place[i] + j * step;
                FC_T value = *(const FC_LOOSE *)(src + j * lds + i);
                if (store && store->flags & FC_RESIDUAL)
                    value += *(const FC_LOOSE *)((const char *)to + store->residual_bytes);
                if (store && store->flags & FC_CLAMP)
                    value = value < (FC_T)store->low    ? (FC_T)store->low
                            : value > (FC_T)store->high ? (FC_T)store->high
                                                      : value;
                *(FC_LOOSE *)to = value;
            }
}

#if FC_VBYTES == 64
#define FC_LARGE ((int)FC_LANES)

/* Two of four blocks of 128 bits of either: the even or the odd ones. */
FC_INLINE FC_VEC FC_NAME(blocks)(FC_VEC a, FC_VEC b, const int odd)
{
    return (FC_VEC)fc_blocks_of_two((fc_vec_f32)a, (fc_vec_f32)b, odd);
}

static __attribute__((noinline)) void FC_NAME(transpose_large)(FC_T *dst, ptrdiff_t ldd,
                                                               const FC_T *src, ptrdiff_t lds,
                                                               const fc_store *store)
{
    FC_VEC x[FC_LARGE], y[FC_LARGE];
    FC_UNROLL
    for (int i = 0; i < FC_LARGE; i++)
        x[i] = FC_LOAD(src + i * lds);
    /* As above within 128 bits, of which register i + j has part j of rows i, ... */
#if FC_SQUARE_IS_8
    FC_UNROLL
    for (int i = 0; i < FC_LARGE; i += 2) {
        y[i] = (FC_VEC)fc_unpack_32((fc_vec_f32)x[i], (fc_vec_f32)x[i + 1], 0);
        y[i + 1] = (FC_VEC)fc_unpack_32((fc_vec_f32)x[i], (fc_vec_f32)x[i + 1], 1);
    }
    FC_UNROLL
    for (int i = 0; i < FC_LARGE; i += 4)
        FC_UNROLL
        for (int j = 0; j < 2; j++) {
            x[i + 2 * j] = (FC_VEC)fc_unpack_64((fc_vec_f64)y[i + j], (fc_vec_f64)y[i + j + 2], 0);
            x[i + 2 * j + 1]
                = (FC_VEC)fc_unpack_64((fc_vec_f64)y[i + j], (fc_vec_f64)y[i + j + 2], 1);
        }
#else
    FC_UNROLL
    for (int i = 0; i < FC_LARGE; i += 2) {
        y[i] = (FC_VEC)fc_unpack_64((fc_vec_f64)x[i], (fc_vec_f64)x[i + 1], 0);
        y[i + 1] = (FC_VEC)fc_unpack_64((fc_vec_f64)x[i], (fc_vec_f64)x[i + 1], 1);
    }
    FC_UNROLL
    for (int i = 0; i < FC_LARGE; i++)
        x[i] = y[i];
#endif
    /* ... and then the four parts of four registers, each of which becomes a row. */
    const int N = FC_LARGE / 4;
    FC_UNROLL
    for (int j = 0; j < N; j++) {
        const FC_VEC even = FC_NAME(blocks)(x[j], x[N + j], 0);
        const FC_VEC odd = FC_NAME(blocks)(x[j], x[N + j], 1);
        const FC_VEC even_2 = FC_NAME(blocks)(x[2 * N + j], x[3 * N + j], 0);
        const FC_VEC odd_2 = FC_NAME(blocks)(x[2 * N + j], x[3 * N + j], 1);
        y[j] = FC_NAME(blocks)(even, even_2, 0);
        y[N + j] = FC_NAME(blocks)(odd, odd_2, 0);
        y[2 * N + j] = FC_NAME(blocks)(even, even_2, 1);
        y[3 * N + j] = FC_NAME(blocks)(odd, odd_2, 1);
    }
    FC_UNROLL
    for (int i = 0; i < FC_LARGE; i++) {
        FC_T *to = dst + i * ldd;
        if (store && store->flags & FC_RESIDUAL)
            y[i] += FC_LOAD((const char *)to + store->residual_bytes);
        if (store && store->flags & FC_CLAMP)
            y[i] = FC_NAME(clamp)(y[i], (FC_VEC){0} + (FC_T)store->low,
                                  (FC_VEC){0} + (FC_T)store->high);
        FC_LOAD(to) = y[i];
    }
}
#endif

/* The source comes from memory: few of its rows at a time. */
static void FC_NAME(pack)(void *dst, ptrdiff_t ldd, const void *src, ptrdiff_t lds,
                          ptrdiff_t rows, ptrdiff_t groups, ptrdiff_t members)
{
    const ptrdiff_t cols = groups * members;
    for (ptrdiff_t r = 0; r < rows; r += FC_SQUARE)
        for (ptrdiff_t c = 0; c < cols; c += FC_SQUARE)
            FC_NAME(transpose_block)(dst, ldd, 1, src, lds, rows, r, cols, c, groups, members,
                                     NULL);
}

/* The result goes to memory: few of its rows at a time, a line of the source. */
FC_INLINE void FC_NAME(transpose_lines)(FC_T *dst, ptrdiff_t ldd, ptrdiff_t step, const FC_T *src,
                                        ptrdiff_t lds, ptrdiff_t rows, ptrdiff_t cols,
                                        const fc_store *store)
{
    for (ptrdiff_t line = 0; line < cols; line += 2 * FC_SQUARE) {
#if FC_VBYTES == 64
        if (step == 1 && rows >= FC_LARGE && cols >= FC_LARGE) {
            const ptrdiff_t c = line + FC_LARGE < cols ? line : cols - FC_LARGE;
            for (ptrdiff_t end = FC_LARGE; end < rows + FC_LARGE; end += FC_LARGE) {
                const ptrdiff_t r = (end < rows ? end : rows) - FC_LARGE;
                FC_NAME(transpose_large)(dst + c * ldd + r, ldd, src + r * lds + c, lds, store);
            }
            continue;
        }
#endif
        for (ptrdiff_t r = 0; r < rows; r += FC_SQUARE)
            for (ptrdiff_t c = line; c < cols && c < line + 2 * FC_SQUARE; c += FC_SQUARE)
                FC_NAME(transpose_block)(dst, ldd, step, src, lds, rows, r, cols, c, cols, 1,
                                         store);
    }
}

static void FC_NAME(transpose)(void *dst, ptrdiff_t ldd, const void *src, ptrdiff_t lds,
                               ptrdiff_t rows, ptrdiff_t cols, const fc_store *store)
{
    if (store && store->flags)
        FC_NAME(transpose_lines)(dst, ldd, 1, src, lds, rows, cols, store);
    else
        FC_NAME(transpose_lines)(dst, ldd, 1, src, lds, rows, cols, NULL);
}

static void FC_NAME(transpose_steps)(void *dst, ptrdiff_t ldd, ptrdiff_t step, const void *src,
                                     ptrdiff_t lds, ptrdiff_t rows, ptrdiff_t cols,
                                     const fc_store *store)
{
    FC_NAME(transpose_lines)(dst, ldd, step, src, lds, rows, cols, store->flags ? store : NULL);
}
#undef FC_SQUARE
#undef FC_LARGE
