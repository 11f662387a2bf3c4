# SPDX-License-Identifier: BSD-3-Clause
"""One convolution as the walks see it: sizes, strides and blocks, no Python objects.

The four axes are batch, depth, height, width; the batch is an axis with one tap,
so nothing below distinguishes it from the others.  An axis is cut into spans of
output positions (spans.pxd), and a box is one span of every axis.
"""
from fastconv.kernels.spans cimport Axis, Span
from fastconv.kernels.table cimport fc_kernels

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
    bint in_place_allowed
    # k = (channel, taps) in the order of the weights, in blocks of whole channels.  Where a
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
    bint guard                          # padding and weights that are not finite must not meet
    Py_ssize_t tasks
    # scratch of one thread, in bytes from its start
    Py_ssize_t at_tap, at_group, at_offset, at_segment, at_weight, at_strip, at_panel, at_sum
    Py_ssize_t scratch_bytes
    Py_ssize_t sum_pitch

cdef struct call_t:
    char *src
    char *wei
    char *packed            # prepared weights, or NULL
    char *dst
    char *bias              # `groups * c_out` numbers and a vector of slack, or NULL
    int not_finite          # set by a task that met inf or NaN among the weights

cdef class Problem:
    cdef problem_t c
    cdef void *memory
    cdef void *tap_memory
    cdef _weights(self)
    cdef _book(self, bint panels)

cdef Py_ssize_t block_end(const problem_t *p, Py_ssize_t k0) noexcept nogil
cdef void decode(const problem_t *p, Py_ssize_t task, const Span **box,
                 Py_ssize_t *group, Py_ssize_t *strip) noexcept nogil
