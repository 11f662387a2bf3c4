# SPDX-License-Identifier: BSD-3-Clause
from fastconv.kernels.problem cimport Span, call_t, problem_t
from fastconv.kernels.table cimport fc_step

# Where the numbers of a box are: pixel (n, d, h, w) of the box, seen through k-th tap, is
#     data[n pixel[0] + d pixel[1] + h pixel[2] + w pixel[3] + step[k].b]
cdef struct source_t:
    const char *data
    Py_ssize_t pixel[4]

cdef Py_ssize_t prepare(const problem_t *p, const call_t *call, const Span **box,
                        Py_ssize_t group, Py_ssize_t k0, Py_ssize_t k1, char *scratch,
                        source_t *source, fc_step *step) noexcept nogil
