# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.conv cimport conv_t
from fastconv._core.table cimport fc_prefetch
from fastconv._core.window cimport block_t, operands_t

cdef const char *panel(const conv_t *p, operands_t *operands, Py_ssize_t group, Py_ssize_t s,
                       const block_t *block, bint check, char *scratch) noexcept nogil
cdef const char *panels(const conv_t *p, operands_t *operands, Py_ssize_t group, Py_ssize_t s0,
                        Py_ssize_t s1, const block_t *block, bint check,
                        char *scratch) noexcept nogil
cdef void prefetch_next(const conv_t *p, const operands_t *operands, Py_ssize_t group,
                        Py_ssize_t s, Py_ssize_t s0, Py_ssize_t s1, const block_t *block,
                        Py_ssize_t bursts, fc_prefetch *prefetch) noexcept nogil
