# SPDX-License-Identifier: BSD-3-Clause
"""Windows, from what the plan says of axes and arrays; and the scratch that their strips need."""
from libc.stdlib cimport malloc

from fastconv._core.axis cimport (
    ZERO, Axis, Span, begin_spans, count_spans, make_span, most_elements)


cdef void set_view(view_t *view, layout, Py_ssize_t component_groups):
    """An array, from its `Layout`."""
    view.storage, view.itemsize = layout.storage, layout.component_bytes
    view.axis_bytes = (layout.strides[0], *layout.strides[2:])
    view.channel_bytes = layout.strides[1]
    view.components, view.component_bytes = layout.components, layout.component_bytes
    view.component_groups = component_groups
    view.step_bytes = layout.strides[1] // layout.components
    view.end_bytes = layout.end


cdef Span *set_axes(window_t *window, axes, cuts, separate, block_taps) except NULL:
    """The axes, as (src, dst, taps, stride, dilation, pad, border), and their spans: returns where
    these are, for the caller to free."""
    cdef Py_ssize_t a, i, spans = 0
    cdef Axis *axis
    cdef Span *memory
    window.taps = window.boxes = 1
    for a in range(4):
        axis = &window.axis[a]
        (axis.src, axis.dst, axis.taps, axis.stride, axis.dilation, axis.pad,
         axis.border) = axes[a]
        axis.block_taps, axis.separate = block_taps[a], separate[a]
        axis.spans = count_spans(cuts[a][0], cuts[a][1])
        window.taps *= axis.taps
        window.boxes *= axis.spans
        spans += axis.spans
    memory = <Span *> malloc(max(spans, 1) * sizeof(Span))
    if memory == NULL:
        raise MemoryError(f"fastconv: no memory for {spans * sizeof(Span)} bytes of plan")
    spans = 0
    for a in range(4):
        axis = &window.axis[a]
        axis.span = memory + spans
        begin_spans(axis, cuts[a][0], cuts[a][1])
        for i in range(axis.spans):
            make_span(axis, &axis.span[i])
        spans += axis.spans
    return memory


cdef void largest_box(const window_t *window, Py_ssize_t *pixels, Py_ssize_t *strip,
                      Py_ssize_t *border) noexcept:
    """What decides how much scratch a thread takes: at most so many output pixels in a box,
    elements of a channel in a strip, and of a row of it if its border is read."""
    cdef Py_ssize_t a, i, longest, largest = 0
    cdef const Axis *axis
    pixels[0] = strip[0] = 1
    for a in range(4):
        axis = &window.axis[a]
        longest = largest = 0
        for i in range(axis.spans):
            largest = max(largest, most_elements(axis, &axis.span[i]))
            longest = max(longest, axis.span[i].count)
        strip[0] *= largest
        pixels[0] *= longest
    border[0] = largest if window.axis[3].border != ZERO else 0


cdef void book_strip(window_t *window, Py_ssize_t *end, Py_ssize_t channels, Py_ssize_t strip,
                     Py_ssize_t slack) noexcept:
    """Scratch for a strip of so many channels, of `strip` elements each.  Channels (or pixels)
    a page apart would share sets of the cache, so they are a line further apart (source.pyx)."""
    cdef Py_ssize_t line = LINE // window.itemsize
    if window.channels_first:
        strip = channels * (strip + line)
    else:
        strip *= channels + (line if channels * window.itemsize >= PAGE else 0)
    window.slack = slack
    window.at_strip = book(end, (strip + slack) * window.itemsize)
