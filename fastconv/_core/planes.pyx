# SPDX-License-Identifier: BSD-3-Clause
"""What planes read: tables of places, columns and masks, made once for all planes of a task.

In place, rows on padding are left out, rows of a border are other rows of the input, and columns
on padding are masked.  In strips all that is filled in.
"""
from libc.stdint cimport uint32_t, uint64_t

from fastconv._core.axis cimport Axis, Span, most_elements, reach, tap_input
from fastconv._core.conv cimport Problem, conv_t
from fastconv._core.epilogue cimport TRANSPOSED
from fastconv._core.source cimport source_t, tap_offset
from fastconv._core.table cimport FC_NOWHERE, fc_columns, fc_plane, fc_reads, fc_tap
from fastconv._core.window cimport PAGE, block_t, book, book_strip, largest_box

cdef enum:
    TOGETHER_BYTES = 1 << 14    # of planes that one call of the kernel makes
    PANELS_BYTES = 1 << 17      # of the weights of vectors that one call makes


cdef void find_part(const conv_t *p, const block_t *block, part_t *part) noexcept nogil:
    """The taps of a block: all of the later axes, where there are several of one."""
    cdef Py_ssize_t a, t0 = block.t0, t1 = block.t1, taps
    for a in range(3, 0, -1):
        taps = p.window.axis[a].taps
        part[a].first, part[a].end = 0, taps
        if t1 - t0 < taps or a == 1:
            part[a].first, part[a].end = t0 % taps, (t1 - 1) % taps + 1
        t0 //= taps
        t1 = (t1 - 1) // taps + 1


cdef inline Py_ssize_t extent(const Axis *axis, Py_ssize_t outputs,
                              Py_ssize_t taps) noexcept nogil:
    """Positions from the first to the last that outputs read."""
    return max(0, (outputs - 1) * axis.stride + (taps - 1) * axis.dilation + 1)


cdef Py_ssize_t taps_apart(const Axis *axis) noexcept nogil:
    """`apart` of `fc_reads`.  One tap has no dilation."""
    cdef Py_ssize_t common = axis.stride, rest = axis.dilation if axis.taps > 1 else 1
    while rest:                 # the greatest common divisor
        common, rest = rest, common % rest
    return axis.stride // common


cdef void find_reads(const planes_t *d, int a, const Span *span, const part_t *part,
                     const source_t *source, char *scratch, fc_reads *reads) noexcept nogil:
    """What the outputs of a span read along an axis, through the taps of a block."""
    cdef const Axis *axis = &d.conv.window.axis[a]
    cdef Py_ssize_t i, t, at, found
    cdef const Span *narrow = source.box[a]
    cdef Py_ssize_t *place = <Py_ssize_t *> (scratch + d.at_place[a])
    cdef Py_ssize_t count = extent(axis, span.count, part.end - part.first)
    cdef Py_ssize_t first = span.start * axis.stride - axis.pad + part.first * axis.dilation
    for i in range(count):
        place[i] = FC_NOWHERE
        # Between the windows of two outputs nothing is read.
        if d.in_place and (axis.dilation > 1 or i % axis.stride < part.end - part.first):
            at = reach(axis, first + i)
            if at >= 0:
                place[i] = at * d.step[a]
    for t in range(part.first, part.first if d.in_place else part.end):
        found = FC_NOWHERE
        if narrow.first <= t < narrow.first + narrow.taps:
            found = tap_offset(&d.conv.window, source, a, t)
        for i in range(span.count):
            place[i * axis.stride + (t - part.first) * axis.dilation] = found
            if found != FC_NOWHERE:
                found += source.pixel[a]
    reads.place, reads.outputs, reads.taps = place, span.count, part.end - part.first
    reads.stride, reads.dilation = axis.stride, axis.dilation if axis.taps > 1 else 1
    reads.apart = taps_apart(axis)
    reads.together = reads.apart * reads.dilation // axis.stride


cdef bint reads_in_place(const planes_t *d, const Span *columns) noexcept nogil:
    """Whether a box of these columns needs no strip: with pixels in vectors, columns outside the
    input would have to be read from other places, or masked.  Bytes come in whole vectors."""
    cdef const Axis *axis = &d.conv.window.axis[3]
    cdef Py_ssize_t first = columns.start * axis.stride - axis.pad
    cdef Py_ssize_t last = first + (columns.count - 1) * axis.stride
    if not d.in_place or d.masked:
        return d.in_place
    if d.bytes and columns.count * d.interleaved % d.conv.window.kernels.lanes:
        return False
    return first >= 0 and last + (axis.taps - 1) * axis.dilation < axis.src


cdef Py_ssize_t strip_elements(const planes_t *d) noexcept:
    """Elements of a channel in the largest strip; 0: all boxes are read in place."""
    cdef const Axis *axis
    cdef Py_ssize_t a, i, most, elements = 1
    for a in range(4):
        axis = &d.conv.window.axis[a]
        most = 0
        for i in range(axis.spans):
            if a < 3 or not reads_in_place(d, &axis.span[i]):
                most = max(most, most_elements(axis, &axis.span[i]))
        elements *= most
    return elements


cdef Py_ssize_t most_positions(const Axis *axis) noexcept:
    """From the first to the last position that a span reaches, at most."""
    cdef Py_ssize_t i, s, at, first, last, most = 1      # even of none
    for s in range(axis.spans):
        first, last = axis.src, -1
        for i in range(extent(axis, axis.span[s].count, axis.taps)):
            at = reach(axis, axis.span[s].start * axis.stride - axis.pad + i)
            if at >= 0:
                first, last = min(first, at), max(last, at)
        most = max(most, last - first + 1)
    return most


cdef uint32_t valid_lanes(const planes_t *d, const Span *span, Py_ssize_t column,
                          Py_ssize_t tap) noexcept nogil:
    """Which elements from a tap of a vector of columns on lie in the source."""
    cdef const Axis *axis = &d.conv.window.axis[3]
    cdef Py_ssize_t count = d.conv.window.kernels.lanes * axis.stride
    cdef Py_ssize_t at = (d.interleaved * (span.start * axis.stride - axis.pad
                                           + tap * axis.dilation) + column * axis.stride)
    cdef Py_ssize_t first = max(<Py_ssize_t> 0, -at)
    cdef Py_ssize_t end = min(count, d.interleaved * axis.src - at)
    if first >= end:
        return 0
    return <uint32_t> ((<uint64_t> 1 << end) - (<uint64_t> 1 << first))


cdef bint plain(const planes_t *d, const Span *span, const part_t *part, Py_ssize_t column,
                Py_ssize_t cols) noexcept nogil:
    """Whether all lanes of some vectors read the source, with what lies between two columns."""
    cdef const Axis *axis = &d.conv.window.axis[3]
    cdef Py_ssize_t each = d.interleaved, step = each * axis.dilation
    cdef Py_ssize_t first = each * (span.start * axis.stride - axis.pad) + column * axis.stride
    cdef Py_ssize_t last = first + cols * axis.stride - 1 + (part.end - 1) * step
    return not d.in_place or (first + part.first * step >= 0 and last < each * axis.src)


cdef Py_ssize_t find_columns(const planes_t *d, const Span *span, const part_t *part,
                             const part_t *valid, fc_columns *columns, uint32_t *mask,
                             Py_ssize_t *masks) noexcept nogil:
    """Cut the columns of a span into vectors, widest first; returns into how many parts.

    Counts the masks, too; with columns NULL it only counts."""
    cdef Py_ssize_t lanes = d.conv.window.kernels.lanes, at = 0, count = 0, cols, t, v, c
    cdef Py_ssize_t size = d.interleaved * span.count
    cdef Py_ssize_t vectors = d.conv.window.kernels.plane_vectors, channels = d.conv.window.channels
    if d.in_place and d.conv.window.axis[3].stride == 2:
        vectors = 2             # which read four vectors of the source
    masks[0] = 0
    while at < size:
        while vectors > 1 and (vectors - 1) * lanes >= size - at:
            vectors //= 2
        cols = vectors * lanes
        if columns != NULL:
            columns[count].at, columns[count].vectors = at, vectors
            columns[count].cols, columns[count].mask = min(cols, size - at), NULL
        if not plain(d, span, part, at, cols):
            if columns != NULL:
                columns[count].mask = mask + masks[0]
                for t in range(valid.first, valid.end):
                    for v in range(vectors):
                        mask[masks[0] + v] = valid_lanes(d, span, at + v * lanes, t)
                    for c in range(1, channels):
                        for v in range(vectors):
                            mask[masks[0] + c * vectors + v] = mask[masks[0] + v]
                    masks[0] += channels * vectors
            else:
                masks[0] += channels * vectors * (valid.end - valid.first)
        at += cols
        count += 1
    return count


cdef void find_plane(const planes_t *d, const Span **box, const source_t *source,
                     const block_t *block, char *scratch, found_t *found) noexcept nogil:
    """The tables with pixels in vectors."""
    cdef const conv_t *p = d.conv
    cdef fc_plane *plane = &found.plane
    cdef const Axis *axis = &p.window.axis[3]
    cdef Py_ssize_t t, c, masks, size = d.size, channels = block.c1 - block.c0
    cdef bint stored = p.epilogue.in_place_store or (d.bytes and d.in_place)
    cdef Py_ssize_t *step = <Py_ssize_t *> (scratch + d.at_place[3])
    cdef fc_columns *columns = <fc_columns *> (scratch + d.at_columns)
    cdef part_t valid
    find_part(p, block, found.part)
    find_reads(d, 1, box[1], &found.part[1], source, scratch, &plane.depth)
    find_reads(d, 2, box[2], &found.part[2], source, scratch, &plane.row)
    # Steps of taps that are valid for some column.
    valid = found.part[3]
    while valid.first < valid.end and not tap_input(axis, box[3].start, box[3].count, valid.first):
        valid.first += 1
    while valid.first < valid.end and not tap_input(axis, box[3].start, box[3].count,
                                                    valid.end - 1):
        valid.end -= 1
    plane.step, plane.steps = step, 0
    for t in range(valid.first, valid.end):
        for c in range(channels):
            if d.in_place:
                step[plane.steps] = (t * axis.dilation * (p.window.src.axis_bytes[3] // size)
                                     + c * (p.window.src.channel_bytes // size))
            else:
                step[plane.steps] = tap_offset(&p.window, source, 3, t) + c * source.channel
            plane.steps += 1
    found.weights = (valid.first - found.part[3].first) * channels
    found.first_bytes = (box[0].start * p.window.src.axis_bytes[0]
                         + (box[3].start * axis.stride - axis.pad) * p.window.src.axis_bytes[3])
    plane.pairs, plane.bytes = d.in_place and axis.stride == 2, d.in_place and d.bytes
    plane.a_row = (found.part[3].end - found.part[3].first) * channels
    plane.c_row = box[3].count * d.interleaved
    plane.c_plane = box[2].count * plane.c_row
    if stored:
        plane.c_row = p.epilogue.dst.axis_bytes[2] // size
        plane.c_plane = p.epilogue.dst.axis_bytes[1] // size
    # Channels that are made together are groups: see `_together`.
    plane.a_channel = p.panels.group_bytes // p.window.itemsize
    plane.b_channel = p.window.src.step_bytes // size
    plane.c_channel = p.epilogue.dst.step_bytes // size
    # While a plane is made, the one behind it comes from memory; of a large one, the next columns.
    plane.columns_ahead = d.far and d.large
    plane.b_ahead = plane.c_ahead = 0
    if d.far and not (plane.columns_ahead or plane.bytes):
        plane.b_ahead = d.together * plane.b_channel
        plane.c_ahead = d.together * plane.c_channel if p.epilogue.in_place_store else 0
    plane.columns = columns
    plane.columns_end = columns + find_columns(
        d, box[3], &found.part[3], &valid, columns, <uint32_t *> (scratch + d.at_mask), &masks)


cdef void find_pixels(const planes_t *d, const Span **box, const source_t *source,
                      const block_t *block, char *scratch, found_t *found) noexcept nogil:
    """The tables with channels in vectors."""
    cdef const conv_t *p = d.conv
    cdef Py_ssize_t size = p.window.itemsize
    find_part(p, block, found.part)
    find_reads(d, 1, box[1], &found.part[1], source, scratch, &found.pixels.depth)
    find_reads(d, 2, box[2], &found.part[2], source, scratch, &found.pixels.row)
    find_reads(d, 3, box[3], &found.part[3], source, scratch, &found.pixels.column)
    found.first_bytes = box[0].start * p.window.src.axis_bytes[0]
    found.pixels.c_column = p.panels.width
    found.pixels.c_row = box[3].count * p.panels.width
    if p.epilogue.in_place_store:
        found.pixels.c_column = p.epilogue.dst.axis_bytes[3] // size
        found.pixels.c_row = p.epilogue.dst.axis_bytes[2] // size


cdef extern from *:
    """
    static void fc_prefetch_bytes(const char *from, ptrdiff_t bytes)
    {
        for (ptrdiff_t at = 0; at < bytes; at += 64)
            __builtin_prefetch(from + at, 0, 2);
    }
    """
    void fc_prefetch_bytes(const char *at, Py_ssize_t size) noexcept nogil


cdef void bring_near(const planes_t *d, const Span **box, const fc_reads *depth,
                     const fc_reads *row, const char *src, Py_ssize_t channels) noexcept nogil:
    """Prefetch what a box reads in place, row by row, as memory is fast; planes are made column by
    column.  `src` is the first of so many channels that lie side by side, of the image."""
    cdef const Axis *axis = &d.conv.window.axis[0]
    cdef Py_ssize_t i, j, size = d.size, step = d.conv.window.src.axis_bytes[3]
    cdef Py_ssize_t first = box[3].start * axis[3].stride - axis[3].pad
    cdef Py_ssize_t last = first + (box[3].count - 1) * axis[3].stride
    last = min(axis[3].src - 1, last + (axis[3].taps - 1) * axis[3].dilation)
    first = max(<Py_ssize_t> 0, first)
    src += min(first * step, last * step)
    step = max(first * step, last * step) - min(first * step, last * step)
    for i in range(extent(&axis[1], box[1].count, depth.taps)):
        for j in range(extent(&axis[2], row.outputs, row.taps)):
            if depth.place[i] != FC_NOWHERE and row.place[j] != FC_NOWHERE:
                fc_prefetch_bytes(src + (depth.place[i] + row.place[j]) * size,
                                  step + channels * size)


cdef class Planes(Problem):
    """A `Problem` of planes."""

    def __init__(self, *, in_place, masked, transposes, far, large, weights_in_place,
                 task_groups, interleaved, of_bytes=False, **fields):
        cdef conv_t *p = &self.c
        cdef Py_ssize_t shares, a
        super().__init__(**fields)
        self.d.conv = p
        self.d.far, self.d.large = in_place and far, large
        self.d.in_place, self.d.masked, self.d.weights_in_place = in_place, masked, weights_in_place
        self.d.transposes, self.d.bytes = transposes, of_bytes
        self.d.size = 1 if of_bytes else p.window.itemsize
        self.d.task_groups, self.d.interleaved = task_groups, interleaved
        self.d.inputs, self.d.all_inputs = p.panels.width, p.epilogue.channels
        for a in range(4):
            self.d.step[a] = p.window.src.axis_bytes[a] // self.d.size
        if interleaved > 1:     # strips and sums are [pixel][channel]
            p.window.channels_first = p.epilogue.channels_first = False
        self.d.together = self._together()
        shares = (p.groups + task_groups - 1) // task_groups
        if not p.schedule.pixels_wide:
            shares = ((p.panels.count + p.schedule.task_panels - 1) // p.schedule.task_panels)
        p.tasks = p.window.boxes * shares
        self._book_planes()

    cdef _book(self):
        """Nothing: not all is known that has to be."""

    cdef _book_planes(self):
        """Places in the scratch of a thread."""
        cdef conv_t *p = &self.c
        cdef planes_t *d = &self.d
        cdef Py_ssize_t pixels, strip, border, end = 0, i, masks, most = 0, columns = 0, channels
        cdef Py_ssize_t panels, lanes = p.window.kernels.lanes, size = p.window.itemsize
        cdef Py_ssize_t longest = 0, stored = 0
        cdef Py_ssize_t block_k = p.schedule.block_k, slack = 2 * lanes * 4
        cdef bint pixels_wide = p.schedule.pixels_wide, several = block_k < p.schedule.depth
        cdef const Axis *axis
        cdef planes_t own
        cdef part_t all_taps
        largest_box(&p.window, &pixels, &strip, &border)
        book(&end, min(block_k, p.window.taps) * sizeof(fc_tap))
        d.at_place[1] = book(&end, self._extent(1) * sizeof(Py_ssize_t))
        d.at_place[2] = book(&end, self._extent(2) * sizeof(Py_ssize_t))
        d.at_place[3] = book(&end, (block_k if pixels_wide else self._extent(3))
                             * sizeof(Py_ssize_t))
        axis = &p.window.axis[3]
        all_taps.first, all_taps.end = 0, axis.taps
        for i in range(axis.spans if pixels_wide else 0):
            own = d[0]
            own.in_place = reads_in_place(d, &axis.span[i])
            columns = max(columns, find_columns(&own, &axis.span[i], &all_taps, &all_taps, NULL,
                                                NULL, &masks))
            most = max(most, masks)
            longest = max(longest, axis.span[i].count)
            if not (d.bytes and own.in_place):
                stored = max(stored, axis.span[i].count)
        if pixels_wide:         # of boxes whose sums go through scratch
            pixels = pixels // longest * stored
        d.at_columns = book(&end, columns * sizeof(fc_columns))
        d.at_mask = book(&end, most * sizeof(uint32_t))
        panels = p.schedule.task_panels
        d.at_once = (not (pixels_wide or several or d.grouped or d.transposes)
                     and p.epilogue.in_place_store
                     and panels * block_k * p.panels.width * size <= PANELS_BYTES)
        p.at.weight = book(&end, (block_k * p.panels.width * (panels if d.at_once else 1) + slack)
                           * size)
        p.at.raw = book(&end, 0 if p.panels.native else block_k * p.panels.width * size)
        p.window.at_border = book(&end, border * sizeof(Py_ssize_t))
        channels = (block_k + p.window.taps - 1) // p.window.taps * d.interleaved
        if not pixels_wide:
            channels = d.inputs
            if not several or block_k % p.window.taps == 0:     # of all vectors of a task
                channels *= p.schedule.task_panels
        strip = strip_elements(d)
        book_strip(&p.window, &end, channels if strip else 0, strip, slack)
        # Sums that do not go to the output; of several blocks of k, those of all channels stay.
        p.epilogue.pitch = pixels if pixels_wide else p.panels.width
        if d.interleaved > 1:
            p.epilogue.pitch = d.interleaved
        d.sum_bytes = pixels * size if several and pixels_wide and d.interleaved == 1 else 0
        p.at.sum = book(&end, 0 if p.epilogue.in_place_store else
                        pixels * d.interleaved * p.panels.width * size
                        + d.sum_bytes * p.epilogue.channels)
        p.epilogue.width = max(p.panels.width, d.interleaved)
        p.at.transposed = book(&end, 0 if p.epilogue.channels_first else
                               TRANSPOSED * p.epilogue.width * size)
        if d.transposes:        # rows of whole vectors
            d.step[3] = (d.inputs + lanes - 1) // lanes * lanes
            d.step[2] = most_positions(&p.window.axis[3]) * d.step[3]
            d.step[1] = most_positions(&p.window.axis[2]) * d.step[2]
            p.window.at_strip = book(&end, most_positions(&p.window.axis[1]) * d.step[1] * size)
        p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE

    cdef Py_ssize_t _together(self):
        """Groups whose arrays lie evenly: as many as the first level of the cache has room for."""
        cdef const conv_t *p = &self.c
        cdef Py_ssize_t pixels, strip, border
        if not (self.d.in_place and self.d.weights_in_place and p.epilogue.in_place_store
                and p.epilogue.channels == 1 and self.d.interleaved == 1
                and p.window.src.component_groups == 1
                and p.schedule.block_k >= p.schedule.depth):
            return 1
        largest_box(&p.window, &pixels, &strip, &border)
        return max(1, TOGETHER_BYTES // (pixels * p.window.itemsize))

    cdef Py_ssize_t _extent(self, int a):
        """Positions from the first to the last that the outputs of a span read."""
        cdef const Axis *axis = &self.c.window.axis[a]
        cdef Py_ssize_t i, most = 0
        for i in range(axis.spans):
            most = max(most, axis.span[i].count)
        return extent(axis, max(<Py_ssize_t> 1, most), axis.taps)
