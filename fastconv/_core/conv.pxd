# SPDX-License-Identifier: BSD-3-Clause
"""One convolution as threads and loops see it: sizes, strides and blocks, no Python objects."""
from fastconv._core.axis cimport Span
from fastconv._core.epilogue cimport epilogue_t
from fastconv._core.parallel cimport Tasks, make_tasks, task_fn
from fastconv._core.table cimport fc_kernels, fc_taps
from fastconv._core.window cimport block_t, take_box, window_t

# The weights, in the user's array and in panels [k][width]: `width` neighbouring output channels
# for each element of k.  A complex output channel is two, its components.
cdef struct panels_t:
    Py_ssize_t width, count         # panels of a group
    # The array, in bytes from one output channel (row) to the next, from group to group, and along
    # (channel, plane, row, tap) of a row; `step_bytes` where a row has one step, else 0.
    Py_ssize_t row_bytes, group_bytes
    Py_ssize_t axis_bytes[4]
    Py_ssize_t step_bytes
    Py_ssize_t components, component_bytes
    int storage
    bint integer                    # so none is inf or NaN
    bint native                     # rows can be packed as they lie
    bint across                     # output channels lie nearer to one another than input channels
    const fc_kernels *packer        # whose elements are as large as a weight with its components
    bint whole                      # a weight is read as one such element, whose storage is this
    int whole_storage

# How the work is cut.
cdef struct schedule_t:
    # k, which counts (channel, tap) of an output channel, is cut into blocks of whole channels,
    # and a block runs over (tap, channel).  Where a channel is too large, a block is part of one:
    # whole planes, or rows, or neighbours in a row of the kernel, and ends with what encloses it
    # (the channel, the plane, the row).
    Py_ssize_t depth, block_k, enclosing
    bint pixels_wide                # vectors hold pixels, else output channels
    Py_ssize_t task_panels          # panels of weights of a task
    Py_ssize_t panel_pixels         # im2col_gemm: pixels of a panel; else 0
    bint stencil                    # one output channel: tiles of neighbouring output rows
    bint trim_rows                  # tiles leave out pixels whose tap falls on padding
    Py_ssize_t short_taps           # steps of a tap that is better dissolved into them

# Places in the scratch of a thread, in bytes from its start, beside those of the window.  At 0 are
# the taps of a block of k, an fc_tap each.  What an algorithm does not need takes no bytes.
cdef struct places_t:
    Py_ssize_t step         # steps of a block, one for each element of k (stencil: fc_step)
    Py_ssize_t region       # region_t of a box, and their taps
    Py_ssize_t row_use      # stencil: where each row of the input is used
    Py_ssize_t offset, segment, panel   # im2col_gemm: where k and pixels lie; the gathered panel
    Py_ssize_t weight, raw  # a panel of weights; its rows, where they are not packed as they lie
    Py_ssize_t sum          # sums that tiles do not store in the output
    Py_ssize_t transposed   # some of them, with channels and pixels exchanged

cdef struct conv_t:
    window_t window                 # the input, borders and strips: see window.pxd
    panels_t panels
    schedule_t schedule
    epilogue_t epilogue             # bias, residual, activation, the output: see epilogue.pxd
    Py_ssize_t groups, tasks
    places_t at
    Py_ssize_t scratch_bytes        # of a thread

# Output planes [d0, d1) and rows [h0, h1) of a box, for which the same taps are valid.  Rows that
# follow one another are one `run` of pixels, so that `batch`, `planes` and `rows` runs remain.  A
# run is divided into `tiles` of equal height, of which [first, end) belong to the region.
cdef struct region_t:
    Py_ssize_t d0, d1, h0, h1
    Py_ssize_t batch, planes, rows, run
    Py_ssize_t tiles, first, end
    fc_taps taps

cdef enum:                          # room in the scratch of a thread
    REGIONS = 64
    REGION_TAPS = 4096              # at most

cdef class Problem:
    cdef conv_t c
    cdef Span *spans
    cdef readonly Py_ssize_t memory_bytes
    cdef _panels(self, wei, Py_ssize_t c_in, taps, isa)
    cdef _epilogue(self, how, isa)
    cdef _book(self)

cdef inline Py_ssize_t region_taps(const conv_t *p) noexcept nogil:
    """Room for the taps of all regions: those of a large kernel need more."""
    return min(<Py_ssize_t> REGION_TAPS,
               2 * REGIONS * min(p.schedule.block_k, p.window.taps))

cdef inline void take_task(const conv_t *p, Py_ssize_t task, const Span **box, Py_ssize_t *group,
                           Py_ssize_t *s0, Py_ssize_t *s1) noexcept nogil:
    """The box, group and panels of weights [s0, s1) of a task; panels vary fastest."""
    cdef Py_ssize_t each = p.schedule.task_panels, shares = (p.panels.count + each - 1) // each
    s0[0] = task % shares * each
    s1[0] = min(s0[0] + each, p.panels.count)
    group[0] = take_box(&p.window, task // shares, box)

cdef inline Tasks tasks_of(Problem problem, task_fn one_task):
    """The tasks of a convolution, for an algorithm."""
    return make_tasks(problem, &problem.c, one_task, problem.c.tasks, problem.c.scratch_bytes)

cdef bint next_block(const conv_t *p, block_t *block) noexcept nogil
