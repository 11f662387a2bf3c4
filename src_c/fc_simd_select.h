/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Vector words that choose between two vectors, lane by lane.  Included by fc_simd.h. */

/* What is larger, or smaller; `b` where a comparison does not say (NaN, two zeros). */
#define FC_MAX(a, b) FC_JOIN2(fc_max, FC_DTYPE)(a, b)
#define FC_MIN(a, b) FC_JOIN2(fc_min, FC_DTYPE)(a, b)
#define FC_CHOOSE(DTYPE, BITS, NAME, THAN)                                                       \
    FC_INLINE fc_vec_##DTYPE NAME##_##DTYPE(fc_vec_##DTYPE a, fc_vec_##DTYPE b)                  \
    {                                                                                            \
        const fc_vec_##BITS first = (fc_vec_##BITS)(a THAN b);                                   \
        return (fc_vec_##DTYPE)((first & (fc_vec_##BITS)a) | (~first & (fc_vec_##BITS)b));       \
    }
#define FC_CHOOSE_BY(DTYPE, NAME, CALL, TYPE)                                                    \
    FC_INLINE fc_vec_##DTYPE NAME##_##DTYPE(fc_vec_##DTYPE a, fc_vec_##DTYPE b)                  \
    {                                                                                            \
        return (fc_vec_##DTYPE)CALL((TYPE)a, (TYPE)b);                                           \
    }
FC_CHOOSE(i32, i32, fc_max, >)
FC_CHOOSE(i32, i32, fc_min, <)
FC_CHOOSE(i64, i64, fc_max, >)
FC_CHOOSE(i64, i64, fc_min, <)
FC_CHOOSE(l64, i64, fc_max, >)
FC_CHOOSE(l64, i64, fc_min, <)
#if defined(__AVX512F__)
FC_CHOOSE_BY(f32, fc_max, _mm512_max_ps, __m512)
FC_CHOOSE_BY(f32, fc_min, _mm512_min_ps, __m512)
FC_CHOOSE_BY(f64, fc_max, _mm512_max_pd, __m512d)
FC_CHOOSE_BY(f64, fc_min, _mm512_min_pd, __m512d)
#elif defined(__AVX__)
FC_CHOOSE_BY(f32, fc_max, _mm256_max_ps, __m256)
FC_CHOOSE_BY(f32, fc_min, _mm256_min_ps, __m256)
FC_CHOOSE_BY(f64, fc_max, _mm256_max_pd, __m256d)
FC_CHOOSE_BY(f64, fc_min, _mm256_min_pd, __m256d)
#else
FC_CHOOSE(f32, i32, fc_max, >)
FC_CHOOSE(f32, i32, fc_min, <)
FC_CHOOSE(f64, i64, fc_max, >)
FC_CHOOSE(f64, i64, fc_min, <)
#endif
#undef FC_CHOOSE
#undef FC_CHOOSE_BY

/* Which lanes of a vector win against the best so far: those that are larger, and, unless NaN is
 * left out, those that are NaN.  Such lanes may come as bits or as a vector of masks. */
#define FC_WINS FC_JOIN2(fc_wins, FC_DTYPE)
#define FC_WINNERS FC_JOIN2(fc_winners, FC_DTYPE)
/* Lanes of `a` where they win, else of `b`; and the same of integers of the same size. */
#define FC_PICK FC_JOIN2(fc_pick, FC_DTYPE)
#define FC_PICK_PLACE FC_JOIN2(fc_pick_place, FC_DTYPE)
/* The larger of both; NaN as above, of two zeros the best so far. */
#define FC_LARGER FC_JOIN2(fc_larger, FC_DTYPE)

#if defined(__AVX512F__)
#define FC_WINS_OF(DTYPE, BITS, MASK, V, VI, SUFFIX, INTS, WINS)                                 \
    typedef MASK fc_winners_##DTYPE;                                                             \
    FC_INLINE MASK fc_wins_##DTYPE(const int omit, fc_vec_##DTYPE value, fc_vec_##DTYPE best)    \
    {                                                                                            \
        (void)omit;                                                                              \
        return WINS;                                                                             \
    }                                                                                            \
    FC_INLINE fc_vec_##DTYPE fc_pick_##DTYPE(MASK wins, fc_vec_##DTYPE a, fc_vec_##DTYPE b)      \
    {                                                                                            \
        return (fc_vec_##DTYPE)_mm512_mask_blend_##SUFFIX(wins, (V)b, (V)a);                     \
    }                                                                                            \
    FC_INLINE fc_vec_##BITS fc_pick_place_##DTYPE(MASK wins, fc_vec_##BITS a, fc_vec_##BITS b)   \
    {                                                                                            \
        return (fc_vec_##BITS)_mm512_mask_blend_##INTS(wins, (__m512i)b, (__m512i)a);            \
    }
FC_WINS_OF(f32, i32, __mmask16, __m512, __m512i, ps, epi32,
           (__mmask16)(_mm512_cmp_ps_mask((__m512)value, (__m512)best, _CMP_GT_OQ)
                       | (omit ? 0 : _mm512_cmp_ps_mask((__m512)value, (__m512)value,
                                                        _CMP_UNORD_Q))))
FC_WINS_OF(f64, i64, __mmask8, __m512d, __m512i, pd, epi64,
           (__mmask8)(_mm512_cmp_pd_mask((__m512d)value, (__m512d)best, _CMP_GT_OQ)
                      | (omit ? 0 : _mm512_cmp_pd_mask((__m512d)value, (__m512d)value,
                                                       _CMP_UNORD_Q))))
FC_WINS_OF(i32, i32, __mmask16, __m512i, __m512i, epi32, epi32,
           _mm512_cmpgt_epi32_mask((__m512i)value, (__m512i)best))
FC_WINS_OF(i64, i64, __mmask8, __m512i, __m512i, epi64, epi64,
           _mm512_cmpgt_epi64_mask((__m512i)value, (__m512i)best))
FC_INLINE fc_vec_f32 fc_larger_f32(const int omit, fc_vec_f32 value, fc_vec_f32 best)
{
    if (omit)
        return fc_max_f32(value, best);
    return (fc_vec_f32)_mm512_mask_max_ps(
        (__m512)value, _mm512_cmp_ps_mask((__m512)value, (__m512)value, _CMP_ORD_Q),
        (__m512)value, (__m512)best);
}
FC_INLINE fc_vec_f64 fc_larger_f64(const int omit, fc_vec_f64 value, fc_vec_f64 best)
{
    if (omit)
        return fc_max_f64(value, best);
    return (fc_vec_f64)_mm512_mask_max_pd(
        (__m512d)value, _mm512_cmp_pd_mask((__m512d)value, (__m512d)value, _CMP_ORD_Q),
        (__m512d)value, (__m512d)best);
}
#else
#define FC_WINS_OF(DTYPE, BITS, WINS)                                                            \
    typedef fc_vec_##BITS fc_winners_##DTYPE;                                                    \
    FC_INLINE fc_vec_##BITS fc_wins_##DTYPE(const int omit, fc_vec_##DTYPE value,                \
                                            fc_vec_##DTYPE best)                                 \
    {                                                                                            \
        (void)omit;                                                                              \
        return WINS;                                                                             \
    }                                                                                            \
    FC_INLINE fc_vec_##DTYPE fc_pick_##DTYPE(fc_vec_##BITS wins, fc_vec_##DTYPE a,               \
                                             fc_vec_##DTYPE b)                                   \
    {                                                                                            \
        return (fc_vec_##DTYPE)((wins & (fc_vec_##BITS)a) | (~wins & (fc_vec_##BITS)b));         \
    }                                                                                            \
    FC_INLINE fc_vec_##BITS fc_pick_place_##DTYPE(fc_vec_##BITS wins, fc_vec_##BITS a,           \
                                                  fc_vec_##BITS b)                               \
    {                                                                                            \
        return (wins & a) | (~wins & b);                                                         \
    }
#define FC_NAN(BITS) (omit ? 0 : -1) & (fc_vec_##BITS)(value != value)
FC_WINS_OF(f32, i32, (fc_vec_i32)(value > best) | (FC_NAN(i32)))
FC_WINS_OF(f64, i64, (fc_vec_i64)(value > best) | (FC_NAN(i64)))
#undef FC_NAN
FC_WINS_OF(i32, i32, (fc_vec_i32)(value > best))
FC_WINS_OF(i64, i64, (fc_vec_i64)(value > best))
FC_INLINE fc_vec_f32 fc_larger_f32(const int omit, fc_vec_f32 value, fc_vec_f32 best)
{
    const fc_vec_f32 larger = fc_max_f32(value, best);
    return omit ? larger : fc_pick_f32((fc_vec_i32)(value == value), larger, value);
}
FC_INLINE fc_vec_f64 fc_larger_f64(const int omit, fc_vec_f64 value, fc_vec_f64 best)
{
    const fc_vec_f64 larger = fc_max_f64(value, best);
    return omit ? larger : fc_pick_f64((fc_vec_i64)(value == value), larger, value);
}
#endif
#undef FC_WINS_OF
FC_INLINE fc_vec_i32 fc_larger_i32(const int omit, fc_vec_i32 value, fc_vec_i32 best)
{
    (void)omit;
    return fc_max_i32(value, best);
}
FC_INLINE fc_vec_i64 fc_larger_i64(const int omit, fc_vec_i64 value, fc_vec_i64 best)
{
    (void)omit;
    return fc_max_i64(value, best);
}

/* Bits of the lanes that hold a value. */
#if defined(__AVX512F__)
FC_INLINE uint32_t fc_lanes_equal_32(fc_vec_i32 a, fc_vec_i32 b)
{
    return _mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b);
}
FC_INLINE uint32_t fc_lanes_equal_64(fc_vec_i64 a, fc_vec_i64 b)
{
    return _mm512_cmpeq_epi64_mask((__m512i)a, (__m512i)b);
}
#elif defined(__AVX2__)
FC_INLINE uint32_t fc_lanes_equal_32(fc_vec_i32 a, fc_vec_i32 b)
{
    return (uint32_t)_mm256_movemask_ps((__m256)(a == b));
}
FC_INLINE uint32_t fc_lanes_equal_64(fc_vec_i64 a, fc_vec_i64 b)
{
    return (uint32_t)_mm256_movemask_pd((__m256d)(a == b));
}
#else
#define FC_LANES_EQUAL_BY_LANE(BITS)                                                             \
    FC_INLINE uint32_t fc_lanes_equal_##BITS(fc_vec_i##BITS a, fc_vec_i##BITS b)                 \
    {                                                                                            \
        uint32_t bits = 0;                                                                       \
        for (unsigned l = 0; l < sizeof a / sizeof a[0]; l++)                                    \
            bits |= (uint32_t)(a[l] == b[l]) << l;                                               \
        return bits;                                                                             \
    }
FC_LANES_EQUAL_BY_LANE(32)
FC_LANES_EQUAL_BY_LANE(64)
#undef FC_LANES_EQUAL_BY_LANE
#endif

#define FC_LANES_EQUAL(a, b) FC_JOIN2(fc_lanes_equal, FC_DTYPE)(a, b)
#define fc_lanes_equal_f32 fc_lanes_equal_32
#define fc_lanes_equal_i32 fc_lanes_equal_32
#define fc_lanes_equal_f64 fc_lanes_equal_64
#define fc_lanes_equal_i64 fc_lanes_equal_64
/* A vector of integers of the size of lanes. */
#define FC_LANE_BITS FC_JOIN2(fc_bits_of, FC_DTYPE)
typedef fc_vec_i32 fc_bits_of_f32, fc_bits_of_i32;
typedef fc_vec_i64 fc_bits_of_f64, fc_bits_of_i64;

/* Integers of 32 bits as ones of 64: the first half of the lanes, or the last. */
FC_INLINE fc_vec_i64 fc_longer(fc_vec_i32 a, const int last)
{
#if defined(__AVX512F__)
    return (fc_vec_i64)_mm512_cvtepi32_epi64(last ? _mm512_extracti64x4_epi64((__m512i)a, 1)
                                                  : _mm512_castsi512_si256((__m512i)a));
#elif defined(__AVX2__)
    return (fc_vec_i64)_mm256_cvtepi32_epi64(last ? _mm256_extracti128_si256((__m256i)a, 1)
                                                  : _mm256_castsi256_si128((__m256i)a));
#else
    fc_vec_i64 result;
    const unsigned half = sizeof result / sizeof result[0];
    for (unsigned l = 0; l < half; l++)
        result[l] = a[last ? l + half : l];
    return result;
#endif
}
