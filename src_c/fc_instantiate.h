/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All templates for each dtype of one ISA; included by the stubs in isa/, which are compiled twice:
 * once more with FC_FILTERS, without contraction. */
#ifdef FC_FILTERS
#include "fc_filter_instantiate.h"
#else
#include "fc_kernels.h"
#include <stdint.h>
#include <string.h>
#include "fc_simd.h"
#include "fc_area.h"

#ifdef __clang__
#define FC_SHUFFLE8(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define FC_SHUFFLE4(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int32_t fc_index8 __attribute__((vector_size(32)));
typedef int64_t fc_index4 __attribute__((vector_size(32)));
#define FC_SHUFFLE8(a, b, ...) __builtin_shuffle(a, b, (fc_index8){__VA_ARGS__})
#define FC_SHUFFLE4(a, b, ...) __builtin_shuffle(a, b, (fc_index4){__VA_ARGS__})
#endif

#include "fc_half.h"

#define FC_T float
#define FC_DTYPE f32
#define FC_SQUARE_IS_8 1
#define FC_SELECTS 1
#define FC_REAL 4 /* bytes of a real number; 0: an integer */
#define FC_TILED 1
#define FC_OWN_KIND FC_F32
#define FC_INT int32_t
#define FC_BITS uint32_t
#define FC_FRACTION 23 /* bits of a float, and those of 1.0 */
#define FC_ONE 0x3f800000
#define FC_MOST __builtin_inff()
#define FC_TO_HALF fc_to_half
#define FC_TO_BFLOAT fc_to_bfloat
#include "fc_templates.h"

#define FC_T double
#define FC_DTYPE f64
#define FC_SQUARE_IS_8 0
#define FC_SELECTS 1
#define FC_REAL 8
#define FC_TILED 1
#define FC_OWN_KIND FC_F64
#define FC_INT int64_t
#define FC_BITS uint64_t
#define FC_FRACTION 52
#define FC_ONE 0x3ff0000000000000
#define FC_MOST __builtin_inf()
#define FC_TO_HALF(x) fc_to_half(fc_to_odd(x))
#define FC_TO_BFLOAT(x) fc_to_bfloat(fc_to_odd(x))
#include "fc_templates.h"

/* Sums of 8-bit integers, for their epilogue; tiles are those of float32, exact in a block. */
#define FC_T int32_t
#define FC_DTYPE i32
#define FC_SQUARE_IS_8 1
#define FC_SELECTS 1
#define FC_REAL 0
#define FC_TILED 0
#define FC_OWN_KIND FC_I32
#define FC_INT int32_t
#define FC_BITS uint32_t
#define FC_MOST INT32_MAX
#include "fc_templates.h"

#define FC_T int64_t
#define FC_DTYPE i64
#define FC_SQUARE_IS_8 0
#define FC_SELECTS 1
#define FC_REAL 0
#define FC_TILED 1
#define FC_OWN_KIND FC_I64
#define FC_INT int64_t
#define FC_BITS uint64_t
#define FC_MOST INT64_MAX
#include "fc_templates.h"

/* The same for integers that 32 bits would hold; what differs is how tiles multiply. */
#define FC_T int64_t
#define FC_DTYPE l64
#define FC_TIMES fc_times_low
#define FC_VECTOR_TIMES fc_times_lows
#define FC_SQUARE_IS_8 0
#define FC_SELECTS 0 /* vectors that choose are those of i64 */
#define FC_REAL 0
#define FC_TILED 1
#define FC_OWN_KIND FC_I64
#define FC_INT int64_t
#define FC_BITS uint64_t
#define FC_MOST INT64_MAX
#include "fc_templates.h"
#endif
