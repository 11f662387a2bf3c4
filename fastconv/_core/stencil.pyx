# SPDX-License-Identifier: BSD-3-Clause
"""Groups for the stencil tile, which computes neighbouring rows of a single output channel.

Output rows r and r' read the same row of the source through taps t and t' when
r + shift(t) = r' + shift(t') in one phase; a group is such a row with all that read it.
Groups follow one another so that each output row meets its taps in the order of k.
"""
from fastconv._core.conv cimport block_t, problem_t
from fastconv._core.source cimport source_t, tap_offset
from fastconv._core.axis cimport Axis, Span, phase, phase_offset, shift
from fastconv._core.table cimport fc_row_use, fc_step


cdef Py_ssize_t next_phase(const Axis *axis, const Span *span, Py_ssize_t after) noexcept nogil:
    """The phase that begins next after another (-1: the first): taps of one shift ascend."""
    cdef Py_ssize_t j, at, found = -1
    cdef Py_ssize_t least = 0, before = phase_offset(axis, span, after) if after >= 0 else -1
    for j in range(span.phases):
        at = phase_offset(axis, span, j)
        if at > before and (found < 0 or at < least):
            found, least = j, at
    return found


cdef Py_ssize_t steps(const problem_t *p, const Span **box, const source_t *source,
                      const block_t *block, fc_step *step) noexcept nogil:
    """The steps along the width, all channels of the block for each tap; returns how many."""
    cdef Py_ssize_t w, c, count = 0, channels = block.c1 - block.c0
    for w in range(box[3].first, box[3].first + box[3].taps):
        for c in range(channels):
            step[count].a = w * channels + c
            step[count].b = tap_offset(p, source, 3, w) + c * source.channel
            count += 1
    return count


cdef Py_ssize_t groups(const problem_t *p, const Span **box, const source_t *source,
                       const block_t *block, Py_ssize_t rows, fc_row_use *group) noexcept nogil:
    """The groups of a block of k for output rows [0, rows) of a box; returns how many."""
    cdef Py_ssize_t taps_h = p.axis[2].taps, taps_w = p.axis[3].taps
    cdef Py_ssize_t d, h, y, j, _visited, row, t, last = 0, count = 0, at
    cdef Py_ssize_t[4] weight
    cdef bint[4] seen
    cdef const Axis *axis = &p.axis[2]
    if box[2].taps:
        last = shift(axis, box[2], box[2].first + box[2].taps - 1)
    for d in range(box[1].first, box[1].first + box[1].taps):
        for y in range(rows + last):
            j = -1
            for _visited in range(box[2].phases):
                j = next_phase(axis, box[2], j)
                at = tap_offset(p, source, 1, d)
                for row in range(4):
                    seen[row] = False
                for h in range(box[2].first, box[2].first + box[2].taps):
                    row = y - shift(axis, box[2], h)
                    t = (d * taps_h + h) * taps_w
                    if (0 <= row < rows and phase(axis, box[2], h) == j
                            and block.t0 <= t < block.t1):
                        if not (seen[0] or seen[1] or seen[2] or seen[3]):
                            at += tap_offset(p, source, 2, h) + row * source.pixel[2]
                        seen[row] = True
                        weight[row] = (t - block.t0) * (block.c1 - block.c0)
                row = 0
                while row < rows:
                    if not seen[row]:
                        row += 1
                        continue
                    group[count].b = at
                    group[count].low = row
                    while row < rows and seen[row]:
                        group[count].a[row] = weight[row]
                        row += 1
                    group[count].high = row
                    count += 1
    return count
