# SPDX-License-Identifier: BSD-3-Clause
"""Problem: a planned convolution in plain C, and the scratch it needs."""
from libc.stdlib cimport free, malloc
from numpy cimport PyArray_DATA, ndarray

from fastconv.kernels.spans cimport (
    Axis, Span, Tap, begin_spans, count_spans, cut, make_span, most_elements)
from fastconv.kernels.table cimport (
    FC_STENCIL_ROWS, fc_group, fc_run, fc_segment, fc_step, find)

cdef enum:
    LINE = 64                   # bytes; what begins in scratch begins a cache line
    PAGE = 4096


cdef bint next_block(const problem_t *p, block_t *block) noexcept nogil:
    """The block after one that ends with k1 (-1: the first, maybe empty); False: there is none."""
    cdef Py_ssize_t k0 = max(0, block.k1)
    if block.k1 >= 0 and k0 >= p.depth:
        return False
    block.k0 = k0
    block.k1 = min(k0 + p.block_k, (k0 // p.enclosing + 1) * p.enclosing, p.depth)
    block.c0, block.c1 = k0 // p.taps, (block.k1 + p.taps - 1) // p.taps
    block.t0 = k0 - block.c0 * p.taps
    block.t1 = block.k1 - (block.c1 - 1) * p.taps if block.c1 > block.c0 else block.t0
    return True


cdef void decode(const problem_t *p, Py_ssize_t task, const Span **box,
                 Py_ssize_t *group, Py_ssize_t *strip) noexcept nogil:
    """The box, group and first strip of weights of a task; strips vary fastest."""
    cdef Py_ssize_t a, strip_blocks = (p.strips + p.task_strips - 1) // p.task_strips
    strip[0] = task % strip_blocks * p.task_strips
    task //= strip_blocks
    for a in range(3, -1, -1):
        box[a] = &p.axis[a].span[task % p.axis[a].spans]
        task //= p.axis[a].spans
    group[0] = task


cdef Py_ssize_t place(Py_ssize_t *end, Py_ssize_t size) noexcept:
    cdef Py_ssize_t at = end[0]
    end[0] = at + (size + LINE - 1) // LINE * LINE
    return at


cdef void book(problem_t *p, Py_ssize_t pixels, Py_ssize_t strip, bint panels) noexcept:
    """Places in the scratch of a thread, for boxes of at most so many pixels and strip numbers."""
    cdef Py_ssize_t end = 0, slack = 4 * p.kernels.lanes, sums = 0
    cdef Py_ssize_t channels = (p.block_k + p.taps - 1) // p.taps
    cdef Py_ssize_t sides = p.axis[1].window + p.axis[2].window + p.axis[3].window
    place(&end, min(p.block_k, p.taps) * sizeof(fc_run))
    p.at_step = place(&end, 0 if panels else
                      p.block_k * (sizeof(fc_step) if p.stencil else sizeof(fc_run)))
    p.at_piece = place(&end, 0 if p.pixels_wide or panels else
                       PIECES * sizeof(piece_t) + PIECE_RUNS * sizeof(fc_run))
    p.at_tap = place(&end, sides * (sizeof(Tap) + sizeof(Py_ssize_t)) if p.block_k < p.taps else 0)
    p.at_group = place(&end, p.block_k // p.axis[3].taps * FC_STENCIL_ROWS * sizeof(fc_group)
                       if p.stencil else 0)
    p.at_offset = place(&end, p.block_k * sizeof(Py_ssize_t) if panels else 0)
    p.at_segment = place(&end, p.panel * sizeof(fc_segment) if panels else 0)
    p.at_weight = place(&end, (p.width * p.block_k + slack) * p.itemsize)
    # Channels a page apart would share cache sets: see source.channel_pitch.
    p.at_strip = place(&end, (channels * (strip + LINE // p.itemsize) + slack) * p.itemsize)
    p.at_panel = place(&end, ((pixels + p.panel) * p.block_k + slack) * p.itemsize if panels else 0)
    # Sums that tiles cannot write to their place: rows are channels or pixels.
    if p.pixels_wide:
        p.sum_pitch = (pixels + 15) // 16 * 16
        if not p.dst_regular or panels:
            sums = p.width * p.task_strips * p.sum_pitch
    else:
        p.sum_pitch = p.width * p.task_strips
        sums = (pixels + p.panel) * p.sum_pitch
    p.at_sum = place(&end, (sums + slack) * p.itemsize if sums else 0)
    p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE


cdef bint is_stencil(const problem_t *p, bint panels) noexcept:
    """One output channel and several rows: what the stencil tile is for."""
    return (p.pixels_wide and p.width == 1 and not panels
            and p.axis[2].taps > 1 and p.axis[2].dst > 1 and p.block_k % p.axis[3].taps == 0)


def scratch_bytes(*, isa, dtype, block_k, wei, windows, dst_h, width, task_strips, panel,
                  pixels_wide, dst_regular, pixels, strip):
    """What a thread will need, without the making of a `Problem`."""
    cdef problem_t p
    p.kernels = find(isa, dtype)
    p.itemsize = p.kernels.itemsize
    p.axis[1].taps, p.axis[2].taps, p.axis[3].taps = wei
    _, p.axis[1].window, p.axis[2].window, p.axis[3].window = windows
    p.block_k, p.taps = block_k, p.axis[1].taps * p.axis[2].taps * p.axis[3].taps
    p.axis[2].dst, p.width, p.task_strips, p.panel = dst_h, width, task_strips, panel
    p.pixels_wide, p.dst_regular = pixels_wide, dst_regular
    p.stencil = is_stencil(&p, panel > 0)
    book(&p, pixels, strip, panel > 0)
    return p.scratch_bytes


cdef void *claim(Py_ssize_t size) except NULL:
    cdef void *memory = malloc(max(size, 1))
    if memory == NULL:
        raise MemoryError(f"fastconv: no memory for {size} bytes of plan")
    return memory


cdef class Problem:
    """Everything a walk needs; made once, then only read.

    The keywords are those of plan.py, which explains the choices: axes as
    (src, dst, taps, stride, dilation, pad, src_bytes, dst_bytes) for batch, depth, height,
    width; `cuts` the spans of each axis, see `cut`; `separate` which axes get a lane for each tap.
    """

    def __cinit__(self):
        self.memory = NULL
        self.tap_memory = NULL

    def __dealloc__(self):
        free(self.memory)
        free(self.tap_memory)

    def __init__(self, *, isa, dtype, axes, cuts, separate, groups, c_in, c_out, block_k, windows,
                 enclosing, src_c_bytes, dst_c_bytes, src_end_bytes, src_storage, dst_storage,
                 wei_storage, dst_regular, wei_regular, in_place_allowed, wei_bytes, pixels_wide,
                 width, task_strips, panel, panels, guard, cut_rows, short_run):
        cdef problem_t *p = &self.c
        cdef Py_ssize_t a, i, size, listed, most = 0
        cdef Axis *axis
        cdef Span *span
        cdef Tap *tap
        cdef Span *other
        cdef Py_ssize_t *lane
        cdef Py_ssize_t *start
        p.kernels = find(isa, dtype)
        p.itemsize = p.kernels.itemsize
        p.groups, p.c_in, p.c_out = groups, c_in, c_out
        p.block_k, p.enclosing = block_k, enclosing
        p.src_c_bytes, p.dst_c_bytes, p.src_end_bytes = src_c_bytes, dst_c_bytes, src_end_bytes
        p.src_storage, p.dst_storage, p.wei_storage = src_storage, dst_storage, wei_storage
        p.dst_regular = dst_regular
        p.in_place_allowed = in_place_allowed
        p.pixels_wide, p.width, p.task_strips = pixels_wide, width, task_strips
        p.strips = (c_out + width - 1) // width
        p.panel, p.guard, p.cut_rows, p.short_run = panel, guard, cut_rows, short_run

        size = 0
        p.taps = 1
        p.boxes = 1
        for a in range(4):
            axis = &p.axis[a]
            (axis.src, axis.dst, axis.taps, axis.stride, axis.dilation, axis.pad,
             axis.src_bytes, axis.dst_bytes) = axes[a]
            axis.window, axis.separate = windows[a], separate[a]
            axis.spans = count_spans(cuts[a][0], cuts[a][1])
            p.taps *= axis.taps
            p.boxes *= axis.spans
            size += axis.spans * sizeof(Span)
            most = max(most, axis.spans + 1)
        p.depth = p.c_in * p.taps
        p.wei_row_bytes, p.wei_bytes[0], p.wei_bytes[1], p.wei_bytes[2], p.wei_bytes[3] = wei_bytes
        p.wei_group_bytes = p.wei_row_bytes * p.c_out
        p.wei_contiguous = wei_regular
        i = p.itemsize
        for a in range(3, -1, -1):
            listed = p.axis[a].taps if a else p.c_in
            p.wei_contiguous = p.wei_contiguous and (p.wei_bytes[a] == i or listed <= 1)
            i *= listed
        listed = 0 if p.wei_contiguous else p.depth
        size += (listed + most) * sizeof(Py_ssize_t)
        self.memory = claim(size)
        # Spans, offsets of the weights; borders of spans for now.
        span = <Span *> self.memory
        for a in range(4):
            p.axis[a].span = span
            span += p.axis[a].spans
        p.k_bytes = <Py_ssize_t *> span
        start = p.k_bytes + listed
        size = 0
        for a in range(4):
            cut(cuts[a][0], cuts[a][1], start)
            size += begin_spans(&p.axis[a], start) * p.axis[a].taps
        self.tap_memory = claim(size * (sizeof(Tap) + sizeof(Py_ssize_t)))
        tap = <Tap *> self.tap_memory
        lane = <Py_ssize_t *> (tap + size)
        for a in range(4):
            axis = &p.axis[a]
            for i in range(axis.spans):
                span = &axis.span[i]
                if span.like >= 0:
                    other = &axis.span[span.like]
                    span.taps, span.lanes, span.length = other.taps, other.lanes, other.length
                    span.tap, span.lane = other.tap, other.lane
                else:
                    span.tap, span.lane = tap, lane
                    tap += axis.taps
                    lane += axis.taps
                    make_span(axis, span)
        if not p.wei_contiguous:
            self._weights()
        p.stencil = is_stencil(p, panels)
        p.tasks = p.groups * p.boxes * ((p.strips + p.task_strips - 1) // p.task_strips)
        self._book(panels)

    cdef _weights(self):
        """Where the k-th weight of an output channel is, unless they simply follow one another."""
        cdef problem_t *p = &self.c
        cdef Py_ssize_t c, t, k = 0, taps_h = p.axis[2].taps, taps_w = p.axis[3].taps
        cdef block_t block
        block.k1 = -1
        while next_block(p, &block):
            for t in range(block.t0, block.t1):
                for c in range(block.c0, block.c1):
                    p.k_bytes[k] = (c * p.wei_bytes[0] + t // taps_w // taps_h * p.wei_bytes[1]
                                    + t // taps_w % taps_h * p.wei_bytes[2]
                                    + t % taps_w * p.wei_bytes[3])
                    k += 1

    cdef _book(self, bint panels):
        """The largest box decides how much scratch a thread takes."""
        cdef problem_t *p = &self.c
        cdef Py_ssize_t a, i, largest, longest, strip = 1, pixels = 1
        cdef const Axis *axis
        for a in range(4):
            axis = &p.axis[a]
            largest = 0
            longest = 0
            for i in range(axis.spans):
                largest = max(largest, most_elements(axis, &axis.span[i]))
                longest = max(longest, axis.span[i].count)
            strip *= largest
            pixels *= longest
        book(p, pixels, strip, panels)

    @property
    def tasks(self):
        return self.c.tasks

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes

    @property
    def packed_bytes(self):
        """Bytes of prepared weights."""
        return (self.c.groups * self.c.strips * self.c.width * self.c.depth
                + 4 * self.c.kernels.lanes) * self.c.itemsize


def address(ndarray array):
    """Where the first number of an array is."""
    return <size_t> PyArray_DATA(array)
