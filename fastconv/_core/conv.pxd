# SPDX-License-Identifier: BSD-3-Clause
"""One convolution as threads and loops see it: sizes, strides and blocks, no Python objects.

The four axes are batch, depth, height, width; the batch is an axis with one tap,
so nothing below distinguishes it from the others.  An axis is cut into spans of
output positions (axis.pxd), and a box is one span of every axis.
"""
from fastconv._core.axis cimport Axis, Span
from fastconv._core.table cimport fc_epilogue, fc_kernels, fc_tap, fc_taps

cdef struct problem_t:
    const fc_kernels *kernels
    Py_ssize_t itemsize
    Axis axis[4]
    Py_ssize_t boxes
    # Channels of one group, of real numbers: a complex channel is two, its parts.
    Py_ssize_t groups, c_in, c_out
    # Complex numbers times real ones: the real and the imaginary parts are convolved `apart` (2,
    # else 1), as groups (group, part) of real channels.
    Py_ssize_t src_parts, dst_parts, wei_parts, apart
    Py_ssize_t taps                     # taps of the kernel, all axes
    Py_ssize_t src_c_bytes, dst_c_bytes, residual_c_bytes, src_end_bytes
    Py_ssize_t src_part_bytes, dst_part_bytes, residual_part_bytes, wei_part_bytes
    Py_ssize_t src_contiguous_bytes     # from channel to channel (or part), if side by side
    int src_storage, wei_storage
    char border_value[2][8]             # of each part, in the dtype of tiles
    bint in_place_allowed               # with `guard`: regions leave all padding out
    bint channels_first                 # strips are [channel][pixel], or [pixel][channel]
    # What becomes of sums: see epilogue.pyx.
    const fc_kernels *epilogue_kernels
    const fc_kernels *pairs             # whose numbers are as large as both parts, or NULL
    fc_epilogue epilogue
    Py_ssize_t dst_itemsize
    bint in_place_store                 # tiles write the output itself
    bint moved                          # sums need nothing but to be moved there
    bint dst_native                     # aligned, sums as they are, numbers of a row side by side
    bint tile_bias                      # tiles add the bias
    int tile_flags                      # for every block
    bint simple                         # where sums are stored as they are, fc_store says it all
    int last_flags                      # of it
    # k is cut into blocks of whole channels, and runs over (tap, channel) in a block.  Where a
    # channel is too large, a block is part of one: whole planes, or rows, or neighbours in a row
    # of the kernel, and ends with what encloses it (the channel, the plane, the row).
    Py_ssize_t depth, block_k, enclosing
    # weights of an output channel: from channel to channel, plane to plane, row to row, tap to tap
    Py_ssize_t wei_row_bytes, wei_group_bytes
    Py_ssize_t wei_bytes[4]
    Py_ssize_t wei_step_bytes   # from one number to the next, if that is always the same; else 0
    bint wei_integer            # integers, so none is inf or NaN
    bint wei_direct             # as tiles want them, side by side
    const fc_kernels *packer    # whose numbers are as large as all parts of a weight
    # strips of weights: `width` output channels each, `strips` of them, `task_strips` a task
    bint pixels_wide
    Py_ssize_t width, strips, task_strips
    Py_ssize_t panel                    # pixels in a panel of im2col_gemm
    bint stencil                        # one output channel: tiles of neighbouring output rows
    # Spans mix taps on padding with others: weights that are not finite must not meet it.
    bint guard
    bint trim_rows                       # tiles leave out pixels that see padding
    Py_ssize_t short_run                # steps of a run that is better dissolved
    Py_ssize_t tasks
    # scratch of one thread, in bytes from its start
    Py_ssize_t at_step, at_region, at_row_use, at_offset, at_segment
    Py_ssize_t at_weight, at_raw, at_strip, at_border, at_panel, at_sum, at_transposed
    Py_ssize_t scratch_bytes
    Py_ssize_t sum_pitch

cdef struct call_t:
    char *src
    char *wei
    char *packed            # prepared weights, or NULL
    char *dst
    char *bias              # `groups * c_out` numbers and a vector of slack, or NULL
    char *residual          # or NULL
    int not_finite          # set by a task that met inf or NaN among the weights

# Output planes [d0, d1) and rows [h0, h1) of a box, which see the same taps.  Rows that follow one
# another are one `run` of pixels, so that `batch`, `planes` and `rows` runs remain.  A run is
# divided into `tiles` of equal height, of which [first, end) belong to the region.
cdef struct region_t:
    Py_ssize_t d0, d1, h0, h1
    Py_ssize_t batch, planes, rows, run
    Py_ssize_t tiles, first, end
    fc_taps taps

cdef enum:              # room in the scratch of a thread
    REGIONS = 64
    REGION_TAPS = 4096       # at most
    TRANSPOSED = 128              # pixels that are transposed at a time on their way out

cdef class Problem:
    cdef problem_t c
    cdef void *memory
    cdef readonly Py_ssize_t memory_bytes
    cdef _epilogue(self, how)
    cdef _book(self, bint panels)

# Numbers [k0, k1) of k: channels [c0, c1) seen through taps [t0, t1).
cdef struct block_t:
    Py_ssize_t k0, k1, c0, c1, t0, t1

cdef inline Py_ssize_t place_of(Py_ssize_t channel, Py_ssize_t parts, Py_ssize_t c_bytes,
                                Py_ssize_t part_bytes) noexcept nogil:
    """Bytes from the first number of an array to a channel, which may be part of a complex one."""
    return channel // parts * c_bytes + channel % parts * part_bytes

cdef inline Py_ssize_t region_taps(const problem_t *p) noexcept nogil:
    """Room for the runs of all regions: those of a large kernel need more."""
    return min(<Py_ssize_t> REGION_TAPS, 2 * REGIONS * min(p.block_k, p.taps))

cdef bint next_block(const problem_t *p, block_t *block) noexcept nogil
cdef void decode(const problem_t *p, Py_ssize_t task, const Span **box,
                 Py_ssize_t *group, Py_ssize_t *strip) noexcept nogil
