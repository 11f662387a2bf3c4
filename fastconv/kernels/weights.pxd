# SPDX-License-Identifier: BSD-3-Clause
from fastconv.kernels.problem cimport call_t, problem_t

cdef const char *strip(const problem_t *p, call_t *call, Py_ssize_t group, Py_ssize_t s,
                       Py_ssize_t k0, Py_ssize_t k1, char *scratch) noexcept nogil
