/* SPDX-License-Identifier: BSD-3-Clause
 *
 * float16 and bfloat16 as bits: no branches, so that loops over them become vectors, on any CPU. */
FC_INLINE float fc_value(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

FC_INLINE uint32_t fc_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* float16: sign, 5 bits of exponent (bias 15), 10 of fraction. Shifted to the places of a float,
 * the exponent is 112 too small, also that of a number below the least normal one. */
FC_INLINE float fc_from_half(uint16_t half)
{
    const uint32_t shifted = (uint32_t)(half & 0x7fff) << 13;
    uint32_t bits = fc_bits(fc_value(shifted) * 0x1p112f);
    bits |= shifted >= 0x7c00u << 13 ? 0x7f800000u : 0; /* inf and NaN */
    return fc_value(bits | (uint32_t)(half & 0x8000) << 16);
}

FC_INLINE float fc_from_bfloat(uint16_t bfloat)
{
    return fc_value((uint32_t)bfloat << 16);
}

/* To the nearest, halves to even. Below the least normal number the sum with 0.5 rounds: its last
 * digit is that of the smallest float16. */
FC_INLINE uint16_t fc_to_half(float value)
{
    const uint32_t sign = fc_bits(value) >> 16 & 0x8000;
    const uint32_t x = fc_bits(value) & 0x7fffffff;
    const uint32_t normal = (x - (112u << 23) + 0xfff + (x >> 13 & 1)) >> 13;
    const uint32_t small = fc_bits(fc_value(x) + 0.5f) - 0x3f000000u;
    uint32_t half = x < 113u << 23 ? small : normal;
    half = x >= 0x477ff000u ? 0x7c00 : half; /* 65520 and more */
    half = x > 0x7f800000u ? 0x7e00 : half;
    return (uint16_t)(half | sign);
}

FC_INLINE uint16_t fc_to_bfloat(float value)
{
    const uint32_t x = fc_bits(value);
    const uint32_t rounded = (x + 0x7fff + (x >> 16 & 1)) >> 16;
    return (uint16_t)((x & 0x7fffffff) > 0x7f800000u ? x >> 16 | 0x40 : rounded);
}

/* A double on its way to fewer digits than a float has: cut off, and odd where something was cut,
 * so that the next rounding sees which side of a half it is on. */
FC_INLINE float fc_to_odd(double value)
{
    const float near = (float)value;
    const double back = near;
    uint32_t bits = fc_bits(near);
    const int beyond = value < 0 ? back < value : back > value;
    const int inexact = back != value && value == value;
    bits -= beyond && (bits & 0x7fffffff) ? 1 : 0;
    return fc_value(inexact ? bits | 1 : bits);
}

/* Rows of float16 and float32. */
typedef uint16_t fc_loose_u16 __attribute__((aligned(1), may_alias));
FC_INLINE void fc_widen_row(float *dst, const fc_loose_u16 *src, ptrdiff_t count)
{
    ptrdiff_t i = 0;
#if FC_HALVES
    for (; i + FC_HALVES <= count; i += FC_HALVES)
        fc_widen_halves(dst + i, src + i);
#endif
    for (; i < count; i++)
        dst[i] = fc_from_half(src[i]);
}

FC_INLINE void fc_narrow_row(fc_loose_u16 *dst, const fc_loose_f32 *src, ptrdiff_t count)
{
    ptrdiff_t i = 0;
#if FC_HALVES
    for (; i + FC_HALVES <= count; i += FC_HALVES)
        fc_narrow_halves(dst + i, src + i);
#endif
    for (; i < count; i++)
        dst[i] = fc_to_half(src[i]);
}
