# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.conv cimport block_t, call_t, problem_t
from fastconv._core.axis cimport Span
from fastconv._core.table cimport fc_store

cdef char *output(const problem_t *p, const call_t *call, const Span **box, Py_ssize_t group,
                  Py_ssize_t channel) noexcept nogil
cdef void begin_store(const problem_t *p, const call_t *call, const block_t *block, bint there,
                      int bias, fc_store *store) noexcept nogil
cdef void store_sums(const problem_t *p, const call_t *call, const Span **box, Py_ssize_t group,
                     Py_ssize_t s0, Py_ssize_t s1, bint there, const char *sums,
                     char *transposed) noexcept nogil
