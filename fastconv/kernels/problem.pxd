# SPDX-License-Identifier: BSD-3-Clause
"""One convolution as the walks see it: sizes, strides and blocks, no Python objects.

The four axes are batch, depth, height, width; the batch is an axis with one tap,
so nothing below distinguishes it from the others.  An axis is cut into spans of
output positions (spans.pxd), and a box is one span of every axis.
"""
from fastconv.kernels.spans cimport Axis, Span
from fastconv.kernels.table cimport fc_kernels, fc_run, fc_runs

cdef struct problem_t:
    const fc_kernels *kernels
    Py_ssize_t itemsize
    Axis axis[4]
    Py_ssize_t boxes
    Py_ssize_t groups, c_in, c_out      # channels of one group
    Py_ssize_t taps                     # taps of the kernel, all axes
    Py_ssize_t src_c_bytes, dst_c_bytes, src_end_bytes
    int src_storage, dst_storage, wei_storage
    bint dst_regular                    # aligned, native, numbers of a row side by side
    bint in_place_allowed               # with `guard`: pieces leave all padding out
    # k is cut into blocks of whole channels, and runs over (tap, channel) in a block.  Where a
    # channel is too large, a block is part of one: whole planes, or rows, or neighbours in a row
    # of the kernel, and ends with what encloses it (the channel, the plane, the row).
    Py_ssize_t depth, block_k, enclosing
    # weights: k-th number of output channel o at o * row_bytes + k_bytes[k]
    Py_ssize_t wei_row_bytes, wei_group_bytes
    Py_ssize_t wei_bytes[4]     # steps of input channel, depth, height, width
    Py_ssize_t *k_bytes         # unless contiguous
    bint wei_contiguous
    # strips of weights: `width` output channels each, `strips` of them, `task_strips` a task
    bint pixels_wide
    Py_ssize_t width, strips, task_strips
    Py_ssize_t panel                    # pixels in a panel of im2col_gemm
    bint stencil                        # one output channel: tiles of neighbouring output rows
    # Spans mix taps on padding with others: weights that are not finite must not meet it.
    bint guard
    bint cut_rows                       # tiles leave out pixels that see padding
    Py_ssize_t short_run                # steps of a run that is better dissolved
    Py_ssize_t tasks
    # scratch of one thread, in bytes from its start
    Py_ssize_t at_step, at_piece, at_tap, at_group, at_offset, at_segment
    Py_ssize_t at_weight, at_strip, at_panel, at_sum
    Py_ssize_t scratch_bytes
    Py_ssize_t sum_pitch

cdef struct call_t:
    char *src
    char *wei
    char *packed            # prepared weights, or NULL
    char *dst
    char *bias              # `groups * c_out` numbers and a vector of slack, or NULL
    int not_finite          # set by a task that met inf or NaN among the weights

# Output planes [d0, d1) and rows [h0, h1) of a box, which see the same taps.  Rows that follow one
# another are one `run` of pixels, so that `batch`, `planes` and `rows` runs remain.  A run is
# divided into `tiles` of equal height, of which [first, end) belong to the piece.
cdef struct piece_t:
    Py_ssize_t d0, d1, h0, h1
    Py_ssize_t batch, planes, rows, run
    Py_ssize_t tiles, first, end
    fc_runs runs

cdef enum:              # room in the scratch of a thread
    PIECES = 64
    PIECE_RUNS = 1024

cdef class Problem:
    cdef problem_t c
    cdef void *memory
    cdef void *tap_memory
    cdef _weights(self)
    cdef _book(self, bint panels)

# Numbers [k0, k1) of k: channels [c0, c1) seen through taps [t0, t1).
cdef struct block_t:
    Py_ssize_t k0, k1, c0, c1, t0, t1

cdef bint next_block(const problem_t *p, block_t *block) noexcept nogil
cdef void decode(const problem_t *p, Py_ssize_t task, const Span **box,
                 Py_ssize_t *group, Py_ssize_t *strip) noexcept nogil
