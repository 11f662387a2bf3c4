# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.boxes cimport pass_t

cdef int run_pass(pass_t *p, int threads, bint shared, Py_ssize_t work) except -1
