# SPDX-License-Identifier: BSD-3-Clause
"""The way of sums to the output, of one box and some strips of output channels.

Sums lie in scratch, [channel][pixel] or [pixel][channel] as the tiles have made them, or where
they belong already (`there`).  What is left to do for them is one kernel for a row:

    out = activation(alpha * sum + bias + beta * out + residual)

and a row goes along the channels where these lie side by side on both sides, else along pixels.
Tiles that write the output do most of it themselves, while they have the sums in registers.
"""
from fastconv._core.conv cimport TRANSPOSED, block_t, call_t, place_of, problem_t
from fastconv._core.axis cimport Span
from fastconv._core.table cimport FC_ADD, FC_RESIDUAL, fc_store


cdef void simple_store(const problem_t *p, const call_t *call, fc_store *store) noexcept nogil:
    """What is done to the sums of all blocks as the output is written, if it is simple."""
    store.flags, store.low, store.high = p.last_flags, p.epilogue.real_low, p.epilogue.real_high
    if call.residual != NULL:
        store.flags |= FC_RESIDUAL
        store.residual_bytes = call.residual - call.dst


cdef void begin_store(const problem_t *p, const call_t *call, const block_t *block, bint there,
                      int bias, fc_store *store) noexcept nogil:
    """What tiles do with the sums of a block of k; `bias` is the flag for it, and which one is
    for each strip to say.  `there`: tiles write the output."""
    store.flags, store.bias = 0, NULL
    if block.k1 == p.depth:
        if there and p.simple:
            simple_store(p, call, store)
        if call.bias != NULL and p.tile_bias:
            store.flags |= bias
    store.flags |= p.tile_flags | (FC_ADD if block.k0 else 0)


cdef char *output(const problem_t *p, const call_t *call, const Span **box, Py_ssize_t group,
                  Py_ssize_t channel) noexcept nogil:
    """Where the first pixel of a box belongs."""
    cdef int a
    cdef char *dst = call.dst + group % p.apart * p.dst_part_bytes + place_of(
        group // p.apart * p.c_out + channel, p.dst_parts, p.dst_c_bytes, p.dst_part_bytes)
    for a in range(4):
        dst += box[a].start * p.axis[a].dst_bytes
    return dst


# Pixels that are a step apart in the output (and the residual), from the first one on.
cdef struct line_t:
    char *dst                   # of channel 0 of the group
    const char *residual        # or NULL
    Py_ssize_t dst_step, residual_step
    Py_ssize_t count
    bint there                  # sums lie in the output


cdef void epilogue_row(const problem_t *p, const call_t *call, const line_t *line, Py_ssize_t group,
                       Py_ssize_t channel, Py_ssize_t pixel, const char *src, Py_ssize_t src_step,
                       Py_ssize_t count, bint along_channels) noexcept nogil:
    """`count` sums from a channel and pixel of the line on, along either."""
    cdef Py_ssize_t dst_step = line.dst_step, residual_step = line.residual_step
    cdef const char *bias = NULL
    cdef const char *residual = NULL
    cdef char *dst = (line.dst + pixel * line.dst_step
                      + place_of(channel, p.dst_parts, p.dst_c_bytes, p.dst_part_bytes))
    if line.residual != NULL:
        residual = (line.residual + pixel * line.residual_step
                    + place_of(channel, p.dst_parts, p.residual_c_bytes,
                               p.residual_part_bytes))
    if call.bias != NULL and not p.tile_bias:
        bias = call.bias + (group * p.c_out + channel) * p.epilogue_kernels.itemsize
    if along_channels:
        dst_step = p.dst_part_bytes if p.dst_parts == 2 else p.dst_c_bytes
        residual_step = p.residual_part_bytes if p.dst_parts == 2 else p.residual_c_bytes
    if line.there:
        src, src_step = dst, dst_step
    p.epilogue_kernels.epilogue(&p.epilogue, dst, dst_step, src, src_step, residual,
                                residual_step, bias, 1 if along_channels else 0, count)


cdef void epilogue_line(const problem_t *p, const call_t *call, const line_t *line,
                        Py_ssize_t group, Py_ssize_t o0, Py_ssize_t o1, const char *sums,
                        char *transposed) noexcept nogil:
    """Channels [o0, o1) of all pixels of a line; `sums` is that of the first.

    Sums that lie in the output go along its pixels, too, where one step does not lead through the
    numbers of the residual: complex channels that lie apart."""
    cdef Py_ssize_t size = p.itemsize, o, low, high, pixel, part
    cdef bint wanted = call.bias != NULL and not p.tile_bias
    cdef fc_store store
    if p.pixels_wide or (line.there and not contiguous(p, line.residual != NULL)):
        for o in range(o0, o1):
            epilogue_row(p, call, line, group, o, 0, sums + (o - o0) * p.sum_pitch * size, size,
                         line.count, False)
    elif line.there and not wanted and one_row(p, line, o1 - o0):
        epilogue_row(p, call, line, group, o0, 0, sums, size, line.count * (o1 - o0), True)
    elif contiguous(p, line.residual != NULL):
        for pixel in range(line.count):
            epilogue_row(p, call, line, group, o0, pixel, sums + pixel * p.sum_pitch * size, size,
                         o1 - o0, True)
    elif (p.simple and p.dst_native and call.residual != call.dst
            and (line.dst_step == size or line.count == 1)):
        simple_store(p, call, &store)
        p.kernels.transpose(line.dst + o0 * p.dst_c_bytes, p.dst_c_bytes // size, sums,
                            p.sum_pitch, line.count, o1 - o0, &store)
    elif (p.pairs != NULL and p.moved and not wanted and line.residual == NULL
          and (line.dst_step == 2 * size or line.count == 1)):
        p.pairs.transpose(line.dst + o0 // 2 * p.dst_c_bytes, p.dst_c_bytes // (2 * size), sums,
                          p.sum_pitch // 2, line.count, (o1 - o0) // 2, NULL)
    else:
        low = o0
        while low < o1:
            high = min(low + p.width, o1)
            pixel = 0
            while pixel < line.count:
                part = min(TRANSPOSED, line.count - pixel)
                p.kernels.transpose(transposed, TRANSPOSED,
                                    sums + (pixel * p.sum_pitch + low - o0) * size,
                                    p.sum_pitch, part, high - low, NULL)
                for o in range(low, high):
                    epilogue_row(p, call, line, group, o, pixel,
                                 transposed + (o - low) * TRANSPOSED * size, size, part, False)
                pixel += part
            low = high


cdef bint contiguous(const problem_t *p, bint residual) noexcept nogil:
    """Whether channels lie side by side in the output, and in the residual."""
    cdef Py_ssize_t size = p.dst_itemsize
    if p.dst_c_bytes != size * p.dst_parts or (p.dst_parts == 2 and p.dst_part_bytes != size):
        return False
    return not residual or (p.dst_parts == 1 or p.residual_c_bytes == 2 * p.residual_part_bytes)


cdef bint one_row(const problem_t *p, const line_t *line, Py_ssize_t channels) noexcept nogil:
    """Whether the channels of all pixels, with their parts, follow one another in the output, and
    in the residual."""
    channels //= p.dst_parts
    return contiguous(p, line.residual != NULL) and line.dst_step == channels * p.dst_c_bytes and (
        line.residual == NULL or line.residual_step == channels * p.residual_c_bytes)


cdef void store_sums(const problem_t *p, const call_t *call, const Span **box, Py_ssize_t group,
                     Py_ssize_t s0, Py_ssize_t s1, bint there, const char *sums,
                     char *transposed) noexcept nogil:
    """Sums of the strips [s0, s1) of a box, from scratch to where they belong, or `there`.

    `sums` belongs to the first channel of strip s0; `transposed` is room for sums on that way.
    """
    cdef Py_ssize_t o0 = s0 * p.width, o1 = min(s1 * p.width, p.c_out), n, d, h
    cdef Py_ssize_t rows = box[2].count
    cdef char *dst = output(p, call, box, group, 0)
    cdef const char *residual = call.residual
    cdef line_t line
    cdef int a
    line.there = there
    if there and p.simple:
        return
    if residual != NULL:
        residual += group % p.apart * p.residual_part_bytes + place_of(
            group // p.apart * p.c_out, p.dst_parts, p.residual_c_bytes, p.residual_part_bytes)
        for a in range(4):
            residual += box[a].start * p.axis[a].residual_bytes
    # Rows that follow one another are one.
    line.count = box[3].count
    a = 3 if line.count > 1 else 2      # a row of one pixel may have any step
    line.dst_step, line.residual_step = p.axis[a].dst_bytes, p.axis[a].residual_bytes
    if rows == 1 or (p.axis[2].dst_bytes == line.count * line.dst_step and (
            residual == NULL or p.axis[2].residual_bytes == line.count * line.residual_step)):
        line.count *= rows
        rows = 1
    for n in range(box[0].count):
        for d in range(box[1].count):
            for h in range(rows):
                line.dst = (dst + n * p.axis[0].dst_bytes + d * p.axis[1].dst_bytes
                            + h * p.axis[2].dst_bytes)
                line.residual = NULL
                if residual != NULL:
                    line.residual = (residual + n * p.axis[0].residual_bytes
                                     + d * p.axis[1].residual_bytes + h * p.axis[2].residual_bytes)
                epilogue_line(p, call, &line, group, o0, o1, sums, transposed)
                sums += line.count * p.itemsize * (1 if p.pixels_wide else p.sum_pitch)
