/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Conversion: elements of the user's arrays, of any kind, byte order and step, to the
 * dtype of the table and back. The only place that knows how a kind is stored.
 *
 *     array  --collect-->  side by side, native  --widen-->  FC_T
 *     array  <--scatter--  side by side, native  <--narrow-  FC_T
 */
enum { FC_NAME(CHUNK) = 256 }; /* elements at a time, in the first-level cache */

FC_INLINE ptrdiff_t FC_NAME(kind_bytes)(int kind)
{
#define FC_BYTES(name, type) sizeof(type),
    static const unsigned char bytes[] = {FC_STORAGE_LIST(FC_BYTES)};
#undef FC_BYTES
    return bytes[kind];
}

/* `count` elements of SIZE bytes, `from_bytes` and `to_bytes` apart. */
#define FC_MOVE(SIZE, TYPE, SWAP)                                                                \
    case SIZE:                                                                                   \
        for (ptrdiff_t i = 0; i < count; i++) {                                                  \
            TYPE bits;                                                                           \
            memcpy(&bits, from + i * from_bytes, SIZE);                                          \
            if (swapped)                                                                         \
                bits = SWAP(bits);                                                               \
            memcpy(to + i * to_bytes, &bits, SIZE);                                              \
        }                                                                                        \
        break;
static void FC_NAME(move)(char *to, ptrdiff_t to_bytes, const char *from, ptrdiff_t from_bytes,
                          ptrdiff_t count, ptrdiff_t size, int swapped)
{
    switch (size) {
        FC_MOVE(1, uint8_t, )
        FC_MOVE(2, uint16_t, __builtin_bswap16)
        FC_MOVE(4, uint32_t, __builtin_bswap32)
        FC_MOVE(8, uint64_t, __builtin_bswap64)
    }
}
#undef FC_MOVE

#define FC_WIDEN(KIND, TYPE, VALUE)                                                              \
    case KIND: {                                                                                 \
        typedef TYPE type __attribute__((aligned(1), may_alias));                                \
        const type *from = src;                                                                  \
        for (ptrdiff_t i = 0; i < count; i++)                                                    \
            dst[i] = (FC_T)VALUE(from[i]);                                                       \
        break;                                                                                   \
    }
static void FC_NAME(widen)(FC_T *dst, const void *src, ptrdiff_t count, int kind)
{
#if FC_REAL == 4
    if (kind == FC_F16) {
        fc_widen_row(dst, src, count);
        return;
    }
#endif
    switch (kind) {
        FC_WIDEN(FC_U8, uint8_t, )
        FC_WIDEN(FC_I8, int8_t, )
        FC_WIDEN(FC_U16, uint16_t, )
        FC_WIDEN(FC_I16, int16_t, )
        FC_WIDEN(FC_U32, uint32_t, )
        FC_WIDEN(FC_I32, int32_t, )
        FC_WIDEN(FC_U64, uint64_t, )
        FC_WIDEN(FC_I64, int64_t, )
#if FC_REAL
        FC_WIDEN(FC_F16, uint16_t, fc_from_half)
        FC_WIDEN(FC_BF16, uint16_t, fc_from_bfloat)
        FC_WIDEN(FC_F32, float, )
        FC_WIDEN(FC_F64, double, )
#endif
    }
}
#undef FC_WIDEN

/* dst[i] = the element at src + i * step_bytes */
static void FC_NAME(read_row)(FC_T *dst, ptrdiff_t count, const char *src, ptrdiff_t step_bytes,
                              int storage)
{
    const int kind = storage & FC_KIND, swapped = (storage & FC_SWAPPED) != 0;
    const ptrdiff_t size = FC_NAME(kind_bytes)(kind);
    char raw[FC_NAME(CHUNK) * 8];
    if (kind == FC_OWN_KIND && !swapped) {
        FC_NAME(move)((char *)dst, sizeof(FC_T), src, step_bytes, count, sizeof(FC_T), 0);
        return;
    }
    if (!swapped && step_bytes == size) {
        FC_NAME(widen)(dst, src, count, kind);
        return;
    }
    for (; count > 0; count -= FC_NAME(CHUNK)) {
        const ptrdiff_t part = count < FC_NAME(CHUNK) ? count : FC_NAME(CHUNK);
        FC_NAME(move)(raw, size, src, step_bytes, part, size, swapped);
        FC_NAME(widen)(dst, raw, part, kind);
        src += part * step_bytes;
        dst += part;
    }
}

#if FC_REAL
/* What an integer can hold; rounded to the nearest, halves to even; NaN becomes 0. The sum with a
 * number whose last digit is 1 rounds, and its last bits are those of the integer. */
#define FC_NARROW_SMALL(KIND, TYPE, LOW, HIGH)                                                   \
    case KIND: {                                                                                 \
        typedef TYPE type __attribute__((aligned(1), may_alias));                                \
        type *to = dst;                                                                          \
        const FC_T magic = sizeof(FC_T) == 4 ? (FC_T)0x1.8p23 : (FC_T)0x1.8p52;                  \
        for (ptrdiff_t i = 0; i < count; i++) {                                                  \
            FC_T value = src[i];                                                                 \
            FC_INT bits;                                                                         \
            if (LOW < 0) /* else NaN becomes LOW anyway */                                       \
                value = value == value ? value : 0;                                              \
            value = value > LOW ? value : LOW;                                                   \
            value = (value < HIGH ? value : HIGH) + magic;                                       \
            memcpy(&bits, &value, sizeof bits);                                                  \
            to[i] = (TYPE)bits;                                                                  \
        }                                                                                        \
        break;                                                                                   \
    }
#define FC_NARROW_LARGE(KIND, TYPE, LOW, HIGH, ABOVE)                                            \
    case KIND: {                                                                                 \
        typedef TYPE type __attribute__((aligned(1), may_alias));                                \
        type *to = dst;                                                                          \
        for (ptrdiff_t i = 0; i < count; i++) {                                                  \
            const double value = __builtin_rint((double)src[i]);                                 \
            to[i] = !(value == value) ? 0                                                        \
                    : value >= ABOVE  ? HIGH                                                     \
                    : value <= (double)LOW ? LOW                                                 \
                                           : (TYPE)value;                                        \
        }                                                                                        \
        break;                                                                                   \
    }
#define FC_NARROW_REAL(KIND, TYPE, VALUE)                                                        \
    case KIND: {                                                                                 \
        typedef TYPE type __attribute__((aligned(1), may_alias));                                \
        type *to = dst;                                                                          \
        for (ptrdiff_t i = 0; i < count; i++)                                                    \
            to[i] = VALUE(src[i]);                                                               \
        break;                                                                                   \
    }
static void FC_NAME(narrow)(void *dst, const FC_LOOSE *src, ptrdiff_t count, int kind, int saturate)
{
    (void)saturate; /* always */
#if FC_REAL == 4
    if (kind == FC_F16) {
        fc_narrow_row(dst, src, count);
        return;
    }
#endif
    switch (kind) {
        FC_NARROW_SMALL(FC_U8, uint8_t, 0, 255)
        FC_NARROW_SMALL(FC_I8, int8_t, -128, 127)
        FC_NARROW_SMALL(FC_U16, uint16_t, 0, 65535)
        FC_NARROW_SMALL(FC_I16, int16_t, -32768, 32767)
        FC_NARROW_LARGE(FC_U32, uint32_t, 0, UINT32_MAX, 0x1p32)
        FC_NARROW_LARGE(FC_I32, int32_t, INT32_MIN, INT32_MAX, 0x1p31)
        FC_NARROW_LARGE(FC_U64, uint64_t, 0, UINT64_MAX, 0x1p64)
        FC_NARROW_LARGE(FC_I64, int64_t, INT64_MIN, INT64_MAX, 0x1p63)
        FC_NARROW_REAL(FC_F16, uint16_t, FC_TO_HALF)
        FC_NARROW_REAL(FC_BF16, uint16_t, FC_TO_BFLOAT)
        FC_NARROW_REAL(FC_F32, float, (float))
        FC_NARROW_REAL(FC_F64, double, (double))
    }
}
#undef FC_NARROW_SMALL
#undef FC_NARROW_LARGE
#undef FC_NARROW_REAL
#else
#define FC_NARROW(KIND, TYPE, LOW, HIGH)                                                         \
    case KIND: {                                                                                 \
        typedef TYPE type __attribute__((aligned(1), may_alias));                                \
        type *to = dst;                                                                          \
        if (saturate && sizeof(TYPE) <= sizeof(FC_T))                                            \
            for (ptrdiff_t i = 0; i < count; i++) {                                              \
                FC_T value = src[i] < (FC_T)(LOW) ? (FC_T)(LOW) : src[i];                        \
                if ((FC_T)(HIGH) > 0) /* or it holds all of them */                              \
                    value = value > (FC_T)(HIGH) ? (FC_T)(HIGH) : value;                         \
                to[i] = (TYPE)value;                                                             \
            }                                                                                    \
        else if (saturate && (LOW) == 0)                                                         \
            for (ptrdiff_t i = 0; i < count; i++)                                                \
                to[i] = (TYPE)(src[i] < 0 ? 0 : src[i]);                                         \
        else                                                                                     \
            for (ptrdiff_t i = 0; i < count; i++)                                                \
                to[i] = (TYPE)src[i];                                                            \
        break;                                                                                   \
    }
static void FC_NAME(narrow)(void *dst, const FC_LOOSE *src, ptrdiff_t count, int kind, int saturate)
{
    switch (kind) {
        FC_NARROW(FC_U8, uint8_t, 0, UINT8_MAX)
        FC_NARROW(FC_I8, int8_t, INT8_MIN, INT8_MAX)
        FC_NARROW(FC_U16, uint16_t, 0, UINT16_MAX)
        FC_NARROW(FC_I16, int16_t, INT16_MIN, INT16_MAX)
        FC_NARROW(FC_U32, uint32_t, 0, UINT32_MAX)
        FC_NARROW(FC_I32, int32_t, INT32_MIN, INT32_MAX)
        FC_NARROW(FC_U64, uint64_t, 0, UINT64_MAX)
        FC_NARROW(FC_I64, int64_t, INT64_MIN, INT64_MAX)
    }
}
#undef FC_NARROW
#endif

/* 32 bytes of elements to every second place from `to` on. */
FC_INLINE void FC_NAME(spread)(void *to, const void *row)
{
    if (FC_SQUARE_IS_8)
        fc_spread_32(to, row);
    else
        fc_spread_64(to, row);
}

/* the element at dst + i * step_bytes = src[i] */
static void FC_NAME(write_row)(char *dst, ptrdiff_t step_bytes, const FC_LOOSE *src,
                               ptrdiff_t count, int storage, int saturate)
{
    const int kind = storage & FC_KIND, swapped = (storage & FC_SWAPPED) != 0;
    const ptrdiff_t size = FC_NAME(kind_bytes)(kind);
    char raw[FC_NAME(CHUNK) * 8];
    if (kind == FC_OWN_KIND) {
        if (FC_SPREADS && !swapped && step_bytes == 2 * (ptrdiff_t)sizeof(FC_T))
            for (; count * sizeof(FC_T) >= 32; count -= 32 / sizeof(FC_T)) {
                FC_NAME(spread)(dst, src);
                dst += 64;
                src += 32 / sizeof(FC_T);
            }
        FC_NAME(move)(dst, step_bytes, (const char *)src, sizeof(FC_T), count, sizeof(FC_T),
                      swapped);
        return;
    }
    if (!swapped && step_bytes == size) {
        FC_NAME(narrow)(dst, src, count, kind, saturate);
        return;
    }
    for (; count > 0; count -= FC_NAME(CHUNK)) {
        const ptrdiff_t part = count < FC_NAME(CHUNK) ? count : FC_NAME(CHUNK);
        FC_NAME(narrow)(raw, src, part, kind, saturate);
        FC_NAME(move)(dst, step_bytes, raw, size, part, size, swapped);
        dst += part * step_bytes;
        src += part;
    }
}
