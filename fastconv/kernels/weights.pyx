# SPDX-License-Identifier: BSD-3-Clause
"""Weights in strips: [k][width] numbers, `width` neighbouring output channels for each k.

Prepared weights hold all strips one after another: group, block of k, strip.  A one-shot
call packs a strip into scratch when it needs it, so it never writes a copy of the weights.
"""
from libc.string cimport memset

from fastconv.kernels.problem cimport Problem, block_end, call_t, problem_t


cdef void pack(const problem_t *p, const char *wei, Py_ssize_t group, Py_ssize_t s,
               Py_ssize_t k0, Py_ssize_t k1, char *dst) noexcept nogil:
    cdef Py_ssize_t rows = min(p.width, p.c_out - s * p.width)
    cdef const char *src = wei + group * p.wei_group_bytes + s * p.width * p.wei_row_bytes
    if rows < p.width:
        memset(dst, 0, (k1 - k0) * p.width * p.itemsize)
    if p.wei_contiguous:
        p.kernels.transpose(dst, p.width, src + k0 * p.itemsize, p.wei_row_bytes // p.itemsize,
                            rows, k1 - k0)
    else:
        p.kernels.collect(dst, p.width, src, p.wei_row_bytes, rows, p.k_bytes + k0, k1 - k0,
                          p.wei_storage)


cdef const char *strip(const problem_t *p, call_t *call, Py_ssize_t group, Py_ssize_t s,
                       Py_ssize_t k0, Py_ssize_t k1, char *scratch) noexcept nogil:
    """Strip s of the block [k0, k1): found among the prepared ones, or packed now."""
    cdef char *packed
    if call.packed != NULL:
        s = p.strips * (group * p.depth + k0) + s * (k1 - k0)
        return call.packed + s * p.width * p.itemsize
    packed = scratch + p.at_weight
    pack(p, call.wei, group, s, k0, k1, packed)
    if p.guard and not p.kernels.finite(packed, (k1 - k0) * p.width):
        call.not_finite = 1
    return packed


def prepare(Problem problem, size_t wei, unsigned char[::1] packed):
    """Pack all strips; returns whether all weights are finite."""
    cdef const problem_t *p = &problem.c
    cdef Py_ssize_t group, s, k0, k1
    cdef char *dst = <char *> &packed[0]
    cdef bint finite = True
    with nogil:
        for group in range(p.groups):
            k0 = 0
            while k0 < p.depth:
                k1 = block_end(p, k0)
                for s in range(p.strips):
                    pack(p, <const char *> wei, group, s, k0, k1, dst)
                    finite = p.kernels.finite(dst, (k1 - k0) * p.width) and finite
                    dst += (k1 - k0) * p.width * p.itemsize
                k0 = k1
    return finite
