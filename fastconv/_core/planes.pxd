# SPDX-License-Identifier: BSD-3-Clause
"""Planes of the output, of few input channels a group, and the tables of what they read."""
from fastconv._core.axis cimport Axis, Span
from fastconv._core.conv cimport Problem, conv_t
from fastconv._core.source cimport source_t
from fastconv._core.table cimport fc_pixels, fc_plane, fc_reads
from fastconv._core.window cimport block_t

# Taps of an axis in a block of k: [first, end).
cdef struct part_t:
    Py_ssize_t first, end

cdef struct planes_t:
    const conv_t *conv
    # Pixels are read where they lie in the array, but for what `reads_in_place` leaves out.
    bint in_place
    bint masked                 # ... columns on padding, too, under masks
    bint bytes                  # ... and input and output are of uint8, which kernels convert
    Py_ssize_t size             # ... bytes of such an element
    bint far                    # ... which lies beyond the second level of the cache
    bint large                  # ... a plane has no room there
    bint weights_in_place       # the weights of an output channel are read where they lie
    Py_ssize_t interleaved      # channels side by side that share their weights: columns of a row
    Py_ssize_t task_groups      # groups of a task
    Py_ssize_t together         # of them that one call of the kernel makes
    Py_ssize_t sum_bytes        # from the sums of an output channel to those of the next
    Py_ssize_t step[4]          # elements from position to position of what is read in place
    # With channels in vectors: input channels of a vector, and all there are.
    Py_ssize_t inputs, all_inputs
    bint transposes             # what is read in place is transposed before: see channels.pyx
    bint at_once                # all vectors of a task are made by one call of the kernel
    bint grouped                # several of them for each output: see `fc_groups`
    const char *index           # ... where lanes find them, for each channel of a group, or NULL
    Py_ssize_t at_room, at_step         # ... places of the kernel
    Py_ssize_t at_place[4]      # tables of depth, rows, and columns or steps
    Py_ssize_t at_columns, at_mask

# The tables of a box and a block of k, and where the first pixel of the box is.
cdef struct found_t:
    fc_plane plane
    fc_pixels pixels
    part_t part[4]
    Py_ssize_t weights          # of taps before the first one that is valid
    Py_ssize_t first_bytes      # in place: from a channel of the array to that pixel

cdef class Planes(Problem):
    cdef planes_t d
    cdef _book_planes(self)
    cdef Py_ssize_t _extent(self, int a)
    cdef Py_ssize_t _together(self)

cdef Py_ssize_t taps_apart(const Axis *axis) noexcept nogil
cdef bint reads_in_place(const planes_t *d, const Span *columns) noexcept nogil
cdef void bring_near(const planes_t *d, const Span **box, const fc_reads *depth,
                     const fc_reads *row, const char *src, Py_ssize_t channels) noexcept nogil
cdef void find_plane(const planes_t *d, const Span **box, const source_t *source,
                     const block_t *block, char *scratch, found_t *found) noexcept nogil
cdef void find_pixels(const planes_t *d, const Span **box, const source_t *source,
                      const block_t *block, char *scratch, found_t *found) noexcept nogil
