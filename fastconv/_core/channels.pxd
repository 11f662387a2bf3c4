# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.window cimport operands_t

cdef void channels_task(const void *what, operands_t *operands, Py_ssize_t task,
                        char *scratch) noexcept nogil
