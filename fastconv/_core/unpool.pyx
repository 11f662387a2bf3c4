# SPDX-License-Identifier: BSD-3-Clause
"""unpool: values to where their indices say, zeros elsewhere.

A task is a plane.  Nothing is written before all indices have been looked at: first there is a run
of `check`, which only finds out whether each index lies in its own plane.
"""
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from fastconv._core.parallel cimport make_tasks
from fastconv._core.table cimport (
    FC_SCATTER_LAST, FC_SCATTER_MAX, FC_SCATTER_SUM, fc_epilogue, fc_kernels, find)
from fastconv._core.window cimport PAGE, book, channel_bytes, operands_t, set_view, view_t

cdef enum:
    ROOM = 4096                 # values at a time

OVERLAPS = {"last": FC_SCATTER_LAST, "max": FC_SCATTER_MAX, "sum": FC_SCATTER_SUM}

cdef struct unpool_t:
    const fc_kernels *kernels   # of the dtype that planes hold
    const fc_kernels *integers
    view_t src, dst, index
    Py_ssize_t channels, itemsize
    Py_ssize_t pooled[3], size[3]       # of input and output: depth, height, width
    Py_ssize_t weight[5], step          # of indices; what places of neighbouring cells differ by
    bint column_major
    int overlap
    bint in_place               # planes are written where they lie
    char flip[8]
    fc_epilogue how
    Py_ssize_t at_value, at_place, at_plane, scratch_bytes


# Some values of a plane: `lines` from one on, columns [w0, w1) of each.
cdef struct some_t:
    Py_ssize_t line, lines, w0, w1


cdef bint next_some(const unpool_t *p, some_t *some) noexcept nogil:
    """The next values, as many as there is room for; from all that is 0 on."""
    cdef Py_ssize_t width = p.pooled[2], lines = p.pooled[0] * p.pooled[1]
    some.w0 = some.w1
    if some.w0 == width or some.lines == 0:
        some.line += some.lines
        some.w0 = 0
    some.lines = min(max(1, ROOM // max(width, 1)), lines - some.line)
    some.w1 = min(width, some.w0 + ROOM)
    return some.lines > 0 and width > 0


cdef void copy_some(const unpool_t *p, const fc_kernels *kernels, const view_t *view,
                    const some_t *some, const char *src, char *to) noexcept nogil:
    """Some elements of a plane, in C order."""
    cdef Py_ssize_t line, count = some.w1 - some.w0
    cdef char zero[8]
    memset(zero, 0, 8)
    for line in range(some.line, some.line + some.lines):
        kernels.copy_row(to, 0, count, 0, src + line // p.pooled[1] * view.axis_bytes[1]
                         + line % p.pooled[1] * view.axis_bytes[2]
                         + some.w0 * view.axis_bytes[3], view.axis_bytes[3], view.storage, zero)
        to += count * kernels.itemsize


cdef bint find_some(const unpool_t *p, const operands_t *operands, Py_ssize_t plane,
                    const some_t *some, char *scratch) noexcept nogil:
    """Places of some values of a plane; returns whether all of them lie in it."""
    cdef Py_ssize_t n = plane // p.channels, c = plane % p.channels
    copy_some(p, p.integers, &p.index, some, operands.index + n * p.index.axis_bytes[0]
              + channel_bytes(&p.index, c), scratch + p.at_place)
    return p.integers.find_places(<int64_t *> (scratch + p.at_place),
                                  some.lines * (some.w1 - some.w0),
                                  n * p.weight[0] + c * p.weight[1], p.step,
                                  p.size[0] * p.size[1] * p.size[2])


cdef void check_task(const void *what, operands_t *operands, Py_ssize_t task,
                     char *scratch) noexcept nogil:
    cdef const unpool_t *p = <const unpool_t *> what
    cdef some_t some
    memset(&some, 0, sizeof(some))
    while next_some(p, &some):
        if not find_some(p, operands, task, &some, scratch):
            operands.not_finite = 1


cdef void turn_places(const unpool_t *p, int64_t *place, Py_ssize_t count) noexcept nogil:
    """Places that count depth first, and width last, in C order."""
    cdef Py_ssize_t i
    cdef int64_t d, h, w
    for i in range(count):
        if place[i] >= 0:
            d, h = place[i] % p.size[0], place[i] // p.size[0] % p.size[1]
            w = place[i] // (p.size[0] * p.size[1])
            place[i] = (d * p.size[1] + h) * p.size[2] + w


cdef void scatter_plane(const unpool_t *p, const operands_t *operands, Py_ssize_t plane, int how,
                        char *to, char *scratch) noexcept nogil:
    """All values of a plane."""
    cdef Py_ssize_t n = plane // p.channels, c = plane % p.channels, count
    cdef const char *src = operands.src + n * p.src.axis_bytes[0] + channel_bytes(&p.src, c)
    cdef int64_t *place = <int64_t *> (scratch + p.at_place)
    cdef some_t some
    memset(&some, 0, sizeof(some))
    while next_some(p, &some):
        count = some.lines * (some.w1 - some.w0)
        find_some(p, operands, plane, &some, scratch)
        if p.column_major:
            turn_places(p, place, count)
        copy_some(p, p.kernels, &p.src, &some, src, scratch + p.at_value)
        p.kernels.scatter(to, scratch + p.at_value, place, count, how, p.flip)


cdef void scatter_task(const void *what, operands_t *operands, Py_ssize_t task,
                       char *scratch) noexcept nogil:
    cdef const unpool_t *p = <const unpool_t *> what
    cdef Py_ssize_t n = task // p.channels, c = task % p.channels, d, h
    cdef char *dst = operands.dst + n * p.dst.axis_bytes[0] + channel_bytes(&p.dst, c)
    cdef char *plane = dst if p.in_place else scratch + p.at_plane
    memset(plane, 0, p.size[0] * p.size[1] * p.size[2] * p.itemsize)
    if p.overlap == FC_SCATTER_MAX:         # then each place holds one of its values
        scatter_plane(p, operands, task, FC_SCATTER_LAST, plane, scratch)
    scatter_plane(p, operands, task, p.overlap, plane, scratch)
    for d in range(0 if p.in_place else p.size[0]):
        for h in range(p.size[1]):
            p.kernels.epilogue(&p.how, dst + d * p.dst.axis_bytes[1] + h * p.dst.axis_bytes[2],
                               p.dst.axis_bytes[3],
                               plane + (d * p.size[1] + h) * p.size[2] * p.itemsize, p.itemsize,
                               NULL, 0, NULL, 0, p.size[2])


cdef class Problem:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from `_problem` of _plan/unpool.py: `pooled` and `sizes` of (batch, channel,
    depth, height, width) of input and output; src, dst, index what _plan/layout.py says of the
    arrays; `weight` and `step` of indices.
    """
    cdef unpool_t c
    cdef readonly Py_ssize_t tasks

    def __init__(self, *, isa, dtype, pooled, sizes, src, dst, index, weight, step, column_major,
                 overlap, in_place, flip, how):
        cdef unpool_t *p = &self.c
        cdef Py_ssize_t a, end = 0, cells = 1
        memset(p, 0, sizeof(unpool_t))
        p.kernels, p.integers = find(isa, dtype), find(isa, "q")
        p.itemsize = p.kernels.itemsize
        set_view(&p.src, src, 1)
        set_view(&p.dst, dst, 1)
        set_view(&p.index, index, 1)
        p.channels = pooled[1]
        for a in range(3):
            p.pooled[a], p.size[a] = pooled[a + 2], sizes[a + 2]
            cells *= p.size[a]
        p.weight, p.step, p.column_major = weight, step, column_major
        p.overlap = OVERLAPS[overlap]
        p.in_place = in_place
        memcpy(p.flip, <const char *> flip, 8)
        p.how.sum_storage, p.how.dst_storage = how
        p.how.real_alpha, p.how.integer_alpha = 1, 1
        self.tasks = pooled[0] * pooled[1]
        p.at_place = book(&end, ROOM * 8)
        p.at_value = book(&end, ROOM * p.itemsize)
        p.at_plane = book(&end, 0 if in_place else cells * p.itemsize)
        p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes


def tasks(Problem problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.c, scatter_task, problem.tasks, problem.c.scratch_bytes)


def check(Problem problem):
    """What looks at the indices."""
    return make_tasks(problem, &problem.c, check_task, problem.tasks, problem.c.scratch_bytes)
