# SPDX-License-Identifier: BSD-3-Clause
from fastconv.kernels.problem cimport block_t, call_t, problem_t

cdef const char *strip(const problem_t *p, call_t *call, Py_ssize_t group, Py_ssize_t s,
                       const block_t *block, char *scratch) noexcept nogil
