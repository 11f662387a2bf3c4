# SPDX-License-Identifier: BSD-3-Clause
"""Lines of pools whose windows differ from output to output, as threads and loops see them."""
from libc.stdint cimport int64_t

from fastconv._core.table cimport fc_epilogue, fc_kernels, fc_pool
from fastconv._core.window cimport operands_t, view_t, window_t

cdef struct uneven_t:
    window_t window             # axes of the input, each position by itself
    view_t dst, index
    int what
    bint omit, average, pixels, in_place, flips
    bint merges                 # rows of windows become one before they are pooled
    bint joined                 # outputs follow one another from line to line
    Py_ssize_t channels
    Py_ssize_t part, parts      # channels of a line, where these are lanes, else 1; how often
    Py_ssize_t outputs[3], lines            # lines of a plane
    Py_ssize_t weight[5]        # of indices: see pooled.pxd
    Py_ssize_t units, each      # lines of all planes, and of a task
    Py_ssize_t held             # lines whose rows scratch has room for
    Py_ssize_t step[3]          # elements of the input between neighbours of an axis, if in place
    Py_ssize_t table[3], table_plane    # where the tables of an axis begin; from plane to plane
    Py_ssize_t most_rows, most_runs         # of a window, at most: rows, and runs of them
    Py_ssize_t rows             # of a strip, or that one chain of additions sums, at most
    char flip[8]
    char low[8]
    double power
    fc_epilogue value_how, index_how
    const fc_kernels *integers
    Py_ssize_t at_begin, at_place, at_row_index, at_step, at_columns, at_mask
    Py_ssize_t at_runs, at_line_begin, at_divisors
    Py_ssize_t at_row, at_row_places, at_kept, at_kept_places, at_value, at_index
    Py_ssize_t pitch            # elements from row to row
    Py_ssize_t scratch_bytes

# A line, the plane as it lies in the array, and the tables of the plane.
cdef struct here_t:
    Py_ssize_t n, c, z, y
    const char *plane
    const Py_ssize_t *first[3]
    const Py_ssize_t *end[3]

cdef void find_line(const uneven_t *p, const operands_t *operands, Py_ssize_t unit,
                    here_t *here) noexcept nogil
cdef void next_line(const uneven_t *p, const operands_t *operands, Py_ssize_t unit,
                    here_t *here) noexcept nogil
cdef void set_columns(const uneven_t *p, fc_pool *pool, Py_ssize_t width, Py_ssize_t taps,
                      char *scratch) noexcept nogil
cdef void list_rows(const uneven_t *p, const operands_t *operands, const here_t *here,
                    fc_pool *pool, Py_ssize_t held, char *scratch) noexcept nogil
cdef void pool_across(const uneven_t *p, const operands_t *operands, Py_ssize_t unit,
                      Py_ssize_t lines, char *scratch) noexcept nogil
cdef void pool_channels(const uneven_t *p, const operands_t *operands, const here_t *here,
                        fc_pool *pool, char *scratch) noexcept nogil
