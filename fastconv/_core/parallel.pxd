# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.window cimport operands_t

ctypedef void (*task_fn)(const void *what, operands_t *operands, Py_ssize_t task,
                         char *scratch) noexcept nogil

# What a call has to do: tasks 0, 1, ... of what `one_task` knows, such as a conv_t.  They write to
# different places, so any thread may do any of them, with scratch of its own.
cdef struct tasks_t:
    task_fn one_task
    const void *what
    Py_ssize_t count
    Py_ssize_t scratch_bytes    # of a thread

cdef class Tasks:
    cdef tasks_t c
    cdef object problem         # which has what `c.what` points to

cdef Tasks make_tasks(object problem, const void *what, task_fn one_task, Py_ssize_t count,
                      Py_ssize_t scratch_bytes)

cdef bint forked            # this process is a forked child: it has one thread

cdef int startable(int threads) noexcept nogil
cdef void run_tasks(const tasks_t *tasks, operands_t *operands, Py_ssize_t first, Py_ssize_t last,
                    char *scratch) noexcept nogil
cdef enum:
    SMALL_SCRATCH = 16 * 1024   # bytes that the stack has room for

cdef void run_small(const tasks_t *tasks, operands_t *operands) noexcept
cdef bint run_all(const tasks_t *tasks, operands_t *operands, int threads, bint shared,
                  Py_ssize_t chunk) except -1
