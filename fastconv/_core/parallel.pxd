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

# A call that another one makes a part of: its tasks and arrays.
cdef struct stage_t:
    tasks_t tasks
    operands_t operands

cdef bint forked            # this process is a forked child: it has one thread

cdef int startable(int threads) noexcept nogil
cdef void run_tasks(const tasks_t *tasks, operands_t *operands, Py_ssize_t first, Py_ssize_t last,
                    char *scratch) noexcept nogil
cdef bint run(const tasks_t *tasks, size_t src, size_t wei, size_t packed, size_t bias,
              size_t residual, size_t dst, int threads, bint shared,
              Py_ssize_t chunk) except -1
