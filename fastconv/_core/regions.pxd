# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.conv cimport conv_t, region_t
from fastconv._core.source cimport source_t
from fastconv._core.table cimport fc_tap, fc_taps
from fastconv._core.window cimport block_t

cdef inline Py_ssize_t pixel_bytes(const conv_t *p, const source_t *source) noexcept nogil:
    """From one pixel of a row of the output to the next; alone in its row, to the next row."""
    return p.epilogue.dst.axis_bytes[3 if source.box[3].count > 1 else 2]

cdef Py_ssize_t make(const conv_t *p, const source_t *source, const block_t *block,
                     const fc_taps *all_taps, fc_tap *tap, region_t *region) noexcept nogil
