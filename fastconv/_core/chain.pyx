# SPDX-License-Identifier: BSD-3-Clause
"""Operations in a row in one parallel region: a thread does all of them for a band of outputs, one
after the other, and what lies between two of them is in its scratch."""
from libc.stdlib cimport free, malloc

from fastconv._core cimport parallel
from fastconv._core.parallel cimport Tasks, tasks_t
from fastconv._core.window cimport PAGE, operands_t

cdef struct stage_t:            # one operation of a band
    tasks_t tasks
    operands_t operands         # but for input, residual and output

cdef struct band_t:             # eight bytes each: a row of an array of int64
    Py_ssize_t kind             # bands of equal sizes share their stages
    Py_ssize_t src, residual, dst   # bytes from the beginning of the array
    Py_ssize_t copy             # an address that takes the place of the input, or 0

cdef struct chain_t:
    const stage_t *stages       # `count` for each kind
    Py_ssize_t count
    const band_t *bands
    Py_ssize_t at[3]            # in the scratch: of two places for what lies between, and the rest


cdef class Stages:
    """What is done for each kind of band: lists of (`Tasks`, addresses of weights, packed weights
    and bias), all of the same length."""
    cdef stage_t *each
    cdef Py_ssize_t count
    cdef object kinds

    def __cinit__(self, kinds):
        cdef stage_t *stage
        cdef Tasks tasks
        cdef size_t wei, packed, bias
        self.kinds, self.count = kinds, len(kinds[0])
        self.each = <stage_t *> malloc(len(kinds) * self.count * sizeof(stage_t))
        if self.each == NULL:
            raise MemoryError("fastconv: no memory for the stages of bands")
        stage = self.each
        for kind in kinds:
            for tasks, wei, packed, bias in kind:
                stage.tasks = tasks.c
                stage.operands.wei, stage.operands.packed = <char *> wei, <char *> packed
                stage.operands.bias, stage.operands.residual = <char *> bias, NULL
                stage.operands.index = NULL
                stage.operands.not_finite = 0
                stage += 1

    def __dealloc__(self):
        free(self.each)


cdef void one_band(const void *what, operands_t *operands, Py_ssize_t band,
                   char *scratch) noexcept nogil:
    cdef const chain_t *chain = <const chain_t *> what
    cdef const band_t *here = chain.bands + band
    cdef const stage_t *stage = chain.stages + here.kind * chain.count
    cdef operands_t mine
    cdef char *src = operands.src + here.src
    cdef Py_ssize_t i
    if here.copy:
        src = <char *> here.copy
    for i in range(chain.count):
        mine = stage[i].operands
        mine.src, mine.dst = src, scratch + chain.at[i % 2]
        if i == chain.count - 1:
            mine.dst = operands.dst + here.dst
            if operands.residual != NULL:
                mine.residual = operands.residual + here.residual
        src = mine.dst
        parallel.run_tasks(&stage[i].tasks, &mine, 0, stage[i].tasks.count, scratch + chain.at[2])


cdef Py_ssize_t pages(Py_ssize_t size):
    """In whole pages."""
    return (size + PAGE - 1) // PAGE * PAGE


def scratch_bytes(between, Py_ssize_t tasks_bytes):
    """The scratch of a thread: two places for what lies between, and the tasks of the bands."""
    return sum(map(pages, between)) + tasks_bytes


def run(size_t src, size_t residual, size_t dst, Stages stages, size_t bands, Py_ssize_t count,
        between, Py_ssize_t tasks_bytes, int threads, bint shared, Py_ssize_t chunk):
    """Do so many bands, each a `band_t`. `between` are the bytes of what stages 0, 2, ... leave,
    and of what stages 1, 3, ... leave."""
    cdef chain_t chain
    cdef tasks_t tasks
    cdef operands_t operands
    chain.stages, chain.count, chain.bands = stages.each, stages.count, <const band_t *> bands
    chain.at[0], chain.at[1] = 0, pages(between[0])
    chain.at[2] = chain.at[1] + pages(between[1])
    tasks.one_task, tasks.what, tasks.count = one_band, &chain, count
    tasks.scratch_bytes = chain.at[2] + tasks_bytes
    operands.src, operands.residual, operands.dst = <char *> src, <char *> residual, <char *> dst
    operands.wei = operands.packed = operands.bias = operands.index = NULL
    operands.not_finite = 0
    return parallel.run_all(&tasks, &operands, threads, shared, chunk)
