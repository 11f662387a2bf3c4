# SPDX-License-Identifier: BSD-3-Clause
"""Problem: a planned convolution in plain C, and the scratch it needs."""
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy
from numpy cimport PyArray_DATA, ndarray

from fastconv._core.axis cimport (
    ZERO, Axis, Span, begin_spans, count_spans, make_span, most_elements)
from fastconv._core.table cimport (
    FC_CLAMP, FC_INTEGER, FC_STENCIL_ROWS, fc_epilogue, fc_row_use, fc_segment, fc_step, fc_tap, find)

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


cdef void book(problem_t *p, Py_ssize_t pixels, Py_ssize_t strip, Py_ssize_t border,
               bint panels) noexcept:
    """Places in the scratch of a thread, for boxes of at most so many pixels, numbers of a strip
    and of the border of a row."""
    cdef Py_ssize_t end = 0, slack = 4 * p.kernels.lanes, sums = 0
    cdef Py_ssize_t channels = (p.block_k + p.taps - 1) // p.taps
    place(&end, min(p.block_k, p.taps) * sizeof(fc_tap))
    p.at_step = place(&end, 0 if panels else
                      p.block_k * (sizeof(fc_step) if p.stencil else sizeof(fc_tap)))
    p.at_region = place(&end, 0 if p.pixels_wide or panels else
                        REGIONS * sizeof(region_t) + region_taps(p) * sizeof(fc_tap))
    p.at_row_use = place(&end, p.block_k // p.axis[3].taps * FC_STENCIL_ROWS * sizeof(fc_row_use)
                         if p.stencil else 0)
    p.at_offset = place(&end, p.block_k * sizeof(Py_ssize_t) if panels else 0)
    p.at_segment = place(&end, p.panel * sizeof(fc_segment) if panels else 0)
    p.at_weight = place(&end, (p.width * p.block_k + slack) * p.itemsize)
    p.at_raw = place(&end, 0 if p.wei_direct else p.width * p.block_k * p.itemsize)
    p.at_border = place(&end, border * sizeof(Py_ssize_t))
    # Channels (or pixels) a page apart would share cache sets: see source.pitch_of.
    if p.channels_first:
        p.at_strip = place(&end, (channels * (strip + LINE // p.itemsize) + slack) * p.itemsize)
    else:
        p.at_strip = place(&end, (strip * (channels + LINE // p.itemsize) + slack) * p.itemsize)
    p.at_panel = place(&end, ((pixels + p.panel) * p.block_k + slack) * p.itemsize if panels else 0)
    # Sums that tiles cannot write to their place: rows are channels or pixels.
    if p.pixels_wide:
        p.sum_pitch = (pixels + 15) // 16 * 16
        if not p.in_place_store or panels:
            sums = p.width * p.task_strips * p.sum_pitch
    else:
        p.sum_pitch = p.width * p.task_strips
        if not p.in_place_store or panels:
            sums = (pixels + p.panel) * p.sum_pitch
    p.at_sum = place(&end, (sums + slack) * p.itemsize if sums else 0)
    p.at_transposed = place(&end, 0 if p.pixels_wide else TRANSPOSED * p.width * p.itemsize)
    p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE


cdef bint is_stencil(const problem_t *p, bint panels) noexcept:
    """One output channel and several rows: what the stencil tile is for."""
    return (p.pixels_wide and p.width == 1 and not panels
            and p.axis[2].taps > 1 and p.axis[2].dst > 1 and p.block_k % p.axis[3].taps == 0)


def scratch_bytes(*, isa, dtype, block_k, wei, dst_h, width, task_strips, panel,
                  pixels_wide, in_place_store, wei_direct, channels_first, pixels, strip, border):
    """What a thread will need, without the making of a `Problem`."""
    cdef problem_t p
    p.kernels = find(isa, dtype)
    p.itemsize = p.kernels.itemsize
    p.axis[1].taps, p.axis[2].taps, p.axis[3].taps = wei
    p.block_k, p.taps = block_k, p.axis[1].taps * p.axis[2].taps * p.axis[3].taps
    p.axis[2].dst, p.width, p.task_strips, p.panel = dst_h, width, task_strips, panel
    p.pixels_wide, p.in_place_store, p.wei_direct = pixels_wide, in_place_store, wei_direct
    p.channels_first = channels_first
    p.stencil = is_stencil(&p, panel > 0)
    book(&p, pixels, strip, border, panel > 0)
    return p.scratch_bytes


cdef void *claim(Py_ssize_t size) except NULL:
    cdef void *memory = malloc(max(size, 1))
    if memory == NULL:
        raise MemoryError(f"fastconv: no memory for {size} bytes of plan")
    return memory


cdef class Problem:
    """Everything that a call needs to run; made once, then only read.

    The keywords are those of _plan/plan.py, which explains the choices: axes as
    (src, dst, taps, stride, dilation, pad, border, src_bytes, dst_bytes, residual_bytes) for
    batch, depth, height, width; `cuts` the spans of each axis; `separate` which axes get a phase
    for each tap; src, dst, residual, wei what _plan/layout.py says of the arrays.
    """

    def __cinit__(self):
        self.memory = NULL

    def __dealloc__(self):
        free(self.memory)

    def __init__(self, *, isa, dtype, axes, cuts, separate, groups, c_in, c_out, block_k, windows,
                 enclosing, src, dst, residual, wei, border_values, finish, in_place_store,
                 dst_native, wei_direct, in_place_allowed, channels_first, pixels_wide, width,
                 task_strips, panel, guard, trim_rows, short_run, apart):
        cdef problem_t *p = &self.c
        cdef Py_ssize_t a, i
        cdef Axis *axis
        cdef Span *span
        cdef bint panels = panel > 0
        p.kernels = find(isa, dtype)
        p.epilogue_kernels = find(isa, finish.dtype)
        p.pairs = find(isa, "d") if finish.pairs else NULL
        p.itemsize = p.kernels.itemsize
        p.groups, p.c_in, p.c_out = groups, c_in, c_out
        p.block_k, p.enclosing = block_k, enclosing
        p.src_c_bytes, p.dst_c_bytes = src.strides[1], dst.strides[1]
        p.residual_c_bytes = residual.strides[1]
        p.src_parts, p.dst_parts, p.wei_parts = src.parts, dst.parts, wei.parts
        p.apart = apart
        p.src_part_bytes, p.dst_part_bytes = src.part_bytes, dst.part_bytes
        p.residual_part_bytes, p.wei_part_bytes = residual.part_bytes, wei.part_bytes
        p.src_contiguous_bytes = src.strides[1] // src.parts
        p.packer = find(isa, "d") if wei.parts == 2 else p.kernels
        p.src_end_bytes, p.src_storage, p.wei_storage = src.end, src.storage, wei.storage
        p.wei_integer = wei.whole
        p.in_place_store, p.dst_native, p.wei_direct = in_place_store, dst_native, wei_direct
        p.in_place_allowed, p.channels_first = in_place_allowed, channels_first
        for i in range(2):
            memcpy(p.border_value[i], <const char *> border_values[i], 8)
        p.pixels_wide, p.width, p.task_strips = pixels_wide, width, task_strips
        p.strips = (c_out + width - 1) // width
        p.panel, p.guard, p.trim_rows, p.short_run = panel, guard, trim_rows, short_run

        p.taps = 1
        p.boxes = 1
        self.memory_bytes = 0
        for a in range(4):
            axis = &p.axis[a]
            (axis.src, axis.dst, axis.taps, axis.stride, axis.dilation, axis.pad,
             axis.border, axis.src_bytes, axis.dst_bytes, axis.residual_bytes) = axes[a]
            axis.window, axis.separate = windows[a], separate[a]
            axis.spans = count_spans(cuts[a][0], cuts[a][1])
            p.taps *= axis.taps
            p.boxes *= axis.spans
            self.memory_bytes += axis.spans * sizeof(Span)
        p.depth = p.c_in * p.taps
        p.wei_row_bytes = wei.strides[0]
        p.wei_group_bytes = p.wei_row_bytes * (p.c_out // p.dst_parts)
        p.wei_step_bytes = wei.step(p.c_in // p.src_parts, tuple(axis[2] for axis in axes[1:]))
        p.wei_bytes = wei.strides[1:]
        self.memory = claim(self.memory_bytes)
        span = <Span *> self.memory
        for a in range(4):
            axis = &p.axis[a]
            axis.span = span
            begin_spans(axis, cuts[a][0], cuts[a][1])
            for i in range(axis.spans):
                make_span(axis, &span[i])
            span += axis.spans
        self._epilogue(finish)
        p.stencil = is_stencil(p, panels)
        p.tasks = p.groups * p.boxes * ((p.strips + p.task_strips - 1) // p.task_strips)
        self._book(panels)

    cdef _epilogue(self, how):
        """What becomes of the sums: a `Finishing` of _spec/epilogue.py."""
        cdef problem_t *p = &self.c
        cdef fc_epilogue *to = &p.epilogue
        to.activation, to.saturate = how.activation, how.saturate
        to.sum_storage, to.dst_storage = how.sum_storage, how.dst_storage
        to.residual_storage = how.residual_storage
        if how.dtype in "fd":
            to.real_alpha, to.real_beta, to.real_low, to.real_high = how.parameters
            to.integer_alpha = to.integer_beta = to.integer_low = to.integer_high = 0
        else:
            to.integer_alpha, to.integer_beta, to.integer_low, to.integer_high = how.parameters
            to.real_alpha = to.real_beta = to.real_low = to.real_high = 0
        p.dst_itemsize, p.moved, p.tile_bias = how.dst_itemsize, how.moved, how.tile_bias
        p.tile_flags = FC_INTEGER if how.whole else 0
        p.simple = how.simple
        p.last_flags = FC_CLAMP if how.clamps else 0

    cdef _book(self, bint panels):
        """The largest box decides how much scratch a thread takes."""
        cdef problem_t *p = &self.c
        cdef Py_ssize_t a, i, largest = 0, longest, strip = 1, pixels = 1
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
        book(p, pixels, strip, largest if p.axis[3].border != ZERO else 0, panels)

    @property
    def tasks(self):
        return self.c.tasks

    @property
    def parts(self):
        """Real numbers of an element of the input."""
        return self.c.src_parts

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes

    @property
    def packed_bytes(self):
        """Bytes of prepared weights."""
        return (self.c.groups // self.c.apart * self.c.strips * self.c.width * self.c.depth
                + 4 * self.c.kernels.lanes) * self.c.itemsize


def address(ndarray array):
    """Where the first number of an array is."""
    return <size_t> PyArray_DATA(array)
