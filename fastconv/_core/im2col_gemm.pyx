# SPDX-License-Identifier: BSD-3-Clause
"""im2col_gemm: pixels are gathered into panels [k][pixels], never the whole matrix at once.

A task is a box of pixels and some panels of weights of one group:

    for each block of k:            source of the box, then its panels of pixels
        for each panel of weights:  packed now, or found among the prepared ones
            for each panel of pixels:   a tile

Pixels wide: a panel of pixels is two vectors, and tiles write rows of the output.
Otherwise a panel of weights is two vectors of output channels, one of pixels has the rows of a
tile, and the sums [pixel][channel] stay in scratch until the last block, then are transposed on the
way out, unless that is how the output lies.
"""
from fastconv._core cimport source as sources
from fastconv._core cimport epilogue, weights
from fastconv._core.axis cimport Span
from fastconv._core.conv cimport Problem, conv_t, next_block, take_task, tasks_of
from fastconv._core.source cimport source_t
from fastconv._core.table cimport (
    FC_BIAS_COLS, FC_BIAS_ROWS, fc_segment, fc_store, fc_tap, fc_taps)
from fastconv._core.window cimport block_t, operands_t


cdef Py_ssize_t segments_of(const Span **box, const source_t *source, Py_ssize_t first,
                            Py_ssize_t pixels, fc_segment *segment) noexcept nogil:
    """Pixels [first, first + pixels) of the box as runs that lie side by side in the source."""
    cdef Py_ssize_t w = first % box[3].count, rest = first // box[3].count
    cdef Py_ssize_t h = rest % box[2].count, d, n, done = 0, count = 0, at, length
    rest //= box[2].count
    d = rest % box[1].count
    n = rest // box[1].count
    while done < pixels:
        length = min(box[3].count - w, pixels - done)
        at = n * source.pixel[0] + d * source.pixel[1] + h * source.pixel[2] + w
        if count and segment[count - 1].src + segment[count - 1].count == at:
            segment[count - 1].count += length
        else:
            segment[count].src, segment[count].dst, segment[count].count = at, done, length
            count += 1
        done += length
        w = 0
        h += 1
        if h == box[2].count:
            h = 0
            d += 1
            if d == box[1].count:
                d = 0
                n += 1
    return count


cdef void one_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const conv_t *p = <const conv_t *> what
    cdef const Span *box[4]
    cdef source_t source
    cdef block_t block
    cdef fc_taps taps
    cdef fc_store store
    cdef fc_tap *tap = <fc_tap *> scratch
    cdef Py_ssize_t *offset = <Py_ssize_t *> (scratch + p.at.offset)
    cdef fc_segment *segment = <fc_segment *> (scratch + p.at.segment)
    cdef char *panels = scratch + p.at.panel
    cdef char *sums = scratch + p.at.sum
    cdef Py_ssize_t group, s0, s1, s, steps, i, c, at, q, count, pixels, panel, channel
    cdef Py_ssize_t size = p.window.itemsize, lanes = p.window.kernels.lanes
    cdef Py_ssize_t panel_bytes, ldc, cols, rows, width = p.panels.width, end
    cdef bint pixels_wide = p.schedule.pixels_wide
    cdef bint in_place_store          # tiles write the output itself
    cdef const char *weight
    take_task(p, task, box, &group, &s0, &s1)
    pixels = box[0].count * box[1].count * box[2].count * box[3].count
    panel = p.schedule.panel_pixels
    if not pixels_wide:         # panels of equal height
        count = (pixels + panel - 1) // panel
        panel = (pixels + count - 1) // count
    in_place_store = dense(p, box)
    ldc = p.epilogue.pitch
    if in_place_store:
        sums = epilogue.output(&p.epilogue, operands, box, group, s0 * width)
        ldc = (p.epilogue.dst.channel_bytes if pixels_wide else
               p.epilogue.dst.axis_bytes[3]) // size
    block.k1 = -1
    while next_block(p, &block):
        sources.prepare(&p.window, operands.src, box, group, &block, scratch, False, &source, tap,
                        &taps)
        steps = 0
        for i in range(taps.count):
            at = steps * panel
            for c in range(taps.length):
                offset[steps] = tap[i].b + c * source.channel
                steps += 1
            tap[i].a *= taps.length * width
            if pixels_wide:
                tap[i].b = at
            else:
                tap[i].a, tap[i].b = at, tap[i].a
        taps.a_step = width if pixels_wide else panel
        taps.b_step = panel if pixels_wide else width
        taps.a_row = 1
        if steps == block.k1 - block.k0:        # none is left out: they are one tap of many steps
            taps.count, taps.length = min(1, taps.count), steps
        panel_bytes = panel * steps * size
        if steps:
            q = 0
            while q * panel < pixels:
                count = segments_of(box, &source, q * panel,
                                    min(panel, pixels - q * panel), segment)
                p.window.kernels.pack_panel(panels + q * panel_bytes, panel, source.data, offset,
                                            steps, segment, count)
                q += 1
        epilogue.begin_store(&p.epilogue, operands, block.k0 == 0,
                             block.k1 == p.schedule.depth, in_place_store,
                             FC_BIAS_ROWS if pixels_wide else FC_BIAS_COLS, &store)
        for s in range(s0, s1):
            weight = weights.panel(p, operands, group, s, &block, p.window.padded, scratch)
            channel = s * width
            end = min(width, p.epilogue.channels - channel)
            epilogue.set_bias(&p.epilogue, operands, group, channel, &store)
            q = 0
            if pixels_wide:
                while q * panel < pixels:
                    cols = min(panel, pixels - q * panel)
                    p.window.kernels.tile[1 if cols > lanes else 0][end](
                        &taps, weight, panels + q * panel_bytes,
                        sums + ((s - s0) * width * ldc + q * panel) * size, ldc, cols, &store)
                    q += 1
            else:
                cols = end
                if not in_place_store:          # sums have room for whole vectors
                    cols = 2 * lanes if cols > lanes else lanes
                while q * panel < pixels:
                    rows = min(panel, pixels - q * panel)
                    p.window.kernels.tile[1 if cols > lanes else 0][rows](
                        &taps, panels + q * panel_bytes, weight,
                        sums + (q * panel * ldc + (s - s0) * width) * size, ldc, cols, &store)
                    q += 1
    epilogue.store_sums(&p.epilogue, operands, box, group, s0 * width,
                        min(s1 * width, p.epilogue.channels), in_place_store, sums,
                        scratch + p.at.transposed)


cdef bint dense(const conv_t *p, const Span **box) noexcept nogil:
    """Whether tiles write the output: pixels of the box follow one another there."""
    cdef const Py_ssize_t *axis_bytes = &p.epilogue.dst.axis_bytes[0]
    cdef Py_ssize_t run = p.window.itemsize if p.schedule.pixels_wide else axis_bytes[3]
    cdef int a
    if not p.epilogue.in_place_store:
        return False
    for a in range(3, -1, -1):
        if box[a].count > 1 and axis_bytes[a] != run:
            return False
        run *= box[a].count
    return True


def tasks(Problem problem):
    """What a call has to do."""
    return tasks_of(problem, one_task)
