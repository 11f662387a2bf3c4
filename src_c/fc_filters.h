/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The kernels of filters.  Their sums have an order that the caller names, and a product is rounded
 * before it is added: they are compiled without contraction, apart from the kernels of fc_kernels.h.
 * One table per (ISA, dtype), as there.  Rows are read and written in whole vectors, so memory goes
 * on for FC_FILTER_SLACK bytes behind them. */
#ifndef FC_FILTERS_H
#define FC_FILTERS_H

#include "fc_kernels.h"

enum { FC_FILTER_SLACK = 128 }; /* two of the widest vectors */

/* Beside FC_U64 in the storage of an output: a negative number is stored by way of a positive one. */
enum { FC_TURN = 32 };

/* How the taps of an output are added.  Tap t is weight[t], times what lies at offset[t] from the
 * output's place in the source. */
enum {
    FC_SUM,           /* 0 + tap 0 + tap 1 + ... */
    FC_SUM_FOURS,     /* 0 + (0 + tap 0 + ... + tap 3) + ...; a row of `every` taps may end with */
                      /* less than four, which are added one by one */
    FC_SUM_FIRST,     /* tap 0 + tap 1 + ... */
    FC_SUM_SYMMETRIC, /* the same, but from tap 1 on two elements are added before they are ... */
    FC_SUM_ANTISYMMETRIC, /* ... or subtracted, the second one at mate[t] */
    FC_SUM_COMPLEX,   /* FC_SUM of complex numbers, of which the imaginary parts are apart */
    FC_SUM_COMPLEX_FOURS
};
typedef struct {
    int form;
    ptrdiff_t taps, every;
    const ptrdiff_t *offset, *mate;
    const void *weight; /* of complex ones re, im */
    ptrdiff_t src_imaginary, dst_imaginary; /* elements from a real part to the imaginary one */
} fc_sums;

/* What is added to what lies under a structure before it is compared, after SciPy: the first sum is
 * one of double, all others have the dtype of the array. */
enum { FC_ADD_NOTHING, FC_ADD_DOUBLE, FC_ADD_FLOAT, FC_ADD_INTEGER };
typedef struct {
    int minimum, add;
    ptrdiff_t taps;
    const ptrdiff_t *offset;
    const double *height;
    double low, high; /* of the integers of the dtype, which wrap around */
} fc_footprint;

/* A rank among the elements under a footprint.  A step sorts elements `low` and `high`; after all
 * of them the result is element `place`.  Without steps, numbers are halved. */
typedef struct { unsigned short low, high; } fc_rank_step;
typedef struct {
    int rank;
    ptrdiff_t taps, steps, place;
    const ptrdiff_t *offset;
    const fc_rank_step *step;
} fc_rank;

/* The list: KERNEL(name, return type, arguments). */
#define FC_FILTER_LIST(KERNEL)                                                                   \
    /* dst[i] = the taps of output i, added */                                                   \
    KERNEL(sum_row, void, (void *dst, const void *src, const fc_sums *sums, ptrdiff_t count))    \
    /* Windows of `size` rows, from each row on, added and divided by their size. What each column \
     * has come to goes on in `total`, unless it is to `begin`: then there is a row before src. */ \
    KERNEL(mean_rows, void,                                                                      \
           (void *dst, const void *src, ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t count,        \
            ptrdiff_t size, void *total, int begin))                                             \
    /* the same along a line, whose elements are `step` apart */                                 \
    KERNEL(mean_line, void,                                                                      \
           (void *dst, const void *src, ptrdiff_t step, ptrdiff_t count, ptrdiff_t size,         \
            void *total, int begin))                                                             \
    /* dst[i] = the larger or smaller of src[i] and src[i + away]; of equals the latter */       \
    KERNEL(extreme_two, void,                                                                    \
           (void *dst, const void *src, ptrdiff_t away, ptrdiff_t count, int minimum))           \
    /* dst[i] = the largest or smallest under a footprint; a later one must be better */         \
    KERNEL(extreme_row, void,                                                                    \
           (void *dst, const void *src, const fc_footprint *footprint, ptrdiff_t count))         \
    /* dst[i] = the element of a rank; room is for two vectors of each element */                \
    KERNEL(rank_row, void,                                                                       \
           (void *dst, const void *src, const fc_rank *rank, ptrdiff_t count, void *room))       \
    /* bits: 1 if any of some numbers is NaN, and 2 if one is -0.0 */                            \
    KERNEL(odd_numbers, int, (const void *src, ptrdiff_t count))                                 \
    /* the number at dst + i * step_bytes = src[i], which loses its fraction, and high bits */   \
    KERNEL(truncate_row, void,                                                                   \
           (void *dst, ptrdiff_t step_bytes, const void *src, ptrdiff_t count, int storage))

#define FC_DECLARE(name, result, arguments) typedef result fc_##name##_fn arguments;
FC_FILTER_LIST(FC_DECLARE)
#undef FC_DECLARE

typedef struct {
    const char *isa, *dtype;
    int itemsize, lanes;
#define FC_FIELD(name, result, arguments) fc_##name##_fn *name;
    FC_FILTER_LIST(FC_FIELD)
#undef FC_FIELD
} fc_filters;

/* The dtypes of these tables, as in FC_DTYPE_LIST. */
#define FC_FILTER_DTYPE_LIST(DTYPE, isa)                                                         \
    DTYPE(f32, 'f', isa)                                                                         \
    DTYPE(f64, 'd', isa)                                                                         \
    DTYPE(i64, 'q', isa)

/* dispatch.c: the table of an ISA, for a letter of the list; NULL: unusable. */
const fc_filters *fc_find_filters(const char *isa, char dtype);

#endif
