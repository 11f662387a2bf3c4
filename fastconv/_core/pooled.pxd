# SPDX-License-Identifier: BSD-3-Clause
"""Pooling as threads and loops see it."""
from libc.stdint cimport int64_t

from fastconv._core.source cimport source_t
from fastconv._core.table cimport fc_columns, fc_epilogue, fc_kernels, fc_pool
from fastconv._core.window cimport operands_t, view_t, window_t

# Which cells of the input count, and which indices they have.
cdef struct indices_t:
    bint wanted
    # An index is the sum of these, times batch, channel, depth, height, width of its cell.
    Py_ssize_t weight[5]
    # Where a border copies cells, places are first those of the input with its padding, of these
    # sizes; then each is looked up.
    bint padded
    Py_ssize_t sizes[3]

cdef struct pooled_t:
    window_t window             # its strips are of one channel, unless lanes are channels
    window_t mask               # the same of an array that says which cells count
    bint counting               # there is one: values are sums over the cells that count
    bint omit                   # NaN does not count
    view_t dst, index
    indices_t indices
    int what                    # FC_POOL_MAX, FC_POOL_ARGMAX or FC_POOL_SUM
    Py_ssize_t channels
    Py_ssize_t each[5]          # of a task: batch (one), channels, planes, rows, columns
    Py_ssize_t parts[5]
    bint pixels                 # lanes are columns, else channels
    bint in_place               # cells are read where they lie in the array
    int shift                   # ... as vectors, with 1 << shift elements from column to column
    bint shared                 # taps between two columns come with the first of them
    bint dst_in_place, index_in_place       # lanes are written where they belong
    bint flips
    char flip[8]                # bits that are flipped before and after
    double power                # cells are raised to it before, the root is taken after; or 0
    char low[8]                 # the value of a window without cells, as it is compared
    const double *counts[3]     # the divisor of a sum is the product of those of its axes; or NULL
    const char *columns         # ... those of columns, in the dtype of sums, and a vector more
    fc_epilogue value_how, index_how
    const fc_kernels *integers  # of indices
    bint walks                  # windows share rows, which the kernel reads once
    bint changes                # values are changed after they are pooled
    Py_ssize_t listed           # lines whose rows scratch has room for
    Py_ssize_t lines, pitch     # ... and lines whose values it has room for; elements of one
    # Places in scratch.
    Py_ssize_t at_walk, at_begin, at_place, at_row_index, at_depth, at_step, at_tap_index
    Py_ssize_t at_columns, at_masks, at_divisors, at_value, at_count, at_index
    Py_ssize_t scratch_bytes

# The outputs of a task.
cdef struct part_t:
    Py_ssize_t n, c0, c1, first[3], end[3]      # of depth, height, width

# Where the first output of some lines is.
cdef struct place_t:
    Py_ssize_t n, at[3]         # batch; depth, height, width
    Py_ssize_t tap              # of all taps along a row the first that is listed

cdef void list_walk(const pooled_t *p, const part_t *part, Py_ssize_t z, fc_pool *pool,
                    char *scratch) noexcept nogil
cdef void list_taps(const pooled_t *p, const part_t *part, const source_t *source, Py_ssize_t x,
                    bint valid_only, fc_pool *pool, char *scratch) noexcept nogil
cdef void set_order(const window_t *window, bint pixels, bint in_place,
                    fc_pool *pool) noexcept nogil
cdef bint is_nan(const fc_kernels *kernels, const char *at) noexcept nogil
cdef Py_ssize_t mask_words(const pooled_t *p) noexcept nogil
cdef void find_part(const pooled_t *p, Py_ssize_t task, part_t *part) noexcept nogil
cdef Py_ssize_t find_columns(const pooled_t *p, const part_t *part, char *scratch) noexcept nogil
cdef Py_ssize_t list_rows(const pooled_t *p, Py_ssize_t z, Py_ssize_t y, const Py_ssize_t *depth,
                          const Py_ssize_t *height, Py_ssize_t *place,
                          Py_ssize_t *index) noexcept nogil
cdef void pool_lines(const pooled_t *p, const operands_t *operands, fc_pool *pool, const char *src,
                     Py_ssize_t c, const place_t *place, Py_ssize_t count, Py_ssize_t lines,
                     char *scratch) noexcept nogil
