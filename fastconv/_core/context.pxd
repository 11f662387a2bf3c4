# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.filters cimport fc_filters
from fastconv._core.table cimport fc_kernels

# Who computes a filter: tables of kernels for float32, float64 and int64, and threads.
cdef enum:
    F32, F64, I64

cdef struct context_t:
    const fc_kernels *kernels[3]
    const fc_filters *filters[3]
    int threads
    bint shared

cdef int find_context(context_t *context, Py_ssize_t work) except -1
