# SPDX-License-Identifier: BSD-3-Clause
from fastconv.kernels.problem cimport problem_t
from fastconv.kernels.source cimport source_t
from fastconv.kernels.spans cimport Span
from fastconv.kernels.table cimport fc_group

cdef Py_ssize_t groups(const problem_t *p, const Span **box, const source_t *source,
                       Py_ssize_t k0, Py_ssize_t k1, Py_ssize_t rows,
                       fc_group *group) noexcept nogil
