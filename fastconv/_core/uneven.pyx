# SPDX-License-Identifier: BSD-3-Clause
"""uneven: pooling whose windows differ from output to output, as adaptive and global ones do.

Tables tell for each output of an axis the first cell of its window, and the end.  A task is some
planes (n, c).  With columns in vectors, a row of outputs has two steps:

    the rows of its windows become one, as long as the input     (pool, of one tap)
    of that each output takes its columns                        (pool_across)

Where channels lie side by side, lanes are channels, and an output has one step.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from fastconv._core cimport source as sources
from fastconv._core.axis cimport ZERO, Axis, Span
from fastconv._core.parallel cimport make_tasks
from fastconv._core.pooled cimport is_nan
from fastconv._core.source cimport source_t
from fastconv._core.table cimport (
    FC_POOL_ARGMAX, FC_POOL_MAX, FC_POOL_SUM, fc_across, fc_columns, fc_epilogue, fc_kernels,
    fc_pool, find)
from fastconv._core.window cimport (
    PAGE, book, book_strip, channel_bytes, operands_t, set_view, view_t, window_t)

WHATS = {"max": FC_POOL_MAX, "argmax": FC_POOL_ARGMAX, "sum": FC_POOL_SUM}

cdef struct uneven_t:
    window_t window             # axes of the input, each position by itself
    view_t dst, index
    int what
    bint omit, average, pixels, in_place, flips
    Py_ssize_t channels, planes, outputs[3]
    Py_ssize_t weight[5]        # of indices: see pooled.pxd
    Py_ssize_t each             # planes of a task, or where lanes are channels images
    Py_ssize_t table[3], table_plane    # where the tables of an axis begin; from plane to plane
    Py_ssize_t rows             # of a strip, at most
    char flip[8]
    char low[8]
    double power
    fc_epilogue value_how, index_how
    const fc_kernels *integers
    Py_ssize_t at_begin, at_place, at_row_index, at_step, at_columns, at_mask
    Py_ssize_t at_row, at_row_places, at_kept, at_kept_places, at_value, at_index
    Py_ssize_t scratch_bytes

# A plane, and a window of depth and height.
cdef struct here_t:
    Py_ssize_t n, c, z, y
    const Py_ssize_t *first[3]
    const Py_ssize_t *end[3]


cdef void find_tables(const uneven_t *p, const operands_t *operands, Py_ssize_t plane,
                      here_t *here) noexcept nogil:
    """The tables of a plane."""
    cdef const Py_ssize_t *table = <const Py_ssize_t *> operands.wei + plane * p.table_plane
    cdef Py_ssize_t a
    for a in range(3):
        here.first[a] = table + p.table[a]
        here.end[a] = here.first[a] + p.outputs[a]


cdef int64_t index_of(const uneven_t *p, int64_t place, Py_ssize_t n,
                      Py_ssize_t c) noexcept nogil:
    """The index of a place, which counts the cells of a plane."""
    cdef int64_t index = n * p.weight[0] + c * p.weight[1]
    cdef Py_ssize_t a
    for a in range(2, -1, -1):
        index += place % p.window.axis[a + 1].src * p.weight[a + 2]
        place //= p.window.axis[a + 1].src
    return index


cdef void first_of(const uneven_t *p, const char *src, const here_t *here, Py_ssize_t x,
                   int64_t *place) noexcept nogil:
    """The place of the first cell of a window in which none is larger than `low`; -1 if all are
    left out.  `src` is the plane as it lies in the array."""
    cdef Py_ssize_t d, h, w
    cdef const Axis *axis = &p.window.axis[0]
    cdef char cell[8]
    place[0] = -1
    for d in range(here.first[0][here.z], here.end[0][here.z]):
        for h in range(here.first[1][here.y], here.end[1][here.y]):
            for w in range(here.first[2][x], here.end[2][x]):
                if p.omit:
                    p.window.kernels.copy_row(cell, 0, 1, 0, src + d * p.window.src.axis_bytes[1]
                                              + h * p.window.src.axis_bytes[2]
                                              + w * p.window.src.axis_bytes[3], 8,
                                              p.window.src.storage, p.low)
                    if is_nan(p.window.kernels, cell):
                        continue
                place[0] = (d * axis[2].src + h) * axis[3].src + w
                return


cdef void merge_rows(const uneven_t *p, const fc_pool *pool, const char *src, bint first,
                     char *scratch) noexcept nogil:
    """The rows of `pool` become one; unless they are the first, what those before them have become
    is the first of them."""
    cdef char *row = scratch + p.at_row
    cdef int64_t *place = <int64_t *> (scratch + p.at_row_places)
    cdef int64_t *kept = <int64_t *> (scratch + p.at_kept_places)
    cdef Py_ssize_t i, width = p.window.axis[3].src
    p.window.kernels.pool(pool, src, row, place)
    for i in range(width if p.what == FC_POOL_ARGMAX and not first else 0):
        if place[i] < -1:       # it has won
            place[i] = kept[i]


cdef Py_ssize_t list_window(const uneven_t *p, const here_t *here, char *scratch) noexcept nogil:
    """The rows of the windows (z, y), where they lie in the array; returns how many there are."""
    cdef Py_ssize_t *place = <Py_ssize_t *> (scratch + p.at_place)
    cdef Py_ssize_t *index = <Py_ssize_t *> (scratch + p.at_row_index)
    cdef Py_ssize_t d, h, rows = 0
    for d in range(here.first[0][here.z], here.end[0][here.z]):
        for h in range(here.first[1][here.y], here.end[1][here.y]):
            place[rows] = (d * p.window.src.axis_bytes[1]
                           + h * p.window.src.axis_bytes[2]) // p.window.itemsize
            index[rows] = (d * p.window.axis[2].src + h) * p.window.axis[3].src
            rows += 1
    return rows


cdef Py_ssize_t copy_rows(const uneven_t *p, const operands_t *operands, const here_t *here,
                          Py_ssize_t d, Py_ssize_t h, Py_ssize_t count,
                          char *scratch) noexcept nogil:
    """Rows of the input as a strip; returns how far they are apart."""
    cdef Span span[4]
    cdef const Span *box[4]
    cdef source_t source
    cdef char *strip = scratch + p.window.at_strip
    cdef Py_ssize_t a
    span[0].start, span[1].start, span[2].start, span[3].start = here.n, d, h, 0
    span[0].count, span[1].count, span[2].count = 1, 1, count
    span[3].count = p.window.axis[3].src
    for a in range(4):
        span[a].first, span[a].taps, span[a].phases, span[a].separate = 0, 1, 1, False
        span[a].length = span[a].count
        box[a] = source.box[a] = &span[a]
    source.in_place = False
    sources.make_strip(&p.window, operands.src, box, 0, here.c, here.c + 1, scratch, &source)
    if p.flips:
        p.window.kernels.flip_bits(strip, source.phase[0], p.flip)
    if p.power:
        p.window.kernels.power(strip, source.phase[0], p.power)
    return source.pixel[2]


cdef void make_row(const uneven_t *p, const operands_t *operands, const here_t *here, fc_pool *pool,
                   char *scratch) noexcept nogil:
    """All rows of the windows (z, y) as one, of copies of some at a time.  What the rows before
    them have become is their first row then: of equal cells the first one wins."""
    cdef Py_ssize_t *place = <Py_ssize_t *> (scratch + p.at_place)
    cdef Py_ssize_t *index = <Py_ssize_t *> (scratch + p.at_row_index)
    cdef Py_ssize_t *begin = <Py_ssize_t *> (scratch + p.at_begin)
    cdef Py_ssize_t height = p.window.axis[2].src, width = p.window.axis[3].src
    cdef Py_ssize_t d, h, rows, count, i, pitch, size = p.window.itemsize
    cdef bint first = True
    cdef char *strip = scratch + p.window.at_strip
    begin[0] = 0
    for d in range(here.first[0][here.z], here.end[0][here.z]):
        h = here.first[1][here.y]
        while h < here.end[1][here.y]:
            count = min(p.rows, here.end[1][here.y] - h)
            rows = 0
            if not first:
                memcpy(scratch + p.at_kept, scratch + p.at_row, width * size)
                memcpy(scratch + p.at_kept_places, scratch + p.at_row_places, width * 8)
                place[0], index[0] = (scratch + p.at_kept - strip) // size, -width - 2
                rows = 1
            pitch = copy_rows(p, operands, here, d, h, count, scratch)
            for i in range(count):
                place[rows], index[rows] = i * pitch, (d * height + h + i) * width
                rows += 1
            begin[1] = rows
            merge_rows(p, pool, strip, first, scratch)
            first = False
            h += count


cdef void store_outputs(const uneven_t *p, const operands_t *operands, const here_t *here,
                        const char *plane, Py_ssize_t x, Py_ssize_t count, char *value,
                        int64_t *index, char *scratch) noexcept nogil:
    """Outputs from column x on, or of all channels of it, to where they belong."""
    cdef Py_ssize_t i, a, n = here.n, c = here.c
    cdef Py_ssize_t at[3]
    cdef char *dst = operands.dst + n * p.dst.axis_bytes[0] + channel_bytes(&p.dst, c)
    cdef char *to = operands.index
    cdef const char *cells
    at[0], at[1], at[2] = here.z, here.y, x
    for a in range(3):
        dst += at[a] * p.dst.axis_bytes[a + 1]
    if p.flips:
        p.window.kernels.flip_bits(value, count, p.flip)
    if p.power:
        p.window.kernels.root(value, count, p.power)
    p.window.kernels.epilogue(&p.value_how, dst, p.dst.axis_bytes[3] if p.pixels
                              else p.dst.step_bytes, value, p.window.itemsize, NULL, 0, NULL, 0,
                              count)
    if p.what != FC_POOL_ARGMAX:
        return
    to += n * p.index.axis_bytes[0] + channel_bytes(&p.index, c)
    for a in range(3):
        to += at[a] * p.index.axis_bytes[a + 1]
    for i in range(count):
        if index[i] < 0:
            cells = plane + (0 if p.pixels else i * p.window.src.step_bytes)
            first_of(p, cells, here, x + i if p.pixels else x, &index[i])
        if index[i] >= 0:
            index[i] = index_of(p, index[i], n, c if p.pixels else c + i)
    p.integers.epilogue(&p.index_how, to, p.index.axis_bytes[3] if p.pixels
                        else p.index.step_bytes, <char *> index, 8, NULL, 0, NULL, 0, count)


cdef void one_plane(const uneven_t *p, const operands_t *operands, here_t *here, fc_pool *pool,
                    char *scratch) noexcept nogil:
    """All outputs of a plane, with columns in vectors."""
    cdef fc_across across
    cdef Py_ssize_t *begin = <Py_ssize_t *> (scratch + p.at_begin)
    cdef const char *plane = (operands.src + here.n * p.window.src.axis_bytes[0]
                              + channel_bytes(&p.window.src, here.c))
    cdef const char *row
    cdef bint single
    across.what, across.omit, across.average = p.what, p.omit, p.average
    across.outputs, across.first, across.end = p.outputs[2], here.first[2], here.end[2]
    across.low = p.low
    for here.z in range(p.outputs[0]):
        for here.y in range(p.outputs[1]):
            across.divisor = ((here.end[0][here.z] - here.first[0][here.z])
                              * <double> (here.end[1][here.y] - here.first[1][here.y]))
            single = p.in_place and across.divisor == 1 and p.what != FC_POOL_ARGMAX
            row = scratch + p.at_row
            if single:
                row = (plane + here.first[0][here.z] * p.window.src.axis_bytes[1]
                       + here.first[1][here.y] * p.window.src.axis_bytes[2])
            elif p.in_place:
                begin[0], begin[1] = 0, list_window(p, here, scratch)
                merge_rows(p, pool, plane, True, scratch)
            else:
                make_row(p, operands, here, pool, scratch)
            p.window.kernels.pool_across(&across, row,
                                         <int64_t *> (scratch + p.at_row_places),
                                         scratch + p.at_value,
                                         <int64_t *> (scratch + p.at_index))
            store_outputs(p, operands, here, plane, 0, p.outputs[2], scratch + p.at_value,
                          <int64_t *> (scratch + p.at_index), scratch)


cdef void one_image(const uneven_t *p, const operands_t *operands, here_t *here, fc_pool *pool,
                    char *scratch) noexcept nogil:
    """All outputs of an image, with channels in vectors."""
    cdef Py_ssize_t *begin = <Py_ssize_t *> (scratch + p.at_begin)
    cdef Py_ssize_t *step = <Py_ssize_t *> (scratch + p.at_step)
    cdef Py_ssize_t width = p.window.axis[3].src, w, x, rows, size = p.window.itemsize
    cdef const char *plane = operands.src + here.n * p.window.src.axis_bytes[0]
    cdef double count
    cdef int64_t *found = <int64_t *> (scratch + p.at_index)
    for here.z in range(p.outputs[0]):
        for here.y in range(p.outputs[1]):
            rows = list_window(p, here, scratch)
            begin[0], begin[1] = 0, rows
            for x in range(p.outputs[2]):
                pool.taps = 0
                for w in range(here.first[2][x], here.end[2][x]):
                    step[pool.taps] = w * p.window.src.axis_bytes[3] // size
                    step[width + pool.taps] = w
                    pool.taps += 1
                pool.step, pool.tap_index = step, step + width
                count = rows * <double> pool.taps if p.average else 1
                pool.line_divisors = &count
                p.window.kernels.pool(pool, plane, scratch + p.at_value, found)
                store_outputs(p, operands, here, plane, x, p.channels, scratch + p.at_value, found,
                              scratch)


cdef void one_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const uneven_t *p = <const uneven_t *> what
    cdef Py_ssize_t plane, lanes = p.window.kernels.lanes, width
    cdef fc_columns *columns = <fc_columns *> (scratch + p.at_columns)
    cdef uint32_t *mask = <uint32_t *> (scratch + p.at_mask)
    cdef here_t here
    cdef fc_pool pool
    cdef Py_ssize_t zero = 0, t
    cdef double one = 1
    memset(&pool, 0, sizeof(pool))
    width = p.window.axis[3].src if p.pixels else p.channels
    pool.what, pool.omit, pool.low, pool.shared = p.what, p.omit, p.low, True
    pool.index_bytes, pool.lines = 8, 1
    pool.begin, pool.begin_step = <Py_ssize_t *> (scratch + p.at_begin), 0
    pool.place = <Py_ssize_t *> (scratch + p.at_place)
    pool.row_index = <Py_ssize_t *> (scratch + p.at_row_index)
    pool.line_divisors = &one
    pool.taps, pool.step, pool.tap_index = 1, &zero, &zero
    pool.lane_index = 1 if p.pixels else 0
    # Whole vectors; and what is left, under a mask that all taps have.
    columns[0].at, columns[0].cols = 0, width // lanes * lanes
    columns[0].vectors, columns[0].mask = 1, NULL
    columns[1].at, columns[1].cols = columns[0].cols, width - columns[0].cols
    columns[1].vectors, columns[1].mask = 1, mask
    for t in range(1 if p.pixels else p.window.axis[3].src):
        mask[t] = <uint32_t> ((<uint64_t> 1 << columns[1].cols) - 1)
    pool.columns = columns if columns[0].cols else columns + 1
    pool.columns_end = columns + (2 if columns[1].cols else 1)
    for plane in range(task * p.each, min(p.planes, (task + 1) * p.each)):
        find_tables(p, operands, plane, &here)
        here.n, here.c = plane, 0
        if p.pixels:
            here.n, here.c = plane // p.channels, plane % p.channels
            one_plane(p, operands, &here, &pool, scratch)
        else:
            one_image(p, operands, &here, &pool, scratch)


cdef class Problem:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from `_problem` of _plan/uneven.py: `sizes` of batch, channel, depth, height,
    width; src, dst, index what _plan/layout.py says of the arrays; `each` planes of a task;
    `table_plane` from the tables of a plane to those of the next.
    """
    cdef uneven_t c
    cdef readonly Py_ssize_t tasks

    def __init__(self, *, isa, dtype, what, omit, average, sizes, outputs, src, dst, index, weight,
                 each, pixels, in_place, flip, power, low, value_how, index_how, most_rows, rows,
                 table_plane):
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
        p.planes = batch * p.channels if pixels else batch
        p.each, p.rows = each, rows
        self.tasks = (p.planes + p.each - 1) // p.each
        self._book(most_rows)

    cdef _book(self, Py_ssize_t most_rows):
        """Places in the scratch of a thread."""
        cdef uneven_t *p = &self.c
        cdef Py_ssize_t end = 0, size = p.window.itemsize, lanes = p.window.kernels.lanes
        cdef Py_ssize_t width = p.window.axis[3].src
        cdef Py_ssize_t values = (p.outputs[2] if p.pixels else p.channels) + 4 * lanes
        p.at_begin = book(&end, 2 * sizeof(Py_ssize_t))
        p.at_place = book(&end, (most_rows + 1) * sizeof(Py_ssize_t))
        p.at_row_index = book(&end, (most_rows + 1) * sizeof(Py_ssize_t))
        p.at_step = book(&end, 0 if p.pixels else 2 * width * sizeof(Py_ssize_t))
        p.at_columns = book(&end, 2 * sizeof(fc_columns))
        p.at_mask = book(&end, 4 if p.pixels else 4 * width)
        p.at_value = book(&end, values * size)
        p.at_index = book(&end, values * 8)
        if p.pixels:
            p.at_row = book(&end, (width + 4 * lanes) * size)
            p.at_row_places = book(&end, (width + 4 * lanes) * 8)
            p.at_kept = book(&end, (width + 4 * lanes) * size)
            p.at_kept_places = book(&end, (width + 4 * lanes) * 8)
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
