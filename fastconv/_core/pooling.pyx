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
from fastconv._core.axis cimport ZERO, Axis, Span, ceiling, make_span
from fastconv._core.parallel cimport make_tasks
from fastconv._core.pooled cimport (
    find_columns, find_part, list_rows, list_taps, list_walk, mask_words, part_t, place_t,
    pool_lines, pooled_t, set_order)
from fastconv._core.source cimport source_t, tap_offset
from fastconv._core.table cimport (
    FC_POOL_ARGMAX, FC_POOL_MAX, FC_POOL_SUM, fc_columns, fc_pool, find)
from fastconv._core.window cimport PAGE, book, book_strip, channel_bytes, operands_t, set_view

cdef enum:
    ROOM = 4096                 # elements of values, and rows that are listed, at a time

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


cdef void rows_of_strip(const pooled_t *p, const part_t *part, const source_t *source, int a,
                        Py_ssize_t at, Py_ssize_t *place) noexcept nogil:
    """Where the taps of an axis of an output are in a strip, by their numbers."""
    cdef const Span *span = source.box[a]
    cdef Py_ssize_t t
    for t in range(span.first, span.first + span.taps):
        place[t] = (tap_offset(&p.window, source, a, t)
                    + (at - part.first[a - 1]) * source.pixel[a])


cdef void list_lines(const pooled_t *p, const part_t *part, const source_t *source,
                     Py_ssize_t first, Py_ssize_t count, char *scratch) noexcept nogil:
    """The rows of so many lines (z, y) of a part, and what their sums are divided by."""
    cdef Py_ssize_t *begin = <Py_ssize_t *> (scratch + p.at_begin)
    cdef Py_ssize_t *place = <Py_ssize_t *> (scratch + p.at_place)
    cdef Py_ssize_t *index = <Py_ssize_t *> (scratch + p.at_row_index)
    cdef double *divisor = <double *> (scratch + p.at_divisors)
    cdef Py_ssize_t *depth = NULL
    cdef Py_ssize_t *height = NULL
    cdef Py_ssize_t line, z, y, rows = 0, high = part.end[1] - part.first[1]
    if not p.in_place:
        depth = <Py_ssize_t *> (scratch + p.at_depth)
        height = depth + p.window.axis[1].taps
    for line in range(count):
        z, y = part.first[0] + (first + line) // high, part.first[1] + (first + line) % high
        if depth != NULL:
            rows_of_strip(p, part, source, 1, z, depth)
            rows_of_strip(p, part, source, 2, y, height)
        begin[line] = rows
        rows += list_rows(p, z, y, depth, height, place + rows, index + rows)
        divisor[line] = p.counts[0][z] * p.counts[1][y] if p.counts[0] != NULL else 1
    begin[count] = rows


cdef void pool_columns(const pooled_t *p, const operands_t *operands, const part_t *part,
                       Py_ssize_t c, const source_t *source, const char *src, fc_pool *pool,
                       Py_ssize_t *listed, Py_ssize_t *walked, char *scratch) noexcept nogil:
    """All lines of a part of a channel; `listed` is the first of those whose rows are listed, and
    `walked` the plane whose rows are."""
    cdef Py_ssize_t line = 0, count, some, at, high = part.end[1] - part.first[1], z, ahead
    cdef Py_ssize_t lines = (part.end[0] - part.first[0]) * high
    cdef fc_pool these = pool[0]
    cdef place_t place
    place.n, place.at[2] = part.n, part.first[2]
    place.tap = 0 if p.in_place else source.box[3].first
    pool.begin_step = 1
    while line < lines:
        count = min(p.listed, lines - line)
        if listed[0] != line:
            list_lines(p, part, source, line, count, scratch)
            listed[0] = line
        at = line
        while at < line + count:
            some = min(high - at % high, line + count - at)
            z = part.first[0] + at // high
            these = pool[0]
            these.begin = <Py_ssize_t *> (scratch + p.at_begin) + at - line
            these.line_divisors = <double *> (scratch + p.at_divisors) + at - line
            if p.walks:
                if walked[0] != z:
                    list_walk(p, part, z, pool, scratch)
                    walked[0] = z
                ahead = at % high * pool.walk_stride
                these.walk, these.walk_index = pool.walk + ahead, pool.walk_index + ahead
                these.walk_rows, these.walk_stride = pool.walk_rows, pool.walk_stride
            place.at[0], place.at[1] = z, part.first[1] + at % high
            pool_lines(p, operands, &these, src, c, &place, part.end[2] - part.first[2], some,
                       scratch)
            at += some
        line += count


cdef void pool_channels(const pooled_t *p, const operands_t *operands, const part_t *part,
                        const source_t *source, const char *src, fc_pool *pool,
                        char *scratch) noexcept nogil:
    """The same with channels in vectors: a line is an output.  In place, those whose windows hang
    over the input have fewer taps."""
    cdef const Axis *axis = &p.window.axis[3]
    cdef Py_ssize_t y, x, some, inner, end, room, line, high = part.end[1] - part.first[1]
    cdef double *divisor = <double *> (scratch + p.at_divisors)
    cdef double outer
    cdef bint hangs
    cdef place_t place
    inner, end = part.first[2], part.end[2]
    if p.in_place and axis.border == ZERO:          # columns [inner, end) have all taps
        inner = min(end, max(inner, ceiling(axis.pad, axis.stride)))
        room = axis.src + axis.pad - (axis.taps - 1) * axis.dilation
        end = max(inner, min(end, ceiling(room, axis.stride)))
    pool.begin_step, pool.begin = 0, <Py_ssize_t *> (scratch + p.at_begin)
    place.n = part.n
    for line in range((part.end[0] - part.first[0]) * high):
        list_lines(p, part, source, line, 1, scratch)
        outer = divisor[0]
        place.at[0], y = part.first[0] + line // high, part.first[1] + line % high
        place.at[1] = y
        x = part.first[2]
        while x < part.end[2]:
            hangs = not inner <= x < end
            some = 1 if hangs else end - x
            list_taps(p, part, source, x, hangs, pool, scratch)
            place.at[2], place.tap = x, 0
            if hangs:           # the first tap in the input
                place.tap = max(<Py_ssize_t> 0,
                                ceiling(axis.pad - x * axis.stride, axis.dilation))
            elif not p.in_place:
                place.tap = source.box[3].first
            for y in range(some):
                divisor[y] = outer
                if p.counts[0] != NULL:
                    divisor[y] *= p.counts[2][x + y]
            pool.line_divisors = divisor
            pool_lines(p, operands, pool, src, part.c0, &place, part.c1 - part.c0, some, scratch)
            x += some


cdef void one_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const pooled_t *p = <const pooled_t *> what
    cdef part_t part
    cdef Span span[4]
    cdef const Span *box[4]
    cdef source_t source
    cdef fc_pool pool
    cdef int a
    cdef Py_ssize_t c, end, listed = -1, walked = -1
    cdef const char *src
    cdef const Axis *axis = &p.window.axis[3]
    memset(&pool, 0, sizeof(pool))
    find_part(p, task, &part)
    pool.what, pool.omit, pool.low = p.what, p.omit, p.low
    pool.index_bytes = p.index.itemsize if p.index_in_place else 8
    pool.columns = <fc_columns *> (scratch + p.at_columns)
    pool.columns_end = pool.columns + find_columns(p, &part, scratch)
    pool.place = <Py_ssize_t *> (scratch + p.at_place)
    pool.row_index = <Py_ssize_t *> (scratch + p.at_row_index)
    for a in range(4):
        take_span(p, &part, a, &span[a])
        box[a] = source.box[a] = &span[a]
    if p.pixels:
        pool.lane_index = axis.stride * (1 if p.indices.padded else p.indices.weight[4])
        pool.shift, pool.shared = p.shift, p.shared
        if p.columns != NULL:
            pool.divisors = p.columns + part.first[2] * p.window.itemsize
    else:
        pool.line_index = axis.stride * (1 if p.indices.padded else p.indices.weight[4])
        if not p.indices.padded:
            pool.lane_index = p.indices.weight[1]
        pool.src_line = axis.stride * p.window.src.axis_bytes[3] // p.window.itemsize
    set_order(&p.window, p.pixels, p.in_place, &pool)
    c = part.c0
    while c < part.c1:
        end = c + 1 if p.pixels else part.c1
        src = scratch + p.window.at_strip
        if p.in_place:
            src = (operands.src + part.n * p.window.src.axis_bytes[0]
                   + channel_bytes(&p.window.src, c))
        else:
            copy_cells(p, operands, &part, c, end, box, scratch, &source)
            if not p.pixels:
                pool.src_line = source.pixel[3]
        if not p.indices.padded:
            pool.first_index = part.n * p.indices.weight[0] + c * p.indices.weight[1]
        if p.pixels:
            if listed < 0:
                list_taps(p, &part, &source, part.first[2], False, &pool, scratch)
            pool_columns(p, operands, &part, c, &source, src, &pool, &listed, &walked,
                         scratch)
        else:
            pool_channels(p, operands, &part, &source, src, &pool, scratch)
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
                 mask_border, padded_sizes, each, pixels, in_place, shift, dst_in_place,
                 index_in_place, flip, power, low, border_value, counts, columns, value_how,
                 index_how):
        cdef pooled_t *p = &self.c
        cdef Axis *axis
        cdef Py_ssize_t a
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
        p.shift, p.shared = shift, shift > 0 and p.window.axis[3].dilation == 1
        if index is not None:
            set_view(&p.index, index, 1)
            p.indices.wanted, p.indices.weight = True, weight
            p.indices.padded = padded_sizes is not None
            if p.indices.padded:
                p.indices.sizes = padded_sizes
        p.dst_in_place, p.index_in_place = dst_in_place, index_in_place
        p.flips, p.power = flip is not None, power
        p.changes = p.flips or p.power or p.counting
        if p.flips:
            memcpy(p.flip, <const char *> flip, 8)
        memcpy(p.low, <const char *> low, 8)
        self.held = (counts, columns)
        if counts is not None:
            for a in range(3):
                p.counts[a] = <const double *> <size_t> counts[a].ctypes.data
        if columns is not None:
            p.columns = <const char *> <size_t> columns.ctypes.data
        p.value_how.sum_storage, p.value_how.dst_storage = value_how
        p.index_how.sum_storage, p.index_how.dst_storage = index_how
        p.value_how.real_alpha, p.value_how.integer_alpha = 1, 1
        p.index_how.integer_alpha = 1
        p.value_how.saturate = what == "sum"
        p.each, self.tasks = (1, *each), axes[0][0]
        for a, n in enumerate((channels, *(axis[1] for axis in axes[1:]))):
            p.parts[a + 1] = (n + p.each[a + 1] - 1) // p.each[a + 1]
            self.tasks *= p.parts[a + 1]
        self._book()

    cdef _book(self):
        """Places in the scratch of a thread."""
        cdef pooled_t *p = &self.c
        cdef Py_ssize_t end = 0, size = p.window.itemsize, lanes = p.window.kernels.lanes
        cdef Py_ssize_t a, strip = 1, widest
        cdef Py_ssize_t depth = p.window.axis[1].taps, height = p.window.axis[2].taps
        cdef Py_ssize_t taps = p.window.axis[3].taps
        widest = p.each[4] if p.pixels else p.each[1]
        widest = (widest + lanes - 1) // lanes
        p.pitch = (widest + 4) * lanes
        p.lines = max(1, ROOM // p.pitch)
        p.listed = p.each[2] * p.each[3]
        if p.listed * depth * height > ROOM:    # some of one plane at a time
            p.listed = max(1, min(p.each[3], ROOM // (depth * height)))
        if not p.pixels:
            p.listed = 1
        # The windows that kernels walk over, and the rows of a part, and their indices.
        p.walks = (p.in_place and p.pixels and not p.omit and depth == 1
                   and height > p.window.axis[2].stride
                   and p.window.axis[2].stride == p.window.axis[3].stride
                   and p.window.axis[2].dilation == p.window.axis[3].dilation == 1)
        p.at_walk = book(&end, 0 if not p.walks else 2 * sizeof(Py_ssize_t) * (
            p.each[3] * p.window.axis[2].stride + height))
        p.at_begin = book(&end, (p.listed + 1) * sizeof(Py_ssize_t))
        p.at_place = book(&end, p.listed * depth * height * sizeof(Py_ssize_t))
        p.at_row_index = book(&end, p.listed * depth * height * sizeof(Py_ssize_t))
        p.at_divisors = book(&end, max(p.listed, p.each[4]) * sizeof(double))
        p.at_depth = book(&end, (depth + height) * sizeof(Py_ssize_t))
        p.at_step = book(&end, taps * sizeof(Py_ssize_t))
        p.at_tap_index = book(&end, taps * sizeof(Py_ssize_t))
        p.at_columns = book(&end, (widest + 1) * sizeof(fc_columns))
        p.at_masks = book(&end, widest * taps * mask_words(p) * 4 if p.in_place else 0)
        p.at_value = book(&end, p.lines * p.pitch * size)
        p.at_count = book(&end, p.lines * p.pitch * size if p.counting else 0)
        p.at_index = book(&end, p.lines * p.pitch * 8)
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
