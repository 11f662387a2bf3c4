# SPDX-License-Identifier: BSD-3-Clause
"""Regions: the pixels of a box, divided so that the same taps are valid for the pixels of a tile.

With channels in vectors, the rows of a tile are pixels: neighbours in a row of the output.
What falls on padding is not multiplied: a tap that falls outside the input for a row of the output
is none of its regions' taps, and at the ends of a row a trim leaves pixels out of a tap.
"""
from fastconv._core.axis cimport ZERO, Axis, Span, tap_input, valid
from fastconv._core.conv cimport REGIONS, conv_t, region_t, region_taps
from fastconv._core.source cimport single_steps, source_t
from fastconv._core.table cimport FC_TRIMS, fc_tap, fc_taps
from fastconv._core.window cimport block_t


cdef Py_ssize_t alike(const Axis *axis, const Span *span, Py_ssize_t first) noexcept nogil:
    """The end of the positions from `first` of a span for which the same taps are valid."""
    cdef Py_ssize_t t, enters, leaves, end = span.count
    if axis.border != ZERO:
        return end
    for t in range(span.first, span.first + span.taps):
        valid(axis, t, &enters, &leaves)
        if first < enters - span.start < end:
            end = enters - span.start
        if first < leaves - span.start < end:
            end = leaves - span.start
    return end


cdef bint find_trim(const Axis *axis, Py_ssize_t start, Py_ssize_t count, Py_ssize_t tap,
                    Py_ssize_t *trim) noexcept nogil:
    """Pixels at the beginning (positive) or end of [start, start + count) whose tap falls on
    padding; returns whether those are all of them."""
    cdef Py_ssize_t first = start * axis.stride - axis.pad + tap * axis.dilation
    cdef Py_ssize_t last = first + (count - 1) * axis.stride - axis.src
    cdef Py_ssize_t before = (-first + axis.stride - 1) // axis.stride if first < 0 else 0
    cdef Py_ssize_t after = last // axis.stride + 1 if last >= 0 else 0
    if axis.border != ZERO:
        before = after = 0
    trim[0] = min(before, FC_TRIMS) if before >= after else -min(after, FC_TRIMS)
    return before + after == (trim[0] if trim[0] > 0 else -trim[0])


cdef bint choose(const conv_t *p, const source_t *source, const block_t *block,
                 const fc_taps *all_taps, region_t *region, bint trims, Py_ssize_t start,
                 Py_ssize_t count, fc_tap *chosen, bint *exact) noexcept nogil:
    """The taps of a region, whose tiles hold pixels [start, start + count) of a row if `trims`;
    returns whether they are those of its rows, without trims.  Not exact: padding is left."""
    cdef const Axis *axis = &p.window.axis[0]
    cdef const Span *depth = source.box[1]
    cdef const Span *height = source.box[2]
    cdef const Span *width = source.box[3]
    cdef Py_ssize_t d, h, w, at = 0, t, made = 0
    cdef bint plain = True, row_valid
    for d in range(depth.first, depth.first + depth.taps):
        for h in range(height.first, height.first + height.taps):
            row_valid = (
                tap_input(&axis[1], depth.start + region.d0, region.d1 - region.d0, d) and
                tap_input(&axis[2], height.start + region.h0, region.h1 - region.h0, h))
            t = (d * axis[2].taps + h) * axis[3].taps - block.t0
            for w in range(width.first, width.first + width.taps):
                if not 0 <= t + w < block.t1 - block.t0:
                    continue
                if row_valid:
                    chosen[made] = all_taps.tap[at]
                    if not trims:
                        made += 1
                    elif not tap_input(&axis[3], width.start + start, count, w):
                        plain = False
                    else:
                        if not find_trim(&axis[3], width.start + start, count, w,
                                         &chosen[made].trim):
                            exact[0] = False
                        if chosen[made].trim:
                            region.taps.trims = 1
                        plain = plain and chosen[made].trim == 0
                        made += 1
                at += 1
    region.taps.count = made
    return plain


cdef bint follow(const conv_t *p, const source_t *source, int axis,
                 Py_ssize_t run) noexcept nogil:
    """Whether runs of pixels follow one another along an axis, in the source and where sums go."""
    return (source.pixel[axis] == run * source.pixel[3]
            and (not p.epilogue.in_place_store or
                 p.epilogue.dst.axis_bytes[axis] == run * pixel_bytes(p, source)))


cdef void merge(const conv_t *p, const source_t *source, region_t *region) noexcept nogil:
    """Find the runs of a region: rows, planes and images that follow one another are one; but not
    where the ends of rows have taps on padding that is nowhere."""
    cdef Py_ssize_t height = region.h1 - region.h0, depth = region.d1 - region.d0, most
    cdef Py_ssize_t step = source.pixel[3]
    cdef bint by_row = source.in_place and p.window.padded
    cdef bint complete = height == source.box[2].count and not by_row
    region.run, region.rows = source.box[3].count, height
    region.planes, region.batch = depth, source.box[0].count
    if height == 1 or (follow(p, source, 2, region.run) and not by_row):
        region.run *= height
        region.rows = 1
    if region.rows == 1 and complete and follow(p, source, 1, region.run):
        region.run *= depth
        region.planes = 1
    complete = complete and depth == source.box[1].count
    if region.rows == region.planes == 1 and complete and follow(p, source, 0, region.run):
        region.run *= region.batch
        region.batch = 1
    most = p.window.kernels.max_rows[1 if p.panels.width > p.window.kernels.lanes else 0]
    region.tiles = (region.run + most - 1) // most
    # Tiles prefetch the next row, or the next tile of a long run.
    region.taps.a_ahead = source.pixel[2] if region.rows > 1 else most * step
    region.first, region.end = 0, region.tiles


cdef Py_ssize_t divide(const conv_t *p, const source_t *source, const block_t *block,
                       const fc_taps *all_taps, region_t *region, Py_ssize_t room, fc_tap *tap,
                       const fc_tap *end) noexcept nogil:
    """Divide a region by the taps of its tiles, tiles of the same taps together; returns into how
    many, or -1: no room, or a source without padding is asked for it."""
    cdef Py_ssize_t tile, start, made = 0, tiles = region.tiles
    cdef bint plain, known = False, exact = True, trims
    trims = p.schedule.trim_rows and region.run == source.box[3].count
    for tile in range(tiles if trims else 1):
        if made == room or end - tap < all_taps.count:
            return -1
        if made:
            region[made] = region[made - 1]
        region[made].taps.tap, region[made].taps.length = tap, all_taps.length
        region[made].taps.trims = 0
        region[made].first, region[made].end = tile, tile + 1 if trims else tiles
        start = region.run * tile // tiles
        plain = choose(p, source, block, all_taps, &region[made], trims, start,
                       region.run * (tile + 1) // tiles - start, tap, &exact)
        if source.in_place and not exact:
            return -1
        if plain and known:
            region[made - 1].end = tile + 1
        else:
            if (plain and 1 < all_taps.length <= p.schedule.short_taps
                    and end - tap >= all_taps.length * region[made].taps.count):
                single_steps(&region[made].taps, tap)
            tap += region[made].taps.count
            made += 1
        known = plain
    return made


cdef Py_ssize_t divide_box(const conv_t *p, const source_t *source, const block_t *block,
                           const fc_taps *all_taps, fc_tap *tap,
                           region_t *region) noexcept nogil:
    """The regions of different taps; returns how many, or -1 as `divide`."""
    cdef const Span *depth = source.box[1]
    cdef const Span *height = source.box[2]
    cdef const fc_tap *end = tap + region_taps(p)
    cdef Py_ssize_t count = 0, made, i, d = 0, h
    while d < depth.count:
        h = 0
        while h < height.count:
            if count == REGIONS:
                return -1
            region[count].d0, region[count].d1 = d, alike(&p.window.axis[1], depth, d)
            region[count].h0, region[count].h1 = h, alike(&p.window.axis[2], height, h)
            region[count].taps = all_taps[0]
            h = region[count].h1
            merge(p, source, &region[count])
            made = divide(p, source, block, all_taps, &region[count], REGIONS - count, tap, end)
            if made < 0:
                return -1
            for i in range(count, count + made):
                tap += region[i].taps.count
            count += made
        d = alike(&p.window.axis[1], depth, d)
    return count


cdef Py_ssize_t make(const conv_t *p, const source_t *source, const block_t *block,
                     const fc_taps *all_taps, fc_tap *tap, region_t *region) noexcept nogil:
    """The regions of a box; returns how many, or -1: padding is needed."""
    cdef Py_ssize_t count = -1
    if p.window.padded and all_taps.count:
        count = divide_box(p, source, block, all_taps, tap, region)
        if count < 0 and source.in_place:
            return -1
    if count < 0:               # one kind, or too many: all taps for all pixels
        region.d0, region.d1, region.h0, region.h1 = 0, source.box[1].count, 0, source.box[2].count
        region.taps = all_taps[0]
        merge(p, source, region)
        if all_taps.count > 1 and 1 < all_taps.length <= p.schedule.short_taps:
            single_steps(&region.taps, tap)
        count = 1
    return count
