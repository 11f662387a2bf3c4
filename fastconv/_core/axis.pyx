# SPDX-License-Identifier: BSD-3-Clause
"""Spans: what an axis is cut into, and the phases of the strips they read."""
from libc.stdlib cimport free, malloc

cdef enum:
    PADDED_KINDS = 4            # of spans with taps on padding, which a plan weighs one by one


cdef Py_ssize_t sum_of_floors(Py_ssize_t n, Py_ssize_t a, Py_ssize_t b,
                              Py_ssize_t m) noexcept nogil:
    """The sum of (a i + b) // m for i = 0 ... n - 1, for a, b >= 0: the points with whole
    coordinates under a line, counted in steps like those of Euclid's algorithm."""
    cdef Py_ssize_t total = 0, top
    while n > 0:
        total += n * (n - 1) // 2 * (a // m) + n * (b // m)
        a, b = a % m, b % m
        top = a * n + b
        n, b = top // m, top % m        # the same with axes exchanged
        a, m = m, a
    return total


cdef Py_ssize_t sum_of_taps(const Axis *axis, const Span *span, Py_ssize_t at) noexcept nogil:
    """The sum of ceiling((at - o stride) / dilation), a tap, over the positions o of a span; where
    it is not among the taps of the span, of the nearest one, or their end."""
    cdef Py_ssize_t end = span.start + span.count, last = span.first + span.taps
    # Up to `high` it is the end of the taps, from `low` on the first of them.
    cdef Py_ssize_t high = ceiling(at - (last - 1) * axis.dilation, axis.stride)
    cdef Py_ssize_t low = ceiling(at - span.first * axis.dilation, axis.stride)
    high = max(span.start, min(end, high))
    low = max(high, min(end, low))
    return (last * (high - span.start) + span.first * (end - low)
            + sum_of_floors(low - high, axis.stride,
                            at - (low - 1) * axis.stride + axis.dilation - 1, axis.dilation))


cdef Py_ssize_t valid_pairs(const Axis *axis, const Span *span) noexcept nogil:
    """Pairs of an output position and a tap of the span that read the input.  Position o reads it
    through taps from ceiling((pad - o stride) / dilation) to ceiling((pad + src - o stride) /
    dilation)."""
    if axis.border != ZERO:
        return span.taps * span.count
    return (sum_of_taps(axis, span, axis.pad + axis.src)
            - sum_of_taps(axis, span, axis.pad))


cdef void lay_out(const Axis *axis, Span *span, bint separate) noexcept nogil:
    """Give the taps of the span phases: one a tap, or one for each residue modulo stride."""
    cdef Py_ssize_t period = axis.stride, rest = axis.dilation, last
    span.separate = separate
    span.phases, span.length = span.taps, span.count
    if separate or not span.taps:
        return
    while rest:                 # stride / gcd(stride, dilation)
        period, rest = rest, period % rest
    span.phases = min(span.taps, axis.stride // period)
    last = span.first + span.taps - 1
    span.length += (last * axis.dilation // axis.stride
                    - span.first * axis.dilation // axis.stride)


cdef void lay_out_best(const Axis *axis, Span *span) noexcept nogil:
    """As the axis says; but in a short span with a large dilation most of a phase is not read."""
    lay_out(axis, span, axis.separate)
    if not axis.separate and span.phases * span.length > span.taps * span.count:
        lay_out(axis, span, True)


cdef void make_span(const Axis *axis, Span *span) noexcept nogil:
    """What a span reads, from its start and count.  Its last position reads the lowest tap that
    any of them does, its first one the highest."""
    cdef Py_ssize_t at = axis.pad - span.start * axis.stride, end = axis.taps
    span.first = 0
    if axis.border == ZERO:
        span.first = max(0, ceiling(at - (span.count - 1) * axis.stride, axis.dilation))
        end = min(end, ceiling(at + axis.src, axis.dilation)) if axis.src else 0
    span.taps = max(0, end - span.first)
    lay_out_best(axis, span)


cdef void narrow(const Axis *axis, const Span *whole, Py_ssize_t first, Py_ssize_t end,
                 Span *span) noexcept nogil:
    """The span with taps [first, end) of its axis only."""
    span.start, span.count = whole.start, whole.count
    span.first = max(first, whole.first)
    span.taps = max(0, min(end, whole.first + whole.taps) - span.first)
    lay_out_best(axis, span)


cdef Py_ssize_t most_elements(const Axis *axis, const Span *span) noexcept nogil:
    """Elements of all phases of the span, for any block of its taps."""
    cdef Py_ssize_t dense, separate
    if axis.block_taps >= axis.taps:
        return span.phases * span.length
    dense = span.count + ((axis.block_taps - 1) * axis.dilation + axis.stride - 1) // axis.stride
    dense *= min(axis.block_taps, axis.stride)
    separate = axis.block_taps * span.count
    return separate if axis.separate else min(dense, separate)


cdef Py_ssize_t count_spans(points, Py_ssize_t size):
    cdef Py_ssize_t i, count = 0
    for i in range(len(points) - 1):
        count += max(1, (<Py_ssize_t> points[i + 1] - <Py_ssize_t> points[i] + size - 1) // size)
    return count


cdef void begin_spans(Axis *axis, points, Py_ssize_t size):
    """Cut an axis: each interval between points in equal pieces of at most `size`."""
    cdef Py_ssize_t i, piece, pieces, first, length
    cdef Span *span = axis.span
    for i in range(len(points) - 1):
        first, length = points[i], <Py_ssize_t> points[i + 1] - <Py_ssize_t> points[i]
        pieces = max(1, (length + size - 1) // size)
        for piece in range(pieces):
            span.start = first + length * piece // pieces
            span.count = first + length * (piece + 1) // pieces - span.start
            span += 1


cdef bint inner(const Axis *axis, const Span *span) noexcept nogil:
    """Whether all taps of the span are valid everywhere."""
    return axis.border != ZERO or (
        span.start * axis.stride >= axis.pad and
        (span.start + span.count - 1) * axis.stride - axis.pad
        + (axis.taps - 1) * axis.dilation < axis.src)


def valid_outputs(axis, Py_ssize_t tap):
    """`valid` of an axis (src, dst, taps, stride, dilation, pad, border)."""
    cdef Axis c
    cdef Py_ssize_t first, end
    c.src, c.dst, c.taps, c.stride, c.dilation, c.pad, c.border = axis
    valid(&c, tap, &first, &end)
    return first, end


def pairs(axis):
    """Pairs of an output position and a tap of an axis (src, dst, taps, stride, dilation, pad,
    border) that read the input."""
    cdef Axis c
    cdef Span span
    c.src, c.dst, c.taps, c.stride, c.dilation, c.pad, c.border = axis
    c.separate = False
    span.start, span.count = 0, c.dst
    make_span(&c, &span)
    return valid_pairs(&c, &span)


def kinds(axis, points, Py_ssize_t size, bint separate, Py_ssize_t block_taps):
    """The kinds of spans of an axis (src, dst, taps, stride, dilation, pad, border), cut as by
    `begin_spans`, which _plan/cost.py weighs:

        [(how many, (count, taps, valid pairs, phases, length)), ...], most count, most elements

    Where many spans have taps on padding, each in its own way, some stand for their neighbours.
    """
    cdef Axis c
    cdef Span *span
    cdef Py_ssize_t i, alike, padded = 0, together, most = 0, longest = 0
    c.src, c.dst, c.taps, c.stride, c.dilation, c.pad, c.border = axis
    c.separate, c.block_taps, c.spans = separate, block_taps, count_spans(points, size)
    c.span = <Span *> malloc(c.spans * sizeof(Span))
    if c.span == NULL:
        raise MemoryError(f"fastconv: no memory for {c.spans} spans")
    begin_spans(&c, points, size)
    for i in range(c.spans):
        make_span(&c, &c.span[i])
        longest = max(longest, c.span[i].count)
        most = max(most, most_elements(&c, &c.span[i]))
        padded += not inner(&c, &c.span[i])
    together = (padded + PADDED_KINDS - 1) // PADDED_KINDS
    found = {}
    i = 0
    while i < c.spans:
        alike = 1
        if inner(&c, &c.span[i]):
            while (i + alike < c.spans and c.span[i + alike].count == c.span[i].count
                   and inner(&c, &c.span[i + alike])):
                alike += 1
        else:
            while (alike < together and i + alike < c.spans
                   and not inner(&c, &c.span[i + alike])):
                alike += 1
        span = &c.span[i + alike // 2]
        kind = (span.count, span.taps, valid_pairs(&c, span), span.phases, span.length)
        found[kind] = found.get(kind, 0) + alike
        i += alike
    free(c.span)
    return [(count, kind) for kind, count in found.items()], longest, most
