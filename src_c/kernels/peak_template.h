/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the machine can do: multiply-adds on twelve independent sums that never
 * leave the registers.  Enough sums for two ports of four cycles' latency.
 */
static double FC_NAME(peak)(ptrdiff_t rounds)
{
    enum { SUMS = 12 };
    FC_VEC sum[SUMS], factor, addend;
    for (int lane = 0; lane < FC_LANES; lane++) {
        factor[lane] = (FC_T)0.999;
        addend[lane] = (FC_T)0.001;
    }
    FC_UNROLL
    for (int i = 0; i < SUMS; i++)
        sum[i] = addend * (FC_T)i;
    for (ptrdiff_t n = 0; n < rounds; n++) {
        FC_UNROLL
        for (int i = 0; i < SUMS; i++)
            sum[i] = sum[i] * factor + addend;
    }
    FC_VEC total = sum[0];
    for (int i = 1; i < SUMS; i++)
        total += sum[i];
    volatile FC_T keep = total[0];
    (void)keep;
    return 2.0 * SUMS * FC_LANES * (double)rounds;
}
