# SPDX-License-Identifier: BSD-3-Clause
"""Sums and means of scipy.ndimage, called as its compiled functions are: see filter_pass.pyx."""

import numpy as np

from libc.math cimport fabs
from libc.stdlib cimport free, malloc
from numpy cimport PyArray_IS_C_CONTIGUOUS, PyArray_ISALIGNED, import_array

from fastconv._core.boxes cimport (
    LANES, array_t, box_t, choose_boxes, pass_t, side_t, tap_offset)
from fastconv._core.cells cimport run_pass
from fastconv._core.context cimport context_t
from fastconv._core.filter_pass cimport (
    as_double, begin_line_pass, begin_window_pass, elements_of, place_taps)
from fastconv._core.filters cimport (
    FC_F64, FC_SUM, FC_SUM_ANTISYMMETRIC, FC_SUM_FIRST, FC_SUM_SYMMETRIC)
from fastconv._core.views cimport elements, look

import_array()

cdef double EPSILON = 2.0 ** -52

cdef enum:
    SMALL = 32                  # weights for which no memory is asked


cdef const char *sum_row(const pass_t *p, const char *cell, Py_ssize_t count,
                         char *out) noexcept nogil:
    p.filters.sum_row(out, cell, &p.sums, count)
    return out


def correlate1d(input, weights, int axis, output, int mode, cval, Py_ssize_t origin):
    """Sums along an axis: scipy.ndimage.correlate1d, once its arguments are checked."""
    cdef pass_t p
    cdef context_t context
    cdef array_t taps
    cdef Py_ssize_t t, n, half
    cdef const double *given
    cdef double[3 * SMALL] small
    cdef double *weight
    cdef Py_ssize_t *offset
    reason = look(weights, &taps, False)
    if reason is not None:
        return reason
    if not PyArray_ISALIGNED(weights):
        weights = np.array(weights)
        look(weights, &taps, False)
    if taps.rank != 1 or taps.storage != FC_F64 or (taps.strides[0] != 8 and taps.shape[0] > 1):
        return "weights that are no row of float64"
    n = taps.shape[0]
    reason = begin_line_pass(&p, input, axis, output, mode, cval, n, origin, False, &context)
    if reason is not None:
        return reason or None
    p.name, p.taps = "correlate1d", n
    given, half = <const double *> taps.data, n // 2
    weight = small
    if n > SMALL:
        weight = <double *> malloc(n * (sizeof(double) + 2 * sizeof(Py_ssize_t)))
        if weight == NULL:
            raise MemoryError(f"fastconv: no memory for {n} weights")
    offset = <Py_ssize_t *> (weight + n)
    p.sums.weight, p.sums.offset, p.sums.mate = weight, offset, offset + n
    p.row = sum_row
    choose_boxes(&p, elements_of(&p) * n, 1, context.threads)
    p.sums.form, p.sums.taps = form_of(given, n), n
    if p.sums.form == FC_SUM_FIRST:         # the last one comes first
        weight[0], offset[0] = given[n - 1], tap_offset(&p, axis, n - 1)
        for t in range(n - 1):
            weight[t + 1], offset[t + 1] = given[t], tap_offset(&p, axis, t)
    else:
        p.sums.taps = half + 1
        weight[0], offset[0] = given[half], tap_offset(&p, axis, half)
        for t in range(half):
            weight[t + 1], offset[t + 1] = given[t], tap_offset(&p, axis, t)
            offset[n + t + 1] = tap_offset(&p, axis, n - 1 - t)
    try:
        run_pass(&p, context.threads, context.shared, elements_of(&p) * n)
    finally:
        if n > SMALL:
            free(weight)
    return None


cdef int form_of(const double *weight, Py_ssize_t n) noexcept:
    """Whether weights are symmetric, antisymmetric or neither, to rounding."""
    cdef Py_ssize_t i, half = n // 2
    cdef bint symmetric = n % 2, antisymmetric = n % 2
    for i in range(1, half + 1 if n % 2 else 0):
        if fabs(weight[half + i] - weight[half - i]) > EPSILON:
            symmetric = False
        if fabs(weight[half + i] + weight[half - i]) > EPSILON:
            antisymmetric = False
    return FC_SUM_SYMMETRIC if symmetric else FC_SUM_ANTISYMMETRIC if antisymmetric \
        else FC_SUM_FIRST


def correlate(input, weights, output, int mode, cval, origins):
    """Sums over windows: scipy.ndimage.correlate, once its arguments are checked."""
    cdef pass_t p
    cdef context_t context
    cdef array_t window
    cdef Py_ssize_t i, n, taps = 0
    cdef const double *given
    cdef double value
    cdef char *used
    cdef double[3 * SMALL] small
    cdef double *weight
    reason = look(weights, &window, False)
    if reason is None:
        reason = as_double(cval, &value)
    if reason is not None:
        return reason
    if not PyArray_ISALIGNED(weights):
        weights = np.array(weights)
        look(weights, &window, False)
    if window.storage != FC_F64 or not PyArray_IS_C_CONTIGUOUS(weights):
        return "weights that are no contiguous float64"
    reason = begin_window_pass(&p, input, &window, output, mode, origins, &context, value)
    if reason is not None:
        return reason or None
    n, given = elements(&window), <const double *> window.data
    weight = small
    if n > SMALL:
        weight = <double *> malloc(n * (sizeof(double) + sizeof(Py_ssize_t) + 1))
        if weight == NULL:
            raise MemoryError(f"fastconv: no memory for {n} weights")
    used = <char *> (weight + 2 * n)
    for i in range(n):
        used[i] = fabs(given[i]) > EPSILON
        if used[i]:
            weight[taps] = given[i]
            taps += 1
    p.name, p.taps = "correlate", taps
    p.sums.form, p.sums.taps, p.row = FC_SUM, taps, sum_row
    p.sums.weight, p.sums.offset = weight, <Py_ssize_t *> (weight + n)
    choose_boxes(&p, elements_of(&p) * n, 1, context.threads)
    place_taps(&p, &window, used, <Py_ssize_t *> (weight + n))
    try:
        run_pass(&p, context.threads, context.shared, elements_of(&p) * n)
    finally:
        if n > SMALL:
            free(weight)
    return None


cdef char *mean_box(const pass_t *p, const box_t *box, char *cells, char *scratch) noexcept nogil:
    """Means take the place of the cells that sums leave behind."""
    cdef char *work = scratch + p.at_work
    cdef char *total = scratch + p.at_total
    cdef char *group
    cdef const side_t *side = &p.side[p.moving]
    cdef Py_ssize_t pitch = side.pitch, size = box.size[p.moving], i, away, line
    if p.lines > 1:             # transposed, so that lines are lanes; some of them at a time
        line = p.side[p.moving - 1].pitch
        for i in range(p.side[0].box * p.side[0].pitch // (p.side[p.moving - 1].box * line)):
            group = cells + i * p.side[p.moving - 1].box * line * p.itemsize
            p.kernels.transpose(work, LANES, group, line, box.size[p.moving - 1],
                                size + side.before + side.after, NULL)
            p.filters.mean_rows(work, work + LANES * p.itemsize, LANES, size, LANES, p.size, total,
                                box.begins)
            p.kernels.transpose(group, line, work, LANES, size, box.size[p.moving - 1], NULL)
    elif p.moving == p.axes - 1:
        for i in range(p.pixel):
            away = i * p.itemsize
            p.filters.mean_line(cells + away, cells + p.pixel * p.itemsize + away, p.pixel,
                                (size - i + p.pixel - 1) // p.pixel, p.size,
                                total + away, box.begins)
    else:
        p.filters.mean_rows(cells, cells + pitch * p.itemsize, pitch, size, box.size[p.axes - 1],
                            p.size, total, box.begins)
    return cells


def uniform_filter1d(input, Py_ssize_t size, int axis, output, int mode, cval, Py_ssize_t origin):
    """Means along an axis: scipy.ndimage.uniform_filter1d, once its arguments are checked."""
    cdef pass_t p
    cdef context_t context
    reason = begin_line_pass(&p, input, axis, output, mode, cval, size, origin, True, &context)
    if reason is not None:
        return reason or None
    p.name, p.taps, p.whole = "uniform_filter1d", size, mean_box
    choose_boxes(&p, elements_of(&p) * 8, LANES if p.pixel == 1 else 1, context.threads)
    run_pass(&p, context.threads, context.shared, elements_of(&p) * 8)
    return None
