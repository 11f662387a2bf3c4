# SPDX-License-Identifier: BSD-3-Clause
cdef char *acquire(Py_ssize_t size) except NULL
cdef void release(char *block) noexcept
