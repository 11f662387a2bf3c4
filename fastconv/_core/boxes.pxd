# SPDX-License-Identifier: BSD-3-Clause
"""A pass of a filter over an array of any rank, box by box.

Each output reads a window of the input, with a border around it.  The outputs are cut into boxes.
What a box reads is converted into cells, which are contiguous numbers of one dtype, border and all;
rows of outputs are computed from them, and stored.  Axes are reordered, and joined where they lie
in memory like one: the last one is that whose elements fill vectors.
"""
from fastconv._core.axis cimport Axis
from fastconv._core.filters cimport fc_filters, fc_footprint, fc_rank, fc_sums
from fastconv._core.table cimport fc_kernels

cdef enum:
    LANES = 16                  # lines that run side by side, and elements that fill vectors well
    CHUNK_WORK = 1000 * 1000 * 1000     # operations between two looks at signals
    MOST_AXES = 8
    MOST_TOLD = 64              # axes of an array of NumPy

# An array, as the caller has it; strides in bytes.
cdef struct array_t:
    char *data
    int rank, storage
    Py_ssize_t itemsize
    Py_ssize_t shape[MOST_TOLD]
    Py_ssize_t strides[MOST_TOLD]

# What outputs along an axis read: output o what lies from position o - before to o + after of the
# input, which has src of them.
cdef struct side_t:
    Py_ssize_t n, src, before, after
    Py_ssize_t src_bytes, dst_bytes     # from one position to the next
    Py_ssize_t box                      # outputs of a box
    Py_ssize_t pitch                    # cells from one position to the next

# One box: its outputs, and the positions that its cells hold.
cdef struct box_t:
    Py_ssize_t at[MOST_AXES]            # the first output
    Py_ssize_t size[MOST_AXES]          # outputs
    Py_ssize_t first[MOST_AXES]         # position of the first cell
    Py_ssize_t fresh[MOST_AXES]         # ... of the first that is not there yet
    Py_ssize_t end[MOST_AXES]
    bint begins                         # the first box of a column
    const char *value                   # the constant around the input, as cells hold it

cdef struct pass_t

# A row of outputs from cells, to `out` or to where it says they are.
ctypedef const char *(*row_fn)(const pass_t *p, const char *cell, Py_ssize_t count,
                               char *scratch) noexcept nogil
# What is done to a whole box before; returns where rows find their cells.
ctypedef char *(*whole_fn)(const pass_t *p, const box_t *box, char *cells,
                           char *scratch) noexcept nogil

cdef struct pass_t:
    const char *name            # of the function that is called
    Py_ssize_t taps             # of an output
    const fc_kernels *kernels
    const fc_filters *filters
    Py_ssize_t itemsize                 # of cells
    int axes
    int moving                          # the axis along which boxes follow one another
    bint in_place                       # the output is the input, of which more is read later
    Py_ssize_t lines                    # of a box, where they lie along `moving`, the last axis
    side_t side[MOST_AXES]
    Axis border[MOST_AXES]
    int of_axis[MOST_TOLD]              # where an axis of the caller is now; -1: nowhere
    Py_ssize_t pixel                    # elements of the last axis that move together
    bint constant
    char value[2][8]                    # the constant of each component, as cells hold it
    char *src
    char *dst
    int src_storage, dst_storage
    bint rows_whole                     # cells hold whole rows of the input
    Py_ssize_t *before_place            # bytes from a row to what lies before and after it, of
    Py_ssize_t *after_place             # rows that are not whole
    Py_ssize_t components               # 2 of complex arrays, whose cells are apart
    Py_ssize_t cells                    # of a box, most
    Py_ssize_t together                 # outputs of a row that are computed before the next row
    Py_ssize_t columns, columns_a_task, parts, part     # boxes, in columns along `moving`
    Py_ssize_t saved_line               # cells behind the end of a line that are saved
    Py_ssize_t at_saved, at_work, at_row, at_total, scratch_bytes
    Py_ssize_t room_bytes               # that a row needs behind its outputs
    whole_fn whole
    row_fn row
    # What rows and boxes compute.
    fc_sums sums
    fc_footprint footprint
    fc_rank rank
    Py_ssize_t size                     # of a window along `moving`
    bint running                        # sums go on along all of a line
    bint resumes                        # a part of a column goes on where the one before ended
    int minimum


cdef object begin_pass(pass_t *p, const array_t *src, const array_t *dst, const Py_ssize_t *before,
                       const Py_ssize_t *after, int mode, bint across)
cdef void choose_boxes(pass_t *p, Py_ssize_t work, Py_ssize_t lines, int threads) noexcept
cdef Py_ssize_t tap_offset(const pass_t *p, int axis, Py_ssize_t tap) noexcept
