# SPDX-License-Identifier: BSD-3-Clause
"""What is moved, and what is added, as threads see it: see rows.pyx."""
from fastconv._core.axis cimport Axis
from fastconv._core.table cimport fc_epilogue, fc_kernels, fc_moved, fc_run

# An axis of the output.  `first` has the number of the first position of each run, and the end.
cdef struct level_t:
    Py_ssize_t runs, total          # how many, and all positions
    Py_ssize_t dst_step             # bytes from one position of a run to the next, in the output
    const fc_run *run
    const Py_ssize_t *first

cdef enum:
    MOST_LEVELS = 80                # NumPy has at most 64 axes

cdef struct moves_t:
    const fc_kernels *kernels
    fc_moved bits
    Py_ssize_t outer                # levels of lines
    level_t level[MOST_LEVELS]      # ... first, then that of rows, then that of elements
    Py_ssize_t lines
    bint across                     # neighbours in the input belong to neighbouring lines
    Py_ssize_t task_lines, task_rows, task_runs     # of a task, at most

# An array, in bytes from one element to the next; of numbers of `storage` (fc_kernels.h).
cdef struct place_t:
    int storage
    Py_ssize_t image_bytes, channel_bytes, part_bytes
    Py_ssize_t tap_bytes[3]         # of columns
    Py_ssize_t axis_bytes[3]        # from one output, or element of the image, to the next

cdef struct fold_t:
    const fc_kernels *kernels       # of the dtype of sums
    Py_ssize_t itemsize             # of that dtype
    Axis axis[3]                    # depth, height, width: src of the image, dst of the columns
    place_t columns, image
    fc_epilogue how
    bint in_columns                 # rows of columns are added where they lie
    bint in_image                   # sums are stored in the image as they are
    Py_ssize_t phases               # of a row: the stride, or 1
    fc_moved phase                  # ... as elements of the image
    Py_ssize_t channels, parts, lines
    Py_ssize_t task_lines, task_rows, task_columns      # of a task, at most
    Py_ssize_t row, sums, woven, falls      # places in scratch
    Py_ssize_t scratch_bytes

# Part of a plane of the image, and its rows of sums, in elements.
cdef struct box_t:
    Py_ssize_t plane, y0, y1, x0, x1
    Py_ssize_t each, pitch          # of a phase, from one row to the next

# The elements of a tap of the last axis: where in a row of sums the first one falls, how many
# there are, and where in the columns they begin.
cdef struct fall_t:
    Py_ssize_t at, count, bytes
