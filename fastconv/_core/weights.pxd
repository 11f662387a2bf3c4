# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.conv cimport block_t, call_t, problem_t
from fastconv._core.table cimport fc_prefetch

cdef const char *strip(const problem_t *p, call_t *call, Py_ssize_t group, Py_ssize_t s,
                       const block_t *block, bint guard, char *scratch) noexcept nogil
cdef void prefetch_next(const problem_t *p, const call_t *call, Py_ssize_t group, Py_ssize_t s,
                        Py_ssize_t s0, Py_ssize_t s1, const block_t *block, Py_ssize_t bursts,
                        fc_prefetch *prefetch) noexcept nogil
