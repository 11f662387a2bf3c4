# SPDX-License-Identifier: BSD-3-Clause
"""depthwise: whole planes of the output, for one input channel a group.

With pixels in vectors, a task is a box of one image and some groups:

    for each group:                     a strip is copied, unless rows are read in place
        for each output channel:        one kernel for the plane, or for those of some groups

With channels in vectors it is a task of channels.pyx, with a kernel for each vector.  What the
planes read is in tables (planes.pyx).
"""
from fastconv._core cimport source as sources
from fastconv._core cimport epilogue, weights
from fastconv._core.axis cimport Span
from fastconv._core.channels cimport channels_task
from fastconv._core.conv cimport conv_t, next_block
from fastconv._core.epilogue cimport epilogue_t
from fastconv._core.parallel cimport make_tasks
from fastconv._core.planes cimport (
    Planes, bring_near, find_plane, found_t, planes_t, reads_in_place)
from fastconv._core.source cimport source_t
from fastconv._core.table cimport FC_BIAS_ROWS, fc_store, fc_tap, fc_taps
from fastconv._core.window cimport block_t, group_bytes, operands_t, take_box


cdef const char *weights_of(const planes_t *d, operands_t *operands, Py_ssize_t group,
                            Py_ssize_t channel, const block_t *block, Py_ssize_t channels,
                            char *scratch) noexcept nogil:
    """The weights of output channels and a block of k, (tap, channel)."""
    cdef const conv_t *p = d.conv
    cdef const char *weight
    cdef Py_ssize_t i, count = block.k1 - block.k0
    if not d.weights_in_place:
        return weights.panel(p, operands, group, channel, block, p.window.padded, scratch)
    weight = (operands.wei + group // p.window.src.component_groups * p.panels.group_bytes
              + channel * p.panels.row_bytes + block.k0 * p.window.itemsize)
    if p.window.padded and not p.panels.integer:
        if p.panels.group_bytes == count * p.window.itemsize:   # they follow one another
            count, channels = count * channels, 1
        for i in range(channels):
            if not p.window.kernels.finite(weight + i * p.panels.group_bytes, count):
                operands.not_finite = 1
    return weight


cdef void pixels_task(const void *what, operands_t *operands, Py_ssize_t task,
                      char *scratch) noexcept nogil:
    cdef const planes_t *d = <const planes_t *> what
    cdef planes_t own = d[0]
    cdef const conv_t *p = d.conv
    cdef const epilogue_t *e = &p.epilogue
    cdef const Span *box[4]
    cdef source_t source
    cdef block_t block, wanted
    cdef found_t found
    cdef fc_taps taps
    cdef fc_tap *tap = <fc_tap *> scratch
    cdef fc_store store
    cdef Py_ssize_t shares = (p.groups + d.task_groups - 1) // d.task_groups
    cdef Py_ssize_t group = task % shares * d.task_groups, g, channel, together
    cdef Py_ssize_t end = min(group + d.task_groups, p.groups)
    cdef bint in_place_store = e.in_place_store, known = False, last, near = False
    cdef const char *data
    cdef const char *weight
    cdef char *dst
    take_box(&p.window, task // shares, box)
    for channel in range(4):
        source.box[channel] = box[channel]
    own.in_place = reads_in_place(d, box[3])
    in_place_store = in_place_store or (d.bytes and own.in_place)
    d = &own
    while group < end:
        together = min(d.together, end - group) if d.in_place else 1
        block.k1 = -1
        while next_block(p, &block):
            last = block.k1 == p.schedule.depth
            if d.in_place:
                data = operands.src + group_bytes(&p.window.src, group, p.window.channels, block.c0)
            else:
                wanted = block
                wanted.c1 += d.interleaved - 1
                sources.prepare(&p.window, operands.src, box, group, &wanted, scratch, True,
                                &source, tap, &taps)
                data = source.data
            if not known:
                find_plane(d, box, &source, &block, scratch, &found)
                known = last and block.k0 == 0          # all that there is to know
            if d.in_place:
                near = near or not d.far or found.plane.columns_ahead
                for channel in range(0 if near else together):
                    bring_near(d, box, &found.plane.depth, &found.plane.row,
                               data + box[0].start * p.window.src.axis_bytes[0]
                               + channel * p.window.src.step_bytes, d.interleaved)
                data += found.first_bytes
            epilogue.begin_store(e, operands, block.k0 == 0, last, in_place_store, FC_BIAS_ROWS,
                                 &store)
            near = found.plane.b_ahead != 0         # ... is the next one
            for channel in range(e.channels // d.interleaved):
                epilogue.set_bias(e, operands, group, channel, &store)
                dst = scratch + p.at.sum + channel * d.sum_bytes
                if in_place_store:
                    dst = epilogue.output(e, operands, box, group, channel)
                weight = weights_of(d, operands, group, channel, &block, together, scratch)
                weight += found.weights * p.window.itemsize
                p.window.kernels.depthwise(&found.plane, together, weight, data, dst, &store)
                if last and not (in_place_store and e.simple):
                    for g in range(group, group + together):
                        epilogue.store_sums(e, operands, box, g, channel,
                                            channel + d.interleaved, in_place_store, dst,
                                            scratch + p.at.transposed)
        group += together


def tasks(Planes problem):
    """What a call has to do."""
    cdef conv_t *p = &problem.c
    return make_tasks(problem, &problem.d,
                      pixels_task if p.schedule.pixels_wide else channels_task,
                      p.tasks, p.scratch_bytes)
