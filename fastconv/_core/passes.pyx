# SPDX-License-Identifier: BSD-3-Clause
"""passes: pooling of large windows, one axis after the other, whatever their size.

A task is a box of outputs, of a plane or of some channels side by side.  The cells of all its
windows, with padding, are a strip.
Then, along each axis of k taps that are d apart,

    S[i] = best(S[i], S[i + m d])           for m = 1, 2, 4 ... while S has windows of 2 m <= k
    S[i] = best(S[i], S[i + (k - m) d])     two windows of m, which overlap, are one of k

or, of sums, which must not overlap,

    R[i] = R[i] + S[i + at d], at = at + m  if k has the bit m; and S as above

so it takes log2(k) steps, or twice as many, and no running sum that could drift.
"""
from libc.string cimport memcpy, memset

from fastconv._core cimport source as sources
from fastconv._core.axis cimport Axis, Span
from fastconv._core.parallel cimport make_tasks
from fastconv._core.source cimport source_t
from fastconv._core.table cimport (
    FC_POOL_MAX, FC_POOL_SUM, fc_columns, fc_epilogue, fc_pool, find)
from fastconv._core.window cimport (
    PAGE, book, book_strip, channel_bytes, operands_t, set_view, view_t, window_t)

WHATS = {"max": FC_POOL_MAX, "sum": FC_POOL_SUM}

cdef struct passes_t:
    window_t window             # axes of the padded input, each position by itself
    view_t dst
    int what
    bint flips, dst_in_place
    bint omit                   # NaN, of cells that are compared, does not count
    Py_ssize_t channels, block          # of a strip: one, unless they lie side by side
    Py_ssize_t outputs[3], taps[3], stride[3], dilation[3]
    Py_ssize_t each[3], parts[3]        # outputs of a task
    double power
    char flip[8]
    char low[8]
    const double *counts[3]     # of averages, by which sums are divided; or NULL
    const char *columns         # those of columns, in the dtype of sums
    fc_epilogue value_how
    Py_ssize_t at_sums, at_value, scratch_bytes

# The cells of a task, and how far planes and rows of them are apart.
cdef struct cells_t:
    Py_ssize_t size[3], pitch[3]


cdef void one_step(const passes_t *p, const cells_t *cells, int a, char *to, const char *other,
                   Py_ssize_t away) noexcept nogil:
    """Each cell, and what is so many cells behind it along an axis, become one, as far as there are
    cells; `other` is where the second one is read."""
    cdef Py_ssize_t size = p.window.itemsize, apart = (other - to) // size + away * cells.pitch[a]
    for _ in range(cells.size[0] - (away if a == 0 else 0)):
        p.window.kernels.pool_two(p.what, to, apart, cells.size[1] - (away if a == 1 else 0),
                                  cells.pitch[1],
                                  (cells.size[2] - (away if a == 2 else 0)) * cells.pitch[2])
        to += cells.pitch[0] * size


cdef void move_cells(const passes_t *p, const cells_t *cells, int a, char *to, const char *src,
                     Py_ssize_t away) noexcept nogil:
    """Cells that are so far behind along an axis."""
    cdef Py_ssize_t size = p.window.itemsize, count = cells.size[0] * cells.pitch[0]
    memcpy(to, src + away * cells.pitch[a] * size, (count - away * cells.pitch[a]) * size)


cdef char *largest(const passes_t *p, const cells_t *cells, int a, char *cell) noexcept nogil:
    """Windows along an axis, by their largest cells; returns where they are."""
    cdef Py_ssize_t m = 1, taps = p.taps[a]
    while 2 * m <= taps:
        one_step(p, cells, a, cell, cell, m * p.dilation[a])
        m *= 2
    if m < taps:
        one_step(p, cells, a, cell, cell, (taps - m) * p.dilation[a])
    return cell


cdef char *sums(const passes_t *p, const cells_t *cells, int a, char *cell,
                char *sum) noexcept nogil:
    """The same by sums, which are at `sum` if not at `cell`."""
    cdef Py_ssize_t m = 1, at = 0, taps = p.taps[a]
    while m <= taps:
        if taps & m:
            if at == 0 and 2 * m > taps:    # there is no other part
                return cell
            if at == 0:
                move_cells(p, cells, a, sum, cell, 0)
            else:
                one_step(p, cells, a, sum, cell, at * p.dilation[a])
            at += m
        if 2 * m <= taps:
            one_step(p, cells, a, cell, cell, m * p.dilation[a])
        m *= 2
    return sum


cdef void pool_row(const passes_t *p, int what, double divisor, const char *columns,
                   Py_ssize_t count, char *row) noexcept nogil:
    """Each element of a row by itself, in whole vectors: divided, or `low` instead of NaN."""
    cdef Py_ssize_t begin[2], zero = 0
    cdef fc_pool pool
    cdef fc_columns lanes
    memset(&pool, 0, sizeof(pool))
    begin[0], begin[1] = 0, 1
    lanes.at, lanes.cols, lanes.vectors, lanes.mask = 0, count, 1, NULL
    pool.what, pool.omit, pool.shared, pool.low, pool.lines = what, p.omit, True, p.low, 1
    pool.begin, pool.place, pool.step, pool.taps = begin, &zero, &zero, 1
    pool.columns, pool.columns_end = &lanes, &lanes + 1
    pool.line_divisors, pool.divisors = &divisor, columns
    p.window.kernels.pool(&pool, row, row, NULL)


cdef void store_line(const passes_t *p, const char *cell, Py_ssize_t step, Py_ssize_t count,
                     double divisor, const char *columns, char *dst, Py_ssize_t dst_step,
                     char *value) noexcept nogil:
    """Outputs from cells that are `step` elements apart."""
    cdef Py_ssize_t size = p.window.itemsize
    cdef char *row = dst if p.dst_in_place else value
    p.window.kernels.copy_row(row, 0, count, 0, cell, step * size, p.value_how.sum_storage, p.low)
    if p.counts[0] != NULL:
        pool_row(p, FC_POOL_SUM, divisor, columns, count, row)
    if p.flips:
        p.window.kernels.flip_bits(row, count, p.flip)
    if p.power:
        p.window.kernels.root(row, count, p.power)
    if not p.dst_in_place:
        p.window.kernels.epilogue(&p.value_how, dst, dst_step, row, size, NULL, 0, NULL, 0, count)


cdef void store_outputs(const passes_t *p, const operands_t *operands, const cells_t *cells,
                        Py_ssize_t n, Py_ssize_t c, Py_ssize_t channels, const Py_ssize_t *first,
                        const Py_ssize_t *count, const char *cell, char *value) noexcept nogil:
    """Every so many cells are outputs; a line of them goes along a row, or along the channels."""
    cdef Py_ssize_t z, y, x, size = p.window.itemsize
    cdef char *dst
    cdef const char *src
    cdef const char *columns = NULL
    cdef double divisor = 1
    if p.columns != NULL and p.block == 1:
        columns = p.columns + first[2] * size
    for z in range(count[0]):
        for y in range(count[1]):
            dst = (operands.dst + n * p.dst.axis_bytes[0] + channel_bytes(&p.dst, c)
                   + (first[0] + z) * p.dst.axis_bytes[1] + (first[1] + y) * p.dst.axis_bytes[2]
                   + first[2] * p.dst.axis_bytes[3])
            src = cell + (z * p.stride[0] * cells.pitch[0]
                          + y * p.stride[1] * cells.pitch[1]) * size
            if p.counts[0] != NULL:
                divisor = p.counts[0][first[0] + z] * p.counts[1][first[1] + y]
            if p.block == 1:
                store_line(p, src, p.stride[2], count[2], divisor, columns, dst,
                           p.dst.axis_bytes[3], value)
                continue
            for x in range(count[2]):
                store_line(p, src, 1, channels,
                           divisor * (p.counts[2][first[2] + x] if p.counts[0] != NULL else 1),
                           NULL, dst, p.dst.step_bytes, value)
                dst += p.dst.axis_bytes[3]
                src += p.stride[2] * cells.pitch[2] * size


cdef void one_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const passes_t *p = <const passes_t *> what
    cdef Py_ssize_t first[3], count[3], n, c, end, i, total, blocks
    cdef int a
    cdef Span span[4]
    cdef const Span *box[4]
    cdef source_t source
    cdef cells_t cells
    cdef char *strip = scratch + p.window.at_strip
    cdef char *cell = strip
    cdef char *other = scratch + p.at_sums
    cdef char *found
    for a in range(2, -1, -1):
        i = task % p.parts[a]
        task //= p.parts[a]
        first[a] = i * p.each[a]
        count[a] = min(p.each[a], p.outputs[a] - first[a])
    blocks = (p.channels + p.block - 1) // p.block
    c, n = task % blocks * p.block, task // blocks
    end = min(p.channels, c + p.block)
    span[0].start, span[0].count = n, 1
    for a in range(3):
        span[a + 1].start = first[a] * p.stride[a]
        span[a + 1].count = (count[a] - 1) * p.stride[a] + (p.taps[a] - 1) * p.dilation[a] + 1
        cells.size[a] = span[a + 1].count
    for a in range(4):
        # Each position by itself; where all are on padding, they are there nonetheless.
        span[a].first, span[a].taps, span[a].phases, span[a].separate = 0, 1, 1, False
        span[a].length = span[a].count
        box[a] = source.box[a] = &span[a]
    source.in_place = False
    sources.make_strip(&p.window, operands.src, box, 0, c, end, scratch, &source)
    total = source.phase[0]
    for a in range(3):
        cells.pitch[a] = source.pixel[a + 1]
    if p.flips:
        p.window.kernels.flip_bits(strip, total, p.flip)
    if p.power:
        p.window.kernels.power(strip, total, p.power)
    if p.omit:
        pool_row(p, FC_POOL_MAX, 1, NULL, total, strip)
    for a in range(2, -1, -1):
        if p.what == FC_POOL_MAX:
            largest(p, &cells, a, cell)
        else:
            found = sums(p, &cells, a, cell, other)
            if found == other:
                cell, other = other, cell
        cells.size[a] -= (p.taps[a] - 1) * p.dilation[a]
    store_outputs(p, operands, &cells, n, c, end - c, first, count, cell, scratch + p.at_value)


cdef class Problem:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from `_problem` of _plan/passes.py: `padded` axes as in _core/conv.pyx, of the
    input with its padding; `axes` (outputs, taps, stride, dilation) of each; src and dst what
    _plan/layout.py says of the arrays; `each` planes, rows and columns of a task.
    """
    cdef passes_t c
    cdef readonly Py_ssize_t tasks
    cdef object held            # what addresses point to

    def __init__(self, *, isa, dtype, what, omit, padded, axes, channels, block, src, dst, each,
                 flip, power, low, border_value, counts, columns, value_how, dst_in_place):
        cdef passes_t *p = &self.c
        cdef Axis *axis
        cdef Py_ssize_t a, end = 0, strip = 1, lanes, size
        memset(p, 0, sizeof(passes_t))
        p.window.kernels = find(isa, dtype)
        p.window.itemsize = size = p.window.kernels.itemsize
        lanes = p.window.kernels.lanes
        p.window.taps = 1
        for a in range(4):
            axis = &p.window.axis[a]
            (axis.src, axis.dst, axis.taps, axis.stride, axis.dilation, axis.pad,
             axis.border) = padded[a]
            axis.block_taps = 1
        set_view(&p.window.src, src, 1)
        set_view(&p.dst, dst, 1)
        p.window.channels = p.channels = channels
        p.block = block
        p.window.channels_first = p.window.pixels_in_vectors = block == 1
        for a in range(2):
            memcpy(p.window.border_value[a], <const char *> border_value, 8)
        p.what, p.omit, p.power, p.dst_in_place = WHATS[what], omit, power, dst_in_place
        p.flips = flip is not None
        if p.flips:
            memcpy(p.flip, <const char *> flip, 8)
        memcpy(p.low, <const char *> low, 8)
        self.tasks = padded[0][0] * ((channels + block - 1) // block)
        for a in range(3):
            p.outputs[a], p.taps[a], p.stride[a], p.dilation[a] = axes[a]
            p.each[a] = each[a]
            p.parts[a] = (p.outputs[a] + p.each[a] - 1) // p.each[a]
            self.tasks *= p.parts[a]
            strip *= (p.each[a] - 1) * p.stride[a] + (p.taps[a] - 1) * p.dilation[a] + 1
        self.held = (counts, columns)
        if counts is not None:
            for a in range(3):
                p.counts[a] = <const double *> <size_t> counts[a].ctypes.data
            p.columns = <const char *> <size_t> columns.ctypes.data
        p.value_how.sum_storage, p.value_how.dst_storage = value_how
        p.value_how.real_alpha, p.value_how.integer_alpha = 1, 1
        p.value_how.saturate = what == "sum"
        p.window.at_border = book(&end, sizeof(Py_ssize_t) * (
            (p.each[2] - 1) * p.stride[2] + (p.taps[2] - 1) * p.dilation[2] + 1))
        p.at_value = book(&end, (max(p.each[2], block) + 4 * lanes) * size)
        book_strip(&p.window, &end, block, strip, 4 * lanes)
        p.at_sums = book(&end, (strip * block + 4 * lanes) * size if what == "sum" else 0)
        p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes


def tasks(Problem problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.c, one_task, problem.tasks, problem.c.scratch_bytes)
