# SPDX-License-Identifier: BSD-3-Clause
"""moves: bits that go from one array to another, as unfold, pad and shuffles place them.

The output has some axes, or levels, each a list of runs: so many positions, evenly spaced in the
output and in the input, or holding the constant of the border.  An element of the output is the
sum of one position of each level:

    for each line, a position of all levels but the last two:
        for each run of rows, of the last but one:
            for each run of elements, of the last: rows of them (src_c/kernels/move_template.h)

A task is some lines, some rows of them, and some of the runs of elements.
"""
from fastconv._core.parallel cimport make_tasks
from fastconv._core.table cimport FC_NOWHERE, fc_moved, fc_kernels, fc_run, find
from fastconv._core.window cimport operands_t

# An axis of the output.  `first` has the number of the first position of each run, and the end.
cdef struct level_t:
    Py_ssize_t runs, total          # how many, and all positions
    Py_ssize_t dst_step             # bytes from one position of a run to the next, in the output
    const fc_run *run
    const Py_ssize_t *first

cdef enum:
    MOST_LEVELS = 80                # NumPy has at most 64 axes

cdef struct moves_t:
    const fc_kernels *kernels
    fc_moved bits
    Py_ssize_t outer                # levels of lines
    level_t level[MOST_LEVELS]      # ... first, then that of rows, then that of elements
    Py_ssize_t lines
    Py_ssize_t task_lines, task_rows, task_runs     # of a task, at most


cdef inline Py_ssize_t shares(Py_ssize_t number, Py_ssize_t each) noexcept nogil:
    return (number + each - 1) // each


cdef inline Py_ssize_t run_of(const level_t *level, Py_ssize_t position) noexcept nogil:
    """The run that a position of a level is in."""
    cdef Py_ssize_t low = 0, high = level.runs, middle
    while high - low > 1:
        middle = (low + high) // 2
        if level.first[middle] <= position:
            low = middle
        else:
            high = middle
    return low


cdef void one_line(const moves_t *p, Py_ssize_t line, Py_ssize_t row, Py_ssize_t row_end,
                   const fc_run *run, Py_ssize_t runs, char *dst, const char *src) noexcept nogil:
    """Rows [row, row_end) of a line, through some runs of elements."""
    cdef Py_ssize_t a, i, position, end
    cdef const level_t *level
    cdef const fc_run *found
    cdef const char *at
    for a in range(p.outer - 1, -1, -1):
        level = &p.level[a]
        position = line % level.total
        line //= level.total
        i = run_of(level, position)
        found = &level.run[i]
        position -= level.first[i]
        dst += found.dst + position * level.dst_step
        if found.src == FC_NOWHERE:
            src = NULL
        elif src != NULL:
            src += found.src + position * found.step
    level = &p.level[p.outer]
    i = run_of(level, row)
    while row < row_end:
        found = &level.run[i]
        end = min(row_end, level.first[i + 1])
        position = row - level.first[i]
        at = NULL
        if src != NULL and found.src != FC_NOWHERE:
            at = src + found.src + position * found.step
        p.kernels.move_rows(&p.bits, run, runs, dst + found.dst + position * level.dst_step,
                            level.dst_step, at, found.step, end - row)
        row = end
        i += 1


cdef void one_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const moves_t *p = <const moves_t *> what
    cdef const level_t *rows = &p.level[p.outer]
    cdef const level_t *elements = &p.level[p.outer + 1]
    cdef Py_ssize_t parts, first, row, line
    parts = shares(elements.runs, p.task_runs)
    first = task % parts * p.task_runs
    task //= parts
    parts = shares(rows.total, p.task_rows)
    row = task % parts * p.task_rows
    task = task // parts * p.task_lines
    for line in range(task, min(p.lines, task + p.task_lines)):
        one_line(p, line, row, min(rows.total, row + p.task_rows), elements.run + first,
                 min(p.task_runs, elements.runs - first), operands.dst, operands.src)


cdef class Problem:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from _plan/moves.py: `size` bytes of an element, `turned` of the numbers in it
    whose order is turned around, or 0; `value` the bytes of an element of the border; `levels`
    (bytes from one position to the next in the output, number of runs, address of the runs, address
    of the first positions), in arrays that `held` keeps; `task` lines, rows and runs of a task, at
    most.
    """
    cdef moves_t c
    cdef readonly Py_ssize_t tasks
    cdef object held                # what the structs point to

    def __init__(self, *, isa, size, turned, value, levels, held, task):
        cdef moves_t *p = &self.c
        cdef level_t *level
        cdef Py_ssize_t a
        cdef size_t run, first
        if len(levels) > MOST_LEVELS:
            raise ValueError(f"fastconv: {len(levels)} levels, but at most {MOST_LEVELS}")
        self.held = (value, held)
        p.kernels = find(isa, "f")
        p.outer, p.lines = len(levels) - 2, 1
        for a in range(len(levels)):
            level = &p.level[a]
            level.dst_step, level.runs, run, first = levels[a]
            level.run, level.first = <const fc_run *> run, <const Py_ssize_t *> first
            level.total = level.first[level.runs]
            if a < p.outer:
                p.lines *= level.total
        p.bits.size, p.bits.turned, p.bits.value = size, turned, value
        p.bits.dst_step = p.level[p.outer + 1].dst_step
        p.task_lines, p.task_rows, p.task_runs = task
        self.tasks = (shares(p.lines, p.task_lines)
                      * shares(p.level[p.outer].total, p.task_rows)
                      * shares(p.level[p.outer + 1].runs, p.task_runs))


def tasks(Problem problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.c, one_task, problem.tasks, 0)
