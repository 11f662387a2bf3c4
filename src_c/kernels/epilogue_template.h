/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The epilogue: a row of sums on its way to the output,
 *
 *     out = activation(alpha * sum + bias + beta * out + residual)
 *
 * a chunk at a time: what is not stored in the dtype of the table goes through buffers, and
 * activations other than clamps have a loop of their own.
 */
#if FC_REAL
#define FC_PARAMETER(how, name) ((FC_T)(how)->real_##name)
#else
#define FC_PARAMETER(how, name) ((FC_T)(how)->integer_##name)
#endif

/* A row of an array in this dtype: the array itself, or a copy. */
FC_INLINE const FC_LOOSE *FC_NAME(as_row)(FC_T *copy, ptrdiff_t count, const char *src,
                                          ptrdiff_t step_bytes, int storage)
{
    if (storage == FC_OWN_KIND && step_bytes == sizeof(FC_T))
        return (const FC_LOOSE *)src;
    FC_NAME(read_row)(copy, count, src, step_bytes, storage);
    return copy;
}

/* What is added to a row of sums, NULL where nothing is. */
typedef struct {
    const FC_LOOSE *bias, *old, *residual;
    ptrdiff_t bias_step;
    FC_T alpha, beta, low, high;
    int clamps;
} FC_NAME(terms);

FC_INLINE FC_VEC FC_NAME(combined)(const FC_NAME(terms) *terms, FC_VEC sum, const FC_LOOSE *bias,
                                   const FC_LOOSE *old, const FC_LOOSE *residual)
{
    if (terms->alpha != 1)
        sum *= terms->alpha;
    if (bias)
        sum = terms->bias_step ? sum + FC_LOAD(bias) : sum + *bias;
    if (old)
        sum += terms->beta * FC_LOAD(old);
    if (residual)
        sum += FC_LOAD(residual);
    if (terms->clamps)
        sum = FC_NAME(clamp)(sum, (FC_VEC){0} + terms->low, (FC_VEC){0} + terms->high);
    return sum;
}

/* The rest of a row, less than a vector, as one. */
FC_INLINE const FC_LOOSE *FC_NAME(padded)(FC_T *vector, const FC_LOOSE *row, ptrdiff_t count)
{
    if (row)
        FC_NAME(copy)(vector, (const FC_T *)row, count);
    return row ? vector : NULL;
}

/* All rows may be the same one. */
static void FC_NAME(combine)(FC_LOOSE *to, const FC_LOOSE *row, const FC_NAME(terms) *terms_,
                             ptrdiff_t count)
{
    const FC_NAME(terms) terms = *terms_;
    const FC_LOOSE *bias = terms.bias, *old = terms.old, *residual = terms.residual;
    for (; count >= FC_LANES; count -= FC_LANES) {
        FC_LOAD(to) = FC_NAME(combined)(&terms, FC_LOAD(row), bias, old, residual);
        to += FC_LANES;
        row += FC_LANES;
        bias += bias ? FC_LANES * terms.bias_step : 0;
        old += old ? FC_LANES : 0;
        residual += residual ? FC_LANES : 0;
    }
    if (count) {
        FC_T rest[4][FC_VBYTES / sizeof(FC_T)] = {{0}};
        FC_NAME(copy)(rest[0], (const FC_T *)row, count);
        FC_LOAD(rest[0]) = FC_NAME(combined)(
            &terms, FC_LOAD(rest[0]),
            terms.bias_step ? FC_NAME(padded)(rest[1], bias, count) : bias,
            FC_NAME(padded)(rest[2], old, count), FC_NAME(padded)(rest[3], residual, count));
        FC_NAME(copy)((FC_T *)to, rest[0], count);
    }
}

static void FC_NAME(epilogue)(const fc_epilogue *how, void *dst_, ptrdiff_t dst_bytes,
                              const void *src_, ptrdiff_t src_bytes, const void *residual_,
                              ptrdiff_t residual_bytes, const void *bias_, ptrdiff_t bias_step,
                              ptrdiff_t count)
{
    const int own = how->dst_storage == FC_OWN_KIND && dst_bytes == sizeof(FC_T);
    const int activation = how->activation;
    const char *src = src_, *residual = residual_;
    char *dst = dst_;
    FC_T sums[FC_NAME(CHUNK)], old[FC_NAME(CHUNK)], other[FC_NAME(CHUNK)];
    FC_NAME(terms) terms = {
        .bias = bias_, .bias_step = bias_step,
        .alpha = FC_PARAMETER(how, alpha), .beta = FC_PARAMETER(how, beta),
        .low = activation == FC_RELU ? 0 : FC_PARAMETER(how, low),
        .high = activation == FC_RELU ? FC_MOST : FC_PARAMETER(how, high),
        .clamps = activation == FC_RELU || activation == FC_CLIP,
    };
    const int combines = terms.alpha != 1 || bias_ || terms.beta != 0 || residual_ || terms.clamps;
    const int curves = activation != FC_NONE && !terms.clamps;
    for (; count > 0; count -= FC_NAME(CHUNK)) {
        const ptrdiff_t part = count < FC_NAME(CHUNK) ? count : FC_NAME(CHUNK);
        const FC_LOOSE *row = FC_NAME(as_row)(sums, part, src, src_bytes, how->sum_storage);
        FC_LOOSE *to = own ? (FC_LOOSE *)dst : sums;
        if (terms.beta != 0)
            terms.old = FC_NAME(as_row)(old, part, dst, dst_bytes, how->dst_storage);
        if (residual)
            terms.residual = FC_NAME(as_row)(other, part, residual, residual_bytes,
                                             how->residual_storage);
        if (combines || (own && !curves)) {
            FC_NAME(combine)(to, row, &terms, part);
            row = to;
        }
        if (curves) {
            FC_NAME(activate)(to, row, part, activation, terms.low);
            row = to;
        }
        if (!own)
            FC_NAME(write_row)(dst, dst_bytes, row, part, how->dst_storage, how->saturate);
        src += part * src_bytes;
        dst += part * dst_bytes;
        residual += residual ? part * residual_bytes : 0;
        terms.bias += terms.bias ? part * bias_step : 0;
    }
}
#undef FC_PARAMETER
