# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.boxes cimport array_t, pass_t

cdef const char *sum_row(const pass_t *p, const char *cell, Py_ssize_t count,
                         char *out) noexcept nogil
cdef Py_ssize_t elements_of(const pass_t *p) noexcept
cdef void place_taps(const pass_t *p, const array_t *window, const char *used,
                     Py_ssize_t *offset) noexcept
