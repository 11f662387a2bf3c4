# SPDX-License-Identifier: BSD-3-Clause
"""grouped: groups of few channels, of which several share a vector.

A task is one of channels.pyx, with all groups as the output channels of one: each reads the input
channels of its own group.
"""
from fastconv._core.axis cimport Axis
from fastconv._core.channels cimport channels_task
from fastconv._core.conv cimport conv_t
from fastconv._core.parallel cimport make_tasks
from fastconv._core.planes cimport Planes, planes_t, taps_apart
from fastconv._core.table cimport FC_GROUPED_NARROW, FC_SPREAD, find
from fastconv._core.window cimport PAGE, book


cdef class Groups(Planes):
    """A `Planes` of several input channels for each output: so many of `inputs` in a vector,
    `all_inputs` in all.  `index` tells where in a vector of input channels the lanes of the output
    find each channel of their group, in places of 32 bits; it is empty where a vector has one
    group."""
    cdef bytes index

    def __init__(self, *, inputs, all_inputs, index, **fields):
        self.index = index
        self.wanted = inputs, all_inputs
        super().__init__(**fields)

    cdef tuple wanted

    cdef _book_planes(self):
        cdef conv_t *p = &self.c
        cdef planes_t *d = &self.d
        cdef const Axis *depth = &p.window.axis[1]
        cdef const Axis *row = &p.window.axis[2]
        cdef const Axis *column = &p.window.axis[3]
        cdef Py_ssize_t size = p.window.itemsize, lanes = p.window.kernels.lanes, end
        cdef Py_ssize_t channels = max(<Py_ssize_t> 1, p.schedule.block_k // p.window.taps)
        cdef Py_ssize_t apart = taps_apart(column), phases, length, rows
        d.grouped = True
        d.inputs, d.all_inputs = self.wanted
        d.index = NULL
        if self.index:
            d.index = self.index
        Planes._book_planes(self)
        end = p.scratch_bytes
        phases = min(apart, column.block_taps)
        length = p.window.kernels.grouped_pixels + (column.block_taps - 1) // apart
        length = (length + FC_SPREAD - 1) // FC_SPREAD * FC_SPREAD
        d.at_step = book(&end, column.block_taps * channels * sizeof(Py_ssize_t))
        rows = row.block_taps + min(taps_apart(row), row.block_taps)  # of the ring, at most
        d.at_room = book(&end, depth.block_taps * rows * phases * length * lanes * size
                         * (channels if self.index else 1))
        p.scratch_bytes = (end + PAGE - 1) // PAGE * PAGE


def pixels(isa, dtype):
    """How many pixels side by side share the weights: in wide columns, and in narrow ones."""
    return find(isa, dtype).grouped_pixels, FC_GROUPED_NARROW


def tasks(Planes problem):
    """What a call has to do."""
    return make_tasks(problem, &problem.d, channels_task, problem.c.tasks,
                      problem.c.scratch_bytes)
