# SPDX-License-Identifier: BSD-3-Clause
"""Extremes of scipy.ndimage, called as its compiled functions are: see filter_pass.pyx."""

import numpy as np

from libc.math cimport fabs, isnan
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy
from numpy cimport (
    NPY_BOOL, PyArray_IS_C_CONTIGUOUS, PyArray_ISALIGNED, PyArray_TYPE, import_array)

from fastconv._core.boxes cimport array_t, box_t, choose_boxes, pass_t
from fastconv._core.cells cimport run_pass
from fastconv._core.context cimport context_t
from fastconv._core.filter_pass cimport (
    RANGES, as_double, begin_line_pass, begin_window_pass, elements_of, hold_narrow, odd_numbers,
    place_taps)
from fastconv._core.filters cimport (
    FC_ADD_DOUBLE, FC_ADD_FLOAT, FC_ADD_INTEGER, FC_ADD_NOTHING, FC_F32, FC_F64, FC_KIND)
from fastconv._core.views cimport elements, look


import_array()


cdef char *extreme_box(const pass_t *p, const box_t *box, char *cells,
                       char *scratch) noexcept nogil:
    """Windows of 2, 4, 8 ... by twos, and two that overlap for the size that is wanted."""
    cdef char *work = scratch + p.at_work
    cdef Py_ssize_t m = 1, pitch = p.side[p.moving].pitch
    cdef Py_ssize_t count = box.size[p.moving] + p.side[p.moving].before + p.side[p.moving].after
    if p.moving != p.axes - 1:
        count *= pitch
    elif p.axes > 1:            # several rows
        count = p.side[0].box * p.side[0].pitch
    if p.pixel > 1 and p.moving == p.axes - 1:
        pitch *= p.pixel
    while 2 * m <= p.size:
        p.filters.extreme_two(work, cells, m * pitch, count - m * pitch, p.minimum)
        cells = work
        count -= m * pitch
        m *= 2
    if m < p.size:
        p.filters.extreme_two(work, cells, (p.size - m) * pitch, count - (p.size - m) * pitch,
                              p.minimum)
        cells = work
    return cells


def min_or_max_filter1d(input, Py_ssize_t size, int axis, output, int mode, cval,
                        Py_ssize_t origin, int minimum):
    """Extremes along an axis: scipy.ndimage.minimum_filter1d, once its arguments are checked."""
    cdef pass_t p
    cdef context_t context
    cdef array_t src
    cdef double value
    reason = begin_line_pass(&p, input, axis, output, mode, cval, size, origin, False, &context)
    if reason is not None:
        return reason or None
    look(input, &src, False)
    memcpy(&value, p.value[0], 8)
    if p.constant and isnan(value):
        return "a constant that is NaN"
    if odd_numbers(input, &src, &context) & 1:
        return "NaN in the input"
    hold_narrow(&p, &context, value)
    p.name, p.taps = "min_or_max_filter1d", size
    p.whole, p.minimum = extreme_box, minimum != 0
    choose_boxes(&p, elements_of(&p) * 8, 1, context.threads)
    run_pass(&p, context.threads, context.shared, elements_of(&p) * 8)
    return None


cdef const char *extreme_row(const pass_t *p, const char *cell, Py_ssize_t count,
                             char *out) noexcept nogil:
    p.filters.extreme_row(out, cell, &p.footprint, count)
    return out


def min_or_max_filter(input, footprint, structure, output, int mode, cval, origins, int minimum):
    """Extremes under a footprint: scipy.ndimage.minimum_filter, once its arguments are checked."""
    cdef pass_t p
    cdef context_t context
    cdef array_t window, heights
    cdef Py_ssize_t i, n, taps = 0
    cdef double value
    cdef double *height
    cdef const char *used
    cdef bint integer
    cdef int kind
    reason = look(footprint, &window, False)
    if reason is None:
        reason = as_double(cval, &value)
    if reason is not None:
        return reason
    if PyArray_TYPE(footprint) != NPY_BOOL or not PyArray_IS_C_CONTIGUOUS(footprint):
        return "a footprint that is no contiguous bool"
    reason = begin_window_pass(&p, input, &window, output, mode, origins, &context, value)
    if reason is not None:
        return reason or None
    kind = p.src_storage & FC_KIND
    integer = kind not in (FC_F32, FC_F64, FC_KIND)
    bounds = RANGES[input.dtype.str[1:]] if integer else None
    if p.constant:              # SciPy makes a number of the dtype of it
        if integer and not bounds[0] <= value <= bounds[1]:
            return "a constant beyond the integers of the input"
        value = <double> <long long> value if integer else \
            <double> <float> value if kind == FC_F32 else value
        memcpy(p.value[0], &value, 8)
    p.footprint.add = FC_ADD_NOTHING
    if structure is None:
        hold_narrow(&p, &context, value)
    else:
        reason = look(structure, &heights, False)
        if reason is not None:
            return reason
        if not PyArray_ISALIGNED(structure):
            structure = np.array(structure)
            look(structure, &heights, False)
        if heights.storage != FC_F64 or not PyArray_IS_C_CONTIGUOUS(structure) \
                or elements(&heights) != elements(&window):
            return "a structure that is no contiguous float64"
        if integer and input.dtype.itemsize == 8 and not are_small(input):
            return "a structure over large 64-bit integers"
        p.footprint.add = FC_ADD_INTEGER if integer else FC_ADD_DOUBLE \
            if kind == FC_F64 else FC_ADD_FLOAT
        if integer:
            p.footprint.low, p.footprint.high = bounds
    n, used = elements(&window), window.data
    for i in range(n):
        taps += used[i] != 0
    if taps == 0:
        return "an empty footprint"
    height = <double *> malloc(n * (sizeof(double) + sizeof(Py_ssize_t)))
    if height == NULL:
        raise MemoryError(f"fastconv: no memory for a footprint of {n} elements")
    p.name, p.taps = "min_or_max_filter", taps
    p.footprint.minimum, p.footprint.taps, p.row = minimum != 0, taps, extreme_row
    p.footprint.height, p.footprint.offset = height, <Py_ssize_t *> (height + n)
    choose_boxes(&p, elements_of(&p) * n, 1, context.threads)
    place_taps(&p, &window, used, <Py_ssize_t *> (height + n))
    try:
        if structure is not None:
            reason = raise_heights(&p, <const double *> heights.data, used, n, height)
        if reason is None:
            run_pass(&p, context.threads, context.shared, elements_of(&p) * n)
    finally:
        free(height)
    return reason


cdef bint are_small(object integers) except -1:
    """Whether int64 and double hold the same of all of them, and of their sums with int32."""
    if integers.dtype.kind == "u":
        return False
    return -(2 ** 52) < integers.min() and integers.max() < 2 ** 52


cdef object raise_heights(const pass_t *p, const double *given, const char *used, Py_ssize_t n,
                          double *height):
    """What a structure adds: of all but the first tap a number of the dtype of the input."""
    cdef Py_ssize_t i, t = 0
    cdef double value
    cdef long long whole, low = <long long> p.footprint.low, high = <long long> p.footprint.high
    for i in range(n):
        if not used[i]:
            continue
        value = -given[i] if p.footprint.minimum else given[i]
        if t and p.footprint.add == FC_ADD_FLOAT:
            value = <float> value
        if t and p.footprint.add == FC_ADD_INTEGER:
            if not fabs(value) < 2.0 ** 31:
                return "a structure beyond int32"
            whole = (<long long> value - low) % (high - low + 1)
            value = <double> (whole + low + (high - low + 1 if whole < 0 else 0))
        height[t] = value
        t += 1
    return None
