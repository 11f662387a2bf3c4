/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The vector words that the templates are written in.  Before including it, a
 * stub in isa/ defines
 *     FC_ISA         the name of the ISA, as users write it
 *     FC_VBYTES      bytes of a vector
 *     FC_TILES_1(M, W), FC_TILES_2, FC_TILES_4
 *                    M(rows, W) for each tile that is 1, 2, 4 vectors wide
 *     FC_STENCIL_VECTORS
 *                    vectors in a row of the stencil tile, which has four rows
 *     FC_REGISTERS   vectors that fit into registers
 * and fc_instantiate.h, per dtype, FC_T and FC_DTYPE.
 */
#ifdef __SSE2__
#include <immintrin.h>
#endif

#define FC_JOIN3_(a, b, c) a##_##b##_##c
#define FC_JOIN3(a, b, c) FC_JOIN3_(a, b, c)
#define FC_NAME(name) FC_JOIN3(name, FC_DTYPE, FC_ISA)
#define FC_STRING_(a) #a
#define FC_STRING(a) FC_STRING_(a)

enum { FC_LINE_BYTES = 64 }; /* of a cache */

#define FC_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define FC_UNROLL _Pragma("clang loop unroll(full)")
#define FC_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#define FC_ONE_POINTER(p) FC_KEEP_POINTER(p)
#else
#define FC_UNROLL _Pragma("GCC unroll 16")
#define FC_INDEPENDENT _Pragma("GCC ivdep") /* no step reads what another one writes */
#define FC_ONE_POINTER(p) ((void)(p))
#endif

/* Prefetches what lies so many bytes in front of what is read; that may be outside of the array. */
FC_INLINE void fc_prefetch_ahead(const void *from, ptrdiff_t ahead, const int bytes)
{
    FC_UNROLL
    for (int b = 0; b < bytes; b += FC_LINE_BYTES)
        __builtin_prefetch((const void *)((uintptr_t)from + ahead + b));
}

/* Unaligned, and allowed to alias whatever the memory holds. */
typedef float fc_vec_f32 __attribute__((vector_size(FC_VBYTES), aligned(1), may_alias));
typedef double fc_vec_f64 __attribute__((vector_size(FC_VBYTES), aligned(1), may_alias));
typedef int32_t fc_vec_i32 __attribute__((vector_size(FC_VBYTES), aligned(1), may_alias));
typedef int64_t fc_vec_i64 __attribute__((vector_size(FC_VBYTES), aligned(1), may_alias));
typedef fc_vec_i64 fc_vec_l64;
/* An element with the same freedom. */
typedef float fc_loose_f32 __attribute__((aligned(1), may_alias));
typedef double fc_loose_f64 __attribute__((aligned(1), may_alias));
typedef int32_t fc_loose_i32 __attribute__((aligned(1), may_alias));
typedef int64_t fc_loose_i64 __attribute__((aligned(1), may_alias));
typedef fc_loose_i64 fc_loose_l64;

#define FC_JOIN2_(a, b) a##_##b
#define FC_JOIN2(a, b) FC_JOIN2_(a, b)
#define FC_VEC FC_JOIN2(fc_vec, FC_DTYPE)
#define FC_LOOSE FC_JOIN2(fc_loose, FC_DTYPE)
#define FC_LANES ((ptrdiff_t)(FC_VBYTES / sizeof(FC_T)))
#define FC_LOAD(p) (*(FC_VEC *)(p))

#include "fc_simd_select.h"
#include "fc_simd_shuffle.h"

/* Lanes whose bit is set, from or to memory: the others are 0, and their memory is not touched.
 * What is stored are the first lanes. */
#define FC_MASKED(DTYPE, LOAD, STORE)                                                      \
    FC_INLINE fc_vec_##DTYPE fc_load_masked_##DTYPE(const void *from, uint32_t bits)             \
    {                                                                                            \
        return (fc_vec_##DTYPE)LOAD;                                                             \
    }                                                                                            \
    FC_INLINE void fc_store_masked_##DTYPE(void *to, fc_vec_##DTYPE value, uint32_t bits)        \
    {                                                                                            \
        STORE;                                                                                   \
    }
#if defined(__AVX512F__)
FC_MASKED(f32, _mm512_maskz_loadu_ps((__mmask16)bits, from),
          _mm512_mask_storeu_ps(to, (__mmask16)bits, (__m512)value))
FC_MASKED(f64, _mm512_maskz_loadu_pd((__mmask8)bits, from),
          _mm512_mask_storeu_pd(to, (__mmask8)bits, (__m512d)value))
FC_MASKED(i32, _mm512_maskz_loadu_epi32((__mmask16)bits, from),
          _mm512_mask_storeu_epi32(to, (__mmask16)bits, (__m512i)value))
FC_MASKED(i64, _mm512_maskz_loadu_epi64((__mmask8)bits, from),
          _mm512_mask_storeu_epi64(to, (__mmask8)bits, (__m512i)value))
#elif defined(__AVX2__)
FC_INLINE __m256i fc_lanes_32(uint32_t bits)
{
    const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), lane), lane);
}
FC_INLINE __m256i fc_lanes_64(uint32_t bits)
{
    const __m256i lane = _mm256_setr_epi64x(1, 2, 4, 8);
    return _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(bits), lane), lane);
}
/* Part by part: some processors take a dozen cycles for a store with a mask. */
FC_INLINE void fc_store_first_64(fc_loose_f64 *to, __m256d value, uint32_t bits)
{
    __m128d part = _mm256_castpd256_pd128(value);
    if (bits & 8) {
        *(fc_vec_f64 *)to = (fc_vec_f64)value;
        return;
    }
    if (bits & 2) {
        _mm_storeu_pd((double *)to, part);
        part = _mm256_extractf128_pd(value, 1);
        to += 2;
        bits >>= 2;
    }
    if (bits & 1)
        *to = part[0];
}
FC_INLINE void fc_store_first_32(fc_loose_f32 *to, __m256 value, uint32_t bits)
{
    __m128 part = _mm256_castps256_ps128(value);
    if (bits & 128) {
        *(fc_vec_f32 *)to = (fc_vec_f32)value;
        return;
    }
    if (bits & 8) {
        _mm_storeu_ps((float *)to, part);
        part = _mm256_extractf128_ps(value, 1);
        to += 4;
        bits >>= 4;
    }
    if (bits & 2) {
        *(fc_loose_f64 *)to = ((__m128d)part)[0];
        part = _mm_movehl_ps(part, part);
        to += 2;
        bits >>= 2;
    }
    if (bits & 1)
        *to = part[0];
}
FC_MASKED(f32, _mm256_maskload_ps(from, fc_lanes_32(bits)),
          fc_store_first_32(to, (__m256)value, bits))
FC_MASKED(f64, _mm256_maskload_pd(from, fc_lanes_64(bits)),
          fc_store_first_64(to, (__m256d)value, bits))
FC_MASKED(i32, _mm256_maskload_epi32(from, fc_lanes_32(bits)),
          fc_store_first_32(to, (__m256)value, bits))
FC_MASKED(i64, _mm256_maskload_epi64(from, fc_lanes_64(bits)),
          fc_store_first_64(to, (__m256d)value, bits))
#else
#define FC_MASKED_BY_LANE(DTYPE)                                                                 \
    FC_INLINE fc_vec_##DTYPE fc_load_masked_##DTYPE(const void *from_, uint32_t bits)            \
    {                                                                                            \
        const fc_loose_##DTYPE *from = from_;                                                    \
        fc_vec_##DTYPE value = {0};                                                              \
        for (unsigned l = 0; l < sizeof value / sizeof value[0]; l++)                            \
            if (bits >> l & 1)                                                                   \
                value[l] = from[l];                                                              \
        return value;                                                                            \
    }                                                                                            \
    FC_INLINE void fc_store_masked_##DTYPE(void *to_, fc_vec_##DTYPE value, uint32_t bits)       \
    {                                                                                            \
        fc_loose_##DTYPE *to = to_;                                                              \
        for (unsigned l = 0; l < sizeof value / sizeof value[0]; l++)                            \
            if (bits >> l & 1)                                                                   \
                to[l] = value[l];                                                                \
    }
FC_MASKED_BY_LANE(f32)
FC_MASKED_BY_LANE(f64)
FC_MASKED_BY_LANE(i32)
FC_MASKED_BY_LANE(i64)
#endif
#undef FC_MASKED

/* Lanes whose bit is set from memory, the others from `fill`. */
#if defined(__AVX512F__)
#define FC_FILLED(DTYPE, V, CALL, MASK)                                                          \
    FC_INLINE fc_vec_##DTYPE fc_load_filled_##DTYPE(const void *from, uint32_t bits,             \
                                                    fc_vec_##DTYPE fill)                         \
    {                                                                                            \
        return (fc_vec_##DTYPE)CALL((V)fill, (MASK)bits, from);                                  \
    }
FC_FILLED(f32, __m512, _mm512_mask_loadu_ps, __mmask16)
FC_FILLED(f64, __m512d, _mm512_mask_loadu_pd, __mmask8)
FC_FILLED(i32, __m512i, _mm512_mask_loadu_epi32, __mmask16)
FC_FILLED(i64, __m512i, _mm512_mask_loadu_epi64, __mmask8)
#else
#define FC_FILLED(DTYPE, BITS)                                                                   \
    FC_INLINE fc_vec_##DTYPE fc_load_filled_##DTYPE(const void *from, uint32_t bits,             \
                                                    fc_vec_##DTYPE fill)                         \
    {                                                                                            \
        static const int##BITS##_t bit_of_lane[] = {1, 2, 4, 8, 16, 32, 64, 128};                \
        const fc_vec_i##BITS bit = *(const fc_vec_i##BITS *)bit_of_lane;                         \
        const fc_vec_i##BITS all = (fc_vec_i##BITS){0} + (int##BITS##_t)bits;                    \
        const fc_vec_i##BITS lanes = (fc_vec_i##BITS)((all & bit) == bit);                       \
        return (fc_vec_##DTYPE)((fc_vec_i##BITS)fc_load_masked_##DTYPE(from, bits)               \
                                | (~lanes & (fc_vec_i##BITS)fill));                              \
    }
FC_FILLED(f32, 32)
FC_FILLED(f64, 64)
FC_FILLED(i32, 32)
FC_FILLED(i64, 64)
#endif
#undef FC_FILLED
#define FC_LOAD_FILLED FC_JOIN2(fc_load_filled, FC_DTYPE)

#define fc_load_masked_l64 fc_load_masked_i64
#define fc_store_masked_l64 fc_store_masked_i64
#define FC_LOAD_MASKED FC_JOIN2(fc_load_masked, FC_DTYPE)
#define FC_STORE_MASKED FC_JOIN2(fc_store_masked, FC_DTYPE)

/* Pixels side by side in `grouped`, and rows of them: their sums, and a vector of weights for each
 * row, are in registers. */
#define FC_GROUPED_WIDE (FC_REGISTERS == 32 ? 14 : 12)
#define FC_GROUPED_ROWS (FC_REGISTERS == 32 ? 2 : 1)
/* Whether two rows of the output, whose first taps are `apart`, are made together: they share most
 * of their taps.  Rows of the ring. */
#define FC_GROUPED_BOTH(taps, apart) (FC_GROUPED_ROWS > 1 && 2 * (apart) <= (taps))
#define FC_GROUPED_RING(taps, apart) ((taps) + (FC_GROUPED_BOTH(taps, apart) ? (apart) : 0))

/* Keep a value in a register, or make addresses from this pointer and not each anew. */
#if defined(__AVX512F__)
#define FC_KEEP(vector) __asm__("" : "+v"(vector))
#elif defined(__SSE2__)
#define FC_KEEP(vector) __asm__("" : "+x"(vector))
#elif defined(__aarch64__)
#define FC_KEEP(vector) __asm__("" : "+w"(vector))
#else
#define FC_KEEP(vector) ((void)(vector))
#endif
#define FC_KEEP_POINTER(p) __asm__("" : "+r"(p))

/* a * b for integers of 64 bits that 32 would hold: for those every CPU has an instruction. */
FC_INLINE fc_vec_i64 fc_times_lows(fc_vec_i64 a, fc_vec_i64 b)
{
#if defined(__AVX512F__)
    return (fc_vec_i64)_mm512_mul_epi32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (fc_vec_i64)_mm256_mul_epi32((__m256i)a, (__m256i)b);
#else
    return a * b;
#endif
}
FC_INLINE fc_vec_i64 fc_times_low(int64_t a, fc_vec_i64 b)
{
#if defined(__AVX512F__)
    return (fc_vec_i64)_mm512_mul_epi32(_mm512_set1_epi64(a), (__m512i)b);
#elif defined(__AVX2__)
    return (fc_vec_i64)_mm256_mul_epi32(_mm256_set1_epi64x(a), (__m256i)b);
#else
    return a * b;
#endif
}

/* uint8 as a vector of float32; and back the last eight bits of each element. */
FC_INLINE fc_vec_f32 fc_load_bytes(const void *from)
{
#if defined(__AVX512F__)
    return (fc_vec_f32)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from)));
#elif defined(__AVX2__)
    return (fc_vec_f32)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from)));
#elif defined(__SSE2__)
    const __m128i zero = _mm_setzero_si128();
    int32_t bytes;
    memcpy(&bytes, from, sizeof bytes);
    const __m128i pairs = _mm_unpacklo_epi8(_mm_cvtsi32_si128(bytes), zero);
    return (fc_vec_f32)_mm_cvtepi32_ps(_mm_unpacklo_epi16(pairs, zero));
#else
    typedef uint8_t bytes __attribute__((vector_size(FC_VBYTES / 4), aligned(1), may_alias));
    return __builtin_convertvector(*(const bytes *)from, fc_vec_f32);
#endif
}
FC_INLINE void fc_store_bytes(void *to, fc_vec_i32 value)
{
#if defined(__AVX512F__)
    _mm_storeu_si128(to, _mm512_cvtepi32_epi8((__m512i)value));
#elif defined(__AVX2__)
    const __m256i low = _mm256_and_si256((__m256i)value, _mm256_set1_epi32(255));
    const __m128i pairs = _mm_packs_epi32(_mm256_castsi256_si128(low),
                                          _mm256_extracti128_si256(low, 1));
    _mm_storel_epi64(to, _mm_packus_epi16(pairs, pairs));
#elif defined(__SSE2__)
    const __m128i low = _mm_and_si128((__m128i)value, _mm_set1_epi32(255));
    const __m128i pairs = _mm_packs_epi32(low, low);
    const int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(pairs, pairs));
    memcpy(to, &bytes, sizeof bytes);
#else
    typedef uint8_t bytes __attribute__((vector_size(FC_VBYTES / 4), aligned(1), may_alias));
    *(bytes *)to = __builtin_convertvector(value, bytes);
#endif
}

/* float16, FC_HALVES at a time, where the CPU has instructions for it. */
#if defined(__AVX512F__)
#define FC_HALVES 16
FC_INLINE void fc_widen_halves(float *to, const void *from)
{
    _mm512_storeu_ps(to, _mm512_cvtph_ps(_mm256_loadu_si256(from)));
}
FC_INLINE void fc_narrow_halves(void *to, const fc_loose_f32 *from)
{
    _mm256_storeu_si256(to, _mm512_cvtps_ph(_mm512_loadu_ps(from), _MM_FROUND_TO_NEAREST_INT));
}
#elif defined(__F16C__)
#define FC_HALVES 8
FC_INLINE void fc_widen_halves(float *to, const void *from)
{
    _mm256_storeu_ps(to, _mm256_cvtph_ps(_mm_loadu_si128(from)));
}
FC_INLINE void fc_narrow_halves(void *to, const fc_loose_f32 *from)
{
    const __m256 wide = _mm256_loadu_ps((const float *)from);
    _mm_storeu_si128(to, _mm256_cvtps_ph(wide, _MM_FROUND_TO_NEAREST_INT));
}
#else
#define FC_HALVES 0
#endif

/* 32 bytes of elements of BITS bits, to every second place from `to` on; what lies between stays. */
#if defined(__AVX512F__)
#define FC_SPREADS 1
FC_INLINE void fc_spread_32(void *to, const void *row)
{
    const __m512i pairs = _mm512_cvtepu32_epi64(_mm256_loadu_si256(row));
    _mm512_mask_storeu_epi32(to, 0x5555, pairs);
}
FC_INLINE void fc_spread_64(void *to, const void *row)
{
    const __m512i places = _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0);
    const __m512i whole = _mm512_castsi256_si512(_mm256_loadu_si256(row));
    _mm512_mask_storeu_epi64(to, 0x55, _mm512_permutexvar_epi64(places, whole));
}
#else
#define FC_SPREADS 0
#define fc_spread_32(to, row) ((void)(to), (void)(row))
#define fc_spread_64(to, row) ((void)(to), (void)(row))
#endif

/* M(1, W) ... M(n, W) */
#define FC_ROWS_1(M, W) M(1, W)
#define FC_ROWS_2(M, W) FC_ROWS_1(M, W) M(2, W)
#define FC_ROWS_4(M, W) FC_ROWS_2(M, W) M(3, W) M(4, W)
#define FC_ROWS_6(M, W) FC_ROWS_4(M, W) M(5, W) M(6, W)
#define FC_ROWS_8(M, W) FC_ROWS_6(M, W) M(7, W) M(8, W)
#define FC_ROWS_14(M, W) FC_ROWS_8(M, W) M(9, W) M(10, W) M(11, W) M(12, W) M(13, W) M(14, W)
