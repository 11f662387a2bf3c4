# SPDX-License-Identifier: BSD-3-Clause
"""pooling: windows that are alike, each pooled by all of its taps.

A task is some channels, and a box of outputs, of one image:

    for each channel:                   a strip is copied, unless cells are read in place
        for each row of outputs:        which rows its windows read; one kernel for its columns

Where channels lie side by side lanes are channels: then the strip is of all channels of the task,
and there is a kernel for each output of a row.
"""
from libc.string cimport memcpy, memset

from fastconv._core cimport source as sources
from fastconv._core.axis cimport ZERO, Axis, Span, make_span, reach
from fastconv._core.parallel cimport make_tasks
from fastconv._core.pooled cimport find_columns, find_part, list_rows, part_t, pooled_t, store_row
from fastconv._core.source cimport source_t, tap_offset
from fastconv._core.table cimport (
    FC_POOL_ARGMAX, FC_POOL_MAX, FC_POOL_SUM, fc_columns, fc_pool, find)
from fastconv._core.window cimport PAGE, book, book_strip, channel_bytes, operands_t, set_view

WHATS = {"max": FC_POOL_MAX, "argmax": FC_POOL_ARGMAX, "sum": FC_POOL_SUM}


cdef void take_span(const pooled_t *p, const part_t *part, int a, Span *span) noexcept nogil:
    """What a part reads along an axis."""
    if a == 0:
        span.start, span.count = part.n, 1
    else:
        span.start, span.count = part.first[a - 1], part.end[a - 1] - part.first[a - 1]
    make_span(&p.window.axis[a], span)


cdef void copy_cells(const pooled_t *p, const operands_t *operands, const part_t *part,
                     Py_ssize_t c0, Py_ssize_t c1, const Span **box, char *scratch,
                     source_t *source) noexcept nogil:
    """A strip of some channels, as they are compared or added; and one of what counts them."""
    cdef Py_ssize_t a, count
    cdef source_t other
    for a in range(4):
        source.box[a] = box[a]
    source.in_place = False
    sources.make_strip(&p.window, operands.src, box, 0, c0, c1, scratch, source)
    count = source.phase[0]
    if p.counting:
        other = source[0]
        sources.make_strip(&p.mask, operands.wei, box, 0, c0, c1, scratch, &other)
        p.window.kernels.leave_out(scratch + p.window.at_strip, scratch + p.mask.at_strip, count,
                                   p.omit)
    if p.flips:
        p.window.kernels.flip_bits(scratch + p.window.at_strip, count, p.flip)
    if p.power:
        p.window.kernels.power(scratch + p.window.at_strip, count, p.power)


cdef void list_taps(const pooled_t *p, const part_t *part, const source_t *source, Py_ssize_t x,
                    fc_pool *pool, char *scratch) noexcept nogil:
    """The taps along a row: of all columns of the part, or where lanes are channels of column x."""
    cdef const Axis *axis = &p.window.axis[3]
    cdef Py_ssize_t *step = <Py_ssize_t *> (scratch + p.at_step)
    cdef Py_ssize_t *index = <Py_ssize_t *> (scratch + p.at_tap_index)
    cdef Py_ssize_t t, at, found, taps = 0
    for t in range(axis.taps):
        at = x * axis.stride + t * axis.dilation - axis.pad
        found = reach(axis, at)
        if not p.pixels and found < 0 and axis.border == ZERO:
            continue
        if p.in_place:
            step[taps] = ((found if not p.pixels else at) * p.window.src.axis_bytes[3]
                          // p.window.itemsize)
        elif t < source.box[3].first or t >= source.box[3].first + source.box[3].taps:
            continue            # it is nowhere valid
        else:
            step[taps] = (tap_offset(&p.window, source, 3, t)
                          + (0 if p.pixels else (x - part.first[2]) * source.pixel[3]))
        if p.indices.padded:
            index[taps] = at + axis.pad
        elif p.pixels:
            index[taps] = at * p.indices.weight[4]
        else:
            index[taps] = found * p.indices.weight[4]
        taps += 1
    pool.taps, pool.step, pool.tap_index = taps, step, index


cdef void rows_of_strip(const pooled_t *p, const part_t *part, const source_t *source, int a,
                        Py_ssize_t at, Py_ssize_t *place) noexcept nogil:
    """Where the taps of an axis of an output are in a strip, by their numbers."""
    cdef const Span *span = source.box[a]
    cdef Py_ssize_t t
    for t in range(span.first, span.first + span.taps):
        place[t] = (tap_offset(&p.window, source, a, t)
                    + (at - part.first[a - 1]) * source.pixel[a])


cdef void pool_rows(const pooled_t *p, const operands_t *operands, const part_t *part,
                    Py_ssize_t c0, Py_ssize_t c1, const source_t *source, fc_pool *pool,
                    char *scratch) noexcept nogil:
    """All rows of outputs of some channels; of one, if lanes are columns."""
    cdef const Axis *ad = &p.window.axis[1]
    cdef Py_ssize_t *depth = NULL
    cdef Py_ssize_t *height = NULL
    cdef Py_ssize_t z, y, x, at[4]
    cdef double divisor
    cdef const char *mask = scratch + p.mask.at_strip
    cdef const char *src = scratch + p.window.at_strip
    if p.in_place:
        src = (operands.src + part.n * p.window.src.axis_bytes[0]
               + channel_bytes(&p.window.src, c0))
    else:
        depth = <Py_ssize_t *> (scratch + p.at_depth)
        height = depth + ad.taps
    pool.first_index = 0
    if not p.indices.padded:
        pool.first_index = part.n * p.indices.weight[0] + c0 * p.indices.weight[1]
    at[3] = 0
    if p.pixels:
        list_taps(p, part, source, part.first[2], pool, scratch)
        at[3] = 0 if p.in_place else source.box[3].first
    for z in range(part.first[0], part.end[0]):
        if depth != NULL:
            rows_of_strip(p, part, source, 1, z, depth)
        for y in range(part.first[1], part.end[1]):
            if depth != NULL:
                rows_of_strip(p, part, source, 2, y, height)
            list_rows(p, z, y, depth, height, pool, scratch)
            at[0], at[1], at[2] = z, y, part.first[2]
            divisor = 1
            if p.counts[0] != NULL:
                divisor = p.counts[0][z] * p.counts[1][y]
            pool.divisor = divisor
            if p.pixels:
                if p.columns != NULL:
                    pool.divisors = p.columns + part.first[2] * p.window.itemsize
                store_row(p, operands, pool, src, part.n, c0, at, part.end[2] - part.first[2],
                          scratch, mask)
                continue
            for x in range(part.first[2], part.end[2]):
                at[2] = x
                list_taps(p, part, source, x, pool, scratch)
                if p.counts[0] != NULL:
                    pool.divisor = divisor * p.counts[2][x]
                store_row(p, operands, pool, src, part.n, c0, at, c1 - c0, scratch, mask)


cdef void one_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const pooled_t *p = <const pooled_t *> what
    cdef part_t part
    cdef Span span[4]
    cdef const Span *box[4]
    cdef source_t source
    cdef fc_pool pool
    cdef int a
    cdef Py_ssize_t c, end
    memset(&pool, 0, sizeof(pool))
    find_part(p, task, &part)
    pool.what, pool.omit, pool.low = p.what, p.omit, p.low
    pool.columns = <fc_columns *> (scratch + p.at_columns)
    pool.columns_end = pool.columns + find_columns(p, &part, scratch)
    if p.in_place and p.pixels:
        pool.pairs = p.window.axis[3].stride == 2
        pool.shared = p.window.axis[3].dilation == 1
    if p.pixels:
        pool.lane_index = p.window.axis[3].stride * (
            1 if p.indices.padded else p.indices.weight[4])
    elif not p.indices.padded:
        pool.lane_index = p.indices.weight[1]
    pool.index_bytes = p.index.itemsize if p.index_in_place else 8
    for a in range(4):
        take_span(p, &part, a, &span[a])
        box[a] = &span[a]
    c = part.c0
    while c < part.c1:
        end = c + 1 if p.pixels else part.c1
        if not p.in_place:
            copy_cells(p, operands, &part, c, end, box, scratch, &source)
        pool_rows(p, operands, &part, c, end, &source, &pool, scratch)
        c = end


cdef Py_ssize_t strip_length(const pooled_t *p, int a) noexcept:
    """Elements of a strip along an axis, at most."""
    cdef Span span
    cdef Py_ssize_t first = 0, most = 0, each = p.each[a + 1] if a else 1
    while first < p.window.axis[a].dst:
        span.start, span.count = first, min(each, p.window.axis[a].dst - first)
        make_span(&p.window.axis[a], &span)
        most = max(most, span.phases * span.length)
        first += each
    return most


cdef class Problem:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from `_problem` of _plan/pooling.py: axes as in _core/conv.pyx; src, mask,
    dst, index what _plan/layout.py says of the arrays; `each` channels, planes, rows and columns of
    a task; `counts` the divisors of each axis.
    """
    cdef pooled_t c
    cdef readonly Py_ssize_t tasks
    cdef object held            # what addresses point to

    def __init__(self, *, isa, dtype, what, omit, axes, channels, src, mask, dst, index, weight,
                 mask_border, padded_sizes, each, pixels, in_place, dst_in_place, index_in_place, flip, power,
                 low, border_value, counts, columns, value_how, index_how):
        cdef pooled_t *p = &self.c
        cdef Axis *axis
        cdef Py_ssize_t a
        cdef const double[::1] count
        memset(p, 0, sizeof(pooled_t))
        p.window.kernels, p.integers = find(isa, dtype), find(isa, "q")
        p.window.itemsize = p.window.kernels.itemsize
        p.window.taps = 1
        for a in range(4):
            axis = &p.window.axis[a]
            (axis.src, axis.dst, axis.taps, axis.stride, axis.dilation, axis.pad,
             axis.border) = axes[a]
            axis.block_taps, axis.separate = axis.taps, False
            p.window.taps *= axis.taps
        set_view(&p.window.src, src, 1)
        p.window.channels, p.channels = channels, channels
        p.window.channels_first = p.window.pixels_in_vectors = p.pixels = pixels
        for a in range(2):
            memcpy(p.window.border_value[a], <const char *> border_value, 8)
        p.mask = p.window
        p.counting, p.omit = mask is not None, omit
        if p.counting:
            set_view(&p.mask.src, mask, 1)
            for a in range(2):
                memcpy(p.mask.border_value[a], <const char *> mask_border, 8)
        set_view(&p.dst, dst, 1)
        p.what, p.in_place = WHATS[what], in_place
        if index is not None:
            set_view(&p.index, index, 1)
            p.indices.wanted, p.indices.weight = True, weight
            p.indices.padded = padded_sizes is not None
            if p.indices.padded:
                p.indices.sizes = padded_sizes
        p.dst_in_place, p.index_in_place = dst_in_place, index_in_place
        p.flips, p.power = flip is not None, power
        if p.flips:
            memcpy(p.flip, <const char *> flip, 8)
        memcpy(p.low, <const char *> low, 8)
        self.held = (counts, columns)
        if counts is not None:
            for a in range(3):
                count = counts[a]
                p.counts[a] = &count[0]
        if columns is not None:
            p.columns = <const char *> <size_t> columns.ctypes.data
        p.value_how.sum_storage, p.value_how.dst_storage = value_how
        p.index_how.sum_storage, p.index_how.dst_storage = index_how
        p.value_how.real_alpha, p.value_how.integer_alpha = 1, 1
        p.index_how.integer_alpha = 1
        p.value_how.saturate = what == "sum"
        p.each, self.tasks = (1, *each), axes[0][0]
        for a, n in enumerate((channels, *(axis[1] for axis in axes[1:]))):
            p.parts[a + 1] = -(-n // p.each[a + 1])
            self.tasks *= p.parts[a + 1]
        self._book()

    cdef _book(self):
        """Places in the scratch of a thread."""
        cdef pooled_t *p = &self.c
        cdef Py_ssize_t end = 0, size = p.window.itemsize, lanes = p.window.kernels.lanes
        cdef Py_ssize_t a, strip = 1, widest
        cdef Py_ssize_t depth = p.window.axis[1].taps, height = p.window.axis[2].taps
        cdef Py_ssize_t taps = p.window.axis[3].taps
        p.at_place = book(&end, depth * height * sizeof(Py_ssize_t))
        p.at_row_index = book(&end, depth * height * sizeof(Py_ssize_t))
        p.at_depth = book(&end, (depth + height) * sizeof(Py_ssize_t))
        p.at_step = book(&end, taps * sizeof(Py_ssize_t))
        p.at_tap_index = book(&end, taps * sizeof(Py_ssize_t))
        widest = p.each[4] if p.pixels else p.each[1]
        widest = (widest + lanes - 1) // lanes
        p.at_columns = book(&end, (widest + 1) * sizeof(fc_columns))
        p.at_masks = book(&end, widest * taps * 4 if p.in_place else 0)
        p.at_value = book(&end, (widest * lanes + 4 * lanes) * size)
        p.at_count = book(&end, (widest * lanes + 4 * lanes) * size)
        p.at_index = book(&end, (widest * lanes + 4 * lanes) * 8)
        if not p.in_place:
            for a in range(4):
                strip *= strip_length(p, a)
            p.window.at_border = book(&end, strip_length(p, 3) * sizeof(Py_ssize_t))
            book_strip(&p.window, &end, 1 if p.pixels else p.each[1], strip, 4 * lanes)
            p.mask.at_border = p.window.at_border
            if p.counting:
                book_strip(&p.mask, &end, 1 if p.pixels else p.each[1], strip, 4 * lanes)
        p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes

    @property
    def pixels(self):
        """Whether lanes are columns, else channels."""
        return self.c.pixels

    @property
    def dst_in_place(self):
        """Whether values are written where they belong."""
        return self.c.dst_in_place


def tasks(Problem problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.c, one_task, problem.tasks, problem.c.scratch_bytes)
