/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The last lines of a tile: its sums, still in registers, on their way to C, as `fc_store` says.
 * Each step is a loop of its own over all sums, so that any of them may be left out.
 */
typedef FC_VEC FC_NAME(sums)[FC_MAX_VECTORS];

/* Sums as integers, which they are when all steps were exact: of a block of 8-bit integers in
 * float32 (below 2^24) and of one of up to 32 bits times 8, or 16 times 16, in float64 (below
 * 2^51, where the last bits of value + 2^52 + 2^51 are those of the integer). */
FC_INLINE FC_NAME(integers) FC_NAME(to_integers)(FC_VEC value)
{
#if FC_REAL == 8
    const FC_VEC magic = (FC_VEC){0} + (FC_T)0x1.8p52;
    return (FC_NAME(integers))(value + magic) - (FC_NAME(integers))magic;
#else
    return __builtin_convertvector(value, FC_NAME(integers));
#endif
}

/* Nothing below low, nothing above high; NaN stays NaN, -0 stays -0. */
FC_INLINE FC_VEC FC_NAME(clamp)(FC_VEC value, FC_VEC low, FC_VEC high)
{
    return FC_MIN(high, FC_MAX(low, value));
}

#define FC_EACH_SUM                                                                              \
    FC_UNROLL                                                                                    \
    for (int i = 0; i < ROWS; i++)                                                               \
        FC_UNROLL                                                                                \
        for (int v = 0; v < WIDTH; v++)

/* A vector of C or of what lies like it: with PART, the last one of a row has fewer lanes. */
#define FC_CUT_OFF (PART && v == WIDTH - 1)
#define FC_GET(p) (FC_CUT_OFF ? FC_LOAD_MASKED(p, lanes) : FC_LOAD(p))
#define FC_PUT(p, value)                                                                         \
    do {                                                                                         \
        if (FC_CUT_OFF)                                                                          \
            FC_STORE_MASKED(p, value, lanes);                                                    \
        else                                                                                     \
            FC_LOAD(p) = value;                                                                  \
    } while (0)

FC_INLINE void FC_NAME(store_part)(const int ROWS, const int WIDTH, const int PART,
                                   FC_NAME(sums) *sum, FC_T *c, ptrdiff_t ldc, uint32_t lanes,
                                   const fc_store *how)
{
    const int flags = how->flags;
    const FC_T *bias = how->bias;
    if (flags & FC_INTEGER) {
        FC_EACH_SUM
        {
            FC_T *to = c + i * ldc + v * FC_LANES;
            FC_NAME(integers) value = FC_NAME(to_integers)(sum[i][v]);
            if (flags & FC_ADD)
                value += (FC_NAME(integers))FC_GET(to);
            FC_PUT(to, (FC_VEC)value);
        }
        return;
    }
    if (flags == FC_ADD) { /* a block in the midst of others */
        FC_EACH_SUM
        {
            FC_T *to = c + i * ldc + v * FC_LANES;
            FC_PUT(to, FC_GET(to) + sum[i][v]);
        }
        return;
    }
    if (flags & FC_ADD)
        FC_EACH_SUM
            sum[i][v] = FC_GET(c + i * ldc + v * FC_LANES) + sum[i][v];
    if (flags & FC_BIAS_ROWS)
        FC_EACH_SUM
            sum[i][v] += bias[i];
    if (flags & FC_BIAS_COLS)
        FC_EACH_SUM
            sum[i][v] += FC_LOAD(bias + v * FC_LANES);
    if (flags & FC_RESIDUAL) {
        const FC_T *residual = (const FC_T *)((const char *)c + how->residual_bytes);
        FC_EACH_SUM
            sum[i][v] += FC_GET(residual + i * ldc + v * FC_LANES);
    }
    if (flags & FC_CLAMP) {
        const FC_VEC low = (FC_VEC){0} + (FC_T)how->low, high = (FC_VEC){0} + (FC_T)how->high;
        FC_EACH_SUM
            sum[i][v] = FC_NAME(clamp)(sum[i][v], low, high);
    }
    FC_EACH_SUM
        FC_PUT(c + i * ldc + v * FC_LANES, sum[i][v]);
}
#undef FC_EACH_SUM
#undef FC_CUT_OFF
#undef FC_GET
#undef FC_PUT

FC_INLINE void FC_NAME(store)(const int ROWS, const int WIDTH, FC_NAME(sums) *sum, FC_T *c,
                              ptrdiff_t ldc, const fc_store *how)
{
    FC_NAME(store_part)(ROWS, WIDTH, 0, sum, c, ldc, 0, how);
}

/* A tile that hangs over the edge of C: row by row, through a buffer or with masks. */
#if FC_VBYTES == 64
static __attribute__((noinline)) void FC_NAME(store_edge)(const FC_NAME(sums) *sum, ptrdiff_t rows,
                                                          FC_T *c, ptrdiff_t ldc, ptrdiff_t cols,
                                                          const fc_store *how)
{
    FC_NAME(sums) value;
    fc_store part = *how;
    if (!(how->flags & ~(FC_BIAS_ROWS | FC_CLAMP))) { /* what most layers ask for */
        const FC_T *bias = how->bias;
        for (ptrdiff_t j = 0; j < cols; j += FC_LANES) {
            const ptrdiff_t left = cols - j < FC_LANES ? cols - j : FC_LANES;
            const uint32_t lanes = ((uint32_t)1 << left) - 1;
            for (ptrdiff_t i = 0; i < rows; i++) {
                FC_VEC one = sum[i][j / FC_LANES];
                if (how->flags & FC_BIAS_ROWS)
                    one += bias[i];
                if (how->flags & FC_CLAMP)
                    one = FC_NAME(clamp)(one, (FC_VEC){0} + (FC_T)how->low,
                                         (FC_VEC){0} + (FC_T)how->high);
                FC_STORE_MASKED(c + i * ldc + j, one, lanes);
            }
        }
        return;
    }
    for (ptrdiff_t i = 0; i < rows; i++, c += ldc)
        for (ptrdiff_t j = 0; j < cols; j += FC_LANES) {
            const ptrdiff_t left = cols - j < FC_LANES ? cols - j : FC_LANES;
            value[0] = sum[i][j / FC_LANES];
            if (how->bias)
                part.bias = (const FC_T *)how->bias + (how->flags & FC_BIAS_ROWS ? i : j);
            FC_NAME(store_part)(1, 1, 1, &value, c + j, 0, ((uint32_t)1 << left) - 1, &part);
        }
}
#else
static __attribute__((noinline)) void FC_NAME(store_edge)(const FC_NAME(sums) *sum, ptrdiff_t rows,
                                                          FC_T *c, ptrdiff_t ldc, ptrdiff_t cols,
                                                          const fc_store *how)
{
    enum { WIDTH = FC_MAX_VECTORS * FC_VBYTES / sizeof(FC_T) };
    FC_T row[2 * WIDTH] = {0}; /* of C, and what is added to it */
    FC_NAME(sums) value;
    fc_store part = *how;
    part.residual_bytes = WIDTH * sizeof(FC_T);
    for (ptrdiff_t i = 0; i < rows; i++, c += ldc) {
        if (how->flags & FC_ADD)
            FC_NAME(copy)(row, c, cols);
        if (how->flags & FC_RESIDUAL)
            FC_NAME(copy)(row + WIDTH, (const FC_T *)((const char *)c + how->residual_bytes), cols);
        for (ptrdiff_t j = 0; j < cols; j += FC_LANES) {
            value[0] = sum[i][j / FC_LANES];
            if (how->bias)
                part.bias = (const FC_T *)how->bias + (how->flags & FC_BIAS_ROWS ? i : j);
            FC_NAME(store)(1, 1, &value, row + j, 0, &part);
        }
        FC_NAME(copy)(c, row, cols);
    }
}
#endif

FC_INLINE void FC_NAME(store_tile)(const int ROWS, const int WIDTH, FC_NAME(sums) *sum, FC_T *c,
                                   ptrdiff_t ldc, ptrdiff_t cols, const fc_store *how)
{
    if (cols == WIDTH * FC_LANES) {
        FC_NAME(store)(ROWS, WIDTH, sum, c, ldc, how);
        return;
    }
    FC_NAME(sums) edge[FC_MAX_ROWS];
    FC_UNROLL
    for (int i = 0; i < ROWS; i++)
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++)
            edge[i][v] = sum[i][v];
    FC_NAME(store_edge)((const FC_NAME(sums) *)edge, ROWS, c, ldc, cols, how);
}

/* Rows that may end within a vector: what most layers ask for is done at once, the rest row by
 * row. */
FC_INLINE void FC_NAME(store_rows)(const int ROWS, const int WIDTH, FC_NAME(sums) *sum, FC_T *c,
                                   ptrdiff_t ldc, ptrdiff_t cols, const fc_store *how)
{
    const FC_T *bias = how->bias;
    const int flags = how->flags;
    const ptrdiff_t rest = cols - (WIDTH - 1) * FC_LANES;
    if (flags & ~(FC_BIAS_ROWS | FC_CLAMP)) {
        FC_NAME(sums) edge[FC_MAX_ROWS];
        FC_UNROLL
        for (int i = 0; i < ROWS; i++)
            FC_UNROLL
            for (int v = 0; v < WIDTH; v++)
                edge[i][v] = sum[i][v];
        FC_NAME(store_edge)((const FC_NAME(sums) *)edge, ROWS, c, ldc, cols, how);
        return;
    }
    FC_UNROLL
    for (int i = 0; i < ROWS; i++)
        FC_UNROLL
        for (int v = 0; v < WIDTH; v++) {
            FC_VEC value = sum[i][v];
            if (flags & FC_BIAS_ROWS)
                value += bias[i];
            if (flags & FC_CLAMP)
                value = FC_NAME(clamp)(value, (FC_VEC){0} + (FC_T)how->low,
                                       (FC_VEC){0} + (FC_T)how->high);
            if (v == WIDTH - 1 && rest < FC_LANES)
                FC_STORE_MASKED(c + i * ldc + v * FC_LANES, value, ((uint32_t)1 << rest) - 1);
            else
                FC_LOAD(c + i * ldc + v * FC_LANES) = value;
        }
}

#if FC_REAL == 4
/* A row of whole vectors, rounded and saturated to uint8: see `narrow`. */
FC_INLINE void FC_NAME(store_bytes)(const int WIDTH, FC_NAME(sums) *sum, char *c,
                                    const fc_store *how)
{
    FC_UNROLL
    for (int v = 0; v < WIDTH; v++) {
        FC_VEC value = sum[0][v];
        if (how->flags & FC_BIAS_ROWS)
            value += *(const FC_T *)how->bias;
        if (how->flags & FC_CLAMP)
            value = FC_NAME(clamp)(value, (FC_VEC){0} + (FC_T)how->low,
                                   (FC_VEC){0} + (FC_T)how->high);
        value = FC_MIN(FC_MAX(value, (FC_VEC){0}), (FC_VEC){0} + 255) + (FC_T)0x1.8p23;
        fc_store_bytes(c + v * FC_LANES, (fc_vec_i32)value);
    }
}
#endif

/* The first `count` of some pixels of a vector of channels, in the same way. */
static __attribute__((noinline)) void FC_NAME(store_pixels_each)(FC_NAME(sums) *sum,
                                                                 ptrdiff_t count, FC_T *c,
                                                                 ptrdiff_t step, uint32_t lanes,
                                                                 const fc_store *how)
{
    for (ptrdiff_t i = 0; i < count; i++)
        FC_NAME(store_part)(1, 1, 1, sum + i, c + i * step, step, lanes, how);
}

FC_INLINE void FC_NAME(store_pixels)(const int PIXELS, const int masked, FC_NAME(sums) *sum,
                                     ptrdiff_t count, FC_T *c, ptrdiff_t step, uint32_t lanes,
                                     const fc_store *how)
{
    if (how->flags & ~(FC_BIAS_COLS | FC_CLAMP)) {
        FC_NAME(sums) rest[FC_GROUPED_WIDE];
        FC_UNROLL
        for (int i = 0; i < PIXELS; i++)
            rest[i][0] = sum[i][0];
        FC_NAME(store_pixels_each)(rest, count, c, step, lanes, how);
        return;
    }
    if (how->flags & FC_BIAS_COLS)
        FC_UNROLL
        for (int i = 0; i < PIXELS; i++)
            sum[i][0] += FC_LOAD((const FC_T *)how->bias);
    if (how->flags & FC_CLAMP)
        FC_UNROLL
        for (int i = 0; i < PIXELS; i++)
            sum[i][0] = FC_NAME(clamp)(sum[i][0], (FC_VEC){0} + (FC_T)how->low,
                                       (FC_VEC){0} + (FC_T)how->high);
    FC_UNROLL
    for (int i = 0; i < PIXELS; i++)
        if (i < count) {
            if (masked)
                FC_STORE_MASKED(c + i * step, sum[i][0], lanes);
            else
                FC_LOAD(c + i * step) = sum[i][0];
        }
}
