# SPDX-License-Identifier: BSD-3-Clause
"""Regions: the pixels of a box, cut so that the pixels of a tile see the same taps.

With channels in vectors, the rows of a tile are pixels: neighbours in a row of the output.
What they see of padding is not multiplied: a tap that a row of the output sees outside the
input is no run of its regions, and at the ends of a row a trim leaves pixels out of a run.
"""
from fastconv._core.conv cimport REGIONS, block_t, region_taps, region_t, problem_t
from fastconv._core.source cimport single_steps, source_t
from fastconv._core.axis cimport ZERO, Axis, Span, tap_input, valid
from fastconv._core.table cimport FC_TRIMS, fc_tap, fc_taps


cdef Py_ssize_t alike(const Axis *axis, const Span *span, Py_ssize_t first) noexcept nogil:
    """The end of the positions from `first` of a span that see the same taps."""
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


cdef bint trim_of(const Axis *axis, Py_ssize_t start, Py_ssize_t count, Py_ssize_t tap,
                  Py_ssize_t *trim) noexcept nogil:
    """Pixels at the beginning (positive) or end of [start, start + count) that see padding; returns
    whether those are all that do."""
    cdef Py_ssize_t first = start * axis.stride - axis.pad + tap * axis.dilation
    cdef Py_ssize_t last = first + (count - 1) * axis.stride - axis.src
    cdef Py_ssize_t before = (-first + axis.stride - 1) // axis.stride if first < 0 else 0
    cdef Py_ssize_t after = last // axis.stride + 1 if last >= 0 else 0
    if axis.border != ZERO:
        before = after = 0
    trim[0] = min(before, FC_TRIMS) if before >= after else -min(after, FC_TRIMS)
    return before + after == (trim[0] if trim[0] > 0 else -trim[0])


cdef bint choose(const problem_t *p, const source_t *source, const block_t *block,
                 const fc_taps *whole, region_t *region, bint trims, Py_ssize_t start,
                 Py_ssize_t count, fc_tap *run, bint *exact) noexcept nogil:
    """The runs of a region, whose tiles hold pixels [start, start + count) of a row if `trims`;
    returns whether they are those of its rows, without trims.  Not exact: padding is left."""
    cdef const Span *d_span = source.box[1]
    cdef const Span *h_span = source.box[2]
    cdef const Span *w_span = source.box[3]
    cdef Py_ssize_t d, h, w, at = 0, tap, made = 0
    cdef bint plain = True, seen
    for d in range(d_span.first, d_span.first + d_span.taps):
        for h in range(h_span.first, h_span.first + h_span.taps):
            seen = (tap_input(&p.axis[1], d_span.start + region.d0, region.d1 - region.d0, d) and
                    tap_input(&p.axis[2], h_span.start + region.h0, region.h1 - region.h0, h))
            tap = (d * p.axis[2].taps + h) * p.axis[3].taps - block.t0
            for w in range(w_span.first, w_span.first + w_span.taps):
                if not 0 <= tap + w < block.t1 - block.t0:
                    continue
                if seen:
                    run[made] = whole.tap[at]
                    if not trims:
                        made += 1
                    elif not tap_input(&p.axis[3], w_span.start + start, count, w):
                        plain = False
                    else:
                        if not trim_of(&p.axis[3], w_span.start + start, count, w, &run[made].trim):
                            exact[0] = False
                        if run[made].trim:
                            region.taps.trims = 1
                        plain = plain and run[made].trim == 0
                        made += 1
                at += 1
    region.taps.count = made
    return plain


cdef bint follow(const problem_t *p, const source_t *source, int axis,
                 Py_ssize_t run) noexcept nogil:
    """Whether runs follow one another along an axis, in the source and where sums go."""
    return (source.pixel[axis] == run * source.pixel[3]
            and (not p.in_place_store or p.axis[axis].dst_bytes == run * pixel_bytes(p, source)))


cdef void merge(const problem_t *p, const source_t *source, region_t *region) noexcept nogil:
    """Find the runs of a region: rows, planes and images that follow one another are one; but not
    where the ends of rows see padding that is nowhere."""
    cdef Py_ssize_t height = region.h1 - region.h0, depth = region.d1 - region.d0, most
    cdef Py_ssize_t step = source.pixel[3]
    cdef bint apart = source.in_place and p.guard
    cdef bint whole = height == source.box[2].count and not apart
    region.run, region.rows = source.box[3].count, height
    region.planes, region.batch = depth, source.box[0].count
    if height == 1 or (follow(p, source, 2, region.run) and not apart):
        region.run *= height
        region.rows = 1
    if region.rows == 1 and whole and follow(p, source, 1, region.run):
        region.run *= depth
        region.planes = 1
    whole = whole and depth == source.box[1].count
    if region.rows == region.planes == 1 and whole and follow(p, source, 0, region.run):
        region.run *= region.batch
        region.batch = 1
    most = p.kernels.max_rows[1 if p.width > p.kernels.lanes else 0]
    region.tiles = (region.run + most - 1) // most
    # Tiles prefetch the next row, or the next tile of a long run.
    region.taps.a_ahead = source.pixel[2] if region.rows > 1 else most * step
    region.first, region.end = 0, region.tiles


cdef Py_ssize_t divide(const problem_t *p, const source_t *source, const block_t *block,
                       const fc_taps *whole, region_t *region, Py_ssize_t room, fc_tap *run,
                       const fc_tap *end) noexcept nogil:
    """Divide a region by what its tiles see, tiles that see the same together; returns into how
    many, or -1: no room, or a source without padding is asked for it."""
    cdef Py_ssize_t tile, start, made = 0, tiles = region.tiles
    cdef bint plain, known = False, exact = True, trims
    trims = p.trim_rows and region.run == source.box[3].count
    for tile in range(tiles if trims else 1):
        if made == room or end - run < whole.count:
            return -1
        if made:
            region[made] = region[made - 1]
        region[made].taps.tap, region[made].taps.length = run, whole.length
        region[made].taps.trims = 0
        region[made].first, region[made].end = tile, tile + 1 if trims else tiles
        start = region.run * tile // tiles
        plain = choose(p, source, block, whole, &region[made], trims, start,
                       region.run * (tile + 1) // tiles - start, run, &exact)
        if source.in_place and not exact:
            return -1
        if plain and known:
            region[made - 1].end = tile + 1
        else:
            if (plain and 1 < whole.length <= p.short_run
                    and end - run >= whole.length * region[made].taps.count):
                single_steps(&region[made].taps, run)
            run += region[made].taps.count
            made += 1
        known = plain
    return made


cdef Py_ssize_t divide_box(const problem_t *p, const source_t *source, const block_t *block,
                           const fc_taps *whole, fc_tap *run, region_t *region) noexcept nogil:
    """The regions that see different taps; returns how many, or -1 as `divide`."""
    cdef const Span *depth = source.box[1]
    cdef const Span *height = source.box[2]
    cdef const fc_tap *end = run + region_taps(p)
    cdef Py_ssize_t count = 0, made, i, d = 0, h
    while d < depth.count:
        h = 0
        while h < height.count:
            if count == REGIONS:
                return -1
            region[count].d0, region[count].d1 = d, alike(&p.axis[1], depth, d)
            region[count].h0, region[count].h1 = h, alike(&p.axis[2], height, h)
            region[count].taps = whole[0]
            h = region[count].h1
            merge(p, source, &region[count])
            made = divide(p, source, block, whole, &region[count], REGIONS - count, run, end)
            if made < 0:
                return -1
            for i in range(count, count + made):
                run += region[i].taps.count
            count += made
        d = alike(&p.axis[1], depth, d)
    return count


cdef Py_ssize_t make(const problem_t *p, const source_t *source, const block_t *block,
                     const fc_taps *whole, fc_tap *run, region_t *region) noexcept nogil:
    """The regions of a box, whose runs are `whole`; returns how many, or -1: padding is needed."""
    cdef Py_ssize_t count = -1
    if p.guard and whole.count:
        count = divide_box(p, source, block, whole, run, region)
        if count < 0 and source.in_place:
            return -1
    if count < 0:               # one kind, or too many: all pixels see all taps
        region.d0, region.d1, region.h0, region.h1 = 0, source.box[1].count, 0, source.box[2].count
        region.taps = whole[0]
        merge(p, source, region)
        if whole.count > 1 and 1 < whole.length <= p.short_run:
            single_steps(&region.taps, run)
        count = 1
    return count
