# SPDX-License-Identifier: BSD-3-Clause
"""Weights in strips: [k][width] numbers, `width` neighbouring output channels for each k.

Prepared weights hold all strips one after another: group, block of k, strip.  A one-shot
call packs a strip into scratch when it needs it, so it never writes a copy of the weights.
"""
from cpython.exc cimport PyErr_CheckSignals
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from fastconv._core.conv cimport Problem, block_t, call_t, next_block, problem_t
from fastconv._core.table cimport fc_prefetch

cdef enum:
    LINE = 64
    BYTES_PER_CHUNK = 1 << 26   # packed between two looks at signals (Ctrl-C)
    OFFSETS = 64                # found at a time, of weights that follow no single step


cdef void offsets_of(const problem_t *p, Py_ssize_t j, Py_ssize_t count,
                     Py_ssize_t *offset) noexcept nogil:
    """Where numbers [j, j + count) of an output channel, (channel, tap), lie in it."""
    cdef Py_ssize_t at[4]
    cdef Py_ssize_t i, a
    for a in range(3, 0, -1):
        at[a] = j % p.axis[a].taps
        j //= p.axis[a].taps
    at[0] = j
    for i in range(count):
        offset[i] = (at[0] * p.wei_bytes[0] + at[1] * p.wei_bytes[1] + at[2] * p.wei_bytes[2]
                     + at[3] * p.wei_bytes[3])
        a = 3
        at[3] += 1
        while a > 0 and at[a] == p.axis[a].taps:
            at[a] = 0
            a -= 1
            at[a] += 1


cdef void gather_rows(const problem_t *p, const char *wei, Py_ssize_t first, Py_ssize_t rows,
                      Py_ssize_t j, Py_ssize_t count, char *raw) noexcept nogil:
    """Numbers [j, j + count) of output channels from `first` on, as tiles multiply them.  The
    parts of a complex channel are two channels."""
    cdef Py_ssize_t row, part, done = 0, some, step = p.wei_step_bytes, size = p.itemsize
    cdef Py_ssize_t offset[OFFSETS]
    cdef const char *src
    cdef char *dst
    while done < count:
        some = count if step else min(<Py_ssize_t> OFFSETS, count - done)
        if not step:
            offsets_of(p, j + done, some, offset)
        for row in range(rows):
            part = (first + row) % p.dst_parts
            src = wei + (first + row) // p.dst_parts * p.wei_row_bytes + part * p.wei_part_bytes
            dst = raw + (row * count + done) * size
            if part >= p.wei_parts:
                memset(dst, 0, some * size)
            elif step:
                p.kernels.copy_row(dst, 0, count, 0, src + j * step, step, p.wei_storage, dst)
            else:
                p.kernels.gather(dst, src, offset, some, p.wei_storage)
        done += some


cdef void pack(const problem_t *p, const char *wei, Py_ssize_t group, Py_ssize_t s,
               const block_t *block, char *raw, char *dst) noexcept nogil:
    cdef Py_ssize_t first = s * p.width, rows = min(p.width, p.c_out - first), size = p.itemsize
    cdef Py_ssize_t depth = block.k1 - block.k0, taps = block.t1 - block.t0, pitch = p.width
    cdef Py_ssize_t channels = block.c1 - block.c0, j = block.k0, count = depth
    cdef bint both = False      # parts of an input channel
    wei += group // p.apart * p.wei_group_bytes
    if rows < p.width:
        memset(dst, 0, depth * p.width * size)
    if p.src_parts == 2 and channels:
        both = channels > 1
        channels = channels // 2 if both else 1
        j = block.c0 // 2 * p.taps + block.t0
        count = channels * taps
        pitch = 2 * p.width if both else p.width
    if p.wei_direct:
        size *= p.wei_parts
        p.packer.pack(dst, pitch // p.wei_parts,
                      wei + first // p.wei_parts * p.wei_row_bytes + j * size,
                      p.wei_row_bytes // size, rows // p.wei_parts, channels, taps)
    else:
        gather_rows(p, wei, first, rows, j, count, raw)
        p.kernels.pack(dst, pitch, raw, count, rows, channels, taps)
    if both:
        p.kernels.multiply_i(dst + p.width * p.itemsize, dst, pitch, rows, count)
    elif p.src_parts == 2 and block.c0 % 2:
        p.kernels.multiply_i(dst, dst, pitch, rows, count)


cdef const char *strip(const problem_t *p, call_t *call, Py_ssize_t group, Py_ssize_t s,
                       const block_t *block, bint guard, char *scratch) noexcept nogil:
    """Strip s of a block: found among the prepared ones, or packed now."""
    cdef Py_ssize_t depth = block.k1 - block.k0
    cdef char *packed
    if call.packed != NULL:
        s = p.strips * (group // p.apart * p.depth + block.k0) + s * depth
        return call.packed + s * p.width * p.itemsize
    packed = scratch + p.at_weight
    pack(p, call.wei, group, s, block, scratch + p.at_raw, packed)
    if guard and not p.wei_integer and not p.kernels.finite(packed, depth * p.width):
        call.not_finite = 1
    return packed


cdef void prefetch_next(const problem_t *p, const call_t *call, Py_ssize_t group, Py_ssize_t s,
                        Py_ssize_t s0, Py_ssize_t s1, const block_t *block, Py_ssize_t bursts,
                        fc_prefetch *prefetch) noexcept nogil:
    """The weights that will be packed after strip s of [s0, s1), in as many bursts as `bursts`."""
    cdef block_t after = block[0]
    cdef Py_ssize_t size = p.itemsize * p.wei_parts     # of a weight, of which a row has some
    prefetch.rows, prefetch.line, prefetch.burst = 0, 0, 0
    s += 1
    if call.packed != NULL or not p.wei_direct or (s == s1 and not next_block(p, &after)):
        return
    if s == s1:
        s = s0
    prefetch.rows = min(p.width, p.c_out - s * p.width) // p.wei_parts
    prefetch.row_bytes = p.wei_row_bytes
    prefetch.row = (call.wei + group // p.apart * p.wei_group_bytes
                    + s * p.width // p.wei_parts * p.wei_row_bytes + after.k0 // p.src_parts * size)
    prefetch.lines = (after.k1 - after.k0) // p.src_parts * size // LINE + 1
    prefetch.burst = (prefetch.rows * prefetch.lines + bursts - 1) // max(1, bursts)


def prepare(Problem problem, size_t wei, unsigned char[::1] packed):
    """Pack all strips; returns whether all weights are finite."""
    cdef const problem_t *p = &problem.c
    cdef Py_ssize_t group, s, size, pause = BYTES_PER_CHUNK
    cdef char *dst = <char *> &packed[0]
    cdef bint finite = True
    cdef block_t block
    cdef char *raw = <char *> malloc(p.width * p.block_k * p.itemsize)
    if raw == NULL:
        raise MemoryError(f"fastconv: no memory for {p.width * p.block_k} weights")
    try:
        for group in range(0, p.groups, p.apart):
            block.k1 = -1
            while next_block(p, &block):
                size = (block.k1 - block.k0) * p.width
                with nogil:
                    for s in range(p.strips):
                        pack(p, <const char *> wei, group, s, &block, raw, dst)
                        finite = p.kernels.finite(dst, size) and finite
                        dst += size * p.itemsize
                pause -= p.strips * size * p.itemsize
                if pause < 0:
                    pause = BYTES_PER_CHUNK
                    PyErr_CheckSignals()
    finally:
        free(raw)
    return finite
