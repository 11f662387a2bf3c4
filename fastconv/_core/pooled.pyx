# SPDX-License-Identifier: BSD-3-Clause
"""What the windows of a row of outputs read, and where their values and indices go."""
from libc.math cimport isnan
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from fastconv._core.axis cimport ZERO, Axis, reach
from fastconv._core.source cimport source_t, tap_offset
from fastconv._core.table cimport FC_NOWHERE, FC_POOL_ARGMAX, fc_columns, fc_pool
from fastconv._core.window cimport channel_bytes, operands_t, window_t

cdef enum:
    AHEAD = 8192                # bytes from a row to what is prefetched when it is read, or more
    ROW_BYTES = 512             # of a pixel from which on windows are made row by row


cdef void set_order(const window_t *window, bint pixels, bint in_place,
                    fc_pool *pool) noexcept nogil:
    """The order in which memory is read.  Processors prefetch streams of neighbouring lines of the
    cache, within a page.  A few channels of each pixel of a window are no such stream, so all
    channels of a row come before the next row.  Several rows of short planes are none either, so
    the kernel prefetches: further on in a long row, else whole rows, the fewest that make AHEAD
    bytes."""
    cdef Py_ssize_t row = window.axis[3].src * window.itemsize
    if not pixels:
        pool.by_rows = window.channels * window.itemsize >= ROW_BYTES
    elif in_place and row >= AHEAD:
        pool.ahead = AHEAD
    elif in_place:
        pool.ahead = (AHEAD // row + 1) * window.src.axis_bytes[2]


cdef void find_part(const pooled_t *p, Py_ssize_t task, part_t *part) noexcept nogil:
    """The outputs of a task; columns vary fastest."""
    cdef Py_ssize_t a, i
    for a in range(2, -1, -1):
        i = task % p.parts[a + 2]
        task //= p.parts[a + 2]
        part.first[a] = i * p.each[a + 2]
        part.end[a] = min(p.window.axis[a + 1].dst, part.first[a] + p.each[a + 2])
    part.c0 = task % p.parts[1] * p.each[1]
    part.c1 = min(p.channels, part.c0 + p.each[1])
    part.n = task // p.parts[1]


cdef Py_ssize_t mask_words(const pooled_t *p) noexcept nogil:
    """Words of a tap's mask: one for each two vectors that are read for a vector of columns."""
    return ((1 << p.shift) + 1) // 2


cdef uint32_t valid_lanes(const pooled_t *p, Py_ssize_t x, Py_ssize_t count, Py_ssize_t tap,
                          Py_ssize_t word) noexcept nogil:
    """Which elements from column x on, of `count` columns of a vector, lie in the input, and belong
    to one of these columns or lie between two: those of a word of the mask."""
    cdef const Axis *axis = &p.window.axis[3]
    cdef Py_ssize_t bits = 2 * p.window.kernels.lanes
    cdef Py_ssize_t at = x * axis.stride - axis.pad + tap * axis.dilation + word * bits
    cdef Py_ssize_t most = min(bits, (count << p.shift) - word * bits)
    cdef Py_ssize_t first = max(<Py_ssize_t> 0, -at), end = min(most, axis.src - at)
    if first >= end:
        return 0
    return <uint32_t> ((<uint64_t> 1 << end) - (<uint64_t> 1 << first))


cdef Py_ssize_t find_columns(const pooled_t *p, const part_t *part, char *scratch) noexcept nogil:
    """Cut the columns of a part into those whose vectors read the input only, and those which need
    masks; returns how many pieces there are.  Where lanes are channels, only the last vector needs
    a mask; strips need none."""
    cdef fc_columns *columns = <fc_columns *> (scratch + p.at_columns)
    cdef uint32_t *mask = <uint32_t *> (scratch + p.at_masks)
    cdef const Axis *axis = &p.window.axis[3]
    cdef Py_ssize_t lanes = p.window.kernels.lanes, x, count, t, last, pieces = 0, first, total
    cdef Py_ssize_t words = mask_words(p)
    cdef bint masked
    if not p.in_place:
        columns[0].at, columns[0].mask, columns[0].vectors = 0, NULL, 0
        columns[0].cols = part.end[2] - part.first[2] if p.pixels else part.c1 - part.c0
        return 1
    total = part.end[2] - part.first[2] if p.pixels else part.c1 - part.c0
    x = 0
    while x < total:
        count = min(lanes, total - x)
        masked = count < lanes
        if p.pixels:
            first = (part.first[2] + x) * axis.stride - axis.pad
            # Taps that come with the one before them are not read on their own.
            last = (axis.taps - 1) >> p.shift << p.shift if p.shared else axis.taps - 1
            last = first + (lanes << p.shift) - 1 + last * axis.dilation
            masked = masked or first < 0 or last >= axis.src
        if pieces == 0 or masked or columns[pieces - 1].mask != NULL:
            columns[pieces].at, columns[pieces].cols = x, 0
            columns[pieces].vectors, columns[pieces].mask = 1, NULL
            if masked:
                columns[pieces].mask = mask
            pieces += 1
        columns[pieces - 1].cols += count
        for t in range(axis.taps * words if masked else 0):
            if p.pixels:
                mask[0] = valid_lanes(p, part.first[2] + x, count, t // words, t % words)
            else:
                mask[0] = <uint32_t> ((<uint64_t> 1 << count) - 1)
            mask += 1
        x += count
    return pieces


cdef Py_ssize_t list_rows(const pooled_t *p, Py_ssize_t z, Py_ssize_t y, const Py_ssize_t *depth,
                          const Py_ssize_t *height, Py_ssize_t *place,
                          Py_ssize_t *index) noexcept nogil:
    """The rows that the windows of outputs (z, y) read: where they are, and the indices of their
    first cells.  `depth` and `height` are where the taps of these outputs are in a strip, or NULL.
    Returns how many there are."""
    cdef const Axis *ad = &p.window.axis[1]
    cdef const Axis *ah = &p.window.axis[2]
    cdef const indices_t *indices = &p.indices
    cdef Py_ssize_t d, h, pd, ph, rd, rh, rows = 0, size = p.window.itemsize
    cdef Py_ssize_t plane = p.window.src.axis_bytes[1] // size
    cdef Py_ssize_t row = p.window.src.axis_bytes[2] // size
    for d in range(ad.taps):
        pd = z * ad.stride + d * ad.dilation - ad.pad
        rd = reach(ad, pd)
        if rd < 0 and ad.border == ZERO:
            continue
        for h in range(ah.taps):
            ph = y * ah.stride + h * ah.dilation - ah.pad
            rh = reach(ah, ph)
            if rh < 0 and ah.border == ZERO:
                continue
            if depth != NULL:
                place[rows] = depth[d] + height[h]
            else:
                place[rows] = rd * plane + rh * row
            if indices.padded:
                index[rows] = ((pd + ad.pad) * indices.sizes[1] + ph + ah.pad) * indices.sizes[2]
            else:
                index[rows] = rd * indices.weight[2] + rh * indices.weight[3]
            rows += 1
    return rows


cdef void list_walk(const pooled_t *p, const part_t *part, Py_ssize_t z, fc_pool *pool,
                    char *scratch) noexcept nogil:
    """All rows that windows of plane z read, in order, where they are read in place."""
    cdef const Axis *ad = &p.window.axis[1]
    cdef const Axis *ah = &p.window.axis[2]
    cdef Py_ssize_t *walk = <Py_ssize_t *> (scratch + p.at_walk)
    cdef Py_ssize_t rows = (part.end[1] - part.first[1] - 1) * ah.stride + ah.taps, e, at
    cdef Py_ssize_t depth = reach(ad, z * ad.stride - ad.pad)
    for e in range(rows):
        at = reach(ah, part.first[1] * ah.stride - ah.pad + e)
        walk[e] = FC_NOWHERE
        if at >= 0 and depth >= 0:
            walk[e] = (depth * p.window.src.axis_bytes[1]
                       + at * p.window.src.axis_bytes[2]) // p.window.itemsize
        walk[rows + e] = depth * p.indices.weight[2] + at * p.indices.weight[3]
    pool.walk, pool.walk_index = walk, walk + rows
    pool.walk_rows, pool.walk_stride = ah.taps, ah.stride


cdef void list_taps(const pooled_t *p, const part_t *part, const source_t *source, Py_ssize_t x,
                    bint valid_only, fc_pool *pool, char *scratch) noexcept nogil:
    """The taps along a row of the windows from column x on; or only those that column x has in the
    input."""
    cdef const Axis *axis = &p.window.axis[3]
    cdef Py_ssize_t *step = <Py_ssize_t *> (scratch + p.at_step)
    cdef Py_ssize_t *index = <Py_ssize_t *> (scratch + p.at_tap_index)
    cdef Py_ssize_t t, at, taps = 0
    for t in range(axis.taps):
        at = x * axis.stride + t * axis.dilation - axis.pad
        if valid_only and not 0 <= at < axis.src:
            continue
        if p.in_place:
            step[taps] = at * p.window.src.axis_bytes[3] // p.window.itemsize
        elif t < source.box[3].first or t >= source.box[3].first + source.box[3].taps:
            continue            # it is nowhere valid
        else:
            step[taps] = (tap_offset(&p.window, source, 3, t)
                          + (x - part.first[2]) * source.pixel[3])
        index[taps] = at + axis.pad if p.indices.padded else at * p.indices.weight[4]
        taps += 1
    pool.taps, pool.step, pool.tap_index = taps, step, index


cdef bint is_nan(const fc_kernels *kernels, const char *at) noexcept nogil:
    """Whether a number of the dtype of a table is NaN."""
    if kernels.dtype[0] != c"f":
        return False
    if kernels.itemsize == 4:
        return isnan((<const float *> at)[0])
    return isnan((<const double *> at)[0])


cdef int64_t first_cell(const pooled_t *p, const fc_pool *pool, const char *src, Py_ssize_t x,
                        Py_ssize_t tap, Py_ssize_t line, Py_ssize_t lane) noexcept nogil:
    """The index of the first cell of a window in which none is larger than `low`; -1 if it has
    none.  x is the output's column, `tap` the first that is listed."""
    cdef const Axis *axis = &p.window.axis[3]
    cdef const Py_ssize_t *begin = pool.begin + line * pool.begin_step
    cdef Py_ssize_t r, t, at, here, from_lane = lane
    if p.pixels and p.in_place:
        from_lane *= axis.stride
    for r in range(begin[0], begin[1]):
        for t in range(pool.taps):
            at = x * axis.stride + (tap + t) * axis.dilation - axis.pad
            if axis.border == ZERO and not 0 <= at < axis.src:
                continue
            here = pool.place[r] + pool.step[t] + from_lane + line * pool.src_line
            if p.omit and is_nan(p.window.kernels, src + here * p.window.itemsize):
                continue
            return (pool.row_index[r] + pool.tap_index[t] + lane * pool.lane_index
                    + line * pool.line_index + pool.first_index)
    return -1


cdef int64_t look_up(const pooled_t *p, int64_t place, Py_ssize_t n,
                     Py_ssize_t c) noexcept nogil:
    """The index of a cell that is at a place of the input with its padding: that of the cell which
    the border copies there; -1 of a constant."""
    cdef const indices_t *indices = &p.indices
    cdef int64_t index = n * indices.weight[0] + c * indices.weight[1]
    cdef Py_ssize_t a, at
    if place < 0:
        return -1
    for a in range(2, -1, -1):
        at = reach(&p.window.axis[a + 1],
                   place % indices.sizes[a] - p.window.axis[a + 1].pad)
        if at < 0:
            return -1
        index += at * indices.weight[a + 2]
        place //= indices.sizes[a]
    return index


cdef void finish_indices(const pooled_t *p, const fc_pool *pool, const char *src, bint none,
                         Py_ssize_t c, const place_t *place, Py_ssize_t line, Py_ssize_t count,
                         char *index) noexcept nogil:
    """Indices that the kernel leaves to others: of windows in which no cell has won, and of cells
    of a border."""
    cdef Py_ssize_t i
    cdef int64_t found
    for i in range(count):
        if pool.index_bytes == 8:
            found = (<int64_t *> index)[i]
        else:
            found = (<int32_t *> index)[i]
        if none and found == -1:
            found = first_cell(p, pool, src, place.at[2] + (i if p.pixels else line), place.tap,
                               line, i)
        if p.indices.padded:
            found = look_up(p, found, place.n, c if p.pixels else c + i)
        if pool.index_bytes == 8:
            (<int64_t *> index)[i] = found
        else:
            (<int32_t *> index)[i] = <int32_t> found


cdef void pool_some(const pooled_t *p, const operands_t *operands, fc_pool *pool, const char *src,
                    Py_ssize_t c, const place_t *place, Py_ssize_t count, char *dst, char *index,
                    char *scratch) noexcept nogil:
    """Pool the lines of `pool`, of `count` lanes each, and store them."""
    cdef const view_t *to = &p.dst
    cdef const view_t *places = &p.index
    cdef Py_ssize_t line, size = p.window.itemsize
    cdef Py_ssize_t dst_line = to.axis_bytes[2 if p.pixels else 3]
    cdef Py_ssize_t index_line = places.axis_bytes[2 if p.pixels else 3]
    cdef fc_pool counted
    cdef bint none
    cdef char *value = dst
    cdef char *found = index
    cdef char *here
    pool.dst_line, pool.index_line = dst_line // size, index_line
    if not p.dst_in_place:
        value, pool.dst_line = scratch + p.at_value, p.pitch
    if not p.index_in_place:
        found, pool.index_line = scratch + p.at_index, p.pitch * 8
    none = p.window.kernels.pool(pool, src, value, found)
    for line in range(pool.lines if none or p.indices.padded else 0):
        finish_indices(p, pool, src, none, c, place, line, count, found + line * pool.index_line)
    for line in range(pool.lines if p.what == FC_POOL_ARGMAX and not p.index_in_place else 0):
        p.integers.epilogue(&p.index_how, index + line * index_line,
                            places.axis_bytes[3] if p.pixels else places.step_bytes,
                            found + line * pool.index_line, 8, NULL, 0, NULL, 0, count)
    if p.counting:
        counted = pool[0]
        counted.dst_line = p.pitch      # the mask lies in its strip as the input does
        p.window.kernels.pool(&counted, src + (p.mask.at_strip - p.window.at_strip),
                              scratch + p.at_count, NULL)
    for line in range(pool.lines if p.changes or not p.dst_in_place else 0):
        here = value + line * pool.dst_line * size
        if p.counting:
            p.window.kernels.divide(here, scratch + p.at_count + line * p.pitch * size, count)
        if p.flips:
            p.window.kernels.flip_bits(here, count, p.flip)
        if p.power:
            p.window.kernels.root(here, count, p.power)
        if not p.dst_in_place:
            p.window.kernels.epilogue(&p.value_how, dst + line * dst_line,
                                      to.axis_bytes[3] if p.pixels else to.step_bytes, here, size,
                                      NULL, 0, NULL, 0, count)


cdef void pool_lines(const pooled_t *p, const operands_t *operands, fc_pool *pool, const char *src,
                     Py_ssize_t c, const place_t *place, Py_ssize_t count, Py_ssize_t lines,
                     char *scratch) noexcept nogil:
    """Pool so many lines of `count` lanes, from a channel and place on: as many at a time as there
    is room for in scratch."""
    cdef const view_t *to = &p.dst
    cdef const view_t *places = &p.index
    cdef Py_ssize_t a, line = 0, many = lines
    cdef char *dst = operands.dst + place.n * to.axis_bytes[0] + channel_bytes(to, c)
    cdef char *index = operands.index
    cdef fc_pool some = pool[0]
    cdef place_t here = place[0]
    for a in range(3):
        dst += place.at[a] * to.axis_bytes[a + 1]
    if index != NULL:
        index += place.n * places.axis_bytes[0] + channel_bytes(places, c)
        for a in range(3):
            index += place.at[a] * places.axis_bytes[a + 1]
    if p.changes or not p.dst_in_place or (index != NULL and not p.index_in_place):
        many = p.lines
    while line < lines:
        some.lines = min(many, lines - line)
        pool_some(p, operands, &some, src, c, &here, count, dst, index, scratch)
        line += some.lines
        some.begin += some.lines * some.begin_step
        if some.walk != NULL:
            some.walk += some.lines * some.walk_stride
            some.walk_index += some.lines * some.walk_stride
        some.line_divisors += some.lines
        some.first_index += some.lines * some.line_index
        src += some.lines * some.src_line * p.window.itemsize
        a = 2 if p.pixels else 3
        here.at[a - 1] += some.lines
        dst += some.lines * to.axis_bytes[a]
        if index != NULL:
            index += some.lines * places.axis_bytes[a]
