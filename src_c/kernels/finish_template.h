/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Finishing: sums on their way from scratch into an output that tiles cannot
 * write themselves (a step between the numbers of a row, or swapped bytes).
 */
static void FC_NAME(store)(void *dst_, ptrdiff_t dst_bytes, const void *src_, ptrdiff_t src_step,
                           ptrdiff_t count, int storage)
{
    char *dst = dst_;
    const FC_T *src = src_;
    for (ptrdiff_t i = 0; i < count; i++) {
        FC_BITS bits;
        memcpy(&bits, src + i * src_step, sizeof bits);
        if (storage == FC_SWAPPED)
            bits = FC_SWAP(bits);
        memcpy(dst + i * dst_bytes, &bits, sizeof bits);
    }
}
