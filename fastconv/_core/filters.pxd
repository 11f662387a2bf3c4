# SPDX-License-Identifier: BSD-3-Clause
"""The C kernels of filters (src_c/fc_filters.h) as Cython sees them."""

cdef extern from "fc_filters.h" nogil:
    ctypedef struct fc_sums:
        int form
        Py_ssize_t taps, every
        const Py_ssize_t *offset
        const Py_ssize_t *mate
        const void *weight
        Py_ssize_t src_imaginary, dst_imaginary

    ctypedef struct fc_footprint:
        int minimum, add
        Py_ssize_t taps
        const Py_ssize_t *offset
        const double *height
        double low, high

    ctypedef struct fc_rank_step:
        unsigned short low, high

    ctypedef struct fc_rank:
        int rank
        Py_ssize_t taps, steps, place
        const Py_ssize_t *offset
        const fc_rank_step *step

    enum:
        FC_U8, FC_I8, FC_U16, FC_I16, FC_U32, FC_I32, FC_F32, FC_U64, FC_I64, FC_F64
        FC_KIND, FC_SWAPPED
        FC_FILTER_SLACK, FC_TURN
        FC_SUM, FC_SUM_FOURS, FC_SUM_FIRST, FC_SUM_SYMMETRIC, FC_SUM_ANTISYMMETRIC
        FC_SUM_COMPLEX, FC_SUM_COMPLEX_FOURS
        FC_ADD_NOTHING, FC_ADD_DOUBLE, FC_ADD_FLOAT, FC_ADD_INTEGER

    ctypedef struct fc_filters:
        const char *isa
        const char *dtype
        int itemsize, lanes
        void (*sum_row)(void *dst, const void *src, const fc_sums *sums,
                        Py_ssize_t count) noexcept nogil
        void (*mean_rows)(void *dst, const void *src, Py_ssize_t pitch, Py_ssize_t rows,
                          Py_ssize_t count, Py_ssize_t size, void *total, int begin) noexcept nogil
        void (*mean_line)(void *dst, const void *src, Py_ssize_t step, Py_ssize_t count,
                          Py_ssize_t size, void *total, int begin) noexcept nogil
        void (*extreme_two)(void *dst, const void *src, Py_ssize_t away, Py_ssize_t count,
                            int minimum) noexcept nogil
        void (*extreme_row)(void *dst, const void *src, const fc_footprint *footprint,
                            Py_ssize_t count) noexcept nogil
        void (*rank_row)(void *dst, const void *src, const fc_rank *rank, Py_ssize_t count,
                         void *room) noexcept nogil
        int (*odd_numbers)(const void *src, Py_ssize_t count) noexcept nogil
        void (*truncate_row)(void *dst, Py_ssize_t step_bytes, const void *src, Py_ssize_t count,
                             int storage) noexcept nogil
