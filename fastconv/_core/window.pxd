# SPDX-License-Identifier: BSD-3-Clause
"""What an operation reads: a window that moves over an array, and the addresses of a call.

The four axes are batch, depth, height, width; the batch is an axis with one tap, so nothing
distinguishes it from the others.  An axis is cut into spans of output positions (axis.pxd), and a
box is one span of every axis.  Nothing here knows of weights or sums.
"""
from fastconv._core.axis cimport Axis, Span
from fastconv._core.table cimport fc_kernels

# An array, in bytes from one element to the next.
#
# Channels are counted in real numbers: a complex channel is two, its components.  Only where a
# complex array meets a real one, its components become groups of their own (`component_groups` is
# 2, else 1): group g holds component g % 2 of what is group g // 2 of the array.
cdef struct view_t:
    int storage                 # how elements are stored: see fc_kernels.h
    Py_ssize_t itemsize         # bytes of a real number
    Py_ssize_t axis_bytes[4]
    Py_ssize_t channel_bytes
    Py_ssize_t step_bytes       # to the next real channel, where all of them are evenly spaced
    Py_ssize_t components, component_bytes, component_groups
    Py_ssize_t end_bytes        # from the first element to the end of the array's memory

# The input as threads see it, and the strips that are made of it (source.pyx).
cdef struct window_t:
    const fc_kernels *kernels   # of the dtype that strips hold
    Py_ssize_t itemsize         # of that dtype
    Axis axis[4]
    Py_ssize_t boxes            # spans of all axes
    Py_ssize_t taps             # of all axes
    view_t src
    Py_ssize_t channels         # of a group of the input
    char border_value[2][8]     # of each component, in the dtype of strips
    bint padded                 # some taps of some outputs fall on padding
    bint in_place_allowed       # the array may be read where it is; if `padded`, without padding
    bint pixels_in_vectors      # pixels are read in whole vectors, so they must lie side by side
    bint in_runs                # ... from the first one of a row, or of several dense ones, on
    Py_ssize_t to[4]            # elements between outputs, or 0 where these are dense in scratch
    bint channels_first         # strips are [channel][pixel], else [pixel][channel]
    bint across                 # ... and the array is the other way round, with the same numbers
    Py_ssize_t at_strip, at_border      # bytes from the start of a thread's scratch
    Py_ssize_t slack                    # elements behind a strip

# Channels [c0, c1) of a group, read through taps [t0, t1).  For a convolution these are elements
# [k0, k1) of k, which counts (channel, tap).
cdef struct block_t:
    Py_ssize_t k0, k1, c0, c1, t0, t1

# Addresses of the arrays of a call; NULL: there is none.
cdef struct operands_t:
    char *src
    char *wei
    char *packed            # weights in panels (weights.pyx)
    char *dst
    char *bias              # an element for each output channel, and a vector of slack
    char *residual
    char *index             # indices that pooling finds, or that unpooling reads
    int not_finite          # set by a task that found inf or NaN among the weights

cdef enum:
    LINE = 64               # bytes of a line of the cache
    PAGE = 4096             # what lies a multiple of this apart shares a set of the cache


cdef inline Py_ssize_t channel_bytes(const view_t *view, Py_ssize_t channel) noexcept nogil:
    """From the first channel of an array to another one."""
    return (channel // view.components * view.channel_bytes
            + channel % view.components * view.component_bytes)


cdef inline Py_ssize_t group_bytes(const view_t *view, Py_ssize_t group, Py_ssize_t channels,
                                   Py_ssize_t channel) noexcept nogil:
    """From the first element of an array to a channel of a group, of `channels` each."""
    return (group % view.component_groups * view.component_bytes
            + channel_bytes(view, group // view.component_groups * channels + channel))


cdef inline Py_ssize_t box_bytes(const view_t *view, const Span **box) noexcept nogil:
    """From the first pixel of an output to that of a box."""
    return (box[0].start * view.axis_bytes[0] + box[1].start * view.axis_bytes[1]
            + box[2].start * view.axis_bytes[2] + box[3].start * view.axis_bytes[3])


cdef inline Py_ssize_t take_box(const window_t *window, Py_ssize_t number,
                                const Span **box) noexcept nogil:
    """Box `number` of all; those of the last axis vary fastest.  Returns how often all boxes have
    come before."""
    cdef Py_ssize_t a
    for a in range(3, -1, -1):
        box[a] = &window.axis[a].span[number % window.axis[a].spans]
        number //= window.axis[a].spans
    return number


cdef inline Py_ssize_t book(Py_ssize_t *end, Py_ssize_t size) noexcept nogil:
    """A place of `size` bytes in scratch, which begins a line of the cache; moves the end."""
    cdef Py_ssize_t at = end[0]
    end[0] = at + (size + LINE - 1) // LINE * LINE
    return at


cdef void set_view(view_t *view, layout, Py_ssize_t component_groups)
cdef Span *set_axes(window_t *window, axes, cuts, separate, block_taps) except NULL
cdef void largest_box(const window_t *window, Py_ssize_t *pixels, Py_ssize_t *strip,
                      Py_ssize_t *border) noexcept
cdef void book_strip(window_t *window, Py_ssize_t *end, Py_ssize_t channels, Py_ssize_t strip,
                     Py_ssize_t slack) noexcept
