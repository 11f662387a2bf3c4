# SPDX-License-Identifier: BSD-3-Clause
"""uneven: pooling whose windows differ from output to output, as adaptive and global ones do.

Tables tell for each output of an axis the first cell of its window, and the end.  Work is counted
in lines: the outputs of a row of a plane.  With columns in vectors, a line has two steps:

    the rows of its windows become one, as long as the input
    of that each output takes its columns

`pool_across` does both for many lines; but rows that are copied, or whose places are needed, become
one by `pool`, as taps.

Where channels lie side by side, lanes are channels, and an output has one step; a line may be of
a part of them.
"""
from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memset

from fastconv._core.axis cimport ZERO, Axis
from fastconv._core.lines cimport (
    find_line, here_t, list_rows, next_line, pool_across, pool_channels, set_columns, uneven_t)
from fastconv._core.parallel cimport make_tasks
from fastconv._core.pooled cimport set_order
from fastconv._core.table cimport (
    FC_POOL_ARGMAX, FC_POOL_MAX, FC_POOL_SUM, fc_columns, fc_pool, fc_rows, find)
from fastconv._core.window cimport PAGE, book, book_strip, operands_t, set_view

WHATS = {"max": FC_POOL_MAX, "argmax": FC_POOL_ARGMAX, "sum": FC_POOL_SUM}


cdef void one_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const uneven_t *p = <const uneven_t *> what
    cdef Py_ssize_t *begin = <Py_ssize_t *> (scratch + p.at_begin)
    cdef Py_ssize_t *place = <Py_ssize_t *> (scratch + p.at_place)
    cdef Py_ssize_t *row_index = <Py_ssize_t *> (scratch + p.at_row_index)
    cdef Py_ssize_t *step = <Py_ssize_t *> (scratch + p.at_step)
    cdef Py_ssize_t unit, end = min(p.units, (task + 1) * p.each), held = 0, zero = 0
    cdef here_t here
    cdef fc_pool pool
    cdef double one = 1
    memset(&pool, 0, sizeof(pool))
    pool.what, pool.omit, pool.low = p.what, p.omit, p.low
    pool.index_bytes, pool.lines, pool.line_divisors = 8, 1, &one
    begin[0], begin[1] = 0, 1
    pool.begin, pool.place, pool.row_index = begin, place, row_index
    pool.step, pool.tap_index = step, step + p.window.axis[3].src
    if not p.pixels:
        set_order(&p.window, False, p.in_place, &pool)
    else:                       # rows are taps of one row
        (<Py_ssize_t *> (scratch + p.at_line_begin))[0] = 0
        pool.place, pool.row_index, pool.step, pool.tap_index = &zero, &zero, place, row_index
        pool.lane_index = 1
        set_columns(p, &pool, p.window.axis[3].src, p.most_rows + 1, scratch)
    find_line(p, operands, task * p.each, &here)
    for unit in range(task * p.each, end):
        if unit > task * p.each:
            next_line(p, operands, unit, &here)
        if not p.pixels:
            pool_channels(p, operands, &here, &pool, scratch)
            continue
        list_rows(p, operands, &here, &pool, held, scratch)
        held += 1
        if held == p.held or unit + 1 == end or (p.table_plane and (unit + 1) % p.lines == 0):
            pool_across(p, operands, unit + 1 - held, held, scratch)
            held = 0


cdef class Problem:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from `_problem` of _plan/uneven.py: `sizes` of batch, channel, depth, height,
    width; src, dst, index what _plan/layout.py says of the arrays; `table_plane` from the tables of
    a plane to those of the next; for others see `uneven_t`.
    """
    cdef uneven_t c
    cdef readonly Py_ssize_t tasks

    def __init__(self, *, isa, dtype, what, omit, average, sizes, outputs, src, dst, index, weight,
                 joined, part, each, held, pixels, in_place, flip, power, low, value_how, index_how,
                 most_rows, most_runs, rows, table_plane):
        cdef uneven_t *p = &self.c
        cdef Axis *axis
        cdef Py_ssize_t a, at = 0
        memset(p, 0, sizeof(uneven_t))
        p.window.kernels, p.integers = find(isa, dtype), find(isa, "q")
        p.window.itemsize = p.window.kernels.itemsize
        p.window.taps = 1
        batch, p.channels = sizes[:2]
        for a, n in enumerate((batch, *sizes[2:])):
            axis = &p.window.axis[a]
            axis.src = axis.dst = n
            axis.taps = axis.stride = axis.dilation = axis.block_taps = 1
            axis.border = ZERO
        set_view(&p.window.src, src, 1)
        set_view(&p.dst, dst, 1)
        if index is not None:
            set_view(&p.index, index, 1)
            p.weight = weight
        if joined:              # whatever the stride of an axis of one output is
            p.dst.axis_bytes[3], p.index.axis_bytes[3] = p.dst.itemsize, p.index.itemsize
        p.window.channels = p.channels
        p.window.channels_first = p.window.pixels_in_vectors = p.pixels = pixels
        p.what, p.omit, p.average, p.in_place = WHATS[what], omit, average, in_place
        p.flips, p.power = flip is not None, power
        if p.flips:
            memcpy(p.flip, <const char *> flip, 8)
        memcpy(p.low, <const char *> low, 8)
        for a in range(3):
            p.outputs[a], p.table[a] = outputs[a], at
            at += 2 * p.outputs[a]
        p.table_plane = table_plane
        p.value_how.sum_storage, p.value_how.dst_storage = value_how
        p.index_how.sum_storage, p.index_how.dst_storage = index_how
        p.value_how.real_alpha, p.value_how.integer_alpha = 1, 1
        p.index_how.integer_alpha = 1
        p.value_how.saturate = what == "sum"
        for a in range(3):
            p.step[a] = p.window.src.axis_bytes[a + 1] // p.window.itemsize
        p.joined, p.part, p.each, p.held, p.rows = joined, part, each, held, rows
        p.merges = not in_place or p.what == FC_POOL_ARGMAX
        p.most_rows, p.most_runs, p.lines = most_rows, most_runs, p.outputs[0] * p.outputs[1]
        p.parts = (p.channels + part - 1) // part
        p.units = batch * p.parts * p.lines
        self.tasks = (p.units + p.each - 1) // p.each
        self._book()

    cdef _book(self):
        """Places in the scratch of a thread."""
        cdef uneven_t *p = &self.c
        cdef Py_ssize_t end = 0, size = p.window.itemsize, lanes = p.window.kernels.lanes
        cdef Py_ssize_t width = p.window.axis[3].src
        cdef Py_ssize_t taps = max(width, p.most_rows + 1)
        cdef Py_ssize_t values = (p.held * p.outputs[2] if p.pixels else p.part) + 4 * lanes
        p.at_begin = book(&end, 2 * sizeof(Py_ssize_t))
        p.at_place = book(&end, taps * sizeof(Py_ssize_t))
        p.at_row_index = book(&end, taps * sizeof(Py_ssize_t))
        p.at_step = book(&end, 2 * width * sizeof(Py_ssize_t))
        p.at_columns = book(&end, 2 * sizeof(fc_columns))
        p.at_mask = book(&end, taps * sizeof(uint32_t))
        p.at_value = book(&end, values * size)
        p.at_index = book(&end, values * 8)
        if p.pixels:
            p.pitch = width + 4 * lanes
            merged = p.held if p.merges else 0
            p.at_runs = book(&end, p.held * (1 if p.merges else p.most_runs) * sizeof(fc_rows))
            p.at_line_begin = book(&end, (p.held + 1) * sizeof(Py_ssize_t))
            p.at_divisors = book(&end, p.held * sizeof(double))
            p.at_row = book(&end, merged * p.pitch * size)
            p.at_row_places = book(&end, merged * p.pitch * 8)
            p.at_kept = book(&end, p.pitch * size)
            p.at_kept_places = book(&end, p.pitch * 8)
        if not p.in_place:
            p.window.at_border = book(&end, width * sizeof(Py_ssize_t))
            book_strip(&p.window, &end, 1, p.rows * width, 4 * lanes)
        p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes


def tasks(Problem problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.c, one_task, problem.tasks, problem.c.scratch_bytes)
