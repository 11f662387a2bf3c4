# SPDX-License-Identifier: BSD-3-Clause
"""The epilogue: the sums of one box and some output channels on their way to the output.

Sums lie in scratch, [channel][pixel] or [pixel][channel] as the tiles have made them, or in the
output already (`in_place`).  What is left to do for them is one kernel for a row:

    out = activation(alpha * sum + bias + beta * out + residual)

A row goes along the channels where these lie side by side in sums and output, else along pixels.
Tiles that write the output do most of it themselves, while they have the sums in registers.
"""
from fastconv._core.axis cimport Span
from fastconv._core.table cimport (
    FC_ADD, FC_CLAMP, FC_INTEGER, FC_RESIDUAL, fc_epilogue, fc_store, find)
from fastconv._core.window cimport box_bytes, channel_bytes, group_bytes, operands_t


cdef set_how(epilogue_t *e, how, isa):
    """What becomes of the sums: a `KernelEpilogue` of _plan/epilogue.py."""
    cdef fc_epilogue *to = &e.how
    e.arithmetic = find(isa, how.dtype)
    e.pairs = find(isa, "d") if how.pairs else NULL
    to.activation, to.saturate = how.activation, how.saturate
    to.sum_storage = how.sum_storage
    to.dst_storage, to.residual_storage = e.dst.storage, e.residual.storage
    to.real_alpha = to.real_beta = to.real_low = to.real_high = 0
    to.integer_alpha = to.integer_beta = to.integer_low = to.integer_high = 0
    if e.arithmetic.dtype[0] == c"f":
        to.real_alpha, to.real_beta, to.real_low, to.real_high = how.parameters
    else:
        to.integer_alpha, to.integer_beta, to.integer_low, to.integer_high = how.parameters
    e.moved, e.tile_bias, e.simple = how.moved, how.tile_bias, how.simple
    e.tile_flags = FC_INTEGER if how.integer else 0
    e.last_flags = FC_CLAMP if how.clamps else 0


cdef void simple_store(const epilogue_t *e, const operands_t *operands,
                       fc_store *store) noexcept nogil:
    """What is done to the sums of all blocks as the output is written, if it is simple."""
    store.flags, store.low, store.high = e.last_flags, e.how.real_low, e.how.real_high
    if operands.residual != NULL:
        store.flags |= FC_RESIDUAL
        store.residual_bytes = operands.residual - operands.dst


cdef void begin_store(const epilogue_t *e, const operands_t *operands, bint first, bint last,
                      bint in_place, int bias, fc_store *store) noexcept nogil:
    """What tiles do with the sums of the first, the last, or another block of k.

    `bias` is the flag for it; which one, each panel of weights says.  `in_place`: tiles write the
    output.
    """
    store.flags, store.bias, store.residual_bytes = 0, NULL, 0
    store.low, store.high = e.how.real_low, e.how.real_high     # read even where nothing is clamped
    if last:
        if in_place and e.simple:
            simple_store(e, operands, store)
        if operands.bias != NULL and e.tile_bias:
            store.flags |= bias
    store.flags |= e.tile_flags | (0 if first else FC_ADD)


cdef char *output(const epilogue_t *e, const operands_t *operands, const Span **box,
                  Py_ssize_t group, Py_ssize_t channel) noexcept nogil:
    """Where the first pixel of a box belongs."""
    return (operands.dst + group_bytes(&e.dst, group, e.channels, channel)
            + box_bytes(&e.dst, box))


# Pixels that are a step apart in the output (and the residual), from the first one on.
cdef struct line_t:
    char *dst                   # of channel 0 of the group
    const char *residual        # or NULL
    Py_ssize_t dst_step, residual_step
    Py_ssize_t count
    bint in_place               # sums lie in the output


cdef void epilogue_row(const epilogue_t *e, const operands_t *operands, const line_t *line,
                       Py_ssize_t group, Py_ssize_t channel, Py_ssize_t pixel, const char *src,
                       Py_ssize_t src_step, Py_ssize_t count, bint along_channels) noexcept nogil:
    """`count` sums from a channel and pixel of the line on, along either."""
    cdef Py_ssize_t dst_step = line.dst_step, residual_step = line.residual_step
    cdef const char *bias = NULL
    cdef const char *residual = NULL
    cdef char *dst = line.dst + pixel * line.dst_step + channel_bytes(&e.dst, channel)
    if line.residual != NULL:
        residual = (line.residual + pixel * line.residual_step
                    + channel_bytes(&e.residual, channel))
    if operands.bias != NULL and not e.tile_bias:
        bias = operands.bias + (group * e.channels + channel) * e.arithmetic.itemsize
    if along_channels:
        dst_step, residual_step = e.dst.step_bytes, e.residual.step_bytes
    if line.in_place:
        src, src_step = dst, dst_step
    e.arithmetic.epilogue(&e.how, dst, dst_step, src, src_step, residual, residual_step, bias,
                          1 if along_channels else 0, count)


cdef void epilogue_line(const epilogue_t *e, const operands_t *operands, const line_t *line,
                        Py_ssize_t group, Py_ssize_t o0, Py_ssize_t o1, const char *sums,
                        char *transposed) noexcept nogil:
    """Channels [o0, o1) of all pixels of a line; `sums` is that of the first.

    Sums that lie in the output go along its pixels, too, where one step does not lead through the
    elements of the residual: complex channels whose components lie apart."""
    cdef Py_ssize_t size = e.itemsize, o, low, high, pixel, count
    cdef bint wanted = operands.bias != NULL and not e.tile_bias
    cdef bint side_by_side = contiguous(e, line.residual != NULL)
    cdef fc_store store
    if e.channels_first or (line.in_place and not side_by_side):
        for o in range(o0, o1):
            epilogue_row(e, operands, line, group, o, 0, sums + (o - o0) * e.pitch * size, size,
                         line.count, False)
    elif ((line.in_place or e.pitch == o1 - o0) and not wanted and side_by_side
          and one_row(e, line, o1 - o0)):
        epilogue_row(e, operands, line, group, o0, 0, sums, size, line.count * (o1 - o0), True)
    elif side_by_side:
        for pixel in range(line.count):
            epilogue_row(e, operands, line, group, o0, pixel, sums + pixel * e.pitch * size, size,
                         o1 - o0, True)
    elif (e.simple and e.dst_native and operands.residual != operands.dst
            and (line.dst_step == size or line.count == 1)):
        simple_store(e, operands, &store)
        e.sums.transpose(line.dst + o0 * e.dst.channel_bytes, e.dst.channel_bytes // size, sums,
                         e.pitch, line.count, o1 - o0, &store)
    elif (e.simple and e.dst_steps and operands.residual != operands.dst):
        simple_store(e, operands, &store)
        e.sums.transpose_steps(line.dst + o0 * e.dst.channel_bytes, e.dst.channel_bytes // size,
                               line.dst_step // size, sums, e.pitch, line.count, o1 - o0, &store)
    elif (e.pairs != NULL and e.moved and not wanted and line.residual == NULL
          and (line.dst_step == 2 * size or line.count == 1)):
        e.pairs.transpose(line.dst + o0 // 2 * e.dst.channel_bytes,
                          e.dst.channel_bytes // (2 * size), sums, e.pitch // 2, line.count,
                          (o1 - o0) // 2, NULL)
    else:
        low = o0
        while low < o1:
            high = min(low + e.width, o1)
            pixel = 0
            while pixel < line.count:
                count = min(TRANSPOSED, line.count - pixel)
                e.sums.transpose(transposed, TRANSPOSED,
                                 sums + (pixel * e.pitch + low - o0) * size, e.pitch, count,
                                 high - low, NULL)
                for o in range(low, high):
                    epilogue_row(e, operands, line, group, o, pixel,
                                 transposed + (o - low) * TRANSPOSED * size, size, count, False)
                pixel += count
            low = high


cdef bint contiguous(const epilogue_t *e, bint residual) noexcept nogil:
    """Whether channels lie side by side in the output, and a step leads through the residual."""
    cdef const view_t *dst = &e.dst
    if dst.channel_bytes != dst.components * dst.itemsize:
        return False
    return dst.components == 1 or not residual or (
        e.residual.channel_bytes == 2 * e.residual.component_bytes)


cdef bint one_row(const epilogue_t *e, const line_t *line, Py_ssize_t channels) noexcept nogil:
    """Whether the channels of all pixels, which lie side by side, follow one another in the output,
    and in the residual."""
    return line.dst_step == channels * e.dst.step_bytes and (
        line.residual == NULL or line.residual_step == channels * e.residual.step_bytes)


cdef void store_sums(const epilogue_t *e, const operands_t *operands, const Span **box,
                     Py_ssize_t group, Py_ssize_t o0, Py_ssize_t o1, bint in_place,
                     const char *sums, char *transposed) noexcept nogil:
    """Sums of output channels [o0, o1) of a box, from scratch to where they belong, or `in_place`.

    `sums` belongs to channel o0; `transposed` is room for `width` channels of TRANSPOSED pixels.
    """
    cdef Py_ssize_t n, d, h, rows = box[2].count
    cdef const view_t *to = &e.dst
    cdef const view_t *added = &e.residual
    cdef char *dst = output(e, operands, box, group, 0)
    cdef const char *residual = operands.residual
    cdef line_t line
    cdef int a
    line.in_place = in_place
    if in_place and e.simple:
        return
    if residual != NULL:
        residual += group_bytes(added, group, e.channels, 0) + box_bytes(added, box)
    # Rows that follow one another are one.
    line.count = box[3].count
    a = 3 if line.count > 1 else 2      # a row of one pixel may have any step
    line.dst_step, line.residual_step = to.axis_bytes[a], added.axis_bytes[a]
    if rows == 1 or (to.axis_bytes[2] == line.count * line.dst_step and (
            residual == NULL or added.axis_bytes[2] == line.count * line.residual_step)):
        line.count *= rows
        rows = 1
    for n in range(box[0].count):
        for d in range(box[1].count):
            for h in range(rows):
                line.dst = (dst + n * to.axis_bytes[0] + d * to.axis_bytes[1]
                            + h * to.axis_bytes[2])
                line.residual = NULL
                if residual != NULL:
                    line.residual = (residual + n * added.axis_bytes[0] + d * added.axis_bytes[1]
                                     + h * added.axis_bytes[2])
                epilogue_line(e, operands, &line, group, o0, o1, sums, transposed)
                sums += line.count * e.itemsize * (1 if e.channels_first else e.pitch)
