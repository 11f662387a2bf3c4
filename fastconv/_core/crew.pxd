# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.filters cimport fc_filters
from fastconv._core.table cimport fc_kernels

# Who computes a filter: tables of kernels for float32, float64 and int64, and threads.
cdef enum:
    F32, F64, I64

cdef struct crew_t:
    const fc_kernels *kernels[3]
    const fc_filters *filters[3]
    int threads
    bint shared

cdef int find_crew(crew_t *crew, Py_ssize_t work) except -1
