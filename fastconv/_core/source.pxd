# SPDX-License-Identifier: BSD-3-Clause
from fastconv._core.axis cimport Span, phase, shift
from fastconv._core.table cimport fc_tap, fc_taps
from fastconv._core.window cimport block_t, window_t

# Where the elements of a box are: channel c of pixel (n, d, h, w), read through a tap, is
#     data[n pixel[0] + d pixel[1] + h pixel[2] + w pixel[3] + tap + (c - c0) channel]
cdef struct source_t:
    const char *data
    Py_ssize_t pixel[4]
    Py_ssize_t channel          # from one input channel to the next; 1: they lie side by side
    # How far a tap of an axis moves: by its number in the user's array, by phase and shift in
    # a strip.
    Py_ssize_t index[4]
    Py_ssize_t phase[4]
    bint in_place
    # The spans with the taps of this block.
    const Span *box[4]
    Span narrow[4]

cdef inline Py_ssize_t tap_offset(const window_t *window, const source_t *source, int axis,
                                  Py_ssize_t tap) noexcept nogil:
    cdef const Span *span = source.box[axis]
    if source.in_place:
        return tap * source.index[axis]
    return (phase(&window.axis[axis], span, tap) * source.phase[axis]
            + shift(&window.axis[axis], span, tap) * source.pixel[axis])

cdef bint would_read_in_place(const window_t *window, const Span **box, Py_ssize_t group,
                              const block_t *block, source_t *source) noexcept nogil
cdef void prepare(const window_t *window, const char *src, const Span **box, Py_ssize_t group,
                  const block_t *block, char *scratch, bint strip, source_t *source, fc_tap *tap,
                  fc_taps *taps) noexcept nogil
cdef void make_strip(const window_t *window, const char *src, const Span **box, Py_ssize_t group,
                     Py_ssize_t c0, Py_ssize_t c1, char *scratch, source_t *source) noexcept nogil
cdef void single_steps(fc_taps *taps, fc_tap *step) noexcept nogil
