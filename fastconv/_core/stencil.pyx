# SPDX-License-Identifier: BSD-3-Clause
"""What the stencil tile reads, which computes neighbouring rows of a single output channel.

Output rows r and r' read the same row of the source through taps t and t' when
r + shift(t) = r' + shift(t') in one phase; such a row is loaded once for all rows that use it.
The rows of the source follow one another so that each output row has its taps in the order of k.
"""
from fastconv._core.axis cimport Axis, Span, phase, phase_offset, shift
from fastconv._core.source cimport source_t, tap_offset
from fastconv._core.table cimport FC_STENCIL_ROWS, fc_row_use, fc_step
from fastconv._core.window cimport block_t, window_t


cdef Py_ssize_t next_phase(const Axis *axis, const Span *span, Py_ssize_t after) noexcept nogil:
    """The phase that begins next after another (-1: the first): taps of one shift ascend."""
    cdef Py_ssize_t j, at, found = -1
    cdef Py_ssize_t least = 0, before = phase_offset(axis, span, after) if after >= 0 else -1
    for j in range(span.phases):
        at = phase_offset(axis, span, j)
        if at > before and (found < 0 or at < least):
            found, least = j, at
    return found


cdef Py_ssize_t steps(const window_t *window, const source_t *source, const block_t *block,
                      fc_step *step) noexcept nogil:
    """The steps along the width, all channels of the block for each tap; returns how many."""
    cdef const Span *span = source.box[3]
    cdef Py_ssize_t w, c, count = 0, channels = block.c1 - block.c0
    for w in range(span.first, span.first + span.taps):
        for c in range(channels):
            step[count].a = w * channels + c
            step[count].b = tap_offset(window, source, 3, w) + c * source.channel
            count += 1
    return count


cdef Py_ssize_t row_uses(const window_t *window, const source_t *source, const block_t *block,
                         Py_ssize_t rows, fc_row_use *use) noexcept nogil:
    """The rows of the source that output rows [0, rows) of a box use; returns how many."""
    cdef Py_ssize_t taps_h = window.axis[2].taps, taps_w = window.axis[3].taps
    cdef Py_ssize_t d, h, y, j, _phase, row, t, last = 0, count = 0, at, valid
    cdef Py_ssize_t[FC_STENCIL_ROWS] weight     # of each output row: where its weights begin, or -1
    cdef const Axis *axis = &window.axis[2]
    cdef const Span *depth = source.box[1]
    cdef const Span *height = source.box[2]
    if height.taps:
        last = shift(axis, height, height.first + height.taps - 1)
    for d in range(depth.first, depth.first + depth.taps):
        for y in range(rows + last):
            j = -1
            for _phase in range(height.phases):
                j = next_phase(axis, height, j)
                at = tap_offset(window, source, 1, d)
                valid = 0
                for row in range(FC_STENCIL_ROWS):
                    weight[row] = -1
                for h in range(height.first, height.first + height.taps):
                    row = y - shift(axis, height, h)
                    t = (d * taps_h + h) * taps_w
                    if (0 <= row < rows and phase(axis, height, h) == j
                            and block.t0 <= t < block.t1):
                        if not valid:
                            at += tap_offset(window, source, 2, h) + row * source.pixel[2]
                        valid += 1
                        weight[row] = (t - block.t0) * (block.c1 - block.c0)
                row = 0
                while row < rows:
                    if weight[row] < 0:
                        row += 1
                        continue
                    use[count].b = at
                    use[count].low = row
                    while row < rows and weight[row] >= 0:
                        use[count].a[row] = weight[row]
                        row += 1
                    use[count].high = row
                    count += 1
    return count
