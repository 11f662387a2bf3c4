# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.conv cimport block_t, problem_t
from fastconv._core.source cimport source_t
from fastconv._core.axis cimport Span
from fastconv._core.table cimport fc_row_use, fc_step

cdef Py_ssize_t steps(const problem_t *p, const Span **box, const source_t *source,
                      const block_t *block, fc_step *step) noexcept nogil
cdef Py_ssize_t groups(const problem_t *p, const Span **box, const source_t *source,
                       const block_t *block, Py_ssize_t rows, fc_row_use *group) noexcept nogil
