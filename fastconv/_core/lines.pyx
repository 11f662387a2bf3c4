# SPDX-License-Identifier: BSD-3-Clause
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from fastconv._core cimport source as sources
from fastconv._core.axis cimport Axis, Span
from fastconv._core.pooled cimport is_nan
from fastconv._core.source cimport source_t
from fastconv._core.table cimport (
    FC_POOL_ARGMAX, FC_POOL_SUM, fc_across, fc_columns, fc_pool, fc_rows)
from fastconv._core.window cimport channel_bytes, operands_t


cdef void find_line(const uneven_t *p, const operands_t *operands, Py_ssize_t unit,
                    here_t *here) noexcept nogil:
    """The line of a number."""
    cdef Py_ssize_t line = unit % p.lines, plane = unit // p.lines, a
    cdef const Py_ssize_t *table = <const Py_ssize_t *> operands.wei + plane * p.table_plane
    here.n, here.c = plane // p.parts, plane % p.parts * p.part
    here.z, here.y = line // p.outputs[1], line % p.outputs[1]
    here.plane = (operands.src + here.n * p.window.src.axis_bytes[0]
                  + channel_bytes(&p.window.src, here.c))
    for a in range(3):
        here.first[a] = table + p.table[a]
        here.end[a] = here.first[a] + p.outputs[a]


cdef void next_line(const uneven_t *p, const operands_t *operands, Py_ssize_t unit,
                    here_t *here) noexcept nogil:
    """The same, from the line before it."""
    here.y += 1
    if here.y == p.outputs[1]:
        find_line(p, operands, unit, here)


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


cdef Py_ssize_t list_window(const uneven_t *p, const here_t *here, char *scratch) noexcept nogil:
    """The rows of the windows (z, y), where they lie in the array; returns how many there are."""
    cdef Py_ssize_t *place = <Py_ssize_t *> (scratch + p.at_place)
    cdef Py_ssize_t *index = <Py_ssize_t *> (scratch + p.at_row_index)
    cdef Py_ssize_t d, h, rows = 0
    for d in range(here.first[0][here.z], here.end[0][here.z]):
        for h in range(here.first[1][here.y], here.end[1][here.y]):
            place[rows] = d * p.step[0] + h * p.step[1]
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


cdef void copy_window(const uneven_t *p, const operands_t *operands, const here_t *here,
                      fc_pool *pool, char *row, int64_t *found, char *scratch) noexcept nogil:
    """All rows of the windows (z, y) as one, of copies of some at a time.  What the rows before
    them have become is their first row then: of equal cells the first one wins.  To sums it is
    added afterwards, as pool_across does."""
    cdef Py_ssize_t *place = <Py_ssize_t *> (scratch + p.at_place)
    cdef Py_ssize_t *index = <Py_ssize_t *> (scratch + p.at_row_index)
    cdef int64_t *kept = <int64_t *> (scratch + p.at_kept_places)
    cdef Py_ssize_t height = p.window.axis[2].src, width = p.window.axis[3].src
    cdef Py_ssize_t d, h, rows, count, i, pitch, size = p.window.itemsize
    cdef char *strip = scratch + p.window.at_strip
    cdef bint first = True
    for d in range(here.first[0][here.z], here.end[0][here.z]):
        h = here.first[1][here.y]
        while h < here.end[1][here.y]:
            count = min(p.rows, here.end[1][here.y] - h)
            rows = 0
            if not first:
                memcpy(scratch + p.at_kept, row, width * size)
                memcpy(kept, found, width * 8)
                place[0], index[0] = (scratch + p.at_kept - strip) // size, -width - 2
                rows = 0 if p.what == FC_POOL_SUM else 1
            pitch = copy_rows(p, operands, here, d, h, count, scratch)
            for i in range(count):
                place[rows], index[rows] = i * pitch, (d * height + h + i) * width
                rows += 1
            pool.taps = rows
            p.window.kernels.pool(pool, strip, row, found)
            for i in range(width if p.what == FC_POOL_ARGMAX and not first else 0):
                if found[i] < -1:       # that of the first row
                    found[i] = kept[i]
            if p.what == FC_POOL_SUM and not first:
                p.window.kernels.add_rows(row, 0, scratch + p.at_kept, 0, 1, width)
            first = False
            h += count


cdef void store_outputs(const uneven_t *p, const operands_t *operands, const here_t *here,
                        Py_ssize_t x, Py_ssize_t count, char *value, int64_t *index) noexcept nogil:
    """Outputs from column x on, or of all channels of it, to where they belong."""
    cdef Py_ssize_t to = 0, places = 0, a
    cdef Py_ssize_t at[4]
    at[0], at[1], at[2], at[3] = here.n, here.z, here.y, x
    for a in range(4):
        to += at[a] * p.dst.axis_bytes[a]
        places += at[a] * p.index.axis_bytes[a]
    p.window.kernels.epilogue(&p.value_how, operands.dst + to + channel_bytes(&p.dst, here.c),
                              p.dst.axis_bytes[3] if p.pixels else p.dst.step_bytes, value,
                              p.window.itemsize, NULL, 0, NULL, 0, count)
    if p.what == FC_POOL_ARGMAX:
        p.integers.epilogue(&p.index_how, operands.index + places + channel_bytes(&p.index, here.c),
                            p.index.axis_bytes[3] if p.pixels else p.index.step_bytes,
                            <char *> index, 8, NULL, 0, NULL, 0, count)


cdef void finish_values(const uneven_t *p, char *value, Py_ssize_t count) noexcept nogil:
    if p.flips:
        p.window.kernels.flip_bits(value, count, p.flip)
    if p.power:
        p.window.kernels.root(value, count, p.power)


cdef void finish_indices(const uneven_t *p, const here_t *here, Py_ssize_t x, Py_ssize_t count,
                         int64_t *index) noexcept nogil:
    """The indices of places, of outputs from column x on, or of all channels of it."""
    cdef Py_ssize_t i, column = 1 if p.pixels else 0, channel = 1 - column
    for i in range(count):
        if index[i] < 0:
            first_of(p, here.plane + i * channel * p.window.src.step_bytes, here, x + i * column,
                     &index[i])
        if index[i] >= 0:
            index[i] = index_of(p, index[i], here.n, here.c + i * channel)


cdef void list_rows(const uneven_t *p, const operands_t *operands, const here_t *here,
                    fc_pool *pool, Py_ssize_t held, char *scratch) noexcept nogil:
    """The rows of the windows of a line, the next of those that are held; or what these have
    become, where they are copied, or their places are needed."""
    cdef char *merged = scratch + p.at_row + held * p.pitch * p.window.itemsize
    cdef int64_t *found = <int64_t *> (scratch + p.at_row_places) + held * p.pitch
    cdef fc_rows *run = <fc_rows *> (scratch + p.at_runs)
    cdef Py_ssize_t *begin = <Py_ssize_t *> (scratch + p.at_line_begin) + held
    cdef Py_ssize_t d, at = here.first[1][here.y] * p.window.src.axis_bytes[2], runs = begin[0]
    cdef Py_ssize_t rows = here.end[1][here.y] - here.first[1][here.y]
    (<double *> (scratch + p.at_divisors))[held] = (
        <double> rows * (here.end[0][here.z] - here.first[0][here.z]))
    if not p.merges:
        for d in range(here.first[0][here.z], here.end[0][here.z]):
            run[runs].row = here.plane + d * p.window.src.axis_bytes[1] + at
            run[runs].rows = rows
            runs += 1
        begin[1] = runs
        return
    if p.in_place:
        pool.taps = list_window(p, here, scratch)
        p.window.kernels.pool(pool, here.plane, merged, found)
    else:
        copy_window(p, operands, here, pool, merged, found, scratch)
    run[runs].row, run[runs].rows, begin[1] = merged, 1, runs + 1


cdef void pool_across(const uneven_t *p, const operands_t *operands, Py_ssize_t unit,
                      Py_ssize_t lines, char *scratch) noexcept nogil:
    """The outputs of lines from a unit on, whose rows are held."""
    cdef char *value = scratch + p.at_value
    cdef int64_t *index = <int64_t *> (scratch + p.at_index)
    cdef Py_ssize_t line, at, together = lines if p.joined else 1
    cdef here_t here
    cdef fc_across across
    find_line(p, operands, unit, &here)
    across.what, across.omit, across.low = p.what, p.omit, p.low
    across.lines, across.outputs, across.width = lines, p.outputs[2], p.window.axis[3].src
    across.begin, across.room = <Py_ssize_t *> (scratch + p.at_line_begin), scratch + p.at_kept
    across.first, across.end = here.first[2], here.end[2]
    across.run, across.step = <fc_rows *> (scratch + p.at_runs), p.step[1]
    across.block = p.rows
    across.place, across.place_line = <int64_t *> (scratch + p.at_row_places), p.pitch
    across.divisors = <double *> (scratch + p.at_divisors) if p.average else NULL
    p.window.kernels.pool_across(&across, value, index)
    finish_values(p, value, lines * p.outputs[2])
    for line in range(lines if p.what == FC_POOL_ARGMAX else 0):
        find_line(p, operands, unit + line, &here)
        finish_indices(p, &here, 0, p.outputs[2], index + line * p.outputs[2])
    for line in range(lines // together):
        find_line(p, operands, unit + line, &here)
        at = line * p.outputs[2]
        store_outputs(p, operands, &here, 0, together * p.outputs[2],
                      value + at * p.window.itemsize, index + at)


cdef void set_columns(const uneven_t *p, fc_pool *pool, Py_ssize_t width, Py_ssize_t taps,
                      char *scratch) noexcept nogil:
    """Lanes of a row: whole vectors, and what is left.  That is a vector which overlaps the one
    before it; or, where there is none, and where values so far are kept between rows, part of a
    vector under a mask that all taps have."""
    cdef fc_columns *columns = <fc_columns *> (scratch + p.at_columns)
    cdef uint32_t *mask = <uint32_t *> (scratch + p.at_mask)
    cdef Py_ssize_t lanes = p.window.kernels.lanes, left = width % lanes, t
    columns[0].at, columns[0].cols, columns[0].mask = 0, width - left, NULL
    columns[1].at, columns[1].cols, columns[1].mask = width - lanes, lanes, NULL
    columns[0].vectors = columns[1].vectors = 1
    pool.columns, pool.columns_end = columns, columns + (2 if left else 1)
    if left and (pool.by_rows or width < lanes):
        columns[1].at, columns[1].cols, columns[1].mask = width - left, left, mask
        for t in range(taps):
            mask[t] = <uint32_t> ((<uint64_t> 1 << left) - 1)


cdef void pool_channels(const uneven_t *p, const operands_t *operands, const here_t *here,
                        fc_pool *pool, char *scratch) noexcept nogil:
    """The outputs of a line, with channels in vectors."""
    cdef Py_ssize_t *begin = <Py_ssize_t *> (scratch + p.at_begin)
    cdef Py_ssize_t *step = <Py_ssize_t *> (scratch + p.at_step)
    cdef Py_ssize_t width = p.window.axis[3].src, w, x
    cdef Py_ssize_t channels = min(p.part, p.channels - here.c)
    cdef char *value = scratch + p.at_value
    cdef int64_t *index = <int64_t *> (scratch + p.at_index)
    cdef double count
    set_columns(p, pool, channels, width, scratch)
    begin[1] = list_window(p, here, scratch)
    for x in range(p.outputs[2]):
        pool.taps = 0
        for w in range(here.first[2][x], here.end[2][x]):
            step[pool.taps] = w * p.step[2]
            step[width + pool.taps] = w
            pool.taps += 1
        count = begin[1] * <double> pool.taps if p.average else 1
        pool.line_divisors = &count
        p.window.kernels.pool(pool, here.plane, value, index)
        finish_values(p, value, channels)
        if p.what == FC_POOL_ARGMAX:
            finish_indices(p, here, x, channels, index)
        store_outputs(p, operands, here, x, channels, value, index)
