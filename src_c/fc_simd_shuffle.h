/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Vector words: elements that change their lane, and those that are read from many places.
 */
/* Every second element of two vectors that follow one another, from the first (0) or from the
 * second one (1) on. */
#define FC_EVERY_2(k) k, k + 2
#define FC_EVERY_4(k) FC_EVERY_2(k), FC_EVERY_2(k + 4)
#define FC_EVERY_8(k) FC_EVERY_4(k), FC_EVERY_4(k + 8)
#define FC_EVERY_16(k) FC_EVERY_8(k), FC_EVERY_8(k + 16)
#ifdef __clang__
#define FC_EVERY_OF(BITS, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define FC_EVERY_OF(BITS, a, b, ...) __builtin_shuffle(a, b, (fc_vec_i##BITS){__VA_ARGS__})
#endif
#define FC_EVERY(DTYPE, BITS, LANES)                                                             \
    FC_INLINE fc_vec_##DTYPE fc_every_second_##DTYPE(const int first, fc_vec_##DTYPE a,          \
                                                     fc_vec_##DTYPE b)                           \
    {                                                                                            \
        return first ? FC_EVERY_OF(BITS, a, b, FC_EVERY_##LANES(1))                              \
                     : FC_EVERY_OF(BITS, a, b, FC_EVERY_##LANES(0));                             \
    }
#if FC_VBYTES == 64
FC_EVERY(f32, 32, 16)
FC_EVERY(f64, 64, 8)
FC_EVERY(i32, 32, 16)
FC_EVERY(i64, 64, 8)
#elif defined(__AVX2__)
/* Of each 128 bits of both, and then these in order: compilers make three shuffles of it. */
FC_INLINE fc_vec_f64 fc_every_second_f64(const int first, fc_vec_f64 a, fc_vec_f64 b)
{
    const __m256d some = first ? _mm256_unpackhi_pd((__m256d)a, (__m256d)b)
                               : _mm256_unpacklo_pd((__m256d)a, (__m256d)b);
    return (fc_vec_f64)_mm256_permute4x64_pd(some, 0xd8);
}
FC_INLINE fc_vec_f32 fc_every_second_f32(const int first, fc_vec_f32 a, fc_vec_f32 b)
{
    const __m256 some = first ? _mm256_shuffle_ps((__m256)a, (__m256)b, 0xdd)
                              : _mm256_shuffle_ps((__m256)a, (__m256)b, 0x88);
    return (fc_vec_f32)_mm256_permute4x64_pd((__m256d)some, 0xd8);
}
FC_INLINE fc_vec_i64 fc_every_second_i64(const int first, fc_vec_i64 a, fc_vec_i64 b)
{
    return (fc_vec_i64)fc_every_second_f64(first, (fc_vec_f64)a, (fc_vec_f64)b);
}
FC_INLINE fc_vec_i32 fc_every_second_i32(const int first, fc_vec_i32 a, fc_vec_i32 b)
{
    return (fc_vec_i32)fc_every_second_f32(first, (fc_vec_f32)a, (fc_vec_f32)b);
}
#else
FC_EVERY(f32, 32, 4)
FC_EVERY(f64, 64, 2)
FC_EVERY(i32, 32, 4)
FC_EVERY(i64, 64, 2)
#endif
#undef FC_EVERY
#define fc_every_second_l64 fc_every_second_i64
#define FC_EVERY_SECOND FC_JOIN2(fc_every_second, FC_DTYPE)

#if FC_VBYTES == 64
/* Of each 128 bits of two vectors, the first or the last elements, one after the other in turn; and
 * of their blocks of 128 bits, the even or the odd ones of the first, then of the second. */
FC_INLINE fc_vec_f32 fc_unpack_32(fc_vec_f32 a, fc_vec_f32 b, const int last)
{
    return (fc_vec_f32)(last ? _mm512_unpackhi_ps((__m512)a, (__m512)b)
                             : _mm512_unpacklo_ps((__m512)a, (__m512)b));
}
FC_INLINE fc_vec_f64 fc_unpack_64(fc_vec_f64 a, fc_vec_f64 b, const int last)
{
    return (fc_vec_f64)(last ? _mm512_unpackhi_pd((__m512d)a, (__m512d)b)
                             : _mm512_unpacklo_pd((__m512d)a, (__m512d)b));
}
FC_INLINE fc_vec_f32 fc_blocks_of_two(fc_vec_f32 a, fc_vec_f32 b, const int odd)
{
    return (fc_vec_f32)(odd ? _mm512_shuffle_f32x4((__m512)a, (__m512)b, 0xdd)
                            : _mm512_shuffle_f32x4((__m512)a, (__m512)b, 0x88));
}
#endif

/* Each 32 bits of a vector from where an index says. */
FC_INLINE fc_vec_i32 fc_permute(fc_vec_i32 a, fc_vec_i32 index)
{
#if defined(__AVX512F__)
    return (fc_vec_i32)_mm512_permutexvar_epi32((__m512i)index, (__m512i)a);
#elif defined(__AVX2__)
    return (fc_vec_i32)_mm256_permutevar8x32_epi32((__m256i)a, (__m256i)index);
#else
    fc_vec_i32 result;
    for (unsigned l = 0; l < sizeof a / sizeof a[0]; l++)
        result[l] = a[index[l]];
    return result;
#endif
}

/* Elements from `place` of each lane. */
#define FC_GATHERED(DTYPE, VALUE)                                                                  \
    FC_INLINE fc_vec_##DTYPE fc_gather_##DTYPE(const void *from, const int32_t *place)           \
    {                                                                                            \
        return (fc_vec_##DTYPE)VALUE;                                                            \
    }
#if defined(__AVX512F__)
FC_GATHERED(f32, _mm512_i32gather_ps(_mm512_loadu_si512(place), from, 4))
FC_GATHERED(f64, _mm512_i32gather_pd(_mm256_loadu_si256((const __m256i *)place), from, 8))
FC_GATHERED(i32, _mm512_i32gather_epi32(_mm512_loadu_si512(place), from, 4))
FC_GATHERED(i64, _mm512_i32gather_epi64(_mm256_loadu_si256((const __m256i *)place), from, 8))
#elif defined(__AVX2__)
FC_GATHERED(f32, _mm256_i32gather_ps(from, _mm256_loadu_si256((const __m256i *)place), 4))
FC_GATHERED(f64, _mm256_i32gather_pd(from, _mm_loadu_si128((const __m128i *)place), 8))
FC_GATHERED(i32, _mm256_i32gather_epi32(from, _mm256_loadu_si256((const __m256i *)place), 4))
FC_GATHERED(i64, _mm256_i32gather_epi64(from, _mm_loadu_si128((const __m128i *)place), 8))
#else
#define FC_PLACED(DTYPE, l) ((const fc_loose_##DTYPE *)from)[place[l]]
#define FC_PLACED_2(DTYPE) FC_PLACED(DTYPE, 0), FC_PLACED(DTYPE, 1)
#define FC_PLACED_4(DTYPE) FC_PLACED_2(DTYPE), FC_PLACED(DTYPE, 2), FC_PLACED(DTYPE, 3)
FC_GATHERED(f32, ((fc_vec_f32){FC_PLACED_4(f32)}))
FC_GATHERED(f64, ((fc_vec_f64){FC_PLACED_2(f64)}))
FC_GATHERED(i32, ((fc_vec_i32){FC_PLACED_4(i32)}))
FC_GATHERED(i64, ((fc_vec_i64){FC_PLACED_2(i64)}))
#endif
#undef FC_GATHERED
#define fc_gather_l64 fc_gather_i64
#define FC_GATHERED FC_JOIN2(fc_gather, FC_DTYPE)
