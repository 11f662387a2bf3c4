# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.boxes cimport array_t, pass_t
from fastconv._core.context cimport context_t

cdef dict RANGES                # the integers that each dtype holds, as far as double does

cdef object as_double(value, double *number)
cdef object begin_line_pass(pass_t *p, object input, int axis, object output, int mode, cval,
                            Py_ssize_t size, Py_ssize_t origin, bint running, context_t *context)
cdef object begin_window_pass(pass_t *p, object input, const array_t *window, object output,
                              int mode, origins, context_t *context, double value)
cdef Py_ssize_t elements_of(const pass_t *p) noexcept
cdef void place_taps(const pass_t *p, const array_t *window, const char *used,
                     Py_ssize_t *offset) noexcept
cdef void hold_narrow(pass_t *p, const context_t *context, double value) noexcept
cdef int odd_numbers(object input, const array_t *array, const context_t *context) except -1
