# SPDX-License-Identifier: BSD-3-Clause
"""A locally connected layer as threads and loops see it."""
from fastconv._core.epilogue cimport epilogue_t
from fastconv._core.window cimport operands_t, window_t

# The weights, in bytes from one position, row, and element of (channel, plane, row, tap) to the
# next.
cdef struct rows_t:
    Py_ssize_t position_bytes[3]
    Py_ssize_t channel_bytes        # from one output channel to the next
    Py_ssize_t axis_bytes[4]
    Py_ssize_t step_bytes           # where an element is one number, and all have one step; else 0
    Py_ssize_t components, component_bytes
    int storage
    bint integer                    # so none is inf or NaN
    bint native                     # read where they lie

cdef struct local_t:
    window_t window
    rows_t weights
    epilogue_t epilogue
    Py_ssize_t groups, batch
    Py_ssize_t row_parts, window_parts  # of an output channel, of an image: real and imaginary
    Py_ssize_t each                     # numbers of an element of k: 2, or 1
    Py_ssize_t depth, block             # elements of k: all, in a block
    Py_ssize_t pitch                    # numbers from one row of a block to the next
    Py_ssize_t positions, rows, windows     # all of a group
    Py_ssize_t task_positions, task_groups, task_rows, task_windows     # of a task, at most
    Py_ssize_t gathered, converted      # windows, and rows, that scratch has room for
    Py_ssize_t run                      # positions that follow one another in the output
    Py_ssize_t dst_step, residual_step
    Py_ssize_t inside, outside, holes, axis, row, raw, x, sums      # places in scratch
    Py_ssize_t scratch_bytes

# One position, and the windows there.
cdef struct place_t:
    Py_ssize_t start[3]             # where its window begins
    Py_ssize_t at[3]                # its number on each axis
    bint interior                   # no tap lies outside of the input
    Py_ssize_t base                 # bytes from the image to the beginning of the window
    const Py_ssize_t *offset        # of the numbers of a block from there
    Py_ssize_t holes                # numbers that lie nowhere
    bint empty                      # all do


cdef void locate(const local_t *p, Py_ssize_t position, place_t *place) noexcept nogil
cdef void begin_block(const local_t *p, Py_ssize_t e0, Py_ssize_t e1, char *scratch) noexcept nogil
cdef void choose_offsets(const local_t *p, Py_ssize_t e0, Py_ssize_t e1, place_t *place,
                         char *scratch) noexcept nogil
cdef void gather(const local_t *p, const operands_t *operands, const place_t *place,
                 Py_ssize_t group, Py_ssize_t v0, Py_ssize_t v1, Py_ssize_t count,
                 char *scratch) noexcept nogil
cdef const char *weight_rows(const local_t *p, const operands_t *operands, const place_t *place,
                             Py_ssize_t group, Py_ssize_t r0, Py_ssize_t r1, Py_ssize_t e0,
                             Py_ssize_t count, char *scratch, Py_ssize_t *pitch) noexcept nogil
