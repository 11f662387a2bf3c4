# SPDX-License-Identifier: BSD-3-Clause
"""resample: interpolation and unpooling, an axis at a time.

A row is what lies along the width of the output: elements, or pixels of some channels each.  A task
is some rows, of one plane or of several that follow one another, and a part of their width:

    for a few rows at a time:
        for each row:       the rows of the input that it is made of, along depth and height:
                            one of them, in place or copied; or their sum with weights
        along the width:    all of them at once, as they share tables
        what cannot be written in place:    through a buffer

Rows of the input that lie native and side by side are read where they are; others are converted
into slots, in which the next row of the output finds most of them again.
"""
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from fastconv._core.parallel cimport make_tasks
from fastconv._core.table cimport (
    FC_FAR, FC_NEAR, FC_TOGETHER, fc_epilogue, fc_kernels, fc_pixel_samples, fc_samples, find)
from fastconv._core.window cimport LINE, PAGE, book, operands_t

cdef enum:
    ROWS = 4                # of the output, at a time
    PLAIN_ROWS = 16         # ... if nothing is kept of them in scratch
    SUMMED = 16             # FC_SUMMED, for the sizes of arrays
    INTEGERS = 16           # of what is told of a block

cdef enum:                 # what an output is made of: nothing, one input as it is, a sum
    NOTHING, ONE, SUM

MOST_SLOTS, TOGETHER_ROWS, BLOCK_INTEGERS = SUMMED, ROWS, INTEGERS
FAR, NEAR, TOGETHER = FC_FAR, FC_NEAR, FC_TOGETHER
KINDS = (NOTHING, ONE, SUM)

# What the outputs of depth or height are made of.
cdef struct axis_t:
    Py_ssize_t n, outputs, taps
    const char *kind            # [output]
    const Py_ssize_t *count     # [output]
    const Py_ssize_t *index     # [output][tap]
    const Py_ssize_t *bytes     # [output][tap]: where that is
    const double *weight        # [output][tap]
    const char *by              # [output][tap]: the same in the dtype of the kernels

# An array: pixels along the width, each of some elements.
cdef struct rows_t:
    int storage
    Py_ssize_t bytes[4]         # from batch to batch, channel, depth, height
    Py_ssize_t pixel_bytes, element_bytes
    bint in_place

# Pixels [first, end) of the output and [low, high) of the input, which they are made of.
cdef struct block_t:
    Py_ssize_t first, end, low, high
    fc_samples row
    fc_pixel_samples pixel

cdef struct resample_t:
    const fc_kernels *kernels
    Py_ssize_t itemsize         # of what kernels compute in
    fc_epilogue how
    rows_t src, dst
    axis_t depth, height
    Py_ssize_t channels         # that are not part of pixels
    Py_ssize_t inner            # elements of a pixel
    bint holes                  # some rows of the output are made of nothing
    bint mixes                  # some rows of the input are copied or summed
    bint uneven                 # what outputs of a vector lack is the 0 behind a row, in scratch
    bint pixels                 # vectors are parts of pixels, else of rows
    Py_ssize_t rows, task_rows, blocks
    block_t *block
    Py_ssize_t slots[2]         # rows of depth and height that an output is made of, or 0: too many
    Py_ssize_t row_bytes, out_bytes             # of a row of the input and the output in scratch
    Py_ssize_t at_mixed, at_outs, at_slots, at_tags, at_zeros, scratch_bytes

# A row of the output; what its plane is made of; where the volume of the input, or the plane if it
# is one, and the plane of the output begin.
cdef struct place_t:
    Py_ssize_t n, c, d, h
    int kind
    const char *src
    char *dst


cdef void load(const resample_t *p, const block_t *block, const char *src, char *to,
               const char *scratch) noexcept nogil:
    """Copy a row of the input, converted."""
    cdef Py_ssize_t pixels = block.high - block.low, inner = p.inner
    cdef const char *zero = scratch + p.at_zeros
    if inner == 1:
        p.kernels.copy_row(to, 0, pixels, 0, src, p.src.pixel_bytes, p.src.storage, zero)
    elif p.src.pixel_bytes == inner * p.src.element_bytes:
        p.kernels.copy_row(to, 0, pixels * inner, 0, src, p.src.element_bytes, p.src.storage, zero)
    else:
        p.kernels.copy_rows(to, pixels, 0, inner, 0, src, p.src.pixel_bytes, p.src.element_bytes,
                            p.src.storage, zero)


cdef void store(const resample_t *p, const block_t *block, const char *sums,
                char *dst) noexcept nogil:
    """A row of the output, from a buffer."""
    cdef Py_ssize_t pixels = block.end - block.first, count = p.inner, step = p.dst.element_bytes
    cdef Py_ssize_t i
    if p.inner == 1:
        count, step, pixels = pixels, p.dst.pixel_bytes, 1
    elif p.dst.pixel_bytes == p.inner * step:
        count, pixels = pixels * p.inner, 1
    for i in range(pixels):
        p.kernels.epilogue(&p.how, dst + i * p.dst.pixel_bytes, step,
                           sums + i * count * p.itemsize, p.itemsize, NULL, 0, NULL, 0, count)


cdef void find_plane(const resample_t *p, const block_t *block, const operands_t *operands,
                     place_t *place) noexcept nogil:
    """What the rows of a plane have in common."""
    place.kind = p.depth.kind[place.d]
    place.src = (operands.src + place.n * p.src.bytes[0] + place.c * p.src.bytes[1]
                 + block.low * p.src.pixel_bytes)
    if place.kind == ONE:
        place.src += p.depth.bytes[place.d * p.depth.taps]
    place.dst = (operands.dst + place.n * p.dst.bytes[0] + place.c * p.dst.bytes[1]
                 + place.d * p.dst.bytes[2] + block.first * p.dst.pixel_bytes)


cdef void next_plane(const resample_t *p, const block_t *block, const operands_t *operands,
                     place_t *place) noexcept nogil:
    """The first row of the next plane."""
    place.h = 0
    place.d += 1
    if place.d == p.depth.outputs:
        place.d = 0
        place.c += 1
        if place.c == p.channels:
            place.c = 0
            place.n += 1
    find_plane(p, block, operands, place)


cdef const char *kept(const resample_t *p, const block_t *block, const place_t *place,
                      Py_ssize_t d, Py_ssize_t h, const char *at, Py_ssize_t k,
                      char *scratch) noexcept nogil:
    """Row h of plane d of the input, in a slot."""
    cdef Py_ssize_t *tags = <Py_ssize_t *> (scratch + p.at_tags)
    cdef Py_ssize_t slot = k, tag = -1
    cdef char *to
    if p.slots[0]:
        slot = d % p.slots[0] * p.slots[1] + h % p.slots[1]
        tag = ((place.n * p.channels + place.c) * p.depth.n + d) * p.height.n + h
    to = scratch + p.at_slots + slot * p.row_bytes
    if tag < 0 or tags[slot] != tag:
        load(p, block, at, to, scratch)
        tags[slot] = tag
    return to


cdef void sum_rows(const resample_t *p, const block_t *block, const place_t *place, char *mixed,
                   char *scratch) noexcept nogil:
    """The sum of rows of the input with their weights, SUMMED at a time."""
    cdef const void *row[SUMMED]
    cdef double weight[SUMMED]      # or floats, in the same place
    cdef Py_ssize_t d0 = place.d * p.depth.taps, h0 = place.h * p.height.taps
    cdef Py_ssize_t d, h, k = 0, count = (block.high - block.low) * p.inner
    cdef Py_ssize_t planes = p.depth.count[place.d], rows = p.height.count[place.h]
    cdef const char *at
    cdef bint add = False
    if p.src.in_place and place.kind == ONE and rows <= SUMMED:
        for h in range(rows):
            row[h] = place.src + p.height.bytes[h0 + h]
        p.kernels.weigh_rows(mixed, row, p.height.by + h0 * p.itemsize, rows, count, False)
        return
    for d in range(d0, d0 + planes):
        for h in range(h0, h0 + rows):
            if k == SUMMED:
                p.kernels.weigh_rows(mixed, row, weight, k, count, add)
                add, k = True, 0
            at = place.src + p.height.bytes[h]
            if place.kind == SUM:
                at += p.depth.bytes[d]
            row[k] = at
            if not p.src.in_place:
                row[k] = kept(p, block, place, p.depth.index[d], p.height.index[h], at, k, scratch)
            if p.itemsize == sizeof(float):
                (<float *> weight)[k] = <float> (p.depth.weight[d] * p.height.weight[h])
            else:
                weight[k] = p.depth.weight[d] * p.height.weight[h]
            k += 1
    p.kernels.weigh_rows(mixed, row, weight, k, count, add)


cdef void rows_in_place(const resample_t *p, const block_t *block, const operands_t *operands,
                        place_t *place, Py_ssize_t rows, const void **src,
                        void **dst) noexcept nogil:
    """Where the next rows of the output are, and the rows of the input that they are copies of, if
    nothing stands between both."""
    cdef const Py_ssize_t *at
    cdef Py_ssize_t r = 0, taps = p.height.taps, step = p.dst.bytes[3], end
    cdef const char *src_plane
    cdef char *dst_row
    while r < rows:
        end = min(rows, r + p.height.outputs - place.h)
        at, src_plane = p.height.bytes + place.h * taps, place.src
        dst_row = place.dst + place.h * step
        place.h += end - r
        while r < end:
            src[r], dst[r] = src_plane + at[0], dst_row
            at += taps
            dst_row += step
            r += 1
        if place.h == p.height.outputs:
            next_plane(p, block, operands, place)


cdef void one_task(const void *what, operands_t *operands, Py_ssize_t task,
                   char *scratch) noexcept nogil:
    cdef const resample_t *p = <const resample_t *> what
    cdef const block_t *block = p.block + task % p.blocks
    cdef Py_ssize_t first = task // p.blocks * p.task_rows
    cdef Py_ssize_t left = min(p.rows - first, p.task_rows), some, r
    cdef Py_ssize_t used = (block.high - block.low) * p.inner * p.itemsize
    cdef const void *src[PLAIN_ROWS]
    cdef void *dst[PLAIN_ROWS]
    cdef char *out[ROWS]
    cdef char *mixed
    cdef int kind
    cdef bint plain = p.src.in_place and p.dst.in_place and not p.mixes and not p.holes
    cdef place_t place
    place.h = first % p.height.outputs
    first //= p.height.outputs
    place.d = first % p.depth.outputs
    first //= p.depth.outputs
    place.c, place.n = first % p.channels, first // p.channels
    find_plane(p, block, operands, &place)
    if p.holes:
        memset(scratch + p.at_zeros, 0, p.row_bytes)
    for r in range(ROWS if p.mixes else 0):     # what is read beyond a row is 0
        memset(scratch + p.at_mixed + r * p.row_bytes + used, 0, p.row_bytes - used)
    memset(scratch + p.at_tags, -1, SUMMED * sizeof(Py_ssize_t))
    while left:
        some = min(left, <Py_ssize_t> (PLAIN_ROWS if plain else ROWS))
        left -= some
        if plain:
            rows_in_place(p, block, operands, &place, some, src, dst)
        for r in range(0 if plain else some):
            mixed = scratch + p.at_mixed + r * p.row_bytes
            kind = min(place.kind, <int> p.height.kind[place.h])
            src[r] = mixed
            if kind == NOTHING:
                src[r] = scratch + p.at_zeros
            elif place.kind == SUM or p.height.kind[place.h] == SUM:
                sum_rows(p, block, &place, mixed, scratch)
            elif p.src.in_place and not p.uneven:
                src[r] = place.src + p.height.bytes[place.h * p.height.taps]
            else:
                load(p, block, place.src + p.height.bytes[place.h * p.height.taps], mixed, scratch)
            out[r] = place.dst + place.h * p.dst.bytes[3]
            dst[r] = out[r] if p.dst.in_place else scratch + p.at_outs + r * p.out_bytes
            place.h += 1
            if place.h == p.height.outputs:
                next_plane(p, block, operands, &place)
        if p.pixels:
            for r in range(some):
                p.kernels.resample_pixels(&block.pixel, dst[r], src[r])
        else:
            p.kernels.resample_rows(&block.row, dst, src, some)
        if not p.dst.in_place:
            for r in range(some):
                store(p, block, <const char *> dst[r], out[r])


cdef void set_axis(axis_t *axis, const Py_ssize_t *told) noexcept:
    """Depth or height, from its sizes and the addresses of its tables."""
    axis.n, axis.outputs, axis.taps = told[0], told[1], told[2]
    axis.kind, axis.count = <const char *> told[3], <const Py_ssize_t *> told[4]
    axis.index, axis.bytes = <const Py_ssize_t *> told[5], <const Py_ssize_t *> told[6]
    axis.weight, axis.by = <const double *> told[7], <const char *> told[8]


cdef void set_rows(rows_t *rows, const Py_ssize_t *told) noexcept:
    """An array: see `Rows` of _plan/resample.py."""
    cdef Py_ssize_t a
    rows.storage = <int> told[0]
    for a in range(4):
        rows.bytes[a] = told[1 + a]
    rows.pixel_bytes, rows.element_bytes, rows.in_place = told[5], told[6], told[7]


cdef void set_block(block_t *block, const Py_ssize_t *told, Py_ssize_t inner,
                    Py_ssize_t step) noexcept:
    """A part of the width, from its sizes and the addresses of its tables."""
    cdef fc_samples *row = &block.row
    cdef fc_pixel_samples *pixel = &block.pixel
    block.first, block.end, block.low, block.high = told[0], told[1], told[2], told[3]
    row.groups, row.taps, row.every = told[4], told[5], told[6]
    row.at, row.count = <const Py_ssize_t *> told[7], <const Py_ssize_t *> told[8]
    row.base, row.place = <const Py_ssize_t *> told[9], <const int32_t *> told[10]
    row.weight, row.near = <const void *> told[11], <const char *> told[12]
    row.whole, row.regular, row.step = told[13], told[14], told[15]
    pixel.outputs, pixel.taps, pixel.every, pixel.inner = told[4], told[5], told[6], inner
    pixel.step, pixel.count, pixel.place = step, row.count, row.base
    pixel.weight = row.weight


cdef class Problem:
    """Everything that a call needs to run; made once, then only read.

    The keywords come from `_problem` of _plan/resample.py: src, dst, depth, height and blocks are
    addresses of integers (BLOCK_INTEGERS for each block), and `tables` are the arrays that all
    these point to.
    """
    cdef resample_t c
    cdef object tables
    cdef readonly Py_ssize_t tasks

    def __init__(self, *, isa, dtype, size_t src, size_t dst, size_t depth, size_t height,
                 Py_ssize_t batch, Py_ssize_t channels, Py_ssize_t inner, bint pixels, bint holes,
                 bint uneven, bint mixes, size_t blocks, Py_ssize_t number, Py_ssize_t task_rows,
                 slots, int saturate, int sum_storage, tables):
        cdef resample_t *p = &self.c
        cdef const block_t *block
        cdef Py_ssize_t end = 0, most = 0, longest = 0, many, i, step = inner
        self.tables = tables
        p.kernels = find(isa, dtype)
        p.itemsize = p.kernels.itemsize
        set_rows(&p.src, <const Py_ssize_t *> src)
        set_rows(&p.dst, <const Py_ssize_t *> dst)
        set_axis(&p.depth, <const Py_ssize_t *> depth)
        set_axis(&p.height, <const Py_ssize_t *> height)
        memset(&p.how, 0, sizeof(fc_epilogue))
        p.how.saturate, p.how.sum_storage, p.how.dst_storage = saturate, sum_storage, p.dst.storage
        p.how.real_alpha, p.how.integer_alpha = 1, 1
        p.channels, p.inner, p.pixels = channels, inner, pixels
        p.holes, p.uneven, p.mixes = holes, uneven, mixes
        p.rows = batch * channels * p.depth.outputs * p.height.outputs
        p.task_rows, p.blocks, p.slots = task_rows, number, slots
        p.block = <block_t *> malloc(p.blocks * sizeof(block_t))
        if p.block == NULL:
            raise MemoryError("fastconv: no memory for the blocks of a plan")
        if p.dst.in_place:
            step = p.dst.pixel_bytes // p.itemsize
        for i in range(p.blocks):
            block = p.block + i
            set_block(p.block + i, <const Py_ssize_t *> blocks + i * INTEGERS, inner, step)
            most = max(most, block.high - block.low)
            longest = max(longest, block.end - block.first)
        self.tasks = (p.rows + task_rows - 1) // task_rows * p.blocks
        # Behind a row there is room for a vector.
        p.row_bytes = book(&end, (most * inner + p.kernels.lanes) * p.itemsize)
        p.row_bytes, end = end, 0
        p.out_bytes = book(&end, (longest * inner + p.kernels.lanes) * p.itemsize)
        p.out_bytes, end = end, 0
        p.at_mixed = book(&end, ROWS * p.row_bytes if mixes else 0)
        p.at_outs = book(&end, 0 if p.dst.in_place else ROWS * p.out_bytes)
        many = p.slots[0] * p.slots[1] if p.slots[0] else SUMMED
        p.at_slots = book(&end, 0 if p.src.in_place else many * p.row_bytes)
        p.at_tags = book(&end, SUMMED * sizeof(Py_ssize_t))
        p.at_zeros = book(&end, p.row_bytes if holes else LINE)
        p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE

    def __dealloc__(self):
        free(self.c.block)

    @property
    def scratch_bytes(self):
        """Bytes of scratch a thread."""
        return self.c.scratch_bytes


def tasks(Problem problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.c, one_task, problem.tasks, problem.c.scratch_bytes)
