# SPDX-License-Identifier: BSD-3-Clause
"""An axis of a convolution, cut into spans of output positions."""

cdef struct Tap:
    Py_ssize_t index        # which tap of the kernel's axis
    Py_ssize_t lane         # the lane of the strip that holds its numbers ...
    Py_ssize_t shift        # ... and where in it output position 0 of the span reads

# Output positions [start, start + count) of an axis and what they read.  With stride s,
# padding p and dilation d, output o meets tap t at input position o s - p + t d.  A strip
# holds lanes: lane j, element u  =  input position (start + u) s - p + lane[j].
# Taps t and t' that differ by a multiple of s can share a lane (shift = t d div s).
cdef struct Span:
    Py_ssize_t start, count
    Py_ssize_t taps, lanes  # taps that meet input somewhere in the span; lanes they need
    Py_ssize_t length       # elements of a lane: count + the largest shift
    Tap *tap
    Py_ssize_t *lane
    Py_ssize_t like         # an earlier span with the same taps and lanes, or -1

# What lies around the input.  A tap on ZERO adds nothing; the others are read like input.
# The order is that of boundary.py.
cdef enum Border:
    ZERO, CONSTANT, EDGE, WRAP, MIRROR, SYMMETRIC

cdef struct Axis:
    Py_ssize_t src, dst, taps, stride, dilation, pad
    int border                  # what lies around the input: see Border
    Py_ssize_t src_bytes, dst_bytes, residual_bytes     # from one position to the next
    Py_ssize_t window           # taps of the axis that a block of k can hold: all, or some in a row
    bint separate               # a lane for each tap
    Py_ssize_t spans
    Span *span


cdef inline bint tap_input(const Axis *axis, Py_ssize_t start, Py_ssize_t count,
                           Py_ssize_t tap) noexcept nogil:
    """Whether the tap meets input anywhere in [start, start + count)."""
    cdef Py_ssize_t first = start * axis.stride - axis.pad + tap * axis.dilation
    cdef Py_ssize_t last = first + (count - 1) * axis.stride
    if axis.border != ZERO:
        return True
    if first < 0:
        first += (-first + axis.stride - 1) // axis.stride * axis.stride
    return first <= last and first < axis.src


cdef inline Py_ssize_t reach(const Axis *axis, Py_ssize_t at) noexcept nogil:
    """The input position that lies at `at`, which may be outside; -1: the constant."""
    cdef Py_ssize_t period
    if 0 <= at < axis.src:
        return at
    if axis.border == EDGE:
        return 0 if at < 0 else axis.src - 1
    if axis.border <= CONSTANT:
        return -1
    period = axis.src
    if axis.border != WRAP:     # there and back again
        period = max(1, 2 * axis.src - (2 if axis.border == MIRROR else 0))
    at %= period
    if at < 0:
        at += period
    if at >= axis.src:
        at = period - at if axis.border == MIRROR else period - 1 - at
    return at


cdef void make_span(const Axis *axis, Span *span) noexcept nogil
cdef void narrow(const Axis *axis, const Span *whole, Py_ssize_t first, Py_ssize_t end,
                 Span *span) noexcept nogil
cdef Py_ssize_t most_elements(const Axis *axis, const Span *span) noexcept nogil
cdef Py_ssize_t count_spans(points, Py_ssize_t size)
cdef void cut(points, Py_ssize_t size, Py_ssize_t *start)
cdef Py_ssize_t begin_spans(Axis *axis, const Py_ssize_t *start) noexcept
