# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.conv cimport block_t, region_t, problem_t
from fastconv._core.source cimport source_t
from fastconv._core.table cimport fc_tap, fc_taps

cdef inline Py_ssize_t pixel_bytes(const problem_t *p, const source_t *source) noexcept nogil:
    """From one pixel of a row of the output to the next; alone in its row, to the next row."""
    return p.axis[3 if source.box[3].count > 1 else 2].dst_bytes

cdef Py_ssize_t make(const problem_t *p, const source_t *source, const block_t *block,
                     const fc_taps *whole, fc_tap *run, region_t *region) noexcept nogil
