# SPDX-License-Identifier: BSD-3-Clause
"""What this machine can do: measured peaks, and the threads that OpenMP has."""
import time

from cython.parallel cimport prange
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from fastconv._core.parallel cimport startable, forked
from fastconv._core.table cimport fc_kernels, find

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #else
    #define omp_get_max_threads() 1
    #define omp_in_parallel() 0
    #define omp_get_num_procs() 0
    #endif
    """
    int omp_get_max_threads() noexcept nogil
    int omp_in_parallel() noexcept nogil
    int omp_get_num_procs() noexcept nogil


def openmp_threads():
    """Threads that OpenMP would give this thread now; 1 inside a parallel region and in a forked
    child."""
    return 1 if omp_in_parallel() or forked else omp_get_max_threads()


def processors():
    """CPUs that OpenMP may use, as it counted them before it bound any thread; 0 without OpenMP."""
    return omp_get_num_procs()


def fma_peak(isa, dtype, int threads=1, double seconds=0.02):
    """Most floating-point operations a second seen in rounds over about `seconds`."""
    cdef const fc_kernels *kernels = find(isa, dtype)
    cdef double operations, best = 0
    cdef int _thread
    cdef Py_ssize_t rounds = 200_000
    threads = startable(threads)
    end = time.perf_counter() + seconds
    while True:
        start = time.perf_counter()
        operations = 0
        if threads == 1:
            with nogil:
                operations = kernels.peak(rounds)
        else:
            for _thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
                operations += kernels.peak(rounds)
        now = time.perf_counter()
        best = max(best, operations / (now - start))
        if now > end:
            return best


def copy_bandwidth(int threads=1, double seconds=0.1, Py_ssize_t size=64 << 20):
    """Most bytes a second (read + written) that memcpy reached between blocks of `size` bytes."""
    cdef char *memory = <char *> malloc(2 * size)
    cdef Py_ssize_t part
    cdef int thread
    cdef double best = 0
    threads = startable(threads)
    part = size // threads
    if memory == NULL:
        raise MemoryError(f"copy_bandwidth: no memory for {2 * size} bytes")
    try:
        memset(memory, 1, 2 * size)
        end = time.perf_counter() + seconds
        while True:
            start = time.perf_counter()
            for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
                memcpy(memory + thread * part, memory + size + thread * part, part)
            now = time.perf_counter()
            best = max(best, 2.0 * part * threads / (now - start))
            if now > end:
                return best
    finally:
        free(memory)
