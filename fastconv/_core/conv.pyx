# SPDX-License-Identifier: BSD-3-Clause
"""Problem: a planned convolution in plain C, and the scratch it needs."""
from libc.stdlib cimport free
from libc.string cimport memcpy
from numpy cimport PyArray_DATA, ndarray

from fastconv._core.axis cimport Span
from fastconv._core.epilogue cimport TRANSPOSED, epilogue_t, set_how
from fastconv._core.table cimport (
    FC_STENCIL_ROWS, fc_row_use, fc_segment, fc_step, fc_tap, find)
from fastconv._core.table import KINDS
from fastconv._core.window cimport (
    PAGE, block_t, book, book_strip, largest_box, set_axes, set_view, window_t)


cdef bint next_block(const conv_t *p, block_t *block) noexcept nogil:
    """The block after one that ends with k1 (-1: the first, maybe empty); False: there is none."""
    cdef const schedule_t *schedule = &p.schedule
    cdef Py_ssize_t k0 = max(0, block.k1), taps = p.window.taps
    if block.k1 >= 0 and k0 >= schedule.depth:
        return False
    block.k0 = k0
    block.k1 = min(k0 + schedule.block_k, (k0 // schedule.enclosing + 1) * schedule.enclosing,
                   schedule.depth)
    block.c0, block.c1 = k0 // taps, (block.k1 + taps - 1) // taps
    block.t0 = k0 - block.c0 * taps
    block.t1 = block.k1 - (block.c1 - 1) * taps if block.c1 > block.c0 else block.t0
    return True


cdef void book_all(conv_t *p, Py_ssize_t pixels, Py_ssize_t strip, Py_ssize_t border) noexcept:
    """Places in the scratch of a thread, for boxes of at most so many pixels, elements of a strip
    and of the border of a row."""
    cdef const schedule_t *schedule = &p.schedule
    cdef window_t *window = &p.window
    cdef epilogue_t *e = &p.epilogue
    cdef Py_ssize_t end = 0, slack = 4 * window.kernels.lanes, sums = 0, size = window.itemsize
    cdef Py_ssize_t block_k = schedule.block_k, width = p.panels.width
    cdef bint im2col = schedule.panel_pixels > 0
    book(&end, min(block_k, window.taps) * sizeof(fc_tap))
    p.at.step = book(&end, 0 if im2col else
                     block_k * (sizeof(fc_step) if schedule.stencil else sizeof(fc_tap)))
    p.at.region = book(&end, 0 if schedule.pixels_wide or im2col else
                       REGIONS * sizeof(region_t) + region_taps(p) * sizeof(fc_tap))
    p.at.row_use = book(
        &end, block_k // window.axis[3].taps * FC_STENCIL_ROWS * sizeof(fc_row_use)
        if schedule.stencil else 0)
    p.at.offset = book(&end, block_k * sizeof(Py_ssize_t) if im2col else 0)
    p.at.segment = book(&end, schedule.panel_pixels * sizeof(fc_segment) if im2col else 0)
    p.at.weight = book(&end, (width * block_k + slack) * size)
    p.at.raw = book(&end, 0 if p.panels.native else width * block_k * size)
    window.at_border = book(&end, border * sizeof(Py_ssize_t))
    book_strip(window, &end, (block_k + window.taps - 1) // window.taps, strip, slack)
    p.at.panel = book(
        &end, ((pixels + schedule.panel_pixels) * block_k + slack) * size if im2col else 0)
    # Sums that tiles cannot write to their place: rows are channels or pixels.
    if schedule.pixels_wide:
        e.pitch = (pixels + 15) // 16 * 16
        sums = width * schedule.task_panels * e.pitch
    else:
        e.pitch = width * schedule.task_panels
        sums = (pixels + schedule.panel_pixels) * e.pitch
    if e.in_place_store and not im2col:
        sums = 0
    p.at.sum = book(&end, (sums + slack) * size if sums else 0)
    p.at.transposed = book(&end, 0 if schedule.pixels_wide else TRANSPOSED * width * size)
    p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE


cdef bint is_stencil(const conv_t *p) noexcept:
    """One output channel and several rows: what the stencil tile is for."""
    cdef const schedule_t *schedule = &p.schedule
    return (schedule.pixels_wide and p.panels.width == 1 and not schedule.panel_pixels
            and p.window.axis[2].taps > 1 and p.window.axis[2].dst > 1
            and schedule.block_k % p.window.axis[3].taps == 0)


def scratch_bytes(*, isa, dtype, block_k, wei, dst_h, width, task_panels, panel_pixels,
                  pixels_wide, in_place_store, wei_native, channels_first, pixels, strip, border):
    """What a thread will need, without the making of a `Problem`."""
    cdef conv_t p
    cdef window_t *window = &p.window
    window.kernels = find(isa, dtype)
    window.itemsize = window.kernels.itemsize
    window.axis[1].taps, window.axis[2].taps, window.axis[3].taps = wei
    window.taps = window.axis[1].taps * window.axis[2].taps * window.axis[3].taps
    window.axis[2].dst, window.channels_first = dst_h, channels_first
    p.panels.width, p.panels.native = width, wei_native
    p.schedule.block_k, p.schedule.pixels_wide = block_k, pixels_wide
    p.schedule.task_panels, p.schedule.panel_pixels = task_panels, panel_pixels
    p.schedule.stencil = is_stencil(&p)
    p.epilogue.in_place_store = in_place_store
    book_all(&p, pixels, strip, border)
    return p.scratch_bytes


cdef class Problem:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from `make_problem` of _plan/tiled.py: axes as
    (src, dst, taps, stride, dilation, pad, border) for batch, depth, height, width; `cuts` the
    spans of each axis; `separate` which axes get a phase for each tap; src, dst, residual, wei
    what _plan/layout.py says of the arrays.
    """

    def __cinit__(self):
        self.spans = NULL

    def __dealloc__(self):
        free(self.spans)

    def __init__(self, *, isa, dtype, axes, cuts, separate, groups, c_in, c_out, block_k,
                 block_taps, enclosing, src, dst, residual, wei, border_values, epilogue,
                 in_place_store, dst_steps, dst_native, wei_native, in_place_allowed, across,
                 channels_first, pixels_wide, width, task_panels, panel_pixels, padded, trim_rows,
                 short_taps, component_groups):
        cdef conv_t *p = &self.c
        cdef window_t *window = &p.window
        cdef schedule_t *schedule = &p.schedule
        cdef Py_ssize_t a, spans = 0, each = task_panels
        window.kernels = find(isa, dtype)
        window.itemsize = window.kernels.itemsize
        self.spans = set_axes(window, axes, cuts, separate, block_taps)
        for a in range(4):
            spans += window.axis[a].spans
        self.memory_bytes = spans * sizeof(Span)
        set_view(&window.src, src, component_groups)
        for a in range(2):
            memcpy(window.border_value[a], <const char *> border_values[a], 8)
        window.channels, window.padded, window.channels_first = c_in, padded, channels_first
        window.in_place_allowed, window.across = in_place_allowed, across
        window.pixels_in_vectors = pixels_wide or panel_pixels

        schedule.depth = c_in * window.taps
        schedule.block_k, schedule.enclosing = block_k, enclosing
        schedule.pixels_wide, schedule.task_panels = pixels_wide, each
        schedule.panel_pixels, schedule.trim_rows = panel_pixels, trim_rows
        schedule.short_taps = short_taps

        set_view(&p.epilogue.dst, dst, component_groups)
        set_view(&p.epilogue.residual, residual, component_groups)
        p.epilogue.channels, p.epilogue.width = c_out, width
        p.epilogue.in_place_store = in_place_store
        p.epilogue.dst_steps, p.epilogue.dst_native = dst_steps, dst_native
        p.epilogue.channels_first = pixels_wide
        self._epilogue(epilogue, isa)

        p.groups = groups
        p.panels.width, p.panels.count = width, (c_out + width - 1) // width
        p.panels.native = wei_native
        self._panels(wei, c_in, tuple(axis[2] for axis in axes[1:]), isa)
        schedule.stencil = is_stencil(p)
        window.in_runs = pixels_wide and not panel_pixels and not schedule.stencil
        for a in range(4):
            window.to[a] = 0
            if in_place_store:
                window.to[a] = p.epilogue.dst.axis_bytes[a] // window.itemsize
        p.tasks = p.groups * window.boxes * ((p.panels.count + each - 1) // each)
        self._book()

    cdef _panels(self, wei, Py_ssize_t c_in, taps, isa):
        """How the weights lie: a `Layout`."""
        cdef panels_t *panels = &self.c.panels
        panels.storage, panels.integer = wei.storage, wei.integer
        panels.components, panels.component_bytes = wei.components, wei.component_bytes
        panels.row_bytes, panels.axis_bytes = wei.strides[0], wei.strides[1:]
        panels.group_bytes = (panels.row_bytes
                              * (self.c.epilogue.channels // self.c.epilogue.dst.components))
        panels.step_bytes = wei.step(c_in // self.c.window.src.components, taps)
        panels.across = (not panels.native and panels.components == self.c.epilogue.dst.components
                         and self.c.window.src.components == 1
                         and abs(panels.row_bytes) < abs(panels.axis_bytes[0]))
        panels.packer = find(isa, "d") if panels.components == 2 else self.c.window.kernels
        panels.whole = panels.components == 1 or (wei.native and self.c.window.itemsize == 4)
        panels.whole_storage = panels.storage if panels.components == 1 else KINDS["F64"]

    cdef _epilogue(self, how, isa):
        """What becomes of the sums: a `KernelEpilogue` of _plan/epilogue.py."""
        cdef epilogue_t *e = &self.c.epilogue
        e.sums, e.itemsize = self.c.window.kernels, self.c.window.itemsize
        set_how(e, how, isa)

    cdef _book(self):
        """The largest box decides how much scratch a thread takes."""
        cdef Py_ssize_t pixels, strip, border
        largest_box(&self.c.window, &pixels, &strip, &border)
        book_all(&self.c, pixels, strip, border)

    @property
    def tasks(self):
        return self.c.tasks

    @property
    def components(self):
        """Real numbers of an element of the input."""
        return self.c.window.src.components

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes

    @property
    def packed_bytes(self):
        """Bytes of prepared weights."""
        cdef const conv_t *p = &self.c
        return (p.groups // p.window.src.component_groups * p.panels.count * p.panels.width
                * p.schedule.depth + 4 * p.window.kernels.lanes) * p.window.itemsize


def address(ndarray array):
    """Where the first element of an array is."""
    return <size_t> PyArray_DATA(array)
