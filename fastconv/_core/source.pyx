# SPDX-License-Identifier: BSD-3-Clause
"""The source of pixels of a box: the user's array in place, or a strip copied from it.

A strip holds, for each channel of a block of k, the phases of the box:

    channel, phase of depth, phase of height, phase of width, batch, depth, height, width

or the same with the channels last, if that is how they lie in the array and tiles have channels
in vectors.  Borders are filled in, strides are gone (a phase holds every s-th number), numbers are
those of the tiles; so a tap is an offset, and whole vectors can be read at any pixel.
"""
from fastconv._core.conv cimport block_t, call_t, place_of, problem_t
from fastconv._core.axis cimport (
    CONSTANT, ZERO, Axis, Span, narrow, phase_offset, reach)
from fastconv._core.table cimport fc_tap, fc_taps

cdef enum:
    PAGE = 4096
    LINE = 64


cdef Py_ssize_t pitch_of(const problem_t *p, Py_ssize_t numbers) noexcept nogil:
    """What lies a multiple of 4 KiB apart would meet in one set of the cache."""
    if numbers * p.itemsize >= PAGE and numbers * p.itemsize % PAGE < LINE:
        return numbers + LINE // p.itemsize
    return numbers


cdef inline Py_ssize_t source_of(const problem_t *p, Py_ssize_t group,
                                 Py_ssize_t channel) noexcept nogil:
    """Bytes from the first number of the input to a channel of a group."""
    return group % p.apart * p.src_part_bytes + place_of(
        group // p.apart * p.c_in + channel, p.src_parts, p.src_c_bytes, p.src_part_bytes)


cdef bint in_place(const problem_t *p, const call_t *call, const Span **box, Py_ssize_t group,
                   Py_ssize_t c0, Py_ssize_t c1, source_t *source) noexcept nogil:
    """Try the user's array: no tap of the box may meet padding, unless regions leave it out; pixels
    must lie side by side, and vectors that reach past the last pixel must stay inside the array."""
    cdef Py_ssize_t a, first, last, low = 0, high = 0, step
    cdef const Axis *axis
    cdef const Span *span
    cdef bint left_out          # what lies outside is
    if not p.in_place_allowed:
        return False
    for a in range(4):
        axis = &p.axis[a]
        span = box[a]
        if span.taps:
            first = span.start * axis.stride - axis.pad
            last = first + (span.count - 1) * axis.stride
            left_out = p.guard and axis.border == ZERO
            if first + span.first * axis.dilation < 0 and not left_out:
                return False
            last += (span.first + span.taps - 1) * axis.dilation
            if last >= axis.src and not left_out:
                return False
            first += span.first * axis.dilation
            step = axis.src_bytes
            low += (span.start * axis.stride - axis.pad) * step
            high += (last if step > 0 else first) * step
        source.pixel[a] = axis.stride * axis.src_bytes // p.itemsize
        source.index[a] = axis.dilation * axis.src_bytes // p.itemsize
    if box[3].count == 1:       # any step will do: the one that makes a run of rows
        source.pixel[3] = 1 if p.pixels_wide or p.panel else source.pixel[2]
    if source.pixel[3] != 1 and (p.pixels_wide or p.panel):
        return False
    low += source_of(p, group, c0)
    high += source_of(p, group, c1 - 1 if p.src_c_bytes > 0 else c0)
    # Where pixels lie in vectors, the last ones of a run are read as a whole vector.
    if (p.pixels_wide or p.panel) and high + p.kernels.lanes * p.itemsize > p.src_end_bytes:
        return False
    source.data = call.src + low
    # Parts of a channel are side by side, too.
    source.channel = p.src_contiguous_bytes // p.itemsize
    return True


cdef void outside(const Axis *axis, const Span *span, Py_ssize_t j, Py_ssize_t *first,
                  Py_ssize_t *end) noexcept nogil:
    """Elements [first, end) of phase j lie in the input, the others outside; if none lies there,
    both are `length`."""
    cdef Py_ssize_t at = span.start * axis.stride - axis.pad + phase_offset(axis, span, j)
    first[0] = 0 if at >= 0 else min((-at + axis.stride - 1) // axis.stride, span.length)
    end[0] = max(first[0], min(span.length, (axis.src - at + axis.stride - 1) // axis.stride))
    if first[0] == end[0]:
        first[0] = end[0] = span.length


# What the rows of a strip, of one channel or of some side by side, have in common.
cdef struct row_t:
    Py_ssize_t length, pitch, channels      # pixels, numbers from one to the next, channels filled
    Py_ssize_t bytes                        # of the strip
    Py_ssize_t before, valid, first         # pixels outside, pixels inside, where those begin
    Py_ssize_t step                         # bytes from one pixel to the next in the array
    bint dense                              # pixels follow one another like their channels
    const Py_ssize_t *place                 # of pixels outside in the row of the array, in bytes
    const char *value                       # of a constant border


cdef void find_places(const Axis *axis, const Span *span, Py_ssize_t *place) noexcept nogil:
    """The places of the pixels of each phase that lie outside of the row."""
    cdef Py_ssize_t j, u, first, end
    for j in range(span.phases):
        outside(axis, span, j, &first, &end)
        u = 0
        while u < span.length:
            if u == first:
                u = end
                continue
            place[j * span.length + u] = axis.src_bytes * reach(
                axis, (span.start + u) * axis.stride - axis.pad + phase_offset(axis, span, j))
            u += 1


cdef void fill_pixels(const problem_t *p, const row_t *row, char *dst, const char *src,
                      Py_ssize_t first, Py_ssize_t end) noexcept nogil:
    """Pixels [first, end) of a row, wherever they lie."""
    cdef Py_ssize_t u, inside, pixel = row.pitch * p.itemsize
    if row.channels == 1:
        p.kernels.gather(dst + first * pixel, src, row.place + first, end - first, p.src_storage)
        return
    for u in range(first, end):
        inside = u - row.before
        if 0 <= inside < row.valid:
            p.kernels.copy_row(dst + u * pixel, 0, row.channels, 0,
                               src + row.first + inside * row.step, p.src_contiguous_bytes,
                               p.src_storage, row.value)
        elif p.axis[3].border <= CONSTANT:
            p.kernels.copy_row(dst + u * pixel, row.channels, 0, 0, NULL, 0, 0, row.value)
        else:
            p.kernels.copy_row(dst + u * pixel, 0, row.channels, 0, src + row.place[u],
                               p.src_contiguous_bytes, p.src_storage, row.value)


cdef void fill_row(const problem_t *p, const row_t *row, char *dst, const char *src,
                   Py_ssize_t rows) noexcept nogil:
    """A row of a strip from a row of the array, or several that follow one another there."""
    cdef Py_ssize_t numbers = rows * row.valid * row.channels, end = row.before + row.valid
    cdef Py_ssize_t step = row.step if row.channels == 1 else p.src_contiguous_bytes
    if not row.dense:
        fill_pixels(p, row, dst, src, 0, row.length)
    elif p.axis[3].border <= CONSTANT:
        p.kernels.copy_row(dst, row.before * row.pitch, numbers, (row.length - end) * row.pitch,
                           src + row.first, step, p.src_storage, row.value)
    elif row.channels == 1:
        p.kernels.copy_row_border(dst, row.before, numbers, row.length - end, src, row.first, step,
                                  p.src_storage, row.place)
    else:
        p.kernels.copy_row(dst + row.before * row.pitch * p.itemsize, 0, numbers, 0,
                           src + row.first, step, p.src_storage, row.value)
        fill_pixels(p, row, dst, src, 0, row.before)
        fill_pixels(p, row, dst, src, end, row.length)


cdef void make_strip(const problem_t *p, const call_t *call, const Span **box, Py_ssize_t group,
                     Py_ssize_t c0, Py_ssize_t c1, char *scratch, source_t *source) noexcept nogil:
    cdef int a
    source.pixel[3] = 1 if p.channels_first else pitch_of(p, c1 - c0)
    for a in range(2, -1, -1):
        source.pixel[a] = source.pixel[a + 1] * box[a + 1].length
    source.phase[3] = source.pixel[0] * box[0].length
    for a in range(3, 0, -1):
        source.phase[a - 1] = source.phase[a] * box[a].phases
    source.channel = pitch_of(p, source.phase[0]) if p.channels_first else 1
    source.data = scratch + p.at_strip
    if p.axis[3].border > CONSTANT:
        find_places(&p.axis[3], box[3], <Py_ssize_t *> (scratch + p.at_border))
    fill_strip(p, call, box, group, c0, c1, source, scratch)


cdef void fill_strip(const problem_t *p, const call_t *call, const Span **box, Py_ssize_t group,
                     Py_ssize_t c0, Py_ssize_t c1, const source_t *source,
                     char *scratch) noexcept nogil:
    """All rows of a strip."""
    cdef const Axis *an = &p.axis[0]
    cdef const Axis *ad = &p.axis[1]
    cdef const Axis *ah = &p.axis[2]
    cdef const Axis *aw = &p.axis[3]
    cdef const Span *sd = box[1]
    cdef const Span *sh = box[2]
    cdef const Span *sw = box[3]
    cdef Py_ssize_t c, jd, jh, jw, n, d, h, id, ih, iw, rows, h0, h1, many
    cdef row_t row
    cdef char *dst
    cdef const char *channel
    cdef const char *plane
    row.length, row.step = sw.length, aw.stride * aw.src_bytes
    row.channels = 1 if p.channels_first else c1 - c0
    row.pitch = source.pixel[3]
    row.bytes = row.length * row.pitch * p.itemsize
    row.dense = (row.channels == 1 or
                 (row.pitch == row.channels and p.src_contiguous_bytes * row.channels == row.step))
    for c in range(c0, c1 if p.channels_first else min(c1, c0 + 1)):
        dst = scratch + p.at_strip + (c - c0) * source.channel * p.itemsize
        channel = call.src + source_of(p, group, c)
        row.value = p.border_value[c % p.src_parts + group % p.apart]
        for jd in range(sd.phases):
            for jh in range(sh.phases):
                # rows [h0, h1) of the phase lie in the input
                ih = sh.start * ah.stride - ah.pad + phase_offset(ah, sh, jh)
                outside(ah, sh, jh, &h0, &h1)
                for jw in range(sw.phases):
                    iw = sw.start * aw.stride - aw.pad + phase_offset(aw, sw, jw)
                    outside(aw, sw, jw, &row.before, &row.valid)
                    row.valid -= row.before
                    row.first = (iw + row.before * aw.stride) * aw.src_bytes
                    row.place = <Py_ssize_t *> (scratch + p.at_border) + jw * row.length
                    # Rows that follow one another in the array are copied as one.
                    many = 1
                    if row.valid == row.length and row.dense:
                        if ah.stride * ah.src_bytes == row.length * row.step:
                            many = h1 - h0
                    for n in range(box[0].count):
                        plane = channel + (box[0].start + n) * an.src_bytes
                        for d in range(sd.length):
                            id = ((sd.start + d) * ad.stride - ad.pad
                                  + phase_offset(ad, sd, jd))
                            id = reach(ad, id)
                            h = 0
                            while h < sh.length:
                                rows = 1
                                if id >= 0 and h0 <= h < h1:
                                    rows = many
                                    fill_row(p, &row, dst, plane + id * ad.src_bytes
                                             + (ih + h * ah.stride) * ah.src_bytes, rows)
                                elif id >= 0 and ah.border > CONSTANT:
                                    fill_row(p, &row, dst, plane + id * ad.src_bytes
                                             + reach(ah, ih + h * ah.stride) * ah.src_bytes, 1)
                                else:
                                    if id < 0:
                                        rows = sh.length
                                    else:
                                        rows = (h0 if h < h0 else sh.length) - h
                                    p.kernels.copy_row(dst, rows * row.length * row.pitch, 0, 0,
                                                       NULL, 0, 0, row.value)
                                dst += rows * row.bytes
                                h += rows


cdef void choose_taps(const problem_t *p, const Span **whole, Py_ssize_t t0, Py_ssize_t t1,
                      source_t *source) noexcept nogil:
    """The spans of the box; where a block of k is part of a channel, with its taps only."""
    cdef Py_ssize_t first, last, a
    for a in range(4):
        source.box[a] = whole[a]
    if p.block_k >= p.taps:
        return
    for a in range(3, 0, -1):
        first, last = t0 % p.axis[a].taps, (t1 - 1) % p.axis[a].taps
        t0 //= p.axis[a].taps
        t1 = (t1 - 1) // p.axis[a].taps + 1
        if t1 - t0 > 1:         # all taps of this axis, for some of the next
            first, last = 0, p.axis[a].taps - 1
        narrow(&p.axis[a], whole[a], first, last + 1, &source.narrow[a])
        source.box[a] = &source.narrow[a]


cdef bint would_read_in_place(const problem_t *p, const call_t *call, const Span **whole,
                              Py_ssize_t group, const block_t *block,
                              source_t *source) noexcept nogil:
    """Whether `prepare` would find the source of a block of k in the user's array."""
    choose_taps(p, whole, block.t0, block.t1, source)
    return in_place(p, call, source.box, group, block.c0, block.c1, source)


cdef Py_ssize_t prepare(const problem_t *p, const call_t *call, const Span **whole,
                        Py_ssize_t group, const block_t *block, char *scratch, bint strip,
                        source_t *source, fc_tap *run) noexcept nogil:
    """Make the source of a block of k; the runs get a = the first row of the tap in a strip of
    weights, and b = the offset of the tap.  Returns how many: taps that meet only padding are
    left out."""
    cdef Py_ssize_t d, h, w, row, tap, count = 0
    cdef int a
    cdef const Span **box = source.box
    choose_taps(p, whole, block.t0, block.t1, source)
    if box[1].taps == 0 or box[2].taps == 0 or box[3].taps == 0 or block.k0 == block.k1:
        source.in_place = False
        source.data = scratch   # nothing but padding, or no channels: no run will read it
        source.channel = 0
        for a in range(4):
            source.pixel[a] = 1 if a == 3 else 0
        return 0
    source.in_place = not strip and in_place(p, call, box, group, block.c0, block.c1, source)
    if not source.in_place:
        make_strip(p, call, box, group, block.c0, block.c1, scratch, source)
    for d in range(box[1].first, box[1].first + box[1].taps):
        for h in range(box[2].first, box[2].first + box[2].taps):
            row = tap_offset(p, source, 1, d) + tap_offset(p, source, 2, h)
            tap = (d * p.axis[2].taps + h) * p.axis[3].taps - block.t0
            for w in range(box[3].first, box[3].first + box[3].taps):
                run[count].a = (tap + w) * (block.c1 - block.c0)
                run[count].b = row + tap_offset(p, source, 3, w)
                run[count].trim = 0
                if 0 <= tap + w < block.t1 - block.t0:
                    count += 1
    return count


cdef void single_steps(fc_taps *taps, fc_tap *step) noexcept nogil:
    """Each step of runs without trims a run of its own: where runs are short, or tiles low, the
    time would go by between them.  The steps may take the place of the runs."""
    cdef Py_ssize_t r, s, at = taps.count * taps.length
    for r in range(taps.count - 1, -1, -1):
        for s in range(taps.length - 1, -1, -1):
            at -= 1
            step[at].a = taps.tap[r].a + s * taps.a_step
            step[at].b = taps.tap[r].b + s * taps.b_step
            step[at].trim = 0
    taps.tap, taps.count, taps.length = step, taps.count * taps.length, 1
