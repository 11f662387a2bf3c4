/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All templates for both dtypes of one ISA; included by the stubs in isa/. */
#include "fc_kernels.h"
#include "fc_simd.h"
#include <stdint.h>
#include <string.h>

#ifdef __clang__
#define FC_SHUFFLE8(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define FC_SHUFFLE4(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int32_t fc_index8 __attribute__((vector_size(32)));
typedef int64_t fc_index4 __attribute__((vector_size(32)));
#define FC_SHUFFLE8(a, b, ...) __builtin_shuffle(a, b, (fc_index8){__VA_ARGS__})
#define FC_SHUFFLE4(a, b, ...) __builtin_shuffle(a, b, (fc_index4){__VA_ARGS__})
#endif

#define FC_T float
#define FC_DTYPE f32
#define FC_BITS uint32_t
#define FC_SWAP __builtin_bswap32
#define FC_SQUARE_IS_8 1
#include "fc_templates.h"
#undef FC_T
#undef FC_DTYPE
#undef FC_BITS
#undef FC_SWAP
#undef FC_SQUARE_IS_8

#define FC_T double
#define FC_DTYPE f64
#define FC_BITS uint64_t
#define FC_SWAP __builtin_bswap64
#define FC_SQUARE_IS_8 0
#include "fc_templates.h"
