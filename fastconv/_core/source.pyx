# SPDX-License-Identifier: BSD-3-Clause
"""The source of pixels of a box: the user's array in place, or a strip copied from it.

A strip holds, for each channel of a block, the phases of the box:

    channel, phase of depth, phase of height, phase of width, batch, depth, height, width

or the same with the channels last, if that is how they lie in the array and vectors hold channels.
Borders are filled in, strides are gone (a phase holds every s-th position), elements have the dtype
of the kernels; so a tap is an offset, and whole vectors can be read at any pixel.
"""
from libc.string cimport memset

from fastconv._core.axis cimport CONSTANT, ZERO, Axis, Span, narrow, phase_offset, reach
from fastconv._core.table cimport fc_tap, fc_taps
from fastconv._core.window cimport LINE, PAGE, block_t, group_bytes, window_t


cdef Py_ssize_t pitch_of(const window_t *window, Py_ssize_t elements) noexcept nogil:
    """What lies a multiple of 4 KiB apart would share a set of the cache."""
    if elements * window.itemsize >= PAGE and elements * window.itemsize % PAGE < LINE:
        return elements + LINE // window.itemsize
    return elements


cdef inline Py_ssize_t position(const Axis *axis, const Span *span, Py_ssize_t j) noexcept nogil:
    """The input position of element 0 of phase j."""
    return span.start * axis.stride - axis.pad + phase_offset(axis, span, j)


cdef Py_ssize_t beyond(const window_t *window, const Span **box,
                       const source_t *source) noexcept nogil:
    """How many elements, from the last pixel of a box on, vectors may read: see `pixels_task` of
    direct.pyx."""
    cdef Py_ssize_t run = box[3].count, a, lanes = window.kernels.lanes
    if not window.in_runs:
        return lanes
    for a in range(2, -1, -1):
        if box[a].count > 1 and (source.pixel[a] != run or window.to[a] not in (0, run)):
            break
        run *= box[a].count
    return (run + lanes - 1) // lanes * lanes - run + 1


cdef bint in_place(const window_t *window, const char *src, const Span **box, Py_ssize_t group,
                   Py_ssize_t c0, Py_ssize_t c1, source_t *source) noexcept nogil:
    """Try the user's array: no tap of the box may fall on padding, unless regions leave it out;
    pixels in vectors must lie side by side, and those that reach past the last pixel must stay
    inside the array."""
    cdef Py_ssize_t a, first, last, low = 0, high = 0, step
    cdef const Axis *axis
    cdef const Span *span
    cdef bint left_out          # what lies outside is
    if not window.in_place_allowed:
        return False
    for a in range(4):
        axis = &window.axis[a]
        span = box[a]
        step = window.src.axis_bytes[a]
        if span.taps:
            first = span.start * axis.stride - axis.pad
            last = first + (span.count - 1) * axis.stride
            left_out = window.padded and axis.border == ZERO
            if first + span.first * axis.dilation < 0 and not left_out:
                return False
            last += (span.first + span.taps - 1) * axis.dilation
            if last >= axis.src and not left_out:
                return False
            first += span.first * axis.dilation
            low += (span.start * axis.stride - axis.pad) * step
            high += (last if step > 0 else first) * step
        source.pixel[a] = axis.stride * step // window.itemsize
        source.index[a] = axis.dilation * step // window.itemsize
    if box[3].count == 1:       # any step will do: the one by which rows follow one another
        source.pixel[3] = 1 if window.pixels_in_vectors else source.pixel[2]
    if source.pixel[3] != 1 and window.pixels_in_vectors:
        return False
    low += group_bytes(&window.src, group, window.channels, c0)
    high += group_bytes(&window.src, group, window.channels,
                        c1 - 1 if window.src.channel_bytes > 0 else c0)
    if window.pixels_in_vectors and (high + beyond(window, box, source) * window.itemsize
                                     > window.src.end_bytes):
        return False
    source.data = <const char *> (<size_t> src + <size_t> low)     # without arithmetic on NULL
    source.channel = window.src.step_bytes // window.itemsize
    return True


cdef void inside(const Axis *axis, const Span *span, Py_ssize_t j, Py_ssize_t *first,
                 Py_ssize_t *end) noexcept nogil:
    """Elements [first, end) of phase j lie in the input, the others outside; if none lies there,
    both are `length`."""
    cdef Py_ssize_t at = position(axis, span, j)
    first[0] = 0 if at >= 0 else min((-at + axis.stride - 1) // axis.stride, span.length)
    end[0] = max(first[0], min(span.length, (axis.src - at + axis.stride - 1) // axis.stride))
    if first[0] == end[0]:
        first[0] = end[0] = span.length


# What the rows of a strip, of one channel or of some side by side, have in common.
cdef struct row_t:
    Py_ssize_t length, pitch, channels      # pixels, elements from one to the next, channels copied
    Py_ssize_t across, channel      # channels that are transposed, or 0; from one to the next
    Py_ssize_t bytes                        # of the strip
    Py_ssize_t before, valid, first         # pixels outside, pixels inside, where those begin
    Py_ssize_t step                         # bytes from one pixel to the next in the array
    Py_ssize_t row_bytes                    # from one row to the next in the array
    bint dense                              # pixels follow one another like their channels
    bint joined                             # ... and so do rows, none of which reads a border
    const Py_ssize_t *place                 # of pixels outside in the row of the array, in bytes
    const char *value                       # of a constant border


cdef void find_places(const window_t *window, const Span *span, Py_ssize_t *place) noexcept nogil:
    """The places of the pixels of each phase that lie outside of the row."""
    cdef const Axis *axis = &window.axis[3]
    cdef Py_ssize_t j, u, first, end
    for j in range(span.phases):
        inside(axis, span, j, &first, &end)
        u = 0
        while u < span.length:
            if u == first:
                u = end
                continue
            place[j * span.length + u] = window.src.axis_bytes[3] * reach(
                axis, position(axis, span, j) + u * axis.stride)
            u += 1


cdef void copy_pixels(const window_t *window, const row_t *row, char *dst, const char *src,
                      Py_ssize_t first, Py_ssize_t end) noexcept nogil:
    """Pixels [first, end) of a row, wherever they lie."""
    cdef Py_ssize_t u, valid, pixel = row.pitch * window.itemsize, step = window.src.step_bytes
    cdef int storage = window.src.storage
    if row.channels == 1:
        window.kernels.gather(dst + first * pixel, src, row.place + first, end - first, storage)
        return
    for u in range(first, end):
        valid = u - row.before
        if 0 <= valid < row.valid:
            window.kernels.copy_row(dst + u * pixel, 0, row.channels, 0,
                                    src + row.first + valid * row.step, step, storage, row.value)
        elif window.axis[3].border <= CONSTANT:
            window.kernels.copy_row(dst + u * pixel, row.channels, 0, 0, NULL, 0, 0, row.value)
        else:
            window.kernels.copy_row(dst + u * pixel, 0, row.channels, 0, src + row.place[u], step,
                                    storage, row.value)


cdef void copy_row(const window_t *window, const row_t *row, char *dst, const char *src,
                   Py_ssize_t rows) noexcept nogil:
    """Rows of a strip from rows of the array; one, unless pixels are dense."""
    cdef Py_ssize_t valid = row.valid * row.channels, end = row.before + row.valid
    cdef Py_ssize_t step = row.step if row.channels == 1 else window.src.step_bytes
    cdef int storage = window.src.storage
    if not row.dense:
        copy_pixels(window, row, dst, src, 0, row.length)
    elif row.joined:
        window.kernels.copy_row(dst, 0, rows * valid, 0, src + row.first, step, storage, row.value)
    elif window.axis[3].border <= CONSTANT:
        window.kernels.copy_rows(dst, rows, row.before * row.pitch, valid,
                                 (row.length - end) * row.pitch, src + row.first, row.row_bytes,
                                 step, storage, row.value)
    elif row.channels == 1:
        window.kernels.copy_row_border(dst, row.before, valid, row.length - end, src, row.first,
                                       step, storage, row.place)
    else:
        window.kernels.copy_row(dst + row.before * row.pitch * window.itemsize, 0, valid, 0,
                                src + row.first, step, storage, row.value)
        copy_pixels(window, row, dst, src, 0, row.before)
        copy_pixels(window, row, dst, src, end, row.length)


cdef void make_strip(const window_t *window, const char *src, const Span **box, Py_ssize_t group,
                     Py_ssize_t c0, Py_ssize_t c1, char *scratch, source_t *source) noexcept nogil:
    """Lay a strip out, and copy what belongs there."""
    cdef int a
    source.pixel[3] = 1 if window.channels_first else pitch_of(window, c1 - c0)
    for a in range(2, -1, -1):
        source.pixel[a] = source.pixel[a + 1] * box[a + 1].length
    source.phase[3] = source.pixel[0] * box[0].length
    for a in range(3, 0, -1):
        source.phase[a - 1] = source.phase[a] * box[a].phases
    source.channel = pitch_of(window, source.phase[0]) if window.channels_first else 1
    source.data = scratch + window.at_strip
    if window.axis[3].border > CONSTANT:
        find_places(window, box[3], <Py_ssize_t *> (scratch + window.at_border))
    copy_strip(window, src, box, group, c0, c1, source, scratch)
    clear_beyond(window, c1 - c0, source, scratch)


cdef void clear_beyond(const window_t *window, Py_ssize_t channels, const source_t *source,
                       char *scratch) noexcept nogil:
    """Zeros where vectors read beyond the pixels of a strip: lanes that nobody wants are computed,
    too, and CPUs take a hundred cycles for a number that is subnormal, as integers are that other
    tasks have left there."""
    cdef Py_ssize_t size = window.itemsize, gap = source.channel - source.phase[0]
    cdef char *end = scratch + window.at_strip + source.phase[0] * size
    for _ in range(channels - 1 if window.channels_first else 0):
        if gap:
            memset(end, 0, gap * size)
        end += source.channel * size
    memset(end, 0, window.slack * size)


ctypedef void (*row_fn)(const window_t *window, const row_t *row, char *dst, const char *src,
                        Py_ssize_t rows) noexcept nogil


cdef inline void fill_row(const window_t *window, const row_t *row, char *dst,
                          Py_ssize_t count) noexcept nogil:
    """Elements of a constant border, for each channel of the row."""
    cdef Py_ssize_t c
    for c in range(max(<Py_ssize_t> 1, row.across)):
        window.kernels.copy_row(dst + c * row.channel * window.itemsize, count, 0, 0, NULL, 0, 0,
                                row.value)


cdef void transpose_row(const window_t *window, const row_t *row, char *dst, const char *src,
                        Py_ssize_t rows) noexcept nogil:
    """`copy_row` of several channels, which lie side by side in the array."""
    cdef Py_ssize_t end = row.before + row.valid, size = window.itemsize
    cdef const char *first = src
    window.kernels.transpose(dst + row.before * size, row.channel, src + row.first,
                             row.step // size, rows * row.valid, row.across, NULL)
    if window.axis[3].border <= CONSTANT:
        if row.before:
            fill_row(window, row, dst, row.before)
        if end < row.length:
            fill_row(window, row, dst + end * size, row.length - end)
        return
    for _ in range(row.across if row.valid < row.length else 0):
        copy_pixels(window, row, dst, first, 0, row.before)
        copy_pixels(window, row, dst, first, end, row.length)
        dst += row.channel * size
        first += window.src.step_bytes


cdef void copy_strip(const window_t *window, const char *src, const Span **box, Py_ssize_t group,
                     Py_ssize_t c0, Py_ssize_t c1, const source_t *source,
                     char *scratch) noexcept nogil:
    """All rows of a strip."""
    cdef const Axis *ad = &window.axis[1]
    cdef const Axis *ah = &window.axis[2]
    cdef const Axis *aw = &window.axis[3]
    cdef const Py_ssize_t *step = &window.src.axis_bytes[0]
    cdef const Span *sd = box[1]
    cdef const Span *sh = box[2]
    cdef const Span *sw = box[3]
    cdef Py_ssize_t c, jd, jh, jw, n, d, h, id, ih, rows, h0, h1, many
    cdef row_t row
    cdef row_fn copy
    cdef char *dst
    cdef const char *channel
    cdef const char *plane
    row.length, row.step, row.row_bytes = sw.length, aw.stride * step[3], ah.stride * step[2]
    row.channels = 1 if window.channels_first else c1 - c0
    row.pitch = source.pixel[3]
    row.bytes = row.length * row.pitch * window.itemsize
    row.across = 0
    if window.across and window.channels_first and c1 - c0 > 1:
        row.across = c1 - c0
    row.channel = source.channel
    copy = copy_row
    if row.across:
        copy = transpose_row
    row.dense = (row.channels == 1 or (row.pitch == row.channels and
                                       window.src.step_bytes * row.channels == row.step))
    for c in range(c0, c1 if row.channels == 1 and not row.across else min(c1, c0 + 1)):
        dst = scratch + window.at_strip + (c - c0) * source.channel * window.itemsize
        channel = src + group_bytes(&window.src, group, window.channels, c)
        row.value = window.border_value[c % window.src.components
                                        + group % window.src.component_groups]
        for jd in range(sd.phases):
            for jh in range(sh.phases):
                # rows [h0, h1) of the phase lie in the input
                ih = position(ah, sh, jh)
                inside(ah, sh, jh, &h0, &h1)
                for jw in range(sw.phases):
                    inside(aw, sw, jw, &row.before, &row.valid)
                    row.valid -= row.before
                    row.first = (position(aw, sw, jw) + row.before * aw.stride) * step[3]
                    row.place = <Py_ssize_t *> (scratch + window.at_border) + jw * row.length
                    row.joined = (row.dense and row.valid == row.length
                                  and row.row_bytes == row.length * row.step)
                    many = 1
                    if row.joined or (row.dense and not row.across and aw.border <= CONSTANT):
                        many = h1 - h0
                    for n in range(box[0].count):
                        plane = channel + (box[0].start + n) * step[0]
                        for d in range(sd.length):
                            id = reach(ad, position(ad, sd, jd) + d * ad.stride)
                            h = 0
                            while h < sh.length:
                                rows = 1
                                if id >= 0 and h0 <= h < h1:
                                    rows = many
                                    copy(window, &row, dst, plane + id * step[1]
                                         + (ih + h * ah.stride) * step[2], rows)
                                elif id >= 0 and ah.border > CONSTANT:
                                    copy(window, &row, dst, plane + id * step[1]
                                         + reach(ah, ih + h * ah.stride) * step[2], 1)
                                else:
                                    if id < 0:
                                        rows = sh.length
                                    else:
                                        rows = (h0 if h < h0 else sh.length) - h
                                    fill_row(window, &row, dst, rows * row.length * row.pitch)
                                dst += rows * row.bytes
                                h += rows


cdef void choose_taps(const window_t *window, const Span **box, const block_t *block,
                      source_t *source) noexcept nogil:
    """The spans of the box; where a block is part of a channel, with its taps only."""
    cdef Py_ssize_t first, last, a, t0 = block.t0, t1 = block.t1
    for a in range(4):
        source.box[a] = box[a]
    if t1 - t0 == window.taps or t0 == t1:
        return
    for a in range(3, 0, -1):
        first, last = t0 % window.axis[a].taps, (t1 - 1) % window.axis[a].taps
        t0 //= window.axis[a].taps
        t1 = (t1 - 1) // window.axis[a].taps + 1
        if t1 - t0 > 1:         # all taps of this axis, for some of the next
            first, last = 0, window.axis[a].taps - 1
        narrow(&window.axis[a], box[a], first, last + 1, &source.narrow[a])
        source.box[a] = &source.narrow[a]


cdef bint would_read_in_place(const window_t *window, const Span **box, Py_ssize_t group,
                              const block_t *block, source_t *source) noexcept nogil:
    """Whether `prepare` would find the source of a block in the user's array, wherever that is."""
    choose_taps(window, box, block, source)
    return in_place(window, NULL, source.box, group, block.c0, block.c1, source)


cdef void prepare(const window_t *window, const char *src, const Span **whole, Py_ssize_t group,
                  const block_t *block, char *scratch, bint strip, source_t *source, fc_tap *tap,
                  fc_taps *taps) noexcept nogil:
    """Make the source of a block: in place, if that can be and no `strip` is asked for.

    `taps` lie at `tap`, each with a = its number in the block and b = its offset in the source;
    those that fall only on padding are left out.
    """
    cdef Py_ssize_t d, h, w, row, t
    cdef int a
    cdef const Span **box = source.box
    taps.tap, taps.count, taps.length = tap, 0, block.c1 - block.c0
    taps.trims, taps.prefetch, taps.a_ahead = 0, NULL, 0
    choose_taps(window, whole, block, source)
    if box[1].taps == 0 or box[2].taps == 0 or box[3].taps == 0 or block.c0 == block.c1:
        source.in_place = False
        source.data = scratch   # nothing but padding, or no channels: no tap will read it
        source.channel = 0
        for a in range(4):
            source.pixel[a] = 1 if a == 3 else 0
        return
    source.in_place = not strip and in_place(window, src, box, group, block.c0, block.c1, source)
    if not source.in_place:
        make_strip(window, src, box, group, block.c0, block.c1, scratch, source)
    for d in range(box[1].first, box[1].first + box[1].taps):
        for h in range(box[2].first, box[2].first + box[2].taps):
            row = tap_offset(window, source, 1, d) + tap_offset(window, source, 2, h)
            t = (d * window.axis[2].taps + h) * window.axis[3].taps - block.t0
            for w in range(box[3].first, box[3].first + box[3].taps):
                if 0 <= t + w < block.t1 - block.t0:
                    tap.a, tap.b, tap.trim = t + w, row + tap_offset(window, source, 3, w), 0
                    tap += 1
                    taps.count += 1


cdef void single_steps(fc_taps *taps, fc_tap *step) noexcept nogil:
    """Each step of taps without trims a tap of its own: where taps have few steps, or tiles are
    low, the time would go by between them.  The steps may take the place of the taps."""
    cdef Py_ssize_t t, s, at = taps.count * taps.length
    for t in range(taps.count - 1, -1, -1):
        for s in range(taps.length - 1, -1, -1):
            at -= 1
            step[at].a = taps.tap[t].a + s * taps.a_step
            step[at].b = taps.tap[t].b + s * taps.b_step
            step[at].trim = 0
    taps.tap, taps.count, taps.length = step, taps.count * taps.length, 1
