# SPDX-License-Identifier: BSD-3-Clause
"""Tasks on threads, with scratch and a look at signals: what the algorithms share."""
import os

from cpython.exc cimport PyErr_CheckSignals
from cython.parallel cimport parallel, prange, threadid
from libc.stdint cimport uintptr_t

from fastconv._core cimport scratch as pool
from fastconv._core.window cimport operands_t

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #else
    #define omp_in_parallel() 0
    #endif

    #if defined(_OPENMP) && !defined(_WIN32)
    #include <pthread.h>
    #include <stdlib.h>

    static void *fc_wait(void *gate) {
        pthread_mutex_lock((pthread_mutex_t *)gate);
        pthread_mutex_unlock((pthread_mutex_t *)gate);
        return NULL;
    }

    /* OpenMP ends the process where a limit of memory or of processes lets it start no thread.  So
       when a thread asks for more of them than in its last region, as many are started here, all
       at the same time, and ended: then OpenMP can start them, too, on the same stacks, to which
       some runtimes add a little.  The caller is one of them, and in its place one more is started:
       room for what else OpenMP allocates. */
    static int fc_startable(int threads) {
        static _Thread_local int last = 1;
        pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
        pthread_attr_t attributes;
        pthread_t *started;
        size_t stack;
        int count = 0, i;
        if (threads > last) {
            started = (pthread_t *)malloc(threads * sizeof(pthread_t));
            if (started == NULL)
                return 1;
            pthread_attr_init(&attributes);
            pthread_attr_getstacksize(&attributes, &stack);
            pthread_attr_setstacksize(&attributes, stack + (1 << 20));
            pthread_mutex_lock(&gate);
            while (count < threads && !pthread_create(&started[count], &attributes, fc_wait, &gate))
                count++;
            pthread_mutex_unlock(&gate);
            pthread_attr_destroy(&attributes);
            for (i = 0; i < count; i++)
                pthread_join(started[i], NULL);
            free(started);
            threads = count > 1 ? count : 1;
        }
        if (threads > 1)
            last = threads;
        return threads;
    }
    #else
    #define fc_startable(threads) (threads)
    #endif
    """
    int omp_in_parallel() noexcept nogil
    int fc_startable(int threads) noexcept nogil

forked = False                  # OpenMP's threads did not come along
cdef int in_flight = 0          # calls under way, from several Python threads


def _after_fork():
    global forked, in_flight
    forked, in_flight = True, 0


os.register_at_fork(after_in_child=_after_fork)


cdef int startable(int threads) noexcept nogil:
    """How many of `threads` a parallel region can have, the caller's own among them."""
    return fc_startable(threads)


cdef void run_tasks(const tasks_t *tasks, operands_t *operands, Py_ssize_t first, Py_ssize_t last,
                    char *scratch) noexcept nogil:
    """Tasks [first, last), one after another: what a thread does."""
    cdef Py_ssize_t task
    for task in range(first, last):
        tasks.one_task(tasks.what, operands, task, scratch)


cdef class Tasks:
    """The tasks of a problem, for one algorithm."""

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes


cdef Tasks make_tasks(object problem, const void *what, task_fn one_task, Py_ssize_t count,
                      Py_ssize_t scratch_bytes):
    """The tasks of `what`, a part of the problem."""
    cdef Tasks tasks = Tasks.__new__(Tasks)
    tasks.problem, tasks.c.what, tasks.c.one_task = problem, what, one_task
    tasks.c.count, tasks.c.scratch_bytes = count, scratch_bytes
    return tasks


def run(Tasks tasks, size_t src, size_t wei, size_t packed, size_t bias, size_t residual,
        size_t dst, int threads, bint shared, Py_ssize_t chunk, size_t index=0):
    """Do all tasks of a call, whose arrays have these addresses: see `run_all`."""
    cdef operands_t operands
    operands.src, operands.wei, operands.packed = <char *> src, <char *> wei, <char *> packed
    operands.bias, operands.residual = <char *> bias, <char *> residual
    operands.dst, operands.index, operands.not_finite = <char *> dst, <char *> index, 0
    return run_all(&tasks.c, &operands, threads, shared, chunk)


cdef bint run_all(const tasks_t *tasks, operands_t *operands, int threads, bint shared,
                  Py_ssize_t chunk) except -1:
    """Do all tasks, `chunk` of them between two looks at signals (Ctrl-C).

    Calls that run at the same time divide the threads if they are `shared`, not asked for.
    Returns False when inf or NaN turned up among weights whose taps may fall on padding:
    the output is then not valid, and the caller repeats the call with a plan for such weights.
    """
    global in_flight
    cdef Py_ssize_t task, first = 0, last
    cdef char *scratch = NULL
    cdef char *mine = NULL
    if tasks.count == 0:
        return True
    in_flight += 1
    if shared:
        threads = max(1, threads // in_flight)
    threads = 1 if forked or omp_in_parallel() else startable(min(threads, tasks.count))
    try:
        scratch = pool.acquire(threads * tasks.scratch_bytes)
        while first < tasks.count:
            last = min(tasks.count, first + chunk)
            if threads == 1 or forked:          # a handler of signals may fork
                with nogil:
                    run_tasks(tasks, operands, first, last, scratch)
            else:
                with nogil, parallel(num_threads=threads):
                    mine = scratch + threadid() * tasks.scratch_bytes
                    for task in prange(first, last, schedule="dynamic", chunksize=1):
                        run_tasks(tasks, operands, task, task + 1, mine)
            first = last
            if first < tasks.count:
                PyErr_CheckSignals()
    finally:
        in_flight = max(0, in_flight - 1)       # a fork on the way here has begun anew
        if scratch != NULL:
            pool.release(scratch)
    return not operands.not_finite


cdef void run_small(const tasks_t *tasks, operands_t *operands) noexcept:
    """Do the one task of a small call, whose scratch the stack has room for, with the GIL."""
    cdef char[SMALL_SCRATCH + 64] scratch
    tasks.one_task(tasks.what, operands, 0, scratch + (-<uintptr_t> scratch) % 64)
