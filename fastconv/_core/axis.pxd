# SPDX-License-Identifier: BSD-3-Clause
"""An axis of a convolution, cut into spans of output positions."""

# What lies around the input.  A tap on ZERO adds nothing; the others are read like input.
# The order is that of _spec/borders.py.
cdef enum Border:
    ZERO, CONSTANT, EDGE, WRAP, MIRROR, SYMMETRIC

# Output positions [start, start + count) of an axis and what they read.  With stride s, padding p
# and dilation d, output o reads tap t at input position o s - p + t d.
#
# Taps [first, first + taps) are those that may be valid: may read the input somewhere in the span.
# A strip holds phases of the axis, each every s-th position:
#     phase j, element u  =  input position (start + u) s - p + phase_offset(j)
# so that output position start + i reads tap t in element i + shift(t) of phase(t).  Taps that
# differ by a multiple of s share a phase, unless they are `separate`: then each has its own, and
# no shift.
cdef struct Span:
    Py_ssize_t start, count
    Py_ssize_t first, taps
    Py_ssize_t phases
    Py_ssize_t length       # elements of a phase: count + the largest shift
    bint separate

cdef struct Axis:
    Py_ssize_t src, dst         # positions of input and output
    Py_ssize_t taps, stride, dilation
    Py_ssize_t pad              # before the input; what is after it follows from dst
    int border                  # what lies around the input: see Border
    Py_ssize_t block_taps       # taps of the axis that a block of k can hold: all, or some in a row
    bint separate               # a phase for each tap
    Py_ssize_t spans
    Span *span


cdef inline Py_ssize_t ceiling(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """a / b rounded up, for b > 0."""
    return (a + b - 1) // b if a > 0 else -(-a // b)


cdef inline Py_ssize_t phase(const Axis *axis, const Span *span, Py_ssize_t tap) noexcept nogil:
    """The phase that a tap of the span reads."""
    if span.separate:
        return tap - span.first
    # Phases come back after stride / gcd(stride, dilation) taps; of a stride of 1 there is one.
    return 0 if span.phases == 1 else (tap - span.first) % span.phases


cdef inline Py_ssize_t shift(const Axis *axis, const Span *span, Py_ssize_t tap) noexcept nogil:
    """The element of the phase that output position `start` reads."""
    if span.separate:
        return 0
    if axis.stride == 1:
        return (tap - span.first) * axis.dilation
    return tap * axis.dilation // axis.stride - span.first * axis.dilation // axis.stride


cdef inline Py_ssize_t phase_offset(const Axis *axis, const Span *span,
                                    Py_ssize_t j) noexcept nogil:
    """Where phase j begins: tap first + j is the first that reads it."""
    cdef Py_ssize_t at = (span.first + j) * axis.dilation
    if span.separate:
        return at
    return at % axis.stride + span.first * axis.dilation // axis.stride * axis.stride


cdef inline void valid(const Axis *axis, Py_ssize_t tap, Py_ssize_t *first,
                       Py_ssize_t *end) noexcept nogil:
    """Output positions [first, end) read the input, or a border that counts as such, through a
    tap; the same as `Axis.valid` in Python."""
    cdef Py_ssize_t offset = tap * axis.dilation - axis.pad
    first[0], end[0] = 0, axis.dst
    if axis.border == ZERO:
        first[0] = min(axis.dst, max(0, ceiling(-offset, axis.stride)))
        end[0] = max(first[0], min(axis.dst, ceiling(axis.src - offset, axis.stride)))


cdef inline bint tap_input(const Axis *axis, Py_ssize_t start, Py_ssize_t count,
                           Py_ssize_t tap) noexcept nogil:
    """Whether the tap is valid anywhere in [start, start + count)."""
    cdef Py_ssize_t first, end
    valid(axis, tap, &first, &end)
    return max(first, start) < min(end, start + count)


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
    if not 0 <= at < period:    # a division takes as long as a short row
        at += period if at < 0 else -period
        if not 0 <= at < period:
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
cdef void begin_spans(Axis *axis, points, Py_ssize_t size)
