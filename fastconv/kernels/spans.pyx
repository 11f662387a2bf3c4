# SPDX-License-Identifier: BSD-3-Clause
"""Spans: the pieces that an axis is cut into, and the lanes of the strips they read."""
from libc.stdlib cimport free, malloc


cdef Py_ssize_t meetings(const Axis *axis, const Span *span) noexcept nogil:
    """Pairs of an output position and a tap of the span that meet input."""
    cdef Py_ssize_t t, first, end, pairs = 0
    if axis.border != ZERO:
        return span.taps * span.count
    for t in range(span.taps):
        # Positions from `first` to `end` see input through the tap.
        first = axis.pad - span.tap[t].index * axis.dilation
        end = (first + axis.src + axis.stride - 1) // axis.stride - span.start
        first = (first + axis.stride - 1) // axis.stride - span.start
        pairs += max(0, min(end, span.count) - max(first, 0))
    return pairs


cdef void lay_out(const Axis *axis, Span *span, bint separate) noexcept nogil:
    """Give each tap of the span its lane: one a tap, or one for each residue modulo stride."""
    cdef Py_ssize_t t, j, q, least = -1, most = 0, residue
    cdef Tap *tap
    span.lanes = 0
    for t in range(span.taps):
        q = span.tap[t].index * axis.dilation // axis.stride
        if least < 0 or q < least:
            least = q
        if q > most:
            most = q
    for t in range(span.taps):
        tap = &span.tap[t]
        q = tap.index * axis.dilation // axis.stride
        residue = tap.index * axis.dilation - q * axis.stride
        if separate:
            residue += q * axis.stride
            tap.shift = 0
        else:
            residue += least * axis.stride
            tap.shift = q - least
        j = span.lanes if separate else 0       # taps differ, so their own lanes do
        while j < span.lanes and span.lane[j] != residue:
            j += 1
        span.lane[j] = residue
        tap.lane = j
        if j == span.lanes:
            span.lanes += 1
    span.length = span.count + (0 if separate else most - least)


cdef void lay_out_best(const Axis *axis, Span *span) noexcept nogil:
    """As the axis says; but in a short span with a large dilation most of a lane is not read."""
    lay_out(axis, span, axis.separate)
    if not axis.separate and span.lanes * span.length > span.taps * span.count:
        lay_out(axis, span, True)


cdef void make_span(const Axis *axis, Span *span) noexcept nogil:
    cdef Py_ssize_t t
    span.taps = 0
    for t in range(axis.taps):
        if tap_input(axis, span.start, span.count, t):
            span.tap[span.taps].index = t
            span.taps += 1
    lay_out_best(axis, span)


cdef void narrow(const Axis *axis, const Span *whole, Py_ssize_t first, Py_ssize_t end,
                 Span *span) noexcept nogil:
    """The span with taps [first, end) of its axis only; `span` brings memory for them."""
    cdef Py_ssize_t t
    span.start, span.count, span.taps = whole.start, whole.count, 0
    for t in range(whole.taps):
        if first <= whole.tap[t].index < end:
            span.tap[span.taps].index = whole.tap[t].index
            span.taps += 1
    lay_out_best(axis, span)


cdef Py_ssize_t most_elements(const Axis *axis, const Span *span) noexcept nogil:
    """Elements of all lanes of the span, for any window of its taps."""
    cdef Py_ssize_t dense
    if axis.window >= axis.taps:
        return span.lanes * span.length
    dense = span.count + ((axis.window - 1) * axis.dilation + axis.stride - 1) // axis.stride
    dense *= min(axis.window, axis.stride)
    return axis.window * span.count if axis.separate else min(dense, axis.window * span.count)


cdef Py_ssize_t count_spans(points, Py_ssize_t size):
    cdef Py_ssize_t i, count = 0
    for i in range(len(points) - 1):
        count += max(1, (<Py_ssize_t> points[i + 1] - <Py_ssize_t> points[i] + size - 1) // size)
    return count


cdef void cut(points, Py_ssize_t size, Py_ssize_t *start):
    """Each interval between points in equal pieces of at most `size`; the last entry is the end."""
    cdef Py_ssize_t i, piece, pieces, first = 0, last = 0, at = 0
    for i in range(len(points) - 1):
        first, last = points[i], points[i + 1]
        pieces = max(1, (last - first + size - 1) // size)
        for piece in range(pieces):
            start[at] = first + (last - first) * piece // pieces
            at += 1
    start[at] = last


def kinds(axis, points, Py_ssize_t size, bint separate, Py_ssize_t window):
    """The kinds of spans of an axis (src, dst, taps, stride, dilation, pad, border), cut by `cut`:
    [(how many, (count, taps, met, lanes, length, elements)), ...], which estimate.py weighs."""
    cdef Axis c
    cdef Span span
    cdef Py_ssize_t i, j, kinds = 0, spans = count_spans(points, size)
    cdef Py_ssize_t *start
    c.src, c.dst, c.taps, c.stride, c.dilation, c.pad, c.border = axis
    c.separate, c.window = separate, window
    span.tap = <Tap *> malloc(c.taps * (sizeof(Tap) + sizeof(Py_ssize_t))
                              + (spans + 1) * sizeof(Py_ssize_t))
    if span.tap == NULL:
        raise MemoryError(f"fastconv: no memory for {spans} spans")
    span.lane = <Py_ssize_t *> (span.tap + c.taps)
    start = span.lane + c.taps
    found = {}
    cut(points, size, start)
    i = 0
    while i < spans:
        span.start, span.count = start[i], start[i + 1] - start[i]
        make_span(&c, &span)
        kind = (span.count, span.taps, meetings(&c, &span), span.lanes, span.length,
                most_elements(&c, &span))
        j = i + 1
        if inner(&c, &span):    # so are those after it that are as long
            while j < spans and start[j + 1] - start[j] == span.count:
                span.start = start[j]
                if not inner(&c, &span):
                    break
                j += 1
        found[kind] = found.get(kind, 0) + j - i
        i = j
    free(span.tap)
    return [(count, kind) for kind, count in found.items()]


cdef bint inner(const Axis *axis, const Span *span) noexcept nogil:
    """Whether all taps of the span meet input everywhere, or what counts as such."""
    return axis.border != ZERO or (
        span.start * axis.stride >= axis.pad and
        (span.start + span.count - 1) * axis.stride - axis.pad
        + (axis.taps - 1) * axis.dilation < axis.src)


cdef Py_ssize_t begin_spans(Axis *axis, const Py_ssize_t *start) noexcept:
    """Set the places of the spans; returns how many lists of taps they need: spans of equal
    length that no tap of meets padding are alike."""
    cdef Py_ssize_t i, j, lists = 0
    cdef Py_ssize_t[2] known = [-1, -1]
    cdef Span *span
    for i in range(axis.spans):
        span = &axis.span[i]
        span.start, span.count, span.like = start[i], start[i + 1] - start[i], -1
        if inner(axis, span):
            for j in range(2):
                if known[j] >= 0 and axis.span[known[j]].count == span.count:
                    span.like = known[j]
            if span.like < 0:
                known[0], known[1] = known[1], i
        if span.like < 0:
            lists += 1
    return lists
