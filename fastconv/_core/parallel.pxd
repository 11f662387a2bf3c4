# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.conv cimport Problem, call_t, problem_t

ctypedef void (*task_fn)(const problem_t *p, call_t *call, Py_ssize_t task,
                         char *scratch) noexcept nogil

cdef bint run(Problem problem, task_fn one_task, size_t src, size_t wei, size_t packed,
              size_t bias, size_t residual, size_t dst, int threads, bint shared,
              Py_ssize_t chunk) except -1
