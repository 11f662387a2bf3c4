/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is done to rows of cells before they are pooled, and to rows of outputs after it. */

/* Flip bits: where those that give the order are flipped, the largest becomes the smallest. */
static void FC_NAME(flip_bits)(void *row_, ptrdiff_t count, const void *bits)
{
    typedef FC_BITS loose __attribute__((aligned(1), may_alias));
    loose *row = row_;
    const FC_BITS flipped = *(const loose *)bits;
    for (ptrdiff_t i = 0; i < count; i++)
        row[i] ^= flipped;
}

#if FC_REAL
FC_INLINE FC_T FC_NAME(absolute)(FC_T x)
{
    return FC_REAL == 4 ? (FC_T)__builtin_fabsf((float)x) : (FC_T)__builtin_fabs((double)x);
}
/* Powers come from double: the nearest float, but for one in a million. */
FC_INLINE FC_T FC_NAME(to_power)(FC_T x, double power)
{
    return (FC_T)__builtin_pow((double)x, power);
}
#endif

/* row = |row|^power; inf: |row| */
static void FC_NAME(power)(void *row_, ptrdiff_t count, double power)
{
#if FC_REAL
    FC_LOOSE *row = row_;
    if (power == 1 || power == __builtin_inf())
        for (ptrdiff_t i = 0; i < count; i++)
            row[i] = FC_NAME(absolute)(row[i]);
    else if (power == 2)
        for (ptrdiff_t i = 0; i < count; i++)
            row[i] *= row[i];
    else
        for (ptrdiff_t i = 0; i < count; i++)
            row[i] = FC_NAME(to_power)(FC_NAME(absolute)(row[i]), power);
#else
    (void)row_, (void)count, (void)power;
#endif
}

/* row = row^(1/power), of what `power` has made */
static void FC_NAME(root)(void *row_, ptrdiff_t count, double power)
{
#if FC_REAL
    FC_LOOSE *row = row_;
    if (power == 2)
        for (ptrdiff_t i = 0; i < count; i++)
            row[i] = FC_REAL == 4 ? (FC_T)__builtin_sqrtf((float)row[i])
                                  : (FC_T)__builtin_sqrt((double)row[i]);
    else if (power != 1 && power != __builtin_inf())
        for (ptrdiff_t i = 0; i < count; i++)
            row[i] = FC_NAME(to_power)(row[i], 1 / power);
#else
    (void)row_, (void)count, (void)power;
#endif
}

/* Cells that are left out become 0, and so does what counts them: those whose mask is 0, and NaN if
 * `omit` says so.  The others count 1. */
static void FC_NAME(leave_out)(void *row_, void *mask_, ptrdiff_t count, int omit)
{
#if FC_REAL
    FC_LOOSE *row = row_, *mask = mask_;
    for (ptrdiff_t i = 0; i < count; i++) {
        const int out = mask[i] == 0 || (omit && row[i] != row[i]);
        row[i] = out ? 0 : row[i];
        mask[i] = out ? 0 : 1;
    }
#else
    (void)row_, (void)mask_, (void)count, (void)omit;
#endif
}

/* row = row / by */
static void FC_NAME(divide)(void *row_, const void *by_, ptrdiff_t count)
{
#if FC_REAL
    FC_LOOSE *row = row_;
    const FC_LOOSE *by = by_;
    for (ptrdiff_t i = 0; i < count; i++)
        row[i] /= by[i];
#else
    (void)row_, (void)by_, (void)count;
#endif
}

/* Elements of some lines, and those that lie `away` behind them, become one: the larger, or the sum.
 * Line follows line, and element element, so what is read has not been written yet. */
static void FC_NAME(pool_two)(int what, void *row_, ptrdiff_t away, ptrdiff_t lines, ptrdiff_t line,
                              ptrdiff_t count)
{
#if FC_SELECTS
    FC_T *row = row_;
    const uint32_t lanes = (uint32_t)(((uint64_t)1 << count % FC_LANES) - 1);
    for (; lines > 0; lines--, row += line) {
        ptrdiff_t i = 0;
        if (what == FC_POOL_MAX) {
            for (; i + FC_LANES <= count; i += FC_LANES)
                FC_LOAD(row + i) = FC_LARGER(0, FC_LOAD(row + i + away), FC_LOAD(row + i));
            if (lanes)
                FC_STORE_MASKED(row + i, FC_LARGER(0, FC_LOAD_MASKED(row + i + away, lanes),
                                                   FC_LOAD_MASKED(row + i, lanes)), lanes);
        } else {
            for (; i + FC_LANES <= count; i += FC_LANES)
                FC_LOAD(row + i) = FC_LOAD(row + i) + FC_LOAD(row + i + away);
            if (lanes)
                FC_STORE_MASKED(row + i, FC_LOAD_MASKED(row + i, lanes)
                                             + FC_LOAD_MASKED(row + i + away, lanes), lanes);
        }
    }
#else
    FC_JOIN3(pool_two, i64, FC_ISA)(what, row_, away, lines, line, count);
#endif
}
