# SPDX-License-Identifier: BSD-3-Clause
"""Two convolutions in one parallel region: a thread does both for a band of outputs, one after the
other, and what lies between them is in its scratch."""
from fastconv._core cimport parallel
from fastconv._core.parallel cimport stage_t, tasks_t
from fastconv._core.window cimport PAGE, operands_t

cdef struct band_t:             # eight bytes each: a row of an array of int64
    Py_ssize_t pair             # its two stages: bands of equal sizes share them
    Py_ssize_t src, residual, dst   # bytes from the beginning of the array
    Py_ssize_t copy             # an address that takes the place of the input, or 0

cdef struct chain_t:
    const stage_t *stages       # two for each pair
    const band_t *bands
    Py_ssize_t between_bytes    # of what lies between, in whole pages


cdef void one_band(const void *what, operands_t *operands, Py_ssize_t band,
                   char *scratch) noexcept nogil:
    cdef const chain_t *chain = <const chain_t *> what
    cdef const band_t *here = chain.bands + band
    cdef const stage_t *stage = chain.stages + 2 * here.pair
    cdef operands_t mine = stage[0].operands
    cdef char *rest = scratch + chain.between_bytes
    mine.src = <char *> here.copy if here.copy else operands.src + here.src
    mine.dst = scratch
    parallel.run_tasks(&stage[0].tasks, &mine, 0, stage[0].tasks.count, rest)
    mine = stage[1].operands
    mine.src, mine.dst = scratch, operands.dst + here.dst
    if operands.residual != NULL:
        mine.residual = operands.residual + here.residual
    parallel.run_tasks(&stage[1].tasks, &mine, 0, stage[1].tasks.count, rest)


STAGE_BYTES = sizeof(stage_t)


def scratch_bytes(Py_ssize_t between_bytes, Py_ssize_t tasks_bytes):
    """The scratch of a thread: for what lies between, and for the tasks of the bands."""
    return (between_bytes + PAGE - 1) // PAGE * PAGE + tasks_bytes


def run(size_t src, size_t residual, size_t dst, size_t stages, size_t bands, Py_ssize_t count,
        Py_ssize_t between_bytes, Py_ssize_t tasks_bytes, int threads, bint shared,
        Py_ssize_t chunk):
    """Do so many bands, each a `band_t`; at the address `stages` are the two of each
    pair, as `parallel.run` writes them for 0 threads."""
    cdef chain_t chain
    cdef tasks_t tasks
    chain.stages, chain.bands = <const stage_t *> stages, <const band_t *> bands
    chain.between_bytes = (between_bytes + PAGE - 1) // PAGE * PAGE
    tasks.one_task, tasks.what, tasks.count = one_band, &chain, count
    tasks.scratch_bytes = chain.between_bytes + tasks_bytes
    return parallel.run(&tasks, src, 0, 0, 0, residual, dst, threads, shared, chunk)
