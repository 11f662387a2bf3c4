# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.source cimport source_t
from fastconv._core.table cimport fc_row_use, fc_step
from fastconv._core.window cimport block_t, window_t

cdef Py_ssize_t steps(const window_t *window, const source_t *source, const block_t *block,
                      fc_step *step) noexcept nogil
cdef Py_ssize_t row_uses(const window_t *window, const source_t *source, const block_t *block,
                         Py_ssize_t rows, fc_row_use *use) noexcept nogil
