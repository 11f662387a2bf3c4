# SPDX-License-Identifier: BSD-3-Clause
"""Channels in vectors, for few input channels a group: a task is a box and some vectors of output
channels, with a kernel for each vector.

    for each vector of channels:        a strip is copied, unless pixels are read in place
        for each block of k:            one kernel for each output plane

Depthwise kernels make all vectors of a task at once where they can.  What the planes read is in
tables (planes.pyx).  Channels first are transposed: a part of the input becomes a strip
[pixel][channel], which is then read like an input of that layout.
"""
from fastconv._core cimport source as sources
from fastconv._core cimport epilogue, weights
from fastconv._core.axis cimport Span
from fastconv._core.conv cimport conv_t, next_block, take_task
from fastconv._core.epilogue cimport epilogue_t
from fastconv._core.planes cimport bring_near, find_pixels, found_t, planes_t
from fastconv._core.source cimport source_t
from fastconv._core.table cimport (
    FC_BIAS_COLS, FC_NOWHERE, fc_groups, fc_pixels, fc_reads, fc_store, fc_tap, fc_taps)
from fastconv._core.window cimport block_t, group_bytes, operands_t

# Positions of an axis that a box reads: the first one, and how many there are to the last.
cdef struct part_of_axis_t:
    Py_ssize_t first, count


cdef void find_positions(const planes_t *d, int a, const fc_reads *reads,
                         part_of_axis_t *part) noexcept nogil:
    cdef Py_ssize_t i, at, last = -1
    part.first = 0
    for i in range((reads.outputs - 1) * reads.stride + (reads.taps - 1) * reads.dilation + 1):
        if reads.place[i] != FC_NOWHERE:
            at = reads.place[i] // d.step[a]
            part.first = at if last < 0 else min(part.first, at)
            last = max(last, at)
    part.count = last - part.first + 1 if last >= 0 else 0


cdef const char *transpose_part(const planes_t *d, const found_t *found, const char *src,
                                Py_ssize_t channels, char *scratch) noexcept nogil:
    """A strip [pixel][channel] of what a box reads, from the first of some channels on; returns
    where position 0 of all axes would be."""
    cdef const conv_t *p = d.conv
    cdef Py_ssize_t size = p.window.itemsize, i, h, rows = 1
    cdef Py_ssize_t *step = [0, p.window.src.axis_bytes[1], p.window.src.axis_bytes[2], size]
    cdef char *strip = scratch + p.window.at_strip
    cdef char *dst
    cdef part_of_axis_t part[4]
    find_positions(d, 1, &found.pixels.depth, &part[1])
    find_positions(d, 2, &found.pixels.row, &part[2])
    find_positions(d, 3, &found.pixels.column, &part[3])
    src += part[3].first * step[3]
    if step[2] == part[3].count * size and d.step[2] == part[3].count * d.step[3]:
        rows = part[2].count    # they follow one another
    for i in range(part[1].count):
        h = 0
        while h < part[2].count:
            dst = strip + (i * d.step[1] + h * d.step[2]) * size
            p.window.kernels.transpose(
                dst, d.step[3],
                src + (part[1].first + i) * step[1] + (part[2].first + h) * step[2],
                p.window.src.step_bytes // size, channels, rows * part[3].count, NULL)
            h += rows
    for i in range(1, 4):
        strip = <char *> (<size_t> strip - <size_t> (part[i].first * d.step[i] * size))
    return strip


cdef inline unsigned int lanes_of(Py_ssize_t channels) noexcept nogil:
    return <unsigned int> ((<unsigned long long> 1 << channels) - 1)


cdef void vectors_of_channels(const planes_t *d, const found_t *found, const Span **box,
                              const block_t *block, const char *weight, const char *data, char *dst,
                              Py_ssize_t dst_bytes, Py_ssize_t inputs, Py_ssize_t vectors,
                              Py_ssize_t channels, const fc_store *store,
                              char *scratch) noexcept nogil:
    """All planes of a box, each `dst_bytes` after the one before it."""
    cdef Py_ssize_t i
    cdef fc_pixels pixels = found.pixels
    cdef fc_groups groups
    pixels.lanes = lanes_of(channels - (vectors - 1) * d.conv.panels.width)
    if d.grouped:
        groups.channels, groups.first = block.c1 - block.c0, block.c0
        groups.width, groups.lanes = d.conv.panels.width, lanes_of(inputs)
        groups.index = NULL
        if d.index != NULL:
            groups.index = d.index + block.c0 * d.conv.window.kernels.lanes * d.conv.window.itemsize
        groups.room, groups.step = scratch + d.at_room, <Py_ssize_t *> (scratch + d.at_step)
    for i in range(box[1].count):
        if d.grouped:
            d.conv.window.kernels.grouped(&pixels, &groups, weight, data, dst + i * dst_bytes,
                                          store)
        else:
            d.conv.window.kernels.depthwise_channels(&pixels, vectors, weight, data,
                                                     dst + i * dst_bytes, store)
        pixels.depth.place += pixels.depth.stride


cdef void channels_task(const void *what, operands_t *operands, Py_ssize_t task,
                        char *scratch) noexcept nogil:
    cdef const planes_t *d = <const planes_t *> what
    cdef const conv_t *p = d.conv
    cdef const epilogue_t *e = &p.epilogue
    cdef const Span *box[4]
    cdef source_t source
    cdef block_t block, wanted
    cdef found_t found
    cdef fc_taps taps
    cdef fc_store store
    cdef Py_ssize_t group, s, s0, s1, channel, channels, width = p.panels.width, a
    cdef Py_ssize_t input, inputs, last_input, vectors
    cdef Py_ssize_t dst_bytes, size = p.window.itemsize
    cdef bint in_place_store = e.in_place_store, last, once, known = False
    cdef const char *data
    cdef const char *strip = NULL
    cdef const char *weight
    cdef char *dst
    take_task(p, task, box, &group, &s0, &s1)
    for a in range(4):
        source.box[a] = box[a]
    dst_bytes = box[3].count * box[2].count * width * size
    if in_place_store:
        dst_bytes = e.dst.axis_bytes[1]
    # All blocks have all taps.
    once = p.schedule.block_k >= p.schedule.depth or p.schedule.block_k % p.window.taps == 0
    last_input = min(s1 * d.inputs, d.all_inputs)
    vectors = s1 - s0 if d.at_once else 1
    s = s0
    while s < s1:
        input = s * d.inputs
        inputs = min(vectors * d.inputs, d.all_inputs - input)
        channel = s * width
        channels = min(vectors * width, e.channels - channel)
        dst = scratch + p.at.sum
        if in_place_store:
            dst = epilogue.output(e, operands, box, group, channel)
        block.k1 = -1
        while next_block(p, &block):
            last = block.k1 == p.schedule.depth
            if not d.in_place and not known:
                # A strip of the channels of the task, or where taps differ from block to block,
                # of this vector.
                wanted = block
                wanted.c0 = input if not once else s0 * d.inputs
                wanted.c1 = input + inputs if not once else last_input
                sources.prepare(&p.window, operands.src, box, group, &wanted, scratch, True,
                                &source, <fc_tap *> scratch, &taps)
            if not known:
                find_pixels(d, box, &source, &block, scratch, &found)
                # All channels of a pixel, which are read in place, follow one another.
                found.pixels.ahead = d.far and d.at_once and last_input - input == d.all_inputs
                if d.far and once and not d.at_once:
                    bring_near(d, box, &found.pixels.depth, &found.pixels.row,
                               operands.src + found.first_bytes
                               + group_bytes(&p.window.src, group, p.window.channels, input),
                               last_input - input)
                known = once
            if d.in_place:
                data = (operands.src + found.first_bytes
                        + group_bytes(&p.window.src, group, p.window.channels, input))
                if d.transposes and (block.k0 == 0 or not once):
                    strip = transpose_part(d, &found, data, inputs, scratch)
                if d.transposes:
                    data = strip
            else:
                data = source.data + (input - s0 * d.inputs if once else 0) * size
            epilogue.begin_store(e, operands, block.k0 == 0, last, in_place_store, FC_BIAS_COLS,
                                 &store)
            epilogue.set_bias(e, operands, group, channel, &store)
            weight = weights.panels(p, operands, group, s, s + vectors, &block, p.window.padded,
                                    scratch)
            vectors_of_channels(d, &found, box, &block, weight, data, dst, dst_bytes, inputs,
                                vectors, channels, &store, scratch)
        epilogue.store_sums(e, operands, box, group, channel, channel + channels, in_place_store,
                            dst, scratch + p.at.transposed)
        s += vectors
