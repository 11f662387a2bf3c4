# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.boxes cimport array_t

cdef object look(object array, array_t *view, bint written)
cdef object look_complex(object array, array_t *view, bint written)
cdef bint same_place(const array_t *a, const array_t *b) noexcept
cdef bint overlap(const array_t *a, const array_t *b) noexcept
cdef Py_ssize_t elements(const array_t *array) noexcept
