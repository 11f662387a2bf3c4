# SPDX-License-Identifier: BSD-3-Clause
"""direct: taps are read where the pixels lie, in the user's array or in a strip of it.

A task is a box of pixels and some strips of weights of one group:

    for each block of k:            source of the box (in place, or a strip is filled)
        for each strip of weights:  packed now, or found among the prepared ones
            for each run of pixels: tiles

Pixels wide: a tile is a strip of weights times vectors of pixels, and writes the output.
Otherwise a tile is some pixels of a row times a strip of two vectors of output channels
(regions.pyx), and the sums [pixel][channel] stay in scratch until they are transposed on the way out, unless
that is how the output lies.
"""
from libc.stdlib cimport free, malloc

from fastconv._core cimport source as sources
from fastconv._core cimport epilogue, parallel, regions, stencil, weights
from fastconv._core.conv cimport (
    REGIONS, Problem, block_t, call_t, decode, next_block, region_t, problem_t)
from fastconv._core.source cimport source_t
from fastconv._core.axis cimport Span
from fastconv._core.table cimport (
    FC_BIAS_COLS, FC_BIAS_ROWS, FC_STENCIL_ROWS, FC_SUMS_IN_FLIGHT, fc_row_use, fc_kernels,
    fc_prefetch, fc_tap, fc_taps, fc_step, fc_store, fc_tile_fn)


cdef void run_of_tiles(const fc_kernels *kernels, const fc_taps *taps, const char *a,
                       Py_ssize_t rows, const char *b, Py_ssize_t length, char *c,
                       Py_ssize_t ldc, const fc_store *store) noexcept nogil:
    """One strip of weights times `length` pixels side by side, widest tiles first."""
    cdef Py_ssize_t done = 0, cols
    # Few rows need wide tiles.
    cdef int width = 2 if 2 * rows < FC_SUMS_IN_FLIGHT and rows <= kernels.max_rows[2] else 1
    while done < length:
        while width > 0 and length - done < kernels.lanes << width:
            width -= 1
        cols = min(kernels.lanes << width, length - done)
        kernels.tile[width][rows](taps, a, b + done * kernels.itemsize,
                                  c + done * kernels.itemsize, ldc, cols, store)
        done += cols


cdef void stencil_rows(const problem_t *p, const Span **box, const source_t *source,
                       const block_t *block, char *scratch, const char *strip, char *dst,
                       const Py_ssize_t *to, const fc_store *store) noexcept nogil:
    """All pixels of a box for a single output channel, some output rows at a time."""
    cdef fc_row_use *group = <fc_row_use *> (scratch + p.at_row_use)
    cdef fc_step *step = <fc_step *> (scratch + p.at_step)
    cdef Py_ssize_t steps = stencil.steps(p, box, source, block, step)
    cdef Py_ssize_t n, d, h = 0, rows, made = 0, count = 0, size = p.itemsize
    while h < box[2].count:
        rows = min(FC_STENCIL_ROWS, box[2].count - h)
        if rows != made:
            count = stencil.groups(p, box, source, block, rows, group)
            made = rows
        for n in range(box[0].count):
            for d in range(box[1].count):
                p.kernels.stencil(
                    group, count, step, steps, strip,
                    source.data + (n * source.pixel[0] + d * source.pixel[1]
                                   + h * source.pixel[2]) * size,
                    dst + (n * to[0] + d * to[1] + h * to[2]) * size, to[2],
                    rows, box[3].count, store)
        h += rows


cdef void pixels_task(const problem_t *p, call_t *call, Py_ssize_t task,
                      char *scratch) noexcept nogil:
    cdef const Span *box[4]
    cdef source_t source
    cdef block_t block
    cdef fc_taps taps
    cdef fc_tap *tap = <fc_tap *> scratch
    cdef Py_ssize_t group, s0, s1, s, i, rows, channel, n, d, h
    cdef Py_ssize_t size = p.itemsize, run, ldc
    cdef Py_ssize_t count[3]
    cdef Py_ssize_t to[4]
    cdef fc_store store
    cdef int a
    cdef const char *strip
    cdef char *dst
    decode(p, task, box, &group, &s0)
    s1 = min(s0 + p.task_strips, p.strips)
    # Where sums go: the output itself, or rows of scratch.
    if p.in_place_store:
        ldc = p.dst_c_bytes // size
        dst = epilogue.output(p, call, box, group, 0)
        for a in range(4):
            to[a] = p.axis[a].dst_bytes // size
    else:
        ldc = p.sum_pitch
        dst = scratch + p.at_sum - s0 * p.width * ldc * size
        to[3] = 1
        for a in range(2, -1, -1):
            to[a] = to[a + 1] * box[a + 1].count
    block.k1 = -1
    while next_block(p, &block):
        taps.tap, taps.length = tap, block.c1 - block.c0
        taps.count = sources.prepare(p, call, box, group, &block, scratch, False, &source, tap)
        taps.a_step, taps.b_step, taps.a_row = p.width, source.channel, 1
        taps.trims, taps.prefetch, taps.a_ahead = 0, NULL, 0
        for i in range(taps.count):
            tap[i].a *= p.width
        if taps.count > 1 and not p.stencil:
            sources.single_steps(&taps, <fc_tap *> (scratch + p.at_step))
        epilogue.begin_store(p, call, &block, p.in_place_store, FC_BIAS_ROWS, &store)
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
            strip = weights.strip(p, call, group, s, &block, p.guard, scratch)
            channel = s * p.width
            rows = min(p.width, p.c_out - channel)
            if call.bias != NULL:
                store.bias = call.bias + (group * p.c_out + channel) * size
            if p.stencil:
                stencil_rows(p, source.box, &source, &block, scratch, strip,
                             dst + channel * ldc * size, to, &store)
            for n in range(0 if p.stencil else count[0]):
                for d in range(count[1]):
                    for h in range(count[2]):
                        run_of_tiles(
                            p.kernels, &taps, strip, rows,
                            source.data + (n * source.pixel[0] + d * source.pixel[1]
                                           + h * source.pixel[2]) * size,
                            run,
                            dst + (channel * ldc + n * to[0] + d * to[1] + h * to[2]) * size,
                            ldc, &store)
            if block.k1 == p.depth:
                epilogue.store_sums(p, call, box, group, s, s + 1, p.in_place_store,
                                    dst + channel * ldc * size, NULL)


cdef void tiles_of(const problem_t *p, const Span **box, const source_t *source,
                   const region_t *region, const char *strip, Py_ssize_t cols, char *sums,
                   const Py_ssize_t *to, const fc_store *store) noexcept nogil:
    """All pixels of a region times a strip of weights."""
    cdef Py_ssize_t n, d, h, tile, first, rows, size = p.itemsize, lanes = p.kernels.lanes
    cdef int width = 1 if cols > lanes else 0
    cdef fc_tile_fn *tile_fn
    cdef const char *src
    cdef char *dst
    if not p.in_place_store:    # sums have room for whole vectors
        cols = lanes << width
    for n in range(region.batch):
        for d in range(region.d0, region.d0 + region.planes):
            for h in range(region.h0, region.h0 + region.rows):
                src = source.data + (n * source.pixel[0] + d * source.pixel[1]
                                     + h * source.pixel[2]) * size
                dst = sums + n * to[0] + d * to[1] + h * to[2]
                for tile in range(region.first, region.end):
                    first = region.run * tile // region.tiles
                    rows = region.run * (tile + 1) // region.tiles - first
                    tile_fn = (p.kernels.tile[width][rows] if region.taps.a_row == 1 else
                               p.kernels.tile_strided[width][rows])
                    tile_fn(
                        &region.taps, src + first * source.pixel[3] * size, strip,
                        dst + first * to[3], to[3] // size, cols, store)


cdef Py_ssize_t find_regions(const problem_t *p, const call_t *call, const Span **box,
                             Py_ssize_t group, const block_t *block, char *scratch,
                             source_t *source, bint strip, Py_ssize_t known) noexcept nogil:
    """The source of a block of k and the regions of its box; returns how many, or -1: they do not
    leave out all padding.  Those of the block before, if `known`, are the same."""
    cdef region_t *region = <region_t *> (scratch + p.at_region)
    cdef fc_tap *tap = <fc_tap *> scratch
    cdef fc_taps taps
    cdef Py_ssize_t i
    taps.tap, taps.length, taps.trims, taps.prefetch = tap, block.c1 - block.c0, 0, NULL
    taps.a_ahead = 0
    taps.count = sources.prepare(p, call, box, group, block, scratch, strip, source, tap)
    taps.a_step, taps.b_step, taps.a_row = source.channel, p.width, source.pixel[3]
    for i in range(taps.count):
        tap[i].a, tap[i].b = tap[i].b, tap[i].a * p.width
    if known >= 0:
        return known
    return regions.make(p, source, block, &taps, <fc_tap *> &region[REGIONS], region)


cdef void channels_task(const problem_t *p, call_t *call, Py_ssize_t task,
                        char *scratch) noexcept nogil:
    cdef const Span *box[4]
    cdef source_t source
    cdef block_t block
    cdef region_t *region = <region_t *> (scratch + p.at_region)
    cdef char *sums = scratch + p.at_sum
    cdef Py_ssize_t group, s0, s1, s, i, count = -1, channels = -1, channel, size = p.itemsize
    cdef Py_ssize_t bursts
    cdef Py_ssize_t to[4]       # bytes from a pixel to the next along each axis, where sums go
    cdef fc_prefetch prefetch
    cdef fc_store store
    cdef bint strip = False
    cdef const char *weight
    decode(p, task, box, &group, &s0)
    s1 = min(s0 + p.task_strips, p.strips)
    if p.in_place_store:
        sums = epilogue.output(p, call, box, group, s0 * p.width)
        for i in range(4):
            to[i] = p.axis[2 if i == 3 and box[3].count == 1 else i].dst_bytes
    else:
        to[3] = p.sum_pitch * size
        for i in range(2, -1, -1):
            to[i] = to[i + 1] * box[i + 1].count
    block.k1 = -1
    while next_block(p, &block):
        if block.c1 - block.c0 != channels or p.block_k < p.taps:
            count = -1          # the last regions are not those of this block
        channels = block.c1 - block.c0
        count = find_regions(p, call, box, group, &block, scratch, &source, strip, count)
        if count < 0:
            strip = True        # zeros are needed
            count = find_regions(p, call, box, group, &block, scratch, &source, strip, count)
        bursts = 0
        for i in range(count):
            region[i].taps.prefetch = &prefetch
            bursts += (region[i].batch * region[i].planes * region[i].rows
                       * (region[i].end - region[i].first)
                       * (region[i].taps.count if region[i].taps.length > 1 else 1))
        epilogue.begin_store(p, call, &block, p.in_place_store, FC_BIAS_COLS, &store)
        for s in range(s0, s1):
            weight = weights.strip(p, call, group, s, &block, p.guard and not source.in_place,
                                   scratch)
            weights.prefetch_next(p, call, group, s, s0, s1, &block, bursts, &prefetch)
            channel = s * p.width
            if call.bias != NULL:
                store.bias = call.bias + (group * p.c_out + channel) * size
            for i in range(count):
                tiles_of(p, box, &source, &region[i], weight, min(p.width, p.c_out - channel),
                         sums + (channel - s0 * p.width) * size, to, &store)
    epilogue.store_sums(p, call, box, group, s0, s1, p.in_place_store, sums,
                        scratch + p.at_transposed)


def makes_strips(Problem problem):
    """Whether the regions of any box leave padding in, or find no room, so that a strip is made of
    an input that is read in place elsewhere.  Reads no array."""
    cdef const problem_t *p = &problem.c
    cdef call_t call
    cdef const Span *box[4]
    cdef source_t source
    cdef block_t block
    cdef Py_ssize_t group, s, box_number, each = (p.strips + p.task_strips - 1) // p.task_strips
    cdef bint strip = False
    cdef char *scratch = <char *> malloc(p.scratch_bytes)
    if scratch == NULL:
        raise MemoryError(f"fastconv: no memory for {p.scratch_bytes} bytes of scratch")
    call.src = NULL
    for box_number in range(p.boxes):
        decode(p, box_number * each, box, &group, &s)
        block.k1 = -1
        next_block(p, &block)
        if box[1].taps and box[2].taps and box[3].taps and block.k1 > block.k0:
            if sources.would_read_in_place(p, &call, box, group, &block, &source):
                strip = find_regions(p, &call, box, group, &block, scratch, &source, False, -1) < 0
            else:
                strip = True
        if strip:
            break
    free(scratch)
    return strip


def run(Problem problem, size_t src, size_t wei, size_t packed, size_t bias, size_t residual,
        size_t dst, int threads, bint shared, Py_ssize_t chunk):
    return parallel.run(problem, pixels_task if problem.c.pixels_wide else channels_task,
                        src, wei, packed, bias, residual, dst, threads, shared, chunk)
