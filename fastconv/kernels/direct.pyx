# SPDX-License-Identifier: BSD-3-Clause
"""direct: taps are read where the pixels lie, in the user's array or in a strip of it.

A task is a box of pixels and some strips of weights of one group:

    for each block of k:            source of the box (in place, or a strip is filled)
        for each strip of weights:  packed now, or found among the prepared ones
            for each run of pixels: tiles of strip x vectors of pixels
"""
from fastconv.kernels cimport source as sources
from fastconv.kernels cimport stencil, walk, weights
from fastconv.kernels.problem cimport Problem, block_end, call_t, decode, problem_t
from fastconv.kernels.source cimport source_t, tap_offset
from fastconv.kernels.spans cimport Span
from fastconv.kernels.table cimport (
    FC_ADD, FC_BIAS_ROWS, FC_STENCIL_ROWS, FC_SUMS_IN_FLIGHT, fc_group, fc_kernels, fc_step)


cdef void run_of_tiles(const fc_kernels *kernels, const fc_step *step, Py_ssize_t steps,
                       const char *a, Py_ssize_t rows, const char *b, Py_ssize_t length,
                       char *c, Py_ssize_t ldc, int flags, const char *bias) noexcept nogil:
    """One strip of weights times `length` pixels side by side, widest tiles first."""
    cdef Py_ssize_t done = 0, cols
    # Few rows need wide tiles.
    cdef int width = 2 if 2 * rows < FC_SUMS_IN_FLIGHT and rows <= kernels.max_rows[2] else 1
    while done < length:
        while width > 0 and length - done < kernels.lanes << width:
            width -= 1
        cols = min(kernels.lanes << width, length - done)
        kernels.tile[width][rows](step, steps, a, b + done * kernels.itemsize,
                                  c + done * kernels.itemsize, ldc, cols, flags, bias)
        done += cols


cdef void stencil_rows(const problem_t *p, const Span **box, const source_t *source, Py_ssize_t k0,
                       Py_ssize_t k1, char *scratch, const char *strip, char *dst,
                       const Py_ssize_t *to, int flags, const char *bias) noexcept nogil:
    """All pixels of a box for a single output channel, some output rows at a time."""
    cdef fc_group *group = <fc_group *> (scratch + p.at_group)
    cdef fc_step *step = <fc_step *> scratch
    cdef Py_ssize_t n, d, h, w, rows, made = 0, count = 0, size = p.itemsize
    for w in range(box[3].taps):
        step[w].a = box[3].tap[w].index
        step[w].b = tap_offset(source, 3, &box[3].tap[w])
    h = 0
    while h < box[2].count:
        rows = min(FC_STENCIL_ROWS, box[2].count - h)
        if rows != made:
            count = stencil.groups(p, box, source, k0, k1, rows, group)
            made = rows
        for n in range(box[0].count):
            for d in range(box[1].count):
                p.kernels.stencil(
                    group, count, step, box[3].taps, strip,
                    source.data + (n * source.pixel[0] + d * source.pixel[1]
                                   + h * source.pixel[2]) * size,
                    dst + (n * to[0] + d * to[1] + h * to[2]) * size, to[2],
                    rows, box[3].count, flags, bias)
        h += rows


cdef void one_task(const problem_t *p, call_t *call, Py_ssize_t task, char *scratch) noexcept nogil:
    cdef const Span *box[4]
    cdef source_t source
    cdef fc_step *step = <fc_step *> scratch
    cdef Py_ssize_t group, s0, s1, s, k0 = 0, k1, steps, i, rows, channel, n, d, h
    cdef Py_ssize_t size = p.itemsize, run, ldc
    cdef Py_ssize_t count[3]
    cdef Py_ssize_t to[4]
    cdef int flags, a
    cdef const char *strip
    cdef const char *bias = NULL
    cdef char *dst
    decode(p, task, box, &group, &s0)
    s1 = min(s0 + p.task_strips, p.strips)
    # Where sums go: the output itself, or rows of scratch.
    if p.dst_regular:
        ldc = p.dst_c_bytes // size
        dst = call.dst + group * p.c_out * p.dst_c_bytes
        for a in range(4):
            to[a] = p.axis[a].dst_bytes // size
            dst += box[a].start * p.axis[a].dst_bytes
    else:
        ldc = p.sum_pitch
        dst = scratch + p.at_sum - s0 * p.width * ldc * size
        to[3] = 1
        for a in range(2, -1, -1):
            to[a] = to[a + 1] * box[a + 1].count
    while True:
        k1 = block_end(p, k0)
        steps = sources.prepare(p, call, box, group, k0, k1, scratch, &source, step)
        for i in range(steps):
            step[i].a *= p.width
        flags = (FC_ADD if k0 else 0) | (FC_BIAS_ROWS if k1 == p.depth and call.bias != NULL else 0)
        # Axes on which source and output are dense make one run.
        run = box[3].count
        for a in range(2, -1, -1):
            count[a] = box[a].count
            if run and count[a] > 1 and (source.pixel[a] != run or to[a] != run):
                break
            run *= count[a]
            count[a] = 1
        while a > 0:
            a -= 1
            count[a] = box[a].count
        for s in range(s0, s1):
            strip = weights.strip(p, call, group, s, k0, k1, scratch)
            channel = s * p.width
            rows = min(p.width, p.c_out - channel)
            if call.bias != NULL:
                bias = call.bias + (group * p.c_out + channel) * size
            if p.stencil:
                stencil_rows(p, source.box, &source, k0, k1, scratch, strip,
                             dst + channel * ldc * size, to, flags, bias)
                continue
            for n in range(count[0]):
                for d in range(count[1]):
                    for h in range(count[2]):
                        run_of_tiles(
                            p.kernels, step, steps, strip, rows,
                            source.data + (n * source.pixel[0] + d * source.pixel[1]
                                           + h * source.pixel[2]) * size,
                            run,
                            dst + (channel * ldc + n * to[0] + d * to[1] + h * to[2]) * size,
                            ldc, flags, bias)
        k0 = k1
        if k0 >= p.depth:
            break
    if not p.dst_regular:
        walk.deliver(p, call, box, group, s0, s1, scratch + p.at_sum)


def run(Problem problem, size_t src, size_t wei, size_t packed, size_t bias, size_t dst,
        int threads, bint shared, Py_ssize_t chunk):
    return walk.run(problem, one_task, src, wei, packed, bias, dst, threads, shared, chunk)
