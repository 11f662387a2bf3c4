/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers into an array, after SciPy: real ones become integers by way of int32, or of int64 for
 * uint32 and larger.  Of one that these do not hold, and of NaN, x86-64 makes the least of them.
 * Integers keep their low bits.  uint64 takes what is below 2^63 by way of int64 and the rest with
 * 2^63 taken off, written out here because AVX-512 has a conversion of its own that saturates.
 * For uint64, SciPy has two ways with what is negative. */
#if FC_REAL
#define FC_BY_INT32 (int32_t)
#define FC_BY_INT64 (int64_t)
#define FC_2_63 9223372036854775808.0f
#define FC_BY_UINT64(x)                                                                          \
    ((x) >= FC_2_63 ? (uint64_t)(int64_t)((x) - FC_2_63) ^ (1ULL << 63) : (uint64_t)(int64_t)(x))
#define FC_TURNED(x) ((x) > -1 ? FC_BY_UINT64(x) : -FC_BY_UINT64(-(x)))
#else
#define FC_BY_INT32
#define FC_BY_INT64
#define FC_BY_UINT64
#endif
#define FC_STORED(KIND, TYPE, WAY)                                                               \
    case KIND: {                                                                                 \
        typedef TYPE type __attribute__((aligned(1), may_alias));                                \
        if (step_bytes == sizeof(TYPE)) {                                                        \
            type *to = dst;                                                                      \
            FC_INDEPENDENT                                                                       \
            for (ptrdiff_t i = 0; i < count; i++)                                                \
                to[i] = (TYPE)WAY(src[i]);                                                        \
        } else {                                                                                 \
            for (ptrdiff_t i = 0; i < count; i++)                                                \
                *(type *)((char *)dst + i * step_bytes) = (TYPE)WAY(src[i]);                      \
        }                                                                                        \
        break;                                                                                   \
    }
static void FC_NAME(truncate_row)(void *dst, ptrdiff_t step_bytes, const void *src_,
                                  ptrdiff_t count, int storage)
{
    const FC_LOOSE *src = src_;
    switch (storage) {
        FC_STORED(FC_U8, uint8_t, FC_BY_INT32)
        FC_STORED(FC_I8, int8_t, FC_BY_INT32)
        FC_STORED(FC_U16, uint16_t, FC_BY_INT32)
        FC_STORED(FC_I16, int16_t, FC_BY_INT32)
        FC_STORED(FC_U32, uint32_t, FC_BY_INT64)
        FC_STORED(FC_I32, int32_t, )
        FC_STORED(FC_U64, uint64_t, FC_BY_UINT64)
        FC_STORED(FC_I64, int64_t, )
#if FC_REAL
        FC_STORED(FC_U64 | FC_TURN, uint64_t, FC_TURNED)
        FC_STORED(FC_F32, float, )
        FC_STORED(FC_F64, double, )
#endif
    }
}
#undef FC_STORED
#undef FC_BY_INT32
#undef FC_BY_INT64
#undef FC_BY_UINT64
#undef FC_2_63
#undef FC_TURNED
