# SPDX-License-Identifier: BSD-3-Clause
"""local: convolution with weights of its own at each output position, which are read once.

A task is some output positions, groups, output channels of a group, and windows:

    for each block of k:            where its elements lie, in a window and in a row of weights
        for each position and group:
            for some windows at a time:     gather them, with their borders, as rows along k
                for some rows of weights:   where they lie, or converted: dot products
    the epilogue of each row of positions

k counts (channel, tap).  Where input and weights are complex, an element of k is two numbers, and
each image has two windows, for the real and for the imaginary part of the sum of x w:

    x_re, -x_im, ...    times    w_re, w_im, ...
    x_im,  x_re, ...    times    w_re, w_im, ...

If only the input is complex, its parts are windows of their own; else, where the output is complex,
the parts of an output channel are rows: with real weights, the imaginary ones are zeros.
"""
from libc.string cimport memcpy

from fastconv._core.axis cimport Axis
from fastconv._core.epilogue cimport epilogue_t, set_how
from fastconv._core.parallel cimport make_tasks
from fastconv._core.table cimport FC_ADD, find
from fastconv._core.unshared cimport (
    begin_block, choose_offsets, gather, local_t, locate, place_t, rows_t, weight_rows)
from fastconv._core.window cimport PAGE, book, operands_t, set_view, window_t


cdef void finish(const local_t *p, const operands_t *operands, Py_ssize_t group, Py_ssize_t p0,
                 Py_ssize_t p1, Py_ssize_t r0, Py_ssize_t r1, Py_ssize_t v0, Py_ssize_t v1,
                 const char *sums) noexcept nogil:
    """The epilogue of the sums of a group, [window][row][position]."""
    cdef const epilogue_t *e = &p.epilogue
    cdef Py_ssize_t v, r, a, position, end, channel, part, parts = e.dst.components
    cdef place_t place
    cdef char *dst
    cdef const char *residual
    cdef const char *bias
    for v in range(v0, v1):
        for r in range(r0, r1):
            channel = group * (p.rows // p.row_parts) + r // p.row_parts
            part = v % p.window_parts + r % p.row_parts
            position = p0
            while position < p1:
                end = min(p1, (position // p.run + 1) * p.run)
                locate(p, position, &place)
                dst = (operands.dst + v // p.window_parts * e.dst.axis_bytes[0]
                       + channel * e.dst.channel_bytes + part * e.dst.component_bytes)
                residual = bias = NULL
                if operands.residual != NULL:
                    residual = (operands.residual
                                + v // p.window_parts * e.residual.axis_bytes[0]
                                + channel * e.residual.channel_bytes
                                + part * e.residual.component_bytes)
                for a in range(3):
                    dst += place.at[a] * e.dst.axis_bytes[a + 1]
                    if residual != NULL:
                        residual += place.at[a] * e.residual.axis_bytes[a + 1]
                if operands.bias != NULL:
                    bias = operands.bias + e.arithmetic.itemsize * (
                        (channel * parts + part) * p.positions + position)
                e.arithmetic.epilogue(&e.how, dst, p.dst_step, sums, e.itemsize, residual,
                                      p.residual_step, bias, 1, end - position)
                sums += (end - position) * e.itemsize
                position = end


cdef void one_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const local_t *p = <const local_t *> what
    cdef Py_ssize_t parts, p0, p1, g0, g1, r0, r1, v0, v1, e0, e1, count, position, group, v, r
    cdef Py_ssize_t size = p.window.itemsize, pitch, some, many, row_step, window_step, group_step
    cdef place_t place
    cdef char *sums = scratch + p.sums
    cdef const char *rows
    cdef int flags
    parts = (p.rows + p.task_rows - 1) // p.task_rows
    r0 = task % parts * p.task_rows
    task //= parts
    parts = (p.windows + p.task_windows - 1) // p.task_windows
    v0 = task % parts * p.task_windows
    task //= parts
    parts = (p.groups + p.task_groups - 1) // p.task_groups
    g0 = task % parts * p.task_groups
    p0 = task // parts * p.task_positions
    g1 = min(p.groups, g0 + p.task_groups)
    r1, v1 = min(p.rows, r0 + p.task_rows), min(p.windows, v0 + p.task_windows)
    p1 = min(p.positions, p0 + p.task_positions)
    row_step = p1 - p0
    window_step = (r1 - r0) * row_step
    group_step = (v1 - v0) * window_step
    e0 = 0
    flags = p.epilogue.tile_flags
    while e0 < p.depth or e0 == 0:
        e1 = min(p.depth, e0 + p.block)
        count = (e1 - e0) * p.each
        begin_block(p, e0, e1, scratch)
        for position in range(p0, p1):
            locate(p, position, &place)
            choose_offsets(p, e0, e1, &place, scratch)
            for group in range(g0, g1):
                v = v0
                while v < v1:
                    some = min(v1, v + p.gathered)
                    gather(p, operands, &place, group, v, some, count, scratch)
                    r = r0
                    while r < r1:
                        many = min(r1, r + p.converted)
                        rows = weight_rows(p, operands, &place, group, r, many, e0, count, scratch,
                                           &pitch)
                        p.window.kernels.dot(
                            sums + (position - p0 + (r - r0) * row_step + (v - v0) * window_step
                                    + (group - g0) * group_step) * size,
                            row_step, window_step, rows, pitch, many - r, scratch + p.x, p.pitch,
                            some - v, count, flags)
                        r = many
                    v = some
        flags |= FC_ADD
        e0 = max(e1, 1)
    for group in range(g0, g1):
        finish(p, operands, group, p0, p1, r0, r1, v0, v1,
               sums + (group - g0) * group_step * size)


cdef inline Py_ssize_t shares(Py_ssize_t number, Py_ssize_t each) noexcept nogil:
    return (number + each - 1) // each


cdef class Problem:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from `_problem` of _plan/local.py: axes as in _core/conv.pyx; src, dst,
    residual, wei what _plan/layout.py says of the arrays; `block` numbers of a block of k; `task`
    positions, groups, rows and windows of a task, at most; `gathered` and `converted` windows and
    rows that scratch has room for.
    """
    cdef local_t c
    cdef readonly Py_ssize_t tasks

    def __init__(self, *, isa, dtype, axes, kernel, groups, c_in, c_out, src, dst, residual, wei,
                 wei_native, border_values, padded, epilogue, block, task, gathered, converted):
        cdef local_t *p = &self.c
        cdef window_t *window = &p.window
        cdef rows_t *weights = &p.weights
        cdef epilogue_t *e = &p.epilogue
        cdef Axis *axis
        cdef Py_ssize_t a
        window.kernels = find(isa, dtype)
        window.itemsize = window.kernels.itemsize
        window.taps = 1
        for a in range(4):
            axis = &window.axis[a]
            (axis.src, axis.dst, axis.taps, axis.stride, axis.dilation, axis.pad,
             axis.border) = axes[a]
            window.taps *= axis.taps
        set_view(&window.src, src, 1)
        for a in range(2):
            memcpy(window.border_value[a], <const char *> border_values[a], 8)
        window.channels, window.padded = c_in, padded

        p.each = 2 if src.components == wei.components == 2 else 1
        p.window_parts = src.components
        p.row_parts = dst.components // src.components
        weights.storage, weights.integer, weights.native = wei.storage, wei.integer, wei_native
        *positions, weights.channel_bytes = wei.strides[:-4]
        positions = [0] * (3 - len(positions)) + positions
        for a in range(3):
            weights.position_bytes[a] = positions[a]
        weights.axis_bytes = wei.strides[-4:]
        weights.step_bytes = wei.step(c_in, kernel) if p.each == 1 else 0
        weights.components, weights.component_bytes = wei.components, wei.component_bytes

        set_view(&e.dst, dst, 1)
        set_view(&e.residual, residual, 1)
        e.sums, e.itemsize = window.kernels, window.itemsize
        set_how(e, epilogue, isa)

        p.groups, p.batch = groups, window.axis[0].src
        p.rows, p.windows = c_out * p.row_parts, p.batch * p.window_parts
        p.positions = window.axis[1].dst * window.axis[2].dst * window.axis[3].dst
        p.depth, p.block = c_in * window.taps, max(1, block // p.each)
        p.task_positions, p.task_groups, p.task_rows, p.task_windows = task
        p.gathered, p.converted = gathered, converted
        self.tasks = (shares(p.positions, p.task_positions) * shares(groups, p.task_groups)
                      * shares(p.rows, p.task_rows) * shares(p.windows, p.task_windows))
        self._runs()
        self._book()

    cdef _runs(self):
        """The inner axes whose positions follow one another, in the output and the residual."""
        cdef local_t *p = &self.c
        cdef Py_ssize_t a, n
        p.run, p.dst_step, p.residual_step = 1, p.epilogue.dst.itemsize, 0
        for a in range(3, 0, -1):
            n = p.window.axis[a].dst
            if p.run == 1:
                p.dst_step = p.epilogue.dst.axis_bytes[a]
                p.residual_step = p.epilogue.residual.axis_bytes[a]
            elif n > 1 and (p.epilogue.dst.axis_bytes[a] != p.run * p.dst_step
                            or p.epilogue.residual.axis_bytes[a] != p.run * p.residual_step):
                break
            p.run *= n

    cdef _book(self):
        """Places in the scratch of a thread."""
        cdef local_t *p = &self.c
        cdef Py_ssize_t end = 0, size = p.window.itemsize, lanes = p.window.kernels.lanes
        cdef Py_ssize_t numbers = min(p.block, max(1, p.depth)) * p.each
        cdef Py_ssize_t listed = numbers * sizeof(Py_ssize_t)
        p.pitch = (numbers + lanes - 1) // lanes * lanes
        p.inside = book(&end, listed)
        p.outside = book(&end, listed)
        p.holes = book(&end, listed)
        p.axis = book(&end, sizeof(Py_ssize_t) * (
            p.window.axis[1].taps + p.window.axis[2].taps + p.window.axis[3].taps))
        p.row = book(&end, 0 if p.weights.native else listed)
        p.raw = book(&end, p.converted * p.pitch * size)
        p.x = book(&end, p.gathered * p.pitch * size)
        p.sums = book(
            &end, p.task_positions * p.task_groups * p.task_rows * p.task_windows * size)
        p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes


def tasks(Problem problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.c, one_task, problem.tasks, problem.c.scratch_bytes)
