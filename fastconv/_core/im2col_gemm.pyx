# SPDX-License-Identifier: BSD-3-Clause
"""im2col_gemm: pixels are gathered into panels [k][pixels], never the whole matrix at once.

A task is a box of pixels and some strips of weights of one group:

    for each block of k:            source of the box, then its panels
        for each strip of weights:  packed now, or found among the prepared ones
            for each panel:         a tile

Pixels wide: a panel is two vectors of pixels, and tiles write rows of the output.
Otherwise a strip is two vectors of output channels, a panel has the rows of a tile, and
the sums [pixel][channel] stay in scratch until the last block, then are transposed on the way out,
unless that is how the output lies.
"""
from fastconv._core cimport source as sources
from fastconv._core cimport epilogue, parallel, weights
from fastconv._core.conv cimport Problem, block_t, call_t, decode, next_block, problem_t
from fastconv._core.source cimport source_t
from fastconv._core.axis cimport Span
from fastconv._core.table cimport (
    FC_BIAS_COLS, FC_BIAS_ROWS, fc_store, fc_tap, fc_taps, fc_segment)

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


cdef void one_task(const problem_t *p, call_t *call, Py_ssize_t task, char *scratch) noexcept nogil:
    cdef const Span *box[4]
    cdef source_t source
    cdef block_t block
    cdef fc_taps taps
    cdef fc_store store
    cdef fc_tap *tap = <fc_tap *> scratch
    cdef Py_ssize_t *offset = <Py_ssize_t *> (scratch + p.at_offset)
    cdef fc_segment *segment = <fc_segment *> (scratch + p.at_segment)
    cdef char *panels = scratch + p.at_panel
    cdef char *sums = scratch + p.at_sum
    cdef Py_ssize_t group, s0, s1, s, steps, i, c, at, q, count, pixels, panel, channel
    cdef Py_ssize_t panel_bytes, size = p.itemsize, lanes = p.kernels.lanes, ldc, cols, rows
    cdef bint in_place_store          # tiles write the output itself
    cdef const char *strip
    decode(p, task, box, &group, &s0)
    s1 = min(s0 + p.task_strips, p.strips)
    pixels = box[0].count * box[1].count * box[2].count * box[3].count
    panel = p.panel
    if not p.pixels_wide:       # panels of equal height
        count = (pixels + panel - 1) // panel
        panel = (pixels + count - 1) // count
    in_place_store = dense(p, box)
    ldc = p.sum_pitch
    if in_place_store:
        sums = epilogue.output(p, call, box, group, s0 * p.width)
        ldc = (p.dst_c_bytes if p.pixels_wide else p.axis[3].dst_bytes) // size
    block.k1 = -1
    while next_block(p, &block):
        taps.tap, taps.length = tap, block.c1 - block.c0
        taps.count = sources.prepare(p, call, box, group, &block, scratch, False,
                                     &source, tap)
        steps = 0
        for i in range(taps.count):
            at = steps * panel
            for c in range(taps.length):
                offset[steps] = tap[i].b + c * source.channel
                steps += 1
            if p.pixels_wide:
                tap[i].a, tap[i].b = tap[i].a * p.width, at
            else:
                tap[i].a, tap[i].b = at, tap[i].a * p.width
        taps.a_step = p.width if p.pixels_wide else panel
        taps.b_step = panel if p.pixels_wide else p.width
        taps.a_row, taps.trims, taps.prefetch = 1, 0, NULL
        taps.a_ahead = 0
        if steps == block.k1 - block.k0:        # no tap is left out: one run
            taps.count, taps.length = min(1, taps.count), steps
        panel_bytes = panel * steps * size
        if steps:
            q = 0
            while q * panel < pixels:
                count = segments_of(box, &source, q * panel,
                                    min(panel, pixels - q * panel), segment)
                p.kernels.pack_panel(panels + q * panel_bytes, panel, source.data, offset, steps,
                                     segment, count)
                q += 1
        epilogue.begin_store(p, call, &block, in_place_store,
                             FC_BIAS_ROWS if p.pixels_wide else FC_BIAS_COLS, &store)
        for s in range(s0, s1):
            strip = weights.strip(p, call, group, s, &block, p.guard, scratch)
            channel = s * p.width
            if call.bias != NULL:
                store.bias = call.bias + (group * p.c_out + channel) * size
            q = 0
            if p.pixels_wide:
                rows = min(p.width, p.c_out - channel)
                while q * panel < pixels:
                    cols = min(panel, pixels - q * panel)
                    p.kernels.tile[1 if cols > lanes else 0][rows](
                        &taps, strip, panels + q * panel_bytes,
                        sums + ((s - s0) * p.width * ldc + q * panel) * size, ldc, cols,
                        &store)
                    q += 1
            else:
                cols = min(p.width, p.c_out - channel)
                while q * panel < pixels:
                    rows = min(panel, pixels - q * panel)
                    p.kernels.tile[1 if cols > lanes else 0][rows](
                        &taps, panels + q * panel_bytes, strip,
                        sums + (q * panel * ldc + (s - s0) * p.width) * size, ldc,
                        cols if in_place_store else 2 * lanes if cols > lanes else lanes, &store)
                    q += 1
    epilogue.store_sums(p, call, box, group, s0, s1, in_place_store, sums,
                        scratch + p.at_transposed)


cdef bint dense(const problem_t *p, const Span **box) noexcept nogil:
    """Whether tiles write the output: pixels of the box follow one another there."""
    cdef Py_ssize_t run = p.itemsize if p.pixels_wide else p.axis[3].dst_bytes
    cdef int a
    if not p.in_place_store:
        return False
    for a in range(3, -1, -1):
        if box[a].count > 1 and p.axis[a].dst_bytes != run:
            return False
        run *= box[a].count
    return True


def run(Problem problem, size_t src, size_t wei, size_t packed, size_t bias, size_t residual,
        size_t dst, int threads, bint shared, Py_ssize_t chunk):
    return parallel.run(problem, one_task, src, wei, packed, bias, residual, dst, threads, shared,
                        chunk)
