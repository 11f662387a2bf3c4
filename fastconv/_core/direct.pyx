# SPDX-License-Identifier: BSD-3-Clause
"""direct: taps are read where the pixels lie, in the user's array or in a strip of it.

A task is a box of pixels and some panels of weights of one group:

    for each block of k:            source of the box (in place, or a strip is copied)
        for each panel of weights:  packed now, or found among the prepared ones
            for each run of pixels: tiles

Pixels wide: a tile is a panel of weights times vectors of pixels, and writes the output.
Otherwise a tile is some pixels of a row times a panel of two vectors of output channels
(regions.pyx), and the sums [pixel][channel] stay in scratch until they are transposed on the way
out, unless that is how the output lies.
"""
from libc.stdlib cimport free, malloc

from fastconv._core cimport source as sources
from fastconv._core cimport epilogue, regions, stencil, weights
from fastconv._core.axis cimport Axis, Span
from fastconv._core.conv cimport (
    REGIONS, Problem, conv_t, next_block, region_t, take_task, tasks_of)
from fastconv._core.source cimport source_t
from fastconv._core.table cimport (
    FC_BIAS_COLS, FC_BIAS_ROWS, FC_STENCIL_ROWS, FC_SUMS_IN_FLIGHT, fc_kernels, fc_prefetch,
    fc_row_use, fc_step, fc_store, fc_tap, fc_taps, fc_tile_fn)
from fastconv._core.window cimport block_t, operands_t


cdef void run_of_tiles(const fc_kernels *kernels, const fc_taps *taps, const char *a,
                       Py_ssize_t rows, const char *b, Py_ssize_t length, char *c,
                       Py_ssize_t ldc, const fc_store *store) noexcept nogil:
    """One panel of weights times `length` pixels side by side, widest tiles first."""
    cdef Py_ssize_t done = 0, cols
    # Few rows need wide tiles.
    cdef int width = 2 if 2 * rows < FC_SUMS_IN_FLIGHT and rows <= kernels.max_rows[2] else 1
    while done < length:
        while width > 0 and length - done <= kernels.lanes * ((1 << width) - 1):
            width -= 1
        cols = min(kernels.lanes << width, length - done)
        kernels.tile[width][rows](taps, a, b + done * kernels.itemsize,
                                  c + done * kernels.itemsize, ldc, cols, store)
        done += cols


cdef void stencil_rows(const conv_t *p, const source_t *source, const block_t *block,
                       char *scratch, const char *weight, char *dst, const Py_ssize_t *to,
                       const fc_store *store) noexcept nogil:
    """All pixels of a box for a single output channel, some output rows at a time."""
    cdef fc_row_use *use = <fc_row_use *> (scratch + p.at.row_use)
    cdef fc_step *step = <fc_step *> (scratch + p.at.step)
    cdef Py_ssize_t steps = stencil.steps(&p.window, source, block, step)
    cdef Py_ssize_t n, d, h = 0, rows, made = 0, count = 0, size = p.window.itemsize
    cdef const Span **box = source.box
    while h < box[2].count:
        rows = min(FC_STENCIL_ROWS, box[2].count - h)
        if rows != made:
            count = stencil.row_uses(&p.window, source, block, rows, use)
            made = rows
        for n in range(box[0].count):
            for d in range(box[1].count):
                p.window.kernels.stencil(
                    use, count, step, steps, weight,
                    source.data + (n * source.pixel[0] + d * source.pixel[1]
                                   + h * source.pixel[2]) * size,
                    dst + (n * to[0] + d * to[1] + h * to[2]) * size, to[2],
                    rows, box[3].count, store)
        h += rows


cdef void pixels_task(const void *what, operands_t *operands, Py_ssize_t task,
                      char *scratch) noexcept nogil:
    cdef const conv_t *p = <const conv_t *> what
    cdef const Span *box[4]
    cdef source_t source
    cdef block_t block
    cdef fc_taps taps
    cdef fc_tap *tap = <fc_tap *> scratch
    cdef Py_ssize_t group, s0, s1, s, i, rows, channel, n, d, h, width = p.panels.width
    cdef Py_ssize_t size = p.window.itemsize, run, ldc
    cdef Py_ssize_t count[3]
    cdef Py_ssize_t to[4]       # elements from a pixel to the next along each axis, where sums go
    cdef fc_store store
    cdef bint in_place_store = p.epilogue.in_place_store, last
    cdef int a
    cdef const char *weight
    cdef char *dst
    take_task(p, task, box, &group, &s0, &s1)
    # Where sums go: the output itself, or rows of scratch.
    if in_place_store:
        ldc = p.epilogue.dst.channel_bytes // size
        dst = epilogue.output(&p.epilogue, operands, box, group, 0)
        for a in range(4):
            to[a] = p.epilogue.dst.axis_bytes[a] // size
    else:
        ldc = p.epilogue.pitch
        dst = scratch + p.at.sum - s0 * width * ldc * size
        to[3] = 1
        for a in range(2, -1, -1):
            to[a] = to[a + 1] * box[a + 1].count
    block.k1 = -1
    while next_block(p, &block):
        last = block.k1 == p.schedule.depth
        sources.prepare(&p.window, operands.src, box, group, &block, scratch, False, &source, tap,
                        &taps)
        taps.a_step, taps.b_step, taps.a_row = width, source.channel, 1
        for i in range(taps.count):
            tap[i].a *= taps.length * width
        if taps.count > 1 and not p.schedule.stencil:
            sources.single_steps(&taps, <fc_tap *> (scratch + p.at.step))
        epilogue.begin_store(&p.epilogue, operands, block.k0 == 0, last, in_place_store,
                             FC_BIAS_ROWS, &store)
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
            weight = weights.panel(p, operands, group, s, &block, p.window.padded, scratch)
            channel = s * width
            rows = min(width, p.epilogue.channels - channel)
            epilogue.set_bias(&p.epilogue, operands, group, channel, &store)
            if p.schedule.stencil:
                stencil_rows(p, &source, &block, scratch, weight, dst + channel * ldc * size, to,
                             &store)
            for n in range(0 if p.schedule.stencil else count[0]):
                for d in range(count[1]):
                    for h in range(count[2]):
                        run_of_tiles(
                            p.window.kernels, &taps, weight, rows,
                            source.data + (n * source.pixel[0] + d * source.pixel[1]
                                           + h * source.pixel[2]) * size,
                            run,
                            dst + (channel * ldc + n * to[0] + d * to[1] + h * to[2]) * size,
                            ldc, &store)
            if last:
                epilogue.store_sums(&p.epilogue, operands, box, group, channel, channel + rows,
                                    in_place_store, dst + channel * ldc * size, NULL)


cdef void tiles_of(const conv_t *p, const source_t *source, const region_t *region,
                   const char *weight, Py_ssize_t cols, char *sums, const Py_ssize_t *to,
                   const fc_store *store) noexcept nogil:
    """All pixels of a region times a panel of weights."""
    cdef const fc_kernels *kernels = p.window.kernels
    cdef Py_ssize_t n, d, h, tile, first, rows, size = kernels.itemsize
    cdef int width = 1 if cols > kernels.lanes else 0
    cdef fc_tile_fn *tile_fn
    cdef const char *src
    cdef char *dst
    if not p.epilogue.in_place_store:       # sums have room for whole vectors
        cols = kernels.lanes << width
    for n in range(region.batch):
        for d in range(region.d0, region.d0 + region.planes):
            for h in range(region.h0, region.h0 + region.rows):
                src = source.data + (n * source.pixel[0] + d * source.pixel[1]
                                     + h * source.pixel[2]) * size
                dst = sums + n * to[0] + d * to[1] + h * to[2]
                for tile in range(region.first, region.end):
                    first = region.run * tile // region.tiles
                    rows = region.run * (tile + 1) // region.tiles - first
                    tile_fn = (kernels.tile[width][rows] if region.taps.a_row == 1 else
                               kernels.tile_strided[width][rows])
                    tile_fn(
                        &region.taps, src + first * source.pixel[3] * size, weight,
                        dst + first * to[3], to[3] // size, cols, store)


cdef Py_ssize_t find_regions(const conv_t *p, const char *src, const Span **box,
                             Py_ssize_t group, const block_t *block, char *scratch,
                             source_t *source, bint strip, Py_ssize_t known) noexcept nogil:
    """The source of a block of k and the regions of its box; returns how many, or -1: they do not
    leave out all padding.  Those of the block before, if `known`, are the same."""
    cdef region_t *region = <region_t *> (scratch + p.at.region)
    cdef fc_tap *tap = <fc_tap *> scratch
    cdef fc_taps taps
    cdef Py_ssize_t i, width = p.panels.width
    sources.prepare(&p.window, src, box, group, block, scratch, strip, source, tap, &taps)
    taps.a_step, taps.b_step, taps.a_row = source.channel, width, source.pixel[3]
    for i in range(taps.count):
        tap[i].a, tap[i].b = tap[i].b, tap[i].a * taps.length * width
    if known >= 0:
        return known
    return regions.make(p, source, block, &taps, <fc_tap *> &region[REGIONS], region)


cdef void channels_task(const void *what, operands_t *operands, Py_ssize_t task,
                        char *scratch) noexcept nogil:
    cdef const conv_t *p = <const conv_t *> what
    cdef const Span *box[4]
    cdef source_t source
    cdef block_t block
    cdef region_t *region = <region_t *> (scratch + p.at.region)
    cdef char *sums = scratch + p.at.sum
    cdef Py_ssize_t group, s0, s1, s, i, count = -1, channels = -1, channel, bursts
    cdef Py_ssize_t size = p.window.itemsize, width = p.panels.width
    cdef Py_ssize_t to[4]       # bytes from a pixel to the next along each axis, where sums go
    cdef fc_prefetch prefetch
    cdef fc_store store
    cdef bint in_place_store = p.epilogue.in_place_store, strip = False
    cdef const char *weight
    take_task(p, task, box, &group, &s0, &s1)
    if in_place_store:
        sums = epilogue.output(&p.epilogue, operands, box, group, s0 * width)
        for i in range(4):
            to[i] = p.epilogue.dst.axis_bytes[2 if i == 3 and box[3].count == 1 else i]
    else:
        to[3] = p.epilogue.pitch * size
        for i in range(2, -1, -1):
            to[i] = to[i + 1] * box[i + 1].count
    block.k1 = -1
    while next_block(p, &block):
        if block.c1 - block.c0 != channels or p.schedule.block_k < p.window.taps:
            count = -1          # the last regions are not those of this block
        channels = block.c1 - block.c0
        count = find_regions(p, operands.src, box, group, &block, scratch, &source, strip, count)
        if count < 0:
            strip = True        # zeros are needed
            count = find_regions(p, operands.src, box, group, &block, scratch, &source, strip,
                                 count)
        bursts = 0
        for i in range(count):
            region[i].taps.prefetch = &prefetch
            bursts += (region[i].batch * region[i].planes * region[i].rows
                       * (region[i].end - region[i].first)
                       * (region[i].taps.count if region[i].taps.length > 1 else 1))
        epilogue.begin_store(&p.epilogue, operands, block.k0 == 0,
                             block.k1 == p.schedule.depth, in_place_store, FC_BIAS_COLS, &store)
        for s in range(s0, s1):
            weight = weights.panel(p, operands, group, s, &block,
                                   p.window.padded and not source.in_place, scratch)
            weights.prefetch_next(p, operands, group, s, s0, s1, &block, bursts, &prefetch)
            channel = s * width
            epilogue.set_bias(&p.epilogue, operands, group, channel, &store)
            for i in range(count):
                tiles_of(p, &source, &region[i], weight,
                         min(width, p.epilogue.channels - channel),
                         sums + (channel - s0 * width) * size, to, &store)
    epilogue.store_sums(&p.epilogue, operands, box, group, s0 * width,
                        min(s1 * width, p.epilogue.channels), in_place_store, sums,
                        scratch + p.at.transposed)


cdef bint repeats(const Axis *axis, Py_ssize_t number) noexcept nogil:
    """Whether a span is like the one before it: as long, and no tap of both falls on padding."""
    cdef const Span *this = &axis.span[number]
    cdef const Span *before = this - 1
    if number == 0 or number + 1 == axis.spans or before.count != this.count:
        return False
    return (before.start * axis.stride >= axis.pad
            and (this.start + this.count - 1) * axis.stride + (axis.taps - 1) * axis.dilation
            < axis.pad + axis.src)


cdef bint needs_strip(const conv_t *p, const Span **box, char *scratch) noexcept nogil:
    """Whether a strip is made for the first block of a box."""
    cdef source_t source
    cdef block_t block
    block.k1 = -1
    next_block(p, &block)
    if box[1].taps == 0 or box[2].taps == 0 or box[3].taps == 0 or block.k1 <= block.k0:
        return False
    return (not sources.would_read_in_place(&p.window, box, 0, &block, &source)
            or find_regions(p, NULL, box, 0, &block, scratch, &source, False, -1) < 0)


cdef bint any_needs_strip(const conv_t *p, char *scratch) noexcept nogil:
    """Looks at few boxes, however many there are: far from padding they are alike."""
    cdef const Axis *axis = p.window.axis
    cdef const Span *box[4]
    cdef Py_ssize_t n, d, h, w
    for n in range(axis[0].spans):
        box[0] = &axis[0].span[n]
        if repeats(&axis[0], n):
            continue
        for d in range(axis[1].spans):
            box[1] = &axis[1].span[d]
            if repeats(&axis[1], d):
                continue
            for h in range(axis[2].spans):
                box[2] = &axis[2].span[h]
                if repeats(&axis[2], h):
                    continue
                for w in range(axis[3].spans):
                    box[3] = &axis[3].span[w]
                    if not repeats(&axis[3], w) and needs_strip(p, box, scratch):
                        return True
    return False


def makes_strips(Problem problem):
    """Whether the regions of any box leave padding in, or find no room, so that a strip is made of
    an input that is read in place elsewhere.  Reads no array."""
    cdef const conv_t *p = &problem.c
    cdef char *scratch = <char *> malloc(p.scratch_bytes)
    if scratch == NULL:
        raise MemoryError(f"fastconv: no memory for {p.scratch_bytes} bytes of scratch")
    strip = any_needs_strip(p, scratch)
    free(scratch)
    return strip


def tasks(Problem problem):
    """What a call has to do."""
    return tasks_of(problem, pixels_task if problem.c.schedule.pixels_wide else channels_task)
