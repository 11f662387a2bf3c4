# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.boxes cimport pass_t

cdef const char *sum_row(const pass_t *p, const char *cell, Py_ssize_t count,
                         char *out) noexcept nogil
