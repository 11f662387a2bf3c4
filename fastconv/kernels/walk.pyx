# SPDX-License-Identifier: BSD-3-Clause
"""What the walks share: threads, scratch, interrupts, and the way of sums to the output."""
import os

from cpython.exc cimport PyErr_CheckSignals
from cython.parallel cimport parallel, prange, threadid

from fastconv.kernels cimport scratch as pool
from fastconv.kernels.problem cimport Problem, call_t, problem_t
from fastconv.kernels.spans cimport Span

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #else
    #define omp_in_parallel() 0
    #endif
    """
    int omp_in_parallel() noexcept nogil

cdef bint forked = False        # OpenMP's threads did not come along
cdef int in_flight = 0          # calls under way, from several Python threads


def _after_fork():
    global forked, in_flight
    forked, in_flight = True, 0


os.register_at_fork(after_in_child=_after_fork)


cdef bint run(Problem problem, task_fn one_task, size_t src, size_t wei, size_t packed,
              size_t bias, size_t dst, int threads, bint shared, Py_ssize_t chunk) except -1:
    """Do all tasks, `chunk` of them between two looks at signals (Ctrl-C).

    Calls that run at the same time divide the threads if they are `shared`, not asked for.
    Returns False when inf or NaN turned up among weights that may meet padding: the output
    is then not valid, and the caller repeats the call with a plan that keeps them apart.
    """
    global in_flight
    cdef const problem_t *p = &problem.c
    cdef call_t call
    cdef Py_ssize_t task, first = 0, last
    cdef char *scratch = NULL
    cdef char *mine = NULL
    cdef Py_ssize_t bytes = p.scratch_bytes
    call.src, call.wei, call.packed = <char *> src, <char *> wei, <char *> packed
    call.bias, call.dst, call.not_finite = <char *> bias, <char *> dst, 0
    if p.tasks == 0:
        return True
    in_flight += 1
    if shared:
        threads = max(1, threads // in_flight)
    threads = 1 if forked or omp_in_parallel() else min(threads, p.tasks)
    try:
        scratch = pool.acquire(threads * bytes)
        while first < p.tasks:
            last = min(p.tasks, first + chunk)
            if threads == 1 or forked:          # a handler of signals may fork
                with nogil:
                    for task in range(first, last):
                        one_task(p, &call, task, scratch)
            else:
                with nogil, parallel(num_threads=threads):
                    mine = scratch + threadid() * bytes
                    for task in prange(first, last, schedule="dynamic", chunksize=1):
                        one_task(p, &call, task, mine)
            first = last
            if first < p.tasks:
                PyErr_CheckSignals()
    finally:
        in_flight = max(0, in_flight - 1)       # a fork on the way here has begun anew
        if scratch != NULL:
            pool.release(scratch)
    return not call.not_finite


cdef void deliver(const problem_t *p, const call_t *call, const Span **box, Py_ssize_t group,
                  Py_ssize_t s0, Py_ssize_t s1, const char *sums) noexcept nogil:
    """Sums of a box, channels of strips [s0, s1), from scratch to where they belong.

    Pixels wide: a row of sums is a channel.  Otherwise it is a pixel, and blocks are turned.
    """
    cdef Py_ssize_t o0 = s0 * p.width, o1 = min(s1 * p.width, p.c_out), o, n, d, h, pixel = 0
    cdef Py_ssize_t size = p.itemsize, count = box[3].count
    cdef Py_ssize_t rows = box[2].count, step = p.axis[3].dst_bytes
    cdef char *dst = (call.dst + (group * p.c_out + o0) * p.dst_c_bytes
                      + box[0].start * p.axis[0].dst_bytes + box[1].start * p.axis[1].dst_bytes
                      + box[2].start * p.axis[2].dst_bytes + box[3].start * p.axis[3].dst_bytes)
    cdef char *row
    if p.dst_regular and (rows == 1 or p.axis[2].dst_bytes == count * size):
        count *= rows           # rows that follow one another are one
        rows = 1
        step = size             # a row of one number may have any step
    for n in range(box[0].count):
        for d in range(box[1].count):
            for h in range(rows):
                row = (dst + n * p.axis[0].dst_bytes + d * p.axis[1].dst_bytes
                       + h * p.axis[2].dst_bytes)
                if p.dst_regular and not p.pixels_wide:
                    p.kernels.transpose(row, p.dst_c_bytes // size,
                                        sums + pixel * p.sum_pitch * size, p.sum_pitch,
                                        count, o1 - o0)
                else:
                    for o in range(o1 - o0):
                        if p.pixels_wide:
                            p.kernels.store(row + o * p.dst_c_bytes, step,
                                            sums + (o * p.sum_pitch + pixel) * size, 1,
                                            count, p.dst_storage)
                        else:
                            p.kernels.store(row + o * p.dst_c_bytes, step,
                                            sums + (pixel * p.sum_pitch + o) * size, p.sum_pitch,
                                            count, p.dst_storage)
                pixel += count
