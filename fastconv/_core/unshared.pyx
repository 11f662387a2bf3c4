# SPDX-License-Identifier: BSD-3-Clause
"""The windows of an output position, and its weights, as rows along k."""
from cpython.pyport cimport PY_SSIZE_T_MIN
from libc.string cimport memcpy, memset

from fastconv._core.axis cimport Axis, reach
from fastconv._core.window cimport operands_t, window_t

cdef Py_ssize_t NOWHERE = PY_SSIZE_T_MIN     # on padding, or a constant border


cdef void locate(const local_t *p, Py_ssize_t position, place_t *place) noexcept nogil:
    """Where a position is."""
    cdef Py_ssize_t a, start
    cdef const Axis *axis
    place.interior, place.base = True, 0
    for a in range(2, -1, -1):
        axis = &p.window.axis[a + 1]
        place.at[a] = position % axis.dst
        position //= axis.dst
        start = place.at[a] * axis.stride - axis.pad
        place.start[a] = start
        if start < 0 or start + (axis.taps - 1) * axis.dilation >= axis.src:
            place.interior = False
        place.base += start * p.window.src.axis_bytes[a + 1]


cdef void list_block(const local_t *p, Py_ssize_t e0, Py_ssize_t e1, Py_ssize_t channel_bytes,
                     const Py_ssize_t *planes, const Py_ssize_t *rows, const Py_ssize_t *taps,
                     Py_ssize_t component_bytes, Py_ssize_t *offset) noexcept nogil:
    """The offsets of elements [e0, e1) of k, from those of each axis; one that is NOWHERE on an
    axis is so altogether."""
    cdef Py_ssize_t kh = p.window.axis[2].taps, kw = p.window.axis[3].taps
    cdef Py_ssize_t c = e0 // p.window.taps, t = e0 % p.window.taps
    cdef Py_ssize_t d = t // (kh * kw), h = t // kw % kh, w = t % kw, e, at
    for e in range(e1 - e0):
        if planes[d] == NOWHERE or rows[h] == NOWHERE or taps[w] == NOWHERE:
            at = NOWHERE
        else:
            at = c * channel_bytes + planes[d] + rows[h] + taps[w]
        if p.each == 1:
            offset[e] = at
        else:
            offset[2 * e] = at
            offset[2 * e + 1] = at if at == NOWHERE else at + component_bytes
        w += 1
        if w == kw:
            w = 0
            h += 1
            if h == kh:
                h = 0
                d += 1
                if d == p.window.axis[1].taps:
                    d = 0
                    c += 1


cdef Py_ssize_t taps_of(const local_t *p, Py_ssize_t a, Py_ssize_t e0, Py_ssize_t e1,
                        Py_ssize_t *first) noexcept nogil:
    """How many taps of an axis elements [e0, e1) of k have; from the first one on, and from 0
    again behind the last."""
    cdef Py_ssize_t i, inner = 1
    for i in range(a + 1, 3):
        inner *= p.window.axis[i + 1].taps
    first[0] = e0 // inner % p.window.axis[a + 1].taps
    return min(p.window.axis[a + 1].taps, (e1 - 1) // inner - e0 // inner + 1)


cdef void list_axes(const local_t *p, Py_ssize_t e0, Py_ssize_t e1, const Py_ssize_t *axis_bytes,
                    bint dilated, Py_ssize_t **list) noexcept nogil:
    """The offsets of the taps of each axis."""
    cdef Py_ssize_t a, t, i, first
    for a in range(3):
        for i in range(taps_of(p, a, e0, e1, &first)):
            t = (first + i) % p.window.axis[a + 1].taps
            list[a][t] = t * axis_bytes[a] * (p.window.axis[a + 1].dilation if dilated else 1)


cdef void list_of(const local_t *p, char *scratch, Py_ssize_t **list) noexcept nogil:
    """Room for the offsets of each axis."""
    list[0] = <Py_ssize_t *> (scratch + p.axis)
    list[1] = list[0] + p.window.axis[1].taps
    list[2] = list[1] + p.window.axis[2].taps


cdef void begin_block(const local_t *p, Py_ssize_t e0, Py_ssize_t e1, char *scratch) noexcept nogil:
    """Where elements [e0, e1) of k lie, in any window inside the input and in a row of weights."""
    cdef Py_ssize_t *list[3]
    list_of(p, scratch, list)
    list_axes(p, e0, e1, &p.window.src.axis_bytes[1], True, list)
    list_block(p, e0, e1, p.window.src.channel_bytes, list[0], list[1], list[2],
               p.window.src.component_bytes, <Py_ssize_t *> (scratch + p.inside))
    if not p.weights.native:
        list_axes(p, e0, e1, &p.weights.axis_bytes[1], False, list)
        list_block(p, e0, e1, p.weights.axis_bytes[0], list[0], list[1], list[2],
                   p.weights.component_bytes, <Py_ssize_t *> (scratch + p.row))


cdef void choose_offsets(const local_t *p, Py_ssize_t e0, Py_ssize_t e1, place_t *place,
                         char *scratch) noexcept nogil:
    """The offsets of a block at a position: those of any window inside the input, or its own."""
    cdef Py_ssize_t *list[3]
    cdef Py_ssize_t *offset = <Py_ssize_t *> (scratch + p.outside)
    cdef Py_ssize_t *hole = <Py_ssize_t *> (scratch + p.holes)
    cdef Py_ssize_t a, i, t, at, first, count = (e1 - e0) * p.each, somewhere = 0
    cdef const Axis *axis
    place.holes, place.empty = 0, False
    if place.interior:
        place.offset = <const Py_ssize_t *> (scratch + p.inside)
        return
    list_of(p, scratch, list)
    for a in range(3):
        axis = &p.window.axis[a + 1]
        for i in range(taps_of(p, a, e0, e1, &first)):
            t = (first + i) % axis.taps
            at = reach(axis, place.start[a] + t * axis.dilation)
            list[a][t] = NOWHERE if at < 0 else at * p.window.src.axis_bytes[a + 1]
    list_block(p, e0, e1, p.window.src.channel_bytes, list[0], list[1], list[2],
               p.window.src.component_bytes, offset)
    place.base, place.offset, place.empty = 0, offset, True
    for t in range(count):
        if offset[t] == NOWHERE:
            hole[place.holes] = t
            place.holes += 1
        elif place.empty:
            place.empty, somewhere = False, offset[t]
    for t in range(place.holes):
        offset[hole[t]] = somewhere     # read, and then overwritten


cdef void turn(char *row, Py_ssize_t count, Py_ssize_t itemsize, bint imaginary) noexcept nogil:
    """Complex numbers x as (x_re, -x_im), or as (x_im, x_re)."""
    cdef Py_ssize_t i
    cdef float *single = <float *> row
    cdef double *double_ = <double *> row
    for i in range(0, count, 2):
        if itemsize == 4:
            if imaginary:
                single[i], single[i + 1] = single[i + 1], single[i]
            else:
                single[i + 1] = -single[i + 1]
        elif imaginary:
            double_[i], double_[i + 1] = double_[i + 1], double_[i]
        else:
            double_[i + 1] = -double_[i + 1]


cdef void gather(const local_t *p, const operands_t *operands, const place_t *place,
                 Py_ssize_t group, Py_ssize_t v0, Py_ssize_t v1, Py_ssize_t count,
                 char *scratch) noexcept nogil:
    """Windows [v0, v1) at a position, each a row of `count` numbers and zeros behind."""
    cdef const window_t *window = &p.window
    cdef const Py_ssize_t *hole = <const Py_ssize_t *> (scratch + p.holes)
    cdef Py_ssize_t size = window.itemsize, lanes = window.kernels.lanes, v, part, i
    cdef Py_ssize_t whole = (count + lanes - 1) // lanes * lanes
    cdef char *row = scratch + p.x
    cdef const char *src
    for v in range(v0, v1):
        part = v % p.window_parts
        if not place.empty:
            src = (operands.src + v // p.window_parts * window.src.axis_bytes[0]
                   + group * window.channels * window.src.channel_bytes)
            if p.each == 1:
                src += part * window.src.component_bytes
            window.kernels.gather(row, <const char *> (<size_t> src + <size_t> place.base),
                                  place.offset, count, window.src.storage)
        for i in range(place.holes):
            memcpy(row + hole[i] * size,
                   window.border_value[part if p.each == 1 else hole[i] % 2], size)
        if p.each == 2:
            turn(row, count, size, part == 1)
        memset(row + count * size, 0, (whole - count) * size)
        row += p.pitch * size


cdef const char *weight_rows(const local_t *p, const operands_t *operands, const place_t *place,
                             Py_ssize_t group, Py_ssize_t r0, Py_ssize_t r1, Py_ssize_t e0,
                             Py_ssize_t count, char *scratch, Py_ssize_t *pitch) noexcept nogil:
    """Rows [r0, r1) of a block of k at a position, and how far they are apart: where they lie, or
    as a copy, if they must be converted, or are inf or NaN where the window is on padding."""
    cdef const rows_t *weights = &p.weights
    cdef const window_t *window = &p.window
    cdef const Py_ssize_t *hole = <const Py_ssize_t *> (scratch + p.holes)
    cdef Py_ssize_t size = window.itemsize, channels = p.rows // p.row_parts
    cdef Py_ssize_t r, i, a, part
    cdef bint padded = place.holes > 0 and not weights.integer and window.padded
    cdef bint finite = True
    cdef const char *src = operands.wei
    cdef const char *row
    cdef char *dst = scratch + p.raw
    for a in range(3):
        src += place.at[a] * weights.position_bytes[a]
    src += group * channels * weights.channel_bytes
    if weights.native:
        src += r0 * weights.channel_bytes + e0 * p.each * size
        pitch[0] = weights.channel_bytes // size
        for r in range(r1 - r0 if padded else 0):
            finite = finite and window.kernels.finite(src + r * weights.channel_bytes, count)
        if finite:
            return src
    for r in range(r1 - r0):
        if weights.native:
            memcpy(dst, src + r * weights.channel_bytes, count * size)
        else:
            part = (r0 + r) % p.row_parts
            row = (src + (r0 + r) // p.row_parts * weights.channel_bytes
                   + part * weights.component_bytes)
            if part >= weights.components:
                memset(dst, 0, count * size)
            elif weights.step_bytes:
                window.kernels.copy_row(dst, 0, count, 0, row + e0 * weights.step_bytes,
                                        weights.step_bytes, weights.storage,
                                        window.border_value[0])
            else:
                window.kernels.gather(dst, row, <const Py_ssize_t *> (scratch + p.row), count,
                                      weights.storage)
        for i in range(place.holes if padded else 0):
            memset(dst + hole[i] * size, 0, size)
        dst += p.pitch * size
    pitch[0] = p.pitch
    return scratch + p.raw
