# SPDX-License-Identifier: BSD-3-Clause
"""unpool: values to where their indices say, zeros elsewhere.

A unit is an image, where its channels lie side by side in memory, else a plane.  Its input is read
as rows, the channels of a pixel or a line, in portions that the cache holds.  A task writes a band
of the places of a unit, which it finds in all portions that have any of that band.  So no two tasks
write to the same place, and the values of a place come in the order of the input.

A run of `check` finds out whether each index lies in its own unit, and which places each portion
has.  It comes first, so that nothing is written before all indices have been looked at.  A new
output with one band a unit can do without: the tasks find out, too.
"""
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from fastconv._core.parallel cimport make_tasks
from fastconv._core.table cimport (
    FC_SCATTER_LAST, FC_SCATTER_MAX, FC_SCATTER_SUM, fc_epilogue, fc_kernels, fc_places, find)
from fastconv._core.window cimport PAGE, book, operands_t, set_view, view_t

PORTION = 512                   # values, which lie in the first-level cache with their places
OVERLAPS = {"last": FC_SCATTER_LAST, "max": FC_SCATTER_MAX, "sum": FC_SCATTER_SUM}

cdef struct unpool_t:
    const fc_kernels *kernels   # of the dtype that bands in scratch hold
    const fc_kernels *integers
    view_t src, dst, index
    Py_ssize_t src_row, index_row       # elements from row to row, read in place; 0: copied
    Py_ssize_t itemsize, units, group   # so many units have places in common
    Py_ssize_t planes           # units of an image
    bint across                 # rows are the channels of a pixel
    Py_ssize_t pooled[3], size[3]       # of input and output: depth, height, width
    Py_ssize_t height, width    # rows of a unit, and elements of a row
    Py_ssize_t rows, cols       # of a portion
    Py_ssize_t portions, bands  # of a unit
    Py_ssize_t cells, lanes     # places of a unit or group, and elements of each
    Py_ssize_t weight[5]        # of indices
    fc_places places            # but for `first`
    bint column_major
    int overlap
    bint in_place               # values are written where they lie
    char flip[8]
    fc_epilogue how
    Py_ssize_t at_value, at_index, at_place, at_band, scratch_bytes


# A portion: columns [col, col + cols) of rows [row, row + rows) of a unit.
cdef struct portion_t:
    Py_ssize_t image, channel, row, rows, col, cols


cdef portion_t take(const unpool_t *p, Py_ssize_t unit, Py_ssize_t number) noexcept nogil:
    cdef Py_ssize_t across = (p.width + p.cols - 1) // p.cols
    cdef portion_t some
    some.image, some.channel = unit // p.planes, unit % p.planes
    some.row, some.col = number // across * p.rows, number % across * p.cols
    some.rows = min(p.rows, p.height - some.row)
    some.cols = min(p.cols, p.width - some.col)
    return some


cdef Py_ssize_t unit_bytes(const view_t *view, const portion_t *some) noexcept nogil:
    """From the first element of an array to that of a unit."""
    return some.image * view.axis_bytes[0] + some.channel * view.channel_bytes


cdef const void *read(const unpool_t *p, const fc_kernels *kernels, const view_t *view,
                      const portion_t *some, const char *src, char *to,
                      Py_ssize_t *row) noexcept nogil:
    """A portion of an array: where it lies, if its rows are `row` apart, or side by side."""
    cdef Py_ssize_t r, line, width = p.pooled[2] if p.across else 1
    cdef Py_ssize_t step = view.channel_bytes if p.across else view.axis_bytes[3]
    cdef char *at = to
    cdef char zero[8]
    src += unit_bytes(view, some) + some.col * step
    if row[0]:
        return src + some.row * row[0] * kernels.itemsize
    memset(zero, 0, 8)
    for r in range(some.row, some.row + some.rows):
        line = r // width
        kernels.copy_row(at, 0, some.cols, 0, src + line // p.pooled[1] * view.axis_bytes[1]
                         + line % p.pooled[1] * view.axis_bytes[2]
                         + r % width * view.axis_bytes[3], step, view.storage, zero)
        at += some.cols * kernels.itemsize
    row[0] = some.cols
    return to


cdef void turn_places(const unpool_t *p, const portion_t *some, const int64_t *lane_at,
                      int64_t *place, int64_t *ends) noexcept nogil:
    """Places that count depth first, and width last, in memory; the least and the largest."""
    cdef Py_ssize_t i
    cdef int64_t d, h, w
    ends[0], ends[1] = p.cells * p.places.place_step, -1
    for i in range(some.rows * some.cols):
        if place[i] >= 0:
            d, h = place[i] % p.size[0], place[i] // p.size[0] % p.size[1]
            w = place[i] // (p.size[0] * p.size[1])
            place[i] = (((d * p.size[1] + h) * p.size[2] + w) * p.places.place_step
                        + lane_at[i % some.cols])
            ends[0], ends[1] = min(ends[0], place[i]), max(ends[1], place[i])


cdef bint find_some(const unpool_t *p, const operands_t *operands, const portion_t *some,
                    int64_t *ends, char *scratch) noexcept nogil:
    """Places of a portion, and the least and the largest; whether all lie in its unit."""
    cdef fc_places places = p.places
    cdef Py_ssize_t row = p.index_row
    cdef int64_t *place = <int64_t *> (scratch + p.at_place)
    cdef const void *index = read(p, p.integers, &p.index, some, operands.index,
                                  scratch + p.at_index, &row)
    cdef bint good
    places.first = some.image * p.weight[0] + some.channel * p.weight[1]
    if p.across:
        places.lane_index += some.col
        places.lane_at += some.col
    if p.column_major:                      # first as they are counted
        places.place_step, places.simple = 1, 1
    good = p.integers.find_places(place, <const int64_t *> index, row, some.rows, some.cols,
                                  &places, ends)
    if p.column_major:
        turn_places(p, some, places.lane_at, place, ends)
    return good


cdef void check_task(const void *what, operands_t *operands, Py_ssize_t task,
                     char *scratch) noexcept nogil:
    """A band of portions, whose least and largest places go to operands.packed."""
    cdef const unpool_t *p = <const unpool_t *> what
    cdef Py_ssize_t number, unit = task // p.bands, band = task % p.bands
    cdef int64_t *found = <int64_t *> operands.packed
    cdef int64_t ends[2]
    cdef portion_t some
    for number in range(p.portions * band // p.bands, p.portions * (band + 1) // p.bands):
        some = take(p, unit, number)
        if not find_some(p, operands, &some, ends, scratch):
            operands.not_finite = 1
        if p.bands > 1:
            memcpy(found + 2 * (unit * p.portions + number), ends, sizeof(ends))


cdef void clear(const unpool_t *p, char *band, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Zeros for places [first, last) of a band."""
    cdef Py_ssize_t i, count = 1
    if p.lanes == p.places.place_step:
        count = max(0, last - first)
        last = min(last, first + 1)
    for i in range(first, last):
        memset(band + i * p.places.place_step * p.itemsize, 0, count * p.lanes * p.itemsize)


cdef void scatter_band(const unpool_t *p, operands_t *operands, Py_ssize_t group, int how,
                       Py_ssize_t first, Py_ssize_t last, Py_ssize_t cleared, char *to,
                       char *scratch) noexcept nogil:
    """All values of places [first, last), of which those below `cleared` have been cleared.  The
    others are, too, when it is soon their turn: then they are in the cache."""
    cdef const int64_t *found = <const int64_t *> operands.packed
    cdef const int64_t *of_portion
    cdef int64_t *place = <int64_t *> (scratch + p.at_place)
    cdef Py_ssize_t row, next, number, step = p.places.place_step
    cdef int64_t ends[2]
    cdef const void *value
    cdef portion_t some
    for number in range(group * p.group * p.portions, (group + 1) * p.group * p.portions):
        of_portion = found + 2 * number
        if p.bands > 1 and (of_portion[1] < first * step or of_portion[0] >= last * step):
            continue
        some = take(p, number // p.portions, number % p.portions)
        if not find_some(p, operands, &some, ends, scratch):
            operands.not_finite = 1
        next = min(last, ends[1] // step + 1)
        if next > cleared:
            clear(p, to, cleared - first, next - first)
            cleared = next
        row = p.src_row
        value = read(p, p.kernels, &p.src, &some, operands.src, scratch + p.at_value, &row)
        p.kernels.scatter(to, value, row, place, some.rows, some.cols, first * step,
                          (last - first) * step, how, p.flip)
    clear(p, to, cleared - first, last - first)


cdef void scatter_task(const void *what, operands_t *operands, Py_ssize_t task,
                       char *scratch) noexcept nogil:
    cdef const unpool_t *p = <const unpool_t *> what
    cdef Py_ssize_t group = task // p.bands, band = task % p.bands, line, w, count, width
    cdef Py_ssize_t place = p.cells * band // p.bands, last = p.cells * (band + 1) // p.bands
    cdef Py_ssize_t cleared = place
    cdef portion_t some = take(p, group * p.group, 0)
    cdef char *dst = operands.dst + unit_bytes(&p.dst, &some)
    cdef char *to = scratch + p.at_band
    if p.in_place:
        to = dst + place * p.places.place_step * p.itemsize
    if p.overlap == FC_SCATTER_MAX:         # then each place holds one of its values
        scatter_band(p, operands, group, FC_SCATTER_LAST, place, last, cleared, to, scratch)
        cleared = last
    scatter_band(p, operands, group, p.overlap, place, last, cleared, to, scratch)
    width = p.size[2]
    while place < last and not p.in_place:
        line, w = place // width, place % width
        count = 1 if p.across else min(width - w, last - place)
        p.kernels.epilogue(&p.how, dst + line // p.size[1] * p.dst.axis_bytes[1]
                           + line % p.size[1] * p.dst.axis_bytes[2] + w * p.dst.axis_bytes[3],
                           p.dst.channel_bytes if p.across else p.dst.axis_bytes[3], to,
                           p.itemsize, NULL, 0, NULL, 0, count * p.lanes)
        to += count * p.lanes * p.itemsize
        place += count


cdef class Problem:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from _plan/unpool.py: `pooled` and `sizes` of (batch, channel, depth, height,
    width) of input and output; src, dst, index what _plan/layout.py says of the arrays; `weight`
    and `step` of indices; `lane_index` and `lane_at`, bytes, as in fc_places.
    """
    cdef unpool_t c
    cdef object held
    cdef readonly Py_ssize_t checks, tasks, found_bytes

    def __init__(self, *, isa, dtype, pooled, sizes, across, group, bands, src, src_row, dst, index,
                 index_row, weight, step, cells, limit, lanes, place_step, lane_index, lane_at,
                 column_major, overlap, in_place, flip, how):
        cdef unpool_t *p = &self.c
        cdef Py_ssize_t a, end = 0
        memset(p, 0, sizeof(unpool_t))
        self.held = lane_index, lane_at
        p.kernels, p.integers = find(isa, dtype), find(isa, "q")
        p.itemsize = p.kernels.itemsize
        set_view(&p.src, src, 1)
        set_view(&p.dst, dst, 1)
        set_view(&p.index, index, 1)
        p.src_row, p.index_row = src_row, index_row
        p.across, p.planes = across, 1 if across else pooled[1]
        p.units, p.group, p.bands = pooled[0] * p.planes, group, bands
        for a in range(3):
            p.pooled[a], p.size[a] = pooled[a + 2], sizes[a + 2]
        p.width = pooled[1] if across else p.pooled[2]
        p.height = p.pooled[0] * p.pooled[1] * (p.pooled[2] if across else 1)
        p.rows, p.cols = min(p.height, max(1, PORTION // p.width)), min(p.width, PORTION)
        p.portions = (p.height + p.rows - 1) // p.rows * ((p.width + p.cols - 1) // p.cols)
        p.cells, p.lanes = cells, lanes
        p.weight, p.column_major = weight, column_major
        p.places.limit, p.places.place_step = limit, place_step
        p.places.twos = (step & -step).bit_length() - 1
        p.places.inverse = pow(step >> p.places.twos, -1, 1 << 64)
        p.places.lane_index = <const int64_t *> <const char *> lane_index
        p.places.lane_at = <const int64_t *> <const char *> lane_at
        p.places.period = len(lane_at) // 8
        p.places.simple = step == place_step == 1 and not any(lane_at) and not any(lane_index)
        p.overlap = OVERLAPS[overlap]
        p.in_place = in_place
        memcpy(p.flip, <const char *> flip, 8)
        p.how.sum_storage, p.how.dst_storage = how
        p.how.real_alpha, p.how.integer_alpha = 1, 1
        self.checks, self.tasks = p.units * bands, p.units // group * bands
        self.found_bytes = p.units * p.portions * 16 if bands > 1 else 0
        p.at_place = book(&end, p.rows * p.cols * 8)
        p.at_index = book(&end, 0 if index_row else p.rows * p.cols * 8)
        p.at_value = book(&end, p.rows * p.cols * p.itemsize)
        p.at_band = book(&end, 0 if in_place else (cells // bands + 1) * lanes * p.itemsize)
        p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes


def tasks(Problem problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.c, scatter_task, problem.tasks, problem.c.scratch_bytes)


def check(Problem problem):
    """What looks at the indices."""
    return make_tasks(problem, &problem.c, check_task, problem.checks, problem.c.scratch_bytes)
