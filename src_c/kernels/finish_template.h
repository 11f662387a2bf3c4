/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Finishing: a row of sums on its way to the output,
 *
 *     out = activation(alpha * sum + bias + beta * out + residual)
 *
 * piece by piece through a buffer, so that each step is a plain loop over numbers of one dtype.
 */
#if FC_REAL
#define FC_PARAMETER(how, name) ((FC_T)(how)->real_##name)
#else
#define FC_PARAMETER(how, name) ((FC_T)(how)->whole_##name)
#endif

/* to = from + addend; all may be the same row */
FC_INLINE void FC_NAME(add)(FC_LOOSE *to, const FC_LOOSE *from, const FC_LOOSE *addend,
                            ptrdiff_t count)
{
    FC_INDEPENDENT
    for (ptrdiff_t i = 0; i < count; i++)
        to[i] = from[i] + addend[i];
}

/* A row of an array as numbers of this dtype: the array itself, or a copy. */
FC_INLINE const FC_LOOSE *FC_NAME(as_row)(FC_T *copy, ptrdiff_t count, const char *src,
                                          ptrdiff_t step_bytes, int storage)
{
    if (storage == FC_OWN_KIND && step_bytes == sizeof(FC_T))
        return (const FC_LOOSE *)src;
    FC_NAME(read_row)(copy, count, src, step_bytes, storage);
    return copy;
}

static void FC_NAME(finish)(const fc_finish *how, void *dst_, ptrdiff_t dst_bytes,
                            const void *src_, ptrdiff_t src_bytes, const void *residual_,
                            ptrdiff_t residual_bytes, const void *bias_, ptrdiff_t bias_step,
                            ptrdiff_t count)
{
    const FC_T alpha = FC_PARAMETER(how, alpha), beta = FC_PARAMETER(how, beta);
    const FC_T low = FC_PARAMETER(how, low), high = FC_PARAMETER(how, high);
    const int own = how->dst_storage == FC_OWN_KIND && dst_bytes == sizeof(FC_T);
    const char *src = src_, *residual = residual_;
    const FC_T *bias = bias_;
    char *dst = dst_;
    FC_T buffer[FC_NAME(CHUNK)], other[FC_NAME(CHUNK)];
    for (; count > 0; count -= FC_NAME(CHUNK)) {
        const ptrdiff_t part = count < FC_NAME(CHUNK) ? count : FC_NAME(CHUNK);
        const FC_LOOSE *row = FC_NAME(as_row)(buffer, part, src, src_bytes, how->sum_storage);
        if (alpha != 1) {
            for (ptrdiff_t i = 0; i < part; i++)
                buffer[i] = row[i] * alpha;
            row = buffer;
        }
        if (bias) {
            if (bias_step)
                FC_NAME(add)(buffer, row, bias, part);
            else
                for (ptrdiff_t i = 0; i < part; i++)
                    buffer[i] = row[i] + *bias;
            row = buffer;
        }
        if (beta != 0) {
            const FC_LOOSE *old = FC_NAME(as_row)(other, part, dst, dst_bytes, how->dst_storage);
            for (ptrdiff_t i = 0; i < part; i++)
                buffer[i] = row[i] + beta * old[i];
            row = buffer;
        }
        if (residual) {
            FC_NAME(add)(buffer, row, FC_NAME(as_row)(other, part, residual, residual_bytes,
                                                      how->residual_storage), part);
            row = buffer;
        }
        FC_NAME(activate)(own ? (FC_LOOSE *)dst : buffer, row, part, how->activation, low, high);
        if (!own)
            FC_NAME(write_row)(dst, dst_bytes, buffer, part, how->dst_storage, how->saturate);
        src += part * src_bytes;
        dst += part * dst_bytes;
        residual = residual ? residual + part * residual_bytes : NULL;
        bias = bias ? bias + part * bias_step : NULL;
    }
}
#undef FC_PARAMETER
